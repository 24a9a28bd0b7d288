"""Publish the executed notebooks of several studies as one HTML book.

From the command line: `python -m helpers.book.site PROFILE STUDIES`, STUDIES a JSON list of study folders.
"""

from __future__ import annotations

import json
import sys

from helpers.book import graph, publish
from helpers.book.contents import BookStudy
from helpers.data import registry

SITE = "build/site"
OUT = "build"
BOOK = BookStudy(
    "book",
    "Checks",
    simulated=True,
    pages=tuple(graph.BOOK_PAGES),
    summary="How far the numbers of this book can be trusted.",
)


def book_study(node: graph.Node) -> BookStudy:
    """What the book needs to know of a study: its pages, or how to get the data that it lacks."""
    return BookStudy(
        name=node.name,
        title=node.study.title,
        simulated=node.study.simulated,
        pages=() if node.absent else tuple(node.pages()),
        absent="\n\n".join(registry.how_to_get(name) for name in node.absent),
        summary=node.study.question,
    )


def main(profile: str, folders: str) -> None:
    """Stage and build the book."""
    nodes = graph.studies(json.loads(folders), profile)
    own = [BOOK] if graph.book_pages(nodes.values()) else []
    publish.stage(SITE, studies=[book_study(node) for node in nodes.values()] + own)
    publish.build(SITE, OUT)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except publish.BuildError as error:
        sys.exit(str(error))

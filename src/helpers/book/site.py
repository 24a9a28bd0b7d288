"""Publish the executed notebooks of several studies as one HTML book.

From the command line: `python -m helpers.book.site PROFILE STUDIES`, STUDIES a JSON list of study folders.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from helpers.book import disclosure, gate, graph, pages, publish
from helpers.book.contents import BookStudy
from helpers.data import registry
from helpers.data.errors import StudyError

SITE = "build/site"
OUT = "build"
AUDITED = "book/claims/{}"  # the page on the paper behind a study


def book(studies: Sequence[BookStudy], papers: Mapping[str, str]) -> BookStudy:
    """The pages of the book itself, with links to the studies that do a paper again.

    Parameters
    ----------
    studies : sequence of BookStudy
        Those in the book.
    papers : mapping from study to str
        The letter of the paper that a study does again.
    """
    again: dict[str, list[str]] = {}
    for study in studies:
        if study.name in papers and study.pages:
            link = f"{{doc}}`{pages.bare(study.title)} </{study.name}/{study.pages[0]}>`"
            again.setdefault(f"claims/{papers[study.name].lower()}", []).append(link)
    return BookStudy(
        "book",
        "Checks",
        pages=tuple(graph.BOOK_PAGES),
        summary="How far the numbers of this book can be trusted, and those of the papers behind it.",
        kind="References, simulations and published numbers",
        headings={name: page.heading for name, page in graph.BOOK_PAGES.items() if page.heading},
        beside={
            page: f"This book does the study again, on data of its own: {', '.join(links)}."
            for page, links in again.items()
        },
    )


def book_study(node: graph.Node, *, audited: bool = False) -> BookStudy:
    """What the book needs to know of a study: its pages, or how to get the data that it lacks.

    `audited` says that the book has pages on published claims: a study that does a paper again then leads there.
    """
    found = () if node.absent else tuple(node.pages())
    beside = {}
    if audited and found and (letter := graph.paper_of(node)):
        page = AUDITED.format(letter.lower())
        beside = {found[0]: f"Which numbers of the paper behind this study add up: {{doc}}`paper {letter} </{page}>`."}
    return BookStudy(
        name=node.name,
        title=node.study.title,
        simulated=node.study.simulated,
        pages=found,
        absent="\n\n".join(registry.how_to_get(name) for name in node.absent),
        summary=node.study.question,
        beside=beside,
    )


def private(nodes: Iterable[graph.Node]) -> dict[str, str]:
    """What would name a patient of the studies that somebody brought; see `helpers.book.disclosure`."""
    found: dict[str, str] = {}
    for node in nodes:
        if node.study.source.kind == "own":
            found |= disclosure.identifiers(node.folder, declared=frozenset(c.name for c in node.study.covariates))
    return found


def main(profile: str, folders: str) -> None:
    """Audit the tables, stage and build the book."""
    nodes = graph.studies(json.loads(folders), profile)
    has_pages = bool(graph.book_pages(nodes.values()))
    studies = [book_study(node, audited=has_pages) for node in nodes.values()]
    if has_pages:
        studies.append(
            book(studies, {node.name: letter for node in nodes.values() if (letter := graph.paper_of(node))})
        )
    audited = gate.audit_book(graph.RESULTS, studies).demand()
    publish.stage(SITE, studies=studies, gate=audited)
    publish.build(SITE, OUT, private=private(nodes.values()))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (publish.BuildError, gate.GateError, StudyError) as error:
        sys.exit(str(error))

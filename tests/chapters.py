"""What the tests of whole chapters share: small settings, one chapter executed, a book opened page by page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import browser
from helpers.book import graph, publish, site
from helpers.book.execute import execute

TRAINING = {"size": 48, "crop_size": 52, "epochs": 2, "batch_size": 16, "width_divisor": 8, "patience": 2}
SMALL = {"training": TRAINING, "seeds": [0], "folds": 2, "repeats": 2, "resamples": 50}


def run(node: graph.Node, folder: Path, chapter: str, page: str | None = None, **parameters: object) -> None:
    """Execute one chapter with the parameters that the graph would give it."""
    values = parameters or node.parameters(chapter)
    execute(f"notebooks/{chapter}.py", folder / (page or chapter), {**values, "results": str(folder)})


def publish_book(made: Path, names: Iterable[str]) -> Path:
    """The published book of some studies below `made`; its folder."""
    nodes = graph.studies([str(made / name) for name in names], "quick")
    studies = [site.book_study(node) for node in nodes.values()]
    return publish.build(publish.stage(made / "site", studies=studies, results=made / "results"), made / "out").parent


def open_every_page(book: Path, *, simulated: str) -> set[str]:
    """Open every page without a network; the names of the pages. Pages of one study must have the banner."""
    pages = [path for path in book.rglob("*.html") if not {"_static", "_sources"} & set(path.parts)]
    with browser.reader() as (page, seen):
        for path in pages:
            if path.name == "index.html" and path.parent == book:
                continue
            page.goto(path.as_uri(), wait_until="load")
            marked = simulated in path.relative_to(book).parts
            assert page.locator(".simulated-banner").count() == int(marked), path
            assert "{glue" not in page.locator("main").inner_text(), path
    assert seen.outside == []
    assert seen.errors == []
    return {path.stem for path in pages}

"""What the tests of whole chapters share: small settings, one chapter executed, a book opened page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import jupytext
import pytest

import browser
from helpers.book import graph, publish, site
from helpers.book.execute import execute

TRAINING = {"size": 48, "crop_size": 52, "epochs": 2, "batch_size": 16, "width_divisor": 8, "patience": 2}
SMALL = {"training": TRAINING, "seeds": [0], "folds": 2, "repeats": 2, "resamples": 50}
STATISTICS = {"discrimination", "calibration", "decision", "subgroups"}
# which test file executes which notebooks; each file shows that its line is true
EXECUTED = {
    "test_chapters": {"cohort", "inputs", "baseline", "train", "fuse", "explain", "reporting"} | STATISTICS,
    "test_chapters_classes": {"classes", "calibration", "decision", "class_readers"},
    "test_chapters_nodes": {"cohort", "inputs", "train", "networks", "ynet", "segmentation", "reports"}
    | {"ways", "resampled", "discrimination", "explain"},
    "test_chapters_video": {"cohort", "inputs", "baseline", "train", "networks", "compare", "readers", "explain"}
    | {"reporting", "discrimination"},
    "test_claims_pages": {"claims", "claims_summary"},
    "test_own_predictions": {"assumptions", "discrimination", "calibration", "decision"},
    "test_performance": {"performance"},
    "test_proof_references": {"trust"},
    "test_lab": {"explore"},
}


def made_by(folder: Path, *makers: Callable[[Path], None]) -> Path:
    """The folder, after each maker has put a study and its results into it, from the repository root."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        for make in makers:
            make(folder)
    return folder


def executed(folder: Path) -> set[str]:
    """Notebooks that were executed from top to bottom somewhere below a folder."""
    records = [path for path in folder.rglob("run.json") if (path.parent / "notebook.ipynb").is_file()]
    return {Path(json.loads(path.read_text(encoding="utf-8"))["notebook"]).stem for path in records}


def run(node: graph.Node, folder: Path, chapter: str, page: str | None = None, **parameters: object) -> None:
    """Execute one chapter with the parameters that the graph would give it."""
    values = parameters or node.parameters(chapter)
    execute(f"notebooks/{chapter}.py", folder / (page or chapter), {**values, "results": str(folder)})


def run_cells(notebook: str, **parameters: object) -> dict[str, object]:
    """Run a notebook's code cells in this process, without a kernel of its own."""
    import matplotlib.pyplot as plt

    space: dict[str, object] = {}
    for cell in jupytext.read(f"notebooks/{notebook}.py").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, notebook, "exec"), space)
            if "parameters" in cell.metadata.get("tags", []):
                space |= parameters
    plt.close("all")
    return space


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

"""A paper's numbers stand only beside studies that declare the paper."""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.book import bare, outlined
from helpers.data import printed, report_terms
from helpers.data.errors import StudyError
from helpers.data.study import from_text
from helpers.stats import class_readers, models, segmentation, ways
from helpers.stats.class_calls import Calls

OWN = """
name: mine
title: A study of one's own
question: Which?
source: {kind: own}
outcome:
  name: class
  positive: c
  negative: not c
  classes: [a, b, c]
  reference_standard: histology
chapters: [classes]
"""
ABOUT_PAPERS = {"claims", "claims_summary"}


def with_paper(name: str):
    return from_text(OWN.replace("{kind: own}", f"{{kind: own, published: {name}}}"))


def test_only_the_declared_paper_is_found() -> None:
    own = from_text(OWN)
    files = [path.name for path in Path("data/published").glob("[A-D]_*.csv")]
    assert files and not any(printed.of(own, name) for name in files)
    follows = with_paper("B_table2.csv")
    assert {name for name in files if printed.of(follows, name)} == {name for name in files if name[0] == "B"}


@pytest.mark.parametrize("name", ["../B_table2.csv", "table2.csv", "B_table2.txt", "B_/table2.csv"])
def test_a_paper_is_named_by_a_file_of_printed_numbers(name) -> None:
    with pytest.raises(StudyError, match=r"source\.published"):
        with_paper(name)


@pytest.mark.parametrize("path", sorted(Path("notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_no_shared_notebook_reads_a_paper_by_itself(path) -> None:
    if path.stem not in ABOUT_PAPERS:
        text = path.read_text(encoding="utf-8")
        assert "data/published" not in text
        named = re.findall(r"(.{21})\"[A-D]_\w+\.csv\"", text)
        assert all(before.endswith("printed.of(settings, ") for before in named)


def test_ways_without_a_paper_have_no_rows_of_it() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(80) % 2
    rows = {"study": "mine", "split": "test", "seed": 0, "center": "A", "label": label, "model": "joint"}
    table = pd.DataFrame(rows).assign(risk=np.clip(0.3 + 0.3 * label + rng.normal(0, 0.2, 80), 0, 1))
    table["case_id"] = table["patient_id"] = [f"P{k}" for k in range(80)]
    part = models.panel(table, split="test")
    made = ways.table(part, models.freeze(None, rule="declared", value=0.4, models=["joint"]))
    shown = ways.beside(made, ways.published(None, None))
    assert shown.columns.tolist() == ["Measure", "joint"]
    paper = ways.published("data/published/B_table3.csv", "data/published/B_text.csv")
    with_it = ways.beside(made, paper).set_index("Measure")["joint, paper"]
    assert with_it[["AUC", "Sensitivity", "LR−"]].tolist() == ["0.797", "0.573", "0.49"]
    assert ways.beside(made.assign(way="report"), paper)["report, paper"].iloc[0] == "not reported"
    texts = {text.get_text() for text in ways.plot(made, None).legends[0].get_texts()}
    assert texts == {"joint"} and ways.quoted(None) == {"beside": "", "crosses": ""}
    plt.close("all")


def test_the_other_parts_are_empty_without_a_paper() -> None:
    assert outlined.published_quartiles(None) == {}
    swapped = outlined.published_quartiles("data/published/B_text.csv")
    assert swapped["lower quartile (printed as upper)"] == 0.324 < swapped["median"]
    assert list(swapped)[-2:] == ["upper quartile (printed as lower)", "max"]
    assert segmentation.printed_table({}) is None and segmentation.formula_sentence(None) == ""
    assert report_terms.published(None) is None
    truth = np.array([0, 1, 2, 2])
    one = Calls(("a", "b", "c"), truth, np.array([0, 1, 2, 0]), np.arange(4), "net")
    other = Calls(("a", "b", "c"), truth, np.array([0, 0, 2, 0]), np.arange(4), "junior")
    read = class_readers.ClassReaders({"junior": other}, {"net": one}, ("a", "b", "c"))
    for study in (from_text(OWN), with_paper("B_table2.csv")):
        assert set(class_readers.claims(read, study)["source"]) == {"here"}
    assert set(class_readers.claims(read, with_paper("C_text.csv"))["source"]) == {"printed", "here"}


@pytest.mark.parametrize(
    ("name", "head", "result"),
    [
        ("segmentation", "## The printed formula", "tab-formula"),
        ("reports", "## The dictionary as published", "tab-dictionary"),
    ],
)
def test_the_section_on_the_paper_leaves_the_page(name, head, result) -> None:
    cells = jupytext.read(f"notebooks/{name}.py").cells
    before = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    made = {line.split()[1] for line in before.splitlines() if line.startswith(":::{result-")}
    assert head in before and result in made
    kept = bare.without(jupytext.read(f"notebooks/{name}.py").cells, made - {result})
    text = "\n".join(cell.source for cell in kept if cell.cell_type == "markdown")
    assert head not in text and result not in text and "paper" not in text.lower()

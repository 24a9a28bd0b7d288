"""Views in JupyterLab: the widget shows what the book shows, and says what to run when results are missing."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

import views
from conftest import write_tiny
from helpers.book import widgets
from helpers.book.views import view
from helpers.book.widgets.cohort_filter import CohortFilter
from helpers.book.widgets.found import find
from helpers.book.widgets.panel import Panel
from helpers.data.errors import StudyError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, view.View]:
    return views.every(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def results(made: dict[str, view.View], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    views.results(folder, made)
    return folder / "olnm"


@pytest.mark.parametrize("kind", views.PAGES)
def test_each_call_shows_the_numbers_of_the_book(kind, made, results):
    one = made[kind]
    panel = Panel(*[find(kind, results)[0]], simulated=True)
    first = panel.scene.value
    assert "Simulated data" in first
    assert "<script" not in first
    moved = next(c for c in reversed(one.controls) if c.kind in ("range", "choice", "switch") and len(c.options) != 1)
    target = 0 if one.start()[moved.id] else 1
    panel.set(moved.id, target)
    assert panel.scene.value != first
    marks = one.marks(one.start() | {moved.id: target})
    texts = [str(own["text"]) for own in marks.values() if own.get("text")]
    assert texts
    shown = html.unescape(panel.scene.value)
    assert all(text in shown for text in texts)
    assert isinstance(getattr(widgets, kind)(results), ipywidgets.VBox)


def test_a_filter_moves_the_choice_to_a_case_that_fits(made):
    one = made["attention"]
    panel = Panel(one, simulated=False)
    place = 1 + one.control("center").options.index(views.EVIL)
    panel.set("center", place)
    items = one.matching({**panel.state}, "case")
    assert panel.state["case"] in items
    assert [value for _, value in panel.controls["case"].options] == items
    panel._step("case", 1)
    assert panel.state["case"] == items[1]
    assert panel.counts["case"].value == f"2 of {len(items)}"


def test_the_frozen_threshold_is_one_press_away(made):
    panel = Panel(made["threshold"], simulated=False)
    panel.set("threshold", 3)
    assert panel._frozen(made["threshold"].control("threshold")) == made["threshold"].control("threshold").frozen[0]
    box = next(b for b in panel.widget.children if panel.controls["threshold"] in getattr(b, "children", ()))
    box.children[1].click()
    assert panel.state["threshold"] == made["threshold"].control("threshold").frozen[0]


def note(widget: ipywidgets.Widget) -> str:
    return html.unescape(widget.children[1].value)


def test_missing_and_half_built_results_say_what_to_run(results, tmp_path):
    assert "make book STUDY=" in note(widgets.threshold(tmp_path / "nothing"))
    (tmp_path / "olnm").mkdir()
    said = note(widgets.attention(tmp_path / "olnm"))
    assert "'explain' was not made" in said and "make book STUDY=data/olnm" in said
    half = tmp_path / "half" / "olnm"
    shutil.copytree(results, half)
    path = half / "discrimination/figures/fig-threshold.view.json"
    path.write_text(path.read_text(encoding="utf-8")[:500], encoding="utf-8")
    assert "not whole" in note(widgets.threshold(half))
    path.unlink()
    assert "no such view" in note(widgets.threshold(half))
    next((half / "explain/figures").glob("*.webp")).unlink()
    assert "make book STUDY=data/olnm" in note(widgets.attention(half))
    with pytest.raises(StudyError, match="not whole"):
        find("attention", half)


def test_a_note_is_text(tmp_path):
    folder = tmp_path / "<script>x"
    folder.mkdir()
    assert "<script>" not in widgets.threshold(folder).children[1].value


def test_the_cohort_filter_counts_who_is_left(tiny):
    one = CohortFilter(tiny)
    table = pd.read_csv(tiny / "cohort.csv")
    one.controls["sex"].value = "male"
    low, high = one.controls["age"].min, one.controls["age"].max
    one.controls["age"].value = (50.0, high)
    assert low < 50
    left = table[(table["sex"] == "male") & (table["age"] >= 50)]
    assert [len(part) for _, part in one.steps()] == [40, int((table["age"] >= 50).sum()), len(left)]
    counts = f"{left['patient_id'].nunique()} patients, {len(left)} cases, {left['label'].sum()} events"
    assert counts in one.scene.value
    assert "Age" in one.scene.value
    one.controls["center"].value = "A"
    one.controls["age"].value = (high, high)
    assert "No Table 1" in one.scene.value


def test_the_cohort_filter_finds_its_study(tiny, tmp_path):
    page = tmp_path / "results" / "tiny" / "cohort"
    page.mkdir(parents=True)
    (page / "run.json").write_text(json.dumps({"parameters": {"study": str(tiny)}}), encoding="utf-8")
    assert "40 patients, 40 cases" in widgets.cohort(page.parent).children[2].value
    (tiny / "cohort.csv").unlink()
    assert f"make book STUDY={tiny}" in note(widgets.cohort(page.parent))
    write_tiny(tiny)
    text = (tiny / "cohort.csv").read_text(encoding="utf-8").replace(",A,", f",{views.EVIL},")
    (tiny / "cohort.csv").write_text(text, encoding="utf-8")
    assert "<script" not in widgets.cohort(page.parent).children[2].value

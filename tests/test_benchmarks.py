"""Benchmarks fail where a limit is broken, and each is explained."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


def load(name: str) -> ModuleType:
    """A benchmark as a module."""
    about = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    made = importlib.util.module_from_spec(about)
    about.loader.exec_module(made)
    return made


def test_every_benchmark_is_explained():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FOLDER.glob("*.py") if f"| `{path.name}` |" not in text] == []


@pytest.mark.parametrize(
    ("pages", "status", "named"),
    [
        ([(0.2, 0.4, "a.html"), (0.9, 2.9, "b.html")], 0, []),
        ([(0.2, 0.4, "a.html"), (1.1, 2.9, "b.html")], 1, ["b.html"]),
        ([(0.2, 3.1, "a.html"), (1.1, 0.1, "b.html"), (0.1, 0.1, "c.html")], 1, ["a.html", "b.html"]),
    ],
)
def test_a_slow_or_heavy_page_is_named_and_ends_in_failure(pages, status, named, capsys):
    assert load("pages").told(pages) == status
    said = [line for line in capsys.readouterr().out.splitlines() if "ABOVE THE LIMIT" in line]
    assert [line.split(": ")[1].split(",")[0] for line in said] == named


def test_the_steps_of_a_study_lead_to_all_its_pages(monkeypatch):
    from helpers.book import graph

    monkeypatch.chdir(FOLDER.parent)
    node = graph.studies(["data/lymphnode"], "quick")["lymphnode"]
    steps = load("book").steps(node)
    assert list(steps) == ["cases", "check", "decode", "train", "chapters"]
    assert set(steps["cases"]) >= {"data/lymphnode/cohort.csv", "data/lymphnode/reports.csv"}
    assert len(steps["train"]) == 3 and set(steps["chapters"]) == set(node.notebooks())

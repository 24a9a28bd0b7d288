"""Notebooks keep to their form: one question, a parameters cell, short cells, no code that belongs in a helper."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest

from helpers.book.execute import parameter_names
from helpers.book.graph import BOOK_PAGES

NOTEBOOKS = sorted(Path("notebooks").glob("*.py"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request):
    return jupytext.read(request.param)


def test_every_figure_and_table_of_a_study_has_a_name_of_its_own():
    of_the_book = {page.notebook for page in BOOK_PAGES.values()}
    users: dict[str, set[str]] = {}
    for path in NOTEBOOKS:
        for name in re.findall(r"^# :::\{result-\w+\} ([\w-]+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            users.setdefault(name, set()).add("the book" if path.stem in of_the_book else path.stem)
    assert len(users) > 100
    assert {n: u for n, u in users.items() if len(u - {"the book"}) > 1} == {}


def test_it_opens_with_a_question(notebook):
    lines = notebook.cells[0].source.splitlines()
    title = next(line for line in lines if line.startswith("# "))
    assert title.endswith("?")
    assert ":::{admonition} In short" in notebook.cells[0].source


def test_its_parameters_are_plain_literals_with_a_meaning(notebook, request):
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    of_the_book = request.node.callspec.params["notebook"].stem in {
        p.notebook for p in BOOK_PAGES.values()
    }  # belongs to no study
    assert ({"results"} if of_the_book else {"study", "results"}) <= set(parameter_names(notebook))
    assert all("#" in line for line in cell.source.splitlines() if line.strip())


def test_its_cells_are_short_and_call_helpers(notebook):
    assert len(notebook.cells) <= 30
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        plain = "parameters" in cell.metadata.get("tags", [])  # one setting a line, each with its meaning
        assert len(cell.source.splitlines()) <= (20 if plain else 15), cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef), cell.source
            if isinstance(node, ast.For | ast.While):
                assert node.end_lineno - node.lineno < 3, cell.source


def test_a_sentence_a_line_and_no_typed_result(notebook):
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        assert "AUC of 0." not in cell.source
        assert "p =" not in cell.source.lower()

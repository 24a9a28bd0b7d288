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


def prose(notebook) -> list[str]:
    """Lines of text: without code, mathematics, options, links, and what is computed or refers to something."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = re.sub(r"^(`{3,}|\$\$).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\{[\w:]+\}`[^`]*`", "COMPUTED", text)
    text = re.sub(r"`[^`]*`|\$[^$\n]+\$|\]\([^)]*\)|https?://\S+|doi:\S+", "QUOTED", text)
    return [line for line in text.splitlines() if not re.match(r"\s*:|\(\S+\)=", line)]


# numbers that no data decide, each only as it stands here
DECLARED = (
    r"95 % (bootstrap |confidence |limits of agreement|intervals?|bands?)",  # the level of every interval
    r"pointwise 95 % band",
    r"from the 2\.5 to the 97\.5 percentile|2\.5 and 97\.5 percentiles",
    r"P < 0\.05, \*\* P < 0\.01, \*\*\* P < 0\.001",  # a key of stars
    r"test at 5 %|of the table at 5 %",  # the level of every test
    r"with 80 % power",
    r"middle 90 %",
    r"grey values from 0 to 255|SHA-256",
    r"risk of 20 % should come true in 20 of 100 such cases",  # what a risk means
    r"interval of 95 % should hold the true value in 95 of 100|should find a difference in 5 of 100",  # and a promise
    r"a mean of 0\.05 is five cases",
)
TYPED = (
    r"\d[.,]\d",  # decimals, and thousands
    r"\d ?(%|percent|per cent|points\b)",
    r"\b\d{3,}\b",
    r"\b(AUC|accuracy|sensitivity|specificity|Dice|kappa|slope|benefit) (is|was|of|are|were|=) ?[-−]?\d",
    r"\b(p|n|AUC|OR|HR) ?[=<>≤≥] ?[-−]?\d",
)


def typed(line: str) -> str | None:
    """The first number in a line that could be a result; None without one."""
    for pattern in DECLARED:
        line = re.sub(pattern, "DECLARED", line)
    return next((found[0] for pattern in TYPED if (found := re.search(pattern, line, re.IGNORECASE))), None)


def sentences(line: str) -> int:
    """Sentences of a line; the bold question or finding that leads a caption belongs to the next one."""
    line = re.sub(r"^\*\*[^*]+[.?!]\*\* ", "", line.strip())
    return len(re.findall(r"(?<!et al)(?<!e\.g)(?<!i\.e)(?<!vs)[.?!][)\"*]* +(?=[A-Z\"(*])", line)) + 1


def test_no_result_is_typed(notebook):
    assert {line: found for line in prose(notebook) if (found := typed(line))} == {}


def test_a_sentence_a_line(notebook):
    assert [line for line in prose(notebook) if sentences(line) > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "The AUC is 0.82 in the test set.",
        "It finds 9 of 10, or 87 %.",
        "P = 3",
        "The AUC was 1.",
        "Of 1,204 nodes.",
        "All 116.",
    ],
)
def test_a_typed_result_would_be_found(line):
    assert typed(line)


def test_two_sentences_in_a_line_would_be_found():
    assert sentences("It is so. And then not.") == 2
    assert sentences("**Is it so?** It is, as Zhao et al. (2024) say.") == 1

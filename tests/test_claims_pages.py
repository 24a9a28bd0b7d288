"""The pages on published claims: executed from top to bottom, deterministic, linked to the studies."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import matplotlib
import pandas as pd
import pytest

from chapters import EXECUTED, executed, run_cells
from helpers.book import findings_tasks, graph, publish, site
from helpers.book.execute import execute
from helpers.stats.claims import catalogue, drawing
from helpers.stats.claims.finding import VERDICTS

matplotlib.use("Agg")
PAGES = {name: page for name, page in graph.BOOK_PAGES.items() if name.startswith("claims")}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """All five pages; one of each notebook as the build makes it, with papermill."""
    folder = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THYROBOOK_BATCH", "1")
        for name, page in PAGES.items():
            values = {**graph.book_parameters(name, "quick"), "results": str(folder / "book")}
            if name in ("claims", "claims/c"):
                execute(f"notebooks/{page.notebook}.py", folder / "book" / name, values)
            else:
                run_cells(page.notebook, **values)
    return folder


def test_what_this_file_says_that_it_executes(made):
    assert executed(made) == EXECUTED["test_claims_pages"]


def test_a_page_a_paper_and_a_summary():
    assert list(PAGES) == ["claims", "claims/a", "claims/b", "claims/c", "claims/d"]
    assert graph.book_parameters("claims/b", "quick")["paper"] == "B"
    assert len({page.heading for page in PAGES.values()}) == 5


@pytest.mark.parametrize("paper", "abcd")
def test_every_page_says_what_to_rely_on_and_traces_every_finding(made, paper):
    folder = made / "book" / "claims" / paper
    numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    assert re.match(r"Of \d+ printed numbers \d+ can be relied on", numbers["relied"])
    findings = pd.read_csv(folder / "tables" / "tab-findings.csv")
    assert set(findings["verdict"]) <= set(VERDICTS) and findings["rule"].isin(catalogue.QUESTIONS).all()
    assert findings["cells"].str.match(rf"{paper.upper()}_\w+\.csv row \d+: .+ = ").all()
    assert numbers["verdicts"].startswith(f"Of {len(findings)} checks")
    rely, alone = (pd.read_csv(folder / "tables" / f"tab-{name}.csv") for name in ("rely", "alone"))
    printed = int(re.match(r"Of (\d+)", numbers["relied"])[1])
    assert rely["count"].sum() + alone["count"].sum() == printed
    assert {"tab-consistent.json", "tab-findings.json"} <= {path.name for path in (folder / "tables").iterdir()}
    assert all(json.loads(path.read_text())["quoted"] for path in (folder / "tables").glob("*.json"))


def test_each_paper_has_the_figures_that_tell_something(made):
    found = {
        letter: {path.stem for path in (made / "book" / "claims" / letter / "figures").glob("*.svg")}
        for letter in "abcd"
    }
    assert found == {"a": {"fig-signs", "fig-implied"}, "b": {"fig-implied"}, "c": {"fig-shares"}, "d": {"fig-implied"}}


def test_the_clinical_signs_stand_beside_the_networks_of_paper_a(made):
    text = json.loads((made / "book" / "claims" / "a" / "numbers.json").read_text(encoding="utf-8"))["signs"]
    assert "Margin 0.86 (0.81 to 0.91)" in text and "printed AUC of 0.73 (0.63 to 0.84)" in text
    signs = pd.read_csv(made / "book" / "claims" / "a" / "figures" / "fig-signs.csv")
    assert findings_tasks.SENTENCES["fig-signs"](signs).endswith("DL_combined, prints 0.73 (95 % CI 0.63 to 0.84).")
    drawn = drawing.draw_baseline(signs)
    assert {"DL combined", "Margin"} <= {label.get_text() for label in drawn.get_yticklabels()}


def test_the_summary_has_every_paper_and_rule(made):
    tables = made / "book" / "claims" / "tables"
    assert pd.read_csv(tables / "tab-papers.csv")["paper"].tolist() == list("ABCD")
    rules = pd.read_csv(tables / "tab-rules.csv")
    assert rules["rule"].tolist() == list(catalogue.QUESTIONS)
    numbers = json.loads((made / "book" / "claims" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["by_paper"].count(" of ") >= 4


def test_the_figure_of_the_rules_counts_as_the_pages_do(made):
    """What is not consistent, by paper: the same in the figure, in its caption and in the boxes; remarks add up."""
    matrix = pd.read_csv(made / "book" / "claims" / "figures" / "fig-rules.csv")
    said = findings_tasks.SENTENCES["fig-rules"](matrix)
    for letter in "abcd":
        tables = made / "book" / "claims" / letter / "tables"
        found = pd.read_csv(tables / "tab-findings.csv")
        apart = int((found["verdict"] != "consistent").sum())
        assert f"{letter.upper()} {apart} of {len(found)}" in said
        numbers = json.loads((made / "book" / "claims" / letter / "numbers.json").read_text(encoding="utf-8"))
        assert re.search(rf"rules {len(found) - apart} add", numbers["verdicts"])
        noted = found[(found["verdict"] == "consistent") & (found["severity"] != "note")]
        assert (f"({len(noted)} with a remark)" in numbers["verdicts"]) == (len(noted) > 0)
        listed = pd.read_csv(tables / "tab-remarks.csv")["finding"].tolist() if len(noted) else []
        assert listed == noted["finding"].tolist()
        right = pd.read_csv(tables / "tab-consistent.csv")
        assert right["findings"].sum() == len(found) - apart - len(noted)


def test_a_page_made_twice_is_the_same(made, tmp_path):
    values = {**graph.book_parameters("claims/b", "quick"), "results": str(tmp_path / "book")}
    run_cells("claims", **values)
    for path in sorted((tmp_path / "book" / "claims" / "b").rglob("*")):
        if path.is_file() and path.suffix in (".csv", ".json", ".svg"):
            other = made / path.relative_to(tmp_path)
            assert path.read_bytes() == other.read_bytes(), path.name


def test_pages_and_studies_lead_to_one_another(made, tmp_path):
    """The page of a paper leads to the study that does it again and back; the other pages have no such line."""
    study = publish.BookStudy("olnm", "Nodes & veins", simulated=True, pages=("cohort",))
    book = site.book([study], {"olnm": "A"})
    assert set(book.beside) == {"claims/a"} and "</olnm/cohort>" in book.beside["claims/a"]
    assert "{doc}`Nodes & veins <" in book.beside["claims/a"]
    node = graph.studies(["data/olnm"], "quick")["olnm"]
    assert graph.paper_of(node) == "A"
    assert "</book/claims/a>" in site.book_study(node, audited=True).beside[node.pages()[0]]
    assert site.book_study(node).beside == {}
    assert site.book([], {}).beside == {}


def test_staged_pages_have_titles_of_their_own_and_no_banner(made, tmp_path):
    for name, page in PAGES.items():  # what is staged is a notebook; outputs do not matter here
        target = made / "book" / name / "notebook.ipynb"
        if not target.is_file():
            jupytext.write(jupytext.read(f"notebooks/{page.notebook}.py"), target)
    book = site.book([], {})
    book = publish.BookStudy("book", "Checks", pages=tuple(PAGES), headings=book.headings, kind=book.kind)
    staged = publish.stage(tmp_path / "site", studies=[book], results=made, changelog=None)
    toc = (staged / "_toc.yml").read_text(encoding="utf-8")
    assert toc.index("book/claims\n") < toc.index("sections") < toc.index("book/claims/a")
    for letter in "abcd":
        text = (staged / "book" / "claims" / f"{letter}.ipynb").read_text(encoding="utf-8")
        assert f"(paper {letter.upper()})" in text and "simulated-banner" not in text
        assert f"book-claims-{letter}-tab-rely" in text
    assert "References, simulations" in (staged / "intro.md").read_text(encoding="utf-8")


def test_the_graph_makes_every_page():
    """A plan of all pages of the book itself: a job each, with its own notebook, folder and parameters."""
    targets = [f"results/book/{name}/notebook.ipynb" for name in graph.BOOK_PAGES]
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "--forceall", "--nolock", "--cores", "1"]
    command += ["--config", 'studies=["data/occult_neck"]', "--", *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    planned = re.findall(r"helpers\.book\.execute (\S+) (\S+) '(.+)' > ", done.stdout + done.stderr)
    assert {page: (notebook, json.loads(values)) for notebook, page, values in planned} == {
        f"results/book/{name}": (f"notebooks/{page.notebook}.py", graph.book_parameters(name, "quick"))
        for name, page in graph.BOOK_PAGES.items()
    }

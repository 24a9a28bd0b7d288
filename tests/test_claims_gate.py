"""The gate: every rule on a table known good and known bad, and a build that stops."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.book import gate, graph, publish, report, site
from helpers.book.contents import BookStudy
from helpers.stats.claims.own_tables import RULES, check_numbers
from helpers.stats.models import printed

# 8 positive and 12 negative cases: 7 and 11 called right
GOOD = {
    "split": "Test", "model": "net", "n": 20, "events": 8, "tp": 7, "fp": 1, "fn": 1, "tn": 11,
    "sensitivity": 7 / 8, "sensitivity_low": 0.53, "sensitivity_high": 0.98,
    "specificity": 11 / 12, "specificity_low": 0.65, "specificity_high": 0.99,
    "accuracy": 18 / 20, "p_value": 0.03, "auc": 0.9, "auc_min": 0.88, "auc_max": 0.93,
}  # fmt: skip
HEADS = {"sensitivity": "Sensitivity", "specificity": "Specificity"}
COLUMNS = ["split", "model", "n", "events", "Sensitivity", "Specificity", "accuracy", "p_value"]
STUDY = BookStudy("olnm", "Study", pages=("cohort", "discrimination"))


@pytest.fixture
def results(tmp_path) -> Path:
    """Two pages with tables that add up."""
    page = report.page(tmp_path / "olnm" / "discrimination", study="olnm")
    frame = pd.DataFrame([GOOD, {**GOOD, "model": "other"}])
    page.table("tab-performance", printed(frame, HEADS), columns=COLUMNS)
    page.table("tab-auc", frame[["split", "model", "n", "events", "auc"]])
    page.numbers(answer="AUC 0.90 (95 % CI 0.80 to 0.97)", auc=0.9, auc_low=0.8, auc_high=0.97)
    long = pd.DataFrame({"Measure": ["Sensitivity", "Specificity"], "net": ["0.875 (0.53–0.98)", "0.917 (0.65–0.99)"]})
    page.table("tab-measures", long, of=(20, 8))
    page = report.page(tmp_path / "olnm" / "cohort", study="olnm")
    one = {"Characteristic": ["Sex, n (%)", " male", " female"], "Test: sick (n = 8)": ["", "5 (62.5)", "3 (37.5)"]}
    page.table("tab-one", pd.DataFrame(one))
    splits = {"split": ["train", "test"], "patients": [30, 18], "cases": [32, 20], "events": [13, 8]}
    page.table("tab-splits", pd.DataFrame(splits))
    page.numbers(n_patients=48, n_cases=52, n_events=21, percent_events=100 * 21 / 52)
    page.table("tab-words", pd.DataFrame({"section": ["Question"], "content": ["Who?"]}))
    page.table("tab-theirs", pd.DataFrame([{**GOOD, "tp": 2}]), quoted=True)
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, (old, text)
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_tables_that_add_up_pass_and_are_counted(results):
    found = gate.audit_book(results, [STUDY]).demand()
    assert (found.tables, found.quoted, found.silent, found.faults) == (6, 1, 1, ())
    frame = found.frame().set_index("rule")
    assert set(frame.index) == set(RULES) and (frame["checks"] > 0).all(), frame
    assert frame["contradictory"].sum() == 0 and frame["consistent"].sum() == sum(found.checks.values())
    assert found.rows == 2 + 2 + 2 + 3 + 2 + 1 and found.sentences == 8
    assert "6 tables with 12 rows" in found.sentence() and "all are consistent" in found.sentence()


PAGE = "olnm/discrimination/tables"


@pytest.mark.parametrize(
    ("rule", "file", "old", "new", "where"),
    [
        ("two_by_two", f"{PAGE}/tab-performance.display.csv", "0.917 (", "0.817 (", "row 2 (Test, net), column"),
        ("two_by_two", f"{PAGE}/tab-measures.display.csv", "0.917 (", "0.897 (", "column Net"),
        ("cells", f"{PAGE}/tab-performance.csv", ",7,1,1,11,", ",7,1,1,12,", "n is 20 and the cells add up to 21"),
        ("cells", f"{PAGE}/tab-performance.csv", ",0.9,0.03,", ",0.85,0.03,", "the cells give 0.9"),
        ("intervals", f"{PAGE}/tab-performance.csv", ",0.53,", ",0.93,", "0.93 to 0.98 does not hold 0.875"),
        ("intervals", f"{PAGE}/tab-measures.display.csv", "(0.53–", "(0.93–", "the interval in '0.875 (0.93–0.98)'"),
        ("rounding", f"{PAGE}/tab-performance.display.csv", "(0.530–", "(0.430–", "sensitivity_low is 0.53"),
        ("shares", f"{PAGE}/tab-performance.csv", ",0.03,0.9,", ",1.03,0.9,", "1.03 lies outside 0 to 1"),
        ("counts", f"{PAGE}/tab-auc.csv", "net,20,8", "net,20,28", "28 events of 20 n"),
        ("percentages", "olnm/cohort/tables/tab-one.display.csv", "5 (62.5)", "5 (66.5)", "5 of 8 is not 66.5 %"),
        (
            "percentages",
            "olnm/cohort/tables/tab-one.display.csv",
            "5 (62.5)",
            "6 (66.7)",
            "the levels add up to 9 of 8",
        ),
        ("order", f"{PAGE}/tab-performance.csv", ",0.88,0.93", ",0.95,0.93", "do not rise: 0.95, 0.9, 0.93"),
        ("sums", "olnm/cohort/tables/tab-splits.csv", "train,30", "train,31", "adds up to 49 and the page states 48"),
        ("repeated", f"{PAGE}/tab-performance.csv", "other,20,8", "other,20,9", "prints 8 for the same cases"),
        ("intervals", "olnm/discrimination/numbers.json", "0.80 to", "0.95 to", "numbers.json"),
        ("percentages", "olnm/cohort/numbers.json", '"n_events": 21', '"n_events": 22', "is not 22 of 52"),
    ],
)
def test_a_broken_table_stops_the_build_with_table_row_column_and_rule(results, rule, file, old, new, where):
    change(results / file, old, new)
    found = gate.audit_book(results, [STUDY])
    mine = [str(fault) for fault in found.faults if fault.rule == rule]
    assert any(where in text for text in mine), found.faults
    with pytest.raises(gate.GateError, match="a table of the book does not add up") as caught:
        found.demand()
    stem = Path(file).name.split(".")[0]
    assert stem in str(caught.value) and "column" in str(caught.value) and "[rule " in str(caught.value)


def test_a_table_whose_files_are_not_of_one_table_stops_it_too(results):
    file = results / f"{PAGE}/tab-auc.display.csv"
    file.write_text(file.read_text(encoding="utf-8") + '"Test","third","20","8","0.9"\n', encoding="utf-8")
    with pytest.raises(gate.GateError, match=r"tab-auc: the printed table has 3 rows and the CSV 2"):
        gate.audit_book(results, [STUDY])


def test_the_book_is_not_built_when_a_table_is_broken(results, monkeypatch):
    """`make book` ends here: the gate comes before anything is staged."""
    monkeypatch.setattr(graph, "RESULTS", str(results))
    monkeypatch.setattr(graph, "studies", lambda folders, profile: {})
    monkeypatch.setattr(graph, "book_pages", lambda nodes: ("trust",))
    monkeypatch.setattr(site, "book", lambda studies, papers: STUDY)
    done: list[str] = []
    monkeypatch.setattr(publish, "stage", lambda *a, **k: done.append("stage"))
    monkeypatch.setattr(publish, "build", lambda *a, **k: done.append("build"))
    site.main("quick", "[]")
    assert done == ["stage", "build"]
    change(results / f"{PAGE}/tab-performance.display.csv", "0.917 (", "0.817 (")
    with pytest.raises(gate.GateError, match=r"tab-performance, row 2 \(Test, net\), column Sensitivity, Specificity"):
        site.main("quick", "[]")
    assert done == ["stage", "build"]


def test_many_faults_are_counted_and_not_all_listed(results):
    for name in ("0.875 (0.530", "0.917 (0.650"):
        for _ in range(2):
            change(results / f"{PAGE}/tab-performance.display.csv", name, name.replace("0.", "0.0", 1))
    with pytest.raises(gate.GateError, match=r"and \d+ more"):
        gate.audit_book(results, [STUDY]).demand()


def test_the_page_tells_how_much_was_audited(results, tmp_path):
    from helpers.book import staging

    text, files = staging.audited(gate.audit_book(results, [STUDY]))
    assert "## Do the tables of this book add up?" in text and "6 tables" in text and "tab-own-tables" in text
    shown = files["how_numbers_are_made_files/tab-own-tables.display.csv"].decode()
    assert all(rule in shown for rule in RULES)
    assert staging.audited(None) == ("", {})


def test_what_a_table_declares_is_kept_beside_it(results):
    about = json.loads((results / f"{PAGE}/tab-performance.json").read_text(encoding="utf-8"))
    assert about["intervals"] == {"Sensitivity": "sensitivity", "Specificity": "specificity"}
    assert about["columns"]["n"] == "n"
    assert json.loads((results / f"{PAGE}/tab-measures.json").read_text(encoding="utf-8"))["of"] == {"": [20, 8]}


def test_sentences_with_and_without_intervals():
    made, faults = check_numbers(
        "a/b", {"x": "gain 9.5 percentage points (95 % CI 5.4 to 13.5), no interval 0.3", "y": None}
    )
    assert made["intervals"] == 1 and not faults
    assert len(check_numbers("a/b", {"x": "change −0.2 (95 % CI −0.1 to 0.3)"})[1]) == 1
    assert len(check_numbers("a/b", {"v": 0.5, "v_low": 0.6, "v_high": 0.7})[1]) == 1


def test_the_gate_reads_every_table(tmp_path):
    """A hundred tables of metrics, more than the book has."""
    page = report.page(tmp_path / "olnm" / "discrimination", study="olnm")
    frame = printed(pd.DataFrame([{**GOOD, "model": f"m{k}"} for k in range(8)]), HEADS)
    page.table("tab-first", frame, columns=COLUMNS)
    made = page.folder / "tables"
    for k in range(99):
        for end in (".csv", ".display.csv", ".json"):
            (made / f"tab-copy-{k}{end}").write_bytes((made / f"tab-first{end}").read_bytes())
    found = gate.audit_book(tmp_path, [BookStudy("olnm", "Study", pages=("discrimination",))])
    assert found.tables == 100 and not found.faults

"""Numbers of one's own: a row, the form, a folder from the command line; and the rules that came late."""

from __future__ import annotations

import math
import shutil
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.book import audit_form
from helpers.data.errors import StudyError
from helpers.stats.claims import Audit, audit, audit_numbers, audit_row, cli, confusion_tables, paired
from helpers.stats.claims.audit import RULES, links_of, rule_of
from helpers.stats.claims.catalogue import CONSEQUENCES, QUESTIONS, REMARK, consequence, description, matrix
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS
from helpers.stats.claims.listing import against, changes, consistent, listing, other_counts, remarks
from helpers.stats.claims.reliance import DO_NOT, OPEN, RELY, UNDER, counted, reliance, statuses
from helpers.stats.claims.single_predictors import auc_of_levels, baseline, suspicious

PUBLISHED, EXAMPLE = Path("data/published"), Path("data/published/example")
ROW = {"sensitivity": "0.775", "specificity": "0.800", "accuracy": "0.790 (0.710 to 0.870)", "PPV": "0.721"}


def verdicts(found: Audit) -> dict[str, str]:
    return {finding.rule.partition(".")[2]: finding.verdict for finding in found.findings}


# ------------------------------------------------------------------ Matthews correlation and diagnostic odds ratio
def mcc(tp: int, fp: int, fn: int, tn: int) -> float:
    return (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(0, 9)] * 4), st.integers(1, 3), st.integers(-1, 1))
def test_the_search_by_mcc_is_that_of_every_table(table, decimals, shift):
    tp, fp, fn, tn = table
    assume(tp + fn and fp + tn and tp + fp and fn + tn)
    text = f"{mcc(*table) + shift / 10**decimals:.{decimals}f}"
    assume(-1 <= float(text) <= 1)
    found = confusion_tables({"MCC": text}, tp + fn, fp + tn)
    half, wanted = Fraction(1, 2 * 10**decimals), []
    for a in range(tp + fn + 1):
        for d in range(fp + tn + 1):
            cells = (a, fp + tn - d, tp + fn - a, d)
            if 0 in (cells[0] + cells[1], cells[2] + cells[3]):
                continue
            value, bounds = mcc(*cells), (Fraction(text) - half, Fraction(text) + half)
            if float(bounds[0]) - 1e-12 <= value <= float(bounds[1]) + 1e-12:
                wanted.append(list(cells))
    assert found[["tp", "fp", "fn", "tn"]].to_numpy().tolist() == wanted


def test_an_mcc_at_the_very_end_of_its_range_is_inside():
    # 3 of 4 and 3 of 4 give exactly 0.5; "0.45" ends at 0.455 and does not hold it, "0.5" at two ends does
    assert [3, 1, 1, 3] in confusion_tables({"MCC": "0.5"}, 4, 4)[["tp", "fp", "fn", "tn"]].to_numpy().tolist()
    assert [3, 1, 1, 3] not in confusion_tables({"MCC": "0.4"}, 4, 4)[["tp", "fp", "fn", "tn"]].to_numpy().tolist()
    assert confusion_tables({"DOR": "9.0"}, 4, 4)[["tp", "tn"]].to_numpy().tolist() == [[3, 3]]


@pytest.mark.parametrize(("name", "text"), [("MCC", "1.2"), ("kappa", "-1.5"), ("DOR", "-2"), ("LR+", "-1")])
def test_impossible_values_are_refused(name, text):
    with pytest.raises(ValueError, match="impossible"):
        confusion_tables({name: text}, 10, 10)


# ------------------------------------------------------------------ several levels, several classes
def test_signs_of_several_levels_are_paired_where_they_divide_best():
    assert suspicious(*map(pd.Series.to_numpy, (pd.Series([9, 3, 1]), pd.Series([1, 2, 20])))) == 2
    found = baseline(PUBLISHED, "A").set_index("name")
    pair = found.loc["Margin + Peak_intensity (Hypoenhancement)"]
    single = found.loc["Margin"]
    assert pair["kind"] == "pair" and pair["low"] < single["auc"] < pair["high"] <= 1
    assert found.loc["Margin + ETE", "low"] > found[found["kind"] == "model"]["auc"].max()


def test_one_level_alone_has_no_information():
    assert auc_of_levels([5, 0], [7, 0])[0] == 0.5


def numbers(**values: str) -> list[dict[str, str]]:
    rows = []
    for name, text in values.items():
        row, _, statistic = name.partition("__")
        place = {"source": "X", "table": "t", "row": row, "column": "c", "statistic": statistic}
        decimals = str(len(text.partition(".")[2]))
        rows.append(
            {
                **place,
                "value": text,
                "value_num": text,
                "unit": "%" if statistic == "accuracy" else "",
                "decimals": decimals,
            }
        )
    return rows


@pytest.mark.parametrize(
    ("first", "second", "images", "verdict"),
    [
        ("95", "84", "3537", NOT_CHECKABLE),  # no whole counts of 34
        ("94.1", "85.3", "34", CONTRADICTORY),  # 32 and 29: three cases differ at most
        ("94.1", "85.3", "340", OTHER_COUNTS),  # 320 and 290 images
        ("94.1", "70.6", "34", CONSISTENT),  # 32 and 24
    ],
)
def test_pairs_over_several_classes(first, second, images, verdict):
    rows = numbers(model__accuracy=first, reader__accuracy=second, a__n="10", b__n="24", images__n=images)
    cell = lambda row, statistic: ["t", row, "c", statistic]  # noqa: E731
    entry = {
        "claim": "better",
        "a": cell("model", "accuracy"),
        "b": cell("reader", "accuracy"),
        "total": [cell("a", "n"), cell("b", "n")],
        "other_totals": [[cell("images", "n")]],
        "claimed": True,
    }
    found = audit_numbers(rows, {"paper": "X", "paired": [entry]}, name="numbers")
    assert [f.verdict for f in found.findings] == [verdict], found.findings[0].explanation


# ------------------------------------------------------------------ what is said of the findings
@pytest.fixture(scope="module")
def four() -> Audit:
    return audit(PUBLISHED)


def test_every_rule_is_described_and_every_finding_has_a_consequence(four):
    table = description().set_index("rule")
    assert list(table.index) == list(RULES) == list(QUESTIONS)
    assert (table["budget"].str.len() > 3).all() and table["question"].str.endswith("?").all()
    assert not table["source"].str.contains(r"doi:(?!10\.)", regex=True).any()
    for finding in four.findings:
        assert rule_of(finding.rule) in RULES
        if finding.verdict != CONSISTENT and finding.severity != "note":
            assert finding.rule in CONSEQUENCES and consequence(finding), finding.rule


def test_tables_of_findings_lose_none(four):
    numbers_of = set(listing(four)["finding"])
    assert len(numbers_of) == len(four.findings)
    assert matrix(four.findings)["findings"].sum() == len(four.findings)
    frame = four.frame()
    assert consistent(four)["findings"].sum() + len(remarks(four)) == (frame["verdict"] == CONSISTENT).sum()
    assert set(remarks(four)["severity"]) <= {"minor", "major"}
    assert other_counts(four)["findings"].sum() == (frame["verdict"] == OTHER_COUNTS).sum()
    assert len(against(four)) == (frame["verdict"] == CONTRADICTORY).sum()
    assert set(changes(four)["claim"]) == set(frame.loc[frame["severity"] == "major", "claim"])


def test_the_matrix_sets_a_remark_apart_from_what_is_not_consistent(four):
    """Accuracies below the commonest class are right and need a word; they are counted as consistent."""
    table = matrix(four.findings)
    field = table[(table["rule"] == "majority") & (table["paper"] == "A")].iloc[0]
    assert (field["verdict"], field["findings"], field["apart"]) == (REMARK, 1, 0)
    frame = four.frame()
    apart = frame[frame["verdict"] != CONSISTENT].groupby("paper").size()
    assert table.groupby("paper")["apart"].sum().to_dict() == apart.to_dict()


@pytest.mark.parametrize(
    ("paper", "table", "row", "statistic", "status"),
    [
        ("A", "Table 2", "DL_combined", "sensitivity", RELY),
        ("A", "abstract", "DL_combined", "sensitivity", RELY),  # repeats Table 2
        ("B", "Table 3", "Y-Net (Classification combined segmentation)", "PPV", UNDER),
        ("B", "Table 3", "The original ultrasonic reports", "PPV", DO_NOT),
        ("B", "text 3.2", "DSC", "lower_quartile", DO_NOT),
        ("B", "text 3.2", "DSC", "median", OPEN),
        ("C", "key findings", "AI model", "accuracy", DO_NOT),  # any whole percent of 195 patients
        ("C", "key findings", "AI model NMTN", "AUC", OPEN),
        ("D", "Table 2", "3D InceptionResNetV2", "AUROC_ci95_low", DO_NOT),
        ("D", "Table 2", "3D InceptionResNetV2", "kappa", UNDER),
    ],
)
def test_what_a_reader_can_rely_on(four, paper, table, row, statistic, status):
    given = statuses(tuple(finding for finding in four.findings if finding.paper == paper))
    found = {(c.table, c.row, c.statistic): state for c, (state, _) in given.items() if c.column != "train"}
    assert found.get((table, row, statistic), OPEN) == status


def test_reliance_counts_every_printed_number_once(four):
    for paper in "ABCD":
        own = tuple(finding for finding in four.findings if finding.paper == paper)
        links = links_of(PUBLISHED, paper)
        table, counts = reliance(links, own), counted(links, own)
        assert table["count"].sum() == sum(counts.values()) > 20
        assert table.groupby("status")["count"].sum().to_dict() == {k: v for k, v in counts.items() if v}
        assert (table["reading"] != "").eq(table["status"] == UNDER).all()


# ------------------------------------------------------------------ one row, and the form
def test_a_row_that_adds_up_and_one_that_does_not():
    assert set(verdicts(audit_row(ROW, positives=40, negatives=60)).values()) == {CONSISTENT}
    assert verdicts(audit_row({**ROW, "PPV": "0.840"}, positives=40, negatives=60))["two_by_two"] == CONTRADICTORY
    swapped = verdicts(audit_row(ROW, positives=60, negatives=40))
    assert swapped["two_by_two"] == OTHER_COUNTS and swapped["prevalence"] == OTHER_COUNTS


def test_percentages_and_an_auc_beside_them():
    row = {"Sens": "77.5%", "Spec": "80.0", "AUC": "0.85 (0.77 to 0.93)"}
    found = audit_row(row, positives=40, negatives=60)
    assert verdicts(found)["two_by_two"] == verdicts(found)["intervals"] == CONSISTENT
    assert verdicts(found)["auc_steps"] == NOT_CHECKABLE  # 4,800 half pairs: any two decimals
    alone = audit_row({"accuracy": "0.795"}, positives=40, negatives=60)
    assert verdicts(alone)["shares"] == CONTRADICTORY


@pytest.mark.parametrize(
    ("metrics", "counts", "words"),
    [
        ({}, (4, 5), "at least one"),
        ({"sens": "0.8", "recall": "0.8"}, (4, 5), "mean the same"),
        ({"dice": "0.8"}, (4, 5), "unknown 'dice'"),
        ({"sensitivity": 0.8}, (4, 5), "a string is needed"),
        ({"sensitivity": "about 0.8"}, (4, 5), "is not a number"),
        ({"sensitivity": "0.8"}, (0, 5), "positives: a whole number from 1"),
        ({"sensitivity": "0.8"}, (4, 10**9), "negatives: a whole number from 1"),
        ({"kappa": "0.8"}, (4, 5), "add another metric"),
    ],
)
def test_what_cannot_be_a_row_is_named(metrics, counts, words):
    with pytest.raises(ValueError, match=words):
        audit_row(metrics, positives=counts[0], negatives=counts[1])


def test_the_form_shows_findings_and_errors_escaped(monkeypatch):
    monkeypatch.delenv("THYROBOOK_BATCH", raising=False)
    box = audit_form.show(ROW, positives=40, negatives=60)
    fields, button, answer = box.children
    assert "consistent" in answer.value
    texts = {field.description: field for side in fields.children for field in side.children}
    texts["PPV"].value = "0.840"
    button.click()
    assert "contradictory" in answer.value
    texts["PPV"].value = "<script>"
    button.click()
    assert "<script>" not in answer.value and "&lt;script&gt;" in answer.value and 'role="alert"' in answer.value
    monkeypatch.setenv("THYROBOOK_BATCH", "1")
    shown = audit_form.show(ROW, positives=40, negatives=60)
    assert shown._repr_html_().count("<tr>") == 1 + len(shown.found.findings)


# ------------------------------------------------------------------ a folder from the command line
@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "paper", ignore=shutil.ignore_patterns("audit.*")))


def test_the_example_folder_gives_a_report(folder, capsys):
    assert cli.main([str(folder)]) == 1
    said = capsys.readouterr().out
    assert "Without PPV the others fit the stated counts" in said and "-> " in said
    frame = pd.read_csv(folder / "audit.csv")
    assert frame["cells"].str.contains("numbers.csv row").all() and (frame["verdict"] == CONTRADICTORY).sum() == 3
    before = [(folder / name).read_bytes() for name in ("audit.csv", "audit.html")]
    cli.main([str(folder)])  # its own report is not taken for numbers, and is the same again
    assert before == [(folder / name).read_bytes() for name in ("audit.csv", "audit.html")]


def test_a_report_runs_nothing_that_was_typed(folder):
    text = (folder / "claims.yaml").read_text(encoding="utf-8")
    text = text.replace("Metrics in the test set", '"=HYPERLINK(1)<script>alert(1)</script>"')
    (folder / "claims.yaml").write_text(text, encoding="utf-8")
    cli.write_report(folder)
    assert "<script>" not in (folder / "audit.html").read_text(encoding="utf-8")
    assert "'=HYPERLINK(1)" in (folder / "audit.csv").read_text(encoding="utf-8")


def broken(folder: Path, old: str, new: str, name: str = "numbers.csv") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "file", "words"),
    [
        ("0.850,0.850,,3,", "0.850,0.850,,,", "numbers.csv", "numbers.csv, row 5, column decimals: decimals are missing"),
        ("0.900,0.900,,3,", "90.0,90.0,,1,", "numbers.csv", "numbers.csv, row 6, column value: specificity of 90.0"),
        ("[text, all, test, n]", "[text, every, test, n]", "claims.yaml", "claims.yaml, row 9: the link text / every"),
        ("column: test", "column: tuning", "claims.yaml", "has no column 'tuning'"),
        ("paper: Z", "paper: Q", "claims.yaml", "no printed number of paper 'Q'"),
        ("set: test\n    headline", "set: unknown\n    headline", "claims.yaml", "the set 'unknown' is not declared"),
        ("test, sensitivity]\n    set", "test, PPV]\n    set", "claims.yaml", "PPV cannot be paired"),
    ],
)  # fmt: skip
def test_a_faulty_folder_is_named_with_file_and_row(folder, capsys, old, new, file, words):
    broken(folder, old, new, file)
    if "PPV cannot" in words:
        broken(folder, "a: [Table 2, network, test, sensitivity]", "a: [Table 2, network, test, PPV]", file)
    assert cli.main([str(folder)]) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "audit.html").exists()


def test_a_folder_that_is_none_and_files_that_lead_elsewhere(folder, tmp_path, capsys):
    assert cli.main([str(tmp_path / "nowhere")]) == 2 and "is not a folder" in capsys.readouterr().err
    assert cli.main([]) == 2 and "usage" in capsys.readouterr().err
    (folder / "latin.csv").write_bytes("source,Gr\xf6\xdfe\n".encode("latin-1"))
    with pytest.raises(StudyError, match=r"latin.csv: the file is not UTF-8"):
        audit(folder)
    (folder / "latin.csv").unlink()
    (folder / "more.csv").symlink_to(PUBLISHED.resolve() / "A_table1.csv")
    with pytest.raises(StudyError, match=r"more.csv: the file leads out of its folder"):
        audit(folder)


def test_counts_beyond_reach_are_refused_and_not_tried(folder):
    broken(folder, "test,n,40,40", "test,n,40000000,40000000")
    with pytest.raises(StudyError, match=r"claims.yaml, row 14: two_by_two: total: 40000060 is too large"):
        audit(folder)
    with pytest.raises(StudyError, match="no links of paper 'Y'"):
        audit(EXAMPLE, paper="Y")


def test_ends_of_the_p_value_range_are_those_of_every_number_of_pairs(monkeypatch):
    whole = paired.p_value_range(90, 81, 120)
    monkeypatch.setattr(paired, "MOST", 10)
    assert paired.p_value_range(90, 81, 120) == whole

"""A table of predictions and nothing else is enough: inferred settings, clear faults, and no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chapters import EXECUTED, executed
from helpers.book import build, graph, model_card, reporting, warm
from helpers.book.execute import execute
from helpers.data import assumed, inferred, own_table, study
from helpers.data.columns import covariates
from helpers.data.errors import StudyError
from helpers.stats import predictions
from helpers.stats.predictions_own import counts, own

YAML = """
name: declared
title: A declared study
question: Does it hold?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
chapters: [discrimination, calibration, decision]
"""


def risks(n: int = 120, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    label = (np.arange(n) % 3 == 0).astype(int)
    logit = generator.normal(size=n) + 1.5 * label - 1
    return pd.DataFrame({"label": label, "risk": np.round(1 / (1 + np.exp(-logit)), 4)})


def brought(folder: Path, table: pd.DataFrame | str | bytes, name: str = "predictions.csv") -> Path:
    """A study folder that holds this table only."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(table, pd.DataFrame):
        table.to_csv(folder / name, index=False)
    else:
        (folder / name).write_bytes(table if isinstance(table, bytes) else table.encode())
    return folder


def cohort(folder: Path, **changes: object) -> pd.DataFrame:
    """Write a cohort of 60 cases of 30 patients, half of them for testing, and return it."""
    n = 60
    generator = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "patient_id": [f"P{i // 2:02}" for i in range(n)],
            "case_id": [f"C{i:02}" for i in range(n)],
            "center": ["AB"[i // 2 % 2] for i in range(n)],
            "split": ["tune" if i < n // 2 else "test" for i in range(n)],
            "label": [i % 3 == 0 for i in range(n)],
            "age": 40 + generator.integers(0, 40, n),
            "sex": generator.choice(["male", "female"], n),
        }
    ).astype({"label": int})
    table = table.assign(**changes)
    table.to_csv(folder / "cohort.csv", index=False)
    return table


# ------------------------------------------------------------------------------ settings from tables
def test_two_columns_are_enough(tmp_path):
    folder = brought(tmp_path / "Nodules of 2024", risks())
    made = study.read(folder)
    assert (made.name, made.source.kind, made.judged, made.choosing) == ("Nodules_of_2024", "own", "test", None)
    assert (made.threshold.rule, made.threshold.value) == ("declared", 0.5)
    assert made.chapters == ("assumptions", "discrimination", "calibration", "decision", "reporting")
    table = own(folder)
    assert set(predictions.COLUMNS) <= set(table.columns)
    assert table["case_id"].tolist() == [f"row {i}" for i in range(2, 122)]
    assert (table["patient_id"] == table["case_id"]).all()
    assert counts(table).iloc[0].tolist() == ["test", 1, 1, 120, 120, 40]
    said = assumed.assumptions(folder, made)
    filled = {"study", "model", "seed", "split", "center", "patient_id", "case_id"}
    assert {f"column {name}" for name in filled} <= set(said["about"])
    assert "threshold is declared (0.5)" in assumed.sentence(made)


@pytest.mark.parametrize(
    ("splits", "judged", "choosing", "kind"),
    [
        ("test", "test", None, "test"),
        ("tune test", "test", "tune", "test"),
        ("train tune test external", "test", "tune", "test"),
        ("train test", "test", "train", "test"),
        ("oof test", "test", "oof", "test"),
        ("external", "external", None, "test"),
        ("tune external", "external", "tune", "test"),
        ("oof", "oof", "oof", "cross-validation"),
        ("train oof", "oof", "oof", "cross-validation"),
    ],
)
def test_what_is_judged_and_what_chooses_follows_from_the_splits(tmp_path, splits, judged, choosing, kind):
    names = splits.split()
    parts = [
        risks(30, seed).assign(split=name, case_id=[f"{name}{i}" for i in range(30)]) for seed, name in enumerate(names)
    ]
    folder = brought(tmp_path / "mine", pd.concat(parts))
    made = study.read(folder)
    assert (made.judged, made.choosing, made.validation.kind) == (judged, choosing, kind)
    assert made.threshold.rule == ("youden" if choosing not in (None, judged) else "declared")
    (folder / "study.yaml").write_text(YAML)
    written = study.read(folder)  # the same follows for a study.yaml that does not say it
    assert (written.name, written.judged, written.choosing) == ("declared", judged, choosing)
    assert written.threshold == made.threshold


def test_the_settings_file_that_is_printed_gives_the_same_study(tmp_path):
    folder = brought(tmp_path / "mine", risks(60).assign(case_id=[f"C{i:02}" for i in range(60)]))
    cohort(folder)
    made = study.read(folder)
    (folder / "study.yaml").write_text("name: [")  # a half-written file of an earlier day is not read for it
    command = [sys.executable, "-m", "helpers.data.inferred", str(folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (folder / "study.yaml").read_text() == "name: ["  # nothing was written
    (folder / "study.yaml").write_text(text)
    assert study.read(folder) == made
    assert assumed.assumptions(folder, study.read(folder))["about"].str.startswith("column ").all()


def test_a_cohort_gives_chapters_covariates_and_missing_columns(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    written = cohort(folder)
    table = risks(60).assign(case_id=written["case_id"], label=written["label"])
    brought(folder, table)
    made = study.read(folder)
    assert made.chapters == (
        "assumptions",
        "cohort",
        "discrimination",
        "calibration",
        "decision",
        "subgroups",
        "reporting",
    )
    assert (made.judged, made.choosing, made.subgroups) == ("test", "tune", ("sex", "center"))
    read = own(folder)
    assert read["patient_id"].tolist() == written["patient_id"].tolist()
    assert read["split"].tolist() == written["split"].tolist()
    assert counts(read)[["split", "cases", "patients"]].values.tolist() == [["tune", 30, 15], ["test", 30, 15]]
    build._check(graph.studies([str(folder)], "quick")["mine"])
    brought(folder, table.drop(columns="case_id").assign(split=written["split"]))  # no key between the tables
    assert "subgroups" not in study.read(folder).chapters
    assert "predictions.csv has no case_id" in assumed.assumptions(folder, study.read(folder))["because"].tolist()


def test_covariates_are_told_from_their_values(tmp_path):
    n = 30
    table = cohort(tmp_path)
    table = table.iloc[:n].assign(
        grade=[str(i % 3 + 9) for i in range(n)],
        volume=[f"{i / 7:.3f}" for i in range(n)],
        half=["" if i % 2 else "1.5" for i in range(n)],
        note=[f"text {i}" for i in range(n)],
        nothing="",
        **{"size (mm)": 1},
    )
    table.to_csv(tmp_path / "cohort.csv", index=False)
    found, left_out = covariates(tmp_path / "cohort.csv")
    told = {c.name: (c.type, c.levels, c.decimals) for c in found}
    assert told["age"] == ("continuous", (), 0)
    assert told["volume"] == ("continuous", (), 2)
    assert told["sex"][:2] == ("categorical", ("female", "male"))
    assert told["grade"][:2] == ("categorical", ("9", "10", "11"))  # numbers by size, not by sign
    assert told["half"][:2] == ("categorical", ("1.5",))
    assert [name for name, _ in left_out] == ["note", "nothing", "size (mm)"]


def test_readings_alone(tmp_path):
    rows = [(r, m, f"C{k}", f"C{k}", k % 2, 1 + k % 5) for r in "AB" for m in ("with AI", "alone") for k in range(10)]
    table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "patient_id", "label", "rating"])
    folder = brought(tmp_path / "readers", table, "readings.csv")
    node = graph.studies([str(folder)], "quick")["readers"]
    assert node.study.chapters == ("assumptions", "readers", "reporting")
    assert node.predictions() == [] and node.tables() == [f"{folder}/readings.csv"]
    assert node.study.readers.model_dump() == {
        "model": None,
        "unaided": "alone",
        "aided": "with AI",
        "positive_from": 3.0,
    }
    build._check(node)
    brought(folder, table[table["modality"] == "alone"], "readings.csv")
    with pytest.raises(StudyError, match=r"readings\.csv, column modality: there is only one modality"):
        build._check(graph.studies([str(folder)], "quick")["readers"])


def test_several_models_and_the_reading_model(tmp_path):
    base = risks(40).assign(case_id=[f"C{i}" for i in range(40)])
    both = pd.concat([base.assign(model="cnn"), base.assign(model="clinical", risk=base["risk"] * 0.9)])
    folder = brought(tmp_path / "mine", both)
    assert counts(own(folder)).iloc[0].tolist() == ["test", 2, 1, 40, 40, 14]
    brought(folder, both.drop(columns="case_id"))
    with pytest.raises(StudyError, match=r"column case_id: the column is missing, and the cases of several models"):
        own(folder)
    images = risks(40).assign(patient_id=[f"P{i // 2}" for i in range(40)])  # two images a patient
    brought(folder, images)
    assert own(folder)["case_id"].tolist()[:3] == ["P0 (1)", "P0 (2)", "P1 (1)"]
    assert counts(own(folder))[["cases", "patients"]].iloc[0].tolist() == [40, 20]


def test_classes_need_the_positive_one_named(tmp_path):
    n = 30
    table = pd.DataFrame({"case_id": [f"C{i}" for i in range(n)], "label": ["low", "high", "benign"] * 10})
    table = table.assign(risk_benign=0.2, risk_low=0.3, risk_high=0.5)
    folder = brought(tmp_path / "mine", table)
    with pytest.raises(
        StudyError, match=r"key outcome\.positive: .*predictions\.csv has risks of the classes benign, low"
    ):
        own(folder)
    (folder / "study.yaml").write_text(YAML.replace("positive: malignant", "positive: high"))
    assert counts(own(folder), positive="high")["events"].tolist() == [10]


def test_parquet_gives_what_csv_gives(tmp_path):
    table = risks().assign(case_id=[f"{i:03}" for i in range(120)])
    a, b = brought(tmp_path / "a", table), tmp_path / "b"
    b.mkdir()
    table.to_parquet(b / "predictions.parquet")
    assert study.read(a).model_dump(exclude={"name", "title"}) == study.read(b).model_dump(exclude={"name", "title"})
    left, right = own(a).drop(columns="study"), own(b).drop(columns="study")
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    assert graph.studies([str(b)], "quick")["b"].parts() == [f"{b}/predictions.parquet"]
    brought(b, table)
    with pytest.raises(StudyError, match="there are two predictions tables"):
        study.read(b)


def test_what_study_yaml_says_stays(tmp_path):
    parts = [
        risks(30, k).assign(split=s, case_id=[f"{s}{i}" for i in range(30)])
        for k, s in enumerate(("train", "test", "external"))
    ]
    folder = brought(tmp_path / "mine", pd.concat(parts))
    said = YAML + "validation: {judged: external, choosing: none}\nthreshold: {rule: declared, value: 0.1}\n"
    (folder / "study.yaml").write_text(said)
    made = study.read(folder)
    assert (made.judged, made.choosing, made.threshold.value) == ("external", None, 0.1)
    assert assumed.assumptions(folder, made)["about"].tolist()[-1] == "column patient_id"
    (folder / "study.yaml").write_text(YAML + "validation: {judged: oof}\n")
    with pytest.raises(StudyError, match=r"the split 'oof' of study\.yaml is not there"):
        study.read(folder)
    (folder / "study.yaml").write_text(YAML + "threshold: {rule: youden}\n")
    brought(folder, risks())
    with pytest.raises(StudyError, match=r"key threshold\.rule: the rule youden needs rows to choose on.*value: 0\.5"):
        study.read(folder)


# ------------------------------------------------------------------------------ names and folders
@pytest.mark.parametrize("name", ["book", "Book"])
def test_a_study_cannot_take_the_folder_of_the_book(tmp_path, name):
    with pytest.raises(StudyError, match=r"key name: a study cannot be called book"):
        study.from_text(YAML.replace("name: declared", f"name: {name}"))
    assert study.read(brought(tmp_path / name, risks())).name == f"study_{name}"


def test_a_folder_that_holds_nothing_to_infer_from(tmp_path):
    with pytest.raises(
        StudyError, match=r"no study\.yaml in this folder, and neither predictions\.csv nor readings\.csv"
    ):
        study.read(tmp_path)
    with pytest.raises(StudyError, match="there is no such folder"):
        study.read(tmp_path / "gone")
    file = brought(tmp_path / "mine", risks()) / "predictions.csv"
    with pytest.raises(StudyError, match="this is a file, and a study is a folder"):
        study.read(file)
    (tmp_path / "excel").mkdir()
    (tmp_path / "excel" / "Predictions.xlsx").write_bytes(b"PK")
    with pytest.raises(StudyError, match=r"Predictions\.xlsx: .*save it as predictions\.csv \(CSV UTF-8"):
        study.read(tmp_path / "excel")


def test_chapters_that_nothing_makes_predictions_for(tmp_path):
    (tmp_path / "study.yaml").write_text(YAML)
    with pytest.raises(StudyError, match="chapter discrimination needs predictions, and nothing makes them"):
        graph.studies([str(tmp_path)], "quick")


# ------------------------------------------------------------------------------ what spreadsheets do to tables
GOOD = "case_id,label,risk\nC1,0,0.2\nC2,1,0.9\nC3,0,0.4\n"
FAULTS = {
    "a risk that is missing": (GOOD.replace("0.9", ""), ["row 3, column risk", "missing", "predict every case"]),
    "a risk that is NaN": (GOOD.replace("0.9", "NaN"), ["row 3, column risk", "missing"]),
    "a risk that is infinite": (GOOD.replace("0.9", "inf"), ["row 3, column risk", "inf is not a finite number"]),
    "a risk above one": (GOOD.replace("0.9", "1.2"), ["row 3, column risk", "1.2 is outside [0, 1]"]),
    "a risk in percent": (GOOD.replace("0.9", "90 %"), ["row 3, column risk", "'90 %' is not a finite number"]),
    "a label that is text": (GOOD.replace("C2,1", "C2,malignant"), ["row 3, column label", "'malignant' is not 0 or 1"]),
    "a label that is missing": (GOOD.replace("C2,1", "C2,"), ["row 3, column label", "missing"]),
    "one class": (GOOD.replace("C2,1", "C2,0"), ["column label", "all 3 rows of the split test are negative", "both classes"]),
    "a case twice": (GOOD.replace("C3", "C2"), ["row 4, column case_id", "case 'C2' is there twice"]),
    "a column that is not known": (GOOD.replace("case_id", "set"), ["row 1, column set", "rename 'set' to 'split'"]),
    "another name for the risk": (GOOD.replace("risk", "Probability"), ["rename 'Probability' to 'risk'"]),
    "a covariate": (GOOD.replace("case_id", "age"), ["unknown column 'age'", "take it out, or name it one of"]),
    "a blank before a name": (GOOD.replace(",risk", ", risk"), ["rename ' risk' to 'risk'"]),
    "a column twice": (GOOD.replace("case_id", "risk"), ["row 1, column risk", "there twice"]),
    "no header": (GOOD.replace("case_id,label,risk\n", "").replace("C", ""), ["row 1", "write a header"]),
    "an unknown split": (GOOD.replace("case_id", "split").replace("C1", "valid"), ["column split", "the splits are", "'valid'"]),
    "no judged split": ("split,label,risk\ntrain,0,0.1\ntrain,1,0.7\n", ["column split", "no row can be judged", "write test"]),
    "a decimal comma before the split": ("label,risk,split\n0,0,2,test\n1,0,9,test\n", ["row 2", "more cells than the header"]),
    "an empty file": ("", ["is empty"]),
    "a header only": ("label,risk\n", ["has no rows"]),
    "semicolons": (GOOD.replace(",", ";"), ["row 1", "separated by ';'", "with commas between the columns"]),
    "semicolons and decimal commas": (GOOD.replace(",", ";").replace(".", ","), ["row 1", "separated by ';'", "decimal comma by a point"]),
    "a separator named by Excel": ("sep=;\n" + GOOD.replace(",", ";"), ["row 1", "delete it"]),
    "tabs": (GOOD.replace(",", "\t"), ["row 1", "separated by tabs"]),
    "full-width commas": (GOOD.replace(",", "，"), ["row 1", "separated by '，'"]),
    "decimal commas in every row": (GOOD.replace(".", ","), ["row 2", "more cells than the header", "decimal point, as 0.25"]),
    "a decimal comma in one row": (GOOD.replace("0.9", "0,9"), ["row 3", "more cells than the header"]),
    "quoted decimal commas": (GOOD.replace("0.9", '"0,9"'), ["row 3, column risk", "'0,9' is not a finite number"]),
    "full-width digits": (GOOD.replace("0.9", "０.９"), ["row 3, column risk", "is not a finite number"]),
    "GBK": (GOOD.replace("C2", "甲状腺").encode("gbk"), ["row 3", "is not UTF-8 text", "CSV UTF-8"]),
    "Latin-1": (GOOD.replace("C2", "Müller").encode("latin-1"), ["row 3", "is not UTF-8 text"]),
    "UTF-16": (GOOD.encode("utf-16"), ["is not UTF-8 text"]),
    "a workbook": (b"PK\x03\x04rest", ["is a workbook", "save it as CSV UTF-8"]),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_each_fault_is_one_error_with_place_and_way_out(tmp_path, capsys, what):
    text, parts = FAULTS[what]
    folder = brought(tmp_path / "mine", text)
    with pytest.raises(StudyError) as caught:
        own(folder)
    said = str(caught.value)
    for part in ["predictions.csv", "Way out:", *parts]:
        assert part in said, said
    assert str(tmp_path) not in said and "\n" not in said
    assert build.main(["--study", str(folder)]) == 1  # nothing is started, and the sentence is all that is printed
    assert capsys.readouterr().err == f"{said}\n"


def test_parquet_that_is_none(tmp_path):
    folder = brought(tmp_path / "mine", b"not parquet", "predictions.parquet")
    with pytest.raises(StudyError, match=r"predictions\.parquet: cannot be read .*Way out: write it again"):
        study.read(folder)


def test_what_a_spreadsheet_may_do(tmp_path):
    text = "﻿" + GOOD.replace("\n", "\r\n") + ",,\r\n\r\n"  # byte order mark, line ends, empty rows at the end
    assert own(brought(tmp_path / "mine", text))["risk"].tolist() == [0.2, 0.9, 0.4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": 0}, r"predictions\.csv, row 2, column label: case 'C00' has label 1 here and 0 in cohort\.csv"),
        ({"split": "train"}, r"row 32, column split: case 'C30' has split test here and train in cohort\.csv"),
        ({"case_id": [f"D{i}" for i in range(60)]}, r"row 2, column case_id: case 'C00' is not in cohort\.csv"),
        ({"case_id": "C00"}, r"cohort\.csv, column case_id: the case 'C00' appears twice"),
    ],
)
def test_two_tables_that_disagree(tmp_path, change, said):
    folder = tmp_path / "mine"
    folder.mkdir()
    table = cohort(folder)[["case_id", "patient_id", "split", "label"]].assign(risk=risks(60)["risk"])
    brought(folder, table)
    own(folder)
    cohort(folder, **change)
    with pytest.raises(StudyError, match=said):
        own(folder)


def test_rows_that_are_assumed_hide_nothing():
    with pytest.raises(StudyError, match="rename 'spilt' to 'split'"):
        own_table.complete(risks(4).assign(spilt="train"), study="s")
    full = own_table.complete(risks(4), study="s").assign(age=50)
    assert own_table.complete(full, study="s")["age"].tolist() == [50] * 4  # nothing is assumed, so nothing is refused


# ------------------------------------------------------------------------------ the graph and the chapters
def test_the_graph_needs_only_the_chapters_that_the_tables_allow(tmp_path):
    folder = brought(tmp_path / "mine", risks())
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--list-rules",
        "--nolock",
        "--config",
        f"studies={json.dumps([str(folder)])}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rules = set(done.stdout.split())
    assert {"assumptions", "predictions", "discrimination", "calibration", "decision", "reporting"} <= rules
    assert not {"train", "fuse", "networks", "explain", "readers", "subgroups", "book_trust"} & rules
    out = tmp_path / "out.csv"
    subprocess.run([sys.executable, "-m", "helpers.stats.predictions", str(out), str(folder)], check=True)
    read = predictions.read(out).set_index("case_id")["risk"]
    assert read.to_dict() == own(folder).set_index("case_id")["risk"].to_dict()


@pytest.mark.build
def test_the_chapters_never_import_torch(tmp_path, monkeypatch):
    """Packages that only training needs are replaced by ones that fail when they are imported."""
    for name in ("torch", "torchvision", "timm"):
        (tmp_path / "path" / name).mkdir(parents=True)
        (tmp_path / "path" / name / "__init__.py").write_text("raise ImportError('only training needs this')")
    monkeypatch.delenv(warm.VARIABLE, raising=False)  # a warm process knows its path from before
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "path"), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, text=True, check=False)
    assert "only training needs this" in done.stderr
    folder = brought(tmp_path / "mine", risks(60))
    node = graph.studies([str(folder)], "quick")["mine"]
    results = tmp_path / "results"
    predictions.write(own(folder), results / "predictions.csv")
    for chapter in ("assumptions", "discrimination", "calibration", "decision"):
        values = {**node.parameters(chapter), "results": str(results)}
        values |= {"resamples": 50} if "resamples" in values else {}
        execute(f"notebooks/{chapter}.py", results / chapter, values)
    assert executed(results) == EXECUTED["test_own_predictions"]
    frozen = pd.read_csv(results / "discrimination" / "tables" / "tab-thresholds.csv")
    assert frozen[["value", "rule", "split"]].values.tolist() == [[0.5, "declared", "none"]]
    assert not (results / "calibration" / "tables" / "tab-recalibration.csv").exists()
    kept = json.loads((results / "assumptions" / "numbers.json").read_text())
    assert "threshold is declared (0.5)" in kept["answer"]
    assert kept["count"] == len(pd.read_csv(results / "assumptions" / "tables" / "tab-assumptions.csv")) > 7
    shown = (results / "assumptions" / "notebook.ipynb").read_text()
    assert "name: mine" in shown and "rule: declared" in shown
    assert study.from_text(inferred.as_yaml(node.study)) == node.study
    card = model_card.model_card(node.study, results).set_index("section")["content"]
    assert card["Models"] == "made elsewhere: only their predictions are here"
    assert card["Threshold"] == "declared in advance: 0.5"
    items = reporting.checklist(results, node.study)
    updated = items.set_index("item").loc["12f"]
    assert (updated["status"], updated["evidence"]) == ("not applicable", "no case was there to choose on")
    assert "No case was there to choose on" in reporting.limitations(node.study, items)

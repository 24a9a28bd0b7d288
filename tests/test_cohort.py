"""The cohort table: every fault is one error with file, row, column and the way out, before anything is computed."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.data import cohort, study
from helpers.data.errors import StudyError


def change(folder, old, new, count=1):
    path = folder / "cohort.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def test_a_good_table_is_read_with_its_types(tiny):
    frame = cohort.read(tiny)
    assert frame.columns.tolist() == ["patient_id", "case_id", "center", "split", "label", "age", "sex"]
    assert len(frame) == 40 and frame["label"].sum() == 14
    assert frame["sex"].cat.categories.tolist() == ["female", "male"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("age,sex", "agee,sex", r"cohort\.csv, row 1, column age: this column is missing\. Way out: rename 'agee' to"),
        ("center,", "zentrum_x,", r"row 1, column center: this column is missing"),
        ("P03,C03", "P03,C02", r"cohort\.csv, row 5, column case_id: the case 'C02' appears twice"),
        ("C05,B,train", "C05,B,validation", r"row 7, column split: unknown split 'validation'.*train, tune, test"),
        ("C05,B,train", "C05,,train", r"row 7, column center: this cell is empty"),
        ("C00,A,train,1", "C00,A,train,yes", r"row 2, column label: the label is 'yes'"),
        ("C00,A,train,1", "C00,A,train,", r"row 2, column label: the label is ''"),
        ("C00,A,train,1", "C00,A,train,1,2", r"row 2: 8 cells where the header has 7"),
        ("patient_id,case_id", "case_id,case_id", r"row 1, column case_id: this column appears twice"),
    ],
)
def test_a_fault_names_row_and_column(tiny, old, new, said):
    change(tiny, old, new)
    with pytest.raises(StudyError, match=said):
        cohort.read(tiny)


def test_an_unknown_level_names_the_levels(tiny):
    path = tiny / "cohort.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + ",<script>alert(1)</script>"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(StudyError, match=r"row 5, column sex: unknown level '<script>.*use female, male"):
        cohort.read(tiny)


@pytest.mark.parametrize(("value", "said"), [("4O", "'4O' is not a number"), ("400", "outside the declared range")])
def test_a_number_is_a_number_in_its_range(tiny, value, said):
    path = tiny / "cohort.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[9].split(",")
    lines[9] = ",".join([*cells[:5], value, cells[6]])
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(StudyError, match=f"row 10, column age: .*{said}"):
        cohort.read(tiny)


def test_a_patient_in_two_splits_stops_the_run(tiny):
    change(tiny, "P07,C07,B,train", "P06,C07,B,test")
    with pytest.raises(StudyError, match=r"row 9, column split: patient 'P06' is in two splits, test and train"):
        cohort.read(tiny)


def test_one_class_only(tiny):
    path = tiny / "cohort.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("train,1", "train,0"), encoding="utf-8")
    with pytest.raises(StudyError, match="all 40 cases of the split train have the label 0"):
        cohort.read(tiny)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "this table is empty"),
        (b"patient_id,case_id\n", "a header but no case"),
        (b"patient_id;case_id\n1;2\n", "separated by semicolons"),
        ("patient_id,case_id\nM\xfcller,1\n".encode("latin-1"), "not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_table(tiny, content, said):
    (tiny / "cohort.csv").write_bytes(content)
    with pytest.raises(StudyError, match=said):
        cohort.read(tiny)


def test_a_missing_table(tiny):
    (tiny / "cohort.csv").unlink()
    with pytest.raises(StudyError, match=r"no cohort\.csv in this folder"):
        cohort.read(tiny)


def with_test_split(tiny):
    path = tiny / "cohort.csv"
    frame = pd.read_csv(path)
    frame.loc[frame.index % 4 == 0, "split"] = "test"
    frame.to_csv(path, index=False)
    text = (tiny / "study.yaml").read_text(encoding="utf-8").replace("kind: cross-validation", "kind: test")
    text += "inputs: {b: {label: image, kind: bmode, crop: {scale: 1.5}}}\n"
    text += "models: {net: {input: b, architectures: [resnet18]}}\n"
    (tiny / "study.yaml").write_text(text, encoding="utf-8")


def test_tune_patients_are_a_stratified_part_of_training_only(tiny):
    with_test_split(tiny)
    before = pd.read_csv(tiny / "cohort.csv")
    frame = cohort.read(tiny)
    assert (frame["split"] == "test").sum() == (before["split"] == "test").sum()
    development = frame[frame["split"] != "test"]
    share = development.groupby("label")["split"].apply(lambda s: (s == "tune").mean())
    assert share.between(0.15, 0.35).all()
    assert (development.groupby("patient_id")["split"].nunique() == 1).all()


def test_tune_patients_do_not_depend_on_the_order_of_rows(tiny):
    with_test_split(tiny)
    first = cohort.read(tiny).set_index("case_id")["split"]
    pd.read_csv(tiny / "cohort.csv").sample(frac=1, random_state=5).to_csv(tiny / "cohort.csv", index=False)
    second = cohort.read(tiny).set_index("case_id")["split"]
    assert first.sort_index().equals(second.sort_index())


def test_the_fingerprint_of_a_split_is_that_of_its_cases(tiny):
    frame = cohort.read(tiny)
    one = cohort.manifest(frame)
    assert one["sha256"].tolist() == cohort.manifest(frame.sample(frac=1, random_state=0))["sha256"].tolist()
    assert one["sha256"].tolist() != cohort.manifest(frame.iloc[1:])["sha256"].tolist()
    assert one[["patients", "cases", "events"]].to_numpy().tolist() == [[40, 40, 14]]


def test_flow_steps_come_from_the_file_then_from_the_settings(tiny):
    settings = study.read(tiny)
    assert cohort.flow_steps(tiny, settings) == [("Patients in the cohort table", None, {})]
    (tiny / "flow.json").write_text('[["All", 50, {"no pathology": 10}]]', encoding="utf-8")
    assert cohort.flow_steps(tiny, settings) == [("All", 50, {"no pathology": 10})]

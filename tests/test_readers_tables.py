"""readings.csv: what is read, what is refused, what is stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.data.errors import StudyError
from helpers.stats.readings import cube, describe, read


def rows() -> pd.DataFrame:
    names = ["reader", "experience", "modality", "case_id", "patient_id", "label", "rating"]
    values = [
        (r, "senior" if r == "A" else "junior", m, f"00{k}", f"p{k}", k % 2, k + 1)
        for r in "AB"
        for m in ("aided", "unaided")
        for k in range(4)
    ]
    return pd.DataFrame(values, columns=names)


def write(folder, frame):
    frame.to_csv(folder / "readings.csv", index=False)
    return folder / "readings.csv"


def test_a_sound_table_is_read(tmp_path):
    frame = read(write(tmp_path, rows()))
    assert len(frame) == 16
    assert frame["case_id"].tolist()[:2] == ["000", "001"]  # text, leading zeros kept
    assert frame["label"].tolist()[:2] == [0, 1]
    assert cube(frame).experience == {"A": "senior", "B": "junior"}
    marked = tmp_path / "readings.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + marked.read_bytes())
    assert "reader" in read(marked)


def change(at, column, value):
    def apply(frame):
        frame = frame.astype(object)
        frame.loc[at, column] = value
        return frame

    return apply


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda f: f.drop(columns="patient_id"), "readings.csv, column patient_id: there is no such column"),
        (
            lambda f: pd.concat([f, f.iloc[[3]]]),
            "row 18, column case_id: reader 'A' has case '003' in modality 'aided' twice",
        ),
        (change(5, "label", 0), "row 7, column label: it differs within case '001'"),
        (change(5, "patient_id", "p9"), "row 7, column patient_id: it differs within case '001'"),
        (change(9, "experience", "senior"), "column experience: it differs within reader 'B'"),
        (change(2, "label", 2), "row 4, column label: 2 is not 0 or 1"),
        (change(2, "label", "malignant"), "row 4, column label: 'malignant' is not a number"),
        (change(2, "rating", "high"), "row 4, column rating: 'high' is not a number"),
        (change(2, "rating", "inf"), "row 4, column rating: the rating is infinite"),
        (change(2, "rating", ""), "row 4, column rating: the cell is empty"),
        (change(2, "reader", " "), "row 4, column reader: the cell is empty"),
        (lambda f: f[f["modality"] == "aided"], "column modality: there is only one modality"),
        (lambda f: f[f["reader"] == "A"], "column reader: there is only one reader"),
        (lambda f: f[f["label"] == 1], "column label: all cases are positive"),
        (lambda f: f.iloc[:0], "there is no reading"),
    ],
)
def test_faults_name_file_row_and_column(tmp_path, fault, message):
    with pytest.raises(StudyError) as error:
        read(write(tmp_path, fault(rows())))
    assert message in str(error.value)
    assert "Way out" in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_unreadable_files(tmp_path):
    with pytest.raises(StudyError, match="there is no such file"):
        read(tmp_path / "readings.csv")
    (tmp_path / "readings.csv").write_text("")
    with pytest.raises(StudyError, match="not a CSV table"):
        read(tmp_path / "readings.csv")


def test_one_reader_or_modality_can_be_allowed(tmp_path):
    alone = rows().query("reader == 'A' and modality == 'unaided'")
    assert len(read(write(tmp_path, alone), minimum_readers=1, minimum_modalities=1)) == 4


def test_the_design_is_stated():
    frame = rows().assign(modality=lambda f: f["modality"].replace("aided", "with AI"))
    design = describe(frame.iloc[1:])
    assert "modality 'with AI' is neither 'unaided' nor 'aided'" in design.notes
    assert any("1 of 16 cells were not read" in note for note in design.notes)
    assert "2 readers gave 4-level ratings of 4 cases (2 positive)" in design.methods
    assert design.frame()["missing"].sum() == 1
    plain = describe(rows().drop(columns="patient_id").assign(rating=lambda f: f["label"]))
    assert any("there is no patient_id" in note for note in plain.notes)
    assert any("report sensitivity and specificity" in note for note in plain.notes)
    grouped = describe(rows().assign(patient_id=lambda f: f["case_id"].replace("001", "000")))
    assert any("4 cases come from 3 patients" in note for note in grouped.notes)


def test_functions_get_value_errors():
    with pytest.raises(ValueError, match="must be a DataFrame"):
        cube([1, 2])
    with pytest.raises(ValueError, match="values are text"):
        cube(rows().assign(label="benign"))
    with pytest.raises(ValueError, match="no such column"):
        cube(rows().drop(columns="rating"))
    with pytest.raises(ValueError, match="cell is empty"):
        cube(rows().assign(rating=np.nan))


def test_names_reach_the_one_place():
    from helpers.stats import readers

    for name in readers.__all__:
        assert getattr(readers, name).__doc__

"""Readings whose ratings are classes: the table `readings.csv` of the chapter `class_readers`, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.table_file import load as load_table

FILE = "readings.csv"
NEEDED = ("reader", "experience", "patient_id", "label", "rating")


def read(path: str | Path, names: Sequence[str]) -> pd.DataFrame:
    """Read a table of readings whose ratings are classes.

    Parameters
    ----------
    path : path
        CSV with `reader, experience, patient_id, label, rating`; further columns are left alone.
    names : sequence of str
        The classes.

    Returns
    -------
    DataFrame

    Raises
    ------
    StudyError
        If a column is missing, a label or rating is no class, a reader judged a patient twice, or a patient has two
        labels.
    """
    table = load_table(Path(path), text=True).reset_index(drop=True)
    for column in NEEDED:
        if column not in table:
            raise StudyError("the column is missing", file=FILE, column=column, fix=f"it needs {', '.join(NEEDED)}")
    table = table.astype(dict.fromkeys(NEEDED, str))
    for column in ("label", "rating"):
        wrong = ~table[column].isin(list(names))
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            text = f"{table[column].iloc[row]!r} is none of the classes"
            raise StudyError(text, file=FILE, row=row + 2, column=column, fix=f"write one of {', '.join(names)}")
    twice = table.duplicated(["reader", "patient_id"])
    if twice.any():
        row = int(twice.to_numpy().argmax())
        who = f"{table['reader'].iloc[row]} judged patient {table['patient_id'].iloc[row]!r} twice"
        raise StudyError(who, file=FILE, row=row + 2, column="patient_id", fix="keep one row a reader and patient")
    labels = table.drop_duplicates(["patient_id", "label"])["patient_id"]
    if labels.duplicated().any():
        patient = labels[labels.duplicated()].iloc[0]
        raise StudyError(f"patient {patient!r} has two labels", file=FILE, column="label", fix="correct one of them")
    return table


def by_patient(table: pd.DataFrame) -> pd.DataFrame:
    """Ratings with one row a patient and one column a reader, readers in the order of the table.

    Raises
    ------
    StudyError
        If a reader left a patient out.
    """
    wide = table.pivot(index="patient_id", columns="reader", values="rating")[list(dict.fromkeys(table["reader"]))]
    if wide.isna().to_numpy().any():
        lacking = wide.columns[wide.isna().any()][0]
        raise StudyError(f"{lacking} did not judge every patient", file=FILE, column="reader", fix="add the readings")
    return wide


def agree(table: pd.DataFrame, known: pd.Series, shared: Sequence[str]) -> pd.Series:
    """Labels of the readings by patient, which must be those that the study knows.

    Parameters
    ----------
    table : DataFrame
        From `read`.
    known : Series
        Names of classes by patient.
    shared : sequence of str
        Patients in both.

    Returns
    -------
    Series
        Names of classes by patient.

    Raises
    ------
    StudyError
        If no patient is in both, or one has two labels.
    """
    truth = table.drop_duplicates("patient_id").set_index("patient_id")["label"]
    if not shared:
        raise StudyError(
            "no patient of the readings is among the judged ones",
            file=FILE,
            column="patient_id",
            fix="give readings of the patients on whom the models are judged",
        )
    differ = [patient for patient in shared if truth[patient] != known[patient]]
    if differ:
        said = f"patient {differ[0]!r} is {truth[differ[0]]!r} here and {known[differ[0]]!r} in the study"
        raise StudyError(said, file=FILE, column="label", fix="correct one of the two")
    return truth

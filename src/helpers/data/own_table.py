"""A predictions table that somebody brings: found in a folder, and completed by stated rules."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.table_file import KINDS

STEM = "predictions"
COLUMNS = ("study", "model", "seed", "split", "center", "patient_id", "case_id", "label", "risk")
FROM_COHORT = ("patient_id", "center", "split", "label")  # what a case's row in cohort.csv may say instead
# other names in use for our columns: a table that has one of them means that column
ALIASES = {
    "split": {"set", "fold", "subset", "dataset", "partition", "phase", "cohort", "group"},
    "risk": {"prob", "probability", "score", "pred", "prediction", "predicted", "proba", "p", "y_score", "y_prob"},
    "label": {"y", "y_true", "true", "truth", "target", "outcome", "class", "gt", "ground_truth", "malignant"},
    "patient_id": {"patient", "pid", "patientid", "subject", "subject_id"},
    "case_id": {"case", "caseid", "id", "image", "image_id", "nodule", "nodule_id", "name", "filename", "file"},
    "center": {"centre", "hospital", "site", "institution"},
    "model": {"network", "algorithm", "classifier", "method"},
    "seed": {"run", "repeat"},
}


def find(folder: str | Path) -> Path | None:
    """The predictions table that lies in a study folder, if any.

    Parameters
    ----------
    folder : path
        A study's folder.

    Returns
    -------
    Path or None
        `predictions.csv` or `predictions.parquet`.

    Raises
    ------
    StudyError
        If both are there, or one with another ending (`predictions.xlsx`) alone.

    Examples
    --------
    >>> find("src/helpers") is None
    True
    """
    there = [path for path in (Path(folder) / f"{STEM}{kind}" for kind in KINDS) if path.is_file()]
    if len(there) > 1:
        raise StudyError("there are two predictions tables", file=there[1].name, fix=f"keep it or {there[0].name}")
    if there:
        return there[0]
    for path in sorted(Path(folder).glob("*")):
        if path.stem.lower() == STEM and path.suffix.lower() in (".xlsx", ".xls", ".ods", ".tsv", ".txt", ".csv"):
            fix = "save it as predictions.csv (CSV UTF-8, lower-case name)"
            raise StudyError("this table cannot be read in this form", file=path.name, fix=fix)
    return None


def complete(
    frame: pd.DataFrame, *, study: str, cohort: pd.DataFrame | None = None, file: str | None = None
) -> pd.DataFrame:
    """Add the columns that a table does not have, by the rules that `notes` states.

    Parameters
    ----------
    frame : DataFrame
        From `helpers.data.table_file.load`; `label` and `risk` (or `risk_<class>`) must be there.
    study : str
        Name of the study.
    cohort : DataFrame, optional
        `case_id` and some of `patient_id, center, split, label`, from `cohort.csv`.
    file : str, optional
        Named in errors.

    Returns
    -------
    DataFrame
        With all columns of a predictions table, in the same order of rows; not yet checked.

    Raises
    ------
    StudyError
        If a column is not known while another is missing, several models lack a `case_id`, or a case is not in
        the cohort.

    Examples
    --------
    >>> made = complete(pd.DataFrame({"label": [0, 1], "risk": [0.2, 0.7]}), study="mine")
    >>> made.loc[1, ["study", "model", "split", "patient_id", "case_id"]].tolist()
    ['mine', 'model', 'test', 'row 3', 'row 3']
    """
    names = list(frame.columns)
    if frame.empty:
        raise StudyError("has no rows", file=file, fix="write one row a case, model and seed")
    missing = [name for name in COLUMNS if name not in names and name not in ("label", "risk")]
    _refuse_unknown(names, file)
    frame = frame.copy()
    source = dict(borrowed(names, [] if cohort is None else list(cohort.columns)))
    for column in source:
        frame[column] = _looked_up(frame, column, cohort, file)
    if "case_id" not in names:
        frame["case_id"] = _cases(frame, file)
    if "patient_id" not in frame:
        frame["patient_id"] = frame["case_id"]
    given = {"study": study, "model": "model", "seed": 0, "split": "test", "center": ""}
    for column in missing:
        if column in given and column not in frame:
            frame[column] = given[column]
    return frame


def borrowed(columns: Sequence[str], cohort: Sequence[str]) -> list[tuple[str, str]]:
    """Columns that the cohort table gives to a predictions table without them, with the reason."""
    if "case_id" not in columns or "case_id" not in cohort:
        return []
    return [(c, "taken from cohort.csv by case_id") for c in FROM_COHORT if c not in columns and c in cohort]


def notes(columns: Sequence[str], *, study: str, cohort: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """What `complete` takes for granted about a table with these columns: `column, assumed, because`.

    Examples
    --------
    >>> notes(["case_id", "patient_id", "model", "seed", "study", "center", "label", "risk"], study="mine")
    [('split', 'test', 'there is no such column: every row is taken for a test case that no choice has seen')]
    """
    absent = "there is no such column: "
    said = {
        "study": (study, absent + "the name of the study"),
        "model": ("model", absent + "all risks are taken for those of one model"),
        "seed": ("0", absent + "all risks are taken for those of one training run"),
        "split": ("test", absent + "every row is taken for a test case that no choice has seen"),
        "center": ("", absent + "all cases are taken for those of one centre"),
        "patient_id": ("the case", absent + "every case is taken for a patient of its own"),
        "case_id": ("the patient, or the row", absent + "a patient is a case (numbered on where one repeats)"),
    }
    if "case_id" not in columns and "patient_id" not in columns:
        said["case_id"] = ("the row", absent + "every row is taken for a case, named by its row in the sheet")
    lent = dict(borrowed(columns, cohort))
    rows = [(name, *said[name]) for name in COLUMNS if name in said and name not in columns and name not in lent]
    return [(name, "cohort.csv", absent + why) for name, why in lent.items()] + rows


def _refuse_unknown(names: list[str], file: str | None) -> None:
    """A column that we do not know may be the one that would be assumed: `set` instead of `split`."""
    absent = [n for n in COLUMNS if n not in names]
    if not absent or (absent == ["risk"] and any(n.startswith("risk_") for n in names)):
        return
    for name in names:
        if name in COLUMNS or name.startswith("risk_"):
            continue
        plain = re.sub(r"[\s-]+", "_", name.strip().lower())
        near = [c for c in absent if plain == c or plain in ALIASES.get(c, ())]
        near = near or difflib.get_close_matches(plain, absent, n=1, cutoff=0.6)
        fix = f"rename {name!r} to {near[0]!r}" if near else f"take it out, or name it one of {', '.join(absent)}"
        raise StudyError(f"unknown column {name!r}", file=file, row=1, column=name, fix=fix)


def _cases(frame: pd.DataFrame, file: str | None) -> pd.Series:
    """Names for the cases of a table without them."""
    runs = [c for c in ("model", "seed") if c in frame and (frame[c] != frame[c].iloc[0]).any()]
    if "patient_id" in frame:
        number = frame.groupby([c for c in ("model", "seed", "split", "patient_id") if c in frame], dropna=False)
        number = number.cumcount()
        if not number.any():
            return frame["patient_id"]
    if runs:
        what = "models" if runs[0] == "model" else "seeds"
        raise StudyError(
            f"the column is missing, and the cases of several {what} cannot be matched without it",
            file=file,
            row=1,
            column="case_id",
            fix="add it: the same name for the same case in every model and seed",
        )
    if "patient_id" in frame:
        return frame["patient_id"].astype(str) + (number + 1).map(" ({})".format)
    return pd.Series(np.arange(2, len(frame) + 2), index=frame.index).map("row {}".format)


def _looked_up(frame: pd.DataFrame, column: str, cohort: pd.DataFrame, file: str | None) -> pd.Series:
    where = pd.Index(cohort["case_id"].astype(str))
    if not where.is_unique:
        name = where[where.duplicated()][0]
        raise StudyError(
            f"the case {name!r} appears twice", file="cohort.csv", column="case_id", fix="keep one row a case"
        )
    at = where.get_indexer(frame["case_id"].astype(str))
    if (at < 0).any():
        row = int((at < 0).argmax())
        raise StudyError(
            f"case {frame['case_id'].iloc[row]!r} is not in cohort.csv, which gives the column {column}",
            file=file,
            row=row + 2,
            column="case_id",
            fix=f"use the same case_id in both tables, or add the column {column} here",
        )
    return pd.Series(cohort[column].to_numpy()[at], index=frame.index)

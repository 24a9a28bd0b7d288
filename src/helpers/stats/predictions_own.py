"""A predictions table that somebody brings: read, completed, checked, and held against the cohort table beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data import own_table
from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.data.study import read as read_study
from helpers.data.table_file import load, shown
from helpers.stats.predictions_check import SPLITS, check, classes

TRAINING = {"tune": "train", "oof": "train"}  # parts of what cohort.csv may call train
START = "python -m helpers.data.inferred FOLDER prints a study.yaml to start from"
COUNTS = "Rows of the predictions table, counted after the checks of columns, types, ranges, duplicates and splits."
COHORT = {"case_id", *own_table.FROM_COHORT}


def own(folder: str | Path) -> pd.DataFrame:
    """Read the predictions table of a study folder, with every check it has.

    Parameters
    ----------
    folder : path
        With `predictions.csv` or `predictions.parquet`, and perhaps `cohort.csv`.

    Returns
    -------
    DataFrame
        A complete predictions table; columns that were not there follow `helpers.data.own_table.complete`.

    Raises
    ------
    StudyError
        Naming file, row, column and the way out: every fault of `helpers.data.table_file.load` and
        `helpers.stats.predictions.check`, a split with one class only, risks of several classes none of which is
        `outcome.positive`, or a case whose label, split or patient is another one in `cohort.csv`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "mine")
    >>> folder.mkdir()
    >>> _ = (folder / "predictions.csv").write_text("label,risk\\n0,0.1\\n1,0.8\\n")
    >>> own(folder)[["study", "model", "split", "case_id"]].iloc[0].tolist()
    ['mine', 'model', 'test', 'row 2']
    """
    folder = Path(folder)
    study, file = read_study(folder), own_table.find(folder)
    if file is None:
        raise StudyError("no predictions table in this folder", file=str(folder), fix="put predictions.csv there")
    name, raw = shown(file), load(file)
    path = folder / "cohort.csv"
    cohort = load(path, columns=COHORT, text=True) if path.is_file() else None
    frame = check(own_table.complete(raw, study=study.name, cohort=cohort, file=name), file=name)
    names = classes(frame)
    if names and study.outcome.positive not in names:
        raise StudyError(
            f"{name} has risks of the classes {', '.join(names)}, and {study.outcome.positive!r} is none of them",
            file="study.yaml",
            key="outcome.positive",
            fix=f"write the class that counts as positive there ({START})",
        )
    _both_classes(frame, study, name)
    if cohort is not None and "case_id" in raw and "case_id" in cohort:
        _agrees(frame, cohort, study, name)
    return frame


def counts(frame: pd.DataFrame, *, positive: str = "1") -> pd.DataFrame:
    """Models, seeds, cases, patients and events in every split of a predictions table.

    Parameters
    ----------
    frame : DataFrame
        A complete predictions table.
    positive : str
        The class that counts as an event, in a table of several classes.

    Returns
    -------
    DataFrame
        `split, models, seeds, cases, patients, events`, in reading order; a case counts once.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["a", "b"], "seed": 0, "split": "test", "patient_id": "P", "case_id": "C",
    ...                       "label": 1})
    >>> counts(frame)["models"].tolist()
    [2]
    """
    rows = []
    for split in [name for name in SPLITS if (frame["split"] == name).any()]:
        part = frame[frame["split"] == split]
        cases = part.drop_duplicates("case_id")
        sizes = [part[column].nunique() for column in ("model", "seed", "case_id", "patient_id")]
        rows.append((split, *sizes, int(_events(cases["label"], positive).sum())))
    return pd.DataFrame(rows, columns=["split", "models", "seeds", "cases", "patients", "events"])


def _events(label: pd.Series, positive: str) -> pd.Series:
    return label == (1 if pd.api.types.is_numeric_dtype(label.dtype) else positive)


def _both_classes(frame: pd.DataFrame, study: Study, file: str) -> None:
    for split, labels in frame.groupby("split")["label"]:
        events = _events(labels, study.outcome.positive)
        if events.all() or not events.any():
            raise StudyError(
                f"all {len(labels)} rows of the split {split} are {'positive' if events.all() else 'negative'}",
                file=file,
                row=int(labels.index[0]) + 2,
                column="label",
                fix="both classes are needed to judge a model, label 1 and label 0; correct it, or leave the split out",
            )


def _agrees(frame: pd.DataFrame, cohort: pd.DataFrame, study: Study, file: str) -> None:
    """Refuse a case that says one thing here and another in the cohort table."""
    where = pd.Index(cohort["case_id"])
    if not where.is_unique:
        name = where[where.duplicated()][0]
        raise StudyError(f"the case {name!r} appears twice", file="cohort.csv", column="case_id", fix="keep one row")
    at = where.get_indexer(frame["case_id"])
    lost = at < 0
    if lost.any() and "subgroups" in study.chapters:
        row = int(lost.argmax())
        raise StudyError(
            f"case {frame['case_id'].iloc[row]!r} is not in cohort.csv ({int(lost.sum())} such rows)",
            file=file,
            row=row + 2,
            column="case_id",
            fix="use the same case_id in both tables, or leave out the chapter subgroups in study.yaml",
        )
    for column in ("label", "split", "patient_id"):
        if column not in cohort or (column == "label" and classes(frame)):
            continue
        here = frame[column].astype(str).replace(TRAINING).to_numpy(object)
        there = cohort[column].replace(TRAINING).to_numpy(object)[at]
        differs = (here != there) & ~lost
        if differs.any():
            row = int(np.argmax(differs))
            raise StudyError(
                f"case {frame['case_id'].iloc[row]!r} has {column} {frame[column].iloc[row]} here and "
                f"{cohort[column].iloc[at[row]]} in cohort.csv",
                file=file,
                row=row + 2,
                column=column,
                fix="correct the table that is wrong",
            )

"""What a predictions table must satisfy; each fault is one error with file, row, column and the way out."""

from __future__ import annotations

import difflib

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.own_table import COLUMNS

TEXT = ("study", "model", "split", "center", "patient_id", "case_id")
SPLITS = ("train", "tune", "oof", "test", "external")
SUM_TOLERANCE = 1e-3  # risks of several classes, written with four decimals or more


def risk_columns(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that hold risks.

    Parameters
    ----------
    frame : DataFrame
        Predictions.

    Returns
    -------
    list of str
        `["risk"]`, or `risk_<class>` in the order of the table.

    Examples
    --------
    >>> risk_columns(pd.DataFrame(columns=["label", "risk_benign", "risk_malignant"]))
    ['risk_benign', 'risk_malignant']
    """
    return [c for c in frame.columns if c == "risk" or str(c).startswith("risk_")]


def classes(frame: pd.DataFrame) -> list[str]:
    """Classes of a table with several risks.

    Parameters
    ----------
    frame : DataFrame
        Predictions with `risk_<class>` columns.

    Returns
    -------
    list of str

    Examples
    --------
    >>> classes(pd.DataFrame(columns=["label", "risk_benign", "risk_malignant"]))
    ['benign', 'malignant']
    """
    return [c.removeprefix("risk_") for c in risk_columns(frame) if c != "risk"]


def check(frame: pd.DataFrame, *, file: str | None = None) -> pd.DataFrame:
    """Return a predictions table with proper types, or raise the first fault found.

    Parameters
    ----------
    frame : DataFrame
        Columns `study, model, seed, split, center, patient_id, case_id, label` and `risk` or `risk_<class>`.
    file : str or None
        Named in errors.

    Returns
    -------
    DataFrame
        A copy: identifiers as text, `seed` int, `label` int (text for several classes), risks float.

    Raises
    ------
    StudyError
        A missing or misspelt column, an empty table, a missing value, a split that is not known, a label that
        is not 0 or 1, a risk that is missing, infinite or outside [0, 1], risks of classes that do not sum to 1,
        a case twice, a patient in two splits, or a case with two labels or two patients.

    Examples
    --------
    >>> table = pd.DataFrame({"study": "s", "model": "m", "seed": 1, "split": "test", "center": "A",
    ...                       "patient_id": ["a", "b"], "case_id": ["a", "b"], "label": [0, 1], "risk": [0.1, 1.7]})
    >>> check(table, file="predictions.csv")
    Traceback (most recent call last):
    ...
    helpers.data.errors.StudyError: predictions.csv, row 3, column risk: 1.7 is outside [0, 1]. Way out: write \
probabilities, not percent or logits.
    """
    _columns(frame, file)
    if len(frame) == 0:
        raise StudyError("has no rows", file=file, fix="write one row a case, model and seed")
    frame = frame.reset_index(drop=True).copy()
    for column in TEXT:
        frame[column] = _text(frame[column], column, file)
    unknown = ~frame["split"].isin(SPLITS)
    if unknown.any():
        _fault(
            f"unknown split {frame['split'][unknown.idxmax()]!r}", unknown, "split", file, f"use {', '.join(SPLITS)}"
        )
    frame["seed"] = _whole(frame["seed"], "seed", file)
    risks = risk_columns(frame)
    for column in risks:
        frame[column] = _risk(frame[column], column, file)
    if risks == ["risk"]:
        frame["label"] = _binary(frame["label"], file)
    else:
        frame["label"] = _text(frame["label"], "label", file)
        known = classes(frame)
        wrong = ~frame["label"].isin(known)
        if wrong.any():
            value = frame["label"][wrong.idxmax()]
            _fault(f"unknown class {value!r}", wrong, "label", file, f"use {', '.join(known)}, as the risk columns do")
        total = frame[risks].sum(axis=1)
        wrong = (total - 1).abs() > SUM_TOLERANCE
        if wrong.any():
            value = f"risks of the classes sum to {total[wrong.idxmax()]:.4g}, not 1"
            _fault(value, wrong, risks[0], file, "write a softmax with at least four decimals")
    _identity(frame, file)
    return frame


def _columns(frame: pd.DataFrame, file: str | None) -> None:
    names = [str(c) for c in frame.columns]
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise StudyError("the column is there twice", file=file, column=twice[0], fix="keep one")
    risks = risk_columns(frame)
    if "risk" in risks and len(risks) > 1:
        raise StudyError("both risk and risk_<class> columns", file=file, column=risks[-1], fix="keep one kind")
    needed = [c for c in COLUMNS if c != "risk" or len(risks) < 2]
    for column in needed:
        if column not in names:
            spare = [n for n in names if n not in COLUMNS]
            near = difflib.get_close_matches(column, spare, n=1, cutoff=0.6)
            near = near or [n for n in spare if n.strip().lower().replace(" ", "_") == column]
            if near:
                fix = f"rename {near[0]!r} to {column!r}"
            else:
                fix = f"add it; the columns are {', '.join(COLUMNS)} (or risk_<class> columns)"
            raise StudyError("the column is missing", file=file, column=column, fix=fix)


def _text(column: pd.Series, name: str, file: str | None) -> pd.Series:
    missing = column.isna()
    values = column if pd.api.types.is_string_dtype(column.dtype) else column.astype(str)
    if missing.any():
        values = values.mask(missing, "")
    empty = (values == "") & (name != "center")  # one centre needs no name
    if empty.any():
        _fault("missing value", empty, name, file, "fill it in; every prediction belongs to a case of a patient")
    return values


def _whole(column: pd.Series, name: str, file: str | None) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        _fault(f"{_said(column, wrong)} is not a whole number", wrong, name, file, "write the seed as 0, 1, 2 ...")
    return numbers.astype("int64")


def _risk(column: pd.Series, name: str, file: str | None) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        what = "missing" if column.isna()[wrong.idxmax()] else f"{_said(column, wrong)} is not a finite number"
        _fault(what, wrong, name, file, "predict every case, or leave the case out and say so in the flow chart")
    wrong = (numbers < 0) | (numbers > 1)
    if wrong.any():
        value = f"{numbers[wrong.idxmax()]:g} is outside [0, 1]"
        _fault(value, wrong, name, file, "write probabilities, not percent or logits")
    return numbers


def _binary(column: pd.Series, file: str | None) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = ~numbers.isin([0, 1])
    if wrong.any():
        what = "missing" if column.isna()[wrong.idxmax()] else f"{_said(column, wrong)} is not 0 or 1"
        _fault(what, wrong, "label", file, "write 0 for negative and 1 for positive; several classes need risk_<class>")
    return numbers.astype("int64")


def _identity(frame: pd.DataFrame, file: str | None) -> None:
    """Check what ties rows together: cases, patients, splits and labels."""
    code = {c: pd.factorize(frame[c])[0] for c in ("study", "model", "seed", "split", "patient_id", "case_id", "label")}
    case = _key(code["study"], code["case_id"])
    run = _key(code["model"], code["seed"], code["split"])
    twice = pd.Series(_key(case, run)).duplicated()
    if twice.any():
        row = frame.iloc[int(twice.to_numpy().argmax())]
        what = f"case {row['case_id']!r} is there twice for model {row['model']!r}, seed {row['seed']}, {row['split']}"
        _fault(what, twice, "case_id", file, "keep one row a case, model, seed and split")
    for column, what in (("patient_id", "patients"), ("label", "labels")):
        other = _disagrees(case, code[column])
        if other.any():
            name = frame["case_id"].iloc[int(other.to_numpy().argmax())]
            _fault(f"case {name!r} has two {what}", other, column, file, "copy patient and label from cohort.csv")
    # an out-of-fold prediction belongs to a training case
    split = pd.factorize(frame["split"].replace("oof", "train"))[0]
    other = _disagrees(_key(code["study"], code["patient_id"]), split)
    if other.any():
        name = frame["patient_id"].iloc[int(other.to_numpy().argmax())]
        what = f"patient {name!r} is in two splits"
        _fault(what, other, "split", file, "split by patient and predict again; both splits are spoilt")


def _key(*codes: np.ndarray) -> np.ndarray:
    """One integer for each combination of codes, renumbered so that products never overflow."""
    key = codes[0].astype(np.int64)
    for code in codes[1:]:
        key = pd.factorize(key * (int(code.max()) + 1) + code)[0].astype(np.int64)
    return key


def _disagrees(key: np.ndarray, value: np.ndarray) -> pd.Series:
    """Rows whose value differs from that of the first row with the same key; keys are 0, 1, 2 ..."""
    numbers, at = np.unique(key, return_index=True)
    first = np.empty(int(numbers.max()) + 1, dtype=value.dtype)
    first[numbers] = value[at]
    return pd.Series(first[key] != value)


def _said(column: pd.Series, wrong: pd.Series) -> str:
    return repr(column.astype(object)[wrong.idxmax()])


def _fault(message: str, rows: pd.Series, column: str, file: str | None, fix: str) -> None:
    count = int(rows.sum())
    more = f" ({count} such rows)" if count > 1 else ""
    raise StudyError(message + more, file=file, row=int(rows.to_numpy().argmax()) + 2, column=column, fix=fix)

"""Check labels, risks and levels once, with one clear error, before any statistic is computed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def labels(label: ArrayLike, *, name: str = "label") -> np.ndarray:
    """Return a 0/1 outcome as booleans, or say what is wrong with it.

    Parameters
    ----------
    label : array of shape (n,)
        0/1 or False/True.
    name : str
        Name of the argument in error messages.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If it is empty, text, missing, not 0/1 or not one-dimensional.

    Examples
    --------
    >>> labels([0, 1, 1]).tolist()
    [False, True, True]
    """
    values = _column(label, name)
    if values.dtype == object or values.dtype.kind in "USTM":
        numeric = pd.to_numeric(pd.Series(values.tolist(), dtype=object), errors="coerce").to_numpy(float)
        text = [v for v in values.tolist() if isinstance(v, str)]
        if text:
            raise ValueError(f"{name}: text such as {text[0]!r}; give 0 (negative) and 1 (positive)")
        values = numeric
    if values.dtype.kind == "b":
        return values.copy()
    if values.dtype.kind not in "iuf":
        raise ValueError(f"{name}: values of type {values.dtype}; give 0 (negative) and 1 (positive)")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(f"{name}: missing at position {int(np.isnan(values).argmax())}; give 0 or 1 for every case")
    positive = values == 1
    wrong = ~(positive | (values == 0))
    if wrong.any():
        raise ValueError(
            f"{name}: must be 0 or 1, found {values[wrong][0]!s}"
            + ("; more than two classes need auc_multiclass" if np.unique(values).size > 2 else "")
        )
    return positive


def scores(risk: ArrayLike, n: int, *, probability: bool = False, name: str = "risk") -> np.ndarray:
    """Return a score or risk as float64, or say what is wrong with it.

    Parameters
    ----------
    risk : array of shape (n,)
        Higher means more likely positive.
    n : int
        Number of cases that it must have.
    probability : bool
        Whether it must lie in [0, 1]. Rank statistics need no probability.
    name : str
        Name of the argument in error messages.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If it is text, missing, infinite, of another length, or out of [0, 1] where that is needed.

    Examples
    --------
    >>> scores([0.2, 0.7], 2).tolist()
    [0.2, 0.7]
    """
    values = _column(risk, name)
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: must be numbers, found {values[0]!r}") from None
    if len(values) != n:
        raise ValueError(f"{name}: has {len(values)} cases, but label has {n}")
    finite = np.isfinite(values)
    if not finite.all():
        at = int((~finite).argmax())
        what = "missing (NaN)" if np.isnan(values[at]) else "infinite"
        raise ValueError(f"{name}: {what} at position {at}; every case needs a finite value")
    if probability and ((values < 0) | (values > 1)).any():
        at = int(((values < 0) | (values > 1)).argmax())
        raise ValueError(f"{name}: {values[at]:g} at position {at} is outside [0, 1]")
    return values


def both_classes(positive: np.ndarray, *, name: str = "label") -> tuple[int, int]:
    """Return the numbers of positives and negatives; refuse a table with one class.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    name : str
        Name of the argument in error messages.

    Returns
    -------
    tuple of int
        Positives, negatives; both at least 1.

    Raises
    ------
    ValueError
        If one class is absent.

    Examples
    --------
    >>> both_classes(np.array([True, False, False]))
    (1, 2)
    """
    events = int(np.count_nonzero(positive))
    if events in (0, len(positive)):
        raise ValueError(f"{name}: all {len(positive)} cases are {1 if events else 0}; both classes are needed")
    return events, len(positive) - events


def check_level(level: float) -> float:
    """Return a confidence level in (0, 1).

    Parameters
    ----------
    level : float
        0.95 for 95 %.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not inside (0, 1).

    Examples
    --------
    >>> check_level(0.9)
    0.9
    """
    if not (isinstance(level, (int, float, np.floating)) and 0 < level < 1):
        raise ValueError(f"level: must be inside (0, 1), for instance 0.95; found {level!r}")
    return float(level)


def _column(values: ArrayLike, name: str) -> np.ndarray:
    if values is None or isinstance(values, (str, bytes)):
        raise ValueError(f"{name}: must be a one-dimensional array, found {values!r}")
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    elif isinstance(values, (pd.Series, pd.api.extensions.ExtensionArray)) and values.isna().any():
        values = np.asarray(values, dtype=object)
        values[pd.isna(values)] = np.nan
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name}: must be one-dimensional, found shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name}: is empty")
    return array

"""The six intraclass correlations of Shrout and Fleiss."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

ICC_KINDS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def _squares(values: np.ndarray) -> tuple[int, int, float, float, float, float]:
    """Cases, readers, and mean squares between cases, between readers, within cases and of the residual."""
    n, k = values.shape
    by_case, by_reader, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    between = k * np.sum((by_case - mean) ** 2) / (n - 1)
    readers = n * np.sum((by_reader - mean) ** 2) / (k - 1)
    within = np.sum((values - by_case[:, None]) ** 2) / (n * (k - 1))
    residual = np.sum((values - by_case[:, None] - by_reader[None, :] + mean) ** 2) / ((n - 1) * (k - 1))
    return n, k, between, readers, within, residual


def icc_values(values: np.ndarray) -> np.ndarray:
    """Six intraclass correlations, in the order of `ICC_KINDS`.

    Shrout and Fleiss (1979), doi:10.1037/0033-2909.86.2.420. ICC1: each case has other readers. ICC2: random
    readers, absolute agreement. ICC3: these readers, consistency. With k: of the mean of all readers.

    Parameters
    ----------
    values : float array of shape (n_cases, n_readers)
        Without missing values.

    Returns
    -------
    float array of shape (6,)

    Examples
    --------
    >>> icc_values(np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]])).round(3).tolist()
    [0.6, 0.667, 1.0, 0.75, 0.8, 1.0]
    """
    n, k, between, readers, within, residual = _squares(values)
    return np.array(
        [
            (between - within) / (between + (k - 1) * within),
            (between - residual) / (between + (k - 1) * residual + k * (readers - residual) / n),
            (between - residual) / (between + (k - 1) * residual),
            (between - within) / between,
            (between - residual) / (between + (readers - residual) / n),
            (between - residual) / between,
        ]
    )


def icc_intervals(values: np.ndarray, *, level: float = 0.95) -> pd.DataFrame:
    """Six intraclass correlations with F tests of 0 and intervals (cases independent).

    Shrout and Fleiss (1979), doi:10.1037/0033-2909.86.2.420; limits of ICC2 by Satterthwaite's degrees of freedom.

    Parameters
    ----------
    values : float array of shape (n_cases, n_readers)
        Without missing values.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        `type, value, f, df_numerator, df_denominator, p_value, low, high`.

    Raises
    ------
    ValueError
        If the cases do not differ at all.

    Examples
    --------
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]]
    >>> icc_intervals(np.array(ratings))["value"].round(2).tolist()
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    n, k, between, readers, within, residual = _squares(values)
    if between == 0:
        raise ValueError("readings: the mean rating of every case is the same, so an ICC is not defined")
    upper = (1 + level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = icc_values(values)
        f1, f3 = between / within, between / residual
        df1, df_within, df_residual = n - 1, n * (k - 1), (n - 1) * (k - 1)
        limits = {}
        for name, f, df in (("ICC1", f1, df_within), ("ICC3", f3, df_residual)):
            low, high = f / special.fdtri(df1, df, upper), f * special.fdtri(df, df1, upper)
            limits[name] = (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)
            limits[name + "k"] = 1 - 1 / low, 1 - 1 / high
        limits["ICC2"] = _limits_random(n, k, between, readers, residual, found[1], upper)
        limits["ICC2k"] = tuple(limit * k / (1 + limit * (k - 1)) for limit in limits["ICC2"])
    rows = []
    for position, kind in enumerate(ICC_KINDS):
        f, df = (f1, df_within) if kind.startswith("ICC1") else (f3, df_residual)
        test = {"f": f, "df_numerator": df1, "df_denominator": df, "p_value": special.fdtrc(df1, df, f)}
        low, high = (1.0, 1.0) if np.isinf(f) and not kind.startswith("ICC2") else limits[kind]
        rows.append({"type": kind, "value": found[position], **test, "low": low, "high": high})
    return pd.DataFrame(rows)


def _limits_random(
    n: int, k: int, between: float, readers: float, residual: float, value: float, upper: float
) -> tuple[float, float]:
    """Limits of ICC2; they depend on the ratio of the reader and residual mean squares."""
    ratio = readers / residual
    load = n * (1 + (k - 1) * value) - k * value
    df = (k - 1) * (n - 1) * (k * value * ratio + load) ** 2
    df /= (n - 1) * k**2 * value**2 * ratio**2 + load**2
    above, below = special.fdtri(n - 1, df, upper), special.fdtri(df, n - 1, upper)
    error = k * readers + (k * n - k - n) * residual
    low = n * (between - above * residual) / (above * error + n * between)
    high = n * (below * between - residual) / (error + n * below * between)
    return float(low), float(high)

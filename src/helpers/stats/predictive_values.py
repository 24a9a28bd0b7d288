"""Positive or negative predictive values of two tests on the same cases."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, ndtr

from helpers.stats.intervals import normal_quantile
from helpers.stats.resampling import cluster_covariance

TESTS = {
    "kosinski": "weighted generalised score (doi:10.1002/sim.5587)",
    "leisenring": "generalised score (doi:10.1111/j.0006-341X.2000.00345.x)",
    "moskowitz_pepe": "relative predictive value (doi:10.1191/1740774506cn147oa)",
}


def difference_of_predictive_values(
    outcome: np.ndarray,
    called_a: np.ndarray,
    called_b: np.ndarray,
    *,
    codes: np.ndarray | None = None,
    level: float = 0.95,
    test: str = "kosinski",
) -> dict:
    """Compare the shares of `outcome` among the cases called by each test.

    Parameters
    ----------
    outcome : ndarray of bool, shape (n,)
        Positive for PPV, negative for NPV.
    called_a, called_b : ndarray of bool, shape (n,)
        Called positive for PPV, negative for NPV.
    codes : ndarray of int or None
        Patients, given only when they repeat.
    level : float
    test : str
        `kosinski`, `leisenring` or `moskowitz_pepe`; with repeated patients Leisenring's score is summed by patient.

    Returns
    -------
    dict
        `value_a, value_b, difference, low, high, statistic, p_value, ratio, ratio_low, ratio_high, test,
        interval, note`.

    Examples
    --------
    >>> truth = np.array([True, True, False, True, False, False])
    >>> a, b = np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 0, 1, 1, 1, 0], bool)
    >>> made = difference_of_predictive_values(truth, a, b)
    >>> round(float(made["value_a"]), 3), round(float(made["value_b"]), 3)
    (0.667, 0.5)
    """
    size_a, size_b = int(called_a.sum()), int(called_b.sum())
    name = "leisenring" if codes is not None and test == "kosinski" else test
    row = {"test": TESTS[name], "interval": "Wald, linearised (doi:10.2307/1402588)", "note": ""}
    if not (size_a and size_b):
        nothing = dict.fromkeys(["value_a", "value_b", "difference", "low", "high", "statistic", "p_value"], np.nan)
        return row | nothing | {"note": "a test calls no case, so its predictive value is not defined"}
    value_a, value_b = outcome[called_a].sum() / size_a, outcome[called_b].sum() / size_b
    difference = value_a - value_b
    row |= {"value_a": value_a, "value_b": value_b, "difference": difference}
    parts = called_a * (outcome - value_a) / size_a, called_b * (outcome - value_b) / size_b
    se = np.sqrt(_variance(parts[0] - parts[1], codes))
    if not se > 0:
        note = "no variance, so neither interval nor test"
        return row | {"low": np.nan, "high": np.nan, "statistic": np.nan, "p_value": np.nan, "note": note}
    half = normal_quantile(level) * se
    row |= {"low": max(difference - half, -1.0), "high": min(difference + half, 1.0)}
    if value_a > 0 and value_b > 0:
        row |= ratio_of(value_a, value_b, parts[0] / value_a - parts[1] / value_b, codes, level)
    if name != "moskowitz_pepe":
        statistic = _score(outcome, called_a, called_b, difference, codes, weighted=name == "kosinski")
        row |= {"statistic": statistic, "p_value": float(chdtrc(1, statistic))}
    elif "ratio" not in row:
        row |= {"statistic": np.nan, "p_value": np.nan, "note": "a predictive value is 0, so there is no ratio"}
    return row


def ratio_of(value_a: float, value_b: float, influence: np.ndarray, codes: np.ndarray | None, level: float) -> dict:
    """Ratio a / b with a log interval and Wald test.

    Parameters
    ----------
    value_a, value_b : float
        Above 0.
    influence : ndarray of shape (n,)
        Of the logarithm of the ratio.
    codes : ndarray of int or None
    level : float

    Returns
    -------
    dict
        `ratio, ratio_low, ratio_high, statistic, p_value, note`.

    Examples
    --------
    >>> ratio_of(0.8, 0.4, np.array([0.1, -0.1, 0.1, -0.1]), None, 0.95)["ratio"]
    2.0
    """
    ratio = value_a / value_b
    se = float(np.sqrt(_variance(influence, codes)))
    if not se > 0:
        made = dict.fromkeys(("ratio_low", "ratio_high", "statistic", "p_value"), np.nan)
        return made | {"ratio": ratio, "note": "no variance, so neither interval nor test"}
    half = normal_quantile(level) * se
    z = np.log(ratio) / se
    made = {"ratio": ratio, "ratio_low": ratio * np.exp(-half), "ratio_high": ratio * np.exp(half)}
    return made | {"statistic": z**2, "p_value": float(2 * ndtr(-abs(z))), "note": ""}


def _variance(influence: np.ndarray, codes: np.ndarray | None) -> float:
    """Delta-method variance on multinomial counts, or by patient when they repeat."""
    if codes is None:
        return float(np.sum(influence**2))
    return float(cluster_covariance(influence, codes)[0, 0])


def _score(outcome, called_a, called_b, difference, codes, *, weighted: bool) -> float:
    size_a, size_b = called_a.sum(), called_b.sum()
    total = size_a + size_b
    pooled = (outcome[called_a].sum() + outcome[called_b].sum()) / total
    if weighted:
        both = called_a & called_b
        shared = (both & outcome).sum() * (1 - pooled) ** 2 + (both & ~outcome).sum() * pooled**2
        variance = (pooled * (1 - pooled) - 2 * shared / total) * (1 / size_a + 1 / size_b)
    else:
        share = size_b / total
        score = (outcome - pooled) * (called_b * (1 - share) - called_a * share)
        scale = size_a * size_b / total  # turns the score into the difference of predictive values
        if codes is not None:
            score = np.bincount(codes, weights=score)
        variance = np.sum(score**2) / scale**2
    return float(difference**2 / variance) if variance > 0 else np.nan

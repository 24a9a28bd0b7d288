"""The Brier score: its interval, its parts, and Spiegelhalter's test."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.stats import checks
from helpers.stats.intervals import Estimate, wald
from helpers.stats.resampling import cluster_covariance

NAN = float("nan")


def brier(
    y: np.ndarray, risk: np.ndarray, *, patient_id: ArrayLike | None = None, level: float = 0.95
) -> tuple[Estimate, Estimate]:
    """Brier score, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2, and its scaled form 1 - B / (p (1 - p)).

    Parameters
    ----------
    y, risk : arrays of shape (n,)
        Checked outcome and risk.
    patient_id : array of shape (n,), optional
        Standard errors are robust by patient.
    level : float
        Of the intervals.

    Returns
    -------
    tuple of Estimate
        Score and scaled score.

    Examples
    --------
    >>> plain, scaled = brier(np.array([0, 0, 1, 1]), np.array([0.2, 0.4, 0.6, 0.8]))
    >>> round(plain.value, 3), round(scaled.value, 3)
    (0.1, 0.6)
    """
    who = patient_id
    squared, mean = (risk - y) ** 2, y.mean()
    value, most = squared.mean(), mean * (1 - mean)
    score = (squared - value) / len(y)
    change = (1 - 2 * mean) * (y - mean) / len(y)  # influence of a row on mean (1 - mean)
    covariance = cluster_covariance(np.column_stack([score, -(score - value / most * change) / most]), who)
    method = "Wald, robust by patient" if who is not None else "Wald"
    se = np.sqrt(np.diag(covariance))
    return (
        wald(value, se[0], level=level, lower=0, upper=1, method=method),
        wald(1 - value / most, se[1], level=level, upper=1, method=f"{method} (delta method)"),
    )


def brier_change(
    y: np.ndarray, before: np.ndarray, after: np.ndarray, *, patient_id: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Brier score of other risks for the same cases, less that of the first; below 0 the others are better.

    Parameters
    ----------
    y, before, after : arrays of shape (n,)
        Checked outcome, and both risks.
    patient_id : array of shape (n,), optional
        The standard error is robust by patient.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        The mean of paired differences with its Wald interval.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1])
    >>> print(brier_change(y, np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.1, 0.3, 0.7, 0.8])))
    -0.043 (95 % CI -0.076 to -0.009)
    """
    gap = (after - y) ** 2 - (before - y) ** 2
    se = np.sqrt(cluster_covariance((gap - gap.mean()) / len(y), patient_id)[0, 0])
    method = "Wald, paired, robust by patient" if patient_id is not None else "Wald, paired"
    return wald(gap.mean(), se, level=level, method=method)


def spiegelhalter(y: np.ndarray, risk: np.ndarray) -> tuple[float, float]:
    """Test whether the Brier score is what the risks promise; Spiegelhalter (1986), doi:10.1002/sim.4780050506.

    Parameters
    ----------
    y, risk : arrays of shape (n,)
        Checked outcome and risk of independent cases.

    Returns
    -------
    tuple of float
        z and two-sided p-value; NaN when every risk is 0, 0.5 or 1.

    Examples
    --------
    >>> z, p = spiegelhalter(np.array([0, 0, 1, 1]), np.array([0.2, 0.4, 0.6, 0.8]))
    >>> round(z, 3), round(p, 3)
    (-1.091, 0.275)
    """
    from scipy.special import erfc

    variance = np.sum((1 - 2 * risk) ** 2 * risk * (1 - risk))
    if variance == 0:
        return NAN, NAN
    z = np.sum((y - risk) * (1 - 2 * risk)) / np.sqrt(variance)
    return float(z), float(erfc(abs(z) / np.sqrt(2)))


def brier_decomposition(label: ArrayLike, risk: ArrayLike) -> dict[str, float]:
    """Split the Brier score without bins: miscalibration - discrimination + uncertainty.

    Each part is a difference of Brier scores against the isotonic recalibration of the risk (CORP); Dimitriadis,
    Gneiting and Jordan (2021), doi:10.1073/pnas.2016191118.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        As in `calibration`.

    Returns
    -------
    dict
        `miscalibration` (0 is best), `discrimination` (more is better), `uncertainty` (of the cohort alone).

    Examples
    --------
    >>> parts = brier_decomposition([0, 0, 1, 1], [0.2, 0.4, 0.6, 0.8])
    >>> {name: round(value, 3) for name, value in parts.items()}
    {'miscalibration': 0.1, 'discrimination': 0.25, 'uncertainty': 0.25}
    """
    from scipy.optimize import isotonic_regression

    y = checks.labels(label).astype(float)
    risk = checks.scores(risk, len(y), probability=True)
    _, where, count = np.unique(risk, return_inverse=True, return_counts=True)
    share = np.bincount(where, weights=y) / count
    recalibrated = isotonic_regression(share, weights=count).x[where]
    best, mean = np.mean((recalibrated - y) ** 2), y.mean()
    return {
        "miscalibration": float(np.mean((risk - y) ** 2) - best),
        "discrimination": float(mean * (1 - mean) - best),
        "uncertainty": float(mean * (1 - mean)),
    }

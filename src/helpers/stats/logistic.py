"""Plain logistic regression by Newton's method, with robust covariance: the base of calibration statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from helpers.stats.resampling import cluster_covariance

ITERATIONS = 60
TOLERANCE = 1e-12  # of the step; R's glm stops at 1e-8 of the deviance, and its errors then differ by 1e-4
SETTLED = 1e-8  # of the step, once the deviance stands still: Newton's next step would be its square
BORDER = 1e-6  # risks nearer to 0 or 1 are moved here before a logit is taken
ALIKE = 0.05  # span of the log odds below which risks count as one: a slope from 1,000 cases is then known to 5 at best


@dataclass(frozen=True)
class Fit:
    """A logistic regression.

    Attributes
    ----------
    coefficient : array of shape (k,)
        NaN when the data have no finite maximum (separation).
    covariance : array of shape (k, k)
        Inverse information, or robust by patient.
    deviance : float
        Minus twice the log-likelihood.
    """

    coefficient: np.ndarray
    covariance: np.ndarray
    deviance: float

    @property
    def se(self) -> np.ndarray:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))


def logit_risk(risk: np.ndarray) -> tuple[np.ndarray, int]:
    """Log odds of a risk, finite at 0 and 1, and how many risks had to be moved.

    Parameters
    ----------
    risk : array of shape (n,)
        In [0, 1]. Values below 1e-6 or above 1 - 1e-6 are moved to that border: the logit of a risk of exactly 0
        or 1 is infinite, and a single wrong one would decide every statistic.

    Returns
    -------
    logit : ndarray
    moved : int

    Examples
    --------
    >>> value, moved = logit_risk(np.array([0.0, 0.5]))
    >>> value.round(3).tolist(), moved
    ([-13.816, 0.0], 1)
    """
    risk = np.asarray(risk, dtype=np.float64)
    inside = np.clip(risk, BORDER, 1 - BORDER)
    return logit(inside), int(np.count_nonzero(inside != risk))


def alike(risk: np.ndarray) -> str:
    """Say that risks are so near to each other that no slope on them can be estimated; empty where one can.

    Parameters
    ----------
    risk : array of shape (n,)
        In [0, 1].

    Returns
    -------
    str
        Where the largest and the smallest log odds differ by less than 0.05.

    Examples
    --------
    >>> alike(np.array([0.4926, 0.4929])), alike(np.array([0.3, 0.3]))
    ('everyone has nearly the same risk (0.4926 to 0.4929)', 'everyone has the same risk (0.3000)')
    >>> alike(np.array([0.001, 0.009]))
    ''
    """
    if np.ptp(logit_risk(risk)[0]) >= ALIKE:
        return ""
    low, high = np.min(risk), np.max(risk)
    return (
        f"everyone has the same risk ({low:.4f})"
        if low == high
        else f"everyone has nearly the same risk ({low:.4f} to {high:.4f})"
    )


def fit(
    outcome: np.ndarray,
    design: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
    weight: np.ndarray | float = 1.0,
    patient_id: np.ndarray | None = None,
) -> Fit:
    """Fit a logistic regression to full convergence.

    Parameters
    ----------
    outcome : array of shape (n,)
        0 or 1; a share of events where a row stands for several cases (`weight`).
    design : array of shape (n, k)
        Columns of predictors; the intercept is a column of ones.
    offset : array of shape (n,) or float
        Added to the linear predictor.
    weight : array of shape (n,) or float
        Cases that a row stands for.
    patient_id : array of shape (n,), optional
        When given the covariance is the sandwich summed within patients, times C / (C - 1) for C patients; Binder
        (1983), doi:10.2307/1402588.

    Returns
    -------
    Fit
        All NaN when the likelihood has no maximum (the columns separate the outcome, or are collinear).

    Examples
    --------
    >>> result = fit(np.array([0, 1, 0, 1, 1]), np.ones((5, 1)))
    >>> result.coefficient.round(6).tolist(), result.se.round(6).tolist()
    ([0.405465], [0.912871])
    """
    y, x = np.asarray(outcome, dtype=np.float64), np.asarray(design, dtype=np.float64)
    k = x.shape[1]
    nothing = Fit(np.full(k, np.nan), np.full((k, k), np.nan), np.nan)
    unit = x / np.maximum(np.sqrt(np.sum(x**2, axis=0)), np.finfo(float).tiny)
    if np.linalg.eigvalsh(unit.T @ unit)[0] < 1e-13:  # collinear; a rank by SVD takes longer than the fit
        return nothing
    beta, deviance, step = np.zeros(k), np.inf, np.inf
    for _ in range(ITERATIONS):
        eta = x @ beta + offset
        p = expit(eta)
        now = _deviance(y, eta, weight)
        if now > deviance * (1 + 1e-12) + 1e-12:  # overshot: halve the last step
            step = step / 2
            beta = beta - step
            continue
        settled = abs(deviance - now) <= 1e-14 * now  # the last step changed nothing that a double can hold
        deviance = now
        information = (x * (weight * p * (1 - p))[:, None]).T @ x
        try:
            step = np.linalg.solve(information, x.T @ (weight * (y - p)))
        except np.linalg.LinAlgError:
            return nothing
        beta = beta + step
        # of nearly collinear columns (splines) rounding alone keeps steps above the tolerance for ever
        if np.max(np.abs(step)) < (SETTLED if settled else TOLERANCE) * (1 + np.max(np.abs(beta))):
            break
    else:
        return nothing
    p = expit(x @ beta + offset)
    information = (x * (weight * p * (1 - p))[:, None]).T @ x
    if not np.isfinite(beta).all() or np.linalg.cond(information) > 1e14:
        return nothing
    covariance = np.linalg.inv(information)
    if patient_id is not None:
        covariance = cluster_covariance((x * (weight * (y - p))[:, None]) @ covariance, patient_id)
    return Fit(beta, covariance, _deviance(y, x @ beta + offset, weight))


def _deviance(y: np.ndarray, eta: np.ndarray, weight: np.ndarray | float) -> float:
    return float(2 * np.sum(weight * (np.logaddexp(0, eta) - y * eta)))

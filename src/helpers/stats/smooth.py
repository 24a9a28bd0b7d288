"""Smooth curves of an outcome against a risk: loess as in R, restricted cubic splines, or points where few values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from helpers.stats import logistic
from helpers.stats.intervals import normal_quantile, proportion_limits
from helpers.stats.resampling import bootstrap_counts, percentile_limits, repeats

SPAN, DEGREE = 0.75, 2  # R's loess defaults, as used by CalibrationCurves and rms
LOESS_LIMIT = 5000  # cases above which a spline replaces loess
FEW_VALUES = 10  # below this many distinct risks there is nothing to smooth
GRID = 101
BAND_RESAMPLES = 200  # for the loess band when patients repeat
# Harrell (2015), Regression Modeling Strategies, table 2.3
KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


@dataclass(frozen=True)
class Smooth:
    """A smoothed curve.

    Attributes
    ----------
    name : str
        "loess", "spline" or "distinct".
    at_cases : array of shape (n,)
        Smoothed outcome at the risk of each case, in [0, 1].
    grid, curve, low, high : arrays of shape (m,)
        The curve with its pointwise band, in [0, 1].
    band : str
        How the band was made.
    """

    name: str
    at_cases: np.ndarray
    grid: np.ndarray
    curve: np.ndarray
    low: np.ndarray
    high: np.ndarray
    band: str


def smooth(
    outcome: np.ndarray,
    risk: np.ndarray,
    *,
    smoother: str = "auto",
    patient_id: np.ndarray | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Smooth:
    """Smooth an outcome against a risk, with a pointwise band.

    Parameters
    ----------
    outcome : array of shape (n,)
        0 or 1.
    risk : array of shape (n,)
        In [0, 1], not constant.
    smoother : str
        "loess" (span 0.75, degree 2, the code of R), "spline" (logistic regression on a restricted cubic spline of
        the logit, five knots), "distinct" (the share of events at each distinct risk), or "auto": loess up to
        5000 cases, above them a spline, and "distinct" when there are fewer than 10 distinct risks. Where risks
        repeat so often that loess has no fit, "auto" goes on to the spline, and then to "distinct".
    patient_id : array of shape (n,), optional
        The band respects patients with several cases.
    level : float
        Of the band, at each point.
    seed : int
        For the band of loess when patients repeat.

    Returns
    -------
    Smooth

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.random(200)
    >>> result = smooth(rng.random(200) < risk, risk)
    >>> result.name, len(result.grid), bool(abs(result.curve[50] - result.grid[50]) < 0.1)
    ('loess', 101, True)
    """
    y, risk = np.asarray(outcome, dtype=float), np.asarray(risk, dtype=float)
    distinct = np.unique(risk).size
    auto = smoother == "auto"
    if auto:
        smoother = "distinct" if distinct < FEW_VALUES else "loess" if len(y) <= LOESS_LIMIT else "spline"
    if smoother not in ("loess", "spline", "distinct"):
        raise ValueError(f'smoother: "auto", "loess", "spline" or "distinct" is needed, not {smoother!r}')
    if smoother != "distinct" and distinct < FEW_VALUES:
        raise ValueError(f'smoother: {smoother} needs {FEW_VALUES} distinct risks, found {distinct}; use "distinct"')
    patient_id = patient_id if repeats(patient_id, len(y)) else None
    makers = {"loess": _loess, "spline": _spline, "distinct": _distinct}
    tried = list(makers)[list(makers).index(smoother) :] if auto else [smoother]
    for name in tried[:-1]:
        try:
            return makers[name](y, risk, patient_id, level, seed)
        except ValueError:  # the result says which smoother it is
            continue
    return makers[tried[-1]](y, risk, patient_id, level, seed)


def loess_at(y: np.ndarray, risk: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Loess of `y` on `risk` as R gives it, evaluated at `at` (inside the range of `risk`)."""
    return np.array(_loess_fit(y, risk).predict(at).values)


def share(curve: ArrayLike) -> np.ndarray:
    """A smoothed outcome cut at 0 and 1: loess knows no limits, a share of events leaves neither."""
    return np.clip(np.array(curve), 0, 1)


def _loess_fit(y, risk):
    from skmisc.loess import loess

    model = loess(np.array(risk), np.array(y), span=SPAN, degree=DEGREE)
    model.fit()
    return model


def _loess(y, risk, patient_id, level, seed) -> Smooth:
    grid = np.linspace(risk.min(), risk.max(), GRID)
    model = _loess_fit(y, risk)
    at_cases = share(model.predict(risk).values)
    if patient_id is None:
        predicted = model.predict(grid, stderror=True)
        limits = predicted.confidence(1 - level)
        curve, low, high = (share(part) for part in (predicted.values, limits.lower, limits.upper))
        band = "pointwise t interval of loess"
    else:
        curve = share(model.predict(grid).values)
        drawn = np.full((BAND_RESAMPLES, GRID), np.nan)
        resamples = bootstrap_counts(y, patient_id=patient_id, resamples=BAND_RESAMPLES, seed=seed)
        for row, counts in zip(drawn, resamples):
            y_b, risk_b = np.repeat(y, counts), np.repeat(risk, counts)
            inside = (grid >= risk_b.min()) & (grid <= risk_b.max())
            row[inside] = share(loess_at(y_b, risk_b, grid[inside]))
        low, high = percentile_limits(drawn, level=level)
        band = f"pointwise percentile interval of {BAND_RESAMPLES} bootstrap samples of patients"
    return Smooth("loess", at_cases, grid, curve, low, high, band)


def spline_knots(x: np.ndarray) -> np.ndarray:
    """Five knots at Harrell's quantiles; four or three where values repeat so often that knots would coincide.

    Raises
    ------
    ValueError
        If even three coincide.

    Examples
    --------
    >>> spline_knots(np.arange(101.0)).tolist()
    [5.0, 27.500000000000004, 50.0, 72.5, 95.0]
    """
    for count in (5, 4, 3):
        knots = np.quantile(x, KNOTS[count])
        if np.all(np.diff(knots) > 0):
            return knots
    raise ValueError("smoother: the risks have too few distinct values for a spline")


def spline_basis(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Restricted cubic spline: linear beyond the outer knots.

    Parameters
    ----------
    x : array of shape (n,)
    knots : array of shape (k,)
        Increasing, k at least 3.

    Returns
    -------
    ndarray of shape (n, k - 1)
        The first column is `x`; scaled as in Harrell's Hmisc.

    Examples
    --------
    >>> spline_basis(np.array([0.0, 4.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [[0.0, 0.0], [4.0, 4.5]]
    """
    t, span = np.asarray(knots, dtype=float), float(knots[-1] - knots[0])

    def cube(knot: float) -> np.ndarray:
        return np.maximum(x - knot, 0) ** 3

    columns = [np.asarray(x, dtype=float)]
    for knot in t[:-2]:
        tail = cube(t[-2]) * (t[-1] - knot) - cube(t[-1]) * (t[-2] - knot)
        columns.append((cube(knot) - tail / (t[-1] - t[-2])) / span**2)
    return np.column_stack(columns)


def _spline(y, risk, patient_id, level, seed) -> Smooth:
    del seed  # the band is analytic
    x, _ = logistic.logit_risk(risk)
    knots = spline_knots(x)
    design = np.column_stack([np.ones(len(x)), spline_basis(x, knots)])
    result = logistic.fit(y, design, patient_id=patient_id)
    if np.isnan(result.coefficient).any():
        raise ValueError("smoother: the spline has no finite fit, the risks separate the classes")
    grid = np.linspace(risk.min(), risk.max(), GRID)
    at_grid = np.column_stack([np.ones(GRID), spline_basis(logistic.logit_risk(grid)[0], knots)])
    eta = at_grid @ result.coefficient
    half = normal_quantile(level) * np.sqrt(np.sum((at_grid @ result.covariance) * at_grid, axis=1))
    robust = "" if patient_id is None else ", robust by patient"
    return Smooth(
        "spline",
        expit(design @ result.coefficient),
        grid,
        expit(eta),
        expit(eta - half),
        expit(eta + half),
        f"pointwise Wald interval on the logit scale, {len(knots)} knots{robust}",
    )


def _distinct(y, risk, patient_id, level, seed) -> Smooth:
    del seed
    grid, where, total = np.unique(risk, return_inverse=True, return_counts=True)
    events = np.bincount(where, weights=y)
    share = events / total
    if patient_id is None:
        low, high = proportion_limits(events, total, level=level)
        band = "Wilson"
    else:
        from helpers.stats.intervals import clustered_proportion

        rows = [clustered_proportion(y > 0, patient_id, among=where == k, level=level) for k in range(len(grid))]
        low, high = np.array([row.low for row in rows]), np.array([row.high for row in rows])
        band = "Wilson on the effective sample size, by patient"
    return Smooth("distinct", share[where], grid, share, low, high, f"{band}, at each distinct risk")

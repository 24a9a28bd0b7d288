"""Estimates with intervals: proportions, ratios, logits, and proportions within patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaincinv, expit, logit, ndtri

from helpers.stats.checks import check_level
from helpers.stats.resampling import cluster_covariance, patient_codes

# statsmodels' name, printed name with its source
PROPORTION_METHODS = {
    "wilson": ("wilson", "Wilson (doi:10.1080/01621459.1927.10502953)"),
    "exact": ("beta", "Clopper-Pearson (doi:10.1093/biomet/26.4.404)"),
    "clopper_pearson": ("beta", "Clopper-Pearson (doi:10.1093/biomet/26.4.404)"),
    "agresti_coull": ("agresti_coull", "Agresti-Coull (doi:10.1080/00031305.1998.10480550)"),
    "jeffreys": ("jeffreys", "Jeffreys (doi:10.1214/ss/1009213286)"),
    "wald": ("normal", "Wald"),
}


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, and how the interval was made.

    Parameters
    ----------
    value, low, high : float
        Estimate and limits; NaN where not defined (then `note` says why).
    se : float
        Standard error on the scale of `value`; NaN where the method has none.
    level : float
        Confidence level.
    method : str
        Name of the interval, with its DOI.
    note : str
        What a reader must know about a degenerate case; empty otherwise.

    Examples
    --------
    >>> print(Estimate(0.8214, 0.7493, 0.8935))
    0.821 (95 % CI 0.749 to 0.893)
    """

    value: float
    low: float = np.nan
    high: float = np.nan
    se: float = np.nan
    level: float = 0.95
    method: str = ""
    note: str = ""

    def __float__(self) -> float:
        """Return the value."""
        return float(self.value)

    def __str__(self) -> str:
        """Return value and interval with three decimals."""
        return self.text()

    def text(self, digits: int = 3) -> str:
        """Return value and interval as one prints them; limits that are not defined are said to be so."""
        if np.isnan(self.value):
            return "not estimable"
        if np.isnan(self.low) or np.isnan(self.high):
            return f"{self.value:.{digits}f} (interval not defined)"
        percent = f"{100 * self.level:.10g} %"
        return f"{self.value:.{digits}f} ({percent} CI {self.low:.{digits}f} to {self.high:.{digits}f})"

    def frame(self, measure: str = "estimate") -> pd.DataFrame:
        """Return one row: `measure, value, low, high, se, level, method, note`."""
        row = {"measure": measure, "value": self.value, "low": self.low, "high": self.high, "se": self.se}
        return pd.DataFrame([{**row, "level": self.level, "method": self.method, "note": self.note}])


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile of a confidence level.

    Parameters
    ----------
    level : float
        In (0, 1).

    Returns
    -------
    float

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(ndtri(0.5 + check_level(level) / 2))


def proportion_limits(
    count: ArrayLike, total: ArrayLike, *, level: float = 0.95, method: str = "wilson"
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of binomial proportions, for whole arrays of counts.

    Computed by `statsmodels.stats.proportion.proportion_confint`, cut at 0 and 1; at 0 of n and n of n
    the limit at the border is exactly 0 or 1. Counts need not be whole (an effective sample size is not),
    except that the score and beta formulas are the same.

    Parameters
    ----------
    count, total : arrays that broadcast
        0 <= count <= total, total > 0.
    level : float
        Confidence level.
    method : str
        `wilson`, `exact` (or `clopper_pearson`), `agresti_coull`, `jeffreys` or `wald`.

    Returns
    -------
    low, high : ndarray

    Raises
    ------
    ValueError
        If a count is out of range or the method is unknown.

    Examples
    --------
    >>> low, high = proportion_limits([90], [100])
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([0.825634], [0.944771])
    """
    if method not in PROPORTION_METHODS:
        raise ValueError(f"method: unknown {method!r}; use one of {', '.join(PROPORTION_METHODS)}")
    x, n = (np.array(v) for v in np.broadcast_arrays(np.asarray(count, float), np.asarray(total, float)))
    if not (np.isfinite(x).all() and np.isfinite(n).all() and (n > 0).all() and (x >= 0).all() and (x <= n).all()):
        raise ValueError("count, total: must satisfy 0 <= count <= total and total > 0")
    alpha = 1 - check_level(level)
    name = PROPORTION_METHODS[method][0]
    if name in ("beta", "jeffreys"):
        # written with betaincinv: statsmodels warns and gives NaN at the border for counts that are not whole
        half = 0.5 if name == "jeffreys" else 0.0
        shape = (x + half, n - x + (half or 1)), (x + (half or 1), n - x + half)
        with np.errstate(all="ignore"):
            low = betaincinv(*shape[0], alpha / 2)
            high = betaincinv(*shape[1], 1 - alpha / 2)
    else:
        from statsmodels.stats.proportion import proportion_confint

        low, high = (np.asarray(limit) for limit in proportion_confint(x, n, alpha=alpha, method=name))
    low = np.where((x == 0) & (name != "normal"), 0.0, np.clip(low, 0, 1))
    high = np.where((x == n) & (name != "normal"), 1.0, np.clip(high, 0, 1))
    return low, high


def proportion(count: float, total: float, *, level: float = 0.95, method: str = "wilson") -> Estimate:
    """Proportion of independent cases with its interval.

    Parameters
    ----------
    count, total : int
        0 <= count <= total. With a total of 0 the answer is NaN and a note.
    level, method
        As in `proportion_limits`.

    Returns
    -------
    Estimate
        `se` is the binomial standard error sqrt(p (1 - p) / n).

    Raises
    ------
    ValueError
        If the counts are out of range or the method is unknown.

    Examples
    --------
    >>> print(proportion(22, 27))
    0.815 (95 % CI 0.633 to 0.918)
    """
    if method not in PROPORTION_METHODS:
        raise ValueError(f"method: unknown {method!r}; use one of {', '.join(PROPORTION_METHODS)}")
    named = PROPORTION_METHODS[method][1]
    if total == 0 and count == 0:
        return Estimate(np.nan, level=check_level(level), method=named, note="no case in the denominator")
    low, high = proportion_limits(count, total, level=level, method=method)
    value = count / total
    se = float(np.sqrt(value * (1 - value) / total))
    return Estimate(value, float(low), float(high), se, level, named)


def wald(
    value: float, se: float, *, level: float = 0.95, lower: float = -np.inf, upper: float = np.inf, method: str = "Wald"
) -> Estimate:
    """Normal interval, cut at the ends of the scale.

    Parameters
    ----------
    value, se : float
        Estimate and standard error.
    level : float
    lower, upper : float
        Ends of the scale at which limits are cut.
    method : str
        Name in the result.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> print(wald(0.95, 0.04, upper=1.0))
    0.950 (95 % CI 0.872 to 1.000)
    """
    half = normal_quantile(level) * se
    low, high = (float(np.clip(limit, lower, upper)) for limit in (value - half, value + half))
    return Estimate(float(value), low, high, float(se), level, method)


def log_interval(value: float, se_log: float, *, level: float = 0.95, method: str = "log") -> Estimate:
    """Interval of a positive ratio, normal on the log scale.

    Parameters
    ----------
    value : float
        Ratio, above 0.
    se_log : float
        Standard error of its logarithm.
    level : float
    method : str
        Name in the result.

    Returns
    -------
    Estimate
        `se` is value times `se_log`.

    Raises
    ------
    ValueError
        If the ratio is not positive and finite.

    Examples
    --------
    >>> print(log_interval(9.0, 0.2147))
    9.000 (95 % CI 5.909 to 13.709)
    """
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"value: a log interval needs a positive ratio, found {value}")
    half = normal_quantile(level) * se_log
    low, high = float(value * np.exp(-half)), float(value * np.exp(half))
    return Estimate(float(value), low, high, float(value * se_log), level, method)


def logit_interval(value: float, se: float, *, level: float = 0.95, method: str = "logit") -> Estimate:
    """Interval of a fraction in (0, 1), normal on the logit scale, from its standard error on the plain scale.

    Parameters
    ----------
    value : float
        In (0, 1).
    se : float
        Standard error of `value`.
    level : float
    method : str
        Name in the result.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the value is not inside (0, 1).

    Examples
    --------
    >>> print(logit_interval(0.95, 0.04))
    0.950 (95 % CI 0.785 to 0.990)
    """
    if not 0 < value < 1:
        raise ValueError(f"value: a logit interval needs a value inside (0, 1), found {value}")
    half = normal_quantile(level) * se / (value * (1 - value))
    low, high = float(expit(logit(value) - half)), float(expit(logit(value) + half))
    return Estimate(float(value), low, high, float(se), level, method)


def fisher_interval(value: float, se: float, *, level: float = 0.95, method: str = "Fisher's z") -> Estimate:
    """Interval of a correlation or kappa on Fisher's z scale, artanh(value).

    Parameters
    ----------
    value : float
        In [-1, 1].
    se : float
        Standard error of `value`; on the z scale se / (1 - value^2).
    level : float
    method : str

    Returns
    -------
    Estimate
        Inside [-1, 1]; of no width at -1 and 1.

    Examples
    --------
    >>> print(fisher_interval(0.8, 0.1))
    0.800 (95 % CI 0.504 to 0.928)
    """
    if 1 - abs(value) < 1e-12:
        return Estimate(value, value, value, se, level, method)
    half = normal_quantile(level) * se / (1 - value**2)
    low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return Estimate(float(value), float(low), float(high), se, level, method)


def clustered_proportion(
    success: ArrayLike,
    patient_id: ArrayLike,
    *,
    among: ArrayLike | None = None,
    level: float = 0.95,
    method: str = "wilson",
) -> Estimate:
    """Proportion of rows when patients have several: ratio estimator with linearised variance.

    The variance is C/(C-1) sum (x_c - p n_c)^2 / n^2 over all C patients (`survey::svyratio`). The Wilson
    interval uses the effective sample size p (1 - p) / se^2; Dean and Pagano (2015), doi:10.1093/jssam/smv024.
    Where all or no rows succeed the variance is 0 and the number of contributing patients is used instead.

    Parameters
    ----------
    success : array of bool, shape (n,)
    patient_id : array of shape (n,)
    among : array of bool, shape (n,) or None
        Rows of the denominator; None: all. Patients without such rows still count as sampled.
    level : float
    method : str
        `wilson`, `logit` or `wald`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the method is unknown or lengths differ.

    Examples
    --------
    >>> print(clustered_proportion([1, 1, 0, 1, 0, 1], ["a", "a", "b", "b", "c", "d"]))
    0.667 (95 % CI 0.286 to 0.909)
    """
    if method not in ("wilson", "logit", "wald"):
        raise ValueError(f"method: unknown {method!r} for clustered data; use wilson, logit or wald")
    hit = np.asarray(success, dtype=bool)
    base = np.ones(hit.size, dtype=bool) if among is None else np.asarray(among, dtype=bool)
    codes = patient_codes(patient_id, hit.size)[0]
    total = int(base.sum())
    if total == 0:
        return Estimate(np.nan, level=level, method="ratio estimator", note="no case in the denominator")
    value = float((hit & base).sum() / total)
    variance = cluster_covariance(base * (hit - value) / total, codes)[0, 0]
    contributing = int(np.unique(codes[base]).size)
    counted = f"{contributing} patients with {total} cases"
    if not np.isfinite(variance):
        return Estimate(value, level=level, method="ratio estimator", note=f"one patient only: {counted}")
    if variance <= 1e-30:
        low, high = proportion_limits(value * contributing, contributing, level=level)
        note = f"no variation between patients; the interval counts patients, not cases ({counted})"
        return Estimate(value, float(low), float(high), 0.0, level, "Wilson on the number of patients", note)
    se = float(np.sqrt(variance))
    if method == "wald":
        return wald(value, se, level=level, lower=0, upper=1, method="Wald, ratio estimator by patient")
    if method == "logit":
        return logit_interval(value, se, level=level, method="logit, ratio estimator by patient")
    effective = value * (1 - value) / se**2
    low, high = proportion_limits(value * effective, effective, level=level)
    named = "Wilson on the effective sample size, ratio estimator by patient (doi:10.1093/jssam/smv024)"
    return Estimate(value, float(low), float(high), se, level, named, f"{counted}; effective n = {effective:.1f}")

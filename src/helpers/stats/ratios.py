"""Ratios of two independent proportions, and odds ratios, when a cell is zero."""

from __future__ import annotations

import numpy as np

from helpers.stats.intervals import Estimate, normal_quantile

KOOPMAN = "Koopman score (doi:10.2307/2531405)"
CONDITIONAL = "exact conditional (doi:10.2307/2342435)"


def koopman(x1: float, n1: float, x0: float, n0: float, *, level: float = 0.95) -> Estimate:
    """Ratio of two independent proportions with Koopman's score interval, which zero counts do not break.

    Inverts the chi-square of both groups at their constrained maximum-likelihood fit;
    Koopman (1984), doi:10.2307/2531405.

    Parameters
    ----------
    x1, n1, x0, n0 : float
        Successes and totals; the ratio is (x1/n1) / (x0/n0). Totals above 0.
    level : float

    Returns
    -------
    Estimate
        Upper limit infinite when x0 = 0, lower limit 0 when x1 = 0; NaN when both are 0.

    Raises
    ------
    ValueError
        If a count is outside 0 ... total or a total is 0.

    Examples
    --------
    >>> print(koopman(8, 10, 0, 11))
    inf (95 % CI 2.990 to inf)
    """
    if not (0 <= x1 <= n1 and 0 <= x0 <= n0 and n1 > 0 and n0 > 0):
        raise ValueError("x1, n1, x0, n0: counts must satisfy 0 <= x <= n and n > 0")
    from scipy.optimize import brentq

    if x1 == 0 and x0 == 0:
        return Estimate(np.nan, level=level, method=KOOPMAN, note="both counts are zero")
    value = np.inf if x0 == 0 else (x1 / n1) / (x0 / n0)
    cut = normal_quantile(level) ** 2

    def beyond(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        a, b, c = (n1 + n0) * ratio, n1 * ratio + x1 + n0 + x0 * ratio, x1 + x0
        p0 = 2 * c / (b + np.sqrt(max(b * b - 4 * a * c, 0.0)))  # smaller root, without cancellation
        p0 = min(p0, 1.0, 1 / ratio)
        p1 = ratio * p0
        return _square(x1, n1, p1) + _square(x0, n0, p0) - cut

    centre = np.log(value) if 0 < value < np.inf else 0.0
    low, high = 0.0, np.inf
    reach = 40.0
    if x1 > 0:
        start = centre if x0 > 0 else reach
        low = float(np.exp(brentq(beyond, -reach, start, xtol=1e-12)))
    if x0 > 0:
        start = centre if x1 > 0 else -reach
        high = float(np.exp(brentq(beyond, start, reach, xtol=1e-12)))
    return Estimate(float(value), low, high, level=level, method=KOOPMAN)


def exact_odds_ratio(tp: int, fp: int, fn: int, tn: int, *, level: float = 0.95) -> Estimate:
    """Sample odds ratio with the exact conditional interval, which zero cells do not break.

    Fisher (1935), doi:10.2307/2342435; limits as in R's `stats::fisher.test`.

    Parameters
    ----------
    tp, fp, fn, tn : int
        Cells; whole numbers.
    level : float

    Returns
    -------
    Estimate
        Value tp tn / (fp fn): infinite, zero, or NaN when it is 0/0.

    Examples
    --------
    >>> print(exact_odds_ratio(5, 1, 0, 20))
    inf (95 % CI 6.273 to inf)
    """
    from scipy.stats.contingency import odds_ratio

    above, below = tp * tn, fp * fn
    if above == 0 and below == 0:
        return Estimate(np.nan, level=level, method=CONDITIONAL, note="zero divided by zero")
    limits = odds_ratio([[tp, fp], [fn, tn]], kind="conditional").confidence_interval(level)
    value = above / below if below else np.inf
    return Estimate(value, float(limits.low), float(limits.high), level=level, method=CONDITIONAL)


def _square(x: float, n: float, p: float) -> float:
    """Squared standardised residual of a count; 0 where the fit is exact at the border."""
    variance = n * p * (1 - p)
    residual = x - n * p
    if variance <= 0:
        return 0.0 if abs(residual) < 1e-9 else np.inf
    return residual**2 / variance

"""Difference of two AUCs on the same cases from their own limits, for few positives and for AUCs near 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.stats.auc import together
from helpers.stats.checks import check_level
from helpers.stats.intervals import Estimate, logit_interval

METHOD = "MOVER of logit limits (doi:10.1002/sim.3095)"


def auc_difference(
    label: ArrayLike,
    risk_a: ArrayLike,
    risk_b: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Difference a - b of two AUCs with an interval that is not symmetric.

    The distances from each AUC to its own logit limits (exact ones when it is 0 or 1) are combined with the
    correlation of the two estimates: Zou and Donner (2008), doi:10.1002/sim.3095. With a handful of positives, or AUCs
    near 1, it holds the truth as often as it says where DeLong's Wald interval of `compare_auc` does not; it has no
    test of its own.

    Parameters
    ----------
    label, risk_a, risk_b : arrays of shape (n,)
        As in `auc`.
    patient_id : array of shape (n,) or None
    level : float

    Returns
    -------
    Estimate
        Limits in [-1, 1]; NaN, and a note, where a variance is not defined.

    Raises
    ------
    ValueError
        As `auc`.

    Examples
    --------
    >>> print(auc_difference([0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.8, 0.9], [0.2, 0.3, 0.1, 0.4, 0.3]))
    0.250 (95 % CI -0.169 to 0.606)
    """
    check_level(level)
    (first, second), covariance = together(label, {"risk_a": risk_a, "risk_b": risk_b}, patient_id, level)
    value = first.value - second.value
    if np.isnan(first.se) or np.isnan(second.se):
        return Estimate(value, level=level, method=METHOD, note=first.note or second.note)
    product = covariance[0, 0] * covariance[1, 1]
    r = float(np.clip(covariance[0, 1] / np.sqrt(product), -1, 1)) if product > 0 else 0.0
    ends = []
    for own in (first, second):
        made = None if own.exact else logit_interval(own.value, own.se, level=level)
        low, high = (made.low, made.high) if made else own.exact
        ends.append((own.value - low, high - own.value))
    (below_a, above_a), (below_b, above_b) = ends
    low = value - _together(below_a, above_b, r)
    high = value + _together(above_a, below_b, r)
    se = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    return Estimate(value, max(low, -1.0), min(high, 1.0), se, level, METHOD)


def _together(one: float, other: float, r: float) -> float:
    return float(np.sqrt(max(one**2 + other**2 - 2 * r * one * other, 0.0)))

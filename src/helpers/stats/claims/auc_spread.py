"""How uncertain an AUC can be: formulas and limits for its standard error, from the value and the counts alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import ndtr, ndtri

SD_RATIOS = (1 / 3, 0.5, 2 / 3, 1.0, 1.5, 2.0, 3.0)  # of positives to negatives, wider than seen in practice
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def hanley_mcneil(auc: float, positives: int, negatives: int) -> float:
    """Return the standard error of an AUC for exponential scores.

    Hanley and McNeil (1982), doi:10.1148/radiology.143.1.7063747.

    Parameters
    ----------
    auc : float
        In [0, 1].
    positives, negatives : int
        At least 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(hanley_mcneil(0.893, 51, 58), 4)
    0.0325
    """
    return _se(auc, auc / (2 - auc), 2 * auc**2 / (1 + auc), positives, negatives)


def plausible_range(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the smallest and largest standard error that DeLong's method can plausibly give.

    Over normal scores with standard deviations in a ratio from 1/3 to 3, and Hanley and McNeil's exponential scores.
    DeLong's variance estimates the same quantity; DeLong et al. (1988), doi:10.2307/2531595. A sample may stray from
    it, the more the fewer its cases, so the ends are widened by the sampling error of a variance, 1 + 2 / sqrt(n)
    with n the smaller class.

    Parameters
    ----------
    auc : float
        In (0, 1).
    positives, negatives : int

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> low, high = plausible_range(0.734, 27, 89)
    >>> low < 0.0548 < high
    True
    """
    if not 0 < auc < 1:
        return 0.0, largest(min(max(auc, 0.0), 1.0), positives, negatives)
    found = [hanley_mcneil(auc, positives, negatives)]
    for ratio in SD_RATIOS:
        distance = ndtri(auc) * sqrt(1 + ratio**2)  # negatives are N(0, 1), positives N(distance, ratio)
        above_one = ndtr((distance - _NODES) / ratio)  # of two positives above one negative
        below_one = ndtr(distance + ratio * _NODES)  # of two negatives below one positive
        found.append(_se(auc, _WEIGHTS @ above_one**2, _WEIGHTS @ below_one**2, positives, negatives))
    stray = sqrt(1 + 2 / sqrt(min(positives, negatives)))
    return min(found) / stray, min(max(found) * stray, largest(auc, positives, negatives))


def largest(auc: float, positives: int, negatives: int) -> float:
    """Return the largest standard error that any distributions allow; the bound A(1 - A) / min(m, n) on its variance.

    Examples
    --------
    >>> round(largest(0.9, 25, 100), 3)
    0.06
    """
    return sqrt(auc * (1 - auc) / min(positives, negatives))


def binary(sensitivity: float, specificity: float, positives: int, negatives: int) -> float:
    """Return the standard error of the AUC of yes/no calls, which is (sensitivity + specificity) / 2.

    Examples
    --------
    >>> round(binary(0.772, 0.462, 101, 143), 4)
    0.0295
    """
    return sqrt(sensitivity * (1 - sensitivity) / positives + specificity * (1 - specificity) / negatives) / 2


def _se(auc: float, q1: float, q2: float, positives: int, negatives: int) -> float:
    between = (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return sqrt(max(0.0, auc * (1 - auc) + between) / (positives * negatives))

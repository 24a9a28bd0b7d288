"""P values of a declared family of comparisons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def holm(p_values: ArrayLike) -> np.ndarray:
    """Adjust the P values of a declared family by Holm's step-down rule.

    Holm (1979), https://www.jstor.org/stable/4615733. A comparison whose test is not defined (NaN) stays
    NaN but counts as a member, because the family was declared before looking.

    Parameters
    ----------
    p_values : array of shape (k,)
        In [0, 1], NaN where not defined.

    Returns
    -------
    ndarray of shape (k,)

    Raises
    ------
    ValueError
        If a P value is outside [0, 1].

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p_values: must be a one-dimensional array of values in [0, 1]")
    order = np.argsort(p)  # NaN last
    adjusted = np.empty_like(p)
    steps = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    adjusted[order] = steps
    return adjusted

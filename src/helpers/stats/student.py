"""Student's t and Fisher's F whose degrees of freedom may be infinite (then normal and chi-squared)."""

from __future__ import annotations

import numpy as np
from scipy import special


def t_quantile(level: float, df: float) -> float:
    """Multiplier of a standard error in a two-sided interval.

    Parameters
    ----------
    level : float
        Confidence level in (0, 1).
    df : float
        Degrees of freedom, above 0; infinite for the normal distribution.

    Returns
    -------
    float
        The (1 + level) / 2 quantile.

    Examples
    --------
    >>> round(t_quantile(0.95, 10), 4), round(t_quantile(0.95, float("inf")), 4)
    (2.2281, 1.96)
    """
    upper = (1 + level) / 2
    return float(special.ndtri(upper) if np.isinf(df) else special.stdtrit(df, upper))


def t_p_value(statistic: float, df: float) -> float:
    """Two-sided p-value of a t statistic.

    Parameters
    ----------
    statistic : float
        Estimate divided by its standard error.
    df : float
        Degrees of freedom, above 0; infinite for the normal distribution.

    Returns
    -------
    float
        Probability of a statistic at least as far from 0.

    Examples
    --------
    >>> round(t_p_value(2.2281389, 10), 4)
    0.05
    """
    tail = special.ndtr(-abs(statistic)) if np.isinf(df) else special.stdtr(df, -abs(statistic))
    return float(2 * tail)


def f_p_value(statistic: float, df_numerator: float, df_denominator: float) -> float:
    """Upper tail of the F distribution.

    Parameters
    ----------
    statistic : float
        F, at least 0.
    df_numerator, df_denominator : float
        Degrees of freedom, above 0; with an infinite denominator, F times `df_numerator` is chi-squared.

    Returns
    -------
    float
        Probability of a larger F.

    Examples
    --------
    >>> round(f_p_value(4.456318693, 1, 15.25967), 6)
    0.051666
    """
    if np.isinf(df_denominator):
        return float(special.chdtrc(df_numerator, statistic * df_numerator))
    return float(special.fdtrc(df_numerator, df_denominator, statistic))

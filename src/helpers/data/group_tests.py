"""Tests of one variable between groups, from sums and counts: the P column of a baseline table.

Every function returns `(p_value, name)`; the name says which test it was, so that a table can print it.
Where a test cannot be made (one group, no spread, one level) the p-value is NaN and the name says why.
"""

from __future__ import annotations

from math import inf, lgamma

import numpy as np
from scipy import special

EXACT_STATES = 1_000_000  # states of half a table up to which Fisher's test is exact
MONTE_CARLO_TABLES = 20_000
_TIE = 1e-7  # relative tolerance for "as probable as the observed table", as in R


def mean_test(n: np.ndarray, mean: np.ndarray, sd: np.ndarray, *, equal_variance: bool = False) -> tuple[float, str]:
    """Compare means: Welch's or the equal-variance t-test, for three groups and more their ANOVA.

    Parameters
    ----------
    n, mean, sd : arrays of shape (n_groups,)
        Number of values, mean and standard deviation (divisor n - 1) of each group.
    equal_variance : bool
        Pool the variance (Student, classical ANOVA) instead of Welch (1951), doi:10.2307/2332579.

    Returns
    -------
    tuple of float and str
        Two-sided p-value and the name of the test.

    Examples
    --------
    >>> p, name = mean_test([158, 154], [51.419, 48.583], [11.007, 9.958])
    >>> f"{p:.3f}", name
    ('0.018', 'Welch t')
    """
    n, mean, sd = (np.asarray(part, dtype=float) for part in (n, mean, sd))
    kind = "t" if len(n) == 2 else "ANOVA"
    name = f"equal-variance {kind}" if equal_variance else f"Welch {kind}"
    if len(n) < 2 or np.any(n < 2):
        return np.nan, f"{name} not possible: a group has fewer than two values"
    k, variance = len(n), sd**2
    if equal_variance:
        within = np.sum((n - 1) * variance) / (n.sum() - k)
        if within == 0:
            return np.nan, f"{name} not possible: no spread"
        grand = np.sum(n * mean) / n.sum()
        ratio = np.sum(n * (mean - grand) ** 2) / (k - 1) / within
        return float(special.fdtrc(k - 1, n.sum() - k, ratio)), name
    if np.any(variance == 0):
        return np.nan, f"{name} not possible: a group has no spread"
    weight = n / variance
    grand = np.sum(weight * mean) / weight.sum()
    spread = np.sum((1 - weight / weight.sum()) ** 2 / (n - 1))
    ratio = (np.sum(weight * (mean - grand) ** 2) / (k - 1)) / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    return float(special.fdtrc(k - 1, (k**2 - 1) / (3 * spread), ratio)), name


def kruskal_test(groups: list[np.ndarray]) -> tuple[float, str]:
    """Kruskal and Wallis's rank test with correction for ties, doi:10.2307/2280779.

    Parameters
    ----------
    groups : list of arrays
        The values of each group, without missing ones.

    Returns
    -------
    tuple of float and str
        p-value (chi-square approximation) and name.

    Examples
    --------
    >>> round(kruskal_test([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[0], 4)
    0.0495
    """
    sizes = np.array([len(group) for group in groups])
    if len(groups) < 2 or np.any(sizes == 0):
        return np.nan, "Kruskal-Wallis not possible: a group has no value"
    values = np.concatenate([np.asarray(group, dtype=float) for group in groups])
    _, where, ties = np.unique(values, return_inverse=True, return_counts=True)
    if len(ties) == 1:
        return np.nan, "Kruskal-Wallis not possible: all values are equal"
    rank = (np.cumsum(ties) - (ties - 1) / 2)[where]
    n, start = len(values), np.concatenate([[0], np.cumsum(sizes)[:-1]])
    h = 12 / (n * (n + 1)) * np.sum(np.add.reduceat(rank, start) ** 2 / sizes) - 3 * (n + 1)
    ties = ties.astype(float)
    h /= 1 - np.sum(ties**3 - ties) / (float(n) ** 3 - n)
    return float(special.chdtrc(len(groups) - 1, h)), "Kruskal-Wallis"


def expected_counts(table: np.ndarray) -> np.ndarray:
    """Counts expected without association, same shape as `table`."""
    table = np.asarray(table, dtype=float)
    return table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()


def chi_square_test(table: np.ndarray, *, yates: bool = True) -> tuple[float, str]:
    """Pearson's chi-square test; with Yates's correction for 2 x 2 tables when asked.

    Parameters
    ----------
    table : array of shape (n_levels, n_groups)
        Counts; levels and groups without any count are left out.
    yates : bool
        Correct a 2 x 2 table for continuity. Larger tables are never corrected.

    Returns
    -------
    tuple of float and str
        p-value and name.

    Examples
    --------
    >>> round(chi_square_test([[137, 139], [21, 15]])[0], 4), round(
    ...     chi_square_test([[137, 139], [21, 15]], yates=False)[0], 4)
    (0.4212, 0.3263)
    """
    table = _drop_empty(table)
    if min(table.shape) < 2:
        return np.nan, "chi-square not possible: one level or one group only"
    expected = expected_counts(table)
    distance = np.abs(table - expected)
    name = "chi-square"
    if yates and table.shape == (2, 2):
        distance, name = distance - min(0.5, distance.min()), "chi-square (Yates)"
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    return float(special.chdtrc(df, np.sum(distance**2 / expected))), name


def fisher_test(table: np.ndarray, *, seed: int = 0) -> tuple[float, str]:
    """Fisher's exact test for a table of any size (Freeman and Halton 1951, doi:10.1093/biomet/38.1-2.141).

    The p-value is the probability of all tables with these margins that are at most as probable as this one.
    The columns are split into two halves, each enumerated and then joined, so that 10^10 tables and more are
    summed exactly; beyond that tables are drawn at random, and the name says so.

    Parameters
    ----------
    table : array of shape (n_levels, n_groups)
        Counts.
    seed : int
        For the random tables.

    Returns
    -------
    tuple of float and str
        p-value and name.

    Examples
    --------
    >>> p, name = fisher_test([[3, 1], [1, 3]])
    >>> round(p, 4), name
    (0.4857, 'Fisher exact')
    """
    table = _drop_empty(table)
    if min(table.shape) < 2:
        return np.nan, "Fisher not possible: one level or one group only"
    if table.shape[0] > table.shape[1]:
        table = table.T
    rows, columns = table.sum(1), table.sum(0)
    constant = _log_factorial(rows).sum() + _log_factorial(columns).sum() - lgamma(table.sum() + 1)
    limit = constant - _log_factorial(table).sum() + np.log1p(_TIE)
    halves = _halves(rows, columns)
    if halves is None:
        from scipy.stats import random_table  # slow to import, rarely needed

        drawn = random_table(rows, columns, seed=np.random.default_rng(seed)).rvs(MONTE_CARLO_TABLES)
        log_p = constant - _log_factorial(drawn).sum(axis=(1, 2))
        p = (1 + np.sum(log_p <= limit)) / (1 + MONTE_CARLO_TABLES)
        return float(p), f"Fisher (Monte Carlo, {MONTE_CARLO_TABLES} tables)"
    (key_a, log_a), (key_b, log_b) = (_enumerate(rows, half) for half in halves)
    return min(1.0, _join(key_a, log_a, _key(rows[1:], rows) - key_b, log_b, constant, limit)), "Fisher exact"


def _drop_empty(table: np.ndarray) -> np.ndarray:
    table = np.asarray(table, dtype=np.int64)
    if table.ndim != 2 or np.any(table < 0):
        raise ValueError("table: a two-dimensional array of counts is needed")
    return table[table.sum(1) > 0][:, table.sum(0) > 0]


def _log_factorial(count: np.ndarray) -> np.ndarray:
    return special.gammaln(np.asarray(count, dtype=float) + 1)


def _key(vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One whole number for the counts in all rows but the first."""
    base = np.cumprod(np.concatenate([[1], rows[1:-1] + 1]))
    return (np.asarray(vector) * base).sum(-1)


def _halves(rows: np.ndarray, columns: np.ndarray) -> tuple[list[int], list[int]] | None:
    """Split the columns so that both enumerations are small; None when they cannot be."""
    if np.prod(rows[1:] + 1.0) > 2**62:
        return None
    r = len(rows)
    sizes = {  # log of an upper bound of the ways to fill one column
        c: min(lgamma(c + r) - lgamma(c + 1) - lgamma(r), float(np.log(np.minimum(rows[1:], c) + 1.0).sum()))
        for c in columns.tolist()
    }
    halves, weight = ([], []), [0.0, 0.0]
    for c in sorted(columns.tolist(), key=lambda c: -sizes[c]):
        side = int(weight[1] < weight[0])
        halves[side].append(c)
        weight[side] += sizes[c]
    return halves if max(weight) <= np.log(EXACT_STATES) else None


def _enumerate(rows: np.ndarray, columns: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """All ways to fill these columns: key of the row sums, and minus the sum of log factorials."""
    sums, log_weight = np.zeros((1, len(rows)), dtype=np.int64), np.zeros(1)
    for total in columns:
        fill = np.zeros((1, 0), dtype=np.int64)
        for row in rows[1:]:
            fill = np.concatenate([np.column_stack([fill, np.full(len(fill), x)]) for x in range(min(row, total) + 1)])
            fill = fill[fill.sum(1) <= total]
        fill = np.column_stack([total - fill.sum(1), fill])
        fill = fill[fill[:, 0] <= rows[0]]
        weight = -_log_factorial(fill).sum(1)
        sums = (sums[:, None, :] + fill[None]).reshape(-1, len(rows))
        log_weight = (log_weight[:, None] + weight[None]).ravel()
        fits = np.all(sums <= rows, axis=1)
        sums, log_weight = sums[fits], log_weight[fits]
    return _key(sums[:, 1:], rows), log_weight


def _join(
    key_a: np.ndarray, log_a: np.ndarray, key_b: np.ndarray, log_b: np.ndarray, constant: float, limit: float
) -> float:
    """Sum the probability of every pair with equal keys that is at most as probable as the limit."""
    order_a, order_b = np.argsort(key_a, kind="stable"), np.lexsort((log_b, key_b))
    key_a, log_a, key_b, log_b = key_a[order_a], log_a[order_a], key_b[order_b], log_b[order_b]
    p = 0.0
    for key in np.intersect1d(key_a, key_b):
        a = log_a[slice(*np.searchsorted(key_a, [key, key + 1]))]
        b = log_b[slice(*np.searchsorted(key_b, [key, key + 1]))]
        top = b.max(initial=-inf)
        below = np.concatenate([[0.0], np.cumsum(np.exp(b - top))])
        p += np.sum(np.exp(constant + a + top) * below[np.searchsorted(b, limit - constant - a, "right")])
    return float(p)

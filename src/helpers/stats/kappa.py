"""Kappa coefficients of coded ratings: two readers with a standard error, and many readers."""

from __future__ import annotations

import numpy as np

WEIGHTS = ("none", "linear", "quadratic")


def weight_matrix(n: int, weights: str) -> np.ndarray:
    """Credit for each pair of categories: 1 on the diagonal.

    Parameters
    ----------
    n : int
        Number of categories, at least 2.
    weights : str
        `none` (only equal counts), `linear` or `quadratic` in the distance of the categories.

    Returns
    -------
    float array of shape (n, n)

    Raises
    ------
    ValueError
        If `weights` is unknown.

    Examples
    --------
    >>> weight_matrix(3, "linear")[0].tolist()
    [1.0, 0.5, 0.0]
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights must be one of {', '.join(WEIGHTS)}, not {weights!r}")
    if weights == "none":
        return np.eye(n)
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (n - 1)
    return 1 - (distance if weights == "linear" else distance**2)


def cohen(codes: np.ndarray, n: int, *, weights: str = "none") -> tuple[float, float]:
    """Cohen's kappa of two readers, with its large-sample standard error.

    Cohen (1968), doi:10.1037/h0026256; Fleiss, Cohen and Everitt (1969), doi:10.1037/h0028106.

    Parameters
    ----------
    codes : int array of shape (n_cases, 2)
        Categories 0 to n - 1.
    n : int
        Number of categories.
    weights : str
        As in `weight_matrix`.

    Returns
    -------
    kappa, se : float
        NaN when both readers used one and the same category only.

    Examples
    --------
    >>> cohen(np.array([[0, 0], [0, 1], [1, 1], [1, 1]]), 2)[0]
    0.5
    """
    table = np.zeros((n, n))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1.0)
    table /= len(codes)
    credit = weight_matrix(n, weights)
    first, second = table.sum(axis=1), table.sum(axis=0)
    observed, expected = np.sum(credit * table), first @ credit @ second
    if expected >= 1:
        return np.nan, np.nan
    kappa = (observed - expected) / (1 - expected)
    centre = (credit @ second)[:, None] + (first @ credit)[None, :]
    spread = np.sum(table * (credit - centre * (1 - kappa)) ** 2) - (kappa - expected * (1 - kappa)) ** 2
    return float(kappa), float(np.sqrt(max(spread, 0.0) / len(codes)) / (1 - expected))


def light(codes: np.ndarray, n: int, *, weights: str = "none") -> float:
    """Mean of Cohen's kappa over all pairs of readers: Light (1971), doi:10.1037/h0031643.

    Parameters
    ----------
    codes : int array of shape (n_cases, n_readers)
    n : int
        Number of categories.
    weights : str

    Returns
    -------
    float

    Examples
    --------
    >>> light(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 1]]), 2)
    0.6666666666666666
    """
    cases, readers = codes.shape
    named = (codes[:, :, None] == np.arange(n)).reshape(cases, readers * n).astype(float)
    # one product holds the table of every pair: the jackknife of a reader study asks for thousands of them
    tables = (named.T @ named / cases).reshape(readers, n, readers, n)
    own = named.mean(axis=0).reshape(readers, n)
    credit = weight_matrix(n, weights)
    first, second = np.triu_indices(readers, 1)
    observed = np.einsum("pij,ij->p", tables[first, :, second], credit)
    expected = np.einsum("pi,ij,pj->p", own[first], credit, own[second])
    with np.errstate(divide="ignore", invalid="ignore"):
        kappas = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
    return float(kappas.mean())


def _tally(codes: np.ndarray, n: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Readers in each category, shape (cases, categories); number of readers; pooled share of each category."""
    counts = np.stack([(codes == k).sum(axis=1) for k in range(n)], axis=1).astype(float)
    return counts, codes.shape[1], counts.sum(axis=0) / counts.sum()


def _beyond_chance(counts: np.ndarray, readers: int, expected: float) -> float:
    """Share of agreeing pairs of readers beyond what chance gives; NaN when chance explains everything."""
    observed = np.mean((np.sum(counts**2, axis=1) - readers) / (readers * (readers - 1)))
    return float((observed - expected) / (1 - expected)) if expected < 1 else np.nan


def fleiss(codes: np.ndarray, n: int) -> float:
    """Fleiss' kappa: chance agreement from pooled category shares; doi:10.1037/h0031619.

    Parameters
    ----------
    codes : int array of shape (n_cases, n_readers)
    n : int
        Number of categories.

    Returns
    -------
    float
        NaN when all readers used one category only.

    Examples
    --------
    >>> round(fleiss(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 1]]), 2), 4)
    0.6571
    """
    counts, readers, share = _tally(codes, n)
    return _beyond_chance(counts, readers, np.sum(share**2))


def conger(codes: np.ndarray, n: int) -> float:
    """Conger's kappa: chance agreement from each reader's own shares; doi:10.1037/0033-2909.88.2.322.

    Parameters
    ----------
    codes : int array of shape (n_cases, n_readers)
    n : int
        Number of categories.

    Returns
    -------
    float
        NaN when all readers used one category only.

    Examples
    --------
    >>> round(conger(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 1]]), 2), 4)
    0.6667
    """
    counts, readers, _ = _tally(codes, n)
    own = np.stack([(codes == k).mean(axis=0) for k in range(n)])  # (category, reader)
    return _beyond_chance(counts, readers, np.sum(own.mean(axis=1) ** 2 - own.var(axis=1, ddof=1) / readers))


def fleiss_by_category(codes: np.ndarray, n: int) -> np.ndarray:
    """Fleiss' kappa of each category against all others.

    Parameters
    ----------
    codes : int array of shape (n_cases, n_readers)
    n : int
        Number of categories.

    Returns
    -------
    float array of shape (n,)
        NaN for a category that nobody, or everybody always, used.

    Examples
    --------
    >>> fleiss_by_category(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 1]]), 2).round(4).tolist()
    [0.6571, 0.6571]
    """
    counts, readers, share = _tally(codes, n)
    split = np.sum(counts * (readers - counts), axis=0)
    base = len(codes) * readers * (readers - 1) * share * (1 - share)
    return 1 - np.divide(split, base, out=np.full(n, np.nan), where=base > 0)


def fleiss_null_z(codes: np.ndarray, n: int) -> float:
    """Fleiss' kappa over its standard error when there is no agreement beyond chance.

    Fleiss, Nee and Landis (1979), doi:10.1037/0033-2909.86.5.974.

    Parameters
    ----------
    codes : int array of shape (n_cases, n_readers)
    n : int
        Number of categories.

    Returns
    -------
    float

    Examples
    --------
    >>> round(fleiss_null_z(np.array([[0, 0, 0], [0, 1, 0], [1, 1, 1], [1, 1, 1]]), 2), 4)
    2.2764
    """
    _, readers, share = _tally(codes, n)
    both = share * (1 - share)
    inner = both.sum() ** 2 - np.sum(both * (1 - 2 * share))
    se = np.sqrt(2 * inner / (len(codes) * readers * (readers - 1))) / both.sum()
    return float(fleiss(codes, n) / se)

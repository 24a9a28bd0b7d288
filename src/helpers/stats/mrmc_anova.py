"""Mean squares and variance components of a reader study, and means over random readers and cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.stats.student import t_quantile


def components(theta: np.ndarray, matrix: np.ndarray) -> dict[str, float]:
    """Mean squares, variance components and covariances of the Obuchowski-Rockette model.

    As estimated, negative values included; Hillis (2014), doi:10.1002/sim.5926, table 1.

    Parameters
    ----------
    theta : float array of shape (n_modalities, n_readers)
        Accuracy of each reader in each modality; at least two of both.
    matrix : float array of shape (n_modalities * n_readers, n_modalities * n_readers)
        Covariance of theta over cases, modalities varying slowest.

    Returns
    -------
    dict
        `reader, modality x reader, error, Cov1, Cov2, Cov3, MS(T), MS(R), MS(TR)`.

    Examples
    --------
    >>> found = components(np.array([[0.7, 0.8], [0.8, 0.9]]), 0.01 * np.eye(4))
    >>> round(found["MS(T)"], 4), round(found["error"], 4), found["Cov2"]
    (0.01, 0.01, 0.0)
    """
    t, r = theta.shape
    block = matrix.reshape(t, r, t, r)
    error = np.trace(matrix) / (t * r)
    same_reader = np.einsum("ijkj->", block)
    same_modality = np.einsum("ijil->", block)
    cov1 = (same_reader - np.trace(matrix)) / (t * (t - 1) * r)
    cov2 = (same_modality - np.trace(matrix)) / (t * r * (r - 1))
    cov3 = (matrix.sum() - same_reader - same_modality + np.trace(matrix)) / (t * (t - 1) * r * (r - 1))
    by_modality, by_reader = theta.mean(axis=1), theta.mean(axis=0)
    rest = theta - by_modality[:, None] - by_reader[None, :] + theta.mean()
    ms_t, ms_r, ms_tr = r * by_modality.var(ddof=1), t * by_reader.var(ddof=1), np.sum(rest**2) / ((t - 1) * (r - 1))
    found = {
        "reader": (ms_r - ms_tr) / t - cov1 + cov3,
        "modality x reader": ms_tr - error + cov1 + max(cov2 - cov3, 0.0),
        "error": error,
        "Cov1": cov1,
        "Cov2": cov2,
        "Cov3": cov3,
        "MS(T)": ms_t,
        "MS(R)": ms_r,
        "MS(TR)": ms_tr,
    }
    return {name: float(value) for name, value in found.items()}


def modality_means(
    theta: np.ndarray, matrix: np.ndarray, *, readers: str, cases: str, level: float
) -> tuple[pd.DataFrame, list[int]]:
    """Mean over readers of each modality, from the data of that modality alone.

    Parameters
    ----------
    theta, matrix : arrays
        As in `components`.
    readers, cases : str
        `random` or `fixed`.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame, list of int
        `value, se, df, low, high`, one row a modality; and the modalities whose negative Cov2 was set to 0.

    Examples
    --------
    >>> theta = np.array([[0.7, 0.8], [0.8, 0.9]])
    >>> modality_means(theta, 0.01 * np.eye(4), readers="fixed", cases="random", level=0.95)[0]["se"].round(4).tolist()
    [0.0707, 0.0707]
    """
    t, r = theta.shape
    rows, cut = [], []
    for i in range(t):
        own = matrix[i * r : (i + 1) * r, i * r : (i + 1) * r]
        cov2 = (own.sum() - np.trace(own)) / (r * (r - 1))
        if cases == "fixed":
            rows.append(interval(theta[i].mean(), np.sqrt(theta[i].var(ddof=1) / r), r - 1.0, level))
            continue
        if cov2 < 0:
            cut.append(i)
        if readers == "fixed":
            variance = (np.trace(own) / r + (r - 1) * max(cov2, 0.0)) / r
            rows.append(interval(theta[i].mean(), np.sqrt(variance), np.inf, level))
        else:
            rows.append(single_modality(theta[i], own, level=level)[0])
    return pd.DataFrame(rows), cut


def single_modality(
    values: np.ndarray, matrix: np.ndarray, *, level: float, lowest: float = 0.0
) -> tuple[dict[str, float], bool]:
    """Mean over random readers of one value each, with random cases (Hillis 2014, doi:10.1002/sim.5926).

    Parameters
    ----------
    values : float array of shape (n_readers,)
    matrix : float array of shape (n_readers, n_readers)
        Covariance of the values over cases.
    level : float
        Confidence level.
    lowest : float
        Least possible value: 0, or -1 for differences.

    Returns
    -------
    dict, bool
        `value, se, df, low, high`, and whether a negative Cov2 was set to 0.

    Examples
    --------
    >>> answer, cut = single_modality(np.array([0.1, 0.3]), np.diag([0.01, 0.01]), level=0.95)
    >>> round(answer["value"], 3), round(answer["se"], 3), answer["df"], cut
    (0.2, 0.1, 1.0, False)
    """
    n = values.size
    square = values.var(ddof=1)
    cov2 = (matrix.sum() - np.trace(matrix)) / (n * (n - 1))
    total = square + n * max(cov2, 0.0)
    return interval(values.mean(), np.sqrt(total / n), hillis(total, square, n - 1), level, lowest=lowest), bool(
        cov2 < 0
    )


def interval(value: float, se: float, df: float, level: float, *, lowest: float = 0.0) -> dict[str, float]:
    """Wald interval with t quantiles, cut at the range of the quantity.

    Parameters
    ----------
    value, se, df : float
        Estimate, its standard error and degrees of freedom (may be infinite).
    level : float
        Confidence level.
    lowest : float
        0 for a proportion or an AUC, -1 for a difference; the highest is 1.

    Returns
    -------
    dict
        `value, se, df, low, high`.

    Examples
    --------
    >>> interval(0.98, 0.02, float("inf"), 0.95)["high"]
    1.0
    """
    reach = t_quantile(level, df) * se
    low, high = float(max(value - reach, lowest)), float(min(value + reach, 1.0))
    return {"value": float(value), "se": float(se), "df": df, "low": low, "high": high}


def hillis(total: float, square: float, freedom: float) -> float:
    """Degrees of freedom of a sum of a mean square and a variance taken as known (Hillis 2007).

    doi:10.1002/sim.2532.

    Parameters
    ----------
    total : float
        Mean square plus the known part.
    square : float
        Mean square, with `freedom` degrees of freedom.
    freedom : float

    Returns
    -------
    float
        At least `freedom`; infinite when the mean square is 0.

    Examples
    --------
    >>> hillis(2.0, 1.0, 4)
    16.0
    """
    return float(np.inf) if square == 0 else float(total**2 / (square**2 / freedom))

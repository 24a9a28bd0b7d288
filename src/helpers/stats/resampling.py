"""Patients as the unit: groups of rows, variances by patient, and bootstrap resamples of patients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def patient_codes(patient_id: ArrayLike | None, n: int) -> tuple[np.ndarray, int]:
    """Number the patients 0, 1, 2 ... in order of appearance.

    Parameters
    ----------
    patient_id : array of shape (n,) or None
        Patient of each row. None: every row is a patient of its own.
    n : int
        Number of rows.

    Returns
    -------
    codes : ndarray of int, shape (n,)
    patients : int

    Raises
    ------
    ValueError
        If the length differs from `n` or an identifier is missing.

    Examples
    --------
    >>> codes, patients = patient_codes(["a", "b", "a"], 3)
    >>> codes.tolist(), patients
    ([0, 1, 0], 2)
    """
    if patient_id is None:
        return np.arange(n), n
    # an array stays one: a Series of a million names would first become pandas' own text type
    values = patient_id if isinstance(patient_id, (pd.Series, np.ndarray)) else pd.Series(patient_id)
    if len(values) != n:
        raise ValueError(f"patient_id: has {len(values)} cases, but label has {n}")
    codes, names = pd.factorize(values)
    if (codes < 0).any():
        raise ValueError(f"patient_id: missing at position {int((codes < 0).argmax())}")
    return codes, len(names)


def repeats(patient_id: ArrayLike | None, n: int) -> bool:
    """Tell whether some patient has more than one row.

    Parameters
    ----------
    patient_id : array of shape (n,) or None
    n : int
        Number of rows.

    Returns
    -------
    bool

    Examples
    --------
    >>> repeats(["a", "b", "a"], 3), repeats(None, 3)
    (True, False)
    """
    return patient_id is not None and patient_codes(patient_id, n)[1] < n


def patient_sums(values: ArrayLike, codes: np.ndarray, patients: int) -> np.ndarray:
    """Sum each column of `values` within patients.

    Parameters
    ----------
    values : array of shape (n,) or (n, k)
    codes : ndarray of int, shape (n,)
        From `patient_codes`.
    patients : int

    Returns
    -------
    ndarray of shape (patients,) or (patients, k)

    Examples
    --------
    >>> patient_sums([1.0, 2.0, 3.0], np.array([0, 1, 0]), 2).tolist()
    [4.0, 2.0]
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        return np.bincount(codes, weights=array, minlength=patients)
    return np.column_stack([np.bincount(codes, weights=column, minlength=patients) for column in array.T])


def cluster_covariance(influence: ArrayLike, patient_id: ArrayLike | None = None) -> np.ndarray:
    """Covariance of estimates from the influence of every row, summed within patients.

    Taylor linearisation: C/(C-1) times the sum over the C patients of the squared sums of influence,
    as `survey::svyratio` does for a ratio; Binder (1983), doi:10.2307/1402588.

    Parameters
    ----------
    influence : array of shape (n,) or (n, k)
        Derivative of each of k estimates with respect to the weight of a row; columns sum to 0.
    patient_id : array of shape (n,) or None
        Rows of one patient are not independent. None: all rows are.

    Returns
    -------
    ndarray of shape (k, k)
        Infinite-population covariance; NaN with a single patient.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 1.0, 0.0])
    >>> float(cluster_covariance((y - y.mean()) / y.size)[0, 0])  # variance of a mean
    0.08333333333333333
    """
    array = np.asarray(influence, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    codes, patients = patient_codes(patient_id, len(array))
    if patients < 2:
        return np.full((array.shape[1], array.shape[1]), np.nan)
    sums = array if patients == len(array) else patient_sums(array, codes, patients)
    centred = sums - sums.mean(axis=0)
    return patients / (patients - 1) * (centred.T @ centred)


def bootstrap_counts(
    label: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    stratified: bool = True,
) -> Iterator[np.ndarray]:
    """Draw bootstrap resamples of patients; yield how often each row is drawn.

    A count for every row costs O(n) and replaces the copied rows of a textbook bootstrap.
    Efron and Tibshirani (1993), doi:10.1201/9780429246593; patients as units: Field and Welsh (2007),
    doi:10.1111/j.1467-9868.2007.00593.x.

    Parameters
    ----------
    label : array of shape (n,)
        0/1; strata of the resampling.
    patient_id : array of shape (n,) or None
        All rows of a drawn patient come together.
    resamples : int
    seed : int
        Of `numpy.random.default_rng`.
    stratified : bool
        Keep the number of patients with and without a positive row.

    Yields
    ------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> counts = next(bootstrap_counts([0, 0, 1, 1, 1], resamples=1, seed=1))
    >>> int(counts[:2].sum()), int(counts[2:].sum())
    (2, 3)
    """
    if resamples < 1:
        raise ValueError(f"resamples: must be at least 1, found {resamples}")
    positive = np.asarray(label, dtype=bool)
    codes, patients = patient_codes(patient_id, len(positive))
    clustered = patients < len(positive)
    per_patient = np.bincount(codes, weights=positive, minlength=patients) > 0
    strata = [np.flatnonzero(per_patient), np.flatnonzero(~per_patient)] if stratified else [np.arange(patients)]
    strata = [units for units in strata if units.size]
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = np.empty(patients, dtype=np.int64)
        for units in strata:
            drawn[units] = np.bincount(rng.integers(0, units.size, units.size), minlength=units.size)
        yield drawn[codes] if clustered else drawn


def percentile_limits(values: ArrayLike, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits of bootstrap values, over the first axis; NaN values are left out.

    Parameters
    ----------
    values : array of shape (resamples, ...)
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray
        Quantiles (1 - level) / 2 and (1 + level) / 2.

    Examples
    --------
    >>> low, high = percentile_limits(np.arange(101.0))
    >>> round(float(low), 6), round(float(high), 6)
    (2.5, 97.5)
    """
    tail = (1 - level) / 2
    low, high = np.nanquantile(np.asarray(values, dtype=np.float64), [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_mean(
    values: ArrayLike, *, patient_id: ArrayLike | None = None, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of each column over rows, with percentile limits from resamples of patients.

    Parameters
    ----------
    values : array of shape (n,) or (n, k)
    patient_id : array of shape (n,) or None
        All rows of a drawn patient come together.
    resamples, seed : int
    level : float
        Confidence level.

    Returns
    -------
    mean, low, high : ndarray of shape () or (k,)

    Examples
    --------
    >>> mean, low, high = bootstrap_mean([0.5, 0.7], patient_id=["P1", "P2"])
    >>> float(mean), float(low), float(high)
    (0.6, 0.5, 0.7)
    """
    array = np.asarray(values, dtype=np.float64)
    unlabelled = np.zeros(len(array), dtype=int)
    draws = bootstrap_counts(unlabelled, patient_id=patient_id, resamples=resamples, seed=seed, stratified=False)
    low, high = percentile_limits([counts @ array / counts.sum() for counts in draws], level=level)
    return array.mean(axis=0), low, high

"""Parts of a cohort for cross-validation: whole patients, outcomes spread evenly."""

from __future__ import annotations

import numpy as np


def grouped_folds(label: np.ndarray, patient_id: np.ndarray | None, *, folds: int, seed: int) -> np.ndarray:
    """Deal patients over folds, stratified by outcome.

    Patients are shuffled within their highest label and dealt like cards, so folds differ by at most one patient
    in size and, for every label, in patients with it.

    Parameters
    ----------
    label : int array of shape (n,)
    patient_id : array of shape (n,) or None
        Cases of one patient stay together; None: every case is its own patient.
    folds : int
        At least 2, at most the number of patients of the rarest label.
    seed : int

    Returns
    -------
    int array of shape (n,)
        Fold of each case, 0 to `folds` - 1.

    Raises
    ------
    ValueError
        If there are too few patients for so many folds.

    Examples
    --------
    >>> fold = grouped_folds([0, 0, 1, 1, 0, 1], ["a", "a", "b", "c", "d", "e"], folds=2, seed=1)
    >>> fold[0] == fold[1], np.bincount(fold).sum()
    (np.True_, np.int64(6))
    """
    label = np.asarray(label).astype(int)
    _, patient = np.unique(np.arange(len(label)) if patient_id is None else patient_id, return_inverse=True)
    highest = np.full(patient.max() + 1, label.min())
    np.maximum.at(highest, patient, label)
    rarest = np.unique(highest, return_counts=True)[1].min()
    if folds < 2 or len(np.unique(highest)) < 2 or rarest < folds:
        raise ValueError(f"folds must be from 2 to {rarest}, the number of patients of the rarest outcome, not {folds}")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(highest))
    order = shuffled[np.argsort(highest[shuffled], kind="stable")]
    of_patient = np.empty(len(highest), dtype=int)
    of_patient[order] = np.arange(len(order)) % folds
    return of_patient[patient]

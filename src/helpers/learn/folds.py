"""Parts of a cohort for cross-validation: whole patients, outcomes spread evenly."""

from __future__ import annotations

import numpy as np


def grouped_folds(label: np.ndarray, patient_id: np.ndarray | None, *, folds: int, seed: int) -> np.ndarray:
    """Deal patients over folds, stratified by outcome.

    Patients are shuffled within the set of labels that they have and dealt like cards, so folds differ by at most
    one patient in size and, for two labels, in patients with each.

    Parameters
    ----------
    label : int array of shape (n,)
    patient_id : array of shape (n,) or None
        Cases of one patient stay together; None: every case is its own patient.
    folds : int
        At least 2, at most the number of patients who have the rarest label.
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
    _, kind = np.unique(label, return_inverse=True)
    has = np.zeros((patient.max() + 1, kind.max() + 1), dtype=bool)
    has[patient, kind] = True
    rarest = int(has.sum(axis=0).min())
    if folds < 2 or has.shape[1] < 2 or rarest < folds:
        raise ValueError(
            f"folds must be from 2 to {rarest}, the number of patients with the rarest outcome, not {folds}"
        )
    pattern = has @ (2 ** np.arange(has.shape[1]))
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(pattern))
    order = shuffled[np.argsort(pattern[shuffled], kind="stable")]
    of_patient = np.empty(len(pattern), dtype=int)
    of_patient[order] = np.arange(len(order)) % folds
    return of_patient[patient]

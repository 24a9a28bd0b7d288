"""The two scores that watch a training run; the statistics of the study are in `helpers.stats`."""

from __future__ import annotations

import numpy as np


def rank_auc(label: np.ndarray, risk: np.ndarray) -> float:
    """Area under the ROC curve by mid-ranks; with several classes the mean of one class against the rest.

    Parameters
    ----------
    label : int array of shape (n,)
        0 and 1, or 0 to K - 1.
    risk : array of shape (n,) or (n, K)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If a class has no case.

    Examples
    --------
    >>> rank_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9])
    0.875
    """
    label, risk = np.asarray(label), np.asarray(risk, dtype=float)
    if risk.ndim == 2:
        return float(np.mean([rank_auc(label == k, risk[:, k]) for k in range(risk.shape[1])]))
    positive = label.astype(bool)
    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    if not n_pos or not n_neg:
        raise ValueError("label must hold cases of every class for an AUC")
    _, place, count = np.unique(risk, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def log_loss(label: np.ndarray, risk: np.ndarray, *, weight: np.ndarray | None = None) -> float:
    """Mean negative log-likelihood, classes weighted by `weight` (one a class; None: equal).

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
    0.6931
    """
    label, risk = np.asarray(label, dtype=int), np.asarray(risk, dtype=float)
    if risk.ndim == 1:
        risk = np.column_stack([1 - risk, risk])
    chosen = np.clip(risk[np.arange(len(label)), label], 1e-7, 1)
    case = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=float)[label]
    return float(-(case * np.log(chosen)).sum() / case.sum())

"""AUC and its covariance from placement values: DeLong for independent cases, Obuchowski for patients with several."""

from __future__ import annotations

import numpy as np

from helpers.stats.resampling import patient_sums


def placements(positive: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute the AUC and the placement value of each case with one sort, in whole numbers.

    The placement of a positive is the share of negatives scored below it (ties count one half); that of a
    negative is the share of positives scored above it. Sun and Xu (2014), doi:10.1109/LSP.2014.2337313.
    Counts are 64-bit integers, so neither nearly equal scores nor a million cases lose digits.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
        Both classes present.
    score : ndarray of float, shape (n,)
        Finite; higher means more likely positive.

    Returns
    -------
    auc : float
    values : ndarray of float, shape (n,)
        In [0, 1]; the mean over either class is the AUC.

    Examples
    --------
    >>> placements(np.array([False, True, False, True]), np.array([0.1, 0.2, 0.2, 0.4]))
    (0.875, array([1.  , 0.75, 0.75, 1.  ]))
    """
    n = score.size
    order = np.argsort(score)
    ordered = score[order]
    hit = positive[order]
    seen = np.cumsum(hit, dtype=np.int64)  # positives up to and including each place
    events = int(seen[-1])
    others = n - events
    fresh = ordered[1:] != ordered[:-1]
    if fresh.all():
        below = np.arange(1, n + 1) - seen  # negatives up to here; none are tied with a positive
        twice = np.where(hit, 2 * below, 2 * (events - seen))
    else:
        end = np.append(np.flatnonzero(fresh), n - 1)
        size = np.diff(end, prepend=-1)
        positives = seen[end]
        negatives = end + 1 - positives
        half_positives = np.repeat(positives + np.append(0, positives[:-1]), size)
        half_negatives = np.repeat(negatives + np.append(0, negatives[:-1]), size)
        twice = np.where(hit, half_negatives, 2 * events - half_positives)
    auc = int(twice[hit].sum()) / (2 * events * others)
    values = np.empty(n)
    values[order] = twice / np.where(hit, 2 * others, 2 * events)
    return auc, values


def delong_covariance(positive: np.ndarray, values: np.ndarray, aucs: np.ndarray) -> np.ndarray:
    """Covariance of AUCs of several models on the same independent cases.

    DeLong, DeLong and Clarke-Pearson (1988), doi:10.2307/2531595.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    values : ndarray of float, shape (models, n)
        From `placements`.
    aucs : ndarray of float, shape (models,)

    Returns
    -------
    ndarray of shape (models, models)
        NaN when a class has a single case.

    Examples
    --------
    >>> y = np.array([False, False, True, True])
    >>> value, parts = placements(y, np.array([0.1, 0.4, 0.35, 0.8]))
    >>> delong_covariance(y, parts[None], np.array([value])).tolist()
    [[0.125]]
    """
    total = np.zeros((len(aucs), len(aucs)))
    for member in (positive, ~positive):
        count = int(member.sum())
        if count < 2:
            return np.full_like(total, np.nan)
        centred = values[:, member] - aucs[:, None]
        total += _products(centred, centred) / (count * (count - 1))
    return total


def obuchowski_covariance(
    positive: np.ndarray, values: np.ndarray, aucs: np.ndarray, codes: np.ndarray, patients: int
) -> np.ndarray:
    """Covariance of AUCs when patients have several cases, of either or both classes.

    S10/M + S01/N + (S11 + S11')/(MN) on sums within patients, each S with its own I/(I - 1);
    Obuchowski (1997), doi:10.2307/2533958. With one case a patient it is DeLong's.

    Parameters
    ----------
    positive, values, aucs
        As in `delong_covariance`.
    codes : ndarray of int, shape (n,)
        Patient of each case, 0 ... patients - 1.
    patients : int

    Returns
    -------
    ndarray of shape (models, models)
        NaN when fewer than two patients have a positive, or a negative.

    Examples
    --------
    >>> y = np.array([False, False, True, True])
    >>> value, parts = placements(y, np.array([0.1, 0.4, 0.35, 0.8]))
    >>> obuchowski_covariance(y, parts[None], np.array([value]), np.arange(4), 4).tolist()
    [[0.125]]
    """
    sums, factors, counts = [], [], []
    for member in (positive, ~positive):
        contributing = int(np.unique(codes[member]).size)
        if contributing < 2:
            return np.full((len(aucs), len(aucs)), np.nan)
        centred = np.where(member, values - aucs[:, None], 0.0)
        sums.append(patient_sums(centred.T, codes, patients).T)
        factors.append(contributing / (contributing - 1))
        counts.append(int(member.sum()))
    (ten, one), (m, n) = sums, counts
    cross = patients / (patients - 1) * _products(ten, one) / (m * n)
    return factors[0] * _products(ten, ten) / m**2 + factors[1] * _products(one, one) / n**2 + cross + cross.T


def disjoint_pairs(positive: np.ndarray, codes: np.ndarray) -> int:
    """Largest number of positive-negative pairs in which no patient is used twice.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    codes : ndarray of int, shape (n,)
        Patient of each case.

    Returns
    -------
    int

    Examples
    --------
    >>> disjoint_pairs(np.array([True, False, True, False]), np.array([0, 0, 1, 2]))
    1
    """
    with_positive, with_negative = np.unique(codes[positive]), np.unique(codes[~positive])
    everyone = np.union1d(with_positive, with_negative).size
    return min(with_positive.size, with_negative.size, everyone // 2)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix of sums of products; plain sums, because a threaded dot product is slow on a busy machine."""
    return np.array([[np.sum(x * y) for y in b] for x in a])

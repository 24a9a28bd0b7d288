"""Accuracy of every reader in every modality, and how these values vary together over patients."""

from __future__ import annotations

import numpy as np

from helpers.stats.readings import ReadingCube

METRICS = ("auc", "sensitivity", "specificity")
COVARIANCES = ("jackknife", "delong", "unbiased", "bootstrap")


def performance(data: ReadingCube, *, metric: str = "auc", threshold: float | None = None) -> np.ndarray:
    """Accuracy of each reader in each modality of a fully crossed study.

    Parameters
    ----------
    data : ReadingCube
        Without missing cells.
    metric : str
        `auc` (ties count half), `sensitivity` or `specificity`.
    threshold : float or None
        A rating at or above it is a positive call; None when ratings are 0 and 1.

    Returns
    -------
    float array of shape (n_modalities, n_readers)
        In [0, 1].

    Raises
    ------
    ValueError
        If the metric is unknown, or graded ratings come without a threshold.

    Examples
    --------
    >>> from helpers.stats.readings import cube
    >>> import pandas as pd
    >>> rows = [("A", "aided", k, k // 2, [1, 3, 2, 4][k]) for k in range(4)]
    >>> data = cube(pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"]))
    >>> performance(data).tolist()
    [[0.75]]
    """
    return _parts(data, metric, threshold)[0].reshape(len(data.modalities), len(data.readers))


def covariance_matrix(
    data: ReadingCube,
    *,
    metric: str = "auc",
    method: str = "jackknife",
    threshold: float | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Covariance of the accuracies of all readers and modalities over samples of patients.

    The unit is the patient: the jackknife leaves out all cases of a patient, DeLong sums the components of a
    patient (Obuchowski 1997, doi:10.2307/2533958), the bootstrap draws patients.
    With one case a patient they are the usual jackknife, the covariance of DeLong (1988,
    doi:10.2307/2531595) and the bootstrap. `unbiased` is the U-statistic covariance (Gallas 2006,
    doi:10.1016/j.acra.2005.11.030), defined for one case a patient.

    Parameters
    ----------
    data : ReadingCube
        Without missing cells.
    metric, threshold
        As in `performance`.
    method : str
        `jackknife`, `delong`, `unbiased` or `bootstrap`.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    float array of shape (n_modalities * n_readers, n_modalities * n_readers)
        Modalities vary slowest.

    Raises
    ------
    ValueError
        If the method is unknown or not defined for the data.

    Examples
    --------
    >>> from helpers.stats.readings import cube
    >>> import pandas as pd
    >>> rows = [("A", "aided", k, k // 2, [1, 3, 2, 4][k]) for k in range(4)]
    >>> data = cube(pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"]))
    >>> covariance_matrix(data, method="delong").tolist()
    [[0.125]]
    """
    if method not in COVARIANCES:
        raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, not {method!r}")
    theta, positive, negative = _parts(data, metric, threshold)
    if method == "jackknife":
        return _jackknife(data, metric, positive, negative)
    if method == "bootstrap":
        return _bootstrap(data, metric, positive, negative, resamples, seed)
    if method == "unbiased" and data.clustered:
        raise ValueError("covariance='unbiased' needs one case a patient; use 'jackknife' or 'delong'")
    if method == "unbiased" and metric == "auc":
        return _unbiased(theta, positive, negative)
    return _delong(data, metric, theta, positive, negative)


def patient_weights(data: ReadingCube, resamples: int, seed: int) -> np.ndarray:
    """How often each case is drawn when patients are drawn with replacement.

    Patients with a positive case and patients without are drawn apart, so that no resample lacks a class
    in a study of one case a patient.

    Parameters
    ----------
    data : ReadingCube
    resamples : int
        At least 2.
    seed : int

    Returns
    -------
    float array of shape (resamples, n_cases)

    Raises
    ------
    ValueError
        If `resamples` is below 2.

    Examples
    --------
    >>> from helpers.stats.readings import cube
    >>> import pandas as pd
    >>> rows = [("A", "aided", k, k // 2, k) for k in range(4)]
    >>> data = cube(pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"]))
    >>> patient_weights(data, 3, seed=1).sum(axis=1).tolist()
    [4.0, 4.0, 4.0]
    """
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2, not {resamples}")
    random = np.random.default_rng(seed)
    has_positive = np.bincount(data.patient, weights=data.label) > 0
    drawn = np.zeros((resamples, data.n_patients))
    for group in (has_positive, ~has_positive):
        n = int(group.sum())
        if n:
            drawn[:, group] = random.multinomial(n, np.full(n, 1 / n), size=resamples)
    return drawn[:, data.patient]


def _parts(data: ReadingCube, metric: str, threshold: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of (cells,), and ratings of (cells, positives) and (cells, negatives)."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
    rating = data.rating if metric == "auc" else data.calls(threshold)
    flat = rating.reshape(-1, len(data.cases))
    positive, negative = flat[:, data.label == 1], flat[:, data.label == 0]
    if metric == "auc":
        below = np.array([_placements(x, y)[0] for x, y in zip(positive, negative)])
        return below.mean(axis=1) / negative.shape[1], positive, negative
    if metric == "sensitivity":
        return positive.mean(axis=1), positive, negative
    return 1 - negative.mean(axis=1), positive, negative


def _placements(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Negatives below each positive, and positives above each negative; a tie is a half."""
    low, high = np.sort(negative), np.sort(positive)
    below = (np.searchsorted(low, positive, "left") + np.searchsorted(low, positive, "right")) / 2
    above = high.size - (np.searchsorted(high, negative, "left") + np.searchsorted(high, negative, "right")) / 2
    return below, above


def _sum_by(group: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Sum the columns of (cells, items) by group: (cells, n)."""
    total = np.zeros((values.shape[0], n))
    np.add.at(total.T, group, values.T)
    return total


def _jackknife(data: ReadingCube, metric: str, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    n = data.n_patients
    owner1, owner0 = data.patient[data.label == 1], data.patient[data.label == 0]
    left1 = owner1.size - np.bincount(owner1, minlength=n)
    left0 = owner0.size - np.bincount(owner0, minlength=n)
    if (metric != "specificity" and (left1 == 0).any()) or (metric != "sensitivity" and (left0 == 0).any()):
        raise ValueError("the jackknife needs positive cases, and negative cases, of at least two patients each")
    if metric == "auc":
        # the pairs of a patient's own positives and negatives would be taken off twice
        own1, own0 = np.nonzero(owner1[:, None] == owner0[None, :])
        values = []
        for x, y in zip(positive, negative):
            below, above = _placements(x, y)
            won = (x[own1] > y[own0]) + (x[own1] == y[own0]) / 2
            lost = np.bincount(owner1, below, n) + np.bincount(owner0, above, n) - np.bincount(owner1[own1], won, n)
            values.append((below.sum() - lost) / (left1 * left0))
        values = np.array(values)
    elif metric == "sensitivity":
        values = (positive.sum(axis=1, keepdims=True) - _sum_by(owner1, positive, n)) / left1
    else:
        values = ((1 - negative).sum(axis=1, keepdims=True) - _sum_by(owner0, 1 - negative, n)) / left0
    if metric != "auc":  # only patients with a case of the class are in the sample
        values = values[:, np.unique(owner1 if metric == "sensitivity" else owner0)]
    n = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    return (n - 1) / n * (centred @ centred.T)


def _delong(
    data: ReadingCube, metric: str, theta: np.ndarray, positive: np.ndarray, negative: np.ndarray
) -> np.ndarray:
    n = data.n_patients
    owner1, owner0 = data.patient[data.label == 1], data.patient[data.label == 0]
    if metric == "auc":
        pairs = [_placements(x, y) for x, y in zip(positive, negative)]
        above1 = np.array([below for below, _ in pairs]) / owner0.size - theta[:, None]
        above0 = np.array([above for _, above in pairs]) / owner1.size - theta[:, None]
        from1, from0 = _sum_by(owner1, above1, n) / owner1.size, _sum_by(owner0, above0, n) / owner0.size
        cross = from1 @ from0.T
        share = _bessel(np.arange(n)) * (cross + cross.T)
        return _bessel(owner1) * (from1 @ from1.T) + _bessel(owner0) * (from0 @ from0.T) + share
    chosen, owner = (positive, owner1) if metric == "sensitivity" else (1 - negative, owner0)
    part = _sum_by(owner, chosen - theta[:, None], n) / owner.size
    return _bessel(owner) * (part @ part.T)


def _bessel(owner: np.ndarray) -> float:
    groups = np.unique(owner).size
    if groups < 2:
        raise ValueError("covariance='delong' needs positive cases, and negative cases, of at least two patients")
    return groups / (groups - 1)


def _unbiased(theta: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    n1, n0 = positive.shape[1], negative.shape[1]
    if min(n1, n0) < 2:
        raise ValueError("covariance='unbiased' needs at least two positive and two negative cases")
    same_pair = np.zeros((theta.size, theta.size))
    for k in range(n1):
        won = (positive[:, [k]] > negative) + (positive[:, [k]] == negative) / 2
        same_pair += won @ won.T
    pairs = [_placements(x, y) for x, y in zip(positive, negative)]
    below, above = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    everything = np.outer(theta, theta) * (n1 * n0) ** 2
    # product of two pairs that share no case: its mean estimates the product of the two expectations
    disjoint = everything - below @ below.T - above @ above.T + same_pair
    return np.outer(theta, theta) - disjoint / (n1 * (n1 - 1) * n0 * (n0 - 1))


def _bootstrap(
    data: ReadingCube, metric: str, positive: np.ndarray, negative: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    weight = patient_weights(data, resamples, seed)
    weight1, weight0 = weight[:, data.label == 1], weight[:, data.label == 0]
    usable = (weight1.sum(axis=1) > 0) & (weight0.sum(axis=1) > 0)
    if usable.mean() < 0.99:
        raise ValueError("the bootstrap draws samples without one of the classes: too few patients with it")
    weight1, weight0 = weight1[usable], weight0[usable]
    if metric == "auc":
        drawn = []
        for x, y in zip(positive, negative):
            won = (x[:, None] > y[None, :]) + (x[:, None] == y[None, :]) / 2
            drawn.append(np.sum((weight1 @ won) * weight0, axis=1))
        values = np.array(drawn) / (weight1.sum(axis=1) * weight0.sum(axis=1))
    elif metric == "sensitivity":
        values = positive @ weight1.T / weight1.sum(axis=1)
    else:
        values = (1 - negative) @ weight0.T / weight0.sum(axis=1)
    return np.atleast_2d(np.cov(values))

"""How far groups lie apart: the share of a quantity's variance that lies between centres."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats.intervals import Estimate

RESAMPLES = 500
METHODS = (
    "Share of the variance of patients' means that lies between centres (adjusted for what chance alone gives, Kelley "
    "1935, doi:10.1073/pnas.21.9.554; 0: centres alike), percentile interval of a bootstrap of patients within centres."
)


def share_between(
    value: ArrayLike, group: ArrayLike, patient_id: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """Share of the variance of patients' means that lies between groups, at least 0.

    Epsilon squared of Kelley (1935), doi:10.1073/pnas.21.9.554: unlike eta squared it is not above 0 on average when
    groups are alike.

    Parameters
    ----------
    value : array of shape (n,)
    group, patient_id : arrays of shape (n,)
        A patient is of one group.
    resamples : int
        Bootstrap samples of patients within groups.
    seed : int

    Returns
    -------
    Estimate
        In [0, 1]; NaN where all values are equal.

    Raises
    ------
    ValueError
        If there are fewer than two groups, or a group with a single patient.

    Examples
    --------
    >>> value = np.r_[np.tile([1.0, 3.0], 5), np.tile([7.0, 9.0], 5)]
    >>> float(round(share_between(value, ["a"] * 10 + ["b"] * 10, range(20)).value, 3))
    0.894
    """
    frame = pd.DataFrame({"value": np.asarray(value, float), "group": np.asarray(group), "who": np.asarray(patient_id)})
    people = frame.groupby("who", sort=True).agg(value=("value", "mean"), group=("group", "first"))
    values = [part.to_numpy() for _, part in people.groupby("group")["value"]]
    if len(values) < 2 or min(map(len, values)) < 2:
        raise ValueError("group: at least two groups of at least two patients are needed")
    rng = np.random.default_rng(seed)
    point = _epsilon([part[None] for part in values])[0]
    drawn = _epsilon([part[rng.integers(0, len(part), (resamples, len(part)))] for part in values])
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if not np.isnan(point) else (np.nan, np.nan)
    return Estimate(float(point), float(low), float(high), float(np.nanstd(drawn)), 0.95, "bootstrap of patients")


def _epsilon(values: list[np.ndarray]) -> np.ndarray:
    """Epsilon squared of each row of arrays of shape (resamples, patients of a group)."""
    everyone = np.concatenate(values, axis=1)
    n, k = everyone.shape[1], len(values)
    total = ((everyone - everyone.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    within = sum(((part - part.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for part in values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(1 - (within / (n - k)) / (total / (n - 1)), 0, 1)

"""Bootstrap optimism of a whole model-building procedure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.learn.penalised import Fit, newton
from helpers.learn.scores import rank_auc

MEASURES = ("auc", "calibration_slope", "brier")


def performance(label: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """AUC, calibration slope and Brier score, in the order of `MEASURES`.

    The slope is of a logistic regression of the label on the log odds of the risk; NaN when all risks are equal.

    Examples
    --------
    >>> performance(np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8])).round(2).tolist()
    [0.75, 1.1, 0.2]
    """
    score = np.log(risk) - np.log1p(-risk)
    slope = np.nan
    if np.ptp(score) > 1e-9:
        # 1e8: no penalty to speak of, but a finite answer when the classes are separated
        slope = newton(np.column_stack([np.ones(len(score)), score]), label, 1e8)[1]
    return np.array([rank_auc(label, risk), slope, np.mean((risk - label) ** 2)])


def optimism_table(
    fit: Callable[[np.ndarray, int], Fit],
    encoded: np.ndarray,
    label: np.ndarray,
    patient: np.ndarray,
    *,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Measure how much better a procedure looks on its own rows than on others.

    Parameters
    ----------
    fit : callable
        `fit(places, step)` builds a model from rows (with repetition), from scratch.
    encoded, label, patient : arrays of n rows
    resamples : int
        Bootstrap samples of patients; one without both outcomes in at least two patients is drawn again.
    seed : int

    Returns
    -------
    DataFrame
        `measure, apparent, optimism, corrected, optimism_se, resamples`.
    """
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2, not {resamples}")
    members = [np.flatnonzero(patient == one) for one in np.unique(patient)]
    event = np.array([[(label[rows] == outcome).any() for outcome in (0, 1)] for rows in members])
    rng = np.random.default_rng(seed)
    apparent = performance(label, fit(np.arange(len(label)), 0).risk(encoded))
    gaps = np.empty((resamples, len(MEASURES)))
    for i in range(resamples):
        while True:
            drawn = rng.integers(0, len(members), len(members))
            if event[np.unique(drawn)].sum(axis=0).min() >= 2:
                break
        places = np.concatenate([members[j] for j in drawn])
        model = fit(places, i + 1)
        inside = performance(label[places], model.risk(encoded[places]))
        gaps[i] = inside - performance(label, model.risk(encoded))
    mean, used = np.nanmean(gaps, axis=0), np.isfinite(gaps).sum(axis=0)
    return pd.DataFrame(
        {
            "measure": MEASURES,
            "apparent": apparent,
            "optimism": mean,
            "corrected": apparent - mean,
            "optimism_se": np.nanstd(gaps, axis=0, ddof=1) / np.sqrt(used),
            "resamples": used,
        }
    )

"""Bootstrap refits of a whole model-building procedure: what they say of its optimism, and of its stability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.learn.penalised import Fit, newton
from helpers.learn.scores import rank_auc

MEASURES = ("auc", "calibration_slope", "brier")


@dataclass(frozen=True)
class Refits:
    """Models refitted from scratch on bootstrap samples of the patients.

    Attributes
    ----------
    label : int array of shape (n,)
    patient : array of shape (n,)
    reference : array of shape (n,)
        Risks of the original rows by the model of all of them (apparent).
    risks : array of shape (resamples, n)
        Risks of the original rows by each refit.
    penalties : array of shape (resamples,)
        The penalty that each refit chose anew.
    inside, outside : arrays of shape (resamples, 3)
        Performance of each refit on its own sample and on the original rows, in the order of `MEASURES`.
    """

    label: np.ndarray
    patient: np.ndarray
    reference: np.ndarray
    risks: np.ndarray
    penalties: np.ndarray
    inside: np.ndarray
    outside: np.ndarray

    @property
    def table(self) -> pd.DataFrame:
        """Harrell's optimism: `measure, apparent, optimism, corrected, optimism_se, refits, low, high, resamples`.

        `refits` is the median performance of the refits on the original rows, `low` and `high` their 2.5 and 97.5 %
        quantiles: where a few refits are extreme, as slopes of strongly shrunk models are, means say little. A refit
        whose risks are all equal, or separate the outcomes of its own sample, has no slope and is left out of the
        slope's row; `resamples` counts those used.
        """
        gaps = self.inside - self.outside
        mean, used = np.nanmean(gaps, axis=0), np.isfinite(gaps).sum(axis=0)
        low, median, high = np.nanquantile(self.outside, [0.025, 0.5, 0.975], axis=0)
        apparent = performance(self.label, self.reference)
        return pd.DataFrame(
            {
                "measure": MEASURES,
                "apparent": apparent,
                "optimism": mean,
                "corrected": apparent - mean,
                "optimism_se": np.nanstd(gaps, axis=0, ddof=1) / np.sqrt(used),
                "refits": median,
                "low": low,
                "high": high,
                "resamples": used,
            }
        )


def performance(label: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """AUC, calibration slope and Brier score, in the order of `MEASURES`.

    The slope is of a logistic regression of the label on the log odds of the risk; NaN when all risks are equal, or
    when they tell the outcomes apart without error: the slope is then infinite.

    Examples
    --------
    >>> performance(np.array([0, 1, 0, 1]), np.array([0.2, 0.4, 0.6, 0.8])).round(2).tolist()
    [0.75, 1.1, 0.2]
    """
    score, area = np.log(risk) - np.log1p(-risk), rank_auc(label, risk)
    slope = np.nan
    if np.ptp(score) > 1e-9 and area < 1:
        # 1e8: no penalty to speak of, but a finite answer when the classes are nearly separated
        slope = newton(np.column_stack([np.ones(len(score)), score]), label, 1e8)[1]
    return np.array([area, slope, np.mean((risk - label) ** 2)])


def refit(
    fit: Callable[[np.ndarray, int], Fit],
    encoded: np.ndarray,
    label: np.ndarray,
    patient: np.ndarray,
    *,
    resamples: int,
    seed: int,
    classes: int = 2,
    positive: int = 1,
) -> Refits:
    """Repeat a whole procedure on bootstrap samples of the patients, and predict the original rows each time.

    One set of refits answers both questions: how much better the procedure looks on its own rows than on others
    (Harrell, Lee, Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4), and how much the
    risk of a patient depends on who else was in the study (Riley and Collins 2023, doi:10.1002/bimj.202200302).

    Parameters
    ----------
    fit : callable
        `fit(places, step)` builds a model from rows (with repetition), from scratch.
    encoded, label, patient : arrays of n rows
    resamples : int
        Bootstrap samples of patients; one without every outcome in at least two patients is drawn again.
    seed : int
    classes : int
        Number of outcomes; labels are their places.
    positive : int
        Of more than two, the one that is measured against all others.

    Returns
    -------
    Refits

    Raises
    ------
    ValueError
        If fewer than two resamples are asked for.
    """
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2, not {resamples}")
    members = [np.flatnonzero(patient == one) for one in np.unique(patient)]
    event = np.array([[(label[rows] == outcome).any() for outcome in range(classes)] for rows in members])
    rng = np.random.default_rng(seed)
    truth = label if classes == 2 else (label == positive).astype(int)

    def risk_of(model: Fit) -> np.ndarray:
        risk = model.risk(encoded)
        return risk if risk.ndim == 1 else risk[:, positive]

    reference = risk_of(fit(np.arange(len(label)), 0))
    inside, outside = np.empty((resamples, len(MEASURES))), np.empty((resamples, len(MEASURES)))
    risks, penalties = np.empty((resamples, len(label))), np.empty(resamples)
    for i in range(resamples):
        while True:
            drawn = rng.integers(0, len(members), len(members))
            if event[np.unique(drawn)].sum(axis=0).min() >= 2:
                break
        places = np.concatenate([members[j] for j in drawn])
        model = fit(places, i + 1)
        risks[i], penalties[i] = risk_of(model), model.penalty
        inside[i], outside[i] = performance(truth[places], risks[i][places]), performance(truth, risks[i])
    return Refits(truth, patient, reference, risks, penalties, inside, outside)

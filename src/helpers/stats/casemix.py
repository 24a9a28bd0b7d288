"""Inside against outside: how far a drop in performance is a matter of who was seen there.

A model can do worse elsewhere because it does not carry over, or because the patients there are harder to tell
apart. Weighting the inside patients to the outside mix of signs shows the second part; Debray et al. (2015),
doi:10.1016/j.jclinepi.2014.06.018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from helpers.stats.auc import auc, compare_auc_unpaired
from helpers.stats.models import Panel
from helpers.stats.resampling import bootstrap_counts, percentile_limits

RIDGE = 1.0  # of the membership model's slopes; keeps weights finite when a sign is seen on one side only


@dataclass(frozen=True)
class CaseMix:
    """AUC inside, outside, and inside weighted to the outside mix of signs.

    Attributes
    ----------
    table : DataFrame
        `model, auc_internal, auc_external, difference, difference_low, difference_high, p_value, auc_weighted,
        auc_weighted_low, auc_weighted_high`; the difference is outside minus inside.
    membership : float
        c-statistic of the model that tells outside from inside by the signs, within positives and negatives:
        0.5, the same mix.
    effective : float
        Effective number of inside patients after weighting.
    prevalence : (float, float)
        Share of positives inside and outside.
    methods : str
    """

    table: pd.DataFrame
    membership: float
    effective: float
    prevalence: tuple[float, float]
    methods: str

    def frame(self) -> pd.DataFrame:
        """One row a model."""
        return self.table.copy()


def design(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Columns as numbers: standardised when numeric, one column a level but the commonest otherwise.

    Missing numbers become the mean; a missing level is a level of its own.

    Examples
    --------
    >>> design(pd.DataFrame({"size": [1.0, 3.0], "margin": ["smooth", "irregular"]}), ["size", "margin"]).shape
    (2, 2)
    """
    parts = []
    for name in columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(float)
            spread = np.nanstd(values)
            parts.append(np.nan_to_num((values - np.nanmean(values)) / (spread if spread > 0 else 1.0)))
            continue
        text = column.astype(object).where(column.notna(), "missing").astype(str)
        levels = text.value_counts().index[1:]
        parts += [(text == level).to_numpy(float) for level in sorted(levels)]
    return np.column_stack(parts) if parts else np.zeros((len(frame), 0))


def membership_odds(x: np.ndarray, outside: np.ndarray, *, ridge: float = RIDGE) -> np.ndarray:
    """Odds of being an outside case given its signs, by a logistic regression with a small ridge.

    Parameters
    ----------
    x : array of shape (n, k)
    outside : bool array of shape (n,)
    ridge : float
        Penalty on the slopes, half of it times their sum of squares; the intercept is free.

    Returns
    -------
    array of shape (n,)
    """
    a = np.column_stack([np.ones(len(x)), x])
    penalty = np.diag([0.0] + [ridge] * x.shape[1])
    beta = np.zeros(a.shape[1])
    for _ in range(50):
        p = expit(a @ beta)
        gradient = a.T @ (outside - p) - penalty @ beta
        step = np.linalg.solve((a * (p * (1 - p))[:, None]).T @ a + penalty, gradient)
        beta += step
        if np.max(np.abs(step)) < 1e-9:
            break
    return np.exp(a @ beta)


def weighted_auc(label: np.ndarray, risk: np.ndarray, weight: np.ndarray) -> float:
    """AUC in which each case counts as often as its weight says; ties count one half.

    Examples
    --------
    >>> weighted_auc(np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5]), np.array([3.0, 1.0, 1.0]))
    0.75
    """
    order = np.argsort(risk, kind="stable")
    risk, positive, weight = risk[order], label[order] > 0, weight[order]
    _, group = np.unique(risk, return_inverse=True)
    below = np.bincount(group, weights=weight * ~positive)
    above = np.bincount(group, weights=weight * positive)
    pairs = np.sum(above * (np.cumsum(below) - below / 2))
    return float(pairs / (above.sum() * below.sum()))


def compare(
    inside: Panel,
    outside: Panel,
    signs: Mapping[str, pd.DataFrame],
    columns: Sequence[str],
    *,
    resamples: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> CaseMix:
    """Set internal and external test side by side and weight the first to the mix of the second.

    Weights are the odds of being outside given the signs, within positives and within negatives, so that prevalence,
    on which an AUC does not depend, plays no part. Intervals of the weighted AUC come from a bootstrap of patients on
    both sides in which the weights are found anew.

    Parameters
    ----------
    inside, outside : Panel
        The internal and the external test, with the same models.
    signs : mapping of str to DataFrame
        `inside` and `outside`: the covariates of the panels' cases, row by row.
    columns : sequence of str
        Covariates that make up the mix.
    resamples : int
    seed : int
    level : float

    Returns
    -------
    CaseMix
    """
    both = pd.concat([signs["inside"], signs["outside"]], ignore_index=True)
    x = design(both, columns)
    n = inside.n
    label = np.concatenate([inside.label, outside.label])
    where = np.arange(len(label)) >= n
    weight = _weights(x, label, where)
    sides = (inside, outside)
    samples = [
        bootstrap_counts(side.label, patient_id=side.patient_id, resamples=resamples, seed=seed + i)
        for i, side in enumerate(sides)
    ]
    draws = {name: [] for name in inside.risks}
    for counts in zip(*samples):
        rows = np.repeat(np.arange(len(label)), np.concatenate(counts))
        again = _weights(x[rows], label[rows], where[rows])
        kept = rows[~where[rows]]
        for name, risk in inside.risks.items():
            draws[name].append(weighted_auc(label[kept], risk[kept], again))
    table = pd.DataFrame(
        [
            _row(name, inside, outside, weight, np.array(draws[name]), level)
            for name in inside.risks
            if name in outside.risks
        ]
    )
    membership = [auc(where[label == value], _odds(x, label, where)[label == value]).value for value in (0, 1)]
    text = (
        "Difference of AUCs of two groups by an unpaired test on DeLong's variances (doi:10.1186/1471-2105-12-77), by "
        "patient where patients repeat. The "
        "weighted AUC counts each inside patient by the odds of being an outside one given "
        f"{', '.join(columns)}, within positives and negatives (doi:10.1016/j.jclinepi.2014.06.018); its interval is a "
        f"bootstrap of patients, {resamples} samples, weights found anew in each."
    )
    effective = float(weight.sum() ** 2 / np.sum(weight**2))
    prevalence = float(inside.label.mean()), float(outside.label.mean())
    return CaseMix(table, float(np.mean(membership)), effective, prevalence, text)


def _odds(x: np.ndarray, label: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Membership odds, found within each class and brought to a mean of one among inside cases."""
    odds = np.empty(len(label))
    for value in (0, 1):
        rows = label == value
        found = membership_odds(x[rows], where[rows])
        odds[rows] = found / found[~where[rows]].mean()
    return odds


def _weights(x: np.ndarray, label: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Weights of the inside cases."""
    return _odds(x, label, where)[~where]


def _row(name, inside, outside, weight, draws, level) -> dict[str, float | str]:
    made = compare_auc_unpaired(
        outside.label,
        outside.risks[name],
        inside.label,
        inside.risks[name],
        patient_id_a=outside.patient_id,
        patient_id_b=inside.patient_id,
        level=level,
    )
    low, high = percentile_limits(draws[:, None], level=level)
    within, beyond = (
        auc(side.label, side.risks[name], patient_id=side.patient_id, level=level, interval="auto")
        for side in (inside, outside)
    )
    return {
        "model": name,
        "auc_internal": within.value,
        "auc_internal_low": within.low,
        "auc_internal_high": within.high,
        "auc_external": beyond.value,
        "auc_external_low": beyond.low,
        "auc_external_high": beyond.high,
        "difference": made.difference,
        "difference_low": made.low,
        "difference_high": made.high,
        "p_value": made.p_value,
        "auc_weighted": weighted_auc(inside.label, inside.risks[name], weight),
        "auc_weighted_low": float(low[0]),
        "auc_weighted_high": float(high[0]),
    }

"""Classes as grades: how well a model orders them, how far its calls are off, and each cut between grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats.agreement import agreement
from helpers.stats.auc import auc
from helpers.stats.class_calls import Calls
from helpers.stats.delong import placements
from helpers.stats.intervals import Estimate, proportion
from helpers.stats.multiclass import influence, mean_auc
from helpers.stats.multiclass_table import collapse
from helpers.stats.predictions import classes
from helpers.stats.resampling import patient_codes

METHODS = (
    "A patient's expected grade is the sum of the places of the classes, each times its risk. Ordinal concordance: "
    "mean over pairs of classes of the chance that the graver patient has the higher expected grade (Van Calster 2012, "
    "doi:10.1002/bimj.201200026), interval by the infinitesimal jackknife over patients on the logit scale. Weighted "
    "kappa of the named and the true class (Cohen 1968, doi:10.1037/h0026256), quadratic weights. A cut asks "
    "whether a class or a graver one is present: AUC by DeLong of the summed risks."
)


@dataclass(frozen=True)
class Ordinal:
    """What a model says about grades.

    Parameters
    ----------
    concordance : Estimate
        Ordinal concordance; 0.5 is chance.
    kappa : Estimate
        Quadratic weighted kappa of calls with the truth.
    milder, graver : Estimate
        Shares of patients who are called milder, or graver, than they are.
    cuts : DataFrame
        `cut, n, events, auc, auc_low, auc_high`.
    """

    concordance: Estimate
    kappa: Estimate
    milder: Estimate
    graver: Estimate
    cuts: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """One row a measure: `measure, value` and its limits."""
        names = {
            "concordance": "Ordinal concordance",
            "kappa": "Weighted kappa",
            "milder": "Called milder than true",
            "graver": "Called graver than true",
        }
        parts = {text: getattr(self, name) for name, text in names.items()}
        rows = [(text, one.value, one.low, one.high) for text, one in parts.items()]
        return pd.DataFrame(rows, columns=["measure", "value", "value_low", "value_high"])


def concordance(
    grade: ArrayLike, score: ArrayLike, *, patient_id: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Mean over all pairs of grades of the AUC with which a score tells the graver from the milder.

    Van Calster et al. (2012), doi:10.1002/bimj.201200026.

    Parameters
    ----------
    grade : int array of shape (n,)
        Higher is graver; at least two grades.
    score : array of shape (n,)
    patient_id : array of shape (n,) or None
    level : float

    Returns
    -------
    Estimate
        In [0, 1]; without limits where a grade has a single case.

    Raises
    ------
    ValueError
        If there is one grade only, or lengths differ.

    Examples
    --------
    >>> concordance([0, 0, 1, 1, 2, 2], [0.1, 0.4, 0.3, 0.9, 0.8, 1.2]).value.__round__(3)
    0.833
    """
    grade, score = np.asarray(grade), np.asarray(score, dtype=float)
    if grade.shape != score.shape or grade.ndim != 1:
        raise ValueError(f"score: must have the shape {grade.shape} of grade, found {score.shape}")
    grades = np.unique(grade)
    if len(grades) < 2:
        raise ValueError("grade: at least two grades are needed")
    codes, _ = patient_codes(patient_id, len(grade))
    values, parts = [], []
    for milder, graver in combinations(grades, 2):
        among = (grade == milder) | (grade == graver)
        values.append(placements(grade[among] == graver, score[among])[0])
        parts.append(influence(grade == graver, score, among))
    return mean_auc(values, parts, codes, level)


def ordinal(table: pd.DataFrame, made: Calls) -> Ordinal:
    """Read the classes of one model as grades, by patient.

    Parameters
    ----------
    table : DataFrame
        Predictions of the model in the judged split, one row a patient, in the order of `made`.
    made : Calls
        Its calls, from `class_calls.calls`.

    Returns
    -------
    Ordinal
    """
    names = classes(table)
    risks = table[[f"risk_{name}" for name in names]].to_numpy()
    expected = risks @ np.arange(len(names))
    both = np.stack([made.truth, made.called], axis=1)
    n = made.n
    rows = []
    for place in range(1, len(names)):
        cut = collapse(table, names[place:])
        one = auc(cut["label"], cut["risk"], interval="auto")
        title = names[place] if place == len(names) - 1 else f"{names[place]} or graver"
        rows.append((title, n, int(cut["label"].sum()), one.value, one.low, one.high))
    return Ordinal(
        concordance(made.truth, expected),
        _kappa(both, len(names)),
        proportion(int((made.called < made.truth).sum()), n),
        proportion(int((made.called > made.truth).sum()), n),
        pd.DataFrame(rows, columns=["cut", "n", "events", "auc", "auc_low", "auc_high"]),
    )


def _kappa(both: np.ndarray, count: int) -> Estimate:
    if np.unique(both).size < 2:
        return Estimate(np.nan, method="quadratic kappa", note="every class named and true is the same")
    found = agreement(both, kind="quadratic", categories=range(count))
    return Estimate(found.value, found.low, found.high, found.se, found.level, "quadratic kappa")


def every(table: pd.DataFrame, made: Mapping[str, Calls], *, split: str) -> dict[str, Ordinal]:
    """`ordinal` of every model of a split, each with its first seed."""
    part = table[table["split"] == split]
    part = part[part["seed"] == part.groupby("model")["seed"].transform("min")]
    return {model: ordinal(part[part["model"] == model], one) for model, one in made.items()}


def frame(found: Mapping[str, Ordinal]) -> pd.DataFrame:
    """One row a model and measure."""
    return pd.concat([one.frame().assign(model=model) for model, one in found.items()], ignore_index=True)


def cuts(found: Mapping[str, Ordinal]) -> pd.DataFrame:
    """One row a model and cut between grades."""
    table = pd.concat([one.cuts.assign(model=model) for model, one in found.items()], ignore_index=True)
    return table[["model", *table.columns.drop("model")]]

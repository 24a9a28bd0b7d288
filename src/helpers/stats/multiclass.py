"""AUC for more than two classes: one against the rest, their mean, and Hand and Till's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats import palette
from helpers.stats.auc import Auc, auc
from helpers.stats.checks import check_level, scores
from helpers.stats.delong import placements
from helpers.stats.intervals import Estimate, logit_interval, wald
from helpers.stats.resampling import cluster_covariance, patient_codes
from helpers.stats.roc_curve import Roc, plot_rocs, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

JACKKNIFE = "infinitesimal jackknife over patients (doi:10.1214/aos/1176345462)"


@dataclass(frozen=True)
class MulticlassAuc:
    """AUCs of a model with several classes.

    Parameters
    ----------
    one_vs_rest : dict of str to Auc
        Each class against all others, by its own risk.
    macro : Estimate
        Unweighted mean of the one-against-rest AUCs.
    hand_till : Estimate
        Mean over pairs of classes; does not depend on how common they are.
    curves : tuple of Roc
        One a class.
    n, patients : int

    Examples
    --------
    >>> risks = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]
    >>> made = auc_multiclass(["a", "a", "b", "b", "c", "c"], risks, ["a", "b", "c"])
    >>> made.frame()["value"].round(3).tolist()
    [0.875, 0.812, 1.0, 0.896, 0.896]
    """

    one_vs_rest: dict[str, Auc]
    macro: Estimate
    hand_till: Estimate
    curves: tuple[Roc, ...]
    n: int
    patients: int

    def frame(self) -> pd.DataFrame:
        """Return a row a class, then `macro` and `hand_till`; `measure, class, value, low, high, ...`."""
        rows = [made.frame("one_vs_rest").assign(**{"class": name}) for name, made in self.one_vs_rest.items()]
        for name in ("macro", "hand_till"):
            made = getattr(self, name).frame(name)
            rows.append(made.assign(**{"class": "", "n": self.n, "events": pd.NA, "patients": self.patients}))
        frame = pd.concat([row.astype({"events": "Int64"}) for row in rows], ignore_index=True)
        frame.insert(1, "class", frame.pop("class"))
        return frame

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        unit = f" of {self.patients} patients" if self.patients < self.n else ""
        counts = ", ".join(f"{made.events} {name}" for name, made in self.one_vs_rest.items())
        first = next(iter(self.one_vs_rest.values()))
        return (
            f"One-against-rest AUCs with {100 * self.macro.level:.10g} % confidence intervals by {first.method}, "
            f"their mean, and the mean over pairs of classes (Hand and Till, doi:10.1023/A:1010920819831) "
            f"by {JACKKNIFE}, "
            f"n = {self.n}{unit} ({counts})."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the one-against-rest curves on one square."""
        return plot_rocs(self.curves, ax=ax, looks=palette.styles([c.name for c in self.curves]))


def auc_multiclass(
    label: ArrayLike,
    risks: ArrayLike | pd.DataFrame,
    classes: Sequence[str],
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
) -> MulticlassAuc:
    """AUCs of a model that gives a risk for each of several classes.

    One against rest by DeLong or, when patients repeat, Obuchowski. The mean over classes and Hand and Till's (2001)
    M, doi:10.1023/A:1010920819831, have standard errors from the influence of each patient (infinitesimal
    jackknife; Efron and Stein 1981, doi:10.1214/aos/1176345462) and intervals on the logit scale.

    Parameters
    ----------
    label : array of shape (n,)
        Class of each case.
    risks : array or DataFrame of shape (n, k)
        Finite scores; column j belongs to `classes[j]`. A DataFrame may name its columns `risk_<class>`.
    classes : sequence of k names
        At least three; each with a case.
    patient_id : array of shape (n,) or None
    level : float

    Returns
    -------
    MulticlassAuc

    Raises
    ------
    ValueError
        If shapes differ, a class is unknown, repeated or has no case, or a risk is not finite.

    Examples
    --------
    >>> risks = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]
    >>> print(auc_multiclass(["a", "a", "b", "b", "c", "c"], risks, ["a", "b", "c"]).hand_till.text(2))
    0.90 (95 % CI 0.31 to 0.99)
    """
    check_level(level)
    names = [str(name) for name in classes]
    if len(names) < 3 or len(set(names)) < len(names):
        raise ValueError(f"classes: at least three different names are needed, found {names}; for two use auc")
    if isinstance(risks, pd.DataFrame):
        prefixed = [f"risk_{name}" for name in names]
        columns = prefixed if set(prefixed) <= set(risks.columns) else list(risks.columns)
        risks = risks[columns].to_numpy()
    table = np.asarray(risks)
    truth = pd.Series(np.asarray(label, dtype=object))
    if truth.isna().any():
        raise ValueError(f"label: missing at position {int(truth.isna().to_numpy().argmax())}")
    truth = truth.astype(str).to_numpy()
    if table.ndim != 2 or table.shape != (truth.size, len(names)):
        raise ValueError(f"risks: must have shape ({truth.size}, {len(names)}), found {table.shape}")
    unknown = sorted(set(truth) - set(names))
    if unknown:
        raise ValueError(f"label: unknown class {unknown[0]!r}; classes are {', '.join(names)}")
    empty = [name for name in names if not (truth == name).any()]
    if empty:
        raise ValueError(f"label: class {empty[0]!r} has no case; leave it out of classes")
    columns = [scores(table[:, j], truth.size, name=f"risks[{name}]") for j, name in enumerate(names)]
    codes, patients = patient_codes(patient_id, truth.size)
    rest, curves, rest_influence = {}, [], []
    for name, column in zip(names, columns):
        member = truth == name
        rest[name] = auc(member, column, patient_id=codes, level=level, interval="auto")
        curves.append(roc(member, column, patient_id=codes, level=level, interval="auto", name=name))
        rest_influence.append(influence(member, column, np.ones_like(member)))
    pairs = [_pair(truth, names[i], names[j], columns[i]) for i, j in permutations(range(len(names)), 2)]
    macro = mean_auc([made.value for made in rest.values()], rest_influence, codes, level)
    hand_till = mean_auc([value for value, _ in pairs], [part for _, part in pairs], codes, level)
    return MulticlassAuc(rest, macro, hand_till, tuple(curves), truth.size, patients)


def _pair(truth: np.ndarray, name: str, other: str, score: np.ndarray) -> tuple[float, np.ndarray]:
    """Chance that a case of `name` has a higher risk of `name` than a case of `other`, and its influence."""
    among = (truth == name) | (truth == other)
    value, _ = placements(truth[among] == name, score[among])
    return value, influence(truth == name, score, among)


def influence(member: np.ndarray, score: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Influence of each case on an AUC; squared and summed it is DeLong's variance.

    Parameters
    ----------
    member : array of bool, shape (n,)
        Cases that should score higher.
    score : array of shape (n,)
    among : array of bool, shape (n,)
        Cases that count.

    Returns
    -------
    array of shape (n,)
        0 for the others; NaN where a side has a single case.
    """
    positive = member[among]
    value, values = placements(positive, score[among])
    m, n = int(positive.sum()), int((~positive).sum())
    # sqrt(m / (m - 1)) gives the unbiased variance within a class, as DeLong's has it
    weight = np.where(
        positive, 1 / np.sqrt(m * (m - 1.0)) if m > 1 else np.nan, 1 / np.sqrt(n * (n - 1.0)) if n > 1 else np.nan
    )
    influence = np.zeros(member.size)
    influence[among] = (values - value) * weight
    return influence


def mean_auc(values: list[float], parts: list[np.ndarray], codes: np.ndarray, level: float) -> Estimate:
    """Mean of several AUCs of the same patients, with an interval on the logit scale from their influences.

    Parameters
    ----------
    values : list of float
    parts : list of arrays of shape (n,)
        From `influence`, one an AUC.
    codes : int array of shape (n,)
        Whose each case is.
    level : float

    Returns
    -------
    Estimate
    """
    value, together = float(np.mean(values)), np.mean(parts, axis=0)
    if np.isnan(together).any():
        note = "a class has a single case, so the variance is not defined"
        return Estimate(value, level=level, method=JACKKNIFE, note=note)
    se = float(np.sqrt(cluster_covariance(together, codes)[0, 0]))
    if se < 1e-15 or not 0 < value < 1:
        made = wald(value, se, level=level, lower=0, upper=1, method=JACKKNIFE)
        return Estimate(value, made.low, made.high, se, level, JACKKNIFE, "no variance, so the interval has no width")
    # in small classes the interval on the logit scale covers nearer to its level than the one on the AUC scale
    made = logit_interval(value, se, level=level, method=JACKKNIFE)
    return Estimate(value, made.low, made.high, se, level, JACKKNIFE)

"""Everything a two-by-two table says at one threshold, each number with its proper interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from helpers.stats.checks import both_classes, check_level, labels, scores
from helpers.stats.intervals import Estimate
from helpers.stats.resampling import repeats
from helpers.stats.thresholds import Threshold
from helpers.stats.two_by_two import TwoByTwo

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = (
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "kappa",
    "mcc",
    "youden",
    "lr_positive",
    "lr_negative",
    "dor",
    "prevalence",
)

TITLES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1 score",
    "kappa": "Kappa",
    "mcc": "Matthews correlation",
    "youden": "Youden index",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
    "dor": "Diagnostic odds ratio",
    "prevalence": "Prevalence",
}
SHARES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "f1")  # measures in [0, 1]


@dataclass(frozen=True)
class OperatingPoint:
    """Measures of a two-by-two table with intervals.

    Parameters
    ----------
    estimates : dict of str to Estimate
        By measure; attributes of the same names give them, for instance `.sensitivity`.
    threshold : Threshold or float
        Positive when risk >= threshold.
    tp, fp, fn, tn : int
    patients : int
        Equal to the number of cases unless patients repeat.
    prevalence_used : float or None
        Prevalence that was given for `ppv_at_prevalence` and `npv_at_prevalence`.

    Examples
    --------
    >>> point = operating_point([0, 0, 0, 1, 1], [0.1, 0.6, 0.2, 0.4, 0.9], 0.5)
    >>> point.tp, point.fp, point.fn, point.tn
    (1, 1, 1, 2)
    """

    estimates: dict[str, Estimate]
    threshold: Threshold | float
    tp: int
    fp: int
    fn: int
    tn: int
    patients: int
    level: float = 0.95
    prevalence_used: float | None = None

    def __getattr__(self, name: str) -> Estimate:
        """Give a measure by name."""
        estimates = self.__dict__.get("estimates", {})
        if name in estimates:
            return estimates[name]
        raise AttributeError(f"no measure {name!r}; there are {', '.join(estimates)}")

    @property
    def counts(self) -> dict[str, int]:
        """The four cells."""
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn}

    def frame(self) -> pd.DataFrame:
        """Return one row a measure: `measure, value, low, high, se, level, method, note`."""
        return pd.concat([e.frame(name) for name, e in self.estimates.items()], ignore_index=True)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        n = self.tp + self.fp + self.fn + self.tn
        unit = f" of {self.patients} patients" if self.patients < n else ""
        text = f"Positive when the risk is at least {float(self.threshold):.4g}; n = {n}{unit}, "
        text += f"{self.tp + self.fn} events; proportions with {100 * self.level:.10g} % intervals by "
        text += f"{self.estimates['sensitivity'].method}."
        if isinstance(self.threshold, Threshold):
            text += " " + self.threshold.methods
        return text

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the measures that lie in [0, 1] as points with intervals."""
        from helpers.stats.estimates_plot import forest

        table = self.frame()
        label = f"Estimate with {100 * self.level:.10g} % confidence interval"
        ax = forest(table[table["measure"].isin(SHARES)], by=None, ax=ax, names=TITLES, xlabel=label)
        ax.set_xlim(-0.01, 1.01)
        return ax

    def at_prevalence(self, prevalence: float) -> dict[str, Estimate]:
        """Predictive values in a population with another prevalence, from the likelihood ratios.

        Parameters
        ----------
        prevalence : float
            In (0, 1).

        Returns
        -------
        dict of str to Estimate
            `ppv_at_prevalence` and `npv_at_prevalence`; Mercaldo et al. (2007), doi:10.1002/sim.2677.
        """
        if not 0 < prevalence < 1:
            raise ValueError(f"prevalence: must be inside (0, 1), found {prevalence}")
        return _at_prevalence(self.estimates["lr_positive"], self.estimates["lr_negative"], prevalence)


def operating_point(
    label: ArrayLike,
    risk: ArrayLike,
    threshold: Threshold | float,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
    prevalence: float | None = None,
    interval: str = "wilson",
) -> OperatingPoint:
    """Measure a model, or a reader, at one threshold.

    Proportions: Wilson (or `interval`). F1: 2J/(1 + J) of the Wilson interval of J = tp/(tp + fp + fn).
    Youden and balanced accuracy: delta method; with a zero cell Newcombe's (1998,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I) combination of Wilson limits.
    Kappa: Fleiss, Cohen and Everitt (1969, doi:10.1037/h0028106). MCC: delta method on Fisher's z scale.
    LR+, LR-: log scale (Simel 1991, doi:10.1016/0895-4356(91)90128-V), with a zero count Koopman's score
    interval. DOR: log scale, with a zero cell exact conditional. Predictive values at another prevalence: logit
    scale (Mercaldo 2007, doi:10.1002/sim.2677). When `patient_id` repeats all variances are
    summed by patient (ratio estimators, linearised).

    Parameters
    ----------
    label : array of shape (n,)
        0/1, both present.
    risk : array of shape (n,)
        Finite; positive when risk >= threshold.
    threshold : Threshold or float
    patient_id : array of shape (n,) or None
    level : float
    prevalence : float or None
        In (0, 1); adds `ppv_at_prevalence` and `npv_at_prevalence`.
    interval : str
        For independent proportions, as in `intervals.proportion`; for repeated patients `wilson`,
        `logit` or `wald`.

    Returns
    -------
    OperatingPoint
        What is 0/0 is NaN, what divides by zero infinite; `note` says which count is zero.

    Raises
    ------
    ValueError
        As `auc`, or if the threshold or prevalence is not a number in range.

    Examples
    --------
    >>> label = [1] * 27 + [0] * 89
    >>> risk = [0.9] * 22 + [0.1] * 5 + [0.9] * 18 + [0.1] * 71
    >>> table = operating_point(label, risk, 0.5).frame().set_index("measure")
    >>> table.loc["sensitivity", ["value", "low", "high"]].astype(float).round(3).tolist()
    [0.815, 0.633, 0.918]
    """
    check_level(level)
    positive = labels(label)
    both_classes(positive)
    score = scores(risk, positive.size)
    cut = float(threshold)
    if not np.isfinite(cut):
        raise ValueError(f"threshold: must be a finite number, found {cut}")
    grouped = patient_id if repeats(patient_id, positive.size) else None
    table = TwoByTwo(positive, score >= cut, patient_id=grouped, level=level, interval=interval)
    estimates = {name: getattr(table, name)() for name in MEASURES}
    cells = (int(v) for v in table.cells)
    made = OperatingPoint(estimates, threshold, *cells, table.patients, level, prevalence)
    if prevalence is not None:
        estimates |= made.at_prevalence(prevalence)
    return made


def _at_prevalence(lr_positive: Estimate, lr_negative: Estimate, prevalence: float) -> dict[str, Estimate]:
    """Turn likelihood ratios into predictive values: odds after = odds before times the ratio."""
    before = logit(prevalence)
    method = "logit scale at the given prevalence (doi:10.1002/sim.2677), from {}"

    def after(ratio: float, sign: float) -> float:
        with np.errstate(divide="ignore"):
            return float(expit(sign * (before + np.log(ratio))))

    made = {}
    for name, ratio, sign in (("ppv", lr_positive, 1.0), ("npv", lr_negative, -1.0)):
        value, low, high = (after(r, sign) for r in (ratio.value, ratio.low, ratio.high))
        if sign < 0:
            low, high = high, low
        se = value * (1 - value) * ratio.se / ratio.value if ratio.value > 0 else np.nan
        note = f"prevalence {prevalence:g}" + (f"; {ratio.note}" if ratio.note else "")
        made[f"{name}_at_prevalence"] = Estimate(value, low, high, se, ratio.level, method.format(ratio.method), note)
    return made

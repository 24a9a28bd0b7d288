"""The cases of a subgroup analysis: a measure in any part of them, and the scale on which parts are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from helpers.stats.auc import auc
from helpers.stats.calibration import observed_expected
from helpers.stats.delong import placements
from helpers.stats.intervals import Estimate, clustered_proportion, proportion
from helpers.stats.resampling import cluster_covariance

MEASURES = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "observed_expected": "O:E",
}
# what a measure rests on; of these a subgroup needs at least `minimum`
NEEDED = {
    "auc": "events or non-events",
    "sensitivity": "events",
    "specificity": "non-events",
    "observed_expected": "events or non-events",
}


@dataclass(frozen=True)
class Cases:
    """Outcome and risk of all cases, and how a measure is estimated in a part of them.

    Parameters
    ----------
    y : ndarray of bool, shape (n,)
    risk : ndarray of float, shape (n,)
    patient_id : ndarray of shape (n,) or None
        None when every row is a patient.
    measure : str
        One of `MEASURES`.
    threshold : float or None
        Frozen; positive when risk >= threshold.
    level : float
        Of the intervals.

    Examples
    --------
    >>> y, risk = np.array([True, False, True, False]), np.array([0.9, 0.2, 0.4, 0.6])
    >>> cases = Cases(y, risk, None, "sensitivity", 0.5, 0.95)
    >>> cases.estimate(np.ones(4, dtype=bool)).value, cases.size(np.array([True, True, False, False]))
    (0.5, 1)
    """

    y: np.ndarray
    risk: np.ndarray
    patient_id: np.ndarray | None
    measure: str
    threshold: float | None
    level: float

    def size(self, inside: np.ndarray) -> int:
        """How many cases of a part the measure rests on: the rarer outcome for the AUC and O:E."""
        events = int(self.y[inside].sum())
        others = int(inside.sum()) - events
        return {"sensitivity": events, "specificity": others}.get(self.measure, min(events, others))

    def hits(self) -> tuple[np.ndarray, np.ndarray]:
        """Which cases are called rightly, and which ones the sensitivity or specificity is a share of."""
        positive = self.risk >= self.threshold
        return (positive, self.y) if self.measure == "sensitivity" else (~positive, ~self.y)

    def estimate(self, inside: np.ndarray) -> Estimate:
        """The measure in a part, bool of shape (n,), with its interval."""
        y, risk = self.y[inside], self.risk[inside]
        who = None if self.patient_id is None else self.patient_id[inside]
        if self.measure == "auc":
            # in all cases the interval that every chapter prints; small parts need the logit scale throughout
            kind = "auto" if inside.all() else "logit"
            made = auc(y, risk, patient_id=who, level=self.level, interval=kind)
            low, high = made.exact or (made.low, made.high)  # an AUC of 1 is no certainty
            return Estimate(made.value, low, high, made.se, self.level, made.method, made.note)
        if self.measure == "observed_expected":
            return observed_expected(y, risk, patient_id=who, level=self.level)
        hit, among = (part[inside] for part in self.hits())
        if who is None:
            return proportion(int((hit & among).sum()), int(among.sum()), level=self.level)
        return clustered_proportion(hit, who, among=among, level=self.level)

    def scaled(self, estimate: Estimate) -> tuple[float, float]:
        """Value and standard error on the scale of the tests: logit AUC, log O:E, shares as they are.

        The error is NaN where the data show none (an AUC or share of 0 or 1): a wrong test is worse than none.
        """
        value, se = estimate.value, estimate.se
        if self.measure == "auc":
            if not 0 < value < 1:
                return np.nan, np.nan
            value, se = np.log(value / (1 - value)), se / (value * (1 - value))
        elif self.measure == "observed_expected":
            value, se = np.log(value), se / value
        return float(value), float(se) if se > 0 else np.nan

    def influence(self, inside: np.ndarray) -> np.ndarray:
        """Derivative of the measure in a part with respect to the weight of each case, shape (n,); 0 outside it."""
        out = np.zeros(len(self.y))
        y, risk = self.y[inside], self.risk[inside]
        if self.measure == "auc":
            value, values = placements(y, risk)
            out[inside] = (values - value) / np.where(y, y.sum(), (~y).sum())
        elif self.measure == "observed_expected":
            out[inside] = (y - y.mean()) / y.sum()
        else:
            hit, among = (part[inside] for part in self.hits())
            out[inside] = among * (hit - hit[among].mean()) / among.sum()
        return out

    def correlation(self, masks: list[np.ndarray]) -> np.ndarray:
        """Correlation of the estimates of several parts that may share cases or patients, shape (k, k)."""
        covariance = cluster_covariance(np.column_stack([self.influence(m) for m in masks]), self.patient_id)
        sd = np.sqrt(np.diag(covariance))
        found = covariance / np.where(sd > 0, sd, 1) / np.where(sd > 0, sd, 1)[:, None]
        found = np.clip(found, -1, 1)
        found[np.diag_indices_from(found)] = 1.0
        return found

    def pooled_se(self, masks: list[np.ndarray]) -> np.ndarray:
        """Standard error of the AUC that each part would have if scores varied alike in all of them, shape (k,).

        S10/m + S01/n with the variances of the placement values pooled within parts: it depends on the numbers of
        events m and non-events n of a part, not on the AUC that happened to be seen there. With several cases a
        patient it is widened by the design effect of the parts' own standard errors (Obuchowski's against DeLong's).
        """
        squares, freedom = np.zeros(2), np.zeros(2)
        parts, plain = [], 0.0
        for inside in masks:
            y = self.y[inside]
            value, values = placements(y, self.risk[inside])
            sides = (y, ~y)
            own = np.array([np.sum((values[side] - value) ** 2) for side in sides])
            count = np.array([side.sum() for side in sides])
            squares, freedom = squares + own, freedom + count - 1
            parts.append(count)
            plain += float(np.sum(own / (count - 1) / count))
        effect = 1.0
        if self.patient_id is not None and plain > 0:
            measured = sum(replace(self, measure="auc").estimate(inside).se ** 2 for inside in masks)
            effect = measured / plain
        return np.sqrt(effect * (squares / freedom / np.array(parts)).sum(axis=1))

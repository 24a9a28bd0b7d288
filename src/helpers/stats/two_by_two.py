"""Measures of one two-by-two table and their intervals, for independent cases or patients with several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.stats.intervals import (
    Estimate,
    clustered_proportion,
    fisher_interval,
    log_interval,
    proportion,
    wald,
)
from helpers.stats.ratios import exact_odds_ratio, koopman
from helpers.stats.resampling import cluster_covariance, patient_codes

NEWCOMBE = "Newcombe's combination of the limits of sensitivity and specificity"


class TwoByTwo:
    """A classified sample; every method gives one measure as an `Estimate`.

    Variances are by the delta method on the four cells: the sum over cells of count times squared derivative, or,
    when patients repeat, the linearised variance of the derivative summed by patient.

    Parameters
    ----------
    positive, called : ndarray of bool, shape (n,)
        Truth and decision.
    patient_id : array of shape (n,) or None
        Given only when patients repeat.
    level : float
    interval : str
        For proportions.

    Examples
    --------
    >>> table = TwoByTwo(np.array([True, True, False, False]), np.array([True, False, False, False]))
    >>> table.cells.tolist(), float(table.youden().value)
    ([1.0, 0.0, 1.0, 2.0], 0.5)
    """

    def __init__(
        self,
        positive: np.ndarray,
        called: np.ndarray,
        *,
        patient_id: ArrayLike | None = None,
        level: float = 0.95,
        interval: str = "wilson",
    ) -> None:
        self.positive, self.called, self.level, self.interval = positive, called, level, interval
        self.cell = np.where(positive, np.where(called, 0, 2), np.where(called, 1, 3))  # tp, fp, fn, tn
        self.cells = np.bincount(self.cell, minlength=4).astype(np.float64)
        self.clustered = patient_id is not None
        self.codes, self.patients = patient_codes(patient_id, positive.size)

    def sensitivity(self) -> Estimate:
        """tp / (tp + fn)."""
        return self._proportion(self.called, self.positive)

    def specificity(self) -> Estimate:
        """tn / (tn + fp)."""
        return self._proportion(~self.called, ~self.positive)

    def ppv(self) -> Estimate:
        """tp / (tp + fp)."""
        return self._proportion(self.positive, self.called, "no case is called positive")

    def npv(self) -> Estimate:
        """tn / (tn + fn)."""
        return self._proportion(~self.positive, ~self.called, "no case is called negative")

    def accuracy(self) -> Estimate:
        """(tp + tn) / n."""
        return self._proportion(self.positive == self.called, np.ones_like(self.positive))

    def prevalence(self) -> Estimate:
        """(tp + fn) / n."""
        return self._proportion(self.positive, np.ones_like(self.positive))

    def youden(self) -> Estimate:
        """Sensitivity + specificity - 1."""
        tp, fp, fn, tn = self.cells
        value = float(tp / (tp + fn) + tn / (fp + tn) - 1)
        n1, n0 = tp + fn, fp + tn
        slope = np.array([fn / n1**2, -tn / n0**2, -tp / n1**2, fp / n0**2])
        se = self._se(slope)
        if (self.cells > 0).all() and se > 0:
            return wald(value, se, level=self.level, lower=-1, upper=1, method=self._named("delta method"))
        a, b = self.sensitivity(), self.specificity()
        low = value - np.hypot(a.value - a.low, b.value - b.low)
        high = value + np.hypot(a.high - a.value, b.high - b.value)
        return Estimate(value, max(low, -1.0), min(high, 1.0), se, self.level, NEWCOMBE, self._zeros())

    def balanced_accuracy(self) -> Estimate:
        """Mean of sensitivity and specificity."""
        j = self.youden()
        half = ((v + 1) / 2 for v in (j.value, j.low, j.high))
        return Estimate(*half, j.se / 2, self.level, j.method, j.note)

    def f1(self) -> Estimate:
        """2 tp / (2 tp + fp + fn), from J = tp / (tp + fp + fn)."""
        jaccard = self._proportion(self.positive & self.called, self.positive | self.called, method="wilson")
        value, low, high = (2 * v / (1 + v) for v in (jaccard.value, jaccard.low, jaccard.high))
        se = 2 * jaccard.se / (1 + jaccard.value) ** 2
        return Estimate(value, low, high, se, self.level, f"2J/(1 + J) of J by {jaccard.method}", jaccard.note)

    def kappa(self, *, interval: str = "wald") -> Estimate:
        """Cohen's kappa of decision and truth; interval `wald`, or `fisher` on the z scale (better for few cases)."""
        if interval not in ("wald", "fisher"):
            raise ValueError(f"interval: unknown {interval!r}; use 'wald' or 'fisher'")
        tp, fp, fn, tn = self.cells
        method = self._named("Fleiss-Cohen-Everitt (doi:10.1037/h0028106)")
        if 0 in (tp + fp, fn + tn):  # the value is 0 and its variance too, whatever the sample: that tells nothing
            note = "every case is called alike, so there is no agreement to measure"
            return Estimate(np.nan, level=self.level, method=method, note=note)
        above = 2 * (tp * tn - fp * fn)
        below = (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)
        value = float(above / below)
        rise_above = 2 * np.array([tn, -fn, -fp, tp])
        rise_below = np.array([fp + fn + 2 * tn, tp + 2 * fp + tn, tp + 2 * fn + tn, 2 * tp + fp + fn])
        se = self._se((rise_above - value * rise_below) / below)
        if interval == "fisher":
            made = fisher_interval(value, se, level=self.level, method=f"{method}, Fisher's z scale")
        else:
            made = wald(value, se, level=self.level, lower=-1, upper=1, method=method)
        note = "no variance, so the interval has no width" if se == 0 else ""
        return Estimate(made.value, made.low, made.high, se, self.level, made.method, note)

    def mcc(self) -> Estimate:
        """Matthews' correlation (phi)."""
        tp, fp, fn, tn = self.cells
        margins = np.array([tp + fp, tp + fn, tn + fp, tn + fn])
        method = self._named("delta method on Fisher's z scale (doi:10.1016/0005-2795(75)90109-9)")
        if (margins == 0).any():
            note = "every case is called alike, so the correlation is not defined"
            return Estimate(np.nan, level=self.level, method=method, note=note)
        root = np.sqrt(margins.prod())
        value = (tp * tn - fp * fn) / root
        a, b, c, d = 1 / (2 * margins)
        slope = np.array([tn, -fn, -fp, tp]) / root - value * np.array([a + b, a + c, b + d, c + d])
        if 1 - abs(value) < 1e-12:
            note = "perfect agreement or disagreement, so the interval has no width"
            return Estimate(value, value, value, 0.0, self.level, method, note)
        return fisher_interval(value, self._se(slope), level=self.level, method=method)

    def lr_positive(self) -> Estimate:
        """Sensitivity / (1 - specificity)."""
        tp, fp, fn, tn = self.cells
        return self._ratio(tp, tp + fn, fp, fp + tn, own=0, other=1)

    def lr_negative(self) -> Estimate:
        """(1 - sensitivity) / specificity."""
        tp, fp, fn, tn = self.cells
        return self._ratio(fn, tp + fn, tn, fp + tn, own=2, other=3)

    def dor(self) -> Estimate:
        """Diagnostic odds ratio tp tn / (fp fn)."""
        tp, fp, fn, tn = self.cells
        if (self.cells > 0).all():
            se = self._se(np.array([1 / tp, -1 / fp, -1 / fn, 1 / tn]))
            method = self._named("log scale (doi:10.1016/S0895-4356(03)00177-X)")
            return log_interval(tp * tn / (fp * fn), se, level=self.level, method=method)
        made = exact_odds_ratio(*(int(v) for v in self.cells), level=self.level)
        note = self._zeros()
        if self.clustered:
            # no exact interval for dependent cases is known: give none rather than one that is too narrow
            note += "; several cases a patient, so no interval is given"
            return Estimate(made.value, level=self.level, method="none", note=note)
        return Estimate(made.value, made.low, made.high, np.nan, self.level, made.method, note)

    def _ratio(self, x1: float, n1: float, x0: float, n0: float, *, own: int, other: int) -> Estimate:
        if x1 > 0 and x0 > 0:
            slope = np.zeros(4)
            slope[[0, 2]] -= 1 / n1
            slope[[1, 3]] += 1 / n0
            slope[own] += 1 / x1
            slope[other] -= 1 / x0
            method = self._named("log scale (doi:10.1016/0895-4356(91)90128-V)")
            return log_interval((x1 / n1) / (x0 / n0), self._se(slope), level=self.level, method=method)
        note = self._zeros()
        if self.clustered:
            k1, k0 = (np.unique(self.codes[member]).size for member in (self.positive, ~self.positive))
            x1, n1, x0, n0 = x1 / n1 * k1, k1, x0 / n0 * k0, k0
            note += "; the interval counts patients, not cases"
        made = koopman(x1, n1, x0, n0, level=self.level)
        return Estimate(made.value, made.low, made.high, np.nan, self.level, made.method, note)

    def _proportion(
        self, success: np.ndarray, among: np.ndarray, empty: str = "", method: str | None = None
    ) -> Estimate:
        method = method or self.interval
        if self.clustered:
            made = clustered_proportion(success, self.codes, among=among, level=self.level, method=method)
        else:
            hits, total = int((success & among).sum()), int(among.sum())
            made = proportion(hits, total, level=self.level, method=method)
        if np.isnan(made.value) and empty:
            return Estimate(np.nan, level=self.level, method=made.method, note=empty)
        return made

    def _se(self, slope: np.ndarray) -> float:
        """Standard error of a smooth measure from its derivative by the four cells."""
        if self.clustered:
            return float(np.sqrt(cluster_covariance(slope[self.cell], self.codes)[0, 0]))
        return float(np.sqrt(np.sum(self.cells * slope**2)))

    def _named(self, method: str) -> str:
        return method + (", variance by patient" if self.clustered else "")

    def _zeros(self) -> str:
        empty = [
            n
            for n, v in zip(("true positives", "false positives", "false negatives", "true negatives"), self.cells)
            if v == 0
        ]
        return "no " + ", no ".join(empty) if empty else ""

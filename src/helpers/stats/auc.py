"""Area under the ROC curve: DeLong or, when patients repeat, Obuchowski; paired and unpaired comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr, stdtrit

from helpers.stats.checks import both_classes, check_level, labels, scores
from helpers.stats.delong import delong_covariance, disjoint_pairs, obuchowski_covariance, placements
from helpers.stats.intervals import Estimate, logit_interval, normal_quantile, wald
from helpers.stats.resampling import patient_codes

DELONG = "DeLong (doi:10.2307/2531595)"
OBUCHOWSKI = "Obuchowski for several cases a patient (doi:10.2307/2533958)"
NEAR_ONE = 0.95  # AUCs beyond this, or below 1 - this, get the logit interval under `interval="auto"`
INTERVALS = ("wald", "logit", "auto")


@dataclass(frozen=True)
class Auc(Estimate):
    """AUC with its interval.

    Parameters
    ----------
    n, events, patients : int
        Cases, positive cases, patients.
    exact : tuple of float or None
        Conservative exact limits, given when the AUC is 0 or 1 and the usual interval has no width.

    Examples
    --------
    >>> auc([0, 0, 0, 1, 1], [0.1, 0.4, 0.2, 0.3, 0.9]).methods
    'AUC with 95 % confidence interval by DeLong (doi:10.2307/2531595), n = 5, 2 events.'
    """

    n: int = 0
    events: int = 0
    patients: int = 0
    exact: tuple[float, float] | None = None

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        unit = f" of {self.patients} patients" if self.patients < self.n else ""
        text = f"AUC with {100 * self.level:.10g} % confidence interval by {self.method}, n = {self.n}{unit}, "
        return text + f"{self.events} event{'s' * (self.events != 1)}." + (f" {self.note}." if self.note else "")

    def frame(self, measure: str = "auc") -> pd.DataFrame:
        """Return one row: the estimate and its interval, `n, events, patients`."""
        return super().frame(measure).assign(n=self.n, events=self.events, patients=self.patients)


@dataclass(frozen=True)
class AucComparison:
    """Difference of two AUCs, a - b, with its interval and test.

    Parameters
    ----------
    difference, low, high, se : float
        Difference and its Wald interval, on the AUC scale.
    z, p_value : float
        Statistic and two-sided P value. Unpaired: Student's t with `df` degrees of freedom.
    auc_a, auc_b : Auc
    level : float
    method, note : str
    df : float
        Degrees of freedom; infinite when paired.

    Examples
    --------
    >>> both = compare_auc([0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.8, 0.9], [0.2, 0.3, 0.1, 0.4, 0.3])
    >>> round(both.difference, 3), round(both.p_value, 3)
    (0.25, 0.134)
    """

    difference: float
    low: float
    high: float
    se: float
    z: float
    p_value: float
    auc_a: Auc
    auc_b: Auc
    level: float
    method: str
    note: str = ""
    df: float = np.inf

    def frame(self) -> pd.DataFrame:
        """Return one row, the difference and its interval first."""
        row = {"difference": self.difference, "low": self.low, "high": self.high, "se": self.se, "z": self.z}
        row |= {"p_value": self.p_value, "df": self.df, "auc_a": self.auc_a.value, "auc_b": self.auc_b.value}
        return pd.DataFrame([{**row, "method": self.method, "note": self.note}])

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        n = f"n = {self.auc_a.n}, {self.auc_a.events} events"
        if np.isfinite(self.df):
            n += f" against n = {self.auc_b.n}, {self.auc_b.events} events"
        percent = f"{100 * self.level:.10g} %"
        text = f"Difference of AUCs with {percent} confidence interval and two-sided P value by {self.method}, {n}."
        return text + (f" {self.note}." if self.note else "")


def auc(
    label: ArrayLike,
    risk: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
    interval: str = "wald",
) -> Auc:
    """Area under the ROC curve with a confidence interval.

    The chance that a positive is scored above a negative, ties counting one half. Standard error by DeLong
    et al. (1988), doi:10.2307/2531595, from ranks in O(n log n); by Obuchowski (1997), doi:10.2307/2533958,
    when `patient_id` repeats.

    Parameters
    ----------
    label : array of shape (n,)
        0/1.
    risk : array of shape (n,)
        Any finite score, higher meaning more likely positive; the direction is never guessed.
    patient_id : array of shape (n,) or None
        Patient of each case.
    level : float
        Confidence level.
    interval : str
        `wald` (AUC scale, cut at 0 and 1), `logit` (better near 1 and in small samples), or `auto`: `logit` when
        the AUC is above 0.95 or below 0.05 or the Wald interval would leave [0, 1], the exact limits when it is 0
        or 1, else `wald`.

    Returns
    -------
    Auc
        With an AUC of 0 or 1 DeLong's interval has no width: `note` says so and `exact` has conservative limits
        from disjoint pairs (Clopper-Pearson), which are the interval under `auto`. With one positive or one negative
        (or one such patient) there is no variance: limits are NaN and `note` says why.

    Raises
    ------
    ValueError
        If a class is absent, lengths differ, or a label or score is missing, infinite, text or out of range.

    Examples
    --------
    >>> print(auc([0, 0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.5, 0.7, 0.9]))
    0.917 (95 % CI 0.686 to 1.000)
    """
    check_level(level)
    if interval not in INTERVALS:
        raise ValueError(f"interval: unknown {interval!r}; use 'wald', 'logit' or 'auto' (or bootstrap_auc)")
    positive = labels(label)
    events, _ = both_classes(positive)
    score = scores(risk, positive.size)
    value, values = placements(positive, score)
    codes, patients = patient_codes(patient_id, positive.size)
    variance = _covariance(positive, values[None], np.array([value]), codes, patients)[0, 0]
    return _auc(value, variance, positive, score, codes, patients, level, interval, events)


def _auc(value, variance, positive, score, codes, patients, level, interval, events) -> Auc:
    clustered = patients < positive.size
    method = OBUCHOWSKI if clustered else DELONG
    common = {"n": positive.size, "events": events, "patients": patients}
    if np.isnan(variance):
        unit = "patient" if clustered else "case"
        which = "positive" if np.unique(codes[positive]).size < 2 else "negative"
        note = f"Only one {which} {unit}, so the variance of the AUC is not defined"
        return Auc(value, level=level, method=method, note=note, **common)
    se = float(np.sqrt(max(variance, 0.0)))
    exact, note = None, ""
    if value in (0.0, 1.0):
        pairs = disjoint_pairs(positive, codes)
        bound = ((1 - level) / 2) ** (1 / pairs) if pairs else 0.0
        exact = (bound, 1.0) if value == 1 else (0.0, 1.0 - bound)
        note = (
            f"The AUC is exactly {value:.0f}, so the interval has no width; exact conservative limits from "
            f"{pairs} disjoint pairs are {exact[0]:.3f} to {exact[1]:.3f}"
        )
    elif score.min() == score.max():
        note = "The score is constant and ranks nobody, so the interval has no width"
    elif se == 0:
        note = "The cases show no variance, so the interval has no width"
    if interval == "auto":
        reach = abs(value - 0.5) + normal_quantile(level) * se
        interval = "logit" if abs(value - 0.5) > NEAR_ONE - 0.5 or reach > 0.5 else "wald"
        # an AUC of 1 in a small class is no proof: in simulation an interval without width covers 60 to 80 %
        interval = "exact" if exact is not None else interval
    if interval == "exact":
        return Auc(value, *exact, se, level, "exact binomial limits on disjoint pairs", note, exact=exact, **common)
    if interval == "logit" and 0 < value < 1:
        made = logit_interval(value, se, level=level, method=f"{method}, logit scale")
    else:
        made = wald(value, se, level=level, lower=0, upper=1, method=method)
    return Auc(value, made.low, made.high, se, level, made.method, note, exact=exact, **common)


def compare_auc(
    label: ArrayLike,
    risk_a: ArrayLike,
    risk_b: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
) -> AucComparison:
    """Compare the AUCs of two models on the same cases.

    z = (AUC_a - AUC_b) / se with the covariance of DeLong et al. (1988), doi:10.2307/2531595, or of Obuchowski
    (1997), doi:10.2307/2533958, when `patient_id` repeats.

    Parameters
    ----------
    label, risk_a, risk_b : arrays of shape (n,)
        As in `auc`.
    patient_id : array of shape (n,) or None
    level : float

    Returns
    -------
    AucComparison
        Two models that rank every case alike differ by 0 with P = 1, and `note` says so. Where the
        variance is not defined or 0 the test is NaN, and `note` says why.

    Raises
    ------
    ValueError
        As `auc`.

    Examples
    --------
    >>> both = compare_auc([0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.8, 0.9], [0.2, 0.3, 0.1, 0.4, 0.3])
    >>> round(both.low, 3), round(both.high, 3)
    (-0.077, 0.577)
    """
    (auc_a, auc_b), covariance = together(label, {"risk_a": risk_a, "risk_b": risk_b}, patient_id, level)
    return difference(auc_a, auc_b, covariance, level=level)


def difference(auc_a: Auc, auc_b: Auc, covariance: np.ndarray, *, level: float = 0.95) -> AucComparison:
    """Difference of two AUCs from their covariance, as `compare_auc` reports it.

    Parameters
    ----------
    auc_a, auc_b : Auc
    covariance : ndarray of shape (2, 2)
        From `together`.
    level : float

    Returns
    -------
    AucComparison

    Examples
    --------
    >>> both, covariance = together([0, 0, 1, 1], {"a": [1, 4, 3, 8], "b": [1, 2, 3, 4]}, None, 0.95)
    >>> difference(*both, covariance).difference
    -0.25
    """
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    gap = auc_a.value - auc_b.value
    # rounding of equal terms leaves about 1e-17; a real variance is at least of the order 1 / n^3
    scale = covariance[0, 0] + covariance[1, 1]
    se = np.nan if np.isnan(variance) else float(np.sqrt(variance)) if variance > 1e-13 * scale else 0.0
    note = ""
    if np.isnan(se):
        low = high = z = p_value = np.nan
        note = auc_a.note + "; no test of the difference"
    elif se == 0:
        low = high = gap
        z, p_value = (0.0, 1.0) if gap == 0 else (np.nan, np.nan)
        note = "The difference has no variance, so its interval has no width"
        note += " (the models rank the cases alike)" if gap == 0 else "; no test of the difference"
    else:
        half = normal_quantile(level) * se
        low, high = max(gap - half, -1.0), min(gap + half, 1.0)
        z = gap / se
        p_value = float(2 * ndtr(-abs(z)))
    return AucComparison(gap, low, high, se, z, p_value, auc_a, auc_b, level, auc_a.method, note)


def compare_auc_unpaired(
    label_a: ArrayLike,
    risk_a: ArrayLike,
    label_b: ArrayLike,
    risk_b: ArrayLike,
    *,
    patient_id_a: ArrayLike | None = None,
    patient_id_b: ArrayLike | None = None,
    level: float = 0.95,
) -> AucComparison:
    """Compare AUCs on two separate groups of patients, for instance two centres.

    t = (AUC_a - AUC_b) / sqrt(V_a + V_b) with Satterthwaite degrees of freedom on the numbers of
    patients, as `pROC::roc.test`; Robin et al. (2011), doi:10.1186/1471-2105-12-77.

    Parameters
    ----------
    label_a, risk_a, label_b, risk_b : arrays
        The two groups; no patient may be in both.
    patient_id_a, patient_id_b : arrays or None
    level : float

    Returns
    -------
    AucComparison

    Raises
    ------
    ValueError
        As `auc`, or if a patient is in both groups.

    Examples
    --------
    >>> apart = compare_auc_unpaired([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8], [0, 1, 0, 1], [0.2, 0.3, 0.4, 0.5])
    >>> apart.difference, apart.p_value
    (0.0, 1.0)
    """
    if patient_id_a is not None and patient_id_b is not None:
        shared = pd.Index(pd.unique(pd.Series(patient_id_a))).intersection(pd.unique(pd.Series(patient_id_b)))
        if len(shared):
            raise ValueError(f"patient_id_b: patient {shared[0]!r} is in both groups; use compare_auc for paired data")
    a = auc(label_a, risk_a, patient_id=patient_id_a, level=level)
    b = auc(label_b, risk_b, patient_id=patient_id_b, level=level)
    difference, variance = a.value - b.value, a.se**2 + b.se**2
    method = f"unpaired t test on {a.method} variances (doi:10.1186/1471-2105-12-77)"
    if not variance > 0:
        note = a.note or b.note
        nan = (np.nan,) * 5
        return AucComparison(difference, *nan, a, b, level, method, f"{note}; no test of the difference", np.nan)
    df = variance**2 / (a.se**4 / (a.patients - 1) + b.se**4 / (b.patients - 1))
    se = float(np.sqrt(variance))
    half = float(stdtrit(df, 0.5 + level / 2)) * se
    t = difference / se
    limits = max(difference - half, -1.0), min(difference + half, 1.0)
    p_value = float(2 * stdtr(df, -abs(t)))
    return AucComparison(difference, *limits, se, t, p_value, a, b, level, method, "", float(df))


def together(
    label: ArrayLike, risks: Mapping[str, ArrayLike], patient_id: ArrayLike | None, level: float
) -> tuple[list[Auc], np.ndarray]:
    """AUCs of several models on the same cases, and their covariance.

    Parameters
    ----------
    label : array of shape (n,)
    risks : mapping of str to array of shape (n,)
        Names are used in error messages.
    patient_id, level
        As in `auc`.

    Returns
    -------
    aucs : list of Auc
    covariance : ndarray of shape (models, models)

    Examples
    --------
    >>> together([0, 0, 1, 1], {"a": [1, 4, 3, 8]}, None, 0.95)[1].tolist()
    [[0.125]]
    """
    check_level(level)
    positive = labels(label)
    events, _ = both_classes(positive)
    checked = [scores(risk, positive.size, name=name) for name, risk in risks.items()]
    parts = [placements(positive, score) for score in checked]
    codes, patients = patient_codes(patient_id, positive.size)
    aucs = np.array([value for value, _ in parts])
    covariance = _covariance(positive, np.stack([values for _, values in parts]), aucs, codes, patients)
    made = [
        _auc(value, covariance[i, i], positive, checked[i], codes, patients, level, "wald", events)
        for i, value in enumerate(aucs.tolist())
    ]
    return made, covariance


def _covariance(positive, values, aucs, codes, patients) -> np.ndarray:
    if patients == positive.size:
        return delong_covariance(positive, values, aucs)
    return obuchowski_covariance(positive, values, aucs, codes, patients)

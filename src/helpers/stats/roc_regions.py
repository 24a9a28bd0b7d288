"""Part of a ROC curve: partial area, sensitivity at a fixed specificity, and the reverse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit

from helpers.stats.checks import both_classes, check_level, labels, scores
from helpers.stats.intervals import Estimate
from helpers.stats.resampling import bootstrap_counts, patient_codes, percentile_limits
from helpers.stats.roc_curve import points

INTERVALS = ("percentile", "jackknife")
MOST_LEFT_OUT = 20_000  # patients, each with a curve of its own


@dataclass(frozen=True)
class RocRegion(Estimate):
    """A value read from the ROC curve, with a bootstrap interval.

    Parameters
    ----------
    what : str
        What was read, for the table and the methods line.
    n, events, patients, seed : int

    Examples
    --------
    >>> sensitivity_at_specificity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], specificity=0.5, resamples=20).what
    'sensitivity at specificity 0.5'
    """

    what: str = ""
    n: int = 0
    events: int = 0
    patients: int = 0
    seed: int = 0

    def frame(self, measure: str | None = None) -> pd.DataFrame:
        """Return one row: the estimate and its interval, `n, events, patients`."""
        row = super().frame(measure or self.what)
        return row.assign(n=self.n, events=self.events, patients=self.patients)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        text = f"{self.what[0].upper()}{self.what[1:]} on the empirical ROC curve (doi:10.1186/1471-2105-12-77), "
        text += f"{100 * self.level:.10g} % confidence interval by {self.method}, n = {self.n}, {self.events} events."
        return text + (f" {self.note}." if self.note else "")


def partial_auc(
    label: ArrayLike,
    risk: ArrayLike,
    *,
    specificity: tuple[float, float] | None = None,
    sensitivity: tuple[float, float] | None = None,
    corrected: bool = False,
    patient_id: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    interval: str = "percentile",
) -> RocRegion:
    """Area under a part of the ROC curve.

    As `pROC::auc(partial.auc=)`; Robin et al. (2011), doi:10.1186/1471-2105-12-77. With `corrected`, McClish's
    (1989, doi:10.1177/0272989X8900900307) (1 + (A - min) / (max - min)) / 2: 0.5 is chance, 1 perfect, less is worse
    than chance (as with `allow.invalid.partial.auc.correct=TRUE` there).

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        As in `auc`.
    specificity, sensitivity : pair of float or None
        Range to keep, one of the two, for instance `specificity=(0.9, 1.0)`.
    corrected : bool
    patient_id : array of shape (n,) or None
    resamples : int
        Of patients, stratified; 0: no interval.
    seed : int
    level : float
    interval : str
        `percentile` of the resamples, or `jackknife`: the area as a share of the largest one, on the logit scale, with
        the error of leaving out one patient at a time and Student's t. Where few cases lie in the range it holds the
        truth more often; it makes a curve a patient.

    Returns
    -------
    RocRegion

    Raises
    ------
    ValueError
        As `auc`, or if the range is not given once, inside [0, 1] and rising, or if there are more than 20,000
        patients for the jackknife.

    Examples
    --------
    >>> area = partial_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], specificity=(0.5, 1.0), resamples=0)
    >>> area.value
    0.25
    """
    if (specificity is None) == (sensitivity is None):
        raise ValueError("specificity, sensitivity: give one of the two ranges")
    if interval not in INTERVALS:
        raise ValueError(f"interval: unknown {interval!r}; use one of {', '.join(INTERVALS)}")
    focus = "specificity" if specificity is not None else "sensitivity"
    limits = specificity if specificity is not None else sensitivity
    asked = [_partial(focus, limits, corrected)]
    if interval == "percentile":
        return _regions(label, risk, asked, patient_id, resamples, seed, level)[0]
    made = _regions(label, risk, asked, patient_id, 0, seed, level)[0]
    return _jackknifed(made, label, risk, patient_id, focus, limits, corrected)


def sensitivity_at_specificity(label: ArrayLike, risk: ArrayLike, *, specificity: float, **options) -> RocRegion:
    """Sensitivity where the specificity is fixed, by linear interpolation on the empirical curve.

    The interval resamples patients, so it includes that the threshold is estimated; `pROC::ci.se`,
    doi:10.1186/1471-2105-12-77.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        As in `auc`.
    specificity : float
        In [0, 1].
    **options
        `patient_id, resamples, seed, level`, as in `partial_auc`.

    Returns
    -------
    RocRegion

    Raises
    ------
    ValueError
        As `auc`, or if the specificity is outside [0, 1].

    Examples
    --------
    >>> made = sensitivity_at_specificity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], specificity=0.5, resamples=0)
    >>> made.value
    1.0
    """
    return _regions(label, risk, [_at("specificity", specificity)], **options)[0]


def specificity_at_sensitivity(label: ArrayLike, risk: ArrayLike, *, sensitivity: float, **options) -> RocRegion:
    """Specificity where the sensitivity is fixed; the mirror image of `sensitivity_at_specificity`.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        As in `auc`.
    sensitivity : float
        In [0, 1].
    **options
        `patient_id, resamples, seed, level`, as in `partial_auc`.

    Returns
    -------
    RocRegion

    Raises
    ------
    ValueError
        As `auc`, or if the sensitivity is outside [0, 1].

    Examples
    --------
    >>> made = specificity_at_sensitivity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], sensitivity=0.5, resamples=0)
    >>> made.value
    1.0
    """
    return _regions(label, risk, [_at("sensitivity", sensitivity)], **options)[0]


def around(label: ArrayLike, risk: ArrayLike, *, fixed: float, **options) -> dict[str, RocRegion]:
    """Everything at one fixed specificity and sensitivity, from the same resamples.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        As in `auc`.
    fixed : float
        Inside (0, 1): specificity at which the sensitivity is read, sensitivity at which the specificity is read, and
        lower end of the range of specificities of the corrected partial area.
    **options
        `patient_id, resamples, seed, level`, as in `partial_auc`.

    Returns
    -------
    dict of str to RocRegion
        `sensitivity`, `specificity`, `partial`.

    Examples
    --------
    >>> made = around([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], fixed=0.5, resamples=0)
    >>> [made[name].value for name in ("sensitivity", "specificity", "partial")]
    [1.0, 1.0, 0.6666666666666666]
    """
    if not 0 < fixed < 1:
        raise ValueError(f"fixed: must be inside (0, 1), found {fixed}")
    asked = [_at("specificity", fixed), _at("sensitivity", fixed), _partial("specificity", (fixed, 1.0), True)]
    return dict(zip(("sensitivity", "specificity", "partial"), _regions(label, risk, asked, **options)))


class _Asked(NamedTuple):
    what: str
    read: Callable[[np.ndarray, np.ndarray], float]  # from rates of false and true positives to a number


def _at(focus: str, value: float) -> _Asked:
    """Read the height of the curve at a specificity, or of its mirror image at a sensitivity."""
    if not 0 <= value <= 1:
        raise ValueError(f"{focus}: must be in [0, 1], found {value}")
    other = "sensitivity" if focus == "specificity" else "specificity"
    return _Asked(f"{other} at {focus} {value:g}", lambda fpr, tpr: upper(*_seen_from(focus, fpr, tpr), 1 - value))


def _partial(focus: str, limits: tuple[float, float], corrected: bool) -> _Asked:
    """Read the area over a range of specificity, or of sensitivity."""
    start, stop = limits
    if not 0 <= start < stop <= 1:
        raise ValueError(f"{focus}: must be a rising range inside [0, 1], found ({start}, {stop})")
    least = (stop - start) * (2 - start - stop) / 2  # area of chance: under the diagonal

    def area(fpr: np.ndarray, tpr: np.ndarray) -> float:
        raw = _area(*_seen_from(focus, fpr, tpr), 1 - stop, 1 - start)
        if not corrected:
            return raw
        return (1 + (raw - least) / ((stop - start) - least)) / 2

    what = f"{'corrected ' * corrected}partial AUC, {focus} {start:g} to {stop:g}"
    return _Asked(what, area)


def _seen_from(focus: str, fpr: np.ndarray, tpr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve with 1 - focus on its x axis: as it is, or mirrored at the falling diagonal."""
    return (fpr, tpr) if focus == "specificity" else (1 - tpr[::-1], 1 - fpr[::-1])


def _regions(
    label: ArrayLike,
    risk: ArrayLike,
    asked: Sequence[_Asked],
    patient_id: ArrayLike | None = None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[RocRegion]:
    check_level(level)
    positive = labels(label)
    events, others = both_classes(positive)
    score = scores(risk, positive.size)
    patients = patient_codes(patient_id, positive.size)[1]
    _, tp, fp = points(positive, score)
    values = [float(one.read(fp / others, tp / events)) for one in asked]
    draws = bootstrap_counts(positive, patient_id=patient_id, resamples=resamples, seed=seed) if resamples else ()
    drawn = _read(positive, score, asked, draws, resamples)
    size = {"n": positive.size, "events": events, "patients": patients, "seed": seed}
    return [_region(one, value, drawn[:, k], level, size) for k, (one, value) in enumerate(zip(asked, values))]


def _read(
    positive: np.ndarray, score: np.ndarray, asked: Sequence[_Asked], draws: Iterable[np.ndarray], many: int
) -> np.ndarray:
    """What is asked of the curve of every draw, shape (many, asked); NaN where a class is absent."""
    drawn = np.full((many, len(asked)), np.nan)
    order = np.argsort(-score, kind="stable")
    hit = positive[order]
    end = np.append(np.flatnonzero(np.diff(score[order]) != 0), positive.size - 1)
    for row, counts in zip(drawn, draws):
        weight = counts[order]
        won = np.append(0, np.cumsum(weight * hit)[end])
        lost = np.append(0, np.cumsum(weight)[end]) - won
        if won[-1] and lost[-1]:
            row[:] = [one.read(lost / lost[-1], won / won[-1]) for one in asked]
    return drawn


def _jackknifed(
    made: RocRegion,
    label: ArrayLike,
    risk: ArrayLike,
    patient_id: ArrayLike | None,
    focus: str,
    limits: tuple[float, float],
    corrected: bool,
) -> RocRegion:
    """The area with limits by the jackknife, on the logit of its share of the largest area.

    Patients are left out within strata (with an event, without). The degrees of freedom are Satterthwaite's, from how
    unevenly the patients contribute: few cases in the range make few degrees.
    """
    positive = labels(label)
    score = scores(risk, positive.size)
    codes, patients = patient_codes(patient_id, positive.size)
    if patients > MOST_LEFT_OUT:
        raise ValueError(
            f"interval: the jackknife makes a curve for each of {patients:,} patients; use 'percentile' above "
            f"{MOST_LEFT_OUT:,}"
        )
    plain, width = _partial(focus, limits, False), limits[1] - limits[0]
    without = ((codes != one).astype(np.int64) for one in range(patients))
    left = _read(positive, score, [plain], without, patients)[:, 0] / width
    _, tp, fp = points(positive, score)
    share = plain.read(fp / fp[-1], tp / tp[-1]) / width
    has_event = np.bincount(codes, weights=positive, minlength=patients) > 0
    variances, freedoms = [], []
    for stratum in (has_event, ~has_event):
        count = int(stratum.sum())
        squares = (left[stratum] - left[stratum].mean()) ** 2 if count > 1 else np.full(count, np.nan)
        variances.append((count - 1) / max(count, 1) * squares.sum())
        freedoms.append(squares.sum() ** 2 / np.sum(squares**2) if squares.sum() > 0 else 1.0)
    variance = float(np.sum(variances))
    method = "jackknife of patients on the logit scale, Student's t (doi:10.1214/aos/1176345462)"
    if not (0 < share < 1 and variance > 0):
        why = "The area has no variance here, so the jackknife gives no interval"
        return replace(made, method="no interval", note=why)
    freedom = variance**2 / sum(one**2 / f for one, f in zip(variances, freedoms))
    reach = float(stdtrit(freedom, 0.5 + made.level / 2)) * np.sqrt(variance) / (share * (1 - share))
    ends = width * expit(logit(share) + np.array([-reach, reach]))
    least = width * (2 - sum(limits)) / 2
    scale = 0.5 / (width - least) if corrected else 1.0
    low, high = (0.5 + (ends - least) * scale) if corrected else ends
    se = float(np.sqrt(variance)) * width * scale
    return replace(made, low=float(low), high=float(high), se=se, method=method, note="")


def _region(asked: _Asked, value: float, drawn: np.ndarray, level: float, size: dict[str, int]) -> RocRegion:
    kept = drawn[~np.isnan(drawn)]
    nothing = {"level": level, "method": "no interval", "what": asked.what, **size}
    if not drawn.size:
        return RocRegion(value, note="No interval was asked for", **nothing)
    if kept.size < 2:
        return RocRegion(value, note="The value is not defined in the resamples, so there is no interval", **nothing)
    low, high = (float(limit) for limit in percentile_limits(drawn, level=level))
    method = f"stratified bootstrap of patients, {drawn.size} resamples, percentile (doi:10.1201/9780429246593)"
    missing = drawn.size - kept.size
    note = f"Not defined in {missing} of {drawn.size} resamples, which were left out" if missing else ""
    return RocRegion(value, low, high, float(kept.std(ddof=1)), level, method, note, what=asked.what, **size)


def upper(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """Height of a rising curve at `at`; the top where it is vertical.

    Parameters
    ----------
    x, y : ndarray of shape (points,)
        Rising, from 0 to 1.
    at : float
        In [0, 1].

    Returns
    -------
    float

    Examples
    --------
    >>> upper(np.array([0, 0, 0.5, 1]), np.array([0, 0.5, 0.75, 1]), 0.25)
    0.625
    """
    last = int(np.searchsorted(x, at + 1e-12, side="right")) - 1
    if last == x.size - 1 or at - x[last] <= 1e-12:
        return float(y[last])
    return float(y[last] + (y[last + 1] - y[last]) * (at - x[last]) / (x[last + 1] - x[last]))


def _area(x: np.ndarray, y: np.ndarray, start: float, stop: float) -> float:
    """Area under a rising polygon between two places on its x axis."""
    inside = (x > start) & (x < stop)
    first, last = upper(x, y, start), _lower(x, y, stop)
    xs = np.concatenate([[start], x[inside], [stop]])
    ys = np.concatenate([[first], y[inside], [last]])
    return float(np.sum(np.diff(xs) * (ys[1:] + ys[:-1])) / 2)


def _lower(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """Height of a rising step curve at `at`; the bottom where it is vertical."""
    return 1.0 - upper(1.0 - x[::-1], 1.0 - y[::-1], 1.0 - at)

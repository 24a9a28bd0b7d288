"""Thresholds with a source: chosen on train or tune by a named rule, frozen, refused when they come from test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats.checks import both_classes, labels, scores
from helpers.stats.roc_curve import points

CHOOSABLE = ("train", "tune", "oof")
CASES = {"train": "the training cases", "tune": "the tuning cases", "oof": "the out-of-fold cases"}
NOWHERE = "none"  # where a declared threshold comes from when no case was there to choose on
RULES = ("youden", "sensitivity", "specificity", "declared")


@dataclass(frozen=True)
class Threshold:
    """A frozen threshold: positive when risk >= value, and where it came from.

    Parameters
    ----------
    value : float
    rule : str
        `youden`, `sensitivity`, `specificity` or `declared`.
    split : str
        Where it was chosen; "none" for a declared threshold of a study that has no such cases.
    n, events : int
        Cases there.
    model : str
    target : float or None
        Sensitivity or specificity that was asked for.
    sensitivity, specificity : float
        Where it was chosen; optimistic, not a result.
    data_hash : str
        First 16 hexadecimal digits of the SHA-256 of the labels and risks, whatever their order.

    Examples
    --------
    >>> frozen = choose_threshold([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], split="tune", model="image")
    >>> round(float(frozen), 6), frozen.split
    (0.225, 'tune')
    """

    value: float
    rule: str
    split: str
    n: int
    events: int
    model: str = ""
    target: float | None = None
    sensitivity: float = np.nan
    specificity: float = np.nan
    data_hash: str = ""

    def __post_init__(self) -> None:
        """Refuse a threshold made by hand that claims to come from test data."""
        if not (self.rule == "declared" and self.split == NOWHERE):
            _check_split(self.split)
        if self.rule not in RULES:
            raise ValueError(f"rule: unknown {self.rule!r}; use one of {', '.join(RULES)}")
        if not np.isfinite(self.value):
            raise ValueError(f"value: must be finite, found {self.value}")

    def __float__(self) -> float:
        """Return the value."""
        return float(self.value)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        return f"{'Risk threshold' if self.rule == 'declared' else 'Threshold'} {self.value:.4g}, {self.origin}."

    @property
    def origin(self) -> str:
        """Where it comes from, in words that hold for every model that was frozen with it."""
        if self.rule == "declared":
            return "declared in advance and frozen"
        how = "largest Youden index (doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3)"
        if self.rule != "youden":
            how = f"{self.rule} of at least {self.target:g}"
        return f"chosen on {CASES.get(self.split, self.split)} (n = {self.n}, {self.events} events) by {how}, frozen"

    def frame(self) -> pd.DataFrame:
        """Return one row with all that is known of the threshold."""
        return pd.DataFrame([self.__dict__])


def choose_threshold(
    label: ArrayLike,
    risk: ArrayLike,
    *,
    split: str | ArrayLike,
    rule: str = "youden",
    target: float | None = None,
    risk_threshold: float | None = None,
    model: str = "",
) -> Threshold:
    """Choose a threshold by a named rule on data that may be used for choosing.

    The value lies midway between neighbouring scores, as in `pROC::coords` (doi:10.1186/1471-2105-12-77). Youden's
    index is sensitivity + specificity - 1; Youden (1950),
    doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        0/1, and a finite score.
    split : str, or array of str of shape (n,)
        `train`, `tune` or `oof` for every case.
    rule : str
        `youden`: largest sensitivity + specificity - 1, the more sensitive of equal ones, so that a model which is
        nowhere better than chance calls every case positive;
        `sensitivity`: the highest threshold that reaches the target; `specificity`: the lowest that does;
        `declared`: the value of `risk_threshold`, set by clinicians beforehand.
    target : float or None
        In (0, 1], for `sensitivity` and `specificity`.
    risk_threshold : float or None
        In (0, 1), for `declared`.
    model : str
        Recorded.

    Returns
    -------
    Threshold

    Raises
    ------
    ValueError
        If a case is from test or external, or an argument is missing or out of range.

    Examples
    --------
    >>> choose_threshold([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], split="test")
    Traceback (most recent call last):
    ...
    ValueError: split: a threshold must not be chosen on 'test'; use train, tune or oof
    """
    source = _check_split(split)
    positive = labels(label)
    events, _ = both_classes(positive)
    score = scores(risk, positive.size)
    value, sensitivity, specificity = _choose(positive, score, rule, target, risk_threshold)
    order = np.lexsort((score, positive))  # the order of the rows plays no part
    digest = hashlib.sha256(positive[order].tobytes() + score[order].tobytes()).hexdigest()[:16]
    return Threshold(value, rule, source, positive.size, events, model, target, sensitivity, specificity, digest)


def declared_threshold(value: float, *, model: str = "") -> Threshold:
    """Freeze a threshold that was declared in advance, where there are no cases to choose on.

    Parameters
    ----------
    value : float
        Risk at and above which one acts, in (0, 1).
    model : str
        Recorded.

    Returns
    -------
    Threshold
        With `split` "none" and no cases.

    Raises
    ------
    ValueError
        If the value is not inside (0, 1).

    Examples
    --------
    >>> declared_threshold(0.2, model="image").methods
    'Risk threshold 0.2, declared in advance and frozen.'
    """
    if value is None or not 0 < value < 1:
        raise ValueError(f"value: a declared risk must be inside (0, 1), found {value}")
    return Threshold(float(value), "declared", NOWHERE, 0, 0, model)


@dataclass(frozen=True)
class ThresholdOptimism:
    """What choosing the threshold on test would have added.

    Parameters
    ----------
    frozen : Threshold
    rechosen : float
        Chosen again on test; optimistic, never to be used.
    table : DataFrame
        `measure, frozen, rechosen_on_test, optimism` for sensitivity, specificity, Youden and accuracy.
    rule : str
    n, events : int

    Examples
    --------
    >>> frozen = choose_threshold([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], split="tune")
    >>> made = optimism_of_test_threshold([0, 0, 1, 1], [0.1, 0.3, 0.35, 0.8], frozen)
    >>> made.frame()["optimism"].tolist()
    [0.0, 0.5, 0.5, 0.25]
    """

    frozen: Threshold
    rechosen: float
    table: pd.DataFrame
    rule: str
    n: int
    events: int

    def frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        return (
            f"{self.frozen.methods} Beside it, optimistic: the threshold chosen again on the test cases by the "
            f"rule {self.rule!r} ({self.rechosen:.4g}; n = {self.n}, {self.events} events); "
            "the difference is the optimism (doi:10.1373/clinchem.2007.096032)."
        )


def optimism_of_test_threshold(label: ArrayLike, risk: ArrayLike, threshold: Threshold) -> ThresholdOptimism:
    """Choose the threshold again on the test cases, to show how much that would flatter.

    The result holds a plain number, not a `Threshold`, so that it cannot pass for a frozen one;
    Leeflang et al. (2008), doi:10.1373/clinchem.2007.096032.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        The test cases.
    threshold : Threshold
        Frozen by a rule, which is used again.

    Returns
    -------
    ThresholdOptimism

    Raises
    ------
    ValueError
        As `choose_threshold`, if `threshold` is a bare number, or if it was declared: nothing was chosen then.

    Examples
    --------
    >>> frozen = choose_threshold([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], split="tune")
    >>> round(optimism_of_test_threshold([0, 0, 1, 1], [0.1, 0.3, 0.35, 0.8], frozen).rechosen, 6)
    0.325
    """
    if not isinstance(threshold, Threshold):
        raise ValueError("threshold: must come from choose_threshold, so that its rule is known")
    if threshold.rule == "declared":
        raise ValueError("threshold: was declared, not chosen, so choosing it again has no meaning")
    positive = labels(label)
    events, others = both_classes(positive)
    score = scores(risk, positive.size)
    again = _choose(positive, score, threshold.rule, threshold.target, None)[0]
    columns = {}
    for name, cut in (("frozen", threshold.value), ("rechosen_on_test", again)):
        called = score >= cut
        sensitivity, specificity = (called & positive).sum() / events, (~called & ~positive).sum() / others
        accuracy = (called == positive).mean()
        columns[name] = [sensitivity, specificity, sensitivity + specificity - 1, accuracy]
    table = pd.DataFrame({"measure": ["sensitivity", "specificity", "youden", "accuracy"], **columns})
    table["optimism"] = table["rechosen_on_test"] - table["frozen"]
    return ThresholdOptimism(threshold, float(again), table, threshold.rule, positive.size, events)


def _choose(
    positive: np.ndarray, score: np.ndarray, rule: str, target: float | None, risk_threshold: float | None
) -> tuple[float, float, float]:
    if rule not in RULES:
        raise ValueError(f"rule: unknown {rule!r}; use one of {', '.join(RULES)}")
    if rule == "declared":
        if risk_threshold is None or not 0 < risk_threshold < 1:
            raise ValueError(f"risk_threshold: must be inside (0, 1) for a declared rule, found {risk_threshold}")
        called = score >= risk_threshold
        return float(risk_threshold), float(called[positive].mean()), float(1 - called[~positive].mean())
    if risk_threshold is not None:
        raise ValueError(f"risk_threshold: only for rule='declared', found rule={rule!r}")
    if rule != "youden" and (target is None or not 0 < target <= 1):
        raise ValueError(f"target: must be in (0, 1] for rule {rule!r}, found {target}")
    at, tp, fp = points(positive, score)
    events, others = int(tp[-1]), int(fp[-1])
    if rule == "youden":
        gain = tp * others - fp * events  # Youden's index in whole numbers: equal points are equal
        best = int(np.flatnonzero(gain == gain.max())[-1])
    elif rule == "sensitivity":
        best = int(np.argmax(tp >= target * events - 1e-9))
    else:
        best = int(np.flatnonzero(others - fp >= target * others - 1e-9)[-1])
    if best == 0:
        raise ValueError(f"target: {rule} {target:g} is only reached when no case is called positive")
    value = float(at[best])
    if best + 1 < at.size:
        middle = (value + float(at[best + 1])) / 2
        value = middle if at[best + 1] < middle <= value else value
    return value, tp[best] / events, 1 - fp[best] / others


def _check_split(split: str | ArrayLike) -> str:
    found = split.split("+") if isinstance(split, str) else pd.unique(pd.Series(split)).tolist()
    for name in found:
        if name not in CHOOSABLE:
            raise ValueError(f"split: a threshold must not be chosen on {name!r}; use train, tune or oof")
    if not found:
        raise ValueError("split: is empty; use train, tune or oof")
    return "+".join(found)

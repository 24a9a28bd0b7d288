"""Do subgroups differ? Heterogeneity, interaction, differences with intervals, and what chance alone would show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtri

from helpers.data.group_tests import chi_square_test, expected_counts, fisher_test
from helpers.stats import logistic
from helpers.stats.intervals import Estimate
from helpers.stats.subgroup_cases import Cases

POWER = 0.80
LARGE = 1000  # expected in every cell: chi-square and Fisher's test agree, and the exact one would take minutes
SOURCE_DIFFERENCE = "doi:10.1002/sim.3095"


def heterogeneity(cases: Cases, masks: list[np.ndarray], estimates: list[Estimate]) -> tuple[float, int, float]:
    """Test whether a measure is the same in several parts.

    Chi-square of the differences on the scale of `Cases.scaled`; for sensitivity and specificity of independent
    cases Fisher's exact test, because a Wald test fails where a share is 0 or 1 (Pearson's chi-square where at least
    `LARGE` are expected in every cell).

    Parameters
    ----------
    cases : Cases
    masks : list of ndarray of bool, shape (n,)
        At least two parts.
    estimates : list of Estimate
        Of the parts.

    Returns
    -------
    statistic : float
        NaN for an exact test, or where a part shows no variance.
    df : int
    p_value : float

    Examples
    --------
    >>> y = np.tile([True, False], 20)
    >>> cases = Cases(y, np.linspace(0.1, 0.9, 40), None, "sensitivity", 0.5, 0.95)
    >>> first = np.arange(40) < 20
    >>> heterogeneity(cases, [first, ~first], [cases.estimate(first), cases.estimate(~first)])[2] < 0.001
    True
    """
    df = len(masks) - 1
    if cases.measure in ("sensitivity", "specificity") and cases.patient_id is None:
        hit, among = cases.hits()
        table = np.array([[np.sum(hit & among & m), np.sum(~hit & among & m)] for m in masks])
        large = expected_counts(table).min() >= LARGE
        return np.nan, df, (chi_square_test(table, yates=False) if large else fisher_test(table))[0]
    values, errors = np.array([cases.scaled(estimate) for estimate in estimates]).T
    covariance = cases.correlation(masks) * errors * errors[:, None]
    step = np.diff(np.eye(df + 1), axis=0)
    return _wald(step @ values, step @ covariance @ step.T, scale=np.max(np.diag(covariance)))


def interaction(cases: Cases, masks: list[np.ndarray]) -> tuple[float, int, float]:
    """Wald test whether the effect of logit(risk) on the outcome differs between parts (logistic regression).

    Returns
    -------
    statistic, df, p_value
        NaN where the outcome is separated.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.random(400)
    >>> cases = Cases(rng.random(400) < risk, risk, None, "auc", None, 0.95)
    >>> half = np.arange(400) < 200
    >>> interaction(cases, [half, ~half])[1]
    1
    """
    rows = np.any(masks, axis=0)
    x, y = logistic.logit_risk(cases.risk[rows])[0], cases.y[rows]
    group = np.column_stack([inside[rows] for inside in masks]).astype(float)
    design = np.column_stack([group, x, x[:, None] * group[:, 1:]])
    who = None if cases.patient_id is None else cases.patient_id[rows]
    fitted = logistic.fit(y, design, patient_id=who)
    k = group.shape[1] - 1
    return _wald(fitted.coefficient[-k:], fitted.covariance[-k:, -k:])


def differences(
    cases: Cases, groups: Mapping[str, tuple[np.ndarray, Estimate]]
) -> list[tuple[str, str, float, float, float]]:
    """Compare every level with the one that has most cases, whatever the measure rests on.

    The interval is built from the two levels' own limits (MOVER): Zou and Donner (2008), doi:10.1002/sim.3095; for
    shares that is Newcombe's. O:E is compared as a ratio.

    Parameters
    ----------
    cases : Cases
    groups : mapping of level to (mask, estimate)

    Returns
    -------
    list of (level, reference, difference, low, high)
        Difference level - reference, or ratio level / reference for O:E; empty for fewer than two levels.

    Examples
    --------
    >>> y = np.repeat([True, False], [30, 10])
    >>> cases = Cases(y, np.tile([0.9, 0.1, 0.9], 14)[:40], None, "sensitivity", 0.5, 0.95)
    >>> first = np.arange(40) % 30 < 18
    >>> parts = {"a": (first, cases.estimate(first)), "b": (~first, cases.estimate(~first))}
    >>> [round(x, 2) for x in differences(cases, parts)[0][2:]]
    [0.0, -0.32, 0.3]
    """
    if len(groups) < 2:
        return []
    names = list(groups)
    reference = max(names, key=lambda name: groups[name][0].sum())
    mask, base = groups[reference]
    return [
        (name, reference, *_mover(cases, inside, estimate, mask, base))
        for name, (inside, estimate) in groups.items()
        if name != reference
    ]


def _mover(cases: Cases, inside: np.ndarray, one: Estimate, mask: np.ndarray, base: Estimate) -> tuple:
    ratio = cases.measure == "observed_expected"
    a, b = (np.array([e.value, e.low, e.high]) for e in (one, base))
    a, b = (np.log(a), np.log(b)) if ratio else (a, b)
    r = 0.0 if cases.patient_id is None else float(cases.correlation([inside, mask])[0, 1])
    down, up, base_down, base_up = a[0] - a[1], a[2] - a[0], b[0] - b[1], b[2] - b[0]
    gap = a[0] - b[0]
    low = gap - np.sqrt(max(down**2 + base_up**2 - 2 * r * down * base_up, 0.0))
    high = gap + np.sqrt(max(up**2 + base_down**2 - 2 * r * up * base_down, 0.0))
    made = np.exp([gap, low, high]) if ratio else np.clip([gap, low, high], -1, 1)
    return tuple(float(x) for x in made)


def detectable(cases: Cases, masks: list[np.ndarray], *, power: float = POWER) -> float:
    """Smallest difference in AUC between any two levels that would probably be found: the two that are known best.

    (z_(1 - alpha/2) + z_power) times the standard error of the difference, from the numbers of events and non-events
    and the pooled spread of scores, not from the difference that was seen: power computed from that says nothing new
    (Hoenig and Heisey 2001, doi:10.1198/000313001300339897). Before any correction for several tests.

    Parameters
    ----------
    cases : Cases
    masks : list of ndarray of bool
        At least two levels.
    power : float

    Returns
    -------
    float
        On the AUC scale; above 0.5 no plausible difference would be found. NaN where scores show no spread.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.random(400)
    >>> cases = Cases(rng.random(400) < risk, risk, None, "auc", None, 0.95)
    >>> half = np.arange(400) < 200
    >>> round(detectable(cases, [half, ~half]), 2)
    0.11
    """
    se = np.sort(cases.pooled_se(masks))[:2]
    found = (ndtri(0.5 + cases.level / 2) + ndtri(power)) * float(np.sqrt(np.sum(se**2)))
    return float(found) if found > 0 else np.nan


@dataclass(frozen=True)
class Gap:
    """The widest gap in AUC between two levels of a variable, and what chance alone makes of as many subgroups.

    Parameters
    ----------
    variable, high_level, low_level : str
    value : float
        Highest minus lowest AUC.
    median, upper : float
        Of the widest gap in studies of the same size where every subgroup has the same AUC; upper: 95 % quantile.
    p_value : float
        Share of such studies with at least this gap.
    draws : int

    Examples
    --------
    >>> Gap("Sex", "male", "female", 0.1, 0.12, 0.25, 0.6, 500).p_value
    0.6
    """

    variable: str
    high_level: str
    low_level: str
    value: float
    median: float
    upper: float
    p_value: float
    draws: int


def widest_gap(
    cases: Cases, groups: Mapping[str, Mapping[str, tuple[np.ndarray, Estimate]]], *, draws: int, seed: int
) -> Gap | None:
    """Set the widest gap beside those of chance: all subgroups with one AUC, correlated as their cases overlap.

    The levels' AUCs are drawn from a normal distribution with the pooled standard errors and the correlation of the
    levels' influence functions, so that variables that split the patients alike count once; Hothorn, Bretz and
    Westfall (2008), doi:10.1002/bimj.200810425.

    Parameters
    ----------
    cases : Cases
        With the measure "auc".
    groups : mapping of variable to mapping of level to (mask, estimate)
    draws, seed : int

    Returns
    -------
    Gap or None
        None when no variable has two levels.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> risk, half = rng.random(400), np.arange(400) < 200
    >>> cases = Cases(rng.random(400) < risk, risk, None, "auc", None, 0.95)
    >>> parts = {"half": {"a": (half, cases.estimate(half)), "b": (~half, cases.estimate(~half))}}
    >>> made = widest_gap(cases, parts, draws=1000, seed=1)
    >>> made.variable, made.value < made.median < made.upper
    ('half', True)
    """
    groups = {name: levels for name, levels in groups.items() if len(levels) > 1}
    if not groups:
        return None
    masks = [mask for levels in groups.values() for mask, _ in levels.values()]
    values = np.array([estimate.value for levels in groups.values() for _, estimate in levels.values()])
    owner = np.repeat(np.arange(len(groups)), [len(levels) for levels in groups.values()])
    se = np.concatenate([cases.pooled_se([mask for mask, _ in levels.values()]) for levels in groups.values()])
    covariance = cases.correlation(masks) * se * se[:, None]
    drawn = np.random.default_rng(seed).multivariate_normal(np.zeros(len(se)), covariance, draws, method="eigh")
    by_chance = np.max([np.ptp(drawn[:, owner == k], axis=1) for k in range(len(groups))], axis=0)
    seen = np.array([np.ptp(values[owner == k]) for k in range(len(groups))])
    widest = int(np.argmax(seen))
    levels = list(list(groups.values())[widest])
    here = values[owner == widest]
    share = (1 + int(np.sum(by_chance >= seen[widest]))) / (draws + 1)
    median, upper = np.quantile(by_chance, [0.5, 0.95])
    names = list(groups)[widest], levels[int(here.argmax())], levels[int(here.argmin())]
    return Gap(*names, float(seen[widest]), float(median), float(upper), share, draws)


def _wald(difference: np.ndarray, covariance: np.ndarray, *, scale: float = 0.0) -> tuple[float, int, float]:
    """Chi-square, degrees of freedom and P of differences being 0; NaN where their variance is not known."""
    df = len(difference)
    if not (np.isfinite(difference).all() and np.isfinite(covariance).all()):
        return np.nan, df, np.nan
    smallest = np.linalg.eigvalsh(covariance)[0]
    if smallest <= 1e-10 * max(scale, np.max(np.diag(covariance))):  # parts that hold the same patients twice
        return np.nan, df, np.nan
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    return statistic, df, float(chdtrc(df, statistic))

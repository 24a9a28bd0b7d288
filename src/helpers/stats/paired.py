"""Two tests on the same cases: sensitivity, specificity, accuracy, predictive values and likelihood ratios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc, ndtr

from helpers.stats.checks import both_classes, check_level, labels
from helpers.stats.families import holm
from helpers.stats.intervals import normal_quantile
from helpers.stats.predictive_values import TESTS, difference_of_predictive_values, ratio_of
from helpers.stats.resampling import cluster_covariance, patient_codes, repeats

MCNEMAR = {
    "mcnemar": "McNemar (doi:10.1007/BF02295996)",
    "exact": "exact McNemar (doi:10.1007/BF02295996)",
    "midp": "mid-P McNemar (doi:10.1186/1471-2288-13-91)",
}
TANGO = "Tango score interval (doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B)"


@dataclass(frozen=True)
class DecisionComparison:
    """Differences a - b of two tests on the same cases.

    Parameters
    ----------
    table : DataFrame
        `measure, value_a, value_b, difference, low, high, p_value, p_holm, statistic, ratio, ratio_low, ratio_high,
        test, interval, note`; one row a measure. `p_holm` is given for the members of the family.
    level : float
    n, events, patients : int
    family : tuple of str
        Measures over which Holm's adjustment was declared.

    Examples
    --------
    >>> made = compare_decisions([1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 1])
    >>> made.frame()["measure"].tolist()
    ['sensitivity', 'specificity', 'accuracy', 'ppv', 'npv', 'lr_positive', 'lr_negative']
    """

    table: pd.DataFrame
    level: float
    n: int
    events: int
    patients: int
    family: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a measure."""
        return self.table.copy()

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        unit = f" of {self.patients} patients" if self.patients < self.n else ""
        rows = self.table.set_index("measure")
        pairs = [f"{m} by {rows.loc[m, 'test']} with {rows.loc[m, 'interval']}" for m in ("sensitivity", "ppv")]
        return (
            f"Paired differences with {100 * self.level:.10g} % confidence intervals: {'; '.join(pairs)}; Holm's "
            f"adjustment over {', '.join(self.family)}; n = {self.n}{unit}, {self.events} events."
        )


def compare_decisions(
    label: ArrayLike,
    decision_a: ArrayLike,
    decision_b: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
    test: str = "midp",
    predictive: str = "kosinski",
    family: tuple[str, ...] = ("sensitivity", "specificity"),
) -> DecisionComparison:
    """Compare two tests, or one model at two thresholds, on the same cases.

    Sensitivity, specificity, accuracy: McNemar with Tango's score interval. Predictive values: Kosinski
    (2013), doi:10.1002/sim.5587, or Leisenring et al. (2000), doi:10.1111/j.0006-341X.2000.00345.x, with a
    linearised interval of the difference; ratios by Moskowitz and Pepe (2006), doi:10.1191/1740774506cn147oa.
    Likelihood ratios: ratio a / b, log scale; Gu and Pepe (2009), doi:10.1093/biostatistics/kxn025. When
    `patient_id` repeats: Wald with the linearised variance by patient throughout.

    Parameters
    ----------
    label, decision_a, decision_b : arrays of shape (n,)
        0/1.
    patient_id : array of shape (n,) or None
    level : float
    test : str
        `midp`, `exact` or `mcnemar` (chi-square without continuity correction).
    predictive : str
        `kosinski`, `leisenring` or `moskowitz_pepe`.
    family : tuple of str
        Measures declared beforehand for Holm's adjustment.

    Returns
    -------
    DecisionComparison

    Raises
    ------
    ValueError
        If a class is absent, lengths differ, values are not 0/1 or an option is unknown.

    Examples
    --------
    >>> truth = [1] * 30 + [0] * 40
    >>> a = [1] * 26 + [0] * 4 + [1] * 8 + [0] * 32
    >>> b = [1] * 20 + [0] * 10 + [1] * 10 + [0] * 30
    >>> row = compare_decisions(truth, a, b).frame().iloc[0]
    >>> row[["difference", "low", "high", "p_value"]].astype(float).round(3).tolist()
    [0.2, 0.064, 0.373, 0.016]
    """
    check_level(level)
    if test not in MCNEMAR:
        raise ValueError(f"test: unknown {test!r}; use one of {', '.join(MCNEMAR)}")
    if predictive not in TESTS:
        raise ValueError(f"predictive: unknown {predictive!r}; use one of {', '.join(TESTS)}")
    truth = labels(label)
    events, _ = both_classes(truth)
    a, b = labels(decision_a, name="decision_a"), labels(decision_b, name="decision_b")
    for name, values in (("decision_a", a), ("decision_b", b)):
        if values.size != truth.size:
            raise ValueError(f"{name}: has {values.size} cases, but label has {truth.size}")
    codes, patients = patient_codes(patient_id, truth.size)
    grouped = codes if repeats(patient_id, truth.size) else None
    rows = []
    everyone = np.ones_like(truth)
    for measure, among, right in (
        ("sensitivity", truth, truth),
        ("specificity", ~truth, truth),
        ("accuracy", everyone, truth),
    ):
        rows.append({"measure": measure, **_proportions(a == right, b == right, among, grouped, level, test)})
    for measure, outcome, called in (("ppv", truth, (a, b)), ("npv", ~truth, (~a, ~b))):
        made = difference_of_predictive_values(outcome, *called, codes=grouped, level=level, test=predictive)
        rows.append({"measure": measure, **made})
    for measure, called in (("lr_positive", (a, b)), ("lr_negative", (~a, ~b))):
        rows.append({"measure": measure, **_likelihood_ratios(truth, *called, grouped, level)})
    table = pd.DataFrame(rows)
    unknown = [m for m in family if m not in set(table["measure"])]
    if unknown or not family:
        raise ValueError(f"family: must name measures of {', '.join(table['measure'])}; found {tuple(family)}")
    member = table["measure"].isin(family)
    table["p_holm"] = np.nan
    table.loc[member, "p_holm"] = holm(table.loc[member, "p_value"])
    columns = ["measure", "value_a", "value_b", "difference", "low", "high", "p_value", "p_holm", "statistic"]
    columns += ["ratio", "ratio_low", "ratio_high", "test", "interval", "note"]
    return DecisionComparison(table.reindex(columns=columns), level, truth.size, events, patients, tuple(family))


def mcnemar_p(b: int, c: int, *, test: str = "midp") -> tuple[float, float]:
    """Test of two discordant counts.

    Parameters
    ----------
    b, c : int
        Pairs that favour the one and the other.
    test : str
        `midp`, `exact` or `mcnemar`.

    Returns
    -------
    statistic, p_value : float
        Chi-square (b - c)^2 / (b + c) and the two-sided P value; without discordant pairs 0 and 1.

    Examples
    --------
    >>> mcnemar_p(10, 12, test="exact")[1].__round__(4)
    0.8318
    """
    total = b + c
    if total == 0:
        return 0.0, 1.0
    statistic = (b - c) ** 2 / total
    if test == "mcnemar":
        return statistic, float(chdtrc(1, statistic))
    tail = float(bdtr(min(b, c), total, 0.5))
    if test == "exact":
        return statistic, min(1.0, 2 * tail)
    point = tail - (float(bdtr(min(b, c) - 1, total, 0.5)) if min(b, c) else 0.0)
    return statistic, 1.0 if b == c else min(1.0, 2 * tail - point)


def tango_limits(b: int, c: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference (b - c) / n of paired proportions.

    Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.

    Parameters
    ----------
    b, c : int
        Discordant pairs in favour of the first and of the second test.
    n : int
        All pairs.
    level : float

    Returns
    -------
    low, high : float
        In [-1, 1].

    Examples
    --------
    >>> [round(limit, 6) for limit in tango_limits(12, 10, 132)]
    [-0.057649, 0.088922]
    """
    from scipy.optimize import brentq

    z = normal_quantile(level)

    def score(delta: float) -> float:
        square = (2 * n - b + c) * delta - b - c
        root = np.sqrt(max(square**2 + 8 * n * c * delta * (1 - delta), 0.0))
        q = (root - square) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        gap = b - c - n * delta
        if variance <= 1e-14:
            return 0.0 if abs(gap) < 1e-9 else np.inf * np.sign(gap)
        return gap / np.sqrt(variance)

    centre, edge = (b - c) / n, 1 - 1e-12
    # the score falls as delta rises
    low = -1.0 if score(-edge) < z else brentq(lambda d: min(score(d), 1e6) - z, -edge, centre, xtol=1e-13)
    high = 1.0 if score(edge) > -z else brentq(lambda d: max(score(d), -1e6) + z, centre, edge, xtol=1e-13)
    return float(low), float(high)


def _proportions(a, b, among, codes, level, test) -> dict:
    n = int(among.sum())
    value_a, value_b = a[among].sum() / n, b[among].sum() / n
    row = {"value_a": value_a, "value_b": value_b, "difference": value_a - value_b, "note": ""}
    if codes is None:
        favour_a, favour_b = int((a & ~b & among).sum()), int((b & ~a & among).sum())
        low, high = tango_limits(favour_a, favour_b, n, level=level)
        statistic, p_value = mcnemar_p(favour_a, favour_b, test=test)
        note = "" if favour_a + favour_b else "the tests never disagree here"
        return row | {
            "low": low, "high": high, "statistic": statistic, "p_value": p_value, "test": MCNEMAR[test],
            "interval": TANGO, "note": note,
        }  # fmt: skip
    influence = among * ((a.astype(float) - b) - row["difference"]) / n
    se = float(np.sqrt(cluster_covariance(influence, codes)[0, 0]))
    return row | _wald_row(row["difference"], se, level)


def _wald_row(difference: float, se: float, level: float) -> dict:
    named = {"test": "Wald, linearised variance by patient (doi:10.2307/1402588)", "interval": "Wald by patient"}
    if not se > 0:
        note = "no variation between patients, so neither interval nor test"
        return {"low": np.nan, "high": np.nan, "statistic": np.nan, "p_value": np.nan, "note": note} | named
    half = normal_quantile(level) * se
    z = difference / se
    limits = {"low": max(difference - half, -1.0), "high": min(difference + half, 1.0)}
    return limits | {"statistic": z**2, "p_value": float(2 * ndtr(-abs(z)))} | named


def _likelihood_ratios(truth, a, b, codes, level) -> dict:
    """Ratio of the likelihood ratios of two tests; for LR- the calls are turned round."""
    shares = {}
    influence = np.zeros(truth.size)
    broken = False
    for sign_test, called, name in ((1, a, "value_a"), (-1, b, "value_b")):
        inside, outside = called[truth].mean(), called[~truth].mean()
        shares[name] = inside / outside if outside > 0 else np.nan
        broken |= not (inside > 0 and outside > 0)
        for sign, member, share in ((1, truth, inside), (-1, ~truth, outside)):
            if share > 0:
                influence += sign_test * sign * member * (called - share) / (share * member.sum())
    row = {**shares, "difference": np.nan, "low": np.nan, "high": np.nan}
    named = {"test": "Wald on the log ratio (doi:10.1093/biostatistics/kxn025)", "interval": "log scale"}
    if broken:
        note = "a likelihood ratio is 0 or infinite, so the ratio has no interval"
        return row | named | {"statistic": np.nan, "p_value": np.nan, "note": note}
    return row | named | ratio_of(shares["value_a"], shares["value_b"], influence, codes, level)

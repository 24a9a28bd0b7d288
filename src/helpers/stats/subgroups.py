"""Does the model work equally well in every subgroup? One measure of one model, by subgroup, with its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import checks
from helpers.stats.families import holm
from helpers.stats.intervals import Estimate
from helpers.stats.resampling import patient_codes, repeats
from helpers.stats.subgroup_cases import MEASURES, NEEDED, Cases
from helpers.stats.subgroup_tests import Gap, detectable, differences, heterogeneity, interaction, widest_gap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Events and non-events (of those the measure uses) below which a subgroup is not estimated. With 8 of the rarer
# outcome the logit interval of the AUC covers and the heterogeneity test keeps its size; with 5 they no longer do
# when the AUC is 0.9 (`tests/test_subgroups.py` measures it).
MINIMUM = 8
UNKNOWN = "not recorded"
LEVELS = 12  # distinct numbers beyond which a column was surely not meant as groups


@dataclass(frozen=True)
class Subgroups:
    """A measure in declared subgroups; see `subgroups`.

    Attributes
    ----------
    measure : str
        What was estimated.
    overall : Estimate
        In all cases.
    table : DataFrame
        One row a subgroup.
    interaction : DataFrame
        One row a variable and test: `variable, test, statistic, df, p_value, p_holm, detectable`. `df` is 0 where
        fewer than two levels were large enough. `detectable` is the smallest difference in AUC between any two
        levels that this size would show with 80 % power (AUC only).
    differences : DataFrame
        One row a level but the one with most cases: `variable, level, reference, difference, low, high`; a ratio for
        O:E.
    gap : Gap or None
        The widest gap in AUC beside those of chance (AUC only).
    minimum : int
        Events and non-events that a subgroup needs.
    n, events, patients : int
        Of all cases.
    threshold : float or None
    """

    measure: str
    overall: Estimate
    table: pd.DataFrame
    interaction: pd.DataFrame
    differences: pd.DataFrame
    gap: Gap | None
    minimum: int
    n: int
    events: int
    patients: int
    threshold: float | None = None

    def frame(self) -> pd.DataFrame:
        """One row a subgroup, the first for all cases.

        Columns: `variable, level, n, events, patients, value, low, high, estimated, note`. Subgroups that are too
        small have no value, and the note says so. Cases without a value of the variable are the level
        "not recorded", which no test compares.
        """
        return self.table.copy()

    @property
    def methods(self) -> str:
        """How the subgroups were compared, in a sentence."""
        at = "" if self.threshold is None else f" at the threshold {self.threshold:.4g}"
        small = int((~self.table["estimated"]).sum())
        left = f"; {small} smaller ones are shown without an estimate" if small else ""
        return (
            f"{MEASURES[self.measure]}{at} in {len(self.table) - 1} declared subgroups of {self.n:,} cases with "
            f"{self.events:,} events, estimated where at least {self.minimum} {NEEDED[self.measure]} were there{left}; "
            "subgroups are compared by tests of heterogeneity, not by whether their own interval excludes a value "
            "(doi:10.1136/bmj.c117), Holm-corrected over variables within each test."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the forest plot: subgroups with n, events and interval, and a line at the overall value."""
        from helpers.stats.subgroups_plot import draw

        return draw(self, ax)


def subgroups(
    frame: pd.DataFrame,
    *,
    by: Sequence[str] | Mapping[str, str],
    measure: str = "auc",
    threshold: float | None = None,
    label: str = "label",
    risk: str = "risk",
    patient_id: str | None = "patient_id",
    minimum: int = MINIMUM,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Subgroups:
    """Estimate a measure in declared subgroups and test whether they differ.

    AUC with the logit interval of DeLong (or Obuchowski), in all cases the `auto` interval of `auc`; sensitivity and
    specificity with Wilson's, O:E with that of Debray et al. Two tests a variable: heterogeneity of the measure
    (chi-square on the differences of logit AUC or log O:E, k - 1 df; for sensitivity and specificity of independent
    cases Fisher's exact test), and for the AUC whether the effect of logit(risk) on the outcome differs between the
    levels (logistic regression, Wald).
    Why to test interactions: Altman and Bland (2003), doi:10.1136/bmj.326.7382.219.

    Parameters
    ----------
    frame : DataFrame
        One row a case.
    by : sequence of str or mapping
        Columns that define subgroups, declared beforehand; a mapping gives the names to print. Continuous
        variables must have been cut at declared values.
    measure : str
        "auc", "sensitivity", "specificity" or "observed_expected".
    threshold : float, optional
        Frozen threshold, needed for sensitivity and specificity (positive when risk >= threshold).
    label, risk, patient_id : str
        Columns; `patient_id` may be None or absent when every row is a patient.
    minimum : int
        Events and non-events (for sensitivity events, for specificity non-events) that a subgroup needs to get an
        estimate.
    level : float
        Of the intervals.
    draws, seed : int
        Of the widest gap by chance; see `subgroup_tests.widest_gap`.

    Returns
    -------
    Subgroups

    Raises
    ------
    ValueError
        A column is absent, a label or risk is wrong, one class is absent, or a threshold is missing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"sex": rng.choice(["f", "m"], 200), "risk": rng.random(200)})
    >>> data["label"] = (rng.random(200) < data["risk"]).astype(int)
    >>> result = subgroups(data, by=["sex"])
    >>> result.frame()[["variable", "level", "n", "events"]].to_dict("split")["data"]
    [['all', 'all', 200, 104], ['sex', 'f', 89, 47], ['sex', 'm', 111, 57]]
    """
    if measure not in MEASURES:
        raise ValueError(f"measure: {measure!r} is not one of {', '.join(MEASURES)}")
    if measure in ("sensitivity", "specificity") and threshold is None:
        raise ValueError(f"threshold: {measure} needs one, frozen before")
    names = dict(by) if isinstance(by, Mapping) else {name: name for name in by}
    for column in (label, risk, *names):
        if column not in frame.columns:
            raise ValueError(f"by: the column {column!r} is not in the table")
    if not names:
        raise ValueError("by: at least one column")
    if minimum < 2:
        raise ValueError(f"minimum: at least 2 is needed, found {minimum!r}")
    y = checks.labels(frame[label])
    score = checks.scores(frame[risk], len(y), probability=measure == "observed_expected")
    events, _ = checks.both_classes(y)
    who = frame[patient_id].to_numpy() if patient_id in frame.columns else None
    who = who if repeats(who, len(y)) else None
    cut = float(threshold) if measure in ("sensitivity", "specificity") else None
    cases = Cases(y, score, who, measure, cut, checks.check_level(level))

    everyone = np.ones(len(y), dtype=bool)
    rows = [_row(cases, "all", "all", everyone, cases.estimate(everyone), "")]
    groups: dict[str, dict] = {}
    for column, name in names.items():
        groups[name] = {}
        for value, inside in levels(frame[column]):
            enough = cases.size(inside) >= minimum
            note = "" if enough else f"too small: fewer than {minimum} {NEEDED[measure]}"
            estimate = cases.estimate(inside) if enough else None
            rows.append(_row(cases, name, value, inside, estimate, note))
            if enough and value != UNKNOWN:
                groups[name][value] = (inside, estimate)
    compared = [(name, *one) for name, parts in groups.items() for one in differences(cases, parts)]
    return Subgroups(
        measure,
        cases.estimate(everyone),
        pd.DataFrame(rows),
        with_holm(pd.DataFrame([test for name, parts in groups.items() for test in _tests(cases, name, parts)])),
        pd.DataFrame(compared, columns=["variable", "level", "reference", "difference", "low", "high"]),
        widest_gap(cases, groups, draws=draws, seed=seed) if measure == "auc" else None,
        minimum,
        len(y),
        events,
        patient_codes(who, len(y))[1],
        cut,
    )


def levels(column: pd.Series) -> list[tuple[str, np.ndarray]]:
    """Levels of a column that occur, in declared order, each with its rows; the last one for missing values.

    Parameters
    ----------
    column : Series

    Returns
    -------
    list of (str, ndarray of bool)

    Raises
    ------
    ValueError
        If the column holds many numbers: a continuous variable is not cut silently.

    Examples
    --------
    >>> [(name, rows.tolist()) for name, rows in levels(pd.Series(["b", None, "a"]))]
    [('a', [False, False, True]), ('b', [True, False, False]), ('not recorded', [False, True, False])]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = list(column.cat.categories)
    else:
        values = sorted(column.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
    if len(values) > LEVELS and not all(isinstance(value, str) for value in values):
        raise ValueError(f"by: {column.name!r} has {len(values)} levels; cut it at declared values first")
    found = [(str(value), (column == value).fillna(False).to_numpy(dtype=bool)) for value in values]
    found.append((UNKNOWN, column.isna().to_numpy(dtype=bool)))
    return [(name, inside) for name, inside in found if inside.any()]


def with_holm(tests: pd.DataFrame, *, within: Sequence[str] = ("test",)) -> pd.DataFrame:
    """Add Holm's P over each family of tests.

    A variable whose levels were too small was left out by counts alone, before any risk was looked at, so it is no
    member (`df` 0); one whose test failed on the risks is.

    Parameters
    ----------
    tests : DataFrame
        With `df` and `p_value`.
    within : sequence of str
        Columns that define a family.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> tests = pd.DataFrame({"test": "t", "df": [1, 1, 0], "p_value": [0.01, 0.04, np.nan]})
    >>> with_holm(tests)["p_holm"].tolist()
    [0.02, 0.04, nan]
    """
    out = tests.assign(p_holm=np.nan)
    for _, part in out[out["df"] > 0].groupby(list(within), sort=False):
        out.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy())
    return out


def _row(cases: Cases, name: str, value: str, inside: np.ndarray, estimate: Estimate | None, note: str) -> dict:
    who = None if cases.patient_id is None else cases.patient_id[inside]
    n = int(inside.sum())
    row = {"variable": name, "level": value, "n": n, "events": int(cases.y[inside].sum())}
    row |= {"patients": patient_codes(who, n)[1], "value": np.nan, "low": np.nan, "high": np.nan}
    if estimate is not None:
        row |= {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        note = estimate.note if cases.measure == "auc" else note
    return row | {"estimated": estimate is not None, "note": note}


def _tests(cases: Cases, name: str, parts: dict) -> list[dict]:
    """Heterogeneity of the measure and, for the AUC of risks, interaction of the risk with the variable."""
    columns = ("variable", "test", "statistic", "df", "p_value", "detectable")
    first = f"heterogeneity of {MEASURES[cases.measure]}"
    masks = [inside for inside, _ in parts.values()]
    if len(masks) < 2:
        return [dict(zip(columns, (name, first, np.nan, 0, np.nan, np.nan)))]
    reach = detectable(cases, masks) if cases.measure == "auc" else np.nan
    made = heterogeneity(cases, masks, [estimate for _, estimate in parts.values()])
    rows = [dict(zip(columns, (name, first, *made, reach)))]
    if cases.measure == "auc" and cases.risk.min() >= 0 and cases.risk.max() <= 1:  # a score has no logit
        rows.append(dict(zip(columns, (name, "interaction with logit(risk)", *interaction(cases, masks), np.nan))))
    return rows

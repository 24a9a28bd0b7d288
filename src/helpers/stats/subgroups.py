"""Does the model work equally well in every subgroup? Estimates by subgroup, interaction tests, a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from helpers.data.group_tests import fisher_test
from helpers.stats import checks, logistic
from helpers.stats.auc import auc
from helpers.stats.calibration import observed_expected
from helpers.stats.delong import placements
from helpers.stats.families import holm
from helpers.stats.intervals import Estimate, clustered_proportion, proportion
from helpers.stats.resampling import bootstrap_counts, patient_codes, repeats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "observed_expected": "O:E",
}
MINIMUM = 10  # events and non-events (of those the measure uses) below which a subgroup is not estimated
RESAMPLES = 500  # for the covariance of subgroups that share patients


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
        One row a variable and test: `variable, test, statistic, df, p_value, p_holm`.
    minimum : int
        Events and non-events that a subgroup needs.
    n, events, patients : int
        Of all cases.
    """

    measure: str
    overall: Estimate
    table: pd.DataFrame
    interaction: pd.DataFrame
    minimum: int
    n: int
    events: int
    patients: int
    threshold: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row a subgroup, the first for all cases.

        Columns: `variable, level, n, events, patients, value, low, high, estimated, note`. Subgroups that are too
        small have no value, and the note says so.
        """
        return self.table.copy()

    @property
    def methods(self) -> str:
        """How the subgroups were compared, in a sentence."""
        at = "" if self.threshold is None else f" at the threshold {self.threshold:g}"
        small = int((~self.table["estimated"]).sum())
        left = f"; {small} smaller ones are shown without an estimate" if small else ""
        return (
            f"{MEASURES[self.measure]}{at} in {len(self.table) - 1} declared subgroups of {self.n:,} cases with "
            f"{self.events:,} events, estimated where at least {self.minimum} of the cases that the measure needs "
            f"were there{left}; subgroups are compared by interaction tests, not by whether their own interval "
            "excludes a value (doi:10.1136/bmj.c117), Holm-corrected over variables within each test."
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
    seed: int = 0,
) -> Subgroups:
    """Estimate a measure in declared subgroups and test whether they differ.

    Two tests a variable: heterogeneity of the measure (chi-square on the differences, k - 1 df; for two subgroups
    the square of z; for sensitivity and specificity of independent cases Fisher's exact test), and whether the
    effect of logit(risk) on the outcome differs between the levels (logistic regression with interaction, Wald).

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
        Events and non-events (for sensitivity events, for specificity non-events, for O:E events) that a subgroup
        needs to be estimated.
    level : float
        Of the intervals.
    seed : int
        For the covariance between subgroups that share patients.

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
    data = _Data(y, score, who, measure, None if threshold is None else float(threshold), checks.check_level(level))

    everyone = np.ones(len(y), dtype=bool)
    overall = data.estimate(everyone)
    rows, tests = [data.row("all", "all", everyone, overall, "")], []
    for column, name in names.items():
        groups = {}
        for value, inside in _levels(frame[column]):
            enough = data.size(inside) >= minimum
            note = "" if enough else f"too small: fewer than {minimum} {data.needed()}"
            estimate = data.estimate(inside) if enough else None
            rows.append(data.row(name, value, inside, estimate, note))
            if enough:
                groups[value] = (inside, estimate)
        tests += data.tests(name, groups, seed)
    interaction = pd.DataFrame(tests, columns=["variable", "test", "statistic", "df", "p_value"])
    interaction["p_holm"] = np.nan
    for _, part in interaction.dropna(subset=["p_value"]).groupby("test"):
        interaction.loc[part.index, "p_holm"] = holm(part["p_value"].to_numpy())
    return Subgroups(
        measure,
        overall,
        pd.DataFrame(rows),
        interaction,
        minimum,
        len(y),
        events,
        patient_codes(who, len(y))[1],
        data.threshold,
        names,
    )


@dataclass(frozen=True)
class _Data:
    """The cases, and how to estimate the measure in a part of them."""

    y: np.ndarray
    risk: np.ndarray
    who: np.ndarray | None
    measure: str
    threshold: float | None
    level: float

    def size(self, inside: np.ndarray) -> int:
        """How many cases the measure rests on."""
        events = int(self.y[inside].sum())
        others = int(inside.sum()) - events
        return {"auc": min(events, others), "specificity": others}.get(self.measure, events)

    def needed(self) -> str:
        return {"auc": "events or non-events", "specificity": "non-events"}.get(self.measure, "events")

    def estimate(self, inside: np.ndarray) -> Estimate:
        y, risk = self.y[inside], self.risk[inside]
        who = None if self.who is None else self.who[inside]
        if self.measure == "auc":
            result = auc(y, risk, patient_id=who, level=self.level, interval="logit")
            return Estimate(result.value, result.low, result.high, result.se, self.level)
        if self.measure == "observed_expected":
            return observed_expected(y, risk, patient_id=who, level=self.level)
        hit, among = self._hits(y, risk)
        if who is None:
            return proportion(int((hit & among).sum()), int(among.sum()), level=self.level)
        return clustered_proportion(hit, who, among=among, level=self.level)

    def _hits(self, y: np.ndarray, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        positive = risk >= self.threshold
        return (positive, y) if self.measure == "sensitivity" else (~positive, ~y)

    def point(self, y: np.ndarray, risk: np.ndarray) -> float:
        """The measure alone, on the scale on which it is compared; NaN where it is not defined."""
        if self.measure == "auc":
            return placements(y, risk)[0] if y.any() and not y.all() else np.nan
        if self.measure == "observed_expected":
            return float(np.log(y.sum() / risk.sum())) if y.any() else np.nan
        hit, among = self._hits(y, risk)
        return float(hit[among].mean()) if among.any() else np.nan

    def row(self, name: str, value: str, inside: np.ndarray, estimate: Estimate | None, note: str) -> dict:
        who = None if self.who is None else self.who[inside]
        numbers = (estimate.value, estimate.low, estimate.high) if estimate else (np.nan,) * 3
        n = int(inside.sum())
        head = {"variable": name, "level": value, "n": n, "events": int(self.y[inside].sum())}
        head["patients"] = patient_codes(who, n)[1] if n else 0
        return {**head, **dict(zip(("value", "low", "high"), numbers)), "estimated": estimate is not None, "note": note}

    def tests(self, name: str, groups: dict, seed: int) -> list[tuple]:
        """Heterogeneity of the measure, and interaction of the risk with the variable."""
        heterogeneity = f"heterogeneity of {MEASURES[self.measure]}"
        if len(groups) < 2:
            return [(name, heterogeneity, np.nan, 0, np.nan)]
        masks = [inside for inside, _ in groups.values()]
        if self.measure in ("sensitivity", "specificity") and self.who is None:
            rows = [(name, heterogeneity, *self._table_test(masks))]
            return rows + self._interaction_rows(name, masks)
        points = np.array([self.point(self.y[inside], self.risk[inside]) for inside in masks])
        covariance = self._covariance(masks, [estimate for _, estimate in groups.values()], seed)
        rows = [(name, heterogeneity, *_wald(np.diff(points), _contrast(covariance)))]
        return rows + self._interaction_rows(name, masks)

    def _interaction_rows(self, name: str, masks: list[np.ndarray]) -> list[tuple]:
        if self.risk.min() < 0 or self.risk.max() > 1:
            return []  # a score has no logit
        return [(name, "interaction with logit(risk)", *self._interaction(masks))]

    def _table_test(self, masks: list[np.ndarray]) -> tuple[float, int, float]:
        """Fisher's exact test of hits by subgroup; a Wald test fails where a proportion is 0 or 1."""
        hit, among = self._hits(self.y, self.risk)
        table = np.array([[np.sum(hit & among & m), np.sum(~hit & among & m)] for m in masks])
        return np.nan, len(masks) - 1, fisher_test(table)[0]

    def _covariance(self, masks: list, estimates: list[Estimate], seed: int) -> np.ndarray:
        """Between the subgroups' estimates: diagonal unless patients appear in several of them."""
        shared = self.who is not None and len(np.unique(np.concatenate([np.unique(self.who[m]) for m in masks]))) < sum(
            len(np.unique(self.who[m])) for m in masks
        )
        if not shared:
            se = np.array([estimate.se for estimate in estimates])
            se[se == 0] = np.nan  # an AUC of 1 has no known variance: no test, rather than a wrong one
            if self.measure == "observed_expected":
                se = se / np.array([estimate.value for estimate in estimates])
            return np.diag(se**2)
        drawn = np.full((RESAMPLES, len(masks)), np.nan)
        resamples = bootstrap_counts(self.y, patient_id=self.who, resamples=RESAMPLES, seed=seed)
        for row, counts in zip(drawn, resamples):
            for k, inside in enumerate(masks):
                times = counts[inside]
                row[k] = self.point(np.repeat(self.y[inside], times), np.repeat(self.risk[inside], times))
        return np.cov(drawn[~np.isnan(drawn).any(axis=1)], rowvar=False)

    def _interaction(self, masks: list[np.ndarray]) -> tuple[float, int, float]:
        rows = np.any(masks, axis=0)
        x, y = logistic.logit_risk(self.risk[rows])[0], self.y[rows]
        group = np.column_stack([inside[rows] for inside in masks]).astype(float)
        design = np.column_stack([group, x, x[:, None] * group[:, 1:]])
        fitted = logistic.fit(y, design, patient_id=None if self.who is None else self.who[rows])
        k = group.shape[1] - 1
        return _wald(fitted.coefficient[-k:], fitted.covariance[-k:, -k:])


def _levels(column: pd.Series) -> list[tuple[str, np.ndarray]]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = list(column.cat.categories)
    else:
        values = sorted(column.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
    if len(values) > 12:
        raise ValueError(f"by: {column.name!r} has {len(values)} levels; cut it at declared values first")
    return [(str(value), (column == value).fillna(False).to_numpy(dtype=bool)) for value in values]


def _contrast(covariance: np.ndarray) -> np.ndarray:
    """Covariance of the successive differences."""
    step = np.diff(np.eye(len(covariance)), axis=0)
    return step @ covariance @ step.T


def _wald(difference: np.ndarray, covariance: np.ndarray) -> tuple[float, int, float]:
    """Chi-square, degrees of freedom and P of differences being 0; NaN where their variance is not known."""
    df = len(difference)
    if not (np.isfinite(difference).all() and np.isfinite(covariance).all()) or np.linalg.matrix_rank(covariance) < df:
        return np.nan, df, np.nan
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    return statistic, df, float(chdtrc(df, statistic))

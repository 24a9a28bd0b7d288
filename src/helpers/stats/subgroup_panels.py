"""Subgroups of a whole study: every model and measure over the declared subgroups, with one family of tests each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.stats.delong import placements
from helpers.stats.models import Panel
from helpers.stats.subgroup_cases import MEASURES, NEEDED
from helpers.stats.subgroup_tests import LARGE, Gap
from helpers.stats.subgroups import MINIMUM, Subgroups, levels, subgroups, with_holm
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 3  # models that one figure shows beside each other
CENTER = "Centre"
SHARES = ("sensitivity", "specificity")
INTERVALS = {
    "auc": "AUC with logit intervals of DeLong (doi:10.2307/2531595; by patient where patients repeat), in all cases "
    "together the interval of the chapter on discrimination",
    "sensitivity": "sensitivity at each model's frozen threshold, with Wilson's intervals",
    "specificity": "specificity at each model's frozen threshold, with Wilson's intervals",
    "observed_expected": "O:E of the risks as they are, with intervals on the log scale (doi:10.1136/bmj.i6460)",
}


@dataclass(frozen=True)
class Forest:
    """One measure in the same subgroups for several models on the same cases.

    Parameters
    ----------
    split : str
        What a reader calls the split.
    results : dict of str to Subgroups
        By model.
    uniform : tuple of str
        Declared variables of which these cases have one level only, so that there is nothing to compare.
    """

    split: str
    results: dict[str, Subgroups]
    uniform: tuple[str, ...] = ()

    @property
    def first(self) -> Subgroups:
        """The first model's; counts and levels are the same for all."""
        return next(iter(self.results.values()))

    @property
    def measure(self) -> str:
        """What was estimated."""
        return self.first.measure

    @property
    def gaps(self) -> dict[str, Gap]:
        """The widest gap in AUC of each model that has one."""
        return {name: result.gap for name, result in self.results.items() if result.gap is not None}

    def only(self, names: Sequence[str]) -> Forest:
        """The same for some of the models: they are then the family of tests."""
        return replace(self, results={name: self.results[name] for name in names})

    def frame(self) -> pd.DataFrame:
        """One row a model and subgroup: `split, model, measure`, then as `Subgroups.frame`."""
        parts = [result.frame().assign(model=name) for name, result in self.results.items()]
        table = pd.concat(parts, ignore_index=True).assign(split=self.split, measure=self.measure)
        return table[["split", "model", "measure", *table.columns.drop(["split", "model", "measure"])]]

    def tests(self) -> pd.DataFrame:
        """One row a model, variable and test; Holm's P over all models and variables of a test."""
        parts = [result.interaction.assign(model=name) for name, result in self.results.items()]
        table = with_holm(pd.concat(parts, ignore_index=True)).assign(split=self.split, measure=self.measure)
        return table[["split", "model", "measure", *table.columns.drop(["split", "model", "measure"])]]

    def heterogeneity(self) -> pd.DataFrame:
        """The tests of the measure itself, one row a model and variable."""
        table = self.tests()
        return table[table["test"].str.startswith("heterogeneity")].reset_index(drop=True)

    def differences(self) -> pd.DataFrame:
        """One row a model and level but the one with most cases, with the test of its variable.

        `split, model, measure, variable, level, reference, difference, low, high, p_value, p_holm, detectable`.
        """
        parts = [result.differences.assign(model=name) for name, result in self.results.items()]
        tests = self.heterogeneity().drop(columns=["test", "statistic", "df"])
        table = pd.concat(parts, ignore_index=True).merge(tests, on=["model", "variable"], how="left")
        first = ["split", "model", "measure", "variable", "level", "reference", "difference", "low", "high"]
        return table[[*first, "p_value", "p_holm", "detectable"]]

    @property
    def size(self) -> str:
        """What the estimates rest on: the split with its cases, patients and events."""
        one = self.first
        whose = f" of {one.patients:,} patients" if one.patients < one.n else ""
        return f"{self.split}: {one.n:,} cases{whose}, {one.events:,} events"

    @property
    def test(self) -> str:
        """Which test compares all levels of a variable."""
        one = self.first
        if self.measure not in SHARES:
            return f"chi-square of the {'logit AUCs' if self.measure == 'auc' else 'logarithms of O:E'}"
        if one.patients < one.n:
            return "chi-square of the shares, robust by patient"
        return "Fisher's exact test" + (
            f" (chi-square where {LARGE:,} are expected in every cell)" if one.n > LARGE else ""
        )

    @property
    def methods(self) -> str:
        """How the subgroups were estimated and compared, in sentences."""
        left = f" With one level only, and so left out: {', '.join(self.uniform)}." if self.uniform else ""
        return (
            f"{upper(INTERVALS[self.measure])}; heterogeneity by {self.test}. {self.size}. "
            f"A subgroup with fewer than {self.first.minimum} {NEEDED[self.measure]} gets no number. Subgroups were "
            "declared in study.yaml; continuous covariates were not cut. Differences, not significance within a "
            "subgroup, are tested (doi:10.1136/bmj.326.7382.219), Holm-corrected over all variables of "
            f"{models_text(len(self.results))}.{left}"
        )

    def plot(self) -> Figure:
        """One panel a model over the same rows: counts, estimate with interval, P of each variable."""
        from helpers.stats.subgroups_plot import forests, heading

        headings: dict[str, dict[str, str]] = {name: {} for name in self.results}
        for row in self.heterogeneity().itertuples():
            headings[row.model][row.variable] = heading(row.df, row.p_value, row.p_holm)
        return forests(self.results, headings=headings)


def declared(study: Study) -> dict[str, str]:
    """Columns that define subgroups and the names to print, as `study.yaml` declares them.

    Parameters
    ----------
    study : Study
        Without `subgroups` all categorical covariates and the centre.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from helpers.data.study import from_text
    >>> text = '''{name: a, title: A, question: B, source: {kind: own}, chapters: [subgroups],
    ...  outcome: {name: c, positive: p, negative: n, reference_standard: h},
    ...  covariates: [{name: sex, label: Sex, levels: [f, m]}, {name: age, label: Age, type: continuous}]}'''
    >>> declared(from_text(text))
    {'sex': 'Sex', 'center': 'Centre'}
    """
    known = {c.name: c.label for c in study.covariates if c.type == "categorical"} | {"center": CENTER}
    return {name: known[name] for name in study.subgroups or known}


def drawn(names: Sequence[str], *, chooser: Panel | None, baseline: str) -> list[str]:
    """Models to draw and to test, at most three: the clinical baseline and the best of the others.

    No judged label plays a part in it: the best models have the highest AUC on the cases that choose thresholds.

    Parameters
    ----------
    names : sequence of str
        All models, in their order.
    chooser : Panel or None
        Cases on which choices are made; without it the others stay in their order.
    baseline : str
        Name of the clinical model.

    Returns
    -------
    list of str

    Examples
    --------
    >>> drawn(["image", "video", "both", "clinical"], chooser=None, baseline="clinical")
    ['clinical', 'image', 'video']
    """
    others = [name for name in names if name != baseline]
    if chooser is not None:
        aucs = {name: placements(chooser.label > 0, chooser.risks[name])[0] for name in others}
        others = sorted(others, key=lambda name: -aucs[name])
    return [*(name for name in names if name == baseline), *others][:DRAWN]


def join(part: Panel, cohort: pd.DataFrame, columns: Sequence[str], *, by_patient: bool = False) -> pd.DataFrame:
    """Put the subgroups of the cohort table beside the judged cases.

    Parameters
    ----------
    part : Panel
    cohort : DataFrame
        From `helpers.data.cohort.read`.
    columns : sequence of str
    by_patient : bool
        The predictions have one row a patient (`voting`); a patient whose cases differ has no value.

    Returns
    -------
    DataFrame
        `patient_id, label` and the columns, in the order of the panel.

    Raises
    ------
    StudyError
        If a judged case is not in the cohort.

    Examples
    --------
    >>> import numpy as np
    >>> part = Panel("test", np.array([0, 1]), np.array(["P1", "P2"]), np.array(["C1", "C2"]), {})
    >>> cohort = pd.DataFrame({"case_id": ["C2", "C1"], "patient_id": ["P2", "P1"], "sex": ["f", "m"]})
    >>> join(part, cohort, ["sex"])["sex"].tolist()
    ['m', 'f']
    """
    columns = list(columns)
    if by_patient:
        same = cohort.groupby("patient_id")[columns].transform("nunique") == 1
        known = cohort[columns].where(same & cohort[columns].notna()).assign(patient_id=cohort["patient_id"])
        known, wanted, what = known.drop_duplicates("patient_id").set_index("patient_id"), part.patient_id, "patient"
    else:
        known, wanted, what = cohort.set_index("case_id")[columns], part.case_id, "case"
    absent = [one for one in wanted if one not in known.index]
    if absent:
        message = f"the {what} {absent[0]!r} has a prediction but no row here"
        raise StudyError(message, file="cohort.csv", column=f"{what}_id", fix="use the same identifiers in both tables")
    found = known.loc[list(wanted)].reset_index(drop=True)
    return found.assign(patient_id=part.patient_id, label=part.label)


def all_forests(
    part: Panel,
    cohort: pd.DataFrame,
    study: Study,
    frozen: Mapping[str, Threshold],
    *,
    minimum: int = MINIMUM,
    draws: int = 2000,
) -> dict[str, Forest]:
    """Every measure of every model over the declared subgroups.

    Parameters
    ----------
    part : Panel
    cohort : DataFrame
    study : Study
    frozen : mapping of model to Threshold
    minimum : int
        Events and non-events a subgroup needs.
    draws : int
        Of the widest gap by chance.

    Returns
    -------
    dict of str to Forest
        By measure, in the order of `subgroup_cases.MEASURES`.
    """
    names = declared(study)
    rows = join(part, cohort, list(names), by_patient=study.voting is not None)
    uniform = [name for name in names if len(levels(rows[name])) < 2]
    by = {name: label for name, label in names.items() if name not in uniform} or names
    forests = {}
    for measure in MEASURES:
        results = {
            model: subgroups(
                rows.assign(risk=risk),
                by=by,
                measure=measure,
                threshold=float(frozen[model]),
                minimum=minimum,
                draws=draws,
            )
            for model, risk in part.risks.items()
        }
        forests[measure] = Forest(part.title, results, tuple(names[name] for name in uniform))
    return forests


def models_text(count: int) -> str:
    """How many models there are, in words.

    Examples
    --------
    >>> models_text(1), models_text(3)
    ('1 model', '3 models')
    """
    return f"{count} model{'s' * (count != 1)}"


def upper(text: str) -> str:
    """Text with a capital at its start."""
    return text[:1].upper() + text[1:]

"""Is a study large enough? What its cohort has, set beside what the criteria ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.stats.sample_size import development_size, pilot_banner, validation_size

EXPECTED_AUC = 0.75  # what published models of occult metastasis reach; a larger one would ask for fewer patients
COLUMNS = ["purpose", "patients", "criterion", "available", "needed", "events_available", "events_needed"]
DEVELOP, VALIDATE = "develop a regression", "validate any model"


@dataclass(frozen=True)
class StudySize:
    """What is there and what would be needed.

    Attributes
    ----------
    table : DataFrame
    methods : str
    sentence : str
        For the summary of the chapter.
    banner : str
        Text of the banner of a pilot, a line a group of patients; empty when every criterion is met.
    """

    table: pd.DataFrame
    methods: str
    sentence: str
    banner: str

    def frame(self) -> pd.DataFrame:
        """One row a criterion and group of patients.

        Columns: `purpose, patients, criterion, available, needed, events_available, events_needed, enough`.
        """
        return self.table.copy()


def parameters_of(predictors: Sequence[Any]) -> int:
    """Candidate parameters: one a number, one less than its levels a category.

    Examples
    --------
    >>> parameters_of([{"type": "continuous", "levels": ()}, {"type": "categorical", "levels": ("a", "b", "c")}])
    3
    """
    total = 0
    for one in predictors:
        kind = one["type"] if isinstance(one, dict) else one.type
        levels = one["levels"] if isinstance(one, dict) else one.levels
        total += 1 if kind == "continuous" else max(len(levels) - 1, 1)
    return total


def assess(
    cases: pd.DataFrame,
    *,
    predictors: Sequence[Any],
    judged: str = "test",
    auc: float = EXPECTED_AUC,
    unit: str = "case",
) -> StudySize:
    """Set the patients of every split beside the criteria that concern them.

    The regression is fitted to the training patients alone (tuning patients choose thresholds), and every model is
    validated in each judged split apart: test patients and external patients answer different questions, so they are
    not added up. Patients are counted, as they are independent: one has the outcome when any of its cases has it.

    Parameters
    ----------
    cases : DataFrame
        The cohort table, with `split, patient_id, label`.
    predictors : sequence
        Covariates of the clinical model.
    judged : str
        `test`, `external`, or `oof`: then the training patients are judged too, out of fold. External patients are
        always judged.
    auc : float
        AUC that is expected, in (0.5, 1).
    unit : str
        What a row is called; the banner counts rows too where a patient has several.

    Returns
    -------
    StudySize

    Raises
    ------
    ValueError
        If patients are all of one class, or `judged` is unknown.

    Examples
    --------
    >>> rows = [(f"{split}{i}", split, int(i % 4 == 0)) for split in ("train", "test") for i in range(80)]
    >>> cases = pd.DataFrame(rows, columns=["patient_id", "split", "label"])
    >>> size = assess(cases, predictors=[{"type": "continuous", "levels": ()}])
    >>> size.frame().groupby(["purpose", "patients"])["available"].first().to_dict()
    {('develop a regression', 'training'): 80, ('validate any model', 'test'): 80}
    >>> size.sentence
    'It is a pilot: its 80 training and 80 test patients are fewer than the criteria of sample size ask for.'
    """
    if judged not in ("test", "external", "oof"):
        raise ValueError(f"judged: test, external or oof is needed, not {judged!r}")
    patients = cases.groupby("patient_id").agg(split=("split", "first"), label=("label", "max"))
    groups = {"training": "train", "test": "test", "external": "external"}
    parts = {title: patients[patients["split"] == split] for title, split in groups.items()}
    validated = {"training" if judged == "oof" else judged, "external"}
    count = parameters_of(predictors)
    rows, methods, banners = [], [], []
    for title, part in parts.items():
        develops = count > 0 and title == "training"
        if part.empty or not (develops or title in validated):
            continue
        share = _share(part)
        if develops:
            needed = development_size(parameters=count, prevalence=share, c_statistic=auc)
            rows += [(DEVELOP, title, *row) for row in _rows(needed, part)]
            methods.append(f"Development, {title} patients. {needed.methods}")
        if title in validated:
            needed = validation_size(prevalence=share, c_statistic=auc)
            rows += [(VALIDATE, title, *row) for row in _rows(needed, part)]
            methods.append(f"Validation, {title} patients. {needed.methods}")
        about = {"parameters": count if develops else None, "validation": title in validated}
        rows_of = cases[cases["split"] == groups[title]]
        among = f"{title} patients"
        if len(rows_of) > len(part):
            among += f" ({int(rows_of['label'].sum()):,} among their {len(rows_of):,} {unit}s)"
        said = pilot_banner(n=len(part), events=int(part["label"].sum()), auc=auc, among=among, **about)
        banners += [said] if said else []
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["enough"] = table["available"] >= table["needed"]
    if cases["patient_id"].duplicated().any():
        methods.append(f"Counted in patients; one has the outcome when any of its {unit}s has it.")
    return StudySize(table, " ".join(methods), _sentence(table), "\n".join(banners))


def _sentence(table: pd.DataFrame) -> str:
    """A short word on the criteria, from the very column that the table shows."""
    short = table[~table["enough"]].drop_duplicates("patients")
    if short.empty:
        return "The study meets every criterion of sample size for development and validation."
    groups = [f"{row.available:,} {row.patients}" for row in short.itertuples()]
    named = groups[0] if len(groups) == 1 else f"{', '.join(groups[:-1])} and {groups[-1]}"
    return f"It is a pilot: its {named} patients are fewer than the criteria of sample size ask for."


def _share(patients: pd.DataFrame) -> float:
    share = float(patients["label"].mean())
    if not 0 < share < 1:
        raise ValueError("cases: both classes are needed to ask for a sample size")
    return share


def _rows(needed: Any, patients: pd.DataFrame) -> list[tuple]:
    return [
        (row.criterion, len(patients), row.n, int(patients["label"].sum()), row.events)
        for row in needed.frame().itertuples()
    ]

"""Is a study large enough? What its cohort has, set beside what the criteria ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.stats.sample_size import development_size, pilot_banner, validation_size

EXPECTED_AUC = 0.75  # what published models of occult metastasis reach; a larger one would ask for fewer patients


@dataclass(frozen=True)
class StudySize:
    """What is there and what would be needed.

    Attributes
    ----------
    table : DataFrame
    methods : str
    sentence : str
        For the summary of the chapter.
    """

    table: pd.DataFrame
    methods: str
    sentence: str

    def frame(self) -> pd.DataFrame:
        """One row a criterion: `purpose, criterion, available, needed, events_available, events_needed, enough`."""
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


def assess(cases: pd.DataFrame, *, predictors: Sequence[Any], auc: float = EXPECTED_AUC) -> StudySize:
    """Set the patients of the development and judged splits beside the criteria.

    Parameters
    ----------
    cases : DataFrame
        The cohort table, with `split, patient_id, label`.
    predictors : sequence
        Covariates of the clinical model.
    auc : float
        AUC that is expected, in (0.5, 1).

    Returns
    -------
    StudySize

    Raises
    ------
    ValueError
        If a split has one class only.
    """
    patients = cases.groupby("patient_id").agg(split=("split", "first"), label=("label", "max"))
    development = patients[patients["split"].isin(["train", "tune"])]
    judged = patients[patients["split"].isin(["test", "external"])]
    judged = development if judged.empty else judged
    count = parameters_of(predictors)
    rows, methods = [], []
    if count:
        needed = development_size(parameters=count, prevalence=_share(development), c_statistic=auc)
        rows += [("develop a regression", *row) for row in _rows(needed, development)]
        methods.append(needed.methods)
    validate = validation_size(prevalence=_share(judged), c_statistic=auc)
    rows += [("validate any model", *row) for row in _rows(validate, judged)]
    methods.append(validate.methods)
    columns = ["purpose", "criterion", "available", "needed", "events_available", "events_needed"]
    table = pd.DataFrame(rows, columns=columns)
    table["enough"] = table["available"] >= table["needed"]
    said = pilot_banner(n=len(judged), events=int(judged["label"].sum()), auc=auc, parameters=count or None)
    sentence = said or "The study meets every criterion of sample size for development and validation."
    return StudySize(table, " ".join(methods), sentence)


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

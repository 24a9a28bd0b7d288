"""The clinical baseline of a study, on the study's own splits. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.data.study import Study
from helpers.learn import clinical
from helpers.learn.rows import table
from helpers.learn.validation import Refits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEED = 0
METHODS = (
    "Logistic regression with an L2 penalty chosen by stratified, patient-grouped cross-validation on log-loss within "
    "the training patients; numbers standardised, missing values by rules learned there too."
)
OPTIMISM = (
    "Bootstrap of patients, the whole procedure with the choice of the penalty repeated in each sample (Harrell 1996, "
    "doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4); the last columns are the median and the "
    "2.5 and 97.5 percentiles of the refits' performance in the original patients."
)
REFITS = (
    "Each refit repeats the whole procedure on a bootstrap sample of the training patients, the choice of the penalty "
    "by cross-validation included; the threshold stays frozen."
)


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline with its predictions.

    Attributes
    ----------
    model : ClinicalModel
        Fitted on all training rows.
    predictions : DataFrame
        Of every case on a study with a test split; out of fold, one seed a repeat, under cross-validation, with
        external cases predicted by the model of all training rows.
    n : int
        Training cases.
    """

    model: clinical.ClinicalModel
    predictions: pd.DataFrame
    n: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the coefficients as bars."""
        frame = self.model.coefficients().iloc[::-1]
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(7.0, 0.3 * len(frame) + 1.2), layout="constrained")
        ax.barh(frame["term"], frame["log_odds"], color="#0072B2", height=0.65)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set(xlabel="Log odds (penalised)")
        ax.grid(axis="x", linewidth=0.4)
        for text in ax.get_yticklabels():
            text.set_parse_math(False)
        return ax


def fit(cases: pd.DataFrame, study: Study, *, folds: int, repeats: int) -> Baseline:
    """Fit the baseline and predict.

    Parameters
    ----------
    cases : DataFrame
        The cohort table.
    study : Study
        Its predictors and its way of validation.
    folds : int
        Of the cross-validation that chooses the penalty.
    repeats : int
        Of the outer cross-validation of a study without a test split.

    Returns
    -------
    Baseline
    """
    train = _train(cases)
    model = clinical.fit_clinical(cases, covariates=study.predictors, train=train, seed=SEED, folds=folds)
    whole = table(model.risk(cases), cases, study=study.name, model=study.clinical.name, seed=SEED)
    if study.validation.kind == "test":
        return Baseline(model, whole, len(train))
    out = clinical.oof_risk(
        cases,
        covariates=study.predictors,
        rows=train,
        seed=SEED,
        repeats=repeats,
        folds=study.validation.folds,
        inner_folds=folds,
    )
    parts = []
    for seed, part in out.groupby("seed"):
        rows = part["row"].to_numpy()
        made = table(part["risk"].to_numpy(), cases.iloc[rows], study=study.name, model=study.clinical.name, seed=seed)
        parts.append(made.assign(split="oof"))
    parts.append(whole[whole["split"] == "external"])
    return Baseline(model, pd.concat(parts, ignore_index=True), len(train))


def refits(cases: pd.DataFrame, study: Study, *, folds: int, resamples: int) -> Refits:
    """The whole procedure again on bootstrap samples of the training patients: its optimism and its stability.

    Parameters
    ----------
    cases : DataFrame
    study : Study
    folds : int
        Of the cross-validation that chooses the penalty, anew in each sample.
    resamples : int
        Bootstrap samples.

    Returns
    -------
    Refits
    """
    return clinical.refits(
        cases, covariates=study.predictors, rows=_train(cases), seed=SEED, resamples=resamples, folds=folds
    )


def single(cases: pd.DataFrame, study: Study, *, folds: int) -> clinical.SingleCovariate:
    """The best covariate alone, chosen within the training patients."""
    return clinical.best_single_covariate(
        cases, covariates=study.predictors, train=_train(cases), seed=SEED, folds=folds
    )


def sentence(internal: pd.DataFrame, best: clinical.SingleCovariate) -> str:
    """The corrected AUC and the best single sign in two sentences."""
    row = internal.set_index("measure").loc["auc"]
    return (
        f"Corrected for optimism its AUC among the training patients is {row['corrected']:.2f} "
        f"(apparent {row['apparent']:.2f}). The best single sign is {best.name.replace('_', ' ')}."
    )


def _train(cases: pd.DataFrame) -> np.ndarray:
    return np.flatnonzero((cases["split"] == "train").to_numpy())

"""The clinical baseline of a study, on the study's own splits, for two classes or several. No torch."""

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
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's
METHODS = (
    "Logistic regression with an L2 penalty chosen by stratified, patient-grouped cross-validation on log-loss within "
    "the training patients; numbers standardised, missing values by rules learned there too."
)
MULTINOMIAL = (
    "Multinomial: every class has coefficients of its own and all risks of a patient add up to one; bars are the "
    "log odds of a class against the first."
)
CONTRASTS = (
    "Bars are per standard deviation for numbers and against the level that is named otherwise; another reference "
    "would change the bars and no risk."
)
SINGLE = (
    "Log-loss and AUC (mean over the folds; of several classes the mean of each against the others) by "
    "cross-validation within the training patients. No sign: everyone has the share of events of the other folds. "
    "Gain: by how much the log-loss is lower than that, with a normal 95 % interval over the patients."
)
AGAINST_REST = "Performance is that of one class, {positive}, against all others, as in the chapters for two classes."
OPTIMISM = (
    "Bootstrap of patients, the whole procedure with the choice of the penalty repeated in each sample (Harrell 1996, "
    "doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4); the last columns are the median and the "
    "2.5 and 97.5 percentiles of the refits' performance in the original patients. A refit that gives everyone the "
    "same risk, or separates the outcomes of its own sample, has no finite slope and is left out of that row."
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

    @property
    def methods(self) -> str:
        """How the model was fitted."""
        return " ".join([METHODS, CONTRASTS, *([MULTINOMIAL] if self.model.classes else [])])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the coefficients as bars; of several classes a bar for each but the first."""
        frame = self.model.coefficients()
        names = self.model.classes[1:] or ("",)
        terms = list(dict.fromkeys(_named(*row) for row in frame[["term", "level", "contrast"]].to_numpy()))
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(8.0, 0.3 * len(terms) * len(names) ** 0.5 + 1.2), layout="constrained")
        place, height = np.arange(len(terms)), 0.7 / len(names)
        for number, (name, color) in enumerate(zip(names, COLORS)):
            own = frame[frame["class"] == name] if name else frame
            shift = (number - (len(names) - 1) / 2) * height
            ax.barh(place + shift, own["log_odds"], color=color, height=0.93 * height, label=name or None)
        ax.set(yticks=place, yticklabels=terms, ylim=(len(terms) - 0.4, -0.6))
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set(xlabel=f"Log odds against {self.model.classes[0]} (penalised)" if names[0] else "Log odds (penalised)")
        if names[0]:
            ax.legend(frameon=False, fontsize="small")
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
    train, classes = _train(cases), study.outcome.classes
    options = {"covariates": study.predictors, "classes": classes, "seed": SEED}
    model = clinical.fit_clinical(cases, train=train, folds=folds, **options)
    named = {"study": study.name, "model": study.clinical.name, "classes": classes}
    whole = table(model.risk(cases), cases, seed=SEED, **named)
    if study.validation.kind == "test":
        return Baseline(model, whole, len(train))
    out = clinical.oof_risk(
        cases, rows=train, repeats=repeats, folds=study.validation.folds, inner_folds=folds, **options
    )
    columns = [f"risk_{name}" for name in classes] or "risk"
    parts = []
    for seed, part in out.groupby("seed"):
        rows = part["row"].to_numpy()
        made = table(part[columns].to_numpy(), cases.iloc[rows], seed=seed, **named)
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
        Of several classes the declared positive one against all others.
    """
    options = {"covariates": study.predictors, "classes": study.outcome.classes, "positive": study.outcome.code}
    return clinical.refits(cases, rows=_train(cases), seed=SEED, resamples=resamples, folds=folds, **options)


def optimism_text(study: Study) -> str:
    """How the optimism was measured."""
    return f"{OPTIMISM} {AGAINST_REST.format(positive=study.outcome.positive)}" if study.outcome.classes else OPTIMISM


def single(cases: pd.DataFrame, study: Study, *, folds: int) -> clinical.SingleCovariate:
    """The best covariate alone, chosen within the training patients."""
    return clinical.best_single_covariate(
        cases, covariates=study.predictors, train=_train(cases), seed=SEED, folds=folds, classes=study.outcome.classes
    )


def _named(term: str, level: str, contrast: str) -> str:
    """A term with its contrast, in which a level is named again.

    Examples
    --------
    >>> _named("Stage: T2", "T2", "T2 against T1"), _named("Age", "", "per SD (9 years)")
    ('Stage: T2 against T1', 'Age, per SD (9 years)')
    """
    return f"{term}{contrast.removeprefix(level)}" if level else f"{term}, {contrast}"


def _train(cases: pd.DataFrame) -> np.ndarray:
    return np.flatnonzero((cases["split"] == "train").to_numpy())

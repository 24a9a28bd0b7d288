"""Computed sentences on the clinical model: how good, how stable, who judges it, and what one sign alone tells."""

from __future__ import annotations

import pandas as pd

from helpers.data.study import Study
from helpers.learn.clinical import NO_SIGN, SingleCovariate
from helpers.learn.validation import performance


def answer(internal: pd.DataFrame, judged: pd.DataFrame, study: Study) -> str:
    """The corrected AUC, and beside it that of the cross-validation which later chapters judge.

    Parameters
    ----------
    internal : DataFrame
        As `helpers.learn.validation.Refits.table`.
    judged : DataFrame
        From `repeats`; empty for a study with a test split.
    study : Study
    """
    row = internal.set_index("measure").loc["auc"]
    which = f" of {study.outcome.positive} against the others" if study.outcome.classes else ""
    said = (
        f"Corrected for optimism its AUC{which} among the training patients is {row['corrected']:.2f} "
        f"(apparent {row['apparent']:.2f})"
    )
    if judged.empty:
        return f"{said}."
    return f"{said}; in the cross-validation that later chapters judge it is {_over(judged, 'auc')}."


def single(best: SingleCovariate, study: Study) -> str:
    """Which sign tells most alone, by which measure, and whether it tells more than none."""
    labels = {one.name: one.label for one in study.predictors}
    table = best.table.set_index("covariate")
    own, none = table.loc[best.name], table.loc[NO_SIGN]
    found = (
        f"{labels[best.name]} (log-loss {own['cv_log_loss']:.3f} against {none['cv_log_loss']:.3f} without any sign, "
        f"AUC {own['cv_auc']:.2f})"
    )
    if own["gain_low"] > 0:
        said = f"The best single sign by log-loss is {found}"
    else:
        said = f"No single sign is shown to tell more than none; the lowest log-loss is that of {found}"
    areas = table["cv_auc"].drop(NO_SIGN)
    if areas.max() > own["cv_auc"]:
        said += f"; the highest AUC is that of {labels[areas.idxmax()]} ({areas.max():.2f})"
    return f"{said}."


def role(study: Study) -> str:
    """Say what later chapters do with the model."""
    if study.models or study.segmentation:
        return "Every later chapter shows it beside the networks: a network must beat it to be worth its cost."
    if study.validation.kind == "cross-validation":
        return "The study has no network: the chapters that follow judge this way to a model, by cross-validation."
    return "The study has no network: the chapters that follow judge this model."


def repeats(predictions: pd.DataFrame) -> pd.DataFrame:
    """AUC and calibration slope of every repeat of a cross-validation.

    Parameters
    ----------
    predictions : DataFrame
        `split, seed, label, risk`, labels 0 and 1; only rows of the split `oof` count.

    Returns
    -------
    DataFrame
        `auc, slope, low, high`, a row a repeat, with its lowest and highest risk; no row without such a split.
    """
    rows = []
    for _, part in predictions[predictions["split"] == "oof"].groupby("seed"):
        label, risk = part["label"].to_numpy(), part["risk"].to_numpy()
        rows.append((*performance(label, risk)[:2], risk.min(), risk.max()))
    return pd.DataFrame(rows, columns=["auc", "slope", "low", "high"])


def reconciled(internal: pd.DataFrame, judged: pd.DataFrame, study: Study, *, low: float, high: float) -> str:
    """Set the bootstrap of the one model beside the cross-validation; empty for a study with a test split.

    Parameters
    ----------
    internal, judged : DataFrame
        As of `answer`.
    study : Study
    low, high : float
        Lowest and highest risk that the model of all training patients gives them.
    """
    if judged.empty:
        return ""
    row = internal.set_index("measure")["corrected"]
    return (
        f"The chapters that follow do not judge the model above, whose risks go from {low:.2f} to {high:.2f}, but "
        f"{len(judged)} repeats of a {study.validation.folds}-fold cross-validation: there each risk "
        f"({judged['low'].min():.2f} to {judged['high'].max():.2f}) comes from a model of the other folds, with a "
        f"penalty of its own. Its AUC is {_over(judged, 'auc')}, its calibration slope {_over(judged, 'slope')}; for "
        f"the model above the bootstrap gives {row['auc']:.2f} and {row['calibration_slope']:.2f}. The bootstrap "
        "corrects one model of all training patients, the cross-validation measures models of fewer patients that "
        "differ from fold to fold, so the two need not agree."
    )


def refits(summary: pd.DataFrame, *, threshold: float) -> str:
    """How much the clinical model would be another one with other patients.

    Parameters
    ----------
    summary : DataFrame
        From `Instability.summary`, one row.
    threshold : float
        Frozen, at which decisions are compared.

    Examples
    --------
    >>> row = {"runs": 200, "n": 80, "patients": 60, "mape": 0.041, "mape_max": 0.13, "flips": 0.08, "unsure": 0.15}
    >>> row |= {"auc_q025": 0.81, "auc_q975": 0.9}
    >>> refits(pd.DataFrame([row]), threshold=0.2).split("; ")[1]
    '9 of 60 patients (15%) have a case that changes side in more than a tenth of the refits.'
    """
    row = summary.iloc[0]
    unsure, patients = round(row["unsure"] * row["patients"]), int(row["patients"])
    change = "change" if row["n"] == patients else "have a case that changes"
    return (
        f"Refitted on {row['runs']:.0f} bootstrap samples, a risk moves by {row['mape']:.3f} on average "
        f"(by {row['mape_max']:.3f} for the least stable), the AUC in the same patients lies between "
        f"{row['auc_q025']:.2f} and {row['auc_q975']:.2f} in 95 % of the refits, and {row['flips']:.0%} of the "
        f"decisions at the threshold {threshold:.2f} change; {unsure} of {patients} patients ({row['unsure']:.0%}) "
        f"{change} side in more than a tenth of the refits."
    )


def _over(judged: pd.DataFrame, column: str) -> str:
    """Mean and range over the repeats; a repeat without a finite slope is left out."""
    values = judged[column].dropna()
    if values.empty:
        return "not defined in any repeat"
    less = f" of {len(judged)}" if len(values) < len(judged) else ""
    return f"{values.mean():.2f} on average over {len(values)}{less} repeats ({values.min():.2f} to {values.max():.2f})"

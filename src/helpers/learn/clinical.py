"""The clinical baseline: penalised logistic regression on the cohort table, validated honestly.

Nothing here imports torch. A model is saved as JSON: a reader can check every coefficient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn.clinical_model import ClinicalModel
from helpers.learn.folds import grouped_folds
from helpers.learn.penalised import Covariate, Fit, encode, fit_penalised
from helpers.learn.scores import log_loss, rank_auc
from helpers.learn.validation import Refits, refit

NO_SIGN = "no sign"
SCORES = ["cv_log_loss", "cv_auc"]


@dataclass(frozen=True)
class SingleCovariate:
    """The best single covariate: its name, and the table from which it was chosen."""

    name: str
    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """One row a covariate, and one for no sign.

        `covariate, cv_log_loss, cv_auc, gain, gain_low, gain_high, chosen`; `gain` is by how much the log-loss is
        lower than without any sign, with its 95 % interval over the patients.
        """
        return self.table


def fit_clinical(
    cohort: pd.DataFrame,
    *,
    covariates: Iterable[Any],
    label: str = "label",
    train: np.ndarray,
    seed: int,
    repeats: int = 1,
    folds: int = 5,
    patient_id: str = "patient_id",
    classes: Sequence[str] = (),
) -> ClinicalModel:
    """Fit an L2-penalised logistic regression on the training rows of a cohort table.

    The penalty is chosen by stratified, patient-grouped cross-validation on log-loss within `train`; medians,
    means, scales and levels of missing values are learned inside each part. Other rows are never read.

    Parameters
    ----------
    cohort : DataFrame
    covariates : iterable of mapping or object
        With `name`, `type` (continuous, categorical, binary) and `levels`.
    label : str
        Column of 0 and 1.
    train : int or bool array
        Rows by position, or a mask over all rows.
    seed : int
        Of the folds.
    repeats, folds : int
        Of the inner cross-validation.
    patient_id : str
        Column whose cases stay together; when the table has none, every row is its own patient.
    classes : sequence of str
        Names of more than two classes: labels are their places, and the model is multinomial.

    Returns
    -------
    ClinicalModel

    Raises
    ------
    ValueError
        If a column, level, label or row is wrong, or only one class is in `train`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"size_mm": rng.normal(10, 3, 200)})
    >>> table["label"] = (rng.random(200) < 1 / (1 + np.exp(10 - table["size_mm"]))).astype(int)
    >>> model = fit_clinical(table, covariates=[{"name": "size_mm"}], train=np.arange(150), seed=1)
    >>> bool(model.coefficients()["log_odds"].iloc[0] > 1)
    True
    """
    declared, rows, y, patient = _prepare(cohort, covariates, label, train, patient_id, name="train", classes=classes)
    encoded = encode(cohort.iloc[rows], declared)
    fit = fit_penalised(
        encoded, y, patient, declared, folds=folds, repeats=repeats, seed=seed, classes=count_of(classes)
    )
    return ClinicalModel(declared, fit, _record(fit, y, patient, seed, repeats, folds), tuple(classes))


def oof_risk(
    cohort: pd.DataFrame,
    *,
    covariates: Iterable[Any],
    label: str = "label",
    rows: np.ndarray | None = None,
    seed: int = 0,
    repeats: int = 20,
    folds: int = 5,
    inner_folds: int = 5,
    patient_id: str = "patient_id",
    classes: Sequence[str] = (),
) -> pd.DataFrame:
    """Out-of-fold risks by repeated, stratified, patient-grouped cross-validation.

    The penalty is chosen anew inside each training part, so the risk of a case never saw its label.

    Parameters
    ----------
    rows : int or bool array or None
        Cases to use; None: all.
    seed, repeats : int
        Repeat r uses the folds of seed + r; that number is the column `seed`.
    folds, inner_folds : int
        Outer folds, and folds of the choice of the penalty.

    Other parameters and errors as in `fit_clinical`.

    Returns
    -------
    DataFrame
        One row a case and repeat: `seed, fold, row, risk` (of several classes `risk_<class>`), `penalty`, and
        `patient_id, case_id, center, label`
        where the table has them. `row` is the position in `cohort`.
    """
    given = np.arange(len(cohort)) if rows is None else rows
    declared, rows, y, patient = _prepare(cohort, covariates, label, given, patient_id, name="rows", classes=classes)
    encoded = encode(cohort.iloc[rows], declared)
    kept = [name for name in (patient_id, "case_id", "center") if name in cohort]
    parts = []
    for repeat in range(seed, seed + repeats):
        risk, fold, penalty = _cross_validate(
            encoded, y, patient, declared, folds=folds, inner=inner_folds, seed=repeat, classes=count_of(classes)
        )
        risks = {f"risk_{name}": risk[:, place] for place, name in enumerate(classes)} or {"risk": risk}
        part = pd.DataFrame({"seed": repeat, "fold": fold, "row": rows, **risks, "penalty": penalty})
        part = part.assign(**{name: cohort[name].to_numpy()[rows] for name in kept}, label=y)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def refits(
    cohort: pd.DataFrame,
    *,
    covariates: Iterable[Any],
    label: str = "label",
    rows: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = 200,
    folds: int = 5,
    repeats: int = 1,
    patient_id: str = "patient_id",
    classes: Sequence[str] = (),
    positive: int = 1,
) -> Refits:
    """Refit the whole procedure, the choice of the penalty included, on bootstrap samples of the patients.

    Each resample is fitted from scratch and predicts the original rows; see `helpers.learn.validation.refit`.

    Parameters
    ----------
    resamples : int
        Bootstrap samples; 200 settle the AUC's optimism to about 0.005 with 30 events.
    positive : int
        Of several classes, the place of the one that is measured against all others.

    Other parameters and errors as in `oof_risk`.

    Returns
    -------
    Refits
        With the table of optimism and the risks of all refits.
    """
    given = np.arange(len(cohort)) if rows is None else rows
    declared, rows, y, patient = _prepare(cohort, covariates, label, given, patient_id, name="rows", classes=classes)
    encoded = encode(cohort.iloc[rows], declared)

    def fit(places: np.ndarray, step: int) -> Fit:
        options = {"folds": folds, "repeats": repeats, "seed": seed + step, "classes": several}
        return fit_penalised(encoded[places], y[places], patient[places], declared, **options)

    several = count_of(classes)
    return refit(fit, encoded, y, patient, resamples=resamples, seed=seed, classes=several, positive=positive)


def optimism(cohort: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Harrell's bootstrap optimism of the whole fit, the choice of the penalty included.

    Harrell, Lee, Mark (1996), doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4. Patients are
    resampled; each resample is fitted from scratch and measured on itself and on the original rows.

    Parameters
    ----------
    cohort : DataFrame
    **options
        As of `refits`.

    Returns
    -------
    DataFrame
        `measure` (auc, calibration_slope, brier), `apparent, optimism, corrected, optimism_se`, and more; see
        `helpers.learn.validation.Refits.table`.
    """
    return refits(cohort, **options).table


def best_single_covariate(
    cohort: pd.DataFrame,
    *,
    covariates: Iterable[Any],
    label: str = "label",
    train: np.ndarray,
    seed: int,
    folds: int = 5,
    patient_id: str = "patient_id",
    classes: Sequence[str] = (),
) -> SingleCovariate:
    """The one covariate that predicts best alone, chosen by cross-validated log-loss within `train`.

    It stands beside no sign at all, `NO_SIGN`: the share of every outcome in the training part of a fold. The AUC is
    the mean over folds, since risks of different folds are of different models, and pooled would rank chance below
    one half (Airola et al. 2011, doi:10.1016/j.csda.2010.11.018).

    Parameters and errors as in `fit_clinical`.

    Returns
    -------
    SingleCovariate

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 2, 3, 4, 5, 6] * 10, "label": [0, 0, 0, 1, 1, 1] * 10})
    >>> best = best_single_covariate(frame, covariates=[{"name": "size"}], train=np.arange(60), seed=0)
    >>> best.frame()[["covariate", "cv_auc"]].values.tolist()
    [['size', 1.0], ['no sign', 0.5]]
    """
    declared, rows, y, patient = _prepare(cohort, covariates, label, train, patient_id, name="train", classes=classes)
    count = count_of(classes)
    fold = grouped_folds(y, patient, folds=folds, seed=seed)
    shares = np.array([np.bincount(y[fold != k], minlength=count) / (fold != k).sum() for k in range(folds)])[fold]
    shares = shares[:, 1] if count == 2 else shares
    table = [(NO_SIGN, _losses(y, shares), 0.5)]  # within a fold everyone has the same risk
    for covariate in declared:
        encoded = encode(cohort.iloc[rows], (covariate,))
        options = {"folds": folds, "inner": folds, "seed": seed, "classes": count}
        risk, _, _ = _cross_validate(encoded, y, patient, (covariate,), **options)
        table.append((covariate.name, _losses(y, risk), _fold_auc(y, risk, fold, count)))
    frame = pd.DataFrame([(name, loss.mean(), auc) for name, loss, auc in table], columns=["covariate", *SCORES])
    gains = [_by_patient(table[0][1] - loss, patient) for _, loss, _ in table[1:]]
    frame[["gain", "gain_low", "gain_high"]] = [(np.nan,) * 3, *gains]
    best = 1 + int(frame["cv_log_loss"].iloc[1:].to_numpy().argmin())
    frame["chosen"] = np.arange(len(frame)) == best
    return SingleCovariate(table[best][0], frame.sort_values("cv_log_loss", ignore_index=True, kind="stable"))


def count_of(classes: Sequence[str]) -> int:
    """Number of outcomes: that of the named classes, or two.

    Examples
    --------
    >>> count_of(()), count_of(("benign", "malignant", "metastatic"))
    (2, 3)
    """
    if len(classes) in (1, 2):
        raise ValueError(f"classes: name at least three, not {len(classes)}; two are labels 0 and 1")
    return len(classes) or 2


def _losses(label: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Log-loss of every case."""
    return np.array([log_loss(label[[i]], risk[[i]]) for i in range(len(label))])


def _fold_auc(label: np.ndarray, risk: np.ndarray, fold: np.ndarray, classes: int) -> float:
    """Mean AUC over the folds that hold every outcome; NaN when none does."""
    parts = [fold == k for k in range(fold.max() + 1)]
    areas = [rank_auc(label[part], risk[part]) for part in parts if len(np.unique(label[part])) == classes]
    return float(np.mean(areas)) if areas else np.nan


def _by_patient(value: np.ndarray, patient: np.ndarray) -> tuple[float, float, float]:
    """Mean over cases with its 95 % interval, normal, from the spread between patients."""
    mean, count = value.mean(), len(np.unique(patient))
    between = np.bincount(patient, weights=value - mean)
    half = 1.96 * np.sqrt(count / (count - 1) * (between**2).sum()) / len(value)
    return float(mean), float(mean - half), float(mean + half)


def _cross_validate(
    encoded: np.ndarray,
    label: np.ndarray,
    patient: np.ndarray,
    covariates: tuple[Covariate, ...],
    *,
    folds: int,
    inner: int,
    seed: int,
    classes: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Out-of-fold risk, fold and chosen penalty of every row."""
    fold = grouped_folds(label, patient, folds=folds, seed=seed)
    risk, penalty = np.empty((len(label), classes) if classes > 2 else len(label)), np.empty(len(label))
    for k in range(folds):
        inside, outside = fold != k, fold == k
        # Another seed than the outer split's, so that inner folds are not the outer ones again.
        fit = fit_penalised(
            encoded[inside],
            label[inside],
            patient[inside],
            covariates,
            folds=inner,
            repeats=1,
            seed=1000 + seed * folds + k,
            classes=classes,
        )
        risk[outside], penalty[outside] = fit.risk(encoded[outside]), fit.penalty
    return risk, fold, penalty


def _prepare(
    cohort: pd.DataFrame,
    covariates: Iterable[Any],
    label: str,
    rows: Any,
    patient_id: str,
    *,
    name: str,
    classes: Sequence[str],
) -> tuple[tuple[Covariate, ...], np.ndarray, np.ndarray, np.ndarray]:
    declared = tuple(Covariate.of(given) for given in covariates)
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if rows.shape != (len(cohort),):
            raise ValueError(f"{name} is a mask of {rows.size}, the table has {len(cohort)} rows")
        rows = np.flatnonzero(rows)
    if not rows.size or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(f"{name} must hold row numbers, or be a mask over all rows")
    if rows.min() < 0 or rows.max() >= len(cohort) or len(np.unique(rows)) < len(rows):
        raise ValueError(f"{name} must hold rows in 0 ... {len(cohort) - 1}, each once")
    if label not in cohort:
        raise ValueError(f"label: the table has no column {label!r}")
    values = pd.to_numeric(cohort[label].iloc[rows], errors="coerce").to_numpy(dtype=float)
    known = range(count_of(classes))
    if not np.isin(values, known).all() or len(np.unique(values)) < len(known):
        allowed = "0 or 1" if len(known) == 2 else f"0 to {len(known) - 1}"
        raise ValueError(
            f"label must be {allowed} in every row of {name}, and {'both' if len(known) == 2 else 'all'} must occur"
        )
    if patient_id in cohort:
        patient = pd.factorize(cohort[patient_id].iloc[rows])[0]
    else:
        patient = np.arange(len(rows))
    return declared, rows, values.astype(int), patient


def _record(fit: Fit, label: np.ndarray, patient: np.ndarray, seed: int, repeats: int, folds: int) -> dict[str, Any]:
    several = fit.coefficient.ndim == 2
    events = int(np.bincount(label).min() if several else label.sum())  # of several classes those of the rarest
    return {
        "model": f"L2-penalised {'multinomial ' if several else ''}logistic regression",
        "rows": len(label),
        "patients": len(np.unique(patient)),
        "events": events,
        "terms": len(fit.terms),
        "penalty_c": fit.penalty,
        "penalty_chosen_by": f"{repeats} x {folds}-fold patient-grouped cross-validation on log-loss",
        "path": [{"c": penalty, "log_loss": loss} for penalty, loss in fit.path],
        "missing": "continuous: median of the training rows; categorical: a level of its own",
        "seed": seed,
    }

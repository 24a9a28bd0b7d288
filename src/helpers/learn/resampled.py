"""Repeated cross-validation by patient that a laptop can afford: frozen features, and a head fitted in every fold.

The features come from fixed filters (`helpers.learn.filters`), which have never seen a label. So every patient may be
tested, without training a network in every fold; what is judged is the images and the head, not the trained networks
of the study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.learn.folds import grouped_folds
from helpers.learn.penalised_classes import newton_classes, softmax

PENALTY = 0.03  # inverse strength, as scikit-learn has it; declared, not searched
METHODS = (
    "Percentiles of grey, blobs (doi:10.1023/A:1008045108935) and edges at {scales} scales in the middle and around "
    "it, by fixed filters that learn nothing; in every fold a multinomial logistic regression with a ridge penalty "
    "(C = {penalty:g}, declared) on features scaled by the training patients, every patient with the same weight and "
    "every class too; the risks of a patient's images are averaged. Folds by patient, stratified by class."
)


@dataclass(frozen=True)
class Scheme:
    """A way of leaving patients out.

    Parameters
    ----------
    name : str
    fold : int array of shape (repeats, cases)
        In which fold each case is tested.
    """

    name: str
    fold: np.ndarray


def new_patients(label: np.ndarray, patient_id: np.ndarray, *, folds: int, repeats: int, seed: int = 0) -> Scheme:
    """Folds of patients, stratified by class, dealt anew in every repeat."""
    dealt = [grouped_folds(label, patient_id, folds=folds, seed=seed + repeat) for repeat in range(repeats)]
    return Scheme("new patients", np.stack(dealt))


def new_center(center: np.ndarray) -> Scheme:
    """Every centre left out once."""
    return Scheme("a new centre", np.unique(center, return_inverse=True)[1][None])


def cross_validate(
    features: np.ndarray,
    cases: pd.DataFrame,
    scheme: Scheme,
    *,
    classes: Sequence[str],
    study: str,
    model: str,
    penalty: float = PENALTY,
) -> pd.DataFrame:
    """Out-of-fold risks of every patient in every repeat.

    Parameters
    ----------
    features : array of shape (cases, width)
        That no label touched.
    cases : DataFrame
        `patient_id, center, label` (place in `classes`), a row a case.
    scheme : Scheme
    classes : sequence of str
    study, model : str
        Names for the table.
    penalty : float
        Inverse strength of the ridge penalty, positive.

    Returns
    -------
    DataFrame
        A predictions table by patient, split `oof`, the repeat as `seed`, and the `fold` that tested the patient.

    Raises
    ------
    ValueError
        If lengths differ, or a class is missing outside a fold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1, 2], 20)
    >>> cases = pd.DataFrame({"patient_id": [f"P{k // 2}" for k in range(60)], "center": "A", "label": label})
    >>> scheme = new_patients(label, cases["patient_id"].to_numpy(), folds=5, repeats=2)
    >>> made = cross_validate(
    ...     rng.normal(size=(60, 4)) + 3 * label[:, None], cases, scheme, classes=["a", "b", "c"], study="s", model="m"
    ... )
    >>> len(made), bool((made["risk_c"][made["label"] == "c"] > 0.5).mean() > 0.8)
    (60, True)
    """
    features, label = np.asarray(features, float), cases["label"].to_numpy(int)
    if len(features) != len(cases) or scheme.fold.shape[1] != len(cases):
        raise ValueError(f"features: {len(features)} rows and {scheme.fold.shape[1]} folds for {len(cases)} cases")
    whose = cases["patient_id"]
    weight = (1 / whose.map(whose.value_counts())).to_numpy()
    parts = []
    for repeat, fold in enumerate(scheme.fold):
        test = np.unique(fold)[:, None] == fold  # (folds, cases)
        every = head_risks(features, label, np.where(test, 0.0, weight), features, len(classes), penalty)
        risk = every[test.argmax(axis=0), np.arange(len(cases))]
        named = {f"risk_{name}": risk[:, place] for place, name in enumerate(classes)}
        kept = ["center", "label", "fold"]
        table = cases.assign(fold=fold, **named).groupby("patient_id", sort=True)
        patients = table[list(named)].mean().join(table[kept].first()).reset_index()
        parts.append(patients.assign(seed=repeat))
    out = pd.concat(parts, ignore_index=True)
    out["label"] = [classes[code] for code in out["label"]]
    out = out.assign(study=study, model=model, split="oof", case_id=out["patient_id"])
    first = ["study", "model", "seed", "split", "center", "patient_id", "case_id", "label"]
    return out[[*first, *(f"risk_{name}" for name in classes), "fold"]]


def head_risks(
    features: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray,
    rows: np.ndarray,
    count: int,
    penalty: float = PENALTY,
) -> np.ndarray:
    """Fit a head for each fold, every class with the same weight, and say what each makes of rows.

    Parameters
    ----------
    features : array of shape (cases, width), or (folds, cases, width) where folds have cases of their own
    label : int array of shape (cases,)
        From 0 to `count` - 1.
    weight : array of shape (folds, cases)
        1 over the number of cases of a patient; 0 for a case that the fold does not learn from.
    rows : array of shape (rows, width), or (folds, rows, width)
    count : int
        Number of classes.
    penalty : float
        Inverse strength of the ridge penalty, positive.

    Returns
    -------
    array of shape (folds, rows, count)
        Risks.

    Raises
    ------
    ValueError
        If a fold learns from no case of a class.

    Examples
    --------
    >>> x = np.array([[-1.0], [1.0]])
    >>> made = head_risks(x, np.array([0, 1]), np.ones((1, 2)), np.array([[0.0], [9.0]]), 2, 1.0)
    >>> made[0, 0].tolist(), bool(made[0, 1, 1] > 0.9)
    ([0.5, 0.5], True)
    """
    member = np.eye(count)[label]  # (cases, count)
    share = weight @ member
    if (share == 0).any():
        raise ValueError("cases: a class has no patient outside a fold, so no head can learn it")
    own = weight * (share.sum(axis=1, keepdims=True) / count / share)[:, label]
    inside = (weight > 0).astype(float)[:, None]
    number = inside.sum(axis=2, keepdims=True)
    mean = inside @ features / number  # (folds, 1, width)
    spread = np.sqrt(inside @ (features - mean) ** 2 / number)
    spread = np.where(spread > 1e-9 * np.abs(mean), spread, 1.0)  # a constant differs from its mean by rounding
    design = _with_ones((features - mean) / spread)
    at = newton_classes(design, label, own, penalty, classes=count)
    return softmax(_with_ones((rows - mean) / spread) @ at.transpose(0, 2, 1))


def _with_ones(features: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*features.shape[:-1], 1)), features], axis=-1)

"""Frozen features of a study's input, once for every variant of its grey values, and the ways to leave patients out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.arrays import load as load_arrays
from helpers.data.media import grey
from helpers.data.study import Study
from helpers.learn import filters, resampled

PATIENTS, CENTER = "new patients", "a new centre"


@dataclass(frozen=True)
class Frozen:
    """Features of every case, by variant of the grey values.

    Attributes
    ----------
    features : dict of str to float array of shape (cases, width)
    used : str
        The variant that the study's networks get.
    record : dict
        What gave the features, in words.
    methods : str
    """

    features: dict[str, np.ndarray]
    used: str
    record: dict[str, Any]
    methods: str


def features(
    folder: str | Path,
    study: Study,
    cases: pd.DataFrame,
    *,
    steps: Callable[[Study, str], Mapping[str, Mapping[str, str]]],
) -> Frozen:
    """What fixed filters say about every case, for every variant of the grey values.

    Parameters
    ----------
    folder : path
        The study's folder.
    study : Study
    cases : DataFrame
        The cohort table; rows in its order come back.
    steps : callable
        From study and input to the variants of the grey values, in order, all steps last.

    Returns
    -------
    Frozen

    Raises
    ------
    ValueError
        If the first model's input is no still.
    """
    model = next(iter(study.models.values()))
    if study.inputs[model.input].kind != "bmode":
        raise ValueError(f"study: the input {model.input} of the first model is no still")
    arrays = load_arrays(folder, model.input, study=study, raw=True)
    place = {case: row for row, case in enumerate(arrays.index["case_id"])}
    stored = arrays.images[np.array([place[case] for case in cases["case_id"]]), 0]
    made, names = {}, []
    for title, how in steps(study, model.input).items():
        images = np.stack([grey.steps(image, **how) for image in stored]) if how else stored
        made[title], names = filters.bank(images)
    about = {"input": model.input, "images": len(stored), "features": len(names), "side": f"{filters.SIDE} pixels"}
    text = resampled.METHODS.format(scales=len(filters.SCALES), penalty=resampled.PENALTY)
    return Frozen(made, list(made)[-1], about, text)


def schemes(cases: pd.DataFrame, *, folds: int, repeats: int) -> dict[str, resampled.Scheme]:
    """The two ways of leaving patients out: folds of patients, and every centre once where there are several."""
    label, whose = cases["label"].to_numpy(), cases["patient_id"].to_numpy()
    found = {PATIENTS: resampled.new_patients(label, whose, folds=folds, repeats=repeats)}
    if len(cases["center"].unique()) > 1:
        found[CENTER] = resampled.new_center(cases["center"].to_numpy())
    return found


def cross_validate(
    seen: Frozen, cases: pd.DataFrame, scheme: resampled.Scheme, *, study: Study
) -> dict[str, pd.DataFrame]:
    """Out-of-fold predictions by patient, by variant of the grey values."""
    names = {"classes": study.outcome.classes, "study": study.name}
    return {
        title: resampled.cross_validate(made, cases, scheme, model=title, **names)
        for title, made in seen.features.items()
    }


def sizes(cases: pd.DataFrame, study: Study) -> dict[str, int]:
    """Patients of every class in the split on which the study is judged."""
    judged = cases[cases["split"] == study.judged].drop_duplicates("patient_id")["label"]
    return {name: int((judged == code).sum()) for code, name in study.outcome.names.items()}

"""Calibration of several models on the same cases, and the maps that mend it, fitted where choices are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.calibration import Calibration, calibration
from helpers.stats.models import Panel
from helpers.stats.recalibration import METHODS, recalibrate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = ("in_the_large", "slope", "joint_intercept", "observed_expected", "brier", "ici")
LADDER = (
    "Each map is fitted on the cases that choose thresholds and applied, unchanged, to the judged cases "
    "(Steyerberg 2004, doi:10.1002/sim.1844; temperature: Guo 2017, doi:10.48550/arXiv.1706.04599)."
)
# an intercept costs one parameter, so that even eleven events can pay for it
FOR_DECISIONS = "intercept"


def each(part: Panel) -> dict[str, Calibration]:
    """Calibration of every model of a split.

    Parameters
    ----------
    part : Panel

    Returns
    -------
    dict of str to Calibration
    """
    return {name: calibration(part.label, risk, patient_id=part.patient_id) for name, risk in part.risks.items()}


def points(curves: Mapping[str, Calibration]) -> pd.DataFrame:
    """The points of all curves: `model, risk, observed, low, high`."""
    frame = pd.concat([curve.frame().assign(model=name) for name, curve in curves.items()], ignore_index=True)
    return frame[["model", "risk", "observed", "low", "high"]]


def plot(curves: Mapping[str, Calibration], *, columns: int = 2) -> Figure:
    """One square a model: flexible curve with band, histogram of the risks by outcome, numbers.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    looks = palette.styles(list(curves))
    rows = -(-len(curves) // columns)
    wide = min(columns, len(curves))
    figure, axes = plt.subplots(rows, wide, figsize=(5.2 * wide, 5.6 * rows), squeeze=False, layout="constrained")
    for ax in axes.flat[len(curves) :]:
        ax.remove()
    for ax, (name, curve) in zip(axes.flat, curves.items()):
        curve.plot(ax, name=name, style=looks[name])
    return figure


def summary(curves: Mapping[str, Calibration], *, measures: tuple[str, ...] = MEASURES) -> pd.DataFrame:
    """One row a model: `model, n, events`, and each measure with `<measure>_low` and `<measure>_high`."""
    rows = []
    for name, curve in curves.items():
        row = {"model": name, "n": curve.n, "events": curve.events}
        for measure in measures:
            made = getattr(curve, measure)
            row |= {measure: made.value, f"{measure}_low": made.low, f"{measure}_high": made.high}
        rows.append(row)
    return pd.DataFrame(rows)


def ladder(chooser: Panel, judged: Panel) -> pd.DataFrame:
    """Calibration of the judged cases after every recalibration map.

    Under cross-validation the cases that choose are the cases that are judged; every map then comes from the other
    patients (leave one patient out), so no case is mapped by itself.

    Parameters
    ----------
    chooser : Panel
        Where the maps are fitted.
    judged : Panel
        Where they are applied.

    Returns
    -------
    DataFrame
        `model, method`, and intercept, slope and Brier score with their limits.
    """
    rows = []
    for name in judged.risks:
        for method in METHODS:
            risk = mapped(chooser, judged, name, method)
            made = calibration(judged.label, risk, patient_id=judged.patient_id)
            row = summary({name: made}, measures=("in_the_large", "slope", "brier"))
            rows.append(row.assign(method=method))
    return pd.concat(rows, ignore_index=True)


def for_decisions(chooser: Panel, judged: Panel) -> dict[str, np.ndarray]:
    """Risks of the judged cases with the intercept updated, for decision curves."""
    return {name: mapped(chooser, judged, name, FOR_DECISIONS) for name in judged.risks}


def mapped(chooser: Panel, judged: Panel, model: str, method: str) -> np.ndarray:
    """Risks of one model on the judged cases after one recalibration map.

    Returns
    -------
    array of shape (n,)
        In [0, 1].
    """
    if chooser.split != judged.split:
        fitted = recalibrate(chooser.label, chooser.risks[model], method=method, split=chooser.split)
        return fitted.apply(judged.risks[model])
    out = np.empty(judged.n)
    for patient in pd.unique(judged.patient_id):
        own = judged.patient_id == patient
        fitted = recalibrate(judged.label[~own], judged.risks[model][~own], method=method, split=chooser.split)
        out[own] = fitted.apply(judged.risks[model][own])
    return out

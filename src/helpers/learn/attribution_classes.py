"""Heat maps of a network with several classes: one for each class in the same image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.arrays import load as load_arrays
from helpers.data.study import Study
from helpers.learn import explain, training
from helpers.learn.chosen import Chosen

PER_CLASS = 2
METHODS = (
    "Grad-CAM (doi:10.1109/ICCV.2017.74) of the last convolutional map for the logit of each class. Of each class the "
    "cases of different patients whose risk of their own class is nearest to the median of that class are shown."
)


@dataclass(frozen=True)
class ClassMaps:
    """Heat maps of some cases for every class.

    Attributes
    ----------
    images, masks : uint8 arrays of shape (n, height, width)
    maps : dict of class to float array of the same shape
    cases : DataFrame
        `case_id, patient_id, label, named, risk` (of the class named), in the order of the arrays.
    """

    images: np.ndarray
    masks: np.ndarray
    maps: dict[str, np.ndarray]
    cases: pd.DataFrame


def pick(judged: pd.DataFrame, classes: tuple[str, ...], *, per_class: int = PER_CLASS) -> pd.DataFrame:
    """Cases of every class whose risk of their own class is nearest to the median, one a patient.

    Parameters
    ----------
    judged : DataFrame
        `case_id, patient_id, label` and `risk_<class>`.
    classes : tuple of str
    per_class : int

    Returns
    -------
    DataFrame
        `case_id, patient_id, label, named, risk`, class by class; fewer where a class has fewer patients.

    Examples
    --------
    >>> table = pd.DataFrame({"case_id": list("abc"), "patient_id": list("PPQ"), "label": ["x"] * 3,
    ...                       "risk_x": [0.5, 0.6, 0.9], "risk_y": [0.5, 0.4, 0.1], "risk_z": 0.0})
    >>> pick(table, ("x", "y", "z"))["case_id"].tolist()
    ['b', 'c']
    """
    risks = judged[[f"risk_{name}" for name in classes]].to_numpy()
    called = risks.argmax(axis=1)
    table = judged[["case_id", "patient_id", "label"]].assign(
        named=np.array(classes, dtype=object)[called], risk=risks.max(axis=1)
    )
    parts = []
    for place, name in enumerate(classes):
        own = (judged["label"] == name).to_numpy()
        if not own.any():
            continue
        away = np.abs(risks[own, place] - np.median(risks[own, place]))
        part = table[own].assign(away=away).sort_values(["away", "case_id"], kind="stable")
        parts.append(part.drop_duplicates("patient_id").head(per_class))
    return pd.concat(parts, ignore_index=True).drop(columns="away")


def by_class(
    chosen: Chosen, model: str, *, folder: str | Path, study: Study, trained: str | Path, judged: pd.DataFrame
) -> ClassMaps | None:
    """Make the heat maps of one chosen network for every class, on a few judged cases.

    Parameters
    ----------
    chosen : Chosen
    model : str
    folder : path
        The study's folder.
    study : Study
    trained : path
        Folder of the training runs.
    judged : DataFrame
        Predictions of this model and seed by case.

    Returns
    -------
    ClassMaps or None
        None for a study of two classes.
    """
    classes = study.outcome.classes
    if not classes:
        return None
    cases = pick(judged, classes)
    name = chosen.networks[model][0]
    arrays = load_arrays(folder, name, study=study)
    place = {case: row for row, case in enumerate(arrays.index["case_id"])}
    rows = np.array([place[case] for case in cases["case_id"]])
    network = training.load(Path(trained) / chosen.run(model))
    view = training.network_view(arrays.images, rows=rows, settings=chosen.settings)
    maps = {label: explain.gradcam(network.module, view, target=code) for code, label in enumerate(classes)}
    masks = np.zeros((len(rows), *view.shape[-2:]), np.uint8)
    if arrays.masks is not None:
        marked = np.uint8(255) * (arrays.masks[:, None] > 0)
        masks = (training.network_view(marked, rows=rows, settings=chosen.settings)[:, 0] > 0.5).astype(np.uint8)
    return ClassMaps((view[:, 0] * 255).round().astype(np.uint8), masks, maps, cases)


def frame(made: ClassMaps | None) -> pd.DataFrame | None:
    """The cases that are shown; None of None."""
    return None if made is None else made.cases

"""Simulated readings: four readers, unaided and aided, at the operating points that a paper prints.

The paper's Table 4 fits whole numbers only with other patients than its Table 1 has: the model at 100 malignant and
145 benign patients (86/100, 121/145), unaided readers at 101 and 143 (JR1 78/101 and 66/143), aided readers at 100 and
144 (JR1 71/100 and 100/144). Table 1 has 83 and 162 in the same external test. So the cohort's own counts are kept,
and each sensitivity and specificity is the nearest that they allow, at most half a patient away.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError

FILE = "readings.csv"
COLUMNS = ["reader", "experience", "modality", "case_id", "patient_id", "label", "rating"]
MODALITIES = {"unaided": "1", "aided": "2"}  # suffix of the printed row: JR1-1 is JR1 unaided
EXPERIENCE = {"J": "junior", "S": "senior"}
ADVISER = "3D InceptionResNetV2"
POSITIVE_FROM = 3  # ratings run from 1 (surely benign) to 5 (surely malignant)
# Shares of the variance of an impression within a class: the patient's difficulty, which all readers share; what this
# reader sees in this patient every time; the occasion. Kappas between unaided readers come out at 0.1 to 0.4.
CASE, OWN = 0.45, 0.25
# How far the advice moves an impression, in its standard deviations: readers follow it, but not blindly.
TRUST = {"junior": 1.3, "senior": 1.1}
AGAIN = 0.55  # standard deviation of what changes from one occasion to the next


def write_readings(folder: str | Path, cohort: pd.DataFrame, *, published: str | Path, seed: int) -> pd.DataFrame:
    """Write `readings.csv`: each reader's rating of each patient, unaided and aided.

    Within each class an impression is normal, with a part that all readers share, a part of the reader and a part of
    the occasion (the binormal model of Roe and Metz as in Hillis 2012, doi:10.1016/j.acra.2012.09.011). Its
    ranks are kept and its place is set so that exactly the printed share lies above the cut. An aided impression is
    the unaided one, drawn towards the advice of a model that calls at its own printed sensitivity and specificity, and
    errs more often on the patients that are difficult for readers.

    Parameters
    ----------
    folder : path
        The study's folder.
    cohort : DataFrame
        `patient_id, label` and `split` of all external patients, one row a patient or a case.
    published : path
        The printed table, CSV with `row, statistic, value_num`; rows are the reader and `-1` (unaided) or `-2`
        (aided), the first letter is J (junior) or S (senior).
    seed : int
        Decides everything that is drawn.

    Returns
    -------
    DataFrame
        What was written, one row a reader, modality and patient: `rating` 1 to 5, positive from `POSITIVE_FROM`;
        `case_id` is the patient's.

    Raises
    ------
    StudyError
        If the printed table lacks a reader's row or a sensitivity or specificity.
    ValueError
        If the cohort has no external patient of one of the classes, or a patient has two labels.

    Examples
    --------
    >>> import tempfile
    >>> cohort = pd.DataFrame({"patient_id": [f"P{k}" for k in range(90)], "label": [1, 0, 0] * 30})
    >>> table = write_readings(
    ...     tempfile.mkdtemp(), cohort.assign(split="external"), published="data/published/D_table4.csv", seed=1
    ... )
    >>> own = table[(table["reader"] == "SR2") & (table["modality"] == "aided") & (table["label"] == 1)]
    >>> len(table), int((own["rating"] >= POSITIVE_FROM).sum())  # 0.740 of 30
    (720, 22)
    """
    points = _points(Path(published))
    patients = _patients(cohort)
    label = patients["label"].to_numpy()
    random = np.random.default_rng([seed, 4])
    shared = random.normal(size=label.size)
    score = np.sqrt(CASE) * shared + np.sqrt(1 - CASE) * random.normal(size=label.size)
    advice = _calls(score, label, points.pop(ADVISER))
    frames = []
    for reader in sorted({row.rsplit("-", 1)[0] for row in points}):
        experience = EXPERIENCE[reader[0]]
        own = np.sqrt(CASE) * shared + np.sqrt(OWN) * random.normal(size=label.size)
        impression = own + np.sqrt(1 - CASE - OWN) * random.normal(size=label.size)
        again = impression + TRUST[experience] * (2.0 * advice - 1) + AGAIN * random.normal(size=label.size)
        cuts = np.array([-1.0, 0.0, 1.0, 2.0]) * random.uniform(0.5, 0.9)  # some readers dare extremes, others do not
        for modality, latent in (("unaided", impression), ("aided", again)):
            at = points[f"{reader}-{MODALITIES[modality]}"]
            names = {"reader": reader, "experience": experience, "modality": modality}
            rating = _ratings(latent, label, at, cuts)
            frames.append(patients.assign(case_id=patients["patient_id"], rating=rating, **names)[COLUMNS])
    table = pd.concat(frames, ignore_index=True)
    path = Path(folder) / FILE
    part = path.with_name(path.name + ".part")
    part.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
    os.replace(part, path)
    return table


def nearest(share: float, n: int) -> int:
    """Whole number of n patients whose share is nearest to a printed one.

    Examples
    --------
    >>> nearest(0.772, 83), nearest(0.462, 162)
    (64, 75)
    """
    return int(np.floor(share * n + 0.5))


def _points(path: Path) -> dict[str, tuple[float, float]]:
    """Printed sensitivity and specificity by row."""
    table = pd.read_csv(path)
    wide = table.pivot(index="row", columns="statistic", values="value_num")
    readers = {row.rsplit("-", 1)[0] for row in wide.index if row != ADVISER}
    wanted = [ADVISER, *(f"{reader}-{suffix}" for reader in readers for suffix in MODALITIES.values())]
    for row in sorted(wanted):
        if row not in wide.index or wide.loc[row, ["sensitivity", "specificity"]].isna().any():
            raise StudyError(
                f"no sensitivity and specificity of {row}", file=path.name, column="row", fix="give both, printed"
            )
        if row != ADVISER and row[0] not in EXPERIENCE:
            raise StudyError(f"{row} is neither junior (J) nor senior (S)", file=path.name, column="row", fix="name it")
    return {row: (wide.loc[row, "sensitivity"], wide.loc[row, "specificity"]) for row in wanted}


def _patients(cohort: pd.DataFrame) -> pd.DataFrame:
    """External patients, once each, in the order of their names so that the order of rows changes nothing."""
    part = cohort.loc[cohort["split"] == "external", ["patient_id", "label"]].drop_duplicates()
    if part["patient_id"].duplicated().any():
        raise ValueError("cohort: a patient has two labels")
    if part["label"].nunique() < 2:
        raise ValueError("cohort: external patients of both classes are needed")
    return part.sort_values("patient_id").reset_index(drop=True)


def _positives(label: np.ndarray, point: tuple[float, float]) -> dict[int, int]:
    """Positive calls to make in each class."""
    malignant, benign = int((label == 1).sum()), int((label == 0).sum())
    return {1: nearest(point[0], malignant), 0: benign - nearest(point[1], benign)}


def _calls(latent: np.ndarray, label: np.ndarray, point: tuple[float, float]) -> np.ndarray:
    """Calls at an operating point: within each class those whose latent value is highest."""
    called = np.zeros(label.size)
    for which, count in _positives(label, point).items():
        cases = np.flatnonzero(label == which)
        called[cases[np.argsort(-latent[cases], kind="stable")[:count]]] = 1.0
    return called


def _ratings(latent: np.ndarray, label: np.ndarray, point: tuple[float, float], cuts: np.ndarray) -> np.ndarray:
    """Ratings 1 to 5: normal scores of the ranks within a class, moved so that its positive calls lie above 0.

    `cuts` are the four limits between ratings; the second, between 2 and 3, is 0.
    """
    from scipy.special import ndtri

    score = np.empty(label.size)
    for which, count in _positives(label, point).items():
        cases = np.flatnonzero(label == which)
        rank = np.empty(cases.size)
        rank[np.argsort(latent[cases], kind="stable")] = np.arange(cases.size) + 0.5
        cut = np.clip((cases.size - count) / cases.size, 0.25 / cases.size, 1 - 0.25 / cases.size)
        score[cases] = ndtri(rank / cases.size) - ndtri(cut)
    return 1 + np.searchsorted(cuts, score, side="right")

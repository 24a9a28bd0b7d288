"""Simulated readings of the test patients: a junior and a senior reader who name one class for each.

The paper prints accuracies of 73 % and 84 %, and an AUC of 0.88 of the senior reader for the non-metastatic class. No
whole number of its 34 test patients gives 73 or 84 %, so the nearest number is named right: 25 and 29. An AUC of calls
of one class is the mean of sensitivity and specificity; with 3 of the 4 named, and nobody else so named, it is 0.875.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.simulate.readings import COLUMNS, FILE, nearest

READERS = {"junior": "junior radiologist", "senior": "senior radiologist"}
MODALITY = "unaided"
OWN = 0.8  # weight of a reader's own impression beside the difficulty that all share


def write_readings(
    folder: str | Path, patients: pd.DataFrame, known: np.ndarray, *, published: str | Path, seed: int
) -> pd.DataFrame:
    """Write `readings.csv`: the class that each reader names for each test patient.

    Patients whose drawn signs speak against their class are difficult; a reader misses those who are most difficult
    for this reader, and calls them by the class that the signs speak for most among the other two. Nobody who is not
    of the middle class is given its name by the senior reader.

    Parameters
    ----------
    folder : path
        The study's folder.
    patients : DataFrame
        `patient_id, label, code` of the test patients, one row each.
    known : array of shape (n, classes)
        Probability of each class given what is drawn.
    published : path
        `C_text.csv`.
    seed : int
        Decides everything that is drawn.

    Returns
    -------
    DataFrame
        What was written, one row a reader and patient: `rating` is the class named; `case_id` is the patient's.

    Raises
    ------
    StudyError
        If the table lacks an accuracy.
    """
    code, names = patients["code"].to_numpy(), list(dict(sorted(zip(patients["code"], patients["label"]))).values())
    printed = _accuracies(Path(published))
    rng = np.random.default_rng([seed, 6])
    order = np.arange(len(code))
    own_class = known[order, code]
    shared = -np.log(own_class) + 0.5 * rng.normal(size=len(code))
    shared = (shared - shared.mean()) / shared.std()
    middle = len(names) // 2
    parts = []
    for experience, share in printed.items():
        difficulty = shared + OWN * rng.normal(size=len(code))
        wrong = _missed(difficulty, code, len(code) - nearest(share, len(code)), middle=middle)
        others = known.copy()
        others[order, code] = -1
        if experience == "senior":
            others[:, middle] = -1
        called = np.where(wrong, others.argmax(axis=1), code)
        about = {"reader": experience, "experience": experience, "modality": MODALITY}
        table = pd.DataFrame({"patient_id": patients["patient_id"].to_numpy(), "label": patients["label"].to_numpy()})
        table["case_id"], table["rating"] = table["patient_id"], [names[place] for place in called]
        parts.append(table.assign(**about)[COLUMNS].sort_values("patient_id", kind="stable"))
    table = pd.concat(parts, ignore_index=True)
    table.to_csv(Path(folder) / FILE, index=False, lineterminator="\n", encoding="utf-8")
    return table


def _missed(difficulty: np.ndarray, code: np.ndarray, count: int, *, middle: int) -> np.ndarray:
    """The patients that a reader gets wrong: one of the middle class, the rest the most difficult of the others."""
    wrong = np.zeros(len(code), dtype=bool)
    for own, number in ((code == middle, min(count, 1)), (code != middle, count - min(count, 1))):
        rows = np.flatnonzero(own)
        wrong[rows[np.argsort(-difficulty[rows], kind="stable")[:number]]] = True
    return wrong


def _accuracies(path: Path) -> dict[str, float]:
    """Printed accuracy of each reader, as a share."""
    table = pd.read_csv(path)
    table = table[(table["statistic"] == "accuracy") & (table["column"] == "test")].set_index("row")["value_num"]
    for row in READERS.values():
        if row not in table.index:
            raise StudyError(f"no accuracy of the {row}", file=path.name, column="row", fix="give it, printed")
    return {experience: float(table[row]) / 100 for experience, row in READERS.items()}

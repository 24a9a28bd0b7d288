"""Check all tables of a study before anything is computed: `python -m helpers.stats.checked FOLDER OUT`.

OUT is the table of splits with the fingerprint of each, written when everything is in order. The room `data` checks
its own tables; readings are a table of this room.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from helpers.data import check as given
from helpers.data import cohort
from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.data.study import read as read_study
from helpers.stats import class_readings, readings

FILE = "readings.csv"


def check(folder: str | Path) -> pd.DataFrame:
    """Read every table of a study's folder that a chapter will read.

    Parameters
    ----------
    folder : path
        The study's folder.

    Returns
    -------
    DataFrame
        The splits, as `helpers.data.check.check`.

    Raises
    ------
    StudyError
        For the first fault, with file, row, column and the way out.
    """
    study = read_study(folder)
    splits = given.check(folder)
    path = Path(folder) / FILE
    asking = [chapter for chapter in ("readers", "class_readers") if chapter in study.chapters]
    if asking and not path.is_file():
        fix = f"put the table there, or take {asking[0]} out of chapters"
        raise StudyError("no such file", file=FILE, fix=fix)
    if "readers" in study.chapters:
        asked = study.readers
        options = {"unaided": asked.unaided, "aided": asked.aided, "positive_from": asked.positive_from}
        try:
            readings.two_ways(readings.read(path), **options)
        except StudyError:
            raise
        except ValueError as error:
            raise readings.disagreement(error) from None
    if "class_readers" in study.chapters:
        _check_classes(path, study)
    return splits


def _check_classes(path: Path, study: Study) -> None:
    """Every reader judged every patient, and, where the cohort is known, some of them are those who are judged."""
    table = class_readings.read(path, study.outcome.classes)
    judged = class_readings.by_patient(table).index
    if not study.cohort_chapters:
        return
    cases = cohort.read(path.parent, study=study)
    known = cases[cases["split"] == study.judged].drop_duplicates("patient_id").set_index("patient_id")["label"]
    class_readings.agree(
        table, known.map(study.outcome.names), [patient for patient in judged if patient in known.index]
    )


if __name__ == "__main__":
    try:
        splits = check(sys.argv[1])
    except StudyError as error:
        sys.exit(str(error))
    out = Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    splits.to_csv(out, index=False)

"""Check a study's tables and media before anything is computed: `python -m helpers.data.check FOLDER OUT`.

OUT is the table of splits with the fingerprint of each, written when everything is in order.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from helpers.data import cohort
from helpers.data.errors import StudyError
from helpers.data.study import read as read_study


def check(folder: str | Path) -> pd.DataFrame:
    """Read the settings, `cohort.csv` where a chapter needs it, `media.csv` where the study has inputs, and
    `frames.csv` where an input takes labelled frames.

    Parameters
    ----------
    folder : path
        The study's folder.

    Returns
    -------
    DataFrame
        The splits, as `helpers.data.cohort.manifest`; without rows for a study that has no cohort table.

    Raises
    ------
    StudyError
        For the first fault, with file, row, column and the way out.
    """
    study = read_study(folder)
    if not study.cohort_chapters:
        return pd.DataFrame(columns=cohort.MANIFEST)
    frame = cohort.read(folder, study=study)
    if study.inputs:
        from helpers.data import media

        table = media.table(folder, frame)
        for name, source in study.inputs.items():
            absent = sorted(set(frame["case_id"]) - set(table.loc[table["kind"] == source.kind, "case_id"]))
            if absent and study.models:
                raise StudyError(
                    f"{len(absent)} cases have no file of kind {source.kind}, the first is {absent[0]!r}",
                    file="media.csv",
                    column="kind",
                    fix=f"add their files, or take the input {name} out of study.yaml",
                )
        if any(source.frames != "spaced" for source in study.inputs.values()):
            media.labelled_frames(folder, table)
    return cohort.manifest(cohort.against_rest(frame, study))


if __name__ == "__main__":
    try:
        splits = check(sys.argv[1])
    except StudyError as error:
        sys.exit(str(error))
    out = Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    splits.to_csv(out, index=False)

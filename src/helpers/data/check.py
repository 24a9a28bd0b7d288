"""Check a study's tables and media before anything is computed; `helpers.stats.checked` adds the readings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.data import cohort, flow_file, reports, structures
from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.data.study import read as read_study


def check(folder: str | Path) -> pd.DataFrame:
    """Read what the study's chapters will read of its folder, media by their headers.

    These are the settings, `cohort.csv` where a chapter needs it, the flow, `media.csv` where the study has inputs,
    `frames.csv` where an input takes labelled frames, `reports.csv` and `structures.csv`.

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
    if "cohort" in study.chapters:
        named = flow_file.FILE if (Path(folder) / flow_file.FILE).is_file() else "study.yaml"
        cohort.flow(cohort.flow_steps(folder, study), **cohort.ends(frame, study), file=named)
    if study.inputs:
        _check_media(folder, study, frame)
    if study.reports is not None:
        reports.read(folder, frame, language=study.reports.language)
    if study.segmentation is not None:
        structures.rows(folder, frame["case_id"])
    return cohort.manifest(cohort.against_rest(frame, study))


def _check_media(folder: str | Path, study: Study, frame: pd.DataFrame) -> None:
    from helpers.data import media

    table = media.table(folder, frame)
    for name, source in study.inputs.items():
        absent = sorted(set(frame["case_id"]) - set(table.loc[table["kind"] == source.kind, "case_id"]))
        if absent and (study.models or study.segmentation):
            raise StudyError(
                f"{len(absent)} cases have no file of kind {source.kind}, the first is {absent[0]!r}",
                file="media.csv",
                column="kind",
                fix=f"add their files, or take the input {name} out of study.yaml",
            )
    if any(source.frames != "spaced" for source in study.inputs.values()):
        media.labelled_frames(folder, table)

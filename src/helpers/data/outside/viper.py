"""VIPER, a reader study of mammography, as `readings.csv`.

Twenty readers of the high-prevalence screening sub-study read women's screen-film (SFM) and full-field digital (FFDM)
mammograms. The design is a split plot: five readers read the same 60 or so cases in both modalities, four times. A
reading is a recall decision and a score from 0 to 201; scores above 100 are recalls, so that one column holds both.

The label is cancer within 455 days. Breast, not thyroid, and no model: real numbers for the chapter `readers`.
Gallas et al. (2019), doi:10.1117/1.JMI.6.1.015501.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.data import made
from helpers.data.errors import StudyError

READINGS = "viperObs_screeningHighP.csv"
QUALIFICATIONS = "viperReaderQualifications.csv"
FILE = "readings.csv"
COLUMNS = ["reader", "experience", "modality", "case_id", "patient_id", "label", "rating"]
NEEDED = ("cancerStatus455", "caseID", "readerID", "modalityID", "recall", "score")
FREE_TEXT = "abnormalityType"  # the field that may hold commas without quotes
MODALITIES = {"FFDM": "full-field digital (FFDM)", "SFM": "screen film (SFM)"}
RECALLED_FROM = 101
TRAINED = {"Yes": "breast fellowship", "No": "no breast fellowship"}
_LAYOUT = "use the file that data/registry.yaml declares"


def read(readings: str | Path, qualifications: str | Path) -> pd.DataFrame:
    """Read VIPER's readings and the training of its readers.

    Parameters
    ----------
    readings : path
        One row a reading: `cancerStatus455` (0 or 1), `caseID`, `readerID` (`reader21`), `modalityID` (FFDM or SFM),
        `recall` (1 recalled, 2 not), `score` (0 to 201). A field of free text in the middle may hold commas.
    qualifications : path
        One row a reader: `readerID` (21), `breastImagingFellowship` (Yes or No).

    Returns
    -------
    DataFrame
        `reader, experience, modality, case_id, patient_id, label, rating`; a case is a woman.

    Raises
    ------
    StudyError
        If a column is missing, a value is not as described, a recall contradicts its score, or the training of a
        reader is unknown; with file, row and column.
    """
    path = Path(readings)
    table = _rows(path)
    number = {name: pd.to_numeric(table[name], errors="coerce") for name in ("cancerStatus455", "recall", "score")}
    _refuse(~number["cancerStatus455"].isin([0, 1]), table, "cancerStatus455", "{!r} is not 0 or 1", path.name)
    _refuse(~number["recall"].isin([1, 2]), table, "recall", "{!r} is not 1 or 2", path.name)
    _refuse(~number["score"].between(0, 201), table, "score", "{!r} is not between 0 and 201", path.name)
    _refuse(~table["modalityID"].isin(list(MODALITIES)), table, "modalityID", "{!r} is not FFDM or SFM", path.name)
    against = (number["recall"] == 1) != (number["score"] >= RECALLED_FROM)
    _refuse(against, table, "score", "the score {!r} contradicts the recall decision", path.name)
    trained = _trained(Path(qualifications))
    _refuse(~table["readerID"].isin(list(trained)), table, "readerID", "no training is known of {!r}", path.name)
    made = pd.DataFrame(
        {
            "reader": table["readerID"],
            "experience": table["readerID"].map(trained),
            "modality": table["modalityID"].map(MODALITIES),
            "case_id": "case" + table["caseID"].str.zfill(4),
            "patient_id": "case" + table["caseID"].str.zfill(4),
            "label": number["cancerStatus455"].astype(int),
            "rating": number["score"].astype(int),
        }
    )
    return made.sort_values(["reader", "modality", "case_id"]).reset_index(drop=True)[COLUMNS]


def write_readings(folder: str | Path, source: str | Path) -> dict[str, Any]:
    """Write `readings.csv` of a study from the files of the set.

    Parameters
    ----------
    folder : path
        The study's folder.
    source : path
        Folder that holds `viperObs_screeningHighP.csv` and `viperReaderQualifications.csv`.

    Returns
    -------
    dict
        `readers, cases, positive, readings`.

    Raises
    ------
    StudyError
        As `read`.
    """
    source = Path(source)
    table = read(source / READINGS, source / QUALIFICATIONS)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".gathering-") as work:
        text = table.to_csv(index=False, lineterminator="\n")
        Path(work, FILE).write_text(text, encoding="utf-8", newline="\n")
        made.publish(Path(work), Path(folder), (FILE,), kind="outside", by="viper")
    cases = table.drop_duplicates("case_id")
    counts = {"readers": table["reader"].nunique(), "cases": len(cases), "positive": int(cases["label"].sum())}
    return counts | {"readings": len(table)}


def _rows(path: Path) -> pd.DataFrame:
    """All readings as text; fields are counted from both ends, because the free text between may hold commas."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = [name.strip('"') for name in lines[0].split(",")] if lines else []
    for name in (*NEEDED, FREE_TEXT):
        if name not in names:
            raise StudyError("there is no such column", file=path.name, row=1, column=name, fix=_LAYOUT)
    before, after = names.index(FREE_TEXT), len(names) - names.index(FREE_TEXT) - 1
    rows, where = [], []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split(",")
        if not line.strip():
            continue
        if len(fields) < len(names):
            message = f"{len(fields)} fields where the header has {len(names)}"
            raise StudyError(message, file=path.name, row=number, fix=_LAYOUT)
        text = ",".join(fields[before : len(fields) - after])
        rows.append([*fields[:before], text, *fields[len(fields) - after :]])
        where.append(number)
    table = pd.DataFrame(rows, columns=names, index=where, dtype=object)
    return table.apply(lambda column: column.str.strip().str.strip('"'))


def _trained(path: Path) -> dict[str, str]:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in ("readerID", "breastImagingFellowship"):
        if name not in table:
            raise StudyError("there is no such column", file=path.name, row=1, column=name, fix=_LAYOUT)
    table.index = table.index + 2  # rows as a spreadsheet counts
    known = table["breastImagingFellowship"].isin(list(TRAINED))
    _refuse(~known, table, "breastImagingFellowship", "{!r} is not Yes or No", path.name)
    return {f"reader{row.readerID}": TRAINED[row.breastImagingFellowship] for row in table.itertuples()}


def _refuse(bad: pd.Series, table: pd.DataFrame, column: str, message: str, file: str) -> None:
    if bad.any():
        row = int(bad.idxmax())
        raise StudyError(message.format(table.loc[row, column]), file=file, row=row, column=column, fix=_LAYOUT)

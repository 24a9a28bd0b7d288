"""The media table of a study, `media.csv`, checked before anything is decoded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.cells import box, near, positive, read_text, whole
from helpers.data.media.files import resolve
from helpers.data.media.formats import sniff

KINDS = ("bmode", "ceus", "cine")
REQUIRED = ("case_id", "kind", "path", "roi", "frames", "key_frame")
OPTIONAL = ("seconds_per_frame", "pixel_mm", "mask", "volume_mask")
FILE = "media.csv"
MOST_FRAMES = 10_000_000
"""Frames a clip can have: four days of thirty a second."""


def table(folder: str | Path, cohort: pd.DataFrame) -> pd.DataFrame:
    """Read and check `media.csv` of a study.

    Parameters
    ----------
    folder : path
        Study folder; `media.csv` lies in it.
    cohort : DataFrame
        Cohort with the column `case_id`.

    Returns
    -------
    DataFrame
        One row a file: `case_id` (as in the cohort), `kind`, `path`, `roi` (tuple x0, y0, x1, y1),
        `frames`, `key_frame` (int), `seconds_per_frame`, `pixel_mm` (float, NaN when empty), `mask` and
        `volume_mask` (str, empty when there is none), further columns as text, and `row` as a spreadsheet
        counts.

    Raises
    ------
    StudyError
        For the first fault from the top: file or column missing (with the nearest name), unknown case or
        kind, a case with two rows of one kind, a path that is absent, empty, outside the folder or of an
        unknown format, a box or number that is none.

    Examples
    --------
    >>> import tempfile; from pathlib import Path; from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (8, 8), 90).save(f"{folder}/one.png")
    ...     text = "case_id,kind,path,roi,frames,key_frame\\nc1,bmode,one.png,1 1 5 6,1,0\\n"
    ...     _ = Path(folder, "media.csv").write_text(text)
    ...     table(folder, pd.DataFrame({"case_id": ["c1"]}))["roi"][0]
    (1.0, 1.0, 5.0, 6.0)
    """
    folder = Path(folder)
    text = read_text(folder, FILE, required=REQUIRED, optional=OPTIONAL, rows="media file")
    names = {str(case): case for case in cohort["case_id"]}
    out = []
    seen: dict[tuple[str, str], int] = {}
    for position, record in enumerate(text.to_dict("records")):
        row = position + 2  # the header is row 1
        case, kind = record["case_id"], record["kind"]
        if case not in names:
            raise StudyError(
                f"case {case!r} is not in cohort.csv{near(case, names)}",
                file=FILE, row=row, column="case_id", fix="add the case to cohort.csv or correct its name",
            )  # fmt: skip
        if kind not in KINDS:
            raise StudyError(
                f"unknown kind {kind!r}{near(kind, KINDS)}",
                file=FILE, row=row, column="kind", fix=f"use {', '.join(KINDS)}",
            )  # fmt: skip
        if (case, kind) in seen:
            raise StudyError(
                f"case {case!r} has a {kind} file in row {seen[case, kind]} already",
                file=FILE, row=row, column="case_id", fix="keep one row a case and kind",
            )  # fmt: skip
        seen[case, kind] = row
        out.append({**record, **_checked(folder, record, row), "case_id": names[case], "row": row})
    return pd.DataFrame(out, columns=[*text.columns, *(set(OPTIONAL) - set(text.columns)), "row"])


def _checked(folder: Path, record: dict[str, str], row: int) -> dict:
    """The typed cells of one row."""
    where = {"file": FILE, "row": row}
    for column in ("path", "mask", "volume_mask"):
        if column == "path" or record.get(column):
            found = resolve(folder, record[column], row=row, column=column)
            try:
                format = sniff(found)
            except StudyError as error:
                raise StudyError(
                    f"{record[column]!r}: {error.message}", **where, column=column, fix=error.fix
                ) from error
            if column == "volume_mask" and format != "nifti":
                raise StudyError(
                    f"{record[column]!r} is {format}, not NIfTI",
                    **where,
                    column=column,
                    fix="save the volume as .nii.gz",
                )
            if (format in ("nifti", "nrrd")) > (column != "path"):
                raise StudyError(f"{record[column]!r} is a mask", **where, column=column, fix="name an image or clip")
    frames = whole(record["frames"], 1, MOST_FRAMES, where, "frames")
    return {
        "roi": box(record["roi"], where),
        "frames": frames,
        "key_frame": whole(record["key_frame"], 0, frames - 1, where, "key_frame"),
        "seconds_per_frame": positive(record.get("seconds_per_frame", ""), where, "seconds_per_frame"),
        "pixel_mm": positive(record.get("pixel_mm", ""), where, "pixel_mm"),
        "mask": record.get("mask", ""),
        "volume_mask": record.get("volume_mask", ""),
    }

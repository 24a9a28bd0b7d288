"""The media table of a study, `media.csv`, checked before anything is decoded."""

from __future__ import annotations

import difflib
import math
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.files import resolve
from helpers.data.media.formats import sniff

KINDS = ("bmode", "ceus", "cine")
REQUIRED = ("case_id", "kind", "path", "roi", "frames", "key_frame")
OPTIONAL = ("seconds_per_frame", "pixel_mm", "mask")
FILE = "media.csv"


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
        `frames`, `key_frame` (int), `seconds_per_frame`, `pixel_mm` (float, NaN when empty), `mask` (str,
        empty when there is none), further columns as text, and `row` as a spreadsheet counts.

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
    text = _read(folder)
    names = {str(case): case for case in cohort["case_id"]}
    out = []
    seen: dict[tuple[str, str], int] = {}
    for position, record in enumerate(text.to_dict("records")):
        row = position + 2  # the header is row 1
        case, kind = record["case_id"], record["kind"]
        if case not in names:
            raise StudyError(
                f"case {case!r} is not in cohort.csv{_near(case, names)}",
                file=FILE, row=row, column="case_id", fix="add the case to cohort.csv or correct its name",
            )  # fmt: skip
        if kind not in KINDS:
            raise StudyError(
                f"unknown kind {kind!r}{_near(kind, KINDS)}",
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


def _read(folder: Path) -> pd.DataFrame:
    """Read the table as text, with its columns checked."""
    try:
        # every cell as text: a case named 007 or NA keeps its name
        # and the header as a row, since pandas would rename a column that is there twice
        text = pd.read_csv(folder / FILE, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None)
    except FileNotFoundError as error:
        raise StudyError("the file is not there", file=FILE, fix="write one row a media file") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        reason = str(error).strip()
        raise StudyError(f"not a readable CSV table ({reason})", file=FILE, fix="save it as CSV, UTF-8") from error
    text.columns = [str(name).strip() for name in text.iloc[0]]
    text = text.iloc[1:]
    if text.columns.duplicated().any():
        twice = text.columns[text.columns.duplicated()][0]
        raise StudyError("the column is there twice", file=FILE, row=1, column=twice, fix="keep one of them")
    extra = [name for name in text.columns if name not in REQUIRED + OPTIONAL]
    for name in REQUIRED:
        if name not in text.columns:
            raise StudyError(
                f"the column is missing{_near(name, extra)}",
                file=FILE, row=1, column=name, fix=f"the columns are {', '.join(REQUIRED + OPTIONAL)}",
            )  # fmt: skip
    for name in extra:
        close = difflib.get_close_matches(name, [o for o in OPTIONAL if o not in text.columns], n=1, cutoff=0.75)
        if close:
            raise StudyError(
                f"unknown column; did you mean {close[0]!r}?", file=FILE, row=1, column=name, fix="correct its name"
            )
    if text.empty:
        raise StudyError("the table has no rows", file=FILE, fix="write one row a media file")
    return text.fillna("").apply(lambda column: column.str.strip())


def _checked(folder: Path, record: dict[str, str], row: int) -> dict:
    """The typed cells of one row."""
    where = {"file": FILE, "row": row}
    for column in ("path", "mask"):
        if column == "path" or record.get(column):
            found = resolve(folder, record[column], row=row, column=column)
            try:
                format = sniff(found)
            except StudyError as error:
                raise StudyError(
                    f"{record[column]!r}: {error.message}", **where, column=column, fix=error.fix
                ) from error
            if (format in ("nifti", "nrrd")) > (column == "mask"):
                raise StudyError(f"{record[column]!r} is a mask", **where, column=column, fix="name an image or clip")
    frames = _whole(record["frames"], 1, None, where, "frames")
    return {
        "roi": _box(record["roi"], where),
        "frames": frames,
        "key_frame": _whole(record["key_frame"], 0, frames - 1, where, "key_frame"),
        "seconds_per_frame": _positive(record.get("seconds_per_frame", ""), where, "seconds_per_frame"),
        "pixel_mm": _positive(record.get("pixel_mm", ""), where, "pixel_mm"),
        "mask": record.get("mask", ""),
    }


def _box(cell: str, where: dict) -> tuple[float, float, float, float]:
    way = {**where, "column": "roi", "fix": "write x0 y0 x1 y1 in pixels, x1 > x0, y1 > y0, from 0"}
    try:
        x0, y0, x1, y1 = (float(part) for part in cell.replace(",", " ").split())
    except ValueError as error:
        raise StudyError(f"{cell!r} is not a box of four numbers", **way) from error
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and 0 <= x0 < x1 and 0 <= y0 < y1):
        raise StudyError(f"{cell!r} is not a box inside a frame", **way)
    return x0, y0, x1, y1


def _whole(cell: str, low: int, high: int | None, where: dict, column: str) -> int:
    span = f"from {low}" if high is None else f"from {low} to {high}"
    fix = f"write a whole number {span}" + (" (frames are counted from 0)" if column == "key_frame" else "")
    try:
        number = int(cell)
    except ValueError as error:
        raise StudyError(f"{cell!r} is not a whole number", **where, column=column, fix=fix) from error
    if number < low or (high is not None and number > high):
        raise StudyError(f"{number} is out of range", **where, column=column, fix=fix)
    return number


def _positive(cell: str, where: dict, column: str) -> float:
    if not cell:
        return math.nan
    fix = "write a positive number with a decimal point, or leave the cell empty"
    try:
        number = float(cell)
    except ValueError as error:
        raise StudyError(f"{cell!r} is not a number", **where, column=column, fix=fix) from error
    if not (math.isfinite(number) and number > 0):
        raise StudyError(f"{cell!r} is not a positive number", **where, column=column, fix=fix)
    return number


def _near(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""

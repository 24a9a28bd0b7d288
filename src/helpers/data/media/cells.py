"""Tables of text and their cells, each fault named by file, row and column."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError


def read_text(
    folder: Path, file: str, *, required: tuple[str, ...], optional: tuple[str, ...] = (), rows: str
) -> pd.DataFrame:
    """Read a table as text, with its columns checked.

    Parameters
    ----------
    folder : Path
        Study folder.
    file : str
        Name of the table in it.
    required, optional : tuple of str
        Its columns; further ones are kept as they are.
    rows : str
        What one row stands for, such as "media file".

    Returns
    -------
    DataFrame
        One row a row, all cells as stripped text.

    Raises
    ------
    StudyError
        If the file is absent, no table or without rows, a required column is missing, one is there twice,
        or one is nearly called like an optional one.
    """
    try:
        # every cell as text: a case named 007 or NA keeps its name
        # and the header as a row, since pandas would rename a column that is there twice
        text = pd.read_csv(folder / file, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None)
    except FileNotFoundError as error:
        raise StudyError("the file is not there", file=file, fix=f"write one row a {rows}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        reason = str(error).strip()
        raise StudyError(f"not a readable CSV table ({reason})", file=file, fix="save it as CSV, UTF-8") from error
    text.columns = [str(name).strip() for name in text.iloc[0]]
    text = text.iloc[1:]
    if text.columns.duplicated().any():
        twice = text.columns[text.columns.duplicated()][0]
        raise StudyError("the column is there twice", file=file, row=1, column=twice, fix="keep one of them")
    extra = [name for name in text.columns if name not in required + optional]
    for name in required:
        if name not in text.columns:
            raise StudyError(
                f"the column is missing{near(name, extra)}",
                file=file, row=1, column=name, fix=f"the columns are {', '.join(required + optional)}",
            )  # fmt: skip
    for name in extra:
        close = difflib.get_close_matches(name, [o for o in optional if o not in text.columns], n=1, cutoff=0.75)
        if close:
            raise StudyError(
                f"unknown column; did you mean {close[0]!r}?", file=file, row=1, column=name, fix="correct its name"
            )
    if text.empty:
        raise StudyError("the table has no rows", file=file, fix=f"write one row a {rows}")
    return text.fillna("").apply(lambda column: column.str.strip())


def box(cell: str, where: dict) -> tuple[float, float, float, float]:
    """Four numbers x0 y0 x1 y1 of a box, the right way round and not negative; `where` names file and row."""
    way = {**where, "column": "roi", "fix": "write x0 y0 x1 y1 in pixels, x1 > x0, y1 > y0, from 0"}
    try:
        x0, y0, x1, y1 = (float(part) for part in cell.replace(",", " ").split())
    except ValueError as error:
        raise StudyError(f"{cell!r} is not a box of four numbers", **way) from error
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and 0 <= x0 < x1 and 0 <= y0 < y1):
        raise StudyError(f"{cell!r} is not a box inside a frame", **way)
    return x0, y0, x1, y1


def whole(cell: str, low: int, high: int | None, where: dict, column: str) -> int:
    """A whole number from `low` to `high` (None: no upper limit)."""
    span = f"from {low}" if high is None else f"from {low} to {high}"
    fix = f"write a whole number {span}" + (" (frames are counted from 0)" if column == "key_frame" else "")
    try:
        number = int(cell)
    except ValueError as error:
        raise StudyError(f"{cell!r} is not a whole number", **where, column=column, fix=fix) from error
    if number < low or (high is not None and number > high):
        raise StudyError(f"{number} is out of range", **where, column=column, fix=fix)
    return number


def positive(cell: str, where: dict, column: str) -> float:
    """A positive number, or NaN for an empty cell."""
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


def near(name: str, names: Iterable[str]) -> str:
    """A question about the nearest known name, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""

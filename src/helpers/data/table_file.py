"""Read a table that a spreadsheet or another program wrote, and name every fault that it can have.

What a spreadsheet makes of a table (semicolons, decimal commas, another encoding) is named, never guessed around:
a guess that is wrong once in a hundred tables gives wrong numbers that nobody sees.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError

TEXT = ("study", "model", "split", "center", "patient_id", "case_id", "reader", "modality", "experience")
KINDS = (".csv", ".parquet")
EMPTY = ["", "NA", "NaN", "nan", "NULL"]
COMMAS = (
    "save the table with commas between the columns and points in numbers, as 0.25 (in a text editor: replace each "
    "decimal comma by a point first, then each separator by a comma)"
)
# The default parser of numbers used to be off in the last digit; since pandas 3.1 it is exact and naming one warns.
ROUND_TRIP = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}


def shown(file: Path) -> str:
    """A file as errors name it: relative to the working directory, or its name alone."""
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.name


def check_kind(file: Path) -> str:
    """The ending of a table's file; anything but `.csv` and `.parquet` is a `StudyError`."""
    if file.suffix not in KINDS:
        raise StudyError(f"unknown kind of file {file.suffix!r}", file=shown(file), fix="use .csv or .parquet")
    return file.suffix


def load(file: Path, *, columns: Collection[str] | None = None, text: bool = False) -> pd.DataFrame:
    """Read a table as it is, with identifiers as text.

    Parameters
    ----------
    file : Path
        `.csv` (UTF-8, a header, commas, decimal points) or `.parquet`.
    columns : collection of str, optional
        Read these only, where they are there.
    text : bool
        Every cell as it stands in the file.

    Returns
    -------
    DataFrame
        One row a line; empty lines at the end are dropped.

    Raises
    ------
    StudyError
        Naming file, row and the way out: no such file, empty, not UTF-8, separated by other signs than commas, more
        cells than the header has columns, parquet that is none.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "predictions.csv")
    >>> _ = file.write_text("case_id,label,risk\\n007,1,0.25\\n")
    >>> load(file)["case_id"].tolist()
    ['007']
    """
    names = columns_of(file)
    kept = [n for n in names if columns is None or n in columns]
    if not kept:
        return pd.DataFrame()
    with _faults(file):
        if file.suffix == ".parquet":
            return pd.read_parquet(file, columns=kept)
        return _trimmed(_read_csv(file, names, kept, text))


def columns_of(file: Path) -> list[str]:
    """Names of a table's columns, with the faults that its header can have; see `load`."""
    kind, name = check_kind(file), shown(file)
    if not file.is_file():
        raise StudyError("no such file", file=name, fix="run the page that writes it, or correct the path")
    with _faults(file):
        if kind == ".parquet":
            from pyarrow import parquet

            return [str(column) for column in parquet.read_schema(file).names]
        with file.open("rb") as opened:
            if opened.read(4) == b"PK\x03\x04":
                raise StudyError("is a workbook with the ending .csv", file=name, fix="save it as CSV UTF-8")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            names = next(csv.reader(opened), [])
    _check_header(names, name)
    return names


def _check_header(names: list[str], file: str) -> None:
    if not names:
        raise StudyError("is empty", file=file, fix="write a header and one row a case, model and seed")
    if names[0].startswith("sep="):
        raise StudyError("this line names a separator", file=file, row=1, fix=f"delete it, and {COMMAS}")
    found = [sign for sign in (";", "\t", "|", "，", "；") if sign in names[0]]
    if found and (len(names) == 1 or found[0] != "|"):
        said = "tabs" if found[0] == "\t" else f"{found[0]!r}"
        raise StudyError(f"the columns are separated by {said}", file=file, row=1, fix=COMMAS)
    if all(re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", n.strip().lower()) for n in names):
        raise StudyError("numbers where the names of columns belong", file=file, row=1, fix="write a header")
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise StudyError("the column is there twice", file=file, row=1, column=twice[0], fix="keep one")


@contextmanager
def _faults(file: Path) -> Iterator[None]:
    """Say in our words what goes wrong while a file is read."""
    name = shown(file)
    try:
        yield
    except StudyError:
        raise
    except UnicodeDecodeError:
        raise _encoding(file, name) from None
    except pd.errors.ParserWarning:
        raise _longer(name, 2) from None
    except (pd.errors.ParserError, csv.Error, OSError, ValueError) as error:
        message = str(error).strip().splitlines()[-1].rstrip(".")
        ragged = re.search(r"Expected \d+ fields in line (\d+), saw \d+", message)
        if ragged:
            raise _longer(name, int(ragged[1])) from None
        raise StudyError(f"cannot be read ({message})", file=name, fix="write it again as CSV or parquet") from None


def _read_csv(file: Path, names: list[str], kept: list[str], text: bool) -> pd.DataFrame:
    numbers = [n for n in kept if n == "risk" or n.startswith("risk_")]
    with warnings.catch_warnings():
        # with one cell more than columns in every row, pandas would take the first for an index, and lose the last
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # identifiers stay text ("007"); a model may be called "NA"; blank lines count, so that rows can be named
        return pd.read_csv(
            file,
            encoding="utf-8-sig",
            index_col=False,
            names=names,
            header=0,
            usecols=None if len(kept) == len(names) else kept,
            dtype=str if text else {n: str for n in kept if n in TEXT},
            keep_default_na=False,
            na_values={} if text else {n: EMPTY for n in [*numbers, "label", "seed"] if n in kept},
            **ROUND_TRIP,
            skip_blank_lines=False,
            low_memory=False,
        )


def _trimmed(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the empty lines that spreadsheets leave at the end."""
    last = len(frame)
    while last and all(pd.isna(value) or value == "" for value in frame.iloc[last - 1]):
        last -= 1
    return frame.iloc[:last]


def _encoding(file: Path, name: str) -> StudyError:
    data = file.read_bytes()
    try:
        data.decode("utf-8-sig")
        row = None
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
    return StudyError("is not UTF-8 text", file=name, row=row, fix="save it as CSV UTF-8 (Excel lists it by that name)")


def _longer(name: str, row: int) -> StudyError:
    return StudyError(
        "the row has more cells than the header has columns",
        file=name,
        row=row,
        fix="write numbers with a decimal point, as 0.25 (a decimal comma makes two cells), and leave no comma over",
    )

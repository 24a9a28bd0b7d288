"""What else a frame shows: `structures.csv` names, for each case, an image whose grey levels say what is where.

Optional. A simulated study knows it; drawings of several structures by hand fit too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.cells import near
from helpers.data.media.crops import Square
from helpers.data.media.files import resolve
from helpers.data.media.formats import STILL, sniff
from helpers.data.table_file import load

FILE = "structures.csv"
NAMES = {1: "target", 2: "other node", 3: "vessel", 4: "muscle"}
"""Grey levels; everything else is other tissue."""


def rows(folder: str | Path, case_id: Iterable[str]) -> dict[str, tuple[int, Path]] | None:
    """Read and check `structures.csv` of a study.

    Parameters
    ----------
    folder : path
        Study folder.
    case_id : iterable of str
        Cases of the study.

    Returns
    -------
    dict of str to (int, Path), or None
        Row and file of each case that has one; None for a study without `structures.csv`.

    Raises
    ------
    StudyError
        If a column is missing, a case is unknown or there twice, or a file is absent, outside the folder or no image.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    table = load(path, text=True)
    for column in ("case_id", "path"):
        if column not in table:
            raise StudyError("there is no such column", file=FILE, row=1, column=column, fix="give case_id and path")
    known = set(map(str, case_id))
    found: dict[str, tuple[int, Path]] = {}
    for row, line in enumerate(table.itertuples(), start=2):
        where = {"file": FILE, "row": row}
        if line.case_id not in known:
            fix = "correct its name"
            said = f"case {line.case_id!r} is not in cohort.csv{near(line.case_id, known)}"
            raise StudyError(said, **where, column="case_id", fix=fix)
        if line.case_id in found:
            said = f"case {line.case_id!r} has structures in row {found[line.case_id][0]} already"
            raise StudyError(said, **where, column="case_id", fix="keep one row a case")
        file = resolve(Path(folder), line.path, file=FILE, row=row, column="path")
        try:
            format = sniff(file)
        except StudyError as error:
            raise StudyError(f"{line.path!r}: {error.message}", **where, column="path", fix=error.fix) from error
        if format not in STILL:
            raise StudyError(f"{line.path!r} is {format}, not an image", **where, column="path", fix="save it as PNG")
        found[line.case_id] = (row, file)
    return found


def read_structures(
    folder: str | Path, case_id: Sequence[str], index: pd.DataFrame, *, side: int, cohort: Iterable[str] | None = None
) -> np.ndarray | None:
    """Read the structures of some cases on the grid of their arrays.

    Parameters
    ----------
    folder : path
        Study folder.
    case_id : sequence of str
    index : DataFrame
        Rows of the arrays' index in the same order: `height, width, crop_x0, crop_y0, crop_side`.
    side : int
        Of the arrays, pixels.
    cohort : iterable of str, optional
        All cases of the study, when `case_id` is a part of them.

    Returns
    -------
    uint8 array of shape (n, side, side), or None
        None for a study without `structures.csv`; 0 for a case without a row.

    Raises
    ------
    StudyError
        As `rows`, or if an image is damaged or of another size than its frame.
    """
    found = rows(folder, case_id if cohort is None else cohort)
    if found is None:
        return None
    from helpers.data.media import stills

    out = np.zeros((len(index), side, side), np.uint8)
    for place, (case, known) in enumerate(zip(case_id, index.itertuples())):
        if case not in found:
            continue
        row, file = found[case]
        where = {"file": FILE, "row": row, "column": "path"}
        try:
            with stills.opened(file) as image:
                grey = np.asarray(image.convert("L"))
        except StudyError as error:
            raise StudyError(f"{file.name}: {error.message}", **where, fix=error.fix) from error
        if grey.shape != (int(known.height), int(known.width)):
            said = f"{grey.shape[1]} x {grey.shape[0]} pixels, its frame {int(known.width)} x {int(known.height)}"
            raise StudyError(f"the structures have {said}", **where, fix="draw them again")
        out[place] = nearest(grey, Square(known.crop_x0, known.crop_y0, known.crop_side), side=side)
    return out


def nearest(grey: np.ndarray, square: Square, *, side: int) -> np.ndarray:
    """Cut a square out of an image of codes, by the nearest pixel; 0 beyond the image.

    Examples
    --------
    >>> nearest(np.array([[1, 2], [3, 4]], np.uint8), Square(0.0, 0.0, 2.0), side=4)[0].tolist()
    [1, 1, 2, 2]
    """
    at = (np.arange(side) + 0.5) * square.side / side
    rows, columns = np.floor(square.y0 + at).astype(int), np.floor(square.x0 + at).astype(int)
    inside_rows, inside_columns = (
        (places >= 0) & (places < length) for places, length in zip((rows, columns), grey.shape)
    )
    found = grey[np.clip(rows, 0, grey.shape[0] - 1)][:, np.clip(columns, 0, grey.shape[1] - 1)]
    return np.where(inside_rows[:, None] & inside_columns[None], found, 0).astype(np.uint8)

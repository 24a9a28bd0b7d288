"""What else a frame shows: `structures.csv` names, for each case, an image whose grey levels say what is where.

Optional. A simulated study knows it; drawings of several structures by hand fit too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.crops import Square
from helpers.data.media.files import resolve
from helpers.data.table_file import load

FILE = "structures.csv"
NAMES = {1: "target", 2: "other node", 3: "vessel", 4: "muscle"}
"""Grey levels; everything else is other tissue."""


def read_structures(folder: str | Path, case_id: Sequence[str], index: pd.DataFrame, *, side: int) -> np.ndarray | None:
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

    Returns
    -------
    uint8 array of shape (n, side, side), or None
        None for a study without `structures.csv`; 0 for a case without a row.

    Raises
    ------
    StudyError
        If a file is absent, outside the folder, or of another size than its frame.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    from helpers.data.media import stills

    table = load(path, text=True)
    for column in ("case_id", "path"):
        if column not in table:
            raise StudyError("there is no such column", file=FILE, row=1, column=column, fix="give case_id and path")
    rows = {line.case_id: (number, line.path) for number, line in enumerate(table.itertuples(), start=2)}
    out = np.zeros((len(index), side, side), np.uint8)
    for place, (case, known) in enumerate(zip(case_id, index.itertuples())):
        if case not in rows:
            continue
        row, name = rows[case]
        with stills.opened(resolve(Path(folder), name, row=row, column="path")) as image:
            grey = np.asarray(image.convert("L"))
        if grey.shape != (int(known.height), int(known.width)):
            said = f"{grey.shape[1]} x {grey.shape[0]} pixels, its frame {int(known.width)} x {int(known.height)}"
            raise StudyError(f"the structures have {said}", file=FILE, row=row, column="path", fix="draw them again")
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

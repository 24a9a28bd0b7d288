"""Outlines and heat maps that a network made of cases, as one small file that needs no torch to be read.

`outlines.npz` holds `case_id` (text), `shape` (height, width), `outline` (bits, packed along the width) where the
network outlines, and `heat` and `control` (uint8) where it classifies.
"""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.errors import StudyError

FILE = "outlines.npz"


@dataclass(frozen=True)
class Outlines:
    """What a network drew.

    Attributes
    ----------
    case_id : array of str, shape (n,)
    outline : bool array of shape (n, height, width), or None
    heat : uint8 array of shape (n, side, side), or None
        Heat map of the class, 0 to 255.
    control : uint8 array of the same shape, or None
        The same of the network with weights drawn anew.
    """

    case_id: np.ndarray
    outline: np.ndarray | None
    heat: np.ndarray | None
    control: np.ndarray | None

    def of(self, case_id: np.ndarray) -> Outlines:
        """The named cases, in that order.

        Raises
        ------
        StudyError
            If one is not there.
        """
        place = {name: number for number, name in enumerate(self.case_id.tolist())}
        lost = [name for name in case_id if name not in place]
        if lost:
            raise StudyError(f"case {lost[0]!r} has no outline", file=FILE, fix="run the page of the network again")
        rows = np.array([place[name] for name in case_id], dtype=int)
        parts = (None if part is None else part[rows] for part in (self.outline, self.heat, self.control))
        return Outlines(self.case_id[rows], *parts)


def write(path: str | Path, made: Outlines) -> Path:
    """Write the file in one step; equal content gives equal bytes.

    Parameters
    ----------
    path : path
    made : Outlines

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> mask = np.eye(9, dtype=bool)[None]
    >>> file = write(Path(tempfile.mkdtemp(), FILE), Outlines(np.array(["N1"]), mask, None, None))
    >>> bool((read(file).outline == mask).all())
    True
    """
    path = Path(path)
    parts = {"case_id": np.asarray(made.case_id, dtype=np.str_)}
    if made.outline is not None:
        parts |= {"outline": np.packbits(made.outline, axis=-1), "shape": np.array(made.outline.shape[1:])}
    maps = {"heat": made.heat, "control": made.control}
    parts |= {name: array for name, array in maps.items() if array is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in parts.items():
            held = io.BytesIO()
            np.lib.format.write_array(held, array, allow_pickle=False)
            about = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))  # no clock time in the bytes
            about.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(about, held.getvalue())
    os.replace(part, path)
    return path


def read(path: str | Path) -> Outlines:
    """Read the file.

    Parameters
    ----------
    path : path

    Returns
    -------
    Outlines

    Raises
    ------
    StudyError
        If it is absent or damaged.

    Examples
    --------
    >>> import tempfile
    >>> heat = np.full((1, 2, 2), 200, dtype=np.uint8)
    >>> made = read(write(Path(tempfile.mkdtemp(), FILE), Outlines(np.array(["N1"]), None, heat, heat)))
    >>> made.of(np.array(["N1"])).heat.max(), made.outline is None
    (np.uint8(200), True)
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as held:
            outline = None
            if "outline" in held:
                height, width = (int(side) for side in held["shape"])
                outline = np.unpackbits(held["outline"], axis=-1, count=width).astype(bool).reshape(-1, height, width)
            return Outlines(held["case_id"], outline, held.get("heat"), held.get("control"))
    except FileNotFoundError:
        raise StudyError("no such file", file=path.name, fix="run the page of the network") from None
    except Exception as error:  # a damaged archive ends in errors of zipfile, zlib and numpy alike
        raise StudyError(f"cannot be read ({error})", file=path.name, fix="run the page of the network again") from None

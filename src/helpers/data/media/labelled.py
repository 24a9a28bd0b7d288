"""The labelled frames of a study's clips, `frames.csv`, checked before anything is decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.cells import box, near, read_text, whole
from helpers.data.media.files import info, resolve
from helpers.data.media.tables import FILE as MEDIA

FILE = "frames.csv"
COLUMNS = ("path", "frame", "roi")
MOST = 10
"""Labelled frames a clip may have; one to ten were asked for by Qian et al. (paper D)."""

_FIX = {"file": FILE, "column": "roi", "fix": "give the box in pixels of the stored frame"}


def labelled_frames(folder: str | Path, table: pd.DataFrame, *, measure: bool = True) -> pd.DataFrame:
    """Read and check `frames.csv`: one row a labelled frame, with the box of the lesion in it.

    Parameters
    ----------
    folder : path
        Study folder; `frames.csv` lies in it.
    table : DataFrame
        From `helpers.data.media.table`.
    measure : bool
        Open every clip and check that boxes lie inside its frames. `helpers.data.media.arrays` checks it when
        it decodes a clip, so a reader that decodes anyway can leave it out.

    Returns
    -------
    DataFrame
        One row a labelled frame: `path`, `frame` (int, from 0), `roi` (tuple x0, y0, x1, y1), further columns
        as text, and `row` as a spreadsheet counts.

    Raises
    ------
    StudyError
        For the first fault from the top: table or column missing, a path that is outside the folder, absent or
        not in `media.csv`, a frame that is no number, negative or beyond the clip's end, a box that is none or
        leaves the frame, a frame that is there twice, a clip with more than `MOST` labelled frames.

    Examples
    --------
    >>> import tempfile; from PIL import Image; from helpers.data.media import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (8, 8), 90).save(f"{folder}/one.png")
    ...     text = "case_id,kind,path,roi,frames,key_frame\\nc1,cine,one.png,1 1 5 6,1,0\\n"
    ...     _ = Path(folder, "media.csv").write_text(text)
    ...     _ = Path(folder, "frames.csv").write_text("path,frame,roi\\none.png,0,1 1 5 6\\n")
    ...     rows = table(folder, pd.DataFrame({"case_id": ["c1"]}))
    ...     labelled_frames(folder, rows)[["frame", "roi"]].values.tolist()
    [[0, (1.0, 1.0, 5.0, 6.0)]]
    """
    folder = Path(folder)
    text = read_text(folder, FILE, required=COLUMNS, rows="labelled frame")
    lengths = table.groupby("path")["frames"].min().to_dict()
    sizes: dict[str, tuple[int, int]] = {}
    seen: dict[str, dict[int, int]] = {}
    out = []
    for row, record in enumerate(text.to_dict("records"), start=2):  # the header is row 1
        path, where = record["path"], {"file": FILE, "row": row}
        if path not in seen:
            file = resolve(folder, path, file=FILE, row=row)
            if path not in lengths:
                raise StudyError(
                    f"{path!r} is not in {MEDIA}{near(path, lengths)}",
                    **where, column="path", fix=f"add the clip to {MEDIA}, or write its path as there",
                )  # fmt: skip
            if measure:
                about = info(file)
                sizes[path] = about.height, about.width
        frame = _frame(record["frame"], path, lengths[path], where)
        roi = box(record["roi"], where)
        if measure:
            check_inside(roi, sizes[path], row=row)
        known = seen.setdefault(path, {})
        if frame in known:
            raise StudyError(
                f"frame {frame} of {path!r} is labelled in row {known[frame]} already",
                **where, column="frame", fix="keep one row a labelled frame",
            )  # fmt: skip
        known[frame] = row
        if len(known) > MOST:
            raise StudyError(
                f"{path!r} has more than {MOST} labelled frames", **where, column="path", fix=f"keep one to {MOST}"
            )
        out.append({**record, "frame": frame, "roi": roi, "row": row})
    return pd.DataFrame(out, columns=[*text.columns, "row"])


def _frame(cell: str, path: str, length: int, where: dict) -> int:
    way = {**where, "column": "frame"}
    fix = f"write a whole number from 0 to {length - 1} (frames are counted from 0)"
    try:
        frame = whole(cell, 0, None, where, "frame")
    except StudyError as error:
        raise StudyError(error.message, **way, fix=fix) from error
    if frame >= length:
        raise StudyError(f"frame {frame} lies beyond the end of {path!r}, which has {length} frames", **way, fix=fix)
    return frame


def check_inside(roi: Sequence[float], shape: tuple[int, int], *, row: int) -> None:
    """Refuse a box of `frames.csv` that leaves its frame.

    Parameters
    ----------
    roi : (x0, y0, x1, y1)
        Box, pixels, upper bounds exclusive.
    shape : (height, width)
        Size of the frame, pixels.
    row : int
        Row of `frames.csv`.

    Raises
    ------
    StudyError
        Naming the row.
    """
    height, width = shape
    if roi[0] < 0 or roi[1] < 0 or roi[2] > width or roi[3] > height:
        text = " ".join(f"{value:g}" for value in roi)
        raise StudyError(f"the box {text} leaves the frame of {width} x {height} pixels", row=row, **_FIX)


def clip_box(boxes: Iterable[Sequence[float]]) -> tuple[float, float, float, float]:
    """Smallest box that holds all labelled boxes of a clip.

    Parameters
    ----------
    boxes : iterable of (x0, y0, x1, y1)
        At least one.

    Returns
    -------
    (x0, y0, x1, y1)

    Examples
    --------
    >>> clip_box([(10, 20, 40, 50), (12, 15, 45, 44)])
    (10, 15, 45, 50)
    """
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def labels_of(record: dict, labelled: pd.DataFrame | None, frames: str) -> list[tuple[int, tuple, int]]:
    """Labels of one row of the media table, checked against what that row says itself.

    Parameters
    ----------
    record : dict
        Row of `helpers.data.media.table`.
    labelled : DataFrame or None
        The clip's rows of `labelled_frames`; None or empty when it has none.
    frames : {"labelled", "nearest"}
        What is asked for: the key frame, or the frames around all labelled ones.

    Returns
    -------
    list of (frame, roi, row of frames.csv)
        In ascending order of frames.

    Raises
    ------
    StudyError
        If the clip has no labelled frame, its key frame is not one of them, or its box is not the smallest that
        holds the labelled ones.
    """
    where = {"file": MEDIA, "row": int(record["row"])}
    if labelled is None or labelled.empty:
        raise StudyError(
            f"{record['path']!r} has no labelled frame in {FILE}",
            **where, column="path", fix=f"label one to {MOST} frames of the clip, or leave the case out",
        )  # fmt: skip
    rows = labelled.sort_values("frame")
    labels = [(int(frame), tuple(roi), int(row)) for frame, roi, row in zip(rows["frame"], rows["roi"], rows["row"])]
    known = [frame for frame, _, _ in labels]
    if frames == "labelled" and int(record["key_frame"]) not in known:
        raise StudyError(
            f"the key frame {int(record['key_frame'])} is not labelled in {FILE}",
            **where, column="key_frame", fix=f"give one of {', '.join(map(str, known))}",
        )  # fmt: skip
    whole_box = clip_box(roi for _, roi, _ in labels)
    if frames == "nearest" and not all(map(lambda a, b: math.isclose(a, b, abs_tol=0.5), record["roi"], whole_box)):
        text, other = (" ".join(f"{value:g}" for value in one) for one in (record["roi"], whole_box))
        raise StudyError(
            f"the box {text} is not the smallest that holds the labelled boxes",
            **where, column="roi", fix=f"write {other}, or correct the boxes in {FILE}",
        )  # fmt: skip
    return labels

"""From one row of the media table to the pixels a network sees, in one process or several."""

from __future__ import annotations

import json
import os
import zipfile
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media.crops import Square, crop_square, cut
from helpers.data.media.files import info, read
from helpers.data.media.frames import key_frames, nearest_frames
from helpers.data.media.grey import steps
from helpers.data.media.labelled import check_inside, clip_box
from helpers.data.media.masks import read_mask, read_volume_mask
from helpers.data.media.tables import FILE
from helpers.data.processes import spread

VERSION = 2
"""Version of reading, choosing frames and cropping; raise it when pixels change, and caches are made anew."""

_POOL_FROM = 16  # files: fewer are decoded sooner than processes start


class Pixels(NamedTuple):
    """What is kept of a case: uint8 (channels, [time,] size, size), (size, size) and (time, size, size)."""

    image: np.ndarray
    mask: np.ndarray | None = None
    volume_mask: np.ndarray | None = None


@dataclass(frozen=True)
class Job:
    """One row to decode: `key` stands for its content, `part` is the file its pixels go to."""

    key: str
    part: Path
    row: int
    path: str
    file: Path
    mask: Path | None
    volume_mask: Path | None
    sha256: str
    mask_sha256: str
    volume_mask_sha256: str
    cells: dict
    settings: dict

    def write(self, pixels: Pixels, meta: dict) -> None:
        """Write the part; it appears under its name only when it is complete."""
        fresh = self.part.with_name(f"{self.key}.{os.getpid()}.new")
        text = np.frombuffer(json.dumps(meta, default=_plain).encode(), np.uint8)
        there = {name: value for name, value in pixels._asdict().items() if value is not None}
        if pixels.volume_mask is not None:  # half of a clip's bytes, nearly all 0
            there |= {"volume_mask": np.packbits(pixels.volume_mask), "volume_shape": pixels.volume_mask.shape}
        with fresh.open("wb") as handle:
            np.savez(handle, meta=text, **there)
        os.replace(fresh, self.part)

    def read(self) -> tuple[Pixels, dict] | None:
        """Pixels and what is known about them; None when the part is absent or broken."""
        try:
            with np.load(self.part, allow_pickle=False) as stored:
                meta = json.loads(stored["meta"].tobytes())
                mask = stored["mask"] if meta["has_mask"] else None
                volume = None
                if meta["has_volume_mask"]:
                    shape = tuple(stored["volume_shape"].tolist())
                    volume = np.unpackbits(stored["volume_mask"], count=int(np.prod(shape))).reshape(shape)
                return Pixels(stored["image"], mask, volume), meta
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} in a cache entry")


def prepare(job: Job) -> tuple[Pixels, dict]:
    """Decode, choose frames and crop.

    Returns
    -------
    pixels : Pixels
    meta : dict
        What the index says about the row.

    Raises
    ------
    StudyError
        With `media.csv` (or `frames.csv`), the row and the column.
    """
    cells, settings, column = job.cells, job.settings, "path"
    try:
        about = info(job.file)
        seconds = cells["seconds_per_frame"] or about.seconds_per_frame
        pixel = cells["pixel_mm"] or about.pixel_mm
        chosen = _frames(job, seconds)
        frames = read(job.file, frames=chosen.tolist(), declared=cells["frames"])
        shape = frames.shape[1:]
        for _, box, row in cells["labels"]:
            check_inside(box, shape, row=row)
        roi = _roi(job)
        square = crop_square(
            roi,
            shape,
            pixel_mm=pixel if "side_mm" in settings["crop"] else None,
            inside=settings["frames"] != "spaced",
            **settings["crop"],
        )
        mask = volume = None
        if job.mask is not None:
            column = "mask"
            mask = read_mask(job.mask, shape=shape)
            _check_overlap(mask, roi)
        if job.volume_mask is not None:
            column = "volume_mask"
            volume = _volume(job, shape)
    except StudyError as error:
        if error.row is not None:  # a row of frames.csv
            raise
        named = f"{error.file}: " if error.file else ""
        raise StudyError(
            named + error.message, file=FILE, row=job.row, column=error.column or column, fix=error.fix
        ) from error
    size = settings["size"]
    image = steps(cut(frames, square, size=size), **settings.get("grey", {}))
    meta = {
        "frames": " ".join(map(str, chosen.tolist())),
        "labelled": " ".join(str(frame) for frame, _, _ in cells["labels"]),
        "clip_frames": cells["frames"],
        "padded": len(chosen) - len(set(chosen.tolist())) if settings["frames"] == "nearest" else 0,
        "height": shape[0],
        "width": shape[1],
        "seconds_per_frame": seconds,
        "pixel_mm": pixel,
        "crop_x0": square.x0,
        "crop_y0": square.y0,
        "crop_side": square.side,
        "has_mask": mask is not None,
        "has_volume_mask": volume is not None,
    }
    small = None if mask is None else cut(mask, square, size=size).astype(np.uint8)
    thin = None if volume is None else _cut_planes(volume, square, size)
    return Pixels(image[None] if settings["frames"] == "nearest" else image, small, thin), meta


def _cut_planes(volume: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cut the planes in which something is marked; the others stay empty."""
    out = np.zeros((len(volume), size, size), np.uint8)
    marked = np.flatnonzero(volume.any(axis=(1, 2)))
    if marked.size:
        out[marked] = cut(volume[marked], square, size=size)
    return out


def _frames(job: Job, seconds: float | None) -> np.ndarray:
    """The frames to read, by the rule of the input."""
    cells, settings = job.cells, job.settings
    if settings["frames"] == "nearest":
        return nearest_frames([frame for frame, _, _ in cells["labels"]], cells["frames"], settings["count"])
    if settings["count"] == 1:
        return np.array([cells["key_frame"]])
    if cells["frames"] > 1 and seconds is None:
        raise StudyError(
            f"{job.path!r} does not say the time between its frames",
            column="seconds_per_frame",
            fix="fill in seconds_per_frame",
        )
    return key_frames(
        cells["frames"],
        seconds or settings["every_seconds"],
        cells["key_frame"],
        every_seconds=settings["every_seconds"],
        count=settings["count"],
    )


def _roi(job: Job) -> tuple[float, ...]:
    """The box to crop around: of the table, of the labelled key frame, or around all labelled boxes."""
    cells = job.cells
    if job.settings["frames"] == "nearest":
        return clip_box(box for _, box, _ in cells["labels"])
    if job.settings["frames"] == "labelled":
        return next(box for frame, box, _ in cells["labels"] if frame == cells["key_frame"])
    return cells["roi"]


def _volume(job: Job, shape: tuple[int, int]) -> np.ndarray:
    """Planes of the volume mask that belong to the frames read; of the key frame alone for `labelled`."""
    cells = job.cells
    if job.settings["frames"] == "nearest":
        return read_volume_mask(job.volume_mask, shape=shape, frames=job.settings["count"])
    planes = read_volume_mask(job.volume_mask, shape=shape)
    there = nearest_frames([frame for frame, _, _ in cells["labels"]], cells["frames"], len(planes))
    at = np.flatnonzero(there == cells["key_frame"])
    if at.size == 0:
        raise StudyError("the volume is too short to hold the key frame", fix="save one plane for each nearest frame")
    return planes[at[:1]]


def _check_overlap(mask: np.ndarray, roi: list[float]) -> None:
    """A square mask that was saved transposed has the right size, and mostly lies beside the lesion box."""
    x0, y0, x1, y1 = (round(value) for value in roi)
    if not mask[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].any():
        hint = "; transposed it does" if mask.T[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].any() else ""
        raise StudyError(
            f"the mask does not meet the lesion box{hint}",
            fix="name this case's mask, with x on the first axis of a volume, or correct the box",
        )


def decode_all(jobs: list[Job], workers: int) -> None:
    """Write the parts of all jobs.

    Raises
    ------
    StudyError
        For the failing row that comes first in the table, after the others were tried.
    RuntimeError
        If a process was killed.
    """
    try:
        faults = spread(_decode, jobs, workers if len(jobs) >= _POOL_FROM else 1, together=4)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a process that decodes media ended abruptly: out of memory, a decoder that crashed on a damaged "
            "file (workers=1 shows which), or a script without `if __name__ == '__main__':`"
        ) from error
    for fault in sorted(filter(None, faults), key=lambda fault: fault["row"]):
        raise StudyError(fault.pop("message"), **fault)


def _decode(job: Job) -> dict | None:
    """Decode one job; a fault comes back as data, since it may cross a process."""
    try:
        job.write(*prepare(job))
    except StudyError as error:
        return {
            "message": error.message,
            "file": error.file,
            "row": error.row,
            "column": error.column,
            "fix": error.fix,
        }
    return None

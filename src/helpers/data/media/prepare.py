"""From one row of the media table to the pixels a network sees, in one process or several."""

from __future__ import annotations

import json
import os
import zipfile
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media.crops import crop_square, cut
from helpers.data.media.files import info, read
from helpers.data.media.frames import key_frames
from helpers.data.media.masks import read_mask
from helpers.data.media.tables import FILE

VERSION = 1
"""Version of reading, choosing frames and cropping; raise it when pixels change, and caches are made anew."""

_POOL_FROM = 16  # files: fewer are decoded sooner than processes start


@dataclass(frozen=True)
class Job:
    """One row to decode: `key` stands for its content, `part` is the file its pixels go to."""

    key: str
    part: Path
    row: int
    path: str
    file: Path
    mask: Path | None
    sha256: str
    mask_sha256: str
    cells: dict
    settings: dict

    def write(self, image: np.ndarray, mask: np.ndarray | None, meta: dict) -> None:
        """Write the part; it appears under its name only when it is complete."""
        fresh = self.part.with_name(f"{self.key}.{os.getpid()}.new")
        text = np.frombuffer(json.dumps(meta, default=_plain).encode(), np.uint8)
        with fresh.open("wb") as handle:
            np.savez(handle, image=image, meta=text, **({} if mask is None else {"mask": mask}))
        os.replace(fresh, self.part)

    def read(self) -> tuple[np.ndarray, np.ndarray | None, dict] | None:
        """Image, mask and what is known about them; None when the part is absent or broken."""
        try:
            with np.load(self.part, allow_pickle=False) as stored:
                meta = json.loads(stored["meta"].tobytes())
                mask = stored["mask"] if meta["has_mask"] else None
                return stored["image"], mask, meta
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} in a cache entry")


def prepare(job: Job) -> tuple[np.ndarray, np.ndarray | None, dict]:
    """Decode, choose frames and crop.

    Returns
    -------
    image : uint8 array of shape (channels, size, size)
    mask : uint8 array of shape (size, size), or None
    meta : dict
        What the index says about the row.

    Raises
    ------
    StudyError
        With `media.csv`, the row and the column.
    """
    cells, settings, column = job.cells, job.settings, "path"
    try:
        about = info(job.file)
        seconds = cells["seconds_per_frame"] or about.seconds_per_frame
        pixel = cells["pixel_mm"] or about.pixel_mm
        if settings["channels"] == 1:
            chosen = np.array([cells["key_frame"]])
        elif cells["frames"] > 1 and seconds is None:
            raise StudyError(
                f"{job.path!r} does not say the time between its frames",
                column="seconds_per_frame",
                fix="fill in seconds_per_frame",
            )
        else:
            chosen = key_frames(
                cells["frames"],
                seconds or settings["every_seconds"],
                cells["key_frame"],
                every_seconds=settings["every_seconds"],
                count=settings["channels"],
            )
        frames = read(job.file, frames=chosen.tolist(), declared=cells["frames"])
        shape = frames.shape[1:]
        square = crop_square(
            cells["roi"], shape, pixel_mm=pixel if "side_mm" in settings["crop"] else None, **settings["crop"]
        )
        mask = None
        if job.mask is not None:
            column = "mask"
            mask = read_mask(job.mask, shape=shape)
            _check_overlap(mask, cells["roi"])
    except StudyError as error:
        named = f"{error.file}: " if error.file else ""
        raise StudyError(
            named + error.message, file=FILE, row=job.row, column=error.column or column, fix=error.fix
        ) from error
    size = settings["size"]
    meta = {
        "frames": " ".join(map(str, chosen.tolist())),
        "height": shape[0],
        "width": shape[1],
        "seconds_per_frame": seconds,
        "pixel_mm": pixel,
        "crop_x0": square.x0,
        "crop_y0": square.y0,
        "crop_side": square.side,
        "has_mask": mask is not None,
    }
    small = None if mask is None else cut(mask, square, size=size).astype(np.uint8)
    return cut(frames, square, size=size), small, meta


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
    if workers == 1 or len(jobs) < _POOL_FROM:
        faults = [_decode(job) for job in jobs]
    else:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        # a fresh interpreter: forking one that runs threads (torch, a notebook) can hang
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
                faults = list(pool.map(_decode, jobs, chunksize=4))
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

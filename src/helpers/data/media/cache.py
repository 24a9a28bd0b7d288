"""A study's media as uint8 arrays, decoded once and kept on the disk under what they were made of.

The cache folder holds one folder a set (`images.npy`, `masks.npy`, `index.csv`), `parts/` with rows that a
running or interrupted call has finished, and `hashes.json` so that unchanged files are not hashed again.
It may be shared by studies, used by several processes at a time, and deleted whenever nothing runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.files import resolve
from helpers.data.media.hashes import file_hashes
from helpers.data.media.prepare import VERSION, Job, decode_all
from helpers.data.media.tables import FILE

CROP = MappingProxyType({"side_mm": 28.0})
"""Default crop: 28 mm hold a lesion of 10 mm with its surroundings, at one scale for all patients."""

_META = {
    "frames": str, "height": int, "width": int, "seconds_per_frame": float, "pixel_mm": float,
    "crop_x0": float, "crop_y0": float, "crop_side": float, "has_mask": bool,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Arrays:
    """The inputs of one kind, ready for a network.

    Attributes
    ----------
    images : uint8 memory map of shape (cases, channels, size, size)
        Grey values 0 to 255; one channel for `bmode`, key frames in time order otherwise. Read-only.
    masks : uint8 memory map of shape (cases, size, size), or None
        1 in the lesion; all 0 for a case without a mask (`has_mask` of the index). None when no case has
        one.
    index : DataFrame
        One row a case: `case_id`, `row` of media.csv, `path`, `sha256` of the file, `mask_sha256`, `key`
        of the cache, `frames` (0-based, separated by spaces), `height` and `width` of the frame,
        `seconds_per_frame`, `pixel_mm`, and the square that was cut, `crop_x0, crop_y0, crop_side` in
        pixels of the frame (`Square` of crops takes these three).
    decoded : int
        Files really decoded by this call; 0 when everything came from the cache.
    """

    images: np.memmap
    masks: np.memmap | None
    index: pd.DataFrame
    decoded: int

    def frame(self) -> pd.DataFrame:
        """Return a copy of the index."""
        return self.index.copy()


def arrays(
    folder: str | Path,
    table: pd.DataFrame,
    kind: str,
    *,
    cache: str | Path,
    size: int = 256,
    crop: Mapping[str, float] = CROP,
    every_seconds: float = 2.0,
    count: int = 5,
    workers: int = 2,
) -> Arrays:
    """Read, crop and keep all media of one kind; a second call reads no media pixels.

    Each row of the result is known by the SHA-256 of its source file and mask, its cells in `media.csv`,
    the parameters here and the version of the reader: change one of these and just that row is decoded
    again.

    Parameters
    ----------
    folder : path
        Study folder.
    table : DataFrame
        From `helpers.data.media.table`.
    kind : {"bmode", "ceus", "cine"}
        `bmode` gives one channel, the key frame; the others `count` key frames.
    cache : path
        Cache folder; made when absent.
    size : int
        Side of the crops, pixels.
    crop : mapping
        `{"side_mm": 28}` or `{"scale": 1.5}` (of the longer side of the lesion box).
    every_seconds, count
        As `key_frames`.
    workers : int
        Processes that decode (from 16 files on). A script that calls this with more than one needs the
        usual `if __name__ == "__main__":`.

    Returns
    -------
    Arrays
        In the order of the table.

    Raises
    ------
    StudyError
        For the first row of the table that cannot be read, with row and column. What was decoded before
        is kept.
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from helpers.data.media import table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (64, 48), 90).save(f"{folder}/one.png")
    ...     text = "case_id,kind,path,roi,frames,key_frame\\nc1,bmode,one.png,10 10 30 25,1,0\\n"
    ...     _ = Path(folder, "media.csv").write_text(text)
    ...     rows = table(folder, pd.DataFrame({"case_id": ["c1"]}))
    ...     options = dict(cache=f"{folder}/cache", size=32, crop={"scale": 1.5})
    ...     first = arrays(folder, rows, "bmode", **options)
    ...     second = arrays(folder, rows, "bmode", **options)
    ...     first.images.shape, first.decoded, second.decoded
    ((1, 1, 32, 32), 1, 0)
    """
    if set(crop) not in ({"side_mm"}, {"scale"}):
        raise ValueError("crop: give {'side_mm': millimetres} or {'scale': factor}")
    if size < 1 or count < 1 or workers < 1 or not every_seconds > 0:
        raise ValueError("size, count, workers, every_seconds: positive")
    rows = table[table["kind"] == kind].reset_index(drop=True)
    if rows.empty:
        raise StudyError(
            f"no row of kind {kind!r}", file=FILE, column="kind", fix="add the files or leave the chapter out"
        )
    cache = Path(cache)
    (cache / "parts").mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        settings = {
            "size": int(size),
            "crop": {name: float(value) for name, value in crop.items()},
            "every_seconds": float(every_seconds),
            "channels": 1 if kind == "bmode" else int(count),
        }
        jobs = _jobs(Path(folder), rows, cache, settings)
        keys = [job.key for job in jobs]
        place = cache / f"{kind}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:20]}"
        shape = (len(jobs), settings["channels"], size, size)
        ready, decoded = _opened(place, keys, shape), 0
        if ready is None:
            decoded = _complete(cache, jobs, shape, workers)
            _assemble(cache, place, jobs, shape)
            ready = _opened(place, keys, shape)
            if ready is None:
                raise OSError(f"the cache in {place.name} cannot be read back; is the disk full?")
            for job in jobs:
                job.part.unlink(missing_ok=True)
    images, masks, index = ready
    about = pd.DataFrame({"case_id": rows["case_id"], "row": rows["row"], "path": rows["path"]})
    return Arrays(images, masks, pd.concat([about, index], axis=1), decoded)


def _jobs(folder: Path, rows: pd.DataFrame, cache: Path, settings: dict) -> list[Job]:
    """One job a row, each with the key that stands for everything its pixels depend on."""
    records = rows.to_dict("records")
    files = [resolve(folder, one["path"], row=one["row"]) for one in records]
    masks = [resolve(folder, one["mask"], row=one["row"], column="mask") if one["mask"] else None for one in records]
    digest = file_hashes({*files, *filter(None, masks)}, cache / "hashes.json")
    jobs = []
    for record, file, mask in zip(records, files, masks, strict=True):
        cells = {
            "roi": [float(value) for value in record["roi"]],
            "frames": int(record["frames"]),
            "key_frame": int(record["key_frame"]),
            "seconds_per_frame": _empty_to_none(record["seconds_per_frame"]),
            "pixel_mm": _empty_to_none(record["pixel_mm"]),
        }
        made_of = {
            "version": VERSION, "sha256": digest[file], "mask": digest[mask] if mask else "", **cells, **settings
        }  # fmt: skip
        key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        jobs.append(
            Job(
                key=key,
                part=cache / "parts" / f"{key}.npz",
                row=int(record["row"]),
                path=str(record["path"]),
                file=file,
                mask=mask,
                sha256=digest[file],
                mask_sha256=digest[mask] if mask else "",
                cells=cells,
                settings=settings,
            )
        )
    return jobs


def _empty_to_none(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _complete(cache: Path, jobs: list[Job], shape: tuple[int, ...], workers: int) -> int:
    """Make every part that neither a finished set nor an interrupted call has left; return how many."""
    known = {}
    for place in sorted(path.parent for path in cache.glob("*/index.csv")):
        keys = _keys(place)
        found = _opened(place, keys, (len(keys), *shape[1:]))
        if found is not None:
            known.update({key: (found, number) for number, key in enumerate(keys)})
    missing = []
    # rows made of the same are decoded once; reversed, so that the first of them is named when it fails
    for job in reversed({job.key: job for job in reversed(jobs)}.values()):
        if job.key in known:
            (images, masks, index), number = known[job.key]
            meta = index.iloc[number][list(_META)].to_dict()
            job.write(images[number], masks[number] if meta["has_mask"] else None, meta)
        elif job.read() is None:
            missing.append(job)
    decode_all(missing, workers)
    return len(missing)


def _assemble(cache: Path, place: Path, jobs: list[Job], shape: tuple[int, ...]) -> None:
    """Join the parts into a set; it appears under its name only when it is complete."""
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        images = np.lib.format.open_memmap(new / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        masks, records = None, []
        for number, job in enumerate(jobs):
            image, mask, meta = job.read()
            images[number] = image
            if mask is not None:
                if masks is None:
                    masks = np.lib.format.open_memmap(
                        new / "masks.npy", mode="w+", dtype=np.uint8, shape=(shape[0], *shape[2:])
                    )
                masks[number] = mask
            records.append({"key": job.key, "sha256": job.sha256, "mask_sha256": job.mask_sha256, **meta})
        images.flush()
        if masks is not None:
            masks.flush()
        pd.DataFrame(records).to_csv(new / "index.csv", index=False)
        if place.exists():  # a set that could not be opened
            shutil.rmtree(place)
        os.replace(new, place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _keys(place: Path) -> list[str]:
    try:
        return pd.read_csv(place / "index.csv", usecols=["key"], dtype=str)["key"].tolist()
    except (OSError, ValueError):
        return []


def _opened(place: Path, keys: list[str], shape: tuple[int, ...]):
    """Images, masks and index of a set, or None when it is absent, cut off or another one."""
    try:
        types = {"key": str, "sha256": str, "mask_sha256": str, **_META}
        index = pd.read_csv(
            place / "index.csv", dtype=types, float_precision="round_trip", keep_default_na=False, na_values=[""]
        )
        index["mask_sha256"] = index["mask_sha256"].fillna("")
        images = np.load(place / "images.npy", mmap_mode="r", allow_pickle=False)
        masks = None
        if index["has_mask"].any():
            masks = np.load(place / "masks.npy", mmap_mode="r", allow_pickle=False)
            if masks.shape != (shape[0], *shape[2:]) or masks.dtype != np.uint8:
                return None
    except (OSError, ValueError, KeyError, EOFError):
        return None
    if not keys or index["key"].tolist() != keys or images.shape != shape or images.dtype != np.uint8:
        return None
    return images, masks, index


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Let one process at a time fill the cache; the system frees the lock of a killed process."""
    with (cache / ".lock").open("a") as handle:
        try:
            import fcntl
        except ImportError:  # no such lock on Windows: two processes may decode the same, to the same result
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            _sweep(cache)
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def _sweep(cache: Path) -> None:
    """Remove what a killed process left half written; nobody else writes while the lock is held."""
    for place in cache.glob(".new-*"):
        shutil.rmtree(place, ignore_errors=True)
    for part in (cache / "parts").glob("*.new"):
        part.unlink(missing_ok=True)

"""Sets of arrays on the disk: complete when they appear under their name, checked when they are opened.

A set is a folder of the cache with `images.npy`, `masks.npy` and `volume_masks.npy` where there are any, and
`index.csv`, one row a case.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.media.prepare import Job, Pixels

META = {
    "frames": str, "labelled": str, "clip_frames": int, "padded": int, "height": int, "width": int,
    "seconds_per_frame": float, "pixel_mm": float, "crop_x0": float, "crop_y0": float, "crop_side": float,
    "has_mask": bool, "has_volume_mask": bool,
}  # fmt: skip
"""What a set knows of each case, and its type."""

_HASHES = ("sha256", "mask_sha256", "volume_mask_sha256")


@dataclass(frozen=True, eq=False)
class StoredSet:
    """A set of arrays, opened read-only; shapes as in `helpers.data.media.Arrays`."""

    images: np.memmap
    masks: np.memmap | None
    volume_masks: np.memmap | None
    index: pd.DataFrame

    def row(self, number: int) -> tuple[Pixels, dict]:
        """Pixels of one case and what is known about them."""
        meta = self.index.iloc[number][list(META)].to_dict()
        mask = self.masks[number] if meta["has_mask"] else None
        volume = self.volume_masks[number] if meta["has_volume_mask"] else None
        return Pixels(self.images[number], mask, volume), meta


def shapes_of(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a set, from that of the images: masks have no channels, volume masks keep time."""
    return {"images": shape, "masks": (shape[0], *shape[-2:]), "volume_masks": (shape[0], *shape[-3:])}


def assemble(cache: Path, place: Path, jobs: list[Job], shape: tuple[int, ...]) -> None:
    """Join the parts into a set; it appears under its name only when it is complete."""
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    shapes, made = shapes_of(shape), {}
    try:
        records = []
        for number, job in enumerate(jobs):
            pixels, meta = job.read()
            for name, value in zip(shapes, pixels, strict=True):
                if value is None:
                    continue
                if name not in made:
                    made[name] = np.lib.format.open_memmap(
                        new / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shapes[name]
                    )
                # a new file is 0 everywhere, and what stays so takes no room on the disk
                rows = value.any(axis=-1) if name == "volume_masks" else slice(None)
                made[name][number][rows] = value[rows]
            hashes = {name: getattr(job, name) for name in _HASHES}
            records.append({"key": job.key, **hashes, **meta})
        for array in made.values():
            array.flush()
        pd.DataFrame(records).to_csv(new / "index.csv", index=False)
        if place.exists():  # a set that could not be opened
            shutil.rmtree(place)
        os.replace(new, place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def keys_of(place: Path) -> list[str]:
    """Keys of the cases of a set; none when it cannot be read."""
    try:
        return pd.read_csv(place / "index.csv", usecols=["key"], dtype=str)["key"].tolist()
    except (OSError, ValueError):
        return []


def opened(place: Path, keys: list[str], shape: tuple[int, ...]) -> StoredSet | None:
    """A set, or None when it is absent, cut off or another one."""
    try:
        types = {"key": str, **dict.fromkeys(_HASHES, str), **META}
        index = pd.read_csv(
            place / "index.csv", dtype=types, float_precision="round_trip", keep_default_na=False, na_values=[""]
        )
        for name in (*_HASHES, "labelled"):
            index[name] = index[name].fillna("")
        there = {"images": True, "masks": index["has_mask"].any(), "volume_masks": index["has_volume_mask"].any()}
        found = {
            name: np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False) if there[name] else None
            for name in there
        }
    except (OSError, ValueError, KeyError, EOFError):
        return None
    if not keys or index["key"].tolist() != keys:
        return None
    for name, expected in shapes_of(shape).items():
        array = found[name]
        if array is not None and (array.shape != expected or array.dtype != np.uint8):
            return None
    return StoredSet(**found, index=index)


@contextmanager
def locked(cache: Path) -> Iterator[None]:
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

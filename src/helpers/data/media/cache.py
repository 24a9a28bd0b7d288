"""A study's media as uint8 arrays, decoded once and kept on the disk under what they were made of.

The cache folder holds one folder a set (see `stored`), `parts/` with rows that a running or interrupted call
has finished, and `hashes.json` so that unchanged files are not hashed again.
It may be shared by studies, used by several processes at a time, and deleted whenever nothing runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.files import resolve
from helpers.data.media.hashes import file_hashes
from helpers.data.media.labelled import labels_of
from helpers.data.media.prepare import VERSION, Job, decode_all
from helpers.data.media.stored import StoredSet, assemble, keys_of, locked, opened
from helpers.data.media.tables import FILE

CROP = MappingProxyType({"side_mm": 28.0})
"""Default crop: 28 mm hold a lesion of 10 mm with its surroundings, at one scale for all patients."""

FRAMES = ("spaced", "labelled", "nearest")
"""Which frames of a clip an input takes."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """The inputs of one kind, ready for a network.

    Attributes
    ----------
    images : uint8 memory map of shape (cases, channels, size, size) or (cases, 1, time, size, size)
        Grey values 0 to 255, read-only. With `frames="spaced"` key frames in time order are the channels (one
        for `bmode`), with `"labelled"` there is one channel, with `"nearest"` a time axis.
    masks : uint8 memory map of shape (cases, size, size), or None
        1 in the lesion; all 0 for a case without a mask (`has_mask` of the index). None when no case has
        one.
    volume_masks : uint8 memory map of shape (cases, time, size, size), or None
        1 in what is marked (calcifications) in exactly the frames of `images`; all 0 for a case without
        (`has_volume_mask`). Time is 1 with `frames="labelled"`. None when no case has one.
    index : DataFrame
        One row a case: `case_id`, `row` of media.csv, `path`, `sha256` of the file, `mask_sha256`,
        `volume_mask_sha256`, `key` of the cache, `frames` and `labelled` (0-based, separated by spaces),
        `clip_frames` (frames in the clip), `padded` (how often its last frame was repeated), `height` and
        `width` of the frame, `seconds_per_frame`, `pixel_mm`, and the square that was cut,
        `crop_x0, crop_y0, crop_side` in pixels of the frame (`Square` of crops takes these three).
    decoded : int
        Files really decoded by this call; 0 when everything came from the cache.
    """

    images: np.memmap
    masks: np.memmap | None
    index: pd.DataFrame
    decoded: int
    volume_masks: np.memmap | None = None

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
    frames: str = "spaced",
    labelled: pd.DataFrame | None = None,
    grey: Mapping[str, str] = MappingProxyType({}),
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
        `bmode` gives one channel, the key frame; the others what `frames` says.
    cache : path
        Cache folder; made when absent.
    size : int
        Side of the crops, pixels.
    crop : mapping
        `{"side_mm": 28}`, `{"scale": 1.5}` (of the longer side of the lesion box) or `{"whole": True}` (the frame).
    every_seconds, count
        As `key_frames`; `count` also of `nearest_frames`.
    frames : {"spaced", "labelled", "nearest"}
        `count` key frames at equal steps as channels; the key frame alone, which must be labelled, cropped
        around its own box; or the `count` frames nearest to the labelled ones as a time axis, with one crop
        around the smallest box that holds all labelled boxes. The crops of the last two stay inside the frame
        (`inside` of `crop_square`), that of the first repeats border pixels beyond it.
    labelled : DataFrame
        From `helpers.data.media.labelled_frames`; needed unless `frames` is `"spaced"`.
    grey : mapping
        Steps on the grey values of the crop, as `grey.steps` takes them; empty for none.
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
        For the first row of the table that cannot be read, with row and column; or whose clip has no labelled
        frame although one is needed. What was decoded before is kept.
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
    if set(crop) not in ({"side_mm"}, {"scale"}, {"whole"}):
        raise ValueError("crop: give {'side_mm': millimetres}, {'scale': factor} or {'whole': True}")
    if size < 1 or count < 1 or workers < 1 or not every_seconds > 0:
        raise ValueError("size, count, workers, every_seconds: positive")
    if frames not in FRAMES:
        raise ValueError(f"frames: {frames!r} is none of {', '.join(FRAMES)}")
    if frames != "spaced" and labelled is None:
        raise ValueError(f"labelled: frames={frames!r} needs the table of labelled frames")
    rows = table[table["kind"] == kind].reset_index(drop=True)
    if rows.empty:
        raise StudyError(
            f"no row of kind {kind!r}", file=FILE, column="kind", fix="add the files or leave the chapter out"
        )
    cache = Path(cache)
    (cache / "parts").mkdir(parents=True, exist_ok=True)
    with locked(cache):
        settings = {
            "size": int(size),
            "crop": {name: float(value) for name, value in crop.items()},
            "every_seconds": float(every_seconds),
            "count": 1 if frames == "labelled" or (frames == "spaced" and kind == "bmode") else int(count),
            "frames": frames,
        } | ({"grey": dict(grey)} if grey else {})  # what was cached without steps stays valid
        jobs = _jobs(Path(folder), rows, cache, settings, labelled)
        keys = [job.key for job in jobs]
        place = cache / f"{kind}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:20]}"
        time = (1,) if frames == "nearest" else ()
        shape = (len(jobs), *time, settings["count"], size, size)
        ready, decoded = opened(place, keys, shape), 0
        if ready is None:
            decoded = _complete(cache, jobs, shape, workers)
            assemble(cache, place, jobs, shape)
            ready = opened(place, keys, shape)
            if ready is None:
                raise OSError(f"the cache in {place.name} cannot be read back; is the disk full?")
            for job in jobs:
                job.part.unlink(missing_ok=True)
    about = pd.DataFrame({"case_id": rows["case_id"], "row": rows["row"], "path": rows["path"]})
    index = pd.concat([about, ready.index], axis=1)
    return Arrays(ready.images, ready.masks, index, decoded, ready.volume_masks)


def _jobs(folder: Path, rows: pd.DataFrame, cache: Path, settings: dict, labelled: pd.DataFrame | None) -> list[Job]:
    """One job a row, each with the key that stands for everything its pixels depend on."""
    records = rows.to_dict("records")
    marked = settings["frames"] != "spaced"
    by_path = dict(iter(labelled.groupby("path"))) if marked else {}
    labels = [labels_of(one, by_path.get(one["path"]), settings["frames"]) if marked else [] for one in records]
    files = {
        # a mask of the labelled frames says nothing about frames at equal steps
        column: [
            resolve(folder, one[column], row=one["row"], column=column) if one[column] else None for one in records
        ]
        if marked or column != "volume_mask"
        else [None] * len(records)
        for column in ("path", "mask", "volume_mask")
    }
    digest = file_hashes(set(filter(None, chain(*files.values()))), cache / "hashes.json")
    digest[None] = ""
    jobs = []
    for record, own, file, mask, volume in zip(records, labels, *files.values(), strict=True):
        cells = {
            "roi": [float(value) for value in record["roi"]],
            "frames": int(record["frames"]),
            "key_frame": int(record["key_frame"]),
            "seconds_per_frame": _empty_to_none(record["seconds_per_frame"]),
            "pixel_mm": _empty_to_none(record["pixel_mm"]),
        }
        made_of = {
            "version": VERSION,
            "sha256": digest[file],
            "mask": digest[mask],
            "volume_mask": digest[volume],
            "labels": [[frame, *map(float, box)] for frame, box, _ in own],
            **cells,
            **settings,
        }
        key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        jobs.append(
            Job(
                key=key,
                part=cache / "parts" / f"{key}.npz",
                row=int(record["row"]),
                path=str(record["path"]),
                file=file,
                mask=mask,
                volume_mask=volume,
                sha256=digest[file],
                mask_sha256=digest[mask],
                volume_mask_sha256=digest[volume],
                cells={**cells, "labels": own},
                settings=settings,
            )
        )
    return jobs


def _empty_to_none(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _complete(cache: Path, jobs: list[Job], shape: tuple[int, ...], workers: int) -> int:
    """Make every part that neither a finished set nor an interrupted call has left; return how many."""
    known: dict[str, tuple[StoredSet, int]] = {}
    for place in sorted(path.parent for path in cache.glob("*/index.csv")):
        keys = keys_of(place)
        found = opened(place, keys, (len(keys), *shape[1:]))
        if found is not None:
            known.update({key: (found, number) for number, key in enumerate(keys)})
    missing = []
    # rows made of the same are decoded once; reversed, so that the first of them is named when it fails
    for job in reversed({job.key: job for job in reversed(jobs)}.values()):
        if job.key in known:
            found, number = known[job.key]
            job.write(*found.row(number))
        elif job.read() is None:
            missing.append(job)
    decode_all(missing, workers)
    return len(missing)

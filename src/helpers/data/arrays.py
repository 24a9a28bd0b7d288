"""Decode a study's media once: `python -m helpers.data.arrays FOLDER OUT`.

OUT is a small JSON file that names, for every input of the study, what the arrays were made from, so that the
graph trains again only when pixels changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from helpers.data import cohort, media
from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.data.study import read as read_study

CACHE = Path("build/cache")


def load(
    folder: str | Path, name: str, *, study: Study | None = None, workers: int = 1, raw: bool = False
) -> media.Arrays:
    """Arrays of one input, from the cache when its files have not changed.

    Parameters
    ----------
    folder : path
        The study's folder.
    name : str
        Name of the input in `study.yaml`.
    study : Study, optional
        Its settings; read from the folder when absent.
    workers : int
        Processes for decoding what is not in the cache.
    raw : bool
        Without the steps on grey values that the input declares.

    Returns
    -------
    helpers.data.media.Arrays
        `images` uint8 (cases, channels, size, size), or (cases, 1, time, size, size) for an input whose frames
        are a time axis; `masks` and `volume_masks` or None; and the index. Rows in the order of the cohort table.
    """
    study = study or read_study(folder)
    source = study.inputs[name]
    frame = cohort.read(folder, study=study)
    order = {case: place for place, case in enumerate(frame["case_id"])}
    table = media.table(folder, frame).sort_values("case_id", key=lambda ids: ids.map(order), kind="stable")
    labelled = None if source.frames == "spaced" else media.labelled_frames(folder, table, measure=False)
    return media.arrays(
        folder,
        table,
        source.kind,
        cache=CACHE,
        size=source.size,
        crop=source.crop.model_dump(exclude_none=True),
        every_seconds=source.every_seconds,
        count=source.key_frames,
        frames=source.frames,
        labelled=labelled,
        grey={} if raw else source.grey,
        workers=workers,
    )


def decode(folder: str | Path, *, workers: int = 2) -> dict[str, Any]:
    """Decode all inputs of a study and refuse a frame that was copied from one split to another.

    Returns
    -------
    dict
        For every input: shape, whether there are masks, and a fingerprint of the pixels' sources.

    Raises
    ------
    StudyError
        Naming the file and row that cannot be read, or both cases of a copied frame.
    """
    study = read_study(folder)
    split = cohort.read(folder, study=study).set_index("case_id")["split"]
    found = {}
    for name in study.inputs:
        arrays = load(folder, name, study=study, workers=workers)
        media.check_copies(arrays, split)
        keys = hashlib.sha256("\n".join(arrays.index["key"]).encode()).hexdigest()
        found[name] = {"shape": list(arrays.images.shape), "masks": arrays.masks is not None, "fingerprint": keys}
    return found


if __name__ == "__main__":
    try:
        record = decode(sys.argv[1])
    except StudyError as error:
        sys.exit(str(error))
    out = Path(sys.argv[2])
    part = out.with_suffix(".part")
    part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(part, out)

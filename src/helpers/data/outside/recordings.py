"""Real recordings of other organs as a study without an outcome, read by the same code as a user's files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import made, media, registry

WORK = ".gathering"  # where files grow until all are there
STILL = (".png", ".jpg", ".jpeg", ".bmp")
PATIENT = (
    re.compile(r"Reg_(pat\d+)Image"),  # lung: two patients have several clips
    re.compile(r"(?:benign|malignant)_(\d+)-"),  # BUS-BRA: the number is the patient
    re.compile(r"(\d+VAS)_slice"),  # carotid: one recording of one side of a subject
)
NODE = "node"  # the patient of two files that hold one picture, in two sizes and codings
SAME = {"US1_J2KR.dcm": NODE, "examples_rgb_color.dcm": NODE}
# what is cut out of pictures without a mask: part of a node and a heart, away from burnt-in names and settings
BOXES = {
    "US1_J2KR.dcm": (125, 147, 275, 297),
    "examples_rgb_color.dcm": (63, 74, 137, 148),
    "examples_ybr_color.dcm": (66, 18, 274, 226),
}


def write_recordings(folder: str | Path, found: Mapping[str, Path]) -> dict[str, Any]:
    """Write `cohort.csv`, `media.csv` and `media/` of the declared sets.

    A case is a recording; `attribution` in `cohort.csv` names who is to be credited for it. Files are copies, for a
    link would let a change in the study folder reach the user's own data. The box of an image is that of its mask;
    without one it is that of `BOXES`, or the whole frame. The key frame of a clip is its middle one, as no clip has a
    mask that would tell the largest section.

    Parameters
    ----------
    folder : path
        The study's folder.
    found : mapping of set name to folder

    Returns
    -------
    dict
        Number of recordings by set.

    Raises
    ------
    StudyError
        If a file cannot be decoded, a mask does not fit its image, or the folder holds what ThyroBook did not write.
    """
    folder = Path(folder)
    made.refuse_foreign(folder)
    work = folder / WORK  # of a fixed name: what a killed run left is found and removed
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        counts = _gather(work, found)
        made.publish(work, folder, ("media.csv", "cohort.csv"), kind="outside", by="recordings")
    finally:
        shutil.rmtree(work)
    return counts


def _gather(work: Path, found: Mapping[str, Path]) -> dict[str, int]:
    """Tables and copies of the files; how many recordings each set has."""
    cases, files, counts = [], [], {}
    for name, source in found.items():
        entry = registry.declared(name)
        pictures = [f for f in entry.files if not f.startswith("masks/")]
        counts[name] = len(pictures)
        for number, file in enumerate(sorted(pictures), start=1):
            case = f"{name}-{number:02}"
            one = entry.files[file]
            cases.append(
                {
                    "patient_id": f"{name}-{_patient(file) or number}",
                    "case_id": case,
                    "center": entry.title,
                    "split": "external",
                    "organ": entry.organ,
                    "licence": one.licence or entry.licence,
                    "attribution": "; ".join(filter(None, (one.origin, entry.citation))),
                }
            )
            files.append({"case_id": case, **_row(source, file, work / made.MEDIA, case)})
    pd.DataFrame(files).to_csv(work / "media.csv", index=False)
    pd.DataFrame(cases).to_csv(work / "cohort.csv", index=False)
    return counts


def _row(source: Path, file: str, target: Path, case: str) -> dict[str, Any]:
    """One row of media.csv; the file and its mask are copied under safe names."""
    suffix = Path(file).suffix.lower()
    place = target / case
    place.mkdir(parents=True)
    copy = place / f"recording{suffix}"
    shutil.copyfile(source / file, copy)
    known = media.info(copy)
    mask, box = "", BOXES.get(file, (0, 0, known.width, known.height))
    other = source / file.replace("images/", "masks/")
    if file.startswith("images/") and other.is_file():
        shutil.copyfile(other, place / f"mask{other.suffix}")
        mask = f"media/{case}/mask{other.suffix}"
        rows, columns = np.nonzero(media.read_mask(place / f"mask{other.suffix}", shape=(known.height, known.width)))
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    frames = _count(copy, known)
    return {
        "kind": "bmode" if suffix in STILL or frames == 1 else "cine",
        "path": f"media/{case}/{copy.name}",
        "roi": " ".join(str(int(v)) for v in box),
        "frames": frames,
        "key_frame": frames // 2,
        "seconds_per_frame": "",
        "pixel_mm": "",
        "mask": mask,
    }


def _count(path: Path, known: media.MediaInfo) -> int:
    """Frames that really decode; a container's count is a promise."""
    return known.frames if known.frames == 1 else sum(1 for _ in media.iterate(path))


def _patient(file: str) -> str | None:
    return SAME.get(file) or next((m[1] for pattern in PATIENT if (m := pattern.search(file))), None)

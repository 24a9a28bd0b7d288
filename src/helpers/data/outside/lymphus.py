"""LymphUs, 338 neck nodes of two centres with masks and outcomes, as a study of its own.

Abbasian Ardakani et al. (2026), Data in Brief 112694, CC BY 4.0; the archives are at qamebi.com. Nothing is
fetched, as the terms of the data themselves are not stated with the archives: who has them unpacks both and runs

    python -m helpers.data.outside.lymphus FOLDER_WITH_CENTERS STUDY_FOLDER

`Center 1/Benign/7 Benign Image.bmp` is a frame, `7 Benign Mask.tif` its mask, `7 Benign Lesion.bmp` the product of both
(never read: it would show a network the mask). One table a centre holds the signs. Centre 1 is for training, centre 2
for the test. One image a node, no scale, no age, no sex, and no patient number: each node counts as a patient.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError

CENTERS = {"Center 1": "train", "Center 2": "test"}
GROUPS = {"Benign": 0, "Malignant": 1}
SIGNS = {
    "Maximum diameter": "long_axis",
    "Minimum diameter": "short_axis",
    "Aspect ratio": "aspect_ratio",
}
KINDS = ("Image.bmp", "Mask.tif")
_NAME = re.compile(r"^(?P<number>\d+) (?P<group>Benign|Malignant) (?P<kind>Image\.bmp|Mask\.tif|Lesion\.bmp)$")
_FIX = "unpack the archives again and keep their names"

STUDY = """name: lymphus
title: Neck nodes of two centres (LymphUs)
question: >-
  In papillary thyroid carcinoma, does a network that outlines a neck node and classifies it tell metastatic from benign
  nodes of another centre?
unit: lymph node
source: {kind: own}
outcome:
  name: Metastasis
  positive: malignant
  negative: benign
  reference_standard: as stated by the data set
covariates:
  - {name: long_axis, label: Maximum diameter, type: continuous, unit: as in the data set, predictor: true}
  - {name: short_axis, label: Minimum diameter, type: continuous, unit: as in the data set, predictor: true}
  - {name: aspect_ratio, label: Aspect ratio, type: continuous, decimals: 2, predictor: true}
inputs:
  bmode: {label: B-mode image, kind: bmode, crop: {whole: true}, size: 256}
segmentation:
  input: bmode
  networks: {joint: ynet, classification: ynet_classifier, U-Net: monai_unet}
chapters: [cohort, inputs, baseline, ynet, segmentation, ways, discrimination, calibration, decision, reporting]
profiles:
  quick:
    training: {size: 96, crop_size: 96, epochs: 14, batch_size: 8, learning_rate: 3.0e-3, patience: 14,
      width_divisor: 2}
  full:
    training: {size: 256, crop_size: 256, batch_size: 8, learning_rate: 1.0e-3, weights: none, flip_vertical: false,
      optimizer: adam}
"""


@dataclass(frozen=True)
class Found:
    """One node: its centre, group, number, frame and mask."""

    center: str
    group: str
    number: int
    image: Path
    mask: Path

    @property
    def case_id(self) -> str:
        """Number of the case: centre, group and number."""
        return f"C{self.center[-1]}-{self.group[0]}{self.number:03d}"


def find(source: str | Path) -> list[Found]:
    """Find all nodes of both centres.

    Parameters
    ----------
    source : path
        Folder that holds `Center 1` and `Center 2`; each may lie in a folder of its archive's name.

    Returns
    -------
    list of Found
        By centre, group and number.

    Raises
    ------
    StudyError
        If a centre or group is absent, a frame has no mask or a mask no frame, or a file has another name.
    """
    source, found = Path(source), []
    for center in CENTERS:
        places = [path for path in sorted(source.glob(f"**/{center}")) if path.is_dir()]
        if len(places) != 1:
            raise StudyError(f"{len(places)} folders are called {center}, not one", file=source.name, fix=_FIX)
        for group in GROUPS:
            folder = places[0] / group
            if not folder.is_dir():
                raise StudyError(f"there is no folder {group}", file=center, fix=_FIX)
            files: dict[str, dict[int, Path]] = {kind: {} for kind in KINDS}
            for path in sorted(folder.iterdir()):
                parts = _NAME.match(path.name)
                if parts is None or parts["group"] != group:
                    message = f"{path.name!r} is not called like '1 {group} Image.bmp'"
                    raise StudyError(message, file=f"{center}/{group}", fix=_FIX)
                if parts["kind"] in files:
                    files[parts["kind"]][int(parts["number"])] = path
            images, masks = files.values()
            lone = sorted(set(images) ^ set(masks))
            if lone or not images:
                message = f"node {lone[0]} has a frame or a mask, not both" if lone else "there are no frames"
                raise StudyError(message, file=f"{center}/{group}", fix=_FIX)
            found += [Found(center, group, number, images[number], masks[number]) for number in sorted(images)]
    return found


def signs(folder: Path, nodes: list[Found]) -> pd.DataFrame:
    """Read the one table of a centre: the signs of its nodes.

    Parameters
    ----------
    folder : Path
        Of the centre.
    nodes : list of Found
        Of this centre.

    Returns
    -------
    DataFrame
        `case_id` and the columns of `SIGNS`, one row a node, in their order.

    Raises
    ------
    StudyError
        If there is not exactly one table, a column is absent, or rows and frames do not match.
    """
    tables = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".xlsx", ".csv"))
    if len(tables) != 1:
        raise StudyError(f"{len(tables)} tables (.xlsx or .csv) in {folder.name}, not one", file=folder.name, fix=_FIX)
    path = tables[0]
    raw = pd.read_excel(path, dtype=object) if path.suffix.lower() == ".xlsx" else pd.read_csv(path, dtype=object)
    raw.columns = [str(name).strip() for name in raw.columns]
    for column in ("Image name", "Group", *SIGNS):
        if column not in raw:
            raise StudyError("there is no such column", file=path.name, row=1, column=column, fix=_FIX)
    known = {(node.group, node.number): node.case_id for node in nodes}
    rows: dict[str, dict[str, Any]] = {}
    for row, line in enumerate(raw.to_dict("records"), start=2):
        name = str(line["Image name"]).strip()
        if name in ("nan", ""):  # the tables have an empty row between the groups
            continue
        number = re.search(r"\d+", name)
        group = str(line["Group"]).strip().capitalize()
        case = known.get((group, int(number[0]))) if number else None
        if case is None or case in rows:
            said = "has two rows" if case in rows else "has no frame"
            raise StudyError(f"{name!r} ({group}) {said}", file=path.name, row=row, column="Image name", fix=_FIX)
        rows[case] = {"case_id": case}
        for column, ours in SIGNS.items():
            value = pd.to_numeric(line[column], errors="coerce")
            if not np.isfinite(value) or value <= 0:
                message = f"{line[column]!r} is not a number above 0"
                raise StudyError(message, file=path.name, row=row, column=column, fix="correct the cell")
            rows[case][ours] = float(value)
    lost = [node.case_id for node in nodes if node.case_id not in rows]
    if lost:
        raise StudyError(f"the node {lost[0]} has a frame and no row", file=path.name, fix=_FIX)
    return pd.DataFrame([rows[node.case_id] for node in nodes])


def write_study(source: str | Path, folder: str | Path) -> dict[str, int]:
    """Write a study folder from the unpacked archives: `study.yaml` (unless there is one), tables and copied media.

    Parameters
    ----------
    source : path
        Folder that holds `Center 1` and `Center 2`.
    folder : path
        The study folder; made when absent.

    Returns
    -------
    dict
        `nodes`, `malignant`, and `Center 1`, `Center 2`: their nodes.

    Raises
    ------
    StudyError
        As `find` and `signs`, or if a mask does not fit its frame, or the folder holds tables already.
    """
    from helpers.data.media import info, read_mask

    nodes = find(source)
    folder = Path(folder)
    for name in ("cohort.csv", "media.csv"):
        if (folder / name).exists():
            raise StudyError("it is already there", file=f"{folder.name}/{name}", fix="name a new study folder")
    (folder / "media").mkdir(parents=True, exist_ok=True)
    read, media = [], []
    for center in CENTERS:
        own = [node for node in nodes if node.center == center]
        read.append(signs(own[0].image.parents[1], own))
    for node in nodes:
        about = info(node.image)
        mask = read_mask(node.mask, shape=(about.height, about.width))
        for path, ending in ((node.image, ".bmp"), (node.mask, "_mask.tif")):
            shutil.copyfile(path, folder / "media" / f"{node.case_id}{ending}")
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        roi = f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}"
        path = f"media/{node.case_id}"
        media.append((node.case_id, "bmode", f"{path}.bmp", roi, 1, 0, f"{path}_mask.tif"))
    about = pd.DataFrame(
        {
            "patient_id": [node.case_id for node in nodes],
            "case_id": [node.case_id for node in nodes],
            "center": [node.center for node in nodes],
            "split": [CENTERS[node.center] for node in nodes],
            "label": [GROUPS[node.group] for node in nodes],
        }
    )
    cohort = about.merge(pd.concat(read, ignore_index=True), on="case_id", validate="one_to_one")
    columns = ["case_id", "kind", "path", "roi", "frames", "key_frame", "mask"]
    pd.DataFrame(media, columns=columns).to_csv(folder / "media.csv", index=False, lineterminator="\n")
    cohort.to_csv(folder / "cohort.csv", index=False, lineterminator="\n")
    if not (folder / "study.yaml").exists():
        (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    counts = {center: sum(node.center == center for node in nodes) for center in CENTERS}
    return {"nodes": len(nodes), "malignant": sum(node.group == "Malignant" for node in nodes), **counts}


if __name__ == "__main__":
    try:
        print(write_study(*sys.argv[1:3]))
    except StudyError as error:
        sys.exit(str(error))

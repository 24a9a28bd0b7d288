"""The public set LymphUs: a tiny copy of its exact layout becomes a study that the readers take."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.data import cohort, media
from helpers.data.errors import StudyError
from helpers.data.outside import lymphus

HEAD = [
    "Image name",
    "Group",
    "Maximum diameter",
    "Minimum diameter",
    "Aspect ratio",
    "Hypoechoic",
    "Hyperechoic",
    "Isoechoic",
    "Homogeneity",
    "Prominent Echogenicty (For Heterogeneous nodes)",
    "Loss of fatty hilum/thinning of hilum",
    "Centrality",
    "Microcalcifications",
    "Necrosis",
    "Margin1",
    "Margin2",
    "Internal component",
    "Intranodal cystic lesion",
]


def layout(root, each: int = 3):
    """Two centres with `each` nodes a group, as the archives unpack."""
    rng = np.random.default_rng(0)
    for center in ("Center 1", "Center 2"):
        rows = []
        for group in ("Malignant", "Benign"):
            folder = root / center / group
            folder.mkdir(parents=True)
            for number in range(1, each + 1):
                side = int(rng.integers(264, 300))
                frame = rng.integers(0, 255, (side, side), dtype=np.uint8)
                mask = np.zeros((side, side), bool)
                mask[60:110, 80 : 150 + number] = True
                Image.fromarray(frame).save(folder / f"{number} {group} Image.bmp")
                Image.fromarray(np.where(mask, frame, 0).astype(np.uint8)).save(folder / f"{number} {group} Lesion.bmp")
                Image.fromarray(mask).save(folder / f"{number} {group} Mask.tif")
                rows.append([f"{number} {group} Image", group, 14.2, 6.1 + number, 2.1, *[0] * 13])
            rows.append([None] * len(HEAD))  # the blank row between the groups
        pd.DataFrame(rows, columns=HEAD).to_excel(root / center / f"{center} features.xlsx", index=False)
    return root


def test_the_layout_becomes_a_study(tmp_path):
    made = lymphus.write_study(layout(tmp_path / "source", each=8), tmp_path / "study")
    assert made == {"nodes": 32, "malignant": 16, "Center 1": 16, "Center 2": 16}
    cases = cohort.read(tmp_path / "study")
    assert set(cases["split"]) == {"train", "tune", "test"}
    assert (cases.loc[cases["split"] == "test", "center"] == "Center 2").all()
    table = media.table(tmp_path / "study", cases)
    arrays = media.arrays(tmp_path / "study", table, "bmode", cache=tmp_path / "cache", crop={"whole": True}, size=64)
    assert arrays.images.shape == (32, 1, 64, 64)
    assert arrays.masks.any(axis=(1, 2)).all()
    assert not list((tmp_path / "study").rglob("*Lesion*"))


def test_a_study_yaml_that_is_there_stays(tmp_path):
    source = layout(tmp_path / "source", each=1)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.yaml").write_text("mine", encoding="utf-8")
    lymphus.write_study(source, tmp_path / "study")
    assert (tmp_path / "study" / "study.yaml").read_text(encoding="utf-8") == "mine"


def spoil_center(root):
    shutil.rmtree(root / "Center 2")


def spoil_mask(root):
    (root / "Center 1" / "Benign" / "2 Benign Mask.tif").unlink()


def spoil_name(root):
    (root / "Center 1" / "Benign" / "2 Benign Image.bmp").rename(root / "Center 1" / "Benign" / "two.bmp")


def spoil_size(root):
    Image.fromarray(np.ones((20, 30), bool)).save(root / "Center 1" / "Benign" / "1 Benign Mask.tif")


def spoil_table(root):
    path = root / "Center 1" / "Center 1 features.xlsx"
    pd.read_excel(path).iloc[1:].to_excel(path, index=False)


def spoil_number(root):
    path = root / "Center 1" / "Center 1 features.xlsx"
    frame = pd.read_excel(path).astype(object)
    frame.loc[0, "Maximum diameter"] = "large"
    frame.to_excel(path, index=False)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_center, "0 folders are called Center 2"),
        (spoil_mask, "node 2 has a frame or a mask, not both"),
        (spoil_name, "'two.bmp' is not called like"),
        (spoil_size, "1 Benign Mask.tif"),
        (spoil_table, "has a frame and no row"),
        (spoil_number, "row 2, column Maximum diameter: 'large' is not a number"),
    ],
)
def test_what_differs_from_the_layout_is_named(tmp_path, spoil, said):
    source = layout(tmp_path / "source", each=2)
    spoil(source)
    with pytest.raises(StudyError, match=said):
        lymphus.write_study(source, tmp_path / "study")

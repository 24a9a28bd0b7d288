"""Real recordings of other organs, read through the same door; skipped where they are not at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.data import media

DATA = Path(os.environ.get("THYROBOOK_DATA") or "absent-outside-data")


def need(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"{name} is not under THYROBOOK_DATA")
    return DATA / name


def test_lung_clips_hold_the_frames_of_their_index():
    folder = need("lung_cine_clips")
    for row in pd.read_csv(folder / "index.csv").to_dict("records"):
        path = folder / "clips" / row["file"]
        about = media.info(path)
        assert (about.frames, about.height, about.width) == (row["frames_decoded"], row["height"], row["width"])
        assert about.seconds_per_frame == pytest.approx(1 / row["fps"], rel=0.02)
        last = row["frames_decoded"] - 1
        frames = media.read(path, frames=[last, 0], declared=row["frames_decoded"])
        assert frames.shape == (2, row["height"], row["width"]) and frames.std() > 5


@pytest.mark.parametrize(
    "name", ["Reg_pat1Image_133410.mpeg", "Vir_whitelung_h1n1.mp4", "Cov_recommendations_likebutterfly_mov5.mov"]
)
def test_lung_clips_agree_with_opencv(name):
    import cv2

    path = need("lung_cine_clips") / "clips" / name
    capture, peer = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        peer.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2GRAY))
    every = media.read(path)
    assert np.abs(every.astype(int) - np.stack(peer)).max() <= 3
    assert np.array_equal(media.read(path, frames=[100, 7]), every[[100, 7]])


def test_lymph_node_in_dicom_twice():
    folder = need("dicom_ultrasound")
    large = media.read(folder / "US1_J2KR.dcm")[0]
    small = media.read(folder / "examples_rgb_color.dcm")[0]
    assert large.shape == (480, 640) and small.shape == (240, 320)
    halved = np.asarray(Image.fromarray(large).resize((320, 240), Image.Resampling.BOX))
    assert np.corrcoef(halved.ravel(), small.ravel())[0, 1] > 0.98  # the same picture, downsized


@pytest.mark.parametrize("name", ["breast_bus_bra", "breast_lesions_usg", "neck_carotid_bmode"])
def test_images_and_masks_belong_together(name):
    folder = need(name)
    for path in sorted((folder / "images").iterdir()):
        image = media.read(path)[0]
        mask = media.read_mask(folder / "masks" / path.name, shape=image.shape)
        y, x = np.nonzero(mask)
        roi = (x.min(), y.min(), x.max() + 1, y.max() + 1)
        crop = media.square_crop(image, roi, scale=1.5, size=128)
        share = media.square_crop(mask, roi, scale=1.5, size=128).mean()
        assert crop.std() > 3 and 0.02 < share < 0.5


def test_calcification_mask_lies_in_its_nodule():
    folder = need("thyroid_nodule_calcification")
    shape = media.read(folder / "P_TT-2271.png").shape[1:]
    nodule = media.read_mask(folder / "P_TT-2271_mask.png", shape=shape)
    spots = media.read_mask(folder / "P_TT-2271_mask_calcification.png", shape=shape)
    assert (spots & nodule).sum() > 0.9 * spots.sum()


def test_frames_of_one_loop_resemble_each_other():
    frames = [media.read(path)[0] for path in sorted((need("muscle_frame_sequence") / "jumping").glob("*.png"))]
    assert len(frames) == 12 and {frame.shape for frame in frames} == {(600, 800)}
    near = np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1]
    assert near > 0.8

"""Key frames, square crops and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data import media
from helpers.data.errors import StudyError


def test_five_frames_around_the_largest_section():
    assert media.key_frames(900, 1 / 30, 450).tolist() == [90, 270, 450, 630, 810]
    # a long clip: still at most 15 candidates, 6 s apart when five are taken
    assert media.key_frames(3600, 1 / 30, 1800).tolist() == [1440, 1620, 1800, 1980, 2160]
    # 20 s hold 10 candidates: step of 2, 4 s
    assert media.key_frames(600, 1 / 30, 300).tolist() == [60, 180, 300, 420, 540]
    assert media.key_frames(900, 1 / 30, 899).tolist() == [179, 359, 539, 719, 899]
    assert media.key_frames(900, 1 / 30, 60).tolist() == [60, 240, 420, 600, 780]
    assert media.key_frames(1, 0.1, 0).tolist() == [0] * 5
    assert media.key_frames(30, 0.1, 29, count=1).tolist() == [29]
    assert media.key_frames(40, 2.5, 20).tolist() == [14, 17, 20, 23, 26]  # frames farther apart than 2 s


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 4000), st.floats(0.005, 4.0), st.floats(0, 1), st.integers(1, 9))
def test_key_frames_keep_their_rules(frames, seconds, place, count):
    key = min(int(place * frames), frames - 1)
    chosen = media.key_frames(frames, seconds, key, count=count)
    assert len(chosen) == count and chosen.min() >= 0 and chosen.max() < frames
    assert (np.diff(chosen) >= 0).all() and key in chosen
    stride = max(1.0, 2.0 / seconds)
    fits = int(key / stride) + int((frames - 1 - key) / stride) + 1
    if fits >= count > 1:  # equal steps of whole candidates, to the rounding of a frame
        steps = np.diff(chosen)
        assert steps.min() > 0 and steps.max() - steps.min() <= 1
        ratio = (chosen[-1] - chosen[0]) / (count - 1) / stride
        assert abs(ratio - round(ratio)) * stride <= 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, 0.1, 0), "frames"),
        ((10, 0.1, 10), "key_frame"),
        ((10, 0.0, 1), "seconds_per_frame"),
        ((10, np.nan, 1), "seconds"),
    ],
)
def test_key_frames_refuse(arguments, says):
    with pytest.raises(ValueError, match=says):
        media.key_frames(*arguments)


def slow_crop(image: np.ndarray, x0: float, y0: float, side: float, size: int, fine: int) -> np.ndarray:
    """Average `fine` x `fine` samples a pixel of the nearest source pixel, border repeated."""
    steps = (np.arange(size * fine) + 0.5) / fine * side / size
    rows = np.clip(np.floor(y0 + steps).astype(int), 0, image.shape[0] - 1)
    columns = np.clip(np.floor(x0 + steps).astype(int), 0, image.shape[1] - 1)
    return image[np.ix_(rows, columns)].astype(float).reshape(size, fine, size, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("roi", [(20, 10, 60, 30), (0, 0, 80, 50), (70.5, 40.25, 80, 50)])
def test_smaller_crops_are_area_averages(roi):
    image = np.random.default_rng(0).integers(0, 256, (50, 80), dtype=np.uint8)
    found = media.square_crop(image, roi, scale=1.5, size=8)
    square = media.crop_square(roi, image.shape, scale=1.5)
    expected = slow_crop(image, square.x0, square.y0, square.side, 8, 300)
    assert np.abs(found - expected).max() <= 1


def test_larger_crops_are_bilinear_as_in_opencv():
    import cv2

    image = np.random.default_rng(1).integers(0, 256, (20, 20), dtype=np.uint8)
    found = media.square_crop(image, (0, 0, 20, 20), scale=1.0, size=64)
    peer = cv2.resize(image, (64, 64), interpolation=cv2.INTER_LINEAR)
    assert np.abs(found.astype(int) - peer).max() <= 1


def test_crops_of_the_same_size_are_copies_with_the_border_repeated():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert np.array_equal(media.square_crop(image, (0, 0, 10, 10), scale=1.0, size=10), image)
    wide = media.square_crop(image, (0, 0, 10, 10), scale=2.0, size=20)
    assert np.array_equal(wide, np.pad(image, 5, mode="edge"))
    both = media.square_crop(np.stack([image, 255 - image]), (2, 2, 8, 8), scale=1.0, size=6)
    assert np.array_equal(both[1], (255 - image)[2:8, 2:8])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 255), st.floats(0, 30), st.floats(0, 20), st.floats(1, 9), st.integers(1, 70))
def test_a_flat_image_stays_flat(value, x0, y0, side, size):
    image = np.full((30, 40), value, np.uint8)
    found = media.square_crop(image, (x0, y0, x0 + side, y0 + side), scale=3.0, size=size)
    assert (found == value).all()


def test_millimetres_and_masks():
    mask = np.zeros((100, 100), bool)
    mask[40:60, 30:70] = True
    small = media.square_crop(mask, (30, 40, 70, 60), side_mm=20, pixel_mm=0.25, size=40)
    assert small.dtype == bool and small.shape == (40, 40)
    assert small.sum() == 20 * 10  # the side is 80 pixels: half the scale, a quarter of the area
    assert np.array_equal(np.argwhere(small)[[0, -1]], [[15, 10], [24, 29]])


@pytest.mark.parametrize(
    ("roi", "options", "says"),
    [
        ((5, 5, 5, 9), {"scale": 1}, "is empty"),
        ((5, 5, 9, np.nan), {"scale": 1}, "is empty"),
        ((-1, 5, 9, 9), {"scale": 1}, "leaves the frame of 40 x 30"),
        ((5, 5, 9, 31), {"scale": 1}, "leaves the frame of 40 x 30"),
        ((5, 5, 9, 9), {"side_mm": 28}, "needs the size of a pixel"),
        ((5, 5, 9, 9), {"side_mm": 28, "pixel_mm": 100}, "0.28 pixels wide"),
        ((5, 5, 9, 9), {"side_mm": 28, "pixel_mm": 1e-9}, "pixels wide"),
    ],
)
def test_boxes_that_cannot_be(roi, options, says):
    with pytest.raises(StudyError, match=says) as caught:
        media.square_crop(np.zeros((30, 40), np.uint8), roi, **options)
    assert caught.value.fix


def test_wrong_calls():
    image = np.zeros((30, 40), np.uint8)
    for options in ({}, {"scale": 1, "side_mm": 3}, {"scale": -1}):
        with pytest.raises(ValueError, match="scale, side_mm"):
            media.square_crop(image, (1, 1, 5, 5), **options)
    with pytest.raises(ValueError, match="uint8 or bool"):
        media.square_crop(image.astype(float), (1, 1, 5, 5), scale=1)


def test_the_way_back_to_the_frame():
    y, x = np.indices((60, 80)).astype(float)
    image = np.clip(2 * x + y, 0, 255).astype(np.uint8)
    square = media.crop_square((30, 20, 50, 40), image.shape, scale=1.5)
    heat = media.cut(image, square, size=64).astype(float)
    laid = media.to_frame(heat, square, shape=image.shape)
    inside = np.isfinite(laid)
    assert inside.sum() == 30 * 30 and inside[15:45, 25:55].all()
    assert np.abs(laid[inside] - image[inside]).max() < 1.5
    corners = [[30.0, 20.0], [50.0, 40.0]]
    assert np.allclose(square.to_frame(square.to_crop(corners, size=64), size=64), corners)
    beyond = media.to_frame(np.ones((4, 4)), media.Square(-10, -10, 30), shape=(60, 80))
    assert np.isfinite(beyond).sum() == 20 * 20
    with pytest.raises(ValueError, match="square array"):
        media.to_frame(np.ones((4, 3)), square, shape=(60, 80))

"""Time-intensity curves against curves that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.data import media
from helpers.data.errors import StudyError
from test_media_samples import HEIGHT, WIDTH, lesion, write_dicom

TIME = np.arange(0, 20, 0.5)


def wash(time):
    """Nothing until 3 s, up to 200 at 7 s, down to 50 at 13 s."""
    return np.interp(time, [3, 7, 13], [20, 200, 50])


@pytest.fixture
def loop(tmp_path):
    frames = np.full((len(TIME), HEIGHT, WIDTH), 40, np.uint8)
    frames[:, lesion()] = np.rint(wash(TIME))[:, None]
    frames[:, -5:, :10] = np.rint(np.interp(TIME, [0, 19], [0, 100]))[:, None, None]
    return write_dicom(tmp_path / "a.dcm", frames, FrameTime=500)


def test_means_and_times(loop):
    curve = media.time_intensity(loop, lesion())
    assert curve.columns.tolist() == ["frame", "time_s", "lesion", "reference"]
    assert np.allclose(curve["time_s"], TIME) and np.allclose(curve["lesion"], np.rint(wash(TIME)))
    assert (curve["reference"] == 40).all()
    assert curve.attrs["unit"] == "display units (log-compressed), relative"
    box = media.time_intensity(loop, (30, 10, 36, 24), every_seconds=2)
    assert box["frame"].tolist() == list(range(0, 40, 4)) and np.allclose(box["lesion"], np.rint(wash(TIME))[::4])
    corner = np.zeros((HEIGHT, WIDTH), bool)
    corner[-5:, :10] = True
    own = media.time_intensity(loop, lesion(), reference=corner, seconds_per_frame=1.0)
    assert own["reference"].iloc[-1] == pytest.approx(100, abs=4) and own["time_s"].iloc[-1] == 39


def test_undoing_the_compression(loop, tmp_path):
    curve = media.time_intensity(loop, lesion(), linear=True, dynamic_range_db=60)
    assert np.allclose(curve["lesion"], 10 ** ((np.rint(wash(TIME)) / 255 - 1) * 6))
    assert "power" in curve.attrs["unit"]
    # the mean of powers, not the power of the mean
    frame = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    frame[:, :, ::2] = 255
    mixed = media.time_intensity(
        write_dicom(tmp_path / "b.dcm", frame, FrameTime=500), (0, 0, 2, 4), linear=True, dynamic_range_db=60
    )
    assert np.allclose(mixed["lesion"], (1 + 1e-6) / 2)
    with pytest.raises(ValueError, match="dynamic_range_db"):
        media.time_intensity(loop, lesion(), linear=True)


def test_wrong_regions(loop, tmp_path):
    with pytest.raises(ValueError, match="mask_or_roi: bool of shape"):
        media.time_intensity(loop, lesion().T)
    with pytest.raises(ValueError, match="mask_or_roi: empty"):
        media.time_intensity(loop, ~np.ones_like(lesion()))
    with pytest.raises(ValueError, match="leaves the frame"):
        media.time_intensity(loop, (0, 0, WIDTH + 1, 4))
    with pytest.raises(ValueError, match="no room for a ring"):
        media.time_intensity(loop, np.ones_like(lesion()))
    with pytest.raises(ValueError, match="seconds_per_frame"):
        media.time_intensity(write_dicom(tmp_path / "b.dcm", np.zeros((3, 9, 9), np.uint8)), (1, 1, 3, 3))
    with pytest.raises(StudyError):
        media.time_intensity(tmp_path / "absent.avi", (1, 1, 3, 3))


def test_the_ring_is_where_the_distance_says():
    disc = np.hypot(*(np.indices((101, 101)) - 50)) <= 20
    away = np.hypot(*(np.indices((101, 101)) - 50))
    around = media.ring(disc)
    assert away[around].min() > 21.5 and away[around].max() < 33
    assert around.sum() == pytest.approx(np.pi * (32**2 - 22**2), rel=0.03)


def test_summary_of_a_known_curve():
    curve = pd.DataFrame({"time_s": TIME, "lesion": wash(TIME), "reference": 40.0})
    found = media.curve_summary(curve, smooth_seconds=0).set_index("region")
    lesion_row = found.loc["lesion"]
    assert lesion_row["baseline"] == 20 and lesion_row["peak"] == 200 and lesion_row["rise"] == 180
    assert lesion_row["arrival_s"] == pytest.approx(3.4)  # a tenth of the way up four seconds
    assert lesion_row["time_to_peak_s"] == pytest.approx(3.6)
    assert lesion_row["half_wash_out_s"] == pytest.approx(90 / 25)
    # 38 at arrival to 200, down to 50 at 13 s, on to the end at 19.5 s; all above 20
    assert lesion_row["area"] == pytest.approx((18 + 180) / 2 * 3.6 + (180 + 30) / 2 * 6 + 30 * 6.5, rel=0.01)
    assert found.loc["reference", ["arrival_s", "time_to_peak_s", "half_wash_out_s"]].isna().all()
    assert found.loc["reference", "area"] == 0


def test_smoothing_survives_noise_and_no_wash_out():
    time = np.arange(0, 30, 0.1)
    rising = np.interp(time, [10, 20], [10, 100]) + np.random.default_rng(0).normal(0, 2, len(time))
    found = media.curve_summary(pd.DataFrame({"time_s": time, "lesion": rising, "reference": rising}), smooth_seconds=2)
    assert found["arrival_s"][0] == pytest.approx(11, abs=0.7)
    assert np.isnan(found["half_wash_out_s"][0])
    assert found["unit"][0] == "display units (log-compressed), relative"


def test_summary_refuses():
    good = pd.DataFrame({"time_s": [0.0, 1, 2], "lesion": 1.0, "reference": 1.0})
    with pytest.raises(ValueError, match="without reference"):
        media.curve_summary(good.drop(columns="reference"))
    for bad in (good.iloc[:2], good.iloc[::-1]):
        with pytest.raises(ValueError, match="at least three rows"):
            media.curve_summary(bad)
    with pytest.raises(ValueError, match="arrival_share"):
        media.curve_summary(good, arrival_share=1.5)

"""Clips for the page: read back, marked, equal bytes."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from helpers.book import clips


def read(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])


def test_frames_come_back_and_bytes_repeat(tmp_path: Path) -> None:
    time = np.arange(12)[:, None, None, None]
    frames = np.broadcast_to(time * 20, (12, 40, 50, 3)).astype(np.uint8)
    for name in ("a.mp4", "b.mp4"):
        clips.write_clip(tmp_path / name, frames, frames_per_second=6)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    back = read(tmp_path / "a.mp4")
    assert back.shape == frames.shape
    assert np.abs(back.astype(int) - frames).max() <= 6


def test_odd_sides_lose_a_line_and_simulated_frames_are_marked(tmp_path: Path) -> None:
    frames = np.full((3, 31, 101, 3), 90, dtype=np.uint8)
    clips.write_clip(tmp_path / "odd.mp4", frames, frames_per_second=5)
    assert read(tmp_path / "odd.mp4").shape == (3, 30, 100, 3)
    clips.write_clip(tmp_path / "marked.mp4", frames, frames_per_second=5, simulated=True)
    marked = read(tmp_path / "marked.mp4")
    assert marked.shape[1] == (31 + clips.BAND) // 2 * 2
    band = marked[:, 31:]
    assert band.mean() > 180 and band.min() < 120, "dark letters on a white band"


@pytest.mark.parametrize(
    ("frames", "rate", "words"),
    [
        (np.zeros((2, 8, 8), np.uint8), 5, "frames must be uint8"),
        (np.zeros((2, 8, 8, 3)), 5, "frames must be uint8"),
        (np.zeros((0, 8, 8, 3), np.uint8), 5, "frames must be uint8"),
        (np.zeros((2, 8, 8, 3), np.uint8), 0, "frames_per_second"),
    ],
)
def test_refuses_what_is_no_clip(tmp_path: Path, frames: np.ndarray, rate: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        clips.write_clip(tmp_path / "x.mp4", frames, frames_per_second=rate)
    assert not (tmp_path / "x.mp4").exists()


def test_heat_colours_and_outlines() -> None:
    images = np.full((2, 20, 20), 100, dtype=np.uint8)
    heat, masks = np.zeros((2, 20, 20)), np.zeros((2, 20, 20))
    heat[0, 10:, :] = 1.0
    masks[1, 5:8, 5:8] = 1
    made = clips.overlay(images, heat, masks, scale=2)
    assert made.shape == (2, 40, 40, 3)
    assert (made[1, 0, 0] == 100).all(), "no heat leaves the grey"
    assert made[0, 30, 5, 0] > made[0, 30, 5, 2], "heat is warm"
    assert (made[1, 9, 10] == 255).all(), "the outline is white"
    joined = clips.side_by_side(made, made)
    assert joined.shape == (2, 40, 84, 3) and (joined[:, :, 40:44] == 255).all()

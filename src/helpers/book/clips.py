"""Write a clip that a page can play without a kernel: MP4 with H.264, which every browser reads from a file."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.book.figures import MARK
from helpers.book.files import write_bytes

BAND = 14  # pixels under the picture for the mark


def write_clip(path: str | Path, frames: np.ndarray, *, frames_per_second: float, simulated: bool = False) -> None:
    """Write frames as an MP4; the same frames give the same bytes.

    Parameters
    ----------
    path : path
        Ends in `.mp4`.
    frames : uint8 array of shape (time, height, width, 3)
        RGB; an odd side loses its last row or column, which H.264 cannot hold.
    frames_per_second : float
        Above 0.
    simulated : bool
        Write "Simulated data" in a band under every frame.

    Raises
    ------
    ValueError
        If the frames are not uint8 RGB, or there is none.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "a.mp4")
    >>> write_clip(file, np.zeros((4, 32, 32, 3), dtype=np.uint8), frames_per_second=4)
    >>> file.stat().st_size > 0
    True
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ValueError(f"frames must be uint8 (time, height, width, 3), not {frames.dtype} {frames.shape}")
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second must be above 0, not {frames_per_second!r}")
    if simulated:
        frames = _marked(frames)
    height, width = frames.shape[1] // 2 * 2, frames.shape[2] // 2 * 2
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "clip.mp4")  # moving the index to the front needs a real file
        _encode(film, frames[:, :height, :width], frames_per_second)
        write_bytes(Path(path), film.read_bytes())


def _encode(film: Path, frames: np.ndarray, frames_per_second: float) -> None:
    import av

    options = {"movflags": "faststart", "fflags": "+bitexact"}
    with av.open(str(film), "w", format="mp4", options=options) as out:
        rate = Fraction(frames_per_second).limit_denominator(1000)
        stream = out.add_stream("libx264", rate=rate, options={"crf": "20", "threads": "1", "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for picture in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def overlay(images: np.ndarray, heat: np.ndarray, masks: np.ndarray | None = None, *, scale: int = 2) -> np.ndarray:
    """Lay heat maps over the frames of a clip, the marked structure outlined in white.

    Parameters
    ----------
    images : uint8 array of shape (time, height, width)
    heat : array of shape (time, height, width)
        In [0, 1].
    masks : array of shape (time, height, width), optional
        Outlined where it is above 0.
    scale : int
        Enlargement.

    Returns
    -------
    uint8 array of shape (time, height * scale, width * scale, 3)
    """
    import matplotlib as mpl
    from scipy.ndimage import binary_dilation

    def larger(array: np.ndarray) -> np.ndarray:
        return array.repeat(scale, axis=1).repeat(scale, axis=2)

    grey = larger(images).astype(float)[..., None] / 255
    hot = larger(heat)
    colours = mpl.colormaps["magma"](hot)[..., :3]
    strength = 0.55 * hot[..., None]
    out = grey * (1 - strength) + colours * strength
    if masks is not None:
        inside = larger(np.asarray(masks) > 0)
        ring = np.stack([binary_dilation(one) & ~one for one in inside])
        out[ring] = 1.0
    return (out.clip(0, 1) * 255).round().astype(np.uint8)


def side_by_side(*clips: np.ndarray, gap: int = 4) -> np.ndarray:
    """Join clips of equal length and height from left to right, a white gap between."""
    parts: list[np.ndarray] = []
    for clip in clips:
        parts += [np.full((*clip.shape[:2], gap, 3), 255, np.uint8), clip] if parts else [clip]
    return np.concatenate(parts, axis=2)


def _marked(frames: np.ndarray) -> np.ndarray:
    from PIL import Image, ImageDraw

    band = Image.new("RGB", (frames.shape[2], BAND), "white")
    ImageDraw.Draw(band).text((2, 1), MARK, fill="#8a4b00")
    strip = np.broadcast_to(np.asarray(band), (len(frames), BAND, frames.shape[2], 3))
    return np.concatenate([frames, strip], axis=1)

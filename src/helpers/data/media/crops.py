"""Square crops around a lesion, and the way back from a crop to its frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from helpers.data.errors import StudyError


@dataclass(frozen=True)
class Square:
    """A square on a frame, in pixels: left edge, upper edge, side. It may reach beyond the frame.

    Examples
    --------
    >>> square = Square(10.0, 20.0, 64.0)
    >>> square.to_frame([[128, 128]], size=256).tolist()
    [[42.0, 52.0]]
    """

    x0: float
    y0: float
    side: float

    def to_frame(self, points: ArrayLike, *, size: int) -> np.ndarray:
        """Map points (x, y) of a crop with `size` pixels to the frame; (0, 0) is the outer corner."""
        return np.asarray(points, float) * self.side / size + (self.x0, self.y0)

    def to_crop(self, points: ArrayLike, *, size: int) -> np.ndarray:
        """Map points (x, y) of the frame to a crop with `size` pixels."""
        return (np.asarray(points, float) - (self.x0, self.y0)) * size / self.side


def crop_square(
    roi: Sequence[float],
    shape: tuple[int, int],
    *,
    scale: float | None = None,
    side_mm: float | None = None,
    pixel_mm: float | None = None,
    whole: bool = False,
    inside: bool = False,
) -> Square:
    """Find the square around a lesion box.

    Parameters
    ----------
    roi : (x0, y0, x1, y1)
        Lesion box, pixels, upper bounds exclusive; inside the frame.
    shape : (height, width)
        Size of the frame, pixels.
    scale : float
        Side as a multiple of the longer side of the box; or
    side_mm, pixel_mm : float
        side in millimetres, and millimetres a pixel; or
    whole : bool
        the smallest square that holds the whole frame, wherever the lesion is.
    inside : bool
        Keep the square inside the frame: it shrinks to the frame's shorter side (never below the longer side of
        the box) and moves inward, so that it holds the box at one scale in both directions and no border pixel
        is repeated. Only around a box that is longer than the frame is high, or wide, does it still reach out.

    Returns
    -------
    Square
        Centred on the box, unless `inside` moved it.

    Raises
    ------
    StudyError
        If the box is empty, not finite or leaves the frame, or the pixel size is missing or leads to a
        square of less than 1 or more than 20 times the frame.
    ValueError
        If not exactly one of `scale`, `side_mm` and `whole` is given.

    Examples
    --------
    >>> crop_square((10, 20, 30, 28), (100, 100), scale=1.5)
    Square(x0=5.0, y0=9.0, side=30.0)
    >>> crop_square((0, 20, 20, 28), (100, 100), scale=1.5, inside=True)
    Square(x0=0.0, y0=9.0, side=30.0)
    """
    if (scale is not None) + (side_mm is not None) + bool(whole) != 1:
        raise ValueError("scale, side_mm, whole: give one of the three")
    if not whole and not (math.isfinite(scale or side_mm or 0) and (scale or side_mm or 0) > 0):
        raise ValueError("scale, side_mm: not a positive number")
    x0, y0, x1, y1 = (float(value) for value in roi)
    height, width = shape
    text = f"{x0:g} {y0:g} {x1:g} {y1:g}"
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 <= x0 or y1 <= y0:
        raise StudyError(f"the box {text} is empty", column="roi", fix="give x0 y0 x1 y1 with x1 > x0 and y1 > y0")
    if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
        raise StudyError(
            f"the box {text} leaves the frame of {width} x {height} pixels",
            column="roi",
            fix="give the box in pixels of the stored frame",
        )
    if whole:
        side = float(max(height, width))
        return Square((width - side) / 2, (height - side) / 2, side)
    if scale is not None:
        side = scale * max(x1 - x0, y1 - y0)
    else:
        if pixel_mm is None or not (math.isfinite(pixel_mm) and pixel_mm > 0):
            raise StudyError(
                "a crop in millimetres needs the size of a pixel, and the file does not say it",
                column="pixel_mm",
                fix="fill in pixel_mm, or crop by a multiple of the box",
            )
        side = side_mm / pixel_mm
    if not 1 <= side <= 20 * max(height, width):
        raise StudyError(
            f"the crop would be {side:.4g} pixels wide in a frame of {width} x {height}",
            column="roi" if scale is not None else "pixel_mm",
            fix="correct the box or the size of a pixel",
        )
    if not inside:
        return Square((x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side)
    side = max(min(side, height, width), x1 - x0, y1 - y0)
    return Square(_start(x0, x1, side, width), _start(y0, y1, side, height), side)


def _start(low: float, high: float, side: float, length: int) -> float:
    """Where a square around the middle of low and high begins, moved inside a frame that is long enough."""
    start = (low + high - side) / 2
    return min(max(start, 0.0), length - side) if side <= length else start


def square_crop(
    image: np.ndarray,
    roi: Sequence[float],
    *,
    scale: float | None = None,
    side_mm: float | None = None,
    pixel_mm: float | None = None,
    size: int = 256,
) -> np.ndarray:
    """Cut a square around a lesion out of frames or a mask.

    Smaller crops average the area of each new pixel exactly; larger ones are bilinear. Beyond the frame
    its border pixels are repeated. Masks are resampled as shares of area; a pixel is foreground above 0.5.

    Parameters
    ----------
    image : uint8 or bool array of shape (..., height, width)
        Frames, or a mask.
    roi, scale, side_mm, pixel_mm
        As `crop_square`.
    size : int
        Side of the result, pixels.

    Returns
    -------
    array of shape (..., size, size)
        Same type as `image`.

    Raises
    ------
    StudyError, ValueError
        As `crop_square`; ValueError also for other types.

    Examples
    --------
    >>> frame = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> square_crop(frame, (0, 0, 4, 4), scale=1.0, size=2).tolist()
    [[2, 4], [10, 12]]
    """
    image = np.asarray(image)
    if image.ndim < 2 or image.dtype not in (np.uint8, np.bool_):
        raise ValueError("image: uint8 or bool with shape (..., height, width)")
    if size < 1:
        raise ValueError("size: at least 1")
    square = crop_square(roi, image.shape[-2:], scale=scale, side_mm=side_mm, pixel_mm=pixel_mm)
    return cut(image, square, size=size)


def cut(image: np.ndarray, square: Square, *, size: int) -> np.ndarray:
    """Resample one square of frames or a mask, as `square_crop`, to (..., size, size)."""
    rows, down = _weights(square.y0, square.side, size, image.shape[-2])
    columns, across = _weights(square.x0, square.side, size, image.shape[-1])
    part = image[..., rows, columns].astype(np.float32)
    resampled = down @ part @ across.T
    if image.dtype == np.bool_:
        return resampled > 0.5
    # halves are rounded to even; values never leave 0..255, since weights are shares that add up to 1
    return np.clip(np.rint(resampled), 0, 255).astype(np.uint8)


@lru_cache(maxsize=32)  # frames that are kept whole ask for the same again and again
def _weights(start: float, side: float, size: int, length: int) -> tuple[slice, np.ndarray]:
    """Share of each source pixel in each new pixel, for the part of the source that has any.

    Returns the slice of the source and a float32 array (size, pixels in the slice); each row adds to 1.
    """
    step = side / size
    edges = start + step * np.arange(size + 1)
    if step >= 1:  # exact overlap of intervals: new pixel [edges[i], edges[i + 1]) with source pixel [j, j + 1)
        low, high = math.floor(edges[0]), max(math.ceil(edges[-1]), math.floor(edges[0]) + 1)
        pixels = np.arange(low, high)
        overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.clip(overlap, 0, None) / step
    else:  # linear interpolation between the two nearest pixel centres
        centres = (edges[:-1] + edges[1:]) / 2 - 0.5
        low, high = math.floor(centres[0]), math.floor(centres[-1]) + 2
        pixels = np.arange(low, high)
        weights = np.clip(1 - np.abs(centres[:, None] - pixels), 0, None)
    # what lies beyond the border counts as the border pixel
    inside = np.clip(pixels, 0, length - 1)
    folded = np.zeros((size, inside[-1] - inside[0] + 1))
    np.add.at(folded.T, inside - inside[0], weights.T)
    shares = folded.astype(np.float32)
    shares.flags.writeable = False
    return slice(int(inside[0]), int(inside[-1]) + 1), shares


def to_frame(values: ArrayLike, square: Square, *, shape: tuple[int, int]) -> np.ndarray:
    """Lay a crop's values, e.g. a heat map, back on its frame.

    Parameters
    ----------
    values : float array of shape (size, size)
        Heat map of the crop, any size.
    square : Square
        Where the crop was cut.
    shape : (height, width)
        Size of the frame, pixels.

    Returns
    -------
    float array of shape (height, width)
        Bilinear; NaN outside the crop.

    Examples
    --------
    >>> to_frame([[1.0]], Square(1, 1, 2), shape=(4, 4))[1:3, 1:3].tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ValueError("values: a square array (size, size)")
    size = len(values)
    out = np.full(shape, np.nan)
    axes = []
    for start, length in ((square.y0, shape[0]), (square.x0, shape[1])):
        place = (np.arange(length) + 0.5 - start) * size / square.side
        keep = np.flatnonzero((place >= 0) & (place < size))
        place = np.clip(place[keep] - 0.5, 0, size - 1)
        low = np.minimum(np.floor(place).astype(int), max(size - 2, 0))
        axes.append((keep, low, np.minimum(low + 1, size - 1), place - low))
    (rows, top, bottom, down), (columns, left, right, across) = axes
    if len(rows) and len(columns):
        upper = values[top][:, left] * (1 - across) + values[top][:, right] * across
        lower = values[bottom][:, left] * (1 - across) + values[bottom][:, right] * across
        out[np.ix_(rows, columns)] = upper * (1 - down[:, None]) + lower * down[:, None]
    return out

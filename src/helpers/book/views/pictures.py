"""Pictures of a view: many small ones on one sheet, and outlines as paths."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from helpers.book.views.markup import SLOT, Markup, element

COLUMNS = 8  # pictures a row of a sheet


def webp(image: np.ndarray, *, quality: int = 72) -> bytes:
    """Encode a picture as WebP.

    Parameters
    ----------
    image : uint8 array of shape (height, width) or (height, width, 3)
    quality : int
        1 to 100.

    Returns
    -------
    bytes
    """
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def sheet(images: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Lay pictures of one size on a sheet, row by row.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)

    Returns
    -------
    sheet : uint8 array
    boxes : list of str
        `x y width height` of every picture on it: a `viewBox`.

    Examples
    --------
    >>> made, boxes = sheet(np.zeros((10, 4, 6), np.uint8))
    >>> made.shape, boxes[9]
    ((8, 48), '6 4 6 4')
    """
    n, height, width = images.shape[:3]
    rows = -(-n // COLUMNS)
    out = np.zeros((rows * height, min(n, COLUMNS) * width, *images.shape[3:]), np.uint8)
    boxes = []
    for i, image in enumerate(images):
        y, x = i // COLUMNS * height, i % COLUMNS * width
        out[y : y + height, x : x + width] = image
        boxes.append(f"{x} {y} {width} {height}")
    return out, boxes


def resized(image: np.ndarray, side: int) -> np.ndarray:
    """A grey picture whose longer side has `side` pixels.

    Parameters
    ----------
    image : uint8 array of shape (height, width) or (height, width, 3)
    side : int

    Returns
    -------
    uint8 array
    """
    from PIL import Image

    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BILINEAR))


def outline(mask: np.ndarray, *, scale: float = 1.0, points: int = 160) -> str:
    """`d` of the border of a mask, in pixels times `scale`.

    Parameters
    ----------
    mask : bool array of shape (height, width)
    scale : float
    points : int
        Of a line, about, at most.

    Returns
    -------
    str
        Empty for an empty mask.

    Examples
    --------
    >>> square = np.zeros((6, 6), bool)
    >>> square[2:4, 2:4] = True
    >>> outline(square)[:8], outline(square & False)
    ('M2.0 2.5', '')
    """
    from contourpy import contour_generator

    padded = np.pad(np.asarray(mask, float), 1)
    out = []
    for line in contour_generator(z=padded).lines(0.5):
        step = max(1, len(line) // points)
        at = (line[::step] - 0.5) * scale  # the centre of a pixel lies at its half
        out.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at) + "Z")
    return "".join(out)


def window(key: str, *, size: tuple[int, int], **look: object) -> Markup:
    """Part of a sheet, chosen by the marks of `key`: the sheet is moved behind a window of `size` pixels.

    Columns that it needs: `href`, `width` and `height` of `key` (the sheet), `viewBox` of `<key>_window` (the part).
    """
    width, height = size
    image = element("image", key=key, href=SLOT, width=SLOT, height=SLOT, preserveAspectRatio="none", **look)
    return element("svg", image, key=f"{key}_window", viewBox=SLOT, width=width, height=height)


def picture(key: str, *over: Markup, size: tuple[int, int], title: str) -> Markup:
    """A `window` as a picture of its own, with markup laid over it in pixels of the part."""
    box = f"0 0 {size[0]} {size[1]}"
    inside = (window(key, size=size), *over)
    return element("svg", *inside, viewBox=box, class_="v-picture", role="img", aria_label=title)


def places(key: str, name: str, sheet_: np.ndarray, boxes: list[str]) -> dict[str, dict[str, list]]:
    """Marks of a `window` for every picture of one sheet."""
    n, (height, width) = len(boxes), sheet_.shape[:2]
    return {
        key: {"href": [name] * n, "width": [width] * n, "height": [height] * n},
        f"{key}_window": {"viewBox": list(boxes)},
    }


def cropped(files: dict[str, bytes]) -> Callable[[str, tuple[int, ...]], tuple[str, tuple[int, ...]]]:
    """Give parts of a view's sheets as data addresses, for a page that has no files beside it."""
    from PIL import Image

    @lru_cache(maxsize=16)
    def opened(name: str) -> Image.Image:
        return Image.open(io.BytesIO(files[name])).convert("RGB")

    @lru_cache(maxsize=256)
    def part(name: str, box: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        x, y, width, height = box
        out = io.BytesIO()
        opened(name).crop((x, y, x + width, y + height)).save(out, "PNG")
        return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}", (0, 0, width, height)

    return part

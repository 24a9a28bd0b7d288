"""What the machine draws around and over the image: canvas, ramp, ticks, text marks, timer, calipers; three looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers.data.simulate.fields import Grid


@dataclass(frozen=True)
class Look:
    """One scanner: how its images look and where it puts things.

    Parameters
    ----------
    manufacturer, model : str
        As in the DICOM header.
    frequency_mhz, f_number, dynamic_range_db, gamma : float
        Image formation, see `acoustics.Probe`.
    looks : int
        Compounded looks.
    tint : tuple of int or None
        Colour of a full-scale contrast pixel (red, green, blue); None for grey.
    persistence : float
        Weight of the earlier frames in the running average of a contrast clip, after one second.
    ramp_left : bool
        Grey ramp on the left (else right).
    marks : tuple of str
        Text marks beside the image; settings only, never a name or a date.
    """

    manufacturer: str
    model: str
    frequency_mhz: float
    f_number: float
    dynamic_range_db: float
    gamma: float
    looks: int
    tint: tuple[int, int, int] | None
    persistence: float
    ramp_left: bool
    marks: tuple[str, ...]


LOOKS = {
    "GE LOGIQ E9": Look(
        "GE", "LOGIQ E9", 9.0, 2.4, 63.0, 1.0, 2, (255, 214, 140), 0.35, False, ("ML6-15", "FR 24", "MI 0.8")
    ),
    "Mindray Resona 7": Look(
        "Mindray", "Resona 7", 10.0, 2.6, 66.0, 0.9, 3, None, 0.45, True, ("L14-5WU", "F 10.0M", "MI 0.7")
    ),
    "Philips EPIQ7": Look(
        "Philips", "EPIQ7", 12.0, 2.5, 60.0, 1.1, 2, (255, 190, 110), 0.25, False, ("L12-5", "2D 61%", "MI 0.6")
    ),
}


@dataclass(frozen=True)
class Layout:
    """Where the image lies on the stored frame; rows and columns of pixels, upper bounds exclusive."""

    height: int
    width: int
    top: int
    left: int
    rows: int
    columns: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image rectangle on the canvas."""
        return slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns)


def layout(look: Look, size: tuple[int, int]) -> Layout:
    """Place the image rectangle on the canvas.

    Parameters
    ----------
    look : Look
        The scanner.
    size : tuple of int
        Height and width of the stored frame, even, at least 128 x 160.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        If a side is odd or too small.

    Examples
    --------
    >>> place = layout(LOOKS["GE LOGIQ E9"], (320, 400))
    >>> place.rows, place.columns
    (256, 272)
    """
    height, width = size
    if height % 2 or width % 2 or height < 128 or width < 160:
        raise ValueError(f"size is {size}; height and width must be even, at least 128 and 160")
    rows, columns = round(height * 0.4) * 2, round(width * 0.34) * 2
    left = round(width * (0.20 if look.ramp_left else 0.12))
    return Layout(height, width, round(height * 0.13), left, rows, columns)


@lru_cache(maxsize=256)
def _text(words: str) -> np.ndarray:
    """Words as a uint8 stamp in the font that comes inside Pillow."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(10)
    _, _, right, bottom = font.getbbox(words)
    image = Image.new("L", (int(np.ceil(right)) + 1, int(np.ceil(bottom)) + 1))
    ImageDraw.Draw(image).text((0, 0), words, fill=255, font=font)
    return np.asarray(image)


def _stamp(canvas: np.ndarray, words: str, row: int, column: int, level: int = 200) -> None:
    stamp = _text(words)
    rows = slice(max(row, 0), min(row + stamp.shape[0], canvas.shape[0]))
    columns = slice(max(column, 0), min(column + stamp.shape[1], canvas.shape[1]))
    part = stamp[: max(rows.stop - rows.start, 0), : max(columns.stop - columns.start, 0)]
    canvas[rows, columns] = np.maximum(canvas[rows, columns], (part.astype(np.uint16) * level // 255).astype(np.uint8))


def canvas(look: Look, place: Layout, pixel_mm: float) -> np.ndarray:
    """Draw everything around the image: logo block, text marks, depth ticks with numbers, grey ramp, scale bar.

    Parameters
    ----------
    look : Look
        The scanner.
    place : Layout
        Where the image will be; nothing is drawn inside.
    pixel_mm : float
        For the ticks (5 mm) and the scale bar (10 mm).

    Returns
    -------
    array of shape (height, width), uint8
    """
    page = np.zeros((place.height, place.width), np.uint8)
    bottom, right = place.top + place.rows, place.left + place.columns
    mark = max(place.top // 3, 6)
    page[4 : 4 + mark, 6 : 6 + 2 * mark] = 150  # logo block
    page[6 : 2 + mark, 8 : 6 + mark] = 40
    for number, words in enumerate(look.marks):
        _stamp(page, words, 4 + 11 * number, place.width - 62)
    _stamp(page, "Thyroid", 4, place.left + 30)
    for step in range(int(place.rows * pixel_mm / 5) + 1):
        row = min(place.top + round(step * 5 / pixel_mm), bottom - 1)
        page[row, right + 3 : right + (10 if step % 2 == 0 else 7)] = 190
        if step % 2 == 0:
            _stamp(page, str(step // 2), row - 5, right + 13, 170)
    ramp = np.linspace(255, 0, place.rows // 3).astype(np.uint8)[:, None]
    column = 8 if look.ramp_left else place.width - 16
    row = place.top + place.rows // 3 if not look.ramp_left else place.top
    page[row : row + ramp.size, column : column + 8] = ramp
    length = round(10 / pixel_mm)
    page[bottom + 6, place.left : place.left + length] = 220
    page[bottom + 4 : bottom + 9, [place.left, place.left + length - 1]] = 220
    if bottom + 21 <= place.height:
        _stamp(page, "10 mm", bottom + 9, place.left, 180)
    else:  # no room below the bar
        _stamp(page, "10 mm", bottom + 2, place.left + length + 4, 180)
    return page


def stamp_timer(page: np.ndarray, place: Layout, seconds: float) -> None:
    """Write the time since injection below the image, in place."""
    words = f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
    bottom = place.top + place.rows + 4
    column = place.left + place.columns - 34
    page[bottom : bottom + 12, column : column + 34] = 0
    _stamp(page, words, bottom, column, 230)


def calipers(mask: np.ndarray, *, pairs: int) -> list[tuple[int, int]]:
    """Ends of the longest diameter of a mask, and of the widest extent across it.

    Parameters
    ----------
    mask : bool array of shape (rows, columns)
        The nodule.
    pairs : int
        1 for the long axis, 2 for the short axis too.

    Returns
    -------
    list of (row, column)
        Two points a pair, on the border of the mask.

    Examples
    --------
    >>> box = np.zeros((9, 20), bool)
    >>> box[2:7, 3:18] = True
    >>> [point[1] for point in calipers(box, pairs=1)]
    [3, 17]
    """
    points = np.argwhere(mask)
    order = np.lexsort((points[:, 1], points[:, 0]))
    points = points[order]
    angles = np.deg2rad(np.arange(0, 180, 3))
    along = np.stack([np.sin(angles), np.cos(angles)])  # rows, columns
    extent = points @ along
    longest = int(np.argmax(np.ptp(extent, axis=0)))
    found = []
    for turn in [longest, (longest + 30) % 60][:pairs]:
        ends = (int(np.argmin(extent[:, turn])), int(np.argmax(extent[:, turn])))
        found += [(int(points[end, 0]), int(points[end, 1])) for end in ends]
    return found


def stamp_calipers(page: np.ndarray, points: list[tuple[int, int]], *, dotted: bool) -> None:
    """Draw plus signs at the points, and dots between the ends of each pair, in place."""
    height, width = page.shape

    def dot(row: int, column: int) -> None:
        if 0 <= row < height and 0 <= column < width:
            page[row, column] = 255

    for row, column in points:
        for step in range(-3, 4):
            dot(row + step, column)
            dot(row, column + step)
    if dotted:
        for (row, column), (last_row, last_column) in zip(points[::2], points[1::2], strict=True):
            steps = max(abs(last_row - row), abs(last_column - column)) // 5
            for share in np.linspace(0, 1, max(steps, 1) + 1):
                dot(round(row + share * (last_row - row)), round(column + share * (last_column - column)))


@lru_cache(maxsize=8)
def tint_table(tint: tuple[int, int, int]) -> np.ndarray:
    """Colours of the contrast image, shape (256, 3), uint8: black over the tint to near white.

    Examples
    --------
    >>> tint_table((255, 200, 100))[[0, 255]].tolist()
    [[0, 0, 0], [255, 228, 178]]
    """
    share = np.linspace(0, 1, 256)[:, None]
    full = np.array(tint, float)[None]
    colour = share * full + (share**3) * (255 - full) * 0.505
    return np.clip(colour, 0, 255).round().astype(np.uint8)


def probe_grid(place: Layout, pixel_mm: float, margin: int) -> Grid:
    """Grid of the image rectangle with a margin on all sides, for motion and to keep wrapped echoes out."""
    return Grid(place.rows + 2 * margin, place.columns + 2 * margin, pixel_mm, top_mm=-margin * pixel_mm)

"""The front of the neck in a transverse plane: skin, fat, strap muscles, thyroid lobe, carotid, trachea."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from helpers.data.simulate.acoustics import Tissue
from helpers.data.simulate.fields import FLOAT, Grid, blend, smooth_field, soft_step, wavy_line


@dataclass(frozen=True)
class Disc:
    """A round structure in the plane: depth and lateral position of its centre, radius; millimetres."""

    z: float
    x: float
    radius: float

    def distance(self, grid: Grid) -> np.ndarray:
        """Signed distance to the wall, negative inside, shape (rows, columns)."""
        return np.hypot(grid.z - FLOAT(self.z), grid.x - FLOAT(self.x)) - FLOAT(self.radius)


@dataclass
class Neck:
    """Surfaces (depth in millimetres, one value a column), round structures, echo levels and textures.

    Made by `draw_neck`; `lobe_bottom` and `carotid` give way to a large nodule (`make_room`).
    """

    grid: Grid
    skin: np.ndarray
    muscle: np.ndarray
    fascia: np.ndarray
    capsule: np.ndarray
    lobe_bottom: np.ndarray
    carotid: Disc
    trachea: Disc
    level: dict[str, float]
    texture: dict[str, np.ndarray]
    thyroid: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Derive the thyroid's membership."""
        self._update()

    def _update(self) -> None:
        z = self.grid.z
        self.thyroid = soft_step(self.capsule[None] - z, 0.25) * soft_step(z - self.lobe_bottom[None], 0.4)
        self.thyroid *= 1 - soft_step(self.trachea.distance(self.grid), 0.3)

    def make_room(self, depth: np.ndarray, centre_x: float, half_width: float) -> None:
        """Let the lobe reach below a nodule and push the carotid aside.

        Parameters
        ----------
        depth : array of shape (columns,)
            Lowest depth that must still be thyroid, millimetres; -inf where the nodule is not.
        centre_x, half_width : float
            Lateral centre and half width of the nodule, millimetres.
        """
        self.lobe_bottom = np.maximum(self.lobe_bottom, depth).astype(FLOAT)
        side = np.sign(self.carotid.x)
        least = side * centre_x + half_width + self.carotid.radius + 0.6
        if side * self.carotid.x < least:
            self.carotid = Disc(self.carotid.z, float(side * least), self.carotid.radius)
        self._update()


def _follow(texture: np.ndarray, shift_mm: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Shift every column down, so that fibres run along a surface instead of straight across."""
    rows = texture.shape[0]
    source = np.arange(rows)[:, None] - np.round(shift_mm / pixel_mm).astype(int)[None]
    return np.take_along_axis(texture, source % rows, axis=0)


def draw_neck(rng: np.random.Generator, grid: Grid) -> Neck:
    """Draw the anatomy of one patient.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    grid : Grid
        Image plane, at least about 30 mm deep.

    Returns
    -------
    Neck
        Surfaces, vessels and textures; no nodule yet.

    Examples
    --------
    >>> neck = draw_neck(np.random.default_rng(3), Grid(128, 136, 0.31))
    >>> bool((neck.capsule > neck.muscle).all() and (neck.lobe_bottom > neck.capsule).all())
    True
    """
    columns, half = grid.columns, grid.width_mm / 2

    def surface(amplitude: float) -> np.ndarray:
        return wavy_line(rng, columns, amplitude_mm=amplitude, rough_mm=0.04)

    skin = rng.uniform(0.9, 1.5) + surface(0.2)
    muscle = np.maximum(rng.uniform(3.6, 5.6) + surface(0.7), skin + 0.8)
    capsule = np.maximum(muscle + rng.uniform(2.8, 4.2) + surface(0.6), muscle + 1.6)
    middle = rng.uniform(0.4, 0.6) + wavy_line(rng, columns, amplitude_mm=0.12)
    fascia = muscle + (capsule - muscle) * np.clip(middle, 0.25, 0.75)
    across = grid.x[0] / half - rng.uniform(-0.25, 0.25)
    lobe = rng.uniform(14, 18) * np.sqrt(np.clip(1 - rng.uniform(0.5, 0.8) * across**2, 0.06, 1))
    side = float(rng.choice([-1, 1]))
    top = float(capsule.mean())
    slopes = rng.uniform(-0.14, 0.14, 3)
    fibres = smooth_field(rng, grid, depth_mm=0.16, lateral_mm=1.8)
    broken = smooth_field(rng, grid, depth_mm=0.5, lateral_mm=0.9)
    tilt = [slope * grid.x[0] for slope in slopes]
    texture = {
        "coarse": smooth_field(rng, grid, depth_mm=1.2),
        "fine": smooth_field(rng, grid, depth_mm=0.8),
        "fat": _follow(fibres, 0.7 * muscle + tilt[0], grid.pixel_mm),
        "upper": _follow(fibres, fascia + tilt[1] + 3.0, grid.pixel_mm),
        "lower": _follow(fibres, capsule + tilt[2] + 9.0, grid.pixel_mm),
        "deep": _follow(fibres, 0.45 * (capsule + lobe) - tilt[1], grid.pixel_mm),
        # interfaces fade and drop out along their course
        "broken": (np.exp(0.55 * broken) * np.clip(0.75 + 0.6 * broken, 0.05, 1)).astype(FLOAT),
    }
    level = {
        "thyroid": rng.uniform(-21, -17.5),
        "muscle": rng.uniform(-40, -35),
        "fat": rng.uniform(-31, -26),
        "deep": rng.uniform(-42, -37),
    }
    carotid = Disc(top + rng.uniform(6, 11), side * (half - rng.uniform(1.5, 4.5)), rng.uniform(2.4, 3.3))
    trachea = Disc(top + rng.uniform(5, 8), -side * (half + rng.uniform(0.5, 4.0)), rng.uniform(7, 9))
    return Neck(grid, skin, muscle, fascia, capsule, capsule + lobe, carotid, trachea, level, texture)


def line_echo(distance: np.ndarray, width_mm: float, level_db: float) -> np.ndarray:
    """Amplitude of a thin bright interface around `distance` = 0.

    Examples
    --------
    >>> line_echo(np.array([0.0, 3.0]), 0.2, -20.0).round(3).tolist()
    [0.1, 0.0]
    """
    return np.exp(-((distance / FLOAT(width_mm)) ** 2)) * FLOAT(10 ** (level_db / 20))


def paint_neck(neck: Neck) -> Tissue:
    """Turn the anatomy into acoustic maps.

    Parameters
    ----------
    neck : Neck
        Anatomy, after `make_room` if there is a large nodule.

    Returns
    -------
    Tissue
        Echo level, attenuation and interfaces of the neck without a nodule.
    """
    grid, texture, level = neck.grid, neck.texture, neck.level
    z = grid.z
    fat = level["fat"] + 4.5 * np.maximum(texture["fat"] + 0.4 * texture["coarse"], -1)
    maps = np.where(z < neck.skin[None], FLOAT(-15), fat).astype(FLOAT)
    for surface, key, amount, width in (
        (neck.muscle, "upper", 4.5, 0.25),
        (neck.fascia, "lower", 4.5, 0.2),
    ):
        strands = level["muscle"] + amount * np.maximum(texture[key], -0.6) + 0.8 * texture["coarse"]
        maps = blend(maps, strands, soft_step(surface[None] - z, width))
    parenchyma = level["thyroid"] + 1.0 * texture["coarse"] + 0.8 * texture["fine"]
    maps = blend(maps, parenchyma, soft_step(neck.capsule[None] - z, 0.25))
    deep = level["deep"] + 4.5 * np.maximum(texture["deep"] + 0.5 * texture["coarse"], -0.8)
    maps = blend(maps, deep, soft_step(neck.lobe_bottom[None] - z, 0.4))
    wall, rings = neck.carotid.distance(grid), neck.trachea.distance(grid)
    lumen = soft_step(wall, 0.2)
    maps = blend(maps, FLOAT(-52), lumen)
    # air: bright front, then reverberations that fade
    above = np.clip((z - neck.trachea.z + neck.trachea.radius) / 6, 0, 1)
    air = -31 - 14 * above + 4 * np.cos(2 * np.pi * (rings + 0.3) / 1.5) + 2.5 * texture["fine"]
    maps = blend(maps, air, soft_step(rings, 0.25))

    echo = line_echo(z - neck.skin[None], 0.22, -13)
    for surface, width, db in ((neck.muscle, 0.13, -18), (neck.fascia, 0.11, -22), (neck.capsule, 0.13, -14)):
        echo = echo + line_echo(z - surface[None], width, db) * _facing(surface, grid.pixel_mm)
    echo = echo + line_echo(z - neck.lobe_bottom[None], 0.17, -19) * _facing(neck.lobe_bottom, grid.pixel_mm)
    upright = np.abs(z - neck.carotid.z) / (np.abs(wall + neck.carotid.radius) + 0.1)
    echo = echo * (1 - lumen) + line_echo(wall, 0.16, -18) * upright**2
    front = np.clip((neck.trachea.z - z) / neck.trachea.radius, 0, 1)
    echo = echo + line_echo(rings, 0.28, -10) * front
    return Tissue(grid, maps.astype(FLOAT), (FLOAT(-1.5) * lumen).astype(FLOAT), echo * texture["broken"])


def _facing(surface: np.ndarray, pixel_mm: float) -> np.ndarray:
    """How squarely a surface meets the beam, 0 to 1, shape (1, columns): steep parts return little."""
    smooth = np.convolve(np.pad(surface, 6, mode="edge"), np.full(13, 1 / 13), mode="valid")
    return np.exp(-((np.gradient(smooth) / pixel_mm / 0.3) ** 2))[None].astype(FLOAT)

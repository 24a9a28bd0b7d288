"""The lateral neck with its lymph nodes: fat, muscles, carotid and jugular, the target node and others beside it.

Everything that a network may take for the target is there: further nodes, vessels of the same shape, and the belly of
a small muscle. Each pixel knows what it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.data.simulate.acoustics import Tissue
from helpers.data.simulate.anatomy import line_echo
from helpers.data.simulate.fields import FLOAT, Grid, blend, smooth_field, soft_step, wavy_line

STRUCTURES = {"background": 0, "target": 1, "other node": 2, "vessel": 3, "muscle": 4}
ANOTHER, BELLY = 0.4, 0.35  # chance of each of two further nodes, and of a small muscle that is cut across


@dataclass(frozen=True)
class NodeSigns:
    """What one node looks like.

    Parameters
    ----------
    long_mm, short_mm : float
        Axes, millimetres.
    hilum, cystic, microcalcification, hyperechoic, irregular : bool
    """

    long_mm: float
    short_mm: float
    hilum: bool
    cystic: bool
    microcalcification: bool
    hyperechoic: bool
    irregular: bool


@dataclass(frozen=True)
class Oval:
    """A closed outline: centre and half axes in millimetres, tilt in radians, ripples of the border."""

    z: float
    x: float
    along: float
    across: float
    tilt: float = 0.0
    ripple: tuple[tuple[int, float, float], ...] = ()

    def frame(self, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signed distance to the border (negative inside) and coordinates along and across, millimetres."""
        z, x = grid.z - FLOAT(self.z), grid.x - FLOAT(self.x)
        cosine, sine = FLOAT(np.cos(self.tilt)), FLOAT(np.sin(self.tilt))
        u, v = x * cosine + z * sine, z * cosine - x * sine
        radius = np.hypot(u, v) + FLOAT(1e-4)
        edge = radius / np.sqrt((u / FLOAT(self.along)) ** 2 + (v / FLOAT(self.across)) ** 2 + FLOAT(1e-9))
        if self.ripple:
            angle = np.arctan2(v, u)
            edge = edge * (1 + sum(FLOAT(size) * np.cos(k * angle + FLOAT(at)) for k, size, at in self.ripple))
        return radius - edge, u, v

    def reach(self) -> float:
        """Largest half axis, millimetres."""
        return max(self.along, self.across)


def draw(rng: np.random.Generator, grid: Grid, signs: NodeSigns) -> tuple[Tissue, np.ndarray]:
    """Draw the neck around one target node.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    grid : Grid
        Image plane, at least 1.2 times as wide and deep as the node is long.
    signs : NodeSigns
        The target.

    Returns
    -------
    tissue : Tissue
    structures : uint8 array of shape (rows, columns)
        `STRUCTURES`; the target lies over everything else.

    Examples
    --------
    >>> signs = NodeSigns(12.0, 5.0, True, False, False, False, False)
    >>> tissue, structures = draw(np.random.default_rng(1), Grid(96, 96, 0.36), signs)
    >>> area = float((structures == 1).sum()) * 0.36**2  # square millimetres; of the ellipse 47.1
    >>> bool(40 < area < 55)
    True
    """
    depth = grid.rows * grid.pixel_mm
    node = _target(rng, grid, signs)
    top = rng.uniform(0.10, 0.16) * depth + wavy_line(rng, grid.columns, amplitude_mm=0.7, rough_mm=0.04)
    # the muscle over the node is as thick as there is room for
    room = max(node.z - _upper(node) - 0.6 - float(top.max()), 1.5)
    under = top + min(rng.uniform(4, 8), room) + wavy_line(rng, grid.columns, amplitude_mm=0.5, rough_mm=0.04)
    under = np.maximum(under, top + 1.0)
    coarse = smooth_field(rng, grid, depth_mm=1.1)
    fibre = smooth_field(rng, grid, depth_mm=0.17, lateral_mm=2.2)
    z = grid.z
    fat, muscle, deep = rng.uniform(-29, -25), rng.uniform(-41, -36), rng.uniform(-28, -23)
    level = np.where(z < FLOAT(rng.uniform(1.0, 1.6)), FLOAT(-14), fat + 4.5 * np.maximum(fibre, -1)).astype(FLOAT)
    level = blend(level, muscle + 4.5 * np.maximum(fibre, -0.6) + 0.8 * coarse, soft_step(top[None] - z, 0.25))
    level = blend(level, deep + 2.6 * coarse + 2.8 * np.maximum(fibre, -1), soft_step(under[None] - z, 0.25))
    broken = np.clip(0.75 + 0.5 * coarse, 0.05, 1.4)
    echo = (line_echo(z - top[None], 0.14, -17) + line_echo(z - under[None], 0.16, -16)) * broken
    structures = np.zeros(grid.shape, np.uint8)
    structures[(z >= top[None]) & (z < under[None])] = STRUCTURES["muscle"]
    attenuation = np.zeros(grid.shape, FLOAT)
    level, echo = _belly(rng, grid, node, level, echo, muscle, fibre, structures)
    level, echo = _vessels(rng, grid, node, level, echo, attenuation, structures)
    cortex = rng.uniform(-41, -36)
    for other in _others(rng, grid, node):
        distance, u, v = other.frame(grid)
        inside = soft_step(distance, 0.22)
        fill = rng.uniform(-42, -36) + 1.1 * coarse
        if rng.uniform() < 0.5:
            fill = fill + 11 * np.exp(-((v / (0.3 * other.across)) ** 2) - (u / (0.6 * other.along)) ** 4)
        level, echo = (
            blend(level, fill, inside),
            echo * (1 - inside) + line_echo(distance, 0.12, -25) * (0.3 + np.abs(v) / other.across) * broken,
        )
        structures[distance < 0] = STRUCTURES["other node"]
    distance, u, v = node.frame(grid)
    inside = soft_step(distance, 0.3 if signs.irregular else 0.2)
    level = blend(level, _inner(rng, grid, signs, node, cortex + 1.1 * coarse, u, v), inside)
    facing = 0.3 + np.clip(np.abs(v) / node.across, 0, 1)
    echo = echo * (1 - inside) + line_echo(distance, 0.13, -31 if signs.irregular else -26) * facing * broken
    if signs.cystic:
        attenuation -= FLOAT(0.8) * inside
    if signs.microcalcification:
        echo, attenuation = _foci(rng, grid, node, echo, attenuation)
    structures[distance < 0] = STRUCTURES["target"]
    return Tissue(grid, level.astype(FLOAT), attenuation, echo.astype(FLOAT)), structures


def _target(rng: np.random.Generator, grid: Grid, signs: NodeSigns) -> Oval:
    """Somewhere under the muscle, never cut by the border of the image."""
    along, across = signs.long_mm / 2, signs.short_mm / 2
    tilt = rng.uniform(-0.35, 0.35)
    size = 0.11 if signs.irregular else 0.03
    ripple = tuple((k, float(size / k * rng.normal()), float(rng.uniform(0, 2 * np.pi))) for k in range(2, 8))
    depth, half = grid.rows * grid.pixel_mm, grid.width_mm / 2
    tall = 1.12 * float(np.hypot(along * np.sin(tilt), across * np.cos(tilt)))
    wide = 1.12 * float(np.hypot(along * np.cos(tilt), across * np.sin(tilt)))
    edge = 10 * grid.pixel_mm  # the margin that is cut off later, and a little
    low, high = max(0.30 * depth, tall + 3.5 + edge), depth - tall - edge - 1
    z = float(rng.uniform(low, min(max(0.62 * depth, low + 0.5), high))) if high > low else (low + high) / 2
    far = max(half - wide - edge, 0.0)
    return Oval(z, float(np.clip(rng.normal(0, 0.22 * half), -far, far)), along, across, tilt, ripple)


def _upper(node: Oval) -> float:
    return 1.1 * float(np.hypot(node.along * np.sin(node.tilt), node.across * np.cos(node.tilt)))


def _inner(
    rng: np.random.Generator, grid: Grid, signs: NodeSigns, node: Oval, level: np.ndarray, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Echo level inside the target by its signs."""
    if signs.hyperechoic:
        patches = smooth_field(rng, grid, depth_mm=max(0.25 * node.across, 0.5))
        level = level + 10 + 4 * np.clip(patches, -0.5, 1.5)
    if signs.hilum:
        hilum = np.exp(-((v / (0.32 * node.across)) ** 2) - (u / (0.65 * node.along)) ** 4)
        level = level + rng.uniform(10, 14) * hilum
    if signs.cystic:
        hollow = smooth_field(rng, grid, depth_mm=max(0.3 * node.across, 0.6))
        level = blend(level, FLOAT(-54), soft_step(0.2 - hollow, 0.2))
    return level


def _vessels(rng, grid, node, level, echo, attenuation, structures):
    """Carotid, round, and jugular, an oval of the shape of a node, on one side of the target."""
    side = float(rng.choice([-1, 1]))
    carotid = Oval(
        node.z + node.across + rng.uniform(2.5, 6),
        node.x + side * (0.6 * node.along + rng.uniform(2, 8)),
        *[rng.uniform(2.4, 3.4)] * 2,
    )
    wide = rng.uniform(2.5, 5.5)
    jugular = Oval(
        node.z + rng.uniform(-1.5, 3),
        node.x + side * (node.along + wide + rng.uniform(0.8, 4)),
        wide,
        wide * rng.uniform(0.4, 0.9),
        rng.uniform(-0.3, 0.3),
    )
    for vessel in (carotid, jugular):
        distance, _, v = vessel.frame(grid)
        lumen = soft_step(distance, 0.2)
        level = blend(level, FLOAT(rng.uniform(-52, -46)), lumen)
        attenuation -= FLOAT(1.2) * lumen
        facing = np.clip(np.abs(v) / vessel.across, 0, 1) ** 3
        echo = echo * (1 - lumen) + line_echo(distance, 0.14, -21) * facing
        structures[distance < 0] = STRUCTURES["vessel"]
    return level, echo


def _belly(rng, grid, node, level, echo, muscle, fibre, structures):
    """A small muscle cut across: dark and oval like a node, with fibres inside."""
    if rng.uniform() >= BELLY:
        return level, echo
    side = float(rng.choice([-1, 1]))
    along = rng.uniform(4, 8)
    belly = Oval(
        node.z + rng.uniform(-2, 5), node.x + side * (node.along + along + rng.uniform(0.5, 4)), along, along * 0.42
    )
    distance, *_ = belly.frame(grid)
    inside = soft_step(distance, 0.25)
    structures[distance < 0] = STRUCTURES["muscle"]
    level = blend(level, muscle + 4.5 * np.maximum(fibre, -0.6), inside)
    return level, echo * (1 - inside) + line_echo(distance, 0.12, -25)


def _others(rng: np.random.Generator, grid: Grid, node: Oval) -> list[Oval]:
    """Up to two further nodes, off the middle and never over the target."""
    found = []
    for side in rng.permutation([-1.0, 1.0]):
        if rng.uniform() >= ANOTHER:
            continue
        along = float(rng.uniform(2, 5.5))
        across = along * float(rng.uniform(0.4, 0.8))
        x = node.x + side * (node.along + along + rng.uniform(1, 5))
        z = float(np.clip(node.z + rng.uniform(-4, 5), across + 4, grid.rows * grid.pixel_mm - across - 1))
        found.append(Oval(z, float(x), along, across, float(rng.uniform(-0.3, 0.3))))
    return found


def _foci(rng, grid, node, echo, attenuation):
    """Bright points inside the target; the larger ones throw a faint shadow."""
    for _ in range(int(rng.integers(5, 13))):
        turn, far = rng.uniform(0, 2 * np.pi), 0.75 * np.sqrt(rng.uniform())
        u, v = node.along * far * np.cos(turn), node.across * far * np.sin(turn)
        z = node.z + u * np.sin(node.tilt) + v * np.cos(node.tilt)
        x = node.x + u * np.cos(node.tilt) - v * np.sin(node.tilt)
        size = rng.uniform(0.22, 0.45)
        spot = np.exp(-(((grid.z - FLOAT(z)) ** 2 + (grid.x - FLOAT(x)) ** 2) / FLOAT(size**2)))
        echo = echo + FLOAT(10 ** (rng.uniform(-11, -5) / 20)) * spot
        attenuation = attenuation + FLOAT(rng.uniform(0, 60)) * spot
    return echo, attenuation

"""One thyroid nodule and its ultrasound signs: outline, place in the lobe, and what it adds to the maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.data.simulate.acoustics import Tissue
from helpers.data.simulate.anatomy import Neck, line_echo
from helpers.data.simulate.fields import FLOAT, Grid, blend, smooth_field, soft_step

ANGLES = np.linspace(-np.pi, np.pi, 361).astype(FLOAT)
CYSTIC_SHARE = {"solid": 0.0, "predominately solid": 0.28, "predominately cystic": 0.7, "cystic": 1.0}


@dataclass(frozen=True)
class Signs:
    """What is drawn of a nodule; levels are the lower-case words of the cohort table.

    `margin` may also be "smooth"; `composition` (grey scale) and `composition_ceus` take the keys of
    `CYSTIC_SHARE`; `size_mm` is the largest diameter.
    """

    size_mm: float
    composition: str = "solid"
    echogenicity: str = "hypoechoic"
    orientation: str = "horizontal"
    echogenic_foci: str = "no"
    margin: str = "irregular margin"
    ete: str = "no"
    halo: str = "absent halo"
    enhancement_pattern: str = "heterogeneous"
    peak_intensity: str = "hypoenhancement"
    ring_enhancement: str = "absent"
    composition_ceus: str = "solid"


@dataclass(frozen=True)
class Focus:
    """A calcification: place relative to the centre (depth, lateral, elevation), radius (mm), echo, loss."""

    z: float
    x: float
    elevation: float
    radius: float
    level_db: float
    loss_db_cm: float


@dataclass(frozen=True)
class Nodule:
    """A nodule in its place; `section` cuts it, so the same nodule serves a still and a sweep.

    Parameters
    ----------
    signs : Signs
        What to show.
    z, x : float
        Depth and lateral position of the centre, millimetres.
    radius : array of shape (361,)
        Outline in the central plane, millimetres, at `ANGLES` (0 to the right, positive downwards).
    edge_mm : float
        Width of the transition at the border.
    foci : tuple of Focus
        Calcifications.
    level_db : float
        Echo level relative to the thyroid.
    """

    signs: Signs
    z: float
    x: float
    radius: np.ndarray
    edge_mm: float
    foci: tuple[Focus, ...]
    level_db: float

    @property
    def reach_mm(self) -> float:
        """Largest radius, millimetres."""
        return float(self.radius.max())

    def polar(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Distance of the pixels from the centre, and of the central outline in their direction, millimetres."""
        dz, dx = grid.z - FLOAT(self.z), grid.x - FLOAT(self.x)
        away = np.hypot(dz, dx)
        return away, np.interp(np.arctan2(dz, dx).ravel(), ANGLES, self.radius).reshape(away.shape)

    def section(
        self, grid: Grid, *, elevation_mm: float = 0.0, polar: tuple[np.ndarray, np.ndarray] | None = None
    ) -> np.ndarray:
        """Signed distance to the outline in a plane, negative inside, millimetres.

        Parameters
        ----------
        grid : Grid
            Image plane.
        elevation_mm : float
            Distance of the plane from the nodule's centre; beyond the nodule nothing is inside.
        polar : tuple of arrays, optional
            From `polar`, for many sections on one grid.

        Returns
        -------
        array of shape (rows, columns), float32
        """
        share = 1 - (elevation_mm / self.reach_mm) ** 2
        away, edge = polar or self.polar(grid)
        if share <= 0.0025:
            return away + FLOAT(1.0)
        return (away - FLOAT(np.sqrt(share)) * edge).astype(FLOAT)


def _outline(rng: np.random.Generator, signs: Signs) -> np.ndarray:
    """Outline of the central plane whose largest diameter is the nodule's size."""
    vertical = signs.orientation == "vertical"
    aspect = rng.uniform(1.12, 1.45) if vertical else rng.uniform(0.62, 0.88)  # height over width
    harmonics = np.arange(2, 15)
    rough = {"smooth": 0.15, "ill-defined": 1.3, "irregular margin": 2.7}[signs.margin]
    height = 0.10 / harmonics * np.where(harmonics < 5, min(rough, 1.0), rough)
    phase, size = rng.uniform(0, 2 * np.pi, harmonics.size), rng.normal(size=harmonics.size)
    waves = (height * size) @ np.cos(harmonics[:, None] * ANGLES + phase[:, None])
    ellipse = 1 / np.sqrt(np.cos(ANGLES) ** 2 + (np.sin(ANGLES) / aspect) ** 2)
    radius = ellipse * np.clip(1 + waves, 0.55, 1.5)
    return (radius * signs.size_mm / diameter(radius)).astype(FLOAT)


def diameter(radius: np.ndarray) -> float:
    """Largest distance between two points of an outline given at `ANGLES`.

    Examples
    --------
    >>> round(diameter(np.full(361, 2.0)), 6)
    4.0
    """
    points = (radius * np.exp(1j * ANGLES))[::3]
    return float(np.abs(points[:, None] - points[None]).max())


def _foci(rng: np.random.Generator, signs: Signs, radius: np.ndarray) -> tuple[Focus, ...]:
    def place(angle: float, share: float) -> tuple[float, float]:
        far = share * float(np.interp(angle, ANGLES, radius))
        return far * np.sin(angle), far * np.cos(angle)

    found = []
    if signs.echogenic_foci == "microcalcifications":
        cluster = rng.uniform(-np.pi, np.pi)  # half of them gather on one side, as psammoma bodies do
        for number in range(4 + rng.poisson(0.7 * signs.size_mm)):
            spread = rng.normal(0, 0.7) if number % 2 else rng.uniform(-np.pi, np.pi)
            angle = (cluster + spread + np.pi) % (2 * np.pi) - np.pi
            z, x = place(angle, 0.82 * np.sqrt(rng.uniform()))
            height = rng.uniform(-0.6, 0.6) * float(radius.max())
            found.append(Focus(z, x, height, rng.uniform(0.05, 0.11), rng.uniform(-6, 6), rng.uniform(10, 60)))
    if signs.echogenic_foci == "macrocalcifications":
        middle, share = rng.uniform(-2.3, -0.9), rng.uniform(0.45, 0.7)  # upper side: the shadow falls inside
        length = rng.uniform(1.6, 3.0) / max(share * float(radius.mean()), 0.8)
        for step in np.linspace(-0.5, 0.5, 11):
            z, x = place(float(np.clip(middle + step * length, -np.pi, np.pi)), share)
            jitter = rng.normal(0, 0.12, 2)
            found.append(Focus(z + jitter[0], x + jitter[1], 0.0, rng.uniform(0.16, 0.28), 2.0, 150.0))
    return tuple(found)


def place_nodule(rng: np.random.Generator, neck: Neck, signs: Signs) -> Nodule:
    """Draw a nodule and put it into the lobe; the neck makes room for it.

    Without extrathyroidal extension the whole outline stays below the capsule; with it, the nodule crosses
    the capsule by 0.8 mm to 3 mm, by more in a larger nodule.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    neck : Neck
        Changed in place: the lobe reaches below the nodule, the carotid gives way.
    signs : Signs
        What to show.

    Returns
    -------
    Nodule

    Examples
    --------
    >>> from helpers.data.simulate.anatomy import draw_neck
    >>> rng = np.random.default_rng(0)
    >>> neck = draw_neck(rng, Grid(256, 272, 0.16))
    >>> nodule = place_nodule(rng, neck, Signs(size_mm=10.0))
    >>> inside = nodule.section(neck.grid) < 0
    >>> bool((neck.grid.z > neck.capsule[None])[inside].all())
    True
    """
    grid = neck.grid
    radius = _outline(rng, signs)
    low, high = float(radius.mean() * 0.3), 2.2
    edge = {"smooth": 0.14, "irregular margin": rng.uniform(0.12, 0.28)}.get(
        signs.margin, min(rng.uniform(1.1, high), max(low, 0.5))
    )
    dz, dx = radius * np.sin(ANGLES), radius * np.cos(ANGLES)
    room = max(grid.width_mm / 2 - float(np.abs(dx).max()) - 6.0, 0.0)
    x = float(rng.uniform(-1, 1) * min(0.18 * grid.width_mm, room))
    capsule = np.interp(x + dx, grid.x[0], neck.capsule)
    touching = float((capsule - dz).max())  # depth of the centre at which the outline just meets the capsule
    if signs.ete == "yes":
        z = touching - float(np.clip(rng.uniform(0.3, 0.65) * radius.mean(), 0.8, 3.0))
    else:
        slack = float(np.median(neck.lobe_bottom - neck.capsule)) - float(np.ptp(dz)) - 1.5
        # a nodule may not betray its extension by lying deeper, so most stay near the capsule
        z = touching + rng.uniform(0.5, 1.0) + rng.uniform(0, 0.6) * max(slack, 0.0)
    half = float(np.abs(dx).max()) + 1.5
    dome = np.sqrt(np.clip(1 - ((grid.x[0] - x) / half) ** 2, 0, None))
    depth = np.where(np.abs(grid.x[0] - x) < half, z + (float(dz.max()) + 1.2) * dome, -np.inf)
    neck.make_room(depth, x, half)
    level = {"hypoechoic": rng.uniform(-15, -9), "isoechoic": rng.uniform(-1.5, 1.5)}.get(
        signs.echogenicity, rng.uniform(4, 7)
    )
    return Nodule(signs, z, x, radius, edge, _foci(rng, signs, radius), level)


@dataclass(frozen=True)
class Section:
    """A nodule in one plane: signed distance (mm), soft membership, mask, cyst field ranked inside [0, 1]."""

    distance: np.ndarray
    membership: np.ndarray
    mask: np.ndarray
    fluid_rank: np.ndarray


def soften(neck: Neck, nodule: Nodule, distance: np.ndarray) -> np.ndarray:
    """Membership in [0, 1] from the signed distance; an ill-defined border wanders with the neck's texture."""
    if nodule.signs.margin == "ill-defined":
        distance = distance + FLOAT(0.6 * nodule.edge_mm) * neck.texture["fine"]
    return soft_step(distance, nodule.edge_mm)


def cut(rng: np.random.Generator, neck: Neck, nodule: Nodule, *, elevation_mm: float = 0.0) -> Section:
    """Cut a nodule by a plane; the ill-defined border wanders in and out of the outline.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the cystic pattern.
    neck : Neck
        Supplies the grid and the textures.
    nodule : Nodule
        The nodule.
    elevation_mm : float
        Distance of the plane from the centre.

    Returns
    -------
    Section
        `mask` is the outline a reader would trace, without the wandering.
    """
    distance = nodule.section(neck.grid, elevation_mm=elevation_mm)
    inside = soften(neck, nodule, distance)
    mask = distance < 0
    pattern = smooth_field(rng, neck.grid, depth_mm=max(0.8, 0.12 * nodule.signs.size_mm))
    pattern = pattern + FLOAT(1.5 / max(nodule.reach_mm, 1.0)) * distance  # fluid gathers in the middle
    rank = np.searchsorted(np.sort(pattern[mask]), pattern) / max(int(mask.sum()), 1)
    return Section(distance, inside, mask, rank.astype(FLOAT))


def fluid(section: Section, composition: str) -> np.ndarray:
    """Membership of the fluid part of a nodule, shape (rows, columns), covering the share in `CYSTIC_SHARE`."""
    share = CYSTIC_SHARE[composition]
    if share == 0:
        return np.zeros_like(section.membership)
    return section.membership * soft_step(section.fluid_rank - FLOAT(share), 0.05)


def paint_nodule(tissue: Tissue, neck: Neck, nodule: Nodule, section: Section, *, elevation_mm: float = 0.0) -> None:
    """Paint a nodule into the maps of the neck, in place.

    Parameters
    ----------
    tissue : Tissue
        Maps from `paint_neck`, changed in place.
    neck : Neck
        Textures and capsule.
    nodule, section : Nodule, Section
        The nodule and its cut at `elevation_mm`.
    elevation_mm : float
        Distance of the plane from the centre, for the calcifications in it.
    """
    paint_body(tissue, neck, nodule, section)
    for focus in nodule.foci:
        seen = np.exp(-((elevation_mm - focus.elevation) ** 2)) if elevation_mm else 1.0
        paint_focus(tissue, nodule, focus, seen=seen)


def paint_body(tissue: Tissue, neck: Neck, nodule: Nodule, section: Section) -> None:
    """Paint a nodule without its calcifications, in place; parameters as `paint_nodule`."""
    grid, signs, texture = tissue.grid, nodule.signs, neck.texture
    inside, distance = section.membership, section.distance
    own = neck.level["thyroid"] + nodule.level_db + 2.0 * texture["coarse"] + 1.4 * texture["fine"]
    if signs.halo == "present halo":
        tissue.level -= 10 * np.exp(-(((distance - 0.55) / 0.45) ** 2))
    tissue.level[:] = blend(tissue.level, own, inside)
    tissue.attenuation += inside * FLOAT(1.8 if signs.echogenicity == "hypoechoic" else 0.3)
    cyst = fluid(section, signs.composition)
    tissue.level[:] = blend(tissue.level, FLOAT(-50), cyst)
    tissue.attenuation -= FLOAT(4.5) * cyst
    # the nodule interrupts what it covers; with extension it also breaks the capsule beside it
    reach = 1.7 if signs.ete == "yes" else 1.0
    tissue.interface *= 1 - np.clip(reach * inside, 0, 1)
    if signs.margin != "ill-defined":
        facing = np.abs(grid.z - nodule.z) / (np.abs(distance) + nodule.reach_mm)
        tissue.interface += line_echo(distance, 0.14, -20) * np.clip(facing, 0, 1) * texture["broken"]


def paint_focus(tissue: Tissue, nodule: Nodule, focus: Focus, *, seen: float) -> None:
    """Add one calcification in place: a bright dot and the loss behind it, in a small window only.

    Parameters
    ----------
    tissue : Tissue
        Maps, changed in place.
    nodule : Nodule
        Its centre is where the focus counts from.
    focus : Focus
        The calcification.
    seen : float
        How much of it lies in the slice, in [0, 1].
    """
    grid = tissue.grid
    row = int((nodule.z + focus.z - grid.top_mm) / grid.pixel_mm)
    column = int((nodule.x + focus.x) / grid.pixel_mm + grid.columns / 2)
    half = int(np.ceil(3 * focus.radius / grid.pixel_mm)) + 1
    rows = slice(max(row - half, 0), max(row + half + 1, 0))
    columns = slice(max(column - half, 0), max(column + half + 1, 0))
    dz, dx = grid.z[rows] - (nodule.z + focus.z), grid.x[:, columns] - (nodule.x + focus.x)
    dot = seen * np.exp(-(dz**2 + dx**2) / (2 * focus.radius**2))
    tissue.interface[rows, columns] += dot * 10 ** (focus.level_db / 20)
    tissue.attenuation[rows, columns] += focus.loss_db_cm * dot

"""A probe swept by hand through a nodule and back: a volume of echo power, imaged once, cut by every frame.

The nodule is imaged in parallel planes about as far apart as the slice is thick; a frame is the mean power of the
three planes around it with quadratic B-spline weights. Speckle decorrelates over a slice thickness, as it does when
a probe moves across its planes (Wagner et al. 1983, doi:10.1109/T-SU.1983.31404), and a frame costs a few passes over
its pixels.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from helpers.data.simulate.acoustics import Probe, Tissue, interface_phase, noise_floor, shadow_db
from helpers.data.simulate.anatomy import Neck, paint_neck
from helpers.data.simulate.calcified_foci import Deposit
from helpers.data.simulate.fields import FLOAT, complex_noise, smooth_field
from helpers.data.simulate.nodule import ANGLES, Nodule, Section, paint_body, paint_focus, soften

SPACING_MM = 0.8  # planes are this far apart, or more in a large nodule
MOST_PLANES = 30
FIELDS = 3  # drawn fields of scatterers that the planes take turns with
BEYOND = 1.2  # how far a sweep reaches, in radii of the nodule
LOOP_FRAMES = (50, 95)  # frames of one pass


@dataclass(frozen=True)
class Path:
    """Where every frame cuts.

    Parameters
    ----------
    elevation_mm : array of shape (frames,)
        Distance of the plane from the nodule's centre.
    shift : int array of shape (frames, 2)
        Displacement of the picture, rows and columns of pixels.
    """

    elevation_mm: np.ndarray
    shift: np.ndarray

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.elevation_mm)


def draw_path(rng: np.random.Generator, frames: int, *, reach_mm: float, pixel_mm: float, margin: int) -> Path:
    """Draw a sweep back and forth by an unsteady hand.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    frames : int
        Length of the clip.
    reach_mm : float
        Radius of the nodule across the planes.
    pixel_mm : float
        Side of a pixel.
    margin : int
        Largest shift in pixels.

    Returns
    -------
    Path
        At least one full pass through the nodule.

    Examples
    --------
    >>> path = draw_path(np.random.default_rng(0), 200, reach_mm=6.0, pixel_mm=0.2, margin=12)
    >>> bool(path.elevation_mm.min() < -6 and path.elevation_mm.max() > 6)
    True
    """
    loop = min(rng.uniform(*LOOP_FRAMES), frames - 1)
    time = np.arange(frames)
    slow = _unsteady(rng, frames, 25.0)
    pace = np.exp(0.35 * (slow - slow.mean()))
    place = np.concatenate([[0.0], np.cumsum(pace[1:])])
    if place[-1] < loop:
        place *= loop / max(place[-1], 1e-9)
    place = place / loop + rng.integers(2)  # starts at one end or the other
    triangle = 1 - 2 * np.abs(place % 2 - 1)  # -1 .. 1 .. -1
    reach = BEYOND * reach_mm
    elevation = reach * triangle + 0.1 * _unsteady(rng, frames, 4.0)
    drift = rng.normal(0, 0.07, 2) * [0.5, 1.0] * reach / pixel_mm  # pixels over half a sweep: the hand slides sideways
    breath = np.sin(2 * np.pi * time / rng.uniform(70, 130) + rng.uniform(0, 6.28))[:, None] * rng.uniform(0.1, 0.5, 2)
    tremor = np.stack([_unsteady(rng, frames, 5.0), _unsteady(rng, frames, 5.0)], axis=1)
    shift = triangle[:, None] * drift + (breath * [0.5, 1.0] + 0.12 * tremor) / pixel_mm
    return Path(
        np.clip(elevation, -reach, reach).astype(FLOAT), np.clip(np.round(shift), 2 - margin, margin - 2).astype(int)
    )


def _unsteady(rng: np.random.Generator, count: int, frames: float) -> np.ndarray:
    """A slow random movement of unit variance that keeps for about that many frames."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / frames)
    steps = rng.standard_normal(count) * np.sqrt(1 - keep**2)
    steps[0] = rng.standard_normal()
    return lfilter([1.0], [1.0, -keep], steps)


def planes(reach_mm: float) -> np.ndarray:
    """Elevations of the planes, millimetres, over the whole sweep with one to spare on either side."""
    reach = BEYOND * reach_mm
    step = max(SPACING_MM, 2 * reach / (MOST_PLANES - 3))
    half = int(np.ceil(reach / step)) + 1
    return (np.arange(-half, half + 1) * step).astype(FLOAT)


def echo_power(
    rng: np.random.Generator,
    probe: Probe,
    neck: Neck,
    nodule: Nodule,
    deposits: tuple[Deposit, ...],
    elevations: np.ndarray,
) -> np.ndarray:
    """Image the nodule in parallel planes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the scatterers.
    probe : Probe
        The probe; its looks are not used, as a frame averages planes.
    neck, nodule : Neck, Nodule
        The scene; the neck stays as it is along the sweep, the nodule's texture changes.
    deposits : tuple of Deposit
        The nodule's calcium.
    elevations : array of shape (planes,)
        Where to cut, millimetres.

    Returns
    -------
    array of shape (planes, rows, columns), float32
        Power of the echo before the electronic noise; 1 is white at zero gain.
    """
    grid = probe.grid
    base, phase, polar = paint_neck(neck), interface_phase(rng, grid), nodule.polar(grid)
    second = {name: smooth_field(rng, grid, depth_mm=mm) for name, mm in (("coarse", 1.2), ("fine", 0.8))}
    none, scatterers = np.zeros(grid.shape, FLOAT), _scatterers(rng, grid.shape)
    power = np.empty((len(elevations), *grid.shape), FLOAT)
    for number, elevation in enumerate(elevations):
        here = copy.copy(neck)
        here.texture = neck.texture | {
            name: (np.cos(elevation / mm) * neck.texture[name] + np.sin(elevation / mm) * second[name]).astype(FLOAT)
            for name, mm in (("coarse", 2.4), ("fine", 1.6))
        }
        tissue = Tissue(grid, base.level.copy(), base.attenuation.copy(), base.interface.copy())
        distance = nodule.section(grid, elevation_mm=float(elevation), polar=polar)
        section = Section(distance, soften(here, nodule, distance), distance < 0, none)
        paint_body(tissue, here, nodule, section)
        for deposit in deposits:
            seen = float(deposit.seen(elevation))
            if seen > 0.02:
                paint_focus(tissue, nodule, deposit.focus, seen=seen)
        echo = probe.convolve(_sources(tissue, phase, scatterers(number)))
        power[number] = echo.real**2 + echo.imag**2
    return power


def _scatterers(rng: np.random.Generator, shape: tuple[int, int]) -> Callable[[int], np.ndarray]:
    """Scatterers of a plane by its number: three drawn fields take turns, displaced each time.

    Neighbours are independent; drawing each plane anew would cost as much as imaging it.
    """
    fields = [complex_noise(rng, shape) for _ in range(FIELDS)]

    def field(number: int) -> np.ndarray:
        return np.roll(fields[number % FIELDS], rng.integers(shape), axis=(0, 1))

    return field


def _sources(tissue: Tissue, phase: np.ndarray, scatterers: np.ndarray) -> np.ndarray:
    """Echo sources after the loss along the beam, as in `acoustics.bmode`, with exponentials: a tenth of its time."""
    decibel = FLOAT(np.log(10) / 20)
    loss = np.exp(-decibel * shadow_db(tissue))
    specular = tissue.interface * loss
    grainy = np.exp(decibel * tissue.level) * loss + FLOAT(0.45) * specular  # an interface is partly rough
    return grainy * scatterers + specular * phase


def sweep_frames(
    rng: np.random.Generator,
    probe: Probe,
    power: np.ndarray,
    elevations: np.ndarray,
    path: Path,
    *,
    window: tuple[slice, slice],
) -> Iterator[np.ndarray]:
    """Cut the volume along a path.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the electronic noise.
    probe : Probe
        Its gain, range and grey map.
    power : array of shape (planes, rows, columns)
        From `echo_power`.
    elevations : array of shape (planes,)
        From `planes`.
    path : Path
        Where every frame cuts.
    window : pair of slices
        Rows and columns of the grid that an unshifted frame shows.

    Yields
    ------
    array of shape (window rows, window columns), uint8
    """
    rows, columns = window
    shape = rows.stop - rows.start, columns.stop - columns.start
    floor = noise_floor(probe)[rows]
    noise = (floor * np.abs(complex_noise(rng, (shape[0], 2 * shape[1])))) ** 2  # rolled: new in every frame
    noise = noise.astype(FLOAT)
    step = float(elevations[1] - elevations[0])
    gain = FLOAT(255 * (probe.gain_db / probe.dynamic_range_db + 1))
    scale = FLOAT(255 * 10 / np.log(10) / probe.dynamic_range_db)
    grey_map = np.round(255 * (np.arange(256) / 255) ** probe.gamma).astype(np.uint8)
    for elevation, (down, right) in zip(path.elevation_mm, path.shift, strict=True):
        place = (float(elevation) - float(elevations[0])) / step
        plane = int(np.clip(round(place), 1, len(elevations) - 2))
        off = np.clip(place - plane, -0.5, 0.5)
        part = slice(rows.start - down, rows.stop - down), slice(columns.start - right, columns.stop - right)
        seen = power[plane][part] * FLOAT(0.75 - off**2)
        seen += power[plane - 1][part] * FLOAT(0.5 * (0.5 - off) ** 2)
        seen += power[plane + 1][part] * FLOAT(0.5 * (0.5 + off) ** 2)
        along = int(rng.integers(shape[1]))
        seen += noise[:, along : along + shape[1]]
        grey = np.log(seen, out=seen)
        grey *= scale
        grey += gain
        yield grey_map[np.clip(grey, 0, 255, out=grey).astype(np.uint8)]


def section_box(
    nodule: Nodule, elevation_mm: float, *, centre: tuple[float, float], pixel_mm: float
) -> tuple[float, float, float, float]:
    """Box x0, y0, x1, y1 of the nodule's section on a frame, pixels.

    Parameters
    ----------
    nodule : Nodule
        The nodule.
    elevation_mm : float
        Where the frame cuts; inside the nodule.
    centre : (row, column)
        Centre of the nodule on the frame, pixels.
    pixel_mm : float
        Side of a pixel.
    """
    share = np.sqrt(max(1 - (elevation_mm / nodule.reach_mm) ** 2, 0.0))
    down, across = share * nodule.radius * np.sin(ANGLES), share * nodule.radius * np.cos(ANGLES)
    (row, column) = centre
    return (
        column + float(across.min()) / pixel_mm,
        row + float(down.min()) / pixel_mm,
        column + float(across.max()) / pixel_mm,
        row + float(down.max()) / pixel_mm,
    )

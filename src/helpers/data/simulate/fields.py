"""Random fields and soft shapes on a pixel grid, in millimetres; all float32 and single-threaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import fft

FLOAT = np.float32


@dataclass(frozen=True)
class Grid:
    """A sampled image plane: depth downwards, lateral position to the right, zero in the middle.

    Parameters
    ----------
    rows, columns : int
        Number of samples along depth and along the probe.
    pixel_mm : float
        Side of a (square) pixel, millimetres.
    top_mm : float
        Depth of the upper edge of the first row; negative when the grid has a margin above the skin.

    Examples
    --------
    >>> grid = Grid(rows=4, columns=2, pixel_mm=0.5)
    >>> grid.z[:, 0].tolist(), grid.x[0].tolist()
    ([0.25, 0.75, 1.25, 1.75], [-0.25, 0.25])
    """

    rows: int
    columns: int
    pixel_mm: float
    top_mm: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @cached_property
    def z(self) -> np.ndarray:
        """Depth of the pixel centres in millimetres, shape (rows, 1)."""
        return (self.top_mm + (np.arange(self.rows) + 0.5) * self.pixel_mm).astype(FLOAT)[:, None]

    @cached_property
    def x(self) -> np.ndarray:
        """Lateral position of the pixel centres in millimetres, shape (1, columns)."""
        return ((np.arange(self.columns) + 0.5 - self.columns / 2) * self.pixel_mm).astype(FLOAT)[None]

    @property
    def width_mm(self) -> float:
        """Width of the plane in millimetres."""
        return self.columns * self.pixel_mm


@lru_cache(maxsize=32)
def _gaussian_transfer(rows: int, columns: int, sigma_rows: float, sigma_columns: float) -> np.ndarray:
    down = fft.fftfreq(rows).astype(FLOAT)[:, None] * sigma_rows
    across = fft.rfftfreq(columns).astype(FLOAT)[None] * sigma_columns
    return np.exp(-2 * np.pi**2 * (down**2 + across**2)).astype(FLOAT)


def smooth_field(
    rng: np.random.Generator, grid: Grid, *, depth_mm: float, lateral_mm: float | None = None
) -> np.ndarray:
    """Draw a Gaussian random field with Gaussian correlation, mean 0 and variance 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    grid : Grid
        Where to sample.
    depth_mm, lateral_mm : float
        Standard deviation of the smoothing kernel along depth and laterally, millimetres;
        `lateral_mm` defaults to `depth_mm`.

    Returns
    -------
    array of shape (rows, columns), float32
        Periodic at the borders.

    Examples
    --------
    >>> field = smooth_field(np.random.default_rng(1), Grid(64, 64, 0.2), depth_mm=1.0)
    >>> field.shape, float(round(field.std(), 3))
    ((64, 64), 1.0)
    """
    sigma = depth_mm / grid.pixel_mm, (depth_mm if lateral_mm is None else lateral_mm) / grid.pixel_mm
    white = rng.standard_normal(grid.shape, dtype=FLOAT)
    field = fft.irfft2(fft.rfft2(white) * _gaussian_transfer(*grid.shape, *sigma), s=grid.shape)
    field -= field.mean()
    return (field / (field.std() + 1e-9)).astype(FLOAT)


def complex_noise(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw circular complex Gaussian noise of unit mean power, complex64: many scatterers a cell.

    Examples
    --------
    >>> noise = complex_noise(np.random.default_rng(1), (200, 200))
    >>> bool(abs((abs(noise) ** 2).mean() - 1) < 0.02)
    True
    """
    return rng.standard_normal((*shape, 2), dtype=FLOAT).view(np.complex64)[..., 0] * FLOAT(np.sqrt(0.5))


def wavy_line(rng: np.random.Generator, columns: int, *, amplitude_mm: float, rough_mm: float = 0.0) -> np.ndarray:
    """Draw a tissue surface: a few long waves, and a fine roughness so that no interface is a clean arc.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    columns : int
        Number of samples along the line.
    amplitude_mm : float
        Typical height of the longest wave, millimetres.
    rough_mm : float
        Standard deviation of the fine roughness, millimetres.

    Returns
    -------
    array of shape (columns,), float32
        Depth offset in millimetres.

    Examples
    --------
    >>> wavy_line(np.random.default_rng(0), 50, amplitude_mm=1.0).shape
    (50,)
    """
    along = np.linspace(0, 1, columns, dtype=FLOAT)
    line = np.zeros(columns, FLOAT)
    for wave in range(1, 5):
        phase, height = rng.uniform(0, 2 * np.pi), rng.normal()
        line += 0.7 * amplitude_mm / wave * height * np.cos(np.pi * wave * along + phase)
    if rough_mm > 0:
        white = rng.standard_normal(columns + 8)
        fine = np.convolve(white, np.hanning(9), mode="valid")
        line += rough_mm * fine / (fine.std() + 1e-9)
    return line.astype(FLOAT)


def soft_step(distance: np.ndarray, width: float) -> np.ndarray:
    """Membership of a region: 1 deep inside (distance < 0), 0 far outside, half at the border.

    Examples
    --------
    >>> soft_step(np.array([-10.0, 0.0, 10.0]), 0.2).round(3).tolist()
    [1.0, 0.5, 0.0]
    """
    return FLOAT(0.5) - FLOAT(0.5) * np.tanh(distance / FLOAT(max(width, 1e-3)))


def blend(base: np.ndarray, new: np.ndarray | float, membership: np.ndarray) -> np.ndarray:
    """Mix two maps by a membership in [0, 1].

    Examples
    --------
    >>> blend(np.zeros(2), 4.0, np.array([0.25, 1.0])).tolist()
    [1.0, 4.0]
    """
    return base + membership * (new - base)


def upsample(coarse: np.ndarray, factor: int, shape: tuple[int, int]) -> np.ndarray:
    """Linear interpolation by a whole factor, by slices: quick, and the same bits on any number of threads.

    Parameters
    ----------
    coarse : array of shape (m, n)
        Samples at every `factor`-th pixel, the first at pixel 0; must reach past the last pixel wanted.
    factor : int
        Pixels a coarse sample.
    shape : tuple of int
        Rows and columns of the result.

    Examples
    --------
    >>> upsample(np.array([[0.0, 2.0], [4.0, 6.0]], np.float32), 2, (2, 2)).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    wide = np.empty((coarse.shape[0], (coarse.shape[1] - 1) * factor), FLOAT)
    step = np.diff(coarse, axis=1) / FLOAT(factor)
    for part in range(factor):
        wide[:, part::factor] = coarse[:, :-1] + FLOAT(part) * step
    fine = np.empty(((coarse.shape[0] - 1) * factor, wide.shape[1]), FLOAT)
    step = np.diff(wide, axis=0) / FLOAT(factor)
    for part in range(factor):
        fine[part::factor] = wide[:-1] + FLOAT(part) * step
    return fine[: shape[0], : shape[1]]

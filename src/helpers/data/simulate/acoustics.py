"""Pulse-echo imaging by the convolutional model: scatterers, point spread function, envelope, display levels.

The echo field is a complex scatterer map convolved with a point spread function whose lateral width grows away
from the focus; its envelope has Rayleigh speckle. Wagner et al. (1983), doi:10.1109/T-SU.1983.31404; the
convolution model as in COLE, Gao et al. (2009), doi:10.1109/TUFFC.2009.1051.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft

from helpers.data.simulate.fields import FLOAT, Grid, complex_noise, smooth_field

SOUND_MM_PER_US = 1.54
FWHM = 2.355  # full width at half maximum of a Gaussian, in standard deviations


@dataclass
class Tissue:
    """What the beam meets: maps on one grid, to be painted by `anatomy` and `nodule`.

    Parameters
    ----------
    grid : Grid
        The image plane.
    level : array of shape (rows, columns)
        Diffuse echo level, dB; 0 dB is the brightest grey.
    attenuation : array of shape (rows, columns)
        Loss beyond the gain curve, two-way, dB/cm; negative where the beam is lost less (fluid).
    interface : array of shape (rows, columns)
        Amplitude of coherent (specular) echoes, 1 is 0 dB.
    """

    grid: Grid
    level: np.ndarray
    attenuation: np.ndarray
    interface: np.ndarray


@dataclass(frozen=True)
class Probe:
    """A linear probe with its machine settings.

    Parameters
    ----------
    grid : Grid
        The image plane.
    frequency_mhz : float
        Centre frequency; sets the axial length and, with `f_number`, the lateral width of the speckle.
    focus_mm : float
        Depth of the narrowest beam.
    f_number : float
        Focal depth over aperture.
    looks : int
        Independent looks averaged by compounding, 1 or more.
    dynamic_range_db : float
        Range from black to white.
    gain_db, noise_db : float
        Display gain; electronic noise at the skin (it grows by 8 dB to the bottom).
    gamma : float
        Exponent of the grey map.

    Examples
    --------
    >>> probe = Probe(Grid(64, 64, 0.15))
    >>> echo = probe.convolve(complex_noise(np.random.default_rng(0), (64, 64)))
    >>> bool(0.7 < (abs(echo) ** 2).mean() < 1.3)  # mean speckle power is kept
    True
    """

    grid: Grid
    frequency_mhz: float = 10.0
    focus_mm: float = 15.0
    f_number: float = 2.5
    looks: int = 2
    dynamic_range_db: float = 60.0
    gain_db: float = 0.0
    noise_db: float = -52.0
    gamma: float = 1.0

    @cached_property
    def _transfer(self) -> tuple[np.ndarray, np.ndarray]:
        grid = self.grid
        wavelength = SOUND_MM_PER_US / self.frequency_mhz
        axial = 1.95 * wavelength / FWHM / grid.pixel_mm  # about two periods
        lateral = wavelength * self.f_number / FWHM / grid.pixel_mm
        lateral = lateral * np.sqrt(1 + ((grid.z - self.focus_mm) / 9.0) ** 2)
        down = np.exp(-2 * (np.pi * axial * fft.fftfreq(grid.rows)) ** 2)[:, None]
        across = np.exp(-2 * (np.pi * lateral * fft.fftfreq(grid.columns)[None]) ** 2)
        # the same mean speckle power at every depth, as the machine's gain curve makes it
        across /= np.sqrt((across**2).mean(axis=1, keepdims=True) * (down**2).mean())
        return down.astype(FLOAT), across.astype(FLOAT)

    def convolve(self, scatterers: np.ndarray) -> np.ndarray:
        """Convolve a complex map of shape (rows, columns) with the depth-dependent point spread function."""
        down, across = self._transfer
        echo = fft.ifft(fft.fft(scatterers, axis=0) * down, axis=0)
        return fft.ifft(fft.fft(echo, axis=1) * across, axis=1)

    def compress(self, envelope: np.ndarray) -> np.ndarray:
        """Log compression of an envelope (1 is white at zero gain) to uint8 grey levels."""
        grey = (20 * np.log10(envelope + 1e-6) + self.gain_db) / self.dynamic_range_db + 1
        grey = np.clip(grey, 0, 1)
        if self.gamma != 1:
            grey = grey**self.gamma
        return (grey * 255).astype(np.uint8)


def shadow_db(tissue: Tissue) -> np.ndarray:
    """Accumulated loss along the beam, dB, blurred laterally by the beam width.

    Parameters
    ----------
    tissue : Tissue
        Maps of one plane.

    Returns
    -------
    array of shape (rows, columns), float32
        Positive behind calcifications (shadow), negative behind fluid (enhancement).
    """
    columns = tissue.grid.columns
    total = np.cumsum(tissue.attenuation, axis=0, dtype=FLOAT) * FLOAT(tissue.grid.pixel_mm / 10)
    blur = np.exp(-2 * (np.pi * 1.4 * fft.rfftfreq(columns)) ** 2).astype(FLOAT)[None]
    return fft.irfft(fft.rfft(total, axis=1) * blur, n=columns, axis=1).astype(FLOAT)


def interface_phase(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """Unit phasors along rough interfaces: the phase wanders, and the line breaks into pieces as in a real image."""
    return np.exp(np.complex64(1j) * (FLOAT(1.3) * smooth_field(rng, grid, depth_mm=0.25, lateral_mm=0.55)))


def noise_floor(probe: Probe) -> np.ndarray:
    """Amplitude of the electronic noise by depth, shape (rows, 1): the gain curve raises it by 8 dB to the bottom."""
    grid = probe.grid
    return FLOAT(10) ** ((probe.noise_db + 8 * grid.z / float(grid.z[-1, 0])) / 20)


def bmode(rng: np.random.Generator, probe: Probe, tissue: Tissue) -> np.ndarray:
    """Image a plane in grey scale.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the scatterers and the electronic noise.
    probe : Probe
        The probe and machine settings.
    tissue : Tissue
        Maps on the probe's grid.

    Returns
    -------
    array of shape (rows, columns), uint8
        Log-compressed image.

    Examples
    --------
    >>> grid = Grid(48, 40, 0.2)
    >>> flat = Tissue(grid, np.full(grid.shape, -20.0), np.zeros(grid.shape), np.zeros(grid.shape))
    >>> image = bmode(np.random.default_rng(0), Probe(grid), flat)
    >>> image.shape, bool(120 < image.mean() < 190)
    ((48, 40), True)
    """
    grid = probe.grid
    lost = shadow_db(tissue)
    amplitude = (FLOAT(10) ** ((tissue.level - lost) / FLOAT(20))).astype(FLOAT)
    fixed = tissue.interface * FLOAT(10) ** (-lost / FLOAT(20)) * interface_phase(rng, grid)
    grainy = (amplitude + FLOAT(0.45) * np.abs(fixed)).astype(FLOAT)  # an interface is partly rough
    envelope = np.zeros(grid.shape, FLOAT)
    for _ in range(probe.looks):
        envelope += np.abs(probe.convolve(grainy * complex_noise(rng, grid.shape) + fixed))
    envelope /= probe.looks
    floor = noise_floor(probe)
    return probe.compress(np.hypot(envelope, floor * np.abs(complex_noise(rng, grid.shape))))

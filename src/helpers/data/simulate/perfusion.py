"""Contrast-enhanced ultrasound: microbubbles wash in and out; each place has a log-normal time-intensity curve.

The log-normal bolus model: Strouthos et al. (2010), doi:10.1109/TUFFC.2010.1550. The power of a frame is the local
concentration times a speckle pattern mixed from a few convolved noise fields, with fresh bubbles in every frame.
The point spread function is short against the changes of concentration, so this equals a new convolution a frame
to within the grain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from helpers.data.simulate.acoustics import Probe, Tissue, shadow_db
from helpers.data.simulate.anatomy import Neck
from helpers.data.simulate.fields import FLOAT, blend, complex_noise, smooth_field, soft_step, upsample
from helpers.data.simulate.nodule import Nodule, Section, fluid

WIDTH = 0.62  # width of the log-normal curve, in log seconds
COARSE = 4  # pixels a sample of the slowly varying timing maps
RANGE_DB = 36.0  # contrast images are shown with a short dynamic range
RATIO = {"hypoenhancement": (0.07, 0.24), "isoenhancement": (0.8, 1.25), "hyperenhancement": (2.4, 3.6)}
FIELDS = 3  # independent speckle fields that the frames are mixed from


@dataclass(frozen=True)
class Bolus:
    """Timing and blood volume of one patient's contrast examination.

    Parameters
    ----------
    volume : array of shape (rows, columns)
        Peak concentration relative to the thyroid's mean.
    arrival, log_rise : array, coarse grid
        Arrival of the bolus after injection (s), and log of the curve's time scale (log s), every `COARSE` pixels.
    """

    volume: np.ndarray
    arrival: np.ndarray
    log_rise: np.ndarray

    def curve(self, seconds: float) -> np.ndarray:
        """Concentration relative to the local peak at a time after injection, (rows, columns), in [0, 1]."""
        log_time = np.log(np.maximum(FLOAT(seconds) - self.arrival, FLOAT(1e-3))) - self.log_rise
        coarse = np.exp(-log_time - log_time**2 / FLOAT(2 * WIDTH**2) - FLOAT(WIDTH**2 / 2))
        return upsample(coarse, COARSE, self.volume.shape)


def perfuse(rng: np.random.Generator, neck: Neck, nodule: Nodule, section: Section) -> Bolus:
    """Draw blood volume and timing: thyroid, carotid first, muscle faintly, nodule by its signs.

    Carcinomas fill from the border inwards (centripetal) and a little later than the gland around them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    neck, nodule, section : Neck, Nodule, Section
        The scene.

    Returns
    -------
    Bolus
    """
    grid, signs = neck.grid, nodule.signs
    vessels = smooth_field(rng, grid, depth_mm=0.35)
    regions = smooth_field(rng, grid, depth_mm=2.0)
    volume = np.exp(0.5 * vessels + 0.22 * regions - 0.15)
    volume *= 0.012 + 0.988 * neck.thyroid + 0.10 * np.clip(neck.texture["upper"] - 0.8, 0, 2)
    volume *= 1 - soft_step(neck.trachea.distance(grid), 0.3)
    ratio = rng.uniform(*RATIO[signs.peak_intensity])
    if signs.enhancement_pattern == "heterogeneous":
        patch = smooth_field(rng, grid, depth_mm=max(0.7, 0.14 * signs.size_mm))
        own = np.exp(0.55 * vessels + 0.75 * patch - 0.43)
    else:
        own = np.exp(0.25 * vessels - 0.03)
    if section.mask.any():  # the class is that of the nodule's mean, however patchy it is
        own = own / own[section.mask].mean()
    inside = section.membership
    volume = blend(volume, ratio * own, inside)
    if signs.ring_enhancement == "present":
        rim = np.exp(-(((section.distance + 0.1) / 0.75) ** 2))
        volume = volume + 2.2 * rim * np.exp(0.3 * vessels)
    volume = volume * (1 - 0.985 * fluid(section, signs.composition_ceus))
    lumen = soft_step(neck.carotid.distance(grid), 0.2)
    volume = blend(volume, FLOAT(2.6), lumen)

    def coarse(full: np.ndarray) -> np.ndarray:
        below, right = -grid.rows % COARSE + 1, -grid.columns % COARSE + 1
        return np.pad(full, ((0, below), (0, right)), mode="edge")[::COARSE, ::COARSE].astype(FLOAT)

    inner = np.clip(-section.distance / max(nodule.reach_mm, 1.0), 0, 1)
    arrival = rng.uniform(7.5, 12) + 0.35 * neck.texture["coarse"] - 2.5 * lumen
    arrival = arrival + inside * (rng.uniform(0.2, 1.2) + rng.uniform(2.0, 4.5) * inner)
    log_rise = np.log(rng.uniform(6.5, 10.5)) + 0.10 * regions - 0.12 * inside - 0.3 * lumen
    return Bolus(volume.astype(FLOAT), coarse(arrival), coarse(log_rise))


def nodule_curve(bolus: Bolus, mask: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean concentration inside the nodule at each time.

    Parameters
    ----------
    bolus : Bolus
        The examination.
    mask : bool array of shape (rows, columns)
        The nodule.
    seconds : array of shape (n,)
        Times after injection.

    Returns
    -------
    array of shape (n,)
        Relative to the mean peak of the thyroid.
    """
    weight = np.where(mask, bolus.volume, 0)[::COARSE, ::COARSE].astype(np.float64)
    share = weight / max(int(mask[::COARSE, ::COARSE].sum()), 1)
    arrival, rise = (part[: share.shape[0], : share.shape[1]] for part in (bolus.arrival, bolus.log_rise))
    used = share > 0
    if not used.any():  # no blood at all: the time is then the gland's, only to have a frame to point at
        used, share = np.ones_like(mask[::COARSE, ::COARSE]), np.full(share.shape, 1e-6)
    log_time = np.log(np.maximum(np.asarray(seconds)[:, None] - arrival[used], 1e-3)) - rise[used]
    curves = np.exp(-log_time - log_time**2 / (2 * WIDTH**2) - WIDTH**2 / 2)
    return curves @ share[used]


def ceus_frames(
    rng: np.random.Generator,
    probe: Probe,
    tissue: Tissue,
    bolus: Bolus,
    *,
    seconds: np.ndarray,
    windows: list[tuple[slice, slice]],
    persistence: float,
) -> Iterator[np.ndarray]:
    """Render a clip frame by frame.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the bubbles.
    probe : Probe
        Its point spread function makes the speckle.
    tissue : Tissue
        Grey-scale maps: shadows, and the tissue signal that leaks through.
    bolus : Bolus
        Concentrations.
    seconds : array of shape (frames,)
        Times after injection.
    windows : list of pairs of slices
        Rows and columns of the grid that each frame shows; moving windows are motion of the probe.
    persistence : float
        Weight of the earlier frames in the machine's running average of power, in [0, 1).

    Yields
    ------
    array of shape (window rows, window columns), uint8
    """
    lost = FLOAT(10) ** (-shadow_db(tissue) / FLOAT(10))  # power
    columns = probe.grid.columns
    speckle = [np.abs(probe.convolve(complex_noise(rng, probe.grid.shape))).astype(FLOAT) ** 2 for _ in range(FIELDS)]
    leak = (FLOAT(0.014) * FLOAT(10) ** (tissue.level / FLOAT(20)) + FLOAT(0.03) * np.abs(tissue.interface)) ** 2
    floor = FLOAT(10**-4.5) * (FLOAT(0.3) + np.abs(complex_noise(rng, probe.grid.shape)) ** 2)
    static = leak * lost * speckle[0] + floor
    blood = FLOAT(0.075) * bolus.volume * lost
    doubled = [np.concatenate([power, power], axis=1) for power in speckle]  # a lateral roll is then a view
    kept = speckle[1].copy()
    for time, window in zip(seconds, windows, strict=True):
        # fresh bubbles: a lateral roll keeps the depth dependence of the point spread function
        along = int(rng.integers(columns))
        fresh = doubled[int(rng.integers(FIELDS))][:, along : along + columns]
        kept *= FLOAT(persistence)
        kept += FLOAT(1 - persistence) * fresh
        seen = kept[window] * blood[window]
        seen *= bolus.curve(float(time))[window]
        seen += static[window]
        grey = np.log10(seen, out=seen)
        grey *= FLOAT(10 * 255 / RANGE_DB)
        grey += FLOAT(255 * (RANGE_DB + 3) / RANGE_DB)
        yield np.clip(grey, 0, 255, out=grey).astype(np.uint8)

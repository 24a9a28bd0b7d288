"""One patient of study `three_class`: several stills of one nodule, as the scanner and recorder of a centre show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.simulate import display, files
from helpers.data.simulate.acoustics import Probe, bmode
from helpers.data.simulate.anatomy import draw_neck, paint_neck
from helpers.data.simulate.calcified_clip import LOOKS
from helpers.data.simulate.case import MARGIN, box
from helpers.data.simulate.nodule import Signs, cut, paint_nodule, place_nodule

DEPTHS_MM = (38.0, 42.0)  # small and large nodules
REACH = 0.45  # of the nodule's radius: how far a section may lie from the middle
GAIN_SD = 1.5  # dB, from image to image


@dataclass(frozen=True)
class CenterLook:
    """How images of a centre differ: scanner, gain, electronic noise, and what the video recorder adds.

    Parameters
    ----------
    scanner : str
        A key of `calcified_clip.LOOKS`.
    gain_db, noise_db : float
        See `acoustics.Probe`.
    recorder : float
        Standard deviation of the noise of the recorder, grey levels.
    low, high : int
        Grey levels that black and white become.
    """

    scanner: str
    gain_db: float
    noise_db: float
    recorder: float
    low: int
    high: int


LOOKS_OF = {
    "Hospital A": CenterLook("GE LOGIQ E9", 0.0, -52.0, 2.0, 0, 255),
    "Hospital B": CenterLook("Mindray Resona 7", 6.0, -46.0, 6.0, 16, 235),
    "Hospital C": CenterLook("Philips EPIQ7", -7.0, -42.0, 10.0, 0, 255),
    "Hospital D": CenterLook("Samsung RS85", 3.0, -36.0, 16.0, 30, 220),
}


@dataclass(frozen=True)
class Patient:
    """A patient to be drawn; plain values, so that it travels to another process.

    Parameters
    ----------
    index : int
        0-based row among all published patients.
    patient_id, center : str
    signs : Signs
        What to draw.
    images : int
        How many stills are written.
    """

    index: int
    patient_id: str
    center: str
    signs: Signs
    images: int

    @property
    def case_ids(self) -> list[str]:
        """One name an image."""
        return [f"C{self.patient_id[1:]}-{number + 1:02d}" for number in range(self.images)]


def write_patient(root: str, patient: Patient, *, seed: int, size: tuple[int, int]) -> list[dict]:
    """Write the stills of a patient and a mask of the nodule in each.

    All show one nodule in one neck: a section somewhere near its middle, the probe moved a little. The first images
    are the same whatever number is asked for.

    Parameters
    ----------
    root : str
        Study folder; files go to `media/<patient_id>/` in it.
    patient : Patient
    seed : int
        Seed of the cohort.
    size : tuple of int
        Height and width of the stored frames.

    Returns
    -------
    list of dict
        Rows for `media.csv`.
    """
    name = f"media/{patient.patient_id}"
    folder = Path(root) / name
    folder.mkdir(parents=True)
    center, rng = LOOKS_OF[patient.center], np.random.default_rng([seed, 12, patient.index])
    look = LOOKS[center.scanner]
    place = display.layout(look, size)
    pixel_mm = DEPTHS_MM[patient.signs.size_mm > 20] / place.rows
    grid = display.probe_grid(place, pixel_mm, MARGIN)
    neck = draw_neck(rng, grid)
    nodule = place_nodule(rng, neck, patient.signs)
    focus, page = rng.uniform(12, 18), display.canvas(look, place, pixel_mm)
    rows = []
    for number, case_id in enumerate(patient.case_ids):
        own = np.random.default_rng([seed, 13, patient.index, number])
        elevation = float(own.uniform(-REACH, REACH)) * nodule.reach_mm if number else 0.0
        section = cut(own, neck, nodule, elevation_mm=elevation)
        tissue = paint_neck(neck)
        paint_nodule(tissue, neck, nodule, section, elevation_mm=elevation)
        probe = Probe(
            grid,
            frequency_mhz=look.frequency_mhz,
            focus_mm=focus,
            f_number=look.f_number,
            looks=look.looks,
            dynamic_range_db=look.dynamic_range_db,
            gain_db=center.gain_db + own.normal(0, GAIN_SD),
            noise_db=center.noise_db,
            gamma=look.gamma,
        )
        down, right = own.integers(-MARGIN + 2, MARGIN - 1, 2)
        window = (
            slice(MARGIN + down, MARGIN + down + place.rows),
            slice(MARGIN + right, MARGIN + right + place.columns),
        )
        still, mask = page.copy(), np.zeros(page.shape, dtype=bool)
        still[place.window] = bmode(own, probe, tissue)[window]
        mask[place.window] = section.mask[window]
        file, mask_file = f"{name}/{case_id}.png", f"{name}/{case_id}_mask.png"
        files.write_png(Path(root) / file, recorded(own, still, center))
        files.write_png(Path(root) / mask_file, mask.astype(np.uint8) * 255)
        about = {"case_id": case_id, "kind": "bmode", "path": file, "roi": box(mask), "frames": 1, "key_frame": 0}
        rows.append({**about, "seconds_per_frame": "", "pixel_mm": f"{pixel_mm:.6g}", "mask": mask_file})
    return rows


def recorded(rng: np.random.Generator, page: np.ndarray, center: CenterLook) -> np.ndarray:
    """What the recorder of a centre makes of a page: its own black and white, and noise on every pixel.

    Examples
    --------
    >>> page = np.full((60, 60), 128, np.uint8)
    >>> made = recorded(np.random.default_rng(0), page, LOOKS_OF["Hospital D"])
    >>> 120 < made.mean() < 130, 14 < made.std() < 18
    (np.True_, np.True_)
    """
    level = center.low + page * ((center.high - center.low) / 255)
    noisy = level + center.recorder * rng.standard_normal(page.shape, dtype=np.float32)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)

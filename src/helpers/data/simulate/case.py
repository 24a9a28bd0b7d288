"""One simulated patient: draw the scene, image it, write its files.

The bytes depend on the seed, the case index and the drawn signs only, not on who renders it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.simulate import display, files, perfusion
from helpers.data.simulate.acoustics import Probe, bmode
from helpers.data.simulate.anatomy import draw_neck, paint_neck
from helpers.data.simulate.nodule import Signs, cut, paint_nodule, place_nodule

MARGIN = 12  # pixels around the image rectangle, for motion
SPAN_SECONDS = (10.0, 120.0)  # length of a contrast clip
BMODE_FORMATS = ("png",) * 15 + ("dicom",) * 5  # of every 20 cases
CEUS_FORMATS = ("avi",) * 14 + ("mp4",) * 3 + ("dicom",) * 3
CALIPERS = 0.35  # share of grey-scale stills with measurement marks


@dataclass(frozen=True)
class Plan:
    """What is recorded of a case, whatever the patient has: formats, marks, length.

    Parameters
    ----------
    bmode_format : str
        "png" or "dicom".
    ceus_format : str
        "avi", "mp4" or "dicom".
    colour : bool
        Whether a still is stored in colour.
    calipers : int
        Pairs of measurement marks on the still: 0, 1 or 2.
    dotted : bool
        Whether dots join the marks.
    clip_seconds : float
        Length of the contrast clip.
    start_share : float
        Where in a short clip the peak falls, as a share of its length.
    """

    bmode_format: str
    ceus_format: str
    colour: bool
    calipers: int
    dotted: bool
    clip_seconds: float
    start_share: float


def plan(seed: int, index: int) -> Plan:
    """Plan the recording of a case; takes no label and no sign, so it cannot depend on them.

    Parameters
    ----------
    seed : int
        Seed of the cohort.
    index : int
        0-based row of the case.

    Returns
    -------
    Plan

    Examples
    --------
    >>> [plan(1, index).bmode_format for index in range(20)].count("dicom")
    5
    """
    block = np.random.default_rng([seed, 10, index // len(BMODE_FORMATS)])
    place = index % len(BMODE_FORMATS)
    still, clip = block.permutation(BMODE_FORMATS)[place], block.permutation(CEUS_FORMATS)[place]
    rng = np.random.default_rng([seed, 11, index])
    pairs = int(rng.integers(1, 3)) if rng.uniform() < CALIPERS else 0
    low, high = np.log(SPAN_SECONDS)
    return Plan(
        bmode_format=str(still),
        ceus_format=str(clip),
        colour=bool(rng.uniform() < 0.4),
        calipers=pairs,
        dotted=bool(rng.uniform() < 0.5),
        clip_seconds=float(np.exp(low + (high - low) * rng.uniform() ** 1.7)),
        start_share=float(rng.uniform(0.35, 0.6)),
    )


@dataclass(frozen=True)
class Case:
    """A case to be simulated; plain values, so that it travels to another process.

    Parameters
    ----------
    index : int
        0-based row in `cohort.csv`.
    patient_id, case_id, scanner : str
        As in `cohort.csv`.
    signs : Signs
        What to draw.
    """

    index: int
    patient_id: str
    case_id: str
    scanner: str
    signs: Signs


def _motion(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Displacement of the probe in pixels, shape (frames, 2): breathing, and a slow drift; rows move less."""
    period, phase = rng.uniform(3.2, 5.0), rng.uniform(0, 2 * np.pi)
    breath = np.sin(2 * np.pi * seconds / period + phase)[:, None] * rng.uniform(0.2, 1.0, 2) * [1.0, 1.6]
    slow = np.linspace(0, 1, seconds.size)[:, None]
    drift = sum(
        rng.normal(0, 1.3, 2) * [0.6, 1.2] / wave * np.sin(np.pi * wave * slow + rng.uniform(0, 2 * np.pi, 2))
        for wave in (1, 2, 3)
    )
    return breath + drift


def box(mask: np.ndarray) -> str:
    """Smallest box `x0 y0 x1 y1` around a mask, as media.csv has it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}"


def write_case(
    root: str, case: Case, *, seed: int, frames_per_second: float, size: tuple[int, int]
) -> tuple[list[dict], dict]:
    """Simulate one case and write its still, its contrast clip and both masks.

    The still and the clip show the same plane, the clip with the probe moved a little; each has its own mask. The
    key frame of the clip is the one nearest to the peak of the nodule's mean concentration, and the clip's box and
    mask belong to it.

    Parameters
    ----------
    root : str
        Study folder; files go to `media/<case_id>/` in it.
    case : Case
        What to draw.
    seed : int
        Seed of the cohort.
    frames_per_second : float
        Stored frames of the clip.
    size : tuple of int
        Height and width of the stored frames.

    Returns
    -------
    list of dict, dict
        Rows for `media.csv`, and the truth for `simulation.csv`.
    """
    folder = Path(root) / "media" / case.case_id
    folder.mkdir(parents=True)
    to, look, rng = plan(seed, case.index), display.LOOKS[case.scanner], np.random.default_rng([seed, 12, case.index])
    place = display.layout(look, size)
    deep = 50.0 if case.signs.size_mm > 21 else float(rng.choice([36.0, 40.0, 44.0]))
    pixel_mm = deep / place.rows
    grid = display.probe_grid(place, pixel_mm, MARGIN)
    probe = Probe(
        grid,
        frequency_mhz=look.frequency_mhz,
        focus_mm=rng.uniform(12, 18),
        f_number=look.f_number,
        looks=look.looks,
        dynamic_range_db=look.dynamic_range_db + rng.uniform(-3, 3),
        gain_db=rng.uniform(-2, 3),
        gamma=look.gamma,
    )
    neck = draw_neck(rng, grid)
    nodule = place_nodule(rng, neck, case.signs)
    section = cut(rng, neck, nodule)
    tissue = paint_neck(neck)
    paint_nodule(tissue, neck, nodule, section)
    page = display.canvas(look, place, pixel_mm)

    def on_page(array: np.ndarray) -> np.ndarray:
        full = np.zeros((place.height, place.width), array.dtype)
        full[place.window] = array
        return full

    def window(down: int = 0, right: int = 0) -> tuple[slice, slice]:
        rows, columns = MARGIN + down, MARGIN + right
        return slice(rows, rows + place.rows), slice(columns, columns + place.columns)

    # ---- the still
    still = page.copy()
    still[place.window] = bmode(rng, probe, tissue)[window()]
    still_mask = on_page(section.mask[window()])
    if to.calipers:
        display.stamp_calipers(still, display.calipers(still_mask, pairs=to.calipers), dotted=to.dotted)
    if to.colour:
        still = np.repeat(still[:, :, None], 3, axis=2)
        still[: place.top // 2, : place.left, 2] //= 2  # the logo is yellow
    corner = (place.left, place.top, place.left + place.columns, place.top + place.rows)
    header = files.Header(case.patient_id, case.case_id, look.manufacturer, look.model, pixel_mm, corner)
    name = f"media/{case.case_id}"
    still_file = f"{name}/bmode.{'png' if to.bmode_format == 'png' else 'dcm'}"
    if to.bmode_format == "png":
        files.write_png(Path(root) / still_file, still)
    else:
        files.write_dicom(Path(root) / still_file, [still], header)
    files.write_nifti_mask(folder / "bmode_mask.nii.gz", still_mask, pixel_mm)

    # ---- the contrast clip
    bolus = perfusion.perfuse(rng, neck, nodule, section)
    step = 1 / frames_per_second
    dense = np.arange(0, 60, 0.1)
    curve = perfusion.nodule_curve(bolus, section.mask, dense)
    peak_seconds = float(dense[np.argmax(curve)])
    count = max(int(np.ceil(to.clip_seconds / step)), 2)
    # a long clip starts soon after the injection; a short one is cut around the peak
    before = to.start_share * (count - 1) * step
    start = float(rng.uniform(0, 4)) if before >= peak_seconds else peak_seconds - before
    seconds = start + step * np.arange(count)
    key = int(np.argmin(np.abs(seconds - peak_seconds)))
    shift = _motion(rng, seconds)
    shift = shift - shift[key] + np.round(rng.uniform(-4, 4, 2))
    shift = np.clip(np.round(shift), -(MARGIN - 2), MARGIN - 2).astype(int)
    images = perfusion.ceus_frames(
        rng,
        probe,
        tissue,
        bolus,
        seconds=seconds,
        windows=[window(int(down), int(right)) for down, right in shift],
        persistence=look.persistence**step,
    )
    clip_file = f"{name}/ceus.{ {'avi': 'avi', 'mp4': 'mp4', 'dicom': 'dcm'}[to.ceus_format] }"
    clip = (_framed(page, place, image, time) for image, time in zip(images, seconds, strict=True))
    tint = files.Tint(display.tint_table(look.tint), place.window) if look.tint else None
    if to.ceus_format == "dicom":
        shown = (frame if tint is None else tint.colour(frame) for frame in clip)
        files.write_dicom(Path(root) / clip_file, shown, header, seconds_per_frame=step)
    else:
        codec = "mjpeg" if to.ceus_format == "avi" else files.video_codec()
        files.write_video(Path(root) / clip_file, clip, seconds_per_frame=step, codec=codec, tint=tint)
    clip_mask = on_page(section.mask[window(int(shift[key, 0]), int(shift[key, 1]))])
    files.write_nifti_mask(folder / "ceus_mask.nii.gz", clip_mask, pixel_mm)

    def row(kind: str, file: str, mask: np.ndarray, frames: int, at: int, dicom: bool) -> dict:
        return {
            "case_id": case.case_id,
            "kind": kind,
            "path": file,
            "roi": box(mask),
            "frames": frames,
            "key_frame": at,
            # what the file states itself is left to the file
            "seconds_per_frame": "" if dicom or frames == 1 else f"{step:g}",
            "pixel_mm": "" if dicom else f"{pixel_mm:.6g}",
            "mask": f"{name}/{kind}_mask.nii.gz",
        }

    media = [
        row("bmode", still_file, still_mask, 1, 0, to.bmode_format == "dicom"),
        row("ceus", clip_file, clip_mask, count, key, to.ceus_format == "dicom"),
    ]
    truth = {
        "case_id": case.case_id,
        "peak_seconds": round(peak_seconds, 1),
        "peak_to_thyroid": round(float(curve.max()), 3),
        "clip_start_seconds": round(start, 2),
        "pixel_mm": round(pixel_mm, 6),
        "calipers": to.calipers,
        "calcifications": len(nodule.foci),
    }
    return media, truth


def _framed(page: np.ndarray, place: display.Layout, image: np.ndarray, seconds: float) -> np.ndarray:
    """A contrast frame on the canvas, with its timer."""
    frame = page.copy()
    display.stamp_timer(frame, place, float(seconds))
    frame[place.window] = image
    return frame

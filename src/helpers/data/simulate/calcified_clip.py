"""One simulated patient of study `calcified`: the nodule, its sweeps, the frames a clinician labelled, the files.

The bytes depend on the seed, the patient and the size of the frames, not on who renders them or beside whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as File

import numpy as np

from helpers.data.media.frames import nearest_frames
from helpers.data.simulate import display, files
from helpers.data.simulate.acoustics import Probe
from helpers.data.simulate.anatomy import draw_neck
from helpers.data.simulate.calcified_foci import draw_deposits, paint_mask, shown
from helpers.data.simulate.calcified_sweep import Path, draw_path, echo_power, planes, section_box, sweep_frames
from helpers.data.simulate.nodule import Nodule, Signs, place_nodule

SELECTED = 32  # frames of a clip with a mask of their calcifications
MARGINS = {"smooth": "smooth", "ill-defined": "ill-defined", "irregular": "irregular margin"}
LOOKS = display.LOOKS | {
    "Siemens ACUSON S3000": display.Look(
        "Siemens", "ACUSON S3000", 9.0, 2.8, 68.0, 0.95, 2, None, 0.3, True, ("9L4", "THI H9.0", "DR 70 dB")
    ),
    "Samsung RS85": display.Look(
        "Samsung", "RS85", 11.0, 2.3, 58.0, 1.15, 2, None, 0.3, False, ("LA2-14A", "FR 31 Hz", "TIs 0.2")
    ),
}
COLOUR = ("Philips EPIQ7", "Samsung RS85")  # scanners that store clips in colour
FRAMES_PER_SECOND = {"GE LOGIQ E9": 30, "Mindray Resona 7": 25, "Philips EPIQ7": 31, "Siemens ACUSON S3000": 20}


@dataclass(frozen=True)
class Clip:
    """A sweep to be simulated.

    Parameters
    ----------
    case_id : str
        As in `cohort.csv`.
    frames : int
        Length.
    signs : dict
        Drawn signs and `size` of the nodule that it shows, and its `pattern` of calcium.
    index_nodule : bool
        Whether it shows the nodule that the record describes.
    """

    case_id: str
    frames: int
    signs: dict
    index_nodule: bool


@dataclass(frozen=True)
class Patient:
    """A patient to be simulated; plain values, so that it travels to another process."""

    index: int
    patient_id: str
    scanner: str
    clips: tuple[Clip, ...]


def labelled_frames(rng: np.random.Generator, path: Path, reach_mm: float) -> np.ndarray:
    """Frames that a clinician labels: one to ten, all with a large section of the nodule.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    path : Path
        The sweep.
    reach_mm : float
        Radius of the nodule across the planes.

    Returns
    -------
    int array
        0-based, ascending; among them one close to the largest section.
    """
    away = np.abs(path.elevation_mm) / reach_mm
    clear = np.flatnonzero(away < 0.6)
    best = np.flatnonzero(away <= max(float(away.min()), 0.12))
    chosen = [int(rng.choice(best))]
    for _ in range(min(int(rng.geometric(0.4)), 10) - 1):
        free = clear[np.abs(clear[:, None] - np.array(chosen)).min(axis=1) >= 3]
        if not free.size:
            break
        chosen.append(int(rng.choice(free)))
    return np.array(sorted(chosen))


def _label_box(
    rng: np.random.Generator, box: tuple[float, float, float, float], place: display.Layout
) -> tuple[int, int, int, int]:
    """A box as drawn by hand: a few pixels wider than the section, inside the picture."""
    loose = rng.gamma(2.0, 0.008 * place.rows, 4)
    low = np.floor(np.array(box[:2]) - loose[:2]).astype(int)
    high = np.ceil(np.array(box[2:]) + loose[2:]).astype(int)
    corner = np.array([place.left, place.top])
    low, high = np.maximum(low, corner), np.minimum(high, corner + np.array([place.columns, place.rows]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _text(box: tuple[int, ...]) -> str:
    return " ".join(str(value) for value in box)


@dataclass(frozen=True)
class Scene:
    """A nodule in a neck under a probe, and the frame it is stored on."""

    look: display.Look
    place: display.Layout
    pixel_mm: float
    margin: int
    probe: Probe
    nodule: Nodule

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the grid that an unshifted frame shows."""
        return slice(self.margin, self.margin + self.place.rows), slice(self.margin, self.margin + self.place.columns)

    def centre(self, shift: np.ndarray) -> tuple[float, float]:
        """Row and column of the nodule's centre on a frame with that shift; pixel edges are whole numbers."""
        row = self.nodule.z / self.pixel_mm + self.place.top + float(shift[0])
        column = self.nodule.x / self.pixel_mm + self.place.columns / 2 + self.place.left + float(shift[1])
        return row, column


def _scene(rng: np.random.Generator, look: display.Look, signs: dict, size: tuple[int, int]):
    """Draw the neck and the nodule under this scanner's probe."""
    place = display.layout(look, size)
    deep = 50.0 if signs["size"] > 21 else float(rng.choice([34.0, 38.0, 42.0]))
    pixel_mm, margin = deep / place.rows, round(place.rows / 16)
    grid = display.probe_grid(place, pixel_mm, margin)
    probe = Probe(
        grid,
        frequency_mhz=look.frequency_mhz,
        focus_mm=rng.uniform(12, 18),
        f_number=look.f_number,
        dynamic_range_db=look.dynamic_range_db + rng.uniform(-3, 3),
        gain_db=rng.uniform(-6, -1),
        gamma=look.gamma,
    )
    neck = draw_neck(rng, grid)
    drawn = Signs(
        size_mm=float(signs["size"]),
        echogenicity=signs["echogenicity"],
        orientation=signs["orientation"],
        margin=MARGINS[signs["margin"]],
    )
    return Scene(look, place, pixel_mm, margin, probe, place_nodule(rng, neck, drawn)), neck


def write_patient(root: str, patient: Patient, *, seed: int, size: tuple[int, int]) -> list[dict[str, list[dict]]]:
    """Simulate one patient and write every clip, the lesion mask of its key frame and its calcification masks.

    Parameters
    ----------
    root : str
        Study folder; files go to `media/<case_id>/` in it.
    patient : Patient
        What to draw.
    seed : int
        Seed of the cohort.
    size : tuple of int
        Height and width of the stored frames.

    Returns
    -------
    list of dict
        Per clip the rows of `media`, `frames` and `truth`.
    """
    found = []
    for number, clip in enumerate(patient.clips):
        rng = np.random.default_rng([seed, 20, patient.index, number])
        found.append(_write_clip(File(root), patient, clip, rng, size))
    return found


def _write_clip(
    root: File, patient: Patient, clip: Clip, rng: np.random.Generator, size: tuple[int, int]
) -> dict[str, list[dict]]:
    look = LOOKS[patient.scanner]
    dicom = bool(rng.uniform() < 0.5)
    scene, neck = _scene(rng, look, clip.signs, size)
    nodule, place, pixel_mm = scene.nodule, scene.place, scene.pixel_mm
    deposits = draw_deposits(rng, clip.signs["pattern"], nodule)
    path = draw_path(rng, clip.frames, reach_mm=nodule.reach_mm, pixel_mm=pixel_mm, margin=scene.margin)
    labelled = labelled_frames(rng, path, nodule.reach_mm)
    folder = root / "media" / clip.case_id
    folder.mkdir(parents=True)
    name = f"media/{clip.case_id}"
    cine = f"{name}/cine.{'dcm' if dicom else 'avi'}"

    # ---- the clip, a frame at a time
    elevations = planes(nodule.reach_mm)
    power = echo_power(rng, scene.probe, neck, nodule, deposits, elevations)
    step = 1 / FRAMES_PER_SECOND.get(patient.scanner, 25)
    pictures = sweep_frames(rng, scene.probe, power, elevations, path, window=scene.window)
    stored = _stored(pictures, _page(look, place, pixel_mm), place, colour=dicom and patient.scanner in COLOUR)
    if dicom:
        corner = (place.left, place.top, place.left + place.columns, place.top + place.rows)
        header = files.Header(patient.patient_id, clip.case_id, look.manufacturer, look.model, pixel_mm, corner)
        files.write_dicom(root / cine, stored, header, seconds_per_frame=step)
    else:
        files.write_video(root / cine, stored, seconds_per_frame=step, codec="mjpeg")

    # ---- what is known of its frames
    boxes = []
    for frame in labelled:
        box = section_box(
            nodule, float(path.elevation_mm[frame]), centre=scene.centre(path.shift[frame]), pixel_mm=pixel_mm
        )
        boxes.append(_label_box(rng, box, place))
    low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    key = int(labelled[np.argmin(np.abs(path.elevation_mm[labelled]))])
    files.write_nifti_mask(folder / "cine_mask.nii.gz", _lesion(scene, path, key), pixel_mm)
    selected = nearest_frames(labelled, clip.frames, SELECTED)
    masks = np.zeros((SELECTED, *size), bool)
    for mask, frame in zip(masks, selected, strict=True):
        paint_mask(
            mask,
            deposits,
            elevation_mm=float(path.elevation_mm[frame]),
            centre=scene.centre(path.shift[frame]),
            pixel_mm=pixel_mm,
        )
    files.write_nifti_masks(folder / "calcifications.nii.gz", masks, pixel_mm)
    media = {
        "case_id": clip.case_id,
        "kind": "cine",
        "path": cine,
        "roi": _text((*low, *high)),
        "frames": clip.frames,
        "key_frame": key,
        # what the file states itself is left to the file
        "seconds_per_frame": "" if dicom else f"{step:.6g}",
        "pixel_mm": "" if dicom else f"{pixel_mm:.6g}",
        "mask": f"{name}/cine_mask.nii.gz",
        "volume_mask": f"{name}/calcifications.nii.gz",
    }
    truth = {
        "case_id": clip.case_id,
        "index_nodule": int(clip.index_nodule),
        **{f"drawn_{feature}": value for feature, value in clip.signs.items()},
        "micro": sum(deposit.micro for deposit in deposits),
        "micro_at_key_frame": shown(deposits, float(path.elevation_mm[key])),
        "pixel_mm": round(pixel_mm, 6),
    }
    rows = [{"path": cine, "frame": int(frame), "roi": _text(box)} for frame, box in zip(labelled, boxes, strict=True)]
    return {"media": [media], "frames": rows, "truth": [truth]}


def _lesion(scene: Scene, path: Path, frame: int) -> np.ndarray:
    """Mask of the nodule's section on a frame, shape (height, width)."""
    place, (down, right) = scene.place, path.shift[frame]
    inside = scene.nodule.section(scene.probe.grid, elevation_mm=float(path.elevation_mm[frame])) < 0
    rows, columns = scene.window
    mask = np.zeros((place.height, place.width), bool)
    mask[place.window] = inside[rows.start - down : rows.stop - down, columns.start - right : columns.stop - right]
    return mask


def _page(look: display.Look, place: display.Layout, pixel_mm: float) -> np.ndarray:
    """The machine's canvas; a low frame has room for two text marks above the depth scale."""
    marks = look.marks if place.height >= 300 else look.marks[:2]
    return display.canvas(replace(look, marks=marks), place, pixel_mm)


def _stored(
    pictures: Iterator[np.ndarray], page: np.ndarray, place: display.Layout, *, colour: bool
) -> Iterator[np.ndarray]:
    """Frames as stored: the picture on the machine's canvas, in colour with a yellow logo where it stores colour."""
    page = page.copy()
    if colour:
        page = np.repeat(page[:, :, None], 3, axis=2)
        page[: place.top // 2, : place.left, 2] //= 2
    for picture in pictures:
        frame = page.copy()
        frame[place.window] = picture[:, :, None] if colour else picture
        yield frame

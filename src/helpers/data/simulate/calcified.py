"""The simulated cohort of study `calcified`: malignancy of calcified nodules from video, as paper D counts it.

Qian et al., "Malignancy prediction for calcified thyroid nodules using deep learning based on ultrasound dynamic
videos", Table 1. The clips are simulated, the counts of patients, sexes, age groups, locations, pathology, clips and
hospitals are the paper's; no number computed from them is a finding about patients.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from helpers.data.flow import UNSIMULATED
from helpers.data.processes import spread
from helpers.data.simulate import calcified_counts, calcified_signs
from helpers.data.simulate.calcified_clip import Clip, Patient, write_patient
from helpers.data.simulate.ceiling import limits
from helpers.data.simulate.folder import WORK, check, publish
from helpers.data.simulate.published import PublishedTable
from helpers.data.simulate.readings import write_readings

# A profile with a share of the patients also has smaller frames and shorter clips; paths stay the same.
SIZE, SMALL_SIZE = (480, 640), (240, 320)
SHORTENED = 0.25  # of what a clip has above the shortest
FRAMES = (44, 4126)  # the shortest and the longest clip of the paper
FRAMES_MEDIAN, FRAMES_SPREAD = 170, 0.9  # of the log-normal lengths between them
READINGS = "D_table4.csv"
TABLES = ("media.csv", "frames.csv", "readings.csv", "flow.json", "simulation.csv", "cohort.csv")
# Share of the enrolled that each exclusion of the paper takes; the paper prints the criteria and no number.
EXCLUDED = {
    "No definitive pathology or incomplete clinical data": 0.06,
    "Video of poor quality: border or calcification unclear": 0.05,
    "No calcification seen in the video": 0.17,
    "Place or size differs between ultrasound and pathology": 0.03,
    "Chemotherapy or radiotherapy within three months": 0.01,
}


def write_cohort(folder: str | Path, *, published: str | Path, seed: int, share: float = 1.0, workers: int = 2) -> dict:
    """Write the simulated cohort into a study folder: its tables, `media/`, `readings.csv` and `flow.json`.

    Everything grows in a hidden folder and is moved at the end, `cohort.csv` last. The published patients are always
    drawn all, so a patient is the same in every profile; those of the profile are written. The readings are of all
    external patients.

    Parameters
    ----------
    folder : path
        The study folder, which must exist.
    published : path
        `D_table1.csv`; `D_text.csv` and `D_table4.csv` lie beside it.
    seed : int
        Decides every byte; not negative.
    share : float
        Part of the patients of each split, outcome and hospital that is written, in (0, 1]. Below 1, frames are of
        `SMALL_SIZE` and clips keep `SHORTENED` of what they have above the shortest.
    workers : int
        Processes; the bytes do not depend on it.

    Returns
    -------
    dict
        `seconds`, `patients`, `clips`, `files`, `bytes`, `patients_of` (written and published, by split), and by
        split `bayes_limit` (AUC of the exact probability of malignancy given the drawn signs, in the population) and
        `bayes_limit_cohort` (in all published patients).

    Raises
    ------
    StudyError
        If the folder is absent or holds a cohort that was not simulated, or a table is faulty.
    ValueError
        If an argument is out of range.
    """
    began = time.perf_counter()
    folder, published = Path(folder), Path(published)
    check(folder, seed=seed, workers=workers)
    counts = calcified_counts.read(published)
    table = calcified_signs.design(counts)
    everyone = calcified_signs.draw_patients(counts, table, seed=seed)
    kept = calcified_signs.written(everyone, share)
    shown = calcified_signs.show(everyone, table, seed=seed)
    patients = list(plan(everyone, shown, table, seed=seed, shortened=1.0 if share == 1 else SHORTENED))
    wanted = set(kept["patient_id"])
    size = SIZE if share == 1 else SMALL_SIZE
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        chosen = [patient for patient in patients if patient.patient_id in wanted]
        made = spread(partial(write_patient, str(work), seed=seed, size=size), chosen, workers)
        parts = {
            name: pd.DataFrame([row for clips in made for clip in clips for row in clip[name]])
            for name in ("media", "frames", "truth")
        }
        posterior, found = limits(shown, {split: calcified_signs.reader(table, split) for split in counts.patients})
        rows = clip_rows(kept, chosen)
        truth = rows[["patient_id", "case_id", "split", "label"]].merge(parts["truth"], on="case_id")
        truth["posterior"] = truth["patient_id"].map(dict(zip(shown["patient_id"], posterior, strict=True)))
        for name, frame in (
            ("media.csv", parts["media"]),
            ("frames.csv", parts["frames"]),
            ("simulation.csv", truth),
            ("cohort.csv", rows),
        ):
            frame.to_csv(work / name, index=False, lineterminator="\n", encoding="utf-8")
        write_readings(work, everyone, published=published.with_name(READINGS), seed=seed)
        steps = flow_steps(len(everyone), len(kept), seed=seed)
        (work / "flow.json").write_text(json.dumps(steps, indent=1) + "\n", encoding="utf-8")
        files = [path for path in work.rglob("*") if path.is_file()]
        summary = {
            "patients": len(kept),
            "clips": len(rows),
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
            "patients_of": {
                split: [int((kept["split"] == split).sum()), total] for split, total in counts.patients.items()
            },
            **found,
        }
        publish(work, folder, TABLES, by="calcified")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"seconds": round(time.perf_counter() - began, 2), **summary}


def clip_lengths(everyone: pd.DataFrame, *, seed: int) -> list[list[int]]:
    """Frames of every clip of every patient: log-normal between the paper's shortest and longest.

    Parameters
    ----------
    everyone : DataFrame
        From `calcified_signs.draw_patients`.
    seed : int
        Decides who has which.

    Returns
    -------
    list of list of int
        One list a patient. The longest and the shortest belong to patients whom every profile writes.
    """
    total = int(everyone["clips"].sum())
    share = np.random.default_rng([seed, 5]).permutation((np.arange(total) + 0.5) / total)
    length = np.round(FRAMES_MEDIAN * np.exp(FRAMES_SPREAD * special.ndtri(share)))
    length = np.clip(length, FRAMES[0] + 1, FRAMES[1] - 1).astype(int).tolist()
    ends = np.cumsum(everyone["clips"].to_numpy())
    found = [length[end - count : end] for end, count in zip(ends, everyone["clips"], strict=True)]
    first = everyone[(everyone["split"] == "train") & (everyone["label"] == 1)]
    longest, shortest = first.index[first["center"] == first["center"].mode()[0]][:2]
    found[longest][0], found[shortest][0] = FRAMES[1], FRAMES[0]
    return found


def plan(
    everyone: pd.DataFrame, shown: pd.DataFrame, table: PublishedTable, *, seed: int, shortened: float
) -> Iterator[Patient]:
    """Say what every clip of every patient shows.

    The first clip shows the nodule that the record describes, and so do most others; some show another nodule that
    looks benign, whatever the pathology.

    Parameters
    ----------
    everyone, shown : DataFrame
        From `calcified_signs.draw_patients` and `.show`.
    table : PublishedTable
        From `calcified_signs.design`.
    seed : int
        Decides everything.
    shortened : float
        What clips keep of their length above the shortest.

    Yields
    ------
    Patient
        In the order of the rows.
    """
    drawn = shown[["size", *calcified_signs.FEATURES]].to_dict("records")
    people = everyone[["patient_id", "split", "scanner"]].to_dict("records")
    for index, (who, signs, frames) in enumerate(zip(people, drawn, clip_lengths(everyone, seed=seed), strict=True)):
        rng = np.random.default_rng([seed, 6, index])
        clips = []
        for number, length in enumerate(frames):
            other = number > 0 and rng.uniform() < calcified_signs.ANOTHER
            seen = calcified_signs.another(rng, table, who["split"]) if other else signs
            count = FRAMES[0] + round((length - FRAMES[0]) * shortened)
            clips.append(Clip(f"C{who['patient_id'][1:]}-{number + 1}", count, seen, not other))
        yield Patient(index, who["patient_id"], who["scanner"], tuple(clips))


def clip_rows(patients: pd.DataFrame, chosen: list[Patient]) -> pd.DataFrame:
    """One row a clip, columns `calcified_signs.COLUMNS`; what is known of a patient stands in each."""
    rows = patients.loc[patients.index.repeat([len(patient.clips) for patient in chosen])].reset_index(drop=True)
    rows["case_id"] = [clip.case_id for patient in chosen for clip in patient.clips]
    return rows[list(calcified_signs.COLUMNS)]


def flow_steps(enrolled: int, analysed: int, *, seed: int) -> list[list]:
    """Steps of the flow diagram: simulated exclusions by the paper's criteria, then the patients as published.

    Parameters
    ----------
    enrolled : int
        Published patients.
    analysed : int
        Patients that this profile writes.
    seed : int
        Decides the numbers of the exclusions.

    Returns
    -------
    list of [label, number or None, {reason: number}]
        As `flow.json` holds them.

    Examples
    --------
    >>> [step[1] for step in flow_steps(1257, 253, seed=1)]
    [None, 1257]
    """
    rng = np.random.default_rng([seed, 7])
    reasons = {reason: int(rng.poisson(enrolled * rate)) for reason, rate in EXCLUDED.items()}
    left = {UNSIMULATED: enrolled - analysed} if analysed < enrolled else {}
    return [
        [
            "Adults with thyroid surgery after an ultrasound video (simulated: the paper prints no number)",
            None,
            reasons,
        ],
        ["Enrolled, as published", enrolled, left],
    ]

"""The simulated cohort of study `three_class`: benign, non-metastatic and metastatic nodules, as paper C counts them.

Zhao et al. (2025), doi:10.3389/fnins.2025.1684104, abstract. The images are simulated, the counts of patients, classes,
sets and images are the paper's; no number computed from them is a finding about patients.
"""

from __future__ import annotations

import json
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.processes import spread
from helpers.data.simulate import three_class_counts, three_class_signs
from helpers.data.simulate.folder import WORK, check, publish
from helpers.data.simulate.nodule import Signs
from helpers.data.simulate.three_class_image import LOOKS_OF, Patient, write_patient
from helpers.data.simulate.three_class_readings import write_readings

SIZE, SMALL_SIZE = (320, 400), (200, 250)  # of stored frames, in full and in a profile with a share of the images
TABLES = ("media.csv", "readings.csv", "flow.json", "simulation.csv", "cohort.csv")
COLUMNS = (
    "patient_id",
    "case_id",
    "center",
    "split",
    "label",
    "age",
    "sex",
    "size",
    *three_class_signs.SIGNS,
    "scanner",
)


def write_cohort(folder: str | Path, *, published: str | Path, seed: int, share: float = 1.0, workers: int = 2) -> dict:
    """Write the simulated cohort into a study folder: its tables, `media/`, `readings.csv` and `flow.json`.

    All published patients are written in every profile, since fifteen of a class cannot be thinned out; a share below
    1 keeps fewer images of each, at least two, in smaller frames. Everything grows in a hidden folder and is moved at
    the end, `cohort.csv` last.

    Parameters
    ----------
    folder : path
        The study folder, which must exist.
    published : path
        `C_text.csv`, the only source of counts.
    seed : int
        Decides every byte; not negative.
    share : float
        Part of each patient's images that is written, in (0, 1].
    workers : int
        Processes; the bytes do not depend on it.

    Returns
    -------
    dict
        `seconds`, `patients`, `images`, `images_published`, `files`, `bytes`, and for the test split `bayes_limit`
        (AUC of the exact probability of the last class given the drawn signs, in the population).

    Raises
    ------
    StudyError
        If the folder is absent or holds a cohort that was not simulated, or the table is faulty.
    ValueError
        If an argument is out of range.
    """
    began = time.perf_counter()
    folder = Path(folder)
    check(folder, seed=seed, workers=workers)
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be in (0, 1]")
    counts = three_class_counts.read(published)
    everyone = three_class_signs.draw_patients(counts, seed=seed)
    shown = three_class_signs.show(everyone, seed=seed)
    codes = everyone["code"].to_numpy()
    known = three_class_signs.posterior(shown, codes)
    patients = plan(everyone, shown, share=share)
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        job = partial(write_patient, str(work), seed=seed, size=SIZE if share == 1 else SMALL_SIZE)
        media = pd.DataFrame([row for rows in spread(job, patients, workers) for row in rows])
        for name, frame in (
            ("media.csv", media),
            ("simulation.csv", truth(everyone, shown, known)),
            ("cohort.csv", image_rows(everyone, patients)),
        ):
            frame.to_csv(work / name, index=False, lineterminator="\n", encoding="utf-8")
        test = (everyone["split"] == "test").to_numpy()
        write_readings(work, everyone[test], known[test], published=published, seed=seed)
        text = json.dumps(flow_steps(counts), indent=1) + "\n"
        (work / "flow.json").write_text(text, encoding="utf-8", newline="\n")
        written = [path for path in work.rglob("*") if path.is_file()]
        limit = three_class_signs.limit(codes, positive=len(counts.analysed) - 1, seed=seed)
        summary = {
            "patients": len(everyone),
            "images": len(media),
            "images_published": counts.images,
            "files": len(written),
            "bytes": sum(path.stat().st_size for path in written),
            "bayes_limit": {"test": round(limit, 4)},
        }
        publish(work, folder, TABLES, by="three_class")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"seconds": round(time.perf_counter() - began, 2), **summary}


def plan(everyone: pd.DataFrame, shown: pd.DataFrame, *, share: float) -> list[Patient]:
    """Say of every patient what is drawn, and how many images are written.

    Parameters
    ----------
    everyone, shown : DataFrame
        From `three_class_signs.draw_patients` and `.show`.
    share : float
        Of the images of each patient; at least two are written where there are two.

    Returns
    -------
    list of Patient
        In the order of the rows.
    """
    kept = np.maximum(np.round(share * everyone["images"]).astype(int), np.minimum(2, everyone["images"]))
    who = zip(everyone["patient_id"], everyone["center"], kept, shown.to_dict("records"))
    return [
        Patient(row, name, center, Signs(size_mm=float(signs.pop("size")), **signs), int(images))
        for row, (name, center, images, signs) in enumerate(who)
    ]


def image_rows(everyone: pd.DataFrame, patients: list[Patient]) -> pd.DataFrame:
    """One row an image, columns `COLUMNS`; what is known of a patient stands in each."""
    rows = everyone.loc[everyone.index.repeat([patient.images for patient in patients])].reset_index(drop=True)
    rows["case_id"] = [name for patient in patients for name in patient.case_ids]
    rows["scanner"] = rows["center"].map({name: look.scanner for name, look in LOOKS_OF.items()})
    return rows[list(COLUMNS)]


def truth(everyone: pd.DataFrame, shown: pd.DataFrame, known: np.ndarray) -> pd.DataFrame:
    """What was really drawn of each patient, and the exact probability of each class given that."""
    table = everyone[["patient_id", "split", "label", "images"]].join(shown.add_prefix("drawn_"))
    names = everyone.drop_duplicates("code").sort_values("code")["label"]
    for code, name in enumerate(names):
        table[f"posterior_{name}"] = known[:, code].round(6)
    return table


def flow_steps(counts: three_class_counts.Counts) -> list[list]:
    """Steps of the flow diagram: patients enrolled and those left out, by class, all as published.

    Examples
    --------
    >>> steps = flow_steps(three_class_counts.read("data/published/C_text.csv"))
    >>> steps[0][1], steps[0][2]["benign, reason not printed"]
    (209, 6)
    """
    left = {
        f"{name}, reason not printed": counts.enrolled[name] - n
        for name, n in counts.analysed.items()
        if counts.enrolled[name] > n
    }
    return [
        ["Consecutive patients enrolled, as published", sum(counts.enrolled.values()), left],
        ["Selected for the analysis, as published", sum(counts.analysed.values()), {}],
    ]

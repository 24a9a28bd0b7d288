"""The simulated cohort of study `olnm`: occult node metastasis in cN0 papillary carcinoma, as paper A counts it.

Liu et al. (2025), doi:10.3389/fendo.2025.1634875, Table 1. The images are simulated, the counts are the paper's; no
number computed from them is a finding about patients.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from helpers.data.processes import spread
from helpers.data.simulate import published as tables
from helpers.data.simulate.case import Case, write_case
from helpers.data.simulate.ceiling import Reader, limits
from helpers.data.simulate.display import LOOKS, layout
from helpers.data.simulate.folder import WORK, check, publish
from helpers.data.simulate.nodule import Signs
from helpers.data.simulate.signs import DRAWN, draw_cohort, draw_visible

VISIBILITY = 0.8  # with this the ideal reader of the test split has an AUC of about 0.90
FRAMES_PER_SECOND = 1.0
SIZE = (320, 400)


def write_cohort(
    folder: str | Path,
    *,
    published: str | Path,
    seed: int = 20250724,
    visibility: float = VISIBILITY,
    frames_per_second: float = FRAMES_PER_SECOND,
    size: tuple[int, int] = SIZE,
    counts: Mapping[str, tuple[int, int]] | None = None,
    workers: int = 2,
) -> dict:
    """Write the simulated cohort into a study folder: `cohort.csv`, `media.csv`, `media/`, `simulation.csv`.

    Everything grows in a hidden folder and is moved at the end, `cohort.csv` last: a killed run leaves no half
    cohort. An earlier simulated cohort is replaced; a cohort that was not simulated is never touched.

    Parameters
    ----------
    folder : path
        The study folder, which must exist.
    published : path
        `A_table1.csv`, the only source of counts, means and SDs.
    seed : int
        Decides every byte; not negative.
    visibility : float
        Probability in [0, 1] that a sign is drawn as recorded; else its level is drawn from the split's pooled
        distribution.
    frames_per_second : float
        Stored frames of the contrast clips, in (0, 30].
    size : tuple of int
        Height and width of the stored frames, even, at least 128 and 160.
    counts : mapping of split to (negatives, positives), or None
        A smaller cohort, levels in proportion to the table; None for the published 396 patients.
    workers : int
        Processes; the bytes do not depend on it.

    Returns
    -------
    dict
        `seconds`, `patients`, `files`, `bytes`, and per split `bayes_limit` (AUC of the exact posterior given the
        drawn signs in the population that the split is drawn from) and `bayes_limit_cohort` (in these patients).

    Raises
    ------
    StudyError
        If the folder is absent or holds a cohort that was not simulated, or the table is faulty.
    ValueError
        If an argument is out of range.
    """
    began = time.perf_counter()
    folder = Path(folder)
    _check(folder, seed=seed, frames_per_second=frames_per_second, size=size, workers=workers)
    printed = tables.read(published)
    table = tables.scale(printed, counts)
    cohort = draw_cohort(table, seed=seed, exact=table.n == printed.n)
    shown = draw_visible(cohort, table, visibility=visibility, seed=seed)
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        job = partial(write_case, str(work), seed=seed, frames_per_second=frames_per_second, size=tuple(size))
        results = spread(job, _cases(cohort, shown), workers)
        media = pd.DataFrame([row for rows, _ in results for row in rows])
        truth, found = _truth(shown, table, visibility, pd.DataFrame([part for _, part in results]))
        for name, frame in (("media.csv", media), ("simulation.csv", truth), ("cohort.csv", cohort)):
            frame.to_csv(work / name, index=False, lineterminator="\n", encoding="utf-8")
        written = [path for path in work.rglob("*") if path.is_file()]
        summary = {
            "patients": len(cohort),
            "files": len(written),
            "bytes": sum(path.stat().st_size for path in written),
            **found,
        }
        publish(work, folder, ("media.csv", "simulation.csv", "cohort.csv"), by="olnm")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"seconds": round(time.perf_counter() - began, 2), **summary}


def _check(folder: Path, *, seed: int, frames_per_second: float, size: tuple[int, int], workers: int) -> None:
    check(folder, seed=seed, workers=workers)
    if not 0 < frames_per_second <= 30:
        raise ValueError(f"frames_per_second is {frames_per_second}; it must be in (0, 30]")
    for look in LOOKS.values():
        layout(look, size)


def _cases(cohort: pd.DataFrame, shown: pd.DataFrame) -> list[Case]:
    cases = []
    for index, (row, drawn) in enumerate(zip(cohort.to_dict("records"), shown.to_dict("records"), strict=True)):
        signs = Signs(size_mm=float(drawn["size"]), **{feature: drawn[feature] for feature in DRAWN})
        cases.append(Case(index, row["patient_id"], row["case_id"], row["scanner"], signs))
    return cases


def _truth(
    shown: pd.DataFrame, table: tables.PublishedTable, visibility: float, rendered: pd.DataFrame
) -> tuple[pd.DataFrame, dict]:
    """Table of what was really drawn, with the ideal reader's posterior and its AUCs."""
    posterior, found = limits(shown, {split: Reader(table, split, visibility) for split in table.splits})
    truth = shown.assign(posterior=posterior)
    renamed = {name: f"drawn_{name}" for name in ("size", *DRAWN)}
    truth = truth.rename(columns=renamed).merge(rendered, on="case_id", validate="one_to_one")
    return truth, found

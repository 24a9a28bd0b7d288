"""What every generator does with its study folder: check it, share the work, publish the finished files.

Everything grows in a hidden folder and is moved at the end, `cohort.csv` last: a killed run leaves no half cohort.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from helpers.data import made
from helpers.data.errors import StudyError

WORK = ".simulating"  # where files grow until all are there


def check(folder: Path, *, seed: int, workers: int) -> None:
    """Refuse a folder that is absent or holds patients, and numbers out of range.

    Parameters
    ----------
    folder : Path
        The study folder.
    seed : int
        Not negative.
    workers : int
        At least 1.

    Raises
    ------
    StudyError
        If the folder is absent, or holds tables or media that ThyroBook did not write.
    ValueError
        If a number is out of range.
    """
    if not folder.is_dir():
        raise StudyError(f"the study folder {folder.name} is not there", fix="make it, with its study.yaml")
    made.refuse_foreign(folder)
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must not be negative")
    if workers < 1:
        raise ValueError(f"workers is {workers}; it must be at least 1")


def map_cases(job: Callable[[Any], Any], cases: Sequence[Any], workers: int) -> list[Any]:
    """Run a picklable job on every case, in order, on that many processes."""
    if workers == 1:
        return [job(case) for case in cases]
    # spawn, not fork: the caller may hold threads (a notebook kernel, a video decoder)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(job, cases, chunksize=max(1, min(8, len(cases) // (4 * workers)))))


def publish(work: Path, folder: Path, tables: Sequence[str], *, by: str) -> None:
    """Move `media/` and the tables of a simulated cohort into its study folder; see `helpers.data.made.publish`.

    Parameters
    ----------
    work, folder : Path
        Where the files grew, and the study folder.
    tables : sequence of str
        Names in the order of moving; `cohort.csv` is the last.
    by : str
        The generator.
    """
    made.publish(work, folder, tables, kind="simulated", by=by)

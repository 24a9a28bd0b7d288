"""What every generator does with its study folder: check it, publish the finished files.

Everything grows in a hidden folder and is moved at the end, `cohort.csv` last: a killed run leaves no half cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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

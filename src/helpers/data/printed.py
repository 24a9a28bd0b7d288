"""Printed numbers of the paper that a study does again: of that paper only, and for studies that say so only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.data.study import Study

FOLDER = Path("data/published")


def of(study: Study, name: str, *, folder: Path = FOLDER) -> Path | None:
    """Where a printed table lies, if the study declares its paper with `source.published`; None otherwise.

    Parameters
    ----------
    study : Study
    name : str
        File of printed numbers, such as `B_table3.csv`: the letter of the paper comes first.
    folder : Path
        Of all printed numbers.

    Returns
    -------
    Path or None

    Examples
    --------
    >>> from helpers.data.study import read
    >>> of(read("data/lymphnode"), "B_table3.csv").name, of(read("data/olnm"), "B_table3.csv")
    ('B_table3.csv', None)
    """
    declared = (study.source.published or "").partition("_")[0]
    return folder / name if declared and declared == name.partition("_")[0] else None

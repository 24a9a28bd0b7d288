"""What paper C prints about its patients and images: the counts that the cohort `three_class` follows.

Zhao et al. (2025), doi:10.3389/fnins.2025.1684104, abstract: patients enrolled and analysed by class, training and
test set by class, and the number of images. It prints no sign, no centre, and no reason for leaving a patient out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError

CLASSES = {"BTN": "benign", "NMTN": "non-metastatic", "MMTN": "metastatic"}
PARTS = ("train", "test")


@dataclass(frozen=True)
class Counts:
    """Published counts; classes are those of `cohort.csv`, from harmless to grave.

    Parameters
    ----------
    enrolled, analysed : dict of class to int
        Patients.
    splits : dict of split to dict of class to int
        Patients of `train` and `test`.
    images : int
        Of all analysed patients.
    """

    enrolled: dict[str, int]
    analysed: dict[str, int]
    splits: dict[str, dict[str, int]]
    images: int


def read(path: str | Path) -> Counts:
    """Read the printed counts and check that they add up.

    Parameters
    ----------
    path : path
        `C_text.csv`, with `row, column, statistic, value_num`.

    Returns
    -------
    Counts

    Raises
    ------
    StudyError
        If the file is absent, lacks a count, or classes, sets and totals do not add up.

    Examples
    --------
    >>> counts = read("data/published/C_text.csv")
    >>> counts.splits["test"], counts.images
    ({'benign': 10, 'non-metastatic': 4, 'metastatic': 20}, 3537)
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError("the published table is not there", file=path.name, fix="name C_text.csv")
    table = pd.read_csv(path).set_index(["row", "column", "statistic"])["value_num"]

    def number(row: str, column: str, statistic: str) -> int:
        key = (row, column, statistic)
        if key not in table.index:
            raise StudyError(f"no {statistic} of {row}, {column}", file=path.name, column="row", fix="give it")
        return int(table[key])

    def of(column: str) -> dict[str, int]:
        return {name: number(row, column, "count") for row, name in CLASSES.items()}

    found = Counts(
        of("enrolled"), of("analysed"), {part: of(part) for part in PARTS}, number("images", "analysed", "n")
    )
    for column, counts in (("enrolled", found.enrolled), ("analysed", found.analysed)):
        _add_up(sum(counts.values()), number("patients", column, "n"), f"the classes {column}", path.name)
    for name, total in found.analysed.items():
        _add_up(sum(part[name] for part in found.splits.values()), total, f"the sets of {name}", path.name)
    if found.images < sum(found.analysed.values()):
        raise StudyError(f"{found.images} images are fewer than the patients", file=path.name, fix="correct the number")
    return found


def _add_up(total: int, printed: int, what: str, file: str) -> None:
    if total != printed:
        raise StudyError(
            f"{what} add up to {total}, {printed} is printed",
            file=file,
            column="value_num",
            fix="correct the table; the simulation follows it exactly",
        )

"""What paper D prints about its patients, clips and hospitals: the counts that the cohort `calcified` follows.

Qian et al., "Malignancy prediction for calcified thyroid nodules using deep learning based on ultrasound dynamic
videos", Table 1 and text. The clips printed for the four external hospitals add up to 255, the external set is
printed with 492: the total is kept, see `clips_by_hospital`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError

SPLITS = {"train": "train", "validation": "tune", "internal_test": "test", "external_test": "external"}
FEATURES = {"Gender": "sex", "Age": "age_group", "Nodule location": "location", "Pathology": "pathology"}
TEXT = "D_text.csv"


@dataclass(frozen=True)
class Counts:
    """Published counts; splits are those of `cohort.csv`.

    Parameters
    ----------
    patients : dict of split to int
        Patients.
    levels : dict of feature to dict of split to dict of level to int
        Patients by `sex`, `age_group`, `location` and `pathology`; levels in lower case.
    clips : dict of split to int
        Videos; those of the tune split are what is left of the internal total.
    hospitals : dict of name to (patients, clips or None)
        In the order of the paper, named A, B, ...; clips where they are printed.
    internal : tuple of str
        Hospitals that supply train, tune and test.
    age : dict of split to (mean, sd)
        Where printed, years.
    """

    patients: dict[str, int]
    levels: dict[str, dict[str, dict[str, int]]]
    clips: dict[str, int]
    hospitals: dict[str, tuple[int, int | None]]
    internal: tuple[str, ...]
    age: dict[str, tuple[int, int]]

    @property
    def external(self) -> tuple[str, ...]:
        """Hospitals of the external split."""
        return tuple(name for name in self.hospitals if name not in self.internal)

    def positives(self, split: str) -> int:
        """Malignant patients of a split."""
        return self.levels["pathology"][split]["malignant"]

    def clips_by_hospital(self) -> dict[str, int]:
        """Clips of the external hospitals, adding up to the external total.

        The paper prints 186, 34, 15 and 20 clips, and 492 in all. Only the first hospital has more clips than
        patients in print, so the missing ones are given to it.
        """
        printed = {name: self.hospitals[name][1] for name in self.external}
        first = next(iter(printed))
        return {**printed, first: self.clips["external"] - sum(printed.values()) + printed[first]}


def read(path: str | Path) -> Counts:
    """Read the printed counts and check that they add up.

    Parameters
    ----------
    path : path
        `D_table1.csv`; `D_text.csv` with the numbers of clips and hospitals lies beside it.

    Returns
    -------
    Counts

    Raises
    ------
    StudyError
        If a file is absent, lacks a column or a number, or levels do not add up to their split.
    """
    path = Path(path)
    table, text = _table(path), _table(path.with_name(TEXT))
    header = table[(table["row"] == "header") & (table["statistic"] == "n")]
    patients = {SPLITS[line.column]: int(line.value_num) for line in header.itertuples() if line.column in SPLITS}
    if set(patients) != set(SPLITS.values()):
        raise StudyError("the header lacks a split", file=path.name, fix=f"give n for {', '.join(SPLITS)}")
    levels: dict[str, dict[str, dict[str, int]]] = {}
    for line in table[table["statistic"] == "count"].itertuples():
        name, _, level = line.row.partition("|")
        if name in FEATURES and line.column in SPLITS:
            split = levels.setdefault(FEATURES[name], {}).setdefault(SPLITS[line.column], {})
            split[level.lower()] = int(line.value_num)
    for feature in FEATURES.values():
        for split, n in patients.items():
            total = sum(levels.get(feature, {}).get(split, {}).values())
            if total != n:
                raise StudyError(
                    f"the levels of {feature} add up to {total} in {split}, the header says {n}",
                    file=path.name,
                    fix="correct the table; the simulation follows it exactly",
                )
    return Counts(patients, levels, **_from_text(text))


def _from_text(text: pd.DataFrame) -> dict:
    """Clips, hospitals and ages from the paper's text."""

    def number(row: str, unit: str, statistic: str = "n") -> int:
        hit = text[(text["row"] == row) & (text["unit"] == unit) & (text["statistic"] == statistic)]
        if hit.empty:
            raise StudyError(f"no {statistic} of {unit} for {row!r}", file=TEXT, fix="add the printed number")
        return int(hit["value_num"].iloc[0])

    clips = {name: number(row, "nodules") for name, row in (("train", "train"), ("test", "internal test"))}
    clips["tune"] = number("internal total", "videos") - clips["train"] - clips["test"]
    clips["external"] = number("external total", "videos")
    design = text[(text["table"] == "text design") & ~text["row"].str.contains("total")]
    internal, hospitals = [], {}
    counted = design[(design["statistic"] == "n") & (design["unit"] == "patients")]
    for letter, line in zip("ABCDEFGHIJ", counted.itertuples(), strict=False):
        own = design[(design["row"] == line.row) & (design["unit"] == "videos")]["value_num"]
        name = f"Hospital {letter}"
        hospitals[name] = (int(line.value_num), int(own.iloc[0]) if len(own) else None)
        internal += [name] if line.column == "internal" else []
    ages = {
        split: (number(f"{row} age", "years", "mean"), number(f"{row} age", "years", "sd"))
        for split, row in (("test", "internal test"), ("external", "external"))
    }
    return {"clips": clips, "hospitals": hospitals, "internal": tuple(internal), "age": ages}


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise StudyError("the published table is not there", file=path.name, fix="keep D_table1.csv beside D_text.csv")
    frame = pd.read_csv(path)
    for column in ("table", "row", "column", "statistic", "value_num", "unit"):
        if column not in frame:
            raise StudyError("the column is missing", file=path.name, column=column)
    frame["value_num"] = pd.to_numeric(frame["value_num"], errors="coerce")
    return frame


def spread(patients: int, clips: int, weights: Mapping[int, float], *, most: int) -> dict[int, int]:
    """How many patients have how many clips, so that all clips are given away.

    Parameters
    ----------
    patients, clips : int
        Patients, and their clips together; each has at least one.
    weights : mapping of clips to weight
        Wanted shares of patients by their number of clips.
    most : int
        Largest number of clips of a patient.

    Returns
    -------
    dict of clips to patients

    Raises
    ------
    ValueError
        If the clips do not fit.

    Examples
    --------
    >>> spread(10, 18, {1: 5, 2: 3, 3: 2}, most=4)
    {1: 4, 2: 4, 3: 2, 4: 0}
    """
    from helpers.data.simulate.published import apportion

    if not patients <= clips <= most * patients:
        raise ValueError(f"clips: {clips} do not fit {patients} patients with 1 to {most} each")
    found = {count: 0 for count in range(1, most + 1)} | apportion(weights, patients)
    while (short := clips - sum(count * n for count, n in found.items())) != 0:
        step = 1 if short > 0 else -1
        # the smallest change: a patient moves to the next number of clips, from the fullest class that can
        able = [count for count in found if found[count] and 1 <= count + step <= most]
        start = max(able, key=lambda count: found[count])
        found[start] -= 1
        found[start + step] += 1
    return found

"""What paper B prints about its nodes and patients: the counts that the cohort `lymphnode` follows.

Zhao et al. (2024), doi:10.3389/fonc.2024.1204987, Table 2, Table 3 and text. The sexes that the paper prints as
patients add up to its nodes, so they are taken as nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError

TEXT, REPORTS = "B_text.csv", "B_table3.csv"
LABELS = {"benignancy": 0, "malignancy": 1}
MIDLINE = "midline"
_PLACE = re.compile(r"level (?P<level>[IV]+) in the (?:(?P<side>right|left) )?neck", re.IGNORECASE)


@dataclass(frozen=True)
class Counts:
    """Published counts of nodes; label 1 is metastatic.

    Parameters
    ----------
    patients : int
    nodes : dict of (split, label) to int
        Splits `train` and `test`.
    places : dict of label to dict of (level, side) to int
        Neck levels I to VII; side `right`, `left`, or `midline` where the paper names none.
    male : dict of label to int
        Nodes of male patients.
    long_axis, short_axis : (lowest, highest, mean)
        Millimetres.
    report : (sensitivity, specificity)
        Of the original reports, as shares.
    """

    patients: int
    nodes: dict[tuple[str, int], int]
    places: dict[int, dict[tuple[str, str], int]]
    male: dict[int, int]
    long_axis: tuple[float, float, float]
    short_axis: tuple[float, float, float]
    report: tuple[float, float]

    @property
    def total(self) -> int:
        """All nodes."""
        return sum(self.nodes.values())

    def of_label(self, label: int) -> int:
        """Nodes of one label."""
        return sum(n for (_, own), n in self.nodes.items() if own == label)


def read(path: str | Path) -> Counts:
    """Read the printed counts and check that they add up.

    Parameters
    ----------
    path : path
        `B_table2.csv`; `B_text.csv` and `B_table3.csv` lie beside it.

    Returns
    -------
    Counts

    Raises
    ------
    StudyError
        If a file or number is absent, or locations or splits do not add up to the nodes.
    """
    path = Path(path)
    table = _table(path)
    text, reports = _table(path.with_name(TEXT)), _table(path.with_name(REPORTS))

    def number(row: str, column: str, statistic: str) -> float:
        own = text[(text["row"] == row) & (text["column"] == column) & (text["statistic"] == statistic)]
        return _one(own, TEXT, f"{row}, {column}, {statistic}")

    places: dict[int, dict[tuple[str, str], int]] = {0: {}, 1: {}}
    for line in table[table["statistic"] == "count"].itertuples():
        found = _PLACE.fullmatch(line.row.strip())
        if found is None or line.column not in LABELS:
            raise StudyError(f"{line.row!r}, {line.column!r} is no location of a class", file=path.name)
        side = (found["side"] or MIDLINE).lower()
        places[LABELS[line.column]][found["level"].upper(), side] = int(line.value_num)
    nodes = {
        (split, label): int(number(name, split, "count"))
        for split in ("train", "test")
        for label, name in ((0, "benign"), (1, "metastatic"))
    }
    for label, name in ((0, "benign"), (1, "malignant")):
        total, located = int(number(name, "all", "count")), sum(places[label].values())
        parted = sum(n for (_, own), n in nodes.items() if own == label)
        if not total == located == parted:
            raise StudyError(
                f"{name}: {total} nodes in all, {located} by location, {parted} by split",
                file=path.name,
                fix="correct the tables; the simulation follows them exactly",
            )
    axes = {}
    for name in ("long axis", "short axis"):
        span = text[(text["row"] == name) & (text["statistic"] == "range")]["value"]
        if len(span) != 1:
            raise StudyError(f"no range of the {name}", file=TEXT, fix="add the printed number")
        low, high = map(float, span.iloc[0].split("-"))
        axes[name] = (low, high, number(name, "all", "mean"))
    said = reports[reports["row"] == "The original ultrasonic reports"]
    shares = [_one(said[said["statistic"] == name], REPORTS, name) / 100 for name in ("sensitivity", "specificity")]
    return Counts(
        patients=int(number("included patients", "all", "n")),
        nodes=nodes,
        places=places,
        male={label: int(number(f"male {name}", "all", "count")) for label, name in ((0, "benign"), (1, "malignant"))},
        long_axis=axes["long axis"],
        short_axis=axes["short axis"],
        report=(shares[0], shares[1]),
    )


def _one(rows: pd.DataFrame, file: str, what: str) -> float:
    values = rows["value_num"].dropna()
    if len(values) != 1:
        raise StudyError(f"{len(values)} numbers for {what}, not one", file=file, fix="give the printed number once")
    return float(values.iloc[0])


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise StudyError("the published table is not there", file=path.name, fix="keep the tables of paper B together")
    frame = pd.read_csv(path)
    for column in ("row", "column", "statistic", "value", "value_num"):
        if column not in frame:
            raise StudyError("the column is missing", file=path.name, column=column)
    frame["value_num"] = pd.to_numeric(frame["value_num"], errors="coerce")
    return frame

"""The published table a simulated cohort follows: counts, means, SDs by split and outcome, read from one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError

# Columns of cohort.csv where the printed row's name is not simply its lower case.
RENAMED = {"gender": "sex", "nodule_composition_at_ceus": "composition_ceus"}
OUTCOMES = {"OLNM-": 0, "OLNM+": 1}
Group = tuple[str, int]  # split and label


@dataclass(frozen=True)
class PublishedTable:
    """Counts and moments of a characteristics table.

    Parameters
    ----------
    n : dict of (split, label) to int
        Patients of each group.
    counts : dict of feature to dict of group to dict of level to int
        Levels in lower case.
    moments : dict of (feature, group) to (mean, sd, decimals)
        As printed.
    """

    n: dict[Group, int]
    counts: dict[str, dict[Group, dict[str, int]]]
    moments: dict[tuple[str, Group], tuple[float, float, int]]

    @property
    def splits(self) -> list[str]:
        """Splits in the order of the table."""
        return list(dict.fromkeys(split for split, _ in self.n))


def _group(column: str) -> Group | None:
    split, _, outcome = column.partition(":")
    return (split, OUTCOMES[outcome]) if outcome in OUTCOMES else None


def read(path: str | Path) -> PublishedTable:
    """Read a published characteristics table and check that every feature's counts add up to its header.

    Parameters
    ----------
    path : path
        CSV with the columns `row` (`feature|level`), `column` (`split:outcome`), `statistic`, `value_num`,
        `decimals`.

    Returns
    -------
    PublishedTable

    Raises
    ------
    StudyError
        If the file is absent, lacks a column, or a feature's levels do not add up to the group's n.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError("the published table is not there", file=path.name, fix="name A_table1.csv")
    frame = pd.read_csv(path)
    needed = ["row", "column", "statistic", "value_num", "decimals"]
    for column in needed:
        if column not in frame:
            raise StudyError("the column is missing", file=path.name, column=column)
    n: dict[Group, int] = {}
    counts: dict[str, dict[Group, dict[str, int]]] = {}
    parts: dict[tuple[str, Group], dict[str, tuple[float, int]]] = {}
    for line in frame[needed].itertuples():
        group = _group(str(line.column))
        if group is None:
            continue
        name, _, level = str(line.row).partition("|")
        feature = RENAMED.get(name.lower(), name.lower())
        if line.statistic == "n":
            n[group] = int(line.value_num)
        elif line.statistic == "count":
            counts.setdefault(feature, {}).setdefault(group, {})[level.lower()] = int(line.value_num)
        elif line.statistic in ("mean", "sd"):
            parts.setdefault((feature, group), {})[line.statistic] = (float(line.value_num), int(line.decimals))
    moments = {key: (part["mean"][0], part["sd"][0], part["sd"][1]) for key, part in parts.items()}
    for feature, groups in counts.items():
        for group, levels in groups.items():
            if sum(levels.values()) != n.get(group):
                raise StudyError(
                    f"the levels of {feature} add up to {sum(levels.values())}, the header says {n.get(group)}",
                    file=path.name,
                    column=f"{group[0]}, label {group[1]}",
                    fix="correct the table; the simulation follows it exactly",
                )
    return PublishedTable(n, counts, moments)


def apportion(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Split a whole number by shares (largest remainder, ties to the first).

    Parameters
    ----------
    shares : mapping of level to share
        Non-negative, not all zero; need not add up to 1.
    total : int
        To be divided.

    Returns
    -------
    dict of level to int
        Adds up to `total`.

    Examples
    --------
    >>> apportion({"a": 5, "b": 3, "c": 2}, 7)
    {'a': 4, 'b': 2, 'c': 1}
    """
    levels = list(shares)
    exact = np.array([float(shares[level]) for level in levels])
    exact = exact / exact.sum() * total
    whole = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return {level: int(count) for level, count in zip(levels, whole, strict=True)}


def scale(table: PublishedTable, counts: Mapping[str, tuple[int, int]] | None) -> PublishedTable:
    """Give the table another number of patients, the levels in proportion.

    Parameters
    ----------
    table : PublishedTable
        The printed table.
    counts : mapping of split to (negatives, positives), or None
        None keeps the printed numbers; splits not named are left out.

    Returns
    -------
    PublishedTable

    Raises
    ------
    ValueError
        If a split is unknown or a group would be empty.
    """
    if counts is None:
        return table
    n: dict[Group, int] = {}
    for split, pair in counts.items():
        if split not in table.splits:
            raise ValueError(f"counts: unknown split {split!r}; use {', '.join(table.splits)}")
        if len(pair) != 2 or any(not isinstance(value, (int, np.integer)) or value < 1 for value in pair):
            raise ValueError(
                f"counts[{split!r}] is {pair!r}; give negatives and positives, whole numbers of at least 1"
            )
        n[split, 0], n[split, 1] = int(pair[0]), int(pair[1])
    if not n:
        raise ValueError("counts names no split")
    scaled = {
        feature: {group: apportion(groups[group], size) for group, size in n.items()}
        for feature, groups in table.counts.items()
    }
    return PublishedTable(n, scaled, {key: value for key, value in table.moments.items() if key[1] in n})

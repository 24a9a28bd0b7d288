"""The gate: every table that the book prints is audited before it is published, and one that fails stops the build."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.book.contents import BookStudy
from helpers.data import spreadsheet
from helpers.stats.claims.own_tables import RULES, Fault, OwnTable, check_numbers, check_table

SHOWN = 5  # faults that a message lists


class GateError(RuntimeError):
    """A table of the book does not add up; the text names table, row, column and rule."""


@dataclass(frozen=True)
class Gate:
    """What the audit of the book's own tables found.

    Parameters
    ----------
    checks : dict of str to int
        Checks by rule.
    rules_by_table : dict of str to int
        Tables that each rule applies to.
    faults : tuple of Fault
    tables, rows, cells : int
        What was read; tables that quote other papers are left out.
    quoted : int
        Tables left out because they quote what others print.
    silent : int
        Tables in which no number depends on another.
    sentences : int
        Numbers and sentences that pages keep for their prose.
    """

    checks: dict[str, int]
    rules_by_table: dict[str, int]
    faults: tuple[Fault, ...]
    tables: int
    rows: int
    cells: int
    quoted: int
    silent: int
    sentences: int = 0

    def frame(self) -> pd.DataFrame:
        """One row a rule: `rule, asks, tables, checks, consistent, contradictory`.

        Examples
        --------
        >>> Gate({}, {}, (), 0, 0, 0, 0, 0).frame()["contradictory"].sum()
        np.int64(0)
        """
        wrong = Counter(fault.rule for fault in self.faults)
        rows = [
            {
                "rule": rule,
                "asks": asks,
                "tables": self.rules_by_table.get(rule, 0),
                "checks": self.checks.get(rule, 0),
                "consistent": self.checks.get(rule, 0) - wrong[rule],
                "contradictory": wrong[rule],
            }
            for rule, asks in RULES.items()
        ]
        return pd.DataFrame(rows)

    def sentence(self) -> str:
        """Say how much was audited, and with what verdicts.

        Examples
        --------
        >>> Gate({"cells": 9}, {"cells": 1}, (), 2, 10, 50, 1, 1).sentence()[:56]
        'Before this book was published, 2 tables with 10 rows an'
        """
        total = sum(self.checks.values())
        verdict = "all are consistent" if not self.faults else f"{len(self.faults)} do not add up"
        text = (
            f"Before this book was published, {self.tables:,} tables with {self.rows:,} rows and {self.cells:,} cells "
            f"were audited by the rules below, and {self.sentences:,} numbers and sentences of the prose: {total:,} "
            f"checks, {verdict}."
        )
        if self.silent:
            text += (
                f" In {self.silent:,} of the tables no printed number depends on another, so nothing can be checked."
            )
        if self.quoted:
            text += f" {self.quoted:,} tables quote what other papers print and are left out."
        return text

    def demand(self) -> Gate:
        """Return itself, or stop the build.

        Raises
        ------
        GateError
            If a table does not add up.
        """
        if not self.faults:
            return self
        lines = [str(fault) for fault in self.faults[:SHOWN]]
        more = len(self.faults) - SHOWN
        lines += [f"and {more} more"] if more > 0 else []
        raise GateError("a table of the book does not add up:\n" + "\n".join(lines))


def audit_book(results: str | Path, studies: Sequence[BookStudy]) -> Gate:
    """Audit every table of the pages of a book.

    Parameters
    ----------
    results : str or Path
        `results/<study>/<page>/tables/`.
    studies : sequence of BookStudy

    Returns
    -------
    Gate

    Examples
    --------
    >>> import tempfile
    >>> audit_book(tempfile.mkdtemp(), [BookStudy("a", "A", pages=("cohort",))]).tables
    0
    """
    checks: Counter[str] = Counter()
    applied: Counter[str] = Counter()
    faults: list[Fault] = []
    read = rows = cells = quoted = silent = sentences = 0
    for study in studies:
        for page in study.pages:
            folder, seen = Path(results, study.name, page, "tables"), {}
            kept = folder.with_name("numbers.json")
            numbers = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
            made, wrong = check_numbers(f"{study.name}/{page}/numbers.json", numbers)
            checks += made
            faults += wrong
            sentences += len(numbers)
            for file in sorted(folder.glob("*.json")):
                about = json.loads(file.read_text(encoding="utf-8"))
                if about.get("quoted"):
                    quoted += 1
                    continue
                table = read_table(
                    file.with_suffix(""), about, place=f"{study.name}/{page}/{file.stem}", numbers=numbers
                )
                made, wrong = check_table(table)
                again = repeated(table, seen)
                made["repeated"] += len(again)
                made = +made
                faults += wrong + [fault for fault in again if fault is not None]
                checks += made
                applied.update(made.keys())
                read, rows, cells = read + 1, rows + len(table.shown), cells + table.shown.size
                silent += not made
    return Gate(dict(checks), dict(applied), tuple(faults), read, rows, cells, quoted, silent, sentences)


def read_table(stem: Path, about: dict, *, place: str, numbers: Mapping[str, object] | None = None) -> OwnTable:
    """Read one published table: its full numbers, its printed strings and what it declares.

    Raises
    ------
    GateError
        If the files are not of one table.
    """
    empty = Path(f"{stem}.csv").stat().st_size <= 1
    values = pd.DataFrame() if empty else spreadsheet.read_csv(f"{stem}.csv", low_memory=False)
    with Path(f"{stem}.display.csv").open(encoding="utf-8", newline="") as stream:
        head, *lines = csv.reader(stream)
    if len(lines) != len(values):
        raise GateError(f"{place}: the printed table has {len(lines)} rows and the CSV {len(values)}")
    shown = pd.DataFrame(lines, columns=_unique(head), dtype=object)
    columns = about.get("columns") or {name: name for name in shown if name in values}
    columns = {name: heading for name, heading in columns.items() if heading in shown}
    totals = about.get("totals") or _totals(values, numbers or {})
    intervals = about.get("intervals", {})
    of = {name: tuple(pair) for name, pair in about.get("of", {}).items()}
    return OwnTable(place, values, shown, columns, totals, intervals, tuple(about.get("exempt", ())), of)


def _totals(values: pd.DataFrame, numbers: Mapping[str, object]) -> dict[str, float]:
    """What the counts of a table of splits must add up to: splits are apart and hold every case."""
    if "split" not in values or values["split"].duplicated().any() or {"model", "level"} & set(values):
        return {}
    names = [name for name in ("patients", "cases", "events") if name in values and f"n_{name}" in numbers]
    return {name: float(numbers[f"n_{name}"]) for name in names}


def repeated(table: OwnTable, seen: dict[tuple, tuple[float, str]]) -> list[Fault | None]:
    """Compare n and events with those that the page printed before for the same split and model."""
    found: list[Fault | None] = []
    keys = [name for name in ("split", "model", "modality", "reader") if name in table.values]
    if not {"split", "model"} <= set(keys) or "repeated" in table.exempt:
        return found
    others = [name for name in table.values if name in ("subgroup", "level", "group", "class", "center")]
    if others or table.values.duplicated(keys).any():
        return found
    for name in ("n", "events"):
        for row in range(len(table.values)) if name in table.values else []:
            key = (name, *(str(table.values[part].iloc[row]) for part in keys))
            value = float(table.values[name].iloc[row])
            first, place = seen.setdefault(key, (value, table.place))
            if place == table.place:
                continue
            message = f"{value:g}, and {place} prints {first:g} for the same cases"
            words = ", ".join(key[1:])
            found.append(None if value == first else Fault(table.place, row + 2, words, name, "repeated", message))
    return found


def _unique(names: Sequence[str]) -> list[str]:
    """Headings may repeat in print; a DataFrame needs them apart."""
    counts: Counter[str] = Counter()
    made = []
    for name in names:
        counts[name] += 1
        made.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return made

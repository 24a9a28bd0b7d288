"""Printed numbers from tidy CSV files, and the links between them from YAML."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from helpers.data.errors import StudyError
from helpers.stats.claims.rounding import Printed, printed
from helpers.stats.claims.tables import SHARES, metric_name

NEEDED = ("source", "table", "row", "column", "statistic", "value", "value_num", "unit", "decimals", "notes")
KEY = ("table", "row", "column", "statistic")
LINKS = "*claims.yaml"


@dataclass(frozen=True)
class Cell:
    """One printed value.

    Parameters
    ----------
    file : str
        Name of the CSV file.
    line : int
        Row as a spreadsheet counts.
    paper, table, row, column, statistic, text, unit, notes : str
        As in the file; `text` is the value as printed.

    Examples
    --------
    >>> cell = Cell("a.csv", 2, "A", "Table 2", "model", "test", "sensitivity", "87.0", "%", "")
    >>> float(cell.number), cell.trace
    (0.87, 'a.csv row 2: Table 2 / model / test / sensitivity = 87.0%')
    """

    file: str
    line: int
    paper: str
    table: str
    row: str
    column: str
    statistic: str
    text: str
    unit: str
    notes: str

    @property
    def trace(self) -> str:
        """Where the value is printed, and how."""
        where = " / ".join((self.table, self.row, self.column, self.statistic))
        return f"{self.file} row {self.line}: {where} = {self.shown}"

    @property
    def shown(self) -> str:
        """The value as printed, with its percent sign."""
        return f"{self.text}{'%' if self.unit == '%' and '%' not in self.text else ''}"

    @property
    def number(self) -> Printed:
        """The value; percentages divided by 100."""
        try:
            return printed(self.text, percent=self.unit == "%")
        except ValueError as error:
            raise StudyError(
                f"{self.text!r} is not a number",
                file=self.file,
                row=self.line,
                column="value",
                fix="link a numeric cell",
            ) from error

    @property
    def count(self) -> int:
        """The value as a whole number."""
        number = self.number
        if number.value.denominator != 1 or number.value < 0 or number.relation != "=":
            raise StudyError(
                f"{self.text!r} is not a count",
                file=self.file,
                row=self.line,
                column="value",
                fix="link a whole number",
            )
        return int(number.value)

    def __str__(self) -> str:
        """Return name and value."""
        return f"{self.statistic} {self.shown}"


class Published:
    """The printed numbers of one paper, found by table, row, column and statistic.

    Parameters
    ----------
    cells : list of Cell

    Examples
    --------
    >>> cell = Cell("a.csv", 2, "A", "Table 2", "model", "test", "sensitivity", "0.870", "", "")
    >>> Published([cell]).rows("Table 2")
    ['model']
    """

    def __init__(self, cells: list[Cell]) -> None:
        self.cells = cells
        self._index: dict[tuple[str, ...], list[Cell]] = {}
        self._by_row: dict[tuple[str, str, str], list[Cell]] = {}
        for cell in cells:
            key = tuple(getattr(cell, part) for part in KEY)
            self._index.setdefault(key, []).append(cell)
            self._by_row.setdefault(key[:3], []).append(cell)

    def find(self, table: str, row: str, column: str, statistic: str, unit: str | None = None) -> list[Cell]:
        """Return the cells of this name; usually one."""
        found = self._index.get((table, row, column, statistic), [])
        return [cell for cell in found if unit is None or cell.unit == unit]

    def get(self, table: str, row: str, column: str, statistic: str) -> Cell | None:
        """Return the cell of this name; None when it is not printed."""
        found = self.find(table, row, column, statistic)
        return found[0] if found else None

    def of_row(self, table: str, row: str, column: str) -> list[Cell]:
        """Return the cells of one row and column."""
        return self._by_row.get((table, row, column), [])

    def rows(self, table: str, column: str | None = None) -> list[str]:
        """Return the rows of a table in order."""
        found = [c.row for c in self.cells if c.table == table and (column is None or c.column == column)]
        return list(dict.fromkeys(found))

    def nearest(self, ref: tuple[str, ...]) -> str:
        """Name the cells most like one that is absent."""
        names = [" / ".join(key) for key in self._index]
        near = difflib.get_close_matches(" / ".join(ref[:4]), names, n=3, cutoff=0.4)
        return "; ".join(near) if near else "a cell of the CSV files"


@dataclass
class Links:
    """The declared links of one paper, and what rules leave for those after them.

    Parameters
    ----------
    paper : str
    file : str
        Name of the YAML file, for messages.
    published : Published
    sections : dict
        Name of a rule family: list of entries.
    sets : dict
        Test sets: `positives`, `negatives`, cells.
    tables : dict
        Left by the two-by-two rule: the tables that fit, by table, row and column.
    citation : str
        How the paper is cited.
    """

    paper: str
    file: str
    published: Published
    sections: dict[str, list[dict[str, Any]]]
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[tuple[str, str, str], pd.DataFrame] = field(default_factory=dict)
    citation: str = ""

    def cell(self, entry: Mapping[str, Any], ref: Any) -> Cell:
        """Return the cell that a link `[table, row, column, statistic(, unit)]` names."""
        where = {"file": self.file, "row": entry.get("__line__")}
        if not isinstance(ref, list) or len(ref) not in (4, 5):
            raise StudyError(
                f"a link is [table, row, column, statistic] or with a unit, found {ref!r}", **where, fix="write it so"
            )
        ref = tuple("" if part is None else str(part) for part in ref)
        found = self.published.find(*ref)
        if len(found) == 1:
            return found[0]
        name = " / ".join(ref)
        if found:
            units = ", ".join(cell.unit for cell in found)
            raise StudyError(f"the link {name} names {len(found)} cells", **where, fix=f"add the unit: {units}")
        raise StudyError(
            f"the link {name} names no printed cell", **where, fix=f"write one of: {self.published.nearest(ref)}"
        )

    def cells(self, entry: Mapping[str, Any], key: str) -> list[Cell]:
        """Return the cells of a list of links."""
        return [self.cell(entry, ref) for ref in self.need(entry, key)]

    def need(self, entry: Mapping[str, Any], key: str) -> Any:
        """Return what an entry must have."""
        if key not in entry:
            known = ", ".join(name for name in entry if name != "__line__")
            raise StudyError(
                f"an entry needs the key {key!r} and has {known}",
                file=self.file,
                row=entry.get("__line__"),
                fix=f"add {key}",
            )
        return entry[key]

    def test_set(self, entry: Mapping[str, Any]) -> tuple[Cell, Cell]:
        """Return the cells with the positives and negatives of an entry's test set."""
        name = self.need(entry, "set")
        if name not in self.sets:
            raise StudyError(
                f"the set {name!r} is not declared",
                file=self.file,
                row=entry.get("__line__"),
                fix=f"use one of {', '.join(self.sets) or 'those under sets (there are none)'}",
            )
        declared = self.sets[name]
        return tuple(self.cell(declared, self.need(declared, key)) for key in ("positives", "negatives"))

    def places(self, entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Run over the table, row and column of an entry with `tables` and `column`, all rows or those named."""
        tables, column = self.need(entry, "tables"), str(self.need(entry, "column"))
        for table in tables if isinstance(tables, list) else [tables]:
            rows = entry.get("rows") or self.published.rows(table, column)
            if not rows:
                raise StudyError(
                    f"the table {table!r} has no column {column!r}",
                    file=self.file,
                    row=entry.get("__line__"),
                    fix="name a table and column of the CSV files",
                )
            for row in rows:
                if not self.published.of_row(table, row, column):
                    raise StudyError(
                        f"the link {table} / {row} / {column} names no printed row",
                        file=self.file,
                        row=entry.get("__line__"),
                        fix=f"use one of {', '.join(self.published.rows(table, column)) or 'the rows of the CSV'}",
                    )
                yield table, row, column


def read_cells(file: Path) -> list[Cell]:
    """Read and check one CSV file of printed numbers.

    Parameters
    ----------
    file : Path
        Columns `source, table, row, column, statistic, value, value_num, unit, decimals, notes`.

    Returns
    -------
    list of Cell

    Raises
    ------
    StudyError
        If a column is missing, decimals are missing or wrong, a share is impossible, or a cell is there twice.
    """
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            raise StudyError(f"no column {', '.join(missing)}", file=file.name, row=1, fix="add it; see the README")
        rows = list(reader)
    return cells_of(rows, file=file.name)


def cells_of(rows: list[Mapping[str, str]], *, file: str) -> list[Cell]:
    """Check rows of printed numbers and turn them into cells; see `read_cells`."""
    cells, seen = [], {}
    for line, row in enumerate(rows, start=2):
        values = {name: (row.get(name) or "").strip() for name in NEEDED}
        cell = Cell(
            file,
            line,
            values["source"],
            values["table"],
            values["row"],
            values["column"],
            values["statistic"],
            values["value"],
            values["unit"],
            values["notes"],
        )
        key = (cell.paper, cell.table, cell.row, cell.column, cell.statistic, cell.unit)
        if key in seen:
            raise StudyError(
                f"{' / '.join(key[1:5])} is also in row {seen[key]}", file=file, row=line, fix="keep one of them"
            )
        seen[key] = line
        if values["value_num"]:
            _check(cell, values["decimals"])
        cells.append(cell)
    return cells


def _check(cell: Cell, decimals: str) -> None:
    number = cell.number
    if not decimals.isdigit():
        raise StudyError(
            f"decimals are missing for {cell.text!r}",
            file=cell.file,
            row=cell.line,
            column="decimals",
            fix=f"write {number.decimals}, the decimals as printed",
        )
    if int(decimals) != number.decimals:
        raise StudyError(
            f"{cell.text!r} has {number.decimals} decimals, not {decimals}",
            file=cell.file,
            row=cell.line,
            column="decimals",
            fix="write the value as printed, with its trailing zeros",
        )
    if "±" in cell.unit:
        return
    metric = metric_name(cell.statistic)
    share = metric in SHARES or cell.statistic.lower() in ("auc", "auroc") or cell.statistic.startswith("percent")
    if share and not 0 <= number.value <= 1:
        fix = "write the unit % where the value is a percentage" if cell.unit != "%" else "write the value as printed"
        raise StudyError(
            f"{cell.statistic} of {cell.text} {cell.unit}".rstrip() + " is impossible",
            file=cell.file,
            row=cell.line,
            column="value",
            fix=fix,
        )


class _Lined(yaml.SafeLoader):
    """YAML that remembers the line of each mapping, so that a fault names it."""

    def construct_mapping(self, node, deep=False):
        return {**super().construct_mapping(node, deep=deep), "__line__": node.start_mark.line + 1}


def read_links(file: Path) -> dict[str, Any]:
    """Read a YAML file of links; every mapping has its line under `__line__`."""
    try:
        made = yaml.load(file.read_text(encoding="utf-8"), Loader=_Lined)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise StudyError(
            "not valid YAML", file=file.name, row=mark.line + 1 if mark else None, fix="mend the indentation or quotes"
        ) from error
    if not isinstance(made, dict):
        raise StudyError("a mapping of rule names to entries is needed", file=file.name, fix="see the README")
    return made

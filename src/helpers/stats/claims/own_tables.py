"""The rules on a table of one's own, where full numbers stand beside printed ones: what a build must not publish."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.stats.claims import own_rules

RULES = {
    "two_by_two": "A whole-number table with the row's n and events stands behind its printed metrics.",
    "cells": "The four cells add up to n and events, and each metric is its formula of them.",
    "intervals": "Every interval holds its estimate, in full and as printed.",
    "rounding": "What is printed is the full number, rounded.",
    "shares": "Shares and P values lie between 0 and 1, percentages between 0 and 100.",
    "counts": "Counts are whole, and no part exceeds its whole.",
    "percentages": "Percentages follow from their counts, and levels do not exceed the column's n.",
    "order": "Minimum, quartiles, median and maximum rise.",
    "sums": "Columns add up to the totals that the page states.",
    "repeated": "A count that a page prints twice for one model and split is the same.",
}
_IN_WORDS = re.compile(
    r"([-−]?\d[\d.]*)(?: points| percentage points)?%?(?:,| \() ?95 % CI ([-−]?\d[\d.]*)%? to ([-−]?\d[\d.]*)"
)


@dataclass(frozen=True)
class OwnTable:
    """A table as it is published.

    Parameters
    ----------
    place : str
        Where it is printed, such as `olnm/discrimination/tab-performance`.
    values : DataFrame
        Every column in full precision.
    shown : DataFrame of str
        As printed; the same rows.
    columns : mapping of str to str
        From the names of the printed columns to their headings.
    totals : mapping of str to number
        What columns must add up to, where the page declares it.
    intervals : mapping of str to str
        From the headings of columns that print estimates with intervals to the measures behind them, where declared.
    exempt : tuple of str
        Rules that the table declares not to follow, because its numbers do not rest on whole cases.
    of : mapping of str to tuple of int
        Cases and events behind the metrics by the text of the first column, under an empty name for all rows; for
        tables without such columns.
    """

    place: str
    values: pd.DataFrame
    shown: pd.DataFrame
    columns: Mapping[str, str]
    totals: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, str] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()
    of: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A number of one's own that does not add up.

    Parameters
    ----------
    place : str
        Table.
    row : int
        As a spreadsheet counts, the header is row 1.
    name : str
        What the row is called.
    column : str
        As printed.
    rule : str
        A key of `RULES`.
    message : str
        The arithmetic.
    """

    place: str
    row: int
    name: str
    column: str
    rule: str
    message: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.place}, row {self.row} ({self.name}), column {self.column}: {self.message} [rule {self.rule}]"


def check_table(table: OwnTable) -> tuple[Counter[str], list[Fault]]:
    """Run every rule on one table.

    Parameters
    ----------
    table : OwnTable

    Returns
    -------
    tuple of Counter and list of Fault
        How many checks each rule made, and what does not add up.

    Examples
    --------
    >>> values = pd.DataFrame({"n": [20], "events": [8], "sensitivity": [0.875], "specificity": [11 / 12]})
    >>> shown = pd.DataFrame({"n": ["20"], "Sensitivity": ["0.875"], "Specificity": ["0.817"]})
    >>> columns = {"n": "n", "sensitivity": "Sensitivity", "specificity": "Specificity"}
    >>> made, faults = check_table(OwnTable("a/b/tab-c", values, shown, columns))
    >>> [fault.rule for fault in faults]
    ['two_by_two', 'rounding']
    """
    made: Counter[str] = Counter()
    faults: list[Fault] = []
    for name, rule in own_rules.BY_NAME.items():
        if name in table.exempt:
            continue
        for row, column, message in rule(table):
            made[name] += 1
            if message is not None:
                faults.append(Fault(table.place, row + 2, _row_name(table, row), column, name, message))
    return made, faults


def check_numbers(place: str, numbers: Mapping[str, object]) -> tuple[Counter[str], list[Fault]]:
    """Check the numbers and sentences that a page keeps for its prose.

    Parameters
    ----------
    place : str
        Page.
    numbers : mapping of str to number or str
        Sentences are searched for estimates with their 95 % intervals.

    Returns
    -------
    tuple of Counter and list of Fault

    Examples
    --------
    >>> check_numbers("a/b", {"answer": "AUC 0.62 (95 % CI 0.65 to 0.94)"})[1][0].message
    "the interval in '0.62 (95 % CI 0.65 to 0.94' does not hold its estimate"
    """
    made: Counter[str] = Counter()
    faults: list[Fault] = []

    def seen(rule: str, name: str, good: bool, message: str) -> None:
        made[rule] += 1
        if not good:
            faults.append(Fault(place, 1, "numbers of the prose", name, rule, message))

    for name, value in numbers.items():
        for match in _IN_WORDS.finditer(value) if isinstance(value, str) else ():
            estimate, low, high = (own_rules.plain(match[k].rstrip(".,")) for k in (1, 2, 3))
            message = f"the interval in {match[0]!r} does not hold its estimate"
            seen("intervals", name, low <= estimate <= high, message)
        low, high = numbers.get(f"{name}_low"), numbers.get(f"{name}_high")
        if all(isinstance(part, (int, float)) for part in (value, low, high)):
            seen(
                "intervals",
                name,
                low - own_rules.SLACK <= value <= high + own_rules.SLACK,
                f"{low:g} to {high:g} does not hold {value:g}",
            )
    events, cases, percent = (numbers.get(name) for name in ("n_events", "n_cases", "percent_events"))
    if isinstance(events, int) and isinstance(cases, int):
        seen("counts", "n_events", 0 <= events <= cases, f"{events} events of {cases} cases")
        if isinstance(percent, (int, float)) and cases:
            good = abs(percent - 100 * events / cases) <= own_rules.SLACK * 100
            seen("percentages", "percent_events", good, f"{percent:g} is not {events} of {cases}")
    return made, faults


def _row_name(table: OwnTable, row: int) -> str:
    words = [text.strip() for text in table.shown.iloc[row] if text.strip() and own_rules.alone(text) is None]
    return ", ".join([text for text in words if not own_rules.TRIPLE.fullmatch(text)][:3]) or f"row {row + 2}"

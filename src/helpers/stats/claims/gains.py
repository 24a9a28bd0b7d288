"""Gains: relative or absolute, and whether what is said to be better is."""

from __future__ import annotations

from itertools import product
from typing import Any

from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.writing import write


def gains(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Find out which gain a printed percentage is: in percentage points, or relative to the start.

    Entry: `before`, `after` (cells in the same order), `gain` (cell). Readings tried in this order: mean difference in
    percentage points, mean of the relative gains, gain of the mean. Error budget: every number by half a unit.
    """
    before, after = links.cells(entry, "before"), links.cells(entry, "after")
    gain = links.cell(entry, links.need(entry, "gain"))
    ends = [[float(end) for end in (c.number.bounds().low, c.number.bounds().high)] for c in (*before, *after)]
    k = len(before)
    values: dict[str, list[float]] = {
        "in percentage points": [],
        "relative, mean of each": [],
        "relative, of the means": [],
    }
    for corner in product(*ends):
        x, y = corner[:k], corner[k:]
        values["in percentage points"].append(sum(b - a for a, b in zip(x, y, strict=True)) / k)
        values["relative, mean of each"].append(sum(b / a - 1 for a, b in zip(x, y, strict=True)) / k)
        values["relative, of the means"].append(sum(y) / sum(x) - 1)
    fits = [name for name, v in values.items() if gain.number.fits_range(min(v), max(v))]
    points = 100 * sum(values["in percentage points"]) / len(values["in percentage points"])
    shown = "; ".join(f"{name} {100 * min(v):.2f} to {100 * max(v):.2f}%" for name, v in values.items())
    severity = None
    if not fits:
        verdict, text = CONTRADICTORY, f"No reading gives {gain.text}%."
    else:
        verdict, text = CONSISTENT, f"{gain.text}% is the gain {fits[0]}."
        if fits[0] != "in percentage points":
            severity = "minor"
            text += f" In percentage points it is {points:.1f}; the paper does not say which it means."
    return [
        write(
            links,
            entry,
            "gains.gains",
            verdict,
            cells=[gain, *before, *after],
            printed=f"{gain.text}%",
            recomputed=shown,
            explanation=text,
            severity=severity,
        )
    ]


def better(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check a claim that one row is better than others, metric by metric.

    Entry: `pairs` (lists of two `[table, row, column]`, the one said to be better first), `statistics`; `relation`:
    `higher` (default) or `not lower`. Error budget: a number counts as lower only when it is so as printed.
    """
    wrong: list[str] = []
    ties: list[str] = []
    used: list[Cell] = []
    for first, second in links.need(entry, "pairs"):
        for statistic in links.need(entry, "statistics"):
            a, b = (links.cell(entry, [*place, statistic]) for place in (first, second))
            used += [a, b]
            if a.number.value < b.number.value:
                wrong.append(f"{statistic}: {a.row} {a.text} against {b.row} {b.text}")
            elif a.number.value == b.number.value and entry.get("relation", "higher") == "higher":
                ties.append(f"{statistic}: {a.row} and {b.row} {a.text}")
    count = len(used) // 2
    if wrong or ties:
        verdict = CONTRADICTORY
        text = f"The other way, of {count} comparisons of printed numbers: {listed(wrong, most=8)}." if wrong else ""
        text += f" Equal: {listed(ties)}." if ties else ""
    else:
        verdict, text = CONSISTENT, "Every comparison of printed numbers goes as claimed."
    return [
        write(
            links,
            entry,
            "gains.better",
            verdict,
            cells=used,
            printed=f"{count} pairs of numbers",
            recomputed=f"{len(wrong)} the other way, {len(ties)} equal",
            explanation=text.strip(),
        )
    ]

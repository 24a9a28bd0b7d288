"""What a paper says of its baseline table: which variables differ, and that two sets do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.table_tests import count_p_values
from helpers.stats.claims.writing import write


def significant(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check a list of significant variables against the printed P values. Error budget: `<0.001` counts as below.

    Entry: `table`, `p` (columns with `p_value`), `named` (rows called significant), `said` (cell), `alpha` (0.05).
    Readings tried: significant in every column, then in any.
    """
    table, named, alpha = links.need(entry, "table"), list(links.need(entry, "named")), float(entry.get("alpha", 0.05))
    below: dict[str, list[bool]] = {}
    used = [links.cell(entry, links.need(entry, "said"))]
    for column in links.need(entry, "p"):
        for row in links.published.rows(table, column):
            cell = links.published.get(table, row, column, "p_value")
            if cell is None:
                continue
            used.append(cell)
            number = cell.number
            is_below = number.relation != ">" and (
                number.value < alpha or (number.relation == "<" and number.value <= alpha)
            )
            below.setdefault(row, []).append(is_below)
    every, some = ([row for row, found in below.items() if test(found)] for test in (all, any))
    text = f"Below {alpha:g} in every set: {listed(every)}."
    if len(some) > len(every):
        text += f" In one set only: {listed([row for row in some if row not in every])}."
    fits = next((name for name, rows in (("every set", every), ("any set", some)) if set(rows) == set(named)), None)
    if fits:
        text += f" The paper names those significant in {fits}."
    else:
        text += f" The paper names {listed(named)}."
    return [
        write(
            links,
            entry,
            "baseline_claims.significant",
            CONSISTENT if fits else CONTRADICTORY,
            cells=used,
            printed=used[0].text,
            recomputed=listed(every),
            explanation=text,
        )
    ]


def between(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Recompute, for counts, whether two sets of patients differ, from a table that divides each set by outcome.

    Entry: `table`, `groups` (two lists of columns, added), `said` (cell), `alpha` (0.05). The test is chi-square, with
    Yates's correction for 2 x 2 tables. Error budget: none, counts are exact; variables with means are left out.
    """
    table, alpha = links.need(entry, "table"), float(entry.get("alpha", 0.05))
    said = links.cell(entry, links.need(entry, "said"))
    used: list[Cell] = [said]
    values: dict[str, float] = {}
    for variable in dict.fromkeys(row.partition("|")[0] for row in links.published.rows(table) if "|" in row):
        rows = [row for row in links.published.rows(table) if row.startswith(variable + "|")]
        grid = [
            [
                [links.published.get(table, row, column, "count") for column in group]
                for group in links.need(entry, "groups")
            ]
            for row in rows
        ]
        if any(cell is None for line in grid for group in line for cell in group):
            continue
        counts = np.array([[sum(cell.count for cell in group) for group in line] for line in grid])
        made = count_p_values(tuple(map(tuple, counts.tolist())))
        if made:
            used += [cell for line in grid for group in line for cell in group]
            values[variable] = made.get("chi-square (Yates)", made["chi-square"])
    differ = [f"{name} P {p:.3f}" for name, p in values.items() if p < alpha]
    smallest = min(values, key=values.__getitem__) if values else ""
    if not values:
        verdict, text = NOT_CHECKABLE, "No variable has counts in both sets."
    elif differ:
        verdict, text = CONTRADICTORY, f"By chi-square these differ at {alpha:g}: {listed(differ)}."
        text += f" Of {len(values)} tests {alpha * len(values):.1f} would be expected below {alpha:g} by chance."
    else:
        verdict = CONSISTENT
        text = f"None of {len(values)} variables with counts differs at {alpha:g}; "
        text += f"the smallest P is {values[smallest]:.2f} ({smallest})."
    return [
        write(
            links,
            entry,
            "baseline_claims.between",
            verdict,
            cells=used,
            printed=said.text,
            row="all rows",
            recomputed=listed(differ) if differ else "no difference",
            explanation=text,
        )
    ]

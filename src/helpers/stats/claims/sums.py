"""Do counts, percentages, means and repeated numbers add up?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.rounding import MODES, Printed, any_fits, whole_numbers
from helpers.stats.claims.writing import write


def sums(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that counts add up to their total. Error budget: none, counts are exact.

    Entry: `parts` (cells), `total` (cell); `other_totals` (cells) that the parts may add up to instead; `missing`
    (words) names a part that is not printed, whose count then follows.
    """
    parts, total = links.cells(entry, "parts"), links.cell(entry, links.need(entry, "total"))
    made, want = sum(part.count for part in parts), total.count
    verdict, text = CONSISTENT, f"{' + '.join(str(part.count) for part in parts)} = {made}."
    if entry.get("missing") and made <= want:
        text += f" The total leaves {want - made} for what is not printed: {entry['missing']}."
    elif made != want:
        others = [cell for cell in (links.cells(entry, "other_totals") if "other_totals" in entry else [])]
        fits = [cell for cell in others if cell.count == made]
        verdict = OTHER_COUNTS if fits else CONTRADICTORY
        text += f" The total is printed as {want}, a difference of {want - made:+d}."
        if fits:
            text += f" The parts add up to {fits[0].row} ({fits[0].count} {fits[0].unit}) instead."
        total_cells = [total, *fits[:1]]
        return [_sum(links, entry, verdict, parts, total_cells, made, text)]
    return [_sum(links, entry, verdict, parts, [total], made, text)]


def _sum(links, entry, verdict, parts, totals, made, text) -> Finding:
    shown = f"{' + '.join(part.text for part in parts)}; total {totals[0].text} {totals[0].unit}".rstrip()
    return write(
        links,
        entry,
        "sums.sums",
        verdict,
        cells=[totals[0], *parts, *totals[1:]],
        printed=shown,
        recomputed=str(made),
        explanation=text,
    )


def parts(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that no number of units exceeds the whole they are part of. Error budget: none.

    Entry: `parts` (cells, added), `at_most` (cell).
    """
    cells, whole = links.cells(entry, "parts"), links.cell(entry, links.need(entry, "at_most"))
    made = sum(cell.count for cell in cells)
    verdict = CONSISTENT if made <= whole.count else CONTRADICTORY
    text = f"{made} as labelled ({cells[0].unit}) against {whole.count} {whole.unit} ({whole.row})."
    if verdict == CONTRADICTORY:
        others = links.cells(entry, "other_wholes") if "other_wholes" in entry else []
        fits = [cell for cell in others if cell.count == made]
        if fits:
            verdict = OTHER_COUNTS
            text += f" The numbers fit when counted in {fits[0].unit}: {fits[0].count} {fits[0].row}."
            cells = [*cells, fits[0]]
    shown = f"{listed([f'{c.row} {c.text}' for c in cells])}; whole {whole.text} {whole.unit}"
    return [
        write(
            links,
            entry,
            "sums.parts",
            verdict,
            cells=[*cells, whole],
            printed=shown,
            recomputed=str(made),
            explanation=text,
        )
    ]


def repeated(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that a number printed twice is the same number, to its decimals. Error budget: any rounding of either.

    Entry: `tables` (names), `against` (name): every cell of the first with the row, column and statistic of a cell
    of the second.
    """
    names, against = links.need(entry, "tables"), links.need(entry, "against")
    same: list[Cell] = []
    findings: list[Finding] = []
    for cell in links.published.cells:
        if cell.table not in (names if isinstance(names, list) else [names]):
            continue
        other = links.published.get(against, cell.row, cell.column, cell.statistic)
        if other is None:
            continue
        a, b = cell.number.bounds("any"), other.number.bounds("any")
        if a.low <= b.high and b.low <= a.high:
            same += [cell, other]
            continue
        findings.append(
            write(
                links,
                entry,
                "sums.repeated",
                CONTRADICTORY,
                cells=[cell, other],
                printed=f"{cell} and {other}",
                recomputed="",
                explanation=f"{cell.table} prints {cell.text} and {against} {other.text} for one number.",
            )
        )
    if same:
        text = "All numbers that both places print agree to their decimals."
        findings.insert(
            0,
            write(
                links,
                entry,
                "sums.repeated",
                CONSISTENT,
                cells=same,
                printed=f"numbers printed twice: {len(same) // 2}",
                recomputed="the same",
                explanation=text if not findings else text.replace("All", "All other"),
                row="all rows",
            ),
        )
    return findings


def shares(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that a share alone can be a whole number of cases. Error budget: the modes of rounding, in their order.

    Entry: `cells` (shares), `total` (cells, added), `other_totals` (lists of cells, each added). Among so many cases
    that every printed share is possible nothing can be checked, and such another total explains nothing.
    Source: Brown and Heathers (2017), doi:10.1177/1948550616673876.
    """
    findings = []
    whole = links.cells(entry, "total")
    total = sum(cell.count for cell in whole)
    for cell in links.cells(entry, "cells"):
        used = [cell, *whole]
        counts, mode = whole_numbers(cell.number, total)
        if any_fits(cell.number, total):
            verdict, shown = NOT_CHECKABLE, f"any share of {total}"
            text = f"Among {total} cases every share with as many decimals is possible, so this one cannot be checked."
        elif counts:
            verdict = CONSISTENT
            shown = f"{listed(counts)}/{total}"
            text = f"{shown} is printed so ({mode})."
            if mode == "truncation":
                text = f"{shown} is {100 * counts[0] / total:.1f}%: printed so only when it is cut and not rounded."
        else:
            verdict, shown = CONTRADICTORY, f"no count of {total}"
            near = sorted(range(total + 1), key=lambda k, c=cell: abs(Fraction(k, total) - c.number.value))[:2]
            text = (
                f"Of {total}, {listed([f'{k} are {100 * k / total:.1f}%' for k in sorted(near)])}; none is {cell.text}."
            )
            silent: list[str] = []
            for group in entry.get("other_totals", []):
                cells = [links.cell(entry, ref) for ref in group]
                other = sum(c.count for c in cells)
                counts, mode = whole_numbers(cell.number, other)
                if any_fits(cell.number, other):
                    silent.append(f"{other:,} {cells[0].unit}")
                elif counts:
                    verdict, shown = OTHER_COUNTS, f"{listed(counts, most=3)}/{other}"
                    text += f" It is possible among {other} {cells[0].unit} ({mode})."
                    used += cells
                    break
            if silent:
                text += f" Among {' or '.join(silent)} every such share is possible, so they explain nothing."
        findings.append(
            write(
                links, entry, "sums.shares", verdict, cells=used, printed=str(cell), recomputed=shown, explanation=text
            )
        )
    return findings


def percentages(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check percentages against their counts, and the levels of a variable against the column's n.

    Entry: `tables`, `columns`, `count` and `percent` (statistics), `of` (row with the statistic `n` of each column).
    Rows are `variable|level`. Error budget: the modes of rounding, in their order; each is named.
    """
    findings: list[Finding] = []
    table = links.need(entry, "tables")
    for column in links.need(entry, "columns"):
        whole = links.cell(entry, [table, links.need(entry, "of"), column, "n"])
        modes: dict[str, list[str]] = {}
        used: list[Cell] = [whole]
        levels: dict[str, list[Cell]] = {}
        for row in links.published.rows(table, column):
            count = links.published.get(table, row, column, entry.get("count", "count"))
            if count is None or "|" not in row:
                continue
            levels.setdefault(row.partition("|")[0], []).append(count)
            percent = links.published.get(table, row, column, entry.get("percent", "percent_of_column"))
            if percent is None:
                continue
            mode = percent_mode(percent.number, count.count, whole.count)
            if mode is None:
                exact = 100 * count.count / whole.count
                findings.append(
                    write(
                        links,
                        entry,
                        "sums.percentages",
                        CONTRADICTORY,
                        cells=[percent, count, whole],
                        printed=str(percent),
                        recomputed=f"{exact:.3f}%",
                        explanation=f"{count.count} of {whole.count} is {exact:.3f}%.",
                    )
                )
            else:
                modes.setdefault(mode, []).append(row)
                used += [percent, count]
        findings += _levels(links, entry, column, whole, levels)
        if modes:
            usual = max(modes, key=lambda mode: len(modes[mode]))
            text = f"{sum(map(len, modes.values()))} percentages follow from their counts of {whole.count} ({usual})."
            for mode, rows in modes.items():
                if mode != usual:
                    text += f" By {mode}: {listed(rows)}."
            findings.append(
                write(
                    links,
                    entry,
                    "sums.percentages",
                    CONSISTENT,
                    cells=used,
                    row=f"column {column}",
                    printed=f"{len(used) // 2} percentages",
                    recomputed="the same",
                    explanation=text,
                )
            )
    return findings


def percent_mode(number: Printed, count: int, total: int) -> str | None:
    """Name the first rounding by which count / total is printed as this share; None when none does.

    Examples
    --------
    >>> from helpers.stats.claims.rounding import printed
    >>> percent_mode(printed("32.7%"), 17, 52), percent_mode(printed("1.9%"), 3, 152)
    ('half up', 'truncation')
    """
    if total < 1:
        raise ValueError(f"total: must be at least 1, found {total}")
    return next((mode for mode in MODES if number.bounds(mode).holds(Fraction(count, total))), None)


def _levels(links, entry, column, whole, levels) -> list[Finding]:
    findings, complete = [], []
    for variable, cells in levels.items():
        made = sum(cell.count for cell in cells)
        if made == whole.count:
            complete += cells
            continue
        verdict = CONTRADICTORY if made > whole.count else NOT_CHECKABLE
        text = f"The levels of {variable} add up to {made} of {whole.count}."
        if made < whole.count:
            text += " The others may be missing or in a level that is not printed; the table does not say."
        findings.append(
            write(
                links,
                entry,
                "sums.percentages",
                verdict,
                cells=[*cells, whole],
                row=variable,
                printed=f"n = {whole.text}",
                recomputed=str(made),
                explanation=text,
            )
        )
    if complete:
        text = f"The levels of {len(levels) - len(findings)} variables add up to {whole.count}."
        findings.append(
            write(
                links,
                entry,
                "sums.percentages",
                CONSISTENT,
                cells=[whole, *complete],
                row=f"column {column}",
                printed=f"n = {whole.text}",
                recomputed=str(whole.count),
                explanation=text,
            )
        )
    return findings

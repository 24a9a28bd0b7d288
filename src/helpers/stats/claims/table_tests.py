"""P values of a baseline table from its own counts, means and SDs, and the test that reproduces all of them."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np

from helpers.data.group_tests import chi_square_test, expected_counts, fisher_test, mean_test
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.rounding import Printed
from helpers.stats.claims.writing import write

COUNT_TESTS = ("chi-square", "chi-square (Yates)", "Fisher", "likelihood ratio")


@cache
def count_p_values(table: tuple[tuple[int, ...], ...]) -> dict[str, float]:
    """P values of a table of counts by each test: chi-square, with Yates's correction, Fisher, likelihood ratio.

    Parameters
    ----------
    table : tuple of tuple of int
        Levels by groups.

    Returns
    -------
    dict of str to float
        Those that can be made; none when there is one level only.

    Examples
    --------
    >>> {name: round(p, 3) for name, p in count_p_values(((49, 21), (176, 34))).items()}
    {'chi-square': 0.012, 'chi-square (Yates)': 0.019, 'Fisher': 0.015, 'likelihood ratio': 0.015}
    """
    counts = np.array(table)
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
    if min(counts.shape) < 2:
        return {}
    made = {"chi-square": chi_square_test(counts, yates=False)[0]}
    if counts.shape == (2, 2):
        made["chi-square (Yates)"] = chi_square_test(counts, yates=True)[0]
    made["Fisher"] = fisher_test(counts)[0]
    made["likelihood ratio"] = _likelihood_ratio(counts)
    return made


def mean_p_values(n: list[int], mean: list[Printed], sd: list[Printed]) -> dict[str, tuple[float, float]]:
    """Ranges of the P values of t-tests that printed means and SDs allow.

    Parameters
    ----------
    n : list of int
    mean, sd : list of Printed
        Of each group.

    Returns
    -------
    dict of str to tuple of float
        `t` (equal variances) and `Welch t`: lowest and highest P value over the corners of the rounding ranges.

    Examples
    --------
    >>> from helpers.stats.claims.rounding import printed
    >>> found = mean_p_values([225, 55], [printed("42.84"), printed("40.13")], [printed("10.97"), printed("10.81")])
    >>> {name: f"{low:.3f} to {high:.3f}" for name, (low, high) in found.items()}
    {'t': '0.099 to 0.102', 'Welch t': '0.099 to 0.102'}
    """
    ends = [[(float(v.bounds().low), float(v.bounds().high)) for v in part] for part in (mean, sd)]
    found: dict[str, list[float]] = {"t": [], "Welch t": []}
    for m in product(*ends[0]):
        for s in product(*ends[1]):
            for name, equal in (("t", True), ("Welch t", False)):
                found[name].append(mean_test(np.array(n), np.array(m), np.array(s), equal_variance=equal)[0])
    return {name: (min(values), max(values)) for name, values in found.items() if not np.isnan(values).any()}


def table_tests(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Recompute each P value of a baseline table, and name the test that reproduces most rows.

    Entry: `table`, `columns` (the groups), `p` (column of the statistic `p_value`), `of` (row with `n`). Error
    budget: means and SDs by half a unit (corners), P values by any rounding; counts are exact. A P value of `>0.99`
    for a variable with one level has no test behind it.
    """
    table, columns = links.need(entry, "table"), links.need(entry, "columns")
    totals = [links.cell(entry, [table, links.need(entry, "of"), column, "n"]) for column in columns]
    found: list[tuple[Cell, list[str], dict[str, str], list[Cell]]] = []
    for row in links.published.rows(table, links.need(entry, "p")):
        p = links.published.get(table, row, entry["p"], "p_value")
        if p is None:
            continue
        means = [[links.published.get(table, row, column, name) for column in columns] for name in ("mean", "sd")]
        if all(cell is not None for part in means for cell in part):
            cells = [*means[0], *means[1], *totals]
            ranges = mean_p_values([c.count for c in totals], *[[c.number for c in part] for part in means])
            shown = {
                name: f"{a:.3g}" if f"{a:.2g}" == f"{b:.2g}" else f"{a:.3g} to {b:.3g}"
                for name, (a, b) in ranges.items()
            }
            fits = [name for name, (a, b) in ranges.items() if p.number.fits_range(a, b)]
        else:
            levels = [r for r in links.published.rows(table) if r.startswith(row + "|")]
            grid = [[links.published.get(table, level, column, "count") for column in columns] for level in levels]
            if not grid or any(cell is None for line in grid for cell in line):
                found.append((p, [], {}, [p]))
                continue
            cells = [cell for line in grid for cell in line]
            values = count_p_values(tuple(tuple(cell.count for cell in line) for line in grid))
            shown = {name: f"{value:.3g}" for name, value in values.items()}
            fits = [name for name, value in values.items() if p.number.fits(value)]
        found.append((p, fits, shown, [p, *cells]))
    return _judge(links, entry, found)


def _judge(links, entry, found) -> list[Finding]:
    findings = []
    for p, fits, shown, cells in found:
        recomputed = "; ".join(f"{name} {value}" for name, value in shown.items())
        if not shown:
            verdict, text = NOT_CHECKABLE, "There is one level only or no counts, so no test can be made."
        elif fits:
            verdict, text = CONSISTENT, f"It is that of {listed(fits)}."
        else:
            verdict, text = CONTRADICTORY, "None of the tests tried gives it from the printed counts or means."
            text += (
                " A rank test on the values themselves could." if "t" in shown else " A test that is not named could."
            )
            if "t" in shown:
                verdict = NOT_CHECKABLE
        severity = None
        if verdict == CONTRADICTORY and not _crosses(p.number, shown):
            severity = "minor"  # the same side of 0.05 by every test
        findings.append(
            write(
                links,
                entry,
                "table_tests.table_tests",
                verdict,
                cells=cells,
                printed=f"P {p.text}",
                recomputed=recomputed or "no test",
                explanation=text,
                severity=severity,
            )
        )
    return [*findings, _one_test(links, entry, found)]


def _one_test(links, entry, found) -> Finding:
    counted = [(p, fits) for p, fits, shown, _ in found if set(shown) & set(COUNT_TESTS)]
    votes = {
        name: sum(
            name in fits or (name.endswith("(Yates)") and "chi-square" in fits and name not in shown)
            for _, fits, shown, _ in found
            if set(shown) & set(COUNT_TESTS)
        )
        for name in ("chi-square (Yates)", "chi-square", "Fisher", "likelihood ratio")
    }
    best = max(votes, key=votes.__getitem__)
    shown = "; ".join(f"{name} {votes[name]}" for name in COUNT_TESTS)
    text = f"Of {len(counted)} P values of variables with counts, {votes[best]} are those of {best}."
    if best.endswith("(Yates)"):
        text += " Larger tables than 2 x 2 are not corrected."
    verdict = CONSISTENT if votes[best] == len(counted) else NOT_CHECKABLE
    if verdict == NOT_CHECKABLE:
        text += " No one test gives all of them; the choice by row is not printed."
    cells = [p for p, _ in counted] or [found[0][0]]
    return write(
        links,
        entry,
        "table_tests.one_test",
        verdict,
        cells=cells,
        row="all rows",
        printed=f"{len(counted)} P values",
        recomputed=shown,
        explanation=text,
    )


def p_values(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Recompute one P value from a table of counts. Error budget: any rounding of the P value; counts are exact.

    Entry: `grid` (rows of cells), `p` (cell).
    """
    p = links.cell(entry, links.need(entry, "p"))
    grid = [[links.cell(entry, ref) for ref in line] for line in links.need(entry, "grid")]
    values = count_p_values(tuple(tuple(cell.count for cell in line) for line in grid))
    fits = [name for name, value in values.items() if p.number.fits(value)]
    text = f"It is that of {listed(fits)}." if fits else "None of the tests tried gives it from the printed counts."
    return [
        write(
            links,
            entry,
            "table_tests.p_values",
            CONSISTENT if fits else CONTRADICTORY,
            cells=[p, *(cell for line in grid for cell in line)],
            printed=f"P {p.text}",
            recomputed="; ".join(f"{name} {value:.3g}" for name, value in values.items()),
            explanation=text,
        )
    ]


def _crosses(p: Printed, shown: dict[str, str]) -> bool:
    """Whether the printed P value and some recomputed one lie on different sides of 0.05."""
    return any((float(p) < 0.05) != (float(value.split()[0]) < 0.05) for value in shown.values())


def _likelihood_ratio(counts: np.ndarray) -> float:
    from scipy.special import chdtrc, xlogy

    g = 2 * float(np.sum(xlogy(counts, counts) - xlogy(counts, expected_counts(counts))))
    return float(chdtrc((counts.shape[0] - 1) * (counts.shape[1] - 1), max(g, 0.0)))

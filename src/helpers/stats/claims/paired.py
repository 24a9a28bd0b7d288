"""What two models' printed numbers allow a paired test to say: best and worst P value, correlation needed."""

from __future__ import annotations

from math import erfc, sqrt
from typing import Any

from helpers.data.errors import StudyError
from helpers.stats.claims import auc_spread
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.rounding import whole_numbers
from helpers.stats.claims.tables import metric_name
from helpers.stats.claims.writing import write
from helpers.stats.intervals import normal_quantile
from helpers.stats.paired import mcnemar_p

FEW = 10  # discordant pairs below which the chi-square form of McNemar's test is not meant to be used
MOST = 5_000  # cases up to which every number of discordant pairs is tried
Z = normal_quantile(0.95)


def p_value_range(right_a: int, right_b: int, n: int) -> dict[str, tuple[float, float]]:
    """Lowest and highest paired P value that the margins allow.

    Parameters
    ----------
    right_a, right_b : int
        Cases that each test has right, of the same n.
    n : int

    Returns
    -------
    dict of str to tuple of float
        By test: `exact`, `midp`, `mcnemar` (chi-square without correction).

    Examples
    --------
    >>> {name: round(low, 3) for name, (low, high) in p_value_range(19, 15, 27).items()}
    {'exact': 0.125, 'midp': 0.062, 'mcnemar': 0.046}
    """
    for name, count in (("right_a", right_a), ("right_b", right_b)):
        if not 0 <= count <= n:
            raise ValueError(f"{name}: must be between 0 and n = {n}, found {count}")
    gain = right_a - right_b
    ranges = {}
    least, most = max(0, gain), min(right_a, n - right_b)
    steps = range(least, most + 1) if n <= MOST else (least, most)  # more pairs that differ, the larger P
    for test in ("exact", "midp", "mcnemar"):
        values = [mcnemar_p(b, b - gain, test=test)[1] for b in steps]
        ranges[test] = (min(values), max(values))
    return ranges


def paired(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Ask whether a claimed difference in sensitivity, specificity or accuracy can be significant at all.

    Entry: `a`, `b` (cells of the same metric), `set`, or for an accuracy over several classes `total` (cells, added);
    `alpha` (0.05); `claimed: true` when the paper says that the difference is significant; `other_totals` (lists of
    cells, each added). The margins leave open which cases the two have right together; the P value is taken over all
    possibilities, by the exact, mid-P and chi-square forms of McNemar's test, doi:10.1186/1471-2288-13-91. Error
    budget: every whole count that is printed so; where there is none, the two nearest, and then no verdict. What
    depends on the pairs cannot be checked.
    """
    a, b = (links.cell(entry, links.need(entry, key)) for key in ("a", "b"))
    alpha, claimed = float(entry.get("alpha", 0.05)), bool(entry.get("claimed"))
    (counts_a, n), (counts_b, n_b) = (_count(links, entry, cell) for cell in (a, b))
    whole = links.cells(entry, "total") if "total" in entry else links.test_set(entry)
    cells = [a, b, *whole]

    def finding(verdict: str, recomputed: str, text: str) -> list[Finding]:
        shown = f"{a.row} {a} against {b.row} {b}"
        return [
            write(
                links,
                entry,
                "paired.paired",
                verdict,
                cells=cells,
                printed=shown,
                recomputed=recomputed,
                explanation=text,
            )
        ]

    if n != n_b:
        text = f"The two rest on different numbers of cases ({n} and {n_b}), so they cannot be paired."
        return finding(NOT_CHECKABLE, "", text)
    text, known = "", bool(counts_a and counts_b)
    if not known:
        missing = [cell.text for cell, counts in ((a, counts_a), (b, counts_b)) if not counts]
        text = f"No whole count of {n} is printed as {' or '.join(missing)}, so the nearest counts are taken. "
        counts_a, counts_b = (c or _nearest(cell, n) for c, cell in ((counts_a, a), (counts_b, b)))
    options = _corners(counts_a, counts_b)
    if options == {(counts_a[0], counts_a[0])}:
        return finding(CONSISTENT, "no difference", text + f"Both have {counts_a[0]} of {n}: nothing to test.")
    found = [p_value_range(x, y, n) for x, y in sorted(options)]
    low, high = ({test: pick(r[test][end] for r in found) for test in found[0]} for end, pick in ((0, min), (1, max)))
    gain = max(abs(x - y) for x, y in options)
    best = min(low["exact"], low["midp"], *([low["mcnemar"]] if gain >= FEW else []))
    recomputed = f"exact P {low['exact']:.2g} to {high['exact']:.2g}; mid-P {low['midp']:.2g} to {high['midp']:.2g}"
    text += f"{_span(counts_a)} and {_span(counts_b)} of {n}: at best all {gain} cases that differ favour one side, "
    text += (
        f"and the exact P value is {low['exact']:.2g} (mid-P {low['midp']:.2g}); at worst it is {high['exact']:.2g}."
    )
    if gain < FEW:
        text += f" The chi-square form, not meant for fewer than {FEW} discordant cases, gives at best "
        text += f"{low['mcnemar']:.2g}."
    if best > alpha:
        verdict = (CONTRADICTORY if claimed else CONSISTENT) if known else NOT_CHECKABLE
        text += f" No arrangement of the cases makes the difference significant at {alpha:g}."
        if claimed and (other := _among_others(links, entry, (a, b), alpha)):
            verdict, words, more = OTHER_COUNTS, *other
            text, cells = f"{text} {words}", cells + more
    elif max(high.values()) <= alpha:
        verdict = CONSISTENT if known else NOT_CHECKABLE
        text += " Every arrangement of the cases makes it significant."
    else:
        verdict = NOT_CHECKABLE
        text += " Whether it is significant depends on the pairs, which are not printed."
    return finding(verdict, recomputed, text)


def _corners(first: list[int], second: list[int]) -> set[tuple[int, int]]:
    """Pairs of counts that give the smallest and largest P value: all of few, else the ends and the nearest."""
    if len(first) * len(second) <= 16:
        return {(x, y) for x in first for y in second}
    near = min(((x, y) for x in first for y in second), key=lambda pair: abs(pair[0] - pair[1]))
    return {(max(first), min(second)), (min(first), max(second)), near}


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _nearest(cell: Cell, n: int) -> list[int]:
    below = int(cell.number.value * n)
    return [below, min(below + 1, n)]


def _among_others(links, entry, pair: tuple[Cell, Cell], alpha: float) -> tuple[str, list[Cell]] | None:
    """Among which other total some arrangement makes the difference significant."""
    for group in entry.get("other_totals", []):
        cells = [links.cell(entry, ref) for ref in group]
        n = sum(cell.count for cell in cells)
        first, second = (whole_numbers(cell.number, n)[0] for cell in pair)
        if not (first and second):
            continue
        gain = max(max(first) - min(second), max(second) - min(first))
        if mcnemar_p(gain, 0, test="midp")[1] <= alpha:
            text = f"Counted among {n} {cells[0].unit} ({cells[0].row}) some arrangement would; the {cells[0].unit} of "
            return text + "a patient are alike, so such a P value would be too small.", cells
    return None


def _count(links: Links, entry: dict[str, Any], cell: Cell) -> tuple[list[int], int]:
    """Whole counts behind a metric, and of how many: from the table behind its row, else from the stated counts."""
    metric = metric_name(cell.statistic)
    fits = links.tables.get((cell.table, cell.row, cell.column))
    if "total" in entry:
        sizes = {"accuracy": sum(c.count for c in links.cells(entry, "total"))}
    elif fits is not None and len(fits):
        row = fits.iloc[0]
        sizes = {"sensitivity": row.positives, "specificity": row.negatives, "accuracy": row.positives + row.negatives}
    else:
        stated = [c.count for c in links.test_set(entry)]
        sizes = {"sensitivity": stated[0], "specificity": stated[1], "accuracy": sum(stated)}
    if metric not in sizes:
        raise StudyError(
            f"{cell.statistic} cannot be paired with {' or '.join(sizes)} of its set",
            file=links.file,
            row=entry.get("__line__"),
            fix="link a sensitivity, specificity or accuracy",
        )
    n = int(sizes[metric])
    return whole_numbers(cell.number, n)[0], n


def auc_difference(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Say how correlated two AUCs must be for a claimed difference, from their printed intervals.

    Entry: `a`, `b` (AUC cells), `set`; `p` (cell with the printed P value) or none. Significance needs
    SE(a - b) <= |a - b| / 1.96, so r >= (SE_a^2 + SE_b^2 - (|a - b| / 1.96)^2) / (2 SE_a SE_b); Hanley and McNeil
    (1983), doi:10.1148/radiology.148.3.6878708. A P value that needs a correlation cannot be checked. Error
    budget: AUCs and limits by half a unit, the most favourable.
    """
    a, b = (links.cell(entry, links.need(entry, key)) for key in ("a", "b"))
    positive, negative = links.test_set(entry)
    p = links.cell(entry, entry["p"]) if entry.get("p") else None
    limits = [
        links.published.get(c.table, c.row, c.column, f"{c.statistic}_ci95_{end}")
        for c in (a, b)
        for end in ("low", "high")
    ]
    gap = abs(float(a.number) - float(b.number)) + float(a.number.unit_last + b.number.unit_last) / 2
    formula = [auc_spread.hanley_mcneil(float(c.number), positive.count, negative.count) for c in (a, b)]
    errors, source = formula, "Hanley-McNeil's standard errors"
    if all(limits):
        ends = [float(c.number) for c in limits]
        slack = float(limits[0].number.unit_last)
        errors = [(ends[k + 1] - ends[k] - slack) / (2 * Z) for k in (0, 2)]
        source = "the printed intervals"
    need, need_formula = (_needed(gap, e) for e in (errors, formula))
    independent = _p(gap, errors, 0.0)
    shown = f"correlation of at least {need:.2f}" if need > 0 else "significant even if independent"
    text = (
        f"The difference of {gap:.3f} at most is significant at 0.05 when the AUCs correlate by at least {need:.2f}, "
    )
    text += f"by {source}; by Hanley-McNeil's standard errors {need_formula:.2f}. "
    text += f"Independent, P would be {independent:.2g}."
    if p is None:
        verdict = NOT_CHECKABLE
        text += " No P value is printed."
    elif need > 1:
        verdict = CONTRADICTORY
        text += f" No correlation gives P {p.text}."
    elif need > 0:
        verdict = NOT_CHECKABLE
        text += f" P {p.text} is possible, but the correlation is not printed."
    else:
        verdict = CONSISTENT
        text += f" P {p.text} is possible even without a correlation."
    severity = None
    if verdict == NOT_CHECKABLE and need > 0.9:
        severity = "minor"
    cells = [a, b, *[cell for cell in limits if cell], positive, negative, *([p] if p else [])]
    return [
        write(
            links,
            entry,
            "paired.auc_difference",
            verdict,
            cells=cells,
            printed=f"{a.row} {a.text} against {b.row} {b.text}",
            recomputed=shown,
            explanation=text,
            severity=severity,
        )
    ]


def _needed(gap: float, errors: list[float]) -> float:
    return (errors[0] ** 2 + errors[1] ** 2 - (gap / Z) ** 2) / (2 * errors[0] * errors[1])


def _p(gap: float, errors: list[float], correlation: float) -> float:
    spread = sqrt(errors[0] ** 2 + errors[1] ** 2 - 2 * correlation * errors[0] * errors[1])
    return erfc(gap / spread / sqrt(2))

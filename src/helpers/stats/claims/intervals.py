"""Which formula, on which n, gives each printed interval?"""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from helpers.stats.claims import auc_spread
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.rounding import Printed, any_fits, whole_numbers
from helpers.stats.claims.tables import metric_name
from helpers.stats.claims.writing import write
from helpers.stats.intervals import normal_quantile, proportion_limits

FORMULAS = ("wald", "wilson", "exact", "agresti_coull", "jeffreys")
NAMES = {
    "wald": "Wald",
    "wilson": "Wilson",
    "exact": "Clopper-Pearson",
    "agresti_coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
}
Z = normal_quantile(0.95)
_LOW, _HIGH = "_ci95_low", "_ci95_high"


def formulas_behind(value: Printed, low: Printed, high: Printed, n: int, *, whole: bool = True) -> list[str]:
    """Name the formulas for a proportion of n that give a printed 95 % interval.

    The share may be a whole count of n, or the printed share itself when authors worked from it.

    Parameters
    ----------
    value, low, high : Printed
    n : int
    whole : bool
        The value is a share of n; otherwise (an AUC) it may be any number that is printed so.

    Returns
    -------
    list of str
        Keys of `helpers.stats.intervals.proportion_limits`.

    Examples
    --------
    >>> from helpers.stats.claims.rounding import printed
    >>> formulas_behind(printed("0.871"), printed("0.810"), printed("0.932"), 116)
    ['wald']
    """
    bounds = value.bounds()
    if whole:
        x = np.array([*map(float, whole_numbers(value, n)[0]), float(value.value) * n])
    else:
        x = np.clip(np.linspace(float(bounds.low), float(bounds.high), 21), 0, 1) * n
    found = []
    for formula in FORMULAS:
        ends = proportion_limits(x, np.full(x.size, float(n)), method=formula)
        if any(low.fits(float(a)) and high.fits(float(b)) for a, b in zip(*ends, strict=True)):
            found.append(formula)
    return found


def implied_n(value: Printed, low: Printed, high: Printed, *, most: int = 5000) -> tuple[int, int] | None:
    """Range of n for which Wald's formula gives the printed width; None when the width is zero or n above `most`.

    Examples
    --------
    >>> from helpers.stats.claims.rounding import printed
    >>> implied_n(printed("0.916"), printed("0.881"), printed("0.951"))
    (235, 248)
    """
    if high.value <= low.value:
        return None
    p = float(value.value)
    widths = [float(high.value - low.value) + sign * float(low.unit_last) for sign in (-1, 1)]
    if widths[0] <= 0:
        return None
    ends = sorted(4 * Z**2 * p * (1 - p) / width**2 for width in widths)
    return (max(1, -floor(-ends[0])), min(most, floor(ends[1]))) if ends[0] <= most else None


def intervals(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check every printed 95 % interval of the rows of an entry: order, range, formula and n.

    Proportions: Wald, Wilson, Clopper-Pearson, Agresti-Coull and Jeffreys, at the stated counts and then at those of
    the table behind the row. AUC: the same formulas misused on it, Hanley and McNeil's, and DeLong's plausible range.
    Entry: `tables`, `column`, `set`; `method` when the paper names one. Error budget: limits by half a printed unit,
    the share by its whole counts or as printed. Run `two_by_two` on the same rows first.
    """
    positive, negative = links.test_set(entry)
    findings, areas = [], []
    for place in links.places(entry):
        for cell in links.published.of_row(*place):
            low, high = (links.published.get(*place, cell.statistic + end) for end in (_LOW, _HIGH))
            if low is None or high is None:
                continue
            ordered = low.number.value <= cell.number.value <= high.number.value
            if not (ordered and low.number.value >= 0 and high.number.value <= 1):
                text = "The limits do not enclose the estimate, or lie outside 0 to 1."
                findings.append(_finding(links, entry, CONTRADICTORY, cell, low, high, "", text))
            elif cell.statistic.lower() in ("auc", "auroc"):
                areas.append((place, cell, low, high))
            elif metric_name(cell.statistic) in ("sensitivity", "specificity", "accuracy", "ppv", "npv"):
                findings.append(_proportion(links, entry, place, (cell, low, high), positive, negative))
    return findings + _areas(links, entry, areas, positive, negative)


def _counts(links, place, metric: str, positive: int, negative: int) -> list[tuple[str, int]]:
    """Denominators to try, the stated one first."""
    stated = {"sensitivity": positive, "specificity": negative, "accuracy": positive + negative}
    tried = [("the stated counts", stated[metric])] if metric in stated else []
    fits = links.tables.get(place)
    if fits is None:
        return tried
    for row in fits.itertuples():
        by = {
            "sensitivity": row.positives,
            "specificity": row.negatives,
            "accuracy": row.positives + row.negatives,
            "ppv": row.tp + row.fp,
            "npv": row.tn + row.fn,
        }
        label = "the table behind the row"
        if (row.positives, row.negatives) == (positive, negative):
            label = "the stated counts"
        tried.append((label, int(by[metric])))
    return list(dict.fromkeys(tried))


def _proportion(links, entry, place, cells, positive, negative) -> Finding:
    cell, low, high = cells
    claimed = entry.get("method")
    tried = _counts(links, place, metric_name(cell.statistic), positive.count, negative.count)
    for label, n in tried:
        found = formulas_behind(cell.number, low.number, high.number, n)
        if found:
            names = listed([NAMES[name] for name in found])
            verdict = CONSISTENT if label == "the stated counts" else OTHER_COUNTS
            text = f"{names} on n = {n}, from {label}."
            if claimed in FORMULAS and claimed not in found:
                verdict, text = CONTRADICTORY, text + f" The paper names {NAMES[claimed]}."
            counts = [positive, negative]
            return _finding(links, entry, verdict, cell, low, high, f"{names}, n = {n}", text, counts)
    range_n = implied_n(cell.number, low.number, high.number)
    shown = f"Wald: n from {range_n[0]} to {range_n[1]}" if range_n else "no n"
    text = f"None of {listed([NAMES[name] for name in FORMULAS])} gives it on n = {listed([n for _, n in tried])}."
    text += " Another formula or a bootstrap may; the width is " + (
        f"that of {shown}." if range_n else "not that of any n."
    )
    verdict = CONTRADICTORY if claimed in FORMULAS else NOT_CHECKABLE
    return _finding(links, entry, verdict, cell, low, high, shown, text, [positive, negative])


def _areas(links, entry, areas, positive, negative) -> list[Finding]:
    """AUC intervals: one finding each, and one for all when a proportion's formula gives every one of them."""
    findings, misused = [], []
    stated = (positive.count, negative.count)
    for place, cell, low, high in areas:
        fits = links.tables.get(place)
        p, n = stated
        if fits is not None and len(fits) and stated not in set(zip(fits["positives"], fits["negatives"], strict=True)):
            p, n = int(fits["positives"].iloc[0]), int(fits["negatives"].iloc[0])
        auc, used = float(cell.number), (float(high.number) - float(low.number)) / (2 * Z)
        formula, least, most, name = _expected(links, place, cell, p, n)
        slack = float(cell.number.unit_last) / Z
        text = f"The standard error behind it is {used:.4f}; {p} positives and {n} negatives let one expect "
        text += f"{least:.4f} to {most:.4f} ({name} {formula:.4f})."
        inside = least - slack <= used <= most + slack
        verdict = CONSISTENT if inside else CONTRADICTORY
        as_share = formulas_behind(cell.number, low.number, high.number, p + n, whole=False)
        if as_share:
            misused.append((cell, low, high))
            text += (
                f" The limits are those of a proportion of all {p + n} cases ({NAMES[as_share[0]]}); an AUC is a share "
            )
            text += "of pairs and not of cases."
        if inside and (p, n) != stated:
            verdict, text = OTHER_COUNTS, text + f" The stated counts are {stated[0]}/{stated[1]}."
        right = f"{name} {max(0, auc - Z * formula):.3f} to {min(1, auc + Z * formula):.3f}"
        findings.append(_finding(links, entry, verdict, cell, low, high, right, text, [positive, negative]))
    if len(misused) > 2 and len(misused) == len(areas):
        text = f"All {len(areas)} AUC intervals are, to every printed digit, those of a proportion with n = all cases. "
        text += (
            "That formula does not know how many cases are positive, so the intervals do not have their 95 % meaning "
        )
        text += "for an AUC."
        cells = [cell for triple in misused for cell in triple]
        made = write(
            links,
            entry,
            "intervals.proportion_on_auc",
            CONTRADICTORY,
            cells=[*cells, positive, negative],
            row="all rows",
            printed=f"{len(areas)} intervals",
            recomputed="a proportion's formula",
            explanation=text,
        )
        findings.append(made)
    return findings


def _expected(links, place, cell, p: int, n: int) -> tuple[float, float, float, str]:
    """Standard error of an AUC by formula, its plausible range, and the formula's name: yes/no calls have their own."""
    metrics = {metric_name(c.statistic): c for c in links.published.of_row(*place)}
    if {"sensitivity", "specificity"} <= set(metrics):
        pair = [metrics[name].number.bounds() for name in ("sensitivity", "specificity")]
        if cell.number.fits_range(*(float(sum(getattr(b, end) for b in pair)) / 2 for end in ("low", "high"))):
            se = auc_spread.binary(*(float(metrics[name].number) for name in ("sensitivity", "specificity")), p, n)
            return se, 0.9 * se, 1.1 * se, "yes/no calls"
    auc = float(cell.number)
    return auc_spread.hanley_mcneil(auc, p, n), *auc_spread.plausible_range(auc, p, n), "Hanley-McNeil"


def _finding(links, entry, verdict, cell, low, high, shown, text, counts=()) -> Finding:
    what = f"{cell.statistic} {cell.text} ({low.text} to {high.text})"
    severity = "note" if verdict == OTHER_COUNTS else None  # the counts themselves are a finding of their own
    return write(
        links,
        entry,
        "intervals.intervals",
        verdict,
        cells=[cell, low, high, *counts],
        printed=what,
        recomputed=shown,
        explanation=text,
        severity=severity,
    )


def auc_steps(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that an AUC without interval can be a whole number of half pairs, and say how uncertain it must be.

    Entry: `cells` (AUCs), `positives`, `negatives` (lists of cells, each added). Where a half pair is finer than the
    last decimal every AUC is possible, and nothing can be checked. Error budget: modes of rounding.
    """
    findings = []
    for item in links.need(entry, "cells"):
        cell = links.cell(item, links.need(item, "auc"))
        sides: list[list[Cell]] = [links.cells(item, key) for key in ("positives", "negatives")]
        p, n = (sum(c.count for c in side) for side in sides)
        counts, mode = whole_numbers(cell.number, 2 * p * n)
        auc = float(cell.number)
        least, most = auc_spread.plausible_range(auc, p, n)
        verdict, text = CONSISTENT, f"{p} positives and {n} negatives make {2 * p * n} half pairs; "
        if any_fits(cell.number, 2 * p * n):
            verdict, mode = NOT_CHECKABLE, "any AUC"
            text += "one is no more than a unit of the last printed decimal, so every AUC is possible."
        elif counts:
            text += f"{listed(counts, most=3)} of them print so."
        else:
            verdict = CONTRADICTORY
            text = f"No number of {2 * p * n} half pairs ({p} positives, {n} negatives) is printed as {cell.text}."
        text += f" Its standard error is about {auc_spread.hanley_mcneil(auc, p, n):.3f} ({least:.3f} to {most:.3f})."
        shown = f"{mode}; 95 % interval about {max(0, auc - Z * most):.2f} to {min(1, auc + Z * most):.2f}"
        findings.append(
            write(
                links,
                entry,
                "intervals.auc_steps",
                verdict,
                cells=[cell, *sides[0], *sides[1]],
                printed=str(cell),
                recomputed=shown if counts else "no number of pairs",
                explanation=text,
            )
        )
    return findings

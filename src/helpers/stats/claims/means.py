"""Means: of whole numbers, and of all patients from those of the groups."""

from __future__ import annotations

from itertools import product
from math import sqrt
from typing import Any

from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, Finding, listed
from helpers.stats.claims.reading import Links
from helpers.stats.claims.rounding import Printed, any_fits, whole_numbers
from helpers.stats.claims.writing import write


def whole_means(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that means of whole numbers (years, counts, ratings) can be a whole sum divided by n.

    Brown and Heathers (2017), doi:10.1177/1948550616673876. With n of 10 to the number of decimals or more every mean
    is possible, and nothing can be checked. Entry: `cells` (`mean`, `n`). Error budget: the modes of rounding, in their
    order.
    """
    findings = []
    for item in links.need(entry, "cells"):
        mean, n = (links.cell(item, links.need(item, key)) for key in ("mean", "n"))
        sums, mode = whole_numbers(mean.number, n.count)
        if any_fits(mean.number, n.count):
            verdict, text = NOT_CHECKABLE, f"Whole sums over {n.count} are printed as every mean with as many decimals."
        elif sums:
            verdict, text = CONSISTENT, f"A sum of {listed(sums, most=3)} over {n.count} is printed so ({mode})."
        else:
            verdict, text = CONTRADICTORY, f"No whole sum over {n.count} is printed as {mean.text}."
            text += " The values may not be whole numbers, or some may be missing."
        made = write(
            links,
            entry,
            "means.whole_means",
            verdict,
            cells=[mean, n],
            printed=f"{mean.text}, n = {n.text}",
            recomputed=f"{listed(sums, most=3)}/{n.count}" if sums else "no sum",
            explanation=text,
        )
        findings.append(made)
    return findings


def pooled(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check mean and SD of all against those of the groups. Error budget: every printed mean and SD by half a unit.

    Entry: `groups` (list of `n, mean, sd` cells), `mean`, `sd` (cells). The SD is that of all values together (within
    and between groups); the pooled SD within groups is tried next and named.
    """
    groups = [[links.cell(entry, links.need(group, key)) for key in ("n", "mean", "sd")] for group in entry["groups"]]
    mean, sd = links.cell(entry, entry["mean"]), links.cell(entry, entry["sd"])
    n = [group[0].count for group in groups]
    ends = [[_ends(cell.number) for cell in group[1:]] for group in groups]
    means, totals, within = [], [], []
    for corner in product((0, 1), repeat=len(groups)):
        for side in (0, 1):
            m = [end[0][pick] for end, pick in zip(ends, corner, strict=True)]
            s = [end[1][side] for end in ends]
            grand = sum(k * v for k, v in zip(n, m, strict=True)) / sum(n)
            inside = sum((k - 1) * v**2 for k, v in zip(n, s, strict=True))
            means.append(grand)
            totals.append(sqrt((inside + sum(k * (v - grand) ** 2 for k, v in zip(n, m, strict=True))) / (sum(n) - 1)))
            within.append(sqrt(inside / (sum(n) - len(n))))
    shown = f"mean {_range(means)}, SD {_range(totals)}"
    mode_mean, mode_sd = mean.number.fits_range(*_pair(means)), sd.number.fits_range(*_pair(totals))
    text = "Mean and SD of all patients follow from those of the groups."
    if mode_sd is None and (mode_sd := sd.number.fits_range(*_pair(within))):
        text = "The mean follows from the groups; the SD is the one pooled within groups, not that of all patients."
    verdict = CONSISTENT if mode_mean and mode_sd else CONTRADICTORY
    if verdict == CONTRADICTORY:
        text = f"From the groups follow {shown}; printed are {mean.text} and {sd.text}."
    cells = [mean, sd, *(cell for group in groups for cell in group)]
    return [
        write(
            links,
            entry,
            "means.pooled",
            verdict,
            cells=cells,
            printed=f"{mean.text} ± {sd.text}",
            recomputed=shown,
            explanation=text,
        )
    ]


def _ends(number: Printed) -> tuple[float, float]:
    bounds = number.bounds()
    return float(bounds.low), float(bounds.high)


def _pair(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def _range(values: list[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}"

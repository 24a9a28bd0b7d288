"""Was the model chosen on the test set, and is its accuracy more than that of naming the commonest class?"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import ndtr

from helpers.stats.claims import auc_spread
from helpers.stats.claims.finding import CONSISTENT, NOT_CHECKABLE, Finding, listed
from helpers.stats.claims.reading import Links
from helpers.stats.claims.writing import write

CORRELATIONS = (0.5, 0.9)  # between the AUCs of candidates on the same cases


def expected_best(candidates: int) -> float:
    """Expected largest of independent standard normal numbers.

    Parameters
    ----------
    candidates : int
        At least 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(expected_best(5), 3)
    1.163
    """
    if candidates < 1:
        raise ValueError(f"candidates: must be at least 1, found {candidates}")
    x = np.linspace(-9, 9, 18001)
    density = candidates * ndtr(x) ** (candidates - 1) * np.exp(-(x**2) / 2) / sqrt(2 * np.pi)
    return float(np.trapezoid(x * density, x))


def selection(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Say how much too good the best of several models looks when it was chosen on the cases that measure it.

    Entry: `chosen` (AUC cell), `candidates` (number), `set`; `said` (cells that say so). With equally good candidates
    whose AUCs correlate by r, the best exceeds the truth by SE sqrt(1 - r) E(largest of k normals); r from 0.5 to 0.9.
    The bias: Varma and Simon (2006), doi:10.1186/1471-2105-7-91. Error budget: none; it is a size, not a test.
    """
    chosen = links.cell(entry, links.need(entry, "chosen"))
    positive, negative = links.test_set(entry)
    k = int(links.need(entry, "candidates"))
    se = auc_spread.hanley_mcneil(float(chosen.number), positive.count, negative.count)
    high, low = (expected_best(k) * se * sqrt(1 - r) for r in CORRELATIONS)
    text = f"Chosen as the best of {k} on the {positive.count + negative.count} cases that also measure it. If all "
    text += (
        f"{k} were equally good, the best would still look {low:.3f} to {high:.3f} too good (standard error {se:.3f}, "
    )
    text += f"correlation {CORRELATIONS[1]} to {CORRELATIONS[0]}); how good it is on new cases is not printed."
    said = links.cells(entry, "said") if "said" in entry else []
    severity = "major" if entry.get("headline") else "minor"
    return [
        write(
            links,
            entry,
            "selection.selection",
            NOT_CHECKABLE,
            cells=[chosen, positive, negative, *said],
            printed=f"AUC {chosen.text}",
            recomputed=f"optimism {low:.3f} to {high:.3f}",
            explanation=text,
            severity=severity,
        )
    ]


def majority(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Compare accuracies with that of calling every case the commonest class. Error budget: any rounding.

    Entry: `cells` (accuracies), `classes` (lists of count cells, each added).
    """
    classes = [[links.cell(entry, ref) for ref in group] for group in links.need(entry, "classes")]
    sizes = [sum(cell.count for cell in group) for group in classes]
    share = Fraction(max(sizes), sum(sizes))
    cells = links.cells(entry, "cells")
    below = [cell for cell in cells if cell.number.bounds("any").high < share]
    text = f"Calling every case the commonest class is right in {max(sizes)} of {sum(sizes)} ({float(share):.3f})."
    text += (
        f" Below it: {listed([f'{c.row} {c.text}' for c in below])}." if below else " All accuracies are at least that."
    )
    severity = ("major" if entry.get("headline") else "minor") if below else "note"
    return [
        write(
            links,
            entry,
            "selection.majority",
            CONSISTENT,
            cells=[*cells, *(c for g in classes for c in g)],
            printed=listed([f"{c.row} {c}" for c in cells]),
            recomputed=f"{float(share):.3f}",
            explanation=text,
            row="all rows" if len(cells) > 1 else None,
            severity=severity,
        )
    ]

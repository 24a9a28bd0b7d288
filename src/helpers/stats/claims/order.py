"""Numbers out of order, and formulas that are not what they are called."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from helpers.data.errors import StudyError
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.two_by_two import metrics_of
from helpers.stats.claims.writing import write

FORMULAS = {
    "Dice": ("2|A∩B|/(|A|+|B|)", "2TP/(2TP+FP+FN)"),
    "Jaccard (intersection over union)": ("|A∩B|/|A∪B|", "TP/(TP+FP+FN)"),
    "twice Jaccard": ("2|A∩B|/|A∪B|",),
    "sensitivity": ("TP/(TP+FN)",),
    "specificity": ("TN/(TN+FP)",),
    "positive predictive value": ("TP/(TP+FP)",),
    "negative predictive value": ("TN/(TN+FN)",),
    "accuracy": ("(TP+TN)/(TP+TN+FP+FN)", "(TP+TN)/(TP+FP+FN+TN)"),
    "positive likelihood ratio": ("sens/(1-spec)", "sensitivity/(1-specificity)"),
    "negative likelihood ratio": ("(1-sens)/spec", "(1-sensitivity)/specificity"),
}


def order(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that numbers rise in the order of their names: minimum, quartiles, maximum, limits.

    Entry: `cells`, in the order in which they must rise. Error budget: half a unit of each.
    """
    cells = links.cells(entry, "cells")
    steps = list(pairwise(cells))
    wrong = [(a, b) for a, b in steps if a.number.bounds("any").low > b.number.bounds("any").high]
    shown = ", ".join(str(cell) for cell in cells)
    ranked = ", ".join(f"{cell.text}" for cell in sorted(cells, key=lambda cell: cell.number.value))
    if wrong:
        verdict = CONTRADICTORY
        text = "Out of order: " + "; ".join(f"{a} is above {b}" for a, b in wrong) + "."
        if sorted(cells, key=lambda c: c.number.value) != cells:
            text += f" With the names exchanged the values are in order: {ranked}."
    else:
        verdict, text = CONSISTENT, "The values rise as their names say."
    return [
        write(links, entry, "order.order", verdict, cells=cells, printed=shown, recomputed=ranked, explanation=text)
    ]


def recognise(formula: str) -> str | None:
    """Name a printed formula; None when it is not a known one.

    Examples
    --------
    >>> recognise("2|P∩G| / |P∪G|"), recognise("2 |X ∩ Y| / (|X| + |Y|)")
    ('twice Jaccard', 'Dice')
    """
    plain = _plain(formula)
    return next((name for name, known in FORMULAS.items() if plain in map(_plain, known)), None)


def _plain(formula: str) -> str:
    text = re.sub(r"[\s*·×]", "", formula).replace("−", "-")
    letters: dict[str, str] = {}

    def rename(match: re.Match) -> str:
        return letters.setdefault(match.group(), "AB"[min(len(letters), 1)])

    return re.sub(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", rename, text).lower()


def formulas(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Check that a printed formula is that of its name.

    Entry: `cell` (the formula, or the name when `formula` gives the printed formula), `name` (as in `FORMULAS`); `mean`
    (cell, a Dice value) for what the printed formula would have given. Error budget: spelling only.
    """
    cell, name = links.cell(entry, links.need(entry, "cell")), links.need(entry, "name")
    if name not in FORMULAS:
        raise StudyError(
            f"unknown formula name {name!r}",
            file=links.file,
            row=entry.get("__line__"),
            key="name",
            fix=f"use one of {', '.join(FORMULAS)}",
        )
    formula = entry.get("formula", cell.text)
    found = recognise(formula)
    used = [cell]
    if found is None:
        verdict, text = NOT_CHECKABLE, f"The formula {formula} is not a known one."
    elif found == name:
        verdict, text = CONSISTENT, f"{formula} is the formula of {name}."
    else:
        verdict = CONTRADICTORY
        text = f"{formula} is the formula of {found}; {name} is {FORMULAS[name][0]}."
        if name == "Dice" and "mean" in entry:
            value = links.cell(entry, entry["mean"])
            dice = float(value.number)
            text += f" A Dice of {value.text} is {2 * dice / (2 - dice):.3f} by the printed formula, which goes up to 2"
            text += ", so the printed values, all below 1, seem to be made with the usual formula."
            used.append(value)
    return [
        write(
            links,
            entry,
            "order.formulas",
            verdict,
            cells=used,
            printed=f"{name}: {formula}",
            recomputed=found or "unknown",
            explanation=text,
        )
    ]


def binary_auc(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Recognise an AUC that is only (sensitivity + specificity) / 2, that of yes/no calls.

    Such an AUC has one operating point and is lower than that of graded scores from the same reader, so it is not
    to be compared with a model's; Hanley and McNeil (1982), doi:10.1148/radiology.143.1.7063747. Entry: `tables`,
    `column`, `auc` (statistic), `rows`, `against` (AUC cell of graded scores) if wanted. Error budget: any rounding.
    """
    against = links.cell(entry, entry["against"]) if "against" in entry else None
    findings: list[Finding] = []
    binary: list[Cell] = []
    for place in links.places(entry):
        cell = links.cell(entry, [*place, links.need(entry, "auc")])
        metrics = metrics_of(links, {}, place)
        if not {"sensitivity", "specificity"} <= set(metrics):
            continue
        pair = [metrics["sensitivity"], metrics["specificity"]]
        bounds = [c.number.bounds() for c in pair]
        low, high = (float(sum(getattr(b, end) for b in bounds)) / 2 for end in ("low", "high"))
        text = "It is not (sensitivity + specificity) / 2, so it comes from graded scores."
        if cell.number.fits_range(low, high) is not None:
            binary.append(cell)
            text = "It is (sensitivity + specificity) / 2: the AUC of yes/no calls, with one operating point."
        made = write(
            links,
            entry,
            "order.binary_auc",
            CONSISTENT,
            cells=[cell, *pair],
            printed=str(cell),
            recomputed=f"{low:.4f} to {high:.4f}",
            explanation=text,
        )
        findings.append(made)
    if binary and against is not None:
        text = (
            f"{len(binary)} AUCs are (sensitivity + specificity) / 2, those of yes/no calls. {against.row} has graded "
        )
        text += f"scores and {against.text}. The two kinds of AUC are not comparable; sensitivities at one specificity "
        text += "are, and the gap may be smaller."
        made = write(
            links,
            entry,
            "order.binary_against_graded",
            NOT_CHECKABLE,
            cells=[*binary, against],
            row="all rows",
            printed=f"{listed([f'{c.row} {c.text}' for c in binary])}; {against.row} {against.text}",
            recomputed="two kinds of AUC",
            explanation=text,
            severity="major" if entry.get("headline") else "minor",
        )
        findings.append(made)
    return findings

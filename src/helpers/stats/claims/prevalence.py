"""Which share of positives does each pair of metrics imply?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding
from helpers.stats.claims.reading import Links
from helpers.stats.claims.rounding import Printed
from helpers.stats.claims.tables import written
from helpers.stats.claims.two_by_two import metrics_of
from helpers.stats.claims.writing import write

# by Bayes's theorem, each with sensitivity and specificity
IMPLIED: dict[str, Callable[[float, float, float], tuple[float, float]]] = {
    "accuracy": lambda se, sp, acc: (acc - sp, se - sp),
    "ppv": lambda se, sp, ppv: (ppv * (1 - sp), ppv * (1 - sp) + se * (1 - ppv)),
    "npv": lambda se, sp, npv: (sp * (1 - npv), sp * (1 - npv) + npv * (1 - se)),
}


def implied(numbers: Mapping[str, Printed]) -> dict[str, tuple[float, float]]:
    """Range of the prevalence that sensitivity and specificity imply with each of accuracy, PPV and NPV.

    Each function is monotone in each number, so that the corners of the rounding ranges give the ends. A pair that
    says nothing (sensitivity and specificity overlap for the accuracy) is left out.

    Parameters
    ----------
    numbers : mapping of str to Printed

    Returns
    -------
    dict of str to tuple of float
        Lowest and highest prevalence, by metric.

    Examples
    --------
    >>> from helpers.stats.claims.tables import read_metrics
    >>> row = {"sensitivity": "57.25", "specificity": "87.08", "accuracy": "72.03"}
    >>> low, high = implied(read_metrics(row))["accuracy"]
    >>> round(low, 4), round(high, 4)
    (0.504, 0.505)
    """
    if not {"sensitivity", "specificity"} <= set(numbers):
        return {}
    ranges = {}
    for name, formula in IMPLIED.items():
        if name not in numbers:
            continue
        ends = []
        for part in ("sensitivity", "specificity", name):
            bounds = numbers[part].bounds("any")
            ends.append((max(0.0, float(bounds.low)), min(1.0, float(bounds.high))))
        pairs = [formula(*corner) for corner in product(*ends)]
        signs = {below > 0 for _, below in pairs}
        if len(signs) > 1 or any(abs(below) < 1e-12 for _, below in pairs):
            continue
        values = [above / below for above, below in pairs]
        ranges[name] = (min(values), max(values))
    return ranges


def prevalence(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Compare the prevalence that each pair of metrics implies with the stated counts, and with one another.

    Entry: as for `two_by_two`. Error budget: any rounding of each metric, ends by its corners.
    """
    positive, negative = links.test_set(entry)
    stated = positive.count / (positive.count + negative.count)
    findings = []
    for place in links.places(entry):
        metrics = metrics_of(links, entry, place)
        found = implied({name: cell.number for name, cell in metrics.items()})
        if not found:
            continue
        cells = [metrics[name] for name in ("sensitivity", "specificity", *found)]
        shown = "; ".join(f"by {written(name)} {low:.3f} to {high:.3f}" for name, (low, high) in found.items())
        low, high = max(v[0] for v in found.values()), min(v[1] for v in found.values())
        if all(a - 1e-12 <= stated <= b + 1e-12 for a, b in found.values()):
            verdict, text = CONSISTENT, f"All imply the stated {stated:.3f}."
        elif low <= high + 1e-12:
            verdict = OTHER_COUNTS
            text = f"All agree on a prevalence of {low:.3f} to {high:.3f}; the stated counts give {stated:.3f}."
        else:
            verdict = CONTRADICTORY
            text = f"No prevalence satisfies all of them; the stated counts give {stated:.3f}."
        if any(not (b >= 0 and a <= 1) for a, b in found.values()):
            verdict, text = CONTRADICTORY, "One of them lies outside 0 to 1. " + text
        findings.append(
            write(
                links,
                entry,
                "prevalence.prevalence",
                verdict,
                cells=[*cells, positive, negative],
                printed=f"{positive.count}/{negative.count}, prevalence {stated:.3f}",
                recomputed=shown,
                explanation=text,
            )
        )
    if not findings:
        return [
            write(
                links,
                entry,
                "prevalence.prevalence",
                NOT_CHECKABLE,
                cells=[positive, negative],
                printed="",
                recomputed="",
                explanation="No row prints sensitivity, specificity and a third metric.",
            )
        ]
    return findings

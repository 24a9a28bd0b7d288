"""Are there enough patients for what is claimed?"""

from __future__ import annotations

from typing import Any

from helpers.stats import sample_size
from helpers.stats.claims.finding import CONSISTENT, NOT_CHECKABLE, Finding
from helpers.stats.claims.reading import Links
from helpers.stats.claims.writing import write

WRITTEN = {"auc": "AUC", "observed_expected": "O:E"}


def size(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Compare the cases with those that Riley's criteria ask for; their unit is that of the cells.

    Entry: `set`, or `positives` and `negatives` (lists of cells, each added); `auc` (cell) for a validation (intervals
    of O:E, slope and AUC no wider than 0.2, 0.2 and 0.1; Riley et al. 2021, doi:10.1002/sim.9025), and `parameters` for
    a development (shrinkage 0.9; Riley et al. 2020, doi:10.1136/bmj.m441). Error budget: none; the criteria are
    conventions, not arithmetic.
    """
    if "positives" in entry:
        sides = [links.cells(entry, key) for key in ("positives", "negatives")]
    else:
        sides = [[cell] for cell in links.test_set(entry)]
    auc = links.cell(entry, links.need(entry, "auc"))
    counted = [*sides[0], *sides[1]]
    n, events = sum(cell.count for cell in counted), min(sum(cell.count for cell in side) for side in sides)
    units = {cell.unit for cell in counted}
    unit = (units.pop() if len(units) == 1 else "") or "cases"
    value = min(max(float(auc.number), 0.51), 0.99)
    if "parameters" in entry:
        need = sample_size.development_size(
            parameters=int(entry["parameters"]), prevalence=events / n, c_statistic=value
        )
        what = f"developing a model of {entry['parameters']} parameters; networks need more"
    else:
        need = sample_size.validation_size(prevalence=events / n, c_statistic=value)
        allowed = sample_size.what_it_allows(n=n, events=events, auc=value).set_index("measure")
        span = ", ".join(
            f"{WRITTEN.get(name, name)} {row.low:.2f} to {row.high:.2f}" for name, row in allowed.iterrows()
        )
        what = f"validating an AUC of {auc.text}; {n} {unit} let one expect the intervals {span}"
    enough = n >= need.n
    text = f"{need.n:,} {unit} with {need.events:,} of the rarer class are asked for, {what}."
    if "patient" not in unit and unit != "cases":
        text += f" The criteria count cases that do not depend on each other; {unit} of one patient do."
    text = text if enough else text + " A reason for the size is not printed."
    severity = "note" if enough else ("major" if entry.get("headline") else "minor")
    return [
        write(
            links,
            entry,
            "size.size",
            CONSISTENT if enough else NOT_CHECKABLE,
            cells=[*counted, auc],
            printed=f"{n} {unit}, {events} of the rarer class",
            recomputed=f"{need.n:,} {unit}",
            explanation=text,
            severity=severity,
        )
    ]

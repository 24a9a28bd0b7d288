"""Are there enough patients for what is claimed?"""

from __future__ import annotations

from typing import Any

from helpers.stats import sample_size
from helpers.stats.claims.finding import CONSISTENT, NOT_CHECKABLE, Finding
from helpers.stats.claims.reading import Links
from helpers.stats.claims.writing import write

WRITTEN = {"auc": "AUC", "observed_expected": "O:E"}


def size(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Compare the patients with those that Riley's criteria ask for.

    Entry: `set`; `auc` (cell) for a validation (intervals of O:E, slope and AUC no wider than 0.2, 0.2 and 0.1; Riley
    et al. 2021, doi:10.1002/sim.9025), and `parameters` for a development (shrinkage 0.9; Riley et al. 2020,
    doi:10.1136/bmj.m441). Error budget: none; the criteria are conventions, not arithmetic.
    """
    positive, negative = links.test_set(entry)
    auc = links.cell(entry, links.need(entry, "auc"))
    n, events = positive.count + negative.count, min(positive.count, negative.count)
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
        what = f"validating an AUC of {auc.text}; {n} patients let one expect the intervals {span}"
    enough = n >= need.n
    text = f"{need.n:,} patients with {need.events:,} of the rarer class are asked for, {what}."
    text = text if enough else text + " A reason for the size is not printed."
    severity = "note" if enough else ("major" if entry.get("headline") else "minor")
    return [
        write(
            links,
            entry,
            "size.size",
            CONSISTENT if enough else NOT_CHECKABLE,
            cells=[positive, negative, auc],
            printed=f"{n} patients, {events} of the rarer class",
            recomputed=f"{need.n:,} patients",
            explanation=text,
            severity=severity,
        )
    ]

"""Tables of a subgroup analysis: estimates in every subgroup, and differences between the levels of a variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.stats.models import p_text, printed
from helpers.stats.subgroup_cases import MEASURES, NEEDED
from helpers.stats.subgroup_panels import INTERVALS, Forest, models_text, upper

DIFFERENCES = (
    "Each level less the one with most cases among those that are large enough (for O:E the ratio of the two); the "
    "interval is made of the limits of both levels (Zou and Donner 2008, doi:10.1002/sim.3095; for shares Newcombe's)"
)
DETECTABLE = (
    "Detectable: the smallest difference between any two levels that this size shows with 80 % power, from the numbers "
    "of events and non-events and not from the difference that was seen (doi:10.1198/000313001300339897)."
)


def estimates(forests: Sequence[Mapping[str, Forest]], *, digits: int = 2) -> pd.DataFrame:
    """All measures of all models and splits, one row a subgroup: numbers, and the text that is printed.

    Parameters
    ----------
    forests : sequence of mappings from `all_forests`
        One a split.
    digits : int
        Decimals of the text.

    Returns
    -------
    DataFrame
        `split, model, variable, level, n, events`, each measure with `_low` and `_high`, and a column of text under
        the measure's printed name: estimate and interval, or "too small".
    """
    keys = ["split", "model", "variable", "level", "n", "events"]
    wholes = []
    for made in forests:
        whole = None
        for measure, forest in made.items():
            table = forest.frame()
            low, high, value = table["low"], table["high"], table["value"]
            text = [
                f"{v:.{digits}f} ({a:.{digits}f}–{b:.{digits}f})" if ok else "too small"
                for v, a, b, ok in zip(value, low, high, table["estimated"])
            ]
            numbers = {measure: value, f"{measure}_low": low, f"{measure}_high": high, MEASURES[measure]: text}
            table = table[keys].assign(**numbers)
            whole = table if whole is None else whole.assign(**numbers)  # same rows: levels do not depend on a measure
        wholes.append(whole)
    return pd.concat(wholes, ignore_index=True)


def contrasts(forests: Sequence[Forest], *, digits: int = 2) -> pd.DataFrame:
    """Differences between levels of several forests, one below the other, with the text that is printed.

    Returns
    -------
    DataFrame
        The rows of `Forest.differences` with `Measure`, `Levels` and `Difference` (interval) as text, and `P`, `Holm`
        and `Detectable`, which concern all levels of a variable, in its first row only.
    """
    table = pd.concat([forest.differences() for forest in forests], ignore_index=True)
    again = table.duplicated(["split", "measure", "model", "variable"])
    limits = table.assign(difference_low=table["low"], difference_high=table["high"])
    once = {"P": table["p_value"].map(p_text), "Holm": table["p_holm"].map(p_text)}
    once["Detectable"] = table["detectable"].map(lambda reach: "–" if pd.isna(reach) else f"{reach:.{digits}f}")
    return table.assign(
        Measure=[MEASURES[measure] for measure in table["measure"]],
        Levels=[f"{a} against {b}" for a, b in zip(table["level"], table["reference"])],
        Difference=printed(limits, {"difference": "text"}, digits=digits)["text"],
        **{head: text.mask(again, "") for head, text in once.items()},
    )


def contrast_methods(forests: Sequence[Forest]) -> str:
    """How the differences of `contrasts` were made, in sentences."""
    first, k = forests[0], len(forests[0].results)
    tests = "; ".join(f"{MEASURES[forest.measure]}: {forest.test}" for forest in forests)
    within = " within each measure" if len(forests) > 1 else ""
    reach = f" {DETECTABLE}" if first.measure == "auc" else ""
    return (
        f"{DIFFERENCES}. {first.size}. P tests all levels of a variable at once and stands in its first row ({tests}); "
        f"Holm: corrected{within} over all variables of {models_text(k)}.{reach}"
    )


def untested(forests: Sequence[Forest]) -> str:
    """Which levels leave a variable without a test, because an AUC or share of 0 or 1 shows no variance.

    Returns
    -------
    str
        A footnote; empty where every comparison has its test.
    """
    said = []
    for forest in forests:
        rows, tests = forest.frame(), forest.heterogeneity()
        for test in tests[(tests["df"] > 0) & tests["p_value"].isna()].itertuples():
            sure = rows[(rows["model"] == test.model) & (rows["variable"] == test.variable)]
            sure = list(sure[sure["value"].isin([0.0, 1.0])].itertuples())
            among = [{"sensitivity": r.events, "specificity": r.n - r.events}.get(r.measure, 0) for r in sure]
            each = [
                f"{r.level}: {r.value * n:.0f} of {n}" if n else f"{r.level}: {r.value:.0f}"
                for r, n in zip(sure, among)
            ]
            at = f" ({', '.join(each)})" if each else ""
            said.append(f"{MEASURES[forest.measure]} of {test.model} by {test.variable}{at}")
    return f"–: no test, as a level shows no variance: {'; '.join(said)}." if said else ""


def estimate_methods(forests: Sequence[Mapping[str, Forest]]) -> str:
    """How the numbers of `estimates` were made, in sentences."""
    each = upper("; ".join(INTERVALS[measure] for measure in forests[0]))
    sizes = "; ".join(made["auc"].size for made in forests)
    least = "; ".join(f"{MEASURES[measure]} {NEEDED[measure]}" for measure in forests[0])
    minimum = forests[0]["auc"].first.minimum
    return f"{each}. {sizes}. Too small: fewer than {minimum} of what a measure rests on ({least})."

"""Computed sentences of the chapter that asks whether a model works for everyone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.stats.models import p_text
from helpers.stats.subgroup_cases import MEASURES, NEEDED
from helpers.stats.subgroup_panels import Forest
from helpers.stats.units import counted

HOPELESS = 0.5  # a difference in AUC that large is that of chance and perfection


def found(forest: Forest, *, unit: str) -> str:
    """Say whether the AUC differs between the levels of any declared variable, beyond chance.

    Parameters
    ----------
    forest : Forest
        Of the models that are tested.
    unit : str
        `Study.unit`: what a row is called where patients repeat.

    Returns
    -------
    str
    """
    tests = forest.heterogeneity()
    made = tests[tests["df"] > 0]
    one = forest.first
    size = counted(unit, n=one.n, events=one.events, patients=one.patients)
    where = f"{forest.split[:1].lower()}{forest.split[1:]}, {size}"
    if made.empty:
        return (
            f"Nothing can be said about the AUC ({where}): no declared variable has two levels that are large enough."
        )
    names, models = list(dict.fromkeys(made["variable"])), made["model"].nunique()
    over = (
        f"{len(names)} variable{'s' * (len(names) != 1)} ({', '.join(names)}) and {models} model{'s' * (models != 1)}"
    )
    sure = made[made["p_holm"] < 0.05]
    if sure.empty:
        least = made["p_holm"].min()
        said = "could be tested" if pd.isna(least) else f"is beyond chance (smallest P after Holm {p_text(least)})"
        return f"Over {over} no difference in AUC between subgroups {said}; {where}."
    said = [f"{row.variable} for {row.model} (P after Holm {p_text(row.p_holm)})" for row in sure.itertuples()]
    return f"Over {over} the AUC differs between subgroups beyond chance by {'; '.join(said)}; {where}."


def power(forest: Forest) -> str:
    """Say which difference in AUC between two levels these subgroups could have shown, whatever was found.

    Parameters
    ----------
    forest : Forest
        Of the AUC.
    """
    reach = forest.heterogeneity().dropna(subset=["detectable"])
    if reach.empty:
        return ""
    tests = len(reach)
    best, worst = reach.loc[reach["detectable"].idxmin()], reach.loc[reach["detectable"].idxmax()]
    text = (
        "A test that finds nothing proves nothing: with 80 % power these subgroups show a difference in AUC of "
        f"{best['detectable']:.2f} at best ({best['variable']}, {best['model']})"
    )
    if tests > 1:
        text += f" and of {worst['detectable']:.2f} at worst ({worst['variable']}, {worst['model']})"
    hopeless = int((reach["detectable"] >= HOPELESS).sum())
    if hopeless:
        text += f"; for {hopeless} of {tests} not even that of chance and perfection"
    return f"{text}, before any correction for several tests."


def chance(forest: Forest) -> str:
    """Set the widest gap of each model beside the one that equal subgroups would show by chance."""
    if not forest.gaps:
        return ""
    said = [
        f"{name} {gap.value:.2f} ({gap.variable}: {gap.high_level} against {gap.low_level}; by chance alone half of "
        f"such studies would show at least {gap.median:.2f}, and {_chance(gap.p_value)} at least this)"
        for name, gap in forest.gaps.items()
    ]
    return f"The widest gap in AUC between two subgroups of one variable: {'; '.join(said)}."


def _chance(p_value: float) -> str:
    return "less than 1 %" if p_value < 0.01 else f"{100 * p_value:.0f} %"


def small(forest: Forest) -> str:
    """Say how many subgroups are too small for a number."""
    table = forest.first.table.iloc[1:]
    left, minimum = int((~table["estimated"]).sum()), forest.first.minimum
    if not left:
        return f"All {len(table)} subgroups have at least {minimum} {NEEDED[forest.measure].replace(' or ', ' and ')}."
    return f"{left} of {len(table)} subgroups have fewer than {minimum} {NEEDED[forest.measure]} and get no AUC."


def at_threshold(forests: Mapping[str, Forest], *, predictors: Mapping[str, str], clinical: str) -> str:
    """Say where sensitivity, specificity or O:E differ between subgroups beyond chance, and where that is by design.

    Parameters
    ----------
    forests : mapping of measure to Forest
    predictors : mapping of column to label
        Predictors of the clinical model: their levels have different risks by design.
    clinical : str
        Name of the clinical model.
    """
    tables = [forest.heterogeneity() for measure, forest in forests.items() if measure != "auc"]
    tests = pd.concat(tables, ignore_index=True)
    tests = tests[tests["df"] > 0]
    if tests.empty:
        return ""
    sure = tests[tests["p_holm"] < 0.05]
    kinds = [_lower(measure) for measure in tests["measure"].unique()]
    what = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
    count = f"{len(tests)} test{'s' * (len(tests) != 1)} of {what}"
    if sure.empty:
        return f"None of {count} is below 0.05 after Holm within each measure."
    said = [f"{_lower(row.measure)} of {row.model} by {row.variable}" for row in sure.itertuples()]
    text = f"Of {count} these remain after Holm within each measure: {'; '.join(said)}."
    known = sure[(sure["model"] == clinical) & sure["variable"].isin(list(predictors.values()))]
    if not known.empty:
        names = list(dict.fromkeys(known["variable"]))
        whole = tests[(tests["measure"] == "observed_expected") & (tests["model"] == clinical)]
        silent = [name for name in names if name not in set(whole["variable"])]
        text += (
            f" The clinical model uses {' and '.join(names)}, so at one threshold its levels differ by design: that "
            "shows another mix of risks, and only O:E tells whether the risks are wrong"
        )
        text += f"; for {' and '.join(silent)} the levels are too small to compare it." if silent else "."
    return text


def _lower(measure: str) -> str:
    name = MEASURES[measure]
    return name if name.isupper() else name.lower()

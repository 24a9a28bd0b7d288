"""Computed sentences of the chapters on choosing and comparing networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from helpers.learn.candidates import title

if TYPE_CHECKING:
    import pandas as pd

    from helpers.data.sections import Model
    from helpers.stats.casemix import CaseMix
    from helpers.stats.levels import Levels
    from helpers.stats.twins import Twins


def chosen(networks: Mapping[str, tuple[str, str]], models: Mapping[str, Model]) -> str:
    """Which network the tuning patients chose for each model, or that there was one only.

    Parameters
    ----------
    networks : mapping of model to (input, architecture)
    models : mapping of model to helpers.data.sections.Model
        What was declared.
    """
    said = "; ".join(f"{model}: {title(run)}" for model, (_, run) in networks.items())
    if _several(models):
        return f"Chosen on the tuning patients: {said}."
    return f"One network was declared for each model, so nothing was chosen: {said}."


def named(model: str, network: tuple[str, str]) -> str:
    """A model with the network that stands for it.

    Parameters
    ----------
    model : str
    network : (input, architecture)

    Examples
    --------
    >>> named("video", ("clip", "densenet121"))
    'video (DenseNet121)'
    """
    return f"{model} ({title(network[1])})"


def borrowed(optimism: pd.DataFrame, models: Mapping[str, Model]) -> str:
    """What choosing networks on the test patients would have added; empty where nothing was chosen.

    Parameters
    ----------
    optimism : DataFrame
        From `Choice.optimism`.
    models : mapping of model to helpers.data.sections.Model
    """
    if not _several(models):
        return ""
    return (
        "Choosing on the test patients, as is often published, would have made the test AUC look higher by up to "
        f"{optimism['optimism'].max():.2f}."
    )


def _several(models: Mapping[str, Model]) -> bool:
    return any(len(model.architectures) + len(model.attention) > 1 for model in models.values())


def levels(compared: Levels) -> str:
    """How much narrower an interval would be that takes cases of one patient for strangers; empty without such."""
    table = compared.frame()
    table["width"] = table["auc_high"] - table["auc_low"]
    wide = table.pivot(index="model", columns="level", values="width")
    sizes = table[["n", "patients"]].max()
    if sizes["n"] == sizes["patients"]:
        return "Every patient has one case here, so cases and patients are the same."
    names = list(table["level"].unique())
    ratio = (wide[names[1]] / wide[names[0]]).median()
    said = f"The {sizes['patients']} judged patients have {sizes['n']} cases"
    if ratio != ratio:
        return f"{said}."
    return (
        f"{said}; an interval that takes these for unrelated has {ratio:.0%} of the honest width (median over models)."
    )


def twins(found: Twins) -> str:
    """In how many networks the first family has the higher AUC, and which differences hold."""
    table, a, b = found.pairs, found.first, found.second
    gap, clear = table["difference"].round(9), int((table["p_holm"] < 0.05).sum())
    counts = {"higher": int((gap > 0).sum()), "equal": int((gap == 0).sum()), "lower": int((gap < 0).sum())}
    said = ", ".join(f"{kind} in {count}" for kind, count in counts.items())
    return (
        f"Over {len(table)} network{'s' * (len(table) != 1)}, each trained on both, the AUC on {a} beside that on {b} "
        f"is {said} (median difference {_signed(gap.median())}); {clear} of these differences "
        f"hold{'s' * (clear == 1)} after Holm's correction, on {found.n} patients with {found.events} events."
    )


def external(mix: CaseMix | None) -> str:
    """How performance outside compares with that inside, and what the mix of cases explains; empty without a split."""
    if mix is None:
        return ""
    rows = list(mix.table.itertuples())
    gaps = "; ".join(
        f"{row.model} {_signed(row.difference)} (95 % CI {_signed(row.difference_low)} to "
        f"{_signed(row.difference_high)})"
        for row in rows
    )
    mixed = "; ".join(
        f"{row.model} {row.auc_weighted:.2f} ({row.auc_weighted_low:.2f} to {row.auc_weighted_high:.2f}) instead of "
        f"{row.auc_internal:.2f}"
        for row in rows
    )
    return (
        f"AUC outside less AUC inside: {gaps}. With the inside patients weighted to the outside mix of the declared "
        f"signs, the AUC inside is: {mixed}. "
        f"The positives are {mix.prevalence[0]:.0%} inside and {mix.prevalence[1]:.0%} outside."
    )


def _signed(value: float) -> str:
    """A difference with its sign; one that prints as zero has none."""
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")

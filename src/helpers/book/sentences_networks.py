"""Computed sentences of the chapters on choosing and comparing networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from helpers.learn.candidates import title

if TYPE_CHECKING:
    from helpers.stats.casemix import CaseMix
    from helpers.stats.levels import Levels
    from helpers.stats.twins import Twins


def chosen(networks: Mapping[str, tuple[str, str]]) -> str:
    """Which network the tuning patients chose for each model.

    Examples
    --------
    >>> chosen({"video": ("clip", "resnet50")})
    'Chosen on the tuning patients: video: ResNet50.'
    """
    return f"Chosen on the tuning patients: {'; '.join(f'{m}: {title(run)}' for m, (_, run) in networks.items())}."


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
    return (
        f"The judged patients have {sizes['n']} cases of {sizes['patients']} patients; an interval that takes them for "
        f"unrelated has {ratio:.0%} of the honest width (median over the models)."
    )


def twins(found: Twins) -> str:
    """What the first family gains over the second, over all networks."""
    table, a, b = found.pairs, found.first, found.second
    better, clear = int((table["difference"] > 0).sum()), int((table["p_holm"] < 0.05).sum())
    middle = table["difference"].median()
    return (
        f"Of {len(table)} networks, {better} have the higher AUC on {a} than on {b} (median difference {middle:+.2f}); "
        f"{clear} of these differences hold after Holm's correction, on {found.n} patients with {found.events} events."
    )


def external(mix: CaseMix | None) -> str:
    """How performance outside compares with that inside, and what the mix of cases explains; empty without a split."""
    if mix is None:
        return ""
    row = mix.table.iloc[0]
    sign = "lower" if row["difference"] < 0 else "higher"
    sure = (
        "the interval of the difference excludes zero"
        if row["difference_low"] * row["difference_high"] > 0
        else ("the interval of the difference includes zero")
    )
    return (
        f"Outside, the AUC of {row['model']} is {abs(row['difference']):.2f} {sign} than inside ({sure}); with the "
        f"inside patients weighted to the outside mix of signs it would be {row['auc_weighted']:.2f} instead of "
        f"{row['auc_internal']:.2f}. "
        f"The positives are {mix.prevalence[0]:.0%} inside and {mix.prevalence[1]:.0%} outside."
    )

"""Two-by-two measures of several models at their frozen thresholds: tables, a forest, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.estimates_plot import forest
from helpers.stats.families import holm
from helpers.stats.models import MANY, Panel, p_text, printed
from helpers.stats.operating_points import SHARES, TITLES, OperatingPoint, operating_point
from helpers.stats.paired import compare_decisions
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARED = ("sensitivity", "specificity", "ppv", "npv")
HEADS = tuple(TITLES[name] for name in COMPARED)
INTERVALS = (
    "Positive when the risk is at least the frozen threshold. Proportions: Wilson "
    "(doi:10.1080/01621459.1927.10502953). Balanced accuracy and Youden index: delta method, with an empty cell "
    "Newcombe's combination (doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I). F1: 2J/(1 + J) of "
    "the Wilson limits of J = TP/(TP + FP + FN). Kappa: Fleiss, Cohen and Everitt (doi:10.1037/h0028106). Matthews "
    "correlation: Fisher's z scale. LR+ and LR−: log scale (doi:10.1016/0895-4356(91)90128-V), with an empty cell "
    "Koopman's score (doi:10.2307/2531405). Diagnostic odds ratio: log scale, with an empty cell exact. Variances are "
    "by patient where patients repeat (doi:10.2307/1402588)."
)
PAIRED = (
    "Differences a − b on the same cases at the frozen thresholds. Sensitivity and specificity: mid-P McNemar "
    "(doi:10.1186/1471-2288-13-91) with Tango's score interval "
    "(doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B). Predictive values: weighted generalised "
    "score (doi:10.1002/sim.5587) with a linearised interval. Where patients repeat: Wald by patient "
    "(doi:10.2307/1402588). P is adjusted by Holm (https://www.jstor.org/stable/4615733) over the pairs, within each "
    "measure and split; the file has the unadjusted P too."
)


def points(parts: Sequence[Panel], frozen: Mapping[str, Threshold]) -> dict[tuple[str, str], OperatingPoint]:
    """Measures of every model of every split at its frozen threshold, by title of the split and model."""
    return {
        (part.title, name): operating_point(part.label, risk, frozen[name], patient_id=part.patient_id)
        for part in parts
        for name, risk in part.risks.items()
    }


def measures(made: Mapping[tuple[str, str], OperatingPoint]) -> pd.DataFrame:
    """Every measure as a long, tidy table.

    Parameters
    ----------
    made : mapping
        From `points`.

    Returns
    -------
    DataFrame
        `split, model, measure, value, low, high, se, level, method, note`, one row a split, model and measure.
    """
    frames = [point.frame().assign(split=split, model=model) for (split, model), point in made.items()]
    table = pd.concat(frames, ignore_index=True)
    table = table[table["measure"] != "prevalence"].reset_index(drop=True)
    return table[["split", "model", *table.columns.drop(["split", "model"])]]


def shown(long: pd.DataFrame) -> pd.DataFrame:
    """The printed table: measures by model up to five models; else models by those measures that are not yet shown.

    Parameters
    ----------
    long : DataFrame
        From `measures`.

    Returns
    -------
    DataFrame
        Text. Few models: `Split, Measure`, a column a model, `Interval`. Many: `Split, Model`, a column a measure,
        without those of the table of performance.
    """
    text = printed(long.rename(columns={"low": "value_low", "high": "value_high"}), {"value": "text"})
    text["Measure"] = text["measure"].map(TITLES)
    models = list(dict.fromkeys(text["model"]))
    order = [title for name, title in TITLES.items() if name in set(text["measure"])]
    frames = []
    for split, part in text.groupby("split", sort=False):
        if len(models) <= MANY:
            wide = part.pivot(index="Measure", columns="model", values="text").loc[order, models]
            short = part["method"].str.replace(r" ?\((doi:|https?:).*?\)(?=[,;:. ]|$)", "", regex=True)
            wide["Interval"] = short.groupby(part["Measure"]).agg(lambda names: "; ".join(dict.fromkeys(names)))
        else:
            others = [title for title in order if title not in [TITLES[name] for name in SHARES[:5]]]
            wide = part.pivot(index="model", columns="Measure", values="text").loc[models, others]
            wide.index.name = "Model"
        wide.insert(0, "Split", split)
        frames.append(wide.reset_index())
    table = pd.concat(frames, ignore_index=True)
    if len(frames) == 1:
        return table.drop(columns="Split")
    return table[["Split", *table.columns.drop("Split")]]


def plot(long: pd.DataFrame) -> Figure:
    """Forest of the measures between 0 and 1: one panel a split, models set apart by colour and marker.

    Parameters
    ----------
    long : DataFrame
        From `measures`.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    splits, models = list(dict.fromkeys(long["split"])), list(dict.fromkeys(long["model"]))
    height = 1.1 + max(0.34, 0.13 * len(models) + 0.1) * len(SHARES)
    size = (2.2 + 4.2 * len(splits), height)
    figure, axes = plt.subplots(1, len(splits), figsize=size, squeeze=False, sharey=True, layout="constrained")
    looks = palette.styles(models)
    for ax, split in zip(axes.flat, splits):
        part = long[(long["split"] == split) & long["measure"].isin(SHARES)]
        forest(part, ax=ax, looks=looks, names=TITLES, legend=ax is axes.flat[-1])
        ax.set(xlim=(-0.01, 1.01), title=split)
    return figure


def paired_of(
    parts: Sequence[Panel], frozen: Mapping[str, Threshold], pairs: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """`paired` of several splits with `split`; each measure in each split is a family of its own."""
    return pd.concat([paired(part, frozen, pairs).assign(split=part.title) for part in parts], ignore_index=True)


def paired(part: Panel, frozen: Mapping[str, Threshold], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Differences of sensitivity, specificity and predictive values for declared pairs of models.

    Parameters
    ----------
    part : Panel
    frozen : mapping of model to Threshold
    pairs : sequence of pairs of names
        From `models.family`.

    Returns
    -------
    DataFrame
        `a, b, measure, value_a, value_b, difference, difference_low, difference_high, p_value, p_holm, test, interval,
        note`; Holm's adjustment runs over the pairs, within each measure. Empty without pairs.
    """
    called = {name: risk >= float(frozen[name]) for name, risk in part.risks.items()}
    frames = []
    for a, b in pairs:
        table = compare_decisions(part.label, called[a], called[b], patient_id=part.patient_id).frame()
        frames.append(table[table["measure"].isin(COMPARED)].assign(a=a, b=b))
    names = ["a", "b", "measure", "value_a", "value_b", "difference", "difference_low", "difference_high"]
    names += ["p_value", "p_holm", "test", "interval", "note"]
    if not frames:
        return pd.DataFrame(columns=names)
    made = pd.concat(frames, ignore_index=True).rename(columns={"low": "difference_low", "high": "difference_high"})
    made["p_holm"] = made.groupby("measure")["p_value"].transform(holm)
    return made[names]


def paired_shown(table: pd.DataFrame) -> pd.DataFrame:
    """One row a pair, one column a measure: difference, interval and Holm's P.

    Returns
    -------
    DataFrame
        `split, a, b`, then for each of `COMPARED` a column of text, and the numbers behind it.
    """
    key = ["split", "a", "b"]
    if table.empty:
        return pd.DataFrame(columns=[*key, *HEADS])
    text = printed(table, {"difference": "text"}, digits=2)
    said = [f"P {p}" if p.startswith(("<", ">")) else f"P = {p}" for p in map(p_text, text["p_holm"])]
    no_test = text["p_holm"].isna().to_numpy()
    text["text"] = np.where(no_test, text["text"], text["text"] + "; " + pd.Series(said, index=text.index))
    text["Measure"] = text["measure"].map(TITLES)
    wide = text.pivot(index=key, columns="Measure", values="text")
    order = list(dict.fromkeys(table[key].itertuples(index=False, name=None)))
    wide = wide.loc[order, list(HEADS)].reset_index()
    numbers = table.pivot(index=key, columns="measure", values=["difference", "p_value", "p_holm"]).loc[order]
    numbers.columns = [f"{measure}_{what}" for what, measure in numbers.columns]
    return pd.concat([wide, numbers.reset_index(drop=True)], axis=1)

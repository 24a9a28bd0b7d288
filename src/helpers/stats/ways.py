"""Several ways to one diagnosis side by side: the published table with intervals, paired differences, what is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.auc import auc
from helpers.stats.comparing import TABLE
from helpers.stats.estimates_plot import SPREAD, forest
from helpers.stats.families import holm
from helpers.stats.models import Panel, comparisons, p_text, printed
from helpers.stats.operating_points import TITLES, operating_point
from helpers.stats.paired import compare_decisions
from helpers.stats.report_accuracy import HEADS, SHOWN, measures
from helpers.stats.resampling import bootstrap_counts
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED_ROWS = {
    "Y-Net (Classification combined segmentation)": "joint",
    "Y-Net (Only classification)": "classification",
    "The original ultrasonic reports": "report",
}
STATISTICS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "PPV": "ppv",
    "NPV": "npv",
    "LR+": "lr_positive",
    "LR-": "lr_negative",
}
METHODS = TABLE
PAIRED = (
    "Differences a − b at the frozen thresholds, of likelihood ratios the ratio a / b "
    "(doi:10.1093/biostatistics/kxn025). "
    "Sensitivity, specificity and accuracy: mid-P McNemar (doi:10.1186/1471-2288-13-91) with Tango's interval; "
    "predictive "
    "values: weighted generalised score (doi:10.1002/sim.5587); where patients have several nodes: Wald by patient "
    "(doi:10.2307/1402588). AUC: DeLong, by patient (doi:10.2307/2533958). P after Holm over all rows of the table "
    "(https://www.jstor.org/stable/4615733)."
)
RATIOS = ("lr_positive", "lr_negative")


def table(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """Every column of the published table, and the AUC, for each way at its frozen threshold.

    Parameters
    ----------
    part : Panel
        Of the judged split.
    frozen : mapping of model to Threshold

    Returns
    -------
    DataFrame
        `way, n, events, threshold, tp, fp, fn, tn`, then `auc` and each of `SHOWN` with `_low` and `_high`.
    """
    rows = []
    for name, risk in part.risks.items():
        point = operating_point(part.label, risk, frozen[name], patient_id=part.patient_id)
        area = auc(part.label, risk, patient_id=part.patient_id, interval="auto")
        row = {"way": name, "n": part.n, "events": part.events, "threshold": float(frozen[name]), **point.counts}
        row |= {"auc": area.value, "auc_low": area.low, "auc_high": area.high}
        rows.append({**row, **measures(point)})
    return pd.DataFrame(rows)


def published(path: str | Path | None) -> pd.DataFrame | None:
    """The published table, one row a way; shares instead of percent; None for a study that follows no paper.

    Parameters
    ----------
    path : path or None
        `B_table3.csv`, from `helpers.data.printed.of`.

    Returns
    -------
    DataFrame or None
        `way` and the columns of `SHOWN`.
    """
    if path is None:
        return None
    raw = pd.read_csv(path)
    raw["way"] = raw["row"].map(PUBLISHED_ROWS)
    raw["measure"] = raw["statistic"].map(STATISTICS)
    raw["number"] = np.where(raw["unit"] == "%", raw["value_num"] / 100, raw["value_num"])
    wide = raw.pivot(index="way", columns="measure", values="number")
    return wide.loc[list(PUBLISHED_ROWS.values()), list(SHOWN)].reset_index()


def beside(made: pd.DataFrame, paper: pd.DataFrame | None) -> pd.DataFrame:
    """The printed table: each way with its intervals, and below it what the paper prints, which has none.

    Without a paper there is no column `Source`.

    Parameters
    ----------
    made : DataFrame
        From `table`.
    paper : DataFrame or None
        From `published`.

    Returns
    -------
    DataFrame
        Text: `Way`, `Source`, `AUC` and the columns of the published table.
    """
    heads = {"auc": "AUC", **HEADS}
    text = printed(made, heads)
    if paper is None:
        return text.rename(columns={"way": "Way"})[["Way", *heads.values()]]
    rows = []
    for line in text.to_dict("records"):
        rows.append({"Way": line["way"], "Source": "this book", **{head: line[head] for head in heads.values()}})
        own = paper[paper["way"] == line["way"]]
        if len(own):
            numbers = {head: f"{own.iloc[0][name]:.3f}" for name, head in HEADS.items()}
            rows.append({"Way": line["way"], "Source": "paper", "AUC": "–", **numbers})
    return pd.DataFrame(rows)


def quoted(paper: pd.DataFrame | None) -> dict[str, str]:
    """What the captions say of printed values; empty without a paper."""
    if paper is None:
        return {"below": "", "crosses": ""}
    return {
        "below": "Below each way stands what the paper prints for other patients, without intervals.",
        "crosses": "Crosses are the published values of other patients.",
    }


def pairs(part: Panel, frozen: Mapping[str, Threshold], wanted: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Paired differences of every column of the published table, and of the AUC.

    Parameters
    ----------
    part : Panel
    frozen : mapping of model to Threshold
    wanted : sequence of (a, b)

    Returns
    -------
    DataFrame
        `a, b, measure, difference, difference_low, difference_high, p_value, p_holm`; of likelihood ratios the ratio.
    """
    called = {name: risk >= float(frozen[name]) for name, risk in part.risks.items()}
    areas = comparisons(part, wanted).assign(measure="auc")
    frames = []
    for a, b in wanted:
        own = areas[(areas["a"] == a) & (areas["b"] == b)]
        frames.append(own.drop(columns="p_holm"))
        made = compare_decisions(part.label, called[a], called[b], patient_id=part.patient_id).frame().assign(a=a, b=b)
        ratio = made["measure"].isin(RATIOS)
        for name, other in (("difference", "ratio"), ("low", "ratio_low"), ("high", "ratio_high")):
            made[name] = np.where(ratio, made[other], made[name])
        made = made.rename(columns={"low": "difference_low", "high": "difference_high"})
        frames.append(made[made["measure"].isin(SHOWN)])
    names = ["a", "b", "measure", "difference", "difference_low", "difference_high", "p_value"]
    found = pd.concat([frame[names] for frame in frames], ignore_index=True)
    return found.assign(p_holm=holm(found["p_value"]))


def pairs_shown(found: pd.DataFrame) -> pd.DataFrame:
    """One row a pair, one column a measure, with Holm's P.

    Returns
    -------
    DataFrame
        Text: `a`, `b`, `AUC` and the columns of the published table.
    """
    text = printed(found, {"difference": "text"})
    text["text"] = (
        text["text"]
        + "; P "
        + text["p_holm"]
        .map(p_text)
        .where(text["p_holm"].map(lambda p: str(p_text(p)).startswith(("<", ">"))), "= " + text["p_holm"].map(p_text))
    )
    text["head"] = text["measure"].map({"auc": "AUC", **HEADS})
    wide = text.pivot(index=["a", "b"], columns="head", values="text")
    order = list(dict.fromkeys(found[["a", "b"]].itertuples(index=False, name=None)))
    return wide.loc[order, ["AUC", *HEADS.values()]].reset_index()


def plot(made: pd.DataFrame, paper: pd.DataFrame | None) -> Figure:
    """Shares of every way as points with intervals, and the published ones as crosses; likelihood ratios on a log axis.

    Parameters
    ----------
    made : DataFrame
        From `table`.
    paper : DataFrame or None
        From `published`.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    ways = list(made["way"])
    looks = palette.styles(ways)
    groups = (("auc", *SHOWN[:5]), RATIOS)
    size = (10.0, 1.4 + 0.14 * len(ways) * len(groups[0]))
    figure, axes = plt.subplots(1, 2, figsize=size, width_ratios=(3, 2), layout="constrained")
    for ax, names in zip(axes, groups):
        long = pd.DataFrame(
            [
                {
                    "model": row["way"],
                    "measure": name,
                    "value": row[name],
                    "low": row[f"{name}_low"],
                    "high": row[f"{name}_high"],
                }
                for name in names
                for row in made.to_dict("records")
            ]
        )
        titles = {**TITLES, "auc": "AUC"}
        forest(long, ax=ax, looks=looks, names=titles, legend=False)
        if paper is not None:
            _crosses(ax, names, ways, paper)
    axes[0].set_xlim(0, 1.01)
    axes[1].set_xscale("log")
    axes[1].axvline(1, color=palette.REFERENCE, linewidth=1, linestyle=":")
    axes[1].xaxis.set_major_formatter("{x:g}")
    axes[1].xaxis.set_minor_formatter("")
    handles, names = axes[0].get_legend_handles_labels()
    if paper is not None:
        handles += axes[0].plot([], [], marker="x", color="black", linestyle="none")
        names += ["published"]
    figure.legend(handles, names, loc="outside lower center", ncols=6, frameon=False)
    return figure


def _crosses(ax, names: Sequence[str], ways: Sequence[str], paper: pd.DataFrame) -> None:
    """Published values as crosses in the row of their measure."""
    known = paper.set_index("way")
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(ways)) if len(ways) > 1 else np.zeros(1)
    for row, name in enumerate(names):
        for way, offset in zip(ways, offsets):
            if way in known.index and name in known:
                ax.plot(known.loc[way, name], row + offset, marker="x", color="black", markersize=5, linestyle="none")


def sentence(found: pd.DataFrame, a: str, b: str, *, what: str) -> str:
    """What one way adds over another, in a sentence that claims no more than its intervals.

    Parameters
    ----------
    found : DataFrame
        From `pairs`.
    a, b : str
    what : str
        What distinguishes a from b.

    Returns
    -------
    str
    """
    own = found[(found["a"] == a) & (found["b"] == b)].set_index("measure")
    row = own.loc["auc"]
    low, high = row["difference_low"], row["difference_high"]
    size = f"{row['difference']:+.3f} (95 % CI {low:+.3f} to {high:+.3f})".replace("-", "−")
    if low <= 0 <= high:
        return f"{what} changes the AUC by {size}, which leaves both directions open."
    effect, p = "gain" if low > 0 else "loss", p_text(row["p_holm"])
    said = f"P {p}" if p.startswith(("<", ">")) else f"P = {p}"
    verdict = "it holds" if row["p_holm"] < 0.05 else "it does not hold"
    return f"{what} changes the AUC by {size}; beside all comparisons of the table {verdict} as a {effect} ({said})."


def ranks(part: Panel, *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """How often each way has the highest, and the lowest, AUC when patients are drawn again.

    Parameters
    ----------
    part : Panel
    resamples : int
    seed : int

    Returns
    -------
    DataFrame
        `way, auc, first, last`; a tie counts for each of the tied ways in equal parts.
    """
    names = list(part.risks)
    drawn = bootstrap_counts(part.label, patient_id=part.patient_id, resamples=resamples, seed=seed)
    again = np.array([[_weighted_auc(part.label, part.risks[name], counts) for name in names] for counts in drawn])
    rows = {"way": names, "auc": [_weighted_auc(part.label, part.risks[name], np.ones(part.n)) for name in names]}
    for word, best in (("first", again.max(axis=1)), ("last", again.min(axis=1))):
        hit = again == best[:, None]
        rows[word] = (hit / hit.sum(axis=1, keepdims=True)).mean(axis=0)
    return pd.DataFrame(rows)


def ranks_text(resamples: int) -> str:
    """How `ranks` are counted, in a sentence."""
    return (
        f"{resamples} bootstrap samples of patients, stratified by outcome, all nodes of a patient together "
        "(doi:10.1111/j.1467-9868.2007.00593.x)."
    )


def _weighted_auc(label: np.ndarray, risk: np.ndarray, counts: np.ndarray) -> float:
    """AUC of cases that are drawn several times, ties as one half."""
    levels, place = np.unique(risk, return_inverse=True)
    positive = np.bincount(place, weights=counts * (label == 1), minlength=len(levels))
    negative = np.bincount(place, weights=counts * (label == 0), minlength=len(levels))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def answers(found: pd.DataFrame, made: pd.DataFrame) -> dict[str, str]:
    """The sentences of the page: what outlining adds, what the report adds, and how the report does alone.

    Parameters
    ----------
    found : DataFrame
        From `pairs`.
    made : DataFrame
        From `table`.

    Returns
    -------
    dict of str to str
        `outlining`, `together`, `report`; empty where a way is absent.
    """
    there = set(found[["a", "b"]].itertuples(index=False, name=None))
    said = {"outlining": "", "together": "", "report": ""}
    if ("joint", "classification") in there:
        said["outlining"] = sentence(found, "joint", "classification", what="Outlining beside classifying")
    pair = next((pair for pair in there if set(pair) == {"joint", "report and model"}), None)
    if pair is not None:
        flipped = found if pair[0] == "report and model" else _flipped(found)
        said["together"] = sentence(flipped, "report and model", "joint", what="The report beside the joint network")
    own = made[made["way"] == "report"]
    if len(own):
        row = own.iloc[0]
        said["report"] = (
            f"The report alone: sensitivity {row['sensitivity']:.0%} (95 % CI {row['sensitivity_low']:.0%} to "
            f"{row['sensitivity_high']:.0%}), specificity {row['specificity']:.0%} ({row['specificity_low']:.0%} to "
            f"{row['specificity_high']:.0%})."
        )
    return said


def _flipped(found: pd.DataFrame) -> pd.DataFrame:
    """The same differences of AUC, b minus a."""
    turned = found[found["measure"] == "auc"].rename(columns={"a": "b", "b": "a"})
    low, high = -turned["difference_high"], -turned["difference_low"]
    return turned.assign(difference=-turned["difference"], difference_low=low, difference_high=high)

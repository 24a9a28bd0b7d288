"""Several ways to one diagnosis side by side: the published table with intervals, paired differences, what is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.auc import auc
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
METHODS = (
    "AUC by DeLong (doi:10.2307/2531595), by patient where patients have several nodes (Obuchowski 1997, "
    "doi:10.2307/2533958); sensitivity, specificity, accuracy and predictive values by Wilson "
    "(doi:10.1080/01621459.1927.10502953), on the effective sample size where patients have several nodes "
    "(doi:10.1093/jssam/smv024); likelihood ratios on the log scale (doi:10.1016/0895-4356(91)90128-V). Each way is "
    "judged at its own threshold, fixed before the judged nodes were looked at."
)
PAIRED = (
    "Differences at the frozen thresholds, of likelihood ratios the ratio (doi:10.1093/biostatistics/kxn025). "
    "Sensitivity, specificity and accuracy: mid-P McNemar (doi:10.1186/1471-2288-13-91) with Tango's interval; "
    "predictive values: weighted generalised score (doi:10.1002/sim.5587); where patients have several nodes: Wald by "
    "patient (doi:10.2307/1402588). AUC: DeLong, by patient (doi:10.2307/2533958). P after Holm "
    "(https://www.jstor.org/stable/4615733) within each measure, over all pairs of ways of this page."
)
ASKED = (("joint", "classification"), ("joint", "report"), ("report and model", "joint"))  # what the question asks for
RATIOS = ("lr_positive", "lr_negative")
MEASURES = {"auc": "AUC", **HEADS}


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


def published(table: str | Path | None, text: str | Path | None) -> pd.DataFrame | None:
    """What the paper prints of each way; shares instead of percent; None for a study that follows no paper.

    Parameters
    ----------
    table, text : path or None
        `B_table3.csv` and `B_text.csv`, from `helpers.data.printed.of`.

    Returns
    -------
    DataFrame or None
        `way`, `auc` (of the text; NaN where it prints none) and the columns of `SHOWN`.
    """
    if table is None:
        return None
    raw, said = pd.read_csv(table), pd.read_csv(text)
    raw["number"] = np.where(raw["unit"] == "%", raw["value_num"] / 100, raw["value_num"])
    raw["measure"] = raw["statistic"].map(STATISTICS)
    wide = raw.pivot(index="row", columns="measure", values="number").loc[list(PUBLISHED_ROWS), list(SHOWN)]
    areas = said[(said["statistic"] == "AUC") & (said["column"] == "test")].set_index("row")["value_num"]
    wide.insert(0, "auc", areas.reindex(wide.index))
    return wide.rename(index=PUBLISHED_ROWS).rename_axis("way").reset_index()


def beside(made: pd.DataFrame, paper: pd.DataFrame | None) -> pd.DataFrame:
    """The printed table: a row a measure, a column a way, and beside it what the paper prints, without intervals.

    Parameters
    ----------
    made : DataFrame
        From `table`.
    paper : DataFrame or None
        From `published`.

    Returns
    -------
    DataFrame
        Text: `Measure`, each way, and `<way>, paper` behind each way that the paper has.
    """
    text = printed(made, MEASURES, digits=2).set_index("way")
    known = {} if paper is None else paper.set_index("way").to_dict("index")
    columns: dict[str, list[str]] = {"Measure": list(MEASURES.values())}
    for way in made["way"]:
        columns[way] = text.loc[way, list(MEASURES.values())].tolist()
        if way in known:
            columns[f"{way}, paper"] = [_quoted(known[way][name], 2 if name in RATIOS else 3) for name in MEASURES]
    return pd.DataFrame(columns)


def _quoted(value: float, digits: int) -> str:
    return "not reported" if np.isnan(value) else f"{value:.{digits}f}"


def one_point(part: Panel) -> str:
    """Which ways are a yes or no, so that their AUC is that of one operating point, in a sentence; empty of none."""
    names = [name for name, risk in part.risks.items() if len(np.unique(risk)) <= 2]
    return f"Where a way says yes or no only ({', '.join(names)}), its AUC is of one operating point." if names else ""


def quoted(paper: pd.DataFrame | None) -> dict[str, str]:
    """What the captions say of printed values; empty without a paper."""
    if paper is None:
        return {"beside": "", "crosses": ""}
    return {
        "beside": "Beside a way stands what the paper prints for other patients, without intervals.",
        "crosses": "Crosses are the published values of other patients.",
    }


def family(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair of ways, those that the question asks for first and in its direction.

    Examples
    --------
    >>> family(["joint", "report", "report and model"])
    [('joint', 'report'), ('report and model', 'joint'), ('report', 'report and model')]
    """
    asked = [pair for pair in ASKED if set(pair) <= set(names)]
    seen = [set(pair) for pair in asked]
    return asked + [pair for pair in combinations(names, 2) if set(pair) not in seen]


def pairs(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """Paired differences of every column of the published table, and of the AUC, for every pair of ways.

    Parameters
    ----------
    part : Panel
    frozen : mapping of model to Threshold

    Returns
    -------
    DataFrame
        `a, b, measure, difference, difference_low, difference_high, p_value, p_holm`; of likelihood ratios the ratio.
        Holm's adjustment runs within each measure.
    """
    wanted = family(list(part.risks))
    names = ["a", "b", "measure", "difference", "difference_low", "difference_high", "p_value"]
    if not wanted:
        return pd.DataFrame(columns=[*names, "p_holm"])
    called = {name: risk >= float(frozen[name]) for name, risk in part.risks.items()}
    areas = comparisons(part, wanted).assign(measure="auc")
    frames = []
    for a, b in wanted:
        frames.append(areas.loc[(areas["a"] == a) & (areas["b"] == b), names])
        made = compare_decisions(part.label, called[a], called[b], patient_id=part.patient_id).frame().assign(a=a, b=b)
        ratio = made["measure"].isin(RATIOS)
        for name, other in (("difference", "ratio"), ("low", "ratio_low"), ("high", "ratio_high")):
            made[name] = np.where(ratio, made[other], made[name])
        made = made.rename(columns={"low": "difference_low", "high": "difference_high"})
        frames.append(made.loc[made["measure"].isin(SHOWN), names])
    found = pd.concat(frames, ignore_index=True)
    return found.assign(p_holm=found.groupby("measure")["p_value"].transform(holm))


def pairs_shown(found: pd.DataFrame, *, asked: bool) -> pd.DataFrame | None:
    """One row a measure, one column a pair: difference (of likelihood ratios the ratio), interval and Holm's P.

    Parameters
    ----------
    found : DataFrame
        From `pairs`.
    asked : bool
        The pairs that the question asks for (all, where a study has none of them), or the others.

    Returns
    -------
    DataFrame or None
        `Measure`, then a column of text for each pair; None without such pairs.
    """
    every = _in_order(found)
    first = [pair for pair in every if pair in ASKED] or every
    chosen = first if asked else [pair for pair in every if pair not in first]
    columns = {"Measure": [f"{head}, ratio" if name in RATIOS else head for name, head in MEASURES.items()]}
    for a, b in chosen:
        own = found[(found["a"] == a) & (found["b"] == b)].set_index("measure").loc[list(MEASURES)]
        limits = printed(own, {"difference": "text"}, digits=2)["text"]
        columns[f"{a} − {b}"] = [text if np.isnan(p) else f"{text}; {_p(p)}" for text, p in zip(limits, own["p_holm"])]
    return pd.DataFrame(columns) if chosen else None


def _in_order(found: pd.DataFrame) -> list[tuple[str, str]]:
    return list(dict.fromkeys(found[["a", "b"]].itertuples(index=False, name=None)))


def _p(value: float) -> str:
    said = p_text(value)
    return f"P {said}" if said.startswith(("<", ">")) else f"P = {said}"


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
        forest(long, ax=ax, looks=looks, names={**TITLES, "auc": "AUC"}, legend=False)
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
    if np.isnan(low) or low <= 0 <= high:
        return f"{what} changes the AUC by {size}, which leaves both directions open."
    effect, p = "gain" if low > 0 else "loss", f"{_p(row['p_holm'])} after Holm"
    beside = f"all {len(_in_order(found))} pairs of ways compared ({p})"
    held = f"also with {beside}" if row["p_holm"] < 0.05 else f"but not with {beside}"
    return f"{what} changes the AUC by {size}: a {effect} in this comparison, {held}."


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
    there, said = _in_order(found), {"outlining": "", "together": "", "report": ""}
    if ("joint", "classification") in there:
        said["outlining"] = sentence(found, "joint", "classification", what="Outlining beside classifying")
    if ("report and model", "joint") in there:
        said["together"] = sentence(found, "report and model", "joint", what="The report beside the joint network")
    own = made[made["way"] == "report"]
    if len(own):
        row = own.iloc[0]
        said["report"] = (
            f"The report alone: sensitivity {row['sensitivity']:.0%} (95 % CI {row['sensitivity_low']:.0%} to "
            f"{row['sensitivity_high']:.0%}), specificity {row['specificity']:.0%} ({row['specificity_low']:.0%} to "
            f"{row['specificity_high']:.0%})."
        )
    return said

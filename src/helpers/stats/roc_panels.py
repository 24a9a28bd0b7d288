"""ROC curves of several models and splits: one square a split, or one square a model when there are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats import palette
from helpers.stats.auc import DELONG, OBUCHOWSKI
from helpers.stats.models import MANY, Panel
from helpers.stats.roc_curve import Roc, corners, legend_below, plot_rocs, roc
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALE = "#D0D0D0"  # the other models, behind the one that a square is about


def rocs(part: Panel, frozen: Mapping[str, Threshold] | None = None) -> list[Roc]:
    """ROC curves of all models of a split, with their frozen operating points when given."""
    return [
        roc(
            part.label,
            risk,
            patient_id=part.patient_id,
            interval="auto",
            name=name,
            threshold=frozen[name] if frozen else None,
        )
        for name, risk in part.risks.items()
    ]


def every(parts: Sequence[Panel], frozen: Mapping[str, Threshold], *, judged: Sequence[Panel]) -> dict[str, list[Roc]]:
    """Curves by title of the split; operating points only where models are judged.

    Returns
    -------
    dict of str to list of Roc
    """
    marked = {part.split for part in judged}
    return {part.title: rocs(part, frozen if part.split in marked else None) for part in parts}


def points(curves: Mapping[str, Sequence[Roc]]) -> pd.DataFrame:
    """The points of all ROC curves: `split, model, threshold, sensitivity, specificity, tp, fp`.

    Points on a straight run are left out: they change neither the curve nor its area.
    """
    rows = []
    for split, made in curves.items():
        for curve in made:
            frame = curve.frame().iloc[corners(curve.fp, curve.tp)]
            rows.append(frame.assign(split=split, model=curve.name))
    table = pd.concat(rows, ignore_index=True)
    return table[["split", "model", *table.columns.drop(["split", "model"])]]


def plot(curves: Mapping[str, Sequence[Roc]]) -> Figure:
    """Draw all curves: one square a split up to five models, else one square a model over the others in grey.

    Parameters
    ----------
    curves : mapping of split title to curves
        From `every`.

    Returns
    -------
    matplotlib Figure
    """
    # judged splits first: a model then has the look that it has wherever the judged cases are drawn
    ordered = sorted(curves.values(), key=lambda made: made[0].operating is None)
    names = list(dict.fromkeys(curve.name for made in ordered for curve in made))
    return _by_split(curves, names) if len(names) <= MANY else _by_model(curves, names)


def methods(curves: Mapping[str, Sequence[Roc]]) -> str:
    """How the curves and their areas were made, and on how many cases in each split."""
    made = [curve.auc for split in curves.values() for curve in split]
    several = any(one.patients < one.n for one in made)
    error = OBUCHOWSKI if several else DELONG
    size = [f"{split} n = {own[0].n:,}, {own[0].events:,} events" for split, own in curves.items()]
    notes = [f"{split}, {one.name}: {one.auc.note}." for split, own in curves.items() for one in own if one.auc.note]
    text = (
        f"Empirical ROC curves, all thresholds; AUC with {100 * made[0].level:.10g} % confidence interval by {error}, "
        "on the logit scale where the AUC is above 0.95 or the usual interval would leave [0, 1], exact where it is 0 "
        f"or 1. {'; '.join(size)}."
    )
    return " ".join([text, *notes])


def _by_split(curves: Mapping[str, Sequence[Roc]], names: list[str]) -> Figure:
    lines = max(len(made) * (1 + (made[0].operating is not None)) for made in curves.values())
    figure, axes = palette.grid(len(curves), columns=2, width=5.4, height=5.3 + 0.21 * lines)
    looks = palette.styles(names)
    for ax, (split, made) in zip(axes, curves.items()):
        plot_rocs(made, ax=ax, looks=looks)
        ax.set_title(split)
    return figure


def _by_model(curves: Mapping[str, Sequence[Roc]], names: list[str]) -> Figure:
    """Only the splits with operating points: of the others the table of AUCs says enough."""
    judged = {split: made for split, made in curves.items() if any(c.operating is not None for c in made)} or curves
    figure, axes = palette.grid(len(names), columns=4, width=3.0, height=3.3 + 0.17 * len(judged))
    looks = palette.styles(names)
    first = next(iter(judged.values()))
    for ax, name in zip(axes, names):
        palette.roc_square(ax)
        for other in first:
            _line(ax, other, color=PALE, linewidth=0.8, zorder=1)
        for (split, made), line in zip(judged.items(), ("-", "--", ":")):
            for curve in (c for c in made if c.name == name):
                text = f"{split}: {curve.auc.value:.2f} ({curve.auc.low:.2f}–{curve.auc.high:.2f})"
                _line(ax, curve, color=looks[name].color, linestyle=line, linewidth=1.6, label=palette.label(text))
                if curve.operating is not None:
                    sensitivity, specificity = curve.at(curve.operating)
                    fill = looks[name].color if line == "-" else "white"
                    mark = {"color": looks[name].color, "markerfacecolor": fill, "zorder": 4}
                    ax.plot(1 - specificity, sensitivity, marker="o", markersize=6, **mark)
        ax.set_title(name, fontsize=10)
        legend_below(ax, fontsize=7, title="AUC (95 % CI)", title_fontsize=7, handlelength=1.6)
    palette.label_edges(axes, columns=4)
    return figure


def _line(ax: Axes, curve: Roc, **look: object) -> None:
    keep = corners(curve.fp, curve.tp)
    ax.plot(1 - curve.specificity[keep], curve.sensitivity[keep], **look)

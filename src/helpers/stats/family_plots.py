"""Pictures of families of networks: their ROC curves, each network with its twin, and counts at a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette
from helpers.stats.models import Panel
from helpers.stats.roc_curve import plot_rocs, roc
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def by_family(part: Panel, families: Mapping[str, Sequence[str]], frozen: Mapping[str, Threshold]) -> Figure:
    """One square a family with the ROC curves of its networks and their frozen operating points.

    Parameters
    ----------
    part : Panel
        Of the judged cases, with every network.
    families : mapping of family to names in the panel
    frozen : mapping of name to Threshold

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = palette.grid(len(families), columns=2, width=5.2, height=7.4)
    for ax, (family, names) in zip(axes, families.items()):
        short = {name: name.removeprefix(f"{family} ") for name in names}
        curves = [
            roc(
                part.label,
                part.risks[name],
                patient_id=part.patient_id,
                interval="auto",
                name=short[name],
                threshold=frozen[name],
            )
            for name in names
        ]
        plot_rocs(curves, ax=ax)
        _explain_below(ax)
        ax.set_title(family)
    return figure


def _explain_below(ax: Axes) -> None:
    """Put the legend under the square: a curve may run anywhere inside it, also below the diagonal."""
    handles, texts = ax.get_legend_handles_labels()
    size = ax.get_legend().get_title().get_text()
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "frameon": False}
    ax.legend(handles, texts, title=size, title_fontsize="small", fontsize="x-small", **place)


def twin_squares(part: Panel, twins: Mapping[str, Mapping[str, str]]) -> Figure:
    """One square a network, with its ROC curve in every family.

    Parameters
    ----------
    part : Panel
    twins : mapping of network to mapping of family to name in the panel

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = palette.grid(len(twins), columns=3, width=3.9, height=4.7)
    looks = palette.styles(list(dict.fromkeys(family for found in twins.values() for family in found)))
    for ax, (network, found) in zip(axes, twins.items()):
        curves = [
            roc(part.label, part.risks[name], patient_id=part.patient_id, interval="auto", name=family)
            for family, name in found.items()
        ]
        plot_rocs(curves, ax=ax, looks=looks)
        _explain_below(ax)
        ax.set_title(network, fontsize="medium")
    return figure


def confusion(parts: Sequence[Panel], model: str, threshold: float, *, positive: str, negative: str) -> Figure:
    """Counts of the 2 x 2 table of one model in every split, coloured by the share of the truth's row.

    Parameters
    ----------
    parts : sequence of Panel
    model : str
    threshold : float
        Positive when risk >= threshold.
    positive, negative : str
        What the classes are called.

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = palette.grid(len(parts), columns=2, width=3.6, height=3.4)
    for ax, part in zip(axes, parts):
        called, truth = part.risks[model] >= threshold, part.label > 0
        counts = np.array([[np.sum((truth == t) & (called == c)) for c in (True, False)] for t in (True, False)])
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(2, 2):
            text = f"{counts[i, j]}\n{share[i, j]:.0%}"
            ax.text(j, i, text, ha="center", va="center", color="white" if share[i, j] > 0.6 else "black")
        ax.set_xticks([0, 1], [positive, negative], fontsize="small")
        ax.set_yticks([0, 1], [positive, negative], fontsize="small", rotation=90, va="center")
        ax.set(xlabel="Called", ylabel="Truth", title=f"{part.title}, n = {part.n}")
        ax.tick_params(length=0)
    return figure

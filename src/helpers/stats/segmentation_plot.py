"""Pictures of how well outlines fit: every case, boxes, areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.segmentation import MEASURES
from helpers.stats.segmentation_failures import KINDS
from helpers.stats.segmentation_summary import TITLES

MARKERS = ("o", "v", "^", "s", "X", "D", "P", "*", "h")  # one for each of `KINDS`: readable without colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def boxes(cases: pd.DataFrame, *, seed: int = 0) -> Figure:
    """Every case as a dot beside a box of the quartiles, one panel a measure; the counterpart of the paper's Figure 3.

    Parameters
    ----------
    cases : DataFrame
        From `segmentation.measure`, of one or several networks.
    seed : int
        Of the sideways scatter.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    networks = list(dict.fromkeys(cases["network"]))
    looks, rng = palette.styles(networks), np.random.default_rng(seed)
    width = 2.2 + 1.1 * len(networks)
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(width * len(MEASURES), 4.2), layout="constrained")
    for ax, measure in zip(axes, MEASURES):
        for place, network in enumerate(networks):
            values = cases.loc[cases["network"] == network, measure].to_numpy(float)
            box = ax.boxplot(values, positions=[place - 0.2], widths=0.28, showfliers=False, whis=(0, 100))
            for part in (line for lines in box.values() for line in lines):
                part.set_color("black")
            beside = place + 0.2 + rng.uniform(-0.14, 0.14, values.size)
            ax.plot(beside, values, **looks[network].point(), markersize=3, alpha=0.5)
        ax.set(xticks=range(len(networks)), xlim=(-0.6, len(networks) - 0.4), ylabel=TITLES[measure])
        ax.set_xticklabels(networks)
        if measure == "hd95_mm":
            ax.set_ylim(bottom=0)
        else:
            ax.set_ylim(-0.02, 1.02)
    return figure


def against_size(cases: pd.DataFrame) -> Figure:
    """Dice against the area that was drawn by hand, one panel a network; failures by their kind.

    Parameters
    ----------
    cases : DataFrame
        With `kind` of `segmentation_failures.kinds`.
    """
    import matplotlib.pyplot as plt

    networks = list(dict.fromkeys(cases["network"]))
    there = set(cases["kind"])
    looks = [look for look in zip(KINDS, MARKERS, (*palette.COLORS, *palette.COLORS)) if look[0] in there]
    size = (4.4 * len(networks), 4.6)
    figure, axes = plt.subplots(1, len(networks), figsize=size, squeeze=False, sharey=True, layout="constrained")
    for ax, network in zip(axes.flat, networks):
        own = cases[cases["network"] == network]
        for kind, marker, color in looks:
            part = own[own["kind"] == kind]
            look = {"linestyle": "none", "marker": marker, "color": color, "markersize": 5, "alpha": 0.7}
            ax.plot(part["area_reference_mm2"], part["dice"], **look, label=kind)
        ax.set(xscale="log", xlabel="Area drawn by hand (mm², log scale)", title=network, ylim=(-0.03, 1.02))
        ax.xaxis.set_major_formatter("{x:g}")
    axes.flat[0].set_ylabel("Dice")
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    return figure


def areas(cases: pd.DataFrame, agreement: pd.DataFrame) -> Figure:
    """Bland-Altman plot of areas: the ratio of outlined to drawn area against their geometric mean, both on log scales.

    Parameters
    ----------
    cases : DataFrame
        From `segmentation.measure`.
    agreement : DataFrame
        From `segmentation_summary.area_agreement`.
    """
    import matplotlib.pyplot as plt

    networks = list(dict.fromkeys(cases["network"]))
    looks = palette.styles(networks)
    size = (4.4 * len(networks), 4.0)
    figure, axes = plt.subplots(
        1, len(networks), figsize=size, squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for ax, network in zip(axes.flat, networks):
        own = cases[(cases["network"] == network) & (cases["area_mm2"] > 0)]
        middle = np.sqrt(own["area_mm2"] * own["area_reference_mm2"])
        ratio = own["area_mm2"] / own["area_reference_mm2"]
        ax.plot(middle, ratio, **looks[network].point(), markersize=4, alpha=0.6)
        row = agreement[agreement["network"] == network].iloc[0]
        for name, line in (("ratio", "-"), ("lower_limit", "--"), ("upper_limit", "--")):
            if np.isfinite(row.get(name, np.nan)):
                ax.axhspan(row[f"{name}_low"], row[f"{name}_high"], color=palette.REFERENCE, alpha=0.2, linewidth=0)
                ax.axhline(row[name], color="black", linestyle=line, linewidth=1)
        ax.axhline(1, color=palette.REFERENCE, linestyle=":", linewidth=1)
        ax.set(xscale="log", yscale="log", title=network, xlabel="Geometric mean of both areas (mm²)")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter("{x:g}")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter("")
    axes.flat[0].set_ylabel("Outlined area / drawn area")
    return figure

"""The forest plot of subgroups, with their numbers beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.subgroups import Subgroups


def draw(result: Subgroups, ax: Axes | None) -> Axes:
    """Draw a forest plot; see `Subgroups.plot`."""
    from helpers.stats.subgroups import MEASURES

    table = result.frame()
    titles = {name: k for k, name in enumerate(dict.fromkeys(table["variable"][1:]))}
    lines = len(table) + len(titles)
    ax = palette.axes(ax, width=7.4, height=0.9 + 0.27 * lines)
    beside = ax.get_yaxis_transform()
    p_values = result.interaction.drop_duplicates("variable").set_index("variable")["p_value"]
    names, place, last = [], 0.0, None
    for _, row in table.iterrows():
        if row["variable"] != last and row["variable"] in titles:
            names.append((place, f"{row['variable']}", True))
            p = p_values.get(row["variable"], np.nan)
            if np.isfinite(p):
                shown = "P < 0.001" if p < 0.001 else f"P = {p:.3f}"
                ax.text(1.02, place, f"interaction {shown}", transform=beside, va="center", fontsize=8, style="italic")
            place += 1
        last = row["variable"]
        whole = row["variable"] == "all"
        names.append((place, "All" if whole else f"    {row['level']}", whole))
        numbers = f"{row['events']:,} / {row['n']:,}"
        if row["estimated"]:
            error = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            look = {"color": "black", "marker": "D"} if whole else {"color": palette.COLORS[0], "marker": "s"}
            ax.errorbar(row["value"], place, xerr=error, markersize=5, capsize=2, linestyle="none", **look)
            numbers += f"   {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        else:
            numbers += "   too small to estimate"
        ax.text(1.02, place, numbers, transform=beside, va="center", fontsize=8)
        place += 1
    ax.axvline(result.overall.value, color=palette.REFERENCE, linewidth=1, linestyle="--")
    ax.set_yticks([at for at, *_ in names], [text for _, text, _ in names], ha="left")
    ax.tick_params(axis="y", length=0, pad=105)
    for tick, (*_, bold) in zip(ax.get_yticklabels(), names):
        tick.set_fontweight("bold" if bold else "normal")
        tick.set_fontsize(9)
    ax.set(ylim=(place - 0.4, -0.6), xlabel=MEASURES[result.measure])
    ax.text(1.02, 1.0, "events / n   estimate", transform=ax.transAxes, va="bottom", fontsize=8, fontweight="bold")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if result.measure == "observed_expected":
        ax.set_xscale("log")
    return ax

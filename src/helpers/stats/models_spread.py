"""The instability plot of several models: a small square for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.stats import palette
from helpers.stats.instability import Instability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(spread: Instability) -> Figure | None:
    """Draw each run's risk against the reference, one square for every model that has several runs.

    Parameters
    ----------
    spread : Instability

    Returns
    -------
    matplotlib Figure or None
        None where no model has more than one run, so that there is no spread to see.
    """
    several = [runs for runs in spread.models if len(runs.risks) > 1]
    if not several:
        return None
    figure, axes = palette.grid(len(several), columns=4, width=3.4, height=3.5)
    for ax, runs in zip(axes, several):
        Instability((runs,), spread.kind).plot(ax)
        ax.get_legend().remove()
        ax.set_title(f"{runs.model}, {len(runs.risks)} runs", fontsize=10)
    palette.label_edges(axes, columns=4)
    return figure

"""The instability plot of several models: a small square for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats import instability, palette
from helpers.stats.thresholds import Threshold

ALONE = "Each model has one run here, so what other random numbers would give is not known."

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def over_seeds(table: pd.DataFrame, *, thresholds: Mapping[str, Threshold | float]) -> instability.Instability | None:
    """Spread of the models that have several runs; None where every model has one, so that there is no spread to see.

    Parameters
    ----------
    table : DataFrame
        Rows of one split of a predictions table.
    thresholds : mapping of model to Threshold or float
        At which decisions are compared.

    Returns
    -------
    Instability or None
        From `instability.over_seeds`.
    """
    made = instability.over_seeds(table, thresholds=thresholds)
    models = tuple(runs for runs in made.models if len(runs.risks) > 1)
    return instability.Instability(models, made.kind) if models else None


def plot(spread: instability.Instability) -> Figure:
    """Draw each run's risk against the reference, one square a model.

    Parameters
    ----------
    spread : Instability
        From `over_seeds`.

    Returns
    -------
    matplotlib Figure
    """
    figure, axes = palette.grid(len(spread.models), columns=4, width=3.4, height=3.5)
    for ax, runs in zip(axes, spread.models):
        instability.Instability((runs,), spread.kind).plot(ax)
        ax.get_legend().remove()
        ax.set_title(f"{runs.model}, {len(runs.risks)} runs", fontsize=10)
    palette.label_edges(axes, columns=4)
    return figure

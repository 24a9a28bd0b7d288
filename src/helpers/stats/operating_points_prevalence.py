"""Predictive values in other populations: PPV and NPV over the prevalence, sensitivity and specificity held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.operating_points import OperatingPoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID = np.round(np.concatenate([np.arange(0.01, 0.10, 0.01), np.arange(0.10, 0.805, 0.025)]), 3)
METHODS = (
    "Predictive values at another prevalence follow from the likelihood ratios, odds after = odds before × ratio, with "
    "the limits of the ratios (logit scale; Mercaldo 2007, doi:10.1002/sim.2677). The prevalence is taken as known, so "
    "at that of the cases the limits are narrower than in the tables, where it is estimated. They hold as far as "
    "sensitivity and specificity do: where cases are milder or rarer these change too (doi:10.1503/cmaj.121286)."
)


def curve(
    made: Mapping[tuple[str, str], OperatingPoint], *, prevalences: Sequence[float] | np.ndarray = GRID
) -> pd.DataFrame:
    """PPV and NPV of every model over a grid of prevalences.

    Parameters
    ----------
    made : mapping of (split, model) to OperatingPoint
        From `operating_points_table.points`.
    prevalences : array of shape (m,)
        Inside (0, 1); the prevalence of the cases themselves is added.

    Returns
    -------
    DataFrame
        `split, model, prevalence, own, measure, value, low, high`; `own` marks the prevalence of the cases.
    """
    rows = []
    for (split, model), point in made.items():
        own = point.estimates["prevalence"].value
        for prevalence in sorted({*np.asarray(prevalences, float).tolist(), own}):
            for name, found in point.at_prevalence(prevalence).items():
                measure = name.removesuffix("_at_prevalence")
                values = (measure, found.value, found.low, found.high)
                rows.append((split, model, prevalence, prevalence == own, *values))
    columns = ["split", "model", "prevalence", "own", "measure", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def plot(table: pd.DataFrame, *, models: Sequence[str] | None = None, names: Sequence[str] | None = None) -> Figure:
    """Draw PPV and NPV against the prevalence, with bands; the prevalence of the cases is an upright line.

    Parameters
    ----------
    table : DataFrame
        From `curve`.
    models : sequence of str or None
        Which to draw; all when None.
    names : sequence of str or None
        All models of the study, for their looks; those of the table when None.

    Returns
    -------
    matplotlib Figure
    """
    looks = palette.styles(list(names) if names is not None else list(dict.fromkeys(table["model"])))
    models = list(models) if models is not None else list(dict.fromkeys(table["model"]))
    splits = list(dict.fromkeys(table["split"]))
    figure, axes = palette.grid(2 * len(splits), columns=2, width=4.6, height=3.7)
    titles = {"ppv": "PPV", "npv": "NPV"}
    for ax, (split, measure) in zip(axes, [(split, measure) for split in splits for measure in titles]):
        part = table[(table["split"] == split) & (table["measure"] == measure)]
        for model in models:
            rows, look = part[part["model"] == model], looks[model]
            ax.fill_between(100 * rows["prevalence"], rows["low"], rows["high"], color=look.color, alpha=0.10, lw=0)
            ax.plot(100 * rows["prevalence"], rows["value"], lw=1.6, label=palette.label(model), **look.line())
        own = 100 * part.loc[part["own"], "prevalence"].iloc[0]
        ax.axvline(own, color=palette.REFERENCE, lw=1, ls=":")
        ax.text(own + 1, 0.03, f"this study, {own:.0f} %", fontsize=8, color=palette.REFERENCE)
        ax.set(ylim=(0, 1.01), xlim=(0, 80), xlabel="Prevalence", ylabel=titles[measure], title=split)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes[1].legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 0.08))  # NPV is high there
    return figure

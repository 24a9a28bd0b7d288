"""Calibration curves of several models and splits: a square for each, or one a model when there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.stats import palette
from helpers.stats.calibrated import Curves
from helpers.stats.models import MANY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOVE = 54  # points between a square and its title, for the numbers
SECOND = palette.Style("#4D4D4D", "--", "s")  # the external test beside the judged split


def plot(curves: Curves) -> Figure:
    """Draw all curves.

    Up to five models: a square a model with curve, band, numbers and histogram of the risks by outcome, splits side by
    side. More: a small square a model in which the splits lie over each other.

    Parameters
    ----------
    curves : mapping of split title to mapping of model to Calibration
        From `calibrated.every`.

    Returns
    -------
    matplotlib Figure
    """
    names = list(dict.fromkeys(name for made in curves.values() for name in made))
    return _large(curves, names) if len(names) <= MANY else _small(curves, names)


def _large(curves: Curves, names: list[str]) -> Figure:
    looks = palette.styles(names)
    shown = [(name, split) for name in names for split in curves if name in curves[split]]
    columns = 2 if len(curves) == 1 else len(curves)
    figure, axes = palette.grid(len(shown), columns=columns, width=5.2, height=6.8)
    for ax, (name, split) in zip(axes, shown):
        curves[split][name].plot(ax, name=name, style=looks[name])
        ax.set_title(f"{name}: {split}" if len(curves) > 1 else name, fontsize=11, loc="left", pad=ABOVE)
    return figure


def _small(curves: Curves, names: list[str]) -> Figure:
    looks = palette.styles(names)
    figure, axes = palette.grid(len(names), columns=4, width=3.0, height=3.15)
    for ax, name in zip(axes, names):
        ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linewidth=1, linestyle=":")
        for place, (split, made) in enumerate((s, m) for s, m in curves.items() if name in m):
            style = palette.Style(looks[name].color, "-", looks[name].marker) if place == 0 else SECOND
            slope = made[name].slope
            known = f"{slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f})" if slope.value == slope.value else "–"
            text = f"{split}: slope {known}"
            made[name].plot(ax, name=text.replace("-", "−"), style=style, details=False)
        ax.set_title(name, fontsize=10)
        ax.legend(loc="lower right", fontsize=7, framealpha=0.7, edgecolor="none", handlelength=1.6)
    palette.label_edges(axes, columns=4)
    return figure

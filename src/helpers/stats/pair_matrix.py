"""Every pair of many models at a glance: a matrix of differences in AUC with their adjusted P values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def stars(p_value: float) -> str:
    """Marks of an adjusted P value: `*` below 0.05, `**` below 0.01, `***` below 0.001.

    Examples
    --------
    >>> stars(0.03), stars(0.2), stars(0.0001)
    ('*', '', '***')
    """
    return next((mark for limit, mark in LEVELS if p_value < limit), "")


def _signed(value: float) -> str:
    """A difference with its sign, and none where it is rounded to zero."""
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def matrix(pairs: pd.DataFrame, names: Sequence[str], *, value: str = "difference") -> np.ndarray:
    """Square of a pair's value: row minus column, so that the square is antisymmetric; NaN on the diagonal.

    Parameters
    ----------
    pairs : DataFrame
        `a, b` and `value`, one row a pair.
    names : sequence of str
        Order of rows and columns.
    value : str
        Column to set out.

    Examples
    --------
    >>> matrix(pd.DataFrame({"a": ["x"], "b": ["y"], "difference": [0.1]}), ["x", "y"]).round(1).tolist()
    [[nan, 0.1], [-0.1, nan]]
    """
    place = {name: i for i, name in enumerate(names)}
    out = np.full((len(names), len(names)), np.nan)
    for row in pairs.itertuples():
        i, j = place[row.a], place[row.b]
        out[i, j], out[j, i] = getattr(row, value), -getattr(row, value)
    return out


def plot(pairs: pd.DataFrame, aucs: pd.Series) -> Figure:
    """Draw the matrix below its diagonal, models in the order of their AUC, the best first.

    Parameters
    ----------
    pairs : DataFrame
        `a, b, difference, p_holm`.
    aucs : Series
        AUC by model name.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    names = list(aucs.sort_values(ascending=False, kind="stable").index)
    apart = matrix(pairs, names)
    held = np.abs(matrix(pairs, names, value="p_holm"))
    k = len(names)
    figure = Figure(figsize=(0.62 * k + 3.2, 0.5 * k + 2.2), layout="constrained")
    ax = figure.subplots()
    shown = np.where(np.tril(np.ones((k, k), dtype=bool), -1), apart, np.nan)
    limit = float(np.nanmax(np.abs(shown))) or 1.0
    image = ax.imshow(shown, cmap="PuOr", vmin=-limit, vmax=limit)
    for i in range(k):
        for j in range(i):
            dark = abs(shown[i, j]) > 0.6 * limit
            text = f"{_signed(shown[i, j])}\n{stars(held[i, j])}".rstrip()
            ax.text(j, i, text, ha="center", va="center", fontsize="x-small", color="white" if dark else "black")
    ax.set_xticks(range(k - 1), names[:-1], rotation=40, ha="right", fontsize="small")
    ax.set_yticks(range(1, k), [f"{name}  {aucs[name]:.2f}" for name in names[1:]], fontsize="small")
    ax.set(xlim=(-0.5, k - 1.5), ylim=(k - 0.5, 0.5))
    ax.set_title(f"{names[0]}  {aucs[names[0]]:.2f}", loc="left", fontsize="small")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    figure.colorbar(image, ax=ax, shrink=0.7, label="Difference in AUC, row minus column")
    return figure

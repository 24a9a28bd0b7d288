"""Shares with their Monte Carlo intervals, a row for each measure and a mark for each design, against the promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = 0.115  # inches a mark
BETWEEN = 1.6  # marks of room between rows
WIDTH = 5.4  # inches a column


def dots(
    table: pd.DataFrame,
    *,
    value: str,
    line: float,
    limits: tuple[float, float],
    xlabel: str,
    designs: Sequence[str] | None = None,
) -> Figure:
    """Draw shares as marks with their intervals, in two columns of rows.

    Parameters
    ----------
    table : DataFrame
        `label, design, low, high` and the column `value`; one row a mark.
    value : str
    line : float
        The share that was promised.
    limits : tuple of float
        Ends of the axis; what lies beyond is drawn as an arrow at its end.
    xlabel : str
    designs : sequence of str or None
        In the order that fixes their looks, so that each looks alike in every figure; others follow.

    Returns
    -------
    Figure

    Examples
    --------
    >>> row = {"design": "A", "label": "AUC", "low": 0.9, "high": 0.97, "coverage": 0.95}
    >>> len(dots(pd.DataFrame([row]), value="coverage", line=0.95, limits=(0.6, 1), xlabel="share").axes)
    1
    """
    from matplotlib.figure import Figure

    from helpers.stats.palette import styles

    table = table[table[value].notna()]
    rows = list(table.groupby("label", sort=False))
    columns = _columns(rows)
    tall = max(_places(column)[1] for column in columns)
    figure = Figure(figsize=(WIDTH * len(columns), STEP * tall + 1.2), layout="constrained")
    names = list(dict.fromkeys([*(designs or ()), *table["design"]]))
    look = styles(names)
    every = np.atleast_1d(figure.subplots(1, len(columns)))
    for ax, column in zip(every, columns):
        _rows(ax, column, value, line, limits, look)
        ax.set_ylim(tall - BETWEEN / 2, -BETWEEN)
        ax.set_xlabel(xlabel, fontsize=8)
    shown = [name for name in names if name in set(table["design"])]
    handles = [every[0].plot([], [], label=name, **look[name].point(), ms=5)[0] for name in shown]
    figure.legend(handles=handles, fontsize=7, frameon=False, loc="outside upper center", ncols=3)
    return figure


def labels(table: pd.DataFrame, name: str) -> pd.Series:
    """Name of each row: with the method where one design has several methods of that name.

    Parameters
    ----------
    table : DataFrame
        `design, method` and the column `name`.
    name : str

    Returns
    -------
    Series of str

    Examples
    --------
    >>> rows = pd.DataFrame({"design": ["A", "A", "A"], "test": ["x", "x", "y"], "method": ["m", "n", "m"]})
    >>> labels(rows, "test").tolist()
    ['x: m', 'x: n', 'y']
    """
    several = table.groupby(["design", name])["method"].transform("size") > 1
    several = table[name].isin(table.loc[several, name])
    return table[name].where(~several, table[name] + ": " + table["method"])


def wide(table: pd.DataFrame, name: str, value: str) -> pd.DataFrame:
    """Put the designs beside each other: a row a label, a column a design, in the order of the table.

    Parameters
    ----------
    table : DataFrame
        `design, method`, and the columns `name` and `value`.
    name, value : str

    Returns
    -------
    DataFrame
        The first column is `name`; the others are designs, NaN where a design has no such row.

    Examples
    --------
    >>> rows = pd.DataFrame({"design": ["A: 9", "B: 7"], "test": ["x", "x"], "method": ["m", "m"], "share": [0.1, 0.2]})
    >>> wide(rows, "test", "share").to_dict("split")["data"]
    [['x', 0.1, 0.2]]
    """
    rows = table.assign(label=labels(table, name))
    out = rows.pivot_table(index="label", columns="design", values=value, sort=False, dropna=False)
    return out.rename_axis(columns=None).rename_axis(name).reset_index()


def _rows(ax: Axes, column: list, value: str, line: float, limits: tuple[float, float], look: dict) -> None:
    from helpers.stats.palette import REFERENCE

    starts, _ = _places(column)
    ax.axvline(line, color=REFERENCE, lw=0.8, ls=":")
    middles = []
    for number, (start, (_, part)) in enumerate(zip(starts, column)):
        if number % 2:
            ax.axhspan(
                start - BETWEEN / 2 - 0.5, start + len(part) - 0.5 + BETWEEN / 2, color="#f2f2f2", lw=0, zorder=0
            )
        middles.append(start + (len(part) - 1) / 2)
    marks = pd.concat([part.assign(place=start + np.arange(len(part))) for start, (_, part) in zip(starts, column)])
    for design, own in marks.groupby("design", sort=False):
        _marks(ax, own, value, limits, look[design])
    ax.set_yticks(middles, [label for label, _ in column], fontsize=7)
    ax.set_xlim(limits[0] - 0.01, limits[1] + 0.01)
    ax.tick_params(axis="x", labelsize=7)


def _marks(ax: Axes, own: pd.DataFrame, value: str, limits: tuple[float, float], style) -> None:
    """All marks of a design as one line and one set of points: an element for each would make the page heavy."""
    place, shown = own["place"].to_numpy(), own[value].to_numpy()
    ends = np.column_stack([own[["low", "high"]].clip(*limits), np.full(len(own), np.nan)])
    ax.plot(ends.ravel(), np.repeat(place, 3), color=style.color, lw=0.9)
    left, right = shown < limits[0], shown > limits[1]
    for marker, chosen in ((8, left), (9, right), (style.marker, ~(left | right))):  # carets to the left and the right
        if chosen.any():
            at = np.clip(shown[chosen], *limits)
            ax.plot(at, place[chosen], marker=marker, ms=4, ls="none", color=style.color, clip_on=False)


def _places(column: list) -> tuple[list[float], float]:
    """Where each row starts, and where the last one ends."""
    starts, place = [], 0.0
    for _, part in column:
        starts.append(place)
        place += len(part) + BETWEEN
    return starts, place


def _columns(rows: list) -> list[list]:
    """Share the rows between two columns of nearly equal height, in order."""
    if len(rows) < 4:
        return [rows]
    heights = np.cumsum([len(part) + BETWEEN for _, part in rows])
    cut = int(np.argmin(np.abs(heights - heights[-1] / 2))) + 1
    return [rows[:cut], rows[cut:]]

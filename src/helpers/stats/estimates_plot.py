"""Estimates with intervals as a picture: a forest of measures, and readers joined from one modality to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPREAD = 0.64  # of a row's height, over which the models of the row are set apart


def forest(
    table: pd.DataFrame,
    *,
    row: str = "measure",
    by: str | None = "model",
    ax: Axes | None = None,
    looks: Mapping[str, palette.Style] | None = None,
    names: Mapping[str, str] | None = None,
    xlabel: str = "Estimate with 95 % confidence interval",
    reference: float | None = None,
    legend: bool = True,
) -> Axes:
    """Draw estimates as points with intervals, one row a measure (or whatever `row` holds).

    Parameters
    ----------
    table : DataFrame
        `value, low, high` and the columns `row` and `by`; rows are drawn in the order of the table, from the top.
    row : str
        Column whose values are the rows.
    by : str or None
        Column whose values are set apart within a row, each with its look; None: one estimate a row.
    ax : matplotlib Axes or None
        None makes a new figure of the right height.
    looks : mapping of name to Style, or None
        From `palette.styles`.
    names : mapping of str to str, or None
        Printed names of rows.
    xlabel : str
    reference : float or None
        Where a thin upright line stands, for instance at no difference.
    legend : bool

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": ["a", "b"], "value": [0.5, 0.7], "low": [0.4, 0.6], "high": [0.6, 0.8]})
    >>> [text.get_text() for text in forest(table, by=None).get_yticklabels()]
    ['a', 'b']
    """
    lacking = [name for name in (row, by, "value", "low", "high") if name is not None and name not in table]
    if lacking:
        raise ValueError(f"table: the column {lacking[0]!r} is missing")
    rows = list(dict.fromkeys(table[row]))
    groups = [""] if by is None else list(dict.fromkeys(table[by]))
    looks = looks or palette.styles(groups)
    height = max(0.34, 0.13 * len(groups) + 0.1)
    ax = palette.axes(ax, width=6.2, height=1.0 + height * len(rows))
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(groups)) if len(groups) > 1 else np.zeros(1)
    for group, offset in zip(groups, offsets):
        part = table if by is None else table[table[by] == group]
        place = np.array([rows.index(name) for name in part[row]]) + offset
        value, low, high = (part[column].to_numpy(float) for column in ("value", "low", "high"))
        error = np.nan_to_num(np.clip([value - low, high - value], 0, None))
        look = {"label": palette.label(group), **looks[group].point()}
        ax.errorbar(value, place, xerr=error, markersize=4.5, elinewidth=1.3, **look)
    if reference is not None:
        ax.axvline(reference, color=palette.REFERENCE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    ax.set_yticks(range(len(rows)), [(names or {}).get(name, str(name)) for name in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel)
    ax.set_axisbelow(True)
    for place in np.arange(1, len(rows)) - 0.5 if len(groups) > 1 else ():
        ax.axhline(place, color="#E3E3E3", linewidth=0.6, zorder=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if legend and len(groups) > 1:
        ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def by_modality(
    readers: pd.DataFrame,
    estimates: pd.DataFrame,
    *,
    ax: Axes | None = None,
    ylabel: str,
    level: float = 0.95,
    names: Sequence | None = None,
) -> Axes:
    """Draw each reader's value from modality to modality, and the mean over readers with its interval.

    Parameters
    ----------
    readers : DataFrame
        `reader, modality, value`; a reader may lack a modality.
    estimates : DataFrame
        `modality, value, low, high`.
    ax : matplotlib Axes or None
    ylabel : str
    level : float
        Of the intervals.
    names : sequence or None
        Order of the modalities; as in `estimates` when absent, but unaided reading first.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> readers = pd.DataFrame({"reader": ["r", "r"], "modality": ["aided", "unaided"], "value": [0.8, 0.7]})
    >>> means = readers.drop(columns="reader").assign(low=0.6, high=0.9)
    >>> [tick.get_text() for tick in by_modality(readers, means, ylabel="AUC").get_xticklabels()]
    ['unaided', 'aided']
    """
    means = estimates.set_index("modality")
    names = list(names) if names is not None else sorted(means.index, key=lambda name: name != "unaided")
    means = means.loc[names]
    wide = readers.pivot_table(index="reader", columns="modality", values="value").reindex(columns=names)
    look = palette.styles([str(reader) for reader in wide.index])
    ax = palette.axes(ax)
    for reader, values in wide.iterrows():
        style, name = look[str(reader)], palette.label(str(reader))
        ax.plot(range(len(names)), values, marker=style.marker, lw=1, alpha=0.8, label=name, **style.line())
    value, low, high = (means[column].to_numpy(float) for column in ("value", "low", "high"))
    error = np.nan_to_num(np.clip([value - low, high - value], 0, None))
    at = np.arange(len(names)) + 0.06  # beside the readers' points, not on them
    label = f"mean, {100 * level:g} % CI"
    ax.errorbar(at, value, yerr=error, fmt="_", color="black", ecolor=palette.REFERENCE, ms=14, capsize=4, label=label)
    ax.set(xticks=range(len(names)), xticklabels=names, xlabel="Modality", xlim=(-0.3, len(names) - 0.7))
    ax.set_ylabel(ylabel)
    ax.legend(fontsize="small", frameon=False, ncols=1 + len(wide) // 12)
    return ax

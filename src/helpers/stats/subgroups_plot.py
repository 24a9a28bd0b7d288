"""The forest plot of subgroups, with their numbers beside them: one panel, or one panel a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette
from helpers.stats.subgroup_cases import MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from helpers.stats.subgroups import Subgroups

LINE = 0.235  # inches a row
NAMES, PANEL, NUMBERS = 2.9, 1.75, 1.55  # inches: labels with counts, axis, estimates in words
SMALL = 8
LONG = 32  # characters of a label
RATIOS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def forests(results: Mapping[str, Subgroups], *, headings: Mapping[str, Mapping[str, str]]) -> Figure:
    """Draw one panel a model over the same rows.

    Parameters
    ----------
    results : mapping of model to Subgroups
        Of the same cases, measure and subgroups.
    headings : mapping of model to mapping of variable to str
        What is written beside a variable, such as its P value.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    first = next(iter(results.values()))
    rows = len(first.table) + first.table["variable"][1:].nunique()
    width = NAMES + len(results) * (PANEL + NUMBERS)
    height = 1.05 + LINE * rows
    figure, axes = plt.subplots(1, len(results), figsize=(width, height), squeeze=False)
    for k, (ax, (model, result)) in enumerate(zip(axes.flat, results.items())):
        left = (NAMES + k * (PANEL + NUMBERS)) / width
        ax.set_position((left, 0.55 / height, PANEL / width, LINE * rows / height))
        draw(result, ax, headings=headings[model], names=k == 0)
        ax.set_title(model, fontsize=10, fontweight="bold", loc="left", pad=16)
    limits = _limits(list(results.values()))
    for ax in axes.flat:
        ax.set_xlim(limits)
    return figure


def draw(result: Subgroups, ax: Axes | None, *, headings: Mapping[str, str] | None = None, names: bool = True) -> Axes:
    """Draw a forest plot; see `Subgroups.plot`.

    Parameters
    ----------
    result : Subgroups
    ax : matplotlib Axes or None
    headings : mapping of variable to str, optional
        What is written beside a variable; the P value of heterogeneity when absent.
    names : bool
        Whether levels and counts are written on the left.

    Returns
    -------
    matplotlib Axes
    """
    table = result.frame()
    headings = p_values(result) if headings is None else headings
    ax = palette.axes(ax, width=7.4, height=1.0 + LINE * (len(table) + table["variable"][1:].nunique()))
    ratio = result.measure == "observed_expected"
    ax.set_xscale("log" if ratio else "linear")
    beside, place, last = ax.get_yaxis_transform(), 0, "all"
    for row in table.itertuples():
        whole = place == 0
        if not whole and row.variable != last:
            ax.axhline(place - 0.5, color="0.88", linewidth=0.6)
            _write(ax, beside, 1.03, place, headings.get(row.variable, ""), style="italic", color="0.25")
            if names:
                _write(ax, beside, -1.62, place, _short(row.variable), weight="bold", size=9)
            last, place = row.variable, place + 1
        if names:
            _write(ax, beside, -1.62 if whole else -1.56, place, "All" if whole else _short(row.level), size=9)
            _write(ax, beside, -0.06, place, f"{row.events:,} / {row.n:,}", ha="right")
        text = "too small"
        if row.estimated:
            look = {"color": "black", "marker": "D"} if whole else {"color": palette.COLORS[0], "marker": "s"}
            error = [[row.value - row.low], [row.high - row.value]]
            ax.errorbar(row.value, place, xerr=error, markersize=4.5, capsize=2, linestyle="none", **look)
            text = f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
        _write(ax, beside, 1.03, place, text, color="black" if row.estimated else "0.45")
        place += 1
    ax.axvline(result.overall.value, color=palette.REFERENCE, linewidth=1, linestyle="--", zorder=0)
    if ratio:
        ax.axvline(1, color=palette.REFERENCE, linewidth=0.8, zorder=0)
        ax.set_xticks(RATIOS, [f"{x:g}" for x in RATIOS])
        ax.minorticks_off()
    heads = {"ha": "right", "weight": "bold"}
    if names:
        _write(ax, ax.transAxes, -0.06, 1.0, "events / n", va="bottom", **heads)
    _write(ax, ax.transAxes, 1.03, 1.0, "95 % interval", va="bottom", weight="bold")
    ax.set(ylim=(place - 0.5, -0.6), xlim=_limits([result]), yticks=[], xlabel=MEASURES[result.measure])
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.xaxis.label.set_size(9)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return ax


def p_values(result: Subgroups) -> dict[str, str]:
    """What to write beside each variable: P of the test of heterogeneity, or why there is none."""
    first = result.interaction.drop_duplicates("variable")
    return {row.variable: heading(row.df, row.p_value) for row in first.itertuples()}


def heading(df: int, p_value: float, p_holm: float = np.nan) -> str:
    """P value beside a variable, Holm's in brackets.

    Examples
    --------
    >>> heading(1, 0.0312, 0.125), heading(1, 0.0002), heading(0, float("nan")), heading(1, float("nan"))
    ('P 0.031 (Holm 0.125)', 'P <0.001', 'not compared', 'no test: no variance')
    """
    from helpers.stats.models import p_text

    if df == 0:
        return "not compared"
    if np.isnan(p_value):
        return "no test: no variance"
    return f"P {p_text(p_value)}" + ("" if np.isnan(p_holm) else f" (Holm {p_text(p_holm)})")


def _short(text: str) -> str:
    """A label that keeps clear of the counts; the table has it in full."""
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _write(ax: Axes, transform: object, x: float, y: float, text: str, **look: object) -> None:
    look = {"va": "center", "ha": "left", "fontsize": look.pop("size", SMALL), **look}
    ax.text(x, y, text, transform=transform, parse_math=False, **look)


def _limits(results: list[Subgroups]) -> tuple[float, float]:
    tables = [result.table[result.table["estimated"]] for result in results]
    low = min(table["low"].min() for table in tables)
    high = max(table["high"].max() for table in tables)
    if results[0].measure == "observed_expected":
        return max(min(low, 0.5) / 1.1, 0.08), min(max(high, 2.0) * 1.1, 12.5)
    return max(min(low, 0.5) - 0.03, -0.03), 1.03

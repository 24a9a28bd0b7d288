"""The decision curve as a figure: declared thresholds only, both references always, cost ratio on a second axis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette
from helpers.stats.decision_range import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.decision import DecisionCurve

EVERYTHING = 0.9  # a range of thresholds as wide as this declares nothing
FLOOR = -0.05
DEEPEST = 0.5  # of the height above zero: a line that falls lower does harm, and how much would flatten the others
LINES = {"all": (0, (6, 2)), "none": "-"}


def draw(
    curve: DecisionCurve,
    ax: Axes | None,
    *,
    declared: tuple[float, float] | None,
    bands: Collection[str] | None,
    styles: Mapping[str, palette.Style] | None,
) -> Axes:
    """Draw a decision curve; see `DecisionCurve.plot`."""
    low, high = _range(curve, declared)
    frame = curve.frame()
    frame = frame[frame["threshold"].between(low - 1e-9, high + 1e-9)]
    if frame["threshold"].nunique() < 2:
        raise ValueError(f"declared: fewer than two thresholds of the curve lie in {low:g} to {high:g}")
    ax = palette.axes(ax, width=5.6, height=4.4)
    looks = styles or palette.styles(curve.models)
    for strategy in LINES:
        rows = frame[frame["strategy"] == strategy]
        ax.plot(rows["threshold"], rows["net_benefit"], label=named(strategy), **line_of(strategy))
    if bands is None:
        bands = curve.models if curve.resamples else ()
    for model in curve.models:
        rows, name = frame[frame["strategy"] == model], palette.label(model)
        ax.plot(rows["threshold"], rows["net_benefit"], linewidth=1.8, label=name, **looks[model].line())
        if model in bands:
            look = {"color": looks[model].color, "alpha": 0.15, "lw": 0}
            limits = f"{name}, {100 * curve.level:g} % limits"
            ax.fill_between(rows["threshold"], rows["low"], rows["high"], label=limits, **look)
    own = frame.loc[frame["strategy"].isin(curve.models), "net_benefit"]
    top = max(curve.prevalence, own.max()) * 1.08
    ax.set(xlim=(low, high), ylim=(bottom(own.min(), top), top), ylabel="Net benefit per case")
    ax.set_xlabel("Risk threshold")
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    _cost_axis(ax, low, high)
    _share_axis(ax, curve.prevalence)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    return ax


def bottom(lowest: float, top: float) -> float:
    """Lower end of the axis: below the lowest net benefit of a model, but not deeper than half of what stands above.

    Examples
    --------
    >>> bottom(0.1, 0.4), bottom(-2.0, 0.4)
    (-0.05, -0.2)
    """
    return min(FLOOR, -0.1 * top, max(1.08 * lowest, -DEEPEST * top))


def line_of(strategy: str) -> dict:
    """Keyword arguments for the line of a reference strategy, "all" or "none"."""
    return {"color": palette.REFERENCE, "linestyle": LINES[strategy], "linewidth": 1.2}


def _range(curve: DecisionCurve, declared: tuple[float, float] | None) -> tuple[float, float]:
    if declared is None:
        low, high = float(curve.thresholds[0]), float(curve.thresholds[-1])
        if high - low >= EVERYTHING:
            raise ValueError(
                f"declared: thresholds from {low:g} to {high:g} declare nothing; give the range in which one would "
                "act, for instance declared=(0.05, 0.5)"
            )
        return low, high
    low, high = map(float, declared)
    if not 0 <= low < high < 1:
        raise ValueError(f"declared: a range inside [0, 1) is needed, found {declared!r}")
    return low, high


def _cost_axis(ax: Axes, low: float, high: float) -> None:
    """Below the thresholds, what they mean: harm of a needless act against harm of a missed event."""
    below = ax.secondary_xaxis(-0.2)
    ticks = [t for t in ax.get_xticks() if low - 1e-9 <= t <= high + 1e-9 and 0 < t < 1]
    below.set_xticks(ticks, [_ratio(t) for t in ticks])
    below.set_xlabel("Harm of a needless intervention : harm of a missed event", fontsize=8)
    below.tick_params(labelsize=8)


def _share_axis(ax: Axes, prevalence: float) -> None:
    """At the right, net benefit as a share of the most that can be had: the standardised net benefit."""
    right = ax.secondary_yaxis("right", functions=(lambda value: value / prevalence, lambda value: value * prevalence))
    right.set_ylabel("Standardised net benefit", fontsize=8)
    right.tick_params(labelsize=8)
    right.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %".replace("-", "−"))


def _ratio(threshold: float) -> str:
    odds = Fraction(float(np.round(threshold, 6))).limit_denominator(10_000)
    odds = odds / (1 - odds)
    if odds.numerator <= 9 and odds.denominator <= 99:
        return f"{odds.numerator}:{odds.denominator}"
    return f"1:{float(1 / odds):.3g}"

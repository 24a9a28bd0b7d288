"""The calibration plot: a square with the identity line, the flexible curve and the risks by outcome below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.calibration import Calibration
    from helpers.stats.intervals import Estimate

BINS = np.linspace(0, 1, 41)
STRIP = (-0.22, -0.02)  # of the ordinate, for the histogram
HEAD = 1.02  # of the ordinate, for the numbers: above the square, where no curve runs
EVENT, OTHER = "#B2182B", "#4D4D4D"


def draw(
    result: Calibration,
    ax: Axes | None = None,
    *,
    name: str = "",
    style: palette.Style | None = None,
    details: bool = True,
) -> Axes:
    """Draw a calibration result; see `Calibration.plot`."""
    ax = palette.axes(ax, width=4.8, height=5.7)
    look = style or palette.styles([name or "model"])[name or "model"]
    if details:
        ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linewidth=1, linestyle=":", label="Perfect calibration")
    frame = result.frame()
    named = palette.label(name or "Model")
    if result.curve is not None and result.curve.name == "distinct":
        error = np.abs(frame[["low", "high"]].to_numpy().T - frame["observed"].to_numpy())
        ax.errorbar(frame["risk"], frame["observed"], yerr=error, label=named, **look.point())
    else:  # without a curve there is only its name, for the legend
        ax.fill_between(frame["risk"], frame["low"], frame["high"], color=look.color, alpha=0.15, linewidth=0)
        ax.plot(frame["risk"], frame["observed"], linewidth=1.8, label=named, **look.line())
    ax.set(
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
        yticks=np.arange(6) / 5,
        xlabel="Predicted risk",
        ylabel="Observed share of events",
    )
    if details:
        _histogram(result, ax)
        ax.text(0, HEAD, _numbers(result), transform=ax.transAxes, va="bottom", fontsize=8)
        if result.curve is None and result.slope.note:
            why = result.slope.note.replace(": ", ":\n")
            ax.text(0.5, 0.75, f"Curve {why}", ha="center", va="center", fontsize=8)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1), "ncols": 2} if details else {"loc": "lower right"}
    ax.legend(frameon=False, fontsize=8, **place)
    return ax


def _numbers(result: Calibration) -> str:
    """Four lines: how many cases, with a warning where they are too few for a curve, and the measures."""
    few = ": too few events to read the curve closely" if result.too_few_events else ""
    measures = {
        "O:E": result.observed_expected,
        "Slope": result.slope,
        "Intercept (in the large)": result.in_the_large,
        "Brier score": result.brier,
    }
    told = [f"{title} {_range(estimate)}" for title, estimate in measures.items()]
    head = f"n = {result.n:,}, {result.events:,} events{few}"
    return "\n".join([head, f"{told[0]}; {told[1]}", told[2], told[3]])


def _range(one: Estimate) -> str:
    if np.isnan(one.value):
        return "–"
    limits = f" ({one.low:.2f} to {one.high:.2f})" if np.isfinite(one.low) else ""
    return f"{one.value:.2f}{limits}".replace("-0.00", "0.00").replace("-", "−")


def _histogram(result: Calibration, ax: Axes) -> None:
    """Risks by outcome in a strip below the square: events upwards, the others downwards.

    It is drawn in the axes themselves, below 0, so that every layout keeps it and several panels stay aligned.
    """
    events, _ = np.histogram(result.risk[result.label], BINS)
    others, _ = np.histogram(result.risk[~result.label], BINS)
    top, middle, half = max(events.max(), others.max()), (STRIP[0] + STRIP[1]) / 2, (STRIP[1] - STRIP[0]) / 2
    width, left = BINS[1] - BINS[0], BINS[:-1]
    named = f"Events (highest bar {events.max():,})", f"No event ({others.max():,})"
    ax.bar(left, events / top * half, width, bottom=middle, align="edge", color=EVENT, label=named[0])
    ax.bar(left, -others / top * half, width, bottom=middle, align="edge", color=OTHER, label=named[1])
    ax.plot([0, 1], [middle, middle], color="black", linewidth=0.6)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_ylim(STRIP[0] - 0.02, 1)

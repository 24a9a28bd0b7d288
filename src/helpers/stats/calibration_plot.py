"""The calibration plot: a square with the identity line, the flexible curve and the risks by outcome below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.calibration import Calibration

BINS = np.linspace(0, 1, 41)
STRIP = (-0.22, -0.02)  # of the ordinate, for the histogram
PAPER = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1.5}  # keeps text legible over curves
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
    if len(frame):
        if result.curve.name == "distinct":
            error = np.abs(frame[["low", "high"]].to_numpy().T - frame["observed"].to_numpy())
            ax.errorbar(frame["risk"], frame["observed"], yerr=error, label=named, **look.point())
        else:
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
        ax.text(0.03, 0.97, _numbers(result), transform=ax.transAxes, va="top", fontsize=8, bbox=PAPER)
        if result.too_few_events:
            stamp = f"too few events\n({result.events} of {result.n:,})"
            ax.text(0.5, 0.42, stamp, ha="center", va="center", fontsize=17, color="#767676", alpha=0.45, rotation=20)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.19 if details else 0), frameon=False, fontsize=8)
    return ax


def _numbers(result: Calibration) -> str:
    rows = (
        ("O:E", result.observed_expected),
        ("Intercept (in the large)", result.in_the_large),
        ("Slope", result.slope),
        ("Brier score", result.brier),
    )
    lines = [f"n = {result.n:,}, {result.events:,} events"]
    for title, estimate in rows:
        limits = f" ({estimate.low:.2f} to {estimate.high:.2f})" if np.isfinite(estimate.low) else ""
        lines.append(f"{title} {estimate.value:.2f}{limits}" if np.isfinite(estimate.value) else f"{title} –")
    return "\n".join(lines).replace("-0.00", "0.00").replace("-", "−")


def _histogram(result: Calibration, ax: Axes) -> None:
    """Risks by outcome in a strip below the square: events upwards, the others downwards.

    It is drawn in the axes themselves, below 0, so that every layout keeps it and several panels stay aligned.
    """
    events, _ = np.histogram(result.risk[result.label], BINS)
    others, _ = np.histogram(result.risk[~result.label], BINS)
    top, middle, half = max(events.max(), others.max()), (STRIP[0] + STRIP[1]) / 2, (STRIP[1] - STRIP[0]) / 2
    width, left = BINS[1] - BINS[0], BINS[:-1]
    ax.bar(left, events / top * half, width, bottom=middle, align="edge", color=EVENT)
    ax.bar(left, -others / top * half, width, bottom=middle, align="edge", color=OTHER)
    ax.plot([0, 1], [middle, middle], color="black", linewidth=0.6)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.text(0.99, STRIP[1], f"events (highest bar {events.max():,})", ha="right", va="top", fontsize=7, color=EVENT)
    ax.text(0.99, STRIP[0], f"no event ({others.max():,})", ha="right", va="bottom", fontsize=7, color=OTHER)
    ax.set_ylim(STRIP[0] - 0.02, 1)

"""The calibration plot: a square with the identity line, the flexible curve and the risks by outcome below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.calibration import Calibration

BINS = np.linspace(0, 1, 41)
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
    ax = palette.axes(ax, width=5.0, height=5.8)
    look = style or palette.styles([name or "model"])[name or "model"]
    if details:
        ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linewidth=1, linestyle=":", label="Perfect calibration")
    frame = result.frame()
    if len(frame):
        if result.curve.name == "distinct":
            error = np.abs(frame[["low", "high"]].to_numpy().T - frame["observed"].to_numpy())
            ax.errorbar(frame["risk"], frame["observed"], yerr=error, label=name or "Model", **look.point())
        else:
            ax.fill_between(frame["risk"], frame["low"], frame["high"], color=look.color, alpha=0.15, linewidth=0)
            ax.plot(frame["risk"], frame["observed"], linewidth=1.8, label=name or "Model", **look.line())
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", ylabel="Observed share of events")
    if details:
        _histogram(result, ax)
        ax.text(0.03, 0.97, _numbers(result), transform=ax.transAxes, va="top", fontsize=8, bbox=PAPER)
        if result.too_few_events:
            stamp = f"too few events\n({result.events} of {result.n:,})"
            ax.text(0.5, 0.42, stamp, ha="center", va="center", fontsize=17, color="#767676", alpha=0.45, rotation=20)
    ax.legend(loc="lower right", frameon=False, fontsize=8)
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
    """Risks by outcome in a strip below: events upwards, the others downwards."""
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    below = make_axes_locatable(ax).append_axes("bottom", size="17%", pad=0.15, sharex=ax)
    events, _ = np.histogram(result.risk[result.label], BINS)
    others, _ = np.histogram(result.risk[~result.label], BINS)
    width, left = BINS[1] - BINS[0], BINS[:-1]
    below.bar(left, events, width, align="edge", color=EVENT)
    below.bar(left, -others, width, align="edge", color=OTHER)
    top = max(events.max(), others.max())
    below.set(ylim=(-1.15 * top, 1.15 * top), xlabel="Predicted risk", yticks=[-top, 0, top])
    below.set_yticklabels([f"{top:d}", "0", f"{top:d}"], fontsize=7)
    below.axhline(0, color="black", linewidth=0.6)
    below.text(0.99, 0.93, "events", transform=below.transAxes, ha="right", va="top", fontsize=7, color=EVENT)
    below.text(0.99, 0.07, "no event", transform=below.transAxes, ha="right", va="bottom", fontsize=7, color=OTHER)
    for side in ("top", "right"):
        below.spines[side].set_visible(False)
    ax.tick_params(labelbottom=False)
    below.tick_params(labelbottom=True)

"""The instability plots of a refitted model: risks, their mean movement, and decisions that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.stats import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from helpers.stats.instability_runs import Runs

POINTS = 20_000  # points of a cloud: its shape stays, the file stays small
CASES = 600  # cases whose percentiles are marked


def cloud(models: Sequence[Runs], ax: Axes | None) -> Axes:
    """Draw each run's risk against the reference, one marker a model; see `Instability.plot`."""
    ax = palette.axes(ax)
    ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linewidth=0.8, linestyle=(0, (2, 2)))
    looks = palette.styles([runs.model for runs in models])
    for runs in models:
        x, y = np.broadcast_to(runs.reference, runs.risks.shape).ravel(), runs.risks.ravel()
        if x.size > POINTS:  # evenly thinned by risk
            keep = np.argsort(x, kind="stable")[:: x.size // POINTS + 1]
            x, y = x[keep], y[keep]
        look = {"label": palette.label(runs.model), **looks[runs.model].point()}
        ax.plot(x, y, markersize=3, alpha=0.5, rasterized=True, **look)
    for cut in {float(runs.threshold) for runs in models if runs.threshold is not None}:
        ax.axhline(cut, color=palette.REFERENCE, linewidth=0.8)
        ax.axvline(cut, color=palette.REFERENCE, linewidth=0.8)
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    ax.set(xlabel="Reference risk", ylabel="Risk by each run")
    ax.legend(loc="upper left", fontsize="small")
    return ax


def draw(runs: Runs) -> Figure:
    """Draw three squares over the risk of the original model; Riley and Collins (2023), doi:10.1002/bimj.202200302.

    Parameters
    ----------
    runs : Runs
        At least two; the third square needs a threshold and is left out without one.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    decide = runs.threshold is not None
    count = 2 + decide
    figure, axes = plt.subplots(1, count, figsize=(4.2 * count, 4.3), layout="constrained")
    cases = runs.cases()
    look = {"color": palette.COLORS[0], "linestyle": "none"}

    x = np.broadcast_to(runs.reference, runs.risks.shape).ravel()
    keep = np.random.default_rng(0).permutation(x.size)[:POINTS]
    dots = {"color": "0.55", "marker": ".", "linestyle": "none", "markeredgewidth": 0}
    axes[0].plot(x[keep], runs.risks.ravel()[keep], markersize=1.8, alpha=0.35, rasterized=True, **dots)
    order = np.argsort(runs.reference, kind="stable")[:: -(-len(cases) // CASES)]
    marked = cases.iloc[order]
    axes[0].plot(marked["reference"], marked["low"], "_", markersize=5, **look, label="2.5 and 97.5 percentile")
    axes[0].plot(marked["reference"], marked["high"], "_", markersize=5, **look)
    axes[0].plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="no change")
    axes[0].set(ylim=_limits(runs.risks, runs.threshold), ylabel="Risk by each refit", title="Risk by other refits")
    axes[0].plot([], [], markersize=6, label="each refit", **dots)
    # below the square: the axes end where the risks do, so that no corner is free
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, fontsize=8, columnspacing=1)

    axes[1].plot(cases["reference"], cases["mape"], "o", markersize=3, alpha=0.6, **look)
    axes[1].axhline(cases["mape"].mean(), color=palette.REFERENCE, linewidth=1, linestyle="--")
    axes[1].set(ylim=(0, None), ylabel="Mean absolute change of the risk (MAPE)", title="How far it moves")

    if decide:
        axes[2].plot(cases["reference"], cases["changed"], "o", markersize=3, alpha=0.6, **look)
        axes[2].set(ylim=(-0.01, max(0.55, cases["changed"].max() + 0.05)), title="Decisions that change")
        axes[2].set_ylabel("Share of refits that decide otherwise")
        for ax in (axes[0], axes[2]):
            ax.axvline(float(runs.threshold), color=palette.REFERENCE, linewidth=0.8, linestyle=":")
        axes[0].axhline(float(runs.threshold), color=palette.REFERENCE, linewidth=0.8, linestyle=":")
    for ax in axes:
        ax.set(xlim=_limits(runs.reference, runs.threshold), xlabel="Risk by the model")
    return figure


def _limits(risks: np.ndarray, threshold: object) -> tuple[float, float]:
    """Ends of an axis of risks: those of the risks and the threshold, not 0 and 1, which may lie far off."""
    shown = np.append(risks, risks.flat[0] if threshold is None else float(threshold))
    room = 0.04 * max(float(np.ptp(shown)), 0.05)
    return max(-0.01, float(shown.min()) - room), min(1.01, float(shown.max()) + room)

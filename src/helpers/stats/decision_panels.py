"""Decision curves of several models and splits: benefit, differences, chance of being best."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.calibrated import for_decisions
from helpers.stats.decision import DecisionCurve, decision_curve
from helpers.stats.decision_plot import bottom, draw, line_of
from helpers.stats.decision_range import REFERENCES, marks, named
from helpers.stats.models import MANY, Panel, printed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALE = "#D0D0D0"
SECOND = "#4D4D4D"  # the external test beside the judged split
END = 0.04  # of the width of a row: half of "100"
AVOIDED = (
    "Net interventions avoided: needless ones that a model spares against acting on all, less the events that it then "
    "misses at the exchange rate of the threshold (–: given for models only)."
)
DIFFERENCE = (
    "Difference in net benefit per case from the same bootstrap samples of patients; pointwise 95 % limits, sampling "
    "uncertainty and not a test (doi:10.1186/s41512-023-00148-y)."
)
BEST = (
    "Share of the bootstrap samples of patients in which a strategy has the highest net benefit of all shown, in per "
    "cent; strategies that tie share a sample, and the number stands in each row that is highest. It says how sure the "
    "choice is, not how much is at stake (doi:10.1186/s41512-023-00148-y)."
)


def every(
    parts: Sequence[Panel],
    chooser: Panel | None,
    *,
    prevalence: float | None = None,
    harm: float | Mapping[str, float] = 0.0,
    **options: object,
) -> dict[str, DecisionCurve]:
    """Decision curves by title of the split, with risks recalibrated where the study has cases to do it on.

    Parameters
    ----------
    parts : sequence of Panel
        The judged split and, beside it, the external test.
    chooser : Panel or None
        Where intercepts are updated; None: risks as they are.
    prevalence : float or None
        Of the population, for a case-control sample; None: that of the cases. Risks that are recalibrated are then
        moved to it, see `calibrated.for_decisions`.
    harm : float or mapping of model to float
        Of obtaining a prediction, in units of net benefit.
    **options
        Of `decision_curve`: `thresholds, resamples`.

    Returns
    -------
    dict of str to DecisionCurve

    Raises
    ------
    ValueError
        If `harm` names a model that has no predictions.
    """
    if unknown := sorted(set(harm) - set(parts[0].risks) if isinstance(harm, Mapping) else ()):
        known = ", ".join(parts[0].risks)
        raise ValueError(f"harm: {unknown[0]!r} is none of the models {known}; correct decision.harm in study.yaml")
    return {
        part.title: decision_curve(
            part.label,
            for_decisions(chooser, part, prevalence=prevalence),
            patient_id=part.patient_id,
            prevalence=prevalence,
            harm=harm,
            **options,
        )
        for part in parts
    }


def frame(curves: Mapping[str, DecisionCurve]) -> pd.DataFrame:
    """All strategies and thresholds of all splits; `split`, then the columns of `DecisionCurve.frame`."""
    table = pd.concat([curve.frame().assign(split=split) for split, curve in curves.items()], ignore_index=True)
    return table[["split", *table.columns.drop("split")]]


def methods(curves: Mapping[str, DecisionCurve]) -> str:
    """How the curves were made, in a sentence for each split."""
    several = len(curves) > 1
    return " ".join(f"{split}: {curve.methods}" if several else curve.methods for split, curve in curves.items())


def shown(table: pd.DataFrame, thresholds: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """The printed table and its columns: a few evenly spread thresholds of the range.

    Parameters
    ----------
    table : DataFrame
        From `frame`.
    thresholds : array of shape (m,)

    Returns
    -------
    table : DataFrame
        Up to five models a row a threshold and strategy, net interventions avoided per 100 cases (of models only: it
        counts against acting on all); else a row a strategy with its net benefit at three thresholds.
    columns : list of str
        To print.
    """
    few = table.rename(columns={"low": "net_benefit_low", "high": "net_benefit_high"})
    avoided = 100 * few["interventions_avoided"]
    few = few.assign(interventions_avoided=avoided.mask(few["strategy"].isin(REFERENCES)))
    many = table["strategy"].drop_duplicates().size > MANY + len(REFERENCES)
    few = few[few["threshold"].isin(marks(thresholds, count=3 if many else 5))]
    few = printed(few, {"net_benefit": "Net benefit"})
    if not many:
        # by threshold inside a split, strategies in their order: what one would compare stands together
        parts = [part.sort_values("threshold", kind="stable") for _, part in few.groupby("split", sort=False)]
        extra = ["standardized", "interventions_avoided", "probability_best"]
        return pd.concat(parts, ignore_index=True), ["split", "threshold", "strategy", "Net benefit", *extra]
    key = ["split", "strategy"]
    order = list(dict.fromkeys(few[key].itertuples(index=False, name=None)))
    wide = few.pivot(index=key, columns="threshold", values="Net benefit").loc[order]
    wide.columns = [f"Net benefit at {threshold:.0%}" for threshold in wide.columns]
    return wide.reset_index(), [*key, *wide.columns]


def looks(table: pd.DataFrame) -> dict[str, object]:
    """Headings, formats and footnote of the columns that a printed table has."""
    headers = {"standardized": "Standardised", "interventions_avoided": "Net interventions avoided per 100"}
    headers |= {"probability_best": "Best of all"}
    formats = {
        "strategy": named,
        "threshold": "{:.0%}",
        "interventions_avoided": "{:.1f}",
        "probability_best": "{:.0%}",
    }
    return {
        "headers": {name: text for name, text in headers.items() if name in table},
        "formats": {name: form for name, form in formats.items() if name in table},
        "caption_note": AVOIDED if "interventions_avoided" in table else "",
    }


def plot(curves: Mapping[str, DecisionCurve], *, declared: tuple[float, float], bands: Collection[str]) -> Figure:
    """Draw net benefit and interventions avoided, a row a split; with many models a small square for each.

    Parameters
    ----------
    curves : mapping of split title to DecisionCurve
    declared : pair of float
        Range of thresholds.
    bands : collection of str
        Models drawn with their limits, from `models.focus`: five bands over each other cannot be read. Where each
        model has a square of its own all have them.

    Returns
    -------
    matplotlib Figure
    """
    names = next(iter(curves.values())).models
    if len(names) > MANY:
        return _by_model(curves, names, declared)
    figure, axes = palette.grid(2 * len(curves), columns=2, width=5.4, height=4.5)
    looks = palette.styles(names)
    for row, (split, curve) in enumerate(curves.items()):
        left, right = axes[2 * row : 2 * row + 2]
        draw(curve, left, declared=declared, bands=bands if curve.resamples else (), styles=looks)
        left.get_legend().remove()
        left.set_title(f"{split}: net benefit", fontsize=11)
        _avoided(curve, right, declared, looks)
        right.set_title(f"{split}: interventions avoided", fontsize=11)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def _avoided(curve: DecisionCurve, ax: Axes, declared: tuple[float, float], looks: Mapping[str, palette.Style]) -> None:
    table = _within(curve.frame(), declared)
    for model in curve.models:
        rows = table[table["strategy"] == model]
        look = {"label": palette.label(model), **looks[model].line()}
        ax.plot(rows["threshold"], 100 * rows["interventions_avoided"], lw=1.8, **look)
    ax.axhline(0, **line_of("all"))
    ax.set(xlim=declared, xlabel="Risk threshold", ylabel="Net interventions avoided per 100 cases")
    _percent(ax)


def _by_model(curves: Mapping[str, DecisionCurve], names: Sequence[str], declared: tuple[float, float]) -> Figure:
    figure, axes = palette.grid(len(names), columns=4, width=3.0, height=2.7, sharey=True)
    looks = palette.styles(names)
    first = next(iter(curves.values()))
    table = _within(frame(curves), declared)
    own = table[table["strategy"].isin(names)]
    top = own["high" if first.resamples else "net_benefit"].max() * 1.05
    for ax, name in zip(axes, names):
        for other in names:
            rows = table[(table["split"] == next(iter(curves))) & (table["strategy"] == other)]
            ax.plot(rows["threshold"], rows["net_benefit"], color=PALE, lw=0.7, zorder=1)
        for split, line in zip(curves, ("-", "--")):
            part = table[table["split"] == split]
            rows, every_one = part[part["strategy"] == name], part[part["strategy"] == "all"]
            color = looks[name].color if line == "-" else SECOND
            ax.fill_between(rows["threshold"], rows["low"], rows["high"], color=color, alpha=0.10, lw=0)
            ax.plot(rows["threshold"], rows["net_benefit"], color=color, ls=line, lw=1.7, label=split)
            ax.plot(every_one["threshold"], every_one["net_benefit"], color=palette.REFERENCE, ls=line, lw=0.9)
        ax.axhline(0, color=palette.REFERENCE, lw=0.9)
        ax.set(xlim=declared, ylim=(bottom(own["net_benefit"].min(), top), top))
        ax.set_title(name, fontsize=10)
        ax.legend(frameon=False, fontsize=7, loc="upper right", handlelength=1.8)
        _percent(ax)
    palette.label_edges(axes, columns=4)
    figure.supxlabel("Risk threshold", fontsize=10)
    figure.supylabel("Net benefit per case", fontsize=10)
    grey = f"Thin grey: {named('all')}, {named('none')}; pale: the other models"
    figure.suptitle(grey, fontsize=9, color=palette.REFERENCE)
    return figure


def differences(curves: Mapping[str, DecisionCurve], *, against: Sequence[str]) -> pd.DataFrame:
    """Every model less the reference models (or, for a single model, less acting on all and less acting on none).

    Parameters
    ----------
    curves : mapping of split title to DecisionCurve
    against : sequence of str
        Declared references, from `models.focus`.

    Returns
    -------
    DataFrame
        `split, first, second, threshold, difference, low, high, se`.
    """
    frames = []
    for split, curve in curves.items():
        references = list(against) if len(curve.models) > 1 else list(REFERENCES)
        for second in references:
            done = [*references[: references.index(second) + 1]]
            for first in (name for name in curve.models if name not in done):
                frames.append(curve.difference(first, second).assign(split=split))
    table = pd.concat(frames, ignore_index=True)
    return table[["split", *table.columns.drop("split")]]


def plot_differences(table: pd.DataFrame, *, names: Sequence[str]) -> Figure:
    """Draw differences with their bands: a small panel a pair, splits over each other.

    Parameters
    ----------
    table : DataFrame
        From `differences`.
    names : sequence of str
        All models of the study, for their looks.

    Returns
    -------
    matplotlib Figure
    """
    pairs = list(dict.fromkeys(zip(table["first"], table["second"])))
    splits = list(dict.fromkeys(table["split"]))
    columns = min(len(pairs), 3 if len(pairs) <= 6 else 4)
    figure, axes = palette.grid(len(pairs), columns=columns, width=3.3, height=2.7, sharey=True)
    looks = palette.styles(names)
    for ax, (first, second) in zip(axes, pairs):
        for split, line in zip(splits, ("-", "--")):
            rows = table[(table["split"] == split) & (table["first"] == first) & (table["second"] == second)]
            color = looks[first].color if line == "-" else SECOND
            ax.fill_between(rows["threshold"], rows["low"], rows["high"], color=color, alpha=0.15, lw=0)
            ax.plot(rows["threshold"], rows["difference"], color=color, ls=line, lw=1.7, label=split)
        ax.axhline(0, color=palette.REFERENCE, lw=1.0)
        ax.set_title(f"{first} less\n{named(second)}", fontsize=9)
        if len(splits) > 1 and ax is axes[0]:
            ax.legend(frameon=False, fontsize=7)
        ax.margins(x=0)
        _percent(ax)
    palette.label_edges(axes, columns=columns)
    figure.supxlabel("Risk threshold", fontsize=10)
    figure.supylabel("Difference in net benefit", fontsize=10)
    return figure


def plot_best(curves: Mapping[str, DecisionCurve]) -> Figure:
    """Draw the probability of being best: a row a strategy, thresholds to the right, dark where it is likely.

    Parameters
    ----------
    curves : mapping of split title to DecisionCurve
        With bootstrap samples.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    first = next(iter(curves.values()))
    strategies = [*first.models, *REFERENCES]
    size = (2.0 + 4.4 * len(curves), 1.1 + 0.36 * len(strategies))
    figure, axes = plt.subplots(1, len(curves), figsize=size, squeeze=False, sharey=True, layout="constrained")
    for ax, (split, curve) in zip(axes.flat, curves.items()):
        table = curve.frame().pivot(index="strategy", columns="threshold", values="probability_best").loc[strategies]
        edges = np.arange(len(curve.thresholds) + 1) - 0.5
        options = {"cmap": "Blues", "vmin": 0, "vmax": 1, "rasterized": True}
        mesh = ax.pcolormesh(edges, np.arange(len(strategies) + 1) - 0.5, table.to_numpy(), **options)
        round_ones = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(curve.thresholds[0], curve.thresholds[-1])
        places = np.flatnonzero([np.isclose(round_ones, t, atol=1e-9).any() for t in curve.thresholds])
        ax.set_xticks(places, [f"{100 * curve.thresholds[k]:g} %" for k in places], fontsize=8)
        for k, column in enumerate(table.to_numpy().T):
            if k in places:
                ink = "white" if column.max() > 0.6 else "black"
                for row in np.flatnonzero(np.isclose(column, column.max(), atol=1e-9)):
                    _write(ax, f"{100 * column[row]:.0f}", k, row, cells=len(curve.thresholds), color=ink)
        ax.set_title(split, fontsize=10)
        ax.set(xlabel="Risk threshold", ylim=(len(strategies) - 0.5, -0.5))
    axes.flat[0].set_yticks(range(len(strategies)), [named(name) for name in strategies])
    figure.colorbar(mesh, ax=axes, label="Probability of being best", shrink=0.9)
    return figure


def _write(ax: Axes, text: str, place: int, row: int, *, cells: int, color: str) -> None:
    """A number in its cell; near an end of the row it begins at the frame, which would cut it otherwise."""
    side, edge = (place + 0.5) / cells, 0.01 * cells - 0.5
    x, align = (edge, "left") if side < END else (cells - 1 - edge, "right") if side > 1 - END else (place, "center")
    ax.text(x, row, text, ha=align, va="center", fontsize=7, color=color)


def _within(table: pd.DataFrame, declared: tuple[float, float]) -> pd.DataFrame:
    return table[table["threshold"].between(declared[0] - 1e-9, declared[1] + 1e-9)]


def _percent(ax: Axes) -> None:
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)

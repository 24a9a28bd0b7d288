"""Figures of a reader study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats import palette
from helpers.stats.estimates_plot import forest
from helpers.stats.reader_agreement import NAMES as AGREEMENT
from helpers.stats.reader_model import ALL
from helpers.stats.reader_study import ReaderStudy
from helpers.stats.roc_curve import corners, roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES = {"auc": "AUC", "sensitivity": "Sensitivity", "specificity": "Specificity", "accuracy": "Accuracy"}
FEW = 7  # readers that can have a colour each
OUTCOMES = {  # colour and hatch, so that the four can be told apart without colour
    "kept_right": ("right both ways", "#0072B2", ""),
    "became_right": ("wrong, then right", "#56B4E9", "//"),
    "became_wrong": ("right, then wrong", "#E69F00", "\\\\"),
    "kept_wrong": ("wrong both ways", "#BDBDBD", ""),
}


def looks(study: ReaderStudy) -> dict[str, palette.Style]:
    """Look of each reader: one of its own for few readers, that of the reader's experience for many."""
    if len(study.readers) <= FEW:
        return palette.styles(study.readers)
    kinds = palette.styles(sorted(set(study.experience.values())) or [""])
    return {reader: kinds[study.experience.get(reader, next(iter(kinds)))] for reader in study.readers}


def operating_points(study: ReaderStudy, performance: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw each reader's way in ROC space from unaided to aided, with intervals, and the model's curve.

    Parameters
    ----------
    study : ReaderStudy
    performance : DataFrame
        From `reader_tables.performance`.
    ax : matplotlib Axes or None
        None opens a new figure.

    Returns
    -------
    matplotlib Axes
    """
    ax = palette.roc_square(palette.axes(ax, width=7.4, height=5.8))
    many = len(study.readers) > FEW
    if study.risks is not None:
        curve = roc(study.risks["label"], study.risks["risk"], patient_id=study.risks["patient_id"])
        keep = corners(curve.fp, curve.tp)
        area = curve.auc.text(2)
        text = f"{study.model} ({len(study.risks)} cases)\nAUC {area}"
        ax.plot(1 - curve.specificity[keep], curve.sensitivity[keep], color="black", linewidth=1.4, label=text)
        own = performance[performance["experience"] == "model"]
        ax.plot(1 - own["specificity"], own["sensitivity"], "*", color="black", markersize=12, label="its threshold")
    look, named = looks(study), set()
    for reader in study.readers:
        style, points = look[reader], performance[performance["reader"] == reader].set_index("modality")
        start, end = (points.loc[name] for name in (study.unaided, study.aided))
        for point, face in ((start, "white"), (end, style.color)):
            _cross(ax, point, style.color, alpha=0.18 if many else 0.55)
            shape = {"marker": style.marker, "markersize": 5 if many else 7, "zorder": 4}
            ax.plot(1 - point["specificity"], point["sensitivity"], color=style.color, markerfacecolor=face, **shape)
        ends = {"xy": (1 - end["specificity"], end["sensitivity"])}
        ends |= {"xytext": (1 - start["specificity"], start["sensitivity"])}
        arrow = {"arrowstyle": "-|>", "color": style.color, "linewidth": 1.0 if many else 1.6, "shrinkA": 3}
        ax.annotate("", **ends, arrowprops=arrow | {"shrinkB": 4}, zorder=3)
        kind = study.experience.get(reader, "")
        name = (kind or "readers") if many else f"{reader} ({kind})" if kind else reader
        if name not in named:
            ax.plot([], [], label=palette.label(name), linewidth=1.6, marker=style.marker, color=style.color)
            named.add(name)
    ax.plot([], [], "o", color=palette.REFERENCE, markerfacecolor="white", label=palette.label(study.unaided))
    ax.plot([], [], "o", color=palette.REFERENCE, label=palette.label(study.aided))
    ax.legend(fontsize="small", frameon=False, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return ax


def effects(study: ReaderStudy, each: pd.DataFrame, overall: pd.DataFrame) -> Figure:
    """Draw what each reader gained, and all readers on average, one panel a measure.

    Parameters
    ----------
    study : ReaderStudy
    each : DataFrame
        From `reader_gains.each_reader`.
    overall : DataFrame
        From `reader_gains.overall`.

    Returns
    -------
    matplotlib Figure
    """
    names = list(overall["measure"])
    readers = each["reader"].nunique()
    figure, panels = palette.grid(len(names), columns=2, width=4.8, height=1.1 + 0.24 * (readers + 1))
    for ax, name in zip(panels, names):
        whole = overall[overall["measure"] == name].assign(reader=ALL)
        part = pd.concat([each[each["measure"] == name], whole]).rename(columns={"absolute_gain": "value"})
        forest(part, row="reader", by=None, ax=ax, reference=0, xlabel=f"{study.aided} − {study.unaided}, 95 % CI")
        ax.locator_params(axis="x", nbins=5)
        _diamond(ax, part.iloc[-1], readers)
        ax.set_title(MEASURES[name], fontsize=10)
    return figure


def against_model(table: pd.DataFrame) -> Figure:
    """Draw model - reader at the reader's own specificity, and at the reader's own sensitivity.

    Parameters
    ----------
    table : DataFrame
        From `reader_model.against_model`.

    Returns
    -------
    matplotlib Figure
    """
    rows = table["reader"].nunique()
    figure, panels = palette.grid(2, columns=2, width=5.0, height=1.3 + 0.36 * rows)
    look = palette.styles(list(dict.fromkeys(table["modality"])))
    for ax, (match, part) in zip(panels, table.groupby("match", sort=False)):
        part = part.rename(columns={"difference": "value"})
        measure = part["measure"].iloc[0]
        forest(
            part,
            row="reader",
            by="modality",
            ax=ax,
            looks=look,
            reference=0,
            legend=False,
            xlabel=f"{measure.capitalize()}, model − reader",
        )
        ax.set_title(f"at the reader's {match}", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    return figure


def changes(minds: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what became of each reader's calls.

    Parameters
    ----------
    minds : DataFrame
        From `reader_tables.minds`.
    ax : matplotlib Axes or None
        None opens a new figure.

    Returns
    -------
    matplotlib Axes
    """
    ax = palette.axes(ax, width=7.4, height=1.4 + 0.34 * len(minds))
    left = pd.Series(0.0, index=minds.index)
    for column, (label, color, hatch) in OUTCOMES.items():
        share = 100 * minds[column] / minds["cases"]
        bars = ax.barh(minds.index, share, left=left, color=color, hatch=hatch, label=label, edgecolor="white")
        text = [f"{count}" if part >= 4 else "" for count, part in zip(minds[column], share)]
        dark = column == "kept_right"
        boxed = {"boxstyle": "square,pad=0.1", "facecolor": color, "edgecolor": "none"} if hatch else None
        ax.bar_label(
            bars, text, label_type="center", fontsize=8, color="white" if dark else "black", bbox=boxed, padding=0
        )
        left = left + share
    ax.set_yticks(list(minds.index), list(minds["reader"]))
    ax.set(ylim=(len(minds) - 0.4, -0.6), xlim=(0, 100), xlabel="Calls of a reader, per cent (number in the bar)")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.legend(fontsize="small", frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def by_experience(study: ReaderStudy, gains: pd.DataFrame, gaps: pd.DataFrame) -> Figure:
    """Draw the gains of each group of readers, and the difference between groups with both of its intervals.

    Parameters
    ----------
    study : ReaderStudy
    gains, gaps : DataFrame
        From `experience.by_experience` and `experience.differences`.

    Returns
    -------
    matplotlib Figure
    """
    figure, (left, right) = palette.grid(2, columns=2, width=4.8, height=1.4 + 0.5 * gains["measure"].nunique())
    shown = gains.rename(columns={"absolute_gain": "value"})
    over = ("these readers, other cases", "other readers and cases")
    kinds = list(dict.fromkeys(gains["experience"]))
    look = palette.styles([*kinds, *over])
    gain = f"Gain, {study.aided} − {study.unaided}"
    forest(shown, by="experience", ax=left, reference=0, names=MEASURES, legend=False, looks=look, xlabel=gain)
    left.legend(fontsize="small", frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2)
    pairs = gaps["first"] + " − " + gaps["second"]
    several = len(set(pairs)) > 1
    wide = gaps.assign(row=gaps["measure"].map(MEASURES) + (", " + pairs if several else ""), value=gaps["difference"])
    both = [
        wide.assign(over=over[0]),
        wide.assign(over=over[1], low=wide["random_low"], high=wide["random_high"]),
    ]
    first = "Difference of the gains" if several else f"Difference of the gains,\n{pairs.iloc[0]}"
    ends = pd.concat(both, ignore_index=True)
    forest(ends, row="row", by="over", ax=right, reference=0, legend=False, looks=look, xlabel=first)
    right.legend(fontsize="small", frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2)
    return figure


def agreement(table: pd.DataFrame) -> Axes:
    """Draw agreement between readers, unaided and aided.

    Parameters
    ----------
    table : DataFrame
        From `reader_agreement.agreement_table`.

    Returns
    -------
    matplotlib Axes
    """
    names = {key: said.replace(" of ", "\nof ", 1) for key, said in AGREEMENT.items()}
    part = table[table["modality"] != "change"]
    ax = palette.axes(width=7.0, height=1.1 + 0.6 * part["measure"].nunique())
    forest(part, by="modality", ax=ax, names=names, reference=0, xlabel="Agreement, 95 % confidence interval")
    return ax


def _cross(ax: Axes, point: pd.Series, color: str, *, alpha: float) -> None:
    """Intervals of sensitivity (upright) and specificity (level) through a point."""
    x, y = 1 - point["specificity"], point["sensitivity"]
    lines = {"color": color, "alpha": alpha, "linewidth": 1, "zorder": 2}
    ax.plot([x, x], [point["sensitivity_low"], point["sensitivity_high"]], **lines)
    ax.plot([1 - point["specificity_high"], 1 - point["specificity_low"]], [y, y], **lines)


def _diamond(ax: Axes, row: pd.Series, place: int) -> None:
    """The mean over readers, set off from the readers."""
    error = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
    ax.errorbar(row["value"], place, xerr=error, fmt="D", color="black", markersize=6, elinewidth=2.2, zorder=5)
    ax.axhline(place - 0.5, color="#E3E3E3", linewidth=0.6, zorder=0)

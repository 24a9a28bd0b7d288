"""Decision curves of the clinical choices that several classes serve, each with its own range of risks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from helpers.data.study import Study
from helpers.stats import decision_panels, decision_range, models, palette
from helpers.stats.decision import DecisionCurve
from helpers.stats.multiclass_table import collapse
from helpers.stats.predictions import classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = {
    "columns": ["choice", "positive", "threshold", "strategy", "Net benefit", "reason"],
    "formats": {"strategy": decision_range.named, "threshold": "{:.0%}"},
    "headers": {"positive": "Act when likely", "reason": "Reason for the range"},
}


@dataclass(frozen=True)
class ChoiceCurve:
    """A decision curve of one clinical choice.

    Parameters
    ----------
    curve : DecisionCurve
    low, high : float
        The declared range.
    positive : tuple of str
        Classes for which one acts.
    reason : str
        Why this range.
    bands : tuple of str
        Models drawn with their limits, from `models.focus`.
    """

    curve: DecisionCurve
    low: float
    high: float
    positive: tuple[str, ...]
    reason: str
    bands: tuple[str, ...]


def every(table: pd.DataFrame, study: Study, *, resamples: int) -> dict[str, ChoiceCurve] | None:
    """Decision curves of all declared choices in the judged split; None for a study without any.

    Parameters
    ----------
    table : DataFrame
        Predictions as read.
    study : Study
    resamples : int
        Bootstrap samples of patients.

    Returns
    -------
    dict of choice to ChoiceCurve, or None
    """
    if not study.choices or not classes(table):
        return None
    found = {}
    for choice in study.choices:
        part = collapse(table, choice.classes)
        judged, chooser = models.panel(part, split=study.judged), models.chooser(part, study.choosing)
        options = {"thresholds": decision_range.grid(choice.low, choice.high, 0.01), "resamples": resamples}
        options["harm"] = study.decision.harm
        (curve,) = decision_panels.every([judged], chooser, **options).values()
        bands = tuple(models.focus(list(judged.risks), chooser=chooser, baseline=study.clinical.name))
        found[choice.name] = ChoiceCurve(curve, choice.low, choice.high, choice.classes, choice.reason, bands)
    return found


def frame(found: Mapping[str, ChoiceCurve] | None) -> pd.DataFrame | None:
    """All strategies and thresholds of all choices, `choice` first; None of None."""
    if found is None:
        return None
    table = pd.concat([one.curve.frame().assign(choice=name) for name, one in found.items()], ignore_index=True)
    return table[["choice", *table.columns.drop("choice")]]


def shown(found: Mapping[str, ChoiceCurve] | None) -> pd.DataFrame | None:
    """The printed table: every strategy at the ends and the middle of each range; None of None."""
    if found is None:
        return None
    parts = []
    for name, one in found.items():
        table = one.curve.frame().rename(columns={"low": "net_benefit_low", "high": "net_benefit_high"})
        table = table[table["threshold"].isin(decision_range.marks(one.curve.thresholds, count=3))]
        table = table.sort_values("threshold", kind="stable")
        table = models.printed(table, {"net_benefit": "Net benefit"})
        parts.append(table.assign(choice=name, positive=" or ".join(one.positive), reason=one.reason))
    return pd.concat(parts, ignore_index=True)


def plot(found: Mapping[str, ChoiceCurve] | None) -> Figure | None:
    """A square a choice; None of None."""
    if found is None:
        return None
    figure, axes = palette.grid(len(found), columns=2, width=5.8, height=4.8)
    for ax, (name, one) in zip(axes, found.items()):
        one.curve.plot(ax, declared=(one.low, one.high), bands=one.bands)
        ax.get_legend().remove()
        ax.set_title(f"{name}: act when {' or '.join(one.positive)} is likely", fontsize=10.5)
    lines = {text: handle for ax in axes for handle, text in zip(*ax.get_legend_handles_labels())}
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return figure


def methods(found: Mapping[str, ChoiceCurve] | None) -> str:
    """How the curves were made; empty of None."""
    if not found:
        return ""
    said = [f"{name}: {one.curve.methods}" for name, one in found.items()]
    return "Risks of the classes of a choice are added. " + " ".join(said)

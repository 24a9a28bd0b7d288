"""Sentences whose numbers are computed: the answer that opens each chapter, with no claim beyond its interval."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.data.study import Study
from helpers.stats.calibration import Calibration
from helpers.stats.decision import DecisionCurve
from helpers.stats.models import p_text

REFERENCES = ("all", "none")


def best(performance: pd.DataFrame, split: str) -> str:
    """Name the AUC of each model on the judged split, highest first.

    Parameters
    ----------
    performance : DataFrame
        From `models.performance_of`.
    split : str
        Title of the judged split.

    Examples
    --------
    >>> frame = pd.DataFrame({"split": ["Test"], "model": ["a"], "n": [9], "events": [3], "auc": [0.8],
    ...                       "auc_low": [0.6], "auc_high": [0.95]})
    >>> best(frame, "Test")
    'AUC in 9 cases with 3 events (test): a 0.80 (95 % CI 0.60 to 0.95).'
    """
    judged = performance[performance["split"] == split].sort_values("auc", ascending=False)
    named = [
        f"{row.model} {row.auc:.2f} (95 % CI {row.auc_low:.2f} to {row.auc_high:.2f})" for row in judged.itertuples()
    ]
    first = judged.iloc[0]
    where = split[:1].lower() + split[1:]
    return f"AUC in {first['n']} cases with {first['events']} events ({where}): {'; '.join(named)}."


def comparison(pairs: pd.DataFrame) -> str:
    """Say which differences between models are beyond chance, and which are not.

    Examples
    --------
    >>> pairs = pd.DataFrame({"a": ["x"], "b": ["y"], "difference": [0.02], "difference_low": [-0.05],
    ...                       "difference_high": [0.09], "p_holm": [0.6]})
    >>> comparison(pairs)
    'No pair of models differs beyond what chance explains (smallest P after Holm 0.600).'
    """
    if pairs.empty:
        return "There is one model, so nothing to compare."
    sure = pairs[pairs["p_holm"] < 0.05].sort_values("p_holm")
    if sure.empty:
        least = p_text(float(pairs["p_holm"].min()))
        return f"No pair of models differs beyond what chance explains (smallest P after Holm {least})."
    said = [
        f"{row.a if row.difference > 0 else row.b} ranks better than {row.b if row.difference > 0 else row.a} "
        f"(difference {abs(row.difference):.2f}, P {p_text(row.p_holm)})"
        for row in sure.itertuples()
    ]
    rest = len(pairs) - len(sure)
    more = f"; the other {rest} pairs cannot be told apart" if rest else ""
    return f"After Holm's correction {', '.join(said)}{more}."


def calibration(summary: pd.DataFrame, split: str) -> str:
    """Say for each model whether slope and calibration in the large exclude their ideals, 1 and 0."""
    said = []
    for row in summary.itertuples():
        slope = f"slope {row.slope:.2f} ({row.slope_low:.2f} to {row.slope_high:.2f})"
        if row.in_the_large_high < 0:
            level = "risks too high on the whole"
        elif row.in_the_large_low > 0:
            level = "risks too low on the whole"
        else:
            level = "no sign that risks are too high or too low on the whole"
        said.append(f"{row.model}: {slope}, {level}")
    return f"{split}: {'; '.join(said)}."


def few_events(curves: Mapping[str, Calibration]) -> str:
    """Caution about curves drawn from few events; empty when there are enough."""
    few = [curve for curve in curves.values() if curve.too_few_events]
    if not few:
        return ""
    return (
        f"With {few[0].events} events and {few[0].n - few[0].events} other cases the curves are rough: at least 100 of "
        "each are advised before their shape is read."
    )


def decision(curve: DecisionCurve, low: float, high: float) -> str:
    """Say over what part of the declared range each model has a higher net benefit than acting on all or none."""
    frame = curve.frame()
    wide = frame.pivot(index="threshold", columns="strategy", values="net_benefit")
    reference = wide[list(REFERENCES)].max(axis=1)
    said = []
    for name in wide.columns.drop(list(REFERENCES)):
        above = wide.index[wide[name] > reference]
        if len(above) == 0:
            said.append(f"{name} nowhere")
        elif len(above) == len(wide):
            said.append(f"{name} over the whole range")
        else:
            said.append(
                f"{name} at {len(above)} of {len(wide)} thresholds, from {above.min():.0%} to {above.max():.0%}"
            )
    span = f"{low:.0%} to {high:.0%}"
    return (
        f"Between risks of {span} the point estimate of net benefit is above acting on all and on none for "
        f"{'; '.join(said)}."
    )


def crop(study: Study) -> str:
    """How still images are cut, in a sentence; empty for a study without inputs."""
    for source in study.inputs.values():
        rule = source.crop
        side = f"of {rule.side_mm:g} mm" if rule.side_mm else f"of {rule.scale:g} times the lesion's longer side"
        return f"A square {side} around the lesion, brought to {source.size} x {source.size} pixels of 8 bits."
    return ""


def frames(study: Study) -> str:
    """How frames of clips are chosen, in a sentence; empty for a study without clips."""
    for source in study.inputs.values():
        if source.kind != "bmode":
            return (
                f"One frame every {source.every_seconds:g} s; of these {source.key_frames} at equal steps around the "
                "frame with the largest section (Liu 2025, doi:10.3389/fendo.2025.1634875)."
            )
    return ""


def origin(study: Study) -> str:
    """Where the pictures come from, in a sentence a reader cannot miss."""
    if study.simulated:
        return "They are simulated: signs follow published counts, speckle follows physics, the patients do not exist."
    if study.source.adapter == "recordings":
        return "They are real recordings of other organs, openly licensed, and say nothing about the thyroid."
    return "They are recordings of this study's patients."

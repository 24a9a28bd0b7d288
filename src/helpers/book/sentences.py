"""Sentences whose numbers are computed: the answer that opens each chapter, with no claim beyond its interval."""

from __future__ import annotations

import pandas as pd

from helpers.data.study import Study

NAMED = 5  # models that a sentence names; of more, the first three and the range of the others


def _to(*values: float) -> str:
    """A number, or limits, as one prints them: with a minus sign, not a hyphen."""
    return "not defined" if values[0] != values[0] else " to ".join(f"{one:.2f}" for one in values).replace("-", "−")


def repeats(runs: pd.DataFrame, measure: str, *, split: str) -> str:
    """Say what all runs of each model give, where the page judges the first of several; else empty.

    Parameters
    ----------
    runs : DataFrame
        `model, runs`, and for the measure its mean, `<measure>_min` and `<measure>_max` over the runs.
    measure : str
        `auc` or `slope`.
    split : str
        The judged split; runs of `oof` are repeats of the cross-validation, of others training runs.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["a"], "runs": [10], "auc": [0.65], "auc_min": [0.586], "auc_max": [0.703]})
    >>> repeats(frame, "auc", split="oof")
    'That is the first of 10 repeats of the cross-validation; over all of them the AUC of a is 0.65 on average \
(0.59 to 0.70).'
    """
    several = runs[(runs["runs"] > 1) & runs[measure].notna()]
    if several.empty:
        return ""
    counts = set(several["runs"])
    count = str(min(counts)) if len(counts) == 1 else "several"
    kind = "repeats of the cross-validation" if split == "oof" else "training runs"
    said = [
        f"of {row['model']} is {_to(row[measure])} on average ({_to(row[f'{measure}_min'], row[f'{measure}_max'])})"
        for _, row in several.head(NAMED).iterrows()
    ]
    more = f", and {len(several) - NAMED} more models have several" if len(several) > NAMED else ""
    name = {"auc": "AUC"}.get(measure, measure)
    return f"That is the first of {count} {kind}; over all of them the {name} {', '.join(said)}{more}."


def crop(study: Study) -> str:
    """How still images are cut, in a sentence; empty for a study without inputs."""
    for source in study.inputs.values():
        rule = source.crop
        if rule.whole:
            return (
                f"The whole frame, wherever the lesion is, brought to {source.size} x {source.size} pixels of 8 bits."
            )
        of, around = "the lesion's", "the lesion"
        if study.source.adapter == "recordings":
            of, around = "its box's", "what the mask marks or, without a mask, around a part of the picture"
        side = f"of {rule.side_mm:g} mm" if rule.side_mm else f"of {rule.scale:g} times {of} longer side"
        return f"A square {side} around {around}, brought to {source.size} x {source.size} pixels of 8 bits."
    return ""


def frames(study: Study) -> str:
    """How frames of clips are chosen, in a sentence; empty for a study without clips."""
    for source in study.inputs.values():
        if source.kind != "bmode":
            key = "frame with the largest section (Liu 2025, doi:10.3389/fendo.2025.1634875)"
            if study.source.adapter == "recordings":
                key = "middle of the clip, as nothing is outlined in it"
            return (
                f"One frame every {source.every_seconds:g} s; of these {source.key_frames} at equal steps around the "
                f"{key}."
            )
    return ""


def origin(study: Study) -> str:
    """Where the pictures come from, in a sentence a reader cannot miss."""
    if study.simulated:
        return "They are simulated: signs follow published counts, speckle follows physics, the patients do not exist."
    if study.source.adapter == "recordings":
        return (
            "They are real recordings of other organs, openly licensed, and say nothing about the thyroid; calipers or "
            "words are burned into some."
        )
    return "They are recordings of this study's patients."

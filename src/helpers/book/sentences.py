"""Sentences whose numbers are computed: the answer that opens each chapter, with no claim beyond its interval."""

from __future__ import annotations

import pandas as pd

from helpers.data.study import Study
from helpers.stats.models import p_text

NAMED = 5  # models that a sentence names; of more, the first three and the range of the others


def best(performance: pd.DataFrame, split: str) -> str:
    """Name the AUC of each model on the judged split, highest first; then the external test where there is one.

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
    said = []
    for title in dict.fromkeys([split, *(name for name in performance["split"] if name.startswith("External"))]):
        judged = performance[performance["split"] == title].sort_values("auc", ascending=False)
        if judged.empty:
            continue
        shown = judged if len(judged) <= NAMED else judged.head(3)
        named = [f"{row.model} {row.auc:.2f} (95 % CI {_to(row.auc_low, row.auc_high)})" for row in shown.itertuples()]
        rest = judged.iloc[len(shown) :]
        if len(rest):
            named.append(f"the other {len(rest)} models from {rest['auc'].min():.2f} to {rest['auc'].max():.2f}")
        first = judged.iloc[0]
        where = title[:1].lower() + title[1:]
        said.append(f"AUC in {first['n']:,} cases with {first['events']:,} events ({where}): {'; '.join(named)}.")
    return " ".join(said)


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


def comparison(pairs: pd.DataFrame) -> str:
    """Say for each split which differences between models are beyond chance, and which are not.

    Examples
    --------
    >>> pairs = pd.DataFrame({"split": ["Test"], "a": ["x"], "b": ["y"], "difference": [0.02], "p_holm": [0.6]})
    >>> comparison(pairs)
    'No pair of models is told apart (smallest P after Holm 0.600).'
    """
    if pairs.empty:
        return "There is one model, so nothing to compare."
    parts = list(pairs.groupby("split", sort=False))
    if len(parts) == 1:
        return _compared(pairs)
    return " ".join(f"{split}: {_compared(part)}" for split, part in parts)


def _compared(pairs: pd.DataFrame) -> str:
    sure = pairs[pairs["p_holm"] < 0.05].sort_values("p_holm")
    if sure.empty:
        if pairs["p_holm"].isna().all():
            return "No pair of models could be tested."
        least = p_text(float(pairs["p_holm"].min()))
        return f"No pair of models is told apart (smallest P after Holm {least})."
    said = [
        f"{row.a if row.difference > 0 else row.b} ranks better than {row.b if row.difference > 0 else row.a} "
        f"(difference {abs(row.difference):.2f}, P {p_text(row.p_holm)})"
        for row in sure.head(NAMED).itertuples()
    ]
    more = f", and {len(sure) - NAMED} more pairs differ" if len(sure) > NAMED else ""
    rest = len(pairs) - len(sure)
    more += f"; the other {rest} pair{'s' * (rest > 1)} cannot be told apart" if rest else ""
    return f"After Holm's correction {', '.join(said)}{more}."


def second_method(table: pd.DataFrame) -> str:
    """Say whether intervals by formula and by resampling patients agree.

    Examples
    --------
    >>> second_method(pd.DataFrame({"split": ["Test"], "model": ["a"], "gap": [0.004], "agree": [True]}))
    'Intervals by formula and by resampling patients agree (largest difference of a limit 0.004).'
    """
    apart = table[~table["agree"]]
    if apart.empty:
        most = table["gap"].max()
        return f"Intervals by formula and by resampling patients agree (largest difference of a limit {most:.3f})."
    named = ", ".join(f"{row.model} in {row.split.lower()} ({row.gap:.3f})" for row in apart.itertuples())
    return f"Intervals by formula and by resampling patients differ for {named}; limits are rough there."


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

"""Computed sentences of the chapter on discrimination: how well cases are told apart, and how sure that is."""

from __future__ import annotations

import pandas as pd

from helpers.book.sentences import NAMED
from helpers.book.wording import value_text
from helpers.stats.models import p_text
from helpers.stats.units import counted


def best(performance: pd.DataFrame, split: str, *, unit: str) -> str:
    """Name the AUC of each model on the judged split, highest first; then the external test where there is one.

    Parameters
    ----------
    performance : DataFrame
        From `models.performance_of`.
    split : str
        Title of the judged split.
    unit : str
        `Study.unit`: what a row is called where patients repeat.

    Examples
    --------
    >>> frame = pd.DataFrame({"split": ["Test"], "model": ["a"], "n": [9], "events": [3], "patients": [9],
    ...                       "values": [9], "auc": [0.8], "auc_low": [0.6], "auc_high": [0.95]})
    >>> best(frame, "Test", unit="clip")
    'AUC in 9 patients with 3 events (test): a 0.80 (95 % CI 0.60 to 0.95).'
    """
    said = []
    for title in dict.fromkeys([split, *(name for name in performance["split"] if name.startswith("External"))]):
        judged = performance[performance["split"] == title].sort_values("auc", ascending=False)
        if judged.empty:
            continue
        shown = judged if len(judged) <= NAMED else judged.head(3)
        named = [f"{row.model} {value_text(row.auc, row.auc_low, row.auc_high)}" for row in shown.itertuples()]
        named = [text + ", one operating point" * (few <= 2) for text, few in zip(named, shown["values"])]
        rest = judged.iloc[len(shown) :]
        if len(rest):
            named.append(f"the other {len(rest)} models from {rest['auc'].min():.2f} to {rest['auc'].max():.2f}")
        size = counted(unit, **{name: int(judged[name].iloc[0]) for name in ("n", "events", "patients")})
        said.append(f"AUC in {size} ({title[:1].lower()}{title[1:]}): {'; '.join(named)}.")
    return " ".join(said)


def comparison(pairs: pd.DataFrame) -> str:
    """Say for each split which AUCs differ beyond chance, by how much, and how large other differences may be.

    Parameters
    ----------
    pairs : DataFrame
        From `models.comparisons_of`.

    Examples
    --------
    >>> pairs = pd.DataFrame({"split": "Test", "a": ["x", "x"], "b": ["y", "z"], "difference": [0.20, -0.02],
    ...                       "difference_low": [0.1, -0.09], "difference_high": [0.3, 0.05], "p_holm": [0.001, 0.6]})
    >>> comparison(pairs)
    'After Holm over 2 pairs, the AUC of x is 0.20 (95 % CI 0.10 to 0.30) higher than that of y (P 0.001); for the \
other pair no difference is shown, and its interval allows one of up to 0.09.'
    """
    if pairs.empty:
        return "There is one model, so nothing to compare."
    parts = list(pairs.groupby("split", sort=False))
    if len(parts) == 1:
        return _compared(pairs)
    return " ".join(f"{split}: {_compared(part)}" for split, part in parts)


def _compared(pairs: pd.DataFrame) -> str:
    if pairs["p_holm"].isna().all():
        return "No pair of models could be tested."
    sure = pairs[pairs["p_holm"] < 0.05].sort_values("p_holm")
    others = pairs.drop(sure.index)
    many = "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    if sure.empty:
        least = p_text(float(pairs["p_holm"].min()))
        which = "difference in AUC between two models" if len(pairs) > 1 else "difference in AUC"
        return f"After Holm over {many}, no {which} is shown (smallest P {least}); {_allowed(others)}."
    said = []
    for row in sure.head(NAMED).itertuples():
        up = row.difference > 0
        high, low = (row.a, row.b) if up else (row.b, row.a)
        limits = (row.difference_low, row.difference_high) if up else (-row.difference_high, -row.difference_low)
        by = value_text(abs(row.difference), *limits)
        said.append(f"the AUC of {high} is {by} higher than that of {low} (P {p_text(row.p_holm)})")
    if len(sure) > NAMED:
        more = len(sure) - NAMED
        said.append(f"the AUCs of {more} more pair{'s' * (more > 1)} differ")
    if len(others):
        rest = "pair" if len(others) == 1 else f"{len(others)} pairs"
        said.append(f"for the other {rest} no difference is shown, and {_allowed(others)}")
    return f"After Holm over {many}, {'; '.join(said)}."


def _allowed(pairs: pd.DataFrame) -> str:
    """How large a difference the intervals of some pairs still allow, in either direction."""
    farthest = pairs[["difference_low", "difference_high"]].abs().max().max()
    whose = "its interval allows" if len(pairs) == 1 else "their intervals allow"
    return f"{whose} one of up to {farthest:.2f}"


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

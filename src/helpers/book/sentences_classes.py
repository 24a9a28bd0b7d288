"""Computed sentences of the chapters on several classes, and on readers who name one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.book.wording import range_text
from helpers.stats.class_readers import ClassReaders
from helpers.stats.models import p_text
from helpers.stats.multiclass import MulticlassAuc
from helpers.stats.ordinal import Ordinal


def auc(made: Mapping[str, MulticlassAuc], *, split: str) -> str:
    """Mean AUC over classes of every model, with its interval."""
    said = [
        f"{name} {one.macro.value:.2f} (95 % CI {one.macro.low:.2f} to {one.macro.high:.2f})"
        for name, one in made.items()
    ]
    one = next(iter(made.values()))
    return f"AUC over the classes in {one.n} {split} patients, each class with the same weight: {'; '.join(said)}."


def accuracy(table: pd.DataFrame, *, unit: str) -> str:
    """Accuracy of every model beside that of naming the commonest class for everyone.

    Parameters
    ----------
    table : DataFrame
        From `class_calls.accuracies`.
    unit : str
        Which rows, such as `by patient`.
    """
    own = table[table["unit"] == unit]
    said = [
        f"{row['model']} {row['accuracy']:.0%} (95 % CI {row['accuracy_low']:.0%} to {row['accuracy_high']:.0%})"
        for row in own.to_dict("records")
    ]
    first = own.iloc[0]
    return (
        f"Named right, {unit}: {'; '.join(said)}. Naming the commonest class for everyone would be right in "
        f"{first['commonest']:.0%}."
    )


def ordinal(found: Mapping[str, Ordinal]) -> str:
    """How well each model orders the classes."""
    said = [
        f"{name} {one.concordance.value:.2f} ({one.concordance.low:.2f} to {one.concordance.high:.2f})"
        for name, one in found.items()
    ]
    return f"Read as grades, the classes are put in order with a concordance of {'; '.join(said)}; 0.5 is chance."


def readers(read_by: ClassReaders, compared: pd.DataFrame) -> str:
    """Who names how many patients right, and which differences to the readers hold."""
    said = []
    for name, one in read_by.everyone.items():
        made = one.accuracy()
        said.append(f"{name} {made.value:.0%} ({made.low:.0%} to {made.high:.0%})")
    whole = compared[compared["among"] == "all patients"]
    clear = whole[whole["p_holm"] < 0.05]
    held = [
        f"{row['model']} against the {row['reader']} reader ({100 * row['difference']:+.0f} points, P = "
        f"{p_text(row['p_holm'])})".replace("-", "−").replace("= <", "< ")
        for row in clear.to_dict("records")
    ]
    end = (
        f"After Holm's correction these hold: {'; '.join(held)}."
        if held
        else ("No difference between a model and a reader holds after Holm's correction.")
    )
    return f"Right in {read_by.n} patients (95 % CI): {'; '.join(said)}. {end}"


def needed(table: pd.DataFrame, *, n: int) -> str:
    """How many patients the claims would need, over what is possible of the disagreement or at the one that was seen.

    Parameters
    ----------
    table : DataFrame
        From `class_readers.printed_first`.
    n : int
        Patients that there are.
    """
    said = []
    for (first, second), part in table.groupby(["first", "second"], sort=False):
        text = f"{first} ({part['a'].iloc[0]:.0%}) against {second} ({part['b'].iloc[0]:.0%}): "
        if part["needed"].isna().all():
            said.append(f"{text}right equally often, so no number of patients would tell them apart")
            continue
        text += f"{range_text(part['needed'])} patients"
        if part["power"].notna().all():
            text += f", and with {n} a power of {part['power'].min():.0%} to {part['power'].max():.0%}"
        said.append(text)
    if not said:
        return ""
    whose = "the study prints here" if (table["source"] == "here").all() else "the paper that the study follows prints"
    return f"To show the accuracies that {whose} as different (80 % power): {'; '.join(said)}."

"""Readers and models who name one of several classes, drawn: accuracies, and differences on the same patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats import palette
from helpers.stats.class_readers import ClassReaders
from helpers.stats.estimates_plot import forest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracy(read_by: ClassReaders, compared: pd.DataFrame) -> Figure:
    """Draw the accuracy of everyone, and every difference of a model to a reader.

    Parameters
    ----------
    read_by : ClassReaders
    compared : DataFrame
        From `class_readers.compare`.

    Returns
    -------
    matplotlib Figure
    """
    rows = []
    for name, one in read_by.everyone.items():
        made = one.accuracy()
        rows.append({"who": name, "value": made.value, "low": made.low, "high": made.high})
    among = compared["among"].nunique()
    height = 1.6 + 0.3 * among * compared[["model", "reader"]].drop_duplicates().shape[0]
    figure, axes = palette.grid(2, columns=2, width=5.0, height=height)
    forest(pd.DataFrame(rows), row="who", by=None, ax=axes[0], xlabel="Share of patients named right")
    most = next(iter(read_by.readers.values())).commonest()
    axes[0].axvline(most, color=palette.REFERENCE, linewidth=0.9, linestyle=(0, (2, 2)))
    axes[0].set_title("dotted: the commonest class for everyone", fontsize=9)
    moved = compared.rename(columns={"difference": "value", "difference_low": "low", "difference_high": "high"})
    moved["pair"] = moved["model"] + " − " + moved["reader"]
    sizes = {name: f"{name} (n = {n})" for name, n in zip(moved["among"], moved["n"])}
    forest(moved, row="among", by="pair", ax=axes[1], reference=0, names=sizes, xlabel="Difference, model − reader")
    axes[1].set_title("on the same patients", fontsize=9)
    return figure

"""A predictions table with several classes: one class against the rest for the chapters, all classes for one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.models import printed
from helpers.stats.multiclass import MulticlassAuc, auc_multiclass
from helpers.stats.predictions import classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def against_rest(table: pd.DataFrame, *, positive: str) -> pd.DataFrame:
    """Turn a table with `risk_<class>` columns into one with `label` 0 or 1 and `risk`; leave any other as it is.

    Parameters
    ----------
    table : DataFrame
        A checked predictions table.
    positive : str
        The class that counts as positive, as `outcome.positive` in `study.yaml` says.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If the table has classes and `positive` is none of them.

    Examples
    --------
    >>> columns = ["label", "risk_benign", "risk_low", "risk_high"]
    >>> table = pd.DataFrame([("high", 0.2, 0.2, 0.6), ("low", 0.5, 0.4, 0.1)], columns=columns)
    >>> against_rest(table, positive="high").to_dict("split")["data"]
    [[1, 0.6], [0, 0.1]]
    """
    return collapse(table, [positive]) if classes(table) else table


def collapse(table: pd.DataFrame, positive: Sequence[str]) -> pd.DataFrame:
    """Turn classes into a question of yes or no: `label` is 1 for any of `positive`, `risk` the sum of their risks.

    Parameters
    ----------
    table : DataFrame
        A checked predictions table with `risk_<class>` columns.
    positive : sequence of str
        Some of the classes, not all.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If a name is none of the classes, or none or all of them are named.

    Examples
    --------
    >>> columns = ["label", "risk_benign", "risk_low", "risk_high"]
    >>> table = pd.DataFrame([("high", 0.25, 0.25, 0.5), ("benign", 0.5, 0.375, 0.125)], columns=columns)
    >>> collapse(table, ["low", "high"]).to_dict("split")["data"]
    [[1, 0.75], [0, 0.5]]
    """
    names = classes(table)
    for name in positive:
        if name not in names:
            raise ValueError(
                f"positive: {name!r} is none of the classes {', '.join(names)}; name one in study.yaml under "
                "outcome.positive"
            )
    if not 0 < len(set(positive)) < len(names):
        raise ValueError(f"positive: name some, not all, of the classes {', '.join(names)}")
    risk = table[[f"risk_{name}" for name in names if name in positive]].sum(axis=1).clip(0, 1)
    out = table.drop(columns=[f"risk_{name}" for name in names])
    return out.assign(label=table["label"].isin(positive).astype(int), risk=risk)


def every(table: pd.DataFrame, *, split: str) -> dict[str, MulticlassAuc] | None:
    """AUCs over all classes of every model of one split, each with its first seed; None for two classes.

    Parameters
    ----------
    table : DataFrame
        As read.
    split : str

    Returns
    -------
    dict of str to MulticlassAuc, or None
    """
    names = classes(table)
    if len(names) < 3:
        return None
    part = table[table["split"] == split]
    part = part[part["seed"] == part.groupby("model")["seed"].transform("min")]
    risks = [f"risk_{name}" for name in names]
    return {
        str(model): auc_multiclass(rows["label"], rows[risks], names, patient_id=rows["patient_id"].to_numpy())
        for model, rows in part.groupby("model", sort=False)
    }


def frame(made: Mapping[str, MulticlassAuc] | None) -> pd.DataFrame | None:
    """One row a model and measure: `model, measure, class, n, events, auc, auc_low, auc_high, method`; None of None."""
    if made is None:
        return None
    table = pd.concat([one.frame().assign(model=name) for name, one in made.items()], ignore_index=True)
    table = table.rename(columns={"value": "auc", "low": "auc_low", "high": "auc_high"})
    titles = {"one_vs_rest": "against the rest", "macro": "mean over classes", "hand_till": "Hand and Till"}
    table["measure"] = table["measure"].map(titles)
    table["events"] = table["events"].astype(object).where(table["events"].notna(), np.nan)
    return table[["model", "measure", "class", "n", "events", "auc", "auc_low", "auc_high", "method"]]


def shown(table: pd.DataFrame | None) -> pd.DataFrame | None:
    """The printed table: one row a model, a column a class and measure; None of None."""
    if table is None:
        return None
    text = printed(table, {"auc": "text"})
    text["what"] = text["class"].where(text["class"] != "", text["measure"])
    wide = text.pivot(index="model", columns="what", values="text")
    return wide.loc[list(dict.fromkeys(text["model"])), list(dict.fromkeys(text["what"]))].reset_index()


def methods(made: Mapping[str, MulticlassAuc] | None) -> str:
    """How the AUCs were made, in a sentence; empty of None."""
    return next(iter(made.values())).methods if made else ""


def plot(made: Mapping[str, MulticlassAuc] | None) -> Figure | None:
    """One square a model with the curve of every class against the rest; None of None."""
    if made is None:
        return None
    figure, axes = palette.grid(len(made), columns=3, width=4.2, height=4.3)
    for ax, (name, one) in zip(axes, made.items()):
        one.plot(ax)
        ax.set_title(name)
    return figure

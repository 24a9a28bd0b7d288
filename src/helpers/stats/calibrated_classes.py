"""Calibration of each of several classes: its risk against how often it was the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats import calibrated, calibrated_plot
from helpers.stats.models import panel, printed
from helpers.stats.multiclass_table import collapse
from helpers.stats.predictions import classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADS = {"in_the_large": "Intercept in the large", "slope": "Slope", "observed_expected": "O:E", "brier": "Brier score"}
METHODS = (
    "Each class against all others, as for two classes; the risks of a patient sum to 1, so that classes are not "
    "independent (Van Hoorde 2014, doi:10.1002/sim.6114)."
)
FEW = 10  # events below which a slope says next to nothing


def every(table: pd.DataFrame, *, split: str) -> calibrated.Curves | None:
    """Calibration of every class and model of a split, by class; None for two classes.

    Parameters
    ----------
    table : DataFrame
        As read.
    split : str

    Returns
    -------
    mapping of class to mapping of model to Calibration, or None
    """
    names = classes(table)
    if len(names) < 3:
        return None
    return {name: calibrated.each(panel(collapse(table, [name]), split=split)) for name in names}


def points(found: calibrated.Curves | None) -> pd.DataFrame | None:
    """The points of all curves, `class` first; None of None."""
    return None if found is None else calibrated.points(found).rename(columns={"split": "class"})


def shown(found: calibrated.Curves | None) -> tuple[pd.DataFrame | None, list[str]]:
    """The printed table and its columns; None of None."""
    if found is None:
        return None, []
    table = calibrated.summary(found, measures=tuple(HEADS)).rename(columns={"split": "class"})
    return printed(table, HEADS, digits=2), ["class", "model", "n", "events", *HEADS.values()]


def plot(found: calibrated.Curves | None) -> Figure | None:
    """A row of squares a model, a column a class; None of None."""
    return None if found is None else calibrated_plot.plot(found)


def caution(found: calibrated.Curves | None) -> str:
    """Name the classes with too few patients for a slope; empty without one, and for None.

    Examples
    --------
    >>> caution(None)
    ''
    """
    if found is None:
        return ""
    events = {name: next(iter(made.values())).events for name, made in found.items()}
    few = [f"{name} ({count})" for name, count in events.items() if count < FEW]
    if not few:
        return ""
    return f"Too few patients to judge the slope of a class: {', '.join(few)}; its interval says so."

"""Computed sentences on calibration: can risks be taken at their word, what mends them, which ones decisions use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.stats.calibrated import CHANGE, FOR_DECISIONS, each, for_decisions, summary
from helpers.stats.calibration import Calibration
from helpers.stats.models import Panel
from helpers.stats.units import counted

LEVEL = ("observed_expected", "in_the_large")
NAMED = 5  # models that a sentence names; more are counted


def _range(value: float, low: float, high: float, *, digits: int = 2) -> str:
    """A number and its limits as one prints them: with a minus sign, not a hyphen."""
    number, lower, upper = (f"{one:z.{digits}f}" for one in (value, low, high))  # z: no sign before zero
    limits = "interval not defined" if np.isnan(low) else f"{lower} to {upper}"
    return f"{number} ({limits})".replace("-", "−")


def _where(title: str) -> str:
    return f"{title[0].lower()}{title[1:]}"


def calibration(table: pd.DataFrame) -> str:
    """Say for each split and model slope and O:E, and where risks are off: each claim beside an interval that bears it.

    Parameters
    ----------
    table : DataFrame
        From `calibrated.summary`.

    Examples
    --------
    >>> row = {"split": "Test", "model": "a", "slope": 0.5, "slope_low": 0.3, "slope_high": 0.7, "no_slope": ""}
    >>> row |= {"observed_expected": 0.86, "observed_expected_low": 0.72, "observed_expected_high": 1.03}
    >>> row |= {"in_the_large": -0.28, "in_the_large_low": -0.61, "in_the_large_high": 0.04}
    >>> calibration(pd.DataFrame([row]))
    'Test: a: slope 0.50 (0.30 to 0.70), too extreme; O:E 0.86 (0.72 to 1.03).'
    """
    said = []
    for split, part in table.groupby("split", sort=False):
        told = _counted(part) if len(part) > NAMED else "; ".join(_judged(row) for row in part.itertuples())
        said.append(f"{split}: {told}.")
    return " ".join(said)


def _judged(row: object) -> str:
    slope = f"slope {row.no_slope}"
    if row.slope == row.slope:
        extreme = ", too extreme" if row.slope_high < 1 else ", too moderate" if row.slope_low > 1 else ""
        slope = f"slope {_range(row.slope, row.slope_low, row.slope_high)}{extreme}"
    return f"{row.model}: {slope}; {_level(row._asdict(), 'risks ')}"


def _level(row: Mapping[str, float], what: str) -> str:
    """O:E, and whether it shows, or the more exact intercept does, that risks are too high or too low on the whole."""
    ratio, large = ([row[f"{name}{end}"] for end in ("", "_low", "_high")] for name in LEVEL)
    by_ratio, by_intercept = _side(*ratio[1:], 1), _side(*large[1:], 0)
    why = "" if by_ratio or not by_intercept else f" (intercept in the large {_range(*large)})"
    side = by_ratio or by_intercept
    return f"O:E {_range(*ratio)}" + (f", {what}too {side} on the whole{why}" if side else "")


def _side(low: float, high: float, ideal: float) -> str:
    return "high" if high < ideal else "low" if low > ideal else ""


def _counted(part: pd.DataFrame) -> str:
    """Of many models: how many are off, and which way."""
    counts = {
        "have too extreme risks (slope below 1)": part["slope_high"] < 1,
        "have too moderate risks (slope above 1)": part["slope_low"] > 1,
        "have risks that are too high on the whole": part["in_the_large_high"] < 0,
        "have risks that are too low on the whole": part["in_the_large_low"] > 0,
    }
    named = [f"{int(where.sum())} {what}" for what, where in counts.items()]
    none = int(part["slope"].isna().sum())
    more = f"; the slope of {none} is not estimable" if none else ""
    return f"of {len(part)} models, with intervals that exclude the ideal, {', '.join(named)}{more}"


def few_events(curves: Mapping[str, Mapping[str, Calibration]]) -> str:
    """Caution about curves drawn from few events; empty when there are enough in every split."""
    few = [(split, one) for split, made in curves.items() for one in made.values() if one.too_few_events]
    if not few:
        return ""
    split, first = few[0]
    where = f" ({_where(split)})" if len(curves) > 1 else ""
    return (
        f"With {first.events} events and {first.n - first.events} other cases{where} the curves are rough: at least "
        "100 of each are advised before their shape is read."
    )


def mended(ladder: pd.DataFrame | None) -> str:
    """Say for each split what updating the intercept does to the Brier score and to O:E of the judged cases.

    The intercept is the rung that decision curves use; naming the rung that comes out best on the judged cases would
    let them choose.

    Examples
    --------
    >>> row = {"split": "Test", "model": "a", "brier_change_low": -0.004, "brier_change_high": 0.021}
    >>> rows = [row | {"method": "none", "observed_expected": 1.04},
    ...         row | {"method": "intercept", "observed_expected": 1.33, "brier_change": 0.009}]
    >>> mended(pd.DataFrame(rows))
    'Updating the intercept on other cases changes the Brier score (95 % CI). Test: a by +0.009 (−0.004 to 0.021), no \
clear change, and O:E from 1.04 to 1.33, further from 1.'
    >>> mended(None)
    ''
    """
    if ladder is None:
        return ""
    after = ladder[ladder["method"] == FOR_DECISIONS].dropna(subset=[CHANGE])
    if after.empty:
        return "No intercept can be fitted on the cases that may choose."
    key, ratio = ["split", "model"], "observed_expected"
    before = ladder[ladder["method"] == "none"].set_index(key)[ratio]
    after = after.assign(before=after.set_index(key).index.map(before), after=after[ratio])
    after["further"] = np.abs(np.log(after["after"])) > np.abs(np.log(after["before"]))
    said = []
    for split, part in after.groupby("split", sort=False):
        many = len(part) > NAMED
        told = _counted_changes(part) if many else "; ".join(_changed(row) for row in part.itertuples())
        said.append(f"{split}: {told}.")
    return f"Updating the intercept on other cases changes the Brier score (95 % CI). {' '.join(said)}"


def _changed(row: object) -> str:
    value, low, high = row.brier_change, row.brier_change_low, row.brier_change_high
    verdict = "better" if high < 0 else "worse" if low > 0 else "no clear change"
    further = ", further from 1" if row.further and f"{row.before:.2f}" != f"{row.after:.2f}" else ""
    sign = "+" if round(value, 3) > 0 else ""
    return (
        f"{row.model} by {sign}{_range(value, low, high, digits=3)}, {verdict}, "
        f"and O:E from {row.before:.2f} to {row.after:.2f}{further}"
    )


def _counted_changes(part: pd.DataFrame) -> str:
    better, worse = (part[f"{CHANGE}_high"] < 0).sum(), (part[f"{CHANGE}_low"] > 0).sum()
    return (
        f"of {len(part)} models it is better for {better} and worse for {worse}, with intervals that exclude 0, and "
        f"O:E comes further from 1 for {part['further'].sum()}"
    )


def maps(chooser: Panel | None, *, networks: bool, unit: str) -> str:
    """Say where recalibration maps come from, or that none can be fitted; and why networks are expected to need one.

    Parameters
    ----------
    chooser : Panel or None
        Where they are fitted.
    networks : bool
        Whether the study trains networks.
    unit : str
        `Study.unit`: what a row is called where patients repeat.

    Returns
    -------
    str
    """
    if chooser is None:
        return (
            "No map is fitted here: the table has judged cases only, and a map fitted on the cases that judge it "
            "would say nothing."
        )
    size = counted(unit, n=chooser.n, events=chooser.events, patients=chooser.patients)
    said = (
        f"Each map is fitted on the {size} that choose thresholds too "
        f"({_where(chooser.title)}), never on the case it is applied to."
    )
    if not networks:
        return said
    return (
        f"{said} A network whose training gives both outcomes the same weight learns the risks of a sample with as "
        "many events as others, so its raw risks are expected to need a map."
    )


def risks(chooser: Panel | None, judged: Sequence[Panel], *, prevalence: float | None = None) -> str:
    """Say which risks decisions use, on what they were recalibrated, and where they are still too high or too low.

    Parameters
    ----------
    chooser : Panel or None
        Where the intercept was updated.
    judged : sequence of Panel
        Whose decision curves are drawn.
    prevalence : float or None
        Of the population, where cases were sampled by outcome.

    Returns
    -------
    str
    """
    if chooser is None and prevalence is not None:  # of a sample by outcome, O:E says nothing on a population
        return (
            f"The risks stand as they were given, and must be those of a population with a prevalence of "
            f"{prevalence:.3g}: the table has no cases that may be used to recalibrate them."
        )
    if chooser is None:
        said = (
            "The risks stand as they were given: the table has no cases that may be used to recalibrate them, so a "
            "decision curve also shows what miscalibration costs."
        )
    else:
        moved = prevalence and f", and moved from their share of events to the given prevalence of {prevalence:.3g}"
        said = (
            f"The intercept of each model was updated on {chooser.n:,} cases with {chooser.events:,} events "
            f"({_where(chooser.title)}), none of them judged by its own map{moved or ''}."
        )
    off = [told for part in judged if (told := _off(chooser, part))]
    if not off:
        return said
    return f"{said} On the judged cases these risks are still off, and their curves suffer from it. {' '.join(off)}"


def _off(chooser: Panel | None, part: Panel) -> str:
    """Models whose risks, as decisions use them, are too high or too low in the sample as it is; empty for none."""
    made = each(replace(part, risks=for_decisions(chooser, part)), smoother="none")
    rows = summary({part.title: made}, measures=LEVEL).to_dict("records")
    said = [f"{row['model']} {told}" for row in rows if "too" in (told := _level(row, ""))]
    if len(said) > NAMED:
        return f"{part.title}: {len(said)} of {len(rows)} models."
    return f"{part.title}: {'; '.join(said)}." if said else ""

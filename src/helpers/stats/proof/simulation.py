"""Count over replicates how often intervals hold the truth and tests reject, with the Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.processes import spread
from helpers.stats.intervals import proportion_limits

NOMINAL = 0.95
ALPHA = 0.05
# beyond the Monte Carlo error by this much is called clear: a matter of the method, not of this run
MARGIN = 0.01
ROLES = ("printed", "offered", "wrong")
_TOGETHER = 25  # replicates of a family that one process makes at a time


@dataclass(frozen=True)
class Made:
    """One interval that was made in one replicate.

    Parameters
    ----------
    measure, method : str
        What is estimated, and how the interval is made.
    low, high, truth : float
    role : str
        `printed` in the book, `offered` by a function of the book, or `wrong`: shown for what it costs.
    """

    measure: str
    method: str
    low: float
    high: float
    truth: float
    role: str = "printed"


@dataclass(frozen=True)
class PValue:
    """One P value that was computed in one replicate; `role` as in `Made`."""

    test: str
    method: str
    p_value: float
    role: str = "printed"


@dataclass(frozen=True)
class Family:
    """Intervals, or tests, that are made together from one simulated study.

    Parameters
    ----------
    name : str
        Name of the study's size in tables and figures.
    make : function
        From the number of the replicate to the intervals, or P values, of that study.
    share : float
        Part of the replicates that is run: below 1 for what resamples.

    Examples
    --------
    >>> Family("A", lambda replicate: [], share=0.25).replicates(200)
    50
    """

    name: str
    make: Callable[[int], Iterable[Made]] | Callable[[int], Iterable[PValue]]
    share: float = 1.0

    def replicates(self, asked: int) -> int:
        """How many of the replicates are run; at least ten."""
        return max(min(asked, 10), int(np.ceil(self.share * asked)))


Build = Callable[[], Sequence[Family]]
"""Gives the families to simulate, the same at every call; picklable when several processes share the work."""


def count_coverage(build: Build, replicates: int, *, workers: int = 1) -> pd.DataFrame:
    """Count how often each interval holds the true value.

    Parameters
    ----------
    build : function
        Gives the families.
    replicates : int
        Simulated studies; a family may run a share of them.
    workers : int
        Processes; the counts do not depend on it.

    Returns
    -------
    DataFrame
        One row a design and interval: `design, measure, method, role, replicates, truth` (its mean where it varies
        with the readers)`, covered, coverage, low, high` (Wilson's interval of the coverage)`, too_low, too_high`
        (shares of intervals that lie below, and above, the truth)`, width` (median)`, not_given` (share of studies
        in which the limits are not defined; these are not counted).

    Examples
    --------
    >>> family = Family("coin", lambda replicate: [Made("mean", "fixed", -1.0, 1.0, 0.0)])
    >>> count_coverage(lambda: [family], 50)[["coverage", "low"]].round(3).values.tolist()
    [[1.0, 0.929]]
    """
    rows: dict[tuple, list[tuple]] = {}
    for design, made in _simulated(build, replicates, workers):
        key = (design, made.measure, made.method, made.role)
        rows.setdefault(key, []).append((made.low, made.high, made.truth))
    table = []
    for (design, measure, method, role), values in rows.items():
        low, high, truth = np.array(values, dtype=float).T
        given = ~(np.isnan(low) | np.isnan(high))
        inside = given & (low <= truth + 1e-12) & (truth - 1e-12 <= high)
        row: dict[str, Any] = {"design": design, "measure": measure, "method": method, "role": role}
        row |= {"replicates": int(given.sum()), "truth": truth.mean(), "covered": int(inside.sum())}
        row |= share(int(inside.sum()), int(given.sum()), "coverage")
        counted = max(int(given.sum()), 1)
        row |= {"too_low": np.sum(given & (high < truth - 1e-12)) / counted}
        row |= {"too_high": np.sum(given & (low > truth + 1e-12)) / counted}
        widths = (high - low)[given]
        row |= {"width": float(np.median(widths)) if widths.size else np.nan, "not_given": 1 - given.mean()}
        table.append(row)
    return pd.DataFrame(table)


def count_rejections(build: Build, replicates: int, *, alpha: float = ALPHA, workers: int = 1) -> pd.DataFrame:
    """Count how often each test rejects at 5 %.

    Parameters
    ----------
    build : function
        Gives the families.
    replicates : int
    alpha : float
        Level of the tests.
    workers : int
        Processes; the counts do not depend on it.

    Returns
    -------
    DataFrame
        One row a design and test: `design, test, method, role, replicates, rejected, share, low, high` (Wilson's
        interval)`, not_given`. A P value that is not defined does not reject, and is counted.

    Examples
    --------
    >>> family = Family("coin", lambda replicate: [PValue("fair", "none", replicate / 50)])
    >>> float(count_rejections(lambda: [family], 50)["share"].iloc[0])
    0.06
    """
    rows: dict[tuple, list[float]] = {}
    for design, found in _simulated(build, replicates, workers):
        rows.setdefault((design, found.test, found.method, found.role), []).append(found.p_value)
    table = []
    for (design, test, method, role), values in rows.items():
        p_values = np.array(values, dtype=float)
        rejected = int(np.sum(p_values <= alpha))
        row = {"design": design, "test": test, "method": method, "role": role, "replicates": p_values.size}
        row |= {"rejected": rejected} | share(rejected, p_values.size, "share")
        table.append(row | {"not_given": float(np.isnan(p_values).mean())})
    return pd.DataFrame(table)


def _simulated(build: Build, replicates: int, workers: int) -> Iterator[tuple[str, Any]]:
    """What every replicate of every family gives, with the family's name, in order."""
    if replicates < 10 or replicates != int(replicates):
        raise ValueError(f"replicates: a whole number of at least 10 is needed, not {replicates!r}")
    families = build()
    numbers = [family.replicates(replicates) for family in families]
    parts = [
        (place, range(first, min(first + _TOGETHER, number)))
        for place, number in enumerate(numbers)
        for first in range(0, number, _TOGETHER)
    ]
    made = spread(partial(_make, build), parts, workers, together=1)
    for (place, _), results in zip(parts, made, strict=True):
        yield from ((families[place].name, one) for one in results)


def _make(build: Build, part: tuple[int, range]) -> list:
    place, replicates = part
    make = build()[place].make
    return [one for replicate in replicates for one in make(replicate)]


def share(count: int, total: int, name: str) -> dict[str, float]:
    """A share with its Monte Carlo interval (Wilson); NaN when nothing was counted.

    Examples
    --------
    >>> {key: round(value, 3) for key, value in share(190, 200, "coverage").items()}
    {'coverage': 0.95, 'low': 0.91, 'high': 0.973}
    """
    if total == 0:
        return {name: np.nan, "low": np.nan, "high": np.nan}
    low, high = proportion_limits(count, total)
    return {name: count / total, "low": float(low), "high": float(high)}

"""Bring risks back into line: a ladder of maps from none to isotonic, fitted on training or tuning data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from helpers.stats import checks, logistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHODS = ("none", "intercept", "temperature", "slope", "isotonic")  # in order of what they can change
SPLITS = ("train", "tune", "oof")
SOURCES = {
    "none": "",
    "intercept": "recalibration in the large (doi:10.1002/sim.1844)",
    "slope": "logistic recalibration (doi:10.1002/sim.1844)",
    "temperature": "temperature scaling (doi:10.48550/arXiv.1706.04599)",
    "isotonic": "isotonic regression (doi:10.1145/775047.775151)",
}
ISOTONIC_ENOUGH = 1000  # cases below which isotonic maps overfit; doi:10.1145/1102351.1102430


class NoFiniteFit(ValueError):
    """A map that no finite numbers describe, such as of one risk for everyone or of risks that separate the classes."""


@dataclass(frozen=True)
class Recalibration:
    """A map from risk to recalibrated risk; see `recalibrate`.

    Attributes
    ----------
    method : str
        Rung of the ladder.
    intercept, slope : float
        Of the map on the logit scale; NaN for isotonic. The temperature is 1 / slope.
    knots : tuple of arrays
        Risks and recalibrated risks of the isotonic map; empty otherwise.
    record : dict
        Where the map comes from: method, splits, n, events, parameters, source, note.
    """

    method: str
    intercept: float
    slope: float
    knots: tuple[np.ndarray, ...]
    record: dict[str, Any]

    def apply(self, risk: ArrayLike) -> np.ndarray:
        """Recalibrate risks of any split.

        Parameters
        ----------
        risk : array of shape (n,)
            In [0, 1].

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1]; the order of cases is kept (isotonic maps may tie them), or turned round by a negative slope.
        """
        values = checks.scores(risk, len(np.asarray(risk)), probability=True)
        if self.method == "none":
            return values.copy()
        if self.method == "isotonic":
            return np.interp(values, *self.knots)
        return expit(self.intercept + self.slope * logistic.logit_risk(values)[0])

    def frame(self) -> pd.DataFrame:
        """The map at 101 risks: `risk, recalibrated`."""
        risk = np.linspace(0, 1, 101)
        return pd.DataFrame({"risk": risk, "recalibrated": self.apply(risk)})

    @property
    def methods(self) -> str:
        """How the map was made, in a sentence."""
        if self.method == "none":
            return "The risks were not recalibrated."
        splits = " and ".join(self.record["splits"])
        return (
            f"Risks were recalibrated by {self.record['source']}, fitted on {self.record['n']:,} cases with "
            f"{self.record['events']:,} events of the {splits} data; test labels played no part."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the map beside the identity."""
        from helpers.stats import palette

        ax = palette.axes(ax)
        frame = self.frame()
        ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linestyle=":", linewidth=1)
        ax.plot(frame["risk"], frame["recalibrated"], color=palette.COLORS[0], label=self.method)
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="Predicted risk", ylabel="Recalibrated risk")
        ax.legend(frameon=False, loc="upper left")
        return ax


def recalibrate(
    label: ArrayLike, risk: ArrayLike, *, method: str = "slope", split: str | ArrayLike = "tune"
) -> Recalibration:
    """Fit one rung of the ladder on training, tuning or out-of-fold predictions.

    On L = logit(risk): "intercept" fits a + L, "temperature" L / T with T > 0, "slope" a + b L; "isotonic" fits the
    monotone step function nearest to the outcomes (joined by lines). Which rung to use is decided on these data too.
    Intercept and slope: Steyerberg et al. (2004), doi:10.1002/sim.1844; temperature: Guo et al. (2017),
    doi:10.48550/arXiv.1706.04599; isotonic: Zadrozny and Elkan (2002), doi:10.1145/775047.775151.

    Parameters
    ----------
    label : array of shape (n,)
        1 event, 0 none.
    risk : array of shape (n,)
        In [0, 1].
    method : str
        "none", "intercept", "temperature", "slope" or "isotonic".
    split : str or array of shape (n,)
        Where the rows come from: "train", "tune" or "oof". "test" and "external" are refused.

    Returns
    -------
    Recalibration

    Raises
    ------
    ValueError
        Data from test, an unknown method or one class; `NoFiniteFit`, which is one, for a map without a finite fit.

    Examples
    --------
    >>> fitted = recalibrate([0, 0, 1, 0, 1, 1], [0.2, 0.3, 0.4, 0.6, 0.8, 0.9], method="intercept", split="tune")
    >>> fitted.apply([0.5]).round(3).tolist()
    [0.455]
    >>> recalibrate([0, 1], [0.2, 0.9], method="intercept", split="test")
    Traceback (most recent call last):
    ...
    ValueError: split: 'test' labels must not shape a calibration map; fit on train, tune or oof
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(METHODS)}")
    y = checks.labels(label)
    values = checks.scores(risk, len(y), probability=True)
    splits = _splits(split, len(y))
    events, _ = checks.both_classes(y)
    x, moved = logistic.logit_risk(values)
    intercept, slope, knots = 0.0, 1.0, ()
    ones = np.ones((len(y), 1))
    if method == "intercept":
        intercept = float(logistic.fit(y, ones, offset=x).coefficient[0])
    elif method == "temperature":
        slope = float(logistic.fit(y, x[:, None]).coefficient[0])
    elif method == "slope":
        intercept, slope = map(float, logistic.fit(y, np.column_stack([ones, x])).coefficient)
    elif method == "isotonic":
        intercept, slope, knots = np.nan, np.nan, _isotonic(y, values)
    if why := _no_fit(method, values, intercept, slope):
        raise NoFiniteFit(f"risk: {method} has no finite fit; {why}")
    notes = [f"{moved} risks of 0 or 1 were moved to the border for the logit"] if moved else []
    if slope < 0:
        notes.append("the fitted slope is negative, so that the map turns the ranking round")
    if method == "isotonic" and len(y) < ISOTONIC_ENOUGH:
        notes.append(f"isotonic maps overfit below about {ISOTONIC_ENOUGH} cases (doi:10.1145/1102351.1102430)")
    record = {
        "method": method,
        "splits": splits,
        "n": len(y),
        "events": events,
        "intercept": intercept,
        "slope": slope,
        "temperature": 1 / slope if method == "temperature" else np.nan,
        "source": SOURCES[method],
        "note": "; ".join(notes),
    }
    return Recalibration(method, intercept, slope, knots, record)


def _no_fit(method: str, risk: np.ndarray, intercept: float, slope: float) -> str:
    """Why a map has no finite fit; empty where it has one."""
    if method in ("temperature", "slope") and (same := logistic.alike(risk)):
        return same
    if method != "isotonic" and not np.isfinite([intercept, slope]).all():
        return "the risk separates the classes"
    if method == "temperature" and slope <= 0:  # the best T lies at infinity
        return "no temperature above 0 fits better than a risk of 0.5 for everyone"
    return ""


def _splits(split: str | ArrayLike, n: int) -> list[str]:
    values = np.atleast_1d(np.asarray(split, dtype=object))
    if len(values) not in (1, n):
        raise ValueError(f"split: has {len(values)} values, but label has {n}")
    found = list(dict.fromkeys(str(value) for value in values))
    for name in found:
        if name in ("test", "external"):
            raise ValueError(f"split: {name!r} labels must not shape a calibration map; fit on train, tune or oof")
        if name not in SPLITS:
            raise ValueError(f"split: {name!r} is not one of {', '.join(SPLITS)}")
    return found


def _isotonic(y: np.ndarray, risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import isotonic_regression

    values, where, count = np.unique(risk, return_inverse=True, return_counts=True)
    return values, isotonic_regression(np.bincount(where, weights=y) / count, weights=count).x

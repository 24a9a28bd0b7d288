"""Do the predicted risks agree with what happened? Calibration in the large, slope, flexible curve, Brier score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats import checks, logistic
from helpers.stats.brier import brier, brier_decomposition, spiegelhalter
from helpers.stats.calibration_indices import indices
from helpers.stats.intervals import Estimate, log_interval, wald
from helpers.stats.recalibration import Recalibration, recalibrate
from helpers.stats.resampling import cluster_covariance, repeats
from helpers.stats.smooth import Smooth, smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.palette import Style

__all__ = ["Calibration", "Recalibration", "calibration", "recalibrate"]

ENOUGH = 100  # events, and as many non-events, below which a flexible curve is stamped
GAP = 0.1  # between neighbouring risks, above which a curve is not drawn: no case stands behind it
NAN = float("nan")


@dataclass(frozen=True)
class Calibration:
    """Agreement of predicted risks with outcomes; see `calibration`.

    Attributes
    ----------
    in_the_large : Estimate
        Intercept with the logit of the risk as offset (slope held at 1): 0 when the mean risk is right.
    slope : Estimate
        Of the outcome on the logit of the risk: 1 when right, below 1 when the risks are too extreme.
    joint_intercept : Estimate
        Intercept fitted together with the slope; `rms::val.prob` prints this one. Not calibration in the large.
    observed_expected : Estimate
        Number of events divided by the sum of the risks.
    brier, scaled_brier : Estimate
        Mean squared error, and 1 minus its ratio to that of the prevalence.
    ici, e50, e90, emax : Estimate
        Mean, median, 90th percentile and maximum of |risk - curve| over the cases.
    brier_decomposition : dict
        `miscalibration - discrimination + uncertainty` = Brier score (isotonic, no bins).
    spiegelhalter_z, spiegelhalter_p : float
        Test that the Brier score is what the risks themselves promise; NaN when patients repeat.
    curve : Smooth or None
        The flexible curve; None when everyone has the same risk, or nearly so.
    note : str
        What a reader must know: few events, risks of 0 or 1, what is not estimable.
    n, events, patients : int
        Cases, events, patients.
    """

    in_the_large: Estimate
    slope: Estimate
    joint_intercept: Estimate
    observed_expected: Estimate
    brier: Estimate
    scaled_brier: Estimate
    ici: Estimate
    e50: Estimate
    e90: Estimate
    emax: Estimate
    brier_decomposition: dict[str, float]
    spiegelhalter_z: float
    spiegelhalter_p: float
    curve: Smooth | None
    note: str
    n: int
    events: int
    patients: int
    level: float
    label: np.ndarray = field(repr=False, compare=False)
    risk: np.ndarray = field(repr=False, compare=False)

    @property
    def too_few_events(self) -> bool:
        """Whether the curve must not be read closely: fewer than 100 events or non-events."""
        return min(self.events, self.n - self.events) < ENOUGH

    def frame(self) -> pd.DataFrame:
        """The curve with its band: `risk, observed, low, high`; empty when there is none.

        NaN between two neighbouring risks more than 0.1 apart: a smooth curve there is drawn from no case.
        """
        if self.curve is None:
            return pd.DataFrame(columns=["risk", "observed", "low", "high"], dtype=float)
        made = pd.DataFrame({"risk": self.curve.grid, "observed": self.curve.curve})
        made = made.assign(low=self.curve.low, high=self.curve.high)
        risks = np.unique(self.risk)
        for place in np.flatnonzero(np.diff(risks) > GAP):
            inside = (made["risk"] > risks[place]) & (made["risk"] < risks[place + 1])
            made.loc[inside, ["observed", "low", "high"]] = NAN
        return made

    def summary(self) -> pd.DataFrame:
        """One row a measure: `measure, value, low, high, se, level, method, note`."""
        names = [
            "in_the_large",
            "slope",
            "joint_intercept",
            "observed_expected",
            "brier",
            "scaled_brier",
            "ici",
            "e50",
            "e90",
            "emax",
        ]
        return pd.concat([getattr(self, name).frame(name) for name in names], ignore_index=True)

    @property
    def methods(self) -> str:
        """How calibration was assessed, in a sentence with the numbers."""
        curve = "a flexible curve was not possible"
        if self.curve is not None:
            kind = {
                "loess": "loess (span 0.75, degree 2)",
                "spline": "a restricted cubic spline",
                "distinct": "the share of events at each distinct risk",
            }
            curve = f"the flexible curve is {kind[self.curve.name]} with a {self.curve.band}"
            curve += "" if self.curve.name == "distinct" else f", not drawn between risks more than {GAP:g} apart"
        robust = "; errors are robust by patient" if self.patients < self.n else ""
        return (
            f"Calibration was assessed in {self.n:,} cases of {self.patients:,} patients with {self.events:,} "
            "events by O:E, calibration in the large (offset), slope and flexible curve (Van Calster 2016, "
            f"doi:10.1016/j.jclinepi.2015.12.005; 2019, doi:10.1186/s12916-019-1466-7); {curve}; ICI, E50 and E90 "
            f"follow Austin and Steyerberg (2019), doi:10.1002/sim.8281{robust}."
        )

    def plot(self, ax: Axes | None = None, *, name: str = "", style: Style | None = None, details: bool = True) -> Axes:
        """Draw the curve in a square with the identity line and, below, the risks by outcome.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; call again with the same axes and `details=False` to lay models over each other.
        name : str
            Model, for the legend.
        style : Style, optional
            From `palette.styles`.
        details : bool
            Draw the identity line, the histogram and the numbers too.

        Returns
        -------
        Axes
        """
        from helpers.stats.calibration_plot import draw

        return draw(self, ax, name=name, style=style, details=details)


def calibration(
    label: ArrayLike,
    risk: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
    smoother: str = "auto",
    resamples: int = 0,
    seed: int = 0,
) -> Calibration:
    """Compare predicted risks with outcomes.

    With L = logit(risk): calibration in the large is a in logit P(y = 1) = a + L; the slope b and the joint
    intercept are those of logit P(y = 1) = a + b L. Van Calster et al. (2016), doi:10.1016/j.jclinepi.2015.12.005.
    No Hosmer-Lemeshow test is offered: its result depends on the grouping and on n, and says neither how wrong the
    risks are nor where (doi:10.1186/s12916-019-1466-7).

    Parameters
    ----------
    label : array of shape (n,)
        1 event, 0 none.
    risk : array of shape (n,)
        Predicted probability of the event, in [0, 1]. Before a logit is taken, values within 1e-6 of 0 or 1 are
        moved to that border, and the note counts them.
    patient_id : array of shape (n,), optional
        When patients have several cases, standard errors are robust (sandwich summed within patients).
    level : float
        Of intervals and of the pointwise band.
    smoother : str
        "auto", "loess", "spline" or "distinct"; see `smooth.smooth`. "none" for no curve, which is quicker.
    resamples : int
        Bootstrap samples (of patients) for percentile intervals of ICI, E50, E90 and Emax; 0 for none. Being
        absolute distances, these four are biased upward in small samples, and their intervals with them.
    seed : int
        Of the resampling.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or out of range, or one class is absent.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.uniform(0.05, 0.95, 400)
    >>> result = calibration(rng.random(400) < risk, risk)
    >>> print(result.slope)
    1.171 (95 % CI 0.934 to 1.407)
    >>> result.too_few_events
    False
    """
    y = checks.labels(label)
    risk = checks.scores(risk, len(y), probability=True)
    level = checks.check_level(level)
    events, others = checks.both_classes(y)
    if resamples < 0 or resamples != int(resamples):
        raise ValueError(f"resamples: a whole number of at least 0 is needed, not {resamples!r}")
    clustered = repeats(patient_id, len(y))
    who = np.asarray(patient_id, dtype=object) if clustered else None
    patients = len(set(who.tolist())) if clustered else len(y)
    x, moved = logistic.logit_risk(risk)
    same = logistic.alike(risk)
    notes = _notes(events, others, moved, same)

    ones = np.ones((len(y), 1))
    robust = ", robust by patient" if clustered else ""
    large = logistic.fit(y, ones, offset=x, patient_id=who)
    in_the_large = wald(large.coefficient[0], large.se[0], level=level, method=f"Wald{robust}")
    joint = logistic.fit(y, np.column_stack([ones, x]), patient_id=who)
    if same or np.isnan(joint.coefficient).any():
        why = same or "the risk separates the classes"
        slope = intercept = Estimate(NAN, level=level, note=f"not estimable: {why}")
        if not same:
            notes.append("The slope is not estimable: the risk separates the classes.")
    else:
        intercept, slope = (
            wald(value, se, level=level, method=f"Wald{robust}") for value, se in zip(joint.coefficient, joint.se)
        )
    curve = (
        None
        if same or smoother == "none"
        else smooth(y, risk, smoother=smoother, patient_id=who, level=level, seed=seed)
    )
    score, scaled = brier(y, risk, patient_id=who, level=level)
    z, p = spiegelhalter(y, risk) if not clustered else (NAN, NAN)
    return Calibration(
        in_the_large,
        slope,
        intercept,
        observed_expected(y, risk, patient_id=who, level=level),
        score,
        scaled,
        **indices(y, risk, curve, patient_id=who, level=level, resamples=int(resamples), seed=seed),
        brier_decomposition=brier_decomposition(y, risk),
        spiegelhalter_z=z,
        spiegelhalter_p=p,
        curve=curve,
        note=" ".join(notes),
        n=len(y),
        events=events,
        patients=patients,
        level=level,
        label=y,
        risk=risk,
    )


def _notes(events: int, others: int, moved: int, same: str) -> list[str]:
    notes = []
    if min(events, others) < ENOUGH:
        notes.append(
            f"Too few events: {events} events and {others} non-events; a flexible curve needs at least {ENOUGH} of "
            "each, and often more (doi:10.1136/bmj-2023-074821). Read the curve only with its band."
        )
    if moved:
        notes.append(f"{moved} risks within {logistic.BORDER:g} of 0 or 1 were moved to that border for the logit.")
    if same:
        notes.append(f"{same[0].upper()}{same[1:]}: slope, joint intercept and flexible curve are not estimable.")
    return notes


def observed_expected(
    y: np.ndarray, risk: np.ndarray, *, patient_id: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Events divided by the sum of the risks, with an interval on the log scale.

    The expected number is taken as given; Debray et al. (2017), doi:10.1136/bmj.i6460.

    Parameters
    ----------
    y, risk : arrays of shape (n,)
        Checked outcome, with at least one event, and risk.
    patient_id : array of shape (n,), optional
        The standard error is robust by patient.
    level : float
        Of the interval.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> print(observed_expected(np.array([0, 1, 0, 1]), np.array([0.2, 0.3, 0.2, 0.3])))
    2.000 (95 % CI 0.751 to 5.329)
    """
    who = patient_id
    observed, expected, n = y.sum(), risk.sum(), len(y)
    method = "log, expected number taken as given (doi:10.1136/bmj.i6460)"
    if expected == 0:
        return Estimate(float("inf"), level=level, method=method, note="every risk is 0")
    se_log = np.sqrt((1 - observed / n) / observed)
    if who is not None:
        se_log = np.sqrt(cluster_covariance((y - y.mean()) / observed, who)[0, 0])
        method += ", robust by patient"
    return log_interval(observed / expected, se_log, level=level, method=method)

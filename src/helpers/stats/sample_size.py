"""How many patients a model needs, to be developed and to be validated, and what fewer allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import asinh, ceil, exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from helpers.stats.intervals import normal_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPTIMISM = 0.05  # largest drop of Nagelkerke's R2 from development to validation
RISK_MARGIN = 0.05  # half width of the interval of the overall risk
Z = normal_quantile(0.95)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(200)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class SampleSize:
    """Patients needed; see `development_size` and `validation_size`.

    Attributes
    ----------
    n, events : int
        Patients that meet every criterion, and the events expected among them (rounded up).
    prevalence : float
        Share of events.
    table : DataFrame
        One row a criterion.
    source : str
        References.
    """

    n: int
    events: int
    prevalence: float
    table: pd.DataFrame
    source: str

    def frame(self) -> pd.DataFrame:
        """One row a criterion: `criterion, n, events, target, assumption`."""
        return self.table.copy()

    @property
    def asked(self) -> str:
        """Patients and events for all criteria together, and which of them asks most, in words."""
        most = re.split(r",| [\d±]", self.table.loc[self.table["n"].idxmax(), "criterion"])[0]
        return f"{self.n:,} patients with {self.events:,} events for all criteria together (most for the {most})"

    @property
    def methods(self) -> str:
        """The calculation in a sentence."""
        parts = "; ".join(f"{row.criterion}: {row.n:,}" for row in self.table.itertuples())
        return f"Sample size: {self.n:,} patients with {self.events:,} events ({parts}); {self.source}."

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the patients that each criterion needs."""
        from helpers.stats import palette

        ax = palette.axes(ax, width=5.6, height=2.2)
        ax.barh(self.table["criterion"], self.table["n"], color=palette.COLORS[0])
        ax.bar_label(ax.containers[0], fmt="{:,.0f}", padding=3, fontsize=8)
        ax.invert_yaxis()
        ax.set(xlabel="Patients needed", xlim=(0, 1.15 * self.table["n"].max()))
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        return ax


def development_size(
    *,
    parameters: int,
    prevalence: float,
    r_squared: float | None = None,
    nagelkerke: float | None = None,
    c_statistic: float | None = None,
    shrinkage: float = 0.9,
) -> SampleSize:
    """Patients needed to develop a model for a binary outcome.

    Riley et al. (2019), doi:10.1002/sim.7992, and (2020), doi:10.1136/bmj.m441: expected shrinkage of at least 0.9,
    optimism in Nagelkerke's R2 of at most 0.05, overall risk known to 0.05. Same numbers as `pmsampsize`. The rule
    is for regression; networks need more.

    Parameters
    ----------
    parameters : int
        Candidate predictor parameters.
    prevalence : float
        Expected share of events, in (0, 1).
    r_squared, nagelkerke, c_statistic : float
        What the model is expected to reach; give one: Cox and Snell's R2, Nagelkerke's R2 (its Cox-Snell value is
        rounded to three decimals, as `pmsampsize` does), or the AUC (turned into R2 with normal linear predictors
        of equal variance; Riley et al. 2021, doi:10.1002/sim.8806).
    shrinkage : float
        Target of the first criterion, in (0, 1).

    Returns
    -------
    SampleSize

    Examples
    --------
    >>> development_size(parameters=24, prevalence=0.174, r_squared=0.288).n
    662
    """
    _fraction(prevalence=prevalence, shrinkage=shrinkage)
    if parameters < 1 or parameters != int(parameters):
        raise ValueError(f"parameters: a whole number of at least 1 is needed, found {parameters!r}")
    given = [value for value in (r_squared, nagelkerke, c_statistic) if value is not None]
    if len(given) != 1:
        raise ValueError("r_squared, nagelkerke, c_statistic: give exactly one")
    most = 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))
    if nagelkerke is not None:
        _fraction(nagelkerke=nagelkerke)
        r_squared = round(nagelkerke * most, 3)
    elif c_statistic is not None:
        r_squared = r_squared_from_c(c_statistic, prevalence)
    if not 0 < r_squared < most:
        raise ValueError(f"r_squared: must be in (0, {most:.3f}) at this prevalence, found {r_squared:g}")
    if r_squared >= shrinkage:
        raise ValueError("shrinkage: must be above r_squared")
    optimism = r_squared / (r_squared + OPTIMISM * most)
    sizes = {
        f"shrinkage {shrinkage:g}": _shrinkage_size(parameters, r_squared, shrinkage),
        f"optimism {OPTIMISM:g}": _shrinkage_size(parameters, r_squared, optimism),
        f"overall risk ± {RISK_MARGIN:g}": ceil((1.96 / RISK_MARGIN) ** 2 * prevalence * (1 - prevalence)),
    }
    assumption = f"{parameters} parameters, Cox-Snell R2 {r_squared:.3g}, prevalence {prevalence:g}"
    targets = (shrinkage, optimism, RISK_MARGIN)
    source = "Riley et al. 2019, doi:10.1002/sim.7992; 2020, doi:10.1136/bmj.m441"
    return _result(sizes, targets, assumption, prevalence, source)


def validation_size(
    *,
    prevalence: float,
    c_statistic: float,
    linear_predictor: tuple[float, float] | None = None,
    oe_width: float = 0.2,
    slope_width: float = 0.2,
    c_width: float = 0.1,
) -> SampleSize:
    """Patients needed to validate a model for a binary outcome.

    Riley et al. (2021), doi:10.1002/sim.9025: intervals of O:E, calibration slope and AUC no wider than asked. Same
    numbers as `pmvalsampsize`, the slope by quadrature.

    Parameters
    ----------
    prevalence : float
        Expected share of events, in (0, 1).
    c_statistic : float
        Expected AUC, in (0.5, 1).
    linear_predictor : tuple of float, optional
        Mean and SD of the logit of the risk, taken as normal. By default two normal distributions of equal
        variance that give the AUC and the prevalence.
    oe_width, slope_width, c_width : float
        Widest 95 % intervals allowed.

    Returns
    -------
    SampleSize

    Examples
    --------
    >>> validation_size(prevalence=0.3, c_statistic=0.8, linear_predictor=(-1, 1.2)).frame()["n"].tolist()
    [898, 2441, 360]
    """
    _fraction(prevalence=prevalence)
    if not 0.5 < c_statistic < 1:
        raise ValueError(f"c_statistic: must be inside (0.5, 1), found {c_statistic!r}")
    if min(oe_width, slope_width, c_width) <= 0:
        raise ValueError("oe_width, slope_width, c_width: must be above 0")
    se_oe = ceil(round(asinh(oe_width / 2) / Z * 1e4, 6)) / 1e4  # pmvalsampsize searches in steps of 0.0001
    se_slope = slope_width / (2 * 1.96)
    sizes = {
        f"O:E, width {oe_width:g}": ceil((1 - prevalence) / (prevalence * se_oe**2)),
        f"slope, width {slope_width:g}": ceil(_slope_variance(prevalence, c_statistic, linear_predictor) / se_slope**2),
        f"AUC, width {c_width:g}": _c_size(c_statistic, prevalence, c_width),
    }
    assumption = f"AUC {c_statistic:g}, prevalence {prevalence:g}"
    source = "Riley et al. 2021, doi:10.1002/sim.9025"
    return _result(sizes, (oe_width, slope_width, c_width), assumption, prevalence, source)


def auc_se(auc: float, events: float, others: float) -> float:
    """Expected standard error of an AUC; Newcombe (2006), doi:10.1002/sim.2324, as in `validation_size`.

    Parameters
    ----------
    auc : float
        In [0, 1].
    events, others : float
        Numbers of events and non-events.

    Returns
    -------
    float

    Examples
    --------
    >>> round(auc_se(0.75, 27, 89), 3)
    0.054
    """
    half = (events + others) / 2 - 1
    inner = 1 + half * (1 - auc) / (2 - auc) + half * auc / (1 + auc)
    return sqrt(auc * (1 - auc) * inner / (events * others))


def what_it_allows(*, n: int, events: int, auc: float = 0.75) -> pd.DataFrame:
    """Tell how precise the answers of a study of this size can be expected to be.

    Parameters
    ----------
    n, events : int
        Patients and events, with at least one of each class.
    auc : float
        Expected AUC.

    Returns
    -------
    DataFrame
        `measure, value, low, high, width`: 95 % intervals expected for an AUC as given, an O:E of 1, a calibration
        slope of 1 and a sensitivity of 0.8 (Wilson).

    Examples
    --------
    >>> what_it_allows(n=116, events=27).round(2).to_dict("split")["data"]  # doctest: +NORMALIZE_WHITESPACE
    [['auc', 0.75, 0.64, 0.86, 0.21], ['observed_expected', 1.0, 0.72, 1.39, 0.67],
     ['slope', 1.0, 0.47, 1.53, 1.06], ['sensitivity', 0.8, 0.62, 0.91, 0.29]]
    """
    from helpers.stats.intervals import proportion_limits

    if not (0 < events < n):
        raise ValueError(f"events: must be between 1 and n - 1, found {events} of {n}")
    if not 0.5 < auc < 1:
        raise ValueError(f"auc: must be inside (0.5, 1), found {auc!r}")
    half_auc = Z * auc_se(auc, events, n - events)
    factor = exp(Z * sqrt((1 - events / n) / events))
    half_slope = Z * sqrt(_slope_variance(events / n, auc, None) / n)
    low, high = proportion_limits(0.8 * events, events)
    rows = [
        ("auc", auc, max(0, auc - half_auc), min(1, auc + half_auc)),
        ("observed_expected", 1.0, 1 / factor, factor),
        ("slope", 1.0, 1 - half_slope, 1 + half_slope),
        ("sensitivity", 0.8, float(low), float(high)),
    ]
    frame = pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
    return frame.assign(width=frame["high"] - frame["low"])


def pilot_banner(
    *,
    n: int,
    events: int,
    auc: float = 0.75,
    parameters: int | None = None,
    validation: bool = True,
    among: str = "patients",
) -> str:
    """Text of the banner of a study that is too small; empty when it is large enough.

    Parameters
    ----------
    n, events : int
        Patients and events that estimates rest on (the test set, or all patients of a cross-validation).
    auc : float
        Expected AUC.
    parameters : int, optional
        Candidate predictor parameters, when a regression model is developed on these patients too.
    validation : bool
        Whether a model is validated on these patients; False for those it is only developed on.
    among : str
        What to call the patients.

    Returns
    -------
    str

    Examples
    --------
    >>> print(pilot_banner(n=116, events=27))  # doctest: +NORMALIZE_WHITESPACE
    Pilot: 27 events among 116 patients. Validation needs 3,248 patients with 756 events for all criteria together
    (most for the slope); an AUC of 0.75 alone needs 509. Expect a 95 % interval of the AUC from 0.64 to 0.86, of
    O:E from 0.72 to 1.39 and of the calibration slope from 0.47 to 1.53.
    """
    allowed = what_it_allows(n=n, events=events, auc=auc).set_index("measure")
    prevalence = events / n
    failed = []
    if parameters is not None:
        develop = development_size(parameters=parameters, prevalence=prevalence, c_statistic=auc)
        if n < develop.n:
            failed.append(f"Development with {parameters} parameters needs {develop.asked}.")
    if validation:
        needed = validation_size(prevalence=prevalence, c_statistic=auc)
        if n < needed.n:
            alone = needed.table["n"].iloc[-1]
            failed.append(f"Validation needs {needed.asked}; an AUC of {auc:g} alone needs {alone:,}.")
    if not failed:
        return ""
    said = f"Pilot: {events:,} events among {n:,} {among}. {' '.join(failed)}"
    if not validation:
        return said
    span = {name: f"from {row.low:.2f} to {row.high:.2f}" for name, row in allowed.iterrows()}
    return (
        f"{said} Expect a 95 % interval of the AUC "
        f"{span['auc']}, of O:E {span['observed_expected']} and of the calibration slope {span['slope']}."
    )


def r_squared_from_c(c_statistic: float, prevalence: float) -> float:
    """Cox and Snell's R2 of a logistic model with this AUC, exact where `pmsampsize` simulates.

    The linear predictor is normal in both classes with equal variance; Riley et al. (2021), doi:10.1002/sim.8806.

    Examples
    --------
    >>> round(r_squared_from_c(0.89, 0.174), 3)
    0.291
    """
    _fraction(prevalence=prevalence)
    if not 0.5 < c_statistic < 1:
        raise ValueError(f"c_statistic: must be inside (0.5, 1), found {c_statistic!r}")
    (events, others) = _two_normals(c_statistic, prevalence)
    model = prevalence * WEIGHTS @ -np.logaddexp(0, -events) + (1 - prevalence) * WEIGHTS @ -np.logaddexp(0, others)
    null = prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)
    return float(1 - np.exp(-2 * (model - null)))


def _two_normals(c: float, prevalence: float) -> tuple[np.ndarray, np.ndarray]:
    """Linear predictors of events and non-events at the quadrature nodes."""
    distance = sqrt(2) * ndtri(c)
    start = logit(prevalence)
    return start + distance**2 / 2 + distance * NODES, start - distance**2 / 2 + distance * NODES


def _slope_variance(prevalence: float, c: float, linear_predictor: tuple[float, float] | None) -> float:
    """Variance of the calibration slope times n: from the information of a well calibrated model."""
    if linear_predictor is None:
        events, others = _two_normals(c, prevalence)
        lp = np.concatenate([events, others])
        weight = np.concatenate([prevalence * WEIGHTS, (1 - prevalence) * WEIGHTS])
    else:
        mean, sd = linear_predictor
        if not sd > 0:
            raise ValueError(f"linear_predictor: the SD must be above 0, found {sd!r}")
        lp, weight = mean + sd * NODES, WEIGHTS
    p = expit(lp)
    i00, i01, i11 = (weight @ (lp**k * p * (1 - p)) for k in (0, 1, 2))
    return float(i00 / (i00 * i11 - i01**2))


def _c_size(c: float, prevalence: float, width: float) -> int:
    def wide(n: int) -> bool:
        return 2 * 1.96 * auc_se(c, n * prevalence, n * (1 - prevalence)) > width

    low, high = 2, 4
    while wide(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def _shrinkage_size(parameters: int, r_squared: float, shrinkage: float) -> int:
    return ceil(parameters / ((shrinkage - 1) * log(1 - r_squared / shrinkage)))


def _fraction(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise ValueError(f"{name}: must be inside (0, 1), found {value!r}")


def _result(sizes, targets, assumption, prevalence, source) -> SampleSize:
    table = pd.DataFrame(
        {
            "criterion": list(sizes),
            "n": list(sizes.values()),
            "events": [ceil(n * prevalence) for n in sizes.values()],
            "target": targets,
            "assumption": assumption,
        }
    )
    n = max(sizes.values())
    return SampleSize(n, ceil(n * prevalence), prevalence, table, source)

"""Would acting on a model help? Net benefit against acting on all and on none over a declared range of thresholds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats import checks
from helpers.stats.decision_range import REFERENCES
from helpers.stats.intervals import normal_quantile
from helpers.stats.net_benefit import Cohort, clean_thresholds, treated_up_to
from helpers.stats.resampling import percentile_limits, repeats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.palette import Style

PERCENT = np.arange(1, 100) / 100  # k/100 exactly; np.arange(0.01, 1, 0.01) is not


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of acting on one or more models; see `decision_curve`.

    Attributes
    ----------
    models : tuple of str
        Names, in the order given.
    thresholds : array of shape (m,)
        Sorted.
    n, events, patients : int
        Cases, events, patients.
    prevalence : float
        Of the sample, or the one given.
    level : float
        Of the limits, at each threshold.
    resamples : int
        Of the bootstrap; 0 when the limits are Wald.
    harm : dict
        Of each model, in net benefit.
    """

    models: tuple[str, ...]
    thresholds: np.ndarray
    n: int
    events: int
    patients: int
    prevalence: float
    level: float
    resamples: int
    harm: dict[str, float]
    _cohort: Cohort = field(repr=False, compare=False)
    _table: pd.DataFrame = field(repr=False, compare=False)
    _up_to: dict[str, np.ndarray] = field(repr=False, compare=False)
    _draws: dict[str, np.ndarray] = field(repr=False, compare=False)

    def frame(self) -> pd.DataFrame:
        """One row a strategy and threshold.

        Columns: `strategy` (a model, "all", "none")`, threshold, net_benefit` (per participant)`, standardized`
        (divided by the prevalence)`, interventions_avoided` (net, per participant, against acting on all; NaN at
        threshold 0)`, low, high` (of the net benefit)`, se, tp_rate, fp_rate, probability_best` (share of
        bootstrap samples in which the strategy has the highest net benefit; NaN without).
        """
        return self._table.copy()

    def at(self, threshold: float, strategy: str) -> float:
        """Net benefit of a strategy at one of the thresholds.

        Examples
        --------
        >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9], thresholds=[0.2])
        >>> curve.at(0.2, "model")
        0.4375
        """
        self._known(strategy)
        rows = self._table[self._table["strategy"] == strategy]
        match = rows.loc[np.isclose(rows["threshold"], threshold, rtol=0, atol=1e-9), "net_benefit"]
        if match.empty:
            raise ValueError(f"threshold: {threshold} is not one of those of the curve")
        return float(match.iloc[0])

    def difference(self, first: str, second: str) -> pd.DataFrame:
        """Net benefit of one strategy minus that of another, with its pointwise interval.

        Parameters
        ----------
        first, second : str
            Names of models, "all" or "none".

        Returns
        -------
        DataFrame
            `first, second, threshold, difference, low, high, se`; the limits come from the same bootstrap samples
            when the curve has any, else they are Wald. Sampling uncertainty, not a test
            (doi:10.1186/s41512-023-00148-y).

        Examples
        --------
        >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9], thresholds=[0.2])
        >>> curve.difference("model", "all")["difference"].tolist()
        [0.0625]
        """
        self._known(first)
        self._known(second)
        value = self._benefit(first) - self._benefit(second)
        se = self._se(first, second)
        if self.resamples:
            low, high = _limits(self._draws[first] - self._draws[second], self.level)
        else:
            half = normal_quantile(self.level) * se
            low, high = value - half, value + half
        columns = {"threshold": self.thresholds, "difference": value, "low": low, "high": high, "se": se}
        return pd.DataFrame({"first": first, "second": second, **columns})

    @property
    def note(self) -> str:
        """What a reader must know about the limits."""
        return "The band shows sampling uncertainty at each threshold; it is not a test."

    @property
    def methods(self) -> str:
        """How the curve was made, in a sentence with the numbers."""
        if self.resamples:
            unit = "patients" if self.patients < self.n else "cases"
            limits = f"percentile limits of {self.resamples:,} bootstrap samples of {unit}"
        else:
            limits = "Wald limits" + (", robust by patient" if self.patients < self.n else "")
        sample = self.events / self.n
        given = "" if self._cohort.prevalence is None else f" at a given prevalence of {self.prevalence:.3g}"
        harmed = [f"{name} {value:g}" for name, value in self.harm.items() if value]
        harm = f", less the harm of testing ({', '.join(harmed)})" if harmed else ""
        return (
            f"Net benefit (Vickers and Elkin 2006, doi:10.1177/0272989X06295361){given} in {self.n:,} cases of "
            f"{self.patients:,} patients ({self.events:,} events, {100 * sample:.1f} %) at {len(self.thresholds)} "
            f"thresholds from {self.thresholds[0]:g} to {self.thresholds[-1]:g}{harm}, positive when risk >= "
            f"threshold; {100 * self.level:g} % {limits}, sampling uncertainty and not a test "
            "(doi:10.1186/s41512-023-00148-y)."
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        declared: tuple[float, float] | None = None,
        bands: Collection[str] | None = None,
        styles: Mapping[str, Style] | None = None,
    ) -> Axes:
        """Draw net benefit over the declared range of thresholds, never smoothed.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        declared : tuple of float, optional
            The range of thresholds at which sensible people would decide. By default that of the thresholds given
            to `decision_curve`; needed when those span nearly everything, which declares nothing.
        bands : collection of str, optional
            Models that are drawn with their limits; by default all when the limits come from a bootstrap, else none.
        styles : mapping, optional
            From `palette.styles`, by model.

        Returns
        -------
        Axes

        Raises
        ------
        ValueError
            If no range was declared.
        """
        from helpers.stats.decision_plot import draw

        return draw(self, ax, declared=declared, bands=bands, styles=styles)

    def _known(self, strategy: str) -> None:
        if strategy not in (*self.models, *REFERENCES):
            raise ValueError(f"strategy: {strategy!r} is not one of {', '.join((*self.models, *REFERENCES))}")

    def _benefit(self, strategy: str) -> np.ndarray:
        return self._table.loc[self._table["strategy"] == strategy, "net_benefit"].to_numpy()

    def _se(self, first: str, second: str | None = None) -> np.ndarray:
        other = None if second is None else self._up_to[second]
        return self._cohort.se(self._up_to[first], other)


def decision_curve(
    label: ArrayLike,
    risk: ArrayLike | Mapping[str, ArrayLike],
    *,
    thresholds: ArrayLike,
    patient_id: ArrayLike | None = None,
    prevalence: float | None = None,
    harm: float | Mapping[str, float] = 0.0,
    name: str = "model",
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
) -> DecisionCurve:
    """Compare acting on one or more models with acting on all, or on none.

    Net benefit at threshold t is TP/n - FP/n * t/(1 - t), less the harm of testing; Vickers and Elkin (2006),
    doi:10.1177/0272989X06295361. A case is positive when risk >= t; both are compared after rounding to 12
    decimals, so that a risk of 0.07 is positive at `np.arange(0, 1, 0.01)[7]`. Nobody acts on a risk of exactly 0.

    Parameters
    ----------
    label : array of shape (n,)
        1 event, 0 none.
    risk : array of shape (n,), or mapping of name to array
        Predicted probability in [0, 1], of one model or of several on the same cases.
    thresholds : array of shape (m,)
        Risks at and above which one would act, in [0, 1). Declare them from the clinical question, before looking.
    patient_id : array of shape (n,), optional
        Patients with several cases are summed, and resampled whole.
    prevalence : float, optional
        Of the population, when the sample is case-control: NB = sens * prev - (1 - spec) (1 - prev) t/(1 - t).
    harm : float or mapping of name to float
        Harm of obtaining the prediction, in units of net benefit (the inverse of the number of predictions one
        would make to find one event).
    name : str
        Name of a single model.
    level : float
        Of the limits, at each threshold.
    resamples : int
        Bootstrap samples for limits and for the probability of being best; 0: Wald limits.
    seed : int
        Of the resampling.

    Returns
    -------
    DecisionCurve

    Raises
    ------
    ValueError
        Lengths differ, a value is missing or out of range, one class is absent, or a model is named like a reference.

    Examples
    --------
    >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9], thresholds=[0.2])
    >>> curve.frame()[["strategy", "net_benefit", "interventions_avoided"]].to_dict("split")["data"]
    [['model', 0.4375, 0.25], ['all', 0.375, 0.0], ['none', 0.0, -1.5]]
    """
    y = checks.labels(label)
    events, _ = checks.both_classes(y)
    level = checks.check_level(level)
    risks = dict(risk) if isinstance(risk, Mapping) else {name: risk}
    if not risks or set(risks) & set(REFERENCES):
        raise ValueError(f"risk: at least one model, and none named {' or '.join(REFERENCES)}")
    risks = {
        str(key): checks.scores(value, len(y), probability=True, name=f"risk of {key}" if len(risks) > 1 else "risk")
        for key, value in risks.items()
    }
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence: must be inside (0, 1), found {prevalence!r}")
    if resamples < 0 or resamples != int(resamples):
        raise ValueError(f"resamples: a whole number of at least 0 is needed, not {resamples!r}")
    harms = {key: float(harm.get(key, 0.0) if isinstance(harm, Mapping) else harm) for key in risks}
    if not all(0 <= value < 1 for value in harms.values()):
        raise ValueError(f"harm: must be in [0, 1), found {harm!r}")
    clustered = repeats(patient_id, len(y))
    grid = clean_thresholds(thresholds)
    cohort = Cohort(y, grid, np.asarray(patient_id, dtype=object) if clustered else None, prevalence)
    up_to = {key: treated_up_to(value, grid) for key, value in risks.items()}
    draws = _draws(cohort, up_to, harms, int(resamples), seed)
    up_to |= {"all": np.full(len(y), len(grid)), "none": np.zeros(len(y), dtype=np.int64)}
    best = _best(draws)
    parts = [
        _strategy(cohort, key, up_to[key], harms.get(key, 0.0), level, draws.get(key), best.get(key)) for key in up_to
    ]
    share = float(y.mean()) if prevalence is None else float(prevalence)
    table = pd.concat(parts, ignore_index=True)
    table.insert(3, "standardized", table["net_benefit"] / share)
    return DecisionCurve(
        tuple(risks),
        grid,
        len(y),
        events,
        len(set(cohort.patient_id.tolist())) if clustered else len(y),
        share,
        level,
        int(resamples),
        harms,
        cohort,
        table,
        up_to,
        draws,
    )


def _draws(cohort, up_to, harms, resamples, seed) -> dict[str, np.ndarray]:
    """Bootstrap net benefits, each of shape (resamples, m); empty without resampling."""
    if not resamples:
        return {}
    drawn = cohort.draws(list(up_to.values()), resamples=resamples, seed=seed)
    named = {key: drawn[k] - harms[key] for k, key in enumerate(up_to)}
    return named | {"all": drawn[-1], "none": np.zeros_like(drawn[-1])}


def _limits(drawn: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits; one sort of all thresholds at once when no draw is missing, which is ten times as quick."""
    if np.isnan(drawn).any():
        return percentile_limits(drawn, level=level)
    if not drawn.any():  # acting on none
        return np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
    ordered = np.sort(np.ascontiguousarray(drawn.T), axis=1)
    place = np.array([0.5 - level / 2, 0.5 + level / 2]) * (len(drawn) - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, len(drawn) - 1)
    low, high = (ordered[:, below] + (ordered[:, above] - ordered[:, below]) * (place - below)).T
    return low, high


def _best(draws: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Share of draws in which each strategy is best; strategies that tie share the draw."""
    if not draws:
        return {}
    top = np.fmax.reduce([*draws.values()]) - 1e-12
    won = {key: drawn >= top for key, drawn in draws.items()}
    share = 1.0 / sum(winner.astype(np.int64) for winner in won.values())
    return {key: (share * winner).mean(axis=0) for key, winner in won.items()}


def _strategy(cohort, key, up_to, harm, level, drawn, best) -> pd.DataFrame:
    tp, fp = cohort.rates(up_to)
    value = tp - fp * cohort.odds - harm
    every = cohort.rates(np.full(len(cohort.y), len(cohort.thresholds)))
    with np.errstate(invalid="ignore", divide="ignore"):
        avoided = np.where(cohort.odds > 0, (value - (every[0] - every[1] * cohort.odds)) / cohort.odds, np.nan)
    se = cohort.se(up_to)
    if drawn is None:
        half = normal_quantile(level) * se
        low, high = value - half, value + half
    else:
        low, high = _limits(drawn, level)
    return pd.DataFrame(
        {
            "strategy": key,
            "threshold": cohort.thresholds,
            "net_benefit": value,
            "interventions_avoided": avoided,
            "low": low,
            "high": high,
            "se": se,
            "tp_rate": tp,
            "fp_rate": fp,
            "probability_best": np.nan if best is None else best,
        }
    )

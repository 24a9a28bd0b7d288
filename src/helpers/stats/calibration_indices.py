"""How far risks lie from the calibration curve: ICI, E50, E90 and Emax with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from helpers.stats import logistic
from helpers.stats.intervals import Estimate
from helpers.stats.multinomial import multinomial
from helpers.stats.resampling import bootstrap_counts, percentile_limits
from helpers.stats.smooth import Smooth, loess_at, share, smooth, spline_basis, spline_knots

NAMES = ("ici", "e50", "e90", "emax")
BINS = 1000  # of the risk, for the bootstrap of a spline: each holds a thousandth of the cases
FEW_SAMPLES = 200  # bootstrap samples of loess above `FEW_ABOVE` cases, where a fit takes 10 ms and more
FEW_ABOVE = 1000


def indices(
    y: np.ndarray,
    risk: np.ndarray,
    curve: Smooth | None,
    *,
    patient_id: np.ndarray | None = None,
    level: float = 0.95,
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Mean, median, 90th percentile and maximum of |risk - curve| over the cases.

    Austin and Steyerberg (2019), doi:10.1002/sim.8281. In a resample the curve is fitted anew. A spline is fitted to
    the events and cases in a thousand bins of the risk, which costs the same for any n.

    Parameters
    ----------
    y, risk : arrays of shape (n,)
        Checked outcome and risk.
    curve : Smooth or None
        The flexible curve; None when the risk is constant.
    patient_id : array of shape (n,), optional
        Given when patients repeat; they are resampled whole.
    level : float
    resamples, seed : int
        Of the bootstrap, stratified by outcome; 0: no interval. Loess of more than 1,000 cases takes at most 200.

    Returns
    -------
    dict of str to Estimate
        `ici, e50, e90, emax`.

    Examples
    --------
    >>> risk = np.linspace(0.1, 0.9, 80)
    >>> y = np.arange(80) % 3 == 0
    >>> print(indices(y, risk, smooth(y, risk), resamples=50)["ici"].text(2))
    0.24 (95 % CI 0.17 to 0.31)
    """
    if curve is None:
        return {name: Estimate(np.nan, level=level, note="not estimable: there is no curve") for name in NAMES}
    values = _quantiles(np.abs(risk - curve.at_cases))
    if not resamples:
        return {name: Estimate(float(value), level=level, method=curve.name) for name, value in zip(NAMES, values)}
    if curve.name == "loess" and len(y) > FEW_ABOVE:
        resamples = min(resamples, FEW_SAMPLES)
    again = _binned if curve.name == "spline" else _refitted
    drawn = np.array(list(again(y, risk, curve.name, patient_id, resamples, seed)))
    low, high = percentile_limits(drawn, level=level)
    unit = "cases" if patient_id is None else "patients"
    method = f"{curve.name}; percentile interval of {resamples} bootstrap samples of {unit}, stratified by outcome"
    lost = int(np.isnan(drawn[:, 0]).sum())
    note = f"{lost} resamples had too few values for the curve and were left out" if lost else ""
    se = np.nanstd(drawn, axis=0, ddof=1) if resamples > 1 else np.full(4, np.nan)
    return {
        name: Estimate(*map(float, (value, lower, upper, error)), level, method, note)
        for name, value, lower, upper, error in zip(NAMES, values, low, high, se)
    }


def _quantiles(distance: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    if weight is None:
        return np.array([distance.mean(), *np.quantile(distance, [0.5, 0.9, 1.0])])
    order = np.argsort(distance)
    share = np.cumsum(weight[order]) / weight.sum()
    ordered = distance[order]
    place = [min(int(np.searchsorted(share, q)), ordered.size - 1) for q in (0.5, 0.9)]
    return np.array([np.average(distance, weights=weight), *ordered[place], distance[weight > 0].max()])


def _refitted(y, risk, smoother, patient_id, resamples, seed) -> Iterator[np.ndarray]:
    """Smooth every resample; rows that were drawn twice stand there twice."""
    for counts in bootstrap_counts(y, patient_id=patient_id, resamples=resamples, seed=seed):
        y_b, risk_b = np.repeat(y, counts), np.repeat(risk, counts)
        try:  # loess without the costly standard errors of the band
            fit = (
                share(loess_at(y_b, risk_b, risk_b))
                if smoother == "loess"
                else smooth(y_b, risk_b, smoother=smoother).at_cases
            )
        except ValueError:  # a resample may hold too few values for the smoother
            yield np.full(len(NAMES), np.nan)
            continue
        yield _quantiles(np.abs(risk_b - fit))


def _binned(y, risk, smoother, patient_id, resamples, seed) -> Iterator[np.ndarray]:
    """Fit the spline to events and cases by bin of the risk; knots stay where they are."""
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, BINS + 1)[1:-1]))
    where = np.searchsorted(edges, risk, side="right")
    size = np.bincount(where, minlength=len(edges) + 1)
    middle = np.bincount(where, weights=risk, minlength=len(size)) / np.maximum(size, 1)
    x = logistic.logit_risk(middle)[0]
    knots = spline_knots(logistic.logit_risk(risk)[0])
    design = np.column_stack([np.ones(len(x)), spline_basis(x, knots)])
    for events, others in _tables(y, where, len(size), patient_id, resamples, seed):
        total = events + others
        held = total > 0
        fit = logistic.fit(events[held] / total[held], design[held], weight=total[held])
        yield _quantiles(np.abs(middle - expit(design @ fit.coefficient)), total)


def _tables(y, where, bins, patient_id, resamples, seed) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Events and other cases in every bin, for every resample."""
    if patient_id is not None:
        for counts in bootstrap_counts(y, patient_id=patient_id, resamples=resamples, seed=seed):
            events = np.bincount(where, weights=counts * y, minlength=bins)
            yield events, np.bincount(where, weights=counts, minlength=bins) - events
        return
    rng, drawn = np.random.default_rng(seed), []
    for member in (y, ~y):
        size = np.bincount(where[member], minlength=bins)
        held = np.flatnonzero(size)
        table = np.zeros((bins, resamples))
        table[held] = multinomial(rng, size[held], resamples)
        drawn.append(table)
    yield from zip(*(table.T for table in drawn))

"""Net benefit from counts: point values, standard errors and bootstrap draws, free of n where rows are independent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from helpers.stats.multinomial import multinomial
from helpers.stats.resampling import cluster_covariance, patient_codes

CHUNK = 4_000_000  # cells of bootstrap counts held at once
BLOCK = 200  # resamples summed at once: their counts then stay in the cache
DECIMALS = 12  # risks and thresholds are compared after rounding here, so that 0.07000000000000001 equals 0.07


def clean_thresholds(thresholds: ArrayLike) -> np.ndarray:
    """Sort and check thresholds; k/100 becomes the very double that a risk of k/100 is.

    Parameters
    ----------
    thresholds : array of shape (m,)
        In [0, 1).

    Returns
    -------
    ndarray of float64, shape (m,)

    Raises
    ------
    ValueError
        If empty, not finite, out of range or repeated.

    Examples
    --------
    >>> import numpy as np
    >>> clean_thresholds([0.2, 0.07000000000000001]).tolist()
    [0.07, 0.2]
    """
    try:
        values = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"thresholds: numbers in [0, 1) are needed, found {thresholds!r}") from None
    values = np.sort(np.round(values, DECIMALS)) + 0.0
    if values.ndim != 1 or values.size == 0 or not ((values >= 0) & (values < 1)).all():
        raise ValueError("thresholds: at least one, each in [0, 1)")
    if np.any(np.diff(values) == 0):
        raise ValueError("thresholds: each may occur once")
    return values


def treated_up_to(risk: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """At how many of the sorted thresholds a risk is treated (risk >= threshold); a risk of 0 at none.

    Examples
    --------
    >>> treated_up_to(np.array([0.0, 0.1, 0.25]), np.array([0.0, 0.1, 0.2])).tolist()
    [0, 2, 3]
    """
    risk = np.round(risk, DECIMALS)
    return np.where(risk > 0, np.searchsorted(thresholds, risk, side="right"), 0)


@dataclass(frozen=True)
class Cohort:
    """Outcomes, patients and design: all that a net benefit needs besides the risks.

    Attributes
    ----------
    y : array of bool, shape (n,)
    thresholds : array of shape (m,)
    patient_id : array of shape (n,) or None
        Only when patients repeat.
    prevalence : float or None
        Of the population, for a case-control sample.
    """

    y: np.ndarray
    thresholds: np.ndarray
    patient_id: np.ndarray | None = None
    prevalence: float | None = None

    @property
    def odds(self) -> np.ndarray:
        """Weight of a false positive, t / (1 - t)."""
        return self.thresholds / (1 - self.thresholds)

    def rates(self, up_to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives per participant of the population, shape (m,) each."""
        m = len(self.thresholds)
        tp = _at_least(np.bincount(up_to[self.y], minlength=m + 1))
        fp = _at_least(np.bincount(up_to[~self.y], minlength=m + 1))
        return self.scale(tp, fp, self.y.sum(), len(self.y))

    def scale(self, tp, fp, events, n) -> tuple[np.ndarray, np.ndarray]:
        """Turn counts into rates per participant, at the given prevalence where there is one."""
        if self.prevalence is None:
            return tp / n, fp / n
        return tp / events * self.prevalence, fp / (n - events) * (1 - self.prevalence)

    def net_benefit(self, up_to: np.ndarray) -> np.ndarray:
        """True positives minus weighted false positives, shape (m,)."""
        tp, fp = self.rates(up_to)
        return tp - fp * self.odds

    def se(self, up_to: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
        """Standard error of a net benefit, or of the difference from another strategy, shape (m,).

        Net benefit is a mean of independent terms 1(treated) (y - (1 - y) t/(1 - t)), or, at a given prevalence, a
        weighted difference of two proportions; Pfeiffer and Gail (2020), doi:10.1002/bimj.201800240. With repeated
        patients the terms are summed within them.
        """
        other = np.zeros_like(up_to) if other is None else other
        if self.patient_id is not None:
            return self._clustered_se(up_to, other)
        n, m, y = len(self.y), len(self.thresholds), self.y
        # The difference of two treatments is -1, 0 or 1: its sum and its sum of squares are counts.
        total, square = [], []
        for rows in (y, ~y):
            a, b = up_to[rows], other[rows]
            total.append(_at_least(np.bincount(a, minlength=m + 1)) - _at_least(np.bincount(b, minlength=m + 1)))
            low, high = np.minimum(a, b), np.maximum(a, b)
            square.append(_at_least(np.bincount(high, minlength=m + 1) - np.bincount(low, minlength=m + 1)))
        if self.prevalence is None:
            mean = (total[0] - total[1] * self.odds) / n
            return np.sqrt(np.maximum(((square[0] + square[1] * self.odds**2) / n - mean**2) / n, 0))
        variance = 0.0
        sizes = (y.sum(), n - y.sum())
        weights = (self.prevalence, (1 - self.prevalence) * self.odds)
        for s, q, size, weight in zip(total, square, sizes, weights):
            variance = variance + weight**2 * (q / size - (s / size) ** 2) / size
        return np.sqrt(np.maximum(variance, 0))

    def _clustered_se(self, up_to: np.ndarray, other: np.ndarray) -> np.ndarray:
        codes, _ = patient_codes(self.patient_id, len(self.y))
        y, n, events = self.y, len(self.y), self.y.sum()
        out = np.zeros(len(self.thresholds))
        for j, odds in enumerate(self.odds):
            treated = (up_to > j).astype(float) - (other > j)
            if self.prevalence is None:
                term = treated * np.where(y, 1.0, -odds)
                influence = (term - term.mean()) / n
            else:
                inside = np.where(y, treated - treated[y].mean(), treated - treated[~y].mean())
                weight = np.where(y, self.prevalence / events, -(1 - self.prevalence) * odds / (n - events))
                influence = inside * weight
            out[j] = np.sqrt(cluster_covariance(influence, codes)[0, 0])
        return out

    def draws(self, up_to: list[np.ndarray], *, resamples: int, seed: int) -> np.ndarray:
        """Bootstrap draws of the net benefit of every model and of acting on all.

        Independent rows are resampled as a multinomial over the occupied cells of (outcome, treated up to), which
        is the same distribution as resampling rows, without their number in the cost. Repeated patients are
        resampled whole. At a given prevalence events and non-events are resampled apart.

        Parameters
        ----------
        up_to : list of arrays of shape (n,)
            For each model, from `treated_up_to`.
        resamples, seed : int

        Returns
        -------
        ndarray of shape (n_models + 1, resamples, m)
            The last is acting on all.
        """
        m = len(self.thresholds)
        cell_of = self.y.astype(np.int64)
        for model in up_to:  # numbered anew at each step, so that any number of models fits
            cell_of = np.unique(cell_of * (m + 1) + model, return_inverse=True)[1]
        _, first, size = np.unique(cell_of, return_index=True, return_counts=True)
        event = self.y[first]
        orders = [_Grouping(model[first], event, m) for model in up_to]
        # Cells and thresholds come first in memory, resamples last: every sum then runs over whole rows.
        out, start, odds = np.empty((len(up_to) + 1, m, resamples)), 0, self.odds[:, None]
        drawn = self._counts(event, cell_of, size, resamples, np.random.default_rng(seed))
        for counts in (part[:, at : at + BLOCK] for part in drawn for at in range(0, part.shape[1], BLOCK)):
            stop = start + counts.shape[1]
            n, events = counts.sum(0), counts[event].sum(0)
            with np.errstate(invalid="ignore", divide="ignore"):  # a resample may lack a class at given prevalence
                for k, order in enumerate(orders):
                    tp, fp = self.scale(*order.sums(counts), events, n)
                    out[k, :, start:stop] = tp - fp * odds
                tp, fp = self.scale(events, n - events, events, n)
                out[-1, :, start:stop] = tp - fp * odds
            start = stop
        return out.transpose(0, 2, 1)

    def _counts(self, event, cell_of, size, resamples, rng) -> Iterator[np.ndarray]:
        """Counts of the cells in chunks of resamples, each of shape (n_cells, step)."""
        if self.patient_id is not None:
            from scipy.sparse import csr_array

            codes, patients = patient_codes(self.patient_id, len(self.y))
            held = csr_array((np.ones(len(codes)), (codes, cell_of)), shape=(patients, len(size)))
            has_event = np.bincount(codes, weights=self.y) > 0
            apart = self.prevalence is not None and has_event.any() and not has_event.all()
            strata = [has_event, ~has_event] if apart else [np.ones(patients, dtype=bool)]
            chunk = max(1, CHUNK // patients)
            for step in (min(chunk, resamples - done) for done in range(0, resamples, chunk)):
                drawn = np.zeros((patients, step))
                for rows in strata:
                    drawn[rows] = multinomial(rng, np.ones(rows.sum(), dtype=np.int64), step)
                yield held.T @ drawn
            return
        chunk = max(1, CHUNK // len(size))
        for step in (min(chunk, resamples - done) for done in range(0, resamples, chunk)):
            if self.prevalence is None:
                yield multinomial(rng, size, step)
                continue
            drawn = np.zeros((len(size), step), dtype=np.int64)
            for cells in (event, ~event):
                drawn[cells] = multinomial(rng, size[cells], step)
            yield drawn


class _Grouping:
    """Sums of cell counts for one model: events and non-events treated at each threshold."""

    def __init__(self, up_to: np.ndarray, event: np.ndarray, m: int) -> None:
        self.m, self.parts = m, []
        for rows in (event, ~event):
            cells = np.flatnonzero(rows)
            order = cells[np.argsort(up_to[cells], kind="stable")]
            levels, start = np.unique(up_to[order], return_index=True)
            self.parts.append((order, levels, start))

    def sums(self, counts: np.ndarray) -> list[np.ndarray]:
        """Counts of treated events and non-events, each of shape (m, resamples)."""
        out = []
        for order, levels, start in self.parts:
            filled = np.zeros((self.m + 1, counts.shape[1]))
            if len(order):
                filled[levels] = np.add.reduceat(counts[order], start, axis=0)
            out.append(_at_least(filled))
        return out


def _at_least(counts: np.ndarray) -> np.ndarray:
    """From counts by number of thresholds passed to counts treated at each threshold."""
    return np.cumsum(counts[::-1], axis=0)[::-1][1:]

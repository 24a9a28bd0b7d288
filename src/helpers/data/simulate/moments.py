"""Numbers with a printed mean and SD: truncated distributions fitted to them, samples that round to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special


@dataclass(frozen=True)
class TruncatedLogNormal:
    """A log-normal distribution cut at two bounds.

    Parameters
    ----------
    mu, sigma : float
        Mean and SD of the logarithm before cutting.
    low, high : float
        Bounds, positive.

    Examples
    --------
    >>> size = TruncatedLogNormal.fit(10.77, 6.30, low=3, high=34)
    >>> values = size.quantile((np.arange(100_000) + 0.5) / 100_000)
    >>> float(round(values.mean(), 2)), float(round(values.std(), 2))
    (10.77, 6.3)
    """

    mu: float
    sigma: float
    low: float
    high: float

    @classmethod
    def fit(cls, mean: float, sd: float, *, low: float, high: float) -> TruncatedLogNormal:
        """Find the distribution whose mean and SD after cutting are those given.

        Raises
        ------
        ValueError
            If no such distribution is found within the bounds.
        """
        sigma = np.sqrt(np.log1p((sd / mean) ** 2))

        def gap(point: np.ndarray) -> list[float]:
            first, second = cls(point[0], np.exp(point[1]), low, high)._raw_moments()
            return [first / mean - 1, np.sqrt(max(second - first**2, 1e-12)) / sd - 1]

        start = [np.log(mean) - sigma**2 / 2, np.log(sigma)]
        with np.errstate(over="ignore", invalid="ignore"):  # a hopeless search may run far off
            point, _, flag, _ = optimize.fsolve(gap, start, full_output=True)
            missed = max(map(abs, gap(point)))
        if flag != 1 or not missed < 1e-6:
            raise ValueError(f"no log-normal distribution on [{low}, {high}] has mean {mean} and SD {sd}")
        return cls(float(point[0]), float(np.exp(point[1])), low, high)

    def _edges(self) -> tuple[float, float]:
        return (np.log(self.low) - self.mu) / self.sigma, (np.log(self.high) - self.mu) / self.sigma

    def _raw_moments(self) -> tuple[float, float]:
        left, right = self._edges()
        mass = special.ndtr(right) - special.ndtr(left)

        def moment(k: int) -> float:
            inside = special.ndtr(right - k * self.sigma) - special.ndtr(left - k * self.sigma)
            return float(np.exp(k * self.mu + (k * self.sigma) ** 2 / 2) * inside / mass)

        return moment(1), moment(2)

    def quantile(self, share: np.ndarray) -> np.ndarray:
        """Value below which a share in (0, 1) lies."""
        left, right = (special.ndtr(edge) for edge in self._edges())
        return np.exp(self.mu + self.sigma * special.ndtri(left + share * (right - left)))

    def cumulative(self, value: np.ndarray) -> np.ndarray:
        """Share below a value, kept inside (0, 1)."""
        left, right = (special.ndtr(edge) for edge in self._edges())
        share = (special.ndtr((np.log(value) - self.mu) / self.sigma) - left) / (right - left)
        return np.clip(share, 1e-6, 1 - 1e-6)

    def log_density(self, value: np.ndarray) -> np.ndarray:
        """Log of the density, up to a constant that is the same for all distributions."""
        left, right = (special.ndtr(edge) for edge in self._edges())
        z = (np.log(value) - self.mu) / self.sigma
        return -(z**2) / 2 - np.log(self.sigma) - np.log(value) - np.log(right - left)


def match_moments(
    rng: np.random.Generator,
    values: np.ndarray,
    *,
    mean: float,
    sd: float,
    decimals: int,
    step: float,
    low: float | np.ndarray,
    high: float | np.ndarray,
) -> np.ndarray:
    """Round values to a step and nudge them until mean and SD (n - 1) round to the printed ones.

    Parameters
    ----------
    rng : numpy.random.Generator
        Chooses which values move.
    values : array of shape (n,), n >= 3
        Draws whose order is kept as far as possible.
    mean, sd : float
        Printed mean and SD.
    decimals : int
        Printed decimals of both.
    step : float
        Resolution of the result.
    low, high : float or array of shape (n,)
        Bounds of the result, for all or for each value.

    Returns
    -------
    array of shape (n,)
        Multiples of `step` within the bounds.

    Raises
    ------
    ValueError
        If no sample of that size and step has these moments.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = match_moments(rng, rng.normal(40, 9, 55), mean=40.13, sd=10.81, decimals=2, step=1, low=18, high=80)
    >>> f"{age.mean():.2f} {age.std(ddof=1):.2f}"
    '40.13 10.81'
    """
    n = len(values)
    lowest = np.broadcast_to(np.ceil(np.asarray(low) / step - 1e-9).astype(np.int64), (n,))
    highest = np.broadcast_to(np.floor(np.asarray(high) / step + 1e-9).astype(np.int64), (n,))
    centred = (values - values.mean()) * (sd / values.std(ddof=1)) + mean
    whole = np.clip(np.round(centred / step), lowest, highest).astype(np.int64)
    half = 0.5 * 10.0**-decimals
    target = round(mean / step * n)
    if abs(target * step / n - mean) >= half:
        raise ValueError(f"{n} values in steps of {step} cannot have the mean {mean}")
    while (short := target - int(whole.sum())) != 0:
        sign = int(np.sign(short))
        free = np.flatnonzero(whole < highest if sign > 0 else whole > lowest)
        whole[rng.permutation(free)[: abs(short)]] += sign
    bounds = [((n - 1) * ((sd + part) / step) ** 2) + target**2 / n for part in (-0.98 * half, 0.98 * half)]
    for _ in range(200_000):
        squares = int((whole**2).sum())
        if bounds[0] < squares < bounds[1]:
            return whole * step
        first, second = rng.integers(n, size=2)
        if whole[first] < whole[second]:
            first, second = second, first
        spread = 1 if squares <= bounds[0] else -1
        change = 2 * spread * int(whole[first] - whole[second]) + 2
        missing = sum(bounds) / 2 - squares
        moved = whole[first] + spread, whole[second] - spread
        fits = lowest[first] <= moved[0] <= highest[first] and lowest[second] <= moved[1] <= highest[second]
        fits = fits and first != second
        if fits and change * spread > 0 and abs(missing - change) < abs(missing):
            whole[first], whole[second] = moved
    raise ValueError(
        f"no {n} values in steps of {step} on [{np.min(low)}, {np.max(high)}] with mean {mean}, SD {sd} were found"
    )

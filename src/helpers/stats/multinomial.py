"""Many multinomial draws at once: the bootstrap of a table of counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MARGIN = 2.0  # standard deviations by which the Poisson counts stay below the total
SPARE = 0.05  # of the draws, in place of those that exceed the total all the same
GUIDE = 1024  # pieces of [0, 1) in which a Poisson count is looked up
BLOCK = 256  # draws made at once: what they need then stays in the cache
PLAIN_ABOVE = 300_000  # objects above which numpy's own sampler is as quick


def multinomial(rng: np.random.Generator, size: np.ndarray, draws: int) -> np.ndarray:
    """Draw multinomials of `size.sum()` objects with probabilities proportional to `size`.

    Exactly the distribution of `rng.multinomial(size.sum(), size / size.sum(), draws).T`, several times as quick.
    Independent Poisson counts are, given their sum, multinomial; so each draw starts as Poisson counts with a mean
    sum a little below the total, is thrown away in the rare case that it exceeds the total, and is filled up by
    drawing the missing objects one by one. Poisson counts come from tables of their distribution, one for each
    distinct mean.

    Parameters
    ----------
    rng : Generator
    size : array of int, shape (k,)
        Positive counts of the cells.
    draws : int

    Returns
    -------
    ndarray of int64, shape (k, draws)
        Columns sum to `size.sum()`.

    Examples
    --------
    >>> multinomial(np.random.default_rng(0), np.array([2, 3, 5]), 4).sum(axis=0).tolist()
    [10, 10, 10, 10]
    """
    size = np.asarray(size, dtype=np.int64)
    total = int(size.sum())
    if total > PLAIN_ABOVE:
        return rng.multinomial(total, size / total, draws).T
    share = max(0.0, 1 - MARGIN / np.sqrt(total))
    counts = _poisson(rng, size, share, draws + int(SPARE * draws) + 5)
    fits = counts.sum(axis=0) <= total
    wrong, good = np.flatnonzero(~fits[:draws]), draws + np.flatnonzero(fits[draws:])
    while len(good) < len(wrong):  # the spare draws are nearly always enough
        counts = np.concatenate([counts, _poisson(rng, size, share, len(wrong))], axis=1)
        good = draws + np.flatnonzero(counts[:, draws:].sum(axis=0) <= total)
    counts[:, wrong] = counts[:, good[: len(wrong)]]
    counts = counts[:, :draws]
    missing = total - counts.sum(axis=0)
    owner = np.repeat(np.arange(len(size)), size)
    for at in range(0, draws, BLOCK):
        lacking = missing[at : at + BLOCK]
        width = len(lacking)
        places = owner[rng.integers(0, total, lacking.sum())] * width + np.repeat(np.arange(width), lacking)
        counts[:, at : at + width] += np.bincount(places, minlength=len(size) * width).reshape(len(size), width)
    return counts


def _poisson(rng: np.random.Generator, size: np.ndarray, share: float, draws: int) -> np.ndarray:
    """Poisson counts with means `share * size`, by inversion of tabulated distributions."""
    if share == 0:
        return np.zeros((len(size), draws), dtype=np.int64)
    distinct, of = np.unique(size, return_inverse=True)
    tables, out = _Tables.of(share * distinct), np.empty((len(size), draws), dtype=np.int64)
    for at in range(0, draws, BLOCK):
        part = out[:, at : at + BLOCK]
        part[:] = tables.places(of, rng.random(part.shape))
    return out


@dataclass(frozen=True)
class _Tables:
    """Cumulative distributions of several Poisson counts, one after the other, and a guide into each.

    The unit interval is cut into `GUIDE` equal pieces; where no entry of a table lies inside a piece, all numbers of
    the piece have one place, and only the few others are searched for.
    """

    low: np.ndarray  # count of the first entry of each table, shape (k,)
    start: np.ndarray  # position of that entry, shape (k,)
    keys: np.ndarray  # table number plus cumulative probability: ascending over all tables
    guide: np.ndarray  # entries up to the edges of the pieces, shape (k, GUIDE + 1)

    @classmethod
    def of(cls, means: np.ndarray) -> _Tables:
        """Tabulate; what lies beyond a table has a probability below 1e-30."""
        reach = 12 * np.sqrt(means) + 30
        low = np.maximum(0, means - reach).astype(np.int64)
        length = (means + reach).astype(np.int64) + 1 - low
        start = np.concatenate([[0], np.cumsum(length)[:-1]])
        table = np.repeat(np.arange(len(means)), length)
        count = np.arange(length.sum()) - (start - low)[table]
        step = np.log(means)[table] - np.log(np.maximum(count, 1))  # log of the ratio to the probability before
        step[start] = 0
        log = np.cumsum(step)
        part = np.exp(log - np.maximum.reduceat(log, start)[table])
        total = np.cumsum(part)
        before = np.concatenate([[0.0], total[start[1:] - 1]])
        mass = np.add.reduceat(part, start)
        share = np.minimum((total - before[table]) / mass[table], 1.0)
        edge = np.ceil(share * GUIDE).astype(np.int64)
        held = np.bincount(table * (GUIDE + 1) + edge, minlength=len(means) * (GUIDE + 1))
        guide = np.cumsum(held.reshape(len(means), GUIDE + 1), axis=1)
        return cls(low, start, table + share, guide)

    def places(self, of: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Counts that belong to uniform numbers, shape (n_cells, draws), cell i by table `of[i]`."""
        piece = (uniform * GUIDE).astype(np.int64) + of[:, None] * (GUIDE + 1)
        guide = self.guide.ravel()
        place = guide[piece]
        row, column = np.nonzero(guide[piece + 1] != place)
        table = of[row]
        found = np.searchsorted(self.keys, table + uniform[row, column], side="right")
        place[row, column] = np.minimum(
            found, self.start[table] + np.diff(self.start, append=len(self.keys))[table] - 1
        )
        place[row, column] -= self.start[table]
        return place + self.low[of][:, None]

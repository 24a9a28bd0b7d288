"""Many multinomial draws at once: the bootstrap of a table of counts."""

from __future__ import annotations

import numpy as np
from scipy.special import pdtr

MARGIN = 2.0  # standard deviations by which the Poisson counts stay below the total
SPARE = 0.05  # of the draws, in place of those that exceed the total all the same
GUIDE = 1024  # pieces of [0, 1) in which a Poisson count is looked up
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
    counts = np.empty((len(size), 0), dtype=np.int64)
    while counts.shape[1] < draws:  # a few spare draws are cheaper than a second round
        need = draws - counts.shape[1]
        more = _poisson(rng, size, share, need + int(SPARE * need) + 5)
        fits = np.flatnonzero(more.sum(axis=0) <= total)[:need]
        counts = more[:, fits] if len(fits) == draws else np.concatenate([counts, more[:, fits]], axis=1)
    missing = total - counts.sum(axis=0)
    owner = np.repeat(np.arange(len(size)) * draws, size)
    places = owner[rng.integers(0, total, missing.sum())] + np.repeat(np.arange(draws), missing)
    return counts + np.bincount(places, minlength=counts.size).reshape(counts.shape)


def _poisson(rng: np.random.Generator, size: np.ndarray, share: float, draws: int) -> np.ndarray:
    """Poisson counts with means `share * size`, by inversion of tabulated distributions."""
    out = np.zeros((len(size), draws), dtype=np.int64)
    if share > 0:
        for value in np.unique(size):
            cells = np.flatnonzero(size == value)
            mean = share * value
            reach = 12 * np.sqrt(mean) + 30  # what lies beyond has a probability below 1e-30
            low = max(0, int(mean - reach))
            table = pdtr(np.arange(low, int(mean + reach) + 1), mean)
            out[cells] = low + _place(table, rng.random((len(cells), draws)))
    return out


def _place(table: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """`np.searchsorted(table, uniform, side="right")`, by a guide that leaves few numbers to search for.

    [0, 1) is cut into equal pieces; where no entry of the table lies inside a piece, all its numbers have one place.
    """
    edges = np.searchsorted(table, np.arange(GUIDE + 1) / GUIDE, side="right")
    piece = (uniform * GUIDE).astype(np.intp)  # exact: the guide is a power of two
    place = edges[piece]
    unsure = (edges[1:] != edges[:-1])[piece]
    place[unsure] = np.searchsorted(table, uniform[unsure], side="right")
    return place

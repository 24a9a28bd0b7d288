"""The best any reader of the pixels can do: AUC of the exact posterior of the label given the drawn signs.

The posterior is exact for the generating model of `signs` in the limit of large groups (levels by thresholds on a
one-factor Gaussian copula): the likelihood of one patient's drawn signs is an integral over the hidden severity of
the product over blocks, each a mixture of the recorded level and a label-free redraw, times the density of the
size, which is always shown. The integral is done by Gauss-Hermite quadrature. By the Neyman-Pearson lemma no
score has a larger AUC in the population; in one cohort it may by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from helpers.data.simulate.published import PublishedTable
from helpers.data.simulate.signs import (
    BLOCKS,
    SIZE_LOADING,
    Block,
    pooled,
    sequence,
    size_distribution,
)

NODES = 48


def rank_auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve with ties counted half.

    Examples
    --------
    >>> rank_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.9]))
    0.875
    """
    label = np.asarray(label) == 1
    positives, negatives = int(label.sum()), int((~label).sum())
    ranks = stats.rankdata(score)
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _edges(block: Block, table: PublishedTable, split: str, label: int) -> dict[tuple[str, ...], tuple[float, float]]:
    """Normal scores between which a block takes each combination of levels."""
    ordered = sequence(block, table, (split, label))
    found = {}
    for levels in dict.fromkeys(ordered):
        first, count = ordered.index(levels), ordered.count(levels)
        found[levels] = tuple(special.ndtri(np.array([first, first + count]) / len(ordered)))
    return found


@dataclass(frozen=True)
class Reader:
    """The ideal reader of one split: it knows how the cohort was generated and sees the drawn signs.

    Parameters
    ----------
    table : PublishedTable
        Counts and moments that the cohort follows.
    split : str
        Which split's generating model to use.
    visibility : float
        Probability that a sign is drawn as recorded.
    blocks : tuple of Block
        What is drawn, from `signs.BLOCKS`.
    """

    table: PublishedTable
    split: str
    visibility: float
    blocks: tuple[Block, ...] = tuple(block for block in BLOCKS if block.drawn)

    @property
    def prevalence(self) -> float:
        """Share of positives in the split."""
        negatives, positives = (self.table.n[self.split, label] for label in (0, 1))
        return positives / (negatives + positives)

    def log_likelihood(self, drawn: pd.DataFrame, label: int) -> np.ndarray:
        """Log density of the drawn signs and the size under one label, shape (n,)."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        total = np.repeat(np.log(weights / weights.sum())[None], len(drawn), axis=0)  # (n, nodes)
        for block in self.blocks:
            edges = _edges(block, self.table, self.split, label)
            shares = pooled(block, self.table, self.split)
            spread = np.sqrt(1 - block.loading**2)
            per_level = {}
            for levels, share in shares.items():
                low, high = edges.get(levels, (0.0, 0.0))
                chance = special.ndtr((high - block.loading * nodes) / spread)
                chance = chance - special.ndtr((low - block.loading * nodes) / spread)
                mixed = self.visibility * chance + (1 - self.visibility) * share
                per_level[levels] = np.log(np.maximum(mixed, 1e-300))
            seen = zip(*(drawn[feature].tolist() for feature in block.features), strict=True)
            total += np.stack([per_level[levels] for levels in seen])
        size = drawn["size"].to_numpy(float)
        law = size_distribution(self.table, (self.split, label))
        z = special.ndtri(law.cumulative(size))[:, None]
        spread = np.sqrt(1 - SIZE_LOADING**2)
        total += z**2 / 2 - ((z - SIZE_LOADING * nodes) / spread) ** 2 / 2 - np.log(spread)
        return special.logsumexp(total, axis=1) + law.log_density(size)

    def posterior(self, drawn: pd.DataFrame) -> np.ndarray:
        """Probability of label 1 given the drawn signs and the size.

        Parameters
        ----------
        drawn : DataFrame
            Columns of the blocks' features, and `size` in millimetres; all of this reader's split.

        Returns
        -------
        array of shape (n,)
            In [0, 1].
        """
        if drawn.empty:
            return np.zeros(0)
        odds = np.log(self.prevalence / (1 - self.prevalence))
        return special.expit(odds + self.log_likelihood(drawn, 1) - self.log_likelihood(drawn, 0))

    def sample(self, rng: np.random.Generator, n: int, label: int) -> pd.DataFrame:
        """Draw patients of one label from the generating model, as the reader sees them.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        n : int
            Patients.
        label : int
            0 or 1.

        Returns
        -------
        DataFrame
            Columns of the blocks' features, and `size`.
        """
        severity = rng.standard_normal(n)
        columns = {}
        for block in self.blocks:
            score = block.loading * severity + np.sqrt(1 - block.loading**2) * rng.standard_normal(n)
            edges = _edges(block, self.table, self.split, label)
            levels = list(edges)
            place = np.searchsorted([edges[name][1] for name in levels][:-1], score)
            taken = np.empty(n, dtype=object)
            taken[:] = [levels[number] for number in place]
            shares = pooled(block, self.table, self.split)
            again = np.flatnonzero(rng.uniform(size=n) >= self.visibility)
            choice = rng.choice(len(shares), size=again.size, p=np.array(list(shares.values())))
            for row, number in zip(again, choice, strict=True):
                taken[row] = list(shares)[number]
            for number, feature in enumerate(block.features):
                columns[feature] = [found[number] for found in taken]
        score = SIZE_LOADING * severity + np.sqrt(1 - SIZE_LOADING**2) * rng.standard_normal(n)
        columns["size"] = size_distribution(self.table, (self.split, label)).quantile(special.ndtr(score))
        return pd.DataFrame(columns)

    def limit(self, *, n: int = 4000, seed: int = 0) -> float:
        """AUC of the posterior in the population, by `n` simulated patients of each label."""
        rng = np.random.default_rng([seed, 4])
        parts = [self.posterior(self.sample(rng, n, label)) for label in (0, 1)]
        return rank_auc(np.repeat([0, 1], n), np.concatenate(parts))


def limits(shown: pd.DataFrame, readers: Mapping[str, Reader]) -> tuple[np.ndarray, dict[str, dict[str, float]]]:
    """Posterior of every patient, and the AUCs of the ideal reader.

    Parameters
    ----------
    shown : DataFrame
        `split`, `label`, `size` and the features that are drawn, one row a patient.
    readers : mapping of split to Reader
        The ideal readers.

    Returns
    -------
    posterior : array of shape (n,)
        To six decimals.
    limits : dict
        `bayes_limit` (AUC of the posterior in the population) and `bayes_limit_cohort` (in these patients), by split.
    """
    posterior = np.zeros(len(shown))
    population, own = {}, {}
    for split, reader in readers.items():
        rows = (shown["split"] == split).to_numpy()
        posterior[rows] = reader.posterior(shown[rows])
        population[split] = round(reader.limit(), 4)
        own[split] = round(rank_auc(shown["label"].to_numpy()[rows], posterior[rows]), 4)
    return posterior.round(6), {"bayes_limit": population, "bayes_limit_cohort": own}

"""Cross-validation in simulated cohorts: does the interval of a mean AUC hold what the procedure really reaches?"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.stats import resampled
from helpers.stats.delong import placements
from helpers.stats.proof.simulation import Family, Made

RIDGE = 0.1  # added to the pooled variances of the discriminant
FITS = 300  # training sets over which the truth is averaged
GROWN = 10  # a test set of the truth has so many times the patients
METHOD = "infinitesimal jackknife over patients"
BETTER = "between folds, Nadeau-Bengio"
FIFTH = 0.2


@dataclass(frozen=True)
class Folds:
    """Patients of three classes with normal features, and a linear discriminant that is fitted anew in every fold.

    The truth is what the discriminant reaches on new patients, averaged over training sets of the size that a fold
    leaves. It has no closed form: it is the mean over many training sets, each with a large test set of its own, whose
    Monte Carlo error is a small part of an interval's width.

    Parameters
    ----------
    name, title : str
    counts : tuple of int
        Patients of each class.
    gain : float
        By how much a class raises its own feature, in standard deviations.
    width : int
        Features; those beyond one a class say nothing.
    blur : float
        Standard deviation of what is added to the features of the second of the two ways that are compared.
    folds, repeats : int

    Examples
    --------
    >>> folds = Folds("small", "small", (12, 6, 18), 2.0, 4, 1.0, 3, 2)
    >>> tables = folds.tables(0)
    >>> {name: table.shape for name, table in tables.items()}
    {'as they are': (72, 7), 'blurred': (72, 7)}
    """

    name: str
    title: str
    counts: tuple[int, int, int]
    gain: float
    width: int
    blur: float
    folds: int
    repeats: int

    classes = ("a", "b", "c")
    ways = ("as they are", "blurred")

    def draw(self, rng: np.random.Generator, counts: tuple[int, ...]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Classes of new patients, and their features in both ways, each of shape (patients, width)."""
        label = np.repeat(np.arange(len(counts)), counts)
        plain = rng.standard_normal((label.size, self.width))
        plain[np.arange(label.size), label] += self.gain
        return label, dict(zip(self.ways, (plain, plain + self.blur * rng.standard_normal(plain.shape))))

    def tables(self, replicate: int) -> dict[str, pd.DataFrame]:
        """Out-of-fold risks of one simulated study in both ways, on the same folds."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        label, features = self.draw(rng, self.counts)
        parts: dict[str, list] = {way: [] for way in self.ways}
        columns = {"patient_id": np.arange(label.size), "label": np.array(self.classes)[label]}
        for repeat in range(self.repeats):
            fold = np.empty(label.size, dtype=int)
            for k, count in enumerate(self.counts):  # stratified: the patients of a class go round the folds
                fold[label == k] = rng.permutation(np.arange(count) % self.folds)
            for way, x in features.items():
                risk = np.empty((label.size, len(self.classes)))
                for one in range(self.folds):
                    out = fold == one
                    risk[out] = discriminant(x[None, ~out], label[~out], x[None, out])[0]
                named = {f"risk_{name}": risk[:, k] for k, name in enumerate(self.classes)}
                parts[way].append(pd.DataFrame({"seed": repeat, **columns, "fold": fold, **named}))
        return {way: pd.concat(made, ignore_index=True) for way, made in parts.items()}

    @cached_property
    def truth(self) -> dict[str, np.ndarray]:
        """Expected AUC of each class against the rest, by way."""
        rng = np.random.default_rng(zlib.crc32(f"{self.name}, truth".encode()))
        kept = tuple(round(n * (1 - 1 / self.folds)) for n in self.counts)
        training = [self.draw(rng, kept) for _ in range(FITS)]
        tests = [self.draw(rng, tuple(GROWN * n for n in self.counts)) for _ in range(FITS)]
        seen, new = training[0][0], tests[0][0]
        found = {}
        for way in self.ways:
            features, rows = (np.stack([drawn[way] for _, drawn in one]) for one in (training, tests))
            risks = discriminant(features, seen, rows)
            values = [[placements(new == k, risk[:, k])[0] for k in range(len(self.classes))] for risk in risks]
            found[way] = np.mean(values, axis=0)
        return found


def discriminant(training: np.ndarray, label: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Risks by linear discriminants with a ridge on the pooled covariance, every class as likely as the others.

    Parameters
    ----------
    training : array of shape (sets, n, width)
    label : int array of shape (n,)
        The same in every set.
    rows : array of shape (sets, m, width)

    Returns
    -------
    array of shape (sets, m, classes)

    Examples
    --------
    >>> x = np.array([[[0.0], [0.2], [1.0], [1.2]]])
    >>> discriminant(x, np.array([0, 0, 1, 1]), np.array([[[0.6]]])).round(3).tolist()
    [[[0.5, 0.5]]]
    """
    means = np.stack([training[:, label == k].mean(axis=1) for k in np.unique(label)], axis=1)
    centred = training - means[:, label]
    pooled = centred.transpose(0, 2, 1) @ centred / (label.size - means.shape[1]) + RIDGE * np.eye(means.shape[2])
    turned = means.transpose(0, 2, 1)
    weights = np.linalg.solve(pooled, turned)  # (sets, width, classes)
    score = rows @ weights - (turned * weights).sum(axis=1, keepdims=True) / 2
    grown = np.exp(score - score.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def of_folds(folds: Folds) -> list[Family]:
    """Mean AUC over repeats, of each class and of all, and the difference of two ways on the same patients.

    Examples
    --------
    >>> folds = Folds("small", "small", (12, 6, 18), 2.0, 4, 1.0, 3, 2)
    >>> len(list(of_folds(folds)[0].make(0)))
    10
    """

    def make(replicate: int) -> Iterator[Made]:
        tables = folds.tables(replicate)
        first, second = folds.ways
        own = folds.truth[first]
        truth = {name: own[place] for place, name in enumerate(folds.classes)} | {resampled.MACRO: own.mean()}
        sizes = dict(zip(folds.classes, folds.counts))
        for row in resampled.performance({first: tables[first]}).to_dict("records"):
            name = row["class"]
            shown = f"class of {sizes[name]}" if name in sizes else name
            limits = row["auc_low"], row["auc_high"]
            yield Made(f"Cross-validated AUC, {shown}", METHOD, *limits, truth[name])
        for row in resampled.between_folds(tables[first]).to_dict("records"):
            name = row["class"]
            shown = f"class of {sizes[name]}" if name in sizes else name
            yield Made(f"Cross-validated AUC, {shown}", BETTER, row["low"], row["high"], truth[name], "offered")
        gap, named = resampled.difference(tables[first], tables[second]), "Cross-validated AUC, difference of means"
        value = float(own.mean() - folds.truth[second].mean())
        yield Made(named, METHOD, gap.low, gap.high, value)
        row = resampled.between_folds(tables[first], tables[second]).iloc[-1]
        yield Made(named, BETTER, row["low"], row["high"], value, "offered")

    return [Family(folds.title, make, share=FIFTH)]


FOLDS = Folds("folds", "C: 195 patients, cross-validated", (60, 15, 120), 1.6, 8, 0.7, 5, 3)

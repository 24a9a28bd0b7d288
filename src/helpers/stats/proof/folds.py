"""Cross-validation in simulated cohorts: does the interval of a mean AUC hold what the procedure really reaches?"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from helpers.learn import resampled as learned
from helpers.stats import resampled
from helpers.stats.delong import placements
from helpers.stats.proof.simulation import Family, Made

FITS = 300  # training sets over which the truth is averaged
GROWN = 10  # a test set of the truth has so many times the patients
METHOD = "infinitesimal jackknife over patients"
FIFTH = 0.2


@dataclass(frozen=True)
class Folds:
    """Patients of three classes with normal features, and a head that is fitted anew in every fold.

    The truth is what a head reaches on new patients, averaged over training sets of the size that a fold leaves. It
    has no closed form: it is the mean over many training sets, each with a large test set of its own, whose Monte
    Carlo error is a small part of an interval's width.

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
    {'as they are': (72, 11), 'blurred': (72, 11)}
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
        label, features = self.draw(self._generator(replicate), self.counts)
        who = np.array([f"P{number}" for number in range(label.size)])
        cases = pd.DataFrame({"patient_id": who, "center": "A", "label": label})
        seed = self.repeats * replicate
        scheme = learned.new_patients(label, who, folds=self.folds, repeats=self.repeats, seed=seed)
        named = {"classes": self.classes, "study": self.name}
        return {way: learned.cross_validate(features[way], cases, scheme, model=way, **named) for way in self.ways}

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
            risks = learned.head_risks(features, seen, np.ones(features.shape[:2]), rows, len(self.classes))
            values = [[placements(new == k, risk[:, k])[0] for k in range(len(self.classes))] for risk in risks]
            found[way] = np.mean(values, axis=0)
        return found

    def _generator(self, replicate: int) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(self.name.encode()), replicate])


def of_folds(folds: Folds) -> list[Family]:
    """Mean AUC over repeats, of each class and of all, and the difference of two ways on the same patients.

    Examples
    --------
    >>> folds = Folds("small", "small", (12, 6, 18), 2.0, 4, 1.0, 3, 2)
    >>> len(list(of_folds(folds)[0].make(0)))
    5
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
        gap = resampled.difference(tables[first], tables[second])
        value = float(own.mean() - folds.truth[second].mean())
        yield Made("Cross-validated AUC, difference of means", METHOD, gap.low, gap.high, value)

    return [Family(folds.title, make, share=FIFTH)]


FOLDS = Folds("folds", "C: 195 patients, cross-validated", (60, 15, 120), 1.6, 8, 0.7, 5, 3)

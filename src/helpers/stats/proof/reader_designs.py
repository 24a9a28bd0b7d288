"""Reader studies and several classes at the sizes of papers C and D, with true values in closed form."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from helpers.stats.proof.designs import DENSITY, DESIGNS, GRID, TOGETHER
from helpers.stats.proof.folds import FOLDS
from helpers.stats.proof.picture_designs import CENTRES, FEW_NODES, HOSPITALS, NODES

# variances of a rating given the truth (Roe and Metz 1997, doi:10.1016/S1076-6332(97)80032-3); they sum to 1
CASE, CASE_MODALITY, CASE_READER, ERROR = 0.3, 0.3, 0.2, 0.2
SKILL, SKILL_MODALITY = 0.3, 0.2  # standard deviations between readers, and between modalities of a reader


@dataclass(frozen=True)
class ReaderStudy:
    """A crossed reader study after Roe and Metz.

    Parameters
    ----------
    name, title : str
    readers, positives, negatives : int
    skill : float
        Mean distance of the classes, in standard deviations of a rating.
    gain : float
        By how much the aid raises it.

    Examples
    --------
    >>> study = ReaderStudy("small", "small", 3, 10, 20, 1.2, 0.4)
    >>> readings, _ = study.draw(0)
    >>> len(readings), round(study.value("auc", aided=False), 3)
    (180, 0.795)
    """

    name: str
    title: str
    readers: int
    positives: int
    negatives: int
    skill: float
    gain: float = 0.0

    @property
    def cut(self) -> float:
        """Rating at which a case is called positive: midway between the classes of the average reader."""
        return self.skill / 2

    def generator(self, replicate: int, *more: int) -> np.random.Generator:
        """Random numbers that depend on the study's name and the replicate alone."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), replicate, *more])

    def draw(self, replicate: int) -> tuple[pd.DataFrame, np.ndarray]:
        """Readings with graded ratings, and the skill of each reader, shape (2, readers), aided first."""
        rng, n, r = self.generator(replicate), self.positives + self.negatives, self.readers
        label = (np.arange(n) < self.positives).astype(int)
        skill = self.skill + SKILL * rng.standard_normal((1, r)) + SKILL_MODALITY * rng.standard_normal((2, r))
        skill[0] += self.gain
        rating = skill[:, :, None] * label
        for variance, shape in ((CASE, (1, 1)), (CASE_MODALITY, (2, 1)), (CASE_READER, (1, r)), (ERROR, (2, r))):
            rating = rating + np.sqrt(variance) * rng.standard_normal((*shape, n))
        modality, reader, case = np.indices(rating.shape).reshape(3, -1)
        columns = {"reader": reader, "modality": np.array(["aided", "unaided"])[modality], "case_id": case}
        return pd.DataFrame(columns | {"label": label[case], "rating": rating.ravel()}), skill

    def calls(self, readings: pd.DataFrame) -> pd.DataFrame:
        """The readings as yes or no."""
        return readings.assign(rating=(readings["rating"] >= self.cut).astype(int))

    def value(self, metric: str, *, aided: bool) -> float:
        """Mean over all readers of an AUC, a sensitivity or a specificity."""
        mean, spread = self.skill + self.gain * aided, SKILL**2 + SKILL_MODALITY**2
        if metric == "auc":
            return float(ndtr(mean / np.sqrt(2 + spread)))
        if metric == "sensitivity":
            return float(ndtr((mean - self.cut) / np.sqrt(1 + spread)))
        return float(ndtr(self.cut))

    def gap(self, metric: str) -> float:
        """Aided minus unaided."""
        return self.value(metric, aided=True) - self.value(metric, aided=False)

    def ratio(self, metric: str) -> float:
        """Aided over unaided, less 1: the relative gain."""
        return self.value(metric, aided=True) / self.value(metric, aided=False) - 1

    def values_of(self, metric: str, skill: np.ndarray) -> np.ndarray:
        """AUC or sensitivity of readers as skilled as drawn, in the shape of `skill`."""
        return ndtr(skill / np.sqrt(2)) if metric == "auc" else ndtr(skill - self.cut)

    def experienced(self, readings: pd.DataFrame) -> pd.DataFrame:
        """The readings with the patient of each case, and the first half of the readers called junior."""
        junior = readings["reader"] < self.readers // 2
        return readings.assign(patient_id=readings["case_id"], experience=np.where(junior, "junior", "senior"))

    @cached_property
    def model_distance(self) -> float:
        """Distance of the classes of a model that equals the unaided readers at their mean specificity."""
        return float(ndtri(self.value("sensitivity", aided=False)) + self.cut)


@dataclass(frozen=True)
class Raters:
    """Readers who grade the same cases, each with errors of one's own around what the case shows.

    Parameters
    ----------
    name, title : str
    readers, cases : int
    error : float
        Standard deviation of a reader's error; that of what the cases show is 1.
    cuts : tuple of float
        Where one grade ends and the next begins.

    Examples
    --------
    >>> raters = Raters("two", "two", 2, 30, 0.5, (-1.0, 1.0))
    >>> raters.draw(0).shape, round(raters.kappa("none"), 3)
    ((30, 2), 0.495)
    """

    name: str
    title: str
    readers: int
    cases: int
    error: float
    cuts: tuple[float, ...]

    def raw(self, replicate: int) -> np.ndarray:
        """Ungraded readings, shape (cases, readers)."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        shown = rng.standard_normal((self.cases, 1))
        return shown + self.error * rng.standard_normal((self.cases, self.readers))

    def draw(self, replicate: int) -> np.ndarray:
        """Grades from 1, shape (cases, readers)."""
        return 1 + np.searchsorted(self.cuts, self.raw(replicate))

    @cached_property
    def joint(self) -> np.ndarray:
        """Probability of each pair of grades of two readers."""
        edges = np.array([-np.inf, *self.cuts, np.inf])
        below = ndtr((edges[:, None] - GRID) / self.error)
        given = np.diff(below, axis=0)  # of each grade, given what the case shows
        return (given * DENSITY) @ given.T

    def kappa(self, weights: str) -> float:
        """True kappa of two readers; of exchangeable readers Fleiss's is the same."""
        from helpers.stats.kappa import weight_matrix

        weight, margin = weight_matrix(len(self.cuts) + 1, weights), self.joint.sum(axis=0)
        observed, chance = np.sum(weight * self.joint), np.sum(weight * np.outer(margin, margin))
        return float((observed - chance) / (1 - chance))

    @property
    def icc(self) -> float:
        """True intraclass correlation of the ungraded readings."""
        return 1 / (1 + self.error**2)


@dataclass(frozen=True)
class Helped:
    """Readers who grade the same cases twice; help brings each nearer to what the case shows, so that they agree more.

    Parameters
    ----------
    name, title : str
    readers, cases : int
    errors : tuple of float
        Standard deviation of a reader's error, unaided and aided; that of what the cases show is 1.
    cuts : tuple of float
        Where one grade ends and the next begins.
    positive_from : int
        Lowest grade that is a positive call.

    Examples
    --------
    >>> helped = Helped("two", "two", 2, 30, (0.8, 0.4), (-0.5, 0.5), 3)
    >>> helped.draw(0).shape, round(helped.value("kappa", aided=True) - helped.value("kappa", aided=False), 3)
    ((120, 6), 0.244)
    """

    name: str
    title: str
    readers: int
    cases: int
    errors: tuple[float, float]
    cuts: tuple[float, ...]
    positive_from: int

    def draw(self, replicate: int) -> pd.DataFrame:
        """Readings of every reader, unaided and aided, one case a patient."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        shown = rng.standard_normal((self.cases, 1))
        own = rng.standard_normal((2, self.cases, self.readers))
        own[1] = TOGETHER * own[0] + np.sqrt(1 - TOGETHER**2) * own[1]
        grades = 1 + np.searchsorted(self.cuts, shown + np.reshape(self.errors, (2, 1, 1)) * own)
        label = (shown[:, 0] + rng.standard_normal(self.cases) > 0).astype(int)
        modality, case, reader = np.indices(grades.shape).reshape(3, -1)
        columns = {"reader": reader, "modality": np.array(["unaided", "aided"])[modality], "case_id": case}
        columns |= {"patient_id": case, "label": label[case], "rating": grades.ravel()}
        return pd.DataFrame(columns)

    def value(self, measure: str, *, aided: bool) -> float:
        """True agreement; `measure` as `reader_agreement.NAMES` has it.

        Of readers with the same margins the intraclass correlation of the grades is the quadratically weighted kappa.
        """
        graded = measure in ("weighted", "icc")
        cuts = self.cuts if graded else (self.cuts[self.positive_from - 2],)
        raters = Raters(self.name, self.title, self.readers, self.cases, self.errors[aided], cuts)
        return raters.kappa("quadratic" if graded else "none")


@dataclass(frozen=True)
class Classes:
    """Three classes with normal scores; a case's score for its own class is higher, and scores are contrasted.

    Parameters
    ----------
    name, title : str
    counts : tuple of int
    gains : tuple of float
        By how much the score of the own class is raised, in standard deviations.

    Examples
    --------
    >>> classes = Classes("c", "c", (10, 4, 20), (2.0, 2.0, 2.0))
    >>> label, scores = classes.draw(0)
    >>> scores.shape, round(classes.hand_till, 3)
    ((34, 3), 0.958)
    """

    name: str
    title: str
    counts: tuple[int, int, int]
    gains: tuple[float, float, float]

    names = ("a", "b", "c")

    def draw(self, replicate: int) -> tuple[np.ndarray, np.ndarray]:
        """Labels, and a score for each class less the mean of the others'."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        code = np.repeat(np.arange(3), self.counts)
        raw = rng.standard_normal((code.size, 3)) + np.diag(self.gains)[code]
        return np.array(self.names)[code], raw - (raw.sum(axis=1, keepdims=True) - raw) / 2

    def pair(self, own: int, other: int) -> float:
        """Chance that a case of `own` has a higher score for that class than a case of `other`."""
        # the contrast has variance 1.5, and the other class's gain lowers it by half
        return float(ndtr((self.gains[own] + self.gains[other] / 2) / np.sqrt(3)))

    def rest(self, own: int) -> float:
        """AUC of a class against the rest, in the proportions of the sample."""
        others = [k for k in range(3) if k != own]
        return float(np.average([self.pair(own, k) for k in others], weights=[self.counts[k] for k in others]))

    @property
    def macro(self) -> float:
        """Mean of the AUCs against the rest."""
        return float(np.mean([self.rest(k) for k in range(3)]))

    @property
    def hand_till(self) -> float:
        """Mean over pairs of classes."""
        return float(np.mean([self.pair(i, j) for i in range(3) for j in range(3) if i != j]))

    @property
    def concordance(self) -> float:
        """Mean over pairs of classes of the AUC of the grade that is expected, the scores taken for risks."""
        # the scores times their places sum to 1.5 times the last raw score less the first, whose variance is 2
        first, _, last = self.gains
        return float(np.mean(ndtr(np.array([first, last, first + last]) / 2)))

    @property
    def balanced_accuracy(self) -> float:
        """Mean over classes of the chance that the own score is the highest."""
        return float(np.mean([np.sum(DENSITY * ndtr(GRID + gain) ** 2) for gain in self.gains]))


READERS = ReaderStudy("D readers", "D: 4 readers, 152 cases", 4, 104, 48, 1.2, gain=0.5)
NO_HELP = ReaderStudy("D readers, no help", "D: 4 readers, 152 cases", 4, 104, 48, 1.2)
GRADES = Raters("grades", "D: 4 readers, 5 grades, 152 cases", 4, 152, 0.7, (-1.2, -0.4, 0.4, 1.2))
FEW_GRADES = Raters("few grades", "C: 2 readers, 3 grades, 34 cases", 2, 34, 0.7, (-0.5, 0.5))
HELPED = Helped("help", GRADES.title, 4, 152, (0.9, 0.5), GRADES.cuts, 4)
FEW_HELPED = Helped("little help", FEW_GRADES.title, 2, 34, (0.9, 0.5), FEW_GRADES.cuts, 3)
THREE = Classes("three classes", "C: 34 patients, 10 + 4 + 20", (10, 4, 20), (1.9, 2.2, 1.8))
# of every design, so that each looks alike in every figure
OTHERS = (READERS, THREE, GRADES, FEW_GRADES, NODES, FEW_NODES, HOSPITALS, CENTRES, FOLDS)
TITLES = [design.title for design in (*DESIGNS, *OTHERS)]

"""Studies of the sizes of the four papers, simulated so that every true value is known in closed form.

Scores are normal with standard deviation 1 in each class, `distance` apart; the risk is what Bayes' rule makes of the
score, so a model's risks are exactly right. Patients with several cases share part of the label and of the score,
which changes no marginal value. One model's risks are then put out of calibration by a known amount.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

TOGETHER = 0.6  # correlation of two models' scores within a class
SHIFT, STRETCH = 0.3, 1.3  # the miscalibrated risks: logit times 1.3, plus 0.3
ELSEWHERE = 0.1  # prevalence at which predictive values and net benefit are also given
GRID = np.linspace(-9.0, 9.0, 20_001)  # standard normal deviates for one-dimensional integrals
DENSITY = np.exp(-(GRID**2) / 2) / np.sqrt(2 * np.pi) * (GRID[1] - GRID[0])


@dataclass(frozen=True, eq=False)
class Sample:
    """One simulated study.

    Parameters
    ----------
    label : ndarray of bool, shape (n,)
    score, score_b : ndarray of shape (n,)
        Scores of two models.
    risk, risk_b : ndarray of shape (n,)
        Their calibrated risks.
    patient : ndarray of int, shape (n,), or None
        None when every case is a patient.
    rng : Generator
        For what a measurement draws in addition.
    """

    label: np.ndarray
    score: np.ndarray
    score_b: np.ndarray
    risk: np.ndarray
    risk_b: np.ndarray
    patient: np.ndarray | None
    rng: np.random.Generator

    @property
    def miscalibrated(self) -> np.ndarray:
        """The first model's risks, too extreme and too high."""
        return expit(SHIFT + STRETCH * logit(self.risk))


@dataclass(frozen=True)
class Design:
    """Size of a study and what is true in it.

    Parameters
    ----------
    name : str
        Short name; with the number of the replicate it fixes the random numbers.
    title : str
        For tables and figures.
    cases, positives, patients : int
        Of patients with several cases, `positives` is the expected number of positive cases.
    auc : float
        Of the first model.
    gap : float
        By how much the AUC of the second model is lower.
    alike, shared : float
        Correlation between cases of one patient: of what decides the label (1: pathology is by patient), and of the
        scores given the label.

    Examples
    --------
    >>> design = Design("A", "A", 116, 27, 116, 0.734)
    >>> sample = design.draw(0, fixed=True)
    >>> int(sample.label.sum()), len(sample.risk)
    (27, 116)
    >>> round(design.truth["sensitivity"], 4), round(design.truth["brier"], 4)
    (0.6707, 0.1562)
    """

    name: str
    title: str
    cases: int
    positives: int
    patients: int
    auc: float
    gap: float = 0.06
    alike: float = 0.0
    shared: float = 0.0

    @property
    def clustered(self) -> bool:
        """Whether patients have several cases."""
        return self.patients < self.cases

    @property
    def prevalence(self) -> float:
        """Share of positive cases; also the risk at which a case is called positive."""
        return self.positives / self.cases

    @cached_property
    def distance(self) -> float:
        """Distance of the class means of the first model's score, in standard deviations."""
        return float(np.sqrt(2) * ndtri(self.auc))

    @cached_property
    def distance_b(self) -> float:
        """The same of the second model."""
        return float(np.sqrt(2) * ndtri(self.auc - self.gap))

    def null(self) -> Design:
        """The same study with two models of equal worth."""
        return replace(self, gap=0.0, name=f"{self.name}, equal models")

    def generator(self, replicate: int, *more: int) -> np.random.Generator:
        """Random numbers that depend on the design's name and the replicate alone."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), replicate, *more])

    def draw(self, replicate: int, *, fixed: bool = False) -> Sample:
        """Simulate one study.

        Parameters
        ----------
        replicate : int
        fixed : bool
            Keep the number of positives, as in a case-control study; else the outcome of every patient is drawn, and
            drawn again should fewer than two cases of a class be there. Ignored where patients have several cases.

        Returns
        -------
        Sample
        """
        rng = self.generator(replicate, int(fixed))
        owner = self._owner
        label = self._labels(rng, owner, fixed)
        noise = rng.standard_normal((2, self.cases))
        if self.clustered:
            by_patient = rng.standard_normal((2, self.patients))[:, owner]
            noise = np.sqrt(self.shared) * by_patient + np.sqrt(1 - self.shared) * noise
        noise[1] = TOGETHER * noise[0] + np.sqrt(1 - TOGETHER**2) * noise[1]
        scores = noise + np.array([[self.distance], [self.distance_b]]) * label
        risks = (self.risk(score, d) for score, d in zip(scores, (self.distance, self.distance_b)))
        return Sample(label, *scores, *risks, owner if self.clustered else None, rng)

    def risk(self, score: np.ndarray, distance: float) -> np.ndarray:
        """Probability of a positive given the score."""
        return expit(logit(self.prevalence) + distance * score - distance**2 / 2)

    @cached_property
    def _owner(self) -> np.ndarray:
        """Patient of each case: cases beyond one a patient go round the first two thirds of the patients."""
        extra = np.arange(self.cases - self.patients) % max(1, 2 * self.patients // 3)
        return np.sort(np.concatenate([np.arange(self.patients), extra]))

    def _labels(self, rng: np.random.Generator, owner: np.ndarray, fixed: bool) -> np.ndarray:
        if fixed and not self.clustered:
            return np.arange(self.cases) < self.positives
        while True:
            liability = rng.standard_normal(self.cases)
            if self.clustered:
                mixed = np.sqrt(self.alike) * rng.standard_normal(self.patients)[owner]
                liability = mixed + np.sqrt(1 - self.alike) * liability
            label = liability > -ndtri(self.prevalence)
            if 2 <= label.sum() <= self.cases - 2:
                return label

    @cached_property
    def truth(self) -> dict[str, float]:
        """True values of everything that is measured."""
        own, other = self._cells(self.distance), self._cells(self.distance_b)
        a, b = measures(own), measures(other)
        gaps = {
            f"{name} difference": a[name] - b[name] for name in ("sensitivity", "specificity", "accuracy", "ppv", "npv")
        }
        gaps |= {f"{name} ratio": a[name] / b[name] for name in ("ppv", "npv", "lr_positive", "lr_negative")}
        odds = self.prevalence / (1 - self.prevalence)  # at a threshold that equals the prevalence
        away, away_b = (self._cells(distance, ELSEWHERE) for distance in (self.distance, self.distance_b))
        there = measures(away)
        benefit, benefit_b, moved, moved_b = (cells[0] - odds * cells[1] for cells in (own, other, away, away_b))
        return (
            a
            | gaps
            | {
                "ppv elsewhere": there["ppv"],
                "npv elsewhere": there["npv"],
                "auc": self.auc,
                "auc difference": self.gap,
                "net_benefit": benefit,
                "net_benefit difference": benefit - benefit_b,
                "net_benefit elsewhere": moved,
                "net_benefit difference elsewhere": moved - moved_b,
                "sensitivity at specificity 0.9": float(ndtr(self.distance - ndtri(0.9))),
                "specificity at sensitivity 0.9": float(ndtr(self.distance - ndtri(0.9))),
                "partial_auc": self._partial_auc(),
                "firth": self.distance,
            }
            | self._calibration()
        )

    def _cells(self, distance: float, prevalence: float | None = None) -> np.ndarray:
        """Shares of true positives, false positives, false negatives, true negatives at a risk of the prevalence."""
        right = ndtr(distance / 2)  # there the score lies midway between the classes
        p = self.prevalence if prevalence is None else prevalence
        return np.array([p * right, (1 - p) * (1 - right), p * (1 - right), (1 - p) * right])

    def _partial_auc(self) -> float:
        edges = np.linspace(0, 0.1, 200_001)
        middle = (edges[1:] + edges[:-1]) / 2
        return float(ndtr(self.distance + ndtri(middle)).mean() * 0.1)

    def _calibration(self) -> dict[str, float]:
        """Of the risks out of calibration; one-dimensional integrals over both classes."""
        from scipy.optimize import brentq

        d, p = self.distance, self.prevalence
        score = np.concatenate([GRID, GRID + d])
        weight = np.concatenate([(1 - p) * DENSITY, p * DENSITY])
        right = self.risk(score, d)
        line = SHIFT + STRETCH * logit(right)
        stated = expit(line)
        brier = float(np.sum(weight * (right * (1 - stated) ** 2 + (1 - right) * stated**2)))
        apart = np.abs(stated - right)
        order = np.argsort(apart)
        share = np.cumsum(weight[order])
        return {
            "in_the_large": float(brentq(lambda a: np.sum(weight * expit(line + a)) - p, -10, 10)),
            "slope": 1 / STRETCH,
            "joint_intercept": -SHIFT / STRETCH,
            "observed_expected": float(p / np.sum(weight * stated)),
            "brier": brier,
            "scaled_brier": 1 - brier / (p * (1 - p)),
            "ici": float(np.sum(weight * apart)),
            "e50": float(apart[order][np.searchsorted(share, 0.5)]),
            "e90": float(apart[order][np.searchsorted(share, 0.9)]),
        }


def measures(cells: np.ndarray) -> dict[str, float]:
    """Every measure of a two-by-two table from the shares of its cells.

    Parameters
    ----------
    cells : ndarray of shape (4,)
        True positives, false positives, false negatives, true negatives; they sum to 1.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> round(measures(np.array([0.4, 0.1, 0.1, 0.4]))["kappa"], 3)
    0.6
    """
    tp, fp, fn, tn = (float(share) for share in cells)
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    chance = (tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "accuracy": tp + tn,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "kappa": (tp + tn - chance) / (1 - chance),
        "mcc": (tp * tn - fp * fn) / np.sqrt(margins),
        "youden": sensitivity + specificity - 1,
        "lr_positive": sensitivity / (1 - specificity),
        "lr_negative": (1 - sensitivity) / specificity,
        "dor": tp * tn / (fp * fn),
        "prevalence": tp + fn,
    }


# sizes of the papers' test sets; AUCs as published where they were
A = Design("A", "A: 116 patients, 27 positive", 116, 27, 116, 0.734)
NEAR_ONE = Design("A near 1", "A, an AUC of 0.97", 116, 27, 116, 0.97, gap=0.04)
B = Design("B", "B: 547 nodes of 430 patients", 547, 240, 430, 0.797, alike=0.5, shared=0.4)
C = Design("C", "C: 34 patients, 4 of a class", 34, 4, 34, 0.95)
D = Design("D", "D: 152 patients, 104 positive", 152, 104, 152, 0.85)
EXTERNAL = Design("D external", "D: 245 patients, 83 positive", 245, 83, 245, 0.85)
CLIPS = Design("D clips", "D: 492 clips of 245 patients", 492, 167, 245, 0.85, alike=1.0, shared=0.6)
DESIGNS = (A, NEAR_ONE, B, C, D, EXTERNAL, CLIPS)

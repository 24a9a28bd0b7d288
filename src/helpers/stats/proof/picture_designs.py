"""Outlines of nodes, and patients of two hospitals, at the sizes of papers B and D, with true values in closed form."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from helpers.stats.models import Panel
from helpers.stats.proof.designs import DENSITY, GRID, TOGETHER, B, C

QUARTILES = {"median": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}
SPREAD = 0.7  # of a probit of the Dice coefficient, and of the logarithm of a distance, between nodes
INSIDE = -0.5  # median probit of the share of attribution inside
MILLIMETRES = 4.0  # the median distance of two outlines
AREA_BIAS, AREA_SPREAD = 0.05, 0.25  # of the logarithm of the ratio of the outlined to the drawn area


@dataclass(frozen=True)
class Outlines:
    """Nodes that two networks outline; nodes of one patient are alike.

    The probit of a Dice coefficient is normal; the distance of the outlines falls as the Dice coefficient rises.

    Parameters
    ----------
    name, title : str
    cases, patients : int
    levels : tuple of float
        Median probit of the Dice coefficient of each network.
    shared : float
        Correlation between nodes of one patient.

    Examples
    --------
    >>> nodes = Outlines("few", "few", 40, 30, (1.2, 1.0), 0.4)
    >>> nodes.draw(0).shape, round(nodes.quantile("dice", 0, 0.5), 3)
    ((80, 9), 0.885)
    """

    name: str
    title: str
    cases: int
    patients: int
    levels: tuple[float, float]
    shared: float

    networks = ("first", "second")

    def draw(self, replicate: int) -> pd.DataFrame:
        """One row a node and network, as `segmentation.measure` gives them, with the probit of the Dice coefficient."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        # a node each, and the rest to the first patients in turn
        owner = np.sort(np.arange(self.cases) % self.patients)
        by_patient = rng.standard_normal((4, self.patients))[:, owner]
        noise = np.sqrt(self.shared) * by_patient + np.sqrt(1 - self.shared) * rng.standard_normal((4, self.cases))
        noise[1] = TOGETHER * noise[0] + np.sqrt(1 - TOGETHER**2) * noise[1]
        frames = []
        for network, level, own in zip(self.networks, self.levels, noise):
            probit = level + SPREAD * own
            dice, drawn = ndtr(probit), np.exp(4 + 0.5 * rng.standard_normal(self.cases))
            columns = {"network": network, "patient_id": owner, "case_id": np.arange(self.cases), "dice": dice}
            columns |= {"iou": dice / (2 - dice), "hd95_mm": MILLIMETRES * np.exp(-SPREAD * own)}
            area = drawn * np.exp(AREA_BIAS + AREA_SPREAD * noise[2])
            columns |= {"area_mm2": area, "area_reference_mm2": drawn, "inside": ndtr(INSIDE + SPREAD * noise[3])}
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)

    def quantile(self, measure: str, network: int, share: float) -> float:
        """True quantile of a measure."""
        return float(self._value(measure, network, ndtri(1 - share if measure == "hd95_mm" else share)))

    def mean(self, measure: str, network: int) -> float:
        """True mean of a measure."""
        return float(np.sum(DENSITY * self._value(measure, network, GRID)))

    @property
    def inside(self) -> float:
        """True mean of the share of attribution that lies inside the node."""
        return float(ndtr(INSIDE / np.sqrt(1 + SPREAD**2)))

    def _value(self, measure: str, network: int, own: np.ndarray | float) -> np.ndarray | float:
        if measure == "hd95_mm":
            return MILLIMETRES * np.exp(-SPREAD * own)
        dice = ndtr(self.levels[network] + SPREAD * own)
        return dice if measure == "dice" else dice / (2 - dice)


@dataclass(frozen=True)
class Hospitals:
    """An internal and an external test whose patients differ in how often a sign is there.

    The score of a negative is standard normal; that of a positive lies higher, and more so with the sign. The sign is
    as common among positives as among negatives of one hospital, so weighting by it brings the one AUC to the other.

    Parameters
    ----------
    name, title : str
    inside, outside : tuple of int
        Positives and negatives.
    shares : tuple of float
        Of patients with the sign, inside and outside.
    distances : tuple of float
        Of the classes, without and with the sign, in standard deviations.

    Examples
    --------
    >>> two = Hospitals("two", "two", (20, 20), (30, 30), (0.3, 0.6), (0.9, 1.8))
    >>> round(two.auc(0), 3), round(two.auc(1), 3), two.draw(0)[1].n
    (0.786, 0.834, 60)
    """

    name: str
    title: str
    inside: tuple[int, int]
    outside: tuple[int, int]
    shares: tuple[float, float]
    distances: tuple[float, float]

    def draw(self, replicate: int) -> tuple[Panel, Panel, dict[str, pd.DataFrame]]:
        """The two tests, and their signs under `inside` and `outside`: the sign, and a size that says nothing."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        panels, signs = [], {}
        for where, counts, share in zip(("inside", "outside"), (self.inside, self.outside), self.shares):
            label = np.repeat([1, 0], counts)
            sign = rng.random(label.size) < share
            score = rng.standard_normal(label.size) + label * np.where(sign, self.distances[1], self.distances[0])
            who = np.array([f"{where} {number}" for number in range(label.size)], dtype=object)
            panels.append(Panel(where, label, who, who, {"model": ndtr(score - self.cut)}))
            signs[where] = pd.DataFrame(
                {"sign": np.where(sign, "there", "absent"), "size": rng.normal(20, 6, label.size)}
            )
        return panels[0], panels[1], signs

    @property
    def cut(self) -> float:
        """Score at which the risk is one half and a patient is called positive."""
        return sum(self.distances) / 4

    def auc_of(self, level: str) -> float:
        """AUC among the patients in whom the sign is `there` or `absent`."""
        return float(ndtr(self.distances[level == "there"] / np.sqrt(2)))

    def sensitivity_of(self, level: str) -> float:
        """Sensitivity at the cut among the same."""
        return float(ndtr(self.distances[level == "there"] - self.cut))

    def specificity_of(self, level: str) -> float:
        """Specificity at the cut, which the sign does not change."""
        return float(ndtr(self.cut))

    def observed_expected_of(self, level: str) -> float:
        """Observed over expected events of the external test among the same; the risks are not calibrated."""
        share = self.outside[0] / sum(self.outside)
        above, below = (ndtr((mean - self.cut) / np.sqrt(2)) for mean in (self.distances[level == "there"], 0.0))
        return float(share / (share * above + (1 - share) * below))

    def auc(self, place: int) -> float:
        """AUC of the internal (0) or the external (1) test: positives of both kinds against the same negatives."""
        return self.shares[place] * self.auc_of("there") + (1 - self.shares[place]) * self.auc_of("absent")


@dataclass(frozen=True)
class Centres:
    """A quantity of images, such as their mean grey value, that differs between centres.

    Parameters
    ----------
    name, title : str
    counts : tuple of int
        Patients of each centre.
    means : tuple of float
        Of the quantity in each centre, in standard deviations between its patients.

    Examples
    --------
    >>> centres = Centres("two", "two", (20, 20), (0.0, 1.0))
    >>> centres.share, len(centres.draw(0))
    (0.2, 40)
    """

    name: str
    title: str
    counts: tuple[int, ...]
    means: tuple[float, ...]

    def draw(self, replicate: int) -> pd.DataFrame:
        """One row a patient: `value, center, patient_id`."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), replicate])
        center = np.repeat(np.arange(len(self.counts)), self.counts)
        value = np.array(self.means)[center] + rng.standard_normal(center.size)
        return pd.DataFrame({"value": value, "center": center, "patient_id": np.arange(center.size)})

    @property
    def share(self) -> float:
        """True share of the variance that lies between centres of these sizes."""
        middle = np.average(self.means, weights=self.counts)
        between = float(np.average((np.array(self.means) - middle) ** 2, weights=self.counts))
        return between / (between + 1)


NODES = Outlines("outlines", "B: outlines of 547 nodes", B.cases, B.patients, (1.2, 1.0), 0.4)
FEW_NODES = Outlines("few outlines", "C: outlines in 34 patients", C.cases, C.patients, (1.2, 1.0), 0.0)
HOSPITALS = Hospitals("hospitals", "D: 152 and 245 patients", (104, 48), (83, 162), (0.3, 0.6), (0.9, 1.8))
CENTRES = Centres("centres", "C: 195 patients of 4 centres", (75, 50, 40, 30), (0.0, 0.4, 0.8, -0.4))

"""The cohort table of study `lymphnode`: nodes within patients, with the paper's counts, and the signs to be drawn.

Sex, neck level, side, split and label follow paper B exactly (doi:10.3389/fonc.2024.1204987); the paper prints no
ultrasound sign, so the shares of the signs below are choices of this simulation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special, stats

from helpers.data.simulate.calcified_counts import spread
from helpers.data.simulate.ceiling import rank_auc
from helpers.data.simulate.lymphnode_counts import Counts

# Share of nodes with each sign: benign, metastatic.
SIGNS = {
    "hilum": (0.75, 0.12),
    "cystic": (0.02, 0.28),
    "microcalcification": (0.02, 0.40),
    "hyperechoic": (0.06, 0.55),
    "irregular": (0.10, 0.50),
}
RATIO = ((0.39, 0.09), (0.54, 0.11))  # short over long axis: mean and SD, benign and metastatic
RATIO_SPAN = (0.25, 0.95)
LONG_SPREAD = 0.40  # SD of the logarithm of the long axis
NODES_A_PATIENT = {1: 0.76, 2: 0.20, 3: 0.04}
SAME_LABEL = 0.75  # chance that a further node of a patient has the label of the first
SCANNERS = (
    "Mindray Resona 7T",
    "Siemens Acuson Oxana 2",
    "Philips iU22",
    "Hitachi HI Vision Preirus",
    "SuperSonic Aixplorer",
)
SCANNER_WEIGHTS = (0.35, 0.2, 0.2, 0.15, 0.1)
SURE = 0.6  # share of a report's calls that are worded without doubt
COLUMNS = ("patient_id", "case_id", "center", "split", "label", "sex", "level", "side")
COLUMNS += ("long_axis", "short_axis", "scanner")


def draw_nodes(counts: Counts, *, seed: int) -> pd.DataFrame:
    """Draw every node of the published cohort.

    Parameters
    ----------
    counts : Counts
    seed : int

    Returns
    -------
    DataFrame
        One row a node: `COLUMNS` (axes in millimetres), then the signs of `SIGNS` (bool), `ratio`, `posterior` (exact
        probability of label 1 given the drawn signs and the ratio), and `called` (bool) and `sure` (bool) of the
        report.

    Raises
    ------
    ValueError
        If the counts leave no room for patients with several nodes.
    """
    rng = np.random.default_rng([seed, 30])
    frame = _patients(rng, counts)
    frame["case_id"] = [f"N{number:04d}" for number in range(1, len(frame) + 1)]
    frame["center"] = "West China Hospital"
    label = frame["label"].to_numpy()
    for own, places in counts.places.items():
        rows = np.flatnonzero(label == own)
        drawn = rng.permutation([f"{level}|{side}" for (level, side), n in places.items() for _ in range(n)])
        frame.loc[rows, ["level", "side"]] = [place.split("|") for place in drawn]
    frame["long_axis"] = long_axes(rng, len(frame), counts.long_axis)
    frame["ratio"] = np.where(label == 1, _ratios(rng, len(frame), 1), _ratios(rng, len(frame), 0))
    low, high, _ = counts.short_axis
    frame["short_axis"] = (frame["long_axis"] * frame["ratio"]).clip(low, high).round(1)
    frame["scanner"] = rng.choice(SCANNERS, len(frame), p=SCANNER_WEIGHTS)
    for name, shares in SIGNS.items():
        frame[name] = rng.uniform(size=len(frame)) < np.where(label == 1, shares[1], shares[0])
    frame["posterior"] = posterior(frame, counts.of_label(1) / counts.total)
    called = _calls(rng, frame, counts.report)
    frame["called"], frame["sure"] = called, rng.uniform(size=len(frame)) < SURE
    return frame


def _patients(rng: np.random.Generator, counts: Counts) -> pd.DataFrame:
    """Patients with one to three nodes, their split and sex, and the label of every node, to the printed counts."""
    nodes = counts.total
    sizes = spread(counts.patients, nodes, NODES_A_PATIENT, most=max(NODES_A_PATIENT))
    left, male = dict(counts.nodes), dict(counts.male)
    share = {split: sum(n for (own, _), n in counts.nodes.items() if own == split) / nodes for split in ("test",)}
    rows: list[tuple[int, str, int, str]] = []
    patient = 0
    for size in sorted(sizes, reverse=True):
        if size == 1:
            continue
        for _ in range(sizes[size]):
            split = "test" if rng.uniform() < share["test"] else "train"
            chance = left[split, 1] / (left[split, 0] + left[split, 1])
            first = int(rng.uniform() < chance)
            labels = [first, *(first if rng.uniform() < SAME_LABEL else 1 - first for _ in range(size - 1))]
            sex = "male" if rng.uniform() < counts.male[first] / counts.of_label(first) else "female"
            for label in labels:
                left[split, label] -= 1
                male[label] -= sex == "male"
                rows.append((patient, split, label, sex))
            patient += 1
    single = [(split, label) for (split, label), n in left.items() for _ in range(max(n, 0))]
    if min(left.values()) < 0 or min(male.values()) < 0 or len(single) != sizes[1]:
        raise ValueError("counts: too few nodes for the patients with several")
    single = [single[place] for place in rng.permutation(len(single))]
    for split, label in single:
        sex = "male" if male[label] > 0 else "female"
        male[label] -= sex == "male"
        rows.append((patient, split, label, sex))
        patient += 1
    frame = pd.DataFrame(rows, columns=["patient", "split", "label", "sex"])
    order = rng.permutation(patient)  # neither the split nor the number of nodes can be told from the number
    frame["patient"] = order[frame["patient"]]
    frame = frame.sort_values("patient", kind="stable", ignore_index=True)
    frame.insert(0, "patient_id", [f"P{number + 1:04d}" for number in frame["patient"]])
    return frame.drop(columns="patient")


def long_axes(rng: np.random.Generator, n: int, printed: tuple[float, float, float]) -> np.ndarray:
    """Long axes with the printed range and mean: quantiles of a log-normal distribution, in random order.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        At least 3.
    printed : (lowest, highest, mean)
        Millimetres.

    Returns
    -------
    array of shape (n,)
        To a tenth of a millimetre.

    Examples
    --------
    >>> axes = long_axes(np.random.default_rng(0), 3059, (3, 37, 14.8))
    >>> float(axes.min()), float(axes.max()), round(float(axes.mean()), 1)
    (3.0, 37.0, 14.8)
    """
    low, high, mean = printed
    spread_of = np.exp(LONG_SPREAD * special.ndtri((np.arange(n) + 0.5) / n))

    def at(median: float) -> np.ndarray:
        values = np.clip(median * spread_of, low, high)
        values[0], values[-1] = low, high
        return values

    left, right = low, high
    for _ in range(60):
        middle = (left + right) / 2
        left, right = (middle, right) if at(middle).mean() < mean else (left, middle)
    return rng.permutation(at(left).round(1))


def _law(label: int):
    mean, sd = RATIO[label]
    low, high = RATIO_SPAN
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


def _ratios(rng: np.random.Generator, n: int, label: int) -> np.ndarray:
    return _law(label).ppf(rng.uniform(size=n))


def posterior(frame: pd.DataFrame, prevalence: float) -> np.ndarray:
    """Exact probability of a metastasis given the signs that are drawn and the ratio of the axes.

    Parameters
    ----------
    frame : DataFrame
        The columns of `SIGNS` and `ratio`.
    prevalence : float
        In (0, 1).

    Returns
    -------
    array of shape (n,)
        In [0, 1].
    """
    ratio = frame["ratio"].to_numpy(float)
    odds = np.log(prevalence / (1 - prevalence)) + _law(1).logpdf(ratio) - _law(0).logpdf(ratio)
    for name, (benign, metastatic) in SIGNS.items():
        there = frame[name].to_numpy(bool)
        odds += np.where(there, np.log(metastatic / benign), np.log((1 - metastatic) / (1 - benign)))
    return special.expit(odds)


def bayes_limit(*, n: int = 4000, seed: int = 0) -> float:
    """AUC of the exact posterior in the population that the nodes are drawn from: no reader of the pixels has more."""
    rng = np.random.default_rng([seed, 32])
    parts = []
    for label in (0, 1):
        made = {name: rng.uniform(size=n) < shares[label] for name, shares in SIGNS.items()}
        parts.append(posterior(pd.DataFrame({**made, "ratio": _ratios(rng, n, label)}), 0.5))
    return round(rank_auc(np.repeat([0, 1], n), np.concatenate(parts)), 4)


def _calls(rng: np.random.Generator, frame: pd.DataFrame, report: tuple[float, float]) -> np.ndarray:
    """Which nodes the report calls malignant: the printed sensitivity and specificity, the clearer signs first."""
    score = special.logit(frame["posterior"].to_numpy()) + rng.normal(0, 1.5, len(frame))
    called = np.zeros(len(frame), bool)
    for (_, label), rows in frame.groupby(["split", "label"]).indices.items():
        share = report[0] if label == 1 else 1 - report[1]
        called[rows[np.argsort(-score[rows], kind="stable")[: round(share * len(rows))]]] = True
    return called


def written(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """The nodes of a profile: all nodes of a share of the patients, in proportion by split and first label.

    Parameters
    ----------
    frame : DataFrame
        From `draw_nodes`.
    share : float
        In (0, 1].

    Returns
    -------
    DataFrame
        Rows of `frame`; the index is kept, since it says what a node looks like.

    Raises
    ------
    ValueError
        If the share is out of range or leaves a split without patients.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be in (0, 1]")
    first = frame.drop_duplicates("patient_id")
    kept: list[str] = []
    for (split, label), group in first.groupby(["split", "label"]):
        wanted = round(share * len(group))
        if not wanted:
            raise ValueError(f"share {share} leaves no patient with label {label} in {split}; use a larger one")
        kept += group["patient_id"].tolist()[:wanted]
    return frame[frame["patient_id"].isin(kept)]

"""The patients of study `calcified`: counts as published, ultrasound signs as designed here.

Paper D prints sex, age, location and pathology by split, and no ultrasound sign. Signs are therefore design: their
shares below are plausible, not published, and give a clinical baseline an AUC of about 0.8. How they are drawn is
`signs`' one-factor copula. The deposits of a nodule have a pattern; the record names its type (micro, macro, mixed)
only, while whether the small ones are few in one place or many throughout the nodule is in the pixels alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.data.simulate.calcified_counts import Counts, spread
from helpers.data.simulate.ceiling import Reader
from helpers.data.simulate.moments import match_moments
from helpers.data.simulate.published import PublishedTable, apportion
from helpers.data.simulate.signs import SIZE_LOADING, Block, draw_signs, draw_visible, ranks, size_distribution

PATTERNS = ("macro", "macro, few micro", "few micro", "macro, many micro", "many micro")
TYPES = dict(zip(PATTERNS, ("macrocalcification", "mixed", "microcalcification", "mixed", "microcalcification")))
BLOCKS = (
    Block(0.45, {"pattern": PATTERNS}),
    Block(0.35, {"margin": ("smooth", "ill-defined", "irregular")}),
    Block(0.25, {"echogenicity": ("hyperechoic", "isoechoic", "hypoechoic")}),
    Block(0.20, {"orientation": ("horizontal", "vertical")}),
)
FEATURES = tuple(feature for block in BLOCKS for feature in block.features)
# Shares by outcome (benign, malignant) in the internal hospitals, and outside: there more macrocalcification in
# benign nodules, and signs that tell less.
INSIDE, OUTSIDE = (
    {
        "pattern": ((0.30, 0.30, 0.33, 0.02, 0.05), (0.06, 0.04, 0.06, 0.34, 0.50)),
        "margin": ((0.56, 0.24, 0.20), (0.38, 0.26, 0.36)),
        "echogenicity": ((0.06, 0.36, 0.58), (0.02, 0.22, 0.76)),
        "orientation": ((0.82, 0.18), (0.65, 0.35)),
    },
    {
        "pattern": ((0.46, 0.26, 0.22, 0.02, 0.04), (0.10, 0.08, 0.08, 0.31, 0.43)),
        "margin": ((0.54, 0.26, 0.20), (0.40, 0.27, 0.33)),
        "echogenicity": ((0.08, 0.40, 0.52), (0.03, 0.25, 0.72)),
        "orientation": ((0.84, 0.16), (0.70, 0.30)),
    },
)
SIZE = {"inside": ((14.5, 6.5), (11.5, 5.5)), "outside": ((16.5, 7.0), (13.0, 6.0))}  # mean and SD, mm
SIZE_MM = (5.0, 28.0)  # the largest box fits the field with room for the sweep
AGE_YEARS = {"18-45": (18, 45), ">45": (46, 84)}
AGE_EFFECT = 0.45  # malignant patients are younger, in SDs
VISIBILITY = 0.97  # with this the ideal reader of the test split has an AUC of about 0.93
ANOTHER = 0.12  # share of a patient's further clips that show another, benign-looking nodule
MOST_CLIPS = 6
CLIP_WEIGHTS = {1: 45, 2: 35, 3: 13, 4: 5, 5: 2}
COLUMNS = (
    *("patient_id", "case_id", "center", "split", "label", "age", "age_group", "sex", "location", "size"),
    *("calcification", "margin", "echogenicity", "orientation", "scanner"),
)
SCANNERS = {
    "Hospital A": {"GE LOGIQ E9": 0.55, "Mindray Resona 7": 0.45},
    "Hospital B": {"Mindray Resona 7": 0.7, "GE LOGIQ E9": 0.3},
    "Hospital C": {"Philips EPIQ7": 0.6, "Siemens ACUSON S3000": 0.4},
    "Hospital D": {"Siemens ACUSON S3000": 1.0},
    "Hospital E": {"Samsung RS85": 1.0},
    "Hospital F": {"Philips EPIQ7": 0.5, "Samsung RS85": 0.5},
}


def design(counts: Counts) -> PublishedTable:
    """Table of the designed signs by split and outcome, for as many patients as published.

    Parameters
    ----------
    counts : Counts
        Published patients and pathology.

    Returns
    -------
    PublishedTable
        As `signs` and `ceiling` take it; the moments are those of the size in millimetres.
    """
    n = {}
    for split, total in counts.patients.items():
        n[split, 1] = counts.positives(split)
        n[split, 0] = total - n[split, 1]
    levels = {feature: block.levels[feature] for block in BLOCKS for feature in block.features}
    table: dict = {}
    for feature, names in levels.items():
        for group, size in n.items():
            shares = (OUTSIDE if group[0] == "external" else INSIDE)[feature][group[1]]
            table.setdefault(feature, {})[group] = apportion(dict(zip(names, shares, strict=True)), size)
    moments = {("size", group): (*SIZE["outside" if group[0] == "external" else "inside"][group[1]], 1) for group in n}
    return PublishedTable(n, table, moments)


def reader(table: PublishedTable, split: str) -> Reader:
    """The ideal reader of a split: knows how the patients were generated and sees what is drawn."""
    return Reader(table, split, VISIBILITY, blocks=BLOCKS)


def draw_patients(counts: Counts, table: PublishedTable, *, seed: int) -> pd.DataFrame:
    """Draw all published patients.

    Parameters
    ----------
    counts : Counts
        Published counts, met exactly.
    table : PublishedTable
        From `design`.
    seed : int
        Decides everything.

    Returns
    -------
    DataFrame
        One row a patient: `COLUMNS`, `pattern`, and `clips`; the order tells nothing about split or label.
    """
    parts = []
    for number, group in enumerate(table.n):
        rng = np.random.default_rng([seed, 1, number])
        severity = rng.standard_normal(table.n[group])
        part = draw_signs(rng, table, group, severity, BLOCKS)
        share = (ranks(rng, severity, SIZE_LOADING) + rng.uniform(0.25, 0.75, len(part))) / len(part)
        part["size"] = np.round(np.clip(size_distribution(table, group).quantile(share), *SIZE_MM), 1)
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    for number, split in enumerate(counts.patients):
        rows = frame.index[frame["split"] == split]
        rng = np.random.default_rng([seed, 2, number])
        for column, values in _who(rng, counts, split, frame.loc[rows, "label"].to_numpy()).items():
            frame.loc[rows, column] = values
    frame["age"] = frame["age"].astype(int)
    frame["clips"] = frame["clips"].astype(int)
    frame = frame.iloc[np.random.default_rng([seed, 3]).permutation(len(frame))].reset_index(drop=True)
    frame["calcification"] = frame["pattern"].map(TYPES)
    frame["patient_id"] = frame["case_id"] = [f"P{row:04d}" for row in range(1, len(frame) + 1)]
    return frame


def _who(rng: np.random.Generator, counts: Counts, split: str, label: np.ndarray) -> dict[str, np.ndarray]:
    """Sex, age, location, hospital, scanner and number of clips of one split's patients; only age knows the label."""
    n = label.size

    def dealt(levels: dict[str, int]) -> np.ndarray:
        return rng.permutation(np.repeat(np.array(list(levels), dtype=object), list(levels.values())))

    found = {feature: dealt(counts.levels[feature][split]) for feature in ("sex", "location")}
    youth = AGE_EFFECT * label + rng.standard_normal(n)
    young = np.argsort(np.argsort(-youth)) < counts.levels["age_group"][split]["18-45"]
    found["age_group"] = np.where(young, "18-45", ">45").astype(object)
    low, high = (np.where(young, *(AGE_YEARS[name][end] for name in ("18-45", ">45"))) for end in (0, 1))
    age = np.round(np.where(young, rng.normal(36, 7, n), rng.normal(56, 8, n))).clip(low, high)
    if split in counts.age:
        mean, sd = counts.age[split]
        age = match_moments(rng, age, mean=mean, sd=sd, decimals=0, step=1.0, low=low, high=high)
    found["age"] = age
    hospitals = counts.external if split == "external" else counts.internal
    total = apportion({name: counts.hospitals[name][0] for name in hospitals}, n)
    # the same share of each hospital in both outcomes, so that none tells the label
    malignant = apportion(total, int(label.sum()))
    centers, machines = np.empty(n, dtype=object), np.empty(n, dtype=object)
    centers[label == 1] = dealt(malignant)
    centers[label == 0] = dealt({name: total[name] - malignant[name] for name in hospitals})
    for name in hospitals:
        rows = np.flatnonzero(centers == name)
        machines[rows] = dealt(apportion(SCANNERS[name], rows.size))
    found |= {"center": centers, "scanner": machines}
    clips = np.ones(n, dtype=int)
    groups = counts.clips_by_hospital() if split == "external" else {"": counts.clips[split]}
    for name, total in groups.items():
        rows = np.flatnonzero(centers == name) if name else np.arange(n)
        how = spread(rows.size, total, CLIP_WEIGHTS, most=MOST_CLIPS)
        clips[rows] = dealt(how)
    return found | {"clips": clips}


def written(patients: pd.DataFrame, share: float) -> pd.DataFrame:
    """The patients of a profile: a share of every split, outcome and hospital.

    Parameters
    ----------
    patients : DataFrame
        From `draw_patients`.
    share : float
        In (0, 1]; a patient that a share holds is held by every larger one up to rounding.

    Returns
    -------
    DataFrame
        Rows of `patients`, in their order; prevalence is kept to within one patient a split and outcome.

    Raises
    ------
    ValueError
        If the share is out of range, or leaves a split without patients of one outcome.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; it must be in (0, 1]")
    kept: list[int] = []
    for (split, label), group in patients.groupby(["split", "label"], sort=True):
        wanted = round(share * len(group))
        if not wanted:
            raise ValueError(f"share {share} leaves no patient with label {label} in {split}; use a larger one")
        strata = {name: rows.index.to_list() for name, rows in group.groupby("center")}
        for name, count in apportion({name: len(rows) for name, rows in strata.items()}, wanted).items():
            kept += strata[name][:count]
    return patients.loc[sorted(kept)].reset_index(drop=True)


def show(patients: pd.DataFrame, table: PublishedTable, *, seed: int) -> pd.DataFrame:
    """Decide which signs of each patient's nodule are drawn; see `signs.draw_visible`."""
    shown = draw_visible(patients, table, visibility=VISIBILITY, seed=seed, blocks=BLOCKS)
    return shown.rename(columns={"case_id": "patient_id"})


def another(rng: np.random.Generator, table: PublishedTable, split: str) -> dict:
    """Draw a second nodule of a patient: benign-looking whatever the pathology, as one row of signs and size."""
    row = reader(table, split).sample(rng, 1, 0).iloc[0].to_dict()
    return {**row, "size": float(np.clip(row["size"], *SIZE_MM))}

"""The cohort table: exact published counts, features tied to a hidden severity, and what the pixels show of it.

Within each group (split and outcome) every patient has a hidden severity u ~ N(0, 1), and each block of features
a score rho u + sqrt(1 - rho^2) e. Patients are ranked by the score and the published number of them gets each
level, mildest first: counts are exact, features correlate, and features of one block (margin and extrathyroidal
extension) share one score, so that extension never occurs without an ill-defined margin. In the limit of a large
group this is a one-factor Gaussian copula, which `ceiling` integrates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from helpers.data.errors import StudyError
from helpers.data.simulate.moments import TruncatedLogNormal, match_moments
from helpers.data.simulate.published import Group, PublishedTable, apportion

AGE_YEARS = (18.0, 82.0)
SIZE_MM = (3.0, 34.0)  # the largest nodule still fits the deepest image
SIZE_LOADING, AGE_LOADING = 0.55, -0.10
CENTERS = {"Center 1": 0.6, "Center 2": 0.4}
SCANNERS = {
    "Center 1": {"GE LOGIQ E9": 0.6, "Mindray Resona 7": 0.4},
    "Center 2": {"Philips EPIQ7": 0.7, "Mindray Resona 7": 0.3},
}


@dataclass(frozen=True)
class Block:
    """Features that share one score.

    Parameters
    ----------
    loading : float
        Correlation of the score with the hidden severity, in (-1, 1).
    levels : dict of feature to tuple of str
        Levels from mild to severe.
    drawn : bool
        Whether the pixels carry the features.
    """

    loading: float
    levels: dict[str, tuple[str, ...]]
    drawn: bool = True

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(self.levels)


BLOCKS = (
    Block(0.60, {"margin": ("irregular margin", "ill-defined"), "ete": ("no", "yes")}),
    Block(0.40, {"echogenic_foci": ("macrocalcifications", "no", "microcalcifications")}),
    Block(0.35, {"peak_intensity": ("hyperenhancement", "isoenhancement", "hypoenhancement")}),
    Block(0.15, {"orientation": ("horizontal", "vertical")}),
    Block(0.15, {"echogenicity": ("hyperechoic", "isoechoic", "hypoechoic")}),
    Block(
        0.10,
        {
            "composition": ("solid", "predominately solid"),
            "composition_ceus": ("solid", "predominately solid", "predominately cystic", "cystic"),
        },
    ),
    Block(0.15, {"halo": ("present halo", "absent halo")}),
    Block(0.20, {"enhancement_pattern": ("homogeneous", "heterogeneous")}),
    Block(0.10, {"ring_enhancement": ("absent", "present")}),
    Block(0.00, {"echotexture": ("heterogeneous",)}, drawn=False),  # one level only, the same in every image
    Block(0.05, {"sex": ("female", "male")}, drawn=False),
    Block(0.00, {"location": ("upper", "mid", "lower", "isthmus")}, drawn=False),
    Block(
        0.20,
        {
            "cdfi": (
                "avascularity",
                "mainly peripheral vascularity",
                "mainly central vascularity",
                "mixed vascularity",
            )
        },
        drawn=False,
    ),
)
DRAWN = tuple(feature for block in BLOCKS if block.drawn for feature in block.features)
COLUMNS = (
    *("patient_id", "case_id", "center", "split", "label", "age", "size", "sex", "location", "composition"),
    *("echogenicity", "echotexture", "orientation", "echogenic_foci", "margin", "ete", "halo", "cdfi"),
    *("enhancement_pattern", "peak_intensity", "ring_enhancement", "composition_ceus", "scanner"),
)


def sequence(block: Block, table: PublishedTable, group: Group) -> list[tuple[str, ...]]:
    """Levels of a block for one group, one entry a patient, from mild to severe.

    Parameters
    ----------
    block : Block
        The features.
    table : PublishedTable
        Their counts.
    group : tuple of str and int
        Split and label.

    Returns
    -------
    list of tuple of str
        `table.n[group]` tuples, in the order of `block.features`; equal ones are adjacent.

    Raises
    ------
    StudyError
        If the table has a feature or level that the block does not know, or lacks one.
    """
    columns = []
    for feature, levels in block.levels.items():
        counts = table.counts.get(feature, {}).get(group)
        if counts is None or set(counts) - set(levels):
            known = "no counts" if counts is None else f"the levels {sorted(counts)}"
            raise StudyError(f"the published table has {known} for {feature}", fix=f"use {', '.join(levels)}")
        columns.append([level for level in levels for _ in range(counts.get(level, 0))])
    return list(zip(*columns, strict=True))


def size_distribution(table: PublishedTable, group: Group) -> TruncatedLogNormal:
    """Distribution of the nodule size (mm) in one group, with the printed mean and SD."""
    mean, sd, _ = table.moments["size", group]
    return TruncatedLogNormal.fit(mean, sd, low=SIZE_MM[0], high=SIZE_MM[1])


def ranks(rng: np.random.Generator, severity: np.ndarray, loading: float) -> np.ndarray:
    """Order patients by a score that correlates with the hidden severity; 0 is the mildest."""
    score = loading * severity + np.sqrt(1 - loading**2) * rng.standard_normal(severity.size)
    return np.argsort(np.argsort(score))


def draw_signs(
    rng: np.random.Generator, table: PublishedTable, group: Group, severity: np.ndarray, blocks: tuple[Block, ...]
) -> pd.DataFrame:
    """Give the patients of one group the levels that the table counts, by severity.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    table : PublishedTable
        Counts to follow exactly.
    group : tuple of str and int
        Split and label.
    severity : array of shape (n,)
        Hidden severity of its patients, standard normal.
    blocks : tuple of Block
        Features to give.

    Returns
    -------
    DataFrame
        `split`, `label` and the blocks' features, one row a patient.
    """
    frame = pd.DataFrame({"split": [group[0]] * severity.size, "label": group[1]})
    for block in blocks:
        ordered = sequence(block, table, group)
        taken = [ordered[rank] for rank in ranks(rng, severity, block.loading)]
        for place, feature in enumerate(block.features):
            frame[feature] = [levels[place] for levels in taken]
    return frame


def _draw_group(rng: np.random.Generator, table: PublishedTable, group: Group, *, exact: bool) -> pd.DataFrame:
    n = table.n[group]
    severity = rng.standard_normal(n)
    frame = draw_signs(rng, table, group, severity, BLOCKS)
    share = (ranks(rng, severity, SIZE_LOADING) + rng.uniform(0.25, 0.75, n)) / n
    size = size_distribution(table, group).quantile(share)
    mean, sd, decimals = table.moments["age", group]
    share = (ranks(rng, severity, AGE_LOADING) + rng.uniform(0.25, 0.75, n)) / n
    age = np.clip(mean + sd * special.ndtri(share), *AGE_YEARS)
    if exact:
        age = match_moments(
            rng, age, mean=mean, sd=sd, decimals=decimals, step=1.0, low=AGE_YEARS[0], high=AGE_YEARS[1]
        )
        mean, sd, decimals = table.moments["size", group]
        size = match_moments(rng, size, mean=mean, sd=sd, decimals=decimals, step=0.1, low=SIZE_MM[0], high=SIZE_MM[1])
    frame["age"] = np.round(age).astype(int)
    frame["size"] = np.round(np.clip(size, *SIZE_MM), 1)
    # centre and scanner: the same shares in both outcomes, so neither tells the label
    centers = rng.permutation([name for name, count in apportion(CENTERS, n).items() for _ in range(count)])
    frame["center"] = centers
    frame["scanner"] = ""
    for center, machines in SCANNERS.items():
        rows = np.flatnonzero(centers == center)
        names = [name for name, count in apportion(machines, rows.size).items() for _ in range(count)]
        frame.loc[rows, "scanner"] = rng.permutation(names) if names else []
    return frame


def draw_cohort(table: PublishedTable, *, seed: int, exact: bool = True) -> pd.DataFrame:
    """Draw the cohort table.

    Parameters
    ----------
    table : PublishedTable
        Counts to follow exactly, from `published.read` or `published.scale`.
    seed : int
        Decides everything.
    exact : bool
        Whether age and size must also round to the printed means and SDs; a cohort of another size than the
        published one has draws from the same distributions instead.

    Returns
    -------
    DataFrame
        One row a patient, columns `COLUMNS`; the order tells nothing about split or label.
    """
    groups = [
        _draw_group(np.random.default_rng([seed, 1, number]), table, group, exact=exact)
        for number, group in enumerate(table.n)
    ]
    frame = pd.concat(groups, ignore_index=True)
    order = np.random.default_rng([seed, 2]).permutation(len(frame))
    frame = frame.iloc[order].reset_index(drop=True)
    number = [f"{row:04d}" for row in range(1, len(frame) + 1)]
    frame["patient_id"], frame["case_id"] = [f"P{text}" for text in number], [f"C{text}" for text in number]
    return frame[list(COLUMNS)]


def pooled(block: Block, table: PublishedTable, split: str) -> dict[tuple[str, ...], float]:
    """Share of each combination of levels in a split, both outcomes together."""
    both = [levels for label in (0, 1) for levels in sequence(block, table, (split, label))]
    return {levels: both.count(levels) / len(both) for levels in dict.fromkeys(both)}


def draw_visible(
    cohort: pd.DataFrame,
    table: PublishedTable,
    *,
    visibility: float,
    seed: int,
    blocks: tuple[Block, ...] = BLOCKS,
) -> pd.DataFrame:
    """Decide which level of each pixel-carried sign is drawn.

    With probability `visibility` it is the recorded one, else a draw from the split's pooled distribution, which
    knows nothing of the label. The features of a block are shown or redrawn together.

    Parameters
    ----------
    cohort : DataFrame
        From `draw_cohort`.
    table : PublishedTable
        The counts it follows.
    visibility : float
        In [0, 1].
    seed : int
        Decides everything.
    blocks : tuple of Block
        The study's features; those that are `drawn` count.

    Returns
    -------
    DataFrame
        `case_id`, `split`, `label`, `size` and the features that are drawn.

    Raises
    ------
    ValueError
        If `visibility` is outside [0, 1].
    """
    if not 0 <= visibility <= 1:
        raise ValueError(f"visibility is {visibility}; it must be in [0, 1]")
    rng = np.random.default_rng([seed, 3])
    visible = [block for block in blocks if block.drawn]
    shown = cohort[["case_id", "split", "label", "size", *(f for block in visible for f in block.features)]].copy()
    for block in visible:
        kept, draw = rng.uniform(size=(2, len(cohort)))
        for split in table.splits:
            shares = pooled(block, table, split)
            edges = np.cumsum(list(shares.values()))
            rows = np.flatnonzero((cohort["split"] == split).to_numpy() & (kept >= visibility))
            choice = np.minimum(np.searchsorted(edges, draw[rows], side="right"), len(edges) - 1)
            levels = list(shares)
            for place, feature in enumerate(block.features):
                shown.loc[rows, feature] = [levels[number][place] for number in choice]
    return shown

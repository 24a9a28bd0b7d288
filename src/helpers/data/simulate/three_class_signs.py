"""The patients of study `three_class`: counts as published, centres and ultrasound signs as designed here.

Paper C prints no sign and no centre. The shares below are plausible, not published: benign nodules are more often
isoechoic, smooth and cystic, malignant ones hypoechoic and irregular, metastatic ones larger than those without a
metastasis, with more microcalcifications and extension through the capsule. Given the class the signs are independent,
so that the probability of each class given what is drawn is known exactly.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.data.simulate.ceiling import rank_auc
from helpers.data.simulate.moments import TruncatedLogNormal
from helpers.data.simulate.published import apportion
from helpers.data.simulate.three_class_counts import Counts

# Shares of the levels by class: benign, non-metastatic, metastatic.
SIGNS = {
    "echogenicity": {
        "hyperechoic": (0.12, 0.02, 0.02),
        "isoechoic": (0.48, 0.20, 0.12),
        "hypoechoic": (0.40, 0.78, 0.86),
    },
    "echogenic_foci": {
        "no": (0.76, 0.66, 0.30),
        "macrocalcifications": (0.16, 0.10, 0.12),
        "microcalcifications": (0.08, 0.24, 0.58),
    },
    "margin": {
        "smooth": (0.68, 0.28, 0.16),
        "ill-defined": (0.22, 0.42, 0.32),
        "irregular margin": (0.10, 0.30, 0.52),
    },
    "composition": {
        "solid": (0.46, 0.93, 0.92),
        "predominately solid": (0.34, 0.05, 0.06),
        "predominately cystic": (0.20, 0.02, 0.02),
    },
    "orientation": {"horizontal": (0.92, 0.52, 0.66), "vertical": (0.08, 0.48, 0.34)},
    "halo": {"absent halo": (0.60, 0.90, 0.95), "present halo": (0.40, 0.10, 0.05)},
    "ete": {"no": (0.99, 0.94, 0.58), "yes": (0.01, 0.06, 0.42)},
}
SIZE = ((17.0, 7.0), (8.5, 3.0), (14.0, 6.0))  # mean and SD of the largest diameter by class, mm
SIZE_MM = (4.0, 30.0)
AGE = ((51, 12), (47, 11), (42, 13))  # years
AGE_YEARS = (18, 84)
FEMALE = (0.78, 0.76, 0.68)
CENTERS = {
    "Hospital A": (0.30, 0.34, 0.42),
    "Hospital B": (0.28, 0.28, 0.28),
    "Hospital C": (0.24, 0.22, 0.18),
    "Hospital D": (0.18, 0.16, 0.12),
}
VISIBILITY = 0.9  # probability that a sign is drawn as recorded, else as in all patients
LEAST_IMAGES, IMAGES_SPREAD = 6, 0.45  # of a patient; spread of the logarithm
LIMIT_DRAWS = 4000


def draw_patients(counts: Counts, *, seed: int) -> pd.DataFrame:
    """Draw all analysed patients: splits and classes as published, signs and centres in the designed shares.

    Parameters
    ----------
    counts : Counts
        Published counts, met exactly.
    seed : int
        Decides everything.

    Returns
    -------
    DataFrame
        One row a patient: `patient_id, center, split, label, age, sex, size` (mm), the signs, and `images`, which
        add up to the published number; the order tells nothing about split or label.
    """
    parts = []
    for code, name in enumerate(counts.analysed):
        rng = np.random.default_rng([seed, 1, code])
        n = counts.analysed[name]
        part = pd.DataFrame({"split": np.repeat(list(counts.splits), [part[name] for part in counts.splits.values()])})
        part["label"], part["code"] = name, code
        part["center"] = np.concatenate(
            [_dealt(rng, {key: value[code] for key, value in CENTERS.items()}, len(own)) for _, own in _runs(part)]
        )
        part["sex"] = _dealt(rng, {"male": 1 - FEMALE[code], "female": FEMALE[code]}, n)
        part["age"] = np.clip(np.round(rng.normal(*AGE[code], n)), *AGE_YEARS).astype(int)
        for feature, levels in SIGNS.items():
            part[feature] = _dealt(rng, {level: shares[code] for level, shares in levels.items()}, n)
        law = TruncatedLogNormal.fit(*SIZE[code], low=SIZE_MM[0], high=SIZE_MM[1])
        part["size"] = law.quantile(rng.permutation((np.arange(n) + 0.5) / n)).round(1)
        parts.append(part)
    rng = np.random.default_rng([seed, 2])
    everyone = pd.concat(parts, ignore_index=True)
    everyone = everyone.iloc[rng.permutation(len(everyone))].reset_index(drop=True)
    everyone.insert(0, "patient_id", [f"P{number:03d}" for number in range(1, len(everyone) + 1)])
    weight = np.exp(IMAGES_SPREAD * rng.standard_normal(len(everyone)))
    least = min(LEAST_IMAGES, counts.images // len(everyone))
    more = apportion(dict(enumerate(weight)), counts.images - least * len(everyone))
    everyone["images"] = [least + more[row] for row in range(len(everyone))]
    return everyone


def show(everyone: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """What is drawn: each sign as recorded, or now and then as in any patient, whatever the class.

    Returns
    -------
    DataFrame
        The signs and `size` in the order of the rows.
    """
    rng = np.random.default_rng([seed, 3])
    drawn = everyone[[*SIGNS, "size"]].copy()
    for feature in SIGNS:
        again = rng.uniform(size=len(drawn)) >= VISIBILITY
        pool = _pooled(everyone["code"].to_numpy(), feature)
        other = rng.choice(list(pool), size=len(drawn), p=list(pool.values()))
        drawn[feature] = np.where(again, other, drawn[feature])
    return drawn


def posterior(drawn: pd.DataFrame, codes: np.ndarray) -> np.ndarray:
    """Exact probability of each class given the drawn signs and the size.

    Parameters
    ----------
    drawn : DataFrame
        As `show` gives it.
    codes : int array
        Classes of the population that the patients come from: they give how common each is.

    Returns
    -------
    array of shape (n, 3)
        Rows sum to 1.
    """
    count = len(SIZE)
    prior = np.bincount(codes, minlength=count) / len(codes)
    logs = np.tile(np.log(prior), (len(drawn), 1))
    for feature, levels in SIGNS.items():
        pool = _pooled(codes, feature)
        chance = {
            level: VISIBILITY * np.array(shares) + (1 - VISIBILITY) * pool[level] for level, shares in levels.items()
        }
        logs += np.log(np.stack([chance[level] for level in drawn[feature]]))
    size = drawn["size"].to_numpy(float)
    for code in range(count):
        law = TruncatedLogNormal.fit(*SIZE[code], low=SIZE_MM[0], high=SIZE_MM[1])
        logs[:, code] += law.log_density(size)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def limit(codes: np.ndarray, *, positive: int, seed: int) -> float:
    """AUC of the exact probability of one class against the others, in new patients of the same kind.

    No reader of the pixels can do better (Neyman and Pearson), except by chance in a few patients.
    """
    rng = np.random.default_rng([seed, 4])
    new = rng.choice(codes, size=LIMIT_DRAWS)
    drawn = {}
    for feature, levels in SIGNS.items():
        pool = np.array(list(_pooled(codes, feature).values()))
        chance = VISIBILITY * np.array(list(levels.values())).T[new] + (1 - VISIBILITY) * pool
        place = (rng.uniform(size=(len(new), 1)) > np.cumsum(chance, axis=1)[:, :-1]).sum(axis=1)
        drawn[feature] = np.array(list(levels), dtype=object)[place]
    laws = [TruncatedLogNormal.fit(*one, low=SIZE_MM[0], high=SIZE_MM[1]) for one in SIZE]
    drawn["size"] = np.stack([law.quantile(rng.uniform(size=len(new))) for law in laws], axis=1)[
        np.arange(len(new)), new
    ]
    known = posterior(pd.DataFrame(drawn), codes)
    return rank_auc((new == positive).astype(int), known[:, positive])


def _runs(part: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return list(part.groupby("split", sort=False))


def _dealt(rng: np.random.Generator, shares: dict[str, float], n: int) -> np.ndarray:
    """`n` levels in exactly the apportioned numbers, in random order."""
    numbers = apportion(shares, n)
    return rng.permutation(np.repeat(np.array(list(numbers), dtype=object), list(numbers.values())))


def _pooled(codes: np.ndarray, feature: str) -> dict[str, float]:
    """Shares of the levels of a sign in all classes together."""
    prior = np.bincount(codes, minlength=len(SIZE)) / len(codes)
    return {level: float(prior @ np.array(shares)) for level, shares in SIGNS[feature].items()}

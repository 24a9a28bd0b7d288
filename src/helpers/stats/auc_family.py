"""Several models on the same cases: every pair with Holm's P value, and one overall test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from helpers.stats.auc import difference, together
from helpers.stats.families import holm


@dataclass(frozen=True)
class AucFamily:
    """Every pair of several models, with one test of all at once.

    Parameters
    ----------
    pairs : DataFrame
        `a, b, difference, low, high, se, z, p_value, p_holm`.
    statistic, df, p_value : float
        Chi-square test that all AUCs are equal.
    methods : str
        One sentence for the methods line.

    Examples
    --------
    >>> family = compare_auc_all([0, 0, 1, 1, 1], {"a": [1, 4, 3, 8, 9], "b": [2, 3, 1, 4, 3]})
    >>> family.df, len(family.frame())
    (1, 1)
    """

    pairs: pd.DataFrame
    statistic: float
    df: int
    p_value: float
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return the pairs."""
        return self.pairs.copy()


def compare_auc_all(
    label: ArrayLike,
    risks: Mapping[str, ArrayLike],
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
) -> AucFamily:
    """Compare several models on the same cases: every declared pair with Holm's P value, and one overall test.

    The overall statistic is the contrast L of AUCs, (L a)' (L S L')^- (L a), chi-square;
    DeLong et al. (1988), doi:10.2307/2531595.

    Parameters
    ----------
    label : array of shape (n,)
    risks : mapping of str to array of shape (n,)
        Two models at least.
    pairs : sequence of pairs of names, or None
        The declared family; None: every pair.
    patient_id, level
        As in `auc`.

    Returns
    -------
    AucFamily

    Raises
    ------
    ValueError
        As `auc`, or with fewer than two models, no pair, or a pair that names an unknown model.

    Examples
    --------
    >>> family = compare_auc_all([0, 0, 1, 1, 1], {"a": [1, 4, 3, 8, 9], "b": [2, 3, 1, 4, 3]})
    >>> family.frame()["p_holm"].round(3).tolist()
    [0.134]
    """
    names = list(risks)
    if len(names) < 2:
        raise ValueError(f"risks: at least two models are needed, found {len(names)}")
    family = list(combinations(names, 2)) if pairs is None else list(pairs)
    unknown = {name for pair in family for name in pair} - set(names)
    if not family or unknown:
        raise ValueError(f"pairs: at least one pair of {', '.join(names)} is needed, found {family}")
    aucs, covariance = together(label, risks, patient_id, level)
    rows, place = [], {name: i for i, name in enumerate(names)}
    for a, b in family:
        both = [place[a], place[b]]
        pair = difference(aucs[both[0]], aucs[both[1]], covariance[np.ix_(both, both)], level=level)
        rows.append({"a": a, "b": b, **pair.frame().iloc[0, :6].to_dict(), "note": pair.note})
    table = pd.DataFrame(rows)
    table.insert(8, "p_holm", holm(table["p_value"]))
    contrast = np.eye(len(names))[:-1] - np.eye(len(names))[1:]
    spread = contrast @ covariance @ contrast.T
    apart = contrast @ np.array([a.value for a in aucs])
    df, statistic, p_value = len(names) - 1, np.nan, np.nan
    if np.isfinite(spread).all():
        df = int(np.linalg.matrix_rank(spread, hermitian=True))
        statistic = float(apart @ np.linalg.pinv(spread, hermitian=True) @ apart)
        p_value = float(chdtrc(df, statistic)) if df else 1.0
    text = f"AUCs of {len(names)} models by {aucs[0].method}, P values by Holm over {len(table)} pairs"
    text += f" (https://www.jstor.org/stable/4615733), n = {aucs[0].n}, {aucs[0].events} events."
    return AucFamily(table, statistic, df, p_value, text)

"""How far readers agree with each other, unaided and aided, also when each group of readers read its own cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.stats.agreement_icc import icc_values
from helpers.stats.kappa import fleiss, light
from helpers.stats.reader_study import ReaderStudy
from helpers.stats.student import t_quantile

NAMES = {
    "kappa": "Cohen's kappa of calls, mean of pairs",
    "fleiss": "Fleiss' kappa of calls",
    "weighted": "Quadratically weighted kappa of ratings, mean of pairs",
    "icc": "Intraclass correlation of ratings, ICC(2,1)",
}
LIMITS = {"low": "value_low", "high": "value_high"}
MANY_LEVELS = 20  # a weighted kappa of more categories is an intraclass correlation by another name
METHODS = (
    "Agreement between readers on the cases that all of them read both ways: Cohen's kappa "
    "(doi:10.1177/001316446002000104) averaged over pairs (doi:10.1037/h0031643), Fleiss' kappa "
    "(doi:10.1037/h0031619), quadratically weighted kappa (doi:10.1037/h0026256) and the intraclass correlation of "
    "single random readers, absolute agreement (doi:10.1037/0033-2909.86.2.420). Where groups of readers read "
    "different cases, the mean over the groups. Intervals, also of the change, by the jackknife over "
    "patients."
)


def blocks(study: ReaderStudy) -> list[tuple[np.ndarray, np.ndarray]]:
    """Groups of readers who read the same cases both ways.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    list of (bool array of shape (n_readers,), bool array of shape (n_cases,))
        Readers, at least two, and cases. One group of all readers when the cases that all of them read are at least
        half of those that any of them read, so that a few lost readings do not divide readers.
    """
    read = ~np.isnan(study.cube.rating).any(axis=0)  # (readers, cases)
    common = read.all(axis=0)
    if common.sum() >= read.any(axis=0).sum() / 2:
        return [(np.ones(len(read), bool), common)]
    found: dict[bytes, list[int]] = {}
    for r, own in enumerate(read):
        found.setdefault(own.tobytes(), []).append(r)
    return [(np.isin(np.arange(len(read)), group), read[group[0]]) for group in found.values() if len(group) > 1]


def agreement_table(study: ReaderStudy) -> pd.DataFrame:
    """Agreement between readers, unaided and aided, and how help changed it.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    DataFrame
        `measure` (a key of `NAMES`), `modality` (the two, and `change`), `value, low, high, groups, readers, cases`;
        empty when no two readers read the same cases. A measure that is not defined (all calls alike) is NaN.

    Examples
    --------
    >>> from helpers.stats.reader_study import assemble
    >>> rows = [(r, m, k, k, k % 2, 1 + (k * (3 if m == "unaided" and r == "B" else 1)) % 5)
    ...         for r in "AB" for m in ("unaided", "aided") for k in range(20)]
    >>> columns = ["reader", "modality", "case_id", "patient_id", "label", "rating"]
    >>> table = agreement_table(assemble(pd.DataFrame(rows, columns=columns), positive_from=3))
    >>> table.loc[table["measure"] == "kappa", "value"].round(3).tolist()
    [0.167, 1.0, 0.833]
    """
    parts = blocks(study)
    data, rows = study.cube, []
    levels = np.unique(data.rating[~np.isnan(data.rating)])
    measured: dict[str, Callable[[np.ndarray], float]] = {
        "kappa": lambda codes: light(codes, 2),
        "fleiss": lambda codes: fleiss(codes, 2),
    }
    if study.graded and levels.size <= MANY_LEVELS:
        measured["weighted"] = lambda codes: light(codes, levels.size, weights="quadratic")
    if study.graded:
        measured["icc"] = lambda ratings: float(icc_values(ratings)[1])
    calls = data.calls(study.cut)
    for name, statistic in measured.items() if parts else ():
        coded = {"weighted": np.searchsorted(levels, data.rating), "icc": data.rating}.get(name, calls)
        made = [_block(statistic, coded, data.patient, *part, whole=name != "icc") for part in parts]
        sizes = {"groups": len(parts), "readers": len(data.readers), "cases": int(sum(p[1].sum() for p in parts))}
        for at, modality in enumerate((study.unaided, study.aided, "change")):
            value, variance = np.mean([m[0][at] for m in made]), sum(m[1][at] for m in made) / len(made) ** 2
            reach = t_quantile(0.95, sum(m[2] for m in made) - len(made)) * np.sqrt(variance)
            row = {"measure": name, "modality": modality, "value": float(value)}
            rows.append(row | {"low": float(value - reach), "high": float(min(value + reach, 1.0))} | sizes)
    return pd.DataFrame(rows)


def _block(
    statistic: Callable, coded: np.ndarray, patient: np.ndarray, readers: np.ndarray, cases: np.ndarray, *, whole: bool
) -> tuple[np.ndarray, np.ndarray, int]:
    """Values of (unaided, aided, change), their jackknife variances, and the number of patients."""
    part = coded[:, readers][:, :, cases].transpose(0, 2, 1)  # (2, cases, readers)
    part = part.astype(int) if whole else part
    owner = np.unique(patient[cases], return_inverse=True)[1]
    n = int(owner.max()) + 1

    def both(kept: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            before, after = (statistic(one[kept]) for one in part)
        return np.array([before, after, after - before])

    left = np.array([both(owner != one) for one in range(n)])
    variance = (n - 1) / n * np.sum((left - left.mean(axis=0)) ** 2, axis=0)
    return both(np.ones(owner.size, bool)), variance, n

"""Models with two risks only, such as a written report: one operating point, no curve.

Straight lines from it to the corners have an area, (sensitivity + specificity) / 2, but no threshold reaches what lies
on them. Another model is fairly set beside it where its own curve has the same specificity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.stats.models import Panel
from helpers.stats.resampling import bootstrap_counts, percentile_limits
from helpers.stats.roc_curve import points
from helpers.stats.roc_regions import upper
from helpers.stats.units import sizes

COLUMNS = ("split", "model", "against", "specificity", "sensitivity", "sensitivity_against", "difference")


def names(part: Panel) -> list[str]:
    """Models of a panel whose risks have at most two values.

    Examples
    --------
    >>> y, who = np.array([0, 1, 1]), np.array(["a", "b", "c"])
    >>> names(Panel("test", y, who, who, {"net": np.array([0.1, 0.2, 0.3]), "report": np.array([0.1, 0.1, 0.6])}))
    ['report']
    """
    return [name for name, risk in part.risks.items() if np.unique(risk).size <= 2]


def note(parts: Sequence[Panel]) -> str:
    """What a dash and an AUC mean for such models, in a sentence; empty without one."""
    found = list(dict.fromkeys(name for part in parts for name in names(part)))
    if not found:
        return ""
    return (
        f"One operating point ({', '.join(found)}): the risks have no more than two values, so the AUC is the mean of "
        "sensitivity and specificity at that point, and what no threshold reaches is a dash."
    )


def matched(parts: Sequence[Panel], *, resamples: int, seed: int = 0, level: float = 0.95) -> pd.DataFrame | None:
    """Sensitivity of every model at the specificity of each model with one operating point, and the difference.

    Percentile limits of bootstrap samples of patients, stratified by outcome, in which that specificity is found anew
    (doi:10.1201/9780429246593); between two points of a curve its height is that of the line.

    Parameters
    ----------
    parts : sequence of Panel
    resamples, seed : int
        Of the bootstrap.
    level : float

    Returns
    -------
    DataFrame or None
        One row a split, model and model with one operating point: `COLUMNS` (the difference is the model's sensitivity
        minus the other's), `difference_low, difference_high`; None where there is no such pair.
    """
    rows = []
    for part in parts:
        few = [name for name in names(part) if np.ptp(part.risks[name]) > 0]
        curves = [name for name in part.risks if name not in names(part)]
        if not few or not curves:
            continue
        positive = part.label > 0
        once = np.ones(part.n, dtype=np.int64)
        draws = bootstrap_counts(positive, patient_id=part.patient_id, resamples=resamples, seed=seed)
        samples = [once, *draws]
        for against in few:
            called = part.risks[against] > part.risks[against].min()
            for name in curves:
                read = np.array([_pair(positive, part.risks[name], called, weight) for weight in samples])
                apart = read[:, 1] - read[:, 2]
                low, high = percentile_limits(apart[1:], level=level)
                row = dict(zip(COLUMNS, (part.title, name, against, *read[0], apart[0])))
                rows.append(row | {"difference_low": float(low), "difference_high": float(high)})
    return pd.DataFrame(rows) if rows else None


def matched_text(parts: Sequence[Panel], *, resamples: int) -> str:
    """How `matched` was made, and on how many cases."""
    return (
        "Sensitivity read from the model's empirical ROC curve at the specificity of the other's one operating point; "
        f"percentile limits of {resamples:,} bootstrap samples of patients, stratified by outcome, that specificity "
        f"found anew in each (doi:10.1201/9780429246593). {sizes(parts)}"
    )


def _pair(positive: np.ndarray, risk: np.ndarray, called: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Specificity of the calls, sensitivity of the risks there, sensitivity of the calls."""
    events, others = (weight * positive).sum(), (weight * ~positive).sum()
    if not (events and others):
        return np.nan, np.nan, np.nan
    false, hit = (weight * (called & ~positive)).sum() / others, (weight * (called & positive)).sum() / events
    _, tp, fp = points(positive, risk, weight)
    return 1 - false, upper(fp / others, tp / events, false), hit

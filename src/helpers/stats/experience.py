"""Whether help does more for some readers than for others: gains by experience, and their difference."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from helpers.stats.mrmc_anova import hillis, interval
from helpers.stats.reader_gains import Values, measures, relative, spread, values
from helpers.stats.reader_study import ReaderStudy
from helpers.stats.student import t_quantile

METHODS = (
    "Mean gains of the readers of a group and the difference between two groups' gains. Over cases: these readers, "
    "on other patients like these (covariance over patients, by DeLong, doi:10.2307/2531595, or the jackknife). Over "
    "readers and cases: other readers of the group as well (doi:10.1002/sim.5926), the variance between their gains "
    "taken for no less than what their cases alone explain; the difference is then Student's "
    "t on the readers' gains, widened where readers of one group share more cases than readers of two (Hillis's "
    "degrees of freedom, doi:10.1002/sim.2532)."
)
LIMITS = {"low": "absolute_gain_low", "high": "absolute_gain_high"}
LIMITS |= {"relative_low": "relative_gain_low", "relative_high": "relative_gain_high"}
GAINS = ["experience", "readers", "measure", "before", "after", "absolute_gain", "low", "high", "random_low"]
GAINS += ["random_high", "relative_gain", "relative_low", "relative_high"]
GAPS = ["measure", "first", "second", "difference", "low", "high", "random_low", "random_high", "df"]


def groups(study: ReaderStudy) -> dict[str, np.ndarray]:
    """Readers of each experience; empty when the table does not say, or all are alike."""
    known = np.array([study.experience.get(reader, "") for reader in study.readers], dtype=object)
    names = sorted({name for name in known if name})
    return {name: known == name for name in names} if len(names) > 1 else {}


def by_experience(study: ReaderStudy) -> pd.DataFrame | None:
    """Mean gain of each group of readers, absolute and relative.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    DataFrame or None
        `GAINS`; `low, high` and the relative limits for these readers, `random_low, random_high` for readers like
        them (NaN with one reader). None when there are no groups.

    Examples
    --------
    >>> from helpers.stats.reader_study import assemble
    >>> groups = {"A": "junior", "B": "junior", "C": "senior", "D": "senior"}
    >>> found = {("junior", "unaided"): 2, ("junior", "aided"): 4, ("senior", "unaided"): 2, ("senior", "aided"): 2}
    >>> rows = [(r, g, m, k, k, k % 2, int(k % 2 and k % 4 < found[g, m]))
    ...         for r, g in groups.items() for m in ("unaided", "aided") for k in range(20)]
    >>> columns = ["reader", "experience", "modality", "case_id", "patient_id", "label", "rating"]
    >>> study = assemble(pd.DataFrame(rows, columns=columns))
    >>> table = by_experience(study)
    >>> table.loc[table["measure"] == "sensitivity", ["experience", "absolute_gain"]].round(3).values.tolist()
    [['junior', 0.5], ['senior', 0.0]]
    """
    rows = []
    for measure in measures(study) if groups(study) else ():
        made = values(study, measure)
        for name, chosen in groups(study).items():
            before, after = made.theta[:, chosen].mean(axis=1)
            row = {"experience": name, "readers": int(chosen.sum()), "measure": measure}
            row |= {"before": float(before), "after": float(after), "absolute_gain": float(after - before)}
            weight = chosen / chosen.sum()
            row |= _over_cases(made, weight) | _random(made, chosen)
            rows.append(row | relative(made, chosen, readers="fixed"))
    return pd.DataFrame(rows)[GAINS] if rows else None


def differences(study: ReaderStudy) -> pd.DataFrame | None:
    """Difference between the gains of two groups of readers (a difference of differences).

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    DataFrame or None
        `GAPS`: gain of `first` - gain of `second`, with the interval over cases for these readers and the one over
        readers and cases, whose degrees of freedom are `df`. None when there are no groups.
    """
    rows = []
    parts = groups(study)
    for measure in measures(study) if parts else ():
        made = values(study, measure)
        for first, second in combinations(parts, 2):
            weight = parts[first] / parts[first].sum() - parts[second] / parts[second].sum()
            random = spread(made, parts[first], parts[second])
            row = {"measure": measure, "first": first, "second": second, "difference": random["value"]}
            row |= _over_cases(made, weight)
            rows.append(row | {"random_low": random["low"], "random_high": random["high"], "df": random["df"]})
    return pd.DataFrame(rows)[GAPS] if rows else None


def _over_cases(made: Values, weight: np.ndarray) -> dict[str, float]:
    """Limits of a weighted sum of gains over patients, readers fixed."""
    change = weight @ made.change
    reach = t_quantile(0.95, np.inf) * float(np.sqrt(np.sum(change**2)))
    middle = float(weight @ made.gain)
    return {"low": middle - reach, "high": middle + reach}


def _random(made: Values, chosen: np.ndarray) -> dict[str, float]:
    """Limits over readers and cases; the readers' spread is never taken for less than what their cases explain.

    The gains of two or three readers can lie close together by chance; an interval from their spread alone would then
    be too narrow, as the chapter on trust counts.
    """
    if (readers := int(chosen.sum())) < 2:
        return {"random_low": np.nan, "random_high": np.nan}
    gain, matrix = made.gain[chosen], made.covariance[np.ix_(chosen, chosen)]
    shared = (matrix.sum() - np.trace(matrix)) / (readers * (readers - 1))
    square = max(gain.var(ddof=1), np.trace(matrix) / readers - shared)
    total = square + readers * max(shared, 0.0)
    freedom = hillis(total, square, readers - 1)
    limits = interval(float(gain.mean()), float(np.sqrt(total / readers)), freedom, 0.95, lowest=-1.0)
    return {"random_low": limits["low"], "random_high": limits["high"]}

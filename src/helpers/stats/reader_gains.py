"""What help added to each reader and to readers on average: differences and ratios, with the patients they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.stats.change_of_mind import paired_gain
from helpers.stats.delong import placements
from helpers.stats.families import holm
from helpers.stats.mrmc import ObuchowskiRockette, obuchowski_rockette
from helpers.stats.mrmc_anova import hillis, interval, single_modality
from helpers.stats.mrmc_ustatistics import UStatistics, u_statistics
from helpers.stats.reader_study import ReaderStudy
from helpers.stats.reader_tables import right_calls
from helpers.stats.student import t_p_value, t_quantile

MEASURES = ("auc", "sensitivity", "specificity", "accuracy")
COLUMNS = ["measure", "before", "after", "absolute_gain", "low", "high", "relative_gain", "relative_low"]
COLUMNS += ["relative_high", "f", "df", "p_value", "p_holm", "method", "note"]
CROSSED = "Obuchowski-Rockette"
EACH = (
    "Gain of one reader: the difference between the same cases read twice; AUC by DeLong (doi:10.2307/2531595), "
    "proportions by Newcombe's interval for paired proportions "
    "(doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C)."
)
AVERAGE = (
    "Mean over readers, readers and cases random: where every reader read every case both ways by Obuchowski and "
    "Rockette (doi:10.1080/03610919508813243) with jackknife covariances and Hillis's degrees of freedom "
    "(doi:10.1002/sim.2532), otherwise by U-statistics (doi:10.1080/03610920802610084; degrees of freedom "
    "doi:10.1016/j.acra.2012.09.012). Accuracy, the share of right calls over all cases, by the covariance of the "
    "readers' gains over patients (doi:10.1002/sim.5926). The absolute gain is a difference of two shares, the "
    "relative gain that difference over the value of the first way of reading, with an interval by the delta method "
    "on the logarithm of the ratio. The measures are one family, adjusted by Holm "
    "(https://www.jstor.org/stable/4615733); intervals are not."
)


@dataclass(frozen=True, eq=False)
class Values:
    """One measure of every reader before and after help, and what each patient contributes to its error.

    Parameters
    ----------
    measure : str
    theta : float array of shape (2, n_readers)
        Unaided, aided.
    influence : float array of shape (2, n_readers, n_patients)
        Sums of products over patients are covariances of `theta` over patients.
    """

    measure: str
    theta: np.ndarray
    influence: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """Aided - unaided, one a reader."""
        return self.theta[1] - self.theta[0]

    @property
    def change(self) -> np.ndarray:
        """Influence on the gains, shape (n_readers, n_patients)."""
        return self.influence[1] - self.influence[0]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the gains over patients, shape (n_readers, n_readers)."""
        return self.change @ self.change.T


def measures(study: ReaderStudy) -> tuple[str, ...]:
    """Measures that the ratings allow: no AUC of yes-or-no ratings."""
    return MEASURES if study.graded else MEASURES[1:]


def values(study: ReaderStudy, measure: str) -> Values:
    """One measure of every reader, unaided and aided, on all cases the reader read that way.

    Covariances over patients are those of DeLong (doi:10.2307/2531595) for the AUC and of the jackknife for
    proportions; cases of one patient are summed first.

    Parameters
    ----------
    study : ReaderStudy
    measure : str
        `auc`, `sensitivity`, `specificity` or `accuracy`.

    Returns
    -------
    Values

    Raises
    ------
    ValueError
        If the measure is unknown, or is the AUC of yes-or-no ratings, or a reader read too few cases of a class.

    Examples
    --------
    >>> from helpers.stats.reader_study import assemble
    >>> rows = [(r, m, k, k, k % 2, 1 + (k * 3 + (m == "aided")) % 5)
    ...         for r in "AB" for m in ("unaided", "aided") for k in range(20)]
    >>> columns = ["reader", "modality", "case_id", "patient_id", "label", "rating"]
    >>> values(assemble(pd.DataFrame(rows, columns=columns), positive_from=3), "accuracy").theta.tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    if measure not in measures(study):
        raise ValueError(f"measure must be one of {', '.join(measures(study))}, not {measure!r}")
    data = study.cube
    right, patient = right_calls(study)
    readers = len(data.readers)
    theta, influence = np.empty((2, readers)), np.zeros((2, readers, data.n_patients))
    for m in range(2):
        for r in range(readers):
            given = ~np.isnan(data.rating[m, r])
            label, owner = data.label[given], patient[given]
            value = right[m, r, given]
            if measure == "auc":
                _enough(label, data.readers[r])
                theta[m, r], placed = placements(label == 1, data.rating[m, r, given])
                parts = [(label == 1, placed), (label == 0, placed)]
            else:
                which = {"sensitivity": label == 1, "specificity": label == 0}.get(measure, np.ones(label.size, bool))
                if which.sum() < 2:
                    raise ValueError(f"readings: reader {data.readers[r]!r} read fewer than two cases for {measure}")
                theta[m, r] = value[which].mean()
                parts = [(which, value)]
            for chosen, each in parts:
                n = int(chosen.sum())
                share = (each[chosen] - theta[m, r]) / np.sqrt(n * (n - 1))
                influence[m, r] += np.bincount(owner[chosen], share, minlength=data.n_patients)
    return Values(measure, theta, influence)


def each_reader(study: ReaderStudy) -> pd.DataFrame:
    """What each reader gained, measure by measure.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    DataFrame
        `reader, experience, measure, before, after, absolute_gain, low, high, relative_gain, relative_low,
        relative_high`; relative limits are NaN where a value is 0.
    """
    right, patient = right_calls(study)
    data, rows = study.cube, []
    for measure in measures(study):
        made = values(study, measure)
        for r, reader in enumerate(data.readers):
            row = {"reader": reader, "experience": study.experience.get(reader, ""), "measure": measure}
            before, after = made.theta[:, r]
            row |= {"before": float(before), "after": float(after), "absolute_gain": float(after - before)}
            row |= _limits(made, r, right, patient, data.label)
            rows.append(row | relative(made, np.arange(len(data.readers)) == r, readers="fixed"))
    return pd.DataFrame(rows)


def effect(study: ReaderStudy) -> dict[str, ObuchowskiRockette | UStatistics]:
    """Compare aided with unaided reading over random readers and cases.

    By `obuchowski_rockette` when every reader read every case both ways, by `u_statistics` when not.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    dict of str to ObuchowskiRockette or UStatistics
        By `auc` (graded ratings only), `sensitivity` and `specificity`; differences are aided - unaided. A measure
        that the method cannot compare (nothing varies; several cases a patient and missing cells) is left out, and
        `overall` falls back on the covariance of the readers' gains and says so.
    """
    compare = obuchowski_rockette if study.cube.crossed else u_statistics
    options = {"modalities": (study.aided, study.unaided), "threshold": study.cut}
    made = {}
    for name in measures(study)[:-1]:  # neither method knows accuracy
        try:
            made[name] = compare(study.readings, metric=name, **options)
        except ValueError:
            continue
    return made


def overall(study: ReaderStudy, compared: dict[str, ObuchowskiRockette | UStatistics]) -> pd.DataFrame:
    """Mean gain over random readers and cases: absolute first, relative beside it.

    Parameters
    ----------
    study : ReaderStudy
    compared : dict
        From `effect`.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a measure. `f` has 1 and `df` degrees of freedom; `note` says what was set to zero or
        replaced; `p_holm` is adjusted over the measures.
    """
    rows = []
    for measure in measures(study):
        made = values(study, measure)
        if measure in compared:
            answer = compared[measure]
            gap, means = answer.differences.iloc[0], answer.estimates.set_index("modality")["value"]
            row = {"before": means[study.unaided], "after": means[study.aided], "absolute_gain": gap["difference"]}
            row |= {name: gap[name] for name in ("low", "high", "df", "p_value")} | {"f": gap["t"] ** 2}
            named = CROSSED if isinstance(answer, ObuchowskiRockette) else "U-statistics"
            row |= {"method": named, "note": answer.note}
        else:
            found, cut = single_modality(made.gain, made.covariance, level=0.95, lowest=-1.0)
            row = {"before": made.theta[0].mean(), "after": made.theta[1].mean(), "absolute_gain": found["value"]}
            row |= {name: found[name] for name in ("low", "high", "df")}
            row |= {"f": np.nan, "p_value": np.nan, "method": "covariance of gains"}
            if found["se"] > 0:
                t = found["value"] / found["se"]
                row |= {"f": t**2, "p_value": t_p_value(t, found["df"])}
            else:
                row |= {"low": np.nan, "high": np.nan}  # nobody differs: no width would be a false certainty
            row |= {"note": "the covariance between readers was negative and set to 0" if cut else ""}
        everyone = np.ones(made.gain.size, bool)
        ratio = relative(made, everyone, means=(row["before"], row["after"]))
        rows.append({"measure": measure, **row, **ratio})
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p_value"]))[COLUMNS]


def relative(
    made: Values, chosen: np.ndarray, *, means: tuple[float, float] | None = None, readers: str = "random"
) -> dict[str, float]:
    """Ratio of the mean aided to the mean unaided value, less 1, with limits on the scale of its logarithm.

    Parameters
    ----------
    made : Values
    chosen : bool array of shape (n_readers,)
        Readers of the group, at least two for an interval over random readers.
    means : tuple of float or None
        Mean unaided and aided value as reported; those of the chosen readers when absent.
    readers : str
        `random` (readers and cases) or `fixed` (cases only).

    Returns
    -------
    dict
        `relative_gain, relative_low, relative_high`; NaN where it is not defined.
    """
    before, after = made.theta[:, chosen].mean(axis=1) if means is None else means
    row = {"relative_gain": np.nan, "relative_low": np.nan, "relative_high": np.nan}
    if before <= 0:
        return row
    row["relative_gain"] = float(after / before - 1)
    if after <= 0 or (readers == "random" and chosen.sum() < 2):
        return row
    # each reader's part of the logarithm of the ratio of means, and the patients' parts of that
    each = made.theta[1, chosen] / after - made.theta[0, chosen] / before
    change = made.influence[1, chosen] / after - made.influence[0, chosen] / before
    if readers == "random":
        found = single_modality(each, change @ change.T, level=0.95, lowest=-np.inf)[0]
        reach = t_quantile(0.95, found["df"]) * found["se"]
    else:
        reach = t_quantile(0.95, np.inf) * np.sqrt(np.sum(change.mean(axis=0) ** 2))
    if reach > 0:
        row["relative_low"], row["relative_high"] = (float(after / before * np.exp(s * reach) - 1) for s in (-1, 1))
    return row


def spread(made: Values, first: np.ndarray, second: np.ndarray, *, level: float = 0.95) -> dict[str, float]:
    """Difference between the mean gains of two groups of random readers, who read the same kind of cases.

    Gains of readers within a group vary by reader and by case; what the readers' cases share cancels out of the
    difference as far as it is the same within and between groups. The variance is
    S^2 (1/r1 + 1/r2) + max(K, 0), where S^2 is the pooled variance of the gains and K what the covariances over
    patients leave; with equal covariances K is 0 and this is Student's t on the readers' gains. Degrees of
    freedom: Hillis (2007), doi:10.1002/sim.2532.

    Parameters
    ----------
    made : Values
    first, second : bool arrays of shape (n_readers,)
        The two groups, at least two readers in one of them.
    level : float

    Returns
    -------
    dict
        `value` (first - second), `se, df, low, high`; limits are NaN when each group has one reader.
    """
    r1, r2 = int(first.sum()), int(second.sum())
    gap = float(made.gain[first].mean() - made.gain[second].mean())
    freedom = r1 + r2 - 2
    if freedom < 1:
        return {"value": gap, "se": np.nan, "df": np.nan, "low": np.nan, "high": np.nan}
    groups = (first, second)
    squares = sum(np.sum((made.gain[g] - made.gain[g].mean()) ** 2) for g in groups) / freedom
    matrix = made.covariance
    inside = [_mean_off_diagonal(matrix[np.ix_(g, g)]) for g in groups]
    weights = [r1 - 1, r2 - 1]
    within = float(np.dot(inside, weights) / freedom)
    between = float(matrix[np.ix_(first, second)].mean())
    rest = within * (1 / r1 + 1 / r2) + inside[0] * (r1 - 1) / r1 + inside[1] * (r2 - 1) / r2 - 2 * between
    square = squares * (1 / r1 + 1 / r2)
    total = square + max(rest, 0.0)
    return interval(gap, float(np.sqrt(total)), hillis(total, square, freedom), level, lowest=-2.0)


def _mean_off_diagonal(matrix: np.ndarray) -> float:
    n = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (n * (n - 1))) if n > 1 else 0.0


def _limits(made: Values, r: int, right: np.ndarray, patient: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Interval of one reader's gain on the cases read both ways."""
    if made.measure == "auc":
        se = float(np.sqrt(made.covariance[r, r]))
        return {name: interval(made.gain[r], se, np.inf, 0.95, lowest=-1.0)[name] for name in ("low", "high")}
    which = {"sensitivity": label == 1, "specificity": label == 0}.get(made.measure, np.ones(label.size, bool))
    both = which & ~np.isnan(right[:, r]).any(axis=0)
    gain = paired_gain(right[0, r, both], right[1, r, both], patient[both])
    return {name: gain[name] for name in ("low", "high")}


def _enough(label: np.ndarray, reader: str) -> None:
    if min(int((label == 1).sum()), int((label == 0).sum())) < 2:
        raise ValueError(f"readings: reader {reader!r} read fewer than two cases of a class")

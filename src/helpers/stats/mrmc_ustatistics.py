"""Reader studies in which not every reader read every case: U-statistics."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.checks import check_level
from helpers.stats.mrmc_covariance import METRICS
from helpers.stats.readings import ReadingCube, cube
from helpers.stats.student import t_p_value, t_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The eight ways in which two (reader, positive, negative) triples share members, as signed sums of the
# nested sums: rows none-to-all shared, Gallas et al. (2009), table 1. Order of both: reader+positive+negative,
# reader+positive, reader+negative, reader, positive+negative, positive, negative, nothing shared.
DISTINCT = np.array(
    [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [-1, 1, 0, 0, 0, 0, 0, 0],
        [-1, 0, 1, 0, 0, 0, 0, 0],
        [1, -1, -1, 1, 0, 0, 0, 0],
        [-1, 0, 0, 0, 1, 0, 0, 0],
        [1, -1, 0, 0, -1, 1, 0, 0],
        [1, 0, -1, 0, -1, 0, 1, 0],
        [-1, 1, 1, -1, 1, -1, -1, 1],
    ],
    dtype=float,
)
SHARES = {"negative": (0, 2, 4, 6), "positive": (0, 1, 4, 5), "reader": (0, 1, 2, 3)}


@dataclass(frozen=True, eq=False)
class UStatistics:
    """Result of `u_statistics`.

    Parameters
    ----------
    metric : str
    level : float
    estimates : DataFrame
        `modality, value, variance, se, df, low, high, low_normal, high_normal`; the limits use t with
        `df`, those called normal do not.
    differences : DataFrame
        `modality_a, modality_b, difference (a - b), variance, se, df, low, high, low_normal, high_normal, t,
        p_value`.
    readers : DataFrame
        `reader, modality, value, positives, negatives`.
    note : str
        What a reader of the result must be told; empty when there is nothing.
    methods : str
        A sentence for the methods section.
    """

    metric: str
    level: float
    estimates: pd.DataFrame
    differences: pd.DataFrame
    readers: pd.DataFrame
    note: str
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return estimates and differences in one table: `quantity, value, se, df, low, high, p_value`."""
        pair = self.differences["modality_a"].astype(str) + " - " + self.differences["modality_b"].astype(str)
        gaps = self.differences.rename(columns={"difference": "value"}).assign(quantity=pair)
        means = self.estimates.rename(columns={"modality": "quantity"}).assign(p_value=np.nan)
        columns = ["quantity", "value", "se", "df", "low", "high", "p_value"]
        return pd.concat([means[columns], gaps[columns]], ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw every reader's value and the mean of each modality with its interval.

        Parameters
        ----------
        ax : matplotlib Axes or None
            None opens a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from helpers.stats.estimates_plot import by_modality
        from helpers.stats.mrmc import NAMES

        what = f"{NAMES[self.metric][0].upper()}{NAMES[self.metric][1:]} of a reader"
        return by_modality(self.readers, self.estimates, ax=ax, ylabel=what, level=self.level)


def u_statistics(
    readings: pd.DataFrame,
    *,
    metric: str = "auc",
    level: float = 0.95,
    threshold: float | None = None,
    modalities: tuple | list | None = None,
) -> UStatistics:
    """Compare modalities when readers read different cases (split plot, missing readings).

    The estimate pools all (reader, positive case, negative case) triples that were read; its variance over
    readers and cases is the unbiased one of Gallas, Bandos, Samuelson and Wagner (2009),
    doi:10.1080/03610920802610084, with the degrees of freedom of Obuchowski, Gallas and Hillis (2012),
    doi:10.1016/j.acra.2012.09.012. Sensitivity is treated as an AUC against negative cases that all
    get the same rating, as the reference program does; specificity likewise.

    Parameters
    ----------
    readings : DataFrame
        `reader, modality, case_id, label, rating`, one row a reading; patients must not repeat.
    metric : str
        `auc`, `sensitivity` or `specificity`.
    level : float
        Confidence level, in (0, 1).
    threshold : float or None
        For sensitivity and specificity of graded ratings: positive at or above it.
    modalities : sequence or None
        Modalities to compare, in this order; None: all, alphabetical.

    Returns
    -------
    UStatistics

    Raises
    ------
    ValueError
        If the table has a fault, patients repeat, a reader read one class only in a modality, or there are
        fewer than two readers, modalities, positive or negative cases.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, (k * (3 + r) + (4 if m == "aided" else 2) * (k % 2)) % 7)
    ...         for r in range(4) for m in ("aided", "unaided") for k in range(30) if k % 4 // 2 == r % 2]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> round(float(u_statistics(table).differences["difference"].iloc[0]), 4)
    -0.0133
    """
    check_level(level)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
    data = cube(readings, minimum_readers=2, minimum_modalities=2, modalities=modalities)
    if data.clustered:
        raise ValueError(
            "readings: patients have several cases, which these U-statistics do not cover; keep one case a patient, "
            "or use obuchowski_rockette on the cases that all readers read"
        )
    won, read = _triples(data, metric, threshold)
    moments = {pair: _moments(won, read, *pair) for pair in _pairs(len(data.modalities))}
    estimates, differences, negative = [], [], []
    for a, name in enumerate(data.modalities):
        value = float(won[a].sum() / read[a].sum())
        variance = _variance(moments[a, a])
        df = _freedom(variance, moments[a, a], None, None)
        estimates.append({"modality": name, **_row(value, variance, df, level, 0.0)})
        negative += [str(name)] if variance < 0 else []
    for a, b in combinations(range(len(data.modalities)), 2):
        own, other, joint = moments[a, a], moments[b, b], moments[a, b]
        variance = _variance(own) + _variance(other) - 2 * _variance(joint)
        df = _freedom(variance, own, other, joint)
        row = _row(estimates[a]["value"] - estimates[b]["value"], variance, df, level, -1.0)
        statistic = row["value"] / row["se"] if row["se"] > 0 else np.nan
        names = {"modality_a": data.modalities[a], "modality_b": data.modalities[b]}
        gap = names | {"difference": row.pop("value")} | row
        differences.append(gap | {"t": statistic, "p_value": t_p_value(statistic, df)})
        negative += [f"{names['modality_a']} - {names['modality_b']}"] if variance < 0 else []
    note = f"the variance of {', '.join(negative)} is estimated below 0: no interval" if negative else ""
    first = differences[0]
    methods = (
        f"The {metric if metric != 'auc' else 'AUC'} of {len(data.readers)} readers on {len(data.cases)} cases "
        f"({int(data.label.sum())} positive), {100 * (1 - np.isnan(data.rating).mean()):.0f} % of the cells read, was "
        "compared by U-statistics over readers and cases (doi:10.1080/03610920802610084) with the degrees of freedom "
        f"of doi:10.1016/j.acra.2012.09.012: {first['modality_a']} - {first['modality_b']} = "
        f"{first['difference']:.3f} (df = {first['df']:.1f}), p = {first['p_value']:.3g}."
    )
    tables = pd.DataFrame(estimates), pd.DataFrame(differences), _each_reader(data, won, read)
    return UStatistics(metric, level, *tables, note, methods)


def _pairs(n: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(n) for b in range(a, n)]


def _triples(data: ReadingCube, metric: str, threshold: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Score and whether it exists for (modality, reader, positive, negative)."""
    rating = data.rating if metric == "auc" else data.calls(threshold)
    positive = rating[:, :, data.label == 1][:, :, :, None]
    negative = rating[:, :, data.label == 0][:, :, None, :]
    if min(positive.shape[2], negative.shape[3]) < 2:
        raise ValueError("readings: at least two positive and two negative cases are needed")
    read = ~np.isnan(positive) & ~np.isnan(negative)
    if not read.any(axis=(2, 3)).all():
        m, r = np.argwhere(~read.any(axis=(2, 3)))[0]
        raise ValueError(
            f"readings: reader {data.readers[r]!r} read no pair of a positive and a negative case in modality "
            f"{data.modalities[m]!r}"
        )
    if metric == "auc":
        won = np.where(read, (positive > negative) + (positive == negative) / 2, 0.0)
    elif metric == "sensitivity":
        won = np.where(read, positive, 0.0)
    else:
        won = np.where(read, 1 - negative, 0.0)
    return won, read.astype(float)


def _nested(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sums of products of two (reader, positive, negative) arrays over triples sharing at least the named members."""
    over_readers = [array.sum(axis=0) for array in (x, y)]
    return np.array(
        [
            np.sum(x * y),
            np.sum(x.sum(axis=2) * y.sum(axis=2)),
            np.sum(x.sum(axis=1) * y.sum(axis=1)),
            np.sum(x.sum(axis=(1, 2)) * y.sum(axis=(1, 2))),
            np.sum(over_readers[0] * over_readers[1]),
            np.sum(over_readers[0].sum(axis=1) * over_readers[1].sum(axis=1)),
            np.sum(over_readers[0].sum(axis=0) * over_readers[1].sum(axis=0)),
            x.sum() * y.sum(),
        ]
    )


def _moments(won: np.ndarray, read: np.ndarray, a: int, b: int) -> dict[str, np.ndarray]:
    """Unbiased and nested moments of two modalities, and the share of pairs of triples in each."""
    score, design = _nested(won[a], won[b]), _nested(read[a], read[b])
    exact, count = DISTINCT @ score, np.round(DISTINCT @ design)
    unbiased = np.divide(exact, count, out=np.zeros(8), where=count > 0)
    nested = np.divide(score, design, out=np.zeros(8), where=design > 0)
    return {"unbiased": unbiased, "nested": nested, "share": count / design[7]}


def _variance(moment: dict[str, np.ndarray]) -> float:
    if moment["share"][7] == 0:
        raise ValueError("readings: no two readings share neither reader nor case, so nothing can be estimated")
    share = moment["share"].copy()
    share[7] -= 1.0
    return float(share @ moment["unbiased"])


def _freedom(variance: float, own: dict, other: dict | None, joint: dict | None) -> float:
    """Satterthwaite over readers, positives and negatives; never below the least of their own."""
    total, least = 0.0, []
    for member, at in SHARES.items():
        index = {"negative": 6, "positive": 5, "reader": 3}[member]
        # one over the share of pairs with the same member is its effective number
        freedom = [round(1 / m["share"][list(at)].sum() - 1) for m in (own, other) if m is not None]
        square = [m["nested"][index] - m["nested"][7] for m in (own, other) if m is not None]
        least += freedom
        if other is None:
            parts = list(zip(square, freedom))
        elif joint["share"][list(at)].sum() > 0:
            together = sum(square) - 2 * (joint["nested"][index] - joint["nested"][7])
            parts = [(together, min(freedom))]
        else:
            parts = list(zip(square, freedom))
        total += sum((mean / max(df, 1)) ** 2 / max(df, 1) for mean, df in parts)
    return float(np.inf) if total == 0 else float(max(variance**2 / total, min(least), 1))


def _row(value: float, variance: float, df: float, level: float, lowest: float) -> dict[str, float]:
    se = float(np.sqrt(variance)) if variance >= 0 else np.nan
    reach, normal = t_quantile(level, df) * se, t_quantile(level, np.inf) * se
    limits = {"low": value - reach, "high": value + reach, "low_normal": value - normal, "high_normal": value + normal}
    limits = {name: float(np.clip(limit, lowest, 1.0)) for name, limit in limits.items()}
    return {"value": value, "variance": variance, "se": se, "df": df, **limits}


def _each_reader(data: ReadingCube, won: np.ndarray, read: np.ndarray) -> pd.DataFrame:
    value = won.sum(axis=(2, 3)) / read.sum(axis=(2, 3))
    rows = []
    for m, modality in enumerate(data.modalities):
        for r, reader in enumerate(data.readers):
            given = ~np.isnan(data.rating[m, r])
            counts = {"positives": int(given[data.label == 1].sum()), "negatives": int(given[data.label == 0].sum())}
            rows.append({"reader": reader, "modality": modality, "value": float(value[m, r]), **counts})
    return pd.DataFrame(rows)

"""Agreement of readers: kappas of two and of many readers, and intraclass correlations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.agreement_icc import ICC_KINDS, icc_intervals, icc_values
from helpers.stats.checks import check_level
from helpers.stats.kappa import cohen, conger, fleiss, fleiss_by_category, fleiss_null_z, light
from helpers.stats.readings import cube
from helpers.stats.student import t_p_value, t_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WEIGHTS = {"cohen": "none", "linear": "linear", "quadratic": "quadratic"}
KINDS = (*WEIGHTS, "fleiss", "conger", "icc")
SOURCES = {
    "cohen": "Cohen's kappa (doi:10.1177/001316446002000104; overall: mean of pairs, doi:10.1037/h0031643)",
    "linear": "linearly weighted kappa (doi:10.1037/h0026256; overall: mean of pairs, doi:10.1037/h0031643)",
    "quadratic": "quadratically weighted kappa (doi:10.1037/h0026256; overall: mean of pairs, doi:10.1037/h0031643)",
    "fleiss": "Fleiss' kappa (doi:10.1037/h0031619)",
    "conger": "Conger's kappa (doi:10.1037/0033-2909.88.2.322)",
    "icc": "intraclass correlation (doi:10.1037/0033-2909.86.2.420)",
}


@dataclass(frozen=True, eq=False)
class Agreement:
    """Result of `agreement`.

    Parameters
    ----------
    kind : str
    value, low, high, se : float
        Over all readers. For `icc`, ICC2: absolute agreement of single random readers.
    level : float
    pairs : DataFrame
        `reader_a, reader_b, cases, agreement, value, se, low, high`; empty for `fleiss`, `conger` and `icc`.
    details : DataFrame
        `icc`: `type, value, f, df_numerator, df_denominator, p_value, low, high`, one row a type.
        `fleiss`: `category, value`. Otherwise empty.
    n_cases, n_patients, n_readers, n_dropped : int
        Cases used, their patients, readers, and cases left out because not every reader read them.
    z, p_value : float
        Against no agreement beyond chance; `fleiss` only (null variance), otherwise NaN.
    note : str
    methods : str
        A sentence for the methods section.
    """

    kind: str
    value: float
    low: float
    high: float
    se: float
    level: float
    pairs: pd.DataFrame
    details: pd.DataFrame
    n_cases: int
    n_patients: int
    n_readers: int
    n_dropped: int
    z: float
    p_value: float
    note: str
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return `quantity, value, low, high`: all readers first, then pairs or types."""
        rows = [{"quantity": "all readers", "value": self.value, "low": self.low, "high": self.high}]
        for row in self.pairs.to_dict("records"):
            name = f"{row['reader_a']} and {row['reader_b']}"
            rows.append({"quantity": name, **{key: row[key] for key in ("value", "low", "high")}})
        for row in self.details.to_dict("records"):
            name = row["type"] if "type" in row else f"category {row['category']:g}"
            limits = {key: row.get(key, np.nan) for key in ("low", "high")}
            rows.append({"quantity": name, "value": row["value"], **limits})
        return pd.DataFrame(rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw every estimate with its interval.

        Parameters
        ----------
        ax : matplotlib Axes or None
            None opens a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from helpers.stats.palette import REFERENCE, axes

        table = self.frame()
        ax = axes(ax, height=1.2 + 0.3 * len(table))
        value, low, high = (table[column].to_numpy(float) for column in ("value", "low", "high"))
        error = np.nan_to_num(np.clip([value - low, high - value], 0, None))
        ax.errorbar(value, range(len(table)), xerr=error, fmt="o", color="black", ecolor=REFERENCE, capsize=3)
        ax.axvline(0, color=REFERENCE, lw=0.8, ls=":")
        ax.set(yticks=range(len(table)), yticklabels=table["quantity"], xlabel=SOURCES[self.kind].split(" (")[0])
        ax.invert_yaxis()
        return ax


def agreement(
    readings: pd.DataFrame | np.ndarray,
    *,
    kind: str = "cohen",
    modality: object = None,
    categories: Sequence | None = None,
    level: float = 0.95,
) -> Agreement:
    """Measure how far readers agree.

    Intervals: a pair's kappa by the large-sample standard error of Fleiss, Cohen and Everitt (1969),
    doi:10.1037/h0028106; kappas of all readers by the jackknife over patients; ICC by F (Shrout and Fleiss).
    Where patients have several cases, all of them by the jackknife over patients.

    Parameters
    ----------
    readings : DataFrame or array
        A readings table (`reader, modality, case_id, label, rating`), or a matrix of cases by readers.
        Cases that not every reader read are left out and counted; NaN in a matrix means not read.
    kind : str
        `cohen` (no weights), `linear`, `quadratic`, `fleiss`, `conger` or `icc`.
    modality : object
        Which modality, when the table has several.
    categories : sequence of numbers or None
        All possible ratings in order; None: those that occur. Weights depend on it.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If an option is unknown, the table has a fault, several modalities come without a choice, a rating is
        outside `categories`, there are fewer than two readers or cases, or every rating is the same.

    Examples
    --------
    >>> result = agreement(np.array([[1, 1], [2, 2], [3, 2], [1, 2], [3, 3], [1, 1]]), kind="quadratic")
    >>> round(result.value, 4)
    0.7391
    >>> result.pairs[["reader_a", "reader_b", "cases"]].values.tolist()
    [['reader1', 'reader2', 6]]
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    check_level(level)
    matrix, patient = _matrix(readings, modality)
    full = matrix.dropna()
    if full.shape[1] < 2 or len(full) < 2:
        raise ValueError(
            f"readings: {len(full)} cases read by all {full.shape[1]} readers; at least two of both needed"
        )
    if np.unique(full.to_numpy()).size < 2:
        raise ValueError("readings: every rating is the same, so agreement beyond chance is not defined")
    owner = pd.factorize(patient[matrix.notna().all(axis=1).to_numpy()])[0]
    clustered = len(np.unique(patient)) < len(patient)
    levels = _categories(matrix, categories) if kind != "icc" else None
    pairs, details, z, p_value = pd.DataFrame(), pd.DataFrame(), np.nan, np.nan
    values = full.to_numpy(float)
    if kind == "icc":
        details = icc_intervals(values, level=level)
        if clustered:
            details = _icc_by_patient(details, values, owner, level)
        chosen = details.set_index("type").loc["ICC2"]
        value, se, low, high = chosen["value"], np.nan, chosen["low"], chosen["high"]
    else:
        coded = np.searchsorted(levels, values)
        statistic: Callable = {"fleiss": fleiss, "conger": conger}.get(kind)
        if statistic is None:
            pairs = _pairs(matrix, patient, levels, WEIGHTS[kind], level, clustered)

            def statistic(codes: np.ndarray, n: int) -> float:
                return light(codes, n, weights=WEIGHTS[kind])

        value = statistic(coded, levels.size)
        if len(pairs) == 1 and not clustered:
            se, low, high = pairs.loc[0, ["se", "low", "high"]]
        else:
            se, low, high = _jackknife(lambda codes: statistic(codes, levels.size), coded, owner, value, level)
        if kind == "fleiss":
            details = pd.DataFrame({"category": levels, "value": fleiss_by_category(coded, levels.size)})
            z = fleiss_null_z(coded, levels.size)
            p_value = t_p_value(z, np.inf)
    dropped, alike = len(matrix) - len(full), bool((full == full.iloc[0]).all().any())
    notes = ["a reader gave every case the same rating, so there is no interval"] if alike and np.isnan(low) else []
    notes += [f"{dropped} of {len(matrix)} cases were not read by all readers and left out"] if dropped else []
    if clustered:
        notes.append("patients have several cases: intervals are by patient")
    how = "the jackknife over patients" if clustered or (len(pairs) != 1 and kind != "icc") else "large-sample theory"
    how = "F distributions" if kind == "icc" and not clustered else how
    methods = (
        f"Agreement of {full.shape[1]} readers on {len(full)} cases was measured by {SOURCES[kind]}: {value:.3f} "
        + (f"({100 * level:g} % CI {low:.3f} to {high:.3f}, by {how})." if low == low else "(no interval).")
    )
    numbers = [float(number) for number in (value, low, high, se)]
    counts = len(full), int(owner.max()) + 1, full.shape[1], dropped
    return Agreement(kind, *numbers, level, pairs, details, *counts, z, p_value, "; ".join(notes), methods)


def _matrix(readings: pd.DataFrame | np.ndarray, modality: object) -> tuple[pd.DataFrame, np.ndarray]:
    """Ratings of (cases, readers), and the patient of each case."""
    if isinstance(readings, pd.DataFrame) and {"reader", "rating"} <= set(readings.columns):
        if "modality" in readings:
            there = sorted(readings["modality"].unique().tolist(), key=str)
            if modality is None and len(there) > 1:
                raise ValueError(f"modality must name one of {there}: the readings have several")
            if modality is not None and modality not in there:
                raise ValueError(f"modality must be one of {there}, not {modality!r}")
            readings = readings if modality is None else readings[readings["modality"] == modality]
        data = cube(readings, minimum_readers=2)
        return pd.DataFrame(data.rating[0].T, index=list(data.cases), columns=list(data.readers)), data.patient
    if modality is not None:
        raise ValueError("modality has a meaning only for a readings table")
    try:
        array = np.asarray(readings, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("readings: a matrix must hold numbers, one row a case and one column a reader") from None
    if array.ndim != 2:
        raise ValueError(f"readings: a matrix must have two dimensions (cases, readers), not shape {array.shape}")
    if np.isinf(array).any():
        raise ValueError("readings: a rating is infinite")
    named = isinstance(readings, pd.DataFrame)
    names = list(readings.columns) if named else [f"reader{k + 1}" for k in range(array.shape[1])]
    return pd.DataFrame(array, columns=names), np.arange(len(array))


def _categories(matrix: pd.DataFrame, categories: Sequence | None) -> np.ndarray:
    values = matrix.to_numpy(float)
    seen = np.unique(values[~np.isnan(values)])
    if categories is None:
        return seen
    levels = np.asarray(categories, dtype=float)
    if levels.ndim != 1 or levels.size < 2 or (np.diff(levels) <= 0).any():
        raise ValueError("categories must be at least two numbers in rising order")
    outside = seen[~np.isin(seen, levels)]
    if outside.size:
        raise ValueError(f"categories do not hold the rating {outside[0]:g}")
    return levels


def _pairs(
    matrix: pd.DataFrame, patient: np.ndarray, levels: np.ndarray, weights: str, level: float, clustered: bool
) -> pd.DataFrame:
    rows = []
    for a, b in combinations(range(matrix.shape[1]), 2):
        both = matrix.iloc[:, [a, b]].notna().all(axis=1).to_numpy()
        coded = np.searchsorted(levels, matrix.iloc[:, [a, b]].to_numpy()[both])
        value, se = cohen(coded, levels.size, weights=weights) if len(coded) else (np.nan, np.nan)
        if (
            len(coded) and (coded == coded[0]).all(axis=0).any()
        ):  # one of the two never varies: kappa is 0 whatever else
            se = np.nan
        low, high = value - t_quantile(level, np.inf) * se, value + t_quantile(level, np.inf) * se
        if clustered:
            owner = pd.factorize(patient[both])[0]
            statistic = lambda codes: cohen(codes, levels.size, weights=weights)[0]  # noqa: E731
            se, low, high = _jackknife(statistic, coded, owner, value, level)
        equal = float(np.mean(coded[:, 0] == coded[:, 1])) if len(coded) else np.nan
        names = {"reader_a": matrix.columns[a], "reader_b": matrix.columns[b], "cases": len(coded)}
        rows.append(names | {"agreement": equal, "value": value, "se": se, "low": low, "high": high})
    return pd.DataFrame(rows)


def _jackknife(
    statistic: Callable, coded: np.ndarray, owner: np.ndarray, value: float, level: float
) -> tuple[float, float, float]:
    """Standard error and t limits, leaving out one patient at a time."""
    n = int(owner.max()) + 1
    left = np.array([statistic(coded[owner != patient]) for patient in range(n)])
    se = float(np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2)))
    reach = t_quantile(level, n - 1) * se
    return se, value - reach, min(value + reach, 1.0)


def _icc_by_patient(details: pd.DataFrame, values: np.ndarray, owner: np.ndarray, level: float) -> pd.DataFrame:
    """Replace the F limits, which take cases as independent, by the jackknife over patients."""
    rows = []
    for position, kind in enumerate(ICC_KINDS):
        value = details.loc[position, "value"]
        _, low, high = _jackknife(lambda part, at=position: icc_values(part)[at], values, owner, value, level)
        rows.append({"type": kind, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)

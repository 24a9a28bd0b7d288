"""Outlines of many cases in a few numbers: quartiles with intervals by patient, differences, agreement of areas."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.stats.intervals import clustered_proportion, normal_quantile
from helpers.stats.resampling import bootstrap_counts, percentile_limits
from helpers.stats.segmentation import MEASURES
from helpers.stats.segmentation_failures import MISSED

STATISTICS = ("median", "lower_quartile", "upper_quartile", "mean")
TITLES = {"dice": "Dice", "iou": "IoU", "hd95_mm": "HD95 (mm)"}
DIGITS = {"dice": 3, "iou": 3, "hd95_mm": 1}  # after the point, as printed
HEADS = {"median": "Median", "lower_quartile": "Lower quartile", "upper_quartile": "Upper quartile", "mean": "Mean"}
SIZES = (
    "Thirds of the judged nodes by their long axis; median by bootstrap of patients "
    "(doi:10.1111/j.1467-9868.2007.00593.x), shares by Wilson on the effective sample size (doi:10.1093/jssam/smv024)."
)
AREAS = (
    "Ratio of the outlined to the drawn area with 95 % limits of agreement on the log scale, since differences grow "
    "with the node (Bland and Altman 1999, doi:10.1177/096228029900800204); intervals of mean and limits by bootstrap "
    "of "
    "patients. Nodes without an outline have no ratio and are counted."
)


def bootstrap_text(resamples: int) -> str:
    """How intervals are made, in a sentence."""
    return (
        f"95 % percentile intervals from {resamples} bootstrap samples of patients, all nodes of a patient together "
        "(doi:10.1111/j.1467-9868.2007.00593.x)."
    )


def summary(cases: pd.DataFrame, *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """Quartiles and mean of every measure and network, with intervals by patient.

    Parameters
    ----------
    cases : DataFrame
        From `segmentation.measure`, of one or several networks, with `patient_id`.
    resamples : int
    seed : int

    Returns
    -------
    DataFrame
        `network, measure, n, patients, lowest, highest`, and for each of `STATISTICS` value, `_low` and `_high`.

    Examples
    --------
    >>> cases = pd.DataFrame({"network": "a", "patient_id": list("abcd"), "dice": [0.0, 0.8, 0.9, 1.0], "iou": 0.5,
    ...                       "hd95_mm": 1.0})
    >>> float(summary(cases, resamples=50)["median"].iloc[0].round(3))
    0.85
    """
    rows = []
    for network, part in cases.groupby("network", sort=False):
        draws = _draws(part, resamples, seed)
        for measure in MEASURES:
            values = part[measure].to_numpy(float)
            again = np.array([_statistics(np.repeat(values, counts)) for counts in draws])
            low, high = percentile_limits(again)
            row = {"network": network, "measure": measure, "n": len(part), "patients": part["patient_id"].nunique()}
            row |= {"lowest": values.min(), "highest": values.max()}
            for name, value, down, up in zip(STATISTICS, _statistics(values), low, high):
                row |= {name: value, f"{name}_low": down, f"{name}_high": up}
            rows.append(row)
    return pd.DataFrame(rows)


def differences(cases: pd.DataFrame, *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """Paired differences of the mean of every measure, each pair of networks on the same cases.

    Parameters
    ----------
    cases, resamples, seed
        As in `summary`.

    Returns
    -------
    DataFrame
        `a, b, measure, n`, `difference` (mean of a minus b), `difference_low`, `difference_high`, `better` (share of
        cases in which a is closer to the drawing); without rows for one network.
    """
    networks = list(dict.fromkeys(cases["network"]))
    rows = []
    for place, a in enumerate(networks):
        for b in networks[place + 1 :]:
            first, second = (cases[cases["network"] == name].set_index("case_id") for name in (a, b))
            second = second.loc[first.index]
            draws = _draws(first, resamples, seed)
            for measure in MEASURES:
                gap = first[measure].to_numpy(float) - second[measure].to_numpy(float)
                low, high = percentile_limits([(gap * counts).sum() / counts.sum() for counts in draws])
                closer = gap < 0 if measure == "hd95_mm" else gap > 0
                rows.append((a, b, measure, len(gap), gap.mean(), float(low), float(high), closer.mean()))
    names = ["a", "b", "measure", "n", "difference", "difference_low", "difference_high", "better"]
    return pd.DataFrame(rows, columns=names)


def area_agreement(cases: pd.DataFrame, *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """Bland-Altman agreement of areas as ratios, for every network.

    Parameters
    ----------
    cases, resamples, seed
        As in `summary`.

    Returns
    -------
    DataFrame
        `network, n, empty`, and `ratio`, `lower_limit`, `upper_limit`, each with `_low` and `_high`; the geometric mean
        of outlined over drawn area, and the limits between which 95 % of such ratios are expected.
    """
    rows = []
    for network, part in cases.groupby("network", sort=False):
        there = part[(part["area_mm2"] > 0) & (part["area_reference_mm2"] > 0)]
        row = {"network": network, "n": len(there), "empty": len(part) - len(there)}
        if len(there) < 2:
            rows.append(row)
            continue
        logs = np.log(there["area_mm2"] / there["area_reference_mm2"]).to_numpy()
        again = [_limits(np.repeat(logs, counts)) for counts in _draws(there, resamples, seed)]
        low, high = percentile_limits(np.exp(again))
        for name, value, down, up in zip(("ratio", "lower_limit", "upper_limit"), np.exp(_limits(logs)), low, high):
            row |= {name: value, f"{name}_low": down, f"{name}_high": up}
        rows.append(row)
    return pd.DataFrame(rows)


def by_size(
    cases: pd.DataFrame, *, resamples: int, seed: int = 0, column: str = "long_axis", groups: int = 3
) -> pd.DataFrame:
    """Dice by size of the node: groups of equal number, cut at quantiles of the cases themselves.

    Parameters
    ----------
    cases, resamples, seed
        As in `summary`.
    column : str
        Size of a node, millimetres.
    groups : int

    Returns
    -------
    DataFrame
        `network, size, n`, `median` (bootstrap of patients) and `missed` (share with a Dice below 0.1, Wilson by
        patient), each with `_low` and `_high`.

    Examples
    --------
    >>> cases = pd.DataFrame({"network": "a", "patient_id": list("abcdef"), "dice": [0, 0.5, 0.8, 0.8, 0.9, 0.9],
    ...                       "long_axis": [4.0, 5, 9, 11, 14, 20]})
    >>> by_size(cases, resamples=50)["size"].tolist()
    ['up to 7.7 mm', 'above 7.7 to 12.0 mm', 'above 12.0 mm']
    """
    first = cases[cases["network"] == cases["network"].iloc[0]]
    inner = np.unique(np.quantile(first[column], np.linspace(0, 1, groups + 1)[1:-1]))
    names = [f"up to {inner[0]:.1f} mm", *(f"above {a:.1f} to {b:.1f} mm" for a, b in pairwise(inner))]
    names.append(f"above {inner[-1]:.1f} mm")
    place = np.searchsorted(inner, cases[column])
    rows = []
    for network in dict.fromkeys(cases["network"]):
        for number, name in enumerate(names):
            part = cases[(cases["network"] == network) & (place == number)]
            if part.empty:
                continue
            values = part["dice"].to_numpy(float)
            again = [np.median(np.repeat(values, counts)) for counts in _draws(part, resamples, seed)]
            median = (np.median(values), *map(float, percentile_limits(again)))
            missed = clustered_proportion(values < MISSED, part["patient_id"])
            rows.append((network, name, len(part), *median, missed.value, missed.low, missed.high))
    limits = [f"{name}{end}" for name in ("median", "missed") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["network", "size", "n", *limits])


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The printed summary: one row a network and measure, estimates with their intervals as text."""
    rows = []
    for row in table.to_dict("records"):
        made = {"Network": row["network"], "Measure": TITLES[row["measure"]]}
        digits = DIGITS[row["measure"]]
        for name, head in HEADS.items():
            made[head] = _text(row[name], row[f"{name}_low"], row[f"{name}_high"], digits)
        rows.append(made | {"Range": f"{row['lowest']:.{digits}f} to {row['highest']:.{digits}f}"})
    return pd.DataFrame(rows)


def sentence(table: pd.DataFrame, names: Mapping[str, str] | None = None) -> str:
    """The Dice coefficients of every network in a sentence."""
    said = []
    for row in table[table["measure"] == "dice"].to_dict("records"):
        name = (names or {}).get(row["network"], row["network"])
        said.append(
            f"{name}: median {row['median']:.2f} (95 % CI {row['median_low']:.2f} to {row['median_high']:.2f}), lower "
            f"quartile {row['lower_quartile']:.2f}, from {row['lowest']:.2f} to {row['highest']:.2f}"
        )
    return f"Dice of {'; '.join(said)}."


def _text(value: float, low: float, high: float, digits: int) -> str:
    return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _statistics(values: np.ndarray) -> list[float]:
    median, lower, upper = np.quantile(values, [0.5, 0.25, 0.75])
    return [median, lower, upper, values.mean()]


def _limits(logs: np.ndarray) -> np.ndarray:
    middle, spread = logs.mean(), normal_quantile(0.95) * logs.std(ddof=1)
    return np.array([middle, middle - spread, middle + spread])


def _draws(part: pd.DataFrame, resamples: int, seed: int) -> list[np.ndarray]:
    unlabelled = np.zeros(len(part), dtype=int)
    patients = part["patient_id"].to_numpy(object)
    drawn = bootstrap_counts(unlabelled, patient_id=patients, resamples=resamples, seed=seed, stratified=False)
    return list(drawn)

"""What readers changed when they were helped: calls changed for the better and for the worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from helpers.stats.checks import check_level
from helpers.stats.mrmc import obuchowski_rockette
from helpers.stats.readings import ReadingCube, cube
from helpers.stats.student import t_p_value, t_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHOD = "the Obuchowski-Rockette method (doi:10.1080/03610919508813243)"
MEASURES = {1: "sensitivity", 0: "specificity"}


@dataclass(frozen=True, eq=False)
class ChangeOfMind:
    """Result of `change_of_mind`.

    Parameters
    ----------
    table : DataFrame
        One row a reader and measure: `reader, experience, measure, cases, right_before, right_after, better,
        worse, before, after, absolute_gain, low, high, relative_gain, p_value`. `better` counts wrong calls set
        right, `worse` right calls given up.
    overall : DataFrame
        `measure, readers, before, after, better, worse, absolute_gain, low, high, relative_gain, relative_low,
        relative_high, p_value, method`: mean over readers, random readers and cases when there are several.
    by_experience : DataFrame
        `experience, measure, readers, before, after, better, worse, absolute_gain, low, high, relative_gain`:
        these readers, over patients; empty without experience.
    transitions : DataFrame
        `label, before, after, readings`: how often each rating became which.
    unaided, aided : str
        Names of the two modalities.
    level : float
    n_dropped : int
        Readings without a partner in the other modality, left out.
    note : str
    methods : str
        A sentence for the methods section.
    """

    table: pd.DataFrame
    overall: pd.DataFrame
    by_experience: pd.DataFrame
    transitions: pd.DataFrame
    unaided: str
    aided: str
    level: float
    n_dropped: int
    note: str
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return one row a reader and measure."""
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw calls changed for the better to the right and for the worse to the left, by reader.

        Parameters
        ----------
        ax : matplotlib Axes or None
            None opens a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from helpers.stats.palette import COLORS, axes

        readers = list(dict.fromkeys(self.table["reader"]))
        ax = axes(ax, height=1.2 + 0.5 * len(readers))
        for shift, (measure, color) in enumerate(zip(MEASURES.values(), COLORS)):
            rows = self.table[self.table["measure"] == measure].set_index("reader").loc[readers]
            at = np.arange(len(readers)) + 0.4 * shift - 0.2
            cases = "positive" if measure == "sensitivity" else "negative"
            ax.barh(at, rows["better"], height=0.36, color=color, label=f"{cases} cases, for the better")
            ax.barh(
                at, -rows["worse"], height=0.36, color=color, alpha=0.45, hatch="//", label=f"{cases}, for the worse"
            )
        ax.axvline(0, color="black", lw=0.8)
        ax.set(yticks=range(len(readers)), yticklabels=readers, xlabel=f"Calls changed, {self.unaided} to {self.aided}")
        ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")  # counts, whichever side
        ax.invert_yaxis()
        ax.legend(fontsize="small", frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        return ax


def change_of_mind(
    readings: pd.DataFrame,
    *,
    unaided: str = "unaided",
    aided: str = "aided",
    threshold: float | None = None,
    level: float = 0.95,
) -> ChangeOfMind:
    """Count the calls that readers changed, for the better and for the worse.

    Absolute gain is a difference of proportions (0.60 to 0.75 is 0.15), relative gain that difference over the
    proportion before (0.25). A reader's test is McNemar's exact test (doi:10.1007/BF02295996), or where
    patients have several cases that of Durkalski et al. (2003), doi:10.1002/sim.1438. A reader's interval is
    Newcombe's square-and-add for paired proportions (method 10,
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C), with several cases a patient the
    jackknife over patients. Over readers: `obuchowski_rockette`.

    Parameters
    ----------
    readings : DataFrame
        `reader, modality, case_id, label, rating`, optionally `experience` and `patient_id`.
    unaided, aided : str
        The two modalities, before and after.
    threshold : float or None
        For graded ratings: positive at or above it.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ChangeOfMind

    Raises
    ------
    ValueError
        If the table has a fault, a modality is absent, graded ratings come without a threshold, or a reader
        has no case read twice of one class.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, int((k * (r + 2)) % (5 + r) < (3 if m == "aided" and k % 2 else 2)))
    ...         for r in range(3) for m in ("unaided", "aided") for k in range(40)]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> change_of_mind(table).frame().loc[0, ["before", "after", "absolute_gain", "relative_gain"]].round(3).tolist()
    [0.4, 0.6, 0.2, 0.5]
    """
    check_level(level)
    data = cube(readings, modalities=(unaided, aided))
    right = np.where(data.label == 1, data.calls(threshold), 1 - data.calls(threshold))  # (2, readers, cases)
    paired = ~np.isnan(right).any(axis=0)
    dropped = int((~np.isnan(right)).sum() - 2 * paired.sum())
    rows, change = [], {}
    for r, reader in enumerate(data.readers):
        for label, measure in MEASURES.items():
            chosen = paired[r] & (data.label == label)
            if not chosen.any():
                kind = "positive" if label else "negative"
                raise ValueError(f"readings: reader {reader!r} read no {kind} case in both modalities")
            before, after = right[0, r, chosen], right[1, r, chosen]
            owner = data.patient[chosen]
            names = {"reader": reader, "experience": data.experience.get(reader), "measure": measure}
            rows.append(names | paired_gain(before, after, owner, level=level))
    table = pd.DataFrame(rows)
    overall = pd.DataFrame([_overall(data, right, paired, label, threshold, level) for label in MEASURES])
    by_experience = _groups(data, right, paired, level)
    if not (data.experience and table["experience"].notna().any()):
        table["experience"] = None
    change = _transitions(data, paired)
    notes = [f"{dropped} readings have no partner in the other modality and were left out"] if dropped else []
    for row in overall.to_dict("records"):
        if "fixed" in row["method"]:
            notes.append(f"{row['measure']} over readers: {row['method']}; this does not generalise to other readers")
    if data.clustered:
        notes.append("patients have several cases: tests and intervals are by patient")
    gain = {row["measure"]: row for row in overall.to_dict("records")}
    parts = [
        f"{measure} from {100 * row['before']:.1f} % to {100 * row['after']:.1f} % (absolute gain "
        f"{100 * row['absolute_gain']:.1f} points, {100 * level:g} % CI {100 * row['low']:.1f} to "
        f"{100 * row['high']:.1f}; relative gain {100 * row['relative_gain']:.1f} %)"
        for measure, row in gain.items()
    ]
    test = "Durkalski's test (doi:10.1002/sim.1438)" if data.clustered else "McNemar's test (doi:10.1007/BF02295996)"
    methods = (
        f"From {unaided} to {aided}, {len(data.readers)} readers changed {int(table['better'].sum())} calls for the "
        f"better and {int(table['worse'].sum())} for the worse, each reader tested by {test}; mean "
        f"{' and '.join(parts)}, by {' and '.join(dict.fromkeys(overall['method']))}."
    )
    tables = table, overall, by_experience, change
    return ChangeOfMind(*tables, str(unaided), str(aided), level, dropped, "; ".join(notes), methods)


def paired_gain(before: np.ndarray, after: np.ndarray, owner: np.ndarray, *, level: float = 0.95) -> dict:
    """Count and test what one reader's right calls gained; intervals and test as in `change_of_mind`.

    Parameters
    ----------
    before, after : float array of shape (n_cases,)
        1 where the call was right, 0 where it was wrong.
    owner : array of shape (n_cases,)
        Patient of each case.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    dict
        `cases, right_before, right_after, better, worse, before, after, absolute_gain, low, high, relative_gain,
        p_value`.

    Examples
    --------
    >>> gain = paired_gain(np.array([0, 0, 1, 1.0]), np.array([1, 1, 1, 0.0]), np.arange(4))
    >>> gain["better"], gain["worse"], gain["absolute_gain"], gain["p_value"]
    (2, 1, 0.25, 1.0)
    """
    better, worse = int(np.sum(after > before)), int(np.sum(after < before))
    n, gain = before.size, after.mean() - before.mean()
    if np.unique(owner).size < n:
        net = np.bincount(owner, after - before)
        spread = np.sqrt(np.sum(net**2))
        p_value = 1.0 if spread == 0 else t_p_value(net.sum() / spread, np.inf)
        _, low, high = _jackknife_gain((after - before)[None], owner, level)
    else:
        changed = better + worse
        p_value = min(1.0, 2 * float(special.bdtr(min(better, worse), changed, 0.5))) if changed else 1.0
        low, high = _newcombe(before, after, level)
    counts = {"cases": n, "right_before": int(before.sum()), "right_after": int(after.sum())}
    counts |= {"better": better, "worse": worse, "before": float(before.mean()), "after": float(after.mean())}
    return counts | _gains(gain, before.mean(), low, high) | {"p_value": p_value}


def _gains(gain: float, before: float, low: float, high: float) -> dict[str, float]:
    relative = float(gain / before) if before > 0 else np.nan
    return {"absolute_gain": float(gain), "low": float(low), "high": float(high), "relative_gain": relative}


def _newcombe(before: np.ndarray, after: np.ndarray, level: float) -> tuple[float, float]:
    """Square-and-add limits for a difference of paired proportions, with his correction of phi."""
    n, z = before.size, t_quantile(level, np.inf)
    a, d = np.sum((after == 1) & (before == 1)), np.sum((after == 0) & (before == 0))
    b, c = np.sum((after == 1) & (before == 0)), np.sum((after == 0) & (before == 1))
    margins = float(a + b) * (c + d) * (a + c) * (b + d)
    product = float(a * d - b * c)
    product = max(product - n / 2, 0.0) if product > 0 else product
    phi = product / np.sqrt(margins) if margins > 0 else 0.0

    def wilson(x: float) -> tuple[float, float]:
        centre, half = x + z**2 / 2, z * np.sqrt(z**2 / 4 + x * (1 - x / n))
        return (centre - half) / (n + z**2), (centre + half) / (n + z**2)

    p2, p1 = (a + b) / n, (a + c) / n
    (low2, high2), (low1, high1) = wilson(a + b), wilson(a + c)
    down = (p2 - low2) ** 2 - 2 * phi * (p2 - low2) * (high1 - p1) + (high1 - p1) ** 2
    up = (p1 - low1) ** 2 - 2 * phi * (p1 - low1) * (high2 - p2) + (high2 - p2) ** 2
    return p2 - p1 - np.sqrt(max(down, 0.0)), p2 - p1 + np.sqrt(max(up, 0.0))


def _jackknife_gain(change: np.ndarray, owner: np.ndarray, level: float) -> tuple[float, float, float]:
    """Mean over readers of the mean change, with limits that leave out one patient at a time.

    `change` is (readers, cases) with NaN where a reader has no pair.
    """
    given = ~np.isnan(change)
    total, count = np.nansum(change, axis=1), given.sum(axis=1)
    left = []
    for patient in np.unique(owner):
        own = owner == patient
        rest = count - given[:, own].sum(axis=1)
        if (rest == 0).any():
            return float(np.mean(total / count)), np.nan, np.nan  # one patient holds all cases of a reader
        left.append(np.mean((total - np.nansum(change[:, own], axis=1)) / rest))
    n, left = len(left), np.array(left)
    gain = float(np.mean(total / count))
    if n < 2:
        return gain, np.nan, np.nan
    se = np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2))
    if se < 1e-12:
        return gain, np.nan, np.nan  # nothing varies: no width would be a false certainty
    reach = t_quantile(level, n - 1) * se
    return gain, max(gain - reach, -1.0), min(gain + reach, 1.0)


def _chosen(right: np.ndarray, paired: np.ndarray, cases: np.ndarray, readers: np.ndarray) -> np.ndarray:
    """Right calls of (2, readers, cases), NaN where a reader has no pair."""
    part = np.where(paired, right, np.nan)
    return part[:, readers][:, :, cases]


def _summary(part: np.ndarray) -> dict:
    before, after = np.nanmean(part, axis=2).mean(axis=1)
    change = part[1] - part[0]
    counts = {"better": int(np.nansum(change > 0)), "worse": int(np.nansum(change < 0))}
    return {"readers": part.shape[1], "before": float(before), "after": float(after), **counts}


def _overall(
    data: ReadingCube, right: np.ndarray, paired: np.ndarray, label: int, threshold: float | None, level: float
) -> dict:
    cases = data.label == label
    part = _chosen(right, paired, cases, np.ones(len(data.readers), dtype=bool))
    row = {"measure": MEASURES[label], **_summary(part)}
    blank = {"relative_low": np.nan, "relative_high": np.nan, "p_value": np.nan}
    reason = "one reader" if len(data.readers) == 1 else "" if data.crossed else "cells are missing"
    if not reason:
        try:
            options = {"metric": MEASURES[label], "level": level, "modalities": ("after", "before")}
            answer = obuchowski_rockette(_long(data, threshold), **options)
        except ValueError as error:  # the table is sound by now, so it has too little variation
            reason = str(error).removeprefix("readings: ")
    if reason:
        gain, low, high = _jackknife_gain(part[1] - part[0], data.patient[cases], level)
        method = f"the jackknife over patients, readers fixed ({reason})"
        return row | _gains(gain, row["before"], low, high) | blank | {"method": method}
    gap, (after, before) = answer.differences.iloc[0], answer.estimates.to_dict("records")
    row |= _gains(gap["difference"], row["before"], gap["low"], gap["high"])
    row |= {**blank, "p_value": float(gap["p_value"]), "method": METHOD}
    if before["value"] > 0 and after["value"] > 0:
        # delta method for log(after / before); the covariance of the two means follows from their difference
        both = (after["se"] ** 2 + before["se"] ** 2 - gap["se"] ** 2) / 2
        relative = (after["se"] / after["value"]) ** 2 + (before["se"] / before["value"]) ** 2
        relative -= 2 * both / (after["value"] * before["value"])
        reach = t_quantile(level, gap["df"]) * np.sqrt(max(relative, 0.0))
        ratio = after["value"] / before["value"]
        row |= {"relative_low": ratio * np.exp(-reach) - 1, "relative_high": ratio * np.exp(reach) - 1}
    return row


def _long(data: ReadingCube, threshold: float | None) -> pd.DataFrame:
    """Calls as a readings table with the modalities `before` and `after`."""
    calls = data.calls(threshold)
    m, r, c = np.indices(calls.shape).reshape(3, -1)
    columns = {"reader": r, "modality": np.where(m == 0, "before", "after"), "case_id": c}
    return pd.DataFrame(columns | {"patient_id": data.patient[c], "label": data.label[c], "rating": calls.ravel()})


def _groups(data: ReadingCube, right: np.ndarray, paired: np.ndarray, level: float) -> pd.DataFrame:
    known = np.array([data.experience.get(reader) for reader in data.readers], dtype=object)
    rows = []
    for group in sorted({name for name in known if not pd.isna(name)}, key=str):
        for label, measure in MEASURES.items():
            cases = data.label == label
            part = _chosen(right, paired, cases, known == group)
            gain, low, high = _jackknife_gain(part[1] - part[0], data.patient[cases], level)
            row = {"experience": group, "measure": measure, **_summary(part)}
            rows.append(row | _gains(gain, row["before"], low, high))
    return pd.DataFrame(rows)


def _transitions(data: ReadingCube, paired: np.ndarray) -> pd.DataFrame:
    reader, case = np.nonzero(paired)
    columns = {"label": data.label[case], "before": data.rating[0, reader, case], "after": data.rating[1, reader, case]}
    return pd.DataFrame(columns).value_counts(sort=False).rename("readings").reset_index()

"""Outlines that failed: what they took for the target, and which cases to look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.stats.intervals import clustered_proportion
from helpers.stats.resampling import patient_codes

MISSED, POOR = 0.1, 0.5  # Dice below which the target was missed, and below which the outline is poor
SMALL = 0.1  # share of the smallest targets that count as small
KINDS = (
    "fits",
    "small target",
    "too little",
    "too much",
    "nothing outlined",
    "wrong target: vessel",
    "wrong target: other node",
    "wrong target: muscle",
    "wrong target: other tissue",
)
RULE = (
    f"Fits: Dice of at least {POOR}. Missed (Dice below {MISSED}): wrong target, named after the structure that holds "
    f"most "
    "of the outline, or nothing outlined. Between: small target (area in the lowest tenth of all cases), else too "
    "little "
    "(less than half of the target inside) or too much."
)
CHOICE = (
    "Cases by rule: the best, the upper quartile, the median and the lower quartile by Dice, then the two worst whose "
    "outline is not empty; ties by case number."
)


def kinds(
    cases: pd.DataFrame, outline: np.ndarray, structures: np.ndarray | None, *, names: Mapping[int, str] | None = None
) -> pd.Series:
    """Say of every case whether the outline fits, or how it fails.

    Parameters
    ----------
    cases : DataFrame
        From `segmentation.measure`, of one network.
    outline : bool array of shape (n, height, width)
        In the order of `cases`.
    structures : uint8 array of shape (n, height, width) or None
        What each pixel belongs to, where that is known; 1 is the target.
    names : mapping of int to str
        Names of the structures; what is not named is other tissue.

    Returns
    -------
    Series of str
        One of `KINDS`; the index of `cases`.
    """
    small = cases["area_reference_mm2"] <= cases["area_reference_mm2"].quantile(SMALL)
    found = []
    for place, (row, tiny) in enumerate(zip(cases.itertuples(), small)):
        if row.dice >= POOR:
            found.append("fits")
        elif row.pixels == 0:
            found.append("nothing outlined")
        elif row.dice < MISSED:
            found.append(f"wrong target: {_held(outline[place], structures, place, names or {})}")
        else:
            found.append("small target" if tiny else "too little" if row.recall < 0.5 else "too much")
    return pd.Series(found, index=cases.index, name="kind")


def _held(outline: np.ndarray, structures: np.ndarray | None, place: int, names: Mapping[int, str]) -> str:
    if structures is None:
        return "other tissue"
    counts = np.bincount(structures[place][outline], minlength=256)
    counts[1] = 0  # the little of the target that was hit
    named = {names[value]: counts[value] for value in names if value > 1}
    best = max(named, key=named.get, default=None)
    # most of what is not the target, or it is only brushed by
    return best if best is not None and named[best] > counts.sum() / 2 else "other tissue"


def table(cases: pd.DataFrame) -> pd.DataFrame:
    """How often each kind occurs, by network.

    Parameters
    ----------
    cases : DataFrame
        With `network`, `kind`, `dice`, `long_axis` where known, and `patient_id`.

    Returns
    -------
    DataFrame
        `network, kind, n, share, share_low, share_high, dice` (median), `long_axis` (median, mm; NaN where unknown);
        kinds that never occur are left out.
    """
    rows = []
    for network, part in cases.groupby("network", sort=False):
        codes, _ = patient_codes(part["patient_id"], len(part))
        for kind in KINDS:
            own = (part["kind"] == kind).to_numpy()
            if not own.any():
                continue
            made = clustered_proportion(own, codes, among=np.ones(len(part), bool))
            size = part.loc[own, "long_axis"].median() if "long_axis" in part else np.nan
            rows.append(
                (network, kind, int(own.sum()), made.value, made.low, made.high, part.loc[own, "dice"].median(), size)
            )
    names = ["network", "kind", "n", "share", "share_low", "share_high", "dice", "long_axis"]
    return pd.DataFrame(rows, columns=names)


def choose(cases: pd.DataFrame) -> pd.DataFrame:
    """Cases to look at, by `CHOICE`.

    Parameters
    ----------
    cases : DataFrame
        Of one network: `case_id, dice, pixels`.

    Returns
    -------
    DataFrame
        Rows of `cases` with `chosen` (why), each case once.
    """
    ordered = cases.sort_values(["dice", "case_id"], ascending=[False, True], kind="stable").reset_index(drop=True)
    last = len(ordered) - 1
    places = [(0, "best"), (round(0.25 * last), "upper quartile"), (round(0.5 * last), "median")]
    places.append((round(0.75 * last), "lower quartile"))
    drawn = ordered.index[ordered["pixels"] > 0].tolist()
    places += [(place, name) for place, name in zip(drawn[-2:], ("second worst", "worst"))]
    seen: dict[int, str] = {}
    for place, name in places:
        seen.setdefault(place, name)
    return ordered.loc[list(seen)].assign(chosen=list(seen.values())).reset_index(drop=True)


def sentence(found: pd.DataFrame, network: str) -> str:
    """What went wrong most often, in a sentence."""
    own = found[(found["network"] == network) & (found["kind"] != "fits")].sort_values("n", ascending=False)
    fits = found[(found["network"] == network) & (found["kind"] == "fits")]
    total = int(found.loc[found["network"] == network, "n"].sum())
    good = int(fits["n"].sum())
    if own.empty:
        return f"All {total} outlines of {network} fit."
    parts = ", ".join(f"{row.kind} {row.n}" for row in own.itertuples())
    return f"{good} of {total} outlines of {network} fit; the others: {parts}."

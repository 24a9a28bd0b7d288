"""How much of a heat map lies in the node that was drawn, and in the outline that the same network made.

For the chapter `segmentation`; `heat_energy` measures the maps of networks that only classify.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.stats.heat_energy import CONTROL, GAIN, TRAINED
from helpers.stats.models import printed
from helpers.stats.resampling import bootstrap_mean

TARGET, OWN = "target drawn by hand", "its own outline"
OVER_AREA = "trained less area"
METHODS = (
    "Grad-CAM (doi:10.1109/ICCV.2017.74) of the classifying head for the positive class, mean over the networks of the "
    "folds; share of the map inside a mask beside the share of its area, which a map without any preference would "
    "have, and beside the map of the same networks with weights drawn anew (doi:10.48550/arXiv.1810.03292), which "
    "shows what needs no learning; 95 % intervals by bootstrap of patients. A map shows where a network is sensitive, "
    "not why."
)


def table(
    heat: Mapping[str, np.ndarray],
    control: Mapping[str, np.ndarray],
    masks: np.ndarray,
    outlines: Mapping[str, np.ndarray],
    cases: pd.DataFrame,
    *,
    resamples: int,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean share of the heat inside the drawn target, and inside the network's own outline.

    Parameters
    ----------
    heat, control : mapping of network to uint8 array of shape (n, small, small)
        Of the trained networks, and of the same with weights drawn anew.
    masks : bool array of shape (n, side, side)
        Drawn by hand; `side` a multiple of `small`.
    outlines : mapping of network to bool array of shape (n, side, side)
        Of networks that outline.
    cases : DataFrame
        With `patient_id`.
    resamples : int
    seed : int

    Returns
    -------
    DataFrame
        `network, inside, map, n, cases, share, share_low, share_high, area`: `n` of `cases` have heat and mask. `map`
        is `trained`, `trained less area`, `random weights` or `trained less random`; differences are those of the same
        cases and have no area.
    """
    patients = cases["patient_id"].to_numpy(object)
    rows = []
    for network, maps in heat.items():
        zones = {TARGET: masks} | ({OWN: outlines[network]} if network in outlines else {})
        for name, zone in zones.items():
            small = shares_of_cells(zone, maps.shape[-1])
            area = np.where(zone.any(axis=(1, 2)), small.mean(axis=(1, 2)), np.nan)
            own, drawn = (_inside(each, small) + 0 * area for each in (maps, control[network]))
            kinds = {TRAINED: own, OVER_AREA: own - area, CONTROL: drawn, GAIN: own - drawn}
            for kind, value in kinds.items():
                known = np.isfinite(value)
                again = {"patient_id": patients[known], "resamples": resamples, "seed": seed}
                limits = map(float, bootstrap_mean(value[known], **again)) if known.any() else [np.nan] * 3
                covered = area[known].mean() if kind in (TRAINED, CONTROL) and known.any() else np.nan
                rows.append((network, name, kind, int(known.sum()), len(value), *limits, covered))
    names = ["network", "inside", "map", "n", "cases", "share", "share_low", "share_high", "area"]
    return pd.DataFrame(rows, columns=names)


def _inside(maps: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Share of each map's heat inside its zone; NaN for a map without heat."""
    total = maps.sum(axis=(1, 2), dtype=float)
    return np.divide((maps * small).sum(axis=(1, 2)), total, out=np.full(len(maps), np.nan), where=total > 0)


def shown(found: pd.DataFrame | None) -> pd.DataFrame | None:
    """`table` with the share as text with its interval; None of None."""
    return None if found is None else printed(found, {"share": "Share of the heat"})


def sentence(found: pd.DataFrame | None) -> str:
    """Whether the heat of each network prefers the drawn target, in a sentence that its intervals bear.

    Parameters
    ----------
    found : DataFrame or None
        From `table`.
    """
    if found is None:
        return ""
    said = []
    for network, part in found[found["inside"] == TARGET].groupby("network", sort=False):
        rows = part.set_index("map")
        own = rows.loc[TRAINED]
        if np.isnan(own["share"]):
            said.append(f"{network}: no map has any heat")
            continue
        area = _verdict(rows.loc[OVER_AREA], "more than that area", "less than that area", "neither more nor less")
        drawn = _verdict(rows.loc[GAIN], "more than", "less than", "not told apart from")
        said.append(
            f"{network}: {own['share']:.1%} (95 % CI {own['share_low']:.1%} to {own['share_high']:.1%}) of the heat "
            f"lies in the drawn target, which fills {own['area']:.1%} of the frame: {area}; and {drawn} with "
            f"random weights ({rows.loc[CONTROL, 'share']:.1%})"
        )
    return f"{'. '.join(said)}."


def _verdict(row: pd.Series, above: str, below: str, open_: str) -> str:
    return above if row["share_low"] > 0 else below if row["share_high"] < 0 else open_


def shares_of_cells(masks: np.ndarray, small: int) -> np.ndarray:
    """Share of each cell of a coarse grid that a mask covers.

    Examples
    --------
    >>> shares_of_cells(np.array([[[1, 0], [1, 1]]]), 1).tolist()
    [[[0.75]]]
    """
    side = masks.shape[-1]
    if side % small:
        raise ValueError(f"masks of side {side} have no whole number of pixels a cell of {small}")
    step = side // small
    return masks.reshape(len(masks), small, step, small, step).mean(axis=(2, 4))

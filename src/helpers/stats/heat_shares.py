"""How much of a heat map lies in the node that was drawn, and in the outline that the same network made.

For the chapter `segmentation`; `heat_energy` measures the maps of networks that only classify.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.stats.resampling import bootstrap_mean

METHODS = (
    "Grad-CAM (doi:10.1109/ICCV.2017.74) of the classifying head for the positive class, mean over the networks of the "
    "folds; share of the map inside a mask beside the share of its area, which a map without any preference would "
    "have; "
    "95 % intervals by bootstrap of patients. A map shows where a network is sensitive, not why."
)


def table(
    heat: Mapping[str, np.ndarray],
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
    heat : mapping of network to uint8 array of shape (n, small, small)
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
        `network, inside, n, share, share_low, share_high, area`; cases without heat or mask are left out.
    """
    patients = cases["patient_id"].to_numpy(object)
    rows = []
    for network, maps in heat.items():
        zones = {"target drawn by hand": masks}
        if network in outlines:
            zones["its own outline"] = outlines[network]
        for name, zone in zones.items():
            small = shares_of_cells(zone, maps.shape[-1])
            total = maps.sum(axis=(1, 2), dtype=float)
            known = (total > 0) & zone.any(axis=(1, 2))
            share = (maps * small).sum(axis=(1, 2))[known] / total[known]
            limits = bootstrap_mean(share, patient_id=patients[known], resamples=resamples, seed=seed)
            area = small[known].mean(axis=(1, 2)).mean()
            rows.append((network, name, int(known.sum()), *map(float, limits), area))
    return pd.DataFrame(rows, columns=["network", "inside", "n", "share", "share_low", "share_high", "area"])


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

"""Heat maps as numbers: how much lies inside the lesion, and how alike two maps are. No torch."""

from __future__ import annotations

import numpy as np
import pandas as pd


def energy(cam: np.ndarray, mask: np.ndarray, *, margin_pixels: float) -> pd.DataFrame:
    """Shares of a heat map inside the lesion, in the margin around it and outside.

    The energy-based pointing game of Wang et al. (2020), doi:10.1109/CVPRW50498.2020.00020, with a margin, since
    signs such as extension through the capsule lie at the border.

    Parameters
    ----------
    cam : array of shape (n, height, width) or (n, time, height, width)
        At least 0 everywhere.
    mask : array of the same shape
        True (or above 0) in the lesion, or in another structure such as calcifications.
    margin_pixels : float
        Width of the margin, in pixels, above 0; within a frame, never from one frame to the next.

    Returns
    -------
    DataFrame
        One row a case. `inside, margin, outside` add up to 1: in the mask, within `margin_pixels` outside it, and
        the rest. `boundary`: within `margin_pixels` of the border on either side. `pointing_game`: the largest
        value lies in the mask. `area_inside, area_margin, area_outside, area_boundary`: the shares that a map
        equal everywhere would have. NaN for a map that is 0 everywhere, or an empty mask.

    Raises
    ------
    ValueError
        If shapes differ, a map is negative or not finite, or the margin is not positive.

    Examples
    --------
    >>> mask = np.zeros((1, 5, 5)); mask[0, 2, 2] = 1
    >>> row = energy(np.ones((1, 5, 5)), mask, margin_pixels=1).iloc[0]
    >>> float(row["inside"]), float(row["margin"]), float(row["outside"])
    (0.04, 0.16, 0.8)
    """
    from scipy.ndimage import distance_transform_edt

    cam, mask = np.asarray(cam, dtype=float), np.asarray(mask) > 0
    if cam.ndim not in (3, 4) or cam.shape != mask.shape:
        raise ValueError(f"cam {cam.shape} and mask {mask.shape} must both be (n, [time,] height, width)")
    if not margin_pixels > 0:
        raise ValueError(f"margin_pixels must be above 0, not {margin_pixels!r}")
    if not np.isfinite(cam).all() or (cam < 0).any():
        raise ValueError("cam must be finite and at least 0")
    rows = []
    for heat, lesion in zip(cam, mask):
        frames = lesion.reshape(-1, *lesion.shape[-2:])
        away = [distance_transform_edt(~one) if one.any() else np.full(one.shape, np.inf) for one in frames]
        near = (np.stack(away) <= margin_pixels).reshape(lesion.shape)
        deep = np.stack([distance_transform_edt(one) > margin_pixels for one in frames]).reshape(lesion.shape)
        zones = {
            "inside": lesion,
            "margin": near & ~lesion,
            "outside": ~near & ~lesion,
            "boundary": (near & ~lesion) | (lesion & ~deep),
        }
        known = heat.sum() > 0 and lesion.any()
        row = {name: heat[zone].sum() / heat.sum() if known else np.nan for name, zone in zones.items()}
        row["pointing_game"] = float(lesion.flat[heat.argmax()]) if known else np.nan
        row |= {f"area_{name}": zone.mean() if lesion.any() else np.nan for name, zone in zones.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def similarity(first: np.ndarray, second: np.ndarray) -> pd.DataFrame:
    """How alike two maps of the same cases are: a map that survives randomised weights explains nothing.

    Parameters
    ----------
    first, second : arrays of shape (n, height, width) or (n, time, height, width)
        In [0, 1], sides of at least 11 pixels; of clips the frames are compared one by one and averaged.

    Returns
    -------
    DataFrame
        `rank_correlation` (Spearman over pixels) and `ssim` (Wang et al. 2004, doi:10.1109/TIP.2003.819861; Gaussian
        window of SD 1.5 pixels, mean over the map), each in [-1, 1]; NaN where a map is equal everywhere.

    Examples
    --------
    >>> maps = np.random.default_rng(0).random((1, 16, 16))
    >>> similarity(maps, maps).round(6).iloc[0].tolist()
    [1.0, 1.0]
    """
    from scipy.stats import rankdata

    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.ndim not in (3, 4) or first.shape != second.shape or min(first.shape[-2:]) < 11:
        raise ValueError(f"first {first.shape} and second {second.shape} must be (n, height, width) of 11 or more")
    if first.ndim == 4:
        each = [similarity(a, b).mean() for a, b in zip(first, second)]
        return pd.DataFrame(each).reset_index(drop=True)
    rows = []
    for a, b in zip(first, second):
        ranks = [rankdata(one.ravel()) for one in (a, b)]
        flat = any(np.ptp(one) == 0 for one in ranks)
        rank = np.nan if flat else float(np.corrcoef(*ranks)[0, 1])
        rows.append({"rank_correlation": rank, "ssim": np.nan if flat else _ssim(a, b)})
    return pd.DataFrame(rows)


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.ndimage import gaussian_filter

    def smooth(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, sigma=1.5, truncate=3.5, mode="reflect")

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    both = smooth(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2  # for values in [0, 1]
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    shape = (2 * both + c2) / (var_a + var_b + c2)
    return float((light * shape).mean())

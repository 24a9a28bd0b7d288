"""Time-intensity curves of a contrast clip, lesion against its surroundings.

Clips hold display values: log-compressed, with the gain of the day. A difference of display values is a
ratio of echo power, so heights are relative and compare within a clip; only times are in seconds.
With `linear=True` the compression is undone by the display's dynamic range, which keeps heights relative.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.data.media.files import info, iterate

UNIT = "display units (log-compressed), relative"
UNIT_LINEAR = "share of full-scale echo power, relative"


def time_intensity(
    path: str | Path,
    mask_or_roi: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    seconds_per_frame: float | None = None,
    every_seconds: float | None = None,
    linear: bool = False,
    dynamic_range_db: float | None = None,
) -> pd.DataFrame:
    """Mean intensity of the lesion and of a reference in each frame; one frame is in memory at a time.

    Parameters
    ----------
    path : path
        A clip.
    mask_or_roi : bool array of shape (height, width), or (x0, y0, x1, y1)
        The lesion.
    reference : bool array of shape (height, width), or None
        Reference tissue; None takes the ring around the lesion, see `ring`.
    seconds_per_frame : float or None
        Time between stored frames; None takes the file's.
    every_seconds : float or None
        Time between frames that are measured; None measures all.
    linear : bool
        Undo the log compression before averaging.
    dynamic_range_db : float
        Decibels between grey 0 and grey 255; needed with `linear`.

    Returns
    -------
    DataFrame
        `frame` (0-based), `time_s`, `lesion`, `reference`; `.attrs["unit"]` is the unit of the last two.

    Raises
    ------
    StudyError
        If the clip cannot be read.
    ValueError
        If a region is empty or of another size, or the time between frames is not known.

    Examples
    --------
    >>> from pydicom import examples
    >>> curve = time_intensity(examples.get_path("ybr_color"), (120, 80, 160, 110), every_seconds=0.5)
    >>> curve["frame"].tolist(), curve.attrs["unit"]
    ([0, 15], 'display units (log-compressed), relative')
    """
    about = info(path)
    shape = (about.height, about.width)
    seconds = seconds_per_frame or about.seconds_per_frame
    if seconds is None or not seconds > 0:
        raise ValueError("seconds_per_frame: the file does not say it, give it")
    if linear and not (dynamic_range_db and dynamic_range_db > 0):
        raise ValueError("dynamic_range_db: needed to undo the log compression")
    lesion = _region(mask_or_roi, shape, "mask_or_roi")
    around = ring(lesion) if reference is None else _region(reference, shape, "reference")
    if not around.any():
        raise ValueError("reference: the lesion leaves no room for a ring, give a region")
    step = 1 if every_seconds is None else max(1, round(every_seconds / seconds))
    frames = None if step == 1 else range(0, about.frames, step)
    grey = np.arange(256.0)
    values = 10 ** ((grey / 255 - 1) * dynamic_range_db / 10) if linear else grey
    rows = []
    for number, frame in enumerate(iterate(path, frames=frames)):
        rows.append((number * step, values[frame[lesion]].mean(), values[frame[around]].mean()))
    out = pd.DataFrame(rows, columns=["frame", "lesion", "reference"])
    out.insert(1, "time_s", out["frame"] * seconds)
    out.attrs["unit"] = UNIT_LINEAR if linear else UNIT
    return out


def _region(region: ArrayLike, shape: tuple[int, int], name: str) -> np.ndarray:
    region = np.asarray(region)
    if region.shape == (4,):
        x0, y0, x1, y1 = np.rint(region.astype(float)).astype(int)
        if not (0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]):
            raise ValueError(f"{name}: the box is empty or leaves the frame of {shape[1]} x {shape[0]} pixels")
        mask = np.zeros(shape, bool)
        mask[y0:y1, x0:x1] = True
        return mask
    if region.shape != shape or region.dtype != np.bool_:
        raise ValueError(f"{name}: bool of shape {shape}, or a box x0 y0 x1 y1")
    if not region.any():
        raise ValueError(f"{name}: empty")
    return region


def ring(mask: np.ndarray, *, gap: float = 0.1, width: float = 0.5) -> np.ndarray:
    """Tissue around a lesion: a ring that starts `gap` and ends `gap + width` radii outside its border.

    Parameters
    ----------
    mask : bool array of shape (height, width)
        The lesion. Its radius is that of a disc with the same area.
    gap, width : float
        In radii; the gap leaves out the blurred border. Each is at least one pixel.

    Returns
    -------
    bool array of shape (height, width)

    Examples
    --------
    >>> lesion = np.zeros((40, 40), bool); lesion[15:25, 15:25] = True
    >>> bool((ring(lesion) & lesion).any())
    False
    """
    from scipy.ndimage import distance_transform_edt

    radius = math.sqrt(mask.sum() / math.pi)
    near = max(1.0, gap * radius)
    away = distance_transform_edt(~mask)
    return (away > near) & (away <= near + max(1.0, width * radius))


def curve_summary(frame: pd.DataFrame, *, smooth_seconds: float = 1.0, arrival_share: float = 0.1) -> pd.DataFrame:
    """Describe the curves of `time_intensity`.

    The curve is smoothed by a moving average first. Its baseline is the lowest value before the peak;
    contrast arrives when the curve last crosses the baseline plus `arrival_share` of the rise on its way
    to the peak.

    Parameters
    ----------
    frame : DataFrame
        `time_s`, ascending, `lesion`, `reference`.
    smooth_seconds : float
        Window of the moving average, seconds; 0 for none.
    arrival_share : float
        Share of the rise that counts as arrival, in (0, 1).

    Returns
    -------
    DataFrame
        One row a `region` (lesion, reference): `arrival_s` (time in the clip), `time_to_peak_s` (from
        arrival), `baseline`, `peak`, `rise` (peak minus baseline), `half_wash_out_s` (from the peak until
        half of the rise is lost; NaN when the clip ends before), `area` (above baseline, from arrival to
        the end, unit times seconds), `unit`. A curve that never rises has NaN times and area 0.

    Raises
    ------
    ValueError
        If a column is missing, there are fewer than three rows, or times do not ascend.

    Examples
    --------
    >>> time = np.arange(0, 11.0)
    >>> curve = pd.DataFrame({"time_s": time, "lesion": np.interp(time, [2, 4, 8], [10, 50, 10])})
    >>> curve_summary(curve.assign(reference=20.0), smooth_seconds=0).round(1)[
    ...     ["region", "arrival_s", "time_to_peak_s", "rise", "half_wash_out_s"]].values.tolist()
    [['lesion', 2.2, 1.8, 40.0, 2.0], ['reference', nan, nan, 0.0, nan]]
    """
    missing = {"time_s", "lesion", "reference"} - set(frame.columns)
    if missing:
        raise ValueError(f"frame: without {', '.join(sorted(missing))}")
    time = frame["time_s"].to_numpy(float)
    if len(time) < 3 or not (np.diff(time) > 0).all():
        raise ValueError("frame: at least three rows with ascending time_s")
    if not 0 < arrival_share < 1 or smooth_seconds < 0:
        raise ValueError("arrival_share: in (0, 1); smooth_seconds: at least 0")
    half = int(smooth_seconds / np.median(np.diff(time)) / 2 + 1e-9)
    rows = []
    for region in ("lesion", "reference"):
        values = _smooth(frame[region].to_numpy(float), half)
        rows.append({"region": region, **_describe(time, values, arrival_share)})
    return pd.DataFrame(rows).assign(unit=frame.attrs.get("unit", UNIT))


def _smooth(values: np.ndarray, half: int) -> np.ndarray:
    """Mean of each value and `half` neighbours on either side, fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    number = np.arange(len(values))
    low, high = np.maximum(number - half, 0), np.minimum(number + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def _describe(time: np.ndarray, values: np.ndarray, share: float) -> dict[str, float]:
    top = int(values.argmax())
    peak, baseline = float(values[top]), float(values[: top + 1].min())
    rise = peak - baseline
    out = {
        "arrival_s": math.nan,
        "time_to_peak_s": math.nan,
        "baseline": baseline,
        "peak": peak,
        "rise": rise,
        "half_wash_out_s": math.nan,
        "area": 0.0,
    }
    if rise <= 1e-9 * max(1.0, abs(peak)):
        return out
    level = baseline + share * rise
    below = int(np.flatnonzero(values[:top] < level)[-1])  # the lowest value before the peak is below
    arrival = _crossing(time, values, below, level)
    out["arrival_s"], out["time_to_peak_s"] = arrival, float(time[top]) - arrival
    lost = np.flatnonzero(values[top:] <= peak - rise / 2)
    if len(lost):
        out["half_wash_out_s"] = _crossing(time, values, top + int(lost[0]) - 1, peak - rise / 2) - float(time[top])
    later = time > arrival
    # from the moment of arrival, which lies between two frames
    area_time = np.concatenate([[arrival], time[later]])
    area_value = np.concatenate([[level], values[later]]) - baseline
    out["area"] = float(np.trapezoid(np.maximum(area_value, 0), area_time))
    return out


def _crossing(time: np.ndarray, values: np.ndarray, before: int, level: float) -> float:
    """Time at which the line between a sample and the next one meets a level."""
    share = (level - values[before]) / (values[before + 1] - values[before])
    return float(time[before] + share * (time[before + 1] - time[before]))

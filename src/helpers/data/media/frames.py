"""Which frames of a clip a network sees: key frames of a contrast clip, or the frames nearest to labelled ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

MAX_CANDIDATES = 15
"""Paper A keeps at most 15 frames a clip before it takes five; 15 at two seconds span 28 s."""


def key_frames(
    frames: int, seconds_per_frame: float, key_frame: int, *, every_seconds: float = 2.0, count: int = 5
) -> np.ndarray:
    """Choose the frames that become the channels of a contrast clip.

    Candidates lie `every_seconds` apart, counted from the frame with the largest section in both
    directions. Of these, `count` are taken at equal steps, the largest section in their middle, following
    the preprocessing of paper A (one frame per two seconds, at most 15, five at equal intervals: the largest
    section and two on either side). The paper does not say how far apart; here the step is the widest whole
    number of candidates that fits `count` frames into 15 candidates, or into the clip when it has fewer.

    Near an end of the clip the five are shifted inward by whole steps, so that steps stay equal and the
    largest section stays one of the five; where that is not possible the step becomes shorter. In a clip with
    fewer than `count` candidates the step is one candidate and the nearest candidate is repeated at the
    ends.

    Parameters
    ----------
    frames : int
        Frames in the clip.
    seconds_per_frame : float
        Time between stored frames, seconds.
    key_frame : int
        0-based frame with the largest section.
    every_seconds : float
        Time between candidates, seconds; never less than one frame.
    count : int
        Frames to choose.

    Returns
    -------
    int array of shape (count,)
        0-based frames, ascending.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> key_frames(900, 1 / 30, 450).tolist()  # 30 s at 30 frames a second: steps of 3 candidates, 6 s
    [90, 270, 450, 630, 810]
    >>> key_frames(900, 1 / 30, 0).tolist()  # shifted inward
    [0, 180, 360, 540, 720]
    >>> key_frames(90, 1 / 30, 60).tolist()  # 3 s hold two candidates
    [0, 0, 60, 60, 60]
    """
    if frames < 1 or count < 1:
        raise ValueError("frames, count: at least 1")
    if not 0 <= key_frame < frames:
        raise ValueError(f"key_frame: {key_frame} is not one of the frames 0 to {frames - 1}")
    for name, value in (("seconds_per_frame", seconds_per_frame), ("every_seconds", every_seconds)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: {value} is not a positive time")
    stride = max(1.0, every_seconds / seconds_per_frame)
    # a tolerance, since 2 s at 1/30 s is 60.00000000000001 frames
    before = int(key_frame / stride + 1e-9)
    after = int((frames - 1 - key_frame) / stride + 1e-9)
    chosen = _positions(before, after, count)
    indices = key_frame + np.floor(chosen * stride + 0.5 + 1e-9).astype(int)
    return np.clip(indices, 0, frames - 1)


def _positions(before: int, after: int, count: int) -> np.ndarray:
    """Candidates relative to the largest section, 0, when `before` and `after` candidates surround it."""
    middle = count // 2
    candidates = before + after + 1
    if count == 1 or candidates < count:
        return np.clip(np.arange(count) - middle, -before, after)
    widest = (min(candidates, MAX_CANDIDATES) - 1) // (count - 1)
    for step in range(max(widest, 1), 0, -1):
        # so many chosen frames lie before the largest section; the number nearest to the middle is best
        for left in sorted(range(count), key=lambda left: abs(left - middle)):
            if left * step <= before and (count - 1 - left) * step <= after:
                return (np.arange(count) - left) * step
    raise AssertionError("a step of one candidate always fits")


def nearest_frames(labelled: ArrayLike, n_frames: int, count: int) -> np.ndarray:
    """Choose the frames nearest to the labelled ones, the time axis of a three-dimensional network.

    The distance of a frame is that to the closest labelled frame; of two frames at one distance the earlier
    is taken first. Paper D takes 32 frames this way and does not say what becomes of ties or of shorter
    clips: here a clip with fewer than `count` frames is read whole and its last frame is repeated at the end,
    so that time still runs forward.

    Parameters
    ----------
    labelled : int array of shape (n_labelled,)
        0-based labelled frames, in any order.
    n_frames : int
        Frames in the clip.
    count : int
        Frames to choose.

    Returns
    -------
    int array of shape (count,)
        0-based frames, ascending; they repeat only at the end of a clip shorter than `count`.

    Raises
    ------
    ValueError
        If no frame is labelled, one is not in the clip, or a number is below 1.

    Examples
    --------
    >>> nearest_frames([10, 40], 100, 8).tolist()  # 8, 12, 38, 42 are as near: the earlier two
    [8, 9, 10, 11, 12, 39, 40, 41]
    >>> nearest_frames([1], 3, 5).tolist()  # a clip of three frames
    [0, 1, 2, 2, 2]
    """
    known = np.atleast_1d(np.asarray(labelled))
    if n_frames < 1 or count < 1:
        raise ValueError("n_frames, count: at least 1")
    if known.ndim != 1 or known.size == 0 or not np.issubdtype(known.dtype, np.integer):
        raise ValueError("labelled: at least one frame, as whole numbers")
    if known.min() < 0 or known.max() >= n_frames:
        outside = known[(known < 0) | (known >= n_frames)][0]
        raise ValueError(f"labelled: {outside} is not one of the frames 0 to {n_frames - 1}")
    if n_frames <= count:
        return np.minimum(np.arange(count), n_frames - 1)
    # the nearest lie within `count` of a labelled frame; what a table says of the clip's length takes no memory
    around = np.unique(np.unique(known)[:, None] + np.arange(-count, count + 1))
    frames = around[(around >= 0) & (around < n_frames)]
    distance = np.abs(frames[:, None] - np.unique(known)).min(axis=1)
    return np.sort(frames[np.argsort(distance, kind="stable")[:count]])

"""Copied frames: the same or nearly the same picture in two splits, which makes a test worthless."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.media.cache import Arrays
from helpers.data.media.crops import Square, cut
from helpers.data.media.tables import FILE

MAX_BITS = 20
"""Bits of 128 in which the hashes of two nearly identical pictures may differ."""

MIN_CORRELATION = 0.99
"""Correlation of two pictures at 64 x 64 pixels from which they count as copies."""

_COLUMNS = [
    "case_a", "split_a", "channel_a", "case_b", "split_b", "channel_b", "bits", "correlation", "match",
]  # fmt: skip


def copied_frames(arrays: Arrays, split: Mapping[object, str] | pd.Series) -> pd.DataFrame:
    """Find pictures that occur in two splits.

    Pictures with similar difference hashes (brighter than the neighbour to the right, and below; 64 bits
    each, at 8 x 8) are compared at 64 x 64 pixels; brightness, contrast and recompression do not hide a
    copy. Pictures without texture (flat or black frames before contrast arrives) are not compared. Two
    cases made from one file are found by its SHA-256, however differently they are cropped. A copy cropped
    from another file around another box, mirrored or turned is not found.

    Parameters
    ----------
    arrays : Arrays
        Of `helpers.data.media.arrays`.
    split : Series or mapping
        Split of each case, by `case_id`.

    Returns
    -------
    DataFrame
        One row a pair: `case_a, split_a, channel_a, case_b, split_b, channel_b`, `bits` (differing bits of
        128), `correlation`, `match` (`same file`, `identical` or `nearly identical`); empty when there is
        none.

    Raises
    ------
    ValueError
        If a case has no split.
    """
    cases = arrays.index["case_id"].tolist()
    known = dict(split.items())
    absent = [case for case in cases if case not in known]
    if absent:
        raise ValueError(f"split: none for case {absent[0]!r}")
    splits = np.array([str(known[case]) for case in cases])
    rows = _same_file(arrays, cases, splits)
    compared = _compared(arrays.images.shape)
    channels = len(compared)
    owner = np.repeat(np.arange(len(cases)), channels)
    hashes, small = _describe(arrays)
    lively = small.std(axis=1) >= 2.0
    for first, second, bits in _close_pairs(hashes, splits[owner], lively):
        correlation = float(np.corrcoef(small[first], small[second])[0, 1])
        if correlation < MIN_CORRELATION:
            continue
        a, b = int(owner[first]), int(owner[second])
        here, there = first % channels, second % channels
        here, there = compared[here], compared[there]
        same = np.array_equal(_pictures(arrays.images, a)[here], _pictures(arrays.images, b)[there])
        match = "identical" if same else "nearly identical"
        rows.append((cases[a], splits[a], here, cases[b], splits[b], there, bits, correlation, match))
    return pd.DataFrame(rows, columns=_COLUMNS)


def check_copies(arrays: Arrays, split: Mapping[object, str] | pd.Series) -> None:
    """Stop when a picture occurs in two splits.

    Parameters
    ----------
    arrays, split
        As `copied_frames`.

    Raises
    ------
    StudyError
        Naming both cases of the first pair, with the number of pairs.
    """
    found = copied_frames(arrays, split)
    if found.empty:
        return
    one = found.iloc[0]
    pairs = len(found[["case_a", "case_b"]].drop_duplicates())
    rows = arrays.index.set_index(arrays.index["case_id"].map(str))["row"]
    what = {"same file": "are made from the same file", "identical": "show the same picture"}.get(
        one["match"], "show nearly the same picture"
    )
    raise StudyError(
        f"cases {one['case_a']!r} ({one['split_a']}) and {one['case_b']!r} ({one['split_b']}, row "
        f"{rows[str(one['case_b'])]}) {what}; {pairs} such pair{'s' if pairs > 1 else ''} across splits",
        file=FILE,
        row=int(rows[str(one["case_a"])]),
        column="path",
        fix="put both cases into one split, or remove the copy",
    )


def _same_file(arrays: Arrays, cases: list, splits: np.ndarray) -> list[tuple]:
    rows = []
    for _, members in arrays.index.groupby("sha256", sort=False).indices.items():
        for position, a in enumerate(members):
            for b in members[position + 1 :]:
                if splits[a] != splits[b]:
                    rows.append((cases[a], splits[a], -1, cases[b], splits[b], -1, 0, 1.0, "same file"))
    return rows


def _pictures(images: np.ndarray, case: int) -> np.ndarray:
    """All pictures of a case, channels or frames, as (n, size, size)."""
    return np.asarray(images[case]).reshape(-1, *images.shape[-2:])


def _compared(shape: tuple[int, ...]) -> list[int]:
    """Which pictures of a case are compared: all channels, or three frames of a time axis."""
    if len(shape) == 4:
        return list(range(shape[1]))
    return sorted({0, shape[2] // 2, shape[2] - 1})


def _describe(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Hashes, uint64 (pictures, 2), and small pictures, float32 (pictures, 4096)."""
    cases, size = len(arrays.images), arrays.images.shape[-1]
    compared = _compared(arrays.images.shape)
    channels = len(compared)
    hashes = np.empty((cases * channels, 2), np.uint64)
    small = np.empty((cases * channels, 64 * 64), np.float32)
    whole = Square(0.0, 0.0, float(size))
    for case in range(cases):
        pictures = cut(_pictures(arrays.images, case)[compared], whole, size=64)
        place = slice(case * channels, (case + 1) * channels)
        small[place] = pictures.reshape(channels, -1)
        tiny = pictures.reshape(channels, 8, 8, 8, 8).astype(np.float32).mean(axis=(2, 4))
        # the last column (row) is compared with the first, so that both hashes have 64 bits
        for part, axis in enumerate((2, 1)):
            brighter = tiny > np.roll(tiny, -1, axis=axis)
            hashes[place, part] = np.packbits(brighter.reshape(channels, 64), axis=1).view(np.uint64)[:, 0]
    return hashes, small


def _close_pairs(hashes: np.ndarray, splits: np.ndarray, lively: np.ndarray):
    """Pairs of pictures of different splits with few differing bits, in blocks that fit into memory."""
    _, code = np.unique(splits, return_inverse=True)
    places = np.flatnonzero(lively)
    hashes, code = hashes[places], code[places]
    block = max(1, 4_000_000 // max(len(places), 1))
    for start in range(0, len(places), block):
        part = slice(start, start + block)
        differing = sum(np.bitwise_count(hashes[part, None, n] ^ hashes[None, start:, n]).astype(int) for n in (0, 1))
        close = (differing <= MAX_BITS) & (code[part, None] != code[None, start:])
        for first, second in np.argwhere(close):
            if first < second:
                yield int(places[start + first]), int(places[start + second]), int(differing[first, second])

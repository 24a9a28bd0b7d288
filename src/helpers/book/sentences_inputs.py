"""Computed sentences of the chapter on inputs about clips with labelled frames."""

from __future__ import annotations

import pandas as pd

from helpers.book.looks_frames import of_frames
from helpers.data import media
from helpers.data.study import Study


def formats(quality: pd.DataFrame) -> str:
    """How many formats the files have.

    Examples
    --------
    >>> formats(pd.DataFrame({"format": ["avi", "png", "avi"]})), formats(pd.DataFrame({"format": ["avi"]}))
    ('2 formats', '1 format')
    """
    count = quality["format"].nunique()
    return f"{count} format{'s' * (count != 1)}"


def nearest(study: Study) -> str:
    """How frames near labelled ones are chosen and cropped, in a sentence; empty for a study without such an input."""
    name = of_frames(study, "nearest")
    if name is None:
        return ""
    source = study.inputs[name]
    return (
        f"The {source.key_frames} frames nearest to a labelled one, the earlier of two at one distance; a shorter clip "
        f"repeats its last frame. {_crop(study, name)}"
    )


def _crop(study: Study, name: str) -> str:
    rule = study.inputs[name].crop
    side = f"{rule.side_mm:g} mm wide" if rule.side_mm else f"{rule.scale:g} times the longer side of the smallest box"
    size = study.inputs[name].size
    return (
        f"One square for the whole clip, {side} around all labelled boxes, moved inside the image, "
        f"brought to {size} x {size} pixels of 8 bits."
    )


def read(found: dict[str, media.Arrays], study: Study) -> str:
    """How much of the clips is read, in a sentence; empty for a study without frames near labelled ones.

    Parameters
    ----------
    found : dict
        From `looks.load`.
    study : Study

    Returns
    -------
    str
    """
    name = of_frames(study, "nearest")
    if name is None:
        return ""
    return share(found[name].index, study.inputs[name].key_frames)


def share(index: pd.DataFrame, count: int) -> str:
    """Say how long the clips are, what part of all frames is read, and how many clips were padded.

    Parameters
    ----------
    index : DataFrame
        Of the arrays, with `clip_frames` and `padded`.
    count : int
        Frames that a network sees.

    Examples
    --------
    >>> share(pd.DataFrame({"clip_frames": [100, 300, 20], "padded": [0, 0, 12]}), 32)
    'Clips have 20 to 300 frames; of all 420 frames 20 % are read. 1 of 3 clips is shorter than 32 frames and padded.'
    """
    total, short = int(index["clip_frames"].sum()), int((index["padded"] > 0).sum())
    part = float((count - index["padded"]).sum()) / total
    text = (
        f"Clips have {index['clip_frames'].min():,} to {index['clip_frames'].max():,} frames; "
        f"of all {total:,} frames {part:.0%} are read."
    ).replace("%", " %")
    if short == 0:
        return f"{text} No clip is shorter than {count} frames."
    verb = "is" if short == 1 else "are"
    return f"{text} {short} of {len(index)} clips {verb} shorter than {count} frames and padded."

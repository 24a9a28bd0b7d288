"""Media through one door: images, clips, DICOM and masks in; grey arrays out, decoded once.

Untrusted files meet only decoders that are told their format; every fault is a `StudyError`.
"""

from __future__ import annotations

from helpers.data.media.cache import CROP, Arrays, arrays
from helpers.data.media.copies import check_copies, copied_frames
from helpers.data.media.crops import Square, crop_square, cut, square_crop, to_frame
from helpers.data.media.curves import curve_summary, ring, time_intensity
from helpers.data.media.files import info, iterate, read, resolve
from helpers.data.media.formats import MediaInfo, luma, sniff
from helpers.data.media.frames import key_frames, nearest_frames
from helpers.data.media.labelled import clip_box, labelled_frames
from helpers.data.media.masks import read_mask, read_volume_mask
from helpers.data.media.tables import KINDS, table

__all__ = [
    "CROP",
    "KINDS",
    "Arrays",
    "MediaInfo",
    "Square",
    "arrays",
    "check_copies",
    "clip_box",
    "copied_frames",
    "crop_square",
    "curve_summary",
    "cut",
    "info",
    "iterate",
    "key_frames",
    "labelled_frames",
    "luma",
    "nearest_frames",
    "read",
    "read_mask",
    "read_volume_mask",
    "resolve",
    "ring",
    "sniff",
    "square_crop",
    "table",
    "time_intensity",
    "to_frame",
]

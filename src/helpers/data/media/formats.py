"""What a file is, by its first bytes, and what every reader shares: limits, luma, the description of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError

MAX_PIXELS = 50_000_000
"""Pixels a single frame may have; a header that claims more is refused before anything is decoded."""

MAX_BYTES = 8 * 2**30
"""Bytes of grey pixels that one call of `read` may return; longer clips are read in parts or iterated."""

VIDEO = ("avi", "mov", "mpeg", "mpegvideo", "mpegts")
STILL = ("png", "jpeg", "bmp", "tiff")
READABLE = "AVI, MP4, MOV, MPEG, PNG, JPEG, BMP, TIFF or DICOM"


@dataclass(frozen=True)
class MediaInfo:
    """What a media file says about itself.

    Attributes
    ----------
    frames : int
        Frames the file declares (a still has 1). A damaged file may hold fewer; `read` finds out.
    height, width : int
        Size of the stored frame, pixels.
    seconds_per_frame : float or None
        Mean time between stored frames, seconds.
    pixel_mm : float or None
        Side of a square pixel, millimetres; None when the file does not say it believably.
    region : (x0, y0, x1, y1) or None
        Ultrasound image area in pixels, upper bounds exclusive (DICOM only).
    format : str
        `avi`, `mov` (also MP4), `mpeg`, `mpegvideo`, `mpegts`, `png`, `jpeg`, `bmp`, `tiff` or `dicom`.

    Examples
    --------
    >>> MediaInfo(1, 480, 640, format="png").frame()["height"].item()
    480
    """

    frames: int
    height: int
    width: int
    seconds_per_frame: float | None = None
    pixel_mm: float | None = None
    region: tuple[int, int, int, int] | None = None
    format: str = ""

    def frame(self) -> pd.DataFrame:
        """Return the description as a table with one row."""
        return pd.DataFrame([{name: getattr(self, name) for name in self.__dataclass_fields__}])


def sniff(path: str | Path) -> str:
    """Tell a file's format from its first bytes; the name is not believed.

    Parameters
    ----------
    path : path
        A file.

    Returns
    -------
    str
        `avi`, `mov`, `mpeg`, `mpegvideo`, `mpegts`, `png`, `jpeg`, `bmp`, `tiff`, `dicom`, `nifti`, `nrrd`.

    Raises
    ------
    StudyError
        If the file cannot be opened, is empty, or has none of these formats.

    Examples
    --------
    >>> from pydicom import examples
    >>> sniff(examples.get_path("rgb_color"))
    'dicom'
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            head = handle.read(600)
    except OSError as error:
        raise StudyError(
            f"cannot be opened ({error.strerror})", file=path.name, fix="check the path and the rights"
        ) from error
    if not head:
        raise StudyError("the file is empty (0 bytes)", file=path.name, fix="export or copy it again")
    name = _by_magic(head)
    if name is None:
        raise StudyError("unknown format", file=path.name, fix=f"give {READABLE} (masks also NIfTI or NRRD)")
    return name


def _by_magic(head: bytes) -> str | None:
    starts = {
        b"\x89PNG\r\n\x1a\n": "png",
        b"\xff\xd8\xff": "jpeg",
        b"BM": "bmp",
        b"II*\0": "tiff",
        b"MM\0*": "tiff",
        b"NRRD": "nrrd",
        b"\x00\x00\x01\xba": "mpeg",
        b"\x00\x00\x01\xb3": "mpegvideo",
        b"\x1f\x8b": "nifti",  # gzip: the only compressed file in a study is a mask; nibabel checks the inside
    }
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return "nifti"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    return next((name for magic, name in starts.items() if head.startswith(magic)), None)


def check_size(height: int, width: int, *, frames: int = 1, name: str) -> None:
    """Refuse a frame or clip that would not fit into memory, before it is decoded.

    Raises
    ------
    StudyError
        If a side is not positive, a frame has more than `MAX_PIXELS` pixels, or all frames together
        more than `MAX_BYTES`.
    """
    if height < 1 or width < 1:
        raise StudyError(f"frame of {width} x {height} pixels", file=name, fix="export the file again")
    if height * width > MAX_PIXELS:
        raise StudyError(
            f"frame of {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million pixels are read",
            file=name,
            fix="reduce the image, or leave it out when its header is wrong",
        )
    if frames * height * width > MAX_BYTES:
        raise StudyError(
            f"{frames} frames of {width} x {height} pixels are more than {MAX_BYTES // 2**30} GiB",
            file=name,
            fix="ask for the frames that are needed, or cut the clip",
        )


def luma(rgb: np.ndarray) -> np.ndarray:
    """Grey value of RGB pixels: 0.299 R + 0.587 G + 0.114 B, rounded (ITU-R BT.601).

    Parameters
    ----------
    rgb : uint8 array of shape (..., 3)
        Colours, 0 to 255. The integer arithmetic is that of Pillow, so both give the same values.

    Returns
    -------
    uint8 array of shape (...)
        Grey values, 0 to 255.

    Examples
    --------
    >>> luma(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [7, 7, 7]], np.uint8)).tolist()
    [76, 150, 29, 7]
    """
    wide = rgb.astype(np.uint32)
    total = 19595 * wide[..., 0] + 38470 * wide[..., 1] + 7471 * wide[..., 2] + 0x8000
    return (total >> 16).astype(np.uint8)

"""The one door: a safe path inside the study folder, and every format behind the same functions."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media import dicom, stills, video
from helpers.data.media.formats import READABLE, STILL, VIDEO, MediaInfo, check_size, sniff


def resolve(
    folder: str | Path, path: str, *, file: str = "media.csv", row: int | None = None, column: str = "path"
) -> Path:
    """Turn a path of a study's table into a file that is really inside the study folder.

    Parameters
    ----------
    folder : path
        The study folder.
    path : str
        Path as written in the table, relative to the folder, with `/` between its parts.
    file, row, column
        Where the path is written, for the error message.

    Returns
    -------
    Path
        The file, without symbolic links.

    Raises
    ------
    StudyError
        If the path is missing, absolute, contains `..`, leads out of the folder through a link, or names
        nothing, something other than a file, or an empty file.

    Examples
    --------
    >>> resolve("data/olnm", "../elsewhere.png", row=2)
    Traceback (most recent call last):
    helpers.data.errors.StudyError: media.csv, row 2, column path: '../elsewhere.png' leads out of the study
    folder. Way out: put the file inside the study folder and give its path from there.
    """
    where = {"file": file, "row": row, "column": column}
    inside = "put the file inside the study folder and give its path from there"
    if not isinstance(path, str) or not path.strip():
        raise StudyError("no path is given", **where, fix=inside)
    if "\0" in path:
        raise StudyError("the path holds a zero byte", **where, fix=inside)
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).anchor:
        raise StudyError(f"{path!r} is an absolute path", **where, fix=inside)
    if ".." in PurePosixPath(path).parts or ".." in PureWindowsPath(path).parts:
        raise StudyError(f"{path!r} leads out of the study folder", **where, fix=inside)
    try:
        root = Path(folder).resolve()
        found = (root / path).resolve(strict=True)
        status = found.stat()
    except (OSError, RuntimeError) as error:
        hint = "; write / between folders" if "\\" in path else ""
        raise StudyError(
            f"{path!r} is not there", **where, fix=f"copy the file into the study folder or correct the path{hint}"
        ) from error
    if not found.is_relative_to(root):
        raise StudyError(f"{path!r} is a link that leads out of the study folder", **where, fix=inside)
    if not stat.S_ISREG(status.st_mode):
        raise StudyError(f"{path!r} is not a file", **where, fix="name one file")
    if status.st_size == 0:
        raise StudyError(f"{path!r} is empty (0 bytes)", **where, fix="export or copy it again")
    return found


def info(path: str | Path) -> MediaInfo:
    """Describe a media file from its header, without decoding pixels.

    Parameters
    ----------
    path : path
        An image, clip or DICOM file.

    Returns
    -------
    MediaInfo
        Frames, size, seconds per frame, millimetres a pixel, image area, format. The scale is None when
        a DICOM's ultrasound region lies outside its frame, because then the pixels were resized and the
        header was not.

    Raises
    ------
    StudyError
        If the file cannot be read.

    Examples
    --------
    >>> from pydicom import examples
    >>> about = info(examples.get_path("ybr_color"))
    >>> about.frames, about.height, about.width, about.seconds_per_frame, about.pixel_mm
    (30, 240, 320, 0.033333, None)
    """
    path = Path(path)
    format = sniff(path)
    if format in VIDEO:
        return video.info(path, format)
    if format in STILL:
        return stills.info(path, format)
    if format == "dicom":
        return dicom.info(path)
    raise _not_media(path, format)


def iterate(
    path: str | Path, *, frames: Sequence[int] | None = None, declared: int | None = None
) -> Iterator[np.ndarray]:
    """Yield the grey frames of a file one by one, each uint8 (height, width); memory stays small.

    Parameters
    ----------
    path : path
        An image, clip or DICOM file.
    frames : sequence of int or None
        Frames to give, counted from 0; given in ascending order and once each. None gives all.
    declared : int or None
        Frames the file must have at least.

    Raises
    ------
    StudyError
        As `read`; a truncated clip is found at its end, after the frames that are there were given.

    Examples
    --------
    >>> from pydicom import examples
    >>> [frame.shape for frame in iterate(examples.get_path("ybr_color"), frames=[3, 7])]
    [(240, 320), (240, 320)]
    """
    path = Path(path)
    wanted = None
    if frames is not None:
        wanted = tuple(sorted({int(index) for index in frames}))
        if not wanted or wanted[0] < 0:
            raise ValueError("frames: give at least one index, none below 0")
    format = sniff(path)
    if format in VIDEO:
        yield from video.iterate(path, format, wanted=wanted, declared=declared, name=path.name)
    elif format == "dicom":
        yield from dicom.iterate(path, wanted=wanted, declared=declared)
    elif format in STILL:
        most = max(wanted[-1] + 1 if wanted else 1, declared or 1)
        if most > 1:
            raise StudyError(
                f"{most} frames are wanted, a still image has 1",
                file=path.name,
                fix="name the clip, or correct the number of frames",
            )
        yield stills.grey(path)
    else:
        raise _not_media(path, format)


def read(path: str | Path, *, frames: Sequence[int] | None = None, declared: int | None = None) -> np.ndarray:
    """Read a still, a clip or a DICOM file as grey values.

    Grey is luma (ITU-R BT.601). For clips that store luma (H.264, MPEG, Motion JPEG) it is that luma,
    stretched from 16..235 to 0..255 where the clip says so. Orientation tags are not applied: pixels are
    where the file stores them, as the boxes of `media.csv` count them.

    Parameters
    ----------
    path : path
        AVI, MP4, MOV, MPEG, PNG, JPEG, BMP, TIFF or DICOM, told by content, not by name.
    frames : sequence of int or None
        Frames to return, counted from 0, in this order (repeats allowed). None returns all.
    declared : int or None
        Frames the file must have at least, e.g. the column `frames` of `media.csv`.

    Returns
    -------
    uint8 array of shape (time, height, width)
        A still has time 1.

    Raises
    ------
    StudyError
        If the file is of another format, empty, truncated (fewer frames than it or `declared` says),
        damaged in a frame that had to be decoded, without pixels, or larger than `MAX_PIXELS` a frame or
        `MAX_BYTES` in all. Damage that leaves a valid stream (a few flipped bits) cannot be seen.

    Examples
    --------
    >>> from pydicom import examples
    >>> read(examples.get_path("ybr_color"), frames=[7, 3]).shape
    (2, 240, 320)
    """
    if frames is not None:
        ascending = sorted({int(index) for index in frames})
        found = np.stack(list(iterate(path, frames=ascending, declared=declared)))
        return found[np.searchsorted(ascending, [int(index) for index in frames])]
    about = info(path)
    check_size(about.height, about.width, frames=about.frames, name=Path(path).name)
    # the header's count may be too large or, in some containers, too small: let the frames decide
    kept, most = [], 0
    for frame in iterate(path, declared=declared):
        kept.append(frame)
        most += frame.nbytes
        if most > about.frames * about.height * about.width:
            check_size(about.height, about.width, frames=len(kept), name=Path(path).name)
    return np.stack(kept)


def _not_media(path: Path, format: str) -> StudyError:
    return StudyError(f"{format} files are read as masks only", file=path.name, fix=f"give {READABLE}")

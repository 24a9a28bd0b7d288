"""Lesion masks from NIfTI, NRRD and image files as boolean arrays that fit their frame.

Volumes have x on axis 0 and y on axis 1, as ITK-SNAP and 3D Slicer save them: `mask[y, x] = volume[x, y, 0]`.
Orientation matrices are not applied: a mask drawn on an image lies on the stored pixels.
"""

from __future__ import annotations

import bz2
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media import stills
from helpers.data.media.formats import STILL, sniff

MAX_PLANES = 64
"""Planes a volume may have: as many frames as an input of a study can ask for."""

_PACKED = {"gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_REDRAW = "save the mask again on the frame it belongs to"


def read_mask(path: str | Path, *, shape: tuple[int, int], allow_empty: bool = False) -> np.ndarray:
    """Read a lesion mask that must have the size of its frame.

    Foreground is what lies above 0 in NIfTI and NRRD files, above 127 in grey images, and every colour but
    black in coloured images (in JPEG, where black is never quite black: brightest channel above 127).

    Parameters
    ----------
    path : path
        NIfTI (.nii, .nii.gz), NRRD with its pixels inside, PNG, JPEG, BMP or TIFF.
    shape : (height, width)
        Size of the frame, pixels.
    allow_empty : bool
        Accept a mask without foreground.

    Returns
    -------
    bool array of shape (height, width)

    Raises
    ------
    StudyError
        If the size differs (and whether the mask looks transposed), the mask is empty, it has more than
        two values (other than JPEG), or the file is damaged.

    Examples
    --------
    >>> import tempfile; from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     drawn = np.zeros((3, 4), np.uint8)
    ...     drawn[1, 2:] = 255
    ...     Image.fromarray(drawn).save(f"{folder}/mask.png")
    ...     read_mask(f"{folder}/mask.png", shape=(3, 4)).sum().item()
    2
    """
    path = Path(path)
    format = sniff(path)
    height, width = int(shape[0]), int(shape[1])
    if format == "nifti":
        values = _nifti(path, lambda sizes: _plane(sizes, (height, width), path.name), height * width).T
        lossy, above = False, 0
    elif format == "nrrd":
        values, lossy, above = _nrrd(path, (height, width)), False, 0
    elif format in STILL:
        values, above = _image(path, (height, width), lossy=format == "jpeg")
        lossy = format == "jpeg"
    else:
        raise StudyError(f"{format} files are not read as masks", file=path.name, fix="give NIfTI, NRRD or PNG")
    different = np.unique(values)
    if not lossy and len(different) > 2:
        shown = ", ".join(f"{value:g}" for value in different[:6]) + (", ..." if len(different) > 6 else "")
        raise StudyError(
            f"the mask has {len(different)} different values ({shown}), not two",
            file=path.name,
            fix="save one lesion as one label, without smoothing",
        )
    mask = values > above
    if not mask.any() and not allow_empty:
        shown = " and ".join(f"{value:g}" for value in (different[0], different[-1]))
        raise StudyError(
            f"the mask is empty: its values lie between {shown}, foreground is above {above}",
            file=path.name,
            fix="draw the lesion, or leave the mask's cell empty when there is none",
        )
    return mask


def read_volume_mask(path: str | Path, *, shape: tuple[int, int], frames: int | None = None) -> np.ndarray:
    """Read one mask a frame, such as the calcifications in the frames that a network sees.

    Parameters
    ----------
    path : path
        NIfTI with axes (time, height, width): its planes are the frames in time order.
    shape : (height, width)
        Size of a frame, pixels.
    frames : int or None
        Planes that it must have; None takes from 1 to `MAX_PLANES`.

    Returns
    -------
    bool array of shape (time, height, width)
        True above 0; planes may be empty.

    Raises
    ------
    StudyError
        If the axes do not fit, there are more than two values, or the file is damaged.

    Examples
    --------
    >>> import tempfile, nibabel
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nibabel.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4)).to_filename(f"{folder}/m.nii.gz")
    ...     read_volume_mask(f"{folder}/m.nii.gz", shape=(3, 4)).shape
    (2, 3, 4)
    """
    path = Path(path)
    format = sniff(path)
    if format != "nifti":
        raise StudyError(f"{format} files are not read as volumes", file=path.name, fix="save the volume as NIfTI")
    height, width = int(shape[0]), int(shape[1])

    def check(sizes: tuple[int, ...]) -> tuple[int, ...]:
        planes = sizes[0] if sizes else 0
        if len(sizes) != 3 or sizes[1:] != (height, width) or not 1 <= planes <= MAX_PLANES:
            asked = "time" if frames is None else frames
            raise StudyError(
                f"the volume has axes {' x '.join(map(str, sizes))}; {asked} x {height} x {width} are expected",
                file=path.name,
                fix="save it with axes time, height, width, on the frames that are read",
            )
        if frames is not None and planes != frames:
            raise StudyError(
                f"the volume has {planes} planes, {frames} frames are read",
                file=path.name,
                fix="save one plane for each frame that is read",
            )
        return sizes

    values = _nifti(path, check, height * width * (frames or MAX_PLANES))
    if ((values != values.min()) & (values != values.max())).any():
        raise StudyError(
            "the volume has more than two different values",
            file=path.name,
            fix="save what is marked as one label, without smoothing",
        )
    return values > 0


def _check_size(found: tuple[int, ...], shape: tuple[int, int], name: str) -> None:
    """Compare (height, width) of the mask with the frame's."""
    height, width = shape
    if tuple(found) == (height, width):
        return
    size = f"the mask has {found[1]} x {found[0]} pixels, its frame {width} x {height} (width x height)"
    if tuple(found) == (width, height):
        raise StudyError(
            f"{size}: it looks transposed", file=name, fix="save it with x on the first axis of the volume"
        )
    raise StudyError(size, file=name, fix=_REDRAW)


def _plane(sizes: tuple[int, ...], shape: tuple[int, int], name: str) -> tuple[int, ...]:
    """Check the axes (x, y, 1, ...) of a volume with one plane; return those that count."""
    if len(sizes) < 2 or any(size != 1 for size in sizes[2:]):
        raise StudyError(
            f"the mask has axes {' x '.join(map(str, sizes))}; one plane is expected",
            file=name,
            fix="save the mask of one frame",
        )
    _check_size((sizes[1], sizes[0]), shape, name)
    return sizes[:2]


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind not in "buif":
        raise StudyError(f"the mask holds {values.dtype} values", file=name, fix="save it as whole numbers")
    if not np.isfinite(values).all():
        raise StudyError("the mask holds values that are not numbers", file=name, fix=_REDRAW)
    return values


def _nifti(path: Path, check: Callable[[tuple[int, ...]], tuple[int, ...]], pixels: int) -> np.ndarray:
    """Values of a volume whose sizes were checked, and brought to those that `check` returns."""
    import nibabel

    try:
        kind = nibabel.Nifti2Image if _is_nifti2(path) else nibabel.Nifti1Image
        # read from memory: nibabel chooses by the file's name, which need not end in .nii here
        with path.open("rb") as handle:
            packed = handle.read(2) == b"\x1f\x8b"
        limit = pixels * 16 + 2**20
        content = _unpacked(path, limit) if packed else path.read_bytes()
        image = kind.from_bytes(content)
        sizes = tuple(int(size) for size in image.header.get_data_shape())
        kept = check(sizes)
        values = np.asanyarray(image.dataobj).reshape(kept)
    except StudyError:
        raise
    except Exception as error:  # untrusted bytes: whatever the parser raises means one thing
        raise StudyError(f"not a readable NIfTI file ({error})", file=path.name, fix=_REDRAW) from error
    return _finite(values, path.name)


def _is_nifti2(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(1 << 16)
    if head.startswith(b"\x1f\x8b"):
        head = zlib.decompressobj(wbits=47).decompress(head, 8)
    return head[4:8] in (b"n+2\0", b"ni2\0")


def _unpacked(path: Path, limit: int) -> bytes:
    """Unpack gzip up to a limit, so that a small file cannot fill the memory."""
    unpacker = zlib.decompressobj(wbits=47)
    content = unpacker.decompress(path.read_bytes(), limit + 1)
    if len(content) > limit:
        raise StudyError("the mask unpacks to far more than one frame", file=path.name, fix=_REDRAW)
    return content


def _nrrd(path: Path, shape: tuple[int, int]) -> np.ndarray:
    import nrrd

    try:
        with path.open("rb") as handle:
            header = nrrd.read_header(handle)
            if {"data file", "datafile"} & set(header):
                raise StudyError(
                    "the NRRD names another file for its pixels", file=path.name, fix="save header and pixels as one"
                )
            if any(int(header.get(name, 0)) for name in ("byte skip", "byteskip", "line skip", "lineskip")):
                raise StudyError(
                    "the NRRD says that its pixels begin later (byte skip, line skip)",
                    file=path.name,
                    fix="save it with header and pixels as one",
                )
            sizes = tuple(int(size) for size in header["sizes"])
            _plane(sizes, shape, path.name)
            content, limit = handle.read(), int(np.prod(sizes)) * 16 + 2**16
        encoding = str(header.get("encoding", "raw")).lower()
        if encoding in _PACKED:
            # unpacked once, here: what was measured is what is read
            content, header["encoding"] = _unpacked_nrrd(content, encoding, limit, path.name), "raw"
        values = nrrd.read_data(header, io.BytesIO(content), path.name).reshape(sizes[:2], order="F")
    except StudyError:
        raise
    except Exception as error:  # as above
        raise StudyError(f"not a readable NRRD file ({error})", file=path.name, fix=_REDRAW) from error
    return _finite(values, path.name).T


def _unpacked_nrrd(content: bytes, encoding: str, limit: int, name: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=47) if _PACKED[encoding] == "gzip" else bz2.BZ2Decompressor()
    values = unpacker.decompress(content, limit + 1)
    if len(values) > limit:
        raise StudyError("the mask unpacks to far more than one frame", file=name, fix=_REDRAW)
    return values


def _image(path: Path, shape: tuple[int, int], *, lossy: bool) -> tuple[np.ndarray, int]:
    """Values of an image mask and the value above which they are foreground."""
    with stills.opened(path) as image:
        _check_size((image.height, image.width), shape, path.name)
        if image.mode in ("1", "L", "LA"):
            return np.asarray(image.convert("LA"))[..., 0], 127
        if image.mode in ("P", "RGB", "RGBA", "CMYK"):
            colours = np.asarray(image.convert("RGB"))
            if (colours == colours[..., :1]).all():
                return colours[..., 0], 127
            if lossy:
                return colours.max(axis=-1), 127
            # one number a colour, so that a third colour is seen
            wide = colours.astype(np.int64)
            return wide[..., 0] * 65536 + wide[..., 1] * 256 + wide[..., 2], 0
        raise StudyError(f"an image mask with pixels of type {image.mode}", file=path.name, fix="save it as 8-bit PNG")

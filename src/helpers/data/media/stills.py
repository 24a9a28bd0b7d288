"""PNG, JPEG, BMP and TIFF images as grey pixels, as they are stored."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data.errors import StudyError
from helpers.data.media.formats import MediaInfo, check_size, luma

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_DEEP = ("I;16", "I;16L", "I;16B", "I")
_FLAT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image with its size checked; every fault inside becomes a StudyError."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns about large images and broken tags; the size is judged by check_size instead
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_FORMATS) as image:
                check_size(image.height, image.width, name=path.name)
                if getattr(image, "n_frames", 1) > 1:
                    raise StudyError(
                        f"the image file holds {image.n_frames} pages",
                        file=path.name,
                        fix="save one page a file, or the clip as AVI, MP4 or DICOM",
                    )
                yield image
    except Image.DecompressionBombError as error:
        raise StudyError(
            "the image claims too many pixels (decompression bomb)",
            file=path.name,
            fix="reduce the image, or leave it out when its header is wrong",
        ) from error
    except StudyError:
        raise
    except Exception as error:  # untrusted bytes: whatever Pillow's parsers raise means one thing
        raise StudyError(
            f"the image is damaged or cut off ({error})", file=path.name, fix="export or copy it again"
        ) from error


def info(path: Path, format: str) -> MediaInfo:
    """Describe a still image from its header; see `helpers.data.media.info`."""
    with opened(path) as image:
        return MediaInfo(1, image.height, image.width, format=format)


def grey(path: Path) -> np.ndarray:
    """Read a still image as uint8 (height, width).

    Colour becomes luma; transparency and EXIF orientation are ignored, since the boxes of media.csv count
    stored pixels. Images of 16 bits are scaled from 0..65535 to 0..255.

    Raises
    ------
    StudyError
        If the image is damaged, too large, has several pages, or holds real numbers.
    """
    with opened(path) as image:
        if image.mode in _DEEP:
            deep = np.asarray(image).astype(np.int64)
            if deep.min() < 0 or deep.max() > 65535:
                raise StudyError(
                    f"grey values from {deep.min()} to {deep.max()}; 16 bits hold 0 to 65535",
                    file=path.name,
                    fix="save the image with 8 or 16 bits",
                )
            return ((deep * 255 + 32767) // 65535).astype(np.uint8)
        if image.mode not in _FLAT:
            raise StudyError(
                f"pixels of type {image.mode} are not grey values or colours",
                file=path.name,
                fix="save the image with 8 or 16 bits",
            )
        if image.mode in ("1", "L"):
            return np.asarray(image.convert("L"))
        if image.mode == "LA":
            return np.asarray(image)[..., 0].copy()
        return luma(np.asarray(image.convert("RGB")))

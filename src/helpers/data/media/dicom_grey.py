"""DICOM pixel values as grey values 0 to 255: palettes, rescaling, windows, inverted scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media.formats import luma

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def to_grey(pixels: np.ndarray, header: Dataset, name: str, *, luma_only: bool = False) -> np.ndarray:
    """Turn one decoded frame into display grey.

    Colours become BT.601 luma. Grey scales are rescaled (slope, intercept), passed through the first
    window that the file declares (DICOM PS3.3 C.11.2) and inverted for MONOCHROME1. Without a window the
    range that the stored bits can hold is shown, so that all frames share one scale.

    Parameters
    ----------
    pixels : array of shape (height, width) or (height, width, 3)
        Values as decoded.
    header : pydicom Dataset
        The file's header.
    name : str
        What error messages call the file.
    luma_only : bool
        The first (or only) channel is luma already.

    Returns
    -------
    uint8 array of shape (height, width)

    Raises
    ------
    StudyError
        If the palette or the number of channels is wrong.
    """
    photometric = str(header.PhotometricInterpretation)
    if photometric == "PALETTE COLOR":
        return luma(_through_palette(pixels, header, name))
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        return _windowed(pixels, header, inverted=photometric == "MONOCHROME1")
    if luma_only:
        return _eight(pixels if pixels.ndim == 2 else pixels[..., 0], header)
    if pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise StudyError(
            f"{photometric} pixels with {1 if pixels.ndim == 2 else pixels.shape[-1]} channels",
            file=name,
            fix="export the file again as RGB or grey",
        )
    return luma(_eight(pixels, header))


def _eight(pixels: np.ndarray, header: Dataset) -> np.ndarray:
    """Colours of more than 8 bits scaled down to 8."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    most = 2 ** int(header.get("BitsStored") or 16) - 1
    return np.clip(np.rint(pixels.astype(np.float64) * 255 / most), 0, 255).astype(np.uint8)


def _through_palette(pixels: np.ndarray, header: Dataset, name: str) -> np.ndarray:
    from pydicom.pixels import apply_color_lut

    try:
        colours = apply_color_lut(pixels, header)
        depth = int(header.RedPaletteColorLookupTableDescriptor[2])
    except Exception as error:  # the table is untrusted: whatever is raised means that it is broken
        raise StudyError(f"the palette is damaged ({error})", file=name, fix="export the file again") from error
    if depth > 8 and colours.dtype != np.uint8:
        # some writers say 16 bits and fill only 8; a real 16-bit table reaches above 255
        return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)
    return colours.astype(np.uint8)


def _windowed(pixels: np.ndarray, header: Dataset, *, inverted: bool) -> np.ndarray:
    plain = float(header.get("RescaleSlope") or 1) == 1 and float(header.get("RescaleIntercept") or 0) == 0
    window = _window(header)
    if pixels.dtype == np.uint8 and plain and window is None and int(header.get("BitsStored") or 8) == 8:
        return 255 - pixels if inverted else np.ascontiguousarray(pixels)
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    values = pixels.astype(np.float64) * slope + intercept
    if window is None:
        stored = int(header.get("BitsStored") or header.BitsAllocated)
        signed = int(header.get("PixelRepresentation") or 0) == 1
        ends = (-(2 ** (stored - 1)), 2 ** (stored - 1) - 1) if signed else (0, 2**stored - 1)
        low, high = sorted(end * slope + intercept for end in ends)
        share = (values - low) / (high - low)
    else:
        share = _share(values, *window)
    grey = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return 255 - grey if inverted else grey


def _window(header: Dataset) -> tuple[float, float, str] | None:
    """Centre, width and function of the first window, from the image or its shared functional group."""
    groups = header.get("SharedFunctionalGroupsSequence") or []
    places = [header, *(item for group in groups for item in group.get("FrameVOILUTSequence") or [])]
    for place in places:
        centre, width = place.get("WindowCenter"), place.get("WindowWidth")
        if centre is not None and width is not None:
            # several windows are alternatives; the first is the default view
            centre, width = (value[0] if hasattr(value, "__len__") else value for value in (centre, width))
            if float(width) >= 1:
                return float(centre), float(width), str(place.get("VOILUTFunction") or "LINEAR")
    return None


def _share(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Position in the window, 0 at its lower and 1 at its upper end (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR_EXACT":
        return (values - centre) / width + 0.5
    return (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5

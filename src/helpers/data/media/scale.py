"""What a DICOM header says about time between frames, millimetres a pixel and the image area."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CENTIMETRES, _TWO_DIMENSIONAL, _TISSUE = 3, 1, 1
_SAME = 0.01  # two lengths that differ by less than 1 percent are the same length


def seconds_per_frame(header: Dataset) -> float | None:
    """Mean time between frames in seconds, or None.

    Looked for in this order: frame time vector, frame time, frame duration of an enhanced image, cine rate,
    recommended display rate.

    Examples
    --------
    >>> from pydicom import dcmread, examples
    >>> seconds_per_frame(dcmread(examples.get_path("ybr_color"), stop_before_pixels=True))
    0.033333
    """
    steps = [_number(step) for step in _several(header.get("FrameTimeVector"))][1:]  # the first is 0
    if steps and all(steps):
        return sum(steps) / len(steps) / 1000
    groups = header.get("SharedFunctionalGroupsSequence") or []
    content = [item for group in groups for item in group.get("FrameContentSequence") or []]
    durations = [_number(header.get("FrameTime"))]
    durations += [_number(item.get("FrameAcquisitionDuration")) for item in content]
    for duration in durations:
        if duration:
            return duration / 1000
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate = _number(header.get(keyword))
        if rate:
            return 1 / rate
    return None


def region(header: Dataset) -> tuple[int, int, int, int] | None:
    """The largest two-dimensional tissue region inside the frame, as (x0, y0, x1, y1), or None.

    Upper bounds are exclusive. A region that leaves the frame by more than one pixel is not believed:
    somebody resized the pixels and left the header as it was.
    """
    found = _regions(header)
    return found[0][0] if found else None


def pixel_mm(header: Dataset) -> float | None:
    """Side of a pixel in millimetres, or None where the header does not say it believably.

    None when any two-dimensional region lies outside the frame (the calibration then belongs to an image
    of another size), when regions disagree, or when pixels are not square within 1 percent. Without
    regions the pixel spacing of the header is taken.

    Examples
    --------
    >>> from pydicom import dcmread, examples
    >>> pixel_mm(dcmread(examples.get_path("ybr_color"), stop_before_pixels=True)) is None  # region too wide
    True
    """
    flat = _flat_regions(header)
    if flat:
        found = _regions(header)
        scales = [scale for _, scale in found]
        if len(found) < len(flat) or not scales or None in scales:
            return None
        return scales[0] if all(math.isclose(scales[0], other, rel_tol=_SAME) for other in scales) else None
    spacing = [_number(value) for value in _several(header.get("PixelSpacing"))]
    if len(spacing) == 2 and all(spacing) and math.isclose(*spacing, rel_tol=_SAME):
        return spacing[0]
    return None


def _flat_regions(header: Dataset) -> list[Dataset]:
    regions = [
        item
        for item in header.get("SequenceOfUltrasoundRegions") or []
        if item.get("RegionSpatialFormat") == _TWO_DIMENSIONAL
    ]
    tissue = [item for item in regions if item.get("RegionDataType") == _TISSUE]
    return tissue or regions


def _regions(header: Dataset) -> list[tuple[tuple[int, int, int, int], float | None]]:
    """Believable regions, largest first, each with its millimetres a pixel."""
    height, width = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    found = []
    for item in _flat_regions(header):
        corners = [item.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if not all(isinstance(corner, int) for corner in corners):
            continue
        x0, y0, x1, y1 = corners
        # the last column is inclusive in DICOM; some scanners write one more
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            continue
        found.append(((x0, y0, min(x1 + 1, width), min(y1 + 1, height)), _millimetres(item)))
    return sorted(found, key=lambda one: -(one[0][2] - one[0][0]) * (one[0][3] - one[0][1]))


def _millimetres(item: Dataset) -> float | None:
    units = {item.get("PhysicalUnitsXDirection"), item.get("PhysicalUnitsYDirection")}
    across, down = (_number(item.get(f"PhysicalDelta{axis}"), sign=True) for axis in "XY")
    if units != {_CENTIMETRES} or not across or not down:
        return None
    across, down = abs(across), abs(down)  # the sign tells a direction
    return 10 * across if math.isclose(across, down, rel_tol=_SAME) else None


def _several(value: object) -> list:
    if value is None:
        return []
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]


def _number(value: object, *, sign: bool = False) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and (sign or number > 0) else None

"""How well an outline fits the one drawn by hand: overlap, distance of the borders, areas; case by case.

Dice (1945), doi:10.2307/1932409; the 95th percentile of the Hausdorff distance as in Huttenlocher et al. (1993),
doi:10.1109/34.232073; why both are needed: Maier-Hein et al. (2024), doi:10.1038/s41592-023-02151-z.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

MEASURES = ("dice", "iou", "hd95_mm")
EMPTY = (
    "Where nothing was outlined, Dice and IoU are 0 and the Hausdorff distance is the diagonal of the frame, the "
    "farthest that two points of it can be apart; where there is nothing to outline either, they are 1, 1 and 0."
)
METHODS = (
    "Dice 2|A∩B|/(|A|+|B|) and IoU |A∩B|/|A∪B| of the pixels; HD95: the larger of the 95th percentiles of the "
    "distances "
    "from each border to the other, in millimetres (doi:10.1109/34.232073). " + EMPTY
)


def overlap(outline: ArrayLike, reference: ArrayLike) -> pd.DataFrame:
    """Overlap of outlines with the reference, one row a case.

    Parameters
    ----------
    outline, reference : arrays of shape (n, height, width)
        Masks of 0 and 1 (or False and True).

    Returns
    -------
    DataFrame
        `dice`, `iou`, `printed` (2|A∩B|/|A∪B|, the formula that paper B prints: it runs from 0 to 2), `recall` and
        `precision` of the pixels (NaN where there is nothing to divide by), `pixels` and `pixels_reference`.

    Raises
    ------
    ValueError
        If shapes differ or a mask holds other values than two; a mask from a JPEG is read by
        `helpers.data.media.read_mask`, which states its threshold.

    Examples
    --------
    >>> row = overlap([[[1, 1, 0, 0]]], [[[0, 1, 1, 0]]]).iloc[0]
    >>> float(row["dice"]), round(float(row["iou"]), 3), round(float(row["printed"]), 3)
    (0.5, 0.333, 0.667)
    """
    found, truth = _masks(outline, reference)
    flat, real = found.reshape(len(found), -1), truth.reshape(len(truth), -1)
    both = (flat & real).sum(axis=1).astype(float)
    ours, theirs = flat.sum(axis=1).astype(float), real.sum(axis=1).astype(float)
    union = ours + theirs - both
    none = union == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = np.where(none, 1.0, both / union)
        rows = {
            "dice": np.where(none, 1.0, 2 * both / (ours + theirs)),
            "iou": iou,
            "printed": 2 * iou,
            "recall": both / theirs,
            "precision": both / ours,
        }
    return pd.DataFrame({**rows, "pixels": ours.astype(int), "pixels_reference": theirs.astype(int)})


def hausdorff(
    outline: ArrayLike, reference: ArrayLike, *, pixel_mm: ArrayLike = 1.0, percentile: float = 95.0
) -> np.ndarray:
    """Hausdorff distance of the borders, or a percentile of it, one number a case.

    The border of a mask is what an erosion by a cross takes away. Distances come from one Euclidean distance transform
    a mask inside the box that holds both, so a case takes a millisecond.

    Parameters
    ----------
    outline, reference : arrays of shape (n, height, width)
        Masks of 0 and 1.
    pixel_mm : float or array of shape (n,)
        Side of a pixel, millimetres.
    percentile : float
        In (0, 100]; 100 is the Hausdorff distance itself.

    Returns
    -------
    array of shape (n,)
        Millimetres. 0 when both masks are empty, the diagonal of the frame when one is.

    Raises
    ------
    ValueError
        As `overlap`, or if a number is out of range.

    Examples
    --------
    >>> square = np.zeros((1, 20, 20), bool)
    >>> square[0, 5:10, 5:10] = True
    >>> float(hausdorff(np.roll(square, 3, axis=2), square, pixel_mm=0.5)[0])
    1.5
    """
    found, truth = _masks(outline, reference)
    side = np.broadcast_to(np.asarray(pixel_mm, dtype=float), len(found))
    if not (np.isfinite(side).all() and (side > 0).all()):
        raise ValueError("pixel_mm must be above 0")
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile must be in (0, 100], not {percentile}")
    return np.array([_distance(a, b, percentile) for a, b in zip(found, truth)]) * side


def _distance(a: np.ndarray, b: np.ndarray, percentile: float) -> float:
    from scipy.ndimage import binary_erosion, distance_transform_edt

    if not a.any() or not b.any():
        return 0.0 if a.any() == b.any() else float(np.hypot(*a.shape))
    rows, columns = (np.flatnonzero((a | b).any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    # one empty pixel around: what touches the edge of the frame is border too
    a, b = np.pad(a[window], 1), np.pad(b[window], 1)
    edge_a, edge_b = a & ~binary_erosion(a), b & ~binary_erosion(b)
    to_a, to_b = distance_transform_edt(~edge_a), distance_transform_edt(~edge_b)
    return float(max(np.percentile(to_b[edge_a], percentile), np.percentile(to_a[edge_b], percentile)))


def measure(
    outline: np.ndarray, reference: np.ndarray, *, pixel_mm: ArrayLike, cases: pd.DataFrame, network: str
) -> pd.DataFrame:
    """All measures of one network's outlines, one row a case.

    Parameters
    ----------
    outline, reference : arrays of shape (n, height, width)
    pixel_mm : float or array of shape (n,)
        Millimetres.
    cases : DataFrame
        Of the same order; its columns come first.
    network : str

    Returns
    -------
    DataFrame
        The columns of `cases`, `network`, those of `overlap`, `hd95_mm`, `area_mm2`, `area_reference_mm2`,
        `components` (parts of the outline that do not touch), and `dice_largest` (of the largest part alone).
    """
    side = np.broadcast_to(np.asarray(pixel_mm, dtype=float), len(outline))
    if len(cases) != len(outline):
        raise ValueError(f"cases has {len(cases)} rows for {len(outline)} outlines")
    made = overlap(outline, reference)
    made["hd95_mm"] = hausdorff(outline, reference, pixel_mm=side)
    made["area_mm2"], made["area_reference_mm2"] = made["pixels"] * side**2, made["pixels_reference"] * side**2
    parts = [largest(mask) for mask in np.asarray(outline) > 0]
    made["components"] = [count for _, count in parts]
    made["dice_largest"] = overlap(np.stack([mask for mask, _ in parts]), reference)["dice"]
    return pd.concat([cases.reset_index(drop=True).assign(network=network), made], axis=1)


def largest(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The largest connected part of a mask, and how many parts there are; the first of equal ones.

    Parameters
    ----------
    mask : bool array of shape (height, width)

    Returns
    -------
    mask, count

    Examples
    --------
    >>> part, count = largest(np.array([[True, False, True], [True, False, False]]))
    >>> int(part.sum()), count
    (2, 2)
    """
    from scipy.ndimage import label

    marked, count = label(mask)
    if count < 2:
        return mask, int(count)
    sizes = np.bincount(marked.ravel())[1:]
    return marked == 1 + int(sizes.argmax()), int(count)


def from_printed(value: ArrayLike) -> np.ndarray:
    """Dice coefficient behind a value of 2|A∩B|/|A∪B|, the formula that paper B prints.

    The printed value is twice the IoU, so Dice = 2 v / (2 + v); it would run from 0 to 2.

    Parameters
    ----------
    value : array
        In [0, 2].

    Returns
    -------
    array

    Examples
    --------
    >>> from_printed([0.0, 0.832, 2.0]).round(3).tolist()
    [0.0, 0.588, 1.0]
    """
    given = np.asarray(value, dtype=float)
    if not ((given >= 0) & (given <= 2)).all():
        raise ValueError("value must be in [0, 2]")
    return 2 * given / (2 + given)


def printed_table(quantiles: dict[str, float]) -> pd.DataFrame | None:
    """What published coefficients would be under each reading of their formula; None where none are published.

    Parameters
    ----------
    quantiles : dict of name to value
        As printed, in [0, 1].

    Returns
    -------
    DataFrame or None
        `statistic, printed`, `formula_if_dice` (what the printed formula would have given, if the number is a Dice
        coefficient), `dice_if_formula` (the Dice coefficient, if the number came from the printed formula).

    Examples
    --------
    >>> printed_table({"median": 0.832}).set_index("statistic").round(3).to_numpy().tolist()
    [[0.832, 1.425, 0.588]]
    """
    if not quantiles:
        return None
    value = np.array(list(quantiles.values()), dtype=float)
    return pd.DataFrame(
        {
            "statistic": list(quantiles),
            "printed": value,
            "formula_if_dice": 2 * value / (2 - value),
            "dice_if_formula": from_printed(value),
        }
    )


def _masks(outline: ArrayLike, reference: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    given = []
    for name, mask in (("outline", outline), ("reference", reference)):
        array = np.asarray(mask)
        if array.ndim != 3 or not len(array):
            raise ValueError(f"{name} must be (n, height, width) with at least one case, not {array.shape}")
        if array.dtype != bool:
            if not ((array == 0) | (array == 1)).all():
                raise ValueError(f"{name} must hold 0 and 1 only: make it binary with a stated threshold first")
            array = array.astype(bool)
        given.append(array)
    if given[0].shape != given[1].shape:
        raise ValueError(
            f"outline {given[0].shape} and reference {given[1].shape} differ: are they of the same images?"
        )
    return given[0], given[1]


def formula_sentence(table: pd.DataFrame | None) -> str:
    """What the published median would be if the printed formula had been used, in a sentence; empty of None.

    Parameters
    ----------
    table : DataFrame or None
        From `printed_table`, with a row `median`.
    """
    if table is None:
        return ""
    row = table.set_index("statistic").loc["median"]
    return (
        f"The paper's median of {row['printed']:.3f} is a Dice of {row['printed']:.3f} if its formula is misprinted, "
        f"and of "
        f"{row['dice_if_formula']:.3f} if the formula was used as printed."
    )

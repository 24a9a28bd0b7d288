"""What browsers of cases share: cells of the 2 x 2 table, groups of size, filters and the rule when there are many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.book.views.view import Control

CELLS = ("true positive", "false negative", "false positive", "true negative")
SIZES_MM = (10.0, 20.0)
MOST = 400  # cases of one model that a view holds: of three networks less than 2 MB of the page's 3


def cell(label: np.ndarray, risk: np.ndarray, threshold: float) -> np.ndarray:
    """Cell of every case at a threshold, in words.

    Examples
    --------
    >>> cell(np.array([1, 0]), np.array([0.2, 0.2]), 0.5).tolist()
    ['false negative', 'true negative']
    """
    positive, called = np.asarray(label) == 1, np.asarray(risk) >= threshold
    return np.select([positive & called, positive & ~called, ~positive & called], CELLS[:3], default=CELLS[3])


def size_group(millimetres: float) -> str:
    """Group of a diameter.

    Examples
    --------
    >>> size_group(9.9), size_group(20), size_group(float("nan"))
    ('below 10 mm', '20 mm or more', 'unknown')
    """
    if millimetres != millimetres:
        return "unknown"
    low, high = SIZES_MM
    if millimetres < low:
        return f"below {low:g} mm"
    return f"{low:g} to {high:g} mm" if millimetres < high else f"{high:g} mm or more"


def diameter(masks: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Diameter of the disc with the area of each mask, millimetres; NaN for an empty one."""
    area = (np.asarray(masks) > 0).reshape(len(masks), -1).sum(axis=1) * pixel_mm**2
    return np.where(area > 0, 2 * np.sqrt(area / np.pi), np.nan)


def some(case_id: Sequence[str], worst: Sequence[float], most: int | None = None) -> np.ndarray:
    """Places of the cases that are kept: all, or when there are many the worst half of `most` and a sample of the rest.

    The sample is taken at equal steps in the order of `case_id`, so that it looks at nothing else.

    Parameters
    ----------
    case_id : sequence of str
    worst : sequence of float
        How bad each case is; larger is worse.
    most : int
        Cases that are kept at most; None: `MOST`.

    Returns
    -------
    int array
        In the order of `case_id`.

    Examples
    --------
    >>> some(["b", "a", "c"], [0.1, 0.2, 0.9], most=2).tolist()  # c is the worst, a the first of the rest
    [1, 2]
    """
    names, most = np.asarray(case_id, dtype=str), MOST if most is None else most
    order = np.argsort(names, kind="stable")
    if len(order) <= most:
        return order
    bad = order[np.argsort(-np.asarray(worst, dtype=float)[order], kind="stable")[: most // 2]]
    rest = order[~np.isin(order, bad)]
    sample = rest[np.linspace(0, len(rest) - 1, most - len(bad)).round().astype(int)]
    return order[np.isin(order, [*bad, *sample])]


def held(kept: int, of: int, *, worst: str) -> str:
    """How many of all judged cases a view holds, and by which rule they were chosen.

    Examples
    --------
    >>> held(3, 3, worst="Dice")
    'All 3 judged cases are shown.'
    """
    if kept == of:
        return f"All {of:,} judged cases are shown."
    return (
        f"{kept:,} of {of:,} judged cases are shown: the {MOST // 2:,} worst by {worst}, and of the others a sample at "
        "equal steps in the order of their numbers."
    )


def filter_by(
    name: str, label: str, values: Sequence[str], *, order: Sequence[str] = (), always: bool = False
) -> Control:
    """A filter of the choice `case` by a text of every item; `order` first, the rest sorted."""
    values = [str(value) for value in values]
    there = [known for known in order if known in values]
    there += sorted(set(values) - set(there))
    place = {value: i for i, value in enumerate(there)}
    of = tuple(place[value] for value in values)
    return Control(name, "filter", label, tuple(there), of=of, filters="case", always=always)

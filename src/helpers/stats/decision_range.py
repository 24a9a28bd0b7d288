"""What a decision curve is read by: the declared range of risks at which one might act, and the two references."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

REFERENCES = ("all", "none")
NAMES = {"all": "acting on all", "none": "acting on none"}  # in every text, table and figure


def grid(low: float, high: float, step: float) -> np.ndarray:
    """Thresholds from low to high, each the nearest double to its decimal.

    `np.arange(0, 1, 0.01)` yields 0.07000000000000001; risks with two decimals would fall on the wrong side of it.

    Parameters
    ----------
    low, high : float
        In (0, 1), low below high; both are in the grid.
    step : float

    Returns
    -------
    array of shape (m,)

    Examples
    --------
    >>> grid(0.05, 0.08, 0.01).tolist()
    [0.05, 0.06, 0.07, 0.08]
    """
    if not 0 < low < high < 1 or step <= 0:
        raise ValueError(
            f"low, high, step: 0 < low < high < 1 and a positive step are needed, not {low}, {high}, {step}"
        )
    count = int(np.floor((high - low) / step + 1e-9)) + 1
    return np.array([round(low + step * i, 10) for i in range(count)])


def marks(thresholds: np.ndarray, *, count: int = 5) -> np.ndarray:
    """Evenly spread members of a grid, both ends among them, for a table.

    Examples
    --------
    >>> marks(grid(0.05, 0.5, 0.05), count=4).tolist()
    [0.05, 0.2, 0.35, 0.5]
    """
    thresholds = np.asarray(thresholds)
    return thresholds[np.unique(np.linspace(0, len(thresholds) - 1, count).round().astype(int))]


def spans(thresholds: ArrayLike, chosen: ArrayLike) -> list[tuple[float, float]]:
    """Runs of neighbouring thresholds at which something holds, each with its first and its last.

    The first and the last of all would hide the gaps between them.

    Parameters
    ----------
    thresholds : array of shape (m,)
        Sorted.
    chosen : bool array of shape (m,)

    Returns
    -------
    list of (float, float)

    Examples
    --------
    >>> spans([0.05, 0.06, 0.07, 0.08], [True, True, False, True])
    [(0.05, 0.06), (0.08, 0.08)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.asarray(chosen, dtype=bool), [False]])))
    return [(float(thresholds[first]), float(thresholds[last - 1])) for first, last in edges.reshape(-1, 2)]


def named(strategy: str) -> str:
    """What a reader calls a strategy: a model by its name.

    Examples
    --------
    >>> named("video"), named("all")
    ('video', 'acting on all')
    """
    return NAMES.get(strategy, strategy)

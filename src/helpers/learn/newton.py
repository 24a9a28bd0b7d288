"""The step of Newton's method that both penalised models take, for several folds at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ENOUGH = 1e-6  # length of a Newton step at which to stop: what is left is its square


def step_down(
    cost: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], at: np.ndarray, step: np.ndarray, now: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Take the step of every fold, halved until it does not raise the objective of that fold.

    Parameters
    ----------
    cost : callable
        From coefficients to the objective of each fold, shape (folds,), and what the next step needs.
    at, step : arrays of shape (folds, ...)
        Coefficients, and what is taken from them.
    now : array of shape (folds,)
        The objective at `at`.

    Returns
    -------
    at, now, ahead : arrays
        Coefficients after the step, and what `cost` says there.
    done : bool
        Whether the longest step was shorter than `ENOUGH`.

    Examples
    --------
    >>> square = lambda at: ((at**2).sum(axis=1), at)
    >>> at, now, _, done = step_down(square, np.array([[1.0]]), np.array([[4.0]]), np.array([1.0]))
    >>> at.tolist(), now.tolist(), done
    ([[-1.0]], [1.0], False)
    """
    length = np.ones((len(at), *[1] * (at.ndim - 1)))
    new, ahead = cost(at - step)
    while (worse := (new > now + 1e-12) & (length.reshape(-1) > ENOUGH)).any():
        length[worse] /= 2
        new, ahead = cost(at - length * step)
    return at - length * step, new, ahead, bool(np.abs(length * step).max() < ENOUGH)

"""L2-penalised multinomial logistic regression for several classes: Newton's method for several folds at once.

Every class has coefficients of its own, so that no class is the reference and none is shrunk towards another; the
penalty makes them unique. The objective is scikit-learn's, which is the test's oracle.
"""

from __future__ import annotations

import numpy as np

from helpers.learn.newton import step_down


def newton_classes(
    matrices: np.ndarray,
    label: np.ndarray,
    inside: np.ndarray,
    penalty: float,
    start: np.ndarray | None = None,
    *,
    classes: int,
) -> np.ndarray:
    """Coefficients that minimise log-loss sum + |b|^2 / (2 penalty) for each training part; intercepts are free.

    Parameters
    ----------
    matrices : array of shape (folds, n, p)
        Design of all rows by the terms of each fold, a column of ones first; columns that a fold lacks are 0.
    label : int array of shape (n,)
        Class of each row, 0 to `classes` - 1.
    inside : bool or float array of shape (folds, n)
        Rows that a fold learns from, or their weights, 0 for the others.
    penalty : float
        Inverse strength, as scikit-learn's C.
    start : array of shape (folds, classes, p) or None
    classes : int
        At least 2.

    Returns
    -------
    array of shape (folds, classes, p)
        The intercepts of a fold add up to 0.

    Examples
    --------
    >>> label = np.array([0, 0, 1, 1, 1, 1, 2, 2])  # log odds of 2, 4 and 2 in 8, centred
    >>> found = newton_classes(np.ones((1, 8, 1)), label, np.ones((1, 8), bool), 1.0, classes=3)
    >>> found[0, :, 0].round(4).tolist()
    [-0.231, 0.4621, -0.231]
    """
    folds, n, p = matrices.shape
    weight = inside.astype(float)[:, None, :]
    truth = np.eye(classes)[label].T
    ridge = np.full((classes, p), 1 / penalty)
    ridge[:, 0] = 0.0
    # adding one number to all intercepts changes no risk; this term alone says which: those that add up to 0
    level = np.zeros((classes, p, classes, p))
    level[:, 0, :, 0] = 1 / classes
    level = level.reshape(classes * p, classes * p) + np.diag(ridge.ravel() + 1e-12)
    transposed = np.ascontiguousarray(matrices.transpose(0, 2, 1))
    first, second = np.triu_indices(classes)
    same = (first == second)[:, None]

    def cost(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Objective of each fold, and the risks, shape (folds, classes, n)."""
        score = at @ transposed
        top = score.max(axis=1, keepdims=True)
        grown = np.exp(score - top)
        total = grown.sum(axis=1, keepdims=True)
        loss = (weight * (np.log(total) + top)).sum(axis=(1, 2)) - (weight * score * truth).sum(axis=(1, 2))
        centre = at[:, :, 0].sum(axis=1) ** 2 / classes
        return loss + 0.5 * ((ridge * at * at).sum(axis=(1, 2)) + centre), grown / total

    at = np.zeros((folds, classes, p)) if start is None else start.copy()
    now, risk = cost(at)
    for _ in range(100):
        # one product for all pairs of classes: a bootstrap spends its time here
        shared = weight * risk[:, first] * (same - risk[:, second])
        blocks = (shared[:, :, None, :] * transposed[:, None]).reshape(folds, -1, n) @ matrices
        blocks = blocks.reshape(folds, len(first), p, p)
        curvature = np.empty((folds, classes, p, classes, p))
        for place, (a, b) in enumerate(zip(first, second)):
            curvature[:, a, :, b, :] = curvature[:, b, :, a, :] = blocks[:, place]  # a block is symmetric itself
        curvature = curvature.reshape(folds, classes * p, classes * p) + level
        slope = (weight * (risk - truth)) @ matrices + ridge * at
        slope[:, :, 0] += at[:, :, 0].sum(axis=1, keepdims=True) / classes
        step = np.linalg.solve(curvature, slope.reshape(folds, -1, 1)).reshape(folds, classes, p)
        at, now, risk, done = step_down(cost, at, step, now)
        if done:
            break
    return at


def softmax(score: np.ndarray) -> np.ndarray:
    """Risks of classes from their scores along the last axis, without overflow.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    grown = np.exp(score - score.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)

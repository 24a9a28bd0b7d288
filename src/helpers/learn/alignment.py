"""Bring the features of different networks into one space, without looking at a label.

Two trainings of one architecture find different features: the axes of their feature spaces have no relation, and a
head fitted on a mixture of both would read noise. So features are reduced to the principal components of one
network, the final one, and the features of every other network are turned into that space by the rotation, scale
and shift that bring together the cases which both networks have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """Principal components of features: `mean` (width,), `axes` (components, width), `explained` share."""

    mean: np.ndarray
    axes: np.ndarray
    explained: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Scores of features (n, width) on the components, (n, components)."""
        return (features - self.mean) @ self.axes.T


@dataclass(frozen=True)
class Turn:
    """Similarity map of component scores: rotation (and reflection), one scale, one shift."""

    rotation: np.ndarray
    scale: float
    shift: np.ndarray
    left_over: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Map scores (n, components)."""
        return self.scale * (scores @ self.rotation) + self.shift


def principal_components(features: np.ndarray, *, components: int) -> Components:
    """Principal components of features, each axis turned so that its largest loading is positive.

    Parameters
    ----------
    features : array of shape (n, width)
    components : int
        At most; no more than min(n - 1, width) are returned.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = principal_components(rng.normal(size=(50, 3)) * [5, 1, 0.1], components=2)
    >>> found.axes.shape, found.explained > 0.99
    ((2, 3), True)
    """
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or len(features) < 3 or components < 1:
        raise ValueError("features must be (n, width) with n of at least 3, and components at least 1")
    mean = features.mean(axis=0)
    _, size, axes = np.linalg.svd(features - mean, full_matrices=False)
    kept = min(components, len(features) - 1, features.shape[1])
    axes = axes[:kept] * np.sign(axes[np.arange(kept), np.abs(axes[:kept]).argmax(axis=1)])[:, None]
    power = size**2
    return Components(mean, axes, float(power[:kept].sum() / max(power.sum(), 1e-300)))


def procrustes(source: np.ndarray, target: np.ndarray) -> Turn:
    """Rotation, scale and shift that bring `source` closest to `target`, row by row.

    Schönemann and Carroll (1970), doi:10.1007/BF02291478.

    Parameters
    ----------
    source, target : arrays of shape (n, components)
        Scores of the same cases by two networks.

    Returns
    -------
    Turn
        `left_over`: share of the target's variance that the map does not reach, in [0, 1].

    Examples
    --------
    >>> source = np.random.default_rng(0).normal(size=(20, 2))
    >>> quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> turn = procrustes(source, 3 * source @ quarter + 7)
    >>> round(turn.scale, 6), turn.rotation.round(6).tolist()
    (3.0, [[0.0, 1.0], [-1.0, 0.0]])
    """
    source, target = np.asarray(source, dtype=float), np.asarray(target, dtype=float)
    if source.shape != target.shape or source.ndim != 2:
        raise ValueError(f"source {source.shape} and target {target.shape} must be the same cases and components")
    center, goal = source.mean(axis=0), target.mean(axis=0)
    a, b = source - center, target - goal
    left, size, right = np.linalg.svd(a.T @ b)
    rotation = left @ right
    power = float((a**2).sum())
    scale = float(size.sum() / power) if power > 0 else 0.0
    rest = float(((scale * a @ rotation - b) ** 2).sum() / max(float((b**2).sum()), 1e-300))
    return Turn(rotation, scale, goal - scale * center @ rotation, rest)

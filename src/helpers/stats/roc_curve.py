"""The empirical ROC curve with every threshold, and the figure for one or several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats import palette
from helpers.stats.auc import Auc, auc
from helpers.stats.checks import both_classes, labels, scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from helpers.stats.thresholds import Threshold


@dataclass(frozen=True)
class Roc:
    """ROC curve of one model: a point for every distinct score, positive when risk >= threshold.

    Parameters
    ----------
    threshold : ndarray of shape (points,)
        Falling; the first is infinity (nobody positive).
    tp, fp : ndarray of int, shape (points,)
        True and false positives at each threshold.
    n, events : int
    auc : Auc
        With its interval.
    name : str
        Model, for the legend.
    operating : Threshold, float or None
        Frozen threshold to mark.

    Examples
    --------
    >>> curve = roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.frame()["sensitivity"].tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    n: int
    events: int
    auc: Auc
    name: str = "model"
    operating: Threshold | float | None = None

    @property
    def sensitivity(self) -> np.ndarray:
        """Share of positives at or above each threshold."""
        return self.tp / self.events

    @property
    def specificity(self) -> np.ndarray:
        """Share of negatives below each threshold."""
        return 1 - self.fp / (self.n - self.events)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        return "Empirical ROC curve, all thresholds. " + self.auc.methods

    def frame(self) -> pd.DataFrame:
        """Return `threshold, sensitivity, specificity, tp, fp`, thresholds falling."""
        columns = {"threshold": self.threshold, "sensitivity": self.sensitivity, "specificity": self.specificity}
        return pd.DataFrame({**columns, "tp": self.tp, "fp": self.fp})

    def at(self, threshold: Threshold | float) -> tuple[float, float]:
        """Sensitivity and specificity when risk >= threshold is positive."""
        # thresholds fall: the last one that is not below the cut
        point = int(np.searchsorted(-self.threshold, -float(threshold), side="right")) - 1
        return float(self.sensitivity[point]), float(self.specificity[point])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve on a square with the diagonal, AUC and interval in the legend."""
        return plot_rocs([self], ax=ax)


def roc(
    label: ArrayLike,
    risk: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
    interval: str = "wald",
    name: str = "model",
    threshold: Threshold | float | None = None,
) -> Roc:
    """Empirical ROC curve.

    Fawcett (2006), doi:10.1016/j.patrec.2005.10.010.

    Parameters
    ----------
    label, risk : arrays of shape (n,)
        0/1, and a finite score, higher meaning more likely positive.
    patient_id : array of shape (n,) or None
        Patient of each case, for the interval of the AUC.
    level : float
    interval : str
        Of the AUC; as in `auc`.
    name : str
        Model, for the legend.
    threshold : Threshold, float or None
        Frozen operating point to mark in the figure.

    Returns
    -------
    Roc

    Raises
    ------
    ValueError
        As `auc`.

    Examples
    --------
    >>> curve = roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.frame()["threshold"].tolist()
    [inf, 0.8, 0.4, 0.35, 0.1]
    """
    positive = labels(label)
    events, _ = both_classes(positive)
    score = scores(risk, positive.size)
    threshold_at, tp, fp = points(positive, score)
    area = auc(positive, score, patient_id=patient_id, level=level, interval=interval)
    return Roc(threshold_at, tp, fp, positive.size, events, area, name, threshold)


def points(
    positive: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds from infinity down, with the true and false positives at each.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    score : ndarray of float, shape (n,)
    weight : ndarray of int, shape (n,) or None
        How often each row counts.

    Returns
    -------
    threshold, tp, fp : ndarray of shape (distinct scores + 1,)

    Examples
    --------
    >>> [a.tolist() for a in points(np.array([False, True]), np.array([0.2, 0.7]))]
    [[inf, 0.7, 0.2], [0, 1, 1], [0, 0, 1]]
    """
    order = np.argsort(-score, kind="stable")
    ordered, hit = score[order], positive[order]
    end = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)
    if weight is None:
        tp = np.cumsum(hit, dtype=np.int64)[end]
        fp = end + 1 - tp
    else:
        counted = weight[order]
        tp = np.cumsum(counted * hit)[end]
        fp = np.cumsum(counted)[end] - tp
    return np.append(np.inf, ordered[end]), np.append(0, tp), np.append(0, fp)


def plot_rocs(
    curves: Sequence[Roc], *, ax: Axes | None = None, looks: Mapping[str, palette.Style] | None = None
) -> Axes:
    """Draw ROC curves of several models on one square.

    Parameters
    ----------
    curves : sequence of Roc
        Names must differ.
    ax : matplotlib Axes or None
        None makes a new figure.
    looks : mapping of model to Style, or None
        From `palette.styles` over all models of the study; None: by the order of the curves.

    Returns
    -------
    matplotlib Axes
        Legend with AUC and interval; n and events once when all curves share them.

    Raises
    ------
    ValueError
        If there is no curve, or two have one name.

    Examples
    --------
    >>> ax = plot_rocs([roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], name="image")])
    >>> ax.get_legend().get_texts()[0].get_text()
    'image: AUC 0.75 (95 % CI 0.06 to 1.00)'
    """
    names = [curve.name for curve in curves]
    if not curves or len(set(names)) < len(names):
        raise ValueError("curves: at least one is needed, each with a name of its own")
    looks = dict(looks) if looks is not None else palette.styles(names)
    ax = palette.roc_square(ax)
    sizes = {(curve.n, curve.events) for curve in curves}
    for curve in curves:
        look = looks[curve.name]
        text = f"{curve.name}: AUC {curve.auc.text(2)}"
        if len(sizes) > 1:
            text += f"\n{_size(curve.n, curve.events)}"
        keep = corners(curve.fp, curve.tp)
        ax.plot(
            1 - curve.specificity[keep],
            curve.sensitivity[keep],
            label=palette.label(text),
            linewidth=1.6,
            **look.line(),
        )
        if curve.operating is not None:
            sensitivity, specificity = curve.at(curve.operating)
            ax.plot(
                1 - specificity,
                sensitivity,
                **look.point(),
                markersize=8,
                markeredgecolor="white",
                zorder=4,
                label=f"at {float(curve.operating):.3g}: sensitivity {sensitivity:.2f}, specificity {specificity:.2f}",
            )
    title = _size(*sizes.pop()) if len(sizes) == 1 else None
    legend_below(ax, fontsize="small", title=title, title_fontsize="small")
    return ax


def legend_below(ax: Axes, **options: object) -> None:
    """Put the legend under the square: inside it, a curve may run anywhere, also below the diagonal."""
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), borderaxespad=0, frameon=False, **options)


def _size(n: int, events: int) -> str:
    return f"n = {n}, {events} event{'s' * (events != 1)}"


def corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Places of the points that draw a curve: none on a straight run, so that the SVG of a million cases stays small.

    Parameters
    ----------
    x, y : ndarray of int, shape (points,)
        Rising counts of false and true positives.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> corners(np.array([0, 0, 0, 1, 2]), np.array([0, 1, 2, 2, 2])).tolist()
    [0, 2, 4]
    """
    dx, dy = np.diff(x), np.diff(y)
    keep = np.ones(x.size, dtype=bool)
    keep[1:-1] = dx[1:] * dy[:-1] != dx[:-1] * dy[1:]
    place = np.flatnonzero(keep)
    if place.size > 4000:  # finer than a pixel of any figure
        cell = np.floor(x[place] / max(x[-1], 1) * 2000) * 4000 + np.floor(y[place] / max(y[-1], 1) * 2000)
        first = np.append(True, cell[1:] != cell[:-1])
        first[-1] = True
        place = place[first]
    return place

"""The same networks on two inputs, such as video and still: paired differences, one family of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.auc import compare_auc
from helpers.stats.families import holm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Twins:
    """Differences in AUC between two families, network by network.

    Attributes
    ----------
    first, second : str
        Names of the families; a difference is first minus second.
    pairs : DataFrame
        `network, auc_first, auc_second, difference, low, high, p_value, p_holm`.
    n, events : int
    methods : str
    """

    first: str
    second: str
    pairs: pd.DataFrame
    n: int
    events: int
    methods: str

    def frame(self) -> pd.DataFrame:
        """One row a network."""
        return self.pairs.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the differences with their intervals, zero marked."""
        ax = palette.axes(ax)
        table, rows = self.pairs, np.arange(len(self.pairs))
        errors = np.vstack([table["difference"] - table["low"], table["high"] - table["difference"]])
        ax.errorbar(table["difference"], rows, xerr=errors, fmt="o", color=palette.COLORS[0], capsize=3)
        ax.axvline(0, color=palette.REFERENCE, linewidth=0.9, linestyle=(0, (2, 2)))
        ax.set_yticks(rows, table["network"])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlabel(f"Difference in AUC, {self.first} minus {self.second}")
        return ax


def compare(
    label: ArrayLike,
    first: Mapping[str, ArrayLike],
    second: Mapping[str, ArrayLike],
    *,
    names: tuple[str, str],
    patient_id: ArrayLike | None = None,
    level: float = 0.95,
) -> Twins:
    """Compare each network with its twin on the same cases; P values are adjusted over all of them by Holm.

    Parameters
    ----------
    label : array of shape (n,)
        0 or 1.
    first, second : mapping of network to array of shape (n,)
        Risks; networks of one family only are left out.
    names : pair of str
        What the families are called.
    patient_id : array of shape (n,), optional
        For cases that share a patient (Obuchowski 1997, doi:10.2307/2533958).
    level : float

    Returns
    -------
    Twins

    Raises
    ------
    ValueError
        If no network is in both families.

    Examples
    --------
    >>> y, a, b = [0, 0, 1, 1, 1], [1, 4, 3, 8, 9], [2, 3, 1, 4, 3]
    >>> compare(y, {"net": a}, {"net": b}, names=("video", "still")).frame()["difference"].round(3).tolist()
    [0.25]
    """
    shared = [network for network in first if network in second]
    if not shared:
        raise ValueError(f"second: no network of {names[0]} is in {names[1]} too")
    rows = []
    for network in shared:
        made = compare_auc(label, first[network], second[network], patient_id=patient_id, level=level)
        aucs = {"auc_first": made.auc_a.value, "auc_second": made.auc_b.value}
        rows.append(
            {"network": network, **aucs, **{k: getattr(made, k) for k in ("difference", "low", "high", "p_value")}}
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_value"])
    size = f"n = {made.auc_a.n}, {made.auc_a.events} events"
    text = (
        f"Paired differences in AUC by DeLong (doi:10.2307/2531595), {names[0]} minus {names[1]}, P values of the "
        f"{len(table)} networks adjusted by Holm (https://www.jstor.org/stable/4615733); {size}."
    )
    return Twins(*names, table, made.auc_a.n, made.auc_a.events, text)

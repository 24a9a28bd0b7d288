"""How many patients a comparison of two accuracies on the same patients needs."""

from __future__ import annotations

from math import ceil, sqrt

import pandas as pd
from scipy.special import ndtr, ndtri

METHODS = (
    "Patients for McNemar's test at a two-sided 5 % with a power of 80 % (Connor 1987, Biometrics 43:207-211). How "
    "many are needed depends on how often the two disagree: from as rarely as the accuracies allow, over half way, to "
    "as often as if each erred without regard to the other."
)
SHARES = {"errors nested": 0.0, "half way": 0.5, "errors unrelated": 1.0}


def paired_size(difference: float, disagree: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Patients needed to find a difference of two accuracies by McNemar's test.

    Connor (1987), Biometrics 43:207-211.

    Parameters
    ----------
    difference : float
        Between the accuracies, not 0, in [-1, 1].
    disagree : float
        Share of patients in whom exactly one of the two is right; at least the size of the difference, at most 1.
    alpha : float
        Two-sided, in (0, 1).
    power : float
        In (0, 1).

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> paired_size(0.40, 0.50)
    23
    """
    _check(difference, disagree)
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: must be inside (0, 1), found {value!r}")
    reach = ndtri(1 - alpha / 2) * sqrt(disagree) + ndtri(power) * sqrt(disagree - difference**2)
    return ceil((reach / difference) ** 2)


def paired_power(n: int, difference: float, disagree: float, *, alpha: float = 0.05) -> float:
    """Chance that McNemar's test of `n` patients finds a difference; arguments as in `paired_size`.

    Examples
    --------
    >>> 0.80 < paired_power(23, 0.40, 0.50) < 0.82
    True
    """
    _check(difference, disagree)
    spread = sqrt(disagree - difference**2)
    shift, edge = abs(difference) * sqrt(n), ndtri(1 - alpha / 2) * sqrt(disagree)
    if spread == 0:  # everybody disagrees the same way
        return float(shift > edge)
    return float(ndtr((shift - edge) / spread) + ndtr((-shift - edge) / spread))


def sizes(first: float, second: float, *, n: int) -> pd.DataFrame:
    """What a comparison of two printed accuracies would need, over all that is possible of their disagreement.

    Parameters
    ----------
    first, second : float
        Accuracies in (0, 1), different.
    n : int
        Patients that there are.

    Returns
    -------
    DataFrame
        `errors, disagree, needed, power` (with `n` patients).

    Examples
    --------
    >>> sizes(0.95, 0.84, n=34)["needed"].tolist()
    [69, 97, 124]
    """
    difference = first - second
    least, most = abs(difference), first * (1 - second) + second * (1 - first)
    rows = []
    for name, share in SHARES.items():
        disagree = least + share * (most - least)
        rows.append((name, disagree, paired_size(difference, disagree), paired_power(n, difference, disagree)))
    return pd.DataFrame(rows, columns=["errors", "disagree", "needed", "power"])


def _check(difference: float, disagree: float) -> None:
    if not 0 < abs(difference) <= 1:
        raise ValueError(f"difference: must be in [-1, 1] and not 0, found {difference!r}")
    if not abs(difference) <= disagree <= 1:
        raise ValueError(f"disagree: must be from |difference| to 1, found {disagree!r}")

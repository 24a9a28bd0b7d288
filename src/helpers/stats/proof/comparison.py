"""One comparison of our number with a reference value: the folder it comes from, and the row it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

FLOOR = 1e-6  # values smaller than this are compared on this scale: R itself prints P values as 1 - F, to 1e-16
EXACT = 1e-9  # what fifteen printed digits and another order of additions allow
# why a difference is larger than rounding: both programs draw at random, or the reference stopped early or was rounded
KINDS = ("exact", "iterative", "simulated")
COLUMNS = [
    *("function", "quantity", "data", "package", "version", "ours", "reference"),
    *("relative_difference", "tolerance", "kind", "agrees"),
]


@dataclass(frozen=True)
class Folder:
    """A folder with data and the values that a reference program computed from them.

    Parameters
    ----------
    path : Path
        Holds `expected*.json`, and `data.csv` where there are data.

    Examples
    --------
    >>> Folder(Path("tests/reference/roc_ties")).expected()["reference"]["pROC"]
    '1.18.0'
    """

    path: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @cached_property
    def data(self) -> pd.DataFrame:
        """The table `data.csv`."""
        return pd.read_csv(self.path / "data.csv")

    def expected(self, name: str = "expected") -> dict[str, Any]:
        """The reference values in `<name>.json`."""
        return json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))


class Recorder:
    """Collects comparisons of one folder as rows.

    Parameters
    ----------
    folder : Folder
    expected : dict
        With `reference`: a mapping from package to version.

    Examples
    --------
    >>> made = Recorder(Folder(Path("roc_ties")), {"reference": {"R": "4.2.2", "pROC": "1.18.0"}})
    >>> made.add("auc", "AUC", 0.75, 0.75, package="pROC")
    >>> made.rows[0]["version"], made.rows[0]["relative_difference"], made.rows[0]["agrees"]
    ('1.18.0', 0.0, True)
    """

    def __init__(self, folder: Folder, expected: dict[str, Any]) -> None:
        self.folder, self.versions, self.rows = folder, expected.get("reference", {}), []

    def add(
        self,
        function: str,
        quantity: str,
        ours: ArrayLike,
        reference: ArrayLike,
        *,
        package: str = "R",
        tolerance: float = EXACT,
        kind: str = "exact",
        scale: float | None = None,
    ) -> None:
        """Compare numbers of equal shape, one row each.

        Parameters
        ----------
        function : str
            Ours, by its public name.
        quantity : str
            What is compared.
        ours, reference : float or arrays of equal shape
            None or NaN: not defined; both must be.
        package : str
            Reference program; its version is looked up among those recorded in the folder. `closed formula` has none.
        tolerance : float
            Largest relative difference that counts as agreement.
        kind : str
            One of `KINDS`.
        scale : float or None
            What differences are divided by; None: the size of the reference value, at least 1e-6.

        Raises
        ------
        ValueError
            If the shapes differ or the kind is unknown.
        """
        mine, theirs = _numbers(ours), _numbers(reference)
        if mine.shape != theirs.shape or kind not in KINDS:
            raise ValueError(f"{function}, {quantity}: shapes {mine.shape} and {theirs.shape}, kind {kind!r}")
        for index, (a, b) in enumerate(zip(mine, theirs)):
            apart = relative_difference(a, b, scale=scale)
            row = [function, quantity + (f" [{index + 1}]" if mine.size > 1 else ""), self.folder.name, package]
            version = self.versions.get(package, "4.2.2" if package == "R" else "")
            row += [version, a, b, apart, tolerance, kind, bool(apart <= tolerance)]
            self.rows.append(dict(zip(COLUMNS, row)))


def relative_difference(ours: float, reference: float, *, scale: float | None = None) -> float:
    """Difference divided by the size of the reference value, which counts as 1e-6 where it is smaller.

    Parameters
    ----------
    ours, reference : float
        Two infinities of one sign, and two values that are not defined, agree.
    scale : float or None
        Divide by this instead.

    Returns
    -------
    float
        Infinite where one is defined and the other not.

    Examples
    --------
    >>> relative_difference(1.01, 1.0).__round__(6), relative_difference(float("nan"), 1.0)
    (0.01, inf)
    """
    if np.isnan(ours) or np.isnan(reference) or np.isinf(ours) or np.isinf(reference):
        return 0.0 if ours == reference or (np.isnan(ours) and np.isnan(reference)) else np.inf
    return float(abs(ours - reference) / (scale or max(abs(reference), FLOOR)))


def _numbers(values: ArrayLike) -> np.ndarray:
    flat = np.ravel(np.array(values, dtype=object))
    return np.array([np.nan if value is None else float(value) for value in flat])


Comparison = Callable[[Folder], list[dict[str, Any]]]

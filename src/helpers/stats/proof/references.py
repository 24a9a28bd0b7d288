"""Do our numbers equal those of the programs that statisticians trust? Every function with a reference value."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.stats.proof import claim_values, cohort_values, reader_values, risk_values, roc_values, table_values
from helpers.stats.proof.comparison import COLUMNS, EXACT, FLOOR, KINDS, Folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Compare = Callable[[Folder], list[dict[str, Any]]]

# folder of reference values: what is compared with them
COMMITTED: dict[str, Compare] = {
    "roc_ties": roc_values.curves,
    "roc_edge": roc_values.edges,
    "clustered_nodules": roc_values.clusters,
    "diagnostic_accuracy": table_values.two_by_two,
    "paired_tests": table_values.paired,
    "calibration_overconfident": risk_values.calibrated,
    "calibration_small_curved": risk_values.calibrated,
    "dca_case_control_ties": risk_values.decided,
    "firth_separation": risk_values.penalised,
    "sample_size_riley": risk_values.development,
    "sample_size_validation": risk_values.validation,
    "mrmc_ai_help": reader_values.crossed,
    "reader_agreement": reader_values.agreements,
    "integer_consistency": claim_values.whole_numbers,
}
# data under licences of their own, which are not committed
OUTSIDE: dict[str, Compare] = {
    "roc_asah": roc_values.curves,
    "calibration_vignette": risk_values.calibrated,
    "dca_binary": risk_values.decided,
    "mrmc_vandyke": reader_values.crossed,
    "mrmc_viper_split_plot": reader_values.split_plot,
    "table1_pbc": lambda folder: cohort_values.baseline(folder, folder.data),
    "table1_thyroid": lambda folder: cohort_values.baseline(folder, pd.read_csv(_thyroid(folder.path), sep=";")),
}
WORDS = {
    "exact": "computed alike: only rounding differs",
    "iterative": "the reference stops an iteration early, or prints few digits",
    "simulated": "one or both draw random numbers",
}
METHODS = (
    "Each number was computed anew by the functions of this book and set beside the value that the reference program "
    "printed with 15 digits (R 4.2.2 and its packages); the difference is divided by the size of the reference value, "
    f"which counts as {FLOOR:g} where it is smaller, and for bootstrap limits, rounded values and Firth's coefficients "
    "it is taken as it is. Programs: pROC (doi:10.1186/1471-2105-12-77), MRMCaov (doi:10.1117/12.2549075)."
)


@dataclass(frozen=True)
class Agreement:
    """Our numbers beside reference values; from `agreement_with_references`.

    Parameters
    ----------
    table : DataFrame
        One row a number: `function, quantity, data, package, version, ours, reference, relative_difference,
        tolerance, kind, agrees`.
    used, absent : tuple of str
        Folders that were compared, and those whose data were not at hand.
    """

    table: pd.DataFrame
    used: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every number is within its tolerance."""
        return bool(self.table["agrees"].all())

    def frame(self) -> pd.DataFrame:
        """Return one row a number."""
        return self.table.copy()

    def summary(self) -> pd.DataFrame:
        """Return one row a function and kind of comparison.

        Columns: `function, kind, values, largest, median` (relative differences)`, tolerance` (the widest used)`,
        packages, agrees`.
        """
        rows = []
        for (function, kind), part in self.table.groupby(["function", "kind"], sort=False):
            apart = part["relative_difference"]
            named = {f"{row.package} {row.version}".strip() for row in part.itertuples()}
            rows.append(
                {
                    "function": function,
                    "kind": kind,
                    "values": len(part),
                    "largest": apart.max(),
                    "median": apart.median(),
                    "tolerance": part["tolerance"].max(),
                    "packages": ", ".join(sorted(named)),
                    "agrees": bool(part["agrees"].all()),
                }
            )
        order = {kind: place for place, kind in enumerate(KINDS)}
        frame = pd.DataFrame(rows)
        return frame.sort_values(
            ["kind", "function"], key=lambda c: c.map(order) if c.name == "kind" else c.str.lower()
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the largest difference of each function on a logarithmic axis, with its tolerance as a tick."""
        from helpers.stats.palette import REFERENCE, axes, styles

        table = self.summary().reset_index(drop=True)
        ax = axes(ax, width=6.4, height=0.9 + 0.24 * len(table))
        look, smallest = styles(KINDS), 1e-17
        for kind, part in table.groupby("kind", sort=False):
            shown = np.clip(part["largest"].replace(np.inf, 10.0), smallest, None)
            ax.plot(shown, part.index, label=f"{kind}: {WORDS[kind]}", **look[kind].point())
        ax.plot(table["tolerance"], table.index, ls="none", marker="|", ms=9, color="black", label="tolerance")
        ax.axvline(EXACT, color=REFERENCE, lw=0.8, ls=":")
        places = [f"{row.function}, {row.values} values" for row in table.itertuples()]
        ax.set_yticks(range(len(table)), places, fontsize="x-small")
        ax.set(xscale="log", xlim=(smallest / 3, 1), xlabel="Largest relative difference from the reference value")
        ax.invert_yaxis()
        ax.legend(fontsize="x-small", frameon=False, loc="lower center", bbox_to_anchor=(0.3, 1.0))
        return ax


def agreement_with_references(folder: str | Path, *, outside: str | Path | None = None) -> Agreement:
    """Compute every number again that has a reference value, and set them side by side.

    Parameters
    ----------
    folder : path
        Folder with one folder for each set of reference values, such as `tests/reference`.
    outside : path or None
        Folder with outside data, or beside one named `oracles`, for the real tables that are not committed. What is
        not there is left out and named in `absent`.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If a committed folder is missing, or holds values that nothing is compared with.

    Examples
    --------
    >>> made = agreement_with_references("tests/reference")
    >>> made.agrees, len(made.frame()) > 1000
    (True, True)
    """
    root = Path(folder)
    present = {path.parent.name for path in root.glob("*/expected*.json")}
    missing, unused = sorted(COMMITTED.keys() - present), sorted(present - COMMITTED.keys() - OUTSIDE.keys())
    if missing or unused:
        text = f"without values: {', '.join(missing) or 'none'}; not compared: {', '.join(unused) or 'none'}"
        raise ValueError(f"folder: {root.name} does not hold the reference values that are compared; {text}")
    rows, used, absent = [], [], []
    for name, compare in COMMITTED.items():
        rows += compare(Folder(root / name))
        used.append(name)
    for name, compare in OUTSIDE.items():
        place = _place(name, outside)
        if place is None:
            absent.append(name)
        else:
            rows += compare(Folder(place))
            used.append(name)
    return Agreement(pd.DataFrame(rows, columns=COLUMNS), tuple(used), tuple(absent))


def outside_data() -> Path | None:
    """The folder of outside data that the variable THYROBOOK_DATA names, or None.

    Examples
    --------
    >>> found = outside_data()
    >>> found is None or found.is_dir()
    True
    """
    named = os.environ.get("THYROBOOK_DATA", "")
    return Path(named) if named and Path(named).is_dir() else None


def _place(name: str, outside: str | Path | None) -> Path | None:
    """Folder with the values and the data of a real table."""
    if outside is None:
        return None
    for root in (Path(outside), Path(outside) / "oracles", Path(outside).parent / "oracles"):
        place = root / name
        data = _thyroid(place) if name == "table1_thyroid" else place / "data.csv"
        if any(place.glob("expected*.json")) and data is not None and data.is_file():
            return place
    return None


def _thyroid(place: Path) -> Path | None:
    """The thyroid table lies in the data set that it belongs to, not beside its reference values."""
    below = Path("thyroid_dtc_clinical") / "Thyroid_Diff.csv"
    near = (place.parent, place.parent.parent, place.parent.parent / "data")
    return next((root / below for root in near if (root / below).is_file()), None)

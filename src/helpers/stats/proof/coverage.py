"""Do 95 % intervals hold the truth 95 times in 100, at the sizes of the four papers?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.proof import model_intervals, picture_intervals, reader_intervals
from helpers.stats.proof.designs import DESIGNS, Design
from helpers.stats.proof.drawing import dots, labels, wide
from helpers.stats.proof.folds import FOLDS, of_folds
from helpers.stats.proof.picture_designs import CENTRES, FEW_NODES, HOSPITALS, NODES
from helpers.stats.proof.reader_designs import FEW_GRADES, FEW_HELPED, GRADES, HELPED, READERS, THREE, TITLES
from helpers.stats.proof.simulation import MARGIN, NOMINAL, Family, count_coverage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["design", "measure", "method", "role", "truth", "coverage", "low", "high", "replicates"]
CHOICES = ("AUC", "Sensitivity", "Specificity")  # measures with several intervals, drawn side by side
METHODS = (
    "The book's own functions were run on simulated studies whose true values are known in closed form (of "
    "cross-validation by a large simulation): binormal scores with risks by Bayes' rule, patients with several cases "
    "sharing part of label and score, readers after Roe and Metz (doi:10.1016/S1076-6332(97)80032-3), outlines with "
    "normal probits of the Dice coefficient; share of 95 % intervals that hold the truth, with Wilson's interval of "
    "the Monte Carlo error "
    "(doi:10.1080/01621459.1927.10502953). Design of the simulation: Morris, White and Crowther (2019), "
    "doi:10.1002/sim.8086."
)


@dataclass(frozen=True)
class Coverage:
    """Coverages of intervals; from `simulate_coverage`.

    Parameters
    ----------
    table : DataFrame
        One row a design and interval; see `simulation.count_coverage`.
    replicates : int

    Examples
    --------
    >>> rows = {"design": "A", "measure": "AUC", "method": ["Wald", "logit"], "role": ["printed", "offered"],
    ...         "coverage": [0.8, 0.95], "low": [0.75, 0.93], "high": [0.85, 0.96]}
    >>> made = Coverage(pd.DataFrame(rows), 200)
    >>> made.too_narrow()[["method", "better", "better_coverage"]].values.tolist()
    [['Wald', 'logit', 0.95]]
    """

    table: pd.DataFrame
    replicates: int

    def frame(self) -> pd.DataFrame:
        """Return one row a design and interval."""
        return self.table.copy()

    def too_narrow(self, role: str = "printed") -> pd.DataFrame:
        """Intervals that clearly hold the truth too rarely, with the best one the book offers for the same measure.

        Clearly: the Monte Carlo interval of the coverage lies below 95 % by more than a point. The better one is,
        of those in the book whose coverage is higher beyond Monte Carlo error, the one nearest to 95 %.

        Returns
        -------
        DataFrame
            The rows, worst first, with `better, better_coverage` (missing when the book offers none).
        """
        rows = self.table[(self.table["role"] == role) & (self.table["high"] < NOMINAL - MARGIN)].copy()
        found = [self._better(row) for row in rows.to_dict("records")]
        rows["better"] = pd.Series([name for name, _ in found], index=rows.index, dtype=object)
        rows["better_coverage"] = pd.Series([value for _, value in found], index=rows.index, dtype=float)
        return rows.sort_values("coverage")

    def too_wide(self, role: str = "printed") -> pd.DataFrame:
        """Intervals that clearly hold the truth too often, the widest margin first."""
        rows = self.table[(self.table["role"] == role) & (self.table["low"] > NOMINAL + MARGIN)]
        return rows.sort_values("coverage", ascending=False)

    def _better(self, row: dict) -> tuple[str | None, float]:
        same = self.table[(self.table["design"] == row["design"]) & (self.table["measure"] == row["measure"])]
        good = same[(same["role"] != "wrong") & (same["low"] > row["high"])]
        if good.empty:
            return None, np.nan
        best = good.loc[(good["coverage"] - NOMINAL).abs().idxmin()]
        return best["method"], float(best["coverage"])

    def plot(self) -> Figure:
        """Draw the coverage of every printed interval of models, a mark for each design."""
        rows = self._printed(readers=False)
        return self._draw(rows.assign(label=labels(rows, "measure")))

    def plot_readers(self) -> Figure:
        """Draw that of readers, of several classes, of outlines, of hospitals and of cross-validation."""
        rows = self._printed(readers=True)
        return self._draw(rows.assign(label=labels(rows, "measure")))

    def choices(self) -> pd.DataFrame:
        """Return every interval of the measures for which the book has several, and those that ignore patients."""
        rows = self.table[self.table["measure"].isin(CHOICES)]
        places = {measure: place for place, measure in enumerate(CHOICES)}
        return rows.sort_values("measure", key=lambda column: column.map(places), kind="stable")

    def plot_choices(self) -> Figure:
        """Draw the intervals of `choices`."""
        rows = self.choices()
        return self._draw(rows.assign(label=rows["measure"] + ": " + rows["method"]))

    def _draw(self, rows: pd.DataFrame) -> Figure:
        xlabel = "Share of intervals that hold the truth"
        return dots(rows, value="coverage", line=NOMINAL, limits=(0.6, 1.0), xlabel=xlabel, designs=TITLES)

    def by_design(self) -> pd.DataFrame:
        """Return the printed intervals of models in a wide table: a row a measure, a column a design."""
        return wide(self._printed(readers=False), "measure", "coverage")

    def of_models(self) -> pd.DataFrame:
        """Return the printed intervals of models, one row each."""
        return self._printed(readers=False)[COLUMNS].reset_index(drop=True)

    def of_readers(self) -> pd.DataFrame:
        """Return those of readers, several classes, outlines, hospitals and cross-validation, one row each."""
        return self._printed(readers=True)[COLUMNS].reset_index(drop=True)

    def _printed(self, *, readers: bool) -> pd.DataFrame:
        models = self.table["design"].isin([design.title for design in DESIGNS])
        return self.table[(self.table["role"] == "printed") & (models != readers)]


def simulate_coverage(
    replicates: int, *, designs: tuple[Design, ...] = DESIGNS, readers: bool = True, workers: int = 1
) -> Coverage:
    """Count the coverage of the intervals of the book at the sizes of the four papers.

    Random numbers depend on the design's name and the number of the replicate alone, so that a longer run holds a
    shorter one. Intervals that take long, as those that resample do, run a part of the replicates, as the table says.

    Parameters
    ----------
    replicates : int
        Simulated studies of each design.
    designs : tuple of Design
    readers : bool
        Also simulate readers, several classes, outlines, hospitals and cross-validation.
    workers : int
        Processes; the counts do not depend on it.

    Returns
    -------
    Coverage

    Raises
    ------
    ValueError
        If there are fewer than ten replicates.

    Examples
    --------
    >>> from helpers.stats.proof.designs import C
    >>> made = simulate_coverage(20, designs=(C,), readers=False).frame()
    >>> made.query("measure == 'Sensitivity' and role == 'printed'")["replicates"].tolist()
    [20]
    """
    table = count_coverage(partial(_families, designs, readers), replicates, workers=workers)
    return Coverage(table, int(replicates))


@lru_cache(maxsize=2)  # once a process: some families compute their truth by simulation
def _families(designs: tuple[Design, ...], readers: bool) -> list[Family]:
    families: list[Family] = [family for design in designs for family in model_intervals.families(design)]
    if readers:
        families += reader_intervals.of_readers(READERS) + reader_intervals.of_classes(THREE)
        families += reader_intervals.of_agreement(GRADES) + reader_intervals.of_agreement(FEW_GRADES)
        families += picture_intervals.of_outlines(NODES) + picture_intervals.of_outlines(FEW_NODES)
        families += reader_intervals.of_help(HELPED) + reader_intervals.of_help(FEW_HELPED)
        families += picture_intervals.of_hospitals(HOSPITALS) + of_folds(FOLDS)
        families += picture_intervals.of_centres(CENTRES)
    return families

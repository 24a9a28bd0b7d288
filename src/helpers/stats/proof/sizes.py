"""Does each test reject as rarely as it says when nothing differs, and how often when something does?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.proof import model_tests, reader_tests
from helpers.stats.proof.designs import CLIPS, DESIGNS, NEAR_ONE, A, D, Design
from helpers.stats.proof.drawing import dots, labels, wide
from helpers.stats.proof.reader_designs import FEW_GRADES, GRADES, NO_HELP, READERS, TITLES
from helpers.stats.proof.simulation import ALPHA, MARGIN, Family, count_rejections

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TESTED = tuple(design for design in DESIGNS if design != NEAR_ONE)
POWERED = (A, D, CLIPS)  # where the power is counted too, on a quarter of the replicates
METHODS = (
    "P values of the book's own functions on simulated studies (binormal scores; readers after Roe and Metz, "
    "doi:10.1016/S1076-6332(97)80032-3) in which nothing differs; share of P values of at most 0.05, with Wilson's "
    "interval of the Monte Carlo error (doi:10.1080/01621459.1927.10502953). Design of the simulation: Morris, White "
    "and Crowther (2019), doi:10.1002/sim.8086."
)


@dataclass(frozen=True)
class Sizes:
    """Shares of rejections; from `simulate_sizes`.

    Parameters
    ----------
    table : DataFrame
        One row a design and test: `design, test, method, role, replicates, rejected, share, low, high, not_given,
        power, power_low, power_high, power_replicates`.
    replicates : int
    """

    table: pd.DataFrame
    replicates: int

    def frame(self) -> pd.DataFrame:
        """Return one row a design and test."""
        return self.table.copy()

    def liberal(self, role: str = "printed") -> pd.DataFrame:
        """Tests that clearly reject too often: the Monte Carlo interval lies above 5 % by more than a point."""
        rows = self.table[self.table["role"] == role]
        return rows[rows["low"] > ALPHA + MARGIN].sort_values("share", ascending=False)

    def timid(self, role: str = "printed") -> pd.DataFrame:
        """Tests that clearly reject too rarely: the Monte Carlo interval lies below 5 % by more than a point."""
        rows = self.table[self.table["role"] == role]
        return rows[rows["high"] < ALPHA - MARGIN].sort_values("share")

    def plot(self) -> Figure:
        """Draw the size of every test that the book prints, a mark for each design."""
        rows = self.table[self.table["role"] == "printed"]
        xlabel = "Share of P values of at most 0.05 where nothing differs"
        rows = rows.assign(label=labels(rows, "test"))
        return dots(rows, value="share", line=ALPHA, limits=(0.0, 0.3), xlabel=xlabel, designs=TITLES)

    def by_design(self) -> pd.DataFrame:
        """Return the printed tests of models in a wide table: a row a test, a column a design, the size in it."""
        return wide(self._printed(readers=False), "test", "share")

    def of_readers(self) -> pd.DataFrame:
        """Return the printed tests of readers, one row each."""
        columns = ["design", "test", "method", "share", "low", "high", "replicates"]
        return self._printed(readers=True)[columns].reset_index(drop=True)

    def _printed(self, *, readers: bool) -> pd.DataFrame:
        models = self.table["design"].isin([design.title for design in DESIGNS])
        return self.table[(self.table["role"] == "printed") & (models != readers)]


def simulate_sizes(
    replicates: int, *, designs: tuple[Design, ...] = TESTED, readers: bool = True, workers: int = 1
) -> Sizes:
    """Count rejections of every test at the sizes of the four papers.

    Parameters
    ----------
    replicates : int
        Simulated studies without any difference; costly tests run a part of them, as the table says.
    designs : tuple of Design
    readers : bool
        Also simulate readers.
    workers : int
        Processes; the counts do not depend on it.

    Returns
    -------
    Sizes

    Raises
    ------
    ValueError
        If there are fewer than ten replicates.

    Examples
    --------
    >>> made = simulate_sizes(20, designs=(A,), readers=False)
    >>> made.frame().query("method == 'DeLong'")[["test", "replicates"]].values.tolist()
    [['AUC, paired', 20]]
    """
    table = count_rejections(partial(_families, designs, readers, False), replicates, workers=workers)
    other = partial(_families, designs, readers, True)
    keys = ["design", "test", "method", "role"]
    if other():
        power = count_rejections(other, max(10, int(np.ceil(replicates / 4))), workers=workers)
        names = {"share": "power", "low": "power_low", "high": "power_high", "replicates": "power_replicates"}
        table = table.merge(power.rename(columns=names)[[*keys, *names.values()]], on=keys, how="left")
    return Sizes(table, int(replicates))


@lru_cache(maxsize=4)
def _families(designs: tuple[Design, ...], readers: bool, alternative: bool) -> list[Family]:
    """Tests where nothing differs, or, as the alternative, where something does."""
    asked = [design for design in designs if design in POWERED] if alternative else designs
    made: list[Family] = [f for design in asked for f in model_tests.families(design, alternative=alternative)]
    if readers:
        made += reader_tests.of_readers(READERS if alternative else NO_HELP, alternative=alternative)
        for raters in (GRADES, FEW_GRADES):
            made += reader_tests.of_agreement(raters, alternative=alternative)
    return made

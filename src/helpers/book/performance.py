"""Speed on record: what the benchmarks measured, against whom, on which machine, and what was asked for.

The scripts below `benchmarks/` hand their figures to `record`, which keeps them where `THYROBOOK_RECORD` names a
table; the page on performance shows that table. No figure gets there by hand.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from helpers.data.errors import StudyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VARIABLE = "THYROBOOK_RECORD"  # path of the table that a benchmark adds its figures to
TABLE = "measured.csv"
CPU = "CPU"
METHODS = (
    "Both sides of a comparison were timed in one run on one machine, one thread a process, ours as the best of up to "
    "three runs, a slow peer once; a loop over resamples was timed on some of them and scaled up, as its name says. "
    "Each ratio is one measurement, without an interval, and moves by some tenths from run to run."
)
NO_GPU = "No figure here was measured on a GPU."


@dataclass(frozen=True)
class Measured:
    """One figure of a benchmark.

    Parameters
    ----------
    benchmark : str
        The script and its arguments, as they stand behind `python benchmarks/`.
    task : str
        What was done, with its size.
    value : float
        Positive.
    unit : str
        `s`, `ms`, `MB` or `GB`, where less is better; one that ends in `/s`, where more is.
    peer : str
        What it was compared with; empty for none.
    peer_value : float, optional
        What the peer needed, in the same unit.
    asked : float, optional
        With a peer: times as quick as it, at least. Without: the most (of a rate, the least) that is allowed.
    device : str
        `CPU`, or the name of the GPU that did the work.

    Examples
    --------
    >>> Measured("reading.py", "32 frames", 20.0, "ms", "OpenCV", 900.0, 10.0).times
    45.0
    """

    benchmark: str
    task: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    asked: float | None = None
    device: str = CPU

    @property
    def times(self) -> float | None:
        """How many times as quick as the peer; None without one."""
        if self.peer_value is None:
            return None
        return self.value / self.peer_value if self.unit.endswith("/s") else self.peer_value / self.value

    @property
    def kept(self) -> bool | None:
        """Whether what was asked for was kept; None where nothing was."""
        if self.asked is None:
            return None
        if self.times is not None:
            return self.times >= self.asked
        return self.value >= self.asked if self.unit.endswith("/s") else self.value <= self.asked


_NAMES = [one.name for one in fields(Measured)]
_ABOUT = ["machine", "versions", "day"]


def record(made: Iterable[Measured]) -> None:
    """Add figures to the table that `THYROBOOK_RECORD` names, in the place of older ones; do nothing without it.

    A figure is another one when its script, its task or its device differs.

    Raises
    ------
    StudyError
        If that table is there and cannot be read.
    """
    if not os.environ.get(VARIABLE):
        return
    path = Path(os.environ[VARIABLE])
    about = (_machine(), _versions(), datetime.now(UTC).date().isoformat())
    new = [dict(zip([*_NAMES, *_ABOUT], (*astuple(one), *about))) for one in made]
    old = pd.read_csv(path, keep_default_na=False, dtype=str).to_dict("records") if path.is_file() else []
    keys = {_key(row) for row in new}
    rows = sorted([row for row in old if _key(row) not in keys] + [_text(row) for row in new], key=_key)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, [*_NAMES, *_ABOUT], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(fresh, path)


def _key(row: Mapping[str, object]) -> tuple[str, str, str]:
    return str(row["benchmark"]), str(row["task"]), str(row["device"])


def _text(row: Mapping[str, object]) -> dict[str, str]:
    return {
        name: "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in row.items()
    }


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = named[0] if named else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores"


def _versions() -> str:
    known = [f"Python {platform.python_version()}"]
    known += [f"{name} {sys.modules[name].__version__}" for name in ("numpy", "torch") if name in sys.modules]
    return ", ".join(known)


# ------------------------------------------------------------------------------ what the page shows
def read(source: str | Path) -> pd.DataFrame:
    """Read the table of figures.

    Parameters
    ----------
    source : str or Path
        Folder of the table.

    Returns
    -------
    DataFrame
        The parts of `Measured`, `times`, `kept`, and `machine, versions, day`; one row a figure.

    Raises
    ------
    StudyError
        If the table lacks a column, or a number is not a positive one; with the row.
    """
    path = Path(source) / TABLE
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    absent = [name for name in (*_NAMES, *_ABOUT) if name not in table]
    if absent:
        raise StudyError(f"no column {absent[0]!r}", file=TABLE, fix=f"write it by a benchmark, with {VARIABLE} set")
    for name in ("value", "peer_value", "asked"):
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = ~(numbers > 0) & ((table[name] != "") | (name == "value"))
        if wrong.any():
            row = int(wrong.idxmax())
            told = {"file": TABLE, "row": row + 2, "column": name}
            raise StudyError(f"{table[name][row]!r} is not a positive number", **told, fix="run that benchmark again")
        table[name] = numbers
    made = [Measured(*(None if value != value else value for value in row)) for row in table[_NAMES].to_numpy()]
    table["times"] = pd.Series([one.times for one in made], index=table.index, dtype=float)
    table["kept"] = pd.Series([one.kept for one in made], index=table.index, dtype=object)
    return table


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Figures that have a peer, in words: `task, ours, theirs, times, asked, kept, repeat, device`."""
    rows = table[table["peer"] != ""]
    shown = _shown(rows)
    shown.insert(2, "theirs", rows["peer"] + ": " + _amounts(rows, "peer_value"))
    shown.insert(3, "times", rows["times"])
    return shown


def limited(table: pd.DataFrame) -> pd.DataFrame:
    """Figures that have none: `task, ours, asked, kept, repeat, device`."""
    return _shown(table[table["peer"] == ""])


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    least = (rows["peer"] != "") | rows["unit"].str.endswith("/s")
    wanted = rows["asked"].map("{:,.4g}".format) + " " + rows["unit"].where(rows["peer"] == "", "times")
    about = {
        "task": rows["task"],
        "ours": _amounts(rows, "value"),
        "asked": ("at " + least.map({True: "least ", False: "most "}) + wanted).where(rows["asked"].notna(), ""),
        "kept": rows["kept"].map({True: "yes", False: "no"}).fillna(""),
        "repeat": "python benchmarks/" + rows["benchmark"],
        "device": rows["device"],
    }
    return pd.DataFrame(about)


def _amounts(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows[column].map(amount) + " " + rows["unit"]


def amount(value: float) -> str:
    """A number with three digits, or all before the point.

    Examples
    --------
    >>> amount(0.8284), amount(113.97), amount(5611.9)
    ('0.828', '114', '5,612')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many times as quick as its peer each task is, on a logarithmic axis, beside what was asked for.

    Parameters
    ----------
    table : DataFrame
        As `read` returns it.
    ax : matplotlib Axes or None

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> row = {"task": "32 frames", "peer": "OpenCV", "times": 45.0, "asked": 10.0, "device": "CPU"}
    >>> draw(pd.DataFrame([row])).get_yticklabels()[0].get_text()
    '32 frames | OpenCV'
    """
    from helpers.stats.palette import REFERENCE, axes, styles

    rows = table[table["peer"] != ""].sort_values("times", kind="stable").reset_index(drop=True)
    devices = list(dict.fromkeys([CPU, *rows["device"]]))
    look = styles(devices)
    ax = axes(ax, width=7.2, height=1.2 + 0.24 * len(rows))
    ax.axvline(1, color=REFERENCE, lw=0.8, ls=":")
    ax.plot(rows["asked"], rows.index, "|", ms=11, mew=1.6, color=REFERENCE, ls="none", label="asked for")
    for device in devices:
        own = rows[rows["device"] == device]
        if len(own):
            ax.plot(own["times"], own.index, **look[device].point(), ms=6, label=device)
    ax.set_yticks(rows.index, rows["task"] + " | " + rows["peer"], fontsize=7)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("Times as quick as the peer")
    ax.legend(fontsize=8, frameon=False, loc="lower right")
    return ax


def answer(table: pd.DataFrame) -> str:
    """Say how many of the limits were kept, and which were not.

    Examples
    --------
    >>> rows = {"task": ["32 frames", "a page"], "asked": [10.0, 1.0], "kept": [True, False], "day": "2026-01-02"}
    >>> answer(pd.DataFrame(rows))
    '1 of 2 limits is kept, as measured by 2026-01-02. Not kept: a page.'
    """
    asked = table[table["asked"].notna()]
    missed = asked.loc[~asked["kept"].astype(bool), "task"]
    kept = len(asked) - len(missed)
    head = f"{kept} of {len(asked)} limits {'is' if kept == 1 else 'are'} kept, as measured by {table['day'].max()}."
    return head + (f" Not kept: {'; '.join(missed)}." if len(missed) else "")


def finding(table: pd.DataFrame) -> str:
    """Say how often ours was the quicker one.

    Examples
    --------
    >>> finding(pd.DataFrame({"times": [45.0, 0.9, 3.0, float("nan")]}))
    'Ours is quicker than its peer in 2 of 3 comparisons; half of all reach 3 times its speed.'
    """
    times = table["times"].dropna()
    quicker = f"Ours is quicker than its peer in {(times > 1).sum()} of {len(times)} comparisons"
    return f"{quicker}; half of all reach {amount(times.median())} times its speed."


def devices(table: pd.DataFrame) -> str:
    """Say on which machines it was measured, and that none had a GPU where none had.

    Examples
    --------
    >>> devices(pd.DataFrame({"device": ["CPU"], "machine": ["Xeon, 2 cores"], "versions": ["Python 3.11.7"]}))
    'Measured on Xeon, 2 cores (Python 3.11.7). No figure here was measured on a GPU.'
    """
    gpus = sorted(set(table["device"]) - {CPU})
    said = "; ".join(
        f"{machine} ({', '.join(sorted(set(', '.join(own['versions']).split(', '))))})"
        for machine, own in table.groupby("machine")
    )
    return f"Measured on {said}. " + (f"GPU: {', '.join(gpus)}." if gpus else NO_GPU)

"""How quick are net benefit and Table 1? Prints seconds and ratios to named peers, all from one run.

Run with one thread: `OMP_NUM_THREADS=1 python benchmarks/statistics_decision.py`.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from helpers.book.performance import Measured, record
from helpers.data.table_one import table_one
from helpers.stats.calibration import calibration
from helpers.stats.decision import PERCENT, decision_curve

NAME = "statistics_decision.py"
RESAMPLES, LOOPED = 2000, 50  # the loop is timed on fewer resamples and scaled up


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def net_benefit_loop(y: np.ndarray, risk: np.ndarray, resamples: int) -> np.ndarray:
    """The textbook bootstrap: draw rows, then go through the thresholds."""
    rng, n = np.random.default_rng(0), len(y)
    out = np.empty((resamples, len(PERCENT)))
    for b in range(resamples):
        rows = rng.integers(0, n, n)
        y_b, risk_b = y[rows], risk[rows]
        for j, t in enumerate(PERCENT):
            treated = risk_b >= t
            out[b, j] = np.sum(treated & y_b) / n - np.sum(treated & ~y_b) / n * t / (1 - t)
    return out


def cohort(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"group": rng.choice(["a", "b"], n)})
    for k in range(10):
        frame[f"x{k}"] = np.where(rng.random(n) < 0.03, np.nan, rng.normal(k, 1 + k, n))
        frame[f"c{k}"] = rng.choice(np.array(["u", "v", "w", "z"])[: 2 + k % 3], n)
    return frame


def table_loop(frame: pd.DataFrame) -> pd.DataFrame:
    """Table 1 as one writes it with pandas and scipy: groupby, crosstab, tests, SMD."""
    from scipy import stats

    rows = []
    for name in frame.columns.drop("group"):
        if frame[name].dtype.kind == "f":
            described = frame.groupby("group")[name].describe()
            a, b = (frame.loc[frame["group"] == g, name].dropna() for g in "ab")
            smd = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
            rows.append((name, described, stats.ttest_ind(a, b, equal_var=False).pvalue, smd))
        else:
            counts = pd.crosstab(frame[name], frame["group"])
            rows.append((name, counts, stats.chi2_contingency(counts).pvalue, counts / counts.sum()))
    return pd.DataFrame(rows)


def main() -> None:
    out = sys.stdout.write
    rng = np.random.default_rng(0)
    out(f"net benefit, 99 thresholds, {RESAMPLES} bootstrap samples\n")
    for n in (1_000, 10_000, 1_000_000):
        risk = rng.beta(1, 2, n)
        y = rng.random(n) < risk
        own = seconds(lambda y=y, risk=risk: decision_curve(y, risk, thresholds=PERCENT, resamples=RESAMPLES))
        out(f"  n = {n:>9,}: own {own:.3f} s")
        if n <= 10_000:
            scale = RESAMPLES / LOOPED
            loop = seconds(lambda y=y, risk=risk: net_benefit_loop(y, risk, LOOPED), 2) * scale
            asked = " (asked: 100)" if n == 10_000 else ""
            out(f", numpy loop {loop:.1f} s (scaled from {LOOPED}), ratio {loop / own:.0f}{asked}")
            task = f"net benefit at 99 thresholds, {RESAMPLES:,} bootstrap samples of {n:,} cases"
            peer = f"numpy loop, scaled from {LOOPED} samples"
            record([Measured(NAME, task, own, "s", peer, loop, asked=100 if asked else None)])
        out("\n")
    out("Table 1, 20 columns, 2 groups, with tests and SMD\n")
    for n in (1_000, 10_000, 100_000):
        frame = cohort(n)
        own = seconds(lambda frame=frame: table_one(frame, "group", tests="standard"))
        loop = seconds(lambda frame=frame: table_loop(frame))
        out(f"  n = {n:>9,}: own {own:.3f} s, pandas and scipy {loop:.3f} s, ratio {loop / own:.1f}")
        if importlib.util.find_spec("tableone"):
            from tableone import TableOne

            options = {"groupby": "group", "pval": True, "smd": True, "include_null": False}
            peer = seconds(lambda frame=frame, options=options: TableOne(frame, **options), 1)
            out(f", tableone {peer:.2f} s, ratio {peer / own:.1f}" + (" (asked: 8)" if n == 100_000 else ""))
            asked = 8 if n == 100_000 else None
            record([Measured(NAME, f"Table 1, 20 columns of {n:,} rows", own, "s", "tableone", peer, asked)])
        else:
            out("; tableone is not installed (pip install tableone)")
        out("\n")
    out("calibration with loess and band (spline above 5000)\n")
    for n in (500, 5_000, 1_000_000):
        risk = rng.beta(1, 2, n)
        y = rng.random(n) < risk
        out(f"  n = {n:>9,}: {seconds(lambda y=y, risk=risk: calibration(y, risk), 1):.3f} s\n")


if __name__ == "__main__":
    main()

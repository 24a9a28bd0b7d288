"""How quick are the discrimination statistics? Prints ratios measured side by side in one run.

Run: OMP_NUM_THREADS=1 python benchmarks/statistics_discrimination.py
"""

from __future__ import annotations

import importlib.util
import tempfile
import time

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from helpers.book.performance import Measured, record
from helpers.stats import predictions
from helpers.stats.discrimination import bootstrap_auc, compare_auc

NAME = "statistics_discrimination.py"


def timed(call, repeats: int = 1):
    """Best time of a few runs, and the last result."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def midrank_delong(label, *risks):
    """Paired DeLong as textbooks of the fast algorithm give it: three midrank sorts a model (Sun and Xu 2014)."""
    m, n = int(label.sum()), int((1 - label).sum())
    aucs, v10, v01 = [], [], []
    for risk in risks:
        x, y = risk[label == 1], risk[label == 0]
        tx, ty, tz = rankdata(x), rankdata(y), rankdata(np.concatenate([x, y]))
        aucs.append(tz[:m].sum() / m / n - (m + 1) / 2 / n)
        v10.append((tz[:m] - tx) / n)
        v01.append(1 - (tz[m:] - ty) / m)
    s = np.cov(v10) / m + np.cov(v01) / n
    z = (aucs[0] - aucs[1]) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return z, 2 * norm.sf(abs(z))


def delong(n: int) -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(n) < 0.3).astype(int)
    a, b = rng.normal(label, 1), rng.normal(1.1 * label, 1)
    ours, made = timed(lambda: compare_auc(label, a, b), 3)
    print(f"paired DeLong, n = {n}: ours {ours:.2f} s")
    told = NAME, f"paired DeLong of {n:,} cases", ours, "s"
    peer, (z, _) = timed(lambda: midrank_delong(label, a, b), 3)
    assert abs(z - made.z) < 1e-8 * abs(z)
    print(f"  midranks by scipy.stats.rankdata {peer:.2f} s, ratio {peer / ours:.1f}, same z to {abs(z - made.z):.0e}")
    record([Measured(NAME, f"{told[1]}, midranks", ours, "s", "scipy.stats.rankdata", peer)])
    if importlib.util.find_spec("MLstatkit") is None:
        print("  MLstatkit is not installed (pip install MLstatkit): the asked ratio of 4 is not shown")
        return
    from MLstatkit import Delong_test

    peer, (theirs, _) = timed(lambda: Delong_test(label, a, b)[:2])
    assert abs(abs(theirs) - abs(made.z)) < 1e-6 * abs(made.z)
    print(f"  MLstatkit {peer:.2f} s, ratio {peer / ours:.1f} (asked: 4)")
    record([Measured(*told, "MLstatkit", peer, asked=4)])


def bootstrap(n: int, resamples: int) -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(n) < 0.3).astype(int)
    risk = rng.normal(label, 1)
    ours, made = timed(lambda: bootstrap_auc(label, risk, resamples=resamples), 3)

    def loop(count):
        values = []
        for _ in range(count):
            rows = rng.integers(0, n, n)
            values.append(roc_auc_score(label[rows], risk[rows]))
        return np.quantile(values, [0.025, 0.975])

    part = 200  # a loop is linear in its resamples: a tenth is timed and scaled
    peer, limits = timed(lambda: loop(part))
    peer *= resamples / part
    assert abs(limits[0] - made.low) < 0.01
    print(f"AUC bootstrap, n = {n}, {resamples} resamples: ours {ours:.2f} s")
    print(f"  scikit-learn loop {peer:.1f} s (scaled from {part}), ratio {peer / ours:.0f} (asked: 30)")
    task = f"AUC, {resamples:,} bootstrap samples of {n:,} cases"
    record([Measured(NAME, task, ours, "s", f"scikit-learn loop, scaled from {part} samples", peer, asked=30)])


def table(n: int) -> None:
    rng = np.random.default_rng(2)
    case = [f"C{i:07d}" for i in range(n // 10)]
    parts = [
        pd.DataFrame(
            {
                "study": "s",
                "model": model,
                "seed": seed,
                "split": "test",
                "center": "A",
                "patient_id": case,
                "case_id": case,
                "label": np.arange(n // 10) % 2,
                "risk": rng.random(n // 10),
            }
        )
        for model in "ab"
        for seed in range(5)
    ]
    frame = pd.concat(parts, ignore_index=True)
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv", "parquet"):
            path = f"{folder}/predictions.{kind}"
            wrote, _ = timed(lambda path=path: predictions.write(frame, path))
            read, _ = timed(lambda path=path: predictions.read(path, model="a", seed=0))
            print(f"predictions table of {n} rows, {kind}: write {wrote:.1f} s, checked read {read:.1f} s")


if __name__ == "__main__":
    delong(1_000_000)
    bootstrap(10_000, 2000)
    table(1_000_000)

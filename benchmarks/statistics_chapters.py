"""Do the statistics chapters stand a predictions table of a million rows? Prints seconds and peak memory of each page.

Run from the repository root: `OMP_NUM_THREADS=1 python benchmarks/statistics_chapters.py [rows]`. Two models, a test
split of four fifths of the cases and a tune split of the rest, and a cohort table with age, sex, site and centre; the
profile's number of bootstrap samples is that of a quick build. As in a build, two pages run at a time, each on one core
in a process of its own that starts warm and writes its figures and tables in every format. Ends with status 1 when they
take longer, or more memory, than was asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from helpers.book import warm
from helpers.book.performance import Measured, record
from helpers.stats import predictions

PAGES = ("cohort", "discrimination", "calibration", "decision", "subgroups")
AT_ONCE = 2
LIMIT_SECONDS, LIMIT_GIGABYTES = 120, 4
STUDY = """
name: million
title: A large table
question: Does it finish?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
covariates:
  - {name: age, label: Age, type: continuous, unit: years, low: 0, high: 120}
  - {name: sex, label: Sex, levels: [female, male]}
  - {name: site, label: Site, levels: [upper, middle, lower]}
subgroups: [sex, site, center]
chapters: [cohort, discrimination, calibration, decision, subgroups]
"""


def write(folder: Path, rows: int) -> None:
    """A study folder with its cohort table, and its predictions table with two models."""
    rng, n = np.random.default_rng(0), rows // 2
    label = (rng.random(n) < 0.3).astype(int)
    case = np.char.add("C", np.arange(n).astype(str))
    split = np.where(np.arange(n) < n // 5, "tune", "test")
    center = rng.choice(["A", "B"], n)
    about = {"study": "million", "seed": 0, "split": split, "center": center, "patient_id": case, "case_id": case}
    frames = []
    for model, gain in (("image", 1.2), ("clinical", 0.9)):
        risk = 1 / (1 + np.exp(1 - rng.normal(gain * label, 1)))
        frames.append(pd.DataFrame({**about, "model": model, "label": label, "risk": risk}))
    (folder / "results").mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    cohort = {"patient_id": case, "case_id": case, "center": center, "split": split, "label": label}
    cohort |= {"age": rng.normal(50 + 5 * label, 12, n).clip(18, 100).round(1)}
    cohort |= {"sex": rng.choice(["female", "male"], n), "site": rng.choice(["upper", "middle", "lower"], n)}
    pd.DataFrame(cohort).to_csv(folder / "cohort.csv", index=False)
    predictions.write(pd.concat(frames, ignore_index=True), folder / "results" / "predictions.csv")


class Watch(threading.Thread):
    """Most resident memory of all processes below this one, looked up five times a second; shared pages count twice."""

    def __init__(self) -> None:
        """Not started yet."""
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self) -> None:
        """Look until `done` is set."""
        own = psutil.Process()
        while not self.done.wait(0.2):
            held = 0
            for process in own.children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it ended in between
                    held += process.memory_info().rss
            self.peak = max(self.peak, held)


def timed(page: str, folder: Path, held: dict[str, str]) -> float:
    """Execute one page and return its seconds."""
    given = json.dumps({"study": str(folder), "results": str(folder / "results")})
    run = ["helpers.book.warm", "helpers.book.execute", f"notebooks/{page}.py", str(folder / "results" / page), given]
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", *run], check=True, env=os.environ | held)
    return time.perf_counter() - begun


def main(rows: int) -> int:
    """Time all pages and print; the exit status."""
    with tempfile.TemporaryDirectory() as name, warm.nursery() as held, ThreadPoolExecutor(AT_ONCE) as pool:
        folder, watch = Path(name), Watch()
        write(folder, rows)
        watch.start()
        begun = time.perf_counter()
        made = {page: pool.submit(timed, page, folder, held) for page in PAGES}
        for page, job in made.items():
            print(f"{page}, {rows:,} rows: {job.result():.0f} s", flush=True)
        total = time.perf_counter() - begun
        watch.done.set()
        peak = watch.peak / 2**30
        kept = total <= LIMIT_SECONDS and peak <= LIMIT_GIGABYTES
        task = f"five statistics chapters on {rows:,} rows"
        record(
            [
                Measured("statistics_chapters.py", task, total, "s", asked=LIMIT_SECONDS),
                Measured("statistics_chapters.py", f"{task}, memory", peak, "GB", asked=LIMIT_GIGABYTES),
            ]
        )
        asked = f"{LIMIT_SECONDS} s and {LIMIT_GIGABYTES} GB are {'kept' if kept else 'NOT kept'}"
        print(f"together {total:.0f} s and {peak:.2f} GB, {AT_ONCE} at a time; {asked}")
        return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))

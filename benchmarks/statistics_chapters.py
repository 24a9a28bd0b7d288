"""Do the statistics chapters stand a predictions table of a million rows? Prints seconds and peak memory of each page.

Run from the repository root: `OMP_NUM_THREADS=1 python benchmarks/statistics_chapters.py [rows]`. Two models, a test
split of four fifths of the cases and a tune split of the rest, and a cohort table with age, sex, site and centre; the
profile's number of bootstrap samples is that of a quick build. The pages run one after the other, each in a process of
its own, as the build runs them. Ends with status 1 when they take longer, or more memory, than was asked for.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.stats import predictions

PAGES = ("cohort", "discrimination", "calibration", "decision", "subgroups")
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


def main(rows: int) -> int:
    """Time every page and print; the exit status. The peak is that of all processes so far, the largest page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, rows)
        given = json.dumps({"study": str(folder), "results": str(folder / "results")})
        total = before = 0.0
        for page in PAGES:
            out = str(folder / "results" / page)
            command = [sys.executable, "-m", "helpers.book.execute", f"notebooks/{page}.py", out, given]
            start = time.perf_counter()
            subprocess.run(command, check=True)
            took = time.perf_counter() - start
            total += took
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy, before = used.ru_utime + used.ru_stime - before, used.ru_utime + used.ru_stime
            peak = used.ru_maxrss / 2**20
            print(
                f"{page}, {rows:,} rows: {took:.0f} s, of them {busy:.0f} s on a core; peak so far {peak:.2f} GB",
                flush=True,
            )
        kept = total <= LIMIT_SECONDS and peak <= LIMIT_GIGABYTES
        asked = f"{LIMIT_SECONDS} s and {LIMIT_GIGABYTES} GB are {'kept' if kept else 'NOT kept'}"
        print(f"together {total:.0f} s ({before:.0f} s on a core) and {peak:.2f} GB; {asked}")
        return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))

"""How quick is the audit of published claims? Prints seconds, and milliseconds for one row over all splits of a total.

Run with one thread: `OMP_NUM_THREADS=1 python benchmarks/claims.py [RESULTS]`. With a folder of results the gate over
all its tables is timed as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from helpers.book import gate
from helpers.book.contents import BookStudy
from helpers.book.performance import Measured, record
from helpers.stats.claims import audit, confusion_tables

ROW = {"sensitivity": "57.25", "specificity": "87.08", "accuracy": "72.03", "PPV": "81.87", "NPV": "66.67"}
TOTALS = (547, 2000)  # all splits of the total of one paper, and of a large one
LIMITS = {"four papers": 20.0, "one row": 0.050, "gate": 10.0}  # seconds that were asked for


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Least processor time of a few calls: what one core needs, whatever else runs beside."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def studies(results: Path) -> list[BookStudy]:
    """Every page below a folder of results that has tables."""
    found = []
    for folder in sorted(path for path in results.iterdir() if path.is_dir()):
        pages = tuple(path.parent.relative_to(folder).as_posix() for path in sorted(folder.rglob("tables")))
        found += [BookStudy(folder.name, folder.name, pages=pages)] if pages else []
    return found


def main(arguments: list[str]) -> None:
    """Time and print."""
    took = seconds(lambda: audit("data/published"))
    print(f"four papers: {took:.1f} s (asked for {LIMITS['four papers']:.0f} s)")
    record([Measured("claims.py", "audit of the four papers", took, "s", asked=LIMITS["four papers"])])
    for letter in "ABCD":
        print(f"  paper {letter}: {seconds(lambda paper=letter: audit('data/published', paper=paper)):.2f} s")
    for total in TOTALS:
        took = 1000 * seconds(lambda n=total: confusion_tables(ROW, total=n))
        asked = 1000 * LIMITS["one row"]
        print(f"one row over the {total + 1} splits of {total}: {took:.1f} ms (asked for {asked:.0f} ms)")
        record([Measured("claims.py", f"one row over the {total + 1:,} splits of {total:,}", took, "ms", asked=asked)])
    if arguments:
        results = Path(arguments[0])
        book = studies(results)
        found = gate.audit_book(results, book)
        took = seconds(lambda: gate.audit_book(results, book))
        checks = sum(found.checks.values())
        print(f"gate: {found.tables} tables, {checks} checks in {took:.1f} s (asked for {LIMITS['gate']:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])

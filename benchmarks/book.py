"""How long the book takes on this machine: built from nothing, and with nothing changed.

    python benchmarks/book.py [--keep]

Without `--keep` all results are removed first. Every page's own time is from its `run.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def build() -> float:
    """Seconds of one build."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "helpers.book.build"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.monotonic() - started


def main() -> None:
    """Print a table of seconds."""
    if "--keep" not in sys.argv:
        subprocess.run(["make", "clean"], check=True)
        print(f"from nothing      {build():7.0f} s")
    print(f"nothing changed   {build():7.0f} s")
    pages = {path.parent.relative_to("results"): path for path in Path("results").rglob("run.json")}
    for name, path in sorted(pages.items()):
        print(f"  {name!s:40} {json.loads(path.read_text(encoding='utf-8'))['seconds']:7.1f} s")


if __name__ == "__main__":
    main()

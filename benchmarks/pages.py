"""How soon can a reader use each page of the built book, and how heavy is it? Prints the slowest and the heaviest.

Ends with status 1, and names every page above the limit, when one needs more than a second or weighs more than 3 MB.

Run from the repository root after `make book`: `python benchmarks/pages.py`. The pages are served on localhost and
opened in Chromium one after the other, each three times in a fresh tab, of which the median counts; a page can be used
when its document is read and its scripts have run (`domInteractive` and `domContentLoadedEventEnd`).
"""

from __future__ import annotations

import functools
import http.server
import shutil
import statistics
import sys
import threading
from pathlib import Path

from helpers.book.performance import Measured, record

BOOK = Path("build/_build/html")
LIMIT_SECONDS, LIMIT_MEGABYTES, SHOWN = 1.0, 3.0, 5
TIMES = 3  # a machine has other things to do now and then
USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"
BYTES = (
    "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
    ".reduce((sum, one) => sum + one.encodedBodySize, 0) / 1e6"
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> int:
    """Measure and print; the exit status."""
    if not (BOOK / "index.html").is_file():
        sys.exit(f"{BOOK} holds no book. Way out: make book, then run this again from the repository root.")
    from playwright.sync_api import sync_playwright

    handler = functools.partial(Quiet, directory=str(BOOK))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages = [path for path in sorted(BOOK.rglob("*.html")) if not {"_static", "_sources"} & set(path.parts)]
    pages = [path for path in pages if path != BOOK / "index.html"]  # leads to the front page at once
    seen = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for path in pages:
            name, times = path.relative_to(BOOK).as_posix(), []
            for _ in range(TIMES):
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/{name}", wait_until="load")
                times.append(page.evaluate(USABLE))
                size = page.evaluate(BYTES)
                page.close()
            seen.append((statistics.median(times), size, name))
        browser.close()
    server.shutdown()
    return told(seen)


def told(seen: list[tuple[float, float, str]]) -> int:
    """Print what was measured (seconds, megabytes and name of every page); 1 when a page is above a limit."""
    out = sys.stdout.write
    record(
        [
            Measured("pages.py", "slowest page, usable", max(seen)[0], "s", asked=LIMIT_SECONDS),
            Measured("pages.py", "heaviest page", max(row[1] for row in seen), "MB", asked=LIMIT_MEGABYTES),
        ]
    )
    slow, heavy = ([row for row in seen if row[k] > limit] for k, limit in ((0, LIMIT_SECONDS), (1, LIMIT_MEGABYTES)))
    counts = f"{len(slow)} need more than {LIMIT_SECONDS:g} s, {len(heavy)} more than {LIMIT_MEGABYTES:g} MB"
    out(f"{len(seen)} pages; {counts}\n")
    for seconds, size, name in sorted({*slow, *heavy}):
        out(f"  ABOVE THE LIMIT: {name}, usable after {seconds:.2f} s, {size:.2f} MB\n")
    for seconds, size, name in sorted(seen, reverse=True)[:SHOWN]:
        out(f"  usable after {seconds:.2f} s: {name} ({size:.2f} MB)\n")
    for seconds, size, name in sorted(seen, key=lambda row: -row[1])[:SHOWN]:
        out(f"  {size:.2f} MB: {name} (usable after {seconds:.2f} s)\n")
    return 1 if slow or heavy else 0


if __name__ == "__main__":
    sys.exit(main())

"""A miniature book for tests, and a real browser without a network to read it in."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.book import publish, report

EVIL = "<script>window.hacked = 1</script>"
PICTURE = "<img src=x onerror=hacked=1>"  # may be the name of a file, which holds no slash
QUESTION = "% of the patients: who is `asked`?"  # would be a comment
DISCRIMINATION = """(discrimination)=
# Does the model tell patients apart?

Reads the predictions; writes {numref}`fig-roc`. Who they are: {ref}`cohort`, and how clips are read: {ref}`the clips <inputs>`.

:::{admonition} In short
The AUC is {glue:text}`auc:.2f` in {glue:text}`n` patients ({glue:text}`cohort.ipynb::events` events).
:::
"""
RESULTS = """:::{result-figure} fig-roc
:alt: A rising line.

**Who is told apart?** ROC curve, n = {glue:text}`n`, by {cite:t}`delong1988`.
:::

$$ \\mathrm{AUC} = P(r_1 > r_0) $$ (eq-auc)

{eq}`eq-auc` is the area in {numref}`fig-roc`; {numref}`tab-performance` has the numbers of the {term}`AUC`.

:::{result-table} tab-performance
**How well does each model do?**
:::

```text
(fig-roc)= {ref}`not a reference`
```
"""


def glued(**values: object) -> object:
    """A code cell with the outputs that `page.numbers` leaves."""
    outputs = []
    for name, value in values.items():
        about = {"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}}
        data = {"application/papermill.record/text/plain": repr(value)}
        outputs.append(new_output("display_data", data, metadata=about))
    return new_code_cell("page.numbers(...)", metadata={"tags": ["remove-output"]}, outputs=outputs)


def parameters() -> list[object]:
    """The cells that papermill leaves: defaults, and what was injected, with an absolute path."""
    injected = new_code_cell(f'results = "{Path.cwd()}/results/olnm"', metadata={"tags": ["injected-parameters"]})
    injected.metadata["papermill"] = {"start_time": "2026-01-01T00:00:00"}
    noise = new_output("stream", name="stderr", text=f"{Path.home()}/x.py:1: UserWarning")
    shown = new_code_cell(
        "1 + 1", outputs=[noise, new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    )
    return [new_code_cell('results = "results/olnm"', metadata={"tags": ["parameters"]}), injected, shown]


def save(folder: Path, cells: list[object]) -> None:
    """Write an executed notebook and its record."""
    notebook = new_notebook(cells=cells, metadata={"papermill": {"input_path": str(Path.cwd() / "notebooks/x.py")}})
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "notebook.ipynb")
    record = '{"commit": "0123456789abcdef+", "seconds": 3.2, "parameters": {"seed": 0, "note": "<b>|*x*"}}'
    (folder / "run.json").write_text(record, encoding="utf-8")


def figure() -> object:
    """A small line, not known to pyplot."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(3, 3))
    drawn.subplots().plot([0, 1], [0, 1])
    return drawn


def frames() -> np.ndarray:
    """Sixteen frames in which a square wanders from left to right."""
    made = np.zeros((16, 48, 64, 3), dtype=np.uint8)
    for time, picture in enumerate(made):
        picture[16:32, 2 * time : 2 * time + 16] = 255
    return made


def frame() -> pd.DataFrame:
    """A table whose level and column name would be scripts if they were not escaped."""
    return pd.DataFrame({"model": [EVIL, "=1+1", "a"], "auc": [0.8123456, None, 0.7], f"centre {EVIL}": [1, 2, 3]})


def results(folder: Path) -> list[publish.BookStudy]:
    """Write the results of two studies that share a notebook; the first is simulated, with two training runs."""
    for study, simulated in (("olnm", True), ("real", False)):
        page = report.page(folder / study / "discrimination", simulated=simulated, study=study)
        data = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
        page.figure("fig-roc", figure(), data=data, methods="By ranks, doi:10.2307/2531595.", n=3)
        if simulated:
            page.clip("fig-roc", frames(), frames_per_second=8)
        page.table("tab-performance", frame(), headers={"auc": "AUC"}, methods="See above.", caption_note="Note.")
        page.numbers(auc=0.8123, n=116)
        save(
            page.folder,
            [new_markdown_cell(DISCRIMINATION), *parameters(), glued(auc=0.8123, n=116), new_markdown_cell(RESULTS)],
        )
        page = report.page(folder / study / "cohort")
        page.numbers(events=27)
        files = pd.DataFrame({"file": [f"media/{PICTURE}.png"], "format": [PICTURE]})
        page.table("tab-files", files, methods=f"Read from media/{PICTURE}.png.")
        text = ":::{result-table} tab-files\n**Which files were read?**\n:::"
        box = report.Verbatim(f"title: |\n\n  x\n```\n{EVIL}\n\n{PICTURE}\n")
        shown = new_output("execute_result", {"text/html": box._repr_html_(), "text/plain": "x"}, execution_count=1)
        cells = [new_markdown_cell("(cohort)=\n# Who is in the study?"), glued(events=27), new_markdown_cell(text)]
        save(folder / study / "cohort", [*cells, new_code_cell("box", outputs=[shown])])
    page = report.page(folder / "olnm" / "inputs", simulated=True, study="olnm")
    wide = {f"Measure {number}": ["0.857 (0.730–0.982)", "−0.1 (−0.47 to 0.14)", "11 (4.0)"] for number in range(12)}
    page.table("tab-wide", pd.DataFrame({"model": ["a", "b", "c"]} | wide))
    text = ":::{result-table} tab-wide\n**How much of everything?** Estimate (95 % confidence interval).\n:::"
    save(page.folder, [new_markdown_cell("(inputs)=\n# What does the model see?"), new_markdown_cell(text)])
    for seed in (0, 1):
        page = report.page(folder / "olnm" / "train" / f"ceus-resnet18-s{seed}", simulated=True, study="olnm")
        page.figure("fig-learning", figure())
        text = (
            "(learning)=\n# Does one network learn?\n\nSee {numref}`fig-learning`, {ref}`cohort` and {doc}`../cohort`.\n\n"
            ":::{result-figure} fig-learning\n:alt: A line.\n\nLoss by epoch.\n:::"
        )
        save(page.folder, [new_markdown_cell(text)])
    runs = ("train/ceus-resnet18-s0", "train/ceus-resnet18-s1")
    gone = "Four hundred patients.\n\n```sh\nmake data\n```"
    return [
        publish.BookStudy(
            "olnm", "Simulated <study>", simulated=True, pages=("cohort", "inputs", *runs, "discrimination")
        ),
        publish.BookStudy("real", "Real study", pages=("cohort", "discrimination"), summary=QUESTION),
        publish.BookStudy("gone", "Absent study", absent=gone),
    ]


# style sheets cannot be fetched again from a page opened from disk, and need not be
AXE = {"resultTypes": ["violations"], "preload": False}
CONTRAST = AXE | {"runOnly": ["color-contrast", "link-in-text-block"]}
STILL = "* { transition: none !important; animation: none !important; }"  # colours half way are nobody's colours
DARK = "document.documentElement.dataset.theme = 'dark'"


def violations(page: object, options: dict[str, object] = AXE) -> list[str]:
    """What axe-core complains of: rule, place, reason."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found for node in v["nodes"]]


NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Path of Chromium; installed when that can be done, else a clear failure."""
    found = _chromium()
    if found is None and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        import fcntl

        # test processes run side by side, and only one of them can hold the package manager
        with open(Path(tempfile.gettempdir()) / "thyrobook-chromium.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
                if _chromium() is None:
                    with contextlib.suppress(subprocess.SubprocessError):
                        subprocess.run(command, check=False, capture_output=True, timeout=600)
        found = _chromium()
    assert found, "no Chromium: install it (Debian: apt-get install chromium) to test the book in a browser"
    return found


def _chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Seen:
    """What happened while pages were read."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextlib.contextmanager
def reader(*, width: int = 1280) -> Iterator[tuple[object, Seen]]:
    """A page of a browser that may open files and this machine only, and what it tried beyond and complained of."""
    from playwright.sync_api import sync_playwright

    seen = Seen()

    def left(request: object) -> bool:
        # pictures out of sight arrive once a page is idle; whoever turns the page before that stops them
        return request.failure == "net::ERR_ABORTED"

    def guard(route: object) -> None:
        url = route.request.url
        if url.startswith(("file://", "data:", "blob:", "http://localhost", "http://127.0.0.1")):
            route.continue_()
        else:
            seen.outside.append(url)
            route.abort()

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on(
            "requestfailed", lambda request: None if left(request) else seen.errors.append(f"failed: {request.url}")
        )
        yield page, seen
        browser.close()

"""How long the book takes on this machine: built from nothing, and with nothing changed; or single studies.

    python benchmarks/book.py [--keep]
    python benchmarks/book.py [--cores N] STUDY ...

Without a study the whole book is built, all results being removed first unless `--keep` is given; every page's own
time is from its `run.json`.

STUDY is a name, as `olnm`, or a folder. Its part of a quick build is timed from nothing, step after step: the cases
(for `olnm` the whole simulated cohort), their check, decoding, training, chapters, and the layout of its pages, without
the pages of the book itself. That is done in a copy of the project, so nothing of yours is removed. A build lets steps
overlap, and starts the graph once: it takes a little less than the sum.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from helpers.book import gate, graph, publish, site, warm

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def build() -> float:
    """Seconds of one build of the whole book."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "helpers.book.build"], check=True, **QUIET)
    return time.monotonic() - started


def whole(*, keep: bool) -> None:
    """Time the book from nothing, unless its results are kept, and with nothing changed."""
    if not keep:
        subprocess.run(["make", "clean"], check=True)
        print(f"from nothing      {build():7.0f} s")
    print(f"nothing changed   {build():7.0f} s")
    pages()


def pages() -> None:
    """Print the seconds of every page that is there."""
    found = {path.parent.relative_to("results"): path for path in Path("results").rglob("run.json")}
    for name, path in sorted(found.items()):
        print(f"  {name!s:40} {json.loads(path.read_text(encoding='utf-8'))['seconds']:7.1f} s")


@contextlib.contextmanager
def copied() -> Iterator[None]:
    """Work in a copy of what git knows of, as it is here, for as long as the block runs."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="book-") as place:
        for name in filter(None, listed.stdout.decode().split("\0")):
            if Path(name).is_file():
                Path(place, name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(name, Path(place, name))
        with contextlib.chdir(place):
            yield


def steps(node: graph.Node) -> dict[str, list[str]]:
    """What the graph is asked for, step after step."""
    return {
        "cases": node.generated,
        "check": [f"{node.results}/splits.csv"] if node.study.cohort_chapters else [],
        "decode": [f"{node.results}/arrays.json"] if node.study.inputs else [],
        "train": node.run_pages(),
        "chapters": node.notebooks(),
    }


def run(folder: str, targets: list[str], cores: str, environment: dict[str, str]) -> None:
    """Make files of a study by the graph; with everything that it said when that fails."""
    command = [sys.executable, "-m", "helpers.book.graph_runner", "--nolock", "--scheduler", "greedy"]
    command += ["--cores", cores, "--config", f"studies={json.dumps([folder])}", "profile=quick", "--", *targets]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def lay_out(node: graph.Node) -> None:
    """Audit the tables of a study and make a book of its pages alone."""
    studies = [site.book_study(node)]
    publish.stage(site.SITE, studies=studies, gate=gate.audit_book(graph.RESULTS, studies).demand())
    publish.build(site.SITE, site.OUT)


def part(name: str, cores: str) -> None:
    """Time the part of one study from nothing and print its steps and pages."""
    folder = f"data/{name}" if Path("data", name).is_dir() else str(Path(name).resolve())
    with copied(), warm.nursery() as held:
        node = next(iter(graph.studies([folder], "quick").values()))
        if node.absent:
            print(f"{node.name}: left out, {', '.join(node.absent)} is not here (make data)")
            return
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        environment = {**os.environ, **held, "PATH": path, "PYTHONPATH": os.path.abspath("src")}
        total = 0.0
        for step, targets in {**steps(node), "layout": ["all"]}.items():
            started = time.monotonic()
            if step == "layout":
                lay_out(node)
            elif targets:
                run(folder, targets, cores, environment)
            total += (took := time.monotonic() - started)
            if targets:
                print(f"{node.name}, {step:10} {took:7.0f} s", flush=True)
        print(f"{node.name}, together   {total:7.0f} s on {cores} cores")
        pages()


def main() -> None:
    """Print a table of seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="names or folders; without any, the whole book")
    parser.add_argument("--keep", action="store_true", help="whole book: with nothing changed only")
    parser.add_argument("--cores", default=str(os.cpu_count()))
    asked = parser.parse_args()
    for study in asked.studies:
        part(study, asked.cores)
    if not asked.studies:
        whole(keep=asked.keep)


if __name__ == "__main__":
    main()

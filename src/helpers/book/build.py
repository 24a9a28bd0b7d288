"""`make book`: check the studies, run the graph, say where the book is.

From the command line: `python -m helpers.book.build [--profile quick|full] [--study FOLDER] [--cores N]`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from helpers.book import graph, warm
from helpers.data.errors import StudyError
from helpers.stats import predictions_own
from helpers.stats.checked import check

LOCK = Path("build/.lock")
BOOK = Path("build/_build/html/index.html")


def main(arguments: list[str]) -> int:
    """Build the book; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make book")
    parser.add_argument("--profile", default="quick", choices=["quick", "full"])
    parser.add_argument("--study", default="", help="a study folder; without it the default studies")
    parser.add_argument("--cores", default="all")
    options, more = parser.parse_known_args(arguments)
    folders = [options.study] if options.study else list(graph.DEFAULT_STUDIES)
    try:
        nodes = graph.studies(folders, options.profile)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    if faults := _faults(nodes.values()):
        print(*faults, sep="\n", file=sys.stderr)
        return 1
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        if not _take(lock):
            print("Another build is running in this folder. Way out: wait for it to end.", file=sys.stderr)
            return 1
        started = time.monotonic()
        status = _snakemake(folders, options.profile, options.cores, more)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    if status == 0:
        for node in nodes.values():
            if node.absent:
                print(f"{node.name} was left out: {', '.join(node.absent)} is not here; `make data` fetches it.")
        print(f"The book is ready: {BOOK} ({minutes} min {seconds} s)")
    else:
        print("The build stopped; what was done is kept, and the same command resumes it.", file=sys.stderr)
    return status


def _faults(nodes: Iterable[graph.Node]) -> list[str]:
    """What is wrong with the tables of the studies, one fault a study: whoever mends one wants to know of the next."""
    found = []
    for node in nodes:
        try:
            _check(node)
        except StudyError as error:
            found.append(str(error))
    return found


def _check(node: graph.Node) -> None:
    """Refuse faulty tables before the graph starts; generated tables are checked as they are made.

    The graph removes what it is about to write: tables in the place of generated ones must be ours.
    """
    node.keep_own()
    if node.own:
        predictions_own.own(node.folder)
    if node.study.source.kind == "own":
        check(node.folder)


def _take(lock) -> bool:
    """Hold the lock until this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows outside WSL, where Snakemake is not at home either
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _snakemake(folders: list[str], profile: str, cores: str, more: list[str]) -> int:
    """Run the graph. Its own lock outlives a killed build, so ours, which does not, stands in for it."""
    # the other scheduler solves an integer programme before each job: seconds of the cores that the jobs wait for
    command = [sys.executable, "-m", "helpers.book.graph_runner", "--nolock", "--scheduler", "greedy"]
    command += ["--cores", cores, "--config", f"studies={json.dumps(folders)}", f"profile={profile}", *more]
    # rules call `python`: the one of this environment, whoever starts the build
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with warm.nursery() as held:
        return subprocess.run(command, check=False, env={**os.environ, "PATH": path, **held}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The graph at work, on a table of predictions: what a change plans anew, and that a killed build ends in the same."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.build

TREE = ("Snakefile", "src", "notebooks", "book", "profiles", "data/published", "_config.yml", "CHANGELOG.md")
STUDY = """
name: mine
title: A table of predictions
question: Does it hold?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
chapters: [calibration, decision]
profiles: {quick: {resamples: 60}}
"""
PAGES = [f"results/mine/{chapter}/notebook.ipynb" for chapter in ("calibration", "decision")]
HOLDS = ("tables/*.csv", "tables/*.json", "tables/*.tex", "figures/*.csv", "numbers.json")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which files can be changed, with a study that holds predictions only."""
    root, copy = Path(__file__).resolve().parents[1], tmp_path_factory.mktemp("graph") / "tree"
    copy.mkdir()
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in TREE:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=skipped)
        else:
            shutil.copy2(root / name, copy / name)
    generator, label = np.random.default_rng(0), (np.arange(90) % 3 == 0).astype(int)
    risk = 1 / (1 + np.exp(1 - 1.5 * label - generator.normal(size=90)))
    rows = {"case_id": [f"C{i:02}" for i in range(90)], "split": np.where(np.arange(90) < 40, "tune", "test")}
    (copy / "mine").mkdir()
    (copy / "mine" / "study.yaml").write_text(STUDY, encoding="utf-8")
    pd.DataFrame(rows | {"label": label, "risk": risk.round(4)}).to_csv(copy / "mine" / "predictions.csv", index=False)
    return copy


def graph(tree: Path, *arguments: str) -> subprocess.Popen:
    """Start the graph as a build does, in a group of its own, for the pages of the study."""
    command = [sys.executable, "-m", "helpers.book.graph_runner", "--nolock", "--scheduler", "greedy", *arguments]
    command += ["--config", 'studies=["mine"]', "profile=quick", "--", *PAGES]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    source = os.pathsep.join([str(tree / "src"), os.environ.get("PYTHONPATH", "")])
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    return subprocess.Popen(command, cwd=tree, env={**os.environ, "PATH": path, "PYTHONPATH": source}, **both)


def done(tree: Path, *arguments: str) -> str:
    """What the graph said, after it ended well."""
    process = graph(tree, *arguments)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said[-3000:]
    return said


def planned(tree: Path) -> set[str]:
    """Names of the jobs that a build would run now."""
    said = done(tree, "-n").partition("Job stats:")[2].partition("total")[0]
    return set(re.findall(r"^(\w+) +\d+$", said, re.MULTILINE))


def kept(tree: Path) -> dict[str, bytes]:
    """Every table, number and figure's data of the study, byte for byte."""
    results = tree / "results" / "mine"
    found = [path for page in ("calibration", "decision") for holds in HOLDS for path in (results / page).glob(holds)]
    return {str(path.relative_to(results)): path.read_bytes() for path in [*found, results / "predictions.csv"]}


@pytest.fixture(scope="module")
def undisturbed(tree: Path) -> dict[str, bytes]:
    """The tables of a build from nothing that nobody disturbed."""
    done(tree, "--cores", "2")
    return kept(tree)


@contextlib.contextmanager
def changed(path: Path, old: str, new: str):
    """A file with other words in it, for as long as the block runs; its time is put back too."""
    text, about = path.read_text(encoding="utf-8"), path.stat()
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    yield
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        ("src/helpers/stats/decision_panels.py", "from __future__", "# a word\nfrom __future__", {"decision"}),
        ("mine/study.yaml", "resamples: 60", "resamples: 70", {"decision"}),
        ("notebooks/calibration.py", "# %% [markdown]", "# %% [markdown]\n#", {"calibration"}),
    ],
    ids=["helper", "parameter", "notebook"],
)
def test_a_change_plans_what_depends_on_it_and_nothing_else(tree, undisturbed, file, old, new, jobs):
    with changed(tree / file, old, new):
        assert planned(tree) == jobs


def test_a_killed_build_resumes_and_ends_in_the_same_tables(tree, undisturbed):
    shutil.rmtree(tree / "results")
    shutil.rmtree(tree / ".snakemake")
    process, first = graph(tree, "--cores", "1"), None
    until = time.monotonic() + 240
    while first is None and time.monotonic() < until:
        assert process.poll() is None, process.stdout.read()
        begun = [page for page in PAGES if (tree / page).parent.is_dir() and not (tree / page).is_file()]
        ready = [page for page in PAGES if (tree / page).is_file()]
        first = ready[0] if ready and begun else None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)  # no word of farewell: not to the graph, nor to the notebook that runs
    process.wait()
    record = (tree / first).with_name("run.json").read_bytes()
    assert [page for page in PAGES if (tree / page).is_file()] == [first], "it was killed in the middle"
    done(tree, "--cores", "1")
    assert (tree / first).with_name("run.json").read_bytes() == record, "what was done is not done again"
    assert kept(tree) == undisturbed
    assert len(undisturbed) > 10

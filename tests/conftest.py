"""Shared by all tests: one thread a process, a small study on disk, and no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest

from helpers.book import figures  # before `warm`: keeps its resolution in this process

ROOT = Path(__file__).resolve().parents[1]

STUDY = """
name: tiny
title: A tiny study
question: Does it run?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
covariates:
  - {name: age, label: Age, type: continuous, unit: years, low: 0, high: 120, predictor: true}
  - {name: sex, label: Sex, levels: [female, male], predictor: true}
tune: {fraction: 0.25, seed: 3}
validation: {kind: cross-validation}
threshold: {rule: declared, value: 0.3}
chapters: [cohort, baseline, discrimination, calibration, decision, subgroups, reporting]
"""


# Files that take minutes, the longest first: begun last, one of them would run on while the other process waits
LONG = ("test_chapters_nodes", "test_chapters", "test_chapters_video", "test_graph", "test_own_predictions")
LONG += ("test_proof_references", "test_chapters_classes", "test_claims_pages", "test_lab", "test_untrusted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of LONG first, all others in their order."""
    place = {name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def warm() -> Iterator[None]:
    """Kernels start as they do in a build, forked from a process that holds the libraries, and draw drafts."""
    from helpers.book import warm

    with pytest.MonkeyPatch.context() as patch:
        # Here, not above: the processes of xdist inherit what is set above, and `figures` reads it when imported
        patch.setenv("THYROBOOK_DPI", str(figures.DPI // 4))
        with warm.nursery() as held:
            for name, value in held.items():
                patch.setenv(name, value)
            yield


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run from the repository root, as the build does."""
    monkeypatch.chdir(ROOT)


def write_tiny(folder: Path) -> None:
    """Write a cohort of 40 patients, one case each, both classes, no media."""
    import numpy as np

    generator = np.random.default_rng(1)
    label = np.arange(40) % 3 == 0
    age = 50 + 8 * label + generator.normal(0, 9, 40)
    sex = np.where(generator.random(40) < 0.4 + 0.2 * label, "male", "female")
    rows = ["patient_id,case_id,center,split,label,age,sex"]
    rows += [f"P{i:02},C{i:02},{'AB'[i % 2]},train,{int(label[i])},{age[i]:.1f},{sex[i]}" for i in range(40)]
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A study folder with the cohort of `write_tiny`."""
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    write_tiny(tmp_path)
    return tmp_path

"""What the Snakefile asks of the studies: their pages, files, parameters and digests."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from helpers.book.dependencies import helpers_of
from helpers.data import outside
from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.data.study import read as read_study

DEFAULT_STUDIES = ("data/olnm", "data/occult_neck", "data/recordings")
RESULTS = "results"
PUBLISHED = Path("data/published")
# chapters whose notebook reads the tables and settings only; the value names further parameters from the profile
CHAPTER_PARAMETERS: dict[str, tuple[str, ...]] = {
    "cohort": (),
    "inputs": (),
    "baseline": ("repeats", "resamples"),
    "fuse": ("folds", "seeds"),
    "discrimination": ("resamples",),
    "calibration": (),
    "decision": ("resamples",),
    "explain": (),
    "reporting": (),
}


@dataclass(frozen=True)
class Node:
    """One study as the graph sees it."""

    folder: str
    study: Study
    profile: str

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.study.name

    @property
    def results(self) -> str:
        """Folder of the study's results."""
        return f"{RESULTS}/{self.name}"

    @cached_property
    def absent(self) -> list[str]:
        """Outside data sets that the study needs and that are not there; then it is left out of the book."""
        return outside.missing(self.study) if self.study.source.kind == "outside" else []

    @cached_property
    def digest(self) -> str:
        """Digest of all settings but the profiles."""
        return self.study.digest()

    @cached_property
    def source_digest(self) -> str:
        """Digest of what the cases are generated from."""
        parts = [self.study.source.model_dump(mode="json"), [c.name for c in self.study.covariates]]
        if self.study.simulated:
            parts.append(self.study.profile(self.profile).frames_per_second)
        return _digest(parts)

    @cached_property
    def inputs_digest(self) -> str:
        """Digest of how media become arrays."""
        return _digest({name: part.model_dump(mode="json") for name, part in self.study.inputs.items()})

    @property
    def generated(self) -> list[str]:
        """Tables that a rule writes into the study folder; empty for a user's own study."""
        if self.study.source.kind == "own":
            return []
        names = ["cohort.csv"] + (["media.csv"] if self.study.inputs else [])
        names += ["simulation.csv", "simulation.json"] if self.study.simulated else []
        return [f"{self.folder}/{name}" for name in names]

    def source_files(self) -> list[str]:
        """Files that the generated tables are made from, the code that makes them among them."""
        kind = (
            f"simulate/{self.study.source.generator}"
            if self.study.simulated
            else f"outside/{self.study.source.adapter}"
        )
        module = f"src/helpers/data/{kind}.py"
        found = [module, *helpers_of(module)]
        if self.study.source.published:
            found.append(str(PUBLISHED / self.study.source.published))
        return found + sorted(str(path) for path in Path(self.folder, "external").glob("*.csv"))

    def tables(self) -> list[str]:
        """The study's tables."""
        names = ["cohort.csv"] + (["media.csv"] if self.study.inputs else [])
        return [f"{self.folder}/{name}" for name in names]

    def runs(self) -> list[str]:
        """Pages of all training runs: input, architecture and seed."""
        if "train" not in self.study.chapters:
            return []
        seeds = self.study.profile(self.profile).seeds
        return [
            f"train/{model.input}-{architecture}-s{seed}"
            for model in self.study.models.values()
            for architecture in model.architectures
            for seed in seeds
        ]

    def pages(self) -> list[str]:
        """All pages of the study, in reading order."""
        found: list[str] = []
        for chapter in self.study.chapters:
            found += self.runs() if chapter == "train" else [chapter]
        return found

    def notebooks(self) -> list[str]:
        """Executed notebooks of all pages; none for a study whose outside data are absent."""
        return [] if self.absent else [f"{self.results}/{page}/notebook.ipynb" for page in self.pages()]

    def candidates(self) -> list[str]:
        """Predictions of every training run."""
        return [f"{self.results}/{run}/predictions.csv" for run in self.runs()]

    def parts(self) -> list[str]:
        """Tables that `predictions.csv` is put together from."""
        own = f"{self.folder}/predictions.csv"
        if Path(own).is_file():
            return [own]
        return [f"{self.results}/{c}/predictions.csv" for c in ("baseline", "fuse") if c in self.study.chapters]

    def parameters(self, chapter: str) -> dict[str, Any]:
        """Papermill parameters of a chapter."""
        profile = self.study.profile(self.profile)
        more = {name: getattr(profile, name) for name in CHAPTER_PARAMETERS[chapter]}
        more = {name: list(value) if isinstance(value, tuple) else value for name, value in more.items()}
        if chapter == "fuse":
            more.update(profile.training.model_dump())
            more["workers"] = 1 if has_gpu() else 2
        return {"study": self.folder, "results": self.results, **more}

    def training(self, source: str, architecture: str, seed: int) -> dict[str, Any]:
        """Papermill parameters of one training run."""
        own = {"input": source, "architecture": architecture, "seed": seed}
        return {"study": self.folder, "results": self.results, **own, **self._training()}

    def _training(self) -> dict[str, Any]:
        return self.study.profile(self.profile).training.model_dump()


def studies(folders: Iterable[str], profile: str) -> dict[str, Node]:
    """Read the settings of several studies.

    Parameters
    ----------
    folders : iterable of str
        Study folders.
    profile : str
        `quick` or `full`.

    Returns
    -------
    dict of str to Node
        By the study's name.

    Raises
    ------
    StudyError
        If a `study.yaml` is wrong or two studies share a name.
    """
    found: dict[str, Node] = {}
    for folder in folders:
        study = read_study(folder)
        if study.name in found:
            raise StudyError(f"two studies are called {study.name!r}", file=f"{folder}/study.yaml", key="name")
        found[study.name] = Node(str(folder).rstrip("/"), study, profile)
    return found


def files(folder: str) -> list[str]:
    """All files below a folder, sorted, without caches."""
    return sorted(str(p) for p in Path(folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def has_gpu() -> bool:
    """Whether this machine shows a CUDA device, asked without importing torch."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True, check=False).returncode == 0


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]

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
from helpers.data import fingerprint, made, outside, own_table
from helpers.data.errors import StudyError
from helpers.data.profiles import FULL, QUICK, Profile
from helpers.data.study import Study
from helpers.data.study import read as read_study

DEFAULT_STUDIES = (
    "data/olnm",
    "data/occult_neck",
    "data/calcified",
    "data/lymphnode",
    "data/three_class",
    "data/recordings",
    "data/viper",
)
RESULTS = "results"
PUBLISHED = Path("data/published")
# chapters whose notebook reads the tables and settings only; the value names further parameters from the profile
CHAPTER_PARAMETERS: dict[str, tuple[str, ...]] = {
    "assumptions": (),
    "cohort": (),
    "inputs": (),
    "baseline": ("repeats", "resamples"),
    "fuse": ("folds", "seeds"),
    "segmentation": ("resamples", "seeds"),
    "reports": (),
    "ways": ("resamples",),
    "networks": ("seeds",),
    "resampled": ("repeats",),
    "discrimination": ("resamples",),
    "classes": ("resamples",),
    "compare": ("resamples",),
    "calibration": (),
    "decision": ("resamples",),
    "subgroups": ("resamples",),
    "readers": (),
    "class_readers": (),
    "explain": (),
    "reporting": (),
}
# chapters that cannot do without a predictions table
PREDICTED = (
    "discrimination",
    "classes",
    "compare",
    "calibration",
    "decision",
    "subgroups",
    "class_readers",
    "explain",
)


@dataclass(frozen=True)
class BookPage:
    """A page of the book itself, which belongs to no study.

    Parameters
    ----------
    notebook : str
        Stem of its notebook; several pages may share one.
    source : str
        Folder that it reads.
    fields : tuple of str
        Parameters that come from the profile.
    more : tuple of (str, value)
        Parameters of this page alone.
    heading : str
        What stands behind the title where pages share a notebook.
    workers : int
        Processes that share its work; more than one is a parameter of the notebook too.
    """

    notebook: str
    source: str
    fields: tuple[str, ...] = ()
    more: tuple[tuple[str, Any], ...] = ()
    heading: str = ""
    workers: int = 1


PAPERS = ("A", "B", "C", "D")  # a page each below the page `claims`
BOOK_PAGES: dict[str, BookPage] = {
    "trust": BookPage("trust", "tests/reference", ("replicates",), workers=2),
    "performance": BookPage("performance", "data/performance"),
    "claims": BookPage("claims_summary", str(PUBLISHED)),
    **{
        f"claims/{letter.lower()}": BookPage(
            "claims", str(PUBLISHED), more=(("paper", letter),), heading=f"paper {letter}"
        )
        for letter in PAPERS
    },
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
    def own(self) -> Path | None:
        """The predictions table that lies in the study's folder, if any."""
        return own_table.find(self.folder)

    @cached_property
    def digest(self) -> str:
        """Digest of all settings but the profiles."""
        return self.study.digest()

    @cached_property
    def source_digest(self) -> str:
        """Digest of what the cases are generated from."""
        parts = [self.study.source.model_dump(mode="json"), [c.name for c in self.study.covariates]]
        if self.study.simulated:
            profile = self.study.profile(self.profile)
            parts += [profile.frames_per_second, profile.patients]
        return _digest(parts)

    @cached_property
    def inputs_digest(self) -> str:
        """Digest of how media become arrays."""
        return _digest({name: part.model_dump(mode="json") for name, part in self.study.inputs.items()})

    @cached_property
    def media_digest(self) -> str:
        """Digest of the content of a user's own media; those that a rule writes follow from that rule."""
        own = self.study.source.kind == "own" and self.study.inputs
        return fingerprint.media(self.folder) if own else ""

    @property
    def generated(self) -> list[str]:
        """Tables that a rule writes into the study folder; empty for a user's own study."""
        if self.study.source.kind == "own":
            return []
        names = ["simulation.csv", "simulation.json"] if self.study.simulated else []
        return self.tables() + [f"{self.folder}/{name}" for name in names]

    def keep_own(self) -> None:
        """Stop where a rule would write over tables or media that ThyroBook did not make.

        Raises
        ------
        StudyError
            If such files lie in the folder of a study whose cases are generated.
        """
        if self.study.source.kind != "own":
            made.refuse_foreign(self.folder)

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
            letter = self.study.source.published.split("_")[0]
            found += sorted(str(path) for path in PUBLISHED.glob(f"{letter}_*.csv"))
        return found + sorted(str(path) for path in Path(self.folder, "external").glob("*.csv"))

    def tables(self) -> list[str]:
        """The study's tables."""
        names = ["cohort.csv"] if self.study.cohort_chapters else []
        names += ["media.csv"] if self.study.inputs else []
        names += ["frames.csv"] if any(part.frames != "spaced" for part in self.study.inputs.values()) else []
        names += ["readings.csv"] if {"readers", "class_readers"} & set(self.study.chapters) else []
        names += ["reports.csv"] if self.study.reports is not None else []
        return [f"{self.folder}/{name}" for name in names]

    def beside(self, name: str) -> list[str]:
        """A file that a user's own study may have beside its tables; none when it has not."""
        path = Path(self.folder, name)
        return [f"{self.folder}/{name}"] if self.study.source.kind == "own" and path.is_file() else []

    def runs(self) -> list[str]:
        """Pages of all training runs: input, architecture and seed; models with the same input share runs."""
        seeds = self.study.profile(self.profile).seeds
        if "ynet" in self.study.chapters:
            asked = self.study.segmentation
            return [f"train/{asked.input}-{network}-s{seed}" for network in asked.networks.values() for seed in seeds]
        if "train" not in self.study.chapters:
            return []
        asked = [
            f"train/{model.input}-{architecture}-s{seed}"
            for model in self.study.models.values()
            for architecture in model.runs
            for seed in seeds
        ]
        return list(dict.fromkeys(asked))

    def pages(self) -> list[str]:
        """All pages of the study, in reading order."""
        found: list[str] = []
        for chapter in self.study.chapters:
            found += self.runs() if chapter in ("train", "ynet") else [chapter]
        return found

    def notebooks(self) -> list[str]:
        """Executed notebooks of all pages; none for a study whose outside data are absent."""
        return [] if self.absent else [f"{self.results}/{page}/notebook.ipynb" for page in self.pages()]

    def candidates(self) -> list[str]:
        """Predictions of every training run."""
        return [f"{self.results}/{run}/predictions.csv" for run in self.runs()]

    def parts(self) -> list[str]:
        """Tables that `predictions.csv` is put together from."""
        if self.own:
            beside = Path(self.folder, "cohort.csv")
            return [str(self.own), *([str(beside)] if beside.is_file() else [])]
        return [
            f"{self.results}/{c}/predictions.csv"
            for c in ("baseline", "ways", "fuse", "networks")
            if c in self.study.chapters
        ]

    def collected(self) -> list[str]:
        """What `helpers.stats.predictions` is told: the study's folder for a table of its own, else the parts."""
        return [self.folder] if self.own else self.parts()

    def given(self) -> list[str]:
        """All tables that lie in the folder or are made from them: what the chapter `assumptions` looks at."""
        return list(dict.fromkeys([*self.parts(), *self.tables(), *self.predictions()]))

    def predictions(self) -> list[str]:
        """The study's predictions table; none for a reader study without a model."""
        return [f"{self.results}/predictions.csv"] if self.parts() else []

    def chosen(self) -> list[str]:
        """The page that chose the networks which are explained."""
        return [f"{self.results}/{c}/notebook.ipynb" for c in ("fuse", "networks") if c in self.study.chapters]

    def parameters(self, chapter: str) -> dict[str, Any]:
        """Papermill parameters of a chapter."""
        profile = self.study.profile(self.profile)
        more = {name: getattr(profile, name) for name in CHAPTER_PARAMETERS[chapter]}
        more = {name: list(value) if isinstance(value, tuple) else value for name, value in more.items()}
        if chapter == "baseline":
            more["resamples"] = profile.refits or profile.resamples
        if chapter == "fuse":
            more["workers"] = 1 if has_gpu() else 2
        return {"study": self.folder, "results": self.results, **more}

    def training(self, source: str, architecture: str, seed: int) -> dict[str, Any]:
        """Papermill parameters of one training run."""
        own = {"run": f"{source}-{architecture}-s{seed}"}
        return {"study": self.folder, "results": self.results, **own, **self._training()}

    def outlining(self, source: str, architecture: str, seed: int) -> dict[str, Any]:
        """Papermill parameters of one run of a network that outlines: those of training that it has, and the folds."""
        profile = self.study.profile(self.profile)
        names = ("size", "crop_size", "epochs", "batch_size", "learning_rate", "patience", "width_divisor", "optimizer")
        own = {"run": f"{source}-{architecture}-s{seed}", "folds": self.study.segmentation.folds or profile.folds}
        return {"study": self.folder, "results": self.results, **own, **profile.training.model_dump(include=set(names))}

    def given_reports(self) -> list[str]:
        """The study's table of reports, where it has one."""
        return [f"{self.folder}/reports.csv"] if self.study.reports is not None else []

    def run_pages(self) -> list[str]:
        """Executed notebooks of the training runs."""
        return [f"{self.results}/{run}/notebook.ipynb" for run in self.runs()]

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
        If a `study.yaml` is wrong, two studies share a name, or chapters need predictions that nothing makes.
    """
    found: dict[str, Node] = {}
    for folder in folders:
        study = read_study(folder)
        if study.name in found:
            raise StudyError(f"two studies are called {study.name!r}", file=f"{folder}/study.yaml", key="name")
        node = Node(str(folder).rstrip("/") or "/", study, profile)
        study.check_training(profile)
        _check_weights(study, profile)
        needy = [chapter for chapter in study.chapters if chapter in PREDICTED]
        if needy and not node.parts():
            raise StudyError(
                f"the chapter {needy[0]} needs predictions, and nothing makes them",
                file=f"{folder}/study.yaml",
                key="chapters",
                fix="add a chapter that does (baseline, fuse or networks), or put predictions.csv into the folder",
            )
        found[study.name] = node
    return found


def _check_weights(study: Study, profile: str) -> None:
    """Refuse a file of weights that is not there before networks are built from it."""
    weights = study.profile(profile).training.weights
    if "train" in study.chapters and weights not in ("none", "imagenet") and not Path(weights).is_file():
        raise StudyError(
            f"there is no file {weights!r}",
            file="study.yaml",
            key=f"profiles.{profile}.training.weights",
            fix="give its path from the folder in which make runs",
        )


def chapters(nodes: Iterable[Node]) -> set[str]:
    """Chapters that some study of a build has; the others need no rule, nor a notebook."""
    return {chapter for node in nodes for chapter in node.study.chapters}


def book_pages(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Pages of the book itself: with the default studies all of them, with a user's own study none."""
    return tuple(BOOK_PAGES) if any(node.study.source.kind != "own" for node in nodes) else ()


def book_parameters(name: str, profile: str) -> dict[str, Any]:
    """Papermill parameters of a page of the book itself."""
    page = BOOK_PAGES[name]
    about = Profile.model_validate({"quick": QUICK, "full": FULL}[profile])
    own = {field: getattr(about, field) for field in page.fields} | dict(page.more)
    own |= {"workers": page.workers} if page.workers > 1 else {}
    return {"results": f"{RESULTS}/book", "source": page.source, **own}


def paper_of(node: Node) -> str | None:
    """Letter of the published paper that a study does again; None when it does none, or one without a page."""
    letter = (node.study.source.published or "").partition("_")[0]
    return letter if letter in PAPERS else None


def files(folder: str) -> list[str]:
    """All files below a folder, sorted, without caches."""
    return sorted(str(p) for p in Path(folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def has_gpu() -> bool:
    """Whether this machine shows a CUDA device, asked without importing torch."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True, check=False).returncode == 0


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]

"""A study is data: `study.yaml`, read and checked.

>>> study = from_text('''
... name: demo
... title: A demonstration
... question: Does it read?
... source: {kind: own}
... outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
... chapters: [discrimination, calibration]
... ''')
>>> study.name, study.simulated, study.profile("quick").seeds
('demo', False, (0,))
"""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from helpers.data.errors import StudyError
from helpers.data.profiles import FULL, QUICK, Part, Profile

CHAPTERS = (
    "cohort",
    "inputs",
    "baseline",
    "train",
    "fuse",
    "discrimination",
    "calibration",
    "decision",
    "explain",
    "reporting",
)
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Source(Part):
    """Where the cases come from."""

    kind: Literal["simulated", "outside", "own"]
    generator: Literal["olnm"] | None = None
    published: str | None = None
    sets: tuple[str, ...] = ()
    adapter: Literal["lydata", "recordings"] | None = None
    doi: str | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.kind == "simulated" and not (self.generator and self.published):
            raise ValueError("a simulated source needs generator and published")
        if self.kind == "outside" and not (self.sets and self.adapter):
            raise ValueError("an outside source needs sets and adapter")
        return self


class Outcome(Part):
    """What the label means; 1 is positive."""

    name: Text
    positive: Text
    negative: Text
    reference_standard: Text


class Covariate(Part):
    """A column of `cohort.csv`: continuous with unit and range, or categorical with ordered levels."""

    name: Name
    label: Text
    type: Literal["continuous", "categorical"] = "categorical"
    unit: str = ""
    levels: tuple[str, ...] = ()
    decimals: int = Field(default=1, ge=0, le=6)
    low: float = float("-inf")
    high: float = float("inf")
    predictor: bool = False

    @model_validator(mode="after")
    def _typed(self) -> Covariate:
        if self.type == "categorical" and not self.levels:
            raise ValueError("a categorical covariate needs levels")
        if self.type == "continuous" and self.levels:
            raise ValueError("a continuous covariate has no levels")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("levels repeat")
        return self


class FlowStep(Part):
    """A step of the participants' flow before the cohort table begins."""

    step: Text
    excluded: dict[str, int] = {}


class Validation(Part):
    """How the models are tested: on a test split, or by repeated cross-validation when events are few."""

    kind: Literal["test", "cross-validation"] = "test"
    folds: int = Field(default=5, ge=2, le=20)


class Tune(Part):
    """The part of the training patients that chooses epochs, architectures, heads and thresholds."""

    fraction: Fraction = 0.2
    seed: int = 0


class Crop(Part):
    """The square cut around the lesion: a fixed side in millimetres, or a multiple of the lesion's box."""

    side_mm: float | None = Field(default=None, gt=0)
    scale: float | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one(self) -> Crop:
        if (self.side_mm is None) == (self.scale is None):
            raise ValueError("give side_mm or scale, one of the two")
        return self


class Input(Part):
    """What a network sees: one still, or key frames of a clip as channels."""

    label: Text
    kind: Literal["bmode", "ceus", "cine"]
    crop: Crop
    size: int = Field(default=256, ge=32, le=1024)
    every_seconds: float = Field(default=2.0, gt=0)
    key_frames: int = Field(default=5, ge=1, le=64)

    @property
    def channels(self) -> int:
        """Number of channels of the arrays."""
        return 1 if self.kind == "bmode" else self.key_frames


class Model(Part):
    """A family of networks on one input, of which the tune patients choose one."""

    input: Name
    architectures: tuple[Literal["densenet121", "densenet169", "densenet201", "resnet18", "resnet34"], ...] = Field(
        min_length=1
    )


class Fusion(Part):
    """A head on the features of several chosen networks."""

    name: Name
    of: tuple[Name, ...] = Field(min_length=2)
    heads: tuple[Literal["mlp", "logistic", "svm", "random_forest"], ...] = Field(min_length=1)


class Clinical(Part):
    """The penalised logistic regression on the covariates marked `predictor`; every study has it."""

    name: Name = "clinical"


class ThresholdRule(Part):
    """How the operating point is fixed before any test label is read."""

    rule: Literal["youden", "sensitivity", "specificity", "declared"] = "youden"
    value: Fraction | None = None

    @model_validator(mode="after")
    def _value(self) -> ThresholdRule:
        if (self.rule == "youden") != (self.value is None):
            raise ValueError("value belongs to the rules sensitivity, specificity and declared, and only to them")
        return self


class DecisionRange(Part):
    """Risk thresholds at which a clinician might act, and why."""

    low: Fraction = 0.05
    high: Fraction = 0.50
    step: float = Field(default=0.01, gt=0, le=0.1)
    reason: Text = "No range was declared; the default covers most decisions about a biopsy or a dissection."

    @model_validator(mode="after")
    def _ordered(self) -> DecisionRange:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Study(Part):
    """All that `study.yaml` says."""

    name: Name
    title: Text
    question: Text
    unit: Text = "patient"
    source: Source
    outcome: Outcome | None = None
    flow: tuple[FlowStep, ...] = ()
    covariates: tuple[Covariate, ...] = ()
    validation: Validation = Validation()
    tune: Tune = Tune()
    inputs: dict[Name, Input] = {}
    models: dict[Name, Model] = {}
    fusion: Fusion | None = None
    clinical: Clinical = Clinical()
    threshold: ThresholdRule = ThresholdRule()
    decision: DecisionRange = DecisionRange()
    chapters: tuple[Literal[CHAPTERS], ...] = Field(min_length=1)
    profiles: dict[Literal["quick", "full"], dict[str, Any]] = {}

    @model_validator(mode="after")
    def _agree(self) -> Study:
        for name, model in self.models.items():
            if model.input not in self.inputs:
                raise ValueError(f"models.{name}.input: {model.input!r} is not one of the inputs {list(self.inputs)}")
        for name in self.fusion.of if self.fusion else ():
            if name not in self.models:
                raise ValueError(f"fusion.of: {name!r} is not one of the models {list(self.models)}")
        needs = {
            "train": "models",
            "fuse": "models",
            "explain": "models",
            "inputs": "inputs",
            "baseline": "covariates",
        }
        for chapter, section in needs.items():
            if chapter in self.chapters and not getattr(self, section):
                raise ValueError(f"chapters: {chapter} needs the section {section}")
        if self.outcome is None and set(self.chapters) - {"inputs"}:
            raise ValueError("outcome: needed for every chapter but inputs")
        if self.validation.kind == "cross-validation" and self.models:
            raise ValueError("validation.kind: networks need a test split; cross-validation is for clinical models")
        names = [c.name for c in self.covariates]
        if len(set(names)) < len(names):
            raise ValueError("covariates: a name repeats")
        for name in ("quick", "full"):
            self.profile(name)
        return self

    @property
    def simulated(self) -> bool:
        """Whether the cases are simulated, so that every page needs its banner."""
        return self.source.kind == "simulated"

    @property
    def judged(self) -> str:
        """The split on which models are judged: `test`, or `oof` under cross-validation."""
        return "test" if self.validation.kind == "test" else "oof"

    @property
    def choosing(self) -> str:
        """The split on which thresholds are chosen and calibration maps fitted: `tune`, or `oof`."""
        return "tune" if self.validation.kind == "test" else "oof"

    @property
    def predictors(self) -> tuple[Covariate, ...]:
        """Covariates of the clinical baseline."""
        return tuple(c for c in self.covariates if c.predictor)

    def profile(self, name: str) -> Profile:
        """Settings of `quick` or `full`: the defaults, changed by the study's section `profiles`."""
        default = {"quick": QUICK, "full": FULL}.get(name)
        if default is None:
            raise StudyError(f"unknown profile {name!r}", fix="use quick or full")
        changes = self.profiles.get(name, {})
        training = {**default["training"], **changes.get("training", {})}
        return Profile.model_validate({**default, **changes, "training": training})

    def digest(self) -> str:
        """SHA-256 of all settings but the profiles, in hexadecimal."""
        text = json.dumps(self.model_dump(mode="json", exclude={"profiles"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read(folder: str | Path) -> Study:
    """Read and check `study.yaml`.

    Parameters
    ----------
    folder : path
        The study's folder; its name need not be the study's.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        When the file is absent, is not YAML or says something unknown; names the key and what is allowed.
    """
    path = Path(folder) / "study.yaml"
    if not path.is_file():
        raise StudyError(
            "no study.yaml in this folder", file=str(path), fix="write one; data/README.md explains each key"
        )
    try:
        return from_text(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise StudyError("not UTF-8 text", file=path.name, fix="save it as UTF-8") from None


def from_text(text: str) -> Study:
    """Check the text of a `study.yaml`; see `read`."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise StudyError(
            f"not YAML: {getattr(error, 'problem', error)}",
            file="study.yaml",
            row=mark.line + 1 if mark else None,
            fix="check the indentation and quotes there",
        ) from None
    if not isinstance(raw, dict):
        raise StudyError("no keys in this file", file="study.yaml", fix="start with name, title and question")
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _explain(first, raw) from None


def _explain(error: dict[str, Any], raw: dict[str, Any]) -> StudyError:
    """Turn one pydantic error into a sentence that names the key and the allowed values."""
    where = ".".join(str(p) for p in error["loc"]) or None
    if error["type"] == "extra_forbidden":
        parent = Study
        for step in error["loc"][:-1]:
            parent = _model_at(parent, step)
        allowed = sorted(parent.model_fields) if parent is not None else []
        near = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return StudyError("unknown key", file="study.yaml", key=where, fix=f"{hint}allowed are {', '.join(allowed)}")
    if error["type"] == "missing":
        return StudyError("this key is missing", file="study.yaml", key=where, fix="add it; data/README.md explains it")
    message = error["msg"].removeprefix("Value error, ")
    got = error.get("input")
    shown = f", not {got!r}" if isinstance(got, str | int | float | bool) else ""
    return StudyError(f"{message}{shown}", file="study.yaml", key=where, fix="change this value")


def _model_at(parent: Any, step: str | int) -> Any:
    """The section class that a key of `parent` holds, or None when the path is not a plain section."""
    fields = getattr(parent, "model_fields", {})
    if step not in fields:
        return parent if isinstance(step, int | str) and parent is not Study else None
    found = [t for t in _types(fields[step].annotation) if isinstance(t, type) and issubclass(t, BaseModel)]
    return found[0] if found else None


def _types(annotation: Any) -> list[Any]:
    """All classes inside an annotation such as `tuple[Covariate, ...]`."""
    inside = getattr(annotation, "__args__", None)
    return [annotation] if inside is None else [t for a in inside for t in _types(a)]

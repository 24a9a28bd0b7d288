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

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from helpers.data import yaml_text
from helpers.data.errors import StudyError
from helpers.data.profiles import FULL, QUICK, Once, Part, Profile
from helpers.data.sections import (
    SHORTEST_SIDE,
    Choice,
    Clinical,
    Covariate,
    DecisionRange,
    FlowStep,
    Fusion,
    Input,
    Model,
    Name,
    Outcome,
    Readers,
    Reports,
    Segmentation,
    Source,
    Text,
    ThresholdRule,
    Tune,
    Validation,
)

CHAPTERS = (
    "assumptions",
    "cohort",
    "inputs",
    "baseline",
    "train",
    "ynet",
    "segmentation",
    "reports",
    "ways",
    "fuse",
    "networks",
    "resampled",
    "discrimination",
    "classes",
    "compare",
    "calibration",
    "decision",
    "subgroups",
    "readers",
    "class_readers",
    "explain",
    "reporting",
)
# chapters that read cohort.csv; the others read predictions, readings or settings only
COHORT_CHAPTERS = {"cohort", "inputs", "baseline", "train", "fuse", "networks", "resampled", "subgroups", "explain"}
COHORT_CHAPTERS |= {"ynet", "segmentation", "reports", "ways"}
RESERVED = ("book",)  # folders of results that belong to no study


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
    crosstab: Annotated[tuple[Name, Name], Once] | None = (
        None  # two categorical covariates, counted together in the chapter cohort
    )
    limitations: tuple[Text, ...] = ()  # of the data, said where they bear on a result
    validation: Validation = Validation()
    tune: Tune = Tune()
    inputs: dict[Name, Input] = {}
    models: dict[Name, Model] = {}
    segmentation: Segmentation | None = None
    reports: Reports | None = None
    fusion: Fusion | None = None
    clinical: Clinical = Clinical()
    threshold: ThresholdRule = ThresholdRule()
    decision: DecisionRange = DecisionRange()
    choices: tuple[Choice, ...] = ()  # further clinical choices of a study with several classes
    voting: Literal["mean"] | None = None  # a patient's risk from those of the cases; None: each case answers
    subgroups: Annotated[
        tuple[Name, ...], Once
    ] = ()  # categorical covariates, or center; empty: all categorical covariates
    readers: Readers = Readers()
    chapters: Annotated[tuple[Literal[CHAPTERS], ...], Once] = Field(min_length=1)
    profiles: dict[Literal["quick", "full"], dict[str, Any]] = {}

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value.lower() in RESERVED:
            raise ValueError(
                f"a study cannot be called {', '.join(RESERVED)}: the pages of the book itself are kept there"
            )
        return value

    @model_validator(mode="after")
    def _agree(self) -> Study:
        for name, model in self.models.items():
            if model.input not in self.inputs:
                raise ValueError(f"models.{name}.input: {model.input!r} is not one of the inputs {list(self.inputs)}")
        for name in self.fusion.of if self.fusion else ():
            if name not in self.models:
                raise ValueError(f"fusion.of: {name!r} is not one of the models {list(self.models)}")
        self._agree_segmentation()
        needs = {
            "ynet": "segmentation",
            "segmentation": "segmentation",
            "reports": "reports",
            "ways": "segmentation",
            "train": "models",
            "fuse": "models",
            "networks": "models",
            "resampled": "models",
            "explain": "models",
            "inputs": "inputs",
            "baseline": "covariates",
        }
        for chapter, section in needs.items():
            if chapter in self.chapters and not getattr(self, section):
                raise ValueError(f"chapters: {chapter} needs the section {section}")
        for name in self.subgroups:
            if name != "center" and name not in {c.name for c in self.covariates if c.type == "categorical"}:
                raise ValueError(f"subgroups: {name!r} is neither center nor a categorical covariate")
        for name in self.crosstab or ():
            if name not in {c.name for c in self.covariates if c.type == "categorical"}:
                raise ValueError(f"crosstab: {name!r} is not a categorical covariate")
        if {"fuse", "networks"} <= set(self.chapters):
            raise ValueError("chapters: fuse and networks both hand on the predictions; give one of the two")
        self._check_classes()
        if "compare" in self.chapters and "networks" not in self.chapters:
            raise ValueError("chapters: compare needs the chapter networks")
        if self.outcome is None and set(self.chapters) - {"inputs"}:
            raise ValueError("outcome: needed for every chapter but inputs")
        if self.validation.kind == "cross-validation" and self.models:
            raise ValueError("validation.kind: networks need a test split; cross-validation is for clinical models")
        if self.threshold.rule != "declared" and self.choosing in (None, self.judged):
            why = "without cases that may choose" if self.choosing is None else "where the judged cases would choose"
            raise ValueError(f"threshold.rule: {why}, only declared (with its value) is possible")
        if "train" in self.chapters and "ynet" in self.chapters:
            raise ValueError("chapters: a study trains either models (train) or networks that outline (ynet)")
        for chapter in ("fuse", "networks"):
            if chapter in self.chapters and "train" not in self.chapters:
                raise ValueError(f"chapters: {chapter} needs the chapter train")
        names = [c.name for c in self.covariates]
        if len(set(names)) < len(names):
            raise ValueError("covariates: a name repeats")
        self._agree_names()
        for name in ("quick", "full"):
            self._check_profile(name)
        return self

    def _agree_names(self) -> None:
        """Models under one name would be one model in the table of predictions."""
        named = [*self.models, *(self.segmentation.networks if self.segmentation else ())]
        named += [self.fusion.name] if self.fusion else []
        named += [self.clinical.name] if "baseline" in self.chapters else []
        twice = [name for place, name in enumerate(named) if name in named[:place]]
        if twice:
            raise ValueError(
                f"{twice[0]!r} names two models: models, fusion, clinical and networks need names of their own"
            )

    def _check_profile(self, name: str) -> None:
        training = self.profiles.get(name, {}).get("training", {})
        if not isinstance(training, dict):
            raise ValueError(f"profiles.{name}.training: give keys and values below it, or leave it out")
        try:
            self.profile(name)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(["profiles", name, *map(str, first["loc"])])
            raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None

    def _check_classes(self) -> None:
        """Chapters and choices that only several classes make sense of."""
        classes = self.outcome.classes if self.outcome else ()
        for chapter in ("resampled", "class_readers"):
            if chapter in self.chapters and not classes:
                raise ValueError(f"chapters: {chapter} needs outcome.classes")
        if self.choices and self.decision.prevalence is not None:
            raise ValueError("decision.prevalence: is that of one outcome, so it cannot be given beside choices")
        for choice in self.choices:
            unknown = set(choice.classes) - set(classes)
            if unknown or set(choice.classes) == set(classes):
                listed = ", ".join(classes) or "none are declared"
                raise ValueError(f"choices: {choice.name!r} needs some, not all, of outcome.classes ({listed})")

    def _agree_segmentation(self) -> None:
        asked = self.segmentation
        if asked is not None and asked.input not in self.inputs:
            raise ValueError(f"segmentation.input: {asked.input!r} is not one of the inputs {list(self.inputs)}")
        if "ways" in self.chapters and "ynet" not in self.chapters:
            raise ValueError("chapters: ways needs the chapter ynet")
        if "segmentation" in self.chapters and "ynet" not in self.chapters:
            raise ValueError("chapters: segmentation needs the chapter ynet")
        known = [name for name, kind in asked.networks.items() if kind != "monai_unet"] if asked else []
        if self.reports is not None and self.reports.model is not None and self.reports.model not in known:
            raise ValueError(f"reports.model: {self.reports.model!r} is not one of the networks {known}")

    @property
    def simulated(self) -> bool:
        """Whether the cases are simulated, so that every page needs its banner."""
        return self.source.kind == "simulated"

    @property
    def judged(self) -> str:
        """The split on which models are judged: as `validation.judged` says, else `test`, or `oof`."""
        return self.validation.judged or ("test" if self.validation.kind == "test" else "oof")

    @property
    def choosing(self) -> str | None:
        """The split on which thresholds are chosen and calibration maps fitted; None where no case may choose."""
        said = self.validation.choosing or ("tune" if self.validation.kind == "test" else "oof")
        return None if said == "none" else said

    @property
    def cohort_chapters(self) -> set[str]:
        """Chapters that need `cohort.csv`; a reader study, or a table of predictions, has none."""
        return set(self.chapters) & COHORT_CHAPTERS

    @property
    def develops(self) -> bool:
        """Whether a chapter fits a model to the cohort, so that there must be training cases."""
        return bool(set(self.chapters) & {"baseline", "train", "ynet"})

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

    def check_training(self, name: str) -> None:
        """Refuse a profile under which a network of this study could not be built or trained.

        Raises
        ------
        StudyError
            Naming the key of the profile, and what the network asks for.
        """
        training = self.profile(name).training
        faults = {}
        if "train" in self.chapters:
            for model in self.models.values():
                least, asked = max((SHORTEST_SIDE.get(one, 32), one) for one in model.architectures)
                source = self.inputs[model.input]
                if training.size < least:
                    faults["size"] = f"{training.size} pixels are too few for {asked}, which needs {least}"
                if source.volume and training.frames > source.key_frames:
                    faults["frames"] = (
                        f"{training.frames} are more than the {source.key_frames} key_frames of the input"
                    )
        if "ynet" in self.chapters and training.size != training.crop_size:
            faults["crop_size"] = f"must be size ({training.size}), since a frame is outlined whole"
        for key, said in faults.items():
            raise StudyError(
                said,
                file="study.yaml",
                key=f"profiles.{name}.training.{key}",
                fix=f"write the section profiles with a fitting {key}; data/README.md explains it",
            )

    def digest(self) -> str:
        """SHA-256 of all settings but the profiles, in hexadecimal."""
        text = json.dumps(self.model_dump(mode="json", exclude={"profiles"}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read(folder: str | Path) -> Study:
    """Read and check `study.yaml`; without it, infer the settings from the tables that are there.

    Parameters
    ----------
    folder : path
        The study's folder; its name need not be the study's.

    Returns
    -------
    Study
        Where a predictions table lies in the folder, `judged` and `choosing` follow from its splits, unless
        `study.yaml` says them; see `helpers.data.inferred`.

    Raises
    ------
    StudyError
        When the file is not YAML or says something unknown (names the key and what is allowed), or when it is
        absent and no table of predictions or readings is there to infer from.

    Examples
    --------
    >>> study = read("data/three_class")
    >>> study.outcome.classes, study.judged, study.choosing
    (('benign', 'non-metastatic', 'metastatic'), 'test', 'tune')
    """
    from helpers.data import inferred

    path = Path(folder) / "study.yaml"
    if not path.is_file():
        return inferred.infer(folder)
    try:
        study = from_text(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise StudyError("not UTF-8 text", file=path.name, fix="save it as UTF-8") from None
    return inferred.fitted(study, folder)


def from_text(text: str) -> Study:
    """Check the text of a `study.yaml`; see `read`."""
    raw = yaml_text.plain(text)
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

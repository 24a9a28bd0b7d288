"""The sections of `study.yaml`: each a frozen class that refuses what it does not know."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from helpers.data.profiles import Once, Part, Seed

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ClassName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*$", max_length=30)]
NetworkName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=40)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Source(Part):
    """Where the cases come from."""

    kind: Literal["simulated", "outside", "own"]
    generator: Literal["olnm", "calcified", "lymphnode", "three_class"] | None = None
    published: Annotated[str, StringConstraints(pattern=r"^[A-Z]_[A-Za-z0-9]+\.csv$")] | None = None  # its paper
    sets: Annotated[tuple[str, ...], Once] = ()
    adapter: Literal["lydata", "recordings", "viper"] | None = None
    doi: str | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.kind == "simulated" and not (self.generator and self.published):
            raise ValueError("a simulated source needs generator and published")
        if self.kind == "outside" and not (self.sets and self.adapter):
            raise ValueError("an outside source needs sets and adapter")
        return self


class Outcome(Part):
    """What the label means; 1 is positive.

    With more than two `classes`, in their order from harmless to grave, labels are the names of classes. `positive`
    is the class that pages for two classes set against all others, and `negative` is what to call the others.
    """

    name: Text
    positive: Text
    negative: Text
    reference_standard: Text
    classes: tuple[ClassName, ...] = ()

    @model_validator(mode="after")
    def _listed(self) -> Outcome:
        if self.classes and (len(self.classes) < 3 or len(set(self.classes)) < len(self.classes)):
            raise ValueError("classes: name at least three different classes; two need positive and negative only")
        if self.classes and self.positive not in self.classes:
            raise ValueError(f"positive: {self.positive!r} is none of the classes {', '.join(self.classes)}")
        return self

    @property
    def names(self) -> dict[int, str]:
        """What each label in the cohort table as read means."""
        return dict(enumerate(self.classes)) if self.classes else {0: self.negative, 1: self.positive}

    @property
    def code(self) -> int:
        """Label of the positive class in the cohort table as read."""
        return self.classes.index(self.positive) if self.classes else 1


class Choice(Part):
    """A clinical choice that several classes make a question of yes or no: act when one of `classes` is likely."""

    name: Text
    classes: Annotated[tuple[ClassName, ...], Once] = Field(min_length=1)
    low: Fraction
    high: Fraction
    reason: Text

    @model_validator(mode="after")
    def _ordered(self) -> Choice:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Covariate(Part):
    """A column of `cohort.csv`: continuous with unit and range, or categorical with ordered levels."""

    name: Name
    label: Text
    type: Literal["continuous", "categorical"] = "categorical"
    unit: str = ""
    levels: tuple[str, ...] = ()
    decimals: int = Field(default=1, ge=0, le=6)
    low: float = Field(default=float("-inf"), allow_inf_nan=True)
    high: float = Field(default=float("inf"), allow_inf_nan=True)
    predictor: bool = False

    @model_validator(mode="after")
    def _typed(self) -> Covariate:
        if self.type == "categorical" and not self.levels:
            raise ValueError("a categorical covariate needs levels")
        if self.type == "continuous" and self.levels:
            raise ValueError("a continuous covariate has no levels")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("levels repeat")
        if not self.low < self.high:
            raise ValueError("low must be below high")
        return self


class FlowStep(Part):
    """A step of the participants' flow before the cohort table begins."""

    step: Text
    excluded: dict[str, Annotated[int, Field(ge=0)]] = {}


class Validation(Part):
    """How the models are tested: on a test split, or by repeated cross-validation when events are few.

    `judged` and `choosing` name the splits of a predictions table that somebody brings; without them they follow
    from the splits that it has, see `helpers.data.inferred.validation`. `choosing: none` says that no case may choose.
    """

    kind: Literal["test", "cross-validation"] = "test"
    folds: int = Field(default=5, ge=2, le=20)
    judged: Literal["test", "external", "oof"] | None = None
    choosing: Literal["tune", "oof", "train", "none"] | None = None


class Tune(Part):
    """The part of the training patients that chooses epochs, architectures, heads and thresholds."""

    fraction: Fraction = 0.2
    seed: Seed = 0


class Crop(Part):
    """The square cut around the lesion: a side in millimetres, a multiple of the lesion's box, or the whole frame."""

    side_mm: float | None = Field(default=None, gt=0)
    scale: float | None = Field(default=None, ge=1)
    whole: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Crop:
        if sum(given is not None for given in (self.side_mm, self.scale, self.whole)) != 1:
            raise ValueError("give side_mm, scale or whole: true, one of the three")
        return self


class Input(Part):
    """What a network sees: a still, frames of a clip as channels, or frames as a time axis.

    `frames` says which frames of a clip: `spaced`, `key_frames` at equal steps around the key frame, as channels;
    `labelled`, the key frame alone; `nearest`, the `key_frames` frames nearest to the labelled ones, as a time axis.
    `normalise` and `denoise` are steps on the grey values of the crop, see `helpers.data.media.grey`.
    """

    label: Text
    kind: Literal["bmode", "ceus", "cine"]
    crop: Crop
    size: int = Field(default=256, ge=32, le=1024)
    every_seconds: float = Field(default=2.0, gt=0, le=3600)
    key_frames: int = Field(default=5, ge=1, le=64)
    frames: Literal["spaced", "labelled", "nearest"] = "spaced"
    normalise: Literal["none", "percentiles", "moments"] = "none"
    denoise: Literal["none", "median"] = "none"

    @property
    def grey(self) -> dict[str, str]:
        """Steps on the grey values that are switched on."""
        steps = {"normalise": self.normalise, "denoise": self.denoise}
        return {name: how for name, how in steps.items() if how != "none"}

    @property
    def volume(self) -> bool:
        """Whether frames are a time axis, so that networks are three-dimensional."""
        return self.frames == "nearest"

    @property
    def channels(self) -> int:
        """Number of channels of the arrays."""
        return 1 if self.kind == "bmode" or self.frames != "spaced" else self.key_frames


Architecture = Literal[
    "densenet121",
    "densenet169",
    "densenet201",
    "resnet18",
    "resnet34",
    "resnet50",
    "inception_v3",
    "inception_resnet_v2",
    "legacy_xception",
]
SHORTEST_SIDE: dict[str, int] = {"inception_resnet_v2": 75, "inception_v3": 75, "legacy_xception": 71}
"""Side of the smallest image, in pixels, that an architecture can see where that is more than 32."""


class Model(Part):
    """A family of networks on one input, of which the tune patients choose one.

    `attention` names architectures that are trained a second time with the calcification attention module. `balance`
    says whether the loss counts every class alike (`loss`) or every case (`none`, the plain loss).
    """

    input: Name
    architectures: Annotated[tuple[Architecture, ...], Once] = Field(min_length=1)
    attention: Annotated[tuple[Architecture, ...], Once] = ()
    balance: Literal["loss", "none"] = "loss"

    @model_validator(mode="after")
    def _known(self) -> Model:
        if set(self.attention) - set(self.architectures):
            raise ValueError("attention: names architectures that are not among those of this model")
        return self

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the networks to train; `-cam` marks calcification attention, `-plain` the plain loss."""
        plain = "-plain" if self.balance == "none" else ""
        return tuple(f"{name}{plain}" for name in (*self.architectures, *(f"{name}-cam" for name in self.attention)))


class Segmentation(Part):
    """Networks that outline the lesion in a whole frame: `ynet` also tells the outcome, `ynet_classifier` only that.

    `folds` is the cross-validation within the training patients; without it the profile's number is used.
    """

    input: Name
    networks: dict[NetworkName, Literal["ynet", "ynet_classifier", "monai_unet"]] = Field(min_length=1)
    folds: int | None = Field(default=None, ge=2, le=10)

    @model_validator(mode="after")
    def _outlines(self) -> Segmentation:
        if set(self.networks.values()) == {"ynet_classifier"}:
            raise ValueError("networks: one of them must outline the lesion (ynet or monai_unet)")
        if len(set(self.networks.values())) < len(self.networks):
            raise ValueError("networks: an architecture repeats")
        return self


class Reports(Part):
    """Free-text reports, read with a dictionary of terms; `uncertain` says what doubtful wording counts as."""

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"
    uncertain: Literal["positive", "negative"] = "positive"
    model: NetworkName | None = None  # the network whose risk is put together with the report


class Fusion(Part):
    """A head on the features of several chosen networks."""

    name: Name
    of: Annotated[tuple[Name, ...], Once] = Field(min_length=2)
    heads: Annotated[tuple[Literal["mlp", "logistic", "svm", "random_forest"], ...], Once] = Field(min_length=1)


class Clinical(Part):
    """The penalised logistic regression on the covariates marked `predictor`; every study has it."""

    name: Name = "clinical"


class Readers(Part):
    """The reader study: which model helped, which reading is the reference, and which ratings are a positive call.

    `positive_from` is the lowest rating that counts as positive; without it ratings must be 0 and 1.
    """

    model: Name | None = None
    unaided: Text = "unaided"
    aided: Text = "aided"
    positive_from: float | None = None


class ThresholdRule(Part):
    """How the operating point is fixed before any test label is read."""

    rule: Literal["youden", "sensitivity", "specificity", "declared"] = "youden"
    value: Fraction | None = None

    @model_validator(mode="after")
    def _value(self) -> ThresholdRule:
        if (self.rule == "youden") != (self.value is None):
            raise ValueError("value belongs to the rules sensitivity, specificity and declared, and only to them")
        return self


Harm = Annotated[float, Field(ge=0, lt=1)]


class DecisionRange(Part):
    """Risk thresholds at which a clinician might act, and why.

    `harm` is that of obtaining a prediction, in units of net benefit: one over the number of predictions one would make
    to find one event; a number for all models, or a number a model. `prevalence` is that of the population, for a
    study whose cases were sampled by outcome (case-control); without it that of the cases is used.
    """

    low: Fraction = 0.05
    high: Fraction = 0.50
    step: float = Field(default=0.01, gt=0, le=0.1)
    reason: Text = "No range was declared; the default covers most decisions about a biopsy or a dissection."
    harm: Harm | dict[Text, Harm] = 0.0
    prevalence: Fraction | None = None

    @model_validator(mode="after")
    def _ordered(self) -> DecisionRange:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self

"""Profiles: how much a run computes. A profile changes parameters only, never what is asked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MOST_SEEDS = 50


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is there twice; keep one")
        seen.add(value)
    return values


Once = AfterValidator(_once)
"""Values of a list that must differ: what is there twice would be computed, and counted, twice."""
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Part(BaseModel):
    """A section of `study.yaml`: frozen; a key it does not know is an error, and so is a number without an end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Training(Part):
    """Parameters of one training run; see `helpers.learn.training.Settings`."""

    size: int = Field(ge=32, le=512)
    crop_size: int = Field(ge=32, le=1024)
    epochs: int = Field(ge=1, le=1000)
    batch_size: int = Field(ge=2, le=1024)
    learning_rate: float = Field(gt=0, lt=1)
    patience: int = Field(ge=1, le=1000)
    width_divisor: int = Field(ge=1, le=8)  # narrower ones break torch on a CPU: 4 channels into a strided convolution
    weights: Annotated[str, Field(pattern=r"^(none|imagenet|.+\.safetensors)$")] = "none"
    flip_vertical: bool = False
    frames: int = Field(ge=2, le=64)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    optimizer: Literal["adamw", "adam"] = "adamw"
    monitor: Literal["loss", "auc"] = "loss"

    @model_validator(mode="after")
    def _fit(self) -> Training:
        if self.crop_size < self.size:
            raise ValueError(f"crop_size ({self.crop_size}) must be at least size ({self.size})")
        if self.weights == "imagenet" and self.width_divisor > 1:
            raise ValueError("weights: imagenet fits the published widths only, so give width_divisor: 1 as well")
        return self


class Profile(Part):
    """How much is computed; a profile changes parameters only."""

    training: Training
    seeds: Annotated[tuple[Seed, ...], Once] = Field(min_length=1, max_length=MOST_SEEDS)
    folds: int = Field(ge=2, le=10)
    repeats: int = Field(ge=1, le=10_000)
    resamples: int = Field(ge=50, le=1_000_000)
    refits: int | None = Field(default=None, ge=20, le=1_000_000)  # of the baseline; None: as many as resamples
    frames_per_second: float = Field(gt=0, le=30)
    patients: float = Field(gt=0, le=1)  # share of a large simulated cohort that is written: of its patients, or images
    replicates: int = Field(ge=50, le=1_000_000)  # simulated data sets a coverage is counted over


QUICK: dict[str, Any] = {
    "training": {
        "size": 64,
        "crop_size": 72,
        "epochs": 9,
        "batch_size": 16,
        "learning_rate": 2e-3,
        "patience": 9,
        "width_divisor": 4,
        "weights": "none",
        "frames": 8,
    },
    "seeds": (0,),
    "folds": 2,
    "repeats": 10,
    "resamples": 500,
    "frames_per_second": 1.0,
    "patients": 0.2,
    "replicates": 200,
}
FULL: dict[str, Any] = {
    "training": {
        "size": 224,
        "crop_size": 256,
        "epochs": 100,
        "batch_size": 32,
        "learning_rate": 5e-4,
        "patience": 25,
        "width_divisor": 1,
        "weights": "imagenet",
        "flip_vertical": True,  # as published
        "frames": 32,
    },
    "seeds": (0, 1, 2),
    "folds": 5,
    "repeats": 100,
    "resamples": 2000,
    "frames_per_second": 4.0,
    "patients": 1.0,
    "replicates": 2000,
}

"""Around a training run: the check of its rows, the key under which it may be resumed, and its result."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from helpers.learn import state as disk
from helpers.learn.feed import check_images
from helpers.learn.inference import load
from helpers.learn.networks import SHORTEST_SIDE, Network
from helpers.learn.settings import Runtime, Settings
from helpers.learn.weights import sha256_of

# A state made by other code is not resumed: its epochs would not be those of an undisturbed run.
CODE = ("feed", "inference", "loop", "recompute", "scores", "settings", "training")

_RUN = re.compile(
    r"^(?P<input>[A-Za-z][A-Za-z0-9_]*)-(?P<architecture>[a-z0-9_]+)(?P<cam>-cam)?(?P<plain>-plain)?-s(?P<seed>\d+)$"
)

HISTORY = ["epoch", "train_loss", "tune_loss", "tune_auc", "learning_rate", "seconds", "images_per_second"]


@dataclass(frozen=True)
class RunName:
    """What the name of a run says: input, architecture, whether with attention, seed, what balances the loss."""

    input: str
    architecture: str
    attention: bool
    seed: int
    balance: str = "loss"

    @property
    def name(self) -> str:
        """Architecture, with `-cam` when it has calcification attention and `-plain` when its loss is the plain one."""
        return self.architecture + "-cam" * self.attention + "-plain" * (self.balance == "none")

    @property
    def model(self) -> str:
        """The run without its seed, as predictions tables name it."""
        return f"{self.input}-{self.name}"


def parse_run(run: str) -> RunName:
    """Take the name of a run apart.

    Raises
    ------
    ValueError
        If it is no name of a run.

    Examples
    --------
    >>> parse_run("clip-inception_resnet_v2-cam-s0")
    RunName(input='clip', architecture='inception_resnet_v2', attention=True, seed=0, balance='loss')
    >>> parse_run("still-resnet18-plain-s1").balance
    'none'
    >>> parse_run("bmode-resnet18-s2").model
    'bmode-resnet18'
    """
    found = _RUN.match(run)
    if found is None:
        raise ValueError(f"run must be named <input>-<architecture>[-cam][-plain]-s<seed>, not {run!r}")
    balance = "loss" if found["plain"] is None else "none"
    return RunName(found["input"], found["architecture"], found["cam"] is not None, int(found["seed"]), balance)


@dataclass(frozen=True)
class TrainingResult:
    """A finished training run.

    Attributes
    ----------
    network : Network
        With the averaged weights of the best epoch; its record is that of the untrained network.
    history : DataFrame
        `epoch, train_loss, tune_loss, tune_auc, learning_rate, seconds, images_per_second`.
    best_epoch : int
        Counted from 1.
    checkpoint : Path
        `checkpoint.safetensors`.
    sha256 : str
        Of the checkpoint file.
    record : dict
        Device, precision, peak memory, where the images were, class balance, seeds, versions, resumption.
    """

    network: Network
    history: pd.DataFrame
    best_epoch: int
    checkpoint: Path
    sha256: str
    record: dict[str, Any]

    @classmethod
    def of(cls, network: Network, folder: Path, note: dict[str, Any]) -> TrainingResult:
        """Put a result together from the note in `checkpoint.json`."""
        columns = dict.fromkeys([*HISTORY, *(name for line in note["history"] for name in line)])
        history = pd.DataFrame(note["history"], columns=list(columns))
        return cls(network, history, note["best_epoch"], folder / disk.CHECKPOINT, note["sha256"], note["record"])

    def frame(self) -> pd.DataFrame:
        """One row an epoch."""
        return self.history

    def plot(self, ax=None, *, constant: float | None = None):
        """Draw training and tune loss against the epoch; the best epoch is marked, and the loss of a constant risk."""
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        for column, name, style in (("train_loss", "training", "--"), ("tune_loss", "tuning", "-")):
            ax.plot(self.history["epoch"], self.history[column], style, label=name)
        ax.axvline(self.best_epoch, color="0.5", linewidth=1, label="best epoch")
        if constant is not None:
            ax.axhline(constant, color="0.5", linewidth=1, linestyle=":", label="same risk for all")
        ax.set(xlabel="Epoch", ylabel="Log-loss (nats per case)")
        ax.legend(frameon=False)
        return ax


def check_rows(
    images: np.ndarray, label: np.ndarray, train: np.ndarray, tune: np.ndarray, channels: int, outputs: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check rows, labels and images against each other; labels outside the rows come back as -1, unread.

    Raises
    ------
    ValueError
        Naming the argument that does not fit.
    """
    check_images(images)
    smallest = max(2, outputs)
    if images.shape[1] != channels:
        raise ValueError(f"images have {images.shape[1]} channels, the network reads {channels}")
    label = np.asarray(label)
    if label.shape != (len(images),):
        raise ValueError(f"label must have one entry for each of {len(images)} images, not {label.shape}")
    parts, clean = {}, np.full(len(label), -1, dtype=np.int64)
    for name, rows in (("train", train), ("tune", tune)):
        rows = np.asarray(rows)
        if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer) or len(np.unique(rows)) < len(rows):
            raise ValueError(f"{name} must be a list of row numbers, each once")
        if rows.size < 2 or rows.min() < 0 or rows.max() >= len(label):
            raise ValueError(f"{name} must hold at least 2 rows in 0 ... {len(label) - 1}")
        values = pd.to_numeric(pd.Series(label[rows]), errors="coerce").to_numpy(dtype=float)
        if not np.isin(values, np.arange(smallest)).all():
            raise ValueError(f"label must be 0 to {smallest - 1} in every row of {name}")
        if len(np.unique(values)) < smallest:
            raise ValueError(f"{name} must hold cases of every class, 0 to {smallest - 1}")
        parts[name], clean[rows] = rows.astype(np.int64), values.astype(np.int64)
    both = np.intersect1d(parts["train"], parts["tune"])
    if both.size:
        raise ValueError(f"train and tune share {both.size} rows, first {both[0]}")
    return clean, parts["train"], parts["tune"]


def run_key(
    network: Network,
    label: np.ndarray,
    train: np.ndarray,
    tune: np.ndarray,
    settings: Settings,
    runtime: Runtime,
    images: str,
) -> dict[str, Any]:
    """Everything on which the result of a run depends, flat and plain: settings, data, weights, code, versions."""
    least = SHORTEST_SIDE.get(network.record["architecture"], 1)
    if settings.size < least:
        raise ValueError(f"size must be at least {least} for {network.record['architecture']}")
    here = Path(__file__).parent
    code = {name: disk.file_sha256(here / f"{name}.py") for name in CODE}
    rows = {"train_rows": disk.digest(train.tolist()), "tune_rows": disk.digest(tune.tolist())}
    used = {"used_device": runtime.device.type, "used_precision": runtime.precision}
    return {
        **asdict(settings),
        **rows,
        **used,
        "labels": disk.digest(label.tolist()),
        "images": images,
        "architecture": network.record["architecture"],
        "network": [network.record["volume"], network.record["attention"]],
        "weights": sha256_of(network.module),
        "code": disk.digest(code),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def finished(folder: Path, key: dict[str, Any], network: Network) -> TrainingResult | None:
    """Result of the same run when it is already complete in `folder`, else None."""
    path = folder / disk.CHECKPOINT_NOTE
    if not path.is_file() or not (folder / disk.CHECKPOINT).is_file():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    if note.get("key") != key or disk.file_sha256(folder / disk.CHECKPOINT) != note["sha256"]:
        return None
    note["record"]["state"] = "complete: taken from the folder"
    return TrainingResult.of(load(folder, module=copy.deepcopy(network.module)), folder, note)

"""What a trained network hands on: its predictions of all cases, and the record of its run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.learn import training
from helpers.learn.candidates import TITLES
from helpers.learn.networks import Network
from helpers.learn.rows import table
from helpers.learn.scores import log_loss
from helpers.learn.settings import Settings

ITEMS = {
    "volume": "Convolutions over time (3D)",
    "attention": "Calcification attention",
    "width_divisor": "Width divided by",
    "channels": "Input channels",
    "weights_asked": "Initial weights asked for",
    "weights_used": "Initial weights used",
    "why": "Why these weights",
    "sha256": "SHA-256 of the initial weights",
    "precision": "Precision of the numbers",
    "channels_last": "Memory layout channels last",
    "peak_memory_mb": "Peak memory (MB)",
    "images_why": "Why the images are there",
    "checkpointing": "Activations computed again",
    "checkpointing_why": "Why so",
    "balance": "Balance of the classes",
    "class_count": "Training cases of each class",
    "class_weight": "Weight of each class",
    "monitor": "The epoch is chosen by",
    "state": "Trained",
    "checkpoint_sha256": "SHA-256 of the checkpoint",
}
OPTIMIZERS = {"adamw": "AdamW (doi:10.48550/arXiv.1711.05101)", "adam": "Adam (doi:10.48550/arXiv.1412.6980)"}


def predictions_of(
    network: Network,
    images: np.ndarray,
    cases: pd.DataFrame,
    *,
    settings: Settings,
    study: str,
    model: str,
    seed: int,
    classes: Sequence[str] = (),
) -> pd.DataFrame:
    """Predict every case.

    Parameters
    ----------
    network : Network
        With one output, or one a class.
    images : uint8 array of shape (cases, channels, height, width) or (cases, channels, time, height, width)
        Rows as in `cases`.
    cases : DataFrame
        The cohort table.
    settings : Settings
        As in training.
    study, model : str
        Names for the table.
    seed : int
        Of the training run.
    classes : sequence of str
        Names of the outputs of a network with several.

    Returns
    -------
    DataFrame
        A predictions table; `risk`, or each `risk_<class>`, in [0, 1].
    """
    risk = training.predict(network, images, settings=settings)
    return table(risk, cases, study=study, model=model, seed=seed, classes=classes)


def constant_loss(result: training.TrainingResult, label: np.ndarray) -> float:
    """Log-loss of giving every case the same risk, that of the training patients, weighted as the run's loss is.

    A network whose loss on the tuning patients is no lower has learned nothing that they show.

    Parameters
    ----------
    result : TrainingResult
    label : array of int of shape (n,)
        Classes of the tuning cases, from 0.

    Returns
    -------
    float
        In nats a case; log(K) for a loss that counts all K classes alike.
    """
    weight = np.asarray(result.record["class_weight"], dtype=float)
    share = weight * np.asarray(result.record["class_count"], dtype=float)
    return log_loss(label, np.tile(share / share.sum(), (len(label), 1)), weight=weight)


def learned(result: training.TrainingResult, constant: float) -> str:
    """Say whether the best epoch is better than the same risk for everyone, on the patients who chose it."""
    best = result.history["tune_loss"].iloc[result.best_epoch - 1]
    told = f"Its loss on the tuning patients, {best:.3f}, is "
    if best < constant:
        return f"{told}lower than that of the same risk for everyone, {constant:.3f}."
    return f"{told}no lower than that of the same risk for everyone, {constant:.3f}: it learned nothing that they show."


def tuned(cases: pd.DataFrame, auc: float) -> str:
    """Say what AUC the run reaches on the tuning cases that chose its epoch, and on how many.

    Parameters
    ----------
    cases : DataFrame
        Predictions of the tuning cases.
    auc : float
        Of several classes the mean over each class against the others.
    """
    several = "risk" not in cases
    what = "the mean of the AUCs of each class against the others" if several else "its AUC"
    count = f"{len(cases)} cases of {cases['patient_id'].nunique()} patients"
    events = "" if several else f", {int(cases['label'].sum())} of them positive"
    return (
        f"On the tuning cases {what} is {auc:.2f} ({count}{events}); they chose the epoch, so it is optimistic and has "
        "no interval."
    )


def run_table(result: training.TrainingResult) -> pd.DataFrame:
    """What a reader asks about a run: `item, value`, as text."""
    record = {**result.network.record, **result.record, "checkpoint_sha256": result.sha256}
    rows = [(ITEMS.get(name, name.replace("_", " ").capitalize()), _told(value)) for name, value in record.items()]
    return pd.DataFrame(rows, columns=["item", "value"])


def _told(value: object) -> str:
    """A recorded value as a reader writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_told(one) for one in value)
    return TITLES.get(value, str(value)) if isinstance(value, str) else str(value)


def balance(settings: Settings) -> str:
    """Say how rare classes count in the loss."""
    if settings.balance == "none":
        return (
            "Every case counts alike in the loss, so that a rare class may be given up for the common ones; the risks "
            "need no mending for it."
        )
    return (
        "Some classes are rarer than others: the loss weighs them equally, which moves the risks and is mended by "
        "calibration."
    )


def methods(result: training.TrainingResult, settings: Settings) -> str:
    """How the network was trained, in a sentence."""
    record = result.network.record
    name, weights = TITLES.get(record["architecture"], record["architecture"]), record["weights_used"]
    name += " inflated to 3D (doi:10.1109/CVPR.2017.502)" if record["volume"] else ""
    name += " with calcification attention (after doi:10.1007/978-3-030-01234-2_1)" if record["attention"] else ""
    size = f"{settings.size} x {settings.size} pixels"
    size += f" x {settings.frames} frames" if record["volume"] and settings.frames else ""
    drop = f"dropout {record['dropout']:g}, " if record["dropout"] else ""
    varied = "random crops" + (", left-right flips" if settings.flip_horizontal else "")
    varied += ", upside-down flips" if settings.flip_vertical else ""
    varied += f", brightness (SD {settings.shift:g}) and contrast (SD {settings.gain:g})"
    varied += ", a random first frame" if record["volume"] and settings.frames else ""
    loss = "the plain loss" if settings.balance == "none" else "a loss that weighs each class by 1 / its frequency"
    return (
        f"{name}, initial weights {weights}, {OPTIMIZERS[settings.optimizer]} with a one-cycle schedule (peak "
        f"{settings.learning_rate:g}), {drop}{loss}, batches of {settings.batch_size}, {size} "
        f"cut from {settings.crop_size} x {settings.crop_size}, varied in training by {varied}; "
        f"averaged weights of epoch {result.best_epoch} of {settings.epochs}, chosen on the tuning patients "
        f"by {'the loss' if settings.monitor == 'loss' else 'the AUC'}."
    )

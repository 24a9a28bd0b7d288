"""What a trained network hands on: its predictions of all cases, and the record of its run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.learn import training
from helpers.learn.networks import Network
from helpers.learn.rows import table
from helpers.learn.settings import Settings

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


def run_table(result: training.TrainingResult) -> pd.DataFrame:
    """What a reader asks about a run: `item, value`, as text."""
    record = {**result.network.record, **result.record, "checkpoint_sha256": result.sha256}
    return pd.DataFrame(
        [(name.replace("_", " "), str(value)) for name, value in record.items()], columns=["item", "value"]
    )


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
    name, weights = record["architecture"], record["weights_used"]
    name += " inflated to 3D (doi:10.1109/CVPR.2017.502)" if record["volume"] else ""
    name += " with calcification attention (after doi:10.1007/978-3-030-01234-2_1)" if record["attention"] else ""
    size = f"{settings.size} x {settings.size} pixels"
    size += f" x {settings.frames} frames" if record["volume"] and settings.frames else ""
    drop = f"dropout {record['dropout']:g}, " if record["dropout"] else ""
    loss = "the plain loss" if settings.balance == "none" else "a loss that weighs each class by 1 / its frequency"
    return (
        f"{name}, initial weights {weights}, {OPTIMIZERS[settings.optimizer]} with a one-cycle schedule (peak "
        f"{settings.learning_rate:g}), {drop}{loss}, batches of {settings.batch_size}, {size}, "
        f"averaged weights of epoch {result.best_epoch} of {settings.epochs}, chosen on the tuning patients "
        f"by {'the loss' if settings.monitor == 'loss' else 'the AUC'}."
    )

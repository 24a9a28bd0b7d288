"""What a trained network hands on: its predictions of all cases, and the record of its run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.learn import training
from helpers.learn.networks import Network
from helpers.learn.rows import table
from helpers.learn.settings import Settings


def predictions_of(
    network: Network,
    images: np.ndarray,
    cases: pd.DataFrame,
    *,
    settings: Settings,
    study: str,
    model: str,
    seed: int,
) -> pd.DataFrame:
    """Predict every case.

    Parameters
    ----------
    network : Network
        With one output.
    images : uint8 array of shape (cases, channels, height, width)
        Rows as in `cases`.
    cases : DataFrame
        The cohort table.
    settings : Settings
        As in training.
    study, model : str
        Names for the table.
    seed : int
        Of the training run.

    Returns
    -------
    DataFrame
        A predictions table; `risk` in [0, 1].
    """
    return table(training.predict(network, images, settings=settings), cases, study=study, model=model, seed=seed)


def run_table(result: training.TrainingResult) -> pd.DataFrame:
    """What a reader asks about a run: `item, value`, as text."""
    record = {**result.network.record, **result.record, "checkpoint_sha256": result.sha256}
    return pd.DataFrame(
        [(name.replace("_", " "), str(value)) for name, value in record.items()], columns=["item", "value"]
    )


def methods(result: training.TrainingResult, settings: Settings) -> str:
    """How the network was trained, in a sentence."""
    name, weights = result.network.record["architecture"], result.network.record["weights_used"]
    return (
        f"{name}, initial weights {weights}, AdamW (doi:10.48550/arXiv.1711.05101) with a one-cycle schedule (peak "
        f"{settings.learning_rate:g}), batches of {settings.batch_size}, {settings.size} x {settings.size} pixels, "
        f"averaged weights of epoch {result.best_epoch} of {settings.epochs}, chosen on the tuning patients."
    )

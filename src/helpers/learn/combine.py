"""Fuse the chosen networks of a study: one call a seed, resumable, on the study's own splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn import networks, training
from helpers.learn.candidates import of_models
from helpers.learn.fusion import FoldFeatures, FusionResult, fuse, out_of_fold_features
from helpers.learn.rows import by_split, labels_for_training, table

METHODS = (
    "Features of training patients come from networks that never saw them, turned without labels into the principal "
    "components of the final network (orthogonal Procrustes); heads are compared on the tuning patients."
)


@dataclass(frozen=True)
class Combined:
    """The fused model of one seed.

    Attributes
    ----------
    fusion : FusionResult
        Heads compared on tune, and the risks of the chosen one.
    features : dict of str to FoldFeatures
        By model.
    """

    fusion: FusionResult
    features: dict[str, FoldFeatures]

    def frame(self) -> pd.DataFrame:
        """One row a fold of every network."""
        parts = [part.frame().assign(model=name) for name, part in self.features.items()]
        folds = pd.concat(parts, ignore_index=True)
        return folds[["model", *folds.columns.drop("model")]]


def combine(
    cases: pd.DataFrame,
    images: Mapping[str, np.ndarray],
    chosen: Mapping[str, tuple[str, str]],
    *,
    settings: training.Settings,
    width_divisor: int,
    weights: str,
    heads: tuple[str, ...],
    folds: int,
    trained: str | Path,
    folder: str | Path,
    workers: int = 1,
    report: Callable[[str], None] | None = None,
) -> Combined:
    """Describe every case by the chosen networks, out of fold where they were trained, and fit the heads.

    Parameters
    ----------
    cases : DataFrame
        The cohort table.
    images : mapping of str to uint8 array
        By model, rows as in `cases`.
    chosen : mapping of str to (input, architecture)
        By model.
    settings : Settings
        Of the training runs; `settings.seed` names the run.
    width_divisor, weights
        As in the training runs.
    heads : tuple of str
    folds : int
    trained : path
        Folder of the training runs, `<input>-<architecture>-s<seed>` below it.
    folder : path
        Where the fold networks are kept; a killed run goes on from there.
    workers : int
        Processes that train folds side by side.
    report : callable or None
        Receives one line an epoch.

    Returns
    -------
    Combined
    """
    rows, label = by_split(cases), labels_for_training(cases)
    train, tune, seed = rows["train"], rows["tune"], settings.seed
    parts: dict[str, FoldFeatures] = {}
    for model, (source, architecture) in chosen.items():
        channels = images[model].shape[1]
        make = _maker(architecture, channels, width_divisor, weights, seed)
        parts[model] = out_of_fold_features(
            make,
            images[model],
            label,
            train=train,
            tune=tune,
            patient_id=cases["patient_id"].to_numpy(object),
            settings=settings,
            folder=Path(folder) / f"{source}-{architecture}-s{seed}",
            final=training.load(Path(trained) / f"{source}-{architecture}-s{seed}"),
            folds=folds,
            workers=workers,
            report=report,
        )
    patient = cases["patient_id"].to_numpy(object)
    fused = fuse(parts, label, train=train, tune=tune, heads=heads, patient_id=patient, seed=seed)
    return Combined(fused, parts)


def _maker(architecture: str, channels: int, width_divisor: int, weights: str, seed: int) -> Callable[[int], Any]:
    """Untrained networks of one architecture, each fold with weights of its own."""

    def make(fold: int) -> networks.Network:
        return networks.build(
            architecture,
            channels=channels,
            width_divisor=width_divisor,
            weights=weights,
            seed=seed + 1000 * (fold + 1),
            offline="allow",
        )

    return make


def every_seed(
    cases: pd.DataFrame,
    images: Mapping[str, np.ndarray],
    chosen: Mapping[str, tuple[str, str]],
    *,
    seeds: list[int],
    settings: training.Settings,
    fusion: Any,
    **options: Any,
) -> dict[int, Combined]:
    """`combine` for every seed of the training runs.

    Parameters
    ----------
    cases, images, chosen, settings, **options
        As in `combine`; `settings.seed` is set to each seed.
    seeds : list of int
    fusion : object or None
        With `of` (the models to fuse) and `heads`; without it nothing is fused.

    Returns
    -------
    dict of int to Combined
        Empty without `fusion`.
    """
    if fusion is None:
        return {}
    used = {name: chosen[name] for name in fusion.of}
    return {
        seed: combine(cases, images, used, settings=replace(settings, seed=seed), heads=fusion.heads, **options)
        for seed in seeds
    }


def heads_table(fused: Mapping[int, Combined]) -> pd.DataFrame:
    """One row a seed and head: `seed, head, tune_auc, tune_log_loss, chosen`."""
    parts = [one.fusion.frame().assign(seed=seed) for seed, one in fused.items()]
    columns = ["seed", "head", "tune_auc", "tune_log_loss", "chosen"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def heads_used(fused: Mapping[int, Combined]) -> str:
    """Names of the chosen heads, as text."""
    names = dict.fromkeys(one.fusion.chosen.replace("_", " ") for one in fused.values())
    return ", ".join(names) or "none"


def final_table(
    runs: pd.DataFrame,
    chosen: Mapping[str, tuple[str, str]],
    fused: Mapping[int, Combined],
    cases: pd.DataFrame,
    *,
    study: str,
    fused_name: str,
) -> pd.DataFrame:
    """Predictions of the chosen networks under their models' names, and of the fused model.

    Training patients have no row of the fused model: its head has seen their labels, and their features are out of
    fold, so their risk is neither apparent nor honest.

    Returns
    -------
    DataFrame
        A predictions table.
    """
    parts = [of_models(runs, chosen)]
    for seed, one in fused.items():
        made = table(one.fusion.risk, cases, study=study, model=fused_name, seed=seed)
        parts.append(made[made["split"] != "train"])
    return pd.concat(parts, ignore_index=True)

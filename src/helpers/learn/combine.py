"""Fuse the chosen networks of a study: one call a seed, resumable, on the study's own splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn import networks, training
from helpers.learn.candidates import of_models
from helpers.learn.choice import settings_of
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
    seed: int,
    heads: tuple[str, ...],
    folds: int,
    results: str | Path,
    folder: str | Path,
    workers: int = 1,
    report: Callable[[str], None] | None = None,
) -> Combined:
    """Describe every case by the chosen networks, out of fold where they were trained, and fit the heads.

    The networks of the folds are built and trained as the chosen run was, by its own record: attention, loss, dropout,
    optimiser and what chooses the epoch among it.

    Parameters
    ----------
    cases : DataFrame
        The cohort table.
    images : mapping of str to uint8 array
        By model, rows as in `cases`.
    chosen : mapping of str to (input, architecture)
        By model.
    seed : int
        Of the training runs.
    heads : tuple of str
    folds : int
    results : path
        `results/<study>`, with the training runs `train/<input>-<architecture>-s<seed>`.
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
    train, tune = rows["train"], rows["tune"]
    parts: dict[str, FoldFeatures] = {}
    for model, (source, architecture) in chosen.items():
        run = f"{source}-{architecture}-s{seed}"
        final = training.load(Path(results) / "train" / run)
        parts[model] = out_of_fold_features(
            _maker(final.record, settings_of(results, run), seed),
            images[model],
            label,
            train=train,
            tune=tune,
            patient_id=cases["patient_id"].to_numpy(object),
            settings=_settings(settings_of(results, run), run),
            folder=Path(folder) / run,
            final=final,
            folds=folds,
            workers=workers,
            report=report,
        )
    patient = cases["patient_id"].to_numpy(object)
    fused = fuse(parts, label, train=train, tune=tune, heads=heads, patient_id=patient, seed=seed)
    return Combined(fused, parts)


AS_BUILT = ("channels", "outputs", "volume", "attention", "width_divisor", "dropout")


def _maker(record: Mapping[str, Any], parameters: Mapping[str, Any], seed: int) -> Callable[[int], networks.Network]:
    """Untrained networks as a run's was, each fold with weights of its own.

    `record` is that of the run's network; `parameters`, with which the run was executed, name a file of weights with
    its folder.
    """
    built = {name: record[name] for name in AS_BUILT if name in record}  # older records know images only

    def make(fold: int) -> networks.Network:
        weights, own = parameters["weights"], seed + 1000 * (fold + 1)
        return networks.build(record["architecture"], **built, weights=weights, seed=own, offline="allow")

    return make


def _settings(parameters: Mapping[str, Any], run: str) -> training.Settings:
    """Settings with which a run was trained: its parameters, and what its name says."""
    asked = training.parse_run(run)
    known = {field.name for field in fields(training.Settings)}
    given = {name: value for name, value in parameters.items() if name in known}
    return training.Settings(**given | {"balance": asked.balance, "seed": asked.seed})


def every_seed(
    cases: pd.DataFrame,
    images: Mapping[str, np.ndarray],
    chosen: Mapping[str, tuple[str, str]],
    *,
    seeds: list[int],
    fusion: Any,
    **options: Any,
) -> dict[int, Combined]:
    """`combine` for every seed of the training runs.

    Parameters
    ----------
    cases, images, chosen, **options
        As in `combine`.
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
    return {seed: combine(cases, images, used, seed=seed, heads=fusion.heads, **options) for seed in seeds}


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
    classes: Sequence[str] = (),
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
        made = table(one.fusion.risk, cases, study=study, model=fused_name, seed=seed, classes=classes)
        parts.append(made[made["split"] != "train"])
    return pd.concat(parts, ignore_index=True)

"""Fuse networks: out-of-fold features of each, a head on all of them, chosen on tune.

A head trained on features of cases that the network itself was trained on learns to trust a network that knows the
answers, and fails on new cases. So the architecture is trained again without each fold, and a training case is
described by the network that never saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn.alignment import principal_components, procrustes
from helpers.learn.folds import grouped_folds
from helpers.learn.heads import HEADS, fit_head, head_risk
from helpers.learn.networks import Network
from helpers.learn.scores import log_loss, rank_auc
from helpers.learn.settings import Settings


@dataclass(frozen=True)
class FoldFeatures:
    """Features of all cases by one architecture, in one space.

    Attributes
    ----------
    values : array of shape (cases, components)
        Rows of `train`: out of fold. All others: by the final network.
    train : int array
    table : DataFrame
        One row a fold: `fold, held_out, best_epoch, tune_auc, explained, left_over`.
    record : dict
        Components, explained share, and the sentence that says how it was done.
    """

    values: np.ndarray
    train: np.ndarray
    table: pd.DataFrame
    record: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """One row a fold."""
        return self.table


@dataclass(frozen=True)
class FusionResult:
    """Heads compared on tune, and the risks of the chosen one.

    Attributes
    ----------
    scores : DataFrame
        `head, tune_auc, tune_log_loss, chosen`.
    chosen : str
    risk : array of shape (cases,) or (cases, K)
        Of every case by the chosen head. In the rows of `train` the head has seen the label: do not report them.
    risks : dict
        The same for every head.
    record : dict
    """

    scores: pd.DataFrame
    chosen: str
    risk: np.ndarray
    risks: dict[str, np.ndarray]
    record: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """One row a head."""
        return self.scores


def out_of_fold_features(
    build_network: Callable[[int], Network],
    images: np.ndarray,
    label: np.ndarray,
    *,
    train: np.ndarray,
    tune: np.ndarray,
    patient_id: np.ndarray | None,
    settings: Settings,
    folder: str | Path,
    final: Network,
    folds: int = 5,
    components: int = 16,
    workers: int = 1,
    report: Callable[[str], None] | None = None,
    progress: str | bool = "auto",
) -> FoldFeatures:
    """Describe training cases by networks that never saw them, and all other cases by the final network.

    The chosen architecture is trained again on `folds` - 1 folds of `train` (patients kept together, outcomes
    spread evenly; the study's tune rows stop it). Features of networks trained apart are not comparable, so all
    are brought into one space without a label: the first `components` principal components of the final
    network's features of `train`. The components of each fold's network are turned into it by the rotation,
    scale and shift (orthogonal Procrustes) that fit best on the fold's own training rows, which both networks
    know; the turn is then applied to the rows held out.

    Parameters
    ----------
    build_network : callable
        `build_network(fold)` gives an untrained network of the final one's architecture.
    images, label, train, tune : as in `training.fit`
    patient_id : array of shape (cases,) or None
        Cases of one patient stay in one fold; None: every case is its own patient.
    settings : Settings
        Of the final network's training, too.
    folder : str or Path
        Receives one folder a fold; a killed run goes on from them.
    final : Network
        Trained on all of `train`.
    folds : int
    components : int
        At most; fewer when a fold has fewer cases or the network fewer features.
    workers : int
        Processes that train folds side by side; the same bytes as one after the other. One on a GPU.
    report, progress
        As in `training.fit`.

    Returns
    -------
    FoldFeatures
        `values` has one row for every image.

    Raises
    ------
    ValueError
        If the folds cannot be made, or as `training.fit`.
    """
    from helpers.learn.inference import features
    from helpers.learn.runs import check_rows
    from helpers.learn.training import fit

    clean, train, tune = check_rows(images, label, train, tune, final.channels, final.outputs)
    groups = None if patient_id is None else np.asarray(patient_id)
    if groups is not None and groups.shape != (len(images),):
        raise ValueError(f"patient_id must have one entry for each of {len(images)} images, not {groups.shape}")
    if groups is not None and np.isin(groups[tune], groups[train]).any():
        raise ValueError("patient_id: a patient is in train and in tune")
    fold = grouped_folds(clean[train], None if groups is None else groups[train], folds=folds, seed=settings.seed)
    whole = features(final, images, settings=settings)
    smallest = len(train) - np.bincount(fold).max()
    reduce = principal_components(whole[train], components=min(components, smallest - 1))
    values, kept, table = reduce(whole), len(reduce.axes), []
    if workers > 1:
        from joblib import Parallel, delayed

        # The folds leave their checkpoints, and the loop below takes them as it takes those of a killed run.
        jobs = ((build_network(k), train[fold != k], Path(folder) / f"fold-{k}") for k in range(folds))
        Parallel(n_jobs=workers)(
            delayed(_train_fold)(network, images, label, inside, tune, settings, where)
            for network, inside, where in jobs
        )
    for k in range(folds):
        inside, held = train[fold != k], train[fold == k]
        trained = fit(
            build_network(k),
            images,
            label,
            train=inside,
            tune=tune,
            settings=settings,
            folder=Path(folder) / f"fold-{k}",
            report=None if report is None else lambda line, k=k: report(f"fold {k + 1}/{folds}  {line}"),
            progress=progress,
        )
        seen = features(trained.network, images, rows=inside, settings=settings)
        own = principal_components(seen, components=kept)
        turn = procrustes(own(seen), reduce(whole[inside]))
        values[held] = turn(own(features(trained.network, images, rows=held, settings=settings)))
        auc = trained.history["tune_auc"].iloc[trained.best_epoch - 1]
        table.append((k, len(held), trained.best_epoch, auc, own.explained, turn.left_over))
    columns = ["fold", "held_out", "best_epoch", "tune_auc", "explained", "left_over"]
    record = {
        "components": kept,
        "explained": round(reduce.explained, 4),
        "folds": folds,
        "why": "training rows by networks that never saw them, turned without labels (orthogonal Procrustes on "
        "shared training rows) into the principal components of the final network",
    }
    return FoldFeatures(values, train, pd.DataFrame(table, columns=columns), record)


def _train_fold(network, images, label, train, tune, settings, folder) -> None:
    """Train the network of one fold in a process of its own, which has one core of the machine."""
    import torch

    from helpers.learn.training import fit

    torch.set_num_threads(1)
    fit(network, images, label, train=train, tune=tune, settings=settings, folder=folder, progress=False)


def fuse(
    parts: dict[str, FoldFeatures],
    label: np.ndarray,
    *,
    train: np.ndarray,
    tune: np.ndarray,
    heads: Sequence[str] = HEADS,
    patient_id: np.ndarray | None = None,
    seed: int = 0,
) -> FusionResult:
    """Put the features of several networks side by side, fit heads on train, choose one on tune.

    Labels of other rows are never read.

    Parameters
    ----------
    parts : dict of FoldFeatures
        By name of the input (`bmode`, `ceus`); all made with this `train`.
    label : array of shape (cases,)
        Whole numbers in the rows of `train` and `tune`; anything elsewhere.
    train, tune : int arrays
    heads : sequence of str
        Among `HEADS`.
    patient_id : array of shape (cases,) or None
    seed : int

    Returns
    -------
    FusionResult
        The head with the highest tune AUC; ties go to the lower log-loss.

    Raises
    ------
    ValueError
        If the parts do not fit each other or the rows.
    """
    if not parts:
        raise ValueError("parts must hold the features of at least one network")
    train, tune, label = np.asarray(train), np.asarray(tune), np.asarray(label)
    for name, part in parts.items():
        if len(part.values) != len(label) or not np.array_equal(np.sort(part.train), np.sort(train)):
            raise ValueError(f"parts: {name!r} was made with other cases or other training rows")
    if np.intersect1d(train, tune).size:
        raise ValueError("train and tune share rows")
    known = label[np.concatenate([train, tune])].astype(float)
    if not np.isfinite(known).all() or len(np.unique(label[train].astype(float))) < 2 or not len(heads):
        raise ValueError("label must be known in every row of train and tune, with two classes at least")
    values = np.hstack([part.values for part in parts.values()])
    ours, theirs = label[train].astype(int), label[tune].astype(int)
    groups = None if patient_id is None else np.asarray(patient_id)[train]
    risks, table = {}, []
    for head in heads:
        model = fit_head(head, values[train], ours, patient_id=groups, seed=seed)
        risks[head] = head_risk(model, values)
        table.append((head, rank_auc(theirs, risks[head][tune]), log_loss(theirs, risks[head][tune])))
    scores = pd.DataFrame(table, columns=["head", "tune_auc", "tune_log_loss"])
    order = scores.sort_values(["tune_auc", "tune_log_loss"], ascending=[False, True])
    chosen = order["head"].iloc[0]
    scores["chosen"] = scores["head"] == chosen
    record = {"inputs": list(parts), "features": values.shape[1], "heads": list(heads), "seed": seed}
    return FusionResult(scores, chosen, risks[chosen], risks, record | {"chosen_by": "tune AUC"})

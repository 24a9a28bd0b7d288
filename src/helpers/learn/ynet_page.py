"""What the page of one outlining network shows and hands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import outlines
from helpers.data.arrays import load as load_arrays
from helpers.data.study import Study
from helpers.learn.evaluation import OPTIMIZERS
from helpers.learn.networks import Network
from helpers.learn.rows import labels_for_training, table
from helpers.learn.runs import RunName
from helpers.learn.settings import Settings
from helpers.learn.ways import FOLDS, name_of
from helpers.learn.ynet import YNet
from helpers.learn.ynet_training import CrossValidated, cross_validate

SAID = {
    "ynet": "Y-Net (doi:10.1007/978-3-030-00934-2_99): residual blocks of efficient spatial pyramids "
    "(doi:10.1007/978-3-030-01249-6_34), pyramid pooling (doi:10.1109/CVPR.2017.660), and one head each for class and "
    "outline",
    "ynet_classifier": "The encoder and the classifying head of Y-Net (doi:10.1007/978-3-030-00934-2_99), without a "
    "decoder",
    "monai_unet": "U-Net with residual units of MONAI (doi:10.48550/arXiv.2211.02701), outlines only",
}
LOSS = {
    "ynet": "the sum of the cross-entropies of class and pixels",
    "ynet_classifier": "cross-entropy of the class",
    "monai_unet": "cross-entropy and soft Dice (doi:10.1109/3DV.2016.79) of the pixels",
}


def train(
    folder: str | Path,
    study: Study,
    cases: pd.DataFrame,
    run: RunName,
    *,
    settings: Settings,
    folds: int,
    width_divisor: int,
    place: str | Path,
) -> CrossValidated:
    """Cross-validate the network of a run on the training cases of a study; no fold holds a tuning or test case.

    Parameters
    ----------
    folder : path
        The study's folder.
    study : Study
    cases : DataFrame
        The cohort table.
    run : RunName
    settings : Settings
    folds, width_divisor : int
    place : path
        Receives a folder a fold.

    Returns
    -------
    CrossValidated
    """
    arrays = load_arrays(folder, run.input, study=study)
    return cross_validate(
        run.architecture,
        arrays.images,
        arrays.masks,
        np.where(cases["split"] == "train", labels_for_training(cases), np.nan),
        patient_id=cases["patient_id"].to_numpy(object),
        training=np.flatnonzero(cases["split"] == "train"),
        folds=folds,
        settings=settings,
        folder=place,
        width_divisor=width_divisor,
        report=print,
    )


def history(made: CrossValidated) -> pd.DataFrame:
    """Histories of all folds, `fold` first, counted from 1."""
    parts = [one.history.assign(fold=number) for number, one in enumerate(made.results, start=1)]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["fold", *frame.columns.drop("fold")]]


def plot_history(made: CrossValidated):
    """Loss of the training and the held-out cases by epoch, a line a fold; dots mark the epochs that were kept."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
    colors = plt.get_cmap("viridis")(np.linspace(0.1, 0.75, len(made.results)))
    outlines_too = bool(made.outline is not None)
    for number, (one, color) in enumerate(zip(made.results, colors), start=1):
        told, kept = one.history, one.history["epoch"] == one.best_epoch
        axes[0].plot(told["epoch"], told["train_loss"], "--", color=color)
        axes[0].plot(told["epoch"], told["tune_loss"], "-", color=color, label=f"fold {number}")
        axes[0].plot(told.loc[kept, "epoch"], told.loc[kept, "tune_loss"], "o", color=color)
        for column, line in (("tune_auc", "-"), *((("tune_dice", ":"),) if outlines_too else ())):
            axes[1].plot(told["epoch"], told[column], line, color=color)
    axes[0].set(xlabel="Epoch", ylabel="Loss (training dashed)")
    says = "AUC" + (", mean Dice dotted" if outlines_too else "")
    says = "Mean Dice" if made.risk is None else says
    axes[1].set(xlabel="Epoch", ylabel=f"Held-out fold: {says}", ylim=(0, 1))
    axes[0].legend(frameon=False, fontsize="small")
    return figure


def fold_table(made: CrossValidated) -> pd.DataFrame:
    """One row a fold: cases trained and held out, the epoch kept, and what the held-out cases said of it."""
    rows = []
    for number, one in enumerate(made.results, start=1):
        kept = one.history[one.history["epoch"] == one.best_epoch].iloc[0]
        held = int((made.fold == number - 1).sum())
        trained = int((made.fold >= 0).sum()) - held
        rate = one.history["images_per_second"].median()
        rows.append((number, trained, held, one.best_epoch, kept["tune_auc"], kept["tune_dice"], rate, one.sha256[:16]))
    names = ["fold", "trained", "held_out", "epoch", "auc", "dice", "images_per_second", "checkpoint"]
    return pd.DataFrame(rows, columns=names)


def parts(network: Network, *, side: int) -> pd.DataFrame:
    """The parts of a network in the order in which an image meets them: the counterpart of the paper's Figure 1.

    Parameters
    ----------
    network : Network
    side : int
        Of the image, pixels.

    Returns
    -------
    DataFrame
        `part, makes` (channels and sides of what it gives), `parameters`; every parameter is counted in one part, and
        the last row is their sum.
    """
    import torch

    found: list[tuple[str, str, int]] = []
    hooks = []

    def note(name: str):
        def said(module, _, out) -> None:
            makes = " x ".join(str(length) for length in out.shape[1:])
            found.append((name, makes, sum(value.numel() for value in module.parameters())))

        return said

    for name, module in _blocks(network.module):
        hooks.append(module.register_forward_hook(note(name)))
    device = next(network.module.parameters()).device
    try:
        with torch.inference_mode():
            network.module.eval()(torch.zeros(1, network.channels, side, side, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    total = sum(value.numel() for value in network.module.parameters())
    return pd.DataFrame([*found, ("all", "–", total)], columns=["part", "makes", "parameters"])


def _blocks(module: Any) -> list[tuple[str, Any]]:
    """Parts that hold every parameter once, with names for readers."""
    if not isinstance(module, YNet):
        return [(name_of("monai_unet"), module.net)]
    stages = zip(module.halve, module.stages, module.skips)
    found = [("stem: first convolution", module.stem)]
    for number, (halve, stage, skip) in enumerate(stages, start=1):
        found += [(f"stage {number}: halves the side", halve), (f"stage {number}: residual pyramids", stage)]
        found += [(f"stage {number}: joins its first and last map", skip)]
    found += [("class: residual pyramid", module.classify), ("class: one risk", module.head)]
    if module.decoder is None:
        return found
    found.append(("outline: pyramid pooling", module.decoder.pool))
    for number, (narrow, join) in enumerate(zip(module.decoder.narrow, module.decoder.join), start=1):
        found += [(f"outline, step {number} up: fewer channels", narrow)]
        found += [(f"outline, step {number} up: joins the encoder's map", join)]
    return [*found, ("outline: one probability a pixel", module.decoder.out)]


def methods(run: RunName, settings: Settings, folds: int) -> str:
    """How the network was trained, in a sentence."""
    return (
        f"{SAID[run.architecture]}; {LOSS[run.architecture]}; {folds}-fold cross-validation by patient within the "
        f"training patients, {OPTIMIZERS[settings.optimizer]} with a one-cycle schedule (peak "
        f"{settings.learning_rate:g}), batches of {settings.batch_size}, whole frames of {settings.size} x "
        f"{settings.size} pixels, up to {settings.epochs} epochs; the held-out fold chooses the epoch. A training case "
        "is predicted out of fold, by the network that did not see it; every tuning and test case by the mean of all "
        "networks, so that a threshold chosen on tuning cases stands on the scale of the test cases."
    )


def write(made: CrossValidated, cases: pd.DataFrame, folder: str | Path) -> None:
    """Write outlines and heat maps of the cases outside training, and the risks by fold of a network that classifies.

    `outlines.npz` is for the chapter on outlines; `folds.csv` (`FOLDS`: `case_id, fold, risk`, a row for each case that
    the network of a fold did not see) for whoever fits on out-of-fold risks.
    """
    case_id = cases["case_id"].to_numpy(object)
    drawn = outlines.Outlines(case_id[made.rows].astype(str), made.outline, made.heat, made.control)
    outlines.write(Path(folder) / outlines.FILE, drawn)
    if made.risks is not None:
        fold, row = np.nonzero(~np.isnan(made.risks))
        table = pd.DataFrame({"case_id": case_id[row], "fold": fold + 1, "risk": made.risks[fold, row]})
        table.to_csv(Path(folder) / FOLDS, index=False)


def predictions_of(
    made: CrossValidated, cases: pd.DataFrame, *, study: str, model: str, seed: int
) -> pd.DataFrame | None:
    """Predictions table of a network that classifies, training cases as `oof`; None of one that only outlines."""
    if made.risk is None:
        return None
    frame = table(made.risk, cases, study=study, model=model, seed=seed)
    return frame.assign(split=frame["split"].replace("train", "oof"))


def sentence(fitted: pd.DataFrame) -> str:
    """What the held-out folds say, in a sentence.

    Parameters
    ----------
    fitted : DataFrame
        From `fold_table`.
    """
    said = []
    for name, word in (("auc", "AUC"), ("dice", "mean Dice")):
        values = fitted[name].dropna()
        if len(values):
            said.append(f"{word} from {values.min():.2f} to {values.max():.2f}")
    return f"On the held-out folds, which chose its epochs: {', '.join(said)}."

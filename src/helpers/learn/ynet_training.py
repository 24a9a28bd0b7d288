"""Train a network that outlines and classifies: images with masks, the joint loss, cross-validation by patient."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.learn import explain
from helpers.learn import state as disk
from helpers.learn.feed import Draws, Feed, fingerprint, network_view
from helpers.learn.folds import grouped_folds
from helpers.learn.inference import evaluation_steps, logits_to_risk
from helpers.learn.loop import Run
from helpers.learn.networks import Network
from helpers.learn.runs import TrainingResult, check_rows, run_key
from helpers.learn.scores import log_loss, rank_auc
from helpers.learn.settings import Runtime, Settings, steady
from helpers.learn.training import complete
from helpers.learn.ynet import OnlyLogits, Reference, build_ynet
from helpers.learn.ynet_blocks import resized

CODE = ("ynet", "ynet_blocks", "ynet_training")  # a state made by other code is not resumed
CAM_SIDE = 64  # of the heat maps that are kept, pixels


class MaskedFeed(Feed):
    """Images whose last channel is a mask (0 and 255): cut and mirrored like the image, its values never changed."""

    def _augment(self, stack: Tensor, places: np.ndarray, draws: Draws) -> Tensor:
        one, zero = np.ones_like(draws.gain), np.zeros_like(draws.shift)
        plain = super()._augment(stack, places, dataclasses.replace(draws, gain=one, shift=zero))
        gain, shift = self._to_device(torch.from_numpy(np.stack([draws.gain, draws.shift]))).reshape(2, -1, 1, 1, 1)
        image = plain[:, :-1].mul(gain).add_(shift).clamp_(0, 1)
        mask = (plain[:, -1:] > 0.5).float()
        return torch.cat([image, mask], dim=1).contiguous(memory_format=self.runtime.memory_format)


class OutlineRun(Run):
    """A run whose loss is the sum of the cross-entropies of class and pixels; each where the network has the head."""

    def __init__(self, network: Network, feed: Feed, label: np.ndarray, train: np.ndarray, tune: np.ndarray):
        if feed.settings.mixup:
            raise ValueError("mixup must be 0: mixed images have no outline")
        super().__init__(network, feed, label, train, tune)
        self.reference = isinstance(network.module, Reference)
        self.tune_dice = float("nan")

    def one_epoch(self) -> dict[str, Any]:
        """As `Run.one_epoch`, with `tune_dice`, the mean over the tuning cases."""
        line = super().one_epoch()
        line["tune_dice"] = self.tune_dice
        return line

    def _loss(self, batch: Tensor, target: Tensor, rng: np.random.Generator) -> Tensor:
        with self.runtime.autocast():
            answer = self.model(batch[:, :-1])
        parts = []
        if answer.logits is not None:
            parts.append(self._class_loss(answer.logits.float(), target))
        if answer.outline is not None:
            parts.append(self._outline_loss(answer.outline.float(), batch[:, -1:]).mean())
        return sum(parts)

    def _outline_loss(self, outline: Tensor, mask: Tensor) -> Tensor:
        """Loss of each case: cross-entropy as published; of the reference network with soft Dice, as it is used."""
        loss = F.binary_cross_entropy_with_logits(outline, mask, reduction="none").mean(dim=(1, 2, 3))
        return loss + soft_dice_loss(outline, mask) if self.reference else loss

    def _evaluate(self) -> tuple[float, float]:
        logits, losses, dices = [], [], []
        with torch.inference_mode(), self.runtime.autocast():
            for batch in self.feed(self.tune_draws):
                answer = self.averaged(batch[:, :-1])
                if answer.logits is not None:
                    logits.append(answer.logits.float())
                if answer.outline is not None:
                    outline, mask = answer.outline.float(), batch[:, -1:]
                    losses.append(self._outline_loss(outline, mask))
                    both = ((outline > 0) * mask).sum(dim=(1, 2, 3))
                    dices.append(2 * both / ((outline > 0).sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))).clamp(min=1))
        loss, auc = 0.0, float("nan")
        if logits:
            label = self.label[self.tune]
            risk = logits_to_risk(torch.cat(logits).cpu().numpy())
            loss, auc = loss + log_loss(label, risk, weight=self.class_weight), rank_auc(label, risk)
        if losses:
            loss += float(torch.cat(losses).mean())
            self.tune_dice = float(torch.cat(dices).mean())
        return loss, auc


def soft_dice_loss(outline: Tensor, mask: Tensor) -> Tensor:
    """One minus the Dice coefficient of probabilities (Milletari et al. 2016, doi:10.1109/3DV.2016.79), by case.

    Parameters
    ----------
    outline, mask : Tensor of shape (n, 1, height, width)
        Logits; 0 and 1.

    Returns
    -------
    Tensor of shape (n,)

    Examples
    --------
    >>> mask = torch.ones(1, 1, 10, 10)
    >>> round(float(soft_dice_loss(torch.zeros(1, 1, 10, 10), mask)[0]), 3)  # all at one half: 1 - 101 / 151
    0.331
    """
    chance = outline.sigmoid()
    both = (chance * mask).sum(dim=(1, 2, 3))
    return 1 - (2 * both + 1) / (chance.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3)) + 1)


def with_masks(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Images and masks in one array, the mask as last channel of 0 and 255.

    Parameters
    ----------
    images : uint8 array of shape (cases, channels, side, side)
    masks : array of shape (cases, side, side)
        Above 0 in the lesion.

    Returns
    -------
    uint8 array of shape (cases, channels + 1, side, side)

    Examples
    --------
    >>> with_masks(np.zeros((2, 1, 8, 8), np.uint8), np.ones((2, 8, 8))).shape
    (2, 2, 8, 8)
    """
    if masks is None or masks.shape != (len(images), *images.shape[-2:]):
        raise ValueError(f"masks must be (cases, side, side) like images {images.shape}")
    return np.concatenate([images, np.where(masks[:, None] > 0, np.uint8(255), np.uint8(0))], axis=1)


def fit(
    network: Network,
    stack: np.ndarray,
    label: np.ndarray,
    *,
    train: np.ndarray,
    tune: np.ndarray,
    settings: Settings,
    folder: str | Path,
    report: Callable[[str], None] | None = None,
    progress: str | bool = "auto",
    resume: bool = True,
    state_every: float = 10.0,
) -> TrainingResult:
    """Train on `train`, keep the best epoch on `tune`, write checkpoint and record; see `training.fit`.

    Parameters
    ----------
    network : Network
        From `ynet.build_ynet`.
    stack : uint8 array
        From `with_masks`.
    label, train, tune, settings, folder, report, progress, resume, state_every
        As in `training.fit`. `settings.crop_size` is the side of the whole frame: equal to `size`, or the frame is cut.

    Returns
    -------
    TrainingResult
        Its history has `tune_dice` too.
    """
    label, train, tune = check_rows(stack, label, train, tune, network.channels + 1, network.outputs)
    runtime, folder = Runtime.of(settings, ndim=stack.ndim, module=network.module), Path(folder)
    rows = np.concatenate([train, tune])
    key = run_key(network, label[rows], train, tune, settings, runtime, fingerprint(stack, rows))
    here = Path(__file__).parent
    key["outline_code"] = disk.digest({name: disk.file_sha256(here / f"{name}.py") for name in CODE})

    def start() -> OutlineRun:
        feed = MaskedFeed(stack, rows, settings=settings, runtime=runtime)
        return OutlineRun(network, feed, label, train, tune)

    how = {"report": report, "progress": progress, "resume": resume, "state_every": state_every}
    return complete(start, network, key, settings, runtime, folder, **how)


@dataclass(frozen=True)
class Outlined:
    """What a network says of cases.

    Attributes
    ----------
    risk : float array of shape (n,) or None
        None for a network without that head.
    outline : float32 array of shape (n, side, side) or None
        Probability of each pixel, at the side of the stored images.
    """

    risk: np.ndarray | None
    outline: np.ndarray | None


def answer(network: Network, images: np.ndarray, rows: np.ndarray, settings: Settings) -> Outlined:
    """Risks and outlines of cases, without augmentation.

    Parameters
    ----------
    network : Network
    images : uint8 array of shape (cases, channels, side, side)
    rows : int array of shape (n,)
    settings : Settings

    Returns
    -------
    Outlined
        In the order of `rows`.
    """
    if settings.crop_size != settings.size:
        raise ValueError(f"size ({settings.size}) must be crop_size ({settings.crop_size}): a frame is outlined whole")
    runtime = Runtime.of(settings, ndim=images.ndim, module=network.module)
    feed = Feed(images, rows, settings=settings, runtime=runtime, memory_share=0, free_bytes=0)
    draws = Draws.central(rows, settings).batches(evaluation_steps(len(rows), settings))
    logits, outlines = [], []
    network.module.to(device=runtime.device, memory_format=runtime.memory_format).eval()
    with steady(settings, runtime), torch.inference_mode(), runtime.autocast():
        for batch in feed(draws):
            said = network.module(batch)
            if said.logits is not None:
                logits.append(said.logits.float().cpu())
            if said.outline is not None:
                outlines.append(resized(said.outline.float(), images.shape[-2:]).sigmoid().cpu()[:, 0])
    risk = logits_to_risk(torch.cat(logits).numpy()) if logits else None
    return Outlined(risk, torch.cat(outlines).numpy() if outlines else None)


@dataclass(frozen=True)
class CrossValidated:
    """A network trained on each fold's other patients.

    Attributes
    ----------
    results : list of TrainingResult
        One a fold.
    risks : float array of shape (folds, cases) or None
        Of every fold's network, in the rows that it did not see; NaN where it was trained.
    outline : bool array of shape (n, side, side) or None
        Of the cases `rows`: pixels whose mean probability over the folds is at least one half.
    heat : uint8 array of shape (n, CAM_SIDE, CAM_SIDE) or None
        Grad-CAM for the positive class of the same cases, mean over the folds, 255 the largest of a fold's map.
    rows : int array of shape (n,)
        Cases of `outline`, `heat` and `control`: those of no fold.
    fold : int array of shape (cases,)
        Held-out fold of a training case, -1 for others.
    control : uint8 array of shape (n, CAM_SIDE, CAM_SIDE) or None
        As `heat`, of the same networks with weights drawn anew.
    """

    results: list[TrainingResult]
    risks: np.ndarray | None
    outline: np.ndarray | None
    heat: np.ndarray | None
    rows: np.ndarray
    fold: np.ndarray
    control: np.ndarray | None

    @property
    def risk(self) -> np.ndarray | None:
        """Of a training case by the one network that did not see it, of any other case the mean over the folds."""
        return None if self.risks is None else np.nanmean(self.risks, axis=0)


def cross_validate(
    architecture: str,
    images: np.ndarray,
    masks: np.ndarray,
    label: np.ndarray,
    *,
    patient_id: np.ndarray,
    training: np.ndarray,
    folds: int,
    settings: Settings,
    folder: str | Path,
    width_divisor: int = 1,
    report: Callable[[str], None] | None = None,
) -> CrossValidated:
    """Train one network a fold on the training patients; predict each case by networks that did not see it.

    The held-out fold chooses the epoch of its network, as in the paper; labels of cases outside `training` are never
    read. All cases outside `training` are predicted by the same mean, so that what is chosen on some of them holds for
    the others. Finished folds are taken from the folder.

    Parameters
    ----------
    architecture : str
        One of `ynet.ARCHITECTURES`.
    images, masks : uint8 arrays of shape (cases, 1, side, side) and (cases, side, side)
    label : array of shape (cases,)
        0 or 1 in the rows of `training`; anything (NaN) elsewhere.
    patient_id : array of shape (cases,)
        Cases of a patient are in one fold.
    training : int array
        Rows of the training cases; those of tuning and test cases stay outside the folds.
    folds : int
    settings : Settings
    folder : path
        Receives `fold-0`, `fold-1`, ... with a checkpoint each.
    width_divisor : int
        As in `ynet.build_ynet`.
    report : callable or None
        Receives one line an epoch.

    Returns
    -------
    CrossValidated
    """
    stack = with_masks(images, masks)
    training = np.asarray(training)
    fold = np.full(len(images), -1)
    fold[training] = grouped_folds(
        np.asarray(label)[training].astype(int), np.asarray(patient_id)[training], folds=folds, seed=settings.seed
    )
    others = np.flatnonzero(fold < 0)
    results, risks, outlined, heat, control = [], np.full((folds, len(images)), np.nan), [], [], []
    for number in range(folds):
        network = build_ynet(architecture, channels=images.shape[1], width_divisor=width_divisor, seed=settings.seed)
        inner, unseen = np.flatnonzero((fold >= 0) & (fold != number)), np.flatnonzero((fold < 0) | (fold == number))
        given = {"train": inner, "tune": np.flatnonzero(fold == number), "settings": settings, "report": report}
        results.append(fit(network, stack, label, folder=Path(folder) / f"fold-{number}", **given))
        trained = results[-1].network
        said = answer(trained, images, unseen, settings)
        if said.outline is not None:
            outlined.append(said.outline[fold[unseen] < 0])
        if said.risk is not None:
            risks[number, unseen] = said.risk
            if len(others):
                heat.append(heat_maps(trained.module, images, others, settings))
                control.append(heat_maps(explain.randomised(trained.module, seed=number), images, others, settings))
    return CrossValidated(
        results,
        None if np.isnan(risks).all() else risks,
        np.mean(outlined, axis=0) >= 0.5 if outlined else None,
        _mean_map(heat),
        others,
        fold,
        _mean_map(control),
    )


def _mean_map(maps: list[np.ndarray]) -> np.ndarray | None:
    return np.round(255 * np.mean(maps, axis=0)).astype(np.uint8) if maps else None


def heat_maps(module: torch.nn.Module, images: np.ndarray, rows: np.ndarray, settings: Settings) -> np.ndarray:
    """Grad-CAM of the classifying head for the positive class, (n, CAM_SIDE, CAM_SIDE), each case in [0, 1]."""
    view = network_view(images, rows=rows, settings=settings)
    return explain.gradcam(OnlyLogits(module), view, layer=module.classify[0], target=1, size=(CAM_SIDE, CAM_SIDE))

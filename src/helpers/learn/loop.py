"""One training run, epoch by epoch: schedule, loss, running average of the weights, best epoch, snapshot.

Every random number of an epoch follows from (seed, epoch) alone, so what is kept between epochs is tensors and a
list of numbers: no generator has to be saved.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.learn import state as disk
from helpers.learn.feed import Draws, Feed, free_memory
from helpers.learn.inference import evaluation_steps, logits_of, logits_to_risk
from helpers.learn.networks import Network
from helpers.learn.recompute import recomputing, saved_bytes, wanted
from helpers.learn.scores import log_loss, rank_auc


def one_cycle(step: int, steps: int, peak: float) -> tuple[float, float]:
    """Learning rate and first momentum of the one-cycle policy (doi:10.48550/arXiv.1803.09820).

    Cosine from `peak` / 25 up to `peak` in the first fifth, then down to `peak` / 250000; momentum runs
    against it between 0.95 and 0.85. A function of the step, so that a resumed run needs no scheduler.

    Examples
    --------
    >>> [round(one_cycle(step, 100, 1.0)[0], 4) for step in (0, 19, 99)]
    [0.04, 1.0, 0.0]
    """
    rise = max(0.2 * steps - 1, 1e-9)
    if step <= rise:
        share, rate, momentum = step / rise, (peak / 25, peak), (0.95, 0.85)
    else:
        share = (step - rise) / max(steps - 1 - rise, 1e-9)
        rate, momentum = (peak, peak / 25e4), (0.85, 0.95)
    turn = (1 - math.cos(math.pi * min(share, 1))) / 2
    return rate[0] + (rate[1] - rate[0]) * turn, momentum[0] + (momentum[1] - momentum[0]) * turn


@dataclass(frozen=True)
class Best:
    """The best epoch so far: score to compare by, averaged weights on the CPU."""

    epoch: int
    score: tuple[float, float]
    tensors: dict[str, Tensor]


class Run:
    """A training run between epochs: model, running average, optimizer, history."""

    def __init__(self, network: Network, feed: Feed, label: np.ndarray, train: np.ndarray, tune: np.ndarray):
        settings, runtime = feed.settings, feed.runtime
        self.settings, self.runtime, self.feed = settings, runtime, feed
        self.label, self.train, self.tune = label, train, tune
        self.model = copy.deepcopy(network.module)
        self.model.to(device=runtime.device, memory_format=runtime.memory_format).train()
        self.model.requires_grad_(True)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        # Weights and batch-norm statistics are averaged; the lists stay valid, since loading copies in place.
        self._pairs = [
            [value for value in module.state_dict().values() if value.is_floating_point()]
            for module in (self.averaged, self.model)
        ]
        flat = [value for value in self.model.parameters() if value.ndim < 2]
        deep = [value for value in self.model.parameters() if value.ndim >= 2]
        groups = [{"params": deep}, {"params": flat, "weight_decay": 0.0}]
        if settings.optimizer == "adamw":
            self.optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
        else:
            self.optimizer = torch.optim.Adam([value for group in groups for value in group["params"]], fused=True)
        self.outputs = network.outputs
        count = np.bincount(label[train], minlength=max(2, network.outputs))
        self.class_count = count.tolist()
        even = len(train) / (len(count) * count) if settings.balance == "loss" else np.ones(len(count))
        self.class_weight = even.astype(np.float32)
        self.weight = torch.from_numpy(self.class_weight).to(runtime.device)
        self.steps = math.ceil(len(train) / settings.batch_size)
        self.epoch, self.best, self.history = 0, None, []
        self.tune_draws = Draws.central(tune, settings).batches(evaluation_steps(len(tune), settings))
        self.checkpointing, self.checkpointing_why = self._recompute()
        if runtime.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(runtime.device)

    def one_epoch(self) -> dict[str, Any]:
        """Train one epoch, evaluate the averaged weights on tune, keep them when they are the best."""
        settings, began = self.settings, time.perf_counter()
        rng = np.random.default_rng([settings.seed, self.epoch])
        torch.manual_seed(int(rng.integers(2**63)))  # dropout; forked by `steady`
        order = self._order(rng)
        batches = Draws.random(order, settings, rng).batches(self.steps)
        total = torch.zeros((), device=self.runtime.device)
        for i, (draws, batch) in enumerate(zip(batches, self.feed(batches))):
            step = self.epoch * self.steps + i
            rate, momentum = one_cycle(step, settings.epochs * self.steps, settings.learning_rate)
            for group in self.optimizer.param_groups:
                group["lr"], group["betas"] = rate, (momentum, 0.999)
            target = torch.from_numpy(self.label[draws.rows]).to(self.runtime.device, non_blocking=True)
            loss = self._loss(batch, target, rng)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self._average(step)
            total += loss.detach() * len(draws.rows)
        train_loss = float(total) / len(order)  # the one wait for the device in an epoch
        seconds = time.perf_counter() - began
        if not math.isfinite(train_loss):
            raise FloatingPointError(f"the loss of epoch {self.epoch + 1} is no number: lower learning_rate")
        self.epoch += 1
        tune_loss, tune_auc = self._evaluate()
        line = {
            "epoch": self.epoch,
            "train_loss": train_loss,
            "tune_loss": tune_loss,
            "tune_auc": tune_auc,
            "learning_rate": rate,
            "seconds": round(time.perf_counter() - began, 3),
            "images_per_second": round(len(order) / seconds, 1),
        }
        self.history.append(line)
        score = (-tune_loss, tune_auc) if settings.monitor == "loss" else (tune_auc, -tune_loss)
        if self.best is None or score > tuple(self.best.score):
            kept = {name: value.detach().cpu().clone() for name, value in self.averaged.state_dict().items()}
            self.best = Best(self.epoch, score, kept)
        return line

    def out_of_patience(self) -> bool:
        """Whether too many epochs passed since the best one."""
        patience = self.settings.patience
        return patience is not None and self.best is not None and self.epoch - self.best.epoch >= patience

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything the run needs to go on, as tensors and plain values."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"averaged.{name}": value for name, value in self.averaged.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.tensors.items()}
        tensors |= disk.optimizer_tensors(self.optimizer)
        best = {"best_epoch": self.best.epoch, "best_score": [value.hex() for value in self.best.score]}
        rng = {"seed": self.settings.seed, "next_epoch": self.epoch}  # all that the generators follow from
        return tensors, {"epoch": self.epoch, "history": self.history, "random": rng, **best}

    def restore(self, tensors: dict[str, Tensor], note: dict[str, Any]) -> None:
        """Undo `snapshot`."""

        def part(name: str) -> dict[str, Tensor]:
            return {key.removeprefix(name): value for key, value in tensors.items() if key.startswith(name)}

        self.model.load_state_dict(part("model."))
        self.averaged.load_state_dict(part("averaged."))
        disk.restore_optimizer(self.optimizer, tensors)
        score = tuple(float.fromhex(value) for value in note["best_score"])
        self.best = Best(note["best_epoch"], score, part("best."))
        self.epoch, self.history = note["epoch"], note["history"]

    def _recompute(self) -> tuple[bool, str]:
        """Have activations computed again where that was asked for, or memory asks for it."""
        asked, runtime = self.settings.checkpointing, self.runtime
        if asked is False or (asked == "auto" and len(self.feed.inner) == 1):
            return False, "not asked for"
        case = next(self.feed(Draws.central(self.train[:2], self.settings).batches(1)))
        per_case = saved_bytes(self.model, case, runtime=runtime)
        decided, why = wanted(asked, per_case, self.settings.batch_size, free_memory(runtime.device))
        if decided:
            recomputing(self.model)
        return decided, why

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        if self.settings.balance != "sampler":
            return rng.permutation(self.train)
        label = self.label[self.train]
        chance = 1 / np.bincount(label)[label]
        return rng.choice(self.train, len(self.train), p=chance / chance.sum())

    def _loss(self, batch: Tensor, target: Tensor, rng: np.random.Generator) -> Tensor:
        if not self.settings.mixup:
            with self.runtime.autocast():
                logits = self.model(batch)
            return self._class_loss(logits.float(), target)
        share = float(rng.beta(self.settings.mixup, self.settings.mixup))
        partner = torch.from_numpy(rng.permutation(len(target))).to(batch.device, non_blocking=True)
        with self.runtime.autocast():
            logits = self.model(batch.lerp(batch[partner], 1 - share))
        ours, theirs = self._class_loss(logits.float(), target), self._class_loss(logits.float(), target[partner])
        return share * ours + (1 - share) * theirs

    def _class_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        smooth = self.settings.label_smoothing
        if self.outputs > 1:
            return F.cross_entropy(logits, target, self.weight, label_smoothing=smooth)
        soft = target.float() * (1 - smooth) + smooth / 2
        case = F.binary_cross_entropy_with_logits(logits[:, 0], soft, reduction="none")
        weight = self.weight[target]
        return (case * weight).sum() / weight.sum()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        # The average starts short, so that the random first weights are soon forgotten.
        decay = min(self.settings.ema, (2 + step) / (11 + step)) if self.settings.ema else 0.0
        torch._foreach_lerp_(self._pairs[0], self._pairs[1], 1 - decay)

    def _evaluate(self) -> tuple[float, float]:
        risk = logits_to_risk(logits_of(self.averaged, self.feed, self.tune_draws).numpy())
        label = self.label[self.tune]
        return log_loss(label, risk, weight=self.class_weight), rank_auc(label, risk)

"""Train one network on uint8 images; a killed run goes on to the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.learn import state as disk
from helpers.learn.feed import Feed, fingerprint, network_view
from helpers.learn.inference import features, load, predict
from helpers.learn.loop import Run, one_cycle
from helpers.learn.networks import Network
from helpers.learn.progress import bar, epoch_line
from helpers.learn.runs import TrainingResult, check_rows, finished, parse_run, run_key
from helpers.learn.settings import Runtime, Settings, steady

__all__ = [
    "Settings",
    "TrainingResult",
    "epoch_line",
    "features",
    "fit",
    "load",
    "network_view",
    "one_cycle",
    "parse_run",
    "predict",
]


def fit(
    network: Network,
    images: np.ndarray,
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
    memory_share: float = 0.5,
    free_bytes: int | None = None,
) -> TrainingResult:
    """Train a network on `train`, keep its best epoch on `tune`, write checkpoint and record to `folder`.

    The network given is not changed. Images and labels of other rows are never read: a test label cannot play
    a part. With `state_every` seconds passed since the last one, the state after an epoch is written to
    `folder`; the same call goes on from it and ends with the same bytes (on a GPU as far as its algorithms are
    deterministic). A state or checkpoint made under other settings, data, code or versions is not used;
    `record["state"]` names what differed.

    Parameters
    ----------
    network : Network
        One output for labels 0 and 1, K for labels 0 to K - 1.
    images : uint8 array or memmap of shape (cases, channels, height, width)
        Or clips (cases, channels, time, height, width), of which the network sees `settings.frames`; square, any
        side.
    label : array of shape (cases,)
        Whole numbers in the rows of `train` and `tune`; anything (NaN) elsewhere.
    train, tune : array of int
        Rows; no row in both. Split by patient.
    settings : Settings
    folder : str or Path
        Receives `checkpoint.safetensors`, `checkpoint.json` and, on the way, `state.*`.
    report : callable or None
        Receives one line an epoch; pass `print` in a batch run.
    progress : "auto" or bool
        A progress bar; `"auto"`: when a person looks on (terminal or notebook, and not `THYROBOOK_BATCH`).
    resume : bool
        False starts anew whatever the folder holds.
    state_every : float
        Seconds; 0 writes the state after every epoch.
    memory_share : float
        Images stay on the device when they take at most this share of its free memory.
    free_bytes : int or None
        Free memory of the device; None: measured.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ValueError
        If an argument does not fit; before any training.
    FloatingPointError
        If the loss is no number: lower the learning rate.
    """
    label, train, tune = check_rows(images, label, train, tune, network.channels, network.outputs)
    runtime = Runtime.of(settings, ndim=images.ndim, module=network.module)
    folder = Path(folder)
    rows = np.concatenate([train, tune])
    key = run_key(network, label[rows], train, tune, settings, runtime, fingerprint(images, rows))

    def start() -> Run:
        share = {"memory_share": memory_share, "free_bytes": free_bytes}
        feed = Feed(images, rows, settings=settings, runtime=runtime, **share)
        return Run(network, feed, label, train, tune)

    how = {"report": report, "progress": progress, "resume": resume, "state_every": state_every}
    return complete(start, network, key, settings, runtime, folder, **how)


def complete(
    start: Callable[[], Run],
    network: Network,
    key: dict[str, Any],
    settings: Settings,
    runtime: Runtime,
    folder: Path,
    *,
    report: Callable[[str], None] | None,
    progress: str | bool,
    resume: bool,
    state_every: float,
) -> TrainingResult:
    """Take a finished run from its folder, go on with a killed one, or begin; see `fit`.

    Parameters
    ----------
    start : callable
        Gives the run before its first epoch; called when there is something to train.
    network : Network
    key : dict
        Everything on which the result depends.
    settings, runtime, folder, report, progress, resume, state_every
        As in `fit`.
    """
    state, told = None, "from the first epoch"
    if resume:
        done = finished(folder, key, network)
        if done is not None:
            return done
        state, told = _resumable(folder, key)
    with steady(settings, runtime):
        run = start()
        if state is not None:
            run.restore(*state)
        with bar(progress, settings.epochs, run.epoch) as show:
            _epochs(run, show, report, folder, key, state_every)
    return _finish(run, folder, key, network, told)


def _epochs(run: Run, show, report, folder: Path, key: dict, state_every: float) -> None:
    settings, written = run.settings, time.monotonic()
    while run.epoch < settings.epochs and not run.out_of_patience():
        line = run.one_epoch()
        if report is not None:
            report(epoch_line(line, settings.epochs))
        show(line)
        if time.monotonic() - written >= state_every and run.epoch < settings.epochs:
            tensors, note = run.snapshot()
            disk.write_tensors(folder / disk.STATE, tensors, note={"key": key, **note})
            disk.write_note(folder / disk.STATE_NOTE, {"key": key, **note})
            written = time.monotonic()


def _resumable(folder: Path, key: dict[str, Any]) -> tuple[tuple | None, str]:
    path = folder / disk.STATE
    if not path.is_file():
        return None, "from the first epoch"
    from safetensors import SafetensorError

    try:
        tensors, note = disk.read_tensors(path)
    except SafetensorError:
        return None, "a state was there, but is no readable safetensors file"
    if note.get("key") != key:
        return None, f"a state was there, but of another run: {disk.differences(key, note.get('key', {}))}"
    return (tensors, note), f"resumed after epoch {note['epoch']}"


def _finish(run: Run, folder: Path, key: dict, network: Network, told: str) -> TrainingResult:
    peak, of = run.runtime.peak_memory_mb()
    settings, tensors = run.settings, run.best.tensors
    description = {
        "network": network.record,
        "settings": asdict(settings),
        "best_epoch": run.best.epoch,
        "key": key,
    }
    sha256 = disk.write_tensors(folder / disk.CHECKPOINT, tensors, note=description)
    record = {
        **run.runtime.record(),
        "peak_memory_mb": round(peak, 1),
        "peak_memory_of": of,
        "images": "resident on the device" if run.feed.resident else "streamed to the device",
        "images_why": run.feed.why,
        "checkpointing": run.checkpointing,
        "checkpointing_why": run.checkpointing_why,
        "balance": settings.balance,
        "class_count": run.class_count,
        "class_weight": [round(float(value), 4) for value in run.class_weight],
        "monitor": f"tune {settings.monitor}",
        "epochs_run": run.epoch,
        "stopped_early": run.epoch < settings.epochs,
        "seed": settings.seed,
        "state": told,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
    note = {**description, "sha256": sha256, "record": record, "history": run.history}
    disk.write_note(folder / disk.CHECKPOINT_NOTE, note)
    for name in (disk.STATE, disk.STATE_NOTE):
        (folder / name).unlink(missing_ok=True)
    run.averaged.load_state_dict(tensors)
    return TrainingResult.of(Network(run.averaged, network.record), folder, note)

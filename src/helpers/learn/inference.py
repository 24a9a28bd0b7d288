"""From a trained network: risks, pooled features, and the network itself from its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from helpers.learn.feed import Draws, Feed
from helpers.learn.networks import Network, build, head_of
from helpers.learn.settings import Runtime, Settings, steady
from helpers.learn.state import CHECKPOINT, CHECKPOINT_NOTE, file_sha256, read_tensors


def logits_to_risk(logits: np.ndarray) -> np.ndarray:
    """Logits (n, 1) to sigmoid risks (n,); logits (n, K) to softmax risks (n, K).

    Examples
    --------
    >>> logits_to_risk(np.array([[0.0], [2.0]])).round(3).tolist()
    [0.5, 0.881]
    """
    logits = torch.from_numpy(np.asarray(logits, dtype=np.float64))
    risk = torch.sigmoid(logits[:, 0]) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)
    return risk.numpy()


def predict(network: Network, images: np.ndarray, *, rows: np.ndarray | None = None, settings: Settings) -> np.ndarray:
    """Risks of cases, from the central crop and without augmentation.

    Parameters
    ----------
    network : Network
        Its module is moved to the device of the settings and keeps its training mode.
    images : uint8 array or memmap of shape (cases, channels, height, width)
    rows : array of int or None
        Cases, in the order wanted; None: all.
    settings : Settings
        `size, crop_size, batch_size, precision, device, channels_last, threads` count.

    Returns
    -------
    float64 array of shape (n,) for one output, (n, K) for K
        In [0, 1].

    Raises
    ------
    ValueError
        If images or rows do not fit the network.
    """
    return logits_to_risk(_run(network, images, rows, settings, lambda module, batch: module(batch)))


def features(network: Network, images: np.ndarray, *, rows: np.ndarray | None = None, settings: Settings) -> np.ndarray:
    """Pooled features of cases: what the last linear layer reads.

    Parameters and errors as in `predict`.

    Returns
    -------
    float64 array of shape (n, width)
    """
    head = head_of(network.module)
    kept: list[Tensor] = []

    def pooled(module: nn.Module, batch: Tensor) -> Tensor:
        kept.clear()
        module(batch)
        return kept[0].flatten(1)

    hook = head.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    try:
        return _run(network, images, rows, settings, pooled)
    finally:
        hook.remove()


def load(folder: str | Path, *, module: nn.Module | None = None) -> Network:
    """Read the network of a finished training run, after checking its SHA-256.

    Parameters
    ----------
    folder : str or Path
        Folder with `checkpoint.safetensors` and `checkpoint.json`.
    module : torch.nn.Module or None
        Of the same shape, for a network that `build` does not know; filled in place.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If a file is missing or not the one that training wrote, or the module does not fit.
    """
    folder = Path(folder)
    for name in (CHECKPOINT, CHECKPOINT_NOTE):
        if not (folder / name).is_file():
            raise ValueError(f"folder {folder.name} has no {name}: train the network first")
    note = json.loads((folder / CHECKPOINT_NOTE).read_text(encoding="utf-8"))
    found = file_sha256(folder / CHECKPOINT)
    if found != note["sha256"]:
        raise ValueError(f"{CHECKPOINT} is not the file that training wrote: SHA-256 {found} differs")
    record = note["network"]
    if module is None:
        names = ("channels", "outputs", "width_divisor", "dropout", "volume", "attention")
        options = {name: record[name] for name in names if name in record}  # older records know images only
        module = build(record["architecture"], **options).module
    tensors, _ = read_tensors(folder / CHECKPOINT)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"module does not fit {CHECKPOINT}: {error}") from error
    return Network(module, record)


def logits_of(module: nn.Module, feed: Feed, draws: list[Draws], step: Callable = nn.Module.__call__) -> Tensor:
    """Apply a module in evaluation mode to every batch of a feed; float32 on the CPU, (n, outputs)."""
    training = module.training
    module.eval()
    try:
        with torch.inference_mode(), feed.runtime.autocast():
            return torch.cat([step(module, batch).float() for batch in feed(draws)]).cpu()
    finally:
        module.train(training)


def _run(
    network: Network, images: np.ndarray, rows: np.ndarray | None, settings: Settings, step: Callable
) -> np.ndarray:
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    if rows.ndim != 1 or rows.size == 0 or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError("rows must be a list of row numbers with at least one entry")
    if rows.min() < 0 or rows.max() >= len(images):
        raise ValueError(f"rows must be in 0 ... {len(images) - 1}")
    if images.shape[1] != network.channels:
        raise ValueError(f"images have {images.shape[1]} channels, the network reads {network.channels}")
    runtime = Runtime.of(settings, ndim=images.ndim, module=network.module)
    # Every image is read once, so it is streamed: keeping the cohort on the device would gain nothing.
    feed = Feed(images, rows, settings=settings, runtime=runtime, memory_share=0, free_bytes=0)
    draws = Draws.central(rows, settings).batches(evaluation_steps(len(rows), settings))
    with steady(settings, runtime):
        network.module.to(device=runtime.device, memory_format=runtime.memory_format)
        return logits_of(network.module, feed, draws, step).double().numpy()


def evaluation_steps(n: int, settings: Settings) -> int:
    """Number of batches for `n` cases without gradients: four training batches, at least 64 cases, at a time."""
    return max(1, -(-n // max(64, 4 * settings.batch_size)))

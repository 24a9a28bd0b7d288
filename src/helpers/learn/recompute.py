"""Activations that are computed again in the backward pass instead of being kept: less memory for more work.

The gradients are the same (Chen et al. 2016, doi:10.48550/arXiv.1604.06174): dropout draws the same numbers again,
and a batch norm counts the batch once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from helpers.learn.settings import Runtime

SHARE = 0.7  # of the free memory that kept activations may take; gradients, moments and workspaces need the rest
PROBE = 2  # cases of the forward pass whose activations are counted; a batch norm wants at least two


def saved_bytes(module: nn.Module, batch: Tensor, *, runtime: Runtime) -> int:
    """Bytes that one case keeps on the device between forward and backward pass, parameters not counted.

    Parameters
    ----------
    module : torch.nn.Module
        Is not changed, nor are torch's random numbers.
    batch : Tensor of shape (n, channels, ...)
        Its first two cases are tried.
    runtime : Runtime

    Returns
    -------
    int

    Examples
    --------
    >>> from helpers.learn.settings import Settings
    >>> batch, net = torch.zeros(2, 100), nn.Sequential(nn.Linear(100, 10), nn.Linear(10, 10))
    >>> saved_bytes(net, batch, runtime=Runtime.of(Settings(device="cpu"), ndim=4))  # 100 inputs, 10 hidden
    440
    """
    trial = copy.deepcopy(module).train()
    own = {value.untyped_storage().data_ptr() for value in [*trial.parameters(), *trial.buffers()]}
    kept: dict[int, int] = {}

    def note(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    devices = [batch.device] if batch.device.type == "cuda" else []
    cases = batch[:PROBE].clone(memory_format=torch.preserve_format)
    with torch.random.fork_rng(devices=devices), torch.autograd.graph.saved_tensors_hooks(note, lambda value: value):
        with runtime.autocast():
            answer = trial(cases)
        total = sum(kept.values())  # the graph is alive as long as `answer`, so no address was used twice
    del answer
    return total // len(cases)


def wanted(asked: str | bool, per_case: int, batch_size: int, free: int) -> tuple[bool, str]:
    """Whether activations are computed again, and why.

    Parameters
    ----------
    asked : "auto" or bool
    per_case, free : int
        Bytes that a case keeps; free bytes of the device (0: unknown).
    batch_size : int

    Examples
    --------
    >>> wanted("auto", 2 * 10**9, 16, 24 * 10**9)
    (True, 'a batch keeps 32.0 GB, 24.0 GB are free')
    >>> wanted("auto", 10**9, 16, 140 * 10**9)[0]
    False
    """
    told = f"a batch keeps {per_case * batch_size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
    if asked == "auto":
        return bool(free) and per_case * batch_size > SHARE * free, told
    return bool(asked), f"asked for; {told}"


def units(module: nn.Module) -> list[str]:
    """Names of the parts of a network that are computed again one by one: its outermost blocks with weights.

    Examples
    --------
    >>> block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    >>> units(nn.Sequential(nn.Sequential(block, nn.ReLU()), nn.Linear(2, 1)))
    ['0.0']
    >>> import timm
    >>> units(timm.create_model("resnet18"))[:3]
    ['layer1.0', 'layer1.1', 'layer2.0']
    """
    found = []

    def walk(part: nn.Module, above: str) -> None:
        for name, child in part.named_children():
            blocks = [inner for inner in child.children() if list(inner.children())]
            if isinstance(child, nn.Sequential) and blocks:
                walk(child, f"{above}{name}.")
            elif list(child.children()) and any(True for _ in child.parameters()):
                found.append(f"{above}{name}")

    walk(module, "")
    return found


def recomputing(module: nn.Module) -> nn.Module:
    """Let every unit of a network compute its activations again in the backward pass; changed in place.

    Names and values of weights stay; a deep copy would share the units, so copy first.
    """
    for name in units(module):
        unit = module.get_submodule(name)
        unit.forward = partial(_forward, unit, unit.forward)
    return module


def _forward(unit: nn.Module, forward: Callable, *given: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return forward(*given)
    return checkpoint(forward, *given, use_reentrant=False, context_fn=lambda: (nullcontext(), _norms_at_rest(unit)))


@contextmanager
def _norms_at_rest(unit: nn.Module) -> Iterator[None]:
    """Batch norms normalise by the batch, but do not count it into their running statistics."""
    norms = [part for part in unit.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before):
            norm.momentum, norm.num_batches_tracked = momentum, count

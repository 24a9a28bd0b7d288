"""Starting weights: ImageNet or a file, as safetensors, fitted to any number of input channels and outputs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import torch
from torch import Tensor, nn

# Where a hub keeps safetensors of networks for which timm names none; the published weights, converted.
ELSEWHERE = {"legacy_xception": "smp-hub/xception.imagenet"}
# Auxiliary classifiers, which speed up the first training of a network and are no part of it afterwards.
_AUXILIARY = ("AuxLogits.",)
# The head under the name that another library gave it.
_HEADS = ("last_linear.", "fc.")
# Older DenseNet files name the layers of a dense layer "norm.1" where the module says "norm1".
_DOTTED = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")


class WeightsUnavailable(ValueError):
    """The weights that were asked for cannot be had here; the message tells the ways out."""


def sha256_of(module: nn.Module) -> str:
    """Fingerprint of all parameters and buffers of a module, whatever its device or memory format.

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> sha256_of(layer) == sha256_of(layer), len(sha256_of(layer))
    (True, 64)
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name}{tuple(array.shape)}{array.dtype}".encode())
        digest.update(array.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def spread_channels(kernel: Tensor, channels: int) -> Tensor:
    """Fit the kernel of a first convolution to another number of input channels.

    The mean over the old channels is repeated and scaled by old / new, so that a grey image, repeated over all
    channels, gives the same output as before.

    Parameters
    ----------
    kernel : Tensor of shape (out, old, height, width)
    channels : int
        New number of input channels.

    Returns
    -------
    Tensor of shape (out, channels, height, width)

    Examples
    --------
    >>> spread_channels(torch.tensor([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1), 1).item()
    9.0
    """
    old = kernel.shape[1]
    if old == channels:
        return kernel
    repeats = [1] * kernel.ndim
    repeats[1] = channels
    return kernel.mean(dim=1, keepdim=True).repeat(repeats) * (old / channels)


def imagenet_file(architecture: str) -> tuple[Path, str]:
    """ImageNet weights of an architecture from the model hub or its local cache, as safetensors only.

    Returns
    -------
    (Path, str)
        The file, and the name under which the hub keeps it.

    Raises
    ------
    WeightsUnavailable
        If the hub has no such file, or cannot be reached and the file is not in its cache.
    """
    import timm
    from huggingface_hub import hf_hub_download

    config = timm.get_pretrained_cfg(architecture)
    repository = getattr(config, "hf_hub_id", None) or ELSEWHERE.get(architecture)
    if not repository:
        raise WeightsUnavailable(f"no safetensors file with ImageNet weights is published for {architecture}")
    if repository.endswith("/"):
        repository += f"{config.architecture}.{config.tag}"
    try:
        return Path(hf_hub_download(repository, "model.safetensors")), repository
    except Exception as error:  # the hub client raises its own, httpx's and the system's errors
        raise WeightsUnavailable(f"{repository} could not be fetched ({type(error).__name__})") from error


def load_into(
    module: nn.Module,
    path: Path,
    *,
    stem: str,
    head: str,
    new_head: bool,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> list[str]:
    """Load a safetensors file into a network, fitting the stem to its channels and leaving a fresh head if asked.

    Parameters
    ----------
    module : Module
        Changed in place.
    path : Path
        A `.safetensors` file; pickled files are refused unread.
    stem, head : str
        Names of the first convolution and of the last linear layer.
    new_head : bool
        Keep the module's own head whatever the file holds; otherwise a head of the same shape is taken over.
    mean, std : tuple of float or None
        Normalisation under which the weights were made. It is folded into the stem and the batch norm after
        it, so that the network takes images in [0, 1] (exact but for zero-padded borders).

    Returns
    -------
    list of str
        What was changed on the way, in words.

    Raises
    ------
    ValueError
        If the file is absent, is not safetensors, or does not fit the architecture.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"weights: {path.name} is not a .safetensors file (pickled weights are never loaded)")
    if not path.is_file():
        raise ValueError(f"weights: there is no file {path.name}")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"weights: {path.name} is not a readable safetensors file: {error}") from error
    state = {_DOTTED.sub(r"\1\2", name): value for name, value in state.items()}
    own, done = module.state_dict(), []
    extra = [name for name in state if name.startswith(_AUXILIARY) and name not in own]
    if new_head:
        extra += [name for name in state if name.startswith(_HEADS) and name not in own]
    if extra:
        state = {name: value for name, value in state.items() if name not in extra}
        done.append(f"{len(extra)} tensors of other heads left out")
    for name in (f"{head}.weight", f"{head}.bias"):
        if new_head or name not in state or state[name].shape != own[name].shape:
            state[name] = own[name]
            done.append(f"{name} is fresh")
    kernel = f"{stem}.weight"
    if kernel in state and mean is not None:
        _fold_normalisation(module, state, stem=stem, mean=mean, std=std)
        done.append("ImageNet normalisation folded into the stem")
    if kernel in state and state[kernel].shape[1] != own[kernel].shape[1]:
        done.append(f"stem: mean over {state[kernel].shape[1]} channels, repeated for {own[kernel].shape[1]}")
        state[kernel] = spread_channels(state[kernel], own[kernel].shape[1])
    for name, value in own.items():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, value)
    wrong = [f"{name} is missing" for name in own if name not in state]
    wrong += [f"{name} is unknown" for name in state if name not in own]
    wrong += [
        f"{name} is {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(f"weights: {path.name} does not fit the network: {'; '.join(wrong[:3])}{more}")
    module.load_state_dict(state)
    return done


def _fold_normalisation(
    module: nn.Module, state: dict[str, Tensor], *, stem: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """Rewrite stem and first batch norm of `state` for images in [0, 1] instead of (image - mean) / std."""
    names = [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    norm = names[names.index(stem) + 1]
    if f"{norm}.running_mean" not in state:
        return  # the check of all names says so
    kernel = state[f"{stem}.weight"] / torch.tensor(std).reshape(1, -1, 1, 1)
    constant = (kernel * torch.tensor(mean).reshape(1, -1, 1, 1)).sum(dim=(1, 2, 3))
    state[f"{stem}.weight"] = kernel
    state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] + constant

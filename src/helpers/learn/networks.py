"""One door to the networks: published architectures with any number of input channels, outputs and widths."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from helpers.data import sections
from helpers.learn.attention import attend
from helpers.learn.inflate import inflate
from helpers.learn.slim import narrowed
from helpers.learn.weights import WeightsUnavailable, imagenet_file, load_into, sha256_of

ARCHITECTURES = ("densenet121", "densenet169", "densenet201", "resnet18", "resnet34")
# Every architecture that `build` takes, with the shortest side of an image it can read, in pixels.
SHORTEST_SIDE = dict.fromkeys((*ARCHITECTURES, "resnet50"), 32) | sections.SHORTEST_SIDE
OFFLINE = ("refuse", "allow")


@dataclass(frozen=True)
class Network:
    """A network and how it was made.

    Attributes
    ----------
    module : torch.nn.Module
        Takes float images in [0, 1] of shape (n, channels, height, width), or clips (n, channels, time, height,
        width), and gives logits (n, outputs). One output: sigmoid gives the risk. K > 1: softmax gives K risks.
    record : dict
        `architecture, channels, outputs, volume, attention, width_divisor, dropout, parameters, weights_asked,
        weights_used, why, sha256`, all plain JSON values.
    """

    module: nn.Module
    record: dict[str, Any]

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return self.record["channels"]

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return self.record["outputs"]


def wrap(module: nn.Module, *, channels: int, outputs: int = 1, name: str = "custom") -> Network:
    """Make a network of any module that turns (n, channels, ...) images in [0, 1] into (n, outputs) logits.

    Examples
    --------
    >>> tiny = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1))
    >>> wrap(tiny, channels=1).record["parameters"]
    23
    """
    return Network(module, _record(module, architecture=name, channels=channels, outputs=outputs))


def build(
    architecture: str,
    *,
    channels: int,
    outputs: int = 1,
    volume: bool = False,
    attention: bool = False,
    width_divisor: int = 1,
    weights: str | Path = "none",
    dropout: float = 0.0,
    seed: int = 0,
    offline: str = "refuse",
) -> Network:
    """Build a network with timm (doi:10.5281/zenodo.4414861), ready for `channels` input channels.

    Parameters
    ----------
    architecture : str
        A key of `SHORTEST_SIDE`; the networks of the study are `ARCHITECTURES`.
    channels : int
        Input channels: 1 for a B-mode image, 5 for five CEUS key frames.
    outputs : int
        1 for a binary label (sigmoid), K > 1 for K classes (softmax).
    volume : bool
        True: for clips. The 2D network, with its weights, is inflated (`helpers.learn.inflate`).
    attention : bool
        True: with calcification attention (`helpers.learn.attention`), which starts as the identity; all other
        weights are those of the same call without it.
    width_divisor : int
        Divides every width: the published topology at about 1 / `width_divisor` ** 2 of the work.
    weights : str or Path
        `"none"` (drawn from `seed`), `"imagenet"` (the hub's safetensors or its cache), or a `.safetensors`
        file of the same 2D architecture and width, without attention. A stem with other channels is fitted by
        `spread_channels`.
    dropout : float
        Share of features dropped before the head while training, in [0, 1).
    seed : int
        Of the random weights; the process's own random state is left as it was.
    offline : str
        What to do when ImageNet weights cannot be had: `"refuse"` raises, `"allow"` warns, records it and goes
        on with random weights.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If an argument is out of range, a file does not fit, or ImageNet weights cannot be had
        (`WeightsUnavailable`).

    Examples
    --------
    >>> network = build("resnet18", channels=5, width_divisor=8)
    >>> network.module(torch.zeros(2, 5, 64, 64)).shape
    torch.Size([2, 1])
    >>> network.record["weights_used"], network.record["channels"]
    ('none', 5)
    >>> video = build("resnet18", channels=1, volume=True, attention=True, width_divisor=8)
    >>> video.module(torch.zeros(2, 1, 8, 64, 64)).shape
    torch.Size([2, 1])
    """
    if architecture not in SHORTEST_SIDE:
        raise ValueError(f"architecture must be one of {', '.join(SHORTEST_SIDE)}, not {architecture!r}")
    for name, value in (("channels", channels), ("outputs", outputs), ("width_divisor", width_divisor)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout!r}")
    if offline not in OFFLINE:
        raise ValueError(f"offline must be one of {', '.join(OFFLINE)}, not {offline!r}")
    if weights == "imagenet" and width_divisor > 1:
        raise ValueError("weights='imagenet' fits the published widths only: use width_divisor=1 or weights='none'")
    module = _fresh(architecture, channels, outputs, width_divisor, dropout, seed)
    config = module.pretrained_cfg
    layers = {"stem": config["first_conv"], "head": config["classifier"]}
    used, why = "none", "asked for"
    if weights == "imagenet":
        used, why = _imagenet(module, architecture, offline=offline, config=config, layers=layers)
    elif str(weights) != "none":
        path = Path(weights)
        used, why = path.name, "; ".join(load_into(module, path, new_head=False, **layers)) or "as in the file"
    shown = Path(weights).name if str(weights) not in ("none", "imagenet") else str(weights)
    if attention:
        module = attend(module, architecture, seed=seed)
    if volume:
        module = inflate(module)
    record = _record(module, architecture=architecture, channels=channels, outputs=outputs)
    record |= {"volume": volume, "attention": attention}
    record |= {"width_divisor": width_divisor, "dropout": dropout, "seed": seed}
    record |= {"weights_asked": shown, "weights_used": used, "why": why}
    return Network(module, record)


def head_of(module: nn.Module) -> nn.Linear:
    """Last linear layer of a module: what reads the pooled features.

    Examples
    --------
    >>> head_of(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))).in_features
    3
    """
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ValueError("module has no linear layer, so it has no features before a head")
    return linear[-1]


def _fresh(architecture: str, channels: int, outputs: int, width_divisor: int, dropout: float, seed: int) -> nn.Module:
    import timm

    with torch.random.fork_rng(devices=[]), narrowed(width_divisor, outputs=outputs):
        torch.manual_seed(seed)
        module = timm.create_model(
            architecture, pretrained=False, num_classes=outputs, in_chans=channels, drop_rate=dropout
        )
    return module


def _imagenet(
    module: nn.Module, architecture: str, *, offline: str, config: dict, layers: dict[str, str]
) -> tuple[str, str]:
    try:
        path, source = imagenet_file(architecture)
        done = load_into(module, path, new_head=True, mean=config["mean"], std=config["std"], **layers)
    except ValueError as error:  # there is no file, or it is not one of this network
        if offline == "refuse":
            raise WeightsUnavailable(
                f"weights='imagenet': {error}. Ways out: give weights= the path of a .safetensors file, or "
                "train from random weights with weights='none' (offline='allow' does so by itself and says it)"
            ) from error
        why = f"ImageNet weights could not be had, so random ones are used: {error}"
        warnings.warn(why, stacklevel=3)
        return "none", why
    return source, "; ".join(done)


def _record(module: nn.Module, *, architecture: str, channels: int, outputs: int) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "channels": channels,
        "outputs": outputs,
        "volume": False,
        "attention": False,
        "width_divisor": 1,
        "dropout": 0.0,
        "parameters": sum(value.numel() for value in module.parameters()),
        "weights_asked": "none",
        "weights_used": "none",
        "why": "as given",
        "sha256": sha256_of(module),
    }

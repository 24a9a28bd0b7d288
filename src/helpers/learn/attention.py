"""Calcification attention: a network is told where small bright spots are, and learns what to make of it.

The published study names a calcification attention module and does not describe it; this one is ours. It is the
spatial attention of CBAM (Woo et al. 2018, doi:10.1007/978-3-030-01234-2_1) with a third descriptor beside the mean
and the maximum over channels: what a white top-hat (Serra 1982) leaves of the maximum, that is, spots narrower than
its window. It sits behind the last feature map at an eighth of the image's side, where a calcification of a
millimetre is about one cell, and it starts as the identity, so that weights learned without it keep their meaning.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.learn.inflate_layers import frame_by_frame

# The last layer that hands on a map of an eighth of the image's side, as timm names it.
PLACES = {
    "densenet121": "features.denseblock2",
    "densenet169": "features.denseblock2",
    "densenet201": "features.denseblock2",
    "inception_resnet_v2": "repeat",
    "inception_v3": "Mixed_5d",
    "legacy_xception": "block2",
    "resnet18": "layer2",
    "resnet34": "layer2",
    "resnet50": "layer2",
}
SPOT = 3  # cells; a spot narrower than this is bright against its neighbours
REACH = 7  # cells that the attention at one cell depends on, as in CBAM


class CalcificationAttention(nn.Module):
    """Strengthen or weaken every cell of a feature map by what lies around it.

    `features * (1 + gamma * (2 * sigmoid(convolution(descriptors)) - 1))`, where the descriptors are mean, maximum
    and bright spots over the channels. `gamma` starts at 0: the identity. Works on maps (n, channels, height,
    width); inflated, on (n, channels, time, height, width), where the convolution also sees the neighbouring frames.

    Parameters
    ----------
    seed : int
        Of the convolution's first weights; the process's own random state is left as it was.

    Examples
    --------
    >>> module, features = CalcificationAttention(), torch.rand(2, 8, 10, 10)
    >>> bool(torch.equal(module(features), features))
    True
    """

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.convolution = nn.Conv2d(3, 1, REACH, padding=REACH // 2)
        self.gamma = nn.Parameter(torch.zeros(1))

    def weights(self, features: Tensor) -> Tensor:
        """Attention in (0, 1): (n, 1, height, width), or (n, 1, time, height, width)."""
        mean, most = features.mean(1, keepdim=True), features.amax(1, keepdim=True)
        descriptors = torch.cat((mean, most, bright_spots(most)), dim=1)
        return torch.sigmoid(self.convolution(descriptors))

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        return features * (1 + self.gamma * (2 * self.weights(features) - 1))


def bright_spots(maps: Tensor) -> Tensor:
    """White top-hat: what is left of a map when its opening, without spots narrower than `SPOT`, is taken away.

    Parameters
    ----------
    maps : Tensor of shape (n, 1, height, width) or (n, 1, time, height, width)

    Returns
    -------
    Tensor of the same shape
        At least 0.

    Examples
    --------
    >>> flat = torch.zeros(1, 1, 9, 9)
    >>> flat[0, 0, 4, 4] = 1.0
    >>> bright_spots(flat).sum().item(), bright_spots(torch.ones(1, 1, 9, 9)).sum().item()
    (1.0, 0.0)
    """
    return frame_by_frame(maps, _top_hat) if maps.dim() == 5 else _top_hat(maps)


def attend(module: nn.Module, architecture: str, *, seed: int = 0) -> nn.Module:
    """Put calcification attention behind the layer of `PLACES`; the module is changed in place.

    Raises
    ------
    ValueError
        If the architecture has no place for it.

    Examples
    --------
    >>> import timm
    >>> network = attend(timm.create_model("resnet18"), "resnet18")
    >>> list(dict(network.layer2.named_children()))
    ['layer', 'attention']
    """
    if architecture not in PLACES:
        raise ValueError(f"attention: {architecture} is not one of {', '.join(PLACES)}")
    above, _, last = PLACES[architecture].rpartition(".")
    layer = module.get_submodule(PLACES[architecture])
    parts = OrderedDict(layer=layer, attention=CalcificationAttention(seed=seed))
    setattr(module.get_submodule(above), last, nn.Sequential(parts))
    return module


def _top_hat(maps: Tensor) -> Tensor:
    # Borders: max_pool2d pads with minus infinity, so cells outside the map play no part.
    eroded = -F.max_pool2d(-maps, SPOT, stride=1, padding=SPOT // 2)
    return maps - F.max_pool2d(eroded, SPOT, stride=1, padding=SPOT // 2)

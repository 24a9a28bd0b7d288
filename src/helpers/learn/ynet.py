"""Y-Net: one encoder, one head that tells the class, one decoder that outlines the lesion; and a reference network.

Mehta et al. (2018), doi:10.1007/978-3-030-00934-2_99, as changed for neck nodes by Zhao et al. (2024),
doi:10.3389/fonc.2024.1204987. The reference for segmentation is MONAI's U-Net with residual units
(doi:10.48550/arXiv.2211.02701).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.learn.networks import Network, wrap
from helpers.learn.ynet_blocks import ConvNorm, PyramidPooling, ResidualPyramid, resized

ARCHITECTURES = ("ynet", "ynet_classifier", "monai_unet")
WIDTH, DEPTHS = 20, (1, 2, 3)  # channels after the stem, and blocks of each stage after the one that halves the side
REFERENCE_WIDTHS = (16, 32, 64, 128, 256)  # as in the example of its documentation
FEW = -2.5  # log odds of a pixel of the target: about a twelfth of a frame


class Answer(NamedTuple):
    """What a network says of a batch; None where it has no such head."""

    logits: Tensor | None  # (n, 1)
    outline: Tensor | None  # (n, 1, height, width), logits


class YNet(nn.Module):
    """Encoder of residual pyramids, U-Net skips, a skip from the first to the last block of each stage, two heads.

    Parameters
    ----------
    channels : int
        Of the image.
    width : int
        Channels after the stem; they double from stage to stage.
    outline : bool
        False: classification only, without the decoder.
    dropout : float
        Of the pooled features.

    Examples
    --------
    >>> answer = YNet(1, width=8)(torch.zeros(2, 1, 64, 64))
    >>> answer.logits.shape, answer.outline.shape
    (torch.Size([2, 1]), torch.Size([2, 1, 64, 64]))
    """

    def __init__(self, channels: int, *, width: int = WIDTH, outline: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        if width < 8:
            raise ValueError(f"width must be at least 8, not {width}")
        self.stem = ConvNorm(channels, width, 3, stride=2)
        widths = [width * 2**stage for stage in range(len(DEPTHS) + 1)]
        self.halve = nn.ModuleList(ResidualPyramid(a, b, stride=2) for a, b in pairwise(widths))
        self.stages = nn.ModuleList(
            nn.Sequential(*[ResidualPyramid(own, own) for _ in range(depth)]) for own, depth in zip(widths[1:], DEPTHS)
        )
        self.skips = nn.ModuleList(ConvNorm(2 * own, own, 1) for own in widths[1:])
        self.classify = nn.Sequential(ResidualPyramid(widths[-1], widths[-1]), nn.Dropout(dropout))
        self.head = nn.Linear(2 * widths[-1], 1)
        self.decoder = Decoder(widths) if outline else None

    def forward(self, images: Tensor) -> Answer:
        """(n, channels, height, width) in [0, 1]."""
        maps = [self.stem(images)]
        for halve, stage, skip in zip(self.halve, self.stages, self.skips):
            first = halve(maps[-1])
            maps.append(skip(torch.cat([first, stage(first)], dim=1)))
        deep = self.classify(maps[-1])
        # a node fills little of a frame: the mean alone would drown its sign in what surrounds it
        logits = self.head(torch.cat([deep.mean(dim=(2, 3)), deep.amax(dim=(2, 3))], dim=1))
        if self.decoder is None:
            return Answer(logits, None)
        return Answer(logits, resized(self.decoder(maps), images.shape[-2:]))


class Decoder(nn.Module):
    """Pyramid pooling of the deepest map, then one step up for each stage, each joined with the encoder's map."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        back = list(pairwise(widths[::-1]))
        self.pool = PyramidPooling(widths[-1])
        self.narrow = nn.ModuleList(ConvNorm(deep, own, 1) for deep, own in back)
        self.join = nn.ModuleList(ResidualPyramid(2 * own, own) for _, own in back)
        self.out = nn.Conv2d(widths[0], 1, 1)
        # begin as rare as a target is; Lin et al. (2017), doi:10.1109/ICCV.2017.324
        nn.init.constant_(self.out.bias, FEW)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps of the encoder, the finest first, to logits at the size of the finest."""
        found = self.pool(maps[-1])
        for narrow, join, own in zip(self.narrow, self.join, maps[-2::-1]):
            found = join(torch.cat([resized(narrow(found), own.shape[-2:]), own], dim=1))
        return self.out(found)


class Reference(nn.Module):
    """MONAI's U-Net with residual units behind the same door: outlines only."""

    def __init__(self, channels: int, *, width_divisor: int = 1) -> None:
        super().__init__()
        from monai.networks.nets import UNet  # imports much of torch: only where it is asked for

        widths = [max(width // width_divisor, 4) for width in REFERENCE_WIDTHS]
        self.net = UNet(2, channels, 1, widths, [2] * (len(widths) - 1), num_res_units=2)

    def forward(self, images: Tensor) -> Answer:
        """(n, channels, height, width) in [0, 1]; sides are filled up to a multiple of 16 and cut again."""
        height, width = images.shape[-2:]
        filled = nn.functional.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
        return Answer(None, self.net(filled)[..., :height, :width])


def build_ynet(
    architecture: str, *, channels: int = 1, width_divisor: int = 1, dropout: float = 0.2, seed: int = 0
) -> Network:
    """Build Y-Net, its classifying half, or the reference network.

    Parameters
    ----------
    architecture : str
        One of `ARCHITECTURES`.
    channels : int
        Of the image.
    width_divisor : int
        Divides the published widths.
    dropout : float
        Of the pooled features, in [0, 1).
    seed : int
        Of the random weights; the process's own random state is left as it was.

    Returns
    -------
    Network
        Its module gives an `Answer`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> build_ynet("ynet_classifier", width_divisor=2).module(torch.zeros(1, 1, 32, 32)).outline is None
    True
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {', '.join(ARCHITECTURES)}, not {architecture!r}")
    if not isinstance(width_divisor, int) or width_divisor < 1:
        raise ValueError(f"width_divisor must be a whole number of at least 1, not {width_divisor!r}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "monai_unet":
            module: nn.Module = Reference(channels, width_divisor=width_divisor)
        else:
            outline = architecture == "ynet"
            module = YNet(channels, width=max(WIDTH // width_divisor, 8), outline=outline, dropout=dropout)
    network = wrap(module, channels=channels, outputs=1, name=architecture)
    network.record.update(width_divisor=width_divisor, dropout=dropout, seed=seed, why="drawn from the seed")
    return network


class OnlyLogits(nn.Module):
    """The classifying answer alone, for functions that take any module with logits, such as Grad-CAM."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, 1)."""
        return self.module(images).logits

"""The parts of Y-Net: efficient spatial pyramids inside residual blocks, and pyramid pooling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNELS = (3, 5, 7, 9)  # as published: sides of the branches of a block, and of the bins of the pooling


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless told otherwise, PReLU; the size is kept up to the stride."""

    def __init__(self, inside: int, outside: int, kernel: int = 3, *, stride: int = 1, act: bool = True) -> None:
        parts: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)]
        parts += [nn.BatchNorm2d(outside), *([nn.PReLU(outside)] if act else [])]
        super().__init__(*parts)


class SpatialPyramid(nn.Module):
    """Efficient spatial pyramid: reduce, look with several reaches, add up from the smallest reach, join.

    Each branch is a 3 x 3 convolution dilated so that it reaches over a side of `kernels` pixels; the running sum
    removes the grid that dilated convolutions leave. Mehta et al. (2018), doi:10.1007/978-3-030-01249-6_34.

    Parameters
    ----------
    inside, outside : int
        Channels; `outside` at least the number of kernels.
    stride : int
        1 or 2.
    kernels : sequence of odd int

    Examples
    --------
    >>> SpatialPyramid(4, 10, stride=2)(torch.zeros(1, 4, 16, 16)).shape
    torch.Size([1, 10, 8, 8])
    """

    def __init__(self, inside: int, outside: int, *, stride: int = 1, kernels: Sequence[int] = KERNELS) -> None:
        super().__init__()
        if outside < len(kernels) or any(kernel % 2 == 0 or kernel < 3 for kernel in kernels):
            raise ValueError(f"outside must be at least {len(kernels)}, and kernels odd from 3")
        width = outside // len(kernels)
        first = outside - width * (len(kernels) - 1)
        side = 1 if stride == 1 else 3
        self.reduce = nn.Conv2d(inside, width, side, stride, side // 2, bias=False)
        reach = [(kernel - 1) // 2 for kernel in kernels]
        self.branches = nn.ModuleList(
            nn.Conv2d(width, first if place == 0 else width, 3, padding=step, dilation=step, bias=False)
            for place, step in enumerate(reach)
        )

    def forward(self, given: Tensor) -> Tensor:
        """(n, inside, height, width) to (n, outside, height / stride, width / stride)."""
        small = self.reduce(given)
        first, *others = (branch(small) for branch in self.branches)
        parts, total = [first], None
        for part in others:
            total = part if total is None else total + part
            parts.append(total)
        return torch.cat(parts, dim=1)


class ResidualPyramid(nn.Module):
    """Residual block (He et al. 2016, doi:10.1109/CVPR.2016.90) whose convolutions are spatial pyramids.

    Examples
    --------
    >>> ResidualPyramid(8, 16, stride=2)(torch.zeros(1, 8, 12, 12)).shape
    torch.Size([1, 16, 6, 6])
    """

    def __init__(self, inside: int, outside: int, *, stride: int = 1) -> None:
        super().__init__()
        self.pyramid, self.norm = SpatialPyramid(inside, outside, stride=stride), nn.BatchNorm2d(outside)
        same = stride == 1 and inside == outside
        self.short = nn.Identity() if same else ConvNorm(inside, outside, 1, act=False)
        self.stride, self.act = stride, nn.PReLU(outside)

    def forward(self, given: Tensor) -> Tensor:
        """(n, inside, height, width) to (n, outside, height / stride, width / stride)."""
        # averaged before the 1 x 1 convolution: a strided one would drop three of four pixels
        short = given if self.stride == 1 else F.avg_pool2d(given, self.stride, ceil_mode=True)
        return self.act(self.norm(self.pyramid(given)) + self.short(short))


class PyramidPooling(nn.Module):
    """Means over grids of several sizes, brought back and joined: what lies elsewhere in the frame is known here.

    Zhao et al. (2017), doi:10.1109/CVPR.2017.660, with the published grids of 3, 5, 7 and 9 bins a side.

    Examples
    --------
    >>> PyramidPooling(16)(torch.zeros(2, 16, 6, 6)).shape
    torch.Size([2, 16, 6, 6])
    """

    def __init__(self, channels: int, *, bins: Sequence[int] = KERNELS) -> None:
        super().__init__()
        width = max(channels // len(bins), 4)
        self.bins = tuple(bins)
        self.reduce = nn.ModuleList(nn.Conv2d(channels, width, 1, bias=False) for _ in bins)
        self.join = ConvNorm(channels + width * len(bins), channels, 1)

    def forward(self, given: Tensor) -> Tensor:
        """(n, channels, height, width) to the same shape."""
        height, width = given.shape[-2:]
        parts = [given]
        for side, reduce in zip(self.bins, self.reduce):
            small = reduce(
                torch.einsum("nchw,ah,bw->ncab", given, _bins(side, height, given), _bins(side, width, given))
            )
            parts.append(resized(small, (height, width)))
        return self.join(torch.cat(parts, dim=1))


def _bins(bins: int, length: int, like: Tensor) -> Tensor:
    """Matrix of means over bins, as adaptive pooling has them, (bins, length).

    A product has a deterministic backward pass on a GPU; the library's adaptive pooling has not.
    """
    start = torch.arange(bins, device=like.device) * length // bins
    stop = -(-(torch.arange(1, bins + 1, device=like.device) * length) // bins)
    at = torch.arange(length, device=like.device)
    inside = ((at >= start[:, None]) & (at < stop[:, None])).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)


def resized(given: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear interpolation of maps (n, channels, height, width) to another height and width."""
    return (
        given if given.shape[-2:] == tuple(size) else F.interpolate(given, size, mode="bilinear", align_corners=False)
    )

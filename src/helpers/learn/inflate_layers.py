"""The layers of an inflated network: 2D layers that also read time, and whose ends of time repeat."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def pad_time(clip: Tensor, kernel: int, stride: int) -> Tensor:
    """Repeat the end frames so that a kernel gives ceil(time / stride) outputs.

    Joined from pieces: torch's replication padding has no deterministic backward pass on a GPU.

    Parameters
    ----------
    clip : Tensor of shape (n, channels, time, height, width)
    kernel, stride : int
        In frames.

    Examples
    --------
    >>> pad_time(torch.arange(4.0).reshape(1, 1, 4, 1, 1), 3, 1).flatten().tolist()
    [0.0, 0.0, 1.0, 2.0, 3.0, 3.0]
    """
    time = clip.shape[2]
    missing = max((math.ceil(time / stride) - 1) * stride + kernel - time, 0)
    if missing == 0 or kernel == 1:
        return clip
    before, after = missing // 2, missing - missing // 2
    parts = [clip[:, :, :1]] * before + [clip] + [clip[:, :, -1:]] * after
    return torch.cat(parts, dim=2)


def fold(clip: Tensor) -> Tensor:
    """(n, channels, time, height, width) to (n * time, channels, height, width)."""
    return clip.transpose(1, 2).flatten(0, 1)


def unfold(frames: Tensor, n: int) -> Tensor:
    """Undo `fold`."""
    return frames.unflatten(0, (n, -1)).transpose(1, 2)


class Conv3dRepeat(nn.Conv3d):
    """`Conv3d` whose time axis is padded by repeating the end frames; its own padding is 0 in time."""

    def forward(self, clip: Tensor) -> Tensor:
        """Clip (n, channels, time, height, width) to one of ceil(time / stride) frames."""
        clip = pad_time(clip, self.kernel_size[0], self.stride[0])
        if self.groups == self.in_channels > 1 and clip.device.type == "cpu":
            return self._by_frame(clip)
        return super().forward(clip)

    def _by_frame(self, clip: Tensor) -> Tensor:
        # A depthwise Conv3d is slow on a CPU: 2D ones, one for each frame of the kernel, give the same sum.
        step, time = self.stride[0], clip.shape[2]
        count = (time - self.kernel_size[0]) // step + 1
        total = None
        for k, weight in enumerate(self.weight.unbind(2)):
            frames = fold(clip[:, :, k : k + (count - 1) * step + 1 : step])
            bias = self.bias if k == 0 else None
            part = F.conv2d(frames, weight, bias, self.stride[1:], self.padding[1:], self.dilation[1:], self.groups)
            total = part if total is None else total + part
        return unfold(total, len(clip))


class MaxPool3dRepeat(nn.Module):
    """A 2D max pool that also takes the largest of `stride` frames."""

    def __init__(self, flat: nn.MaxPool2d, stride: int) -> None:
        super().__init__()
        self.flat, self.stride = flat, stride

    def forward(self, clip: Tensor) -> Tensor:
        """Clip to one of ceil(time / stride) frames."""
        return frame_by_frame(shorten(clip, self.stride, "max"), self.flat)


class AveragePool3d(nn.Module):
    """A 2D average pool that also averages `stride` frames."""

    def __init__(self, flat: nn.AvgPool2d, stride: int) -> None:
        super().__init__()
        self.flat, self.stride = flat, stride

    def forward(self, clip: Tensor) -> Tensor:
        """Clip to one of ceil(time / stride) frames."""
        return frame_by_frame(shorten(clip, self.stride, "mean"), self.flat)


class GlobalPool3d(nn.Module):
    """Mean or largest value (or both) over time and space; deterministic on a GPU too."""

    def __init__(self, kind: str, *, flatten: bool) -> None:
        super().__init__()
        self.kind, self.flatten = kind, flatten

    @classmethod
    def of(cls, flat: nn.Module) -> GlobalPool3d:
        """Partner of a 2D global pool of torch or timm."""
        if isinstance(flat, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
            if flat.output_size not in (1, (1, 1)):
                raise ValueError(f"module: {type(flat).__name__} of {flat.output_size} is not a global pool")
            return cls("avg" if isinstance(flat, nn.AdaptiveAvgPool2d) else "max", flatten=False)
        if flat.pool_type not in ("avg", "fast", "max", "avgmax", "catavgmax"):
            raise ValueError(f"module: global pool {flat.pool_type!r} has no partner in 3D")
        kind = "avg" if flat.pool_type == "fast" else flat.pool_type
        return cls(kind, flatten=not isinstance(flat.flatten, nn.Identity))

    def forward(self, clip: Tensor) -> Tensor:
        """Clip to (n, channels), or (n, channels, 1, 1, 1)."""
        mean = clip.mean((2, 3, 4), keepdim=True) if "avg" in self.kind else None
        most = clip.amax((2, 3, 4), keepdim=True) if "max" in self.kind else None
        if mean is None or most is None:
            pooled = most if mean is None else mean
        else:
            pooled = (mean + most) / 2 if self.kind == "avgmax" else torch.cat((mean, most), dim=1)
        return pooled.flatten(1) if self.flatten else pooled


class BatchNormAct3d(nn.BatchNorm3d):
    """timm's `BatchNormAct2d` for clips: norm, dropout, activation."""

    def forward(self, clip: Tensor) -> Tensor:
        """Clip to one of the same shape."""
        return self.act(self.drop(super().forward(clip)))


def shorten(clip: Tensor, stride: int, how: str) -> Tensor:
    """Mean or maximum of every `stride` frames; the last frame is repeated where some are missing."""
    if stride == 1:
        return clip
    groups = pad_time(clip, stride, stride).unflatten(2, (-1, stride))
    return groups.mean(3) if how == "mean" else groups.amax(3)


def frame_by_frame(clip: Tensor, flat: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply a 2D function to every frame.

    Not the 3D pools: those refuse maps that are smaller than the kernel even where padding makes up for it, and
    divide otherwise at the borders.
    """
    return unfold(flat(fold(clip)), len(clip))


class FunctionalPools(TorchFunctionMode):
    """While active, tells about every 2D pooling function, or lets it run on clips.

    Parameters
    ----------
    note : callable or None
        Receives side and stride of every call on an image.
    strides : tuple of int
        Strides in time of the calls on clips, in their order.
    """

    def __init__(self, note: Callable[[int, int], None] | None = None, strides: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.note, self.coming = note, iter(strides)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Handle one call of a torch function."""
        kwargs = dict(kwargs or {})
        name = functional_pools.get(func)
        if name is None:
            return func(*args, **kwargs)
        given = args[0] if args else kwargs.pop("input")
        rest = args[1:]
        size = rest[0] if rest else kwargs.get("kernel_size", kwargs.get("output_size"))
        stride = rest[1] if len(rest) > 1 else kwargs.get("stride")
        across = 1 if "adaptive" in name else (size if stride in (None, [], ()) else stride)
        across = across if isinstance(across, int) else across[0]
        if given.dim() == 4:
            if self.note is not None:
                self.note(given.shape[-1], across)
            return func(given, *rest, **kwargs)
        if "adaptive" in name:
            if size not in (1, (1, 1), [1, 1]):
                raise ValueError(f"{name} of {size} is not a global pool, so it has no partner in 3D")
            next(self.coming)
            return given.mean((2, 3, 4), keepdim=True) if "avg" in name else given.amax((2, 3, 4), keepdim=True)
        short = shorten(given, next(self.coming), "mean" if "avg" in name else "max")
        return frame_by_frame(short, lambda frames: func(frames, *rest, **kwargs))


functional_pools = {
    F.avg_pool2d: "avg_pool2d",
    F.max_pool2d: "max_pool2d",
    F._max_pool2d: "max_pool2d",
    F.adaptive_avg_pool2d: "adaptive_avg_pool2d",
    F.adaptive_max_pool2d: "adaptive_max_pool2d",
    F._adaptive_max_pool2d: "adaptive_max_pool2d",
}


class _InTime:
    """Mixed into the class of a layer whose forward calls 2D pooling functions."""

    time_strides: tuple[int, ...] = ()

    def forward(self, *given: Any) -> Any:
        """The layer's own forward, with its pooling functions on clips."""
        with FunctionalPools(strides=self.time_strides):
            return super().forward(*given)


def in_time(part: nn.Module, strides: tuple[int, ...]) -> None:
    """Let the pooling functions that a layer's forward calls work on clips; changes the class of the layer.

    The rule belongs to the layer and not to the network, so that it holds as well when the layer alone runs again
    in the backward pass (checkpointed activations).
    """
    kind = type(part)
    part.__class__ = type(f"{kind.__name__}InTime", (_InTime, kind), {})
    part.time_strides = strides

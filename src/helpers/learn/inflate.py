"""From a 2D network to a 3D one with the same weights: a clip that stands still gets the answer of its frame.

The idea is that of Carreira and Zisserman (2017), doi:10.1109/CVPR.2017.502, for any convolutional network made of
the layers below. Three things keep the answer exact: time is padded by repeating the end frames and never by zeros;
every layer that shortens space may shorten time, decided by how far space is already shortened, so that branches
that meet again have the same length; and pooling in space is the 2D one, frame by frame.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from helpers.learn.inflate_layers import (
    AveragePool3d,
    BatchNormAct3d,
    Conv3dRepeat,
    FunctionalPools,
    GlobalPool3d,
    MaxPool3dRepeat,
    in_time,
)

__all__ = ["inflate"]

TRACE_SIDE = 224  # pixels; the halvings of the published networks are counted at the side they were made for
GLOBAL_POOLS = ("SelectAdaptivePool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d")


def inflate(module: nn.Module, *, temporal_kernel: int = 3, halvings: int = 3) -> nn.Module:
    """Make a network for clips of a network for images, with its weights.

    Square kernels larger than one get `temporal_kernel` frames, each with an equal part of the weight; 1 x 1, 1 x 7
    and 7 x 1 kernels stay within a frame. In evaluation mode the same frame, repeated any number of times, gives
    the 2D network's output (to rounding).

    Parameters
    ----------
    module : torch.nn.Module
        Takes (n, channels, height, width) of 224 x 224 pixels, among others; is not changed. It may be made of
        `Conv2d`, `BatchNorm2d`, max and average pools (modules or functions), global pools, `Dropout2d`, timm's
        `BatchNormAct2d` and `SelectAdaptivePool2d`, linear layers, and whatever does not ask for the number of
        dimensions.
    temporal_kernel : int
        Frames that a kernel spans, odd.
    halvings : int
        How many of the halvings in space, the first ones, also halve time: 32 frames and 3 leave 4 for the last
        layers, at about a sixth of the work of none.

    Returns
    -------
    torch.nn.Module
        Takes (n, channels, time, height, width) of any number of frames. Names of layers are those of `module`.

    Raises
    ------
    ValueError
        If an option is out of range, or a layer has no partner in 3D.

    Examples
    --------
    >>> flat = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> frame = torch.rand(2, 1, 32, 32)
    >>> still = frame[:, :, None].expand(-1, -1, 7, -1, -1)
    >>> bool(torch.allclose(inflate(flat)(still), flat(frame), atol=1e-5))
    True
    """
    if not isinstance(temporal_kernel, int) or temporal_kernel < 1 or temporal_kernel % 2 == 0:
        raise ValueError(f"temporal_kernel must be an odd number of at least 1, not {temporal_kernel!r}")
    if not isinstance(halvings, int) or halvings < 0:
        raise ValueError(f"halvings must be a whole number of at least 0, not {halvings!r}")
    deep = copy.deepcopy(module)
    strides, pooled = _trace(deep, halvings)
    done: list[str] = []
    for name, part in list(deep.named_modules()):
        if name.startswith(tuple(f"{above}." for above in done)):
            continue  # its layer has a partner as a whole
        partner = _partner(name, part, temporal_kernel, strides.get(part, 1))
        if partner is not None:
            partner.train(part.training)
            _put(deep, name, partner)
            done.append(name)
        elif part in pooled:
            in_time(part, pooled[part])
    return deep


def _trace(module: nn.Module, halvings: int) -> tuple[dict[nn.Module, int], dict[nn.Module, tuple[int, ...]]]:
    """Stride in time of every layer, and of every pooling function by the layer whose forward calls it."""
    strides: dict[nn.Module, int] = {}
    pooled: dict[nn.Module, list[int]] = {}
    stack: list[nn.Module] = []

    def time_stride(side: int, stride: int) -> int:
        done = round(math.log2(TRACE_SIDE / side))
        return min(stride, 2 ** max(halvings - done, 0))

    def enter(part: nn.Module, given: tuple) -> None:
        stack.append(part)
        stride = getattr(part, "stride", None)
        if isinstance(part, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            strides[part] = time_stride(given[0].shape[-1], _pair(stride)[0])

    def leave(part: nn.Module, given: tuple, out: object) -> None:
        stack.pop()

    def note(side: int, stride: int) -> None:
        # pooling modules call the functions too; those have their own partner
        if not isinstance(stack[-1], nn.MaxPool2d | nn.AvgPool2d):
            pooled.setdefault(stack[-1], []).append(time_stride(side, stride))

    hooks = [part.register_forward_pre_hook(enter) for part in module.modules()]
    hooks += [part.register_forward_hook(leave) for part in module.modules()]
    modes = {part: part.training for part in module.modules()}
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None:
        raise ValueError("module has no Conv2d: there is nothing to inflate")
    module.eval()
    try:
        with torch.no_grad(), FunctionalPools(note):
            module(first.weight.new_zeros(1, first.in_channels, TRACE_SIDE, TRACE_SIDE))
    finally:
        for hook in hooks:
            hook.remove()
        for part, mode in modes.items():
            part.training = mode
    return strides, {part: tuple(found) for part, found in pooled.items()}


def _partner(name: str, part: nn.Module, temporal_kernel: int, stride: int) -> nn.Module | None:
    """The 3D partner of a layer, or None when it stays as it is."""
    kind = type(part).__name__
    if type(part) is nn.Conv2d:
        return _convolution(name, part, temporal_kernel, stride)
    if kind == "BatchNormAct2d":
        norm = _norm(part, BatchNormAct3d)
        norm.drop, norm.act = part.drop, part.act
        return norm
    if type(part) is nn.BatchNorm2d:
        return _norm(part, nn.BatchNorm3d)
    if type(part) is nn.MaxPool2d:
        return MaxPool3dRepeat(part, stride)
    if type(part) is nn.AvgPool2d:
        return AveragePool3d(part, stride)
    if kind in GLOBAL_POOLS:
        return GlobalPool3d.of(part)
    if type(part) is nn.Dropout2d:
        return nn.Dropout3d(part.p, part.inplace)
    if "2d" in kind and not any("2d" in type(inner).__name__ for inner in list(part.modules())[1:]):
        raise ValueError(f"module: {name} is a {kind}, which has no partner in 3D")
    return None


def _convolution(name: str, flat: nn.Conv2d, temporal_kernel: int, stride: int) -> Conv3dRepeat:
    """Spread the weights of a convolution over time."""
    if flat.padding_mode != "zeros" or isinstance(flat.padding, str):
        raise ValueError(
            f"module: {name} pads in a way that has no partner in 3D ({flat.padding_mode}, {flat.padding})"
        )
    high, wide = flat.kernel_size
    span = temporal_kernel if high == wide > 1 else 1
    deep = Conv3dRepeat(
        flat.in_channels,
        flat.out_channels,
        (span, high, wide),
        stride=(stride, *flat.stride),
        padding=(0, *flat.padding),
        dilation=(1, *flat.dilation),
        groups=flat.groups,
        bias=flat.bias is not None,
        device=flat.weight.device,
        dtype=flat.weight.dtype,
    )
    with torch.no_grad():
        deep.weight.copy_(flat.weight[:, :, None].expand(-1, -1, span, -1, -1) / span)
        if flat.bias is not None:
            deep.bias.copy_(flat.bias)
    return deep


def _norm(flat: nn.BatchNorm2d, kind: type[nn.BatchNorm3d]) -> nn.BatchNorm3d:
    deep = kind(flat.num_features, flat.eps, flat.momentum, flat.affine, flat.track_running_stats)
    own = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    state = {name: value for name, value in flat.state_dict().items() if name in own}
    for value in state.values():
        deep = deep.to(value.device, value.dtype if value.is_floating_point() else None)
    deep.load_state_dict(state)
    return deep


def _put(module: nn.Module, name: str, part: nn.Module) -> None:
    if not name:
        raise ValueError("module must hold its layers: a single layer cannot be inflated")
    above, _, last = name.rpartition(".")
    setattr(module.get_submodule(above), last, part)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)

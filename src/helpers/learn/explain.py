"""Where a network looks: Grad-CAM in 2D and 3D, occlusion of frames, and networks with randomised weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.learn.heatmaps import energy, similarity
from helpers.learn.selection import select_cases

__all__ = [
    "energy",
    "finer_map_layer",
    "gradcam",
    "last_map_layer",
    "layers",
    "occlusion",
    "randomised",
    "select_cases",
    "similarity",
]

FILLS = ("mean", "zero", "case")
QUARTER, EIGHTH = 4, 8  # of the frames and of the side, which the mapped layer of a clip keeps
BATCH = 32  # cases at once; a batch of explanations keeps every activation


def layers(module: nn.Module, images: np.ndarray | Tensor) -> pd.DataFrame:
    """Convolutions and norms whose output is still a map, in the order in which an image meets them.

    Parameters
    ----------
    module : Module
    images : array of shape (n, channels, height, width) or (n, channels, time, height, width)
        One case is enough.

    Returns
    -------
    DataFrame
        `layer` (its name), `type`, `channels`, `map` (side lengths as text).
    """
    names = {part: name for name, part in module.named_modules()}
    found, hooks = [], []
    given = _prepare(module, images)[:1]

    def note(part: nn.Module, _, out: Tensor) -> None:
        if out.dim() == given.dim() and max(out.shape[2:]) > 1:
            side = " x ".join(str(length) for length in out.shape[2:])
            found.append((names[part], type(part).__name__, out.shape[1], side))

    for part in module.modules():
        if isinstance(part, nn.modules.conv._ConvNd | nn.modules.batchnorm._BatchNorm):
            hooks.append(part.register_forward_hook(note))
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            module(given)
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return pd.DataFrame(found, columns=["layer", "type", "channels", "map"])


def last_map_layer(module: nn.Module, images: np.ndarray | Tensor) -> str:
    """Name of the last layer whose output is still a map: the usual place for Grad-CAM.

    Of a network of clips the last one that keeps a quarter of the frames and an eighth of the side: deeper maps
    could not tell when, nor where, a small focus shows.

    Raises
    ------
    ValueError
        If the module has no such layer for images of this size.
    """
    given, table = _prepare(module, images), layers(module, images)
    if table.empty:
        raise ValueError("module has no convolution or norm whose output is a map for images of this size")
    if given.dim() == 5:
        lengths = table["map"].str.split(" x ", expand=True).astype(int)
        fine = (lengths[0] * QUARTER >= given.shape[2]) & (lengths[1] * EIGHTH >= given.shape[3])
        table = table[fine] if fine.any() else table
    return table["layer"].iloc[-1]


def finer_map_layer(module: nn.Module, images: np.ndarray | Tensor) -> str | None:
    """Name of the deepest layer whose map is at least twice as fine as that of `last_map_layer`; None without one."""
    table = layers(module, images)
    sides = table["map"].str.split(" x ", expand=True).astype(int).iloc[:, -2:]
    last = sides[table["layer"] == last_map_layer(module, images)].iloc[-1]
    finer = table[(sides >= 2 * last).all(axis=1)]
    return None if finer.empty else finer["layer"].iloc[-1]


def gradcam(
    module: nn.Module,
    images: np.ndarray | Tensor,
    *,
    layer: str | nn.Module | None = None,
    target: int | Sequence[int] | np.ndarray | None = None,
    size: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Grad-CAM heat maps; Selvaraju et al. (2017), doi:10.1109/ICCV.2017.74.

    One forward hook keeps the layer's output and `autograd.grad` does the rest, so layers that work in place are
    harmless. A network mixes its input channels in its first convolution: there is one map for all channels.
    Weights, gradients and mode of the module are left as they were.

    Parameters
    ----------
    module : Module
        Gives logits (n, outputs).
    images : array of shape (n, channels, height, width) or (n, channels, time, height, width)
        As the network sees them: uint8, or float in [0, 1].
    layer : str or Module or None
        Whose output is mapped; None: `last_map_layer`.
    target : int, sequence of int or None
        Class that the map speaks for, of all cases or of each. With one logit 1 is the logit and 0 its negative.
        None: the predicted class.
    size : tuple of int or None
        Of the maps; None: of the images.

    Returns
    -------
    float32 array of shape (n, height, width) or (n, time, height, width)
        Each case scaled to [0, 1]; all 0 where nothing speaks for the target.

    Raises
    ------
    ValueError
        If an argument does not fit.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> tiny = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    >>> gradcam(tiny, np.zeros((2, 1, 16, 16), dtype=np.uint8), target=1).shape
    (2, 16, 16)
    """
    given = _prepare(module, images)
    named = dict(module.named_modules())
    chosen = last_map_layer(module, given) if layer is None else layer
    if isinstance(chosen, str):
        if chosen not in named:
            raise ValueError(f"layer {chosen!r} is not a layer of the module; see layers()")
        chosen = named[chosen]
    wanted = None if target is None else np.broadcast_to(np.asarray(target, dtype=np.int64), len(given))
    maps, training = [], module.training
    module.eval()
    try:
        for i in range(0, len(given), BATCH):
            part = None if wanted is None else torch.from_numpy(wanted[i : i + BATCH].copy()).to(given.device)
            maps.append(_maps(module, given[i : i + BATCH], chosen, part, size))
    finally:
        module.train(training)
    return torch.cat(maps).float().cpu().numpy()


def occlusion(module: nn.Module, images: np.ndarray | Tensor, *, fill: str = "mean", target: int = 1) -> pd.DataFrame:
    """Effect on the logit of each frame: of each input channel of a still network, of each time of a clip's.

    Parameters
    ----------
    module, images
        As in `gradcam`.
    fill : str
        What replaces a frame: `"mean"` that frame's mean image over the cases given, `"case"` its own mean grey
        level, `"zero"` black.
    target : int
        Class; with one logit 1 is the logit and 0 its negative.

    Returns
    -------
    DataFrame
        `case` (place in `images`), `frame`, `score`, `occluded`, `effect` (score - occluded; above 0: the frame
        speaks for the target), in logits.
    """
    if fill not in FILLS:
        raise ValueError(f"fill must be one of {', '.join(FILLS)}, not {fill!r}")
    given = _prepare(module, images)
    axis = given.dim() - 3  # channels of (n, channels, y, x), time of (n, channels, time, y, x)
    if fill == "mean":
        blank = given.mean(dim=0, keepdim=True).expand_as(given)
    elif fill == "case":
        level = given.flatten(axis + 1).mean(dim=axis + 1)
        blank = level.reshape(*given.shape[: axis + 1], 1, 1).expand_as(given)
    else:
        blank = torch.zeros_like(given)
    training, parts = module.training, []
    module.eval()
    try:
        with torch.no_grad():
            score = _scores(module, given, target)
            for frame in range(given.shape[axis]):
                hidden = given.clone()
                hidden.select(axis, frame).copy_(blank.select(axis, frame))
                occluded = _scores(module, hidden, target)
                part = {"case": np.arange(len(given)), "frame": frame, "score": score, "occluded": occluded}
                parts.append(pd.DataFrame(part).assign(effect=score - occluded))
    finally:
        module.train(training)
    return pd.concat(parts, ignore_index=True).sort_values(["case", "frame"], ignore_index=True)


def randomised(module: nn.Module, *, seed: int, share: float = 1.0) -> nn.Module:
    """Copy of a network whose weights are drawn anew from the output downwards: a control for heat maps.

    A map that stays the same when what the network has learned is gone shows edges, not the network; Adebayo et
    al. (2018), doi:10.48550/arXiv.1810.03292. With one `seed` a larger `share` only adds layers, so rising shares
    give the cascade of that paper.

    Parameters
    ----------
    module : Module
        Not changed.
    seed : int
    share : float
        Share of the layers with weights that are drawn anew, from the head down, in (0, 1].

    Returns
    -------
    Module
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share!r}")
    other = copy.deepcopy(module)
    parts = [part for part in other.modules() if list(part.parameters(recurse=False))]
    count = max(1, round(share * len(parts)))
    for place, part in enumerate(reversed(parts)):
        if place == count:
            break
        # One generator a layer: its weights do not depend on how many others are drawn.
        draw = torch.Generator().manual_seed(seed * 100_003 + place)
        for name, value in part.named_parameters(recurse=False):
            with torch.no_grad():
                value.copy_(_fresh(value, draw) if value.dim() > 1 else torch.full_like(value, name == "weight"))
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.reset_running_stats()
    return other


def _fresh(value: Tensor, draw: torch.Generator) -> Tensor:
    # He et al. (2015): the scale of activations survives depth, so the control does not fade to nothing.
    spread = (2 / value[0].numel()) ** 0.5
    return torch.randn(value.shape, generator=draw) * spread


def _prepare(module: nn.Module, images: np.ndarray | Tensor) -> Tensor:
    given = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images)
    if given.dim() not in (4, 5) or not len(given):
        raise ValueError(f"images must be (n, channels, [time,] height, width), not {tuple(given.shape)}")
    first = next(module.parameters(), None)
    given = given.float() / 255 if given.dtype == torch.uint8 else given.float()
    return given if first is None else given.to(first.device)


def _scores(module: nn.Module, given: Tensor, target: int) -> np.ndarray:
    logits = torch.cat([module(part) for part in given.split(BATCH)]).float()
    wanted = torch.full((len(logits),), target, device=logits.device)
    return _score(logits, wanted).cpu().numpy().astype(float)


def _score(logits: Tensor, target: Tensor | None) -> Tensor:
    """Logit of the target class of each case, (n,)."""
    if logits.shape[1] == 1:
        wanted = (logits[:, 0] > 0).long() if target is None else target
        if ((wanted != 0) & (wanted != 1)).any():
            raise ValueError("target must be 0 or 1 for a network with one logit")
        return logits[:, 0] * (2 * wanted - 1)
    wanted = logits.argmax(dim=1) if target is None else target
    if wanted.min() < 0 or wanted.max() >= logits.shape[1]:
        raise ValueError(f"target must be in 0 ... {logits.shape[1] - 1}")
    return logits.gather(1, wanted[:, None])[:, 0]


def _maps(
    module: nn.Module, given: Tensor, layer: nn.Module, target: Tensor | None, size: tuple[int, ...] | None
) -> Tensor:
    kept: list[Tensor] = []

    def keep(_, __, out: Tensor) -> Tensor:
        out = out.clone()  # a later layer that works in place then writes to another copy
        if not out.requires_grad:
            out.requires_grad_()  # a network with frozen weights
        kept.append(out)
        return out.clone()

    hook = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            score = _score(module(given).float(), target).sum()
            if not kept:
                raise ValueError("layer is not used by the module's forward pass")
            (slope,) = torch.autograd.grad(score, kept[-1])
    finally:
        hook.remove()
    weight = slope.flatten(2).mean(dim=2).reshape(*slope.shape[:2], *[1] * (slope.dim() - 2))
    heat = (weight * kept[-1].detach()).sum(dim=1, keepdim=True).relu()
    mode = "bilinear" if given.dim() == 4 else "trilinear"
    heat = F.interpolate(heat, size or given.shape[2:], mode=mode, align_corners=False)[:, 0]
    low, high = heat.flatten(1).amin(dim=1), heat.flatten(1).amax(dim=1)
    shape = (-1, *[1] * (heat.dim() - 1))
    return (heat - low.reshape(shape)) / (high - low).clamp(min=torch.finfo(heat.dtype).tiny).reshape(shape)

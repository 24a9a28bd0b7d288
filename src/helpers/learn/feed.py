"""Stored uint8 images in, batches for the network out: resident on the device, or streamed to it.

Augmentation happens on the device, for a whole batch at once: one index into the uint8 stack takes the cases,
their random crops and their flips together. Its random numbers are drawn on the host, so that a run on any
device, resident or streamed, sees the same images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.learn.settings import Runtime, Settings

CHUNK = 64  # cases read, resized and hashed at once


@dataclass(frozen=True)
class Draws:
    """Augmentation of a list of cases: one entry a case.

    `rows` places in the image array; `top`, `left` crop offsets in pixels; `flip_y`, `flip_x` booleans; `gain`,
    `shift` intensity; `lag` the part of the spare frames of a clip that is skipped before the first one, in [0, 1).
    """

    rows: np.ndarray
    top: np.ndarray
    left: np.ndarray
    flip_y: np.ndarray
    flip_x: np.ndarray
    gain: np.ndarray
    shift: np.ndarray
    lag: np.ndarray

    @classmethod
    def random(cls, rows: np.ndarray, settings: Settings, rng: np.random.Generator) -> Draws:
        """Draw crops, flips, gains, shifts and lags for `rows`."""
        n, room = len(rows), settings.crop_size - settings.size + 1
        return cls(
            rows,
            rng.integers(0, room, n),
            rng.integers(0, room, n),
            (rng.random(n) < 0.5) & settings.flip_vertical,
            (rng.random(n) < 0.5) & settings.flip_horizontal,
            rng.normal(1, settings.gain, n).astype(np.float32),
            rng.normal(0, settings.shift, n).astype(np.float32),
            rng.random(n),
        )

    @classmethod
    def central(cls, rows: np.ndarray, settings: Settings) -> Draws:
        """Central crop of every case and the middle frames, nothing else."""
        n = len(rows)
        offset = np.full(n, (settings.crop_size - settings.size) // 2)
        never = np.zeros(n, dtype=bool)
        one, zero = np.ones(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
        return cls(rows, offset, offset, never, never, one, zero, np.full(n, 0.5))

    def batches(self, steps: int) -> list[Draws]:
        """Cut into `steps` parts of nearly equal size."""
        columns = [np.array_split(getattr(self, name), steps) for name in self.__dataclass_fields__]
        return [Draws(*part) for part in zip(*columns)]


class Feed:
    """Batches of some rows of an image array, on the device of a runtime.

    Parameters
    ----------
    images : uint8 array or memmap of shape (cases, channels, height, width) or (cases, channels, time, ...)
        Square images of any side; only `rows` are ever read.
    rows : array of int
        Rows that may be asked for.
    settings : Settings
    runtime : Runtime
    memory_share : float
        Images stay on the device when they take at most this share of its free memory, in [0, 1].
    free_bytes : int or None
        Free memory of the device; None: measured.

    Attributes
    ----------
    resident : bool
        Whether the images lie on the device.
    why : str
        The sizes that decided it.
    frames, step : int
        Frames of a clip that are handed on, and how many stored frames lie from one to the next; 1 and 1 for images.
    """

    def __init__(
        self,
        images: np.ndarray,
        rows: np.ndarray,
        *,
        settings: Settings,
        runtime: Runtime,
        memory_share: float = 0.5,
        free_bytes: int | None = None,
    ) -> None:
        check_images(images)
        if not 0 <= memory_share <= 1:
            raise ValueError(f"memory_share must be in [0, 1], not {memory_share!r}")
        self.images, self.settings, self.runtime = images, settings, runtime
        self.rows = np.unique(rows)
        self.channels, self.time = images.shape[1], images.shape[2] if images.ndim == 5 else 1
        self.frames, self.step = frame_steps(self.time, settings.frames if images.ndim == 5 else None)
        self.inner = (self.channels, self.frames) if images.ndim == 5 else (self.channels,)
        needed = len(self.rows) * self.channels * self.time * settings.crop_size**2
        free = free_memory(runtime.device) if free_bytes is None else free_bytes
        self.resident = needed <= memory_share * free
        self.why = f"{needed / 1e6:.1f} MB of images, {free / 1e6:.0f} MB free, share {memory_share:g}"
        self._stack = self._load() if self.resident else None

    def __call__(self, draws: list[Draws]) -> Iterator[Tensor]:
        """Yield one float32 batch in [0, 1], (batch, channels, ..., size, size), for each of `draws`."""
        if self._stack is not None:
            for part in draws:
                yield self._augment(self._stack, np.searchsorted(self.rows, part.rows), part)
            return
        # One thread reads and resizes the next batch from disk while the device works on this one.
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._read, draws[0].rows) if draws else None
            for i, part in enumerate(draws):
                stack = self._to_device(coming.result())
                if i + 1 < len(draws):
                    coming = reader.submit(self._read, draws[i + 1].rows)
                yield self._augment(stack, np.arange(len(part.rows)), part)

    def _read(self, rows: np.ndarray) -> Tensor:
        """Rows as uint8 (row, time, side, side, channel), resized to `crop_size`."""
        order = np.argsort(rows, kind="stable")  # a memmap is read in the order of the file
        block = np.empty((len(rows), *self.images.shape[1:]), dtype=np.uint8)
        block[order] = self.images[rows[order]]
        stack = torch.from_numpy(block)
        stack = (stack if stack.ndim == 5 else stack[:, :, None]).transpose(1, 2)
        small = [_resize(one, self.settings.crop_size) for one in stack.split(max(1, CHUNK // self.time))]
        return torch.cat(small).permute(0, 1, 3, 4, 2).contiguous()

    def _to_device(self, stack: Tensor) -> Tensor:
        if self.runtime.device.type == "cuda":
            stack = stack.pin_memory()  # only a pinned copy overlaps with work on the GPU
        return stack.to(self.runtime.device, non_blocking=True)

    def _load(self) -> Tensor:
        side = self.settings.crop_size
        shape = (len(self.rows), self.time, side, side, self.channels)
        stack = torch.empty(shape, dtype=torch.uint8, device=self.runtime.device)
        for i in range(0, len(self.rows), CHUNK):
            stack[i : i + CHUNK] = self._to_device(self._read(self.rows[i : i + CHUNK]))
        return stack

    def _augment(self, stack: Tensor, places: np.ndarray, draws: Draws) -> Tensor:
        cut = self._slices(stack, places, draws) if stack.device.type == "cpu" else self._gather(stack, places, draws)
        tone = self._to_device(torch.from_numpy(np.stack([draws.gain, draws.shift])))
        gain, shift = tone.reshape(2, -1, 1, 1, 1, 1)
        batch = cut.permute(0, 4, 1, 2, 3).float().div_(255).mul_(gain).add_(shift).clamp_(0, 1)
        batch = batch if len(self.inner) == 2 else batch.squeeze(2)
        return batch.contiguous(memory_format=self.runtime.memory_format)

    def _first(self, draws: Draws) -> np.ndarray:
        """First frame of every case."""
        spare = self.time - (self.frames - 1) * self.step - 1
        return np.floor(draws.lag * (spare + 1)).astype(np.int64)

    def _gather(self, stack: Tensor, places: np.ndarray, draws: Draws) -> Tensor:
        """Frames, crops and flips (batch, frames, size, size, channels) by one index: few calls, as a GPU wants it."""
        size = self.settings.size
        # one transfer a batch for all whole numbers: case, first frame, top, left, flips
        whole = np.stack([places, self._first(draws), draws.top, draws.left, draws.flip_y, draws.flip_x])
        case, first, top, left, flip_y, flip_x = self._to_device(torch.from_numpy(whole.astype(np.int64))).unbind()
        span = torch.arange(size, device=stack.device)
        t = first[:, None] + self.step * torch.arange(self.frames, device=stack.device)
        y = top[:, None] + torch.where(flip_y[:, None] == 1, size - 1 - span, span)
        x = left[:, None] + torch.where(flip_x[:, None] == 1, size - 1 - span, span)
        return stack[case[:, None, None, None], t[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]

    def _slices(self, stack: Tensor, places: np.ndarray, draws: Draws) -> Tensor:
        """What `_gather` gives, case by case: whole rows are copied, as a CPU wants it."""
        size, first = self.settings.size, self._first(draws)
        out = stack.new_empty(len(places), self.frames, size, size, self.channels)
        for i, place in enumerate(places):
            t, y, x = int(first[i]), int(draws.top[i]), int(draws.left[i])
            part = stack[place, t :: self.step][: self.frames, y : y + size, x : x + size]
            flipped = [axis for axis, flip in ((1, draws.flip_y[i]), (2, draws.flip_x[i])) if flip]
            out[i] = part.flip(flipped) if flipped else part
        return out


def frame_steps(time: int, frames: int | None) -> tuple[int, int]:
    """Frames that are taken of `time` stored ones, and the step between them: the largest that fits.

    Raises
    ------
    ValueError
        If the clips have fewer frames than asked for.

    Examples
    --------
    >>> frame_steps(32, 8), frame_steps(32, None), frame_steps(32, 5)
    ((8, 4), (32, 1), (5, 6))
    """
    if frames is None:
        return time, 1
    if frames > time:
        raise ValueError(f"frames ({frames}) must be at most the {time} frames of a stored clip")
    return frames, time // frames


def network_view(images: np.ndarray, *, rows: np.ndarray | None = None, settings: Settings) -> np.ndarray:
    """Images exactly as a network sees them when it predicts: resized, central crop, in [0, 1].

    Masks (0 and 255) seen through the same view lie on a heat map's grid; `> 0.5` makes them binary again.

    Parameters
    ----------
    images : uint8 array of shape (cases, channels, height, width) or (cases, channels, time, height, width)
    rows : array of int or None
        Cases; None: all.
    settings : Settings
        `size`, `crop_size` and, for clips, `frames` count.

    Returns
    -------
    float32 array of shape (len(rows), channels, size, size) or (len(rows), channels, frames, size, size)

    Examples
    --------
    >>> view = network_view(np.full((2, 1, 80, 80), 255, dtype=np.uint8), settings=Settings())
    >>> view.shape, float(view.min())
    ((2, 1, 64, 64), 1.0)
    """
    check_images(images)
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    runtime = Runtime(torch.device("cpu"), "fp32", torch.contiguous_format)
    feed = Feed(images, rows, settings=settings, runtime=runtime, memory_share=0, free_bytes=0)
    steps = max(1, -(-len(rows) // CHUNK))
    batches = list(feed(Draws.central(rows, settings).batches(steps)))
    return torch.cat(batches).numpy()


def check_images(images: np.ndarray) -> None:
    """Refuse anything but a uint8 stack of square images.

    Raises
    ------
    ValueError
        Naming what is wrong with `images`.
    """
    if getattr(images, "dtype", None) != np.uint8 or images.ndim not in (4, 5):
        shape, kind = getattr(images, "shape", None), getattr(images, "dtype", type(images).__name__)
        raise ValueError(f"images must be uint8 of shape (cases, channels, height, width), not {kind} {shape}")
    if images.shape[-1] != images.shape[-2]:
        raise ValueError(f"images must be square, not {images.shape[-2]} x {images.shape[-1]} pixels")


def fingerprint(images: np.ndarray, rows: np.ndarray) -> str:
    """SHA-256 of the shape and the bytes of some rows, read in chunks."""
    digest = hashlib.sha256(f"{images.shape[1:]}".encode())
    for i in range(0, len(rows), CHUNK):
        digest.update(np.ascontiguousarray(images[rows[i : i + CHUNK]]).tobytes())
    return digest.hexdigest()


def free_memory(device: torch.device) -> int:
    """Free bytes on a device: of the GPU, or of the machine's memory (0 when the system does not tell)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kibibytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return kibibytes["MemAvailable"] * 1024
    except (OSError, KeyError, ValueError):
        return 0


def _resize(stack: Tensor, side: int) -> Tensor:
    """Bring uint8 (n, time, channels, height, width) to `side` with an anti-aliased bilinear filter."""
    if stack.shape[-1] == side:
        return stack
    small = F.interpolate(stack.flatten(0, 1).float(), size=(side, side), mode="bilinear", antialias=True)
    return small.round_().clamp_(0, 255).to(torch.uint8).unflatten(0, stack.shape[:2])

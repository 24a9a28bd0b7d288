"""What a training run may be told, checked once; and what that means on the machine at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

BALANCES = ("loss", "sampler", "none")
MONITORS = ("loss", "auc")
PRECISIONS = ("auto", "fp32", "bf16")
OPTIMIZERS = ("adamw", "adam")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a training run; the defaults are the quick profile.

    Attributes
    ----------
    size : int
        Side of the square image that the network sees, in pixels.
    crop_size : int
        Side to which stored images are brought first; training sees a random crop of `size`, evaluation the
        central one. Stored 256, seen 224 as published; 72 and 64 in the quick profile.
    epochs, batch_size : int
        A run sees every training case once an epoch, in batches of nearly equal size.
    optimizer : str
        `"adamw"` (doi:10.48550/arXiv.1711.05101), or `"adam"` (doi:10.48550/arXiv.1412.6980), which has no weight
        decay.
    learning_rate, weight_decay : float
        `learning_rate` is the peak of a one-cycle schedule. Biases and norms do not decay.
    label_smoothing : float
        In [0, 1): 0.05 turns the targets 0 and 1 into 0.025 and 0.975.
    ema : float
        Decay of the running average of the weights per step, in [0, 1); 0 turns it off. The averaged weights
        are the ones evaluated and kept.
    balance : str
        `"loss"` weighs classes by 1 / frequency, `"sampler"` draws classes equally often, `"none"` neither.
    monitor : str
        What picks the best epoch and stops early, always on the tune part: `"loss"` (class-weighted log-loss)
        or `"auc"` (ties: lower loss).
    patience : int or None
        Epochs without improvement before the run stops; None: never.
    precision : str
        `"auto"`: bf16 autocast on a GPU that has it, fp32 elsewhere. bf16 on a CPU is refused: 15 to 22 times
        slower.
    device : str
        `"auto"` (a GPU when there is one), `"cpu"`, `"cuda"`, `"cuda:1"`.
    seed : int
        Of shuffling, augmentation and dropout.
    mixup : float
        Parameter of the Beta distribution of MixUp (doi:10.48550/arXiv.1710.09412); 0 turns it off.
    flip_horizontal, flip_vertical : bool
        Mirror half of the images.
    gain, shift : float
        Standard deviations of a factor around 1 and of an offset around 0 on images in [0, 1].
    frames : int or None
        Frames of a stored clip that the network sees, at equal steps; training begins at a random one of the
        frames that leave room, evaluation at the middle one. None: all. Images have no frames.
    checkpointing : "auto" or bool
        Compute activations again in the backward pass instead of keeping them; `"auto"`: for clips, when those of
        a batch would take more than `recompute.SHARE` of the free memory.
    channels_last : "auto" or bool
        Memory format with the channels last; `"auto"` is on, since it is faster on both kinds of machine, except
        on a CPU for networks with layers so narrow that torch fails.
    threads : int or None
        CPU threads while training and predicting; None leaves torch's.
    deterministic : bool
        Ask torch for deterministic algorithms; where a GPU has none, torch warns.

    Examples
    --------
    >>> Settings(size=224, crop_size=256, epochs=100).batch_size
    16
    >>> Settings(size=96, crop_size=72)
    Traceback (most recent call last):
        ...
    ValueError: crop_size (72) must be at least size (96)
    """

    size: int = 64
    crop_size: int = 72
    epochs: int = 15
    batch_size: int = 16
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    ema: float = 0.9
    balance: str = "loss"
    monitor: str = "loss"
    patience: int | None = 10
    precision: str = "auto"
    device: str = "auto"
    seed: int = 0
    mixup: float = 0.0
    flip_horizontal: bool = True
    flip_vertical: bool = False
    gain: float = 0.12
    shift: float = 0.06
    frames: int | None = None
    checkpointing: str | bool = "auto"
    channels_last: str | bool = "auto"
    threads: int | None = None
    deterministic: bool = True

    def __post_init__(self) -> None:
        """Check every value and say which one is wrong."""
        for name in ("size", "crop_size", "epochs", "batch_size"):
            _check(name, getattr(self, name), whole=True, low=1)
        if self.crop_size < self.size:
            raise ValueError(f"crop_size ({self.crop_size}) must be at least size ({self.size})")
        _check("batch_size", self.batch_size, whole=True, low=2)
        for name in ("patience", "threads", "frames"):
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), whole=True, low=1)
        _check("seed", self.seed, whole=True, low=0)
        _check("learning_rate", self.learning_rate, above=0)
        for name in ("weight_decay", "mixup", "gain", "shift"):
            _check(name, getattr(self, name), low=0)
        for name in ("label_smoothing", "ema"):
            _check(name, getattr(self, name), low=0, below=1)
        options = {"balance": BALANCES, "monitor": MONITORS, "precision": PRECISIONS, "optimizer": OPTIMIZERS}
        switches = dict.fromkeys(("channels_last", "checkpointing"), ("auto", True, False))
        for name, allowed in (options | switches).items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")

    def frame(self):
        """Settings as a table: `setting, value`."""
        import pandas as pd

        return pd.DataFrame(asdict(self).items(), columns=["setting", "value"])


@dataclass(frozen=True)
class Runtime:
    """Settings resolved for this machine: what is used, not what was asked.

    Examples
    --------
    >>> Runtime.of(Settings(device="cpu"), ndim=4).precision
    'fp32'
    """

    device: torch.device
    precision: str
    memory_format: torch.memory_format

    @classmethod
    def of(cls, settings: Settings, *, ndim: int, module: nn.Module | None = None) -> Runtime:
        """Resolve settings for batches of `ndim` dimensions (4 for images, 5 for clips) and a network.

        Raises
        ------
        ValueError
            If the device is not there, or cannot do the precision or the memory format.
        """
        name = settings.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            device = torch.device(name)
        except RuntimeError as error:
            raise ValueError(f"device must be auto, cpu, cuda or cuda:N, not {name!r}") from error
        gpu = device.type == "cuda"
        if gpu and not torch.cuda.is_available():
            raise ValueError("device is 'cuda', but torch sees no GPU; use device='auto' or 'cpu'")
        able = gpu and torch.cuda.get_device_capability(device)[0] >= 8  # bf16 units came with Ampere
        if settings.precision == "bf16" and not able:
            raise ValueError(f"precision 'bf16' needs a GPU with bf16 units, not {device.type}; use 'auto'")
        precision = "bf16" if able and settings.precision in ("auto", "bf16") else "fp32"
        last = settings.channels_last in ("auto", True)
        if last and not gpu and module is not None and _breaks_channels_last(module):
            if settings.channels_last is True:
                raise ValueError("channels_last: torch on a CPU cannot train so narrow a network in it; use 'auto'")
            last = False
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        return cls(device, precision, formats[ndim] if last else torch.contiguous_format)

    def autocast(self):
        """Context in which the forward pass runs."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def peak_memory_mb(self) -> tuple[float, str]:
        """Peak memory in MB (10 ** 6 bytes), and of what: the GPU's tensors or the whole process."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e6, "tensors on the GPU"
        import resource
        import sys

        unit = 1 if sys.platform == "darwin" else 1024  # macOS reports bytes, Linux kibibytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, "process"

    def record(self) -> dict[str, Any]:
        """Device, precision and memory format in words."""
        gpu = self.device.type == "cuda"
        return {
            "device": str(self.device),
            "device_name": torch.cuda.get_device_name(self.device) if gpu else "CPU",
            "precision": self.precision,
            "channels_last": self.memory_format is not torch.contiguous_format,
        }


@contextmanager
def steady(settings: Settings, runtime: Runtime) -> Iterator[None]:
    """Threads and deterministic algorithms as the settings say; everything is put back on leaving.

    torch's own random state is forked: what happens inside the block leaves no trace outside.
    """
    threads = torch.get_num_threads()
    mode = (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled())
    filled = torch.utils.deterministic.fill_uninitialized_memory
    cudnn = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    devices = [runtime.device] if runtime.device.type == "cuda" else []
    try:
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        if devices:
            # cuBLAS reads this when it starts; without it a matrix product may differ between runs.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.backends.cudnn.benchmark = not settings.deterministic
            torch.backends.cudnn.deterministic = settings.deterministic
        if settings.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=bool(devices))
            # Memory that nobody reads need not be filled: a tenth of the time of a narrow network.
            torch.utils.deterministic.fill_uninitialized_memory = False
        # Averages that decay towards 0 become subnormal numbers, which a CPU handles ten times more slowly.
        torch.set_flush_denormal(True)
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def _breaks_channels_last(module: nn.Module) -> bool:
    """Whether a network has a layer whose backward pass overruns memory in channels_last on a CPU.

    Seen with torch 2.15 (oneDNN, AVX2): a strided 1 x 1 convolution that reads 2 to 7 channels. Its partner in 3D
    is kept out as well.
    """
    return any(
        set(part.kernel_size) == {1} and set(part.stride) != {1} and part.in_channels < 8
        for part in module.modules()
        if isinstance(part, nn.Conv2d | nn.Conv3d)
    )


def _check(
    name: str, value, *, whole: bool = False, low=None, above=None, below=None
) -> None:  # one sentence for every numeric setting
    kind = int if whole else (int, float)
    rule = "a whole number" if whole else "a number"
    rule += f" of at least {low}" if low is not None else ""
    rule += f" above {above}" if above is not None else ""
    rule += f" and below {below}" if below is not None else ""
    fits = isinstance(value, kind) and not isinstance(value, bool) and value == value
    if (
        not fits
        or (low is not None and value < low)
        or (above is not None and value <= above)
        or (below is not None and value >= below)
    ):
        raise ValueError(f"{name} must be {rule}, not {value!r}")

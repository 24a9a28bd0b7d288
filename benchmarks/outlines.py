"""How fast nodes are outlined and measured: training with masks against ready-made tensors, and Hausdorff distances.

    python benchmarks/outlines.py train --size 256 --cases 512 --device cuda
    python benchmarks/outlines.py train --size 96 --width-divisor 2 --cases 64
    python benchmarks/outlines.py distances

`train` compares the real path (resident images and masks) with batches that already lie on the device; a share of at
least 0.9 is wanted. `distances` measures all 547 test nodes of the published size, which should take less than 5 s.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import torch

from helpers.book.performance import Measured, record
from helpers.learn.settings import Runtime, Settings, steady
from helpers.learn.ynet import ARCHITECTURES, build_ynet
from helpers.learn.ynet_training import MaskedFeed, OutlineRun, with_masks
from helpers.stats import segmentation

NODES, SIDE, LIMIT_SECONDS = 547, 256, 5
SHARE = 0.9  # of the speed on ready-made tensors, asked for on a GPU


def ellipses(n: int, side: int, seed: int) -> np.ndarray:
    """Masks of nodes of many sizes, bool (n, side, side)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    centre, axes = rng.uniform(0.3, 0.7, (n, 2)), rng.uniform(0.03, 0.25, (n, 2))
    return np.array([((y - a) / c) ** 2 + ((x - b) / d) ** 2 < 1 for (a, b), (c, d) in zip(centre, axes)])


class ReadyMade:
    """Random batches of the right shape, made once, on the device."""

    def __init__(self, feed: MaskedFeed, steps: list[int]) -> None:
        self.settings, self.runtime, self.inner = feed.settings, feed.runtime, feed.inner
        side, device = feed.settings.size, feed.runtime.device
        self.batches = {
            n: torch.rand(n, *feed.inner, side, side, device=device).contiguous(
                memory_format=feed.runtime.memory_format
            )
            for n in {*steps, 2}
        }

    def __call__(self, draws):
        for part in draws:
            yield self.batches[len(part.rows)]


def speed(architecture: str, feed, label: np.ndarray, settings: Settings, divisor: int) -> tuple[float, float]:
    """Cases a second and peak memory in MB over the epochs after the first."""
    rows = np.arange(len(label))
    with steady(settings, feed.runtime):
        run = OutlineRun(build_ynet(architecture, width_divisor=divisor), feed, label, rows, rows[:2])
        run._evaluate = lambda: (0.0, 0.0)  # training only
        run.one_epoch()
        began = time.perf_counter()
        for _ in range(settings.epochs - 1):
            run.one_epoch()
        seconds = time.perf_counter() - began
    return (settings.epochs - 1) * len(label) / seconds, feed.runtime.peak_memory_mb()[0]


def train(asked: argparse.Namespace) -> None:
    """Print cases a second of every network on both paths."""
    settings = Settings(
        size=asked.size,
        crop_size=asked.size,
        batch_size=asked.batch_size,
        epochs=asked.epochs + 1,
        device=asked.device,
        threads=asked.threads,
    )
    masks = ellipses(asked.cases, SIDE, 0)
    images = np.random.default_rng(1).integers(0, 256, (asked.cases, 1, SIDE, SIDE), dtype=np.uint8)
    label, rows = np.arange(asked.cases) % 2, np.arange(asked.cases)
    runtime = Runtime.of(settings, ndim=4)
    feed = MaskedFeed(with_masks(images, masks), rows, settings=settings, runtime=runtime)
    steps = -(-asked.cases // settings.batch_size)
    ready = ReadyMade(feed, [len(part) for part in np.array_split(rows, steps)])
    device, gpu = runtime.record()["device_name"], runtime.device.type == "cuda"
    print("network          feed         cases/s  share   peak MB")
    for architecture in asked.networks:
        best = 0.0
        for name, one in (("ready-made", ready), ("resident" if feed.resident else "streamed", feed)):
            rate, peak = speed(architecture, one, label, settings, asked.width_divisor)
            best = best or rate
            print(f"{architecture:15s}  {name:10s}  {rate:8.1f}  {rate / best:5.2f}  {peak:8.0f}")
            if one is feed:
                told = " ".join(["outlines.py", *sys.argv[1:]])
                task = f"training of {architecture}, {asked.size} x {asked.size}, batches of {asked.batch_size}"
                least = SHARE if gpu else None
                made = [Measured(told, task, rate, "nodes/s", "tensors on the device", best, least, device)]
                record(made + ([Measured(told, f"{task}, memory", peak, "MB", device=device)] if gpu else []))
    print(f"on {runtime.record()}")


def distances() -> None:
    """Print the seconds of the distances of all test nodes."""
    outline, reference = ellipses(NODES, SIDE, 2), ellipses(NODES, SIDE, 3)
    began = time.perf_counter()
    segmentation.hausdorff(outline, reference)
    took = time.perf_counter() - began
    print(f"HD95 of {NODES} nodes of {SIDE} x {SIDE} pixels: {took:.2f} s (wanted: below {LIMIT_SECONDS})")
    record([Measured("outlines.py distances", f"HD95 of {NODES} nodes", took, "s", asked=LIMIT_SECONDS)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "distances"))
    parser.add_argument("--networks", nargs="*", default=["ynet", "ynet_classifier"], choices=ARCHITECTURES)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--width-divisor", type=int, default=1)
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2, help="timed epochs, after one to warm up")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=None)
    asked = parser.parse_args()
    train(asked) if asked.what == "train" else distances()


if __name__ == "__main__":
    main()

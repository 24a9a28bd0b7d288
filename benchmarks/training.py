"""How fast a network trains here: the real path against tensors that already lie on the device.

    python benchmarks/training.py densenet121 --channels 5 --size 224 --crop-size 256 --cases 396
    python benchmarks/training.py resnet50 inception_resnet_v2 --frames 32 --channels 1 --size 224 --crop-size 256
    python benchmarks/training.py resnet50 --frames 8 --channels 1 --size 80 --crop-size 88 --width-divisor 8 --cases 32

Three runs of the same steps: images resident on the device, images streamed from a memory map, and ready-made
batches without any reading or augmentation. `share` is the speed against the third: what is missing to 1 is the cost
of the feed, and at least 0.9 is wanted. With `--frames`, clips and networks inflated to 3D.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from helpers.book.performance import Measured, record
from helpers.learn import networks
from helpers.learn.feed import Feed
from helpers.learn.loop import Run
from helpers.learn.settings import Runtime, Settings, steady

SHARE = 0.9  # of the speed on ready-made tensors, asked for on a GPU


class ReadyMade:
    """Random batches of the right shape, made once, on the device."""

    def __init__(self, feed: Feed, steps: list[int]) -> None:
        self.settings, self.runtime = feed.settings, feed.runtime
        self.inner, side = feed.inner, feed.settings.size
        self.batches = {
            n: torch.rand(n, *feed.inner, side, side, device=feed.runtime.device).contiguous(
                memory_format=feed.runtime.memory_format
            )
            for n in {*steps, 2}  # two cases are what the memory of activations is tried on
        }

    def __call__(self, draws):
        for part in draws:
            yield self.batches[len(part.rows)]


def measure(network, feed, label, train, tune, *, epochs: int) -> tuple[float, float, float]:
    """Cases a second and core-seconds a case over the epochs after the first, and peak memory in MB."""
    with steady(feed.settings, feed.runtime):
        run = Run(network, feed, label, train, tune)
        run._evaluate = lambda: (0.0, 0.0)  # training only
        run.one_epoch()
        began, busy = time.perf_counter(), time.process_time()
        for _ in range(epochs):
            run.one_epoch()
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
    done = epochs * len(train)
    return done / seconds, busy / done, feed.runtime.peak_memory_mb()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture", nargs="*", default=["resnet18"], help="one or more")
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--width-divisor", type=int, default=1)
    parser.add_argument("--size", type=int, default=64, help="side that the network sees, pixels")
    parser.add_argument("--crop-size", type=int, default=72, help="side before the random crop, pixels")
    parser.add_argument("--stored", type=int, default=256, help="side of the stored images, pixels")
    parser.add_argument("--frames", type=int, default=None, help="frames that a 3D network sees; none: images")
    parser.add_argument("--stored-frames", type=int, default=32, help="frames of a stored clip")
    parser.add_argument("--attention", action="store_true", help="with calcification attention")
    parser.add_argument("--checkpointing", default="auto", choices=("auto", "yes", "no"))
    parser.add_argument("--cases", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2, help="timed epochs, after one to warm up")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=None)
    asked = parser.parse_args()
    settings = Settings(
        size=asked.size,
        crop_size=asked.crop_size,
        epochs=asked.epochs + 1,
        batch_size=asked.batch_size,
        device=asked.device,
        precision=asked.precision,
        threads=asked.threads,
        frames=asked.frames,
        checkpointing={"auto": "auto", "yes": True, "no": False}[asked.checkpointing],
    )
    volume = asked.frames is not None
    rng = np.random.default_rng(0)
    inner = (asked.channels, asked.stored_frames) if volume else (asked.channels,)
    shape = (asked.cases, *inner, asked.stored, asked.stored)
    seen = [asked.channels, *([asked.frames] if volume else []), asked.size, asked.size]
    label = np.arange(asked.cases) % 2
    rows = np.arange(asked.cases)
    print("architecture         feed         cases/s  share  core-ms/case   peak MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, rng.integers(0, 256, shape, dtype=np.uint8))
        images = np.load(path, mmap_mode="r")
        for architecture in asked.architecture:
            network = networks.build(
                architecture,
                channels=asked.channels,
                width_divisor=asked.width_divisor,
                volume=volume,
                attention=asked.attention,
            )
            runtime = Runtime.of(settings, ndim=len(shape), module=network.module)
            options = {"settings": settings, "runtime": runtime}
            device, gpu = runtime.record()["device_name"], runtime.device.type == "cuda"
            resident = Feed(images, rows, memory_share=1, free_bytes=2**62, **options)
            streamed = Feed(images, rows, memory_share=0, free_bytes=0, **options)
            steps = -(-len(rows) // settings.batch_size)
            ready = ReadyMade(resident, [len(part) for part in np.array_split(rows, steps)])
            best = 0.0
            for name, feed in (("ready-made", ready), ("resident", resident), ("streamed", streamed)):
                speed, core, peak = measure(network, feed, label, rows, rows[:2], epochs=asked.epochs)
                best = best or speed
                share = speed / best
                print(f"{architecture:19s}  {name:10s}  {speed:8.1f}  {share:5.2f}  {1e3 * core:12.2f}  {peak:8.0f}")
                if feed is not ready:
                    told = " ".join(["training.py", *sys.argv[1:]])
                    task = f"training of {architecture}, {' x '.join(map(str, seen))}, {name}"
                    least = SHARE if gpu else None
                    made = [Measured(told, task, speed, "cases/s", "tensors on the device", best, least, device)]
                    record(made + ([Measured(told, f"{task}, memory", peak, "MB", device=device)] if gpu else []))
    print(f"on {runtime.record()}; memory is of {runtime.peak_memory_mb()[1]} and never falls between lines on a CPU")


if __name__ == "__main__":
    main()

"""What reading through `helpers.data.media` costs, against decoding whole clips with OpenCV, in one run.

Run with `python benchmarks/reading.py`; it writes its own clips (900 frames of 640 x 480) into a temporary
folder, takes under two minutes, and prints one table. Ratios of one run compare; milliseconds depend on
the machine and on what else it does, so the best of three is shown.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
from PIL import Image

from helpers.data import media

FRAMES, RATE, HEIGHT, WIDTH = 900, 30, 480, 640
WANTED = list(range(0, FRAMES, 2 * RATE))  # 15 frames, one per two seconds
CASES, CLIPS = 24, 4
CLIP_KINDS = {
    "MJPEG AVI": ("mjpeg.avi", "mjpeg", "yuvj420p", {"qmin": "4", "qmax": "4"}),
    "H.264 MP4": ("h264.mp4", "libx264", "yuv420p", {"crf": "23", "g": "250", "preset": "veryfast"}),
}


def speckle(frames: int) -> list[np.ndarray]:
    """Frames whose smooth texture drifts, so that they compress about as ultrasound does."""
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.rayleigh(60, (HEIGHT, WIDTH + frames)).astype(np.float32), (0, 0), 2.0)
    wide = np.clip((wide - wide.mean()) * 4 + 90, 0, 255).astype(np.uint8)
    return [wide[:, shift : shift + WIDTH] for shift in range(frames)]


def write_clip(path: Path, codec: str, pixels: str, options: dict, frames: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt, stream.options = HEIGHT, WIDTH, pixels, options
        if codec == "mjpeg":
            stream.color_range = 2
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, axis=2), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def opencv_full(path: Path) -> np.ndarray:
    """The usual way: decode everything, keep what is wanted."""
    capture, kept, index, wanted = cv2.VideoCapture(str(path)), [], 0, set(WANTED)
    while True:
        found, frame = capture.read()
        if not found:
            return np.stack(kept)
        if index in wanted:
            kept.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))
        index += 1


def best(work: Callable[[], object], *, runs: int = 3) -> tuple[float, float]:
    """Milliseconds of wall clock and of processor time (all threads), the best of some runs."""
    walls, cores = [], []
    for _ in range(runs):
        wall, core = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - wall))
        cores.append(1000 * (time.process_time() - core))
    return min(walls), min(cores)


def reading(folder: Path) -> list[dict]:
    rows, frames = [], speckle(FRAMES)
    for kind, (name, *coding) in CLIP_KINDS.items():
        path = folder / name
        write_clip(path, *coding, frames)
        difference = np.abs(media.read(path, frames=WANTED).astype(int) - opencv_full(path)).max()
        whole = best(lambda path=path: opencv_full(path))
        for what, work in (
            ("OpenCV, every frame decoded", None),
            ("media.read, 15 frames", lambda path=path: media.read(path, frames=WANTED)),
            ("media.iterate, every frame", lambda path=path: sum(1 for _ in media.iterate(path))),
        ):
            wall, core = whole if work is None else best(work)
            rows.append(
                {
                    "what": f"{kind}: {what}",
                    "wall_ms": wall,
                    "core_ms": core,
                    "times_opencv_wall": wall / whole[0],
                    "times_opencv_core": core / whole[1],
                    "largest_difference": difference if "15" in what else None,
                }
            )
    return rows


def caching(folder: Path) -> list[dict]:
    """Cold and warm cache of a small study: stills, and clips of 900 frames."""
    rng, lines = np.random.default_rng(1), ["case_id,kind,path,roi,frames,key_frame,pixel_mm"]
    for case in range(CASES):
        Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)).save(folder / f"{case}.png")
        lines.append(f"c{case},bmode,{case}.png,200 150 400 300,1,0,0.08")
        if case < CLIPS:
            # trailing bytes after the file's last chunk: other content, the same work
            content = (folder / "mjpeg.avi").read_bytes()
            (folder / f"{case}.avi").write_bytes(content + bytes([case]))
            lines.append(f"c{case},ceus,{case}.avi,200 150 400 300,{FRAMES},450,0.08")
    (folder / "media.csv").write_text("\n".join(lines) + "\n")
    table = media.table(folder, pd.DataFrame({"case_id": [f"c{case}" for case in range(CASES)]}))
    time.sleep(2.5)  # files touched a moment ago are hashed again each time
    rows = []
    for kind in ("bmode", "ceus"):
        for state in ("cold", "warm"):
            wall, core = time.perf_counter(), time.process_time()
            found = media.arrays(folder, table, kind, cache=folder / "cache", workers=1)
            checksum = int(found.images[..., ::8, ::8].sum())  # touch the pixels
            rows.append(
                {
                    "what": f"cache {state}: {len(found.index)} {kind}, {found.decoded} decoded, checksum {checksum}",
                    "wall_ms": 1000 * (time.perf_counter() - wall),
                    "core_ms": 1000 * (time.process_time() - core),
                }
            )
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*reading(folder), *caching(folder)]
    print(pd.DataFrame(rows).round(2).to_string(index=False, na_rep=""))


if __name__ == "__main__":
    main()

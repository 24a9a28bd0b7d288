"""What reading through `helpers.data.media` costs, against decoding whole clips with OpenCV, in one run.

Run with `python benchmarks/reading.py`; it writes its own clips (900 frames of 640 x 480) into a temporary
folder, takes a few minutes, and prints two tables. Ratios of one run compare; milliseconds depend on
the machine and on what else it does, so the best of three is shown.

The second table reads 32 frames near a label out of long clips (4,000 frames of 640 x 480): Motion JPEG and DICOM
with JPEG frames go to the frames themselves; H.264 leans on the frames before, so it is decoded from the last
frame before the wanted ones that needs no other (here one of 250, as encoders do unless told otherwise).
`--quick` leaves the first table out.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
from PIL import Image

from helpers.book.performance import Measured, record
from helpers.data import media

FRAMES, RATE, HEIGHT, WIDTH = 900, 30, 480, 640
WANTED = list(range(0, FRAMES, 2 * RATE))  # 15 frames, one per two seconds
CASES, CLIPS = 24, 4
LONG = 4000  # frames of a long clip
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


def opencv_full(path: Path, frames: list[int] = WANTED) -> np.ndarray:
    """The usual way: decode everything, keep what is wanted."""
    capture, kept, index, wanted = cv2.VideoCapture(str(path)), [], 0, set(frames)
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


def write_dicom(path: Path, frames: Iterable[bytes]) -> None:
    """A multi-frame ultrasound DICOM of JPEG frames."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage, generate_uid

    meta, coded = FileMetaDataset(), list(frames)
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = HEIGHT, WIDTH, len(coded)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = encapsulate(coded)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path, enforce_file_format=True)


def jpeg(frame: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=85)
    return out.getvalue()


def opencv_whole_dicom(path: Path, wanted: list[int]) -> np.ndarray:
    """OpenCV knows no DICOM: pydicom finds the JPEG frames, OpenCV decodes each to grey."""
    from pydicom import dcmread
    from pydicom.encaps import generate_frames

    dataset = dcmread(path)
    coded = generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames))
    every = (cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_GRAYSCALE) for one in coded)
    return np.stack([frame for index, frame in enumerate(every) if index in set(wanted)])


def far_into_long_clips(folder: Path) -> list[dict]:
    """32 frames near a label of a long clip, against decoding the whole clip with OpenCV."""
    short, rows = speckle(LONG // 10), []
    frames = [short[min(shift % 800, 799 - shift % 800)] for shift in range(LONG)]  # to and fro
    for kind, (name, *coding) in {**CLIP_KINDS, "DICOM, JPEG": ("long.dcm",)}.items():
        path = folder / f"long-{name}"
        if name.endswith(".dcm"):
            packed = [jpeg(frame) for frame in short]
            write_dicom(path, (packed[min(shift % 800, 799 - shift % 800)] for shift in range(LONG)))
        else:
            write_clip(path, *coding, frames)
        for label in (LONG // 10, LONG // 2, LONG - 10):
            wanted = media.nearest_frames([label], LONG, 32).tolist()
            peer = opencv_whole_dicom if name.endswith(".dcm") else opencv_full
            whole = best(lambda path=path, wanted=wanted, peer=peer: peer(path, wanted), runs=1)
            wall, core = best(lambda path=path, wanted=wanted: media.read(path, frames=wanted, declared=LONG))
            found = media.read(path, frames=wanted, declared=LONG).astype(int)
            rows.append(
                {
                    "what": f"{kind}, label at {label} of {LONG}",
                    "megabytes": path.stat().st_size / 1e6,
                    "wall_ms": wall,
                    "core_ms": core,
                    "opencv_wall_ms": whole[0],
                    "times_as_quick_wall": whole[0] / wall,
                    "times_as_quick_core": whole[1] / core,
                    "largest_difference": np.abs(found - peer(path, wanted)).max(),
                }
            )
    return rows


def show(rows: list[dict]) -> None:
    print(pd.DataFrame(rows).round(2).to_string(index=False, na_rep=""))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "--quick" not in sys.argv:
            show([*reading(folder), *caching(folder)])
        rows = far_into_long_clips(folder)
        show(rows)
        record(
            Measured(
                "reading.py --quick",
                f"32 frames of a clip, {row['what']}",
                row["wall_ms"],
                "ms",
                "OpenCV, whole clip",
                row["opencv_wall_ms"],
                asked=10,
            )
            for row in rows
        )


if __name__ == "__main__":
    main()

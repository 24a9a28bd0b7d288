"""Tiny media files made here for the other tests of `helpers.data.media`, and proof that they are what they say."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH, FRAMES, RATE = 48, 64, 12, 10


def clip(frames: int = FRAMES, *, seed: int = 0) -> np.ndarray:
    """Grey frames (time, height, width); the mean grows by 8 with each frame, so that a frame is known by it."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((HEIGHT, WIDTH))
    base = 30 + 0.7 * x + 0.5 * y
    return np.stack([np.clip(base + 8 * t + rng.normal(0, 3, base.shape), 0, 255) for t in range(frames)]).astype(
        np.uint8
    )


VIDEOS = {
    "mjpeg.avi": ("mjpeg", "yuvj420p", {"qmin": "2", "qmax": "2"}),
    "h264.avi": ("libx264", "yuv420p", {"crf": "10", "bf": "2"}),
    "h264.mp4": ("libx264", "yuv420p", {"crf": "10", "bf": "2", "g": "250"}),
    "h264.mov": ("libx264", "yuv420p", {"crf": "10"}),
    "mpeg2.mpeg": ("mpeg2video", "yuv420p", {"qmin": "2", "qmax": "2"}),
    "raw.avi": ("rawvideo", "bgr24", {}),
}


def write_video(path: Path, frames: np.ndarray, *, kind: str | None = None) -> Path:
    import av

    codec, pixels, options = VIDEOS[kind or path.name]
    flags = {"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=flags) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt, stream.options = *frames.shape[1:], pixels, options
        if codec == "mjpeg":
            stream.color_range = 2
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, axis=2), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def jpeg(frame: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def write_dicom(path: Path, pixels: np.ndarray | list[bytes], *, syntax: str = "1.2.840.10008.1.2.1", **tags) -> Path:
    """Ultrasound DICOM; `pixels` is an array (time, height, width[, 3]) or a list of compressed frames."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = UID(syntax), UID("1.2.840.10008.5.1.4.1.1.3.1")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    order = {"is_implicit_VR": syntax == "1.2.840.10008.1.2", "is_little_endian": syntax != "1.2.840.10008.1.2.2"}
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128, **order)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    coded = isinstance(pixels, list)
    array = None if coded else np.asarray(pixels)
    dataset.Rows, dataset.Columns = (HEIGHT, WIDTH) if coded else array.shape[1:3]
    dataset.NumberOfFrames = len(pixels)
    colour = not coded and array.ndim == 4
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    bits = 8 if coded else array.dtype.itemsize * 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    for name, value in tags.items():
        setattr(dataset, name, value)
    if coded:
        dataset.PixelData = encapsulate(pixels)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        data = array.tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset.save_as(path, enforce_file_format=True)
    return path


def lesion() -> np.ndarray:
    """A mask (height, width) that no flip or transposition leaves as it is."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:20, 30:50] = True
    mask[20:24, 30:36] = True
    return mask


@pytest.mark.parametrize("name", VIDEOS)
def test_opencv_reads_the_same_clip(tmp_path, name):
    import cv2

    frames = clip()
    capture = cv2.VideoCapture(str(write_video(tmp_path / name, frames)))
    found = []
    while (got := capture.read())[0]:
        found.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2GRAY))
    assert len(found) == FRAMES
    assert np.abs(np.stack(found).astype(int) - frames).mean() < 3

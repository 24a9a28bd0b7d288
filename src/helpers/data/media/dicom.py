"""DICOM images and cine loops as grey frames, and what their headers say about time and millimetres.

Frames stored as baseline JPEG are decoded to luma directly by the decoder that reads Motion JPEG clips (it
reports damaged data, and skips the conversion to RGB that costs most of the time); all other frames come
from pydicom, one at a time.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media import video
from helpers.data.media.dicom_deflated import DEFLATED as _DEFLATED
from helpers.data.media.dicom_deflated import Measured
from helpers.data.media.dicom_grey import to_grey
from helpers.data.media.formats import MediaInfo, check_size
from helpers.data.media.fragments import CodedFrames, find_frames
from helpers.data.media.scale import pixel_mm, region, seconds_per_frame

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
# MPEG-2, MPEG-4 and HEVC transfer syntaxes hold one video stream instead of separate frames
_STREAMS = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101"), "mpegvideo"),
    **{f"1.2.840.10008.1.2.4.{number}": "h264" for number in range(102, 107)},
    **dict.fromkeys(("1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"), "hevc"),
}
_AGAIN = "export the file again from the scanner or the archive"


@contextmanager
def _guarded(name: str) -> Iterator[None]:
    """Make one StudyError of whatever the parser raises: it converts a header's values when they are used."""
    try:
        yield
    except StudyError:
        raise
    except Exception as error:  # untrusted bytes
        reason = " ".join(str(error).split())[:200]
        raise StudyError(f"the DICOM file is damaged ({reason})", file=name, fix=_AGAIN) from error


def info(path: Path) -> MediaInfo:
    """Describe a DICOM image from its header; see `helpers.data.media.info`."""
    with _guarded(path.name):
        dataset, _ = _header(path)
        height, width, frames = _shape(dataset, path.name)
        seconds = seconds_per_frame(dataset) if frames > 1 else None
        return MediaInfo(frames, height, width, seconds, pixel_mm(dataset), region(dataset), "dicom")


def iterate(path: Path, *, wanted: tuple[int, ...] | None, declared: int | None) -> Iterator[np.ndarray]:
    """Yield grey frames, uint8 (height, width), of a DICOM file in ascending order.

    Parameters are those of `helpers.data.media.video.iterate`.

    Raises
    ------
    StudyError
        If the file has no pixels, its number of frames is not what it holds, a frame is damaged, or its
        coding cannot be decoded.
    """
    with _guarded(path.name):
        header, start = _header(path)
        height, width, frames = _shape(header, path.name)
        syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
        if declared is not None and frames < declared:
            raise StudyError(
                f"the DICOM holds {frames} frames, {declared} are declared",
                file=path.name,
                fix=f"{_AGAIN}, or correct the number of frames",
            )
        if wanted and wanted[-1] >= frames:
            raise StudyError(
                f"frame {wanted[-1]} is wanted, the DICOM holds {frames} (0 to {frames - 1})",
                file=path.name,
                fix="correct the frame's number",
            )
        if syntax in _STREAMS:
            yield from _stream(path, _STREAMS[syntax], wanted, max(frames, declared or 0))
            return
        indices = range(frames) if wanted is None else wanted
        for index, grey in zip(indices, _frames(path, header, start, frames, indices), strict=True):
            if grey.shape != (height, width):
                raise StudyError(
                    f"frame {index} has {grey.shape[1]} x {grey.shape[0]} pixels, the header says {width} x {height}",
                    file=path.name,
                    fix=_AGAIN,
                )
            yield grey


def _frames(
    path: Path, header: FileDataset, start: int, frames: int, indices: range | tuple[int, ...]
) -> Iterator[np.ndarray]:
    from pydicom.uid import UID

    syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
    photometric = str(header.PhotometricInterpretation)
    if not UID(syntax).is_encapsulated:
        source = _native(path, header, syntax, frames)
        if photometric == "YBR_FULL_422":
            return _packed_luma(path, header, indices)
        return _decoded(path, header, source, indices)
    extended = header.get("ExtendedOffsetTable") or b""
    offsets = np.frombuffer(extended[: len(extended) // 8 * 8], "<u8").tolist()
    coded = find_frames(path, start, syntax=syntax, frames=frames, extended=offsets)
    if (
        syntax == _JPEG_BASELINE
        and photometric in ("YBR_FULL", "YBR_FULL_422", "MONOCHROME1", "MONOCHROME2")
        and int(header.get("BitsAllocated", 8)) == 8
    ):
        decode = _jpeg_decoder(path.name)
        # a grey JPEG may still carry a window; colour is luma already
        grey = (decode(coded.read(index), index) for index in indices)
        return (to_grey(pixels, header, path.name, luma_only=True) for pixels in grey)
    return _decoded_alone(path, header, coded, indices)


def _read(source: Path | BinaryIO, name: str, **options) -> FileDataset:
    from pydicom import dcmread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of values that are not used here
            if isinstance(source, Path):
                with Measured(source) as handle:
                    return dcmread(handle, **options)
            return dcmread(source, **options)
    except StudyError:
        raise
    except Exception as error:  # the parser meets untrusted bytes: whatever it raises means one thing
        raise StudyError(f"not a readable DICOM file ({error})", file=name, fix=_AGAIN) from error


def _header(path: Path) -> tuple[FileDataset, int]:
    """The header, and the offset of the pixel data behind it."""
    with Measured(path) as handle:
        dataset = _read(handle, path.name, stop_before_pixels=True)
        start = handle.tell()
    if len(dataset) == 0:
        raise StudyError("the DICOM file is empty: it has a preamble and nothing else", file=path.name, fix=_AGAIN)
    return dataset, start


def _shape(dataset: FileDataset, name: str) -> tuple[int, int, int]:
    """Height, width and number of frames of an image that holds 8 or 16 bit pixels."""
    kind = getattr(dataset.get("SOPClassUID"), "name", "unknown kind")
    try:
        height, width = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        frames = int(str(dataset.get("NumberOfFrames") or 1))
        bits = int(dataset.get("BitsAllocated") or 0)
    except (TypeError, ValueError) as error:
        raise StudyError(f"the DICOM header holds a broken number ({error})", file=name, fix=_AGAIN) from error
    if height < 1 or width < 1 or "PhotometricInterpretation" not in dataset:
        raise StudyError(f"the DICOM file is not an image ({kind})", file=name, fix="name an image or cine loop")
    if frames < 1:
        raise StudyError(f"the DICOM header says {frames} frames", file=name, fix=_AGAIN)
    if bits not in (8, 16):
        raise StudyError(
            f"pixels of {bits} bits ({kind}) are not an ultrasound image", file=name, fix="name an image or cine loop"
        )
    check_size(height, width, name=name)
    return height, width, frames


def _pixels(path: Path, **options):
    """The element that holds the pixels, not decoded."""
    dataset = _read(path, path.name, **options)
    if "PixelData" not in dataset:
        raise StudyError("the DICOM file holds no pixel data", file=path.name, fix=_AGAIN)
    return dataset, dataset.get_item("PixelData", keep_deferred=True)


def _native(path: Path, header: FileDataset, syntax: str, frames: int) -> Path | FileDataset:
    """Check that uncompressed pixels are as many as the header says; return what to decode from."""
    # a deflated file cannot be entered in the middle, any other is read frame by frame from the disk
    options = {} if syntax == _DEFLATED else {"defer_size": 4096}
    dataset, element = _pixels(path, **options)
    stored = element.length if hasattr(element, "length") else len(element.value)
    if syntax != _DEFLATED and getattr(element, "value_tell", None) is not None:
        stored = min(stored, path.stat().st_size - element.value_tell)
    samples = int(header.get("SamplesPerPixel") or 1)
    one = int(header.Rows) * int(header.Columns) * samples * int(header.BitsAllocated) // 8
    if str(header.PhotometricInterpretation) == "YBR_FULL_422":
        one = one // 3 * 2  # two colour samples for four pixels
    if not one * frames <= stored < one * (frames + 1):  # some writers pad the end
        raise StudyError(
            f"the DICOM header says {frames} frames, its pixel data hold {stored / one:.4g}",
            file=path.name,
            fix=_AGAIN,
        )
    return dataset if syntax == _DEFLATED else path


def _packed_luma(path: Path, header: FileDataset, indices: range | tuple[int, ...]) -> Iterator[np.ndarray]:
    """Luma of uncompressed YBR_FULL_422, stored as Y Y Cb Cr for two pixels.

    pydicom 3.0 steps through these frames as if they had three bytes a pixel, and gives wrong frames from
    the second on.
    """
    height, width = int(header.Rows), int(header.Columns)
    if width % 2 or int(header.BitsAllocated) != 8:
        raise StudyError("YBR_FULL_422 pixels need 8 bits and an even width", file=path.name, fix=_AGAIN)
    one = height * width * 2
    dataset, element = _pixels(path, defer_size=4096)
    offset = getattr(element, "value_tell", None)
    if offset is None:  # deflated, or too short to be left on the disk
        values = dataset.PixelData
        packed = (values[index * one : (index + 1) * one] for index in indices)
    else:
        packed = _parts(path, offset, one, indices)
    for part in packed:
        yield np.frombuffer(part, np.uint8).reshape(-1, 4)[:, :2].reshape(height, width)


def _parts(path: Path, offset: int, length: int, indices: range | tuple[int, ...]) -> Iterator[bytes]:
    """Pieces of equal length out of a file."""
    with path.open("rb") as handle:
        for index in indices:
            handle.seek(offset + index * length)
            yield handle.read(length)


def _jpeg_decoder(name: str) -> Callable[[bytes, int], np.ndarray]:
    """A decoder of JPEG frames to luma, uint8 (height, width), that reports damage."""
    import av

    context = av.codec.CodecContext.create("mjpeg", "r")
    context.options, context.thread_type = video.STRICT, "NONE"

    def decode(coded: bytes, index: int) -> np.ndarray:
        try:
            frames = context.decode(av.Packet(coded))
        except (av.error.FFmpegError, EOFError):
            frames = []
        # libavcodec paints over a missing end silently, and takes the tables of the frame before when a beginning is
        # damaged: the marks of beginning and end are looked for as well
        marked = coded.startswith(video.JPEG_START) and b"\xff\xd9" in coded[-8:]
        if len(frames) != 1 or frames[0].is_corrupt or not marked:
            raise StudyError(f"frame {index} of the DICOM is damaged", file=name, fix=_AGAIN)
        return video.to_grey(frames[0])

    return decode


def _decoded_alone(
    path: Path, header: FileDataset, coded: CodedFrames, indices: range | tuple[int, ...]
) -> Iterator[np.ndarray]:
    """Compressed frames through pydicom, each as a file of one frame, so that no other is read or has to be whole."""
    import copy

    from pydicom.encaps import encapsulate

    one = copy.deepcopy(header)
    for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if name in one:
            delattr(one, name)
    one.NumberOfFrames = 1
    for index in indices:
        one.PixelData = encapsulate([coded.read(index)], has_bot=False)
        one["PixelData"].VR = "OB"
        one["PixelData"].is_undefined_length = True
        yield from _decoded(path, header, one, (0,), first=index)


def _decoded(
    path: Path, header: FileDataset, source: Path | FileDataset, indices: range | tuple[int, ...], *, first: int = 0
) -> Iterator[np.ndarray]:
    """Frames through pydicom, made grey one by one; `first` is the number of the source's first frame."""
    from pydicom.pixels import iter_pixels
    from pydicom.uid import UID

    # YBR_FULL: the first channel is the luma; all other colours are asked for as RGB
    raw = str(header.PhotometricInterpretation).startswith("YBR_FULL")
    done = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for pixels in iter_pixels(source, raw=raw, indices=list(indices)):
                yield to_grey(pixels, header, path.name, luma_only=raw)
                done += 1
    except StudyError:
        raise
    except Exception as error:  # decoders of several packages meet untrusted bytes
        missing = isinstance(error, NotImplementedError) or "missing dependencies" in str(error)
        missing = missing or "does not support" in str(error)
        reason = " ".join(str(error).split())[:200]
        coding = UID(str(header.file_meta.get("TransferSyntaxUID", ""))).name
        number = first + (indices[done] if done < len(indices) else done)
        raise StudyError(
            f"the coding {coding} cannot be decoded here"
            if missing
            else f"frame {number} of the DICOM cannot be decoded ({reason})",
            file=path.name,
            fix="save it uncompressed, as JPEG baseline or as JPEG 2000" if missing else _AGAIN,
        ) from error


def _stream(path: Path, format: str, wanted: tuple[int, ...] | None, frames: int) -> Iterator[np.ndarray]:
    from pydicom.encaps import generate_fragments

    dataset, _ = _pixels(path)
    stream = io.BytesIO(b"".join(list(generate_fragments(dataset.PixelData))[1:]))
    yield from video.iterate(stream, _container(stream, format), wanted=wanted, declared=frames, name=path.name)


def _container(stream: io.BytesIO, format: str) -> str:
    """The stream may be bare, or inside an MPEG-2 transport stream or an MP4 file."""
    head = stream.getvalue()[:8]
    if head[:1] == b"\x47":
        return "mpegts"
    if head[4:8] == b"ftyp":
        return "mov"
    return "mpeg" if head[:4] == b"\0\0\1\xba" else format

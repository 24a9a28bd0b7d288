"""AVI, MP4, MOV and MPEG clips as grey frames, counted and checked while they are read.

A clip is walked packet by packet, never sought in: seeking in H.264 inside AVI gives wrong frames. Where frames
are coded one by one (Motion JPEG, raw) only the wanted packets are decoded. Any other clip is decoded from its
start, H.264 from the last picture before a wanted one that leans on none before it, and frames are kept by count.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from helpers.data.errors import StudyError
from helpers.data.media.formats import MediaInfo, check_size, luma
from helpers.data.media.h264 import Entries

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# "explode" makes the decoder report damaged data instead of painting over it with the frame before
STRICT = {"err_detect": "explode"}
_ALONE = {"mjpeg", "rawvideo", "png", "bmp", "huffyuv", "ffvhuff"}  # one packet is one whole frame
JPEG_START = b"\xff\xd8"
MOST_HELD = 2**26  # bytes of packets kept until it is known whether one of their frames is wanted
_AGAIN = "export or copy the clip again"
_FULL_RANGE = {"yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuvj411p", "gray", "gray8"}
_LIMITED_RANGE = {"yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "nv12", "nv21"}
_JPEG_RANGE = 2  # AVCOL_RANGE_JPEG
# luma of television range, 16 to 235, as grey values 0 to 255
_STRETCH = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


@contextmanager
def _opened(source: Path | BinaryIO, format: str, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    import av

    try:
        # the format is given, so that FFmpeg never guesses a playlist that names other files
        opened = source if hasattr(source, "read") else str(source)
        # titles in other encodings than UTF-8 are no reason to refuse a clip
        with av.open(opened, format=format, metadata_errors="replace") as container:
            if not container.streams.video:
                raise StudyError("the file holds no video stream", file=name, fix=_AGAIN)
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise StudyError("the video's coding is unknown", file=name, fix="save it as H.264 or MJPEG")
            check_size(stream.codec_context.height, stream.codec_context.width, name=name)
            yield container, stream
    except (av.error.FFmpegError, EOFError) as error:
        raise StudyError(f"the video cannot be opened ({error.strerror})", file=name, fix=_AGAIN) from error


def info(path: Path, format: str) -> MediaInfo:
    """Describe a clip; packets are counted, without decoding, only when the container gives no number."""
    with _opened(path, format, path.name) as (container, stream):
        frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
        rate = stream.average_rate or stream.guessed_rate
        context = stream.codec_context
        seconds = float(1 / rate) if rate else None
        return MediaInfo(frames, context.height, context.width, seconds, format=format)


def iterate(
    source: Path | BinaryIO, format: str, *, wanted: tuple[int, ...] | None, declared: int | None, name: str
) -> Iterator[np.ndarray]:
    """Yield grey frames, uint8 (height, width), of a clip in ascending order.

    Parameters
    ----------
    source : path or binary file
        The clip.
    format : str
        FFmpeg's name of the container, from `sniff`.
    wanted : ascending tuple of int, or None
        Frames to give, counted from 0; None gives all.
    declared : int or None
        Frames that the file must have, beside what its container says.
    name : str
        What error messages call the file.

    Raises
    ------
    StudyError
        If the clip is truncated, has a damaged frame, or changes its size on the way. When only some
        frames are wanted, the damage of frames that need not be decoded stays unseen; their number is
        always checked.
    """
    with _opened(source, format, name) as (container, stream):
        alone = wanted is not None and stream.codec_context.codec.name in _ALONE
        stream.codec_context.options = STRICT
        # decoding with several threads answers packets late, which a walk over single packets cannot use
        stream.thread_type = "NONE" if alone else "AUTO"
        walk = _frames_alone if alone else _frames_in_order
        clip = _Clip(container, stream, wanted, name)
        shape = None
        for frame in walk(clip):
            grey = to_grey(frame)
            if shape is not None and grey.shape != shape:
                raise StudyError("the frame size changes within the clip", file=name, fix=_AGAIN)
            shape = grey.shape
            yield grey
        clip.check_count(declared)


class _Clip:
    """An open clip and what has been counted in it so far."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, wanted: tuple[int, ...] | None, name: str
    ) -> None:
        self.container, self.stream, self.name = container, stream, name
        self.wanted = wanted
        self.last = None if wanted is None else max(wanted, default=-1)
        self.packets = self.hidden = self.decoded = 0
        self.alone = False
        self.ended = False  # whether the decoder gave all that it had, so that what it gave is all there is
        self.jpeg = stream.codec_context.codec.name == "mjpeg"

    def __iter__(self) -> Iterator:
        import av

        try:
            for packet in self.container.demux(self.stream):
                if packet.size:
                    if packet.is_corrupt:
                        raise self.cut_off(f"packet {self.packets} is incomplete")
                    self.packets += 1
                    self.hidden += packet.is_discard  # left out by an edit list: stored, not shown
                yield packet
        except av.error.FFmpegError as error:
            raise self.cut_off(f"reading stops after packet {self.packets}") from error

    @property
    def shown(self) -> int:
        """Frames that the packets so far hold and a player shows."""
        return self.packets - self.hidden

    def following(self, index: int) -> float:
        """The first wanted frame from this one on; infinite when there is none."""
        if self.wanted is None:
            return index
        position = bisect_left(self.wanted, index)
        return self.wanted[position] if position < len(self.wanted) else math.inf

    def decode(self, packet: Packet | None) -> list[VideoFrame]:
        """Frames that the decoder gives for a packet, or gives up at the end of a run (None)."""
        import av

        # without its beginning a JPEG is decoded with the tables of the one before, to a wrong picture
        if self.jpeg and packet.size and bytes(memoryview(packet)[:2]) != JPEG_START:
            raise self.damaged(self.decoded)
        try:
            frames = self.stream.codec_context.decode(packet)
        except (av.error.FFmpegError, EOFError) as error:
            raise self.damaged(self.decoded) from error
        for offset, frame in enumerate(frames):
            if frame.is_corrupt:
                raise self.damaged(self.decoded + offset)
        return frames

    def wants(self, index: int) -> bool:
        return self.following(index) == index

    def damaged(self, index: int) -> StudyError:
        # frames that lean on each other: the decoder notices damage some frames late
        where = f"frame {index} of the video is damaged" if self.alone else f"the video is damaged near frame {index}"
        return StudyError(where, file=self.name, fix=_AGAIN)

    def cut_off(self, what: str) -> StudyError:
        said = f" of {self.stream.frames}" if self.stream.frames else ""
        return StudyError(f"the video is cut off or damaged: {what}{said}", file=self.name, fix=_AGAIN)

    def check_count(self, declared: int | None) -> None:
        """Compare what was found with the container's and the table's count."""
        found = self.decoded if self.ended else self.shown
        expected = self.stream.frames - self.hidden if self.stream.frames else 0
        if found < expected:
            raise StudyError(
                f"the video is truncated: it holds {found} frames, its container says {expected}",
                file=self.name,
                fix=_AGAIN,
            )
        if declared is not None and found < declared:
            raise StudyError(
                f"the video is truncated: it holds {found} frames, {declared} are declared",
                file=self.name,
                fix=f"{_AGAIN}, or correct the number of frames",
            )
        if self.last is not None and self.last >= found:
            raise StudyError(
                f"frame {self.last} is wanted, the video holds {found} (0 to {found - 1})",
                file=self.name,
                fix="correct the frame's number, or export the clip again",
            )
        if found == 0:
            raise StudyError("the video holds no frame", file=self.name, fix=_AGAIN)


def _frames_alone(clip: _Clip) -> Iterator[VideoFrame]:
    """Each packet is one frame that needs no other: decode the wanted ones only."""
    clip.alone = True
    for packet in clip:
        if packet.size and clip.wants(clip.packets - 1):
            clip.decoded = clip.packets - 1
            frames = clip.decode(packet)
            if len(frames) != 1:
                raise clip.damaged(clip.packets - 1)
            yield frames[0]


def _frames_in_order(clip: _Clip) -> Iterator[VideoFrame]:
    """Frames lean on each other: decode up to the last wanted one, from where each run of them can be entered."""
    entry = Entries(clip.stream.codec_context)
    held, held_bytes = [], 0  # packets since an entry of which no frame is known to be wanted; None: decoding
    for packet in clip:
        if clip.last is not None and clip.decoded > clip.last:
            continue  # still counted by the walk, so that a truncated clip is found
        first = clip.shown - (packet.size > 0 and not packet.is_discard)
        if entry(packet) and (held is not None or clip.following(first) > first):
            if held is None:
                yield from _counted(clip, None)
                if clip.decoded != first:
                    raise clip.damaged(clip.decoded)
                clip.stream.codec_context.flush_buffers()
            held, held_bytes, clip.decoded = [], 0, first
        if held is not None:
            held.append(packet)
            held_bytes += packet.size
            if clip.shown <= clip.following(clip.decoded) and held_bytes < MOST_HELD:
                continue
        for waiting in held or [packet]:
            yield from _counted(clip, waiting)
        held = None
        clip.ended = not packet.size


def _counted(clip: _Clip, packet: Packet | None) -> Iterator[VideoFrame]:
    """Decode a packet, count its frames and give the wanted ones."""
    for frame in clip.decode(packet):
        if clip.wants(clip.decoded):
            yield frame
        clip.decoded += 1


def to_grey(frame: VideoFrame) -> np.ndarray:
    """Grey pixels of a decoded frame, uint8 (height, width).

    The luma that the clip itself stores is taken as it is (0 to 255, or 16 to 235 stretched), without a
    way through RGB; clips stored as RGB, palette or with more than 8 bits go through RGB and BT.601.
    """
    known_full = frame.format.name in _FULL_RANGE
    if known_full or frame.format.name in _LIMITED_RANGE:
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        grey = rows[: frame.height, : frame.width]
        full = known_full or int(frame.color_range) == _JPEG_RANGE
        return grey.copy() if full else np.take(_STRETCH, grey)
    return luma(frame.to_ndarray(format="rgb24"))

"""Where the compressed frames of a DICOM file lie, found without reading them.

Compressed frames are stored as fragments, one or several a frame. Only the head of each fragment is read here (its
length, and how it begins), so that a few frames of a long clip cost a few reads, whatever the clip's length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from helpers.data.errors import StudyError

_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0c")  # JPEG and JPEG-LS, JPEG 2000, JP2
_PIXELS = b"\xe0\x7f\x10\x00"
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_UNDEFINED = 0xFFFFFFFF
_RLE = "1.2.840.10008.1.2.5"
_AGAIN = "export the file again from the scanner or the archive"


@dataclass(frozen=True)
class CodedFrames:
    """The compressed frames of one file; `pieces[i]` holds offset and length of the fragments of frame i."""

    path: Path
    pieces: tuple[tuple[tuple[int, int], ...], ...]

    def read(self, index: int) -> bytes:
        """One compressed frame, joined from its fragments."""
        with self.path.open("rb") as handle:
            return b"".join(_at(handle, offset, length) for offset, length in self.pieces[index])


@dataclass
class _Found:
    """What the walk over the fragments has met."""

    table: tuple[int, ...]
    first: int  # offset of the first fragment's item
    items: list[int]
    lengths: list[int]
    begins: list[bool]
    whole: bool  # False when the file ends within a fragment


def find_frames(
    path: Path, start: int, *, syntax: str, frames: int, extended: Sequence[int] | None = None
) -> CodedFrames:
    """Find every compressed frame and check that they are as many as the header says.

    A frame begins where a fragment begins like an image. Where the beginning of one is damaged, the file's own
    table of offsets (basic or extended) says where frames begin, or there is one fragment a frame; so a damaged
    frame is an error only for those who want it.

    Parameters
    ----------
    path : Path
        The file.
    start : int
        Offset of the pixel data element.
    syntax : str
        Transfer syntax.
    frames : int
        Frames that the header says.
    extended : sequence of int or None
        Extended offset table of the header.

    Raises
    ------
    StudyError
        If there are no pixel data, they are cut off, or hold another number of frames.
    """
    with path.open("rb", buffering=0) as handle:
        found = _walk(handle, start, path)
    count = len(found.items)
    begins = [True] * count if syntax == _RLE else found.begins  # run lengths: one fragment a frame
    starts = [i for i in range(count) if i == 0 or begins[i]]
    if len(starts) != frames:
        offsets = {item - found.first: i for i, item in enumerate(found.items)}
        for table in (found.table, tuple(extended or ())):
            listed = [offsets.get(offset, -1) for offset in table]
            # a table is believed when it leads to fragments, and leaves out none that begins like an image
            if len(listed) == frames and min(listed) == 0 and set(starts) <= set(listed):
                starts = listed
                break
        else:
            if count == frames and 2 * len(starts) >= frames:
                starts = list(range(count))
    if not found.whole:
        raise StudyError(
            f"the DICOM header says {frames} frames, the file ends within frame {max(len(starts) - 1, 0)}",
            file=path.name,
            fix=_AGAIN,
        )
    if len(starts) != frames:
        raise StudyError(
            f"the DICOM header says {frames} frames, its pixel data hold {len(starts)}", file=path.name, fix=_AGAIN
        )
    ends = [*starts[1:], count]
    pieces = tuple(
        tuple((found.items[i] + 8, found.lengths[i]) for i in range(first, end))
        for first, end in zip(starts, ends, strict=True)
    )
    return CodedFrames(path, pieces)


def _walk(handle: BinaryIO, start: int, path: Path) -> _Found:
    size = path.stat().st_size
    head = _at(handle, start, 12)
    if head[:4] != _PIXELS:
        raise StudyError("the DICOM file holds no pixel data", file=path.name, fix=_AGAIN)
    if len(head) < 12 or struct.unpack_from("<I", head, 8)[0] != _UNDEFINED:
        raise _damaged(path, 0)
    position, table, found = start + 12, None, None
    while True:
        head = _at(handle, position, 20)
        tag, length = head[:4], int.from_bytes(head[4:8], "little")
        if tag == _END and found is not None:
            return found
        if len(head) < 8 or (tag == _ITEM and position + 8 + length > size):
            if found is None:
                raise _damaged(path, 0)
            # some writers leave out the closing mark: the count of frames decides then
            if head:
                _add(found, position, length, head[8:])
                found.whole = False
            return found
        if tag != _ITEM:
            raise _damaged(path, 0 if found is None else len(found.items))
        if table is None:
            content = _at(handle, position + 8, length)
            table = struct.unpack(f"<{length // 4}I", content[: length // 4 * 4])
            found = _Found(table, position + 8 + length, [], [], [], whole=True)
        else:
            _add(found, position, length, head[8:])
        position += 8 + length


def _add(found: _Found, position: int, length: int, begin: bytes) -> None:
    found.items.append(position)
    found.lengths.append(length)
    found.begins.append(begin.startswith(_STARTS))


def _at(handle: BinaryIO, offset: int, length: int) -> bytes:
    handle.seek(offset)
    return handle.read(length)


def _damaged(path: Path, fragments: int) -> StudyError:
    return StudyError(f"the DICOM's pixel data are damaged after {fragments} fragments", file=path.name, fix=_AGAIN)

"""Deflated DICOM files, which pydicom unpacks into memory whatever they unpack to: measured first, within a limit."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

from helpers.data.errors import StudyError

DEFLATED = "1.2.840.10008.1.2.1.99"
"""The one transfer syntax whose header is packed too."""
MOST = 2**29
"""Bytes that a deflated file may unpack to: about forty seconds of a cine loop of 640 x 480 pixels."""
_STEP = 2**20


class Measured(io.BufferedReader):
    """A file that looks at packed data before it hands them over.

    pydicom asks for all the rest of a file at once only where that rest is deflated; where it begins depends on how
    pydicom reads what comes before, so no second reader of these bytes could be trusted to find the same place.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1) -> bytes:
        """Bytes, as of any file.

        Raises
        ------
        StudyError
            If all the rest is asked for and unpacks to more than `MOST` bytes.
        """
        content = super().read(size)
        if size is None or size < 0:
            check_inflating(content, Path(self.name).name)
        return content


def check_inflating(content: bytes, name: str) -> None:
    """Refuse packed bytes that unpack to more than `MOST`; others, damaged ones among them, are left alone.

    Raises
    ------
    StudyError
        Naming the file.
    """
    unpacker, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(0, len(content), _STEP):
        rest = content[start : start + _STEP]
        while rest and not unpacker.eof:
            try:
                size += len(unpacker.decompress(rest, _STEP))
            except zlib.error:
                return
            rest = unpacker.unconsumed_tail
            if size > MOST:
                raise StudyError(
                    f"the deflated DICOM file unpacks to more than {MOST // 2**20} MiB",
                    file=name,
                    fix="export it uncompressed, or as JPEG baseline",
                )

"""Whole files or none: what a page writes appears at once, so a killed run leaves no half-written file."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip archive can hold
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write a file in one step: a temporary neighbour first, then a rename.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made when absent.
    content : bytes
        Everything the file shall hold.

    Returns
    -------
    Path
        The file written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_bytes(folder / "a" / "b.txt", b"whole").read_bytes()
    b'whole'
    >>> [path.name for path in (folder / "a").iterdir()]
    ['b.txt']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return path


def write_text(path: str | Path, text: str) -> Path:
    r"""Write UTF-8 text in one step, with `\n` line ends on every system."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, content: Mapping[str, object]) -> Path:
    """Write a JSON object in one step: sorted keys, UTF-8, no NaN (a missing number is null)."""
    return write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def frozen_zip(archive: bytes) -> bytes:
    """Give the same bytes for the same content: an Office file without its clock times.

    Parameters
    ----------
    archive : bytes
        A zip archive (XLSX, DOCX).

    Returns
    -------
    bytes
        The archive with every time of day set to 1980-01-01.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\3", content)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()

"""SHA-256 of files, remembered as long as the file system says that a file was not touched."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

_SETTLED = 2.0  # seconds: a file touched this recently may change again under the same time stamp


def file_hashes(files: Iterable[Path], memory: Path) -> dict[Path, str]:
    """Hash files, reading again only those that were touched since the last time.

    Parameters
    ----------
    files : paths
        Files that exist.
    memory : path
        JSON file with what is known; written when something is new. It holds hashes of paths, not paths.

    Returns
    -------
    dict
        Path to SHA-256 in hexadecimal.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a"); _ = file.write_bytes(b"abc")
    ...     file_hashes([file], Path(folder, "hashes.json"))[file][:8]
    'ba7816bf'
    """
    try:
        known = json.loads(memory.read_text())
        known = known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        known = {}
    found, new = {}, False
    for file in files:
        name = hashlib.sha256(os.fsencode(file)).hexdigest()
        status = file.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        old = known.get(name)
        if isinstance(old, list) and old[:-1] == stamp:
            found[file] = old[-1]
            continue
        with file.open("rb") as handle:
            found[file] = hashlib.file_digest(handle, "sha256").hexdigest()
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED:
            known[name] = [*stamp, found[file]]
            new = True
    if new:
        fresh = memory.with_name(f"{memory.name}.{os.getpid()}")
        fresh.write_text(json.dumps(known))
        os.replace(fresh, memory)
    return found

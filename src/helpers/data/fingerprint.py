"""What a study's data are, as one hash: its tables, and the content of every media file that they name.

A file is hashed once and remembered as long as the file system says that nobody touched it (see
`helpers.data.media.hashes`), with the memory that the cache of arrays has; so asking again costs a look at each file.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

from helpers.data.errors import StudyError

MEMORY = Path("build/cache/hashes.json")
FILES = (
    *("study.yaml", "cohort.csv", "media.csv", "frames.csv", "structures.csv", "reports.csv", "readings.csv"),
    *("flow.json", "simulation.csv", "simulation.json", "predictions.csv", "predictions.parquet"),
)
"""Files of a study's folder that chapters read, whatever the study."""
NAMING = {"media.csv": ("path", "mask", "volume_mask"), "structures.csv": ("path",)}
"""Tables that name further files, and the columns in which they do."""


def media(folder: str | Path, *, memory: str | Path = MEMORY) -> str:
    """SHA-256 over the names and contents of the files that `media.csv` and `structures.csv` name.

    Parameters
    ----------
    folder : path
        The study's folder.
    memory : path
        JSON file with the hashes of files that were not touched since; made when absent.

    Returns
    -------
    str
        Hexadecimal, the same on every machine; empty when no file is named. A name that leads to no file of the
        folder counts as a name alone: what is wrong with it, `helpers.data.check` says.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "media.csv").write_text("case_id,path\\nC1,one.png\\n")
    >>> _ = (folder / "one.png").write_bytes(b"pixels")
    >>> first = media(folder, memory=folder / "known.json")
    >>> _ = (folder / "one.png").write_bytes(b"others")
    >>> first == media(folder, memory=folder / "known.json")
    False
    """
    from helpers.data.media.files import resolve
    from helpers.data.media.hashes import file_hashes

    found: dict[str, Path | None] = {}
    for name in _named(Path(folder)):
        if name not in found:
            try:
                found[name] = resolve(folder, name)
            except StudyError:
                found[name] = None
    if not found:
        return ""
    memory = Path(memory)
    memory.parent.mkdir(parents=True, exist_ok=True)
    content = file_hashes({file for file in found.values() if file is not None}, memory)
    return _digest((name, content.get(file, "")) for name, file in sorted(found.items()))


def data(folder: str | Path, *, memory: str | Path = MEMORY) -> str | None:
    """SHA-256 over the bytes of a study's tables and settings and of the media that they name.

    Parameters
    ----------
    folder, memory : path
        As in `media`.

    Returns
    -------
    str or None
        Hexadecimal, the same on every machine; None when there is nothing.
    """
    parts = [(name, Path(folder) / name) for name in FILES]
    found = [(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in parts if path.is_file()]
    return _digest([*found, ("", media(folder, memory=memory))]) if found else None


def _named(folder: Path) -> Iterator[str]:
    """Every file that a table names, as it is written there."""
    for table, columns in NAMING.items():
        try:
            with (folder / table).open(encoding="utf-8-sig", errors="replace", newline="") as file:
                rows = csv.reader(file)
                header = [name.strip() for name in next(rows, [])]
                places = [header.index(column) for column in columns if column in header]
                for row in rows:
                    yield from (row[place].strip() for place in places if place < len(row) and row[place].strip())
        except (OSError, csv.Error):
            continue


def _digest(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for name, content in pairs:
        digest.update(f"{name}\0{content}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()

"""What ThyroBook wrote into a study folder, so that nothing else there is ever replaced or removed.

Whoever writes simulated or outside cases leaves `made_by_thyrobook.json` beside them: the tables with their SHA-256,
the media with their sizes. What that file does not list, or lists otherwise, may be somebody's own data: a build stops
before it starts, and `make clean` leaves it. The list is written before the files are, so a killed run knows its own.

`make clean` runs `python -m helpers.data.made data`; only the standard library is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.data.errors import StudyError

MARKER = "made_by_thyrobook.json"
MEDIA = "media"
# every name that a generator or an adapter writes
TABLES = (
    "cohort.csv",
    "media.csv",
    "frames.csv",
    "readings.csv",
    "reports.csv",
    "structures.csv",
    "flow.json",
    "simulation.csv",
    "simulation.json",
)
NOISE = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave in folders that were looked at
SHOWN = 3  # files that a message names


def foreign(folder: str | Path) -> list[str]:
    """Names of tables and media in a study folder that ThyroBook did not write, or that were changed since.

    Parameters
    ----------
    folder : path
        The study folder.

    Returns
    -------
    list of str
        Relative to the folder, such as `cohort.csv` or `media/P1/clip.dcm`; empty when all is ours, or nothing there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "cohort.csv").write_text("patient_id")
    >>> foreign(folder)
    ['cohort.csv']
    """
    folder = Path(folder)
    known = _read(folder)
    found = []
    for name in TABLES:
        path = folder / name
        if os.path.lexists(path) and (path.is_symlink() or _hash(path) != known["files"].get(name)):
            found.append(name)
    media = folder / MEDIA
    if media.is_symlink() or media.is_file():
        return [*found, MEDIA]
    return found + [
        name
        for name, size in _sizes(media).items()
        if known["media"].get(name) != size and Path(name).name not in NOISE
    ]


def refuse_foreign(folder: str | Path) -> None:
    """Stop before tables or media that are not ours would be replaced.

    Parameters
    ----------
    folder : path
        A study folder whose `study.yaml` says that its cases are simulated or come from outside.

    Raises
    ------
    StudyError
        Naming the files and both ways out.
    """
    found = foreign(folder)
    if not found:
        return
    named = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
    tops = dict.fromkeys(name.split("/")[0] for name in found)
    remove = shlex.join(["rm", "-r", *(f"{folder}/{name}" for name in tops)])
    raise StudyError(
        f"{named}: not written by this version of ThyroBook, or changed since, and source.kind asks for cases that "
        "are; nothing was touched",
        file=str(folder),
        fix=f"if they are your own, write source: {{kind: own}} into {folder}/study.yaml, or move them to a folder of "
        f"their own; if an earlier version made them, {remove}",
    )


def publish(work: Path, folder: Path, tables: Sequence[str], *, kind: str, by: str) -> None:
    """Move finished tables, and `media/` where there is one, into the study folder, in place of our earlier ones.

    Parameters
    ----------
    work, folder : Path
        Where the files grew, and the study folder.
    tables : sequence of str
        Of `TABLES`, in the order of moving; the one that says "complete" comes last.
    kind, by : str
        `simulated` or `outside`, and which generator or adapter.

    Raises
    ------
    StudyError
        If the folder holds tables or media that are not ours; nothing is touched then.
    """
    refuse_foreign(folder)
    remove(folder)
    files = {name: _hash(work / name) for name in tables}
    _write(folder, {"kind": kind, "by": by, "files": files, "media": _sizes(work / MEDIA)})
    if (work / MEDIA).is_dir():
        (work / MEDIA).rename(folder / MEDIA)
    for name in tables:
        (work / name).replace(folder / name)


def keep(folder: str | Path, name: str, text: str) -> None:
    """Write one more table of ours beside those that were published."""
    folder, data = Path(folder), text.encode("utf-8")
    about = _read(folder)
    about["files"][name] = hashlib.sha256(data).hexdigest()
    _write(folder, about)
    (folder / name).write_bytes(data)


def remove(folder: str | Path) -> list[str]:
    """Remove what ThyroBook wrote into a study folder, and nothing else.

    Returns
    -------
    list of str
        What was left because it was not ours, or was changed since; the list of ours then stays too.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "readings.csv").write_text("reader")
    >>> remove(folder)
    []
    >>> sorted(path.name for path in folder.iterdir())
    ['readings.csv']
    """
    folder = Path(folder)
    if not (folder / MARKER).is_file():
        return []
    known, left = _read(folder), foreign(folder)
    for name in known["files"]:  # sorted, so cohort.csv goes first: without it the study counts as empty
        if name not in left:
            (folder / name).unlink(missing_ok=True)
    if MEDIA not in left:
        for name in _sizes(folder / MEDIA):  # what lies there, not what is listed: no link is followed
            if name not in left and Path(name).name not in NOISE:
                (folder / name).unlink()
        _prune(folder / MEDIA)
    if not left:
        (folder / MARKER).unlink()
    return left


def _read(folder: Path) -> dict[str, Any]:
    """Our list; an unreadable one lists nothing, so that nothing counts as ours."""
    try:
        about = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        files, media = dict(about["files"]), dict(about["media"])
    except (OSError, ValueError, KeyError, TypeError):
        return {"files": {}, "media": {}}
    # a name that leads elsewhere is not one that we wrote
    files = {name: value for name, value in files.items() if name in TABLES}
    media = {
        name: value for name, value in media.items() if name.split("/")[0] == MEDIA and ".." not in name.split("/")
    }
    return {**about, "files": files, "media": media}


def _write(folder: Path, about: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = folder / f".{MARKER}.part"
    part.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
    part.replace(folder / MARKER)


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _sizes(media: Path) -> dict[str, int]:
    """Bytes of every file below `media/`, by its name from the study folder; of a link -1, which none of ours is."""
    found = {}
    for place, folders, files in os.walk(media):
        for name in [*files, *(name for name in folders if Path(place, name).is_symlink())]:
            path = Path(place, name)
            where = path.relative_to(media.parent).as_posix()
            found[where] = -1 if path.is_symlink() else path.stat().st_size
    return dict(sorted(found.items()))


def _prune(media: Path) -> None:
    """Remove folders that hold nothing but what file managers leave."""
    for place, folders, files in os.walk(media, topdown=False):
        if all(name in NOISE for name in files) and not any(Path(place, name).exists() for name in folders):
            for name in files:
                Path(place, name).unlink()
            Path(place).rmdir()


def main(arguments: Sequence[str]) -> int:
    """Remove what ThyroBook wrote into the study folders below a folder; say what was left."""
    for marker in sorted(Path(arguments[0]).glob(f"*/{MARKER}")):
        left = remove(marker.parent)
        if left:
            print(f"{marker.parent}: left, because it was not made here or was changed: {', '.join(left)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Outside data: declared once in `data/registry.yaml`, found or fetched, never committed.

From the command line: `python -m helpers.data.registry fetch [NAME ...]`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field, field_validator

from helpers.data.errors import StudyError
from helpers.data.profiles import Part

REGISTRY = Path("data/registry.yaml")
FETCHED = Path("build/outside")
VARIABLE = "THYROBOOK_DATA"


class OutsideFile(Part):
    """One file of a set."""

    at: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    licence: str = ""
    origin: str = ""


class OutsideSet(Part):
    """A set as declared: what it is, where it comes from, under which licence, and the hash of every file."""

    title: str
    content: str
    organ: str
    source: str
    commit: str
    base: str
    doi: str | None
    licence: str
    citation: str
    files: dict[str, OutsideFile]

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, OutsideFile]) -> dict[str, OutsideFile]:
        for name in files:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"{name} leaves the folder of the set")
        return files


@cache
def sets() -> dict[str, OutsideSet]:
    """All declared sets, by name."""
    raw = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    return {name: OutsideSet.model_validate(entry) for name, entry in raw.items()}


def declared(name: str) -> OutsideSet:
    """One set.

    Raises
    ------
    StudyError
        If no set has this name.
    """
    if name not in sets():
        raise StudyError(f"no outside set is called {name!r}", key="source.sets", fix=f"use {', '.join(sets())}")
    return sets()[name]


def locate(name: str, *, verify: bool = False) -> Path | None:
    """Folder that holds a set: below the folder named by THYROBOOK_DATA, or fetched.

    Parameters
    ----------
    name : str
    verify : bool
        Compare every file's SHA-256; otherwise its presence and size.

    Returns
    -------
    Path or None
        None when a file is absent or another one than declared.
    """
    wanted = declared(name).files
    roots = [Path(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []
    for root in [*roots, FETCHED]:
        folder = root / name
        if all(_same(folder / file, entry, verify) for file, entry in wanted.items()):
            return folder
    return None


def fetch(name: str, *, target: Path = FETCHED, base: str | None = None) -> Path:
    """Fetch a set from its declared source; files that are there already are kept.

    Parameters
    ----------
    name : str
    target : path
        Folder that receives the folder of the set.
    base : str, optional
        Another address with the same files.

    Returns
    -------
    Path
        The folder of the set.

    Raises
    ------
    ValueError
        If a file's SHA-256 is not the declared one; nothing of it stays.
    requests.RequestException
        If the source cannot be reached.
    """
    import pooch

    entry = declared(name)
    folder = target / name
    getter = pooch.create(
        path=folder,
        base_url=base or entry.base,
        registry={file: f"sha256:{one.sha256}" for file, one in entry.files.items()},
        urls={file: (base or entry.base) + one.at for file, one in entry.files.items()},
        retry_if_failed=2,
    )
    for file in entry.files:
        getter.fetch(file)
    return folder


def how_to_get(name: str) -> str:
    """What a set is and how to get it, in Markdown."""
    entry = declared(name)
    size = sum(one.bytes for one in entry.files.values()) / 1e6
    doi = f" Data: [doi:{entry.doi}](https://doi.org/{entry.doi})." if entry.doi else ""
    return (
        f"**{entry.title}**\n\n{entry.content} Licence: {entry.licence}. Source: {entry.source}, commit "
        f"`{entry.commit[:12]}`.{doi}\n\nPlease cite: {entry.citation}\n\n"
        f"To get it ({size:.1f} MB), run `make data`; or set `{VARIABLE}` to a folder that holds it as `{name}/`. "
        "Then run `make book` again."
    )


def _same(path: Path, entry: OutsideFile, verify: bool) -> bool:
    if not path.is_file() or path.stat().st_size != entry.bytes:
        return False
    return not verify or hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256


def main(names: Iterable[str]) -> int:
    """Find or fetch sets, one line each; the exit status is 1 when one could not be had."""
    status = 0
    for name in names or sets():
        found = locate(name, verify=True)
        if found is not None:
            print(f"{name}: here, every file as declared")
            continue
        try:
            fetch(name)
            print(f"{name}: fetched from {declared(name).source}")
        except Exception as error:  # whatever keeps one set away must not keep the others away
            print(f"{name}: cannot be had ({json.dumps(str(error)[:200])})", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    if sys.argv[1:2] != ["fetch"]:
        sys.exit("usage: python -m helpers.data.registry fetch [NAME ...]")
    sys.exit(main(sys.argv[2:]))

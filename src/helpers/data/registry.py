"""Outside data: declared once in `data/registry.yaml`, found or fetched, never committed.

From the command line: `python -m helpers.data.registry fetch [NAME ...]`. Paths are relative to the repository root,
from which the build runs.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import quote

import yaml
from pydantic import Field, ValidationError, model_validator

from helpers.data.errors import StudyError
from helpers.data.profiles import Part

REGISTRY = Path("data/registry.yaml")
FETCHED = Path("build/outside")
VARIABLE = "THYROBOOK_DATA"
HASH = Field(pattern=r"^[0-9a-f]{64}$")


class Excerpt(Part):
    """How a file is cut from a larger one at the source: the header and the lines that hold a text, with LF ends."""

    lines_with: str = Field(min_length=1)
    sha256: str = HASH  # of the file at the source


class OutsideFile(Part):
    """One file of a set: where it lies at the source, its hash and size, its own licence and origin if it has one."""

    at: str | None = None
    sha256: str = HASH
    bytes: int = Field(gt=0)
    excerpt: Excerpt | None = None
    licence: str = ""
    origin: str = ""


class OutsideSet(Part):
    """A set as declared: what it is, where it comes from, under which licence, and the hash of every file.

    `base` is the address below which every file lies at its `at`. A set whose files have no `at` was converted from
    what lies at `base`, and is got by hand.
    """

    title: str
    content: str
    organ: str
    source: str
    commit: str
    base: str = Field(pattern=r"^https?://.*/$")
    doi: str | None
    licence: str
    citation: str
    files: dict[str, OutsideFile] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> OutsideSet:
        for name in self.files:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"files: {name} leaves the folder of the set")
        if len({file.at is None for file in self.files.values()}) > 1:
            raise ValueError("files: either all have `at` or none")
        return self

    @property
    def by_hand(self) -> bool:
        """Whether the files are not at the source as they are."""
        return any(file.at is None for file in self.files.values())

    @property
    def megabytes(self) -> float:
        """Size of all files, in units of a million bytes."""
        return sum(file.bytes for file in self.files.values()) / 1e6


@cache
def sets() -> dict[str, OutsideSet]:
    """All declared sets, by name.

    Raises
    ------
    StudyError
        If the registry is not there or an entry is wrong.
    """
    if not REGISTRY.is_file():
        raise StudyError("the registry is not here", file=str(REGISTRY), fix="run from the repository root")
    raw = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    found = {}
    for name, entry in raw.items():
        try:
            found[name] = OutsideSet.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join([name, *map(str, first["loc"])])
            raise StudyError(first["msg"], file=str(REGISTRY), key=key, fix="correct the entry") from None
    return found


def declared(name: str) -> OutsideSet:
    """One set.

    Raises
    ------
    StudyError
        If no set has this name.

    Examples
    --------
    >>> clips = declared("lung_cine_clips")
    >>> clips.organ, len(clips.files), round(clips.megabytes, 1)
    ('lung', 14, 6.1)
    """
    if name not in sets():
        raise StudyError(f"no outside set is called {name!r}", key="source.sets", fix=f"use {', '.join(sets())}")
    return sets()[name]


def locate(name: str, *, root: str | Path | None = None, verify: bool = False) -> Path | None:
    """Folder that holds a set: below the folder named by THYROBOOK_DATA, or fetched.

    Parameters
    ----------
    name : str
        A declared set.
    root : path, optional
        Look below this folder only.
    verify : bool
        Compare every file's SHA-256; otherwise its presence and size.

    Returns
    -------
    Path or None
        None when no place holds every file as declared.
    """
    wanted = declared(name)
    places = [Path(root)] if root is not None else _places()
    return next((p / name for p in places if not faults(p / name, wanted, verify=verify)), None)


def faults(folder: Path, wanted: OutsideSet, *, verify: bool = False) -> list[str]:
    """What keeps a folder from being a set: files that are absent, of another size, or changed; one line each."""
    found = []
    for name, entry in wanted.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is absent")
        elif (about := path.stat()).st_size != entry.bytes:
            found.append(f"{name} has {about.st_size} bytes, not {entry.bytes}")
        elif verify and _sha256(path, about.st_size, about.st_mtime_ns) != entry.sha256:
            found.append(f"{name} is another file than declared (SHA-256)")
    return found


def fetch(name: str, *, target: str | Path | None = None, base: str | None = None, retries: int = 2) -> Path:
    """Fetch a set from its declared source; files that are there already are kept.

    Parameters
    ----------
    name : str
        A declared set.
    target : path, optional
        Folder that receives the folder of the set; `build/outside` when absent.
    base : str, optional
        Another address, with a slash at the end, that has the same files at the same places.
    retries : int
        Further attempts for a file that fails, 1 s, 2 s, ... apart.

    Returns
    -------
    Path
        The folder of the set.

    Raises
    ------
    StudyError
        If the source cannot be reached, a file's SHA-256 is not the declared one (nothing of it stays), or the set
        is got by hand.
    """
    import pooch
    import requests

    wanted, folder = declared(name), Path(target or FETCHED) / name
    base = base or wanted.base
    if wanted.by_hand:
        raise StudyError(f"{name} has no address to fetch from", fix=f"get it by hand from {base}")
    at_source = {file: entry.excerpt or entry for file, entry in wanted.files.items()}
    getter = pooch.create(
        path=folder,
        base_url=base,
        registry={_kept(file, one): f"sha256:{one.sha256}" for file, one in at_source.items()},
        urls={_kept(file, one): base + quote(wanted.files[file].at) for file, one in at_source.items()},
        retry_if_failed=retries,
    )
    for file, entry in wanted.files.items():
        try:
            got = Path(getter.fetch(_kept(file, at_source[file])))
        except (ValueError, requests.RequestException, OSError) as error:
            raise StudyError(
                f"{file} of {name} cannot be had from {base} ({str(error).splitlines()[0][:200]})",
                fix=f"try again later, or set {VARIABLE} to a folder that holds {name}/",
            ) from error
        if entry.excerpt:
            _write_excerpt(got, folder / file, entry.excerpt.lines_with)
    left = faults(folder, wanted, verify=True)
    if left:
        raise StudyError(f"{name} was fetched, but {left[0]}", fix="report it; the registry contradicts itself")
    return folder


def how_to_get(name: str) -> str:
    """What a set is, its licence and citation, and how to get it, in Markdown.

    Examples
    --------
    >>> print(how_to_get("neck_carotid_bmode").splitlines()[0])
    **Neck images with expert masks of the common carotid artery (sample)**
    """
    entry = declared(name)
    doi = f" Data: [doi:{entry.doi}](https://doi.org/{entry.doi})." if entry.doi else ""
    way = f"convert what lies at <{entry.base}>, and" if entry.by_hand else "run `make data`; or"
    return (
        f"**{entry.title}**\n\n{entry.content} Licence: {entry.licence}. Source: {entry.source}, commit "
        f"`{entry.commit[:12]}`.{doi}\n\nPlease cite: {entry.citation}\n\n"
        f"To get it ({entry.megabytes:.1f} MB), {way} set `{VARIABLE}` to a folder that holds it as `{name}/`. "
        "Then run `make book` again."
    )


def main(names: Sequence[str] = ()) -> int:
    """Find or fetch sets, one line each: all that can be fetched, or the named ones.

    Returns
    -------
    int
        Exit status; 1 when a set could not be had.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    status = 0
    for name in names or sets():
        try:
            found = locate(name, verify=True)
            if found is not None:
                print(f"found    {name}: {found}")
            elif not names and declared(name).by_hand:
                print(f"by hand  {name}: {declared(name).base}")
            else:
                print(f"fetched  {name}: {fetch(name)}", flush=True)
        except StudyError as error:  # what keeps one set away must not keep the others away
            print(f"cannot   {name}: {error}", flush=True)
            status = 1
    return status


def _places() -> list[Path]:
    named = os.environ.get(VARIABLE)
    return [*([Path(named).expanduser()] if named else []), FETCHED]


@lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, modified: int) -> str:
    """Hash of a file; size and time of change are part of the key, so that only a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(file: str, one: OutsideFile | Excerpt) -> str:
    """Name under which a file is kept as it came; an excerpt's original lies beside it."""
    return f"{file}.source" if isinstance(one, Excerpt) else file


def _write_excerpt(source: Path, target: Path, text: str) -> None:
    header, *lines = source.read_text(encoding="utf-8").splitlines()
    part = target.with_name(target.name + ".part")
    part.write_text("\n".join([header, *(x for x in lines if text in x)]) + "\n", encoding="utf-8", newline="\n")
    part.replace(target)


if __name__ == "__main__":
    if sys.argv[1:2] != ["fetch"]:
        sys.exit("usage: python -m helpers.data.registry fetch [NAME ...]")
    sys.exit(main(sys.argv[2:]))

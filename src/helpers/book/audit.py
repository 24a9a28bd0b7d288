"""Look over a built book before it is published: no dead link, no heavy page, no number that is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from helpers.book.mend import pages_of

LIMIT = 3_000_000  # bytes that a page may bring along; clips are read when they are played
LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "srcset")}
LINKS = {"a": "href", "area": "href", "img": "src", "script": "src", "link": "href", "source": "src", "video": "poster"}
ASIDE = {"script", "style", "pre", "code"}
_NO_NUMBER = re.compile(r"(?<![\w./-])nan(?![\w./-])")
_LEFT = ("preconnect", "canonical", "search")
_NEIGHBOURS = ("next", "prev", "index", "author", "help")  # pages that a head names and nothing loads


@dataclass
class Seen:
    """What one page names.

    Parameters
    ----------
    targets : set of str
        Anchors that the page has.
    links : list of (tag, attribute, address)
        Addresses, outside ones too.
    nowhere : list of str
        Text in which a number is "nan": a statement was computed where there was nothing to compute it from.
    """

    targets: set[str] = field(default_factory=set)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    nowhere: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self.aside = 0  # open elements whose text is none of the page's sentences

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.aside += tag in ASIDE
        about = {name: value or "" for name, value in attrs}
        self.seen.targets.update(about[name] for name in ("id", "name") if about.get(name))
        name, kinds = LINKS.get(tag), about.get("rel", "").split()
        if tag == "link" and any(kind in kinds for kind in _LEFT):
            return
        if tag == "link" and any(kind in kinds for kind in _NEIGHBOURS):
            tag = "a"
        if name and name in about:
            self.seen.links.append((tag, name, about[name]))

    def handle_endtag(self, tag: str) -> None:
        self.aside -= tag in ASIDE

    def handle_data(self, data: str) -> None:
        if not self.aside and (found := _NO_NUMBER.search(data)):
            self.seen.nowhere.append(data[max(0, found.start() - 40) : found.end() + 20].strip())


def read(page: str | Path) -> Seen:
    """Anchors and addresses of one page."""
    reader = _Reader()
    reader.feed(Path(page).read_text(encoding="utf-8"))
    return reader.seen


def local(address: str) -> bool:
    """Whether an address leads to a file of the book.

    Examples
    --------
    >>> [local(a) for a in ("a.html#b", "#b", "https://doi.org/1", "mailto:a@b", "data:x", "//host/a")]
    [True, True, False, False, False, False]
    """
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def faults(html: str | Path, *, limit: int = LIMIT) -> list[str]:
    """Every dead link, every page that is too large and every number that is none, in words.

    Parameters
    ----------
    html : str or Path
        Folder of a built book.
    limit : int
        Bytes a page may bring along: itself, style sheets, scripts and pictures, each once.

    Returns
    -------
    list of str
        One line a fault, with the page; empty when there is none.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.html").write_text('<a id="x" href="#x"></a><a href="#y"></a><a href="b.html"></a>')
    >>> faults(folder)
    ["a.html: no anchor '#y'", "a.html: no file 'b.html'"]
    """
    html = Path(html).resolve()
    pages = {path: read(path) for path in pages_of(html)}
    found = []
    for path, seen in pages.items():
        found += [f"{path.relative_to(html)}: {fault}" for fault in dict.fromkeys(_dead(path, seen, pages, html))]
        found += [f"{path.relative_to(html)}: no number in “{text}”" for text in dict.fromkeys(seen.nowhere)]
        size = weight(path, seen)
        if size > limit:
            found.append(f"{path.relative_to(html)}: {size / 1e6:.1f} MB, more than {limit / 1e6:.1f} MB")
    return found


def _dead(path: Path, seen: Seen, pages: dict[Path, Seen], html: Path) -> Iterator[str]:
    for _, _, address in seen.links:
        if not local(address):
            continue
        parts = urlsplit(address)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        anchor = unquote(parts.fragment)
        if not target.is_file():
            yield f"no file {address!r}"
        elif html not in target.parents:
            yield f"{address!r} leads out of the book"
        elif anchor and target in pages and anchor not in pages[target].targets and anchor != "top":
            yield f"no anchor {address!r}"


def weight(page: str | Path, seen: Seen | None = None) -> int:
    """Bytes that a page brings along from the book's folder: itself, style sheets, scripts and pictures."""
    page = Path(page)
    seen = seen or read(page)
    files = {page}
    for tag, name, address in seen.links:
        if (tag, name) in LOADED and local(address) and urlsplit(address).path:
            files.add((page.parent / unquote(urlsplit(address).path)).resolve())
    return sum(path.stat().st_size for path in files if path.is_file())

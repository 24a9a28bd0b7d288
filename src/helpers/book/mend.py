"""Make the theme's pages usable by everyone: names, roles and focus that its HTML leaves out."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from helpers.book.files import write_text

# what to find, and what to write; each finds nothing in a page that was mended before
MENDS: tuple[tuple[re.Pattern[str], str], ...] = (
    # the arrow that opens a part of the contents has a picture and no name
    (re.compile(r'<summary>(?=<span class="toctree-toggle")'), '<summary aria-label="Pages below this one">'),
    # the sidebar's title and search stand in no landmark
    (
        re.compile(r'<div class="sidebar-primary-items__start sidebar-primary__section">'),
        '<div class="sidebar-primary-items__start sidebar-primary__section" role="region" aria-label="Book">',
    ),
    # roles that the standard withdrew, and a list whose items are none
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    # the theme reads the search index (a quarter of a megabyte) on every page, for a search as one types that is off;
    # the page `search` has scripts of its own
    (
        re.compile(
            r'(<meta name="docsearch:version"[^>]*>)'
            r'(?:\s*<script src="[^"]*(?:_static/searchtools|_static/language_data|searchindex)\.js"></script>)+'
        ),
        r"\1",
    ),
    # what scrolls sideways can be scrolled by keyboard
    (
        re.compile(r'<div class="pst-scrollable-table-container">'),
        '<div class="pst-scrollable-table-container" tabindex="0" role="group" aria-label="Table, scrolls sideways">',
    ),
)

_LATE = re.compile(r'<img (?=[^>]*\bloading="lazy")(?![^>]*\bwidth=)[^>]*?\bsrc="(?P<source>[^":?#]+)"[^>]*>')
_SIDES = re.compile(r'<svg\b[^>]*?\swidth="(?P<width>[\d.]+)pt"\s+height="(?P<height>[\d.]+)pt"')


def mended(page: str) -> str:
    """A page's HTML with what the theme leaves out; a mended page stays as it is.

    Examples
    --------
    >>> mended('<summary><span class="toctree-toggle">')
    '<summary aria-label="Pages below this one"><span class="toctree-toggle">'
    """
    for pattern, text in MENDS:
        page = pattern.sub(text, page)
    return page


def sized(page: str, folder: str | Path) -> str:
    """A page's HTML whose pictures that load late say how large they are, so that their place is kept until then.

    Without it a page grows while it is read, and a link to a figure ends beside it.

    Parameters
    ----------
    page : str
    folder : str or Path
        Where the page lies; pictures are named from there.

    Examples
    --------
    >>> sized('<img alt="" loading="lazy" src="nowhere.svg" />', ".")
    '<img alt="" loading="lazy" src="nowhere.svg" />'
    """

    def told(found: re.Match[str]) -> str:
        picture = Path(folder) / unquote(found["source"])
        if not picture.is_file():
            return found[0]
        width, height = _pixels(picture)
        return f'{found[0][:5]}width="{width}" height="{height}" {found[0][5:]}'

    return _LATE.sub(told, page)


def _pixels(picture: Path) -> tuple[int, int]:
    """Width and height in CSS pixels."""
    if picture.suffix != ".svg":
        from PIL import Image

        with Image.open(picture) as opened:
            return opened.size
    with picture.open(encoding="utf-8") as lines:
        sides = _SIDES.search(lines.read(4000))
    if sides is None:
        raise ValueError(f"{picture.name}: the drawing does not say its width and height in points")
    return round(float(sides["width"]) * 4 / 3), round(float(sides["height"]) * 4 / 3)  # 96 pixels are 72 points


def pages_of(html: str | Path) -> list[Path]:
    """The book's own pages below its HTML folder, without the theme's parts.

    Examples
    --------
    >>> pages_of("nowhere")
    []
    """
    html = Path(html)
    return [p for p in sorted(html.rglob("*.html")) if not p.relative_to(html).parts[0].startswith("_")]


def mend(html: str | Path) -> int:
    """Mend all pages of a built book in place; returns how many were changed."""
    count = 0
    for path in pages_of(html):
        text = path.read_text(encoding="utf-8")
        if (better := sized(mended(text), path.parent)) != text:
            write_text(path, better)
            count += 1
    return count

"""Draw the theme's icons into the pages, so that no page loads the collection of thousands that they come from.

The theme brings 1.5 MB of drawings, as a script, to show about fifteen; it is half of what a page weighs and most of
the time until a page answers. The drawings are taken from the installed theme when the book is published.
"""

from __future__ import annotations

import html as text_of
import re
from pathlib import Path

from helpers.book.files import write_text

COLLECTION = "_static/scripts/fontawesome.js"
STYLES, SCRIPTS = "pydata-sphinx-theme.css", "pydata-sphinx-theme.js"  # of the theme, in folders beside each other
_ICON = re.compile(r'<i\s+class="(?P<classes>[^"]*\bfa[a-z]*\b[^"]*)"(?P<more>[^>]*)>\s*</i>')
_SCRIPT = re.compile(r"\s*<(?:script|link)\b[^>]*\bscripts/fontawesome\.js[^>]*>(?:</script>)?")
_NAMED = re.compile(r'(?:\.fa-[\w-]+:before,?)+\{content:"[^"]*"\}')
_MODIFIERS = {"fa-solid", "fa-regular", "fa-brands", "fa-lg", "fa-fw", "fa-sm", "fa-xs", "fa-xl", "fa-2x", "fa-spin"}


def drawing(collection: str, name: str) -> tuple[int, int, str]:
    """Width, height and path of one icon.

    Parameters
    ----------
    collection : str
        Text of the theme's script: `"name":[width,height,[other names],"code","path"]`. Solid icons come last.
    name : str
        Such as `chevron-down`.

    Raises
    ------
    KeyError
        If the collection has no such icon.

    Examples
    --------
    >>> drawing('{"up":[10,20,[],"f1","M0 0"]}', "up")
    (10, 20, 'M0 0')
    """
    escaped = re.escape(name)
    own = re.findall(rf'[{{,]"?{escaped}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]*)"\]', collection)
    also = re.findall(rf':\[(\d+),(\d+),\[[^\]]*"{escaped}"[^\]]*\],"\w+","([^"]*)"\]', collection)
    if not own and not also:
        raise KeyError(f"the theme's collection has no icon {name!r}")
    width, height, path = (own or also)[-1]
    return int(width), int(height), path


def drawn(page: str, collection: str) -> str:
    """A page with its icons as drawings and without the script; a page that has no icon stays as it is.

    Examples
    --------
    >>> drawn('<i class="fa-solid fa-up" title="Up"></i>', '{"up":[10,20,[],"f1","M0 0"]}')
    '<svg class="svg-inline--fa fa-solid fa-up" aria-hidden="true" focusable="false" viewBox="0 0 10 20">\
<path fill="currentColor" d="M0 0"></path></svg>'
    """

    def svg(match: re.Match[str]) -> str:
        classes = match["classes"].split()
        name = next((part for part in classes if part.startswith("fa-") and part not in _MODIFIERS), None)
        if name is None:
            return match[0]
        width, height, path = drawing(collection, name.removeprefix("fa-"))
        mode = re.search(r'data-mode="(\w+)"', match["more"])
        kept = f' data-mode="{mode[1]}"' if mode else ""
        start = f'<svg class="svg-inline--fa {" ".join(classes)}"{kept} aria-hidden="true" focusable="false"'
        return (
            f'{start} viewBox="0 0 {width} {height}"><path fill="currentColor" d="{text_of.escape(path)}"></path></svg>'
        )

    return _SCRIPT.sub("", _ICON.sub(svg, page))


def thinned(styles: str, scripts: str) -> str:
    """The theme's style sheet without the letter of each icon, a quarter of it; icons that scripts name keep theirs.

    Examples
    --------
    >>> thinned('.a{b:c}.fa-up:before,.fa-rise:before{content:"x"}.fa-x:before{content:"y"}', 'class="fa-x"')
    '.a{b:c}.fa-x:before{content:"y"}'
    """
    used = set(re.findall(r"\bfa-[\w-]+", scripts))

    def kept(match: re.Match[str]) -> str:
        return match[0] if used.intersection(re.findall(r"fa-[\w-]+", match[0])) else ""

    return _NAMED.sub(kept, styles)


def draw(html: str | Path, pages: list[Path]) -> None:
    """Draw the icons of some pages of a built book in place, and leave out the collection.

    Raises
    ------
    KeyError
        If a page has an icon that the theme's collection lacks.
    """
    path = Path(html) / COLLECTION
    if not path.is_file():
        return
    collection = path.read_text(encoding="utf-8")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if (better := drawn(text, collection)) != text:
            write_text(page, better)
    styles, scripts = path.parents[1] / "styles" / STYLES, path.parent / SCRIPTS
    write_text(styles, thinned(styles.read_text(encoding="utf-8"), scripts.read_text(encoding="utf-8")))
    for part in [path, *path.parent.glob("*.map"), *path.parent.glob("fontawesome.js.*")]:
        part.unlink(missing_ok=True)

"""What a view that is read from a file may put into a page: shapes and text, nothing that runs or fetches.

Results may come from somebody else. A scene is put into pages as it is, so it must be of the form that
`helpers.book.views.markup.element` writes, with the elements and attributes below; whatever else is there, a different
reading by a browser included, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from helpers.book.views.markup import VOID

HTML = ("b", "br", "div", "figcaption", "figure", "i", "li", "ol", "p", "span", "table", "td", "th", "tr", "ul")
DRAWN = ("circle", "g", "image", "line", "path", "rect", "svg", "text")
MARKS = ("aria-label", "class", "data-m", "display", "fill", "opacity", "overflow", "role", "scope", "stroke")
PLACES = ("cx", "cy", "d", "height", "r", "transform", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2")
ATTRIBUTES = frozenset((*MARKS, *PLACES, "href", "preserveAspectRatio", "stroke-width", "text-anchor"))
_PART = re.compile(
    r"""<(?P<end>/?)(?P<tag>[A-Za-z]+)(?P<attributes>(?:\x20[A-Za-z][A-Za-z0-9-]*="[^"<>]*")*)>|(?P<text>[^<>]+)"""
)
_ATTRIBUTE = re.compile(r""" ([A-Za-z][A-Za-z0-9-]*)="([^"<>]*)\"""")


def check(scene: Any, columns: Iterable[Any], *, pictures: Collection[str], files: Collection[str]) -> None:
    """Refuse a scene, or what controls put into its slots, that holds more than shapes, text and the view's pictures.

    Parameters
    ----------
    scene : str
    columns : iterable of helpers.book.views.view.Column
    pictures : collection of str
        Keys of the elements that show a picture.
    files : collection of str
        Names of the view's pictures.

    Raises
    ------
    ValueError
        Naming the element or the attribute.

    Examples
    --------
    >>> check('<p class="v-now">{{said:text}}</p>', [], pictures=(), files=())
    >>> check('<img src="x" onerror="alert(1)">', [], pictures=(), files=())
    Traceback (most recent call last):
    ...
    ValueError: the scene holds <img>
    """
    if not isinstance(scene, str):
        raise ValueError("the scene is no text")
    at, opened = 0, []
    while at < len(scene):
        part = _PART.match(scene, at)
        if part is None:
            raise ValueError(f"the scene holds {scene[at : at + 20]!r}")
        at, tag = part.end(), part["tag"]
        if tag is None:
            continue
        if tag not in HTML + DRAWN:
            raise ValueError(f"the scene holds <{tag}>")
        if part["end"]:
            if part["attributes"] or not opened or opened.pop() != tag:
                raise ValueError(f"the scene ends <{tag}> that it did not begin")
            continue
        if tag not in VOID:
            opened.append(tag)
        for name, value in _ATTRIBUTE.findall(part["attributes"]):
            _check_attribute(tag, name, value, pictures)
    if opened:
        raise ValueError(f"the scene does not end <{opened[-1]}>")
    for column in columns:
        _check_column(column, pictures, files)


def _check_attribute(tag: str, name: str, value: str, pictures: Collection[str]) -> None:
    if name not in ATTRIBUTES:
        raise ValueError(f"the scene gives <{tag}> the attribute {name}")
    shown = tag == "image" and any(value == f"{{{{{key}:href}}}}" for key in pictures)
    if (name == "href" and not shown) or "url(" in value.lower():
        raise ValueError(f"the scene leads elsewhere: {name}={value!r}")


def _check_column(column: Any, pictures: Collection[str], files: Collection[str]) -> None:
    name = column.attribute
    if name != "text" and name not in ATTRIBUTES:
        raise ValueError(f"a control sets the attribute {name}")
    if name == "href" and not (column.key in pictures and all(leaf in files for leaf in _leaves(column.values))):
        raise ValueError(f"a control shows a picture that the view lacks in {column.key}")
    if name in ("fill", "stroke") and any("url(" in str(leaf).lower() for leaf in _leaves(column.values)):
        raise ValueError(f"a control leads elsewhere: {name} of {column.key}")


def _leaves(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _leaves(value)
    else:
        yield values

"""HTML and SVG of a view as text: everything escaped, and slots for what a control may change."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

FINE = 0.25  # pixels; what is closer looks the same
VOID = frozenset({"br", "img", "input"})


class Slot:
    """Placeholder of an attribute or a text that a control changes; see `element`."""


SLOT = Slot()


class Markup(str):
    """Text that is already markup."""

    __slots__ = ()


def escape(text: object) -> str:
    """Text that stays text in HTML, in an attribute, and among slots.

    Examples
    --------
    >>> escape('<script>"{{a}}"')
    '&lt;script&gt;&quot;&#123;&#123;a}}&quot;'
    """
    return html.escape(str(text)).replace("{", "&#123;")


def element(tag: str, *children: object, key: str = "", **attributes: object) -> Markup:
    """One element. `SLOT` as a value, or as a child, is filled by the marks of `key`.

    Parameters
    ----------
    tag : str
    *children : Markup, str or SLOT
        A str is escaped.
    key : str
        Name of the element in the view's columns.
    **attributes : object
        `class_` is `class`; an underscore is a hyphen. None leaves the attribute out.

    Returns
    -------
    Markup

    Examples
    --------
    >>> element("text", "a<b", class_="x", x=1.50001)
    '<text class="x" x="1.5">a&lt;b</text>'
    >>> element("circle", key="point", cx=SLOT)
    '<circle data-m="point" cx="{{point:cx}}"></circle>'
    """
    written = [f'data-m="{escape(key)}"'] if key else []
    for name, value in attributes.items():
        if value is None:
            continue
        name = name.rstrip("_")
        name = name if name in ("viewBox", "preserveAspectRatio") else name.replace("_", "-")
        text = f"{{{{{key}:{name}}}}}" if value is SLOT else escape(short(value))
        written.append(f'{name}="{text}"')
    inside = "".join(_child(child, key) for child in children)
    start = " ".join([tag, *written])
    return Markup(f"<{start}>" if tag in VOID else f"<{start}>{inside}</{tag}>")


def _child(child: object, key: str) -> str:
    if child is SLOT:
        return f"{{{{{key}:text}}}}"
    return child if isinstance(child, Markup) else escape(child)


def short(value: object) -> object:
    """A coordinate with two digits; other values stay."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def fixed(value: float | None, digits: int = 0) -> str:
    """A number as the page's script writes it: ties away from zero, a true minus, a dash for none.

    Examples
    --------
    >>> fixed(12.5), fixed(-0.125, 2), fixed(float("nan")), fixed(-0.001, 1)
    ('13', '−0.13', '–', '0.0')
    """
    if value is None or value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    text = str(Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
    text = text.lstrip("-") if not any(digit in text for digit in "123456789") else text
    return text.replace("-", "−")


def percent(value: float | None, digits: int = 0) -> str:
    """A share in percent."""
    text = fixed(None if value is None else 100 * value, digits)
    return text if text == "–" else f"{text} %"


def interval(value: float, low: float, high: float, *, digits: int = 2) -> str:
    """A value with its limits, or alone where there are none."""
    if value != value:
        return "–"
    limits = f" ({fixed(low, digits)} to {fixed(high, digits)})" if low == low and high == high else ""
    return fixed(value, digits) + limits


@dataclass(frozen=True)
class Plot:
    """Axes of a small drawing: from data to the units of its `viewBox`.

    Parameters
    ----------
    x, y : (float, float)
        Range of the data.
    width, height : float
        Of the whole drawing.
    left, top, right, bottom : float
        Margins.
    """

    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    width: float = 320
    height: float = 300
    left: float = 52
    top: float = 14
    right: float = 12
    bottom: float = 46

    @property
    def wide(self) -> float:
        """Width of the data area."""
        return self.width - self.left - self.right

    @property
    def high(self) -> float:
        """Height of the data area."""
        return self.height - self.top - self.bottom

    def at_x(self, value: float) -> float:
        """Distance from the left edge of the data area."""
        return round((value - self.x[0]) / (self.x[1] - self.x[0]) * self.wide, 2)

    def at_y(self, value: float) -> float:
        """Distance from the upper edge of the data area."""
        return round((self.y[1] - value) / (self.y[1] - self.y[0]) * self.high, 2)

    def path(self, x: Sequence[float], y: Sequence[float]) -> str:
        """`d` of a line through points; points that are not numbers break it.

        Points that fall on the same quarter of a pixel as the one before are left out: a curve of a million cases
        would else be megabytes of what nobody sees.

        Examples
        --------
        >>> Plot(width=164, left=52).path([0, 1], [0, 1])
        'M0 240L100 0'
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        spans = (self.x[1] - self.x[0]) / self.wide, (self.y[1] - self.y[0]) / self.high
        cell = np.floor(np.stack([x / spans[0], y / spans[1]]) / FINE)
        kept = np.ones(x.size, dtype=bool)
        kept[1:-1] = (cell[:, 1:-1] != cell[:, :-2]).any(axis=0)  # what is not a number differs from itself
        out, pen = [], "M"
        for a, b in zip(x[kept].tolist(), y[kept].tolist()):
            if a != a or b != b:
                pen = "M"
                continue
            out.append(f"{pen}{short(self.at_x(a))} {short(self.at_y(b))}")
            pen = "L"
        return "".join(out)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
        """`d` of the area between two lines; points that are not numbers break it."""
        x, low, high = (np.asarray(part, dtype=float) for part in (x, low, high))
        known = np.isfinite(low) & np.isfinite(high)
        runs = np.split(np.arange(x.size), np.flatnonzero(known[1:] != known[:-1]) + 1)
        pieces = (run for run in runs if run.size and known[run[0]])
        return "".join(f"{self.path(x[p], low[p])}L{self.path(x[p][::-1], high[p][::-1])[1:]}Z" for p in pieces)

    def draw(
        self,
        *inside: Markup,
        title: str,
        xlabel: str,
        ylabel: str,
        xticks: Sequence[tuple[float, str]],
        yticks: Sequence[tuple[float, object]],
        over: Sequence[Markup] = (),
    ) -> Markup:
        """The drawing with its axes. A tick's text may be the key of a slot: `(0.5, Markup("key"))`."""
        parts = []
        for value, text in xticks:
            at = self.left + self.at_x(value)
            parts.append(element("line", class_="v-grid", x1=at, x2=at, y1=self.top, y2=self.top + self.high))
            parts.append(
                element("text", text, class_="v-tick", x=at, y=self.height - self.bottom + 17, text_anchor="middle")
            )
        for value, text in yticks:
            at = self.top + self.at_y(value)
            parts.append(element("line", class_="v-grid", x1=self.left, x2=self.width - self.right, y1=at, y2=at))
            where = {"class_": "v-tick", "x": self.left - 7, "y": at + 4, "text_anchor": "end"}
            slot = isinstance(text, Markup)
            parts.append(element("text", SLOT, key=str(text), **where) if slot else element("text", text, **where))
        middle = self.left + self.wide / 2
        parts.append(element("text", xlabel, class_="v-label", x=middle, y=self.height - 8, text_anchor="middle"))
        turn = f"translate(13 {short(self.top + self.high / 2)}) rotate(-90)"
        parts.append(element("text", ylabel, class_="v-label", transform=turn, text_anchor="middle"))
        area = element(
            "svg",
            *inside,
            x=self.left,
            y=self.top,
            width=self.wide,
            height=self.high,
            class_="v-area",
            overflow="hidden",
        )
        box = f"0 0 {short(float(self.width))} {short(float(self.height))}"
        shift = f"translate({self.left} {self.top})"
        top = element("g", *over, transform=shift)
        return element("svg", *parts, area, top, class_="v-plot", viewBox=box, role="img", aria_label=title)

"""Replay of a reader study: case by case, what every reader said without and with help, and where that leads."""

from __future__ import annotations

import numpy as np

from helpers.book.views.markup import SLOT, Markup, Plot, element, fixed
from helpers.book.views.view import Column, Control, View, columns
from helpers.data.study import Study
from helpers.stats.reader_study import ReaderStudy

PLAY = 350  # milliseconds a case
ROW = 26  # height of a reader's line
METHODS = (
    "Cases in the order of their numbers, which is not the order in which they were read. A point is drawn once a "
    "reader has read a positive and a negative case; after the last case it is the point of the chapter's figures, "
    "which have its interval."
)
SQUARE = Plot()
UNIT = tuple((v, f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1))


def build(read: ReaderStudy, settings: Study) -> View:
    """Replay the readings of a study.

    Parameters
    ----------
    read : ReaderStudy
    settings : Study
        For the names of the outcome.

    Returns
    -------
    View
    """
    rating, readers = read.cube.rating, read.readers  # (2, readers, cases)
    label = np.asarray(read.cube.label) == 1
    n = rating.shape[2]
    called, seen = rating >= read.cut, ~np.isnan(rating)
    sensitivity, specificity = running(called, seen, label)
    low, high = float(np.nanmin(rating)), float(np.nanmax(rating))
    strip = Plot(x=(low, high), width=480, height=40 + ROW * len(readers), left=110, right=16, top=14, bottom=26)
    names = (settings.outcome.negative, settings.outcome.positive)
    drawn = [*_points(sensitivity, specificity, readers), *_ratings(rating, called, seen, label, strip, readers)]
    drawn += columns(["case"], said={"text": _said(read, label, called, seen, names)})
    drawn += columns(["case"], after={"text": [_after(read, k, sensitivity, specificity) for k in range(n)]})
    told = tuple(f"{i + 1} of {n}" for i in range(n))
    controls = (
        Control("case", "range", "Cases read", told, n - 1, play=PLAY),
        Control("reader", "choice", "Reader", ("All readers", *readers)),
    )
    methods = f"{read.methods} {METHODS}"
    return View("replay", controls, tuple(drawn), _scene(read, strip, low, high), {}, (), {}, methods, n)


def running(called: np.ndarray, seen: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity and specificity after each case.

    Parameters
    ----------
    called, seen : bool arrays of shape (modalities, readers, cases)
    label : bool array of shape (cases,)

    Returns
    -------
    two arrays of shape (modalities, readers, cases)
        NaN until a positive, or a negative, case was read.

    Examples
    --------
    >>> called, label = np.array([[[True, False, True]]]), np.array([True, False, False])
    >>> [part.round(2).tolist() for part in running(called, called | True, label)]
    [[[[1.0, 1.0, 1.0]]], [[[nan, 1.0, 0.5]]]]
    """

    def share(hit: np.ndarray, among: np.ndarray) -> np.ndarray:
        total = np.cumsum(among, axis=2)
        return np.where(total > 0, np.cumsum(hit & among, axis=2) / np.maximum(total, 1), np.nan)

    return share(called, seen & label), share(~called, seen & ~label)


def _points(sensitivity, specificity, readers) -> list[Column]:
    out: list[Column] = []
    for r in range(len(readers)):
        known = ~np.isnan(sensitivity[:, r] + specificity[:, r])
        x = [[SQUARE.at_x(1 - v) if ok else 0 for v, ok in zip(*row)] for row in zip(specificity[:, r], known)]
        y = [[SQUARE.at_y(v) if ok else 0 for v, ok in zip(*row)] for row in zip(sensitivity[:, r], known)]
        both = ["inline" if ok else "none" for ok in known.all(axis=0)]
        for m, name in enumerate(("before", "with")):
            shown = ["inline" if ok else "none" for ok in known[m]]
            out += columns(["case"], **{f"{name}{r}": {"cx": x[m], "cy": y[m], "display": shown}})
        out += columns(["case"], **{f"move{r}": {"x1": x[0], "y1": y[0], "x2": x[1], "y2": y[1], "display": both}})
        quiet = ["v-reader", *("v-reader" if other == r else "v-reader faint" for other in range(len(readers)))]
        out += columns(["reader"], **{f"reader{r}": {"class": quiet}, f"line{r}": {"class": quiet}})
    return out


def _ratings(rating, called, seen, label, strip: Plot, readers) -> list[Column]:
    out: list[Column] = []
    for r in range(len(readers)):
        right = called[:, r] == label
        for m, name in enumerate(("first", "second")):
            x = [strip.at_x(v) if ok else 0 for v, ok in zip(rating[m, r], seen[m, r])]
            shown = ["inline" if ok else "none" for ok in seen[m, r]]
            look = [f"v-call {name} {'right' if ok else 'wrong'}" for ok in right[m]]
            out += columns(["case"], **{f"{name}{r}": {"cx": x, "display": shown, "class": look}})
        x = np.where(seen[:, r], rating[:, r], strip.x[0])
        ends = {end: [strip.at_x(v) for v in x[m]] for m, end in enumerate(("x1", "x2"))}
        both = ["inline" if ok else "none" for ok in seen[:, r].all(axis=0)]
        out += columns(["case"], **{f"change{r}": ends | {"display": both}})
    return out


def _said(read: ReaderStudy, label, called, seen, names: tuple[str, str]) -> list[str]:
    before, after = read.ways
    out = []
    for k, case in enumerate(read.cube.cases):
        right = [int(((called[m, :, k] == label[k]) & seen[m, :, k]).sum()) for m in (0, 1)]
        of = [int(seen[m, :, k].sum()) for m in (0, 1)]
        counts = " and ".join(f"{right[m]} of {of[m]} {way}" for m, way in enumerate((before, after)))
        out.append(f"Case {case} is {names[int(label[k])]}. Right calls: {counts}.")
    return out


def _after(read: ReaderStudy, k: int, sensitivity, specificity) -> str:
    """Means over readers after k + 1 cases, of those who have both."""
    parts = []
    for name, values in (("sensitivity", sensitivity), ("specificity", specificity)):
        now = values[:, :, k]
        if np.isnan(now).all(axis=1).any():
            parts.append(f"no {name} yet")
            continue
        a, b = (fixed(100 * v) for v in np.nanmean(now, axis=1))
        parts.append(f"mean {name} {a} % {read.ways[0]}, {b} % {read.ways[1]}")
    return f"After {k + 1} case{'s' if k else ''}: {'; '.join(parts)}."


def _scene(read: ReaderStudy, strip: Plot, low: float, high: float) -> Markup:
    readers = read.readers
    marks = []
    for r in range(len(readers)):
        ends = {"x1": SLOT, "y1": SLOT, "x2": SLOT, "y2": SLOT, "display": SLOT}
        place = {"cx": SLOT, "cy": SLOT, "r": 6, "display": SLOT}
        line = element("line", key=f"move{r}", class_="v-move", **ends)
        open_ = element("circle", key=f"before{r}", class_="v-open", **place)
        full = element("circle", key=f"with{r}", class_="v-full", **place)
        marks.append(element("g", line, open_, full, key=f"reader{r}", class_=SLOT))
    roc = SQUARE.draw(
        element("line", class_="v-ref", x1=0, x2=SQUARE.wide, y1=SQUARE.high, y2=0),
        title="Operating points of the readers so far",
        xlabel="1 − specificity",
        ylabel="Sensitivity",
        xticks=UNIT,
        yticks=UNIT,
        over=marks,
    )
    lines = []
    for r, reader in enumerate(readers):
        y = ROW / 2 + ROW * r
        name = element("text", _shortened(reader), class_="v-tick", x=-8, y=y + 4, text_anchor="end")
        rail = element("line", class_="v-grid", x1=0, x2=strip.wide, y1=y, y2=y)
        move = element("line", key=f"change{r}", class_="v-move", x1=SLOT, x2=SLOT, y1=y, y2=y, display=SLOT)
        dots = [
            element("circle", key=f"{way}{r}", class_=SLOT, cx=SLOT, cy=y, r=size, display=SLOT)
            for way, size in (("first", 7), ("second", 4.5))
        ]
        lines.append(element("g", name, rail, move, *dots, key=f"line{r}", class_=SLOT))
    cut = strip.at_x(min(max(read.cut, low), high))
    ticks = [(v, f"{v:g}") for v in sorted({low, high, *([read.cut] if low < read.cut < high else [])})]
    ratings = strip.draw(
        element("line", class_="v-frozen", x1=cut, x2=cut, y1=0, y2=strip.high),
        title="Ratings of this case by every reader",
        xlabel="",
        ylabel="",
        xticks=ticks,
        yticks=[],
        over=lines,
    )
    before, after = read.ways
    legend = [
        element("li", element("span", class_=f"v-key {kind}"), text)
        for kind, text in (("hollow", before), ("solid", after), ("right", "right call"), ("wrong", "wrong call"))
    ]
    told = element("p", SLOT, key="said", class_="v-now")
    plots = element(
        "div",
        _panel("Where do the readers stand?", roc),
        _panel(f"What did they say? (positive from {read.cut:g} on)", ratings),
        class_="v-row v-two",
    )
    after_text = element("p", SLOT, key="after", class_="v-words v-short")
    return element("div", told, plots, element("ul", *legend, class_="v-legend"), after_text, class_="v-scene")


def _panel(title: str, drawing: Markup) -> Markup:
    return element("div", element("p", title, class_="v-title"), drawing, class_="v-panel")


def _shortened(name: str, most: int = 14) -> str:
    """A name that fits beside its line."""
    return name if len(name) <= most else f"{name[: most - 1]}…"

"""A view: controls, a scene with slots, and a table of what each state of the controls puts into the slots."""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from helpers.book.files import write_bytes, write_text
from helpers.book.views import allowed
from helpers.book.views.markup import escape
from helpers.data.errors import StudyError

FORMAT = 1
END = ".view.json"
KINDS = ("threshold", "contrast", "attention", "replay", "outlines")
_SLOT = re.compile(r"\{\{([^{}:]+):([^{}:]+)\}\}")


@dataclass(frozen=True)
class Control:
    """One control of a view; its state is a whole number.

    Parameters
    ----------
    id : str
        Name in the state and in the columns.
    kind : str
        `choice` and `range` (place in `options`), `filter` (0: all), `switch` (0 or 1).
    label : str
    options : tuple of str
        What each place is called; of a filter without "all".
    start : int
    frozen : tuple of int
        The place, for every state of `frozen_by`, that is marked and that a button returns to.
    frozen_by : str
    frozen_label : str
        Of that button.
    play : int
        Milliseconds between places when the range is played; 0: it cannot be.
    of : tuple of int
        Of a filter: the value of every item of the control `filters`.
    filters : str
        Of a filter: the choice whose items it restricts.
    always : bool
        Of a filter: without "all".
    """

    id: str
    kind: str
    label: str
    options: tuple[str, ...] = ()
    start: int = 0
    frozen: tuple[int, ...] = ()
    frozen_by: str = ""
    frozen_label: str = ""
    play: int = 0
    of: tuple[int, ...] = ()
    filters: str = ""
    always: bool = False


@dataclass(frozen=True)
class Column:
    """What one attribute of one element is in every state.

    Parameters
    ----------
    key : str
        Element of the scene.
    attribute : str
        Its attribute, or `text`.
    by : tuple of str
        Controls that it depends on.
    values : nested list
        Indexed by the states of `by`, in that order.
    """

    key: str
    attribute: str
    by: tuple[str, ...]
    values: Any

    def at(self, state: Mapping[str, int]) -> object:
        """Value in a state."""
        value = self.values
        for name in self.by:
            value = value[state[name]]
        return value


@dataclass(frozen=True)
class View:
    """A computed view; `write` and `read` keep it.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    controls : tuple of Control
    columns : tuple of Column
    scene : str
        Markup with slots, from `helpers.book.views.markup.element`.
    numbers : dict
        What the kind's `derive` computes further marks from; plain lists and numbers.
    pictures : tuple of str
        Keys of `pictures.picture`: the columns are `href` (a name in `files`), `width` and `height` of the sheet,
        and `viewBox` of `<key>_window`.
    files : dict of str to bytes
        Pictures by name.
    methods : str
    n : int or None
    """

    kind: str
    controls: tuple[Control, ...]
    columns: tuple[Column, ...]
    scene: str
    numbers: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    methods: str = ""
    n: int | None = None

    def start(self) -> dict[str, int]:
        """State in which the view is first shown."""
        return {control.id: control.start for control in self.controls}

    def states(self, *names: str) -> list[dict[str, int]]:
        """Every state of some controls, the others as at the start; for tests."""
        sizes = {
            c.id: 2 if c.kind == "switch" else len(c.options) + (c.kind == "filter" and not c.always)
            for c in self.controls
        }
        places = itertools.product(*(range(sizes[name]) for name in names))
        return [self.start() | dict(zip(names, place)) for place in places]

    def marks(self, state: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        """What every slot holds in a state: `{key: {attribute: value}}`."""
        out: dict[str, dict[str, Any]] = {}
        for column in self.columns:
            out.setdefault(column.key, {})[column.attribute] = column.at(state)
        derive = getattr(import_module(f"helpers.book.views.{self.kind}"), "derive", None)
        for key, marks in (derive(self.numbers, state) if derive else {}).items():
            out.setdefault(key, {}).update(marks)
        return out

    def render(
        self,
        state: Mapping[str, int] | None = None,
        *,
        picture: Callable[[str, tuple[int, ...]], tuple[str, tuple[int, ...]]] | None = None,
    ) -> str:
        """The scene in a state, as HTML.

        Parameters
        ----------
        state : mapping or None
            None: as it is first shown.
        picture : function or None
            From the file and the part of it (x, y, width, height) to an address and the part of what lies there;
            None leaves the name of the file as `{{file:name}}`, for the book to fill.

        Returns
        -------
        str
        """
        marks = self.marks(state or self.start())
        for key in self.pictures:
            image, window = marks[key], marks[f"{key}_window"]
            box = tuple(int(v) for v in str(window["viewBox"]).split())
            if picture is None:
                image["href"] = f"{{{{file:{image['href']}}}}}"
                continue
            image["href"], new = picture(image["href"], box)
            window["viewBox"], image["width"], image["height"] = " ".join(map(str, new)), new[2], new[3]
        return _SLOT.sub(lambda slot: self._filled(slot[1], slot[2], marks), self.scene)

    def _filled(self, key: str, attribute: str, marks: Mapping[str, Mapping[str, Any]]) -> str:
        value = marks[key][attribute]
        address = attribute == "href" and key in self.pictures  # braces stay, for the book to fill
        return "" if value is None else html.escape(str(value)) if address else escape(value)

    def matching(self, state: Mapping[str, int], name: str) -> list[int]:
        """Items of the control `name` that all its filters let through."""
        items = range(len(self.control(name).options))
        mine = [c for c in self.controls if c.filters == name]
        active = [(c.of, state[c.id] - (not c.always)) for c in mine if c.always or state[c.id] > 0]
        return [item for item in items if all(of[item] == value for of, value in active)]

    def control(self, name: str) -> Control:
        """Control by name."""
        return next(control for control in self.controls if control.id == name)


def write(view: View, folder: str | Path, name: str) -> None:
    """Write `<name>.view.json` and the pictures `<name>.<file>`."""
    plain = {
        "format": FORMAT,
        "kind": view.kind,
        "controls": [plain_control(control) for control in view.controls],
        "columns": [[c.key, c.attribute, list(c.by), c.values] for c in view.columns],
        "scene": view.scene,
        "numbers": view.numbers,
        "pictures": list(view.pictures),
        "files": sorted(view.files),
        "methods": view.methods,
        "n": view.n,
    }
    for file, content in view.files.items():
        write_bytes(Path(folder) / f"{name}.{file}", content)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=number)
    write_text(Path(folder) / f"{name}{END}", text + "\n")


def plain_control(control: Control) -> dict[str, Any]:
    """A control as JSON, without what it leaves empty."""
    return {name: value for name, value in vars(control).items() if value not in ("", (), False)}


def number(value: object) -> object:
    """A numpy number as the number it is."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a view holds plain values, not {type(value).__name__}")


def read(folder: str | Path, name: str) -> View:
    """Read what `write` wrote; the pictures too.

    Raises
    ------
    StudyError
        If the file is of another format, not whole, or holds more than shapes, text and its pictures.
    """
    path = Path(folder) / f"{name}{END}"
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] != FORMAT or plain["kind"] not in KINDS:
            raise ValueError("another format")
        controls = tuple(Control(**{k: _tuple(v) for k, v in c.items()}) for c in plain["controls"])
        columns = tuple(Column(key, attribute, tuple(by), values) for key, attribute, by, values in plain["columns"])
        files = {file: (path.parent / f"{name}.{_plain(file)}").read_bytes() for file in plain["files"]}
        allowed.check(plain["scene"], columns, pictures=plain["pictures"], files=plain["files"])
        return View(
            kind=plain["kind"],
            controls=controls,
            columns=columns,
            scene=plain["scene"],
            numbers=plain["numbers"],
            pictures=tuple(plain["pictures"]),
            files=files,
            methods=plain["methods"],
            n=plain["n"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        fix = "execute the notebook again"
        raise StudyError(f"not a whole view of this version: {error}", file=path.name, fix=fix) from error


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _plain(name: str) -> str:
    if not re.fullmatch(r"[\w-]+\.(webp|png)", name):
        raise ValueError(f"picture {name!r}")
    return name


def columns(by: Sequence[str], **values: Mapping[str, Any]) -> list[Column]:
    """Columns of several elements that depend on the same controls.

    Examples
    --------
    >>> columns(["t"], point={"cx": [1, 2]})[0].at({"t": 1})
    2
    """
    return [
        Column(key, attribute.rstrip("_"), tuple(by), made)
        for key, marks in values.items()
        for attribute, made in marks.items()
    ]

"""A view as a part of a page: its controls, its scene and its data, all of it text that cannot become markup."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from helpers.book.views.markup import Markup, element, escape
from helpers.book.views.view import Control, View, number, plain_control

_FILE = re.compile(r"\{\{file:([\w-]+\.(?:webp|png))\}\}")


def html(view: View, places: Mapping[str, str], *, name: str) -> str:
    """Markup of a view for the book.

    Parameters
    ----------
    view : View
    places : mapping of str to str
        Address of every file of the view, from the page.
    name : str
        Makes the ids of its controls unique in the page.

    Returns
    -------
    str
    """
    scene = _FILE.sub(lambda match: escape(places[match[1]]), view.render())
    rows = [_control(control, view, name) for control in view.controls]
    form = element("form", *rows, class_="v-controls", aria_label="Controls", autocomplete="off")
    return str(
        element(
            "div",
            form,
            Markup(scene),
            element("p", told(view, view.start()), class_="v-told"),
            element("script", Markup(embedded(view, places)), type="application/json"),
            class_=f"tb-view v-{view.kind}",
        )
    )


def told(view: View, state: Mapping[str, int]) -> str:
    """What the controls say in a state: on paper they are not there."""
    said = []
    for control in view.controls:
        place = state[control.id] - (control.kind == "filter" and not control.always)
        if control.options and place >= 0:
            said.append(f"{control.label}: {control.options[place]}")
    return "; ".join(said) + "."


def embedded(view: View, places: Mapping[str, str]) -> str:
    r"""The view's data as JSON that is safe inside a page: `<`, `>` and `&` are written as `\u003c` and so on."""
    plain = {
        "kind": view.kind,
        "controls": [plain_control(control) for control in view.controls],
        "columns": [[c.key, c.attribute, list(c.by), c.values] for c in view.columns],
        "numbers": view.numbers,
        "pictures": list(view.pictures),
        "places": dict(places),
    }
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=number)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _control(control: Control, view: View, name: str) -> Markup:
    where = f"{name}-{control.id}"
    label = element("label", control.label, for_=where)
    kind = f"v-control v-{control.kind}"
    if control.kind == "switch":
        box = element("input", type="checkbox", id=where)
        return element("div", box, label, class_=kind, data_c=control.id)
    if control.kind == "range":
        return element("div", *_slider(control, label, where), class_=kind, data_c=control.id)
    names = (("All",) if control.kind == "filter" and not control.always else ()) + control.options
    chosen = [
        element("option", text, value=i, selected="" if i == control.start else None) for i, text in enumerate(names)
    ]
    parts = [label, element("select", *chosen, id=where)]
    if any(other.filters == control.id for other in view.controls):
        steps = [
            element("button", sign, type="button", class_="v-step", data_step=step, aria_label=said)
            for sign, step, said in (("‹", -1, "Previous case"), ("›", 1, "Next case"))
        ]
        parts = [label, element("span", steps[0], parts[1], steps[1], class_="v-stepper")]
        parts.append(element("output", class_="v-count", for_=where))
        kind += " v-stepped"
    return element("div", *parts, class_=kind, data_c=control.id)


def _slider(control: Control, label: Markup, where: str) -> list[Markup]:
    last = len(control.options) - 1
    said = control.options[control.start]
    slider = element("input", type="range", id=where, min=0, max=last, step=1, value=control.start, aria_valuetext=said)
    rail = element("span", slider, element("i", class_="v-mark") if control.frozen else "", class_="v-rail")
    parts = [element("span", label, element("output", said, for_=where), class_="v-said"), rail]
    if control.play:
        parts.append(element("button", "Play", type="button", class_="v-play"))
    if control.frozen:
        parts.append(element("button", control.frozen_label, type="button", class_="v-back"))
    return parts

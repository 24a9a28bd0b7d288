"""Case browser for heat maps: the judged cases, raw and with a map over them, of a network and of its control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.book.views.cells import CELLS, cell, diameter, filter_by, held, size_group, some
from helpers.book.views.markup import SLOT, Markup, element, fixed, percent
from helpers.book.views.pictures import outline, picture, places, resized, sheet, webp, window
from helpers.book.views.view import Column, Control, View, columns

SIDE = 128  # pixels of a picture
OPACITY = tuple(range(0, 101, 10))
LAYERS = {"maps": "deepest layer", "finer": "a finer layer", "control": "random weights (control)"}
METHODS = (
    "Every map is scaled within its case. A heat map shows where a network is sensitive, not why; where it looks like "
    "that of random weights it shows the picture, not what was learned. Of a clip the frame with most of the structure."
)


def build(made: Mapping[str, Any], frozen: Mapping[str, float], centers: Mapping[str, str], *, methods: str) -> View:
    """Put the pictures and maps of every network together.

    Parameters
    ----------
    made : mapping of model to helpers.learn.attribution.Attribution
    frozen : mapping of model to float
        Thresholds that make the 2 x 2 table.
    centers : mapping of case_id to str
    methods : str
        How the maps were made.

    Returns
    -------
    View
    """
    files: dict[str, bytes] = {}
    marks: dict[str, dict[str, list]] = {}
    items: dict[str, list[str]] = {name: [] for name in ("model", "cell", "center", "size", "case")}
    hrefs: list[list[str]] = []
    layers = [name for name in LAYERS if all(getattr(one, name) is not None for one in made.values())]
    kept, n = 0, max(len(one.cases) for one in made.values())
    for number, (model, one) in enumerate(made.items()):
        wrong = (one.cases["label"] - one.cases["risk"]).abs()
        rows = some(one.cases["case_id"], wrong).tolist()
        kept = max(kept, len(rows))
        own, maps = _pictures(one, rows, layers, number, files)
        _merge(marks, own)
        hrefs += [maps] * len(rows)
        cases = one.cases.iloc[rows]
        items["model"] += [model] * len(rows)
        items["cell"] += cell(cases["label"], cases["risk"], float(frozen[model])).tolist()
        items["center"] += [str(centers[case]) for case in cases["case_id"]]
        found = one.masks if one.masks.ndim == 3 else one.masks.max(axis=1)
        items["size"] += [size_group(v) for v in diameter(found, one.pixel_mm)[rows]]
        items["case"] += [f"{c.case_id}, risk {fixed(c.risk, 2)}" for c in cases.itertuples()]
        _merge(marks, {"said": {"text": _said(one, cases, float(frozen[model]))}})
    for i, text in enumerate(marks["said"]["text"]):
        marks["said"]["text"][i] = f"{items['cell'][i].capitalize()}, {items['center'][i]}. {text}"
    controls = (
        filter_by("model", "Network", items["model"], order=list(made), always=True),
        filter_by("cell", "Cell of the 2 × 2 table", items["cell"], order=CELLS),
        filter_by("center", "Centre", items["center"]),
        filter_by("size", "Size", items["size"]),
        Control("case", "choice", f"Case ({kept:,} of {n:,})", tuple(items["case"])),
        Control("layer", "choice", "Heat map of", tuple(LAYERS[name] for name in layers)),
        Control("opacity", "range", "Opacity of the map", tuple(f"{v} %" for v in OPACITY), 5),
        Control("outlined", "switch", "Outline the structure", start=1),
    )
    drawn: list[Column] = columns(["case"], **marks) + columns(["case", "layer"], heat={"href": hrefs})
    drawn += columns(["opacity"], heat={"opacity": [v / 100 for v in OPACITY]})
    for key in ("border", "border_over"):
        drawn += columns(["outlined"], **{key: {"display": ["none", "inline"]}})
    drawn += columns(["layer"], over_name={"text": [f"Heat map: {LAYERS[name]}" for name in layers]})
    methods = f"{methods} {METHODS} {held(kept, n, worst='the distance of the risk from the outcome')}"
    return View("attention", controls, tuple(drawn), _scene(), {}, ("raw", "under", "heat"), files, methods, n)


def _pictures(one: Any, rows: list[int], layers: list[str], number: int, files: dict[str, bytes]):
    """Sheets of one network, and the marks that find each case on them."""
    images, masks, *_ = one.stills(rows)
    made, boxes = sheet(np.stack([resized(image, SIDE) for image in images]))
    name = f"raw-{number}.webp"
    files[name] = webp(made, quality=60)
    marks = places("raw", name, made, boxes) | places("under", name, made, boxes)
    marks |= {key: value for key, value in places("heat", "", made, boxes).items()}
    del marks["heat"]["href"]
    scale = SIDE / images.shape[2]
    borders = [outline(mask > 0, scale=scale, points=48) for mask in masks]
    marks |= {"border": {"d": borders}, "border_over": {"d": list(borders)}}
    names = []
    for layer in layers:
        heat, _ = sheet(np.stack([_colour(resized(h, SIDE)) for h in _still_maps(one, layer, rows)]))
        names.append(f"{layer}-{number}.webp")
        files[names[-1]] = webp(heat, quality=55)
    return marks, names


def _still_maps(one: Any, layer: str, rows: list[int]) -> np.ndarray:
    """Maps of some cases as uint8; of clips in the frame that is shown."""
    maps = getattr(one, layer)[rows]
    if maps.ndim == 4:
        best = one.masks[rows].reshape(len(rows), one.masks.shape[1], -1).sum(axis=2).argmax(axis=1)
        maps = maps[np.arange(len(rows)), best]
    return (255 * np.clip(maps, 0, 1)).round().astype(np.uint8)


def _colour(grey: np.ndarray) -> np.ndarray:
    import matplotlib as mpl

    return (255 * mpl.colormaps["magma"](grey)[..., :3]).round().astype(np.uint8)


def _said(one: Any, cases: pd.DataFrame, threshold: float) -> list[str]:
    """What was measured of each case."""
    energy = one.energy()
    own, control = (energy[energy["network"] == n].set_index("case_id") for n in ("trained", "random weights"))
    out = []
    for case in cases.itertuples():
        a, b = own.loc[case.case_id], control.loc[case.case_id]
        if a["inside"] != a["inside"]:
            out.append(f"Risk {fixed(case.risk, 2)}, threshold {fixed(threshold, 2)}. The map is empty.")
            continue
        where = (
            f"{percent(a['inside'])} of the map lies inside the {one.structure}, with {percent(a['area_inside'])} of "
        )
        where += f"the view; with random weights {percent(b['inside'])}."
        out.append(f"Risk {fixed(case.risk, 2)}, threshold {fixed(threshold, 2)}. {where}")
    return out


def _merge(into: dict[str, dict[str, list]], more: Mapping[str, Mapping[str, list]]) -> None:
    for key, attributes in more.items():
        for name, values in attributes.items():
            into.setdefault(key, {}).setdefault(name, []).extend(values)


def _scene() -> Markup:
    size = (SIDE, SIDE)
    border = element("path", key="border", class_="v-shape", d=SLOT, display=SLOT)
    over = element("path", key="border_over", class_="v-shape", d=SLOT, display=SLOT)
    raw = picture("raw", border, size=size, title="What the network saw")
    heat = window("heat", size=size, opacity=SLOT)
    mapped = picture("under", heat, over, size=size, title="The same with the heat map over it")
    bar = element("span", "low", element("i", class_="v-magma"), "high", class_="v-bar")
    shown = (
        element("figure", raw, element("figcaption", "What the network saw"), class_="v-panel"),
        element("figure", mapped, element("figcaption", element("span", SLOT, key="over_name"), bar), class_="v-panel"),
    )
    said = element("p", SLOT, key="said", class_="v-words v-short")
    return element("div", element("div", *shown, class_="v-row v-large"), said, class_="v-scene")

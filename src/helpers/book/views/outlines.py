"""Segmentation browser: what was drawn by hand and what a network outlined, case by case, the worst first.

The contract is `build`: pictures and masks of one side, and a table with one row a network and case, `network, case_id,
cell, center, dice, hd95_mm`; `cell` is any group of cases, such as a cell of the 2 x 2 table or a kind of failure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.book.views.cells import CELLS, diameter, filter_by, held, size_group, some
from helpers.book.views.markup import SLOT, Markup, element, fixed
from helpers.book.views.pictures import outline, picture, places, resized, sheet, webp
from helpers.book.views.view import Column, Control, View, columns

SIDE = 144  # pixels of a picture
NEEDED = ("network", "case_id", "cell", "center", "dice", "hd95_mm")
METHODS = (
    "Dice is twice the shared area over the sum of both (1: the same); the 95th percentile of the distances between "
    "both borders is in millimetres. An empty outline has Dice 0 and no distance."
)


def build(
    images: np.ndarray,
    masks: np.ndarray,
    outlined: Mapping[str, np.ndarray],
    table: pd.DataFrame,
    *,
    pixel_mm: np.ndarray,
    case_id: np.ndarray,
) -> View:
    """Put pictures, drawings and outlines together.

    Parameters
    ----------
    images : uint8 array of shape (n, side, side)
    masks : bool array of shape (n, side, side)
        Drawn by hand.
    outlined : mapping of network to bool array of shape (n, side, side)
    table : DataFrame
        `NEEDED`, one row a network and case.
    pixel_mm : float array of shape (n,)
        Side of a pixel, millimetres.
    case_id : array of shape (n,)
        Case of every picture.

    Returns
    -------
    View

    Raises
    ------
    ValueError
        If shapes differ, a column is missing, or a case has no row.
    """
    lost = set(NEEDED) - set(table.columns)
    if lost:
        raise ValueError(f"table: without {', '.join(sorted(lost))}")
    shapes = {images.shape, masks.shape, *(one.shape for one in outlined.values())}
    if len(shapes) != 1 or images.shape[0] != len(case_id) or not outlined:
        raise ValueError(f"images, masks and outlined: one shape (n, side, side) is needed, not {sorted(shapes)}")
    kept = some(case_id, -_least_dice(table, case_id))
    made, boxes = sheet(np.stack([resized(image, SIDE) for image in images[kept]]))
    place = {str(case_id[row]): number for number, row in enumerate(kept)}
    scale = SIDE / images.shape[2]
    hand = [outline(mask, scale=scale, points=60) for mask in masks[kept]]
    sizes = [size_group(v) for v in diameter(masks[kept], 1.0) * np.asarray(pixel_mm, float)[kept]]
    marks = places("raw", "raw.webp", made, []) | places("under", "raw.webp", made, [])
    marks |= {"hand_over": {"d": []}, "drawn": {"d": []}, "said": {"text": []}}
    items: dict[str, list[str]] = {name: [] for name in ("network", "cell", "center", "size", "case")}
    for network, drawn in outlined.items():
        rows = table[(table["network"] == network) & table["case_id"].astype(str).isin(place)]
        if len(rows) != len(place):
            raise ValueError(f"table: {len(rows)} rows of network {network!r} for {len(place)} cases")
        for row in rows.sort_values(["dice", "case_id"], kind="stable").itertuples():
            at = place[str(row.case_id)]
            for key in ("raw", "under"):
                for name, value in (("href", "raw.webp"), ("width", made.shape[1]), ("height", made.shape[0])):
                    marks[key][name].append(value)
                marks[f"{key}_window"]["viewBox"].append(boxes[at])
            marks["hand_over"]["d"].append(hand[at])
            marks["drawn"]["d"].append(outline(drawn[kept[at]], scale=scale, points=60))
            empty = [who for who, mask in (("hand", masks), ("network", drawn)) if not mask[kept[at]].any()]
            marks["said"]["text"].append(_said(row, empty))
            items["case"].append(f"{row.case_id}, Dice {fixed(row.dice, 2)}")
            values = {"network": network, "cell": row.cell, "center": row.center, "size": sizes[at]}
            for name, value in values.items():
                items[name].append(str(value))
    controls = (
        filter_by("network", "Network", items["network"], order=list(outlined), always=True),
        filter_by("cell", "Kind of case", items["cell"], order=CELLS),
        filter_by("center", "Centre", items["center"]),
        filter_by("size", "Size", items["size"]),
        Control("case", "choice", f"Case, worst first ({len(kept):,} of {len(images):,})", tuple(items["case"])),
        Control("by_hand", "switch", "Drawn by hand", start=1),
        Control("by_network", "switch", "Outlined by the network", start=1),
    )
    shown: list[Column] = columns(["case"], **marks)
    shown += columns(["by_hand"], hand_over={"display": ["none", "inline"]})
    shown += columns(["by_network"], drawn={"display": ["none", "inline"]})
    files = {"raw.webp": webp(made, quality=70)}
    methods = f"{METHODS} {held(len(kept), len(images), worst='the lowest Dice of any network')}"
    return View("outlines", controls, tuple(shown), _scene(), {}, ("raw", "under"), files, methods, len(images))


def _least_dice(table: pd.DataFrame, case_id: np.ndarray) -> np.ndarray:
    """The lowest Dice that any network has in each case; where none could be measured, better than all."""
    least = table.assign(case_id=table["case_id"].astype(str)).groupby("case_id")["dice"].min().fillna(1.0)
    return least.reindex([str(name) for name in case_id]).fillna(1.0).to_numpy()


def _said(row, empty: list[str]) -> str:
    """What is told of a case; without two outlines there is no distance."""
    if row.dice != row.dice:
        return f"{str(row.cell).capitalize()}, {row.center}. No agreement can be measured."
    known = math.isfinite(row.hd95_mm) and not empty
    away = f"; 95 % of the border is within {fixed(row.hd95_mm, 1)} mm" if known else "; no distance"
    return f"{str(row.cell).capitalize()}, {row.center}. Dice {fixed(row.dice, 2)}{away}."


def _scene() -> Markup:
    size = (SIDE, SIDE)
    over = element("path", key="hand_over", class_="v-shape", d=SLOT, display=SLOT)
    drawn = element("path", key="drawn", class_="v-shape drawn", d=SLOT, display=SLOT)
    raw = picture("raw", size=size, title="The picture as the network saw it")
    both = picture("under", over, drawn, size=size, title="The picture with both outlines")
    names = (("hand", "drawn by hand"), ("network", "outlined by the network"))
    legend = [element("li", element("span", class_=f"v-key line {kind}"), text) for kind, text in names]
    shown = (
        element("figure", raw, element("figcaption", "What the network saw"), class_="v-panel"),
        element("figure", both, element("figcaption", element("ul", *legend, class_="v-legend")), class_="v-panel"),
    )
    said = element("p", SLOT, key="said", class_="v-words v-short")
    return element("div", element("div", *shown, class_="v-row v-large"), said, class_="v-scene")

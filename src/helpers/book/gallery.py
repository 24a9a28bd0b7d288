"""Pictures of cases: contact sheets, key frames, time-intensity curves and heat maps, on cases chosen by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUTLINE = "#ffd23f"
LESION, REFERENCE = "#D55E00", "#0072B2"
FRAMES_PER_SECOND = 4.0  # slow enough to follow a focus that shows in a few frames


def pick(cases: pd.DataFrame, *, by: str, each: int) -> pd.DataFrame:
    """Choose the first cases of every group in the order of `case_id`: a rule, not an eye.

    Parameters
    ----------
    cases : DataFrame
        With `case_id` and the column `by`.
    by : str
    each : int
        Cases a group, fewer where there are fewer.

    Returns
    -------
    DataFrame
        Index as in `cases`.

    Examples
    --------
    >>> pick(pd.DataFrame({"case_id": ["c", "a", "b"], "label": [0, 0, 1]}), by="label", each=1)["case_id"].tolist()
    ['a', 'b']
    """
    ordered = cases.sort_values("case_id", kind="stable")
    return pd.concat([part.head(each) for _, part in ordered.groupby(by, observed=True)])


def sheet(images: np.ndarray, titles: Sequence[str], *, masks: np.ndarray | None = None, columns: int = 4) -> Figure:
    """A contact sheet of single images, the lesion outlined where a mask is known.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width)
    titles : sequence of str
    masks : array of shape (n, height, width) or None
    columns : int

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    rows = -(-len(images) // columns)
    size = (2.3 * columns, 2.55 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images)):
        show(ax, image, titles[i], mask=None if masks is None else masks[i])
    return figure


def strip(images: np.ndarray, titles: Sequence[str], frames: Sequence[Sequence[str]]) -> Figure:
    """Key frames of several clips, one row a clip.

    Parameters
    ----------
    images : uint8 array of shape (n, frames, height, width)
    titles : sequence of str
        One a clip.
    frames : sequence of sequence of str
        What stands over each frame, such as its time.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    n, count = images.shape[:2]
    figure, axes = plt.subplots(n, count, figsize=(1.9 * count, 2.1 * n), squeeze=False, layout="constrained")
    for row, clip in enumerate(images):
        for column, image in enumerate(clip):
            ax = axes[row, column]
            show(ax, image, frames[row][column])
            if column == 0:
                ax.axis("on")
                ax.set(xticks=[], yticks=[])
                ax.set_ylabel(titles[row], fontsize="small")
    return figure


def show(ax: Axes, image: np.ndarray, title: str, *, mask: np.ndarray | None = None) -> None:
    """One image in one panel; a `$` in a title is text, not mathematics."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    if mask is not None and mask.any():
        ax.contour(mask, levels=[0.5], colors=[OUTLINE], linewidths=0.9)
    ax.set_title(title, fontsize="small", parse_math=False)
    ax.axis("off")


def curves(frames: Mapping[str, pd.DataFrame], *, key_times: Mapping[str, Sequence[float]], columns: int = 2) -> Figure:
    """Time-intensity curves of lesion and reference, the key frames marked.

    Parameters
    ----------
    frames : mapping of title to DataFrame
        `time_s, lesion, reference`, in display units.
    key_times : mapping of title to sequence of float
        Seconds of the frames that the network sees.
    columns : int

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    rows = -(-len(frames) // columns)
    size = (4.4 * columns, 2.7 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", sharey=True)
    for ax in axes.flat[len(frames) :]:
        ax.remove()
    for ax, (title, frame) in zip(axes.flat, frames.items()):
        ax.plot(frame["time_s"], frame["lesion"], color=LESION, label="lesion")
        ax.plot(frame["time_s"], frame["reference"], color=REFERENCE, linestyle="--", label="ring around it")
        for time in key_times[title]:
            ax.axvline(time, color="0.6", linewidth=0.8, zorder=0)
        ax.set_title(title, fontsize="small", parse_math=False)
        ax.set(xlabel="Time in the clip (s)", ylabel="Mean grey (display units)")
    axes.flat[0].legend(fontsize="small", frameon=False)
    return figure


def overlays(
    images: np.ndarray, maps: Sequence[np.ndarray], heads: Sequence[str], titles: Sequence[str], *, masks: np.ndarray
) -> Figure:
    """Cases in rows: the image with its lesion, then heat maps over it, all on one scale from 0 to 1.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width)
    maps : sequence of arrays of shape (n, height, width)
        In [0, 1], one array a column.
    heads : sequence of str
        Over the columns; one for the image and one a map.
    titles : sequence of str
        Beside the rows.
    masks : array of shape (n, height, width)

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    n, wide = len(images), 1 + len(maps)
    figure, axes = plt.subplots(n, wide, figsize=(2.3 * wide + 1.6, 2.3 * n), squeeze=False, layout="constrained")
    drawn = None
    for row in range(n):
        show(axes[row, 0], images[row], heads[0] if row == 0 else "", mask=masks[row])
        axes[row, 0].axis("on")
        axes[row, 0].set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(titles[row], fontsize="small", parse_math=False)
        for column, heat in enumerate(maps, start=1):
            ax = axes[row, column]
            show(ax, images[row], heads[column] if row == 0 else "", mask=masks[row])
            drawn = ax.imshow(heat[row], cmap="magma", vmin=0, vmax=1, alpha=0.5, interpolation="bilinear")
            if not heat[row].any():
                ax.text(0.5, 0.5, "no attribution", color="w", fontsize="small", ha="center", transform=ax.transAxes)
    figure.colorbar(drawn, ax=axes, shrink=0.6, label="Attribution, scaled within the case")
    return figure


def heat_maps(made: Any, threshold: float) -> tuple[Figure, Any]:
    """Gallery of one network's heat maps on cases chosen by rule.

    Parameters
    ----------
    made : helpers.learn.attribution.Attribution
    threshold : float
        The frozen threshold that makes the 2 x 2 table.

    Returns
    -------
    figure, selection
    """
    selection = made.select(threshold)
    rows = made.places(selection)
    titles = [f"{case.cell}\n{case.case_id}\nrisk {case.risk:.2f}" for case in selection.cases.itertuples()]
    heads = ("what it saw", "Grad-CAM", "random weights")
    images, masks, *maps = made.stills(rows)
    return overlays(images, maps, heads, titles, masks=masks), selection


def class_maps(made: Any | None) -> Figure | None:
    """Cases in rows, and a heat map for every class in the columns; None of None.

    Parameters
    ----------
    made : helpers.learn.attribution_classes.ClassMaps or None
    """
    if made is None:
        return None
    titles = [
        f"{case['label']}\n{case['case_id']}\nnamed {case['named']} ({case['risk']:.2f})"
        for case in made.cases.to_dict("records")
    ]
    heads = ("what it saw", *(f"for {name}" for name in made.maps))
    return overlays(made.images, list(made.maps.values()), heads, titles, masks=made.masks)


def heat_clip(made: Any, selection: Any, *, scale: int = 2) -> np.ndarray | None:
    """Clips of the selected cases, each beside its heat map and the control: one row a cell of the 2 x 2 table.

    Parameters
    ----------
    made : helpers.learn.attribution.Attribution
    selection : helpers.learn.selection.CaseSelection
    scale : int
        Enlargement.

    Returns
    -------
    uint8 array of shape (time, height, width, 3), or None for a network of stills
    """
    from helpers.book.clips import overlay, side_by_side

    if not made.volume:
        return None
    first = selection.cases.drop_duplicates("cell")
    place = {case: i for i, case in enumerate(made.cases["case_id"])}
    rows = []
    for case in first["case_id"]:
        i = place[case]
        parts = [np.zeros_like(made.maps[i]), made.maps[i], made.control[i]]
        rows.append(side_by_side(*(overlay(made.images[i], heat, made.masks[i], scale=scale) for heat in parts)))
    return np.concatenate(rows, axis=1)


def write_heat_maps(page: Any, name: str, made: Any, threshold: float, *, methods: str) -> None:
    """Write the gallery of one network, and for a network of clips the clip that plays above it.

    Parameters
    ----------
    page : helpers.book.report.Page
    name : str
        Of the figure.
    made : helpers.learn.attribution.Attribution
    threshold : float
        The frozen threshold.
    methods : str
        How the maps were made; the rule that chose the cases is added.
    """
    picture, selection = heat_maps(made, threshold)
    page.figure(name, picture, data=selection.frame(), methods=f"{methods} {selection.rule}")
    page.clip_if(name, heat_clip(made, selection), frames_per_second=FRAMES_PER_SECOND)

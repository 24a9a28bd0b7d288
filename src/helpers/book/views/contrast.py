"""Contrast scrubber: a clip beside its B-mode image, with the time-intensity curve under a moving cursor."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.book import looks
from helpers.book.views.markup import SLOT, Markup, Plot, element, fixed
from helpers.book.views.pictures import outline, picture, resized, sheet, webp
from helpers.book.views.view import Column, Control, View, columns
from helpers.data import media
from helpers.data.study import Study

SIDE = 200  # pixels of a picture
PLACES = 48  # frames of a clip at most
AROUND = 2.4  # side of the crop in sides of the lesion's box
TICKS = 8  # of the time axis at most
PLAY = 250  # milliseconds a frame
METHODS = (
    "Mean grey of the lesion and of a ring around it in the stored clip, relative, in display units (not linearised). "
    "Contrast arrives when a tenth of the rise is reached; wash-out is the time from the peak until half of the rise "
    "is lost, in the curve smoothed over one second. The B-mode image is a still of its own, not the same moment."
)


def build(
    folder: str | Path,
    found: dict[str, media.Arrays],
    cases: pd.DataFrame,
    study: Study,
    *,
    points: pd.DataFrame | None,
    summary: pd.DataFrame | None,
) -> View | None:
    """Put clips, curves and their marks together.

    Parameters
    ----------
    folder : path
        The study's folder.
    found : dict of str to Arrays
        From `looks.load`.
    cases : DataFrame
        The cohort table.
    study : Study
    points, summary : DataFrame or None
        Of the same cases, from `looks.time_intensity`; None for a study without contrast clips.

    Returns
    -------
    View or None
        None without contrast clips.
    """
    name = looks.of_kinds(study, ("ceus",))
    if name is None or points is None or points.empty:
        return None
    index = found[name].index.set_index("case_id")
    table = media.table(folder, cases)
    chosen = cases.set_index("case_id").loc[list(dict.fromkeys(points["case_id"]))].reset_index()
    curves = {case: part.reset_index(drop=True) for case, part in points.groupby("case_id", sort=False)}
    steps = {
        case: np.unique(np.linspace(0, len(c) - 1, min(PLACES, len(c))).round().astype(int))
        for case, c in curves.items()
    }
    longest = max(len(s) for s in steps.values())
    # shorter clips stay on their last frame
    steps = {case: np.append(s, np.full(longest - len(s), s[-1])) for case, s in steps.items()}
    clips = [_clip(folder, table, case, steps[case], curves[case]) for case in curves]
    stills = [_still(folder, table, case) for case in curves]
    files, drawn = _files(clips, stills)
    plot = _plot(points)
    summary = summary[summary["region"] == "lesion"].set_index("case_id")
    drawn += _marks(plot, curves, steps, summary, index)
    times = {tuple(curves[case]["time_s"].to_numpy()[steps[case]].round(6)) for case in curves}
    told = [f"{t:.1f} s" for t in times.pop()] if len(times) == 1 else [f"{i + 1} of {longest}" for i in range(longest)]
    start = int(np.argmin(np.abs(steps[chosen["case_id"][0]] - curves[chosen["case_id"][0]]["lesion"].argmax())))
    controls = (
        Control("case", "choice", "Case", tuple(looks.name_of(case, study) for _, case in chosen.iterrows())),
        Control("time", "range", "Time in the clip", tuple(told), start, play=PLAY),
    )
    scene = _scene(plot, has_still=any(still is not None for still in stills))
    pictures = ("clip", "still") if any(still is not None for still in stills) else ("clip",)
    return View("contrast", controls, tuple(drawn), scene, {}, pictures, files, METHODS, len(curves))


def _clip(folder, table, case: str, frames: np.ndarray, curve: pd.DataFrame):
    """Frames around the lesion, and the outlines of lesion and ring in them."""
    row = table[(table["kind"] == "ceus") & (table["case_id"] == case)].iloc[0]
    path = Path(folder) / row["path"]
    about = media.info(path)
    mask = media.read_mask(Path(folder) / row["mask"], shape=(about.height, about.width))
    window = _window(mask)
    wanted = curve["frame"].to_numpy(int)[np.unique(frames)]
    read = media.read(path, frames=wanted.tolist())
    images = np.stack([resized(frame[window], SIDE) for frame in read])
    around = media.ring(mask)
    scale = images.shape[2] / (window[1].stop - window[1].start)
    shapes = [outline(part[window], scale=scale) for part in (mask, around)]
    return images, np.searchsorted(np.unique(frames), frames), shapes


def _still(folder, table, case: str):
    """The B-mode image around the lesion with its outline; None where there is none."""
    rows = table[(table["kind"] == "bmode") & (table["case_id"] == case)]
    if rows.empty:
        return None
    row = rows.iloc[0]
    frame = media.read(Path(folder) / row["path"], frames=[0])[0]
    if pd.isna(row["mask"]) or not str(row["mask"]):
        return resized(_square(frame), SIDE), ""
    mask = media.read_mask(Path(folder) / row["mask"], shape=frame.shape[:2])
    window = _window(mask)
    image = resized(frame[window], SIDE)
    return image, outline(mask[window], scale=image.shape[1] / (window[1].stop - window[1].start))


def _square(frame: np.ndarray) -> np.ndarray:
    side = min(frame.shape[:2])
    y, x = ((length - side) // 2 for length in frame.shape[:2])
    return frame[y : y + side, x : x + side]


def _window(mask: np.ndarray) -> tuple[slice, slice]:
    """A square around the lesion, moved so that it lies in the frame."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    side = min(int(AROUND * max(np.ptp(rows), np.ptp(cols)) + 1), *mask.shape)
    out = []
    for places, length in ((rows, mask.shape[0]), (cols, mask.shape[1])):
        start = int((places[0] + places[-1] + 1 - side) // 2)
        start = min(max(start, 0), length - side)
        out.append(slice(start, start + side))
    return tuple(out)


def _files(clips, stills) -> tuple[dict[str, bytes], list[Column]]:
    files, marks = {}, {"clip": {"href": [], "width": [], "height": []}, "lesion": {"d": []}, "around": {"d": []}}
    boxes = []
    for i, (images, places, shapes) in enumerate(clips):
        made, parts = sheet(images)
        files[f"clip-{i}.webp"] = webp(made)
        size = {"href": f"clip-{i}.webp", "width": made.shape[1], "height": made.shape[0]}
        for name, value in size.items():
            marks["clip"][name].append(value)
        marks["lesion"]["d"].append(shapes[0])
        marks["around"]["d"].append(shapes[1])
        boxes.append([parts[place] for place in places])
    out = columns(["case"], **marks) + columns(["case", "time"], clip_window={"viewBox": boxes})
    known = [still for still in stills if still is not None]
    if known:
        blank = (np.zeros_like(known[0][0]), "")
        shown = [still or blank for still in stills]
        made, parts = sheet(np.stack([image for image, _ in shown]))
        files["stills.webp"] = webp(made, quality=80)
        still = {"href": ["stills.webp"] * len(shown), "width": [made.shape[1]] * len(shown)}
        still["height"] = [made.shape[0]] * len(shown)
        border = {"d": [shape for _, shape in shown]}
        out += columns(["case"], still=still, still_window={"viewBox": parts}, still_lesion=border)
    return files, out


def _plot(points: pd.DataFrame) -> Plot:
    top = float(points[["lesion", "reference"]].max().max())
    return Plot(x=(0.0, 1.0), y=(0.0, 10 * float(np.ceil(top / 10 * 1.05))), width=480, height=300)


def _marks(base: Plot, curves, steps, summary: pd.DataFrame, index: pd.DataFrame) -> list[Column]:
    """Curves, their marks, and what moves with the cursor."""
    lines = {"lesion_line": {"d": []}, "around_line": {"d": []}, "keys": {"d": []}, "said": {"text": []}}
    for i in range(TICKS):
        lines[f"grid{i}"] = {"x1": [], "x2": [], "display": []}
        lines[f"tick{i}"] = {"x": [], "text": [], "display": []}
    for key in ("arrival", "peak", "wash"):
        lines[f"{key}_line"] = {"x1": [], "x2": [], "display": []}
        lines[f"{key}_name"] = {"x": [], "text-anchor": [], "display": []}
    moving = {"cursor": {"x1": [], "x2": []}, "at_lesion": {"cx": [], "cy": []}, "at_around": {"cx": [], "cy": []}}
    moving["now"] = {"text": []}
    for case, curve in curves.items():
        time = curve["time_s"].to_numpy()
        plot = replace(base, x=(0.0, float(time[-1])))
        for i, tick in enumerate(_ticks(plot.x[1], TICKS) + [None] * TICKS):
            if i < TICKS:
                at, seen = (plot.at_x(tick), "inline") if tick is not None else (0.0, "none")
                for end in ("x1", "x2"):
                    lines[f"grid{i}"][end].append(at)
                lines[f"tick{i}"]["x"].append(at)
                lines[f"tick{i}"]["text"].append("" if tick is None else f"{tick:g}")
                for key in (f"grid{i}", f"tick{i}"):
                    lines[key]["display"].append(seen)
        lines["lesion_line"]["d"].append(plot.path(time, curve["lesion"]))
        lines["around_line"]["d"].append(plot.path(time, curve["reference"]))
        keys = looks.key_times(index.loc[case])
        lines["keys"]["d"].append("".join(f"M{plot.at_x(k)} {plot.high}v-12" for k in keys))
        about = summary.loc[case]
        peak = about["arrival_s"] + about["time_to_peak_s"]
        for key, at in (("arrival", about["arrival_s"]), ("peak", peak), ("wash", peak + about["half_wash_out_s"])):
            seen, x = at == at, plot.at_x(at) if at == at else 0
            for end in ("x1", "x2"):
                lines[f"{key}_line"][end].append(x)
            late = x > 0.7 * plot.wide  # the name then stands to the left
            lines[f"{key}_name"]["x"].append(x - 4 if late else x + 4)
            lines[f"{key}_name"]["text-anchor"].append("end" if late else "start")
            for part in ("line", "name"):
                lines[f"{key}_{part}"]["display"].append("inline" if seen else "none")
        lines["said"]["text"].append(describe(about))
        part = curve.iloc[steps[case]]
        at = [plot.at_x(t) for t in part["time_s"]]
        for end in ("x1", "x2"):
            moving["cursor"][end].append(at)
        for key, region in (("at_lesion", "lesion"), ("at_around", "reference")):
            moving[key]["cx"].append(at)
            moving[key]["cy"].append([plot.at_y(v) for v in part[region]])
        rows = zip(part["time_s"], part["lesion"], part["reference"])
        words = [f"{fixed(t, 1)} s: lesion {fixed(a)}, ring {fixed(b)} (relative, display units)" for t, a, b in rows]
        moving["now"]["text"].append(words)
    return columns(["case"], **lines) + columns(["case", "time"], **moving)


def describe(about: pd.Series) -> str:
    """Arrival, time to peak and wash-out in a sentence.

    Examples
    --------
    >>> describe(pd.Series({"arrival_s": 8.04, "time_to_peak_s": 6, "half_wash_out_s": float("nan")}))
    'Contrast arrives at 8.0 s and peaks 6.0 s later; half of the rise is not lost before the clip ends.'
    """
    arrival, peak, wash = (about[name] for name in ("arrival_s", "time_to_peak_s", "half_wash_out_s"))
    if arrival != arrival:
        return "No contrast arrives in the lesion."
    end = f"is lost {fixed(wash, 1)} s after the peak" if wash == wash else "is not lost before the clip ends"
    return f"Contrast arrives at {fixed(arrival, 1)} s and peaks {fixed(peak, 1)} s later; half of the rise {end}."


def _scene(plot: Plot, *, has_still: bool) -> Markup:
    size = (SIDE, SIDE)
    lesion = element("path", key="lesion", class_="v-shape", d=SLOT)
    around = element("path", key="around", class_="v-shape around", d=SLOT)
    clip = picture("clip", around, lesion, size=size, title="Contrast clip, the lesion outlined")
    shown = [element("figure", clip, element("figcaption", "Contrast"), class_="v-panel")]
    if has_still:
        border = element("path", key="still_lesion", class_="v-shape", d=SLOT)
        still = picture("still", border, size=size, title="B-mode image, the lesion outlined")
        shown.insert(0, element("figure", still, element("figcaption", "B-mode (a still)"), class_="v-panel"))
    marks = []
    for level, (key, name) in enumerate((("arrival", "arrival"), ("peak", "peak"), ("wash", "half washed out"))):
        upright = {"x1": SLOT, "x2": SLOT, "y1": 0, "y2": plot.high, "display": SLOT}
        marks.append(element("line", key=f"{key}_line", class_="v-frozen", **upright))
        where = {"x": SLOT, "text_anchor": SLOT, "y": 14 + 17 * level, "display": SLOT}
        marks.append(element("text", name, key=f"{key}_name", class_="v-tick v-name", **where))
    upright = {"x1": SLOT, "x2": SLOT, "y1": 0, "y2": plot.high, "display": SLOT}
    grid = [element("line", key=f"grid{i}", class_="v-grid", **upright) for i in range(TICKS)]
    under = {"x": SLOT, "y": plot.high + 17, "display": SLOT, "text_anchor": "middle"}
    ticks = [element("text", SLOT, key=f"tick{i}", class_="v-tick", **under) for i in range(TICKS)]
    drawing = plot.draw(
        *grid,
        element("path", key="around_line", class_="v-line v-around", d=SLOT),
        element("path", key="lesion_line", class_="v-line v-lesion", d=SLOT),
        *marks,
        element("path", key="keys", class_="v-keys", d=SLOT),
        element("line", key="cursor", class_="v-cursor", x1=SLOT, x2=SLOT, y1=0, y2=plot.high),
        title="Time-intensity curves of the lesion and of the ring around it",
        xlabel="Time in the clip (s)",
        ylabel="Mean grey (display units)",
        xticks=[],
        yticks=[(v, f"{v:g}") for v in _ticks(plot.y[1], 8)],
        over=[
            *ticks,
            element("circle", key="at_around", class_="v-point v-around", r=5, cx=SLOT, cy=SLOT),
            element("circle", key="at_lesion", class_="v-point v-lesion", r=6, cx=SLOT, cy=SLOT),
        ],
    )
    names = (("lesion", "lesion"), ("around", "ring around it"), ("keys", "frames that the network sees"))
    legend = [element("li", element("span", class_=f"v-key line v-{kind}"), text) for kind, text in names]
    now = element("p", SLOT, key="now", class_="v-now")
    curve = element("div", drawing, element("ul", *legend, class_="v-legend"), class_="v-panel")
    return element(
        "div",
        element("div", element("div", *shown, class_="v-row v-pictures"), curve, class_="v-row v-two"),
        now,
        element("p", SLOT, key="said", class_="v-words v-short"),
        class_="v-scene",
    )


def _ticks(top: float, many: int) -> list[float | None]:
    """Round values from 0 to `top`, at most `many`."""
    power = 10.0 ** math.floor(math.log10(top))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1, 2) if top / (s * power) <= many - 1)
    return [float(v) for v in np.arange(0, top * (1 + 1e-9), step).round(9)]

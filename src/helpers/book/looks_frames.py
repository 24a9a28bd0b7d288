"""What a network sees of clips with labelled frames: which frames are read, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.book import gallery
from helpers.data import media
from helpers.data.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READ, LABELLED, CLIP = "#0072B2", "#D55E00", "0.75"
SPLITS = {"train": "Training", "tune": "Tuning", "test": "Internal test", "external": "External test"}


def of_frames(study: Study, frames: str) -> str | None:
    """Name of the first input that takes these frames (`labelled` or `nearest`), or None."""
    return next((name for name, source in study.inputs.items() if source.frames == frames), None)


def numbers(cell: str) -> list[int]:
    """Frames of a cell of the index, such as "3 4 5"."""
    return [int(frame) for frame in str(cell).split()]


def read_frames(found: dict[str, media.Arrays], study: Study, *, clips: int = 14) -> pd.DataFrame | None:
    """Frames that are read of some clips, chosen by rule: from the shortest to the longest at equal steps of rank.

    Parameters
    ----------
    found : dict
        From `looks.load`.
    study : Study
    clips : int
        How many clips, fewer where there are fewer.

    Returns
    -------
    DataFrame or None
        One row a frame that is read: `case_id, clip_frames, frame, labelled` (bool); None without such an input.
    """
    name = of_frames(study, "nearest")
    if name is None:
        return None
    index = found[name].index.sort_values(["clip_frames", "case_id"], kind="stable")
    places = np.unique(np.linspace(0, len(index) - 1, min(clips, len(index))).round().astype(int))
    rows = []
    for case in index.iloc[places].itertuples():
        marked = set(numbers(case.labelled))
        for frame in sorted(set(numbers(case.frames))):
            rows.append((case.case_id, int(case.clip_frames), frame, frame in marked))
    return pd.DataFrame(rows, columns=["case_id", "clip_frames", "frame", "labelled"])


def timeline(frames: pd.DataFrame | None) -> Figure | None:
    """Clips as lines of their length, the frames that are read and the labelled ones marked on them.

    Parameters
    ----------
    frames : DataFrame or None
        From `read_frames`.

    Returns
    -------
    matplotlib Figure or None
        Left, the clips on an axis of frames (logarithmic, the first frame is 1); right, the same marks counted from
        the middle label, linear within 20 frames of it.
    """
    if frames is None:
        return None
    import matplotlib.pyplot as plt

    cases = list(dict.fromkeys(frames["case_id"]))
    size = (8.0, 1.3 + 0.27 * len(cases))
    figure, (whole, near) = plt.subplots(
        1, 2, figsize=size, layout="constrained", sharey=True, gridspec_kw={"width_ratios": [3, 2]}
    )
    for row, case in enumerate(cases):
        part = frames[frames["case_id"] == case]
        length, read = int(part["clip_frames"].iloc[0]), part["frame"].to_numpy()
        marked = part.loc[part["labelled"], "frame"].to_numpy()
        whole.plot([1, length], [row, row], color=CLIP, linewidth=5, solid_capstyle="butt", zorder=1)
        around = int(np.median(marked))
        for ax, of_read, of_marked in ((whole, read + 1, marked + 1), (near, read - around, marked - around)):
            ax.plot(of_read, np.full(len(read), row), "|", color=READ, markersize=8, markeredgewidth=0.9, zorder=2)
            ax.plot(of_marked, np.full(len(marked), row), "v", color=LABELLED, markersize=5, zorder=3)
    whole.set_xscale("log")
    ticks = [t for t in (1, 10, 100, 1000, 10000) if t <= frames["clip_frames"].max() * 1.2]
    whole.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    lengths = frames.drop_duplicates("case_id").set_index("case_id")["clip_frames"]
    whole.set_yticks(range(len(cases)), [f"{case}, {lengths[case]:,}" for case in cases], fontsize="small")
    whole.set(xlabel="Frame of the clip", ylabel="Clip, frames")
    near.set_xscale("symlog", linthresh=20)
    far = max((10, 100, 1000), key=lambda tick: tick * (tick <= max(map(abs, near.get_xlim()))))
    ticks = [tick for tick in (-1000, -100, -10, 0, 10, 100, 1000) if abs(tick) <= far]
    near.set_xticks(ticks, [f"{tick:,}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    near.tick_params(axis="y", length=0)
    near.set_xlabel("Frames from the middle label")
    whole.invert_yaxis()
    marks = [
        plt.Line2D([], [], color=CLIP, linewidth=5, label="clip"),
        plt.Line2D([], [], color=READ, marker="|", linestyle="", markersize=8, label="read"),
        plt.Line2D([], [], color=LABELLED, marker="v", linestyle="", markersize=5, label="labelled"),
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=3, fontsize="small", frameon=False)
    return figure


def contact(found: dict[str, media.Arrays], cases: pd.DataFrame, study: Study, *, columns: int = 7) -> Figure | None:
    """Contact sheet of crops, one row for the first case of every split and centre.

    The labelled frame comes first where an input takes it alone; then frames of the time axis, at equal steps. What
    a volume mask marks is outlined for the reader.

    Returns
    -------
    matplotlib Figure or None
        None for a study without frames near labelled ones.
    """
    name, single = of_frames(study, "nearest"), of_frames(study, "labelled")
    if name is None:
        return None
    import matplotlib.pyplot as plt

    arrays = found[name]
    known = cases[cases["case_id"].isin(arrays.index["case_id"])].copy()
    known["group"] = known["split"].map(SPLITS) + "\n" + known["center"].astype(str)
    known["order"] = known["split"].map({split: i for i, split in enumerate(SPLITS)})
    chosen = gallery.pick(known, by="group", each=1).sort_values(["order", "center"])
    place = {case: i for i, case in enumerate(arrays.index["case_id"])}
    steps = np.unique(np.linspace(0, arrays.images.shape[2] - 1, columns).round().astype(int))
    first = int(single is not None)
    size = (1.28 * (len(steps) + first) + 1.0, 1.5 * len(chosen))
    figure, axes = plt.subplots(len(chosen), len(steps) + first, figsize=size, squeeze=False, layout="constrained")
    for row, case in enumerate(chosen.itertuples()):
        at = place[case.case_id]
        frames = numbers(arrays.index["frames"].iloc[at])
        if single is not None:
            _still(axes[row, 0], found[single], case.case_id)
        for ax, step in zip(axes[row, first:], steps):
            mask = None if arrays.volume_masks is None else arrays.volume_masks[at, step]
            gallery.show(ax, arrays.images[at, 0, step], f"frame {frames[step]}", mask=mask)
        axes[row, 0].axis("on")
        axes[row, 0].set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(f"{case.group}\n{case.case_id}", fontsize="small", parse_math=False)
    return figure


def _still(ax, arrays: media.Arrays, case_id: str) -> None:
    at = arrays.index["case_id"].tolist().index(case_id)
    mask = None if arrays.volume_masks is None else arrays.volume_masks[at, 0]
    gallery.show(ax, arrays.images[at, 0], f"labelled {arrays.index['frames'].iloc[at]}", mask=mask)
    for side in ax.spines.values():
        side.set(color=LABELLED, linewidth=2)


def lengths(found: dict[str, media.Arrays], cases: pd.DataFrame, study: Study) -> pd.DataFrame | None:
    """Clips by split and format: how long they are, how many frames are labelled, how many clips were padded.

    Returns
    -------
    DataFrame or None
        `split, format, clips, frames` (median and range), `seconds` (median and range; of clips that say their
        time), `labelled` (median and range of labelled frames), `padded` (clips shorter than the frames asked
        for). None for a study without frames near labelled ones.
    """
    name = of_frames(study, "nearest")
    if name is None:
        return None
    index = found[name].index.merge(cases[["case_id", "split"]], on="case_id")
    index["format"] = index["path"].str.rsplit(".", n=1).str[-1].str.upper().replace({"DCM": "DICOM"})
    index["seconds"] = index["clip_frames"] * index["seconds_per_frame"]
    index["marks"] = index["labelled"].map(lambda cell: len(numbers(cell)))
    rows = []
    for split, title in SPLITS.items():
        for form, part in index[index["split"] == split].groupby("format"):
            rows.append(
                {
                    "split": title,
                    "format": form,
                    "clips": len(part),
                    "frames": span(part["clip_frames"], "{:,.0f}"),
                    "seconds": span(part["seconds"], "{:,.1f}"),
                    "labelled": span(part["marks"], "{:.0f}"),
                    "padded": int((part["padded"] > 0).sum()),
                }
            )
    return pd.DataFrame(rows)


def span(values: pd.Series, form: str) -> str:
    """Median and range, such as "12 (3 to 40)"; "unknown" when there is none.

    Examples
    --------
    >>> span(pd.Series([3.0, 12.0, 40.0]), "{:.0f}")
    '12 (3 to 40)'
    """
    known = values.dropna()
    if known.empty:
        return "unknown"
    middle, low, high = (form.format(value) for value in (known.median(), known.min(), known.max()))
    return f"{middle} ({low} to {high})"

"""What normalising and denoising do to the inputs: the same crops before and after, and how far centres lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.book import gallery
from helpers.data import arrays as study_arrays
from helpers.data.media import grey
from helpers.data.study import Study
from helpers.stats import between, palette
from helpers.stats.models import printed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {"normalise": "normalised", "denoise": "denoised"}
PLAIN, BOTH = "as stored", "both"


def variants(study: Study, name: str) -> dict[str, dict[str, str]]:
    """Steps to compare on one input: none, each that is switched on by itself, and all.

    Examples
    --------
    >>> from helpers.data.study import read
    >>> list(variants(read("data/three_class"), "still"))
    ['as stored', 'normalised', 'denoised', 'both']
    """
    steps = study.inputs[name].grey
    made = {PLAIN: {}} | {TITLES[step]: {step: how} for step, how in steps.items()}
    return made | ({BOTH: dict(steps)} if len(steps) > 1 else {})


def read(folder: str | Path, study: Study) -> tuple[str, np.ndarray, pd.DataFrame] | None:
    """Name, stored crops and case numbers of the first still input with a step switched on; None without one."""
    name = next((key for key, one in study.inputs.items() if one.grey and one.kind == "bmode"), None)
    if name is None:
        return None
    raw = study_arrays.load(folder, name, study=study, raw=True)
    return name, raw.images[:, 0], raw.index[["case_id"]]


def figure(found: tuple | None, cases: pd.DataFrame, study: Study) -> Figure | None:
    """One case of every centre in a row, chosen by rule, with every variant in a column; None of None."""
    if found is None:
        return None
    name, images, index = found
    chosen = gallery.pick(cases[cases["case_id"].isin(index["case_id"])], by="center", each=1)
    place = {case: row for row, case in enumerate(index["case_id"])}
    steps = variants(study, name)
    rows = [[grey.steps(images[place[case]], **how) for how in steps.values()] for case in chosen["case_id"]]
    titles = [f"{center}\n{case}" for center, case in zip(chosen["center"], chosen["case_id"])]
    return gallery.strip(np.array(rows), titles, [list(steps)] * len(rows))


def measure(found: tuple | None, cases: pd.DataFrame, study: Study) -> pd.DataFrame | None:
    """Mean grey and noise of every crop in every variant: `case_id, patient_id, center, steps, mean, noise`."""
    if found is None:
        return None
    name, images, index = found
    whose = cases.set_index("case_id").loc[index["case_id"], ["patient_id", "center"]].reset_index()
    parts = []
    for title, how in variants(study, name).items():
        made = np.stack([grey.steps(image, **how) for image in images])
        parts.append(whose.assign(steps=title, mean=made.mean(axis=(1, 2)), noise=grey.noise(made)))
    return pd.concat(parts, ignore_index=True)


def summary(measured: pd.DataFrame | None) -> pd.DataFrame | None:
    """By variant: the range of the centres' means, noise, and the share of variance between centres with limits."""
    if measured is None:
        return None
    rows = []
    for steps, part in measured.groupby("steps", sort=False):
        means = part.groupby("center")[["mean", "noise"]].mean()
        row: dict[str, Any] = {"steps": steps, "centers": len(means)}
        for name in ("mean", "noise"):
            row |= {f"{name}_lowest": means[name].min(), f"{name}_highest": means[name].max()}
            one = between.share_between(part[name], part["center"], part["patient_id"])
            row |= {f"{name}_share": one.value, f"{name}_share_low": one.low, f"{name}_share_high": one.high}
        rows.append(row)
    return pd.DataFrame(rows)


HEADS = ("grey", "Between centres (grey)", "noise", "Between centres (noise)")
LOOKS = {
    "headers": {"steps": "Crops", "grey": "Mean grey of the centres", "noise": "Noise of the centres"},
    "methods": between.METHODS,
}


def shown(table: pd.DataFrame | None) -> pd.DataFrame | None:
    """The printed table: ranges of the centres and shares with their intervals as text; None of None."""
    if table is None:
        return None
    text = printed(table, {"mean_share": "Between centres (grey)", "noise_share": "Between centres (noise)"}, digits=2)
    text["grey"] = [f"{low:.0f} to {high:.0f}" for low, high in zip(text["mean_lowest"], text["mean_highest"])]
    text["noise"] = [f"{low:.1f} to {high:.1f}" for low, high in zip(text["noise_lowest"], text["noise_highest"])]
    return text


def plot(measured: pd.DataFrame | None) -> Figure | None:
    """Mean grey (left) and noise (right) of every crop by centre, a row of boxes a variant; None of None."""
    if measured is None:
        return None
    centers = sorted(measured["center"].unique())
    looks = palette.styles(centers)
    titles = list(dict.fromkeys(measured["steps"]))
    made, axes = palette.grid(2, columns=2, width=5.0, height=1.2 + 0.75 * len(titles))
    labels = {"mean": "Mean grey level of a crop (0 to 255)", "noise": "Noise of a crop (SD, grey levels)"}
    for ax, (column, label) in zip(axes, labels.items()):
        for row, steps in enumerate(titles):
            for number, center in enumerate(centers):
                part = measured[(measured["steps"] == steps) & (measured["center"] == center)][column]
                at = row + 0.8 * ((number + 0.5) / len(centers) - 0.5)
                low, first, middle, third, high = part.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
                color = looks[center].color
                ax.plot([low, high], [at, at], color=color, linewidth=1)
                ax.plot([first, third], [at, at], color=color, linewidth=5, alpha=0.55, solid_capstyle="butt")
                name = palette.label(center) if row == 0 else None
                ax.plot(middle, at, looks[center].marker, color=color, markersize=5, label=name)
        ax.set_yticks(range(len(titles)), titles)
        ax.invert_yaxis()
        ax.set_xlabel(label)
        ax.grid(axis="x", linewidth=0.4)
    axes[0].legend(frameon=False, fontsize="small", loc="best")
    return made


def sentence(table: pd.DataFrame | None) -> str:
    """What the steps do to the spread between centres, in a sentence; empty of None."""
    if table is None:
        return ""
    first, last = table.iloc[0], table.iloc[-1]
    return (
        f"Of the variance of the mean grey level, {first['mean_share']:.0%} lies between centres in the stored crops "
        f"(95 % CI {first['mean_share_low']:.0%} to {first['mean_share_high']:.0%}) and {last['mean_share']:.0%} "
        f"({last['mean_share_low']:.0%} to {last['mean_share_high']:.0%}) in what networks get; the noise of the "
        f"centres lies between {first['noise_lowest']:.0f} and {first['noise_highest']:.0f} grey levels before, and "
        f"between {last['noise_lowest']:.0f} and {last['noise_highest']:.0f} after."
    )


def methods(study: Study) -> str:
    """How the steps were done, in a sentence; empty for a study without."""
    how = {key: one.grey for key, one in study.inputs.items() if one.grey}
    said = []
    for name, steps in how.items():
        if steps.get("normalise") == "percentiles":
            low, high = grey.SHARES
            said.append(f"{name}: the {low:g}nd and {high:g}th percentile of each crop became black and white")
        if steps.get("normalise") == "moments":
            said.append(f"{name}: each crop was given a mean of {grey.MEAN:g} and a standard deviation of {grey.SD:g}")
        if steps.get("denoise") == "median":
            said.append(f"{name}: then each pixel became the median of {grey.SIDE} x {grey.SIDE}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}. Noise by Immerkaer (1996), doi:10.1006/cviu.1996.0060." if said else ""

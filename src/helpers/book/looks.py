"""What a network sees of a study, put together for the chapter on inputs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.book import gallery, looks_frames
from helpers.data import arrays as study_arrays
from helpers.data import media, registry
from helpers.data.study import Study

STILLS, CLIPS = ("bmode",), ("ceus", "cine")


def of_kinds(study: Study, kinds: tuple[str, ...]) -> str | None:
    """Name of the first input of these kinds that has no labelled frames, or None when the study has none."""
    return next(
        (name for name, source in study.inputs.items() if source.kind in kinds and source.frames == "spaced"), None
    )


def load(folder: str | Path, study: Study) -> dict[str, media.Arrays]:
    """Arrays of all inputs, from the cache."""
    return {name: study_arrays.load(folder, name, study=study) for name in study.inputs}


def sample(cases: pd.DataFrame, index: pd.DataFrame, *, each: int) -> pd.DataFrame:
    """Cases to show, by rule: the first of every outcome, or of every centre without an outcome, one a patient."""
    by = "label" if "label" in cases else "center"
    known = cases[cases["case_id"].isin(index["case_id"])].sort_values("case_id", kind="stable")
    return gallery.pick(known.drop_duplicates([by, "patient_id"]), by=by, each=each)


def rows_of(index: pd.DataFrame, chosen: pd.DataFrame) -> list[int]:
    """Places of the chosen cases in the arrays."""
    place = {case: i for i, case in enumerate(index["case_id"])}
    return [place[case] for case in chosen["case_id"]]


def name_of(case: pd.Series, study: Study) -> str:
    """Title of a case: its number, and its outcome where the study has one."""
    if study.outcome is None:
        return str(case["case_id"])
    return f"{case['case_id']}, {study.outcome.names[case['label']]}"


def stills(found: dict[str, media.Arrays], cases: pd.DataFrame, study: Study, *, each: int = 4):
    """Contact sheet of the still images, or None when the study has none."""
    name = of_kinds(study, STILLS)
    if name is None:
        return None
    arrays = found[name]
    chosen = sample(cases, arrays.index, each=each)
    rows = rows_of(arrays.index, chosen)
    titles = [name_of(case, study) for _, case in chosen.iterrows()]
    masks = None if arrays.masks is None else arrays.masks[rows]
    return gallery.sheet(arrays.images[rows, 0], titles, masks=masks)


def clips(found: dict[str, media.Arrays], cases: pd.DataFrame, study: Study, *, each: int = 2):
    """Key frames of clips with their times, or None when the study has none."""
    name = of_kinds(study, CLIPS)
    if name is None:
        return None
    arrays = found[name]
    chosen = sample(cases, arrays.index, each=each)
    rows = rows_of(arrays.index, chosen)
    titles = [name_of(case, study).replace(", ", "\n") for _, case in chosen.iterrows()]
    times = [[f"{time:.1f} s" for time in key_times(arrays.index.iloc[row])] for row in rows]
    return gallery.strip(arrays.images[rows], titles, times)


def key_times(row: pd.Series) -> list[float]:
    """Seconds of a case's key frames."""
    return [int(frame) * float(row["seconds_per_frame"]) for frame in str(row["frames"]).split()]


def time_intensity(
    folder: str | Path, found: dict[str, media.Arrays], cases: pd.DataFrame, study: Study, *, each: int = 2
):
    """Time-intensity curves of contrast clips: figure, points and summary; three times None without such clips."""
    name = of_kinds(study, ("ceus",))
    if name is None:
        return None, None, None
    index = found[name].index.set_index("case_id")
    table = media.table(folder, cases)
    table = table[table["kind"] == "ceus"].set_index("case_id")
    frames, marks, parts, summaries = {}, {}, [], []
    for _, case in sample(cases, found[name].index, each=each).iterrows():
        row, known = table.loc[case["case_id"]], index.loc[case["case_id"]]
        mask = media.read_mask(Path(folder) / row["mask"], shape=(int(known["height"]), int(known["width"])))
        curve = media.time_intensity(Path(folder) / row["path"], mask, seconds_per_frame=known["seconds_per_frame"])
        title = name_of(case, study)
        frames[title], marks[title] = curve, key_times(known)
        parts.append(curve.assign(case_id=case["case_id"]))
        summaries.append(media.curve_summary(curve).assign(case_id=case["case_id"]))
    figure = gallery.curves(frames, key_times=marks)
    return figure, pd.concat(parts, ignore_index=True), pd.concat(summaries, ignore_index=True)


def quality(found: dict[str, media.Arrays], cases: pd.DataFrame) -> pd.DataFrame:
    """Files by input and format: how many, how large, how fine.

    Returns
    -------
    DataFrame
        `input, format, files, height, width, pixel_mm, with_mask`; height and width are texts, the median and the
        range where files differ; the size of a pixel is the median.
    """
    parts = []
    for name, arrays in found.items():
        index = arrays.index.assign(input=name, format=arrays.index["path"].str.rsplit(".", n=1).str[-1].str.lower())
        parts.append(
            index.groupby(["input", "format"], sort=False).agg(
                files=("case_id", "size"),
                height=("height", _spread),
                width=("width", _spread),
                pixel_mm=("pixel_mm", "median"),
                with_mask=("has_mask", "sum"),
            )
        )
    return pd.concat(parts).reset_index()


def _spread(pixels: pd.Series) -> str:
    return f"{pixels.iloc[0]:.0f}" if pixels.min() == pixels.max() else looks_frames.span(pixels, "{:.0f}")


def sources(study: Study) -> pd.DataFrame | None:
    """Source, licence and citation of every outside set that is shown; None for a study with pictures of its own."""
    if not study.source.sets:
        return None
    rows = []
    for name in study.source.sets:
        entry = registry.declared(name)
        rows.append((entry.title, entry.organ, entry.licence, entry.source, entry.citation))
    return pd.DataFrame(rows, columns=["set", "organ", "licence", "source", "citation"])

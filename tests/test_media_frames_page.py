"""The chapter's view of clips with labelled frames: which frames are shown, and what is said of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.book import looks, looks_frames, sentences_inputs
from helpers.data import media
from helpers.data.sections import Crop, Input

COUNT = 8
CLIPS = {"c1": (5, [1]), "c2": (40, [3, 30]), "c3": (400, [200]), "c4": (4000, [10, 3990])}


def source(frames: str) -> Input:
    return Input(label="Clip", kind="cine", crop=Crop(scale=1.5), size=32, key_frames=COUNT, frames=frames)


@pytest.fixture
def made():
    rng, rows = np.random.default_rng(0), []
    for number, (case, (length, labelled)) in enumerate(CLIPS.items()):
        frames = media.nearest_frames(labelled, length, COUNT).tolist()
        rows.append(
            {
                "case_id": case, "path": f"{case}.{'avi' if number % 2 else 'dcm'}", "clip_frames": length,
                "frames": " ".join(map(str, frames)), "labelled": " ".join(map(str, labelled)),
                "padded": COUNT - len(set(frames)), "seconds_per_frame": np.nan if number == 3 else 0.05,
            }
        )  # fmt: skip
    index = pd.DataFrame(rows)
    volume = rng.integers(0, 255, (4, 1, COUNT, 32, 32)).astype(np.uint8)
    marks = np.zeros((4, COUNT, 32, 32), np.uint8)
    marks[:, 2, 8:12, 8:12] = 1
    single = index.assign(frames=[labelled[0] for _, labelled in CLIPS.values()])
    found = {
        "clip": media.Arrays(volume, None, index, 0, marks),
        "frame": media.Arrays(volume[:, :, 0], None, single, 0, marks[:, :1]),
    }
    cases = pd.DataFrame(
        {"case_id": list(CLIPS), "split": ["train", "test", "train", "external"], "center": ["A", "A", "B", "C"]}
    )
    return found, cases, SimpleNamespace(inputs={"clip": source("nearest"), "frame": source("labelled")})


def test_frames_that_are_read(made):
    found, _, study = made
    drawn = looks_frames.read_frames(found, study)
    counts = drawn.groupby("case_id")["frame"].agg(["size", "min", "max"])
    assert counts.loc["c1"].tolist() == [5, 0, 4]  # padding is no further frame
    assert counts.loc["c3"].tolist() == [8, 196, 203]
    assert drawn.loc[drawn["labelled"], ["case_id", "frame"]].values.tolist() == [
        ["c1", 1], ["c2", 3], ["c2", 30], ["c3", 200], ["c4", 10], ["c4", 3990],
    ]  # fmt: skip
    assert list(looks_frames.read_frames(found, study, clips=2)["case_id"].unique()) == ["c1", "c4"]
    whole, near = looks_frames.timeline(drawn).axes
    assert whole.get_xscale() == "log" and [text.get_text() for text in whole.get_yticklabels()][3] == "c4, 4,000"
    assert near.get_xscale() == "symlog"


def test_contact_sheet(made):
    found, cases, study = made
    figure = looks_frames.contact(found, cases, study, columns=3)
    axes = np.array(figure.axes).reshape(4, 4)  # the labelled frame and three of the eight
    titles = [[ax.get_title() for ax in row] for row in axes]
    assert titles[0] == ["labelled 1", "frame 0", "frame 4", "frame 4"]
    groups = [ax.get_ylabel() for ax in axes[:, 0]]
    assert groups == ["Training\nA\nc1", "Training\nB\nc3", "Internal test\nA\nc2", "External test\nC\nc4"]
    del study.inputs["frame"]
    assert len(looks_frames.contact(found, cases, study, columns=3).axes) == 12


def test_table_of_lengths(made):
    found, cases, study = made
    table = looks_frames.lengths(found, cases, study).set_index(["split", "format"])
    assert table.loc[("Training", "DICOM"), "frames"] == "202 (5 to 400)"
    assert table.loc[("Training", "DICOM"), "seconds"] == "10.1 (0.2 to 20.0)"
    assert table.loc[("Training", "DICOM"), "padded"] == 1 and table["padded"].sum() == 1
    assert table.loc[("External test", "AVI"), "seconds"] == "unknown"
    assert table["clips"].sum() == 4


def test_sentences(made):
    found, _, study = made
    assert "1 of 4 clips is shorter than 8 frames and padded" in sentences_inputs.read(found, study)
    said = sentences_inputs.nearest(study)
    assert said.startswith("The 8 frames nearest") and "1.5 times the longer side of the smallest box" in said


def test_a_study_without_labelled_frames(made):
    found, cases, _ = made
    study = SimpleNamespace(inputs={"ceus": source("spaced")})
    assert looks_frames.read_frames(found, study) is None and looks_frames.timeline(None) is None
    assert looks_frames.contact(found, cases, study) is None and looks_frames.lengths(found, cases, study) is None
    assert sentences_inputs.read(found, study) == sentences_inputs.nearest(study) == ""
    assert looks.of_kinds(study, looks.CLIPS) == "ceus"
    assert looks.of_kinds(made[2], looks.CLIPS) is None

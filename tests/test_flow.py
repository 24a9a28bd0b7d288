"""The participants' flow: numbers that add up, numbers that follow, and the figure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.data.errors import StudyError
from helpers.data.flow import UNSIMULATED, flow

STEPS = [("Assessed", 500, {"no surgery": 60, "poor images": 44}), ("Analysed", 396, [])]
SPLITS = [("Training", 280, 55), ("Test", 116, 27)]


def test_frame_lists_boxes_reasons_and_splits_in_order() -> None:
    frame = flow(STEPS, splits=SPLITS).frame()
    assert frame["kind"].tolist() == ["step", "excluded", "excluded", "step", "split", "split"]
    assert frame["n"].tolist() == [500, 60, 44, 396, 280, 116]
    assert frame["events"].tolist()[-2:] == [55, 27]


def test_missing_numbers_follow_backwards() -> None:
    steps = [{"step": "Screened", "excluded": {"a": 10}}, {"step": "Eligible", "excluded": {"b": 5}}]
    result = flow(steps, splits=SPLITS)
    assert [step.n for step in result.steps] == [411, 401, 396]
    assert result.steps[-1].label == "Analysed"


def test_splits_from_a_cohort_count_patients_not_cases() -> None:
    cohort = pd.DataFrame(
        {"split": ["test", "train", "train", "train"], "patient_id": list("cabb"), "label": [1, 0, 0, 1]}
    )
    result = flow([("Analysed", 3)], cohort=cohort)
    assert [(s.label, s.n, s.events) for s in result.splits] == [("Training", 2, 1), ("Test", 1, 1)]


@pytest.mark.parametrize(
    ("steps", "splits", "message"),
    [
        ([("Assessed", 500, {"x": 60}), ("Analysed", 396)], None, "'Assessed' has 500, 60 are excluded"),
        (STEPS, [("Training", 280, 55)], "the splits have 280 together, but 'Analysed' has 396"),
        (STEPS, [("Training", 280, 281), ("Test", 116, 1)], "281 events among 280"),
        ([("Assessed", -1)], None, "give a whole number"),
        ([("Assessed", 3.5)], None, "give a whole number"),
        ([("Assessed", "many")], None, "give a whole number"),
        ([("Assessed", None)], None, "'Assessed' has no number"),
        ([], None, "the flow has no step"),
    ],
)
def test_numbers_that_do_not_add_up_stop(steps: list, splits: list | None, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        flow(steps, splits=splits)


def test_every_number_is_in_the_figure() -> None:
    result = flow(STEPS, splits=SPLITS, event="metastases")
    ax = result.plot()
    text = " ".join(piece.get_text() for piece in ax.texts)
    for number in ("n = 500", "n = 104", "n = 60", "n = 44", "n = 396", "n = 280", "n = 116", "27 metastases"):
        assert number in text
    ax.figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in ax.patches]
    overlaps = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]
    assert not overlaps
    given = plt.subplots()[1]
    assert result.plot(given) is given
    plt.close("all")


def test_methods_have_the_numbers() -> None:
    text = flow(STEPS, splits=SPLITS).methods
    assert "Of 500 patients, 104 were excluded and 396 were analysed" in text and "doi:10.1136/bmj.h5527" in text


def test_who_was_not_simulated_is_not_called_excluded() -> None:
    result = flow([("Treated", 500, {"no video": 40}), ("Enrolled", 460, {UNSIMULATED: 400})], splits=[("Test", 60, 9)])
    assert result.frame()["kind"].tolist() == ["step", "excluded", "step", "unsimulated", "step", "split"]
    assert "Of 500 patients, 40 were excluded, 400 were not simulated in this quick run and 60 were" in result.methods
    boxes = [piece.get_text() for piece in result.plot().texts]
    assert "Not simulated in this quick run, n = 400" in boxes and "Excluded, n = 40\n• no video, n = 40" in boxes
    plt.close("all")

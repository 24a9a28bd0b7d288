"""Frames near labelled ones: which are read, from which files, and what of a clip is cropped."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import arrays as study_arrays
from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import prepare
from test_media_samples import HEIGHT, WIDTH, clip, jpeg, write_dicom, write_video

JPEG = "1.2.840.10008.1.2.4.50"
COUNT = 8
MEDIA = "case_id,kind,path,roi,frames,key_frame,volume_mask"


def slow_nearest(labelled, n_frames, count):
    """The rule as it is said: again and again the frame nearest to a label, the earlier of two."""
    left, taken = list(range(n_frames)), []
    while left and len(taken) < count:
        best = None
        for frame in left:
            distance = min(abs(frame - label) for label in labelled)
            if best is None or distance < best[0]:
                best = (distance, frame)
        taken.append(best[1])
        left.remove(best[1])
    taken.sort()
    while len(taken) < count:
        taken.append(n_frames - 1)
    return taken


@given(st.integers(1, 70), st.integers(1, 40), st.data())
def test_nearest_frames_follow_the_rule(n_frames, count, data):
    labelled = data.draw(st.lists(st.integers(0, n_frames - 1), min_size=1, max_size=10))
    found = media.nearest_frames(labelled, n_frames, count)
    assert found.tolist() == slow_nearest(labelled, n_frames, count)
    assert found.shape == (count,)
    if n_frames >= count >= len(set(labelled)):
        assert set(labelled) <= set(found.tolist()) and len(set(found.tolist())) == count


def test_nearest_frames_at_the_edges():
    assert media.nearest_frames([0], 100, 4).tolist() == [0, 1, 2, 3]
    assert media.nearest_frames([99], 100, 4).tolist() == [96, 97, 98, 99]
    assert media.nearest_frames([50], 100, 4).tolist() == [48, 49, 50, 51]  # 48 and 52 tie: the earlier
    assert media.nearest_frames([4125], 4126, 32).tolist() == list(range(4094, 4126))
    assert media.nearest_frames([7, 3, 7], 8, 3).tolist() == [2, 3, 7]  # a label given twice counts once


@pytest.mark.parametrize(
    ("labelled", "n_frames", "count", "match"),
    [
        ([], 5, 2, "labelled: at least one"),
        ([0.5], 5, 2, "whole numbers"),
        ([5], 5, 2, "labelled: 5 is not one of the frames 0 to 4"),
        ([-1], 5, 2, "labelled: -1"),
        ([0], 0, 2, "at least 1"),
        ([0], 5, 0, "at least 1"),
    ],
)
def test_nearest_frames_refuse(labelled, n_frames, count, match):
    with pytest.raises(ValueError, match=match):
        media.nearest_frames(labelled, n_frames, count)


@pytest.mark.parametrize(
    ("roi", "square"),
    [
        ((20, 20, 30, 26), (17.5, 15.5, 15)),  # in the middle: as without `inside`
        ((0, 0, 10, 6), (0, 0, 15)),  # moved inward at two borders
        ((90, 54, 100, 60), (85, 45, 15)),
        ((20, 2, 70, 52), (15, 0, 60)),  # 75 would be higher than the frame: its height
        ((10, 20, 90, 40), (10, -10, 80)),  # a box longer than the frame is high keeps its length
    ],
)
def test_a_crop_inside_the_frame(roi, square):
    found = media.crop_square(roi, (60, 100), scale=1.5, inside=True)
    assert (found.x0, found.y0, found.side) == pytest.approx(square)
    assert found.x0 <= roi[0] and found.x0 + found.side >= roi[2]
    assert found.y0 <= roi[1] and found.y0 + found.side >= roi[3]


@pytest.fixture
def study(tmp_path):
    """A folder with three clips: 40 frames of Motion JPEG, 40 of DICOM, and 5, fewer than are asked for."""
    write_video(tmp_path / "a.avi", clip(40), kind="mjpeg.avi")
    write_dicom(tmp_path / "b.dcm", [jpeg(frame) for frame in clip(40)], syntax=JPEG, FrameTime=40)
    write_video(tmp_path / "c.avi", clip(5), kind="mjpeg.avi")
    volume = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
    volume[3, 12:16, 33:38] = 1
    nibabel.Nifti1Image(volume, np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    write(tmp_path)
    return tmp_path


ROWS = (
    "c1,cine,a.avi,20 10 50 40,40,20,a.nii.gz",
    "c2,cine,b.dcm,30 10 50 24,40,2,",
    "c3,cine,c.avi,0 0 20 10,5,1,",
)
LABELS = ("a.avi,20,20 10 40 30", "b.dcm,2,30 10 50 24", "a.avi,22,25 15 50 40", "c.avi,1,0 0 20 10")


def write(folder, rows=ROWS, labels=LABELS):
    (folder / "media.csv").write_text("\n".join([MEDIA, *rows]) + "\n")
    (folder / "frames.csv").write_text("\n".join(["path,frame,roi", *labels]) + "\n")


def load(folder, frames="nearest", **changes):
    table = media.table(folder, pd.DataFrame({"case_id": ["c1", "c2", "c3"]}))
    labelled = media.labelled_frames(folder, table)
    options = {"size": 24, "crop": {"scale": 1.5}, "count": COUNT, "workers": 1, "cache": folder / "cache"}
    return media.arrays(folder, table, "cine", frames=frames, labelled=labelled, **{**options, **changes})


def test_a_time_axis_of_the_nearest_frames(study):
    made = load(study)
    assert made.images.shape == (3, 1, COUNT, 24, 24) and made.images.dtype == np.uint8
    index = made.index
    assert index["frames"].tolist() == ["17 18 19 20 21 22 23 24", "0 1 2 3 4 5 6 7", "0 1 2 3 4 4 4 4"]
    assert index["labelled"].tolist() == ["20 22", "2", "1"]
    assert index["padded"].tolist() == [0, 0, 3] and index["clip_frames"].tolist() == [40, 40, 5]
    assert np.array_equal(made.images[2, 0, 4], made.images[2, 0, 7])
    # one crop for the whole clip, around all its boxes
    square = media.Square(*index.loc[0, ["crop_x0", "crop_y0", "crop_side"]])
    assert square == media.Square(12.5, 2.5, 45)
    assert media.Square(*index.loc[2, ["crop_x0", "crop_y0", "crop_side"]]) == media.Square(0, 0, 30)
    whole = media.read(study / "b.dcm")
    assert np.array_equal(made.images[1, 0], media.cut(whole[:8], media.Square(25, 2, 30), size=24))
    # the mean grows by 8 a frame, so that time is seen in the pixels
    assert np.all(np.diff(made.images[1, 0].mean(axis=(1, 2))) > 5)


def test_the_labelled_frame_alone(study):
    made = load(study, "labelled")
    assert made.images.shape == (3, 1, 24, 24)
    assert made.index["frames"].tolist() == ["20", "2", "1"]
    # its own box, not that of the clip
    assert media.Square(*made.index.loc[0, ["crop_x0", "crop_y0", "crop_side"]]) == media.Square(15, 5, 30)
    frame = media.read(study / "a.avi", frames=[20])
    assert np.array_equal(made.images[0], media.cut(frame, media.Square(15, 5, 30), size=24))


def test_volume_masks_are_cut_like_the_frames(study):
    made = load(study)
    assert made.volume_masks.shape == (3, COUNT, 24, 24) and made.volume_masks.dtype == np.uint8
    assert made.index["has_volume_mask"].tolist() == [True, False, False]
    assert made.masks is None and not made.volume_masks[1:].any()
    assert made.volume_masks[0].any(axis=(1, 2)).tolist() == [False, False, False, True] + 4 * [False]
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    drawn[12:16, 33:38] = True
    assert np.array_equal(made.volume_masks[0, 3], media.cut(drawn, media.Square(12.5, 2.5, 45), size=24))
    # frame 20 is the fourth of 17..24: the mask of the labelled frame is that plane
    still = load(study, "labelled")
    assert still.volume_masks.shape == (3, 1, 24, 24)
    assert np.array_equal(still.volume_masks[0, 0], media.cut(drawn, media.Square(15, 5, 30), size=24))
    assert media.read_volume_mask(study / "a.nii.gz", shape=(HEIGHT, WIDTH)).sum() == 20


def test_a_second_run_reads_no_pixels_and_a_moved_label_reads_one_clip(study, monkeypatch):
    first = load(study)
    assert first.decoded == 3
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "read", lambda *_, **__: pytest.fail("a pixel was read"))
        again = load(study)
    assert again.decoded == 0 and np.array_equal(again.images, first.images)
    assert np.array_equal(again.volume_masks, first.volume_masks)
    pd.testing.assert_frame_equal(again.index, first.index)
    write(study, labels=[LABELS[0], "b.dcm,3,30 10 50 24", *LABELS[2:]])
    moved = load(study)  # the two others come from the set that is there, masks and all
    assert moved.decoded == 1 and np.array_equal(moved.volume_masks, first.volume_masks)
    assert np.array_equal(moved.images[[0, 2]], first.images[[0, 2]])
    nibabel.Nifti1Image(np.ones((COUNT, HEIGHT, WIDTH), np.uint8), np.eye(4)).to_filename(study / "a.nii.gz")
    assert load(study).decoded == 1


def test_the_study_passes_them_on(study, monkeypatch):
    monkeypatch.setattr(study_arrays, "CACHE", study / "cache")
    (study / "study.yaml").write_text(
        "name: clips\ntitle: Clips\nquestion: Which frames?\nsource: {kind: own}\n"
        "inputs:\n"
        "  clip: {label: Clip, kind: cine, crop: {scale: 1.5}, size: 32, key_frames: 8, frames: nearest}\n"
        "  still: {label: Still, kind: cine, crop: {scale: 1.5}, size: 32, frames: labelled}\n"
        "chapters: [inputs]\n"
    )
    rows = [f"P{i},c{i},A,test" for i in (2, 1, 3)]
    (study / "cohort.csv").write_text("\n".join(["patient_id,case_id,center,split", *rows]) + "\n")
    clips = study_arrays.load(study, "clip")
    assert clips.images.shape == (3, 1, 8, 32, 32) and clips.volume_masks.shape == (3, 8, 32, 32)
    assert clips.index["case_id"].tolist() == ["c2", "c1", "c3"]
    assert study_arrays.load(study, "still").images.shape == (3, 1, 32, 32)


def test_a_copied_clip_is_found_across_splits(study):
    frames = clip(40)
    texture = np.random.default_rng(8).integers(0, 120, (HEIGHT, WIDTH))
    moving = np.clip(frames // 2 + texture, 0, 255).astype(np.uint8)
    write_video(study / "a.avi", moving, kind="mjpeg.avi")
    write_dicom(study / "b.dcm", [jpeg(frame) for frame in moving], syntax=JPEG)
    write(
        study,
        ["c1,cine,a.avi,20 10 40 30,40,20,", "c2,cine,b.dcm,20 10 40 30,40,20,", ROWS[2]],
        ["a.avi,20,20 10 40 30", "b.dcm,20,20 10 40 30", LABELS[3]],
    )
    made = load(study)
    with pytest.raises(StudyError, match=r"'c1' \(train\) and 'c2' \(test, row 3\) show nearly the same picture"):
        media.check_copies(made, {"c1": "train", "c2": "test", "c3": "train"})
    media.check_copies(made, {"c1": "train", "c2": "train", "c3": "test"})


@pytest.mark.parametrize(
    ("labels", "row", "column", "match"),
    [
        (["x.avi,1,0 0 5 5"], 2, "path", "'x.avi' is not there"),
        (["a.nii.gz,1,0 0 5 5"], 2, "path", "'a.nii.gz' is not in media.csv"),
        (["../a.avi,1,0 0 5 5"], 2, "path", "leads out of the study folder"),
        ([",1,0 0 5 5"], 2, "path", "no path is given"),
        (["a.avi,40,0 0 5 5"], 2, "frame", r"frame 40 lies beyond the end of 'a.avi', which has 40 frames.*0 to 39"),
        (["a.avi,-1,0 0 5 5"], 2, "frame", "-1 is out of range.*from 0 to 39"),
        (["a.avi,2.5,0 0 5 5"], 2, "frame", "'2.5' is not a whole number"),
        (["a.avi,1,0 0 5 5", "a.avi,2,0 0 65 5"], 3, "roi", "the box 0 0 65 5 leaves the frame of 64 x 48 pixels"),
        (["a.avi,1,0 0 5 49"], 2, "roi", "leaves the frame"),
        (["a.avi,1,-1 0 5 5"], 2, "roi", "not a box inside a frame"),
        (["a.avi,1,5 0 0 5"], 2, "roi", "not a box inside a frame"),
        (["a.avi,1,0 0 5"], 2, "roi", "not a box of four numbers"),
        (["a.avi,1,0 0 5 5", "b.dcm,1,0 0 5 5", "a.avi,1,0 0 6 6"], 4, "frame", "labelled in row 2 already"),
        ([f"a.avi,{i},0 0 5 5" for i in range(11)], 12, "path", "more than 10 labelled frames"),
        ([], None, None, "the table has no rows"),
    ],
)
def test_faults_of_the_table(study, labels, row, column, match):
    write(study, labels=labels)
    with pytest.raises(StudyError, match=match) as caught:
        load(study)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("frames.csv", row, column)
    assert caught.value.fix


def test_columns_of_the_table(study):
    for text, match in (
        ("path,frames,roi\na.avi,1,0 0 5 5\n", "column frame: the column is missing; did you mean 'frames'"),
        ("", "not a readable CSV table"),
    ):
        (study / "frames.csv").write_text(text)
        with pytest.raises(StudyError, match=match):
            load(study)
    (study / "frames.csv").unlink()
    with pytest.raises(StudyError, match=r"frames.csv: the file is not there. Way out: write one row a labelled frame"):
        load(study)


@pytest.mark.parametrize(
    ("rows", "labels", "frames", "row", "column", "match"),
    [
        (ROWS, LABELS[:3], "nearest", 4, "path", "'c.avi' has no labelled frame in frames.csv"),
        (ROWS, LABELS[:3], "labelled", 4, "path", "no labelled frame"),
        (
            (ROWS[0].replace(",20,", ",21,"), *ROWS[1:]), LABELS, "labelled", 2, "key_frame",
            "the key frame 21 is not labelled in frames.csv.*give one of 20, 22",
        ),
        (
            (ROWS[0].replace("50 40", "50 42"), *ROWS[1:]), LABELS, "nearest", 2, "roi",
            "the box 20 10 50 42 is not the smallest that holds the labelled boxes.*write 20 10 50 40",
        ),
    ],
)  # fmt: skip
def test_what_the_two_tables_say_of_one_another(study, rows, labels, frames, row, column, match):
    write(study, rows, labels)
    with pytest.raises(StudyError, match=match) as caught:
        load(study, frames)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("media.csv", row, column)


def test_boxes_are_measured_while_decoding_too(study):
    """The study's own way opens each clip once, so a box outside the image is found by the decoder."""
    write(study, (ROWS[0].replace("50 40", "65 40"), *ROWS[1:]), (*LABELS[:2], "a.avi,22,25 15 65 40", LABELS[3]))
    table = media.table(study, pd.DataFrame({"case_id": ["c1", "c2", "c3"]}))
    labelled = media.labelled_frames(study, table, measure=False)
    with pytest.raises(StudyError, match="leaves the frame of 64 x 48") as caught:
        media.arrays(
            study, table, "cine", cache=study / "cache", crop={"scale": 1.5}, frames="nearest", labelled=labelled
        )
    assert (caught.value.file, caught.value.row, caught.value.column) == ("frames.csv", 4, "roi")


def volume(folder, values):
    nibabel.Nifti1Image(values, np.eye(4)).to_filename(folder / "a.nii.gz")


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((COUNT - 1, HEIGHT, WIDTH), f"the volume has {COUNT - 1} planes, {COUNT} frames are read"),
        ((COUNT, WIDTH, HEIGHT), f"axes {COUNT} x {WIDTH} x {HEIGHT}; {COUNT} x {HEIGHT} x {WIDTH} are expected"),
        ((HEIGHT, WIDTH), "has axes"),
        ((65, HEIGHT, WIDTH), "has axes"),
    ],
)
def test_a_volume_that_does_not_fit(study, shape, match):
    volume(study, np.zeros(shape, np.uint8))
    with pytest.raises(StudyError, match=match) as caught:
        load(study)
    assert (caught.value.row, caught.value.column) == (2, "volume_mask")


def test_faults_of_a_volume(study):
    volume(study, np.arange(COUNT * HEIGHT * WIDTH).reshape(COUNT, HEIGHT, WIDTH).astype(np.uint8) % 3)
    with pytest.raises(StudyError, match="the volume has more than two different values"):
        load(study)
    write(study, (ROWS[0].replace(",20,", ",22,"), *ROWS[1:]))
    volume(study, np.zeros((1, HEIGHT, WIDTH), np.uint8))  # the one nearest frame is 20, not 22
    with pytest.raises(StudyError, match="too short to hold the key frame"):
        load(study, "labelled")
    (study / "a.nii.gz").write_bytes(b"\x1f\x8b" + bytes(300))
    with pytest.raises(StudyError, match="not a readable NIfTI file"):
        load(study)
    (study / "a.nii.gz").write_bytes(b"NRRD0004\n" + bytes(300))
    with pytest.raises(StudyError, match=r"column volume_mask: 'a.nii.gz' is nrrd, not NIfTI"):
        load(study)


def test_parameters(study):
    table = media.table(study, pd.DataFrame({"case_id": ["c1", "c2", "c3"]}))
    with pytest.raises(ValueError, match="frames: 'all'"):
        media.arrays(study, table, "cine", cache=study / "cache", frames="all")
    with pytest.raises(ValueError, match="needs the table of labelled frames"):
        media.arrays(study, table, "cine", cache=study / "cache", frames="nearest")

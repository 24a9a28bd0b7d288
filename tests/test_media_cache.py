"""Arrays decoded once, and copied frames across splits."""

from __future__ import annotations

import multiprocessing
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.media import cache as cache_module
from helpers.data.media import prepare
from test_media_samples import HEIGHT, WIDTH, clip, lesion, write_dicom, write_video

HEADER = "case_id,kind,path,roi,frames,key_frame,seconds_per_frame,pixel_mm,mask"
ROI = "30 10 50 24"


def picture(seed: int) -> np.ndarray:
    """A smooth random picture, different for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def study(folder, rows):
    (folder / "media.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return media.table(folder, pd.DataFrame({"case_id": sorted({row.split(",")[0] for row in rows})}))


@pytest.fixture
def small(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    Image.fromarray(lesion().astype(np.uint8) * 255).save(folder / "m.png")
    rows = []
    for case in range(4):
        Image.fromarray(picture(case)).save(folder / f"{case}.png")
        rows.append(f"c{case},bmode,{case}.png,{ROI},1,0,,0.5,{'m.png' if case % 2 else ''}")
    write_video(folder / "a.avi", clip(40), kind="mjpeg.avi")
    write_dicom(folder / "a.dcm", clip(40), FrameTime=100)
    rows += [f"c0,ceus,a.avi,{ROI},40,20,0.5,0.5,m.png", f"c1,ceus,a.dcm,{ROI},40,20,,0.5,m.png"]
    return folder, rows


OPTIONS = {"size": 32, "crop": {"scale": 1.5}, "workers": 1}


def test_pixels_masks_and_index(small, tmp_path):
    folder, rows = small
    table = study(folder, rows)
    stills = media.arrays(folder, table, "bmode", cache=tmp_path / "cache", **OPTIONS)
    assert stills.images.shape == (4, 1, 32, 32) and stills.images.dtype == np.uint8
    assert isinstance(stills.images, np.memmap) and not stills.images.flags.writeable
    roi = (30, 10, 50, 24)
    for case in range(4):
        assert np.array_equal(stills.images[case, 0], media.square_crop(picture(case), roi, scale=1.5, size=32))
    assert stills.index["has_mask"].tolist() == [False, True, False, True]
    assert not stills.masks[0].any()
    assert np.array_equal(stills.masks[1], media.square_crop(lesion(), roi, scale=1.5, size=32))
    assert set(np.unique(stills.masks)) == {0, 1}
    clips = media.arrays(folder, table, "ceus", cache=tmp_path / "cache", **OPTIONS)
    # half a second a frame: 2 s are 4 frames, 10 candidates give steps of 2; 0.1 s: only candidates 0, 20 fit
    assert clips.index["frames"].tolist() == ["4 12 20 28 36", "0 0 20 20 20"]
    frames = media.read(folder / "a.avi", frames=[4, 12, 20, 28, 36])
    assert np.array_equal(clips.images[0], media.square_crop(frames, roi, scale=1.5, size=32))
    assert clips.index["seconds_per_frame"].tolist() == [0.5, 0.1]
    assert clips.index["row"].tolist() == [6, 7] and clips.index["case_id"].tolist() == ["c0", "c1"]
    square = media.Square(*clips.index.loc[0, ["crop_x0", "crop_y0", "crop_side"]])
    assert square == media.crop_square(roi, (HEIGHT, WIDTH), scale=1.5)
    frame = clips.frame()
    frame.loc[0, "row"] = 99
    assert clips.index.loc[0, "row"] == 6


def test_a_second_run_reads_no_pixels(small, tmp_path, monkeypatch):
    folder, rows = small
    table = study(folder, rows)
    first = {kind: media.arrays(folder, table, kind, cache=tmp_path / "cache", **OPTIONS) for kind in ("bmode", "ceus")}
    assert (first["bmode"].decoded, first["ceus"].decoded) == (4, 2)

    def never(*_, **__):
        raise AssertionError("a pixel was read")

    monkeypatch.setattr(prepare, "read", never)
    monkeypatch.setattr(prepare, "read_mask", never)
    for kind, before in first.items():
        again = media.arrays(folder, table, kind, cache=tmp_path / "cache", **OPTIONS)
        assert again.decoded == 0
        assert np.array_equal(again.images, before.images) and np.array_equal(again.masks, before.masks)
        pd.testing.assert_frame_equal(again.index, before.index)
    # another study with the same files shares the cache, whatever its cases are called
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    renamed = study(other, [row.replace("c", "d", 1) for row in rows])
    shared = media.arrays(other, renamed, "bmode", cache=tmp_path / "cache", **OPTIONS)
    assert shared.decoded == 0 and shared.index["case_id"].tolist() == ["d0", "d1", "d2", "d3"]


def test_one_change_decodes_one_file(small, tmp_path):
    folder, rows = small
    options = {"cache": tmp_path / "cache", **OPTIONS}

    def decoded(**changes):
        return media.arrays(folder, study(folder, rows), "bmode", **{**options, **changes})

    assert decoded().decoded == 4
    stamp = (folder / "2.png").stat()
    Image.fromarray(picture(9)).save(folder / "2.png")
    os.utime(folder / "2.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # a copy that keeps its time stamp
    changed = decoded()
    assert changed.decoded == 1
    assert np.array_equal(changed.images[2], media.square_crop(picture(9)[None], (30, 10, 50, 24), scale=1.5, size=32))
    rows[0] = rows[0].replace(ROI, "31 10 50 24")
    assert decoded().decoded == 1
    mask = lesion()
    mask[12, 32] = False
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "m.png")
    assert decoded().decoded == 2  # both cases that name this mask
    assert decoded(size=16).decoded == 4
    assert decoded(crop={"side_mm": 10}).decoded == 4
    rows.reverse()
    assert decoded().decoded == 0
    rows.pop()
    assert decoded().decoded == 0


def test_a_new_version_of_the_reader_decodes_again(small, tmp_path, monkeypatch):
    folder, rows = small
    options = {"cache": tmp_path / "cache", **OPTIONS}
    media.arrays(folder, study(folder, rows), "bmode", **options)
    monkeypatch.setattr(cache_module, "VERSION", prepare.VERSION + 1)
    assert media.arrays(folder, study(folder, rows), "bmode", **options).decoded == 4


def test_an_interrupted_run_goes_on_where_it_was(small, tmp_path, monkeypatch):
    folder, rows = small
    options = {"cache": tmp_path / "cache", **OPTIONS}
    table = study(folder, rows)
    honest, calls = prepare.prepare, []

    def killed(job):
        calls.append(job)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return honest(job)

    monkeypatch.setattr(prepare, "prepare", killed)
    with pytest.raises(KeyboardInterrupt):
        media.arrays(folder, table, "bmode", **options)
    assert not list((tmp_path / "cache").glob("bmode-*"))
    (tmp_path / "cache" / ".new-half").mkdir()  # what a killed process leaves
    (tmp_path / "cache" / "parts" / "x.1.new").touch()
    monkeypatch.setattr(prepare, "prepare", honest)
    assert media.arrays(folder, table, "bmode", **options).decoded == 2
    left = {path.name for path in (tmp_path / "cache").rglob("*")}
    assert ".new-half" not in left and not [name for name in left if name.endswith((".new", ".npz"))]


@pytest.mark.parametrize("name", ["images.npy", "masks.npy", "index.csv"])
def test_a_broken_cache_is_made_again(small, tmp_path, name):
    folder, rows = small
    options = {"cache": tmp_path / "cache", **OPTIONS}
    first = media.arrays(folder, study(folder, rows), "bmode", **options)
    kept = np.array(first.images)
    (place,) = (tmp_path / "cache").glob("bmode-*")
    for content in ((place / name).read_bytes()[:100], b""):
        (place / name).write_bytes(content)
        again = media.arrays(folder, study(folder, rows), "bmode", **options)
        assert again.decoded == 4 and np.array_equal(again.images, kept)
    np.save(place / "images.npy", np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    assert media.arrays(folder, study(folder, rows), "bmode", **options).decoded == 4


def test_several_processes_give_the_same(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    rows = []
    for case in range(17):
        Image.fromarray(picture(case)).save(folder / f"{case:02}.png")
        rows.append(f"c{case:02},bmode,{case:02}.png,{ROI},1,0,,0.5,")
    table = study(folder, rows)
    two = media.arrays(folder, table, "bmode", cache=tmp_path / "two", **{**OPTIONS, "workers": 2})
    one = media.arrays(folder, table, "bmode", cache=tmp_path / "one", **OPTIONS)
    assert two.decoded == one.decoded == 17 and two.masks is None
    assert np.array_equal(two.images, one.images)
    broken = (folder / "05.png").read_bytes()[:-60]
    for name in ("05.png", "03.png"):
        (folder / name).write_bytes(broken)
    with pytest.raises(StudyError, match=r"media.csv, row 5, column path: 03.png: the image is damaged"):
        media.arrays(folder, table, "bmode", cache=tmp_path / "three", **OPTIONS)


def _fill(folder, table, place, queue):
    queue.put(media.arrays(folder, table, "bmode", cache=place, **OPTIONS).decoded)


def test_two_processes_share_one_cache(small, tmp_path):
    folder, rows = small
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    arguments = (folder, study(folder, rows), tmp_path / "cache", queue)
    both = [context.Process(target=_fill, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    counts = sorted(queue.get(timeout=60) for _ in both)
    for process in both:
        process.join()
    assert counts == [0, 4]


@pytest.mark.parametrize(
    ("row", "options", "column", "says"),
    [
        (f"c0,bmode,0.png,{ROI},3,0,,0.5,", {}, "path", "3 frames are wanted, a still image has 1"),
        (f"c0,bmode,a.avi,{ROI},41,0,,0.5,", {}, "path", "a.avi: the video is truncated: it holds 40 frames, 41 are"),
        ("c0,bmode,0.png,30 10 65 24,1,0,,0.5,", {}, "roi", "leaves the frame of 64 x 48"),
        (f"c0,bmode,0.png,{ROI},1,0,,,", {"crop": {"side_mm": 28}}, "pixel_mm", "needs the size of a pixel"),
        (f"c0,bmode,0.png,{ROI},1,0,,0.5,big.png", {}, "mask", "the mask has 10 x 10 pixels, its frame 64 x 48"),
        (f"c0,bmode,0.png,{ROI},1,0,,0.5,turned.png", {}, "mask", "looks transposed"),
        ("c0,bmode,0.png,0 0 9 9,1,0,,0.5,m.png", {}, "mask", "does not meet the lesion box"),
        (f"c0,bmode,0.png,{ROI},1,0,,0.5,black.png", {}, "mask", "empty"),
        (f"c0,ceus,timeless.dcm,{ROI},4,0,,0.5,", {}, "seconds_per_frame", "does not say the time between its frames"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(small, tmp_path, row, options, column, says):
    folder, _ = small
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(folder / "big.png")
    Image.fromarray(lesion().T.astype(np.uint8) * 255).save(folder / "turned.png")
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(folder / "black.png")
    write_dicom(folder / "timeless.dcm", clip(4))
    good = f"c9,{row.split(',')[1]},a.avi,{ROI},40,20,0.5,0.5,"
    with pytest.raises(StudyError) as caught:
        media.arrays(
            folder, study(folder, [good, row]), row.split(",")[1], cache=tmp_path / "cache", **{**OPTIONS, **options}
        )
    assert says in str(caught.value)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("media.csv", 3, column)
    assert caught.value.fix and str(tmp_path) not in str(caught.value)


def test_a_square_mask_saved_transposed_is_noticed(tmp_path):
    import nibabel

    mask = np.zeros((64, 64), bool)
    mask[5:15, 40:60] = True
    Image.fromarray(np.full((64, 64), 99, np.uint8)).save(tmp_path / "a.png")
    nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), np.eye(4)), tmp_path / "m.nii")  # y first: wrong
    table = study(tmp_path, ["c0,bmode,a.png,40 5 60 15,1,0,,,m.nii"])
    with pytest.raises(StudyError, match="does not meet the lesion box; transposed it does"):
        media.arrays(tmp_path, table, "bmode", cache=tmp_path / "cache", **OPTIONS)


def test_wrong_calls(small, tmp_path):
    folder, rows = small
    table = study(folder, rows)
    for changes in ({"crop": {"side": 3}}, {"size": 0}, {"workers": 0}):
        with pytest.raises(ValueError, match=r"crop|size"):
            media.arrays(folder, table, "bmode", cache=tmp_path / "cache", **{**OPTIONS, **changes})
    with pytest.raises(StudyError, match="no row of kind 'cine'"):
        media.arrays(folder, table, "cine", cache=tmp_path / "cache", **OPTIONS)


@pytest.fixture
def twenty(tmp_path):
    """Twenty different pictures; the tests put copies among them."""
    folder = tmp_path / "study"
    folder.mkdir()
    for case in range(20):
        Image.fromarray(picture(case)).save(folder / f"{case:02}.png")

    def read(roi=("16 8 48 40",) * 20):
        rows = [f"c{case:02},bmode,{case:02}.png,{roi[case]},1,0,,," for case in range(20)]
        table = study(folder, rows)
        return media.arrays(folder, table, "bmode", cache=tmp_path / "cache", **{**OPTIONS, "size": 128})

    return folder, read, {f"c{case:02}": "train" if case < 12 else "test" for case in range(20)}


def test_different_pictures_are_no_copies(twenty):
    _, read, split = twenty
    assert media.copied_frames(read(), split).empty
    media.check_copies(read(), pd.Series(split))


def alter(frame: np.ndarray, how: str) -> np.ndarray:
    wide = frame.astype(float)
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    changed = {"same": wide, "darker": wide * 0.7 + 10, "noise": wide + noise, "gamma": 255 * (wide / 255) ** 1.1}[how]
    return np.clip(changed, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("how", ["same", "darker", "noise", "gamma", "jpeg"])
def test_a_copy_across_splits_stops_the_run(twenty, how):
    folder, read, split = twenty
    if how == "jpeg":
        Image.fromarray(picture(3)).save(folder / "15.png", "JPEG", quality=60)
    else:
        Image.fromarray(alter(picture(3), how)).save(folder / "15.png")
    found = media.copied_frames(read(), split)
    assert set(zip(found["case_a"], found["case_b"], strict=True)) == {("c03", "c15")}
    assert ("identical" in found["match"].tolist()) == (how == "same")
    with pytest.raises(StudyError, match=r"'c03' \(train\) and 'c15' \(test, row 17\)") as caught:
        media.check_copies(read(), split)
    assert (caught.value.file, caught.value.row) == ("media.csv", 5)
    assert media.copied_frames(read(), {**split, "c15": "train"}).empty


def test_one_file_for_two_cases_is_found_however_it_is_cropped(twenty):
    folder, read, split = twenty
    shutil.copy(folder / "02.png", folder / "19.png")
    arrays = read(["16 8 48 40"] * 19 + ["1 1 20 20"])
    assert media.copied_frames(arrays, split)["match"].tolist() == ["same file"]
    with pytest.raises(StudyError, match="made from the same file"):
        media.check_copies(arrays, split)


def test_black_frames_are_no_copies(twenty):
    folder, read, split = twenty
    for case in (1, 18):
        dark = np.random.default_rng(case).poisson(0.3, (HEIGHT, WIDTH)).astype(np.uint8)
        Image.fromarray(dark).save(folder / f"{case:02}.png")
    assert media.copied_frames(read(), split).empty
    with pytest.raises(ValueError, match="split: none for case 'c19'"):
        media.copied_frames(read(), {case: part for case, part in split.items() if case != "c19"})

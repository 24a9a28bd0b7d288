"""The simulated cohort's files: readable, right size, reproducible, and nothing in them that tells the label."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.data import made
from helpers.data.errors import StudyError
from helpers.data.simulate import case, display, files, olnm
from helpers.data.simulate.ceiling import rank_auc

TABLE = Path(__file__).parents[1] / "data" / "published" / "A_table1.csv"
SIZE = (160, 200)
SMALL = {"train": (9, 5), "test": (5, 3)}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("olnm")
    summary = olnm.write_cohort(
        folder, published=TABLE, size=SIZE, counts=SMALL, seed=4, frames_per_second=0.5, workers=1
    )
    return folder, summary


def media(folder, kind):
    frame = pd.read_csv(folder / "media.csv", dtype={"roi": str})
    return frame[frame["kind"] == kind]


def read_mask(path):
    import nibabel as nib

    image = nib.load(path)
    return np.asarray(image.dataobj)[:, :, 0].T, image


# ---------------------------------------------------------------- tables and summary


def test_tables_follow_the_contract(study):
    folder, summary = study
    cohort = pd.read_csv(folder / "cohort.csv")
    assert list(cohort.columns[:5]) == ["patient_id", "case_id", "center", "split", "label"]
    assert len(cohort) == 22 and summary["patients"] == 22
    rows = pd.read_csv(folder / "media.csv")
    assert list(rows.columns) == (
        ["case_id", "kind", "path", "roi", "frames", "key_frame", "seconds_per_frame", "pixel_mm", "mask"]
    )
    assert (rows.groupby("case_id")["kind"].apply(sorted).map(tuple) == ("bmode", "ceus")).all()
    truth = pd.read_csv(folder / "simulation.csv")
    assert list(truth["case_id"]) == list(cohort["case_id"])
    assert truth["posterior"].between(0, 1).all() and set(summary["bayes_limit"]) == {"train", "test"}
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != made.MARKER]
    assert len(found) == summary["files"] == 3 + 4 * 22
    assert sum(path.stat().st_size for path in found) == summary["bytes"]
    assert not (folder / olnm.WORK).exists()


def test_all_formats_occur(study):
    folder, _ = study
    assert set(media(folder, "bmode")["path"].map(lambda path: path.split(".")[-1])) == {"png", "dcm"}
    assert set(media(folder, "ceus")["path"].map(lambda path: path.split(".")[-1])) == {"avi", "mp4", "dcm"}


# ---------------------------------------------------------------- every file can be read


def test_stills(study):
    import pydicom
    from PIL import Image

    folder, _ = study
    seen = set()
    for row in media(folder, "bmode").itertuples():
        assert (row.frames, row.key_frame) == (1, 0)
        if row.path.endswith("png"):
            image = Image.open(folder / row.path)
            assert "date:create" not in image.info and row.pixel_mm > 0
            seen.add(f"png {image.mode}")
            pixels = np.asarray(image)
        else:
            data = pydicom.dcmread(folder / row.path)
            assert np.isnan(row.pixel_mm)  # the file says it
            assert data.SOPClassUID == pydicom.uid.UltrasoundImageStorage
            seen.add(f"dicom {data.PhotometricInterpretation}")
            pixels = data.pixel_array
            region = data.SequenceOfUltrasoundRegions[0]
            box = row.roi.split()
            assert region.RegionLocationMinX0 <= int(box[0]) and int(box[2]) <= region.RegionLocationMaxX1 + 1
            assert 0.1 < region.PhysicalDeltaX * 10 < 0.5 and region.PhysicalUnitsXDirection == 3
        assert pixels.shape[:2] == SIZE and pixels.dtype == np.uint8
        assert pixels.std() > 20
    assert seen <= {"png L", "png RGB", "dicom MONOCHROME2", "dicom RGB"} and len(seen) >= 3


def test_clips(study):
    import av
    import pydicom

    folder, _ = study
    for row in media(folder, "ceus").itertuples():
        if row.path.endswith("dcm"):
            data = pydicom.dcmread(folder / row.path)
            assert data.SOPClassUID == pydicom.uid.UltrasoundMultiFrameImageStorage
            assert data.file_meta.TransferSyntaxUID == pydicom.uid.JPEGBaseline8Bit
            assert data.NumberOfFrames == row.frames and float(data.FrameTime) == 2000.0
            pixels = data.pixel_array
        else:
            with av.open(str(folder / row.path)) as container:
                stream = container.streams.video[0]
                pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
                assert float(stream.average_rate) == 0.5 and row.seconds_per_frame == 2.0
        assert pixels.shape[:3] == (row.frames, *SIZE)
        assert 5 <= row.frames <= 60 and 0 <= row.key_frame < row.frames


def test_masks_match_boxes_and_sizes(study):
    folder, _ = study
    truth = pd.read_csv(folder / "simulation.csv").set_index("case_id")
    for row in pd.read_csv(folder / "media.csv", dtype={"roi": str}).itertuples():
        mask, image = read_mask(folder / row.mask)
        assert mask.shape == SIZE and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert row.roi == f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}"
        pixel = truth.loc[row.case_id, "pixel_mm"]
        assert np.diag(image.affine)[:2] == pytest.approx([pixel, pixel], rel=1e-4)
        inside = mask.copy()
        inside[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[2:, 1:-1] & mask[:-2, 1:-1] & mask[1:-1, 2:] & mask[1:-1, :-2]
        points = np.argwhere(mask > inside) * pixel
        far = max(np.hypot(*(points - point).T).max() for point in points)
        assert far == pytest.approx(truth.loc[row.case_id, "drawn_size"], abs=2.5 * pixel)


def test_nifti_axes_are_x_then_y(tmp_path):
    import nibabel as nib

    mask = np.zeros((6, 9), bool)
    mask[1, 7] = True
    files.write_nifti_mask(tmp_path / "m.nii.gz", mask, 0.2)
    stored = np.asarray(nib.load(tmp_path / "m.nii.gz").dataobj)
    assert stored.shape == (9, 6, 1) and stored[7, 1, 0] == 1 and stored.sum() == 1


def test_dicom_names_nobody(study):
    import pydicom

    folder, _ = study
    cohort = pd.read_csv(folder / "cohort.csv")
    paths = [path for path in pd.read_csv(folder / "media.csv")["path"] if path.endswith("dcm")]
    assert len(paths) >= 5
    for path in paths:
        data = pydicom.dcmread(folder / path)
        row = cohort[cohort["case_id"] == path.split("/")[1]].iloc[0]
        assert str(data.PatientName) == data.PatientID == row["patient_id"]
        people = [item for item in data if item.VR == "PN" and str(item.value)]
        assert [item.keyword for item in people] == ["PatientName"]
        dates = [item for item in data if item.VR in ("DA", "TM", "DT") and item.value]
        assert dates == [] and "label" not in str(data).lower() and str(row["sex"]) not in str(data)


def test_tinted_video_keeps_its_colours(tmp_path):
    import av

    frame = np.zeros((32, 48), np.uint8)
    frame[8:24, 8:40] = 200
    table = display.tint_table((255, 190, 110))
    tint = files.Tint(table, (slice(8, 24), slice(8, 40)))
    for name, codec in (("a.avi", "mjpeg"), ("b.mp4", files.video_codec())):
        files.write_video(tmp_path / name, [frame] * 3, seconds_per_frame=0.5, codec=codec, tint=tint)
        with av.open(str(tmp_path / name)) as container:
            decoded = [item.to_ndarray(format="rgb24") for item in container.decode(video=0)]
        assert len(decoded) == 3
        assert np.abs(decoded[1][16, 24].astype(int) - table[200].astype(int)).max() <= 12
        assert decoded[1][2, 2].max() <= 8
    assert (tint.colour(frame)[16, 24] == table[200]).all()


# ---------------------------------------------------------------- reproducible and safe


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path):
    found = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        olnm.write_cohort(folder, published=TABLE, size=SIZE, counts={"train": (2, 2)}, seed=9, workers=workers)
        found.append(digests(folder))
    assert found[0] == found[1] and len(found[0]) == 3 + 4 * 4 + 1


def test_a_cohort_of_patients_is_never_replaced(tmp_path):
    (tmp_path / "cohort.csv").write_text("patient_id\nreal\n")
    with pytest.raises(StudyError, match="not written by this version"):
        olnm.write_cohort(tmp_path, published=TABLE, counts=SMALL)
    assert (tmp_path / "cohort.csv").read_text() == "patient_id\nreal\n"


def test_a_killed_run_leaves_no_half_cohort(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("killed")

    monkeypatch.setattr(olnm, "write_case", fail)
    with pytest.raises(RuntimeError, match="killed"):
        olnm.write_cohort(tmp_path, published=TABLE, counts={"train": (1, 1)}, size=SIZE, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_replaces_the_first(tmp_path):
    for seed in (1, 2):
        olnm.write_cohort(tmp_path, published=TABLE, counts={"train": (1, 1)}, size=(128, 160), seed=seed, workers=1)
    assert sorted(path.name for path in (tmp_path / "media").iterdir()) == ["C0001", "C0002"]
    assert made.foreign(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": {"train": (5, 0)}}, "counts"),
        ({"visibility": 1.5}, "visibility"),
        ({"frames_per_second": 0}, "frames_per_second"),
        ({"size": (121, 200)}, "size"),
        ({"size": (64, 64)}, "size"),
        ({"workers": 0}, "workers"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        olnm.write_cohort(tmp_path, published=TABLE, **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path):
    with pytest.raises(StudyError, match="is not there"):
        olnm.write_cohort(tmp_path / "none", published=TABLE)


# ---------------------------------------------------------------- recording does not know the label


def test_calipers_and_formats_are_independent_of_the_label():
    assert list(inspect.signature(case.plan).parameters) == ["seed", "index"]  # by construction
    plans = [case.plan(3, index) for index in range(2000)]
    label = np.random.default_rng(0).integers(0, 2, 2000)
    for values in (
        [item.calipers for item in plans],
        [item.bmode_format == "dicom" for item in plans],
        [item.ceus_format == "avi" for item in plans],
        [item.clip_seconds for item in plans],
    ):
        assert abs(rank_auc(label, np.array(values)) - 0.5) < 0.05
    assert np.mean([item.calipers > 0 for item in plans]) == pytest.approx(case.CALIPERS, abs=0.04)
    seconds = np.array([item.clip_seconds for item in plans])
    assert seconds.min() >= 10 and seconds.max() <= 120


def test_calipers_sit_on_the_border(study):
    folder, _ = study
    truth = pd.read_csv(folder / "simulation.csv")
    assert 0 < (truth["calipers"] > 0).sum() < len(truth)
    mask, _ = read_mask(folder / media(folder, "bmode")["mask"].iloc[0])
    for row, column in display.calipers(mask == 1, pairs=2):
        around = mask[row - 1 : row + 2, column - 1 : column + 2]
        assert mask[row, column] == 1 and around.min() == 0


def test_nothing_but_calipers_is_drawn_over_the_image():
    for look in display.LOOKS.values():
        place = display.layout(look, (320, 400))
        page = display.canvas(look, place, 0.15)
        assert page[place.window].max() == 0 and page.max() > 150


def test_key_frame_is_the_frame_nearest_the_peak(study):
    folder, _ = study
    truth = pd.read_csv(folder / "simulation.csv").set_index("case_id")
    for row in media(folder, "ceus").itertuples():
        line = truth.loc[row.case_id]
        seconds = line["clip_start_seconds"] + 2.0 * np.arange(row.frames)
        assert abs(seconds[row.key_frame] - line["peak_seconds"]) <= 1.01

"""The simulated cohort of calcified nodules: published counts, foci that show in some frames only, readable files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from helpers.data import cohort as cohort_table
from helpers.data import media
from helpers.data.errors import StudyError
from helpers.data.simulate import calcified, calcified_clip, calcified_counts, calcified_foci, calcified_signs
from helpers.data.simulate import calcified_sweep as sweep
from helpers.data.simulate.ceiling import rank_auc
from helpers.data.simulate.nodule import Nodule, Signs
from helpers.data.study import read as read_study

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "data" / "published" / "D_table1.csv"
SEED = 20260115
SIZE = calcified.SMALL_SIZE


@pytest.fixture(scope="module")
def counts():
    return calcified_counts.read(TABLE)


@pytest.fixture(scope="module")
def table(counts):
    return calcified_signs.design(counts)


@pytest.fixture(scope="module")
def patients(counts, table):
    return calcified_signs.draw_patients(counts, table, seed=SEED)


@pytest.fixture(scope="module")
def planned(patients, table):
    shown = calcified_signs.show(patients, table, seed=SEED)
    return list(calcified.plan(patients, shown, table, seed=SEED, shortened=calcified.SHORTENED)), shown


# ---------------------------------------------------------------- tables


def test_every_printed_count_is_met(patients):
    printed = pd.read_csv(TABLE)
    checked = 0
    names = calcified_counts.FEATURES | {"Pathology": "label"}
    for line in printed[printed["statistic"] == "count"].itertuples():
        feature, level = line.row.split("|")
        split = patients[patients["split"] == calcified_counts.SPLITS[line.column]]
        wanted = {"Benign": 0, "Malignant": 1}.get(level, level.lower())
        assert int((split[names[feature]] == wanted).sum()) == line.value_num, (line.row, line.column)
        checked += 1
    assert checked == 9 * 4  # levels, splits
    assert patients["split"].value_counts().to_dict() == {"train": 708, "external": 245, "tune": 152, "test": 152}


def test_clips_and_hospitals_are_those_printed(patients):
    clips = patients.groupby("split")["clips"].sum().to_dict()
    assert clips == {"train": 1278, "tune": 1827 - 1278 - 288, "test": 288, "external": 492}
    assert patients["clips"].between(1, calcified_signs.MOST_CLIPS).all()
    hospitals = patients["center"].value_counts().sort_index()
    assert hospitals.to_dict() == {f"Hospital {name}": n for name, n in zip("ABCDEF", (812, 200, 176, 34, 15, 20))}
    outside = patients[patients["split"] == "external"].groupby("center")["clips"].sum()
    assert outside.to_dict() == {"Hospital C": 423, "Hospital D": 34, "Hospital E": 15, "Hospital F": 20}
    assert set(patients.loc[patients["split"] != "external", "center"]) == {"Hospital A", "Hospital B"}


def test_ages_fit_their_groups_and_the_printed_moments(patients):
    for name, (low, high) in calcified_signs.AGE_YEARS.items():
        assert patients.loc[patients["age_group"] == name, "age"].between(low, high).all()
    for split, mean in (("test", 48), ("external", 50)):
        age = patients.loc[patients["split"] == split, "age"]
        assert (round(age.mean()), round(age.std())) == (mean, 13)


def test_only_signs_tell_the_label(patients):
    label = patients["label"]
    for split, group in patients.groupby("split"):
        assert abs(rank_auc(group["label"], group["clips"]) - 0.5) < 0.08, split
        shares = group.groupby(["center", "label"]).size().unstack()
        assert (shares.sum(axis=1) * group["label"].mean() - shares[1]).abs().max() < 1.5
    assert abs(rank_auc(label, np.arange(len(label))) - (0.5)) < 0.05
    assert set(patients.loc[patients["split"] == "external", "scanner"]).isdisjoint(
        patients.loc[patients["split"] != "external", "scanner"]
    )


def test_outside_patients_are_older_with_more_benign_macrocalcification(patients):
    outside, inside = patients[patients["split"] == "external"], patients[patients["split"] != "external"]
    assert outside["age"].mean() > inside["age"].mean() + 3
    benign = [part[part["label"] == 0] for part in (outside, inside)]
    macro = [(part["calcification"] == "macrocalcification").mean() for part in benign]
    assert macro[0] > macro[1] + 0.1
    assert outside["label"].mean() == pytest.approx(83 / 245) and inside["label"].mean() > 0.7


def test_a_logistic_on_the_record_is_an_honest_baseline(patients):
    from sklearn.linear_model import LogisticRegression

    columns = ["age", "size", "sex", "calcification", "margin", "echogenicity", "orientation"]
    x = pd.get_dummies(patients[columns], drop_first=True).astype(float)
    x = (x - x.mean()) / x.std()
    train = (patients["split"] == "train").to_numpy()
    score = LogisticRegression(C=1.0, max_iter=500).fit(x[train], patients["label"][train]).decision_function(x)
    for split in ("test", "external"):
        rows = (patients["split"] == split).to_numpy()
        assert 0.72 < rank_auc(patients["label"][rows], score[rows]) < 0.88, split


def test_the_ideal_reader_exceeds_the_record(table):
    limit = calcified_signs.reader(table, "test").limit(n=2000)
    assert 0.90 < limit < 0.96


def test_seed_decides(counts, table, patients):
    pd.testing.assert_frame_equal(patients, calcified_signs.draw_patients(counts, table, seed=SEED))
    assert not patients.equals(calcified_signs.draw_patients(counts, table, seed=SEED + 1))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_share_keeps_prevalence_and_hospitals(patients, share):
    kept = calcified_signs.written(patients, share)
    assert len(kept) == pytest.approx(share * len(patients), abs=4)
    for split, group in patients.groupby("split"):
        part = kept[kept["split"] == split]
        assert abs(part["label"].sum() - share * group["label"].sum()) <= 0.5
        assert abs((part["label"] == 0).sum() - share * (group["label"] == 0).sum()) <= 0.5
    assert set(kept["patient_id"]) <= set(patients["patient_id"])
    assert set(kept["center"]) == set(patients["center"]) or share < 0.2


def test_shares_out_of_range(patients):
    with pytest.raises(ValueError, match=r"share is 0; it must be in \(0, 1\]"):
        calcified_signs.written(patients, 0)
    with pytest.raises(ValueError, match="leaves no patient with label"):
        calcified_signs.written(patients, 0.001)


def test_clip_lengths_reach_both_printed_extremes(patients, planned):
    lengths = calcified.clip_lengths(patients, seed=SEED)
    flat = np.concatenate(lengths)
    assert (flat.min(), flat.max(), flat.size) == (44, 4126, 2319)
    assert 150 <= np.median(flat) <= 200 and [len(row) for row in lengths] == patients["clips"].tolist()
    kept = set(calcified_signs.written(patients, 0.2)["patient_id"])
    quick = [clip.frames for person in planned[0] if person.patient_id in kept for clip in person.clips]
    assert min(quick) == 44 and max(quick) > 1000


def test_first_clip_shows_the_recorded_nodule_and_some_others_a_benign_one(planned):
    people, shown = planned
    further = [clip for person in people for clip in person.clips[1:]]
    share = 1 - np.mean([clip.index_nodule for clip in further])
    assert share == pytest.approx(calcified_signs.ANOTHER, abs=0.04)
    patterns = dict(zip(shown["patient_id"], shown["pattern"], strict=True))
    assert all(person.clips[0].signs["pattern"] == patterns[person.patient_id] for person in people)
    other = [clip.signs["pattern"] for clip in further if not clip.index_nodule]
    assert np.mean(["many" in pattern for pattern in other]) < 0.25


def test_faulty_tables_are_refused(tmp_path):
    text = (TABLE.parent / "D_text.csv").read_text()
    (tmp_path / "D_text.csv").write_text(text)
    faulty = TABLE.read_text().replace("Gender|Male,train,count,174,174", "Gender|Male,train,count,175,175")
    (tmp_path / "t.csv").write_text(faulty)
    with pytest.raises(StudyError, match="levels of sex add up to 709 in train, the header says 708"):
        calcified_counts.read(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text(TABLE.read_text())
    (tmp_path / "D_text.csv").write_text(text.replace("internal total,internal,n,1827", "all,internal,n,1827"))
    with pytest.raises(StudyError, match="no n of videos for 'internal total'"):
        calcified_counts.read(tmp_path / "u.csv")
    with pytest.raises(StudyError, match="not there"):
        calcified_counts.read(tmp_path / "none.csv")


def test_clips_that_do_not_fit():
    with pytest.raises(ValueError, match="70 do not fit 10 patients with 1 to 6"):
        calcified_counts.spread(10, 70, {1: 1}, most=6)
    assert calcified_counts.spread(20, 20, {1: 1, 2: 5}, most=3) == {1: 20, 2: 0, 3: 0}


# ---------------------------------------------------------------- calcium and sweep


def ball(size=12.0):
    return Nodule(Signs(size), 20.0, 0.0, np.full(361, size / 2, np.float32), 0.2, (), -10.0)


@pytest.mark.parametrize("pattern", calcified_signs.PATTERNS)
@pytest.mark.parametrize("size", [5.0, 12.0, 28.0])
def test_calcium_lies_inside_and_is_what_the_pattern_says(pattern, size):
    nodule = ball(size)
    for seed in range(5):
        found = calcified_foci.draw_deposits(np.random.default_rng(seed), pattern, nodule)
        small = [deposit for deposit in found if deposit.micro]
        away = [np.hypot(np.hypot(d.focus.z, d.focus.x), d.focus.elevation) for d in small]
        assert max(away, default=0) < nodule.reach_mm
        assert bool(set(found) - set(small)) == ("macro" in pattern)
        assert ("few" in pattern) == (3 <= len(small) <= 5) and ("many" in pattern) == (len(small) >= 8)


def test_a_still_shows_a_weaker_part_than_the_sweep():
    few, many = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        for kept, pattern in ((few, "few micro"), (many, "many micro")):
            found = calcified_foci.draw_deposits(rng, pattern, ball())
            kept.append((calcified_foci.shown(found, 0.0), len(found)))
    label = np.repeat([0, 1], 60)
    still, volume = np.array(few + many).T
    assert rank_auc(label, volume) == 1.0
    assert 0.45 < rank_auc(label, still) < 0.85
    assert still[60:].max() < volume[60:].min() + 4


def test_sweep_passes_through_the_nodule_and_stays_in_the_margin():
    for seed, frames in enumerate((44, 60, 200, 1064)):
        path = sweep.draw_path(np.random.default_rng(seed), frames, reach_mm=6.0, pixel_mm=0.2, margin=12)
        assert len(path) == frames and path.shift.shape == (frames, 2)
        assert path.elevation_mm.min() < -5 and path.elevation_mm.max() > 5
        assert np.abs(path.elevation_mm).max() <= sweep.BEYOND * 6.0 + 1e-5 and np.abs(path.shift).max() <= 10
        assert np.abs(np.diff(path.elevation_mm)).max() < 1.5  # a hand, not a jump
    span = sweep.planes(6.0)
    assert span[0] < -sweep.BEYOND * 6 and np.allclose(np.diff(span), sweep.SPACING_MM)
    assert len(sweep.planes(14.0)) <= sweep.MOST_PLANES + 1


@pytest.fixture(scope="module")
def scene():
    """A smooth hypoechoic nodule with one grain 3 mm off centre and a large calcification in the centre."""
    rng = np.random.default_rng(3)
    signs = {"size": 14.0, "echogenicity": "hypoechoic", "orientation": "horizontal", "margin": "smooth"}
    made, neck = calcified_clip._scene(rng, calcified_clip.LOOKS["GE LOGIQ E9"], signs, SIZE)
    grain = calcified_foci.Deposit(calcified_foci.Focus(1.0, 3.5, 3.0, 0.2, 5.0, 10.0), 0.5, micro=True)
    large = [
        calcified_foci.Deposit(calcified_foci.Focus(-1.0, x, 0.0, 0.3, 3.0, 150.0), 1.0, micro=False)
        for x in (-2.0, -1.6, -1.2)
    ]
    deposits = (grain, *large)
    elevations = sweep.planes(made.nodule.reach_mm)
    power = sweep.echo_power(rng, made.probe, neck, made.nodule, deposits, elevations)
    path = sweep.Path(np.linspace(-6, 6, 25).astype(np.float32), np.zeros((25, 2), int))
    frames = np.stack(list(sweep.sweep_frames(rng, made.probe, power, elevations, path, window=made.window)))
    return made, path, frames


def at(made, z, x):
    row, column = made.centre(np.zeros(2))
    return (
        int(row + z / made.pixel_mm) - made.place.top,
        int(column + x / made.pixel_mm) - made.place.left,
    )


def test_a_grain_shows_in_the_frames_at_its_elevation_only(scene):
    made, path, frames = scene
    row, column = at(made, 1.0, 3.5)
    spot = frames[:, row - 1 : row + 2, column - 1 : column + 2].max(axis=(1, 2)).astype(float)
    near = np.abs(path.elevation_mm - 3.0) < 0.6
    far = np.abs(path.elevation_mm - 3.0) > 2.5
    assert spot[near].min() > spot[far].max() + 30


def test_a_shadow_falls_behind_the_large_calcification_in_its_frames_only(scene):
    made, path, frames = scene
    row, column = at(made, 2.0, -1.6)
    behind = frames[:, row : row + 8, column - 2 : column + 3].mean(axis=(1, 2))
    beside = frames[:, row : row + 8, column + 12 : column + 17].mean(axis=(1, 2))
    with_it, without = np.abs(path.elevation_mm) < 0.6, np.abs(path.elevation_mm) > 4
    assert (beside - behind)[with_it].min() > 25
    assert np.abs((beside - behind)[without]).mean() < 15


def test_speckle_keeps_within_a_slice_and_is_new_after_two(scene):
    _, _, frames = scene
    rows, columns = slice(40, 70), slice(60, 140)
    patch = frames[:, rows, columns].reshape(len(frames), -1).astype(float)
    patch -= patch.mean(axis=0)  # what stays is anatomy

    def alike(step):
        return np.mean([np.corrcoef(patch[k], patch[k + step])[0, 1] for k in range(len(patch) - step)])

    assert alike(1) > 0.5 > alike(2) > 0.1 > alike(4)  # 0.5 mm, 1 mm, 2 mm


# ---------------------------------------------------------------- one patient's files


@pytest.fixture(scope="module")
def study(tmp_path_factory, planned, patients):
    """A study of a few patients: all scanners, both formats, clips cut to at most 70 frames."""
    folder = tmp_path_factory.mktemp("calcified")
    people, _ = planned
    chosen = {}
    for person in people:
        row = patients.iloc[person.index]
        chosen.setdefault((row["split"], row["label"], row["scanner"]), person)
    small = [
        replace(person, clips=tuple(replace(clip, frames=min(clip.frames, 44 + 13 * k)) for clip in person.clips[:1]))
        for k, person in enumerate(list(chosen.values())[:16])
    ]
    made = [
        clip for person in small for clip in calcified_clip.write_patient(str(folder), person, seed=SEED, size=SIZE)
    ]
    parts = {name: pd.DataFrame([row for clip in made for row in clip[name]]) for name in ("media", "frames", "truth")}
    rows = calcified.clip_rows(patients.iloc[[person.index for person in small]].reset_index(drop=True), small)
    for name, frame in (("media", parts["media"]), ("frames", parts["frames"]), ("cohort", rows)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "study.yaml").write_text((ROOT / "data" / "calcified" / "study.yaml").read_text())
    return folder, small, parts


def whole(folder, path):
    frames = np.asarray(media.read(folder / path))
    return frames[..., 0] if frames.ndim == 4 else frames


def test_the_projects_readers_take_the_tables(study):
    folder, small, _ = study
    settings = read_study(folder)
    cases = cohort_table.read(folder, study=settings)
    assert len(cases) == len(small) and "tune" in set(cases["split"])
    table = media.table(folder, cases)
    labelled = media.labelled_frames(folder, table)  # opens every clip; boxes must lie inside
    counts = labelled.groupby("path").size()
    assert counts.between(1, 10).all() and set(counts.index) == set(table["path"])
    assert {Path(path).suffix for path in table["path"]} == {".avi", ".dcm"}
    for row in table.itertuples():
        own = labelled[labelled["path"] == row.path]
        boxes = np.array(own["roi"].tolist())
        assert row.roi == (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
        assert row.key_frame in set(own["frame"])


def test_arrays_of_both_inputs(study, tmp_path):
    folder, *_ = study
    cases = cohort_table.read(folder)
    table = media.table(folder, cases)
    labelled = media.labelled_frames(folder, table, measure=False)
    for frames, shape in (("labelled", (1, 88, 88)), ("nearest", (1, 32, 88, 88))):
        made = media.arrays(
            folder, table, "cine", cache=tmp_path, size=88, crop={"scale": 1.5}, count=32, frames=frames,
            labelled=labelled, workers=1,
        )  # fmt: skip
        assert made.images.shape == (len(table), *shape) and made.images.std(axis=(-1, -2)).min() > 5
    marked = made.volume_masks.reshape(len(table), 32, -1)
    bright = [image.reshape(32, -1)[mask > 0] for image, mask in zip(made.images, marked, strict=True) if mask.any()]
    assert len(bright) >= 0.7 * len(table)
    # calcium is bright wherever it is marked, and never smaller than a pixel of the network's crop
    assert np.mean([values.mean() for values in bright]) > made.images.mean() + 50


def test_clips_are_what_other_software_reads(study):
    import av
    import pydicom

    folder, _, parts = study
    kinds = set()
    for row in parts["media"].itertuples():
        if row.path.endswith(".dcm"):
            data = pydicom.dcmread(folder / row.path)
            kinds.add(data.PhotometricInterpretation)
            assert data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"  # JPEG baseline
            assert int(data.NumberOfFrames) == row.frames and (data.Rows, data.Columns) == SIZE
            region = data.SequenceOfUltrasoundRegions[0]
            assert region.PhysicalUnitsXDirection == 3 and 0.015 < region.PhysicalDeltaX < 0.03
            assert row.seconds_per_frame == "" and row.pixel_mm == "" and 0.03 < data.FrameTime / 1000 < 0.06
        else:
            with av.open(str(folder / row.path)) as container:
                stream = container.streams.video[0]
                assert stream.codec_context.name == "mjpeg" and (stream.height, stream.width) == SIZE
                assert sum(1 for _ in container.decode(video=0)) == row.frames
            assert 0.03 < float(row.seconds_per_frame) < 0.06 and 0.15 < float(row.pixel_mm) < 0.3
    assert kinds == {"MONOCHROME2", "YBR_FULL_422"}


def test_boxes_hold_the_lesion_and_the_crop_holds_it_too(study):
    folder, small, parts = study
    for row, person in zip(parts["media"].itertuples(), small, strict=True):
        mask = media.read_mask(folder / row.mask, shape=SIZE)
        own = parts["frames"][parts["frames"]["path"] == row.path]
        key = own[own["frame"] == row.key_frame]["roi"].iloc[0]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x0, y0, x1, y1 = map(int, key.split())
        assert x0 <= columns[0] and columns[-1] < x1 and y0 <= rows[0] and rows[-1] < y1
        assert (x1 - x0) * (y1 - y0) < 2.6 * (np.ptp(columns) + 1) * (np.ptp(rows) + 1)  # nor far too wide
        roi = tuple(map(float, row.roi.split()))
        assert media.square_crop(mask, roi, scale=1.5, size=88).sum() > 150
        largest = max(np.ptp(rows), np.ptp(columns)) * parts["truth"]["pixel_mm"].iloc[0]
        assert largest < person.clips[0].signs["size"] * 1.5


def test_every_size_stays_inside_the_picture_on_every_scanner(planned):
    rng = np.random.default_rng(0)
    for name, look in calcified_clip.LOOKS.items():
        for size in (5.0, 20.9, 21.1, 28.0):
            signs = {"size": size, "echogenicity": "hypoechoic", "orientation": "horizontal", "margin": "irregular"}
            made, _ = calcified_clip._scene(rng, look, signs, SIZE)
            path = sweep.draw_path(rng, 150, reach_mm=made.nodule.reach_mm, pixel_mm=made.pixel_mm, margin=made.margin)
            for frame in calcified_clip.labelled_frames(rng, path, made.nodule.reach_mm):
                box = sweep.section_box(
                    made.nodule, float(path.elevation_mm[frame]), centre=made.centre(path.shift[frame]),
                    pixel_mm=made.pixel_mm,
                )  # fmt: skip
                place = made.place
                assert place.left <= box[0] and box[2] <= place.left + place.columns, (name, size)
                assert place.top <= box[1] and box[3] <= place.top + place.rows, (name, size)


def test_calcification_masks_belong_to_the_nearest_frames(study):
    folder, _, parts = study
    shown, empty = 0, 0
    for row, truth in zip(parts["media"].itertuples(), parts["truth"].itertuples(), strict=True):
        masks = media.read_volume_mask(folder / row.volume_mask, shape=SIZE, frames=32)
        labelled = parts["frames"].loc[parts["frames"]["path"] == row.path, "frame"].to_numpy()
        chosen = media.nearest_frames(labelled, row.frames, 32)
        frames = whole(folder, row.path)[chosen]
        here = masks.any(axis=(1, 2))
        shown, empty = shown + int(here.sum()), empty + int((~here).sum())
        for frame, mask in zip(frames[here], masks[here], strict=True):
            around = ndimage.binary_dilation(mask, iterations=6) & ~ndimage.binary_dilation(mask, iterations=3)
            assert frame[mask].mean() > frame[around].mean()
        if "macro" not in truth.drawn_pattern:
            at_key = ndimage.label(masks[list(chosen).index(row.key_frame)])[1]
            assert at_key <= truth.micro_at_key_frame  # grains may touch
    assert shown > 50 and empty > 10  # calcium shows in some frames, not in others


def test_bytes_depend_on_seed_and_patient_only(study, planned, tmp_path):
    folder, small, _ = study
    person = small[3]
    calcified_clip.write_patient(str(tmp_path), person, seed=SEED, size=SIZE)
    name = f"media/{person.clips[0].case_id}"
    files = sorted(path.name for path in (tmp_path / name).iterdir())
    assert len(files) == 3
    for file in files:
        one, two = ((base / name / file).read_bytes() for base in (folder, tmp_path))
        assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest(), file


def test_the_clip_separates_labels_better_than_one_still(planned, tmp_path):
    """Bright grains that anyone can count: in the labelled frame, and in 32 frames laid over each other."""
    people, shown = planned
    pattern = dict(zip(shown["patient_id"], shown["pattern"], strict=True))
    picked = [
        [person for person in people if pattern[person.patient_id] == name and 8 < person.clips[0].signs["size"] < 18]
        for name in ("few micro", "many micro")
    ]
    label, still, clip = [], [], []
    for value, group in enumerate(picked):
        for person in group[:18]:
            person = replace(person, clips=(replace(person.clips[0], frames=60),))
            made = calcified_clip.write_patient(str(tmp_path), person, seed=SEED, size=SIZE)[0]
            row = made["media"][0]
            chosen = media.nearest_frames([line["frame"] for line in made["frames"]], 60, 32)
            frames = whole(tmp_path, row["path"])[np.append(chosen, row["key_frame"])]
            crops = media.square_crop(frames, tuple(map(float, row["roi"].split())), scale=1.5, size=88)
            smooth = ndimage.gaussian_filter(crops.astype(np.float32), (0, 1.2, 1.2))
            spots = (smooth - ndimage.grey_opening(smooth, size=(1, 11, 11)))[:, 12:76, 12:76] > 70
            label.append(value)
            still.append(ndimage.label(spots[-1])[1])
            clip.append(ndimage.label(spots[:-1].any(axis=0))[1])
    alone, together = (rank_auc(np.array(label), np.array(count)) for count in (still, clip))
    assert together > 0.75 and together > alone + 0.08


# ---------------------------------------------------------------- the whole study


def test_a_small_cohort_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(calcified, "SMALL_SIZE", (128, 160))
    monkeypatch.setattr(calcified, "SHORTENED", 0.0)
    made = calcified.write_cohort(tmp_path, published=TABLE, seed=2, share=0.012, workers=1)
    rows = pd.read_csv(tmp_path / "cohort.csv")
    assert list(rows.columns) == list(calcified_signs.COLUMNS) and len(rows) == made["clips"]
    assert made["patients_of"]["external"] == [int(rows.loc[rows["split"] == "external", "patient_id"].nunique()), 245]
    assert set(made["bayes_limit"]) == {"train", "tune", "test", "external"}
    truth = pd.read_csv(tmp_path / "simulation.csv")
    assert list(truth["case_id"]) == list(rows["case_id"]) and truth["posterior"].between(0, 1).all()
    assert not (tmp_path / ".simulating").exists()
    readings = pd.read_csv(tmp_path / "readings.csv")
    assert readings["patient_id"].nunique() == 245  # all external patients, whatever share is written
    steps = json.loads((tmp_path / "flow.json").read_text())
    assert steps[1][1] == 1257 and "simulated" in steps[0][0]
    (tmp_path / "study.yaml").write_text((ROOT / "data" / "calcified" / "study.yaml").read_text())
    settings = read_study(tmp_path)
    cases = cohort_table.read(tmp_path, study=settings)
    flow = cohort_table.flow(cohort_table.flow_steps(tmp_path, settings), cohort=cases, unit="patients")
    assert flow.frame().query("kind == 'split'")["n"].sum() == made["patients"]
    assert f"{1257 - made['patients']:,} were not simulated in this quick run" in flow.methods


def test_folders_and_numbers_out_of_range(tmp_path):
    write = partial(calcified.write_cohort, published=TABLE)
    with pytest.raises(StudyError, match="is not there"):
        write(tmp_path / "none", seed=1)
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        write(tmp_path, seed=1, share=1.5)
    (tmp_path / "cohort.csv").write_text("patient_id\n")
    with pytest.raises(StudyError, match="not written by this version"):
        write(tmp_path, seed=1)


def test_the_study_says_what_the_paper_did():
    settings = read_study(ROOT / "data" / "calcified")
    assert settings.voting == "mean" and settings.inputs["clip"].volume and settings.inputs["clip"].key_frames == 32
    assert settings.models["video"].architectures == settings.models["still"].architectures
    assert len(settings.models["video"].architectures) == 5 and len(settings.models["video"].runs) == 6
    full = settings.profile("full").training
    assert (full.batch_size, full.dropout, full.size, full.frames, full.epochs) == (16, 0.5, 224, 32, 100)
    assert settings.profile("quick").training.size >= 75  # inception networks need it

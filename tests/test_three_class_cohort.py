"""The simulated cohort of three classes: counts as printed, grey values that differ by centre, readings as printed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers.data import arrays, cohort
from helpers.data.errors import StudyError
from helpers.data.media import grey
from helpers.data.simulate import three_class, three_class_counts, three_class_readings, three_class_signs
from helpers.data.study import from_text
from helpers.data.study import read as read_study
from helpers.stats import class_readers

PUBLISHED = Path("data/published/C_text.csv")
SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small cohort on disk: all patients, two images each, in small frames."""
    home = tmp_path_factory.mktemp("three_class")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        patch.setattr(three_class, "SMALL_SIZE", (128, 160))
        (home / "study.yaml").write_text(Path("data/three_class/study.yaml").read_text("utf-8"), encoding="utf-8")
        three_class.write_cohort(home, published=PUBLISHED, seed=SEED, share=0.01, workers=1)
    return home


@pytest.fixture(scope="module")
def everyone() -> pd.DataFrame:
    """All patients as drawn."""
    path = Path(__file__).resolve().parents[1] / PUBLISHED
    return three_class_signs.draw_patients(three_class_counts.read(path), seed=SEED)


def test_the_drawn_patients_have_the_printed_counts(everyone):
    by_set = everyone.groupby(["split", "label"]).size()
    printed = {
        ("train", "benign"): 50,
        ("train", "non-metastatic"): 11,
        ("train", "metastatic"): 100,
        ("test", "benign"): 10,
        ("test", "non-metastatic"): 4,
        ("test", "metastatic"): 20,
    }
    assert by_set.to_dict() == printed
    assert len(everyone) == 195 and everyone["images"].sum() == 3537 and everyone["images"].min() >= 6
    assert everyone["center"].nunique() == 4
    counts = three_class_counts.read(PUBLISHED)
    enrolled, analysed = three_class.flow_steps(counts)
    assert enrolled[1] == 209 and enrolled[1] - sum(enrolled[2].values()) == analysed[1] == 195


def test_signs_overlap_between_classes_but_tell_them_apart(everyone):
    codes = everyone["code"].to_numpy()
    known = three_class_signs.posterior(three_class_signs.show(everyone, seed=SEED), codes)
    assert known.sum(axis=1) == pytest.approx(1)
    right = (known.argmax(axis=1) == codes).mean()
    assert 0.7 < right < 0.97, "the best reader is good and not perfect"
    assert 0.85 < three_class_signs.limit(codes, positive=2, seed=1) < 0.98


def test_every_profile_writes_all_patients_and_the_cohort_can_be_read(folder):
    study = read_study(folder)
    cases = cohort.read(folder, study=study)
    assert cases["patient_id"].nunique() == 195 and len(cases) == 390
    assert set(cases["label"]) == {0, 1, 2} and study.outcome.code == 2
    tune = cases[cases["split"] == "tune"].drop_duplicates("patient_id")["label"].value_counts()
    assert set(tune.index) == {0, 1, 2}, "the tuning patients are stratified by class"
    binary = cohort.against_rest(cases, study)
    assert binary.drop_duplicates("patient_id")["label"].sum() == 120
    (train, tuned, test) = cohort.ends(cases, study)["splits"]
    assert train[1] + tuned[1] == 161 and test == ("Test: 10 benign, 4 non-metastatic, 20 metastatic", 34, None)
    truth = pd.read_csv(folder / "simulation.csv")
    assert truth.filter(like="posterior_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert json.loads((folder / "flow.json").read_text("utf-8"))[0][1] == 209


def test_readings_are_the_nearest_whole_numbers_to_the_printed_ones(folder):
    table = class_readers.read(folder / "readings.csv", read_study(folder).outcome.classes)
    right = (table["label"] == table["rating"]).groupby(table["reader"]).sum()
    assert right.to_dict() == {"junior": 25, "senior": 29}, "of 34; no whole number gives 73 or 84 %"
    senior = table[table["reader"] == "senior"]
    own = senior["label"] == "non-metastatic"
    sensitivity = (senior.loc[own, "rating"] == "non-metastatic").mean()
    specificity = (senior.loc[~own, "rating"] != "non-metastatic").mean()
    assert (sensitivity + specificity) / 2 == 0.875, "printed as 0.88"


def test_centres_differ_before_normalising_and_less_after(folder):
    study = read_study(folder)
    cases = cohort.read(folder, study=study).set_index("case_id")
    raw = arrays.load(folder, "still", study=study, raw=True)
    made = arrays.load(folder, "still", study=study)
    center = cases.loc[raw.index["case_id"], "center"].to_numpy()
    spread = [pd.Series(one.images.mean(axis=(1, 2, 3))).groupby(center).mean().std() for one in (raw, made)]
    assert spread[1] < 0.5 * spread[0]
    one = grey.steps(raw.images[5], **study.inputs["still"].grey)
    assert (one == made.images[5]).all(), "the cache holds what the function says"


def test_each_step_can_be_switched_off(folder, tmp_path):
    settings = yaml.safe_load((folder / "study.yaml").read_text("utf-8"))
    settings["inputs"]["still"].update(normalise="none", denoise="none")
    assert from_text(yaml.safe_dump(settings)).inputs["still"].grey == {}
    settings["inputs"]["still"].update(denoise="median")
    assert from_text(yaml.safe_dump(settings)).inputs["still"].grey == {"denoise": "median"}
    settings["inputs"]["still"].update(denoise="wavelets")
    with pytest.raises(StudyError, match="denoise"):
        from_text(yaml.safe_dump(settings))


@pytest.mark.parametrize("shape", [(7, 9), (2, 5, 6), (3, 4, 1, 8), (1, 1)])
def test_the_median_is_that_of_a_filter_for_any_window(shape):
    from scipy.ndimage import median_filter

    images = np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)
    slow = median_filter(images, size=(*[1] * (images.ndim - 2), 3, 3), mode="nearest")
    assert np.array_equal(grey.steps(images, denoise="median"), slow)


def test_normalising_undoes_gain_and_offset_and_denoising_noise():
    rng = np.random.default_rng(0)
    scene = np.clip(rng.normal(110, 30, (1, 64, 64)), 0, 255)
    bright, dim = scene.round().astype(np.uint8), (0.5 * scene + 20).round().astype(np.uint8)
    for how in ("percentiles", "moments"):
        a, b = (grey.steps(one, normalise=how).astype(int) for one in (bright, dim))
        assert np.abs(a - b).mean() < 2, how
    smooth = np.full((1, 64, 64), 100.0)
    noisy = (smooth + rng.normal(0, 12, smooth.shape)).round().astype(np.uint8)
    assert grey.noise(grey.steps(noisy, denoise="median"))[0] < 0.5 * grey.noise(noisy)[0]
    flat = np.full((2, 8, 8), 7, np.uint8)
    assert (grey.steps(flat, normalise="percentiles", denoise="median") == 7).all()
    assert grey.steps(bright) is bright
    with pytest.raises(ValueError, match="normalise"):
        grey.steps(bright, normalise="histogram")
    with pytest.raises(ValueError, match="uint8"):
        grey.steps(scene)


def test_faulty_printed_tables_are_named(tmp_path):
    table = pd.read_csv(PUBLISHED)
    wrong = table.copy()
    wrong.loc[(wrong["row"] == "BTN") & (wrong["column"] == "test"), "value_num"] = 11
    path = tmp_path / "C_text.csv"
    wrong.to_csv(path, index=False)
    with pytest.raises(StudyError, match="sets of benign add up to 61"):
        three_class_counts.read(path)
    table[table["row"] != "images"].to_csv(path, index=False)
    with pytest.raises(StudyError, match="no n of images"):
        three_class_counts.read(path)
    with pytest.raises(StudyError, match="not there"):
        three_class_counts.read(tmp_path / "absent.csv")
    table[table["row"] != "junior radiologist"].to_csv(path, index=False)
    test = pd.DataFrame({"patient_id": ["a", "b", "c"], "label": list("xyz"), "code": [0, 1, 2]})
    with pytest.raises(StudyError, match="no accuracy of the junior"):
        three_class_readings.write_readings(tmp_path, test, np.full((3, 3), 1 / 3), published=path, seed=0)
    with pytest.raises(ValueError, match="share"):
        three_class.write_cohort(tmp_path, published=PUBLISHED, seed=0, share=0.0)


CLASSES = """
name: three
title: Three classes
question: Which one?
source: {kind: own}
outcome: {name: class, positive: c, negative: not c, reference_standard: histology, classes: [a, b, c]}
chapters: [discrimination, classes]
"""


CHOICE = "choices: [{{name: x, classes: [{}], low: 0.1, high: 0.2, reason: r}}]"


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("[a, b, c]}", "[a, c]}", "at least three"),
        ("positive: c", "positive: d", "none of the classes"),
        ("[discrimination, classes]", f"[discrimination]\n{CHOICE.format('d')}", "'x'"),
        (", classes: [a, b, c]}", f"}}\n{CHOICE.format('a')}", "none are declared"),
        (
            ", classes: [a, b, c]}\nchapters: [discrimination, classes]",
            "}\nchapters: [class_readers]",
            "outcome.classes",
        ),
    ],
)
def test_settings_of_classes_are_checked(old, new, match):
    assert from_text(CLASSES).outcome.names == {0: "a", 1: "b", 2: "c"}
    with pytest.raises(StudyError, match=match):
        from_text(CLASSES.replace(old, new))


def test_an_unknown_class_in_the_cohort_table_is_named(folder, tmp_path):
    (tmp_path / "study.yaml").write_text((folder / "study.yaml").read_text("utf-8"), encoding="utf-8")
    table = pd.read_csv(folder / "cohort.csv", dtype=str, keep_default_na=False)
    table.loc[3, "label"] = "malignant"
    table.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(StudyError, match=r"row 5, column label.*'malignant'.*benign, non-metastatic, metastatic"):
        cohort.read(tmp_path)
    table = table[(table["label"] != "non-metastatic") | (table["split"] != "test")]
    table.loc[3, "label"] = "benign"
    table.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(StudyError, match="no case of the split test is non-metastatic"):
        cohort.read(tmp_path)

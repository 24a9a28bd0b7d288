"""`study.yaml`: what is wrong is said with its key and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.data import study
from helpers.data.errors import StudyError

TEXT = Path("data/olnm/study.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", sorted(str(path.parent) for path in Path("data").glob("*/study.yaml")))
def test_the_studies_of_the_book_are_valid(folder):
    assert study.read(folder).name == Path(folder).name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: nodule", "unitt: nodule", r"key unitt: unknown key\. Way out: did you mean unit\?"),
        ("low: 10,", "lwo: 10,", r"key covariates\.0\.lwo: unknown key\. Way out: did you mean low\?"),
        ("kind: bmode", "kind: doppler", r"key inputs\.bmode\.kind: Input should be 'bmode', 'ceus' or 'cine'"),
        ("rule: youden", "rule: best", r"key threshold\.rule: Input should be 'youden', 'sensitivity'"),
        ("rule: youden", "rule: sensitivity", r"key threshold: value belongs to the rules"),
        (
            "resnet18, resnet34]}\n  DL_CEUS",
            "resnet19]}\n  DL_CEUS",
            r"architectures\.3: Input should be 'densenet121'",
        ),
        ("of: [DL_image,", "of: [DL_imge,", r"fusion\.of: 'DL_imge' is not one of the models"),
        ("input: ceus", "input: video", r"models\.DL_CEUSvideo\.input: 'video' is not one of the inputs"),
        ("[cohort, inputs", "[chort, inputs", r"key chapters\.0: Input should be 'assumptions', 'cohort'"),
        ("crop: {side_mm: 28}", "crop: {}", r"key inputs\.bmode\.crop: give side_mm, scale or whole: true"),
        ("fraction: 0.2", "fraction: 2", r"key tune\.fraction: Input should be less than 1, not 2"),
        ("title: Occ", "title: 'Occ", r"row 2: not YAML|row \d+: not YAML"),
        ("name: olnm\n", "", r"key name: this key is missing"),
        ("low: 0.05", "low: 0.9", r"key decision: low must be below high"),
        ("name: size,", "name: age,", r"covariates: a name repeats"),
        (
            "tune: {fraction: 0.2, seed: 7}",
            "validation: {choosing: none}",
            r"threshold\.rule: without cases that may choose",
        ),
        (
            "tune: {fraction: 0.2, seed: 7}",
            "validation: {judged: train}",
            r"key validation\.judged: Input should be 'test'",
        ),
        ("fuse, discrimination,", "fuse, discrimination, compare,", r"chapters: compare needs the chapter networks"),
        (
            "tune: {fraction",
            "crosstab: [sex, age]\ntune: {fraction",
            r"crosstab: 'age' is not a categorical covariate",
        ),
        ("name: olnm", "name: book", r"key name: a study cannot be called book"),
    ],
)
def test_a_fault_names_its_key_and_the_way_out(old, new, said):
    assert old in TEXT
    with pytest.raises(StudyError, match=said):
        study.from_text(TEXT.replace(old, new, 1))


def test_no_study_yaml(tmp_path):
    with pytest.raises(StudyError, match=r"no study\.yaml in this folder"):
        study.read(tmp_path)


def test_a_name_cannot_leave_the_results_folder():
    with pytest.raises(StudyError, match=r"key name: String should match pattern"):
        study.from_text(TEXT.replace("name: olnm", "name: ../olnm"))


def test_a_profile_changes_parameters_only():
    changed = study.from_text(TEXT + "profiles: {quick: {training: {epochs: 1}, seeds: [4]}}\n")
    plain = study.from_text(TEXT)
    assert changed.profile("quick").training.epochs == 1
    assert changed.profile("quick").training.size == plain.profile("quick").training.size
    assert changed.profile("full") == plain.profile("full")
    assert changed.digest() == plain.digest()
    with pytest.raises(StudyError, match="epochs"):
        study.from_text(TEXT + "profiles: {quick: {training: {epochs: 0}}}\n")
    with pytest.raises(StudyError, match="unknown profile 'fast'"):
        plain.profile("fast")

"""Settings that used to pass and failed after hours, or in a raw traceback: refused at once, with their key."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from helpers.book import graph
from helpers.data import study
from helpers.data.errors import StudyError
from helpers.learn import candidates

TEXT = Path("data/olnm/study.yaml").read_text(encoding="utf-8")
RAW = yaml.safe_load(TEXT)
CLIP = {"label": "clip", "kind": "cine", "crop": {"scale": 1.5}, "frames": "nearest", "key_frames": 6}
OUTLINE = {"input": "bmode", "networks": {"YNet": "ynet"}}


def changed(**sections) -> str:
    """The study `olnm` with some sections replaced."""
    return yaml.safe_dump(RAW | sections, sort_keys=False)


def two(*first: str, second: tuple[str, ...] = ("resnet18", "resnet34"), **more) -> dict:
    """Two models on one input."""
    return {
        "DL_image": {"input": "ceus", "architectures": list(first), **more},
        "DL_CEUSvideo": {"input": "ceus", "architectures": list(second)},
    }


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"models": two("resnet18", "resnet18")}, r"models\.DL_image\.architectures: 'resnet18' is there twice"),
        (
            {"models": two("resnet18", attention=["resnet18", "resnet18"])},
            r"models\.DL_image\.attention: 'resnet18' is there twice",
        ),
        ({"chapters": [*RAW["chapters"], "cohort"]}, r"key chapters: 'cohort' is there twice"),
        ({"chapters": ["train", "ynet"], "segmentation": OUTLINE}, r"chapters: a study trains either models"),
        ({"chapters": ["cohort", "networks"]}, r"chapters: networks needs the chapter train"),
        ({"subgroups": ["center", "center"]}, r"key subgroups: 'center' is there twice"),
        ({"crosstab": ["sex", "sex"]}, r"key crosstab: 'sex' is there twice"),
        (
            {"fusion": RAW["fusion"] | {"of": ["DL_image", "DL_image"]}},
            r"key fusion\.of: 'DL_image' is there twice",
        ),
        ({"fusion": RAW["fusion"] | {"heads": ["mlp", "mlp"]}}, r"key fusion\.heads: 'mlp' is there twice"),
        ({"fusion": RAW["fusion"] | {"name": "DL_image"}}, r"'DL_image' names two models"),
        ({"clinical": {"name": "DL_image"}}, r"'DL_image' names two models"),
        ({"tune": {"seed": -1}}, r"key tune\.seed: Input should be greater than or equal to 0, not -1"),
        ({"source": RAW["source"] | {"seed": -1}}, r"key source\.seed: Input should be greater than or equal to 0"),
        ({"profiles": {"quick": {"seeds": [0, 0]}}}, r"profiles\.quick\.seeds: 0 is there twice"),
        ({"profiles": {"quick": {"seeds": [-1]}}}, r"profiles\.quick\.seeds\.0: Input should be greater"),
        ({"profiles": {"quick": {"training": None}}}, r"profiles\.quick\.training: give keys and values below it"),
        ({"profiles": {"quick": {"training": {"size": 96}}}}, r"crop_size \(72\) must be at least size \(96\)"),
        (
            {"profiles": {"quick": {"training": {"weights": "imagenet"}}}},
            r"profiles\.quick\.training: weights: imagenet fits the published widths only, so give width_divisor: 1",
        ),
        ({"profiles": {"quick": {"training": {"weights": "a.pth"}}}}, r"profiles\.quick\.training\.weights"),
        ({"profiles": {"quick": {"training": {"epochs": 0}}}}, r"profiles\.quick\.training\.epochs: Input should be g"),
        ({"profiles": {"quick": {"training": {"epochs": 10**6}}}}, r"training\.epochs: Input should be less"),
        ({"profiles": {"quick": {"repeats": 10**9}}}, r"profiles\.quick\.repeats: Input should be less"),
        ({"profiles": {"full": {"resamples": 10**9}}}, r"profiles\.full\.resamples: Input should be less"),
        (
            {"inputs": RAW["inputs"] | {"bmode": RAW["inputs"]["bmode"] | {"every_seconds": float("inf")}}},
            r"key inputs\.bmode\.every_seconds: Input should be",
        ),
        (
            {"inputs": RAW["inputs"] | {"bmode": RAW["inputs"]["bmode"] | {"crop": {"scale": float("inf")}}}},
            r"key inputs\.bmode\.crop\.scale: Input should be a finite number",
        ),
        ({"flow": [{"step": "All", "excluded": {"lost": -4}}]}, r"flow\.0\.excluded\.lost: Input should be greater"),
    ],
)
def test_what_repeats_or_cannot_be_is_refused_at_once(sections, said):
    with pytest.raises(StudyError, match=said) as caught:
        study.from_text(changed(**sections))
    assert "\n" not in str(caught.value) and "validation error" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT + "models: {}\n", r"row \d+, key models: this key is there twice, first in row \d+"),
        (TEXT.replace("name: olnm", "name: olnm\ntune: {seed: 1, seed: 2}"), r"key seed: this key is there twice"),
        ("[" * 2000, r"row 1: not YAML: more than 20 levels"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(1, 60)), r"not YAML: more than 20 levels"),
        (TEXT.replace("seed: 7", "seed: !!int x"), r"row \d+: not YAML: a value cannot be read"),
        (TEXT.replace("seed: 7", "seed: !!bool x"), r"row \d+: not YAML: a value cannot be read"),
        (TEXT.replace("seed: 7", "seed: " + "9" * 5000), r"row \d+: not YAML: a value cannot be read"),
        (TEXT.replace("seed: 7", "seed: !!python/name:os.system x"), r"not YAML: could not determine a constructor"),
    ],
)
def test_what_yaml_lets_pass_or_dies_of_is_named(text, said):
    with pytest.raises(StudyError, match=said):
        study.from_text(text)


def test_a_date_is_the_text_that_was_written():
    for day in ("2024-02-30", "2024-02-03"):
        assert study.from_text(TEXT.replace(f"title: {RAW['title']}", f"title: {day}")).title == day


def test_damaged_settings_end_in_one_clear_error():
    """Single characters replaced anywhere: read, or refused as a fault of the settings; nothing else."""
    rng, refused = random.Random(0), 0
    for _ in range(60):
        place = rng.randrange(len(TEXT))
        damaged = TEXT[:place] + rng.choice("{}[]:,-'\"&*!|>%@`#\t\n\0é9") + TEXT[place + 1 :]
        try:
            study.from_text(damaged)
        except StudyError:
            refused += 1
    assert 5 < refused < 60


def test_models_on_one_input_share_their_runs():
    shared = study.from_text(changed(models=two("resnet18")))
    node = graph.Node("data/olnm", shared, "full")
    assert node.runs() == [f"train/ceus-{name}-s{seed}" for name in ("resnet18", "resnet34") for seed in (0, 1, 2)]
    assert len(set(node.pages())) == len(node.pages())
    files = candidates.files("results/olnm", shared.models, [0, 1, 2])
    assert [str(path.parent.relative_to("results/olnm")) for path in files] == node.runs()


def test_the_outlines_of_the_first_declared_seed_are_judged():
    asked = {"chapters": ["cohort", "ynet", "segmentation"], "segmentation": OUTLINE}
    node = graph.Node("data/x", study.from_text(changed(**asked, profiles={"quick": {"seeds": [4]}})), "quick")
    assert node.runs() == ["train/bmode-ynet-s4"] and node.parameters("segmentation")["seeds"] == [4]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"models": two("inception_v3")}, r"training\.size: 64 pixels are too few for inception_v3, which needs 75"),
        (
            {"inputs": RAW["inputs"] | {"ceus": CLIP}},
            r"training\.frames: 8 are more than the 6 key_frames of the input",
        ),
        (
            {"chapters": ["cohort", "ynet", "segmentation"], "segmentation": OUTLINE},
            r"training\.crop_size: must be size \(64\), since a frame is outlined whole",
        ),
        (
            {"profiles": {"quick": {"training": {"weights": "nowhere.safetensors"}}}},
            r"training\.weights: there is no file 'nowhere\.safetensors'",
        ),
    ],
)
def test_a_profile_that_cannot_train_the_study_stops_the_build_before_it_starts(tmp_path, sections, said):
    (tmp_path / "study.yaml").write_text(changed(**sections), encoding="utf-8")
    with pytest.raises(StudyError, match=r"key profiles\.quick\." + said):
        graph.studies([str(tmp_path)], "quick")

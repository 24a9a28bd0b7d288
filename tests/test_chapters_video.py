"""Every notebook of the video study, end to end, on a small simulated cohort; then its book in Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from chapters import EXECUTED, SMALL, TRAINING, executed, made_by, open_every_page, publish_book, run
from helpers.book import graph
from helpers.data import arrays
from helpers.data.simulate import calcified
from helpers.stats import predictions

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Results of the study, every chapter executed."""
    return made_by(tmp_path_factory.mktemp("video"), video)


def video(folder: Path) -> None:
    """Clips, networks in three dimensions, votes by patient, an external test and readers."""
    home = folder / "calcified"
    home.mkdir()
    settings = yaml.safe_load(Path("data/calcified/study.yaml").read_text(encoding="utf-8"))
    settings["profiles"] = {"quick": SMALL | {"training": TRAINING | {"frames": 4, "epochs": 1}}}
    for name, model in settings["models"].items():
        model["architectures"] = ["resnet50"]
        model["attention"] = ["resnet50"] if name == "video" else []
    for source in settings["inputs"].values():
        source["size"] = 64
    elsewhere = ("calibration", "decision", "subgroups")  # the same for every study, and executed for two others
    settings["chapters"] = [chapter for chapter in settings["chapters"] if chapter not in elsewhere]
    (home / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    limits = calcified.write_cohort(home, published="data/published/D_table1.csv", seed=3, share=0.04, workers=1)
    (home / "simulation.json").write_text(json.dumps({"bayes_limit": limits["bayes_limit"]}), encoding="utf-8")
    arrays.decode(home, workers=1)
    node = graph.studies([str(home)], "quick")["calcified"]
    results = folder / "results" / "calcified"
    for chapter in ("cohort", "inputs", "baseline"):
        run(node, results, chapter)
    for page in node.runs():
        source, network = page.removeprefix("train/").removesuffix("-s0").split("-", 1)
        run(node, results, "train", page, **node.training(source, network, 0))
    run(node, results, "networks")
    parts = [results / chapter / "predictions.csv" for chapter in ("baseline", "networks")]
    predictions.collect(parts, results / "predictions.csv")
    for chapter in node.study.chapters[node.study.chapters.index("discrimination") :]:
        run(node, results, chapter)


def test_what_this_file_says_that_it_executes(made):
    assert executed(made) == EXECUTED["test_chapters_video"]


def test_patients_vote_and_nothing_after_the_vote_counts_clips(made):
    results = made / "results" / "calcified"
    table, clips = predictions.read(results / "predictions.csv"), predictions.read(results / "networks" / "cases.csv")
    assert set(table["model"]) == {"clinical", "video", "still"}
    assert (table["case_id"] == table["patient_id"]).all()
    one = table[(table["model"] == "video") & (table["split"] == "external")].set_index("patient_id")["risk"]
    own = clips[(clips["model"] == "video") & (clips["split"] == "external")]
    assert len(own) > len(one), "some patients have several clips"
    assert one.to_dict() == pytest.approx(own.groupby("patient_id")["risk"].mean().to_dict())


def test_the_external_test_is_never_used_to_choose(made):
    table = pd.read_csv(made / "results" / "calcified" / "discrimination" / "tables" / "tab-thresholds.csv")
    assert set(table["split"]) == {"tune"} and len(table) == 3


def test_heat_maps_of_clips_play_and_are_measured_inside_calcifications(made):
    page = made / "results" / "calcified" / "explain"
    assert (page / "figures" / "fig-maps-first.mp4").stat().st_size > 1000
    assert not (page / "figures" / "fig-maps-last.mp4").exists(), "a still has no clip"
    energy = pd.read_csv(page / "tables" / "tab-energy.csv")
    assert dict(zip(energy["model"], energy["structure"])) == {"video": "calcifications", "still": "lesion"}
    assert set(energy["network"]) == {"trained", "random weights", "trained less random"}


def test_its_book_opens_without_a_network(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        book = publish_book(made, ["calcified"])
    assert {"networks", "compare", "readers", "discrimination", "explain"} <= open_every_page(
        book, simulated="calcified"
    )

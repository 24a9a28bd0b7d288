"""The notebooks of the node study and of the three-class study, end to end, on very little data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from chapters import EXECUTED, SMALL, TRAINING, executed, made_by, run
from helpers.book import graph
from helpers.data import arrays
from helpers.data.simulate import lymphnode
from helpers.stats import predictions

pytestmark = pytest.mark.build

ONE_EPOCH = SMALL | {"training": TRAINING | {"size": 32, "crop_size": 32, "epochs": 1}}
CLASSES = ["benign", "non-metastatic", "metastatic"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Results of both studies."""
    return made_by(tmp_path_factory.mktemp("nodes"), nodes, classes)


def small(folder: Path, name: str) -> Path:
    """A study folder with the settings of one of the book, in frames of 64 pixels and with one epoch."""
    home = folder / name
    home.mkdir()
    settings = yaml.safe_load(Path(f"data/{name}/study.yaml").read_text(encoding="utf-8"))
    settings["profiles"] = {"quick": ONE_EPOCH}
    for source in settings["inputs"].values():
        source["size"] = 64
    if name == "three_class":
        known = {"age", "sex"}
        settings["source"] = {"kind": "own"}
        settings["covariates"] = [own for own in settings["covariates"] if own["name"] in known]
        settings["models"] = {"balanced": settings["models"]["balanced"]}  # the book's studies have several
        settings["chapters"] = ["cohort", "inputs", "train", "networks", "resampled", "discrimination", "explain"]
        settings.pop("clinical", None)
    (home / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return home


def nodes(folder: Path) -> None:
    """Three networks in two folds, the outlines, the reports and the ways to the diagnosis."""
    home, published = small(folder, "lymphnode"), "data/published/B_table2.csv"
    limits = lymphnode.write_cohort(home, published=published, seed=3, share=0.02, workers=1)
    (home / "simulation.json").write_text(json.dumps({"bayes_limit": limits["bayes_limit"]}), encoding="utf-8")
    arrays.decode(home, workers=1)
    node = graph.studies([str(home)], "quick")["lymphnode"]
    results = folder / "results" / "lymphnode"
    run(node, results, "cohort")
    for page in node.runs():
        run(node, results, "ynet", page, **node.outlining(*named(page), 0))
    for chapter in ("segmentation", "reports", "ways"):
        run(node, results, chapter)


def images(home: Path) -> None:
    """Nodules of three classes, brighter from class to class, in frames of two centres; some patients have two."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:64, :80]
    (home / "media").mkdir()
    cohort, media = [], []
    for number in range(60):
        split, code = "train" if number < 36 else "test", number % 3
        about = f"P{number:02},{{}},{'AB'[number // 3 % 2]},{split},{CLASSES[code]}"
        for shot in range(1 + number % 2):
            case, mask = f"P{number:02}-{shot}", (y - 32) ** 2 + (x - 40) ** 2 < (12 + rng.uniform(-2, 2)) ** 2
            grey = rng.gamma(4, 12 + 6 * (number // 3 % 2), y.shape) + 30 * code * mask
            Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(home / "media" / f"{case}.png")
            Image.fromarray(mask.astype(np.uint8) * 255).save(home / "media" / f"{case}-mask.png")
            cohort.append(f"{about.format(case)},{40 + number % 30},{('female', 'male')[number % 5 > 2]}")
            media.append(f"{case},bmode,media/{case}.png,26 18 54 46,1,0,,0.2,media/{case}-mask.png")
    columns = "patient_id,case_id,center,split,label,age,sex", "case_id,kind,path,roi,frames,key_frame,"
    write = {"cohort": [columns[0], *cohort], "media": [columns[1] + "seconds_per_frame,pixel_mm,mask", *media]}
    for name, rows in write.items():
        (home / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def classes(folder: Path) -> None:
    """A network with three outputs, votes by patient, and the features of fixed filters."""
    home = small(folder, "three_class")
    images(home)
    arrays.decode(home, workers=1)
    node = graph.studies([str(home)], "quick")["three_class"]
    results = folder / "results" / "three_class"
    for chapter in ("cohort", "inputs"):
        run(node, results, chapter)
    for page in node.runs():
        run(node, results, "train", page, **node.training(*named(page), 0))
    run(node, results, "networks")
    predictions.collect([results / "networks" / "predictions.csv"], results / "predictions.csv")
    for chapter in ("resampled", "discrimination", "explain"):
        run(node, results, chapter)


def named(page: str) -> list[str]:
    """Input and network of a training run."""
    return page.removeprefix("train/").removesuffix("-s0").split("-", 1)


def test_what_this_file_says_that_it_executes(made):
    assert executed(made) == EXECUTED["test_chapters_nodes"]


def test_every_node_has_an_outline_that_no_network_trained_on(made):
    results = made / "results" / "lymphnode"
    cohort = pd.read_csv(made / "lymphnode" / "cohort.csv")
    measured = pd.read_csv(results / "segmentation" / "figures" / "fig-dice.csv")
    test = set(cohort.loc[cohort["split"] == "test", "case_id"])
    assert measured.groupby("network")["case_id"].agg(set).map(test.__eq__).all()
    assert measured["dice"].between(0, 1).all() and measured["network"].nunique() == 2


def test_the_ways_to_the_diagnosis_judge_the_same_nodes(made):
    table = predictions.read(made / "results" / "lymphnode" / "ways" / "predictions.csv")
    assert set(table["model"]) == {"joint", "classification", "report", "report and model"}
    trained = {model: set(part["split"]) - {"tune", "test"} for model, part in table.groupby("model")}
    assert trained == {"joint": {"oof"}, "classification": {"oof"}, "report": {"train"}, "report and model": set()}
    judged = table[table["split"] == "test"].groupby("model")["case_id"].agg(frozenset)
    assert judged.nunique() == 1
    where = pd.read_csv(made / "results" / "lymphnode" / "cohort" / "tables" / "tab-together.csv")
    assert {"Neck level", "Side"} <= set(where.columns)


def test_images_of_several_classes_vote_and_are_explained(made):
    results = made / "results" / "three_class"
    votes, images = predictions.read(results / "predictions.csv"), predictions.read(results / "networks" / "cases.csv")
    assert predictions.classes(votes) == CLASSES and set(votes["label"]) == set(CLASSES)
    assert (votes["case_id"] == votes["patient_id"]).all() and len(images) == 90 and len(votes) == 60
    shown = pd.read_csv(results / "explain" / "figures" / "fig-maps-classes.csv")
    assert set(shown["label"]) == set(CLASSES)
    assert not list((results / "explain" / "figures").glob("fig-maps-last*")), "one model has one figure"


def test_every_patient_is_tested_by_cross_validation_and_every_centre_once_left_out(made):
    table = pd.read_csv(made / "results" / "three_class" / "resampled" / "tables" / "tab-resampled.csv")
    assert set(table["model"]) == {"new patients", "a new centre"}
    assert table.loc[table["class"].isin(CLASSES), "n"].eq(60).all()

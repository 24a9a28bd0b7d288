"""The notebooks of images and tables, end to end, on a small cohort and on a table; then the book of both in Chromium.

`chapters.EXECUTED` says which file executes which notebook; together they leave none out.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

import browser
from chapters import EXECUTED, SMALL, executed, made_by, open_every_page, publish_book, run
from helpers.book import graph, report
from helpers.data import arrays
from helpers.data.simulate.olnm import write_cohort
from helpers.stats import predictions

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Results of all studies, every chapter executed."""
    return made_by(tmp_path_factory.mktemp("chapters"), imaging, tabular)


def imaging(folder: Path) -> None:
    home = folder / "olnm"
    home.mkdir()
    settings = yaml.safe_load(Path("data/olnm/study.yaml").read_text(encoding="utf-8"))
    settings["profiles"] = {"quick": SMALL}
    for model in settings["models"].values():
        model["architectures"] = ["resnet18", "resnet34"]
    settings["tune"] = {"fraction": 0.3, "seed": 1}
    (home / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    counts = {"train": (40, 24), "test": (14, 10)}
    limits = write_cohort(home, published="data/published/A_table1.csv", counts=counts, workers=1)
    (home / "simulation.json").write_text(json.dumps({"bayes_limit": limits["bayes_limit"]}), encoding="utf-8")
    arrays.decode(home, workers=1)
    node = graph.studies([str(home)], "quick")["olnm"]
    results = folder / "results" / "olnm"
    for chapter in ("cohort", "inputs", "baseline"):
        run(node, results, chapter)
    for model in node.study.models.values():
        for architecture in model.architectures:
            given = node.training(model.input, architecture, 0)
            run(node, results, "train", f"train/{model.input}-{architecture}-s0", **given)
    run(node, results, "fuse")
    parts = [results / chapter / "predictions.csv" for chapter in ("baseline", "fuse")]
    predictions.collect(parts, results / "predictions.csv")
    for chapter in ("discrimination", "calibration", "decision", "subgroups", "explain", "reporting"):
        run(node, results, chapter)


def tabular(folder: Path) -> None:
    home = folder / "tiny"
    home.mkdir()
    from conftest import STUDY, write_tiny

    (home / "study.yaml").write_text(STUDY + f"profiles: {{quick: {json.dumps(SMALL)}}}\n", encoding="utf-8")
    write_tiny(home)
    node = graph.studies([str(home)], "quick")["tiny"]
    results = folder / "results" / "tiny"
    for chapter in ("cohort", "baseline"):
        run(node, results, chapter)
    shutil.copy(results / "baseline" / "predictions.csv", results / "predictions.csv")
    for chapter in ("discrimination", "calibration", "decision", "subgroups", "reporting"):
        run(node, results, chapter)


def test_every_notebook_is_executed_by_some_file(made):
    assert executed(made) == EXECUTED["test_chapters"]
    assert set().union(*EXECUTED.values()) == {path.stem for path in Path("notebooks").glob("*.py")}
    tests = Path(__file__).parent
    for name in EXECUTED:
        assert f'EXECUTED["{name}"]' in (tests / f"{name}.py").read_text(encoding="utf-8"), "each shows its line"


def test_the_predictions_table_holds_all_models_and_the_baseline(made):
    table = predictions.read(made / "results" / "olnm" / "predictions.csv")
    assert set(table["model"]) == {"clinical", "DL_image", "DL_CEUSvideo", "DL_combined"}
    assert table.groupby("model")["case_id"].nunique()["DL_image"] == 88
    assert "train" not in set(table.loc[table["model"] == "DL_combined", "split"])
    out = predictions.read(made / "results" / "tiny" / "predictions.csv")
    assert set(out["split"]) == {"oof"} and out["seed"].nunique() == 2


def test_no_test_label_chose_the_network(made):
    table = pd.read_csv(made / "results" / "olnm" / "fuse" / "figures" / "fig-choice.csv")
    tune = table[table["split"] == "tune"].sort_values(["auc", "log_loss"], ascending=[False, True])
    best = tune.drop_duplicates("model").set_index("model")["architecture"].to_dict()
    chosen = json.loads((made / "results" / "olnm" / "fuse" / "chosen.json").read_text(encoding="utf-8"))
    assert {model: pair[1] for model, pair in chosen["networks"].items()} == best


def test_every_page_says_what_made_it(made):
    for path in (made / "results").rglob("notebook.ipynb"):
        record = json.loads((path.parent / "run.json").read_text(encoding="utf-8"))
        assert record["lock"] and record["data"] and record["seconds"] > 0 and record["parameters"]["study"]


def test_numbers_of_the_simulated_study_are_marked(made):
    records = [path for path in (made / "results" / "olnm").rglob("fig-*.json") if ".view" not in path.suffixes]
    assert len(records) > 20
    for path in records:
        assert json.loads(path.read_text(encoding="utf-8"))["simulated"] is True


@pytest.mark.parametrize("study", ["olnm", "tiny"])
def test_a_pilot_is_said_in_a_box_that_agrees_with_its_table(made, study):
    page = made / "results" / study / "cohort"
    table = pd.read_csv(page / "tables" / "tab-size.csv")
    short = table[~table["enough"]].drop_duplicates("patients")
    assert len(short) and set(table["patients"]) == ({"training", "test"} if study == "olnm" else {"training"})
    notebook = json.loads((page / "notebook.ipynb").read_text(encoding="utf-8"))
    shown = [
        out["data"].get("text/html", "") for c in notebook["cells"] for out in c.get("outputs", []) if "data" in out
    ]
    (box,) = [text for text in map("".join, shown) if 'class="admonition warning"' in text]
    assert box.count("<p>Pilot: ") == len(short)
    for row in short.itertuples():
        assert f"Pilot: {row.events_available:,} events among {row.available:,} {row.patients} patients." in box


def test_tables_and_axes_use_the_labels_of_the_study(made):
    pages = made / "results" / "olnm"
    missing = pd.read_csv(pages / "cohort" / "tables" / "tab-missing.display.csv")
    assert {"Color Doppler", "Echogenic foci"} <= set(missing["Covariate"])
    splits = pd.read_csv(pages / "cohort" / "tables" / "tab-splits.display.csv")
    assert splits["Split"].tolist() == ["Training", "Tuning", "Test"]
    single = pd.read_csv(pages / "baseline" / "tables" / "tab-single.display.csv")
    assert {"Extrathyroidal extension", "no sign"} <= set(single["Covariate"])
    bars = pd.read_csv(pages / "baseline" / "figures" / "fig-coefficients.csv").set_index("term")
    assert bars.loc["Extrathyroidal extension: yes", "contrast"] == "yes against no"


def test_a_second_run_of_a_network_is_taken_from_its_checkpoint(made):
    page = made / "results" / "olnm" / "train" / "bmode-resnet18-s0"
    files = ("predictions.csv", "figures/fig-learning.csv")  # the second has the seconds of every epoch
    before = [(page / name).read_bytes() for name in files]
    checkpoint = (page / "checkpoint.safetensors").stat()
    node = graph.studies([str(made / "olnm")], "quick")["olnm"]
    run(node, made / "results" / "olnm", "train", "train/bmode-resnet18-s0", **node.training("bmode", "resnet18", 0))
    assert [(page / name).read_bytes() for name in files] == before, "training again would take other seconds"
    again = (page / "checkpoint.safetensors").stat()
    assert (again.st_mtime_ns, again.st_ino) == (checkpoint.st_mtime_ns, checkpoint.st_ino), "nor was it written again"


@pytest.fixture(scope="module")
def book(made) -> Path:
    """The published book of all studies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        return publish_book(made, ["olnm", "tiny"])


def test_every_page_of_the_book_opens_without_a_network(book):
    wanted = {"cohort", "inputs", "baseline", "fuse", "discrimination", "subgroups", "explain", "reporting"}
    assert wanted <= open_every_page(book, simulated="olnm")


def test_the_answer_of_a_chapter_is_computed(book, made):
    kept = report.read_numbers(made / "results" / "olnm" / "discrimination")
    with browser.reader() as (page, _):
        page.goto((book / "olnm" / "discrimination.html").as_uri(), wait_until="load")
        shown = page.locator(".in-short").inner_text()
    assert str(kept["answer"]) in shown and "Bayes limit" in shown

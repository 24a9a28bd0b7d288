"""The chapter on reporting reads every chapter there is, and points at what the study has."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.book import about, model_card, reporting
from helpers.data.study import CHAPTERS, from_text
from helpers.data.study import read as read_study

# Collins et al. 2024, doi:10.1136/bmj-2023-078378: 27 items, some in parts
PARTS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}
ALL = [f"{number}{part}" for number in range(1, 28) for part in PARTS.get(number, " ")]


def written(results: Path, page: str, name: str, methods: str = "", table: str = "a\n1\n") -> None:
    folder = results / page / ("figures" if name.startswith("fig-") else "tables")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"methods": methods}), encoding="utf-8")
    (folder / f"{name}.csv").write_text(table, encoding="utf-8")


def evidence() -> list[tuple[str, str, str]]:
    """Item, page and name of every figure and table that an item can point at."""
    items = pd.read_csv(reporting.ITEMS, dtype=str, keep_default_na=False)
    return [
        (item.item, *one.rsplit("/", 1))
        for item in items.itertuples()
        for one in re.split(r"[ |]", item.evidence)
        if "/" in one
    ]


def everything(results: Path, train: str = "bmode-densenet121-s0") -> None:
    for _, page, name in evidence():
        written(results, page.replace("*", train), name)


def test_no_chapter_is_forgotten(tmp_path: Path) -> None:
    for chapter in CHAPTERS:
        page = f"train/bmode-{chapter}-s0" if chapter in ("train", "ynet") else chapter
        written(tmp_path, page, "fig-one", f"Figure of {chapter}.")
        written(tmp_path, page, "tab-two", f"Table of {chapter}.")
    (tmp_path / "train" / "bmode-train-s0" / "fold-0").mkdir()
    (tmp_path / "train" / "bmode-train-s0" / "fold-0" / "checkpoint.json").write_text("not for this", encoding="utf-8")
    told = reporting.methods_text(tmp_path, read_study("data/olnm"))
    wanted = {f"{kind} of {chapter}." for chapter in CHAPTERS for kind in ("Figure", "Table") if chapter != "reporting"}
    assert set(told["sentence"]) == wanted and len(told) == len(wanted)
    own = told[told["sentence"].isin(["Figure of train.", "Table of ynet."])]
    assert set(own["chapter"]) == {"train: B-mode image, seed 0"}


def test_a_sentence_is_told_once_with_every_input_and_seed_that_was_trained_so(tmp_path: Path) -> None:
    for page in (
        "train/bmode-resnet18-s0",
        "train/bmode-resnet18-s10",
        "train/bmode-resnet18-s2",
        "train/ceus-resnet34-s0",
    ):
        written(tmp_path, page, "fig-one", "The same way.")
    written(tmp_path, "classes", "fig-one", "The same way.")
    told = reporting.methods_text(tmp_path, read_study("data/olnm")).to_dict("list")
    assert told["sentence"] == ["The same way."]
    assert told["chapter"] == ["train: B-mode image, seeds 0, 2, 10; contrast-enhanced video, seed 0"]


def test_all_subitems_of_the_guideline_are_listed_in_their_order() -> None:
    items = pd.read_csv(reporting.ITEMS, dtype=str, keep_default_na=False)
    assert items["item"].tolist() == [one.strip() for one in ALL] and len(items) == 52
    assert ((items["evidence"] == "") == (items["rest"] == "all")).all(), "what only authors know is all theirs"
    assert set(items["unless"]) == {"", *reporting.UNLESS}


def test_every_piece_of_evidence_is_on_a_page_of_its_chapter() -> None:
    for item, page, name in evidence():
        chapters = reporting.RUNS if page == "train/*" else (page,)
        shown = [f":::{{result-{kind}}} {name}\n" for kind in ("figure", "table", "view")]
        texts = [Path(f"notebooks/{chapter}.py").read_text(encoding="utf-8") for chapter in chapters]
        assert any(one in text for one in shown for text in texts), (item, page, name)


STUDIES = ("olnm", "calcified", "three_class", "lymphnode", "occult_neck")


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_with_all_its_pages_misses_nothing_and_one_without_any_shows_nothing(tmp_path: Path, name) -> None:
    study = read_study(f"data/{name}")
    before = reporting.checklist(tmp_path, study)
    assert not before["status"].eq("shown").any() and len(before) == 52
    everything(tmp_path)
    after = reporting.checklist(tmp_path, study)
    assert set(after["status"]) <= {"shown", "in part", "authors", "not applicable"}
    for row in after[after["status"] == "shown"].itertuples():
        pages = {one.split("/")[0] for one in row.evidence.split(", ")}
        assert pages <= {*study.chapters, "train"}, "only of chapters that the study has"
    assert "without their evidence" not in reporting.limitations(study, after)


@pytest.mark.parametrize(
    ("name", "item", "pages"),
    [
        ("olnm", "12c", "train/bmode-densenet121-s0/fig-learning, fuse/fig-choice, baseline/fig-coefficients, baseline/tab-internal"),
        ("occult_neck", "12c", "baseline/fig-coefficients, baseline/tab-internal"),
        ("occult_neck", "13", "no class was weighed"),
        ("occult_neck", "16", "models are made and judged in the same patients, by cross-validation"),
        ("occult_neck", "23b", "subgroups/tab-differences"),
        ("occult_neck", "12d", "no centres are compared"),
        ("lymphnode", "22", "baseline/tab-full-model, ways/tab-weights, train/bmode-densenet121-s0/tab-run"),
        ("lymphnode", "23a", "discrimination/tab-performance, segmentation/tab-outlines, subgroups/tab-subgroups"),
        ("lymphnode", "14", "subgroups/tab-subgroups"),
        ("calcified", "23b", "compare/tab-external"),
        ("three_class", "7", "inputs/tab-files, inputs/fig-steps"),
        ("three_class", "23a", "discrimination/tab-performance, classes/tab-class-auc, subgroups/tab-subgroups"),
        ("olnm", "5a", "simulated by this book after a published table (doi:10.3389/fendo.2025.1634875), seed 20250724"),
        ("occult_neck", "5a", "public data (doi:10.1016/j.dib.2023.110020)"),
        ("olnm", "6a", "–"),
    ],
)  # fmt: skip
def test_the_evidence_is_what_shows_the_item_in_that_study(tmp_path: Path, name, item, pages) -> None:
    everything(tmp_path)
    assert reporting.checklist(tmp_path, read_study(f"data/{name}")).set_index("item").loc[item, "evidence"] == pages


@pytest.mark.parametrize(
    ("table", "status"),
    [
        ("variable,level,n,events,value\nall,all,90,30,0.8\nCentre,A,50,5,\nCentre,B,40,3,\n", "missing"),
        ("variable,level,n,events,value\nall,all,90,30,0.8\nCentre,A,50,15,0.7\nCentre,B,40,3,\n", "in part"),
        ("model,n,AUC\nclinical,90,–\nvideo,90,too small\n", "missing"),
        ("model,n,AUC,P\nclinical,90,0.80 (0.70–0.90),\nvideo,90,–,\n", "in part"),
        ("model,value\n", "missing"),
    ],
)
def test_a_table_of_dashes_shows_nothing(tmp_path: Path, table, status) -> None:
    study = read_study("data/occult_neck")
    written(tmp_path, "subgroups", "fig-subgroups-auc", table=table)
    row = reporting.checklist(tmp_path, study).set_index("item").loc["23b"]
    assert row["status"] == status
    if status == "missing":
        names = "subgroups/tab-differences or subgroups/tab-differences-threshold or subgroups/fig-subgroups-auc"
        assert row["evidence"] == f"no value in {names}"


def test_a_cell_links_to_every_figure_and_table_that_it_names() -> None:
    place = importlib.util.spec_from_file_location("results_extension", "book/_ext/results.py")
    extension = importlib.util.module_from_spec(place)
    place.loader.exec_module(extension)
    table = object.__new__(extension.ResultTable)
    table.pointing = {3}
    table.state = SimpleNamespace(document=SimpleNamespace(settings=SimpleNamespace(env=None)))
    table.state.document.settings.env = SimpleNamespace(docname="olnm/reporting")
    cell = table.pointed(3, "train/bmode-ynet-s0/fig-folds, cohort/tab-one")
    targets = [node["reftarget"] for node in cell if "reftarget" in getattr(node, "attributes", {})]
    assert targets == ["olnm-train-bmode-ynet-s0-fig-folds", "olnm-tab-one"] and cell[1].astext() == ", "
    for column, text in ((0, "cohort/tab-one"), (3, "no value in cohort/tab-one"), (3, "–"), (3, "")):
        assert table.pointed(column, text) == [], "text stays text"


def test_what_is_weak_about_the_data_is_among_the_limitations() -> None:
    settings = read_study("data/occult_neck")
    said = reporting.limitations(settings, pd.DataFrame({"item": [], "status": []}))
    assert said == " ".join(
        ["There is no test set: performance comes from cross-validation within one cohort.", *settings.limitations]
    )
    told = " ".join(settings.limitations)
    assert all(words in told for words in ("one side", "operated tumour", "Only patients whose neck was dissected"))


def test_the_card_of_a_study_names_the_source_and_the_licence_of_its_data() -> None:
    card = about.card(read_study("data/viper"))
    assert card["licence"] == "CC0 1.0" and "doi:10.1117/1.JMI.6.1.015501" in card["citation"]
    assert card["data"].startswith("VIPER") and card["reference standard"].startswith("cancer within 455 days")
    assert list(about.card(read_study("data/olnm"))) == ["question", "outcome", "reference standard", "unit"]


def test_counts_alone_show_a_flow(tmp_path: Path) -> None:
    written(tmp_path, "cohort", "fig-flow", table="order,kind,label,n,events\n1,step,All,209,\n2,split,Test,34,\n")
    assert (
        reporting.checklist(tmp_path, read_study("data/three_class")).set_index("item").loc["20a", "status"] == "shown"
    )


def test_a_study_without_models_of_its_own_leaves_their_making_to_the_authors(tmp_path: Path) -> None:
    rows = reporting.checklist(tmp_path, read_study("data/viper")).set_index("item")
    assert rows.loc[["12c", "13", "22"], "status"].tolist() == ["authors"] * 3
    assert rows.loc["12c", ["evidence", "rest"]].tolist() == ["–", "all"]


def test_own_tables_have_a_source_that_only_their_authors_know(tmp_path: Path) -> None:
    own = """
name: demo
title: A demonstration
question: Does it read?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
chapters: [discrimination, calibration]
"""
    rows = reporting.checklist(tmp_path, from_text(own)).set_index("item")
    assert rows.loc[["5a", "18e"], "status"].tolist() == ["authors", "authors"]
    assert rows.loc["8a", ["status", "evidence"]].tolist() == ["in part", "histology"]


def choose(results: Path, chapter: str, networks: dict[str, list[str]]) -> None:
    (results / chapter).mkdir(parents=True, exist_ok=True)
    (results / chapter / "chosen.json").write_text(json.dumps({"networks": networks}), encoding="utf-8")


def test_of_many_training_runs_those_of_the_chosen_networks_are_named(tmp_path: Path) -> None:
    for run in ("bmode-resnet18-s0", "bmode-resnet34-s10", "bmode-resnet34-s2", "ceus-inception_resnet_v2-cam-s1"):
        written(tmp_path, f"train/{run}", "fig-learning")
    all_of_them = ["bmode-resnet18-s0", "bmode-resnet34-s2", "ceus-inception_resnet_v2-cam-s1"]
    assert reporting.judged_runs(tmp_path) == all_of_them
    choose(tmp_path, "fuse", {"a": ["bmode", "resnet34"], "b": ["ceus", "inception_resnet_v2-cam"]})
    assert reporting.judged_runs(tmp_path) == all_of_them[1:]


def performance(results: Path) -> None:
    rows = "split,model,n,events,auc,auc_low,auc_high\nTest,clinical,1160,27,0.944,0.894,0.994\nTest,video,1160,27,,,\n"
    written(results, "discrimination", "tab-performance", table=rows)
    written(results, "discrimination", "tab-thresholds", table="model,value\nclinical,0.5821\nvideo,0.4747\n")


def test_the_card_names_the_chosen_networks_the_fusion_and_the_performance(tmp_path: Path) -> None:
    study = read_study("data/olnm")
    before = model_card.model_card(study, tmp_path).set_index("section")["content"]
    assert before["Model DL_CEUSvideo"].startswith("DenseNet121, DenseNet169") and "AUC" not in " ".join(before.index)
    choose(tmp_path, "fuse", {"DL_image": ["bmode", "densenet121"], "DL_CEUSvideo": ["ceus", "densenet201"]})
    (tmp_path / "fuse" / "numbers.json").write_text('{"head": "random_forest"}', encoding="utf-8")
    performance(tmp_path)
    card = model_card.model_card(study, tmp_path).set_index("section")["content"]
    assert card["Model DL_CEUSvideo"] == (
        "DenseNet201 on the contrast-enhanced video, chosen on the tuning patients from DenseNet121, DenseNet169, "
        "DenseNet201, ResNet18, ResNet34"
    )
    assert card["Model DL_combined"] == "random forest on the features of DL_image and DL_CEUSvideo"
    assert card["Model clinical"].startswith("penalised logistic regression on Size, Sex, ")
    assert card["AUC (95 % CI), Test"] == "clinical 0.94 (0.89–0.99); video –; n = 1,160, 27 events"
    assert card["Threshold"] == "largest Youden index on the tuning patients: clinical 0.582; video 0.475"


def test_the_card_names_attention_reports_and_the_class_that_is_judged(tmp_path: Path) -> None:
    choose(tmp_path, "networks", {"video": ["clip", "inception_resnet_v2-cam"], "still": ["frame", "resnet50"]})
    cards = {name: model_card.model_card(read_study(f"data/{name}"), tmp_path) for name in STUDIES}
    cards = {name: card.set_index("section")["content"] for name, card in cards.items()}
    assert cards["calcified"]["Model video"].startswith(
        "InceptionResNetV2 with attention on the 32-frame clip, chosen "
    )
    assert cards["lymphnode"]["Model joint"] == "Y-Net on the B-mode image"
    assert cards["lymphnode"]["Model report and model"].endswith("the risk of joint")
    assert cards["three_class"]["Model plain"] == "ResNet18 (plain loss) on the still"
    assert cards["three_class"]["Risk"] == "of metastatic against all other classes"
    assert cards["occult_neck"]["Threshold"] == "declared in advance: 0.2" and "Risk" not in cards["occult_neck"]

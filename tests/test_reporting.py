"""The chapter on reporting reads every chapter there is, and points at what the study has."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.book import about, reporting
from helpers.data.study import CHAPTERS
from helpers.data.study import read as read_study


def written(results: Path, page: str, name: str, methods: str) -> None:
    folder = results / page / ("figures" if name.startswith("fig-") else "tables")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"methods": methods}), encoding="utf-8")
    (folder / f"{name}.csv").write_text("a\n1\n", encoding="utf-8")


def test_no_chapter_is_forgotten(tmp_path: Path) -> None:
    for chapter in CHAPTERS:
        page = f"train/{chapter}-s0" if chapter in ("train", "ynet") else chapter
        written(tmp_path, page, "fig-one", f"Figure of {chapter}.")
        written(tmp_path, page, "tab-two", f"Table of {chapter}.")
    (tmp_path / "train" / "train-s0" / "fold-0").mkdir()
    (tmp_path / "train" / "train-s0" / "fold-0" / "checkpoint.json").write_text("not for this", encoding="utf-8")
    told = reporting.methods_text(tmp_path)
    wanted = {f"{kind} of {chapter}." for chapter in CHAPTERS for kind in ("Figure", "Table") if chapter != "reporting"}
    assert set(told["sentence"]) == wanted and len(told) == len(wanted)
    own = told[told["sentence"].isin(["Figure of train.", "Table of ynet."])]
    assert set(own["chapter"]) == {"train"}


def test_a_sentence_is_told_once(tmp_path: Path) -> None:
    for page in ("train/a-s0", "train/b-s0", "classes"):
        written(tmp_path, page, "fig-one", "The same way.")
    assert reporting.methods_text(tmp_path).to_dict("list") == {"chapter": ["train"], "sentence": ["The same way."]}


@pytest.mark.parametrize(
    ("study", "page", "name"),
    [
        ("olnm", "fuse", "tab-choice"),
        ("calcified", "networks", "tab-network-choice"),
        ("three_class", "networks", "tab-network-choice"),
        ("lymphnode", "train/bmode-ynet-s0", "fig-folds"),
        ("occult_neck", "baseline", "fig-coefficients"),
    ],
)
def test_the_type_of_model_is_shown_where_the_study_chose_it(tmp_path: Path, study, page, name) -> None:
    settings = read_study(f"data/{study}")
    before = reporting.checklist(tmp_path, settings).set_index("item")
    assert before.loc["12c", "status"] == "missing", "no page was made yet"
    written(tmp_path, page, name, "")
    written(tmp_path, "train/bmode-monai_unet-s0", "fig-folds", "")
    after = reporting.checklist(tmp_path, settings).set_index("item")
    assert after.loc["12c", ["status", "evidence"]].tolist() == ["shown", f"{page}/{name}"]


def test_a_study_without_models_of_its_own_says_so(tmp_path: Path) -> None:
    settings = read_study("data/viper")
    row = reporting.checklist(tmp_path, settings).set_index("item").loc["12c"]
    assert row["status"] == "not applicable" and "fuse or networks or train or baseline" in row["evidence"]


def test_every_piece_of_evidence_is_of_a_chapter() -> None:
    for item in pd.read_csv(reporting.ITEMS, dtype=str, keep_default_na=False).itertuples():
        for one in item.evidence.split("|") if item.kind == "shown" else ():
            page, name = one.rsplit("/", 1)
            assert page.split("/")[0] in CHAPTERS and name.startswith(("fig-", "tab-")), item.item


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

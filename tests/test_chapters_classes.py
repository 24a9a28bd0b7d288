"""Chapters of a study of three classes, executed on predictions and readings that somebody brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chapters import EXECUTED, executed, run
from helpers.book import graph
from helpers.stats import predictions

pytestmark = pytest.mark.build

CHAPTERS = ["classes", "calibration", "decision", "class_readers"]
STUDY = """
name: brought
title: Three classes, brought
question: Which class?
source: {kind: own}
outcome:
  name: class
  positive: metastatic
  negative: not metastatic
  classes: [benign, non-metastatic, metastatic]
  reference_standard: histology
choices:
  - {name: biopsy, classes: [non-metastatic, metastatic], low: 0.1, high: 0.4, reason: as one does}
chapters: [classes, calibration, decision, class_readers]
profiles: {quick: {resamples: 50}}
"""
CLASSES = ["benign", "non-metastatic", "metastatic"]


def brought(home: Path) -> pd.DataFrame:
    """Predictions of 80 patients, four of the judged ones of the middle class, and readings of two readers."""
    rng = np.random.default_rng(4)
    rows = []
    for split, counts in (("tune", (15, 6, 25)), ("test", (10, 4, 20))):
        for code, count in enumerate(counts):
            rows += [(split, code)] * count
    table = pd.DataFrame(rows, columns=["split", "code"])
    logits = rng.normal(size=(len(table), 3)) + 1.2 * np.eye(3)[table["code"]]
    risk = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table["patient_id"] = table["case_id"] = [f"P{k:03}" for k in range(len(table))]
    table["label"] = [CLASSES[code] for code in table["code"]]
    table = table.assign(study="brought", model="net", seed=0, center="A")
    table = table.assign(**{f"risk_{name}": risk[:, k] for k, name in enumerate(CLASSES)})
    judged = table[table["split"] == "test"]
    parts = []
    for who, share in (("junior", 0.7), ("senior", 0.9)):
        wrong = rng.random(len(judged)) > share
        rating = [CLASSES[(code + miss) % 3] for code, miss in zip(judged["code"], wrong)]
        parts.append(judged[["patient_id", "case_id", "label"]].assign(reader=who, experience=who, rating=rating))
    pd.concat(parts).to_csv(home / "readings.csv", index=False)
    return table.drop(columns="code")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Results of all chapters."""
    home = tmp_path_factory.mktemp("brought")
    (home / "study.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[1])
        predictions.write(brought(home), home / "predictions.csv")
        node = graph.studies([str(home)], "quick")["brought"]
        made = home / "results"
        predictions.write(predictions.read(home / "predictions.csv"), made / "predictions.csv")
        for chapter in CHAPTERS:
            run(node, made, chapter)
    return made


def test_what_this_file_says_that_it_executes(results):
    assert executed(results) == EXECUTED["test_chapters_classes"]


def test_each_class_has_its_intervals_and_the_small_one_says_so(results):
    table = pd.read_csv(results / "classes" / "tables" / "tab-class-measures.csv").set_index("class")
    small, large = table.loc["non-metastatic"], table.loc["metastatic"]
    assert small["events"] == 4 and large["events"] == 20
    width = table["sensitivity_high"] - table["sensitivity_low"]
    assert width["non-metastatic"] > 0.4 > width["metastatic"]
    assert "Only 4 judged patients are non-metastatic" in (results / "classes" / "numbers.json").read_text("utf-8")


def test_calibration_and_decision_have_a_part_for_every_class_and_choice(results):
    table = pd.read_csv(results / "calibration" / "tables" / "tab-calibration-classes.csv")
    assert table["class"].tolist() == CLASSES
    choices = pd.read_csv(results / "decision" / "tables" / "tab-clinical-choices.csv")
    assert set(choices["choice"]) == {"biopsy"} and choices["threshold"].between(0.1, 0.4).all()


def test_readers_of_classes_meet_the_model_on_the_same_patients(results):
    table = pd.read_csv(results / "class_readers" / "tables" / "tab-readers-paired.csv")
    assert set(table["reader"]) == {"junior", "senior"}
    assert table.loc[table["among"] == "non-metastatic", "n"].eq(4).all()
    assert table.loc[table["among"] == "all patients", "n"].eq(34).all()
    needed = pd.read_csv(results / "class_readers" / "tables" / "tab-readers-needed.csv")
    assert set(needed["source"]) == {"here"}, "nothing is printed of a study of one's own"

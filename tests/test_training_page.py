"""What the page of a training run says: whether it learned, how sure its AUC is, and how it was trained."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.book import findings
from helpers.learn import evaluation
from helpers.learn.settings import Settings


def result(count: list[int], weight: list[float], best: float = 0.7, **record: object) -> SimpleNamespace:
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.7, 0.6], "tune_loss": [best + 0.1, best]})
    made = {"class_count": count, "class_weight": weight} | record
    return SimpleNamespace(network=SimpleNamespace(record={}), history=history, best_epoch=2, record=made, sha256="ab")


def test_the_same_risk_for_everyone_has_the_loss_of_a_coin_where_classes_count_alike():
    label = np.array([0, 0, 0, 1])
    balanced = [40 / (2 * 30), 40 / (2 * 10)]
    assert evaluation.constant_loss(result([30, 10], balanced), label) == pytest.approx(math.log(2))
    three = [60 / (3 * n) for n in (30, 20, 10)]
    assert evaluation.constant_loss(result([30, 20, 10], three), np.array([0, 1, 2, 2])) == pytest.approx(math.log(3))
    plain = evaluation.constant_loss(result([30, 10], [1, 1]), label)
    assert plain == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4)


def test_a_run_that_learned_nothing_is_called_so():
    assert evaluation.learned(result([1, 1], [1, 1], best=0.6), 0.6931) == (
        "Its loss on the tuning patients, 0.600, is lower than that of the same risk for everyone, 0.693."
    )
    said = evaluation.learned(result([1, 1], [1, 1], best=0.6931), 0.6931)
    assert said.endswith(
        "is no lower than that of the same risk for everyone, 0.693: it learned nothing that they show."
    )
    made = result([1, 1], [1, 1]).history.assign(constant=0.6931)
    assert findings.of("fig-learning", made).endswith("The same risk for everyone has 0.693.")


def test_the_auc_of_the_tuning_cases_is_given_with_what_it_rests_on():
    cases = pd.DataFrame({"patient_id": ["a", "a", "b"], "label": [1, 1, 0], "risk": [0.9, 0.2, 0.3]})
    assert evaluation.tuned(cases, 0.5) == (
        "On the tuning cases its AUC is 0.50 (3 cases of 2 patients, 2 of them positive); they chose the epoch, so it is "
        "optimistic and has no interval."
    )
    several = evaluation.tuned(cases.rename(columns={"risk": "risk_a"}).assign(label="a"), 0.654)
    assert "the mean of the AUCs of each class against the others is 0.65 (3 cases of 2 patients)" in several


def test_the_record_of_a_run_is_written_for_a_reader():
    run = result(
        [3, 5],
        [1.0, 0.5],
        volume=True,
        architecture="legacy_xception",
        versions={"torch": "2", "numpy": "1"},
        peak_memory_mb=1,
    )
    table = evaluation.run_table(run).set_index("item")["value"]
    assert table["Convolutions over time (3D)"] == "yes" and table["Architecture"] == "Xception"
    assert not table.index.str.contains("_").any()
    assert table["Versions"] == "torch 2, numpy 1" and table["Training cases of each class"] == "3, 5"


def test_methods_say_how_images_were_varied():
    record = {"architecture": "resnet50", "weights_used": "none", "volume": True, "attention": False, "dropout": 0.5}
    run = SimpleNamespace(network=SimpleNamespace(record=record), best_epoch=3)
    said = evaluation.methods(run, Settings(size=80, crop_size=88, frames=8, epochs=4, flip_vertical=True))
    assert said.startswith("ResNet50 inflated to 3D")
    assert "80 x 80 pixels x 8 frames cut from 88 x 88, varied in training by random crops, left-right flips" in said
    assert "upside-down flips" in said and "a random first frame" in said and "brightness (SD 0" in said

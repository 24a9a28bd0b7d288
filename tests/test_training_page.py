"""What the page of a training run says: whether it learned, how sure its AUC is, and how it was trained."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.book import findings, sentences_networks
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


def test_the_auc_of_the_tuning_patients_has_its_interval_by_patient():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), 4)
    cases = pd.DataFrame({"patient_id": patient, "label": patient % 2, "risk": np.repeat(rng.random(30), 4)})
    once = cases.drop_duplicates("patient_id")
    assert sentences_networks.tuned(cases, np.nan)[:75] == sentences_networks.tuned(once, np.nan)[:75]
    assert "its AUC is 0." in sentences_networks.tuned(cases, np.nan) and "(95 % CI" in sentences_networks.tuned(
        cases, 0
    )
    several = sentences_networks.tuned(cases.rename(columns={"risk": "risk_a"}), 0.654)
    assert several.endswith("the mean of the AUCs of each class against the others is 0.65.")


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

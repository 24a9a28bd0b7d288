"""Thresholds: rules by hand, provenance, and the refusal of test data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from helpers.stats.discrimination import choose_threshold, operating_point, optimism_of_test_threshold, roc
from helpers.stats.thresholds import Threshold

LABEL = [0, 0, 0, 1, 0, 1, 1, 1]
RISK = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9]


def test_rules_by_hand():
    youden = choose_threshold(LABEL, RISK, split="tune")
    assert float(youden) == pytest.approx(0.35)  # 0.55 has the same index but misses one positive
    assert (youden.sensitivity, youden.specificity) == (1.0, 0.75)
    assert float(choose_threshold(LABEL, RISK, split="train", rule="sensitivity", target=0.75)) == pytest.approx(0.55)
    assert float(choose_threshold(LABEL, RISK, split="oof", rule="sensitivity", target=1.0)) == pytest.approx(0.35)
    assert float(choose_threshold(LABEL, RISK, split="tune", rule="specificity", target=0.75)) == pytest.approx(0.35)
    assert float(choose_threshold(LABEL, RISK, split="tune", rule="specificity", target=1.0)) == pytest.approx(0.55)
    declared = choose_threshold(LABEL, RISK, split="tune", rule="declared", risk_threshold=0.1)
    assert (float(declared), declared.sensitivity, declared.specificity) == (0.1, 1.0, 0.0)


@pytest.mark.parametrize("rule", ["sensitivity", "specificity"])
@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.95])
def test_target_is_reached_by_no_more_than_one_step(rule, target):
    rng = np.random.default_rng(1)
    label = rng.random(300) < 0.3
    risk = np.round(rng.normal(label, 1), 1)
    chosen = choose_threshold(label, risk, split="tune", rule=rule, target=target)
    point = operating_point(label, risk, chosen)
    assert getattr(point, rule).value >= target
    assert getattr(point, rule).value == pytest.approx(getattr(chosen, rule))
    curve = roc(label, risk).frame()
    other = {"sensitivity": "specificity", "specificity": "sensitivity"}[rule]
    best = curve.loc[curve[rule] >= target - 1e-12, other].max()
    assert getattr(point, other).value == pytest.approx(best)


@pytest.mark.parametrize("split", ["test", "external", "TEST", "", ["tune", "test"], pd.Series(["tune", "external"])])
def test_data_for_judging_are_refused(split):
    with pytest.raises(ValueError, match="split: a threshold must not be chosen on"):
        choose_threshold(LABEL, RISK, split=split)


def test_a_hand_made_threshold_cannot_claim_test_data_either():
    with pytest.raises(ValueError, match="must not be chosen on 'test'"):
        Threshold(0.5, "youden", "test", 10, 3)
    with pytest.raises(ValueError, match="rule: unknown"):
        Threshold(0.5, "best", "tune", 10, 3)
    with pytest.raises(ValueError, match="value: must be finite"):
        Threshold(np.inf, "youden", "tune", 10, 3)


def test_provenance_is_recorded_and_frozen():
    chosen = choose_threshold(LABEL, RISK, split=["train"] * 4 + ["tune"] * 4, model="image")
    assert (chosen.split, chosen.n, chosen.events, chosen.model) == ("train+tune", 8, 4, "image")
    again = choose_threshold(LABEL[::-1], RISK[::-1], split="train+tune", model="image")
    assert again == chosen  # the hash does not depend on the order of the rows
    other = choose_threshold(LABEL, [*RISK[:-1], 0.91], split="tune")
    assert other.data_hash != chosen.data_hash
    with pytest.raises(dataclasses.FrozenInstanceError):
        chosen.value = 0.4
    assert "chosen on train+tune (n = 8, 4 events)" in chosen.methods
    assert chosen.methods in operating_point(LABEL, RISK, chosen).methods
    assert chosen.frame().loc[0, "rule"] == "youden"
    assert operating_point(LABEL, RISK, chosen).counts == operating_point(LABEL, RISK, 0.35).counts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "best"}, "rule: unknown 'best'"),
        ({"rule": "sensitivity"}, r"target: must be in \(0, 1\]"),
        ({"rule": "sensitivity", "target": 95}, "target"),
        ({"rule": "declared"}, "risk_threshold: must be inside"),
        ({"rule": "declared", "risk_threshold": 10}, "risk_threshold"),
        ({"risk_threshold": 0.1}, "risk_threshold: only for rule='declared'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        choose_threshold(LABEL, RISK, split="tune", **options)


@pytest.mark.parametrize("risk", [[0.5] * 4, [0.9, 0.8, 0.2, 0.1]])
def test_a_risk_that_does_not_separate_calls_every_case_positive(risk):
    made = choose_threshold([0, 0, 1, 1], risk, split="tune")
    assert (np.array(risk) >= float(made)).all()
    assert (made.sensitivity, made.specificity) == (1.0, 0.0)


def test_specificity_that_needs_nobody_positive_is_an_error():
    with pytest.raises(ValueError, match="only reached when no case is called positive"):
        choose_threshold([0, 1], [0.9, 0.1], split="tune", rule="specificity", target=1.0)


def test_optimism_by_hand():
    frozen = choose_threshold(LABEL, RISK, split="tune")
    made = optimism_of_test_threshold([0, 0, 1, 1], [0.2, 0.45, 0.5, 0.8], frozen)
    table = made.frame().set_index("measure")
    assert made.rechosen == pytest.approx(0.475)
    assert table.loc["specificity"].tolist() == [0.5, 1.0, 0.5]
    assert table.loc["youden", "optimism"] == 0.5
    assert not isinstance(made.rechosen, Threshold)
    assert "optimistic" in made.methods
    with pytest.raises(ValueError, match="threshold: must come from choose_threshold"):
        optimism_of_test_threshold(LABEL, RISK, 0.5)
    declared = choose_threshold(LABEL, RISK, split="tune", rule="declared", risk_threshold=0.1)
    with pytest.raises(ValueError, match="was declared, not chosen"):
        optimism_of_test_threshold(LABEL, RISK, declared)


def test_rechoosing_never_lowers_youden():
    rng = np.random.default_rng(2)
    for _ in range(30):
        label = rng.permutation(np.repeat([1, 0], [15, 40]))
        tune, test = rng.normal(label, 1, (2, 55))
        frozen = choose_threshold(label, tune, split="tune")
        optimism = optimism_of_test_threshold(label, test, frozen).frame().set_index("measure")["optimism"]
        assert optimism["youden"] >= -1e-12

"""Subgroups: the same numbers as on the part alone, honest about small ones, and tests of the right size."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from helpers.stats.discrimination import auc, compare_auc_unpaired
from helpers.stats.subgroups import subgroups


def _data(n: int, seed: int, effect: float = 0.0, per_patient: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    lp = rng.normal(-0.5, 1.2, n)
    sex = rng.choice(["female", "male"], n)
    frame = pd.DataFrame({"patient_id": np.arange(n) // per_patient, "sex": sex, "risk": expit(lp)})
    frame["label"] = (rng.random(n) < expit(lp * (1 - effect * (sex == "male")))).astype(int)
    return frame


def test_estimates_equal_those_of_the_part_alone() -> None:
    frame = _data(400, 0)
    table = subgroups(frame, by=["sex"]).frame().set_index("level")
    part = frame[frame["sex"] == "male"]
    alone = auc(part["label"], part["risk"], interval="logit")
    assert table.loc["male", ["value", "low", "high"]].tolist() == [alone.value, alone.low, alone.high]
    assert table.loc["male", "n"] == len(part) and table.loc["all", "events"] == frame["label"].sum()


def test_two_subgroups_are_compared_as_unpaired_auc() -> None:
    frame = _data(400, 1, effect=0.7)
    test = subgroups(frame, by=["sex"]).interaction.iloc[0]
    a, b = (frame[frame["sex"] == sex] for sex in ("female", "male"))
    want = compare_auc_unpaired(a["label"], a["risk"], b["label"], b["risk"])
    assert test["statistic"] == pytest.approx(want.z**2, rel=1e-6)
    assert test["p_value"] == pytest.approx(2 * stats.norm.sf(abs(want.z)), rel=1e-6)


def test_sensitivity_uses_fishers_exact_test() -> None:
    frame = _data(120, 2)
    result = subgroups(frame, by=["sex"], measure="sensitivity", threshold=0.4)
    events = frame[frame["label"] == 1]
    table = pd.crosstab(events["sex"], events["risk"] >= 0.4)
    assert result.interaction["p_value"][0] == pytest.approx(stats.fisher_exact(table).pvalue)
    assert result.frame().set_index("level").loc["male", "value"] == pytest.approx(
        (events.loc[events["sex"] == "male", "risk"] >= 0.4).mean()
    )
    assert "at the threshold 0.4" in result.methods


def test_small_subgroups_are_marked_and_not_estimated() -> None:
    frame = _data(300, 3)
    frame["center"] = np.where(np.arange(300) < 9, "C", np.where(np.arange(300) % 2, "A", "B"))
    result = subgroups(frame, by={"center": "Centre"})
    row = result.frame().set_index("level").loc["C"]
    assert not row["estimated"] and np.isnan(row["value"]) and "too small: fewer than 10" in row["note"]
    assert result.interaction["df"].tolist() == [1, 1]  # A and B only
    texts = [text.get_text() for text in result.plot().texts]
    assert any("too small to estimate" in text for text in texts)
    plt.close("all")


def test_tests_keep_their_size_and_find_a_true_interaction() -> None:
    rejected = np.zeros(2)
    for seed in range(120):
        rejected += subgroups(_data(300, seed), by=["sex"]).interaction["p_value"].to_numpy() < 0.05
    assert (rejected / 120 < 0.11).all() and (rejected / 120 > 0.0).all()
    strong = subgroups(_data(2000, 0, effect=0.9), by=["sex"]).interaction
    assert (strong["p_value"] < 1e-4).all()


def test_patients_in_several_subgroups_are_not_taken_for_independent() -> None:
    frame = _data(400, 5)
    double = pd.concat([frame.assign(side="left"), frame.assign(side="right")])  # the same nodule twice
    result = subgroups(double, by=["side"])
    assert result.patients == 400
    assert np.isnan(result.interaction["p_value"][0])  # the difference is 0 in every resample: no variance, no test
    nearly = double.assign(risk=np.clip(double["risk"] + np.random.default_rng(0).normal(0, 0.02, 800), 0.001, 0.999))
    aware = subgroups(nearly, by=["side"]).interaction["statistic"][0]
    naive = subgroups(nearly.drop(columns="patient_id"), by=["side"]).interaction["statistic"][0]
    assert aware > 3 * naive


def test_holm_is_over_variables_within_a_test() -> None:
    frame = _data(400, 6)
    frame["half"] = np.where(np.arange(400) % 2, "a", "b")
    table = subgroups(frame, by=["sex", "half"]).interaction
    for _, part in table.groupby("test"):
        p = np.sort(part["p_value"])
        want = np.minimum(1, [2 * p[0], max(2 * p[0], p[1])])
        assert np.sort(part["p_holm"]) == pytest.approx(want)


def test_observed_expected_and_scores_beyond_0_and_1() -> None:
    frame = _data(300, 7)
    table = subgroups(frame, by=["sex"], measure="observed_expected").frame().set_index("level")
    part = frame[frame["sex"] == "female"]
    assert table.loc["female", "value"] == pytest.approx(part["label"].sum() / part["risk"].sum())
    scores = subgroups(frame.assign(risk=10 * frame["risk"]), by=["sex"])
    assert scores.interaction["test"].tolist() == ["heterogeneity of AUC"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": ["center"]}, "'center' is not in the table"),
        ({"by": []}, "at least one column"),
        ({"by": ["risk"]}, "cut it at declared values"),
        ({"measure": "accuracy"}, "measure: 'accuracy'"),
        ({"measure": "sensitivity"}, "threshold: sensitivity needs one"),
        ({"minimum": 1}, "minimum"),
        ({"level": 95}, "level"),
    ],
)
def test_bad_input_names_the_argument(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subgroups(_data(60, 0), **({"by": ["sex"]} | change))


def test_bad_labels_and_risks_are_refused() -> None:
    frame = _data(60, 0)
    with pytest.raises(ValueError, match="label: all 60 cases are 1"):
        subgroups(frame.assign(label=1), by=["sex"])
    with pytest.raises(ValueError, match="risk: missing"):
        subgroups(frame.assign(risk=np.nan), by=["sex"])

"""Several classes: against scikit-learn, a slow definition, and a bootstrap of patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.stats.discrimination import auc, auc_multiclass

CLASSES = ["benign", "non-metastatic", "metastatic"]


def sample(n=150, seed=0, digits=2):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), truth] += 1.0
    risks = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.array(CLASSES)[truth], np.round(risks, digits)


@pytest.mark.parametrize("digits", [1, 6])
def test_values_equal_scikit_learn(digits):
    from sklearn.metrics import roc_auc_score

    label, risks = sample(digits=digits)
    made = auc_multiclass(label, risks, CLASSES)
    for j, name in enumerate(CLASSES):
        assert made.one_vs_rest[name].value == pytest.approx(roc_auc_score(label == name, risks[:, j]), rel=1e-12)
    exact = sample(digits=15)  # scikit-learn wants rows that sum to 1
    codes = np.array([CLASSES.index(c) for c in exact[0]])
    made = auc_multiclass(*exact, CLASSES)
    for way, value in (("ovr", made.macro.value), ("ovo", made.hand_till.value)):
        assert value == pytest.approx(roc_auc_score(codes, exact[1], multi_class=way, average="macro"), rel=1e-12)


def test_hand_till_by_definition():
    label, risks = sample(60, seed=3)
    total = []
    for i in range(3):
        for j in range(i + 1, 3):
            pair = []
            for a, b, column in ((i, j, i), (j, i, j)):
                x = risks[label == CLASSES[a], column]
                y = risks[label == CLASSES[b], column]
                pair.append(np.mean((x[:, None] > y) + 0.5 * (x[:, None] == y)))
            total.append(np.mean(pair))
    assert auc_multiclass(label, risks, CLASSES).hand_till.value == pytest.approx(np.mean(total), rel=1e-12)


@pytest.mark.parametrize("clustered", [False, True])
def test_errors_agree_with_a_bootstrap_of_patients(clustered):
    label, risks = sample(240, seed=4)
    patient = np.arange(240) // (3 if clustered else 1)
    if clustered:  # cases of a patient share part of their risk
        rng = np.random.default_rng(5)
        risks = risks + rng.normal(0, 0.3, (80, 3))[patient]
    made = auc_multiclass(label, risks, CLASSES, patient_id=patient)
    from helpers.stats.delong import placements

    rng = np.random.default_rng(6)
    drawn = []
    rows_of = [np.flatnonzero(patient == p) for p in range(patient.max() + 1)]
    for _ in range(300):
        rows = np.concatenate([rows_of[p] for p in rng.integers(0, len(rows_of), len(rows_of))])
        y, r = label[rows], risks[rows]
        rest = [placements(y == c, r[:, j])[0] for j, c in enumerate(CLASSES)]
        pairs = [
            placements(y[keep] == c, r[keep, j])[0]
            for j, c in enumerate(CLASSES)
            for other in CLASSES
            if other != c and (keep := (y == c) | (y == other)).any()
        ]
        drawn.append([np.mean(rest), np.mean(pairs)])
    se = np.std(drawn, axis=0)
    assert [made.macro.se, made.hand_till.se] == pytest.approx(se, rel=0.15)
    assert made.macro.low < made.macro.value < made.macro.high


def test_the_influence_of_one_class_is_delong():
    from helpers.stats.multiclass import influence

    label, risks = sample(80, seed=7)
    member = label == "benign"
    influence = influence(member, risks[:, 0], np.ones(80, dtype=bool))
    assert np.sqrt(np.sum(influence**2)) == pytest.approx(auc(member, risks[:, 0]).se, rel=1e-12)


def test_frame_methods_plot_and_named_columns():
    import matplotlib.pyplot as plt

    label, risks = sample(seed=8)
    made = auc_multiclass(label, risks, CLASSES, patient_id=np.arange(150) // 2)
    frame = made.frame()
    assert frame["measure"].tolist() == ["one_vs_rest"] * 3 + ["macro", "hand_till"]
    assert frame["class"].tolist() == [*CLASSES, "", ""]
    assert frame["events"].dropna().sum() == 150
    assert "n = 150 of 75 patients" in made.methods
    assert "Obuchowski" in made.methods
    named = pd.DataFrame(risks[:, ::-1], columns=[f"risk_{c}" for c in CLASSES[::-1]])
    assert auc_multiclass(label, named, CLASSES).macro.value == made.macro.value
    assert len(made.plot().get_legend().get_texts()) == 3
    plt.close("all")


def test_a_single_case_of_a_class_has_no_interval():
    label, risks = sample(40, seed=9)
    label = np.where(label == "metastatic", "benign", label)
    label[0] = "metastatic"
    made = auc_multiclass(label, risks, CLASSES)
    assert np.isnan(made.macro.low)
    assert "single case" in made.macro.note
    assert "Only one positive" in made.one_vs_rest["metastatic"].note


@pytest.mark.parametrize(
    ("label", "risks", "classes", "message"),
    [
        (["a", "b"], np.ones((2, 2)), ["a", "b"], "classes: at least three"),
        (["a", "b", "d"], np.eye(3), ["a", "b", "c"], "label: unknown class 'd'"),
        (["a", "b", "b"], np.eye(3), ["a", "b", "c"], "label: class 'c' has no case"),
        (["a", "b", "c"], np.eye(2), ["a", "b", "c"], r"risks: must have shape \(3, 3\)"),
        (["a", "b", "c"], np.full((3, 3), np.nan), ["a", "b", "c"], r"risks\[a\]: missing"),
        (["a", None, "c"], np.eye(3), ["a", "b", "c"], "label: missing at position 1"),
    ],
)
def test_bad_arguments_are_named(label, risks, classes, message):
    with pytest.raises(ValueError, match=message):
        auc_multiclass(label, risks, classes)

"""Votes, twins, the matrix of pairs and the mix of cases: the statistics of the chapters on networks."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from helpers.book import sentences_networks
from helpers.data import sections
from helpers.learn import candidates
from helpers.learn.choice import settings_of, write_chosen
from helpers.learn.chosen import read_chosen
from helpers.stats import casemix, comparing, family_plots, levels, models, pair_matrix, twins, voting
from helpers.stats.auc import auc

NETWORKS = ("resnet50", "inception_v3")


class Family:
    """As a model of `study.yaml`."""

    def __init__(self, source: str, runs: tuple[str, ...]) -> None:
        self.input, self.runs = source, runs


FAMILIES = {"video": Family("clip", (*NETWORKS, "resnet50-cam")), "still": Family("frame", NETWORKS)}


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    """Two clips a patient, two inputs, three networks, all splits."""
    rng = np.random.default_rng(0)
    rows = []
    for split, n in (("train", 40), ("tune", 30), ("test", 40), ("external", 50)):
        for i in range(n):
            patient, label = f"{split}{i}", i % 3 == 0
            for clip in range(1 + i % 2):
                for family, gain in (("clip", 2.0), ("frame", 0.8)):
                    for run in FAMILIES["video" if family == "clip" else "still"].runs:
                        risk = 1 / (1 + np.exp(-(gain * label - 0.5 + rng.normal())))
                        case = {"patient_id": patient, "case_id": f"{patient}-{clip}", "label": int(label)}
                        about = {"study": "s", "model": f"{family}-{run}", "seed": 0, "split": split, "center": "A"}
                        rows.append({**about, **case, "risk": risk})
    return pd.DataFrame(rows)


def test_the_vote_is_the_mean_of_a_patients_risks(runs: pd.DataFrame) -> None:
    votes = voting.by_patient(runs)
    for row in votes.sample(60, random_state=1).itertuples():
        own = runs[(runs["patient_id"] == row.patient_id) & (runs["model"] == row.model)]
        assert row.risk == pytest.approx(own["risk"].mean(), abs=1e-15)
        assert row.cases == len(own) and row.case_id == row.patient_id and row.label == own["label"].iloc[0]
    assert len(votes) == runs.groupby(["patient_id", "model"]).ngroups


@pytest.mark.parametrize(("column", "value", "words"), [("label", 1, "labels"), ("split", "tune", "splits")])
def test_cases_that_disagree_cannot_vote(runs: pd.DataFrame, column: str, value: object, words: str) -> None:
    odd = runs.copy()
    odd.loc[(odd["case_id"] == "test1-1"), column] = value
    with pytest.raises(ValueError, match=f"patient 'test1' have different {words}"):
        voting.by_patient(odd)


def test_the_naive_interval_by_case_is_the_narrow_one() -> None:
    rng = np.random.default_rng(3)
    base = np.repeat(rng.normal(size=60), 6)
    label = np.repeat(np.arange(60) % 2, 6)
    risk = 1 / (1 + np.exp(-(base + label)))  # all cases of a patient alike
    table = pd.DataFrame({"patient_id": np.repeat(np.arange(60), 6), "label": label, "risk": risk})
    table["case_id"] = np.arange(len(table))
    table = table.assign(model="m", seed=0, split="test", study="s", center="A")
    made = levels.compare(table, voting.by_patient(table), split="test")
    width = made.frame().set_index("level").eval("auc_high - auc_low")
    assert width[levels.LEVELS["naive"]] < 0.6 * width[levels.LEVELS["cases"]]
    assert width[levels.LEVELS["patients"]] == pytest.approx(width[levels.LEVELS["cases"]], rel=0.05)
    assert sentences_networks.levels(made).startswith("The 60 judged patients have 360 cases; an interval")


def test_networks_are_chosen_on_tune_by_patients_and_titled(runs: pd.DataFrame) -> None:
    votes = voting.by_patient(runs)
    choice = candidates.compare(votes, FAMILIES)
    tune = votes[votes["split"] == "tune"]
    for family, model in FAMILIES.items():
        slow = {run: _auc(tune[tune["model"] == f"{model.input}-{run}"]) for run in model.runs}
        assert choice.chosen[family] == max(slow, key=slow.get)
    titled = candidates.titled(votes, FAMILIES)
    assert "video ResNet50 with attention" in set(titled["model"])
    assert set(titled.loc[titled["family"] == "still", "network"]) == {"ResNet50", "InceptionV3"}
    assert {label.get_text() for label in choice.plot().get_yticklabels()} >= {"video · ResNet50 with attention"}
    assert set(choice.optimism()["best_on_test"]) <= set(titled["network"])
    assert "each class" not in choice.methods and not choice.several


def test_every_network_that_a_study_can_ask_for_has_a_title() -> None:
    outlining = get_args(get_args(sections.Segmentation.model_fields["networks"].annotation)[1])
    assert {*get_args(sections.Architecture), *outlining} <= set(candidates.TITLES)


def _auc(part: pd.DataFrame) -> float:
    return roc_auc_score(part["label"], part["risk"])


def test_choice_is_handed_on_with_the_settings_of_the_run(tmp_path) -> None:
    run = tmp_path / "train" / "clip-resnet50-s0"
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"parameters": {"study": "x", "size": 80, "crop_size": 88, "input": "clip"}}')
    (tmp_path / "networks").mkdir()
    chosen = {"video": ("clip", "resnet50")}
    write_chosen(tmp_path / "networks" / "chosen.json", chosen, [0], settings_of(tmp_path, "clip-resnet50-s0"))
    back = read_chosen(tmp_path)
    assert back.networks == chosen and back.settings.size == 80 and back.run("video") == "clip-resnet50-s0"


def test_twins_are_paired_by_network_and_adjusted(runs: pd.DataFrame) -> None:
    votes = candidates.titled(voting.by_patient(runs), FAMILIES)
    field = comparing.field(votes, votes.iloc[:0], families=FAMILIES, baseline="clinical")
    assert set(field.twins) == {"ResNet50", "InceptionV3"}, "a network with attention has no twin"
    part = models.panel(field.table, split="test")
    found = comparing.twins(part, field)
    row = found.frame().set_index("network").loc["ResNet50"]
    slow = [roc_auc_score(part.label, part.risks[f"{family} ResNet50"]) for family in ("video", "still")]
    assert row["auc_first"] == pytest.approx(slow[0]) and row["difference"] == pytest.approx(slow[0] - slow[1])
    assert (found.frame()["p_holm"] >= found.frame()["p_value"]).all()
    printed = comparing.printed_twins(found)
    assert list(printed.columns)[1:3] == ["AUC, video", "AUC, still"]
    assert "the AUC on video beside that on still is higher in 2, equal in 0, lower in 0" in sentences_networks.twins(
        found
    )
    assert len(comparing.attention(part, field)) == 1
    assert comparing.twins(part, comparing.Field(field.table, {"video": []}, {})) is None
    with pytest.raises(ValueError, match="no network"):
        twins.compare(part.label, {"a": part.label}, {"b": part.label}, names=("x", "y"))


def test_matrix_of_pairs_is_antisymmetric_and_drawn(runs: pd.DataFrame) -> None:
    votes = candidates.titled(voting.by_patient(runs), FAMILIES)
    part = models.panel(votes, split="test")
    pairs = models.comparisons(part)
    names = list(part.risks)
    square = pair_matrix.matrix(pairs, names)
    assert np.allclose(np.nan_to_num(square + square.T), 0)
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            if i != j:
                apart = roc_auc_score(part.label, part.risks[a]) - roc_auc_score(part.label, part.risks[b])
                assert square[i, j] == pytest.approx(apart)
    aucs = pd.Series({name: roc_auc_score(part.label, risk) for name, risk in part.risks.items()})
    figure = pair_matrix.plot(pairs, aucs)
    assert len(figure.axes[0].texts) == len(names) * (len(names) - 1) // 2


def test_no_legend_stands_on_a_curve() -> None:
    cases = np.array([f"C{i}" for i in range(30)], object)
    label = np.arange(30) % 2
    part = models.Panel("test", label, cases, cases, {"video": 1 - label / 2, "still": label / 2})
    frozen = models.freeze(None, rule="declared", value=0.4, models=["video", "still"])
    twins_of_one = family_plots.twin_squares(part, {"ResNet50": {"video": "video", "still": "still"}})
    families = family_plots.by_family(part, {"both": ["video", "still"]}, frozen)
    for figure in (twins_of_one, families):
        figure.canvas.draw()
        for ax in figure.axes:
            assert ax.get_legend().get_window_extent().y1 < ax.get_window_extent().y0


def test_a_difference_that_is_rounded_to_zero_has_no_sign() -> None:
    pairs = pd.DataFrame({"a": ["x", "x", "y"], "b": ["y", "z", "z"], "difference": [0.001, 0.3, 0.299], "p_holm": 0.5})
    figure = pair_matrix.plot(pairs, pd.Series({"x": 0.8, "y": 0.799, "z": 0.5}))
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.00", "−0.30", "−0.30"]


def test_weighted_auc_is_the_auc_of_copied_cases() -> None:
    rng = np.random.default_rng(1)
    label, risk, weight = rng.integers(0, 2, 50), rng.integers(0, 9, 50) / 9, rng.integers(1, 5, 50)
    copied = roc_auc_score(np.repeat(label, weight), np.repeat(risk, weight))
    assert casemix.weighted_auc(label, risk, weight.astype(float)) == pytest.approx(copied)


def test_membership_is_a_ridge_logistic_regression() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 3))
    outside = rng.random(80) < 1 / (1 + np.exp(-x[:, 0]))
    peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(x, outside)
    odds = casemix.membership_odds(x, outside, ridge=1.0)
    assert np.allclose(np.log(odds), peer.decision_function(x), atol=1e-4)


def test_a_drop_made_by_the_mix_alone_is_found_to_be_one() -> None:
    """Easy cases (a far sign) are common inside and rare outside; the model itself is the same."""
    rng = np.random.default_rng(4)

    def side(n: int, easy: float, split: str) -> tuple[models.Panel, pd.DataFrame]:
        label, sign = rng.integers(0, 2, n), rng.random(n) < easy
        risk = 1 / (1 + np.exp(-(np.where(sign, 4.0, 0.5) * (label - 0.5) + rng.normal(size=n))))
        ids = np.array([f"{split}{i}" for i in range(n)], dtype=object)
        return models.Panel(split, label, ids, ids, {"m": risk}), pd.DataFrame({"easy": np.where(sign, "yes", "no")})

    inside, first = side(3000, 0.9, "test")
    outside, second = side(3000, 0.2, "external")
    made = casemix.compare(inside, outside, {"inside": first, "outside": second}, ["easy"], resamples=60)
    row = made.frame().iloc[0]
    assert row["difference_high"] < -0.1, "worse outside"
    assert row["auc_weighted"] == pytest.approx(row["auc_external"], abs=0.03), "the mix explains it"
    assert row["auc_weighted_low"] < row["auc_weighted"] < row["auc_weighted_high"]
    assert made.membership > 0.8 and made.effective < 1500
    same = casemix.compare(inside, outside, {"inside": first, "outside": first}, ["easy"], resamples=60).frame().iloc[0]
    assert same["auc_weighted"] == pytest.approx(same["auc_internal"], abs=0.01), "equal signs explain nothing"


def test_an_auc_has_the_same_interval_inside_and_outside_as_in_every_chapter():
    label, ids = np.arange(40) % 2, np.array([f"P{i}" for i in range(40)], dtype=object)
    risk = np.random.default_rng(0).normal(2.2 * label, 1)  # near 1, where the plain interval would pass it
    inside, outside = (
        models.Panel(split, label, np.char.add(split, ids.astype(str)).astype(object), ids, {"m": risk * sign})
        for split, sign in (("test", 1), ("external", 0.5))
    )
    signs = pd.DataFrame({"easy": np.arange(40) % 3})
    row = casemix.compare(inside, outside, {"inside": signs, "outside": signs}, ["easy"], resamples=2).table.iloc[0]
    want = auc(label, risk, interval="auto")
    assert "logit" in want.method
    for where in ("internal", "external"):
        assert [row[f"auc_{where}{end}"] for end in ("", "_low", "_high")] == [want.value, want.low, want.high]


def test_counts_at_a_threshold_are_drawn(runs: pd.DataFrame) -> None:
    votes = candidates.titled(voting.by_patient(runs), FAMILIES)
    parts = models.panels(votes, splits=["test", "external"])
    figure = family_plots.confusion(parts, "video ResNet50", 0.5, positive="malignant", negative="benign")
    texts = [int(text.get_text().split("\n")[0]) for text in figure.axes[0].texts]
    called = parts[0].risks["video ResNet50"] >= 0.5
    assert texts[0] == int((called & (parts[0].label == 1)).sum()) and sum(texts) == parts[0].n

"""The clinical baseline of several classes: against scikit-learn, against formulas, and as a page of a study."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from chapters import run
from helpers.book import graph, sentences_baseline
from helpers.book.findings import SENTENCES
from helpers.data.study import read as read_study
from helpers.learn import clinical
from helpers.learn.folds import grouped_folds
from helpers.learn.penalised import PENALTIES, Covariate, design, encode, learn_terms
from helpers.learn.penalised_classes import newton_classes
from helpers.learn.scores import log_loss, rank_auc
from helpers.stats import class_calls, predictions

CLASSES = ("benign", "low", "high")
SIGNS = [
    {"name": "size", "type": "continuous"},
    {"name": "margin", "type": "categorical", "levels": ["smooth", "blurred", "irregular"]},
]
STUDY = """
name: graded
title: Three classes from a table
question: Which class?
source: {kind: own}
outcome:
  name: class
  positive: high
  negative: not high
  classes: [benign, low, high]
  reference_standard: histology
covariates:
  - {name: size, label: Size, type: continuous, unit: mm, predictor: true}
  - {name: margin, label: Margin, levels: [smooth, blurred, irregular], predictor: true}
voting: mean
chapters: [baseline, classes]
profiles: {quick: {resamples: 50, refits: 20}}
"""


def table(n: int = 210, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.choice(3, n, p=[0.5, 0.2, 0.3])
    size = 10 + 3 * label + rng.normal(0, 4, n)
    size[::17] = np.nan
    margin = np.array(["smooth", "blurred", "irregular"])[np.minimum(2, rng.poisson(0.3 + 0.5 * label))]
    patient = [f"P{i:03}" for i in range(n)]
    return pd.DataFrame({"patient_id": patient, "label": label, "size": size, "margin": margin})


@pytest.mark.parametrize("penalty", [0.01, 1.0, 30.0])
def test_newton_is_scikit_learn(penalty):
    from sklearn.linear_model import LogisticRegression

    frame, declared = table(), [Covariate.of(one) for one in SIGNS]
    encoded, label = encode(frame, declared), frame["label"].to_numpy()
    matrix = design(encoded, learn_terms(encoded, declared))
    inside = np.ones((2, len(frame)), dtype=bool)
    inside[1, :70] = False
    found = newton_classes(np.stack([matrix, matrix]), label, inside, penalty, classes=3)
    for rows, mine in zip(inside, found):
        peer = LogisticRegression(C=penalty, solver="lbfgs", tol=1e-12, max_iter=20_000)
        peer.fit(matrix[rows, 1:], label[rows])
        assert mine[:, 1:] == pytest.approx(peer.coef_, abs=2e-5)
        centred = peer.intercept_ - peer.intercept_.mean()
        assert mine[:, 0] == pytest.approx(centred, abs=2e-5)


def test_the_penalty_is_the_one_of_a_slow_search():
    frame, declared = table(), tuple(Covariate.of(one) for one in SIGNS)
    model = clinical.fit_clinical(frame, covariates=SIGNS, train=np.arange(150), seed=4, folds=3, classes=CLASSES)
    train = frame.iloc[:150]
    fold = grouped_folds(train["label"], train["patient_id"], folds=3, seed=4)
    losses = []
    for penalty in PENALTIES:
        risk = np.empty((150, 3))
        for k in range(3):
            encoded = encode(train[fold != k], declared)
            terms = learn_terms(encoded, declared)
            rows, label = design(encoded, terms), train["label"].to_numpy()[fold != k]
            coefficient = newton_classes(rows[None], label, np.ones((1, len(rows)), bool), penalty, classes=3)[0]
            score = np.exp(design(encode(train[fold == k], declared), terms) @ coefficient.T)
            risk[fold == k] = score / score.sum(axis=1, keepdims=True)
        losses.append(log_loss(train["label"].to_numpy(), risk))
    assert [loss for _, loss in model.fit.path] == pytest.approx(losses, abs=1e-6)
    assert model.fit.penalty == PENALTIES[int(np.argmin(losses))]
    risk = model.risk(frame)
    assert risk.shape == (210, 3) and risk.sum(axis=1) == pytest.approx(np.ones(210))
    assert rank_auc(frame["label"].to_numpy()[150:], risk[150:]) > 0.65


def test_labels_of_other_rows_are_never_read(tmp_path):
    frame, other = table(), table()
    other.loc[150:, "label"] = np.roll(other.loc[150:, "label"], 1)
    fits = [
        clinical.fit_clinical(one, covariates=SIGNS, train=np.arange(150), seed=0, classes=CLASSES)
        for one in (frame, other)
    ]
    assert (fits[0].fit.coefficient == fits[1].fit.coefficient).all()
    fits[0].write(tmp_path / "model.json")
    again = clinical.ClinicalModel.read(tmp_path / "model.json")
    assert again.classes == CLASSES and (again.risk(frame) == fits[0].risk(frame)).all()


def test_coefficients_are_log_odds_against_the_first_class():
    frame = table()
    model = clinical.fit_clinical(frame, covariates=SIGNS, train=np.arange(210), seed=0, classes=CLASSES)
    rows = model.coefficients().set_index(["class", "term"])
    assert set(rows.index.get_level_values(0)) == {"low", "high"}
    two = pd.DataFrame({"size": [10.0, 11.0], "margin": ["smooth", "smooth"]})
    log_odds = np.log(model.risk(two)[:, 2] / model.risk(two)[:, 0])
    assert np.diff(log_odds)[0] == pytest.approx(rows.loc[("high", "size"), "log_odds_per_unit"])


def test_out_of_fold_risks_and_refits_of_classes():
    frame = table()
    out = clinical.oof_risk(frame, covariates=SIGNS, seed=1, repeats=2, folds=3, inner_folds=3, classes=CLASSES)
    risks = out[[f"risk_{name}" for name in CLASSES]].to_numpy()
    assert len(out) == 420 and risks.sum(axis=1) == pytest.approx(np.ones(420))
    options = {"covariates": SIGNS, "resamples": 5, "seed": 3, "folds": 3, "classes": CLASSES}
    made = clinical.refits(frame, positive=2, **options)
    whole = clinical.fit_clinical(frame, covariates=SIGNS, train=np.arange(210), seed=3, folds=3, classes=CLASSES)
    assert made.reference == pytest.approx(whole.risk(frame)[:, 2])
    assert (made.label == (frame["label"] == 2)).all() and made.risks.shape == (5, 210)
    apparent = made.table.set_index("measure")["apparent"]
    assert apparent["auc"] == pytest.approx(rank_auc(frame["label"] == 2, made.reference))
    best = clinical.best_single_covariate(
        frame, covariates=SIGNS, train=np.arange(210), seed=0, folds=3, classes=CLASSES
    )
    assert best.name == "size" and best.frame()["cv_auc"].between(0.3, 1).all()


def test_a_refit_that_separates_has_no_slope():
    from helpers.learn.validation import performance

    area, slope, _ = performance(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.8]))
    assert area == 1 and np.isnan(slope)


def test_bad_labels_and_classes_are_named():
    frame = table()
    with pytest.raises(ValueError, match="label must be 0 to 2"):
        clinical.fit_clinical(
            frame.assign(label=frame["label"] + 1), covariates=SIGNS, train=np.arange(150), seed=0, classes=CLASSES
        )
    with pytest.raises(ValueError, match="name at least three"):
        clinical.fit_clinical(frame, covariates=SIGNS, train=np.arange(150), seed=0, classes=("a", "b"))


def test_a_model_that_answers_by_patient_only_stands_beside_the_others():
    truth = np.array([0, 1, 2, 2])
    one = {name: class_calls.Calls(CLASSES, truth, truth, np.arange(4), name) for name in ("net", "clinical")}
    units = {"by image": {"net": one["net"]}, "by patient": one}
    figure = class_calls.plot(units)
    said = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert "clinical gives no answer by image" in said
    plt.close(figure)
    assert "clinical" not in class_calls.spread(["net", "clinical"], units)
    assert set(class_calls.accuracies(units)["model"]) == {"net", "clinical"}


@pytest.mark.build
def test_the_page_of_a_study_with_classes(tmp_path: Path):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    frame = pd.concat([table(180, seed=2)] * 2, ignore_index=True)  # two images a patient
    frame["case_id"] = [f"{name}-{k // 180}" for k, name in enumerate(frame["patient_id"])]
    frame["center"] = "A"
    frame["split"] = np.select([frame.index % 180 < 90, frame.index % 180 < 120], ["train", "tune"], "test")
    frame["label"] = [CLASSES[code] for code in frame["label"]]
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    node = graph.studies([str(tmp_path)], "quick")["graded"]
    assert node.parameters("baseline")["resamples"] == 20
    results = tmp_path / "results"
    run(node, results, "baseline")
    made = predictions.read(results / "baseline" / "predictions.csv")
    assert predictions.classes(made) == list(CLASSES) and len(made) == 180
    assert (made["case_id"] == made["patient_id"]).all()
    bars = pd.read_csv(results / "baseline" / "figures" / "fig-coefficients.csv")
    assert set(bars["class"]) == {"low", "high"}
    said = SENTENCES["fig-coefficients"](bars)
    assert said.startswith("Of 6 penalised odds ratios") and "against the first class is furthest from one" in said
    assert set(bars["contrast"].iloc[2:]) == {"blurred against smooth", "irregular against smooth"}
    predictions.write(made, results / "predictions.csv")
    run(node, results, "classes")
    area = pd.read_csv(results / "classes" / "tables" / "tab-class-auc.csv")
    assert area["model"].tolist() == ["clinical"]
    internal = pd.DataFrame({"measure": ["auc"], "corrected": [0.7], "apparent": [0.8]})
    none = sentences_baseline.repeats(predictions.read(results / "predictions.csv").iloc[:0])
    said = sentences_baseline.answer(internal, none, read_study(tmp_path))
    assert (
        said
        == "Corrected for optimism its AUC of high against the others among the training patients is 0.70 (apparent 0.80)."
    )

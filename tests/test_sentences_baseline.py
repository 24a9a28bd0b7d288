"""What the chapter of the clinical model says: the exact sentences, for every kind of study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.book import sentences_baseline as say
from helpers.book.findings import of
from helpers.data.study import from_text
from helpers.learn.clinical import SingleCovariate
from helpers.learn.validation import performance

STUDY = """
name: demo
title: Demo
question: Who?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
covariates:
  - {name: ete, label: Extension, levels: ["no", "yes"], predictor: true}
  - {name: age, label: Age, type: continuous, unit: years, predictor: true}
clinical: {name: clinical}
chapters: [cohort, baseline]
"""
NETWORKS = """
inputs: {bmode: {label: B-mode, kind: bmode, crop: {side_mm: 28}}}
models: {image: {input: bmode, architectures: [resnet18]}}
"""
FOLDS = "validation: {kind: cross-validation, folds: 4}\nthreshold: {rule: declared, value: 0.2}\n"
INTERNAL = pd.DataFrame({"measure": ["auc", "calibration_slope"], "apparent": [0.77, 3.4], "corrected": [0.69, 2.95]})


def chosen(*, gain_low: float, auc: float = 0.62) -> SingleCovariate:
    rows = [("ete", 0.541, auc, 0.02, gain_low), ("no sign", 0.561, 0.5, np.nan, np.nan)]
    rows.append(("age", 0.57, 0.6, -0.009, -0.02))
    return SingleCovariate(
        "ete", pd.DataFrame(rows, columns=["covariate", "cv_log_loss", "cv_auc", "gain", "gain_low"])
    )


def test_the_best_sign_has_its_label_its_measure_and_no_sign_beside_it() -> None:
    study = from_text(STUDY)
    numbers = "Extension (log-loss 0.541 against 0.561 without any sign, AUC 0.62)"
    assert say.single(chosen(gain_low=0.01), study) == f"The best single sign by log-loss is {numbers}."
    none = f"No single sign is shown to tell more than none; the lowest log-loss is that of {numbers}."
    assert say.single(chosen(gain_low=-0.01), study) == none
    other = say.single(chosen(gain_low=0.01, auc=0.55), study)
    assert other.endswith("AUC 0.55); the highest AUC is that of Age (0.60).")


def test_networks_are_named_where_there_are_some() -> None:
    assert "networks" in say.role(from_text(STUDY + NETWORKS))
    assert say.role(from_text(STUDY)) == "The study has no network: the chapters that follow judge this model."
    assert say.role(from_text(STUDY + FOLDS)).endswith("judge this way to a model, by cross-validation.")


def test_bootstrap_and_cross_validation_stand_beside_each_other() -> None:
    rng = np.random.default_rng(0)
    label = np.tile([0, 0, 1], 20)
    parts = [
        pd.DataFrame({"split": "oof", "seed": seed, "label": label, "risk": rng.uniform(0.05, 0.6, 60)})
        for seed in range(3)
    ]
    frame = pd.concat([*parts, pd.DataFrame({"split": "external", "seed": 0, "label": label, "risk": 0.99})])
    judged, study = (
        say.repeats(frame),
        from_text(STUDY + FOLDS),
    )
    areas, slopes = zip(*[performance(label, part["risk"].to_numpy())[:2] for part in parts])
    assert judged["auc"].tolist() == pytest.approx(areas) and judged["slope"].tolist() == pytest.approx(slopes)
    over = f"{np.mean(areas):.2f} on average over 3 repeats ({min(areas):.2f} to {max(areas):.2f})"
    assert say.answer(INTERNAL, judged, study) == (
        "Corrected for optimism its AUC among the training patients is 0.69 (apparent 0.77); in the cross-validation "
        f"that later chapters judge it is {over}."
    )
    text = say.reconciled(INTERNAL, judged, study, low=0.16, high=0.35)
    assert "do not judge the model above, whose risks go from 0.16 to 0.35, but 3 repeats of a 4-fold cross" in text
    assert f"({judged['low'].min():.2f} to {judged['high'].max():.2f})" in text and judged["high"].max() < 0.61
    assert f"Its AUC is {over}, its calibration slope {np.mean(slopes):.2f} on average" in text
    assert "for the model above the bootstrap gives 0.69 and 2.95." in text


def test_a_study_with_test_patients_has_nothing_to_reconcile() -> None:
    judged, study = say.repeats(pd.DataFrame({"split": ["test"], "seed": 0, "label": 1, "risk": 0.4})), from_text(STUDY)
    assert judged.empty and say.reconciled(INTERNAL, judged, study, low=0.1, high=0.2) == ""
    assert say.answer(INTERNAL, judged, study).endswith("is 0.69 (apparent 0.77).")


def test_a_repeat_without_a_slope_is_left_out_and_counted() -> None:
    judged = pd.DataFrame({"auc": [0.5, 0.7], "slope": [np.nan, 1.5], "low": 0.1, "high": 0.3})
    text = say.reconciled(INTERNAL, judged, from_text(STUDY), low=0.16, high=0.35)
    assert "slope 1.50 on average over 1 of 2 repeats (1.50 to 1.50)" in text
    text = say.reconciled(INTERNAL, judged.assign(slope=np.nan), from_text(STUDY), low=0.16, high=0.35)
    assert "its calibration slope not defined in any repeat" in text


def test_rows_are_not_called_patients_where_a_patient_has_several() -> None:
    row = {"runs": 150, "n": 599, "patients": 469, "mape": 0.04, "mape_max": 0.2, "flips": 0.05, "unsure": 92 / 469}
    said = say.refits(pd.DataFrame([row | {"auc_q025": 0.83, "auc_q975": 0.85}]), threshold=0.4)
    assert said.endswith("92 of 469 patients (20%) have a case that changes side in more than a tenth of the refits.")
    said = say.refits(pd.DataFrame([row | {"n": 469, "auc_q025": 0.83, "auc_q975": 0.85}]), threshold=0.4)
    assert said.endswith("92 of 469 patients (20%) change side in more than a tenth of the refits.")
    cases = pd.DataFrame({"patient": [0, 0, 1, 2], "mape": 0.04, "changed": [0.2, 0.3, 0.05, 0.0]})
    assert of("fig-instability", cases).endswith(
        "for 2 of 4 cases (1 of 3 patients) more than a tenth of the refits decide otherwise."
    )
    assert "for 1 of 3 patients more than" in of("fig-instability", cases.iloc[1:])


def test_the_strongest_contrast_is_named_with_its_reference() -> None:
    bars = pd.DataFrame({"term": ["Age", "Stage: T4"], "contrast": ["per SD (9 years)", "T4 against T1"]})
    bars = bars.assign(log_odds=[0.1, -0.2], odds_ratio=np.exp([0.1, -0.2]))
    assert of("fig-coefficients", bars) == (
        "Of 2 penalised odds ratios, that of “Stage: T4” is furthest from one: 0.82, T4 against T1; a penalised "
        "coefficient has no interval."
    )

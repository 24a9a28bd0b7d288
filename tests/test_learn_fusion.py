"""Fusion: features in one space, heads chosen on tune, and no leak through the whole path."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers.learn import fusion, networks, training
from helpers.learn.alignment import principal_components, procrustes
from helpers.learn.heads import fit_head
from helpers.learn.settings import Settings

SETTINGS = Settings(size=12, crop_size=14, epochs=6, batch_size=16, threads=1, device="cpu", learning_rate=1e-2)
TRAIN, TUNE, TEST = np.arange(90), np.arange(90, 130), np.arange(130, 330)


def small(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(5), nn.Flatten(), nn.Linear(32, 1))  # fmt: skip
    return networks.wrap(module, channels=1)


def cohort(seed, signal):
    """Two inputs of a case, each with its own half of the sign; 330 cases."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 330)
    inputs = {}
    for name in ("bmode", "ceus"):
        images = rng.normal(100, 25, (330, 1, 14, 14))
        images[:, 0, 4:10, 4:10] += (rng.normal(0, 1, 330) + signal * label)[:, None, None] * 12
        inputs[name] = np.clip(images, 0, 255).astype(np.uint8)
    return inputs, label


def path(inputs, label, folder, heads=("logistic",)):
    known = label.astype(float)
    known[TEST] = np.nan
    parts = {}
    for name, images in inputs.items():
        options = {"train": TRAIN, "tune": TUNE, "settings": SETTINGS, "progress": False}
        final = training.fit(small(0), images, known, folder=folder / name / "final", **options).network
        parts[name] = fusion.out_of_fold_features(
            lambda fold: small(10 + fold), images, known, patient_id=None, folder=folder / name, final=final, folds=3, components=6, **options
        )  # fmt: skip
    return parts, fusion.fuse(parts, known, train=TRAIN, tune=TUNE, heads=heads, seed=0)


def test_signal_is_kept_and_all_heads_are_compared(tmp_path):
    from sklearn.metrics import roc_auc_score

    inputs, label = cohort(1, signal=1.6)
    parts, fused = path(inputs, label, tmp_path, heads=fusion.HEADS)
    assert roc_auc_score(label[TEST], fused.risk[TEST]) > 0.85
    assert (
        fused.frame()["chosen"].sum() == 1
        and fused.scores.loc[fused.scores["chosen"], "tune_auc"].item() == fused.scores["tune_auc"].max()
    )
    assert set(fused.risks) == set(fusion.HEADS) and np.array_equal(fused.risk, fused.risks[fused.chosen])
    assert all(((risk >= 0) & (risk <= 1)).all() and risk.shape == (330,) for risk in fused.risks.values())
    part = parts["bmode"]
    assert (
        part.values.shape == (330, 6) and part.frame()["held_out"].sum() == 90 and (part.table["left_over"] < 0.9).all()
    )
    assert part.record["components"] == 6 and 0 < part.record["explained"] <= 1
    again, fused_again = path(inputs, label, tmp_path, heads=fusion.HEADS)  # from the folders
    assert np.array_equal(again["ceus"].values, parts["ceus"].values) and np.array_equal(fused.risk, fused_again.risk)


def test_without_a_signal_the_whole_path_finds_none(tmp_path):
    """Labels are noise: the test AUC must scatter around one half, and so must that of the out-of-fold features.

    With the final network's own features of training cases instead, the head would look far better on train.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    outside, honest = [], []
    for seed in range(4):
        inputs, label = cohort(seed, signal=0.0)
        parts, fused = path(inputs, label, tmp_path / str(seed))
        outside.append(roc_auc_score(label[TEST], fused.risk[TEST]))
        values = np.hstack([part.values[TRAIN] for part in parts.values()])
        risk = cross_val_predict(LogisticRegression(C=0.1), values, label[TRAIN], cv=5, method="predict_proba")[:, 1]
        honest.append(roc_auc_score(label[TRAIN], risk))
    # standard error of a mean of four: 0.041 / 2 on test, 0.06 / 2 on train
    assert abs(np.mean(outside) - 0.5) < 0.08 and abs(np.mean(honest) - 0.5) < 0.12


def test_the_test_labels_are_not_read_by_a_head():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 330).astype(float)
    part = fusion.FoldFeatures(rng.normal(size=(330, 4)) + label[:, None], TRAIN, pd.DataFrame(), {})
    hidden = label.copy()
    hidden[TEST] = np.nan
    results = [fusion.fuse({"a": part}, one, train=TRAIN, tune=TUNE, seed=1) for one in (label, hidden)]
    assert np.array_equal(results[0].risk, results[1].risk)


def test_procrustes_undoes_any_turn():
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(40, 5)) * [3, 2, 1, 1, 0.5]
    turned, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    moved = (cloud - 2) @ turned / 7
    turn = procrustes(moved, cloud)
    assert turn(moved) == pytest.approx(cloud) and turn.left_over < 1e-12
    from scipy.linalg import orthogonal_procrustes

    noisy = cloud + rng.normal(size=cloud.shape)
    rotation, _ = orthogonal_procrustes(moved - moved.mean(0), noisy - noisy.mean(0))
    assert procrustes(moved, noisy).rotation == pytest.approx(rotation)
    with pytest.raises(ValueError, match="must be the same cases"):
        procrustes(moved, cloud[:-1])


def test_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    values = np.random.default_rng(0).normal(size=(30, 8)) * np.arange(1, 9)
    ours, peer = principal_components(values, components=3), PCA(3).fit(values)
    assert np.abs(ours(values)) == pytest.approx(np.abs(peer.transform(values)))
    assert ours.explained == pytest.approx(peer.explained_variance_ratio_.sum())
    assert len(principal_components(values[:5], components=20).axes) == 4


def test_heads_keep_patients_together():
    rng = np.random.default_rng(0)
    values, label = rng.normal(size=(60, 3)), np.arange(60) % 2
    patient = np.repeat(np.arange(30), 2)
    model = fit_head("svm", values, label, patient_id=patient, seed=0)
    assert model.predict_proba(values).shape == (60, 2)
    with pytest.raises(ValueError, match="heads must be among mlp, logistic"):
        fit_head("xgboost", values, label, patient_id=None, seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": {}}, "parts must hold the features"),
        ({"train": TRAIN[:-1]}, "'a' was made with other cases or other training rows"),
        ({"tune": np.arange(80, 120)}, "train and tune share rows"),
        ({"label": np.full(330, np.nan)}, "label must be known"),
        ({"heads": ("deep",)}, "heads must be among"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    label = np.arange(330) % 2
    part = fusion.FoldFeatures(np.zeros((330, 2)), TRAIN, pd.DataFrame(), {})
    given = {"parts": {"a": part}, "label": label, "train": TRAIN, "tune": TUNE} | options
    with pytest.raises(ValueError, match=message):
        fusion.fuse(**given)


def test_a_patient_in_train_and_tune_is_refused(tmp_path):
    inputs, label = cohort(0, signal=0.0)
    patient = np.arange(330)
    patient[100] = 3
    with pytest.raises(ValueError, match="a patient is in train and in tune"):
        fusion.out_of_fold_features(
            small, inputs["ceus"], label, train=TRAIN, tune=TUNE, patient_id=patient, settings=SETTINGS, folder=tmp_path, final=small(0)
        )  # fmt: skip

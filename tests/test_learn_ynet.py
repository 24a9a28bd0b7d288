"""Y-Net: its parts, the joint loss, masks that move with their images, folds by patient, resuming."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.data import outlines
from helpers.learn import ways, ynet, ynet_blocks, ynet_page, ynet_training
from helpers.learn.feed import Draws
from helpers.learn.runs import parse_run
from helpers.learn.settings import Runtime, Settings
from helpers.learn.ynet_training import MaskedFeed, cross_validate, with_masks

SMALL = Settings(size=32, crop_size=32, epochs=2, batch_size=8, patience=None, threads=1)


def discs(n: int = 24, side: int = 32, seed: int = 0):
    """Bright discs (label 1) and dark ones (label 0) on grey, with their masks; two cases a patient."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    label = np.arange(n) // 2 % 2
    masks = np.array([(y - a) ** 2 + (x - b) ** 2 < 36 for a, b in rng.uniform(8, side - 8, (n, 2))])
    images = rng.integers(90, 130, (n, 1, side, side))
    images[:, 0][masks] += np.repeat(np.where(label == 1, 100, -80), masks.sum(axis=(1, 2)))
    return images.astype(np.uint8), masks.astype(np.uint8), label, np.array([f"P{i // 2}" for i in range(n)])


def test_a_pyramid_reaches_as_far_as_its_kernels_say():
    block = ynet_blocks.SpatialPyramid(1, 8)
    given = torch.zeros(1, 1, 21, 21, requires_grad=True)
    block(given)[0, :, 10, 10].abs().sum().backward()
    with torch.no_grad():
        far = block.branches
        assert [branch.dilation[0] for branch in far] == [1, 2, 3, 4]
    block.reduce.weight.data.fill_(1.0)
    for branch in far:
        branch.weight.data.fill_(1.0)
    given.grad = None
    block(given)[0, -1, 10, 10].backward()
    rows = np.flatnonzero(given.grad[0, 0].abs().sum(dim=1).numpy())
    assert (rows.min(), rows.max()) == (6, 14)  # nine pixels, the largest kernel


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 5), (16, 16)])
def test_pooling_is_adaptive_pooling(height, width):
    given = torch.rand(2, 3, height, width)
    for bins in (3, 5):
        rows, columns = (ynet_blocks._bins(bins, length, given) for length in (height, width))
        ours = torch.einsum("nchw,ah,bw->ncab", given, rows, columns)
        torch.testing.assert_close(ours, torch.nn.functional.adaptive_avg_pool2d(given, bins))


@pytest.mark.parametrize("side", [32, 50, 96])
def test_both_heads_answer_at_any_side(side):
    answer = ynet.build_ynet("ynet", width_divisor=2).module.eval()(torch.rand(2, 1, side, side))
    assert answer.logits.shape == (2, 1)
    assert answer.outline.shape == (2, 1, side, side)


def test_the_classifier_has_no_decoder_and_the_same_encoder():
    both, alone = (ynet.build_ynet(name, width_divisor=2, seed=3).module for name in ("ynet", "ynet_classifier"))
    assert alone.decoder is None
    encoder = {name for name in both.state_dict() if not name.startswith("decoder.")}
    assert encoder == set(alone.state_dict())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"architecture": "unet"}, "architecture must be one of"),
        ({"width_divisor": 0}, "width_divisor"),
        ({"dropout": 1}, "dropout"),
    ],
)
def test_arguments_are_checked(options, said):
    with pytest.raises(ValueError, match=said):
        ynet.build_ynet(**{"architecture": "ynet", **options})


def test_a_mask_moves_with_its_image_and_keeps_its_values():
    images, masks, *_ = discs()
    stack = with_masks(np.where(masks[:, None] > 0, 200, 20).astype(np.uint8), masks)
    settings = Settings(size=24, crop_size=32, flip_vertical=True, threads=1)
    runtime = Runtime.of(settings, ndim=4)
    rows = np.arange(len(images))
    feed = MaskedFeed(stack, rows, settings=settings, runtime=runtime)
    batch = next(feed([Draws.random(rows, settings, np.random.default_rng(1))]))
    assert set(batch[:, 1].unique().tolist()) <= {0.0, 1.0}
    for image, mask in zip(batch[:, 0], batch[:, 1]):
        if 0 < mask.sum() < mask.numel():
            assert float(image[mask == 1].min()) > float(image[mask == 0].max())
    with pytest.raises(ValueError, match="masks must be"):
        with_masks(images, masks[:, :8])


def train(folder, architecture="ynet", settings=SMALL, label=None):
    images, masks, own, patients = discs()
    seen = np.where(np.arange(24) < 16, own, np.nan) if label is None else label
    how = {"patient_id": patients, "training": np.arange(16), "folds": 2, "settings": settings, "width_divisor": 2}
    return cross_validate(architecture, images, masks, seen, folder=folder, **how)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ynet")
    settings = Settings(size=32, crop_size=32, epochs=60, batch_size=4, patience=None, learning_rate=5e-3, threads=1)
    return folder, settings, train(folder, settings=settings)


def test_it_learns_to_outline_and_to_classify(trained):
    _, _, made = trained
    _, masks, label, _ = discs()
    assert made.rows.tolist() == list(range(16, 24))
    both = (made.outline & (masks[16:] > 0)).sum()
    assert 2 * both / (made.outline.sum() + masks[16:].sum()) > 0.8
    assert made.risk[16:][label[16:] == 1].mean() > made.risk[16:][label[16:] == 0].mean()
    assert made.heat.shape == (8, 64, 64)


def test_patients_are_in_one_fold_and_risks_are_out_of_fold(trained):
    _, _, made = trained
    *_, patients = discs()
    assert all(len(set(made.fold[:16][patients[:16] == name])) == 1 for name in set(patients[:16]))
    assert (made.fold[16:] == -1).all()
    assert np.isfinite(made.risk).all()


def test_who_chooses_and_who_is_judged_have_the_mean_of_all_networks(trained, tmp_path):
    """Tuning and test cases stay outside the folds: a threshold is applied on the scale on which it was chosen."""
    _, _, made = trained
    *_, label, patients = discs()
    split = np.repeat(["train", "tune", "test"], [16, 4, 4])
    cases = pd.DataFrame({"split": split, "case_id": [f"N{k}" for k in range(24)], "patient_id": patients})
    cases["center"], cases["label"] = "A", label
    known = np.isfinite(made.risks)
    assert (known.sum(axis=0) == np.where(split == "train", 1, 2)).all()
    assert (known[:, :16].argmax(axis=0) == made.fold[:16]).all()
    np.testing.assert_allclose(made.risk[16:], made.risks[:, 16:].mean(axis=0))
    table = ynet_page.predictions_of(made, cases, study="s", model="m", seed=0)
    assert table["split"].tolist() == ["oof"] * 16 + ["tune"] * 4 + ["test"] * 4
    ynet_page.write(made, cases, tmp_path)
    np.testing.assert_allclose(ways.fold_risks(tmp_path / ways.FOLDS, cases["case_id"].to_numpy()), made.risks)
    drawn = outlines.read(tmp_path / outlines.FILE)
    assert drawn.case_id.tolist() == cases["case_id"].tolist()[16:]
    assert drawn.control.shape == drawn.heat.shape and (drawn.control != drawn.heat).any()


def test_a_run_has_folds_of_training_cases_only(monkeypatch):
    given = {}
    cases = pd.DataFrame(
        {"split": ["train", "tune", "test", "train"], "label": [1, 0, 1, 0], "patient_id": list("abcd")}
    )
    monkeypatch.setattr(ynet_page, "load_arrays", lambda *_, **__: SimpleNamespace(images=None, masks=None))
    monkeypatch.setattr(ynet_page, "cross_validate", lambda *args, **more: given.update(more, label=args[3]))
    run = parse_run("bmode-ynet-s0")
    ynet_page.train("", None, cases, run, settings=SMALL, folds=2, width_divisor=2, place="")
    assert given["training"].tolist() == [0, 3]
    np.testing.assert_array_equal(given["label"], [1, np.nan, np.nan, 0])


@pytest.mark.parametrize("architecture", ynet.ARCHITECTURES)
def test_the_parts_of_a_network_add_up_to_it(architecture):
    if architecture == "monai_unet":
        pytest.importorskip("monai")
    network = ynet.build_ynet(architecture, width_divisor=2)
    parts = ynet_page.parts(network, side=32)
    *rows, last = parts["parameters"]
    assert last == sum(rows) == sum(value.numel() for value in network.module.parameters())
    assert parts["part"].is_unique


def test_a_finished_fold_is_taken_from_its_folder(trained):
    folder, settings, made = trained
    again = train(folder, settings=settings)
    assert all(one.record["state"] == "complete: taken from the folder" for one in again.results)
    np.testing.assert_array_equal(again.risk, made.risk)
    np.testing.assert_array_equal(again.outline, made.outline)


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    images, masks, label, _ = discs()
    stack, rows = with_masks(images, masks), np.arange(24)
    given = {"train": rows[:16], "tune": rows[16:], "settings": SMALL, "state_every": 0.0}
    whole = ynet_training.fit(ynet.build_ynet("ynet", width_divisor=2), stack, label, folder=tmp_path / "a", **given)
    one_epoch, done = ynet_training.OutlineRun.one_epoch, []

    def killed(run):
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return one_epoch(run)

    monkeypatch.setattr(ynet_training.OutlineRun, "one_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        ynet_training.fit(ynet.build_ynet("ynet", width_divisor=2), stack, label, folder=tmp_path / "b", **given)
    monkeypatch.undo()
    more = ynet_training.fit(ynet.build_ynet("ynet", width_divisor=2), stack, label, folder=tmp_path / "b", **given)
    assert more.record["state"] == "resumed after epoch 1"
    assert more.sha256 == whole.sha256
    assert "tune_dice" in more.history


def test_test_labels_are_never_read(tmp_path):
    _, _, own, _ = discs()
    label = np.where(np.arange(24) < 16, own, np.nan)
    made = train(tmp_path / "nan", "ynet_classifier", label=label)
    other = train(tmp_path / "other", "ynet_classifier", label=np.where(np.arange(24) < 16, own, 1 - own))
    np.testing.assert_array_equal(made.risk, other.risk)
    assert made.outline is None


def test_the_reference_network_outlines_only(tmp_path):
    pytest.importorskip("monai")
    answer = ynet.build_ynet("monai_unet", width_divisor=8).module(torch.rand(1, 1, 50, 36))
    assert answer.logits is None
    assert answer.outline.shape == (1, 1, 50, 36)


def test_frames_are_never_cut(tmp_path):
    images, *_ = discs()
    settings = Settings(size=24, crop_size=32)
    with pytest.raises(ValueError, match="outlined whole"):
        ynet_training.answer(ynet.build_ynet("ynet", width_divisor=2), images, np.arange(4), settings)


def test_report_and_model_are_fitted_on_training_rows_only():
    rng = np.random.default_rng(0)
    label, risk = rng.integers(0, 2, 200).astype(float), rng.uniform(0.05, 0.95, 200)
    call = pd.Series(np.where(rng.uniform(size=200) < 0.3 + 0.4 * label, "malignant", "benign"))
    fit = np.arange(200) < 120
    made, weights = ways.combine(risk[None], call, label, fit)
    spoiled, _ = ways.combine(risk[None], call, np.where(fit, label, np.nan), fit)
    np.testing.assert_array_equal(made, spoiled)
    assert weights.set_index("term").loc["report: affirmed", "log_odds"] > 0


def test_the_weights_of_a_combination_belong_to_one_network():
    """Fitted on out-of-fold risks, they are used on the risk of each network before the mean is taken."""
    rng = np.random.default_rng(1)
    label, risks = rng.integers(0, 2, 90).astype(float), rng.uniform(0.1, 0.9, (2, 90))
    risks[0, :30] = risks[1, 30:60] = np.nan
    call, fit = pd.Series(rng.choice(["malignant", "uncertain", "benign"], 90)), np.arange(90) < 60
    made, weights = ways.combine(risks, call, label, fit)
    alpha, beta, affirmed, doubtful = weights["log_odds"]
    for row in (5, 40, 70):
        said = {"malignant": affirmed, "uncertain": doubtful, "benign": 0.0}[call[row]]
        own = risks[:, row][np.isfinite(risks[:, row])]
        slow = np.mean([1 / (1 + np.exp(-(alpha + said + beta * np.log(p / (1 - p))))) for p in own])
        assert made[row] == pytest.approx(slow)
    with pytest.raises(ValueError, match="a row of fit needs the risk of one network"):
        ways.combine(risks, call, label, np.ones(90, bool))

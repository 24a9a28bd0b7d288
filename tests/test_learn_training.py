"""Training: what it may read, that it learns, that a killed run ends with the same bytes, and what it refuses."""

import copy
import json
import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers.learn import evaluation, inference, loop, networks, progress, recompute, state, training
from helpers.learn.feed import Draws, Feed, network_view
from helpers.learn.inflate import inflate
from helpers.learn.settings import Runtime, Settings, steady

QUICK = {"size": 16, "crop_size": 20, "epochs": 4, "batch_size": 8, "threads": 1, "device": "cpu"}


def small(channels=1, outputs=1, seed=0, dropout=0.0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2),
            nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout),
            nn.Linear(8, outputs),
        )  # fmt: skip
    return networks.wrap(module, channels=channels, outputs=outputs)


def small_with_dropout():
    return small(dropout=0.2)


def narrow_resnet():
    return networks.build("resnet18", channels=1, width_divisor=8, dropout=0.1)


def cohort(n=60, channels=1, side=20, classes=2, seed=0):
    """Noise with a bright patch whose contrast follows the label."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % classes
    images = rng.integers(60, 120, (n, channels, side, side))
    images[:, :, side // 4 : -side // 4, side // 4 : -side // 4] += (60 * label)[:, None, None, None]
    return images.astype(np.uint8), label.astype(float), np.arange(0, n // 2), np.arange(n // 2, 3 * n // 4)


def run(folder, *, images=None, label=None, network=None, **options):
    own, truth, train, tune = cohort()
    fit = {name: options.pop(name) for name in list(options) if name not in Settings.__dataclass_fields__}
    given = {"train": train, "tune": tune, "progress": False} | fit
    return training.fit(
        network or small(dropout=0.2),
        own if images is None else images,
        truth if label is None else label,
        settings=Settings(**(QUICK | options)),
        folder=folder,
        **given,
    )


def test_it_learns_and_leaves_a_record(tmp_path):
    images, label, train, tune = cohort(n=80)
    network, lines = small(), []
    before = network.module[0].weight.clone()
    done = run(
        tmp_path, network=network, images=images, label=label, train=train, tune=tune, epochs=10, report=lines.append
    )
    test = np.arange(60, 80)
    risk = training.predict(done.network, images, rows=test, settings=Settings(**QUICK))
    assert risk[label[test] == 1].min() > risk[label[test] == 0].max()
    assert list(done.frame()) == ["epoch", "train_loss", "tune_loss", "tune_auc", "learning_rate", "seconds", "images_per_second"]  # fmt: skip
    assert done.history["tune_loss"].idxmin() + 1 == done.best_epoch
    assert len(lines) == len(done.history) and lines[0].startswith("epoch  1/10  train loss")
    assert torch.equal(before, network.module[0].weight)
    assert done.record["images"] == "resident on the device" and done.record["precision"] == "fp32"
    assert done.record["class_count"] == [20, 20] and done.record["peak_memory_mb"] > 0
    assert not list(tmp_path.glob("state*")) and not list(tmp_path.glob("*.part"))
    assert done.plot().get_xlabel() == "Epoch"


def test_labels_and_images_of_other_rows_are_never_read(tmp_path):
    images, label, _, _ = cohort()
    first = run(tmp_path / "a", images=images, label=label)
    hidden, other = label.copy(), images.copy()
    hidden[45:] = np.nan
    other[45:] = 255 - other[45:]
    second = run(tmp_path / "b", images=other, label=hidden)
    assert first.sha256 == second.sha256

    class Guarded(np.ndarray):
        def __getitem__(self, rows):
            if isinstance(rows, np.ndarray):
                assert rows.max() < 45
            return super().__getitem__(rows)

    assert run(tmp_path / "c", images=images.view(Guarded)).sha256 == first.sha256


@pytest.mark.parametrize("make", [small_with_dropout, narrow_resnet])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_killed_run_ends_with_the_same_bytes(tmp_path, make, epoch):
    options = {"size": 32, "crop_size": 36, "epochs": 5, "mixup": 0.2, "network": make()}
    whole = run(tmp_path / "whole", **options)

    class Killed(Exception):
        pass

    def kill(line):
        if line.startswith(f"epoch {epoch + 1}/"):
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "cut", **options, report=kill, state_every=0)
    note = json.loads((tmp_path / "cut" / "state.json").read_text())
    assert note["epoch"] == epoch and len(note["history"]) == epoch
    assert not (tmp_path / "cut" / "checkpoint.safetensors").exists()
    torch.manual_seed(999)  # whatever else happens in the process in between
    torch.rand(7)
    again = run(tmp_path / "cut", **options, state_every=0)
    assert again.record["state"] == f"resumed after epoch {epoch}"
    assert again.sha256 == whole.sha256
    columns = ["train_loss", "tune_loss", "tune_auc", "learning_rate"]
    assert list(again.history) == list(whole.history)
    assert again.history[columns].equals(whole.history[columns])


def test_a_run_killed_by_the_system_goes_on_to_the_same_bytes(tmp_path):
    """A real SIGKILL of another process, in the middle of an epoch's bookkeeping."""

    def kill(line):
        if line.startswith("epoch 3"):
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            run(tmp_path / "cut", report=kill, state_every=0)
        finally:
            os._exit(1)  # not reached: the kill comes first
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    again = run(tmp_path / "cut", state_every=0)
    assert again.record["state"] == "resumed after epoch 2"
    assert again.sha256 == run(tmp_path / "whole").sha256


def test_a_finished_run_is_taken_from_its_folder_but_not_when_something_differs(tmp_path):
    images = cohort()[0]
    first = run(tmp_path)
    again = run(tmp_path)
    assert again.record["state"] == "complete: taken from the folder" and again.sha256 == first.sha256
    assert again.history.equals(first.history)
    view = network_view(images, settings=Settings(**QUICK))
    with torch.no_grad():
        assert np.allclose(
            again.network.module.eval()(torch.from_numpy(view)), first.network.module.eval()(torch.from_numpy(view))
        )
    assert run(tmp_path, resume=False).record["state"] == "from the first epoch"
    assert run(tmp_path, epochs=3).record["epochs_run"] == 3
    (tmp_path / "checkpoint.safetensors").write_bytes(b"damaged")
    assert run(tmp_path, epochs=3).record["state"] == "from the first epoch"


@pytest.mark.parametrize("change", ["epochs", "labels", "images", "weights", "train_rows"])
def test_a_state_of_another_run_is_not_used_and_it_says_why(tmp_path, change):
    images, label, train, _ = cohort()

    def kill(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, report=kill, state_every=0)
    options = {"images": images, "label": label}
    if change == "epochs":
        options["epochs"] = 5
    elif change == "labels":
        label[[0, 1]] = label[[1, 0]]
    elif change == "images":
        images[3, 0, 0, 0] ^= 1
    elif change == "weights":
        options["network"] = small(seed=1)
    else:
        options["train"] = train[:-2]
    told = run(tmp_path, **options).record["state"]
    assert told.startswith("a state was there, but of another run: ") and change in told
    (tmp_path / "state.safetensors").write_bytes(b"half a fi")
    assert "no readable" in run(tmp_path, epochs=2).record["state"]


def test_streamed_and_resident_images_give_the_same_network(tmp_path):
    images, _, _, _ = cohort(side=24)
    path = tmp_path / "images.npy"
    np.save(path, images)
    stored = np.load(path, mmap_mode="r")
    resident = run(tmp_path / "resident", images=stored)
    needed = 45 * 20 * 20
    streamed = run(tmp_path / "streamed", images=stored, free_bytes=2 * needed - 2, memory_share=0.5)
    assert streamed.record["images"] == "streamed to the device"
    assert run(tmp_path / "fits", images=stored, free_bytes=2 * needed).record["images"] == "resident on the device"
    assert streamed.sha256 == resident.sha256


def test_augmentation_equals_a_slow_loop():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 5, 20, 20), dtype=np.uint8)
    settings = Settings(**QUICK, flip_vertical=True)
    rows = np.array([5, 0, 3, 3, 1])
    draws = Draws.random(rows, settings, rng)
    feed = Feed(images, rows, settings=settings, runtime=Runtime.of(settings, ndim=4))
    (batch,) = feed([draws])
    for i, row in enumerate(rows):
        cut = images[row][:, draws.top[i] : draws.top[i] + 16, draws.left[i] : draws.left[i] + 16]
        cut = cut[:, ::-1] if draws.flip_y[i] else cut
        cut = cut[:, :, ::-1] if draws.flip_x[i] else cut
        wanted = np.clip(cut / 255 * draws.gain[i] + draws.shift[i], 0, 1)
        assert np.allclose(batch[i].numpy(), wanted, atol=1e-6)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    many = Draws.random(np.zeros(4000, dtype=int), settings, rng)
    assert abs(many.flip_x.mean() - 0.5) < 0.03 and abs(many.flip_y.mean() - 0.5) < 0.03
    assert set(many.top) == set(range(5)) and abs(many.gain.std() - 0.12) < 0.01
    never = Draws.random(np.zeros(50, dtype=int), Settings(**QUICK, flip_horizontal=False), rng)
    assert not never.flip_x.any() and not never.flip_y.any()


@pytest.mark.parametrize("shape", [(6, 5, 20, 20), (6, 2, 9, 20, 20)])
def test_the_way_of_a_gpu_cuts_the_same_frames_and_pixels(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    settings = Settings(**QUICK, flip_vertical=True, frames=3)
    rows = np.array([5, 0, 3, 3, 1, 2, 2])
    feed = Feed(images, rows, settings=settings, runtime=Runtime.of(settings, ndim=len(shape)))
    draws = Draws.random(rows, settings, np.random.default_rng(1))
    places = np.searchsorted(feed.rows, rows)
    slices, gathered = (way(feed._stack, places, draws) for way in (feed._slices, feed._gather))
    assert torch.equal(slices, gathered) and slices.shape[1:] == (feed.frames, 16, 16, shape[1])


def test_clips_go_the_same_way():
    images = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 20, 20), dtype=np.uint8)
    view = network_view(images, rows=np.array([2, 0]), settings=Settings(**QUICK))
    assert np.allclose(view, images[[2, 0]][..., 2:18, 2:18] / 255)
    assert network_view(np.zeros((1, 1, 51, 51), np.uint8), settings=Settings(**QUICK)).shape == (1, 1, 16, 16)


def small_for_clips(dropout=0.0):
    return networks.Network(inflate(small(dropout=dropout).module, halvings=1), small().record)


def clips(n=60, time=12):
    """Noise with a bright patch in some frames, whose contrast follows the label."""
    images, label, train, tune = cohort(n=n)
    stack = np.repeat(images[:, :, None], time, axis=2)
    stack[:, :, : time // 2] = np.random.default_rng(1).integers(60, 120, stack[:, :, : time // 2].shape)
    return stack, label, train, tune


def test_the_network_sees_frames_at_equal_steps():
    images = np.zeros((3, 1, 32, 20, 20), np.uint8) + np.arange(32, dtype=np.uint8)[:, None, None]
    settings = Settings(**QUICK, frames=8, gain=0.0, shift=0.0)
    feed = Feed(images, np.arange(3), settings=settings, runtime=Runtime.of(settings, ndim=5))
    starts = set()
    draws = Draws.random(np.zeros(200, dtype=int), settings, np.random.default_rng(0))
    for batch in feed(draws.batches(10)):
        assert batch.shape == (20, 1, 8, 16, 16) and batch.is_contiguous(memory_format=torch.channels_last_3d)
        seen = (batch[:, 0, :, 0, 0] * 255).round().int()
        assert (seen.diff(dim=1) == 4).all()  # the same step for every case
        starts |= set(seen[:, 0].tolist())
    assert starts == {0, 1, 2, 3}
    view = (network_view(images, settings=settings)[:, 0, :, 0, 0] * 255).round()
    assert view.tolist() == [list(range(2, 32, 4))] * 3
    assert network_view(images, settings=Settings(**QUICK)).shape[2] == 32
    with pytest.raises(ValueError, match=r"frames \(33\) must be at most the 32 frames of a stored clip"):
        network_view(images, settings=Settings(**QUICK, frames=33))


def test_clips_train_and_a_killed_run_ends_with_the_same_bytes(tmp_path):
    images, label, train, tune = clips(n=80)
    options = {"images": images, "label": label, "train": train, "tune": tune, "frames": 4, "epochs": 6}
    whole = run(tmp_path / "whole", network=small_for_clips(dropout=0.2), **options)
    assert whole.history["tune_auc"].max() > 0.9
    assert whole.record["checkpointing"] is False and "GB are free" in whole.record["checkpointing_why"]

    def kill(line):
        if line.startswith("epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", network=small_for_clips(dropout=0.2), report=kill, state_every=0, **options)
    again = run(tmp_path / "cut", network=small_for_clips(dropout=0.2), **options)
    assert again.record["state"] == "resumed after epoch 2" and again.sha256 == whole.sha256
    streamed = run(tmp_path / "streamed", network=small_for_clips(dropout=0.2), free_bytes=1, **options)
    assert streamed.sha256 == whole.sha256
    settings = Settings(**QUICK, frames=4)
    risk = training.predict(whole.network, images, rows=np.arange(60, 80), settings=settings)
    assert risk.shape == (20,)


@pytest.mark.parametrize("architecture", ["resnet50", "densenet121", "inception_v3"])
def test_recomputed_activations_give_the_same_gradients_and_norms(architecture):
    side = networks.SHORTEST_SIDE[architecture]
    network = networks.build(architecture, channels=1, width_divisor=8, volume=True, attention=True, dropout=0.3)
    batch, outcomes = torch.rand(3, 1, 4, side, side), []
    for again in (False, True):
        module = copy.deepcopy(network.module).train()
        if again:
            assert len(recompute.units(module)) > 3
            recompute.recomputing(module)
        torch.manual_seed(5)
        loss = module(batch).square().sum()
        loss.backward()
        gradients = {name: value.grad for name, value in module.named_parameters()}
        outcomes.append((loss, gradients, {name: value.clone() for name, value in module.state_dict().items()}))
    (loss, gradients, tensors), (loss_again, gradients_again, tensors_again) = outcomes
    assert torch.equal(loss, loss_again)
    assert gradients.keys() == gradients_again.keys() and len(gradients) > 20
    assert all(torch.equal(value, gradients_again[name]) for name, value in gradients.items())
    assert all(torch.equal(value, tensors_again[name]) for name, value in tensors.items())
    assert max(value for name, value in tensors.items() if name.endswith("num_batches_tracked")) == 1


def test_recomputing_keeps_less_and_the_run_is_the_same(tmp_path):
    network = networks.build("resnet18", channels=1, width_divisor=8, volume=True, dropout=0.2)
    batch, settings = torch.rand(2, 1, 8, 32, 32), Settings(**QUICK)
    runtime = Runtime.of(settings, ndim=5, module=network.module)
    random = torch.random.get_rng_state()
    before = recompute.saved_bytes(network.module, batch, runtime=runtime)
    after = recompute.saved_bytes(recompute.recomputing(copy.deepcopy(network.module)), batch, runtime=runtime)
    assert torch.equal(random, torch.random.get_rng_state())
    assert 0 < after < 0.7 * before
    images, label, _, _ = clips()
    images = np.repeat(np.repeat(images, 2, axis=3), 2, axis=4)
    options = {"images": images, "label": label, "network": network, "size": 32, "crop_size": 36, "epochs": 2}
    plain, again = (run(tmp_path / str(one), checkpointing=one, frames=4, **options) for one in (False, True))
    assert again.record["checkpointing"] is True
    first, second = (state.read_tensors(one.checkpoint)[0] for one in (plain, again))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_memory_decides_whether_activations_are_recomputed():
    assert recompute.wanted("auto", 10, 16, 100) == (True, "a batch keeps 0.0 GB, 0.0 GB are free")
    assert recompute.wanted("auto", 10, 16, 1000)[0] is False
    assert recompute.wanted("auto", 10, 16, 0)[0] is False  # the system does not tell
    assert recompute.wanted(True, 10, 16, 1000)[0] is True


def test_adam_as_printed_has_no_decay(tmp_path):
    images, label, train, tune = cohort()
    for name, kind in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        settings = Settings(**QUICK, optimizer=name)
        feed = Feed(images, np.arange(45), settings=settings, runtime=Runtime.of(settings, ndim=4))
        made = loop.Run(small(), feed, label.astype(int), train, tune)
        assert type(made.optimizer) is kind
        decays = [group["weight_decay"] for group in made.optimizer.param_groups]
        assert decays == ([0] if name == "adam" else [0.05, 0.0])
    ours = [run(tmp_path / name, optimizer=name) for name in ("adam", "adamw")]
    assert ours[0].sha256 != ours[1].sha256
    assert "Adam (doi:10.48550/arXiv.1412.6980)" in evaluation.methods(ours[0], Settings(**QUICK, optimizer="adam"))


@pytest.mark.parametrize("run_name", ["bmode-resnet18", "bmode-resnet18-cam", "resnet18-s0", "b-resnet18-cam-s", ""])
def test_a_run_has_a_name_that_can_be_read(run_name):
    with pytest.raises(ValueError, match="run must be named"):
        training.parse_run(run_name)


def test_schedule_is_that_of_torch():
    """torch's OneCycleLR as the oracle, rate and momentum at every step."""
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=2e-3)
    peer = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=150, pct_start=0.2)
    for step in range(150):
        group = optimizer.param_groups[0]
        assert loop.one_cycle(step, 150, 2e-3) == pytest.approx((group["lr"], group["betas"][0]), rel=1e-9)
        optimizer.step()
        if step < 149:
            peer.step()


@pytest.mark.parametrize("outputs", [1, 3])
def test_loss_is_the_weighted_smoothed_cross_entropy(outputs):
    images, label, train, tune = cohort(classes=max(2, outputs))
    settings = Settings(**QUICK)
    network = small(outputs=outputs)
    feed = Feed(images, np.arange(45), settings=settings, runtime=Runtime.of(settings, ndim=4))
    made = loop.Run(network, feed, label.astype(int), train[:-3], tune)
    logits, target = torch.randn(9, outputs), torch.arange(9) % max(2, outputs)
    both = torch.cat([torch.zeros(9, 1), logits], dim=1) if outputs == 1 else logits
    # Torch weighs a smoothed target's other class by that class's weight; for two classes we weigh the case.
    if outputs == 1:
        soft = torch.nn.functional.one_hot(target, 2) * 0.95 + 0.025
        case = -(soft * both.log_softmax(dim=1)).sum(dim=1)
        weight = made.weight[target]
        wanted = (case * weight).sum() / weight.sum()
    else:
        wanted = torch.nn.functional.cross_entropy(both, target, made.weight, label_smoothing=0.05)
    assert torch.allclose(made._class_loss(logits, target), wanted)
    count = np.bincount(label[train[:-3]].astype(int))
    assert made.class_weight == pytest.approx(count.sum() / (len(count) * count))


@pytest.mark.parametrize("balance", ["loss", "sampler", "none"])
def test_class_balance(tmp_path, balance):
    images, label, train, tune = cohort(n=80)
    train = np.concatenate([np.flatnonzero(label[:40] == 0), [1, 3]])
    settings = Settings(**QUICK, balance=balance)
    feed = Feed(images, np.arange(80), settings=settings, runtime=Runtime.of(settings, ndim=4))
    made = loop.Run(small(), feed, label.astype(int), train, tune)
    drawn = np.concatenate([made._order(np.random.default_rng(i)) for i in range(40)])
    share = label[drawn].mean()
    assert share == pytest.approx(0.5 if balance == "sampler" else 2 / 22, abs=0.05)
    assert made.class_weight.tolist() == pytest.approx([22 / 40, 22 / 4] if balance == "loss" else [1, 1])


def test_three_classes_monitor_and_patience(tmp_path):
    images, label, _, _ = cohort(n=90, classes=3)
    done = run(tmp_path, images=images, label=label, train=np.arange(45), tune=np.arange(45, 69), network=small(outputs=3), monitor="auc", epochs=6)  # fmt: skip
    risk = training.predict(done.network, images, settings=Settings(**QUICK))
    assert risk.shape == (90, 3) and np.allclose(risk.sum(axis=1), 1)
    assert done.history["tune_auc"].max() == done.history["tune_auc"].iloc[done.best_epoch - 1] > 0.6
    short = run(tmp_path / "short", patience=1, epochs=30, learning_rate=1e-9, ema=0.0)
    assert short.record["stopped_early"] and short.record["epochs_run"] == short.best_epoch + 1


def test_average_of_the_weights_is_the_recursion(tmp_path):
    images, label, train, tune = cohort()
    settings = Settings(**QUICK, ema=0.5)
    runtime = Runtime.of(settings, ndim=4)
    feed = Feed(images, np.arange(45), settings=settings, runtime=runtime)
    with steady(settings, runtime):
        made = loop.Run(small(), feed, label.astype(int), train, tune)
        seen = []
        original = made._average
        made._average = lambda step: (seen.append(made.model[0].weight.detach().clone()), original(step))
        wanted = made.model[0].weight.detach().clone()
        made.one_epoch()
    for step, weight in enumerate(seen):
        decay = min(0.5, (2 + step) / (11 + step))
        wanted = decay * wanted + (1 - decay) * weight
    assert torch.allclose(made.averaged[0].weight, wanted, atol=1e-6)


def test_load_checks_the_file_and_builds_the_network(tmp_path):
    network = networks.build("resnet18", channels=2, width_divisor=8, seed=3)
    images = cohort(channels=2, side=36)[0]
    options = {"size": 32, "crop_size": 36, "epochs": 2}
    done = run(tmp_path, network=network, images=images, **options)
    settings = Settings(**(QUICK | options))
    loaded = training.load(tmp_path)
    rows = np.array([7, 3, 50])
    wanted = training.predict(done.network, images, rows=rows, settings=settings)
    assert np.array_equal(training.predict(loaded, images, rows=rows, settings=settings), wanted)
    found = training.features(loaded, images, rows=rows, settings=settings)
    head = networks.head_of(loaded.module)
    logits = found @ head.weight.detach().numpy().T.astype(float) + head.bias.detach().numpy()
    assert np.allclose(inference.logits_to_risk(logits), wanted, atol=1e-6)
    assert not head._forward_pre_hooks
    content = bytearray((tmp_path / "checkpoint.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="is not the file that training wrote"):
        training.load(tmp_path)
    with pytest.raises(ValueError, match=r"no checkpoint.safetensors"):
        training.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": np.array([0, 1, 31]), "tune": np.arange(30, 45)}, "train and tune share 1 rows, first 31"),
        ({"train": np.array([0, 2, 4])}, "train must hold cases of every class"),
        ({"tune": np.array([31, 33])}, "tune must hold cases of every class"),
        ({"train": np.array([0, 1, 60])}, "train must hold at least 2 rows in 0 ... 59"),
        ({"train": np.array([0, 0, 1])}, "each once"),
        ({"label": np.full(60, np.nan)}, "label must be 0 to 1 in every row of train"),
        ({"label": np.zeros(3)}, "label must have one entry for each of 60 images"),
        ({"images": np.zeros((60, 1, 20, 24), np.uint8)}, "images must be square, not 20 x 24"),
        ({"images": np.zeros((60, 1, 20, 20))}, "images must be uint8"),
        ({"images": np.zeros((60, 3, 20, 20), np.uint8)}, "images have 3 channels, the network reads 1"),
        ({"device": "tpu9"}, "device must be auto"),
        ({"precision": "bf16"}, "needs a GPU with bf16 units"),
        ({"memory_share": 2.0}, "memory_share must be in"),
        ({"progress": "bar"}, "progress must be"),
    ],
)
def test_wrong_arguments_stop_before_training(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"ema": 1.0}, "ema must be a number of at least 0 and below 1"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2"),
        ({"balance": "smote"}, "balance must be one of"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"gain": float("nan")}, "gain must be"),
        ({"frames": 0}, "frames must be a whole number of at least 1"),
        ({"optimizer": "sgd"}, "optimizer must be one of"),
        ({"checkpointing": "yes"}, "checkpointing must be one of"),
    ],
)
def test_wrong_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Settings(**options)


def test_an_image_too_small_for_the_network_is_refused(tmp_path):
    with pytest.raises(ValueError, match="size must be at least 32 for resnet18"):
        run(tmp_path, network=networks.build("resnet18", channels=1, width_divisor=8))


def test_a_loss_that_is_no_number_stops(tmp_path):
    network = small()
    with torch.no_grad():
        network.module[-1].bias.fill_(float("inf"))
    with pytest.raises(FloatingPointError, match="epoch 1 is no number"):
        run(tmp_path, network=network)


def test_global_state_is_put_back():
    settings = Settings(**(QUICK | {"threads": 2}))
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    random = torch.random.get_rng_state()
    with pytest.raises(RuntimeError), steady(settings, Runtime.of(settings, ndim=4)):
        assert torch.get_num_threads() == 2 and torch.are_deterministic_algorithms_enabled()
        torch.rand(3)
        raise RuntimeError
    assert before == (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.equal(random, torch.random.get_rng_state())


def test_optimizer_moments_come_back_in_the_memory_of_their_weights():
    weight = nn.Parameter(torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last))
    optimizers = [torch.optim.AdamW([weight], fused=True) for _ in range(2)]
    (weight**2).sum().backward()
    optimizers[0].step()
    tensors = {name: value.contiguous().clone() for name, value in state.optimizer_tensors(optimizers[0]).items()}
    state.restore_optimizer(optimizers[1], tensors)
    ours, theirs = (one.state[weight]["exp_avg"] for one in optimizers)
    assert torch.equal(ours, theirs) and ours.stride() == theirs.stride()


def test_a_bar_for_a_person_only(monkeypatch, capsys):
    monkeypatch.setenv(progress.BATCH, "1")
    assert not progress.watched()
    monkeypatch.delenv(progress.BATCH)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert progress.watched()
    line = {"epoch": 1, "tune_auc": 0.7, "tune_loss": 0.6}
    with progress.bar(True, 2, 0) as show:
        show(line)
    assert "tune_auc=0.700" in capsys.readouterr().err
    with progress.bar(False, 2, 0) as show:
        show(line)
    assert capsys.readouterr() == ("", "")


def test_layers_too_narrow_for_channels_last_are_kept_out_of_it(tmp_path):
    """Torch 2.15 on a CPU corrupts memory in the backward pass of a strided 1 x 1 convolution of 2 to 7 channels."""
    narrow, wide = (networks.build("resnet18", channels=1, width_divisor=k).module for k in (16, 8))
    formats = [Runtime.of(Settings(**QUICK), ndim=4, module=module).memory_format for module in (narrow, wide)]
    assert formats == [torch.contiguous_format, torch.channels_last]
    with pytest.raises(ValueError, match="channels_last: torch on a CPU cannot train so narrow"):
        Runtime.of(Settings(**QUICK, channels_last=True), ndim=4, module=narrow)
    deep = [networks.build("resnet18", channels=1, width_divisor=k, volume=True).module for k in (16, 8)]
    formats = [Runtime.of(Settings(**QUICK), ndim=5, module=module).memory_format for module in deep]
    assert formats == [torch.contiguous_format, torch.channels_last_3d]


def test_history_is_a_frame(tmp_path):
    assert isinstance(run(tmp_path).frame(), pd.DataFrame)
    assert set(Settings().frame()["setting"]) == set(Settings.__dataclass_fields__)

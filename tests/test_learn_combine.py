"""The networks of the folds are made and trained as the chosen run was, whatever it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.book import graph
from helpers.data import study
from helpers.learn import combine, networks, training

PARAMETERS = {
    **{"size": 32, "crop_size": 32, "epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "patience": 5},
    **{"width_divisor": 8, "weights": "none", "flip_vertical": True, "frames": 2, "dropout": 0.25},
    **{"optimizer": "adam", "monitor": "auc"},
}
N = 48


def cohort() -> pd.DataFrame:
    """48 cases, of which 36 train."""
    split = np.array(["train"] * 36 + ["tune"] * 8 + ["test"] * 4)
    names = [f"C{i:02}" for i in range(N)]
    return pd.DataFrame(
        {"patient_id": names, "case_id": names, "center": "A", "split": split, "label": np.arange(N) % 2}
    )


def trained(results: Path, run: str, images: np.ndarray, *, volume: bool = False) -> training.TrainingResult:
    """One run as the page `train` leaves it: its checkpoint, and the record of its parameters."""
    asked = training.parse_run(run)
    built = {name: PARAMETERS[name] for name in ("width_divisor", "weights", "dropout")}
    network = networks.build(
        asked.architecture, attention=asked.attention, volume=volume, channels=images.shape[1], seed=0, **built
    )
    given = {name: value for name, value in PARAMETERS.items() if name in training.Settings.__dataclass_fields__}
    settings = training.Settings(**given, balance=asked.balance, seed=asked.seed)
    label, rows = cohort()["label"].to_numpy(), np.arange(N)
    folder = results / "train" / run
    fitted = training.fit(
        network, images, label, train=rows[:36], tune=rows[36:44], settings=settings, folder=folder, progress=False
    )
    record = {"parameters": {"study": "s", "results": str(results), "run": run, **PARAMETERS}}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return fitted


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """A still with attention and the plain loss, and a clip without, both fused."""
    results = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(0)
    images = {
        "image": rng.integers(0, 256, (N, 1, 32, 32), np.uint8),
        "clip": rng.integers(0, 256, (N, 1, 3, 32, 32), np.uint8),
    }
    chosen = {"image": ("still", "resnet18-cam-plain"), "clip": ("cine", "resnet18")}
    for name, run in chosen.items():
        trained(results, f"{'-'.join(run)}-s1", images[name], volume=name == "clip")
    fusion = SimpleNamespace(of=("image", "clip"), heads=("logistic",), name="both")
    where = {"results": results, "folder": results / "fuse" / "folds", "folds": 2}
    fused = combine.every_seed(cohort(), images, chosen, seeds=[1], fusion=fusion, **where)
    return SimpleNamespace(results=results, fused=fused, chosen=chosen)


@pytest.mark.parametrize("model", ["image", "clip"])
def test_networks_of_the_folds_are_those_of_the_run(made, model):
    run = f"{'-'.join(made.chosen[model])}-s1"
    own = json.loads((made.results / "train" / run / "checkpoint.json").read_text(encoding="utf-8"))
    for fold in range(2):
        folder = made.results / "fuse" / "folds" / run / f"fold-{fold}"
        note = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        for name in ("architecture", *combine.AS_BUILT, "weights_used"):
            assert note["network"][name] == own["network"][name], name
        assert note["network"]["sha256"] != own["network"]["sha256"], "weights of its own"
        for name in asdict(training.Settings()):
            assert note["key"][name] == own["key"][name], name
    assert own["key"]["balance"] == ("none" if model == "image" else "loss")
    assert (own["key"]["optimizer"], own["key"]["monitor"], own["network"]["dropout"]) == ("adam", "auc", 0.25)
    assert own["network"]["attention"] == (model == "image") and own["network"]["volume"] == (model == "clip")


def test_the_fused_model_has_a_risk_for_every_case(made):
    table = combine.heads_table(made.fused)
    assert table[["seed", "head"]].to_numpy().tolist() == [[1, "logistic"]]
    risk = made.fused[1].fusion.risk
    assert risk.shape == (N,) and ((risk > 0) & (risk < 1)).all()


def test_the_page_is_told_nothing_that_the_runs_know(tmp_path):
    node = graph.Node("data/olnm", study.read("data/olnm"), "full")
    assert set(node.parameters("fuse")) == {"study", "results", "folds", "seeds", "workers"}

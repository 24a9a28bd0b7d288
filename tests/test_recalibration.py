"""The recalibration ladder against R, and its refusal of test data."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from helpers.stats.calibrated import ladder
from helpers.stats.calibration import calibration
from helpers.stats.models import Panel
from helpers.stats.recalibration import METHODS, NoFiniteFit, recalibrate

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(params=["calibration_overconfident", "calibration_small_curved"])
def oracle(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, dict]:
    folder = REFERENCE / request.param
    return pd.read_csv(folder / "data.csv"), json.loads((folder / "expected.json").read_text())["recalibration"]


def test_intercept_and_logistic_as_in_r(oracle: tuple[pd.DataFrame, dict]) -> None:
    data, want = oracle
    rows = np.array(want["rows"]) - 1
    for method, key, score in (
        ("intercept", "intercept_update", "brier_intercept"),
        ("slope", "logistic_recalibration", "brier_logistic"),
    ):
        risk = recalibrate(data["y"], data["p"], method=method, split="tune").apply(data["p"])
        assert risk[rows] == pytest.approx(want[key], rel=1e-8)
        assert np.mean((risk - data["y"]) ** 2) == pytest.approx(want[score], rel=1e-8)


def test_after_logistic_recalibration_the_slope_is_one(oracle: tuple[pd.DataFrame, dict]) -> None:
    data, _ = oracle
    fitted = recalibrate(data["y"], data["p"], method="slope")
    result = calibration(data["y"], fitted.apply(data["p"]))
    assert result.slope.value == pytest.approx(1, abs=1e-8)
    assert result.in_the_large.value == pytest.approx(0, abs=1e-8)


def test_temperature_is_the_best_one(oracle: tuple[pd.DataFrame, dict]) -> None:
    data, _ = oracle
    x, y = logit(data["p"]), data["y"]

    def loss(slope: float) -> float:
        return float(np.sum(np.logaddexp(0, slope * x) - y * slope * x))

    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10}).x
    if best < 0:  # so it is for the second: a temperature is above 0, and none of these is the best
        assert loss(0) < loss(0.01) < loss(0.1)
        with pytest.raises(NoFiniteFit, match="no temperature above 0"):
            recalibrate(data["y"], data["p"], method="temperature")
        return
    fitted = recalibrate(data["y"], data["p"], method="temperature")
    assert fitted.slope == pytest.approx(best, abs=1e-6)
    assert fitted.record["temperature"] == pytest.approx(1 / fitted.slope)


def test_isotonic_is_monotone_equals_scikit_learn_and_extends_flat() -> None:
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(6)
    risk = rng.random(200).round(2)
    y = (rng.random(200) < risk**2).astype(int)
    fitted = recalibrate(y, risk, method="isotonic", split="oof")
    new = np.linspace(0, 1, 57)
    peer = IsotonicRegression(out_of_bounds="clip").fit(risk, y).predict(new)
    assert fitted.apply(new) == pytest.approx(peer, abs=1e-12)
    assert "overfit" in fitted.record["note"]


def test_none_changes_nothing_and_logit_maps_keep_the_order() -> None:
    risk, y = np.array([0.0, 0.1, 0.2, 0.6, 1.0]), [0, 1, 0, 1, 1]
    assert recalibrate(y, risk, method="none").apply(risk).tolist() == risk.tolist()
    slope = recalibrate(y, risk, method="slope").apply(np.linspace(0, 1, 50))
    assert np.all(np.diff(slope) > 0) and slope.min() >= 0 and slope.max() <= 1


@pytest.mark.parametrize("split", ["test", "external", ["tune", "tune", "test", "tune"]])
def test_test_labels_are_refused(split: str | list) -> None:
    with pytest.raises(ValueError, match="must not shape a calibration map"):
        recalibrate([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.6], method="intercept", split=split)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "platt"}, "method: 'platt' is not one of"),
        ({"split": "training"}, "split: 'training' is not one of"),
        ({"split": ["tune", "tune"]}, "split: has 2 values"),
        ({"risk": [0.3] * 4}, "no finite fit; everyone has the same risk"),
        ({"risk": [0.1, 0.2, 0.7, 0.8]}, "no finite fit; the risk separates the classes"),
        ({"label": [1] * 4}, "label: all 4 cases are 1"),
        ({"risk": [0.1, 0.2, 0.3, np.nan]}, "risk: missing"),
    ],
)
def test_bad_input_names_the_argument(change: dict, message: str) -> None:
    arguments = {"label": [0, 0, 1, 1], "risk": [0.1, 0.5, 0.4, 0.8], "method": "slope", "split": "tune"} | change
    label, risk = arguments.pop("label"), arguments.pop("risk")
    with pytest.raises(ValueError, match=message):
        recalibrate(label, risk, **arguments)


def test_ladder_measures_on_other_data() -> None:
    rng = np.random.default_rng(0)
    lp = rng.normal(-1, 1, 1200)
    y, risk = rng.random(1200) < expit(lp), expit(2.5 * lp + 1)
    case = np.arange(600).astype(str).astype(object)
    tune = Panel("tune", y[:600].astype(int), case, case, {"image": risk[:600]})
    test = Panel("test", y[600:].astype(int), case, case, {"image": risk[600:]})
    table = ladder(tune, [test])
    assert table["method"].unique().tolist() == list(METHODS)
    slope = table.set_index("method")["slope"]
    assert abs(slope["slope"] - 1) < abs(slope["none"] - 1)
    assert ladder(None, [test]) is None
    recorded = recalibrate(y, risk, method="slope", split=["train"] * 600 + ["tune"] * 600)
    assert recorded.record["splits"] == ["train", "tune"] and "train and tune" in recorded.methods
    assert recorded.plot().get_xlabel() == "Predicted risk"
    plt.close("all")

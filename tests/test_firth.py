"""Firth's regression against R (logistf), and its refusal of broken designs."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from helpers.stats import logistic
from helpers.stats.firth import firth

FOLDER = Path(__file__).parent / "reference" / "firth_separation"


def test_as_in_logistf() -> None:
    data, want = pd.read_csv(FOLDER / "data.csv"), json.loads((FOLDER / "expected.json").read_text())
    result = firth(data, "y", columns=["age_z", "calcification", "size"])
    table = result.frame()
    assert table["term"].tolist() == ["intercept", *want["terms"][1:]]
    assert table["coefficient"].to_numpy() == pytest.approx(want["coef"], abs=1e-8)
    assert table["se"].to_numpy() == pytest.approx(want["se"], abs=1e-8)
    assert table[["low", "high"]].to_numpy() == pytest.approx(np.array(want["ci95_profile_penalised"]), abs=1e-6)
    assert table["p_value"].to_numpy() == pytest.approx(want["p_penalised_likelihood_ratio"], abs=1e-8)
    assert table["odds_ratio"].to_numpy() == pytest.approx(want["odds_ratio"], rel=1e-7)
    assert result.log_likelihood == pytest.approx(want["penalised_loglik"]["full"], abs=1e-8)
    assert result.separated and "would be infinite" in result.note


def test_a_two_by_two_table_has_the_known_closed_form() -> None:
    # In a saturated model Firth's penalty adds 1/2 to every cell.
    cells = {(0, 0): 9, (0, 1): 2, (1, 0): 4, (1, 1): 7}
    data = pd.DataFrame([key for key, n in cells.items() for _ in range(n)], columns=["x", "y"])
    odds = 7.5 * 9.5 / (4.5 * 2.5)
    assert firth(data, "y", columns=["x"]).frame()["odds_ratio"][1] == pytest.approx(odds, rel=1e-7)


def test_units_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=60), "z": rng.normal(size=60)})
    data["y"] = (rng.random(60) < expit(data["x"])).astype(int)
    base = firth(data, "y", columns=["x", "z"]).frame()
    scaled = firth(data.assign(x=data["x"] * 1e4), "y", columns=["x", "z"]).frame()
    assert scaled[["coefficient", "low", "high"]].iloc[1].to_numpy(float) * 1e4 == pytest.approx(
        base[["coefficient", "low", "high"]].iloc[1].to_numpy(float), rel=1e-5
    )


def test_with_many_events_it_is_nearly_ordinary_regression() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=3000)
    y = (rng.random(3000) < expit(x)).astype(int)
    result = firth(pd.DataFrame({"x": x, "y": y}), "y", columns=["x"])
    ordinary = logistic.fit(y, np.column_stack([np.ones(3000), x])).coefficient
    assert result.frame()["coefficient"].to_numpy() == pytest.approx(ordinary, rel=0.01)
    assert not result.separated and "Events suffice" in result.note


def test_text_becomes_indicators_and_missing_rows_are_counted() -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"sex": rng.choice(["f", "m"], 50), "age": rng.normal(50, 9, 50)})
    data["y"] = (np.arange(50) % 3 == 0).astype(int)
    data.loc[3, "sex"] = None
    data.loc[4, "age"] = np.nan
    result = firth(data, "y", columns=["sex", "age"])
    assert result.frame()["term"].tolist() == ["intercept", "sex: m", "age"]
    assert (result.n, result.left_out) == (48, 2) and "2 rows" in result.note
    ax = result.plot()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["sex: m", "age"] and ax.get_xscale() == "log"
    plt.close("all")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ["height"]}, "'height' is not in the table"),
        ({"columns": []}, "at least one covariate"),
        ({"columns": ["x", "twice"]}, "follows from the others"),
        ({"columns": ["same"]}, "constant"),
        ({"columns": ["big"]}, "infinite"),
        ({"label": "one"}, "all 6 cases are 1"),
        ({"label": "text"}, "text such as"),
        ({"level": 95}, "level"),
    ],
)
def test_bad_input_names_the_argument(change: dict, message: str) -> None:
    data = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "x": [1.0, 2, 3, 5, 4, 2], "same": 1.0, "one": 1})
    data["twice"], data["big"], data["text"] = 2 * data["x"], data["x"].where(data["x"] < 5, np.inf), "yes"
    arguments = {"label": "y", "columns": ["x"]} | change
    label = arguments.pop("label")
    with pytest.raises(ValueError, match=message):
        firth(data, label, **arguments)

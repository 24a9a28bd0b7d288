"""Sample size against R (pmsampsize, pmvalsampsize), against simulation, and the pilot banner."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import expit, logit

from helpers.stats import logistic
from helpers.stats.sample_size import (
    auc_se,
    development_size,
    pilot_banner,
    r_squared_from_c,
    validation_size,
    what_it_allows,
)

REFERENCE = Path(__file__).parent / "reference"
DEVELOP = json.loads((REFERENCE / "sample_size_riley" / "expected.json").read_text())["binary"]
VALIDATE = json.loads((REFERENCE / "sample_size_validation" / "expected.json").read_text())["cases"]
NAMES = {"csrsquared": "r_squared", "nagrsquared": "nagelkerke", "cstatistic": "c_statistic", "shrinkage": "shrinkage"}


@pytest.mark.parametrize("case", DEVELOP)
def test_development_as_in_r(case: dict) -> None:
    given = case["arguments"]
    options = {NAMES[key]: value for key, value in given.items() if key in NAMES}
    result = development_size(parameters=given["parameters"], prevalence=given["prevalence"], **options)
    want = case["table"]["Samp_size"]
    if "cstatistic" in given:  # R turns the C statistic into R2 by simulation
        assert result.frame()["n"].to_numpy() == pytest.approx(want[:3], rel=0.015)
    else:
        assert result.frame()["n"].tolist() == want[:3]
        assert result.n == case["result"]["sample_size"]
        assert result.events == np.ceil(case["result"]["events"])


@pytest.mark.parametrize("case", VALIDATE)
def test_validation_as_in_r(case: dict) -> None:
    given = case["arguments"]
    widths = {"oeciwidth": "oe_width", "csciwidth": "slope_width", "cstatciwidth": "c_width"}
    result = validation_size(
        prevalence=given["prevalence"],
        c_statistic=given["cstatistic"],
        linear_predictor=tuple(given["lpnormal"]),
        **{widths[key]: value for key, value in given.items() if key in widths},
    )
    want = [row[0] for row in case["result"]["results_table"]["values"]]
    mine = result.frame()["n"].tolist()
    assert [mine[0], mine[2]] == [want[0], want[2]]
    assert mine[1] == pytest.approx(want[1], rel=0.02)


def test_r_squared_and_slope_equal_a_simulation() -> None:
    rng = np.random.default_rng(0)
    n, prevalence, c = 200_000, 0.3, 0.8
    y = rng.random(n) < prevalence
    distance = np.sqrt(2) * 0.8416212335729143  # standard normal quantile of 0.8
    score = rng.normal(distance * y, 1)
    fitted = logistic.fit(y, np.column_stack([np.ones(n), score]))
    null = -2 * n * (y.mean() * np.log(y.mean()) + (1 - y.mean()) * np.log(1 - y.mean()))
    assert r_squared_from_c(c, prevalence) == pytest.approx(1 - np.exp((fitted.deviance - null) / n), rel=0.01)
    lp = logit(prevalence) + distance * score - distance**2 / 2
    assert expit(lp).mean() == pytest.approx(prevalence, abs=0.005)
    slope = logistic.fit(y, np.column_stack([np.ones(n), lp]))
    size = validation_size(prevalence=prevalence, c_statistic=c).frame()["n"][1]
    assert size == pytest.approx(slope.covariance[1, 1] * n / (0.2 / 3.92) ** 2, rel=0.02)


def test_the_c_criterion_is_the_smallest_n() -> None:
    result = validation_size(prevalence=27 / 116, c_statistic=0.75)
    n = int(result.frame()["n"][2])
    assert 2 * 1.96 * auc_se(0.75, n * 27 / 116, n * 89 / 116) <= 0.1
    assert 2 * 1.96 * auc_se(0.75, (n - 1) * 27 / 116, (n - 1) * 89 / 116) > 0.1
    assert n == 509


def test_what_27_of_116_allow() -> None:
    table = what_it_allows(n=116, events=27).set_index("measure")
    assert table.loc["observed_expected", ["low", "high"]].to_numpy(float) == pytest.approx([0.72, 1.39], abs=0.005)


def test_banner_speaks_when_small_and_is_silent_when_large() -> None:
    text = pilot_banner(n=134, events=31, auc=0.7, parameters=6)
    assert text.startswith("Pilot: 31 events among 134 patients.")
    develop = development_size(parameters=6, prevalence=31 / 134, c_statistic=0.7)
    assert f"6 parameters needs {develop.n:,} patients" in text and "all criteria together (most for the shrink" in text
    needed = validation_size(prevalence=31 / 134, c_statistic=0.7)
    said = f"Validation needs {needed.n:,} patients with {needed.events:,} events for all criteria together"
    alone = int(needed.frame()["n"].iloc[2])  # the slope, not the AUC, asks for the many
    assert alone < needed.n / 2
    assert f"{said} (most for the slope); an AUC of 0.7 alone needs {alone:,}." in text
    assert pilot_banner(n=20_000, events=6_000) == ""
    needed = validation_size(prevalence=0.3, c_statistic=0.75).n
    assert pilot_banner(n=10 * needed, events=3 * needed, parameters=5) == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: development_size(parameters=3, prevalence=1.2, r_squared=0.1), "prevalence"),
        (lambda: development_size(parameters=0, prevalence=0.2, r_squared=0.1), "parameters"),
        (lambda: development_size(parameters=3, prevalence=0.2), "give exactly one"),
        (lambda: development_size(parameters=3, prevalence=0.2, r_squared=0.9), "r_squared"),
        (lambda: development_size(parameters=3, prevalence=0.2, c_statistic=0.4), "c_statistic"),
        (lambda: validation_size(prevalence=0.2, c_statistic=1.0), "c_statistic"),
        (lambda: validation_size(prevalence=0.2, c_statistic=0.8, c_width=0), "c_width"),
        (lambda: validation_size(prevalence=0.2, c_statistic=0.8, linear_predictor=(0, 0)), "linear_predictor"),
        (lambda: what_it_allows(n=10, events=10), "events"),
    ],
)
def test_bad_input_names_the_argument(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_methods_and_plot() -> None:
    result = validation_size(prevalence=0.3, c_statistic=0.8)
    assert f"{result.n:,} patients" in result.methods and "doi:10.1002/sim.9025" in result.methods
    assert "sim.8766" not in result.methods  # about continuous outcomes
    assert len(result.plot().patches) == 3
    plt.close("all")

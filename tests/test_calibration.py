"""Calibration against R (rms, CalibrationCurves, glm, loess, survey), by simulation, and at the edges."""

from __future__ import annotations

import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from helpers.stats import logistic, smooth
from helpers.stats.brier import brier_decomposition
from helpers.stats.calibration import calibration
from helpers.stats.resampling import bootstrap_counts

REFERENCE = Path(__file__).parent / "reference"
ORACLES = Path(os.environ.get("THYROBOOK_DATA", "absent")).parent / "oracles"
CASES = ["calibration_overconfident", "calibration_small_curved", "calibration_vignette"]


def _oracle(name: str) -> tuple[np.ndarray, np.ndarray, dict]:
    folder = REFERENCE / name if (REFERENCE / name).exists() else ORACLES / name
    if not (folder / "expected.json").exists():
        pytest.skip(f"{name} is not under THYROBOOK_DATA")
    expected = json.loads((folder / "expected.json").read_text())
    data = pd.read_csv(next(iter(folder.glob("*.csv"))))
    return data[expected["outcome"]].to_numpy(), data[expected["probability"]].to_numpy(), expected


@pytest.mark.parametrize("name", CASES)
def test_regression_measures_as_in_r(name: str) -> None:
    label, risk, expected = _oracle(name)
    result = calibration(label, risk)
    large, slope = expected["calibration_in_the_large"], expected["calibration_slope"]
    assert result.in_the_large.value == pytest.approx(large["estimate"], rel=1e-8)
    assert result.in_the_large.se == pytest.approx(large["se"], abs=1e-8)  # R stops a step earlier
    assert [result.in_the_large.low, result.in_the_large.high] == pytest.approx(large["ci95_wald"], abs=1e-8)
    assert result.slope.value == pytest.approx(slope["estimate"], rel=1e-8)
    assert [result.slope.low, result.slope.high] == pytest.approx(slope["ci95_wald"], rel=1e-8)
    assert result.joint_intercept.value == pytest.approx(slope["joint_intercept"], rel=1e-8)
    assert result.joint_intercept.se == pytest.approx(slope["joint_intercept_se"], rel=1e-8)
    ratio = expected["observed_expected"]
    assert result.observed_expected.value == pytest.approx(ratio["O_E"], rel=1e-9)
    assert [result.observed_expected.low, result.observed_expected.high] == pytest.approx(ratio["ci95_log"], rel=1e-8)
    brier = expected["brier"]
    assert result.brier.value == pytest.approx(brier["brier"], rel=1e-9)
    assert result.brier.se == pytest.approx(brier["se"], rel=1e-8)
    assert result.scaled_brier.value == pytest.approx(brier["scaled"], rel=1e-8)
    assert result.spiegelhalter_z == pytest.approx(brier["spiegelhalter_z"], rel=1e-8)
    assert result.spiegelhalter_p == pytest.approx(brier["spiegelhalter_p"], rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_loess_curve_and_indices_as_in_r(name: str) -> None:
    label, risk, expected = _oracle(name)
    want = expected["curves"]["loess_span075_degree2_interpolate"]
    result = calibration(label, risk, smoother="loess")
    for mine, theirs in (("ici", "ICI"), ("e50", "E50"), ("e90", "E90"), ("emax", "Emax")):
        assert getattr(result, mine).value == pytest.approx(want[theirs], rel=1e-8), mine
    grid = np.array(expected["curves"]["grid"])
    assert smooth.loess_at(label.astype(float), risk, grid) == pytest.approx(want["curve"], rel=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_spline_curve_and_indices_as_in_r(name: str) -> None:
    label, risk, expected = _oracle(name)
    want = expected["curves"]["rcs_logit_5_knots"]
    result = calibration(label, risk, smoother="spline")
    for mine, theirs in (("ici", "ICI"), ("e50", "E50"), ("e90", "E90"), ("emax", "Emax")):
        assert getattr(result, mine).value == pytest.approx(want[theirs], rel=1e-7), mine
    grid = np.array(expected["curves"]["grid"])
    frame = result.frame()
    assert np.interp(grid[1:-1], frame["risk"], frame["observed"]) == pytest.approx(want["curve"][1:-1], abs=2e-3)
    half = (logit(frame["high"].iloc[[0, -1]]) - logit(frame["low"].iloc[[0, -1]])) / 2 / 1.959963984540054
    assert half.to_numpy() == pytest.approx([want["se_logit"][0], want["se_logit"][-1]], rel=1e-6)


def test_errors_by_patient_as_in_r() -> None:
    folder = REFERENCE / "clustered_nodules"
    data, expected = pd.read_csv(folder / "data.csv"), json.loads((folder / "expected.json").read_text())
    want = expected["calibration_cluster_robust"]
    result = calibration(data["label"], data["model_a"], patient_id=data["patient"])
    assert result.patients == 140 and np.isnan(result.spiegelhalter_z)
    assert result.slope.value == pytest.approx(want["slope"], rel=1e-8)
    assert result.joint_intercept.value == pytest.approx(want["joint_intercept"], rel=1e-8)
    corrected = np.sqrt(140 / 139)  # robcov has no small-sample factor
    assert result.slope.se == pytest.approx(want["se_slope_robust"] * corrected, rel=1e-5)
    assert result.joint_intercept.se == pytest.approx(want["se_intercept_robust"] * corrected, rel=1e-5)
    assert "patients" in result.curve.band


def test_patients_with_one_row_each_change_nothing() -> None:
    label, risk, _ = _oracle("calibration_small_curved")
    plain, named = calibration(label, risk), calibration(label, risk, patient_id=np.arange(len(label)))
    assert plain.summary().equals(named.summary())


def test_duplicated_rows_of_a_patient_keep_the_error_of_the_slope() -> None:
    label, risk, _ = _oracle("calibration_overconfident")
    who = np.arange(len(label))
    once = logistic.fit(label, np.column_stack([np.ones(len(label)), logit(risk)]), patient_id=who)
    twice = calibration(np.repeat(label, 2), np.repeat(risk, 2), patient_id=np.repeat(who, 2), smoother="spline")
    assert twice.slope.se == pytest.approx(once.se[1], rel=1e-9)
    assert twice.brier.se == pytest.approx(calibration(label, risk, smoother="spline").brier.se, rel=1e-9)


def test_known_miscalibration_is_recovered() -> None:
    rng = np.random.default_rng(11)
    truth = rng.normal(-1, 1.2, 4000)
    label = rng.random(4000) < expit(truth)
    result = calibration(label, expit(2 * truth + 0.7), smoother="spline")
    assert result.slope.low < 0.5 < result.slope.high
    assert result.joint_intercept.low < -0.35 < result.joint_intercept.high
    assert not result.too_few_events and result.note == ""


def test_interval_of_the_slope_covers() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        lp = rng.normal(-0.5, 1.0, 200)
        y = (rng.random(200) < expit(lp)).astype(float)
        fitted = logistic.fit(y, np.column_stack([np.ones(200), lp]))
        hits += abs(fitted.coefficient[1] - 1) < 1.96 * fitted.se[1]
    assert 0.91 < hits / 300 < 0.985  # 0.95 within three Monte Carlo errors


def test_brier_parts_add_up_and_equal_a_slow_isotonic_fit() -> None:
    rng = np.random.default_rng(4)
    risk = rng.random(60).round(1)
    y = rng.random(60) < risk
    parts = brier_decomposition(y, risk)
    score = np.mean((risk - y) ** 2)
    assert parts["miscalibration"] - parts["discrimination"] + parts["uncertainty"] == pytest.approx(score)
    values = np.unique(risk)
    share, weight = [y[risk == v].mean() for v in values], [np.sum(risk == v) for v in values]
    slow = [  # max-min formula of the isotonic regression
        max(
            min(np.average(share[i : j + 1], weights=weight[i : j + 1]) for j in range(k, len(values)))
            for i in range(k + 1)
        )
        for k in range(len(values))
    ]
    best = np.mean((np.array(slow)[np.searchsorted(values, risk)] - y) ** 2)
    assert parts["miscalibration"] == pytest.approx(score - best)


def test_few_events_are_stamped() -> None:
    label, risk, _ = _oracle("calibration_small_curved")
    result = calibration(label[:116], risk[:116])
    assert result.too_few_events and "Too few events: 65 events and 51 non-events" in result.note
    ax = result.plot()
    assert any("too few events" in text.get_text() for text in ax.texts)
    assert ax.get_aspect() == 1
    again = result.plot(ax, name="second", details=False)
    assert again is ax and {"Perfect calibration", "Model", "second"} <= set(ax.get_legend_handles_labels()[1])
    plt.close("all")


def test_bootstrap_interval_of_the_ici_holds_the_estimate() -> None:
    label, risk, _ = _oracle("calibration_overconfident")
    result = calibration(label, risk, resamples=60, seed=1)
    assert result.ici.low < result.ici.value < result.ici.high
    assert calibration(label, risk, resamples=60, seed=1).ici == result.ici


def test_spline_above_5000_and_points_for_few_values() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(5001)
    assert calibration(rng.random(5001) < risk, risk).curve.name == "spline"
    grades = rng.choice([0.1, 0.3, 0.6], 200)
    result = calibration(rng.random(200) < grades, grades)
    assert result.curve.name == "distinct" and len(result.frame()) == 3
    assert result.plot().get_xlabel() == "Predicted risk"
    plt.close("all")
    with pytest.raises(ValueError, match="needs 10 distinct risks"):
        calibration(rng.random(200) < grades, grades, smoother="loess")


def test_risks_of_exactly_0_and_1_follow_the_stated_rule() -> None:
    rng = np.random.default_rng(3)
    risk = np.r_[0.0, 1.0, rng.random(98)]
    y = rng.random(100) < risk
    y[:2] = [True, False]
    result = calibration(y, risk)
    moved = np.clip(risk, 1e-6, 1 - 1e-6)
    assert result.slope == calibration(y, moved).slope
    assert "2 risks within 1e-06 of 0 or 1" in result.note
    assert result.brier.value == pytest.approx(np.mean((risk - y) ** 2))


def test_constant_risk_and_separation_are_answered_not_guessed() -> None:
    constant = calibration([0, 1, 1, 0], [0.4] * 4)
    assert np.isnan(constant.slope.value) and constant.curve is None
    assert constant.slope.note == "not estimable: everyone has the same risk (0.4000)"
    assert constant.observed_expected.value == pytest.approx(2 / 1.6)
    assert constant.frame().empty and "not possible" in constant.methods
    constant.plot()
    plt.close("all")
    apart = calibration([0] * 10 + [1] * 10, np.linspace(0.05, 0.95, 20))
    assert np.isnan(apart.slope.value) and "separates" in apart.slope.note
    assert np.isfinite(apart.in_the_large.value)


@pytest.mark.parametrize(
    ("label", "risk", "message"),
    [
        ([0, 1, 1], [0.1, np.nan, 0.2], "risk: missing"),
        ([0, 1, 1], [0.1, np.inf, 0.2], "risk: infinite"),
        ([0, 1, 1], [0.1, 1.2, 0.2], "risk: 1.2 .* outside"),
        ([0, 1, 1], [0.1, 0.2], "risk: has 2 cases, but label has 3"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "label: all 3 cases are 1"),
        (["no", "yes", "yes"], [0.1, 0.2, 0.3], "label: text"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "label: must be 0 or 1"),
    ],
)
def test_bad_input_names_the_argument(label: list, risk: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calibration(label, risk)


def test_no_hosmer_lemeshow_function_exists() -> None:
    from helpers import stats

    folder = Path(stats.__file__).parent
    named = [
        line
        for file in folder.glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("def ") and ("hosmer" in line.lower() or "lemeshow" in line.lower())
    ]
    assert not named


def test_methods_have_numbers_and_sources() -> None:
    label, risk, _ = _oracle("calibration_overconfident")
    text = calibration(label, risk).methods
    assert "500 cases" in text and "191 events" in text and "doi:10.1002/sim.8281" in text


def test_distances_are_to_a_curve_of_shares() -> None:
    rng = np.random.default_rng(10)
    risk = np.r_[rng.uniform(0.05, 0.5, 100), 0.58]
    y = np.r_[rng.random(100) < 0.5 - risk[:100], False]  # the curve falls below 0 at the highest risk
    plain = smooth.loess_at(y.astype(float), risk, risk)
    assert np.abs(risk - plain).max() > risk.max() + 0.1
    result = calibration(y, risk, resamples=20)
    assert result.emax.value == pytest.approx(np.abs(risk - np.clip(plain, 0, 1)).max())
    assert result.emax.value <= risk.max()
    slow = []
    for counts in bootstrap_counts(y, resamples=20, seed=0):
        rows = np.repeat(np.arange(101), counts)
        slow.append(np.abs(risk[rows] - np.clip(smooth.loess_at(y[rows] + 0.0, risk[rows], risk[rows]), 0, 1)).max())
    assert [result.emax.low, result.emax.high] == pytest.approx(np.quantile(slow, [0.025, 0.975]))
    assert result.curve.low.min() >= 0 and result.curve.high.max() <= 1


def test_no_curve_is_drawn_where_no_case_lies() -> None:
    rng = np.random.default_rng(7)
    risk = np.r_[rng.uniform(0.05, 0.2, 80), rng.uniform(0.5, 0.9, 80)]
    result = calibration(rng.random(160) < risk, risk)
    frame = result.frame()
    between = frame["risk"].between(risk[:80].max(), risk[80:].min(), inclusive="neither")
    assert between.any() and frame.loc[between, ["observed", "low", "high"]].isna().all(axis=None)
    assert frame.loc[~between, ["observed", "low", "high"]].notna().all(axis=None)
    assert "not drawn between risks more than 0.1 apart" in result.methods


def test_risks_that_repeat_too_often_for_loess_get_another_curve() -> None:
    rng = np.random.default_rng(3)
    risk = np.repeat([0.1, 0.2, 0.3, *np.linspace(0.5, 0.6, 10)], [60, 60, 60, *[2] * 10])
    y = rng.random(200) < risk
    with pytest.raises(ValueError, match="singular"):
        calibration(y, risk, smoother="loess")
    made = calibration(y, risk, resamples=20)
    assert made.curve.name in ("spline", "distinct") and made.ici.low < made.ici.high
    assert calibration(y, risk, smoother="none").curve is None


def test_weights_of_the_logistic_fit_stand_for_cases() -> None:
    from helpers.stats.logistic import fit

    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 1))
    y = rng.random(60) < expit(x[:, 0])
    times = rng.integers(1, 4, 60)
    design = np.column_stack([np.ones(60), x])
    plain = fit(np.repeat(y, times), np.repeat(design, times, axis=0))
    weighted = fit(y, design, weight=times)
    np.testing.assert_allclose(weighted.coefficient, plain.coefficient, rtol=1e-9)
    np.testing.assert_allclose(weighted.covariance, plain.covariance, rtol=1e-9)


def test_binned_bootstrap_of_the_spline_agrees_with_refitting_every_case() -> None:
    from helpers.stats.calibration_indices import indices
    from helpers.stats.smooth import smooth

    rng = np.random.default_rng(5)
    risk = rng.uniform(0.05, 0.95, 3000)
    y = rng.random(3000) < risk**1.3
    curve = smooth(y, risk, smoother="spline")
    made = indices(y, risk, curve, resamples=200)
    slow = []
    for _ in range(60):
        rows = np.concatenate([rng.choice(np.flatnonzero(y == k), int((y == k).sum())) for k in (True, False)])
        slow.append(np.mean(np.abs(risk[rows] - smooth(y[rows], risk[rows], smoother="spline").at_cases)))
    assert abs(made["ici"].se - np.std(slow, ddof=1)) < 0.35 * np.std(slow, ddof=1)
    assert abs((made["ici"].low + made["ici"].high) / 2 - np.mean(slow)) < 2 * np.std(slow, ddof=1)
    by_patient = indices(y, risk, curve, patient_id=np.arange(3000) // 2, resamples=50)
    assert by_patient["e90"].low < by_patient["e90"].high


def test_a_spline_whose_steps_never_vanish_by_rounding_is_still_fitted() -> None:
    rng = np.random.default_rng(5)
    risk = rng.uniform(0.05, 0.95, 3000)
    y = rng.random(3000) < risk**1.3
    for _ in range(60):  # one of these samples used to be called separated
        rows = np.concatenate([rng.choice(np.flatnonzero(y == k), int((y == k).sum())) for k in (True, False)])
        x = logistic.logit_risk(risk[rows])[0]
        design = np.column_stack([np.ones(3000), smooth.spline_basis(x, smooth.spline_knots(x))])
        assert np.isfinite(logistic.fit(y[rows], design).coefficient).all()

"""Calibration of several models: maps under cross-validation, what is not estimable, and what sentences may claim."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from helpers.book import sentences_calibration
from helpers.stats import calibrated, calibrated_plot
from helpers.stats.auc import auc
from helpers.stats.brier import brier_change
from helpers.stats.calibration import calibration
from helpers.stats.models import Panel
from helpers.stats.recalibration import NoFiniteFit, recalibrate


def panel(split: str, label, risk, patients=None) -> Panel:
    case = np.array([f"C{k:04}" for k in range(len(label))], dtype=object)
    who = case if patients is None else np.asarray(patients, dtype=object)
    return Panel(split, np.asarray(label, dtype=int), who, case, {"m": np.asarray(risk, dtype=float)})


def weak(n: int = 134, events: int = 31) -> Panel:
    """Out-of-fold risks that say little, as of a study with few events."""
    rng = np.random.default_rng(2)
    label = rng.permutation(np.arange(n) < events)
    return panel("oof", label, expit(-1.2 + 0.3 * label + rng.normal(0, 0.5, n)))


def test_a_shift_of_the_intercept_under_cross_validation_keeps_slope_and_ranking() -> None:
    part = weak()
    raw = calibration(part.label, part.risks["m"])
    made = calibrated.mapped(part, part, "m", "intercept")
    slopes = raw.slope.value, calibration(part.label, made).slope.value
    assert slopes[1] == pytest.approx(slopes[0], abs=0.04)
    assert auc(part.label, made).value == pytest.approx(auc(part.label, part.risks["m"]).value, abs=0.01)
    # fitted on all but one patient, events lose rank and slope: what the groups are for
    alone = np.empty(part.n)
    for k in range(part.n):
        rest = np.arange(part.n) != k
        fitted = recalibrate(part.label[rest], part.risks["m"][rest], method="intercept", split="oof")
        alone[k] = fitted.apply(part.risks["m"][[k]])[0]
    assert calibration(part.label, alone).slope.value < slopes[0] - 0.1


def test_every_group_has_its_share_of_events_and_no_patient_is_in_two() -> None:
    rng = np.random.default_rng(0)
    patients = np.sort(rng.integers(0, 90, 200)).astype(str)
    label = (rng.random(90) < 0.3)[patients.astype(int)] & (rng.random(200) < 0.8)
    part = panel("oof", label, rng.uniform(0.1, 0.9, 200), patients)
    maps = calibrated.fits(part, part, "m", "intercept")
    assert len(maps) == 10 and (sum(rows.astype(int) for rows, _ in maps) == 1).all()
    for rows, fitted in maps:
        assert not set(patients[rows]) & set(patients[~rows])
        slow = recalibrate(label[~rows], part.risks["m"][~rows], method="intercept", split="oof")
        assert fitted.intercept == slow.intercept and fitted.record["n"] == 200 - rows.sum()
    even = calibrated.fits(weak(), weak(), "m", "intercept")
    assert {(int(rows.sum()), int(weak().label[rows].sum())) for rows, _ in even} <= {(13, 3), (14, 3), (14, 4)}


def test_no_group_is_without_an_event() -> None:
    part = weak(n=60, events=4)
    maps = calibrated.fits(part, part, "m", "intercept")
    assert [int(part.label[rows].sum()) for rows, _ in maps] == [1] * 4


def test_methods_say_how_patients_were_dealt_and_what_maps_lack() -> None:
    part = weak()
    said = calibrated.ladder_methods(calibrated.ladder(part, [part]))
    assert "up to ten groups" in said and "doi:10.1186/1471-2105-8-326" in said
    assert "All models (isotonic): isotonic maps overfit below about 1000 cases" in said
    elsewhere = panel("tune", part.label, part.risks["m"])
    said = calibrated.ladder_methods(calibrated.ladder(elsewhere, [panel("test", part.label, part.risks["m"])]))
    assert "ten groups" not in said and calibrated.ladder_methods(None) == ""


def test_a_change_of_the_brier_score_is_paired() -> None:
    rng = np.random.default_rng(3)
    y, before = rng.random(80) < 0.3, rng.uniform(0.1, 0.9, 80)
    after = expit(logit(before) - 0.8)
    one = brier_change(y, before, after)
    gap = (after - y) ** 2 - (before - y) ** 2
    assert one.value == pytest.approx(np.mean((after - y) ** 2) - np.mean((before - y) ** 2))
    assert one.se == pytest.approx(np.std(gap, ddof=1) / np.sqrt(80))
    twice = (np.repeat(part, 2) for part in (y, before, after))
    assert brier_change(*twice, patient_id=np.repeat(np.arange(80), 2)).se == pytest.approx(one.se)


def test_no_temperature_turns_the_ranking_round() -> None:
    rng = np.random.default_rng(1)
    risk = rng.uniform(0.1, 0.45, 60)  # all below one half, and most are events: only a negative T would lift them
    label = rng.random(60) < 0.9
    with pytest.raises(NoFiniteFit, match="temperature has no finite fit; no temperature above 0 fits better than a"):
        recalibrate(label, risk, method="temperature")
    turned = recalibrate([1, 1, 1, 0, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.65, 0.25], method="slope")
    assert turned.slope < 0 and "turns the ranking round" in turned.record["note"]


def flat() -> tuple[Panel, Panel]:
    """Risks that differ in the fourth decimal, on the cases that choose and on those that judge."""
    rng = np.random.default_rng(4)
    made = [(rng.random(40) < 0.6, rng.uniform(0.4926, 0.4929, 40)) for _ in range(2)]
    return panel("tune", *made[0]), panel("test", *made[1])


def test_one_risk_for_everyone_has_no_slope_no_curve_and_no_map_of_a_slope() -> None:
    chooser, judged = flat()
    result = calibration(judged.label, judged.risks["m"])
    assert np.isnan(result.slope.value) and np.isnan(result.ici.value) and result.curve is None
    assert result.slope.note.startswith("not estimable: everyone has nearly the same risk (0.492")
    assert np.isfinite(result.in_the_large.value) and np.isfinite(result.observed_expected.low)
    for method in ("temperature", "slope"):
        with pytest.raises(NoFiniteFit, match="everyone has nearly the same risk"):
            recalibrate(chooser.label, chooser.risks["m"], method=method)
    curves = calibrated.every([judged])
    assert "m (Test): slope and curve not estimable: everyone has nearly the same risk" in calibrated.methods(curves)
    ladder = calibrated.ladder(chooser, [judged])
    shown, _ = calibrated.ladder_shown(ladder)
    assert shown.set_index("method").loc[["temperature", "slope"], "Brier score"].tolist() == ["–", "–"]
    assert "temperature has no finite fit; everyone has nearly the same risk" in calibrated.ladder_methods(ladder)
    figure = calibrated_plot.plot(curves)
    assert any("Curve not estimable" in text.get_text() for text in figure.axes[0].texts)
    plt.close("all")


def test_rare_risks_that_differ_tenfold_keep_their_slope() -> None:
    rng = np.random.default_rng(5)
    risk = rng.uniform(0.0008, 0.008, 20_000)
    assert np.isfinite(calibration(rng.random(20_000) < risk, risk, smoother="none").slope.value)


def test_numbers_stand_above_the_square_and_not_over_its_curves() -> None:
    figure = calibrated_plot.plot(calibrated.every([weak()]))
    figure.canvas.draw()
    ax = figure.axes[0]
    square = ax.get_window_extent()
    told = next(text for text in ax.texts if "O:E" in text.get_text())
    assert "too few events" in told.get_text() and told.get_window_extent().y0 >= square.y1
    assert ax.get_legend().get_window_extent().y1 <= square.y0 and len(ax.texts) == 1
    assert ax._left_title.get_window_extent().y0 >= told.get_window_extent().y1
    plt.close("all")


def test_many_small_squares_say_that_there_is_no_slope() -> None:
    _, judged = flat()
    many = Panel(
        "test", judged.label, judged.patient_id, judged.case_id, {f"m{k}": judged.risks["m"] for k in range(6)}
    )
    figure = calibrated_plot.plot(calibrated.every([many]))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["Test: slope –"]
    plt.close("all")


def row(**changes: object) -> dict[str, object]:
    made = {"split": "Test", "model": "a", "slope": 1.1, "slope_low": 0.6, "slope_high": 1.6, "no_slope": ""}
    ratio = {"observed_expected": 1.2, "observed_expected_low": 0.9, "observed_expected_high": 1.6}
    large = {"in_the_large": 0.2, "in_the_large_low": -0.1, "in_the_large_high": 0.5}
    return made | ratio | large | changes


def test_a_sentence_gives_the_ratio_instead_of_no_sign() -> None:
    said = sentences_calibration.calibration(pd.DataFrame([row(slope=-0.21, slope_low=-3.3, slope_high=2.88)]))
    assert said == "Test: a: slope −0.21 (−3.30 to 2.88); O:E 1.20 (0.90 to 1.60)."
    high = {"observed_expected": 0.6, "observed_expected_low": 0.4, "observed_expected_high": 0.8}
    said = sentences_calibration.calibration(pd.DataFrame([row(**high, slope_high=0.9)]))
    assert (
        said == "Test: a: slope 1.10 (0.60 to 0.90), too extreme; O:E 0.60 (0.40 to 0.80), risks too high on the whole."
    )
    low = {"in_the_large": 0.83, "in_the_large_low": 0.2, "in_the_large_high": 1.46}
    said = sentences_calibration.calibration(pd.DataFrame([row(**low)]))
    assert said.endswith(
        "; O:E 1.20 (0.90 to 1.60), risks too low on the whole (intercept in the large 0.83 (0.20 to 1.46))."
    )
    nothing = dict.fromkeys(("slope", "slope_low", "slope_high"), np.nan)
    said = sentences_calibration.calibration(pd.DataFrame([row(**nothing, no_slope="not estimable: why")]))
    assert said == "Test: a: slope not estimable: why; O:E 1.20 (0.90 to 1.60)."
    many = pd.DataFrame([row(model=f"m{k}") for k in range(5)] + [row(model="flat", **nothing)])
    assert sentences_calibration.calibration(many).endswith("; the slope of 1 is not estimable.")


def changes(split: str, model: str, ratio: tuple[float, float], change: tuple[float, float, float]) -> list[dict]:
    about = {"split": split, "model": model}
    names = ("brier_change", "brier_change_low", "brier_change_high")
    after = {"method": "intercept", "observed_expected": ratio[1], **dict(zip(names, change))}
    return [about | {"method": "none", "observed_expected": ratio[0]}, about | after]


def test_what_an_update_does_is_said_of_every_split_better_or_worse() -> None:
    rows = changes("Test", "a", (1.35, 0.92), (-0.027, -0.05, -0.004))
    rows += changes("External test", "a", (0.7, 0.48), (0.121, 0.04, 0.201))
    assert sentences_calibration.mended(pd.DataFrame(rows)) == (
        "Updating the intercept on other cases changes the Brier score (95 % CI). "
        "Test: a by −0.027 (−0.050 to −0.004), better, and O:E from 1.35 to 0.92. "
        "External test: a by +0.121 (0.040 to 0.201), worse, and O:E from 0.70 to 0.48, further from 1."
    )
    none = pd.DataFrame(changes("Test", "a", (0.91, 0.91), (-0.0002, -0.0004, 0.0001)))
    said = sentences_calibration.mended(none)
    assert said.endswith("Test: a by 0.000 (0.000 to 0.000), no clear change, and O:E from 0.91 to 0.91.")
    many = [one for k in range(6) for one in changes("Test", f"m{k}", (1.0, 1.2), (0.1, 0.05, 0.2))]
    assert "of 6 models it is better for 0 and worse for 6" in sentences_calibration.mended(pd.DataFrame(many))


def test_a_decision_says_where_its_risks_are_still_off() -> None:
    rng = np.random.default_rng(6)
    risk = rng.uniform(0.2, 0.8, 300)
    chooser = panel("tune", rng.random(300) < risk, risk)
    right, off = panel("test", rng.random(300) < risk, risk), panel("external", rng.random(300) < risk / 2, risk)
    said = sentences_calibration.risks(chooser, [right, off])
    warned = "On the judged cases these risks are still off, and their curves suffer from it. External test: m O:E 0."
    assert warned in said and said.endswith(", too high on the whole.") and "Test:" not in said
    assert "still off" not in sentences_calibration.risks(chooser, [right])
    assert "too high on the whole" in sentences_calibration.risks(None, [off])
    assert "still off" not in sentences_calibration.risks(None, [off], prevalence=0.1)


def test_only_networks_are_expected_to_need_a_map() -> None:
    assert "network" not in sentences_calibration.maps(weak(), networks=False, unit="patient")
    said = sentences_calibration.maps(weak(), networks=True, unit="patient")
    assert "A network whose training" in said and f"fitted on the {weak().n} patients with" in said


def test_a_rung_without_a_finite_fit_leaves_the_others_standing() -> None:
    label, risk = np.arange(20) % 2, np.where(np.arange(20) % 2, 0.8, 0.2)  # tuning risks separate the classes
    chooser = panel("tune", label, risk)
    judged = panel("test", label, np.random.default_rng(0).uniform(0.2, 0.8, 20))
    with pytest.raises(NoFiniteFit, match="separates the classes"):
        recalibrate(label, risk, method="slope")
    made = calibrated.ladder(chooser, [judged]).set_index("method")
    assert np.isnan(made.loc["slope", "brier"]) and "separates the classes" in made.loc["slope", "note"]
    assert np.isfinite(made.loc[["none", "intercept", "isotonic"], "brier"]).all()
    shown, columns = calibrated.ladder_shown(made.reset_index())
    assert shown.set_index("method").loc["slope", "Slope"] == "–" and "Slope" in columns
    empty = made.reset_index().assign(brier_change=np.nan)
    said = "No intercept can be fitted on the cases that may choose."
    assert sentences_calibration.mended(empty) == said

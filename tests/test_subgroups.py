"""Subgroups: the same numbers as on the part alone, honest about small ones, and tests of the right size and power."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from helpers.book import sentences_subgroups as sentences
from helpers.data.errors import StudyError
from helpers.data.study import from_text
from helpers.stats import models, subgroup_panels, subgroup_tables
from helpers.stats.calibration import observed_expected
from helpers.stats.discrimination import auc
from helpers.stats.families import holm
from helpers.stats.subgroup_cases import Cases
from helpers.stats.subgroup_tests import detectable, differences, heterogeneity, widest_gap
from helpers.stats.subgroups import MINIMUM, UNKNOWN, levels, subgroups


def _data(n: int, seed: int, effect: float = 0.0, per_patient: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    lp = rng.normal(-0.5, 1.2, n)
    sex = rng.choice(["female", "male"], n)
    frame = pd.DataFrame({"patient_id": np.arange(n) // per_patient, "sex": sex, "risk": expit(lp)})
    frame["label"] = (rng.random(n) < expit(lp * (1 - effect * (sex == "male")))).astype(int)
    return frame


def test_estimates_equal_those_of_the_part_alone() -> None:
    frame = _data(400, 0)
    table = subgroups(frame, by=["sex"]).frame().set_index("level")
    part = frame[frame["sex"] == "male"]
    alone = auc(part["label"], part["risk"], interval="logit")
    assert table.loc["male", ["value", "low", "high"]].tolist() == [alone.value, alone.low, alone.high]
    every = auc(frame["label"], frame["risk"], interval="auto")
    assert table.loc["all", ["value", "low", "high"]].tolist() == [every.value, every.low, every.high]
    assert table.loc["male", "n"] == len(part) and table.loc["all", "events"] == frame["label"].sum()


def test_two_subgroups_are_compared_on_the_logit_scale() -> None:
    frame = _data(400, 1, effect=0.7)
    test = subgroups(frame, by=["sex"]).interaction.iloc[0]
    parts = [frame[frame["sex"] == sex] for sex in ("female", "male")]
    found = [auc(part["label"], part["risk"]) for part in parts]
    variance = sum((one.se / (one.value * (1 - one.value))) ** 2 for one in found)
    z = (logit(found[0].value) - logit(found[1].value)) / np.sqrt(variance)
    assert test["statistic"] == pytest.approx(z**2, rel=1e-9)
    assert test["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)


def test_three_subgroups_are_compared_as_cochran_would() -> None:
    frame = _data(600, 2)
    frame["third"] = np.array(["a", "b", "c"])[np.arange(600) % 3]
    result = subgroups(frame, by=["third"], measure="observed_expected")
    parts = [part for _, part in frame.groupby("third")]
    found = [observed_expected(p["label"].to_numpy(), p["risk"].to_numpy()) for p in parts]
    value = np.log([one.value for one in found])
    weight = 1 / np.array([one.se / one.value for one in found]) ** 2
    q = np.sum(weight * (value - np.sum(weight * value) / weight.sum()) ** 2)
    test = result.interaction.iloc[0]
    assert (test["statistic"], test["df"]) == (pytest.approx(q), 2)
    assert test["p_value"] == pytest.approx(stats.chi2.sf(q, 2))


def test_differences_of_shares_are_newcombes() -> None:
    # Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, table II, method 10:
    # 56/70 - 48/80 is 0.2000 (0.0524 to 0.3339), and 9/10 - 3/10 is 0.6000 (0.1705 to 0.8090)
    for (x1, n1), (x2, n2), low, high in [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)]:
        hit = np.repeat([1, 0, 1, 0], [x1, n1 - x1, x2, n2 - x2])
        frame = pd.DataFrame({"risk": 0.8 * hit, "label": 1, "g": np.repeat(["one", "two"], [n1, n2])})
        frame = pd.concat([frame, frame.assign(label=0)])
        result = subgroups(frame, by=["g"], measure="sensitivity", threshold=0.5)
        row = result.differences.iloc[0]
        ends = (low, high) if row["reference"] == "two" else (-high, -low)
        assert row[["low", "high"]].tolist() == pytest.approx(ends, abs=6e-5)


def _cases(frame: pd.DataFrame) -> tuple[Cases, dict]:
    """The cases of `_binormal` without the tables around them, and their levels."""
    cases = Cases(frame["label"].to_numpy(bool), frame["risk"].to_numpy(), None, "auc", None, 0.95)
    masks = {name: (frame["group"] == name).to_numpy() for name in sorted(set(frame["group"]))}
    return cases, {name: (mask, cases.estimate(mask)) for name, mask in masks.items()}


def test_the_difference_of_aucs_covers_and_the_largest_level_is_the_reference() -> None:
    rng, covered = np.random.default_rng(4), 0
    for _ in range(400):
        cases, groups = _cases(_binormal(rng, [(12, 40), (20, 40)], [0.85, 0.7]))
        ((level, reference, _, low, high),) = differences(cases, groups)
        assert (level, reference) == ("a", "b")
        covered += low <= 0.15 <= high
    assert 0.92 <= covered / 400 <= 0.98  # 95 %, Monte Carlo error 1.1 %


def test_sensitivity_uses_fishers_exact_test() -> None:
    frame = _data(120, 2)
    result = subgroups(frame, by=["sex"], measure="sensitivity", threshold=0.4)
    events = frame[frame["label"] == 1]
    table = pd.crosstab(events["sex"], events["risk"] >= 0.4)
    assert result.interaction["p_value"][0] == pytest.approx(stats.fisher_exact(table).pvalue)
    assert result.frame().set_index("level").loc["male", "value"] == pytest.approx(
        (events.loc[events["sex"] == "male", "risk"] >= 0.4).mean()
    )
    assert "at the threshold 0.4" in result.methods


def test_small_subgroups_are_marked_and_not_estimated() -> None:
    frame = _data(300, 3)
    frame["center"] = np.where(np.arange(300) < 7, "C", np.where(np.arange(300) % 2, "A", "B"))
    result = subgroups(frame, by={"center": "Centre"})
    row = result.frame().set_index("level").loc["C"]
    assert not row["estimated"] and np.isnan(row["value"]) and "too small: fewer than 8" in row["note"]
    assert result.interaction["df"].tolist() == [1, 1]  # A and B only
    texts = [text.get_text() for text in result.plot().texts]
    assert texts.count("too small") == 1 and texts.count("300") == 0
    plt.close("all")


def test_tests_keep_their_size_and_find_a_true_interaction() -> None:
    rejected = np.zeros(2)
    for seed in range(100):
        rejected += subgroups(_data(300, seed), by=["sex"], draws=2).interaction["p_value"].to_numpy() < 0.05
    assert (rejected / 100 < 0.12).all() and (rejected / 100 > 0.0).all()
    strong = subgroups(_data(2000, 0, effect=0.9), by=["sex"]).interaction
    assert (strong["p_value"] < 1e-4).all()


def test_patients_in_several_subgroups_are_not_taken_for_independent() -> None:
    frame = _data(400, 5)
    double = pd.concat([frame.assign(side="left"), frame.assign(side="right")])  # the same nodule twice
    result = subgroups(double, by=["side"])
    assert result.patients == 400
    assert np.isnan(result.interaction["p_value"][0])  # the difference is 0 in every resample: no variance, no test
    nearly = double.assign(risk=np.clip(double["risk"] + np.random.default_rng(0).normal(0, 0.02, 800), 0.001, 0.999))
    aware = subgroups(nearly, by=["side"]).interaction["statistic"][0]
    naive = subgroups(nearly.drop(columns="patient_id"), by=["side"]).interaction["statistic"][0]
    assert aware > 3 * naive


def test_holm_is_over_variables_within_a_test() -> None:
    frame = _data(400, 6)
    frame["half"] = np.where(np.arange(400) % 2, "a", "b")
    table = subgroups(frame, by=["sex", "half"]).interaction
    for _, part in table.groupby("test"):
        p = np.sort(part["p_value"])
        want = np.minimum(1, [2 * p[0], max(2 * p[0], p[1])])
        assert np.sort(part["p_holm"]) == pytest.approx(want)


def test_observed_expected_and_scores_beyond_0_and_1() -> None:
    frame = _data(300, 7)
    table = subgroups(frame, by=["sex"], measure="observed_expected").frame().set_index("level")
    part = frame[frame["sex"] == "female"]
    assert table.loc["female", "value"] == pytest.approx(part["label"].sum() / part["risk"].sum())
    scores = subgroups(frame.assign(risk=10 * frame["risk"]), by=["sex"])
    assert scores.interaction["test"].tolist() == ["heterogeneity of AUC"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": ["center"]}, "'center' is not in the table"),
        ({"by": []}, "at least one column"),
        ({"by": ["risk"]}, "cut it at declared values"),
        ({"measure": "accuracy"}, "measure: 'accuracy'"),
        ({"measure": "sensitivity"}, "threshold: sensitivity needs one"),
        ({"minimum": 1}, "minimum"),
        ({"level": 95}, "level"),
    ],
)
def test_bad_input_names_the_argument(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subgroups(_data(60, 0), **({"by": ["sex"]} | change))


def test_bad_labels_and_risks_are_refused() -> None:
    frame = _data(60, 0)
    with pytest.raises(ValueError, match="label: all 60 cases are 1"):
        subgroups(frame.assign(label=1), by=["sex"])
    with pytest.raises(ValueError, match="risk: missing"):
        subgroups(frame.assign(risk=np.nan), by=["sex"])


def _binormal(rng: np.random.Generator, sizes: list[tuple[int, int]], aucs: list[float]) -> pd.DataFrame:
    parts = []
    for k, ((events, others), area) in enumerate(zip(sizes, aucs)):
        shift = np.sqrt(2) * stats.norm.ppf(area)
        score = np.r_[rng.normal(shift, 1, events), rng.normal(0, 1, others)]
        label = np.repeat([1, 0], [events, others])
        parts.append(pd.DataFrame({"group": "abc"[k], "label": label, "risk": stats.norm.cdf(score)}))
    return pd.concat(parts, ignore_index=True)


def test_at_the_minimum_the_interval_covers_and_the_test_keeps_its_size() -> None:
    rng, covered, rejected, runs = np.random.default_rng(5), 0, 0, 400
    for _ in range(runs):
        cases, groups = _cases(_binormal(rng, [(MINIMUM, 30)] * 2, [0.85, 0.85]))
        masks, made = zip(*groups.values())
        covered += made[0].low <= 0.85 <= made[0].high
        rejected += heterogeneity(cases, list(masks), list(made))[2] < 0.05
    assert 0.92 <= covered / runs <= 0.98
    assert 0.025 <= rejected / runs <= 0.085


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    rng, sizes, seen = np.random.default_rng(6), [(16, 60), (14, 50)], []
    cases, groups = _cases(_binormal(rng, [(160, 600), (140, 500)], [0.75, 0.75]))
    reach = detectable(cases, [mask for mask, _ in groups.values()]) * np.sqrt(10)  # for a tenth of the cases
    for _ in range(300):
        cases, groups = _cases(_binormal(rng, sizes, [0.75 + reach / 2, 0.75 - reach / 2]))
        masks, made = zip(*groups.values())
        seen.append(heterogeneity(cases, list(masks), list(made))[2] < 0.05)
    assert 0.25 < reach < 0.35
    assert 0.73 <= np.mean(seen) <= 0.88


def test_the_widest_gap_is_judged_by_chance() -> None:
    rng, shares = np.random.default_rng(7), []
    for seed in range(150):
        cases, groups = _cases(_binormal(rng, [(20, 50), (15, 50)], [0.75, 0.75]))
        half = rng.random(len(cases.y)) < 0.5
        other = {"x": (half, cases.estimate(half)), "y": (~half, cases.estimate(~half))}
        shares.append(widest_gap(cases, {"group": groups, "other": other}, draws=200, seed=seed).p_value)
    assert 0.35 <= np.mean(np.array(shares) <= 0.5) <= 0.65
    assert np.mean(np.array(shares) <= 0.05) <= 0.1
    apart = subgroups(_binormal(rng, [(60, 100)] * 2, [0.95, 0.6]), by={"group": "Group"}).gap
    assert (apart.variable, apart.high_level, apart.low_level) == ("Group", "a", "b")
    assert apart.p_value < 0.01 and apart.value > apart.upper > apart.median


def test_a_perfect_subgroup_has_a_wide_interval_and_no_test() -> None:
    frame = _data(300, 8)
    perfect = frame["sex"] == "male"
    frame.loc[perfect, "risk"] = 0.1 + 0.8 * frame.loc[perfect, "label"]
    result = subgroups(frame, by=["sex"])
    row = result.frame().set_index("level").loc["male"]
    assert row["value"] == 1 and row["high"] == 1 and 0.8 < row["low"] < 1
    assert "exactly 1" in row["note"]
    test = result.interaction.iloc[0]
    assert test["df"] == 1 and np.isnan(test["p_value"])


def test_missing_values_are_a_level_that_no_test_compares() -> None:
    frame = _data(300, 9)
    frame.loc[frame.index[:60], "sex"] = None
    result = subgroups(frame, by=["sex"])
    assert result.frame()["level"].tolist() == ["all", "female", "male", UNKNOWN]
    without = subgroups(frame.dropna(), by=["sex"])
    assert result.interaction["statistic"].tolist() == without.interaction["statistic"].tolist()
    assert UNKNOWN not in set(result.differences["level"]) | set(result.differences["reference"])


def test_many_named_centres_are_levels_but_many_numbers_are_not() -> None:
    assert len(levels(pd.Series([f"Centre {k}" for k in range(20)]))) == 20
    with pytest.raises(ValueError, match="13 levels; cut it"):
        levels(pd.Series(range(13)))


STUDY = """
name: demo
title: A demonstration
question: Does it work for everyone?
source: {kind: own}
outcome: {name: cancer, positive: yes_, negative: no_, reference_standard: histology}
covariates:
  - {name: age, label: Age, type: continuous, predictor: true}
  - {name: sex, label: Sex, levels: [female, male], predictor: true}
  - {name: scanner, label: Scanner, levels: [one, two]}
validation: {kind: test}
threshold: {rule: declared, value: 0.4}
subgroups: [sex, center, scanner]
chapters: [cohort, subgroups]
"""


@pytest.fixture(scope="module")
def study_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A predictions table of four models and the cohort it belongs to, in another order."""
    frame = _data(360, 11, effect=0.0).assign(scanner="one", center=np.array(["A", "B"])[np.arange(360) // 180])
    frame = frame.assign(case_id=[f"C{i}" for i in range(360)], split=np.array(["tune", "test"])[np.arange(360) % 2])
    frame["patient_id"] = frame["case_id"].str.replace("C", "P")
    rng = np.random.default_rng(12)
    parts = []
    for name, noise in [("image", 2.0), ("video", 0.5), ("both", 1.0), ("clinical", 3.0)]:
        risk = expit(logit(frame["risk"]) + rng.normal(0, noise, len(frame)))
        parts.append(frame.assign(model=name, seed=0, risk=risk))
    return pd.concat(parts), frame.sample(frac=1, random_state=1)


@pytest.fixture(scope="module")
def made(study_tables) -> dict:
    table, cohort = study_tables
    part, chooser = models.panel(table, split="test"), models.panel(table, split="tune")
    frozen = models.freeze(chooser, rule="declared", value=0.4)
    return subgroup_panels.all_forests(part, cohort, from_text(STUDY), frozen, draws=100)


def test_models_are_drawn_by_a_rule_that_reads_no_test_label(study_tables) -> None:
    table, _ = study_tables
    chooser = models.panel(table, split="tune")
    names = ["image", "video", "both", "clinical"]
    assert subgroup_panels.drawn(names, chooser=chooser, baseline="clinical") == ["clinical", "video", "both"]
    alone = ["image", "video", "both"]
    assert subgroup_panels.drawn(alone, chooser=chooser, baseline="clinical") == ["video", "both", "image"]
    assert subgroup_panels.drawn(names, chooser=None, baseline="clinical") == ["clinical", "image", "video"]
    assert subgroup_panels.drawn(["one"], chooser=None, baseline="clinical") == ["one"]


def test_the_study_declares_the_subgroups_and_the_cohort_gives_them(study_tables, made) -> None:
    table, _cohort = study_tables
    assert list(subgroup_panels.declared(from_text(STUDY)).values()) == ["Sex", "Centre", "Scanner"]
    every = subgroup_panels.declared(from_text(STUDY.replace("subgroups: [sex, center, scanner]\n", "")))
    assert list(every) == ["sex", "scanner", "center"]  # and no continuous covariate
    forest = made["auc"]
    assert forest.uniform == ("Scanner",) and "left out: Scanner" in forest.methods
    part = table[(table["split"] == "test") & (table["model"] == "video") & (table["sex"] == "male")]
    row = forest.frame().query("model == 'video' and level == 'male'").iloc[0]
    assert row["value"] == auc(part["label"], part["risk"]).value and row["n"] == len(part)


def test_holm_is_over_the_models_and_variables_of_a_figure(made) -> None:
    forest = made["auc"].only(["clinical", "video"])
    tests = forest.heterogeneity()
    assert len(tests) == 4
    assert tests["p_holm"].to_numpy() == pytest.approx(holm(tests["p_value"].to_numpy()))
    both = forest.tests()
    assert both.groupby("test")["p_holm"].count().tolist() == [4, 4]


def test_methods_name_the_test_that_was_made(made) -> None:
    assert "heterogeneity by Fisher's exact test" in made["sensitivity"].methods
    frame = _data(400, 5, per_patient=2)
    part = subgroups(frame, by=["sex"], measure="sensitivity", threshold=0.4)
    assert np.isfinite(part.interaction["statistic"][0])  # no exact test for patients with several cases
    said = subgroup_panels.Forest("Test", {"one": part}).methods
    assert "robust by patient" in said and "400 cases of 200 patients" in said and "of 1 model." in said


def test_a_case_without_a_row_in_the_cohort_is_named(study_tables) -> None:
    table, cohort = study_tables
    part = models.panel(table, split="test")
    with pytest.raises(StudyError, match="the case 'C1' has a prediction but no row here"):
        subgroup_panels.join(part, cohort[cohort["case_id"] != "C1"], ["sex"])


def test_patients_whose_cases_differ_have_no_value_when_cases_vote() -> None:
    part = models.Panel("test", np.array([0, 1]), np.array(["P1", "P2"]), np.array(["P1", "P2"]), {})
    cohort = pd.DataFrame({"case_id": list("abcd"), "patient_id": ["P2", "P1", "P1", "P2"], "side": list("llrl")})
    found = subgroup_panels.join(part, cohort, ["side"], by_patient=True)["side"]
    assert found.isna().tolist() == [True, False] and found[1] == "l"


def test_one_panel_a_model_over_the_same_rows(made) -> None:
    figure = made["auc"].only(["clinical", "video"]).plot()
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["clinical", "video"]
    first, second = ([text.get_text() for text in ax.texts] for ax in figure.axes)
    assert "female" in first and "female" not in second
    assert sum(text.startswith("P ") and "Holm" in text for text in second) == 2
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    plt.close("all")


def test_tables_hold_numbers_and_the_stated_answer(made) -> None:
    table = subgroup_tables.estimates([made])
    assert len(table) == 4 * 5 and list(table["AUC"].str.contains("–")) == [True] * 20
    row = table.query("model == 'image' and level == 'female'").iloc[0]
    assert row["Sensitivity"].startswith(f"{row['sensitivity']:.2f} (")
    contrasts = subgroup_tables.contrasts([made["auc"], made["observed_expected"]])
    assert set(contrasts["Measure"]) == {"AUC", "O:E"} and len(contrasts) == 16
    assert (contrasts["Difference"].str.contains("-") == 0).all()  # a minus sign is no hyphen
    below = contrasts["Difference"].str.contains("−")
    assert below.any() and contrasts.loc[below, "Difference"].str.contains(" to ").all()


def test_the_test_of_a_variable_stands_once_beside_its_levels() -> None:
    rng = np.random.default_rng(3)
    frame = _data(600, 2).assign(group=rng.choice(list("abc"), 600, p=[0.2, 0.5, 0.3]))
    forest = subgroup_panels.Forest("Test", {"m": subgroups(frame, by={"group": "Group", "sex": "Sex"})})
    table = subgroup_tables.contrasts([forest])
    assert table["Levels"].tolist()[:2] == ["a against b", "c against b"]
    assert table["variable"].tolist() == ["Group", "Group", "Sex"]
    for head in ("P", "Holm", "Detectable"):
        assert table[head].ne("").tolist() == [True, False, True], head
    said = subgroup_tables.contrast_methods([forest])
    assert "doi:10.1002/sim.3095" in said and "chi-square of the logit AUCs" in said and "of 1 model." in said
    assert "Holm: corrected over" in said and "Detectable" in said
    assert subgroup_tables.untested([forest]) == ""


def test_a_level_is_compared_with_the_one_of_most_cases_whatever_the_measure() -> None:
    """T1 has most cases and fewest events; it is the reference of sensitivity and of specificity alike."""
    counts = {"T1": (10, 60), "T2": (18, 20), "T3": (12, 14)}
    parts = [{"t": t, "label": int(k < e)} for t, (e, f) in counts.items() for k in range(e + f)]
    frame = pd.DataFrame(parts)
    frame["risk"] = np.random.default_rng(4).uniform(0.1, 0.5, len(frame)) + 0.3 * frame["label"]
    for measure in ("auc", "sensitivity", "specificity", "observed_expected"):
        found = subgroups(frame, by=["t"], measure=measure, threshold=0.4).differences
        assert set(found["reference"]) == {"T1"} and found["level"].tolist() == ["T2", "T3"], measure


def test_a_missing_test_is_explained_by_the_level_without_variance() -> None:
    frame = pd.DataFrame({"label": [1] * 30 + [0] * 30, "g": (["a"] * 15 + ["b"] * 15) * 2})
    rng = np.random.default_rng(5)
    frame["risk"] = rng.uniform(0.1, 0.9, 60)
    sure = frame["g"] == "a"
    frame.loc[sure, "risk"] = 0.2 + 0.6 * frame.loc[sure, "label"]
    forest = subgroup_panels.Forest("Test", {"m": subgroups(frame, by={"g": "Neck level"})})
    assert subgroup_tables.untested([forest]) == (
        "–: no test, as a level shows no variance: AUC of m by Neck level (a: 1)."
    )
    twice = frame.assign(patient_id=np.arange(60) // 2)  # by patient there is no exact test
    found = subgroups(twice, by={"g": "Neck level"}, measure="sensitivity", threshold=0.5)
    forest = subgroup_panels.Forest("Test", {"m": found})
    assert "Sensitivity of m by Neck level (a: 15 of 15)" in subgroup_tables.untested([forest])
    table = subgroup_tables.contrasts([forest])
    assert table["P"].tolist() == ["–"]


def test_a_table_of_estimates_names_how_each_measure_was_made_and_no_test(made) -> None:
    said = subgroup_tables.estimate_methods([made])
    assert "Wilson" in said and "DeLong" in said and "log scale" in said and "Holm" not in said
    assert said.startswith("AUC with logit intervals")


def test_sentences_are_computed_and_claim_no_more(made) -> None:
    auc_only = made["auc"].only(["clinical"])
    said = sentences.found(auc_only, unit="nodule")
    assert "2 variables (Sex, Centre) and 1 model no difference" in said and "180 patients" in said
    reach = auc_only.heterogeneity()["detectable"]
    assert f"of {reach.min():.2f} at best" in sentences.power(auc_only)
    assert sentences.small(auc_only) == "All 4 subgroups have at least 8 events and non-events."
    assert f"{auc_only.gaps['clinical'].value:.2f}" in sentences.chance(auc_only)
    plain = sentences.at_threshold(made, predictors={}, clinical="clinical")
    assert "tests of sensitivity, specificity and O:E" in plain
    alone = sentences.at_threshold({"sensitivity": made["sensitivity"]}, predictors={}, clinical="clinical")
    assert "of sensitivity is below" in alone or "of sensitivity these remain" in alone, "what was tested, and no more"


def test_a_true_difference_is_named_and_one_by_design_is_explained(study_tables) -> None:
    table, cohort = study_tables
    shifted = table[table["split"] == "test"].copy()
    male = shifted["sex"] == "male"
    shifted.loc[male, "risk"] = expit(logit(shifted.loc[male, "risk"]) * -1 + 2)
    part = models.panel(shifted, split="test", models=["clinical"])
    frozen = models.freeze(None, rule="declared", value=0.4, models=["clinical"])
    forests = subgroup_panels.all_forests(part, cohort, from_text(STUDY), frozen, draws=50)
    assert "differs between subgroups beyond chance by Sex for clinical" in sentences.found(
        forests["auc"], unit="nodule"
    )
    said = sentences.at_threshold(forests, predictors={"sex": "Sex"}, clinical="clinical")
    assert "specificity of clinical by Sex" in said and "by design" in said
    assert said.endswith("only O:E tells whether the risks are wrong.")
    small = forests["observed_expected"].results["clinical"]
    nothing = replace(small, interaction=small.interaction.assign(df=0, p_value=np.nan, p_holm=np.nan))
    unknown = forests | {"observed_expected": subgroup_panels.Forest("Test", {"clinical": nothing})}
    said = sentences.at_threshold(unknown, predictors={"sex": "Sex"}, clinical="clinical")
    assert said.endswith("; for Sex the levels are too small to compare it.")


def test_a_study_too_small_for_any_subgroup_says_so(study_tables) -> None:
    table, cohort = study_tables
    few = table[table["case_id"].isin([f"C{i}" for i in range(24)])]
    part = models.panel(few, split="test", models=["clinical"])
    frozen = models.freeze(None, rule="declared", value=0.4, models=["clinical"])
    forests = subgroup_panels.all_forests(part, cohort, from_text(STUDY), frozen, draws=50)
    assert sentences.found(forests["auc"], unit="nodule").startswith("Nothing can be said about the AUC")
    assert sentences.power(forests["auc"]) == sentences.chance(forests["auc"]) == ""
    assert "get no AUC" in sentences.small(forests["auc"])
    texts = [text.get_text() for text in forests["auc"].plot().axes[0].texts]
    assert "not compared" in texts and "too small" in texts
    assert subgroup_tables.contrasts([forests["auc"]]).empty
    plt.close("all")


def test_the_studies_of_the_book_declare_their_subgroups() -> None:
    found = []
    for path in sorted(Path("data").glob("*/study.yaml")):
        study = from_text(path.read_text(encoding="utf-8"))
        chapters = list(study.chapters)
        if "subgroups" in chapters:
            found.append(study.name)
            assert study.subgroups and chapters.index("subgroups") == chapters.index("decision") + 1, study.name
        else:  # a study with predictions of its own patients shows this too
            assert "decision" not in chapters, study.name
    assert found == ["calcified", "lymphnode", "occult_neck", "olnm", "three_class"]


def test_large_tables_are_tested_by_chi_square_which_agrees_with_the_exact_test():
    rng = np.random.default_rng(4)
    y, group = np.repeat([True, False], [9000, 100]), rng.integers(0, 2, 9100)
    risk = np.where(rng.random(9100) < 0.6 + 0.02 * group, 0.9, 0.1)
    cases = Cases(y, risk, None, "sensitivity", 0.5, 0.95)
    masks = [group == 0, group == 1]
    estimates = [cases.estimate(mask) for mask in masks]
    table = np.array([[np.sum(y & m & (risk > 0.5)), np.sum(y & m & (risk < 0.5))] for m in masks])
    large = heterogeneity(cases, masks, estimates)[2]
    exact = stats.fisher_exact(table).pvalue
    assert large == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert large != exact and large == pytest.approx(exact, rel=0.1)

"""Computed sentences and tables claim no more than the numbers behind them, whatever these are."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.book import findings, sentences, sentences_networks, sentences_readers, sentences_subgroups
from helpers.book import sentences_discrimination as told
from helpers.data.sections import Model
from helpers.stats import calibrated, casemix, heat_energy, reader_gains, reader_study, reader_tables, units
from helpers.stats.families import holm
from helpers.stats.models import Panel

WAYS = SimpleNamespace(ways=("unaided", "aided"), unaided="unaided", aided="aided")
FILM = SimpleNamespace(ways=("on film", "on screen"), unaided="film", aided="screen")


def energies(patients: list[str], share: np.ndarray) -> pd.DataFrame:
    who = {"model": "m", "structure": "lesion", "network": "trained", "patient_id": patients}
    who["case_id"] = np.arange(len(patients))
    areas = {"area_inside": 0.1, "area_margin": 0.1, "area_outside": 0.8}
    return pd.DataFrame(who | {"inside": share, "margin": (1 - share) / 2, "outside": (1 - share) / 2} | areas)


def test_images_of_one_patient_are_no_strangers_to_each_other():
    rng = np.random.default_rng(4)
    share = np.repeat(rng.uniform(0.1, 0.9, 12), 10)  # ten images of a patient are alike
    patients = [f"P{i // 10}" for i in range(120)]
    by_patient = heat_energy.summarise(energies(patients, share)).iloc[0]
    by_image = heat_energy.summarise(energies([f"I{i}" for i in range(120)], share)).iloc[0]
    width = [row["share_high"] - row["share_low"] for row in (by_patient, by_image)]
    assert by_patient["share"] == by_image["share"] == pytest.approx(share.mean())
    assert width[0] > 2.5 * width[1], "about the square root of ten"
    means = np.array([share[10 * i] for i in range(12)])
    assert width[0] == pytest.approx(2 * 1.96 * means.std() / np.sqrt(12), rel=0.1)


def test_maps_without_attribution_are_counted_and_the_control_is_that_of_the_same_cases():
    share = np.array([0.4, 0.6, np.nan, 0.5])
    trained = energies([f"P{i}" for i in range(4)], share)
    control = energies([f"P{i}" for i in range(4)], np.array([0.3, np.nan, 0.9, 0.4])).assign(network="random weights")
    summary = heat_energy.summarise(pd.concat([trained, control])).set_index(["network", "zone"])
    gain = summary.loc[(heat_energy.GAIN, "inside")]
    assert (gain["n"], gain["cases"], gain["share"]) == (2, 4, pytest.approx(0.1))
    said = heat_energy.sentence(summary.reset_index())
    assert said.startswith("m: 50% (95 % CI 40% to 60%) of the attribution lies inside the lesion, with 10.0% of the")
    assert said.endswith("(1 of 4 maps are empty); against random weights +10.0 percentage points (+10.0 to +10.0).")
    found = findings.of("fig-energy", pd.concat([trained, control]))
    assert found.endswith("m, trained in 3 of 3 maps, random weights in 3 of 3 maps.")

    blank = trained.assign(inside=np.nan, margin=np.nan, outside=np.nan)
    nothing = heat_energy.summarise(pd.concat([blank, control]))
    said = heat_energy.sentence(nothing)
    assert said == "m: no attribution in any of the 4 cases, so there is nothing to measure."
    assert "m, trained has no map, random weights in 3 of 3 maps." in findings.of(
        "fig-energy", pd.concat([blank, control])
    )
    lost = heat_energy.summarise(pd.concat([trained, control.assign(inside=np.nan)]))
    assert "; with random weights no map has any attribution." in heat_energy.sentence(lost)


def pairs(split: str, p_holm: float, difference: float) -> dict:
    limits = {"difference_low": difference - 0.1, "difference_high": difference + 0.1}
    return {"split": split, "a": "video", "b": "still", "difference": difference, **limits, "p_holm": p_holm}


def test_a_comparison_names_the_split_it_was_made_in_and_gives_intervals():
    said = told.comparison(pd.DataFrame([pairs("Test", 0.4, 0.01), pairs("External test", 0.01, -0.15)]))
    assert said == (
        "Test: After Holm over 1 pair, no difference in AUC is shown (smallest P 0.400); its interval allows one of up "
        "to 0.11. External test: After Holm over 1 pair, the AUC of still is 0.15 (95 % CI 0.05 to 0.25) higher than "
        "that of video (P 0.010)."
    )
    assert told.comparison(pd.DataFrame([pairs("Test", np.nan, 0.0)])) == "No pair of models could be tested."
    many = pd.DataFrame([pairs("Test", 0.001, 0.3)] * 7 + [pairs("Test", 0.5, -0.05)] * 2)
    said = told.comparison(many)
    assert said.startswith("After Holm over 9 pairs, the AUC of video is 0.30 (95 % CI 0.20 to 0.40) higher")
    assert said.endswith(
        "the AUCs of 2 more pairs differ; for the other 2 pairs no difference is shown, and their intervals allow one "
        "of up to 0.15."
    )


def test_rows_are_called_patients_only_where_none_repeats():
    row = {"split": "Test", "model": "a", "n": 165, "events": 73, "patients": 141, "values": 2}
    row |= {"auc": 0.63, "auc_low": 0.57, "auc_high": 0.69}
    said = told.best(pd.DataFrame([row]), "Test", unit="lymph node")
    assert said == (
        "AUC in 165 lymph nodes of 141 patients with 73 events (test): a 0.63 (95 % CI 0.57 to 0.69), one "
        "operating point."
    )
    voted = pd.DataFrame([row | {"n": 141, "values": 99}])
    assert told.best(voted, "Test", unit="clip").startswith("AUC in 141 patients with 73 events (test): a 0.63 (")
    assert [units.plural(unit, n=3, patients=2) for unit in ("patient", "woman", "biopsy", "mass", "image")] == [
        "cases",
        "women",
        "biopsies",
        "masses",
        "images",
    ]
    with pytest.raises(ValueError, match="patients: 4 cannot be more than the 3 rows"):
        units.plural("clip", n=3, patients=4)


def gains(**changes: float) -> pd.DataFrame:
    row = {"measure": "accuracy", "before": 0.7, "after": 0.8, "absolute_gain": 0.1, "low": 0.02, "high": 0.18}
    return pd.DataFrame([row | {"p_value": 0.02, "p_holm": 0.03} | changes])


def test_help_is_judged_after_holm_and_not_at_all_without_a_test():
    assert "higher aided than unaided: accuracy" in sentences_readers.answer(gains(), WAYS)
    unsure = gains(absolute_gain=-0.1, low=-0.22, p_holm=0.06)
    assert "no difference beyond chance between unaided and aided reading: " in sentences_readers.answer(unsure, WAYS)
    assert sentences_readers.answer(unsure, FILM) == (
        "Over readers and cases, no difference beyond chance between film and screen: accuracy (0.70, then 0.80; "
        "difference −0.10, 95 % CI −0.22 to 0.18, P after Holm 0.060)."
    )
    nothing = gains(low=np.nan, high=np.nan, p_value=np.nan, p_holm=np.nan)
    said = sentences_readers.answer(nothing, WAYS)
    assert "cannot be judged: accuracy" in said and "interval not defined" in said and "chance" not in said


def test_one_reader_a_group_says_nothing_of_other_readers():
    own = {"measure": "accuracy", "before": 0.7, "after": 0.8, "absolute_gain": 0.1, "relative_gain": 0.14}
    groups = pd.DataFrame([{"experience": name} | own for name in ("junior", "senior")])
    gap = {"first": "junior", "second": "senior", "measure": "accuracy", "difference": 0.1, "low": 0.02, "high": 0.2}
    gap |= {"random_low": np.nan, "random_high": np.nan}
    said = sentences_readers.experience(groups, pd.DataFrame([gap]))
    assert "differ for these readers, and of other readers nothing can be said" in said
    assert findings._experience(pd.DataFrame([gap])).endswith("for these readers.")
    sure = sentences_readers.experience(groups, pd.DataFrame([gap | {"random_low": 0.01, "random_high": 0.2}]))
    assert "differ, for other readers too" in sure


def test_a_share_of_no_call_is_no_share():
    row = {"reader": "all readers", "became_right": 0, "kept_wrong": 0, "became_wrong": 1, "kept_right": 9}
    row |= {"became_right_share": np.nan, "became_right_low": np.nan, "became_right_high": np.nan}
    row |= {"became_wrong_share": 0.1, "became_wrong_low": 0.02, "became_wrong_high": 0.4}
    said = sentences_readers.minds(pd.DataFrame([row]), WAYS)
    assert (
        said
        == "Of 0 calls that were wrong unaided, 0 were right aided; of 10 that were right, 1 were wrong aided "
        + ("(10%, 95 % CI 2% to 40%).")
    )


def test_means_over_readers_are_no_further_readers():
    rows = [("A", 0.15, 0.1, 0.2), ("B", -0.1, -0.2, 0.1), ("all readers", 0.02, 0.01, 0.2)]
    said = findings._reader_model(pd.DataFrame(rows, columns=["reader", "difference", "low", "high"]))
    assert said == (
        "In comparisons with single readers the model is higher in 1 of 2, lower in 1, with an interval that excludes "
        "zero in 1 (higher); intervals are not adjusted."
    )


def test_a_model_above_every_reader_is_not_said_to_be_above_none():
    """Four readers, the model above all of them, and no interval that excludes zero."""
    gaps = {"unaided": [0.1, 0.3, 0.1, 0.3, 0.2], "aided": [0.1, 0.3, 0.7 - 0.7, -0.1, 0.08]}
    names = ["JR1", "JR2", "SR1", "SR2", "all readers"]
    rows = [
        {
            "reader": reader,
            "modality": way,
            "match": "specificity",
            "difference": gap,
            "low": gap - 0.4,
            "high": gap + 0.4,
        }
        for way, found in gaps.items()
        for reader, gap in zip(names, found)
    ]
    study = SimpleNamespace(**vars(WAYS), risks=range(29), n=245, model="video")
    assert sentences_readers.model(pd.DataFrame(rows), study) == (
        "29 of the 245 cases that were read have a risk of the model video. There the model's sensitivity is set beside "
        "that of each reader, at the reader's own specificity: unaided it is higher in 4 of 4, with an interval that "
        "excludes zero in none (mean difference 0.20, 95 % CI −0.20 to 0.60); aided it is higher in 2 of 4, equal in 1, "
        "lower in 1, with an interval that excludes zero in none (mean difference 0.08, 95 % CI −0.32 to 0.48)."
    )


def test_every_model_is_followed_outside():
    rows = [("clinical", -0.01, -0.35, 0.32), ("still", -0.45, -0.79, -0.11)]
    table = pd.DataFrame(rows, columns=["model", "difference", "difference_low", "difference_high"])
    table = table.assign(auc_internal=0.8, auc_weighted=0.7, auc_weighted_low=0.6, auc_weighted_high=0.9)
    said = sentences_networks.external(SimpleNamespace(table=table, prevalence=(0.67, 0.34)))
    assert said.startswith(
        "AUC outside less AUC inside: clinical −0.01 (95 % CI −0.35 to +0.32); still −0.45 (95 % CI −0.79 to −0.11). "
    )
    assert "clinical 0.70 (0.60 to 0.90) instead of 0.80; still 0.70" in said


def test_twins_that_tie_are_neither_better_nor_worse():
    pairs = pd.DataFrame({"difference": [0.0, 0.014, -0.083, -0.403, -0.375], "p_holm": 0.9})
    said = sentences_networks.twins(SimpleNamespace(pairs=pairs, first="video", second="still", n=18, events=12))
    assert said == (
        "Over 5 networks, each trained on both, the AUC on video beside that on still is higher in 1, equal in 1, lower "
        "in 3 (median difference −0.08); 0 of these differences hold after Holm's correction, on 18 patients with 12 "
        "events."
    )


def test_reader_tests_are_one_family():
    rng = np.random.default_rng(2)
    rows = [
        (reader, way, case, case, case % 2, int(rng.integers(1, 6)) + (case % 2) + (way == "aided"))
        for reader in "ABCD"
        for way in ("unaided", "aided")
        for case in range(40)
    ]
    frame = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "patient_id", "label", "rating"])
    study = reader_study.assemble(frame, positive_from=4)
    overall = reader_gains.overall(study, reader_gains.effect(study))
    assert overall["p_holm"].tolist() == pytest.approx(holm(overall["p_value"]).tolist())
    minds = reader_tables.minds(study, overall)
    assert minds["p_holm"].iloc[:-1].tolist() == pytest.approx(holm(minds["p_value"].iloc[:-1]).tolist())
    assert np.isnan(minds["p_holm"].iloc[-1])
    assert minds[["net_low", "net_high"]].notna().all(axis=None)


def test_nothing_was_borrowed_where_nothing_was_chosen():
    one = {"video": Model(input="clip", architectures=("resnet50",))}
    two = {"video": Model(input="clip", architectures=("resnet50", "resnet18"))}
    optimism = pd.DataFrame({"optimism": [0.031]})
    assert sentences_networks.borrowed(optimism, one) == ""
    assert sentences_networks.borrowed(optimism, two).endswith("higher by up to 0.03.")
    chosen = {"video": ("clip", "resnet50")}
    assert sentences_networks.chosen(chosen, one).startswith("One network was declared for each model")
    assert sentences_networks.chosen(chosen, two) == "Chosen on the tuning patients: video: ResNet50."


def test_every_model_has_its_own_gap_by_chance():
    def gap(value: float, p_value: float) -> SimpleNamespace:
        names = {"variable": "sex", "high_level": "female", "low_level": "male"}
        return SimpleNamespace(value=value, median=0.1, p_value=p_value, **names)

    forest = SimpleNamespace(gaps={"a": gap(0.2, 1 / 501), "b": gap(0.1, 0.42)})
    said = sentences_subgroups.chance(forest)
    assert "a 0.20 (sex: female against male; by chance" in said and "less than 1 % at least this" in said
    assert "b 0.10" in said and "42 % at least this" in said


def test_the_difference_between_centres_is_by_patient():
    rng = np.random.default_rng(1)

    def side(seed: int, split: str) -> tuple[Panel, pd.DataFrame]:
        base = np.random.default_rng(seed).normal(size=40)
        label = np.repeat(np.arange(40) % 2, 5)
        risk = 1 / (1 + np.exp(-(np.repeat(base, 5) + label)))  # five clips of a patient are alike
        patients = np.repeat([f"{split}{i}" for i in range(40)], 5).astype(object)
        cases = np.array([f"{split}{i}" for i in range(200)], object)
        return Panel(split, label, patients, cases, {"m": risk}), pd.DataFrame(
            {"size": np.repeat(rng.normal(size=40), 5)}
        )

    (inside, first), (outside, second) = side(1, "test"), side(2, "external")
    signs = {"inside": first, "outside": second}
    made = casemix.compare(inside, outside, signs, ["size"], resamples=100).table.iloc[0]
    strangers = [Panel(p.split, p.label, p.case_id, p.case_id, p.risks) for p in (inside, outside)]
    naive = casemix.compare(*strangers, signs, ["size"], resamples=100).table.iloc[0]
    for name in ("difference", "auc_weighted"):
        width = [row[f"{name}_high"] - row[f"{name}_low"] for row in (made, naive)]
        assert width[0] > 1.6 * width[1], name


def test_one_subgroup_goes_from_nowhere_to_nowhere():
    row = {"model": "clinical", "measure": "auc", "variable": "Sex", "level": "female", "n": 24, "value": 0.88}
    row |= {"low": 0.66, "high": 0.96, "estimated": True}
    rows = [row | {"level": "all", "variable": "all"}, row, row | {"value": np.nan, "estimated": False}]
    said = findings._subgroups(pd.DataFrame(rows))
    assert said.startswith("One of 2 subgroups is large enough for a number: clinical 0.88 (95 % CI 0.66 to 0.96)")


def test_the_first_of_several_repeats_never_stands_alone():
    """The judged repeat can be the best or the worst of them: beside it stand the mean and the range of all."""
    runs = {"runs": 3, "auc": 0.66, "auc_min": 0.6, "auc_max": 0.7}
    many = pd.DataFrame([{"model": name} | runs for name in "abcdefg"])
    assert sentences.repeats(many.head(2), "auc", split="oof") == (
        "That is the first of 3 repeats of the cross-validation; over all of them the AUC of a is 0.66 on average "
        "(0.60 to 0.70), of b is 0.66 on average (0.60 to 0.70)."
    )
    assert sentences.repeats(many, "auc", split="test").endswith("(0.60 to 0.70), and 2 more models have several.")
    assert "first of 3 training runs" in sentences.repeats(many, "auc", split="test")
    mixed = many.head(2).assign(runs=[3, 5])
    assert "first of several repeats" in sentences.repeats(mixed, "auc", split="oof")
    assert sentences.repeats(many.assign(runs=1), "auc", split="oof") == ""
    slope = pd.DataFrame([{"model": "a", "runs": 2, "slope": 0.3, "slope_min": -0.1, "slope_max": 0.7}])
    assert "the slope of a is 0.30 on average (−0.10 to 0.70)." in sentences.repeats(slope, "slope", split="oof")
    assert sentences.repeats(slope.assign(slope=np.nan), "slope", split="oof") == ""


def test_the_slope_of_every_run_is_that_of_a_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    label = np.repeat([0, 1], 30)
    frames, slopes = [], []
    for seed in range(3):
        logit = rng.normal(size=60) + label - 0.5
        frames.append(pd.DataFrame({"model": "m", "seed": seed, "label": label, "risk": 1 / (1 + np.exp(-logit))}))
        slopes.append(LogisticRegression(C=1e9, tol=1e-10).fit(logit[:, None], label).coef_[0, 0])
    table = pd.concat(frames).assign(patient_id=[f"P{k}" for k in range(60)] * 3)
    (row,) = calibrated.over_runs(table).to_dict("records")
    assert row["runs"] == 3
    found = [row[name] for name in ("slope", "slope_min", "slope_max")]
    assert found == pytest.approx([np.mean(slopes), min(slopes), max(slopes)], abs=1e-4)
    flat = calibrated.over_runs(table.assign(risk=0.3)).iloc[0]
    assert flat["runs"] == 3 and np.isnan(flat["slope"]) and np.isnan(flat["slope_max"])

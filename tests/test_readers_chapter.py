"""The chapter on readers: every number of its tables by hand or by a slow second way, its sentences and its figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from helpers.book import sentences_readers as sentences
from helpers.data import study as studies
from helpers.data.errors import StudyError
from helpers.data.simulate.readings import write_readings
from helpers.stats import (
    agreement,
    experience,
    predictions,
    reader_agreement,
    reader_gains,
    reader_model,
    reader_plots,
    reader_study,
    reader_tables,
)
from helpers.stats.matched import compare_at_matched
from helpers.stats.mrmc import obuchowski_rockette
from helpers.stats.mrmc_ustatistics import u_statistics
from helpers.stats.proof.reader_designs import READERS

CUT = 3
SETTINGS = """
name: demo
title: A demonstration
question: Does it read?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
readers: {READERS}
chapters: [readers]
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    """Four simulated readers on 30 malignant and 50 benign patients."""
    label = np.random.default_rng(0).permutation([1] * 30 + [0] * 50)
    cohort = pd.DataFrame({"patient_id": [f"E{k:03d}" for k in range(80)], "label": label, "split": "external"})
    folder = tmp_path_factory.mktemp("readings")
    return write_readings(folder, cohort, published="data/published/D_table4.csv", seed=5)


@pytest.fixture(scope="module")
def study(table) -> reader_study.ReaderStudy:
    return reader_study.assemble(table, positive_from=CUT)


@pytest.fixture(scope="module")
def plot_of_halves(table) -> reader_study.ReaderStudy:
    """A split plot: readers J read the first 40 patients, readers S the others."""
    first = table["case_id"] < "E040"
    part = table[first == table["reader"].str.startswith("J")]
    return reader_study.assemble(part, positive_from=CUT)


def predicted(table: pd.DataFrame, *, keep: int = 60) -> pd.DataFrame:
    """A model's risks: tune patients, and the first external ones."""
    random = np.random.default_rng(7)
    cases = table.drop_duplicates("case_id").head(keep)
    rows = [("external", c, c, y) for c, y in zip(cases["case_id"], cases["label"])]
    rows += [("tune", f"T{k}", f"T{k}", k % 2) for k in range(40)]
    frame = pd.DataFrame(rows, columns=["split", "patient_id", "case_id", "label"])
    risk = 1 / (1 + np.exp(-random.normal(2.0 * frame["label"] - 1, 1.0)))
    return frame.assign(study="demo", model="video", seed=0, center="A", risk=risk)


def right(table: pd.DataFrame, reader: str, modality: str) -> pd.Series:
    own = table[(table["reader"] == reader) & (table["modality"] == modality)].set_index("case_id").sort_index()
    return ((own["rating"] >= CUT).astype(int) == own["label"]).astype(float)


# ---------------------------------------------------------------------------------------------- each reader


def test_each_reader_equals_a_count_by_hand(study, table):
    made = reader_tables.performance(study)
    assert len(made) == 8 and list(made["modality"][:2]) == ["unaided", "aided"]
    for row in made.to_dict("records"):
        own = table[(table["reader"] == row["reader"]) & (table["modality"] == row["modality"])]
        tp = sum(r >= CUT and y == 1 for r, y in zip(own["rating"], own["label"]))
        tn = sum(r < CUT and y == 0 for r, y in zip(own["rating"], own["label"]))
        fn, fp = 30 - tp, 50 - tn
        assert row["sensitivity"] == pytest.approx(tp / 30) and row["specificity"] == pytest.approx(tn / 50)
        assert row["ppv"] == pytest.approx(tp / (tp + fp)) and row["npv"] == pytest.approx(tn / (tn + fn))
        assert row["accuracy"] == pytest.approx((tp + tn) / 80)
        assert row["f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
        expected = ((tp + fp) * 30 + (fn + tn) * 50) / 80**2
        assert row["kappa"] == pytest.approx(((tp + tn) / 80 - expected) / (1 - expected))
        assert row["balanced_accuracy"] == pytest.approx((tp / 30 + tn / 50) / 2)
        sick, well = (own.loc[own["label"] == y, "rating"].to_numpy() for y in (1, 0))
        pairs = (sick[:, None] > well[None, :]).mean() + (sick[:, None] == well[None, :]).mean() / 2
        assert row["auc"] == pytest.approx(pairs)
        low, high = scipy_stats.binomtest(tp, 30).proportion_ci(method="wilson")
        assert (row["sensitivity_low"], row["sensitivity_high"]) == pytest.approx((low, high))


def test_the_half_sum_is_not_the_area_under_the_ratings(study):
    made = reader_tables.performance(study)
    assert (made["auc"] - made["balanced_accuracy"]).abs().max() > 0.01
    said = sentences.half_sum(study, made)
    assert "must not be set beside the AUC of a model" in said


def test_yes_or_no_ratings_have_no_area(table):
    binary = table.assign(rating=(table["rating"] >= CUT).astype(int))
    study = reader_study.assemble(binary)
    made = reader_tables.performance(study)
    assert made["auc"].isna().all() and not study.graded
    assert reader_gains.measures(study) == ("sensitivity", "specificity", "accuracy")
    assert "there is no AUC of a reader" in sentences.half_sum(study, made)
    graded = reader_study.assemble(table, positive_from=CUT)
    columns = ["sensitivity", "kappa_low", "f1_high"]
    assert made[columns].equals(reader_tables.performance(graded)[columns])


# ---------------------------------------------------------------------------------------------- change of mind


def test_minds_equal_a_slow_count(study, table):
    overall = reader_gains.overall(study, reader_gains.effect(study))
    made = reader_tables.minds(study, overall).set_index("reader")
    total = np.zeros(4, int)
    for reader in study.readers:
        before, after = right(table, reader, "unaided"), right(table, reader, "aided")
        counts = [int(((before == b) & (after == a)).sum()) for b, a in ((1, 1), (0, 1), (1, 0), (0, 0))]
        row = made.loc[reader]
        assert row[["kept_right", "became_right", "became_wrong", "kept_wrong"]].tolist() == counts
        assert row["became_right_share"] == pytest.approx(counts[1] / (counts[1] + counts[3]))
        low, high = scipy_stats.binomtest(counts[2], counts[0] + counts[2]).proportion_ci(method="wilson")
        assert (row["became_wrong_low"], row["became_wrong_high"]) == pytest.approx((low, high))
        assert row["net_gain"] == pytest.approx((counts[1] - counts[2]) / 80)
        changed = counts[1] + counts[2]
        assert row["p_value"] == pytest.approx(scipy_stats.binomtest(counts[1], changed).pvalue)
        total += counts
    whole = made.loc["all readers"]
    assert whole[["kept_right", "became_right", "became_wrong", "kept_wrong"]].tolist() == total.tolist()
    # one patient is in it four times, so the interval is wider than that of as many independent calls
    naive = scipy_stats.binomtest(int(total[1]), int(total[1] + total[3])).proportion_ci(method="wilson")
    assert whole["became_right_high"] - whole["became_right_low"] > naive.high - naive.low
    assert f"{total[1]} were right aided" in sentences.minds(made.reset_index(), study)
    # all readers gain what the analysis over readers and cases says, with its interval
    gained = overall.set_index("measure").loc["accuracy"]
    assert whole[["net_gain", "net_low", "net_high"]].tolist() == gained[["absolute_gain", "low", "high"]].tolist()
    assert whole["net_gain"] == pytest.approx((total[1] - total[2]) / total.sum())


# ---------------------------------------------------------------------------------------------- gains


@pytest.mark.parametrize("measure", ["sensitivity", "specificity", "accuracy"])
def test_influence_gives_the_jackknife_covariance(study, table, measure):
    made = reader_gains.values(study, measure)
    label = table.drop_duplicates("case_id").set_index("case_id").sort_index()["label"]
    chosen = {"sensitivity": label == 1, "specificity": label == 0}.get(measure, label >= 0)
    gains = pd.DataFrame({r: right(table, r, "aided") - right(table, r, "unaided") for r in study.readers})[chosen]
    n = len(gains)
    left = np.array([gains.drop(index=case).mean() for case in gains.index])
    slow = (n - 1) / n * (left - left.mean(axis=0)).T @ (left - left.mean(axis=0))
    assert made.covariance == pytest.approx(slow)
    assert made.gain == pytest.approx(gains.mean().to_numpy())


def test_gains_over_random_readers_are_those_of_obuchowski_and_rockette(study):
    compared = reader_gains.effect(study)
    made = reader_gains.overall(study, compared).set_index("measure")
    assert list(made.index) == ["auc", "sensitivity", "specificity", "accuracy"]
    for measure in ("auc", "sensitivity", "specificity"):
        options = {"metric": measure, "threshold": CUT, "modalities": ("aided", "unaided")}
        answer = obuchowski_rockette(study.readings, **options)
        assert made.loc[measure, "f"] == pytest.approx(answer.f)
        assert made.loc[measure, "df"] == pytest.approx(answer.df_denominator)
        assert made.loc[measure, "p_value"] == pytest.approx(answer.p_value)
        assert made.loc[measure, "absolute_gain"] > -1 and made.loc[measure, "method"] == "Obuchowski-Rockette"
        # the covariance of gains, which accuracy uses, leads to the same answer by another way
        own = reader_gains.single_modality(
            reader_gains.values(study, measure).gain,
            reader_gains.values(study, measure).covariance,
            level=0.95,
            lowest=-1.0,
        )[0]
        assert own["value"] == pytest.approx(made.loc[measure, "absolute_gain"])
        assert own["se"] == pytest.approx(float(answer.differences["se"].iloc[0]), rel=0.02)


def test_the_effect_on_accuracy_is_that_of_a_measure_with_one_class(study, table):
    # accuracy is the sensitivity of "being right" when every case counts as positive: one more negative case, called
    # alike by all, completes the table that obuchowski_rockette wants and changes nothing
    right_calls = table.assign(rating=((table["rating"] >= CUT).astype(int) == table["label"]).astype(int), label=1)
    extra = right_calls.drop_duplicates(["reader", "modality"]).assign(case_id="none", patient_id="none", label=0)
    twice = pd.concat([right_calls, extra, extra.assign(case_id="more", patient_id="more")])
    options = {"metric": "sensitivity", "modalities": ("aided", "unaided"), "covariance": "delong"}
    answer = obuchowski_rockette(twice, **options).differences.iloc[0]
    made = reader_gains.overall(study, {}).set_index("measure").loc["accuracy"]
    assert made["absolute_gain"] == pytest.approx(answer["difference"])
    assert [made["low"], made["high"], made["df"]] == pytest.approx(answer[["low", "high", "df"]].tolist(), rel=1e-6)


def test_absolute_and_relative_gains_are_both_named(study, table):
    made = reader_gains.overall(study, reader_gains.effect(study)).set_index("measure").loc["accuracy"]
    before = np.mean([right(table, r, "unaided").mean() for r in study.readers])
    after = np.mean([right(table, r, "aided").mean() for r in study.readers])
    assert made["absolute_gain"] == pytest.approx(after - before)
    assert made["relative_gain"] == pytest.approx(after / before - 1)
    assert made["relative_low"] < made["relative_gain"] < made["relative_high"]
    said = sentences.two_gains(made.to_frame().T.assign(measure="accuracy"), study)
    assert f"absolute gain of {100 * (after - before):.1f} percentage points" in said
    assert f"relative gain of {after / before - 1:.1%}" in said


def test_the_relative_interval_of_fixed_readers_is_that_of_the_bootstrap(study, table):
    made = reader_gains.values(study, "accuracy")
    row = reader_gains.relative(made, np.ones(4, bool), readers="fixed")
    before = np.mean([right(table, r, "unaided") for r in study.readers], axis=0)
    after = np.mean([right(table, r, "aided") for r in study.readers], axis=0)
    drawn = np.random.default_rng(1).integers(0, 80, size=(4000, 80))
    ratios = np.log(after[drawn].mean(axis=1) / before[drawn].mean(axis=1))
    width = np.log(1 + row["relative_high"]) - np.log(1 + row["relative_low"])
    assert width / (2 * 1.96) == pytest.approx(ratios.std(), rel=0.06)


def test_a_split_plot_is_compared_by_u_statistics(plot_of_halves):
    made = reader_gains.overall(plot_of_halves, reader_gains.effect(plot_of_halves)).set_index("measure")
    options = {"threshold": CUT, "modalities": ("aided", "unaided")}
    answer = u_statistics(plot_of_halves.readings, **options).differences.iloc[0]
    assert made.loc["auc", "method"] == "U-statistics"
    assert made.loc["auc", ["absolute_gain", "low", "high"]].tolist() == pytest.approx(
        answer[["difference", "low", "high"]].tolist()
    )
    accuracy = reader_gains.values(plot_of_halves, "accuracy")
    assert accuracy.covariance[0, 2] == 0  # JR1 and SR1 share no patient
    assert "each reader read a part" in sentences.design(plot_of_halves, settings("{positive_from: 3}"))


def test_what_nobody_changed_has_no_width(table):
    same = pd.concat([table[table["modality"] == "unaided"].assign(modality=name) for name in ("unaided", "aided")])
    study = reader_study.assemble(same, positive_from=CUT)
    made = reader_gains.overall(study, reader_gains.effect(study))
    assert made["absolute_gain"].abs().max() == 0 and made[["low", "high", "p_value"]].isna().all(axis=None)
    assert "interval not defined" in sentences.answer(made, study)


# ---------------------------------------------------------------------------------------------- experience


def test_the_difference_of_differences_equals_students_t_with_equal_covariances():
    random = np.random.default_rng(2)
    theta = random.uniform(0.5, 0.9, size=(2, 7))
    shared = random.normal(size=200) / 200  # every reader's gain errs with the same patients
    influence = np.stack([np.zeros((7, 200)), np.tile(shared, (7, 1))])
    first = np.array([True] * 3 + [False] * 4)
    made = reader_gains.spread(reader_gains.Values("accuracy", theta, influence), first, ~first)
    gain = theta[1] - theta[0]
    slow = scipy_stats.ttest_ind(gain[first], gain[~first])
    ends = slow.confidence_interval()
    assert [made["value"], made["df"], made["low"], made["high"]] == pytest.approx(
        [gain[first].mean() - gain[~first].mean(), 5, ends.low, ends.high]
    )


def test_groups_that_share_no_cases_are_told_apart_less_surely():
    theta = np.array([[0.6] * 4, [0.70, 0.72, 0.65, 0.64]])
    own = np.zeros((4, 200))
    own[:2, :100] = own[2:, 100:] = np.random.default_rng(0).normal(size=100) / 100
    first = np.array([True, True, False, False])
    nested = reader_gains.spread(reader_gains.Values("x", theta, np.stack([0 * own, own])), first, ~first)
    crossed = reader_gains.spread(reader_gains.Values("x", theta, np.stack([0 * own, own * 0 + own[0]])), first, ~first)
    assert nested["high"] - nested["low"] != pytest.approx(crossed["high"] - crossed["low"])
    assert nested["se"] > crossed["se"]


def test_other_readers_are_never_surer_than_these_readers():
    """Two readers whose gains lie close together by chance do not make the interval for others narrow."""
    alike = 0
    for replicate in range(8):
        readings, _ = READERS.draw(replicate)
        told = reader_study.assemble(READERS.experienced(readings), positive_from=READERS.cut)
        made = experience.by_experience(told)
        assert ((made["random_high"] - made["random_low"]) >= (made["high"] - made["low"]) - 1e-12).all()
        for measure in ("auc", "sensitivity"):
            values = reader_gains.values(told, measure)
            plain = reader_gains.single_modality(values.gain[:2], values.covariance[:2, :2], level=0.95, lowest=-1.0)[0]
            row = made[(made["measure"] == measure) & (made["experience"] == "junior")].iloc[0]
            alike += plain["high"] - plain["low"] < row["high"] - row["low"]
    assert alike > 0


def test_gains_by_experience_equal_means_by_hand(study, table):
    made = experience.by_experience(study).set_index(["measure", "experience"])
    gaps = experience.differences(study).set_index("measure")
    gain = {r: (right(table, r, "aided") - right(table, r, "unaided")) for r in study.readers}
    junior, senior = (gain[f"{k}R1"] + gain[f"{k}R2"] for k in "JS")
    row = made.loc[("accuracy", "junior")]
    assert row["absolute_gain"] == pytest.approx(junior.mean() / 2)
    se = junior.std() / 2 / np.sqrt(80)
    assert (row["low"], row["high"]) == pytest.approx(
        (row["absolute_gain"] - 1.959964 * se, junior.mean() / 2 + 1.959964 * se)
    )
    gap = (junior - senior) / 2
    row = gaps.loc["accuracy"]
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["high"] - row["low"] == pytest.approx(2 * 1.959964 * gap.std() / np.sqrt(80))
    assert row["random_high"] - row["random_low"] > 0 and row["df"] >= 2
    said = sentences.experience(made.reset_index(), gaps.reset_index())
    assert "absolute gain" in said and "relative gain" in said and "junior and senior" in said


def test_without_experience_there_are_no_groups(table):
    study = reader_study.assemble(table.drop(columns="experience"), positive_from=CUT)
    assert experience.by_experience(study) is None and experience.differences(study) is None
    assert "do not say" in sentences.experience(None, None)


# ---------------------------------------------------------------------------------------------- agreement


def test_agreement_equals_that_of_the_module_on_agreement(study, table):
    made = reader_agreement.agreement_table(study).set_index(["measure", "modality"])
    calls = table.assign(rating=(table["rating"] >= CUT).astype(int))
    for name, kind, frame in (("kappa", "cohen", calls), ("fleiss", "fleiss", calls), ("weighted", "quadratic", table)):
        options = {"categories": [1, 2, 3, 4, 5]} if kind == "quadratic" else {}
        slow = agreement.agreement(frame, kind=kind, modality="aided", **options)
        row = made.loc[(name, "aided")]
        assert [row["value"], row["low"], row["high"]] == pytest.approx([slow.value, slow.low, slow.high])
    slow = agreement.agreement(table, kind="icc", modality="unaided")
    assert made.loc[("icc", "unaided"), "value"] == pytest.approx(slow.value)
    change = made.loc[("fleiss", "change")]
    assert change["value"] == pytest.approx(
        made.loc[("fleiss", "aided"), "value"] - made.loc[("fleiss", "unaided"), "value"]
    )
    assert "Fleiss' kappa" in sentences.agreement(made.reset_index(), study)


def test_groups_of_readers_with_their_own_cases_are_averaged(plot_of_halves):
    made = reader_agreement.agreement_table(plot_of_halves).set_index(["measure", "modality"])
    values, variance = [], 0.0
    for letter in "JS":
        part = plot_of_halves.readings
        part = part[part["reader"].str.startswith(letter)].assign(rating=lambda t: (t["rating"] >= CUT).astype(int))
        slow = agreement.agreement(part, kind="fleiss", modality="aided")
        values.append(slow.value)
        variance += slow.se**2
    row = made.loc[("fleiss", "aided")]
    assert row["groups"] == 2 and row["value"] == pytest.approx(np.mean(values))
    reach = scipy_stats.t.ppf(0.975, 78) * np.sqrt(variance) / 2
    assert row["low"] == pytest.approx(row["value"] - reach)


def test_readers_who_share_no_case_have_no_agreement(table):
    names = {"JR1": "E020", "JR2": "E040", "SR1": "E060", "SR2": "E080"}
    low = {"JR1": "E000", "JR2": "E020", "SR1": "E040", "SR2": "E060"}
    own = [(c >= low[r]) and (c < names[r]) for r, c in zip(table["reader"], table["case_id"])]
    study = reader_study.assemble(table[own], positive_from=CUT)
    made = reader_agreement.agreement_table(study)
    assert made.empty and "not known" in sentences.agreement(made, study)


# ---------------------------------------------------------------------------------------------- the model


def test_the_model_is_compared_on_the_common_cases(table):
    risks = predicted(table)
    study = reader_study.assemble(table, positive_from=CUT, model="video", table=risks)
    made = reader_model.against_model(study, resamples=200)
    assert set(made["cases"]) == {60} and len(made) == 2 * 2 * 5
    external = risks[risks["split"] == "external"]
    common = table[table["case_id"].isin(external["case_id"])]
    options = {"match": "specificity", "modality": "aided", "threshold": CUT, "resamples": 200}
    slow = compare_at_matched(common, external[["case_id", "label", "risk"]], **options)
    rows = made[(made["modality"] == "aided") & (made["match"] == "specificity")].set_index("reader")
    assert rows.loc["SR1", "difference"] == pytest.approx(slow.table.set_index("reader").loc["SR1", "difference"])
    assert rows.loc["all readers", "low"] == pytest.approx(slow.low)
    assert rows.loc["all readers", "p_value"] == pytest.approx(slow.p_value)
    # by hand: at the reader's specificity the curve is read between its corners
    call = common[(common["reader"] == "SR1") & (common["modality"] == "aided")].set_index("case_id").sort_index()
    call, y = (call["rating"] >= CUT).to_numpy(), call["label"].to_numpy()
    risk = external.set_index("case_id").sort_index()["risk"].to_numpy()
    allowed = call[y == 0].mean() * (y == 0).sum()
    over = np.sort(risk[y == 0])[::-1][round(allowed)]  # the first benign case that may not be called
    assert rows.loc["SR1", "model_value"] == pytest.approx((risk[y == 1] > over).mean())
    assert "60 of the 80 cases" in sentences.model(made, study)


def test_in_a_split_plot_each_reader_meets_the_model_alone(plot_of_halves, table):
    study = reader_study.assemble(
        plot_of_halves.readings, positive_from=CUT, model="video", table=predicted(table, keep=80)
    )
    made = reader_model.against_model(study, resamples=100)
    assert set(made["cases"]) == {40} and "all readers" not in set(made["reader"])
    assert made["p_value"].isna().all() and "mean difference" not in sentences.model(made, study)


def test_cases_the_model_learned_from_are_not_used(table):
    risks = predicted(table).assign(split="train")
    with pytest.raises(ValueError, match="predicted none of the cases"):
        reader_study.assemble(table, positive_from=CUT, model="video", table=risks)
    other = predicted(table)
    other.loc[0, "label"] = 1 - other.loc[0, "label"]
    with pytest.raises(ValueError, match="has another label there"):
        reader_study.assemble(table, positive_from=CUT, model="video", table=other)


# ---------------------------------------------------------------------------------------------- files and figures


def settings(readers: str) -> studies.Study:
    return studies.from_text(SETTINGS.replace("{READERS}", readers))


def test_a_study_is_read_with_its_model_and_frozen_threshold(tmp_path, table):
    table.to_csv(tmp_path / "readings.csv", index=False)
    predictions.write(predicted(table), tmp_path / "predictions.csv")
    found = reader_study.load(tmp_path, settings("{model: video, positive_from: 3}"), tmp_path)
    assert len(found.risks) == 60 and found.threshold.split == "tune"
    made = reader_tables.performance(found)
    assert made.loc[0, "reader"] == "video" and made.loc[0, "n"] == 60
    alone = reader_study.load(tmp_path, settings("{positive_from: 3}"), tmp_path)
    assert alone.risks is None and "No model's risks" in sentences.model(None, alone)


@pytest.mark.parametrize(
    "readers, said",
    [
        ("{model: video}", "readers.positive_from: ratings are graded; say from which rating a call is positive"),
        ("{positive_from: 9}", "readers.positive_from: 9 divides nothing, ratings are 1 to 5"),
        ("{positive_from: 1}", "readers.positive_from: 1 divides nothing"),
        ("{positive_from: 3, aided: helped}", "readers.aided: no reading has the modality 'helped'"),
        ("{positive_from: 3, model: still}", "holds nothing|no .*still"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path, table, readers, said):
    table.to_csv(tmp_path / "readings.csv", index=False)
    predictions.write(predicted(table), tmp_path / "predictions.csv")
    with pytest.raises(StudyError, match=said):
        reader_study.load(tmp_path, settings(readers), tmp_path)


def test_a_named_model_needs_predictions(tmp_path, table):
    table.to_csv(tmp_path / "readings.csv", index=False)
    with pytest.raises(StudyError, match=r"readers\.model is 'video', but there are no predictions"):
        reader_study.load(tmp_path, settings("{model: video, positive_from: 3}"), tmp_path)


def test_the_figures_show_what_the_tables_say(study, table):
    import matplotlib.pyplot as plt

    with_model = reader_study.assemble(table, positive_from=CUT, model="video", table=predicted(table))
    performance = reader_tables.performance(with_model)
    ax = reader_plots.operating_points(with_model, performance)
    labels = ax.get_legend_handles_labels()[1]
    assert "JR1 (junior)" in labels and any("60 cases" in text for text in labels)
    drawn = {(round(x, 9), round(y, 9)) for line in ax.lines for x, y in zip(line.get_xdata(), line.get_ydata())}
    for row in performance.to_dict("records"):
        assert (round(1 - row["specificity"], 9), round(row["sensitivity"], 9)) in drawn
    overall = reader_gains.overall(study, reader_gains.effect(study))
    minds = reader_tables.minds(study, overall)
    bars = reader_plots.changes(minds)
    widths = [patch.get_width() for patch in bars.patches]
    assert sum(widths) == pytest.approx(100 * len(minds))
    each = reader_gains.each_reader(study)
    figure = reader_plots.effects(study, each, overall)
    assert [ax.get_title() for ax in figure.axes] == ["AUC", "Sensitivity", "Specificity", "Accuracy"]
    plt.close("all")


def test_many_readers_are_coloured_by_experience(table):
    more = pd.concat([table, table.assign(reader=table["reader"] + "b"), table.assign(reader=table["reader"] + "c")])
    study = reader_study.assemble(more, positive_from=CUT)
    look = reader_plots.looks(study)
    assert len(look) == 12 and len({style.color for style in look.values()}) == 2

"""What the statistics chapters show of several models and splits: tables, declared pairs, many models, no chooser."""

from __future__ import annotations

import json

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.book import bare, named_models, sentences_calibration
from helpers.book import sentences_discrimination as told
from helpers.data.study import read as read_study
from helpers.stats import (
    auc_tables,
    calibrated,
    calibrated_plot,
    decision_panels,
    models,
    models_spread,
    multiclass_table,
    one_point,
    operating_points_prevalence,
    roc_panels,
)
from helpers.stats import operating_points_table as points
from helpers.stats.auc import auc, compare_auc
from helpers.stats.families import holm
from helpers.stats.operating_points import operating_point
from helpers.stats.paired import compare_decisions
from helpers.stats.thresholds import NOWHERE, Threshold

GRID = np.array([0.1, 0.2, 0.3, 0.4])


def table(names=("image", "video", "clinical"), sizes=(("tune", 60), ("test", 90)), seed=0, seeds=1) -> pd.DataFrame:
    rng, frames = np.random.default_rng(seed), []
    for split, n in sizes:
        label = np.arange(n) % 3 == 0
        case = [f"{split}{i:03}" for i in range(n)]
        about = {"study": "s", "split": split, "center": "A", "patient_id": case, "case_id": case}
        for k, name in enumerate(names):
            for run in range(seeds):
                risk = 1 / (1 + np.exp(0.8 - rng.normal((0.6 + 0.15 * k) * label, 1)))
                frames.append(
                    pd.DataFrame({**about, "model": name, "seed": run, "label": label.astype(int), "risk": risk})
                )
    return pd.concat(frames, ignore_index=True)


def many(count=11) -> tuple[str, ...]:
    return (*(f"net{k}" for k in range(count - 1)), "clinical")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def three():
    made = table()
    parts = models.judged_parts(made, "test")
    return parts, models.chooser(made, "tune"), models.freeze(models.chooser(made, "tune"), rule="youden")


@pytest.fixture(scope="module")
def eleven():
    made = table(many(), (("tune", 60), ("test", 60), ("external", 75)))
    parts = models.judged_parts(made, "test")
    return parts, models.chooser(made, "tune"), models.freeze(models.chooser(made, "tune"), rule="youden")


def test_the_external_split_stands_beside_the_judged_one(eleven):
    parts, _, frozen = eleven
    assert [part.split for part in parts] == ["test", "external"]
    assert [part.split for part in models.judged_parts(table(), "test")] == ["test"]
    shown = models.performance_of(parts, frozen)
    assert shown.groupby("split", sort=False)["auc"].apply(lambda v: v.is_monotonic_decreasing).all()


def test_many_models_are_compared_with_the_baseline_and_the_best_where_choices_are_made(eleven):
    parts, chooser, _ = eleven
    names = list(parts[0].risks)
    best = max(names, key=lambda name: auc(chooser.label, chooser.risks[name]).value)
    pairs = models.family(names, chooser=chooser, baseline="clinical")
    assert models.focus(names, chooser=chooser, baseline="clinical") == [best, "clinical"]
    assert len(pairs) == 19 and all(set(pair) & {best, "clinical"} for pair in pairs)
    assert len({frozenset(pair) for pair in pairs}) == 19
    assert len(models.family(names, chooser=None, baseline="clinical")) == 10


def test_declared_pairs_equal_single_comparisons_and_holm_counts_only_them(three):
    parts, _, frozen = three
    part, pairs = parts[0], [("image", "clinical"), ("video", "clinical")]
    made = models.comparisons_of(parts, pairs)
    single = [compare_auc(part.label, part.risks[a], part.risks[b]) for a, b in pairs]
    np.testing.assert_allclose(made["difference"], [one.difference for one in single])
    np.testing.assert_allclose(made["difference_low"], [one.low for one in single])
    ordered = sorted(one.p_value for one in single)
    assert min(made["p_holm"]) == pytest.approx(min(1, 2 * ordered[0]))
    decisions = points.paired_of(parts, frozen, pairs)
    for measure, own in decisions.groupby("measure"):
        np.testing.assert_allclose(own["p_holm"], holm(own["p_value"]), err_msg=f"{measure} is a family of its own")
    assert decisions["p_holm"].min() == pytest.approx(min(1, 2 * decisions["p_value"].min()))
    called = [part.risks[name] >= float(frozen[name]) for name in pairs[0]]
    want = compare_decisions(part.label, *called).frame().set_index("measure")
    got = decisions.query("a == 'image'").set_index("measure")
    np.testing.assert_allclose(
        got.loc["npv", ["difference", "difference_low"]].astype(float),
        want.loc["npv", ["difference", "low"]].astype(float),
    )
    shown = points.paired_shown(decisions)
    assert len(shown) == 2 and shown.loc[0, "NPV"].count("P") == 1


def test_every_measure_is_there_with_its_interval(three):
    parts, _, frozen = three
    long = points.measures(points.points(parts, frozen))
    assert long.groupby("model").size().tolist() == [13] * 3 and (long["method"] != "").all()
    one = operating_point(parts[0].label, parts[0].risks["video"], frozen["video"])
    row = long.query("model == 'video' and measure == 'dor'").iloc[0]
    assert (row["value"], row["low"], row["high"]) == (one.dor.value, one.dor.low, one.dor.high)
    shown = points.shown(long)
    assert list(shown.columns) == ["Measure", "image", "video", "clinical", "Interval"] and len(shown) == 13
    assert not shown["Interval"].str.contains("doi").any()
    assert len(points.plot(long).axes) == 1


def test_the_text_under_the_thresholds_is_that_of_every_model(three):
    _, chooser, frozen = three
    said = models.threshold_table(frozen).attrs["methods"]
    assert said.startswith(
        f"Every threshold was chosen on the tuning cases (n = {chooser.n}, {chooser.events} events) by largest"
    )
    assert not any(f"{float(one):.3g}" in said for one in frozen.values()), "a value would be that of one model only"


def test_tables_of_many_models_have_a_row_a_model(eleven):
    parts, chooser, frozen = eleven
    shown = points.shown(points.measures(points.points(parts, frozen)))
    assert len(shown) == 22 and "LR+" in shown and "Sensitivity" not in shown
    ladder, columns = calibrated.ladder_shown(calibrated.ladder(chooser, parts, methods=("none", "intercept", "slope")))
    assert len(ladder) == 22 and columns[-1] == "Brier score, slope" and "none_slope" in ladder
    assert set(models.optimism(parts[0], frozen)["measure"]) == {"youden"}
    curves = decision_panels.every(parts, chooser, thresholds=GRID, resamples=20)
    shown, columns = decision_panels.shown(decision_panels.frame(curves), GRID)
    assert len(shown) == 26 and len(columns) == 5


def test_figures_of_many_models_give_each_a_square(eleven):
    parts, chooser, frozen = eleven
    assert len(roc_panels.plot(roc_panels.every(parts, frozen, judged=parts)).axes) == 11
    assert len(calibrated_plot.plot(calibrated.every(parts)).axes) == 11
    curves = decision_panels.every(parts, chooser, thresholds=GRID, resamples=20)
    assert len(decision_panels.plot(curves, declared=(0.1, 0.4), bands=["clinical"]).axes) == 11
    gaps = decision_panels.differences(curves, against=models.focus(many(), chooser=chooser, baseline="clinical"))
    assert gaps.groupby(["first", "second"]).ngroups == 19
    assert len(decision_panels.plot_differences(gaps, names=many()).axes) == 19


def test_a_model_has_one_look_in_all_figures_of_the_chapter(three):
    from helpers.stats import palette

    parts, _, frozen = three
    made = table().query("not (split == 'tune' and model == 'image')")
    curves = roc_panels.every(models.panels(made), frozen, judged=models.judged_parts(made, "test"))
    ax = roc_panels.plot(curves).axes[-1]
    looks = palette.styles(list(parts[0].risks))
    colors = {line.get_label().split(":")[0]: line.get_color() for line in ax.get_lines()}
    assert all(colors[name] == looks[name].color for name in looks)


def test_out_of_fold_curves_of_training_cases_have_no_operating_point_beside_a_test(three):
    _, _, frozen = three
    made = table()
    trained = made[made["split"] == "tune"].assign(split="oof")
    trained[["patient_id", "case_id"]] = "F" + trained[["patient_id", "case_id"]]
    made = pd.concat([made, trained[trained["model"] == "image"]], ignore_index=True)
    curves = roc_panels.every(models.panels(made), frozen, judged=models.judged_parts(made, "test"))
    marked = {title: {curve.operating is not None for curve in part} for title, part in curves.items()}
    assert marked["Cross-validation (out of fold)"] == {False} and marked["Test"] == {True}
    shown = auc_tables.by_split(curves).set_index("model")["Cross-validation (out of fold)"]
    assert shown["image"] != "–" and set(shown.drop("image")) == {"–"}


def test_two_methods_agree_in_an_easy_case_and_say_so_when_they_do_not(three):
    made = auc_tables.two_methods(three[0], resamples=300)
    assert made["agree"].all() and "agree (largest" in told.second_method(made)
    apart = made.assign(agree=[True, False, True])
    assert "differ for" in told.second_method(apart)


def test_auto_interval_is_logit_near_one_and_wald_elsewhere():
    rng = np.random.default_rng(2)
    y = np.arange(80) % 2
    plain, near = rng.normal(0.5 * y, 1), rng.normal(3 * y, 1)
    assert auc(y, plain, interval="auto") == auc(y, plain)
    assert auc(y, near, interval="auto") == auc(y, near, interval="logit")
    assert auc(y, near, interval="auto").high < 1


def test_predictive_values_elsewhere_pass_through_those_of_the_study(three):
    parts, _, frozen = three
    at = points.points(parts, frozen)
    moved = operating_points_prevalence.curve(at)
    own = moved[moved["own"] & (moved["measure"] == "ppv")].set_index("model")["value"]
    for (_, name), point in at.items():
        assert own[name] == pytest.approx(point.ppv.value)
    rising = moved.query("model == 'video' and measure == 'ppv'").sort_values("prevalence")["value"]
    assert rising.is_monotonic_increasing
    assert len(operating_points_prevalence.plot(moved).axes) == 2


def test_test_rows_only_need_a_declared_threshold_and_are_not_recalibrated():
    made = table(sizes=(("test", 90),))
    chooser, parts = models.chooser(made, "tune"), models.judged_parts(made, "test")
    assert chooser is None and models.chooser(made, None) is None
    with pytest.raises(ValueError, match="declare a risk"):
        models.freeze(chooser, rule="youden", models=list(parts[0].risks))
    frozen = models.freeze(chooser, rule="declared", value=0.3, models=list(parts[0].risks))
    assert {(float(one), one.split, one.n) for one in frozen.values()} == {(0.3, NOWHERE, 0)}
    assert models.threshold_table(frozen).attrs["methods"] == "Every threshold was declared in advance and frozen."
    assert models.threshold_table(frozen)["rule"].unique().tolist() == ["declared"]
    assert models.optimism(parts[0], frozen) is None, "nothing was chosen, so nothing is borrowed"
    risks = calibrated.for_decisions(chooser, parts[0])
    assert all(np.array_equal(risks[name], parts[0].risks[name]) for name in risks)
    assert "stand as they were given" in sentences_calibration.risks(chooser, parts)
    assert "No map" in sentences_calibration.maps(chooser, networks=True, unit="patient")
    assert calibrated.ladder_shown(calibrated.ladder(chooser, parts)) == (None, [])
    with pytest.raises(ValueError, match="must not be chosen on 'none'"):
        Threshold(0.3, "youden", NOWHERE, 0, 0)


def test_several_classes_become_one_against_the_rest_and_a_table_of_all():
    rng, n = np.random.default_rng(1), 90
    truth = np.arange(n) % 3
    raw = rng.normal(0, 1, (n, 3))
    raw[np.arange(n), truth] += 1.5
    risks = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    names = np.array(["benign", "low", "high"])
    case = [f"c{i}" for i in range(n)]
    made = pd.DataFrame({"study": "s", "model": "m", "seed": 0, "split": "test", "center": "", "patient_id": case,
                         "case_id": case, "label": names[truth], **{f"risk_{k}": risks[:, j] for j, k in enumerate(names)}})  # fmt: skip
    binary = multiclass_table.against_rest(made, positive="high")
    assert binary["label"].tolist() == (names[truth] == "high").astype(int).tolist()
    several = multiclass_table.every(made, split="test")
    shown = multiclass_table.shown(multiclass_table.frame(several))
    assert list(shown.columns) == ["model", "benign", "low", "high", "mean over classes", "Hand and Till"]
    assert several["m"].one_vs_rest["high"].value == auc(binary["label"], binary["risk"]).value
    assert len(multiclass_table.plot(several).axes) == 1 and "Hand and Till" in multiclass_table.methods(several)
    with pytest.raises(ValueError, match="none of the classes"):
        multiclass_table.against_rest(made, positive="malignant")
    assert multiclass_table.every(table(), split="test") is None
    assert multiclass_table.frame(None) is None and multiclass_table.methods(None) == ""


def test_sentences_keep_short_with_many_models(eleven):
    parts, _, frozen = eleven
    said = told.best(models.performance_of(parts, frozen), parts[0].title, unit="patient")
    assert said.count("the other 8 models from") == 2 and "(external test)" in said
    summary = calibrated.summary(calibrated.every(parts))
    assert "of 11 models" in sentences_calibration.calibration(summary)


def test_spread_is_drawn_where_a_model_has_several_runs():
    cut = dict.fromkeys(("image", "video", "clinical", "report"), 0.3)
    alone = models_spread.over_seeds(table().query("split == 'test'"), thresholds=cut)
    assert alone is None
    mixed = pd.concat([table(seeds=2), table(names=("report",))], ignore_index=True).query("split == 'test'")
    made = models_spread.over_seeds(mixed, thresholds=cut)
    assert len(models_spread.plot(made).axes) == 3 and "2 seeds;" in made.methods
    folds = models_spread.over_seeds(mixed.assign(split="oof"), thresholds=cut)
    assert "2 repeats of the cross-validation; reference" in folds.methods


def test_a_bootstrap_of_eleven_models_and_99_thresholds_is_joint():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2 == 0
    risks = {f"m{k}": np.round(rng.random(60), 2) for k in range(11)}
    from helpers.stats.decision import PERCENT, decision_curve

    curve = decision_curve(y, risks, thresholds=PERCENT, resamples=400)
    alone = decision_curve(y, risks["m3"], thresholds=PERCENT, resamples=400)
    rows = curve.frame().query("strategy == 'm3'")
    one = alone.frame().query("strategy == 'model'")
    np.testing.assert_allclose(rows["net_benefit"], one["net_benefit"])
    np.testing.assert_allclose(rows["low"][:40], one["low"][:40], atol=0.06)


def test_one_auc_method_for_all_splits_and_its_cases(three):
    parts, _, frozen = three
    said = roc_panels.methods(roc_panels.every(models.panels(table()), frozen, judged=parts))
    assert "DeLong" in said and said.endswith("Tuning n = 60, 20 events; Test n = 90, 30 events.")
    twice = [models.Panel("test", p.label, np.repeat(p.case_id[:45], 2), p.case_id, p.risks) for p in parts]
    assert "Obuchowski" in roc_panels.methods(roc_panels.every(twice, frozen, judged=twice)) and twice[0].patients == 45


def test_legends_of_roc_curves_cover_no_curve(three, eleven):
    for parts, _, frozen in (three, eleven):
        figure = roc_panels.plot(roc_panels.every(parts, frozen, judged=parts))
        figure.canvas.draw()
        boxes = [(ax.get_window_extent(), ax.get_legend().get_window_extent()) for ax in figure.axes]
        assert all(legend.y1 <= square.y0 for square, legend in boxes)
        squares = [square for square, _ in boxes]
        assert not any(legend.overlaps(square) for _, legend in boxes for square in squares)


@pytest.fixture(scope="module")
def reported():
    rng, n = np.random.default_rng(8), 120
    label = (np.arange(n) % 3 == 0).astype(int)
    risks = {"report": np.where(rng.random(n) < 0.3 + 0.4 * label, 0.6, 0.1), "net": rng.normal(label, 1)}
    patients = np.array([f"P{k // 2}" for k in range(n)], object)
    return models.Panel("test", label, patients, np.array([f"C{k}" for k in range(n)], object), risks)


def test_what_no_threshold_reaches_is_not_read_from_a_line(reported):
    made = auc_tables.regions([reported], fixed=0.9, resamples=20).set_index("model")
    assert made.loc["report"].drop("split").isna().all() and made.loc["net"].notna().all()
    assert one_point.note([reported]).startswith("One operating point (report): ")
    alone = models.Panel("test", reported.label, reported.patient_id, reported.case_id, {"net": reported.risks["net"]})
    assert one_point.note([alone]) == "" and one_point.matched([alone], resamples=5) is None


def test_the_auc_of_one_operating_point_is_what_the_note_says(reported):
    called = reported.risks["report"] > 0.5
    sensitivity, specificity = called[reported.label == 1].mean(), (~called)[reported.label == 0].mean()
    assert auc(reported.label, reported.risks["report"]).value == pytest.approx((sensitivity + specificity) / 2)


def test_models_are_compared_at_the_specificity_of_the_report(reported):
    row = one_point.matched([reported], resamples=60).iloc[0]
    y, risk, called = reported.label > 0, reported.risks["net"], reported.risks["report"] > 0.5
    specificity = 1 - called[~y].mean()
    curve = sorted({(np.mean(risk[~y] >= t), np.mean(risk[y] >= t)) for t in [np.inf, *risk]})
    at = max(hit for false, hit in curve if false <= 1 - specificity + 1e-12)  # as many false alarms, to the case
    assert (row["specificity"], row["sensitivity_against"]) == (pytest.approx(specificity), called[y].mean())
    assert row["sensitivity"] == pytest.approx(at)
    assert row["difference"] == pytest.approx(at - called[y].mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    strangers = models.Panel("test", reported.label, reported.case_id, reported.case_id, reported.risks)
    assert one_point.matched([strangers], resamples=60).iloc[0]["difference_low"] != row["difference_low"]


def test_sections_of_which_nothing_is_left_leave_the_page_wherever_they_stand():
    cells = jupytext.read("notebooks/discrimination.py").cells
    named = {line.split()[1] for cell in cells for line in cell.source.splitlines() if line.startswith(":::{result-")}
    absent = {"tab-optimism", "tab-matched", "tab-spread", "fig-spread", "fig-classes", "tab-classes"}
    assert absent <= named
    kept = bare.without(jupytext.read("notebooks/discrimination.py").cells, named - absent)
    heads = [line for cell in kept for line in cell.source.splitlines() if line.startswith("## ")]
    assert heads[-2:] == ["## Differences between models", "## A second method"]
    assert "## Beside one operating point" not in heads
    alone = bare.without(jupytext.read("notebooks/discrimination.py").cells, named - {"tab-pairs", "tab-decisions"})
    assert not any("## Differences between models" in cell.source for cell in alone)
    assert len({cell["id"] for cell in kept}) == len(kept)
    code = [[cell.source for cell in some if cell.cell_type == "code"] for some in (cells, kept)]
    assert code[0] == code[1]


def test_names_of_models_are_explained_from_the_files_of_the_study(tmp_path):
    study = read_study("data/olnm")
    names = ["clinical", "DL_image", "DL_combined", "other"]
    clinical = {"clinical": "penalised regression on the clinical covariates"}
    assert named_models.described(study, tmp_path, [*names[1:], "clinical"]) == clinical
    (tmp_path / "fuse").mkdir()
    chosen = {"networks": {"DL_image": ["bmode", "densenet121"], "DL_CEUSvideo": ["ceus", "resnet18"]}}
    (tmp_path / "fuse/chosen.json").write_text(json.dumps(chosen), encoding="utf-8")
    assert named_models.described(study, tmp_path, names) == clinical | {
        "DL_image": "DenseNet121 on the input “B-mode image”",
        "DL_combined": "one head on the features of DL_image and DL_CEUSvideo",
    }
    report = named_models.described(read_study("data/lymphnode"), tmp_path, ["report"])
    assert report == {"report": "written report, doubtful wording counted as metastatic"}

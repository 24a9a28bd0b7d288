"""Coverage and size by simulation: the truths by other means, a wrong interval and a wrong test found, same digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from helpers.book import sentences_proof
from helpers.stats import casemix, logistic, ordinal
from helpers.stats.agreement import agreement
from helpers.stats.discrimination import (
    auc,
    auc_multiclass,
    operating_point,
    partial_auc,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from helpers.stats.mrmc_covariance import performance
from helpers.stats.proof import (
    coverage,
    designs,
    model_intervals,
    picture_designs,
    picture_intervals,
    reader_designs,
    reader_intervals,
    sizes,
)
from helpers.stats.proof.coverage import Coverage, simulate_coverage
from helpers.stats.proof.designs import CLIPS, DESIGNS, EXTERNAL, A, B, C, D, Design
from helpers.stats.proof.drawing import dots, labels, wide
from helpers.stats.proof.simulation import Family, Made, PValue, count_coverage, count_rejections
from helpers.stats.proof.sizes import Sizes, simulate_sizes
from helpers.stats.readings import cube


def large(design: Design, times: int = 200) -> designs.Sample:
    """One study of the same population, with many more patients."""
    grown = Design("grown", "", *(times * n for n in (design.cases, design.positives, design.patients)), design.auc,
                   gap=design.gap, alike=design.alike, shared=design.shared)  # fmt: skip
    return grown.draw(0)


@pytest.mark.parametrize("design", [A, B, EXTERNAL, CLIPS], ids=lambda d: d.name)
def test_truths_equal_a_very_large_study(design):
    """Every closed form against what the plain definition gives in one study of many thousands."""
    sample, truth = large(design), design.truth
    y, n = sample.label, sample.label.size
    rough = 5 / np.sqrt(design.patients * 200)
    called, called_b = sample.risk >= design.prevalence, sample.risk_b >= design.prevalence
    assert y.mean() == pytest.approx(design.prevalence, abs=rough)
    assert auc(y, sample.risk).value == pytest.approx(design.auc, abs=rough)
    assert auc(y, sample.risk).value - auc(y, sample.risk_b).value == pytest.approx(design.gap, abs=rough)
    point = operating_point(y, sample.risk, design.prevalence)
    for measure in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "kappa", "mcc", "youden"):
        assert point.estimates[measure].value == pytest.approx(truth[measure], abs=3 * rough), measure
    there = point.at_prevalence(designs.ELSEWHERE)
    for measure in ("ppv", "npv"):
        assert there[f"{measure}_at_prevalence"].value == pytest.approx(truth[f"{measure} elsewhere"], abs=5 * rough)
    for measure in ("lr_positive", "lr_negative", "dor"):
        assert np.log(point.estimates[measure].value) == pytest.approx(np.log(truth[measure]), abs=12 * rough), measure
    ppv_b = y[called_b].mean()
    assert y[called].mean() - ppv_b == pytest.approx(truth["ppv difference"], abs=3 * rough)
    odds = design.prevalence / (1 - design.prevalence)
    benefit = np.sum(called & y) / n - odds * np.sum(called & ~y) / n
    assert benefit == pytest.approx(truth["net_benefit"], abs=2 * rough)
    stated = sample.miscalibrated
    assert np.mean((stated - y) ** 2) == pytest.approx(truth["brier"], abs=rough)
    assert y.sum() / stated.sum() == pytest.approx(truth["observed_expected"], abs=8 * rough)
    apart = np.abs(stated - sample.risk)
    assert apart.mean() == pytest.approx(truth["ici"], abs=rough)
    assert np.quantile(apart, [0.5, 0.9]) == pytest.approx([truth["e50"], truth["e90"]], abs=2 * rough)
    fitted = logistic.fit(y, np.column_stack([np.ones(n), logit(stated)])).coefficient
    assert fitted == pytest.approx([truth["joint_intercept"], truth["slope"]], abs=15 * rough)
    offset = logistic.fit(y, np.ones((n, 1)), offset=logit(stated)).coefficient[0]
    assert offset == pytest.approx(truth["in_the_large"], abs=12 * rough)


def test_truths_of_the_curve_equal_a_very_large_study():
    sample = large(D)
    found = sensitivity_at_specificity(sample.label, sample.risk, specificity=0.9, resamples=0).value
    assert found == pytest.approx(D.truth["sensitivity at specificity 0.9"], abs=0.02)
    found = specificity_at_sensitivity(sample.label, sample.risk, sensitivity=0.9, resamples=0).value
    assert found == pytest.approx(D.truth["specificity at sensitivity 0.9"], abs=0.02)
    area = partial_auc(sample.label, sample.risk, specificity=(0.9, 1.0), resamples=0).value
    assert area == pytest.approx(D.truth["partial_auc"], abs=0.002)
    assert logistic.fit(sample.label, np.column_stack([np.ones(sample.label.size), sample.score])).coefficient[
        1
    ] == pytest.approx(D.truth["firth"], abs=0.06)


def test_the_risks_are_right():
    """Bayes' rule: among cases with a risk near r a share r is positive."""
    sample = large(EXTERNAL)
    for low in np.arange(0, 1, 0.1):
        near = (sample.risk >= low) & (sample.risk < low + 0.1)
        assert sample.label[near].mean() == pytest.approx(sample.risk[near].mean(), abs=0.03)
    assert expit(logit(sample.miscalibrated)) == pytest.approx(sample.miscalibrated)


def test_truths_of_readers_equal_many_readers():
    study = reader_designs.ReaderStudy("many", "", 300, 200, 200, 1.2, gain=0.5)
    readings, skill = study.draw(0)
    data = cube(readings)
    for metric in ("auc", "sensitivity", "specificity"):
        aided, unaided = performance(data, metric=metric, threshold=study.cut).mean(axis=1)
        assert aided == pytest.approx(study.value(metric, aided=True), abs=0.07)
        assert unaided == pytest.approx(study.value(metric, aided=False), abs=0.07)
        assert aided - unaided == pytest.approx(study.gap(metric), abs=0.07)
    assert skill.shape == (2, 300)
    assert study.calls(readings)["rating"].isin([0, 1]).all()


def test_truths_of_drawn_readers_equal_many_cases():
    study = reader_designs.ReaderStudy("drawn", "", 4, 10_000, 10_000, 1.2, gain=0.5)
    readings, skill = study.draw(0)
    data = cube(readings)
    for metric in ("auc", "sensitivity"):
        found = performance(data, metric=metric, threshold=study.cut)
        assert found == pytest.approx(study.values_of(metric, skill), abs=0.02)
    told = study.experienced(readings).groupby("experience")["reader"].unique()
    assert {name: sorted(who) for name, who in told.items()} == {"junior": [0, 1], "senior": [2, 3]}


def test_truths_of_readers_by_quadrature():
    study = reader_designs.READERS
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = np.sqrt(reader_designs.SKILL**2 + reader_designs.SKILL_MODALITY**2)
    from scipy.special import ndtr

    by_hand = np.sum(weights * ndtr((1.7 + spread * nodes) / np.sqrt(2))) / np.sqrt(2 * np.pi)
    assert study.value("auc", aided=True) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("raters", [reader_designs.GRADES, reader_designs.FEW_GRADES], ids=lambda r: r.name)
def test_truths_of_agreement_equal_many_cases(raters):
    many = reader_designs.Raters("many", "", 2, 60_000, raters.error, raters.cuts)
    grades = many.draw(0)
    for kind, weights in (("cohen", "none"), ("linear", "linear"), ("quadratic", "quadratic")):
        assert agreement(grades, kind=kind).value == pytest.approx(raters.kappa(weights), abs=0.015)
    assert agreement(many.raw(0), kind="icc").value == pytest.approx(raters.icc, abs=0.01)
    assert raters.joint.sum() == pytest.approx(1, abs=1e-9)


def test_truths_of_several_classes_equal_many_cases():
    three = reader_designs.THREE
    many = reader_designs.Classes("many", "", tuple(2000 * n for n in three.counts), three.gains)
    label, scores = many.draw(0)
    found = auc_multiclass(label, scores, three.names)
    assert [found.one_vs_rest[name].value for name in three.names] == pytest.approx(
        [three.rest(k) for k in range(3)], abs=0.01
    )
    assert found.macro.value == pytest.approx(three.macro, abs=0.01)
    assert found.hand_till.value == pytest.approx(three.hand_till, abs=0.01)
    code = np.repeat(np.arange(3), many.counts)
    assert ordinal.concordance(code, scores @ [0, 1, 2]).value == pytest.approx(three.concordance, abs=0.01)
    right = [np.mean(scores[code == k].argmax(axis=1) == k) for k in range(3)]
    assert np.mean(right) == pytest.approx(three.balanced_accuracy, abs=0.01)


def test_truths_of_outlines_equal_many_nodes():
    nodes = picture_designs.NODES
    many = picture_designs.Outlines("many", "", 150_000, 100_000, nodes.levels, nodes.shared)
    cases = many.draw(0)
    for place, (_, part) in enumerate(cases.groupby("network", sort=False)):
        for measure in ("dice", "iou", "hd95_mm"):
            for share in (0.25, 0.5, 0.75):
                seen = part[measure].quantile(share)
                assert seen == pytest.approx(many.quantile(measure, place, share), rel=0.02), (measure, share)
            assert part[measure].mean() == pytest.approx(many.mean(measure, place), rel=0.02)
        logs = np.log(part["area_mm2"] / part["area_reference_mm2"])
        assert logs.mean() == pytest.approx(picture_designs.AREA_BIAS, abs=0.01)
        assert logs.std() == pytest.approx(picture_designs.AREA_SPREAD, abs=0.01)
        assert part["inside"].mean() == pytest.approx(many.inside, abs=0.01)
    first = cases[cases["network"] == "first"].groupby("patient_id")["dice"].agg(["first", "last", "size"])
    twice = norm.ppf(first.loc[first["size"] == 2, ["first", "last"]])
    assert np.corrcoef(twice.T)[0, 1] == pytest.approx(nodes.shared, abs=0.02)
    sizes = nodes.draw(1).query("network == 'first'")["patient_id"]
    assert (len(sizes), sizes.nunique()) == (547, 430)


def test_truths_of_two_hospitals_equal_many_patients():
    two = picture_designs.HOSPITALS
    many = picture_designs.Hospitals("many", "", (40_000, 20_000), (30_000, 50_000), two.shares, two.distances)
    inside, outside, signs = many.draw(0)
    for place, (panel, where) in enumerate(((inside, "inside"), (outside, "outside"))):
        label, risk, sign = panel.label, panel.risks["model"], signs[where]["sign"].to_numpy()
        assert auc(label, risk).value == pytest.approx(two.auc(place), abs=0.01)
        assert np.mean(sign == "there") == pytest.approx(two.shares[place], abs=0.01)
        for level in ("there", "absent"):
            own = sign == level
            assert auc(label[own], risk[own]).value == pytest.approx(two.auc_of(level), abs=0.015)
            assert np.mean(risk[own & (label == 1)] >= 0.5) == pytest.approx(two.sensitivity_of(level), abs=0.015)
    weighted = casemix.compare(inside, outside, signs, ["sign", "size"], resamples=2).table["auc_weighted"].iloc[0]
    assert weighted == pytest.approx(two.auc(1), abs=0.01)


def test_designs_have_the_sizes_of_the_papers():
    assert [(d.patients, d.cases, d.positives) for d in (A, B, C, D, EXTERNAL)] == [
        (116, 116, 27), (430, 547, 240), (34, 34, 4), (152, 152, 104), (245, 245, 83)
    ]  # fmt: skip
    for design in DESIGNS:
        sample = design.draw(3, fixed=True)
        assert len(sample.label) == design.cases
        if design.clustered:
            assert np.unique(sample.patient).size == design.patients
        else:
            assert sample.label.sum() == design.positives and sample.patient is None
    by_patient = pd.Series(CLIPS.draw(0).label).groupby(CLIPS.draw(0).patient).nunique()
    assert (by_patient == 1).all()  # pathology is by patient


def test_random_numbers_depend_on_name_and_replicate_alone():
    one, again, other = A.draw(5), A.draw(5), A.draw(6)
    assert np.array_equal(one.risk, again.risk) and not np.array_equal(one.risk, other.risk)
    short = simulate_coverage(12, designs=(C,), readers=False).frame()
    assert short.equals(simulate_coverage(12, designs=(C,), readers=False).frame())


def test_wilson_covers_and_a_wrong_interval_is_found():
    """An interval of half the width, and one shifted to one side, are both found out; the right one is not."""

    def make(replicate: int):
        sample = D.draw(replicate, fixed=True)
        right = operating_point(sample.label, sample.risk, D.prevalence).sensitivity
        truth = D.truth["sensitivity"]
        half = (right.high - right.low) / 4
        yield Made("Sensitivity", "right", right.low, right.high, truth, "offered")
        yield Made("Sensitivity", "half", right.value - half, right.value + half, truth)
        yield Made("Sensitivity", "shifted", right.low + 0.15, right.high + 0.15, truth)

    made = Coverage(count_coverage([Family("D", make)], 150), 150)
    rows = made.frame().set_index("method")
    assert rows.loc["right", "coverage"] > 0.9 and rows.loc["half", "coverage"] < 0.8
    assert rows.loc["shifted", "too_high"] > 0.8 and rows.loc["shifted", "too_low"] == 0
    narrow = made.too_narrow()
    assert set(narrow["method"]) == {"half", "shifted"}
    assert narrow["better"].tolist() == ["right", "right"]
    assert "2 clearly hold the truth too rarely" in sentences_proof.narrow(made)
    assert "by right" in sentences_proof.narrow(made)


def test_a_wrong_test_is_found():
    def make(replicate: int):
        p_value = np.random.default_rng(replicate).random()
        yield PValue("fair", "right", p_value)
        yield PValue("fair", "too eager", p_value / 4)
        yield PValue("fair", "too timid", min(1.0, 5 * p_value))
        yield PValue("fair", "undefined", np.nan)

    found = Sizes(count_rejections([Family("D", make)], 1000), 1000)
    assert found.liberal()["method"].tolist() == ["too eager"]
    assert set(found.timid()["method"]) == {"too timid", "undefined"}
    rows = found.frame().set_index("method")
    assert rows.loc["undefined", "not_given"] == 1 and rows.loc["undefined", "replicates"] == 1000
    assert "1 clearly reject too often" in sentences_proof.sizes(found)


def test_counts_by_hand():
    limits = {0: (0.0, 1.0), 1: (2.0, 3.0), 2: (-2.0, -1.0), 3: (np.nan, np.nan)}
    family = Family("hand", lambda replicate: [Made("x", "m", *limits[replicate % 4], 0.5)])
    row = count_coverage([family], 40).iloc[0]
    assert row[["replicates", "covered", "coverage", "too_low", "too_high", "width", "not_given"]].tolist() == [
        30, 10, 1 / 3, 1 / 3, 1 / 3, 1.0, 0.25
    ]  # fmt: skip
    assert row["low"] < 1 / 3 < row["high"]


def test_patients_ignored_are_seen():
    """Clips of one patient taken for patients: the interval is too narrow, and the right one is not."""
    ranking = Family(CLIPS.title, model_intervals._each(CLIPS, [model_intervals._ranking]))
    rows = count_coverage([ranking], 150)
    rows = rows[rows["measure"] == "AUC"].set_index("method")
    assert rows.loc["DeLong, patients ignored", "coverage"] < rows.loc["Obuchowski, Wald", "coverage"] - 0.03
    assert rows.loc["Obuchowski, Wald", "high"] > 0.94
    made = Coverage(rows.reset_index(), 150)
    assert "Had the patient been ignored" in sentences_proof.ignored(made)


def test_every_family_of_the_page_gives_intervals_with_a_truth():
    families = [family for design in DESIGNS for family in model_intervals.families(design)]
    families += reader_intervals.of_readers(reader_designs.READERS) + reader_intervals.of_classes(reader_designs.THREE)
    families += picture_intervals.of_outlines(picture_designs.NODES)
    families += picture_intervals.of_hospitals(picture_designs.HOSPITALS)
    names = set()
    for family in families:
        made = list(family.make(0))
        assert made and all(np.isfinite(one.truth) for one in made), family
        assert all(one.low <= one.high or np.isnan(one.low) for one in made)
        keys = [(one.measure, one.method, one.role) for one in made]
        assert len(keys) == len(set(keys)), family  # each is counted once a study
        names |= {one.measure for one in made}
    printed = set(operating_point([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.4], 0.5).estimates)
    assert {model_intervals.title(measure) for measure in printed} <= names
    assert {
        "AUC",
        "AUC difference",
        "O:E",
        "Calibration slope",
        "ICI",
        "Net benefit difference",
        "Partial AUC",
        "PPV at another prevalence",
        "Specificity at sensitivity 0.9",
        "Readers: relative gain, AUC",
        "Junior - senior: sensitivity gain",
        "Ordinal concordance",
        "Dice, lower quartile",
        "HD95, mean",
        "Area ratio, lower limit of agreement",
        "Internal AUC, external mix of cases",
        "Subgroups: AUC difference",
    } <= names


def test_sizes_hold_power_and_draw():
    found = simulate_sizes(10, designs=(A,), readers=True)
    frame = found.frame()
    assert {"AUC, paired", "Readers: AUC with help", "Agreement beyond chance", "Shares of 5%"} <= set(frame["test"])
    assert frame["power"].notna().sum() > 20 and frame["share"].between(0, 1).all()
    assert len(sentences_proof.powers(found)) == frame["power"].notna().sum()
    assert len(found.plot().axes) == 2
    assert found.by_design().columns[0] == "test"


def test_drawing_of_shares():
    rows = pd.DataFrame(
        {"design": ["A", "A", "B"], "measure": "x", "method": ["m", "n", "m"], "coverage": [0.5, 0.9, 1.0]}
    )
    rows = rows.assign(low=rows["coverage"] - 0.1, high=rows["coverage"])
    assert labels(rows, "measure").tolist() == ["x: m", "x: n", "x: m"]
    assert wide(rows, "measure", "coverage").columns.tolist() == ["measure", "A", "B"]
    figure = dots(
        rows.assign(label="x"), value="coverage", line=0.95, limits=(0.6, 1.0), xlabel="s", designs=["B", "A"]
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["B", "A"]
    carets = [line.get_marker() for line in figure.axes[0].lines]
    assert 8 in carets  # 0.5 lies beyond the axis


def test_too_few_replicates_are_refused():
    for call in (simulate_coverage, simulate_sizes):
        with pytest.raises(ValueError, match="replicates: a whole number of at least 10"):
            call(3, designs=(C,), readers=False)


def test_sentences_without_findings():
    columns = {"design": ["A"], "measure": ["AUC"], "method": ["m"], "role": ["printed"]}
    good = Coverage(pd.DataFrame({**columns, "coverage": [0.95], "low": [0.93], "high": [0.965]}), 200)
    assert "none clearly holds the truth less often" in sentences_proof.narrow(good)
    assert sentences_proof.wide(good) == "None is clearly wider than it need be."
    assert sentences_proof.ignored(good) == ""
    fair = Sizes(pd.DataFrame({"design": ["A"], "test": ["t"], "method": ["m"], "role": ["printed"], "share": [0.05],
                               "low": [0.03], "high": [0.07]}), 200)  # fmt: skip
    assert sentences_proof.sizes(fair).endswith("none clearly rejects too often; none too rarely.")
    assert coverage.NOMINAL == 0.95 and sizes.ALPHA == 0.05

"""The true values of the simulated studies, each found again by other means: very large studies and quadrature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import multivariate_normal, norm

from helpers.stats import casemix, logistic, ordinal, resampled
from helpers.stats.agreement import agreement
from helpers.stats.agreement_icc import icc_values
from helpers.stats.between import share_between
from helpers.stats.decision import decision_curve
from helpers.stats.discrimination import (
    auc,
    auc_multiclass,
    operating_point,
    partial_auc,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from helpers.stats.kappa import fleiss, light
from helpers.stats.mrmc_covariance import performance
from helpers.stats.proof import designs, folds, picture_designs, reader_designs
from helpers.stats.proof.designs import CLIPS, EXTERNAL, A, B, D, Design
from helpers.stats.reader_agreement import agreement_table
from helpers.stats.reader_study import assemble
from helpers.stats.readings import cube
from helpers.stats.subgroups import subgroups


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
    risks = {"a": sample.risk, "b": sample.risk_b}
    curve = decision_curve(y, risks, thresholds=[design.prevalence], prevalence=designs.ELSEWHERE)
    away = curve.frame()["net_benefit"]
    assert away[0] == pytest.approx(truth["net_benefit elsewhere"], abs=2 * rough)
    assert away[0] - away[1] == pytest.approx(truth["net_benefit difference elsewhere"], abs=2 * rough)
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


@pytest.mark.parametrize("helped", [reader_designs.HELPED, reader_designs.FEW_HELPED], ids=lambda h: h.name)
def test_truths_of_help_equal_many_cases(helped):
    """The four kinds of agreement among very many cases; help brings readers together."""
    many = reader_designs.Helped("many", "", 3, 60_000, helped.errors, helped.cuts, helped.positive_from)
    data = cube(many.draw(0), modalities=("unaided", "aided"))
    for place, aided in enumerate((False, True)):
        grades = data.rating[place].T.astype(int)  # (cases, readers)
        calls = (grades >= helped.positive_from).astype(int)
        found = {
            "kappa": light(calls, 2),
            "fleiss": fleiss(calls, 2),
            "weighted": light(grades - 1, len(helped.cuts) + 1, weights="quadratic"),
            "icc": icc_values(grades.astype(float))[1],
        }
        for measure, value in found.items():
            assert value == pytest.approx(helped.value(measure, aided=aided), abs=0.015), measure
    for measure in found:
        assert helped.value(measure, aided=True) > helped.value(measure, aided=False) + 0.1


def test_the_readings_of_help_are_read_as_the_chapter_reads_them():
    helped = reader_designs.FEW_HELPED
    table = agreement_table(assemble(helped.draw(0), positive_from=helped.positive_from))
    assert list(table["measure"].unique()) == ["kappa", "fleiss", "weighted", "icc"]
    assert (table["cases"] == 34).all() and (table["readers"] == 2).all()


def test_truths_of_cross_validation_equal_what_cross_validation_finds():
    """Out-of-fold AUCs, on average over studies, are those of heads trained on as many patients and tested on new ones.

    Both have Monte Carlo error: 0.02 to 0.05 a study by class, over forty of them a hundredth at most.
    """
    one = folds.FOLDS
    found = [resampled.performance(one.tables(replicate)) for replicate in range(40)]
    seen = pd.concat(found).groupby(["model", "class"])["auc"].mean()
    for way in one.ways:
        for place, name in enumerate(one.classes):
            assert seen[way, name] == pytest.approx(one.truth[way][place], abs=0.02), (way, name)
    assert one.truth["blurred"].mean() < one.truth["as they are"].mean() - 0.01


def test_the_discriminant_is_bayes_rule_with_one_covariance():
    """Normal densities around the classes' means, written out; two training sets at once are two one by one."""
    one = folds.FOLDS
    label, features = one.draw(np.random.default_rng(1), (20, 6, 30))
    x, y = features["as they are"], features["blurred"]
    new = np.random.default_rng(2).normal(size=(2, 4, one.width))
    made = folds.discriminant(np.stack([x, y]), label, new)
    for risks, seen, rows in ((made[0], x, new[0]), (made[1], y, new[1])):
        means = [seen[label == k].mean(axis=0) for k in range(3)]
        centred = np.concatenate([seen[label == k] - means[k] for k in range(3)])
        pooled = centred.T @ centred / (len(seen) - 3) + folds.RIDGE * np.eye(one.width)
        density = np.array([[multivariate_normal.pdf(row, mean, pooled) for mean in means] for row in rows])
        assert risks == pytest.approx(density / density.sum(axis=1, keepdims=True), rel=1e-6)


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


def test_truth_of_centres_equals_many_patients():
    one = picture_designs.CENTRES
    many = picture_designs.Centres("many", "", tuple(400 * n for n in one.counts), one.means)
    frame = many.draw(0)
    by_hand = 1 - frame.groupby("center")["value"].transform(lambda v: v - v.mean()).var() / frame["value"].var()
    assert by_hand == pytest.approx(one.share, abs=0.01)
    assert share_between(*(frame[c] for c in frame), resamples=2).value == pytest.approx(one.share, abs=0.01)


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
            assert np.mean(risk[own & (label == 0)] < 0.5) == pytest.approx(two.specificity_of(level), abs=0.015)
    frame = pd.DataFrame({"label": outside.label, "risk": outside.risks["model"], "sign": signs["outside"]["sign"]})
    found = subgroups(frame, by=["sign"], measure="observed_expected", draws=20).frame().set_index("level")["value"]
    for level in ("there", "absent"):
        assert found[level] == pytest.approx(many.observed_expected_of(level), abs=0.02)
    weighted = casemix.compare(inside, outside, signs, ["sign", "size"], resamples=2).table["auc_weighted"].iloc[0]
    assert weighted == pytest.approx(two.auc(1), abs=0.01)

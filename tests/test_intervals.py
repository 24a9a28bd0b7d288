"""Proportions and every two-by-two measure against R, second implementations and their own simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.stats import intervals
from helpers.stats.discrimination import operating_point
from helpers.stats.ratios import koopman

REFERENCE = Path(__file__).parent / "reference"
TABLES = json.loads((REFERENCE / "diagnostic_accuracy" / "expected.json").read_text())["tables"]


def close(value, expected, relative=1e-9, absolute=1e-12):
    assert value == pytest.approx(expected, rel=relative, abs=absolute)


def point(table: dict, **options):
    counts = [table[k] for k in ("tp", "fp", "fn", "tn")]
    label = np.repeat([1, 0, 1, 0], counts)
    risk = np.repeat([1.0, 1.0, 0.0, 0.0], counts)
    return operating_point(label, risk, 0.5, **options)


def limits(made):
    return made.low, made.high


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t['tp']}-{t['fp']}-{t['fn']}-{t['tn']}")
def test_two_by_two_measures_equal_r(table):
    made = point(table)
    frame = made.frame().set_index("measure")
    for measure in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence"):
        want = table[measure]
        close(getattr(made, measure).value, want["estimate"])
        close(limits(getattr(made, measure)), want["wilson"])
        assert "Wilson" in frame.loc[measure, "method"]
    close(made.balanced_accuracy.value, table["balanced_accuracy"])
    close(made.youden.value, table["youden"]["estimate"])
    close(made.youden.se, table["youden"]["se_delta"])
    close(made.f1.value, table["f1"]["estimate"])
    close(limits(made.f1), table["f1"]["ci95_wilson_of_jaccard"])
    close(made.f1.se, table["f1"]["se_delta"])
    close(made.mcc.value, table["mcc"])
    close(made.kappa.value, table["kappa"]["estimate"])
    close(made.kappa.se, table["kappa"]["ase"])
    close(limits(made.kappa), table["kappa"]["ci95"])
    for measure, name in (("lr_positive", "lr_pos"), ("lr_negative", "lr_neg"), ("dor", "diag_or")):
        want, got = table[name], getattr(made, measure)
        if want["estimate"] is None:  # division by zero in R's epiR: infinite here, with a note
            assert got.value == np.inf
            assert got.note.startswith("no ")
        else:
            close(got.value, want["estimate"])
        if None not in want["ci95"] and got.method.startswith("log"):
            close(limits(got), want["ci95"])
        elif "ci95_koopman_score" in want:
            low, high = want["ci95_koopman_score"]
            close(limits(got), (low, np.inf if high is None else high), relative=1e-6)
            assert got.note.startswith("no ")
    if min(table[k] for k in ("tp", "fp", "fn", "tn")) > 0:
        close(limits(made.youden), table["youden"]["ci95_delta"])
        close(made.balanced_accuracy.low, (table["youden"]["ci95_delta"][0] + 1) / 2)
        assert "log" in made.dor.method
    else:
        assert "Newcombe" in made.youden.method
        assert -1 <= made.youden.low < made.youden.value <= made.youden.high <= 1
        assert "exact conditional" in made.dor.method
    assert made.frame()["method"].str.len().min() > 3
    assert made.counts == {k: table[k] for k in ("tp", "fp", "fn", "tn")}


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t['tp']}-{t['fp']}-{t['fn']}-{t['tn']}")
def test_predictive_values_at_another_prevalence(table):
    for want in table["predictive_values_at_prevalence"]:
        made = point(table, prevalence=want["prevalence"])
        for measure in ("ppv", "npv"):
            got = getattr(made, f"{measure}_at_prevalence")
            if want[measure] is None:
                assert np.isnan(got.value)
            else:
                close(got.value, want[measure])
            assert 0 <= got.low <= got.value <= got.high <= 1


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t['tp']}-{t['fp']}-{t['fn']}-{t['tn']}")
def test_five_kinds_of_interval_equal_r(table):
    names = {"wilson": "wilson", "exact": "clopper_pearson", "clopper_pearson": "clopper_pearson",
             "agresti_coull": "agresti_coull", "wald": "wald", "jeffreys": "jeffreys_equal_tailed"}  # fmt: skip
    for measure in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence"):
        want = table[measure]
        for method, name in names.items():
            made = intervals.proportion(want["x"], want["n"], method=method)
            close(limits(made), np.clip(want[name], 0, 1))
            low, high = intervals.proportion_limits([want["x"]] * 2, want["n"], method=method)
            close((low[1], high[1]), limits(made))
        ci = point(table, interval="exact")
        close(limits(getattr(ci, measure)), want["clopper_pearson"])


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t['tp']}-{t['fp']}-{t['fn']}-{t['tn']}")
def test_koopman_equals_r_for_every_table(table):
    n1, n0 = table["tp"] + table["fn"], table["fp"] + table["tn"]
    for x1, x0, name in ((table["tp"], table["fp"], "lr_pos"), (table["fn"], table["tn"], "lr_neg")):
        low, high = table[name]["ci95_koopman_score"]
        close(limits(koopman(x1, n1, x0, n0)), (low, np.inf if high is None else high), relative=1e-6)


@pytest.fixture(scope="module")
def nodules():
    folder = REFERENCE / "clustered_nodules"
    return pd.read_csv(folder / "data.csv"), json.loads((folder / "expected.json").read_text())


def test_proportions_by_patient_equal_survey(nodules):
    data, expected = nodules
    made = operating_point(data["label"], data["model_a"], expected["threshold"]["cut"], patient_id=data["patient"])
    for measure in ("sensitivity", "specificity", "ppv"):
        want, got = expected[measure], getattr(made, measure)
        close(got.value, want["estimate"])
        close(got.se, want["se"])
        if "ci95_wilson_effective_n" in want:
            close(limits(got), want["ci95_wilson_effective_n"])
            assert f"effective n = {want['effective_n']:.1f}" in got.note
    called = data["model_a"] >= 0.5
    for method, name in (("wald", "ci95_normal"), ("logit", "ci95_logit")):
        got = intervals.clustered_proportion(called, data["patient"], among=data["label"] == 1, method=method)
        close(limits(got), expected["sensitivity"][name])
    assert made.patients == 140
    assert "of 140 patients" in made.methods


def test_every_measure_by_patient_agrees_with_the_bootstrap(nodules):
    from helpers.stats.resampling import bootstrap_counts
    from helpers.stats.two_by_two import TwoByTwo

    data, _ = nodules
    label, called = data["label"].to_numpy(bool), (data["model_a"] >= 0.5).to_numpy()
    made = operating_point(label, data["model_a"], 0.5, patient_id=data["patient"])
    measures = (
        "youden",
        "kappa",
        "f1",
        "mcc",
        "balanced_accuracy",
        "accuracy",
        "npv",
        "lr_positive",
        "lr_negative",
        "dor",
    )
    drawn = []
    for counts in bootstrap_counts(label, patient_id=data["patient"], resamples=800, seed=4, stratified=False):
        rows = np.repeat(np.arange(label.size), counts)
        table = TwoByTwo(label[rows], called[rows])
        drawn.append([getattr(table, m)().value for m in measures])
    for measure, values in zip(measures, np.array(drawn).T):
        got = getattr(made, measure)
        se = np.log(values).std() * got.value if measure in ("lr_positive", "lr_negative", "dor") else values.std()
        close(got.se, se, relative=0.12)
        assert "patient" in got.method


def test_delta_errors_equal_a_simulation():
    # multinomial counts of one table, 116 cases; the standard errors of all smooth measures
    from helpers.stats.two_by_two import TwoByTwo

    rng = np.random.default_rng(2)
    draws = rng.multinomial(400, np.array([90, 60, 30, 220]) / 400, size=1500)
    measures = ("youden", "kappa", "f1", "mcc", "lr_positive", "dor")
    made, errors = [], []
    for tp, fp, fn, tn in draws:
        counts = [tp, fp, fn, tn]
        table = TwoByTwo(np.repeat([True, False, True, False], counts), np.repeat([True, True, False, False], counts))
        found = [getattr(table, m)() for m in measures]
        made.append([e.value for e in found])
        errors.append([e.se / (e.value if m in ("lr_positive", "dor") else 1) for m, e in zip(measures, found)])
    values = np.array(made)
    values[:, 4:] = np.log(values[:, 4:])
    close(np.mean(errors, axis=0), values.std(axis=0), relative=0.06)


def test_zero_cells_are_stated():
    made = operating_point([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.2, 0.1], 0.9)
    assert np.isnan(made.ppv.value)
    assert made.ppv.note == "no case is called positive"
    assert np.isnan(made.mcc.value)
    assert "called alike" in made.mcc.note
    assert np.isnan([made.kappa.value, made.kappa.low, made.kappa.high]).all() and "called alike" in made.kappa.note
    assert np.isnan(made.lr_positive.value)
    assert "no true positives, no false positives" in made.lr_positive.note
    assert np.isnan(made.dor.value)
    text = made.frame().to_csv()
    assert "no case is called positive" in text


def test_zero_cells_with_repeated_patients_count_patients():
    label = [1, 1, 1, 1, 0, 0, 0, 0]
    risk = [0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1]
    patient = ["a", "a", "b", "b", "c", "c", "d", "e"]
    made = operating_point(label, risk, 0.5, patient_id=patient)
    close(limits(made.sensitivity), limits(intervals.proportion(2, 2)))
    assert "counts patients" in made.sensitivity.note
    assert np.isnan(made.dor.low)
    assert "several cases a patient" in made.dor.note
    assert "counts patients" in made.lr_negative.note


def test_estimate_says_what_it_has():
    assert str(intervals.proportion(0, 0)) == "not estimable"
    assert intervals.proportion(0, 0).note == "no case in the denominator"
    assert intervals.proportion(0, 7).low == 0.0
    assert intervals.proportion(7, 7).high == 1.0
    frame = intervals.proportion(3, 9, level=0.9).frame("sensitivity")
    assert frame.columns.tolist() == ["measure", "value", "low", "high", "se", "level", "method", "note"]
    assert float(intervals.proportion(3, 9)) == 1 / 3
    assert intervals.log_interval(2.0, 0.1, level=0.9).text(1) == "2.0 (90 % CI 1.7 to 2.4)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.proportion(8, 7), "count, total"),
        (lambda: intervals.proportion(1, 7, method="bayes"), "method: unknown 'bayes'"),
        (lambda: intervals.proportion(1, 7, level=0), "level"),
        (lambda: intervals.log_interval(0.0, 1.0), "value: a log interval"),
        (lambda: intervals.logit_interval(1.0, 1.0), "value: a logit interval"),
        (
            lambda: intervals.clustered_proportion([1, 0], [1, 1], method="exact"),
            "method: unknown 'exact' for clustered",
        ),
        (lambda: koopman(3, 2, 1, 2), "x1, n1, x0, n0"),
        (lambda: operating_point([0, 1], [0, 1], np.nan), "threshold"),
        (lambda: operating_point([0, 1], [0, 1], 0.5, prevalence=1.2), "prevalence"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_operating_point_plot_and_unknown_measure():
    import matplotlib.pyplot as plt

    made = point(TABLES[1])
    ax = made.plot()
    assert len(ax.get_yticklabels()) == 7
    with pytest.raises(AttributeError, match="no measure 'recall'"):
        _ = made.recall
    plt.close("all")

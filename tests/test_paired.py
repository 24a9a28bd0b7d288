"""Paired comparison of two tests against DTComPair and ratesci."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.stats.discrimination import compare_decisions
from helpers.stats.paired import mcnemar_p, tango_limits

FOLDER = Path(__file__).parent / "reference" / "paired_tests"
WANT = json.loads((FOLDER / "expected.json").read_text())
DATA = pd.read_csv(FOLDER / "data.csv")


def compare(**options) -> pd.DataFrame:
    # the reference counts differences as test2 - test1
    return compare_decisions(DATA["disease"], DATA["test2"], DATA["test1"], **options).frame().set_index("measure")


def close(value, expected, relative=1e-8):
    assert value == pytest.approx(expected, rel=relative, abs=1e-12)


@pytest.mark.parametrize("measure", ["sensitivity", "specificity"])
def test_mcnemar_and_tango_equal_r(measure):
    want = WANT["mcnemar"][measure]
    row = compare(test="mcnemar").loc[measure]
    close([row["value_a"], row["value_b"], row["difference"]], [want["test2"], want["test1"], want["diff"]])
    close([row["statistic"], row["p_value"]], [want["test.statistic"], want["p.value"]])
    close([row["low"], row["high"]], WANT["diff_ci_tango_score"][measure], relative=1e-6)
    close(compare(test="exact").loc[measure, "p_value"], WANT["exact"][measure]["p.value"])
    middle = compare(test="midp").loc[measure, "p_value"]
    assert want["p.value"] * 0.8 < middle < WANT["exact"][measure]["p.value"]


@pytest.mark.parametrize(
    ("test", "key"),
    [("leisenring", "pv_generalised_score_leisenring"), ("kosinski", "pv_weighted_generalised_score_kosinski")],
)
def test_predictive_values_equal_dtcompair(test, key):
    table = compare(predictive=test)
    for measure in ("ppv", "npv"):
        want, row = WANT[key][measure], table.loc[measure]
        close([row["value_a"], row["value_b"], row["difference"]], [want["test2"], want["test1"], want["diff"]])
        close([row["statistic"], row["p_value"]], [want["test.statistic"], want["p.value"]])
        assert row["low"] < row["difference"] < row["high"]


def test_relative_predictive_values_equal_moskowitz_pepe():
    table = compare(predictive="moskowitz_pepe")
    for measure, name in (("ppv", "rppv"), ("npv", "rnpv")):
        want, row = WANT["pv_relative_moskowitz_pepe"][measure], table.loc[measure]
        close(
            [row["ratio"], row["ratio_low"], row["ratio_high"]], [want[name], want[f"lcl.{name}"], want[f"ucl.{name}"]]
        )
        close([np.sqrt(row["statistic"]), row["p_value"]], [want["test.statistic"], want["p.value"]])


def test_likelihood_ratios_equal_gu_pepe():
    # here the reference gives test1 / test2
    table = compare_decisions(DATA["disease"], DATA["test1"], DATA["test2"]).frame().set_index("measure")
    for measure, name in (("lr_positive", "pdlr"), ("lr_negative", "ndlr")):
        want, row = WANT["likelihood_ratio_regression_gu_pepe"][name], table.loc[measure]
        got = [row[c] for c in ("value_a", "value_b", "ratio", "ratio_low", "ratio_high", "p_value")]
        close(got, [want[k] for k in ("test1", "test2", "ratio", "lcl", "ucl", "p.value")], relative=1e-5)


def test_order_of_the_tests_only_turns_the_sign():
    first = compare()
    second = compare_decisions(DATA["disease"], DATA["test1"], DATA["test2"]).frame().set_index("measure")
    rows = ["sensitivity", "specificity", "accuracy", "ppv", "npv"]
    close(first.loc[rows, "difference"].tolist(), (-second.loc[rows, "difference"]).tolist())
    close(first.loc[rows, "low"].tolist(), (-second.loc[rows, "high"]).tolist())
    close(first["p_value"].tolist(), second["p_value"].tolist())


def test_midp_by_hand():
    # b = 1, c = 5: exact 2 (1 + 6) / 64, mid-P takes one whole point probability off
    assert mcnemar_p(1, 5, test="exact")[1] == pytest.approx(14 / 64)
    assert mcnemar_p(1, 5)[1] == pytest.approx(14 / 64 - 6 / 64)
    assert mcnemar_p(3, 3)[1] == 1.0
    assert mcnemar_p(0, 0) == (0.0, 1.0)
    assert mcnemar_p(0, 4)[1] == pytest.approx(1 / 16)


@pytest.mark.parametrize(("b", "c", "n"), [(0, 0, 10), (10, 0, 10), (0, 10, 10), (3, 0, 40), (0, 1, 5), (1, 1, 2)])
def test_tango_limits_solve_their_equation(b, c, n):
    low, high = tango_limits(b, c, n)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert tango_limits(c, b, n) == pytest.approx((-high, -low), abs=1e-9)

    def score(delta):  # the constrained estimate by brute force
        q = np.linspace(max(0.0, -delta), (1 - delta) / 2, 400_001)[1:-1]
        with np.errstate(divide="ignore"):
            fit = b * np.log(q + delta) + c * np.log(q) + (n - b - c) * np.log1p(-2 * q - delta)
        best = q[np.argmax(fit)] if b + c < n or b * c else q[np.argmax(np.nan_to_num(fit, nan=-np.inf))]
        return (b - c - n * delta) / np.sqrt(n * (2 * best + delta * (1 - delta)))

    for limit, z in ((low, 1.959964), (high, -1.959964)):
        if abs(limit) < 0.999:
            assert score(limit) == pytest.approx(z, abs=2e-3)


def test_holm_over_the_declared_family():
    table = compare(family=("sensitivity", "specificity", "ppv"))
    adjusted = table["p_holm"].dropna()
    assert adjusted.index.tolist() == ["sensitivity", "specificity", "ppv"]
    assert adjusted["ppv"] == pytest.approx(3 * table.loc["ppv", "p_value"])
    assert table["p_holm"].isna().sum() == 4


def test_patients_with_several_cases():
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(160), 2)
    wide = compare(patient_id=patient)
    alone = compare(patient_id=rng.permutation(320))
    assert wide.loc["sensitivity", "test"].startswith("Wald")
    assert alone.loc["sensitivity", "test"].startswith("mid-P")  # no patient repeats
    # every case twice over as one patient: the variance must not shrink
    doubled = compare_decisions(
        np.tile(DATA["disease"], 2),
        np.tile(DATA["test2"], 2),
        np.tile(DATA["test1"], 2),
        patient_id=np.tile(np.arange(320), 2),
    ).frame()
    once = WANT["diff_ci_wald"]["sensitivity"]
    row = doubled.iloc[0]
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * once["diff.se"], rel=5e-3)
    assert doubled.set_index("measure").loc["ppv", "p_value"] == pytest.approx(
        WANT["pv_generalised_score_leisenring"]["ppv"]["p.value"], rel=1e-6
    )


def test_degenerate_tests_are_stated():
    label = [1, 1, 0, 0, 0]
    same = compare_decisions(label, label, label).frame().set_index("measure")
    assert same.loc["sensitivity", "note"] == "the tests never disagree here"
    assert same.loc["sensitivity", "p_value"] == 1
    assert np.isnan(same.loc["ppv", "p_value"])
    assert "no variance" in same.loc["ppv", "note"]
    assert "0 or infinite" in same.loc["lr_positive", "note"]
    none = compare_decisions(label, [0] * 5, label).frame().set_index("measure")
    assert "calls no case" in none.loc["ppv", "note"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1, 0], [1, 0], [1, 0, 1]), {}, "decision_b: has 3 cases"),
        (([1, 0], [0.3, 0.7], [1, 0]), {}, "decision_a: must be 0 or 1, found 0.3"),
        (([1, 1], [1, 0], [1, 0]), {}, "label: all 2 cases are 1"),
        (([1, 0], [1, 0], [1, 0]), {"test": "t"}, "test: unknown 't'"),
        (([1, 0], [1, 0], [1, 0]), {"predictive": "t"}, "predictive: unknown 't'"),
        (([1, 0], [1, 0], [1, 0]), {"family": ("recall",)}, "family: must name measures"),
    ],
)
def test_bad_arguments_are_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        compare_decisions(*arguments, **options)

"""Every rule on numbers known good and known bad, and faults of the input."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers.data.errors import StudyError
from helpers.stats.claims import (
    SEVERITIES,
    VERDICTS,
    auc_spread,
    audit,
    audit_numbers,
    order,
    paired,
    prevalence,
    selection,
    single_predictors,
    table_tests,
)
from helpers.stats.claims.audit import RULES
from helpers.stats.claims.intervals import formulas_behind, implied_n
from helpers.stats.claims.rounding import any_fits, printed
from helpers.stats.claims.tables import read_metrics

PUBLISHED = Path("data/published")
GOOD, OTHER, BAD, OPEN = VERDICTS


def row(place: str, statistic: str, value: str, unit: str = "") -> dict[str, str]:
    """One printed value; `place` is table/row/column."""
    table, name, column = place.split("/")
    number = value.lstrip("<>")
    is_number = number.replace(".", "", 1).replace("-", "", 1).isdigit()
    return {
        "source": "X", "table": table, "row": name, "column": column, "statistic": statistic, "value": value,
        "value_num": number if is_number else "", "unit": unit, "decimals": str(len(number.partition(".")[2])),
        "notes": "",
    }  # fmt: skip


def verdicts(rows, rule: str, entry: dict, **sections) -> dict[str, str]:
    """Verdicts of one entry by rule and row."""
    links = {"paper": "X", rule: [{"claim": "a claim", **entry}], **sections}
    made = audit_numbers(rows, links, name="numbers").frame()
    return {f"{r.rule.partition('.')[2]} {r.row}": r.verdict for r in made.itertuples()}


def only(rows, rule: str, entry: dict, **sections) -> str:
    found = verdicts(rows, rule, entry, **sections)
    assert len(found) == 1, found
    return next(iter(found.values()))


def link(place: str, statistic: str) -> list[str]:
    return [*place.split("/"), statistic]


N = [row("t/a/c", "n", "30"), row("t/b/c", "n", "40"), row("t/all/c", "n", "70"), row("t/other/c", "n", "71")]
SET = {"test": {"positives": link("t/a/c", "n"), "negatives": link("t/b/c", "n")}}


@pytest.mark.parametrize(
    ("total", "extra", "verdict"),
    [
        ("all", {}, GOOD),
        ("other", {}, BAD),
        ("other", {"other_totals": [link("t/all/c", "n")]}, OTHER),
        ("other", {"missing": "those without a class"}, GOOD),
        ("a", {"missing": "those without a class"}, BAD),
    ],
)
def test_sums(total, extra, verdict):
    entry = {"parts": [link("t/a/c", "n"), link("t/b/c", "n")], "total": link(f"t/{total}/c", "n"), **extra}
    assert only(N, "sums", entry) == verdict


def test_parts_do_not_exceed_the_whole():
    parts = [link("t/a/c", "n"), link("t/b/c", "n")]
    assert only(N, "parts", {"parts": parts, "at_most": link("t/other/c", "n")}) == GOOD
    assert only(N, "parts", {"parts": parts, "at_most": link("t/b/c", "n")}) == BAD
    others = {"other_wholes": [link("t/all/c", "n")]}
    assert only(N, "parts", {"parts": parts, "at_most": link("t/b/c", "n"), **others}) == OTHER


@pytest.mark.parametrize(("value", "verdict"), [("0.87", GOOD), ("0.9", GOOD), ("0.865", BAD), ("0.88", BAD)])
def test_repeated_numbers_agree_to_their_decimals(value, verdict):
    rows = [row("abstract/m/test", "sensitivity", value), row("t/m/test", "sensitivity", "0.870")]
    found = verdicts(rows, "repeated", {"tables": ["abstract"], "against": "t"})
    assert list(found.values()) == [verdict]


def explanation(rows, rule: str, entry: dict, **sections) -> str:
    """Arithmetic of the one finding of an entry."""
    made = audit_numbers(rows, {"paper": "X", rule: [{"claim": "a claim", **entry}], **sections}, name="n").frame()
    return made["explanation"].item()


@pytest.mark.parametrize(("value", "verdict"), [("90", GOOD), ("71", GOOD), ("95", OTHER), ("99", BAD)])
def test_shares_of_whole_cases(value, verdict):
    """Of 7: 5/7 = 71.4 and none is 90 unless cut; of 20 more is possible."""
    rows = [
        row("t/m/c", "accuracy", value, "%"),
        row("t/all/c", "n", "10" if value == "90" else "7"),
        row("t/big/c", "n", "20"),
    ]
    entry = {
        "cells": [link("t/m/c", "accuracy")],
        "total": [link("t/all/c", "n")],
        "other_totals": [[link("t/big/c", "n")]],
    }
    assert only(rows, "shares", entry) == verdict


def test_among_many_cases_every_share_is_possible():
    """Any whole percent is one of 100 cases, so they neither confirm nor explain one; 25/34 = 73.5 prints so only cut."""
    rows = [row("t/m/c", "accuracy", "95", "%"), row("t/cut/c", "accuracy", "73", "%")]
    rows += [row("t/test/c", "n", "34"), row("t/all/c", "n", "100", "patients"), row("t/most/c", "n", "99", "patients")]
    entry = {"cells": [link("t/m/c", "accuracy")], "total": [link("t/test/c", "n")]}
    assert only(rows, "shares", {**entry, "total": [link("t/all/c", "n")]}) == OPEN
    assert only(rows, "shares", {**entry, "total": [link("t/most/c", "n")]}) == GOOD
    other = {**entry, "other_totals": [[link("t/all/c", "n")]]}
    assert only(rows, "shares", other) == BAD
    said = "Among 100 patients every such share is possible, so they explain nothing."
    assert explanation(rows, "shares", other).endswith(said)
    cut = explanation(rows, "shares", {**entry, "cells": [link("t/cut/c", "accuracy")]})
    assert cut == "25/34 is 73.5%: printed so only when it is cut and not rounded."


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(0, 3), st.booleans())
def test_a_total_that_says_nothing_fits_every_number(total, decimals, percent):
    """The slow way: every number with so many decimals is tried; rounded half up, all fit or the total can tell."""
    scale = 10**decimals * (100 if percent else 1)
    texts = [f"{k / 10**decimals:.{decimals}f}" for k in range(scale + 1)]
    every = all(
        any((2 * count * scale + total) // (2 * total) == k for count in range(total + 1))
        for k in range(0, scale + 1, max(1, scale // 200))
    )
    says_nothing = any_fits(printed(texts[0], percent=percent), total)
    assert every or not says_nothing
    if scale <= 200:
        assert every == says_nothing


def pooled_rows(mean: str, sd: str):
    rng = np.random.default_rng(5)
    a, b = rng.normal(40, 10, 30), rng.normal(45, 12, 40)
    rows = list(N)
    for name, values in (("a", a), ("b", b)):
        rows += [
            row(f"t/{name}/c", "mean", f"{values.mean():.2f}"),
            row(f"t/{name}/c", "sd", f"{values.std(ddof=1):.2f}"),
        ]
    both = np.concatenate([a, b])
    rows += [
        row("t/all/c", "mean", mean or f"{both.mean():.2f}"),
        row("t/all/c", "sd", sd or f"{both.std(ddof=1):.2f}"),
    ]
    groups = [{k: link(f"t/{name}/c", k) for k in ("n", "mean", "sd")} for name in "ab"]
    return rows, {"groups": groups, "mean": link("t/all/c", "mean"), "sd": link("t/all/c", "sd")}


@pytest.mark.parametrize(("mean", "sd", "verdict"), [("", "", GOOD), ("50.00", "", BAD), ("", "9.00", BAD)])
def test_pooled_means(mean, sd, verdict):
    rows, entry = pooled_rows(mean, sd)
    assert only(rows, "pooled", entry) == verdict


@pytest.mark.parametrize(
    ("mean", "n", "verdict"), [("5.18", "28", GOOD), ("5.19", "28", BAD), ("40.13", "55", GOOD), ("5.19", "100", OPEN)]
)
def test_means_of_whole_numbers(mean, n, verdict):
    rows = [row("t/a/c", "mean", mean), row("t/a/c", "n", n)]
    entry = {"cells": [{"mean": link("t/a/c", "mean"), "n": link("t/a/c", "n")}]}
    assert only(rows, "whole_means", entry) == verdict


def percentage_rows(percent: str, count: str = "17"):
    return [
        row("t/head/c", "n", "52"), row("t/Sex|m/c", "count", count), row("t/Sex|m/c", "percent_of_column", percent, "%"),
        row("t/Sex|f/c", "count", "35"), row("t/Sex|f/c", "percent_of_column", "67.3", "%"),
    ]  # fmt: skip


def test_percentages():
    entry = {"tables": "t", "columns": ["c"], "of": "head"}
    assert set(verdicts(percentage_rows("32.7"), "percentages", entry).values()) == {GOOD}
    assert set(verdicts(percentage_rows("32.6"), "percentages", entry).values()) == {GOOD}  # 32.69 cut
    assert verdicts(percentage_rows("33.3"), "percentages", entry)["percentages Sex|m"] == BAD
    assert verdicts(percentage_rows("34.6", "18"), "percentages", entry)["percentages Sex"] == BAD  # 18 + 35 > 52
    assert verdicts(percentage_rows("30.8", "16"), "percentages", entry)["percentages Sex"] == OPEN


GOOD_ROW = {
    "sensitivity": "0.700",
    "specificity": "0.900",
    "accuracy": "0.814",
    "PPV": "0.840",
    "NPV": "0.800",
}  # 21, 36
TWO = {"tables": ["t"], "column": "test", "set": "test"}


def metric_rows(metrics: dict[str, str], name: str = "m") -> list[dict[str, str]]:
    return [row(f"t/{name}/test", statistic, value) for statistic, value in metrics.items()]


def explained(metrics: dict[str, str], extra=None) -> tuple[str, str]:
    links = {"paper": "X", "sets": SET, "two_by_two": [{"claim": "c", **TWO, **(extra or {})}]}
    made = audit_numbers(N + metric_rows(metrics), links, name="numbers").frame()
    return made["verdict"][0], made["explanation"][0]


def test_two_by_two_at_the_stated_counts():
    verdict, text = explained(GOOD_ROW)
    assert verdict == GOOD and "TP 21, FP 4, FN 9, TN 36 (30/40) (half up)" in text


def test_two_by_two_under_another_split():
    other = {"sensitivity": "0.75", "specificity": "0.90", "accuracy": "0.843", "PPV": "0.844"}  # 27 of 36? no: 36/34
    tables = audit_numbers(
        N + metric_rows(other), {"paper": "X", "sets": SET, "two_by_two": [{"claim": "c", **TWO}]}, name="numbers"
    ).frame()
    assert tables["verdict"][0] in (OTHER, BAD)
    real = {
        "sensitivity": "0.760",
        "specificity": "0.889",
        "accuracy": "0.843",
        "PPV": "0.792",
        "NPV": "0.870",
    }  # 25/45
    verdict, text = explained(real)
    assert verdict == OTHER and "other splits of 70" in text and "(25/45)" in text


def test_two_by_two_under_another_total_and_near_it():
    real = {
        "sensitivity": "0.762",
        "specificity": "0.895",
        "accuracy": "0.847",
        "PPV": "0.800",
        "NPV": "0.872",
    }  # 21/38 = 59
    rows = N + metric_rows(real) + [row("t/images/c", "n", "59")]
    entry = {**TWO, "rows": ["m"], "other_totals": [[link("t/images/c", "n")]]}
    assert only(rows, "two_by_two", entry, sets=SET) == OTHER
    assert only(rows, "two_by_two", {**TWO, "rows": ["m"]}, sets=SET) == BAD
    near = {
        "sensitivity": "0.690",
        "specificity": "0.900",
        "accuracy": "0.812",
        "PPV": "0.833",
        "NPV": "0.800",
    }  # 29/40
    verdict, text = explained(near)
    assert verdict == OTHER and "69 cases, 1 fewer than stated" in text


def test_two_by_two_diagnoses_one_misprint_and_an_exchange():
    verdict, text = explained({**GOOD_ROW, "NPV": "0.870"})
    assert verdict == BAD and "Without NPV the others fit the stated counts" in text
    exchanged = {"sensitivity": "0.900", "specificity": "0.700", "accuracy": "0.814", "PPV": "0.800", "NPV": "0.840"}
    verdict, text = explained(exchanged)  # fits with 40 positives and 30 negatives: another split of 70
    assert verdict == OTHER and "(40/30)" in text
    exchanged = {"sensitivity": "0.840", "specificity": "0.800", "PPV": "0.700", "NPV": "0.900", "accuracy": "0.815"}
    assert explained(exchanged)[0] == BAD


def test_rows_that_share_no_counts():
    other = {"sensitivity": "0.760", "specificity": "0.889", "accuracy": "0.843", "PPV": "0.792", "NPV": "0.870"}
    rows = N + metric_rows(GOOD_ROW, "first") + metric_rows(other, "second")
    assert verdicts(rows, "two_by_two", TWO, sets=SET)["shared_counts all rows"] == BAD
    rows = N + metric_rows(GOOD_ROW, "first") + metric_rows(GOOD_ROW, "second")
    assert verdicts(rows, "two_by_two", TWO, sets=SET)["shared_counts all rows"] == GOOD
    rows = N + metric_rows(other, "first") + metric_rows(other, "second")
    assert verdicts(rows, "two_by_two", TWO, sets=SET)["shared_counts all rows"] == OTHER


@settings(max_examples=25, deadline=None)
@given(
    st.integers(5, 60),
    st.integers(5, 60),
    st.randoms(use_true_random=False),
    st.sampled_from(["half up", "truncation"]),
)
def test_rows_of_one_set_are_never_contradictory(positives, negatives, random, rounding):
    """Three real tables of the same cases, printed with three decimals, when the stated counts are wrong by a few."""
    rows, total = [], positives + negatives
    for name in ("a", "b", "c"):
        tp, tn = random.randint(1, positives - 1), random.randint(1, negatives - 1)
        shares = {"sensitivity": (tp, positives), "specificity": (tn, negatives), "accuracy": (tp + tn, total),
                  "PPV": (tp, tp + negatives - tn), "NPV": (tn, tn + positives - tp)}  # fmt: skip
        for metric, (x, n) in shares.items():
            whole = (1000 * x) // n if rounding == "truncation" else (2000 * x + n) // (2 * n)
            rows.append(row(f"m/{name}/test", metric, f"{whole / 1000:.3f}"))
    stated = [row("t/p/c", "n", str(positives + 2)), row("t/q/c", "n", str(negatives - 2))]
    sets = {"test": {"positives": link("t/p/c", "n"), "negatives": link("t/q/c", "n")}}
    found = verdicts([*stated, *rows], "two_by_two", {**TWO, "tables": ["m"]}, sets=sets)
    assert BAD not in found.values()


def test_prevalence():
    assert only(N + metric_rows(GOOD_ROW), "prevalence", TWO, sets=SET) == GOOD
    other = {"sensitivity": "0.760", "specificity": "0.889", "accuracy": "0.843", "PPV": "0.792", "NPV": "0.870"}
    assert only(N + metric_rows(other), "prevalence", TWO, sets=SET) == OTHER
    assert only(N + metric_rows({**GOOD_ROW, "NPV": "0.950"}), "prevalence", TWO, sets=SET) == BAD
    assert prevalence.implied(read_metrics({"sensitivity": "0.7", "specificity": "0.7", "accuracy": "0.7"})) == {}


@pytest.mark.parametrize("method", ["wald", "wilson", "exact", "agresti_coull", "jeffreys"])
def test_the_formula_of_an_interval_is_found(method):
    from helpers.stats.intervals import proportion_limits

    low, high = (float(v[0]) for v in proportion_limits([101], [116], method=method))
    text = [printed(f"{v:.4f}") for v in (101 / 116, low, high)]
    assert formulas_behind(*text, 116) == [method]
    assert method not in formulas_behind(*text, 90)


def test_implied_n_holds_the_true_one():
    low, high = implied_n(printed("0.916"), printed("0.881"), printed("0.951"))
    assert low <= 245 <= high and implied_n(printed("0.9"), printed("0.9"), printed("0.9")) is None


def interval_rows(value, low, high, statistic="sensitivity"):
    place = "t/m/test"
    return [
        row(place, statistic, value),
        row(place, f"{statistic}_ci95_low", low),
        row(place, f"{statistic}_ci95_high", high),
    ]


def test_intervals():
    wald = ("0.700", "0.536", "0.864")  # 21 of 30
    assert only(N + interval_rows(*wald), "intervals", TWO, sets=SET) == GOOD
    assert only(N + interval_rows(*wald), "intervals", {**TWO, "method": "wilson"}, sets=SET) == BAD
    assert only(N + interval_rows("0.700", "0.650", "0.750"), "intervals", TWO, sets=SET) == OPEN
    assert only(N + interval_rows("0.700", "0.750", "0.864"), "intervals", TWO, sets=SET) == BAD
    assert only(N + interval_rows("0.800", "0.690", "0.910", "AUC"), "intervals", TWO, sets=SET) == GOOD
    assert only(N + interval_rows("0.800", "0.790", "0.810", "AUC"), "intervals", TWO, sets=SET) == BAD


def test_a_proportions_formula_on_every_auc_is_seen():
    rows = list(N)
    for name, auc in (("a1", 0.8), ("a2", 0.85), ("a3", 0.9)):
        half = 1.959964 * np.sqrt(auc * (1 - auc) / 70)
        place = f"t/{name}/test"
        rows += [row(place, "AUC", f"{auc:.3f}"), row(place, "AUC_ci95_low", f"{auc - half:.3f}")]
        rows += [row(place, "AUC_ci95_high", f"{auc + half:.3f}")]
    assert verdicts(rows, "intervals", TWO, sets=SET)["proportion_on_auc all rows"] == BAD


def test_auc_spread_agrees_with_simulation():
    """DeLong's standard errors of 200 samples lie in the plausible range; their mean is near the formula."""
    from helpers.stats.auc import auc

    rng = np.random.default_rng(3)
    errors, label = [], np.r_[np.ones(27), np.zeros(89)].astype(int)
    for _ in range(60):
        made = auc(label, np.r_[rng.normal(0.9, 1, 27), rng.normal(0, 1, 89)])
        low, high = auc_spread.plausible_range(made.value, 27, 89)
        errors.append(low <= made.se <= high)
    assert np.mean(errors) > 0.97


def test_auc_steps():
    rows = [row("t/m/c", "AUC", "0.95"), row("t/p/c", "n", "4"), row("t/q/c", "n", "5")]
    item = {"auc": link("t/m/c", "AUC"), "positives": [link("t/p/c", "n")], "negatives": [link("t/q/c", "n")]}
    assert only(rows, "auc_steps", {"cells": [item]}) == GOOD
    rows[0] = row("t/m/c", "AUC", "0.96")
    assert only(rows, "auc_steps", {"cells": [item]}) == BAD
    rows[1:] = [row("t/p/c", "n", "5"), row("t/q/c", "n", "10")]  # 100 half pairs: any two decimals
    assert only(rows, "auc_steps", {"cells": [item]}) == OPEN
    assert "every AUC is possible" in explanation(rows, "auc_steps", {"cells": [item]})


def test_count_p_values_are_those_of_scipy():
    table = ((49, 21), (176, 34))
    found = table_tests.count_p_values(table)
    assert found["chi-square"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert found["chi-square (Yates)"] == pytest.approx(stats.chi2_contingency(table).pvalue)
    assert found["Fisher"] == pytest.approx(stats.fisher_exact(table).pvalue)
    likelihood = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    assert found["likelihood ratio"] == pytest.approx(likelihood)
    assert table_tests.count_p_values(((3, 4),)) == {}


def test_mean_p_values_hold_those_of_scipy():
    n, mean, sd = [89, 27], ["41.72", "37.33"], ["10.30", "11.01"]
    found = table_tests.mean_p_values(n, [printed(m) for m in mean], [printed(s) for s in sd])
    for name, equal in (("t", True), ("Welch t", False)):
        p = stats.ttest_ind_from_stats(41.72, 10.30, 89, 37.33, 11.01, 27, equal_var=equal).pvalue
        assert found[name][0] <= p <= found[name][1]


def table_rows(p: str):
    rows = [row("t/head/a", "n", "225"), row("t/head/b", "n", "55"), row("t/Sex/p", "p_value", p)]
    for level, a, b in (("m", "49", "21"), ("f", "176", "34")):
        rows += [row(f"t/Sex|{level}/a", "count", a), row(f"t/Sex|{level}/b", "count", b)]
    return rows


def test_table_tests():
    entry = {"table": "t", "columns": ["a", "b"], "p": "p", "of": "head"}
    assert verdicts(table_rows("0.019"), "table_tests", entry)["table_tests Sex"] == GOOD
    assert verdicts(table_rows("0.019"), "table_tests", entry)["one_test all rows"] == GOOD
    assert verdicts(table_rows("0.190"), "table_tests", entry)["table_tests Sex"] == BAD
    grid = [[link(f"t/Sex|{level}/{group}", "count") for group in "ab"] for level in "mf"]
    assert only(table_rows("0.012"), "p_values", {"grid": grid, "p": link("t/Sex/p", "p_value")}) == GOOD
    assert only(table_rows("0.050"), "p_values", {"grid": grid, "p": link("t/Sex/p", "p_value")}) == BAD


def significant_rows(margin: str):
    values = {
        ("Margin", "train"): margin,
        ("Margin", "test"): "0.010",
        ("Sex", "train"): "0.019",
        ("Sex", "test"): "0.170",
    }
    rows = [row(f"t/{name}/{column}", "p_value", value) for (name, column), value in values.items()]
    return [*rows, row("t/said/c", "list", "margin")]


def test_significant_variables_named():
    entry = {"table": "t", "p": ["train", "test"], "named": ["Margin"], "said": link("t/said/c", "list")}
    assert only(significant_rows("<0.001"), "significant", entry) == GOOD
    assert only(significant_rows("0.100"), "significant", entry) == BAD
    assert only(significant_rows("<0.05"), "significant", {**entry, "named": ["Margin", "Sex"]}) == GOOD  # in any set


def test_between_two_sets():
    entry = {"table": "t", "groups": [["a"], ["b"]], "said": link("t/said/c", "claim")}
    rows = [*table_rows("0.019"), row("t/said/c", "claim", "no difference")]
    assert only(rows, "between", entry) == BAD  # 49 of 225 against 21 of 55
    assert only(rows, "between", {**entry, "alpha": 0.01}) == GOOD
    assert only([row("t/said/c", "claim", "no difference")], "between", entry) == OPEN


def test_auc_of_levels_is_that_of_delong():
    from helpers.stats.auc import auc

    positives, negatives = np.array([9, 5, 2]), np.array([3, 7, 20])
    label = np.r_[np.ones(16), np.zeros(30)].astype(int)
    score = np.r_[np.repeat([3, 2, 1], positives), np.repeat([3, 2, 1], negatives)].astype(float)
    made = auc(label, score)
    assert single_predictors.auc_of_levels(positives, negatives) == pytest.approx((made.value, made.se))


def test_pairs_hold_the_true_joint_table():
    rng = np.random.default_rng(1)
    label = rng.random(120) < 0.4
    a, b = rng.random(120) < 0.2 + 0.4 * label, rng.random(120) < 0.3 + 0.3 * label
    margins = [
        ((int((s & label).sum()), int((s & ~label).sum())), (int((~s & label).sum()), int((~s & ~label).sum())))
        for s in (a, b)
    ]
    low, high = single_predictors.pair_range(*margins)
    signs = a.astype(int) + b
    order_ = [((signs == k) & label).sum() for k in (2, 1, 0)], [((signs == k) & ~label).sum() for k in (2, 1, 0)]
    assert low - 1e-12 <= single_predictors.auc_of_levels(*order_)[0] <= high + 1e-12


def test_single_predictors_against_a_model():
    rows = [row("t/head/p", "n", "20"), row("t/head/q", "n", "40"), row("t/m/c", "AUC", "0.800")]
    for level, p, q in (("yes", "18", "4"), ("no", "2", "36")):
        rows += [row(f"t/Sign|{level}/p", "count", p), row(f"t/Sign|{level}/q", "count", q)]
    entry = {"table": "t", "positives": "p", "negatives": "q", "of": "head", "models": [link("t/m/c", "AUC")]}
    assert verdicts(rows, "single_predictors", entry) == {"against_the_model m": BAD}  # 0.90, no finding of its own
    limits = [row("t/m/c", "AUC_ci95_low", "0.700"), row("t/m/c", "AUC_ci95_high", "0.850")]
    text = explanation([*rows, *limits], "single_predictors", entry)
    assert text == (
        "Signs whose AUC is above that of the best model (m, 0.800 (0.700 to 0.850)): Sign 0.900 (0.818 to 0.982). "
        "The printed numbers do not show that the model surpasses these signs; where the intervals overlap (Sign), "
        "which is better stays open."
    )
    limits[1] = row("t/m/c", "AUC_ci95_high", "0.810")
    assert explanation([*rows, *limits], "single_predictors", entry).endswith("the model surpasses these signs.")
    rows[2] = row("t/m/c", "AUC", "0.950")
    assert verdicts(rows, "single_predictors", entry) == {"against_the_model m": GOOD}


def test_paired_range_holds_every_arrangement():
    low, high = paired.p_value_range(19, 15, 27)["exact"]
    assert low == pytest.approx(stats.binomtest(4, 4).pvalue)
    assert high == pytest.approx(stats.binomtest(12, 20).pvalue)  # b = 12, c = 8: at most 12 are right in a alone
    with pytest.raises(ValueError, match="right_a"):
        paired.p_value_range(28, 15, 27)


def test_paired():
    rows = N + metric_rows({"sensitivity": "0.700"}, "x") + metric_rows({"sensitivity": "0.600"}, "y")
    rows += metric_rows({"sensitivity": "0.267"}, "z")
    entry = {"a": link("t/x/test", "sensitivity"), "b": link("t/y/test", "sensitivity"), "set": "test"}
    assert only(rows, "paired", {**entry, "claimed": True}, sets=SET) == BAD  # 21 and 18 of 30
    assert only(rows, "paired", entry, sets=SET) == GOOD
    entry["b"] = link("t/z/test", "sensitivity")  # 8 of 30: 13 against 0 to 21 against 8
    assert only(rows, "paired", {**entry, "claimed": True}, sets=SET) == GOOD
    rows[-1] = row("t/z/test", "sensitivity", "0.467")  # 14 of 30: 7 against 0 to 16 against 9
    assert only(rows, "paired", {**entry, "claimed": True}, sets=SET) == OPEN


def test_auc_difference():
    rows = N + interval_rows("0.800", "0.690", "0.910", "AUC") + [row("t/p/c", "p_value", "<0.05")]
    rows += [{**cell, "row": "m2"} for cell in interval_rows("0.790", "0.600", "0.980", "AUC")]
    entry = {"a": link("t/m/test", "AUC"), "b": link("t/m2/test", "AUC"), "set": "test"}
    assert only(rows, "auc_difference", entry, sets=SET) == OPEN
    assert only(rows, "auc_difference", {**entry, "p": link("t/p/c", "p_value")}, sets=SET) == BAD
    rows[-3] = {**rows[-3], "value": "0.680"}  # needs a correlation above 0
    rows[-2], rows[-1] = {**rows[-2], "value": "0.550"}, {**rows[-1], "value": "0.810"}
    assert only(rows, "auc_difference", {**entry, "p": link("t/p/c", "p_value")}, sets=SET) == OPEN
    rows[-3] = {**rows[-3], "value": "0.600"}
    rows[-2], rows[-1] = {**rows[-2], "value": "0.470"}, {**rows[-1], "value": "0.730"}
    assert only(rows, "auc_difference", {**entry, "p": link("t/p/c", "p_value")}, sets=SET) == GOOD


def test_selection_and_majority():
    rng = np.random.default_rng(0)
    assert selection.expected_best(5) == pytest.approx(rng.normal(size=(200_000, 5)).max(1).mean(), abs=0.005)
    rows = N + metric_rows({"AUC": "0.700", "accuracy": "0.600"})
    assert (
        only(rows, "selection", {"chosen": link("t/m/test", "AUC"), "candidates": 5, "set": "test"}, sets=SET) == OPEN
    )
    classes = [[link("t/a/c", "n")], [link("t/b/c", "n")]]
    found = [
        audit_numbers(
            N + metric_rows({"accuracy": value}),
            {"paper": "X", "majority": [{"claim": "c", "cells": [link("t/m/test", "accuracy")], "classes": classes}]},
            name="numbers",
        ).frame()["severity"][0]
        for value in ("0.600", "0.500")
    ]
    assert found == ["note", "minor"]  # the commonest class is 40 of 70


@pytest.mark.parametrize(
    ("gain", "verdict", "words"),
    [("10.0", GOOD, "in percentage points"), ("20.0", GOOD, "relative"), ("30.0", BAD, "No reading")],
)
def test_gains(gain, verdict, words):
    rows = metric_rows({"accuracy": "0.500"}, "before") + metric_rows({"accuracy": "0.600"}, "after")
    rows.append(row("t/gain/c", "percent", gain, "%"))
    entry = {"claim": "c", "before": [link("t/before/test", "accuracy")], "after": [link("t/after/test", "accuracy")]}
    made = audit_numbers(
        rows, {"paper": "X", "gains": [{**entry, "gain": link("t/gain/c", "percent")}]}, name="n"
    ).frame()
    assert made["verdict"][0] == verdict and words in made["explanation"][0]


def test_better():
    rows = metric_rows({"AUC": "0.800", "specificity": "0.700"}, "x") + metric_rows(
        {"AUC": "0.700", "specificity": "0.800"}, "y"
    )
    entry = {"pairs": [[["t", "x", "test"], ["t", "y", "test"]]]}
    assert only(rows, "better", {**entry, "statistics": ["AUC"]}) == GOOD
    assert only(rows, "better", {**entry, "statistics": ["AUC", "specificity"]}) == BAD
    same = metric_rows({"AUC": "0.800"}, "x") + metric_rows({"AUC": "0.800"}, "y")
    assert only(same, "better", {**entry, "statistics": ["AUC"]}) == BAD
    assert only(same, "better", {**entry, "statistics": ["AUC"], "relation": "not lower"}) == GOOD


def test_order():
    names = ["min", "lower_quartile", "median"]
    for values, verdict in ((("0", "0.3", "0.8"), GOOD), (("0", "0.95", "0.80"), BAD)):
        rows = [row("t/d/c", name, value) for name, value in zip(names, values, strict=True)]
        assert only(rows, "order", {"cells": [link("t/d/c", name) for name in names]}) == verdict


@pytest.mark.parametrize(
    ("formula", "name", "verdict"),
    [
        ("2|A∩B| / (|A|+|B|)", "Dice", GOOD),
        ("2 TP / (2 TP + FP + FN)", "Dice", GOOD),
        ("2|P∩G| / |P∪G|", "Dice", BAD),
        ("|P∩G| / |P∪G|", "Dice", BAD),
        ("|P∩G| / |P∪G|", "Jaccard (intersection over union)", GOOD),
        ("sens/(1-spec)", "positive predictive value", BAD),
        ("a secret", "Dice", OPEN),
    ],
)
def test_formulas(formula, name, verdict):
    rows = [row("t/f/c", "formula", formula)]
    assert only(rows, "formulas", {"cell": link("t/f/c", "formula"), "name": name}) == verdict
    assert order.recognise("TP/(TP+FN)") == "sensitivity"


def test_binary_auc():
    rows = N + metric_rows({"AUC": "0.800", "sensitivity": "0.700", "specificity": "0.900"}, "reader")
    rows += metric_rows({"AUC": "0.850"}, "model")
    entry = {**TWO, "rows": ["reader"], "auc": "AUC", "against": link("t/model/test", "AUC")}
    assert set(verdicts(rows, "binary_auc", entry, sets=SET)) == {"binary_auc reader", "binary_against_graded all rows"}
    rows[len(N)] = row("t/reader/test", "AUC", "0.880")
    assert set(verdicts(rows, "binary_auc", entry, sets=SET)) == {"binary_auc reader"}


def test_size():
    rows = [row("t/a/c", "n", "30"), row("t/b/c", "n", "40"), row("t/m/test", "AUC", "0.80")]
    entry = {"set": "test", "auc": link("t/m/test", "AUC")}
    assert only(rows, "size", entry, sets=SET) == OPEN
    assert only(rows, "size", {**entry, "parameters": 10}, sets=SET) == OPEN
    rows[:2] = [row("t/a/c", "n", "4000"), row("t/b/c", "n", "4000")]
    assert only(rows, "size", entry, sets=SET) == GOOD


def test_size_of_classes_that_are_added_in_the_unit_of_their_cells():
    rows = [row(f"t/{name}/c", "n", n, "patients") for name, n in (("a", "4"), ("b", "10"), ("c", "20"))]
    rows += [row("t/m/test", "AUC", "0.99")]
    entry = {"auc": link("t/m/test", "AUC"), "positives": [link("t/a/c", "n")]}
    entry["negatives"] = [link("t/b/c", "n"), link("t/c/c", "n")]
    made = audit_numbers(rows, {"paper": "X", "size": [{"claim": "c", **entry}]}, name="n").frame().loc[0]
    assert (made["printed"], made["recomputed"]) == ("34 patients, 4 of the rarer class", "4,097 patients")
    assert made["explanation"].startswith("4,097 patients with 482 of the rarer class are asked for, validating an AUC")
    assert "do not depend on each other" not in made["explanation"]
    nodes = [{**cell, "unit": "lymph nodes" if cell["unit"] else ""} for cell in rows]
    text = explanation(nodes, "size", entry)
    assert "34 lymph nodes let one expect" in text
    assert "The criteria count cases that do not depend on each other; lymph nodes of one patient do." in text
    assert "34 cases let one expect" in explanation([{**cell, "unit": ""} for cell in rows], "size", entry)


def test_statements_are_not_judged():
    entry = {"cells": [link("t/a/c", "n")], "says": "A reader will compare."}
    assert only(N, "side_by_side", entry) == OPEN


FAULTS = [
    ({"sums": [{"claim": "c", "parts": [["t", "a", "c", "m"]], "total": link("t/all/c", "n")}]}, "names no printed cell"),
    ({"sums": [{"claim": "c", "parts": ["t"], "total": link("t/all/c", "n")}]}, "a link is"),
    ({"sums": [{"claim": "c", "parts": [link("t/a/c", "n")]}]}, "needs the key 'total'"),
    ({"sums": [{"parts": [link("t/a/c", "n")]}]}, "needs the key 'claim'"),
    ({"two_by_two": [{"claim": "c", **TWO}]}, "the set 'test' is not declared"),
    ({"two_by_two": [{"claim": "c", **TWO, "column": "nowhere"}], "sets": SET}, "has no column 'nowhere'"),
    ({"two_by_two": [{"claim": "c", **TWO, "column": "c", "rows": ["z"]}], "sets": SET}, "names no printed row"),
    ({"two_by_two": [{"claim": "c", **TWO, "column": "c", "rows": ["a"], "metrics": ["sensitivty"]}], "sets": SET},
     "unknown statistic 'sensitivty'"),
    ({"formulas": [{"claim": "c", "cell": link("t/a/c", "n"), "name": "Dise"}]}, "unknown formula name"),
    ({"summs": []}, "unknown rule 'summs'"),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "words"), FAULTS)
def test_faulty_links_are_named(sections, words):
    with pytest.raises(StudyError, match=words) as caught:
        audit_numbers(N, {"paper": "X", **sections}, name="numbers.csv")
    assert "Way out" in str(caught.value) and "numbers.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decimals": ""}, "row 2, column decimals: decimals are missing"),
        ({"decimals": "2"}, "has 0 decimals, not 2"),
        (
            {"statistic": "percent_of_column", "value": "132", "unit": "%"},
            "row 2, column value: percent_of_column of 132 % is impossible",
        ),
        ({"statistic": "sensitivity", "value": "87"}, "sensitivity of 87 is impossible"),
        ({"row": "b"}, "row 3: t / b / c / n is also in row 2"),
        ({"value": "many"}, "is not a number"),
    ],
)
def test_faulty_numbers_are_named(change, words):
    rows = [{**N[0], **change}, *N[1:]]
    with pytest.raises(StudyError, match=words) as caught:
        audit_numbers(rows, {"paper": "X"}, name="numbers.csv")
    assert "numbers.csv" in str(caught.value) and "Way out" in str(caught.value)


def test_a_faulty_folder_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"claims\.yaml"):
        audit(tmp_path)
    (tmp_path / "x_claims.yaml").write_text(
        "paper: X\nsums:\n  - claim: c\n    parts: [[a, b, c, d]]\n    total: [a, b, c, d]\n"
    )
    with pytest.raises(StudyError, match="no table of printed numbers"):
        audit(tmp_path)
    header = "source,table,row,column,statistic,value,value_num,unit,decimals,notes\n"
    (tmp_path / "x.csv").write_text(header + "X,t,a,c,n,30,30,patients,0,\n")
    with pytest.raises(StudyError, match=r"x_claims\.yaml, row 3: the link a / b / c / d names no printed cell"):
        audit(tmp_path)
    (tmp_path / "x_claims.yaml").write_text("paper: [\n")
    with pytest.raises(StudyError, match="not valid YAML"):
        audit(tmp_path)
    (tmp_path / "x.csv").write_text(header.replace(",unit", "") + "X,t,a,c,n,30,30,0,\n")
    with pytest.raises(StudyError, match=r"x\.csv, row 1: no column unit"):
        audit(tmp_path)


@pytest.fixture(scope="module")
def four():
    return audit(PUBLISHED)


def test_findings_can_be_traced_to_their_cells(four):
    lines = {f.name: list(csv.reader(f.open(encoding="utf-8"))) for f in PUBLISHED.glob("[ABCD]_*.csv")}
    frame = four.frame()
    assert set(frame["verdict"]) <= set(VERDICTS) and set(frame["severity"]) <= set(SEVERITIES)
    assert (
        set(frame["paper"]) == set("ABCD") and not frame.duplicated(["claim", "rule", "row", "table", "printed"]).any()
    )
    for cells in frame["cells"]:
        for cell in cells.split(" | "):
            file, _, rest = cell.partition(" row ")
            line, _, names = rest.partition(": ")
            found = lines[file][int(line) - 1]
            assert f"{' / '.join(found[1:5])} = {found[5]}" == names.removesuffix("%"), names


KNOWN = [
    ("A", "two_by_two.shared_counts", "all rows", GOOD, "27"),
    ("A", "single_predictors.against_the_model", "DL_combined", BAD, "Margin 0.860"),
    ("A", "paired.paired", "DL_combined", BAD, "0.12 (mid-P 0.062)"),
    ("A", "gains.better", "DL_combined", BAD, "specificity: DL_combined 0.663"),
    ("A", "selection.majority", "all rows", GOOD, "89 of 116"),
    ("A", "selection.selection", "DL_image", OPEN, "best of 5"),
    ("A", "table_tests.one_test", "all rows", GOOD, "14 are those of chi-square \\(Yates\\)"),
    ("A", "size.size", "OLNM+", OPEN, "0.72 to 1.39"),
    ("B", "two_by_two.two_by_two", "Y-Net (Classification combined segmentation)", OTHER, "276/271"),
    ("B", "two_by_two.two_by_two", "Y-Net (Only classification)", BAD, "exchanged"),
    ("B", "two_by_two.two_by_two", "The original ultrasonic reports", BAD, "No table"),
    ("B", "order.order", "DSC", BAD, "above"),
    ("B", "order.formulas", "DSC formula", BAD, "twice Jaccard"),
    ("B", "sums.parts", "patients", OTHER, "3059 included lymph nodes"),
    ("B", "size.size", "metastatic", OPEN, "547 lymph nodes let one expect"),
    ("B", "intervals.auc_steps", "Y-Net (Classification combined segmentation)", OPEN, "every AUC is possible"),
    ("C", "sums.shares", "AI model", BAD, "94.1%"),
    ("C", "sums.shares", "senior radiologist", BAD, "85.3%"),
    ("C", "size.size", "NMTN", OPEN, "4,097 patients with 482"),
    ("D", "paired.paired", "JR2-2", OPEN, "depends on the pairs"),
    ("D", "two_by_two.shared_counts", "all rows", OTHER, "116/36"),
    ("D", "two_by_two.shared_counts", "all rows", BAD, "101/143"),
    ("D", "intervals.proportion_on_auc", "all rows", BAD, "proportion"),
    ("D", "sums.sums", "external total", BAD, "255"),
    ("D", "gains.gains", "junior accuracy gain", GOOD, "relative"),
    ("D", "order.binary_against_graded", "all rows", OPEN, "yes/no"),
    ("D", "gains.better", "3D InceptionResNetV2", BAD, "3D Xception 0.833"),
    ("D", "sums.percentages", "column validation", GOOD, "truncation: Nodule location|Isthmus"),
]


@pytest.mark.parametrize(("paper", "rule", "row_name", "verdict", "words"), KNOWN)
def test_known_findings_are_reproduced(four, paper, rule, row_name, verdict, words):
    frame = four.frame()
    found = frame[(frame["paper"] == paper) & (frame["rule"] == rule) & (frame["row"] == row_name)]
    found = found[(found["verdict"] == verdict)]
    assert found["explanation"].str.contains(words.replace("\\", ""), regex=False).any(), found["explanation"].tolist()


def test_every_rule_is_used_by_the_four_papers(four):
    """Each rule writes under its own name; `single_predictors` under that of its one finding."""
    used = {rule.partition(".")[2] for rule in four.frame()["rule"]} | {"single_predictors"}
    assert set(RULES) <= used


def test_summary_and_worst(four):
    summary = four.summary()
    assert summary["findings"].sum() == len(four.frame()) and (summary["major"] > 0).all()
    worst = four.worst(5)
    assert set(worst["severity"]) == {"major"} and set(worst["verdict"]) == {BAD}


def test_the_baseline_of_signs_can_be_drawn():
    made = single_predictors.baseline(PUBLISHED, "A")
    assert made["name"][0] == "Margin + ETE" and made["low"][0] > 0.9 and set(made["kind"]) == {"sign", "pair", "model"}
    with pytest.raises(StudyError, match="single_predictors"):
        single_predictors.baseline(PUBLISHED, "B")


def test_the_engine_knows_no_paper(tmp_path):
    """The same findings under other names and in another folder."""
    for file in PUBLISHED.glob("C_*"):
        shutil.copy(file, tmp_path / file.name.replace("C_", "Z_"))
    for file in tmp_path.iterdir():
        file.chmod(0o644)
        text = file.read_text(encoding="utf-8").replace("paper: C", "paper: Z")
        text = text.replace("\nC,", "\nZ,")
        file.write_text(text, encoding="utf-8")
    ours = audit(PUBLISHED).frame().query("paper == 'C'")["verdict"].tolist()
    assert audit(tmp_path).frame()["verdict"].tolist() == ours

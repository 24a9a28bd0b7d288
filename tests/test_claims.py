"""Printed metrics against whole-number tables: oracle, slow second implementation, properties, speed."""

from __future__ import annotations

import json
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.stats.claims import confusion_tables
from helpers.stats.claims.rounding import MODES, grim, printed, whole_numbers
from helpers.stats.claims.sums import percent_mode
from helpers.stats.claims.tables import metric_name, read_metrics
from helpers.stats.claims.two_by_two import first_fit

ORACLE = json.loads(Path("tests/reference/integer_consistency/expected.json").read_text(encoding="utf-8"))
CELLS = ["tp", "fp", "fn", "tn"]
DECIMAL = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "truncation": ROUND_DOWN}


def exact(tp: int, fp: int, fn: int, tn: int) -> dict[str, Fraction]:
    """Every metric as a fraction, from its textbook formula; undefined ones are left out."""
    p, n = tp + fn, fp + tn
    parts = {
        "sensitivity": (tp, p),
        "specificity": (tn, n),
        "accuracy": (tp + tn, p + n),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
    }
    made = {name: Fraction(a, b) for name, (a, b) in parts.items() if b}
    if p and n:
        se, sp = made["sensitivity"], made["specificity"]
        made["balanced_accuracy"], made["youden"] = (se + sp) / 2, se + sp - 1
        if sp < 1:
            made["lr_positive"] = se / (1 - sp)
        if sp > 0:
            made["lr_negative"] = (1 - se) / sp
    total = p + n
    agree = made["accuracy"]
    chance = Fraction((tp + fp) * p + (fn + tn) * n, total**2)
    if chance != 1:
        made["kappa"] = (agree - chance) / (1 - chance)
    return made


def as_printed(value: Fraction, decimals: int, rounding: str) -> str:
    number = Decimal(value.numerator) / Decimal(value.denominator)
    # one division with 28 digits: a tie stays a tie, since its decimals end
    return str(number.quantize(Decimal(1).scaleb(-decimals), rounding=DECIMAL[rounding]))


def slow(metrics: dict[str, str], splits: list[tuple[int, int]]) -> list[list[int]]:
    """All tables, each metric as a fraction within half a unit of its last decimal, ends in."""
    found = []
    for p, n in splits:
        for tp in range(p + 1):
            for tn in range(n + 1):
                values = exact(tp, n - tn, p - tp, tn) if p + n else {}
                good = True
                for name, text in metrics.items():
                    half = Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
                    good &= name in values and abs(values[name] - Fraction(text)) <= half
                if good:
                    found.append([tp, n - tn, p - tp, tn])
    return found


@pytest.mark.parametrize("case", ORACLE["two_by_two"], ids=lambda case: case.get("note", ""))
def test_oracle_two_by_two(case):
    found = confusion_tables(case["reported"], case["n_positive"], case["n_negative"])
    assert found[CELLS].to_numpy().tolist() == case["solutions_tp_fp_fn_tn"]
    assert (len(found) > 0) == case["consistent"] and len(found) == case["n_solutions"]


@pytest.mark.parametrize("case", ORACLE["total_only"])
def test_oracle_total_only(case):
    found = confusion_tables(case["reported"], total=case["n_total"])
    assert len(found) == case["n_solutions"] and (len(found) > 0) == case["consistent"]
    assert sorted(set(found["positives"])) == case["n_positive_values"]


def test_oracle_grim():
    for case in ORACLE["grim"]:  # the oracle lists at most four sums
        assert grim(case["mean"], case["n"], items=case["items"])[:4] == case["integer_sums"], case


def test_oracle_percent():
    for case in ORACLE["percent"]:
        mode = percent_mode(printed(case["percent"], percent=True), case["x"], case["n"])
        assert (mode in ("half up", "half even", "ties either way")) == case["consistent"], case


def test_oracle_auc_is_a_whole_number_of_half_pairs():
    for case in ORACLE["auc"]:
        bounds, pairs = printed(case["auc"]).bounds(), 2 * case["n_pos"] * case["n_neg"]
        found = [k for k in range(pairs + 1) if bounds.holds(Fraction(k, pairs))]
        assert found[:4] == case["half_pair_counts"], case
        counts, mode = whole_numbers(printed(case["auc"]), pairs)
        assert (bool(counts) and mode != "truncation") == case["consistent"], case


metric_sets = st.sets(
    st.sampled_from(
        ["sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "kappa", "lr_positive", "lr_negative",
         "balanced_accuracy", "youden"]
    ),
    min_size=1,
)  # fmt: skip
cells = st.tuples(*[st.integers(0, 7)] * 4).filter(lambda c: c[0] + c[2] > 0 and c[1] + c[3] > 0)


@settings(max_examples=60, deadline=None)
@given(cells, metric_sets, st.integers(1, 3), st.booleans(), st.integers(-1, 1))
def test_the_quick_search_is_the_slow_one(table, names, decimals, total_only, shift):
    """Same tables as an enumeration in fractions, for values that fit and for altered ones."""
    values = exact(*table)
    names = sorted(name for name in names if name in values)
    assume(names)
    metrics = {name: as_printed(values[name], decimals, "half up") for name in names}
    altered = Fraction(metrics[names[0]]) + Fraction(shift, 10**decimals)
    assume(0 <= altered <= 1 or shift == 0)
    metrics[names[0]] = as_printed(altered, decimals, "half up")
    p, n = table[0] + table[2], table[1] + table[3]
    try:
        read_metrics(metrics)
    except ValueError:
        assume(False)
    if total_only:
        found = confusion_tables(metrics, total=p + n)
        expected = slow(metrics, [(k, p + n - k) for k in range(p + n + 1)])
    else:
        found, expected = confusion_tables(metrics, p, n), slow(metrics, [(p, n)])
    assert sorted(found[CELLS].to_numpy().tolist()) == sorted(expected)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(*[st.integers(0, 150)] * 4).filter(lambda c: c[0] + c[2] > 0 and c[1] + c[3] > 0),
    st.sampled_from(sorted(DECIMAL)),
    st.integers(1, 4),
)
def test_a_real_table_is_never_called_contradictory(table, rounding, decimals):
    values = exact(*table)
    numbers = read_metrics({name: as_printed(value, decimals, rounding) for name, value in values.items()})
    fits, mode = first_fit(numbers, [table[0] + table[2]], sum(table))
    assert list(table) in fits[CELLS].to_numpy().tolist() or mode != rounding
    assert mode is not None and MODES.index(mode) <= MODES.index(rounding)


def test_altered_numbers_are_found_where_arithmetic_allows():
    """One of six metrics of 47 + 69 cases moved by 0.005 is always found."""
    values = {name: v for name, v in exact(41, 13, 6, 56).items() if name in list(values_of())}
    good = {name: as_printed(v, 3, "half up") for name, v in values.items()}
    assert len(confusion_tables(good, 47, 69)) == 1
    for name in good:
        for move in (Decimal("0.005"), Decimal("-0.005")):
            altered = {**good, name: str(Decimal(good[name]) + move)}
            assert confusion_tables(altered, 47, 69, rounding="any").empty, (name, move)


def values_of() -> tuple[str, ...]:
    return ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1")


def test_percentages_fractions_and_aliases_are_one():
    as_percent = {"Recall": "87.2", "specificity": "81.2", "LR+": "4.6"}
    as_fraction = {"sensitivity": "0.872", "specificity": "0.812", "lr_positive": "4.6"}
    first, second = confusion_tables(as_percent, 47, 69), confusion_tables(as_fraction, 47, 69)
    assert first.equals(second) and len(first) == 1
    assert metric_name("PPV") == "ppv" and metric_name("precision") == "ppv" and metric_name("AUROC") is None


def test_rounding_is_tried_in_order_and_named():
    fits, mode = first_fit(read_metrics({"sensitivity": "0.12"}), [8], 8)  # 1/8 is a tie: half even gives 0.12
    assert (mode, fits["tp"].tolist()) == ("half even", [1])
    assert first_fit(read_metrics({"sensitivity": "0.13"}), [8], 8)[1] == "half up"
    assert first_fit(read_metrics({"sensitivity": "0.66"}), [3], 3)[1] == "truncation"
    both = read_metrics({"sensitivity": "0.13", "specificity": "0.37"})  # 1/8 up, 3/8 = 0.375 down to an odd digit
    assert first_fit(both, [8], 16)[1] == "ties either way"
    assert first_fit(read_metrics({"sensitivity": "0.68"}), [3], 3)[1] is None


@pytest.mark.parametrize(
    ("metrics", "counts", "words"),
    [
        ({"sensitivity": 0.9}, {"total": 10}, "a string is needed"),
        ({"sensitivty": "0.9"}, {"total": 10}, "unknown 'sensitivty'"),
        ({"sensitivity": "0.9"}, {}, "give both counts, or the total"),
        ({"sensitivity": "0.9"}, {"positives": 3, "negatives": 4, "total": 8}, "3 \\+ 4 is not 8"),
        ({"sensitivity": "0.9"}, {"positives": -1, "negatives": 4}, "at least 0"),
        ({"sensitivity": "107"}, {"total": 10}, "impossible"),
        ({}, {"total": 10}, "at least one"),
        ({"sensitivity": "0.9", "recall": "0.9"}, {"total": 10}, "given twice"),
        ({"kappa": "0.5"}, {"total": 3000}, "too few"),
        ({"kappa": "0.5123"}, {"positives": 10**8, "negatives": 10**8}, "too large"),
        ({"kappa": "0.5123"}, {"total": 10**8}, "too large"),
    ],
)
def test_bad_metrics_are_named(metrics, counts, words):
    with pytest.raises(ValueError, match=words):
        confusion_tables(metrics, **counts)


def test_a_row_over_all_splits_of_its_total_finds_the_only_one():
    row = {"sensitivity": "57.25", "specificity": "87.08", "accuracy": "72.03", "PPV": "81.87", "NPV": "66.67"}
    found = confusion_tables(row, total=547)
    assert found[["positives", "negatives"]].to_numpy().tolist() == [[276, 271]]

"""Agreement of readers against R (vcd, irr, psych), published examples and slow second implementations."""

from __future__ import annotations

import json
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.stats import kappa
from helpers.stats.agreement import agreement
from helpers.stats.agreement_icc import icc_values

HERE = Path(__file__).parent / "reference" / "reader_agreement"
RATINGS = pd.read_csv(HERE / "data.csv")
EXPECTED = json.loads((HERE / "expected.json").read_text())
CLOSE = dict(rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "name"), [("cohen", "unweighted"), ("linear", "linear_weights"), ("quadratic", "quadratic_weights")]
)
def test_kappa_of_pairs_equals_vcd(kind, name):
    result = agreement(RATINGS, kind=kind)
    wanted = [pair[name] for pair in EXPECTED["pairs"]]
    assert result.pairs["value"].tolist() == pytest.approx([w["kappa"] for w in wanted], **CLOSE)
    assert result.pairs["se"].tolist() == pytest.approx([w["ase"] for w in wanted], **CLOSE)
    assert result.pairs[["low", "high"]].to_numpy() == pytest.approx(np.array([w["ci95"] for w in wanted]), **CLOSE)
    share = [pair["agreement"] for pair in EXPECTED["pairs"]]
    assert result.pairs["agreement"].tolist() == pytest.approx(share, **CLOSE)
    assert result.value == pytest.approx(np.mean([w["kappa"] for w in wanted]), **CLOSE)
    one = agreement(RATINGS[["reader1", "reader2"]], kind=kind)
    assert [one.value, one.low, one.high] == pytest.approx([wanted[0]["kappa"], *wanted[0]["ci95"]], **CLOSE)


def test_fleiss_and_conger_equal_irr():
    result = agreement(RATINGS, kind="fleiss")
    assert result.value == pytest.approx(EXPECTED["fleiss"]["kappa"], **CLOSE)
    assert result.z == pytest.approx(EXPECTED["fleiss"]["z"], **CLOSE)
    assert result.p_value < 1e-20
    rounded = result.details["value"].round(3).tolist()
    assert rounded == pytest.approx(EXPECTED["fleiss"]["per_category"]["kappa"], abs=1e-12)
    conger = agreement(RATINGS, kind="conger")
    assert conger.value == pytest.approx(EXPECTED["fleiss"]["conger_exact_kappa"], **CLOSE)


def test_icc_equals_psych():
    result = agreement(RATINGS, kind="icc")
    wanted = pd.DataFrame(EXPECTED["icc"])
    assert result.details["type"].tolist() == wanted["type"].tolist()
    pairs = (("value", "icc"), ("f", "F"), ("df_numerator", "df1"), ("df_denominator", "df2"))
    for ours, theirs in pairs:
        assert result.details[ours].tolist() == pytest.approx(wanted[theirs].tolist(), **CLOSE)
    assert result.details["p_value"].tolist() == pytest.approx(wanted["p"].tolist(), rel=1e-9)
    assert result.details[["low", "high"]].to_numpy() == pytest.approx(np.array(wanted["ci95"].tolist()), **CLOSE)
    assert result.value == pytest.approx(wanted["icc"][1], **CLOSE)


def test_icc_of_shrout_and_fleiss_1979():
    # table 2 and table 4 of doi:10.1037/0033-2909.86.2.420
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]])
    assert icc_values(ratings).round(2).tolist() == [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]


def test_conger_equals_pairwise_chance():
    values = RATINGS.to_numpy()
    equal, chance = [], []
    for a, b in combinations(range(4), 2):
        equal.append(np.mean(values[:, a] == values[:, b]))
        chance.append(sum(np.mean(values[:, a] == k) * np.mean(values[:, b] == k) for k in range(1, 6)))
    wanted = (np.mean(equal) - np.mean(chance)) / (1 - np.mean(chance))
    assert agreement(RATINGS, kind="conger").value == pytest.approx(wanted, rel=1e-12)


def test_order_and_names_of_the_ratings_do_not_matter():
    names = {1: 10, 2: 7, 3: 2, 4: 99, 5: -1}
    other = RATINGS.replace(names)
    for kind in ("cohen", "fleiss", "conger"):
        assert agreement(other, kind=kind).value == pytest.approx(agreement(RATINGS, kind=kind).value, rel=1e-12)
    turned = RATINGS[list(next(permutations(RATINGS.columns[::-1])))]
    assert agreement(turned, kind="icc").value == pytest.approx(agreement(RATINGS, kind="icc").value, rel=1e-12)


def test_perfect_agreement():
    perfect = np.repeat(np.arange(1, 6).repeat(4)[:, None], 3, axis=1)
    for kind in ("cohen", "linear", "quadratic", "fleiss", "conger", "icc"):
        assert agreement(perfect, kind=kind).value == pytest.approx(1.0)


def long(ratings: pd.DataFrame, patient=None) -> pd.DataFrame:
    wide = ratings.assign(case_id=range(len(ratings)), label=np.arange(len(ratings)) % 2)
    wide["patient_id"] = wide["case_id"] if patient is None else patient
    keys = ["case_id", "patient_id", "label"]
    return wide.melt(keys, var_name="reader", value_name="rating").assign(modality="unaided")


def test_a_readings_table_gives_the_same():
    for kind in ("linear", "fleiss", "icc"):
        one, two = agreement(RATINGS, kind=kind), agreement(long(RATINGS), kind=kind, modality="unaided")
        assert [one.value, one.low, one.high] == pytest.approx([two.value, two.low, two.high], rel=1e-12)


def test_jackknife_agrees_with_the_large_sample_error():
    pair = RATINGS[["reader1", "reader2"]]
    plain = agreement(pair, kind="quadratic")
    twice = pd.concat([pair, pair], ignore_index=True)
    copied = agreement(long(twice, patient=np.tile(np.arange(120), 2)), kind="quadratic", modality="unaided")
    assert copied.value == pytest.approx(plain.value, rel=1e-12)
    # copies within a patient carry no news: the error by patient is that of the 120, not of 240 cases
    assert copied.se == pytest.approx(plain.se, rel=0.05)
    assert "by patient" in copied.note
    naive = agreement(twice, kind="quadratic")
    assert naive.se == pytest.approx(plain.se / np.sqrt(2), rel=1e-9)
    icc = agreement(long(twice, patient=np.tile(np.arange(120), 2)), kind="icc", modality="unaided")
    assert icc.high - icc.low == pytest.approx(
        agreement(pair, kind="icc").high - agreement(pair, kind="icc").low, rel=0.15
    )


def test_coverage_of_the_jackknife_for_fleiss():
    # three readers, each right with probability 0.8 on a yes-or-no truth: kappa is known; 200 replicates
    random = np.random.default_rng(1)
    same = 0.8**2 + 0.2**2
    truth = (same - 0.5) / 0.5
    inside = []
    for _ in range(200):
        state = random.integers(0, 2, 80)[:, None]
        right = random.random((80, 3)) < 0.8
        result = agreement(np.where(right, state, 1 - state), kind="fleiss")
        inside.append(result.low <= truth <= result.high)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_cases_not_read_by_all_are_left_out_and_counted():
    some = RATINGS.astype(float)
    some.iloc[:7, 0] = np.nan
    result = agreement(some, kind="fleiss")
    assert (result.n_cases, result.n_dropped) == (113, 7)
    assert "7 of 120 cases" in result.note
    assert result.value == pytest.approx(agreement(RATINGS.iloc[7:], kind="fleiss").value)
    assert agreement(some, kind="cohen").pairs["cases"].tolist() == [113, 113, 113, 120, 120, 120]


def test_declared_categories_set_the_weights():
    pair = pd.DataFrame({"a": [1, 2, 3, 3, 1, 2], "b": [1, 3, 3, 2, 2, 2]})
    assert agreement(pair, kind="linear", categories=[1, 2, 3, 4, 5]).value == pytest.approx(
        agreement(pair, kind="linear").value
    )  # a linear weight is the distance up to a factor, which cancels
    with pytest.raises(ValueError, match="do not hold the rating 3"):
        agreement(pair, categories=[1, 2])
    with pytest.raises(ValueError, match="rising order"):
        agreement(pair, categories=[3, 2, 1])


def test_drawn_and_described():
    result = agreement(RATINGS, kind="quadratic")
    assert len(result.plot().get_yticklabels()) == 7
    assert "4 readers on 120 cases" in result.methods
    assert "doi:10.1037/h0026256" in result.methods
    assert result.frame()["quantity"][0] == "all readers"
    assert len(agreement(RATINGS, kind="icc").frame()) == 7
    assert len(agreement(RATINGS, kind="fleiss").frame()) == 6


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (RATINGS, dict(kind="alpha"), "kind must be one of"),
        (RATINGS, dict(level=2), "level"),
        (RATINGS, dict(modality="aided"), "modality has a meaning only"),
        (np.ones((5, 2)), {}, "every rating is the same"),
        (np.ones((5, 1)), {}, "at least two of both"),
        (np.ones(5), {}, "two dimensions"),
        (np.array([["a", "b"]]), {}, "must hold numbers"),
        (np.array([[1, np.inf], [1, 2]]), {}, "infinite"),
        (np.array([[1, np.nan], [1, np.nan]]), {}, "0 cases read by all"),
        (np.array([[1, 3], [3, 1], [2, 2.0]]), dict(kind="icc"), "mean rating of every case is the same"),
        (pd.concat([long(RATINGS), long(RATINGS).assign(modality="aided")]), {}, "modality must name one of"),
        (long(RATINGS), dict(modality="x"), "modality must be one of"),
    ],
)
def test_faults_are_named(data, options, message):
    with pytest.raises(ValueError, match=message):
        agreement(data, **options)


@pytest.mark.parametrize("kind", ["cohen", "linear", "quadratic"])
def test_a_reader_who_never_varies_has_a_kappa_of_zero_without_an_interval(kind):
    ratings = np.array([[1, 3], [2, 3], [3, 3], [1, 3], [3, 3]])
    made = agreement(ratings, kind=kind)
    assert made.value == pytest.approx(0, abs=1e-12)
    assert np.isnan([made.low, made.high, made.se]).all()
    assert "same rating" in made.note
    assert "no interval" in made.methods


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_light_is_the_mean_of_the_pairs(weights):
    """All pairs at once, and one by one."""
    rng = np.random.default_rng(0)
    for readers, n in ((2, 2), (3, 5), (5, 3)):
        truth = rng.integers(0, n, 40)
        codes = np.where(rng.random((40, readers)) < 0.7, truth[:, None], rng.integers(0, n, (40, readers)))
        pairs = [kappa.cohen(codes[:, [i, j]], n, weights=weights)[0] for i in range(readers) for j in range(i)]
        assert kappa.light(codes, n, weights=weights) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert np.isnan(kappa.light(np.zeros((10, 3), int), 2))

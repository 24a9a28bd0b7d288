"""Table 1 against R (tableone, base R), against scipy, and its way with missing values and wrong input."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.data import group_tests
from helpers.data.errors import StudyError
from helpers.data.table_one import html, methods, render, smd_categorical, table_one

DATA = Path(os.environ.get("THYROBOOK_DATA", "absent"))
CASES = [
    ("table1_pbc", "expected_trt", "trt"),
    ("table1_pbc", "expected_edema_three_groups", "edema"),
    ("table1_thyroid", "expected_recurred", "Recurred"),
    ("table1_thyroid", "expected_N_three_groups", "N"),
]


def _oracle(folder: str, name: str) -> tuple[pd.DataFrame, dict]:
    path = DATA.parent / "oracles" / folder / f"{name}.json"
    source = path.parent / "data.csv"
    if folder == "table1_thyroid":
        source = DATA / "thyroid_dtc_clinical" / "Thyroid_Diff.csv"
    if not path.exists() or not source.exists():
        pytest.skip(f"{folder} is not under THYROBOOK_DATA")
    return pd.read_csv(source, sep=";" if folder == "table1_thyroid" else ","), json.loads(path.read_text())


@pytest.mark.parametrize(("folder", "name", "by"), CASES)
def test_continuous_as_in_r(folder: str, name: str, by: str) -> None:
    frame, expected = _oracle(folder, name)
    columns = [{"name": c, "type": "continuous"} for c in expected["continuous"]]
    tables = {
        test: table_one(frame, by, columns=columns, tests=dict.fromkeys(expected["continuous"], test), overall=True)
        for test in ("welch", "t", "kruskal")
    }
    for column, want in expected["continuous"].items():
        rows = tables["welch"].query("variable == @column").set_index("group")
        for group in expected["levels"]:
            for key in ("n", "mean", "sd", "median", "q1", "q3"):
                assert rows.loc[group, key] == pytest.approx(want["by_group"][group][key], rel=1e-9), (column, key)
            assert rows.loc[group, "missing"] == want["missing"][group]
        for key in ("n", "mean", "sd", "median", "q1", "q3"):
            assert rows.loc["overall", key] == pytest.approx(want["overall"][key], rel=1e-9)
        assert rows["smd"].iloc[0] == pytest.approx(want["smd_abs"], rel=1e-9, abs=1e-12)
        for test, key in (("welch", "p_welch"), ("t", "p_anova_equal_variance"), ("kruskal", "p_kruskal")):
            got = tables[test].query("variable == @column")["p_value"].iloc[0]
            assert got == pytest.approx(want[key], rel=1e-9), (column, key)


@pytest.mark.parametrize(("folder", "name", "by"), CASES)
def test_categorical_as_in_r(folder: str, name: str, by: str) -> None:
    frame, expected = _oracle(folder, name)
    columns = [{"name": c, "type": "categorical", "levels": w["levels"]} for c, w in expected["categorical"].items()]
    tables = {
        test: table_one(frame, by, columns=columns, tests=dict.fromkeys(expected["categorical"], test))
        for test in ("chi2", "chi2_uncorrected", "fisher")
    }
    for column, want in expected["categorical"].items():
        for group in expected["levels"]:
            rows = tables["chi2"].query("variable == @column and group == @group")
            assert rows["count"].tolist() == want["counts"][group]
            assert rows["percent"].to_numpy() == pytest.approx(want["percent"][group], rel=1e-9)
            assert rows["missing"].iloc[0] == want["missing"][group]
        first = {test: table[table["variable"] == column].iloc[0] for test, table in tables.items()}
        assert first["chi2"]["smd"] == pytest.approx(want["smd_abs"], rel=1e-8), column
        assert first["chi2"]["p_value"] == pytest.approx(want["p_chisq_tableone_default"], rel=1e-9)
        assert first["chi2_uncorrected"]["p_value"] == pytest.approx(want["p_chisq_no_correction"], rel=1e-9)
        if first["fisher"]["test"] == "Fisher exact":
            assert first["fisher"]["p_value"] == pytest.approx(want["p_fisher"], rel=1e-7), column
        else:
            assert first["fisher"]["test"].startswith("Fisher (Monte Carlo")


def test_fisher_equals_listing_every_table() -> None:
    table = np.array([[4, 1, 2], [0, 3, 2], [1, 1, 3]])
    rows, columns = table.sum(1), table.sum(0)
    log_p = {}
    ranges = [range(min(r, c) + 1) for r in rows[:2] for c in columns[:2]]
    for a, b, c, d in itertools.product(*ranges):
        inner = np.array([[a, b], [c, d]])
        full = np.column_stack([inner, rows[:2] - inner.sum(1)])
        full = np.vstack([full, columns - full.sum(0)])
        if full.min() >= 0:
            log_p[tuple(full.ravel())] = -group_tests._log_factorial(full).sum()
    weight = np.exp(np.array(list(log_p.values())))
    own = np.exp(log_p[tuple(table.ravel())])
    want = weight[weight <= own * (1 + 1e-7)].sum() / weight.sum()
    p, name = group_tests.fisher_test(table)
    assert name == "Fisher exact"
    assert p == pytest.approx(want, rel=1e-10)


def test_tests_equal_scipy() -> None:
    from scipy import stats

    rng = np.random.default_rng(5)
    groups = [rng.normal(k, 1 + k, 20 + k).round(1) for k in range(3)]
    n, mean, sd = (np.array(x) for x in zip(*[(len(g), g.mean(), g.std(ddof=1)) for g in groups]))
    assert group_tests.mean_test(n, mean, sd, equal_variance=True)[0] == pytest.approx(stats.f_oneway(*groups).pvalue)
    assert group_tests.kruskal_test(groups)[0] == pytest.approx(stats.kruskal(*groups).pvalue)
    welch = stats.ttest_ind(groups[0], groups[1], equal_var=False).pvalue
    assert group_tests.mean_test(n[:2], mean[:2], sd[:2])[0] == pytest.approx(welch)
    table = [[12, 5, 9], [3, 9, 1]]
    assert group_tests.chi_square_test(table)[0] == pytest.approx(stats.chi2_contingency(table).pvalue)
    assert group_tests.fisher_test([[8, 2], [1, 5]])[0] == pytest.approx(stats.fisher_exact([[8, 2], [1, 5]]).pvalue)


def test_monte_carlo_fisher_agrees_with_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    table = [[8, 3, 4], [2, 6, 7]]
    exact, _ = group_tests.fisher_test(table)
    monkeypatch.setattr(group_tests, "EXACT_STATES", 1)
    drawn, name = group_tests.fisher_test(table, seed=3)
    assert "Monte Carlo" in name
    error = np.sqrt(exact * (1 - exact) / group_tests.MONTE_CARLO_TABLES)
    assert abs(drawn - exact) < 4 * error


def test_missing_is_never_a_level() -> None:
    frame = pd.DataFrame({"g": list("aabb"), "sex": ["f", None, "m", ""], "x": [1.0, np.nan, 3.0, 5.0]})
    table = table_one(frame, "g", columns=["sex", {"name": "x", "type": "continuous"}])
    assert table.query("variable == 'sex'")["level"].unique().tolist() == ["f", "m"]
    assert table.query("variable == 'sex' and level == 'f'")[["n", "missing", "count", "percent"]].values.tolist() == [
        [1, 1, 1, 100],
        [1, 1, 0, 0],
    ]
    assert table.query("variable == 'x'")["missing"].tolist() == [1, 0]


def test_row_order_and_group_names_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": rng.choice(["x", "y"], 90), "a": rng.normal(size=90), "c": rng.choice(list("uvw"), 90)})
    base = table_one(frame, "g", tests="standard")
    shuffled = table_one(frame.sample(frac=1, random_state=1), "g", tests="standard")
    assert base["test"].tolist() == shuffled["test"].tolist()
    pd.testing.assert_frame_equal(base, shuffled, rtol=1e-10)
    named = table_one(frame, "g", levels={"y": "second", "x": "first"})
    assert named["group"].unique().tolist() == ["second", "first"]
    assert named["smd"].to_numpy() == pytest.approx(base["smd"].to_numpy())


def test_smd_of_complete_separation_is_not_a_number() -> None:
    assert np.isnan(smd_categorical([[10, 0], [0, 10]]))
    assert smd_categorical([[10, 10], [0, 0]]) == 0


def test_within_splits_and_rendering() -> None:
    frame = pd.DataFrame(
        {
            "split": ["train"] * 6 + ["test"] * 4,
            "label": [0, 0, 0, 1, 1, 1, 0, 0, 1, 1],
            "age": [40.0, 50, 60, 45, 55, np.nan, 41, 51, 62, 70],
            "sex": list("ffmmfmfmmf"),
        }
    )
    columns = [
        {"name": "age", "type": "continuous", "label": "Age", "unit": "years", "decimals": 2},
        {"name": "sex", "type": "categorical", "label": "Sex <b>", "levels": ["m", "f"]},
    ]
    names = {0: "OLNM-", 1: "OLNM+"}
    table = table_one(frame, "label", columns=columns, within="split", levels=names, tests="standard")
    view = render(table)
    assert view.columns[1:].tolist()[:4] == [
        "test: OLNM- (n = 2)",
        "test: OLNM+ (n = 2)",
        "test: SMD",
        "test: P",
    ]
    view = view.set_index("Characteristic")
    assert view.loc["Age (years), mean ± SD", "train: OLNM- (n = 3)"] == "50.00 ± 10.00"
    assert view.loc["\u2003Missing, n", "train: OLNM+ (n = 3)"] == "1"
    assert view.loc["\u2003m", "train: OLNM+ (n = 3)"] == "2 (66.7)"
    assert list(view.index).index("\u2003m") == list(view.index).index("Sex <b>, n (%)") + 1
    median = render(table, style={"age": "median_iqr"}, smd=False, p=False)
    assert median.iloc[0, 3] == "50.00 (45.00–55.00)"
    page = html(view.reset_index(), caption="<i>")
    assert "<b>" not in page and "&lt;b&gt;" in page and "<i>" not in page
    assert "Welch t (Age)" in methods(table) and "Fisher exact (Sex <b>)" in methods(table)


def test_p_is_rounded_and_never_zero() -> None:
    frame = pd.DataFrame({"g": [0] * 60 + [1] * 60, "x": np.r_[np.arange(60.0), np.arange(60.0) + 60]})
    view = render(table_one(frame, "g", tests={"x": "welch"}))
    assert view["P"].tolist() == ["<0.001"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ["height"]}, "column height: the column is absent"),
        ({"columns": [{"name": "sex", "levels": ["f"]}]}, "row 3, column sex: unknown level 'm'"),
        ({"columns": [{"name": "sex", "type": "continuous"}]}, "a continuous column holds text"),
        ({"columns": [{"name": "big", "type": "continuous"}]}, "row 2, column big: an infinite value"),
        ({"columns": [{"name": "age", "type": "ordinal"}]}, "unknown type 'ordinal'"),
        ({"levels": ["a", "z"]}, "no participant in the group 'z'"),
        ({"by": "arm"}, "column arm: the column is absent"),
    ],
)
def test_bad_input_has_one_clear_error(change: dict, message: str) -> None:
    frame = pd.DataFrame({"g": ["a", "b"] * 2, "sex": ["f", "m"] * 2, "age": [1.0, 2, 3, 4], "big": [np.inf, 1, 2, 3]})
    arguments = {"by": "g", "columns": ["sex", "age"]} | change
    with pytest.raises(StudyError, match=message.replace("(", "\\(")):
        table_one(frame, **arguments)


def test_tests_must_suit_the_column() -> None:
    frame = pd.DataFrame({"g": ["a", "b"] * 2, "age": [1.0, 2, 3, 4]})
    with pytest.raises(ValueError, match="'fisher' does not suit 'age'"):
        table_one(frame, "g", tests={"age": "fisher"})
    with pytest.raises(ValueError, match="tests:"):
        table_one(frame, "g", tests="all")


def test_groups_without_spread_or_values_say_so() -> None:
    frame = pd.DataFrame({"g": list("aabb"), "x": [1.0, 1, np.nan, np.nan], "s": list("uuuu")})
    columns = [{"name": "x", "type": "continuous"}, "s"]
    table = table_one(frame, "g", columns=columns, tests="standard").drop_duplicates("variable").set_index("variable")
    assert "not possible" in table.loc["x", "test"] and np.isnan(table.loc["x", "p_value"])
    assert "not possible" in table.loc["s", "test"]
    assert render(table_one(frame, "g", columns=columns)).iloc[0].tolist()[1:3] == ["1.0 ± 0.0", "–"]

"""Decision curves against R (dcurves, survey), against slow loops, and at ties."""

from __future__ import annotations

import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers.stats.decision import PERCENT, decision_curve

REFERENCE = Path(__file__).parent / "reference"
ORACLES = Path(os.environ.get("THYROBOOK_DATA", "absent")).parent / "oracles"
COLUMNS = {
    "tp_rate": "tp_rate",
    "fp_rate": "fp_rate",
    "net_benefit": "net_benefit",
    "standardized": "standardized",
    "interventions_avoided": "net_intervention_avoided_per_patient",
}


def _read(folder: str, name: str = "expected") -> tuple[pd.DataFrame, dict]:
    where = REFERENCE / folder if (REFERENCE / folder).exists() else ORACLES / folder
    if not (where / f"{name}.json").exists():
        pytest.skip(f"{folder} is not under THYROBOOK_DATA")
    return pd.read_csv(where / "data.csv"), json.loads((where / f"{name}.json").read_text())


def _compare(frame: pd.DataFrame, want: dict, columns: dict[str, str]) -> None:
    for strategy, values in want.items():
        rows = frame[frame["strategy"] == strategy]
        for mine, theirs in columns.items():
            expected = np.array([np.nan if v is None else v for v in values[theirs]], dtype=float)
            known = ~np.isnan(expected)
            assert rows[mine].to_numpy()[known] == pytest.approx(expected[known], abs=1e-12), (strategy, mine)


@pytest.mark.parametrize("folder", ["dca_case_control_ties", "dca_binary"])
def test_curves_and_errors_as_in_r(folder: str) -> None:
    data, want = _read(folder)
    y, risks = data[want["outcome"]], {name: data[name] for name in want["models"]}
    curve = decision_curve(y, risks, thresholds=want["thresholds"])
    _compare(curve.frame(), want["net_benefit"], COLUMNS)
    inference = want["inference"]
    curve = decision_curve(y, risks, thresholds=inference["thresholds"])
    frame = curve.frame()
    for strategy, se in inference["se"].items():
        assert frame.loc[frame["strategy"] == strategy, "se"].to_numpy() == pytest.approx(se, abs=1e-10)
    for model, se in inference["se_difference_from_all"].items():
        assert curve.difference(model, "all")["se"].to_numpy() == pytest.approx(se, abs=1e-10)
    pair = inference["difference_first_minus_second"]
    difference = curve.difference(*pair["models"])
    assert difference["difference"].to_numpy() == pytest.approx(pair["diff"], abs=1e-12)
    assert difference["se"].to_numpy() == pytest.approx(pair["se"], abs=1e-10)


def test_given_prevalence_as_in_r() -> None:
    data, want = _read("dca_case_control_ties", "expected_prevalence")
    curve = decision_curve(data["y"], {"p": data["p"], "q": data["q"]}, thresholds=want["thresholds"], prevalence=0.2)
    _compare(curve.frame(), want["net_benefit"], COLUMNS)
    all_rows = curve.frame().query("strategy == 'all'")
    assert (all_rows["low"] == all_rows["net_benefit"]).all()  # the prevalence is given, not estimated


def test_harm_as_in_r() -> None:
    data, want = _read("dca_binary", "expected_harm")
    risks = {name: data[name] for name in want["models"]}
    curve = decision_curve(data[want["outcome"]], risks, thresholds=want["thresholds"], harm=want["harm"])
    _compare(curve.frame(), want["net_benefit"], {"net_benefit": "net_benefit"})
    assert "less the harm of testing" in curve.methods


def test_bootstrap_as_in_r() -> None:
    data, want = _read("dca_case_control_ties")
    boot = want["inference"]["bootstrap"]
    thresholds = [row["threshold"] for row in boot["at"]]
    curve = decision_curve(data["y"], data["p"], thresholds=thresholds, resamples=20_000, seed=4)
    frame = curve.frame().query("strategy == 'model'")
    for row, (_, mine) in zip(boot["at"], frame.iterrows()):
        assert [mine["low"], mine["high"]] == pytest.approx(row["percentile95"], abs=0.005)
        assert curve._draws["model"][:, thresholds.index(row["threshold"])].std() == pytest.approx(row["se"], abs=5e-4)


def test_errors_by_patient_as_in_r() -> None:
    folder = REFERENCE / "clustered_nodules"
    data, want = pd.read_csv(folder / "data.csv"), json.loads((folder / "expected.json").read_text())
    thresholds = [row["threshold"] for row in want["net_benefit"]]
    curve = decision_curve(data["label"], data["model_a"], thresholds=thresholds, patient_id=data["patient"])
    frame = curve.frame().query("strategy == 'model'")
    assert frame["net_benefit"].to_numpy() == pytest.approx([r["net_benefit"] for r in want["net_benefit"]], rel=1e-9)
    assert frame["se"].to_numpy() == pytest.approx([r["se_cluster"] for r in want["net_benefit"]], rel=1e-9)
    resampled = decision_curve(
        data["label"], data["model_a"], thresholds=thresholds, patient_id=data["patient"], resamples=4000
    )
    spread = resampled._draws["model"].std(axis=0)
    assert spread == pytest.approx([r["se_cluster"] for r in want["net_benefit"]], rel=0.06)


def test_point_values_and_bootstrap_equal_slow_loops() -> None:
    rng = np.random.default_rng(8)
    y, risk = rng.random(300) < 0.3, rng.random(300).round(2)
    thresholds = [0.05, 0.2, 0.33]
    curve = decision_curve(y, risk, thresholds=thresholds, resamples=4000, seed=1)
    draws = np.empty((4000, 3))
    for b in range(4000):
        rows = rng.integers(0, 300, 300)
        for j, t in enumerate(thresholds):
            treated = risk[rows] >= t
            draws[b, j] = (treated & y[rows]).mean() - (treated & ~y[rows]).mean() * t / (1 - t)
    for t in thresholds:
        slow = np.mean((risk >= t) & y) - np.mean((risk >= t) & ~y) * t / (1 - t)
        assert curve.at(t, "model") == pytest.approx(slow, abs=1e-15)
    assert curve._draws["model"].std(axis=0) == pytest.approx(draws.std(axis=0), rel=0.05)
    limits = curve.frame().query("strategy == 'model'")
    assert limits["low"].to_numpy() == pytest.approx(np.quantile(draws, 0.025, axis=0), abs=0.004)


def test_error_of_a_difference_at_a_given_prevalence_equals_row_sums() -> None:
    rng = np.random.default_rng(9)
    y = rng.random(200) < 0.5
    a, b = rng.random(200), rng.random(200)
    curve = decision_curve(y, {"a": a, "b": b}, thresholds=[0.3], prevalence=0.1)
    odds = 0.3 / 0.7
    d = (a >= 0.3).astype(float) - (b >= 0.3)
    variance = 0.01 * d[y].var() / y.sum() + (0.9 * odds) ** 2 * d[~y].var() / (~y).sum()
    assert curve.difference("a", "b")["se"][0] == pytest.approx(np.sqrt(variance), rel=1e-12)
    lone = decision_curve(y, {"a": a, "b": b}, thresholds=[0.3], prevalence=0.1, patient_id=np.arange(200))
    assert lone.difference("a", "b")["se"][0] == curve.difference("a", "b")["se"][0]


def test_a_risk_on_the_threshold_is_positive_whatever_the_grid() -> None:
    risk = np.arange(1, 100) / 100
    y = np.arange(99) % 2
    exact = decision_curve(y, risk, thresholds=PERCENT).frame()
    drifted = decision_curve(y, risk, thresholds=np.cumsum(np.full(99, 0.01))).frame()
    pd.testing.assert_frame_equal(exact, drifted)
    treated = exact.query("strategy == 'model'")[["tp_rate", "fp_rate"]].sum(axis=1).to_numpy() * 99
    assert treated == pytest.approx(np.arange(99, 0, -1))


def test_probability_of_being_best_sums_to_one_and_knows_a_clear_winner() -> None:
    rng = np.random.default_rng(1)
    y = rng.random(500) < 0.3
    good = np.clip(0.3 + 0.4 * (y - 0.3) + rng.normal(0, 0.05, 500), 0.01, 0.99)
    curve = decision_curve(y, {"good": good, "noise": rng.random(500)}, thresholds=[0.01, 0.3, 0.4], resamples=200)
    best = curve.frame().pivot(index="threshold", columns="strategy", values="probability_best")
    assert best.sum(axis=1).to_numpy() == pytest.approx(1)
    assert best.loc[0.3, "good"] > 0.99
    assert best.loc[0.01, "all"] == pytest.approx(best.loc[0.01, "good"], abs=0.02)  # a tie is shared
    again = decision_curve(y, {"good": good, "noise": good}, thresholds=[0.3], resamples=50, seed=3)
    assert again.difference("good", "noise")[["low", "high"]].to_numpy().tolist() == [[0.0, 0.0]]


def test_wald_band_covers() -> None:
    rng = np.random.default_rng(3)
    big = rng.random(400_000)
    truth = decision_curve(rng.random(400_000) < big, big, thresholds=[0.4]).at(0.4, "model")
    hits = 0
    for _ in range(300):
        risk = rng.random(150)
        row = decision_curve(rng.random(150) < risk, risk, thresholds=[0.4]).frame().iloc[0]
        hits += row["low"] <= truth <= row["high"]
    assert 0.9 < hits / 300 <= 0.985


def test_plot_shows_the_declared_range_only_and_both_references() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(300)
    y = rng.random(300) < risk
    curve = decision_curve(y, risk, thresholds=PERCENT, name="net", resamples=20)
    with pytest.raises(ValueError, match="declare nothing"):
        curve.plot()
    ax = curve.plot(declared=(0.1, 0.4))
    assert ax.get_xlim() == (0.1, 0.4)
    names = ax.get_legend_handles_labels()[1]
    assert names == ["acting on all", "acting on none", "net", "net, 95 % limits"]
    line = ax.get_lines()[names.index("net")]
    frame = curve.frame().query("strategy == 'net' and 0.1 <= threshold <= 0.4")
    assert line.get_ydata().tolist() == frame["net_benefit"].tolist()  # not smoothed
    assert ax.get_ylim()[0] == pytest.approx(-0.1 * ax.get_ylim()[1]) or ax.get_ylim()[0] == -0.05
    assert decision_curve(y, risk, thresholds=[0.1, 0.2]).plot().get_xlim() == (0.1, 0.2)
    plt.close("all")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": [0.1, 1.0]}, "thresholds"),
        ({"thresholds": []}, "thresholds"),
        ({"thresholds": [0.1, 0.1]}, "each may occur once"),
        ({"thresholds": ["a"]}, "thresholds: numbers"),
        ({"risk": [0.1, 0.2, np.nan, 0.3]}, "risk: missing"),
        ({"risk": [0.1, 0.2, 3.0, 0.3]}, "outside"),
        ({"risk": [0.1, 0.2, 0.3]}, "risk: has 3 cases"),
        ({"risk": {"all": [0.1] * 4}}, "none named all or none"),
        ({"label": [0] * 4}, "label: all 4 cases are 0"),
        ({"prevalence": 1.2}, "prevalence"),
        ({"harm": -0.1}, "harm"),
        ({"resamples": -1}, "resamples"),
    ],
)
def test_bad_input_names_the_argument(change: dict, message: str) -> None:
    arguments = {"label": [0, 1, 0, 1], "risk": [0.1, 0.6, 0.2, 0.7], "thresholds": [0.2]} | change
    label, risk = arguments.pop("label"), arguments.pop("risk")
    with pytest.raises(ValueError, match=message):
        decision_curve(label, risk, **arguments)


def test_constant_risk_is_treat_all_or_none() -> None:
    frame = decision_curve([0, 1, 0, 1], [0.3] * 4, thresholds=[0.2, 0.4]).frame().set_index(["strategy", "threshold"])
    assert frame.loc[("model", 0.2), "net_benefit"] == frame.loc[("all", 0.2), "net_benefit"]
    assert frame.loc[("model", 0.4), "net_benefit"] == 0


def test_unknown_names_and_thresholds_are_refused() -> None:
    curve = decision_curve([0, 1], [0.3, 0.6], thresholds=[0.2])
    with pytest.raises(ValueError, match="strategy: 'other'"):
        curve.at(0.2, "other")
    with pytest.raises(ValueError, match=r"threshold: 0\.25"):
        curve.at(0.25, "model")
    with pytest.raises(ValueError, match="strategy"):
        curve.difference("model", "other")


@pytest.mark.parametrize("size", [[1] * 40, [3, 1, 60, 8], [500, 2, 9000, 1, 498]])
def test_quick_multinomial_has_the_distribution_of_numpys(size: list[int]) -> None:
    from scipy import stats

    from helpers.stats.multinomial import multinomial

    rng, size = np.random.default_rng(12), np.array(size)
    n, rows = size.sum(), 20_000
    mine, peer = multinomial(rng, size, rows).T, rng.multinomial(n, size / n, rows)
    assert (mine.sum(axis=1) == n).all() and mine.min() >= 0
    share = size / n
    assert mine.mean(axis=0) == pytest.approx(size, abs=4.5 * np.sqrt(size.max() / rows))
    want = n * (np.diag(share) - np.outer(share, share))
    error = 5 * np.sqrt(2 * np.outer(np.diag(want), np.diag(want)) / rows) + 1e-9
    assert (np.abs(np.cov(mine, rowvar=False) - want) < error).all()
    for cell in (0, len(size) - 1):
        assert stats.ks_2samp(mine[:, cell], peer[:, cell]).pvalue > 1e-4


def test_guided_look_up_of_counts_equals_a_plain_search() -> None:
    from scipy import stats

    from helpers.stats.multinomial import GUIDE, _Tables

    rng, means = np.random.default_rng(0), np.array([0.2, 3.0, 80.0, 5000.0, 250_000.0])
    tables = _Tables.of(means)
    for k, (start, mean) in enumerate(zip(tables.start, means)):
        own = tables.keys[start : tables.start[k + 1] if k + 1 < len(means) else None] - k
        counts = tables.low[k] + np.arange(len(own))
        np.testing.assert_allclose(own, stats.poisson.cdf(counts, mean), rtol=0, atol=1e-12)
        uniform = np.concatenate([rng.random(5000), np.arange(GUIDE) / GUIDE])
        found = tables.places(np.array([k]), uniform[None])[0] - tables.low[k]
        np.testing.assert_array_equal(found, np.searchsorted(tables.keys, k + uniform, side="right") - start)

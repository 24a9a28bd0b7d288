"""AUC, its intervals and comparisons, and parts of the ROC curve, against R and slow second implementations."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.stats import discrimination as d

REFERENCE = Path(__file__).parent / "reference"
DATA = os.environ.get("THYROBOOK_DATA")


def close(value, expected, relative=1e-9, absolute=1e-12):
    assert value == pytest.approx(expected, rel=relative, abs=absolute)


def oracle(name: str) -> tuple[pd.DataFrame, dict, str, list[str]]:
    if name == "roc_ties":
        folder = REFERENCE / name
    else:
        folder = Path(DATA or "absent").parent / "oracles" / name
        if not (DATA and (folder / "data.csv").is_file()):
            pytest.skip("needs the aSAH data under THYROBOOK_DATA/../oracles (GPL, not committed)")
    expected = json.loads((folder / "expected.json").read_text())
    data = pd.read_csv(folder / "data.csv")
    data["truth"] = (data[expected["outcome"]] == expected["positive"]).astype(int)
    return data, expected, "truth", list(expected["auc"])


@pytest.fixture(params=["roc_ties", "roc_asah"])
def proc(request):
    return oracle(request.param)


def test_auc_and_intervals_equal_proc(proc):
    data, expected, truth, markers = proc
    for marker in markers:
        want = expected["auc"][marker]
        for level in (0.90, 0.95, 0.99):
            made = d.auc(data[truth], data[marker], level=level)
            close(made.value, want["auc"])
            close(made.se, want["se_delong"])
            close((made.low, made.high), want[f"ci{level * 100:.0f}_delong"])
        u = made.value * made.events * (made.n - made.events)
        close(u, want["mann_whitney_U"])


def test_paired_comparisons_equal_proc(proc):
    data, expected, truth, _ = proc
    for want in expected["paired_delong"]:
        made = d.compare_auc(data[truth], data[want["a"]], data[want["b"]])
        close(made.difference, want["diff"])
        close(made.se, want["se_diff"])
        close(made.z, want["z"])
        close(made.p_value, want["p_two_sided"])
        close((made.low, made.high), want["ci95_diff"])


def test_overall_test_of_all_markers_equals_clinfun(proc):
    data, expected, truth, _ = proc
    want = expected["delong_global"]
    made = d.compare_auc_all(data[truth], {m: data[m] for m in expected["cov_delong"]["order"]})
    close(made.statistic, want["statistic_chisq"])
    close(made.p_value, want["p"])
    assert made.df == want["df"]
    np.testing.assert_allclose(made.frame()["p_holm"], d.holm(made.frame()["p_value"]))
    assert made.frame().columns[:5].tolist() == ["a", "b", "difference", "low", "high"]


def test_partial_auc_and_fixed_specificity_equal_proc(proc):
    data, expected, truth, markers = proc
    for marker in markers:
        want = expected["partial_auc"][marker]
        for focus, key in (("specificity", "spec_90_100"), ("sensitivity", "sens_90_100")):
            given_range = {focus: (0.9, 1.0)}
            plain = d.partial_auc(data[truth], data[marker], **given_range, resamples=0)
            close(plain.value, want[key])
            fixed = d.partial_auc(data[truth], data[marker], **given_range, corrected=True, resamples=0)
            if want[f"{key}_corrected_mcclish"] is None:  # below chance, where pROC warns and gives NA
                close(fixed.value, (1 + (want[key] - 0.005) / (0.1 - 0.005)) / 2)
                assert fixed.value < 0.5
            else:
                close(fixed.value, want[f"{key}_corrected_mcclish"])
        read = expected["sens_at_spec"][marker]
        for specificity, sensitivity in zip(read["specificity"], read["sensitivity"]):
            made = d.sensitivity_at_specificity(data[truth], data[marker], specificity=specificity, resamples=0)
            close(made.value, sensitivity)


def test_the_interval_of_a_corrected_area_near_chance_reaches_below_chance():
    random = np.random.default_rng(1)
    label, risk = np.repeat([0, 1], 60), random.permutation(120)
    range_ = {"specificity": (0.5, 1.0), "resamples": 400}
    plain, fixed = (d.partial_auc(label, risk, **range_, corrected=corrected) for corrected in (False, True))
    assert 0.5 <= fixed.value <= 0.6
    assert fixed.low < 0.5
    least, most = 0.125, 0.5  # area of chance, and of a perfect marker
    for ours, raw in ((fixed.low, plain.low), (fixed.value, plain.value), (fixed.high, plain.high)):
        close(ours, (1 + (raw - least) / (most - least)) / 2)


def test_counts_and_youden_equal_proc(proc):
    data, expected, truth, markers = proc
    for marker in markers:
        for want in expected["coords_at_threshold"][marker]:
            point = d.operating_point(data[truth], data[marker], want["threshold"])
            assert point.counts == {k: want[k] for k in ("tp", "fp", "fn", "tn")}
            curve = d.roc(data[truth], data[marker])
            close(curve.at(want["threshold"]), (point.sensitivity.value, point.specificity.value))
        want = expected["youden"][marker]
        chosen = d.choose_threshold(data[truth], data[marker], split="tune")
        # pROC lists every threshold with the same index; ours is the most sensitive of them
        close(chosen.value, min(want["threshold"]))
        close(chosen.sensitivity, max(want["sensitivity"]))
        close(chosen.sensitivity + chosen.specificity, want["youden_plus1"][0])


def test_bootstrap_agrees_with_proc(proc):
    data, expected, truth, markers = proc
    for marker in markers:
        made = d.bootstrap_auc(data[truth], data[marker], resamples=4000, seed=1)
        # 0.004 is the tolerance of 20 000 resamples on both sides; with 4000 on ours about twice that
        close((made.low, made.high), expected["bootstrap"][marker]["ci95"], relative=0, absolute=0.008)
        close(made.se, d.auc(data[truth], data[marker]).se, relative=0.06)


def test_unpaired_comparison_equals_proc():
    data, expected, truth, _ = oracle("roc_asah")
    want = expected["unpaired_delong"]
    men, women = data[data["gender"] == "Male"], data[data["gender"] == "Female"]
    made = d.compare_auc_unpaired(men[truth], men["s100b"], women[truth], women["s100b"])
    close((made.auc_a.value, made.auc_b.value), (want["auc_a"], want["auc_b"]))
    close(made.z, want["D"])
    close(made.df, want["df"])
    close(made.p_value, want["p"])


def test_unpaired_comparison_refuses_a_shared_patient():
    label, risk = [0, 1, 0, 1], [0.1, 0.4, 0.3, 0.8]
    with pytest.raises(ValueError, match="patient_id_b: patient 'b' is in both groups"):
        d.compare_auc_unpaired(label, risk, label, risk, patient_id_a=list("abcd"), patient_id_b=list("wxyb"))


@pytest.fixture(scope="module")
def nodules():
    folder = REFERENCE / "clustered_nodules"
    return pd.read_csv(folder / "data.csv"), json.loads((folder / "expected.json").read_text())


def test_several_nodules_a_patient_equal_obuchowski_in_r(nodules):
    data, expected = nodules
    want = expected["obuchowski_1997"]
    for marker in expected["markers"]:
        made = d.auc(data["label"], data[marker], patient_id=data["patient"])
        close(made.value, want["auc"][marker])
        close(made.se**2, want["var"][marker])
        close((made.low, made.high), want["ci95"][marker])
        assert "Obuchowski" in made.methods
        assert "of 140 patients" in made.methods
    made = d.compare_auc(data["label"], data["model_a"], data["model_b"], patient_id=data["patient"])
    pair = want["paired"]
    close((made.difference, made.se, made.z), (pair["diff"], pair["se"], pair["z"]))
    close(made.p_value, pair["p"])
    close((made.low, made.high), pair["ci95"])


def test_ignoring_patients_is_delong_and_narrower(nodules):
    data, expected = nodules
    plain = d.auc(data["label"], data["model_a"])
    close(plain.se**2, expected["delong_ignoring_clusters"]["var"][0])
    close(
        d.compare_auc(data["label"], data["model_a"], data["model_b"]).p_value,
        expected["delong_ignoring_clusters"]["p"],
    )
    by_patient = d.auc(data["label"], data["model_a"], patient_id=data["patient"])
    close((by_patient.se / plain.se) ** 2, expected["design_effect"][0])
    alone = d.auc(data["label"], data["model_a"], patient_id=np.arange(len(data)))
    close(alone.se, plain.se)


def test_bootstrap_of_patients_agrees_with_r(nodules):
    data, expected = nodules
    want = expected["cluster_bootstrap"]
    kept = {"patient_id": data["patient"], "resamples": 4000, "seed": 2, "stratified": False}
    for index, marker in enumerate(expected["markers"]):
        made = d.bootstrap_auc(data["label"], data[marker], **kept)
        close(made.se, want["se"][index], relative=0.05)
        close((made.low, made.high), want["percentile95"][index], relative=0, absolute=0.008)
    made = d.bootstrap_auc(data["label"], data["model_a"], risk_b=data["model_b"], **kept)
    close(made.se, want["se_diff"], relative=0.05)
    close((made.low, made.high), want["percentile95_diff"], relative=0, absolute=0.008)


def test_bootstrap_equals_a_plain_loop_over_copied_rows():
    from sklearn.metrics import roc_auc_score

    from helpers.stats.resampling import bootstrap_counts

    rng = np.random.default_rng(3)
    label = rng.random(80) < 0.3
    risk = np.round(label * 0.3 + rng.random(80), 1)
    patient = rng.integers(0, 40, 80)
    for patients in (None, patient):
        made = d.bootstrap_auc(label, risk, patient_id=patients, resamples=40, seed=9)
        for value, counts in zip(made.values, bootstrap_counts(label, patient_id=patients, resamples=40, seed=9)):
            rows = np.repeat(np.arange(80), counts)
            close(value, roc_auc_score(label[rows], risk[rows]))


@pytest.mark.parametrize(
    "case", json.loads((REFERENCE / "roc_edge" / "expected.json").read_text())["cases"], ids=lambda c: c["name"]
)
def test_edge_cases_have_a_stated_answer(case):
    risk = [float(value) for value in case["x"]]
    if case["name"] == "infinite scores":
        with pytest.raises(ValueError, match="risk: infinite at position 0"):
            d.auc(case["y"], risk)
        close(d.auc(case["y"], case["x_ranks"]).value, case["auc"])
        return
    made = d.auc(case["y"], risk)
    close(made.value, case["auc"])
    if case["var_delong"] is None:
        assert np.isnan([made.se, made.low, made.high]).all()
        assert "Only one" in made.note
        assert "not defined" in str(made)
        assert np.isnan(d.compare_auc(case["y"], risk, risk[::-1]).p_value)
    else:
        close(made.se**2, case["var_delong"])
        close((made.low, made.high), case["ci95_delong"])
        assert ("no width" in made.note) == (case["var_delong"] == 0)


def test_perfect_auc_has_an_exact_bound_by_hand():
    label, risk = [0] * 4 + [1] * 3, [1, 2, 3, 3.5, 5, 7, 9]
    made = d.auc(label, risk)
    close(made.exact, (0.025 ** (1 / 3), 1.0))
    assert "exact conservative limits from 3 disjoint pairs are 0.292 to 1.000" in made.methods
    close(d.auc(label, np.negative(risk)).exact, (0.0, 1 - 0.025 ** (1 / 3)))
    # three patients only: at most one pair in which none is used twice
    assert "from 1 disjoint pairs" in d.auc(label, risk, patient_id=[1, 2, 3, 1, 1, 2, 3]).note
    assert d.auc(label, risk, interval="logit").low == 1.0


def test_logit_interval_stays_inside_and_is_the_formula():
    label, risk = [0, 0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.5, 0.7, 0.9]
    made = d.auc(label, risk, interval="logit")
    half = 1.959963984540054 * made.se / (made.value * (1 - made.value))
    odds = np.log(made.value / (1 - made.value))
    close(made.low, 1 / (1 + np.exp(half - odds)))
    close(made.high, 1 / (1 + np.exp(-half - odds)))
    assert d.auc(label, risk).high == 1.0  # Wald is cut
    assert made.high < 1


def slow_delong(label, risk_a, risk_b):
    """The textbook matrix."""
    label = np.asarray(label, dtype=bool)
    parts = []
    for risk in (risk_a, risk_b):
        x, y = np.asarray(risk)[label], np.asarray(risk)[~label]
        psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        parts.append((psi.mean(), psi.mean(axis=1), psi.mean(axis=0)))
    s10 = np.cov([p[1] for p in parts]) / label.sum()
    s01 = np.cov([p[2] for p in parts]) / (~label).sum()
    s = s10 + s01
    return parts[0][0], parts[1][0], s


def slow_obuchowski(label, risk, patient):
    label = np.asarray(label, dtype=bool)
    x, y = risk[label], risk[~label]
    psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    theta, m, n = psi.mean(), label.sum(), (~label).sum()
    names = np.unique(patient)
    a = np.array([(psi.mean(axis=1) - theta)[patient[label] == p].sum() for p in names])
    b = np.array([(psi.mean(axis=0) - theta)[patient[~label] == p].sum() for p in names])
    i10, i01, i = np.unique(patient[label]).size, np.unique(patient[~label]).size, names.size
    return (
        i10 / (i10 - 1) * (a**2).sum() / m**2
        + i01 / (i01 - 1) * (b**2).sum() / n**2
        + 2 * i / (i - 1) * (a * b).sum() / (m * n)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 30), st.sampled_from([1, 2, 9]))
def test_ranks_equal_the_textbook_matrix(seed, positives, negatives, digits):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat([1, 0], [positives, negatives]))
    a, b = np.round(rng.random((2, label.size)), digits)
    first, second, s = slow_delong(label, a, b)
    made = d.compare_auc(label, a, b)
    close((made.auc_a.value, made.auc_b.value), (first, second))
    close((made.auc_a.se**2, made.auc_b.se**2), (s[0, 0], s[1, 1]), absolute=1e-15)
    variance = s[0, 0] + s[1, 1] - 2 * s[0, 1]
    close(made.se**2, variance if variance > 1e-14 else 0.0, relative=1e-7, absolute=1e-14)
    patient = rng.integers(0, 12, label.size)
    if min(np.unique(patient[label == k]).size for k in (0, 1)) > 1:
        got = d.auc(label, a, patient_id=patient).se ** 2
        close(got, max(slow_obuchowski(label, a, patient), 0), absolute=1e-15)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_rank_statistics_keep_their_properties(seed):
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.repeat([1, 0], [12, 25]))
    risk = np.round(rng.random(37), 1)
    made = d.auc(label, risk)
    rescaled = d.auc(label, np.exp(3 * risk))
    close((rescaled.value, rescaled.se), (made.value, made.se))
    turned = d.auc(1 - label, risk)
    close((turned.value, turned.se), (1 - made.value, made.se))
    order = rng.permutation(37)
    again = d.auc(label[order], risk[order])
    close((again.value, again.se), (made.value, made.se))
    frame = d.roc(label, risk).frame()
    area = np.sum(
        np.diff(1 - frame["specificity"])
        * (frame["sensitivity"].to_numpy()[1:] + frame["sensitivity"].to_numpy()[:-1])
        / 2
    )
    close(area, made.value)
    whole = d.partial_auc(label, risk, specificity=(0, 1), resamples=0)
    close(whole.value, made.value)
    close(d.partial_auc(label, risk, sensitivity=(0, 1), resamples=0).value, made.value)
    both = sum(d.partial_auc(label, risk, specificity=r, resamples=0).value for r in ((0, 0.63), (0.63, 1)))
    close(both, made.value)


def test_a_million_cases_lose_no_digits():
    # pROC issue 19: products of counts overflowed and the interval became 1 to 1
    n = 1_000_000
    rng = np.random.default_rng(0)
    label = rng.random(n) < 0.3
    risk = np.round(rng.normal(label * 1.0, 1), 3)
    made = d.auc(label, risk)
    assert 0.75 < made.low < made.value < made.high < 0.77
    close(made.se, np.sqrt(d.auc(label[:100_000], risk[:100_000]).se ** 2 / 10), relative=0.02)


def test_nearly_equal_scores_are_not_equal():
    # pROC issues 25 and 35: thresholds between neighbouring floats merged cases
    risk = np.array([0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 0), 0.5])
    label = [0, 1, 0, 1]
    assert d.auc(label, risk).value == 0.875
    chosen = d.choose_threshold(label, risk, split="tune")
    assert d.operating_point(label, risk, chosen).sensitivity.value == chosen.sensitivity


def test_models_that_rank_alike_differ_by_nothing():
    label, risk = [0, 1, 0, 1, 1], np.array([0.1, 0.5, 0.6, 0.4, 0.9])
    made = d.compare_auc(label, risk, risk**2)
    assert (made.difference, made.low, made.high, made.se, made.p_value) == (0, 0, 0, 0, 1)
    assert "no variance" in made.note
    turned = d.compare_auc([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert turned.difference == 1
    assert np.isnan(turned.p_value)
    assert "no test" in turned.methods


@pytest.mark.parametrize(
    ("label", "risk", "message"),
    [
        ([0, 1], [0.1, np.nan], r"risk: missing \(NaN\) at position 1"),
        ([0, 1], [np.inf, 0.2], "risk: infinite at position 0"),
        ([0, 1, 1], [0.1, 0.2], "risk: has 2 cases, but label has 3"),
        ([1, 1], [0.1, 0.2], "label: all 2 cases are 1; both classes are needed"),
        ([0, 0], [0.1, 0.2], "label: all 2 cases are 0"),
        (["benign", "malignant"], [0.1, 0.2], "label: text such as 'benign'"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "label: must be 0 or 1, found 2; more than two classes"),
        ([0, np.nan], [0.1, 0.2], "label: missing at position 1"),
        ([], [], "label: is empty"),
        ([[0, 1]], [0.1, 0.2], "label: must be one-dimensional"),
        ([0, 1], ["a", "b"], "risk: must be numbers"),
        ([0, 1], None, "risk: must be a one-dimensional array"),
        (pd.Series([0, pd.NA], dtype="Int64"), [0.1, 0.2], "label: missing at position 1"),
    ],
)
@pytest.mark.parametrize("function", [d.auc, d.roc, d.bootstrap_auc, lambda y, r: d.operating_point(y, r, 0.5)])
def test_bad_input_is_one_clear_error(function, label, risk, message):
    with pytest.raises(ValueError, match=message):
        function(label, risk)


def test_options_are_checked():
    label, risk = [0, 1, 0, 1], [0.1, 0.4, 0.3, 0.8]
    with pytest.raises(ValueError, match="level: must be inside"):
        d.auc(label, risk, level=95)
    with pytest.raises(ValueError, match="interval: unknown 'bayes'"):
        d.auc(label, risk, interval="bayes")
    with pytest.raises(ValueError, match="patient_id: has 3 cases"):
        d.auc(label, risk, patient_id=[1, 2, 3])
    with pytest.raises(ValueError, match="patient_id: missing at position 2"):
        d.auc(label, risk, patient_id=["a", "b", None, "c"])
    with pytest.raises(ValueError, match="risk_b: has 3 cases"):
        d.compare_auc(label, risk, [1, 2, 3])
    with pytest.raises(ValueError, match="give one of the two ranges"):
        d.partial_auc(label, risk)
    with pytest.raises(ValueError, match="rising range"):
        d.partial_auc(label, risk, specificity=(1.0, 0.9))
    with pytest.raises(ValueError, match=r"specificity: must be in \[0, 1\]"):
        d.sensitivity_at_specificity(label, risk, specificity=90)
    with pytest.raises(ValueError, match="resamples: must be at least 1"):
        d.bootstrap_auc(label, risk, resamples=0)
    with pytest.raises(ValueError, match="at least two models"):
        d.compare_auc_all(label, {"a": risk})


def test_intervals_of_parts_of_the_curve_cover_the_estimate():
    rng = np.random.default_rng(5)
    label = rng.random(150) < 0.3
    risk = rng.normal(label * 1.2, 1)
    patient = np.arange(150) // 2
    for made in (
        d.partial_auc(label, risk, specificity=(0.8, 1), resamples=200, patient_id=patient),
        d.sensitivity_at_specificity(label, risk, specificity=0.9, resamples=200),
        d.specificity_at_sensitivity(label, risk, sensitivity=0.9, resamples=200),
    ):
        assert 0 <= made.low < made.value < made.high <= 1
        assert "200 resamples" in made.methods
    again = d.specificity_at_sensitivity(label, risk, sensitivity=0.9, resamples=200)
    assert (again.low, again.high) == (made.low, made.high)
    # the reverse reading is the same curve seen from the other side
    turned = d.sensitivity_at_specificity(~label, -risk, specificity=0.9, resamples=0)
    close(turned.value, made.value)


def test_roc_frame_and_figure():
    import matplotlib.pyplot as plt

    from helpers.stats import palette

    rng = np.random.default_rng(6)
    label = rng.random(116) < 0.25
    risks = {"image": rng.normal(label, 1), "video": rng.normal(2 * label, 1)}
    curves = [d.roc(label, risk, name=name, threshold=0.5) for name, risk in risks.items()]
    frame = curves[0].frame()
    assert frame.columns[:3].tolist() == ["threshold", "sensitivity", "specificity"]
    assert (frame.iloc[0, 0], frame.iloc[0, 1], frame.iloc[0, 2]) == (np.inf, 0, 1)
    assert (frame.iloc[-1, 1], frame.iloc[-1, 2]) == (1, 0)
    ax = d.plot_rocs(curves)
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert ax.get_legend().get_title().get_text() == f"n = 116, {label.sum()} events"
    assert texts[0].startswith("image: AUC 0.")
    assert "sensitivity" in texts[1]
    assert ax.get_aspect() == 1
    own = plt.figure().add_subplot()
    assert curves[0].plot(ax=own) is own
    with pytest.raises(ValueError, match="a name of its own"):
        d.plot_rocs([curves[0], curves[0]])
    looks = palette.styles([f"m{i}" for i in range(49)])
    assert len({(s.color, str(s.linestyle)) for s in looks.values()}) == 49
    plt.close("all")


def test_figure_of_many_cases_is_small_and_keeps_its_corners():
    from helpers.stats.roc_curve import corners

    rng = np.random.default_rng(7)
    label = rng.random(50_000) < 0.3
    curve = d.roc(label, rng.normal(label, 1))
    kept = corners(curve.fp, curve.tp)
    x, y = curve.fp[kept], curve.tp[kept]
    assert x.size < 5000
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, curve.fp[-1], curve.tp[-1])
    assert corners(np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 2, 2, 2, 3])).tolist() == [0, 2, 4, 5]


def test_holm_by_hand():
    np.testing.assert_allclose(d.holm([0.01, 0.02, 0.03, 0.005]), [0.03, 0.04, 0.04, 0.02])
    np.testing.assert_allclose(d.holm([0.02, np.nan, 0.9]), [0.06, np.nan, 1.0])
    with pytest.raises(ValueError, match="p_values"):
        d.holm([1.2])


def test_coverage_of_the_delong_interval_at_the_size_of_paper_a():
    # 27 events of 116, AUC 0.76: nominal 95 %, DeLong is known to be a little short here
    rng = np.random.default_rng(8)
    label = np.repeat([True, False], [27, 89])
    inside = 0
    for _ in range(600):
        made = d.auc(label, rng.normal(label, 1.0))
        inside += made.low <= 0.7602499389065233 <= made.high  # Phi(1 / sqrt 2)
    assert 0.91 < inside / 600 < 0.975

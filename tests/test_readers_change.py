"""Change of mind, and readers against a model at matched specificity or sensitivity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from helpers.stats.change_of_mind import _newcombe, change_of_mind
from helpers.stats.matched import compare_at_matched
from helpers.stats.mrmc import obuchowski_rockette


def study(seed=0, *, readers=4, cases=80, per=1, gain=0.2) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    owner = np.arange(cases) // per
    label = (owner % 2).astype(int)
    hard = random.random(cases // per)[owner]
    frames = []
    for r in range(readers):
        for modality, extra in (("unaided", 0.0), ("aided", gain)):
            right = hard + random.normal(0, 0.2, cases) < 0.6 + extra
            rating = np.where(right, label, 1 - label)
            names = dict(reader=f"R{r}", experience="senior" if r % 2 else "junior", modality=modality)
            frames.append(pd.DataFrame(dict(names, case_id=range(cases), patient_id=owner, label=label, rating=rating)))
    return pd.concat(frames, ignore_index=True)


def test_changes_equal_a_slow_count():
    frame = study()
    result = change_of_mind(frame)
    row = result.table.set_index(["reader", "measure"])
    wide = frame.pivot_table(index=["reader", "case_id", "label"], columns="modality", values="rating").reset_index()
    for reader in ("R0", "R1", "R2", "R3"):
        for label, measure in ((1, "sensitivity"), (0, "specificity")):
            own = wide[(wide["reader"] == reader) & (wide["label"] == label)]
            better = sum(u != label and a == label for u, a in zip(own["unaided"], own["aided"]))
            worse = sum(u == label and a != label for u, a in zip(own["unaided"], own["aided"]))
            found = row.loc[(reader, measure)]
            assert (found["better"], found["worse"], found["cases"]) == (better, worse, 40)
            assert found["absolute_gain"] == pytest.approx((better - worse) / 40)
            assert found["relative_gain"] == pytest.approx((better - worse) / (own["unaided"] == label).sum())
    assert result.transitions["readings"].sum() == 320


def test_mcnemar_is_exact():
    # 10 changed calls, 9 of them for the better: 2 * (1 + 10) / 2**10
    frame = pd.DataFrame({"case_id": range(30), "label": [1] * 20 + [0] * 10})
    before = [0] * 9 + [1] * 11 + [0] * 10
    after = [1] * 9 + [0] + [1] * 10 + [0] * 10
    frame = pd.concat([frame.assign(modality="unaided", rating=before), frame.assign(modality="aided", rating=after)])
    result = change_of_mind(frame.assign(reader="A"))
    assert result.table["p_value"].tolist() == pytest.approx([22 / 1024, 1.0])
    assert "one reader" in result.note
    assert np.isnan(result.overall["low"][1])  # nobody changed a negative call: no width is claimed


def test_newcombe_interval_of_a_published_table():
    # Newcombe (1998), doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C, example 36, 12, 2, 0:
    # difference 0.2 with limits 0.0569 to 0.3404 by method 10
    before = np.array([1] * 36 + [0] * 12 + [1] * 2)
    after = np.array([1] * 36 + [1] * 12 + [0] * 2)
    low, high = _newcombe(before, after, 0.95)
    assert [low, high] == pytest.approx([0.0569, 0.3404], abs=6e-5)


def test_overall_is_obuchowski_rockette():
    frame = study(1)
    overall = change_of_mind(frame).overall.set_index("measure")
    for metric in ("sensitivity", "specificity"):
        gap = obuchowski_rockette(frame, metric=metric).differences.iloc[0]
        row = overall.loc[metric]
        assert [row["absolute_gain"], row["low"], row["high"], row["p_value"]] == pytest.approx(
            [gap["difference"], gap["low"], gap["high"], gap["p_value"]]
        )
        assert row["relative_gain"] == pytest.approx(row["after"] / row["before"] - 1)
        assert row["relative_low"] < row["relative_gain"] < row["relative_high"]
        assert (row["relative_low"] > 0) == (row["low"] > 0)


def test_experience_groups_and_graded_ratings():
    frame = study(2)
    result = change_of_mind(frame)
    groups = result.by_experience.set_index(["experience", "measure"])
    assert groups.loc[("junior", "sensitivity"), "readers"] == 2
    per = result.table.query("measure == 'sensitivity'").groupby("experience")["absolute_gain"].mean()
    for name in ("junior", "senior"):
        assert groups.loc[(name, "sensitivity"), "absolute_gain"] == pytest.approx(per[name])
    graded = frame.assign(rating=frame["rating"] * 3 + 1)
    pd.testing.assert_frame_equal(change_of_mind(graded, threshold=3).table, result.table)
    with pytest.raises(ValueError, match="graded; give threshold="):
        change_of_mind(graded)
    plain = change_of_mind(frame.drop(columns="experience"))
    assert plain.by_experience.empty


def test_clustered_tests_are_by_patient():
    frame = study(3, per=4)
    by_patient = change_of_mind(frame)
    by_case = change_of_mind(frame.drop(columns="patient_id"))
    width = by_patient.table["high"] - by_patient.table["low"]
    assert width.mean() > (by_case.table["high"] - by_case.table["low"]).mean()
    row = by_patient.table.iloc[0]
    own = frame[(frame["reader"] == "R0") & (frame["label"] == 1)]
    wide = own.pivot_table(index=["case_id", "patient_id"], columns="modality", values="rating").reset_index()
    net = (wide["aided"] - wide["unaided"]).groupby(wide["patient_id"]).sum()
    z = net.sum() / np.sqrt((net**2).sum())
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    assert "sim.1438" in by_patient.methods


def test_missing_partners_are_counted():
    frame = study(4).iloc[1:]
    result = change_of_mind(frame)
    assert result.n_dropped == 1
    assert "1 readings have no partner" in result.note
    assert "readers fixed (cells are missing)" in result.overall["method"][0]
    with pytest.raises(ValueError, match="modalities must name"):
        change_of_mind(frame, aided="with AI")
    one_class = frame[~((frame["reader"] == "R1") & (frame["modality"] == "aided") & (frame["label"] == 1))]
    with pytest.raises(ValueError, match="'R1' read no positive case"):
        change_of_mind(one_class)


def test_change_is_drawn_and_described():
    result = change_of_mind(study())
    assert "absolute gain" in result.methods
    assert "relative gain" in result.methods
    assert len(result.plot().patches) == 16
    assert len(result.frame()) == 8


def model_of(frame: pd.DataFrame, seed=0) -> pd.DataFrame:
    cases = frame.drop_duplicates("case_id")[["case_id", "label"]]
    random = np.random.default_rng(seed)
    return cases.assign(risk=1 / (1 + np.exp(-1.5 * cases["label"] + random.normal(size=len(cases)))))


def slow_sensitivity(model: pd.DataFrame, specificity: float) -> float:
    """The attainable points of the curve, joined by straight lines."""
    positive, negative = (np.array(model.loc[model["label"] == k, "risk"]) for k in (1, 0))
    best = {}
    for cut in [*model["risk"], np.inf]:
        false, true = np.mean(negative >= cut), np.mean(positive >= cut)
        best[false] = max(true, best.get(false, 0))
    x = sorted(best)
    return float(np.interp(1 - specificity, x, [best[k] for k in x]))


def test_matched_sensitivity_equals_the_slow_curve():
    frame = study().query("modality == 'unaided'")
    model = model_of(frame)
    result = compare_at_matched(frame, model, resamples=200)
    for row in result.table.to_dict("records"):
        assert row["model_value"] == pytest.approx(slow_sensitivity(model, row["specificity"]))
        assert row["difference"] == pytest.approx(row["model_value"] - row["sensitivity"])
    assert result.difference == pytest.approx(result.table["difference"].mean())
    assert result.low < result.difference < result.high
    # the mirror: swap the classes, and sensitivity at specificity becomes specificity at sensitivity
    swapped = frame.assign(label=1 - frame["label"], rating=1 - frame["rating"])
    turned = model.assign(label=1 - model["label"], risk=1 - model["risk"])
    mirror = compare_at_matched(swapped, turned, match="sensitivity", resamples=200)
    assert mirror.table["model_value"].tolist() == pytest.approx(result.table["model_value"].tolist())
    assert mirror.measure == "specificity"


def test_a_model_that_is_the_reader_does_not_differ():
    frame = study(readers=2).query("modality == 'unaided' and reader == 'R0'")
    model = frame[["case_id", "rating"]].rename(columns={"rating": "risk"})
    for match in ("specificity", "sensitivity"):
        result = compare_at_matched(frame, model, match=match, resamples=200)
        assert abs(result.difference) < 1e-9
        assert abs(result.high - result.low) < 1e-9
        assert "one reader" in result.note


def test_matched_coverage():
    # readers and model normal, skills and thresholds random; 200 replicates: Monte Carlo error 1.5 %
    random = np.random.default_rng(3)
    many = random.normal(size=(2, 100_000))
    cut, skill = 0.5 + 0.2 * many[0], 1.2 + 0.3 * many[1]
    mean = np.mean(norm.sf(cut - 1.5) - norm.sf(cut - skill))
    label = np.repeat([1, 0], [27, 89])
    pooled, single = [], []
    for _ in range(200):
        own_cut, own_skill = 0.5 + 0.2 * random.normal(size=5), 1.2 + 0.3 * random.normal(size=5)
        case = 0.7 * random.normal(size=116)
        noise = np.sqrt(0.51) * random.normal(size=(6, 116))
        score = case + noise[:5] + label * own_skill[:, None]
        rating = (score > own_cut[:, None]).astype(int)
        frame = pd.DataFrame(rating.T).assign(case_id=range(116), label=label)
        frame = frame.melt(["case_id", "label"], var_name="reader", value_name="rating").assign(modality="unaided")
        model = pd.DataFrame({"case_id": range(116), "risk": case + noise[5] + 1.5 * label})
        result = compare_at_matched(frame, model, resamples=200)
        pooled.append(result.low <= mean <= result.high)
        truth = norm.sf(own_cut - 1.5) - norm.sf(own_cut - own_skill)
        single.extend((result.table["low"] <= truth) & (truth <= result.table["high"]))
    assert 0.9 <= np.mean(pooled) <= 0.995
    assert 0.9 <= np.mean(single) <= 0.985


def test_matched_is_by_patient_drawn_and_described():
    frame = study(5, per=4).query("modality == 'unaided'")
    model = model_of(frame)
    one = compare_at_matched(frame, model, resamples=500)
    other = compare_at_matched(frame.drop(columns="patient_id"), model, resamples=500)
    assert one.table["se"].mean() > other.table["se"].mean()
    assert one.table["difference"].tolist() == other.table["difference"].tolist()
    again = compare_at_matched(frame, model, resamples=500)
    assert (one.low, one.high) == (again.low, again.high)
    assert "80 cases of 20 patients" in one.methods
    assert len(one.plot().lines) == 10
    assert one.frame()["reader"].iloc[-1] == "all readers"


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        (dict(match="auc"), {}, "match must be"),
        (dict(resamples=3), {}, "at least 50"),
        (dict(modality="x"), {}, "modalities must name"),
        ({}, dict(risk=np.nan), "is not finite"),
        ({}, dict(risk="high"), "is not finite"),
        ({}, dict(label=1), "label of case 0 differs"),
        ({}, dict(case_id=1), "is there twice"),
        ({}, dict(case_id=range(1000, 1080)), "80 cases of the readings have no risk"),
    ],
)
def test_matched_faults_are_named(options, change, message):
    frame = study().query("modality == 'unaided'")
    with pytest.raises(ValueError, match=message):
        compare_at_matched(frame, model_of(frame).assign(**change), **options)


def test_matched_needs_one_modality_and_all_readings():
    with pytest.raises(ValueError, match="modality must name one of"):
        compare_at_matched(study(), model_of(study()))
    frame = study().query("modality == 'unaided'")
    with pytest.raises(ValueError, match="1 readings are missing"):
        compare_at_matched(frame.iloc[1:], model_of(frame))
    with pytest.raises(ValueError, match="no column 'risk'"):
        compare_at_matched(frame, model_of(frame).drop(columns="risk"))
    extra = pd.concat([model_of(frame), pd.DataFrame({"case_id": [999], "label": [1], "risk": [0.5]})])
    assert "1 predictions" in compare_at_matched(frame, extra, resamples=100).note

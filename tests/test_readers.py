"""Reader studies against R (MRMCaov, RJafroc, iMRMC), slow second implementations and simulations."""

from __future__ import annotations

import json
import os
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.stats.mrmc_anova import components, hillis
from helpers.stats.mrmc_covariance import covariance_matrix, performance
from helpers.stats.readers import obuchowski_rockette, u_statistics
from helpers.stats.readings import ReadingCube, cube
from helpers.stats.student import f_p_value, t_p_value, t_quantile

HERE = Path(__file__).parent / "reference"
CLOSE = dict(rel=1e-9, abs=1e-12)
OPTIONS = {
    "auc_jackknife_random_readers_random_cases": {},
    "auc_delong_random_readers_random_cases": dict(covariance="delong"),
    "auc_unbiased_random_readers_random_cases": dict(covariance="unbiased"),
    "auc_jackknife_fixed_readers": dict(readers="fixed"),
    "auc_jackknife_fixed_cases": dict(cases="fixed"),
    "sensitivity_jackknife_random_random": dict(metric="sensitivity"),
    "specificity_jackknife_random_random": dict(metric="specificity"),
}


def oracle(name: str) -> tuple[pd.DataFrame, dict]:
    """Data and R's values, from the repository or beside THYROBOOK_DATA."""
    outside = os.environ.get("THYROBOOK_DATA")
    places = [HERE / name] + ([Path(outside).parent / "oracles" / name] if outside else [])
    for place in places:
        if (place / "expected.json").exists():
            text = {"case": str, "treatment": str, "modality": str, "reader": str}
            data = pd.read_csv(place / "data.csv", dtype=text)
            names = {"treatment": "modality", "case": "case_id", "truth": "label", "score": "rating"}
            return data.rename(columns=names), json.loads((place / "expected.json").read_text())
    pytest.skip(f"{name} is not here; it is read from beside THYROBOOK_DATA")


def simulate(seed, *, n=60, r=5, per=1, binary=False, gain=0.0) -> ReadingCube:
    """Roe and Metz ratings; nodules of a patient share a label and most of their case effects."""
    random = np.random.default_rng(seed)
    patients = n // per
    owner = np.repeat(np.arange(patients), per)
    label = (owner < patients // 2).astype(int)

    def effect(variance, *shape):
        share = 0.8 if per > 1 else 0.0
        together = random.normal(size=(*shape, patients))[..., owner]
        return np.sqrt(variance) * (np.sqrt(share) * together + np.sqrt(1 - share) * random.normal(size=(*shape, n)))

    skill = 1.2 + 0.3 * random.normal(size=(1, r)) + 0.2 * random.normal(size=(2, r))
    skill[0] += gain
    rating = label * skill[:, :, None] + effect(0.3) + effect(0.3, 2, 1) + effect(0.2, r) + effect(0.2, 2, r)
    rating = (rating > 0.6).astype(float) if binary else rating
    return ReadingCube(("aided", "unaided"), tuple(range(r)), tuple(range(n)), label, owner, rating, {})


def table(data: ReadingCube) -> pd.DataFrame:
    """Readings of a cube, one row a reading."""
    m, r, c = np.indices(data.rating.shape).reshape(3, -1)
    rows = dict(reader=r, modality=np.array(data.modalities)[m], case_id=c, patient_id=data.patient[c])
    rows |= dict(label=data.label[c], rating=data.rating[m, r, c])
    return pd.DataFrame(rows).dropna()


@pytest.mark.parametrize("name", ["mrmc_ai_help", "mrmc_vandyke"])
@pytest.mark.parametrize("analysis", OPTIONS)
def test_obuchowski_rockette_equals_mrmcaov(name, analysis):
    data, expected = oracle(name)
    wanted, options = expected[analysis], dict(OPTIONS[analysis])
    if "metric" in options:
        options["threshold"] = expected["binary_cut"]
    result = obuchowski_rockette(data, **options)
    equality = wanted["test_equality"]
    if "X2" in equality:
        assert result.f * result.df_numerator == pytest.approx(equality["X2"][0], **CLOSE)
        assert result.df_denominator == np.inf
    else:
        assert result.f == pytest.approx(equality["F"][0], **CLOSE)
        assert result.df_denominator == pytest.approx(equality["df2"][0], **CLOSE)
    assert result.p_value == pytest.approx(equality["p-value"][0], **CLOSE)
    gap, means = wanted["test_diffs"], wanted["test_means"]
    assert result.differences["difference"].tolist() == pytest.approx(gap["Estimate"], **CLOSE)
    assert result.differences["se"].tolist() == pytest.approx(gap["StdErr"], **CLOSE)
    assert result.differences[["low", "high"]].to_numpy() == pytest.approx(np.array(gap["CI"]), **CLOSE)
    # R prints one minus a distribution function: 16 digits after the point, not 16 significant ones
    assert result.differences["p_value"].tolist() == pytest.approx(gap["p-value"], rel=1e-9, abs=5e-16)
    assert result.estimates["value"].tolist() == pytest.approx(means["Estimate"], **CLOSE)
    assert result.estimates["se"].tolist() == pytest.approx(means["StdErr"], **CLOSE)
    assert result.estimates[["low", "high"]].to_numpy() == pytest.approx(np.array(means["CI"]), **CLOSE)
    if "df" in means:
        assert result.estimates["df"].tolist() == pytest.approx(means["df"], **CLOSE)
    if "vcov_comps" in wanted:
        assert result.components["value"][:6].tolist() == pytest.approx(wanted["vcov_comps"]["Estimate"], **CLOSE)
    if "reader_means" in wanted:
        assert result.readers["se"].tolist() == pytest.approx(wanted["reader_means"]["StdErr"], **CLOSE)


@pytest.mark.parametrize("name", ["mrmc_ai_help", "mrmc_vandyke"])
def test_obuchowski_rockette_equals_rjafroc(name):
    data, expected = oracle(name)
    for options, block in (({}, "RRRC"), ({"readers": "fixed"}, "FRRC"), ({"cases": "fixed"}, "RRFC")):
        wanted = expected["RJafroc_OR"][block]["ciDiffTrt"]
        found = obuchowski_rockette(data, **options).differences.iloc[0]
        for column, name_there in (("difference", "Estimate"), ("low", "CILower"), ("high", "CIUpper")):
            assert found[column] == pytest.approx(wanted[name_there][0], **CLOSE)


def check_ustatistics(result, wanted):
    gap = result.differences.iloc[0]
    assert result.estimates["value"].tolist() == pytest.approx(wanted["AUCA"][:2], **CLOSE)
    variance = [*result.estimates["variance"], gap["variance"]]
    reference = [*wanted["varAUCA"][:2], wanted["varAUCAminusAUCB"][2]]
    assert variance == pytest.approx(reference, **CLOSE)
    assert gap["difference"] == pytest.approx(wanted["AUCAminusAUCB"][2], **CLOSE)
    assert [*result.estimates["df"], gap["df"]] == pytest.approx(wanted["dfBDG"], **CLOSE)
    normal = [*result.estimates["low_normal"], gap["low_normal"]]
    assert normal == pytest.approx(wanted["botCInormal"], **CLOSE)
    # iMRMC cuts the degrees of freedom to a whole number before it looks up t; we do not
    whole = int(gap["df"])
    assert t_p_value(gap["t"], whole) == pytest.approx(wanted["pValueBDG"][2], **CLOSE)
    cut = gap["difference"] - t_quantile(0.95, whole) * gap["se"]
    assert cut == pytest.approx(wanted["botCIBDG"][2], **CLOSE)
    assert gap["low"] == pytest.approx(cut, abs=2e-3)
    assert gap["low"] < gap["low_normal"]


@pytest.mark.parametrize("name", ["mrmc_ai_help", "mrmc_vandyke"])
def test_ustatistics_of_a_crossed_study_equal_imrmc(name):
    data, expected = oracle(name)
    check_ustatistics(u_statistics(data), expected["iMRMC_Ustat"])


def test_ustatistics_of_a_split_plot_equal_imrmc():
    data, expected = oracle("mrmc_viper_split_plot")
    check_ustatistics(u_statistics(data.drop(columns="recall")), expected["auc_of_score"]["Ustat"])
    calls = data.drop(columns="rating").rename(columns={"recall": "rating"})
    check_ustatistics(u_statistics(calls), expected["auc_of_recall"]["Ustat"])
    sensitivity = u_statistics(calls, metric="sensitivity")
    check_ustatistics(sensitivity, expected["sensitivity_of_recall"]["Ustat"])
    # the field is named after the false-positive fraction but holds its complement
    check_ustatistics(u_statistics(calls, metric="specificity"), expected["false_positive_fraction_of_recall"]["Ustat"])
    both = calls[calls["label"] == 0].groupby("modality")["rating"].mean()
    assert both["FFDM"] == pytest.approx(1 - 0.531747, abs=0.02)


def triple_variance(data: ReadingCube, m: int) -> tuple[float, float]:
    """Variance of the pooled AUC by going through every pair of (reader, positive, negative) triples."""
    triples = []
    positives, negatives = np.flatnonzero(data.label == 1), np.flatnonzero(data.label == 0)
    for r, i, j in product(range(len(data.readers)), positives, negatives):
        x, y = data.rating[m, r, i], data.rating[m, r, j]
        if not np.isnan(x + y):
            triples.append((r, i, j, float(x > y) + 0.5 * (x == y)))
    sums, counts = np.zeros(8), np.zeros(8)
    for (r, i, j, s), (r2, i2, j2, s2) in product(triples, repeat=2):
        at = 4 * (r == r2) + 2 * (i == i2) + (j == j2)
        sums[at] += s * s2
        counts[at] += 1
    pooled = np.mean([s for *_, s in triples])
    return pooled, pooled**2 - sums[0] / counts[0]


def test_ustatistics_equal_the_sum_over_all_pairs_of_triples():
    data = simulate(3, n=10, r=3)
    data.rating[:, 0, [0, 9]] = np.nan
    data.rating[1, 2, 3] = np.nan
    found = u_statistics(table(data)).estimates
    for m in range(2):
        value, variance = triple_variance(data, m)
        assert found["value"][m] == pytest.approx(value, rel=1e-12)
        assert found["variance"][m] == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("metric", ["auc", "sensitivity", "specificity"])
def test_jackknife_equals_leaving_out_each_patient(metric):
    data = simulate(5, n=18, r=2, per=3, binary=metric != "auc")
    random = np.random.default_rng(0)
    label = random.permutation(data.label)  # patients with positive and negative nodules
    data = ReadingCube(
        *[getattr(data, f) for f in ("modalities", "readers", "cases")], label, data.patient, data.rating, {}
    )
    left = []
    chosen = {"auc": np.arange(18), "sensitivity": np.flatnonzero(label), "specificity": np.flatnonzero(label == 0)}
    for patient in np.unique(data.patient[chosen[metric]]):
        keep = data.patient != patient
        values = []
        for x in data.rating.reshape(4, -1):
            x, y = x[keep & (label == 1)], x[keep & (label == 0)]
            wins = np.mean([(a > b) + (a == b) / 2 for a, b in product(x, y)])
            values.append({"auc": wins, "sensitivity": x.mean(), "specificity": 1 - y.mean()}[metric])
        left.append(values)
    left = np.array(left)
    k = len(left)
    wanted = (k - 1) / k * (left - left.mean(axis=0)).T @ (left - left.mean(axis=0))
    assert covariance_matrix(data, metric=metric) == pytest.approx(wanted, rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("covariance", ["jackknife", "delong"])
@pytest.mark.parametrize("metric", ["auc", "sensitivity"])
def test_one_case_a_patient_is_the_unclustered_analysis(covariance, metric):
    data = table(simulate(8, binary=metric == "sensitivity"))
    renamed = data.assign(patient_id="p" + (7 * data["case_id"] % 60).astype(str))
    one = obuchowski_rockette(data.drop(columns="patient_id"), covariance=covariance, metric=metric)
    two = obuchowski_rockette(renamed, covariance=covariance, metric=metric)
    pd.testing.assert_frame_equal(one.frame(), two.frame(), rtol=1e-12)
    assert one.f == pytest.approx(two.f, rel=1e-12)


def test_clustered_delong_equals_obuchowski_1997():
    # variance and covariance of two implementations in R (fastAUC, doAUCcluster); the data are simulated, CC0
    outside = Path(os.environ.get("THYROBOOK_DATA", "none")).parent / "oracles"
    place = next((p / "clustered_nodules" for p in (HERE, outside) if (p / "clustered_nodules").exists()), None)
    if place is None:
        pytest.skip("clustered_nodules is not here")
    data = pd.read_csv(place / "data.csv")
    wanted = json.loads((place / "expected.json").read_text())["obuchowski_1997"]
    rating = data[["model_a", "model_b"]].to_numpy().T[:, None, :]
    owner = pd.factorize(data["patient"])[0]
    nodules = ReadingCube(("a", "b"), (0,), tuple(range(len(data))), data["label"].to_numpy(), owner, rating, {})
    assert performance(nodules).ravel() == pytest.approx(list(wanted["auc"].values()), rel=1e-9)
    found = covariance_matrix(nodules, method="delong")
    assert found == pytest.approx(np.array(wanted["covariance_matrix"]), rel=1e-9)
    assert covariance_matrix(nodules, method="bootstrap") == pytest.approx(found, rel=0.1)
    assert covariance_matrix(nodules) == pytest.approx(found, rel=0.05)


def rejects(data: ReadingCube, patient: np.ndarray, metric: str) -> bool:
    """Whether the modalities differ at 5 %, as obuchowski_rockette decides it, without its tables."""
    unit = ReadingCube(data.modalities, data.readers, data.cases, data.label, patient, data.rating, {})
    part = components(performance(unit, metric=metric), covariance_matrix(unit, metric=metric, method="delong"))
    r = len(data.readers)
    total = part["MS(TR)"] + r * max(part["Cov2"] - part["Cov3"], 0)
    return f_p_value(part["MS(T)"] / total, 1, hillis(total, part["MS(TR)"], r - 1)) < 0.05


@pytest.mark.parametrize("metric", ["auc", "sensitivity"])
def test_size_is_near_five_percent_when_patients_have_several_nodules(metric):
    # 400 replicates: Monte Carlo standard error 1.1 %
    by_patient, by_case = [], []
    for seed in range(400):
        data = simulate(seed, n=160, per=4, binary=metric != "auc")
        by_patient.append(rejects(data, data.patient, metric))
        by_case.append(rejects(data, np.arange(160), metric))
    assert 0.02 <= np.mean(by_patient) <= 0.085
    assert np.mean(by_case) > np.mean(by_patient) + 0.02  # ignoring patients rejects too often


def test_size_is_near_five_percent_with_one_case_a_patient():
    rejected = [rejects(data, data.patient, "auc") for data in (simulate(seed) for seed in range(400))]
    assert 0.02 <= np.mean(rejected) <= 0.085
    stronger = [rejects(data, data.patient, "auc") for data in (simulate(seed, gain=1.0) for seed in range(100))]
    assert np.mean(stronger) > 0.8


def test_negative_components_are_truncated_and_reported():
    seeds = (seed for seed in range(200) if _negative(simulate(seed, n=16, r=3)))
    result = obuchowski_rockette(table(simulate(next(seeds), n=16, r=3)))
    part = result.components.set_index("component")["value"]
    assert part["Cov2"] < part["Cov3"]
    assert result.truncated
    assert "set to 0 (Hillis)" in result.note
    assert result.f == pytest.approx(part["MS(T)"] / part["MS(TR)"])
    assert result.df_denominator == pytest.approx(2)


def _negative(data):
    part = components(performance(data), covariance_matrix(data))
    return part["Cov2"] < part["Cov3"]


def test_three_modalities_and_their_order():
    data, _ = oracle("mrmc_ai_help")
    extra = data[data["modality"] == "unaided"].assign(modality="second", rating=lambda x: (x["rating"] * 7 + 3) % 5)
    data = pd.concat([data, extra])
    result = obuchowski_rockette(data)
    assert result.df_numerator == 2
    assert list(combinations(["second", "unaided", "with_ai"], 2)) == list(
        zip(result.differences["modality_a"], result.differences["modality_b"])
    )
    turned = obuchowski_rockette(data, modalities=("with_ai", "unaided"))
    assert turned.differences["difference"][0] == pytest.approx(0.149618383938941, rel=1e-12)


def test_rescaled_ratings_and_shuffled_rows_change_nothing():
    data, _ = oracle("mrmc_ai_help")
    other = data.sample(frac=1, random_state=1).assign(rating=lambda x: np.exp(x["rating"]))
    assert obuchowski_rockette(other).f == pytest.approx(obuchowski_rockette(data).f, rel=1e-12)


def test_results_are_drawn_and_described():
    import matplotlib as mpl

    mpl.use("Agg")
    data, _ = oracle("mrmc_ai_help")
    result = obuchowski_rockette(data)
    assert "F = 32.45 (df = 1, 8.27), p = 0.000405" in result.methods
    assert "doi:10.1002/sim.2532" in result.methods
    assert len(result.plot().lines) >= 6
    assert result.frame()["quantity"].tolist() == ["unaided", "with_ai", "unaided - with_ai"]
    other = u_statistics(data)
    assert other.plot().get_xlabel() == "Modality"
    assert "doi:10.1080/03610920802610084" in other.methods
    assert len(other.frame()) == 3


def test_yes_or_no_auc_is_flagged():
    note = obuchowski_rockette(table(simulate(1, binary=True))).note
    assert "must not be set beside the AUC of a model" in note


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        (dict(metric="f1"), {}, "metric must be one of auc"),
        (dict(covariance="sandwich"), {}, "covariance must be one of jackknife"),
        (dict(level=95), {}, "level"),
        (dict(readers="fixed", cases="fixed"), {}, "cannot both be fixed"),
        (dict(readers="some"), {}, "readers must be"),
        (dict(metric="sensitivity"), {}, "graded; give threshold="),
        (dict(modalities=("aided", "x")), {}, "modalities must name"),
        ({}, dict(rating=1.0), "nothing to test against"),
        ({}, dict(label=1), "all cases are positive"),
        ({}, dict(modality="aided", case_id=range(600)), "there is only one modality"),
        ({}, dict(reader="R", case_id=range(600)), "there is only one reader"),
        (dict(covariance="unbiased"), dict(patient_id=1), "needs one case a patient"),
        ({}, dict(patient_id=1), "at least two patients"),
    ],
)
def test_faults_are_named(options, change, message):
    with pytest.raises(ValueError, match=message):
        obuchowski_rockette(table(simulate(1)).assign(**change), **options)


def test_missing_cells_point_to_the_other_analysis():
    data = table(simulate(1)).iloc[1:]
    with pytest.raises(ValueError, match=r"1 of 600 cells are missing.*u_statistics"):
        obuchowski_rockette(data)
    assert np.isfinite(u_statistics(data).differences["p_value"][0])
    repeated = data.assign(patient_id=data["case_id"] // 2)
    with pytest.raises(ValueError, match="several cases"):
        u_statistics(repeated)
    lost = data[~((data["reader"] == 0) & (data["modality"] == "aided") & (data["label"] == 1))]
    with pytest.raises(ValueError, match="reader 0 read no pair"):
        u_statistics(lost)


def test_cube_keeps_missing_cells():
    data = cube(table(simulate(1)).iloc[5:])
    assert np.isnan(data.rating).sum() == 5
    assert not data.crossed

"""The simulated cohort's table: exact published counts, moments, visibility, and the ideal reader's limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.data.errors import StudyError
from helpers.data.simulate import ceiling, moments, published, signs

TABLE = Path(__file__).parents[1] / "data" / "published" / "A_table1.csv"
SEED = 20250724


@pytest.fixture(scope="module")
def table():
    return published.read(TABLE)


@pytest.fixture(scope="module")
def cohort(table):
    return signs.draw_cohort(table, seed=SEED)


def printed_rows():
    frame = pd.read_csv(TABLE)
    return frame[frame["column"].str.contains("OLNM")]


def test_every_printed_count_is_met(cohort):
    rows = printed_rows()
    checked = 0
    for line in rows[rows["statistic"] == "count"].itertuples():
        feature, level = line.row.lower().split("|")
        feature = {"gender": "sex", "nodule_composition_at_ceus": "composition_ceus"}.get(feature, feature)
        split, label = line.column.split(":")[0], int(line.column.endswith("+"))
        group = cohort[(cohort["split"] == split) & (cohort["label"] == label)]
        assert int((group[feature] == level).sum()) == line.value_num, (line.row, line.column)
        checked += 1
    assert checked == 38 * 4  # levels, groups
    assert len(cohort) == 396
    assert set(cohort.columns) == set(signs.COLUMNS)


def test_printed_means_and_sds_are_met_after_rounding(cohort):
    rows = printed_rows()
    seen = 0
    for line in rows[rows["statistic"].isin(["mean", "sd"])].itertuples():
        split, label = line.column.split(":")[0], int(line.column.endswith("+"))
        values = cohort.loc[(cohort["split"] == split) & (cohort["label"] == label), line.row.lower()]
        got = values.mean() if line.statistic == "mean" else values.std(ddof=1)
        assert f"{got:.{line.decimals}f}" == f"{line.value_num:.{line.decimals}f}"
        seen += 1
    assert seen == 16
    assert cohort["size"].between(*signs.SIZE_MM).all()
    assert cohort["age"].between(*signs.AGE_YEARS).all()
    assert (cohort["size"].map(lambda value: round(value, 1)) == cohort["size"]).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_moments_are_found_for_other_seeds(table, seed):
    other = signs.draw_cohort(table, seed=seed)
    assert f"{other.loc[(other.split == 'test') & (other.label == 1), 'size'].std():.2f}" == "6.98"


def test_features_hang_together(cohort):
    assert (cohort.loc[cohort["ete"] == "yes", "margin"] == "ill-defined").all()
    for label in (0, 1):
        group = cohort[(cohort["label"] == label) & (cohort["split"] == "train")]
        ill = group["margin"] == "ill-defined"
        assert group.loc[ill, "size"].mean() > group.loc[~ill, "size"].mean()
    positive = cohort[(cohort["label"] == 1) & (cohort["split"] == "train")]
    extends = positive["ete"] == "yes"
    assert positive.loc[extends, "size"].mean() > positive.loc[~extends, "size"].mean()


def test_order_identifiers_centres_and_scanners_do_not_tell_the_label(cohort):
    assert abs(ceiling.rank_auc(cohort["label"], np.arange(396)) - 0.5) < 0.1
    assert list(cohort["case_id"]) == sorted(cohort["case_id"]) and cohort["patient_id"].is_unique
    for column in ("center", "scanner"):
        shares = cohort.groupby(["split", "label"])[column].value_counts(normalize=True).unstack()
        assert (shares.max() - shares.min()).max() < 0.05
    assert set(cohort["scanner"]) == {"GE LOGIQ E9", "Mindray Resona 7", "Philips EPIQ7"}


def test_seed_decides(table, cohort):
    pd.testing.assert_frame_equal(cohort, signs.draw_cohort(table, seed=SEED))
    assert not cohort.equals(signs.draw_cohort(table, seed=SEED + 1))


def test_small_cohort_keeps_the_proportions(table):
    small = published.scale(table, {"train": (14, 8), "test": (8, 5)})
    cohort = signs.draw_cohort(small, seed=1, exact=False)
    assert cohort.groupby(["split", "label"]).size().to_dict() == {
        ("test", 0): 8, ("test", 1): 5, ("train", 0): 14, ("train", 1): 8,
    }  # fmt: skip
    group = cohort[(cohort["split"] == "train") & (cohort["label"] == 1)]
    assert (group["ete"] == "yes").sum() == 5  # 33 of 55, of 8
    assert (cohort.loc[cohort["ete"] == "yes", "margin"] == "ill-defined").all()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train": (10, 0)}, "at least 1"),
        ({"train": (10,)}, "negatives and positives"),
        ({"train": (10.5, 2)}, "whole numbers"),
        ({"extern": (5, 5)}, "unknown split 'extern'"),
        ({}, "names no split"),
    ],
)
def test_bad_counts(table, counts, message):
    with pytest.raises(ValueError, match=message):
        published.scale(table, counts)


def test_faulty_table_is_refused(tmp_path):
    text = TABLE.read_text().replace("Gender|Male,train:OLNM-,count,49,49", "Gender|Male,train:OLNM-,count,50,50")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(StudyError, match="add up to 226, the header says 225"):
        published.read(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text("row,column\n")
    with pytest.raises(StudyError, match="column statistic"):
        published.read(tmp_path / "u.csv")
    with pytest.raises(StudyError, match="not there"):
        published.read(tmp_path / "none.csv")


def test_unknown_level_is_refused(tmp_path):
    text = TABLE.read_text().replace("Margin|Ill-defined", "Margin|Blurred")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(StudyError, match="blurred"):
        signs.draw_cohort(published.read(tmp_path / "t.csv"), seed=1)


def test_apportion_adds_up_and_stays_within_one():
    rng = np.random.default_rng(0)
    for _ in range(50):
        shares = dict(enumerate(rng.integers(0, 40, 5) + np.array([1, 0, 0, 0, 0])))
        total = int(rng.integers(1, 60))
        got = published.apportion(shares, total)
        exact = np.array(list(shares.values())) / sum(shares.values()) * total
        assert sum(got.values()) == total and np.abs(np.array(list(got.values())) - exact).max() < 1


def test_impossible_moments_say_so():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="cannot have the mean"):
        moments.match_moments(rng, rng.normal(5, 1, 3), mean=5.05, sd=1, decimals=2, step=1, low=0, high=10)
    with pytest.raises(ValueError, match="no log-normal"):
        moments.TruncatedLogNormal.fit(10, 30, low=3, high=34)


# ---------------------------------------------------------------- visibility and the ideal reader


def test_full_visibility_shows_the_record_and_none_hides_it(table, cohort):
    shown = signs.draw_visible(cohort, table, visibility=1.0, seed=SEED)
    assert shown[list(signs.DRAWN)].equals(cohort[list(signs.DRAWN)])
    hidden = signs.draw_visible(cohort, table, visibility=0.0, seed=SEED)
    train = hidden[hidden["split"] == "train"]
    shares = train.groupby("label")["margin"].apply(lambda column: (column == "ill-defined").mean())
    assert abs(shares[0] - 131 / 280) < 0.1 and abs(shares[1] - 131 / 280) < 0.2  # pooled, not by label
    assert (shown["size"] == cohort["size"]).all() and (hidden["size"] == cohort["size"]).all()
    with pytest.raises(ValueError, match="visibility"):
        signs.draw_visible(cohort, table, visibility=1.2, seed=1)


def test_visibility_shows_the_stated_share(table, cohort):
    changed = []
    for seed in range(12):
        shown = signs.draw_visible(cohort, table, visibility=0.7, seed=seed)
        changed.append((shown["orientation"] != cohort["orientation"]).mean())
    train = cohort[cohort["split"] == "train"]["orientation"].eq("vertical").mean()
    assert abs(np.mean(changed) - 0.3 * 2 * train * (1 - train)) < 0.02


def tiny_reader(table, visibility):
    blocks = (signs.BLOCKS[0], signs.BLOCKS[2])
    return ceiling.Reader(table, "train", visibility, blocks)


@pytest.mark.parametrize("visibility", [1.0, 0.6])
def test_posterior_agrees_with_counting_simulated_patients(table, visibility):
    """Second implementation: draw very many patients patient by patient, count labels within each cell."""
    reader = tiny_reader(table, visibility)
    rng = np.random.default_rng(5)
    n = 400_000
    margins = {0: (145, 80, 0), 1: (4, 18, 33)}  # irregular; ill-defined; ill-defined with extension
    peaks = {0: (15, 53, 157), 1: (0, 7, 48)}  # hyper; iso; hypo
    cells = {}
    for label in (0, 1):
        severity = rng.standard_normal(n)
        drawn = []
        for loading, counts in ((0.60, margins), (0.35, peaks)):
            score = loading * severity + np.sqrt(1 - loading**2) * rng.standard_normal(n)
            cuts = np.quantile(score, np.cumsum(counts[label])[:-1] / sum(counts[label]))
            level = np.searchsorted(cuts, score)
            both = np.add(counts[0], counts[1])
            again = rng.uniform(size=n) >= visibility
            drawn.append(np.where(again, rng.choice(3, size=n, p=both / both.sum()), level))
        score = 0.55 * severity + np.sqrt(1 - 0.55**2) * rng.standard_normal(n)
        size = np.empty(n)
        law = signs.size_distribution(table, ("train", label))
        size[np.argsort(score)] = law.quantile((np.arange(n) + 0.5) / n)
        cells[label] = (drawn[0], drawn[1], size)
    names = ["irregular margin", "ill-defined", "ill-defined"], ["no", "no", "yes"]
    peak_names = ["hyperenhancement", "isoenhancement", "hypoenhancement"]
    compared = 0
    for margin in range(3):
        for peak in range(3):
            near = [
                int(((cells[k][0] == margin) & (cells[k][1] == peak) & (abs(cells[k][2] - 12) < 0.7)).sum())
                for k in (0, 1)
            ]
            if min(near) < 300:
                continue
            counted = 55 * near[1] / (55 * near[1] + 225 * near[0])
            row = pd.DataFrame(
                {
                    "margin": [names[0][margin]],
                    "ete": [names[1][margin]],
                    "peak_intensity": [peak_names[peak]],
                    "size": [12.0],
                }
            )
            assert reader.posterior(row)[0] == pytest.approx(counted, abs=0.03)
            compared += 1
    assert compared >= 3


def test_population_limit_agrees_with_pairs(table):
    """AUC from the definition: the share of pairs in the right order."""
    reader = tiny_reader(table, 0.8)
    rng = np.random.default_rng(0)
    negative, positive = (reader.posterior(reader.sample(rng, 3000, label)) for label in (0, 1))
    order = np.sign(positive[:, None] - negative[None])
    assert reader.limit() == pytest.approx((order.mean() + 1) / 2, abs=0.015)


def test_posterior_is_calibrated_and_best(table):
    reader = ceiling.Reader(table, "train", 0.8)
    rng = np.random.default_rng(1)
    parts = [reader.sample(rng, count, label) for label, count in ((0, 11250), (1, 2750))]
    risk = reader.posterior(pd.concat(parts))
    label = np.repeat([0, 1], [11250, 2750])
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 1.01)):
        chosen = (risk >= low) & (risk < high)
        assert chosen.sum() > 300
        assert label[chosen].mean() == pytest.approx(risk[chosen].mean(), abs=0.03)
    best = ceiling.rank_auc(label, risk)
    size = ceiling.rank_auc(label, pd.concat(parts)["size"])
    assert best > size > 0.6


def test_more_visibility_more_to_read(table):
    limits = [ceiling.Reader(table, "test", share).limit(n=1500) for share in (0.0, 0.5, 0.8, 1.0)]
    assert limits == sorted(limits)
    assert 0.87 < limits[2] < 0.93  # the default


def test_no_patients_no_posterior(table):
    reader = ceiling.Reader(table, "test", 0.8)
    assert reader.posterior(pd.DataFrame({name: [] for name in (*signs.DRAWN, "size")})).size == 0

"""Spread over seeds and refits: by hand, and on a model that is known to be unstable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.stats import instability
from helpers.stats.discrimination import auc, choose_threshold


def table(risks, model="image", patient=None, label=None) -> pd.DataFrame:
    n = len(risks[0])
    case = [f"C{i}" for i in range(n)]
    patient = case if patient is None else patient
    label = [i % 2 for i in range(n)] if label is None else label
    rows = [
        pd.DataFrame(
            {
                "study": "s",
                "model": model,
                "seed": s,
                "split": "test",
                "case_id": case,
                "patient_id": patient,
                "label": label,
                "risk": r,
            }
        )
        for s, r in enumerate(risks)
    ]
    return pd.concat(rows, ignore_index=True)


def test_spread_over_seeds_by_hand():
    risks = [[0.1, 0.6, 0.3, 0.8], [0.3, 0.4, 0.5, 0.8]]
    frozen = choose_threshold([0, 1, 0, 1], [0.1, 0.6, 0.3, 0.8], split="tune")  # 0.45
    made = instability.over_seeds(table(risks), thresholds={"image": frozen})
    row = made.frame().iloc[0]
    aucs = [auc([0, 1, 0, 1], r).value for r in risks]
    assert aucs == [1.0, 0.75]
    assert (row["auc"], row["auc_min"], row["auc_max"]) == (0.875, 0.75, 1.0)
    assert row["auc_sd"] == pytest.approx(np.std(aucs, ddof=1))
    # means 0.2, 0.5, 0.4, 0.8: each seed is 0.1, 0.1, 0.1, 0 away
    assert row["mape"] == pytest.approx(0.075)
    assert row["mape_max"] == pytest.approx(0.1)
    # at 0.45 the mean calls cases 1 and 3; the second seed drops 1 and takes 2
    assert row["changed"] == 0.5
    cases = made.cases()
    assert cases["changed"].tolist() == [0, 0.5, 0.5, 0]
    assert cases["sd"].tolist() == pytest.approx([np.sqrt(0.02)] * 3 + [0])
    assert "Instability over 2 seeds" in made.methods


def test_patients_count_once():
    risks = [[0.1, 0.6, 0.3, 0.8], [0.3, 0.4, 0.5, 0.8]]
    made = instability.over_seeds(table(risks, patient=["a", "b", "b", "c"]), thresholds=0.45)
    assert made.frame()["changed"].tolist() == pytest.approx([1 / 3])
    assert made.frame()["patients"].tolist() == [3]


def test_several_models_and_a_single_seed():
    frame = pd.concat([table([[0.1, 0.6], [0.2, 0.7]]), table([[0.4, 0.5]], model="video")])
    rows = instability.over_seeds(frame, thresholds={"image": 0.5}).frame().set_index("model")
    assert rows["runs"].to_dict() == {"image": 2, "video": 1}
    assert np.isnan(rows.loc["video", "auc_sd"])
    assert rows.loc["video", "note"] == "one run only, so no spread can be shown"
    assert rows.loc["image", "changed"] == 0
    assert np.isnan(rows.loc["video", "threshold"])


def test_order_of_rows_plays_no_part():
    frame = table([[0.1, 0.6, 0.3, 0.8], [0.3, 0.4, 0.5, 0.8]])
    mixed = instability.over_seeds(frame.sample(frac=1, random_state=1)).frame()
    pd.testing.assert_frame_equal(mixed, instability.over_seeds(frame).frame())


def test_refits_show_that_a_nearest_neighbour_is_less_stable_than_a_mean():
    rng = np.random.default_rng(1)
    label = rng.permutation(np.repeat([1, 0], [30, 60]))
    features = pd.DataFrame({"x": rng.normal(label, 1)})

    def near(x, y):
        known = x["x"].to_numpy()
        return lambda new: y[np.abs(new["x"].to_numpy()[:, None] - known).argmin(axis=1)].astype(float)

    def smooth(x, y):
        cut = x["x"].to_numpy()[y == 1].mean()
        return lambda new: 1 / (1 + np.exp(-(new["x"].to_numpy() - cut)))

    rows = [
        instability.over_refits(fit, features, label, resamples=60, threshold=0.5, seed=2).frame().iloc[0]
        for fit in (near, smooth)
    ]
    # a case keeps its own neighbour with probability 1 - (1 - 1/n)^n, about 0.63; otherwise it is wrong up to half the time
    assert 0.05 < rows[0]["mape"] < 0.2
    assert rows[1]["mape"] < 0.6 * rows[0]["mape"]
    assert rows[0]["changed"] > 3 * rows[1]["changed"]
    again = instability.over_refits(near, features, label, resamples=60, threshold=0.5, seed=2).frame().iloc[0]
    assert again["mape"] == rows[0]["mape"]


def test_refits_draw_whole_patients():
    patient = np.repeat(np.arange(10), 3)
    label = np.repeat([0, 1] * 5, 3)
    seen = []

    def fit(x, y):
        seen.append(x)
        return lambda new: np.full(len(new), 0.5)

    instability.over_refits(fit, np.arange(30), label, patient_id=patient, resamples=5)
    for rows in seen[1:]:
        drawn, counts = np.unique(rows, return_counts=True)
        assert all(len(set(counts[patient[drawn] == p])) == 1 for p in np.unique(patient[drawn]))
        assert all((patient[drawn] == p).sum() == 3 for p in np.unique(patient[drawn]))


def test_figure():
    import matplotlib.pyplot as plt

    made = instability.over_seeds(table([[0.1, 0.6], [0.2, 0.7]]), thresholds=0.5)
    ax = made.plot()
    assert ax.get_xlabel() == "Reference risk"
    assert len(ax.get_lines()) == 4
    plt.close("all")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="risk"), "table: the column 'risk' is missing"),
        (lambda f: f.iloc[:0], "table: has no rows"),
        (lambda f: f.assign(split=["test", "tune"] * 2), "several values of 'split'"),
        (lambda f: f.iloc[:3], "seed 1 did not predict every case"),
        (lambda f: f.assign(risk=2.0), r"risk: 2 at position 0 is outside \[0, 1\]"),
        (lambda f: pd.concat([f, f]), "a case twice in one seed"),
    ],
)
def test_bad_tables_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        instability.over_seeds(change(table([[0.1, 0.6], [0.2, 0.7]])))


def test_bad_refits_are_named():
    label = [0, 1, 0, 1]
    with pytest.raises(ValueError, match="features: has 3 cases"):
        instability.over_refits(lambda x, y: None, np.zeros(3), label)
    with pytest.raises(ValueError, match="risk of the original fit: 2 at position 0"):
        instability.over_refits(lambda x, y: lambda new: np.full(len(new), 2.0), np.zeros(4), label)

"""Spread over seeds and refits: by hand, and on a model that is known to be unstable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.learn import clinical
from helpers.learn.penalised import PENALTIES, newton, newton_folds
from helpers.learn.validation import performance
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
    with pytest.raises(ValueError, match=r"risks: needs shape \(refits, 4\), found \(1, 3\)"):
        instability.of_refits(label, np.full(4, 0.5), [[0.1, 0.2, 0.3]])
    with pytest.raises(ValueError, match=r"risk of refit 1: 1.5 at position 3"):
        instability.of_refits(label, np.full(4, 0.5), [[0.5] * 4, [0.5, 0.5, 0.5, 1.5]])
    with pytest.raises(ValueError, match="has one run; a spread needs two"):
        instability.of_refits(label, np.full(4, 0.5), [[0.5] * 4]).summary()
    with pytest.raises(ValueError, match="risk of the original fit: 2 at position 0"):
        instability.over_refits(lambda x, y: lambda new: np.full(len(new), 2.0), np.zeros(4), label)


def test_many_refits_are_summed_up_by_hand():
    label, reference = np.array([0, 1, 0, 1]), np.array([0.1, 0.6, 0.3, 0.8])
    risks = np.tile(reference, (20, 1))
    risks[:4, 1] = 0.2  # four of twenty refits miss the first event, and rank it below a negative
    risks[0, 0] = 0.5  # one of twenty calls a negative
    made = instability.of_refits(label, reference, risks, threshold=0.45)
    row = made.summary().iloc[0]
    aucs = [auc(label, risk).value for risk in risks]
    assert row["auc"] == 1.0 and row["auc_sd"] == pytest.approx(np.std(aucs, ddof=1))
    assert [row["auc_q025"], row["auc_q975"]] == pytest.approx(np.quantile(aucs, [0.025, 0.975]).tolist())
    assert row["mape"] == pytest.approx((4 * 0.4 + 0.4) / 80)
    assert row["mape_max"] == pytest.approx(0.08)
    assert row["flips"] == pytest.approx((4 + 1) / 80)
    assert row["unsure"] == 0.25  # 4 of 20 is more than a tenth, 1 of 20 is not
    same = instability.of_refits(label, reference, risks, threshold=0.45, patient_id=["a", "a", "b", "c"])
    assert same.summary()["unsure"].tolist() == pytest.approx([1 / 3])
    assert np.isnan(instability.of_refits(label, reference, risks).summary()["flips"][0])


def test_the_three_panels_show_risks_movement_and_decisions():
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    reference = rng.random(50)
    risks = np.clip(reference + rng.normal(0, 0.1, (30, 50)), 0, 1)
    figure = instability.of_refits(np.arange(50) % 2, reference, risks, threshold=0.3).panels()
    assert len(figure.axes) == 3
    low, high = (line.get_ydata() for line in figure.axes[0].get_lines()[1:3])
    assert np.sort(low) == pytest.approx(np.sort(np.quantile(risks, 0.025, axis=0)))
    assert np.sort(high) == pytest.approx(np.sort(np.quantile(risks, 0.975, axis=0)))
    assert len(instability.of_refits(np.arange(50) % 2, reference, risks).panels().axes) == 2
    with pytest.raises(ValueError, match="the panels show one model"):
        instability.over_seeds(pd.concat([table([[0.1, 0.6]]), table([[0.4, 0.5]], model="video")])).panels()
    plt.close("all")


def cohort(n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    size = rng.normal(10, 3, n)
    frame = pd.DataFrame({"patient_id": np.arange(n) // 2, "size": size, "sex": rng.choice(["f", "m"], n)})
    frame["label"] = (rng.random(n) < 1 / (1 + np.exp(11 - size))).astype(int)
    frame.loc[frame.index[:3], "sex"] = None  # some folds know this level, some do not
    return frame


SIGNS = [{"name": "size"}, {"name": "sex", "type": "categorical", "levels": ["f", "m"]}]


def test_folds_are_fitted_together_as_one_by_one():
    rng = np.random.default_rng(4)
    matrices = np.concatenate([np.ones((3, 90, 1)), rng.normal(size=(3, 90, 4))], axis=2)
    matrices[1, :, 4] = 0  # a level that this fold lacks
    label = (rng.random(90) < 0.4).astype(int)
    inside = np.arange(90) % 3 != np.arange(3)[:, None]
    start = None
    for penalty in PENALTIES:
        start = newton_folds(matrices, label, inside, penalty, start)
        for k in range(3):
            alone = newton(matrices[k][inside[k]], label[inside[k]], penalty)
            assert start[k] == pytest.approx(alone, abs=1e-7)
    separated = newton_folds(matrices[:1], (matrices[0, :, 1] > 0).astype(int), inside[:1], 100.0)
    alone = newton(matrices[0][inside[0]], (matrices[0, :, 1] > 0).astype(int)[inside[0]], 100.0)
    assert separated[0] == pytest.approx(alone, rel=1e-6)


def test_the_refits_of_the_baseline_are_the_whole_procedure_on_whole_patients():
    frame = cohort()
    made = clinical.refits(frame, covariates=SIGNS, resamples=12, seed=5, folds=3)
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 80, 80)
    rows = np.concatenate([[2 * p, 2 * p + 1] for p in drawn])
    sample = frame.iloc[rows].reset_index(drop=True)
    model = clinical.fit_clinical(sample, covariates=SIGNS, train=np.arange(160), seed=6, folds=3)
    assert made.penalties[0] == model.fit.penalty
    assert made.risks[0] == pytest.approx(model.risk(frame), abs=1e-12)
    assert made.inside[0] == pytest.approx(performance(sample["label"].to_numpy(), model.risk(sample)))
    whole = clinical.fit_clinical(frame, covariates=SIGNS, train=np.arange(160), seed=5, folds=3)
    assert made.reference == pytest.approx(whole.risk(frame), abs=1e-12)
    row = made.table.set_index("measure").loc["auc"]
    assert row["optimism"] == pytest.approx((made.inside - made.outside)[:, 0].mean())
    assert row["corrected"] == pytest.approx(row["apparent"] - row["optimism"])
    assert [row["low"], row["refits"], row["high"]] == pytest.approx(
        np.quantile(made.outside[:, 0], [0.025, 0.5, 0.975]).tolist()
    )


def test_more_patients_make_a_stabler_model():
    moved = []
    for frame in (cohort(80), cohort(800)):
        made = clinical.refits(frame, covariates=SIGNS, resamples=15, seed=1, folds=3)
        spread = instability.of_refits(made.label, made.reference, made.risks, patient_id=made.patient, threshold=0.3)
        moved.append(spread.summary().iloc[0])
    assert moved[1]["mape"] < 0.6 * moved[0]["mape"]
    assert moved[1]["auc_sd"] < moved[0]["auc_sd"]
    assert "on the patients it was made from" in spread.methods


def test_the_axes_end_where_the_risks_do():
    """Risks from 0.16 to 0.35 were once drawn on axes from 0 to 1."""
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    reference = rng.uniform(0.16, 0.35, 40)
    risks = np.clip(reference + rng.normal(0, 0.03, (30, 40)), 0, 1)
    figure = instability.of_refits(np.arange(40) % 2, reference, risks, threshold=0.2).panels()
    for ax in figure.axes:
        assert 0.14 < ax.get_xlim()[0] < 0.17 and 0.34 < ax.get_xlim()[1] < 0.38
    low, high = figure.axes[0].get_ylim()
    assert low < risks.min() and risks.max() < high < risks.max() + 0.05
    plt.close("all")

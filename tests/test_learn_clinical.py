"""The clinical baseline: against scikit-learn, against formulas, and in simulations."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from helpers.learn import clinical
from helpers.learn.folds import grouped_folds
from helpers.learn.penalised import Covariate, as_text, design, encode, learn_terms, newton
from helpers.learn.scores import log_loss, rank_auc
from helpers.learn.validation import performance

COVARIATES = [
    {"name": "size_mm", "type": "continuous"},
    {"name": "age", "type": "continuous"},
    {"name": "margin", "type": "categorical", "levels": ["clear", "lobed", "ill-defined"]},
    {"name": "male", "type": "binary"},
]


def table(n=240, seed=0, effect=1.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{i // 2:03d}" for i in range(n)],
            "case_id": [f"c{i:03d}" for i in range(n)],
            "size_mm": rng.normal(10, 3, n),
            "age": rng.normal(45, 12, n),
            "margin": rng.choice(["clear", "lobed", "ill-defined"], n),
            "male": rng.integers(0, 2, n),
        }
    )
    score = effect * ((frame["size_mm"] - 10) / 3 + 1.5 * (frame["margin"] == "ill-defined")) - 1.5
    frame["label"] = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    return frame


def test_it_does_not_import_torch():
    code = "import sys, helpers.learn.clinical as c; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_newton_is_scikit_learn(penalty):
    from sklearn.linear_model import LogisticRegression

    frame = table()
    declared = [Covariate.of(one) for one in COVARIATES]
    encoded = encode(frame, declared)
    matrix, label = design(encoded, learn_terms(encoded, declared)), frame["label"].to_numpy()
    peer = LogisticRegression(C=penalty, solver="newton-cholesky", tol=1e-10, max_iter=500).fit(matrix[:, 1:], label)
    found = newton(matrix, label, penalty)
    assert found == pytest.approx(np.r_[peer.intercept_, peer.coef_[0]], abs=1e-6)


def test_separated_classes_stay_finite():
    matrix = np.column_stack([np.ones(20), np.r_[-np.ones(10), np.ones(10)]])
    assert np.isfinite(newton(matrix, np.repeat([0, 1], 10), 1e8)).all()


def test_the_whole_choice_is_that_of_a_pipeline():
    """The same folds given to scikit-learn's own pipeline and grid."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = table()
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(160), seed=5)
    train = frame.iloc[:160]
    fold = grouped_folds(train["label"], train["patient_id"], folds=5, seed=5)
    levels = OneHotEncoder(categories=[["clear", "lobed", "ill-defined"]])
    columns = [("n", StandardScaler(), ["size_mm", "age"]), ("c", levels, ["margin"]), ("b", "passthrough", ["male"])]
    pipe = make_pipeline(
        ColumnTransformer(columns), LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=500)
    )
    # the loss is summed over cases here and averaged over folds there, so the grid is followed by hand
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    peer = GridSearchCV(pipe, {"logisticregression__C": [c for c, _ in model.fit.path]}, scoring="neg_log_loss", cv=splits, refit=False).fit(train, train["label"])  # fmt: skip
    sizes = np.bincount(fold)
    loss = -sum(peer.cv_results_[f"split{k}_test_score"] * sizes[k] for k in range(5)) / sizes.sum()
    assert [value for _, value in model.fit.path] == pytest.approx(loss, abs=1e-6)
    pipe.set_params(logisticregression__C=model.fit.penalty).fit(train, train["label"])
    assert model.risk(frame) == pytest.approx(pipe.predict_proba(frame)[:, 1], abs=1e-6)


def test_missing_values_follow_the_stated_rule():
    frame = table()
    frame.loc[[0, 5, 9], "size_mm"] = np.nan
    frame.loc[[1, 2, 200], "margin"] = None
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(160), seed=0)
    assert "margin: missing" in set(model.coefficients()["term"]) and "male: missing" not in set(
        model.coefficients()["term"]
    )
    filled = frame.copy()
    filled["size_mm"] = filled["size_mm"].fillna(frame["size_mm"].iloc[:160].median())
    assert model.risk(frame) == pytest.approx(model.risk(filled))
    assert np.isfinite(model.risk(frame)).all()


def test_rows_outside_train_play_no_part():
    frame, other = table(), table()
    other.loc[160:, ["size_mm", "age"]] = 1e6
    other["label"] = other["label"].astype(float)
    other.loc[160:, "label"] = np.nan
    mask = np.arange(240) < 160
    models = [clinical.fit_clinical(one, covariates=COVARIATES, train=rows, seed=1) for one, rows in ((frame, np.arange(160)), (other, mask))]  # fmt: skip
    assert np.array_equal(models[0].fit.coefficient, models[1].fit.coefficient)
    repeated = clinical.fit_clinical(frame, covariates=COVARIATES, train=mask, seed=1, repeats=3)
    assert repeated.record["penalty_chosen_by"].startswith("3 x 5-fold")


def test_coefficients_are_per_standard_deviation_and_the_file_gives_the_same_risks(tmp_path):
    frame = table()
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(240), seed=1)
    rows = model.frame().set_index("term")
    assert rows.loc["size_mm", "log_odds_per_unit"] * frame["size_mm"].std(ddof=0) == pytest.approx(
        rows.loc["size_mm", "log_odds"]
    )
    assert (
        rows.loc["margin: ill-defined", "odds_ratio"] > 1.5 and "male: 1" in rows.index and "male: 0" not in rows.index
    )
    model.write(tmp_path / "model.json")
    again = clinical.ClinicalModel.read(tmp_path / "model.json")
    assert np.array_equal(again.risk(frame), model.risk(frame)) and again.record == model.record
    moved = frame.copy()
    moved.loc[0, "size_mm"] += 1
    gain = np.diff([np.log(r / (1 - r)) for r in (model.risk(frame)[0], model.risk(moved)[0])])
    assert gain[0] == pytest.approx(rows.loc["size_mm", "log_odds_per_unit"])


def test_a_level_stands_against_the_first_that_occurs_and_a_level_that_nobody_has_is_no_term():
    frame = table()
    declared = [one | {"label": one["name"].title()} for one in COVARIATES]
    declared[2] = declared[2] | {"levels": ["absent", "clear", "lobed", "never", "ill-defined"]}
    model = clinical.fit_clinical(frame, covariates=declared, train=np.arange(240), seed=1)
    without = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(240), seed=1)
    assert model.risk(frame) == pytest.approx(without.risk(frame), abs=1e-12) and model.record["terms"] == 6
    rows = model.coefficients().set_index("contrast")
    assert rows.index[2:].tolist() == ["lobed against clear", "ill-defined against clear", "1 against 0"]
    assert rows["term"].tolist() == ["Size_Mm", "Age", "Margin: lobed", "Margin: ill-defined", "Male: 1"]
    for level in ("lobed", "ill-defined"):
        odds = [r / (1 - r) for r in model.risk(frame.iloc[[0, 0]].assign(margin=["clear", level]))]
        assert rows.loc[f"{level} against clear", "odds_ratio"] == pytest.approx(odds[1] / odds[0])


def test_out_of_fold_risks_never_saw_their_label():
    frame = table(effect=0.0, seed=3)
    found = clinical.oof_risk(frame, covariates=COVARIATES, seed=4, repeats=8)
    assert list(found) == ["seed", "fold", "row", "risk", "penalty", "patient_id", "case_id", "label"]
    assert sorted(found["seed"].unique()) == list(range(4, 12)) and len(found) == 8 * 240
    assert (found.groupby(["seed", "patient_id"])["fold"].nunique() == 1).all()
    # Without an effect the honest AUC is about one half or below; in-sample it is well above.
    honest = np.mean([rank_auc(part["label"], part["risk"]) for _, part in found.groupby("seed")])
    loose = newton_auc(frame)
    assert honest < 0.55 < loose


def newton_auc(frame):
    declared = [Covariate.of(one) for one in COVARIATES]
    encoded = encode(frame, declared)
    matrix = design(encoded, learn_terms(encoded, declared))
    return rank_auc(frame["label"], matrix @ newton(matrix, frame["label"].to_numpy(), 100.0))


def test_one_fold_by_hand():
    frame = table()
    found = clinical.oof_risk(frame, covariates=COVARIATES, rows=np.arange(200), seed=2, repeats=1)
    inside = found.loc[found["fold"] != 3, "row"].to_numpy()
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=inside, seed=1000 + 2 * 5 + 3)
    held = found[found["fold"] == 3]
    assert model.risk(frame.iloc[held["row"]]) == pytest.approx(held["risk"].to_numpy())


def test_optimism_is_found_where_there_is_nothing_to_learn():
    frame = table(n=100, effect=0.0, seed=1)
    frame["patient_id"] = np.arange(100)
    rng = np.random.default_rng(0)
    many = COVARIATES + [{"name": f"noise{i}"} for i in range(6)]
    frame = frame.assign(**{f"noise{i}": rng.normal(size=100) for i in range(6)})
    found = clinical.optimism(frame, covariates=many, resamples=30, seed=2).set_index("measure")
    auc = found.loc["auc"]
    assert auc["optimism"] > 0.05 and auc["corrected"] == pytest.approx(auc["apparent"] - auc["optimism"])
    assert abs(auc["corrected"] - 0.5) < 0.12
    assert (
        found.loc["brier", "optimism"] < 0
        and found.loc["calibration_slope", "corrected"] < found.loc["calibration_slope", "apparent"]
    )
    again = clinical.optimism(frame, covariates=many, resamples=30, seed=2).set_index("measure")
    assert again.equals(found)


def test_performance_is_that_of_other_packages():
    import statsmodels.api as sm
    from sklearn.metrics import brier_score_loss, roc_auc_score

    rng = np.random.default_rng(0)
    risk = rng.uniform(0.05, 0.95, 200).round(2)
    label = (rng.random(200) < risk).astype(int)
    score = np.log(risk / (1 - risk))
    slope = sm.Logit(label, sm.add_constant(score)).fit(disp=0).params[1]
    wanted = [roc_auc_score(label, risk), slope, brier_score_loss(label, risk)]
    assert performance(label, risk) == pytest.approx(wanted, abs=1e-6)
    assert np.isnan(performance(label, np.full(200, 0.3))[1])


def test_scores_with_ties_and_classes():
    from sklearn.metrics import log_loss as peer_loss
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    label, risk = rng.integers(0, 3, 60), rng.dirichlet([1, 1, 1], 60)
    assert rank_auc(label, risk) == pytest.approx(roc_auc_score(label, risk, multi_class="ovr"))
    assert log_loss(label, risk) == pytest.approx(peer_loss(label, risk))
    with pytest.raises(ValueError, match="every class"):
        rank_auc([1, 1], [0.1, 0.2])


def test_best_single_covariate():
    frame = table(n=240, seed=2)
    best = clinical.best_single_covariate(frame, covariates=COVARIATES, train=np.arange(160), seed=0)
    found = best.frame()
    assert best.name in ("size_mm", "margin") and found["chosen"].tolist() == [True, False, False, False, False]
    assert found["cv_log_loss"].is_monotonic_increasing and found["gain_low"].iloc[0] > 0


def test_a_sign_stands_beside_no_sign_and_its_auc_is_that_within_folds():
    """Pooled over folds, a sign that tells nothing ranks below one half: the share of events is higher in the
    training part of a fold that holds fewer."""
    frame = table(n=242, effect=0.0, seed=3)
    found = clinical.best_single_covariate(frame, covariates=COVARIATES, train=np.arange(242), seed=1).frame()
    rows = found.set_index("covariate")
    label, fold = frame["label"].to_numpy(), grouped_folds(frame["label"], frame["patient_id"], folds=5, seed=1)
    share = np.array([label[fold != k].mean() for k in fold])
    assert rows.loc["no sign", "cv_log_loss"] == pytest.approx(log_loss(label, share))
    assert rows.loc["no sign", "cv_auc"] == 0.5 and rank_auc(label, share) < 0.5
    one = clinical.oof_risk(frame, covariates=COVARIATES[:1], seed=1, repeats=1)
    risk = one["risk"].to_numpy()
    assert rows.loc["size_mm", "cv_log_loss"] == pytest.approx(log_loss(label, risk))
    assert rows.loc["size_mm", "cv_auc"] == pytest.approx(
        np.mean([rank_auc(label[fold == k], risk[fold == k]) for k in range(5)])
    )
    gain = rows.loc["no sign", "cv_log_loss"] - rows["cv_log_loss"]
    assert rows["gain"].drop("no sign").to_numpy() == pytest.approx(gain.drop("no sign").to_numpy())
    assert (rows["gain_low"].drop("no sign") < 0).all(), "nothing tells more than no sign here"
    chance = np.where(label == 1, share / risk, (1 - share) / (1 - risk))
    each = pd.Series(-np.log(chance) + np.log(chance).mean()).groupby(frame["patient_id"]).sum()
    half = 1.96 * np.sqrt(len(each) * each.var()) / 242
    assert rows.loc["size_mm", "gain_high"] - rows.loc["size_mm", "gain"] == pytest.approx(half)


def test_folds_keep_patients_together_and_outcomes_even():
    rng = np.random.default_rng(0)
    patient = rng.integers(0, 90, 300)
    event = rng.random(90) < 0.2
    label = (event[patient] & (rng.random(300) < 0.7)).astype(int)
    fold = grouped_folds(label, patient, folds=5, seed=1)
    frame = pd.DataFrame({"patient": patient, "label": label, "fold": fold})
    each = frame.groupby("patient").agg(folds=("fold", "nunique"), fold=("fold", "first"), label=("label", "max"))
    assert (each["folds"] == 1).all()
    for counts in (each["fold"].value_counts(), each.loc[each["label"] == 1, "fold"].value_counts()):
        assert counts.max() - counts.min() <= 1 and len(counts) == 5
    assert not np.array_equal(fold, grouped_folds(label, patient, folds=5, seed=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, o: f.drop(columns="margin"), "the table has no column 'margin'"),
        (lambda f, o: f.assign(margin="fuzzy"), "margin is 'fuzzy'; allowed: clear, lobed, ill-defined"),
        (lambda f, o: f.assign(age="old"), "age is 'old'; allowed: a finite number"),
        (lambda f, o: f.assign(age=np.nan), "age has no value in the training rows"),
        (lambda f, o: f.assign(label=0), "label must be 0 or 1 in every row of train, and both must occur"),
        (lambda f, o: f.assign(label=2 * f["label"]), "label must be 0 or 1"),
        (lambda f, o: f.drop(columns="label"), "the table has no column 'label'"),
        (lambda f, o: o.update(train=np.array([0, 0, 1])) or f, "each once"),
        (lambda f, o: o.update(train=np.ones(3, dtype=bool)) or f, "train is a mask of 3"),
        (lambda f, o: o.update(covariates=[]) or f, "covariates must name at least one column"),
        (lambda f, o: o.update(covariates=[{"name": "age", "type": "ratio"}]) or f, "needs a type of"),
        (
            lambda f, o: o.update(covariates=[{"name": "male", "type": "categorical", "levels": ["1"]}]) or f,
            "has 1 levels",
        ),
        (lambda f, o: f.assign(label=[1] + [0] * 239), "fewer than two patients"),
    ],
)
def test_wrong_tables_are_named(change, message):
    options = {"covariates": COVARIATES, "train": np.arange(160), "seed": 0}
    frame = change(table(), options)
    with pytest.raises(ValueError, match=message):
        clinical.fit_clinical(frame, **options)


def test_levels_are_compared_as_text():
    assert [as_text(v) for v in (1, 1.0, np.int64(1), "1", True, "True", " T1a ")] == [
        "1",
        "1",
        "1",
        "1",
        "true",
        "true",
        "T1a",
    ]
    frame = pd.DataFrame({"grade": [1.0, 2.0, np.nan]})
    encoded = encode(frame, [Covariate.of({"name": "grade", "type": "binary", "levels": [1, 2]})])
    assert np.array_equal(encoded[:, 0], [0, 1, np.nan], equal_nan=True)

    class Declared:
        name, type, levels = "grade", "categorical", ("1", "2", "3")

    assert Covariate.of(Declared()).levels == ("1", "2", "3")

"""Odds ratios with Firth's penalty: when they are given, against which level, and beside which model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.data.sections import Covariate
from helpers.learn import clinical
from helpers.stats import few_events
from helpers.stats.firth import firth

SIGNS = (
    Covariate(name="age", label="Age", type="continuous", unit="years"),
    Covariate(name="site", label="Primary site", levels=("mouth", "throat", "larynx")),
    Covariate(name="sex", label="Sex", levels=("female", "male")),
)


def cohort(n: int = 150, *, events: int = 30, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = (np.arange(n) < events).astype(int)
    age = rng.normal(60, 10, n) + 5 * label
    site = pd.Categorical(rng.choice(["mouth", "throat", "larynx"], n), categories=SIGNS[1].levels, ordered=True)
    sex = pd.Categorical(rng.choice(["female", "male"], n), categories=SIGNS[2].levels, ordered=True)
    return pd.DataFrame({"label": label, "age": age, "site": site, "sex": sex})


def test_the_rule_counts_the_rarer_outcome_by_candidate_parameters() -> None:
    assert few_events.assess(cohort(events=40), predictors=SIGNS) is None, "40 events, 4 parameters"
    options = {"predictors": SIGNS, "names": ("benign", "malignant"), "unit": "patient"}
    said = few_events.assess(cohort(events=39), **options).sentence
    assert said.startswith("39 patients are malignant, the rarer outcome: 9.8 for each of the 4 parameters")
    said = few_events.assess(cohort(events=120), **options).sentence
    assert said.startswith("30 patients are benign, the rarer outcome: 7.5 for each of the 4 parameters")
    assert few_events.assess(cohort(), predictors=()) is None
    assert few_events.shown(None) == (None, [])


def test_odds_ratios_are_those_of_firth_with_profile_intervals() -> None:
    cases = cohort()
    made = few_events.assess(cases, predictors=SIGNS)
    table = made.frame().set_index("contrast")
    sd = cases["age"].std(ddof=0)
    want = firth(cases, "label", columns=["age", "site", "sex"]).frame().set_index("term")
    columns = ["odds_ratio", "odds_ratio_low", "odds_ratio_high"]
    for contrast, term in {"throat against mouth": "site: throat", "male against female": "sex: male"}.items():
        found = table.loc[contrast, columns].to_numpy(float)
        assert found == pytest.approx(want.loc[term, ["odds_ratio", "odds_low", "odds_high"]].to_numpy(float), rel=1e-5)
    found = np.log(table.loc[f"per SD ({sd:.3g} years)", columns].to_numpy(float))
    assert found == pytest.approx(sd * want.loc["age", ["coefficient", "low", "high"]].to_numpy(float), rel=1e-5)
    assert table.loc["throat against mouth", "n"] == (cases["site"] == "throat").sum()
    assert "fewer than 10" in made.methods and "0895-4356(96)00236-3" in made.methods and "P-value" not in made.methods


def test_the_penalised_model_stands_beside_on_the_same_contrasts() -> None:
    cases = cohort()
    model = clinical.fit_clinical(cases, covariates=SIGNS, train=np.arange(150), seed=0, folds=3)
    made = few_events.assess(cases, predictors=SIGNS, coefficients=model.coefficients())
    table = made.frame().set_index("contrast")["penalised"]
    base = {"age": [60.0], "site": ["mouth"], "sex": ["female"]}

    def odds(**changed: object) -> float:
        risk = model.risk(pd.DataFrame({**base, **{name: [value] for name, value in changed.items()}}))[0]
        return risk / (1 - risk)

    assert table["throat against mouth"] == pytest.approx(odds(site="throat") / odds())
    assert table["male against female"] == pytest.approx(odds(sex="male") / odds())
    sd = cases["age"].std(ddof=0)
    assert table[f"per SD ({sd:.3g} years)"] == pytest.approx(odds(age=60 + sd) / odds())
    assert few_events.shown(made)[1][-1] == "In the penalised model"


def test_missing_and_constant_covariates_are_counted_and_named() -> None:
    cases = cohort(events=29)
    cases.loc[[3, 90], "age"] = np.nan
    cases["sex"] = pd.Categorical(["male"] * 150, categories=SIGNS[2].levels, ordered=True)
    made = few_events.assess(cases, predictors=SIGNS)
    assert "2 cases with a missing covariate were left out" in made.methods and "Sex did not vary" in made.methods
    assert set(made.frame()["covariate"]) == {"Age", "Primary site"}


def test_a_first_level_that_nobody_has_is_not_the_reference() -> None:
    cases = cohort(events=29)
    cases["site"] = cases["site"].where(cases["site"] != "mouth", "throat")
    made = few_events.assess(cases, predictors=SIGNS)
    assert "larynx against throat" in set(made.frame()["contrast"])
    said = "29 cases are positive, the rarer outcome: 9.7 for each of the 3 parameters"  # mouth needs none
    assert made.sentence.startswith(said)


def test_what_cannot_be_fitted_is_said() -> None:
    cases = cohort()
    twin = Covariate(name="twin", label="Twin", levels=("female", "male"))
    made = few_events.assess(cases.assign(twin=cases["sex"]), predictors=(*SIGNS, twin))
    assert made.frame() is None and "could not be fitted (columns: one is constant or follows" in made.sentence
    assert few_events.shown(made) == (None, [])

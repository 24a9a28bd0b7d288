"""The clinical model as a formula: worked out by hand, it gives the risks of the model."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.learn import clinical, formula

COVARIATES = [
    {"name": "size", "type": "continuous", "label": "Size", "unit": "mm"},
    {
        "name": "margin",
        "type": "categorical",
        "levels": ["clear", "lobed", "ill-defined"],
        "label": "Margin",
        "unit": "",
    },
    {"name": "sex", "type": "categorical", "levels": ["female", "male"], "label": "Sex", "unit": ""},
]


def cohort() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"patient_id": np.arange(200), "size": rng.normal(11, 4, 200)})
    frame["margin"] = rng.choice(["clear", "lobed", "ill-defined"], 200)
    frame["sex"] = rng.choice(["female", "male"], 200)
    frame["label"] = (rng.random(200) < 1 / (1 + np.exp(11 - frame["size"]))).astype(int)
    frame.loc[:5, "size"] = np.nan
    frame.loc[4:9, "margin"] = None
    return frame


def by_hand(table: pd.DataFrame, patient: pd.Series, column: str) -> float:
    """The score of one patient, from what the table prints and nothing else."""
    score = 0.0
    for row in table.itertuples(index=False):
        label, _, level = row.term.partition(": ")
        name = next((one["name"] for one in COVARIATES if one["label"] == label), None)
        value = None if name is None else patient[name]
        if label == "Intercept":
            entered = 1.0
        elif value is None or value != value:
            entered = float(row.missing)
        else:
            entered = float(value == level) if level else float(value)
        score += getattr(row, column) * entered
    return score


def test_the_printed_formula_gives_the_risks_of_the_model_also_where_values_are_missing():
    frame = cohort()
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(200), seed=1)
    table = formula.formula(model, COVARIATES)
    assert table["term"].iloc[:2].tolist() == ["Intercept", "Size"] and table["entered"].iloc[1] == "the number, mm"
    score = np.array([by_hand(table, patient, "coefficient") for _, patient in frame.iterrows()])
    assert 1 / (1 + np.exp(-score)) == pytest.approx(model.risk(frame), abs=1e-5), "the median is printed to 6 digits"
    assert score[10:] == pytest.approx(np.log(model.risk(frame) / (1 - model.risk(frame)))[10:], abs=1e-9)


def test_of_several_classes_every_class_has_a_column():
    frame, names = cohort(), ("low", "mid", "high")
    frame["label"] += np.random.default_rng(0).integers(0, 2, 200)
    model = clinical.fit_clinical(frame, covariates=COVARIATES, train=np.arange(200), seed=1, classes=names)
    table = formula.formula(model, [SimpleNamespace(**one) for one in COVARIATES])
    assert list(table.columns) == ["term", "entered", "missing", *names]
    scores = np.array([[by_hand(table, patient, name) for name in names] for _, patient in frame.iterrows()])
    share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert share == pytest.approx(model.risk(frame), abs=1e-5)

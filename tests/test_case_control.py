"""A case-control study: harm and prevalence declared in `study.yaml`, shown where decisions are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from chapters import run
from helpers.book import graph, sentences_decision
from helpers.data.errors import StudyError
from helpers.data.study import from_text
from helpers.data.study import read as read_study
from helpers.stats import calibrated, decision_panels, models, predictions
from helpers.stats.decision import decision_curve

STUDY = """
name: sampled
title: Cases and controls
question: Does acting help in the population?
source: {kind: own}
outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}
threshold: {rule: declared, value: 0.1}
decision: {low: 0.02, high: 0.20, step: 0.02, reason: as one does, harm: {net: 0.004, plain: 0.0}, prevalence: 0.08}
chapters: [decision]
profiles: {quick: {resamples: 50}}
"""


def drawn(n: int = 120, *, seed: int = 3) -> pd.DataFrame:
    """As many cases as controls in tune and test, risks that are right for that half."""
    rng = np.random.default_rng(seed)
    rows = []
    for split in ("tune", "test"):
        label = np.arange(n) % 2
        score = rng.normal(1.5 * label - 0.75, 1)
        for model, own in (("net", 1.5 * score), ("plain", 0.7 * score)):
            rows.append(
                pd.DataFrame(
                    {"split": split, "model": model, "label": label, "risk": expit(own), "study": "sampled", "seed": 0}
                ).assign(case_id=[f"{split}{k}" for k in range(n)], patient_id=[f"{split}{k}" for k in range(n)])
            )
    return pd.concat(rows, ignore_index=True).assign(center="A")


def test_risks_are_moved_from_the_sample_to_the_population() -> None:
    """A population of which all cases and a tenth of the controls were taken: its own risks come back."""
    rng = np.random.default_rng(0)
    score = rng.normal(-2.5, 1, 60_000)
    label = (rng.random(score.size) < expit(score)).astype(int)
    taken = (label == 1) | (rng.random(score.size) < 0.1)
    prevalence = float(label.mean())
    rows = {"model": "m", "seed": 0, "label": label, "risk": expit(score), "study": "s", "center": "A"}
    table = pd.DataFrame(rows).assign(case_id=np.arange(score.size).astype(str))[taken]
    table = table.assign(patient_id=table["case_id"], split=np.where(np.arange(len(table)) % 2, "tune", "test"))
    chooser, judged = (models.panel(table, split=split) for split in ("tune", "test"))
    in_sample = calibrated.for_decisions(chooser, judged)["m"]
    moved = calibrated.for_decisions(chooser, judged, prevalence=prevalence)["m"]
    assert in_sample.mean() == pytest.approx(judged.label.mean(), abs=0.02)
    assert logit(moved) - logit(judged.risks["m"]) == pytest.approx(np.zeros(judged.n), abs=0.08)
    assert calibrated.for_decisions(None, judged, prevalence=0.1)["m"] is judged.risks["m"]


def test_harm_of_a_model_without_predictions_is_an_error() -> None:
    part = models.panel(drawn(), split="test")
    with pytest.raises(ValueError, match="harm: 'nett' is none of the models net, plain"):
        decision_panels.every([part], None, thresholds=[0.1], harm={"nett": 0.1})


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("prevalence: 0.08", "prevalence: 8", "decision.prevalence"),
        ("net: 0.004", "net: -1", "decision.harm"),
        ("prevalence: 0.08", "prevalences: 0.08", "decision.prevalences"),
    ],
)
def test_faults_name_the_key(old, new, key) -> None:
    with pytest.raises(StudyError, match=key):
        from_text(STUDY.replace(old, new))


def test_prevalence_is_of_one_outcome() -> None:
    from test_chapters_classes import STUDY as SEVERAL

    with pytest.raises(StudyError, match="beside choices"):
        from_text(SEVERAL + "decision: {low: 0.1, high: 0.3, prevalence: 0.1}\n")


def test_nothing_is_said_where_nothing_was_declared() -> None:
    assert sentences_decision.design(0.0, None) == "" == sentences_decision.design({"net": 0.0}, None)


@pytest.mark.build
def test_the_chapter_uses_what_the_study_declares(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    predictions.write(drawn(), tmp_path / "predictions.csv")
    node = graph.studies([str(tmp_path)], "quick")["sampled"]
    results = tmp_path / "results"
    table = predictions.read(tmp_path / "predictions.csv")
    predictions.write(table, results / "predictions.csv")
    run(node, results, "decision")
    page = results / "decision"
    made = pd.read_csv(page / "figures" / "fig-decision.csv")
    assert read_study(tmp_path).decision.harm == {"net": 0.004, "plain": 0.0}
    judged, chooser = (models.panel(table, split=split) for split in ("test", "tune"))
    risks = calibrated.for_decisions(chooser, judged, prevalence=0.08)
    want = decision_curve(judged.label, risks, thresholds=[0.1], prevalence=0.08, harm={"net": 0.004}).frame()
    for name in ("net", "plain", "all"):
        found = made[(made["strategy"] == name) & np.isclose(made["threshold"], 0.1)]["net_benefit"].item()
        assert found == pytest.approx(want.set_index("strategy").loc[name, "net_benefit"])
    about = json.loads((page / "figures" / "fig-decision.json").read_text(encoding="utf-8"))["methods"]
    assert "at a given prevalence of 0.08" in about and "less the harm of testing (net 0.004)" in about
    numbers = json.loads((page / "numbers.json").read_text(encoding="utf-8"))
    assert "8% have the outcome" in numbers["design"] and "net 0.004" in numbers["design"]
    assert "moved from their share of events to the given prevalence of 0.08" in numbers["risks"]

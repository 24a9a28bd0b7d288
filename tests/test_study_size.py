"""What a cohort has beside what the criteria ask: a row a judged split, and a banner that agrees with the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from helpers.book import report
from helpers.stats.sample_size import development_size, validation_size
from helpers.stats.study_size import DEVELOP, VALIDATE, assess

NUMBER = {"type": "continuous", "levels": ()}


def cohort(**counts: tuple[int, int]) -> pd.DataFrame:
    """Patients and events of every split, two cases a patient."""
    rows = [
        (f"{split}{i}", split, int(i < events))
        for split, (n, events) in counts.items()
        for i in range(n)
        for _ in range(2)
    ]
    return pd.DataFrame(rows, columns=["patient_id", "split", "label"])


def test_test_and_external_patients_are_not_added_up() -> None:
    cases = cohort(train=(200, 60), tune=(50, 15), test=(100, 30), external=(297, 120))
    table = assess(cases, predictors=[NUMBER] * 5).frame()
    found = table.groupby(["purpose", "patients"], sort=False)[["available", "events_available"]].first()
    assert found.to_dict("index") == {
        (DEVELOP, "training"): {"available": 200, "events_available": 60},  # tuning patients are not fitted to
        (VALIDATE, "test"): {"available": 100, "events_available": 30},
        (VALIDATE, "external"): {"available": 297, "events_available": 120},
    }
    needed = table.groupby(["purpose", "patients"])["needed"].apply(list)
    develop = development_size(parameters=5, prevalence=60 / 200, c_statistic=0.75)
    assert needed[DEVELOP, "training"] == develop.frame()["n"].tolist()
    external = validation_size(prevalence=120 / 297, c_statistic=0.75)
    assert needed[VALIDATE, "external"] == external.frame()["n"].tolist()


def test_development_is_asked_of_the_patients_who_develop() -> None:
    """The criterion was once compared with the judged patients: a large test set made a small training set enough."""
    size = assess(cohort(train=(40, 12), test=(20_000, 6_000)), predictors=[NUMBER] * 5)
    assert not size.table.query("purpose == @DEVELOP")["enough"].any()
    assert size.table.query("purpose == @VALIDATE")["enough"].all()
    assert size.sentence.startswith("It is a pilot: its 40 training patients are fewer")
    said = "Pilot: 12 events among 40 training patients (24 among their 80 cases). Development with 5 parameters needs"
    assert size.banner.startswith(said)
    assert "Validation" not in size.banner and "Expect" not in size.banner


@pytest.mark.parametrize("train", [(60, 20), (9_000, 3_000)])
@pytest.mark.parametrize("test", [(80, 20), (9_000, 3_000)])
@pytest.mark.parametrize("external", [None, (90, 30), (9_000, 2_000)])
def test_banner_and_sentence_agree_with_the_column_enough(train, test, external) -> None:
    cases = cohort(train=train, test=test, **({"external": external} if external else {}))
    size = assess(cases, predictors=[NUMBER] * 4, unit="node")
    assert "one has the outcome when any of its nodes has it" in size.methods
    short = size.table[~size.table["enough"]]
    lines = size.banner.splitlines()
    assert len(lines) == short["patients"].nunique()
    for line, (group, rows) in zip(lines, short.groupby("patients", sort=False)):
        first = rows.iloc[0]
        counted = f"{first.events_available:,} events among {first.available:,} {group} patients"
        double = f"({2 * first.events_available:,} among their {2 * first.available:,} nodes)"
        assert line.startswith(f"Pilot: {counted} {double}.")
        assert f"needs {rows['needed'].max():,} patients with {rows['events_needed'].max():,} events" in line
    assert ("pilot" in size.sentence) is bool(lines)


def test_out_of_fold_the_training_patients_are_both() -> None:
    size = assess(cohort(train=(134, 31), external=(60, 20)), predictors=[NUMBER] * 3, judged="oof")
    groups = size.table[["purpose", "patients"]].drop_duplicates().to_numpy().tolist()
    assert groups == [[DEVELOP, "training"], [VALIDATE, "training"], [VALIDATE, "external"]]
    first = size.banner.splitlines()[0]
    assert "Development with 3 parameters needs" in first and "an AUC of 0.75 alone needs" in first


def test_predictions_from_elsewhere_are_judged_without_a_development() -> None:
    size = assess(cohort(tune=(50, 20), test=(60, 20)), predictors=[])
    assert set(size.table["purpose"]) == {VALIDATE} and set(size.table["patients"]) == {"test"}


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="both classes"):
        assess(cohort(train=(30, 10), test=(20, 0)), predictors=[NUMBER])
    with pytest.raises(ValueError, match="judged"):
        assess(cohort(train=(30, 10), test=(20, 5)), predictors=[NUMBER], judged="tune")


def test_no_box_where_there_is_nothing_to_say(tmp_path: Path) -> None:
    page = report.page(tmp_path)
    assert page.banner("Pilot study", "") is None
    assert page.banner("Pilot study", "a < b\nc")._repr_html_().endswith("<p>a &lt; b</p><p>c</p></div>")

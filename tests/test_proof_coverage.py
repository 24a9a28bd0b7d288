"""Coverage and size by simulation: the truths by other means, a wrong interval and a wrong test found, same digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.book import findings, sentences_proof
from helpers.stats.discrimination import operating_point
from helpers.stats.proof import (
    coverage,
    folds,
    model_intervals,
    picture_designs,
    picture_intervals,
    reader_designs,
    reader_intervals,
    sizes,
)
from helpers.stats.proof.coverage import Coverage, simulate_coverage
from helpers.stats.proof.designs import CLIPS, DESIGNS, EXTERNAL, A, B, C, D
from helpers.stats.proof.drawing import dots, labels, wide
from helpers.stats.proof.simulation import Family, Made, PValue, count_coverage, count_rejections
from helpers.stats.proof.sizes import Sizes, simulate_sizes


def test_designs_have_the_sizes_of_the_papers():
    assert [(d.patients, d.cases, d.positives) for d in (A, B, C, D, EXTERNAL)] == [
        (116, 116, 27), (430, 547, 240), (34, 34, 4), (152, 152, 104), (245, 245, 83)
    ]  # fmt: skip
    for design in DESIGNS:
        sample = design.draw(3, fixed=True)
        assert len(sample.label) == design.cases
        if design.clustered:
            assert np.unique(sample.patient).size == design.patients
        else:
            assert sample.label.sum() == design.positives and sample.patient is None
    by_patient = pd.Series(CLIPS.draw(0).label).groupby(CLIPS.draw(0).patient).nunique()
    assert (by_patient == 1).all()  # pathology is by patient


def test_random_numbers_depend_on_name_and_replicate_alone():
    one, again, other = A.draw(5), A.draw(5), A.draw(6)
    assert np.array_equal(one.risk, again.risk) and not np.array_equal(one.risk, other.risk)
    short = simulate_coverage(12, designs=(C,), readers=False).frame()
    assert short.equals(simulate_coverage(12, designs=(C,), readers=False, workers=2).frame())
    counted = simulate_sizes(12, designs=(C,), readers=False)
    assert counted.frame().equals(simulate_sizes(12, designs=(C,), readers=False, workers=2).frame())


def test_wilson_covers_and_a_wrong_interval_is_found():
    """An interval of half the width, and one shifted to one side, are both found out; the right one is not."""

    def make(replicate: int):
        sample = D.draw(replicate, fixed=True)
        right = operating_point(sample.label, sample.risk, D.prevalence).sensitivity
        truth = D.truth["sensitivity"]
        half = (right.high - right.low) / 4
        yield Made("Sensitivity", "right", right.low, right.high, truth, "offered")
        yield Made("Sensitivity", "half", right.value - half, right.value + half, truth)
        yield Made("Sensitivity", "shifted", right.low + 0.15, right.high + 0.15, truth)

    made = Coverage(count_coverage(lambda: [Family("D", make)], 150), 150)
    rows = made.frame().set_index("method")
    assert rows.loc["right", "coverage"] > 0.9 and rows.loc["half", "coverage"] < 0.8
    assert rows.loc["shifted", "too_high"] > 0.8 and rows.loc["shifted", "too_low"] == 0
    narrow = made.too_narrow()
    assert set(narrow["method"]) == {"half", "shifted"}
    assert narrow["better"].tolist() == ["right", "right"]
    assert "2 clearly hold the truth too rarely" in sentences_proof.narrow(made)
    assert "by right" in sentences_proof.narrow(made) and "% of 150 studies by " in sentences_proof.narrow(made)
    rare = made.frame().assign(not_given=0.74)
    assert "% of 39 studies that have one by " in sentences_proof.narrow(Coverage(rare, 150))
    assert made.choices()["measure"].unique().tolist() == ["Sensitivity"], "what is drawn, and nothing else"
    wrong = made.choices().assign(role=["wrong" if name == "half" else "offered" for name in made.choices()["method"]])
    assert "half" not in findings.of("fig-choices", wrong), "a mistake that is shown is no kind to choose"


def test_a_wrong_test_is_found():
    def make(replicate: int):
        p_value = np.random.default_rng(replicate).random()
        yield PValue("fair", "right", p_value)
        yield PValue("fair", "too eager", p_value / 4)
        yield PValue("fair", "too timid", min(1.0, 5 * p_value))
        yield PValue("fair", "undefined", np.nan)

    found = Sizes(count_rejections(lambda: [Family("D", make)], 1000), 1000)
    assert found.liberal()["method"].tolist() == ["too eager"]
    assert set(found.timid()["method"]) == {"too timid", "undefined"}
    rows = found.frame().set_index("method")
    assert rows.loc["undefined", "not_given"] == 1 and rows.loc["undefined", "replicates"] == 1000
    assert "1 clearly reject too often" in sentences_proof.sizes(found)


def test_counts_by_hand():
    limits = {0: (0.0, 1.0), 1: (2.0, 3.0), 2: (-2.0, -1.0), 3: (np.nan, np.nan)}
    family = Family("hand", lambda replicate: [Made("x", "m", *limits[replicate % 4], 0.5)])
    row = count_coverage(lambda: [family], 40).iloc[0]
    assert row[["replicates", "covered", "coverage", "too_low", "too_high", "width", "not_given"]].tolist() == [
        30, 10, 1 / 3, 1 / 3, 1 / 3, 1.0, 0.25
    ]  # fmt: skip
    assert row["low"] < 1 / 3 < row["high"]


def test_patients_ignored_are_seen():
    """Clips of one patient taken for patients: the interval is too narrow, and the right one is not."""
    ranking = Family(CLIPS.title, model_intervals._each(CLIPS, [model_intervals._ranking]))
    rows = count_coverage(lambda: [ranking], 150)
    rows = rows[rows["measure"] == "AUC"].set_index("method")
    assert rows.loc["DeLong, patients ignored", "coverage"] < rows.loc["Obuchowski, Wald", "coverage"] - 0.03
    assert rows.loc["Obuchowski, Wald", "high"] > 0.94
    made = Coverage(rows.reset_index(), 150)
    assert "Had the patient been ignored" in sentences_proof.ignored(made)


def test_every_family_of_the_page_gives_intervals_with_a_truth():
    families = [family for design in DESIGNS for family in model_intervals.families(design)]
    families += reader_intervals.of_readers(reader_designs.READERS) + reader_intervals.of_classes(reader_designs.THREE)
    families += picture_intervals.of_outlines(picture_designs.NODES)
    families += picture_intervals.of_hospitals(picture_designs.HOSPITALS) + folds.of_folds(folds.FOLDS)
    families += reader_intervals.of_help(reader_designs.HELPED)
    families += picture_intervals.of_centres(picture_designs.CENTRES)
    names = set()
    for family in families:
        made = list(family.make(0))
        assert made and all(np.isfinite(one.truth) for one in made), family
        assert all(one.low <= one.high or np.isnan(one.low) for one in made)
        keys = [(one.measure, one.method, one.role) for one in made]
        assert len(keys) == len(set(keys)), family  # each is counted once a study
        names |= {one.measure for one in made}
    printed = set(operating_point([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.4], 0.5).estimates)
    assert {model_intervals.title(measure) for measure in printed} <= names
    assert {
        "AUC",
        "AUC difference",
        "O:E",
        "Calibration slope",
        "ICI",
        "Net benefit difference",
        "Partial AUC",
        "PPV at another prevalence",
        "Specificity at sensitivity 0.9",
        "Readers: relative gain, AUC",
        "Junior - senior: sensitivity gain",
        "Ordinal concordance",
        "Dice, lower quartile",
        "HD95, mean",
        "Area ratio, lower limit of agreement",
        "Internal AUC, external mix of cases",
        "Subgroups: AUC difference",
        "Subgroups: specificity difference",
        "Subgroups: O:E ratio",
        "Share of variance between centres",
        "Flexible curve at one risk",
        "Net benefit difference at another prevalence",
        "Weighted kappa of grades, change",
        "Cross-validated AUC, mean over classes",
        "Cross-validated AUC, difference of means",
    } <= names


def test_sizes_hold_power_and_draw():
    found = simulate_sizes(10, designs=(A,), readers=True)
    frame = found.frame()
    assert {"AUC, paired", "Readers: AUC with help", "Agreement beyond chance", "Shares of 5%"} <= set(frame["test"])
    assert frame["power"].notna().sum() > 20 and frame["share"].between(0, 1).all()
    assert len(sentences_proof.powers(found)) == frame["power"].notna().sum()
    assert len(found.plot().axes) == 2
    assert found.by_design().columns[0] == "test"


def test_drawing_of_shares():
    rows = pd.DataFrame(
        {"design": ["A", "A", "B"], "measure": "x", "method": ["m", "n", "m"], "coverage": [0.5, 0.9, 1.0]}
    )
    rows = rows.assign(low=rows["coverage"] - 0.1, high=rows["coverage"])
    assert labels(rows, "measure").tolist() == ["x: m", "x: n", "x: m"]
    assert wide(rows, "measure", "coverage").columns.tolist() == ["measure", "A", "B"]
    figure = dots(
        rows.assign(label="x"), value="coverage", line=0.95, limits=(0.6, 1.0), xlabel="s", designs=["B", "A"]
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["B", "A"]
    carets = [line.get_marker() for line in figure.axes[0].lines]
    assert 8 in carets  # 0.5 lies beyond the axis


def test_too_few_replicates_are_refused():
    for call in (simulate_coverage, simulate_sizes):
        with pytest.raises(ValueError, match="replicates: a whole number of at least 10"):
            call(3, designs=(C,), readers=False)


def test_sentences_without_findings():
    columns = {"design": ["A"], "measure": ["AUC"], "method": ["m"], "role": ["printed"]}
    good = Coverage(pd.DataFrame({**columns, "coverage": [0.95], "low": [0.93], "high": [0.965]}), 200)
    assert "none clearly holds the truth less often" in sentences_proof.narrow(good)
    assert sentences_proof.wide(good) == "None is clearly wider than it need be."
    assert sentences_proof.ignored(good) == ""
    fair = Sizes(pd.DataFrame({"design": ["A"], "test": ["t"], "method": ["m"], "role": ["printed"], "share": [0.05],
                               "low": [0.03], "high": [0.07]}), 200)  # fmt: skip
    assert sentences_proof.sizes(fair).endswith("none clearly rejects too often; none too rarely.")
    assert coverage.NOMINAL == 0.95 and sizes.ALPHA == 0.05

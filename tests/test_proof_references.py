"""The chapter on trust: every number with a reference value agrees with it, and no reference value goes unused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chapters import EXECUTED, run_cells
from helpers.book import sentences_proof
from helpers.stats.proof import comparison, references, simulation
from helpers.stats.proof.comparison import Folder, Recorder, relative_difference

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(scope="module")
def found() -> references.Agreement:
    return references.agreement_with_references(REFERENCE)


def test_every_number_is_within_its_tolerance(found):
    apart = found.frame().query("~agrees")
    assert found.agrees and apart.empty, apart.to_string()
    assert len(found.frame()) > 1500
    exact = found.frame().query("kind == 'exact'")
    assert exact["tolerance"].max() <= 1e-8


def test_no_reference_folder_goes_unused(found):
    folders = {path.name for path in REFERENCE.iterdir() if path.is_dir()}
    assert set(found.used) == folders == set(found.frame()["data"])
    assert set(found.absent) == set(references.OUTSIDE)


def test_every_number_names_its_program_and_version(found):
    frame = found.frame()
    plain = frame["package"] == "closed formula"
    assert (frame.loc[~plain, "version"].str.len() > 0).all()
    assert {"pROC", "epiR", "binom", "vcd", "DTComPair", "ratesci", "rms", "dcurves", "logistf"} <= set(
        frame["package"]
    )
    assert {"MRMCaov", "RJafroc", "iMRMC", "irr", "psych", "pmsampsize", "pmvalsampsize"} <= set(frame["package"])


def test_summary_is_the_largest_of_each_function(found):
    frame, summary = found.frame(), found.summary()
    assert summary["values"].sum() == len(frame)
    for row in summary.to_dict("records"):
        part = frame[(frame["function"] == row["function"]) & (frame["kind"] == row["kind"])]
        assert row["largest"] == part["relative_difference"].max()
    assert found.plot().get_xscale() == "log"


def test_the_page_is_made_from_top_to_bottom(found, tmp_path, monkeypatch):
    """With the comparison of above and two simulated studies of each kind, so that it takes seconds."""
    monkeypatch.setattr(references, "agreement_with_references", lambda *_, **__: found)
    monkeypatch.setattr(simulation.Family, "replicates", lambda self, asked: 2)
    (notebook,) = EXECUTED["test_proof_references"]
    run_cells(notebook, results=str(tmp_path), source=str(REFERENCE), replicates=10, workers=1)
    page = tmp_path / "trust"
    assert {path.stem for path in page.glob("figures/*.svg")} == {
        *("fig-references", "fig-coverage", "fig-coverage-readers", "fig-choices", "fig-sizes")
    }
    power = pd.read_csv(page / "tables" / "tab-power.csv")
    assert set(power["power_replicates"]) == {2} and power["power"].between(0, 1).all()
    numbers = json.loads((page / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["answer"] == sentences_proof.agreement(found)
    assert {"narrow", "wide", "replicates", "ignored", "looks", "sizes", "at_hand"} <= set(numbers)


def test_a_wrong_number_is_found(tmp_path):
    """A reference value that is off in the eighth digit turns the page's answer."""
    shutil.copytree(REFERENCE, tmp_path / "reference")
    path = tmp_path / "reference" / "roc_ties" / "expected.json"
    values = json.loads(path.read_text())
    values["auc"]["prob"]["auc"] *= 1 + 1e-8
    path.write_text(json.dumps(values))
    made = references.agreement_with_references(tmp_path / "reference")
    apart = made.frame().query("~agrees")
    assert apart["function"].tolist() == ["auc"]
    assert not made.agrees
    assert "1 lie outside their tolerance, the worst in auc" in sentences_proof.agreement(made)


def test_a_folder_that_nothing_compares_is_refused(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "expected.json").write_text("{}")
    with pytest.raises(ValueError, match="not compared: new"):
        references.agreement_with_references(tmp_path)


def test_real_tables_are_compared_where_they_are():
    outside = references.outside_data()
    made = references.agreement_with_references(REFERENCE, outside=outside)
    if outside is None or made.absent == tuple(references.OUTSIDE):
        pytest.skip("the real tables are not beside THYROBOOK_DATA")
    assert made.agrees, made.frame().query("~agrees").to_string()
    assert set(made.used) - set(references.COMMITTED) == set(references.OUTSIDE) - set(made.absent)
    assert "at hand" in sentences_proof.at_hand(made)


def test_relative_difference():
    assert relative_difference(2.0, 1.0) == 1.0
    assert relative_difference(1e-9, 0.0) == pytest.approx(1e-3)  # zero counts as one millionth
    assert relative_difference(0.5, 0.4, scale=1.0) == pytest.approx(0.1)
    assert relative_difference(np.inf, np.inf) == 0 and relative_difference(np.nan, np.nan) == 0
    for ours, theirs in ((np.inf, 1.0), (1.0, np.nan), (np.nan, 1.0), (np.inf, -np.inf)):
        assert relative_difference(ours, theirs) == np.inf


def test_numbers_of_another_shape_are_refused():
    made = Recorder(Folder(REFERENCE / "roc_ties"), {"reference": {}})
    with pytest.raises(ValueError, match="auc, limits: shapes"):
        made.add("auc", "limits", [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="kind 'rough'"):
        made.add("auc", "limits", 1.0, 1.0, kind="rough")
    assert tuple(references.WORDS) == comparison.KINDS

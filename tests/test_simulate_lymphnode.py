"""The simulated nodes follow the published counts, and every picture knows what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.data import check, cohort, crosstab, reports, study
from helpers.data.errors import StudyError
from helpers.data.simulate import lymphnode, lymphnode_cohort, lymphnode_counts

TABLE = Path("data/published/B_table2.csv")


@pytest.fixture(scope="module")
def counts():
    return lymphnode_counts.read(TABLE)


@pytest.fixture(scope="module")
def nodes(counts):
    return lymphnode_cohort.draw_nodes(counts, seed=7)


def test_the_counts_are_those_of_the_paper(counts, nodes):
    assert (len(nodes), nodes["patient_id"].nunique()) == (3059, 2398)
    found = nodes.groupby(["split", "label"]).size().to_dict()
    assert found == {("train", 0): 1228, ("train", 1): 1284, ("test", 0): 307, ("test", 1): 240}
    for label, places in counts.places.items():
        own = nodes[nodes["label"] == label].groupby(["level", "side"]).size().to_dict()
        assert own == {place: n for place, n in places.items() if n}
    male = nodes[nodes["sex"] == "male"].groupby("label").size().to_dict()
    assert male == {0: 409, 1: 519}
    assert (nodes["long_axis"].min(), nodes["long_axis"].max()) == (3, 37)
    assert nodes["long_axis"].mean() == pytest.approx(14.8, abs=0.05)
    assert nodes["short_axis"].between(2, 25).all()
    assert nodes["short_axis"].mean() == pytest.approx(6.9, abs=0.15)


def test_the_table_of_locations_is_the_published_one(nodes):
    settings = study.read("data/lymphnode")
    pair = [next(c for c in settings.covariates if c.name == name) for name in settings.crosstab]
    table = crosstab.crosstab(nodes, pair, names=settings.outcome.names)
    printed = pd.read_csv(TABLE)
    ours = {}
    for row in table.to_dict("records"):
        place = f"{row['Neck level']} {row['Side']}".strip()
        ours |= {(place, "benignancy"): row["benign"], (place, "malignancy"): row["metastatic"]}
    theirs = {}
    for row in printed[printed["statistic"] == "count"].to_dict("records"):
        level = re.fullmatch(r"level (\w+) in the (right|left)? ?neck", row["row"].lower())
        if level is not None:
            theirs[f"{level[1].upper()} {level[2] or 'midline'}", row["column"]] = row["value_num"]
    assert theirs == {place: n for place, n in ours.items() if not place[0].startswith("all")}
    assert (
        table.iloc[:-1][["benign", "metastatic", "total"]].sum().tolist()
        == table.iloc[-1][["benign", "metastatic", "total"]].tolist()
    )


def test_a_patient_has_one_sex_and_one_split(nodes):
    assert (nodes.groupby("patient_id")[["split", "sex"]].nunique() == 1).all(axis=None)
    assert nodes.groupby("patient_id").size().max() == 3


def test_reports_are_as_accurate_as_published(counts, nodes):
    for _, part in nodes.groupby("split"):
        share = part.groupby("label")["called"].mean()
        assert share[1] == pytest.approx(counts.report[0], abs=0.003)
        assert share[0] == pytest.approx(1 - counts.report[1], abs=0.003)


def test_a_smaller_share_has_the_same_nodes(nodes):
    small, more = lymphnode_cohort.written(nodes, 0.05), lymphnode_cohort.written(nodes, 0.2)
    assert set(small["case_id"]) <= set(more["case_id"])
    with pytest.raises(ValueError, match="share is 0"):
        lymphnode_cohort.written(nodes, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("study") / "lymphnode"
    made.mkdir()
    (made / "study.yaml").write_text(Path("data/lymphnode/study.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    summary = lymphnode.write_cohort(made, published=TABLE, seed=7, share=0.01, workers=1)
    return made, summary


def test_the_folder_is_a_study(folder):
    made, summary = folder
    cases = cohort.read(made)
    assert len(cases) == summary["nodes"]
    assert check.check(made)["cases"].sum() == len(cases)
    assert 0.5 < summary["bayes_limit"]["test"] < 1


def test_masks_are_the_targets_and_have_the_right_size(folder):
    made, _ = folder
    media = pd.read_csv(made / "media.csv").merge(pd.read_csv(made / "cohort.csv"), on="case_id")
    structures = pd.read_csv(made / "structures.csv").set_index("case_id")["path"]
    for row in media.itertuples():
        mask = np.asarray(Image.open(made / row.mask)) > 0
        held = np.asarray(Image.open(made / structures[row.case_id]))
        assert mask.shape == (256, 256)
        np.testing.assert_array_equal(mask, held == 1)
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not edge.any(), row.case_id
        area = mask.sum() * row.pixel_mm**2
        assert area == pytest.approx(np.pi / 4 * row.long_axis * row.short_axis, rel=0.35)


def test_there_is_something_to_mistake_for_the_target(folder):
    made, _ = folder
    held = [np.asarray(Image.open(path)) for path in (made / "media").glob("*_structures.png")]
    share = {value: np.mean([(one == value).any() for one in held]) for value in (2, 3, 4)}
    assert share[3] > 0.9
    assert share[4] > 0.9
    assert share[2] > 0.3


def test_the_dictionary_reads_every_report_as_it_was_meant(folder):
    made, _ = folder
    truth = pd.read_csv(made / "simulation.csv")
    read = reports.read(made, truth)
    assert (reports.positive(read["call"]).to_numpy() == truth["called"].to_numpy()).all()


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    made, _ = folder
    again = tmp_path / "again"
    again.mkdir()
    lymphnode.write_cohort(again, published=TABLE, seed=7, share=0.01, workers=1)
    for path in sorted(made.rglob("*.*")):
        other = again / path.relative_to(made)
        if path.name != "study.yaml":
            assert path.read_bytes() == other.read_bytes(), path.name


def test_a_faulty_table_is_named(tmp_path):
    for name in ("B_table2.csv", "B_text.csv", "B_table3.csv"):
        text = TABLE.with_name(name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("count,74,74", "count,75,75"), encoding="utf-8")
    with pytest.raises(StudyError, match="1524 nodes in all, 1525 by location"):
        lymphnode_counts.read(tmp_path / "B_table2.csv")

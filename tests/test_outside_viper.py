"""VIPER: what is read, every fault with its row, and the real files where they are."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pandas as pd
import pytest

from helpers.data import outside, registry
from helpers.data import study as studies
from helpers.data.errors import StudyError
from helpers.data.outside import viper
from helpers.stats import readings

HEADER = (
    "caseType455,caseType365,cancerStatus455,cancerStatus365,caseID,readerID,modalityID,recall,abnormalityType,score,"
    "caseGroup,subStudyLabel"
)
ROWS = [
    "cancer,cancer,1,0,32,reader21,FFDM,1,Mass,195,cgrp1,screeningHighP",
    'cancer,cancer,1,0,32,reader21,SFM,2,"Mass,Asymmetry",100,cgrp1,screeningHighP',  # a quoted comma
    "birads0sfm,birads0sfm,0,0,7,reader21,FFDM,2,Mass,Asymmetry,Other,0,cgrp1,screeningHighP",  # commas without quotes
    "birads0sfm,birads0sfm,0,0,7,reader21,SFM,1,,101,cgrp1,screeningHighP",
]
TRAINED = '"","readerID","breastImagingFellowship"\n"1",21,"Yes"\n"2",22,"No"\n'


def write(folder: Path, rows: list[str], trained: str = TRAINED, header: str = HEADER) -> tuple[Path, Path]:
    first, second = folder / "obs.csv", folder / "readers.csv"
    first.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    second.write_text(trained, encoding="utf-8")
    return first, second


def test_fields_are_counted_from_both_ends(tmp_path):
    table = viper.read(*write(tmp_path, ROWS)).set_index(["case_id", "modality"])
    assert table["rating"].to_dict() == {
        ("case0032", "full-field digital (FFDM)"): 195,
        ("case0032", "screen film (SFM)"): 100,
        ("case0007", "full-field digital (FFDM)"): 0,
        ("case0007", "screen film (SFM)"): 101,
    }
    assert table["label"].groupby("case_id").first().to_dict() == {"case0007": 0, "case0032": 1}  # 455 days, not 365
    assert set(table["experience"]) == {"breast fellowship"}


@pytest.mark.parametrize(
    "row, said",
    [
        ("cancer,cancer,2,0,9,reader21,FFDM,1,Mass,195,g,s", "row 6, column cancerStatus455: '2' is not 0 or 1"),
        ("cancer,cancer,1,0,9,reader21,MRI,1,Mass,195,g,s", "column modalityID: 'MRI' is not FFDM or SFM"),
        ("cancer,cancer,1,0,9,reader21,FFDM,0,Mass,195,g,s", "column recall: '0' is not 1 or 2"),
        ("cancer,cancer,1,0,9,reader21,FFDM,1,Mass,202,g,s", "column score: '202' is not between 0 and 201"),
        ("cancer,cancer,1,0,9,reader21,FFDM,1,Mass,x,g,s", "column score: 'x' is not between"),
        ("cancer,cancer,1,0,9,reader21,FFDM,2,Mass,150,g,s", "the score '150' contradicts the recall decision"),
        ("cancer,cancer,1,0,9,reader99,FFDM,1,Mass,150,g,s", "no training is known of 'reader99'"),
        ("cancer,cancer,1,0,9,reader21", "row 6: 6 fields where the header has 12"),
    ],
)
def test_every_fault_names_its_place(tmp_path, row, said):
    with pytest.raises(StudyError) as caught:
        viper.read(*write(tmp_path, [*ROWS, row]))
    assert said in str(caught.value) and "obs.csv" in str(caught.value)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(StudyError, match="column recall: there is no such column"):
        viper.read(*write(tmp_path, ROWS, header=HEADER.replace("recall", "call")))
    with pytest.raises(StudyError, match="breastImagingFellowship"):
        viper.read(*write(tmp_path, ROWS, trained='"readerID"\n21\n'))
    with pytest.raises(StudyError, match="'maybe' is not Yes or No"):
        viper.read(*write(tmp_path, ROWS, trained=TRAINED.replace("No", "maybe")))


def test_the_study_needs_no_cohort():
    study = studies.read("data/viper")
    assert study.source.adapter == "viper" and not study.cohort_chapters
    assert study.readers.positive_from == viper.RECALLED_FROM
    assert {study.readers.unaided, study.readers.aided} == set(viper.MODALITIES.values())
    assert registry.declared(study.source.sets[0]).organ == "breast"


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> pd.DataFrame:
    named = os.environ.get(registry.VARIABLE)
    if not named or registry.locate("reader_study_viper", root=named) is None:
        pytest.skip("VIPER is not here")
    folder = tmp_path_factory.mktemp("viper")
    made = outside.write_study(folder, studies.read("data/viper"))
    assert made == {"readers": 20, "cases": 239, "positive": 109, "readings": 2390}
    return readings.read(folder / "readings.csv")


def test_the_real_table_is_the_source_row_by_row(real):
    path = registry.locate("reader_study_viper") / viper.READINGS
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = real.set_index(["reader", "modality", "case_id"])
    assert len(rows) == len(found)
    for row in rows:
        own = found.loc[(row["readerID"], viper.MODALITIES[row["modalityID"]], f"case{int(row['caseID']):04d}")]
        assert own["rating"] == float(row["score"]) and own["label"] == int(row["cancerStatus455"])
        assert (own["rating"] >= viper.RECALLED_FROM) == (row["recall"] == "1")


def test_the_real_design_is_a_split_plot(real):
    data = readings.cube(real)
    assert not data.crossed and not data.clustered
    read = ~pd.isna(data.rating)
    assert (read[0] == read[1]).all()  # every reader read the same cases both ways
    groups = {row.tobytes(): row for row in read[0]}
    assert sorted(int(row.sum()) for row in groups.values()) == [59, 60, 60, 60]
    assert sum(row.astype(int) for row in groups.values()).max() == 1  # no case in two groups
    assert real.drop_duplicates("reader")["experience"].value_counts().to_dict() == {
        "breast fellowship": 10,
        "no breast fellowship": 10,
    }

"""`media.csv`: every fault is one error with file, row, column and the way out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.data import media
from helpers.data.errors import StudyError
from test_media_samples import clip, write_dicom

HEADER = "case_id,kind,path,roi,frames,key_frame,seconds_per_frame,pixel_mm,mask"
GOOD = [
    "c1,bmode,a.png,1 2 30 20,1,0,,0.1,m.png",
    'c1,ceus,a.dcm,"1, 2, 30, 20",12,3,0.5,,',
    "007,bmode,b.png,0 0 4.5 4,1,0,,,",
]


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "m.png"):
        Image.fromarray(clip(1)[0]).save(tmp_path / name)
    write_dicom(tmp_path / "a.dcm", clip())
    (tmp_path / "notes.png").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "m.nrrd").write_bytes(b"NRRD0004\n")
    return tmp_path


COHORT = pd.DataFrame({"case_id": ["c1", "007", "c3"]})


def write(folder, rows, header=HEADER):
    (folder / "media.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_a_good_table(folder):
    found = media.table(write(folder, GOOD), COHORT)
    assert found["case_id"].tolist() == ["c1", "c1", "007"] and found["row"].tolist() == [2, 3, 4]
    assert found["roi"].tolist() == [(1, 2, 30, 20), (1, 2, 30, 20), (0, 0, 4.5, 4)]
    assert found["frames"].tolist() == [1, 12, 1] and found["key_frame"].tolist() == [0, 3, 0]
    assert np.isnan(found["seconds_per_frame"][0]) and found["seconds_per_frame"][1] == 0.5
    assert found["mask"].tolist() == ["m.png", "", ""]


def test_optional_columns_may_be_absent_and_numbered_cases_match(folder):
    rows = ["7,bmode,a.png,1 2 30 20,1,0,left"]
    found = media.table(
        write(folder, rows, "case_id,kind,path,roi,frames,key_frame,side"), pd.DataFrame({"case_id": [7]})
    )
    assert found["case_id"].tolist() == [7] and found["mask"].tolist() == [""] and found["side"].tolist() == ["left"]
    assert found["pixel_mm"].isna().all()


def test_a_byte_order_mark_is_no_column(folder):
    (folder / "media.csv").write_text("\n".join([HEADER, *GOOD]), encoding="utf-8-sig")
    assert len(media.table(folder, COHORT)) == 3


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("c33,bmode,a.png,1 2 30 20,1,0,,,", "case_id", "'c33' is not in cohort.csv; did you mean 'c3'"),
        ("c3,b-mode,a.png,1 2 30 20,1,0,,,", "kind", "unknown kind 'b-mode'; did you mean 'bmode'"),
        ("c1,bmode,b.png,1 2 30 20,1,0,,,", "case_id", "has a bmode file in row 2 already"),
        ("c3,bmode,z.png,1 2 30 20,1,0,,,", "path", "'z.png' is not there"),
        ("c3,bmode,../z.png,1 2 30 20,1,0,,,", "path", "leads out"),
        ("c3,bmode,empty.png,1 2 30 20,1,0,,,", "path", "empty"),
        ("c3,bmode,notes.png,1 2 30 20,1,0,,,", "path", "'notes.png': unknown format"),
        ("c3,bmode,m.nrrd,1 2 30 20,1,0,,,", "path", "is a mask"),
        ("c3,bmode,,1 2 30 20,1,0,,,", "path", "no path"),
        ("c3,bmode,a.png,1 2 30,1,0,,,", "roi", "'1 2 30' is not a box of four"),
        ("c3,bmode,a.png,,1,0,,,", "roi", "'' is not a box"),
        ("c3,bmode,a.png,30 2 1 20,1,0,,,", "roi", "not a box inside"),
        ("c3,bmode,a.png,-1 2 30 20,1,0,,,", "roi", "not a box inside"),
        ("c3,bmode,a.png,1 2 nan 20,1,0,,,", "roi", "not a box inside"),
        ("c3,bmode,a.png,1 2 30 20,0,0,,,", "frames", "0 is out of range"),
        ("c3,bmode,a.png,1 2 30 20,many,0,,,", "frames", "'many' is not a whole number"),
        ("c3,bmode,a.png,1 2 30 20,5,5,,,", "key_frame", "5 is out of range"),
        ("c3,bmode,a.png,1 2 30 20,5,,,,", "key_frame", "'' is not a whole number"),
        ("c3,bmode,a.png,1 2 30 20,1,0,0,,", "seconds_per_frame", "'0' is not a positive"),
        ('c3,bmode,a.png,1 2 30 20,1,0,,"0,1",', "pixel_mm", "'0,1' is not a number"),
        ("c3,bmode,a.png,1 2 30 20,1,0,,,z.png", "mask", "'z.png' is not there"),
    ],
)  # fmt: skip
def test_a_fault_is_named(folder, row, column, says):
    with pytest.raises(StudyError, match=r"media.csv") as caught:
        media.table(write(folder, [*GOOD, row]), COHORT)
    assert says in str(caught.value)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("media.csv", 5, column)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("key_frame", "keyframe"), "column key_frame: the column is missing; did you mean 'keyframe'"),
        (HEADER.replace("roi", "box"), "column roi: the column is missing. Way out: the columns are"),
        (HEADER.replace("mask", "masks"), "column masks: unknown column; did you mean 'mask'"),
        (HEADER.replace("mask", "roi"), "column roi: the column is there twice"),
    ],
)
def test_a_column_is_missing_or_misspelt(folder, header, says):
    with pytest.raises(StudyError) as caught:
        media.table(write(folder, GOOD, header), COHORT)
    assert says in str(caught.value) and caught.value.row == 1


def test_tables_that_are_none(folder):
    with pytest.raises(StudyError, match="not there"):
        media.table(folder, COHORT)
    with pytest.raises(StudyError, match="no rows"):
        media.table(write(folder, []), COHORT)
    (folder / "media.csv").write_bytes(b"")
    with pytest.raises(StudyError, match="not a readable CSV"):
        media.table(folder, COHORT)
    (folder / "media.csv").write_bytes(b"\xff\xfe\x00case")
    with pytest.raises(StudyError, match="not a readable CSV"):
        media.table(folder, COHORT)

"""lyDATA tables: who is in the cohort, what is read, and every fault with its row and headers."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.data import cohort, outside, registry
from helpers.data import study as studies
from helpers.data.errors import StudyError
from helpers.data.flow import flow
from helpers.data.outside import lydata

STUDY = Path("data/occult_neck")
PATIENT = ("id", "institution", "sex", "age", "diagnose_date", "alcohol_abuse", "nicotine_abuse", "hpv_status")
PATIENT += ("n_stage",)
TUMOR = ("location", "subsite", "side", "extension", "stage_prefix", "t_stage")
LEVELS = ("Ia", "Ib", "II", "III")
SIDES = ("ipsi", "contra")
HEADERS = (
    [("patient", "#", name) for name in PATIENT]
    + [("tumor", "1", name) for name in TUMOR]
    + [
        (block, side, name)
        for block in ("CT", "PET", "FNA", "pathology")
        for side, names in (("info", ("date",)), ("ipsi", LEVELS), ("contra", LEVELS))
        for name in names
    ]
    + [("total_dissected", "ipsi", name) for name in LEVELS]
    + [(f"enbloc_{what}", side, name) for what in ("dissected", "positive") for side in SIDES for name in LEVELS]
)


def patient(number: int, **cells) -> dict[tuple[str, str, str], str]:
    """A patient assessed by CT, with pathology, negative on both; `CT_II="True"` changes an ipsilateral level."""
    row = dict.fromkeys(HEADERS, "")
    said = {
        "id": f"P{number}",
        "institution": "Bern",
        "sex": "male",
        "age": str(50 + number),
        "alcohol_abuse": "False",
        "nicotine_abuse": "True",
        "hpv_status": "",
        "n_stage": "0",
        "location": "larynx",
        "extension": "False",
        "stage_prefix": "p",
        "t_stage": "2",
    }
    row |= {("patient", "#", k): v for k, v in said.items() if k in PATIENT}
    row |= {("tumor", "1", k): v for k, v in said.items() if k in TUMOR}
    row |= {(block, "ipsi", level): "False" for block in ("CT", "pathology") for level in LEVELS}
    row |= {("total_dissected", "ipsi", level): "7" for level in LEVELS}
    for key, value in cells.items():
        block, _, level = key.rpartition("_")
        if key in PATIENT + TUMOR:
            row["patient" if key in PATIENT else "tumor", "#" if key in PATIENT else "1", key] = value
        elif level == "all":
            row |= {(block, "ipsi", one): value for one in LEVELS}
        else:
            row[block, "contra" if level.startswith("c") else "ipsi", level.lstrip("c")] = value
    return row


def cells_of(rows: list[dict], headers=HEADERS) -> list[list[str]]:
    return [
        *([header[i] for header in headers] for i in range(3)),
        *([row.get(h, "") for h in headers] for row in rows),
    ]


def write(path: Path, rows: list[dict], headers=HEADERS, blank_after: int | None = None) -> Path:
    table = cells_of(rows, headers)
    if blank_after is not None:
        table.insert(3 + blank_after, [])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
    return path


BASE = [
    patient(1),  # image-negative, node-negative
    patient(2, pathology_III="True"),  # occult
    patient(3, CT_II="True", pathology_II="True"),  # suspected
    patient(4, CT_all="", PET_Ib="False", pathology_Ib="True", pathology_II=""),  # negative PET alone, occult
    patient(5, CT_all=""),  # not imaged
    patient(6, pathology_all=""),  # no pathology
    patient(7, CT_II="", PET_all="False", PET_III="True"),  # negative CT, suspicious PET
    patient(8, CT_cII="True", pathology_cII="True", FNA_II="True"),  # only contralateral; a puncture is no image
    patient(9, CT_all="", FNA_all="False"),  # a puncture does not make up for imaging
]


@pytest.fixture
def table(tmp_path) -> Path:
    return write(tmp_path / "data.csv", BASE)


def fault(tmp_path, rows, **options) -> str:
    with pytest.raises(StudyError) as caught:
        lydata.read(write(tmp_path / "bad.csv", rows, **options))
    return str(caught.value)


def test_the_cohort_is_image_negative_and_the_label_is_pathology(table):
    cases, steps = lydata.read(table)
    assert dict(zip(cases["patient_id"], cases["label"])) == {"P1": 0, "P2": 1, "P4": 1, "P8": 0}
    assert [(n, out) for _, n, out in steps] == [
        (9, {"no imaging of the ipsilateral neck": 2, "no pathology of the ipsilateral neck": 1}),
        (6, {"node suspected on imaging": 2}),
        (4, {}),
    ]
    flow(steps, splits=[("all", 4, 2)])  # the numbers add up


def test_values_become_the_declared_levels(tmp_path):
    rows = [
        patient(1, sex="female", age="61.5", alcohol_abuse="TRUE", nicotine_abuse="", hpv_status="False", t_stage="4.0")
        | {("tumor", "1", "stage_prefix"): "c"},
        patient(2, location="oral cavity", extension="True", hpv_status="True", age="", pathology_Ia="true"),
    ]
    shutil.copy(STUDY / "study.yaml", tmp_path)
    assert lydata.write_cohort(tmp_path, write(tmp_path / "d.csv", rows)) == {"train": {"cases": 2, "events": 1}}
    frame = pd.read_csv(tmp_path / "cohort.csv", dtype=str, keep_default_na=False)
    one, two = frame.to_dict("records")
    assert one == {
        "patient_id": "P1",
        "case_id": "P1",
        "center": "Bern",
        "split": "train",
        "label": "0",
        "age": "61.5",
        "sex": "female",
        "smoking": "",
        "alcohol": "yes",
        "hpv": "negative",
        "site": "larynx",
        "t_category": "T4",
        "midline": "no",
        "t_assessed": "clinically",
        "pn_category": "pN0",
        "levels_examined": "3",
        "other_imaging": "not imaged",
        "other_pathology": "not examined",
    }
    assert (two["site"], two["midline"], two["hpv"], two["age"]) == ("oral cavity", "yes", "positive", "")
    assert cohort.read(tmp_path)["t_category"].tolist() == ["T4", "T2"]  # the study accepts every level


def test_every_level_of_the_adapter_is_declared_in_the_study():
    declared = {c.name: set(c.levels) for c in studies.read(STUDY).covariates if c.type == "categorical"}
    ours = {name: {v for v in levels.values() if v} for name, levels in lydata.LEVELS.items()}
    ours |= {name: set(words) for name, words in lydata.OTHER_NECK.items()}
    assert declared == ours | {"levels_examined": {str(k) for k in range(len(lydata.EXAMINED) + 1)}}


def test_a_positive_specimen_of_several_levels_is_a_metastasis_of_that_side(tmp_path):
    specimen = {f"enbloc_dissected_{level}": "20a" for level in ("II", "III")}
    there = {f"enbloc_positive_{level}": "1a" for level in ("II", "III")}
    empty = {"pathology_II": "", "pathology_III": ""}  # the source leaves the levels of a positive specimen empty
    other = {key.replace("_I", "_cI"): cell for key, cell in (specimen | there).items()}
    rows = [
        patient(1, **specimen, **there, **empty, n_stage="1"),
        patient(2, **specimen),  # a negative one: the levels say False
        patient(3, **other, n_stage="1"),  # in the other neck
        patient(4, pathology_all="", **specimen, **there),  # the whole neck in one piece
        patient(5, enbloc_positive_II="0a+2b", enbloc_positive_III="0a"),
        patient(6, pathology_cII="False", CT_cII="False", CT_cIII="True"),
    ]
    cases, steps = lydata.read(write(tmp_path / "d.csv", rows))
    shown = cases.set_index("patient_id")
    assert shown["label"].to_dict() == {"P1": 1, "P2": 0, "P3": 0, "P4": 1, "P5": 1, "P6": 0}
    assert steps[0][2] == {"no imaging of the ipsilateral neck": 0, "no pathology of the ipsilateral neck": 0}
    assert shown["levels_examined"].tolist() == ["3", "3", "3", "2", "3", "3"]
    assert shown["other_pathology"].tolist() == [
        *["not examined"] * 2,
        "metastasis",
        *["not examined"] * 2,
        "no metastasis",
    ]
    assert shown["other_imaging"].tolist() == [*["not imaged"] * 5, "suspicious"]
    assert shown["pn_category"].tolist() == ["pN1", "pN0", "pN1", "pN0", "pN0", "pN0"]


def test_the_consensus_of_clinicians_counts_as_imaging(tmp_path):
    headers = [("diagnostic_consensus" if h[0] == "CT" else h[0], *h[1:]) for h in HEADERS if h[0] != "PET"]
    rows = [
        {(("diagnostic_consensus" if k[0] == "CT" else k[0]), *k[1:]): v for k, v in row.items()} for row in BASE[:3]
    ]
    cases, _ = lydata.read(write(tmp_path / "d.csv", rows, headers))
    assert cases["patient_id"].tolist() == ["P1", "P2"]


def test_further_centres_are_external_and_the_flow_counts_both(table, tmp_path):
    folder = tmp_path / "study"
    (folder / "external").mkdir(parents=True)
    shutil.copy(STUDY / "study.yaml", folder)
    more = write(folder / "external" / "lyon.csv", [patient(1, institution="Lyon"), *BASE[1:3]])
    made = lydata.write_cohort(folder, table, external=[more])
    assert made == {"external": {"cases": 2, "events": 1}, "train": {"cases": 4, "events": 2}}
    frame = cohort.read(folder)
    assert frame.loc[frame["split"] == "external", "patient_id"].tolist() == ["lyon-P1", "lyon-P2"]
    steps = json.loads((folder / "flow.json").read_text())
    assert [n for _, n, _ in steps] == [12, 9, 6]
    assert flow(steps, cohort=frame).frame().query("kind == 'split'")["n"].tolist() == [4, 2]


def test_reasons_that_took_nobody_out_are_not_in_the_flow(tmp_path):
    lydata.write_cohort(tmp_path, write(tmp_path / "d.csv", BASE[:2]))
    assert [out for _, _, out in json.loads((tmp_path / "flow.json").read_text())] == [{}, {}, {}]


def test_rows_are_counted_as_a_spreadsheet_does_also_after_an_empty_row(tmp_path):
    rows = [patient(1), patient(2, t_stage="9", pathology_II="True")]
    assert "row 5, column tumor | 1 | t_stage: unknown value '9'" in fault(tmp_path, rows)
    assert "row 6, column tumor | 1 | t_stage" in fault(tmp_path, rows, blank_after=1)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"CT_II": "maybe"}, ("row 5, column CT | ipsi | II", "'maybe' is neither True, False nor empty")),
        ({"pathology_Ia": "2"}, ("row 5, column pathology | ipsi | Ia", "'2'")),
        ({"enbloc_positive_Ib": "two"}, ("row 5, column enbloc_positive | ipsi | Ib", "'two'", "such as 2a")),
        ({"n_stage": "x"}, ("row 5, column patient | # | n_stage", "'x'", "use 0, 1, 2, 3")),
        ({"stage_prefix": "r"}, ("row 5, column tumor | 1 | stage_prefix", "'r'")),
        ({"sex": "mael"}, ("row 5, column patient | # | sex", "'mael'", "use female, male")),
        ({"location": "lip"}, ("row 5, column tumor | 1 | location", "'lip'", "oral cavity, oropharynx")),
        ({"nicotine_abuse": "often"}, ("row 5, column patient | # | nicotine_abuse", "'often'")),
        ({"age": "old"}, ("row 5, column patient | # | age", "'old' is not a number")),
        ({"id": ""}, ("row 5, column patient | # | id", "no number")),
        ({"id": "P1"}, ("row 5, column patient | # | id", "'P1' appears twice")),
        ({"institution": ""}, ("row 5, column patient | # | institution", "is empty")),
    ],
)
def test_a_wrong_value_is_named_with_row_and_headers(tmp_path, cells, words):
    text = fault(tmp_path, [patient(1), patient(2, **{"pathology_II": "True", **cells})])
    assert all(word in text for word in ("bad.csv", *words)), text


def test_a_value_outside_the_cohort_is_not_judged(tmp_path):
    rows = [*BASE[:2], patient(3, CT_II="True", t_stage="0", location="unknown primary")]
    assert len(lydata.read(write(tmp_path / "d.csv", rows))[0]) == 2


@pytest.mark.parametrize("header", list(lydata.COLUMNS.values()))
def test_a_missing_column_is_named_by_its_three_headers(tmp_path, header):
    text = fault(tmp_path, BASE, headers=[h for h in HEADERS if h != header])
    assert f"no column with the headers {' | '.join(header)}" in text


@pytest.mark.parametrize(("block", "words"), [("pathology", "pathology | ipsi"), ("CT", "CT or MRI or PET")])
def test_a_missing_block_is_named(tmp_path, block, words):
    gone = {block, "PET"} if block == "CT" else {block}
    assert words in fault(tmp_path, BASE, headers=[h for h in HEADERS if h[0] not in gone])


def test_an_unknown_block_is_not_passed_over(tmp_path):
    text = fault(tmp_path, BASE, headers=[*HEADERS, ("SPECT", "ipsi", "II")])
    assert "unknown block 'SPECT'" in text and "imaging is one of CT" in text


def test_no_image_negative_neck_and_one_class_only_are_errors(tmp_path):
    assert "no patient has a neck that is negative" in fault(tmp_path, [patient(1, CT_II="True")])
    assert "all 2 necks that are negative on imaging have no metastasis" in fault(tmp_path, [patient(1), patient(2)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not 3 header rows"),
        (b"a,b\n1,2\n", "not 3 header rows"),
        (b"\xff\xfe\x00bad", "not UTF-8"),
        (b'a,"b\n1,2\n', "not a CSV table"),
    ],
)
def test_another_file_is_refused(tmp_path, content, words):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(StudyError, match=words):
        lydata.read(tmp_path / "bad.csv")


def test_a_ragged_row_and_a_repeated_header_are_refused(tmp_path):
    path = write(tmp_path / "bad.csv", BASE)
    path.write_text(path.read_text() + "stray,cells\n")
    with pytest.raises(StudyError, match="row 13: 2 cells where row 1 has"):
        lydata.read(path)
    assert "appears twice" in fault(tmp_path, BASE, headers=[*HEADERS, ("CT", "ipsi", "II")])


def test_the_real_table_has_134_image_negative_necks_and_35_occult_metastases(tmp_path):
    if not os.environ.get(registry.VARIABLE) or outside.missing(studies.read(STUDY)):
        pytest.skip("lyDATA is not at hand")
    shutil.copy(STUDY / "study.yaml", tmp_path)
    made = outside.write_study(tmp_path, studies.read(tmp_path))
    assert made == {"train": {"cases": 134, "events": 35}}
    assert [n for _, n, _ in json.loads((tmp_path / "flow.json").read_text())] == [332, 326, 134]
    frame = cohort.read(tmp_path)
    assert (len(frame), int(frame["label"].sum()), frame["patient_id"].nunique()) == (134, 35, 134)
    assert frame["site"].value_counts().to_dict() == {
        "oral cavity": 107,
        "oropharynx": 20,
        "larynx": 6,
        "hypopharynx": 1,
    }
    # the same counts by another way: pandas over the raw cells, without the adapter
    raw = pd.read_csv(registry.locate("neck_nodal_involvement") / "2023-isb-multisite/data.csv", header=[0, 1, 2])
    seen = pd.concat([raw[block]["ipsi"] for block in ("CT", "MRI", "PET")], axis=1)
    found = raw["pathology"]["ipsi"]
    pieces = raw["enbloc_positive"]["ipsi"].fillna("").astype(str).agg(" ".join, axis=1).str.contains("[1-9]")
    both = seen.notna().any(axis=1) & (found.notna().any(axis=1) | pieces)
    negative = both & ~(seen == True).any(axis=1)  # noqa: E712
    assert (both.sum(), negative.sum()) == (326, 134)
    ids, positive = raw["patient"]["#"]["id"], (found == True).any(axis=1) | pieces  # noqa: E712
    assert set(ids[negative]) == set(frame["patient_id"])
    assert set(ids[negative & positive]) == set(frame.loc[frame["label"] == 1, "patient_id"])
    assert set(ids[negative & pieces & ~(found == True).any(axis=1)]) == {"BE361", "BE522", "BE594", "BE621"}  # noqa: E712
    # where the pN category of the source disagrees: the other neck explains five, nothing explains three
    apart = frame[(frame["pn_category"] != "pN0") != (frame["label"] == 1)]
    assert apart["other_pathology"].value_counts().to_dict() == {"metastasis": 5, "no metastasis": 2, "not examined": 1}
    assert frame["t_assessed"].value_counts().to_dict() == {"by pathology": 124, "clinically": 10}
    assert (frame["other_imaging"] == "suspicious").sum() == 12


def test_an_absent_set_is_one_error_and_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    monkeypatch.setattr(registry, "FETCHED", tmp_path / "none")
    study = studies.read(STUDY)
    assert outside.missing(study) == ["neck_nodal_involvement"]
    with pytest.raises(StudyError, match=r"neck_nodal_involvement is not here.*make data"):
        outside.write_study(tmp_path, study)

"""Every table that a chapter will read is read before the first hour of computing, and its faults are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from conftest import STUDY, write_tiny
from helpers.book import build, graph
from helpers.data import outlines, structures
from helpers.data.errors import StudyError
from helpers.stats import checked

CLASSES = ("benign", "low", "malignant")


def written(folder: Path, *, chapters: str, more: str = "") -> Path:
    """The tiny study with other chapters and sections."""
    text = STUDY.replace("[cohort, baseline, discrimination, calibration, decision, subgroups, reporting]", chapters)
    (folder / "study.yaml").write_text(text + more, encoding="utf-8")
    write_tiny(folder)
    return folder


def put(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def first_fault(folder: Path) -> str:
    """What a build says before it starts; both ways of checking say the same."""
    with pytest.raises(StudyError) as caught:
        checked.check(folder)
    with pytest.raises(StudyError) as again:
        build._check(next(iter(graph.studies([str(folder)], "quick").values())))
    assert str(caught.value) == str(again.value)
    return str(caught.value)


def outlining(folder: Path) -> Path:
    """A study that outlines: stills, reports and structures of 40 cases."""
    more = "inputs: {still: {label: B-mode, kind: bmode, crop: {whole: true}, size: 32}}\n"
    more += "segmentation: {input: still, networks: {YNet: ynet}}\nreports: {language: en}\n"
    more += "profiles: {quick: {training: {size: 32, crop_size: 32}}}\n"
    written(folder, chapters="[cohort, ynet, segmentation, reports]", more=more)
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(folder / "one.png")
    cases = [f"C{i:02}" for i in range(40)]
    put(
        folder,
        "media.csv",
        "case_id,kind,path,roi,frames,key_frame",
        *(f"{c},bmode,one.png,1 1 9 9,1,0" for c in cases),
    )
    put(folder, "reports.csv", "case_id,text", *(f"{c},No metastasis." for c in cases))
    put(folder, "structures.csv", "case_id,path", *(f"{c},one.png" for c in cases))
    return folder


def changed(folder: Path, name: str, row: int, line: str) -> None:
    """Replace one row of a table, counted as a spreadsheet counts."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    lines[row - 1] = line
    put(folder, name, *lines)


@pytest.mark.parametrize(
    ("name", "row", "line", "said"),
    [
        (
            "reports.csv",
            40,
            "C99,No metastasis.",
            "reports.csv, row 40, column case_id: case 'C99' is not in cohort.csv",
        ),
        ("reports.csv", 1, "case,text", "reports.csv, row 1, column case_id: there is no such column"),
        ("structures.csv", 2, "C00,two.png", "structures.csv, row 2, column path: 'two.png' is not there"),
        ("structures.csv", 2, "C00,../one.png", "structures.csv, row 2, column path: '../one.png' leads out"),
        (
            "structures.csv",
            3,
            "C00,one.png",
            "structures.csv, row 3, column case_id: case 'C00' has structures in row 2",
        ),
        ("structures.csv", 9, "X7,one.png", "structures.csv, row 9, column case_id: case 'X7' is not in cohort.csv"),
        ("structures.csv", 5, "C03,media.csv", "structures.csv, row 5, column path: 'media.csv': unknown format"),
    ],
)
def test_reports_and_structures_are_read_first(tmp_path, name, row, line, said):
    folder = outlining(tmp_path)
    assert checked.check(folder)["cases"].sum() == 40
    changed(folder, name, row, line)
    assert first_fault(folder).startswith(said)


def test_a_table_that_is_not_there_is_asked_for(tmp_path):
    folder = outlining(tmp_path)
    (folder / "reports.csv").unlink()
    assert first_fault(folder) == (
        "reports.csv: no such file. Way out: put the table there, or take reports out of study.yaml."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}', "flow.json: it holds no list of steps"),
        ("[", "flow.json: not JSON in UTF-8"),
        ("[" * 100_000, "flow.json: not JSON in UTF-8"),
        ('["All patients"]', "flow.json: step 1 is not a label, a number and who was excluded"),
        ('[["All", 50, {"lost": 10}], ["Seen", 41, {}]]', "flow.json: 'All' has 50, 10 are excluded"),
        ('[["All", 50, {"lost": 9}]]', "flow.json: the splits have 40 together"),
        ('[["All", 50, {"lost": -10}]]', "flow.json: 'lost' has -10"),
    ],
)
def test_the_flow_is_counted_first(tiny, text, said):
    (tiny / "flow.json").write_text(text, encoding="utf-8")
    assert first_fault(tiny).startswith(said)


def judged(folder: Path, *, rating: str = "benign", patients: range = range(0, 40, 2)) -> Path:
    """A study of three classes with two readers."""
    written(folder, chapters="[cohort, class_readers]", more="")
    text = (folder / "study.yaml").read_text(encoding="utf-8").replace("kind: cross-validation", "kind: test")
    text = text.replace(
        "reference_standard: histology", f"reference_standard: histology, classes: [{', '.join(CLASSES)}]"
    )
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    cohort = pd.read_csv(folder / "cohort.csv")
    cohort["label"] = [CLASSES[i // 2 % 3] for i in range(40)]
    cohort["split"] = np.where(np.arange(40) % 2, "train", "test")
    cohort.to_csv(folder / "cohort.csv", index=False)
    truth = cohort.set_index("patient_id")["label"]
    lines = [f"{who},5,P{i:02},{truth[f'P{i:02}']},{rating}" for who in "AB" for i in patients]
    put(folder, "readings.csv", "reader,experience,patient_id,label,rating", *lines)
    put(folder, "predictions.csv", "label,risk_benign,risk_low,risk_malignant", "low,0.2,0.5,0.3", "benign,0.7,0.2,0.1")
    return folder


def test_readings_of_classes_are_read_first(tmp_path):
    folder = judged(tmp_path)
    assert checked.check(folder)["cases"].sum() == 40
    changed(folder, "readings.csv", 4, "A,5,P04,malignant,benignn")
    with pytest.raises(StudyError, match=r"readings\.csv, row 4, column rating: 'benignn' is none of the classes"):
        checked.check(folder)
    changed(folder, "readings.csv", 4, "C,5,P04,malignant,low")
    with pytest.raises(StudyError, match=r"readings\.csv, column reader: \w did not judge every patient"):
        checked.check(folder)
    with pytest.raises(StudyError, match="'P00' is 'low' here and 'benign' in the study"):
        checked.check(wrong_label(judged(tmp_path)))
    with pytest.raises(StudyError, match="no patient of the readings is among the judged ones"):
        checked.check(judged(tmp_path, patients=range(1, 40, 2)))
    (folder / "readings.csv").unlink()
    with pytest.raises(
        StudyError, match=r"readings\.csv: no such file\. Way out: put the table there, or take class_r"
    ):
        checked.check(folder)


def wrong_label(folder: Path) -> Path:
    table = pd.read_csv(folder / "readings.csv")
    table.loc[table["patient_id"] == "P00", "label"] = "low"
    table.to_csv(folder / "readings.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        ("{}", "study.yaml, key readers.positive_from: ratings are graded"),
        ("{positive_from: 9}", "study.yaml, key readers.positive_from: 9 divides nothing"),
        ("{aided: helped, positive_from: 3}", "study.yaml, key readers.aided: no reading has the modality 'helped'"),
    ],
)
def test_settings_of_readers_are_compared_with_their_table_first(tmp_path, readers, said):
    written(tmp_path, chapters="[readers]", more=f"readers: {readers}\n")
    lines = [f"{r},1,{m},K{k},P{k},{k % 2},{1 + k}" for r in "AB" for m in ("unaided", "aided") for k in range(4)]
    put(tmp_path, "readings.csv", "reader,experience,modality,case_id,patient_id,label,rating", *lines)
    assert first_fault(tmp_path).startswith(said)


def test_the_rule_of_the_graph_checks_the_same(tmp_path):
    folder = outlining(tmp_path)
    command = [sys.executable, "-m", "helpers.book.warm", "helpers.stats.checked", str(folder)]
    done = subprocess.run([*command, str(tmp_path / "splits.csv")], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and (tmp_path / "splits.csv").is_file(), done.stderr
    changed(folder, "structures.csv", 2, "C00,two.png")
    done = subprocess.run([*command, str(tmp_path / "again.csv")], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "structures.csv, row 2" in done.stderr and "Traceback" not in done.stderr


def test_a_damaged_image_of_structures_names_its_row(tmp_path):
    folder = outlining(tmp_path)
    (folder / "two.png").write_bytes((folder / "one.png").read_bytes()[:40])
    changed(folder, "structures.csv", 2, "C00,two.png")
    square = {"height": [48], "width": [64], "crop_x0": [0.0], "crop_y0": [0.0], "crop_side": [48.0]}
    cases = [f"C{i:02}" for i in range(40)]
    with pytest.raises(StudyError, match=r"structures\.csv, row 2, column path: two\.png"):
        structures.read_structures(folder, ["C00"], pd.DataFrame(square), side=8, cohort=cases)
    codes = structures.read_structures(folder, ["C01"], pd.DataFrame(square), side=8, cohort=cases)
    assert codes.shape == (1, 8, 8) and not codes.any()


def test_damaged_outlines_are_a_fault_of_the_file(tmp_path):
    """Bytes flipped, the file cut, and nothing in it at all."""
    made = outlines.Outlines(np.array(["N1", "N2"]), np.ones((2, 9, 9), bool), None, None)
    whole = outlines.write(tmp_path / "outlines.npz", made).read_bytes()
    damaged = [b"", *(whole[:end] for end in range(1, len(whole), 50))]
    damaged += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 6)]
    faults = 0
    for content in damaged:
        (tmp_path / "outlines.npz").write_bytes(content)
        try:
            outlines.read(tmp_path / "outlines.npz")
        except StudyError as error:
            faults += 1
            assert "run the page of the network again" in str(error)
    assert faults > len(damaged) / 2

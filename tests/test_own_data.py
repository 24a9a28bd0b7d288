"""A user's own tables and media are never replaced, removed or called simulated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from helpers.book import build, graph
from helpers.data import cases, made
from helpers.data.errors import StudyError
from helpers.data.outside import lydata, recordings, viper
from helpers.data.simulate import folder as simulating

ROOT = Path(__file__).resolve().parents[1]
MINE = "patient_id,case_id,center,split,label\nreal,1,A,train,1\n"


def edited(folder: Path, study: str = "olnm") -> Path:
    """A copied study.yaml whose source still says that cases are simulated, beside tables and media of patients."""
    (folder / "media").mkdir(parents=True)
    text = (ROOT / "data" / study / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(text.replace(f"name: {study}", f"name: {folder.name}"), encoding="utf-8")
    (folder / "cohort.csv").write_text(MINE, encoding="utf-8")
    (folder / "media.csv").write_text("case_id\n1\n", encoding="utf-8")
    (folder / "media" / "1.dcm").write_bytes(b"DICOM")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path, *, cohort: str = "a\n", media: bytes = b"1") -> Path:
    """What a generator leaves."""
    work = folder / simulating.WORK
    (work / "media" / "C1").mkdir(parents=True)
    (work / "media" / "C1" / "b.png").write_bytes(media)
    (work / "cohort.csv").write_text(cohort, encoding="utf-8")
    (work / "media.csv").write_text("b\n", encoding="utf-8")
    simulating.publish(work, folder, ("media.csv", "cohort.csv"), by="olnm")
    work.rmdir()
    made.keep(folder, cases.SUMMARY, "{}\n")
    return folder


# ------------------------------------------------------------------------------ before anything is planned
def test_a_build_stops_before_it_removes_tables_that_only_look_simulated(tmp_path, capsys):
    folder = edited(tmp_path / "mine")
    before = contents(folder)
    assert build.main(["--study", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "cohort.csv, media.csv, media/1.dcm: not written by this version of ThyroBook" in said
    assert "source: {kind: own}" in said and f"rm -r {folder}/cohort.csv {folder}/media.csv {folder}/media" in said
    assert contents(folder) == before


def test_every_faulty_study_is_named_at_once(tmp_path):
    folders = [str(edited(tmp_path / "mine")), str(edited(tmp_path / "readers", "viper"))]
    found = build._faults(graph.studies(folders, "quick").values())
    assert [text.split(":")[0] for text in found] == folders


def test_plain_snakemake_stops_too(tmp_path):
    folder = edited(tmp_path / "mine")
    before = contents(folder)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--nolock", "mine_cases"]
    command += ["--config", f"studies={json.dumps([str(folder)])}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "not written by this version of ThyroBook" in done.stderr + done.stdout
    assert contents(folder) == before


def test_an_own_study_is_never_asked(tmp_path):
    folder = edited(tmp_path / "mine", "olnm")
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(text.replace("kind: simulated", "kind: own"), encoding="utf-8")
    graph.studies([str(folder)], "quick")["mine"].keep_own()


@pytest.mark.parametrize("study", graph.DEFAULT_STUDIES)
def test_every_table_that_a_rule_writes_is_looked_after(study):
    node = graph.studies([study], "quick")[Path(study).name]
    assert {Path(name).name for name in node.generated} <= set(made.TABLES)


# ------------------------------------------------------------------------------ what counts as ours
def test_what_a_generator_left_is_ours_until_it_is_changed(tmp_path):
    folder = written(tmp_path)
    assert made.foreign(folder) == []
    about = json.loads((folder / made.MARKER).read_text(encoding="utf-8"))
    assert (about["kind"], about["by"]) == ("simulated", "olnm")
    assert set(about["files"]) == {"cohort.csv", "media.csv", "simulation.json"}
    written(tmp_path, cohort="another\n", media=b"22")  # our own files may be replaced
    assert contents(folder)["media/C1/b.png"] == b"22" and made.foreign(folder) == []
    (folder / "media" / ".DS_Store").write_bytes(b"")  # somebody looked at the folder
    assert made.foreign(folder) == []
    (folder / "cohort.csv").write_text(MINE, encoding="utf-8")
    (folder / "media" / "C1" / "patient.dcm").write_bytes(b"DICOM")
    (folder / "media" / "C1" / "b.png").write_bytes(b"mine")
    (folder / "readings.csv").write_text("reader\n", encoding="utf-8")
    expected = ["cohort.csv", "readings.csv", "media/C1/b.png", "media/C1/patient.dcm"]
    assert made.foreign(folder) == expected
    before = contents(folder)
    with pytest.raises(StudyError, match=r"and 1 more: not written by this version"):
        written(tmp_path)
    left = contents(folder)
    assert before.items() <= left.items()


def test_without_the_list_or_with_a_spoiled_one_nothing_is_ours(tmp_path):
    folder = written(tmp_path)
    (folder / made.MARKER).write_text("[", encoding="utf-8")
    assert made.foreign(folder) == ["cohort.csv", "media.csv", "simulation.json", "media/C1/b.png"]
    assert made.remove(folder) == made.foreign(folder)
    (folder / made.MARKER).unlink()
    assert made.remove(folder) == [] and made.foreign(folder)[0] == "cohort.csv"


def test_a_killed_run_knows_its_own_files(tmp_path, monkeypatch):
    written(tmp_path)
    replace = Path.replace
    for last in (f".{made.MARKER}.part", "media.csv", "cohort.csv"):

        def killed(self, target, last=last):
            if self.name == last:
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path, cohort=f"{last}\n")
        monkeypatch.undo()
        assert made.foreign(tmp_path) == []
        subprocess.run(["rm", "-r", str(tmp_path / simulating.WORK)], check=True)
        written(tmp_path)


def test_a_link_is_nobody_of_ours_and_is_not_followed(tmp_path):
    folder, elsewhere = written(tmp_path / "study"), tmp_path / "disk"
    elsewhere.mkdir()
    (elsewhere / "b.png").write_bytes(b"1")
    (folder / "media" / "C1" / "b.png").unlink()
    (folder / "media" / "C1").rmdir()
    os.symlink(elsewhere, folder / "media" / "C1")
    assert made.foreign(folder) == ["media/C1"]
    assert made.remove(folder) == ["media/C1"] and (elsewhere / "b.png").exists()
    about = json.loads((folder / made.MARKER).read_text(encoding="utf-8"))
    about["media"] |= {"media/../../disk/b.png": 1}
    about["files"] |= {"../disk/b.png": made._hash(elsewhere / "b.png")}
    (folder / made.MARKER).write_text(json.dumps(about), encoding="utf-8")
    made.remove(folder)
    assert (elsewhere / "b.png").exists()


# ------------------------------------------------------------------------------ every writer
@pytest.mark.parametrize(
    "write",
    [
        lambda folder: simulating.check(folder, seed=1, workers=1),
        lambda folder: lydata.write_cohort(folder, folder / "none.csv"),
        lambda folder: recordings.write_recordings(folder, {}),
    ],
    ids=["simulated", "lydata", "recordings"],
)
def test_no_writer_touches_a_folder_with_tables_of_patients(tmp_path, write):
    folder = edited(tmp_path / "mine")
    before = contents(folder)
    with pytest.raises(StudyError, match="not written by this version"):
        write(folder)
    assert contents(folder) == before


def test_readings_of_the_user_are_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "readings.csv").write_text("mine\n", encoding="utf-8")
    table = pd.DataFrame({"reader": ["a"], "case_id": ["1"], "label": [1]})
    monkeypatch.setattr(viper, "read", lambda *_: table)
    with pytest.raises(StudyError, match=r"readings\.csv: not written by this version"):
        viper.write_readings(tmp_path, tmp_path)
    assert contents(tmp_path) == {"readings.csv": b"mine\n"}


# ------------------------------------------------------------------------------ make clean
def project(folder: Path) -> Path:
    """A project that holds a generated study and two of patients, one of which only mentions the other kind."""
    written(folder / "data" / "generated")
    (folder / "data" / "generated" / "study.yaml").write_text("source: {kind: simulated}\n", encoding="utf-8")
    (folder / "data" / "generated" / "notes.txt").write_text("keep\n", encoding="utf-8")
    edited(folder / "data" / "mine")
    text = "name: other\nsource:\n  kind: own   # or kind: simulated\n"
    edited(folder / "data" / "other").joinpath("study.yaml").write_text(text, encoding="utf-8")
    return folder


def test_make_clean_removes_what_was_made_and_nothing_else(tmp_path):
    project(tmp_path)
    kept = {name: data for name, data in contents(tmp_path).items() if not name.startswith("data/generated/")}
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "results").mkdir()
    command = ["make", "--silent", "clean", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "" and not (tmp_path / "results").exists()
    left = contents(tmp_path / "data")
    assert {f"data/{name}": data for name, data in left.items()} == kept | {
        "data/generated/study.yaml": b"source: {kind: simulated}\n",
        "data/generated/notes.txt": b"keep\n",
    }
    assert not (tmp_path / "data" / "generated" / "media").exists()


def test_make_clean_says_what_it_left(tmp_path, capsys):
    folder = written(tmp_path / "data" / "generated")
    (folder / "cohort.csv").write_text(MINE, encoding="utf-8")
    assert made.main([str(tmp_path / "data")]) == 0
    assert "left, because it was not made here or was changed: cohort.csv" in capsys.readouterr().out
    assert (folder / "cohort.csv").read_text(encoding="utf-8") == MINE and not (folder / "media").exists()


def test_the_list_needs_nothing_but_the_standard_library():
    code = "import sys, helpers.data.made; sys.exit('pandas' in sys.modules or 'yaml' in sys.modules)"
    there = {"PYTHONPATH": str(Path("src").resolve())}
    assert subprocess.run([sys.executable, "-S", "-c", code], env=there, check=False).returncode == 0

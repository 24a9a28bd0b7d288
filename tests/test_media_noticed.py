"""Replacing a user's own image under its name is noticed, by the graph and by the printed hash of the data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT, STUDY, write_tiny
from helpers.book import graph
from helpers.book.execute import provenance
from helpers.data import fingerprint

INPUTS = "inputs: {still: {label: B-mode, kind: bmode, crop: {scale: 2}, size: 32}}\n"


def picture(path: Path, seed: int) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64), np.uint8)).save(path)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own study with a still and a mask for each of 40 cases."""
    folder = tmp_path / "own"
    (folder / "media").mkdir(parents=True)
    text = STUDY.replace("[cohort, baseline, discrimination, calibration, decision, subgroups, reporting]", "[inputs]")
    (folder / "study.yaml").write_text(text + INPUTS, encoding="utf-8")
    write_tiny(folder)
    drawn = np.zeros((48, 64), np.uint8)
    drawn[12:28, 12:28] = 255
    Image.fromarray(drawn).save(folder / "media" / "mask.png")
    rows = ["case_id,kind,path,roi,frames,key_frame,mask"]
    for i in range(40):
        picture(folder / "media" / f"{i}.png", i)
        rows.append(f"C{i:02},bmode,media/{i}.png,10 10 30 30,1,0,media/mask.png")
    (folder / "media.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_the_hash_is_that_of_the_content_on_every_machine(own, tmp_path):
    memory = tmp_path / "known.json"
    first = fingerprint.data(own, memory=memory)
    other = shutil.copytree(own, tmp_path / "elsewhere")
    os.utime(other / "media" / "3.png", (1, 1))
    assert fingerprint.data(other, memory=tmp_path / "other.json") == first, "times and places play no part"
    for name in ("media/3.png", "media/mask.png"):
        whole = (own / name).read_bytes()
        (own / name).write_bytes(whole[:-1] + b"?")
        assert fingerprint.data(own, memory=memory) != first, name
        (own / name).write_bytes(whole)
        assert fingerprint.data(own, memory=memory) == first


def test_every_table_and_what_it_names_is_part_of_the_data(own, tmp_path):
    memory, seen = tmp_path / "known.json", set()
    for name in ("reports.csv", "structures.csv", "flow.json", "readings.csv", "frames.csv"):
        seen.add(fingerprint.data(own, memory=memory))
        (own / name).write_text("case_id,path\nC00,codes.png\n", encoding="utf-8")
    seen.add(fingerprint.data(own, memory=memory))
    (own / "codes.png").write_bytes(b"codes")
    seen.add(fingerprint.data(own, memory=memory))
    (own / "codes.png").write_bytes(b"other")
    seen.add(fingerprint.data(own, memory=memory))
    assert len(seen) == 8
    assert fingerprint.data(tmp_path / "nowhere", memory=memory) is None


def test_faulty_tables_and_paths_are_left_to_the_check(own, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"one")
    for text in ("", "\0\0\xff", "case_id,path\nC1,../secret.png\n", 'path\n"' + "x" * 200_000, "path\n\nC1\n"):
        (own / "media.csv").write_text(text, encoding="latin-1")
        before = fingerprint.data(own, memory=tmp_path / "known.json")
        secret.write_bytes(secret.read_bytes() + b"two")
        assert fingerprint.data(own, memory=tmp_path / "known.json") == before, "files outside the folder are not read"


def test_unchanged_files_are_not_read_again(own, tmp_path):
    memory = tmp_path / "known.json"
    for path in (own / "media").iterdir():
        os.utime(path, (1e9, 1e9))
    time.sleep(2.1)  # a file that was touched just now is not trusted
    first = fingerprint.media(own, memory=memory)
    known = memory.read_text(encoding="utf-8")
    assert "media" not in known and str(own) not in known, "no path is written down"
    memory.write_text(known.replace('"]', 'f"]'), encoding="utf-8")  # what would be found by reading is not that
    assert fingerprint.media(own, memory=memory) != first


def test_only_a_users_own_media_are_looked_at_by_the_graph(own):
    node = next(iter(graph.studies([str(own)], "quick").values()))
    assert len(node.media_digest) == 64
    assert all(not other.media_digest for other in graph.studies(["data/olnm", "data/recordings"], "quick").values())
    assert node.beside("flow.json") == []
    (own / "flow.json").write_text("[]", encoding="utf-8")
    assert node.beside("flow.json") == [f"{own}/flow.json"]


def test_a_page_records_the_hash_of_its_data_with_its_media(own):
    first = provenance(own)["data"]
    picture(own / "media" / "7.png", 99)
    assert provenance(own)["data"] != first


@pytest.mark.build
def test_a_replaced_image_is_decoded_again_and_a_touched_one_is_not(own, tmp_path):
    for name in ("Snakefile", "src", "notebooks", "book", "_config.yml", "CHANGELOG.md", "data", "requirements.txt"):
        (tmp_path / name).symlink_to(ROOT / name)

    def planned(*options: str) -> str:
        command = [sys.executable, "-m", "helpers.book.graph_runner", "results/tiny/arrays.json", *options]
        command += ["--nolock", "--scheduler", "greedy", "--cores", "1", "--config", 'studies=["own"]']
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    planned()
    for path in (own / "media").iterdir():
        os.utime(path)
    assert "Nothing to be done" in planned("-n")
    picture(own / "media" / "7.png", 99)
    told = planned("-n")
    assert "decode the media, once" in told and "check the tables" not in told

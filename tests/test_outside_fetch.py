"""Fetching a declared set from a server on this machine: excerpts, mirrors, faults, and the command."""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from helpers.data import registry
from helpers.data.errors import StudyError

TABLE = b"a,b\r\n1,keep\r\n2,drop\r\n3,keep\r\n"
FILES = {"clips/one.bin": b"first file", "two b.bin": b"second file", "part.csv": b"a,b\n1,keep\n3,keep\n"}
SERVED = {"x/clips/one.bin": b"first file", "x/two b.bin": b"second file", "x/whole.csv": TABLE}
AT = {"clips/one.bin": "x/clips/one.bin", "two b.bin": "x/two b.bin", "part.csv": "x/whole.csv"}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(base: str, *, by_hand: bool = False) -> dict:
    files = {
        n: {"sha256": sha(data), "bytes": len(data)} | ({} if by_hand else {"at": AT[n]}) for n, data in FILES.items()
    }
    if not by_hand:
        files["part.csv"]["excerpt"] = {"lines_with": "keep", "sha256": sha(TABLE)}
    return {
        "title": "Toy set",
        "content": "Three files.",
        "organ": "none",
        "source": "example.org/toy",
        "commit": "0" * 40,
        "base": base,
        "doi": "10.1/toy",
        "licence": "CC0 1.0",
        "citation": "Toy A. 2020.",
        "files": files,
    }


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A server with the files of a set `toy`, a registry that declares it, and empty places to look in."""
    for name, data in SERVED.items():
        path = tmp_path / "served" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *parts):
            asked.append(self.path)

    handler = partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        path = tmp_path / "registry.yaml"
        declared = {"toy": entry(base), "manual": entry("https://example.org/toy/", by_hand=True)}
        path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
        monkeypatch.setattr(registry, "REGISTRY", path)
        monkeypatch.setattr(registry, "FETCHED", tmp_path / "fetched")
        monkeypatch.setenv(registry.VARIABLE, str(tmp_path / "own"))
        registry.sets.cache_clear()
        yield SimpleNamespace(base=base, root=tmp_path, asked=asked, served=tmp_path / "served")
        server.shutdown()
    registry.sets.cache_clear()


def place(folder: Path) -> Path:
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_every_set_that_this_project_uses_is_declared():
    assert set(registry.sets()) == {
        "neck_nodal_involvement",
        "lung_cine_clips",
        "dicom_ultrasound",
        "breast_bus_bra",
        "breast_lesions_usg",
        "neck_carotid_bmode",
        "muscle_frame_sequence",
        "thyroid_nodule_calcification",
        "reader_study_viper",
        "statistics_oracles",
        "thyroid_dtc_clinical",
    }
    assert [name for name, one in registry.sets().items() if one.by_hand] == [
        "thyroid_dtc_clinical",
        "statistics_oracles",
    ]
    for name, one in registry.sets().items():
        masks = {file for file in one.files if file.startswith("masks/")}
        assert all(file.replace("masks/", "images/") in one.files for file in masks), name
    for name, file in registry.declared("lung_cine_clips").files.items():
        assert file.licence in ("CC BY 4.0", "CC BY 2.0") and file.origin, name


def test_a_set_is_found_where_it_is_whole(toy):
    folder = place(toy.root / "own" / "toy")
    assert registry.locate("toy") == registry.locate("toy", verify=True) == folder
    (folder / "part.csv").unlink()
    assert registry.locate("toy") is None
    assert registry.locate("toy") != place(toy.root / "fetched" / "toy").parent
    assert registry.locate("toy") == toy.root / "fetched" / "toy"
    assert registry.locate("toy", root=toy.root / "own") is None
    wanted = registry.declared("toy")
    assert registry.faults(folder, wanted) == ["part.csv is absent"]
    (folder / "part.csv").write_bytes(b"short")
    assert registry.faults(folder, wanted) == ["part.csv has 5 bytes, not 18"]


def test_verify_sees_a_changed_file_and_reads_an_unchanged_one_once(toy, monkeypatch):
    folder = place(toy.root / "own" / "toy")
    wanted = registry.declared("toy")
    hashed = []
    real = hashlib.file_digest
    monkeypatch.setattr(registry.hashlib, "file_digest", lambda *a: hashed.append(1) or real(*a))
    for _ in range(3):
        assert registry.faults(folder, wanted, verify=True) == []
    assert len(hashed) == len(FILES)
    (folder / "clips/one.bin").write_bytes(b"FIRST FILE")  # same size
    os.utime(folder / "clips/one.bin", ns=(1, 1))
    assert registry.faults(folder, wanted) == []
    assert registry.faults(folder, wanted, verify=True) == ["clips/one.bin is another file than declared (SHA-256)"]
    assert len(hashed) == len(FILES) + 1


def test_fetch_gets_every_file_and_cuts_the_excerpt(toy):
    folder = registry.fetch("toy", retries=0)
    assert folder == toy.root / "fetched" / "toy" == registry.locate("toy", verify=True)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    before = len(toy.asked)
    registry.fetch("toy", retries=0)
    assert before >= 3 and len(toy.asked) == before  # nothing is asked for twice


def test_fetch_takes_another_address(toy):
    (toy.served / "mirror").mkdir()
    (toy.served / "x").rename(toy.served / "mirror" / "x")
    with pytest.raises(StudyError, match=r"of toy cannot be had"):
        registry.fetch("toy", retries=0)
    folder = registry.fetch("toy", base=toy.base + "mirror/", target=toy.root / "elsewhere", retries=0)
    assert folder == toy.root / "elsewhere" / "toy" and (folder / "two b.bin").is_file()


def test_a_changed_file_at_the_source_is_refused_and_not_kept(toy):
    (toy.served / "x/two b.bin").write_bytes(b"other bytes")
    with pytest.raises(StudyError, match=r"two b\.bin of toy cannot be had .* Way out: .*THYROBOOK_DATA"):
        registry.fetch("toy", retries=0)
    assert not (toy.root / "fetched/toy/two b.bin").exists()
    assert registry.locate("toy") is None


def test_a_source_that_cannot_be_reached_is_one_error(toy):
    with pytest.raises(StudyError, match=r"cannot be had from http://127\.0\.0\.1:9/"):
        registry.fetch("toy", base="http://127.0.0.1:9/", retries=0)


def test_a_set_without_an_address_is_got_by_hand(toy):
    with pytest.raises(StudyError, match=r"no address .* by hand from https://example\.org/toy/"):
        registry.fetch("manual")
    text = registry.how_to_get("manual")
    assert "make data" not in text and "https://example.org/toy/" in text and "THYROBOOK_DATA" in text


def test_how_to_get_says_all_a_reader_needs(toy):
    text = registry.how_to_get("toy")
    for part in (
        "**Toy set**",
        "CC0 1.0",
        "Toy A. 2020.",
        "doi.org/10.1/toy",
        "`make data`",
        "THYROBOOK_DATA",
        "`toy/`",
    ):
        assert part in text


def test_the_command_fetches_what_is_absent_and_says_so(toy, capsys):
    assert registry.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fetched  toy:") and lines[1] == "by hand  manual: https://example.org/toy/"
    assert registry.main(["toy"]) == 0
    assert capsys.readouterr().out.startswith("found    toy:")
    assert registry.main(["manual", "tot", "toy"]) == 1
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["cannot", "cannot", "found"]


def test_the_command_refuses_another_verb():
    run = subprocess.run([sys.executable, "-m", "helpers.data.registry", "drop"], capture_output=True, text=True)
    assert run.returncode == 1 and "usage" in run.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"licences": "typo"}, r"toy\.licences"),
        ({"base": "https://example.org/no-slash"}, r"toy\.base"),
        ({"files": {"../up.bin": {"at": "up.bin", "sha256": "0" * 64, "bytes": 1}}}, "leaves the folder"),
        ({"files": {"a": {"at": "a", "sha256": "zz", "bytes": 1}}}, r"toy\.files\.a\.sha256"),
        ({"files": {n: {"at": at, "sha256": "0" * 64, "bytes": 1} for n, at in (("a", "a"), ("b", None))}}, "or none"),
        ({"files": {}}, r"toy\.files"),
    ],
)
def test_a_wrong_entry_is_one_error_with_its_key(toy, changes, message):
    registry.REGISTRY.write_text(yaml.safe_dump({"toy": {**entry(toy.base), **changes}}), encoding="utf-8")
    registry.sets.cache_clear()
    with pytest.raises(StudyError, match=message):
        registry.sets()


def test_an_absent_registry_is_one_error(toy, monkeypatch):
    monkeypatch.setattr(registry, "REGISTRY", toy.root / "none.yaml")
    registry.sets.cache_clear()
    with pytest.raises(StudyError, match="from the repository root"):
        registry.sets()

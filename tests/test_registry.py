"""Outside data: declared with hashes, found or fetched, refused when they are not what was declared."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import threading
from pathlib import Path

import pytest

from helpers.data import outside, registry, study
from helpers.data.errors import StudyError


@pytest.fixture
def server(tmp_path):
    """A source on this machine that serves one file of a made-up set."""
    (tmp_path / "www" / "deep").mkdir(parents=True)
    (tmp_path / "www" / "deep" / "a.csv").write_bytes(b"x,y\n1,2\n")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()


def made_up(sha: str) -> registry.OutsideSet:
    file = registry.OutsideFile(at="deep/a.csv", sha256=sha, bytes=8)
    return registry.OutsideSet(
        title="Made up", content="One table.", organ="none", source="nowhere", commit="0" * 40, base="https://x/",
        doi=None, licence="CC0", citation="Nobody.", files={"sub/a.csv": file},
    )  # fmt: skip


def test_every_declared_set_names_source_commit_licence_and_hashes():
    for name, entry in registry.sets().items():
        assert entry.licence and entry.citation and len(entry.commit) == 40, name
        assert entry.commit in entry.base and entry.files


def test_a_set_is_fetched_then_found(server, tmp_path, monkeypatch):
    good = hashlib.sha256(b"x,y\n1,2\n").hexdigest()
    monkeypatch.setattr(registry, "sets", lambda: {"made_up": made_up(good)})
    monkeypatch.setattr(registry, "FETCHED", tmp_path / "got")
    monkeypatch.delenv(registry.VARIABLE, raising=False)
    assert registry.locate("made_up") is None
    registry.fetch("made_up", target=tmp_path / "got", base=server)
    assert registry.locate("made_up", verify=True) == tmp_path / "got" / "made_up"


def test_a_file_that_is_not_the_declared_one_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "sets", lambda: {"made_up": made_up("0" * 64)})
    with pytest.raises(ValueError, match="hash"):
        registry.fetch("made_up", target=tmp_path / "got", base=server)
    assert not (tmp_path / "got" / "made_up" / "sub" / "a.csv").exists()


def test_a_changed_file_is_not_taken_for_the_set(tmp_path, monkeypatch):
    good = hashlib.sha256(b"x,y\n1,2\n").hexdigest()
    monkeypatch.setattr(registry, "sets", lambda: {"made_up": made_up(good)})
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    path = tmp_path / "made_up" / "sub" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x,y\n1,3\n")
    assert registry.locate("made_up") is not None  # right size
    assert registry.locate("made_up", verify=True) is None
    path.write_bytes(b"short")
    assert registry.locate("made_up") is None


def test_a_declared_path_cannot_leave_the_set():
    entry = made_up("0" * 64).model_dump()
    entry["files"] = {"../a.csv": entry["files"]["sub/a.csv"]}
    with pytest.raises(ValueError, match="leaves the folder"):
        registry.OutsideSet.model_validate(entry)


def test_how_to_get_names_licence_command_and_variable():
    text = registry.how_to_get("neck_nodal_involvement")
    assert "CC BY-SA 4.0" in text and "make data" in text and registry.VARIABLE in text


def test_an_unknown_set_names_those_there_are():
    with pytest.raises(StudyError, match="use neck_nodal_involvement"):
        registry.declared("neck")


def test_what_is_missing_is_known_before_the_build(monkeypatch):
    monkeypatch.setattr(registry, "locate", lambda name, verify=False: None)
    settings = study.read("data/occult_neck")
    assert outside.missing(settings) == ["neck_nodal_involvement"]
    with pytest.raises(StudyError, match="run make data"):
        outside.write_study("data/occult_neck", settings)


@pytest.mark.skipif(not os.environ.get(registry.VARIABLE), reason="outside data are not here")
def test_what_is_here_is_what_was_declared():
    here = [name for name in registry.sets() if (Path(os.environ[registry.VARIABLE]) / name).is_dir()]
    assert here and all(registry.locate(name, verify=True) for name in here)

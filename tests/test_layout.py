"""The shape of the project: rooms import to the left only, nothing private or heavy slips in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ["data", "learn", "stats", "book"]
MAY_IMPORT = {"data": {"data"}, "learn": {"data", "learn"}, "stats": {"data", "stats"}, "book": set(ROOMS)}
MODULES = sorted(Path("src/helpers").rglob("*.py"))
PATH = re.compile(r"/(root|work|home|Users)/\w")


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_room_imports_only_from_rooms_to_its_left(path):
    room = path.relative_to("src/helpers").parts[0]
    if room not in ROOMS:
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("helpers.")}
    assert used & set(ROOMS) <= MAY_IMPORT[room]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_learn_names_torch(path):
    room = path.relative_to("src/helpers").parts[0]
    torchy = {name for name in imports(path) if name.split(".")[0] in ("torch", "torchvision", "timm")}
    assert not torchy or room == "learn"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_holds_one_concept(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_reading_results_never_imports_torch():
    rooms = [".".join(p.with_suffix("").parts[1:]) for p in MODULES if p.parts[2] in ("data", "stats", "book")]
    code = f"import importlib, sys\nfor m in {rooms!r}: importlib.import_module(m.removesuffix('.__init__'))\n"
    code += "sys.exit('torch imported' if 'torch' in sys.modules else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_machine_path_is_written_down():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    texts = {".py", ".md", ".yml", ".yaml", ".toml", ".txt", ".json", ".csv", ".cff"}
    paths = [Path(name) for name in listed if Path(name).suffix in texts and name != "tests/test_layout.py"]
    found = [str(path) for path in paths if path.is_file() and PATH.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_no_large_file_is_committed():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [n for n in listed if Path(n).is_file() and Path(n).stat().st_size > 4 * 2**20] == []

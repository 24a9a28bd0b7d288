"""environment.yml, requirements.txt and pyproject.toml say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

LOCKED: dict[str, set[str]] = {}
for line in Path("requirements.txt").read_text(encoding="utf-8").splitlines():
    if found := re.match(r"([a-z0-9][\w.-]*)==([^\s;\\]+)", line):
        LOCKED.setdefault(found[1], set()).add(found[2])
PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]


def direct() -> list[str]:
    extras = PROJECT["optional-dependencies"].values()
    return [re.split(r"[<>=]", text)[0] for group in (PROJECT["dependencies"], *extras) for text in group]


def test_environment_pins_what_the_lock_pins():
    parsed = yaml.safe_load(Path("environment.yml").read_text(encoding="utf-8"))
    pins = dict(text.split("==") for part in parsed["dependencies"] if isinstance(part, dict) for text in part["pip"])
    assert sorted(pins) == sorted(direct())
    assert {name: version for name, version in pins.items() if version not in LOCKED[name]} == {}


def test_every_locked_package_has_a_hash():
    text = Path("requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert [b.splitlines()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b] == []


def test_the_lock_names_no_registry():
    for name in ("requirements.txt", "environment.yml", "pyproject.toml"):
        assert "://" not in Path(name).read_text(encoding="utf-8")

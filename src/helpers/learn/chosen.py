"""The chosen networks and the settings they were trained with, for pages that run them again."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from helpers.learn.settings import Settings

PAGES = ("fuse", "networks")  # one of them chooses


@dataclass(frozen=True)
class Chosen:
    """The chosen networks and how they were trained.

    Attributes
    ----------
    networks : dict of str to (input, architecture)
        By model.
    seeds : tuple of int
    settings : Settings
    """

    networks: dict[str, tuple[str, str]]
    seeds: tuple[int, ...]
    settings: Settings

    def run(self, model: str, seed: int | None = None) -> str:
        """Folder name of a model's training run, the first seed's when none is given."""
        source, architecture = self.networks[model]
        return f"{source}-{architecture}-s{self.seeds[0] if seed is None else seed}"


def read_chosen(results: str | Path) -> Chosen:
    """Read the choice of a study from the page that made it, `fuse` or `networks`.

    Parameters
    ----------
    results : path
        `results/<study>`.
    """
    path = next(path for page in PAGES if (path := Path(results) / page / "chosen.json").is_file())
    content = json.loads(path.read_text(encoding="utf-8"))
    networks = {name: (source, architecture) for name, (source, architecture) in content["networks"].items()}
    known = {field.name for field in fields(Settings)}
    settings = {name: value for name, value in content["settings"].items() if name in known}
    return Chosen(networks, tuple(content["seeds"]), Settings(**settings))

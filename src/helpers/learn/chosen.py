"""What the choice hands to the pages after it: `chosen.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.learn.settings import Settings


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


def write_chosen(
    path: str | Path, networks: Mapping[str, tuple[str, str]], seeds: list[int], settings: Settings
) -> None:
    """Write the choice as JSON."""
    content = {
        "networks": {k: list(v) for k, v in networks.items()},
        "seeds": list(seeds),
        "settings": asdict(settings),
    }
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_chosen(path: str | Path) -> Chosen:
    """Read what `write_chosen` wrote."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    networks = {name: (source, architecture) for name, (source, architecture) in content["networks"].items()}
    return Chosen(networks, tuple(content["seeds"]), Settings(**content["settings"]))

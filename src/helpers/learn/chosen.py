"""What the choice hands to the pages after it: `chosen.json`. Torch is imported by those who read it only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def write_chosen(
    path: str | Path,
    networks: Mapping[str, tuple[str, str]],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
) -> None:
    """Write the choice as JSON; `settings` are those of the training runs, by name."""
    content = {
        "networks": {name: list(run) for name, run in networks.items()},
        "seeds": list(seeds),
        "settings": dict(settings),
    }
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def settings_of(results: str | Path, run: str) -> dict[str, Any]:
    """Parameters with which a training run was executed, from its record.

    Parameters
    ----------
    results : path
        `results/<study>`.
    run : str
        Such as `clip-resnet50-s0`.
    """
    record = json.loads((Path(results) / "train" / run / "run.json").read_text(encoding="utf-8"))
    return record["parameters"]


def by_case(results: str | Path) -> Path:
    """Table with the risk of every case by the chosen networks, where patients vote too.

    Parameters
    ----------
    results : path
        `results/<study>`.
    """
    path = Path(results) / "networks" / "cases.csv"
    return path if path.is_file() else Path(results) / "predictions.csv"


def read_chosen(results: str | Path) -> Chosen:
    """Read the choice of a study from the page that made it, `fuse` or `networks`.

    Parameters
    ----------
    results : path
        `results/<study>`.
    """
    from dataclasses import fields

    from helpers.learn.settings import Settings

    path = next(path for page in PAGES if (path := Path(results) / page / "chosen.json").is_file())
    content = json.loads(path.read_text(encoding="utf-8"))
    networks = {name: (source, architecture) for name, (source, architecture) in content["networks"].items()}
    known = {field.name for field in fields(Settings)}
    settings = {name: value for name, value in content["settings"].items() if name in known}
    return Chosen(networks, tuple(content["seeds"]), Settings(**settings))

"""What the choice of networks hands to the pages after it, `chosen.json` and the tables: written without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGES = ("fuse", "networks")  # one of them chooses


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


def read_choice(results: str | Path) -> dict[str, Any]:
    """What `write_chosen` wrote on the page of a study that chooses: networks, seeds, settings; empty without one.

    Parameters
    ----------
    results : path
        `results/<study>`.
    """
    paths = [Path(results) / page / "chosen.json" for page in PAGES]
    found = next((path for path in paths if path.is_file()), None)
    return {} if found is None else json.loads(found.read_text(encoding="utf-8"))


def chosen_networks(results: str | Path) -> dict[str, tuple[str, str]]:
    """Input and network by model, as the tuning patients chose them; empty where nothing was chosen."""
    return {model: tuple(run) for model, run in read_choice(results).get("networks", {}).items()}


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

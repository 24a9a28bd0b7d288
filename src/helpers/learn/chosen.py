"""The chosen networks and the settings they were trained with, for pages that run them again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from helpers.learn.choice import chosen_networks, read_choice
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


def read_chosen(results: str | Path) -> Chosen:
    """Read the choice of a study from the page that made it, `fuse` or `networks`.

    Parameters
    ----------
    results : path
        `results/<study>`.
    """
    content = read_choice(results)
    known = {field.name for field in fields(Settings)}
    settings = {name: value for name, value in content["settings"].items() if name in known}
    return Chosen(chosen_networks(results), tuple(content["seeds"]), Settings(**settings))

"""What the book holds, in which order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.book.pages import run_title


@dataclass(frozen=True)
class BookStudy:
    """What the book must know of one study.

    Parameters
    ----------
    name : str
        Short name: the folder below `results/` and in the book.
    title : str
        What the sidebar says.
    simulated : bool
        Whether the data are simulated; each page then carries the banner.
    pages : tuple of str
        Pages in reading order, such as `cohort` or `train/ceus-resnet18-s0`; those below `train/` stand under
        one heading. Each needs `results/<name>/<page>/notebook.ipynb`.
    absent : str
        For a study whose data are not here: MyST text that says what it is and how to get it. It is shown
        instead of the pages.
    summary : str
        One sentence for the front page.
    kind : str
        Footer of its card on the front page; simulated or real data when empty.
    headings : mapping from page to str
        What stands behind the title of pages that share a notebook, such as `paper A`.
    beside : mapping from page to str
        MyST text under the title of a page: where the same is looked at from another side.
    """

    name: str
    title: str
    simulated: bool = False
    pages: tuple[str, ...] = ()
    absent: str = ""
    summary: str = ""
    kind: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that would leave the book's folder."""
        object.__setattr__(self, "pages", tuple(self.pages))
        for text in (self.name, *self.pages):
            if not re.fullmatch(r"[A-Za-z0-9_]+(?:[-./][A-Za-z0-9_]+)*", text):
                raise ValueError(f"name and pages must be plain names, not {text!r}")
        if bool(self.absent) == bool(self.pages):
            raise ValueError(f"study {self.name}: give either pages or the text for absent data")


def contents(studies: Sequence[BookStudy], *, changelog: bool = True) -> dict[str, Any]:
    """Say the order of the pages, as `_toc.yml` wants it.

    Examples
    --------
    >>> toc = contents([BookStudy("a", "Study A", pages=("cohort", "train/x-s0"))], changelog=False)
    >>> [part["caption"] for part in toc["parts"]], toc["parts"][0]["chapters"][1]["sections"]
    (['Study A', 'About'], [{'file': 'a/train/x-s0', 'title': 'x, seed 0'}])
    """
    parts = []
    for study in studies:
        chapters: list[dict[str, Any]] = []
        for page in study.pages or ("absent",):
            if not page.startswith("train/"):
                parent = _parent(chapters, f"{study.name}/{page}")
                if parent is None:
                    chapters.append({"file": f"{study.name}/{page}"})
                else:
                    parent.setdefault("sections", []).append({"file": f"{study.name}/{page}"})
                continue
            index = f"{study.name}/train/index"
            if not any(chapter["file"] == index for chapter in chapters):
                chapters.append({"file": index, "sections": []})
            chapter = next(chapter for chapter in chapters if chapter["file"] == index)
            chapter["sections"].append({"file": f"{study.name}/{page}", "title": run_title(page)})
        parts.append({"caption": study.title, "numbered": 2, "chapters": chapters})
    about = ["how_numbers_are_made", "glossary", "references", *(["changelog"] if changelog else []), "citation"]
    parts.append({"caption": "About", "chapters": [{"file": name} for name in about]})
    return {"format": "jb-book", "root": "intro", "parts": parts}


def _parent(chapters: Sequence[dict[str, Any]], file: str) -> dict[str, Any] | None:
    """The chapter that a page lies under: `a/claims` for `a/claims/b`, where there is one."""
    above = file.rpartition("/")[0]
    return next((chapter for chapter in chapters if chapter["file"] == above), None)

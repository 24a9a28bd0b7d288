"""Leave out the sections of a chapter of which a study has nothing to show."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Sequence
from typing import Any

from helpers.book import labels

_HEADING = re.compile(r"^(?:\([^()\s]+\)=\n)?(#{2,6}) ")
_NEXT = re.compile(r"\n(?=(?:\([^()\s]+\)=\n)?#{2,6} )")
_SHOWN = re.compile(r"^\s*(?::{3,}|`{3,})\{result-", re.MULTILINE)


def without(cells: Sequence[Any], present: Collection[str]) -> list[Any]:
    """Cells without result directives that were not made, and without sections of which these were all.

    A cell that holds the end of one section and the head of the next becomes two. The code of a section that is left
    out stays: it ran, and later cells may use its names.

    Parameters
    ----------
    cells : sequence of notebook cells
        Their `source` is changed.
    present : collection of str
        Names of figures, tables and views that the page wrote.

    Returns
    -------
    list of notebook cells

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell
    >>> lines = ["## All classes", "", "More than two.", "", ":::{result-table} tab-a", ":optional:", ":::"]
    >>> cells = [new_markdown_cell("# Who?"), new_markdown_cell(chr(10).join(lines)), new_markdown_cell("## Next")]
    >>> [cell.source for cell in without(cells, [])]
    ['# Who?', '## Next']
    """
    cells = [part for cell in cells for part in _sections(cell)]
    had = [cell.cell_type == "markdown" and bool(_SHOWN.search(cell.source)) for cell in cells]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = labels.without(cell.source, present)
    levels = [_level(cell) for cell in cells]
    gone: set[int] = set()
    for at, level in enumerate(levels):
        if level:
            end = next((k for k in range(at + 1, len(cells)) if 0 < levels[k] <= level), len(cells))
            texts = [k for k in range(at, end) if cells[k].cell_type == "markdown"]
            empty = not any(_SHOWN.search(cells[k].source) or "{glue:" in cells[k].source for k in texts)
            if empty and any(had[k] for k in texts):
                gone.update(texts)
    return [cell for k, cell in enumerate(cells) if k not in gone]


def _sections(cell: Any) -> list[Any]:
    """A cell of text for each heading in it, the first with what stands before; another cell as it is."""
    texts = _NEXT.split(cell.source) if cell.cell_type == "markdown" else [cell.source]
    parts = [cell, *(copy.deepcopy(cell) for _ in texts[1:])]
    for k, (part, text) in enumerate(zip(parts, texts)):
        part.source = text.strip("\n") if len(texts) > 1 else text
        if k and "id" in part:
            part["id"] = f"{cell['id'][:60]}-{k}"  # identifiers are unique, and no longer than 64 characters
    return parts


def _level(cell: Any) -> int:
    """Level of the heading that a cell begins with; 0 for another cell."""
    found = _HEADING.match(cell.source) if cell.cell_type == "markdown" else None
    return len(found[1]) if found else 0

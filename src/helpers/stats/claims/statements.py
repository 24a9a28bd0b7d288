"""Statements in words, put side by side."""

from __future__ import annotations

from typing import Any

from helpers.stats.claims.finding import NOT_CHECKABLE, Finding
from helpers.stats.claims.reading import Links
from helpers.stats.claims.writing import write


def side_by_side(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Print statements beside one another that a reader will want to compare; words are not arithmetic.

    Entry: `cells`, `says` (what to notice). Error budget: none; the verdict is always `not checkable`.
    """
    cells = links.cells(entry, "cells")
    shown = "; ".join(f"{cell.table}, {cell.row}: {cell.text}" for cell in cells)
    severity = "major" if entry.get("headline") else "minor"
    return [
        write(
            links,
            entry,
            "statements.side_by_side",
            NOT_CHECKABLE,
            cells=cells,
            printed=shown,
            recomputed="",
            explanation=str(links.need(entry, "says")),
            severity=severity,
        )
    ]

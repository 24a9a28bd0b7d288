"""Build findings from cells: what every rule shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from helpers.stats.claims.finding import Finding, severity_of
from helpers.stats.claims.reading import Cell, Links


def write(
    links: Links,
    entry: dict[str, Any],
    rule: str,
    verdict: str,
    *,
    cells: Iterable[Cell],
    printed: str,
    recomputed: str,
    explanation: str,
    row: str | None = None,
    table: str | None = None,
    severity: str | None = None,
) -> Finding:
    """Write one finding; table and row are those of the first cell unless given.

    Parameters
    ----------
    links : Links
    entry : dict
        The declared link: its `claim` is printed, and `headline: true` makes what is not consistent major.
    rule, verdict, printed, recomputed, explanation : str
        See `Finding`.
    cells : iterable of Cell
        Every cell that was used; the first gives the place.
    row, table, severity : str, optional

    Returns
    -------
    Finding
    """
    used = list(dict.fromkeys(cells))
    first = used[0]
    return Finding(
        paper=links.paper,
        table=first.table if table is None else table,
        row=first.row if row is None else row,
        claim=str(entry["claim"]),
        printed=printed,
        recomputed=recomputed,
        verdict=verdict,
        severity=severity or severity_of(verdict, headline=bool(entry.get("headline"))),
        rule=rule,
        explanation=explanation,
        cells=" | ".join(cell.trace for cell in used),
        used=tuple(used),
    )

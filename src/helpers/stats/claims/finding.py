"""What a rule says about printed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.stats.claims.reading import Cell

CONSISTENT = "consistent"
OTHER_COUNTS = "consistent only under other counts"
CONTRADICTORY = "contradictory"
NOT_CHECKABLE = "not checkable"
VERDICTS = (CONSISTENT, OTHER_COUNTS, CONTRADICTORY, NOT_CHECKABLE)

SEVERITIES = {
    "note": "changes nothing for a reader",
    "minor": "a printed number, count or name needs correcting or explaining; no conclusion rests on it",
    "major": "a headline number or a conclusion rests on it",
}
COLUMNS = (
    "paper",
    "table",
    "row",
    "claim",
    "printed",
    "recomputed",
    "verdict",
    "severity",
    "rule",
    "explanation",
    "cells",
)


@dataclass(frozen=True)
class Finding:
    """One row of an audit.

    Parameters
    ----------
    paper, table, row : str
        Where the numbers are printed.
    claim : str
        What is claimed, in words.
    printed, recomputed : str
        The numbers as printed, and as they follow from others.
    verdict : str
        One of `VERDICTS`.
    severity : str
        A key of `SEVERITIES`.
    rule : str
        Name of the rule, `module.function`.
    explanation : str
        What was assumed and what follows, as arithmetic.
    cells : str
        `file row n: table / row / column / statistic = printed` of every cell used, with ` | ` between them.
    used : tuple of Cell
        The same cells; the first gives the place.
    """

    paper: str
    table: str
    row: str
    claim: str
    printed: str
    recomputed: str
    verdict: str
    severity: str
    rule: str
    explanation: str
    cells: str
    used: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a verdict or severity that has no meaning."""
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict: unknown {self.verdict!r}; use one of {', '.join(VERDICTS)}")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity: unknown {self.severity!r}; use one of {', '.join(SEVERITIES)}")


def severity_of(verdict: str, *, headline: bool) -> str:
    """Return the severity of a verdict: a number on which a conclusion rests makes it major.

    Examples
    --------
    >>> severity_of("contradictory", headline=True), severity_of("consistent", headline=True)
    ('major', 'note')
    """
    if verdict in (CONSISTENT, NOT_CHECKABLE):
        return "note"
    return "major" if headline else "minor"


def listed(items: Sequence[object], *, most: int = 6) -> str:
    """Join the first items and say how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(str(item) for item in items[:most])
    return shown + (f" and {len(items) - most} more" if len(items) > most else "")

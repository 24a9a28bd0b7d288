"""What the judged rows are called, decided once: patients where each has one row, else what the study examines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.stats.models import Panel


def plural(unit: str, *, n: int, patients: int) -> str:
    """Name of the rows of a table of predictions.

    Where no patient repeats, a row is a patient: so in every study whose patients vote. Else rows are the study's
    units, and "cases" where the study calls its unit the patient.

    Parameters
    ----------
    unit : str
        `Study.unit`, in the singular.
    n, patients : int
        Rows, and the patients they come from.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there are more patients than rows.

    Examples
    --------
    >>> plural("clip", n=18, patients=18), plural("lymph node", n=165, patients=141), plural("patient", n=9, patients=7)
    ('patients', 'lymph nodes', 'cases')
    """
    if patients > n:
        raise ValueError(f"patients: {patients} cannot be more than the {n} rows")
    if patients == n:
        return "patients"
    if unit == "patient":
        return "cases"
    if unit.endswith("man"):
        return f"{unit[:-2]}en"
    if re.search(r"[^aeiou]y$", unit):
        return f"{unit[:-1]}ies"
    return f"{unit}es" if re.search(r"(s|x|z|ch|sh)$", unit) else f"{unit}s"


def sizes(parts: Sequence[Panel]) -> str:
    """Rows and events of every split, for the line of methods under a table that has no such columns.

    Parameters
    ----------
    parts : sequence of Panel

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> parts = [("Test", 1018, 12), ("External test", 29, 1)]
    >>> sizes([SimpleNamespace(title=title, n=n, events=events) for title, n, events in parts])
    'Test: n = 1,018, 12 events; External test: n = 29, 1 event.'
    """
    said = [f"{one.title}: n = {one.n:,}, {one.events:,} event{'s' * (one.events != 1)}" for one in parts]
    return f"{'; '.join(said)}."


def counted(unit: str, *, n: int, events: int, patients: int) -> str:
    """How many rows and events there are, in words.

    Parameters
    ----------
    unit : str
        `Study.unit`, in the singular.
    n, events, patients : int
        Rows, positive rows, and the patients they come from.

    Returns
    -------
    str

    Examples
    --------
    >>> counted("clip", n=1018, events=12, patients=1018), counted("lymph node", n=165, events=1, patients=141)
    ('1,018 patients with 12 events', '165 lymph nodes of 141 patients with 1 event')
    """
    whose = f" of {patients:,} patients" if patients < n else ""
    name = plural(unit, n=n, patients=patients)
    return f"{n:,} {name}{whose} with {events:,} event{'s' * (events != 1)}"

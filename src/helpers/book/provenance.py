"""How each number was made: one table a study, from the records that the executed notebooks leave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_SHORT = 10  # characters of a hash that tell versions apart
HEADERS = {
    "page": "Page",
    "code": "Code",
    "packages": "Packages",
    "data": "Data",
    "parameters": "Parameters",
    "seeds": "Seeds",
    "device": "Device",
    "seconds": "Seconds",
    "started": "Started",
}


def records(results: str | Path, pages: Sequence[str]) -> pd.DataFrame:
    """Read `run.json` of each page; what a record lacks is missing in the table.

    Parameters
    ----------
    results : str or Path
        `results/<study>`.
    pages : sequence of str
        Pages in order.

    Returns
    -------
    DataFrame
        One row a page: `page, code, packages, data, parameters, seeds, device, seconds, started`; `code`,
        `packages` and `data` are the first characters of the commit, the lock file's and the tables' SHA-256.

    Examples
    --------
    >>> import tempfile
    >>> records(tempfile.mkdtemp(), ["cohort"])[["page", "code"]].values.tolist()
    [['cohort', None]]
    """
    import pandas as pd

    rows = []
    for page in pages:
        path = Path(results) / page / "run.json"
        record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        rows.append({"page": page, **_row(record if isinstance(record, dict) else {})})
    return pd.DataFrame(rows, columns=list(HEADERS), dtype=object)


def _row(record: Mapping[str, Any]) -> dict[str, object]:
    parameters = record.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    seeds = record.get("seeds", {name: value for name, value in parameters.items() if "seed" in name})
    return {
        "code": _commit(record.get("commit")),
        "packages": _cut(record.get("lock")),
        "data": _cut(record.get("data")),
        "parameters": _words(parameters),
        "seeds": _words(seeds),
        "device": record.get("device"),
        "seconds": record.get("seconds"),
        "started": record.get("started"),
    }


def _commit(value: object) -> str | None:
    """A commit followed by "+" had uncommitted changes, which a reader must see."""
    if not value:
        return None
    return str(value)[:_SHORT] + ("+" if str(value).endswith("+") and len(str(value)) > _SHORT else "")


def _cut(value: object) -> str | None:
    return str(value)[:_SHORT] if value else None


def _words(value: object) -> str | None:
    if isinstance(value, dict):
        return ", ".join(f"{name} = {json.dumps(item, default=str)}" for name, item in value.items()) or None
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)

"""What kind of covariate a column of a cohort table is, told from its values by stated rules."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from helpers.data.sections import Covariate
from helpers.data.table_file import load

KEYS = ("patient_id", "case_id", "center", "split", "label")
FEW = 10  # a column of numbers with at most so many different ones is categorical
MANY = 20  # a column of texts with more different ones is free text or a name, and no covariate
DECIMALS = 2  # at most, in tables
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def covariates(path: str | Path) -> tuple[tuple[Covariate, ...], tuple[tuple[str, str], ...]]:
    """Describe the columns of a cohort table that are not its keys.

    Numbers with more than 10 different values are continuous; numbers with fewer, and texts with at most 20 different
    values, are categorical with their levels sorted (numbers by size). Other columns are left out with the reason.

    Parameters
    ----------
    path : path
        `cohort.csv`.

    Returns
    -------
    covariates : tuple of Covariate
        In the order of the table.
    left_out : tuple of (column, reason)

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "cohort.csv")
    >>> rows = [f"P{i},P{i},A,test,{i % 2},{40 + i}.5,{i % 3},{'female' if i % 2 else 'male'}" for i in range(12)]
    >>> _ = path.write_text("patient_id,case_id,center,split,label,age,grade,sex\\n" + "\\n".join(rows))
    >>> [(c.name, c.type, c.levels) for c in covariates(path)[0]]
    [('age', 'continuous', ()), ('grade', 'categorical', ('0', '1', '2')), ('sex', 'categorical', ('female', 'male'))]
    """
    # as text, so that the levels are what the table says: 1 is not 1.0
    frame = load(Path(path), text=True)
    found, left_out = [], []
    for name in frame.columns:
        if name in KEYS:
            continue
        made = _described(str(name), frame[name].astype(str).str.strip())
        if isinstance(made, str):
            left_out.append((str(name), made))
        else:
            found.append(made)
    return tuple(found), tuple(left_out)


def _described(name: str, column: pd.Series) -> Covariate | str:
    """The covariate of a column, or why it is none."""
    if not _NAME.fullmatch(name):
        return "the name has other signs than letters, digits and underscores: rename it to use it"
    values = sorted(set(column) - {""})
    if not values:
        return "every cell is empty"
    label = name.replace("_", " ")
    label = label[:1].upper() + label[1:]
    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    if numbers.notna().all() and numbers.abs().max() < float("inf"):
        if numbers.nunique() > FEW:
            places = max(len(value.partition(".")[2]) for value in values)
            return Covariate(name=name, label=label, type="continuous", decimals=min(places, DECIMALS))
        values = [value for _, value in sorted(zip(numbers, values))]
    elif len(values) > MANY:
        return f"{len(values)} different texts: free text or a name, no category"
    return Covariate(name=name, label=label, levels=tuple(values))

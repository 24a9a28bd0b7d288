"""The predictions table: read, write and collect what every statistic starts from."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.table_file import check_kind, load, shown
from helpers.stats.predictions_check import COLUMNS, check, classes, risk_columns

__all__ = ["COLUMNS", "check", "classes", "collect", "read", "risk_columns", "write"]

Choice = str | int | Sequence[str] | Sequence[int] | None


def read(
    path: str | os.PathLike,
    *,
    model: Choice = None,
    split: Choice = None,
    seed: Choice = None,
    study: Choice = None,
) -> pd.DataFrame:
    """Read a checked predictions table, or the part of it that is asked for.

    The whole file is checked before anything is left out.

    Parameters
    ----------
    path : path
        `.csv` (UTF-8, with a header) or `.parquet`, with the columns
        `study, model, seed, split, center, patient_id, case_id, label, risk`;
        with more than two classes `risk_<class>` instead of `risk`, and `label` is the class.
    model, split, seed, study : value, list of values or None
        Rows to keep; None keeps all.

    Returns
    -------
    DataFrame
        One row a case, model and seed; `label` int (or text for several classes), `risk` in [0, 1].

    Raises
    ------
    StudyError
        Naming file, row, column and the way out, if the table is wrong or holds nothing of what is asked for.

    Examples
    --------
    >>> import tempfile
    >>> row = {"study": "olnm", "model": "image", "seed": 1, "split": "test", "center": "A"}
    >>> table = pd.DataFrame([{**row, "patient_id": p, "case_id": p, "label": y, "risk": r}
    ...                       for p, y, r in [("P1", 0, 0.2), ("P2", 1, 0.9)]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write(table, f"{folder}/predictions.csv")
    ...     read(file, model="image", split="test")["risk"].tolist()
    [0.2, 0.9]
    """
    file = Path(path)
    name = shown(file)
    frame = check(load(file), file=name)
    for column, wanted in (("study", study), ("model", model), ("split", split), ("seed", seed)):
        if wanted is not None:
            frame = _keep(frame, column, wanted, name)
    return frame.reset_index(drop=True)


def write(frame: pd.DataFrame, path: str | os.PathLike) -> Path:
    """Write a predictions table, checked, in a stable order, whole or not at all.

    Rows are sorted by study, model, seed, split, patient and case, so that equal content gives equal bytes.

    Parameters
    ----------
    frame : DataFrame
        Columns as in `read`; further columns are kept at the end.
    path : path
        `.csv` or `.parquet`; the folder is made when it is absent.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StudyError
        If the table is wrong; an existing file is then left as it was.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({"study": "s", "model": "m", "seed": 1, "split": "test", "center": "A",
    ...                       "patient_id": ["b", "a"], "case_id": ["b", "a"], "label": [1, 0], "risk": [0.7, 0.1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(table, f"{folder}/predictions.csv").read_text().splitlines()[1]
    's,m,1,test,A,a,a,0,0.1'
    """
    file = Path(path)
    check_kind(file)
    checked = check(frame, file=shown(file))
    first = [c for c in COLUMNS if c != "risk"]
    ordered = first + risk_columns(checked)
    ordered += [c for c in checked.columns if c not in ordered]
    sort = ["case_id", "patient_id", "split", "seed", "model", "study"]  # last key sorts first
    keys = [checked[c] if c == "seed" else pd.factorize(checked[c], sort=True)[0] for c in sort]
    checked = checked[ordered].iloc[np.lexsort(keys)]
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=file.suffix, dir=file.parent)
    os.close(handle)
    try:
        if file.suffix == ".parquet":
            checked.to_parquet(name, index=False)
        else:
            checked.to_csv(name, index=False, lineterminator="\n")
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
    return file


def collect(paths: Sequence[str | os.PathLike], out: str | os.PathLike) -> Path:
    """Join the predictions tables of several pages into one file.

    Parameters
    ----------
    paths : sequence of paths
        Tables as in `read`; a case, model and seed may be in one of them only.
    out : path
        The joined table.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StudyError
        If there is no table, one is wrong, or they contradict each other.

    Examples
    --------
    >>> import tempfile
    >>> table = pd.DataFrame({"study": "s", "model": "m", "seed": 1, "split": "test", "center": "A",
    ...                       "patient_id": ["a", "b"], "case_id": ["a", "b"], "label": [0, 1], "risk": [0.1, 0.7]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     parts = [write(table.assign(model=m), f"{folder}/{m}.csv") for m in ("m1", "m2")]
    ...     len(read(collect(parts, f"{folder}/all.csv")))
    4
    """
    files = [Path(path) for path in paths]
    if not files:
        raise StudyError("no predictions tables to join", file=shown(Path(out)), fix="train a model first")
    frames = [read(file) for file in files]
    kinds = {tuple(risk_columns(frame)) for frame in frames}
    if len(kinds) > 1:
        listed = "; ".join(", ".join(kind) for kind in sorted(kinds))
        raise StudyError(f"tables have different risk columns ({listed})", fix="join tables of one outcome only")
    return write(pd.concat(frames, ignore_index=True), out)


def _keep(frame: pd.DataFrame, column: str, wanted: Choice, file: str) -> pd.DataFrame:
    values = [wanted] if isinstance(wanted, (str, int, np.integer)) else list(wanted)
    there = pd.unique(frame[column]).tolist()
    for value in values:
        if value not in there:
            near = difflib.get_close_matches(str(value), [str(v) for v in there], n=1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            listed = ", ".join(str(v) for v in sorted(there))
            raise StudyError(
                f"no row has {column} {value!r}", file=file, column=column, fix=f"use one of {listed}{hint}"
            )
    return frame[frame[column].isin(values)]


if __name__ == "__main__":  # python -m helpers.stats.predictions OUT PART [PART ...]
    import sys

    from helpers.stats.predictions_own import own

    try:
        # a part that is a folder is a study that brings its own table
        if Path(sys.argv[2]).is_dir():
            write(own(sys.argv[2]), sys.argv[1])
        else:
            collect(sys.argv[2:], sys.argv[1])
    except StudyError as fault:
        sys.exit(str(fault))

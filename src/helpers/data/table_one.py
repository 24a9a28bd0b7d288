"""Table 1: who is in each group, as numbers first and as text last.

`table_one` gives a numeric tidy table; `render` turns it into the table that a paper prints.
Missing values are never a level: they are left out of every statistic, percentage, test and standardised
difference, and counted in a column of their own.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import group_tests
from helpers.data.errors import StudyError
from helpers.data.table_view import html, methods, render

__all__ = ["html", "methods", "render", "smd_categorical", "smd_continuous", "table_one"]

TESTS = ("welch", "t", "kruskal", "chi2", "chi2_uncorrected", "fisher", "none")
FEW = 5  # expected count below which "standard" prefers Fisher's exact test
COLUMNS = [
    *("variable", "level", "group", "n", "missing", "mean", "sd", "q1", "median", "q3", "minimum", "maximum"),
    *("count", "percent", "p_value", "test", "smd", "label", "unit", "type", "decimals"),
]


def table_one(
    frame: pd.DataFrame,
    by: str,
    *,
    columns: Sequence[Any] | None = None,
    tests: str | Mapping[str, str] = "none",
    levels: Sequence[Hashable] | Mapping[Hashable, str] | None = None,
    within: str | None = None,
    overall: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Describe the columns of a cohort by group, as a numeric tidy table.

    Standardised mean differences (SMD) are absolute: (m1 - m2) / sqrt((s1^2 + s2^2) / 2) for a continuous
    variable (Austin 2009, doi:10.1002/sim.3697), the multinomial distance of Yang and Dalton (SAS Global Forum 2012,
    paper 335) for a categorical one; with three groups or more the mean over all pairs. P-values are opt-in: they
    answer no question about a cohort that was not randomised.

    Parameters
    ----------
    frame : DataFrame
        One row a participant (or case).
    by : str
        Column that holds the group. Rows without a group count only in "overall".
    columns : sequence, optional
        What to describe: names, or dicts or objects with `name` and, where wanted, `type` ("continuous",
        "categorical" or "binary"), `label`, `unit`, `levels`, `decimals`. Without a type a numeric column with more
        than two values is continuous. By default every other column of the frame.
    tests : str or mapping
        "none", "standard" (Welch; chi-square, with Yates's correction for 2 x 2; Fisher when an expected count is
        below 5), or a mapping from a column to one of "welch", "t" (equal variance), "kruskal", "chi2",
        "chi2_uncorrected", "fisher", "none".
    levels : sequence or mapping, optional
        The groups in order, or a mapping from a value of `by` to the name to print; other rows are left out.
    within : str, optional
        Make one table for each value of this column (such as `split`), stacked, with a first column of that name.
    overall : bool
        Add a group "overall" with every row.
    seed : int
        For Fisher's test when a table is too large to enumerate.

    Returns
    -------
    DataFrame
        One row a variable, level and group: `variable, level, group, n` (values present)`, missing, mean, sd, q1,
        median, q3, minimum, maximum, count, percent` (0 to 100, of the values present)`, p_value, test, smd, label,
        unit, type, decimals`. Quartiles are type 7. `p_value`, `test` and `smd` belong to the variable and repeat
        in its rows.

    Raises
    ------
    StudyError
        A column is absent, a value is no number or has an unknown level, a group is empty.

    Examples
    --------
    >>> frame = pd.DataFrame({"label": [0, 0, 0, 1, 1, 1], "age": [30.0, 40, 50, 45, 55, None],
    ...                       "sex": ["f", "f", "m", "m", "f", "m"]})
    >>> table = table_one(frame, "label", columns=["age", "sex"])
    >>> table[["variable", "level", "group", "n", "missing", "mean", "count", "smd"]].round(3).to_dict("split")["data"]
    [['age', '', '0', 3, 0, 40.0, nan, 1.155], ['age', '', '1', 2, 1, 50.0, nan, 1.155],
     ['sex', 'f', '0', 3, 0, nan, 2.0, 0.707], ['sex', 'f', '1', 3, 0, nan, 1.0, 0.707],
     ['sex', 'm', '0', 3, 0, nan, 1.0, 0.707], ['sex', 'm', '1', 3, 0, nan, 2.0, 0.707]]
    """
    _check_frame(frame, by, within)
    if within is not None:
        options = {"tests": tests, "levels": levels, "overall": overall, "seed": seed}
        if columns is None:
            columns = [name for name in frame.columns if name not in (by, within)]
        specs = [_spec(column, frame) for column in columns]
        parts = {
            str(value): table_one(frame[frame[within] == value], by, columns=specs, **options)
            for value in _present(frame[within])
        }
        stacked = pd.concat(parts, names=[within]).reset_index(level=0)
        return stacked.reset_index(drop=True)
    names, codes = _groups(frame[by], levels)
    specs = [_spec(c, frame) for c in (columns if columns is not None else frame.columns.drop(by))]
    chosen = _tests(tests, specs)
    members = [np.flatnonzero(codes == k) for k in range(len(names))]
    rows: list[dict[str, Any]] = []
    for spec in specs:
        describe = _continuous if spec["type"] == "continuous" else _categorical
        rows += describe(frame[spec["name"]], spec, names, members, chosen[spec["name"]], overall, seed)
    return pd.DataFrame(rows, columns=COLUMNS)


def smd_continuous(mean: np.ndarray, sd: np.ndarray) -> float:
    """Absolute standardised mean difference, the mean over pairs of groups.

    Examples
    --------
    >>> round(smd_continuous([51.419, 48.583], [11.007, 9.958]), 3)
    0.27
    """
    pairs = []
    for i, j in combinations(range(len(mean)), 2):
        spread = np.sqrt((sd[i] ** 2 + sd[j] ** 2) / 2)
        difference = abs(mean[i] - mean[j])
        pairs.append(difference / spread if spread > 0 else (0.0 if difference == 0 else np.nan))
    return float(np.mean(pairs)) if pairs else np.nan


def smd_categorical(counts: np.ndarray) -> float:
    """Absolute standardised difference of proportions (Yang and Dalton 2012), the mean over pairs of groups.

    Parameters
    ----------
    counts : array of shape (n_levels, n_groups)
        Participants of each level and group.

    Examples
    --------
    >>> round(smd_categorical([[137, 139], [21, 15]]), 4)
    0.1114
    """
    counts = np.asarray(counts, dtype=float)
    if np.any(counts.sum(0) == 0) or counts.shape[1] < 2:
        return np.nan
    share = (counts / counts.sum(0))[1:]
    pairs = []
    for i, j in combinations(range(counts.shape[1]), 2):
        a, b = share[:, i], share[:, j]
        covariance = (np.diag(a) - np.outer(a, a) + np.diag(b) - np.outer(b, b)) / 2
        squared = (a - b) @ np.linalg.pinv(covariance, rcond=np.sqrt(np.finfo(float).eps)) @ (a - b)
        # A level that is all of one group and none of the other has no spread: the difference is not defined.
        pairs.append(np.sqrt(squared) if squared > 0 or np.array_equal(a, b) else np.nan)
    return float(np.mean(pairs))


def _check_frame(frame: pd.DataFrame, by: str, within: str | None) -> None:
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise StudyError("there is no participant to describe", fix="give a table with at least one row")
    for column in (by, *([within] if within else [])):
        if column not in frame.columns:
            raise StudyError(
                "the column is absent", column=str(column), fix=f"use one of {', '.join(map(str, frame.columns))}"
            )


def _get(column: Any, key: str, default: Any) -> Any:
    value = column.get(key, default) if isinstance(column, Mapping) else getattr(column, key, default)
    return default if value is None else value


def _spec(column: Any, frame: pd.DataFrame) -> dict[str, Any]:
    """What to do with one column, from a name, a dict or an object."""
    name = column if isinstance(column, str) else _get(column, "name", None)
    if name not in frame.columns:
        raise StudyError("the column is absent", column=str(name), fix="correct the name in `columns`")
    bare = isinstance(column, str)
    kind = None if bare else _get(column, "type", None)
    if kind is None:
        numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
        kind = "continuous" if numeric and frame[name].nunique() > 2 else "categorical"
    if kind not in ("continuous", "categorical", "binary"):
        raise StudyError(f"unknown type {kind!r}", column=name, fix="use continuous, categorical or binary")
    return {
        "name": name,
        "type": kind,
        "label": name if bare else _get(column, "label", name),
        "unit": "" if bare else _get(column, "unit", ""),
        "levels": [] if bare else [_text(level) for level in _get(column, "levels", ())],
        "decimals": 1 if bare else _get(column, "decimals", 1),
    }


def _text(value: Any) -> str:
    """A level as it is printed: a whole number stored as a float loses its point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _present(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [value for value in column.cat.categories if (column == value).any()]
    values = column.dropna().unique().tolist()
    return sorted(values, key=lambda v: (isinstance(v, str), v))


def _groups(column: pd.Series, levels: Any) -> tuple[list[str], np.ndarray]:
    wanted = list(levels) if levels is not None else _present(column)
    named = levels if isinstance(levels, Mapping) else {}
    names = [str(named.get(value, _text(value))) for value in wanted]
    codes = np.full(len(column), -1)
    for k, value in enumerate(wanted):
        inside = (column == value).fillna(False).to_numpy(dtype=bool)
        if not inside.any():
            raise StudyError(f"no participant in the group {value!r}", column=str(column.name))
        codes[inside] = k
    if not names:
        raise StudyError("no participant has a group", column=str(column.name))
    return names, codes


def _tests(tests: str | Mapping[str, str], specs: list[dict[str, Any]]) -> dict[str, str]:
    names = [spec["name"] for spec in specs]
    if isinstance(tests, str):
        if tests not in ("none", "standard"):
            raise ValueError(f'tests: "none", "standard" or a mapping is needed, not {tests!r}')
        return dict.fromkeys(names, tests)
    for name, test in tests.items():
        if name not in names or test not in TESTS:
            raise ValueError(f"tests: {name!r}: {test!r} is not a column with one of {', '.join(TESTS)}")
    chosen = {name: tests.get(name, "none") for name in names}
    for spec in specs:
        test, numeric = chosen[spec["name"]], spec["type"] == "continuous"
        if test != "none" and numeric != (test in ("welch", "t", "kruskal")):
            raise ValueError(f"tests: {test!r} does not suit {spec['name']!r}, which is {spec['type']}")
    return chosen


def _rows(spec: dict[str, Any], level: str, groups: list[dict[str, Any]], **shared: Any) -> list[dict[str, Any]]:
    head = {"variable": spec["name"], "level": level}
    tail = {key: spec[key] for key in ("label", "unit", "type", "decimals")}
    return [{**head, **group, **shared, **tail} for group in groups]


def _continuous(column, spec, names, members, test, overall, seed) -> list[dict[str, Any]]:
    del seed  # no test of a continuous variable draws at random
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise StudyError(
            "a continuous column holds text", column=spec["name"], fix="correct it, or declare it categorical"
        ) from None
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 2
        raise StudyError("an infinite value", column=spec["name"], row=row, fix="leave the cell empty")
    parts = [part[~np.isnan(part)] for part in (values[member] for member in members)]
    sizes = [len(member) for member in members]
    all_parts = [*parts, values[~np.isnan(values)]] if overall else parts
    all_sizes = [*sizes, len(values)] if overall else sizes
    groups = [
        {"group": name, **_summary(part), "missing": size - len(part)}
        for name, part, size in zip([*names, "overall"], all_parts, all_sizes)
    ]
    n, mean, sd = (np.array([g[key] for g in groups[: len(names)]], float) for key in ("n", "mean", "sd"))
    p_value, name = np.nan, ""
    if test == "kruskal":
        p_value, name = group_tests.kruskal_test(parts)
    elif test != "none":
        p_value, name = group_tests.mean_test(n, mean, sd, equal_variance=test == "t")
    return _rows(spec, "", groups, p_value=p_value, test=name, smd=smd_continuous(mean, sd))


def _summary(values: np.ndarray) -> dict[str, Any]:
    keys = ("n", "mean", "sd", "minimum", "q1", "median", "q3", "maximum")
    if len(values) == 0:
        return dict(zip(keys, (0, *[np.nan] * 7)))
    low, q1, median, q3, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    sd = values.std(ddof=1) if len(values) > 1 else np.nan
    return dict(zip(keys, (len(values), values.mean(), sd, low, q1, median, q3, high)))


def _categorical(column, spec, names, members, test, overall, seed) -> list[dict[str, Any]]:
    codes, levels = _level_codes(column, spec)
    parts = [codes[member] for member in members] + ([codes] if overall else [])
    counts = np.column_stack([np.bincount(part[part >= 0], minlength=len(levels)) for part in parts])
    between = counts[:, : len(names)]
    if test == "standard":
        filled = between[between.sum(1) > 0]
        sparse = min(filled.shape) > 1 and (group_tests.expected_counts(filled) < FEW).any()
        test = "fisher" if sparse else "chi2"
    p_value, name = np.nan, ""
    if test == "fisher":
        p_value, name = group_tests.fisher_test(between, seed=seed)
    elif test != "none":
        p_value, name = group_tests.chi_square_test(between, yates=test == "chi2")
    smd = smd_categorical(between)
    rows: list[dict[str, Any]] = []
    for level, row in zip(levels, counts):
        groups = [
            {
                "group": group,
                "n": int(n),
                "missing": len(part) - int(n),
                "count": int(count),
                "percent": 100 * count / n if n else np.nan,
            }
            for group, n, part, count in zip([*names, "overall"], counts.sum(0), parts, row)
        ]
        rows += _rows(spec, level, groups, p_value=p_value, test=name, smd=smd)
    return rows


def _level_codes(column: pd.Series, spec: dict[str, Any]) -> tuple[np.ndarray, list[str]]:
    """Number of each row's level, -1 where it is missing, and the levels in order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories.tolist()
        order = list(range(len(values)))
    else:
        codes, found = pd.factorize(column)
        values = np.asarray(found, dtype=object).tolist()
        order = sorted(range(len(values)), key=lambda i: (isinstance(values[i], str), values[i]))
    texts = [_text(value) for value in values]
    levels = spec["levels"] or [texts[i] for i in order if texts[i] != ""]
    place = {level: k for k, level in enumerate(levels)}
    if not levels:
        raise StudyError("every value is missing", column=spec["name"], fix="leave the column out")
    if spec["type"] == "binary" and len(levels) > 2:
        raise StudyError(f"a binary column has {len(levels)} levels", column=spec["name"])
    for k, text in enumerate(texts):
        if text not in place and text != "" and (codes == k).any():
            row = int(np.flatnonzero(codes == k)[0]) + 2
            raise StudyError(f"unknown level {text!r}", column=spec["name"], row=row, fix=f"use {', '.join(levels)}")
    lookup = np.array([place.get(text, -1) for text in texts] + [-1])
    return lookup[codes], levels

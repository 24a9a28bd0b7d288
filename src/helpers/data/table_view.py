"""Table 1 as a paper prints it: one row a characteristic, one column a group, text in every cell."""

from __future__ import annotations

import html as _html
from collections.abc import Mapping

import numpy as np
import pandas as pd

INDENT = "\u2003"  # an em space: stays in HTML, Word and CSV, where leading blanks are lost
KEYS = ["variable", "level", "group"]


def render(
    table: pd.DataFrame,
    *,
    decimals: int | Mapping[str, int] | None = None,
    percent_decimals: int = 1,
    style: str | Mapping[str, str] = "mean_sd",
    smd: bool = True,
    p: bool | None = None,
    missing: bool = True,
) -> pd.DataFrame:
    """Turn the numbers of `table_one` into text.

    The text is plain; `html` makes it safe for a page. A table made `within` splits gets a set of columns a split.

    Parameters
    ----------
    table : DataFrame
        From `table_one`.
    decimals : int or mapping, optional
        Decimals of means and quartiles, for all or by variable; by default those the columns declare.
    percent_decimals : int
        Decimals of percentages.
    style : str or mapping
        "mean_sd" or "median_iqr", for all or by variable.
    smd : bool
        Show the standardised mean difference.
    p : bool, optional
        Show P; by default when a test was asked for.
    missing : bool
        Add a row to each variable that has missing values.

    Returns
    -------
    DataFrame
        Text: `Characteristic`, one column a group with its size, `SMD` and `P`.

    Examples
    --------
    >>> from helpers.data.table_one import table_one
    >>> frame = pd.DataFrame({"label": [0, 0, 1, 1], "age": [40.0, 50, 45, 60], "sex": ["f", "m", "m", "m"]})
    >>> view = render(table_one(frame, "label", columns=["age", {"name": "sex", "type": "binary"}]))
    >>> view.to_dict("split")["data"]
    [['age, mean ± SD', '45.0 ± 7.1', '52.5 ± 10.6', '0.83'], ['sex: m, n (%)', '1 (50.0)', '2 (100.0)', '1.41']]
    """
    styles = {name: style if isinstance(style, str) else style.get(name, "mean_sd") for name in table["variable"]}
    if not set(styles.values()) <= {"mean_sd", "median_iqr"}:
        raise ValueError('style: "mean_sd" or "median_iqr" is needed')
    within = next((c for c in table.columns[:1] if c != "variable"), None)
    show_p = bool((table["test"] != "").any()) if p is None else p
    blocks = [(None, table)] if within is None else list(table.groupby(within, sort=False))
    views = []
    for value, block in blocks:
        lines = _block(block, styles, decimals, percent_decimals, smd, show_p, missing)
        prefix = "" if value is None else f"{value}: "
        views.append(lines.rename(columns={c: prefix + c for c in lines.columns}))
    wide = pd.concat(views, axis=1)
    # A variable may lack missing values in one split only: its row is then empty there, and keeps its place.
    variables = {name: k for k, name in enumerate(dict.fromkeys(table["variable"]))}
    order = sorted(wide.index, key=lambda key: (variables[key[0]], key[1]))
    wide = wide.loc[order].fillna("").reset_index(names=["variable", "place", "Characteristic"])
    return wide.drop(columns=["variable", "place"])


def html(view: pd.DataFrame, *, caption: str = "") -> str:
    """HTML of a rendered table with every text escaped, whatever a cohort's columns and levels contain.

    Examples
    --------
    >>> "<script>" in html(pd.DataFrame({"Characteristic": ["<script>"]}))
    False
    """
    text = view.to_html(index=False, escape=True, border=0, classes="table-one")
    title = f"<caption>{_html.escape(caption)}</caption>" if caption else ""
    return text.replace('class="dataframe table-one">', f'class="dataframe table-one">{title}', 1)


def methods(table: pd.DataFrame) -> str:
    """Say in one or two sentences how the table was made; tests by name, with their variables.

    Examples
    --------
    >>> from helpers.data.table_one import table_one
    >>> frame = pd.DataFrame({"label": [0, 0, 1, 1], "age": [40.0, 50, 45, 60]})
    >>> methods(table_one(frame, "label", columns=["age"], tests={"age": "t"})).split("groups. ")[1]
    'P-values: equal-variance t (age); not adjusted.'
    """
    text = (
        "Missing values are left out of every statistic; SMD is the absolute standardised mean difference "
        "(categorical: Yang and Dalton 2012), averaged over pairs when there are more than two groups."
    )
    tested = table[table["test"] != ""].drop_duplicates(["test", "label"])
    if tested.empty:
        return text
    named = tested.groupby("test", sort=False)["label"].agg(", ".join)
    return f"{text} P-values: {'; '.join(f'{test} ({who})' for test, who in named.items())}; not adjusted."


def _block(table, styles, decimals, percent_decimals, smd, show_p, missing) -> pd.DataFrame:
    sizes = (table["n"] + table["missing"]).groupby(table["group"], sort=False).first()
    heads = {group: f"{group} (n = {size})" for group, size in sizes.items()}
    lines: dict[tuple[str, int, str], dict[str, str]] = {}
    for name, rows in table.groupby("variable", sort=False):
        first = rows.iloc[0]
        places = _places(decimals, name, first["decimals"])
        shared = {**({"SMD": number(first["smd"], 2)} if smd else {}), **({"P": p_text(first)} if show_p else {})}
        label = str(first["label"]) + (f" ({first['unit']})" if first["unit"] else "")
        if first["type"] == "continuous":
            kind = "mean ± SD" if styles[name] == "mean_sd" else "median (IQR)"
            cells = {heads[r["group"]]: _continuous(r, styles[name], places) for _, r in rows.iterrows()}
            lines[(name, 0, f"{label}, {kind}")] = {**cells, **shared}
        else:
            _categorical(lines, name, rows, label, shared, heads, percent_decimals)
        if missing and rows["missing"].sum() > 0:
            once = rows.drop_duplicates("group")
            lines[(name, 10_000, f"{INDENT}Missing, n")] = {
                heads[r["group"]]: f"{r['missing']:d}" for _, r in once.iterrows()
            }
    view = pd.DataFrame.from_dict(lines, orient="index")
    view.index = pd.MultiIndex.from_tuples(view.index)
    return view.fillna("")


def _places(decimals: int | Mapping[str, int] | None, name: str, declared: int) -> int:
    if isinstance(decimals, Mapping):
        return decimals.get(name, int(declared))
    return int(declared) if decimals is None else decimals


def _categorical(lines, name, rows, label, shared, heads, percent_decimals) -> None:
    levels = list(dict.fromkeys(rows["level"]))
    if rows["type"].iloc[0] == "binary":
        shown, title, indent = levels[-1:], f"{label}: {levels[-1]}, n (%)", None
    else:
        shown, title, indent = levels, f"{label}, n (%)", INDENT
        lines[(name, 0, title)] = {**dict.fromkeys(heads.values(), ""), **shared}
    for place, level in enumerate(shown, start=1):
        cells = {
            heads[r["group"]]: f"{int(r['count'])} ({number(r['percent'], percent_decimals)})"
            for _, r in rows[rows["level"] == level].iterrows()
        }
        key = (name, place, title if indent is None else f"{indent}{level}")
        lines[key] = {**cells, **(shared if indent is None else {})}


def _continuous(row: pd.Series, style: str, places: int) -> str:
    if row["n"] == 0:
        return "–"
    if style == "mean_sd":
        return f"{number(row['mean'], places)} ± {number(row['sd'], places)}"
    return f"{number(row['median'], places)} ({number(row['q1'], places)}–{number(row['q3'], places)})"


def number(value: float, places: int) -> str:
    """A number with fixed decimals; an en dash when there is none."""
    return "–" if value is None or np.isnan(value) else f"{value:.{places}f}"


def p_text(row: pd.Series) -> str:
    """A p-value with three decimals, `<0.001` below, never cut off or rounded to 0."""
    p = row["p_value"]
    if np.isnan(p):
        return ""
    return "<0.001" if p < 0.001 else ">0.999" if p > 0.999 else f"{p:.3f}"

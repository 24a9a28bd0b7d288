"""Baseline tables of real patients against tableone and base R; their data are not committed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.data.table_one import table_one
from helpers.stats.families import holm
from helpers.stats.proof.comparison import Folder, Recorder

SUMMARY = ("n", "mean", "sd", "median", "q1", "q3")
MEANS = {"welch": "p_welch", "t": "p_anova_equal_variance", "kruskal": "p_kruskal"}
COUNTS = {"chi2": "p_chisq_tableone_default", "chi2_uncorrected": "p_chisq_no_correction", "fisher": "p_fisher"}


def baseline(folder: Folder, data: pd.DataFrame) -> list[dict[str, Any]]:
    """Means, quartiles, counts, tests and standardised differences of every `expected_*.json` of a folder."""
    rows = []
    for path in sorted(folder.path.glob("expected_*.json")):
        want = folder.expected(path.stem)
        made = Recorder(folder, want)
        _continuous(made, data, want)
        _categorical(made, data, want)
        made.add("holm", "P values of the table", holm(want["p_adjust"]["raw"]), want["p_adjust"]["holm"])
        rows += made.rows
    return rows


def _continuous(made: Recorder, data: pd.DataFrame, want: dict) -> None:
    columns = [{"name": name, "type": "continuous"} for name in want["continuous"]]
    tables = {
        test: table_one(data, want["group"], columns=columns, tests=dict.fromkeys(want["continuous"], test))
        for test in MEANS
    }
    for name, known in want["continuous"].items():
        rows = tables["welch"].query("variable == @name").set_index("group")
        for group in want["levels"]:
            ours, theirs = rows.loc[group, list(SUMMARY)], [known["by_group"][group][key] for key in SUMMARY]
            made.add("table_one", f"{name} in {group}: n, mean, SD, quartiles", ours, theirs)
        made.add("table_one", f"{name}: SMD", rows["smd"].iloc[0], known["smd_abs"], package="tableone")
        for test, key in MEANS.items():
            ours = tables[test].query("variable == @name")["p_value"].iloc[0]
            made.add("table_one", f"{name}: P by {test}", ours, known[key])


def _categorical(made: Recorder, data: pd.DataFrame, want: dict) -> None:
    columns = [{"name": n, "type": "categorical", "levels": w["levels"]} for n, w in want["categorical"].items()]
    tables = {
        test: table_one(data, want["group"], columns=columns, tests=dict.fromkeys(want["categorical"], test))
        for test in COUNTS
    }
    for name, known in want["categorical"].items():
        for group in want["levels"]:
            rows = tables["chi2"].query("variable == @name and group == @group")
            made.add("table_one", f"{name} in {group}: counts", rows["count"], known["counts"][group])
        first = {test: table[table["variable"] == name].iloc[0] for test, table in tables.items()}
        smd = first["chi2"]["smd"]
        made.add("table_one", f"{name}: SMD", smd, known["smd_abs"], package="tableone", tolerance=1e-8)
        for test, key in COUNTS.items():
            if test != "fisher" or first[test]["test"] == "Fisher exact":  # else R and we both draw tables at random
                # R sums the tables of Fisher's test with a relative tolerance of 1e-7
                kind = {"tolerance": 1e-7, "kind": "iterative"} if test == "fisher" else {}
                made.add("table_one", f"{name}: P by {test}", first[test]["p_value"], known[key], **kind)

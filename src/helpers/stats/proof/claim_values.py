"""Whole-number tables behind printed metrics, against an exhaustive search in fractions and mlscorecheck."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from helpers.stats.claims.rounding import grim, printed
from helpers.stats.claims.sums import percent_mode
from helpers.stats.claims.tables import confusion_tables
from helpers.stats.proof.comparison import Folder, Recorder

CELLS = ["tp", "fp", "fn", "tn"]
LISTED = 4  # the reference names at most this many sums
FORMULA = {"package": "closed formula"}


def whole_numbers(folder: Folder) -> list[dict[str, Any]]:
    """Tables at given counts and at a given total; means, percentages and AUCs of whole numbers."""
    want = folder.expected()
    made = Recorder(folder, {"reference": {"mlscorecheck": "1.0.3"}})
    for case in want["two_by_two"]:
        found = confusion_tables(case["reported"], case["n_positive"], case["n_negative"])
        named = f"{case['n_positive']}/{case['n_negative']}: " + ", ".join(case["reported"].values())
        impossible = float(case["mlscorecheck_inconsistency"])
        made.add("confusion_tables", f"impossible, {named}", float(found.empty), impossible, package="mlscorecheck")
        tables = case["solutions_tp_fp_fn_tn"]
        made.add("confusion_tables", f"number of tables, {named}", len(found), len(tables), **FORMULA)
        if tables:
            made.add(
                "confusion_tables", f"tables, {named}", found[CELLS].to_numpy().ravel(), np.ravel(tables), **FORMULA
            )
    for case in want["total_only"]:
        found = confusion_tables(case["reported"], total=case["n_total"])
        named = f"total {case['n_total']}: " + ", ".join(case["reported"].values())
        made.add("confusion_tables", f"number of tables, {named}", len(found), case["n_solutions"], **FORMULA)
        if case["n_positive_values"]:
            ours = sorted(set(found["positives"]))
            made.add("confusion_tables", f"positives, {named}", ours, case["n_positive_values"], **FORMULA)
    for case in want["grim"]:
        ours = grim(case["mean"], case["n"], items=case["items"])
        named = f"{case['mean']}, n = {case['n']}"
        made.add("grim", f"possible, mean {named}", float(bool(ours)), float(case["consistent"]), **FORMULA)
        if case["integer_sums"]:
            made.add("grim", f"first sums, mean {named}", ours[:LISTED], case["integer_sums"], **FORMULA)
    for case in want["percent"]:
        mode = percent_mode(printed(case["percent"], percent=True), case["x"], case["n"])
        possible = float(mode not in (None, "truncation"))
        named = f"{case['percent']} % of {case['x']}/{case['n']}"
        made.add("percent_mode", f"possible, {named}", possible, float(case["consistent"]), **FORMULA)
    for case in want["auc"]:
        pairs, bounds = 2 * case["n_pos"] * case["n_neg"], printed(case["auc"]).bounds()
        possible = float(any(bounds.holds(Fraction(k, pairs)) for k in range(pairs + 1)))
        named = f"AUC {case['auc']}, {case['n_pos']} and {case['n_neg']}"
        made.add("printed", f"possible, {named}", possible, float(case["consistent"]), **FORMULA)
    return made.rows

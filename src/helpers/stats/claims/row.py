"""One's own numbers: a row of metrics with its counts, as one types it in, audited by the same engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from helpers.stats.claims.audit import Audit, audit_numbers
from helpers.stats.claims.rounding import printed
from helpers.stats.claims.tables import METRICS, ROOTED, SHARES, metric_name

_NUMBER = r"-?(?:\d+(?:\.\d*)?|\.\d+)"
_WITH_LIMITS = re.compile(
    rf"\s*({_NUMBER})\s*%?\s*(?:[(\[]\s*({_NUMBER})\s*%?\s*(?:to|–|-|,|;)\s*({_NUMBER})\s*%?\s*[)\]])?\s*"
)
_COUNTED = {"sensitivity": ("positives",), "specificity": ("negatives",), "accuracy": ("positives", "negatives")}
_SHARED = SHARES | {"auc"}
MOST = 1_000_000  # cases that a row may rest on


def audit_row(metrics: Mapping[str, str], *, positives: int, negatives: int, name: str = "your row") -> Audit:
    """Check whether the metrics of one row can all be true at the stated counts.

    Parameters
    ----------
    metrics : mapping of str to str
        As printed, with or without a 95 % interval: `{"sensitivity": "0.870 (0.810 to 0.932)", "AUC": "0.91"}`. Names
        as in `confusion_tables`, and AUC. A percent sign, or a share above 1, makes all shares percentages.
    positives, negatives : int
        Cases with and without the disease, as stated.
    name : str
        Of the row, in the findings.

    Returns
    -------
    Audit
        The table behind the row, the prevalence it implies, the formula behind each interval, accuracy against the
        commonest class and, with an AUC, whether the cases suffice.

    Raises
    ------
    ValueError
        If a name is unknown, a value is not a printed number, or a count is out of range.

    Examples
    --------
    >>> row = {"sensitivity": "0.875", "specificity": "0.917", "accuracy": "0.900"}
    >>> audit_row(row, positives=8, negatives=12).frame()["verdict"].unique().tolist()
    ['consistent']
    >>> audit_row({**row, "accuracy": "0.950"}, positives=8, negatives=12).frame()["verdict"][0]
    'contradictory'
    """
    for side, count in (("positives", positives), ("negatives", negatives)):
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise ValueError(f"{side}: a whole number from 1 to {MOST:,} is needed, found {count!r}")
    if not metrics:
        raise ValueError("metrics: at least one is needed")
    read = {_known(key): _split(key, text) for key, text in metrics.items()}
    if len(read) < len(metrics):
        raise ValueError("metrics: two names mean the same")
    texts = dict(zip(read, metrics.values(), strict=True))
    hundreds = {key for key in read if "%" in texts[key] or (key in _SHARED and printed(read[key][0]).value > 1)}
    if hundreds & SHARES:  # the shares of a row are all of one kind; an AUC may be another
        hundreds |= SHARES
    stated = {"positives": positives, "negatives": negatives}
    rows = [_cell("stated", side, "n", str(count), "") for side, count in stated.items()]
    for key, values in read.items():
        unit = "%" if key in hundreds else ""
        for statistic, text in zip((key, f"{key}_ci95_low", f"{key}_ci95_high"), values, strict=True):
            if text is not None:
                rows.append(_cell("metrics", name, _printed_name(statistic), text, unit))
    return audit_numbers(rows, _links(read, name), name="your numbers")


def _known(name: str) -> str:
    if name.strip().lower() in ("auc", "auroc"):
        return "auc"
    known = metric_name(name)
    if known is None:
        raise ValueError(f"metrics: unknown {name!r}; known are AUC, {', '.join((*METRICS, *ROOTED))}")
    return known


def _split(name: str, text: object) -> tuple[str, str | None, str | None]:
    if not isinstance(text, str):
        raise ValueError(f"{name}: a string is needed, because 0.9 and 0.90 differ; found {text!r}")
    match = _WITH_LIMITS.fullmatch(text)
    if match is None:
        raise ValueError(f"{name}: {text!r} is not a number such as 0.870, or 0.870 (0.810 to 0.932)")
    return match[1], match[2], match[3]


def _printed_name(statistic: str) -> str:
    return statistic.replace("auc", "AUC", 1) if statistic.startswith("auc") else statistic


def _cell(table: str, row: str, statistic: str, text: str, unit: str) -> dict[str, str]:
    decimals = str(len(text.partition(".")[2]))
    place = {"source": "own", "table": table, "row": row, "column": "", "statistic": statistic}
    return {**place, "value": text, "value_num": text, "unit": unit, "decimals": decimals, "notes": ""}


def _links(read: Mapping[str, tuple], name: str) -> dict[str, Any]:
    """Everything that can be asked of one row."""
    sides = {side: ["stated", side, "", "n"] for side in ("positives", "negatives")}
    about = {"claim": name, "tables": ["metrics"], "column": "", "set": "own", "headline": True}
    own = [key for key in read if key != "auc"]
    links: dict[str, Any] = {"paper": "own", "sets": {"own": sides}}
    if len(own) > 1:
        links["two_by_two"] = [about]
    elif own and own[0] in _COUNTED:
        total = [sides[side] for side in _COUNTED[own[0]]]
        links["shares"] = [{"claim": name, "cells": [["metrics", name, "", own[0]]], "total": total, "headline": True}]
    if {"sensitivity", "specificity"} < set(own):
        links["prevalence"] = [about]
    if any(limits[1] is not None for limits in read.values()):
        links["intervals"] = [about]
    if "accuracy" in read:
        classes = [[sides["positives"]], [sides["negatives"]]]
        links["majority"] = [{"claim": name, "cells": [["metrics", name, "", "accuracy"]], "classes": classes}]
    if "auc" in read:
        auc = ["metrics", name, "", "AUC"]
        item = {"auc": auc, "positives": [sides["positives"]], "negatives": [sides["negatives"]]}
        links["auc_steps"] = [{"claim": name, "cells": [item]}]
        links["size"] = [{"claim": name, "set": "own", "auc": auc}]
    if not set(links) - {"paper", "sets"}:
        raise ValueError(f"metrics: nothing can be checked with {', '.join(own)} alone; add another metric")
    return links

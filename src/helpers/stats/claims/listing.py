"""Findings as the tables of a page: what adds up, what does not, what only under other counts, what is open."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.stats.claims.audit import Audit, rule_of
from helpers.stats.claims.catalogue import QUESTIONS, consequence
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding, listed

SHOWN = 4  # cells, rows and numbers that a printed table lists; the CSV has all
HEADS = {
    "finding": "No.",
    "claim": "Sentence or table",
    "where": "Where",
    "printed": "Printed",
    "recomputed": "From the other numbers",
    "explanation": "Arithmetic",
    "rule": "Rule",
    "verdict": "Verdict",
    "severity": "Weight",
    "traced": "Cells: file row, statistic printed",
    "for_reader": "For the reader",
    "findings": "Findings",
    "example": "Arithmetic of the first",
}


def heads(columns: Sequence[str]) -> dict[str, str]:
    """Headings of some columns.

    Examples
    --------
    >>> heads(["finding", "rule"])
    {'finding': 'No.', 'rule': 'Rule'}
    """
    return {column: HEADS[column] for column in columns}


def numbered(audit: Audit) -> list[tuple[str, Finding]]:
    """Give each finding its number: the paper's letter and its place in the audit of that paper.

    Examples
    --------
    >>> numbered(Audit(()))
    []
    """
    counts: dict[str, int] = {}
    made = []
    for finding in audit.findings:
        counts[finding.paper] = counts.get(finding.paper, 0) + 1
        made.append((f"{finding.paper}{counts[finding.paper]}", finding))
    return made


def listing(audit: Audit) -> pd.DataFrame:
    """Every finding, from sentence to rule to cells.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    DataFrame
        `finding, claim, where, printed, recomputed, explanation, verdict, severity, rule, traced, cells`; `traced` is
        short, for print; `cells` names every cell by file, row, column, statistic and printed string.

    Examples
    --------
    >>> listing(Audit(())).columns.tolist()[:3]
    ['finding', 'claim', 'where']
    """
    columns = ["finding", "claim", "where", "printed", "recomputed", "explanation", "verdict", "severity", "rule"]
    rows = [_row(number, finding) for number, finding in numbered(audit)]
    return pd.DataFrame(rows, columns=[*columns, "traced", "cells"])


def against(audit: Audit) -> pd.DataFrame | None:
    """Findings that do not add up, with what they change; None without any."""
    return _chosen(audit, CONTRADICTORY)


def open_ones(audit: Audit) -> pd.DataFrame | None:
    """Findings that cannot be checked and matter; None without any."""
    return _chosen(audit, NOT_CHECKABLE, severities=("minor", "major"))


def other_counts(audit: Audit) -> pd.DataFrame | None:
    """Findings that hold only under other counts, a line for each sentence, rule and count; None without any."""
    groups: dict[tuple, list[tuple[str, Finding]]] = {}
    for number, finding in numbered(audit):
        if finding.verdict == OTHER_COUNTS:
            key = (finding.paper, finding.claim, finding.rule, finding.severity, _counts(finding))
            groups.setdefault(key, []).append((number, finding))
    rows = []
    for (_, claim, _, severity, counts), members in groups.items():
        first = members[0][1]
        rows.append(
            {
                "finding": _span([number for number, _ in members]),
                "claim": claim,
                "where": _places([finding for _, finding in members]),
                "recomputed": counts,
                "findings": len(members),
                "example": first.explanation,
                "severity": severity,
                "for_reader": consequence(first),
                "rule": rule_of(first.rule),
            }
        )
    return pd.DataFrame(rows) if rows else None


def remarks(audit: Audit) -> pd.DataFrame | None:
    """Findings that add up and of which a reader must yet know something; None without any."""
    return _chosen(audit, CONSISTENT, severities=("minor", "major"))


def consistent(audit: Audit) -> pd.DataFrame:
    """Findings that add up without a remark, a line for each sentence and rule, so that what is right is seen as well.

    Examples
    --------
    >>> consistent(Audit(())).empty
    True
    """
    groups: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}
    for number, finding in numbered(audit):
        if finding.verdict == CONSISTENT and finding.severity == "note":
            groups.setdefault((finding.paper, finding.claim, rule_of(finding.rule)), []).append((number, finding))
    rows = [
        {
            "finding": _span([number for number, _ in members]),
            "claim": claim,
            "rule": rule,
            "findings": len(members),
            "example": members[0][1].explanation,
        }
        for (_, claim, rule), members in groups.items()
    ]
    return pd.DataFrame(rows, columns=["finding", "claim", "rule", "findings", "example"])


def changes(audit: Audit) -> pd.DataFrame | None:
    """What the major findings change for a reader: `finding, claim, explanation, for_reader`; None without any."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for number, finding in numbered(audit):
        if finding.severity != "major":
            continue
        key = (finding.paper, finding.claim, finding.rule, finding.verdict)
        if key in rows:
            rows[key]["finding"] += f", {number}"
            continue
        about = {"finding": number, "claim": finding.claim, "explanation": _first_sentences(finding.explanation)}
        rows[key] = {**about, "verdict": finding.verdict, "for_reader": consequence(finding)}
    for row in rows.values():
        row["finding"] = _span(row["finding"].split(", "))
    return pd.DataFrame(rows.values()) if rows else None


def by_rule(audit: Audit) -> pd.DataFrame:
    """How many findings each rule has of each verdict: `rule, question`, a column a verdict."""
    frame = pd.DataFrame(
        [{"rule": rule_of(f.rule), "verdict": f.verdict} for f in audit.findings], columns=["rule", "verdict"]
    )
    counts = frame.groupby(["rule", "verdict"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=[rule for rule in QUESTIONS if rule in counts.index], fill_value=0)
    counts.insert(0, "question", [QUESTIONS[rule] for rule in counts.index])
    return counts.rename_axis(columns=None).reset_index()


def _chosen(audit: Audit, verdict: str, *, severities: Sequence[str] | None = None) -> pd.DataFrame | None:
    rows = [
        {**_row(number, finding), "for_reader": consequence(finding)}
        for number, finding in numbered(audit)
        if finding.verdict == verdict and (severities is None or finding.severity in severities)
    ]
    return pd.DataFrame(rows) if rows else None


def _row(number: str, finding: Finding) -> dict[str, str]:
    return {
        "finding": number,
        "claim": finding.claim,
        "where": _where(finding),
        "printed": finding.printed,
        "recomputed": finding.recomputed,
        "explanation": finding.explanation,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "rule": rule_of(finding.rule),
        "traced": _traced(finding),
        "cells": finding.cells,
    }


def _where(finding: Finding) -> str:
    return f"{finding.table}, {finding.row.replace('|', ': ')}"


def _places(findings: Sequence[Finding]) -> str:
    """Tables and rows of several findings, each table once."""
    tables: dict[str, dict[str, None]] = {}
    for finding in findings:
        tables.setdefault(finding.table, {})[finding.row.replace("|", ": ")] = None
    return "; ".join(f"{table}, {listed(list(rows), most=SHOWN)}" for table, rows in tables.items())


def _traced(finding: Finding) -> str:
    """Cells in short: `A_table2.csv 14 sensitivity 0.704`, the file once."""
    parts, file = [], ""
    for cell in finding.used[:SHOWN]:
        parts.append(f"{cell.file + ' ' if cell.file != file else ''}{cell.line} {cell.statistic} {cell.shown}")
        file = cell.file
    more = len(finding.used) - SHOWN
    return "; ".join(parts) + (f" and {more} more" if more > 0 else "")


def _counts(finding: Finding) -> str:
    """The counts under which a finding holds, without the table: those of one set read alike."""
    if rule_of(finding.rule) == "two_by_two" and "(" in finding.recomputed:
        found = [part.partition(")")[0] for part in finding.recomputed.split("(")[1:]]
        return f"{listed(list(dict.fromkeys(found)), most=3)} positive/negative"
    if rule_of(finding.rule) == "intervals":
        formula = finding.recomputed.partition(",")[0]
        return f"{formula} on those counts" if " to " not in formula else "the width fits those counts"
    if rule_of(finding.rule) == "prevalence":
        return "another share of positives"
    return finding.recomputed


def _span(numbers: Sequence[str]) -> str:
    """Numbers in short: `D22–D31, D35`."""
    letter = "".join(c for c in numbers[0] if not c.isdigit())
    values = [int(number.removeprefix(letter)) for number in numbers]
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    parts = [f"{letter}{a}" if a == b else f"{letter}{a}–{letter}{b}" for a, b in runs]
    return listed(parts, most=SHOWN)


def _first_sentences(text: str, most: int = 260) -> str:
    """As many whole sentences as fit, at least one."""
    kept = ""
    for sentence in text.replace(". ", ".\n").split("\n"):
        if kept and len(kept) + len(sentence) > most:
            break
        kept += f" {sentence}"
    return kept.strip()

"""Which printed numbers can be relied on: the verdicts of all findings, brought down to the cells that they judge."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from helpers.stats.claims.audit import Audit, links_of, rule_of
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding, listed
from helpers.stats.claims.reading import Cell, Links

RELY, UNDER, DO_NOT, OPEN = "rely on", "rely on under another reading", "do not rely on", "not checkable"
SHOWN = ["table", "column", "rows", "numbers", "status", "reading", "findings"]  # columns that a page prints
ORDER = (DO_NOT, UNDER, OPEN, RELY)
_HEADS = {RELY: "rely_on", UNDER: "under_another_reading", DO_NOT: "not", OPEN: "not_checkable"}
_VERDICTS = {CONSISTENT: RELY, OTHER_COUNTS: UNDER, CONTRADICTORY: DO_NOT, NOT_CHECKABLE: OPEN}
# rules that judge the numbers of one row, of all cells, or the first cell; the others judge sentences, not numbers
_ROW, _ALL = ("two_by_two", "prevalence"), ("sums", "repeated", "percentages", "pooled", "order")
_FIRST = ("auc_steps", "shares", "whole_means", "table_tests", "p_values", "formulas")
NAMES = {"p_value": "P value", "percent_of_column": "percentage", "sd": "SD"}
_LIMIT = re.compile(r"^(.*)_ci95_(?:low|high)$")
_COUNTS = re.compile(r"\((\d+/\d+)\)")


def judged(finding: Finding) -> tuple[Cell, ...]:
    """Cells that a finding passes judgement on; the others it only reckons with.

    A finding on a sentence (a claimed difference, a choice, a size) judges none: its numbers may all be right.

    Examples
    --------
    >>> judged(Finding("A", "T", "r", "c", "p", "q", "contradictory", "major", "gains.better", "e", ""))
    ()
    """
    rule, part = rule_of(finding.rule), finding.rule.partition(".")[2]
    used = finding.used
    if part == "proportion_on_auc":
        return tuple(cell for cell in used if _LIMIT.match(cell.statistic))
    if part in ("shared_counts", "one_test") or not used:
        return ()
    first = used[0]
    if rule == "intervals":
        names = {f"{first.statistic}_ci95_{end}" for end in ("low", "high")}
        if first.statistic.lower() in ("auc", "auroc") and finding.verdict in (CONSISTENT, OTHER_COUNTS):
            names.add(first.statistic)  # nothing but its interval can vouch for it
        return tuple(cell for cell in used if _place(cell) == _place(first) and cell.statistic in names)
    if rule in _ROW:
        return tuple(cell for cell in used if _place(cell) == _place(first))
    if rule == "repeated" and finding.verdict == CONSISTENT:
        return ()  # a number does not become surer by being printed twice
    if rule == "sums" and finding.verdict == OTHER_COUNTS:  # neither the total nor what fits instead is in doubt
        return used[1:-1]
    if rule == "parts":
        return used[: -2 if finding.verdict == OTHER_COUNTS else -1]
    if rule == "order" and finding.verdict == CONTRADICTORY:  # a value that keeps its place is not in doubt
        ranked = sorted(used, key=lambda cell: cell.number.value)
        return tuple(cell for cell, other in zip(used, ranked, strict=True) if cell is not other)
    if rule in _ALL:
        return used
    if rule == "binary_auc":
        return used[:1] if finding.explanation.startswith("It is (") else ()
    return used[:1] if rule in _FIRST else ()


def statuses(findings: tuple[Finding, ...]) -> dict[Cell, tuple[str, str]]:
    """The gravest status of each judged cell, and the reading under which it can be relied on.

    A cell that one finding cannot check and another confirms is relied on.

    Returns
    -------
    dict of Cell to tuple of str
        Status, one of `ORDER`, and the reading, which is empty unless the status asks for one.

    Examples
    --------
    >>> statuses(())
    {}
    """
    readings = {_place(f.used[0]): _reading(f) for f in findings if f.rule == "two_by_two.two_by_two"}
    grave = (DO_NOT, UNDER, RELY, OPEN)
    found: dict[Cell, list[tuple[str, str]]] = {}
    for finding in findings:
        status = _VERDICTS[finding.verdict]
        for cell in judged(finding):
            reading = (readings.get(_place(cell)) or _reading(finding)) if status == UNDER else ""
            found.setdefault(cell, []).append((status, reading))
    made = {cell: min(given, key=lambda one: grave.index(one[0])) for cell, given in found.items()}
    for finding in findings:  # what is printed again stands and falls with the number that it repeats
        if rule_of(finding.rule) == "repeated" and finding.verdict == CONSISTENT:
            by_name = {(c.row, c.column, c.statistic): made[c] for c in finding.used if c in made}
            again = {c: by_name.get((c.row, c.column, c.statistic)) for c in finding.used if c not in made}
            made |= {cell: status for cell, status in again.items() if status}
    return made


def reliance(links: Links, findings: tuple[Finding, ...]) -> pd.DataFrame:
    """Say of every printed number of a paper whether to rely on it.

    Parameters
    ----------
    links : Links
        As `helpers.stats.claims.audit.links_of` reads them.
    findings : tuple of Finding
        Of the same paper.

    Returns
    -------
    DataFrame
        `table, column, rows, numbers, count, status, reading, findings`: rows and columns of one table whose numbers
        have the same status under the same reading stand together; `count` is how many printed numbers that is, and
        `findings` names those behind it (number in the order of the audit). The gravest status first within a table.

    Examples
    --------
    >>> from helpers.stats.claims.audit import audit, links_of
    >>> table = reliance(links_of("data/published", "C"), audit("data/published", paper="C").findings)
    >>> table.query("numbers == 'accuracy'")[["rows", "status", "reading"]].values.tolist()[0]
    ['AI model, senior radiologist', 'do not rely on', '']
    """
    given = statuses(findings)
    behind: dict[Cell, list[str]] = {}
    for number, finding in enumerate(findings, start=1):
        for cell in judged(finding):
            behind.setdefault(cell, []).append(f"{links.paper}{number}")
    groups: dict[tuple, dict[str, list[Cell]]] = {}
    for cell in links.published.cells:
        if not _is_number(cell):
            continue
        status, reading = given.get(cell, (OPEN, ""))
        row = cell.row.partition("|")[0]
        groups.setdefault((cell.table, cell.column, row, status, reading), {}).setdefault(_named(cell), []).append(cell)
    together: dict[tuple, dict[tuple[str, str], list[Cell]]] = {}
    for (table, column, row, status, reading), by_name in groups.items():
        names = tuple(by_name) if status != OPEN else ()
        mine = [cell for part in by_name.values() for cell in part]
        together.setdefault((table, status, reading, names), {}).setdefault((column, row), []).extend(mine)
    rows = []
    for (table, status, reading, names), by_place in together.items():
        cells = [cell for part in by_place.values() for cell in part]
        why = list(dict.fromkeys(number for cell in cells for number in behind.get(cell, [])))
        rows.append(
            {
                "table": table,
                "column": listed(list(dict.fromkeys(column for column, _ in by_place if column)), most=5),
                "rows": listed(list(dict.fromkeys(row for _, row in by_place)), most=5),
                "numbers": _shown(names or tuple(dict.fromkeys(_named(cell) for cell in cells))),
                "count": len(cells),
                "status": status,
                "reading": reading,
                "findings": listed(why, most=4),
            }
        )
    frame = pd.DataFrame(rows)
    tables = {name: place for place, name in enumerate(dict.fromkeys(frame["table"]))}
    ranks = {name: place for place, name in enumerate(ORDER)}
    order = frame.assign(_table=frame["table"].map(tables), _rank=frame["status"].map(ranks))
    order = order.sort_values(["_table", "_rank"], kind="stable").drop(columns=["_table", "_rank"])
    return order.reset_index(drop=True)


def counted(links: Links, findings: tuple[Finding, ...]) -> dict[str, int]:
    """How many printed numbers of a paper have each status.

    Examples
    --------
    >>> from helpers.stats.claims.audit import audit, links_of
    >>> counted(links_of("data/published", "C"), audit("data/published", paper="C").findings)["do not rely on"]
    2
    """
    given = statuses(findings)
    found = Counter(given.get(cell, (OPEN, ""))[0] for cell in links.published.cells if _is_number(cell))
    return {status: found[status] for status in ORDER}


def counted_by_paper(folder: str | Path, found: Audit) -> dict[str, dict[str, int]]:
    """`counted` for every paper of an audit."""
    letters = dict.fromkeys(finding.paper for finding in found.findings)
    own = {letter: tuple(finding for finding in found.findings if finding.paper == letter) for letter in letters}
    return {letter: counted(links_of(folder, letter), findings) for letter, findings in own.items()}


def papers(folder: str | Path, found: Audit) -> pd.DataFrame:
    """How much of each paper can be relied on: a row a paper, a column a status, and the major findings.

    Examples
    --------
    >>> from helpers.stats.claims.audit import audit
    >>> papers("data/published", audit("data/published", paper="C"))["paper"].tolist()
    ['C']
    """
    rows = []
    for letter, counts in counted_by_paper(folder, found).items():
        major = sum(f.paper == letter and f.severity == "major" for f in found.findings)
        cited = links_of(folder, letter).citation
        about = {"paper": letter, "citation": cited, "numbers": sum(counts.values())}
        rows.append({**about, **{_HEADS[status]: counts[status] for status in reversed(ORDER)}, "major": major})
    return pd.DataFrame(rows)


def _place(cell: Cell) -> tuple[str, str, str]:
    return cell.table, cell.row, cell.column


def _is_number(cell: Cell) -> bool:
    try:
        return cell.number is not None
    except ValueError:
        return False


def _named(cell: Cell) -> str:
    limit = _LIMIT.match(cell.statistic)
    return f"{limit[1]} interval" if limit else cell.statistic


def _shown(names: tuple[str, ...]) -> str:
    """Names of statistics in words, those with intervals together."""
    limits = [name.removesuffix(" interval") for name in names if name.endswith(" interval")]
    plain = [name for name in names if not name.endswith(" interval")]
    both, single = [name for name in plain if name in limits], [name for name in plain if name not in limits]
    alone = [f"interval of {_words(name)}" for name in limits if name not in plain]
    first = f"{listed([_words(name) for name in both], most=9)} with interval{'s' if len(both) > 1 else ''}"
    return "; ".join([first] * bool(both) + [listed([*map(_words, single), *alone], most=9)] * bool(single or alone))


def _words(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def _reading(finding: Finding) -> str:
    """Say under which counts a finding is consistent, in a few words."""
    if finding.verdict != OTHER_COUNTS:
        return ""
    rule = rule_of(finding.rule)
    if counts := list(dict.fromkeys(_COUNTS.findall(finding.recomputed))):
        pairs = [count.partition("/") for count in counts[:2]]
        more = f" or {len(counts) - 2} more" if len(counts) > 2 else ""
        return " or ".join(f"{p} positive, {n} negative" for p, _, n in pairs) + more
    if rule == "prevalence":
        return "another prevalence"
    if rule in ("sums", "parts"):
        return f"counts of {finding.used[-1 if rule == 'sums' else -2].unit}"
    if rule == "shares":
        return f"{finding.used[-1].text} {finding.used[-1].unit}"
    return finding.recomputed

"""Audit a folder of printed numbers: read the cells and links, run every rule that a link asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.data.errors import StudyError
from helpers.stats.claims import (
    baseline_claims,
    gains,
    intervals,
    means,
    order,
    paired,
    prevalence,
    selection,
    single_predictors,
    size,
    statements,
    sums,
    table_tests,
    two_by_two,
)
from helpers.stats.claims.finding import COLUMNS, SEVERITIES, VERDICTS, Finding
from helpers.stats.claims.reading import LINKS, Cell, Links, Published, cells_of, read_cells, read_links

# in this order: later rules use the two-by-two tables that earlier ones found
RULES: dict[str, Callable[[Links, dict[str, Any]], list[Finding]]] = {
    "sums": sums.sums,
    "parts": sums.parts,
    "repeated": sums.repeated,
    "shares": sums.shares,
    "pooled": means.pooled,
    "whole_means": means.whole_means,
    "percentages": sums.percentages,
    "two_by_two": two_by_two.two_by_two,
    "prevalence": prevalence.prevalence,
    "auc_steps": intervals.auc_steps,
    "intervals": intervals.intervals,
    "table_tests": table_tests.table_tests,
    "p_values": table_tests.p_values,
    "significant": baseline_claims.significant,
    "between": baseline_claims.between,
    "single_predictors": single_predictors.single_predictors,
    "paired": paired.paired,
    "auc_difference": paired.auc_difference,
    "selection": selection.selection,
    "majority": selection.majority,
    "gains": gains.gains,
    "better": gains.better,
    "order": order.order,
    "formulas": order.formulas,
    "binary_auc": order.binary_auc,
    "size": size.size,
    "side_by_side": statements.side_by_side,
}
# findings whose names are not those of the rules that write them
PARTS = {
    "shared_counts": "two_by_two",
    "proportion_on_auc": "intervals",
    "one_test": "table_tests",
    "against_the_model": "single_predictors",
    "binary_against_graded": "binary_auc",
}
_NOT_RULES = ("paper", "citation", "sets", "__line__")


@dataclass(frozen=True)
class Audit:
    """Findings of an audit.

    Parameters
    ----------
    findings : tuple of Finding

    Examples
    --------
    >>> Audit(()).frame().columns[:4].tolist()
    ['paper', 'table', 'row', 'claim']
    """

    findings: tuple[Finding, ...]

    def frame(self) -> pd.DataFrame:
        """One row a finding: `paper, table, row, claim, printed, recomputed, verdict, severity, rule, explanation,
        cells`; `cells` traces each number to its file and row."""
        rows = [{name: getattr(finding, name) for name in COLUMNS} for finding in self.findings]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def summary(self) -> pd.DataFrame:
        """Count the findings: one row a paper, one column a verdict, and how many of those not consistent are major."""
        frame = self.frame()
        counts = (
            frame.groupby(["paper", "verdict"]).size().unstack(fill_value=0).reindex(columns=VERDICTS, fill_value=0)
        )
        major = frame[frame["severity"] == "major"].groupby("paper").size().reindex(counts.index, fill_value=0)
        return counts.assign(major=major, findings=counts.sum(axis=1)).rename_axis(columns=None).reset_index()

    def worst(self, most: int = 10) -> pd.DataFrame:
        """Return the findings that a reader should see first: major ones, contradictions first."""
        frame = self.frame()
        rank = frame["severity"].map({name: place for place, name in enumerate(reversed(SEVERITIES))})
        verdict = frame["verdict"].map({"contradictory": 0, "consistent only under other counts": 1}).fillna(2)
        return (
            frame.assign(_rank=rank, _verdict=verdict)
            .sort_values(["_rank", "_verdict"], kind="stable")
            .head(most)[list(COLUMNS)]
        )

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        return (
            "Printed numbers were taken to stand for every number that is rounded to them (half up, half even, either "
            "way, truncation, in this order) and compared with what the other printed numbers allow, whole-number "
            "tables by exact enumeration (Kovács and Fazekas 2023, doi:10.48550/arXiv.2310.12527; Brown and Heathers "
            "2017, doi:10.1177/1948550616673876)."
        )


def audit(folder: str | Path, *, paper: str | None = None) -> Audit:
    """Check whether the printed numbers of papers can all be true.

    Reads every `*.csv` with the columns of `read_cells`, and every `*claims.yaml` with the links of one paper (key
    `paper`, the value of the column `source`). The README of `data/published` describes both.

    Parameters
    ----------
    folder : path
    paper : str, optional
        Audit this one only.

    Returns
    -------
    Audit
        One finding a check, consistent ones too.

    Raises
    ------
    StudyError
        If there are no files, or a file or link is faulty; it names file and row.

    Examples
    --------
    >>> audit("data/published").summary()["paper"].tolist()
    ['A', 'B', 'C', 'D']
    """
    folder = Path(folder)
    links = _inside(folder, LINKS)
    if not links:
        raise StudyError(
            f"no {LINKS} in {folder.name}", fix="write the links of the paper; see data/published/README.md"
        )
    cells = [cell for file in _tables(folder) for cell in read_cells(file)]
    sections = {file.name: read_links(file) for file in links}
    chosen = {name: part for name, part in sections.items() if paper in (None, str(part.get("paper")))}
    if not chosen:
        known = ", ".join(sorted(str(part.get("paper")) for part in sections.values()))
        raise StudyError(f"no links of paper {paper!r} in {folder.name}", fix=f"use one of {known}")
    findings: list[Finding] = []
    for name, part in chosen.items():
        findings += _run(cells, part, name)
    return Audit(tuple(findings))


def links_of(folder: str | Path, paper: str) -> Links:
    """Read the numbers and links of one paper, for what looks at them without auditing.

    Examples
    --------
    >>> links_of("data/published", "A").published.rows("Table 2")
    ['DL_image', 'DL_CEUSvideo', 'DL_combined']
    """
    folder = Path(folder)
    for file in _inside(folder, LINKS):
        sections = read_links(file)
        if str(sections.get("paper")) == paper:
            return _links([cell for table in _tables(folder) for cell in read_cells(table)], sections, file.name)
    raise StudyError(f"no links of paper {paper!r} in {folder.name}", fix=f"write them into a {LINKS}")


def rule_of(finding_rule: str) -> str:
    """Return the key of `RULES` behind the rule of a finding, which may be a part of it.

    Examples
    --------
    >>> rule_of("two_by_two.shared_counts"), rule_of("sums.shares"), rule_of("order.binary_against_graded")
    ('two_by_two', 'shares', 'binary_auc')
    """
    module, _, part = finding_rule.partition(".")
    return part if part in RULES else PARTS.get(part, module)


def audit_numbers(rows: pd.DataFrame | Sequence[Mapping[str, str]], links: Mapping[str, Any], *, name: str) -> Audit:
    """Audit numbers that are in memory: the same engine for a form, or for the tables of the book.

    Parameters
    ----------
    rows : DataFrame or list of mappings
        Columns of the CSV files, all strings.
    links : mapping
        Content of a `claims.yaml`.
    name : str
        Stands for the file in messages and traces.

    Returns
    -------
    Audit

    Examples
    --------
    >>> row = {"source": "X", "table": "T", "column": "test", "value_num": "1", "unit": "", "decimals": "0"}
    >>> parts = [{**row, "row": name, "statistic": "n", "value": value} for name, value in (("a", "3"), ("b", "4"))]
    >>> entry = {"claim": "a and b", "parts": [["T", "a", "test", "n"]], "total": ["T", "b", "test", "n"]}
    >>> audit_numbers(parts, {"paper": "X", "sums": [entry]}, name="form").frame()["verdict"].tolist()
    ['contradictory']
    """
    if isinstance(rows, pd.DataFrame):
        rows = rows.fillna("").astype(str).to_dict("records")
    return Audit(tuple(_run(cells_of(list(rows), file=name), dict(links), name)))


def _tables(folder: Path) -> list[Path]:
    """Find the CSV files of printed numbers; others, such as checklists, lack the columns and are left alone."""
    files = []
    for file in _inside(folder, "*.csv"):
        try:
            header = file.read_text(encoding="utf-8-sig").partition("\n")[0]
        except UnicodeDecodeError as error:
            raise StudyError("the file is not UTF-8", file=file.name, fix="save it as CSV UTF-8") from error
        if {"source", "table", "statistic"} <= set(header.strip().split(",")):
            files.append(file)
    if not files:
        raise StudyError(f"no table of printed numbers in {folder.name}", fix="see data/published/README.md")
    return files


def _inside(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder; one that leads out of it is refused."""
    found = sorted(folder.glob(pattern))
    for file in found:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise StudyError("the file leads out of its folder", file=file.name, fix="copy it into the folder")
    return found


def _links(cells: list[Cell], sections: dict[str, Any], file: str) -> Links:
    paper = sections.get("paper")
    own = [cell for cell in cells if cell.paper == str(paper)]
    if not own:
        papers = ", ".join(sorted({cell.paper for cell in cells}))
        raise StudyError(f"no printed number of paper {paper!r}", file=file, key="paper", fix=f"use one of {papers}")
    unknown = [name for name in sections if name not in RULES and name not in _NOT_RULES]
    if unknown:
        raise StudyError(
            f"unknown rule {unknown[0]!r}", file=file, key=unknown[0], fix=f"use one of {', '.join(RULES)}"
        )
    sets = {name: entry for name, entry in (sections.get("sets") or {}).items() if name != "__line__"}
    rules, cited = {k: v for k, v in sections.items() if k in RULES}, str(sections.get("citation", ""))
    return Links(str(paper), file, Published(own), rules, sets, citation=cited)


def _run(cells: list[Cell], sections: dict[str, Any], file: str) -> list[Finding]:
    links = _links(cells, sections, file)
    findings: list[Finding] = []
    for name, rule in RULES.items():
        for entry in links.sections.get(name) or []:
            links.need(entry, "claim")
            try:
                findings += rule(links, entry)
            except StudyError:
                raise
            except (ValueError, KeyError, TypeError) as error:
                raise StudyError(
                    f"{name}: {error}", file=file, row=entry.get("__line__"), fix="see the rule in the README"
                ) from error
    return findings

"""Audit a folder of printed numbers from the command line: `python -m helpers.stats.claims.cli FOLDER`.

`make audit FOLDER=path` does the same. The report goes to the terminal, and as `audit.html` and `audit.csv` into the
folder. The exit status is 0 when every finding is consistent or cannot be checked, 1 when some number does not add up,
2 when the folder cannot be read.
"""

from __future__ import annotations

import html
import sys
import textwrap
from pathlib import Path

import pandas as pd

from helpers.data import spreadsheet
from helpers.data.errors import StudyError
from helpers.stats.claims.audit import Audit, audit, links_of
from helpers.stats.claims.catalogue import consequence, description
from helpers.stats.claims.finding import CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, VERDICTS
from helpers.stats.claims.listing import listing, numbered
from helpers.stats.claims.reliance import reliance

SHOWN = (CONTRADICTORY, OTHER_COUNTS, NOT_CHECKABLE)
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1f2937}
table{border-collapse:collapse;font-size:.875rem;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d1d5db}
th{border-bottom:2px solid #1f2937}caption{text-align:left;font-weight:600}"""


def report(found: Audit) -> str:
    """Write the report for a terminal: counts, what does not add up and what it changes, what is open.

    Parameters
    ----------
    found : Audit

    Returns
    -------
    str

    Examples
    --------
    >>> report(audit("data/published", paper="C")).splitlines()[0]
    'Paper C: 17 findings, 7 consistent, 0 consistent only under other counts, 2 contradictory, 8 not checkable.'
    """
    lines = []
    for row in found.summary().itertuples(index=False):
        counts = ", ".join(f"{count} {verdict}" for verdict, count in zip(VERDICTS, row[1:5], strict=True))
        lines.append(f"Paper {row.paper}: {row.findings} findings, {counts}.")
    for verdict in SHOWN:
        chosen = [(number, f) for number, f in numbered(found) if f.verdict == verdict and f.severity != "note"]
        if chosen:
            lines += ["", verdict.upper()]
        for number, finding in chosen:
            lines += [f"{number}  {finding.claim} ({finding.table}, {finding.row}) [{finding.severity}]"]
            lines += textwrap.wrap(finding.explanation, 100, initial_indent="    ", subsequent_indent="    ")
            lines += textwrap.wrap(
                "-> " + consequence(finding), 100, initial_indent="    ", subsequent_indent="       "
            )
    return "\n".join(lines)


def page(found: Audit, folder: Path) -> str:
    """Write the report as one HTML page; every text is escaped.

    Parameters
    ----------
    found : Audit
    folder : Path
        Where the numbers are, for the table of what can be relied on.

    Returns
    -------
    str

    Examples
    --------
    >>> made = page(audit("data/published", paper="C"), Path("data/published"))
    >>> "<caption>What can be relied on? Paper C</caption>" in made
    True
    """
    tables = [("Findings by verdict", found.summary())]
    for paper in dict.fromkeys(finding.paper for finding in found.findings):
        own = tuple(finding for finding in found.findings if finding.paper == paper)
        tables.append((f"What can be relied on? Paper {paper}", reliance(links_of(folder, paper), own)))
    tables.append(("Every finding", listing(found).drop(columns="traced")))
    rules = description()
    tables.append(("The rules", rules[rules["rule"].isin(listing(found)["rule"])]))
    name = html.escape(folder.resolve().name)
    head = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Audit of {name}</title><style>{_STYLE}</style>'
    return head + f"<h1>Do the numbers in {name} add up?</h1>" + "".join(_table(*part) for part in tables) + "</html>\n"


def write_report(folder: str | Path) -> Audit:
    """Audit a folder and write `audit.html` and `audit.csv` into it.

    Raises
    ------
    StudyError
        If a file is faulty; it names file and row.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"{folder.name!r} is not a folder", fix="give the folder with the CSV and claims.yaml")
    found = audit(folder)
    (folder / "audit.csv").write_text(spreadsheet.to_csv(listing(found).drop(columns="traced")), encoding="utf-8")
    (folder / "audit.html").write_text(page(found, folder), encoding="utf-8")
    return found


def _table(caption: str, frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    rows = (
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>"
        for row in frame.itertuples(index=False)
    )
    return f"<table><caption>{html.escape(caption)}</caption><tr>{head}</tr>{''.join(rows)}</table>"


def main(arguments: list[str]) -> int:
    """Run from the command line; see the module's text."""
    if len(arguments) != 1 or not arguments[0]:
        print("usage: make audit FOLDER=path, or python -m helpers.stats.claims.cli FOLDER", file=sys.stderr)
        return 2
    try:
        found = write_report(arguments[0])
    except (StudyError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(report(found))
    print(f"\nEvery finding with its cells: {Path(arguments[0]) / 'audit.html'}, audit.csv")
    return int(any(finding.verdict in (CONTRADICTORY, OTHER_COUNTS) for finding in found.findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

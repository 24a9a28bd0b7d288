"""Is there a whole-number two-by-two table behind each row of metrics, and do all rows share its counts?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, islice
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding, listed
from helpers.stats.claims.reading import Cell, Links
from helpers.stats.claims.rounding import MODES, Printed
from helpers.stats.claims.tables import MOST_SPLITS, SWAPPED, as_frame, filtered, metric_name, search, written
from helpers.stats.claims.writing import write

NEAR = 3  # totals this far from the stated one are tried: cases may be lost between tables
# a row whose truth and calls, classes, or both were exchanged prints one metric under the name of another
EXCHANGES = {
    "classes exchanged": SWAPPED,
    "truth and calls exchanged": {
        "sensitivity": "ppv",
        "ppv": "sensitivity",
        "specificity": "npv",
        "npv": "specificity",
        "accuracy": "accuracy",
        "f1": "f1",
        "kappa": "kappa",
        "mcc": "mcc",
        "dor": "dor",
    },
    "classes, truth and calls exchanged": {
        "sensitivity": "npv",
        "npv": "sensitivity",
        "specificity": "ppv",
        "ppv": "specificity",
        "accuracy": "accuracy",
        "kappa": "kappa",
        "mcc": "mcc",
        "dor": "dor",
    },
}


def first_fit(numbers: Mapping[str, Printed], positives: Iterable[int], total: int) -> tuple[pd.DataFrame, str | None]:
    """Find the tables behind printed metrics under the first rounding that gives any.

    Parameters
    ----------
    numbers : mapping of str to Printed
    positives : iterable of int
        Numbers of positives to try.
    total : int

    Returns
    -------
    tuple of DataFrame and str or None
        As `confusion_tables`, and the rounding; an empty table and None when nothing fits.

    Examples
    --------
    >>> from helpers.stats.claims.tables import read_metrics
    >>> fits, mode = first_fit(read_metrics({"sensitivity": "0.875", "specificity": "0.917"}), [8], 20)
    >>> len(fits), mode
    (1, 'half up')
    """
    splits = np.fromiter(islice(positives, MOST_SPLITS + 1), dtype=np.int64)
    if splits.size > MOST_SPLITS:  # so many splits would not tell anything apart
        splits = splits[:0]
    wide = search({name: number.bounds("any") for name, number in numbers.items()}, splits, total)
    if wide[0].size:
        for mode in MODES:
            cells = filtered(wide, {name: number.bounds(mode) for name, number in numbers.items()})
            if cells[0].size:
                return as_frame(cells), mode
    return as_frame(tuple(part[:0] for part in wide)), None


def metrics_of(links: Links, entry: Mapping[str, Any], place: tuple[str, str, str]) -> dict[str, Cell]:
    """Collect the metrics of a row, by the engine's names; those of `metrics` when the entry names them."""
    wanted = entry.get("metrics")
    if wanted is None:
        return {name: c for c in links.published.of_row(*place) if (name := metric_name(c.statistic)) is not None}
    found = {}
    for statistic in wanted:
        name = metric_name(statistic)
        if name is None:
            raise StudyError(
                f"unknown statistic {statistic!r}",
                file=links.file,
                row=entry.get("__line__"),
                key="metrics",
                fix="use sensitivity, specificity, accuracy, PPV, NPV, F1, kappa, MCC, LR+, LR- or DOR",
            )
        found[name] = links.cell(dict(entry), [*place, statistic])
    return found


def two_by_two(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Find the whole-number table behind each row, and the counts that all rows share.

    Tried in turn: the stated counts; every split of the stated total; other totals on offer; totals up to 3 cases
    away. Error budget: each metric by its printed decimals, under the modes of rounding in their order; exact.
    Entry: `tables`, `column`, `set`; `rows`, `metrics`, `other_totals` (lists of cells, each added) if wanted.
    Source: Kovács and Fazekas (2023), doi:10.48550/arXiv.2310.12527.
    """
    positive, negative = links.test_set(entry)
    total = positive.count + negative.count
    findings, fits = [], {}
    for place in links.places(entry):
        metrics = metrics_of(links, entry, place)
        if len(metrics) < 2:
            continue
        finding, fits[place] = _row(links, entry, place, metrics, positive, negative)
        findings.append(finding)
    if len(fits) > 1:
        findings.append(_shared(links, entry, fits, positive, negative, total))
    return findings


def _row(links, entry, place, metrics, positive, negative) -> tuple[Finding, pd.DataFrame]:
    numbers = {name: cell.number for name, cell in metrics.items()}
    total, used = positive.count + negative.count, [*metrics.values(), positive, negative]
    stated = f"{positive.count} positives and {negative.count} negatives"
    fits, mode = first_fit(numbers, [positive.count], total)
    if len(fits):
        verdict, text = CONSISTENT, f"At {stated} the metrics are those of {_tables(fits)} ({mode})."
    else:
        text = f"No table of {stated} gives these metrics together, under any rounding."
        for label, cells, size in _totals(links, entry, total):
            fits, mode = first_fit(numbers, range(size + 1), size)
            if len(fits):
                used += cells
                text += f" Among {label} they are those of {_tables(fits)} ({mode})."
                break
        verdict = OTHER_COUNTS if len(fits) else CONTRADICTORY
        if verdict == CONTRADICTORY:
            text += " Nor does any split of that total, of the other totals on offer, or of a total up to "
            text += f"{NEAR} cases away. {_diagnosis(numbers, positive.count, total)}"
    links.tables[place] = fits
    shown = ", ".join(str(cell) for cell in metrics.values())
    finding = write(
        links,
        entry,
        "two_by_two.two_by_two",
        verdict,
        cells=used,
        table=place[0],
        row=place[1],
        printed=shown,
        recomputed=_tables(fits) if len(fits) else "no table",
        explanation=text,
    )
    return finding, fits


def _totals(links, entry, total):
    """Totals to try, from the nearest reading to the farthest."""
    yield f"other splits of {total}", [], total
    for group in entry.get("other_totals", []):
        cells = [links.cell(entry, ref) for ref in group]
        size = sum(cell.count for cell in cells)
        yield f"{size} {cells[0].unit} ({cells[0].row})", cells, size
    for step in range(1, NEAR + 1):
        for size in (total - step, total + step):
            if size > 0:
                yield f"{size} cases, {step} {'fewer' if size < total else 'more'} than stated", [], size


def _tables(fits: pd.DataFrame) -> str:
    rows = [f"TP {r.tp}, FP {r.fp}, FN {r.fn}, TN {r.tn} ({r.positives}/{r.negatives})" for r in fits.itertuples()]
    return listed(rows, most=3)


def _diagnosis(numbers: Mapping[str, Printed], positives: int, total: int) -> str:
    """Say what single change would make a row possible: an exchange of names, or one or two other numbers."""
    for label, names in EXCHANGES.items():
        renamed = {names[name]: number for name, number in numbers.items() if name in names}
        if len(renamed) > 2 and len(fits := first_fit(renamed, range(total + 1), total)[0]):
            return f"With {label} they would be those of {_tables(fits)}."
    for label, splits in (("the stated counts", [positives]), (f"other splits of {total}", range(total + 1))):
        for drop in (1, 2):
            for left_out in combinations(numbers, drop):
                rest = {name: number for name, number in numbers.items() if name not in left_out}
                if len(rest) < 3:
                    continue
                fits, _ = first_fit(rest, splits, total)
                if len(fits):
                    return f"Without {' and '.join(map(written, left_out))} the others fit {label}: {_tables(fits)}."
    for label, names in EXCHANGES.items():
        renamed = {
            names[name]: number for name, number in numbers.items() if names.get(name) in ("sensitivity", "specificity")
        }
        if len(renamed) == 2 and "accuracy" in numbers:
            fits, _ = first_fit({**renamed, "accuracy": numbers["accuracy"]}, range(total + 1), total)
            if len(fits):
                pair = " and ".join(written(n) for n in numbers if names.get(n) in ("sensitivity", "specificity"))
                return (
                    f"With {label}, {pair} as sensitivity and specificity fit the accuracy at {_tables(fits)}; the "
                    "other numbers of the row do not."
                )
    return "No exchange of names and no two misprints explain it."


def _shared(links, entry, fits, positive, negative, total) -> Finding:
    """Say whether one number of positives and negatives serves every row."""
    splits = {p: set(zip(f["positives"].tolist(), f["negatives"].tolist(), strict=True)) for p, f in fits.items()}
    used = [cell for place in fits for cell in metrics_of(links, entry, place).values()]
    possible = {place: found for place, found in splits.items() if found}
    stated = (positive.count, negative.count)
    common = set.intersection(*possible.values()) if possible else set()
    if not possible:
        verdict, shown, text = NOT_CHECKABLE, "no row has a table", "No row has a table, so nothing can be shared."
    elif len(possible) == len(splits) and stated in common:
        verdict, shown = CONSISTENT, f"{stated[0]}/{stated[1]}"
        text = f"All {len(splits)} rows fit the stated {stated[0]} positives and {stated[1]} negatives."
    elif len(possible) == len(splits) and common:
        verdict, shown = OTHER_COUNTS, listed([f"{p}/{n}" for p, n in sorted(common)])
        text = f"All {len(splits)} rows fit {shown} (positives/negatives) and none the stated {stated[0]}/{stated[1]}."
    elif wide := _common_under_any_rounding(links, entry, fits):
        total, common = wide
        verdict, shown = OTHER_COUNTS, listed([f"{p}/{n}" for p, n in sorted(common)])
        text = f"All {len(splits)} rows fit {shown} (positives/negatives, of {total}) when each number may be rounded "
        text += f"its own way; stated are {stated[0]}/{stated[1]}."
    else:
        verdict = CONTRADICTORY
        groups = _groups(possible)
        without = [place[1] for place in splits if place not in possible]
        shown = "; ".join(f"{p}/{n}: {listed(rows)}" for (p, n), rows in groups)
        text = f"The rows are said to come from one set of {stated[0]} positives and {stated[1]} negatives, but no "
        text += f"counts serve all of them. Positives/negatives by row: {shown}."
        text += f" No table: {listed(without)}." if without else ""
    return write(
        links,
        entry,
        "two_by_two.shared_counts",
        verdict,
        cells=[*used, positive, negative],
        row="all rows",
        printed=f"{stated[0]}/{stated[1]} of {total}",
        recomputed=shown,
        explanation=text,
    )


def _common_under_any_rounding(links, entry, fits) -> tuple[int, set[tuple[int, int]]] | None:
    """Splits that serve every row when every way of rounding is allowed: the fairest reading before a contradiction."""
    bounds = [
        {name: cell.number.bounds("any") for name, cell in metrics_of(links, entry, place).items()} for place in fits
    ]
    totals = {int(total) for found in fits.values() for total in (found["positives"] + found["negatives"]).unique()}
    for total in sorted(totals):
        found = [search(row, np.arange(total + 1, dtype=np.int64), total) for row in bounds]
        common = set.intersection(*[set((tp + fn).tolist()) for tp, _, fn, _ in found])
        if common:
            return total, {(p, total - p) for p in common}
    return None


def _groups(splits: Mapping[tuple, set]) -> list[tuple[tuple[int, int], list[str]]]:
    """Cover the rows by as few splits as a greedy choice needs."""
    left, groups = dict(splits), []
    while left:
        votes: dict[tuple[int, int], int] = {}
        for found in left.values():
            for split in found:
                votes[split] = votes.get(split, 0) + 1
        best = max(sorted(votes), key=votes.__getitem__)
        groups.append((best, [place[1] for place, found in left.items() if best in found]))
        left = {place: found for place, found in left.items() if best not in found}
    return groups

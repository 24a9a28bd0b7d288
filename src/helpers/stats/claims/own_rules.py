"""Rules that a table of one's own must follow: each yields its checks, and what does not add up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.claims.rounding import Printed, printed
from helpers.stats.claims.sums import percent_mode
from helpers.stats.claims.tables import METRICS, SHARES, SIGNED, metric_name, search, written

if TYPE_CHECKING:
    from helpers.stats.claims.own_tables import OwnTable

SLACK = 1e-9
_NUMBER = r"[-−]?(?:\d[\d,]*(?:\.\d+)?|∞)"
TRIPLE = re.compile(rf"({_NUMBER}) ?(%?) \(({_NUMBER})%?(?: to |–)({_NUMBER})%?\)")
_COUNT_PERCENT = re.compile(r"(\d[\d,]*) \((\d+(?:\.\d+)?)\)")
_HEAD_N = re.compile(r"\(n = (\d[\d,]*)\)")
_RISING = (("min", "q1", "median", "q3", "max"), ("minimum", "lower_quartile", "median", "upper_quartile", "maximum"))
_TITLES = {
    "LR−": "lr_negative",
    "Youden index": "youden",
    "Diagnostic odds ratio": "dor",
    "Matthews correlation": "mcc",
}
_DIFFERENCES = ("difference", "optimism", "gain")  # columns of a table of measures that hold no measure themselves
_WHOLE = ("n", "cases", "patients")
_CELLS = ("tp", "fp", "fn", "tn")


# A rule yields (row, column, None) for a check that is passed and (row, column, message) for one that is not.
Checks = Iterator[tuple[int, str, str | None]]


def _two_by_two(table: OwnTable) -> Checks:
    for row, where, numbers in _measured(table):
        known = _cases(table, row)
        if known is None or not numbers:
            continue
        n, events = known
        bounds = {metric: number.bounds("ties either way") for metric, number in numbers.items()}  # as Python rounds
        if search(bounds, np.array([events], dtype=np.int64), n)[0].size:
            yield row, where, None
            continue
        text = ", ".join(f"{written(metric)} {number.text}" for metric, number in numbers.items())
        yield row, where, f"no table of {events} positive and {n - events} negative cases gives {text}"


def _cases(table: OwnTable, row: int) -> tuple[int, int] | None:
    """Cases and events behind the metrics of a row, from its columns or as declared."""
    whole = next((name for name in _WHOLE if name in table.values), None)
    if whole is not None and "events" in table.values:
        n, events = (table.values[name].iloc[row] for name in (whole, "events"))
        return (int(n), int(events)) if _is_count(n) and _is_count(events) and events <= n else None
    return table.of.get(table.shown.iloc[row, 0], table.of.get(""))


def _measured(table: OwnTable) -> Iterator[tuple[int, str, dict[str, Printed]]]:
    """Printed metrics that belong to one set of calls: those of a row, or of a column where a row is a measure."""
    heads = {head.lower(): head for head in table.shown}
    if "measure" not in heads:
        measured = {head: metric for name, head in table.columns.items() if (metric := _metric(name, head))}
        for row in range(len(table.values)):
            found = {metric: got for head, metric in measured.items() if (got := _first(table.shown[head].iloc[row]))}
            yield row, ", ".join(head for head, metric in measured.items() if metric in found), found
        return
    measures = table.shown[heads["measure"]]
    keys = [heads[name] for name in ("split", "model") if name in heads]
    groups = table.shown.groupby(keys, sort=False).indices.values() if keys else [range(len(table.shown))]
    for head in table.shown:
        if head == heads["measure"] or head in keys or any(word in head.lower() for word in _DIFFERENCES):
            continue
        for group in groups:
            pairs = [(_metric(measures.iloc[row], ""), _first(table.shown[head].iloc[row])) for row in group]
            yield int(group[0]), head, {metric: number for metric, number in pairs if metric and number}


def _cells(table: OwnTable) -> Checks:
    if not set(_CELLS) <= set(table.values):
        return
    numbers = {name: pd.to_numeric(table.values[name], errors="coerce") for name in table.values}
    for row in range(len(table.values)):
        cells = [numbers[name].iloc[row] for name in _CELLS]
        if not all(map(_is_count, cells)):
            continue
        tp, fp, fn, tn = (int(value) for value in cells)
        for name, made in (("n", tp + fp + fn + tn), ("events", tp + fn)):
            if name in numbers:
                stated = numbers[name].iloc[row]
                yield row, name, None if stated == made else f"{name} is {stated:g} and the cells add up to {made}"
        for name in table.values:
            metric = metric_name(name) if name in METRICS else None
            if metric is None or np.isnan(value := numbers[name].iloc[row]):
                continue
            top, under = METRICS[metric](tp, fp, fn, tn)
            if under:
                good = abs(value - top / under) <= SLACK * max(1.0, abs(value))
                yield row, name, None if good else f"{name} is {value:.9g} and the cells give {top / under:.9g}"


def _intervals(table: OwnTable) -> Checks:
    for stem in table.values:
        ends = [f"{stem}_low", f"{stem}_high"]
        if not set(ends) <= set(table.values):
            continue
        value, low, high = (pd.to_numeric(table.values[name], errors="coerce") for name in (stem, *ends))
        for row in np.flatnonzero(~(value.isna() | low.isna() | high.isna())):
            a, b, c = low.iloc[row], value.iloc[row], high.iloc[row]
            slack = SLACK * max(1.0, abs(b))
            yield int(row), stem, None if a - slack <= b <= c + slack else f"{a:.6g} to {c:.6g} does not hold {b:.6g}"
    for head in table.shown:
        for row, text in enumerate(table.shown[head]):
            if triple := TRIPLE.fullmatch(text):
                value, low, high = (plain(triple[k]) for k in (1, 3, 4))
                yield (
                    row,
                    head,
                    None if low <= value <= high else f"the interval in {text!r} does not hold its estimate",
                )


def _rounding(table: OwnTable) -> Checks:
    for name, head in table.columns.items():
        if name not in table.values:
            continue
        full = pd.to_numeric(table.values[name], errors="coerce")
        if full.notna().any():
            for row, text in enumerate(table.shown[head]):
                number = alone(text)
                if number is not None and not np.isnan(full.iloc[row]):
                    value = full.iloc[row] * (100 if "%" in text and abs(full.iloc[row]) <= 1 else 1)
                    yield row, head, None if _is_printed(number, value) else f"{value:.9g} is printed as {text!r}"
            continue
        stem = _stem(table, name, head)
        if stem is None:
            continue
        for row, text in enumerate(table.shown[head]):
            if triple := TRIPLE.fullmatch(text):
                for part, end in ((1, ""), (3, "_low"), (4, "_high")):
                    value = float(table.values[f"{stem}{end}"].iloc[row])
                    good = "∞" in triple[part] or _is_printed(printed(_ascii(triple[part])), value)
                    yield row, head, None if good else f"{stem}{end} is {value:.9g} and {text!r} is printed"


def _stem(table: OwnTable, name: str, head: str) -> str | None:
    """Measure behind a column of estimates with intervals: the declared one, that of its name, else one that fits."""
    stems = [stem for stem in table.values if {f"{stem}_low", f"{stem}_high"} <= set(table.values)]
    stem_name = re.sub(r"\W+", "_", name).strip("_").lower()
    for known in (table.intervals.get(head), stem_name, metric_name(name), metric_name(head)):
        if known in stems:
            return known
    texts = [(row, triple) for row, text in enumerate(table.shown[head]) if (triple := TRIPLE.fullmatch(text))]
    for stem in stems:
        ends = [
            pd.to_numeric(table.values[f"{stem}{end}"], errors="coerce").to_numpy(float)
            for end in ("", "_low", "_high")
        ]
        if texts and all(
            "∞" in triple[part] or _is_printed(printed(_ascii(triple[part])), end[row])
            for row, triple in texts
            for part, end in zip((1, 3, 4), ends, strict=True)
        ):
            return stem
    return None


def _shares(table: OwnTable) -> Checks:
    for name in table.values:
        metric = metric_name(name)
        share = metric in SHARES or name in ("auc", "p_value", "p_holm") or name.endswith("_p_value")
        low, high = (
            (0, 1) if share else (-1, 1) if metric in SIGNED else (0, 100) if name == "percent" else (None, None)
        )
        if low is None:
            continue
        numbers = pd.to_numeric(table.values[name], errors="coerce")
        for row in np.flatnonzero(numbers.notna()):
            value = numbers.iloc[row]
            good = low - SLACK <= value <= high + SLACK
            yield int(row), name, None if good else f"{value:.6g} lies outside {low} to {high}"


def _counts(table: OwnTable) -> Checks:
    pairs = [("events", whole) for whole in ("n", "cases")] + [("patients", "cases"), ("missing", "n")]
    pairs += [("patients", "n")] if "cases" not in table.values else []
    for name in ("n", "events", "cases", "patients", *_CELLS):
        if name in table.values:
            numbers = pd.to_numeric(table.values[name], errors="coerce")
            for row in np.flatnonzero(numbers.notna()):
                good = _is_count(numbers.iloc[row])
                yield int(row), name, None if good else f"{numbers.iloc[row]:g} is no count"
    for part, whole in pairs:
        if {part, whole} <= set(table.values):
            a, b = (pd.to_numeric(table.values[name], errors="coerce") for name in (part, whole))
            for row in np.flatnonzero(a.notna() & b.notna()):
                good = a.iloc[row] <= b.iloc[row]
                yield int(row), part, None if good else f"{a.iloc[row]:g} {part} of {b.iloc[row]:g} {whole}"


def _percentages(table: OwnTable) -> Checks:
    first = table.shown.iloc[:, 0].tolist() if table.shown.shape[1] else []
    for head in table.shown:
        total = _HEAD_N.search(head)
        if total is None:
            continue
        n = int(total[1].replace(",", ""))
        groups: list[list[tuple[int, int, Printed]]] = []
        for row, text in enumerate(table.shown[head]):
            match = _COUNT_PERCENT.fullmatch(text)
            if match is None or not first[row].startswith(" ") or not groups:
                groups.append([])
            if match:
                groups[-1].append((row, int(match[1].replace(",", "")), printed(match[2], percent=True)))
        for group in groups:
            made = sum(count for _, count, _ in group)
            whole = made if len(group) > 1 else n  # cases without a value are left out of the levels
            if len(group) > 1:
                yield group[0][0], head, None if made <= n else f"the levels add up to {made} of {n}"
            for row, count, percent in group:
                good = whole > 0 and percent_mode(percent, count, whole) is not None
                good = good or (whole == 0 and percent.value == 0) or (len(group) == 1 and count <= n)
                yield row, head, None if good else f"{count} of {whole} is not {percent.text} %"


def _order(table: OwnTable) -> Checks:
    ladders = [[name for name in names if name in table.values] for names in _RISING]
    ladders += [
        [f"{stem}_min", stem, f"{stem}_max"]
        for stem in table.values
        if {f"{stem}_min", f"{stem}_max"} <= set(table.values)
    ]
    for names in ladders:
        if len(names) < 2:
            continue
        numbers = table.values[names].apply(pd.to_numeric, errors="coerce").to_numpy(float)
        for row, line in enumerate(numbers):
            if not np.isnan(line).any():
                rises = bool((np.diff(line) >= -SLACK).all())
                yield (
                    row,
                    names[0],
                    None if rises else f"{', '.join(names)} do not rise: {', '.join(f'{v:g}' for v in line)}",
                )


def _sums(table: OwnTable) -> Checks:
    for name, total in table.totals.items():
        made = pd.to_numeric(table.values[name], errors="coerce").sum()
        good = abs(made - total) <= SLACK * max(1.0, abs(total))
        yield (
            len(table.values) - 1,
            name,
            None if good else f"the column adds up to {made:g} and the page states {total:g}",
        )


def _metric(name: str, head: str) -> str | None:
    known = metric_name(name) or metric_name(head) or _TITLES.get(name)
    return None if known == "prevalence" else known


def _is_count(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and value >= 0 and float(value).is_integer()


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace(",", "")


def plain(text: str) -> float:
    """Read a printed number, with its minus sign, thousands and infinity."""
    return float(_ascii(text).replace("∞", "inf"))


def alone(text: str) -> Printed | None:
    """Read a cell that holds one number and nothing else; None for other cells."""
    match = re.fullmatch(rf"({_NUMBER}) ?%?", text)
    return None if match is None or "∞" in text else printed(_ascii(match[1]))


def _first(text: str) -> Printed | None:
    """The estimate of a cell, with or without its interval."""
    triple = TRIPLE.fullmatch(text)
    if triple is None:
        match = re.fullmatch(rf"({_NUMBER}) ?(%?)", text)
        return None if match is None or "∞" in text else printed(_ascii(match[1]), percent=bool(match[2]))
    return None if "∞" in triple[1] else printed(_ascii(triple[1]), percent=bool(triple[2]))


def _is_printed(number: Printed, value: float) -> bool:
    low, high = (float(end) for end in (number.bounds("any").low, number.bounds("any").high))
    slack = SLACK * max(1.0, abs(value))
    return low - slack <= value <= high + slack


BY_NAME = {
    "two_by_two": _two_by_two,
    "cells": _cells,
    "intervals": _intervals,
    "rounding": _rounding,
    "shares": _shares,
    "counts": _counts,
    "percentages": _percentages,
    "order": _order,
    "sums": _sums,
}

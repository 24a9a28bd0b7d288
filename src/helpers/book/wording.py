"""Estimates and ranges as words of a sentence."""

from __future__ import annotations

import pandas as pd


def value_text(value: float, low: float, high: float, form: str = ".2f") -> str:
    """An estimate with its limits, with minus signs."""
    if value != value:
        return "not defined"
    limits = f" (95 % CI {low:{form}} to {high:{form}})" if low == low and high == high else ""
    return f"{value:{form}}{limits}".replace("-", "−")


def range_text(values: pd.Series, form: str = ",.0f") -> str:
    """Smallest to largest; one number when they print alike."""
    low, high = f"{values.min():{form}}", f"{values.max():{form}}"
    return low if low == high else f"{low} to {high}"


def count_text(differences: pd.DataFrame, *, up: str, down: str) -> str:
    """In how many comparisons the first is above, level with and below the second, and where an interval is sure.

    Parameters
    ----------
    differences : DataFrame
        `difference, low, high`, one row a comparison.
    up, down : str
        What a difference above and below zero is called.

    Examples
    --------
    >>> rows = pd.DataFrame({"difference": [0.2, 0.1, 0.0], "low": [0.1, -0.1, -0.1], "high": [0.3, 0.3, 0.1]})
    >>> count_text(rows, up="higher", down="lower")
    'higher in 2 of 3, equal in 1, with an interval that excludes zero in 1 (higher)'
    >>> count_text(rows[1:], up="higher", down="lower")
    'higher in 1 of 2, equal in 1, with an interval that excludes zero in none'
    """
    gap = differences["difference"].round(9)  # equal shares may leave a rest
    counts = {up: int((gap > 0).sum()), "equal": int((gap == 0).sum()), down: int((gap < 0).sum())}
    said = [f"{kind} in {count}" for kind, count in counts.items() if count]
    sure = {up: int((differences["low"] > 0).sum()), down: int((differences["high"] < 0).sum())}
    kinds = [kind for kind, count in sure.items() if count]
    beyond = "none"
    if kinds:
        each = kinds[0] if len(kinds) == 1 else f"{sure[up]} {up}, {sure[down]} {down}"
        beyond = f"{sum(sure.values())} ({each})"
    first = f"{said[0]} of {len(gap)}"
    return f"{', '.join([first, *said[1:]])}, with an interval that excludes zero in {beyond}"

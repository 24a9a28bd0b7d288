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

"""Printed numbers and what they stand for: the error budget of every rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

# tried in this order; the first that fits is named in the verdict. The third is what binary floating point does:
# 2.675 is stored below its decimal value, so that ties fall either way.
MODES = ("half up", "half even", "ties either way", "truncation")
_NUMBER = re.compile(r"\s*([<>≤≥]?)\s*(-?(?:\d+(?:\.\d*)?|\.\d+))\s*(%?)\s*")


@dataclass(frozen=True)
class Bounds:
    """The exact numbers that a printed one can stand for.

    Parameters
    ----------
    low, high : Fraction
        Ends.
    low_open, high_open : bool
        Whether the end itself is left out.

    Examples
    --------
    >>> Bounds(Fraction(1, 2), Fraction(1), high_open=True).holds(1)
    False
    """

    low: Fraction
    high: Fraction
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: Fraction | int) -> bool:
        """Tell whether an exact number lies inside."""
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def meets(self, low: float, high: float, *, slack: float = 1e-9) -> bool:
        """Tell whether a range that was computed in floating point has a number inside."""
        return low <= float(self.high) + slack and high >= float(self.low) - slack


@dataclass(frozen=True)
class Printed:
    """A number as printed, with its decimals.

    Parameters
    ----------
    text : str
        As printed.
    value : Fraction
        The number; a percentage is divided by 100.
    unit_last : Fraction
        Value of one unit of the last printed decimal.
    relation : str
        `=`, `<` or `>`.

    Examples
    --------
    >>> number = printed("32.7", percent=True)
    >>> bounds = number.bounds("half up")
    >>> float(bounds.low), float(bounds.high), bounds.holds(Fraction(17, 52))
    (0.3265, 0.3275, True)
    """

    text: str
    value: Fraction
    unit_last: Fraction
    relation: str = "="

    def __float__(self) -> float:
        """Return the number."""
        return float(self.value)

    @property
    def decimals(self) -> int:
        """Decimals as printed."""
        return len(self.text.strip(" %").partition(".")[2])

    def bounds(self, mode: str = "ties either way") -> Bounds:
        """Return the numbers that would be printed so, under one way of rounding.

        Parameters
        ----------
        mode : str
            One of `MODES`, or `any`: every mode together.

        Returns
        -------
        Bounds
        """
        v, half = self.value, self.unit_last / 2
        if mode == "ties either way":
            return Bounds(v - half, v + half)
        if mode == "half up":  # away from zero
            return Bounds(v - half, v + half, v < 0, v >= 0)
        if mode == "half even":
            odd = int(v / self.unit_last) % 2 == 1
            return Bounds(v - half, v + half, odd, odd)
        up, down = (2 * half if v >= 0 else 0), (2 * half if v < 0 else 0)
        if v == 0:  # a small negative number is cut to zero as well
            down = 2 * half
        if mode == "truncation":
            return Bounds(v - down, v + up, down > 0, up > 0)
        if mode == "any":
            return Bounds(v - max(down, half), v + max(up, half))
        raise ValueError(f"mode: unknown {mode!r}; use one of {', '.join(MODES)}, any")

    def fits(self, value: float, *, slack: float = 1e-9) -> str | None:
        """Name the first way of rounding by which a computed number is printed so; None when there is none."""
        return self.fits_range(value, value, slack=slack)

    def fits_range(self, low: float, high: float, *, slack: float = 1e-9) -> str | None:
        """Name the first way of rounding by which some number of a computed range is printed so."""
        if self.relation == "<":
            return "bound" if low < float(self.value) + slack else None
        if self.relation == ">":
            return "bound" if high > float(self.value) - slack else None
        for mode in ("half up", "truncation"):  # a computed number is not exact enough to tell ties apart
            if self.bounds(mode).meets(low, high, slack=slack):
                return mode
        return None


def printed(text: str, *, percent: bool = False) -> Printed:
    """Read a printed number.

    Parameters
    ----------
    text : str
        Such as `0.870`, `87.0%`, `<0.001`. A string, because 0.9 and 0.90 stand for different ranges.
    percent : bool
        The number is a percentage although no percent sign is printed.

    Returns
    -------
    Printed

    Raises
    ------
    ValueError
        If it is not a string, or not a number.

    Examples
    --------
    >>> printed("0.90").decimals, float(printed("87.0%").value), printed("<0.001").relation
    (2, 0.87, '<')
    """
    if not isinstance(text, str):
        raise ValueError(f"printed number: a string is needed, because 0.9 and 0.90 differ; found {text!r}")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"printed number: {text!r} is not a number")
    relation, number, sign = match.groups()
    scale = 100 if percent or sign else 1
    unit = Fraction(1, 10 ** len(number.partition(".")[2])) / scale
    relation = {"": "=", "≤": "<", "≥": ">"}.get(relation, relation)
    return Printed(text.strip(), Fraction(number) / scale, unit, relation)


def whole_numbers(number: Printed, total: int) -> tuple[list[int], str | None]:
    """Find the counts out of a total that are printed as this share, and by which rounding.

    Brown and Heathers's granularity check (2017), doi:10.1177/1948550616673876; an AUC is a share of half pairs.

    Parameters
    ----------
    number : Printed
        A share.
    total : int
        At least 1.

    Returns
    -------
    tuple of list of int and str or None
        Counts, and the first of `MODES` that gives any; an empty list and None when none does.

    Examples
    --------
    >>> whole_numbers(printed("95", percent=True), 34)
    ([], None)
    >>> whole_numbers(printed("73", percent=True), 34)
    ([25], 'truncation')
    """
    if total < 1:
        raise ValueError(f"total: must be at least 1, found {total}")
    wide = number.bounds("any")
    span = range(max(0, -int(-wide.low * total // 1)), int(wide.high * total // 1) + 1)
    for mode in MODES:
        bounds = number.bounds(mode)
        counts = [count for count in span if bounds.holds(Fraction(count, total))]
        if counts:
            return counts, mode
    return [], None


def any_fits(number: Printed, total: int) -> bool:
    """Tell whether whole counts of a total are printed as every number: their steps are no wider than the rounding.

    Then a number that fits says nothing. Brown and Heathers (2017), doi:10.1177/1948550616673876.

    Parameters
    ----------
    number : Printed
        A share, or a mean of whole numbers.
    total : int
        What the counts are divided by: cases, or half pairs of an AUC.

    Returns
    -------
    bool

    Examples
    --------
    >>> any_fits(printed("95", percent=True), 34), any_fits(printed("95", percent=True), 195)
    (False, True)
    """
    return number.unit_last * total >= 1


def grim(mean: str, n: int, *, items: int = 1) -> list[int]:
    """Whole-number sums behind a printed mean of whole numbers.

    Brown and Heathers (2017), doi:10.1177/1948550616673876.

    Parameters
    ----------
    mean : str
        As printed.
    n : int
        Values.
    items : int
        Whole-number items that each value is the mean of.

    Returns
    -------
    list of int
        Sums that fit, ties counted either way; empty when the mean cannot be.

    Examples
    --------
    >>> grim("5.19", 28), grim("5.18", 28)
    ([], [145])
    """
    bounds = printed(mean).bounds()
    total = n * items
    return [s for s in range(int(bounds.low * total), int(bounds.high * total) + 2) if bounds.holds(Fraction(s, total))]

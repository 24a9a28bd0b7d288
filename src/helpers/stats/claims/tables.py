"""Every whole-number two-by-two table behind printed metrics, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import lcm

import numpy as np
import pandas as pd

from helpers.stats.claims.rounding import MODES, Bounds, Printed, printed

Cells = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # tp, fp, fn, tn
MOST_CANDIDATES = 30_000_000
MOST_SPLITS = 1_000_000
_CHUNK = 1_000_000
# numerator and denominator, both whole numbers
METRICS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "sensitivity": lambda tp, fp, fn, tn: (tp, tp + fn),
    "specificity": lambda tp, fp, fn, tn: (tn, tn + fp),
    "accuracy": lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn),
    "ppv": lambda tp, fp, fn, tn: (tp, tp + fp),
    "npv": lambda tp, fp, fn, tn: (tn, tn + fn),
    "f1": lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
    "kappa": lambda tp, fp, fn, tn: (
        2 * (tp * tn - fp * fn),
        (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn),
    ),
    "lr_positive": lambda tp, fp, fn, tn: (tp * (fp + tn), fp * (tp + fn)),
    "lr_negative": lambda tp, fp, fn, tn: (fn * (fp + tn), tn * (tp + fn)),
    "balanced_accuracy": lambda tp, fp, fn, tn: (tp * (fp + tn) + tn * (tp + fn), 2 * (tp + fn) * (fp + tn)),
    "youden": lambda tp, fp, fn, tn: (tp * tn - fp * fn, (tp + fn) * (fp + tn)),
    "prevalence": lambda tp, fp, fn, tn: (tp + fn, tp + fp + fn + tn),
    "dor": lambda tp, fp, fn, tn: (tp * tn, fp * fn),
}
ROOTED = ("mcc",)  # a whole number over the root of one
ALIASES = {
    "recall": "sensitivity",
    "sens": "sensitivity",
    "spec": "specificity",
    "acc": "accuracy",
    "precision": "ppv",
    "f1_score": "f1",
    "lr+": "lr_positive",
    "lr-": "lr_negative",
    "diagnostic_odds_ratio": "dor",
    "matthews": "mcc",
    "matthews_correlation": "mcc",
    "matthews_correlation_coefficient": "mcc",
}
SHARES = frozenset(METRICS) - {"kappa", "lr_positive", "lr_negative", "youden", "dor"}
SIGNED = ("kappa", "youden", "mcc")  # from -1 to 1
SWAPPED = {
    "sensitivity": "specificity",
    "specificity": "sensitivity",
    "ppv": "npv",
    "npv": "ppv",
    "accuracy": "accuracy",
    "kappa": "kappa",
    "mcc": "mcc",
    "dor": "dor",
}

WRITTEN = {
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC",
    "dor": "DOR",
    "lr_positive": "LR+",
    "lr_negative": "LR-",
}


def written(name: str) -> str:
    """Return a metric's name as one writes it: `PPV`, `balanced accuracy`."""
    return WRITTEN.get(name, name.replace("_", " "))


def metric_name(name: str) -> str | None:
    """Return the engine's name of a metric as papers write it; None when it knows none."""
    lower = name.strip().lower().replace(" ", "_")
    lower = ALIASES.get(lower, lower)
    return lower if lower in METRICS or lower in ROOTED else None


def confusion_tables(
    metrics: Mapping[str, str],
    positives: int | None = None,
    negatives: int | None = None,
    total: int | None = None,
    *,
    rounding: str = "ties either way",
) -> pd.DataFrame:
    """Find every whole-number table that fits printed metrics.

    A printed value stands for all numbers that are rounded to it, and a table fits when each of its metrics lies
    among them; compared as whole numbers, so that no fit is lost or made by floating point. The test is that of
    Kovács and Fazekas (2023), doi:10.48550/arXiv.2310.12527 (`mlscorecheck`).

    Parameters
    ----------
    metrics : mapping of str to str
        Printed strings by metric: `sensitivity, specificity, accuracy, ppv, npv, f1, kappa, lr_positive (LR+),
        lr_negative (LR-), balanced_accuracy, youden, prevalence, dor, mcc`, or their aliases. Fractions, or
        percentages when a percent sign is printed or a share is above 1 (then all shares are percentages).
    positives, negatives, total : int, optional
        What is known of the counts; the total alone means every split of it.
    rounding : str
        `half up`, `half even`, `ties either way` (both), `truncation`, or `any`.

    Returns
    -------
    DataFrame
        `tp, fp, fn, tn, positives, negatives`, one row a table, none when the numbers cannot all be true.

    Raises
    ------
    ValueError
        If a metric is unknown or impossible, a value is not a printed string, or the counts are missing.

    Examples
    --------
    >>> confusion_tables({"sensitivity": "0.875", "specificity": "0.917"}, 8, 12).to_dict("records")
    [{'tp': 7, 'fp': 1, 'fn': 1, 'tn': 11, 'positives': 8, 'negatives': 12}]
    >>> confusion_tables({"sensitivity": "88.2", "specificity": "78.3", "accuracy": "82.5"}, total=40)["positives"][0]
    np.int64(17)
    """
    if rounding not in (*MODES, "any"):
        raise ValueError(f"rounding: unknown {rounding!r}; use one of {', '.join(MODES)}, any")
    numbers = read_metrics(metrics)
    bounds = {name: number.bounds(rounding) for name, number in numbers.items()}
    return as_frame(search(bounds, *_splits(positives, negatives, total)))


def as_frame(cells: Cells) -> pd.DataFrame:
    """Turn arrays of cells into the table that `confusion_tables` returns."""
    frame = pd.DataFrame(dict(zip(("tp", "fp", "fn", "tn"), cells, strict=True)))
    return frame.assign(positives=frame["tp"] + frame["fn"], negatives=frame["fp"] + frame["tn"])


def read_metrics(metrics: Mapping[str, str]) -> dict[str, Printed]:
    """Read printed metrics under the engine's names; see `confusion_tables`."""
    if not metrics:
        raise ValueError("metrics: at least one is needed")
    read: dict[str, Printed] = {}
    for name, text in metrics.items():
        known = metric_name(name)
        if known is None:
            raise ValueError(f"metrics: unknown {name!r}; known are {', '.join((*METRICS, *ROOTED))}")
        if known in read:
            raise ValueError(f"metrics: {known!r} is given twice")
        read[known] = printed(text)
    if any(name in SHARES and number.value > 1 for name, number in read.items()):
        read = {name: printed(number.text, percent=True) if name in SHARES else number for name, number in read.items()}
    for name, number in read.items():
        ends = (0, 1) if name in SHARES else (-1, 1) if name in SIGNED else (0, number.value)
        if not ends[0] <= number.value <= ends[1]:
            raise ValueError(f"metrics: {name} of {number.text} is impossible")
    return read


def _splits(positives: int | None, negatives: int | None, total: int | None) -> tuple[np.ndarray, int]:
    for name, value in (("positives", positives), ("negatives", negatives), ("total", total)):
        if value is not None and (value != int(value) or value < 0):
            raise ValueError(f"{name}: a whole number of at least 0 is needed, found {value!r}")
    if positives is not None and negatives is not None:
        if total is not None and positives + negatives != total:
            raise ValueError(f"total: {positives} + {negatives} is not {total}")
        return np.array([positives], dtype=np.int64), int(positives + negatives)
    if total is None:
        raise ValueError("positives, negatives, total: give both counts, or the total")
    known = positives if positives is not None else (None if negatives is None else total - negatives)
    if known is None:
        if total > MOST_SPLITS:
            raise ValueError(f"total: {total} is too large to try every split; give positives and negatives")
        return np.arange(total + 1, dtype=np.int64), int(total)
    if not 0 <= known <= total:
        raise ValueError(f"total: {total} is smaller than the counts")
    return np.array([known], dtype=np.int64), int(total)


def search(bounds: Mapping[str, Bounds], positives: np.ndarray, total: int) -> Cells:
    """Enumerate the tables of a total that satisfy all bounds, for some numbers of positives.

    The sensitivity limits tp; accuracy, specificity, predictive values and F1 limit tn given tp; what is left is
    tested exactly.

    Parameters
    ----------
    bounds : mapping of str to Bounds
        By metric.
    positives : ndarray of int64
        Numbers of positives to try.
    total : int

    Returns
    -------
    tuple of four ndarrays
        tp, fp, fn, tn.
    """
    scaled = {name: _scaled(b) for name, b in bounds.items()}
    if scaled and max(max(abs(v) for v in s[:3]) for s in scaled.values()) * 2 * max(total, 1) ** 2 >= 2**62:
        raise ValueError(f"total: {total} is too large for exact arithmetic with so many decimals")
    if "prevalence" in scaled:
        keep = _inside(positives, np.full_like(positives, total), *scaled["prevalence"])
        positives = positives[keep]
    low, high = np.zeros_like(positives), positives
    if "sensitivity" in scaled:
        scale, bottom, top = scaled["sensitivity"][:3]
        low, high = np.maximum(low, -(-bottom * positives // scale)), np.minimum(high, top * positives // scale)
    p, tp = _ranges(positives, low, high)
    low, high = _true_negatives(scaled, p, tp, total)
    count = np.maximum(high - low + 1, 0)
    if count.sum() > MOST_CANDIDATES:
        raise ValueError(f"metrics: too few to enumerate the tables of {total} cases; add one, or give the counts")
    chunks = np.searchsorted(np.cumsum(count), np.arange(_CHUNK, count.sum() + _CHUNK, _CHUNK), "right")
    found: list[Cells] = []
    start = 0
    for stop in [*np.unique(chunks).tolist(), len(count)]:
        if stop > start:
            found.append(_tested(scaled, p[start:stop], tp[start:stop], low[start:stop], high[start:stop], total))
            start = stop
    if not found:
        return tuple(np.zeros(0, dtype=np.int64) for _ in range(4))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def filtered(cells: Cells, bounds: Mapping[str, Bounds]) -> Cells:
    """Keep the tables that satisfy all bounds."""
    keep = np.ones(cells[0].size, dtype=bool)
    for name, b in bounds.items():
        keep &= _holds(name, cells, _scaled(b))
    return tuple(part[keep] for part in cells)


def _tested(scaled, p, tp, low, high, total) -> Cells:
    index, tn = _ranges(np.arange(p.size), low, high)
    p, tp = p[index], tp[index]
    cells = (tp, total - p - tn, p - tp, tn)
    keep = np.ones(tn.size, dtype=bool)
    for name, limits in scaled.items():
        keep &= _holds(name, cells, limits)
    return tuple(part[keep] for part in cells)


def _scaled(b: Bounds) -> tuple[int, int, int, bool, bool]:
    """Return scale, low and high as whole numbers, and which ends are open."""
    scale = lcm(b.low.denominator, b.high.denominator)
    return scale, int(b.low * scale), int(b.high * scale), b.low_open, b.high_open


def _holds(name: str, cells: Cells, limits: tuple[int, int, int, bool, bool]) -> np.ndarray:
    """Tell which tables have a metric within its limits."""
    return _correlated(cells, *limits) if name in ROOTED else _inside(*METRICS[name](*cells), *limits)


def _correlated(cells: Cells, scale, low, high, low_open, high_open) -> np.ndarray:
    """Tell which tables have their Matthews correlation within limits.

    Floating point decides where it safely can; within a billionth of a limit the squares are compared as whole numbers
    of any size.
    """
    tp, fp, fn, tn = cells
    top = tp * tn - fp * fn
    under = (tp + fp).astype(float) * (tp + fn) * (tn + fp) * (tn + fn)
    value = np.divide(top, np.sqrt(under), out=np.full(tp.size, np.nan), where=under > 0)
    inside = (value >= low / scale) & (value <= high / scale)
    near = (np.abs(value - low / scale) < 1e-9) | (np.abs(value - high / scale) < 1e-9)
    for k in np.flatnonzero(near):
        a, b, c, d = (int(part[k]) for part in cells)
        x, product = scale * (a * d - b * c), (a + b) * (a + c) * (d + b) * (d + c)
        below, above = (x * abs(x) - y * abs(y) * product for y in (low, high))  # both rise with the metric
        inside[k] = (below > 0 or (below == 0 and not low_open)) and (above < 0 or (above == 0 and not high_open))
    return inside


def _inside(numerator, denominator, scale, low, high, low_open, high_open) -> np.ndarray:
    value, least, most = numerator * scale, denominator * low, denominator * high
    inside = (value > least) if low_open else (value >= least)
    return (denominator > 0) & inside & ((value < most) if high_open else (value <= most))


def _ranges(item: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeat each item for every whole number from low to high."""
    count = np.maximum(high - low + 1, 0)
    index = np.repeat(np.arange(item.size), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return item[index], low[index] + within


def _true_negatives(scaled, p: np.ndarray, tp: np.ndarray, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole-number limits of tn given positives and tp, from every metric that is monotone in tn."""
    n0, fn = total - p, p - tp
    low, high = np.zeros_like(p), n0
    if "specificity" in scaled:
        scale, bottom, top = scaled["specificity"][:3]
        low, high = np.maximum(low, -(-bottom * n0 // scale)), np.minimum(high, top * n0 // scale)
    if "accuracy" in scaled:
        scale, bottom, top = scaled["accuracy"][:3]
        low, high = np.maximum(low, -(-bottom * total // scale) - tp), np.minimum(high, top * total // scale - tp)
    if "npv" in scaled:
        scale, bottom, top = scaled["npv"][:3]
        if scale > bottom:
            low = np.maximum(low, -(-bottom * fn // (scale - bottom)))
        if scale > top:
            high = np.minimum(high, top * fn // (scale - top))
    for name, twice, missed in (("ppv", 1, 0), ("f1", 2, 1)):  # both are k tp / (k tp + fp + m fn)
        if name in scaled:
            scale, bottom, top = scaled[name][:3]
            if bottom > 0:  # the most false positives
                low = np.maximum(low, n0 - (twice * tp * (scale - bottom) // bottom - missed * fn))
            if top > 0:  # the fewest
                high = np.minimum(high, n0 + (twice * tp * (top - scale) // top + missed * fn))
    return low, high

"""The participants' flow: who was left out, why, and who ended up in which split.

A reader must be able to add the numbers up (STARD 2015 item 19, doi:10.1136/bmj.h5527; TRIPOD+AI item 20a,
doi:10.1136/bmj-2023-078378), so the boxes are checked before they are drawn.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.data.errors import StudyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPLIT_NAMES = {"train": "Training", "tune": "Tuning", "test": "Test", "external": "External test"}
UNSIMULATED = "Not simulated in this quick run"  # a reason that excludes nobody: a quick run draws fewer patients
INK, EDGE, FILL, ASIDE = "#1f2933", "#52606d", "#f3f6f9", "#ffffff"
_MAIN_WIDTH, _ASIDE_WIDTH = 40, 44  # characters in a line of a box


@dataclass(frozen=True)
class Step:
    """One box: how many there are, and who is left out before the next box, by reason."""

    label: str
    n: int
    excluded: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Split:
    """One box at the end: a part of the cohort with its events."""

    label: str
    n: int
    events: int | None = None


@dataclass(frozen=True)
class Flow:
    """The participants' flow; see `flow`.

    Attributes
    ----------
    steps : tuple of Step
        From the first box to the last common one.
    splits : tuple of Split
        The parts of the last box; empty when it was not divided.
    unit : str
        What is counted.
    event : str
        What an event is called.
    """

    steps: tuple[Step, ...]
    splits: tuple[Split, ...] = ()
    unit: str = "patients"
    event: str = "events"

    def frame(self) -> pd.DataFrame:
        """One row a box or reason: `order, kind` (step, excluded, unsimulated, split)`, label, n, events`."""
        rows = []
        for step in self.steps:
            rows.append(("step", step.label, step.n, None))
            rows += [(_kind(reason), reason, n, None) for reason, n in step.excluded]
        rows += [("split", split.label, split.n, split.events) for split in self.splits]
        frame = pd.DataFrame(rows, columns=["kind", "label", "n", "events"])
        frame["events"] = frame["events"].astype("Int64")
        frame.insert(0, "order", range(1, len(frame) + 1))
        return frame

    @property
    def methods(self) -> str:
        """The flow in one sentence."""
        first, last = self.steps[0], self.steps[-1]
        counted = {"excluded": 0, "unsimulated": 0}
        for step in self.steps:
            for reason, n in step.excluded:
                counted[_kind(reason)] += n
        left_out = f"{counted['excluded']:,} were excluded"
        if counted["unsimulated"]:
            left_out += f", {counted['unsimulated']:,} were {_lower(UNSIMULATED)}"
        parts = [f"{_lower(split.label)} {split.n:,}{self._events(split)}" for split in self.splits]
        divided = f" ({'; '.join(parts)})" if parts else ""
        return (
            f"Of {first.n:,} {self.unit}, {left_out} and {last.n:,} were analysed{divided}; reported "
            "as STARD 2015 (doi:10.1136/bmj.h5527) and TRIPOD+AI (doi:10.1136/bmj-2023-078378) ask."
        )

    def _events(self, split: Split) -> str:
        return "" if split.events is None else f", {split.events:,} {self.event}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the boxes: the cohort from top to bottom, those left out to the right, the splits below.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a figure of fitting height is made when absent.

        Returns
        -------
        Axes
            With both axes off; one unit is one line of text.
        """
        layout = _layout(self)
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(8.2, 0.6 + 0.2 * layout.height), layout="constrained")
        ax.set(xlim=(0, 100), ylim=(layout.height, 0))
        ax.axis("off")
        for x, y, width, height, text, align, fill in layout.boxes:
            _box(ax, x, y, width, height, text, align, fill)
        for points in layout.arrows:
            _arrow(ax, points)
        return ax


def flow(
    steps: Sequence[Any],
    *,
    splits: Sequence[Any] | None = None,
    cohort: pd.DataFrame | None = None,
    unit: str = "patients",
    event: str = "events",
    file: str | None = None,
) -> Flow:
    """Build and check the participants' flow.

    Parameters
    ----------
    steps : sequence
        In order: tuples `(label, n, excluded)` or dicts or objects with `label` (or `step`), `n` and `excluded`.
        `excluded` are those left out after this box and before the next, as a mapping or pairs of reason and
        number. `n` may be None: it then follows from the next box, or from the splits.
    splits : sequence, optional
        At the end: tuples `(label, n, events)` or dicts or objects with these.
    cohort : DataFrame, optional
        Instead of `splits`: a cohort table with `split`, `patient_id` and `label`. A patient has an event when any
        of its cases has one.
    unit, event : str
        What is counted and what an event is called, in the plural.
    file : str, optional
        Named in error messages.

    Returns
    -------
    Flow
        With `.frame()`, `.plot(ax=None)` and `.methods`.

    Raises
    ------
    StudyError
        The numbers do not add up, or one is not a whole number of at least 0.

    Examples
    --------
    >>> result = flow([("Assessed", 420, {"no surgery": 20, "no CEUS": 4}), ("Analysed", 396, [])],
    ...               splits=[("Training", 280, 55), ("Test", 116, 27)])
    >>> result.frame()["n"].tolist()
    [420, 20, 4, 396, 280, 116]
    >>> flow([("Assessed", 420, {"no surgery": 20}), ("Analysed", 396, [])])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    helpers.data.errors.StudyError: 'Assessed' has 420, 20 are excluded, but 'Analysed' has 396 and not 400...
    """
    if splits is not None and cohort is not None:
        raise ValueError("splits, cohort: give one of them")
    if cohort is not None:
        ends = _from_cohort(cohort)
    else:
        ends = tuple(_split(split, file) for split in splits or ())
    raw = [_fields(step, ("label", "n", "excluded")) for step in steps]
    if not raw:
        raise StudyError("the flow has no step", file=file, fix="describe at least who was assessed")
    counts = [None if n is None else _count(n, label, file) for label, n, _ in raw]
    reasons = [_reasons(excluded, file) for *_, excluded in raw]
    if counts[-1] is None:
        if not ends:
            raise StudyError(f"{raw[-1][0]!r} has no number", file=file, fix="give n, or the splits")
        counts[-1] = sum(end.n for end in ends) + sum(n for _, n in reasons[-1])
    for i in range(len(raw) - 2, -1, -1):
        expected = counts[i + 1] + sum(n for _, n in reasons[i])
        if counts[i] is None:
            counts[i] = expected
        elif counts[i] != expected:
            out = counts[i] - expected + counts[i + 1]
            raise StudyError(
                f"{raw[i][0]!r} has {counts[i]}, {sum(n for _, n in reasons[i])} are excluded, but "
                f"{raw[i + 1][0]!r} has {counts[i + 1]} and not {out}",
                file=file,
                fix="correct the numbers, or name the reason that is missing",
            )
    if ends and reasons[-1]:
        counts.append(counts[-1] - sum(n for _, n in reasons[-1]))
        raw.append(("Analysed", None, ()))
        reasons.append(())
    if ends and sum(end.n for end in ends) != counts[-1]:
        raise StudyError(
            f"the splits have {sum(end.n for end in ends)} together, but {raw[-1][0]!r} has {counts[-1]}",
            file=file,
            fix="correct the numbers, or name who was left out and why",
        )
    boxes = tuple(Step(str(label), n, why) for (label, *_), n, why in zip(raw, counts, reasons))
    return Flow(boxes, ends, unit, event)


def _fields(item: Any, names: tuple[str, ...]) -> list[Any]:
    """The named parts of a tuple, a dict or an object; what is left off is None."""
    if isinstance(item, (tuple, list)):
        return [*item, *[None] * (len(names) - len(item))]
    get = item.get if isinstance(item, Mapping) else lambda name, default=None: getattr(item, name, default)
    return [get(name) if name != "label" else get("label", get("step")) for name in names]


def _count(n: Any, label: str, file: str | None) -> int:
    if (
        isinstance(n, bool)
        or (not isinstance(n, (int, float)) and not hasattr(n, "__index__"))
        or n != n
        or n < 0
        or n % 1
    ):
        raise StudyError(f"{label!r} has {n!r}", file=file, fix="give a whole number of at least 0")
    return int(n)


def _reasons(excluded: Any, file: str | None) -> tuple[tuple[str, int], ...]:
    pairs = excluded.items() if isinstance(excluded, Mapping) else excluded or ()
    return tuple((str(reason), _count(n, reason, file)) for reason, n in pairs)


def _split(split: Any, file: str | None) -> Split:
    label, n, events = _fields(split, ("label", "n", "events"))
    n = _count(n, label, file)
    events = None if events is None else _count(events, f"events of {label}", file)
    if events is not None and events > n:
        raise StudyError(f"{label!r} has {events} events among {n}", file=file, fix="correct the numbers")
    return Split(str(label), n, events)


def _from_cohort(cohort: pd.DataFrame) -> tuple[Split, ...]:
    for column in ("split", "patient_id", "label"):
        if column not in cohort.columns:
            raise StudyError("the column is absent", column=column, fix="give a cohort table")
    patients = cohort.groupby(["split", "patient_id"], observed=True)["label"].max()
    counted = patients.groupby(level="split", observed=True).agg(["size", "sum"])
    order = [name for name in SPLIT_NAMES if name in counted.index]
    order += [name for name in counted.index if name not in SPLIT_NAMES]
    return tuple(
        Split(SPLIT_NAMES.get(name, str(name)), int(counted.loc[name, "size"]), int(counted.loc[name, "sum"]))
        for name in order
    )


def _kind(reason: str) -> str:
    return "unsimulated" if reason == UNSIMULATED else "excluded"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


@dataclass(frozen=True)
class _Layout:
    boxes: list[tuple[float, float, float, float, str, str, str]]
    arrows: list[list[tuple[float, float]]]
    height: float


def _layout(result: Flow) -> _Layout:
    """Place the boxes on a sheet 100 wide whose height is counted in lines of text."""
    boxes, arrows, y = [], [], 0.5
    has_aside = any(step.excluded for step in result.steps)
    center, half = (26.0, 23.0) if has_aside else (50.0, 24.0)
    for k, step in enumerate(result.steps):
        text = "\n".join([*textwrap.wrap(step.label, _MAIN_WIDTH), f"n = {step.n:,}"])
        height = text.count("\n") + 2
        boxes.append((center - half, y, 2 * half, height, text, "center", FILL))
        bottom, last = y + height, k == len(result.steps) - 1
        gap = 2.2 if not last or result.splits else 0.5
        if step.excluded:
            excluded = [(reason, n) for reason, n in step.excluded if _kind(reason) == "excluded"]
            lines = [f"Excluded, n = {sum(n for _, n in excluded):,}"] if excluded else []
            lines += [f"{reason}, n = {n:,}" for reason, n in step.excluded if _kind(reason) == "unsimulated"]
            for reason, n in excluded:
                lines += textwrap.wrap(f"• {reason}, n = {n:,}", _ASIDE_WIDTH, subsequent_indent="   ")
            aside = len(lines) + 1
            gap = aside + 1.4
            boxes.append((54, bottom + 0.7, 45, aside, "\n".join(lines), "left", ASIDE))
            arrows.append([(center, bottom + 0.7 + aside / 2), (54, bottom + 0.7 + aside / 2)])
        if not last:
            arrows.append([(center, bottom), (center, bottom + gap)])
        y = bottom + gap
    if not result.splits:
        return _Layout(boxes, arrows, y + 0.5)
    room = 98 / len(result.splits)
    y += 1.0
    texts = []
    for split in result.splits:
        body = [*textwrap.wrap(split.label, max(8, int(room * 0.9))), f"n = {split.n:,}"]
        if split.events is not None:
            share = f" ({100 * split.events / split.n:.1f}\u00a0%)" if split.n else ""
            body += textwrap.wrap(f"{split.events:,} {result.event}{share}", max(10, int(room * 0.9)))
        texts.append("\n".join(body))
    height = max(text.count("\n") for text in texts) + 2
    fork = y - 1.0
    for k, text in enumerate(texts):
        middle = 1 + room * (k + 0.5)
        width = min(room - 2, 46)
        boxes.append((middle - width / 2, y, width, height, text, "center", FILL))
        arrows.append([(center, fork - gap), (center, fork), (middle, fork), (middle, y)])
    return _Layout(boxes, arrows, y + height + 0.5)


def _box(ax, x, y, width, height, text, align, fill) -> None:
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=0.6"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor=fill, edgecolor=EDGE, linewidth=1))
    where = x + 1.6 if align == "left" else x + width / 2
    ax.text(where, y + height / 2, text, ha=align, va="center", fontsize=9, color=INK, linespacing=1.35)


def _arrow(ax, points: list[tuple[float, float]]) -> None:
    xs, ys = zip(*points)
    ax.plot(xs[:-1], ys[:-1], color=EDGE, linewidth=1, solid_capstyle="butt")
    ax.annotate(
        "",
        xy=points[-1],
        xytext=points[-2],
        arrowprops={"arrowstyle": "-|>", "color": EDGE, "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )

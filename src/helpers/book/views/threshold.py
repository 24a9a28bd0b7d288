"""Threshold explorer: what every threshold would do, at every prevalence. Nothing may be chosen on these cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from helpers.book.views import threshold_scene
from helpers.book.views.markup import fixed, percent, short
from helpers.book.views.threshold_scene import BENEFIT, CALIBRATION, FLOOR, RATIOS, ROC, SHARES, TICKS
from helpers.book.views.view import Column, Control, View, columns
from helpers.data.study import Study
from helpers.stats import models, palette
from helpers.stats.calibration import calibration
from helpers.stats.intervals import Estimate
from helpers.stats.net_benefit import DECIMALS, Cohort, clean_thresholds, treated_up_to
from helpers.stats.operating_points import OperatingPoint, operating_point
from helpers.stats.resampling import repeats
from helpers.stats.roc_curve import points
from helpers.stats.thresholds import Threshold
from helpers.stats.units import plural

GRID = np.round(np.arange(0.01, 1.0, 0.01), 2)
PREVALENCES = np.round(np.arange(0.01, 0.805, 0.01), 2)
HUGE = 1e300  # an infinite ratio, which JSON cannot hold
METHODS = (
    "Proportions with 95 % intervals by Wilson; at another prevalence PPV and NPV follow from the likelihood ratios "
    "(doi:10.1002/sim.2677) and net benefit from sensitivity and specificity, with its standard error "
    "(doi:10.1002/bimj.201800240). Risks as the model gave them; the axis of net benefit ends at the prevalence, the "
    "most that can be had."
)
LOOK = "Look only: the threshold was frozen without these cases, and one picked here would look too good."
HERE = "This is the frozen threshold: the one that counts."


def build(part: models.Panel, frozen: Mapping[str, Threshold], *, settings: Study, names: Sequence[str]) -> View:
    """Compute the explorer for some models on one split.

    Parameters
    ----------
    part : Panel
        The judged cases.
    frozen : mapping of model to Threshold
    settings : Study
        For the names of the outcome and the declared range of risks.
    names : sequence of str
        Models to show, at most a handful; colors follow the order of all models of `part`.

    Returns
    -------
    View

    Raises
    ------
    ValueError
        If a model of `names` has no risks or no frozen threshold.
    """
    lost = [name for name in names if name not in part.risks or name not in frozen]
    if lost or not names:
        raise ValueError(f"names: {', '.join(lost) or 'none given'}; there are {', '.join(part.risks)}")
    kept = {name: float(frozen[name]) for name in names}
    grid = clean_thresholds(np.unique([*GRID, *(v for v in kept.values() if 0 <= v < 1)]))
    places = [int(np.abs(grid - value).argmin()) for value in kept.values()]
    own = part.events / part.n
    prevalences = np.unique(np.append(PREVALENCES, own))
    at_own = int(np.searchsorted(prevalences, own))
    who = part.patient_id if repeats(part.patient_id, part.n) else None
    rounded = {name: np.round(risk, DECIMALS) for name, risk in part.risks.items()}  # as thresholds are
    part = replace(part, risks=rounded)
    made = {name: _measure(part.label, part.risks[name], grid, who) for name in names}
    numbers = _numbers(part, made, grid, prevalences, at_own, who)
    numbers |= {"units": plural(settings.unit, n=part.n, patients=part.patients)}
    numbers |= {"outcome": settings.outcome.positive, "x": [short(float(BENEFIT.at_x(t))) for t in grid]}
    numbers |= {"high": BENEFIT.high, "look": LOOK, "here": HERE, "frozen": places}
    told = [f"{percent(p)}{' (these cases)' if i == at_own else ''}" for i, p in enumerate(prevalences)]
    controls = (
        Control("model", "choice", "Model", tuple(names)),
        Control(
            "threshold",
            "range",
            "Act from this risk on",
            tuple(percent(t, 0 if abs(100 * t - round(100 * t)) < 1e-9 else 1) for t in grid),
            places[0],
            frozen=tuple(places),
            frozen_by="model",
            frozen_label="Back to the frozen threshold",
        ),
        Control(
            "prevalence",
            "range",
            "Share that has it",
            tuple(told),
            at_own,
            frozen=(at_own,),
            frozen_label="Back to these cases",
        ),
    )
    looks = palette.styles(list(part.risks))
    drawn = [*_curves(part, names, grid, places, looks, who), *_cells(made, names, grid)]
    methods = f"{part.title}, n = {part.n}, {part.events} events. {METHODS}"
    return View(
        "threshold", controls, tuple(drawn), threshold_scene.scene(settings, part), numbers, methods=methods, n=part.n
    )


def _measure(label: np.ndarray, risk: np.ndarray, grid: np.ndarray, who: np.ndarray | None) -> list[OperatingPoint]:
    """Measures at every threshold; neighbours that call the same cases share one computation."""
    known: dict[bytes, OperatingPoint] = {}
    out = []
    for threshold in grid:
        called = np.packbits(risk >= threshold).tobytes()
        if called not in known:
            known[called] = operating_point(label, risk, float(threshold), patient_id=who)
        out.append(known[called])
    return out


def _numbers(part, made, grid, prevalences, at_own, who) -> dict[str, Any]:
    """What the measures that depend on the prevalence are computed from."""
    out: dict[str, Any] = {"prevalence": prevalences.tolist(), "own": at_own, "odds": (grid / (1 - grid)).tolist()}
    for name in ("sensitivity", "specificity"):
        out[name] = [[p.estimates[name].value for p in each] for each in made.values()]
    for name in ("ppv", "npv", *RATIOS):
        out[name] = [[_limits(p.estimates[name]) for p in each] for each in made.values()]
    out["variance"], out["own_se"] = [], []
    y = part.label == 1
    for model in made:
        up_to = treated_up_to(part.risks[model], grid)
        out["own_se"].append(Cohort(y, grid, who).se(up_to).tolist())
        # at a prevalence p it is a p² + b p (1 - p) + c (1 - p)²: found from three prevalences
        v = {p: Cohort(y, grid, who, prevalence=p).se(up_to) ** 2 for p in (0.25, 0.5, 0.75)}
        p = np.array(list(v))
        system = np.stack([p**2, p * (1 - p), (1 - p) ** 2], axis=1)
        out["variance"].append(np.linalg.solve(system, np.stack(list(v.values()))).T.tolist())
    return out


def _limits(estimate: Estimate) -> list[float | None]:
    values = (estimate.value, estimate.low, estimate.high)
    return [None if v != v else min(float(v), HUGE) for v in values]


def _curves(part, names, grid, places, looks, who) -> list[Column]:
    """Lines that depend on the model, and the marks that move along them."""
    y = part.label == 1
    fixed_marks: dict[str, dict[str, list]] = {
        key: {a: [] for a in attributes}
        for key, attributes in {
            "roc_line": ("d", "stroke"),
            "roc_frozen": ("cx", "cy"),
            "cal_line": ("d", "stroke"),
            "cal_band": ("d", "fill"),
            "cal_frozen": ("x1", "x2"),
            "nb_frozen": ("x1", "x2"),
            "nb_model": ("stroke",),
        }.items()
    }
    moving: dict[str, dict[str, list]] = {
        "roc_point": {"cx": [], "cy": []},
        "cal_point": {"cx": [], "cy": [], "display": []},
        "cal_text": {"text": []},
    }
    for name, place in zip(names, places):
        risk, color = part.risks[name], looks[name].color
        _, tp, fp = points(y, risk)
        sensitivity = np.array([np.mean(risk[y] >= t) for t in grid])
        false = np.array([np.mean(risk[~y] >= t) for t in grid])
        fixed_marks["roc_line"]["d"].append(ROC.path((fp / fp[-1]).tolist(), (tp / tp[-1]).tolist()))
        moving["roc_point"]["cx"].append([ROC.at_x(v) for v in false])
        moving["roc_point"]["cy"].append([ROC.at_y(v) for v in sensitivity])
        fixed_marks["roc_frozen"]["cx"].append(ROC.at_x(false[place]))
        fixed_marks["roc_frozen"]["cy"].append(ROC.at_y(sensitivity[place]))
        curve = calibration(part.label, risk, patient_id=who).frame()
        x, seen, low, high = (curve[c].to_numpy(float) for c in ("risk", "observed", "low", "high"))
        fixed_marks["cal_line"]["d"].append(CALIBRATION.path(x, seen))
        fixed_marks["cal_band"]["d"].append(CALIBRATION.band(x, low, high))
        near = [_read(t, x, seen, low, high) for t in grid]
        moving["cal_point"]["cx"].append([CALIBRATION.at_x(t) for t in grid])
        moving["cal_point"]["cy"].append([0 if v is None else CALIBRATION.at_y(v[0]) for v in near])
        moving["cal_point"]["display"].append(["none" if v is None else "inline" for v in near])
        moving["cal_text"]["text"].append([_said(t, v) for t, v in zip(grid, near)])
        for key in ("roc_line", "cal_line", "nb_model"):
            fixed_marks[key]["stroke"].append(color)
        fixed_marks["cal_band"]["fill"].append(color)
        for key, plot in (("cal_frozen", CALIBRATION), ("nb_frozen", BENEFIT)):
            for end in ("x1", "x2"):
                fixed_marks[key][end].append(plot.at_x(grid[place]))
    line = [BENEFIT.at_x(t) for t in grid]
    return [
        *columns(["model"], **fixed_marks),
        *columns(["model", "threshold"], **moving),
        *columns(["threshold"], nb_point={"cx": line}),
    ]


def _read(threshold: float, x, seen, low, high) -> tuple[float, float, float] | None:
    """The calibration curve at a risk; None where no case has such a risk."""
    if not len(x) or not x.min() <= threshold <= x.max():
        return None
    here, *limits = (float(np.interp(threshold, x, v)) for v in (seen, low, high))
    return None if math.isnan(here) else (here, *limits)


def _said(threshold: float, near: tuple[float, float, float] | None) -> str:
    if near is None:
        return f"No case here has a risk near {percent(threshold)}."
    limits = "" if math.isnan(near[1]) else f" (95 % CI {fixed(100 * near[1])} to {fixed(100 * near[2])} %)"
    return f"Of cases with a risk near {percent(threshold)}, {percent(near[0])}{limits} had it."


def _cells(made, names, grid) -> list[Column]:
    """Counts and measures that do not depend on the prevalence, as texts."""
    texts: dict[str, dict[str, list]] = {}
    for name in ("tp", "fp", "fn", "tn"):
        texts[name] = {"text": [[str(int(p.counts[name])) for p in made[m]] for m in names]}
    for name in SHARES:
        texts[name] = {"text": [[share(*_limits(p.estimates[name])) for p in made[m]] for m in names]}
    for name in RATIOS:
        texts[name] = {"text": [[_ratio(*_limits(p.estimates[name])) for p in made[m]] for m in names]}
    return columns(["model", "threshold"], **texts)


def share(value: float | None, low: float | None, high: float | None) -> str:
    """A share and its limits in percent.

    Examples
    --------
    >>> share(0.815, 0.633, 0.918), share(None, None, None)
    ('82 % (63 to 92)', '–')
    """
    if value is None:
        return "–"
    limits = "" if low is None or high is None else f" ({fixed(100 * low)} to {fixed(100 * high)})"
    return percent(value) + limits


def _ratio(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    low, value, high = (v if v is None or v < HUGE else math.inf for v in (low, value, high))
    return fixed(value, 2) + ("" if low is None or high is None else f" ({fixed(low, 2)} to {fixed(high, 2)})")


def derive(numbers: Mapping[str, Any], state: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What depends on the prevalence; the page's script does the same arithmetic, and a test compares them."""
    m, t, k = state["model"], state["threshold"], state["prevalence"]
    p, own = numbers["prevalence"][k], k == numbers["own"]
    q = 1 - p
    sensitivity, specificity = numbers["sensitivity"][m], numbers["specificity"][m]
    odds = numbers["odds"]
    benefit = [sensitivity[i] * p - (1 - specificity[i]) * q * odds[i] for i in range(len(odds))]
    everyone = [p - q * w for w in odds]
    a, b, c = numbers["variance"][m][t]
    se = numbers["own_se"][m][t] if own else math.sqrt(max(a * p * p + b * p * q + c * q * q, 0))
    ppv = numbers["ppv"][m][t] if own else [_after(r, p / q) for r in numbers["lr_positive"][m][t]]
    negative = numbers["lr_negative"][m][t]
    npv = numbers["npv"][m][t] if own else [_complement(_after(negative[i], p / q)) for i in (0, 2, 1)]
    high = 1.959963984540054 * se
    marks: dict[str, dict[str, Any]] = {
        "ppv": {"text": share(*ppv)},
        "npv": {"text": share(*npv)},
        "nb": {"text": f"{fixed(benefit[t], 3)} ({fixed(benefit[t] - high, 3)} to {fixed(benefit[t] + high, 3)})"},
        "nb_everyone": {"text": fixed(everyone[t], 3)},
        "nb_model": {"d": _line(numbers, benefit, p)},
        "nb_all": {"d": _line(numbers, everyone, p)},
        "nb_point": {"cy": _height(numbers, benefit[t] / p), "display": "none" if benefit[t] / p < FLOOR else "inline"},
        "status": {"text": numbers["here"] if t == numbers["frozen"][m] else numbers["look"]},
    }
    for i, tick in enumerate(TICKS):
        marks[f"tick{i}"] = {"text": fixed(tick * p, 2)}
    return marks | _hundred(numbers["units"], numbers["outcome"], sensitivity[t], specificity[t], p)


def _line(numbers: Mapping[str, Any], values: Sequence[float], p: float) -> str:
    points_ = (f"{x} {_height(numbers, v / p)}" for x, v in zip(numbers["x"], values))
    return "M" + "L".join(points_)


def _height(numbers: Mapping[str, Any], standardised: float) -> str:
    """Distance from the top of the drawing, kept near it."""
    return fixed(min(max((1 - standardised) / (1 - FLOOR), -1), 2) * numbers["high"], 1).replace("−", "-")


def _after(ratio: float | None, before: float) -> float | None:
    """Probability after a result, from the odds before it."""
    return None if ratio is None else 1 / (1 + 1 / (before * ratio)) if ratio > 0 else 0.0


def _complement(value: float | None) -> float | None:
    return None if value is None else 1 - value


def whole(value: float) -> int:
    """Nearest whole number, ties upwards, as in the page's script."""
    return math.floor(value + 0.5 + 1e-9)


def _hundred(units: str, outcome: str, sensitivity: float, specificity: float, p: float) -> dict[str, dict[str, Any]]:
    """One hundred patients, or other units, in words and as dots; the four groups add up to 100."""
    events = whole(100 * p)
    tp, tn = whole(events * sensitivity), whole((100 - events) * specificity)
    fn, fp = events - tp, 100 - events - tn
    words = f"Of 100 such {units}, {events} have it ({outcome}). Acting on the model means acting on {tp + fp}: "
    words += f"{tp} with it and {fp} without it. {fn} with it are missed, and {tn} are rightly left alone."
    kinds = ["tp"] * tp + ["fn"] * fn + ["fp"] * fp + ["tn"] * tn
    return {"words": {"text": words}} | {f"dot{i}": {"class": f"v-dot {kind}"} for i, kind in enumerate(kinds)}

"""What decision curves say, in computed sentences: the chapter's answer, and the captions of its figures.

Everything is by point estimate or by band as said, with the direction, every run of thresholds, and both references.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.book.wording import range_text
from helpers.stats.decision_range import NAMES, REFERENCES, named, spans

if TYPE_CHECKING:
    from helpers.stats.class_choices import ChoiceCurve

MANY = 5  # models above which a sentence names three
FEW = 3
RUNS = 4  # runs of thresholds that are listed one by one
TIE = 1e-12  # in net benefit: counts over n, so that a difference as small is rounding
BETTER = f"the better of {NAMES['all']} and {NAMES['none']}"


def answer(table: pd.DataFrame) -> str:
    """Say at which thresholds each model has a higher net benefit than both references, and what is best elsewhere.

    Parameters
    ----------
    table : DataFrame
        From `decision_panels.frame`.

    Examples
    --------
    >>> from helpers.stats.decision import decision_curve
    >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9], thresholds=[0.2, 0.3, 0.6])
    >>> answer(curve.frame().assign(split="Test"))
    'Between risks of 20% and 60% the point estimate of net benefit is above acting on all and on none for these. \
Test: model over the whole range.'
    """
    said = [f"{split}: {_above(part)}" for split, part in table.groupby("split", sort=False)]
    low, high = _percent(table["threshold"].min()), _percent(table["threshold"].max())
    return (
        f"Between risks of {low} and {high} the point estimate of net benefit is above acting on all and on none for "
        f"these. {' '.join(said)}"
    )


def choices(found: Mapping[str, ChoiceCurve] | None) -> str:
    """The same for each clinical choice over its own range; empty of None."""
    if not found:
        return ""
    said = [
        f"{name}, {_percent(one.low)} to {_percent(one.high)}: {_above(one.curve.frame())}"
        for name, one in found.items()
    ]
    return f"By clinical choice, above both by the point estimate. {' '.join(said)}"


def _above(table: pd.DataFrame) -> str:
    """Of one split: the models by how often they are above both references, and the better reference elsewhere."""
    wide = table.pivot(index="threshold", columns="strategy", values="net_benefit")
    models = [name for name in dict.fromkeys(table["strategy"]) if name not in REFERENCES]
    above = wide[models].gt(wide[list(REFERENCES)].max(axis=1) + TIE, axis=0)
    ordered = list(above.sum().sort_values(ascending=False, kind="stable").index)
    shown = ordered if len(ordered) <= MANY else ordered[:FEW]
    places: dict[str, list[str]] = {}
    for name in shown:
        places.setdefault(_where(above[name]), []).append(name)
    said = [f"{_listed(names)} {where}" for where, names in places.items()]
    if rest := len(ordered) - len(shown):
        counts = above.drop(columns=shown).sum()
        said.append(f"the other {rest} at {range_text(counts)} of {len(wide)} thresholds")
    return f"{'; '.join(said)}.{_elsewhere(wide, ~above.all(axis=1))}"


def _elsewhere(wide: pd.DataFrame, elsewhere: pd.Series) -> str:
    if not elsewhere.any():
        return ""
    rows = wide[elsewhere]
    everyone = rows.index[rows["all"] > rows["none"]]
    no_one = rows.index[rows["all"] <= rows["none"]]
    if len(everyone) and len(no_one):
        best = f"{NAMES['all']} (up to {_percent(everyone.max())}) or on none (from {_percent(no_one.min())})"
    else:
        best = NAMES["all" if len(everyone) else "none"]
    return f" Where one is not, {best} is at least as good."


def design(harm: float | Mapping[str, float], prevalence: float | None) -> str:
    """Say what net benefit takes for granted where a study declares it; empty otherwise.

    Examples
    --------
    >>> design({"image": 0.002, "table": 0.0}, 0.05)
    'Net benefit is that of a population in which 5% have the outcome, as declared for cases sampled by outcome, \
and is less the declared harm of a prediction (image 0.002).'
    >>> design(0.0, None)
    ''
    """
    harms = harm if isinstance(harm, Mapping) else {"every model": harm}
    each = ", ".join(f"{name} {value:g}" for name, value in harms.items() if value)
    said = []
    if prevalence is not None:
        said.append(
            f"is that of a population in which {100 * prevalence:.3g}% have the outcome, as declared for cases sampled "
            "by outcome"
        )
    if each:
        said.append(f"is less the declared harm of a prediction ({each})")
    return f"Net benefit {', and '.join(said)}." if said else ""


def surest(table: pd.DataFrame) -> str:
    """Say how often each strategy is the best in the bootstrap samples, on average over thresholds, highest first.

    Parameters
    ----------
    table : DataFrame
        From `decision_panels.frame`, with bootstrap samples.

    Examples
    --------
    >>> from helpers.stats.decision import decision_curve
    >>> y, risk = [0, 1] * 40, [0.1, 0.9] * 40
    >>> curve = decision_curve(y, risk, thresholds=[0.2, 0.3], resamples=50)
    >>> surest(curve.frame().assign(split="Test"))
    'Best of all in the bootstrap samples, on average over thresholds. Test: model in 100%.'
    """
    said = []
    for split, part in table.groupby("split", sort=False):
        share = part.groupby("strategy", sort=False)["probability_best"].mean()
        share = share[share >= 0.005].sort_values(ascending=False, kind="stable").head(FEW)
        said.append(f"{split}: {_listed([f'{named(name)} in {value:.0%}' for name, value in share.items()])}.")
    return f"Best of all in the bootstrap samples, on average over thresholds. {' '.join(said)}"


def highest(table: pd.DataFrame) -> str:
    """Say which strategy has the highest net benefit at which thresholds; a reference comes before a model it ties.

    Examples
    --------
    >>> from helpers.stats.decision import decision_curve
    >>> curve = decision_curve([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.9], thresholds=[0.05, 0.2, 0.3])
    >>> highest(curve.frame().assign(split="Test"))
    'Test: the point estimate of net benefit is highest for model at 2 of 3 thresholds (20% to 30%) and acting on all \
at 1 of 3 thresholds (5%).'
    """
    part = _first(table)
    wide = part.pivot(index="threshold", columns="strategy", values="net_benefit")
    wide = wide[list(dict.fromkeys(part["strategy"]))]
    tops = wide.ge(wide.max(axis=1) - TIE, axis=0)
    for reference in REFERENCES:
        others = wide.columns.drop(list(REFERENCES))
        tops.loc[tops[reference], others] = False
    best = tops.apply(lambda row: " tied with ".join(named(name) for name in tops.columns[row]), axis=1)
    counts = best.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    said = [f"{name} {_where(best == name)}" for name in counts.index[:FEW]]
    more = f", then {len(counts) - FEW} more" if len(counts) > FEW else ""
    return f"{part['split'].iloc[0]}: the point estimate of net benefit is highest for {_listed(said)}{more}."


def apart(table: pd.DataFrame) -> str:
    """Say where a difference in net benefit leaves its pointwise band, and which way; of pairs, the farthest first.

    A single model is held against whichever reference is better at each threshold: beating the worse one is no merit.

    Parameters
    ----------
    table : DataFrame
        From `decision_panels.differences`.

    Examples
    --------
    >>> rows = {"split": "Test", "first": "video", "second": "clinical", "threshold": [0.1, 0.2]}
    >>> apart(pd.DataFrame(rows | {"difference": [-0.2, 0.0], "low": [-0.3, -0.1], "high": [-0.1, 0.1]}))
    'Test, beyond the pointwise band: video is above clinical nowhere and below it at 1 of 2 thresholds (10%).'
    """
    part = _first(table)
    if set(part["second"]) == set(REFERENCES):
        # the better reference is the one that leaves the model the smaller difference
        part = part.loc[part.groupby(["first", "threshold"], sort=False)["difference"].idxmin()].assign(second=BETTER)
    found = []
    for (first, second), rows in part.groupby(["first", "second"], sort=False):
        rows = rows.set_index("threshold").sort_index()
        up, down = rows["low"] > TIE, rows["high"] < -TIE
        way = (
            f"above {second} {_where(up)} and below it {_where(down)}"
            if (up | down).any()
            else f"as {second} everywhere"
        )
        found.append((up.sum() + down.sum(), f"{first} is {way}"))
    said = [text for _, text in sorted(found, key=lambda one: -one[0])[:FEW]]
    more = len(found) - len(said)
    rest = f"; {more} more pair{'s' * (more > 1)} in the figure" if more else ""
    return f"{part['split'].iloc[0]}, beyond the pointwise band: {'; '.join(said)}{rest}."


def best(table: pd.DataFrame) -> str:
    """`surest` of the judged split."""
    return surest(_first(table))


def _first(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == table["split"].iloc[0]]


def _where(holds: pd.Series) -> str:
    """At which thresholds something holds; the index has the thresholds."""
    if holds.all() or not holds.any():
        return "over the whole range" if holds.all() else "nowhere"
    runs = spans(holds.index, holds)
    if len(runs) > RUNS:
        shown = f"in {len(runs)} runs between {_percent(runs[0][0])} and {_percent(runs[-1][1])}"
    else:
        shown = ", ".join(
            _percent(low) if low == high else f"{_percent(low)} to {_percent(high)}" for low, high in runs
        )
    return f"at {int(holds.sum())} of {len(holds)} thresholds ({shown})"


def _percent(threshold: float) -> str:
    return f"{np.round(100 * threshold, 6):g}%"


def _listed(names: Iterable[str]) -> str:
    *start, last = names
    return f"{', '.join(start)} and {last}" if start else last


SENTENCES = {"fig-decision": highest, "fig-difference": apart, "fig-best": best}

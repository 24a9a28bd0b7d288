"""Sentences of the chapter on published claims: what adds up, what does not, and which numbers to rely on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.stats.claims.audit import Audit, rule_of
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, listed
from helpers.stats.claims.listing import changes
from helpers.stats.claims.reliance import DO_NOT, OPEN, RELY, UNDER

COUNTED = (
    (CONSISTENT, "adds up", "add up"),
    (OTHER_COUNTS, "holds only under counts other than those stated", "hold only under counts other than those stated"),
    (CONTRADICTORY, "does not add up", "do not add up"),
    (NOT_CHECKABLE, "cannot be checked from what is printed", "cannot be checked from what is printed"),
)


def verdicts(found: Audit) -> str:
    """Say how many checks were made and what came of them; a remark is on a number that adds up.

    Examples
    --------
    >>> verdicts(Audit(()))
    'No check was made.'
    """
    frame = found.frame()
    if frame.empty:
        return "No check was made."
    rules = len({rule_of(rule) for rule in frame["rule"]})
    parts = []
    for verdict, one, many in COUNTED:
        count = int((frame["verdict"] == verdict).sum())
        if count:
            said = int(((frame["verdict"] == verdict) & (frame["severity"] != "note")).sum())
            remark = f" ({said} with a remark)" if verdict == CONSISTENT and said else ""
            parts.append(f"{count} {one if count == 1 else many}{remark}")
    return f"Of {len(frame)} checks by {rules} rules {_joined(parts)}."


def relied(counts: Mapping[str, int]) -> str:
    """Say how many printed numbers can be relied on.

    Examples
    --------
    >>> relied({"rely on": 8, "rely on under another reading": 0, "do not rely on": 1, "not checkable": 1})
    'Of 10 printed numbers 8 can be relied on, 1 cannot and 1 cannot be checked.'
    """
    parts = [
        f"{counts[RELY]} can be relied on",
        *([f"{counts[UNDER]} only under the reading that is named beside them"] if counts[UNDER] else []),
        *([f"{counts[DO_NOT]} cannot"] if counts[DO_NOT] else []),
        *([f"{counts[OPEN]} cannot be checked"] if counts[OPEN] else []),
    ]
    return f"Of {sum(counts.values())} printed numbers {_joined(parts)}."


def weighs(found: Audit) -> str:
    """Name what weighs most: the claims with a major finding that does not add up, or else those left open.

    Examples
    --------
    >>> weighs(Audit(()))
    'No finding touches a headline number or a conclusion.'
    """
    table = changes(found)
    if table is None:
        return "No finding touches a headline number or a conclusion."
    apart = table[table["verdict"] == CONTRADICTORY]
    if len(apart):
        claims = [f"“{claim}” ({number})" for claim, number in zip(apart["claim"], apart["finding"], strict=True)]
        return f"What weighs most, because a conclusion rests on it and it does not add up: {_joined(claims)}."
    claims = [f"“{claim}” ({number})" for claim, number in zip(table["claim"], table["finding"], strict=True)]
    return f"Nothing contradicts a conclusion; these stay open or hold only under other counts: {_joined(claims)}."


def none_against(found: Audit) -> str:
    """Say how many findings do not add up, or that none does so.

    Examples
    --------
    >>> none_against(Audit(()))
    'Nothing that is printed contradicts what else is printed.'
    """
    count = sum(finding.verdict == CONTRADICTORY for finding in found.findings)
    if not count:
        return "Nothing that is printed contradicts what else is printed."
    return f"{count} finding{'s say' if count > 1 else ' says'} that printed numbers cannot all be true."


def none_other(found: Audit) -> str:
    """Say how many findings hold only under other counts, or that none does.

    Examples
    --------
    >>> none_other(Audit(()))
    'Nothing needs counts other than those stated.'
    """
    count = sum(finding.verdict == OTHER_COUNTS for finding in found.findings)
    if not count:
        return "Nothing needs counts other than those stated."
    return (
        f"{count} finding{'s hold' if count > 1 else ' holds'} only when counts other than the stated ones are taken."
    )


def beside_signs(table: pd.DataFrame | None) -> str:
    """Say how single signs do beside the best model of a paper.

    Examples
    --------
    >>> rows = [{"kind": "sign", "name": "Margin", "auc": 0.86, "low": 0.81, "high": 0.91}]
    >>> rows += [{"kind": "model", "name": "net", "auc": 0.73, "low": 0.63, "high": 0.84}]
    >>> beside_signs(pd.DataFrame(rows))
    'The best network is net with a printed AUC of 0.73 (0.63 to 0.84); above it: Margin 0.86 (0.81 to 0.91).'
    """
    if table is None or table.empty:
        return "This paper prints no baseline table from which signs could be set beside its model."
    models = table[table["kind"] == "model"]
    best = models.loc[models["auc"].idxmax()]
    above = table[(table["kind"] == "sign") & (table["auc"] > best["auc"])]
    signs = [f"{row.name_} {row.auc:.2f} ({row.low:.2f} to {row.high:.2f})" for row in _renamed(above).itertuples()]
    text = (
        f"The best network is {best['name'].replace('_', ' ')} with a printed AUC of {best['auc']:.2f} "
        f"({best['low']:.2f} to {best['high']:.2f}); "
    )
    text += f"above it: {_joined(signs)}." if signs else "no single sign is above it."
    pairs = table[(table["kind"] == "pair") & (table["low"] > best["auc"])]
    if len(pairs):
        first = pairs.iloc[0]
        text += (
            f" {first['name']} counted together reach {first['low']:.3f} to {first['high']:.3f}, whichever patients "
            "have both."
        )
    return text


def implied_range(table: pd.DataFrame | None) -> str:
    """Say which prevalence the rows imply beside the stated one, by test set.

    Examples
    --------
    >>> row = {"set": "test", "row": "a", "metric": "ppv", "low": 0.50, "high": 0.51, "stated": 0.44}
    >>> implied_range(pd.DataFrame([row]))
    'In the set test a share of positives of 0.440 is stated; 0 of 1 rows imply it by all their metrics.'
    """
    if table is None or table.empty:
        return "No row prints enough metrics to imply a prevalence."
    parts = []
    for name, part in table.groupby("set", sort=False):
        fits = part.assign(fits=(part["low"] <= part["stated"]) & (part["stated"] <= part["high"]))
        rows = fits.groupby("row", sort=False)["fits"].all()
        parts.append(
            f"In the set {name} a share of positives of {part['stated'].iloc[0]:.3f} is stated; "
            f"{int(rows.sum())} of {len(rows)} rows imply it by all their metrics."
        )
    return " ".join(parts)


def summary(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Say how many printed numbers of each paper can be relied on.

    Examples
    --------
    >>> counts = {"rely on": 8, "rely on under another reading": 2, "do not rely on": 0, "not checkable": 0}
    >>> summary({"A": counts})
    'One can rely on 8 of 10 printed numbers of paper A (2 more under another reading).'
    """
    parts = []
    for paper, own in counts.items():
        more = f" ({own[UNDER]} more under another reading)" if own[UNDER] else ""
        of = f"{sum(own.values())} printed numbers of paper {paper}" if not parts else f"{sum(own.values())} of {paper}"
        parts.append(f"{own[RELY]} of {of}{more}")
    return f"One can rely on {_joined(parts)}."


def _joined(parts: list[str]) -> str:
    if len(parts) > 6:
        return listed(parts, most=6)
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"name": "name_"})

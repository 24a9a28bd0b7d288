"""Odds ratios with intervals where events are few: Firth's penalty beside a model that was made to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.stats.firth import FEW, Firth, firth
from helpers.stats.models import printed

SOURCE = "Peduzzi et al. 1996, doi:10.1016/S0895-4356(96)00236-3"
ODDS, PENALISED = "Odds ratio", "In the penalised model"


@dataclass(frozen=True)
class FewEvents:
    """Odds ratios of all candidate covariates together; see `assess`.

    Attributes
    ----------
    table : DataFrame or None
        None where nothing could be fitted; `sentence` then says why.
    methods : str
    sentence : str
    """

    table: pd.DataFrame | None
    methods: str
    sentence: str

    def frame(self) -> pd.DataFrame | None:
        """One row a term: `covariate, contrast, n, odds_ratio, odds_ratio_low, odds_ratio_high, penalised`."""
        return None if self.table is None else self.table.copy()


def assess(
    cases: pd.DataFrame,
    *,
    predictors: Sequence[Any],
    coefficients: pd.DataFrame | None = None,
    names: tuple[str, str] = ("negative", "positive"),
    unit: str = "case",
) -> FewEvents | None:
    """Fit odds ratios with Firth's penalty when there are fewer than ten of the rarer outcome for each parameter.

    Parameters are those that can be fitted: a level that nobody has is none.

    They describe the cohort; nothing is predicted or chosen with them. Numbers are per standard deviation, levels
    against the first one that occurs. Cases with a missing covariate are left out and counted.

    Parameters
    ----------
    cases : DataFrame
        The cases that a model was fitted to: `label` (0, 1) and the covariates.
    predictors : sequence of Covariate
        With `name, label, type, unit, levels`.
    coefficients : DataFrame, optional
        Of the penalised model, `covariate, level, log_odds`; brought to the same contrasts.
    names : tuple of str
        What the labels 0 and 1 mean.
    unit : str
        What a row is.

    Returns
    -------
    FewEvents or None
        None when events suffice.

    Examples
    --------
    >>> from helpers.data.sections import Covariate
    >>> cases = pd.DataFrame({"label": [0, 0, 0, 1, 0, 1, 1, 1], "sex": list("fmffmmmf")})
    >>> made = assess(cases, predictors=[Covariate(name="sex", label="Sex", levels=("f", "m"))])
    >>> made.frame()[["contrast", "n"]].to_numpy().tolist(), made.sentence[:36]
    ([['m against f', 4]], '4 cases are positive, the rarer outc')
    """
    label = cases["label"].to_numpy()
    rarer = int((label == 1).sum() <= (label == 0).sum())
    events, count = int((label == rarer).sum()), parameters_in(cases, predictors)
    if not count or events >= FEW * count:
        return None
    rule = (
        f"{events} {unit}s are {names[rarer]}, the rarer outcome: {events / count:.1f} for each of the {count} "
        "parameters"
    )
    told = f"{rule}, fewer than {FEW} ({SOURCE})."
    names = [one.name for one in predictors]
    known = cases[cases[names].notna().all(axis=1)]
    used = [one for one in predictors if len(known[one.name].unique()) > 1]
    spread = {one.name: float(cases[one.name].std(ddof=0)) for one in used if one.type == "continuous"}
    scaled = known.assign(**{name: known[name] / sd for name, sd in spread.items()})
    try:
        made = firth(scaled, "label", columns=[one.name for one in used])
    except ValueError as error:
        return FewEvents(None, told, f"{rule}; odds ratios with intervals could not be fitted ({error}).")
    same = [one.label for one in predictors if one not in used]
    lost = len(cases) - len(known)
    left = f" {lost} cases with a missing covariate were left out." if lost else ""
    left += f" {', '.join(same)} did not vary." if same else ""
    how = made.methods.partition(", P-values")[0]  # none are shown: an interval says more of a description
    table = _rows(made, known, used, spread, coefficients)
    said = (
        f"{rule}, so ordinary odds ratios would lie too far from 1; those with Firth's penalty describe the patients "
        "and predict nothing here."
    )
    return FewEvents(table, f"{how}. {told}{left}", said)


def parameters_in(cases: pd.DataFrame, predictors: Sequence[Any]) -> int:
    """Parameters that these cases can fit: one a number that varies, one less than the levels that occur otherwise.

    Examples
    --------
    >>> from helpers.data.sections import Covariate
    >>> site = Covariate(name="site", label="Site", levels=("mouth", "throat", "larynx"))
    >>> parameters_in(pd.DataFrame({"site": ["mouth", "larynx", None]}), [site])
    1
    """
    kinds = [(one.type == "continuous", cases[one.name].nunique()) for one in predictors]
    return sum(min(found - 1, 1) if number else found - 1 for number, found in kinds if found)


def shown(made: FewEvents | None) -> tuple[pd.DataFrame | None, list[str]]:
    """The printed table and its columns; None where there is none."""
    table = None if made is None else made.frame()
    if table is None:
        return None, []
    columns = ["covariate", "contrast", "n", ODDS, *([PENALISED] if "penalised" in table else [])]
    if "penalised" in table:
        table[PENALISED] = table.pop("penalised").map("{:.2f}".format)
    return printed(table, {"odds_ratio": ODDS}, digits=2), columns


def _rows(
    made: Firth, known: pd.DataFrame, used: Sequence[Any], spread: dict[str, float], coefficients: pd.DataFrame | None
) -> pd.DataFrame:
    found, rows = made.frame().set_index("term"), []
    for one in used:
        if one.name in spread:
            unit = f" {one.unit}" if one.unit else ""
            terms = [(one.name, "", None, f"per SD ({spread[one.name]:.3g}{unit})", len(known))]
        else:
            there = [level for level in one.levels if (known[one.name] == level).any()]
            count = known[one.name].value_counts()
            terms = [
                (f"{one.name}: {level}", level, there[0], f"{level} against {there[0]}", int(count[level]))
                for level in there[1:]
            ]
        for term, level, first, contrast, n in terms:
            row = found.loc[term]
            kept = {"covariate": one.label, "contrast": contrast, "n": n, "odds_ratio": row["odds_ratio"]}
            kept |= {"odds_ratio_low": row["odds_low"], "odds_ratio_high": row["odds_high"]}
            if coefficients is not None:
                gap = _log_odds(coefficients, one.name, level) - _log_odds(coefficients, one.name, first)
                kept["penalised"] = np.exp(gap)
            rows.append(kept)
    return pd.DataFrame(rows)


def _log_odds(coefficients: pd.DataFrame, covariate: str, level: str | None) -> float:
    """Of a level; 0 for the level that has no term of its own, and for a number's empty reference."""
    own = coefficients[(coefficients["covariate"] == covariate) & (coefficients["level"] == level)]
    return float(own["log_odds"].iloc[0]) if len(own) else 0.0

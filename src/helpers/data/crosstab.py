"""Cases by two characteristics at once and by outcome, as tables of locations are printed."""

from __future__ import annotations

import pandas as pd

from helpers.data.sections import Covariate


def crosstab(frame: pd.DataFrame, of: tuple[Covariate, Covariate], *, names: dict[int, str]) -> pd.DataFrame:
    """Count the cases in each combination of two categorical characteristics, by outcome.

    Parameters
    ----------
    frame : DataFrame
        Cases, as `helpers.data.cohort.read` gives them: `label` and a column for each covariate.
    of : tuple of two Covariate
        Categorical; the first changes slowest.
    names : dict of int to str
        What each label means, in the order of the columns; see `helpers.data.sections.Outcome.names`.

    Returns
    -------
    DataFrame
        One row a combination that occurs, in the declared order of levels, then those without a value of either as
        `not known`, then `all`: a column for each covariate (its label), counts for each name, and `total`. Rows
        add up to `all`, columns to `total`.

    Examples
    --------
    >>> nodes = pd.DataFrame({"level": ["II", "II", "VI"], "side": ["left", "right", "left"], "label": [0, 1, 1]})
    >>> level = Covariate(name="level", label="Level", levels=["II", "VI"])
    >>> side = Covariate(name="side", label="Side", levels=["right", "left"])
    >>> crosstab(nodes, (level, side), names={0: "benign", 1: "metastatic"})
      Level   Side  benign  metastatic  total
    0    II  right       0           1      1
    1    II   left       1           0      1
    2    VI   left       0           1      1
    3   all              1           2      3
    """
    first, second = of
    known = frame[first.name].notna() & frame[second.name].notna()
    rows = [
        (a, b, known & (frame[first.name] == a) & (frame[second.name] == b))
        for a in first.levels
        for b in second.levels
    ]
    rows += [("not known", "", ~known)]
    rows = [row for row in rows if row[2].any()] + [("all", "", pd.Series(True, index=frame.index))]
    counted = [
        {first.label: a, second.label: b}
        | {name: int((frame.loc[member, "label"] == code).sum()) for code, name in names.items()}
        | {"total": int(member.sum())}
        for a, b, member in rows
    ]
    return pd.DataFrame(counted)

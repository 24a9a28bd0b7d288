"""Cases to show, chosen by a rule and never by eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

RULES = {
    "median": "the cases whose risk is nearest to the median risk of their cell, ties by case_id",
    "seeded": "cases drawn at random from their cell",
}
CELLS = ("true positive", "false negative", "false positive", "true negative")


@dataclass(frozen=True)
class CaseSelection:
    """Chosen cases of the four cells of the 2 x 2 table.

    Attributes
    ----------
    cases : DataFrame
        `cell, case_id, label, risk, of` (`of`: number of cases in the cell).
    counts : dict
        Number of cases in each of the four cells.
    rule : str
        The rule in words, for the caption.
    """

    cases: pd.DataFrame
    counts: dict[str, int]
    rule: str

    def frame(self) -> pd.DataFrame:
        """One row a chosen case."""
        return self.cases


def select_cases(
    predictions: pd.DataFrame, threshold: float, *, per_cell: int, rule: str = "median", seed: int = 0
) -> CaseSelection:
    """Choose the same number of cases from each cell of the 2 x 2 table at a threshold.

    Parameters
    ----------
    predictions : DataFrame
        `case_id, label, risk`, one row a case.
    threshold : float
        Positive when risk >= threshold.
    per_cell : int
        Cases of each cell, fewer where the cell has fewer.
    rule : str
        `"median"` or `"seeded"`.
    seed : int
        Of the draw under `"seeded"`.

    Returns
    -------
    CaseSelection

    Raises
    ------
    ValueError
        If a column is missing, a case repeats, or an argument is out of range.

    Examples
    --------
    >>> table = pd.DataFrame({"case_id": list("abcd"), "label": [1, 1, 0, 0], "risk": [0.9, 0.2, 0.8, 0.1]})
    >>> select_cases(table, 0.5, per_cell=1).frame()["case_id"].tolist()
    ['a', 'b', 'c', 'd']
    """
    lost = {"case_id", "label", "risk"} - set(predictions.columns)
    if lost:
        raise ValueError(f"predictions lack {', '.join(sorted(lost))}")
    if predictions["case_id"].duplicated().any():
        raise ValueError("predictions hold a case twice: choose one model and one seed first")
    if not predictions["label"].isin([0, 1]).all() or not np.isfinite(predictions["risk"].astype(float)).all():
        raise ValueError("predictions need a label of 0 or 1 and a risk in every row")
    if per_cell < 1 or rule not in RULES:
        raise ValueError(f"per_cell must be at least 1 and rule one of {', '.join(RULES)}")
    label, called = predictions["label"] == 1, predictions["risk"] >= threshold
    cell = np.select([label & called, label & ~called, ~label & called], CELLS[:3], default=CELLS[3])
    rng, parts, counts = np.random.default_rng(seed), [], {}
    for name in CELLS:
        members = predictions.loc[cell == name, ["case_id", "label", "risk"]].sort_values("case_id")
        counts[name] = len(members)
        if rule == "median":
            away = (members["risk"] - members["risk"].median()).abs()
            order = np.argsort(away.to_numpy(), kind="stable")
        else:
            order = rng.permutation(len(members))
        chosen = members.iloc[order[:per_cell]]
        parts.append(chosen.assign(of=len(members)))
        parts[-1].insert(0, "cell", name)
    seeded = f" (seed {seed})" if rule == "seeded" else ""
    words = f"At threshold {threshold:.3g}, up to {per_cell} of each cell: {RULES[rule]}{seeded}."
    return CaseSelection(pd.concat(parts, ignore_index=True), counts, words)

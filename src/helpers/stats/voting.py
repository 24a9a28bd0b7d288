"""One answer a patient from several clips, images or nodules: the mean of their risks."""

from __future__ import annotations

import pandas as pd

from helpers.stats.predictions import risk_columns

METHODS = "A patient's risk is the mean of the risks of that patient's cases (soft voting)."


def by_patient(table: pd.DataFrame) -> pd.DataFrame:
    """Let the cases of a patient vote: one row a patient, model and seed.

    The vote is soft: the mean of the risks, with equal weight for every case. The patient takes the place of the
    case, so that nothing after this counts one patient twice.

    Parameters
    ----------
    table : DataFrame
        A predictions table, one row a case, model and seed.

    Returns
    -------
    DataFrame
        A predictions table in which `case_id` is the patient's, with `cases`, the number of votes.

    Raises
    ------
    ValueError
        If the cases of a patient have different labels, or lie in different splits.

    Examples
    --------
    >>> row = {"study": "s", "model": "m", "seed": 0, "split": "test", "center": "A"}
    >>> cases = pd.DataFrame([{**row, "patient_id": p, "case_id": c, "label": y, "risk": r} for p, c, y, r in
    ...                       [("P1", "a", 1, 0.9), ("P1", "b", 1, 0.5), ("P2", "c", 0, 0.2)]])
    >>> by_patient(cases)[["case_id", "label", "risk", "cases"]].values.tolist()
    [['P1', 1, 0.7, 2], ['P2', 0, 0.2, 1]]
    """
    for column, meant in (("label", "labels"), ("split", "splits")):
        pairs = table[["patient_id", column]].drop_duplicates()
        again = pairs["patient_id"].duplicated()
        if again.any():
            patient = pairs.loc[again, "patient_id"].iloc[0]
            raise ValueError(
                f"patient_id: the cases of patient {patient!r} have different {meant}, so they cannot vote"
            )
    whose = ["study", "model", "seed", "split", "patient_id"]
    groups = table.groupby(whose, sort=False)
    risks = risk_columns(table)
    out = groups[risks].mean()
    out["center"], out["label"], out["cases"] = groups["center"].first(), groups["label"].first(), groups.size()
    out = out.reset_index()
    out["case_id"] = out["patient_id"]
    return out[["study", "model", "seed", "split", "center", "patient_id", "case_id", "label", *risks, "cases"]]

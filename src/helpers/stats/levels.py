"""The same networks by case and by patient: two units of analysis that are never mixed."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.stats.auc import auc


@dataclass(frozen=True)
class Levels:
    """AUCs by case, by case as if cases were strangers, and by patient.

    Attributes
    ----------
    table : DataFrame
        `model, level, n, patients, events, auc, auc_low, auc_high`.
    methods : str
    """

    table: pd.DataFrame
    methods: str

    def frame(self) -> pd.DataFrame:
        """One row a model and level."""
        return self.table.copy()

    def printed(self) -> pd.DataFrame:
        """The table with the AUC and its interval as text."""
        shown = self.table.copy()
        limits = zip(shown["auc"], shown["auc_low"], shown["auc_high"])
        shown["AUC"] = [f"{value:.3f} ({low:.3f}–{high:.3f})" for value, low, high in limits]
        return shown[["model", "level", "n", "patients", "events", "AUC"]]


LEVELS = {
    "cases": "by case, interval by patient",
    "naive": "by case, as if unrelated (not valid)",
    "patients": "by patient (vote)",
}


def compare(cases: pd.DataFrame, patients: pd.DataFrame, *, split: str, level: float = 0.95) -> Levels:
    """AUC of every model by case and by patient in one split, each model with its first seed.

    Parameters
    ----------
    cases, patients : DataFrame
        Predictions of the same models, one row a case and one row a patient.
    split : str
        Where models are judged.
    level : float
        Confidence level.

    Returns
    -------
    Levels
        The interval by case is Obuchowski's (1997, doi:10.2307/2533958) with the patient as cluster.

    Examples
    --------
    >>> row = {"model": "m", "seed": 0, "split": "test"}
    >>> rows = [("P1", "a", 1, 0.9), ("P1", "b", 1, 0.4), ("P2", "c", 0, 0.2), ("P3", "d", 1, 0.6), ("P4", "e", 0, 0.5)]
    >>> table = pd.DataFrame([{**row, "patient_id": p, "case_id": c, "label": y, "risk": r} for p, c, y, r in rows])
    >>> one = table.drop_duplicates("patient_id")
    >>> compare(table, one, split="test").frame()["n"].tolist()
    [5, 5, 4]
    """
    rows = []
    for model in cases["model"].unique():
        for name, table, cluster in (("cases", cases, True), ("naive", cases, False), ("patients", patients, True)):
            part = table[(table["model"] == model) & (table["split"] == split)]
            part = part[part["seed"] == part["seed"].min()]
            whose = part["patient_id"].to_numpy() if cluster else None
            made = auc(part["label"], part["risk"], patient_id=whose, level=level, interval="auto")
            size = {"n": len(part), "patients": part["patient_id"].nunique(), "events": int(part["label"].sum())}
            limits = {"auc": made.value, "auc_low": made.low, "auc_high": made.high}
            rows.append({"model": model, "level": LEVELS[name], **size, **limits})
    text = (
        "AUC by DeLong (doi:10.2307/2531595), on the logit scale near 1 and exact at 1; by case, the interval takes "
        "the patient as the cluster (Obuchowski 1997, doi:10.2307/2533958). By patient, risks are averaged first."
    )
    return Levels(pd.DataFrame(rows), text)

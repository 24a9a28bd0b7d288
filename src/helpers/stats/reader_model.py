"""Each reader against the model, at the reader's own specificity or sensitivity."""

from __future__ import annotations

import pandas as pd

from helpers.stats.families import holm
from helpers.stats.matched import MATCHES, compare_at_matched
from helpers.stats.reader_study import ReaderStudy

COLUMNS = ["reader", "experience", "modality", "match", "measure", "cases", "sensitivity", "specificity"]
COLUMNS += ["reader_value", "model_value", "difference", "low", "high", "p_value", "p_holm"]
ALL = "all readers"
LIMITS = {"low": "difference_low", "high": "difference_high"}  # names that a printed table goes by
METHODS = (
    "On the cases that both the readers and the model judged, the model's ROC curve is read at each reader's own "
    "specificity (or sensitivity) and the other measure compared; intervals of one reader by the bootstrap over "
    "patients (doi:10.1214/aos/1176344552), in which the reader's point and the curve are computed anew; of all "
    "readers with readers and cases random (doi:10.1002/sim.5926), P values adjusted by Holm over both ways of "
    "reading and both matches (https://www.jstor.org/stable/4615733). Intervals of single readers are not adjusted."
)


def against_model(study: ReaderStudy, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame | None:
    """Compare the model with each reader on the cases that both judged.

    Parameters
    ----------
    study : ReaderStudy
    resamples, seed : int
        Of the bootstrap over patients.

    Returns
    -------
    DataFrame or None
        `COLUMNS`, differences model - reader; rows `all readers` only when every reader read all common cases. None
        without a model.

    Raises
    ------
    ValueError
        As `compare_at_matched`.
    """
    if study.risks is None:
        return None
    frame = study.readings[study.readings["case_id"].isin(study.risks["case_id"])]
    rows = []
    for modality in (study.unaided, study.aided):
        part = frame[frame["modality"] == modality]
        crossed = (part.groupby("case_id")["reader"].nunique() == part["reader"].nunique()).all()
        sets = [part] if crossed else [one for _, one in part.groupby("reader", sort=True)]
        for match in MATCHES:
            for one in sets:
                rows += _compared(one, study, match, resamples, seed)
    table = pd.DataFrame(rows)
    table["experience"] = table["reader"].map(study.experience).fillna("")
    table = table.reindex(columns=COLUMNS)  # no P value where no row is of all readers
    whole = table["reader"] == ALL
    table.loc[whole, "p_holm"] = holm(table.loc[whole, "p_value"])
    return table


def _compared(part: pd.DataFrame, study: ReaderStudy, match: str, resamples: int, seed: int) -> list[dict]:
    risks = study.risks[study.risks["case_id"].isin(part["case_id"])]
    made = compare_at_matched(part, risks, match=match, threshold=study.cut, resamples=resamples, seed=seed)
    names = {"modality": made.modality, "match": match, "measure": made.measure, "cases": made.n_cases}
    rows = made.frame().to_dict("records")
    if len(set(part["reader"])) == 1:
        rows = rows[:1]  # one reader has no mean over readers
    return [row | names | ({"p_value": made.p_value} if row["reader"] == ALL else {}) for row in rows]

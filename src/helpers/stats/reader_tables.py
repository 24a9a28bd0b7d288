"""Tables of a reader study: each reader at the cut of a call, and what each reader's mind changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.stats.auc import auc
from helpers.stats.change_of_mind import paired_gain
from helpers.stats.families import holm
from helpers.stats.intervals import clustered_proportion, proportion
from helpers.stats.operating_points import operating_point
from helpers.stats.reader_study import ReaderStudy

MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "kappa", "balanced_accuracy")
LIMITS = {"became_right_low": "became_right_share_low", "became_right_high": "became_right_share_high"}
LIMITS |= {"became_wrong_low": "became_wrong_share_low", "became_wrong_high": "became_wrong_share_high"}
LIMITS |= {"net_gain": "net_gain_share", "net_low": "net_gain_share_low", "net_high": "net_gain_share_high"}
POINTS = (
    "Sensitivity, specificity, predictive values and accuracy with Wilson intervals "
    "(doi:10.1080/01621459.1927.10502953), by patient when patients repeat (doi:10.1093/jssam/smv024); F1 from the "
    "Wilson interval of tp/(tp + fp + fn); kappa with the variance of Fleiss, Cohen and Everitt "
    "(doi:10.1037/h0028106); the AUC from all levels of the rating with DeLong's interval (doi:10.2307/2531595), on "
    "the logit scale near 1 and exact at 1. "
    "(Sensitivity + specificity) / 2 is the area under the two straight lines through one operating point: it uses "
    "no level of the rating but the cut, so it is not comparable with the AUC of a model "
    "(doi:10.1177/0272989X0002000410)."
)
MINDS = (
    "Calls of the same reader on the same cases, read both ways. Became right: share of the wrong calls that were "
    "right the second way; became wrong: share of the right ones that were wrong then; both with Wilson intervals, for "
    "all readers together with the variance by patient (doi:10.1093/jssam/smv024). Net gain in accuracy with "
    "Newcombe's interval for paired proportions "
    "(doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C) and McNemar's exact test "
    "(doi:10.1007/BF02295996), by patient when patients repeat (doi:10.1002/sim.1438); P values of the readers "
    "adjusted by Holm (https://www.jstor.org/stable/4615733). Net gain of all readers: the mean "
    "with readers and cases random, from the table over readers and cases, which has its P value."
)


def performance(study: ReaderStudy) -> pd.DataFrame:
    """Measure each reader, unaided and aided, and the model at its frozen threshold.

    Parameters
    ----------
    study : ReaderStudy

    Returns
    -------
    DataFrame
        The model first where there is one, then one row a reader and modality: `reader, experience, modality, n,
        events, tp, fp, fn, tn`, and for `auc` (NaN for yes-or-no ratings) and each of `MEASURES` the value,
        `<measure>_low` and `<measure>_high`; `balanced_accuracy` is (sensitivity + specificity) / 2.

    Examples
    --------
    >>> from helpers.stats.reader_study import assemble
    >>> rows = [(r, m, k, k, k % 2, 1 + (k * 3) % 5) for r in "AB" for m in ("unaided", "aided") for k in range(20)]
    >>> columns = ["reader", "modality", "case_id", "patient_id", "label", "rating"]
    >>> performance(assemble(pd.DataFrame(rows, columns=columns), positive_from=3))["sensitivity"].tolist()
    [0.6, 0.6, 0.6, 0.6]
    """
    rows = []
    if study.risks is not None and study.threshold is not None:
        names = {"reader": study.model, "experience": "model", "modality": "model alone"}
        rows.append(names | _measured(study.risks, "risk", float(study.threshold), graded=True))
    for reader in study.readers:
        for modality in (study.unaided, study.aided):
            names = {"reader": reader, "experience": study.experience.get(reader, ""), "modality": modality}
            part = study.part(reader, modality)
            rows.append(names | _measured(part, "rating", study.cut, graded=study.graded))
    return pd.DataFrame(rows)


def _measured(part: pd.DataFrame, column: str, cut: float, *, graded: bool) -> dict:
    label, value, owner = (part[name].to_numpy() for name in ("label", column, "patient_id"))
    point = operating_point(label, value, cut, patient_id=owner)
    row = {"n": len(part), "events": int(label.sum()), **point.counts}
    found = {"auc": auc(label, value, patient_id=owner, interval="auto")} if graded else {}
    found |= {name: point.estimates[name] for name in MEASURES}
    for name in ("auc", *MEASURES):
        made = found.get(name)
        row |= {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
        if made is not None:
            row |= {name: made.value, f"{name}_low": made.low, f"{name}_high": made.high}
    return row


def minds(study: ReaderStudy, overall: pd.DataFrame) -> pd.DataFrame:
    """Count the calls that became right and those that became wrong, by reader and for all readers.

    Parameters
    ----------
    study : ReaderStudy
    overall : DataFrame
        From `reader_gains.overall`: the net gain of all readers is its gain in accuracy.

    Returns
    -------
    DataFrame
        One row a reader and a last row `all readers`: `reader, experience, cases, kept_right, became_right,
        became_wrong, kept_wrong` (calls read both ways), `became_right_share, became_right_low, became_right_high` (of
        the calls that were wrong the first way), `became_wrong_share, became_wrong_low, became_wrong_high` (of those
        that were right), `net_gain, net_low, net_high` (in accuracy), `p_value, p_holm` (adjusted over the readers; NaN
        for `all readers`, whose test belongs to `overall`), and `first_way, second_way`, the ways of reading in words.

    Examples
    --------
    >>> from helpers.stats.reader_study import assemble
    >>> calls = {"unaided": [1, 0, 0, 1], "aided": [1, 1, 1, 0]}
    >>> rows = [("A", m, k, k, int(k < 2), c) for m, all_calls in calls.items() for k, c in enumerate(all_calls)]
    >>> columns = ["reader", "modality", "case_id", "patient_id", "label", "rating"]
    >>> overall = pd.DataFrame([{"measure": "accuracy", "absolute_gain": 0.25, "low": np.nan, "high": np.nan}])
    >>> table = minds(assemble(pd.DataFrame(rows, columns=columns)), overall)
    >>> table.loc[0, ["kept_right", "became_right", "became_wrong", "kept_wrong"]].tolist()
    [1, 2, 1, 0]
    """
    right, owner = right_calls(study)
    rows = []
    for r, reader in enumerate(study.readers):
        both = ~np.isnan(right[:, r]).any(axis=0)
        before, after = right[0, r, both], right[1, r, both]
        names = {"reader": reader, "experience": study.experience.get(reader, "")}
        gain = paired_gain(before, after, owner[both])
        net = {"net_gain": gain["absolute_gain"], "net_low": gain["low"], "net_high": gain["high"]}
        rows.append(names | _changes(before, after, owner[both]) | net | {"p_value": gain["p_value"]})
    reader, case = np.nonzero(~np.isnan(right).any(axis=0))
    before, after = right[0, reader, case], right[1, reader, case]
    mean = overall.set_index("measure").loc["accuracy"]
    net = {"net_gain": mean["absolute_gain"], "net_low": mean["low"], "net_high": mean["high"]}
    rows.append({"reader": "all readers", "experience": ""} | _changes(before, after, owner[case]) | net)
    table = pd.DataFrame(rows).assign(p_holm=np.nan, first_way=study.ways[0], second_way=study.ways[1])
    table.loc[table.index[:-1], "p_holm"] = holm(table["p_value"].iloc[:-1])
    return table


def right_calls(study: ReaderStudy) -> tuple[np.ndarray, np.ndarray]:
    """Whether each call was right, and the patient of each case.

    Returns
    -------
    right : float array of shape (2, n_readers, n_cases)
        1 right, 0 wrong, NaN not read; unaided first.
    patient : int array of shape (n_cases,)
    """
    data = study.cube
    calls = data.calls(study.cut)
    return np.where(data.label == 1, calls, 1 - calls), data.patient


def _changes(before: np.ndarray, after: np.ndarray, owner: np.ndarray) -> dict:
    row: dict = {"cases": before.size}
    row |= {"kept_right": int(np.sum((before == 1) & (after == 1)))}
    row |= {"became_right": int(np.sum((before == 0) & (after == 1)))}
    row |= {"became_wrong": int(np.sum((before == 1) & (after == 0)))}
    row |= {"kept_wrong": int(np.sum((before == 0) & (after == 0)))}
    for name, changed, among in (("became_right", after == 1, before == 0), ("became_wrong", after == 0, before == 1)):
        if np.unique(owner).size < owner.size:
            made = clustered_proportion(changed, owner, among=among)
        else:
            made = proportion(int((changed & among).sum()), int(among.sum()))
        row |= {f"{name}_share": made.value, f"{name}_low": made.low, f"{name}_high": made.high}
    return row

"""How accurate the reports are: the calls of the dictionary as decisions, under each way of counting doubt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.stats.operating_points import OperatingPoint, operating_point

SHOWN = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "lr_positive", "lr_negative")
HEADS = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "ppv": "PPV",
    "npv": "NPV",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
}
READINGS = ("doubt counts as malignant", "doubt counts as benign", "plain search for the terms")
_TEST = "Nodes of one patient are kept together in every variance (doi:10.2307/1402588)."


def decisions(reports: pd.DataFrame) -> dict[str, np.ndarray]:
    """The calls as decisions, under each of `READINGS`.

    Parameters
    ----------
    reports : DataFrame
        From `helpers.data.reports.read`.

    Returns
    -------
    dict of str to bool array of shape (n,)
    """
    call = reports["call"]
    return {
        READINGS[0]: call.isin(["malignant", "uncertain"]).to_numpy(),
        READINGS[1]: (call == "malignant").to_numpy(),
        READINGS[2]: (reports["keyword"] == "malignant").to_numpy(),
    }


def accuracy(reports: pd.DataFrame, cases: pd.DataFrame, *, split: str) -> pd.DataFrame:
    """Accuracy of the reports on one split, under each of `READINGS`.

    Parameters
    ----------
    reports : DataFrame
        From `helpers.data.reports.read`, in the order of `cases`.
    cases : DataFrame
        The cohort table.
    split : str

    Returns
    -------
    DataFrame
        One row a reading: `reading, n, tp, fp, fn, tn`, and each of `SHOWN` with `_low` and `_high`.
    """
    rows = (cases["split"] == split).to_numpy()
    label, patients = cases["label"].to_numpy(int)[rows], cases["patient_id"].to_numpy(object)[rows]
    found = []
    for name, called in decisions(reports).items():
        point = operating_point(label, called[rows].astype(float), 0.5, patient_id=patients)
        found.append({"reading": name, "n": len(label), **point.counts, **measures(point)})
    return pd.DataFrame(found)


def measures(point: OperatingPoint, names: Sequence[str] = SHOWN) -> dict[str, float]:
    """Value and limits of some measures, flat: `<measure>`, `<measure>_low`, `<measure>_high`."""
    row = {}
    for name in names:
        made = point.estimates[name]
        row |= {name: made.value, f"{name}_low": made.low, f"{name}_high": made.high}
    return row


def calls(reports: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Calls by outcome and split: `split, call, negative, positive`, the last two in cases."""
    frame = pd.DataFrame(
        {"split": cases["split"].to_numpy(), "call": reports["call"].to_numpy(), "label": cases["label"].to_numpy()}
    )
    counts = frame.groupby(["split", "call", "label"], sort=False).size().unstack("label", fill_value=0)
    counts = counts.reindex(columns=[0, 1], fill_value=0).rename(columns={0: "negative", 1: "positive"})
    return counts.reset_index()


def terms(reports: pd.DataFrame) -> pd.DataFrame:
    """How often each term was found, by what its surroundings made of it.

    Parameters
    ----------
    reports : DataFrame
        From `helpers.data.reports.read`.

    Returns
    -------
    DataFrame
        `term, affirmed, uncertain, negated, history, all`, the most frequent first.
    """
    said = reports["findings"].str.split("; ").explode()
    said = said[said.fillna("") != ""]
    pairs = said.str.extract(r"^(?P<term>.*) \((?P<status>\w+)\)$")
    counts = pairs.groupby(["term", "status"]).size().unstack("status", fill_value=0)
    counts = counts.reindex(columns=["affirmed", "uncertain", "negated", "history"], fill_value=0)
    counts["all"] = counts.sum(axis=1)
    return counts.sort_values(["all"], ascending=False, kind="stable").reset_index()


def examples(reports: pd.DataFrame, *, each: int = 2) -> pd.DataFrame:
    """Reports by rule: of each call those in which the plain search says something else, the first by case number.

    Returns
    -------
    DataFrame
        `case_id, text, call, keyword, findings`.
    """
    frame = reports.assign(differs=reports["call"].replace("uncertain", "malignant") != reports["keyword"])
    frame = frame.sort_values(["differs", "case_id"], ascending=[False, True], kind="stable")
    parts = [frame[frame["call"] == call].head(each) for call in ("malignant", "uncertain", "benign", "none")]
    return pd.concat(parts)[["case_id", "text", "call", "keyword", "findings"]].reset_index(drop=True)


def sentence(table: pd.DataFrame) -> str:
    """Sensitivity and specificity of the published reading, in a sentence."""
    row = table.iloc[0]
    return (
        f"With {row['reading'].replace('counts', 'counted')}, the reports find {row['sensitivity']:.0%} of the "
        f"metastatic "
        f"nodes (95 % CI {row['sensitivity_low']:.0%} to {row['sensitivity_high']:.0%}) and clear "
        f"{row['specificity']:.0%} of the benign ones ({row['specificity_low']:.0%} to {row['specificity_high']:.0%})."
    )


METHODS = (
    "Dictionary of Zhao et al. (2024, doi:10.3389/fonc.2024.1204987, Table 1) with negation, doubt and history as in "
    "NegEx (doi:10.1006/jbin.2001.1029) and ConText (doi:10.1016/j.jbi.2009.05.002), the longest term first; "
    "proportions "
    f"with Wilson limits, likelihood ratios on the log scale (doi:10.1016/0895-4356(91)90128-V). {_TEST}"
)

"""What the chapter on comparing networks asks of a table with all of them: families, twins, ablation, outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.stats import casemix, models
from helpers.stats import twins as twin_tests
from helpers.stats.auc import auc, compare_auc
from helpers.stats.discrimination import Threshold, operating_point

ROC = "Empirical ROC curves; AUC with 95 % interval by DeLong (doi:10.2307/2531595), the logit interval near 1."
TABLE = (
    "AUC by DeLong (doi:10.2307/2531595); proportions by Wilson (doi:10.1080/01621459.1927.10502953); F1 and kappa as "
    "in the chapter on discrimination; each at the network's own threshold, frozen on the tuning patients."
)
ATTENTION = (
    "Paired difference in AUC by DeLong (doi:10.2307/2531595), with attention minus without; same split, seed and "
    "training in both."
)
ALIKE = "–: not defined, as a network calls every patient alike (kappa), or nobody positive (PPV) or negative (NPV)."
COUNTS = "Called positive when the risk reaches the threshold that was frozen on the tuning patients; the same in both."
WITH = " with attention"


@dataclass(frozen=True)
class Field:
    """All networks that compete, and the baseline.

    Attributes
    ----------
    table : DataFrame
        A predictions table with every network and the baseline.
    families : dict of str to list of str
        Names of the networks by input.
    twins : dict of str to dict of str to str
        By network: name by family, for networks that every family has.
    """

    table: pd.DataFrame
    families: dict[str, list[str]]
    twins: dict[str, dict[str, str]]


def field(candidates: pd.DataFrame, chosen: pd.DataFrame, *, families: Iterable[str], baseline: str) -> Field:
    """Put all networks and the baseline in one table.

    Parameters
    ----------
    candidates : DataFrame
        Predictions of all networks, with `family` and `network`.
    chosen : DataFrame
        The study's predictions; the baseline is taken from it when it is there.
    families : iterable of str
        In the order wanted; twins are compared first against second.
    baseline : str
        Name of the clinical model.

    Returns
    -------
    Field
    """
    names = candidates.drop_duplicates("model")
    found = {family: list(names.loc[names["family"] == family, "model"]) for family in families}
    wide = {
        str(network): {f: m for f in found for m in part.loc[part["family"] == f, "model"]}
        for network, part in names.groupby("network", sort=False)
    }
    shared = {network: each for network, each in wide.items() if len(each) == len(found) > 1}
    kept = candidates.drop(columns=["family", "network"])
    judged = set(kept["case_id"])
    base = chosen[(chosen["model"] == baseline) & chosen["case_id"].isin(judged)]
    return Field(pd.concat([kept, base], ignore_index=True), found, shared)


def performance(part: models.Panel, frozen: Mapping[str, Threshold], measures: Sequence[str]) -> pd.DataFrame:
    """AUC and measures at the frozen threshold, `<measure>`, `<measure>_low`, `<measure>_high`, one row a model."""
    rows = []
    for name, risk in part.risks.items():
        found = dict(operating_point(part.label, risk, frozen[name], patient_id=part.patient_id).estimates)
        found["auc"] = auc(part.label, risk, patient_id=part.patient_id, interval="auto")
        row: dict[str, Any] = {"model": name}
        for measure in measures:
            made = found[measure]
            row |= {measure: made.value, f"{measure}_low": made.low, f"{measure}_high": made.high}
        rows.append(row)
    return pd.DataFrame(rows)


def twins(part: models.Panel, all_networks: Field) -> twin_tests.Twins | None:
    """Each network of the first family against its twin in the second; None when there is one family only."""
    if not all_networks.twins:
        return None
    first, second = list(all_networks.families)[:2]
    risks = [{network: part.risks[found[f]] for network, found in all_networks.twins.items()} for f in (first, second)]
    return twin_tests.compare(part.label, *risks, names=(first, second), patient_id=part.patient_id)


def printed_twins(found: twin_tests.Twins) -> pd.DataFrame:
    """The twins' table with intervals as text and P values as journals print them."""
    table = found.frame().rename(columns={"low": "difference_low", "high": "difference_high"})
    table = models.printed(table, {"difference": "Difference"}, digits=3)
    table["P"], table["P (Holm)"] = table["p_value"].map(models.p_text), table["p_holm"].map(models.p_text)
    table = table.rename(columns={"auc_first": f"AUC, {found.first}", "auc_second": f"AUC, {found.second}"})
    return table[["network", f"AUC, {found.first}", f"AUC, {found.second}", "Difference", "P", "P (Holm)"]]


def attention(part: models.Panel, all_networks: Field) -> pd.DataFrame | None:
    """Networks with the attention module against themselves without it; None when none was trained with it."""
    rows = []
    for name in part.risks:
        plain = name.removesuffix(WITH)
        if plain != name and plain in part.risks:
            made = compare_auc(part.label, part.risks[name], part.risks[plain], patient_id=part.patient_id)
            limits = {"difference": made.difference, "difference_low": made.low, "difference_high": made.high}
            rows.append(
                {"network": plain, "with": made.auc_a.value, "without": made.auc_b.value, **limits, "P": made.p_value}
            )
    if not rows:
        return None
    table = models.printed(pd.DataFrame(rows), {"difference": "Difference in AUC"}, digits=3)
    table["P"] = table["P"].map(models.p_text)
    return table[["network", "with", "without", "Difference in AUC", "P"]]


def freeze_one(chosen: pd.DataFrame, model: str, settings: Any) -> Threshold:
    """Threshold of one model by the study's rule, from the cases that choose."""
    own = chosen[chosen["model"] == model]
    rule = {"rule": settings.threshold.rule, "value": settings.threshold.value}
    return models.freeze(models.chooser(own, settings.choosing), models=[model], **rule)[model]


def external(chosen: pd.DataFrame, settings: Any, cases: pd.DataFrame, *, resamples: int) -> casemix.CaseMix | None:
    """Internal against external test for the study's models; None without an external split.

    Parameters
    ----------
    chosen : DataFrame
        The study's predictions.
    settings : Study
    cases : DataFrame
        The cohort table; a patient's signs are those of the first case.
    resamples : int
    """
    sides = models.judged_parts(chosen, settings.judged)
    if len(sides) < 2:
        return None
    columns = [c.name for c in settings.predictors] or [c.name for c in settings.covariates]
    key = "case_id" if set(sides[0].case_id) <= set(cases["case_id"]) else "patient_id"
    signs = cases.drop_duplicates(key).set_index(key)[columns]
    rows = {name: signs.loc[side.case_id].reset_index(drop=True) for name, side in zip(("inside", "outside"), sides)}
    return casemix.compare(sides[0], sides[1], rows, columns, resamples=resamples)


def printed_external(mix: casemix.CaseMix) -> pd.DataFrame:
    """The table inside against outside with intervals as text."""
    heads = {"auc_internal": "AUC inside", "auc_external": "AUC outside", "difference": "Outside minus inside"}
    table = models.printed(mix.frame(), heads | {"auc_weighted": "AUC inside, weighted to the outside mix"}, digits=2)
    table["P"] = table["p_value"].map(models.p_text)
    return table[["model", *heads.values(), "P", "AUC inside, weighted to the outside mix"]]

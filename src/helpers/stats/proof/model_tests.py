"""The tests that the book prints for models and cohorts, made anew for each simulated study."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.special import logit

from helpers.data.group_tests import chi_square_test, fisher_test, kruskal_test, mean_test
from helpers.stats.brier import spiegelhalter
from helpers.stats.discrimination import compare_auc, compare_auc_all, compare_auc_unpaired, compare_decisions
from helpers.stats.firth import firth
from helpers.stats.paired import MCNEMAR
from helpers.stats.predictive_values import TESTS
from helpers.stats.proof.designs import D, Design, Sample
from helpers.stats.proof.model_intervals import title
from helpers.stats.proof.simulation import Family, PValue
from helpers.stats.subgroups import subgroups

HALF, QUARTER = 0.5, 0.25  # shares of the replicates
MODELS = 4  # for the family of all pairs
RATES, PREDICTIVE, RATIOS = ("sensitivity", "specificity", "accuracy"), ("ppv", "npv"), ("lr_positive", "lr_negative")
EFFECT, RISE = 0.5, 0.2  # of a table's alternative: difference of means in SD, and of shares


def families(design: Design, *, alternative: bool) -> list[Family]:
    """All tests of one design, where nothing differs or where something does.

    Parameters
    ----------
    design : Design
    alternative : bool
        The second model's AUC is lower by the design's gap, the second group's means and shares are higher, and one
        subgroup's scores say nothing.

    Returns
    -------
    list of Family

    Examples
    --------
    >>> from helpers.stats.proof.designs import A
    >>> [made.test for made in families(A, alternative=False)[0].make(0)][:2]
    ['AUC, paired', 'Sensitivity, paired']
    """
    at = design if alternative else design.null()
    made = [Family(design.title, _each(at, [_ranking, _decisions], alternative))]
    slower = [_family] if design.positives < 10 else [_family, _centres, _subgroup]
    if not design.clustered:
        slower.append(_other_decisions)
    made.append(Family(design.title, _each(at, slower, alternative), share=QUARTER))
    if not design.clustered:
        made.append(Family(design.title, _each(at, [_table_one], alternative, fixed=True)))
        if design.positives >= 10:
            made.append(Family(design.title, _each(at, [_fit], alternative), share=HALF))
        if design == D:
            made.append(Family(design.title, _each(at, [_regression], alternative, fixed=True), share=QUARTER))
    return made


def _each(design: Design, parts: list[Callable], alternative: bool, fixed: bool = False):
    def make(replicate: int) -> Iterator[PValue]:
        sample = design.draw(replicate, fixed=fixed)
        for part in parts:
            yield from part(design, sample, alternative)

    return make


def _ranking(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """Two models on the same cases."""
    name = "Obuchowski" if design.clustered else "DeLong"
    found = compare_auc(sample.label, sample.risk, sample.risk_b, patient_id=sample.patient)
    yield PValue("AUC, paired", name, found.p_value)
    if design.clustered:
        found = compare_auc(sample.label, sample.risk, sample.risk_b)
        yield PValue("AUC, paired", "DeLong, patients ignored", found.p_value, "wrong")


def _family(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """Every pair of four models: the first two, and two that are like the second."""
    more = sample.rng.standard_normal((MODELS - 2, len(sample.label))) + design.distance_b * sample.label
    scores = dict(enumerate([sample.score, sample.score_b, *more]))
    family = compare_auc_all(sample.label, scores, patient_id=sample.patient)
    pairs, named = family.frame(), f"AUC, all pairs of {MODELS} models"
    yield PValue(named, "Holm, smallest P", pairs["p_holm"].min())
    yield PValue(named, "smallest P, not adjusted", pairs["p_value"].min(), "wrong")
    yield PValue(named, "one overall chi-square", family.p_value)


def _centres(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """One model in two halves of the patients; in the alternative the second half gets the second model's scores."""
    unit = np.arange(len(sample.label)) if sample.patient is None else sample.patient
    half = unit % 2 == 0
    other = sample.score_b if alternative else sample.score
    parts = sample.label[half], sample.score[half], sample.label[~half], other[~half]
    found = compare_auc_unpaired(*parts, patient_id_a=unit[half], patient_id_b=unit[~half])
    yield PValue("AUC, two centres", f"unpaired t on {'Obuchowski' if design.clustered else 'DeLong'}", found.p_value)


def _decisions(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """Two models' decisions, by the tests that the book prints, and the family of sensitivity and specificity."""
    rows = _compared(design, sample)
    tests = {measure: MCNEMAR["midp"].split(" (")[0] for measure in RATES}
    tests |= dict.fromkeys(PREDICTIVE, _capital(TESTS["kosinski"])) | dict.fromkeys(RATIOS, "Wald, log")
    if design.clustered:
        tests |= dict.fromkeys(RATES, "Wald, by patient") | dict.fromkeys(RATIOS, "Wald, log, by patient")
        tests |= dict.fromkeys(PREDICTIVE, "Generalised score, by patient")
    for measure, method in tests.items():
        yield PValue(f"{title(measure)}, paired", method, rows.loc[measure, "p_value"])
    yield PValue("Sensitivity or specificity", "Holm, smallest P", rows["p_holm"].min())


def _other_decisions(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """The same by the other tests that `compare_decisions` offers."""
    for test, predictive in (("mcnemar", "leisenring"), ("exact", "moskowitz_pepe")):
        rows = _compared(design, sample, test=test, predictive=predictive)
        tests = dict.fromkeys(RATES, MCNEMAR[test].split(" (")[0]) | dict.fromkeys(
            PREDICTIVE, _capital(TESTS[predictive])
        )
        for measure, method in tests.items():
            yield PValue(f"{title(measure)}, paired", method, rows.loc[measure, "p_value"], "offered")


def _compared(design: Design, sample: Sample, **options) -> pd.DataFrame:
    calls = [risk >= design.prevalence for risk in (sample.risk, sample.risk_b)]
    return compare_decisions(sample.label, *calls, patient_id=sample.patient, **options).frame().set_index("measure")


def _capital(name: str) -> str:
    name = name.split(" (")[0]
    return name[:1].upper() + name[1:]


def _subgroup(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """Does the model work equally well in two subgroups? In the alternative one subgroup's scores say little."""
    unit = np.arange(len(sample.label)) if sample.patient is None else sample.patient
    first = unit % 2 == 0
    # the weaker subgroup's log odds are halved, so that they rank worse and their slope is no longer 1
    line = logit(sample.risk)
    if alternative:
        line = np.where(first, line, 0.5 * line + 0.5 * design.distance * sample.rng.standard_normal(line.size))
    data = pd.DataFrame({"label": sample.label.astype(int), "risk": 1 / (1 + np.exp(-line)), "sex": first})
    data["patient_id"] = unit
    rows = subgroups(data, by=["sex"]).interaction
    for row in rows.to_dict("records"):
        if row["df"]:
            yield PValue(
                f"Subgroups: {row['test']}", "Wald" + (", by patient" if design.clustered else ""), row["p_value"]
            )


def _table_one(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """One variable between positives and negatives; the small group varies more in the unequal case."""
    groups = [sample.label, ~sample.label]
    shift, rise = (EFFECT, RISE) if alternative else (0.0, 0.0)
    value = sample.rng.standard_normal(design.cases)
    small = sample.label if design.positives < design.cases / 2 else ~sample.label
    for named, spread in (("equal spread", 1.0), ("wider in the small group", 2.0)):
        drawn = value * np.where(small, spread, 1.0) + shift * sample.label
        parts = [drawn[group] for group in groups]
        n, mean, sd = (np.array(v) for v in zip(*[(len(p), p.mean(), p.std(ddof=1)) for p in parts]))
        yield PValue(f"Means, {named}", "Welch", mean_test(n, mean, sd)[0])
        role = "offered" if spread == 1 else "wrong"
        yield PValue(f"Means, {named}", "Student", mean_test(n, mean, sd, equal_variance=True)[0], role)
    skewed = [np.exp(value[group]) * (1 + shift * (k == 0)) for k, group in enumerate(groups)]
    yield PValue("Skewed values", "Kruskal-Wallis", kruskal_test(skewed)[0], "offered")
    chance = sample.rng.random(design.cases)
    for rate in (0.3, 0.05):
        has = chance < rate + rise * sample.label
        table = np.array([[np.sum(has & group), np.sum(~has & group)] for group in groups]).T
        named = f"Shares of {rate:.0%}"
        yield PValue(named, "chi-square, Yates", chi_square_test(table)[0])
        yield PValue(named, "chi-square", chi_square_test(table, yates=False)[0], "offered")
        yield PValue(named, "Fisher", fisher_test(table)[0])


def _fit(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """Spiegelhalter's test of risks that are right, or out of calibration; `calibration` prints it."""
    risk = sample.miscalibrated if alternative else sample.risk
    yield PValue("Brier score as promised", "Spiegelhalter", spiegelhalter(sample.label, risk)[1])


def _regression(design: Design, sample: Sample, alternative: bool) -> Iterator[PValue]:
    """A covariate without effect beside the score; in the alternative its odds ratio is about 3."""
    data = pd.DataFrame({"label": sample.label.astype(int), "score": sample.score})
    data["sex"] = (sample.rng.random(len(data)) < np.where(sample.label & alternative, 0.75, 0.5)).astype(int)
    rows = firth(data, "label", columns=["score", "sex"]).frame().set_index("term")
    yield PValue("Covariate in a regression", "Firth, penalised likelihood ratio", float(rows.loc["sex", "p_value"]))

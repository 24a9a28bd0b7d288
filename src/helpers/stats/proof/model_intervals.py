"""The intervals that the book prints for one model and for two, made anew for each simulated study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from helpers.stats.calibration import calibration
from helpers.stats.decision import decision_curve
from helpers.stats.discrimination import (
    auc,
    auc_difference,
    bootstrap_auc,
    compare_auc,
    compare_decisions,
    operating_point,
    partial_auc,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)
from helpers.stats.firth import firth
from helpers.stats.intervals import Estimate, clustered_proportion, proportion, proportion_limits
from helpers.stats.proof.designs import ELSEWHERE, EXTERNAL, NEAR_ONE, SHIFT, STRETCH, A, D, Design, Sample
from helpers.stats.proof.simulation import Family, Made
from helpers.stats.smooth import Smooth, smooth
from helpers.stats.two_by_two import TwoByTwo

RESAMPLES = 400
FEW = 100  # bootstrap samples for the costly flexible curve
HALF, RESAMPLED = 0.5, 0.2  # shares of the replicates for what takes long, and for what resamples
SLOW, SLOWEST = 0.1, 0.05  # of the flexible curve, and of Firth's profiles
REGIONS, CURVES, MODELS = (A, D), (A, EXTERNAL), (A, D)  # designs in which the costly parts are run
# by the design of these the number of positives is given; the others are shares of a cohort whose outcome is drawn
GIVEN_CLASSES = ("sensitivity", "specificity", "youden", "balanced_accuracy", "lr_positive", "lr_negative", "dor")
OF_A_COHORT = ("ppv", "npv", "accuracy", "f1", "kappa", "mcc", "prevalence")
NAMES = {
    "auc": "AUC",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC",
    "lr_positive": "LR+",
    "lr_negative": "LR-",
    "dor": "Diagnostic odds ratio",
    "youden": "Youden index",
    "in_the_large": "Calibration in the large",
    "slope": "Calibration slope",
    "joint_intercept": "Joint intercept",
    "observed_expected": "O:E",
    "brier": "Brier score",
    "scaled_brier": "Scaled Brier score",
    "ici": "ICI",
    "e50": "E50",
    "e90": "E90",
}
AUTO = "Wald, near 1 logit, at 1 exact"
OTHERS = {"exact": "exact (Clopper-Pearson)", "jeffreys": "Jeffreys", "agresti_coull": "Agresti-Coull", "wald": "Wald"}
METHODS = {
    "kappa": "Wald, asymptotic error",
    "f1": "from Wilson's limits of the Jaccard index",
    "mcc": "Fisher's z",
    "dor": "log, exact with a zero cell",
    "lr_positive": "log, Koopman with a zero count",
    "lr_negative": "log, Koopman with a zero count",
    "youden": "delta, Newcombe with a zero cell",
    "balanced_accuracy": "delta, Newcombe with a zero cell",
}


def title(measure: str) -> str:
    """Name of a measure in tables and figures.

    Examples
    --------
    >>> title("ppv"), title("balanced_accuracy")
    ('PPV', 'Balanced accuracy')
    """
    return NAMES.get(measure, measure.replace("_", " ").capitalize())


def families(design: Design) -> list[Family]:
    """All intervals of one design.

    Parameters
    ----------
    design : Design

    Returns
    -------
    list of Family

    Examples
    --------
    >>> sorted({made.measure for family in families(A)[:2] for made in family.make(0)})[:3]
    ['AUC', 'AUC difference', 'Accuracy']
    """
    # an AUC of 0.97 is here for what is special near 1, and four positives of 34 fit no curve
    rest = design.positives >= 10 and design != NEAR_ONE
    shares = [_shares, _calibrated] if rest else [_shares]
    if design.clustered:
        made = [Family(design.title, _each(design, [_ranking, _given_classes, *shares]))]
    else:
        made = [Family(design.title, _each(design, [_ranking, _given_classes], fixed=True))]
        made.append(Family(design.title, _each(design, shares)))
    if design != NEAR_ONE:
        made.append(Family(design.title, _each(design, [_decisions, _benefit] if rest else [_decisions]), share=HALF))
    slow = [_resampled, _benefit_resampled] if rest else [_resampled]
    made.append(Family(design.title, _each(design, slow, fixed=not rest), share=RESAMPLED))
    if rest:
        made.append(Family(design.title, _each(design, [_benefit_elsewhere], fixed=True), share=RESAMPLED))
    for chosen, part, share in (
        (REGIONS, _regions, RESAMPLED),
        (CURVES, _distances, SLOW),
        (MODELS, _regression, SLOWEST),
    ):
        if design in chosen:
            made.append(Family(design.title, _each(design, [part], fixed=part is not _distances), share=share))
    return made


def _each(design: Design, parts: list, fixed: bool = False):
    def make(replicate: int) -> Iterator[Made]:
        sample = design.draw(replicate, fixed=fixed)
        for part in parts:
            yield from part(design, sample)

    return make


def _row(measure: str, method: str, found: Estimate, truth: float, role: str = "printed") -> Made:
    return Made(measure, method, found.low, found.high, truth, role)


def _ranking(design: Design, sample: Sample) -> Iterator[Made]:
    """AUC and its difference."""
    name = "Obuchowski" if design.clustered else "DeLong"
    kinds = {"auto": (AUTO, "printed"), "wald": ("Wald", "offered"), "logit": ("logit", "offered")}
    for interval, (named, role) in kinds.items():
        found = auc(sample.label, sample.risk, patient_id=sample.patient, interval=interval)
        yield _row("AUC", f"{name}, {named}", found, design.auc, role)
        if interval == "logit":
            low, high = found.exact or (found.low, found.high)
            yield Made("AUC", f"{name}, logit, exact at 1", low, high, design.auc, "offered")
    both = compare_auc(sample.label, sample.risk, sample.risk_b, patient_id=sample.patient)
    yield Made("AUC difference", f"{name}, Wald", both.low, both.high, design.gap)
    made = auc_difference(sample.label, sample.risk, sample.risk_b, patient_id=sample.patient)
    yield _row("AUC difference", "MOVER of logit limits", made, design.gap, "offered")
    if design.clustered:
        found = auc(sample.label, sample.risk)
        yield _row("AUC", "DeLong, patients ignored", found, design.auc, "wrong")


def _given_classes(design: Design, sample: Sample) -> Iterator[Made]:
    """Measures of a two-by-two table that do not depend on the prevalence."""
    yield from _table(design, sample, GIVEN_CLASSES)
    point = operating_point(sample.label, sample.risk, design.prevalence, patient_id=sample.patient)
    method = "logit, from the likelihood ratio" + (", by patient" if design.clustered else "")
    for name, found in point.at_prevalence(ELSEWHERE).items():
        measure = name.removesuffix("_at_prevalence")
        yield _row(f"{title(measure)} at another prevalence", method, found, design.truth[f"{measure} elsewhere"])


def _shares(design: Design, sample: Sample) -> Iterator[Made]:
    """Measures of a two-by-two table in a cohort."""
    yield from _table(design, sample, OF_A_COHORT)
    table = TwoByTwo(sample.label, sample.risk >= design.prevalence, patient_id=sample.patient)
    method = "Fisher's z" + (", by patient" if design.clustered else "")
    yield _row("Kappa", method, table.kappa(interval="fisher"), design.truth["kappa"], "offered")


def _table(design: Design, sample: Sample, wanted: tuple[str, ...]) -> Iterator[Made]:
    called, truth = sample.risk >= design.prevalence, sample.label
    # what `operating_point` asks, less the measures that are not wanted here
    table = TwoByTwo(truth, called, patient_id=sample.patient)
    for measure in wanted:
        method = METHODS.get(measure, "Wilson")
        method += ", by patient" if design.clustered else ""
        yield _row(title(measure), method, getattr(table, measure)(), design.truth[measure])
    sides = {
        "sensitivity": (called, truth),
        "specificity": (~called, ~truth),
        "ppv": (truth, called),
        "npv": (~truth, ~called),
        "accuracy": (called == truth, np.ones_like(truth)),
    }
    chosen = [measure for measure in sides if measure in wanted]
    if design.clustered:
        for measure in chosen:
            yield from _by_patient(measure, *sides[measure], sample, design)
        return
    among = [int(sides[measure][1].sum()) for measure in chosen]
    hits = [int((sides[measure][0] & sides[measure][1]).sum()) for measure in chosen]
    if min(among) == 0:
        return
    for method, named in OTHERS.items():
        for measure, low, high in zip(chosen, *proportion_limits(hits, among, method=method)):
            yield Made(title(measure), named, low, high, design.truth[measure], "offered")


def _by_patient(measure: str, hit: np.ndarray, among: np.ndarray, sample: Sample, design: Design) -> Iterator[Made]:
    truth = design.truth[measure]
    for method in ("logit", "wald"):
        found = clustered_proportion(hit, sample.patient, among=among, method=method)
        yield _row(title(measure), f"{method.capitalize()}, by patient", found, truth, "offered")
    found = proportion(int((hit & among).sum()), int(among.sum()))
    yield _row(title(measure), "Wilson, patients ignored", found, truth, "wrong")


def _decisions(design: Design, sample: Sample) -> Iterator[Made]:
    """Differences and ratios of two models' decisions."""
    calls = (risk >= design.prevalence for risk in (sample.risk, sample.risk_b))
    rows = compare_decisions(sample.label, *calls, patient_id=sample.patient).frame().to_dict("records")
    for row in rows:
        measure = row["measure"]
        named = f"{title(measure)} difference"
        if f"{measure} difference" in design.truth:
            tango = measure in ("sensitivity", "specificity", "accuracy")
            method = "Wald, by patient" if design.clustered else "Tango" if tango else "Wald, linearised"
            yield Made(named, method, row["low"], row["high"], design.truth[f"{measure} difference"])
        if f"{measure} ratio" in design.truth:
            limits = row["ratio_low"], row["ratio_high"]
            method = "log, by patient" if design.clustered else "log"
            yield Made(f"{title(measure)} ratio", method, *limits, design.truth[f"{measure} ratio"])


def _benefit(design: Design, sample: Sample) -> Iterator[Made]:
    """Net benefit, and its difference between two models, without resampling."""
    yield from _benefits(design, sample, 0, "Wald", "offered")


def _benefit_resampled(design: Design, sample: Sample) -> Iterator[Made]:
    """The same by the bootstrap of the chapter on decisions."""
    yield from _benefits(design, sample, RESAMPLES, "percentile bootstrap", "printed")


def _benefit_elsewhere(design: Design, sample: Sample) -> Iterator[Made]:
    """The same where cases and controls were sampled apart, for a population with another prevalence."""
    yield from _benefits(design, sample, 0, "Wald", "offered", prevalence=ELSEWHERE)
    yield from _benefits(design, sample, RESAMPLES, "percentile bootstrap", "printed", prevalence=ELSEWHERE)


def _benefits(
    design: Design, sample: Sample, resamples: int, method: str, role: str, prevalence: float | None = None
) -> Iterator[Made]:
    options = {"thresholds": [design.prevalence], "resamples": resamples, "patient_id": sample.patient}
    curve = decision_curve(sample.label, {"a": sample.risk, "b": sample.risk_b}, prevalence=prevalence, **options)
    method += ", by patient" if design.clustered else ""
    key, named = ("", "") if prevalence is None else (" elsewhere", " at another prevalence")
    rows = {"net_benefit": curve.frame().iloc[0], "net_benefit difference": curve.difference("a", "b").iloc[0]}
    for measure, row in rows.items():
        yield Made(title(measure) + named, method, row["low"], row["high"], design.truth[measure + key], role)


def _calibrated(design: Design, sample: Sample) -> Iterator[Made]:
    """Calibration of the risks that are out of calibration."""
    # the smoother has no part in the measures; of many cases that repeat, loess with its band is slow
    smoother = "spline" if design.clustered else "loess"
    found = calibration(sample.label, sample.miscalibrated, patient_id=sample.patient, smoother=smoother)
    how = {"observed_expected": "log, expected as given", "scaled_brier": "delta"}
    for measure in ("in_the_large", "slope", "joint_intercept", "observed_expected", "brier", "scaled_brier"):
        method = how.get(measure, "Wald") + (", by patient" if design.clustered else "")
        yield _row(title(measure), method, getattr(found, measure), design.truth[measure])
    yield _band(found.curve, design, "printed")
    if not design.clustered:
        yield _band(smooth(sample.label, sample.miscalibrated, smoother="spline"), design, "offered")


def _band(curve: Smooth, design: Design, role: str) -> Made:
    """The band of the flexible curve where the risk that is right is the prevalence."""
    at = expit(SHIFT + STRETCH * logit(design.prevalence))
    low, high = (float(np.interp(at, curve.grid, limits)) for limits in (curve.low, curve.high))
    return Made("Flexible curve at one risk", curve.band, low, high, design.prevalence, role)


def _distances(design: Design, sample: Sample) -> Iterator[Made]:
    """ICI, E50 and E90: of risks out of calibration, and of risks that are right, whose ICI is 0."""
    method = "percentile bootstrap"
    found = calibration(sample.label, sample.miscalibrated, resamples=FEW)
    for measure in ("ici", "e50", "e90"):
        yield _row(title(measure), method, getattr(found, measure), design.truth[measure], "offered")
    found = calibration(sample.label, sample.risk, resamples=FEW)
    yield _row("ICI of risks that are right", method, found.ici, 0.0, "offered")


def _resampled(design: Design, sample: Sample) -> Iterator[Made]:
    """Percentile bootstrap of the AUC."""
    options = {"patient_id": sample.patient, "resamples": RESAMPLES}
    found = bootstrap_auc(sample.label, sample.risk, **options)
    yield _row(
        "AUC", "percentile bootstrap" + (", by patient" if design.clustered else ""), found, design.auc, "offered"
    )


def _regions(design: Design, sample: Sample) -> Iterator[Made]:
    """Sensitivity at a fixed specificity, the reverse, and the area from a specificity of 0.9."""
    options, method = {"resamples": RESAMPLES // 2}, "percentile bootstrap"
    for named, found in (
        ("sensitivity at specificity 0.9", sensitivity_at_specificity(*_pair(sample), specificity=0.9, **options)),
        ("specificity at sensitivity 0.9", specificity_at_sensitivity(*_pair(sample), sensitivity=0.9, **options)),
    ):
        yield _row(title(named), method, found, design.truth[named])
    found = partial_auc(*_pair(sample), specificity=(0.9, 1.0), **options)
    yield _row("Partial AUC", method, found, design.truth["partial_auc"])
    found = partial_auc(*_pair(sample), specificity=(0.9, 1.0), interval="jackknife")
    yield _row("Partial AUC", "jackknife, logit, Student's t", found, design.truth["partial_auc"], "offered")


def _pair(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    return sample.label, sample.risk


def _regression(design: Design, sample: Sample) -> Iterator[Made]:
    """Firth's regression with the score and a covariate without effect; the slope is right whatever the sampling."""
    data = pd.DataFrame({"label": sample.label.astype(int), "score": sample.score})
    data["sex"] = sample.rng.integers(0, 2, len(data))
    rows = firth(data, "label", columns=["score", "sex"]).frame().set_index("term")
    for term, truth in (("score", design.distance), ("sex", 0.0)):
        limits = rows.loc[term, ["low", "high"]].astype(float)
        yield Made(f"Firth coefficient, {'effect' if truth else 'no effect'}", "profile penalised", *limits, truth)

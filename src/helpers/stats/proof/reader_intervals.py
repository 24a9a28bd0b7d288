"""The intervals that the book prints for readers and for several classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtr

from helpers.stats import experience, reader_agreement, reader_gains, reader_study
from helpers.stats.agreement import agreement
from helpers.stats.class_calls import Calls
from helpers.stats.discrimination import auc, auc_multiclass
from helpers.stats.ordinal import concordance
from helpers.stats.proof.model_intervals import AUTO
from helpers.stats.proof.reader_designs import Classes, Helped, Raters, ReaderStudy
from helpers.stats.proof.simulation import Family, Made
from helpers.stats.readers import change_of_mind, compare_at_matched, obuchowski_rockette, u_statistics

RESAMPLES = 200
METRICS = ("auc", "sensitivity")
HALF, QUARTER, FIFTH = 0.5, 0.25, 0.2
AGREEMENT = {
    "kappa": "Kappa of calls",
    "fleiss": "Fleiss kappa of calls",
    "weighted": "Weighted kappa of grades",
    "icc": "ICC of grades",
}


def of_readers(study: ReaderStudy) -> list[Family]:
    """Obuchowski-Rockette, U-statistics, readers against a model, change of mind, relative gains, experience.

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import READERS
    >>> [made.measure for made in of_readers(READERS)[0].make(0)][:2]
    ['Readers: AUC difference', 'Readers: AUC, unaided']
    """

    def modalities(replicate: int) -> Iterator[Made]:
        readings, _ = study.draw(replicate)
        yield from _modalities(study, readings)

    def slow(replicate: int) -> Iterator[Made]:
        readings, skill = study.draw(replicate)
        yield from _triples(study, readings)
        yield from _matched(study, readings, replicate)
        yield from _minds(study, readings, skill)
        told = reader_study.assemble(study.experienced(readings), positive_from=study.cut)
        yield from _gains(study, told, skill)
        yield from _experience(study, told, skill)

    return [Family(study.title, modalities, share=QUARTER), Family(study.title, slow, share=QUARTER)]


def _modalities(study: ReaderStudy, readings: pd.DataFrame) -> Iterator[Made]:
    for metric, covariances in (("auc", ("jackknife", "delong")), ("sensitivity", ("jackknife",))):
        shown = _title(metric)
        for covariance in covariances:
            found = obuchowski_rockette(readings, metric=metric, threshold=study.cut, covariance=covariance)
            gap, mean = found.differences.iloc[0], found.estimates.set_index("modality").loc["unaided"]
            method = f"Obuchowski-Rockette, {'DeLong' if covariance == 'delong' else covariance}"
            role = "printed" if covariance == "jackknife" else "offered"
            yield Made(f"Readers: {shown} difference", method, gap["low"], gap["high"], study.gap(metric), role)
            value = study.value(metric, aided=False)
            yield Made(f"Readers: {shown}, unaided", method, mean["low"], mean["high"], value, role)


def _triples(study: ReaderStudy, readings: pd.DataFrame) -> Iterator[Made]:
    gap = u_statistics(readings).differences.iloc[0]
    yield Made("Readers: AUC difference", "U-statistics", gap["low"], gap["high"], study.gap("auc"))


def _matched(study: ReaderStudy, readings: pd.DataFrame, replicate: int) -> Iterator[Made]:
    """A model that equals the unaided readers on average; readers differ in sensitivity, not in specificity."""
    label = np.arange(study.positives + study.negatives) < study.positives
    score = study.generator(replicate, 1).standard_normal(label.size) + study.model_distance * label
    model = pd.DataFrame({"case_id": np.arange(label.size), "risk": ndtr(score)})
    options = {"modality": "unaided", "resamples": RESAMPLES}
    found = compare_at_matched(study.calls(readings), model, **options)
    yield Made("Model - readers: matched sensitivity", "bootstrap, random readers", found.low, found.high, 0.0)


def _minds(study: ReaderStudy, readings: pd.DataFrame, skill: np.ndarray) -> Iterator[Made]:
    """Gain in sensitivity: of the first reader, as skilled as drawn, and over all readers."""
    found = change_of_mind(study.calls(readings))
    row = found.frame().query("measure == 'sensitivity'").iloc[0]
    gain = float(np.diff(ndtr(skill[::-1, 0] - study.cut))[0])
    yield Made("One reader: gain in sensitivity", "Newcombe, paired", row["low"], row["high"], gain)
    row = found.overall.query("measure == 'sensitivity'").iloc[0]
    yield Made("Readers: gain in sensitivity", "change of mind", row["low"], row["high"], study.gap("sensitivity"))


def _gains(study: ReaderStudy, told: reader_study.ReaderStudy, skill: np.ndarray) -> Iterator[Made]:
    """Relative gains: of the first reader, as skilled as drawn, and over all readers."""
    over = reader_gains.overall(told, reader_gains.effect(told)).set_index("measure")
    each = reader_gains.each_reader(told).query("reader == 0").set_index("measure")
    for metric in METRICS:
        aided, unaided = study.values_of(metric, skill[:, 0])
        row, own, named = over.loc[metric], each.loc[metric], _title(metric)
        limits = row["relative_low"], row["relative_high"]
        yield Made(f"Readers: relative gain, {named}", "log of the ratio, random readers", *limits, study.ratio(metric))
        limits = own["relative_low"], own["relative_high"]
        yield Made(f"One reader: relative gain, {named}", "log of the ratio", *limits, aided / unaided - 1)
        if metric == "auc":
            yield Made("One reader: gain in AUC", "DeLong, paired", own["low"], own["high"], aided - unaided)


def _experience(study: ReaderStudy, told: reader_study.ReaderStudy, skill: np.ndarray) -> Iterator[Made]:
    """Gains of the junior readers, and by how much they exceed those of the senior ones."""
    groups = experience.by_experience(told).query("experience == 'junior'").set_index("measure")
    gaps = experience.differences(told).set_index("measure")
    junior = np.arange(study.readers) < study.readers // 2
    for metric in METRICS:
        values, named = study.values_of(metric, skill), _title(metric)
        gain = values[0] - values[1]
        own, gap = groups.loc[metric], gaps.loc[metric]
        fixed, random = (own["low"], own["high"]), (own["random_low"], own["random_high"])
        yield Made(f"Junior readers: {named} gain", "these readers", *fixed, float(gain[junior].mean()))
        yield Made(f"Junior readers: {named} gain", "readers like them", *random, study.gap(metric))
        aided, unaided = values[:, junior].mean(axis=1)
        limits = own["relative_low"], own["relative_high"]
        yield Made(f"Junior readers: relative {named} gain", "log of the ratio", *limits, aided / unaided - 1)
        fixed, random = (gap["low"], gap["high"]), (gap["random_low"], gap["random_high"])
        truth = float(gain[junior].mean() - gain[~junior].mean())
        yield Made(f"Junior - senior: {named} gain", "these readers", *fixed, truth)
        yield Made(f"Junior - senior: {named} gain", "readers like them", *random, 0.0)


def _title(metric: str) -> str:
    return metric.upper() if metric == "auc" else metric


def of_agreement(raters: Raters) -> list[Family]:
    """Kappas of two and of several readers, and the intraclass correlation.

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import FEW_GRADES
    >>> [made.measure for made in of_agreement(FEW_GRADES)[0].make(0)]
    ['Kappa', 'Kappa, quadratic weights', 'ICC']
    """
    grades = list(range(1, len(raters.cuts) + 2))

    def pairs(replicate: int) -> Iterator[Made]:
        two = raters.draw(replicate)[:, :2]
        for kind, weights, named in (
            ("cohen", "none", "Kappa"),
            ("quadratic", "quadratic", "Kappa, quadratic weights"),
        ):
            found = agreement(two, kind=kind, categories=grades)
            yield Made(named, "large-sample error", found.low, found.high, raters.kappa(weights))
        found = agreement(raters.raw(replicate), kind="icc")
        yield Made("ICC", "F, Satterthwaite", found.low, found.high, raters.icc)

    def several(replicate: int) -> Iterator[Made]:
        found = agreement(raters.draw(replicate), kind="fleiss", categories=grades)
        yield Made("Fleiss kappa", "jackknife over patients", found.low, found.high, raters.kappa("none"))

    made = [Family(raters.title, pairs, share=HALF)]
    return made + ([Family(raters.title, several, share=QUARTER)] if raters.readers > 2 else [])


def of_help(helped: Helped) -> list[Family]:
    """Agreement of readers unaided and aided, and how help changes it.

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import FEW_HELPED
    >>> [made.measure for made in of_help(FEW_HELPED)[0].make(0)][:3]
    ['Kappa of calls, unaided', 'Kappa of calls, aided', 'Kappa of calls, change']
    """

    truth = {}
    for measure in AGREEMENT:
        unaided, aided = (helped.value(measure, aided=given) for given in (False, True))
        truth[measure] = {"unaided": unaided, "aided": aided, "change": aided - unaided}

    def make(replicate: int) -> Iterator[Made]:
        study = reader_study.assemble(helped.draw(replicate), positive_from=helped.positive_from)
        for row in reader_agreement.agreement_table(study).to_dict("records"):
            named = f"{AGREEMENT[row['measure']]}, {row['modality']}"
            value = truth[row["measure"]][row["modality"]]
            yield Made(named, "jackknife over patients", row["low"], row["high"], value)

    return [Family(helped.title, make, share=FIFTH)]


def of_classes(classes: Classes) -> list[Family]:
    """One class against the rest, their mean, Hand and Till's, the order of the classes, and the classes named.

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import THREE
    >>> len(list(of_classes(THREE)[0].make(0)))
    17
    """

    def make(replicate: int) -> Iterator[Made]:
        label, scores = classes.draw(replicate)
        found = auc_multiclass(label, scores, classes.names)
        for code, name in enumerate(classes.names):
            measure, truth = f"AUC, class of {classes.counts[code]}", classes.rest(code)
            rest = found.one_vs_rest[name]
            yield Made(measure, f"DeLong, {AUTO}", rest.low, rest.high, truth)
            plain = auc(label == name, scores[:, code])
            yield Made(measure, "DeLong, Wald", plain.low, plain.high, truth, "offered")
            better = auc(label == name, scores[:, code], interval="logit")
            yield Made(measure, "DeLong, logit", better.low, better.high, truth, "offered")
            limits = better.exact or (better.low, better.high)
            yield Made(measure, "DeLong, logit, exact at 1", *limits, truth, "offered")
        yield Made("AUC, macro", "infinitesimal jackknife, logit", found.macro.low, found.macro.high, classes.macro)
        made = found.hand_till
        yield Made("AUC, Hand-Till", "infinitesimal jackknife, logit", made.low, made.high, classes.hand_till)
        code = np.repeat(np.arange(len(classes.counts)), classes.counts)
        made = concordance(code, scores @ np.arange(scores.shape[1]))
        yield Made("Ordinal concordance", "infinitesimal jackknife, logit", made.low, made.high, classes.concordance)
        calls = Calls(classes.names, code, scores.argmax(axis=1), np.arange(code.size), "")
        for kind, role in (("wilson", "printed"), ("exact", "offered")):
            made, named = calls.balanced_accuracy(interval=kind), "Balanced accuracy of classes"
            method = f"MOVER of {kind.replace('wilson', 'Wilson')} limits"
            yield Made(named, method, made.low, made.high, classes.balanced_accuracy, role)

    return [Family(classes.title, make, share=HALF)]

"""Calibration of several models and splits, and the maps that mend it, fitted where choices are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from helpers.stats.calibration import Calibration, calibration
from helpers.stats.models import MANY, Panel, printed
from helpers.stats.recalibration import METHODS, NoFiniteFit, recalibrate
from helpers.stats.resampling import patient_codes

Curves = Mapping[str, Mapping[str, Calibration]]  # by title of the split, then by model
MEASURES = ("in_the_large", "slope", "joint_intercept", "observed_expected")
DISTANCES = ("ici", "e50", "e90", "emax", "brier", "scaled_brier")
LADDER = (
    "Each map is fitted on the cases that choose thresholds and applied, unchanged, to the judged cases "
    "(Steyerberg 2004, doi:10.1002/sim.1844; temperature: Guo 2017, doi:10.48550/arXiv.1706.04599; isotonic: Zadrozny "
    "and Elkan 2002, doi:10.1145/775047.775151). Under cross-validation the map of a patient is fitted on the others."
)
DISTANCE = (
    "Distance of each risk from the flexible curve: mean (ICI), median (E50), 90th percentile (E90) and maximum "
    "(Emax), Austin and Steyerberg (2019), doi:10.1002/sim.8281; without an interval, because a curve fitted to a "
    "resample is wavier than the curve itself, so that a bootstrap interval of these distances seldom holds the truth. "
    "Brier score: Wald interval; scaled: 1 less its ratio to that of the prevalence."
)
PARTS = (
    "Brier score = miscalibration − discrimination + uncertainty, against the isotonic recalibration and without bins "
    "(CORP; Dimitriadis 2021, doi:10.1073/pnas.2016191118); Spiegelhalter's test (doi:10.1002/sim.4780050506) asks "
    "whether the score is what the risks themselves promise, and is not given where patients repeat."
)
# an intercept costs one parameter, so that even eleven events can pay for it
FOR_DECISIONS = "intercept"
RUNGS = ("in_the_large", "slope", "observed_expected", "brier")
GROUPS = 50  # of patients, for the maps of out-of-fold risks of more than ALONE patients
ALONE = 500


def each(part: Panel) -> dict[str, Calibration]:
    """Calibration of every model of a split."""
    return {name: calibration(part.label, risk, patient_id=part.patient_id) for name, risk in part.risks.items()}


def every(parts: Sequence[Panel]) -> dict[str, dict[str, Calibration]]:
    """`each` of several splits, by the title of the split."""
    return {part.title: each(part) for part in parts}


def points(curves: Curves) -> pd.DataFrame:
    """The points of all curves: `split, model, risk, observed, low, high`."""
    frames = [
        curve.frame().assign(split=split, model=name) for split, made in curves.items() for name, curve in made.items()
    ]
    return pd.concat(frames, ignore_index=True)[["split", "model", "risk", "observed", "low", "high"]]


def summary(curves: Curves, *, measures: Sequence[str] = MEASURES) -> pd.DataFrame:
    """One row a split and model: `split, model, n, events`, and each measure with its limits."""
    rows = []
    for split, made in curves.items():
        for name, curve in made.items():
            row = {"split": split, "model": name, "n": curve.n, "events": curve.events}
            for measure in measures:
                one = getattr(curve, measure)
                row |= {measure: one.value, f"{measure}_low": one.low, f"{measure}_high": one.high}
            rows.append(row)
    return pd.DataFrame(rows)


def over_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Slope of each model over its runs: repeats of the cross-validation, or seeds.

    Parameters
    ----------
    table : DataFrame
        Predictions of one split.

    Returns
    -------
    DataFrame
        One row a model: `model, runs, slope` (the mean), `slope_min, slope_max`; a run without a slope (constant
        risks) is left out of these, and a model without any has NaN.

    Examples
    --------
    >>> rows = [("m", seed, f"P{k}", int(k % 3 == 0), risk) for seed, high in ((0, 0.6), (1, 0.8))
    ...         for k, risk in enumerate([high, 0.3, 0.4, 0.2, 0.5, 0.3])]
    >>> table = pd.DataFrame(rows, columns=["model", "seed", "patient_id", "label", "risk"])
    >>> over_runs(table).round(2).values.tolist()
    [['m', 2, 0.38, 0.1, 0.66]]
    """
    rows = []
    for model, part in table.groupby("model", sort=False):
        slopes = [
            calibration(own["label"], own["risk"], patient_id=own["patient_id"], smoother="none").slope.value
            for _, own in part.groupby("seed")
        ]
        known = pd.Series(slopes, dtype=float)
        row = {"model": model, "runs": len(slopes), "slope": known.mean()}
        rows.append(row | {"slope_min": known.min(), "slope_max": known.max()})
    return pd.DataFrame(rows)


def decomposition(curves: Curves) -> pd.DataFrame:
    """The parts of every Brier score.

    Returns
    -------
    DataFrame
        `split, model, brier, miscalibration, discrimination, uncertainty, spiegelhalter_z, spiegelhalter_p`.
    """
    rows = [
        {
            "split": split,
            "model": name,
            "brier": curve.brier.value,
            **curve.brier_decomposition,
            "spiegelhalter_z": curve.spiegelhalter_z,
            "spiegelhalter_p": curve.spiegelhalter_p,
        }
        for split, made in curves.items()
        for name, curve in made.items()
    ]
    return pd.DataFrame(rows)


def methods(curves: Curves) -> str:
    """How calibration was assessed, in a sentence for each split."""
    said = [next(iter(made.values())).methods for made in curves.values()]
    if len(said) == 1:
        return said[0]
    sizes = [
        f"{split}: n = {c.n:,}, {c.events:,} events"
        for split, made in curves.items()
        for c in [next(iter(made.values()))]
    ]
    return f"{said[0]} {'; '.join(sizes)}."


def ladder(chooser: Panel | None, parts: Sequence[Panel], *, methods: Sequence[str] = METHODS) -> pd.DataFrame | None:
    """Calibration of the judged cases after every recalibration map.

    Under cross-validation the cases that choose are the cases that are judged; every map then comes from other
    patients, so no case is mapped by itself.

    Parameters
    ----------
    chooser : Panel or None
        Where the maps are fitted; None when the table has judged cases only.
    parts : sequence of Panel
        Where they are applied.
    methods : sequence of str
        Rungs, of `recalibration.METHODS`.

    Returns
    -------
    DataFrame or None
        `split, model, n, events, method`, and in the large, slope, O:E and Brier score with their limits, NaN where a
        map has no finite fit (constant risks, or risks that separate the classes); None without a chooser.
    """
    if chooser is None:
        return None
    rows = []
    for part in parts:
        for name in part.risks:
            for method in methods:
                try:
                    risk = mapped(chooser, part, name, method)
                except NoFiniteFit:
                    row = {"split": part.title, "model": name, "n": part.n, "events": part.events, "method": method}
                    rows.append(pd.DataFrame([row]))
                    continue
                made = calibration(part.label, risk, patient_id=part.patient_id, smoother="none")
                rows.append(summary({part.title: {name: made}}, measures=RUNGS).assign(method=method))
    limits = [f"{name}{end}" for name in RUNGS for end in ("", "_low", "_high")]
    return pd.concat(rows, ignore_index=True).reindex(columns=["split", "model", "n", "events", *limits, "method"])


def ladder_shown(table: pd.DataFrame | None) -> tuple[pd.DataFrame | None, list[str]]:
    """The printed ladder and its columns: a row a map up to five models; else a row a model, its Brier score by map.

    Parameters
    ----------
    table : DataFrame or None
        From `ladder`.

    Returns
    -------
    table : DataFrame or None
        None of None.
    columns : list of str
        To print.
    """
    heads = {
        "in_the_large": "Intercept in the large",
        "slope": "Slope",
        "observed_expected": "O:E",
        "brier": "Brier score",
    }
    if table is None:
        return None, []
    text = printed(table, heads, digits=2)
    if table["model"].drop_duplicates().size <= MANY:
        return text, ["split", "model", "method", *heads.values()]
    key = ["split", "model"]
    methods = [method for method in METHODS if method in set(table["method"])]
    order = list(dict.fromkeys(table[key].itertuples(index=False, name=None)))
    wide = text.pivot(index=key, columns="method", values="Brier score").loc[order, methods]
    numbers = table.pivot(index=key, columns="method", values=list(heads)).loc[order]
    numbers.columns = [f"{method}_{measure}" for measure, method in numbers.columns]
    wide.columns = [f"Brier score, {method}" for method in methods]
    return pd.concat([wide, numbers], axis=1).reset_index(), [*key, *wide.columns]


def for_decisions(chooser: Panel | None, judged: Panel, *, prevalence: float | None = None) -> dict[str, np.ndarray]:
    """Risks for decision curves: with the intercept updated, or as they are where there is nothing to fit it on.

    Parameters
    ----------
    chooser : Panel or None
        Where the intercept is updated.
    judged : Panel
    prevalence : float or None
        Of the population, where cases were sampled by outcome: the update makes risks right for the share of events
        among the cases that choose, and the log odds are then moved by the difference of both log odds (King and Zeng
        2001, doi:10.1093/oxfordjournals.pan.a004868).

    Returns
    -------
    dict of model to array of shape (n,)
        In [0, 1].
    """
    if chooser is None:
        return dict(judged.risks)
    risks = {name: mapped(chooser, judged, name, FOR_DECISIONS) for name in judged.risks}
    if prevalence is None:
        return risks
    shift = logit(prevalence) - logit(chooser.events / chooser.n)
    return {name: expit(logit(risk) + shift) for name, risk in risks.items()}


def words(chooser: Panel | None, *, prevalence: float | None = None) -> str:
    """Say whether risks were recalibrated for decisions, and on what."""
    if chooser is None and prevalence is not None:
        return (
            f"The risks stand as they were given, and must be those of a population with a prevalence of "
            f"{prevalence:.3g}: the table has no cases that may be used to recalibrate them."
        )
    if chooser is None:
        return (
            "The risks stand as they were given: the table has no cases that may be used to recalibrate them, so a "
            "decision curve also shows what miscalibration costs."
        )
    return (
        f"The intercept of each model was updated on {chooser.n:,} cases with {chooser.events:,} events "
        f"({chooser.title[0].lower()}{chooser.title[1:]}), none of them judged by its own map"
        + (
            f", and moved from their share of events to the given prevalence of {prevalence:.3g}."
            if prevalence
            else "."
        )
    )


def mapped(chooser: Panel, judged: Panel, model: str, method: str) -> np.ndarray:
    """Risks of one model on the judged cases after one recalibration map.

    Where both panels are the same out-of-fold cases, the map of a patient is fitted on the other patients: one by one
    up to 500 patients, above that in 50 groups.

    Returns
    -------
    array of shape (n,)
        In [0, 1].
    """
    if chooser.split != judged.split:
        fitted = recalibrate(chooser.label, chooser.risks[model], method=method, split=chooser.split)
        return fitted.apply(judged.risks[model])
    codes, patients = patient_codes(judged.patient_id, judged.n)
    groups = codes if patients <= ALONE else codes % GROUPS
    out = np.empty(judged.n)
    for group in range(groups.max() + 1):
        own = groups == group
        fitted = recalibrate(judged.label[~own], judged.risks[model][~own], method=method, split=chooser.split)
        out[own] = fitted.apply(judged.risks[model][own])
    return out

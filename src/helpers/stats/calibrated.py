"""Calibration of several models and splits, and the maps that mend it, fitted where choices are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from helpers.stats.brier import brier_change
from helpers.stats.calibration import Calibration, calibration
from helpers.stats.models import MANY, TITLES, Panel, printed
from helpers.stats.recalibration import METHODS, NoFiniteFit, Recalibration, recalibrate
from helpers.stats.resampling import patient_codes

Curves = Mapping[str, Mapping[str, Calibration]]  # by title of the split, then by model
MEASURES = ("in_the_large", "slope", "joint_intercept", "observed_expected")
DISTANCES = ("ici", "e50", "e90", "emax", "brier", "scaled_brier")
LADDER = (
    "Each map is fitted on the cases that choose thresholds and applied, unchanged, to the judged cases "
    "(Steyerberg 2004, doi:10.1002/sim.1844; temperature: Guo 2017, doi:10.48550/arXiv.1706.04599; isotonic: Zadrozny "
    "and Elkan 2002, doi:10.1145/775047.775151). The change of the Brier score is paired, on the same cases, with a "
    "Wald interval that takes the map as given."
)
DEALT = (
    "Under cross-validation patients are dealt into up to ten groups with nearly the same share of events, and the map "
    "of a group is fitted on the others: a map fitted on all but one patient would lower the risk of just those who "
    "have the event (Parker 2007, doi:10.1186/1471-2105-8-326)."
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
CHANGE = "brier_change"
GROUPS = 10  # of patients, for the maps of out-of-fold risks


def each(part: Panel, *, smoother: str = "auto") -> dict[str, Calibration]:
    """Calibration of every model of a split; `smoother` as in `calibration`."""
    options = {"patient_id": part.patient_id, "smoother": smoother}
    return {name: calibration(part.label, risk, **options) for name, risk in part.risks.items()}


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
    """One row a split and model: `split, model, n, events`, each measure with its limits, and why there is no slope."""
    rows = []
    for split, made in curves.items():
        for name, curve in made.items():
            row = {"split": split, "model": name, "n": curve.n, "events": curve.events}
            for measure in measures:
                one = getattr(curve, measure)
                row |= {measure: one.value, f"{measure}_low": one.low, f"{measure}_high": one.high}
            rows.append(row | {"no_slope": curve.slope.note})
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


def absent(curves: Curves) -> str:
    """Why there is no slope and no curve where there is none, for the foot of a table; empty where all have one."""
    return " ".join(
        f"{name} ({split}): slope{' and curve' if curve.curve is None else ''} {curve.slope.note}."
        for split, made in curves.items()
        for name, curve in made.items()
        if curve.slope.note
    )


def methods(curves: Curves) -> str:
    """How calibration was assessed, in a sentence for each split, and what is not estimable."""
    return f"{_methods(curves)} {absent(curves)}".strip()


def _methods(curves: Curves) -> str:
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
        `split, model, n, events`, then in the large, slope, O:E, Brier score and its change from the risks as they are
        with their limits, `method` and `note`: what a reader must know of the map, or why it has no finite fit, where
        all measures are NaN. None without a chooser.
    """
    if chooser is None:
        return None
    rows = []
    for part in parts:
        for name, risk in part.risks.items():
            for method in methods:
                try:
                    maps = fits(chooser, part, name, method)
                except NoFiniteFit as error:
                    row = {"split": part.title, "model": name, "n": part.n, "events": part.events, "method": method}
                    rows.append(pd.DataFrame([row | {"note": str(error).removeprefix("risk: ")}]))
                    continue
                mapped = applied(maps, risk)
                made = calibration(part.label, mapped, patient_id=part.patient_id, smoother="none")
                change = brier_change(part.label, risk, mapped, patient_id=part.patient_id)
                limits = {CHANGE: change.value, f"{CHANGE}_low": change.low, f"{CHANGE}_high": change.high}
                limits = limits if method != "none" else {}
                notes = dict.fromkeys(fitted.record["note"] for _, fitted in maps)
                notes |= {f"slope {made.slope.note}": None} if made.slope.note else {}
                told = summary({part.title: {name: made}}, measures=RUNGS).drop(columns="no_slope")
                rows.append(told.assign(**limits, method=method, note="; ".join(note for note in notes if note)))
    limits = [f"{name}{end}" for name in (*RUNGS, CHANGE) for end in ("", "_low", "_high")]
    names = ["split", "model", "n", "events", *limits, "method", "note"]
    return pd.concat(rows, ignore_index=True).reindex(columns=names)


def ladder_methods(table: pd.DataFrame | None) -> str:
    """How the ladder was made, and what its maps have to be said of; empty of None."""
    if table is None:
        return ""
    said = [LADDER, *([DEALT] if (table["split"] == TITLES["oof"]).any() else [])]
    for note, rows in table[table["note"] != ""].groupby("note", sort=False):
        models, methods = (list(dict.fromkeys(rows[column])) for column in ("model", "method"))
        who = "All models" if len(models) == table["model"].nunique() else ", ".join(models)
        said.append(f"{who} ({', '.join(methods)}): {note}.")
    return " ".join(said)


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
    change = {CHANGE: "Change of the Brier score"}
    if table is None:
        return None, []
    text = printed(printed(table, heads, digits=2), change, digits=3)
    if table["model"].drop_duplicates().size <= MANY:
        return text, ["split", "model", "method", *heads.values(), *change.values()]
    key = ["split", "model"]
    methods = [method for method in METHODS if method in set(table["method"])]
    order = list(dict.fromkeys(table[key].itertuples(index=False, name=None)))
    wide = text.pivot(index=key, columns="method", values="Brier score").loc[order, methods]
    numbers = table.pivot(index=key, columns="method", values=[*heads, *change]).loc[order]
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


def mapped(chooser: Panel, judged: Panel, model: str, method: str) -> np.ndarray:
    """Risks of one model on the judged cases after one recalibration map, shape (n,), in [0, 1]; see `fits`."""
    return applied(fits(chooser, judged, model, method), judged.risks[model])


def fits(chooser: Panel, judged: Panel, model: str, method: str) -> list[tuple[np.ndarray, Recalibration]]:
    """The maps of one rung, each with the judged cases that it is for.

    Where both panels are the same out-of-fold cases, patients are dealt into ten groups with nearly the same share of
    events, and the map of a group is fitted on the others. Left out one by one, every patient with the event would get
    a lower intercept than one without, which alone ranks them the wrong way; Parker (2007),
    doi:10.1186/1471-2105-8-326.

    Returns
    -------
    list of tuple
        Rows, bool of shape (n,), and their map; every case is in one of them.

    Raises
    ------
    NoFiniteFit
    """
    if chooser.split != judged.split:
        fitted = recalibrate(chooser.label, chooser.risks[model], method=method, split=chooser.split)
        return [(np.ones(judged.n, dtype=bool), fitted)]
    label, risk, maps = judged.label, judged.risks[model], []
    groups = _groups(judged)
    for group in range(groups.max() + 1):
        own = groups == group
        maps.append((own, recalibrate(label[~own], risk[~own], method=method, split=chooser.split)))
    return maps


def applied(maps: Sequence[tuple[np.ndarray, Recalibration]], risk: np.ndarray) -> np.ndarray:
    """Risks of shape (n,) after the maps of `fits`."""
    out = np.empty(len(risk))
    for rows, fitted in maps:
        out[rows] = fitted.apply(risk[rows])
    return out


def _groups(part: Panel) -> np.ndarray:
    """A group for every case, by patient: patients in order of their share of events, dealt out like cards."""
    codes, patients = patient_codes(part.patient_id, part.n)
    cases, events = np.bincount(codes), np.bincount(codes, weights=part.label)
    # each group must hold a patient with an event and one without, or its map leaves the share of events uneven
    count = max(2, min(GROUPS, np.count_nonzero(events), np.count_nonzero(events < cases)))
    dealt = np.empty(patients, dtype=int)
    dealt[np.argsort(events / cases, kind="stable")] = np.arange(patients) % count
    return dealt[codes]

"""Calibration, decision curves, Firth's regression and sample sizes against rms, dcurves, logistf and pmsampsize."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.stats import smooth
from helpers.stats.calibration import calibration
from helpers.stats.decision import decision_curve
from helpers.stats.firth import firth
from helpers.stats.proof.comparison import Folder, Recorder
from helpers.stats.recalibration import recalibrate
from helpers.stats.sample_size import development_size, validation_size

ITERATED = {"tolerance": 1e-7, "kind": "iterative"}  # R stops its fit one step earlier
INDICES = (("ici", "ICI"), ("e50", "E50"), ("e90", "E90"), ("emax", "Emax"))
CURVE = {
    "tp_rate": "tp_rate",
    "fp_rate": "fp_rate",
    "net_benefit": "net_benefit",
    "standardized": "standardized",
    "interventions_avoided": "net_intervention_avoided_per_patient",
}
DEVELOPMENT = {
    "csrsquared": "r_squared",
    "nagrsquared": "nagelkerke",
    "cstatistic": "c_statistic",
    "shrinkage": "shrinkage",
}
WIDTHS = {"oeciwidth": "oe_width", "csciwidth": "slope_width", "cstatciwidth": "c_width"}


def calibrated(folder: Folder) -> list[dict[str, Any]]:
    """Calibration in the large, slope, O:E, Brier, flexible curves, recalibration."""
    want, data = folder.expected(), folder.data
    made, label, risk = Recorder(folder, want), data[want["outcome"]], data[want["probability"]]
    found = calibration(label, risk, smoother="loess")
    large, slope, ratio, brier = (
        want[key] for key in ("calibration_in_the_large", "calibration_slope", "observed_expected", "brier")
    )
    for named, ours, theirs in (
        ("in the large", found.in_the_large, [large["estimate"], large["se"], *large["ci95_wald"]]),
        ("slope", found.slope, [slope["estimate"], slope["se"], *slope["ci95_wald"]]),
    ):
        numbers = (ours.value, ours.se, ours.low, ours.high)
        # of logits, near 0 for risks that are right on the whole: the difference is taken as it is
        made.add("calibration", f"{named}: estimate, SE, limits", numbers, theirs, scale=1.0, **ITERATED)
    ours, theirs = found.joint_intercept, (slope["joint_intercept"], slope["joint_intercept_se"])
    made.add("calibration", "joint intercept and SE", (ours.value, ours.se), theirs, package="rms", **ITERATED)
    formula, ours = {"package": "closed formula"}, found.observed_expected
    theirs = [ratio["O_E"], *ratio["ci95_log"]]
    made.add("calibration", "O:E and limits", (ours.value, ours.low, ours.high), theirs, **formula)
    ours = (found.brier.value, found.brier.se, found.scaled_brier.value, found.spiegelhalter_z, found.spiegelhalter_p)
    theirs = [brier[key] for key in ("brier", "se", "scaled", "spiegelhalter_z", "spiegelhalter_p")]
    made.add("calibration", "Brier, SE, scaled Brier, Spiegelhalter z, P", ours, theirs, **formula)
    known = want["curves"]["loess_span075_degree2_interpolate"]
    made.add("calibration", "loess: ICI, E50, E90, Emax", *_indices(found, known))
    curve = smooth.loess_at(label.to_numpy(float), risk.to_numpy(), np.array(want["curves"]["grid"]))
    made.add("smooth.loess_at", "curve", curve, known["curve"])
    spline, known = calibration(label, risk, smoother="spline"), want["curves"]["rcs_logit_5_knots"]
    made.add("calibration", "spline: ICI, E50, E90, Emax", *_indices(spline, known), package="Hmisc", **ITERATED)
    return made.rows + _recalibrated(folder, want, label, risk)


def _indices(found, known: dict) -> tuple[list[float], list[float]]:
    return [getattr(found, mine).value for mine, _ in INDICES], [known[theirs] for _, theirs in INDICES]


def _recalibrated(folder: Folder, want: dict, label, risk) -> list[dict[str, Any]]:
    made, known = Recorder(folder, want), want["recalibration"]
    rows = np.array(known["rows"]) - 1
    for method, key, score in (
        ("intercept", "intercept_update", "brier_intercept"),
        ("slope", "logistic_recalibration", "brier_logistic"),
    ):
        new = recalibrate(label, risk, method=method, split="tune").apply(risk)
        ours, theirs = [*new[rows], np.mean((new - label) ** 2)], [*known[key], known[score]]
        made.add("recalibrate", f"{method}: risks and Brier", ours, theirs, **ITERATED)
    return made.rows


def decided(folder: Folder) -> list[dict[str, Any]]:
    """Net benefit with its parts, errors, differences, given prevalence, harm and bootstrap."""
    made = []
    for name in ("expected", "expected_prevalence", "expected_harm"):
        if (folder.path / f"{name}.json").is_file():
            made += _curves(folder, folder.expected(name))
    want = folder.expected()
    return made + _inference(folder, want)


def _curves(folder: Folder, want: dict) -> list[dict[str, Any]]:
    made, data, more = Recorder(folder, want), folder.data, {}
    columns = CURVE
    if "prevalence" in want:
        more = {"prevalence": want["prevalence"]}
    if "harm" in want:
        more, columns = {"harm": want["harm"]}, {"net_benefit": "net_benefit"}
    risks = {model: data[model] for model in want["models"]}
    frame = decision_curve(data[want["outcome"]], risks, thresholds=want["thresholds"], **more).frame()
    for strategy, known in want["net_benefit"].items():
        rows = frame[frame["strategy"] == strategy]
        for mine, theirs in columns.items():
            given = np.array([value is not None for value in known[theirs]])
            values = [value for value in known[theirs] if value is not None]
            named = f"{mine} of {strategy}" + "".join(f", {key} given" for key in more)
            made.add("decision_curve", named, rows[mine][given], values, package="dcurves")
    return made.rows


def _inference(folder: Folder, want: dict) -> list[dict[str, Any]]:
    made, data, known = Recorder(folder, want), folder.data, want["inference"]
    label, risks = data[want["outcome"]], {model: data[model] for model in want["models"]}
    formula = {"package": "closed formula"}
    curve = decision_curve(label, risks, thresholds=known["thresholds"])
    frame = curve.frame()
    for strategy, se in known["se"].items():
        made.add("decision_curve", f"SE of {strategy}", frame.loc[frame["strategy"] == strategy, "se"], se, **formula)
    for model, se in known["se_difference_from_all"].items():
        made.add("decision_curve", f"SE of {model} - all", curve.difference(model, "all")["se"], se, **formula)
    pair = known["difference_first_minus_second"]
    found = curve.difference(*pair["models"])
    made.add("decision_curve", "difference of two models", found["difference"], pair["diff"], **formula)
    made.add("decision_curve", "SE of a difference", found["se"], pair["se"], **formula)
    boot = known["bootstrap"]
    thresholds = [row["threshold"] for row in boot["at"]]
    drawn = decision_curve(label, data[boot["model"]], thresholds=thresholds, resamples=20_000, seed=4).frame()
    ours = drawn.query("strategy == 'model'")[["low", "high"]].to_numpy()
    theirs = [row["percentile95"] for row in boot["at"]]
    made.add("decision_curve", "bootstrap limits", ours, theirs, tolerance=0.005, kind="simulated", scale=1.0)
    return made.rows


def penalised(folder: Folder) -> list[dict[str, Any]]:
    """Firth's regression under separation, against `logistf`."""
    want, data = folder.expected(), folder.data
    made, terms = Recorder(folder, want), want["terms"][1:]
    found = firth(data, "y", columns=terms)
    table = found.frame()
    logistf = {"package": "logistf", "tolerance": 1e-6, "kind": "iterative"}
    names = {
        "coefficient": "coef",
        "se": "se",
        "p_value": "p_penalised_likelihood_ratio",
        "odds_ratio": "odds_ratio",
    }
    for mine, theirs in names.items():
        # the coefficient of size is 0.0006, printed to 1e-10 by an iteration that stops at 1e-8
        scale = 1.0 if mine == "coefficient" else None
        made.add("firth", mine, table[mine], want[theirs], scale=scale, **logistf)
    made.add(
        "firth",
        "profile limits",
        table[["low", "high"]],
        want["ci95_profile_penalised"],
        **logistf | {"tolerance": 1e-5},
    )
    made.add("firth", "penalised log likelihood", found.log_likelihood, want["penalised_loglik"]["full"], **logistf)
    return made.rows


def development(folder: Folder) -> list[dict[str, Any]]:
    """Sample size to develop a model for a binary outcome, against `pmsampsize`."""
    want = folder.expected()
    made = Recorder(folder, want)
    for case in want["binary"]:
        given = case["arguments"]
        options = {DEVELOPMENT[key]: value for key, value in given.items() if key in DEVELOPMENT}
        found = development_size(parameters=given["parameters"], prevalence=given["prevalence"], **options)
        # R turns a C statistic into R2 by a simulation
        kind = {"tolerance": 0.015, "kind": "simulated"} if "cstatistic" in given else {}
        named = ", ".join(f"{key} {value}" for key, value in given.items() if key != "type")
        theirs = case["table"]["Samp_size"][:3]
        made.add(
            "development_size", f"criteria 1 to 3, {named}", found.frame()["n"], theirs, package="pmsampsize", **kind
        )
    return made.rows


def validation(folder: Folder) -> list[dict[str, Any]]:
    """Sample size to validate a model, against `pmvalsampsize`."""
    want = folder.expected()
    made = Recorder(folder, want)
    for case in want["cases"]:
        given = case["arguments"]
        options = {WIDTHS[key]: value for key, value in given.items() if key in WIDTHS}
        found = validation_size(
            prevalence=given["prevalence"],
            c_statistic=given["cstatistic"],
            linear_predictor=tuple(given["lpnormal"]),
            **options,
        )
        mine, theirs = found.frame()["n"].tolist(), [row[0] for row in case["result"]["results_table"]["values"]]
        for index, criterion in enumerate(("O:E", "slope", "C statistic")):
            # R simulates the slope's criterion
            kind = {"tolerance": 0.02, "kind": "simulated"} if criterion == "slope" else {}
            named = f"n for {criterion} at prevalence {given['prevalence']}"
            made.add("validation_size", named, mine[index], theirs[index], package="pmvalsampsize", **kind)
    return made.rows

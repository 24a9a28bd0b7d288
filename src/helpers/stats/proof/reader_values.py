"""Reader studies and agreement against MRMCaov, RJafroc, iMRMC, vcd, irr and psych."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.stats.agreement import agreement
from helpers.stats.proof.comparison import Folder, Recorder
from helpers.stats.readers import obuchowski_rockette, u_statistics
from helpers.stats.student import t_p_value, t_quantile

NAMES = {"treatment": "modality", "case": "case_id", "truth": "label", "score": "rating"}
ANALYSES = {
    "auc_jackknife_random_readers_random_cases": {},
    "auc_delong_random_readers_random_cases": {"covariance": "delong"},
    "auc_unbiased_random_readers_random_cases": {"covariance": "unbiased"},
    "auc_jackknife_fixed_readers": {"readers": "fixed"},
    "auc_jackknife_fixed_cases": {"cases": "fixed"},
    "sensitivity_jackknife_random_random": {"metric": "sensitivity"},
    "specificity_jackknife_random_random": {"metric": "specificity"},
}
KAPPAS = {"cohen": "unweighted", "linear": "linear_weights", "quadratic": "quadratic_weights"}


def crossed(folder: Folder) -> list[dict[str, Any]]:
    """A fully crossed reader study: Obuchowski and Rockette in seven variants, U-statistics."""
    want, readings = folder.expected(), _readings(folder)
    made = Recorder(folder, want)
    for analysis, options in ANALYSES.items():
        if "metric" in options:
            options = options | {"threshold": want["binary_cut"]}
        _analysis(made, analysis.replace("_", " "), obuchowski_rockette(readings, **options), want[analysis])
    for options, block in (({}, "RRRC"), ({"readers": "fixed"}, "FRRC"), ({"cases": "fixed"}, "RRFC")):
        known = want["RJafroc_OR"][block]["ciDiffTrt"]
        found = obuchowski_rockette(readings, **options).differences.iloc[0]
        theirs = [known[name][0] for name in ("Estimate", "CILower", "CIUpper")]
        ours = found[["difference", "low", "high"]]
        made.add("obuchowski_rockette", f"{block}: difference, limits", ours, theirs, package="RJafroc")
    _triples(made, "AUC", u_statistics(readings), want["iMRMC_Ustat"])
    return made.rows


def _analysis(made: Recorder, named: str, found, known: dict) -> None:
    equality, gap, means = known["test_equality"], known["test_diffs"], known["test_means"]
    if "X2" in equality:
        ours, theirs = (found.f * found.df_numerator, found.p_value), (equality["X2"], equality["p-value"])
    else:
        ours = (found.f, found.df_denominator, found.p_value)
        theirs = (equality["F"], equality["df2"], equality["p-value"])
    aov, function = {"package": "MRMCaov"}, "obuchowski_rockette"
    made.add(function, f"{named}: test", ours, [value[0] for value in theirs], **aov)
    ours = found.differences[["difference", "se", "p_value"]].iloc[0]
    theirs = [gap["Estimate"][0], gap["StdErr"][0], gap["p-value"][0]]
    made.add(function, f"{named}: difference, SE, P", ours, theirs, **aov)
    made.add(function, f"{named}: limits", found.differences[["low", "high"]], gap["CI"], **aov)
    made.add(function, f"{named}: means", found.estimates["value"], means["Estimate"], **aov)
    made.add(function, f"{named}: SE of means", found.estimates["se"], means["StdErr"], **aov)
    made.add(function, f"{named}: limits of means", found.estimates[["low", "high"]], means["CI"], **aov)
    if "vcov_comps" in known:
        ours, theirs = found.components["value"][:6], known["vcov_comps"]["Estimate"]
        made.add(function, f"{named}: variance components", ours, theirs, **aov)
    if "reader_means" in known:
        made.add(function, f"{named}: SE of readers", found.readers["se"], known["reader_means"]["StdErr"], **aov)


def _triples(made: Recorder, named: str, found, known: dict) -> None:
    """U-statistics; iMRMC cuts the degrees of freedom to a whole number before it looks up t, and we do not."""
    gap = found.differences.iloc[0]
    ours = [*found.estimates["value"], gap["difference"], *found.estimates["variance"], gap["variance"]]
    theirs = [*known["AUCA"][:2], known["AUCAminusAUCB"][2], *known["varAUCA"][:2], known["varAUCAminusAUCB"][2]]
    imrmc, function = {"package": "iMRMC"}, "u_statistics"
    made.add(function, f"{named}: values, difference, variances", ours, theirs, **imrmc)
    made.add(function, f"{named}: degrees of freedom", [*found.estimates["df"], gap["df"]], known["dfBDG"], **imrmc)
    lower = [*found.estimates["low_normal"], gap["low_normal"]]
    made.add(function, f"{named}: lower normal limits", lower, known["botCInormal"], **imrmc)
    whole = int(gap["df"])
    ours = (t_p_value(gap["t"], whole), gap["difference"] - t_quantile(0.95, whole) * gap["se"])
    theirs = (known["pValueBDG"][2], known["botCIBDG"][2])
    made.add(function, f"{named}: P and lower limit at whole degrees of freedom", ours, theirs, **imrmc)


def split_plot(folder: Folder) -> list[dict[str, Any]]:
    """A reader study with missing cells, against `iMRMC`."""
    want, readings = folder.expected(), _readings(folder)
    made = Recorder(folder, want)
    calls = readings.drop(columns="rating").rename(columns={"recall": "rating"})
    for named, found, key in (
        ("AUC of score", u_statistics(readings.drop(columns="recall")), "auc_of_score"),
        ("AUC of recall", u_statistics(calls), "auc_of_recall"),
        ("sensitivity", u_statistics(calls, metric="sensitivity"), "sensitivity_of_recall"),
        # named after the false-positive fraction, the field holds its complement
        ("specificity", u_statistics(calls, metric="specificity"), "false_positive_fraction_of_recall"),
    ):
        _triples(made, named, found, want[key]["Ustat"])
    return made.rows


def agreements(folder: Folder) -> list[dict[str, Any]]:
    """Kappas and intraclass correlations."""
    want, ratings = folder.expected(), folder.data
    made, vcd = Recorder(folder, want), {"package": "vcd"}
    made.versions = made.versions | {"irr": want["fleiss"]["source"].split()[1]}  # named beside its values only
    for kind, name in KAPPAS.items():
        pairs, known = agreement(ratings, kind=kind).pairs, [pair[name] for pair in want["pairs"]]
        theirs = [[pair["kappa"], pair["ase"], *pair["ci95"]] for pair in known]
        made.add(
            "agreement", f"{kind}: kappa, SE, limits of pairs", pairs[["value", "se", "low", "high"]], theirs, **vcd
        )
    fleiss, known = agreement(ratings, kind="fleiss"), want["fleiss"]
    irr = {"package": "irr"}
    made.add("agreement", "Fleiss kappa and z", (fleiss.value, fleiss.z), (known["kappa"], known["z"]), **irr)
    # irr rounds these to three decimals
    ours, theirs = fleiss.details["value"], known["per_category"]["kappa"]
    made.add(
        "agreement", "Fleiss kappa of categories", ours, theirs, tolerance=5.01e-4, scale=1.0, kind="iterative", **irr
    )
    conger = agreement(ratings, kind="conger").value
    made.add("agreement", "Conger kappa", conger, known["conger_exact_kappa"], **irr)
    found, known = agreement(ratings, kind="icc").details, pd.DataFrame(want["icc"])
    columns = {"value": "icc", "f": "F", "df_numerator": "df1", "df_denominator": "df2", "p_value": "p"}
    for mine, theirs in columns.items():
        made.add("agreement", f"ICC: {mine}", found[mine], known[theirs], package="psych")
    made.add("agreement", "ICC: limits", found[["low", "high"]], np.array(known["ci95"].tolist()), package="psych")
    return made.rows


def _readings(folder: Folder) -> pd.DataFrame:
    text = {"case": str, "treatment": str, "modality": str, "reader": str}
    return pd.read_csv(folder.path / "data.csv", dtype=text).rename(columns=NAMES)

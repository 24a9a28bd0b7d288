"""Two-by-two tables and paired tests against epiR, binom, vcd, ratesci and DTComPair."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.stats import discrimination as d
from helpers.stats.intervals import proportion
from helpers.stats.paired import mcnemar_p
from helpers.stats.proof.comparison import Folder, Recorder
from helpers.stats.ratios import koopman

PROPORTIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence")
INTERVALS = {
    "wilson": "wilson",
    "exact": "clopper_pearson",
    "agresti_coull": "agresti_coull",
    "wald": "wald",
    "jeffreys": "jeffreys_equal_tailed",
}
SCORE = {"package": "ratesci", "tolerance": 1e-6, "kind": "iterative"}


def two_by_two(folder: Folder) -> list[dict[str, Any]]:
    """Every measure of a two-by-two table, zero cells among them."""
    want = folder.expected()
    made = Recorder(folder, want)
    for table in want["tables"]:
        cells = [table[cell] for cell in ("tp", "fp", "fn", "tn")]
        label, risk = np.repeat([1, 0, 1, 0], cells), np.repeat([1.0, 1.0, 0.0, 0.0], cells)
        found, named = d.operating_point(label, risk, 0.5), "-".join(str(cell) for cell in cells)
        for measure in PROPORTIONS:
            known = table[measure]
            made.add("operating_point", f"{measure} of {named}", found.estimates[measure].value, known["estimate"])
            for method, name in INTERVALS.items():
                limits = proportion(known["x"], known["n"], method=method)
                theirs = np.clip(known[name], 0, 1)
                package = "R" if method == "jeffreys" else "binom"
                quantity = f"{method} limits of {known['x']} of {known['n']}"
                made.add("proportion", quantity, (limits.low, limits.high), theirs, package=package)
        _composed(made, found, table, named)
        _ratios(made, found, table, named)
        for known in table["predictive_values_at_prevalence"]:
            point = d.operating_point(label, risk, 0.5, prevalence=known["prevalence"])
            ours = (point.ppv_at_prevalence.value, point.npv_at_prevalence.value)
            quantity = f"PPV and NPV of {named} at {known['prevalence']}"
            theirs = (known["ppv"], known["npv"])
            made.add("operating_point", quantity, ours, theirs, package="closed formula")
        known = table["mcnemar_reader_vs_truth"]
        ours = [*mcnemar_p(known["b"], known["c"], test="mcnemar"), mcnemar_p(known["b"], known["c"], test="exact")[1]]
        if known["b"] + known["c"]:
            theirs = (known["chisq_no_correction"], known["p_no_correction"], known["p_exact"])
            made.add("mcnemar_p", f"chi-square, P, exact P of {known['b']} and {known['c']}", ours, theirs)
    return made.rows


def _composed(made: Recorder, found, table: dict, named: str) -> None:
    """Youden, balanced accuracy, F1, kappa and MCC."""
    formula, youden, f1 = {"package": "closed formula"}, table["youden"], table["f1"]
    made.add(
        "operating_point", f"balanced accuracy of {named}", found.balanced_accuracy.value, table["balanced_accuracy"]
    )
    ours, theirs = (found.youden.value, found.youden.se), (youden["estimate"], youden["se_delta"])
    made.add("operating_point", f"Youden index and SE of {named}", ours, theirs, **formula)
    if min(found.counts.values()) > 0:
        ours = (found.youden.low, found.youden.high)
        made.add("operating_point", f"limits of Youden index of {named}", ours, youden["ci95_delta"], **formula)
    ours = (found.f1.value, found.f1.se, found.f1.low, found.f1.high)
    theirs = [f1["estimate"], f1["se_delta"], *f1["ci95_wilson_of_jaccard"]]
    made.add("operating_point", f"F1, SE, limits of {named}", ours, theirs, **formula)
    made.add("operating_point", f"MCC of {named}", found.mcc.value, table["mcc"])
    known = table["kappa"]
    ours = (found.kappa.value, found.kappa.se, found.kappa.low, found.kappa.high)
    theirs = [known["estimate"], known["ase"], *known["ci95"]]
    made.add("operating_point", f"kappa, SE, limits of {named}", ours, theirs, package="vcd")


def _ratios(made: Recorder, found, table: dict, named: str) -> None:
    """Likelihood ratios and odds ratio; epiR's undefined ratios are infinite here, so they are left out."""
    positives, negatives = table["tp"] + table["fn"], table["fp"] + table["tn"]
    sides = {"lr_pos": ("lr_positive", table["tp"], table["fp"]), "lr_neg": ("lr_negative", table["fn"], table["tn"])}
    for name, (measure, x1, x0) in sides.items():
        known, ours = table[name], found.estimates[measure]
        low, high = known["ci95_koopman_score"]
        score = koopman(x1, positives, x0, negatives)
        theirs = (low, np.inf if high is None else high)
        made.add("koopman", f"{measure} of {named}", (score.low, score.high), theirs, **SCORE)
        _ratio(made, measure, named, ours, known)
    _ratio(made, "dor", named, found.dor, table["diag_or"])


def _ratio(made: Recorder, measure: str, named: str, ours, known: dict) -> None:
    if known["estimate"] is not None:
        made.add("operating_point", f"{measure} of {named}", ours.value, known["estimate"], package="epiR")
    if None not in known["ci95"] and ours.method.startswith("log"):
        limits = (ours.low, ours.high)
        made.add("operating_point", f"limits of {measure} of {named}", limits, known["ci95"], package="epiR")


def paired(folder: Folder) -> list[dict[str, Any]]:
    """Two tests on the same patients: sensitivity, specificity, predictive values, likelihood ratios."""
    want, data = folder.expected(), folder.data
    made, pair = Recorder(folder, want), {"package": "DTComPair", "tolerance": 1e-8}

    def compare(first: str, second: str, **options):
        return d.compare_decisions(data["disease"], data[first], data[second], **options).frame().set_index("measure")

    # the reference counts differences as test2 - test1
    mcnemar, exact = (compare("test2", "test1", test=test) for test in ("mcnemar", "exact"))
    shared = ["value_a", "value_b", "difference", "statistic", "p_value"]
    named = ["test2", "test1", "diff", "test.statistic", "p.value"]
    for measure in ("sensitivity", "specificity"):
        row, known = mcnemar.loc[measure], want["mcnemar"][measure]
        theirs = [known[name] for name in named]
        made.add("compare_decisions", f"{measure}: values, difference, McNemar", row[shared], theirs, **pair)
        p_value = exact.loc[measure, "p_value"]
        made.add("compare_decisions", f"{measure}: exact P", p_value, want["exact"][measure]["p.value"], **pair)
        limits = want["diff_ci_tango_score"][measure]
        made.add("compare_decisions", f"{measure}: Tango limits", row[["low", "high"]], limits, **SCORE)
    scores = {
        "leisenring": "pv_generalised_score_leisenring",
        "kosinski": "pv_weighted_generalised_score_kosinski",
    }
    for test, key in scores.items():
        table = compare("test2", "test1", predictive=test)
        for measure in ("ppv", "npv"):
            theirs = [want[key][measure][name] for name in named]
            made.add(
                "compare_decisions",
                f"{measure} by {test}: values, score, P",
                table.loc[measure, shared],
                theirs,
                **pair,
            )
    table = compare("test2", "test1", predictive="moskowitz_pepe")
    for measure, name in (("ppv", "rppv"), ("npv", "rnpv")):
        known, row = want["pv_relative_moskowitz_pepe"][measure], table.loc[measure]
        ours = [*row[["ratio", "ratio_low", "ratio_high"]], np.sqrt(row["statistic"]), row["p_value"]]
        theirs = [known[key] for key in (name, f"lcl.{name}", f"ucl.{name}", "test.statistic", "p.value")]
        made.add("compare_decisions", f"relative {measure}: limits, z, P", ours, theirs, **pair)
    table = compare("test1", "test2")  # here the reference gives test1 / test2
    for measure, name in (("lr_positive", "pdlr"), ("lr_negative", "ndlr")):
        known = want["likelihood_ratio_regression_gu_pepe"][name]
        ours = table.loc[measure, ["value_a", "value_b", "ratio", "ratio_low", "ratio_high", "p_value"]]
        theirs = [known[key] for key in ("test1", "test2", "ratio", "lcl", "ucl", "p.value")]
        options = {"package": "DTComPair", "tolerance": 1e-5, "kind": "iterative"}
        made.add("compare_decisions", f"{measure}: values, ratio, limits, P", ours, theirs, **options)
    return made.rows

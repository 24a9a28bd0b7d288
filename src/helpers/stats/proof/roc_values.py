"""ROC curves against pROC, clinfun and two implementations of Obuchowski's variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.stats import discrimination as d
from helpers.stats.proof.comparison import Folder, Recorder

RESAMPLES = 4000
LIMIT = 0.008  # 0.004 is R's tolerance for 20 000 resamples on both sides; with 4 000 on ours about twice that


def curves(folder: Folder) -> list[dict[str, Any]]:
    """AUC, comparisons, partial areas, operating points and the bootstrap, against `pROC` and `clinfun`."""
    want = folder.expected()
    made, data = Recorder(folder, want), folder.data
    truth = (data[want["outcome"]] == want["positive"]).astype(int)
    proc = {"package": "pROC"}
    for marker, known in want["auc"].items():
        for level in (0.90, 0.95, 0.99):
            found = d.auc(truth, data[marker], level=level)
            limits = known[f"ci{100 * level:.0f}_delong"]
            made.add("auc", f"{100 * level:.0f} % limits of {marker}", (found.low, found.high), limits, **proc)
        made.add("auc", f"AUC and SE of {marker}", (found.value, found.se), (known["auc"], known["se_delong"]), **proc)
        boot = d.bootstrap_auc(truth, data[marker], resamples=RESAMPLES, seed=1)
        limits = want["bootstrap"][marker]["ci95"]
        options = {**proc, "tolerance": LIMIT, "kind": "simulated", "scale": 1.0}
        made.add("bootstrap_auc", f"95 % limits of {marker}", (boot.low, boot.high), limits, **options)
        _regions(made, truth, data[marker], marker, want)
        _points(made, truth, data[marker], marker, want)
    for known in want["paired_delong"]:
        found = d.compare_auc(truth, data[known["a"]], data[known["b"]])
        ours = (found.difference, found.se, found.z, found.p_value, found.low, found.high)
        theirs = [known[key] for key in ("diff", "se_diff", "z", "p_two_sided")] + known["ci95_diff"]
        made.add("compare_auc", f"difference {known['a']} - {known['b']}, SE, z, P, limits", ours, theirs, **proc)
    family = d.compare_auc_all(truth, {name: data[name] for name in want["cov_delong"]["order"]})
    known = want["delong_global"]
    ours, theirs = (family.statistic, family.df, family.p_value), (known["statistic_chisq"], known["df"], known["p"])
    made.add("compare_auc_all", "overall chi-square, df, P", ours, theirs, package="clinfun")
    if "unpaired_delong" in want:
        known = want["unpaired_delong"]
        men, women = data["gender"] == "Male", data["gender"] == "Female"
        found = d.compare_auc_unpaired(truth[men], data["s100b"][men], truth[women], data["s100b"][women])
        ours = (found.auc_a.value, found.auc_b.value, found.z, found.df, found.p_value)
        theirs = [known[key] for key in ("auc_a", "auc_b", "D", "df", "p")]
        made.add("compare_auc_unpaired", "AUCs, t, df, P", ours, theirs, **proc)
    return made.rows


def _regions(made: Recorder, truth, score, marker: str, want: dict) -> None:
    known = want["partial_auc"][marker]
    for focus, key in (("specificity", "spec_90_100"), ("sensitivity", "sens_90_100")):
        for corrected, more in ((False, ""), (True, "_corrected_mcclish")):
            found = d.partial_auc(truth, score, **{focus: (0.9, 1.0)}, corrected=corrected, resamples=0)
            named = f"{focus} 0.9 to 1 of {marker}" + (", corrected" if corrected else "")
            if known[key + more] is not None:  # below chance pROC gives no corrected area unless it is told to
                made.add("partial_auc", named, found.value, known[key + more], package="pROC")
    read = want["sens_at_spec"][marker]
    found = [d.sensitivity_at_specificity(truth, score, specificity=s, resamples=0).value for s in read["specificity"]]
    made.add("sensitivity_at_specificity", marker, found, read["sensitivity"], package="pROC")


def _points(made: Recorder, truth, score, marker: str, want: dict) -> None:
    for known in want["coords_at_threshold"][marker]:
        cells = list(d.operating_point(truth, score, known["threshold"]).counts.values())
        theirs = [known[cell] for cell in ("tp", "fp", "fn", "tn")]
        made.add("operating_point", f"counts of {marker} at {known['threshold']}", cells, theirs, package="pROC")
    known = want["youden"][marker]
    chosen = d.choose_threshold(truth, score, split="tune")
    # pROC lists every threshold with the same index; ours is the most sensitive of them
    ours = (chosen.value, chosen.sensitivity, chosen.sensitivity + chosen.specificity)
    theirs = (min(known["threshold"]), max(known["sensitivity"]), known["youden_plus1"][0])
    made.add("choose_threshold", f"Youden threshold, sensitivity, index of {marker}", ours, theirs, package="pROC")


def edges(folder: Folder) -> list[dict[str, Any]]:
    """Perfect, constant and reversed scores, one case of a class, infinite scores, against `pROC`."""
    want = folder.expected()
    made = Recorder(folder, want)
    for case in want["cases"]:
        score = case.get("x_ranks", case["x"])
        found = d.auc(case["y"], [float(value) for value in score])
        made.add("auc", f"AUC, {case['name']}", found.value, case["auc"], package="pROC")
        if "ci95_delong" in case:
            ours, theirs = (found.se**2, found.low, found.high), [case["var_delong"], *case["ci95_delong"]]
            made.add("auc", f"variance and limits, {case['name']}", ours, theirs, package="pROC")
    return made.rows


def clusters(folder: Folder) -> list[dict[str, Any]]:
    """Several nodules a patient: AUC, comparison and bootstrap of patients."""
    want, data = folder.expected(), folder.data
    made, truth, who = Recorder(folder, want), data["label"], data["patient"]
    known, fast = want["obuchowski_1997"], {"package": "fastAUC"}
    loose = {"package": "R", "kind": "simulated"}
    boot = want["cluster_bootstrap"]
    kept = {"patient_id": who, "resamples": RESAMPLES, "seed": 2, "stratified": False}
    for index, marker in enumerate(want["markers"]):
        found = d.auc(truth, data[marker], patient_id=who)
        theirs = [known["auc"][marker], known["var"][marker], *known["ci95"][marker]]
        ours = (found.value, found.se**2, found.low, found.high)
        made.add("auc (patients repeat)", f"AUC, variance, limits of {marker}", ours, theirs, **fast)
        plain = d.auc(truth, data[marker])
        made.add(
            "auc", f"variance of {marker}", plain.se**2, want["delong_ignoring_clusters"]["var"][index], package="pROC"
        )
        drawn = d.bootstrap_auc(truth, data[marker], **kept)
        function = "bootstrap_auc (patients repeat)"
        made.add(function, f"SE of {marker}", drawn.se, boot["se"][index], tolerance=0.05, **loose)
        limits = boot["percentile95"][index]
        made.add(function, f"limits of {marker}", (drawn.low, drawn.high), limits, tolerance=LIMIT, scale=1.0, **loose)
    known, found = known["paired"], d.compare_auc(truth, data["model_a"], data["model_b"], patient_id=who)
    ours = (found.difference, found.se, found.z, found.p_value, found.low, found.high)
    theirs = [known[key] for key in ("diff", "se", "z", "p")] + known["ci95"]
    made.add("compare_auc (patients repeat)", "difference, SE, z, P, limits", ours, theirs, **fast)
    return made.rows + _by_patient(folder, want)


def _by_patient(folder: Folder, want: dict) -> list[dict[str, Any]]:
    """Proportions, calibration and net benefit by patient, against `survey` and `rms`."""
    from helpers.stats.calibration import calibration
    from helpers.stats.decision import decision_curve
    from helpers.stats.intervals import clustered_proportion

    made, data = Recorder(folder, want), folder.data
    truth, score, who, survey = data["label"], data["model_a"], data["patient"], {"package": "survey"}
    point = d.operating_point(truth, score, want["threshold"]["cut"], patient_id=who)
    called = score >= want["threshold"]["cut"]
    among = {"sensitivity": (called, truth == 1), "specificity": (~called, truth == 0), "ppv": (truth == 1, called)}
    for measure, (hit, base) in among.items():
        known, found = want[measure], point.estimates[measure]
        ours, theirs = (found.value, found.se), (known["estimate"], known["se"])
        made.add("operating_point (patients repeat)", f"{measure} and SE", ours, theirs, **survey)
        names = {"ci95_wilson_effective_n": "wilson", "ci95_normal": "wald", "ci95_logit": "logit"}
        for name in names.keys() & known.keys():
            limits = clustered_proportion(hit, who, among=base, method=names[name])
            quantity = f"{names[name]} limits of {measure}"
            made.add("clustered_proportion", quantity, (limits.low, limits.high), known[name], **survey)
    known, found = want["calibration_cluster_robust"], calibration(truth, score, patient_id=who)
    function = "calibration (patients repeat)"
    rms = {"package": "rms", "tolerance": 1e-5, "kind": "iterative"}
    ours = (found.slope.value, found.joint_intercept.value)
    made.add(function, "slope and intercept", ours, (known["slope"], known["joint_intercept"]), **rms)
    factor = np.sqrt(want["n_clusters"] / (want["n_clusters"] - 1))  # robcov has no small-sample factor
    theirs = (known["se_slope_robust"] * factor, known["se_intercept_robust"] * factor)
    made.add(function, "robust SE", (found.slope.se, found.joint_intercept.se), theirs, **rms)
    rows = want["net_benefit"]
    curve = decision_curve(truth, score, thresholds=[row["threshold"] for row in rows], patient_id=who).frame()
    ours = curve.query("strategy == 'model'")[["net_benefit", "se"]].to_numpy()
    theirs = [[row["net_benefit"], row["se_cluster"]] for row in rows]
    made.add("decision_curve (patients repeat)", "net benefit and SE", ours, theirs, **survey)
    return made.rows

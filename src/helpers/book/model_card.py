"""The model card: what each model is, how well it did here, and what it is not for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.data.study import Study
from helpers.learn import candidates
from helpers.learn.choice import chosen_networks

RULES = {
    "youden": "largest Youden index",
    "sensitivity": "sensitivity of at least {value:.0%}",
    "specificity": "specificity of at least {value:.0%}",
}
HEADS = {
    "mlp": "multilayer perceptron",
    "logistic": "logistic regression",
    "svm": "support vector machine",
    "random_forest": "random forest",
}
CHOOSERS = {"tune": "the tuning patients", "oof": "out-of-fold risks", "train": "the training patients"}


def model_card(study: Study, results: str | Path) -> pd.DataFrame:
    """What a model card asks (Mitchell 2019, doi:10.1145/3287560.3287596), from settings and results.

    Parameters
    ----------
    study : Study
    results : path
        `results/<study>`.

    Returns
    -------
    DataFrame
        `section, content`: a row a model, and a row for the performance in each judged split.
    """
    results = Path(results)
    models = [(f"Model {name}", text) for name, text in _models(study, results).items()]
    record = _json(_first([results / "discrimination" / "run.json", *sorted(results.glob("*/run.json"))]))
    outcome = study.outcome
    several = outcome is not None and len(outcome.classes) > 2
    rows = [
        ("Question", study.question),
        *(models or [("Models", "made elsewhere: only their predictions are here")]),
        ("Intended use", "Research on this question. Not a medical device, not for decisions about patients."),
        ("Data", "simulated cases" if study.simulated else "real patients"),
        ("Reference standard", outcome.reference_standard if outcome else "none"),
        *([("Risk", f"of {outcome.positive} against all other classes")] if outcome and several else []),
        *_performance(results),
        ("Threshold", _threshold(study, results)),
        ("Range of decisions", f"{study.decision.low:.0%} to {study.decision.high:.0%}: {study.decision.reason}"),
        ("Code", f"commit {record.get('commit')}, lock {str(record.get('lock'))[:16]}"),
        ("Machine", f"{record.get('machine')}, {record.get('device')}, Python {record.get('python')}"),
    ]
    return pd.DataFrame(rows, columns=["section", "content"])


def _models(study: Study, results: Path) -> dict[str, str]:
    """Every model of the study in words, by name."""
    chosen, told = chosen_networks(results), {}
    for name, model in study.models.items():
        known, (_, network) = list(model.runs), chosen.get(name, ("", ""))
        seen = study.inputs[model.input].label
        told[name] = f"{_titles([network] if network else known)} on the {seen}"
        if network and len(known) > 1:
            told[name] += f", chosen on the tuning patients from {_titles(known)}"
    if study.fusion:
        head = _json(results / "fuse" / "numbers.json").get("head")
        told[study.fusion.name] = f"{HEADS.get(head, 'head')} on the features of {' and '.join(study.fusion.of)}"
    for name, network in (study.segmentation.networks if study.segmentation else {}).items():
        told[name] = f"{candidates.title(network)} on the {study.inputs[study.segmentation.input].label}"
    if study.reports:
        told["report"] = "dictionary of terms, read in the report of the examination"
        if study.reports.model and "ways" in study.chapters:
            told["report and model"] = (
                f"logistic regression on the call of the report and the risk of {study.reports.model}"
            )
    if "baseline" in study.chapters:
        told[study.clinical.name] = f"penalised logistic regression on {', '.join(c.label for c in study.predictors)}"
    return told


def _titles(networks: list[str]) -> str:
    """Names of networks; where the loss is plain, that is said after them."""
    names = [candidates.title(network).removesuffix(", plain loss") for network in networks]
    return ", ".join(names) + " (plain loss)" * all(network.endswith("-plain") for network in networks)


def _performance(results: Path) -> list[tuple[str, str]]:
    """AUC of every model with its interval, a row a judged split."""
    path = results / "discrimination" / "tables" / "tab-performance.csv"
    if not path.is_file():
        return []
    table, rows = pd.read_csv(path), []
    for split, own in table.groupby("split", sort=False):
        first = own.iloc[0]
        said = [
            f"{row.model} " + (f"{row.auc:.2f} ({row.auc_low:.2f}–{row.auc_high:.2f})" if row.auc == row.auc else "–")
            for row in own.itertuples()
        ]
        head = f"AUC (95 % CI), {split}"
        rows.append((head, f"{'; '.join(said)}; n = {first['n']:,}, {first['events']:,} events"))
    return rows


def _threshold(study: Study, results: Path) -> str:
    """How the threshold was fixed, and the value of each model."""
    if study.threshold.rule == "declared":
        return f"declared in advance: {study.threshold.value:g}"
    how = f"{RULES[study.threshold.rule].format(value=study.threshold.value)} on {CHOOSERS[study.choosing]}"
    path = results / "discrimination" / "tables" / "tab-thresholds.csv"
    if not path.is_file():
        return how
    return f"{how}: " + "; ".join(f"{row.model} {row.value:.3f}" for row in pd.read_csv(path).itertuples())


def _first(paths: list[Path]) -> Path:
    """The first of several files that is there, else the first."""
    return next((path for path in paths if path.is_file()), paths[0])


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

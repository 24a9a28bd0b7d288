"""The chapter on reporting: a checklist with its evidence, the methods text, and the model card.

A checklist item is met by something that exists in the book, never by prose alone. The labels are short ones of our
own; the wording of TRIPOD+AI is in doi:10.1136/bmj-2023-078378 (CC BY 4.0).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.data.study import Study

ITEMS = Path("data/published/tripod_ai.csv")
CHAPTERS = ("cohort", "inputs", "baseline", "fuse", "networks", "discrimination", "compare", "calibration", "decision")
CHAPTERS += ("subgroups", "readers", "explain", "segmentation", "reports", "ways")


def checklist(results: str | Path, study: Study, *, items: str | Path = ITEMS) -> pd.DataFrame:
    """TRIPOD+AI items with what shows them.

    Parameters
    ----------
    results : path
        `results/<study>`.
    study : Study
    items : path
        CSV `item, label, kind, evidence, needs`; kind `shown` (a figure or table, `page/name`), `declared` (a key of
        `study.yaml`) or `author`; `needs` names a property of the study without which the item does not apply.

    Returns
    -------
    DataFrame
        `item, label, status, evidence`; status `shown` (the file is there), `declared`, `author` (the book cannot
        know it), `not applicable`, or `missing`.
    """
    rows = []
    for item in pd.read_csv(items, dtype=str, keep_default_na=False).itertuples():
        status, evidence = item.kind, item.evidence
        if item.kind == "shown":
            page, name = item.evidence.split("/")
            folder = Path(results) / page / ("figures" if name.startswith("fig-") else "tables")
            there = (folder / f"{name}.csv").is_file()
            if not there and page not in study.chapters:
                status, evidence = "not applicable", f"this study has no chapter {page}"
            elif not there and item.needs and getattr(study, item.needs) is None:
                status, evidence = "not applicable", "no case was there to choose on"
            elif not there:
                status, evidence = "missing", f"the page {page} made no {name}"
            else:
                evidence = f"{page}/{name}"
        elif item.kind == "declared":
            evidence = str(_declared(study, item.evidence))
        elif item.kind == "author":
            evidence = "to be written by the authors"
        rows.append((item.item, item.label, status, evidence))
    return pd.DataFrame(rows, columns=["item", "label", "status", "evidence"])


def methods_text(results: str | Path, chapters: Sequence[str] = CHAPTERS) -> pd.DataFrame:
    """Sentences that figures and tables wrote about how they were made, once each.

    Returns
    -------
    DataFrame
        `chapter, sentence`.
    """
    rows, seen = [], set()
    for chapter in chapters:
        for path in sorted((Path(results) / chapter).glob("*/*.json")):
            said = json.loads(path.read_text(encoding="utf-8")).get("methods", "")
            if said and said not in seen:
                seen.add(said)
                rows.append((chapter, said))
    return pd.DataFrame(rows, columns=["chapter", "sentence"])


def model_card(study: Study, results: str | Path) -> pd.DataFrame:
    """What a model card asks (Mitchell 2019, doi:10.1145/3287560.3287596), from settings and records.

    Returns
    -------
    DataFrame
        `section, content`.
    """
    models = [f"{name}: {', '.join(model.architectures)}" for name, model in study.models.items()]
    networks = study.segmentation.networks if study.segmentation else {}
    models += [f"{name}: {network}" for name, network in networks.items()]
    models += ["report: dictionary of terms"] if study.reports else []
    models += [f"{study.clinical.name}: penalised logistic regression"] if "baseline" in study.chapters else []
    records = [Path(results) / "discrimination" / "run.json", *sorted(Path(results).glob("*/run.json"))]
    record = _record(next((path for path in records if path.is_file()), records[0]))
    threshold = f"rule {study.threshold.rule}, chosen on {study.choosing}"
    if study.threshold.rule == "declared":
        threshold = f"declared in advance: {study.threshold.value:g}"
    rows = [
        ("Question", study.question),
        ("Models", "; ".join(models) or "made elsewhere: only their predictions are here"),
        ("Intended use", "Research on this question. Not a medical device, not for decisions about patients."),
        ("Data", "simulated cases" if study.simulated else "real patients"),
        ("Reference standard", study.outcome.reference_standard if study.outcome else "none"),
        ("Threshold", threshold),
        ("Range of decisions", f"{study.decision.low:.0%} to {study.decision.high:.0%}: {study.decision.reason}"),
        ("Code", f"commit {record.get('commit')}, lock {str(record.get('lock'))[:16]}"),
        ("Machine", f"{record.get('machine')}, {record.get('device')}, Python {record.get('python')}"),
    ]
    return pd.DataFrame(rows, columns=["section", "content"])


def limitations(study: Study, items: pd.DataFrame) -> str:
    """What the book knows to be weak about the study, as one text."""
    said = []
    if study.simulated:
        said.append("The data are simulated: nothing here is evidence about patients.")
    if study.judged == "oof":
        said.append("There is no test set: performance comes from cross-validation within one cohort.")
    if study.choosing is None:
        said.append("No case was there to choose on: the threshold is declared, and no risk is recalibrated.")
    lost = items[items["status"] == "missing"]
    if len(lost):
        said.append(f"Items without their evidence: {', '.join(lost['item'])}.")
    return " ".join(said)


def _declared(study: Study, key: str) -> Any:
    value: Any = study
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _record(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

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

from helpers.data.study import CHAPTERS, Study

ITEMS = Path("data/published/tripod_ai.csv")
RUNS = ("train", "ynet")  # chapters whose pages lie in `train/<run>`


def checklist(results: str | Path, study: Study, *, items: str | Path = ITEMS) -> pd.DataFrame:
    """TRIPOD+AI items with what shows them.

    Parameters
    ----------
    results : path
        `results/<study>`.
    study : Study
    items : path
        CSV `item, label, kind, evidence, needs`; kind `shown` (a figure or table, `page/name`, or several with `|`
        between them, of which the first that is there is named; `train/*` stands for the training runs), `declared` (a
        key of `study.yaml`) or `author`; `needs` names a property of the study without which the item does not apply.

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
            asked = [tuple(one.rsplit("/", 1)) for one in item.evidence.split("|")]
            had = [(page, name) for page, name in asked if _has(study, page)]
            there = next((found for page, name in had if (found := _find(Path(results), page, name))), None)
            if there:
                evidence = there
            elif not had:
                pages = " or ".join(dict.fromkeys(page.split("/")[0] for page, _ in asked))
                status, evidence = "not applicable", f"this study has no chapter {pages}"
            elif item.needs and getattr(study, item.needs) is None:
                status, evidence = "not applicable", "no case was there to choose on"
            else:
                status, evidence = "missing", f"the page {had[0][0]} made no {had[0][1]}"
        elif item.kind == "declared":
            evidence = str(_declared(study, item.evidence))
        elif item.kind == "author":
            evidence = "to be written by the authors"
        rows.append((item.item, item.label, status, evidence))
    return pd.DataFrame(rows, columns=["item", "label", "status", "evidence"])


def _has(study: Study, page: str) -> bool:
    """Whether a study has the chapter of a page."""
    chapter = page.split("/")[0]
    return bool(set(RUNS) & set(study.chapters)) if chapter == RUNS[0] else chapter in study.chapters


def _find(results: Path, page: str, name: str) -> str | None:
    """The first page of that name, or pattern, that made a figure or table, as `page/name`."""
    kind = "figures" if name.startswith("fig-") else "tables"
    found = sorted(results.glob(f"{page}/{kind}/{name}.csv"))
    return f"{found[0].parents[1].relative_to(results).as_posix()}/{name}" if found else None


def methods_text(results: str | Path, chapters: Sequence[str] = CHAPTERS) -> pd.DataFrame:
    """Sentences that figures and tables of all chapters wrote about how they were made, once each.

    The chapter on reporting itself is left out: it makes no number.

    Parameters
    ----------
    results : path
        `results/<study>`.
    chapters : sequence of str
        In their order; the pages of training runs count as the chapter that made them, `train`.

    Returns
    -------
    DataFrame
        `chapter, sentence`.
    """
    rows, seen = [], set()
    kept = ("train" if name in RUNS else name for name in chapters if name != "reporting")
    for chapter in dict.fromkeys(kept):
        pages = f"{chapter}/*" if chapter in RUNS else chapter
        folders = (f"{pages}/figures/*.json", f"{pages}/tables/*.json")
        for path in sorted(path for one in folders for path in Path(results).glob(one)):
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
    said += study.limitations
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

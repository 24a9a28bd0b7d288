"""The chapter on reporting: a checklist with its evidence, and the methods text.

A checklist item is met by something that exists in the book, never by prose alone. The labels are short ones of our
own; the wording of TRIPOD+AI is in doi:10.1136/bmj-2023-078378 (CC BY 4.0).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from helpers.data.study import CHAPTERS, Study
from helpers.learn.choice import chosen_networks

ITEMS = Path("data/published/tripod_ai.csv")
RUNS = ("train", "ynet")  # chapters whose pages lie in `train/<run>`
SHOWN, PART, AUTHORS, OUTSIDE, MISSING = "shown", "in part", "authors", "not applicable", "missing"
UNLESS = {
    "nothing chooses": "no case was there to choose on",
    "nothing weighed": "no class was weighed",
    "no centres": "no centres are compared",
    "same patients": "models are made and judged in the same patients, by cross-validation",
}
NO_VALUE = ("–", "too small")
COUNTS = ("n", "events", "patients", "runs")
ESTIMATE = re.compile(r"^[−-]?\d+(\.\d|%)")  # a printed number that is no count and no name of a level
RUN = re.compile(r"^(?P<input>[^-]+)-(?P<network>.+)-s(?P<seed>\d+)$")


def checklist(results: str | Path, study: Study, *, items: str | Path = ITEMS) -> pd.DataFrame:
    """Every subitem of TRIPOD+AI with what shows it in this study.

    Parameters
    ----------
    results : path
        `results/<study>`.
    study : Study
    items : path
        CSV `item, label, evidence, unless, rest`. `evidence`: nothing where only the authors can know; a key of
        `study.yaml`; or figures and tables `page/name` with blanks between, `|` between alternatives of which the first
        that shows something counts, and `train/*` for the training of the networks that are judged. `unless`: a key of
        `UNLESS`, when the item does not apply. `rest`: what the item asks beyond its evidence.

    Returns
    -------
    DataFrame
        `item, label, status, evidence, rest`. Status: `shown`; `in part`, when something is left to the authors;
        `authors`, when all is; `not applicable`; or `missing`, when a chapter of the study shows nothing of it. A
        figure or table without any value shows nothing, and one of a chapter that the study lacks is not asked for.
    """
    rows = []
    for item in pd.read_csv(items, dtype=str, keep_default_na=False).itertuples():
        status, evidence, rest = AUTHORS, "–", "all"
        if _holds(study, item.unless):
            status, evidence, rest = OUTSIDE, UNLESS[item.unless], "–"
        elif "/" in item.evidence:
            found, lost = _files(Path(results), study, item.evidence)
            if lost:
                status, evidence, rest = MISSING, f"no value in {', '.join(lost)}", item.rest or "–"
            elif found:
                status, evidence, rest = PART if item.rest else SHOWN, ", ".join(found), item.rest or "–"
        elif item.evidence and (said := _declared(study, item.evidence)):
            status, evidence, rest = PART, said, item.rest
        rows.append((item.item, item.label, status, evidence, rest))
    return pd.DataFrame(rows, columns=["item", "label", "status", "evidence", "rest"])


def sentence(items: pd.DataFrame) -> str:
    """How many subitems are shown, and who has to write the others.

    Examples
    --------
    >>> sentence(pd.DataFrame({"status": ["shown", "authors", "in part", "authors"]}))
    'Of 4 subitems of TRIPOD+AI, this book shows 1 in full and 1 in part; 2 are left to the authors.'
    """
    count = items["status"].value_counts()
    rest = [(AUTHORS, "left to the authors"), (OUTSIDE, "not applicable"), (MISSING, "missing here")]
    said = [f"{count[name]} {'is' if count[name] == 1 else 'are'} {words}" for name, words in rest if name in count]
    shown = f"this book shows {count.get(SHOWN, 0)} in full and {count.get(PART, 0)} in part"
    return "; ".join([f"Of {len(items)} subitems of TRIPOD+AI, {shown}", *said]) + "."


def _holds(study: Study, unless: str) -> bool:
    """Whether an item does not apply to a study for the reason named in `UNLESS`."""
    if unless == "nothing weighed":
        return study.develops and all(model.balance == "none" for model in study.models.values())
    held = {
        "": False,
        "nothing chooses": study.choosing is None,
        "no centres": "center" not in study.subgroups and "compare" not in study.chapters,
        "same patients": study.judged == "oof",
    }
    return held[unless]


def _files(results: Path, study: Study, evidence: str) -> tuple[list[str], list[str]]:
    """Figures and tables that show something, and the alternatives of which none does."""
    found, lost = [], []
    for group in evidence.split():
        asked = [one for one in group.split("|") if _has(study, one.split("/")[0])]
        there = [made for one in asked if (made := _made(results, *one.rsplit("/", 1)))]
        if there:
            found += there[0]
        elif asked:
            lost.append(" or ".join(asked))
    return found, lost


def _has(study: Study, chapter: str) -> bool:
    """Whether a study has a chapter; `train` stands for all that train networks."""
    return bool(set(RUNS) & set(study.chapters)) if chapter == RUNS[0] else chapter in study.chapters


def _made(results: Path, page: str, name: str) -> list[str]:
    """A figure or table that shows something, as `page/name`; of `train/*` one a network that is judged."""
    kind = "figures" if name.startswith("fig-") else "tables"
    pages = [f"train/{run}" for run in judged_runs(results)] if page == "train/*" else [page]
    return [f"{one}/{name}" for one in pages if _shows(results / one / kind / name)]


def judged_runs(results: str | Path) -> list[str]:
    """Training runs behind the predictions that are judged: the chosen networks where one was chosen, first seed.

    Parameters
    ----------
    results : path
        `results/<study>`.

    Returns
    -------
    list of str
        Names of folders in `train`, in their order.
    """
    first: dict[str, tuple[int, str]] = {}
    for path in Path(results).glob("train/*"):
        if run := RUN.match(path.name):
            at = f"{run['input']}-{run['network']}"
            first[at] = min(first.get(at, (int(run["seed"]), path.name)), (int(run["seed"]), path.name))
    chosen = {"-".join(network) for network in chosen_networks(results).values()}
    return sorted(name for at, (_, name) in first.items() if not chosen or at in chosen)


def _shows(stem: Path) -> bool:
    """Whether a figure or table was made and holds a value; a picture without a table does."""
    if not stem.with_suffix(".json").is_file():
        return False
    path = stem.with_suffix(".csv")
    if not path.is_file():
        return True
    table = pd.read_csv(path, na_values=NO_VALUE)
    if "variable" in table:  # the row of all patients says nothing about groups
        table = table[table["variable"] != "all"]
    values = table.drop(columns=[name for name in COUNTS if name in table])
    estimates, words = values.select_dtypes("float"), values.select_dtypes(exclude="number").astype(str)
    printed = words.apply(lambda column: column.str.match(ESTIMATE)).any(axis=None)
    return not table.empty and (estimates.empty or bool(estimates.notna().any(axis=None)) or bool(printed))


def methods_text(results: str | Path, study: Study) -> pd.DataFrame:
    """Sentences that figures and tables of all chapters wrote about how they were made, once each.

    The chapter on reporting itself is left out: it makes no number.

    Parameters
    ----------
    results : path
        `results/<study>`.
    study : Study
        Names the inputs.

    Returns
    -------
    DataFrame
        `chapter, sentence`; the chapter of training runs, `train`, names their inputs and seeds.
    """
    said: dict[tuple[str, str], dict[str, list[str]]] = {}
    known: set[str] = set()
    for chapter in dict.fromkeys("train" if name in RUNS else name for name in CHAPTERS if name != "reporting"):
        pages = f"{chapter}/*" if chapter in RUNS else chapter
        folders = (f"{pages}/figures/*.json", f"{pages}/tables/*.json")
        for path in sorted(path for one in folders for path in Path(results).glob(one)):
            sentence = json.loads(path.read_text(encoding="utf-8")).get("methods", "")
            if not sentence or (sentence in known and (chapter, sentence) not in said):
                continue
            known.add(sentence)
            seeds = said.setdefault((chapter, sentence), {})
            if chapter in RUNS and (run := RUN.match(path.parents[1].name)):
                source = study.inputs[run["input"]].label if run["input"] in study.inputs else run["input"]
                seeds[source] = sorted({*seeds.get(source, []), run["seed"]}, key=int)
    rows = []
    for (chapter, sentence), seeds in said.items():
        runs = [f"{source}, seed{'s' * (len(own) > 1)} {', '.join(own)}" for source, own in seeds.items()]
        rows.append((f"{chapter}: {'; '.join(runs)}" if runs else chapter, sentence))
    return pd.DataFrame(rows, columns=["chapter", "sentence"])


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
    lost = items[items["status"] == MISSING]
    if len(lost):
        said.append(f"Items without their evidence: {', '.join(lost['item'])}.")
    return " ".join(said)


def _declared(study: Study, key: str) -> str:
    """What `study.yaml` says; nothing about the source of tables that somebody brings."""
    if key != "source":
        value = study
        for part in key.split("."):
            value = getattr(value, part, None)
        return str(value or "")
    source = study.source
    where = f" (doi:{source.doi})" if source.doi else ""
    if source.kind == "simulated":
        return f"simulated by this book after a published table{where}, seed {source.seed}"
    return f"public data{where}" if source.kind == "outside" else ""

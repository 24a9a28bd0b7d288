"""Settings of a folder without `study.yaml`, inferred from its tables by stated rules.

`python -m helpers.data.inferred FOLDER` prints them as a `study.yaml` to start from; the chapter `assumptions` shows
the same text and every rule that was used. Nothing is written into the folder.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import yaml

from helpers.data import own_table
from helpers.data.columns import covariates
from helpers.data.errors import StudyError
from helpers.data.sections import (
    Covariate,
    Outcome,
    Readers,
    Source,
    ThresholdRule,
    Validation,
)
from helpers.data.study import Study
from helpers.data.table_file import columns_of, load, shown

RISK = 0.5  # declared threshold where no case beside the judged may choose one and nobody declared another
JUDGED = ("test", "external", "oof")  # the first that is there is judged
CHOOSING = ("tune", "oof", "train")  # the first that is there chooses
STATISTICS = ("discrimination", "calibration", "decision")
SUBGROUP_LEVELS = 10  # more levels than these make no subgroups


def infer(folder: str | Path) -> Study:
    """Settings of a folder that holds `predictions.csv` (or `.parquet`), `readings.csv` or both, without `study.yaml`.

    Parameters
    ----------
    folder : path
        The study's folder; `cohort.csv` beside the predictions adds the chapters `cohort` and `subgroups`.

    Returns
    -------
    Study
        Named after the folder, source `own`, with the chapters that the tables allow. A `study.yaml` in the folder
        is not read.

    Raises
    ------
    StudyError
        If there is no such folder, no table to infer from, or no row of the predictions on which to judge.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "My nodules 2024")
    >>> folder.mkdir()
    >>> _ = (folder / "predictions.csv").write_text("label,risk\\n0,0.1\\n1,0.8\\n")
    >>> study = infer(folder)
    >>> study.name, study.judged, study.choosing, study.threshold.value
    ('My_nodules_2024', 'test', None, 0.5)
    """
    folder = Path(folder)
    if folder.is_file():
        fix = f"give the folder that holds it, {folder.parent}"
        raise StudyError("this is a file, and a study is a folder", file=str(folder), fix=fix)
    if not folder.is_dir():
        raise StudyError("there is no such folder", file=str(folder), fix="correct the path after STUDY=")
    table, readings = own_table.find(folder), folder / "readings.csv"
    if table is None and not readings.is_file():
        raise StudyError(
            "no study.yaml in this folder, and neither predictions.csv nor readings.csv to infer it from",
            file=str(folder / "study.yaml"),
            fix="write one, data/README.md explains each key; or put one of the tables there",
        )
    found = cohort_columns(folder) if table else []
    described = covariates(folder / "cohort.csv")[0] if found else ()
    groups = _subgroups(folder, described) if found and "case_id" in columns_of(table) else ()
    splits, models = facts(folder) if table else ((), ())
    tested = validation(splits, shown(table)) if table else Validation()
    chapters = ["assumptions", *(["cohort"] if found else []), *(STATISTICS if table else [])]
    chapters += [name for name, there in (("subgroups", groups), ("readers", readings.is_file())) if there]
    return Study(
        name=legal_name(folder.resolve().name),
        title=f"{'Predictions' if table else 'Readings'} in the folder {folder.resolve().name}",
        question=_question(bool(table)),
        unit="case",
        source=Source(kind="own"),
        outcome=Outcome(
            name="Label 1", positive="positive", negative="negative", reference_standard="not stated in the tables"
        ),
        covariates=described,
        validation=tested,
        threshold=_threshold(tested),
        subgroups=groups,
        readers=_readers(readings, models if table and "case_id" in columns_of(table) else ()),
        chapters=(*chapters, "reporting"),
    )


def fitted(study: Study, folder: str | Path) -> Study:
    """The study with `judged` and `choosing` as the splits of the predictions table in its folder allow.

    Parameters
    ----------
    study : Study
        From `study.yaml`; what it says stays.
    folder : path
        Without a predictions table the study is returned as it is.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If there is no row to judge on, or a threshold is to be chosen and no row may choose it.
    """
    table = own_table.find(folder)
    if table is None:
        return study
    said = study.validation
    tested = validation(facts(folder)[0], shown(table), said)
    changes = {"validation": tested}
    if tested.choosing in ("none", tested.judged) and study.threshold.rule != "declared":
        if "threshold" in study.model_fields_set:
            raise StudyError(
                f"the rule {study.threshold.rule} needs rows to choose on, and {table.name} has none beside the judged",
                file="study.yaml",
                key="threshold.rule",
                fix=f"declare a risk, {{rule: declared, value: {RISK}}}, or add rows of the split tune, oof or train",
            )
        changes["threshold"] = _threshold(tested)
    return study.model_copy(update=changes)


def cohort_columns(folder: str | Path) -> list[str]:
    """Names of the columns of `cohort.csv`; none without such a table."""
    path = Path(folder) / "cohort.csv"
    return columns_of(path) if path.is_file() else []


def facts(folder: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Splits and models in the predictions table of a folder, read without its risks.

    Returns
    -------
    splits, models : tuples of str
        Sorted; as completed by `helpers.data.own_table.complete`.
    """
    table = own_table.find(folder)
    columns = columns_of(table)
    lent = dict(own_table.borrowed(columns, cohort_columns(Path(folder))))
    frame = load(table, columns={"split", "model", *(["case_id"] if "split" in lent else [])})
    models = tuple(sorted(frame["model"].unique().astype(str))) if "model" in frame else ("model",)
    if "split" in frame:
        splits = frame["split"].astype(str).unique()
    elif "split" in lent:
        cohort = load(Path(folder) / "cohort.csv", columns={"case_id", "split"})
        here = cohort["case_id"].astype(str).isin(frame["case_id"].astype(str))
        splits = cohort.loc[here, "split"].unique()
    else:
        splits = ["test"]
    if not set(splits) <= {*JUDGED, *CHOOSING}:
        load(table)  # a stray comma moves cells into this column: the fault behind it is said first
    return tuple(sorted(splits)), models


def validation(splits: Collection[str], file: str, said: Validation | None = None) -> Validation:
    """Which split is judged and which chooses, from the splits that a table has.

    `test` is judged when it is there, else `external`, else `oof`; of `tune`, `oof` and `train` the first that is
    there chooses, and with none of them nothing is chosen. Where the split that chooses is the one that is judged,
    calibration maps are fitted patient by patient left out, and a threshold can only be declared.

    Parameters
    ----------
    splits : collection of str
    file : str
        Named in errors.
    said : Validation, optional
        From `study.yaml`: what it says stays, and under cross-validation `oof` comes first.

    Returns
    -------
    Validation

    Raises
    ------
    StudyError
        If no split can be judged.

    Examples
    --------
    >>> made = validation(["train", "tune", "test"], "predictions.csv")
    >>> made.judged, made.choosing
    ('test', 'tune')
    """
    first = ("oof",) if said is not None and said.kind == "cross-validation" else ()
    judged = said.judged if said else None
    judged = judged or next((name for name in (*first, *JUDGED) if name in splits), None)
    if judged is None or judged not in splits:
        there = ", ".join(repr(name) for name in splits)
        what = f"the split {judged!r} of study.yaml is not there" if judged else "no row can be judged"
        raise StudyError(
            f"{what}: the splits are {there or 'empty'}",
            file=file,
            column="split",
            fix="write test for the cases that no choice has seen (or external, or oof for out of fold), and train or "
            "tune for the others; without the column every row is a test case",
        )
    choosing = (said.choosing if said else None) or next((n for n in (*first, *CHOOSING) if n in splits), "none")
    if choosing != "none" and choosing not in splits:
        fix = "write a split that predictions.csv has, or none"
        raise StudyError(f"{file} has no row of {choosing!r}", file="study.yaml", key="validation.choosing", fix=fix)
    kind = said.kind if said else "cross-validation" if judged == "oof" else "test"
    return Validation(kind=kind, judged=judged, choosing=choosing, **({"folds": said.folds} if said else {}))


def as_yaml(study: Study) -> str:
    """The settings as text of a `study.yaml`.

    Examples
    --------
    >>> from helpers.data.study import from_text
    >>> text = "name: a\\ntitle: A\\nquestion: Why?\\nsource: {kind: own}\\nchapters: [inputs]\\n"
    >>> text += "inputs: {x: {label: X, kind: bmode, crop: {scale: 2}}}\\n"
    >>> study = from_text(text)
    >>> from_text(as_yaml(study)) == study
    True
    """
    plain = study.model_dump(mode="json", exclude_defaults=True)
    shown = {"threshold": study.threshold, "decision": study.decision}
    plain |= {name: part.model_dump(mode="json", exclude_none=True) for name, part in shown.items()}
    ordered = {name: plain[name] for name in type(study).model_fields if name in plain}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=88, default_flow_style=None)


def legal_name(text: str) -> str:
    """A study's name from that of a folder: letters, digits and underscores, a letter first, at most 40.

    Examples
    --------
    >>> legal_name("Nodules, 2024"), legal_name("2024"), legal_name("甲状腺"), legal_name("book")
    ('Nodules_2024', 'study_2024', 'study', 'study_book')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if not name:
        return "study"
    return (name if name[0].isalpha() and name.lower() != "book" else f"study_{name}")[:40]


def _threshold(tested: Validation) -> ThresholdRule:
    # a threshold chosen on the cases that judge it would flatter; so none of these may choose
    alone = tested.choosing in ("none", tested.judged)
    return ThresholdRule(rule="declared", value=RISK) if alone else ThresholdRule()


def _question(predicted: bool) -> str:
    if predicted:
        return "How well do the predicted risks tell positive from negative cases, and can they be taken at their word?"
    return "How well do the readers tell positive from negative cases, and does help change it?"


def _subgroups(folder: Path, described: tuple[Covariate, ...]) -> tuple[str, ...]:
    groups = [c.name for c in described if 2 <= len(c.levels) <= SUBGROUP_LEVELS]
    centers = load(folder / "cohort.csv", columns={"center"})
    several = "center" in centers and 2 <= centers["center"].nunique() <= SUBGROUP_LEVELS
    return (*groups, *(["center"] if several else []))


def _readers(path: Path, models: tuple[str, ...]) -> Readers:
    """Which modality is the reference, from which rating a call is positive, and the model when there is only one."""
    if not path.is_file():
        return Readers()
    frame = load(path, columns={"modality", "rating"})
    named = sorted(set(frame["modality"].astype(str))) if "modality" in frame else []
    unaided = "unaided" if "unaided" in named else next((n for n in named if n != "aided"), "unaided")
    aided = "aided" if "aided" in named else next((n for n in named if n != unaided), "aided")
    rating = pd.to_numeric(frame["rating"], errors="coerce").dropna() if "rating" in frame else pd.Series([0.0])
    cut = None if rating.isin([0, 1]).all() else float((rating.min() + rating.max()) / 2)
    legal = len(models) == 1 and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", models[0])
    return Readers(model=models[0] if legal else None, unaided=unaided, aided=aided, positive_from=cut)


if __name__ == "__main__":
    try:
        made = infer(sys.argv[1])
    except StudyError as error:
        sys.exit(str(error))
    sys.stdout.write("# Inferred from the tables: correct what is wrong, save as study.yaml beside them.\n")
    sys.stdout.write(as_yaml(made))

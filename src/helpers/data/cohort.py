"""The cohort table: who is in the study, checked before anything is computed from it."""

from __future__ import annotations

import csv
import difflib
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.flow import SPLIT_NAMES, flow
from helpers.data.flow_file import flow_steps
from helpers.data.study import Covariate, Study
from helpers.data.study import read as read_study
from helpers.data.table_one import table_one

__all__ = ["SPLITS", "flow", "flow_steps", "groups", "manifest", "read", "table_one"]

KEYS = ("patient_id", "case_id", "center", "split")
SPLITS = ("train", "tune", "test", "external")
FILE = "cohort.csv"
MANIFEST = ["split", "patients", "cases", "events", "sha256"]


def read(folder: str | Path, *, study: Study | None = None) -> pd.DataFrame:
    r"""Read and check `cohort.csv`, and set aside the tune patients.

    Parameters
    ----------
    folder : path
        The study's folder.
    study : Study, optional
        Its settings; read from the folder when absent.

    Returns
    -------
    DataFrame
        One row a case: `patient_id, case_id, center, split, label` and the declared covariates, categorical ones as
        ordered categories of the declared levels. `label` is 0 or 1, or with several classes the place of the class in
        `outcome.classes`. When the table has no tune rows and the study is tested on a
        split, a stratified part of the training patients has `split` "tune".

    Raises
    ------
    StudyError
        Naming the row and column: a missing or misspelt column, an unknown level or split, a value that is no number
        or out of range, a duplicate case, a patient in two splits, a split with one class only.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.data.study import from_text
    >>> settings = from_text(
    ...     "{name: demo, title: Demo, question: Who is in it, source: {kind: own}, chapters: [cohort], "
    ...     "outcome: {name: cancer, positive: malignant, negative: benign, reference_standard: histology}}"
    ... )
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = ["patient_id,case_id,center,split,label", "P1,C1,A,test,0", "P2,C2,A,test,1", "P2,C3,A,test,1"]
    >>> _ = (folder / "cohort.csv").write_text("\n".join(rows))
    >>> read(folder, study=settings)[["case_id", "label"]].values.tolist()
    [['C1', 0], ['C2', 1], ['C3', 1]]
    """
    study = study or read_study(folder)
    path = Path(folder) / FILE
    raw = _read_text(path)
    labelled = study.outcome is not None
    wanted = [*KEYS, *(["label"] if labelled else []), *(c.name for c in study.covariates)]
    _check_columns(raw, wanted)
    for column in KEYS:
        _refuse(raw[column] == "", raw, column, "this cell is empty", "every case needs it")
    _refuse(raw["case_id"].duplicated(), raw, "case_id", "the case {value!r} appears twice", "keep one row a case")
    allowed = ", ".join(SPLITS)
    _refuse(~raw["split"].isin(SPLITS), raw, "split", "unknown split {value!r}", f"use {allowed}")
    _check_patients(raw)
    frame = raw[list(KEYS)].copy()
    if labelled:
        frame["label"] = _labels(raw, study.outcome.classes)
    for covariate in study.covariates:
        frame[covariate.name] = _values(raw, covariate)
    if labelled:
        _check_classes(frame, study)
        if (
            study.validation.kind == "test"
            and (study.models or study.segmentation)
            and not (frame["split"] == "tune").any()
        ):
            frame = _with_tune(frame, study.tune.fraction, study.tune.seed)
            _check_classes(frame, study)
    return frame.reset_index(drop=True)


def manifest(frame: pd.DataFrame) -> pd.DataFrame:
    """Patients, cases, events and a fingerprint of every split.

    Parameters
    ----------
    frame : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        `split, patients, cases, events, sha256`; the hash is of the sorted `case_id`, one a line, so that anyone
        with the table can show that a split is the published one.
    """
    rows = []
    for split in [s for s in SPLITS if (frame["split"] == s).any()]:
        part = frame[frame["split"] == split]
        text = "\n".join(sorted(part["case_id"])).encode()
        events = int(part["label"].sum()) if "label" in part else 0
        rows.append((split, part["patient_id"].nunique(), len(part), events, hashlib.sha256(text).hexdigest()))
    return pd.DataFrame(rows, columns=MANIFEST)


def answering(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows that are counted: every case, or where a study's patients vote, each patient once.

    Parameters
    ----------
    frame : DataFrame
        As `read` gives it.
    study : Study

    Returns
    -------
    DataFrame
        Of a patient the first case, whose `case_id` becomes the patient's; the covariates of such a study are the
        patient's on every row.

    Raises
    ------
    StudyError
        If cases of a voting patient have different labels.
    """
    if study.voting is None:
        return frame
    pairs = frame[["patient_id", "label"]].drop_duplicates()
    again = pairs["patient_id"].duplicated()
    if again.any():
        raise StudyError(
            f"patient {pairs.loc[again, 'patient_id'].iloc[0]!r} has cases of different labels, which cannot vote",
            file="cohort.csv",
            column="label",
            fix="give all cases of a patient one label, or take voting out of study.yaml",
        )
    first = frame.drop_duplicates("patient_id").reset_index(drop=True)
    return first.assign(case_id=first["patient_id"])


def against_rest(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The cohort with labels 0 and 1: of several classes the declared positive one against all others.

    Parameters
    ----------
    frame : DataFrame
        As `read` gives it.
    study : Study

    Returns
    -------
    DataFrame
        Unchanged where there are two classes.
    """
    if study.outcome is None or not study.outcome.classes:
        return frame
    return frame.assign(label=(frame["label"] == study.outcome.code).astype(int))


def ends(frame: pd.DataFrame, study: Study) -> dict[str, object]:
    """The last boxes of the participants' flow, as keywords of `flow`: events, or the patients of each class.

    Parameters
    ----------
    frame : DataFrame
        As `read` gives it.
    study : Study

    Returns
    -------
    dict
    """
    if not study.outcome.classes:
        return {"cohort": frame, "event": study.outcome.positive}
    patients = frame.drop_duplicates("patient_id")
    splits = []
    for split in [name for name in SPLITS if (patients["split"] == name).any()]:
        label = patients.loc[patients["split"] == split, "label"]
        counts = ", ".join(f"{(label == code).sum()} {name}" for code, name in study.outcome.names.items())
        splits.append((f"{SPLIT_NAMES[split]}: {counts}", len(label), None))
    return {"splits": splits}


def groups(frame: pd.DataFrame) -> pd.Series:
    """Groups of a baseline table: training patients with the tuning patients set aside from them, test, external.

    Parameters
    ----------
    frame : DataFrame
        As from `read`.

    Returns
    -------
    Series
        Ordered categories, in reading order.
    """
    names = {"train": "Training", "tune": "Training", "test": "Test", "external": "External"}
    named = frame["split"].map(names)
    there = set(named.unique())
    order = [name for name in dict.fromkeys(names.values()) if name in there]
    return pd.Series(pd.Categorical(named, categories=order, ordered=True), index=frame.index)


def _read_text(path: Path) -> pd.DataFrame:
    """All cells as stripped text; ragged rows and other encodings are errors, not guesses."""
    if not path.is_file():
        raise StudyError("no cohort.csv in this folder", file=path.name, fix="put the cohort table there")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except UnicodeDecodeError:
        raise StudyError("not UTF-8 text", file=path.name, fix="save the table as CSV UTF-8") from None
    except csv.Error as error:
        raise StudyError(f"not a CSV table ({error})", file=path.name, fix="export it again as CSV") from None
    rows = [(i, list(map(str.strip, row))) for i, row in enumerate(rows, start=1)]
    rows = [(i, row) for i, row in rows if any(row)]
    if not rows:
        raise StudyError("this table is empty", file=path.name, fix="give a header and one row a case")
    (_, header), body = rows[0], rows[1:]
    if len(header) == 1 and ";" in header[0]:
        raise StudyError("columns are separated by semicolons", file=path.name, row=1, fix="export with commas")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise StudyError("this column appears twice", file=path.name, row=1, column=min(twice), fix="keep one of them")
    wide = len(header)
    for number, row in body:
        if len(row) != wide:
            raise StudyError(
                f"{len(row)} cells where the header has {wide}",
                file=path.name,
                row=number,
                fix="look for a stray comma or an unquoted text",
            )
    if not body:
        raise StudyError("a header but no case", file=path.name, fix="add one row a case")
    frame = pd.DataFrame([row for _, row in body], columns=header, dtype=object)
    frame.index = pd.Index([number for number, _ in body], name="row")
    return frame


def _check_columns(raw: pd.DataFrame, wanted: list[str]) -> None:
    for name in wanted:
        if name not in raw.columns:
            spare = [c for c in raw.columns if c not in wanted]
            near = difflib.get_close_matches(name, spare, n=1, cutoff=0.6)
            fix = f"rename {near[0]!r} to {name!r}" if near else f"add it; the table has {', '.join(raw.columns)}"
            raise StudyError("this column is missing", file=FILE, row=1, column=name, fix=fix)


def _refuse(bad: pd.Series, raw: pd.DataFrame, column: str, message: str, fix: str) -> None:
    """Raise for the first row where `bad` is true."""
    if bad.any():
        row = int(raw.index[bad.to_numpy().argmax()])
        text = message.format(value=raw.loc[row, column])
        more = int(bad.sum()) - 1
        text += f" (and {more} more rows like it)" if more else ""
        raise StudyError(text, file=FILE, row=row, column=column, fix=fix)


def _check_patients(raw: pd.DataFrame) -> None:
    splits = raw.groupby("patient_id")["split"].transform("nunique")
    if (splits > 1).any():
        patient = raw["patient_id"][splits > 1].iloc[0]
        names = sorted(raw.loc[raw["patient_id"] == patient, "split"].unique())
        first = raw.index[(raw["patient_id"] == patient).to_numpy()]
        row = next(int(r) for r in first if raw.loc[r, "split"] != raw.loc[first[0], "split"])
        raise StudyError(
            f"patient {patient!r} is in two splits, {' and '.join(names)}",
            file=FILE,
            row=row,
            column="split",
            fix="put all cases of a patient into one split",
        )


def _labels(raw: pd.DataFrame, classes: tuple[str, ...]) -> pd.Series:
    if classes:
        known, way = raw["label"].isin(classes), f"write one of {', '.join(classes)}"
        _refuse(~known, raw, "label", "the label is {value!r}", way)
        return raw["label"].map({name: code for code, name in enumerate(classes)}).astype(int)
    _refuse(
        ~raw["label"].isin(["0", "1"]),
        raw,
        "label",
        "the label is {value!r}",
        "write 1 for positive, 0 for negative",
    )
    return raw["label"].astype(int)


def _values(raw: pd.DataFrame, covariate: Covariate) -> pd.Series:
    text, name = raw[covariate.name], covariate.name
    if covariate.type == "categorical":
        unknown = (text != "") & ~text.isin(covariate.levels)
        _refuse(
            unknown,
            raw,
            name,
            "unknown level {value!r}",
            f"use {', '.join(covariate.levels)}, or leave it empty",
        )
        return pd.Series(
            pd.Categorical(text.where(text != "", None), categories=list(covariate.levels), ordered=True),
            index=raw.index,
        )
    number = pd.to_numeric(text.where(text != "", None), errors="coerce").astype(float)
    broken = ((text != "") & number.isna()) | np.isinf(number)
    _refuse(
        broken,
        raw,
        name,
        "{value!r} is not a number",
        "write a number with a decimal point, or leave it empty",
    )
    outside = (number < covariate.low) | (number > covariate.high)
    span = f"{covariate.low:g} to {covariate.high:g} {covariate.unit}".strip()
    _refuse(
        outside,
        raw,
        name,
        "{value} is outside the declared range",
        f"correct it, or widen {span} in study.yaml",
    )
    return number


def _check_classes(frame: pd.DataFrame, study: Study) -> None:
    needed = ["train", "test"] if study.validation.kind == "test" else ["train"]
    for split in needed if study.develops else ():  # a table of predictions may come with test cases only
        if not (frame["split"] == split).any():
            fix = (
                "mark the test patients, or set validation.kind to cross-validation" if split == "test" else "mark them"
            )
            raise StudyError(f"no case has the split {split}", file=FILE, column="split", fix=fix)
    for split, part in frame.groupby("split"):
        absent = [name for code, name in study.outcome.names.items() if code not in set(part["label"])]
        if study.outcome.classes and study.develops and absent:
            raise StudyError(
                f"no case of the split {split} is {absent[0]}",
                file=FILE,
                column="label",
                fix="a split needs cases of every class; with few patients of a class, change tune.seed or .fraction",
            )
        if part["label"].nunique() < 2:
            raise StudyError(
                f"all {len(part)} cases of the split {split} have the label {part['label'].iloc[0]}",
                file=FILE,
                column="label",
                fix="a split needs cases of both classes",
            )


def _with_tune(frame: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """Move a fraction of the training patients, stratified by outcome and centre, to the tune split.

    A patient is positive when any of its cases is. Within every stratum the patients are sorted by id before the
    draw, so the order of rows in the table does not matter.
    """
    train = frame[frame["split"] == "train"]
    patients = train.groupby("patient_id").agg(label=("label", "max"), center=("center", "first"))
    generator = np.random.default_rng(seed)
    chosen: list[str] = []
    owed = 0.0
    for _, stratum in patients.sort_index().groupby(["label", "center"]):
        owed += fraction * len(stratum)
        take = min(round(owed), len(stratum))
        owed -= take
        chosen += list(generator.permutation(stratum.index.to_numpy(dtype=object))[:take])
    frame = frame.copy()
    frame.loc[frame["patient_id"].isin(chosen) & (frame["split"] == "train"), "split"] = "tune"
    return frame

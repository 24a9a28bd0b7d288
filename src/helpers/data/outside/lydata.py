"""lyDATA tables of neck-node involvement as a cohort of occult metastasis on the side of the tumour.

A patient is in the cohort when pathology looked at the ipsilateral neck, imaging looked at it too, and no imaging
modality suspected a node in any ipsilateral level. The label is 1 when pathology found a metastasis in an ipsilateral
level, or in a specimen of several levels taken out together (en bloc) that holds an ipsilateral level: the table leaves
the levels of a positive one empty, because the node could lie in any of them. A specimen that crosses the midline
counts as ipsilateral, as midline nodes do in the TNM classification. What was not assessed (empty) is neither suspicion
nor metastasis; how many levels pathology looked at, what it found in the other neck, and the pN category of the source,
which counts both sides, are in the cohort table beside the label.

Imaging is every block of the table named in `IMAGING`; `diagnostic_consensus`, the clinicians' summary that some
centres publish instead of single modalities, is one of them. FNA is not: it is a puncture, not an image, and is ignored
when choosing patients. Ludwig et al. (2024), doi:10.1016/j.dib.2023.110020.
"""

from __future__ import annotations

import csv
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.data import made
from helpers.data.errors import StudyError

IMAGING = ("CT", "MRI", "PET", "pCT", "US", "diagnostic_consensus")
NO_IMAGING = ("pathology", "FNA", "total_dissected", "positive_dissected", "enbloc_dissected", "enbloc_positive")
COLUMNS = {
    "patient_id": ("patient", "#", "id"),
    "center": ("patient", "#", "institution"),
    "age": ("patient", "#", "age"),
    "sex": ("patient", "#", "sex"),
    "smoking": ("patient", "#", "nicotine_abuse"),
    "alcohol": ("patient", "#", "alcohol_abuse"),
    "hpv": ("patient", "#", "hpv_status"),
    "site": ("tumor", "1", "location"),
    "t_category": ("tumor", "1", "t_stage"),
    "midline": ("tumor", "1", "extension"),
    "t_assessed": ("tumor", "1", "stage_prefix"),
    "pn_category": ("patient", "#", "n_stage"),
}
YES_NO = {"true": "yes", "false": "no", "": ""}
LEVELS = {
    "sex": {"female": "female", "male": "male", "": ""},
    "smoking": YES_NO,
    "alcohol": YES_NO,
    "hpv": {"true": "positive", "false": "negative", "": ""},
    "site": {name: name for name in ("oral cavity", "oropharynx", "hypopharynx", "larynx", "")},
    "t_category": {"1": "T1", "2": "T2", "3": "T3", "4": "T4", "": ""},
    "midline": YES_NO,
    "t_assessed": {"c": "clinically", "p": "by pathology", "": ""},
    "pn_category": {"0": "pN0", "1": "pN1", "2": "pN2", "3": "pN3", "": ""},
}
EXAMINED = ("I", "II", "III", "IV", "V")  # levels, each with its sublevels a and b
OTHER_NECK = {
    "other_imaging": ("not imaged", "not suspicious", "suspicious"),
    "other_pathology": ("not examined", "no metastasis", "metastasis"),
}
EN_BLOC = re.compile(r"\d+[a-z](\+\d+[a-z])*")  # nodes, and the letter of the specimen that they were counted in
HEADERS = 3  # header rows, so that the first patient is in row 4 of the spreadsheet
_LAYOUT = "give a table in the layout of lyDATA, whose source describes every column"

Step = tuple[str, int, dict[str, int]]


def read(path: str | Path) -> tuple[pd.DataFrame, list[Step]]:
    """Read one lyDATA table and keep the necks that are negative on imaging.

    Parameters
    ----------
    path : path
        CSV with three header rows: block; side or number; level or field. Findings are True, False or empty.

    Returns
    -------
    cases : DataFrame
        One row a patient: `patient_id, case_id, center, label`, the covariates of `COLUMNS`, `levels_examined` (how
        many of the ipsilateral levels I to V pathology looked at) and those of `OTHER_NECK`, all as text but the label.
    flow : list of (step, n, excluded by reason)
        Who was left out after each step, as `helpers.data.flow.flow` reads it.

    Raises
    ------
    StudyError
        Naming the three headers of a missing column, or row and column of a value that lyDATA does not have; also
        when no neck is negative on imaging, or all those have the same label.
    """
    path = Path(path)
    raw = _table(path)
    _check_blocks(raw, path.name)
    seen, found = (_findings(raw, "ipsi", kind, path.name) for kind in ("imaging", "pathology"))
    no_imaging = seen.isna().all(axis=1)
    no_pathology = ~no_imaging & found.isna().all(axis=1)
    suspected = ~no_imaging & ~no_pathology & seen.eq(1).any(axis=1)
    chosen = ~no_imaging & ~no_pathology & ~suspected
    if not chosen.any():
        raise StudyError("no patient has a neck that is negative on imaging", file=path.name, fix="check the table")
    cases = _cases(raw[chosen], path.name)
    cases.insert(3, "label", found[chosen].eq(1).any(axis=1).astype(int).to_numpy())
    cases["levels_examined"] = _examined(raw[chosen])
    for name, words in OTHER_NECK.items():
        other = _findings(raw[chosen], "contra", name.removeprefix("other_"), path.name)
        known, positive = other.notna().any(axis=1), other.eq(1).any(axis=1)
        cases[name] = np.select([positive, known], [words[2], words[1]], words[0])
    if cases["label"].nunique() < 2:
        has = "a metastasis" if cases["label"].iloc[0] else "no metastasis"
        raise StudyError(
            f"all {len(cases)} necks that are negative on imaging have {has} in pathology",
            file=path.name,
            fix="a cohort needs both",
        )
    both = int((chosen | suspected).sum())
    flow = [
        (
            "Patients in the source table",
            len(raw),
            {
                "no imaging of the ipsilateral neck": int(no_imaging.sum()),
                "no pathology of the ipsilateral neck": int(no_pathology.sum()),
            },
        ),
        ("Imaging and pathology of the ipsilateral neck", both, {"node suspected on imaging": int(suspected.sum())}),
        ("Ipsilateral neck negative on every imaging modality", len(cases), {}),
    ]
    return cases, flow


def write_cohort(folder: str | Path, source: str | Path, *, external: Sequence[str | Path] = ()) -> dict[str, Any]:
    """Write `cohort.csv` and `flow.json` of a study from one lyDATA table, and further centres as external.

    Parameters
    ----------
    folder : path
        The study's folder.
    source : path
        The table to develop on; its cases have the split `train`, for the study is cross-validated.
    external : sequence of path
        Tables of the same layout, whose cases have the split `external`. Their patients are called by the table's
        file name and their number in it, so that centres may number alike.

    Returns
    -------
    dict
        By split: `cases` and `events`.

    Raises
    ------
    StudyError
        As `read`.
    """
    made.refuse_foreign(folder)
    cases, flow = read(source)
    parts = [cases.assign(split="train")]
    for path in external:
        more, steps = read(path)
        more["patient_id"] = more["case_id"] = Path(path).stem + "-" + more["patient_id"]
        parts.append(more.assign(split="external"))
        flow = [_add(step, more_of_it) for step, more_of_it in zip(flow, steps)]
    table = pd.concat(parts, ignore_index=True)
    table.insert(3, "split", table.pop("split"))
    flow = [(label, n, {why: k for why, k in out.items() if k}) for label, n, out in flow]
    with tempfile.TemporaryDirectory(dir=folder, prefix=".gathering-") as work:
        _write(Path(work) / "flow.json", json.dumps(flow, indent=1) + "\n")
        _write(Path(work) / "cohort.csv", table.to_csv(index=False, lineterminator="\n"))
        made.publish(Path(work), Path(folder), ("flow.json", "cohort.csv"), kind="outside", by="lydata")
    counts = table.groupby("split")["label"].agg(["size", "sum"])
    return {split: {"cases": int(row["size"]), "events": int(row["sum"])} for split, row in counts.iterrows()}


def _add(one: Step, other: Step) -> Step:
    """The same step of the flow in two tables together."""
    return one[0], one[1] + other[1], {why: n + other[2][why] for why, n in one[2].items()}


def _table(path: Path) -> pd.DataFrame:
    """All cells as stripped text; the index counts rows as a spreadsheet does."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, strict=True)]
    except UnicodeDecodeError:
        raise StudyError("not UTF-8 text", file=path.name, fix="save the table as CSV UTF-8") from None
    except csv.Error as error:
        raise StudyError(f"not a CSV table ({error})", file=path.name, fix="export it again as CSV") from None
    if len(rows) <= HEADERS or len(rows[0]) < len(COLUMNS):
        raise StudyError(f"not {HEADERS} header rows and patients below", file=path.name, fix=_LAYOUT)
    for number, row in enumerate(rows, start=1):
        if row and len(row) != len(rows[0]):
            fix = "look for a stray comma or an unquoted text"
            raise StudyError(f"{len(row)} cells where row 1 has {len(rows[0])}", file=path.name, row=number, fix=fix)
    headers = list(zip(*rows[:HEADERS]))
    twice = next((header for header in headers if headers.count(header) > 1), None)
    if twice:
        raise StudyError(
            "this column appears twice", file=path.name, row=HEADERS, column=" | ".join(twice), fix="keep one of them"
        )
    body = [row or [""] * len(headers) for row in rows[HEADERS:]]
    raw = pd.DataFrame(body, columns=pd.MultiIndex.from_tuples(headers), dtype=object)
    raw.index = pd.RangeIndex(HEADERS + 1, HEADERS + 1 + len(raw))
    for name, header in COLUMNS.items():
        if header not in raw.columns:
            raise StudyError(
                f"no column with the headers {' | '.join(header)}, needed for {name}",
                file=path.name,
                row=HEADERS,
                fix=_LAYOUT,
            )
    return raw[(raw != "").any(axis=1)]


def _check_blocks(raw: pd.DataFrame, file: str) -> None:
    """Findings of the ipsilateral neck are there, and every block that has some is known."""
    blocks = list(dict.fromkeys(column[0] for column in raw.columns if column[1] == "ipsi"))
    for block in blocks:
        if block not in IMAGING + NO_IMAGING:
            raise StudyError(
                f"unknown block {block!r} with ipsilateral findings",
                file=file,
                row=1,
                fix=f"imaging is one of {', '.join(IMAGING)}; other blocks are {', '.join(NO_IMAGING)}",
            )
    for wanted in (IMAGING, ("pathology",)):
        if not set(wanted) & set(blocks):
            named = " or ".join(wanted)
            raise StudyError(f"no column with the headers {named} | ipsi | level", file=file, row=HEADERS, fix=_LAYOUT)


def _findings(raw: pd.DataFrame, side: str, kind: str, file: str) -> pd.DataFrame:
    """What imaging, or pathology, says of one neck: 1.0 a suspicion or metastasis, 0.0 none, NaN not assessed."""
    levels = [column for column in raw.columns if column[1] == side]
    if kind == "imaging":
        return _truth(raw, [column for column in levels if column[0] in IMAGING], file)
    found = _truth(raw, [column for column in levels if column[0] == "pathology"], file)
    return found.join(_en_bloc(raw, [column for column in levels if column[0] == "enbloc_positive"], file))


def _en_bloc(raw: pd.DataFrame, columns: list[tuple], file: str) -> pd.DataFrame:
    """Specimens of several levels: 1.0 with a positive node, NaN without; negative ones are in the levels already."""
    for column in columns:
        bad = ~raw[column].map(lambda text: text == "" or EN_BLOC.fullmatch(text) is not None)
        said = "{!r} is not a number of nodes with the letter of a specimen, such as 2a"
        _refuse(bad, raw[column], said, "correct the cell", file)
    return raw[columns].apply(lambda column: column.map(lambda text: 1.0 if re.search(r"[1-9]", text) else np.nan))


def _examined(raw: pd.DataFrame) -> list[str]:
    """How many of the ipsilateral levels I to V pathology looked at, alone or en bloc."""
    said = raw.loc[:, [c for c in raw.columns if c[1] == "ipsi" and c[0] in ("pathology", "enbloc_dissected")]] != ""
    seen = [said.loc[:, [c for c in said.columns if c[2].rstrip("ab") == level]].any(axis=1) for level in EXAMINED]
    return sum(one.astype(int) for one in seen).astype(str).tolist()


def _truth(raw: pd.DataFrame, columns: list[tuple], file: str) -> pd.DataFrame:
    """Cells as 1.0 (True), 0.0 (False) and NaN (not assessed)."""
    part = raw[columns].apply(lambda column: column.str.lower())
    for column in part:
        bad = ~part[column].isin(["true", "false", ""])
        _refuse(bad, raw[column], "{!r} is neither True, False nor empty", "correct the cell", file)
    return part.apply(lambda column: column.map({"true": 1.0, "false": 0.0}))


def _cases(part: pd.DataFrame, file: str) -> pd.DataFrame:
    """Who they are and their covariates, in our words; only the patients of the cohort are looked at."""
    ids = part[COLUMNS["patient_id"]]
    _refuse(ids == "", ids, "the patient has no number", "number the patients", file)
    _refuse(ids.duplicated(), ids, "the patient {!r} appears twice", "keep one row a patient", file)
    centers, ages = part[COLUMNS["center"]], part[COLUMNS["age"]]
    _refuse(centers == "", centers, "the institution is empty", "name it", file)
    number = pd.to_numeric(ages.where(ages != ""), errors="coerce")
    _refuse((ages != "") & number.isna(), ages, "{!r} is not a number", "write years, or leave it empty", file)
    cases = pd.DataFrame({"patient_id": ids, "case_id": ids, "center": centers, "age": ages})
    for name, levels in LEVELS.items():
        said = part[COLUMNS[name]]
        # numbers may have passed through a program that writes 2 as 2.0
        value = said.str.lower().map(lambda text: re.sub(r"\.0$", "", text))
        fix = f"use {', '.join(v for v in levels if v)}, or leave it empty"
        _refuse(~value.isin(list(levels)), said, "unknown value {!r}", fix, file)
        cases[name] = value.map(levels)
    return cases.reset_index(drop=True)


def _refuse(bad: pd.Series, values: pd.Series, message: str, fix: str, file: str) -> None:
    """Name the first bad cell of a column."""
    if bad.any():
        row = int(bad.idxmax())
        where = " | ".join(values.name)
        raise StudyError(message.format(values[row]), file=file, row=row, column=where, fix=fix)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

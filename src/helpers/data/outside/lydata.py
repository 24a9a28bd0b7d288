"""lyDATA tables of neck-node involvement as a cohort of occult metastasis.

A patient is in the cohort when every imaging modality of the table that looked at the ipsilateral neck saw nothing
in any level (cN0 on imaging), and pathology looked there too; the label is 1 when pathology found a metastasis.
Ludwig et al. (2024), doi:10.1016/j.dib.2023.110020.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.data.errors import StudyError

IMAGING = ("CT", "MRI", "PET")
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
}
YES_NO = {"True": "yes", "False": "no", "": ""}
LEVELS = {
    "smoking": YES_NO,
    "alcohol": YES_NO,
    "midline": YES_NO,
    "hpv": {"True": "positive", "False": "negative", "": ""},
    "t_category": {"0": "", "1": "T1", "2": "T2", "3": "T3", "4": "T4", "": ""},
    "site": {name: name for name in ("oral cavity", "oropharynx", "hypopharynx", "larynx", "")},
    "sex": {"female": "female", "male": "male", "": ""},
}


def read(path: str | Path) -> tuple[pd.DataFrame, list[tuple[str, int, dict[str, int]]]]:
    """Read one lyDATA table and keep the image-negative necks.

    Parameters
    ----------
    path : path
        CSV with three header rows: block; side or number; level or field. Cells are True, False or empty.

    Returns
    -------
    cases : DataFrame
        One row a patient, columns as in `data/occult_neck/study.yaml` plus `label`.
    flow : list of (step, n, excluded by reason)

    Raises
    ------
    StudyError
        If the headers or a value are not those of lyDATA, or no patient is left.
    """
    path = Path(path)
    try:
        raw = pd.read_csv(path, header=[0, 1, 2], dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise StudyError(f"not a lyDATA table ({error})", file=path.name, fix="give three header rows") from None
    for name, header in COLUMNS.items():
        if header not in raw.columns:
            raise StudyError(
                f"no column with the headers {' | '.join(header)}, needed for {name}",
                file=path.name,
                fix="give the layout of lyDATA, whose source describes every column",
            )
    imaging = [c for c in raw.columns if c[0] in IMAGING and c[1] == "ipsi"]
    pathology = [c for c in raw.columns if c[0] == "pathology" and c[1] == "ipsi"]
    if not imaging or not pathology:
        raise StudyError(
            "no ipsilateral imaging or pathology", file=path.name, fix=f"give {', '.join(IMAGING)} and pathology"
        )
    seen, found = _truth(raw, imaging, path.name), _truth(raw, pathology, path.name)
    both = seen.notna().any(axis=1) & found.notna().any(axis=1)
    negative = both & ~(seen == True).any(axis=1)  # noqa: E712 (three-valued: None is not False)
    if not negative.any():
        raise StudyError("no patient has a neck that is negative on imaging", file=path.name, fix="check the table")
    part = raw[negative]
    cases = pd.DataFrame({"patient_id": part[COLUMNS["patient_id"]].to_numpy()})
    cases["case_id"] = cases["patient_id"]
    cases["center"] = part[COLUMNS["center"]].to_numpy()
    cases["label"] = (found[negative] == True).any(axis=1).astype(int).to_numpy()  # noqa: E712
    cases["age"] = part[COLUMNS["age"]].to_numpy()
    for name, levels in LEVELS.items():
        values = part[COLUMNS[name]]
        unknown = ~values.isin(levels)
        if unknown.any():
            row = int(values.index[unknown.to_numpy()][0]) + 4  # three header rows, counted from 1
            raise StudyError(
                f"unknown value {values[unknown].iloc[0]!r}",
                file=path.name,
                row=row,
                column=" | ".join(COLUMNS[name]),
                fix=f"use {', '.join(v or 'empty' for v in levels)}",
            )
        cases[name] = values.map(levels).to_numpy()
    flow = [
        (
            "Patients with neck dissection",
            len(raw),
            {"no imaging or no pathology on the tumour's side": len(raw) - int(both.sum())},
        ),
        (
            "Imaging and pathology on the tumour's side",
            int(both.sum()),
            {"a node suspected on CT, MRI or PET": int((both & ~negative).sum())},
        ),
        ("Neck negative on every imaging modality", int(negative.sum()), {}),
    ]
    return cases, flow


def write_cohort(folder: str | Path, source: str | Path, *, external: Sequence[Path] = ()) -> dict[str, Any]:
    """Write `cohort.csv` and `flow.json` of a study from one lyDATA table, and further centres as external.

    Parameters
    ----------
    folder : path
        The study's folder.
    source : path
        The table to develop on; its cases have the split `train`.
    external : sequence of path
        Tables of the same layout, whose cases have the split `external`.

    Returns
    -------
    dict
        `cases, events` by split.
    """
    cases, flow = read(source)
    parts = [cases.assign(split="train")]
    parts += [read(path)[0].assign(split="external") for path in external]
    table = pd.concat(parts, ignore_index=True)
    first = ["patient_id", "case_id", "center", "split", "label"]
    table = table[[*first, *(c for c in table.columns if c not in first)]]
    folder = Path(folder)
    if external:
        more = int((table["split"] == "external").sum())
        flow = [*flow[:-1], (flow[-1][0], flow[-1][1] + more, {})]
        flow[0] = (flow[0][0], None, flow[0][2])
        flow[1] = (flow[1][0], None, flow[1][2])
    (folder / "flow.json").write_text(json.dumps(flow, indent=1) + "\n", encoding="utf-8")
    part = folder / "cohort.csv.part"
    table.to_csv(part, index=False)
    part.replace(folder / "cohort.csv")
    counts = table.groupby("split")["label"].agg(["size", "sum"])
    return {split: {"cases": int(row["size"]), "events": int(row["sum"])} for split, row in counts.iterrows()}


def _truth(raw: pd.DataFrame, columns: list[tuple[str, str, str]], file: str) -> pd.DataFrame:
    """Cells as True, False or None; `date` and other fields that are no level are left out."""
    block = raw[[c for c in columns if c[2] != "date"]]
    bad = ~block.isin(["True", "False", ""])
    if bad.to_numpy().any():
        row, column = next(zip(*bad.to_numpy().nonzero()))
        raise StudyError(
            f"{block.iloc[row, column]!r} is neither True, False nor empty",
            file=file,
            row=int(row) + 4,
            column=" | ".join(block.columns[column]),
            fix="correct the cell",
        )
    return block.apply(lambda column: column.map({"True": True, "False": False, "": None}).astype(object))

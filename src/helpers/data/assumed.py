"""What was taken for granted about tables that somebody brings, said in one table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.data import own_table
from helpers.data.columns import covariates
from helpers.data.inferred import cohort_columns
from helpers.data.sections import Covariate
from helpers.data.study import Study, from_text
from helpers.data.table_file import columns_of

Row = tuple[str, str, str]


def assumptions(folder: str | Path, study: Study) -> pd.DataFrame:
    """What was taken for granted about the tables of a folder: `about, assumed, because`.

    Parameters
    ----------
    folder : path
    study : Study
        As `helpers.data.study.read` gives it.

    Returns
    -------
    DataFrame
        Without rows when `study.yaml` and complete tables leave nothing to assume.

    Examples
    --------
    >>> import tempfile
    >>> from helpers.data.inferred import infer
    >>> folder = Path(tempfile.mkdtemp(), "mine")
    >>> folder.mkdir()
    >>> _ = (folder / "predictions.csv").write_text("label,risk\\n0,0.1\\n1,0.8\\n")
    >>> made = assumptions(folder, infer(folder)).set_index("about")
    >>> made.loc["column split", "because"]
    'there is no such column: every row is taken for a test case that no choice has seen'
    """
    folder = Path(folder)
    path = folder / "study.yaml"
    said = from_text(path.read_text(encoding="utf-8-sig")) if path.is_file() else None
    table = own_table.find(folder)
    rows = [] if said else _meaning(study)
    rows += _columns(folder, table, study) + _splits(study, said) if table else []
    rows += [] if said else _settings(folder, table, study)
    return pd.DataFrame(rows, columns=["about", "assumed", "because"])


def sentence(study: Study) -> str:
    """Where models are judged and choices are made, in a sentence."""
    if not {"discrimination", "calibration", "decision"} & set(study.chapters):
        return "No table of predictions is there: readers are compared with each other."
    if study.choosing:
        return (
            f"Models are judged on the split {study.judged}; thresholds and recalibration maps are chosen on the split "
            f"{study.choosing}."
        )
    return (
        f"Models are judged on the split {study.judged}. There is no case on which anything may be chosen, so the "
        f"threshold is declared ({study.threshold.value:g}) and no risk is recalibrated."
    )


def _meaning(study: Study) -> list[Row]:
    return [
        ("name and title", study.name, "the name of the folder"),
        ("outcome", "label 1 is positive", "the tables do not say what the label means: write it in study.yaml"),
    ]


def _columns(folder: Path, table: Path, study: Study) -> list[Row]:
    found = own_table.notes(columns_of(table), study=study.name, cohort=cohort_columns(folder))
    return [(f"column {name}", value or "(empty)", because) for name, value, because in found]


def _splits(study: Study, said: Study | None) -> list[Row]:
    rows = []
    if said is None or said.validation.judged is None:
        rows.append(("models are judged on", study.judged, "the first that is there of test, external and oof"))
    if said is None or said.validation.choosing is None:
        if study.choosing:
            rows.append(("choices are made on", study.choosing, "the first that is there of tune, oof and train"))
        else:
            rows.append(("choices are made on", "(no case)", "there is no row of tune, oof or train"))
    if said is None or "threshold" not in said.model_fields_set:
        rule = study.threshold.rule if study.choosing else f"declared, {study.threshold.value:g}"
        because = (
            "the default rule: the largest Youden index"
            if study.choosing
            else "judged cases choose nothing: declare your own in study.yaml"
        )
        rows.append(("threshold", rule, because))
    return rows


def _settings(folder: Path, table: Path | None, study: Study) -> list[Row]:
    rows = []
    if table:
        span = f"{study.decision.low:.0%} to {study.decision.high:.0%}"
        rows.append(("range of decisions", span, "the default: declare your own with its reason in study.yaml"))
    rows += [(f"covariate {c.name}", _told(c), "told from the values of the column") for c in study.covariates]
    if "cohort" in study.chapters:
        rows += [(f"column {name}", "left out", why) for name, why in covariates(folder / "cohort.csv")[1]]
        if "subgroups" not in study.chapters:
            known = "case_id" in columns_of(table)
            why = "no categorical covariate and one centre" if known else f"{table.name} has no case_id"
            rows.append(("chapter subgroups", "left out", why))
    if "readers" in study.chapters:
        pair = f"{study.readers.unaided} is the reference, {study.readers.aided} is compared with it"
        rows.append(("modalities", pair, "unaided and aided where they are called so, else in alphabetical order"))
        cut = study.readers.positive_from
        if cut is not None:
            why = "the middle between the lowest and the highest rating: declare your own in study.yaml"
            rows.append(("a reader's call is positive", f"from a rating of {cut:g}", why))
    return rows


def _told(covariate: Covariate) -> str:
    if covariate.type == "continuous":
        return "continuous, unit and range not declared"
    return "categorical: " + ", ".join(covariate.levels)

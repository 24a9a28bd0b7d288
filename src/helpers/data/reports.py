"""The table of reports, `reports.csv`: one free text a case, and what the dictionary reads in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.report_terms import TERMS, keyword_call, read_report, term_list
from helpers.data.table_file import load

FILE = "reports.csv"
COLUMNS = ["case_id", "language", "text"]
ALONE, TOGETHER = "report", "report and model"  # the models that a report makes, alone and with a network
RISK = (
    "A report has no risk. It is given the share of metastatic nodes among the training nodes with the same call, with "
    "one half added to each outcome, so that it can stand in one table with the networks."
)


def read(folder: str | Path, cohort: pd.DataFrame, *, language: str = "en", terms: Path = TERMS) -> pd.DataFrame:
    """Read the reports of a study and what they say.

    Parameters
    ----------
    folder : path
        Study folder; `reports.csv` lies in it, with `case_id`, `text` and, where reports are in several languages,
        `language`.
    cohort : DataFrame
        With `case_id`.
    language : str
        Of reports without one.
    terms : Path
        Folder of the term lists.

    Returns
    -------
    DataFrame
        One row a case of the cohort, in its order: `case_id, language, text, call, keyword, findings`. A case without
        a report has an empty text, whose call is `none`. `keyword` is the call of a plain search; `findings` names
        each term with its status.

    Raises
    ------
    StudyError
        Naming row and column: an unknown or repeated case, a language without a list, a text in another script.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / FILE).write_text("case_id,text\\nN1,No metastasis.\\n")
    >>> read(folder, pd.DataFrame({"case_id": ["N1", "N2"]}))["call"].tolist()
    ['benign', 'none']
    """
    if not (Path(folder) / FILE).is_file():
        raise StudyError("no such file", file=FILE, fix="put the table there, or take reports out of study.yaml")
    table = load(Path(folder) / FILE, text=True)
    for column in ("case_id", "text"):
        if column not in table:
            raise StudyError(
                "there is no such column", file=FILE, row=1, column=column, fix=f"give {', '.join(COLUMNS)}"
            )
    table = table.fillna("").reset_index(drop=True)
    if "language" not in table:
        table["language"] = language
    known, texts = set(cohort["case_id"]), {}
    for row, line in enumerate(table.itertuples(), start=2):
        case = str(line.case_id)
        if case not in known:
            raise StudyError(
                f"case {case!r} is not in cohort.csv", file=FILE, row=row, column="case_id", fix="correct it"
            )
        if case in texts:
            fix = "keep one report a case, or join the texts"
            raise StudyError(f"case {case!r} has a report already", file=FILE, row=row, column="case_id", fix=fix)
        texts[case] = (row, str(line.language) or language, str(line.text))
    rows = []
    for case in cohort["case_id"]:
        row, spoken, text = texts.get(case, (None, language, ""))
        try:
            listed = term_list(spoken, folder=terms)
            made = read_report(text, listed)
        except StudyError as error:
            raise StudyError(error.message, file=error.file, row=row, column=error.column, fix=error.fix) from None
        said = "; ".join(f"{finding.term} ({finding.status})" for finding in made.findings)
        rows.append((case, spoken, text, made.call, keyword_call(text, listed), said))
    return pd.DataFrame(rows, columns=[*COLUMNS, "call", "keyword", "findings"])


def positive(calls: pd.Series, *, uncertain: str = "positive") -> pd.Series:
    """Whether each call counts as malignant; a report that says nothing does not.

    Parameters
    ----------
    calls : Series of str
        As in `report_terms.CALLS`.
    uncertain : str
        `positive`, as published, or `negative`.

    Returns
    -------
    Series of bool

    Examples
    --------
    >>> positive(pd.Series(["malignant", "uncertain", "none"])).tolist()
    [True, True, False]
    """
    if uncertain not in ("positive", "negative"):
        raise ValueError(f"uncertain must be positive or negative, not {uncertain!r}")
    return calls.isin(["malignant", "uncertain"] if uncertain == "positive" else ["malignant"])


def risk(called: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Turn decisions into risks by the shares of the cases with a label.

    Parameters
    ----------
    called : bool array of shape (n,)
    label : float array of shape (n,)
        0 or 1 where it may be read, NaN elsewhere.

    Returns
    -------
    array of shape (n,)
        In (0, 1): two values.

    Examples
    --------
    >>> risk(np.array([True, True, True, False]), np.array([1.0, 1.0, np.nan, 0.0])).round(3).tolist()
    [0.833, 0.833, 0.833, 0.25]
    """
    called, known = np.asarray(called, bool), np.isfinite(label)
    shares = {}
    for value in (False, True):
        own = np.asarray(label)[known & (called == value)]
        shares[value] = (own.sum() + 0.5) / (len(own) + 1)
    return np.where(called, shares[True], shares[False])

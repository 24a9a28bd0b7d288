"""Write one table for readers, spreadsheets, manuscripts and machines: CSV, XLSX, DOCX, LaTeX, JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.book.files import frozen_zip, write_bytes, write_json, write_text
from helpers.book.latex import latex_table
from helpers.data import spreadsheet

if TYPE_CHECKING:
    import pandas as pd

ABSENT = "–"  # what a missing value looks like in print
_WORDS = {"auc": "AUC", "roc": "ROC", "ppv": "PPV", "npv": "NPV", "lr": "LR", "dor": "DOR", "mcc": "MCC", "f1": "F1"}
_WORDS |= {
    "se": "SE",
    "sd": "SD",
    "ci": "CI",
    "iqr": "IQR",
    "smd": "SMD",
    "ici": "ICI",
    "id": "ID",
    "cv": "cross-validated",
}
_WORDS |= {
    "iou": "IoU",
    "sha256": "SHA-256",
    "mb": "MB",
    "gb": "GB",
    "mm": "mm",
    "n": "n",
    "df": "df",
    "f": "F",
    "p": "P",
}
_NAMED = ("measure", "quantity", "item", "statistic")  # columns whose cells are names of columns elsewhere
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # no XML can hold these


def words(name: str) -> str:
    """Name of a column or measure as a reader wants to see it.

    Examples
    --------
    >>> words("calibration_slope"), words("cv_auc"), words("n"), words("DL_image"), words("P (Holm)")
    ('Calibration slope', 'Cross-validated AUC', 'n', 'DL_image', 'P (Holm)')
    """
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
        return name
    first, *rest = (_WORDS.get(part, part) for part in name.removesuffix("_value").split("_"))
    start = first if first in ("n", "mm", "df") else first[:1].upper() + first[1:]
    return " ".join([start, *rest])


def display_frame(
    frame: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    formats: Mapping[str, str | Callable[[object], str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Turn a tidy table into the strings that are printed.

    Parameters
    ----------
    frame : DataFrame
        One row a row of the table; a named index becomes the first columns.
    columns : sequence of str or None
        Columns to print, in order; all when None.
    formats : mapping from column to format
        A format string (`"{:.3f}"`) or a function from the value to text. Without one a float has three
        decimals, a whole number none, and a truth value is yes or no. Minus signs are signs, not hyphens.
    headers : mapping from column to text
        What is printed above the column; the column's name in words when absent.

    Returns
    -------
    DataFrame
        Text only; a missing value is an en dash.

    Raises
    ------
    ValueError
        If `columns`, `formats` or `headers` names a column that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"model": ["a", "b"], "auc": [0.8123, None], "n": [116, 116]})
    >>> display_frame(frame, formats={"auc": "{:.2f}"}, headers={"auc": "AUC"}).values.tolist()
    [['a', '0.81', '116'], ['b', '–', '116']]
    """
    import pandas as pd

    frame = _flat(frame)
    formats, headers = dict(formats or {}), dict(headers or {})
    for argument, names in (("columns", columns or ()), ("formats", formats), ("headers", headers)):
        unknown = [str(name) for name in names if name not in frame.columns]
        if unknown:
            raise ValueError(f"{argument} names columns that the table lacks: {', '.join(unknown)}")
    shown = list(frame.columns if columns is None else columns)
    forms = {column: _name for column in _NAMED} | formats
    texts = {column: [_text(value, forms.get(column)) for value in frame[column]] for column in shown}
    out = pd.DataFrame(texts, columns=shown, dtype=object)
    out.columns = [str(headers.get(column, words(str(column)))) for column in shown]
    return out


def write_table(
    folder: str | Path,
    name: str,
    frame: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    formats: Mapping[str, str | Callable[[object], str]] | None = None,
    headers: Mapping[str, str] | None = None,
    pointing: Sequence[str] = (),
    methods: str = "",
    note: str = "",
    finding: str = "",
    simulated: bool = False,
    quoted: bool = False,
    of: tuple[int, int] | Mapping[str, tuple[int, int]] | None = None,
) -> pd.DataFrame:
    """Write `<name>.csv`, `.display.csv`, `.xlsx`, `.docx`, `.tex` and `.json`; the same table gives the same bytes.

    The CSV has every column and full precision. The others have the printed strings, except that numbers
    stay numbers in the spreadsheet. Text that a spreadsheet would run as a formula is text there, and in the CSV has an
    apostrophe in front, which `helpers.data.spreadsheet.read_csv` takes away.

    Parameters
    ----------
    folder : str or Path
        Where the files go.
    name : str
        Stem of the files, such as `tab-performance`.
    frame : DataFrame
        One row a row of the table; a named index becomes the first columns.
    columns, formats, headers
        As for `display_frame`.
    pointing : sequence of str
        Columns whose cells `page/name` point at a figure or table of the study; the book makes them links.
    methods : str
        How the numbers were made, in a sentence; `doi:10.1000/xyz` becomes a link in the book.
    note : str
        Footnote: abbreviations, what a dash means.
    finding : str
        What the table shows, in a computed sentence; it leads the caption.
    simulated : bool
        Say "Simulated data" under the table in the spreadsheet and the manuscript table.
    quoted : bool
        The table quotes numbers that others print; it is then left out of the audit of the book's own tables.
    of : tuple of int, or mapping of str to tuple of int, or None
        Cases and events that the metrics of the table rest on, where it has no such columns: for the whole table, or
        by the text of its first column. The audit of the book's own tables uses it.

    Returns
    -------
    DataFrame
        The printed strings.

    Raises
    ------
    ValueError
        If a named column is not there or the columns have several levels.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = write_table(folder, "tab-a", pd.DataFrame({"center": ["=1+1"], "n": [3]}))
    >>> sorted(path.name for path in folder.iterdir())
    ['tab-a.csv', 'tab-a.display.csv', 'tab-a.docx', 'tab-a.json', 'tab-a.tex', 'tab-a.xlsx']
    """
    import pandas as pd

    folder, frame = Path(folder), _flat(frame)
    shown = display_frame(frame, columns=columns, formats=formats, headers=headers)
    values = frame[list(frame.columns if columns is None else columns)]
    numeric = [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in values.dtypes]
    notes = [
        text for text in (note, methods, "Simulated data: no finding about patients." if simulated else "") if text
    ]
    write_text(folder / f"{name}.csv", spreadsheet.to_csv(frame))
    write_text(folder / f"{name}.display.csv", _display_csv(shown))
    write_bytes(folder / f"{name}.xlsx", _xlsx(name, shown, values, numeric, notes))
    write_bytes(folder / f"{name}.docx", _docx(shown, numeric, notes))
    write_text(folder / f"{name}.tex", latex_table(shown, numeric, name=name, notes=notes))
    about = {"kind": "table", "name": name, "methods": methods, "note": note, "simulated": simulated}
    printed = dict(zip(values.columns, shown.columns))
    about |= {"pointing": [printed[column] for column in pointing]} if pointing else {}
    about |= {"columns": {str(column): head for column, head in printed.items()}}  # from name to heading
    declared = {printed[head]: name for head, name in frame.attrs.get("intervals", {}).items() if head in printed}
    about |= {"intervals": declared} if declared else {}  # from heading to the measure behind it
    about |= {"quoted": True} if quoted else {}
    if of is not None:
        about["of"] = {name: list(pair) for name, pair in (of if isinstance(of, Mapping) else {"": of}).items()}
    about |= {"finding": finding} if finding else {}
    write_json(folder / f"{name}.json", about | {"numeric": numeric, "rows": len(frame)})
    return shown


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Every value in a plain column: a named index becomes columns, a nameless one is row numbers."""
    if not hasattr(frame, "columns"):
        raise TypeError(f"frame must be a DataFrame, not {type(frame).__name__}")
    if frame.columns.nlevels > 1:
        raise ValueError("frame has columns of several levels; give each column one name")
    if not frame.columns.is_unique:
        raise ValueError("frame has two columns of one name")
    return frame.reset_index(drop=all(name is None for name in frame.index.names))


def _text(value: object, form: str | Callable[[object], str] | None) -> str:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ABSENT
    if callable(form):
        return str(form(value))
    if isinstance(value, (bool, np.bool_)) and form is None:
        return "yes" if value else "no"
    text = (form or ("{:.3f}" if isinstance(value, (float, np.floating)) else "{}")).format(value)
    return _signed(text) if isinstance(value, (int, float, np.number)) else text


def _signed(text: str) -> str:
    """A printed number with a minus sign, as intervals have; none before a number that is rounded to zero."""
    if not text.startswith("-"):
        return text
    return f"−{text[1:]}" if re.search("[1-9]|inf", text) else text[1:]


def _name(value: object) -> str:
    return words(value) if isinstance(value, str) else _text(value, None)


def _display_csv(shown: pd.DataFrame) -> str:
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerow(shown.columns)
    rows.writerows(shown.itertuples(index=False))
    return stream.getvalue()


def _xlsx(name: str, shown: pd.DataFrame, values: pd.DataFrame, numeric: Sequence[bool], notes: Sequence[str]) -> bytes:
    import math

    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, Side

    book = Workbook()
    book.properties.creator = "ThyroBook"
    sheet = book.active
    sheet.title = re.sub(r"[\\/*?:\[\]]", "-", name)[:31]
    thick, thin = Side(style="medium"), Side(style="thin")

    def put(row: int, column: int, value: object) -> object:
        cell = sheet.cell(row=row, column=column)
        if isinstance(value, str):
            # set the type by hand: the library would take "=1+1" for a formula
            cell.value, cell.data_type = _UNPRINTABLE.sub("", value), "s"
            cell.quotePrefix = value.startswith(spreadsheet.FORMULA)
        else:
            cell.value = value
        return cell

    for column, title in enumerate(shown.columns, start=1):
        cell = put(1, column, title)
        cell.font, cell.border = Font(bold=True), Border(top=thick, bottom=thin)
        strings = [title, *shown.iloc[:, column - 1]]
        sheet.column_dimensions[cell.column_letter].width = min(60, max(map(len, strings)) + 2)
    for column, is_number in enumerate(numeric):
        for row, (value, text) in enumerate(zip(values.iloc[:, column], shown.iloc[:, column]), start=2):
            if is_number and not pd.isna(value) and math.isfinite(value):
                cell = put(row, column + 1, value.item() if hasattr(value, "item") else value)
                cell.number_format = _number_format(text)
            else:
                cell = put(row, column + 1, text)
            cell.alignment = Alignment(horizontal="right" if is_number else "left")
            if row == len(shown) + 1:
                cell.border = Border(bottom=thick)
    for offset, text in enumerate(notes):
        put(len(shown) + 3 + offset, 1, text).font = Font(italic=True, size=9)
    sheet.freeze_panes = "A2"
    stream = io.BytesIO()
    book.save(stream)
    return frozen_zip(stream.getvalue())


def _number_format(shown: str) -> str:
    """Show as many decimals as the printed table; the cell keeps the full number."""
    plain = re.fullmatch(r"[-−]?\d+(?:\.(\d+))?(%?)", shown)
    if plain is None:
        return "General"
    decimals = plain.group(1)
    return "0" + (f".{'0' * len(decimals)}" if decimals else "") + plain.group(2)


def _docx(shown: pd.DataFrame, numeric: Sequence[bool], notes: Sequence[str]) -> bytes:
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    document = Document()
    about = document.core_properties
    about.author, about.comments, about.title = "ThyroBook", "", ""
    table = document.add_table(rows=1 + len(shown), cols=shown.shape[1])
    for row, line in enumerate([list(shown.columns), *shown.values.tolist()]):
        for column, (cell, text) in enumerate(zip(table.rows[row].cells, line)):
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(_UNPRINTABLE.sub("", text))
            run.bold, run.font.size = row == 0, Pt(9)
            paragraph.paragraph_format.space_after = Pt(0)
            if numeric[column]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            edges = {"top": 12, "bottom": 6} if row == 0 else {}
            _rule(cell, edges | ({"bottom": 12} if row == len(shown) else {}))
    _repeat_header(table.rows[0])
    for text in notes:
        run = document.add_paragraph().add_run(_UNPRINTABLE.sub("", text))
        run.italic, run.font.size = True, Pt(8)
    stream = io.BytesIO()
    document.save(stream)
    return frozen_zip(stream.getvalue())


def _rule(cell: object, edges: Mapping[str, int]) -> None:
    """Draw the horizontal rules of a three-line table; python-docx has no call for cell borders."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    if not edges:
        return
    borders = OxmlElement("w:tcBorders")
    for edge, eighths in edges.items():
        line = OxmlElement(f"w:{edge}")
        line.set(qn("w:val"), "single")
        line.set(qn("w:sz"), str(eighths))  # eighths of a point
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _repeat_header(row: object) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))

r"""A table as LaTeX for a manuscript: three rules (booktabs), numbers to the right, all data escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WIDE = 34  # characters; a column with a longer cell is set as a paragraph, or the table leaves the page
LONG = 40  # rows; a longer table may break over pages
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # after a line end a bracket would be read as its option
    "]": "{]}",
    "−": r"\ensuremath{-}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "≈": r"\ensuremath{\approx}",
    "²": r"\textsuperscript{2}",
    "µ": r"\textmu{}",
    "–": "--",
    "—": "---",
}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    Examples
    --------
    >>> print(escaped("50 % of A_1 & {B}"))
    50 \% of A\_1 \& \{B\}
    """
    plain = _UNPRINTABLE.sub("", " ".join(text.split()))
    return "".join(_ESCAPES.get(letter, letter) for letter in plain)


def latex_table(shown: pd.DataFrame, numeric: Sequence[bool], *, name: str, notes: Sequence[str] = ()) -> str:
    r"""Set printed strings as a LaTeX table, ready for `\input`.

    Parameters
    ----------
    shown : DataFrame
        Text only, as `helpers.book.tables.display_frame` makes it.
    numeric : sequence of bool
        Which columns are set to the right.
    name : str
        Stem of the file; the label is `tab:` and its last part.
    notes : sequence of str
        Lines under the table.

    Returns
    -------
    str
        A `table` with a `tabular`, or a `longtable` of more than 40 rows. It needs `booktabs`, `array`,
        `longtable`, `textcomp` and an encoding of UTF-8; the caption is left to the author.

    Examples
    --------
    >>> import pandas as pd
    >>> text = latex_table(pd.DataFrame({"Model": ["a_b"], "AUC": ["0.81"]}), [False, True], name="tab-a")
    >>> [line for line in text.splitlines() if "&" in line]
    ['Model & AUC \\\\', 'a\\_b & 0.81 \\\\']
    """
    widths = [max([len(str(text)) for text in shown.iloc[:, at]], default=0) for at in range(shown.shape[1])]
    broad = [width > WIDE and not number for width, number in zip(widths, numeric)]
    share = 0.92 / max(1, sum(broad)) * (1 if sum(broad) == len(broad) else 0.7)
    paragraph = rf">{{\raggedright\arraybackslash}}p{{{share:.2f}\linewidth}}"
    columns = "".join(paragraph if wide else "r" if number else "l" for wide, number in zip(broad, numeric))
    head = " & ".join(map(escaped, map(str, shown.columns))) + r" \\"
    rows = [" & ".join(map(escaped, map(str, row))) + r" \\" for row in shown.itertuples(index=False)]
    label = rf"\label{{tab:{name.removeprefix('tab-')}}}"
    under = [rf"\par\smallskip{{\footnotesize {escaped(note)}}}" for note in notes]
    if len(rows) > LONG:
        start = [rf"\begin{{longtable}}{{{columns}}}", rf"\caption{{}}{label}\\", r"\toprule", head, r"\midrule"]
        start += [r"\endhead", r"\bottomrule", r"\endlastfoot"]
        body = [*start, *rows, r"\end{longtable}", *under]
    else:
        start = [r"\begin{table}", r"\caption{}" + label, r"\centering\small", rf"\begin{{tabular}}{{{columns}}}"]
        rules = [r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
        body = [*start, *rules, *under, r"\end{table}"]
    needs = r"% \usepackage[T1]{fontenc} \usepackage{textcomp,booktabs,array,longtable}"
    return "\n".join([needs, *body]) + "\n"

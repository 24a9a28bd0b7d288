"""Text that a spreadsheet would run as a formula, kept as text in the CSV files that readers download.

A cell such as `=HYPERLINK("http://x","open")` gets an apostrophe in front, which a spreadsheet takes as "this is text".
Numbers stay numbers. Who reads such a file by program takes the apostrophe away again with `read_csv`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs text that begins so
_RUN = re.compile(r"'*[=+\-@\t\r]")  # with an apostrophe of its own it gets one more, so that no text is lost
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guarded(text: str) -> str:
    """A cell that no spreadsheet runs.

    Examples
    --------
    >>> guarded('=HYPERLINK("http://x")'), guarded("-0.5"), guarded("a=b")
    ('\\'=HYPERLINK("http://x")', '-0.5', 'a=b')
    """
    return f"'{text}" if _RUN.match(text) and not _NUMBER.fullmatch(text) else text


def plain(text: str) -> str:
    """What `guarded` was given.

    Examples
    --------
    >>> [plain(guarded(text)) for text in ("=1+1", "'=1+1", "-0.5", "'tis")]
    ['=1+1', "'=1+1", '-0.5', "'tis"]
    """
    return text[1:] if _GUARDED.match(text) else text


def to_csv(frame: pd.DataFrame) -> str:
    """A table as CSV, its text guarded, headings too.

    Parameters
    ----------
    frame : DataFrame
        Its index is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> print(to_csv(pd.DataFrame({"center": ["=1+1", "A"], "auc": [-0.5, 0.25]})), end="")
    center,auc
    '=1+1,-0.5
    A,0.25
    """
    return _each(frame, guarded).to_csv(index=False, lineterminator="\n")


def read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    """Read a table that `to_csv` wrote; `options` as for `pandas.read_csv`."""
    import pandas as pd

    return _each(pd.read_csv(path, **options), plain)


def _each(frame: pd.DataFrame, change: Any) -> pd.DataFrame:
    """The table with every text changed; columns without such text keep their type."""
    import pandas as pd

    frame = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if pd.api.types.is_numeric_dtype(kind):
            continue
        values = list(frame.iloc[:, place])
        made = [change(value) if isinstance(value, str) else value for value in values]
        if any(new is not old and new != old for new, old in zip(made, values) if isinstance(old, str)):
            frame.isetitem(place, pd.Series(made, index=frame.index, dtype=object))
    frame.columns = [change(name) if isinstance(name, str) else name for name in frame.columns]
    return frame

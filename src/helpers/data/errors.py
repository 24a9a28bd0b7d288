"""The one error for what users give us: tables, file names, media, settings."""

from __future__ import annotations


class StudyError(ValueError):
    """A fault in a study's files, said once: what is wrong, where, and the way out.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence without a final full stop.
    file : str or None
        The file, relative to the study folder.
    row : int or None
        Row as a spreadsheet counts: the header is row 1, the first case row 2.
    column : str or None
        Column of a table.
    key : str or None
        Key of `study.yaml`, with dots between levels.
    fix : str or None
        What to do about it.

    Examples
    --------
    >>> str(StudyError("unknown level 'mael'", file="cohort.csv", row=7, column="sex", fix="use male, female"))
    "cohort.csv, row 7, column sex: unknown level 'mael'. Way out: use male, female."
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        key: str | None = None,
        fix: str | None = None,
    ) -> None:
        where = [str(file)] if file is not None else []
        if row is not None:
            where.append(f"row {row}")
        if column is not None:
            where.append(f"column {column}")
        if key is not None:
            where.append(f"key {key}")
        text = (", ".join(where) + ": " if where else "") + message + "."
        if fix:
            text += f" Way out: {fix}."
        super().__init__(text)
        self.message, self.file, self.row, self.column, self.key, self.fix = (
            message,
            file,
            row,
            column,
            key,
            fix,
        )

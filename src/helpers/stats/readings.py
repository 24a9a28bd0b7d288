"""Readings of a reader study: the table `readings.csv`, its checks, and the array every analysis uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.errors import StudyError

COLUMNS = ("reader", "modality", "case_id", "patient_id", "label", "rating")
KNOWN_MODALITIES = ("unaided", "aided")


@dataclass(frozen=True, eq=False)
class ReadingCube:
    """Readings as one array, with the names of its axes.

    Parameters
    ----------
    modalities, readers, cases : tuple
        Names along the three axes, sorted.
    label : int array of shape (n_cases,)
        1 positive, 0 negative.
    patient : int array of shape (n_cases,)
        Number of the patient of each case, from 0.
    rating : float array of shape (n_modalities, n_readers, n_cases)
        NaN where a reader did not read a case.
    experience : dict
        Experience of each reader; empty when the table does not say.
    """

    modalities: tuple
    readers: tuple
    cases: tuple
    label: np.ndarray
    patient: np.ndarray
    rating: np.ndarray
    experience: dict

    @property
    def crossed(self) -> bool:
        """Whether every reader read every case in every modality."""
        return not np.isnan(self.rating).any()

    @property
    def clustered(self) -> bool:
        """Whether a patient has more than one case."""
        return self.n_patients < len(self.cases)

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return int(self.patient.max()) + 1

    @property
    def binary(self) -> bool:
        """Whether all ratings are 0 or 1."""
        return bool(np.isin(self.rating[~np.isnan(self.rating)], (0.0, 1.0)).all())

    def calls(self, threshold: float | None = None) -> np.ndarray:
        """Ratings as decisions.

        Parameters
        ----------
        threshold : float or None
            A rating at or above it is a positive call; None only when ratings are 0 and 1.

        Returns
        -------
        float array of shape (n_modalities, n_readers, n_cases)
            1 positive, 0 negative, NaN not read.

        Raises
        ------
        ValueError
            If ratings are graded and no threshold is given.
        """
        if threshold is None:
            if not self.binary:
                raise ValueError("readings: ratings are graded; give threshold= (positive at or above it)")
            return self.rating
        return np.where(np.isnan(self.rating), np.nan, (self.rating >= threshold).astype(float))


def read(path: str | Path, *, minimum_readers: int = 2, minimum_modalities: int = 2) -> pd.DataFrame:
    """Read and check `readings.csv`.

    Parameters
    ----------
    path : str or Path
        CSV with `reader, modality, case_id, patient_id, label, rating` and, if known, `experience`;
        one row a reading. A case that a reader did not read has no row.
    minimum_readers, minimum_modalities : int
        Fewer are an error; set one to 1 for a study with a single reader, or of unaided readings only.

    Returns
    -------
    DataFrame
        The table with text identifiers, `label` as 0/1 and `rating` as a number.

    Raises
    ------
    StudyError
        If a column is missing, a cell is empty, a label is not 0 or 1 or differs within a case, a patient
        differs within a case, a rating is no number, a reading is there twice, or there are too few
        readers, modalities or classes.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> rows = [f"{r},{m},c{k},p{k},{k % 2},{k % 2}" for r in "AB" for m in ("aided", "unaided") for k in range(4)]
    >>> file = pathlib.Path(tempfile.mkdtemp(), "readings.csv")
    >>> _ = file.write_text("reader,modality,case_id,patient_id,label,rating\\n" + "\\n".join(rows))
    >>> read(file).shape
    (16, 6)
    """
    path = Path(path)
    try:
        frame = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except FileNotFoundError:
        raise StudyError("there is no such file", file=path.name, fix="write one row a reading") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        fix = "save it as CSV in UTF-8 with a header"
        raise StudyError(f"this is not a CSV table ({error})", file=path.name, fix=fix) from None
    frame.columns = frame.columns.str.strip()
    frame = frame.apply(lambda column: column.str.strip()).replace("", np.nan)
    for column in ("label", "rating"):
        if column in frame:
            number = pd.to_numeric(frame[column], errors="coerce")
            bad = number.isna() & frame[column].notna()
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                message = f"{frame[column].iloc[row]!r} is not a number"
                raise StudyError(message, file=path.name, row=row + 2, column=column, fix="write a number")
            frame[column] = number
    fault = _fault(frame, COLUMNS, minimum_readers, minimum_modalities)
    if fault:
        message, row, column, fix = fault
        row = None if row is None else row + 2
        raise StudyError(message, file=path.name, row=row, column=column, fix=fix)
    return frame.assign(label=frame["label"].astype(int))


def two_ways(
    readings: pd.DataFrame, *, unaided: str = "unaided", aided: str = "aided", positive_from: float | None = None
) -> tuple[pd.DataFrame, float, bool]:
    """Readings of two modalities, the rating from which a call is positive, and whether ratings are graded.

    Parameters
    ----------
    readings : DataFrame
        As `read` gives it.
    unaided, aided : str
        The two modalities.
    positive_from : float or None
        Lowest rating that is a positive call; None when ratings are 0 and 1.

    Raises
    ------
    ValueError
        Beginning with the key of `study.yaml`: a modality is absent, graded ratings have no cut, or one that divides
        nothing.
    """
    there = sorted(readings["modality"].unique().tolist(), key=str) if "modality" in readings else []
    for key, name in (("unaided", unaided), ("aided", aided)):
        if name not in there:
            raise ValueError(f"readers.{key}: no reading has the modality {name!r}; there are {', '.join(there)}")
    readings = readings[readings["modality"].isin([unaided, aided])].reset_index(drop=True)
    levels = np.unique(readings["rating"].to_numpy(float))
    graded = not np.isin(levels, (0, 1)).all()
    if graded and positive_from is None:
        raise ValueError("readers.positive_from: ratings are graded; say from which rating a call is positive")
    cut = 0.5 if positive_from is None else float(positive_from)
    if not levels[0] < cut <= levels[-1]:
        raise ValueError(f"readers.positive_from: {cut:g} divides nothing, ratings are {levels[0]:g} to {levels[-1]:g}")
    return readings, cut, graded


def disagreement(error: ValueError) -> StudyError:
    """What `two_ways` found wrong, as a fault of `study.yaml`."""
    key, _, said = str(error).partition(": ")
    return StudyError(said, file="study.yaml", key=key, fix="make study.yaml and readings.csv agree")


def cube(
    readings: pd.DataFrame,
    *,
    minimum_readers: int = 1,
    minimum_modalities: int = 1,
    modalities: Sequence | None = None,
) -> ReadingCube:
    """Check readings and lay them out by modality, reader and case.

    Parameters
    ----------
    readings : DataFrame
        `reader, modality, case_id, label, rating`, one row a reading; optionally `patient_id` (without
        it every case is a patient of its own) and `experience`.
    minimum_readers, minimum_modalities : int
        Fewer are an error.
    modalities : sequence or None
        Modalities to keep, in this order; None keeps all, sorted.

    Returns
    -------
    ReadingCube
        Array of shape (n_modalities, n_readers, n_cases) with NaN where a case was not read.

    Raises
    ------
    ValueError
        If the table has a fault; the text says which, and where.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, 1 + k) for r in "AB" for m in ("aided", "unaided") for k in range(4)]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> cube(table).rating.shape
    (2, 2, 4)
    """
    if not isinstance(readings, pd.DataFrame):
        raise ValueError(f"readings must be a DataFrame, not {type(readings).__name__}")
    frame = readings.reset_index(drop=True)
    needed = [column for column in COLUMNS if column != "patient_id"]
    if modalities is not None and "modality" in frame:
        unknown = [name for name in modalities if name not in set(frame["modality"])]
        if unknown or len(set(modalities)) < len(modalities):
            there = sorted(frame["modality"].unique().tolist(), key=str)
            raise ValueError(f"modalities must name different ones of {there}, not {list(modalities)}")
        frame = frame[frame["modality"].isin(modalities)].reset_index(drop=True)
    fault = _fault(frame, needed, minimum_readers, minimum_modalities)
    if fault:
        message, row, column, fix = fault
        place = ", ".join(([f"row {row}"] if row is not None else []) + ([column] if column else []))
        raise ValueError(f"readings{' (' + place + ')' if place else ''}: {message}; {fix}")
    axes = {
        "modality": tuple(modalities or sorted(frame["modality"].unique().tolist(), key=str)),
        "reader": tuple(sorted(frame["reader"].unique().tolist(), key=str)),
        "case_id": tuple(sorted(frame["case_id"].unique().tolist(), key=str)),
    }
    where = [pd.Index(names).get_indexer(frame[column]) for column, names in axes.items()]
    rating = np.full([len(names) for names in axes.values()], np.nan)
    rating[tuple(where)] = frame["rating"].to_numpy(float)
    first = frame.drop_duplicates("case_id").set_index("case_id").loc[list(axes["case_id"])]
    owner = first["patient_id"] if "patient_id" in frame else pd.Series(first.index)
    experience = {}
    if "experience" in frame:
        experience = frame.drop_duplicates("reader").set_index("reader")["experience"].to_dict()
    label = first["label"].to_numpy(int)
    return ReadingCube(*axes.values(), label, pd.factorize(owner)[0], rating, experience)


@dataclass(frozen=True, eq=False)
class ReaderDesign:
    """What a readings table holds, said before any analysis.

    Parameters
    ----------
    table : DataFrame
        One row a reader and modality: readings, cases missing, levels of the rating used.
    notes : tuple of str
        What a reader of the results should know: names outside the usual, missing cells, clusters, scale.
    methods : str
        One sentence for the methods section.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return one row a reader and modality."""
        return self.table.copy()


def describe(readings: pd.DataFrame) -> ReaderDesign:
    """State the design of a reader study.

    Parameters
    ----------
    readings : DataFrame
        As `cube` takes it.

    Returns
    -------
    ReaderDesign
        Counts by reader and modality, notes and a sentence.

    Raises
    ------
    ValueError
        If the table has a fault.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, 1 + k) for r in "AB" for m in ("aided", "with AI") for k in range(4)]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> describe(table).notes[0]
    "modality 'with AI' is neither 'unaided' nor 'aided'"
    """
    data = cube(readings)
    rows = []
    for m, modality in enumerate(data.modalities):
        for r, reader in enumerate(data.readers):
            given = data.rating[m, r][~np.isnan(data.rating[m, r])]
            counts = dict(readings=given.size, missing=len(data.cases) - given.size, levels=np.unique(given).size)
            rows.append(dict(reader=reader, experience=data.experience.get(reader), modality=modality, **counts))
    unknown = [name for name in data.modalities if name not in KNOWN_MODALITIES]
    notes = [f"modality {name!r} is neither 'unaided' nor 'aided'" for name in unknown]
    missing = int(np.isnan(data.rating).sum())
    if missing:
        notes.append(f"{missing} of {data.rating.size} cells were not read: use u_statistics, not obuchowski_rockette")
    if data.clustered:
        notes.append(f"{len(data.cases)} cases come from {data.n_patients} patients: intervals are by patient")
    if "patient_id" not in readings:
        notes.append("there is no patient_id: every case counts as a patient of its own")
    if data.binary:
        notes.append("ratings are yes or no: report sensitivity and specificity, not an area under the curve")
    scale = "yes-or-no" if data.binary else f"{np.unique(data.rating[~np.isnan(data.rating)]).size}-level"
    methods = (
        f"{len(data.readers)} readers gave {scale} ratings of {len(data.cases)} cases "
        f"({int(data.label.sum())} positive) of {data.n_patients} patients in {len(data.modalities)} modalities; "
        f"the design was {'fully crossed' if data.crossed else 'not fully crossed'}."
    )
    return ReaderDesign(pd.DataFrame(rows), tuple(notes), methods)


def _fault(frame: pd.DataFrame, needed: Sequence[str], n_readers: int, n_modalities: int) -> tuple | None:
    """First fault of a readings table: (message, row position, column, way out), or None."""
    missing = [column for column in needed if column not in frame]
    if missing:
        there = ", ".join(map(str, frame.columns))
        return f"there is no such column (there are: {there})", None, missing[0], "add the column"
    if frame.empty:
        return "there is no reading", None, None, "write one row a reading"
    checked = [*needed, "patient_id"] if "patient_id" in frame and "patient_id" not in needed else needed
    for column in checked:
        empty = frame[column].isna().to_numpy()
        if empty.any():
            fix = "leave out the row of a case that was not read, or fill the cell in"
            return "the cell is empty", int(np.flatnonzero(empty)[0]), column, fix
    for column in ("label", "rating"):
        kind = frame[column].dtype
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            return "the values are text", None, column, "write numbers"
    rating, label = frame["rating"].to_numpy(float), frame["label"].to_numpy(float)
    if not np.isfinite(rating).all():
        return "the rating is infinite", int(np.flatnonzero(~np.isfinite(rating))[0]), "rating", "write a number"
    if not np.isin(label, (0, 1)).all():
        row = int(np.flatnonzero(~np.isin(label, (0, 1)))[0])
        return f"{label[row]:g} is not 0 or 1", row, "label", "write 1 for positive, 0 for negative"
    twice = frame.duplicated(["reader", "modality", "case_id"]).to_numpy()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        reader, modality, case = frame.loc[frame.index[row], ["reader", "modality", "case_id"]]
        return (f"reader '{reader}' has case '{case}' in modality '{modality}' twice", row, "case_id", "keep one row")
    for column, key, what in (
        ("label", "case_id", "case"),
        ("patient_id", "case_id", "case"),
        ("experience", "reader", "reader"),
    ):
        if column in frame:
            first = frame.groupby(key)[column].transform("first")
            differs = ((first != frame[column]) & frame[column].notna()).to_numpy()
            if differs.any():
                row = int(np.flatnonzero(differs)[0])
                return f"it differs within {what} '{frame[key].iloc[row]}'", row, column, f"give a {what} one value"
    for column, least in (("reader", n_readers), ("modality", n_modalities)):
        found = frame[column].nunique()
        if found < least:
            fix = f"at least {least} are needed for this analysis"
            return f"there is only one {column}" if found == 1 else f"there are {found}", None, column, fix
    if np.unique(label).size < 2:
        fix = "positive and negative cases are both needed"
        return f"all cases are {'positive' if label[0] else 'negative'}", None, "label", fix
    return None

"""One reader study as the chapter `readers` uses it: two ways of reading, the cut of a call, and the model's risks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from helpers.data.errors import StudyError
from helpers.data.study import Study
from helpers.stats import models, predictions
from helpers.stats.readings import COLUMNS, KNOWN_MODALITIES, ReadingCube, cube, describe, disagreement, two_ways
from helpers.stats.readings import read as read_readings
from helpers.stats.thresholds import Threshold

NEVER_SEEN = ("test", "external", "oof")  # splits whose risks may be set beside a reader


@dataclass(frozen=True, eq=False)
class ReaderStudy:
    """Readings before and after help, with what the chapter needs beside them.

    Parameters
    ----------
    readings : DataFrame
        `reader, experience, modality, case_id, patient_id, label, rating`, the two modalities only.
    unaided, aided : str
        Names of the two modalities; differences are aided - unaided.
    cut : float
        A rating at or above it is a positive call.
    graded : bool
        Whether ratings have more than two levels, so that an area under the curve exists.
    model : str or None
        The model whose advice or risks are set beside the readers.
    risks : DataFrame or None
        `case_id, patient_id, label, risk`: the model on cases that were read; None without a model.
    threshold : Threshold or None
        The model's frozen threshold.
    """

    readings: pd.DataFrame
    unaided: str
    aided: str
    cut: float
    graded: bool
    model: str | None = None
    risks: pd.DataFrame | None = None
    threshold: Threshold | None = None

    @property
    def readers(self) -> list[str]:
        """Readers, sorted."""
        return list(self.cube.readers)

    @cached_property
    def cube(self) -> ReadingCube:
        """Ratings of (2 modalities, readers, cases), unaided first."""
        return cube(self.readings, modalities=(self.unaided, self.aided))

    @cached_property
    def experience(self) -> dict[str, str]:
        """Experience of each reader; empty when the table does not say."""
        return {name: said for name, said in self.cube.experience.items() if not pd.isna(said)}

    @property
    def n(self) -> int:
        """Number of cases."""
        return len(self.cube.cases)

    @property
    def methods(self) -> str:
        """The design in a sentence, with the cut of a call."""
        cut = f" A rating of {self.cut:g} or more is a positive call." if self.graded else ""
        return describe(self.readings).methods + cut

    @property
    def ways(self) -> tuple[str, str]:
        """The two ways of reading as words of a sentence: `unaided`, `aided`, or `on film`, `on screen`."""
        before, after = (n if n in KNOWN_MODALITIES else f"on {n}" for n in (self.unaided, self.aided))
        return before, after

    def part(self, reader: str, modality: str) -> pd.DataFrame:
        """Readings of one reader in one modality."""
        frame = self.readings
        return frame[(frame["reader"] == reader) & (frame["modality"] == modality)]


def assemble(
    readings: pd.DataFrame,
    *,
    unaided: str = "unaided",
    aided: str = "aided",
    positive_from: float | None = None,
    model: str | None = None,
    table: pd.DataFrame | None = None,
    threshold: Threshold | None = None,
) -> ReaderStudy:
    """Check readings and predictions against each other.

    Parameters
    ----------
    readings : DataFrame
        As `helpers.stats.readings.read` gives it.
    unaided, aided : str
        The two modalities.
    positive_from : float or None
        Lowest rating that is a positive call; None when ratings are 0 and 1.
    model : str or None
        Value of the column `model` of `table`.
    table : DataFrame or None
        A predictions table; the first seed of the model on cases it never learned from is kept.
    threshold : Threshold or None
        The model's frozen threshold.

    Returns
    -------
    ReaderStudy

    Raises
    ------
    ValueError
        If a modality is absent, graded ratings have no cut or one that divides nothing, or the labels of readings
        and predictions differ.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, 1 + k) for r in "AB" for m in ("unaided", "aided") for k in range(4)]
    >>> frame = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> made = assemble(frame.assign(patient_id=frame["case_id"]), positive_from=3)
    >>> made.graded, made.n, made.readers
    (True, 4, ['A', 'B'])
    """
    readings, cut, graded = two_ways(readings, unaided=unaided, aided=aided, positive_from=positive_from)
    readings = readings[[c for c in (*COLUMNS, "experience") if c in readings]]
    if model is None or table is None:
        return ReaderStudy(readings, unaided, aided, cut, graded)
    risks = _risks(table, model, readings)
    return ReaderStudy(readings, unaided, aided, cut, graded, model, risks, threshold)


def load(folder: str | Path, settings: Study, results: str | Path) -> ReaderStudy:
    """Read a study's readings, and where it names a model that was run, the model's risks and frozen threshold.

    Parameters
    ----------
    folder : path
        The study's folder, with `readings.csv`.
    settings : Study
        Its `study.yaml`.
    results : path
        The study's results, with `predictions.csv` when it has models.

    Returns
    -------
    ReaderStudy

    Raises
    ------
    StudyError
        If a table has a fault, or `readers` of `study.yaml` does not fit the tables.
    """
    wanted, path = settings.readers, Path(results) / "predictions.csv"
    table = threshold = None
    if wanted.model is not None:
        if not path.is_file():
            raise StudyError(
                f"readers.model is {wanted.model!r}, but there are no predictions",
                file="study.yaml",
                key="readers.model",
                fix="leave the key out, or give the study predictions",
            )
        table = predictions.read(path, model=wanted.model)
        chooser, rule = models.chooser(table, settings.choosing), settings.threshold
        threshold = models.freeze(chooser, rule=rule.rule, value=rule.value, models=[wanted.model])[wanted.model]
    options = {"unaided": wanted.unaided, "aided": wanted.aided, "positive_from": wanted.positive_from}
    frame = read_readings(Path(folder) / "readings.csv")
    try:
        return assemble(frame, **options, model=wanted.model, table=table, threshold=threshold)
    except ValueError as error:
        raise disagreement(error) from None


def _risks(table: pd.DataFrame, model: str, readings: pd.DataFrame) -> pd.DataFrame | None:
    """The model's first seed on the cases that were read and that it never learned from."""
    own = table[(table["model"] == model) & table["split"].isin(NEVER_SEEN)]
    own = own[own["seed"] == own["seed"].min()].drop_duplicates("case_id")
    own = own[own["case_id"].astype(str).isin(readings["case_id"].astype(str))]
    if own.empty:
        raise ValueError(f"readers.model: {model!r} predicted none of the cases that were read")
    label = readings.drop_duplicates("case_id").set_index("case_id")["label"]
    other = own["label"].to_numpy() != label.loc[own["case_id"]].to_numpy()
    if other.any():
        raise ValueError(f"readers.model: case {own['case_id'].iloc[int(other.argmax())]!r} has another label there")
    if own["label"].nunique() < 2:
        raise ValueError(f"readers.model: {model!r} predicted cases of one class only among those that were read")
    return own[["case_id", "patient_id", "label", "risk"]].reset_index(drop=True)

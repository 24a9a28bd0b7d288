"""Readers who name one of several classes, against a model on the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data import printed as printed_numbers
from helpers.data.study import Study
from helpers.stats import class_calls, predictions
from helpers.stats.agreement import agreement
from helpers.stats.checks import check_level
from helpers.stats.class_calls import Calls
from helpers.stats.class_readings import FILE, agree, by_patient, read
from helpers.stats.families import holm
from helpers.stats.paired import mcnemar_p, tango_limits
from helpers.stats.paired_size import paired_size, sizes
from helpers.stats.two_by_two import TwoByTwo

PRINTED_IN = "C_text.csv"
PRINTED = "printed"
NEEDED = ["source", "first", "second", "a", "b", "errors", "disagree", "needed", "power"]
TRUTH = "histology"
PAIRED = (
    "Differences on the same patients with Tango's score interval (doi:10.1002/(SICI)1097-0258(19980430)17:8<891::"
    "AID-SIM780>3.0.CO;2-B) and the mid-P version of McNemar's test (doi:10.1186/1471-2288-13-91); P of all "
    "comparisons of accuracy adjusted by Holm (https://www.jstor.org/stable/4615733)."
)
KAPPA = (
    "Cohen's kappa with quadratic weights over the ordered classes (doi:10.1037/h0026256), interval by large-sample "
    "theory (doi:10.1037/h0028106), which is rough for so few patients."
)
AREA = "The AUC of calls is the mean of sensitivity and specificity: one point of a curve, not a curve."


@dataclass(frozen=True)
class ClassReaders:
    """Calls of readers and models on the patients that all of them judged.

    Parameters
    ----------
    readers, models : dict of str to Calls
        In one order of patients.
    names : tuple of str
        Classes.
    """

    readers: dict[str, Calls]
    models: dict[str, Calls]
    names: tuple[str, ...]

    @property
    def everyone(self) -> dict[str, Calls]:
        """Models first, then readers."""
        return {**self.models, **self.readers}

    @property
    def n(self) -> int:
        """Number of patients."""
        return next(iter(self.readers.values())).n


def load(folder: str | Path, study: Study, results: str | Path) -> ClassReaders:
    """Readers and models of a study on the same judged patients.

    Parameters
    ----------
    folder : path
        The study's folder, with `readings.csv`.
    study : Study
    results : path
        Folder of its results, with `predictions.csv`, one row a patient.

    Returns
    -------
    ClassReaders

    Raises
    ------
    StudyError
        If the readings are faulty, a reader left patients out, or readings and predictions share no patient or
        contradict each other in a label.
    """
    names = study.outcome.classes
    table = read(Path(folder) / FILE, names)
    wide = by_patient(table)
    made = predictions.read(Path(results) / "predictions.csv", split=study.judged)
    known = made.drop_duplicates("patient_id").set_index("patient_id")["label"]
    shared = [patient for patient in wide.index if patient in known.index]
    truth = agree(table, known, shared)
    place = {name: code for code, name in enumerate(names)}
    label, whose = truth[shared].map(place).to_numpy(), np.array(shared, dtype=object)
    readers = {
        str(reader): Calls(tuple(names), label, wide.loc[shared, reader].map(place).to_numpy(), whose, str(reader))
        for reader in wide
    }
    models = {}
    for model, one in class_calls.calls(made, split=study.judged).items():
        called = pd.Series(one.called, index=one.patient_id)[shared].to_numpy()
        models[model] = Calls(tuple(names), label, called, whose, model)
    return ClassReaders(readers, models, tuple(names))


def areas(read_by: ClassReaders) -> pd.DataFrame:
    """Measures of each class for every reader and model, with the AUC of the calls.

    Returns
    -------
    DataFrame
        As `class_calls.per_class`, `model` renamed to `who`, with `area` and its limits.
    """
    table = class_calls.per_class(read_by.everyone)
    rows = []
    for one in read_by.everyone.values():
        for code in range(len(read_by.names)):
            made = TwoByTwo(one.truth == code, one.called == code).balanced_accuracy()
            rows.append({"area": made.value, "area_low": made.low, "area_high": made.high})
    return pd.concat([table, pd.DataFrame(rows)], axis=1).rename(columns={"model": "who"})


def compare(read_by: ClassReaders, *, level: float = 0.95) -> pd.DataFrame:
    """Every model against every reader: accuracy, and the share of each class that is named right.

    Parameters
    ----------
    read_by : ClassReaders
    level : float

    Returns
    -------
    DataFrame
        `model, reader, among, n, only_model, only_reader` (right), `model_value, reader_value, difference` with limits,
        `p_value, p_holm` (of accuracy only: the declared family).
    """
    check_level(level)
    rows = []
    for model, a in read_by.models.items():
        for reader, b in read_by.readers.items():
            for code, among in [(-1, np.ones(a.n, dtype=bool)), *enumerate(_each(a.truth, len(read_by.names)))]:
                n = int(among.sum())
                if n == 0:
                    continue
                right, other = (a.called == a.truth)[among], (b.called == b.truth)[among]
                first, second = int((right & ~other).sum()), int((~right & other).sum())
                low, high = tango_limits(first, second, n, level=level)
                row = {"model": model, "reader": reader, "among": read_by.names[code] if code >= 0 else "all patients"}
                row |= {"n": n, "only_model": first, "only_reader": second}
                row |= {"model_value": right.mean(), "reader_value": other.mean()}
                row |= {"difference": (first - second) / n, "difference_low": low, "difference_high": high}
                rows.append({**row, "p_value": mcnemar_p(first, second, test="midp")[1]})
    table = pd.DataFrame(rows)
    whole = table["among"] == "all patients"
    table["p_holm"] = np.nan
    table.loc[whole, "p_holm"] = holm(table.loc[whole, "p_value"])
    return table


def _each(truth: np.ndarray, count: int) -> list[np.ndarray]:
    return [truth == code for code in range(count)]


def agreements(read_by: ClassReaders) -> pd.DataFrame:
    """Weighted kappa of every pair among histology, models and readers: `first, second, patients, kappa` and limits."""
    columns = {TRUTH: next(iter(read_by.readers.values())).truth}
    columns |= {name: one.called for name, one in read_by.everyone.items()}
    rows = []
    for first, second in combinations(columns, 2):
        both = np.stack([columns[first], columns[second]], axis=1)
        row = {"first": first, "second": second, "patients": len(both)}
        if np.unique(both).size < 2:
            rows.append({**row, "kappa": np.nan, "kappa_low": np.nan, "kappa_high": np.nan})
            continue
        made = agreement(both, kind="quadratic", categories=range(len(read_by.names)))
        rows.append({**row, "kappa": made.value, "kappa_low": made.low, "kappa_high": made.high})
    return pd.DataFrame(rows)


def printed_accuracies(path: str | Path) -> dict[str, float]:
    """Accuracies that a published table of text numbers prints, as shares, by row.

    Parameters
    ----------
    path : path
        CSV with `row, statistic, value_num, unit`.
    """
    table = pd.read_csv(path)
    table = table[table["statistic"] == "accuracy"]
    share = np.where(table["unit"] == "%", table["value_num"] / 100, table["value_num"])
    return dict(zip(table["row"], share))


def needed(accuracy: Mapping[str, float], *, against: Sequence[str], n: int, source: str) -> pd.DataFrame:
    """Patients that a comparison of accuracies would need.

    Parameters
    ----------
    accuracy : mapping of name to share
    against : sequence of str
        Names that the others are compared with.
    n : int
        Patients that there are.
    source : str
        Where the accuracies are from.

    Returns
    -------
    DataFrame
        `source, first, second, a, b, errors, disagree, needed, power`; accuracies that are equal, or 0 or 1, ask for
        no number of patients and are left out.
    """
    rows = []
    for first in against:
        for second, b in accuracy.items():
            a = accuracy[first]
            if second in against or a == b or not (0 < a < 1 and 0 < b < 1):
                continue
            rows.append(sizes(a, b, n=n).assign(source=source, first=first, second=second, a=a, b=b))
    return pd.concat(rows, ignore_index=True)[NEEDED] if rows else pd.DataFrame(columns=NEEDED)


def needed_here(read_by: ClassReaders) -> pd.DataFrame:
    """`needed` for the models and readers of this study, whose disagreement is known; no power, see below.

    Two that are right equally often have no number: no size of a test would tell them apart.
    """
    rows = []
    for first, model in read_by.models.items():
        for second, reader in read_by.readers.items():
            ours, theirs = (one.called == one.truth for one in (model, reader))
            a, b, disagree = ours.mean(), theirs.mean(), (ours != theirs).mean()
            patients = paired_size(a - b, disagree) if a != b else np.nan
            # power at the difference that was seen says no more than its P value (doi:10.1198/000313001300339897)
            rows.append(("here", first, second, a, b, "as seen", disagree, patients, np.nan))
    return pd.DataFrame(rows, columns=NEEDED)


def claims(read_by: ClassReaders, study: Study) -> pd.DataFrame:
    """`needed` for the accuracies of this study, and for those that its paper prints where it follows one.

    Parameters
    ----------
    read_by : ClassReaders
    study : Study

    Returns
    -------
    DataFrame
        The printed ones first.
    """
    parts = []
    if path := printed_numbers.of(study, PRINTED_IN):
        printed = printed_accuracies(path)
        model = [name for name in printed if "radiologist" not in name]
        parts.append(needed(printed, against=model, n=read_by.n, source=PRINTED))
    parts.append(needed_here(read_by))
    return pd.concat(parts, ignore_index=True)


def printed_first(table: pd.DataFrame) -> pd.DataFrame:
    """The printed claims, or where there are none those of this study."""
    printed = table[table["source"] == PRINTED]
    return printed if len(printed) else table

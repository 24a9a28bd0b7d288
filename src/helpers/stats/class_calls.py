"""Which class a model names: confusion matrices by image and by patient, and what is right for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.intervals import Estimate, clustered_proportion, proportion
from helpers.stats.predictions import classes
from helpers.stats.resampling import repeats
from helpers.stats.two_by_two import TwoByTwo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}
METHODS = (
    "The class with the highest risk is named; no threshold is chosen. Intervals: Wilson (doi:10.1080/01621459.1927."
    "10502953), by image with the patient as cluster (Dean and Pagano 2015, doi:10.1093/jssam/smv024); of balanced "
    "accuracy, the mean of the sensitivities, from their limits (MOVER, Zou and Donner 2008, doi:10.1002/sim.3095)."
)


@dataclass(frozen=True)
class Calls:
    """Classes named for the cases of one model, or by one reader.

    Parameters
    ----------
    names : tuple of str
        Classes in their order.
    truth, called : int arrays of shape (n,)
        Places in `names`.
    patient_id : array of shape (n,)
    title : str
        Whose calls these are.

    Examples
    --------
    >>> made = Calls(("a", "b", "c"), np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2]), np.array(list("pqrs")), "m")
    >>> made.confusion().loc["b", "c"], made.accuracy().value
    (np.int64(1), 0.75)
    """

    names: tuple[str, ...]
    truth: np.ndarray
    called: np.ndarray
    patient_id: np.ndarray
    title: str

    @property
    def n(self) -> int:
        """Number of cases."""
        return len(self.truth)

    @property
    def patients(self) -> int:
        """Number of patients."""
        return len(np.unique(self.patient_id))

    def confusion(self) -> pd.DataFrame:
        """Counts, a row a true class and a column a named class."""
        k = len(self.names)
        counts = np.bincount(self.truth * k + self.called, minlength=k * k).reshape(k, k)
        return pd.DataFrame(counts, index=list(self.names), columns=list(self.names))

    def accuracy(self) -> Estimate:
        """Share of cases named right; where patients repeat, with an interval by patient."""
        return self._share(np.ones(self.n, dtype=bool))

    def naive_accuracy(self) -> Estimate:
        """The same with an interval that takes all cases for strangers: too narrow where patients repeat."""
        return proportion(int((self.truth == self.called).sum()), self.n)

    def balanced_accuracy(self, *, interval: str = "wilson") -> Estimate:
        """Unweighted mean of the sensitivities of the classes that have a case.

        `interval` is the kind of limits of each sensitivity, as in `intervals.proportion`, where no patient repeats:
        with a handful of cases of a class `exact` ones hold what they promise, and are wider.
        """
        parts = [self._share(self.truth == code, interval) for code in np.unique(self.truth)]
        value, k = float(np.mean([part.value for part in parts])), len(parts)
        low = value - np.sqrt(sum((part.value - part.low) ** 2 for part in parts)) / k
        high = value + np.sqrt(sum((part.high - part.value) ** 2 for part in parts)) / k
        return Estimate(
            value, max(low, 0.0), min(high, 1.0), np.nan, parts[0].level, f"MOVER of {parts[0].method} limits"
        )

    def commonest(self) -> float:
        """Accuracy of naming the commonest class for everyone."""
        return float(np.bincount(self.truth).max() / self.n)

    def by_class(self) -> pd.DataFrame:
        """Measures of each class against the others.

        Returns
        -------
        DataFrame
            `class, n, events, patients` (with the class), `named`, and `MEASURES` with their limits; NaN where a
            class has no case or is never named.
        """
        whose = self.patient_id if repeats(self.patient_id, self.n) else None
        rows = []
        for code, name in enumerate(self.names):
            own = self.truth == code
            table = TwoByTwo(own, self.called == code, patient_id=whose)
            patients = len(np.unique(self.patient_id[own]))
            row = {"class": name, "n": self.n, "events": int(own.sum()), "patients": patients}
            row["named"] = int((self.called == code).sum())
            for measure in MEASURES:
                made = getattr(table, measure)()
                row |= {measure: made.value, f"{measure}_low": made.low, f"{measure}_high": made.high}
            rows.append(row)
        return pd.DataFrame(rows)

    def _share(self, among: np.ndarray, interval: str = "wilson") -> Estimate:
        right = self.truth == self.called
        if repeats(self.patient_id, self.n):
            return clustered_proportion(right, self.patient_id, among=among)
        return proportion(int(right[among].sum()), int(among.sum()), method=interval)


def calls(table: pd.DataFrame, *, split: str, title: str = "") -> dict[str, Calls]:
    """The class that every model of a split names, each model with its first seed.

    Parameters
    ----------
    table : DataFrame
        A predictions table with `risk_<class>` columns, by image or by patient.
    split : str
    title : str
        Put behind the name of each model.

    Returns
    -------
    dict of str to Calls

    Raises
    ------
    ValueError
        If the table has no classes or no row of the split.
    """
    names = classes(table)
    if len(names) < 3:
        raise ValueError("table: no columns risk_<class> of at least three classes")
    part = table[table["split"] == split]
    if part.empty:
        raise ValueError(f"split: no prediction for {split!r}")
    part = part[part["seed"] == part.groupby("model")["seed"].transform("min")]
    place = {name: code for code, name in enumerate(names)}
    made = {}
    for model, rows in part.groupby("model", sort=False):
        called = rows[[f"risk_{name}" for name in names]].to_numpy().argmax(axis=1)
        truth = rows["label"].map(place).to_numpy()
        made[str(model)] = Calls(tuple(names), truth, called, rows["patient_id"].to_numpy(object), f"{model}{title}")
    return made


def accuracies(units: Mapping[str, Mapping[str, Calls]]) -> pd.DataFrame:
    """Accuracy of every model by image and by patient, side by side.

    Parameters
    ----------
    units : mapping of unit to mapping of model to Calls
        For instance `by image` and `by patient`.

    Returns
    -------
    DataFrame
        `model, unit, n, patients, right, accuracy` and `balanced` with limits, `naive_low, naive_high` (limits that
        take cases for strangers) and `commonest` (accuracy of naming the commonest class).
    """
    rows = []
    for unit, made in units.items():
        for model, one in made.items():
            right, naive, balanced = one.accuracy(), one.naive_accuracy(), one.balanced_accuracy()
            row = {"model": model, "unit": unit, "n": one.n, "patients": one.patients}
            row["right"] = int((one.truth == one.called).sum())
            row |= {"accuracy": right.value, "accuracy_low": right.low, "accuracy_high": right.high}
            row |= {"balanced": balanced.value, "balanced_low": balanced.low, "balanced_high": balanced.high}
            row |= {"naive": naive.value, "naive_low": naive.low, "naive_high": naive.high}
            rows.append({**row, "commonest": one.commonest()})
    return pd.DataFrame(rows).sort_values("model", kind="stable", ignore_index=True)


def per_class(made: Mapping[str, Calls]) -> pd.DataFrame:
    """`Calls.by_class` of several models, `model` first."""
    table = pd.concat([one.by_class().assign(model=model) for model, one in made.items()], ignore_index=True)
    return table[["model", *table.columns.drop("model")]]


def counts(units: Mapping[str, Mapping[str, Calls]]) -> pd.DataFrame:
    """All confusion matrices in long form: `model, unit, truth, named, count, share` (of the true class)."""
    rows = []
    for unit, made in units.items():
        for model, one in made.items():
            matrix = one.confusion()
            for truth in matrix.index:
                total = int(matrix.loc[truth].sum())
                for named in matrix.columns:
                    count = int(matrix.loc[truth, named])
                    share = count / total if total else np.nan
                    rows.append((model, unit, truth, named, count, share))
    return pd.DataFrame(rows, columns=["model", "unit", "truth", "named", "count", "share"])


def plot(units: Mapping[str, Mapping[str, Calls]]) -> Figure:
    """Draw the confusion matrices, a row a model and a column a unit (of one unit two a row); shades are shares.

    A model that answers for patients only, such as a clinical baseline, has no square by image; it says so.
    """
    models = list(dict.fromkeys(model for made in units.values() for model in made))
    figure, axes = palette.grid(len(models) * len(units), columns=max(2, len(units)), width=4.6, height=3.9)
    places = [(model, unit) for model in models for unit in units]
    for ax, (model, unit) in zip(axes, places):
        one = units[unit].get(model)
        if one is None:
            ax.set_axis_off()
            ax.text(0.5, 0.5, f"{model} gives no answer {unit}", ha="center", va="center", transform=ax.transAxes)
            continue
        matrix = one.confusion()
        total = matrix.sum(axis=1).to_numpy(float)[:, None]
        share = np.divide(matrix.to_numpy(float), total, out=np.zeros(matrix.shape), where=total > 0)
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(matrix.shape):
            dark = share[row, column] > 0.55
            text = f"{matrix.iloc[row, column]}\n{share[row, column]:.0%}" if total[row] else "–"
            ax.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=10)
        ticks = range(len(one.names))
        ax.set_xticks(ticks, one.names, fontsize=9)
        ax.set_yticks(ticks, [f"{name}\n(n = {int(n)})" for name, n in zip(one.names, total[:, 0])], fontsize=9)
        ax.set(xlabel="Named", ylabel="Truth")
        ax.set_title(f"{model}, {unit}: {one.accuracy().value:.0%} of {one.n} right", fontsize=10.5)
    return figure


def small(made: Mapping[str, Calls], *, few: int = 10) -> str:
    """Say what the smallest class allows to be claimed: the limit that even a faultless model would have.

    Parameters
    ----------
    made : mapping of model to Calls
        By patient.
    few : int
        Below this number of patients a class is small.

    Examples
    --------
    >>> one = Calls(("a", "b"), np.array([0] * 4 + [1] * 30), np.zeros(34, int), np.arange(34), "m")
    >>> small({"m": one})
    'Only 4 judged patients are a: were all of them named right, the 95 % interval would still begin at 51%.'
    """
    one = next(iter(made.values()))
    said = []
    for code, name in enumerate(one.names):
        n = len(np.unique(one.patient_id[one.truth == code]))
        if 0 < n < few:
            low = proportion(n, n).low
            said.append(
                f"Only {n} judged patients are {name}: were all of them named right, the 95 % interval would still "
                f"begin at {low:.0%}."
            )
        elif n == 0:
            said.append(f"No judged patient is {name}, so nothing can be said about this class.")
    return " ".join(said)


def spread(names: Sequence[str], units: Mapping[str, Mapping[str, Calls]]) -> str:
    """Say what the vote of a patient's images does to accuracy, model by model that has both."""
    table = accuracies(units).set_index(["model", "unit"])
    first, second = list(units)
    said = []
    for model in [name for name in names if all(name in made for made in units.values())]:
        a, b = table.loc[(model, first)], table.loc[(model, second)]
        said.append(
            f"{model} names {a['accuracy']:.0%} of {a['n']:.0f} images and {b['accuracy']:.0%} of {b['n']:.0f} "
            f"patients right (95 % CI {b['accuracy_low']:.0%} to {b['accuracy_high']:.0%})"
        )
    return "; ".join(said) + "."

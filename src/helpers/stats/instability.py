"""How much of a result is luck: the spread of AUC, risks and decisions over seeds or bootstrap refits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats.checks import both_classes, labels, scores
from helpers.stats.instability_runs import Runs
from helpers.stats.resampling import bootstrap_counts, patient_codes
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCE = "doi:10.1002/bimj.202200302"
REFITS = "refits on bootstrap samples of patients"


@dataclass(frozen=True)
class Instability:
    """Spread over runs, one row a model.

    Parameters
    ----------
    models : tuple of Runs
    kind : str
        What differs between the runs, for the methods line.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "image", "seed": [0, 0, 1, 1], "case_id": ["a", "b"] * 2,
    ...     "patient_id": ["a", "b"] * 2, "label": [0, 1] * 2, "risk": [0.2, 0.7, 0.4, 0.9]})
    >>> over_seeds(table, thresholds=0.35).frame()[["runs", "mape", "changed"]].round(3).values.tolist()
    [[2.0, 0.1, 0.5]]
    """

    models: tuple[Runs, ...]
    kind: str

    def frame(self) -> pd.DataFrame:
        """Return one row a model.

        `auc, auc_sd, auc_min, auc_max` over the runs; `mape`: mean absolute difference of a case's risk from the
        reference, averaged over cases, and `mape_max` for the least stable case; `changed`: share of patients of
        whom at least one run decides otherwise than the reference.
        """
        return pd.DataFrame([runs.row() for runs in self.models])

    def summary(self) -> pd.DataFrame:
        """Return one row a model, for many runs (refits).

        `auc` of the reference, `auc_q025` and `auc_q975`: 2.5 and 97.5 % quantiles over the runs, and their SD;
        `mape` and `mape_max` as in `frame`; `width`: median over cases of the 95 % range of the risk; `flips`: mean
        share of the runs that decide otherwise than the reference; `unsure`: share of patients for whom more than a
        tenth of the runs do. Unlike `changed` these do not grow with the number of runs.

        Raises
        ------
        ValueError
            If a model has one run only.
        """
        for runs in self.models:
            if len(runs.risks) < 2:
                raise ValueError(f"risks: the model {runs.model!r} has one run; a spread needs two")
        return pd.DataFrame([runs.spread() for runs in self.models])

    def cases(self) -> pd.DataFrame:
        """Return one row a model and case; see `Runs.cases`."""
        return pd.concat([runs.cases() for runs in self.models], ignore_index=True)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        first = self.models[0]
        runs = ", ".join(sorted({str(len(m.risks)) for m in self.models}))
        sampling = "on the patients it was made from" if self.kind.startswith(REFITS) else "this is not sampling error"
        return (
            f"Instability over {runs} {self.kind}: SD of the AUC, mean absolute difference of each risk (MAPE) and "
            f"share of patients whose decision changes (Riley and Collins, {SOURCE}), n = {first.label.size} cases of "
            f"{first.patients} patients, {int(first.label.sum())} events; {sampling}."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each run's risk against the reference, with the threshold; the instability plot of the source."""
        from helpers.stats.instability_plot import cloud

        return cloud(self.models, ax)

    def panels(self) -> Figure:
        """Draw the three plots of the source for one model: risks, their mean movement, changed decisions."""
        from helpers.stats.instability_plot import draw

        if len(self.models) != 1:
            raise ValueError(f"models: the panels show one model, found {len(self.models)}")
        return draw(self.models[0])


def over_seeds(
    table: pd.DataFrame, *, thresholds: Mapping[str, Threshold | float] | Threshold | float | None = None
) -> Instability:
    """Spread over the seeds of a predictions table; the reference is the mean risk over the seeds.

    Riley and Collins (2023), doi:10.1002/bimj.202200302.

    Parameters
    ----------
    table : DataFrame
        Rows of one split: `model, seed, case_id, patient_id, label, risk`.
    thresholds : mapping of model to Threshold or float, one for all, or None
        At which decisions are compared.

    Returns
    -------
    Instability
        A model with one seed has a row that says so.

    Raises
    ------
    ValueError
        If the table is empty, lacks a column, has several splits or studies, or the seeds of a model have different
        cases.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "image", "seed": [0, 0, 1, 1], "case_id": ["a", "b"] * 2,
    ...     "patient_id": ["a", "b"] * 2, "label": [0, 1] * 2, "risk": [0.2, 0.7, 0.4, 0.9]})
    >>> over_seeds(table).frame()["auc"].tolist()
    [1.0]
    """
    lacking = [c for c in ("model", "seed", "case_id", "patient_id", "label", "risk") if c not in table.columns]
    if lacking:
        raise ValueError(f"table: the column {lacking[0]!r} is missing")
    if table.empty:
        raise ValueError("table: has no rows")
    for column in ("study", "split"):
        if column in table.columns and len(found := table[column].unique()) > 1:
            several = ", ".join(map(str, found))
            raise ValueError(f"table: has several values of {column!r} ({several}); keep one")
    models = []
    for model, part in table.groupby("model", sort=False):
        if part.duplicated(["seed", "case_id"]).any():
            raise ValueError(f"table: model {model!r} has a case twice in one seed")
        risks = part.pivot(index="seed", columns="case_id", values="risk")
        if risks.isna().to_numpy().any():
            seed = risks.index[risks.isna().any(axis=1)][0]
            raise ValueError(f"table: model {model!r}, seed {seed} did not predict every case of the other seeds")
        cases = part.drop_duplicates("case_id").set_index("case_id").loc[risks.columns]
        positive = labels(cases["label"])
        matrix = risks.to_numpy(float)
        for row in matrix:
            scores(row, positive.size, probability=True)
        codes = patient_codes(cases["patient_id"].to_numpy(), positive.size)[0]
        cut = _of(thresholds, str(model))
        models.append(Runs(str(model), positive, matrix, matrix.mean(axis=0), codes, cut))
    runs = "repeats of the cross-validation" if set(table.get("split", ())) == {"oof"} else "seeds"
    return Instability(tuple(models), f"{runs}; reference: the mean over {runs}")


def over_refits(
    fit: Callable[[Any, np.ndarray], Callable[[Any], ArrayLike]],
    features: pd.DataFrame | ArrayLike,
    label: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    resamples: int = 200,
    seed: int = 0,
    threshold: Threshold | float | None = None,
    model: str = "model",
) -> Instability:
    """Spread over refits on bootstrap samples of the patients; the reference is the fit on the data as they are.

    Riley and Collins (2023), doi:10.1002/bimj.202200302. Every step that looks at the outcome belongs inside `fit`.
    Patients with and without an event are resampled separately, so that each sample has both.

    Parameters
    ----------
    fit : callable
        `fit(features, label)` returns `predict(features) -> risk`.
    features : DataFrame or array of shape (n, ...)
    label : array of shape (n,)
        0/1.
    patient_id : array of shape (n,) or None
    resamples, seed : int
    threshold : Threshold, float or None
    model : str
        Name in the table.

    Returns
    -------
    Instability

    Raises
    ------
    ValueError
        If lengths differ, a class is absent, or a fit predicts no probability.

    Examples
    --------
    >>> x, y = np.arange(20.0), np.array([0, 1] * 10)
    >>> fit = lambda features, label: (lambda new: np.full(len(new), label.mean()))
    >>> over_refits(fit, x, y, resamples=5).frame()["mape"].tolist()  # stratified: the share of events is kept
    [0.0]
    """
    positive = labels(label)
    both_classes(positive)
    table = features if isinstance(features, pd.DataFrame) else np.asarray(features)
    if len(table) != positive.size:
        raise ValueError(f"features: has {len(table)} cases, but label has {positive.size}")
    outcome = positive.astype(int)
    reference = scores(fit(table, outcome)(table), positive.size, probability=True, name="risk of the original fit")
    risks = []
    for counts in bootstrap_counts(positive, patient_id=patient_id, resamples=resamples, seed=seed):
        rows = np.repeat(np.arange(positive.size), counts)
        sample = table.iloc[rows] if isinstance(table, pd.DataFrame) else table[rows]
        risks.append(np.asarray(fit(sample, outcome[rows])(table), dtype=np.float64))
    return of_refits(positive, reference, np.stack(risks), patient_id=patient_id, threshold=threshold, model=model)


def of_refits(
    label: ArrayLike,
    reference: ArrayLike,
    risks: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    threshold: Threshold | float | None = None,
    model: str = "model",
) -> Instability:
    """Spread over refits that were made elsewhere; the reference is the fit on the data as they are.

    Riley and Collins (2023), doi:10.1002/bimj.202200302.

    Parameters
    ----------
    label : array of shape (n,)
        0/1.
    reference : array of shape (n,)
        Risks by the original fit.
    risks : array of shape (refits, n)
        Risks of the same cases by each refit.
    patient_id : array of shape (n,) or None
    threshold : Threshold, float or None
        Frozen: it is not chosen again in a refit.
    model : str

    Returns
    -------
    Instability

    Raises
    ------
    ValueError
        If shapes differ or a risk is no probability.

    Examples
    --------
    >>> made = of_refits([0, 1], [0.3, 0.8], [[0.2, 0.7], [0.4, 0.9]], threshold=0.35)
    >>> made.summary()[["runs", "mape", "flips"]].round(2).values.tolist()
    [[2.0, 0.1, 0.25]]
    """
    positive = labels(label)
    matrix = np.asarray(risks, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != positive.size:
        raise ValueError(f"risks: needs shape (refits, {positive.size}), found {matrix.shape}")
    base = scores(reference, positive.size, probability=True, name="reference")
    for number, row in enumerate(matrix):
        scores(row, positive.size, probability=True, name=f"risk of refit {number}")
    codes = patient_codes(patient_id, positive.size)[0]
    return Instability(
        (Runs(model, positive, matrix, base, codes, threshold),), f"{REFITS}; reference: the original fit"
    )


def _of(thresholds: Mapping | Threshold | float | None, model: str) -> Threshold | float | None:
    if isinstance(thresholds, Mapping):
        return thresholds.get(model)
    return thresholds

"""How much of a result is luck: the spread of AUC, risks and decisions over seeds or bootstrap refits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.stats import palette
from helpers.stats.checks import both_classes, labels, scores
from helpers.stats.delong import placements
from helpers.stats.resampling import bootstrap_counts, patient_codes
from helpers.stats.thresholds import Threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SOURCE = "doi:10.1002/bimj.202200302"


@dataclass(frozen=True)
class Runs:
    """Risks of one model for the same cases by several runs.

    Parameters
    ----------
    model : str
    label : ndarray of bool, shape (n,)
    risks : ndarray of shape (runs, n)
    reference : ndarray of shape (n,)
        What each run is compared with: the mean over seeds, or the original fit.
    codes : ndarray of int, shape (n,)
        Patients, 0 ... patients - 1.
    threshold : Threshold, float or None

    Examples
    --------
    >>> y, codes = np.array([False, True]), np.arange(2)
    >>> Runs("image", y, np.array([[0.2, 0.7], [0.4, 0.9]]), np.array([0.3, 0.8]), codes, 0.35).row()["changed"]
    0.5
    """

    model: str
    label: np.ndarray
    risks: np.ndarray
    reference: np.ndarray
    codes: np.ndarray
    threshold: Threshold | float | None = None

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.codes.max()) + 1

    def aucs(self) -> np.ndarray:
        """AUC of each run; NaN when the cases have one class."""
        if self.label.all() or not self.label.any():
            return np.full(len(self.risks), np.nan)
        return np.array([placements(self.label, risk)[0] for risk in self.risks])

    def cases(self) -> pd.DataFrame:
        """One row a case: `reference, mean, sd, low, high, mape, changed`; low and high are the 2.5 and 97.5 %
        quantiles over the runs, `changed` is the share of runs that decide otherwise than the reference.
        """
        low, high = np.quantile(self.risks, [0.025, 0.975], axis=0)
        several = len(self.risks) > 1
        columns = {
            "model": self.model,
            "label": self.label.astype(int),
            "reference": self.reference,
            "mean": self.risks.mean(axis=0),
            "sd": self.risks.std(axis=0, ddof=1) if several else np.nan,
            "low": low,
            "high": high,
            "mape": np.abs(self.risks - self.reference).mean(axis=0) if several else np.nan,
            "changed": self.flips().mean(axis=0) if several and self.threshold is not None else np.nan,
        }
        return pd.DataFrame(columns)

    def flips(self) -> np.ndarray:
        """Whether a run decides otherwise than the reference, bool of shape (runs, n)."""
        cut = float(self.threshold)
        return (self.risks >= cut) != (self.reference >= cut)

    def row(self) -> dict[str, Any]:
        """One row of the summary."""
        aucs, runs = self.aucs(), len(self.risks)
        row: dict[str, Any] = {"model": self.model, "runs": runs, "n": self.label.size, "patients": self.patients}
        row |= {"auc": float(aucs.mean()), "auc_sd": np.nan, "auc_min": float(aucs.min()), "auc_max": float(aucs.max())}
        row |= {"mape": np.nan, "mape_max": np.nan, "threshold": np.nan, "changed": np.nan, "note": ""}
        if self.threshold is not None:
            row["threshold"] = float(self.threshold)
        if runs < 2:
            return row | {"note": "one run only, so no spread can be shown"}
        mape = self.cases()["mape"]
        row |= {"auc_sd": float(aucs.std(ddof=1)), "mape": float(mape.mean()), "mape_max": float(mape.max())}
        if self.threshold is not None:
            flipped = np.bincount(self.codes, weights=self.flips().any(axis=0), minlength=self.patients) > 0
            row["changed"] = float(flipped.mean())
        if np.isnan(aucs).any():
            row["note"] = "one class only, so no AUC"
        return row


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

    def cases(self) -> pd.DataFrame:
        """Return one row a model and case; see `Runs.cases`."""
        return pd.concat([runs.cases() for runs in self.models], ignore_index=True)

    @property
    def methods(self) -> str:
        """One sentence for the methods line."""
        first = self.models[0]
        runs = ", ".join(sorted({str(len(m.risks)) for m in self.models}))
        return (
            f"Instability over {runs} {self.kind}: SD of the AUC, mean absolute difference of each risk (MAPE) and "
            f"share of patients whose decision changes (Riley and Collins, {SOURCE}), n = {first.label.size} cases of "
            f"{first.patients} patients, {int(first.label.sum())} events; this is not sampling error."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each run's risk against the reference, with the threshold; the instability plot of the source."""
        ax = palette.axes(ax)
        ax.plot([0, 1], [0, 1], color=palette.REFERENCE, linewidth=0.8, linestyle=(0, (2, 2)))
        looks = palette.styles([runs.model for runs in self.models])
        for runs in self.models:
            x = np.broadcast_to(runs.reference, runs.risks.shape).ravel()
            y = runs.risks.ravel()
            if x.size > 20_000:  # evenly thinned by risk: the shape stays, the file stays small
                keep = np.argsort(x, kind="stable")[:: x.size // 20_000 + 1]
                x, y = x[keep], y[keep]
            ax.plot(x, y, **looks[runs.model].point(), markersize=3, alpha=0.5, label=runs.model, rasterized=True)
        cuts = {float(runs.threshold) for runs in self.models if runs.threshold is not None}
        for cut in cuts:
            ax.axhline(cut, color=palette.REFERENCE, linewidth=0.8)
            ax.axvline(cut, color=palette.REFERENCE, linewidth=0.8)
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        ax.set(xlabel="Reference risk", ylabel="Risk by each run")
        ax.legend(loc="upper left", fontsize="small")
        return ax


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
    return Instability(tuple(models), "seeds; reference: the mean over seeds")


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
    draws = bootstrap_counts(positive, patient_id=patient_id, resamples=resamples, seed=seed)
    for number, counts in enumerate(draws):
        rows = np.repeat(np.arange(positive.size), counts)
        sample = table.iloc[rows] if isinstance(table, pd.DataFrame) else table[rows]
        predicted = fit(sample, outcome[rows])(table)
        risks.append(scores(predicted, positive.size, probability=True, name=f"risk of refit {number}"))
    codes = patient_codes(patient_id, positive.size)[0]
    runs = Runs(model, positive, np.stack(risks), reference, codes, threshold)
    return Instability((runs,), f"refits on bootstrap samples of patients (seed {seed}); reference: the original fit")


def _of(thresholds: Mapping | Threshold | float | None, model: str) -> Threshold | float | None:
    if isinstance(thresholds, Mapping):
        return thresholds.get(model)
    return thresholds

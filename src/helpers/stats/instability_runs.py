"""Risks of one model for the same cases by several runs: seeds, repeats or bootstrap refits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.stats.delong import placements
from helpers.stats.thresholds import Threshold

UNSURE = 0.1  # share of the runs on the other side of the threshold beyond which a decision is called unsure


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
        """One row a case: `patient, reference, mean, sd, low, high, mape, changed`; low and high are the 2.5 and
        97.5 % quantiles over the runs, `changed` is the share of runs that decide otherwise than the reference, and
        `patient` is a number that cases of one patient share.
        """
        low, high = np.quantile(self.risks, [0.025, 0.975], axis=0)
        several = len(self.risks) > 1
        columns = {
            "model": self.model,
            "patient": self.codes,
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

    def spread(self) -> dict[str, Any]:
        """One row for many runs: what is left of a risk, a ranking and a decision when the patients change."""
        aucs, cases = self.aucs(), self.cases()
        low, high = np.quantile(aucs, [0.025, 0.975])
        row: dict[str, Any] = {"model": self.model, "runs": len(self.risks), "n": self.label.size}
        row |= {"patients": self.patients}
        row |= {"auc": np.nan if np.isnan(aucs).any() else placements(self.label, self.reference)[0]}
        row |= {"auc_q025": float(low), "auc_q975": float(high), "auc_sd": float(aucs.std(ddof=1))}
        row |= {"mape": float(cases["mape"].mean()), "mape_max": float(cases["mape"].max())}
        row |= {"width": float((cases["high"] - cases["low"]).median())}
        row |= {"threshold": np.nan, "flips": np.nan, "unsure": np.nan}
        if self.threshold is not None:
            unsure = np.bincount(self.codes, weights=cases["changed"] > UNSURE, minlength=self.patients) > 0
            row |= {"threshold": float(self.threshold), "flips": float(cases["changed"].mean())}
            row["unsure"] = float(unsure.mean())
        return row

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

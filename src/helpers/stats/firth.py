"""Logistic regression when events are few or a covariate separates the outcome: Firth's penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOLERANCES = (1e-9, 1e-7, 1e-5)  # the tightest that rounding allows: columns far from 0 cost digits
FEW = 10  # events per parameter below which maximum likelihood is biased; doi:10.1016/S0895-4356(96)00236-3


@dataclass(frozen=True)
class Firth:
    """A penalised logistic regression; see `firth`.

    Attributes
    ----------
    table : DataFrame
        One row a term.
    n, events : int
        Rows used and events among them.
    left_out : int
        Rows with a missing covariate.
    log_likelihood : float
        Penalised.
    separated : bool
        Whether a covariate (or a sum of several) separates the outcome.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    n: int
    events: int
    left_out: int
    log_likelihood: float
    separated: bool
    level: float

    def frame(self) -> pd.DataFrame:
        """One row a term: `term, coefficient, se, low, high, odds_ratio, odds_low, odds_high, p_value`."""
        return self.table.copy()

    @property
    def note(self) -> str:
        """When the penalty matters, and what the result must not be used for."""
        terms = len(self.table) - 1
        ratio = min(self.events, self.n - self.events) / max(terms, 1)
        why = []
        if self.separated:
            why.append("A covariate separates the outcome: ordinary odds ratios would be infinite.")
        if ratio < FEW:
            why.append(f"There are {ratio:.1f} events per parameter: ordinary odds ratios would be too far from 1.")
        why = why or ["Events suffice here: ordinary logistic regression gives nearly the same."]
        left = f" {self.left_out} rows with a missing covariate were left out." if self.left_out else ""
        return f"{' '.join(why)} The fitted risks are pulled towards 0.5: report effects, not risks.{left}"

    @property
    def methods(self) -> str:
        """How the model was fitted, in a sentence."""
        return (
            f"Logistic regression with Firth's penalty (doi:10.1093/biomet/80.1.27; Heinze and Schemper 2002, "
            f"doi:10.1002/sim.1047) on {self.n:,} cases with {self.events:,} events; {100 * self.level:g} % intervals "
            "are of the penalised profile likelihood, P-values of penalised likelihood-ratio tests."
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the odds ratios with their intervals on a log axis."""
        from helpers.stats import palette

        rows = self.table[self.table["term"] != "intercept"]
        ax = palette.axes(ax, width=5.6, height=0.8 + 0.34 * len(rows))
        place = np.arange(len(rows))
        value = rows["odds_ratio"].to_numpy()
        error = np.abs(rows[["odds_low", "odds_high"]].to_numpy().T - value)
        ax.errorbar(value, place, xerr=error, color=palette.COLORS[0], marker="o", linestyle="none", capsize=2)
        ax.axvline(1, color=palette.REFERENCE, linewidth=1)
        ax.set(xscale="log", yticks=place, yticklabels=rows["term"], xlabel="Odds ratio", ylim=(len(rows) - 0.5, -0.5))
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        return ax


def firth(frame: pd.DataFrame, label: str, *, columns: Sequence[str], level: float = 0.95) -> Firth:
    """Fit a logistic regression with Firth's penalty, by `firthmodels`.

    Use it when events are fewer than about ten a parameter, or when a covariate separates the outcome; otherwise
    maximum likelihood gives nearly the same. Firth (1993), doi:10.1093/biomet/80.1.27.

    Parameters
    ----------
    frame : DataFrame
        One row a case. Rows with a missing covariate are left out and counted.
    label : str
        Column of the outcome, 0 or 1.
    columns : sequence of str
        Covariates. Text and categories become indicators against their first level.
    level : float
        Of the profile intervals.

    Returns
    -------
    Firth

    Raises
    ------
    ValueError
        A column is absent, constant or collinear, one class is left, or the fit does not converge.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [0, 0, 0, 0, 1, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> result = firth(data, "y", columns=["x"])
    >>> result.separated, round(float(result.frame()["coefficient"][1]), 3)
    (True, 4.394)
    """
    level = checks.check_level(level)
    for name in (label, *columns):
        if name not in frame.columns:
            raise ValueError(f"columns: {name!r} is not in the table")
    if not columns or label in columns:
        raise ValueError("columns: at least one covariate, and not the label itself")
    complete = frame[list(columns)].notna().all(axis=1)
    used = frame[complete]
    y = checks.labels(used[label])
    events, _ = checks.both_classes(y)
    design = _design(used, columns)
    x = design.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        raise ValueError("columns: an infinite value")
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(x)), x])) <= x.shape[1]:
        raise ValueError("columns: one is constant or follows from the others; leave it out")
    table, log_likelihood = _fit(x, y, list(design.columns), level)
    from firthmodels import detect_separation

    separated = bool(detect_separation(x, y.astype(int)).separation)
    return Firth(table, len(y), events, int((~complete).sum()), log_likelihood, separated, level)


def _fit(x: np.ndarray, y: np.ndarray, terms: list[str], level: float) -> tuple[pd.DataFrame, float]:
    import warnings

    from firthmodels import FirthLogisticRegression

    spread = x.std(axis=0)  # columns of one scale: the steps of the profile search are absolute
    for tolerance in TOLERANCES:
        model = FirthLogisticRegression(backend="numpy", max_iter=1000, gtol=tolerance, xtol=tolerance)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # firthmodels warns where it did not converge
            try:
                model.fit(x / spread, y.astype(int))
                model.lrt()
                limits = model.conf_int(alpha=1 - level, method="pl", max_iter=1000, tol=tolerance)
                break
            except Warning as warning:
                failure = warning
    else:
        raise ValueError(f"columns: the penalised fit does not converge ({failure})")
    scale = np.append(spread, 1.0)
    values = {
        "coefficient": np.append(model.coef_, model.intercept_) / scale,
        "se": model.bse_ / scale,
        "low": limits[:, 0] / scale,
        "high": limits[:, 1] / scale,
        "p_value": model.lrt_pvalues_,
    }
    table = pd.DataFrame({"term": [*terms, "intercept"], **values})
    table = pd.concat([table.iloc[-1:], table.iloc[:-1]], ignore_index=True)
    for name, column in (("odds_ratio", "coefficient"), ("odds_low", "low"), ("odds_high", "high")):
        table[name] = np.exp(table[column])
    order = ["term", "coefficient", "se", "low", "high", "odds_ratio", "odds_low", "odds_high", "p_value"]
    return table[order], float(model.loglik_ + np.log(spread).sum())  # the penalty in the units of the columns


def _design(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    parts = []
    for name in columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            parts.append(column.astype(float))
            continue
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.remove_unused_categories()
        dummies = pd.get_dummies(column, dtype=float).iloc[:, 1:]
        dummies.columns = [f"{name}: {level}" for level in dummies.columns]
        parts.append(dummies)
    return pd.concat(parts, axis=1)

"""Readers against a model at the same specificity, or the same sensitivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.checks import check_level
from helpers.stats.mrmc_anova import single_modality
from helpers.stats.mrmc_covariance import patient_weights
from helpers.stats.readings import ReadingCube, cube
from helpers.stats.student import t_p_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MATCHES = {"specificity": "sensitivity", "sensitivity": "specificity"}


@dataclass(frozen=True, eq=False)
class MatchedComparison:
    """Result of `compare_at_matched`.

    Parameters
    ----------
    match : str
        What is held equal: `specificity` or `sensitivity`.
    measure : str
        What is compared: the other one.
    table : DataFrame
        One row a reader: `reader, sensitivity, specificity, reader_value, model_value, difference (model -
        reader), se, low, high`.
    difference, low, high, se, df, p_value : float
        Mean over readers of model - reader, for random readers and cases; NaN with one reader except
        the difference and its interval, which are then that reader's.
    level : float
    roc : DataFrame
        `sensitivity, specificity` of the model, from no positive call to all.
    modality : str
    n_cases, n_patients, resamples : int
    note : str
    methods : str
        A sentence for the methods section.
    """

    match: str
    measure: str
    table: pd.DataFrame
    difference: float
    low: float
    high: float
    se: float
    df: float
    p_value: float
    level: float
    roc: pd.DataFrame
    modality: str
    n_cases: int
    n_patients: int
    resamples: int
    note: str
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return one row a reader, and a last row `all readers`."""
        row = {"difference": self.difference, "se": self.se, "low": self.low, "high": self.high}
        means = self.table[["sensitivity", "specificity", "reader_value", "model_value"]].mean().to_dict()
        return pd.concat([self.table, pd.DataFrame([{"reader": "all readers", **means, **row}])], ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the model's ROC curve, the readers' points, and the gap that is compared.

        Parameters
        ----------
        ax : matplotlib Axes or None
            None opens a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from helpers.stats.palette import COLORS, REFERENCE, roc_square, styles

        ax = roc_square(ax)
        ax.plot(1 - self.roc["specificity"], self.roc["sensitivity"], color=COLORS[0], label="model")
        look = styles(["model", *self.table["reader"].astype(str)])
        for row in self.table.to_dict("records"):
            x, y = 1 - row["specificity"], row["sensitivity"]
            end = (x, row["model_value"]) if self.match == "specificity" else (1 - row["model_value"], y)
            ax.plot([x, end[0]], [y, end[1]], color=REFERENCE, lw=0.8)
            ax.plot(x, y, ms=7, label=f"reader {row['reader']}", **look[str(row["reader"])].point())
        ax.legend(fontsize="small", frameon=False, loc="lower right")
        return ax


def compare_at_matched(
    readings: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    match: str = "specificity",
    modality: object = None,
    threshold: float | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> MatchedComparison:
    """Compare yes-or-no readings with a model at each reader's own specificity, or sensitivity.

    A reader who says yes or no is a point in ROC space; the area under the two lines through it is
    (sensitivity + specificity) / 2 and no match for the area under a model's curve. So the model's
    empirical ROC curve, joined by straight lines, is read at the reader's specificity (or sensitivity), and the
    difference in the other measure is reported. Patients are drawn with replacement, and in each
    resample point and curve are computed anew, so the uncertainty of the matched value counts too. Over random
    readers the variance is that of a single-modality analysis of the differences (Hillis 2014,
    doi:10.1002/sim.5926) with the bootstrap covariance (doi:10.1214/aos/1176344552).

    Parameters
    ----------
    readings : DataFrame
        `reader, modality, case_id, label, rating`, optionally `patient_id`; every reader read every case.
    predictions : DataFrame
        `case_id, risk`, one row a case, for exactly the cases read (others are left out and counted);
        a column `label` must agree.
    match : str
        `specificity` (compare sensitivity) or `sensitivity` (compare specificity).
    modality : object
        Which modality of the readings, when there are several.
    threshold : float or None
        For graded ratings: positive at or above it.
    level : float
        Confidence level, in (0, 1).
    resamples, seed : int
        Of the bootstrap over patients.

    Returns
    -------
    MatchedComparison

    Raises
    ------
    ValueError
        If a table has a fault, readings are missing, a case has no risk or another label, several
        modalities come without a choice, or an option is unknown.

    Examples
    --------
    >>> def call(reader, case):
    ...     return int((case * 37 + reader * 11) % 23 < 7 + 9 * (case % 2))
    >>> rows = [(r, "unaided", k, k % 2, call(r, k)) for r in range(3) for k in range(60)]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> model = pd.DataFrame({"case_id": range(60), "risk": [(k * 7 % 11 + 6 * (k % 2)) / 17 for k in range(60)]})
    >>> result = compare_at_matched(table, model, resamples=200)
    >>> result.table["difference"].round(3).tolist()
    [0.211, 0.133, 0.178]
    """
    check_level(level)
    if match not in MATCHES:
        raise ValueError(f"match must be 'specificity' or 'sensitivity', not {match!r}")
    if resamples < 50:
        raise ValueError(f"resamples must be at least 50, not {resamples}")
    data, name = _one_modality(readings, modality)
    calls = data.calls(threshold)[0]
    risk, unused = _risk(predictions, data)
    point, model, gap = _gaps(calls, risk, data.label, match, np.ones((1, risk.size)))
    weight = patient_weights(data, resamples, seed)
    usable = (weight[:, data.label == 1].sum(axis=1) > 0) & (weight[:, data.label == 0].sum(axis=1) > 0)
    if usable.mean() < 0.99:
        raise ValueError("readings: too few patients of a class to draw patients with replacement")
    drawn = _gaps(calls, risk, data.label, match, weight[usable])[2]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    own = {"reader": list(data.readers), "sensitivity": point[0][0], "specificity": point[1][0]}
    value = point[0][0] if match == "specificity" else point[1][0]
    own |= {"reader_value": value, "model_value": model[0], "difference": gap[0], "se": drawn.std(axis=0, ddof=1)}
    table = pd.DataFrame(own | {"low": low, "high": high})
    notes = [f"{unused} predictions are of cases that were not read, and were left out"] if unused else []
    if len(data.readers) > 1:
        matrix = np.cov(drawn, rowvar=False)
        mean, cut = single_modality(gap[0], matrix, level=level, lowest=-1.0)
        if cut:
            notes.append("Cov2 of the differences was negative and set to 0")
        p_value = t_p_value(mean["value"] / mean["se"], mean["df"]) if mean["se"] > 0 else np.nan
    else:
        row = table.iloc[0]
        mean = {"value": row["difference"], "low": row["low"], "high": row["high"], "se": row["se"], "df": np.nan}
        p_value = np.nan
        notes.append("one reader: nothing here generalises to other readers")
    whole = f"{len(data.cases)} cases of {data.n_patients} patients" if data.clustered else f"{len(data.cases)} cases"
    measure = MATCHES[match]
    scope = "readers and cases random (doi:10.1002/sim.5926)" if len(data.readers) > 1 else "one reader"
    methods = (
        f"At the {match} of each of {len(data.readers)} readers on {whole}, the {measure} of the model was read from "
        f"its ROC curve; model - reader was {mean['value']:.3f} on average ({100 * level:g} % CI {mean['low']:.3f} to "
        f"{mean['high']:.3f}), by {resamples} bootstrap resamples of patients (doi:10.1214/aos/1176344552), {scope}."
    )
    numbers = [float(mean[key]) for key in ("value", "low", "high", "se", "df")]
    curve = _curve(risk, data.label)
    return MatchedComparison(
        match, measure, table, *numbers, p_value, level, curve, str(name), len(data.cases), data.n_patients,
        resamples, "; ".join(notes), methods,
    )  # fmt: skip


def _one_modality(readings: pd.DataFrame, modality: object) -> tuple[ReadingCube, object]:
    data = cube(readings, modalities=None if modality is None else (modality,))
    if len(data.modalities) > 1:
        raise ValueError(f"modality must name one of {list(data.modalities)}: the readings have several")
    if not data.crossed:
        missing = int(np.isnan(data.rating).sum())
        raise ValueError(f"readings: {missing} readings are missing; every reader must have read every case")
    return data, data.modalities[0]


def _risk(predictions: pd.DataFrame, data: ReadingCube) -> tuple[np.ndarray, int]:
    if not isinstance(predictions, pd.DataFrame):
        raise ValueError(f"predictions must be a DataFrame, not {type(predictions).__name__}")
    for column in ("case_id", "risk"):
        if column not in predictions:
            raise ValueError(f"predictions: there is no column {column!r}")
    twice = predictions["case_id"].duplicated()
    if twice.any():
        case = predictions.loc[twice, "case_id"].iloc[0]
        raise ValueError(f"predictions: case {case!r} is there twice; choose one model and seed")
    table = predictions.set_index("case_id")
    lacking = [case for case in data.cases if case not in table.index]
    if lacking:
        raise ValueError(f"predictions: {len(lacking)} cases of the readings have no risk, among them {lacking[0]!r}")
    table = table.loc[list(data.cases)]
    risk = pd.to_numeric(table["risk"], errors="coerce").to_numpy(float)
    if not np.isfinite(risk).all():
        raise ValueError(
            f"predictions: the risk of case {data.cases[int(np.argmin(np.isfinite(risk)))]!r} is not finite"
        )
    if "label" in table and (table["label"].to_numpy() != data.label).any():
        case = data.cases[int(np.argmax(table["label"].to_numpy() != data.label))]
        raise ValueError(f"predictions: the label of case {case!r} differs from the one in the readings")
    return risk, len(predictions) - len(table)


def _curve(risk: np.ndarray, label: np.ndarray) -> pd.DataFrame:
    true, false = _steps(risk, label, np.ones((1, risk.size)))
    return pd.DataFrame({"sensitivity": true[0], "specificity": 1 - false[0]})


def _steps(risk: np.ndarray, label: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positive fractions of (resamples, distinct risks + 1), rising."""
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.flatnonzero(np.diff(risk[order])), risk.size - 1)
    curves = []
    for wanted in (1, 0):
        total = np.cumsum(weight[:, order] * (label[order] == wanted), axis=1)[:, last]
        total = np.concatenate([np.zeros((len(weight), 1)), total], axis=1)
        curves.append(total / total[:, -1:])
    return curves[0], curves[1]


def _gaps(
    calls: np.ndarray, risk: np.ndarray, label: np.ndarray, match: str, weight: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Readers' sensitivity and specificity, the model's matched value and model - reader, of (resamples, readers)."""
    weight1, weight0 = weight * (label == 1), weight * (label == 0)
    sensitivity = weight1 @ calls.T / weight1.sum(axis=1, keepdims=True)
    specificity = weight0 @ (1 - calls).T / weight0.sum(axis=1, keepdims=True)
    true, false = _steps(risk, label, weight)
    # x rises along the curve; where it stands still the higher y is the attainable one
    if match == "specificity":
        x, y, at, own = false, true, 1 - specificity, sensitivity
    else:
        x, y, at, own = (1 - true)[:, ::-1], (1 - false)[:, ::-1], 1 - sensitivity, specificity
    model = np.array([_read_curve(*row) for row in zip(x, y, at)])
    return (sensitivity, specificity), model, model - own


def _read_curve(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation; at a vertical step the upper end, whatever the rounding of `at`."""
    right = np.minimum(np.searchsorted(x, at + 1e-12, side="right"), x.size - 1)
    left = np.maximum(right - 1, 0)
    run = x[right] - x[left]
    part = np.divide(at - x[left], run, out=np.ones_like(at), where=run > 1e-12)
    return y[left] + np.clip(part, 0, 1) * (y[right] - y[left])

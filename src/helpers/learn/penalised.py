"""L2-penalised logistic regression on a cohort table: encoding, Newton's method, and the choice of the penalty.

Everything that is learned from data (medians, means, scales, penalty, coefficients) is learned from the rows given,
so that a caller who gives only training rows cannot leak. Written out instead of a pipeline of scikit-learn, which
is the test's oracle, because a bootstrap refits it some ten thousand times (0.6 instead of 4.5 ms a fit).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from helpers.learn.folds import grouped_folds
from helpers.learn.newton import step_down
from helpers.learn.penalised_classes import newton_classes, softmax
from helpers.learn.scores import log_loss

# Inverse penalty as in scikit-learn: from almost only the prevalence to almost no penalty.
PENALTIES = tuple(float(value) for value in np.logspace(-3, 2, 11))
TYPES = ("continuous", "categorical", "binary")
MISSING = "missing"


@dataclass(frozen=True)
class Covariate:
    """A column of the cohort table as a predictor.

    `levels` are declared in the order of the study and compared as text; `binary` without levels means 0 and 1.
    `label` and `unit` are for readers; without a label it is the name.
    """

    name: str
    type: str = "continuous"
    levels: tuple[str, ...] = ()
    label: str = ""
    unit: str = ""

    @classmethod
    def of(cls, given: Any) -> Covariate:
        """Make one of a mapping or of any object with `name`, `type`, `levels`, `label` and `unit`.

        Raises
        ------
        ValueError
            If the type is unknown or the levels do not fit it.

        Examples
        --------
        >>> Covariate.of({"name": "sex", "type": "binary", "levels": ["female", "male"]}).levels
        ('female', 'male')
        """
        get = given.get if isinstance(given, dict) else lambda key, other: getattr(given, key, other)
        name, kind = get("name", None), get("type", "continuous")
        levels = tuple(as_text(level) for level in (get("levels", ()) or ()))
        if not name or kind not in TYPES:
            raise ValueError(f"covariates: {name!r} needs a type of {', '.join(TYPES)}, not {kind!r}")
        if kind == "binary" and not levels:
            levels = ("0", "1")
        if (kind == "binary" and len(levels) != 2) or (kind == "categorical" and len(levels) < 2):
            raise ValueError(f"covariates: {kind} {name!r} has {len(levels)} levels")
        words = (get("label", "") or name, get("unit", "") or "")
        return cls(name, kind, levels if kind != "continuous" else (), *words)


@dataclass(frozen=True)
class Term:
    """One column of the design: a standardised number, a level, or that the value is missing."""

    covariate: str
    column: int
    kind: str
    level: int = -1
    level_name: str = ""
    median: float = 0.0
    mean: float = 0.0
    sd: float = 1.0


@dataclass(frozen=True)
class Fit:
    """Terms, coefficients (intercept first; of several classes a row each) and penalty of one fitted model."""

    terms: tuple[Term, ...]
    coefficient: np.ndarray
    penalty: float
    path: tuple[tuple[float, float], ...]

    def risk(self, encoded: np.ndarray) -> np.ndarray:
        """Risks of encoded rows, in (0, 1): of shape (n,), or (n, classes) where there are several."""
        score = design(encoded, self.terms) @ self.coefficient.T
        return sigmoid(score) if score.ndim == 1 else softmax(score)


def as_text(value: Any) -> str:
    """Level as text: 1, 1.0 and "1" are one level.

    Examples
    --------
    >>> as_text(1.0), as_text("T1a"), as_text(True)
    ('1', 'T1a', 'true')
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value).strip()
    return text.lower() if text in ("True", "False") else text


def encode(frame: pd.DataFrame, covariates: Iterable[Covariate]) -> np.ndarray:
    """Turn columns into numbers without learning anything: numbers as they are, levels as their places.

    Returns
    -------
    float array of shape (n, covariates)
        NaN where a value is missing.

    Raises
    ------
    ValueError
        If a column is absent, a number is no number, or a level is not declared.
    """
    columns = []
    for covariate in covariates:
        if covariate.name not in frame:
            raise ValueError(f"covariates: the table has no column {covariate.name!r}")
        values = frame[covariate.name]
        if covariate.type == "continuous":
            numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
            lost = values.notna().to_numpy() & ~np.isfinite(numbers)
        else:
            place = {level: i for i, level in enumerate(covariate.levels)}
            numbers = np.array([np.nan if pd.isna(v) else place.get(as_text(v), -1) for v in values], float)
            lost = numbers == -1
        if lost.any():
            allowed = ", ".join(covariate.levels) or "a finite number"
            found = values.iloc[int(np.argmax(lost))]
            raise ValueError(f"covariates: {covariate.name} is {found!r}; allowed: {allowed}")
        columns.append(numbers)
    if not columns:
        raise ValueError("covariates must name at least one column")
    return np.column_stack(columns)


def learn_terms(encoded: np.ndarray, covariates: Iterable[Covariate]) -> tuple[Term, ...]:
    """Learn the columns of the design from training rows.

    A continuous covariate is filled with its median and scaled by the mean and SD of its known values. Two levels
    give one indicator (of the second), more give one each: with a penalty no level need be left out, and no choice
    of a reference can change the fit. Missing levels get an indicator of their own where training rows miss some.
    An indicator that is the same in all training rows would get a coefficient of exactly 0, and is no term.
    """
    terms = []
    for i, covariate in enumerate(covariates):
        values = encoded[:, i]
        known = values[~np.isnan(values)]
        if covariate.type == "continuous":
            if not known.size:
                raise ValueError(f"covariates: {covariate.name} has no value in the training rows")
            median, mean, sd = float(np.median(known)), float(known.mean()), float(known.std()) or 1.0
            terms.append(Term(covariate.name, i, "number", median=median, mean=mean, sd=sd))
            continue
        first = 1 if len(covariate.levels) == 2 else 0
        for level in range(first, len(covariate.levels)):
            if 0 < (known == level).sum() < values.size:
                terms.append(Term(covariate.name, i, "level", level, covariate.levels[level]))
        if 0 < known.size < values.size:
            terms.append(Term(covariate.name, i, MISSING, level_name=MISSING))
    return tuple(terms)


def design(encoded: np.ndarray, terms: tuple[Term, ...]) -> np.ndarray:
    """Design matrix with a leading column of ones, (n, 1 + terms)."""
    matrix = np.ones((len(encoded), 1 + len(terms)))
    for j, term in enumerate(terms, start=1):
        values = encoded[:, term.column]
        if term.kind == "number":
            matrix[:, j] = (np.where(np.isnan(values), term.median, values) - term.mean) / term.sd
        else:
            matrix[:, j] = values == term.level if term.kind == "level" else np.isnan(values)
    return matrix


def newton(matrix: np.ndarray, label: np.ndarray, penalty: float, start: np.ndarray | None = None) -> np.ndarray:
    """Coefficients that minimise log-loss sum + |b|^2 / (2 penalty); the first one, the intercept, is free.

    Examples
    --------
    >>> newton(np.ones((4, 1)), np.array([0, 1, 1, 1]), 1.0).round(4).tolist()  # log odds of 3 in 4
    [1.0986]
    """
    ridge = np.full(matrix.shape[1], 1 / penalty)
    ridge[0] = 0.0

    def cost(at: np.ndarray) -> float:
        score = matrix @ at
        return float(np.logaddexp(0, score).sum() - score @ label + 0.5 * (ridge * at * at).sum())

    at = np.zeros(matrix.shape[1]) if start is None else start.copy()
    now = cost(at)
    for _ in range(100):
        risk = sigmoid(matrix @ at)
        curvature = (matrix * (risk * (1 - risk))[:, None]).T @ matrix
        curvature[np.diag_indices_from(curvature)] += ridge + 1e-12
        step = np.linalg.solve(curvature, matrix.T @ (risk - label) + ridge * at)
        length = 1.0
        while (new := cost(at - length * step)) > now + 1e-12 and length > 1e-6:
            length /= 2
        at, now = at - length * step, new
        if np.abs(length * step).max() < 1e-9:
            break
    return at


def newton_folds(
    matrices: np.ndarray, label: np.ndarray, inside: np.ndarray, penalty: float, start: np.ndarray | None = None
) -> np.ndarray:
    """`newton` for the training parts of several folds at once: a bootstrap spends its time in small fits.

    Parameters
    ----------
    matrices : array of shape (folds, n, p)
        Design of all rows by the terms of each fold; columns that a fold lacks are 0.
    label : array of shape (n,)
    inside : bool array of shape (folds, n)
        Rows that a fold learns from.
    penalty : float
    start : array of shape (folds, p) or None

    Returns
    -------
    array of shape (folds, p)

    Examples
    --------
    >>> inside = np.array([[True] * 4 + [False] * 2, [False] * 2 + [True] * 4])
    >>> newton_folds(np.ones((2, 6, 1)), np.array([0, 1, 1, 1, 0, 0]), inside, 1.0).round(4).tolist()
    [[1.0986], [0.0]]
    """
    folds, _, p = matrices.shape
    weight = inside.astype(float)
    ridge = np.full(p, 1 / penalty)
    ridge[0] = 0.0
    transposed = np.ascontiguousarray(matrices.transpose(0, 2, 1))

    def cost(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        score = (matrices @ at[:, :, None])[:, :, 0]
        loss = (weight * (np.logaddexp(0, score) - score * label)).sum(axis=1)
        return loss + 0.5 * (ridge * at * at).sum(axis=1), score

    at = np.zeros((folds, p)) if start is None else start.copy()
    now, score = cost(at)
    for _ in range(100):
        risk = sigmoid(score)
        curvature = (transposed * (weight * risk * (1 - risk))[:, None, :]) @ matrices
        curvature[:, np.arange(p), np.arange(p)] += ridge + 1e-12
        slope = (transposed @ (weight * (risk - label))[:, :, None])[:, :, 0] + ridge * at
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        at, now, score, done = step_down(cost, at, step, now)
        if done:
            break
    return at


def fit_penalised(
    encoded: np.ndarray,
    label: np.ndarray,
    patient: np.ndarray,
    covariates: tuple[Covariate, ...],
    *,
    folds: int,
    repeats: int,
    seed: int,
    classes: int = 2,
) -> Fit:
    """Choose the penalty by grouped cross-validation on log-loss within the rows given, then fit them all.

    Ties go to the stronger penalty. When too few patients have an event for `folds`, as many folds as there are
    such patients are used. With more than two `classes` the model is multinomial and labels are their places.
    """
    patient = np.asarray(patient)
    solve = newton_folds if classes == 2 else partial(newton_classes, classes=classes)
    rarest = min(len(np.unique(patient[label == outcome])) for outcome in range(classes))
    if rarest < 2:
        raise ValueError("label: fewer than two patients have one of the outcomes; nothing can be fitted")
    loss = np.zeros(len(PENALTIES))
    for repeat in range(repeats):
        fold = grouped_folds(label, patient, folds=min(folds, rarest), seed=seed + repeat)
        inside = fold != np.arange(fold.max() + 1)[:, None]
        parts = [design(encoded, learn_terms(encoded[rows], covariates)) for rows in inside]
        matrices = np.zeros((len(parts), len(label), max(part.shape[1] for part in parts)))
        for matrix, part in zip(matrices, parts):
            matrix[:, : part.shape[1]] = part
        held, start = matrices[fold, np.arange(len(label))], None
        for i, penalty in enumerate(PENALTIES):
            start = solve(matrices, label, inside, penalty, start)
            loss[i] += log_loss(label, _risk_of(held, start[fold])) / repeats
    best = int(np.argmin(loss))
    terms = learn_terms(encoded, covariates)
    matrix = design(encoded, terms)
    if classes == 2:
        coefficient = newton(matrix, label, PENALTIES[best])
    else:
        coefficient = solve(matrix[None], label, np.ones((1, len(label)), dtype=bool), PENALTIES[best])[0]
    return Fit(terms, coefficient, PENALTIES[best], tuple(zip(PENALTIES, loss.tolist())))


def _risk_of(rows: np.ndarray, coefficient: np.ndarray) -> np.ndarray:
    """Risk of each row by coefficients of its own, of shape (n, p) or (n, classes, p)."""
    if coefficient.ndim == 2:
        return sigmoid((rows * coefficient).sum(axis=1))
    return softmax((rows[:, None, :] * coefficient).sum(axis=2))


def sigmoid(score: np.ndarray) -> np.ndarray:
    """Logistic function, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(score)))

"""The heads that read fused features: scaling and every choice inside the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.learn.folds import grouped_folds

HEADS = ("mlp", "logistic", "svm", "random_forest")
PENALTIES = (0.001, 0.01, 0.1, 1.0)
FOLDS = 5


def fit_head(head: str, values: np.ndarray, label: np.ndarray, *, patient_id: np.ndarray | None, seed: int) -> Any:
    """Fit one head on training rows; it gives probabilities.

    * `mlp`: one hidden layer of 16, strong weight decay, LBFGS.
    * `logistic`: L2 penalty chosen by patient-grouped cross-validation on log-loss.
    * `svm`: radial kernel, C = 1, probabilities by Platt scaling over the same folds.
    * `random_forest`: 500 trees, at least 5 cases a leaf.

    Parameters
    ----------
    head : str
        One of `HEADS`.
    values : array of shape (n, features)
    label : int array of shape (n,)
    patient_id : array of shape (n,) or None
    seed : int

    Returns
    -------
    scikit-learn pipeline
        With `predict_proba`.

    Raises
    ------
    ValueError
        If the head is unknown or an outcome has fewer than two patients.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if head not in HEADS:
        raise ValueError(f"heads must be among {', '.join(HEADS)}, not {head!r}")
    fold = grouped_folds(label, patient_id, folds=FOLDS, seed=seed)
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
    if head == "mlp":
        network = MLPClassifier((16,), alpha=10.0, solver="lbfgs", max_iter=2000, random_state=seed)
        model = make_pipeline(StandardScaler(), network)
    elif head == "logistic":
        plain = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky", max_iter=200))
        grid = {"logisticregression__C": list(PENALTIES)}
        model = GridSearchCV(plain, grid, scoring="neg_log_loss", cv=splits)
    elif head == "svm":
        plain = make_pipeline(StandardScaler(), SVC(C=1.0, kernel="rbf", gamma="scale"))
        model = CalibratedClassifierCV(plain, method="sigmoid", cv=splits, ensemble=False)
    else:
        model = RandomForestClassifier(500, min_samples_leaf=5, random_state=seed, n_jobs=1)
    return model.fit(values, label)


def head_risk(model: Any, values: np.ndarray) -> np.ndarray:
    """Risks (n,) for two classes, (n, K) for more."""
    risk = model.predict_proba(values)
    return risk[:, 1] if risk.shape[1] == 2 else risk

"""Ways to a diagnosis that need no new training: the report as a risk, and the report together with a network.

Nothing here imports torch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data import reports
from helpers.data.study import Study
from helpers.learn.penalised import newton
from helpers.learn.rows import labels_for_training, table

REPORT, TOGETHER = "report", "report and model"
PENALTY = 100.0  # inverse penalty: next to none for three coefficients of hundreds of cases
FUSION = (
    "Report and model: logistic regression of the outcome on the log odds of the network and on the call of the report "
    "(affirmed, doubtful), fitted on the training nodes with out-of-fold risks of the network, never on tuning or test "
    "nodes."
)


def network_predictions(results: str | Path, study: Study, *, seed: int) -> pd.DataFrame:
    """Predictions of the networks that classify, named as in `study.yaml`.

    Parameters
    ----------
    results : path
        `results/<study>`.
    study : Study
    seed : int

    Returns
    -------
    DataFrame
        A predictions table.
    """
    asked, parts = study.segmentation, []
    for name, network in asked.networks.items():
        path = Path(results) / "train" / f"{asked.input}-{network}-s{seed}" / "predictions.csv"
        if path.is_file():
            text = {"patient_id": str, "case_id": str, "center": str}
            parts.append(pd.read_csv(path, dtype=text, keep_default_na=False).assign(model=name))
    if not parts:
        raise ValueError("results: no network that classifies has predictions")
    return pd.concat(parts, ignore_index=True)


def combine(risk: np.ndarray, call: pd.Series, label: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    """Put the risk of a network and the call of a report together.

    Parameters
    ----------
    risk : array of shape (n,)
        In (0, 1).
    call : Series of str, length n
        As in `report_terms.CALLS`.
    label : array of shape (n,)
        0 or 1 in the rows of `fit`; never read elsewhere.
    fit : bool array of shape (n,)
        Rows the model is fitted on.

    Returns
    -------
    risk : array of shape (n,)
    weights : DataFrame
        `term, log_odds`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> label = rng.integers(0, 2, 400)
    >>> call = pd.Series(np.where(rng.uniform(size=400) < 0.2 + 0.6 * label, "malignant", "benign"))
    >>> both, weights = combine(np.full(400, 0.5), call, label, np.ones(400, bool))
    >>> bool(both[call == "malignant"].mean() > 0.7), weights["term"].tolist()[1]
    (True, 'log odds of the network')
    """
    clipped = np.clip(np.asarray(risk, dtype=float), 1e-6, 1 - 1e-6)
    columns = {
        "intercept": np.ones(len(clipped)),
        "log odds of the network": np.log(clipped / (1 - clipped)),
        "report: affirmed": (call == "malignant").to_numpy(float),
        "report: doubtful": (call == "uncertain").to_numpy(float),
    }
    design = np.column_stack(list(columns.values()))
    weights = newton(design[fit], np.asarray(label)[fit].astype(float), PENALTY)
    made = 1 / (1 + np.exp(-(design @ weights)))
    return made, pd.DataFrame({"term": list(columns), "log_odds": weights})


def predictions(
    folder: str | Path, results: str | Path, study: Study, cases: pd.DataFrame, *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Predictions of every way: the classifying networks, and where there are reports, those alone and together.

    Parameters
    ----------
    folder : path
        The study's folder.
    results : path
    study : Study
    cases : DataFrame
        The cohort table.
    seed : int

    Returns
    -------
    predictions, weights : DataFrame
        The predictions table, and the weights of the combination; None without reports.
    """
    networks = network_predictions(results, study, seed=seed)
    if study.reports is None:
        return networks, None
    read = reports.read(folder, cases, language=study.reports.language)
    called = reports.positive(read["call"], uncertain=study.reports.uncertain).to_numpy()
    seen = labels_for_training(cases)
    fitted = np.where((cases["split"] == "train").to_numpy(), seen, np.nan)
    parts = [networks, table(reports.risk(called, fitted), cases, study=study.name, model=REPORT, seed=seed)]
    partner = study.reports.model or networks["model"].iloc[0]
    own = networks[networks["model"] == partner].set_index("case_id").loc[cases["case_id"], "risk"].to_numpy()
    both, weights = combine(own, read["call"], seen, np.isfinite(fitted))
    parts.append(table(both, cases, study=study.name, model=TOGETHER, seed=seed))
    return pd.concat(parts, ignore_index=True), weights

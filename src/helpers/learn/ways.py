"""Ways to a diagnosis that need no new training: the report as a risk, and the report together with a network.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data import reports
from helpers.data.study import Study
from helpers.learn.candidates import title
from helpers.learn.penalised import newton
from helpers.learn.rows import labels_for_training, table

FOLDS = "folds.csv"  # risks of the network of each fold, in the folder of its run
DOES = {
    "ynet": "outlines and classifies",
    "ynet_classifier": "classifies only",
    "monai_unet": "outlines only",
}
PENALTY = 100.0  # inverse penalty: next to none for three coefficients of hundreds of cases
FUSION = (
    "Report and model: logistic regression of the outcome on the log odds of the network and on the call of the report "
    "(affirmed, doubtful), fitted on the training nodes with out-of-fold risks of the network, never on tuning or test "
    "nodes. The weights belong to the network of one fold: a tuning or test node is judged with each fold's network, "
    "and the mean is taken."
)


def name_of(network: str) -> str:
    """Name of an outlining network at the beginning of a sentence.

    Examples
    --------
    >>> name_of("ynet"), name_of("ynet_classifier")
    ('Y-Net', 'The classifying half of Y-Net')
    """
    return title(network) if network == "ynet" else f"The {title(network)}"


def named(networks: Mapping[str, str]) -> str:
    """Which network stands behind each name of a study, in a sentence.

    Parameters
    ----------
    networks : mapping of str to str
        `segmentation.networks` of `study.yaml`.

    Examples
    --------
    >>> named({"joint": "ynet", "U-Net": "monai_unet"})
    'Networks: joint is Y-Net, which outlines and classifies; U-Net is the U-Net of MONAI, which outlines only.'
    """
    said = [f"{name} is {name_of(kind).replace('The ', 'the ')}, which {DOES[kind]}" for name, kind in networks.items()]
    return f"Networks: {'; '.join(said)}."


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


def combine(risks: np.ndarray, call: pd.Series, label: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    """Put the risks of the networks of all folds and the call of a report together.

    Out-of-fold risks are those of one network, and the mean of several is less spread: weights that were fitted on the
    former are used on each network's risk, and what they give is averaged.

    Parameters
    ----------
    risks : array of shape (folds, n)
        In (0, 1); NaN in the rows that the network of a fold was trained on.
    call : Series of str, length n
        As in `report_terms.CALLS`.
    label : array of shape (n,)
        0 or 1 in the rows of `fit`; never read elsewhere.
    fit : bool array of shape (n,)
        Rows the model is fitted on: each has the risk of one network.

    Returns
    -------
    risk : array of shape (n,)
    weights : DataFrame
        `term, log_odds`.

    Raises
    ------
    ValueError
        If a row of `fit` has not exactly one risk, or another row has none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> label = rng.integers(0, 2, 400)
    >>> call = pd.Series(np.where(rng.uniform(size=400) < 0.2 + 0.6 * label, "malignant", "benign"))
    >>> both, weights = combine(np.full((1, 400), 0.5), call, label, np.ones(400, bool))
    >>> bool(both[call == "malignant"].mean() > 0.7), weights["term"].tolist()[1]
    (True, 'log odds of the network')
    """
    known = np.isfinite(risks).sum(axis=0)
    if (known[fit] != 1).any() or not known.all():
        raise ValueError("risks: a row of fit needs the risk of one network, any other row of at least one")
    clipped = np.clip(np.asarray(risks, dtype=float), 1e-6, 1 - 1e-6)
    network = np.log(clipped / (1 - clipped))
    columns = {
        "intercept": np.ones(len(call)),
        "log odds of the network": np.nanmean(network, axis=0),
        "report: affirmed": (call == "malignant").to_numpy(float),
        "report: doubtful": (call == "uncertain").to_numpy(float),
    }
    design = np.column_stack(list(columns.values()))
    weights = newton(design[fit], np.asarray(label)[fit].astype(float), PENALTY)
    rest = design @ np.where(np.arange(len(weights)) == 1, 0, weights)
    made = np.nanmean(1 / (1 + np.exp(-(rest + weights[1] * network))), axis=0)
    return made, pd.DataFrame({"term": list(columns), "log_odds": weights})


def fold_risks(path: str | Path, case_id: np.ndarray) -> np.ndarray:
    """Risks of the network of each fold, (folds, n) in the order of `case_id`; NaN where it was trained.

    Parameters
    ----------
    path : path
        `folds.csv`, from `helpers.learn.ynet_page.write`.
    case_id : array of str, shape (n,)
    """
    held = pd.read_csv(path, dtype={"case_id": str}, keep_default_na=False)
    return held.pivot(index="fold", columns="case_id", values="risk").reindex(columns=case_id).to_numpy(float)


def predictions(
    folder: str | Path, results: str | Path, study: Study, cases: pd.DataFrame, *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Predictions of every way: the classifying networks, and where there are reports, those alone and together.

    Training cases have no row of the combination: its weights have seen their labels and its networks have not, so
    that risk would be neither apparent nor out of fold.

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
    parts = [networks, table(reports.risk(called, fitted), cases, study=study.name, model=reports.ALONE, seed=seed)]
    partner = study.reports.model or networks["model"].iloc[0]
    run = f"{study.segmentation.input}-{study.segmentation.networks[partner]}-s{seed}"
    risks = fold_risks(Path(results) / "train" / run / FOLDS, cases["case_id"].to_numpy(object))
    both, weights = combine(risks, read["call"], seen, np.isfinite(fitted))
    made = table(both, cases, study=study.name, model=reports.TOGETHER, seed=seed)
    parts.append(made[made["split"] != "train"])
    return pd.concat(parts, ignore_index=True), weights

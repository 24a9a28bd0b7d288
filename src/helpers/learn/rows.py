"""Between the cohort table and the models: which rows they may see, and the predictions table they leave.

Nothing here imports torch: the clinical baseline uses it too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

KEYS = ["split", "center", "patient_id", "case_id", "label"]


def by_split(cases: pd.DataFrame) -> dict[str, np.ndarray]:
    """Row numbers of every split.

    Parameters
    ----------
    cases : DataFrame
        The cohort table, `split` among its columns.

    Returns
    -------
    dict of str to int array

    Examples
    --------
    >>> by_split(pd.DataFrame({"split": ["train", "test", "train"]}))["train"].tolist()
    [0, 2]
    """
    split = cases["split"].to_numpy(dtype=object)
    return {name: np.flatnonzero(split == name) for name in pd.unique(split)}


def labels_for_training(cases: pd.DataFrame) -> np.ndarray:
    """Labels of training and tuning cases; NaN everywhere else, so that no test label can be read.

    Examples
    --------
    >>> labels_for_training(pd.DataFrame({"split": ["train", "test", "tune"], "label": [1, 1, 0]})).tolist()
    [1.0, nan, 0.0]
    """
    seen = cases["split"].isin(["train", "tune"]).to_numpy()
    return np.where(seen, cases["label"].to_numpy(dtype=float), np.nan)


def table(
    risk: np.ndarray, cases: pd.DataFrame, *, study: str, model: str, seed: int, classes: Sequence[str] = ()
) -> pd.DataFrame:
    """Put risks of all cases into a predictions table.

    Parameters
    ----------
    risk : array of shape (n,), or (n, classes)
    cases : DataFrame
        The cohort table.
    study, model : str
        Names for the table.
    seed : int
        Of the training run.
    classes : sequence of str
        Names of several classes: the table then has a column `risk_<class>` for each, and labels are names.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If there is not one risk, or one a class, for every case.

    Examples
    --------
    >>> cases = pd.DataFrame([["test", "A", "P1", "C1", 1]], columns=KEYS)
    >>> table(np.array([0.5]), cases, study="olnm", model="clinical", seed=0)["risk"].tolist()
    [0.5]
    """
    if len(risk) != len(cases):
        raise ValueError(f"risk has {len(risk)} values for {len(cases)} cases")
    frame = cases[KEYS].copy()
    frame.insert(0, "study", study)
    frame.insert(1, "model", model)
    frame.insert(2, "seed", int(seed))
    if classes:
        if np.shape(risk) != (len(cases), len(classes)):
            raise ValueError(f"risk has shape {np.shape(risk)} for {len(cases)} cases and {len(classes)} classes")
        frame["label"] = [classes[code] for code in frame["label"]]
        return frame.assign(**{f"risk_{name}": risk[:, place] for place, name in enumerate(classes)})
    return frame.assign(risk=np.asarray(risk, dtype=float))

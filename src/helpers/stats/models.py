"""Several models on the same cases: the tables and figures that a chapter shows for all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.discrimination import (
    Roc,
    Threshold,
    auc,
    choose_threshold,
    compare_auc_all,
    operating_point,
    optimism_of_test_threshold,
    plot_rocs,
    roc,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORDER = ("train", "tune", "oof", "test", "external")
TITLES = {
    "train": "Training (apparent)",
    "tune": "Tuning",
    "oof": "Cross-validation (out of fold)",
    "test": "Test",
    "external": "External test",
}
PAIRS = (
    "Differences between correlated AUCs by DeLong (doi:10.2307/2531595), by patient when patients repeat "
    "(Obuchowski 1997, doi:10.2307/2533958); P values of all pairs adjusted by Holm."
)
OPTIMISM = (
    "The threshold that the same rule would choose on the judged cases themselves is shown beside the frozen one; the "
    "difference is the optimism (doi:10.1373/clinchem.2007.096032)."
)
MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "lr_positive", "lr_negative")


@dataclass(frozen=True)
class Panel:
    """Risks of several models for the same cases of one split.

    Parameters
    ----------
    split : str
    label : int array of shape (n,)
    patient_id : array of shape (n,)
    case_id : array of shape (n,)
    risks : dict of str to float array of shape (n,)
        By model, each with its first seed.
    """

    split: str
    label: np.ndarray
    patient_id: np.ndarray
    case_id: np.ndarray
    risks: dict[str, np.ndarray]

    @property
    def n(self) -> int:
        """Number of cases."""
        return len(self.label)

    @property
    def events(self) -> int:
        """Number of positive cases."""
        return int(self.label.sum())

    @property
    def title(self) -> str:
        """What a reader calls the split."""
        return TITLES[self.split]


def panel(table: pd.DataFrame, *, split: str, models: Sequence[str] | None = None) -> Panel:
    """Set the models of one split side by side, each with its first seed.

    Parameters
    ----------
    table : DataFrame
        A predictions table.
    split : str
    models : sequence of str, optional
        In the order wanted; all, as they come, when absent.

    Returns
    -------
    Panel

    Raises
    ------
    ValueError
        If the split is not there, or the models did not predict the same cases.

    Examples
    --------
    >>> rows = [("test", "a", 0, "P1", "C1", 0, 0.2), ("test", "a", 0, "P2", "C2", 1, 0.7)]
    >>> table = pd.DataFrame(rows, columns=["split", "model", "seed", "patient_id", "case_id", "label", "risk"])
    >>> panel(table, split="test").risks["a"].tolist()
    [0.2, 0.7]
    """
    part = table[table["split"] == split]
    if part.empty:
        raise ValueError(f"split: no prediction for {split!r}; there are {', '.join(table['split'].unique())}")
    part = part[part["seed"] == part.groupby("model")["seed"].transform("min")]
    wide = part.pivot(index="case_id", columns="model", values="risk")
    if wide.isna().to_numpy().any():
        short = wide.columns[wide.isna().any()][0]
        raise ValueError(f"table: the model {short!r} did not predict every case of {split!r} that others did")
    cases = part.drop_duplicates("case_id").set_index("case_id").loc[wide.index]
    names = list(models) if models is not None else list(part["model"].unique())
    return Panel(
        split,
        cases["label"].to_numpy(int),
        cases["patient_id"].to_numpy(object),
        wide.index.to_numpy(object),
        {name: wide[name].to_numpy(float) for name in names},
    )


def panels(table: pd.DataFrame, *, splits: Sequence[str] = ORDER) -> list[Panel]:
    """One panel for every split of the table, in reading order."""
    present = set(table["split"])
    return [panel(table, split=split) for split in splits if split in present]


def freeze(chooser: Panel, *, rule: str, value: float | None = None) -> dict[str, Threshold]:
    """Choose every model's threshold on one split that may choose, by the study's rule.

    Parameters
    ----------
    chooser : Panel
        Of `tune`, `train` or `oof`.
    rule : str
        `youden`, `sensitivity`, `specificity` or `declared`.
    value : float or None
        The sensitivity or specificity to reach, or the declared risk.

    Returns
    -------
    dict of str to Threshold
    """
    asked = {"risk_threshold": value} if rule == "declared" else {"target": value}
    return {
        name: choose_threshold(chooser.label, risk, split=chooser.split, rule=rule, model=name, **asked)
        for name, risk in chooser.risks.items()
    }


def performance(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """AUC and every two-by-two measure of each model at its frozen threshold.

    Returns
    -------
    DataFrame
        One row a model: `split, model, n, events, threshold, tp, fp, fn, tn`, then for `auc` and each of `MEASURES`
        the value, `<measure>_low` and `<measure>_high`.
    """
    rows = []
    for name, risk in part.risks.items():
        point = operating_point(part.label, risk, frozen[name], patient_id=part.patient_id)
        row = {"split": part.title, "model": name, "n": part.n, "events": part.events}
        row |= {"threshold": float(frozen[name]), **point.counts}
        found = {"auc": auc(part.label, risk, patient_id=part.patient_id)}
        found |= {measure: point.estimates[measure] for measure in MEASURES}
        for measure, made in found.items():
            row |= {measure: made.value, f"{measure}_low": made.low, f"{measure}_high": made.high}
        rows.append(row)
    return pd.DataFrame(rows)


def printed(frame: pd.DataFrame, measures: Mapping[str, str], *, digits: int = 3) -> pd.DataFrame:
    """Add a column of text, estimate and interval, for each measure.

    Parameters
    ----------
    frame : DataFrame
        With `<measure>`, `<measure>_low` and `<measure>_high`.
    measures : mapping of str to str
        Measure and heading of the column of text.
    digits : int
        Decimals.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> printed(pd.DataFrame({"auc": [0.8], "auc_low": [0.7], "auc_high": [0.9]}), {"auc": "AUC"})["AUC"].tolist()
    ['0.800 (0.700–0.900)']
    """
    out = frame.copy()
    for measure, heading in measures.items():
        limits = zip(frame[measure], frame[f"{measure}_low"], frame[f"{measure}_high"])
        out[heading] = [_range(value, low, high, digits) for value, low, high in limits]
    return out


def _range(value: float, low: float, high: float, digits: int) -> str:
    if np.isnan(value):
        return "–"
    if np.isnan(low) or np.isnan(high):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def comparisons(part: Panel) -> pd.DataFrame:
    """Every pair of models: difference of the AUCs with interval, P and Holm's P; empty for one model.

    Returns
    -------
    DataFrame
        `a, b, difference, difference_low, difference_high, p_value, p_holm`.
    """
    names = ["a", "b", "difference", "difference_low", "difference_high", "p_value", "p_holm"]
    if len(part.risks) < 2:
        return pd.DataFrame(columns=names)
    family = compare_auc_all(part.label, part.risks, patient_id=part.patient_id)
    return family.frame().rename(columns={"low": "difference_low", "high": "difference_high"})[names]


def optimism(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """What each model would have gained by choosing its threshold on the test cases.

    Returns
    -------
    DataFrame
        The rows of `optimism_of_test_threshold` with `model` first.
    """
    rows = [
        optimism_of_test_threshold(part.label, risk, frozen[name]).frame().assign(model=name)
        for name, risk in part.risks.items()
    ]
    table = pd.concat(rows, ignore_index=True)
    return table[["model", *table.columns.drop("model")]]


def rocs(part: Panel, frozen: Mapping[str, Threshold] | None = None) -> list[Roc]:
    """ROC curves of all models of a split, with their frozen operating points when given."""
    return [
        roc(part.label, risk, patient_id=part.patient_id, name=name, threshold=frozen[name] if frozen else None)
        for name, risk in part.risks.items()
    ]


def plot_all_rocs(parts: Sequence[Panel], frozen: Mapping[str, Threshold] | None = None) -> Figure:
    """One square of ROC curves a split; the operating point is marked where the threshold was not chosen.

    Parameters
    ----------
    parts : sequence of Panel
    frozen : mapping of str to Threshold, optional

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    columns = min(len(parts), 2)
    rows = -(-len(parts) // columns)
    size = (5.4 * columns, 5.6 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat[len(parts) :]:
        ax.remove()
    looks = palette.styles(list(dict.fromkeys(name for part in parts for name in part.risks)))
    for ax, part in zip(axes.flat, parts):
        judged = part.split in ("test", "external", "oof")
        plot_rocs(rocs(part, frozen if judged else None), ax=ax, looks=looks)
        ax.set_title(part.title)
    return figure


def performance_of(parts: Sequence[Panel], frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """`performance` of several splits, one below the other."""
    return pd.concat([performance(part, frozen) for part in parts], ignore_index=True)


def threshold_table(frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """Where every frozen threshold comes from: `model, value, rule, split, n, events, data_hash`."""
    table = pd.concat([made.frame().assign(model=name) for name, made in frozen.items()], ignore_index=True)
    return table[["model", "value", "rule", "split", "n", "events", "data_hash"]]


def roc_points(parts: Sequence[Panel]) -> pd.DataFrame:
    """The points of all ROC curves: `split, model, threshold, sensitivity, specificity`."""
    curves = [(part.split, made) for part in parts for made in rocs(part)]
    return pd.concat([c.frame().assign(split=split, model=c.name) for split, c in curves], ignore_index=True)


def p_text(value: float) -> str:
    """A P value as journals print it.

    Examples
    --------
    >>> p_text(0.0004), p_text(0.0312), p_text(0.9996)
    ('<0.001', '0.031', '>0.999')
    """
    if np.isnan(value):
        return "–"
    return "<0.001" if value < 0.001 else ">0.999" if value > 0.999 else f"{value:.3f}"

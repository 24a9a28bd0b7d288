"""Several models on the same cases: the tables and figures that a chapter shows for all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from helpers.stats.delong import placements
from helpers.stats.discrimination import (
    Threshold,
    auc,
    choose_threshold,
    compare_auc_all,
    operating_point,
    optimism_of_test_threshold,
)
from helpers.stats.thresholds import declared_threshold

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
    "(Obuchowski 1997, doi:10.2307/2533958); P values adjusted by Holm over the pairs within each split "
    "(https://www.jstor.org/stable/4615733)."
)
MANY = 5  # models above which every pair, or every line in one figure, is too much to read
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
    def patients(self) -> int:
        """Number of patients; equal to `n` unless patients repeat."""
        return len(pd.unique(self.patient_id))

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
    sizes = part.groupby("model", sort=False)["case_id"].size()
    short = sizes.index[sizes < part["case_id"].nunique()]
    if len(short):
        raise ValueError(f"table: the model {short[0]!r} did not predict every case of {split!r} that others did")
    names, risks = list(models) if models is not None else list(sizes.index), {}
    cases = part[part["model"] == sizes.index[0]]
    if not pd.Index(cases["case_id"]).is_monotonic_increasing:
        cases = cases.sort_values("case_id", kind="stable")
    for name in names:
        own = part[part["model"] == name]
        if not (own["case_id"].to_numpy() == cases["case_id"].to_numpy()).all():  # the same cases in another order
            own = own.set_index("case_id").loc[cases["case_id"]]
        risks[name] = own["risk"].to_numpy(float)
    return Panel(
        split,
        cases["label"].to_numpy(int),
        cases["patient_id"].to_numpy(object),
        cases["case_id"].to_numpy(object),
        risks,
    )


def panels(table: pd.DataFrame, *, splits: Sequence[str] = ORDER) -> list[Panel]:
    """One panel for every split of the table, in reading order."""
    present = set(table["split"])
    return [panel(table, split=split) for split in splits if split in present]


def judged_parts(table: pd.DataFrame, split: str) -> list[Panel]:
    """The split on which models are judged and, beside it, the external test where there is one."""
    return panels(table, splits=[split, *(["external"] if split != "external" else [])])


def chooser(table: pd.DataFrame, split: str | None) -> Panel | None:
    """The cases on which thresholds are chosen and maps fitted; None where the table has no such cases.

    Parameters
    ----------
    table : DataFrame
        A predictions table.
    split : str or None
        `settings.choosing`.

    Returns
    -------
    Panel or None
    """
    return panel(table, split=split) if split is not None and (table["split"] == split).any() else None


def freeze(
    chooser: Panel | None, *, rule: str, value: float | None = None, models: Sequence[str] = ()
) -> dict[str, Threshold]:
    """Choose every model's threshold on one split that may choose, by the study's rule.

    Parameters
    ----------
    chooser : Panel or None
        Of `tune`, `train` or `oof`; None when the table has test cases only.
    rule : str
        `youden`, `sensitivity`, `specificity` or `declared`.
    value : float or None
        The sensitivity or specificity to reach, or the declared risk.
    models : sequence of str
        Names to freeze when there is no chooser.

    Returns
    -------
    dict of str to Threshold

    Raises
    ------
    ValueError
        If there are no cases to choose on and the rule is not `declared`.

    Examples
    --------
    >>> float(freeze(None, rule="declared", value=0.2, models=["image"])["image"])
    0.2
    """
    if chooser is None:
        if rule != "declared":
            raise ValueError(
                f"rule: {rule!r} needs cases to choose on, and the table has judged cases only; declare a risk with "
                "threshold: {rule: declared, value: 0.2} in study.yaml"
            )
        return {name: declared_threshold(value, model=name) for name in models}
    asked = {"risk_threshold": value} if rule == "declared" else {"target": value}
    return {
        name: choose_threshold(chooser.label, risk, split=chooser.split, rule=rule, model=name, **asked)
        for name, risk in chooser.risks.items()
    }


def focus(names: Sequence[str], *, chooser: Panel | None, baseline: str) -> list[str]:
    """Models that the others are compared with when there are many: the best where choices are made, the baseline.

    Parameters
    ----------
    names : sequence of str
        Models of the judged cases.
    chooser : Panel or None
        The best model is that with the highest AUC there; without it there is only the baseline.
    baseline : str
        Name of the clinical model; the first model stands for it where it is absent.

    Returns
    -------
    list of str
        One or two names, the best first.
    """
    found = [baseline if baseline in names else names[0]]
    if chooser is not None:
        aucs = {name: placements(chooser.label > 0, chooser.risks[name])[0] for name in names if name in chooser.risks}
        found.insert(0, max(aucs, key=aucs.get, default=found[0]))
    return list(dict.fromkeys(found))


def family(names: Sequence[str], *, chooser: Panel | None, baseline: str) -> list[tuple[str, str]]:
    """The declared pairs to compare: all of up to five models, else all against the `focus` models.

    Examples
    --------
    >>> family(["image", "video", "clinical"], chooser=None, baseline="clinical")
    [('image', 'video'), ('image', 'clinical'), ('video', 'clinical')]
    >>> len(family([f"m{k}" for k in range(11)], chooser=None, baseline="m0"))
    10
    """
    if len(names) <= MANY:
        return list(combinations(names, 2))
    pairs, seen = [], set()
    for one in focus(names, chooser=chooser, baseline=baseline):
        for other in names:
            if other != one and frozenset((one, other)) not in seen:
                seen.add(frozenset((one, other)))
                pairs.append((other, one))
    return pairs


def performance(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """AUC and every two-by-two measure of each model at its frozen threshold.

    Returns
    -------
    DataFrame
        One row a model, the highest AUC first: `split, model, n, events, patients, values` (different risks),
        `threshold, tp, fp, fn, tn`, then for `auc` and each of `MEASURES` the value, `<measure>_low` and
        `<measure>_high`.
    """
    rows = []
    for name, risk in part.risks.items():
        point = operating_point(part.label, risk, frozen[name], patient_id=part.patient_id)
        row = {"split": part.title, "model": name, "n": part.n, "events": part.events, "patients": part.patients}
        row |= {"values": np.unique(risk).size, "threshold": float(frozen[name]), **point.counts}
        found = {"auc": auc(part.label, risk, patient_id=part.patient_id, interval="auto")}
        found |= {measure: point.estimates[measure] for measure in MEASURES}
        for measure, made in found.items():
            row |= {measure: made.value, f"{measure}_low": made.low, f"{measure}_high": made.high}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("auc", ascending=False, kind="stable", ignore_index=True)


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
    out.attrs["intervals"] = {**out.attrs.get("intervals", {}), **{head: name for name, head in measures.items()}}
    return out


def _range(value: float, low: float, high: float, digits: int) -> str:
    if np.isnan(value):
        return "–"
    zero = f"{0:.{digits}f}"
    shown = [f"{number:.{digits}f}" for number in (value, low, high)]
    shown = [zero if text == f"-{zero}" else text.replace("inf", "∞").replace("-", "−") for text in shown]
    if np.isnan(low) or np.isnan(high):
        return shown[0]
    between = " to " if "−" in "".join(shown) else "–"  # a dash beside a minus sign is misread
    return f"{shown[0]} ({shown[1]}{between}{shown[2]})"


def comparisons(part: Panel, pairs: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Declared pairs of models: difference of the AUCs with interval, P and Holm's P; empty for one model.

    Parameters
    ----------
    part : Panel
    pairs : sequence of pairs of names, or None
        From `family`; None: every pair.

    Returns
    -------
    DataFrame
        `a, b, difference, difference_low, difference_high, p_value, p_holm`.
    """
    names = ["a", "b", "difference", "difference_low", "difference_high", "p_value", "p_holm"]
    if len(part.risks) < 2:
        return pd.DataFrame(columns=names)
    family = compare_auc_all(part.label, part.risks, pairs=pairs, patient_id=part.patient_id)
    return family.frame().rename(columns={"low": "difference_low", "high": "difference_high"})[names]


def comparisons_of(parts: Sequence[Panel], pairs: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
    """`comparisons` of several splits with `split` first; each split is a family of its own."""
    return pd.concat([comparisons(part, pairs).assign(split=part.title) for part in parts], ignore_index=True)


def optimism(part: Panel, frozen: Mapping[str, Threshold]) -> pd.DataFrame | None:
    """What each model would have gained by choosing its threshold on the test cases.

    Returns
    -------
    DataFrame or None
        The rows of `optimism_of_test_threshold` with `model` first; of more than five models the Youden index only.
        None where thresholds were declared: nothing was chosen, so nothing can be borrowed.
    """
    if any(one.rule == "declared" for one in frozen.values()):
        return None
    rows = [
        optimism_of_test_threshold(part.label, risk, frozen[name]).frame().assign(model=name)
        for name, risk in part.risks.items()
    ]
    table = pd.concat(rows, ignore_index=True)
    if len(part.risks) > MANY:
        table = table[table["measure"] == "youden"].reset_index(drop=True)
    return table[["model", *table.columns.drop("model")]]


def performance_of(parts: Sequence[Panel], frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """`performance` of several splits, one below the other."""
    return pd.concat([performance(part, frozen) for part in parts], ignore_index=True)


def threshold_table(frozen: Mapping[str, Threshold]) -> pd.DataFrame:
    """Where every frozen threshold comes from: `model, value, rule, split, n, events, data_hash`.

    `attrs["methods"]` says it in a sentence that holds for every row.
    """
    table = pd.concat([made.frame().assign(model=name) for name, made in frozen.items()], ignore_index=True)
    table.attrs["methods"] = f"Every threshold was {next(iter(frozen.values())).origin}."
    return table[["model", "value", "rule", "split", "n", "events", "data_hash"]]


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

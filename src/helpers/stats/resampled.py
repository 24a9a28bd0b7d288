"""What other test sets would have said: cross-validated risks of all patients, and many small test sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats import palette
from helpers.stats.class_calls import calls
from helpers.stats.delong import placements
from helpers.stats.intervals import Estimate, wald
from helpers.stats.multiclass import influence, mean_auc
from helpers.stats.predictions import classes
from helpers.stats.resampling import cluster_covariance, patient_codes
from helpers.stats.student import t_quantile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWS = 2000
MACRO = "mean over classes"
METHODS = (
    "AUC of each class against the rest and their mean, averaged over the repeats; 95 % intervals by the infinitesimal "
    "jackknife over patients, each patient's influence averaged over repeats, the heads taken as given: what training "
    "on other patients would change is not in them, and the page on trust shows what that costs."
)
LUCK = (
    "{draws:,} test sets of {sizes} drawn without replacement from the out-of-fold patients of all repeats; shown are "
    "the middle 95 % of their AUCs (thin), the middle half (thick) and the median."
)


def _parts(table: pd.DataFrame) -> tuple[list[str], dict[str, list[tuple[float, np.ndarray]]], np.ndarray]:
    """Value and influence of every class's AUC in every repeat, patients in one order."""
    names = classes(table)
    found: dict[str, list] = {name: [] for name in names}
    order = np.sort(table["patient_id"].unique())
    for _, part in table.groupby("seed"):
        own = part.set_index("patient_id").loc[order]
        everyone = np.ones(len(own), dtype=bool)
        for name in names:
            member, score = (own["label"] == name).to_numpy(), own[f"risk_{name}"].to_numpy()
            found[name].append((placements(member, score)[0], influence(member, score, everyone)))
    return names, found, patient_codes(order, len(order))[0]


def performance(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """AUC of each class, and their mean, of several out-of-fold tables.

    Parameters
    ----------
    tables : mapping of model to DataFrame
        Each one row a patient and repeat (`seed`), with `risk_<class>` columns.

    Returns
    -------
    DataFrame
        `model, class, n, events, repeats, auc, auc_low, auc_high, sd` (of the AUC over the repeats).
    """
    rows = []
    for model, table in tables.items():
        names, found, codes = _parts(table)
        once = table[table["seed"] == table["seed"].min()]
        repeats = table["seed"].nunique()
        for name in [*names, MACRO]:
            parts = found[name] if name in found else [one for key in names for one in found[key]]
            made = mean_auc([value for value, _ in parts], [part for _, part in parts], codes, 0.95)
            by_repeat = np.array([[value for value, _ in found[key]] for key in ([name] if name in found else names)])
            spread = float(by_repeat.mean(axis=0).std(ddof=1)) if repeats > 1 else np.nan
            events = int((once["label"] == name).sum()) if name in found else np.nan
            row = {"model": model, "class": name, "n": len(once), "events": events, "repeats": repeats}
            rows.append({**row, "auc": made.value, "auc_low": made.low, "auc_high": made.high, "sd": spread})
    return pd.DataFrame(rows)


def difference(table: pd.DataFrame, other: pd.DataFrame) -> Estimate:
    """Mean AUC over classes of one out-of-fold table less that of another on the same patients.

    Parameters
    ----------
    table, other : DataFrame
        As for `performance`, with the same patients.

    Returns
    -------
    Estimate
        Wald interval from the difference of the patients' influences.
    """
    made = [_parts(one) for one in (table, other)]
    values, influences = [], []
    for names, found, _ in made:
        parts = [one for name in names for one in found[name]]
        values.append(np.mean([value for value, _ in parts]))
        influences.append(np.mean([part for _, part in parts], axis=0))
    se = float(np.sqrt(cluster_covariance(influences[0] - influences[1], made[0][2])[0, 0]))
    return wald(float(values[0] - values[1]), se, method="infinitesimal jackknife over patients")


def between_folds(table: pd.DataFrame, other: pd.DataFrame | None = None, *, level: float = 0.95) -> pd.DataFrame:
    """AUC of each class, and their mean, with intervals that know that training varies too.

    The intervals of `performance` take the heads as given. Here the AUC of every fold is one number, and the variance
    of their mean is that between folds times 1 / J + 1 / (folds - 1), J folds in all: test patients, and training
    patients that folds share; Nadeau and Bengio (2003), doi:10.1023/A:1024068626366. Student's t with J - 1 degrees.

    Parameters
    ----------
    table : DataFrame
        As for `performance`, with the `fold` that tested each patient.
    other : DataFrame, optional
        Of the same patients and folds; the differences `table` - `other` are given instead.
    level : float

    Returns
    -------
    DataFrame
        `class, folds, value, low, high`, the mean over classes last. No limits where a fold lacks a class, or there
        is one fold.

    Examples
    --------
    >>> table = pd.DataFrame({"seed": 0, "label": list("abba" * 4), "fold": np.arange(16) // 8})
    >>> table["risk_b"] = np.tile([0.1, 0.2, 0.9, 0.3, 0.2, 0.6, 0.7, 0.1], 2)
    >>> table = table.assign(patient_id=np.arange(16), risk_a=1 - table["risk_b"])
    >>> between_folds(table).to_dict("split")["data"][-1]
    ['mean over classes', 2, 0.90625, 0.90625, 0.90625]
    """
    values, count = _by_fold(table)
    if other is not None:
        values = values - _by_fold(other)[0]
    values[MACRO] = values.mean(axis=1, skipna=False)
    n = len(values)
    with np.errstate(invalid="ignore"):
        spread = values.std(ddof=1, skipna=False) * np.sqrt(1 / n + 1 / (count - 1)) if count > 1 else np.nan
    middle, reach = values.mean(skipna=False), t_quantile(level, max(n - 1, 1)) * spread
    least = 0.0 if other is None else -1.0
    low, high = (middle - reach).clip(lower=least), (middle + reach).clip(upper=1.0)
    made = pd.DataFrame({"folds": n, "value": middle, "low": low, "high": high})
    return made.rename_axis("class").reset_index()


def _by_fold(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """AUC of each class in each fold of each repeat, NaN where a class is absent; folds of a repeat."""
    names, rows = classes(table), {}
    for key, part in table.sort_values(["seed", "fold", "patient_id"]).groupby(["seed", "fold"]):
        members = {name: (part["label"] == name).to_numpy() for name in names}
        rows[key] = {
            name: placements(own, part[f"risk_{name}"].to_numpy())[0] if own.any() and not own.all() else np.nan
            for name, own in members.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index"), int(table.groupby("seed")["fold"].nunique().max())


def differences(tables: Mapping[str, pd.DataFrame], *, reference: str) -> pd.DataFrame:
    """Every table against a reference: `model, reference, difference` and its limits."""
    rows = []
    for model, table in tables.items():
        if model != reference:
            made = difference(table, tables[reference])
            limits = {"difference": made.value, "difference_low": made.low, "difference_high": made.high}
            rows.append({"model": model, "reference": reference, **limits})
    return pd.DataFrame(rows, columns=["model", "reference", "difference", "difference_low", "difference_high"])


def by_steps(tables: Mapping[str, pd.DataFrame], *, reference: str) -> pd.DataFrame:
    """Mean AUC over classes of every table, and its difference to the reference.

    Returns
    -------
    DataFrame
        `model, auc, difference` with their limits; the difference of the reference to itself is NaN.
    """
    known = performance(tables)
    whole = known[known["class"] == MACRO][["model", "auc", "auc_low", "auc_high"]]
    return whole.merge(differences(tables, reference=reference).drop(columns="reference"), on="model", how="left")


def together(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`by_steps` of several ways of leaving patients out, `way` first."""
    table = pd.concat([part.assign(way=way) for way, part in parts.items()], ignore_index=True)
    return table[["way", *table.columns.drop("way")]]


def steps_sentence(effect: pd.DataFrame) -> str:
    """What all steps together change, by way of leaving patients out; empty without a step.

    Parameters
    ----------
    effect : DataFrame
        From `together`; the last row of a way has all steps.
    """
    said = []
    for way, part in effect.groupby("way", sort=False):
        row = part.iloc[-1]
        if np.isnan(row["difference"]):
            continue
        low, high = f"{row['difference_low']:+.2f}", f"{row['difference_high']:+.2f}"
        sure = "" if row["difference_low"] * row["difference_high"] > 0 else ", so it may be nothing"
        said.append(f"on {way} by {row['difference']:+.2f} (95 % CI {low} to {high}{sure})")
    text = f"All steps on grey values together change the mean AUC over classes {' and '.join(said)}." if said else ""
    return text.replace("-", "−")


def luck(table: pd.DataFrame, sizes: Mapping[str, int], *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """AUCs and accuracy of many test sets as small as the study's own.

    Parameters
    ----------
    table : DataFrame
        Out-of-fold risks, a row a patient and repeat.
    sizes : mapping of class to int
        Patients of each class in a test set; at least one, and no more than there are.
    draws, seed : int

    Returns
    -------
    DataFrame
        One row a drawn test set: the AUC of every class, and `accuracy`.

    Raises
    ------
    ValueError
        If a class has fewer patients than are asked for.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> risk = rng.dirichlet([1, 1, 1], 60)
    >>> table = pd.DataFrame(risk, columns=["risk_a", "risk_b", "risk_c"])
    >>> table = table.assign(label=list("abc") * 20, seed=0, patient_id=range(60))
    >>> luck(table, {"a": 3, "b": 2, "c": 5}, draws=10).shape
    (10, 4)
    """
    names, rng = classes(table), np.random.default_rng(seed)
    repeats = [part for _, part in table.groupby("seed")]
    risks = [part[[f"risk_{name}" for name in names]].to_numpy() for part in repeats]
    labels = [part["label"].to_numpy() for part in repeats]
    for name in names:
        if not 0 < sizes.get(name, 0) <= int((labels[0] == name).sum()):
            raise ValueError(f"sizes: {sizes.get(name, 0)} patients of {name} cannot be drawn")
    rows = []
    for _ in range(draws):
        one = int(rng.integers(len(repeats)))
        chosen = np.concatenate(
            [rng.choice(np.flatnonzero(labels[one] == name), sizes[name], replace=False) for name in names]
        )
        truth, risk = labels[one][chosen], risks[one][chosen]
        row = {name: _auc(truth == name, risk[:, place]) for place, name in enumerate(names)}
        rows.append({**row, "accuracy": float((np.array(names)[risk.argmax(axis=1)] == truth).mean())})
    return pd.DataFrame(rows)


def _auc(member: np.ndarray, score: np.ndarray) -> float:
    higher = score[member][:, None] - score[~member][None]
    return float((higher > 0).mean() + (higher == 0).mean() / 2)


def accuracy(table: pd.DataFrame) -> pd.Series:
    """Accuracy of the class named, one value a repeat."""
    found = {}
    for repeat, part in table.groupby("seed"):
        (made,) = calls(part.assign(model="m"), split=part["split"].iloc[0]).values()
        found[repeat] = made.accuracy().value
    return pd.Series(found, name="accuracy")


def plot_luck(drawn: pd.DataFrame, known: pd.DataFrame) -> Figure:
    """Spread of each measure over the drawn test sets, beside the cross-validated estimate with its interval.

    Parameters
    ----------
    drawn : DataFrame
        From `luck`.
    known : DataFrame
        Rows of `performance` of the same model.
    """
    figure, (ax,) = palette.grid(1, columns=1, width=7.0, height=0.75 * drawn.shape[1] + 1.3)
    names = list(drawn.columns)
    for row, name in enumerate(names):
        low, first, middle, third, high = drawn[name].quantile([0.025, 0.25, 0.5, 0.75, 0.975])
        ax.plot([low, high], [row, row], color="#0072B2", linewidth=1.2)
        label = "small test sets" if row == 0 else None
        ax.plot(
            [first, third], [row, row], color="#0072B2", linewidth=7, alpha=0.45, solid_capstyle="butt", label=label
        )
        ax.plot(middle, row, "o", color="#0072B2", markersize=6)
        own = known[known["class"] == name]
        if len(own):
            one = own.iloc[0]
            at = row + 0.28
            label = "all patients, cross-validated" if row == 0 else None
            ax.plot([one["auc_low"], one["auc_high"]], [at, at], color="#D55E00", linewidth=1.2)
            ax.plot(one["auc"], at, "D", color="#D55E00", markersize=5, label=label)
    ax.set_yticks(range(len(names)), [name if name == "accuracy" else f"AUC: {name}" for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(min(0.4, float(drawn.min().min())), 1.02)
    ax.set_xlabel("AUC, or share of patients named right")
    ax.grid(axis="x", linewidth=0.4)
    ax.legend(frameon=False, fontsize="small", loc="lower left")
    return figure


def sentence(drawn: pd.DataFrame, sizes: Mapping[str, int]) -> str:
    """How far apart equally honest test sets of this size can lie, for the smallest class."""
    name = min(sizes, key=sizes.get)
    low, high = drawn[name].quantile([0.025, 0.975])
    n = sum(sizes.values())
    least, most = drawn["accuracy"].quantile([0.025, 0.975])
    return (
        f"Test sets of {n} patients, {sizes[name]} of them {name}, drawn from the same cross-validated patients, have "
        f"an AUC for this class between {low:.2f} and {high:.2f}, and name between {least:.0%} and {most:.0%} of the "
        "patients right (middle 95 % of them)."
    )

"""AUCs of several models as tables: by split, by two methods, and parts of the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.stats import one_point
from helpers.stats.auc import auc
from helpers.stats.auc_bootstrap import bootstrap_auc
from helpers.stats.models import Panel, printed
from helpers.stats.roc_curve import Roc
from helpers.stats.roc_regions import around
from helpers.stats.units import sizes

LARGE = 50_000  # cases above which resampling says what DeLong says, so that fewer samples do
FEW_SAMPLES = 200
AGREE = 0.15  # largest gap of limits, as a share of the width, that counts as agreement
SAME = (
    "Interval of each AUC by DeLong (doi:10.2307/2531595; by patient when patients repeat: doi:10.2307/2533958), on "
    "the AUC scale or, above 0.95 or where it would pass 1, on the logit scale; beside it percentile limits of "
    "{resamples:,} bootstrap samples of patients, stratified by outcome (doi:10.1201/9780429246593). They are said to "
    "agree when no limit differs by more than {share:.0%} of the interval's width; Monte Carlo error of 500 samples "
    "alone reaches about 6 %."
)


def by_split(curves: Mapping[str, Sequence[Roc]]) -> pd.DataFrame:
    """One row a model: its AUC in every split, sorted by the last one (the judged one, or the external test).

    Parameters
    ----------
    curves : mapping of split title to curves
        From `roc_panels.every`.

    Returns
    -------
    DataFrame
        `model`, then for every split `<split>` as text, `<split>_auc`, `<split>_auc_low` and `<split>_auc_high`.
    """
    frames = []
    for split, made in curves.items():
        rows = [(c.name, c.auc.value, c.auc.low, c.auc.high) for c in made]
        frame = pd.DataFrame(rows, columns=["model", f"{split}_auc", f"{split}_auc_low", f"{split}_auc_high"])
        frames.append(printed(frame, {f"{split}_auc": split}).set_index("model"))
    table = pd.concat(frames, axis=1)
    table.index.name = "model"
    order = table[f"{list(curves)[-1]}_auc"].sort_values(ascending=False, kind="stable").index
    table = table.loc[order].reset_index()
    table[list(curves)] = table[list(curves)].fillna("–")
    return table


def samples(n: int, resamples: int) -> int:
    """Bootstrap samples to draw: as asked up to 50,000 cases, above them no more than 200.

    Examples
    --------
    >>> samples(116, 2000), samples(400_000, 2000)
    (2000, 200)
    """
    return resamples if n <= LARGE else min(resamples, FEW_SAMPLES)


def two_methods(parts: Sequence[Panel], *, resamples: int, seed: int = 0) -> pd.DataFrame:
    """The interval of every AUC by formula and by resampling patients.

    Parameters
    ----------
    parts : sequence of Panel
        Judged splits.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `split, model, auc, formula, formula_low, formula_high, bootstrap, bootstrap_low, bootstrap_high, gap, agree`;
        `gap` is the largest difference of the limits, `agree` whether it is at most 15 % of the width.
    """
    rows = []
    for part in parts:
        for name, risk in part.risks.items():
            made = auc(part.label, risk, patient_id=part.patient_id, interval="auto")
            drawn = bootstrap_auc(
                part.label, risk, patient_id=part.patient_id, resamples=samples(part.n, resamples), seed=seed
            )
            gap = max(abs(made.low - drawn.low), abs(made.high - drawn.high))
            row = {"split": part.title, "model": name, "auc": made.value}
            row |= {"formula": made.value, "formula_low": made.low, "formula_high": made.high}
            row |= {"bootstrap": drawn.value, "bootstrap_low": drawn.low, "bootstrap_high": drawn.high}
            rows.append(row | {"gap": gap, "agree": bool(gap <= AGREE * max(made.high - made.low, 1e-12))})
    return pd.DataFrame(rows)


def two_methods_text(parts: Sequence[Panel], *, resamples: int) -> str:
    """How the two intervals were made, and on how many cases."""
    drawn = samples(max(part.n for part in parts), resamples)
    return f"{SAME.format(resamples=drawn, share=AGREE)} {sizes(parts)}"


def regions(parts: Sequence[Panel], *, fixed: float, resamples: int, seed: int = 0) -> pd.DataFrame:
    """Sensitivity at a fixed specificity, specificity at a fixed sensitivity, and the partial AUC above it.

    Parameters
    ----------
    parts : sequence of Panel
    fixed : float
        Declared beforehand, inside (0, 1).
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `split, model, sensitivity, specificity, partial`, each with limits; NaN for a model with one operating point,
        whose curve no threshold reaches there.
    """
    rows = []
    for part in parts:
        options = {"patient_id": part.patient_id, "resamples": samples(part.n, resamples), "seed": seed}
        for name, risk in part.risks.items():
            row: dict[str, object] = {"split": part.title, "model": name}
            unreached = name in one_point.names(part)
            for measure, made in around(part.label, risk, fixed=fixed, **options).items():
                limits = (np.nan,) * 3 if unreached else (made.value, made.low, made.high)
                row |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), limits))
            rows.append(row)
    return pd.DataFrame(rows)


def regions_text(parts: Sequence[Panel], *, fixed: float, resamples: int) -> str:
    """How `regions` were made, in a sentence."""
    drawn = samples(max(part.n for part in parts), resamples)
    return (
        f"Read from the empirical ROC curve (doi:10.1186/1471-2105-12-77) at {fixed:g}, declared beforehand, so the "
        f"threshold is estimated here and the limits include that; partial AUC over specificities from {fixed:g} to 1, "
        "rescaled so that 0.5 is chance, 1 perfect, and less is worse than chance (McClish 1989, "
        "doi:10.1177/0272989X8900900307); percentile "
        f"limits of {drawn:,} bootstrap samples of patients, stratified by outcome (doi:10.1201/9780429246593). "
        f"{sizes(parts)}"
    )

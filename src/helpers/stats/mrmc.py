"""Reader studies by Obuchowski and Rockette, with the degrees of freedom of Hillis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.checks import check_level
from helpers.stats.mrmc_anova import components, hillis, interval, modality_means
from helpers.stats.mrmc_covariance import covariance_matrix, performance
from helpers.stats.readings import cube
from helpers.stats.student import f_p_value, t_p_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIFFERENCE_COLUMNS = ["modality_a", "modality_b", "difference", "se", "df", "low", "high", "t", "p_value"]
NAMES = {"auc": "AUC", "sensitivity": "sensitivity", "specificity": "specificity"}


@dataclass(frozen=True, eq=False)
class ObuchowskiRockette:
    """Result of `obuchowski_rockette`.

    Parameters
    ----------
    metric, covariance : str
        What was compared, and how its covariance over patients was estimated.
    level : float
        Confidence level.
    random : str
        What the answer generalises to: `readers and cases`, `cases` (readers fixed) or `readers` (cases fixed).
    n_readers, n_cases, n_patients, n_positive : int
    f, df_numerator, df_denominator, p_value : float
        Test that all modalities are equal; the denominator is infinite when readers are fixed.
    estimates : DataFrame
        `modality, value, se, df, low, high`: mean over readers, from the data of that modality alone.
    differences : DataFrame
        `modality_a, modality_b, difference (a - b), se, df, low, high, t, p_value`.
    readers : DataFrame
        `reader, modality, value, se, low, high`: each reader alone (normal interval over patients).
    components : DataFrame
        `component, value`: variances of reader and modality x reader, error variance, the three covariances
        and the mean squares. They may be negative, as estimated.
    truncated : bool
        Whether Cov2 - Cov3 (or Cov2 of a modality) was negative and set to 0.
    note : str
        Everything a reader of the result must be told; empty when there is nothing.
    methods : str
        A sentence for the methods section.
    """

    metric: str
    covariance: str
    level: float
    random: str
    n_readers: int
    n_cases: int
    n_patients: int
    n_positive: int
    f: float
    df_numerator: float
    df_denominator: float
    p_value: float
    estimates: pd.DataFrame
    differences: pd.DataFrame
    readers: pd.DataFrame
    components: pd.DataFrame
    truncated: bool
    note: str
    methods: str

    def frame(self) -> pd.DataFrame:
        """Return estimates and differences in one table: `quantity, value, se, df, low, high, p_value`."""
        means = self.estimates.rename(columns={"modality": "quantity"})
        pair = self.differences["modality_a"].astype(str) + " - " + self.differences["modality_b"].astype(str)
        gaps = self.differences.rename(columns={"difference": "value"}).assign(quantity=pair)
        columns = ["quantity", "value", "se", "df", "low", "high"]
        return pd.concat([means[columns], gaps[[*columns, "p_value"]]], ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each reader's change between modalities, and the mean over readers with its interval.

        Parameters
        ----------
        ax : matplotlib Axes or None
            None opens a new figure.

        Returns
        -------
        matplotlib Axes
        """
        from helpers.stats.estimates_plot import by_modality

        what = f"{NAMES[self.metric][0].upper()}{NAMES[self.metric][1:]} of a reader"
        return by_modality(self.readers, self.estimates, ax=ax, ylabel=what, level=self.level)


def obuchowski_rockette(
    readings: pd.DataFrame,
    *,
    metric: str = "auc",
    covariance: str = "jackknife",
    level: float = 0.95,
    threshold: float | None = None,
    readers: str = "random",
    cases: str = "random",
    modalities: tuple | list | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> ObuchowskiRockette:
    """Compare modalities over readers and cases of a fully crossed reader study.

    F = MS(T) / (MS(TR) + r max(Cov2 - Cov3, 0)) with the denominator's degrees of freedom
    (MS(TR) + r max(Cov2 - Cov3, 0))^2 / (MS(TR)^2 / ((t - 1)(r - 1))): Obuchowski and Rockette (1995),
    doi:10.1080/03610919508813243; Hillis (2007), doi:10.1002/sim.2532; Hillis (2014), doi:10.1002/sim.5926.
    Several cases of a patient (nodules) are one unit of the covariance.

    Parameters
    ----------
    readings : DataFrame
        `reader, modality, case_id, label, rating`, one row a reading; a repeated `patient_id` makes the
        patient the unit.
    metric : str
        `auc` (empirical, ties count half), `sensitivity` or `specificity`.
    covariance : str
        `jackknife`, `delong`, `unbiased` or `bootstrap`; see `mrmc_covariance.covariance_matrix`.
    level : float
        Confidence level, in (0, 1).
    threshold : float or None
        For sensitivity and specificity of graded ratings: positive at or above it.
    readers, cases : str
        `random` or `fixed`: fixed readers generalise to other cases of these readers, fixed cases to other
        readers of these cases. One of them must be random.
    modalities : sequence or None
        Modalities to compare, in this order; None: all, alphabetical. Differences are first - second.
    resamples, seed : int
        Of the bootstrap covariance.

    Returns
    -------
    ObuchowskiRockette

    Raises
    ------
    ValueError
        If the table has a fault or missing cells, there are fewer than two readers or modalities, an
        option is unknown, or nothing varies.

    Examples
    --------
    >>> rows = [(r, m, k, k % 2, (k * (3 + r) + (4 if m == "aided" else 2) * (k % 2)) % 7)
    ...         for r in range(4) for m in ("aided", "unaided") for k in range(30)]
    >>> table = pd.DataFrame(rows, columns=["reader", "modality", "case_id", "label", "rating"])
    >>> result = obuchowski_rockette(table)
    >>> round(result.f, 3), round(result.df_denominator, 2), round(result.p_value, 3)
    (0.513, 3.0, 0.526)
    """
    check_level(level)
    for name, value in (("readers", readers), ("cases", cases)):
        if value not in ("random", "fixed"):
            raise ValueError(f"{name} must be 'random' or 'fixed', not {value!r}")
    if readers == cases == "fixed":
        raise ValueError("readers and cases cannot both be fixed: nothing would vary")
    data = cube(readings, minimum_readers=2, minimum_modalities=2, modalities=modalities)
    if not data.crossed:
        missing = int(np.isnan(data.rating).sum())
        raise ValueError(
            f"readings: {missing} of {data.rating.size} cells are missing, and this analysis needs every reader to "
            "read every case in every modality; use u_statistics"
        )
    theta = performance(data, metric=metric, threshold=threshold)
    options = dict(metric=metric, method=covariance, threshold=threshold, resamples=resamples, seed=seed)
    matrix = covariance_matrix(data, **options)
    parts = components(theta, matrix)
    n_modalities, n_readers = theta.shape
    freedom = (n_modalities - 1) * (n_readers - 1)
    spread = max(parts["Cov2"] - parts["Cov3"], 0.0)
    if readers == "fixed":
        denominator = parts["error"] - parts["Cov1"] + (n_readers - 1) * spread
        df = np.inf
    elif cases == "fixed":
        denominator, df = parts["MS(TR)"], float(freedom)
    else:
        denominator = parts["MS(TR)"] + n_readers * spread
        df = hillis(denominator, parts["MS(TR)"], freedom)
    if not denominator > 1e-14:
        raise ValueError(
            f"readings: the {NAMES[metric]} differences vary neither between readers nor between cases, "
            "so there is nothing to test against"
        )
    f = float(parts["MS(T)"] / denominator)
    estimates, cut = modality_means(theta, matrix, readers=readers, cases=cases, level=level)
    estimates.insert(0, "modality", list(data.modalities))
    notes = _notes(data, metric, parts, cut, readers, cases)
    scope = {"randomrandom": "readers and cases", "fixedrandom": "cases", "randomfixed": "readers"}[readers + cases]
    result = dict(
        metric=metric,
        covariance=covariance,
        level=level,
        random=scope,
        n_readers=n_readers,
        n_cases=len(data.cases),
        n_patients=data.n_patients,
        n_positive=int(data.label.sum()),
        f=f,
        df_numerator=float(n_modalities - 1),
        df_denominator=df,
        p_value=f_p_value(f, n_modalities - 1, df),
        estimates=estimates,
        differences=_differences(theta.mean(axis=1), data.modalities, np.sqrt(2 / n_readers * denominator), df, level),
        readers=_each_reader(theta, matrix, data, level),
        components=pd.DataFrame({"component": list(parts), "value": list(parts.values())}),
        truncated=bool(cases == "random" and (parts["Cov2"] < parts["Cov3"] or cut)),
        note="; ".join(notes),
    )
    return ObuchowskiRockette(**result, methods=_sentence(result, data.clustered))


def _differences(means: np.ndarray, names: tuple, se: float, df: float, level: float) -> pd.DataFrame:
    rows = []
    for a, b in combinations(range(means.size), 2):
        row = interval(means[a] - means[b], se, df, level, lowest=-1.0)
        statistic = row["value"] / se
        row |= {"modality_a": names[a], "modality_b": names[b], "difference": row["value"], "t": statistic}
        rows.append(row | {"p_value": t_p_value(statistic, df)})
    return pd.DataFrame(rows)[DIFFERENCE_COLUMNS]


def _each_reader(theta: np.ndarray, matrix: np.ndarray, data, level: float) -> pd.DataFrame:
    se = np.sqrt(np.clip(np.diag(matrix), 0, None)).reshape(theta.shape)
    rows = []
    for i, modality in enumerate(data.modalities):
        for j, reader in enumerate(data.readers):
            row = interval(theta[i, j], se[i, j], np.inf, level)
            rows.append({"reader": reader, "modality": modality, **{k: row[k] for k in ("value", "se", "low", "high")}})
    return pd.DataFrame(rows)


def _notes(data, metric: str, parts: dict, cut: list[int], readers: str, cases: str) -> list[str]:
    notes = []
    if cases == "random" and parts["Cov2"] < parts["Cov3"]:
        notes.append(f"Cov2 - Cov3 was negative ({parts['Cov2'] - parts['Cov3']:.3g}) and set to 0 (Hillis)")
    notes += [f"Cov2 of modality {data.modalities[i]!r} was negative and set to 0" for i in cut]
    for name in ("reader", "modality x reader"):
        if readers == "random" and parts[name] < 0:
            notes.append(f"the variance component of {name} is estimated below 0 ({parts[name]:.3g}); not used in F")
    if len(data.readers) < 4:
        notes.append(f"{len(data.readers)} readers say little about readers in general")
    if metric == "auc" and data.binary:
        notes.append(
            "ratings are yes or no: this AUC is (sensitivity + specificity) / 2 and must not be set beside the AUC "
            "of a model"
        )
    return notes


def _sentence(result: dict, clustered: bool) -> str:
    whole = {"readers and cases": "readers and cases random", "cases": "readers fixed", "readers": "cases fixed"}
    unit = (
        f"{result['n_cases']} cases of {result['n_patients']} patients" if clustered else f"{result['n_cases']} cases"
    )
    df = result["df_denominator"]
    freedom = "chi-squared" if np.isinf(df) else f"df = {result['df_numerator']:.0f}, {df:.2f}"
    by = ", resampled by patient," if clustered else ""
    return (
        f"The {NAMES[result['metric']]} of {result['n_readers']} readers on {unit} ({result['n_positive']} positive) "
        f"was compared by the Obuchowski-Rockette method (doi:10.1080/03610919508813243) with {result['covariance']} "
        f"covariances{by} and the degrees of freedom of Hillis (doi:10.1002/sim.2532), "
        f"{whole[result['random']]}: F = {result['f']:.2f} ({freedom}), p = {result['p_value']:.3g}."
    )

"""What a single sign of the baseline table, or two counted together, can do against the paper's own models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from helpers.data.errors import StudyError
from helpers.stats.claims.auc_spread import hanley_mcneil
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, Finding, listed
from helpers.stats.claims.reading import Cell, Links, Published
from helpers.stats.claims.writing import write
from helpers.stats.intervals import normal_quantile

Z = normal_quantile(0.95)
MOST_PAIRED = 5  # signs that are paired, best first


@dataclass(frozen=True)
class Sign:
    """One variable of a baseline table as a predictor; see `baseline` for its fields."""

    name: str
    auc: float
    low: float
    high: float
    how: str
    cells: tuple[Cell, ...]
    levels: tuple[tuple[int, int], ...] = ()  # positives and negatives of each level, most suspicious first
    cut: tuple[tuple[int, int], ...] = ()  # the same of two groups of levels: the suspicious ones and the others
    present: str = ""  # names of the suspicious levels where there are more than two


def auc_of_levels(positives: np.ndarray, negatives: np.ndarray) -> tuple[float, float]:
    """AUC and DeLong standard error of a variable with ordered levels, from its counts.

    Parameters
    ----------
    positives, negatives : arrays of shape (n_levels,)
        Counts, most suspicious level first. Ties count one half; DeLong et al. (1988), doi:10.2307/2531595.

    Returns
    -------
    tuple of float
        The standard error is NaN for fewer than two cases of a class.

    Examples
    --------
    >>> auc, se = auc_of_levels([27, 0], [25, 64])
    >>> round(auc, 3), round(se, 3)
    (0.86, 0.024)
    """
    p, n = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
    m, k = p.sum(), n.sum()
    if m < 1 or k < 1:
        raise ValueError("positives, negatives: at least one case of each class is needed")
    over = (np.cumsum(n[::-1])[::-1] - n / 2) / k  # share of negatives below each level
    under = (np.cumsum(p) - p / 2) / m  # share of positives above each level
    auc = float(p @ over / m)
    if m < 2 or k < 2:
        return auc, float("nan")
    variance = p @ (over - auc) ** 2 / (m - 1) / m + n @ (under - auc) ** 2 / (k - 1) / k
    return auc, float(sqrt(variance))


def auc_of_normals(mean: tuple[float, float], sd: tuple[float, float]) -> float:
    """AUC of a variable that is normal in both classes, from means and SDs of negatives and positives.

    Examples
    --------
    >>> round(auc_of_normals((10.45, 14.67), (6.77, 6.98)), 3)
    0.668
    """
    spread = sqrt(sd[0] ** 2 + sd[1] ** 2)
    if spread == 0:
        raise ValueError("sd: both are 0")
    return float(ndtr((mean[1] - mean[0]) / spread))


def pair_range(a: tuple, b: tuple) -> tuple[float, float]:
    """Lowest and highest AUC of the number of signs present (0, 1, 2), over all joint tables of two yes/no signs.

    Parameters
    ----------
    a, b : tuple of two tuples of int
        `((positives with, negatives with), (positives without, negatives without))` of each sign.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> low, high = pair_range(((27, 25), (0, 64)), ((15, 1), (12, 88)))
    >>> round(low, 3), round(high, 3)
    (0.932, 0.935)
    """
    totals = [sum(level[side] for level in a) for side in (0, 1)]
    values = []
    joint = [range(max(0, a[0][side] + b[0][side] - totals[side]), min(a[0][side], b[0][side]) + 1) for side in (0, 1)]
    for both_p in joint[0]:
        for both_n in joint[1]:
            counts = []
            for side, both in ((0, both_p), (1, both_n)):
                one = a[0][side] + b[0][side] - 2 * both
                counts.append([both, one, totals[side] - both - one])
            values.append(auc_of_levels(*counts)[0])
    return min(values), max(values)


def suspicious(positives: np.ndarray, negatives: np.ndarray) -> int:
    """Number of levels, most suspicious first, that count as the sign being present: sensitivity + specificity highest.

    Examples
    --------
    >>> suspicious(np.array([8, 5, 2]), np.array([1, 4, 20]))
    2
    """
    p, n = (np.cumsum(counts)[:-1] / max(1, counts.sum()) for counts in (positives, negatives))
    return int(np.argmax(p - n)) + 1


def signs(published: Published, entry: dict[str, Any]) -> list[Sign]:
    """Make every variable of a baseline table a predictor, oriented by another set of patients where declared."""
    return list(_signs(published, entry))


def _signs(published: Published, entry: dict[str, Any]) -> Iterator[Sign]:
    table, here = entry["table"], (entry["positives"], entry["negatives"])
    orient = entry.get("orient")
    there = (orient["positives"], orient["negatives"]) if orient else here
    n = [published.get(table, entry["of"], column, "n") for column in here]
    for variable in dict.fromkeys(row.partition("|")[0] for row in published.rows(table)):
        moments = {
            column: [published.get(table, variable, column, name) for name in ("mean", "sd")]
            for column in (*here, *there)
        }
        if all(cell is not None for pair in moments.values() for cell in pair):
            (mp, sp), (mn, sn) = ([float(c.number) for c in moments[column]] for column in here)
            (tp, _), (tn, _) = ([float(c.number) for c in moments[column]] for column in there)
            auc = auc_of_normals((mn, mp), (sn, sp))
            auc = auc if tp >= tn else 1 - auc
            se = hanley_mcneil(auc, n[0].count, n[1].count)
            cells = tuple(cell for column in here for cell in moments[column])
            how = "normal values with the printed means and SDs"
            yield Sign(variable, auc, max(0.0, auc - Z * se), min(1.0, auc + Z * se), how, cells)
            continue
        rows = [row for row in published.rows(table) if row.startswith(variable + "|")]
        grid = {column: [published.get(table, row, column, "count") for row in rows] for column in (*here, *there)}
        if len(rows) < 2 or any(cell is None for cells in grid.values() for cell in cells):
            continue
        p, q = (np.array([cell.count for cell in grid[column]], dtype=float) for column in there)
        ratio = ((p + 0.5) / (p.sum() + 1)) / ((q + 0.5) / (q.sum() + 1))
        order = np.argsort(-ratio, kind="stable")
        p, q = (np.array([cell.count for cell in grid[column]])[order] for column in here)
        auc, se = auc_of_levels(p, q)
        cells = tuple(cell for column in here for cell in grid[column])
        name = "levels ordered as in the other set" if orient else "levels ordered by their own counts"
        levels = tuple(zip(p.tolist(), q.tolist(), strict=True))
        k = suspicious(*(np.array([cell.count for cell in grid[column]])[order] for column in there))
        cut = tuple((int(a), int(b)) for a, b in ((p[:k].sum(), q[:k].sum()), (p[k:].sum(), q[k:].sum())))
        words = " or ".join(rows[i].partition("|")[2] for i in order[:k]) if len(rows) > 2 else ""
        yield Sign(variable, auc, max(0.0, auc - Z * se), min(1.0, auc + Z * se), name, cells, levels, cut, words)


def single_predictors(links: Links, entry: dict[str, Any]) -> list[Finding]:
    """Compare single signs of the baseline table, and two signs counted together, with the paper's own models.

    Entry: `table`, `positives`, `negatives` (columns), `of` (row with `n`), `models` (AUC cells); `orient`
    (`positives`, `negatives`: columns of the training set that decide which level is the more suspicious). A sign
    needs no training beyond that, so its AUC in the test set is fair. Error budget: none for counts; variables with
    mean and SD are taken as normal. Two signs: over all joint tables that their margins allow; a sign of more than two
    levels is divided into present and absent where sensitivity + specificity is highest in the set that orients it.
    The AUCs of signs are computed and not printed, so they are no findings of their own; `baseline` lists them all.
    """
    for key in ("table", "positives", "negatives", "of"):
        links.need(entry, key)
    models = links.cells(entry, "models")
    best = max(models, key=lambda cell: cell.number.value)
    found = sorted(signs(links.published, entry), key=lambda sign: -sign.auc)
    above = [sign for sign in found if sign.auc > float(best.number)]
    pairs = _pairs(found)
    shown = listed([f"{sign.name} {_with_limits(sign.auc, sign.low, sign.high)}" for sign in above or found[:1]])
    low, high = _limits(links, best)
    model = f"{best.row}, {best.text}" + (f" ({low.text} to {high.text})" if low and high else "")
    if above:
        text = f"Signs whose AUC is above that of the best model ({model}): {shown}."
    else:
        text = f"No single sign is above the best model ({model}); the best is {shown}."
    for a, b, least, most in pairs[:3]:
        text += f" {a} and {b} counted together: {least:.3f} to {most:.3f}, whatever their joint table."
    if above:
        text += " The printed numbers do not show that the model surpasses these signs"
        over = [sign.name for sign in above if high and sign.low <= float(high.number)]
        text += f"; where the intervals overlap ({listed(over)}), which is better stays open." if over else "."
    return [
        write(
            links,
            entry,
            "single_predictors.against_the_model",
            CONTRADICTORY if above else CONSISTENT,
            cells=[*models, *(cell for cell in (low, high) if cell), *(cell for sign in found for cell in sign.cells)],
            row=best.row,
            printed=f"AUC {best.text}",
            recomputed=shown,
            explanation=text,
        )
    ]


def _limits(links: Links, cell: Cell) -> list[Cell | None]:
    """Printed limits of an AUC; None where there are none."""
    place = (cell.table, cell.row, cell.column)
    return [links.published.get(*place, f"{cell.statistic}_ci95_{end}") for end in ("low", "high")]


def _with_limits(auc: float, low: float, high: float) -> str:
    return f"{auc:.3f} ({low:.3f} to {high:.3f})"


def _pairs(found: list[Sign]) -> list[tuple[str, str, float, float]]:
    two = [sign for sign in found if sign.cut and sign.auc > 0.5][:MOST_PAIRED]
    made = [(_named(a), _named(b), *pair_range(a.cut, b.cut)) for a, b in combinations(two, 2)]
    return sorted(made, key=lambda row: -row[2])


def _named(sign: Sign) -> str:
    return f"{sign.name} ({sign.present})" if sign.present else sign.name


def baseline(folder: str | Path, paper: str) -> pd.DataFrame:
    """Single signs, pairs of signs and the models of a paper, ready to be drawn.

    Parameters
    ----------
    folder : path
        As for `audit`.
    paper : str
        The paper's letter; its links must have `single_predictors`.

    Returns
    -------
    DataFrame
        `kind` (`sign`, `pair`, `model`), `name, auc, low, high, how`, best first. The limits of signs and models are
        95 % intervals; those of a pair are the lowest and highest AUC over all joint tables, and `auc` is their lowest.

    Raises
    ------
    StudyError
        If the paper has no such links.

    Examples
    --------
    >>> baseline("data/published", "A").query("kind == 'sign'")[["name", "auc"]].round(3).values.tolist()[0]
    ['Margin', 0.86]
    """
    from helpers.stats.claims.audit import links_of  # which imports this module for its rule

    found = baseline_if(links_of(folder, paper))
    if found is None:
        raise StudyError(f"paper {paper!r} has no links for single_predictors", fix="add them to its claims.yaml")
    return found


def baseline_if(links: Links) -> pd.DataFrame | None:
    """`baseline` of links that are read already; None where a paper has no such links."""
    if not links.sections.get("single_predictors"):
        return None
    rows: list[dict[str, Any]] = []
    for entry in links.sections["single_predictors"]:
        found = sorted(signs(links.published, entry), key=lambda sign: -sign.auc)
        rows += [
            {"kind": "sign", "name": s.name, "auc": s.auc, "low": s.low, "high": s.high, "how": s.how} for s in found
        ]
        for a, b, low, high in _pairs(found):
            how = "number of signs present, over all joint tables"
            rows.append({"kind": "pair", "name": f"{a} + {b}", "auc": low, "low": low, "high": high, "how": how})
        for model in links.cells(entry, "models"):
            low, high = (float(cell.number) if cell else float("nan") for cell in _limits(links, model))
            rows.append(
                {
                    "kind": "model",
                    "name": model.row,
                    "auc": float(model.number),
                    "low": low,
                    "high": high,
                    "how": "as printed",
                }
            )
    return pd.DataFrame(rows).sort_values("auc", ascending=False, kind="stable").reset_index(drop=True)

"""The audit as figures: rules by papers, signs beside models, implied prevalences, shares beside whole counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats.claims.audit import links_of
from helpers.stats.claims.catalogue import REMARK
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS
from helpers.stats.claims.prevalence import IMPLIED, implied
from helpers.stats.claims.two_by_two import metrics_of
from helpers.stats.palette import REFERENCE, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# fill, sign and colour of the sign: the sign tells the verdicts apart without colour
LOOKS = {
    CONSISTENT: ("#D7ECE4", "✓", "#00503A"),
    REMARK: ("#D7ECE4", "!", "#00503A"),
    OTHER_COUNTS: ("#FBE3B5", "◐", "#6B4400"),
    CONTRADICTORY: ("#F6C9B0", "✗", "#7A2E00"),
    NOT_CHECKABLE: ("#E6E6E6", "?", "#404040"),
}
KINDS = {"sign": ("#009E73", "o"), "pair": ("#0072B2", "D"), "model": ("#D55E00", "s")}
METHODS_BASELINE = (
    "AUC of a sign from its printed counts with DeLong's interval (doi:10.2307/2531595), of a mean and SD as normal "
    "values with Hanley and McNeil's (doi:10.1148/radiology.143.1.7063747); levels are ordered, and divided for pairs, "
    "by the training patients; a pair counts the signs that are present, and its range runs over all joint tables that "
    "the printed margins allow; models as printed."
)
METHODS_PREVALENCE = (
    "Share of positives that follows by Bayes's theorem (doi:10.1136/bmj.309.6947.102) from sensitivity, specificity "
    "and a third printed metric; the bar runs over every number that is printed so, under any rounding."
)
METHODS_SHARES = (
    "The grey band holds every number that is printed so, cut or rounded; a mark is a whole number of cases "
    "(doi:10.1177/1948550616673876)."
)


def draw_matrix(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw which rule found what in which paper.

    Parameters
    ----------
    table : DataFrame
        As `helpers.stats.claims.catalogue.matrix` returns it.
    ax : matplotlib Axes or None

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> row = {"rule": "sums", "question": "Do counts add up?", "paper": "A", "verdict": "consistent"}
    >>> drawn = draw_matrix(pd.DataFrame([row | {"findings": 3, "apart": 0}]))
    >>> [text.get_text() for text in drawn.texts if text.get_text().startswith("✓")]
    ['✓ 3']
    """
    from matplotlib.patches import Patch, Rectangle

    rules = list(dict.fromkeys(table["question"]))
    papers = sorted(table["paper"].unique())
    ax = axes(ax, width=3.9 + 0.95 * len(papers), height=1.1 + 0.27 * len(rules))
    for cell in table.itertuples():
        x, y = papers.index(cell.paper), rules.index(cell.question)
        fill, sign, color = LOOKS[cell.verdict]
        ax.add_patch(Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=fill, edgecolor="none"))
        count = f"{cell.apart} of {cell.findings}" if cell.apart and cell.apart < cell.findings else f"{cell.findings}"
        ax.text(x, y, f"{sign} {count}", ha="center", va="center", fontsize=8, color=color)
    ax.set(xlim=(-0.5, len(papers) - 0.5), ylim=(len(rules) - 0.5, -0.5))
    ax.set_xticks(range(len(papers)), [f"Paper {name}" for name in papers], fontsize=9)
    ax.set_yticks(range(len(rules)), rules, fontsize=8)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    shown = [name for name in LOOKS if name in set(table["verdict"])]
    marks = [Patch(facecolor=LOOKS[name][0], label=f"{LOOKS[name][1]}  {name}") for name in shown]
    ax.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.15, -0.01), ncols=2, frameon=False, fontsize=8)
    return ax


def draw_baseline(table: pd.DataFrame, ax: Axes | None = None, *, signs: int = 8, pairs: int = 3) -> Axes:
    """Draw single signs and pairs of signs beside the models of the same paper.

    Parameters
    ----------
    table : DataFrame
        As `helpers.stats.claims.single_predictors.baseline` returns it.
    ax : matplotlib Axes or None
    signs, pairs : int
        How many of each are drawn, best first; all models are.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> row = {"kind": "model", "name": "video", "auc": 0.7, "low": 0.6, "high": 0.8, "how": "as printed"}
    >>> draw_baseline(pd.DataFrame([row])).get_xlabel()
    'AUC'
    """
    kept = [table[table["kind"] == kind].head(most) for kind, most in (("sign", signs), ("pair", pairs))]
    rows = pd.concat([table[table["kind"] == "model"], *kept]).sort_values("auc", kind="stable").reset_index(drop=True)
    ax = axes(ax, width=7.0, height=0.9 + 0.3 * len(rows))
    names = {
        "sign": "single sign of the baseline table",
        "pair": "two signs, all joint tables",
        "model": "network, as printed",
    }
    for kind, (color, marker) in KINDS.items():
        part = rows[rows["kind"] == kind]
        if part.empty:
            continue
        ax.hlines(part.index, part["low"], part["high"], color=color, linewidth=4 if kind == "pair" else 1.4)
        style = {"color": color, "marker": marker, "linestyle": "none", "markersize": 5.5, "label": names[kind]}
        if kind == "pair":
            style |= {"marker": "|", "markersize": 9}
            ax.plot(part["high"], part.index, **{**style, "label": None})
        ax.plot(part["auc"], part.index, **style)
    models = rows[rows["kind"] == "model"]
    if len(models):
        best = models["auc"].max()
        ax.axvline(best, color=KINDS["model"][0], linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        ax.annotate(
            "best network", (best, 1), xycoords=("data", "axes fraction"), xytext=(4, -2), textcoords="offset points",
            fontsize=8, color="#A34700", va="top",
        )  # fmt: skip
    ax.axvline(0.5, color=REFERENCE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    ax.set_yticks(rows.index, [name.replace("_", " ") for name in rows["name"]], fontsize=8)
    ax.set(xlim=(min(0.4, rows["low"].min() - 0.02), 1.01), ylim=(-0.7, len(rows) - 0.1), xlabel="AUC")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right", frameon=False, fontsize=8)
    return ax


def prevalences(folder: str | Path, paper: str) -> pd.DataFrame:
    """Prevalence that each row of metrics implies, beside the stated one.

    Parameters
    ----------
    folder : path
    paper : str

    Returns
    -------
    DataFrame
        `set, row, metric, low, high, stated`; empty without links for `prevalence`.

    Examples
    --------
    >>> found = prevalences("data/published", "B")
    >>> found["metric"].tolist()[:3], found["stated"].round(3)[0]
    (['accuracy', 'ppv', 'npv'], np.float64(0.439))
    """
    links = links_of(folder, paper)
    rows = []
    for entry in links.sections.get("prevalence") or []:
        positive, negative = links.test_set(entry)
        stated = positive.count / (positive.count + negative.count)
        for place in links.places(entry):
            numbers = {name: cell.number for name, cell in metrics_of(links, entry, place).items()}
            for metric, (low, high) in implied(numbers).items():
                about = {"set": str(entry["column"]).replace("_", " "), "row": place[1], "metric": metric}
                rows.append({**about, "low": low, "high": high, "stated": stated})
    return pd.DataFrame(rows, columns=["set", "row", "metric", "low", "high", "stated"])


def draw_prevalences(table: pd.DataFrame) -> Axes | None:
    """Draw implied prevalences, a square a test set, the stated one as a line; None where there are none.

    Examples
    --------
    >>> draw_prevalences(prevalences("data/published", "B")).figure.axes[0].get_xlabel()
    'Share of positives that the row implies'
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    if table.empty:
        return None
    looks = dict(zip(IMPLIED, (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^")), strict=True))
    names = {"accuracy": "with accuracy", "ppv": "with PPV", "npv": "with NPV"}
    sets = list(dict.fromkeys(table["set"]))
    sizes = [table.loc[table["set"] == name, "row"].nunique() for name in sets]
    figure, squares = plt.subplots(
        len(sets), 1, figsize=(7.0, 1.0 + 0.42 * sum(sizes) + 0.35 * len(sets)), sharex=True, squeeze=False,
        layout="constrained", gridspec_kw={"height_ratios": [size + 0.6 for size in sizes]},
    )  # fmt: skip
    for ax, name in zip(squares[:, 0], sets, strict=True):
        part = table[table["set"] == name]
        rows = list(dict.fromkeys(part["row"]))
        stated = part["stated"].iloc[0]
        ax.axvline(stated, color="#000000", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        for step, (metric, (color, marker)) in enumerate(looks.items()):
            some = part[part["metric"] == metric]
            y = [rows.index(row) + 0.24 * (step - 1) for row in some["row"]]
            ax.hlines(y, some["low"], some["high"], color=color, linewidth=2)
            ax.plot((some["low"] + some["high"]) / 2, y, color=color, marker=marker, markersize=4, linestyle="none")
        ax.set_yticks(range(len(rows)), [_short(row) for row in rows], fontsize=8)
        ax.set(ylim=(len(rows) - 0.4, -0.6))
        ax.set_title(f"{name}: stated {stated:.3f} (dashed)", fontsize=9, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    squares[-1, 0].set_xlabel("Share of positives that the row implies")
    used = [metric for metric in looks if metric in set(table["metric"])]
    marks = [Line2D([], [], color=looks[m][0], marker=looks[m][1], markersize=4, label=names[m]) for m in used]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return squares[0, 0]


def shares_of(folder: str | Path, paper: str) -> pd.DataFrame:
    """Printed shares beside the whole numbers of cases that come nearest.

    Returns
    -------
    DataFrame
        `name, printed, low, high, count, total, share, fits`: one row a whole number of cases; empty without links
        for `shares`.

    Examples
    --------
    >>> found = shares_of("data/published", "C")
    >>> found.query("name == 'AI model'")["fits"].any()
    np.False_
    """
    links = links_of(folder, paper)
    rows = []
    for entry in links.sections.get("shares") or []:
        total = sum(cell.count for cell in links.cells(entry, "total"))
        for cell in links.cells(entry, "cells"):
            bounds = cell.number.bounds("any")
            middle = int(cell.number.value * total)
            for count in range(max(0, middle - 1), min(total, middle + 2) + 1):
                share = Fraction(count, total)
                about = {"name": cell.row, "printed": cell.shown, "low": float(bounds.low), "high": float(bounds.high)}
                rows.append(
                    {**about, "count": count, "total": total, "share": float(share), "fits": bounds.holds(share)}
                )
    return pd.DataFrame(rows, columns=["name", "printed", "low", "high", "count", "total", "share", "fits"])


def draw_shares(table: pd.DataFrame, ax: Axes | None = None) -> Axes | None:
    """Draw each printed share with the whole numbers of cases around it; None where there are none.

    Examples
    --------
    >>> draw_shares(shares_of("data/published", "C")).get_xlabel()
    'Share of cases'
    """
    if table.empty:
        return None
    names = list(dict.fromkeys(table["name"]))
    ax = axes(ax, width=7.0, height=0.9 + 0.62 * len(names))
    for y, name in enumerate(names):
        part = table[table["name"] == name]
        first = part.iloc[0]
        ax.fill_betweenx([y - 0.3, y + 0.3], first["low"], first["high"], color="#C9C9C9", zorder=0, linewidth=0)
        for row in part.itertuples():
            color = "#00503A" if row.fits else "#A34700"
            ax.plot(row.share, y, color=color, marker="o" if row.fits else "x", markersize=6)
            ax.annotate(
                f"{row.count}/{row.total}", (row.share, y), (0, 8), textcoords="offset points", ha="center", fontsize=8,
                color=color,
            )  # fmt: skip
    labels = [f"{name}: printed {table.loc[table['name'] == name, 'printed'].iloc[0]}" for name in names]
    ax.set_yticks(range(len(names)), labels, fontsize=8)
    ax.set(ylim=(len(names) - 0.5, -0.6), xlabel="Share of cases")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _short(name: str) -> str:
    """A long row name on two lines."""
    if len(name) <= 26 or " " not in name:
        return name
    at = min((k for k, letter in enumerate(name) if letter == " "), key=lambda k: abs(k - len(name) / 2))
    return f"{name[:at]}\n{name[at + 1 :]}"

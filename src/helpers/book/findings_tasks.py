"""Findings of figures that only some tasks have: several classes, outlines, ways to a diagnosis, printed numbers."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from helpers.book.wording import range_text, value_text

NAMED = 4  # models or comparisons that a sentence names


def _class_roc(data: pd.DataFrame) -> str:
    part = data[data["measure"] == "against the rest"].dropna(subset=["auc"])
    said = []
    for model, rows in part.groupby("model", sort=False):
        row = rows.loc[rows["auc"].idxmin()]
        auc = value_text(row["auc"], row["auc_low"], row["auc_high"])
        said.append(f"for {model} {row['class']}, AUC {auc}, {row['events']:.0f} of {row['n']:.0f}")
    return f"Least told apart from the others is {'; '.join(said[:NAMED])}." if said else ""


def _class_confusion(data: pd.DataFrame) -> str:
    said = []
    for model, rows in data[data["unit"] == "by patient"].groupby("model", sort=False):
        right = rows.loc[rows["truth"] == rows["named"], "count"].sum()
        wrong = rows[(rows["truth"] != rows["named"]) & (rows["count"] > 0)]
        text = f"{model} names {right:.0f} of {rows['count'].sum():.0f} patients right"
        if len(wrong):
            worst = wrong.loc[wrong["count"].idxmax()]
            of = rows.loc[rows["truth"] == worst["truth"], "count"].sum()
            text += f" and calls {worst['count']:.0f} of {of:.0f} {worst['truth']} ones {worst['named']}"
        said.append(text)
    return f"{'; '.join(said[:NAMED])}." if said else ""


def _class_readers(data: pd.DataFrame) -> str:
    part = data[data["among"] == "all patients"]
    said = [
        f"{row.model} minus {row.reader} {value_text(row.difference, row.difference_low, row.difference_high)}"
        for row in part.itertuples()
    ]
    more = f", and {len(said) - NAMED} more below" if len(said) > NAMED else ""
    return f"Share of the same patients named right: {', '.join(said[:NAMED])}{more}." if said else ""


def _luck(data: pd.DataFrame) -> str:
    low, high = data["accuracy"].quantile([0.025, 0.975])
    return f"The middle 95 % of {len(data):,} such test sets have between {low:.0%} and {high:.0%} named right."


def _dice(data: pd.DataFrame) -> str:
    said = []
    for network, rows in data.groupby("network", sort=False):
        low, middle, high = rows["dice"].quantile([0.25, 0.5, 0.75])
        said.append(f"{network} {middle:.2f} (middle half {low:.2f} to {high:.2f})")
    return f"Median Dice of {len(data) // len(said)} nodes: {', '.join(said[:NAMED])}."


def _failures(data: pd.DataFrame) -> str:
    said = []
    for network, rows in data.groupby("network", sort=False):
        wrong = rows.loc[rows["kind"] != "fits", "kind"].value_counts()
        text = f"{len(rows) - wrong.sum()} of {len(rows)} outlines of {network} fit"
        said.append(f"{text}, the commonest fault is “{wrong.index[0]}” ({wrong.iloc[0]})" if len(wrong) else text)
    return f"{'. '.join(said[:NAMED])}."


def _areas(data: pd.DataFrame) -> str:
    said = [
        f"{row.network} {value_text(row.ratio, row.ratio_low, row.ratio_high)}, for a single node "
        f"{row.lower_limit:.2f} to {row.upper_limit:.2f}"
        for row in data.dropna(subset=["ratio"]).itertuples()
    ]
    return f"Outlined over drawn area, on average: {'; '.join(said[:NAMED])}." if said else ""


def _ways(data: pd.DataFrame) -> str:
    top = data.sort_values("auc", ascending=False, kind="stable").head(NAMED)
    said = [f"{row.way} {value_text(row.auc, row.auc_low, row.auc_high)}" for row in top.itertuples()]
    return f"AUC, highest first: {', '.join(said)}."


def _folds(data: pd.DataFrame) -> str:
    kept = data.loc[data.groupby("fold")["tune_loss"].idxmin()]
    said = [
        f"{word} {range_text(kept[name].dropna(), '.2f')}"
        for name, word in (("tune_auc", "AUC"), ("tune_dice", "mean Dice"))
        if name in kept and kept[name].notna().any()
    ]
    return f"Where its loss is lowest, a held-out fold gives: {', '.join(said)}." if said else ""


def _signs(data: pd.DataFrame) -> str:
    networks, signs = data[data["kind"] == "model"], data[data["kind"] == "sign"]
    if networks.empty or signs.empty:
        return ""
    sign, network = signs.loc[signs["auc"].idxmax()], networks.loc[networks["auc"].idxmax()]
    auc, theirs = (value_text(row["auc"], row["low"], row["high"]) for row in (sign, network))
    return (
        f"{sign['name']} alone, read by the examiner, has an AUC of {auc}; the best network, {network['name']}, prints "
        f"{theirs}."
    )


def _implied(data: pd.DataFrame) -> str:
    outside = int(((data["stated"] < data["low"]) | (data["stated"] > data["high"])).sum())
    return f"{outside} of {len(data)} printed numbers need another share of positives than the stated one."


def _shares(data: pd.DataFrame) -> str:
    fits = data.groupby("name", sort=False)["fits"].agg(lambda values: values.astype(str).eq("True").any())
    names = ", ".join(fits.index[~fits]) or "none"
    return f"Printed shares that no count of patients gives: {names} ({int((~fits).sum())} of {len(fits)})."


def _rules(data: pd.DataFrame) -> str:
    apart = data.groupby("paper")["apart"].sum()
    total = data.groupby("paper")["findings"].sum()
    said = [f"{paper} {apart[paper]} of {total[paper]}" for paper in apart.index]
    return f"Findings that are not consistent as printed, by paper: {', '.join(said)}."


SENTENCES: dict[str, Callable[[pd.DataFrame], str]] = {
    "fig-class-roc": _class_roc,
    "fig-classes": _class_roc,
    "fig-class-confusion": _class_confusion,
    "fig-readers-accuracy": _class_readers,
    "fig-luck": _luck,
    "fig-dice": _dice,
    "fig-failures": _failures,
    "fig-areas": _areas,
    "fig-ways": _ways,
    "fig-folds": _folds,
    "fig-signs": _signs,
    "fig-implied": _implied,
    "fig-shares": _shares,
    "fig-rules": _rules,
}

"""What a figure shows, in one computed sentence: it leads the caption.

A figure's name says what it is, and the data behind it say what it shows: the frame that the notebook publishes as the
figure's CSV. The sentence is computed when the book is laid out (`of_file`), so editing it executes no notebook again.
A figure of pictures has no finding, and its caption leads with the question. Sentences name intervals where the data
have them and claim nothing beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from helpers.book import findings_tasks, sentences_decision
from helpers.book.wording import count_text, range_text, value_text
from helpers.data import spreadsheet

if TYPE_CHECKING:
    from helpers.stats.discrimination import Roc

NAMED = 3  # models or subgroups that a sentence names
MEASURES = {"auc": "AUC", "observed_expected": "O:E", "kappa": "kappa", "ppv": "PPV", "npv": "NPV"}


def of(name: str, data: pd.DataFrame | None) -> str:
    """The finding of a figure; empty for one that states none.

    Parameters
    ----------
    name : str
        The figure's name, such as `fig-measures`.
    data : DataFrame or None
        The data behind it, one row a mark.

    Returns
    -------
    str
        A sentence, or nothing.

    Examples
    --------
    >>> frame = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.7, 0.6], "tune_loss": [0.69, 0.71]})
    >>> of("fig-learning", frame)
    'On the tuning patients the loss is lowest after epoch 1 of 2 (0.690); on the training patients it ends at 0.600.'
    >>> of("fig-stills", None), of("fig-unknown", frame)
    ('', '')
    """
    words = SENTENCES.get(name)
    if words is None or data is None or not len(data):
        return ""
    return words(data.reset_index(drop=True))


def of_file(name: str, path: str | Path) -> str:
    """The finding of a figure from the CSV that is published with it; see `of`.

    Parameters
    ----------
    name : str
    path : path
        The CSV; words such as NA in it are words.
    """
    if name not in SENTENCES:
        return ""
    return of(name, spreadsheet.read_csv(path, keep_default_na=False, na_values=[""], float_precision="round_trip"))


def roc(curves: Sequence[Roc], split: str) -> str:
    """AUC of each model of the judged split, highest first.

    Parameters
    ----------
    curves : sequence of Roc
        Of one split.
    split : str
        Its title.
    """
    said = sorted(curves, key=lambda one: -one.auc.value)
    named = [f"{one.name} {value_text(one.auc.value, one.auc.low, one.auc.high)}" for one in said[:NAMED]]
    more = f", and {len(said) - NAMED} more below" if len(said) > NAMED else ""
    return f"AUC in the split “{split}”, highest first: {', '.join(named)}{more}."


def _measure(name: str) -> str:
    return MEASURES.get(name, name.replace("_", " "))


def _count(part: int, whole: int, what: str) -> str:
    return f"{part} of {whole} {what}" + ("" if whole == 1 else "s")


def _flow(data: pd.DataFrame) -> str:
    splits = data[data["kind"] == "split"]
    said = []
    for row in splits.itertuples():
        events = f", {row.events:,.0f} of them with the outcome" if pd.notna(row.events) else ""
        said.append(f"{row.label} {row.n:,.0f}{events}")
    return f"Analysed: {'; '.join(said)}." if said else ""


def _coefficients(data: pd.DataFrame) -> str:
    top = data.loc[data["log_odds"].abs().idxmax()]
    of = f" of {top['class']} against the first class" if "class" in data else ""
    return (
        f"Of {len(data)} penalised odds ratios, that of “{top['term']}”{of} is furthest from one: "
        f"{top['odds_ratio']:.2f}, {top['contrast']}; a penalised coefficient has no interval."
    )


def _instability(data: pd.DataFrame) -> str:
    unsure, patients = data[data["changed"] > 0.1], data["patient"].nunique()
    of = _count(unsure["patient"].nunique(), patients, "patient")
    if len(data) > patients:
        of = f"{_count(len(unsure), len(data), 'case')} ({of})"
    return (
        f"A refit moves a risk by {data['mape'].mean():.3f} on average; for {of} more than a tenth of the refits "
        "decide otherwise."
    )


def _learning(data: pd.DataFrame) -> str:
    best = data.loc[data["tune_loss"].idxmin()]
    return (
        f"On the tuning patients the loss is lowest after epoch {best['epoch']:.0f} of {data['epoch'].max():.0f} "
        f"({best['tune_loss']:.3f}); on the training patients it ends at {data['train_loss'].iloc[-1]:.3f}."
        + (f" The same risk for everyone has {data['constant'].iloc[0]:.3f}." if "constant" in data else "")
    )


def _choice(data: pd.DataFrame) -> str:
    """Ranges only: naming the best on test would be the mistake that the chapter warns of."""
    said = []
    for split, words in (("tune", "tuning patients, who choose"), ("test", "test patients, who do not")):
        auc = data.loc[data["split"] == split, "auc"].dropna()
        if len(auc):
            said.append(f"{auc.min():.2f} to {auc.max():.2f} on the {words}")
    runs = data.groupby(["model", "architecture", "seed"]).ngroups
    return f"Over {runs} run{'s' * (runs != 1)} the AUC goes from {', and from '.join(said)}." if said else ""


def _first_split(data: pd.DataFrame) -> pd.DataFrame:
    return data[data["split"] == data["split"].iloc[0]]


def _more_models(models: list[str]) -> str:
    """How many models a sentence leaves to its figure."""
    more = len(models) - NAMED
    return f"; {more} more model{'s' * (more > 1)} in the figure" if more > 0 else ""


def _measures(data: pd.DataFrame) -> str:
    """Sensitivity and specificity, models in the order of the mean of both."""
    part = _first_split(data)
    wide = part.pivot_table(index="model", columns="measure", values="value", sort=False)
    models = list(wide[["sensitivity", "specificity"]].mean(axis=1).sort_values(ascending=False, kind="stable").index)
    said = []
    for model in models[:NAMED]:
        rows = part[part["model"] == model].set_index("measure")
        both = [
            f"{name} {value_text(*rows.loc[name, ['value', 'low', 'high']])}" for name in ("sensitivity", "specificity")
        ]
        said.append(f"{model}: {', '.join(both)}")
    order = ", highest balanced accuracy first" if len(models) > 1 else ""
    return f"{part['split'].iloc[0]}, at the frozen threshold{order}: {'; '.join(said)}{_more_models(models)}."


def _prevalence(data: pd.DataFrame) -> str:
    """Predictive values at the prevalence of the cases, models in the order of their PPV."""
    own = _first_split(data)
    own = own[own["own"].astype(bool)]
    if own.empty:
        return ""
    ppv = own[own["measure"] == "ppv"].sort_values("value", ascending=False, kind="stable", na_position="last")
    models = list(dict.fromkeys(ppv["model"]))
    said = []
    for model in models[:NAMED]:
        rows = own[own["model"] == model].drop_duplicates("measure").set_index("measure")
        both = [f"{_measure(name)} {value_text(*rows.loc[name, ['value', 'low', 'high']])}" for name in rows.index]
        said.append(f"{model}: {' and '.join(both)}")
    return (
        f"{own['split'].iloc[0]}, at this study's prevalence of {own['prevalence'].iloc[0]:.0%}, taken as known: "
        f"{'; '.join(said)}{_more_models(models)}."
    )


def _families(data: pd.DataFrame) -> str:
    part = _first_split(data).dropna(subset=["auc"]).sort_values("auc")
    if part.empty:
        return ""
    ends = [part.iloc[-1], part.iloc[0]]
    said = [f"{row['model']} {value_text(row['auc'], row['auc_low'], row['auc_high'])}" for row in ends]
    words = f"the AUC goes from {said[0]} down to {said[1]}" if len(part) > 1 else f"AUC of {said[0]}"
    return f"{part['split'].iloc[0]}: {words}."


def _twins(data: pd.DataFrame) -> str:
    sure = int((data["p_holm"] < 0.05).sum())
    top = data.loc[data["difference"].abs().idxmax()]
    return (
        f"{sure} of {len(data)} networks differ between the inputs after Holm's correction; the largest difference in "
        f"AUC is {value_text(top['difference'], top['low'], top['high'])} ({top['network']})."
    )


def _matrix(data: pd.DataFrame) -> str:
    sure = int((data["p_holm"] < 0.05).sum())
    return f"{sure} of {len(data)} pairs of models differ in AUC after Holm's correction."


def _subgroups(data: pd.DataFrame) -> str:
    part = data[data["model"] == data["model"].iloc[0]]
    named, measure = part[part["variable"] != "all"], _measure(part["measure"].iloc[0])
    known = named[named["estimated"].astype(bool)].dropna(subset=["value"]).sort_values("value")
    if known.empty:
        return f"No subgroup is large enough for {'an' if measure[0] in 'AEIOU' else 'a'} {measure} of its own."
    said = [
        f"{value_text(row.value, row.low, row.high)} ({row.variable}: {row.level}, n = {row.n:,.0f})"
        for row in (known.iloc[0], known.iloc[-1])
    ]
    if len(known) == 1:
        return f"One of {len(named)} subgroups is large enough for a number: {part['model'].iloc[0]} {said[0]}."
    small = len(named) - len(known)
    rest = (
        f"; {_count(small, len(named), 'subgroup')} {'is' if small == 1 else 'are'} too small to say" if small else ""
    )
    model = part["model"].iloc[0]
    return f"{measure[:1].upper()}{measure[1:]} of {model} goes from {said[0]} to {said[1]} over subgroups{rest}."


def _effect(data: pd.DataFrame) -> str:
    said = []
    for measure, rows in data.groupby("measure", sort=False):
        up, down = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
        said.append(f"{_measure(str(measure))} rose in {up} and fell in {down}")
    readers = data["reader"].nunique()
    return f"Of {readers} readers, with an interval (not adjusted) that excludes no change, {'; '.join(said)}."


def _minds(data: pd.DataFrame) -> str:
    row = data[data["reader"] == "all readers"].iloc[0]
    wrong, right = row["became_right"] + row["kept_wrong"], row["became_wrong"] + row["kept_right"]
    first, second = row["first_way"], row["second_way"]
    return (
        f"Over all readers, of the {wrong:,.0f} calls that were wrong {first}, {_share(row, 'became_right')} were "
        f"right {second}; of the {right:,.0f} that were right, {_share(row, 'became_wrong')} were wrong."
    )


def _share(row: pd.Series, name: str) -> str:
    value, low, high = row[[f"{name}_share", f"{name}_low", f"{name}_high"]]
    return f"{value:.0%} (95 % CI {low:.0%} to {high:.0%})"


def _reader_model(data: pd.DataFrame) -> str:
    data = data[data["reader"] != "all readers"]
    counts = count_text(data, up="higher", down="lower")
    return f"In comparisons with single readers the model is {counts}; intervals are not adjusted."


def _experience(data: pd.DataFrame) -> str:
    rows = data[data["measure"] == "accuracy"]
    row = (rows if len(rows) else data).iloc[0]
    gain = f"Gain in {_measure(row['measure'])} of {row['first']} less that of {row['second']}"
    if row["random_low"] != row["random_low"]:
        return f"{gain}: {value_text(row['difference'], row['low'], row['high'])}, for these readers."
    return f"{gain}: {value_text(row['difference'], row['random_low'], row['random_high'])}, over readers and cases."


def _agreement(data: pd.DataFrame) -> str:
    part = data[data["measure"] == "fleiss"]
    said = [f"{row.modality} {value_text(row.value, row.low, row.high)}" for row in part.itertuples()]
    return f"Agreement between readers, Fleiss' kappa of their calls: {', '.join(said)}." if said else ""


def _energy(data: pd.DataFrame) -> str:
    said = []
    for model, own in data.groupby("model", sort=False):
        counts = []
        for network, rows in own.groupby("network", sort=False):
            mapped = rows.dropna(subset=["inside"])
            above = int((mapped["inside"] > mapped["area_inside"]).sum())
            counts.append(
                f"{network} in {_count(above, len(mapped), 'map')}" if len(mapped) else f"{network} has no map"
            )
        said.append(f"{model}, {', '.join(counts)}")
    return f"The map puts more into the structure than its area would get by chance: {'; '.join(said)}." if said else ""


def _references(data: pd.DataFrame) -> str:
    agreed = int(data["agrees"].astype(bool).sum())
    return f"{agreed:,} of {len(data):,} numbers agree with their reference within the tolerance."


def _coverage(data: pd.DataFrame) -> str:
    printed = data[data["role"] == "printed"]["coverage"].dropna()
    share = range_text(100 * printed, ".1f")
    return f"Printed intervals hold the truth in {share} % of the simulated studies, by design and measure."


def _choices(data: pd.DataFrame) -> str:
    kinds = data[data["role"] != "wrong"].groupby("method")["coverage"].mean().dropna().sort_values()
    ends = [f"{kinds.iloc[at]:.1%} ({kinds.index[at]})" for at in (0, -1)]
    return f"Averaged over designs and measures, the kinds of interval cover from {ends[0]} to {ends[1]}."


def _sizes(data: pd.DataFrame) -> str:
    printed = data[data["role"] == "printed"]["share"].dropna()
    share = range_text(100 * printed, ".1f")
    return f"Where nothing differs, the printed tests reject in {share} % of the simulated studies."


def _frames(data: pd.DataFrame) -> str:
    per = data.groupby("case_id").agg(read=("frame", "size"), frames=("clip_frames", "first"))
    return f"Of clips of {range_text(per['frames'])} frames, {range_text(per['read'])} are read."


def _curves(data: pd.DataFrame) -> str:
    peaks = data.loc[data.groupby("case_id")["lesion"].idxmax().dropna(), "time_s"]
    return f"The lesion is brightest {range_text(peaks)} s into the clip in these {len(peaks)} cases."


SENTENCES: dict[str, Callable[[pd.DataFrame], str]] = {
    "fig-flow": _flow,
    "fig-coefficients": _coefficients,
    "fig-instability": _instability,
    "fig-learning": _learning,
    "fig-choice": _choice,
    "fig-network-choice": _choice,
    "fig-measures": _measures,
    "fig-prevalence": _prevalence,
    "fig-families": _families,
    "fig-twins": _twins,
    "fig-matrix": _matrix,
    "fig-subgroups-auc": _subgroups,
    "fig-subgroups-sensitivity": _subgroups,
    "fig-subgroups-specificity": _subgroups,
    "fig-subgroups-calibration": _subgroups,
    "fig-subgroups-external": _subgroups,
    "fig-reader-effect": _effect,
    "fig-reader-minds": _minds,
    "fig-reader-model": _reader_model,
    "fig-reader-experience": _experience,
    "fig-reader-agreement": _agreement,
    "fig-energy": _energy,
    "fig-references": _references,
    "fig-coverage": _coverage,
    "fig-coverage-readers": _coverage,
    "fig-choices": _choices,
    "fig-sizes": _sizes,
    "fig-frames": _frames,
    "fig-curves": _curves,
    **findings_tasks.SENTENCES,
    **sentences_decision.SENTENCES,
}

"""Sentences of the chapter `readers`, with computed numbers and no claim beyond an interval."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.book.wording import count_text
from helpers.data import registry
from helpers.data.study import Study
from helpers.stats.models import p_text
from helpers.stats.reader_model import ALL
from helpers.stats.reader_plots import MEASURES
from helpers.stats.reader_study import ReaderStudy
from helpers.stats.readings import KNOWN_MODALITIES


def design(study: ReaderStudy, settings: Study) -> str:
    """Say who read what, in which two ways, and what help was.

    Parameters
    ----------
    study : ReaderStudy
    settings : Study
        Its `study.yaml`.
    """
    data = study.cube
    who = f"{len(study.readers)} readers judged {study.n} cases ({int(data.label.sum())} {settings.outcome.positive})"
    ways, more = f"{study.ways[0]} and {study.ways[1]}", []
    if settings.simulated:
        more.append(
            "Readings and advice are simulated at the operating points that a paper prints; no model gave them."
        )
    elif settings.readers.model is not None:
        ways += f" by the model {settings.readers.model}"
    elif (study.unaided, study.aided) != KNOWN_MODALITIES:
        more.append(f"The first way of reading is {study.unaided}, the second {study.aided}; no model is involved.")
    if data.crossed:
        shape = "every reader read every case both ways"
    else:
        shape = f"each reader read a part of them ({np.mean(~np.isnan(data.rating)):.0%} of all possible readings)"
    return " ".join(part for part in (f"{who} {ways}; {shape}.", *more, _organ(settings)) if part)


def _organ(settings: Study) -> str:
    """A caution for readings of another organ."""
    organs = sorted({registry.declared(name).organ for name in settings.source.sets} - {"thyroid"})
    return f"These are real readings of another organ ({', '.join(organs)}), not of the thyroid." if organs else ""


def answer(overall: pd.DataFrame, study: ReaderStudy) -> str:
    """Say for each measure whether it differs between the two ways of reading, over readers and cases.

    Parameters
    ----------
    overall : DataFrame
        From `reader_gains.overall`.
    study : ReaderStudy
    """
    before, after = study.ways
    both = f"{study.unaided} and {study.aided}"
    both += " reading" if (study.unaided, study.aided) == KNOWN_MODALITIES else ""
    heads = {
        "higher": f"higher {after} than {before}",
        "lower": f"lower {after} than {before}",
        "alike": f"no difference beyond chance between {both}",
        "unknown": "cannot be judged",
    }
    groups: dict[str, list[str]] = {kind: [] for kind in heads}
    for row in overall.itertuples():
        ends = "interval not defined" if np.isnan(row.low) else f"95 % CI {_number(row.low)} to {_number(row.high)}"
        p = "" if np.isnan(row.p_holm) else f", P after Holm {p_text(row.p_holm)}"
        said = f"({row.before:.2f}, then {row.after:.2f}; difference {_number(row.absolute_gain)}, {ends}{p})"
        groups[_kind(row)].append(f"{_small(row.measure)} {said}")
    parts = [f"{heads[kind]}: {_list(said)}" for kind, said in groups.items() if said]
    return f"Over readers and cases, {'; '.join(parts)}."


def _kind(row: object) -> str:
    """Whether a measure changed over readers and cases, after Holm over the measures."""
    if np.isnan(row.p_holm):
        return "unknown"
    if row.p_holm >= 0.05:
        return "alike"
    return "higher" if row.absolute_gain > 0 else "lower"


def two_gains(overall: pd.DataFrame, study: ReaderStudy) -> str:
    """Name the absolute and the relative gain of accuracy beside each other."""
    row, (before, after) = overall.set_index("measure").loc["accuracy"], study.ways
    ends = f" (95 % CI {_points(row['low'], row['high'])})"
    part = f" (95 % CI {_number(row['relative_low'], '.1%')} to {_number(row['relative_high'], '.1%')})"
    return (
        f"Mean accuracy was {row['before']:.1%} {before} and {row['after']:.1%} {after}: an absolute gain of "
        f"{_point(row['absolute_gain'])} percentage points{'' if np.isnan(row['low']) else ends}, which is a "
        f"relative gain of {_number(row['relative_gain'], '.1%')}{'' if np.isnan(row['relative_low']) else part} of "
        f"the accuracy {before}."
    )


def half_sum(study: ReaderStudy, performance: pd.DataFrame) -> str:
    """Say what (sensitivity + specificity) / 2 is, and how far it lies from the AUC of the ratings."""
    what = (
        "(Sensitivity + specificity) / 2 is the area under the two straight lines through one operating point; it is "
        "no area under a rater's curve and must not be set beside the AUC of a model."
    )
    own = performance[performance["experience"] != "model"]
    if not study.graded:
        return f"{what} Ratings here are yes or no, so there is no AUC of a reader."
    gap = own["auc"] - own["balanced_accuracy"]
    return (
        f"{what} Here it differs from the AUC of the same ratings by {_number(gap.min(), '.3f')} to "
        f"{_number(gap.max(), '.3f')} (AUC less half sum, over readers and ways of reading)."
    )


def model(table: pd.DataFrame | None, study: ReaderStudy) -> str:
    """Say against how many readers the model is more sensitive at the reader's own specificity, and for how sure.

    Parameters
    ----------
    table : DataFrame or None
        From `reader_model.against_model`.
    study : ReaderStudy
    """
    if table is None:
        return "No model's risks belong to this study, so readers are compared with each other only."
    said = []
    at_specificity = table[table["match"] == "specificity"]
    for modality, way in zip((study.unaided, study.aided), study.ways):
        part = at_specificity[at_specificity["modality"] == modality]
        text = f"{way} it is {count_text(part[part['reader'] != ALL], up='higher', down='lower')}"
        whole = part[part["reader"] == ALL]
        if len(whole):
            row = whole.iloc[0]
            ends = f"95 % CI {_number(row['low'])} to {_number(row['high'])}"
            text += f" (mean difference {_number(row['difference'])}, {ends})"
        said.append(text)
    common = f"{len(study.risks)} of the {study.n} cases that were read have a risk of the model {study.model}"
    return (
        f"{common}. There the model's sensitivity is set beside that of each reader, at the reader's own specificity: "
        f"{'; '.join(said)}."
    )


def minds(table: pd.DataFrame, study: ReaderStudy) -> str:
    """Say what share of the wrong calls became right the second way, and what share of the right ones wrong.

    Parameters
    ----------
    table : DataFrame
        From `reader_tables.minds`.
    study : ReaderStudy
    """
    before, after = study.ways
    row = table[table["reader"] == ALL].iloc[0]
    wrong, right = row["became_right"] + row["kept_wrong"], row["became_wrong"] + row["kept_right"]
    said = f"Of {wrong:.0f} calls that were wrong {before}, {row['became_right']:.0f} were right {after}"
    said += (
        f"{_range(row, 'became_right')}; of {right:.0f} that were right, {row['became_wrong']:.0f} were wrong {after}"
    )
    return f"{said}{_range(row, 'became_wrong')}."


def _range(row: pd.Series, name: str) -> str:
    """A share with its interval in brackets; nothing for a share of no call."""
    value, low, high = row[[f"{name}_share", f"{name}_low", f"{name}_high"]]
    return "" if np.isnan(value) else f" ({value:.0%}, 95 % CI {low:.0%} to {high:.0%})"


def experience(gains: pd.DataFrame | None, gaps: pd.DataFrame | None) -> str:
    """Say what each group gained in accuracy, absolute and relative, and whether the gains can be told apart."""
    if gains is None or gaps is None:
        return "The readings do not say how experienced readers are, or all are alike."
    own = gains[gains["measure"] == "accuracy"]
    said = [
        f"{row.experience}: {row.before:.1%} to {row.after:.1%}, absolute gain {_point(row.absolute_gain)} points, "
        f"relative gain {_number(row.relative_gain, '.1%')}"
        for row in own.itertuples()
    ]
    parts = []
    for row in gaps[gaps["measure"] == "accuracy"].itertuples():
        told = "cannot be told apart" if row.low <= 0 <= row.high else "differ for these readers"
        if told == "differ for these readers":
            if np.isnan(row.random_low):
                told += ", and of other readers nothing can be said"
            elif not row.random_low <= 0 <= row.random_high:
                told = "differ, for other readers too"
        random = "" if np.isnan(row.random_low) else f"; over readers too {_points(row.random_low, row.random_high)}"
        parts.append(
            f"the gains of {row.first} and {row.second} {told} (difference {_point(row.difference)} points, 95 % CI "
            f"over cases {_points(row.low, row.high)}{random})"
        )
    return f"Accuracy by experience: {'; '.join(said)}. {_upper('; '.join(parts))}."


def agreement(table: pd.DataFrame, study: ReaderStudy) -> str:
    """Say how far readers agree, and whether they agree more the second way."""
    if table.empty:
        return "No two readers read the same cases both ways, so their agreement is not known."
    before, after, change = table[table["measure"] == "fleiss"].itertuples()
    first, second = study.ways
    advised = "aided" in study.ways
    verb = "rose" if change.low > 0 else "fell" if change.high < 0 else "did not change beyond chance"
    groups = f" (mean over {change.groups} groups of readers)" if change.groups > 1 else ""
    return (
        f"Agreement between readers {verb}: Fleiss' kappa of their calls was {before.value:.2f} ({before.low:.2f} to "
        f"{before.high:.2f}) {first} and {after.value:.2f} ({after.low:.2f} to {after.high:.2f}) {second}, change "
        f"{_number(change.value)} ({_number(change.low)} to {_number(change.high)}){groups}."
        + (" Readers who follow one adviser agree more whether or not the adviser is right." if advised else "")
    )


def notes(overall: pd.DataFrame) -> str:
    """What was truncated or replaced in the analysis over readers; a sentence in any case."""
    said = [f"{MEASURES[row.measure]}: {row.note}" for row in overall.itertuples() if row.note]
    return f"{'. '.join(said)}." if said else "No variance component had to be set to zero."


def _list(parts: list[str]) -> str:
    return ", ".join(parts)


def _small(measure: str) -> str:
    return MEASURES[measure] if measure == "auc" else MEASURES[measure].lower()


def _number(value: float, form: str = ".2f") -> str:
    return f"{value:{form}}".replace("-", "−")


def _point(share: float) -> str:
    return _number(100 * share, ".1f")


def _points(low: float, high: float) -> str:
    return f"{_point(low)} to {_point(high)}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]

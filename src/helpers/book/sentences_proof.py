"""Sentences of the chapter on trust: what agrees, what covers, what does not and what to take instead."""

from __future__ import annotations

import pandas as pd

from helpers.stats.proof.coverage import Coverage
from helpers.stats.proof.references import Agreement
from helpers.stats.proof.sizes import Sizes

SHOWN = 4  # examples in a sentence; the tables hold all
NAMES = {
    "roc_asah": "aSAH (ROC curves)",
    "calibration_vignette": "the worked example of CalibrationCurves",
    "dca_binary": "df_binary of dcurves",
    "mrmc_vandyke": "Van Dyke (readers)",
    "mrmc_viper_split_plot": "VIPER (readers)",
    "table1_pbc": "pbc (Table 1)",
    "table1_thyroid": "thyroid cancer (Table 1)",
}


def agreement(found: Agreement) -> str:
    """Say how many numbers agree with reference programs, and how closely.

    Examples
    --------
    >>> row = {"function": "auc", "quantity": "AUC", "kind": "exact", "relative_difference": 2e-16, "agrees": True}
    >>> agreement(Agreement(pd.DataFrame([row]), ("roc_ties",), ()))
    '1 number of 1 function was set beside a reference value; all agree, those computed alike to 2e-16 or better.'
    """
    table = found.table
    functions = table["function"].nunique()
    alike = table.loc[table["kind"] == "exact", "relative_difference"].max()
    was = "were" if len(table) > 1 else "was"
    head = (
        f"{len(table):,} number{'s' * (len(table) > 1)} of {functions} function{'s' * (functions > 1)} {was} set "
        "beside a reference value"
    )
    apart = table[~table["agrees"]]
    if apart.empty:
        return f"{head}; all agree, those computed alike to {alike:.0e} or better."
    worst = apart.loc[apart["relative_difference"].idxmax()]
    return (
        f"{head}; {len(apart)} lie outside their tolerance, the worst in {worst['function']} ({worst['quantity']}): "
        f"relative difference {worst['relative_difference']:.0e}."
    )


def at_hand(found: Agreement) -> str:
    """Name the real tables that were compared and those that were not at hand.

    Examples
    --------
    >>> at_hand(Agreement(pd.DataFrame(), ("roc_ties",), ("roc_asah",)))
    'Of the real tables, which are not committed, none was at hand; not compared: aSAH (ROC curves).'
    """
    there = [NAMES[name] for name in found.used if name in NAMES]
    absent = [NAMES[name] for name in found.absent]
    text = f"Of the real tables, which are not committed, {', '.join(there) or 'none'} "
    text += "were at hand" if len(there) > 1 else "was at hand"
    return text + (f"; not compared: {', '.join(absent)}." if absent else "; none was missing.")


def narrow(found: Coverage) -> str:
    """Say which printed intervals clearly hold the truth too rarely, and what the book offers instead."""
    printed = found.table[found.table["role"] == "printed"]
    rows = found.too_narrow()
    head = f"Of {len(printed)} printed intervals (a measure in a design) "
    if rows.empty:
        return head + "none clearly holds the truth less often than promised."
    said = [_instead(row) for row in rows.head(SHOWN).to_dict("records")]
    more = len(rows) - len(said)
    tail = f"; {more} more stand in the table" if more else ""
    return head + f"{len(rows)} clearly hold the truth too rarely: {'; '.join(said)}{tail}."


def _instead(row: dict) -> str:
    given = round(row["replicates"] * (1 - row["not_given"]))
    of = f"{row['coverage']:.0%} of {given} studies" + (" that have one" if row["not_given"] else "")
    text = f"{row['measure']} ({row['design']}) {of} by {row['method']}"
    if isinstance(row["better"], str):
        return f"{text}, but {row['better_coverage']:.0%} by {row['better']}"
    return f"{text}, and nothing better in the book"


def wide(found: Coverage) -> str:
    """Say which printed intervals clearly hold the truth too often, and so are wider than needed."""
    rows = found.too_wide()
    if rows.empty:
        return "None is clearly wider than it need be."
    by = rows.groupby("measure", sort=False)["design"].size()
    said = [f"{measure} ({count} design{'s' * (count > 1)})" for measure, count in by.head(SHOWN).items()]
    return f"{len(rows)} are clearly wider than they need be, which is safe but not sharp: {', '.join(said)}."


def ignored(found: Coverage) -> str:
    """Say what would happen to intervals if patients with several cases were taken for several patients."""
    rows = found.table[(found.table["role"] == "wrong") & (found.table["measure"] == "AUC")]
    if rows.empty:
        return ""
    said = [f"{row.coverage:.0%} of studies like {row.design}" for row in rows.itertuples()]
    return f"Had the patient been ignored, the interval of the AUC would hold the truth in {' and '.join(said)}."


def sizes(found: Sizes) -> str:
    """Say which printed tests clearly reject too often, and which too rarely."""
    printed = found.table[found.table["role"] == "printed"]
    often, rarely = found.liberal(), found.timid()
    head = f"Of {len(printed)} printed tests (each in a design) "
    said = [f"{row.test} ({row.design}) {row.share:.1%} by {row.method}" for row in often.head(SHOWN).itertuples()]
    many = f"{len(often)} clearly reject too often: {'; '.join(said)}" if said else "none clearly rejects too often"
    few = f"{len(rarely)} clearly too rarely, as exact tests of few cases do" if len(rarely) else "none too rarely"
    return f"{head}{many}; {few}."


def looks(printed: int) -> str:
    """Say how many of so many shares stray beyond their Monte Carlo interval by chance alone.

    Examples
    --------
    >>> looks(200)
    'By chance alone about 10 of 200 Monte Carlo intervals miss the share they estimate.'
    """
    return (
        f"By chance alone about {0.05 * printed:.0f} of {printed} Monte Carlo intervals miss the share they estimate."
    )


def instead(found: Coverage) -> pd.DataFrame:
    """Table of the printed intervals that are too narrow, with what to take instead.

    Returns
    -------
    DataFrame
        `design, measure, method, truth, coverage, low, high, replicates, not_given, better, better_coverage`.
    """
    columns = ["design", "measure", "method", "truth", "coverage", "low", "high", "replicates", "not_given"]
    return found.too_narrow()[[*columns, "better", "better_coverage"]].reset_index(drop=True)


def powers(found: Sizes) -> pd.DataFrame:
    """Table of size and power of the tests whose power was counted.

    Returns
    -------
    DataFrame
        `design, test, method, role, share, low, high, replicates, power, power_low, power_high, power_replicates`.
    """
    columns = ["design", "test", "method", "role", "share", "low", "high", "replicates"]
    columns += ["power", "power_low", "power_high", "power_replicates"]
    return found.table.dropna(subset=["power"])[columns].reset_index(drop=True)

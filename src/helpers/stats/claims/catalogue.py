"""What each rule asks, how far printed numbers may stray, where it comes from, and what a failure means to a reader."""

from __future__ import annotations

import inspect
import re

import pandas as pd

from helpers.stats.claims.audit import RULES, rule_of
from helpers.stats.claims.finding import CONSISTENT, CONTRADICTORY, NOT_CHECKABLE, OTHER_COUNTS, Finding

QUESTIONS = {
    "sums": "Do counts add up to their total?",
    "parts": "Is no part larger than its whole?",
    "repeated": "Is a number that is printed twice the same?",
    "shares": "Is a share one of a whole number of cases?",
    "pooled": "Do mean and SD of all follow from the groups?",
    "whole_means": "Can a mean be one of whole numbers?",
    "percentages": "Do percentages follow from their counts?",
    "two_by_two": "Is there a whole-number table behind the metrics?",
    "prevalence": "Do all pairs of metrics imply the stated prevalence?",
    "auc_steps": "Can an AUC be a whole number of pairs?",
    "intervals": "Which formula, on which n, gives the interval?",
    "table_tests": "Which test gives the P values of the baseline table?",
    "p_values": "Which test gives the P value?",
    "significant": "Are the variables called significant so?",
    "between": "Do the sets differ, from their counts?",
    "single_predictors": "Do the models beat single signs?",
    "paired": "Can the claimed difference be significant?",
    "auc_difference": "Can the claimed difference of two AUCs be significant?",
    "selection": "Was the model chosen on the cases that measure it?",
    "majority": "Is accuracy above that of naming the commonest class?",
    "gains": "Is a gain in points or relative?",
    "better": "Is what is said to be better so, as printed?",
    "order": "Do quartiles and limits rise?",
    "formulas": "Is a formula that of its name?",
    "binary_auc": "Are the AUCs that are compared of one kind?",
    "size": "Are there enough cases for the claim?",
    "side_by_side": "Do statements in words agree?",
}
# sources that a rule's own text does not name, because another function that it calls does
SOURCES = {
    "intervals": "10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, 10.1148/radiology.143.1.7063747, "
    "10.2307/2531595",
    "auc_steps": "10.1177/1948550616673876, 10.1148/radiology.143.1.7063747",
    "percentages": "10.1177/1948550616673876",
    "prevalence": "10.1136/bmj.309.6947.102",
    "table_tests": "10.2307/2983604, 10.1093/biomet/34.1-2.28",
    "single_predictors": "10.2307/2531595",
}
# what a verdict that is not `consistent` means to a reader, by the name of the finding
REMARK = "consistent, with a remark"  # the numbers agree, and yet a reader must know something
CONSEQUENCES = {
    "sums.sums": "At least one of these counts is printed wrongly or counts something else; do not add them to others.",
    "sums.parts": "Read the number in the unit that fits, not in the unit that is printed.",
    "sums.repeated": "Ask which of the two numbers holds before quoting either.",
    "sums.shares": "Ask which cases were counted before quoting the share; no count of the stated ones gives it.",
    "two_by_two.two_by_two": "Before these rates are pooled or planned with, the table of counts is needed; only "
    "counts that fit may be used.",
    "two_by_two.shared_counts": "The rows do not rest on the same cases as printed, so differences between them are "
    "not differences between methods alone.",
    "prevalence.prevalence": "Predictive values and accuracy hold for another share of positives than the one stated.",
    "intervals.intervals": "Take an interval made from the counts instead of the printed one.",
    "intervals.proportion_on_auc": "Do not read these as intervals of an AUC; those by Hanley and McNeil stand beside "
    "each in the table of findings.",
    "intervals.auc_steps": "The AUC was not counted over these cases, or not as an area under the empirical curve.",
    "order.order": "Read the values by their size and not by their labels.",
    "order.formulas": "Use the usual formula; the printed one gives another number.",
    "single_predictors.against_the_model": "The networks have not been shown to add to what an examiner already sees; "
    "the signs must stand beside them as a baseline.",
    "paired.paired": "Read the difference as not shown rather than as significant.",
    "paired.auc_difference": "Read the difference as open; its P value would have to be printed.",
    "gains.better": "The printed numbers go the other way; read the claim as not supported.",
    "gains.gains": "Quote the gain in percentage points, with before and after.",
    "selection.selection": "Expect a lower AUC on new cases; the one printed is that of a winner.",
    "selection.majority": "Accuracy says little here; read sensitivity and specificity.",
    "size.size": "The intervals are the result: the cases are too few to settle the claim.",
    "order.binary_against_graded": "Do not set the readers' AUCs beside the model's; compare sensitivities at one "
    "specificity.",
    "statements.side_by_side": "These are words and not arithmetic; ask the authors.",
}
# where it depends on the verdict
_UNDER_OTHER_COUNTS = {
    "two_by_two.shared_counts": "The rows rest on the same cases, but not on those stated; they may be compared with "
    "one another.",
    "sums.shares": "Read the share as one of the unit that fits; patients cannot be counted from it.",
    "intervals.intervals": "The interval holds for the counts that fit, not for those stated.",
    "paired.paired": "Read the difference as shown for images at most, not for patients.",
}


def description() -> pd.DataFrame:
    """Describe every rule: `rule, question, budget, source`.

    The error budget is that of the rule's own text, the sources are DOIs.

    Returns
    -------
    DataFrame
        One row a rule, in the order in which they run.

    Examples
    --------
    >>> description().query("rule == 'sums'")[["question", "budget"]].values.tolist()
    [['Do counts add up to their total?', 'none, counts are exact']]
    """
    rows = []
    for name, rule in RULES.items():
        text = " ".join(inspect.getdoc(rule).split())
        budget = re.search(r"Error budget: (.*?)\.(?: |$)", text)
        found = [part.rstrip(".,;)") for part in re.findall(r"doi:(10\.\S+)", text)]
        source = SOURCES.get(name) or ", ".join(found)
        doi = ", ".join(f"doi:{part}" for part in source.split(", ")) if source else "arithmetic"
        rows.append({"rule": name, "question": QUESTIONS[name], "budget": budget[1].replace("`", ""), "source": doi})
    return pd.DataFrame(rows)


def consequence(finding: Finding) -> str:
    """Say what a finding changes for a reader; empty when it changes nothing.

    Examples
    --------
    >>> from dataclasses import replace
    >>> base = Finding("A", "T", "r", "c", "p", "q", "contradictory", "major", "gains.better", "e", "")
    >>> consequence(base)
    'The printed numbers go the other way; read the claim as not supported.'
    >>> consequence(replace(base, verdict="consistent", severity="note"))
    ''
    """
    if finding.verdict == CONSISTENT and finding.severity == "note":
        return ""
    if finding.verdict == OTHER_COUNTS and finding.rule in _UNDER_OTHER_COUNTS:
        return _UNDER_OTHER_COUNTS[finding.rule]
    return CONSEQUENCES.get(finding.rule, "Ask the authors before quoting the number.")


def matrix(findings: tuple[Finding, ...]) -> pd.DataFrame:
    """Count the findings of each rule in each paper, and give the gravest verdict.

    Parameters
    ----------
    findings : tuple of Finding

    Returns
    -------
    DataFrame
        `rule, question, paper, verdict, findings, apart`: `apart` counts those that are not consistent (one with a
        remark is); rules in the
        order in which they run, papers by letter. A rule that a paper gives nothing to is left out.

    Examples
    --------
    >>> matrix(()).columns.tolist()
    ['rule', 'question', 'paper', 'verdict', 'findings', 'apart']
    """
    grave = (CONTRADICTORY, OTHER_COUNTS, NOT_CHECKABLE, REMARK, CONSISTENT)
    found: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        remark = finding.verdict == CONSISTENT and finding.severity != "note"
        found.setdefault((rule_of(finding.rule), finding.paper), []).append(REMARK if remark else finding.verdict)
    rows = []
    for rule in RULES:
        for paper in sorted({paper for _, paper in found}):
            verdicts = found.get((rule, paper))
            if verdicts:
                about = {"rule": rule, "question": QUESTIONS[rule], "paper": paper}
                apart = sum(verdict not in (CONSISTENT, REMARK) for verdict in verdicts)
                rows.append(
                    {**about, "verdict": min(verdicts, key=grave.index), "findings": len(verdicts), "apart": apart}
                )
    return pd.DataFrame(rows, columns=["rule", "question", "paper", "verdict", "findings", "apart"])

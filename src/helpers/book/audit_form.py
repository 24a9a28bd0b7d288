"""A form for one's own numbers: the audit of one row of metrics, for the notebook `claims_summary` in JupyterLab.

In a batch run, where nobody can type, the same call shows what the form would say of its example.
"""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from helpers.stats.claims import audit_row
from helpers.stats.claims.audit import Audit
from helpers.stats.claims.catalogue import QUESTIONS, consequence
from helpers.stats.claims.drawing import LOOKS

if TYPE_CHECKING:
    import ipywidgets

METRICS = (
    "sensitivity",
    "specificity",
    "accuracy",
    "PPV",
    "NPV",
    "F1",
    "kappa",
    "MCC",
    "LR+",
    "LR-",
    "DOR",
    "balanced accuracy",
    "AUC",
)


class Shown:
    """Findings as a small table; every text is escaped.

    Examples
    --------
    >>> row = {"sensitivity": "0.875", "specificity": "0.917"}
    >>> shown = Shown(audit_row(row, positives=8, negatives=12))
    >>> "Is there a whole-number table behind the metrics?" in shown._repr_html_()
    True
    """

    def __init__(self, found: Audit) -> None:
        self.found = found

    def _repr_html_(self) -> str:
        lines = []
        for finding in self.found.findings:
            fill, sign, color = LOOKS[finding.verdict]
            rule = finding.rule.partition(".")[2]
            style = f"background:{fill};color:{color};padding:.1rem .5rem;white-space:nowrap"
            texts = [QUESTIONS.get(rule, rule), finding.explanation, consequence(finding)]
            cells = "".join(f'<td style="text-align:left">{html.escape(text)}</td>' for text in texts)
            lines.append(f'<tr><td style="{style}">{sign} {html.escape(finding.verdict)}</td>{cells}</tr>')
        head = "".join(f'<th style="text-align:left">{name}</th>' for name in ("Verdict", "Question", "Arithmetic", ""))
        return f'<table class="audit-form"><tr>{head}</tr>{"".join(lines)}</table>'

    def __repr__(self) -> str:
        """One line a finding."""
        return "\n".join(f"{f.verdict}: {f.explanation}" for f in self.found.findings)


def check(fields: Mapping[str, Any]) -> Audit:
    """Audit what was typed into the form; empty fields are left out.

    Parameters
    ----------
    fields : mapping
        `positives`, `negatives` (int) and metrics (str) by name.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        Says which field is wrong.

    Examples
    --------
    >>> check({"positives": 8, "negatives": 12, "sensitivity": "0.875", "specificity": ""}).frame()["verdict"].tolist()
    ['consistent']
    """
    metrics = {name: text for name, text in fields.items() if name in METRICS and str(text).strip()}
    return audit_row(metrics, positives=fields["positives"], negatives=fields["negatives"])


def show(example: Mapping[str, str], *, positives: int, negatives: int) -> Shown | ipywidgets.Widget:
    """Show the form, filled with an example; in a batch run what it says of the example.

    Parameters
    ----------
    example : mapping of str to str
        Metrics as `audit_row` takes them.
    positives, negatives : int

    Returns
    -------
    Shown or ipywidgets.Widget

    Examples
    --------
    >>> made = show({"sensitivity": "0.875", "specificity": "0.917"}, positives=8, negatives=12)
    >>> type(made).__name__ in ("Shown", "VBox")
    True
    """
    if os.environ.get("THYROBOOK_BATCH"):
        return Shown(audit_row(example, positives=positives, negatives=negatives))
    return form(example, positives=positives, negatives=negatives)


def form(example: Mapping[str, str], *, positives: int, negatives: int) -> ipywidgets.Widget:
    """Make the form: two counts, a field a metric, a button, and the findings under it."""
    import ipywidgets

    about = {"style": {"description_width": "9rem"}, "layout": {"width": "24rem"}}
    fields: dict[str, Any] = {
        "positives": ipywidgets.BoundedIntText(positives, min=1, max=1_000_000, description="with disease", **about),
        "negatives": ipywidgets.BoundedIntText(negatives, min=1, max=1_000_000, description="without", **about),
    }
    hint = "0.870 or 0.870 (0.810 to 0.932)"
    for name in METRICS:
        fields[name] = ipywidgets.Text(example.get(name, ""), placeholder=hint, description=name, **about)
    button = ipywidgets.Button(description="Do they add up?", button_style="primary")
    answer = ipywidgets.HTML()

    def pressed(_: object = None) -> None:
        try:
            answer.value = Shown(check({name: field.value for name, field in fields.items()}))._repr_html_()
        except ValueError as error:
            answer.value = f'<p role="alert">{html.escape(str(error))}</p>'

    button.on_click(pressed)
    pressed()
    left, right = list(fields.values())[:8], list(fields.values())[8:]
    return ipywidgets.VBox([ipywidgets.HBox([ipywidgets.VBox(left), ipywidgets.VBox(right)]), button, answer])

"""Which model stands behind each name of a study's tables, for the card at the head of a chapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from helpers.data import reports
from helpers.data.study import Study
from helpers.learn.candidates import title
from helpers.learn.choice import chosen_networks


def described(study: Study, results: str | Path, names: Sequence[str]) -> dict[str, str]:
    """Say what each model is, as far as the study's files tell: of predictions made elsewhere they tell nothing.

    Parameters
    ----------
    study : Study
    results : str or Path
        `results/<study>`.
    names : sequence of str
        Models of the judged cases.

    Returns
    -------
    dict of str to str
        By name, in the order given, as `report.Page.card` takes them.

    Examples
    --------
    >>> from helpers.data.study import read
    >>> described(read("data/occult_neck"), "results/absent", ["clinical", "other"])
    {'clinical': 'penalised regression on the clinical covariates'}
    """
    known = {}
    chosen = chosen_networks(results)
    if chosen:
        for name, (source, network) in chosen.items():
            label = study.inputs[source].label if source in study.inputs else source
            known[name] = f"{title(network)} on the input “{label}”"
        if study.fusion is not None:
            known[study.fusion.name] = f"one head on the features of {' and '.join(study.fusion.of)}"
    if study.segmentation is not None:
        known |= {name: title(network) for name, network in study.segmentation.networks.items()}
    if study.reports is not None:
        doubt = study.outcome.positive if study.reports.uncertain == "positive" else study.outcome.negative
        known[reports.ALONE] = f"written report, doubtful wording counted as {doubt}"
        known[reports.TOGETHER] = "written report put together with a network"
    if "baseline" in study.chapters:
        known[study.clinical.name] = "penalised regression on the clinical covariates"
    return {name: known[name] for name in names if name in known}

"""What a study is about and whose data it uses, for the card at the head of a chapter."""

from __future__ import annotations

from helpers.data import registry
from helpers.data.study import Study


def card(study: Study) -> dict[str, str]:
    """Settings that a reader needs before any number, and the source of outside data with its licence.

    Parameters
    ----------
    study : Study
        With an outcome.

    Returns
    -------
    dict
        Name of the line to its text, as `report.Page.card` takes them.

    Raises
    ------
    StudyError
        If the study names a set that the registry does not declare.

    Examples
    --------
    >>> from helpers.data.study import read
    >>> list(card(read("data/viper")))
    ['question', 'outcome', 'reference standard', 'unit', 'data', 'citation', 'licence']
    """
    said = {
        "question": study.question,
        "outcome": study.outcome.name,
        "reference standard": study.outcome.reference_standard,
        "unit": study.unit,
    }
    sets = [registry.declared(name) for name in study.source.sets]
    for line, field in (("data", "title"), ("citation", "citation"), ("licence", "licence")):
        if sets:
            said[line] = "; ".join(dict.fromkeys(getattr(one, field) for one in sets))
    return said

"""Steps of the participants' flow before the splits: of `flow.json` in the study's folder, or of `study.yaml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from helpers.data.errors import StudyError
from helpers.data.study import Study

FILE = "flow.json"
FORM = 'give a list of steps, each [label, number or null, {"reason": number}]'


def flow_steps(folder: str | Path, study: Study) -> list[tuple[str, int | None, dict[str, int]]]:
    """Steps of the participants' flow before the splits, for `helpers.data.flow.flow`.

    Parameters
    ----------
    folder : path
        The study's folder; a `flow.json` there (a list of step, number, excluded by reason) comes first.
    study : Study
        Its `flow` section is used otherwise; numbers that it leaves out follow from the cohort.

    Returns
    -------
    list of (label, n, excluded)

    Raises
    ------
    StudyError
        If `flow.json` is not such a list; whether its numbers add up, `flow` finds out.
    """
    path = Path(folder) / FILE
    if path.is_file():
        return _of_file(path)
    declared = [(step.step, None, dict(step.excluded)) for step in study.flow]
    return declared or [("Patients in the cohort table", None, {})]


def _of_file(path: Path) -> list[tuple[str, int | None, dict[str, int]]]:
    try:
        steps: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        said = f"not JSON in UTF-8 ({str(error)[:100]})"
        raise StudyError(said, file=FILE, fix=f"{FORM}, or delete the file") from None
    if not isinstance(steps, list) or not steps:
        raise StudyError("it holds no list of steps", file=FILE, fix=FORM)
    for place, step in enumerate(steps, start=1):
        if not (isinstance(step, list) and len(step) == 3 and isinstance(step[0], str) and isinstance(step[2], dict)):
            raise StudyError(f"step {place} is not a label, a number and who was excluded", file=FILE, fix=FORM)
    return [(label, n, excluded) for label, n, excluded in steps]

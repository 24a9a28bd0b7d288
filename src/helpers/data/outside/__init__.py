"""Outside data as a study: each adapter writes the tables of a study folder from the files of declared sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.data import registry
from helpers.data.errors import StudyError
from helpers.data.study import Study


def missing(study: Study) -> list[str]:
    """Names of the declared sets that a study needs and that are not here."""
    return [name for name in study.source.sets if registry.locate(name) is None]


def write_study(folder: str | Path, study: Study) -> dict[str, Any]:
    """Write the tables, and where needed the media, of a study of outside data into its folder.

    Parameters
    ----------
    folder : path
        The study's folder.
    study : Study

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    StudyError
        If a set is absent, a file is not the declared one, or a table is not as its source describes it.
    """
    found = {}
    for name in study.source.sets:
        path = registry.locate(name, verify=True)
        if path is None:
            raise StudyError(f"the outside set {name} is not here", fix="run make data, or set THYROBOOK_DATA")
        found[name] = path
    if study.source.adapter == "lydata":
        from helpers.data.outside.lydata import write_cohort

        table = found["neck_nodal_involvement"] / "2023-isb-multisite" / "data.csv"
        return write_cohort(folder, table, external=sorted((Path(folder) / "external").glob("*.csv")))
    from helpers.data.outside.recordings import write_recordings

    return write_recordings(folder, found)

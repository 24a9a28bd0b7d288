"""Outside data as a study: each adapter writes the tables of a study folder from the files of declared sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.data import registry
from helpers.data.errors import StudyError
from helpers.data.study import Study


def missing(study: Study) -> list[str]:
    """Names of the declared sets that a study needs and that are not here; empty when it can be built.

    Raises
    ------
    StudyError
        If the study names a set that the registry does not declare.
    """
    return [name for name in study.source.sets if registry.locate(name) is None]


def write_study(folder: str | Path, study: Study) -> dict[str, Any]:
    """Write the tables, and where needed the media, of a study of outside data into its folder.

    Tables of further centres that lie in `external/` of the folder are added with the split `external` (adapter
    `lydata`).

    Parameters
    ----------
    folder : path
        The study's folder.
    study : Study
        Its settings, with `source.kind` outside.

    Returns
    -------
    dict
        What was written, for a log.

    Raises
    ------
    StudyError
        If a set is absent, a file is not the declared one, or a table is not as its source describes it.
    """
    folder, found = Path(folder), {}
    for name in study.source.sets:
        path = registry.locate(name, verify=True)
        if path is None:
            raise StudyError(
                f"the outside set {name} is not here, or a file of it is not the declared one",
                file=f"{folder.name}/study.yaml",
                key="source.sets",
                fix=f"run make data, or set {registry.VARIABLE} to a folder that holds {name}/",
            )
        found[name] = path
    if study.source.adapter == "lydata":
        from helpers.data.outside.lydata import write_cohort

        return write_cohort(folder, _only_table(found), external=sorted((folder / "external").glob("*.csv")))
    if study.source.adapter == "viper":
        from helpers.data.outside.viper import write_readings

        return write_readings(folder, next(iter(found.values())))
    from helpers.data.outside.recordings import write_recordings

    return write_recordings(folder, found)


def _only_table(found: dict[str, Path]) -> Path:
    """The one table among the declared files of the sets."""
    tables = [
        path / file for name, path in found.items() for file in registry.declared(name).files if file.endswith(".csv")
    ]
    if len(tables) != 1:
        raise StudyError(
            f"the sets hold {len(tables)} tables",
            file="study.yaml",
            key="source.sets",
            fix="name one set with one table; further centres go into external/",
        )
    return tables[0]

"""Find a view among a study's results, or say which command makes it."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.book.views import view as views
from helpers.data.errors import StudyError

PLACES = {
    "threshold": ("discrimination", "fig-threshold"),
    "contrast": ("inputs", "fig-contrast"),
    "attention": ("explain", "fig-attention"),
    "replay": ("readers", "fig-replay"),
    "outlines": ("segmentation", "fig-browse"),
}


def find(kind: str, results: str | Path) -> tuple[views.View, bool]:
    """Read a view, and whether its data are simulated.

    Parameters
    ----------
    kind : str
        Key of `PLACES`.
    results : path
        `results/<study>`.

    Returns
    -------
    view : View
    simulated : bool

    Raises
    ------
    StudyError
        If the results, the page or the view are not there, or are not whole.
    """
    results = Path(results)
    chapter, name = PLACES[kind]
    folder = results / chapter / "figures"
    path = f"{results.name}/{chapter}/figures/{name}{views.END}"
    if not results.is_dir():
        raise StudyError("there are no results here", file=results.as_posix(), fix=making(results))
    if not (results / chapter / "notebook.ipynb").is_file() and not (folder / f"{name}{views.END}").is_file():
        fix = f"{making(results)}, if the study has the chapter {chapter!r} (see `chapters` in its study.yaml)"
        raise StudyError(f"the chapter {chapter!r} was not made", file=f"{results.name}/{chapter}", fix=fix)
    if not (folder / f"{name}{views.END}").is_file():
        message = (
            f"the chapter {chapter!r} made no such view: its data have nothing to show, or it is of an older version"
        )
        raise StudyError(message, file=path, fix=making(results))
    try:
        made = views.read(folder, name)
        about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise StudyError(f"this view is not whole ({error})", file=path, fix=making(results)) from None
    return made, about.get("simulated") is True


def making(results: Path) -> str:
    """The command that makes a study's results."""
    folder = recorded(results)
    return f"run: make book STUDY={folder}" if folder else "run: make book STUDY=<folder of the study>"


def recorded(results: str | Path) -> str | None:
    """Folder of the study, as its results record it; else the default study of that name, else None."""
    for path in sorted(Path(results).glob("*/run.json")):
        try:
            folder = json.loads(path.read_text(encoding="utf-8")).get("parameters", {}).get("study")
        except (ValueError, OSError, AttributeError):
            continue  # a record that is not whole tells nothing; another page's may
        if isinstance(folder, str):
            return folder
    usual = Path("data") / Path(results).name
    return usual.as_posix() if (usual / "study.yaml").is_file() else None


def study_folder(results: str | Path) -> Path:
    """Folder of the study that some results belong to.

    Raises
    ------
    StudyError
        If nothing says which, or the folder has no table yet.
    """
    folder = recorded(results)
    if folder is None:
        fix = "give the folder below results/ that belongs to a study, or run: make book STUDY=<folder of the study>"
        raise StudyError("these results do not say whose they are", file=Path(results).as_posix(), fix=fix)
    if not (Path(folder) / "cohort.csv").is_file():
        raise StudyError("there is no cohort.csv", file=folder, fix=f"run: make book STUDY={folder}")
    return Path(folder)

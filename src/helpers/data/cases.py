"""Write the tables and media of a study whose cases are simulated or come from outside data.

From the command line: `python -m helpers.data.cases FOLDER PROFILE`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from helpers.data import made, outside
from helpers.data.errors import StudyError
from helpers.data.profiles import Profile
from helpers.data.study import Study
from helpers.data.study import read as read_study

PUBLISHED = Path("data/published")
SUMMARY = "simulation.json"
KEPT = ("bayes_limit", "patients_of")  # what pages say of the simulation


def write_cases(folder: str | Path, profile: str = "quick", *, workers: int = 2) -> dict[str, Any]:
    """Write `cohort.csv`, and where the study has media `media.csv` and `media/`, into the study folder.

    Parameters
    ----------
    folder : path
        The study's folder.
    profile : str
        `quick` or `full`: how many frames a second simulated clips have, and which share of a large simulated
        cohort is written.
    workers : int
        Processes.

    Returns
    -------
    dict
        What was written, for the log.

    Raises
    ------
    StudyError
        If the study's cases are the user's own, the folder holds tables or media that ThyroBook did not write, or an
        outside set is absent.
    """
    study = read_study(folder)
    if study.source.kind == "own":
        raise StudyError("this study's cases are its own", file="study.yaml", key="source.kind", fix="leave them")
    if study.source.kind == "outside":
        return outside.write_study(folder, study)
    found = _simulate(folder, study, study.profile(profile), workers=workers)
    summary = {key: found[key] for key in KEPT if key in found}
    made.keep(folder, SUMMARY, json.dumps(summary) + "\n")
    return found


def _simulate(folder: str | Path, study: Study, profile: Profile, *, workers: int) -> dict[str, Any]:
    """Run the study's generator: it brings scipy and the video writers, which outside data do without."""
    published, seed = PUBLISHED / study.source.published, study.source.seed
    if study.source.generator == "calcified":
        from helpers.data.simulate import calcified

        return calcified.write_cohort(folder, published=published, seed=seed, share=profile.patients, workers=workers)
    if study.source.generator == "three_class":
        from helpers.data.simulate import three_class

        return three_class.write_cohort(folder, published=published, seed=seed, share=profile.patients, workers=workers)
    if study.source.generator == "lymphnode":
        from helpers.data.simulate import lymphnode

        return lymphnode.write_cohort(folder, published=published, seed=seed, share=profile.patients, workers=workers)
    from helpers.data.simulate import olnm

    return olnm.write_cohort(
        folder, published=published, seed=seed, frames_per_second=profile.frames_per_second, workers=workers
    )


def ceiling(folder: str | Path, study: Study) -> str:
    """Say how well the best reader of the simulated images would do; empty for a study of patients.

    The Bayes limit is the AUC, in the test split, of the exact probability of the label given the signs that were
    drawn into the images, for new patients of the same kind, as the generator knows it.
    """
    if not study.simulated:
        return ""
    limit = json.loads((Path(folder) / SUMMARY).read_text(encoding="utf-8"))["bayes_limit"]["test"]
    return (
        f"In this simulation the best possible reader of the images has an AUC of {limit:.2f} over many new patients "
        "(the Bayes limit); in the few of a test set it may be higher or lower."
    )


if __name__ == "__main__":
    try:
        print(json.dumps(write_cases(*sys.argv[1:]), indent=1, default=str))
    except StudyError as error:
        sys.exit(str(error))

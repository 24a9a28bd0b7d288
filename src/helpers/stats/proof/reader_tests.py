"""The tests that the book prints for readers, made anew for each simulated study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtr

from helpers.stats.agreement import agreement
from helpers.stats.proof.reader_designs import Raters, ReaderStudy
from helpers.stats.proof.simulation import Family, PValue
from helpers.stats.readers import change_of_mind, compare_at_matched, obuchowski_rockette, u_statistics

RESAMPLES = 200
HALF, QUARTER, TENTH = 0.5, 0.25, 0.1
BETTER = 0.6  # by how much the alternative's model is better than the readers, in standard deviations


def of_readers(study: ReaderStudy, *, alternative: bool) -> list[Family]:
    """Does help change the readers, and is the model better than they are?

    Parameters
    ----------
    study : ReaderStudy
        With a gain for the alternative, without one else.
    alternative : bool
        The model that is set against the readers is better.

    Returns
    -------
    list of Family

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import NO_HELP
    >>> [made.method for made in of_readers(NO_HELP, alternative=False)[0].make(0)][:2]
    ['Obuchowski-Rockette, jackknife', 'Obuchowski-Rockette, readers fixed']
    """

    def modalities(replicate: int) -> Iterator[PValue]:
        readings, _ = study.draw(replicate)
        found = obuchowski_rockette(readings)
        yield PValue("Readers: AUC with help", "Obuchowski-Rockette, jackknife", found.p_value)
        fixed = obuchowski_rockette(readings, readers="fixed")
        method = "Obuchowski-Rockette, readers fixed"
        yield PValue("Readers: AUC with help", method, fixed.p_value, "wrong")
        found = obuchowski_rockette(readings, metric="sensitivity", threshold=study.cut)
        yield PValue("Readers: sensitivity with help", "Obuchowski-Rockette, jackknife", found.p_value)

    def slow(replicate: int) -> Iterator[PValue]:
        readings, _ = study.draw(replicate)
        yield PValue("Readers: AUC with help", "U-statistics", u_statistics(readings).differences["p_value"].iloc[0])
        label = np.arange(study.positives + study.negatives) < study.positives
        distance = study.model_distance + BETTER * alternative
        score = study.generator(replicate, 1).standard_normal(label.size) + distance * label
        model = pd.DataFrame({"case_id": np.arange(label.size), "risk": ndtr(score)})
        calls = study.calls(readings)
        found = compare_at_matched(calls, model, modality="unaided", resamples=RESAMPLES)
        yield PValue("Model - readers: matched sensitivity", "bootstrap, random readers", found.p_value)
        overall = change_of_mind(calls).overall.set_index("measure")
        yield PValue("Readers: gain in sensitivity", "change of mind", overall.loc["sensitivity", "p_value"])

    return [Family(study.title, modalities, share=QUARTER), Family(study.title, slow, share=TENTH)]


def of_agreement(raters: Raters, *, alternative: bool) -> list[Family]:
    """Do readers agree beyond chance? Without it every reader grades at random.

    Examples
    --------
    >>> from helpers.stats.proof.reader_designs import FEW_GRADES
    >>> [made.method for made in of_agreement(FEW_GRADES, alternative=True)[0].make(0)]
    ['F of ICC']
    """

    def make(replicate: int) -> Iterator[PValue]:
        raw = raters.raw(replicate)
        if not alternative:  # cases of each reader in an order of one's own
            rng = np.random.default_rng([replicate, raters.cases])
            raw = rng.permuted(raw, axis=0)
        found = agreement(raw, kind="icc").details.set_index("type")
        yield PValue("Agreement beyond chance", "F of ICC", found.loc["ICC2", "p_value"])

    def several(replicate: int) -> Iterator[PValue]:
        rng = np.random.default_rng([replicate, raters.cases])
        grades = raters.draw(replicate)
        found = agreement(grades if alternative else rng.permuted(grades, axis=0), kind="fleiss")
        yield PValue("Agreement beyond chance", "z of Fleiss kappa", found.p_value)

    made = [Family(raters.title, make, share=HALF)]
    return made + ([Family(raters.title, several, share=TENTH)] if raters.readers > 2 else [])

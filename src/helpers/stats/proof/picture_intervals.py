"""The intervals that the book prints for outlines, for subgroups and for two hospitals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from helpers.stats import casemix, segmentation_summary
from helpers.stats.between import share_between
from helpers.stats.proof.picture_designs import AREA_BIAS, AREA_SPREAD, QUARTILES, Centres, Hospitals, Outlines
from helpers.stats.proof.simulation import Family, Made
from helpers.stats.resampling import bootstrap_mean
from helpers.stats.subgroups import subgroups

RESAMPLES = 300
HALF, QUARTER, FIFTH = 0.5, 0.25, 0.2
NAMES = {"dice": "Dice", "iou": "IoU", "hd95_mm": "HD95"}
BOOTSTRAP = "percentile bootstrap, by patient"
NORMAL = 1.959964  # quantile of the limits of agreement


def of_outlines(nodes: Outlines) -> list[Family]:
    """Quartiles and means of outlines, their difference between two networks, and agreement of areas.

    Examples
    --------
    >>> from helpers.stats.proof.picture_designs import FEW_NODES
    >>> [made.measure for made in of_outlines(FEW_NODES)[0].make(0)][:2]
    ['Dice, median', 'Dice, lower quartile']
    """

    def make(replicate: int) -> Iterator[Made]:
        cases = nodes.draw(replicate)
        first = cases[cases["network"] == nodes.networks[0]]
        options = {"resamples": RESAMPLES, "seed": replicate}
        for row in segmentation_summary.summary(first, **options).to_dict("records"):
            measure = row["measure"]
            truth = {name: nodes.quantile(measure, 0, share) for name, share in QUARTILES.items()}
            for name, value in (truth | {"mean": nodes.mean(measure, 0)}).items():
                named = f"{NAMES[measure]}, {name.replace('_', ' ')}"
                yield Made(named, BOOTSTRAP, row[f"{name}_low"], row[f"{name}_high"], value)
        for row in segmentation_summary.differences(cases, **options).to_dict("records"):
            value = nodes.mean(row["measure"], 0) - nodes.mean(row["measure"], 1)
            named = f"{NAMES[row['measure']]}, difference of means"
            yield Made(named, BOOTSTRAP, row["difference_low"], row["difference_high"], value)
        yield from _areas(segmentation_summary.area_agreement(first, **options))
        _, low, high = bootstrap_mean(first["inside"], patient_id=first["patient_id"], **options)
        yield Made("Share of attribution, mean", BOOTSTRAP, float(low), float(high), nodes.inside)

    return [Family(nodes.title, make, share=QUARTER)]


def _areas(found: pd.DataFrame) -> Iterator[Made]:
    row = found.iloc[0]
    ends = {"ratio": 0.0, "lower_limit": -NORMAL, "upper_limit": NORMAL}
    for name, steps in ends.items():
        value = float(np.exp(AREA_BIAS + steps * AREA_SPREAD))
        named = "Area ratio, mean" if name == "ratio" else f"Area ratio, {name.replace('_', ' ')} of agreement"
        yield Made(named, BOOTSTRAP, row[f"{name}_low"], row[f"{name}_high"], value)


def of_hospitals(two: Hospitals) -> list[Family]:
    """External minus internal AUC, the AUC weighted to the other mix of cases, and differences between subgroups.

    Examples
    --------
    >>> from helpers.stats.proof.picture_designs import HOSPITALS
    >>> [made.measure for made in of_hospitals(HOSPITALS)[0].make(0)]
    ['Subgroups: AUC difference', 'Subgroups: sensitivity difference', 'Subgroups: specificity difference', \
'Subgroups: O:E ratio']
    """
    compared = {
        "AUC difference": ("auc", two.auc_of),
        "sensitivity difference": ("sensitivity", two.sensitivity_of),
        "specificity difference": ("specificity", two.specificity_of),
        "O:E ratio": ("observed_expected", two.observed_expected_of),
    }

    def groups(replicate: int) -> Iterator[Made]:
        _, outside, signs = two.draw(replicate)
        frame = pd.DataFrame({"label": outside.label, "risk": outside.risks["model"], "sign": signs["outside"]["sign"]})
        for named, (measure, truth) in compared.items():
            found = subgroups(frame, by=["sign"], measure=measure, threshold=0.5, draws=20).differences
            for row in found.to_dict("records"):
                one, other = truth(row["level"]), truth(row["reference"])
                value = one / other if measure == "observed_expected" else one - other
                limits = row["low"], row["high"]
                yield Made(f"Subgroups: {named}", "MOVER of the levels' limits", *limits, value)

    def mix(replicate: int) -> Iterator[Made]:
        inside, outside, signs = two.draw(replicate)
        options = {"resamples": RESAMPLES, "seed": replicate}
        row = casemix.compare(inside, outside, signs, ["sign", "size"], **options).table.iloc[0]
        gap = two.auc(1) - two.auc(0)
        yield Made("External - internal AUC", "DeLong, unpaired", row["difference_low"], row["difference_high"], gap)
        limits = row["auc_weighted_low"], row["auc_weighted_high"]
        yield Made("Internal AUC, external mix of cases", "percentile bootstrap, weights anew", *limits, two.auc(1))

    return [Family(two.title, groups, share=HALF), Family(two.title, mix, share=FIFTH)]


def of_centres(centres: Centres) -> list[Family]:
    """The share of a quantity's variance that lies between centres.

    Examples
    --------
    >>> from helpers.stats.proof.picture_designs import CENTRES
    >>> [made.measure for made in of_centres(CENTRES)[0].make(0)]
    ['Share of variance between centres']
    """

    def make(replicate: int) -> Iterator[Made]:
        frame = centres.draw(replicate)
        options = {"resamples": RESAMPLES, "seed": replicate}
        found = share_between(frame["value"], frame["center"], frame["patient_id"], **options)
        method = "percentile bootstrap, patients within centres"
        yield Made("Share of variance between centres", method, found.low, found.high, centres.share)

    return [Family(centres.title, make)]

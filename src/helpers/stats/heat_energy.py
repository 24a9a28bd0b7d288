"""Where the attribution of networks lies over all judged cases: inside a structure, at its margin, elsewhere.

For the chapter `explain`; `heat_shares` sets maps of networks that outline beside their own outlines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.stats.resampling import bootstrap_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ZONES = ("inside", "margin", "outside")
TRAINED, CONTROL, GAIN = "trained", "random weights", "trained less random"
METHODS = (
    "95 % intervals by bootstrap of patients (percentile), 2,000 resamples. A map without any attribution has no "
    "share; the last rows compare network and control in the cases where both have a map."
)


def summarise(energies: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Mean share of attribution in each zone beside the share of its area, over all judged cases.

    Parameters
    ----------
    energies : DataFrame
        One row a case and network: `model, structure, network` (`trained` or `random weights`), `case_id,
        patient_id`, and for each zone its share of the attribution (`inside`, `margin`, `outside`) and of the area
        (`area_inside` ...); a map without any attribution has no shares.
    resamples : int
    seed : int

    Returns
    -------
    DataFrame
        `model, structure, network, zone, n, cases, share, share_low, share_high, area`: `n` of `cases` have a map.
        A share equal to the area is what a map without any preference would have. The network `trained less random`
        has the mean difference of the shares in the cases where both have a map. Patients are drawn, with all their
        cases; without a map there is no number.

    Examples
    --------
    >>> shares = {"inside": [0.5, 0.7], "margin": [0.2, 0.1], "outside": [0.3, 0.2]}
    >>> areas = {"area_inside": [0.1, 0.1], "area_margin": [0.1, 0.1], "area_outside": [0.8, 0.8]}
    >>> who = {"model": "m", "structure": "lesion", "case_id": ["a", "b"], "patient_id": ["P1", "P2"]}
    >>> both = [pd.DataFrame(who | shares | areas).assign(network=name) for name in (TRAINED, CONTROL)]
    >>> summarise(pd.concat(both))[["network", "zone", "n", "share", "share_low", "share_high"]].iloc[[0, 6]]
                   network    zone  n  share  share_low  share_high
    0              trained  inside  2    0.6        0.5         0.7
    6  trained less random  inside  2    0.0        0.0         0.0
    """
    rows = []
    areas = [f"area_{zone}" for zone in ZONES]
    for (model, structure), part in energies.groupby(["model", "structure"], sort=False):
        by_case = {
            network: part[part["network"] == network].set_index("case_id").dropna(subset=["inside"])
            for network in (TRAINED, CONTROL)
        }
        both = by_case[TRAINED].index.intersection(by_case[CONTROL].index)
        gain = by_case[TRAINED].loc[both].copy()
        gain[list(ZONES)] -= by_case[CONTROL].loc[both, list(ZONES)]
        gain[areas] = np.nan
        for network, mapped in (by_case | {GAIN: gain}).items():
            again = {"patient_id": mapped["patient_id"].to_numpy(), "resamples": resamples, "seed": seed}
            none = [[np.nan] * len(ZONES)] * 3
            found = bootstrap_mean(mapped[list(ZONES)], **again) if len(mapped) else none
            for zone, mean, low, high in zip(ZONES, *found):
                area = mapped[f"area_{zone}"].mean()
                cases = part["case_id"].nunique()
                rows.append((model, structure, network, zone, len(mapped), cases, mean, low, high, area))
    columns = ["model", "structure", "network", "zone", "n", "cases", "share", "share_low", "share_high", "area"]
    return pd.DataFrame(rows, columns=columns)


def plot(energies: pd.DataFrame) -> Figure:
    """Draw, for every model, the share of attribution inside the structure against the share of its area."""
    import matplotlib.pyplot as plt

    models = list(energies["model"].unique())
    figure, axes = plt.subplots(1, len(models), figsize=(4.6 * len(models), 4.4), squeeze=False, layout="constrained")
    looks = {TRAINED: ("o", "#D55E00"), CONTROL: ("x", "#0072B2")}
    for ax, model in zip(axes[0], models):
        own = energies[energies["model"] == model]
        for network, (marker, color) in looks.items():
            part = own[own["network"] == network].dropna(subset=["inside"])
            label = f"{network}, n = {len(part)}"
            ax.scatter(part["area_inside"], part["inside"], s=18, marker=marker, color=color, label=label, alpha=0.7)
        edge = min(1.0, 1.1 * own[["area_inside", "inside"]].max().max())
        ax.plot([0, edge], [0, edge], color="0.5", linewidth=0.8, linestyle=(0, (2, 2)))
        ax.set(xlim=(0, edge), ylim=(0, edge), aspect="equal", title=model)
        structure = own["structure"].iloc[0]
        ax.set(xlabel=f"Share of the area inside: {structure}", ylabel="Share of the attribution inside")
        ax.legend(fontsize="small", loc="lower right")
    return figure


def sentence(summary: pd.DataFrame) -> str:
    """Say where the attribution of each trained network lies, against the area and the control in the same cases."""
    inside = summary[summary["zone"] == "inside"].set_index(["model", "network"])
    said = []
    for model in inside.index.unique("model"):
        trained, gain = inside.loc[(model, TRAINED)], inside.loc[(model, GAIN)]
        if not trained["n"]:
            said.append(
                f"{model}: no attribution in any of the {trained['cases']} cases, so there is nothing to measure"
            )
            continue
        empty = trained["cases"] - trained["n"]
        text = (
            f"{model}: {trained['share']:.0%} (95 % CI {trained['share_low']:.0%} to {trained['share_high']:.0%}) "
            f"of the attribution lies inside the {trained['structure']}, with {trained['area']:.1%} of the view"
        )
        text += f" ({empty} of {trained['cases']} maps are empty)" if empty else ""
        if gain["n"]:
            points = [_points(gain[name]) for name in ("share", "share_low", "share_high")]
            text += f"; against random weights {points[0]} percentage points ({points[1]} to {points[2]})"
        else:
            text += "; with random weights no map has any attribution"
        said.append(text)
    return "; ".join(said) + "."


def _points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")

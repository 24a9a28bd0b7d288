"""Where the attribution of networks lies over all judged cases: inside a structure, at its margin, elsewhere.

For the chapter `explain`; `heat_shares` sets maps of networks that outline beside their own outlines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.stats.resampling import bootstrap_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ZONES = ("inside", "margin", "outside")
METHODS = "95 % intervals by bootstrap of patients (percentile), 2,000 resamples."


def summarise(energies: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Mean share of attribution in each zone beside the share of its area, over all judged cases.

    Parameters
    ----------
    energies : DataFrame
        One row a case, network and control: `model, structure, network, patient_id`, and for each zone its share of
        the attribution (`inside`, `margin`, `outside`) and of the area (`area_inside` ...); cases without any
        attribution have no share and are left out.
    resamples : int
    seed : int

    Returns
    -------
    DataFrame
        `model, structure, network, zone, n, share, share_low, share_high, area`; patients are drawn, with all their
        cases. A share equal to the area is what a map without any preference would have.

    Examples
    --------
    >>> shares = {"inside": [0.5, 0.7], "margin": [0.2, 0.1], "outside": [0.3, 0.2]}
    >>> areas = {"area_inside": [0.1, 0.1], "area_margin": [0.1, 0.1], "area_outside": [0.8, 0.8]}
    >>> who = {"model": "m", "structure": "lesion", "network": "trained", "patient_id": ["P1", "P2"]}
    >>> summarise(pd.DataFrame(who | shares | areas))[["zone", "n", "share", "share_low", "share_high"]].head(1)
         zone  n  share  share_low  share_high
    0  inside  2    0.6        0.5         0.7
    """
    rows = []
    for (model, structure, network), part in energies.groupby(["model", "structure", "network"], sort=False):
        part = part.dropna(subset=["inside"])
        again = {"patient_id": part["patient_id"], "resamples": resamples, "seed": seed}
        for zone, mean, low, high in zip(ZONES, *bootstrap_mean(part[list(ZONES)], **again)):
            area = part[f"area_{zone}"].mean()
            rows.append((model, structure, network, zone, len(part), mean, low, high, area))
    columns = ["model", "structure", "network", "zone", "n", "share", "share_low", "share_high", "area"]
    return pd.DataFrame(rows, columns=columns)


def plot(energies: pd.DataFrame) -> Figure:
    """Draw, for every model, the share of attribution inside the structure against the share of its area."""
    import matplotlib.pyplot as plt

    models = list(energies["model"].unique())
    figure, axes = plt.subplots(1, len(models), figsize=(4.6 * len(models), 4.4), squeeze=False, layout="constrained")
    looks = {"trained": ("o", "#D55E00"), "random weights": ("x", "#0072B2")}
    for ax, model in zip(axes[0], models):
        for network, (marker, color) in looks.items():
            part = energies[(energies["model"] == model) & (energies["network"] == network)]
            ax.scatter(part["area_inside"], part["inside"], s=18, marker=marker, color=color, label=network, alpha=0.7)
        own = energies[energies["model"] == model]
        edge = 1.0 if own["area_inside"].max() > 0.3 else 1.1 * own[["area_inside", "inside"]].max().max()
        ax.plot([0, edge], [0, edge], color="0.5", linewidth=0.8, linestyle=(0, (2, 2)))
        ax.set(xlim=(0, edge), ylim=(0, edge), aspect="equal", title=model)
        structure = own["structure"].iloc[0]
        ax.set(xlabel=f"Share of the area inside: {structure}", ylabel="Share of the attribution inside")
        ax.legend(fontsize="small", loc="lower right")
    return figure


def sentence(summary: pd.DataFrame) -> str:
    """Say where the attribution of each trained network lies, against the area and the control."""
    said = []
    for model, part in summary[summary["zone"] == "inside"].groupby("model", sort=False):
        trained = part[part["network"] == "trained"].iloc[0]
        control = part[part["network"] == "random weights"].iloc[0]
        said.append(
            f"{model}: {trained['share']:.0%} (95 % CI {trained['share_low']:.0%} to {trained['share_high']:.0%}) "
            f"of the attribution lies inside the {trained['structure']}, with {trained['area']:.1%} of the view; "
            f"with random weights it is {control['share']:.0%}"
        )
    return "; ".join(said) + "."

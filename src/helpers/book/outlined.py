"""The chapter on outlines: what each network drew of the judged cases, measured, chosen by rule, and handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.book.files import write_text
from helpers.book.gallery import LESION, OUTLINE
from helpers.data import cohort, outlines, spreadsheet
from helpers.data.arrays import load as load_arrays
from helpers.data.structures import NAMES, read_structures
from helpers.data.study import Study
from helpers.stats import heat_shares, segmentation, segmentation_failures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CASES, MASKS = "cases.csv", "masks"
KEPT = ("network", "case_id", "patient_id", "split", "label", "dice", "iou", "hd95_mm", "kind", "chosen", "mask")


@dataclass(frozen=True)
class Judged:
    """Images, drawings and outlines of the judged cases.

    Attributes
    ----------
    images, masks : uint8 and bool arrays of shape (n, side, side)
    pixel_mm : float array of shape (n,)
        Side of a pixel of these arrays, millimetres.
    cases : DataFrame
        Rows of the cohort table, in the order of the arrays.
    outlines : dict of network to bool array of shape (n, side, side)
    heat, control : dict of network to uint8 array of shape (n, small, small)
        Heat maps of the class, and those of the same networks with weights drawn anew.
    structures : uint8 array of shape (n, side, side), or None
        What each pixel belongs to, where that is known.
    """

    images: np.ndarray
    masks: np.ndarray
    pixel_mm: np.ndarray
    cases: pd.DataFrame
    outlines: dict[str, np.ndarray]
    heat: dict[str, np.ndarray]
    control: dict[str, np.ndarray]
    structures: np.ndarray | None

    def measured(self) -> pd.DataFrame:
        """Every measure of every network and case, with the kind of failure."""
        parts = []
        for network, drawn in self.outlines.items():
            made = segmentation.measure(drawn, self.masks, pixel_mm=self.pixel_mm, cases=self.cases, network=network)
            parts.append(made.assign(kind=segmentation_failures.kinds(made, drawn, self.structures, names=NAMES)))
        return pd.concat(parts, ignore_index=True)

    def places(self, case_id: Sequence[str]) -> list[int]:
        """Places of cases in the arrays."""
        place = {name: number for number, name in enumerate(self.cases["case_id"])}
        return [place[name] for name in case_id]

    def heat_table(self, *, resamples: int) -> pd.DataFrame | None:
        """How much of the heat lies in the drawn node and in the own outline; None without heat maps."""
        if not self.heat:
            return None
        zones = self.masks, self.outlines
        return heat_shares.table(self.heat, self.control, *zones, self.cases, resamples=resamples)


def load(folder: str | Path, results: str | Path, study: Study, *, seed: int) -> Judged:
    """Read what the networks of a study drew of its judged cases.

    Parameters
    ----------
    folder : path
        The study's folder.
    results : path
        `results/<study>`.
    study : Study
    seed : int
        Whose runs are judged: the first declared one.

    Returns
    -------
    Judged

    Raises
    ------
    StudyError
        If a judged case has no mask, or a network did not draw it.
    """
    asked = study.segmentation
    cases = cohort.read(folder, study=study)
    rows = np.flatnonzero(cases["split"] == study.judged)
    chosen = cases.iloc[rows].reset_index(drop=True)
    arrays = load_arrays(folder, asked.input, study=study)
    names = chosen["case_id"].to_numpy(object)
    drawn, heat, control = {}, {}, {}
    for name, network in asked.networks.items():
        made = outlines.read(Path(results) / "train" / f"{asked.input}-{network}-s{seed}" / outlines.FILE).of(names)
        if made.outline is not None:
            drawn[name] = made.outline
        if made.heat is not None:
            heat[name], control[name] = made.heat, made.control
    index = arrays.index.iloc[rows]
    side = arrays.images.shape[-1]
    pixel_mm = (index["crop_side"] * index["pixel_mm"] / side).to_numpy(float)
    # without a scale, distances are in pixels of the stored image, and the page says so
    pixel_mm = np.where(np.isfinite(pixel_mm), pixel_mm, 1.0)
    return Judged(
        images=np.array(arrays.images[rows, 0]),
        masks=np.array(arrays.masks[rows]) > 0,
        pixel_mm=pixel_mm,
        cases=chosen,
        outlines=drawn,
        heat=heat,
        control=control,
        structures=read_structures(folder, chosen["case_id"], index, side=side, cohort=cases["case_id"]),
    )


def gallery(judged: Judged, chosen: pd.DataFrame, network: str) -> Figure:
    """Chosen cases in rows: the frame with the drawing, the outlines of all networks, the heat map of the class.

    Parameters
    ----------
    judged : Judged
    chosen : DataFrame
        From `segmentation_failures.choose`.
    network : str
        Whose choice and heat map are shown.

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    others = list(judged.outlines)
    heads = ["frame, target drawn by hand", *(f"outline: {name}" for name in others)]
    heads += [f"Grad-CAM: {name}" for name in judged.heat]
    rows = judged.places(chosen["case_id"])
    size = (2.35 * len(heads), 2.4 * len(rows))
    figure, axes = plt.subplots(len(rows), len(heads), figsize=size, squeeze=False, layout="constrained")
    for line, (row, case) in enumerate(zip(rows, chosen.itertuples())):
        for column, ax in enumerate(axes[line]):
            ax.imshow(judged.images[row], cmap="gray", vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[])
            if line == 0:
                ax.set_title(heads[column], fontsize="small")
            _contour(ax, judged.masks[row], OUTLINE, "-")
            if 0 < column <= len(others):
                _contour(ax, judged.outlines[others[column - 1]][row], LESION, "--")
            elif column > len(others):
                heat = judged.heat[heads[column].removeprefix("Grad-CAM: ")][row]
                side = judged.images.shape[-1]
                ax.imshow(heat, cmap="magma", vmin=0, vmax=255, alpha=0.5, extent=(-0.5, side - 0.5, side - 0.5, -0.5))
        kind = case.kind.replace(": ", ":\n")
        words = f"{case.chosen}\n{case.case_id}\nDice {case.dice:.2f}\n{kind}"
        axes[line, 0].set_ylabel(words, fontsize="small", parse_math=False)
    return figure


def _contour(ax, mask: np.ndarray, color: str, line: str) -> None:
    if mask.any() and not mask.all():
        ax.contour(mask, levels=[0.5], colors=[color], linestyles=[line], linewidths=1.1)


def write_masks(folder: str | Path, judged: Judged, measured: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Hand on the outlines of the judged cases: a PNG a case and network, and `cases.csv` that lists them.

    Parameters
    ----------
    folder : path
        Of the page: `masks/<network>/<number>.png` (8 bits, 255 in the outline) and `cases.csv` go there.
    judged : Judged
    measured : DataFrame
        From `Judged.measured`.
    chosen : DataFrame
        Cases that the page shows, with `chosen` (why).

    Returns
    -------
    DataFrame
        What `cases.csv` holds: `KEPT`, one row a network and case; `mask` is relative to the folder.
    """
    from PIL import Image

    folder = Path(folder)
    why = chosen.set_index("case_id")["chosen"]
    rows = []
    for network, drawn in judged.outlines.items():
        place = folder / MASKS / network
        place.mkdir(parents=True, exist_ok=True)
        own = measured[measured["network"] == network].reset_index(drop=True)
        for number, (mask, row) in enumerate(zip(drawn, own.itertuples())):
            name = f"{number:04d}.png"  # never a file name that somebody else chose
            Image.fromarray(mask.astype(np.uint8) * 255).save(place / name, optimize=False)
            rows.append({**row._asdict(), "chosen": why.get(row.case_id, ""), "mask": f"{MASKS}/{network}/{name}"})
    table = pd.DataFrame(rows)[list(KEPT)]
    write_text(folder / CASES, spreadsheet.to_csv(table))
    return table


def published_quartiles(path: str | Path | None) -> dict[str, float]:
    """The Dice coefficients that paper B prints, by statistic, in rising order; none for a study without a paper.

    The paper names its quartiles the other way round; the name here is that of the value, with the printed one behind.

    Parameters
    ----------
    path : path or None
        `B_text.csv`, from `helpers.data.printed.of`.
    """
    if path is None:
        return {}
    table = pd.read_csv(path)
    own = table[(table["row"] == "DSC") & (table["column"] == "test")].drop_duplicates("statistic")
    values = own.set_index("statistic")["value_num"].sort_values()
    swapped = values.get("upper_quartile", np.inf) < values.get("lower_quartile", -np.inf)
    other = {
        "upper_quartile": "lower quartile (printed as upper)",
        "lower_quartile": "upper quartile (printed as lower)",
    }
    names = {name: other[name] if swapped and name in other else name.replace("_", " ") for name in values.index}
    return {names[name]: float(value) for name, value in values.items()}

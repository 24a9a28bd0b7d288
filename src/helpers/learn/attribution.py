"""Heat maps of a study's chosen networks: a gallery by rule, and measurements over all judged cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.arrays import load as load_arrays
from helpers.data.study import Study
from helpers.learn import explain, heatmaps, training
from helpers.learn.chosen import Chosen
from helpers.learn.selection import CaseSelection, select_cases

MARGIN_MM = 2.0  # an interface, a halo and an extension through the capsule lie within this distance of the border
PER_CELL = 2
CONTROL_SEED = 11
METHODS = (
    "Grad-CAM (doi:10.1109/ICCV.2017.74) of the last convolutional map (of clips the last that still tells frames "
    "apart) for the positive class; control: the same "
    "network with weights drawn anew (doi:10.48550/arXiv.1810.03292). Attribution does not show how a network reasons."
)

OCCLUSION = (
    "Mean absolute change of the logit when a frame is replaced by the mean of that frame over the judged cases; in "
    "brackets the middle 95 % of cases."
)


@dataclass(frozen=True)
class Attribution:
    """Heat maps of one network on the judged cases.

    Attributes
    ----------
    model : str
    images, masks : uint8 arrays of shape (n, height, width), or (n, time, height, width) of clips
        What the network saw (of several channels the middle one) and the structure in it.
    maps, control : float arrays of the same shape
        Of the trained network, and of one with random weights.
    cases : DataFrame
        `case_id, patient_id, label, risk`, in the order of the arrays.
    pixel_mm : float
        Side of a pixel of the arrays, millimetres.
    structure : str
        What the masks show: the lesion of a still, the calcifications of a clip.
    finer : float array of the same shape, or None
        Maps of the trained network at a layer that is twice as fine; nothing is measured on them.
    """

    model: str
    images: np.ndarray
    masks: np.ndarray
    maps: np.ndarray
    control: np.ndarray
    cases: pd.DataFrame
    pixel_mm: float
    structure: str = "lesion"
    finer: np.ndarray | None = None

    @property
    def volume(self) -> bool:
        """Whether the maps have a time axis."""
        return self.maps.ndim == 4

    def stills(self, rows: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Image, mask, map and control of some cases; of a clip the frame that shows most of the structure."""
        parts = self.images, self.masks, self.maps, self.control
        if not self.volume:
            return tuple(part[rows] for part in parts)
        best = self.masks[rows].reshape(len(rows), self.masks.shape[1], -1).sum(axis=2).argmax(axis=1)
        return tuple(part[rows, best] for part in parts)

    def energy(self) -> pd.DataFrame:
        """Shares of each map inside the structure, at its margin and outside, for network and control."""
        margin = MARGIN_MM / self.pixel_mm
        parts = []
        for kind, maps in (("trained", self.maps), ("random weights", self.control)):
            measured = heatmaps.energy(maps, self.masks, margin_pixels=margin)
            parts.append(pd.concat([self.cases.reset_index(drop=True), measured], axis=1).assign(network=kind))
        frame = pd.concat(parts, ignore_index=True)
        return frame.assign(model=self.model, structure=self.structure)

    def similarity(self) -> pd.DataFrame:
        """How alike the trained network's maps are to the control's."""
        return heatmaps.similarity(self.maps, self.control).assign(
            model=self.model, case_id=self.cases["case_id"].to_numpy()
        )

    def select(self, threshold: float, *, per_cell: int = PER_CELL) -> CaseSelection:
        """Cases of the four cells of the 2 x 2 table, by rule."""
        return select_cases(self.cases, threshold, per_cell=per_cell, rule="median")

    def places(self, selection: CaseSelection) -> list[int]:
        """Places of selected cases in the arrays."""
        place = {case: i for i, case in enumerate(self.cases["case_id"])}
        return [place[case] for case in selection.cases["case_id"]]


def attribute(
    chosen: Chosen, model: str, *, folder: str | Path, study: Study, trained: str | Path, judged: pd.DataFrame
) -> Attribution:
    """Make the heat maps of one chosen network.

    Parameters
    ----------
    chosen : Chosen
    model : str
    folder : path
        The study's folder.
    study : Study
    trained : path
        Folder of the training runs.
    judged : DataFrame
        `case_id, patient_id, label, risk` of the judged cases by this model and seed; cases without a mask, and clips
        whose frames show no calcification, are left out.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        If no judged case has a mask.
    """
    source = study.inputs[chosen.networks[model][0]]
    arrays = load_arrays(folder, chosen.networks[model][0], study=study)
    place = {case: i for i, case in enumerate(arrays.index["case_id"])}
    rows = np.array([place[case] for case in judged["case_id"]])
    masks = arrays.volume_masks if source.volume else arrays.masks
    known = np.zeros(len(rows), dtype=bool) if masks is None else np.array([masks[row].any() for row in rows])
    if not known.any():
        raise ValueError("judged: no case has a mask, so no energy can be measured")
    rows, cases = rows[known], judged[["case_id", "patient_id", "label", "risk"]][known].reset_index(drop=True)
    network = training.load(Path(trained) / chosen.run(model))
    view = training.network_view(arrays.images, rows=rows, settings=chosen.settings)
    seen = training.network_view(np.uint8(255) * (masks[:, None] > 0), rows=rows, settings=chosen.settings)[:, 0]
    target = study.outcome.code
    maps = explain.gradcam(network.module, view, target=target)
    control = explain.gradcam(explain.randomised(network.module, seed=CONTROL_SEED), view, target=target)
    shown = (view[:, view.shape[1] // 2] * 255).round().astype(np.uint8)
    # what one pixel of the network's view measures, case by case; the margin is the same in millimetres for all
    sides = (arrays.index["crop_side"] * arrays.index["pixel_mm"]).to_numpy(float)[rows]
    side_mm = source.crop.side_mm or float(np.nanmedian(sides))
    pixel_mm = side_mm / chosen.settings.crop_size
    # a calcification may be smaller than a pixel of the view: a fifth of it is enough to count
    found = (seen > (0.2 if source.volume else 0.5)).astype(np.uint8)
    structure = "calcifications" if source.volume else "lesion"
    layer = explain.finer_map_layer(network.module, view)
    finer = None if layer is None else explain.gradcam(network.module, view, layer=layer, target=target)
    return Attribution(model, shown, found, maps, control, cases, pixel_mm, structure, finer)


def occlusion(
    chosen: Chosen, *, folder: str | Path, study: Study, trained: str | Path, judged: Mapping[str, pd.DataFrame]
) -> pd.DataFrame | None:
    """Mean effect of hiding each frame on the logit, over the judged cases, of every network that sees several.

    Parameters
    ----------
    chosen, folder, study, trained
        As in `attribute`.
    judged : mapping of model to DataFrame

    Returns
    -------
    DataFrame or None
        `model, frame` (from 1), `effect` (mean absolute change, logits), `effect_low, effect_high` (middle 95 % of
        cases); None when every network sees a single frame.
    """
    parts = []
    for model, (source, _) in chosen.networks.items():
        arrays = load_arrays(folder, source, study=study)
        if arrays.images[0].shape[:-2] in ((1,), (1, 1)):
            continue
        place = {case: i for i, case in enumerate(arrays.index["case_id"])}
        rows = np.array([place[case] for case in judged[model]["case_id"]])
        network = training.load(Path(trained) / chosen.run(model))
        view = training.network_view(arrays.images, rows=rows, settings=chosen.settings)
        effects = explain.occlusion(network.module, view)
        size = effects["effect"].abs().groupby(effects["frame"] + 1)
        limits = {"effect": size.mean(), "effect_low": size.quantile(0.025), "effect_high": size.quantile(0.975)}
        parts.append(pd.DataFrame(limits).rename_axis("frame").reset_index().assign(model=model))
    return pd.concat(parts, ignore_index=True) if parts else None

"""The simulated cohort of study `lymphnode`: metastatic neck nodes in thyroid cancer, as paper B counts them.

Zhao et al. (2024), doi:10.3389/fonc.2024.1204987. Nodes, patients, sexes, locations, splits, axes and the accuracy of
the reports are the paper's; images and words are simulated, and no number computed from them is a finding about
patients.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.flow import UNSIMULATED
from helpers.data.processes import spread
from helpers.data.simulate import files, lymphnode_cohort, lymphnode_counts
from helpers.data.simulate.acoustics import Probe, bmode
from helpers.data.simulate.display import Look
from helpers.data.simulate.fields import Grid
from helpers.data.simulate.folder import WORK, check, publish
from helpers.data.simulate.lymphnode_report import report_of
from helpers.data.simulate.lymphnode_scene import STRUCTURES, NodeSigns, draw

SIZE = 256  # side of the stored image, pixels, as published: what the machine drew around it is cut off already
MARGIN = 8  # pixels around it, which keep wrapped echoes out
FIELDS_MM = (26.0, 30.0, 34.0, 40.0)
TABLES = ("media.csv", "structures.csv", "reports.csv", "flow.json", "simulation.csv", "cohort.csv")


def _look(name: str, frequency: float, f_number: float, dynamic_range: float, gamma: float, looks: int) -> Look:
    maker, _, model = name.partition(" ")
    return Look(maker, model, frequency, f_number, dynamic_range, gamma, looks, None, 0.0, False, ())


LOOKS = {
    name: _look(name, *settings)
    for name, settings in zip(
        lymphnode_cohort.SCANNERS,
        (
            (10.0, 2.6, 66.0, 0.9, 2),
            (9.0, 2.4, 58.0, 1.1, 1),
            (11.0, 2.5, 60.0, 1.0, 2),
            (12.0, 2.7, 70.0, 0.8, 1),
            (10.0, 2.2, 62.0, 1.0, 3),
        ),
        strict=True,
    )
}
"""Five scanners: frequency, focus, dynamic range, grey curve and compounding differ."""


@dataclass(frozen=True)
class Node:
    """A node to be simulated; plain values, so that it travels to another process."""

    index: int
    case_id: str
    scanner: str
    signs: NodeSigns


def write_cohort(folder: str | Path, *, published: str | Path, seed: int, share: float = 1.0, workers: int = 2) -> dict:
    """Write the simulated cohort into a study folder: its tables, `media/`, `reports.csv` and `structures.csv`.

    Everything grows in a hidden folder and is moved at the end, `cohort.csv` last. The published nodes are always
    drawn all, so a node is the same in every profile; those of the profile are written.

    Parameters
    ----------
    folder : path
        The study folder, which must exist.
    published : path
        `B_table2.csv`; `B_text.csv` and `B_table3.csv` lie beside it.
    seed : int
        Decides every byte; not negative.
    share : float
        Part of the patients of each split that is written, in (0, 1].
    workers : int
        Processes; the bytes do not depend on it.

    Returns
    -------
    dict
        `seconds`, `patients`, `nodes`, `files`, `bytes`, `patients_of` (written and published, by split), and
        `bayes_limit` by split (AUC of the exact posterior given the drawn signs, in the population).

    Raises
    ------
    StudyError
        If the folder is absent or holds a cohort that was not simulated, or a table is faulty.
    ValueError
        If an argument is out of range.
    """
    began = time.perf_counter()
    folder = Path(folder)
    check(folder, seed=seed, workers=workers)
    counts = lymphnode_counts.read(published)
    everyone = lymphnode_cohort.draw_nodes(counts, seed=seed)
    kept = lymphnode_cohort.written(everyone, share)
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)
    (work / "media").mkdir(parents=True)
    try:
        nodes = [
            Node(index, row.case_id, row.scanner, _signs(row)) for index, row in zip(kept.index, kept.itertuples())
        ]
        media = pd.DataFrame(spread(partial(write_node, str(work), seed=seed), nodes, workers))
        marked = media[["case_id", "structures"]].rename(columns={"structures": "path"})
        words = [report_of(row, np.random.default_rng([seed, 33, index])) for index, row in kept.iterrows()]
        reports = pd.DataFrame({"case_id": kept["case_id"], "language": "en", "text": words})
        truth = kept.drop(columns=["patient_id", "split", "sex", "level", "side", "scanner"])
        for name, frame in (
            ("media.csv", media.drop(columns="structures")),
            ("structures.csv", marked),
            ("reports.csv", reports),
            ("simulation.csv", truth.round({"posterior": 6, "ratio": 4})),
            ("cohort.csv", kept[list(lymphnode_cohort.COLUMNS)]),
        ):
            frame.to_csv(work / name, index=False, lineterminator="\n", encoding="utf-8")
        _write_flow(work / "flow.json", published, kept=kept, everyone=everyone)
        found = [path for path in work.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in found)
        publish(work, folder, TABLES, by="lymphnode")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    limit = lymphnode_cohort.bayes_limit(seed=seed)
    of = {
        split: [int(kept.loc[kept["split"] == split, "patient_id"].nunique()), int(part["patient_id"].nunique())]
        for split, part in everyone.groupby("split")
    }
    summary = {"patients": int(kept["patient_id"].nunique()), "nodes": len(kept), "files": len(found), "bytes": size}
    limits = {"bayes_limit": dict.fromkeys(("train", "test"), limit)}
    return {"seconds": round(time.perf_counter() - began, 2), **summary, "patients_of": of, **limits}


def write_node(root: str, node: Node, *, seed: int) -> dict:
    """Simulate one node and write image, mask and structures.

    Parameters
    ----------
    root : str
        Study folder; files go to `media/` in it.
    node : Node
    seed : int
        Seed of the cohort.

    Returns
    -------
    dict
        Row for `media.csv`, and the path of the structures (grey levels as in `lymphnode_scene.STRUCTURES`).
    """
    rng, look = np.random.default_rng([seed, 31, node.index]), LOOKS[node.scanner]
    least = 1.25 * node.signs.long_mm + 2
    field = next((mm for mm in rng.permutation(FIELDS_MM) if mm >= least), max(least, FIELDS_MM[-1]))
    pixel_mm = float(field) / SIZE
    side = SIZE + 2 * MARGIN
    grid = Grid(side, side, pixel_mm, top_mm=-MARGIN * pixel_mm)
    probe = Probe(
        grid,
        frequency_mhz=look.frequency_mhz,
        focus_mm=rng.uniform(12, 18),
        f_number=look.f_number,
        looks=look.looks,
        dynamic_range_db=look.dynamic_range_db + rng.uniform(-3, 3),
        gain_db=rng.uniform(-3, 3),
        gamma=look.gamma,
    )
    tissue, structures = draw(rng, grid, node.signs)
    window = slice(MARGIN, MARGIN + SIZE), slice(MARGIN, MARGIN + SIZE)
    image, structures = bmode(rng, probe, tissue)[window], structures[window]
    mask = structures == STRUCTURES["target"]
    name = f"media/{node.case_id}"
    for ending, pixels in (("", image), ("_mask", mask.astype(np.uint8) * 255), ("_structures", structures)):
        files.write_png(Path(root) / f"{name}{ending}.png", np.ascontiguousarray(pixels))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return {
        "case_id": node.case_id,
        "kind": "bmode",
        "path": f"{name}.png",
        "roi": f"{columns[0]} {rows[0]} {columns[-1] + 1} {rows[-1] + 1}",
        "frames": 1,
        "key_frame": 0,
        "seconds_per_frame": "",
        "pixel_mm": f"{pixel_mm:.6g}",
        "mask": f"{name}_mask.png",
        "structures": f"{name}_structures.png",
    }


def _signs(row) -> NodeSigns:
    return NodeSigns(
        long_mm=float(row.long_axis),
        short_mm=min(float(row.short_axis), float(row.long_axis)),
        **{name: bool(getattr(row, name)) for name in lymphnode_cohort.SIGNS},
    )


def _write_flow(path: Path, published: str | Path, *, kept: pd.DataFrame, everyone: pd.DataFrame) -> None:
    """Steps of the flow diagram; the paper's exclusions are of nodes, so they stand in the words of the step."""
    import json

    text = pd.read_csv(Path(published).with_name(lymphnode_counts.TEXT)).set_index("row")["value"]
    screened, other = text["potential lymph nodes"], text["excluded, other disease"]
    words = (
        f"Patients of the included nodes, as published ({screened} nodes screened, {other} left out for other diseases "
        f"and {text['excluded, image quality']} for poor images)"
    )
    all_patients, here = everyone["patient_id"].nunique(), kept["patient_id"].nunique()
    left = {UNSIMULATED: all_patients - here} if here < all_patients else {}
    path.write_text(json.dumps([[words, all_patients, left]]) + "\n", encoding="utf-8")

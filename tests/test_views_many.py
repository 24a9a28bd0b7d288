"""Views of more cases than a page can hold: the worst stay, the rest is sampled, and the view says so."""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest

from helpers.book.views import attention, cells, outlines, threshold
from helpers.book.views.markup import Plot

N = 30


def outlined(monkeypatch, most: int):
    """The browser of `N` small frames by two networks, and the Dice of each case by the worse network."""
    monkeypatch.setattr(cells, "MOST", most)
    rng = np.random.default_rng(0)
    names = np.array([f"C{k:02}" for k in rng.permutation(N)], dtype=object)
    masks = np.zeros((N, 16, 16), dtype=bool)
    masks[:, 4:12, 4:12] = True
    rows = [
        {"network": network, "case_id": name, "cell": "hit", "center": "A", "dice": dice, "hd95_mm": 1.0}
        for network in ("joint", "reference")
        for name, dice in zip(names, rng.random(N))
    ]
    table = pd.DataFrame(rows)
    images = rng.integers(0, 255, (N, 16, 16)).astype(np.uint8)
    drawn = {"joint": masks, "reference": masks}
    view = outlines.build(images, masks, drawn, table, pixel_mm=np.ones(N), case_id=names)
    return view, table.groupby("case_id")["dice"].min()


def test_the_worst_are_never_thinned_out(monkeypatch) -> None:
    view, worst = outlined(monkeypatch, 10)
    control = next(one for one in view.controls if one.id == "case")
    assert control.label == "Case, worst first (10 of 30)"
    shown = {text.split(",")[0] for text in control.options}
    assert len(shown) == 10 and set(worst.nsmallest(5).index) <= shown
    assert "10 of 30 judged cases are shown: the 5 worst by the lowest Dice of any network" in view.methods


def test_all_cases_are_held_where_there_is_room(monkeypatch) -> None:
    view, worst = outlined(monkeypatch, N)
    control = next(one for one in view.controls if one.id == "case")
    assert control.label == "Case, worst first (30 of 30)"
    assert {text.split(",")[0] for text in control.options} == set(worst.index)
    assert "All 30 judged cases are shown." in view.methods


@pytest.mark.parametrize("n", [1, 7, 8, 9, 50, 400, 401, 1000])
def test_the_sample_of_the_rest_is_even_and_sees_no_score(n) -> None:
    rng = np.random.default_rng(n)
    names = [f"{k:04}" for k in range(n)]
    worst = rng.random(n)
    kept = cells.some(names, worst, most=8)
    assert len(kept) == len(set(kept)) == min(n, 8) and (np.diff(kept) > 0).all()
    if n > 8:
        bad = set(np.argsort(-worst)[:4])
        assert bad <= set(kept)
        rest = sorted(set(range(n)) - bad)
        slow = {rest[round(step * (len(rest) - 1) / 3)] for step in range(4)}
        assert set(kept) - bad == slow
    assert len(cells.some(names, worst)) == min(n, cells.MOST)


def test_heat_maps_keep_the_cases_that_were_most_wrong(monkeypatch) -> None:
    monkeypatch.setattr(cells, "MOST", 6)
    rng = np.random.default_rng(1)
    names = [f"C{k:02}" for k in range(20)]
    cases = pd.DataFrame({"case_id": names, "label": np.arange(20) % 2, "risk": rng.random(20)})
    masks = np.zeros((20, 8, 8), np.uint8)
    masks[:, 2:5, 2:5] = 1
    maps = rng.random((20, 8, 8)).astype(np.float32)
    energy = pd.DataFrame(
        [
            {"network": who, "case_id": name, "inside": 0.3, "area_inside": 0.1}
            for who in ("trained", "random weights")
            for name in names
        ]
    )
    one = types.SimpleNamespace(
        cases=cases, masks=masks, maps=maps, finer=None, control=maps, pixel_mm=1.0, structure="lesion",
        energy=lambda: energy, stills=lambda rows: (np.zeros((len(rows), 8, 8), np.uint8), masks[rows]),
    )  # fmt: skip
    view = attention.build({"net": one}, {"net": 0.5}, dict.fromkeys(names, "A"), methods="How.")
    control = next(one for one in view.controls if one.id == "case")
    wrong = (cases["label"] - cases["risk"]).abs()
    assert control.label == "Case (6 of 20)" and len(control.options) == 6
    worst = {names[k] for k in wrong.nlargest(3).index}
    assert worst <= {text.split(",")[0] for text in control.options}
    assert "6 of 20 judged cases are shown: the 3 worst by the distance of the risk from the outcome" in view.methods


def test_a_curve_of_a_million_points_is_a_short_path() -> None:
    """What falls on the same quarter of a pixel is left out, ends and breaks stay, and no point is far from the line."""
    plot = Plot(width=464)
    x = np.linspace(0, 1, 1_000_001)
    path = plot.path(x, x**2)
    drawn = np.array([point.split() for point in path[1:].split("L")], dtype=float)
    assert len(path) < 60_000 and path.startswith("M0 240L") and path.endswith("L400 0")
    line = np.interp(400 * x, drawn[:, 0], drawn[:, 1])
    assert np.abs(line - 240 * (1 - x**2)).max() < 0.5
    assert plot.path([0, 0.00001, np.nan, 0.00002, 1], [0, 0, 0, 0, 1]) == "M0 240M0.01 240L400 0"


def test_a_band_breaks_where_there_is_no_curve_and_the_point_on_it_says_so() -> None:
    plot = Plot(width=164, left=52)
    x, low, high = np.arange(5) / 4, np.array([0, 0, np.nan, 0, 0.0]), np.array([1, 1, np.nan, 1, 1.0])
    assert plot.band(x, low, high) == "M0 240L25 240L25 0L0 0ZM75 240L100 240L100 0L75 0Z"
    assert plot.band([], [], []) == plot.band(x, low * np.nan, high) == ""
    assert threshold._read(0.5, x, low, low, high) is None
    assert threshold._read(0.125, x, low, low, high) == (0, 0, 1)


def test_where_nothing_was_outlined_no_distance_is_told() -> None:
    masks = np.zeros((2, 16, 16), dtype=bool)
    masks[:, 4:12, 4:12] = True
    drawn = masks.copy()
    drawn[1] = False  # its distance is the diagonal of the frame by convention, and nothing that was measured
    rows = {"network": "joint", "case_id": ["a", "b"], "cell": "hit", "center": "A", "dice": [1.0, 0.0]}
    table = pd.DataFrame(rows).assign(hd95_mm=[0.0, 22.6])
    images, names = np.zeros((2, 16, 16), np.uint8), np.array(["a", "b"], dtype=object)
    view = outlines.build(images, masks, {"joint": drawn}, table, pixel_mm=np.ones(2), case_id=names)
    (said,) = [column.values for column in view.columns if column.attribute == "text"]
    assert said == ["Hit, A. Dice 0.00; no distance.", "Hit, A. Dice 1.00; 95 % of the border is within 0.0 mm."]

"""Outlines against drawings: overlap, distances, failures, intervals; beside slow second implementations and MONAI."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.stats import heat_shares, segmentation
from helpers.stats import segmentation_failures as failures
from helpers.stats import segmentation_plot as plots
from helpers.stats import segmentation_summary as summaries


def blobs(seed: int, n: int = 12, side: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs of masks: some apart, some with holes, some touching the edge."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    made = []
    for _ in range(2 * n):
        z, w, a, b = rng.uniform(2, side - 2, 2).tolist() + rng.uniform(2, 12, 2).tolist()
        blob = ((y - z) / a) ** 2 + ((x - w) / b) ** 2 < 1
        made.append(blob & (rng.uniform(size=blob.shape) > 0.05))
    return np.array(made[:n]), np.array(made[n:])


def slow_hausdorff(a: np.ndarray, b: np.ndarray, percentile: float) -> float:
    """Every border pixel against every other, as the definition says."""

    def border(mask: np.ndarray) -> np.ndarray:
        found = []
        for y, x in np.argwhere(mask):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [0 <= v < mask.shape[0] and 0 <= u < mask.shape[1] and mask[v, u] for v, u in around]
            if not all(inside):
                found.append((y, x))
        return np.array(found, dtype=float)

    p, q = border(a), border(b)
    away = np.linalg.norm(p[:, None] - q[None], axis=2)
    return max(np.percentile(away.min(axis=1), percentile), np.percentile(away.min(axis=0), percentile))


def test_overlap_is_what_sets_of_pixels_say():
    outline, reference = blobs(1)
    made = segmentation.overlap(outline, reference)
    for row, a, b in zip(made.itertuples(), outline, reference):
        ours, theirs = ({tuple(p) for p in np.argwhere(mask)} for mask in (a, b))
        assert row.dice == pytest.approx(2 * len(ours & theirs) / (len(ours) + len(theirs)))
        assert row.iou == pytest.approx(len(ours & theirs) / len(ours | theirs))
        assert row.printed == pytest.approx(2 * row.iou)
        assert segmentation.from_printed(row.printed) == pytest.approx(row.dice)


@pytest.mark.parametrize("percentile", [95.0, 100.0])
def test_hausdorff_is_what_all_pairs_of_border_pixels_say(percentile):
    outline, reference = blobs(2)
    made = segmentation.hausdorff(outline, reference, pixel_mm=0.3, percentile=percentile)
    slow = [0.3 * slow_hausdorff(a, b, percentile) for a, b in zip(outline, reference)]
    np.testing.assert_allclose(made, slow)


def test_dice_and_hausdorff_agree_with_monai():
    metrics = pytest.importorskip("monai.metrics")
    import torch

    outline, reference = blobs(3, n=30)
    a, b = (torch.from_numpy(mask[:, None].astype(np.float32)) for mask in (outline, reference))
    dice = metrics.compute_dice(a, b).numpy()[:, 0]
    far = metrics.compute_hausdorff_distance(a, b, include_background=True, percentile=95).numpy()[:, 0]
    np.testing.assert_allclose(segmentation.overlap(outline, reference)["dice"], dice, atol=1e-6)
    np.testing.assert_allclose(segmentation.hausdorff(outline, reference), far, atol=1e-5)


def test_a_symmetric_measure_does_not_depend_on_who_is_first():
    outline, reference = blobs(4)
    there, back = segmentation.hausdorff(outline, reference), segmentation.hausdorff(reference, outline)
    np.testing.assert_array_equal(there, back)


def test_empty_masks_have_a_stated_value():
    empty, full = np.zeros((1, 30, 40), bool), np.zeros((1, 30, 40), bool)
    full[0, 5:9, 5:9] = True
    nothing = segmentation.overlap(empty, full).iloc[0]
    assert (nothing["dice"], nothing["iou"], nothing["recall"]) == (0, 0, 0)
    assert np.isnan(nothing["precision"])
    assert segmentation.hausdorff(empty, full, pixel_mm=0.1)[0] == pytest.approx(5.0)  # of 3 mm by 4 mm
    both = segmentation.overlap(empty, empty).iloc[0]
    assert (both["dice"], both["iou"]) == (1, 1)
    assert segmentation.hausdorff(empty, empty)[0] == 0


@pytest.mark.parametrize(
    ("outline", "reference", "said"),
    [
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5)), "are they of the same images"),
        (np.full((1, 4, 4), 7), np.zeros((1, 4, 4)), "outline must hold 0 and 1 only"),
        (np.zeros((1, 4, 4)), np.full((1, 4, 4), 0.4), "reference must hold 0 and 1 only"),
        (np.zeros((4, 4)), np.zeros((4, 4)), r"\(n, height, width\)"),
    ],
)
def test_masks_that_do_not_fit_are_refused(outline, reference, said):
    with pytest.raises(ValueError, match=said):
        segmentation.overlap(outline, reference)


def cases(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"case_id": [f"N{i}" for i in range(n)], "patient_id": [f"P{i // 2}" for i in range(n)]})
    frame["dice"] = rng.beta(5, 1, n)
    frame["iou"], frame["hd95_mm"] = frame["dice"] / (2 - frame["dice"]), 10 * (1 - frame["dice"])
    frame["area_reference_mm2"] = rng.uniform(20, 300, n)
    frame["area_mm2"] = frame["area_reference_mm2"] * np.exp(rng.normal(0.1, 0.2, n))
    return frame.assign(network="a", pixels=100, long_axis=rng.uniform(3, 37, n))


def test_intervals_widen_when_nodes_of_a_patient_are_alike():
    frame = cases()
    frame["dice"] = frame.groupby("patient_id")["dice"].transform("first")
    frame["iou"] = frame["dice"]
    known = summaries.summary(frame, resamples=300).set_index("measure").loc["dice"]
    alone = summaries.summary(frame.assign(patient_id=frame["case_id"]), resamples=300).set_index("measure").loc["dice"]
    assert known["mean_high"] - known["mean_low"] > 1.2 * (alone["mean_high"] - alone["mean_low"])
    assert known["median"] == np.median(frame["dice"])


def test_a_paired_difference_is_that_of_the_same_nodes():
    frame = cases()
    better = frame.assign(network="b", dice=frame["dice"] * 0.9).sample(frac=1, random_state=1)
    row = summaries.differences(pd.concat([frame, better]), resamples=100).set_index("measure").loc["dice"]
    assert row["difference"] == pytest.approx((0.1 * frame["dice"]).mean())
    assert row["difference_low"] > 0
    assert row["better"] == 1


def test_areas_are_compared_as_ratios():
    row = summaries.area_agreement(cases(400), resamples=100).iloc[0]
    assert row["ratio"] == pytest.approx(np.exp(0.1), rel=0.05)
    assert row["upper_limit"] / row["ratio"] == pytest.approx(np.exp(1.96 * 0.2), rel=0.1)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]


def test_failures_are_named_by_what_was_outlined():
    side = 20
    truth, structures = np.zeros((4, side, side), bool), np.zeros((4, side, side), np.uint8)
    truth[:, 2:8, 2:8] = True
    structures[:, 12:18, 12:18] = 3
    drawn = np.zeros_like(truth)
    drawn[0] = truth[0]
    drawn[1, 12:18, 12:18] = True
    drawn[3, 2:4, 2:8] = True
    names = {1: "target", 2: "other node", 3: "vessel"}
    frame = pd.DataFrame({"case_id": list("abcd"), "patient_id": list("abcd")})
    made = segmentation.measure(drawn, truth, pixel_mm=1.0, cases=frame, network="a")
    made["area_reference_mm2"] = [36, 36, 10, 36]
    found = failures.kinds(made, drawn, structures, names=names)
    assert found.tolist() == ["fits", "wrong target: vessel", "nothing outlined", "too little"] or found[3] == "fits"
    assert failures.kinds(made, drawn, None)[1] == "wrong target: other tissue"


def test_cases_are_chosen_by_rule_and_each_once():
    frame = cases(21)
    frame.loc[3, ["dice", "pixels"]] = [0.0, 0]  # nothing outlined: there is nothing to see
    chosen = failures.choose(frame)
    assert chosen["case_id"].is_unique
    assert chosen["chosen"].tolist()[0] == "best"
    assert chosen.iloc[0]["dice"] == frame["dice"].max()
    assert "N3" not in chosen["case_id"].tolist()


def test_parts_that_do_not_touch_are_counted():
    mask = np.zeros((1, 10, 10), bool)
    mask[0, 1:3, 1:3] = mask[0, 5:9, 5:9] = True
    truth = np.zeros_like(mask)
    truth[0, 5:9, 5:9] = True
    frame = pd.DataFrame({"case_id": ["a"], "patient_id": ["a"]})
    row = segmentation.measure(mask, truth, pixel_mm=0.5, cases=frame, network="a").iloc[0]
    assert (row["components"], row["dice_largest"], row["area_mm2"]) == (2, 1.0, 5.0)


def test_heat_inside_is_compared_with_the_area():
    heat = np.zeros((6, 4, 4), np.uint8)
    heat[:, 0, 0] = 255
    masks = np.zeros((6, 8, 8), bool)
    masks[:, :2, :4] = True
    frame = pd.DataFrame({"patient_id": list("abcdef")})
    even = np.full_like(heat, 9)
    even[5] = 0  # a map without heat has no share
    found = heat_shares.table({"joint": heat}, {"joint": even}, masks, {}, frame, resamples=50).set_index("map")
    assert found.loc["trained", ["share", "area"]].tolist() == [1.0, 0.125]
    assert found.loc["random weights", ["n", "cases", "share"]].tolist() == [5, 6, 0.125]
    assert found.loc["trained less random", "share"] == found.loc["trained less area", "share"] == 0.875
    assert np.isnan(found.loc["trained less area", "area"])
    said = heat_shares.sentence(found.reset_index())
    assert said == (
        "joint: 100.0% (95 % CI 100.0% to 100.0%) of the heat lies in the drawn target, which fills 12.5% of the frame: "
        "more than that area; and more than with random weights (12.5%)."
    )
    away = heat_shares.table({"joint": heat[:, ::-1]}, {"joint": even}, masks, {}, frame, resamples=50)
    assert "less than that area; and less than with random weights" in heat_shares.sentence(away)
    dark = heat_shares.table({"joint": 0 * heat}, {"joint": even}, masks, {}, frame, resamples=50)
    assert heat_shares.sentence(dark) == "joint: no map has any heat."


def test_sizes_do_not_overlap_and_have_intervals_by_patient():
    frame = cases(61)
    frame.loc[:10, "dice"] = 0.0
    frame["long_axis"] = np.sort(frame["long_axis"])
    sizes = summaries.by_size(frame, resamples=100)
    assert sizes["n"].sum() == 61 and [text.split()[0] for text in sizes["size"]] == ["up", "above", "above"]
    small = frame[frame["long_axis"] <= np.quantile(frame["long_axis"], 1 / 3)]
    first = sizes.iloc[0]
    assert (first["n"], first["median"]) == (len(small), small["dice"].median())
    assert first["missed"] == pytest.approx((small["dice"] < 0.1).mean())
    assert (sizes["median_low"] <= sizes["median"]).all() and (sizes["missed_high"] > sizes["missed"]).all()


def test_every_kind_of_failure_has_a_mark_of_its_own():
    assert len(set(plots.MARKERS)) == len(failures.KINDS)
    frame = pd.concat([cases(len(failures.KINDS)).assign(kind=failures.KINDS, network=name) for name in "ab"])
    for ax in plots.against_size(frame).axes:
        assert len({line.get_marker() for line in ax.get_lines()}) == len(failures.KINDS)


def test_the_published_numbers_are_read_both_ways():
    table = segmentation.printed_table({"median": 0.832, "max": 0.976}).set_index("statistic")
    iou = 0.832 / (2 - 0.832)
    assert table.loc["median", "formula_if_dice"] == pytest.approx(2 * iou)
    assert table.loc["max", "formula_if_dice"] > 1  # so the printed maximum is no value of the printed formula's scale
    assert table.loc["median", "dice_if_formula"] == pytest.approx(2 * 0.416 / 1.416)

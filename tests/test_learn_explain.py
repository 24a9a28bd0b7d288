"""Heat maps: against captum and by hand, the controls, the shares of energy, the rule that chooses cases."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers.learn import explain, networks


def network(outputs=1, channels=5, architecture="resnet18"):
    made = networks.build(architecture, channels=channels, outputs=outputs, width_divisor=8, seed=1).module.eval()
    with torch.no_grad():
        made(torch.rand(4, channels, 64, 64))
    return made


def tiny(dim=2, outputs=1):
    torch.manual_seed(0)
    conv, norm, pool = (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveAvgPool2d) if dim == 2 else (nn.Conv3d, nn.BatchNorm3d, nn.AdaptiveAvgPool3d)  # fmt: skip
    return nn.Sequential(conv(2, 6, 3, padding=1), norm(6), nn.ReLU(inplace=True), conv(6, 6, 3, padding=1), nn.ReLU(inplace=True), pool(1), nn.Flatten(), nn.Linear(6, outputs)).eval()  # fmt: skip


@pytest.mark.parametrize("architecture", ["resnet18", "densenet121"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_gradcam_is_captum(architecture, outputs):
    captum = pytest.importorskip("captum.attr")
    module = network(outputs, architecture=architecture)
    images = torch.rand(3, 5, 64, 64)
    name = explain.last_map_layer(module, images)
    layer = dict(module.named_modules())[name]
    peer = captum.LayerGradCam(module, layer)
    for target in range(max(2, outputs)):
        given = images.clone().requires_grad_()
        raw = peer.attribute(given, target=0 if outputs == 1 else target)
        raw = -raw if outputs == 1 and target == 0 else raw
        raw = captum.LayerAttribution.interpolate(raw.relu(), (64, 64), "bilinear")[:, 0].detach()
        low, high = raw.amin(dim=(1, 2), keepdim=True), raw.amax(dim=(1, 2), keepdim=True)
        wanted = ((raw - low) / (high - low).clamp(min=1e-30)).numpy()
        assert np.abs(explain.gradcam(module, images, target=target, layer=name) - wanted).max() < 1e-4


def test_gradcam_in_three_dimensions_is_captum():
    captum = pytest.importorskip("captum.attr")
    module, clips = tiny(dim=3), torch.rand(2, 2, 6, 12, 12)
    raw = captum.LayerGradCam(module, module[3]).attribute(clips.clone().requires_grad_(), target=0).detach()
    raw = raw.relu()[:, 0]
    low, high = raw.amin(dim=(1, 2, 3), keepdim=True), raw.amax(dim=(1, 2, 3), keepdim=True)
    found = explain.gradcam(module, clips, target=1)
    assert found.shape == (2, 6, 12, 12)
    assert np.abs(found - ((raw - low) / (high - low).clamp(min=1e-30)).numpy()).max() < 1e-4


def test_gradcam_by_hand():
    """One convolution, a mean, a linear layer: the weight of map k is w[k] / number of pixels."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1)).eval()
    images = torch.rand(2, 1, 12, 12)
    maps = module[0](images).detach()
    heat = (maps * module[3].weight[0].reshape(1, 3, 1, 1)).sum(dim=1).relu().detach().numpy()
    wanted = np.stack([(one - one.min()) / max(np.ptp(one), 1e-30) for one in heat])
    assert explain.gradcam(module, images, target=1) == pytest.approx(wanted, abs=1e-5)


def test_gradcam_leaves_the_network_as_it_was_and_takes_uint8():
    module = network().train()
    module.requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 64, 64), dtype=np.uint8)
    maps = explain.gradcam(module, images, target=1)
    assert maps.shape == (40, 64, 64) and maps.min() >= 0 and maps.max() <= 1
    assert np.abs(maps - explain.gradcam(module, images / 255, target=1)).max() < 1e-5
    assert module.training and all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert not any(part._forward_hooks for part in module.modules())
    # each case has its own target; the two targets of one logit are opposite
    mixed = explain.gradcam(module, images[:2], target=[0, 1])
    assert mixed[1] == pytest.approx(maps[1], abs=1e-5)
    assert explain.gradcam(module, images[:1], target=1, size=(16, 16)).shape == (1, 16, 16)


def test_layers_are_those_with_maps():
    table = explain.layers(network(), np.zeros((1, 5, 64, 64), np.uint8))
    assert table.iloc[0].tolist() == ["conv1", "Conv2d", 8, "32 x 32"]
    assert explain.last_map_layer(network(), torch.zeros(1, 5, 64, 64)) == table["layer"].iloc[-1] == "layer4.1.bn2"
    assert not explain.layers(network(), torch.zeros(1, 5, 32, 32))["layer"].str.startswith("layer4").any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 2}, "target must be 0 or 1 for a network with one logit"),
        ({"layer": "layer9"}, "layer 'layer9' is not a layer"),
        ({"images": np.zeros((5, 64, 64))}, r"images must be \(n, channels"),
        ({"layer": nn.Conv2d(1, 1, 1)}, "layer is not used"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        explain.gradcam(**({"module": network(), "images": np.zeros((1, 5, 64, 64))} | options))
    with pytest.raises(ValueError, match=r"target must be in 0 \.\.\. 2"):
        explain.gradcam(network(3), np.zeros((1, 5, 64, 64)), target=3)


def test_occluding_the_only_channel_that_counts_is_seen():
    module = tiny()
    with torch.no_grad():
        module[0].weight[:, 0] = 0
    images = np.random.default_rng(0).random((3, 2, 12, 12)).astype(np.float32)
    for fill in explain.FILLS:
        table = explain.occlusion(module, images, fill=fill)
        assert table["case"].tolist() == [0, 0, 1, 1, 2, 2] and table["frame"].tolist() == [0, 1] * 3
        assert table.loc[table["frame"] == 0, "effect"].abs().max() < 1e-6
        assert table.loc[table["frame"] == 1, "effect"].abs().min() > 1e-6
    against = explain.occlusion(module, images, fill="zero", target=0)
    assert against["effect"].to_numpy() == pytest.approx(-table_of(module, images), abs=1e-6)
    with pytest.raises(ValueError, match="fill must be one of mean, zero, case"):
        explain.occlusion(module, images, fill="blur")


def test_occluding_the_only_time_that_counts_is_seen():
    class Last(nn.Module):
        def forward(self, clip):
            return clip[:, 0, -1].mean(dim=(1, 2))[:, None]

    clips = np.random.default_rng(0).random((3, 1, 4, 12, 12)).astype(np.float32)
    table = explain.occlusion(Last(), clips, fill="zero")
    assert table["frame"].tolist() == [0, 1, 2, 3] * 3
    assert (table.loc[table["frame"] < 3, "effect"] == 0).all()
    last = table.loc[table["frame"] == 3, "effect"].to_numpy()
    assert last == pytest.approx(clips[:, 0, 3].mean(axis=(1, 2)), abs=1e-6)
    own = explain.occlusion(Last(), clips, fill="case")["effect"]
    assert np.abs(own).max() < 1e-6, "a frame replaced by its own mean level keeps its mean"


def table_of(module, images):
    with torch.no_grad():
        whole = module(torch.from_numpy(images))[:, 0]
        parts = []
        for channel in (0, 1):
            hidden = torch.from_numpy(images.copy())
            hidden[:, channel] = 0
            parts.append(whole - module(hidden)[:, 0])
    return torch.stack(parts, dim=1).flatten().numpy()


def test_randomised_weights_cascade_from_the_head():
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    half, whole = (explain.randomised(module, seed=3, share=share) for share in (0.5, 1.0))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    changed = [
        name for name, value in module.named_parameters() if not torch.equal(value, dict(half.named_parameters())[name])
    ]
    assert "fc.weight" in changed and "conv1.weight" not in changed
    assert torch.equal(half.fc.weight, whole.fc.weight)  # the cascade only adds layers
    assert not torch.equal(module.conv1.weight, whole.conv1.weight)
    assert torch.equal(whole.conv1.weight, explain.randomised(module, seed=3).conv1.weight)
    images = torch.rand(2, 5, 64, 64)
    logits = whole(images)
    assert torch.isfinite(logits).all() and (logits[0] - logits[1]).abs() > 0
    assert np.isfinite(explain.gradcam(whole, images, target=1)).all()
    with pytest.raises(ValueError, match="share must be above 0"):
        explain.randomised(module, seed=0, share=0)


def test_energy_is_that_of_a_slow_loop():
    rng = np.random.default_rng(0)
    cam = rng.random((3, 20, 24))
    mask = np.zeros((3, 20, 24), dtype=bool)
    mask[0, 5:12, 6:15] = mask[1, :4, :4] = True
    found = explain.energy(cam, mask, margin_pixels=2.5)
    for i in (0, 1):
        parts, areas = dict.fromkeys(("inside", "margin", "outside", "boundary"), 0.0), dict.fromkeys(("inside", "margin", "outside", "boundary"), 0)  # fmt: skip
        points = [np.argwhere(mask[i]), np.argwhere(~mask[i])]
        for y in range(20):
            for x in range(24):
                inside = mask[i, y, x]
                near = np.hypot(*(points[int(inside)] - [y, x]).T).min() <= 2.5
                zones = ["inside" if inside else "margin" if near else "outside"] + ["boundary"] * bool(near)
                for zone in zones:
                    parts[zone] += cam[i, y, x] / cam[i].sum()
                    areas[zone] += 1 / cam[i].size
        for zone in parts:
            assert found.loc[i, zone] == pytest.approx(parts[zone])
            assert found.loc[i, f"area_{zone}"] == pytest.approx(areas[zone])
        y, x = np.unravel_index(cam[i].argmax(), cam[i].shape)
        assert found.loc[i, "pointing_game"] == mask[i, y, x]
    assert found.loc[2].isna().all()  # no lesion
    assert (found.loc[:1, ["inside", "margin", "outside"]].sum(axis=1) - 1).abs().max() < 1e-12
    flat = explain.energy(np.ones((1, 20, 24)), mask[:1], margin_pixels=2.5)
    assert flat["inside"].item() == pytest.approx(flat["area_inside"].item())
    nothing = explain.energy(np.zeros((1, 20, 24)), mask[:1], margin_pixels=1)
    assert nothing["inside"].isna().all() and nothing["area_inside"].notna().all()


@pytest.mark.parametrize(
    ("cam", "mask", "margin", "message"),
    [
        (np.ones((1, 4, 4)), np.ones((1, 4, 5)), 1, "must both be"),
        (np.ones((1, 4, 4)), np.ones((1, 4, 4)), 0, "margin_pixels must be above 0"),
        (-np.ones((1, 4, 4)), np.ones((1, 4, 4)), 1, "finite and at least 0"),
    ],
)
def test_energy_refuses(cam, mask, margin, message):
    with pytest.raises(ValueError, match=message):
        explain.energy(cam, mask, margin_pixels=margin)


def test_similarity_against_scipy_and_a_slow_window():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.random((2, 2, 17, 15))
    found = explain.similarity(a, b)
    same = explain.similarity(a, a)
    assert same.to_numpy() == pytest.approx(np.ones((2, 2)))
    assert found["rank_correlation"].tolist() == pytest.approx(
        [spearmanr(x.ravel(), y.ravel())[0] for x, y in zip(a, b)]
    )
    window = np.exp(-0.5 * (np.hypot(*np.mgrid[-5:6, -5:6]) / 1.5) ** 2)
    window /= window.sum()
    padded = [np.pad(one, 5, mode="symmetric") for one in (a[0], b[0])]
    values = []
    for y in range(17):
        for x in range(15):
            p, q = (one[y : y + 11, x : x + 11] for one in padded)
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq, c = (
                (window * (p - mp) ** 2).sum(),
                (window * (q - mq) ** 2).sum(),
                (window * (p - mp) * (q - mq)).sum(),
            )
            values.append((2 * mp * mq + 1e-4) * (2 * c + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert found["ssim"].iloc[0] == pytest.approx(np.mean(values), abs=1e-6)
    assert explain.similarity(a, np.zeros_like(a)).isna().all(axis=None), "an empty map is like nothing"
    with pytest.raises(ValueError, match="11 or more"):
        explain.similarity(a[:, :5], b[:, :5])


def predictions():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 60)
    return pd.DataFrame({"case_id": [f"c{i:02d}" for i in range(60)], "label": label, "risk": np.clip(0.3 * label + rng.random(60) * 0.7, 0, 1)})  # fmt: skip


def test_cases_are_chosen_by_the_rule():
    table = predictions()
    chosen = explain.select_cases(table, 0.5, per_cell=3)
    frame = chosen.frame()
    assert (
        frame["cell"].value_counts().to_dict() == dict.fromkeys(chosen.counts, 3) and sum(chosen.counts.values()) == 60
    )
    missed = table[(table["label"] == 1) & (table["risk"] < 0.5)]
    away = (missed["risk"] - missed["risk"].median()).abs()
    assert set(frame.loc[frame["cell"] == "false negative", "case_id"]) == set(
        missed.loc[away.nsmallest(3).index, "case_id"]
    )
    assert chosen.rule.startswith("At threshold 0.5, up to 3 of each cell: the cases whose risk is nearest")
    shuffled = explain.select_cases(table.sample(frac=1, random_state=1), 0.5, per_cell=3)
    assert shuffled.frame().equals(frame)
    drawn = [explain.select_cases(table, 0.5, per_cell=3, rule="seeded", seed=seed).frame() for seed in (1, 1, 2)]
    assert drawn[0].equals(drawn[1]) and not drawn[0].equals(drawn[2])
    empty = explain.select_cases(table, 2.0, per_cell=1)
    assert empty.counts["true positive"] == 0 and set(empty.frame()["cell"]) == {"false negative", "true negative"}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: f.drop(columns="risk"), {}, "predictions lack risk"),
        (lambda f: pd.concat([f, f]), {}, "hold a case twice"),
        (lambda f: f.assign(risk=np.nan), {}, "need a label of 0 or 1 and a risk"),
        (lambda f: f, {"rule": "prettiest"}, "rule one of median, seeded"),
        (lambda f: f, {"per_cell": 0}, "per_cell must be at least 1"),
    ],
)
def test_selection_refuses(change, options, message):
    with pytest.raises(ValueError, match=message):
        explain.select_cases(change(predictions()), 0.5, **({"per_cell": 1} | options))


def test_energy_of_a_clip_is_that_of_its_frames_laid_side_by_side():
    rng = np.random.default_rng(5)
    maps, masks = rng.random((2, 3, 24, 24)), np.zeros((2, 3, 24, 24))
    masks[0, 0, 4:8, 4:8] = masks[0, 2, 10:20, 12:15] = masks[1, 1, 9:12, 9:12] = 1
    clip = explain.energy(maps, masks, margin_pixels=2)
    # far apart on one wide plane, no frame's margin reaches another
    gap = 5
    wide = np.zeros((2, 24, 3 * (24 + gap)))
    where, known = wide.copy(), wide.copy()
    for time in range(3):
        columns = slice(time * (24 + gap), time * (24 + gap) + 24)
        wide[:, :, columns], where[:, :, columns], known[:, :, columns] = maps[:, time], masks[:, time], 1
    plane = explain.energy(wide, where, margin_pixels=2)
    for zone in ("inside", "margin", "outside"):
        assert clip[zone].to_numpy() == pytest.approx(plane[zone].to_numpy())
    assert clip["area_inside"].to_numpy() == pytest.approx(masks.mean(axis=(1, 2, 3)))
    assert clip[["inside", "margin", "outside"]].sum(axis=1).to_numpy() == pytest.approx([1, 1])


def test_similarity_of_clips_is_the_mean_over_frames():
    first, second = np.random.default_rng(1).random((2, 2, 3, 12, 12))
    both = explain.similarity(first, second)
    each = [explain.similarity(first[:, time], second[:, time]) for time in range(3)]
    assert both.to_numpy() == pytest.approx(np.mean([one.to_numpy() for one in each], axis=0))


def test_a_clip_shows_the_frame_with_most_of_the_structure():
    from helpers.book import gallery
    from helpers.learn.attribution import Attribution

    rng = np.random.default_rng(2)
    maps, masks = rng.random((4, 5, 16, 16)), np.zeros((4, 5, 16, 16), dtype=np.uint8)
    for case, time in enumerate((2, 0, 4, 1)):
        masks[case, time, 3:6, 3:6] = 1
        masks[case, 3, 3, 3] = 1
    images = rng.integers(0, 256, (4, 5, 16, 16)).astype(np.uint8)
    cases = pd.DataFrame(
        {"case_id": list("abcd"), "patient_id": list("ppqr"), "label": [1, 1, 0, 0], "risk": [0.9, 0.1, 0.8, 0.2]}
    )
    made = Attribution("video", images, masks, maps, maps[::-1], cases, 0.2, "calcifications")
    image, mask, *_ = made.stills([0, 2])
    assert (image[0] == images[0, 2]).all() and (image[1] == images[2, 4]).all() and mask.sum() == 18
    assert set(made.energy()["structure"]) == {"calcifications"}
    picture, selection = gallery.heat_maps(made, 0.5)
    assert len(picture.axes) == 4 * 3 + 1
    clip = gallery.heat_clip(made, selection, scale=2)
    assert clip.shape == (5, 4 * 32, 3 * 32 + 2 * 4, 3), "four cells, each with image, map and control"
    still = Attribution("still", images[:, 0], masks[:, 0], maps[:, 0], maps[:, 1], cases, 0.2)
    assert gallery.heat_clip(still, selection) is None

"""Networks: the published shapes, narrow copies, starting weights, and what happens without a network."""

import threading

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from helpers.learn import networks, weights
from helpers.learn.inflate import inflate
from helpers.learn.slim import narrowed

# Parameters of timm's networks with 1000 classes and 3 channels, from the model cards (millions).
CARDS = {"densenet121": 7.98, "resnet18": 11.69, "resnet34": 21.80}


@pytest.mark.parametrize("architecture", CARDS)
def test_full_width_is_the_published_network(architecture):
    network = networks.build(architecture, channels=3, outputs=1000)
    assert network.record["parameters"] / 1e6 == pytest.approx(CARDS[architecture], abs=0.006)


@pytest.mark.parametrize("architecture", networks.SHORTEST_SIDE)
def test_narrow_networks_run_with_five_channels(architecture):
    network = networks.build(architecture, channels=5, outputs=3, width_divisor=8)
    side = networks.SHORTEST_SIDE[architecture]
    network.module.eval()
    assert network.module(torch.rand(1, 5, side, side)).shape == (1, 3)
    assert network.record["channels"] == 5 and network.record["width_divisor"] == 8
    assert len([part for part in network.module.modules() if isinstance(part, nn.Linear)]) == 1


def test_same_seed_same_weights_and_the_global_state_is_left_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, again, other = (networks.build("resnet18", channels=1, width_divisor=8, seed=s) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.record["sha256"] == again.record["sha256"] != other.record["sha256"]


def test_narrowing_is_undone_after_an_error_and_spares_other_threads():
    seen = []
    kept = (nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__)
    with pytest.raises(ValueError, match="does not divide a layer of 30"), narrowed(4, outputs=1):
        other = threading.Thread(target=lambda: seen.append(nn.Conv2d(8, 16, 3).out_channels))
        other.start()
        other.join()
        grouped = nn.Conv2d(8, 16, 3, 1, 1, 1, 8)
        again = nn.Conv2d(16, 16, 3, groups=16)
        assert (grouped.groups, again.groups, again.in_channels) == (2, 4, 4)
        nn.BatchNorm2d(30)
    assert seen == [16]
    assert (nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__) == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "resnet19"}, "architecture must be one of densenet121"),
        ({"channels": 0}, "channels must be a whole number"),
        ({"dropout": 1.0}, "dropout must be in"),
        ({"offline": "maybe"}, "offline must be one of refuse, allow"),
        ({"weights": "imagenet", "width_divisor": 4}, "published widths only"),
        ({"weights": "old.pth"}, "never loaded"),
        ({"weights": "nowhere.safetensors"}, "there is no file nowhere.safetensors"),
        ({"width_divisor": 7}, "does not divide"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        networks.build(**({"architecture": "resnet18", "channels": 1} | options))


def test_a_file_of_three_channels_fits_one_and_five(tmp_path):
    source = networks.build("resnet18", channels=3, width_divisor=8, seed=4)
    path = tmp_path / "start.safetensors"
    save_file(source.module.state_dict(), path)
    grey = torch.rand(2, 1, 40, 40)
    source.module.eval()
    wanted = source.module(grey.expand(-1, 3, -1, -1))
    for channels in (1, 5):
        network = networks.build("resnet18", channels=channels, width_divisor=8, weights=path)
        network.module.eval()
        assert torch.allclose(network.module(grey.expand(-1, channels, -1, -1)), wanted, atol=1e-5)
        assert network.record["weights_used"] == "start.safetensors"
        assert "mean over 3 channels" in network.record["why"]


def test_a_file_of_another_width_or_kind_is_refused(tmp_path):
    path = tmp_path / "wide.safetensors"
    save_file(networks.build("resnet18", channels=1, width_divisor=4).module.state_dict(), path)
    with pytest.raises(ValueError, match=r"conv1.weight is \(16, 1, 7, 7\), not \(8, 1, 7, 7\).* and \d+ more"):
        networks.build("resnet18", channels=1, width_divisor=8, weights=path)
    (tmp_path / "bad.safetensors").write_bytes(b"no header")
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        networks.build("resnet18", channels=1, weights=tmp_path / "bad.safetensors")


def test_imagenet_weights_are_fitted_to_channels_range_and_outputs(tmp_path, monkeypatch):
    """A stand-in for the hub's file, in its older spelling, made for normalised RGB images and 1000 classes."""
    import timm

    original = timm.create_model("densenet121", pretrained=False, num_classes=1000).eval()
    for part in original.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
    state = {
        name.replace("norm1.", "norm.1.") if "denselayer" in name else name: value
        for name, value in original.state_dict().items()
    }
    path = tmp_path / "model.safetensors"
    save_file(state, path)
    monkeypatch.setattr(networks, "imagenet_file", lambda architecture: (path, f"hub/{architecture}"))
    network = networks.build("densenet121", channels=5, weights="imagenet")
    assert network.record["weights_used"] == "hub/densenet121" and network.module.classifier.out_features == 1
    grey = torch.rand(1, 1, 40, 40)
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    network.module.eval()
    stems = [lambda x, m=m: m.features.norm0(m.features.conv0(x)) for m in (original, network.module)]
    wanted = stems[0]((grey.expand(-1, 3, -1, -1) - mean) / std)
    found = stems[1](grey.expand(-1, 5, -1, -1))
    # Zero padding stands for grey in one and for black in the other: only the border differs.
    assert torch.allclose(found[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2], atol=1e-4)
    name = "features.denseblock1.denselayer2.norm1.weight"
    assert torch.equal(network.module.state_dict()[name], original.state_dict()[name])


FIVE = ("inception_resnet_v2", "legacy_xception", "inception_v3", "densenet121", "resnet50")


@pytest.mark.parametrize("architecture", FIVE)
def test_hub_files_of_the_video_networks_fit_and_are_inflated(tmp_path, architecture):
    """Stand-ins for the hub's files, narrow so that it is quick: auxiliary heads and other names of the head."""
    import timm

    with narrowed(8, outputs=10), torch.random.fork_rng():
        torch.manual_seed(7)
        original = timm.create_model(architecture, num_classes=10)
    state = dict(original.state_dict())
    if architecture == "inception_v3":
        state |= {"AuxLogits.conv0.conv.weight": torch.zeros(2, 3, 1, 1), "AuxLogits.fc.weight": torch.zeros(2, 2)}
    if architecture == "legacy_xception":
        state |= {name.replace("fc.", "last_linear."): state.pop(name) for name in ("fc.weight", "fc.bias")}
    path = tmp_path / "model.safetensors"
    save_file(state, path)
    config = original.pretrained_cfg
    flat = networks.build(architecture, channels=1, width_divisor=8)
    options = {"stem": config["first_conv"], "head": config["classifier"], "mean": config["mean"], "std": config["std"]}
    done = weights.load_into(flat.module, path, new_head=True, **options)
    assert any("normalisation folded" in line for line in done) and any("is fresh" in line for line in done)
    others = architecture in ("inception_v3", "legacy_xception")
    assert any("of other heads left out" in line for line in done) == others
    frame = torch.rand(1, 1, 80, 80)
    deep = inflate(flat.module.eval())
    with torch.no_grad():
        assert torch.allclose(deep(frame[:, :, None].expand(-1, -1, 5, -1, -1)), flat.module(frame), rtol=1e-4)
    last = [name for name, part in original.named_modules() if isinstance(part, nn.Conv2d)][-1]
    assert torch.allclose(deep.get_submodule(last).weight.sum(2), state[f"{last}.weight"], atol=1e-6)


def test_a_hub_file_of_another_network_stops_or_is_said(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_file(networks.build("resnet18", channels=3, outputs=1000, width_divisor=8).module.state_dict(), path)
    monkeypatch.setattr(networks, "imagenet_file", lambda architecture: (path, f"hub/{architecture}"))
    with pytest.raises(weights.WeightsUnavailable, match="does not fit the network"):
        networks.build("resnet18", channels=1, weights="imagenet")
    with pytest.warns(UserWarning, match="random ones are used"):
        network = networks.build("resnet18", channels=1, weights="imagenet", offline="allow")
    assert network.record["sha256"] == networks.build("resnet18", channels=1).record["sha256"]


def test_a_network_for_clips_starts_from_a_file_of_images(tmp_path):
    source = networks.build("resnet18", channels=1, width_divisor=8, seed=4)
    path = tmp_path / "start.safetensors"
    save_file(source.module.state_dict(), path)
    network = networks.build("resnet18", channels=1, width_divisor=8, volume=True, attention=True, weights=path)
    assert (network.record["volume"], network.record["attention"]) == (True, True)
    frame = torch.rand(1, 1, 40, 40)
    with torch.no_grad():
        wanted = source.module.eval()(frame)
        found = network.module.eval()(frame[:, :, None].expand(-1, -1, 8, -1, -1))
    assert torch.allclose(found, wanted, rtol=1e-4)


def test_without_the_hub_it_stops_or_says_that_it_goes_on(monkeypatch):
    import huggingface_hub

    def no_route(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_route)
    with pytest.raises(weights.WeightsUnavailable, match=r"could not be fetched.*Ways out: give weights= the path"):
        networks.build("resnet18", channels=1, weights="imagenet")
    with pytest.warns(UserWarning, match="random ones are used"):
        network = networks.build("resnet18", channels=1, weights="imagenet", offline="allow")
    assert (network.record["weights_asked"], network.record["weights_used"]) == ("imagenet", "none")
    assert "could not be had" in network.record["why"]
    assert network.record["sha256"] == networks.build("resnet18", channels=1).record["sha256"]


def test_only_safetensors_is_asked_of_the_hub(monkeypatch):
    import huggingface_hub

    asked = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *given: asked.append(given) or "file")
    for architecture in networks.SHORTEST_SIDE:
        weights.imagenet_file(architecture)
    assert {name for _, name in asked} == {"model.safetensors"}
    assert {repository for repository, _ in asked if not repository.startswith("timm/")} == {
        "smp-hub/xception.imagenet"  # the one for which timm names no safetensors
    }


def test_a_module_without_a_linear_layer_has_no_features():
    with pytest.raises(ValueError, match="no linear layer"):
        networks.head_of(nn.Conv2d(1, 1, 1))

"""Inflation: a clip that stands still gets the answer of its frame, whatever the network and the number of frames."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.learn import networks
from helpers.learn.inflate import inflate
from helpers.learn.inflate_layers import GlobalPool3d, pad_time

FIVE = ("inception_resnet_v2", "legacy_xception", "inception_v3", "densenet121", "resnet50")
OTHERS = tuple(name for name in networks.SHORTEST_SIDE if name not in FIVE)


def lively(architecture, side, *, width_divisor=8, channels=1, **options):
    """A network whose norms know the data, so that its output depends on the image and not on rounding."""
    module = networks.build(architecture, channels=channels, width_divisor=width_divisor, **options).module
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    torch.manual_seed(0)
    with torch.no_grad():
        module(torch.rand(8, channels, side, side))
    return module.eval().double()  # such norms blow up rounding where the last maps are single cells


def still(frame, frames):
    return frame[:, :, None].expand(-1, -1, frames, -1, -1)


def relative_error(found, wanted):
    return float(((found - wanted).abs() / wanted.abs()).max())


@pytest.mark.parametrize("architecture", FIVE)
def test_a_still_clip_gets_the_answer_of_its_frame(architecture):
    module = lively(architecture, 80)
    deep = inflate(module)
    for side, lengths in ((80, (5, 8, 16, 32)), (97, (1,))):
        frame = torch.rand(1, 1, side, side).double()
        with torch.no_grad():
            wanted = module(frame)
            for frames in lengths:
                assert relative_error(deep(still(frame, frames)), wanted) < 1e-4
            moving = deep(torch.rand(1, 1, 8, side, side).double())
        assert relative_error(moving, wanted) > 1e-2


@pytest.mark.parametrize("architecture", OTHERS)
def test_the_other_networks_too(architecture):
    module, frame = lively(architecture, 64, channels=3), torch.rand(1, 3, 64, 64).double()
    with torch.no_grad():
        assert relative_error(inflate(module)(still(frame, 7)), module(frame)) < 1e-4


def test_at_full_width():
    module = networks.build("inception_resnet_v2", channels=1).module.eval()
    frame = torch.rand(1, 1, 80, 80)
    with torch.no_grad():
        assert relative_error(inflate(module)(still(frame, 5)), module(frame)) < 1e-4


@pytest.mark.parametrize("options", [{"temporal_kernel": 1}, {"temporal_kernel": 5}, {"halvings": 0}, {"halvings": 99}])
def test_with_every_kernel_and_halving(options):
    module, frame = lively("inception_v3", 80), torch.rand(1, 1, 80, 80).double()
    with torch.no_grad():
        assert relative_error(inflate(module, **options)(still(frame, 6)), module(frame)) < 1e-4


def test_attention_is_inflated_with_the_rest():
    module, frame = lively("resnet50", 64, attention=True), torch.rand(1, 1, 64, 64).double()
    with torch.no_grad():
        before = module(frame)
        module.layer2.attention.gamma.fill_(2.0)
        wanted = module(frame)
        assert relative_error(wanted, before) > 1e-3
        assert relative_error(inflate(module)(still(frame, 9)), wanted) < 1e-4


def test_time_is_halved_with_the_first_halvings_in_space():
    deep = inflate(lively("resnet50", 64))
    lengths = {}
    for name in ("conv1", "maxpool", "layer1", "layer2", "layer3", "layer4"):
        hook = lambda part, given, out, name=name: lengths.__setitem__(name, out.shape[2])  # noqa: E731
        getattr(deep, name).register_forward_hook(hook)
    deep(torch.rand(1, 1, 32, 64, 64).double())
    assert lengths == {"conv1": 16, "maxpool": 8, "layer1": 8, "layer2": 4, "layer3": 4, "layer4": 4}


def test_the_network_given_is_left_alone_and_a_copy_works_alone():
    module = lively("inception_v3", 80)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    kinds = [type(part) for part in module.modules()]
    deep = inflate(module)
    again = copy.deepcopy(deep)
    with torch.no_grad():
        clip = torch.rand(1, 1, 5, 80, 80).double()
        wanted = deep(clip)
        for value in deep.parameters():
            value.zero_()
        assert torch.equal(again(clip), wanted)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert [type(part) for part in module.modules()] == kinds
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in deep.modules())
    assert set(deep.state_dict()) == set(before)


def test_only_square_kernels_get_a_time_extent():
    deep = inflate(networks.build("inception_v3", channels=1, width_divisor=8).module)
    spans = {part.kernel_size for part in deep.modules() if isinstance(part, nn.Conv3d)}
    assert spans == {(1, 1, 1), (3, 3, 3), (3, 5, 5), (1, 1, 7), (1, 7, 1), (1, 1, 3), (1, 3, 1)}


def test_a_depthwise_convolution_frame_by_frame_is_torchs_own():
    flat = nn.Sequential(nn.Conv2d(1, 6, 1), nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6))
    layer = inflate(flat)[1]
    assert layer.stride == (2, 2, 2)
    with torch.no_grad():
        layer.weight.normal_()
    clip = torch.rand(2, 6, 7, 9, 9, requires_grad=True)
    wanted = F.conv3d(pad_time(clip, 3, 2), layer.weight, layer.bias, (2, 2, 2), (0, 1, 1), groups=6)
    found = layer(clip)
    assert found.shape[2] == 4 and torch.allclose(found, wanted, atol=1e-5)
    ours, theirs = (torch.autograd.grad(out.square().sum(), (clip, layer.weight)) for out in (found, wanted))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours, theirs))


def test_pooling_functions_follow_modules():
    class Functions(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3, stride=2, padding=1)

        def forward(self, x):
            x = self.conv(x)
            x = torch.cat([F.max_pool2d(x, 3, stride=2), F.avg_pool2d(x, kernel_size=3, stride=2)], dim=1)
            return (F.adaptive_avg_pool2d(x, 1) + F.adaptive_max_pool2d(x, (1, 1))).flatten(1)

    module, frame = Functions(), torch.rand(2, 1, 33, 33)
    deep = inflate(module)
    with torch.no_grad():
        assert relative_error(deep(still(frame, 5)), module(frame)) < 1e-4
        assert (deep(torch.rand(2, 1, 5, 33, 33)) - module(frame)).abs().max() > 1e-3


def test_layers_of_timm_and_dropout():
    from timm.layers import BatchNormAct2d, SelectAdaptivePool2d

    for kind in ("avg", "max", "avgmax", "catavgmax"):
        pool = SelectAdaptivePool2d(pool_type=kind, flatten=True)
        module = nn.Sequential(nn.Conv2d(1, 4, 3), BatchNormAct2d(4), nn.Dropout2d(0.5), pool).eval()
        frame = torch.rand(2, 1, 12, 12)
        deep = inflate(module)
        with torch.no_grad():
            assert torch.allclose(deep(still(frame, 4)), module(frame), atol=1e-6)
        assert isinstance(deep[2], nn.Dropout3d)
    assert GlobalPool3d.of(nn.AdaptiveMaxPool2d(1))(torch.rand(2, 3, 4, 5, 5)).shape == (2, 3, 1, 1, 1)


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 3)), {"temporal_kernel": 2}, "temporal_kernel must be an odd number"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), {"halvings": -1}, "halvings must be a whole number"),
        (nn.Sequential(nn.Linear(224, 1)), {}, "no Conv2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.LPPool2d(2, 2)), {}, "1 is a LPPool2d, which has no partner in 3D"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding_mode="reflect", padding=1)), {}, "0 pads in a way"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(2)), {}, "is not a global pool"),
        (nn.Conv2d(1, 1, 3), {}, "a single layer cannot be inflated"),
    ],
)
def test_what_cannot_be_inflated_is_named(module, options, message):
    with pytest.raises(ValueError, match=message):
        inflate(module, **options)

"""Calcification attention: it starts as the identity, sees small bright spots, and learns."""

import numpy as np
import pytest
import torch
from scipy.ndimage import grey_opening
from torch import nn

from helpers.learn import networks
from helpers.learn.attention import PLACES, CalcificationAttention, attend, bright_spots


@pytest.mark.parametrize(
    ("architecture", "volume"),
    [(name, False) for name in networks.SHORTEST_SIDE] + [("inception_v3", True), ("densenet121", True)],
)
def test_it_starts_as_the_identity_and_leaves_the_other_weights(architecture, volume):
    options = {"channels": 1, "width_divisor": 8, "volume": volume, "seed": 5}
    plain, with_it = (networks.build(architecture, attention=one, **options) for one in (False, True))
    shape = (1, 1, 4, 80, 80) if volume else (1, 1, 80, 80)
    images = torch.rand(shape)
    with torch.no_grad():
        assert torch.equal(plain.module.eval()(images), with_it.module.eval()(images))
    assert with_it.record["attention"] and not plain.record["attention"]
    more = with_it.record["parameters"] - plain.record["parameters"]
    assert more == 3 * 49 * (3 if volume else 1) + 1 + 1


@pytest.mark.parametrize("architecture", PLACES)
def test_its_map_is_an_eighth_of_the_image(architecture):
    module = networks.build(architecture, channels=1, width_divisor=8, attention=True).module.eval()
    seen = []
    part = next(part for part in module.modules() if isinstance(part, CalcificationAttention))
    part.register_forward_hook(lambda layer, given, out: seen.append(tuple(out.shape[2:])))
    module(torch.rand(1, 1, 224, 224))
    assert seen[0][0] in (25, 28)  # the stems of the inception networks do not pad


def test_bright_spots_are_those_of_a_second_implementation():
    maps = np.random.default_rng(0).random((3, 1, 12, 15)).astype(np.float32)
    # scipy repeats the border where ours leaves it out; within the map both are the same
    wanted = np.stack([one - grey_opening(one, size=(3, 3)) for one in maps[:, 0]])
    found = bright_spots(torch.from_numpy(maps))[:, 0].numpy()
    assert np.allclose(found[:, 2:-2, 2:-2], wanted[:, 2:-2, 2:-2], atol=1e-6) and found.min() >= 0
    clip = torch.from_numpy(maps)[:, :, None].expand(-1, -1, 4, -1, -1)
    assert torch.equal(bright_spots(clip)[:, :, 2], bright_spots(torch.from_numpy(maps)))
    wide = torch.zeros(1, 1, 12, 12)
    wide[..., 3:9, 3:9] = 1
    assert bright_spots(wide).sum() == 0


def test_it_learns_to_find_a_spot_in_bright_tissue():
    """Label: one cell is brighter than its bright surroundings. The mean over the map cannot tell."""
    torch.manual_seed(0)
    attention = CalcificationAttention()
    head = nn.Linear(2, 1)
    label = torch.arange(64) % 2
    features = torch.rand(64, 2, 12, 12) * 0.2 + 0.6 * torch.rand(64, 1, 1, 1)
    features[torch.arange(64), :, torch.randint(1, 11, (64,)), torch.randint(1, 11, (64,))] += (0.5 * label)[:, None]
    optimizer = torch.optim.Adam([*attention.parameters(), *head.parameters()], lr=0.05)
    losses = []
    for _ in range(150):
        logit = head(attention(features).amax((2, 3)) - features.mean((2, 3)))[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logit, label.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0] and attention.gamma.abs() > 0.05
    weights = attention.weights(features).detach()
    assert float(weights.min()) >= 0 and float(weights.max()) <= 1


def test_its_first_weights_follow_its_seed_only():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, again, other = (CalcificationAttention(seed=seed).convolution.weight for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_architecture_without_a_place_is_refused():
    with pytest.raises(ValueError, match="attention: vgg11 is not one of densenet121"):
        attend(nn.Sequential(), "vgg11")

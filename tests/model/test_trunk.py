"""Every trunk looks both ways, and a prefix read once is as good as one read every time."""

from __future__ import annotations

import pytest
import torch

from model.network import BACKBONES, NetworkConfig, StemNetwork, make_trunk
from model.trunk import Trunk, join_pasts

FRAMES = 24
EACH = pytest.mark.parametrize("backbone", BACKBONES)


def toy(backbone: str) -> Trunk:
    torch.manual_seed(0)
    return make_trunk(NetworkConfig(width=32, layers=6, heads=2, backbone=backbone)).eval()


def frames(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, FRAMES, 32, generator=torch.Generator().manual_seed(1))


@EACH
def test_every_frame_hears_both_its_neighbours(backbone):
    trunk, x = toy(backbone), frames()
    plain = trunk(x)
    assert plain.shape == x.shape
    for changed, heard in ((10, 9), (10, 11)):
        other = x.clone()
        other[:, changed] += 1.0
        assert not torch.allclose(plain[:, heard], trunk(other)[:, heard], atol=1e-6)


@EACH
@pytest.mark.parametrize("first", [0, 1, 9, 23])
def test_a_prefix_read_once_is_as_good_as_read_every_time(backbone, first):
    trunk, x = toy(backbone), frames()
    whole = trunk(x, torch.tensor([first, first]))
    rest = trunk.go_on(x[:, first:], trunk.read_prefix(x[:, :first]))
    torch.testing.assert_close(rest, whole[:, first:], atol=1e-5, rtol=1e-5)


@EACH
def test_pasts_joined_are_a_batch(backbone):
    trunk, x = toy(backbone), frames()
    pasts = [trunk.read_prefix(x[row : row + 1, :8]) for row in range(2)]
    together = trunk.go_on(x[:, 8:], join_pasts(pasts))
    for row, past in enumerate(pasts):
        alone = trunk.go_on(x[row : row + 1, 8:], past)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-5)


@EACH
def test_what_is_added_to_the_frames_starts_small(backbone):
    torch.manual_seed(0)
    network = StemNetwork(NetworkConfig(width=32, layers=8, heads=2, backbone=backbone))
    trunk, x = network.trunk, frames()
    with torch.no_grad():
        added = trunk(x) - x
    assert 0.05 < float(added.std()) < 2.0


def test_the_trunks_are_about_as_large():
    sizes = {
        backbone: sum(
            p.numel()
            for p in make_trunk(NetworkConfig(layers=layers, backbone=backbone)).parameters()
        )
        for backbone, layers in BACKBONES.items()
    }
    assert max(sizes.values()) < 1.1 * min(sizes.values()), sizes


def test_a_backbone_that_is_none_is_named():
    with pytest.raises(ValueError, match="backbone is 'kazoo'; valid: transformer, recurrent"):
        make_trunk(NetworkConfig(backbone="kazoo"))

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.autoregressive import AutoregressiveNetwork
from model.network import NetworkConfig, StemNetwork
from model.request import SOURCES
from training.experiments.bits import Filling, stem_bits
from training.experiments.orders import CAUSAL, CONFIDENCE, ORDERS, RANDOM
from training.stemgen.arithmetic import empty_sources

CONFIG = NetworkConfig(
    width=16, layers=1, heads=2, frames=16, levels=2, context="features", sources=SOURCES
)
FRAMES = 2
TOLD = 2
"""Tokens that the networks here know, so that all stems there are can be counted."""


class _FewTokens(StemNetwork):
    def logits(self, hidden: Tensor, level: int) -> Tensor:
        known = super().logits(hidden, level)[..., :TOLD]
        rest = self.config.vocabulary - TOLD
        return torch.nn.functional.pad(known, (0, rest), value=-torch.inf)


class _FewTokensOneByOne(_FewTokens, AutoregressiveNetwork):
    pass


def every_stem() -> Tensor:
    """All stems of the tokens known [16, 2, 2]."""
    tokens = itertools.product(range(TOLD), repeat=CONFIG.levels * FRAMES)
    return torch.tensor(list(tokens)).view(-1, CONFIG.levels, FRAMES)


def taught(kind: type[StemNetwork], fine: str) -> StemNetwork:
    """A network whose opinions differ from token to token."""
    torch.manual_seed(3)
    network = kind(replace(CONFIG, fine=fine)).eval()
    torch.nn.init.normal_(network.heads, std=1.0)
    return network


def bits_of_every_stem(network: StemNetwork, filling: Filling) -> Tensor:
    """Bits of each stem, each alone, so that all have the same dice: [16]."""
    sources = empty_sources(network, 1, FRAMES)
    each = [stem_bits(network, sources, stem[None], filling, 1) for stem in every_stem()]
    return torch.cat(each).sum(1) * FRAMES


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("fine", "steps"), [("depth", 1), ("depth", 2), ("levels", 4)])
def test_the_probabilities_of_all_stems_add_up_to_one(order, fine, steps):
    bits = bits_of_every_stem(taught(_FewTokens, fine), Filling(steps, order))
    assert float((-bits).exp2().sum()) == pytest.approx(1.0, abs=0.02)
    assert bits.std() > 0.05  # the network has opinions


def test_so_do_those_of_an_autoregressive_network():
    bits = bits_of_every_stem(taught(_FewTokensOneByOne, "levels"), Filling(1))
    assert float((-bits).exp2().sum()) == pytest.approx(1.0, abs=0.02)


def test_the_bits_of_an_autoregressive_network_are_its_loss():
    network = taught(AutoregressiveNetwork, "levels")
    assert isinstance(network, AutoregressiveNetwork)
    sources = empty_sources(network, 3, 16)
    target = torch.randint(0, 2048, (3, 2, 16), generator=torch.Generator().manual_seed(1))
    bits = stem_bits(network, sources, target, Filling(1), 1)
    loss, _ = network.loss(network.condition(sources), target)
    nats = bits.mean() * torch.log(torch.tensor(2.0))
    torch.testing.assert_close(nats.float(), loss.detach(), atol=0.02, rtol=0.01)


@pytest.mark.parametrize("order", [RANDOM, CAUSAL, CONFIDENCE])
@pytest.mark.parametrize("fine", ["depth", "levels"])
def test_a_network_that_knows_nothing_needs_eleven_bits_a_token(order, fine):
    torch.manual_seed(0)
    network = StemNetwork(replace(CONFIG, fine=fine)).eval()
    torch.nn.init.zeros_(network.heads)
    torch.nn.init.zeros_(network.code_out)
    target = torch.randint(0, 2048, (2, 2, 16), generator=torch.Generator().manual_seed(1))
    bits = stem_bits(network, empty_sources(network, 2, 16), target, Filling(8, order), 1)
    torch.testing.assert_close(bits, torch.full((2, 2), 11.0, dtype=torch.float64))

"""The baseline tells one frame after the other and never sees what it has not told."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given
from hypothesis import strategies as st

from model.autoregressive import AutoregressiveNetwork, delay, undelay
from model.guidance import guidance_terms
from model.network import MASK, NetworkConfig
from tests.model.conftest import random_sources

FRAMES = 12


@pytest.fixture(scope="module")
def network(toy_codec) -> AutoregressiveNetwork:
    torch.manual_seed(0)
    made = AutoregressiveNetwork(NetworkConfig(width=32, layers=2, heads=2, frames=64))
    made.start_from_codebooks(toy_codec.codebooks())
    torch.nn.init.normal_(made.heads, std=0.3)
    return made.eval()


def conditioned(network: AutoregressiveNetwork, batch: int = 2) -> torch.Tensor:
    with torch.no_grad():
        return network.condition(random_sources(batch, FRAMES))


def tokens(batch: int = 2, seed: int = 0) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2048, (batch, 4, FRAMES), generator=dice)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9))
def test_delaying_is_undone(batch, levels, frames):
    told = torch.arange(batch * levels * frames).view(batch, levels, frames)
    delayed = delay(told)
    assert torch.equal(undelay(delayed), told)
    for level in range(levels):
        for place in range(delayed.shape[-1]):
            inside = 0 <= place - level < frames
            expected = told[:, level, place - level] if inside else torch.tensor(MASK)
            assert (delayed[:, level, place] == expected).all()


def hidden(network: AutoregressiveNetwork, target: torch.Tensor) -> torch.Tensor:
    heard = conditioned(network)
    before = functional.pad(delay(target), (1, 0), value=MASK)[..., :-1]
    with torch.no_grad():
        return network.tell(heard, before, network.hear(heard))


@pytest.mark.parametrize("level", range(4))
def test_a_place_knows_the_places_before_it_only(network, level):
    one, two = tokens(), tokens()
    two[:, level, 5] = (two[:, level, 5] + 1) % 2048
    place = 5 + level  # where it is told
    same, other = hidden(network, one), hidden(network, two)
    assert torch.equal(same[:, : place + 1], other[:, : place + 1])
    assert not torch.allclose(same[:, place + 1], other[:, place + 1])


def test_every_place_hears_the_whole_context(network):
    heard, later = conditioned(network), conditioned(network)
    later[:, -1] += 1.0
    before = torch.full((2, 4, 1), MASK)
    with torch.no_grad():
        one = network.tell(heard, before, network.hear(heard))
        two = network.tell(later, before, network.hear(later))
    assert not torch.allclose(one, two)


def test_its_loss_is_the_cross_entropy_of_what_comes_next(network):
    target = tokens()
    loss, figures = network.loss(conditioned(network), target)
    states = hidden(network, target)
    by_hand = []
    for level in range(4):
        logits = network.logits(states[:, level : level + FRAMES], level)
        chosen = torch.log_softmax(logits, -1).gather(2, target[:, level, :, None])
        by_hand.append(-chosen.mean())
        assert figures[f"level_{level + 1}"] == pytest.approx(float(by_hand[-1].detach()), rel=1e-4)
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())


def test_a_stem_told_is_one_that_it_would_tell_again(network):
    """At a temperature near 0 each token is the likeliest one after those that were told."""
    heard = conditioned(network, 1)
    (term,) = guidance_terms({"audio": 1.0}, "joint")
    told = network.generate(heard, (term,), 1e-4, seed=1)
    assert told.shape == (4, FRAMES)
    before = functional.pad(delay(told[None]), (1, 0), value=MASK)[..., :-1]
    with torch.no_grad():
        states = network.tell(heard, before, network.hear(heard))
    for level in range(4):
        likeliest = network.logits(states[0, level : level + FRAMES], level).argmax(-1)
        assert torch.equal(likeliest, told[level])


def test_a_seed_decides_and_guidance_matters(network):
    passes = conditioned(network, 2)
    terms = guidance_terms({"audio": 3.0}, "joint")
    assert len(terms) == 2
    one, again, other = (network.generate(passes, terms, 1.0, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert not torch.equal(one, network.generate(passes[:1], terms[:1], 1.0, 1))


def test_only_a_transformer_has_a_causal_form():
    with pytest.raises(ValueError, match="valid: transformer"):
        AutoregressiveNetwork(NetworkConfig(width=32, layers=1, backbone="recurrent"))

"""The network hears what it is given and nothing else."""

from __future__ import annotations

import pytest
import torch

from model.instruments import NULL
from model.network import MASK, UNKNOWN, NetworkConfig, StemNetwork
from model.pitch import PITCHES


def inputs(batch=2, frames=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    context = torch.randint(0, 2048, (batch, 4, frames), generator=generator)
    target = torch.full((batch, 4, frames), MASK)
    instrument = torch.tensor([4, 16])
    phase = torch.randn(batch, frames, 4, generator=generator)
    pitches = torch.randn(batch, frames, PITCHES, generator=generator)
    return context, pitches, target, instrument, phase, torch.ones(batch, dtype=torch.bool)


def test_shapes(toy_network):
    context, pitches, target, instrument, phase, known = inputs()
    hidden = toy_network(toy_network.condition(context, pitches, instrument, phase, known), target)
    assert hidden.shape == (2, 24, 32)
    assert toy_network.logits(hidden, 3).shape == (2, 24, 2048)


def test_every_source_is_heard(toy_network):
    context, pitches, target, instrument, phase, known = inputs()
    plain = toy_network(toy_network.condition(context, pitches, instrument, phase, known), target)
    for changed in (
        (torch.full_like(context, UNKNOWN), pitches, instrument, phase, known),
        (context, pitches.roll(1, 1), instrument, phase, known),
        (context, pitches, torch.full_like(instrument, NULL), phase, known),
        (context, pitches, instrument, phase, ~known),
        (context, pitches, instrument, phase.roll(1, 1), known),
    ):
        assert not torch.allclose(plain, toy_network(toy_network.condition(*changed), target))


def test_a_dropped_clock_says_nothing(toy_network):
    context, pitches, _, instrument, phase, known = inputs()
    dropped = [
        toy_network.condition(context, pitches, instrument, any_phase, ~known)
        for any_phase in (phase, phase.roll(3, 1))
    ]
    assert torch.equal(*dropped)


def test_pitches_of_what_is_not_heard_say_nothing(toy_network):
    context, pitches, _, instrument, phase, known = inputs()
    context[:, :, 10:] = UNKNOWN
    other = pitches.clone()
    other[:, 10:] += 1.0
    one, same = (
        toy_network.condition(context, p, instrument, phase, known) for p in (pitches, other)
    )
    assert torch.equal(one, same)


def test_a_context_heard_as_tokens_has_no_pitches():
    torch.manual_seed(0)
    plain = StemNetwork(NetworkConfig(width=32, layers=1, heads=2, frames=64)).eval()
    context, pitches, _, instrument, phase, known = inputs()
    one, same = (plain.condition(context, p, instrument, phase, known) for p in (pitches, -pitches))
    assert torch.equal(one, same)
    assert not any("pitch" in name for name, _ in plain.named_parameters())


def test_an_unknown_way_to_hear_is_refused():
    with pytest.raises(ValueError, match="context is 'ears'; valid: tokens, features"):
        StemNetwork(NetworkConfig(width=32, layers=1, heads=2, context="ears"))


def test_features_are_noisy_in_training_only(toy_network):
    context, pitches, _, instrument, phase, known = inputs()
    arguments = (context, pitches, instrument, phase, known)
    assert torch.equal(toy_network.condition(*arguments), toy_network.condition(*arguments))
    try:
        toy_network.train()
        assert not torch.equal(toy_network.condition(*arguments), toy_network.condition(*arguments))
    finally:
        toy_network.eval()


def test_the_network_sees_both_ways(toy_network):
    context, pitches, target, instrument, phase, known = inputs()
    conditioned = toy_network.condition(context, pitches, instrument, phase, known)
    later = target.clone()
    later[:, 0, -1] = 5
    before, after = toy_network(conditioned, target), toy_network(conditioned, later)
    assert not torch.allclose(before[:, 0], after[:, 0])


@pytest.mark.parametrize("first", [0, 1, 9, 23])
def test_a_prefix_read_once_is_as_good_as_read_every_time(toy_network, first):
    context, pitches, target, instrument, phase, known = inputs()
    target[:, :, :first] = torch.randint(0, 2048, (2, 4, first))
    conditioned = toy_network.condition(context, pitches, instrument, phase, known)
    whole = toy_network(conditioned, target, torch.tensor([first, first]))
    past = toy_network.read_prefix(conditioned[:, :first], target[:, :, :first])
    rest = toy_network.go_on(conditioned[:, first:], target[:, :, first:], past)
    torch.testing.assert_close(rest, whole[:, first:], atol=1e-5, rtol=1e-5)
    if first == 0:
        assert torch.equal(whole, toy_network(conditioned, target))


def test_examples_of_a_batch_have_prefixes_of_their_own(toy_network):
    context, pitches, target, instrument, phase, known = inputs()
    target[:, :, :12] = torch.randint(0, 2048, (2, 4, 12))
    conditioned = toy_network.condition(context, pitches, instrument, phase, known)
    both = toy_network(conditioned, target, torch.tensor([4, 12]))
    for row, prefix in enumerate((4, 12)):
        alone = toy_network(
            conditioned[row : row + 1], target[row : row + 1], torch.tensor([prefix])
        )
        torch.testing.assert_close(both[row : row + 1], alone, atol=1e-5, rtol=1e-5)
    later = conditioned.clone()
    later[:, 20] += 1.0  # behind both prefixes
    changed = toy_network(later, target, torch.tensor([4, 12]))
    assert torch.equal(both[0, :4], changed[0, :4]) and torch.equal(both[1, :12], changed[1, :12])
    assert not torch.allclose(both[0, 4:], changed[0, 4:])


def test_the_two_channels_lie_side_by_side(toy_network):
    context, pitches, _, instrument, phase, known = inputs()
    half = toy_network.config.width // 2
    one = toy_network.condition(context, pitches, instrument, phase, known)
    other = toy_network.condition(
        torch.full_like(context, UNKNOWN), pitches, instrument, phase, known
    )
    assert torch.equal(one[..., half:], other[..., half:])
    assert not torch.equal(one[..., :half], other[..., :half])


def test_tokens_that_sound_alike_start_alike(toy_codec):
    from model.network import NetworkConfig, StemNetwork

    torch.manual_seed(1)
    network = StemNetwork(NetworkConfig(width=32, layers=1, heads=2))
    books = toy_codec.codebooks().clone()
    books[0, 7] = books[0, 3]
    network.start_from_codebooks(books)
    hidden = torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    logits = network.logits(hidden, 0)[0]
    assert torch.isclose(logits[7], logits[3])

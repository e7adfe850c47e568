"""The network hears what it is given and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.network import MASK, NetworkConfig, StemNetwork
from model.request import SOURCES
from model.sources import UNKNOWN


def empty(batch=2, frames=24):
    return torch.full((batch, 4, frames), MASK)


def test_shapes(toy_network, make_sources):
    hidden = toy_network(toy_network.condition(make_sources()), empty())
    assert hidden.shape == (2, 24, 32)
    assert toy_network.logits(hidden, 3).shape == (2, 24, 2048)


@pytest.mark.parametrize(
    "changed",
    [
        *({"withheld": name} for name in SOURCES),
        {"pitches": 1},
        {"phase": 1},
        {"harmony": 1},
        {"guessed": 3},
        {"sound": 1},
    ],
    ids=str,
)
def test_every_source_is_heard(toy_network, make_sources, changed):
    sources = make_sources()
    if "withheld" in changed:
        other = sources.only(set(SOURCES) - {changed["withheld"]})
    else:
        ((name, shift),) = changed.items()
        other = replace(sources, **{name: getattr(sources, name).roll(shift, 1)})
    plain, altered = (toy_network(toy_network.condition(one), empty()) for one in (sources, other))
    assert not torch.allclose(plain, altered)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("clock", ["phase"]),
        ("harmony", ["harmony"]),
        ("sound", ["sound"]),
        ("audio", ["pitches", "guessed"]),
    ],
)
def test_a_source_that_is_withheld_says_nothing(toy_network, make_sources, source, names):
    sources = make_sources().only(set(SOURCES) - {source})
    plain = toy_network.condition(sources)
    for name in names:
        other = replace(sources, **{name: getattr(sources, name).roll(3, 1)})
        assert torch.equal(plain, toy_network.condition(other))


def test_what_is_not_known_of_a_part_of_the_window_says_nothing_there(toy_network, make_sources):
    sources = make_sources()
    sources.context[:, :, 10:] = UNKNOWN
    sources.harmony_known[:, 10:] = False
    louder, other = sources.pitches.clone(), sources.harmony.clone()
    louder[:, 10:] += 1.0
    other[:, 10:] = 1.0
    changed = replace(sources, pitches=louder, harmony=other)
    assert torch.equal(toy_network.condition(sources), toy_network.condition(changed))


def test_a_network_without_harmony_and_sound_is_not_told_them(make_sources):
    torch.manual_seed(0)
    plain = StemNetwork(NetworkConfig(width=32, layers=1, heads=2, frames=64)).eval()
    sources = make_sources()
    assert torch.equal(
        plain.condition(sources), plain.condition(sources.only({"audio", "instrument", "clock"}))
    )
    assert not any("harmony" in n or "sound" in n for n, _ in plain.named_parameters())


def test_a_context_heard_as_tokens_has_no_pitches(make_sources):
    torch.manual_seed(0)
    plain = StemNetwork(NetworkConfig(width=32, layers=1, heads=2, frames=64)).eval()
    sources = make_sources()
    other = replace(sources, pitches=-sources.pitches)
    assert torch.equal(plain.condition(sources), plain.condition(other))
    assert not any("pitch" in name for name, _ in plain.named_parameters())


def test_an_unknown_way_to_hear_or_to_tell_is_refused():
    with pytest.raises(ValueError, match="context is 'ears'; valid: tokens, features"):
        NetworkConfig(context="ears")
    with pytest.raises(ValueError, match="fine is 'grained'; valid: levels, depth"):
        NetworkConfig(fine="grained")


def test_features_are_noisy_in_training_only(toy_network, make_sources):
    sources = make_sources()
    assert torch.equal(toy_network.condition(sources), toy_network.condition(sources))
    try:
        toy_network.train()
        assert not torch.equal(toy_network.condition(sources), toy_network.condition(sources))
    finally:
        toy_network.eval()


def test_the_network_sees_both_ways(toy_network, make_sources):
    conditioned, target = toy_network.condition(make_sources()), empty()
    later = target.clone()
    later[:, 0, -1] = 5
    before, after = toy_network(conditioned, target), toy_network(conditioned, later)
    assert not torch.allclose(before[:, 0], after[:, 0])


@pytest.mark.parametrize("first", [0, 1, 9, 23])
def test_a_prefix_read_once_is_as_good_as_read_every_time(toy_network, make_sources, first):
    target = empty()
    target[:, :, :first] = torch.randint(0, 2048, (2, 4, first))
    conditioned = toy_network.condition(make_sources())
    whole = toy_network(conditioned, target, torch.tensor([first, first]))
    past = toy_network.read_prefix(conditioned[:, :first], target[:, :, :first])
    rest = toy_network.go_on(conditioned[:, first:], target[:, :, first:], past)
    torch.testing.assert_close(rest, whole[:, first:], atol=1e-5, rtol=1e-5)
    if first == 0:
        assert torch.equal(whole, toy_network(conditioned, target))


def test_examples_of_a_batch_have_prefixes_of_their_own(toy_network, make_sources):
    target = empty()
    target[:, :, :12] = torch.randint(0, 2048, (2, 4, 12))
    conditioned = toy_network.condition(make_sources())
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


def test_the_two_channels_lie_side_by_side(toy_network, make_sources):
    half = toy_network.config.width // 2
    sources = make_sources()
    one = toy_network.condition(sources)
    other = toy_network.condition(sources.only(set(SOURCES) - {"audio"}))
    assert torch.equal(one[..., half:], other[..., half:])
    assert not torch.equal(one[..., :half], other[..., :half])


def test_tokens_that_sound_alike_start_alike(toy_codec):
    torch.manual_seed(1)
    network = StemNetwork(NetworkConfig(width=32, layers=1, heads=2))
    books = toy_codec.codebooks().clone()
    books[0, 7] = books[0, 3]
    network.start_from_codebooks(books)
    hidden = torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    logits = network.logits(hidden, 0)[0]
    assert torch.isclose(logits[7], logits[3])


def test_each_finer_level_is_told_from_the_state_and_all_tokens_above_it(deep_network):
    state = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))

    def fourth(*tokens: int) -> torch.Tensor:
        told, logits = state, torch.empty(0)
        for level, token in enumerate(tokens, 1):
            told, logits = deep_network.deeper(told, level, torch.full((5,), token))
        return logits

    plain = fourth(1, 2, 3)
    assert plain.shape == (5, 2048)
    for other in ((9, 2, 3), (1, 9, 3), (1, 2, 9)):
        assert not torch.allclose(plain, fourth(*other))
    state = state.roll(1, 0)
    assert not torch.allclose(plain, fourth(1, 2, 3))

"""The network: deaf to level and silence, the same in every key."""

from __future__ import annotations

import pytest
import torch

from training.coherence.bands import MEL_BANDS, SEMITONES
from training.coherence.network import (
    CoherenceConfig,
    CoherenceNetwork,
    _PitchConvolution,
    onset_input,
    semitone_input,
)

FRAMES = 32


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CoherenceNetwork(CoherenceConfig(8, 16, 8)).eval()


def powers(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    semitones = torch.rand(count, SEMITONES, FRAMES, generator=generator) ** 8
    semitones[:, :20] = semitones[:, -20:] = 0  # room to transpose
    return semitones, torch.rand(count, MEL_BANDS, 8 * FRAMES, generator=generator) ** 8


@torch.no_grad()
def logits(network, stems, contexts):
    return network.logits(network.embed(*stems, 0), network.embed(*contexts, 1))


def test_every_stem_is_compared_with_every_context(network):
    stems, contexts = powers(3), powers(2, seed=1)
    every = logits(network, stems, contexts)
    assert every.shape == (3, 2, 3)
    alone = logits(network, [s[2:] for s in stems], [c[1:] for c in contexts])
    assert every[:, 1, 2] == pytest.approx(alone[:, 0, 0], abs=1e-4)


def test_level_does_not_matter(network):
    stems, contexts = powers(2), powers(2, seed=1)
    quiet = [0.01 * power for power in stems]
    loud = logits(network, stems, contexts)
    assert logits(network, quiet, contexts) == pytest.approx(loud, abs=1e-2)


@pytest.mark.parametrize("up", [-6, -1, 3, 5])
def test_circles_of_pitch_classes_turn_with_the_key(up):
    torch.manual_seed(0)
    convolution = _PitchConvolution(2, 3, 3)
    x = torch.randn(1, 2, 12, 7)

    def through(turned):
        return convolution(turned.flatten(1, 2)).unflatten(1, (3, 12))

    turned = through(x.roll(up, 2))
    assert turned.detach().numpy() == pytest.approx(
        through(x).roll(up, 2).detach().numpy(), abs=1e-5
    )


def test_silence_says_nothing(network):
    nothing = [torch.zeros_like(power) for power in powers(1)]
    contexts = powers(3)
    assert semitone_input(nothing[0]).abs().max() == pytest.approx(0, abs=1e-5)
    assert onset_input(nothing[1]).abs().max() == 0
    assert logits(network, nothing, contexts).isfinite().all()


def test_an_equaliser_hardly_moves_what_is_heard():
    semitones, mel = powers(1)
    slope = torch.logspace(0, 1, SEMITONES)[:, None]
    flat, sloped = semitone_input(semitones), semitone_input(slope * semitones)
    heard = torch.corrcoef(torch.stack([flat.flatten(), sloped.flatten()]))[0, 1]
    assert heard > 0.9
    slope = torch.logspace(0, 1, MEL_BANDS)[:, None]
    rises = torch.stack([onset_input(mel).flatten(), onset_input(slope * mel).flatten()])
    assert torch.corrcoef(rises)[0, 1] > 0.9

"""Pairs: the target is never in the mix, both sound, and the seed and step decide it all."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch

from training.stemgen.pairs import draw_batch, draw_pair
from training.stemgen.shards import PITCH_STEPS, clock_phase


def test_the_target_is_not_in_the_mix_and_the_window_lies_in_the_song(songs):
    rng = random.Random(0)
    firsts = set()
    for _ in range(300):
        song, mix, stem, first = draw_pair(songs, 64, rng)
        assert stem not in song.members[mix]
        assert 0 <= first <= song.frames - 64
        firsts.add(first)
    assert min(firsts) < 10 and max(firsts) > 126, "the whole song is used"


def test_both_sound_in_half_of_the_window(make_song):
    rng = np.random.default_rng(0)
    song = make_song(0, frames=400)
    patchy = replace(
        song,
        sounding=np.repeat(rng.random((*song.sounding.shape[:1], 10)) < 0.5, 40, 1),
        mix_sounding=np.repeat(rng.random((*song.mix_sounding.shape[:1], 10)) < 0.7, 40, 1),
    )
    dice = random.Random(0)
    for _ in range(100):
        _, mix, stem, first = draw_pair([patchy], 64, dice)
        assert patchy.sounding[stem, first : first + 64].mean() >= 0.5
        assert patchy.mix_sounding[mix, first : first + 64].mean() >= 0.5


def test_a_song_that_is_too_short_is_passed_over(make_song):
    short, long = make_song(0, frames=50), make_song(1, frames=64)
    rng = random.Random(0)
    for _ in range(20):
        song, _, _, first = draw_pair([short, long], 64, rng)
        assert song is long and first == 0


def test_a_batch_is_a_function_of_seed_and_step(songs):
    one, again = draw_batch(songs, 6, 64, 1, 5), draw_batch(songs, 6, 64, 1, 5)
    for name in ("context", "target", "instrument", "phase"):
        assert torch.equal(getattr(one, name), getattr(again, name))
    for other in (draw_batch(songs, 6, 64, 1, 6), draw_batch(songs, 6, 64, 2, 5)):
        assert not torch.equal(one.target, other.target)


def test_a_batch_holds_windows_of_the_songs(songs):
    """Context, target, instrument and phase belong together."""
    batch = draw_batch(songs, 5, 48, 3, 0)
    assert batch.context.shape == batch.target.shape == (5, 4, 48)
    assert batch.context.dtype == batch.target.dtype == batch.instrument.dtype == torch.int64
    assert batch.phase.shape == (5, 48, 4) and batch.phase.dtype == torch.float32
    rng = random.Random()
    rng.setstate(_dice(3, 0))
    for row in range(5):
        song, mix, stem, first = draw_pair(songs, 48, rng)
        window = slice(first, first + 48)
        assert (batch.context[row].numpy() == song.mixes[mix, :, window]).all()
        pitches = song.mix_pitches[mix, window] / PITCH_STEPS
        np.testing.assert_allclose(batch.context_pitches[row].numpy(), pitches, rtol=1e-6)
        assert (batch.target[row].numpy() == song.stems[stem, :, window]).all()
        assert int(batch.instrument[row]) == song.instruments[stem]
        phase = clock_phase(song.tempo, song.beats_per_bar, first, 48)
        assert torch.equal(batch.phase[row], phase)


def _dice(seed: int, step: int) -> tuple:
    from training.loop import step_seed

    return random.Random(step_seed(seed, step)).getstate()

"""Pairs: the target is never in the mix, both sound, and nothing is heard before it is played."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.sources import UNKNOWN
from tests.training.stemgen.conftest import token_song
from training.loop import step_seed
from training.stemgen.pairs import (
    LATE_BARS,
    LIVE_SHARE,
    PREFIX_SHARE,
    STAND_IN_BARS,
    STAND_IN_SHARE,
    draw_batch,
    draw_now,
    draw_pair,
    draw_prefix,
    draw_reference,
    draw_window,
    heard_frames,
    told_harmony,
)
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
    for field in fields(one):
        assert torch.equal(getattr(one, field.name), getattr(again, field.name))
    for other in (draw_batch(songs, 6, 64, 1, 6), draw_batch(songs, 6, 64, 2, 5)):
        assert not torch.equal(one.target, other.target)


@pytest.mark.parametrize("live", [True, False])
def test_a_batch_holds_windows_of_the_songs(songs, live):
    """All that is told of a window belongs together."""
    batch = draw_batch(songs, 8, 48, 3, 0, live)
    assert batch.context.shape == batch.target.shape == (8, 4, 48)
    assert batch.context.dtype == batch.target.dtype == batch.instrument.dtype == torch.int64
    rng = random.Random(step_seed(3, 0))
    for row in range(8):
        drawn = draw_window(songs, 48, rng, live)
        song, window = drawn.song, slice(drawn.first, drawn.first + 48)
        heard = drawn.heard >= 0
        assert (batch.context[row].numpy()[:, ~heard] == UNKNOWN).all()
        there = drawn.heard[heard]
        assert (batch.context[row].numpy()[:, heard] == song.mixes[drawn.mix][:, there]).all()
        pitches = song.mix_pitches[drawn.mix, there] / PITCH_STEPS
        np.testing.assert_allclose(batch.context_pitches[row].numpy()[heard], pitches, rtol=1e-6)
        assert (batch.target[row].numpy() == song.stems[drawn.stem, :, window]).all()
        assert int(batch.instrument[row]) == song.instruments[drawn.stem]
        phase = clock_phase(song.tempo, song.beats_per_bar, drawn.first, 48)
        assert torch.equal(batch.phase[row], phase)
        assert int(batch.prefix[row]) == drawn.prefix
        assert (batch.harmony[row].numpy() == drawn.harmony).all()
        reference = song.stems[drawn.stem, :, drawn.reference]
        length = reference.shape[-1]
        assert (batch.reference[row, :, :length].numpy() == reference).all()
        assert not batch.reference_sounding[row, length:].any()
        if not live:
            assert heard.all() and not batch.guessed[row].any() and drawn.prefix == 0
            assert batch.harmony_known[row].all()


@given(
    first=st.integers(0, 1000),
    frames=st.integers(2, 400),
    share=st.floats(0, 1),
    bar=st.floats(40, 300),
    seed=st.integers(0, 2**31),
)
def test_nothing_is_heard_before_it_is_played(first, frames, share, bar, seed):
    now = round(share * frames)
    heard = heard_frames(first, frames, now, bar, random.Random(seed))
    place = first + np.arange(frames)
    assert (heard[:now] == place[:now]).all()
    later = heard[now:]
    assert (later < first + now + 1).all(), "to the frame that now lies in"
    assert (later >= -1).all()
    stands_in = later >= 0
    bars = (place[now:] - later)[stands_in] / bar
    if stands_in.any():
        fitting = [
            n for n in STAND_IN_BARS if (abs(bars / n - np.round(bars / n)) * n * bar < 1).all()
        ]
        assert fitting, "whole bars earlier"


def test_windows_are_live_and_have_prefixes_at_the_stated_rates():
    rng, frames, bar = random.Random(0), 400, 100.0
    prefixes = [draw_prefix(frames, rng) for _ in range(10_000)]
    given_some = [p for p in prefixes if p]
    assert len(given_some) / len(prefixes) == pytest.approx(PREFIX_SHARE, abs=0.02)
    assert min(given_some) >= 100 and max(given_some) <= 300
    nows = [draw_now(frames, p, bar, rng) for p in prefixes]
    live = [(n, p) for n, p in zip(nows, prefixes, strict=True) if n < frames]
    assert len(live) / len(nows) == pytest.approx(LIVE_SHARE, abs=0.02)
    assert all(p - LATE_BARS * bar - 1 <= n <= p for n, p in live if p)
    assert all(frames // 4 <= n for n, p in live if not p)
    stood_in = [heard_frames(1000, frames, 200, bar, rng)[-1] >= 0 for _ in range(5_000)]
    assert np.mean(stood_in) == pytest.approx(STAND_IN_SHARE, abs=0.03)


@pytest.mark.parametrize(
    ("told", "known"), [("all", (0, 80)), ("to come", (30, 80)), ("played", (0, 30))]
)
def test_the_chart_is_told_whole_or_on_one_side_of_now(make_song, told, known):
    song = make_song(0)
    chords, flags = told_harmony(song, 0, 80, 30, told)
    assert flags.tolist() == [known[0] <= frame < known[1] for frame in range(80)]
    assert not chords[~flags].any() and chords[flags].any(1).all()


def test_of_a_song_whose_chords_nobody_knows_none_is_told(make_song):
    chords, flags = told_harmony(replace(make_song(0), chart=None), 0, 80, 30, "all")
    assert not chords.any() and not flags.any()


@given(seed=st.integers(0, 2**31))
def test_the_reference_lies_elsewhere_where_there_is_room(seed):
    rng = random.Random(seed)
    song = token_song(0, frames=2000)
    parts = [draw_reference(song, 0, 0, 100, rng) for _ in range(5)]
    assert all(part.stop - part.start == 256 and part.stop <= 2000 for part in parts)
    assert any(part.start >= 100 for part in parts)

"""Shards: each mix lacks a stem, tokens fit the audio, what is written is read back."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from companion.clock.grid import Grid
from model.checkpoint import load_codec
from model.grid import HOP
from model.instruments import instrument_index
from model.pitch import LOWEST_PITCH, PITCHES
from model.sound import sounding_frames
from training.errors import TrainingError
from training.songs import read_song
from training.stemgen.shards import (
    MIXES,
    clock_phase,
    draw_mixes,
    read_shards,
    write_shards,
)


@given(stems=st.integers(2, 7), count=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_a_mix_always_lacks_a_stem_and_is_drawn_once(stems, count, seed):
    mixes = draw_mixes(stems, count, random.Random(seed))
    assert len(set(mixes)) == len(mixes) == min(count, 2**stems - 2)
    for mix in mixes:
        assert 1 <= len(mix) < stems
        assert list(mix) == sorted(set(mix))
        assert set(mix) < set(range(stems))


@given(stems=st.integers(3, 7), count=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_half_of_the_mixes_are_full_backings(stems, count, seed):
    mixes = draw_mixes(stems, count, random.Random(seed))
    backings = sum(len(mix) == stems - 1 for mix in mixes)
    assert backings >= min(stems, (count + 1) // 2)


def test_frames_sound_by_their_level():
    audio = np.zeros((2, 5 * HOP + 100), np.float32)
    audio[0, HOP : 2 * HOP] = 0.01  # -40 dBFS
    audio[0, 2 * HOP : 3 * HOP] = 0.001  # -60 dBFS
    audio[1, 4 * HOP :] = 0.5
    expected = [[False, True, False, False, False], [False, False, False, False, True]]
    assert sounding_frames(audio).tolist() == expected


def test_what_is_written_is_read_back(band, shard):
    songs = read_shards(shard)
    assert [song.name for song in songs] == ["00001", "00002"]
    for song in songs:
        source = read_song(band / "train" / song.name)
        stems = len(source.stems)
        frames = json.loads((source.folder / "meta.json").read_text())["samples"] // HOP
        assert (song.tempo, song.beats_per_bar) == (source.tempo, source.beats_per_bar)
        assert song.instruments == tuple(instrument_index(n) for n in source.stems.values())
        assert song.frames == frames
        assert song.stems.shape == (stems, 4, frames)
        assert song.mixes.shape == (MIXES, 4, frames)
        assert song.stem_pitches.shape == (stems, frames, PITCHES)
        assert song.mix_pitches.shape == (MIXES, frames, PITCHES)
        assert song.stem_pitches.dtype == song.mix_pitches.dtype == np.int8
        assert song.sounding.shape == (stems, frames)
        assert song.mix_sounding.shape == (MIXES, frames)
        assert song.stems.dtype == song.mixes.dtype == np.int16
        assert song.sounding.dtype == song.mix_sounding.dtype == np.bool_
        for tokens in (song.stems, song.mixes):
            assert tokens.min() >= 0 and tokens.max() < 2048
        assert len(song.members) == MIXES
        assert all(set(mix) < set(range(stems)) for mix in song.members)
        assert song.sounding.mean() > 0.9, "every part of the band plays throughout"


def test_the_tokens_are_those_of_the_stems(band, shard, codec_weights):
    import soundfile

    codec = load_codec(codec_weights)
    song = read_shards(shard)[0]
    source = read_song(band / "train" / song.name)
    for number, name in enumerate(source.stems):
        audio = torch.from_numpy(soundfile.read(source.folder / name, dtype="float32")[0])
        tokens = codec.encode(audio[None, : song.frames * HOP])[0].numpy()
        # The shard was encoded in bfloat16 where the processor has it: near ties fall either way.
        agreement = (tokens[0] == song.stems[number, 0]).mean()
        others = [m for m in range(len(song.stems)) if m != number]
        assert agreement > max((tokens[0] == song.stems[m, 0]).mean() for m in others)


def test_the_pitches_are_those_of_the_stems(shard):
    song = read_shards(shard)[0]
    bass = song.stem_pitches[song.instruments.index(instrument_index("bass"))]
    loudest = bass[20:-60].argmax(1) + LOWEST_PITCH
    assert (abs(loudest - 36) <= 1).mean() > 0.95, "the tiny band's bass is a C2"


def test_what_is_encoded_is_kept_and_what_is_missing_is_added(band, shard, codec_weights, tmp_path):
    copy = tmp_path / "train"
    shutil.copytree(shard, copy)
    kept, lost = sorted(copy.iterdir())
    before = kept.stat().st_mtime_ns
    lost.unlink()
    assert write_shards(band, "train", tmp_path, codec_weights, 1, 1) == copy
    assert kept.stat().st_mtime_ns == before
    ours, theirs = read_shards(copy)[1], read_shards(shard)[1]
    assert (ours.stems == theirs.stems).all() and ours.members == theirs.members


def test_shards_of_another_seed_are_refused(band, shard, codec_weights):
    with pytest.raises(
        TrainingError,
        match=f"was drawn with seed 1, {MIXES} mixes in rooms, through desks, this run",
    ):
        write_shards(band, "train", shard.parent, codec_weights, 2, 1)


def test_a_shard_holds_plain_arrays_and_json(shard):
    for path in shard.iterdir():
        with safe_open(path, "np") as file:
            assert json.loads(file.metadata()["song"])["name"] == path.stem
    assert not list(shard.glob("*.part"))


def test_missing_shards_are_one_line(tmp_path):
    with pytest.raises(TrainingError, match=r"no shards in .*none; valid") as error:
        read_shards(tmp_path / "none")
    assert "\n" not in str(error.value)


@given(
    bpm=st.fractions(40, 240, max_denominator=50),
    beats_per_bar=st.integers(1, 7),
    first=st.integers(0, 5000),
)
def test_the_clock_is_the_one_the_rig_keeps(bpm, beats_per_bar, first):
    """A network trained on these phases hears the same ones on stage."""
    ours = clock_phase(float(bpm), beats_per_bar, first, 60)
    theirs = Grid(48_000, bpm, 12_345, beats_per_bar).phase(first, 60)
    assert ours.shape == (60, 4) and ours.dtype == torch.float32
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)

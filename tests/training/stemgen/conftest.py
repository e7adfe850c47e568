"""Token shards of the tiny band, and songs of made-up tokens."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import fingerprint, load_codec
from model.pitch import PITCHES
from training.stemgen.shards import EncodedSong, draw_mixes, write_shards


@pytest.fixture(scope="session")
def encoded_out(band, codec_weights, tmp_path_factory) -> Path:
    """An output folder of `train_stemgen` in which both splits are encoded."""
    out = tmp_path_factory.mktemp("stemgen")
    shards = out / "shards" / fingerprint(load_codec(codec_weights))
    for split in ("train", "valid"):
        write_shards(band, split, shards, codec_weights, 1, 1)
    return out


@pytest.fixture(scope="session")
def shard(encoded_out) -> Path:
    (folder,) = (encoded_out / "shards").glob("*/train")
    return folder


def token_song(number: int, stems: int = 4, frames: int = 200) -> EncodedSong:
    """A song whose tokens are drawn at random, all of it sounding."""
    rng = np.random.default_rng(number)
    members = tuple(tuple(m) for m in draw_mixes(stems, 4, random.Random(number)))
    return EncodedSong(
        name=f"{number:05d}",
        tempo=90.0 + 7.3 * number,
        beats_per_bar=4 - number % 2,
        chart=((0, 0, number % 12, "m7"), (1, 0, 5, "")),
        sounds=tuple((8 * stem, "fluid") for stem in range(stems)),
        instruments=tuple((number + stem) % 18 for stem in range(stems)),
        members=members,
        stems=rng.integers(0, 2048, (stems, 4, frames), dtype=np.int16),
        mixes=rng.integers(0, 2048, (len(members), 4, frames), dtype=np.int16),
        stem_pitches=np.zeros((stems, frames, PITCHES), np.int8),
        mix_pitches=rng.integers(-127, 127, (len(members), frames, PITCHES), dtype=np.int8),
        sounding=np.ones((stems, frames), bool),
        mix_sounding=np.ones((len(members), frames), bool),
    )


@pytest.fixture(scope="session")
def make_song() -> Callable[..., EncodedSong]:
    return token_song


@pytest.fixture(scope="session")
def songs() -> list[EncodedSong]:
    return [token_song(number) for number in range(4)]

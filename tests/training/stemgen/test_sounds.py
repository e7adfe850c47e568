"""The sounds to choose from are sounds that there are, as unlike as they come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from model.instruments import INSTRUMENTS
from model.sound import sound_of
from training.stemgen.sounds import SHORTEST_FRAMES, choose_sounds

BOOKS = torch.randn(4, 2048, 16, generator=torch.Generator().manual_seed(0))
BASS = INSTRUMENTS.index("bass")


def played(make_song, groups: int, each: int, frames: int = 400):
    """Songs of one bass each; those of a group use the same few tokens."""
    songs = []
    for number in range(groups * each):
        song = make_song(number, stems=2, frames=frames)
        rng = np.random.default_rng(number)
        few = 40 * (number % groups) + rng.integers(0, 20, (2, 4, frames))
        songs.append(replace(song, stems=few.astype(np.int16), instruments=(BASS, BASS)))
    return songs


def sounds_of(songs) -> torch.Tensor:
    return torch.stack(
        [
            sound_of(BOOKS, torch.from_numpy(tokens)[None], torch.from_numpy(sounding)[None])[0]
            for song in songs
            for tokens, sounding in zip(song.stems.astype(np.int64), song.sounding, strict=True)
        ]
    )


def test_one_of_each_kind_is_taken_and_it_is_one_of_the_stems(make_song):
    songs = played(make_song, groups=4, each=5)
    chosen = choose_sounds(songs, BOOKS, 4, seed=1)[BASS]
    there = sounds_of(songs)
    kinds = set()
    for sound in chosen:
        apart = (there - sound).square().sum(1)
        assert float(apart.min()) == 0.0
        kinds.add(int(apart.argmin()) // 2 % 4)
    assert kinds == {0, 1, 2, 3}


def test_the_same_songs_and_seed_give_the_same_sounds(make_song):
    songs = played(make_song, groups=3, each=4)
    one, other = (choose_sounds(songs, BOOKS, 3, seed=2) for _ in range(2))
    assert torch.equal(one, other)


def test_of_few_stems_each_is_taken_and_the_rest_is_nothing(make_song):
    songs = played(make_song, groups=1, each=1)
    chosen = choose_sounds(songs, BOOKS, 8, seed=1)
    assert chosen.shape == (len(INSTRUMENTS), 8, 128)
    assert torch.equal(chosen[BASS, :2], sounds_of(songs))
    assert not chosen[BASS, 2:].any()
    assert not chosen[[n for n in range(len(INSTRUMENTS)) if n != BASS]].any()


def test_a_stem_that_hardly_sounds_tells_no_sound(make_song):
    (song,) = played(make_song, groups=1, each=1)
    brief = song.sounding.copy()
    brief[0, SHORTEST_FRAMES - 1 :] = False
    chosen = choose_sounds([replace(song, sounding=brief)], BOOKS, 8, seed=1)
    assert torch.equal(chosen[BASS, 0], sounds_of([song])[1]) and not chosen[BASS, 1:].any()

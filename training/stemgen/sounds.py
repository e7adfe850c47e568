"""The sounds that a network brings along: some of each instrument class, as unlike as they come."""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from model.instruments import INSTRUMENTS
from model.sound import sound_of
from training.stemgen.shards import EncodedSong

SHORTEST_FRAMES = 250
"""A stem that sounds for less than 5 s tells no sound."""


def choose_sounds(songs: list[EncodedSong], codebooks: Tensor, count: int, seed: int) -> Tensor:
    """Sounds of stems to choose from: float32 [18, count, width], see `model.sound`.

    The stems of a class are sorted into as many groups as are wanted, and of each group the one in
    its middle is taken: a sound that there is, not a mean of some. Of a class that has fewer stems
    each is taken, and what is left over is all zeros.

    Args:
        songs: to choose from.
        codebooks: as the network has them [Q, V, code_width].
        count: how many of each class.
        seed: of the dice; the same songs and seed give the same sounds.
    """
    heard: list[list[Tensor]] = [[] for _ in INSTRUMENTS]
    for song in songs:
        for stem, instrument in enumerate(song.instruments):
            sounding = torch.from_numpy(song.sounding[stem])
            if int(sounding.sum()) >= SHORTEST_FRAMES:
                tokens = torch.from_numpy(song.stems[stem].astype(np.int64))
                heard[instrument].append(sound_of(codebooks, tokens[None], sounding[None])[0])
    width = 2 * codebooks.shape[0] * codebooks.shape[2]
    chosen = torch.zeros(len(INSTRUMENTS), count, width)
    for instrument, sounds in enumerate(heard):
        if sounds:
            picked = _unlike(torch.stack(sounds), count, seed)
            chosen[instrument, : len(picked)] = picked
    return chosen


def _unlike(sounds: Tensor, count: int, seed: int) -> Tensor:
    """Of sounds [n, width] those in the middles of `count` groups: [at most count, width]."""
    if len(sounds) <= count:
        return sounds
    # Each number counts alike, however far it spreads.
    even = ((sounds - sounds.mean(0)) / sounds.std(0).clamp(min=1e-3)).double().numpy()
    centres, group = kmeans2(even, count, minit="++", seed=seed)
    middles = []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        apart = np.square(even[members] - centres[number]).sum(1)
        middles.append(int(members[apart.argmin()]))
    return sounds[middles]

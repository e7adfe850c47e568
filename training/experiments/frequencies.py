"""What a stem costs who knows nothing but how often an instrument has each token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.grid import LEVELS, VOCABULARY
from model.instruments import INSTRUMENTS
from training.experiments.bits import Bits
from training.stemgen.pairs import PairBatch
from training.stemgen.shards import EncodedSong

SPREAD = 0.5
"""Of a token that an instrument never had it is thought to have had so many."""


def frequency_bits(songs: Sequence[EncodedSong], batch: PairBatch) -> Bits:
    """Bits a frame of the stems of windows, by level: float64 [N, Q].

    Each token costs -log2 of how often stems of its instrument class have it at its level.

    Args:
        songs: in which it is counted.
    """
    counts = np.full((len(INSTRUMENTS), LEVELS, VOCABULARY), SPREAD)
    for song in songs:
        for kind, stem in zip(song.instruments, song.stems, strict=True):
            for level in range(LEVELS):
                found = np.bincount(stem[level], minlength=VOCABULARY)
                counts[kind, level] += found
    bits = -np.log2(counts / counts.sum(-1, keepdims=True))
    target, instrument = batch.target.numpy(), batch.instrument.numpy()
    levels = np.arange(LEVELS)[None, :, None]
    told: Bits = bits[instrument[:, None, None], levels, target].mean(-1)
    return told

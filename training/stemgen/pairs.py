"""Pairs to train on: a mix as context, a stem that is not in it as target."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.errors import TrainingError
from training.loop import step_seed
from training.stemgen.shards import PITCH_STEPS, EncodedSong, clock_phase

TRIES = 10_000
"""Songs drawn before a set is given up."""


@dataclass(frozen=True, slots=True)
class PairBatch:
    """A batch of windows.

    Attributes:
        context: tokens of the mixes, int64 [B, Q, T].
        context_pitches: pitches of the mixes, float32 [B, T, PITCHES].
        target: tokens of the stems, int64 [B, Q, T].
        target_pitches: pitches of the stems, float32 [B, T, PITCHES].
        instrument: class of each target, int64 [B].
        phase: clock phase, float32 [B, T, 4].
    """

    context: Tensor
    context_pitches: Tensor
    target: Tensor
    target_pitches: Tensor
    instrument: Tensor
    phase: Tensor


def draw_pair(
    songs: list[EncodedSong], frames: int, rng: random.Random
) -> tuple[EncodedSong, int, int, int]:
    """A song, a mix, a stem that is not in the mix and a first frame.

    Silent pairs are dropped: target and mix sound in at least half of the window. Where a song
    gives none in a few tries another one is drawn.

    Raises:
        TrainingError: no song is long enough, or none sounds.
    """
    for _ in range(TRIES):
        song = rng.choice(songs)
        if song.frames < frames:
            continue
        mix = rng.randrange(len(song.members))
        others = [m for m in range(len(song.instruments)) if m not in song.members[mix]]
        stem = rng.choice(others)
        for _ in range(4):
            first = rng.randint(0, song.frames - frames)
            window = slice(first, first + frames)
            sounds = song.sounding[stem, window].mean() >= 0.5
            if sounds and song.mix_sounding[mix, window].mean() >= 0.5:
                return song, mix, stem, first
    raise TrainingError(
        f"no pair of {frames} frames that sounds was found in {len(songs)} songs; "
        "valid: longer songs whose stems play"
    )


def draw_batch(
    songs: list[EncodedSong], batch: int, frames: int, seed: int, step: int
) -> PairBatch:
    """The pairs of one step: a function of the seed and the step."""
    rng = random.Random(step_seed(seed, step))
    context, target, instrument, phase = [], [], [], []
    heard, told = [], []
    for _ in range(batch):
        song, mix, stem, first = draw_pair(songs, frames, rng)
        window = slice(first, first + frames)
        context.append(song.mixes[mix, :, window])
        heard.append(song.mix_pitches[mix, window])
        target.append(song.stems[stem, :, window])
        told.append(song.stem_pitches[stem, window])
        instrument.append(song.instruments[stem])
        phase.append(clock_phase(song.tempo, song.beats_per_bar, first, frames))
    return PairBatch(
        torch.from_numpy(np.stack(context).astype(np.int64)),
        _unpacked(heard),
        torch.from_numpy(np.stack(target).astype(np.int64)),
        _unpacked(told),
        torch.tensor(instrument),
        torch.stack(phase),
    )


def _unpacked(rows: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(rows)).float() / PITCH_STEPS

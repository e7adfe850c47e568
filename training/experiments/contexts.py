"""Mixes of training songs as the network hears them, and what is missing from each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.context import context_gain
from model.generator import StemGenerator
from model.grid import FRAME_RATE, HOP, SAMPLE_RATE
from model.instruments import NULL, instrument_index
from model.pitch import pitches
from model.request import HARMONY_WIDTH, PHASE_WIDTH
from model.sound import sounding_frames
from model.sources import Sources
from training.loop import step_seed
from training.songs import Song, read_song
from training.stemgen.shards import draw_mixes

SECONDS = 8
FRAMES = SECONDS * FRAME_RATE
"""Of a window."""
MIXES = 2
"""Of each song, at one place."""
SOUNDING_SHARE = 0.5
"""Of the frames of a mix, and of a stem that may be its target, as in training."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A mix and one stem that is not in it, both sounding.

    Attributes:
        song: its name.
        heard: the mean over frames of what the network makes of the mix [width / 2].
        mixed: classes of the stems in the mix.
        target: class of the stem.
    """

    song: str
    heard: NDArray[np.float64]
    mixed: tuple[int, ...]
    target: int


def song_pairs(generator: StemGenerator, folder: Path, seed: int) -> list[Pair]:
    """The pairs of one window of a song; none of a song of fewer than two stems."""
    song = read_song(folder)
    if len(song.stems) < 2:
        return []
    rng = random.Random(step_seed(seed, int.from_bytes(folder.name.encode()[-6:], "big")))
    stems = _window(song, rng)
    classes = [instrument_index(name) for name in song.stems.values()]
    sounds = sounding_frames(stems).mean(1) >= SOUNDING_SHARE
    found = []
    for members in draw_mixes(len(stems), MIXES, rng):
        mix = stems[list(members)].sum(0)
        targets = [at for at in range(len(stems)) if at not in members and sounds[at]]
        if not targets or sounding_frames(mix).mean() < SOUNDING_SHARE:
            continue
        heard = heard_mean(generator, mix)
        mixed = tuple(sorted({classes[at] for at in members}))
        found += [Pair(song.folder.name, heard, mixed, classes[at]) for at in targets]
    return found


def heard_mean(generator: StemGenerator, mix: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the network makes of a mix [samples] alone, its mean over frames: [width / 2]."""
    audio = torch.from_numpy(mix * context_gain(torch.from_numpy(mix)))
    tokens = generator.encode(audio)[None]
    network = generator.network
    with torch.inference_mode():
        channels = network.condition(_alone(tokens, pitches(audio[None]), network.sound_width))
    return channels[0, :, : network.config.width // 2].mean(0).double().numpy()


def multi_hot(mixed: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Which classes are in each mix: [mixes, 18]."""
    told = np.zeros((len(mixed), NULL))
    for row, classes in enumerate(mixed):
        told[row, list(classes)] = 1.0
    return told


def _window(song: Song, rng: random.Random) -> NDArray[np.float32]:
    """All stems at one place anywhere in the song: [M, samples]."""
    samples = FRAMES * HOP
    length = round(song.bars * 60 * song.beats_per_bar / song.tempo * SAMPLE_RATE)
    start = rng.randrange(max(1, length - samples))
    parts = [
        soundfile.read(song.folder / name, samples, start, dtype="float32", fill_value=0.0)[0]
        for name in song.stems
    ]
    return np.stack(parts)


def _alone(tokens: Tensor, heard: Tensor, sound_width: int) -> Sources:
    """A mix's tokens [1, Q, T] and pitches [1, T, PITCHES], and nothing else told."""
    frames = tokens.shape[-1]
    nothing = torch.zeros(1, dtype=torch.bool)
    return Sources(
        context=tokens,
        guessed=torch.zeros(1, frames, dtype=torch.bool),
        pitches=heard,
        instrument=torch.tensor([NULL]),
        phase=torch.zeros(1, frames, PHASE_WIDTH),
        clock_known=nothing,
        harmony=torch.zeros(1, frames, HARMONY_WIDTH),
        harmony_known=torch.zeros(1, frames, dtype=torch.bool),
        sound=torch.zeros(1, sound_width),
        sound_known=nothing,
    )

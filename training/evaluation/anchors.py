"""What generated stems are held against: the true stem, and one of another song at its tempo."""

from __future__ import annotations

import numpy as np
import torch

from model.generator import StemGenerator
from model.grid import HOP, LEVELS, SAMPLE_RATE
from training.evaluation.examples import Example, OtherStem
from training.evaluation.fit import Audio
from training.evaluation.held_out import HeldOutSong
from training.evaluation.live import Stem
from training.evaluation.stretch import stretched

MARGIN_S = 0.25
"""Heard before and after a stem that is stretched, then dropped, so that no edge is in it."""


def through_codec(generator: StemGenerator, audio: Audio) -> Stem:
    """A stem [samples] at 32 kHz as tokens int16 [4, frames] and back, the same length."""
    frames = -(-len(audio) // HOP)
    padded = np.pad(audio, (0, frames * HOP - len(audio)))
    tokens = generator.encode(torch.from_numpy(padded))
    decoded = generator.decode(tokens).cpu().numpy()
    return Stem(tokens.cpu().numpy().astype(np.int16), decoded[: len(audio)])


def as_it_is(audio: Audio) -> Stem:
    """A stem [samples] that no codec has touched: it has no tokens, int16 [4, 0]."""
    return Stem(np.zeros((LEVELS, 0), np.int16), audio)


def true_stem(song: HeldOutSong, example: Example) -> Audio:
    """The true stem of an example as it is in the song: [samples], 32 kHz."""
    return song.mix((example.target,), example.measured_bar, example.samples)


def context_of(song: HeldOutSong, example: Example, drums: bool = True) -> Audio | None:
    """What really sounds beside the stem in the measured bars: [samples].

    Without its drums if they are not wanted; None if nothing is left.
    """
    names = [name for name in example.context if drums or song.song.stems[name] != "drums"]
    return song.mix(names, example.measured_bar, example.samples) if names else None


def random_stem(
    song: HeldOutSong, other: OtherStem, example: Example, late_beats: float = 0.0
) -> Audio:
    """A stem of another song, stretched to the example's tempo: [samples], 32 kHz.

    Args:
        late_beats: how far into its bar it is when the example's begins; 0 lays bar on bar.
    """
    speed = example.tempo / song.song.tempo
    margin = round(MARGIN_S * SAMPLE_RATE * speed)
    length = round(example.samples * speed)
    late = round(late_beats * 60.0 / song.song.tempo * SAMPLE_RATE)
    sound = song.mix((other.stem,), other.first_bar, length + 2 * margin, late - margin)
    return stretched(sound, speed)[round(margin / speed) :][: example.samples]

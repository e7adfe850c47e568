"""Music made of chords and drums, for what listens to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATE = 32_000
CHORDS = {
    "C": (0, 4, 7),
    "Am": (9, 0, 4),
    "F": (5, 9, 0),
    "G": (7, 11, 2),
    "Dm": (2, 5, 9),
    "E": (4, 8, 11),
    "Bb": (10, 2, 5),
    "Eb": (3, 7, 10),
    "Ab": (8, 0, 3),
    "B": (11, 3, 6),
    "F#": (6, 10, 1),
    "D": (2, 6, 9),
}


def tone(pitch: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A plucked note with four partials."""
    time_s = np.arange(round(seconds * rate)) / rate
    hz = 440 * 2 ** ((pitch - 69) / 12)
    partials = sum(np.sin(2 * np.pi * n * hz * time_s) / n for n in (1, 2, 3, 4))
    return 0.1 * partials * np.exp(-2.0 * time_s)


def beat(
    chord: str, seconds: float, dice: np.random.Generator, drums: bool = True, rate: int = RATE
) -> np.ndarray:
    """One beat: bass, chord, drums and a melody note that is never the same twice."""
    root, *_ = tones = CHORDS[chord]
    sound = tone(36 + root, seconds, rate)
    for pitch in tones:
        sound = sound + tone(60 + pitch, seconds, rate)
    sound = sound + 0.5 * tone(72 + dice.choice(tones), seconds, rate)
    if drums:
        hit = dice.standard_normal(len(sound)) * np.exp(-60.0 * np.arange(len(sound)) / rate)
        sound = sound + 0.3 * hit
    return (0.3 * sound).astype(np.float32)


def song(
    chords: Sequence[str], bpm: float = 120.0, beats: int = 4, seed: int = 0, rate: int = RATE
) -> np.ndarray:
    """A bar for each chord."""
    dice = np.random.default_rng(seed)
    seconds = 60.0 / bpm
    return np.concatenate(
        [beat(chord, seconds, dice, rate=rate) for chord in chords for _ in range(beats)]
    )

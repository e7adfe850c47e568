"""What a beat sounds like, in few numbers: its harmony, its bass and its rhythm.

Two beats can be told alike by them though no two renditions of the same music are the same sound:
level and colour are left out, what drums do is kept apart from what the chords do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 8000
"""Beats are looked at at 8 kHz: what tells chords and grooves apart lies below 4 kHz."""
PITCH_WINDOW, PITCH_HOP = 2048, 512
"""256 ms, so that semitones are apart from C3 up; every 64 ms."""
LOWEST_PITCH, SPLIT_PITCH, HIGHEST_PITCH = 28, 52, 88
"""MIDI pitches: the bass is heard up to the split, the chords from an octave below it."""
NEIGHBOURS = 6
"""Semitones on either side that a pitch has to stand out from: a drum does not."""
ONSET_WINDOW, ONSET_HOP = 256, 80
"""32 ms, every 10 ms."""
ONSET_EDGES_HZ = (30.0, 200.0, 1200.0, 4000.0)
SUBDIVISIONS = 4
SILENCE = 10 ** (-60 / 20)

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class BeatPrint:
    """One beat."""

    chords: Vector  # [12], how far each pitch class stands out above the bass, C first, mean 0
    bass: Vector  # [12], the same of the bass
    # [12], onset strength of each sixteenth in a low, a middle and a high band, mean 0
    rhythm: Vector
    sounds: bool  # whether it is louder than -60 dBFS


def beat_print(audio: Vector, rate: int) -> BeatPrint:
    """The fingerprint of one beat, mono float32 [samples], at least 16 ms long."""
    sounds = bool(audio.size) and float(np.sqrt(np.mean(np.square(audio)))) > SILENCE
    slow = soxr.resample(audio, rate, RATE, quality="LQ") if rate != RATE else audio
    pitches = _pitches(slow)
    names = np.arange(LOWEST_PITCH, HIGHEST_PITCH) % 12
    chords, bass = np.zeros(12, np.float32), np.zeros(12, np.float32)
    low = SPLIT_PITCH - LOWEST_PITCH
    np.add.at(chords, names[low - 12 :], pitches[low - 12 :])
    np.add.at(bass, names[:low], pitches[:low])
    return BeatPrint(chords - chords.mean(), bass - bass.mean(), _rhythm(slow), sounds)


def _frames(audio: Vector, window: int, hop: int) -> NDArray[np.float32]:
    """Magnitudes [frames, bins] of windows that lie within the audio; it is padded to one."""
    if len(audio) < window:
        audio = np.pad(audio, (0, window - len(audio)))
    parts = np.lib.stride_tricks.sliding_window_view(audio, window)[::hop]
    return np.abs(np.fft.rfft(parts * np.hanning(window).astype(np.float32), axis=1))


def _pitches(audio: Vector) -> Vector:
    """How far each semitone stands out from those around it, not below 0: [pitches]."""
    spectrum = _frames(audio, PITCH_WINDOW, PITCH_HOP) * (2 / np.hanning(PITCH_WINDOW).sum())
    bands = np.stack([spectrum[:, first:last].max(1) for first, last in _bands()], 1)
    level = np.log(np.maximum(bands, 1e-4))
    padded = np.pad(level, ((0, 0), (NEIGHBOURS, NEIGHBOURS)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1, axis=1).mean(2)
    return np.maximum(level - around, 0.0).mean(0).astype(np.float32)


def _rhythm(audio: Vector) -> Vector:
    """Rise of each band's loudness by sixteenth, low band first: [12]."""
    # Each window ends where it counts: an onset must not be taken for the sixteenth before. What
    # is heard before the beat is its own start, backwards, so that a held note is no onset.
    before = np.resize(audio[: ONSET_WINDOW - ONSET_HOP][::-1], ONSET_WINDOW - ONSET_HOP)
    level = np.log1p(100.0 * _frames(np.concatenate([before, audio]), ONSET_WINDOW, ONSET_HOP))
    rise = np.maximum(0.0, np.diff(level, axis=0))
    edges = [round(hz * ONSET_WINDOW / RATE) for hz in ONSET_EDGES_HZ]
    bands = [rise[:, a:b].mean(1) for a, b in pairwise(edges)]
    parts = [np.array_split(band, SUBDIVISIONS) for band in bands]
    strengths = np.array([p.sum() if p.size else 0.0 for band in parts for p in band], np.float32)
    return strengths - strengths.mean()


@lru_cache(maxsize=1)
def _bands() -> tuple[tuple[int, int], ...]:
    """The bins [first, last) of each semitone; one narrower than a bin has the one it lies in."""
    per_bin = RATE / PITCH_WINDOW
    edges = [
        round(440 * 2 ** ((pitch - 69.5) / 12) / per_bin)
        for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1)
    ]
    return tuple((a, max(a + 1, b)) for a, b in pairwise(edges))

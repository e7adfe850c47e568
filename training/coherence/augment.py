"""What a pair must not be known by: colour, room, noise, range. Drawn for each side on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from model.grid import SAMPLE_RATE
from training.coherence.bands import MEL_HOP, SEMITONE_HOP

EQUALISER_DB = 8.0
ROOM_CHANCE = 0.3
NOISE_DB = (30.0, 60.0)
"""How far below the mean the floor of noise lies."""

Power = NDArray[np.float32]


def shift_semitones(power: Power, up: int) -> Power:
    """Semitone powers [84, T] moved by whole semitones; what comes in at the edge is silent."""
    shifted = np.zeros_like(power)
    if up >= 0:
        shifted[up:] = power[: len(power) - up]
    else:
        shifted[:up] = power[-up:]
    return shifted


def recolour(semitones: Power, mel: Power, rng: np.random.Generator) -> tuple[Power, Power]:
    """Powers [84, T] and [24, U] of a sound as another console, room and wire would give them."""
    semitones = semitones * _equaliser(len(semitones), rng)
    mel = mel * _equaliser(len(mel), rng)
    if rng.random() < ROOM_CHANCE:
        decay_s, wet = rng.uniform(0.2, 1.0), 10 ** (rng.uniform(-22, -8) / 10)
        semitones = _reverberated(semitones, SEMITONE_HOP / SAMPLE_RATE, decay_s, wet)
        mel = _reverberated(mel, MEL_HOP / SAMPLE_RATE, decay_s, wet)
    noise = 10 ** (-rng.uniform(*NOISE_DB) / 10)
    semitones[: rng.integers(0, 12)] = 0.0
    semitones[len(semitones) - rng.integers(0, 24) :] = 0.0
    semitones += noise * semitones.mean()
    mel += noise * mel.mean()
    return semitones, mel


def _equaliser(bands: int, rng: np.random.Generator) -> Power:
    """Smooth gains [bands, 1] of power."""
    place = np.linspace(0, np.pi, bands)
    curve = np.zeros(bands)
    for number in (1, 2, 3):
        curve += rng.uniform(-1, 1) * np.cos(number * place + rng.uniform(0, np.pi))
    return (10 ** (EQUALISER_DB / 2 * curve / 10)).astype(np.float32)[:, None]


def _reverberated(power: Power, hop_s: float, decay_s: float, wet: float) -> Power:
    """With an exponential tail that falls by 60 dB in `decay_s`."""
    fall = 10 ** (-6 * hop_s / decay_s)
    tail = lfilter([0.0, fall], [1.0, -fall], power, axis=-1) * (1 - fall) / fall
    # Energy of the tail in units of the sound's own, spread over its length.
    return (power + wet * 4 * tail).astype(np.float32)

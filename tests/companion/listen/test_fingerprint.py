from __future__ import annotations

import numpy as np
import pytest

from companion.listen.cycle_finder import cosine
from companion.listen.fingerprint import beat_print
from tests.companion.listen.notes import CHORDS, RATE, beat


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seconds", [0.25, 0.5, 1.5])
@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_the_same_chord_is_alike_and_others_are_less_so(seconds: float, rate: int) -> None:
    once = {c: beat_print(beat(c, seconds, dice(1), rate=rate), rate) for c in CHORDS}
    again = {c: beat_print(beat(c, seconds, dice(2), rate=rate), rate) for c in CHORDS}
    for chord in CHORDS:
        alike = cosine(once[chord].chords, again[chord].chords)
        others = [cosine(once[chord].chords, again[c].chords) for c in CHORDS if c != chord]
        assert alike > max(others) + 0.05


def test_the_loudest_pitch_class_is_the_one_that_is_played() -> None:
    heard = beat_print(beat("F", 0.5, dice(), drums=False), RATE)
    assert set(np.argsort(heard.chords)[-3:]) == {5, 9, 0}
    assert heard.bass.argmax() == 5


def test_level_does_not_matter() -> None:
    sound = beat("C", 0.5, dice())
    loud, quiet = beat_print(sound, RATE), beat_print(0.1 * sound, RATE)
    assert cosine(loud.chords, quiet.chords) > 0.95
    assert cosine(loud.rhythm, quiet.rhythm) > 0.9


def test_a_hit_is_told_by_the_sixteenth_it_is_on() -> None:
    silence = np.zeros(RATE // 2, np.float32)
    for sixteenth in range(4):
        sound = silence.copy()
        at = sixteenth * RATE // 8 + RATE // 100
        sound[at : at + 400] = 0.3 * dice().standard_normal(400)
        rhythm = beat_print(sound, RATE).rhythm.reshape(3, 4)
        assert rhythm.sum(0).argmax() == sixteenth


def test_silence_does_not_sound_and_noise_has_no_chord() -> None:
    silent = beat_print(np.zeros(RATE // 2, np.float32), RATE)
    assert not silent.sounds
    assert not silent.chords.any()
    noise = beat_print((0.1 * dice().standard_normal(RATE // 2)).astype(np.float32), RATE)
    chord = beat_print(beat("C", 0.5, dice()), RATE)
    assert noise.sounds
    assert np.linalg.norm(noise.chords) < 0.5 * np.linalg.norm(chord.chords)

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.humanise import (
    STEADY,
    WANDER_KEPT,
    WANDER_LIMIT_S,
    WANDER_S,
    draw_wander,
    humanise,
)
from training.band.mma import Note
from training.band.parts import Part

notes = st.lists(
    st.builds(
        Note,
        beat=st.floats(0, 96),
        beats=st.floats(0.001, 4),
        pitch=st.integers(0, 127),
        velocity=st.integers(1, 127),
    ),
    max_size=30,
)


@given(st.integers(0, 2**32), notes, st.booleans(), st.floats(70, 160))
def test_a_player_is_never_far_from_the_beat(
    seed: int, written: list[Note], drums: bool, tempo: float
) -> None:
    part = Part("any", 0, drums, "fluid", tuple(written))
    strikes = humanise(random.Random(seed), part, tempo)
    assert len(strikes) == len(written)
    assert [strike.start_s for strike in strikes] == sorted(strike.start_s for strike in strikes)
    allowed_s = 0.016 if drums else 0.022
    for strike in strikes:
        beats_s = [note.beat * 60 / tempo for note in written if note.pitch == strike.pitch]
        assert min(abs(strike.start_s - beat_s) for beat_s in beats_s) <= allowed_s + 1e-9
        assert 0 <= strike.start_s < strike.end_s
        assert 1 <= strike.velocity <= 127


def test_the_notes_of_a_chord_stay_together() -> None:
    chord = tuple(Note(4.0, 1.0, pitch, 80) for pitch in (60, 64, 67))
    part = Part("keys", 0, False, "fluid", chord)
    assert len({strike.start_s for strike in humanise(random.Random(2), part, 120.0)}) == 1


@given(st.integers(0, 2**32), st.integers(1, 64), st.floats(0, 300))
def test_the_common_time_is_never_far_from_the_grid_and_moves_slowly(
    seed: int, bars: int, beat: float
) -> None:
    wander = draw_wander(random.Random(seed), bars)
    assert len(wander.lines_s) == bars + 1
    assert abs(wander.at(beat)) <= WANDER_LIMIT_S
    assert abs(wander.at(beat + 0.25) - wander.at(beat)) <= 2 * WANDER_LIMIT_S / 16 + 1e-9
    for bar, line_s in enumerate(wander.lines_s):
        assert wander.at(4.0 * bar) == pytest.approx(line_s)


def test_it_wanders_over_bars_and_in_each_song_by_another_amount() -> None:
    songs = [np.array(draw_wander(random.Random(seed), 400).lines_s) for seed in range(60)]
    deviations = np.array([song.std() for song in songs])
    assert deviations.min() < 0.2 * WANDER_S and deviations.max() < 1.2 * WANDER_S
    assert 0.3 * WANDER_S < deviations.mean() < 0.6 * WANDER_S
    kept = [np.corrcoef(song[:-1], song[1:])[0, 1] for song in songs]
    assert np.mean(kept) == pytest.approx(WANDER_KEPT, abs=0.05)


@given(st.integers(0, 2**32))
def test_all_players_wander_together_and_each_has_errors_of_its_own(seed: int) -> None:
    wander = draw_wander(random.Random(seed), 16)
    beats = tuple(Note(float(beat), 0.5, 60, 80) for beat in range(4, 64))
    for part in (Part("drums", 0, True, "fluid", beats), Part("keys", 0, False, "fluid", beats)):
        steady = humanise(random.Random(3), part, 120.0, STEADY)
        moved = humanise(random.Random(3), part, 120.0, wander)
        for note, one, other in zip(beats, steady, moved, strict=True):
            assert other.start_s - one.start_s == pytest.approx(wander.at(note.beat), abs=1e-9)
            assert replace(other, start_s=0.0, end_s=0.0) == replace(one, start_s=0.0, end_s=0.0)

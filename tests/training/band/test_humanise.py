from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from training.band.humanise import humanise
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

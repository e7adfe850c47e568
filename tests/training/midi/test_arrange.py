"""One stem an instrument; pitched parts are transposed, drums not; controllers stay in place."""

from __future__ import annotations

import random

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.midi.conftest import midi_bytes, riff, trio
from training.band.fluidsynth import PITCH_BEND
from training.band.fonts import FONTS
from training.midi.arrange import MAX_PARTS, Piece, arrange
from training.midi.sheet import Sheet, read_sheet

TRIO = read_sheet(midi_bytes(trio()))


def sheet_of(channels, extra=()) -> Sheet:
    return read_sheet(midi_bytes(channels, extra=extra))


def parts_of(piece: Piece) -> dict:
    return {performance.part.name: performance for performance in arrange(random.Random(1), piece)}


def test_every_channel_is_a_stem_with_its_class():
    found = parts_of(Piece(TRIO, 0.0, 32, 120.0))
    assert {name: p.part.instrument for name, p in found.items()} == {
        "drums": "drums",
        "bass": "bass",
        "keys": "piano",
    }
    assert {p.part.font for p in found.values()} <= set(FONTS)


def test_channels_with_one_sound_are_one_stem_and_others_of_a_family_are_numbered():
    channels = trio() | {3: (0, riff(64, 32)), 4: (4, riff(67, 32))}
    found = parts_of(Piece(sheet_of(channels), 0.0, 32, 120.0))
    assert set(found) == {"drums", "bass", "keys", "keys2"}
    lines = {p.part.program: len(p.lines) for p in found.values() if not p.part.drums}
    assert lines == {33: 1, 0: 2, 4: 1}


def test_what_hardly_plays_is_left_out():
    channels = trio() | {3: (48, riff(64, 4)), 4: (61, [(8.0 * n, 0.1, 60) for n in range(7)])}
    assert set(parts_of(Piece(sheet_of(channels), 0.0, 32, 120.0))) == {"drums", "bass", "keys"}


def test_of_many_instruments_drums_and_bass_and_the_busiest_stay():
    channels = trio() | {c: (8 * c, riff(64, 8 + c)) for c in (3, 5, 6, 7, 8, 10, 11, 12)}
    found = parts_of(Piece(sheet_of(channels), 0.0, 32, 120.0))
    assert len(found) == MAX_PARTS
    assert {"drums", "bass", "keys"} <= set(found)
    # Of the others those on the lowest channels play in the fewest bars.
    assert {p.part.program for p in found.values()} == {0, 33, *(8 * c for c in (7, 8, 10, 11, 12))}


@given(up=st.integers(-5, 6), bar=st.integers(0, 20), tempo=st.floats(60, 180))
def test_a_piece_is_cut_on_its_bar_lines_moved_and_at_its_tempo(up, bar, tempo):
    piece = Piece(TRIO, 4.0 * bar, 8, tempo, up)
    found = parts_of(piece)
    beat_s = 60 / tempo
    for name, pitches in (("drums", (36, 43)), ("bass", (40 + up, 47 + up))):
        (line,) = found[name].lines
        assert len(line.strikes) == 32
        assert {strike.pitch for strike in line.strikes} == set(pitches)
        for beat, strike in enumerate(line.strikes):
            assert strike.start_s == pytest.approx(beat * beat_s, abs=0.04)
            assert (strike.pitch == max(pitches)) == (beat % 4 == 0)


def test_a_note_played_early_is_in_the_bar_it_leads_to():
    channels = {
        c: (p, [(b - 0.05 * (b > 0), d, k) for b, d, k in n]) for c, (p, n) in trio().items()
    }
    found = parts_of(Piece(sheet_of(channels), 16.0, 8, 120.0))
    (line,) = found["bass"].lines
    assert line.strikes[0].pitch == 47 and line.strikes[0].start_s < 0.05
    assert len(line.strikes) == 32


def test_percussion_and_effects_are_not_transposed():
    channels = trio() | {3: (115, riff(64, 32)), 4: (122, riff(50, 32))}
    found = parts_of(Piece(sheet_of(channels), 0.0, 32, 120.0, 5))
    for program, pitch in ((115, 64), (122, 50)):
        (performance,) = [p for p in found.values() if p.part.program == program]
        assert {strike.pitch for strike in performance.lines[0].strikes} == {pitch, pitch + 7}


def test_controllers_stand_as_they_did_when_the_piece_begins():
    def control(number: int, value: int) -> mido.Message:
        return mido.Message("control_change", channel=1, control=number, value=value)

    extra = [
        (0.0, control(101, 0)),
        (0.0, control(100, 0)),
        (0.0, control(6, 12)),
        (1.0, control(7, 50)),
        (2.0, control(7, 80)),
        (20.0, mido.Message("pitchwheel", channel=1, pitch=100)),
        (60.0, control(7, 10)),
    ]
    found = parts_of(Piece(sheet_of(trio(), extra), 16.0, 8, 60.0))
    (line,) = found["bass"].lines
    assert [(c.at_s, c.number, c.value) for c in line.controls] == [
        (0.0, 101, 0),
        (0.0, 100, 0),
        (0.0, 6, 12),
        (0.0, 7, 80),
        (4.0, PITCH_BEND, 8292),
    ]

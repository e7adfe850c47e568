"""A MIDI file is read into beats: notes by channel and program, tempos, meters, controllers."""

from __future__ import annotations

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.midi.conftest import midi_bytes, riff, trio
from training.band.fluidsynth import PITCH_BEND
from training.midi.sheet import Move, Unfit, read_sheet


def test_notes_are_read_in_beats_by_channel_and_program():
    sheet = read_sheet(midi_bytes(trio(2)))
    assert [(v.channel, v.program, v.drums) for v in sheet.voicings] == [
        (1, 33, False),
        (2, 0, False),
        (9, 0, True),
    ]
    first = sheet.voicings[0].notes[:2]
    assert [(n.beat, round(n.beats, 3), n.pitch, n.velocity) for n in first] == [
        (0.0, 0.9, 47, 90),
        (1.0, 0.9, 40, 90),
    ]


def test_a_channel_that_changes_its_program_is_two_instruments():
    change = mido.Message("program_change", channel=1, program=38)
    sheet = read_sheet(midi_bytes({1: (33, riff(40, 4))}, extra=[(7.99, change)]))
    assert [(v.program, len(v.notes)) for v in sheet.voicings] == [(33, 8), (38, 8)]


def test_of_two_tempos_at_one_place_the_last_counts_and_the_length_follows_them_all():
    sheet = read_sheet(midi_bytes(trio(4), tempos=[(0.0, 70.0), (0.0, 120.0), (8.0, 60.0)]))
    assert [(beat, round(tempo, 6)) for beat, tempo in sheet.tempos] == [(0.0, 120.0), (8.0, 60.0)]
    assert sheet.end == pytest.approx(15.9, abs=0.01)
    assert sheet.seconds == pytest.approx(4.0 + 7.9, abs=0.01)


def test_bends_and_the_controllers_that_are_played_are_kept_in_order():
    moves = [
        (1.0, mido.Message("control_change", channel=1, control=101, value=0)),
        (1.0, mido.Message("control_change", channel=1, control=100, value=0)),
        (1.0, mido.Message("control_change", channel=1, control=6, value=12)),
        (2.0, mido.Message("pitchwheel", channel=1, pitch=-8192)),
        (2.5, mido.Message("control_change", channel=1, control=0, value=8)),
    ]
    (bass,) = read_sheet(midi_bytes({1: (33, riff(40, 2))}, extra=moves)).voicings
    assert bass.moves == (
        Move(1.0, 101, 0),
        Move(1.0, 100, 0),
        Move(1.0, 6, 12),
        Move(2.0, PITCH_BEND, 0),
    )


def test_a_note_that_is_never_released_ends_with_the_song():
    held = mido.Message("note_on", channel=3, note=60, velocity=1)
    sheet = read_sheet(midi_bytes({1: (33, riff(40, 2))}, extra=[(4.0, held)]))
    (note,) = next(v.notes for v in sheet.voicings if v.channel == 3)
    assert note.beat + note.beats == pytest.approx(sheet.end)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not readable"),
        (b"MThd and no more", "not readable"),
        (midi_bytes(trio(1), kind=2), "patterns"),
    ],
)
def test_what_is_no_song_says_so(content, reason):
    with pytest.raises(Unfit, match=reason):
        read_sheet(content)


@given(damage=st.binary(min_size=1, max_size=12), at=st.integers(0, 300))
def test_a_damaged_file_is_read_or_is_unfit(damage, at):
    content = bytearray(midi_bytes(trio(1)))
    content[at : at + len(damage)] = damage
    try:
        sheet = read_sheet(bytes(content))
    except Unfit:
        return
    for voicing in sheet.voicings:
        assert all(note.beats > 0 and 0 <= note.pitch <= 127 for note in voicing.notes)

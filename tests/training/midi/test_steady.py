"""Only what keeps a tempo in 4/4, and says so truly, is used; pieces are 60 to 90 s of bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.midi.conftest import midi_bytes, riff, trio
from training.midi.sheet import Unfit, read_sheet
from training.midi.steady import MAX_S, MIN_S, Stretch, steady_stretch


def stretch_of(channels, **said) -> Stretch:
    return steady_stretch(read_sheet(midi_bytes(channels, **said)))


def test_a_song_of_one_tempo_is_used_from_its_first_bar_with_a_note_to_its_last():
    assert stretch_of(trio(32, first=8.0)) == Stretch(120.0, 8.0, 32)


def test_notes_that_are_played_early_belong_to_the_bar_they_lead_to():
    early = {c: (p, [(b + 7.98, d, k) for b, d, k in n]) for c, (p, n) in trio(32).items()}
    assert stretch_of(early) == Stretch(120.0, 8.0, 32)


def test_the_longest_steady_stretch_starts_on_a_bar_line():
    """The tempo changes in the middle of bar 3, and again, far, at the end."""
    found = stretch_of(trio(50), tempos=[(0.0, 90.0), (10.0, 120.0), (170.0, 60.0)])
    assert found == Stretch(120.0, 12.0, 39)


def test_a_small_drift_of_the_map_is_steady():
    tempos = [(beat, 120.0 + 0.2 * (beat % 7)) for beat in map(float, range(0, 120, 4))]
    assert stretch_of(trio(32), tempos=tempos).bars == 32


def test_bars_are_counted_from_where_the_meter_changed():
    found = stretch_of(trio(50), meters=[(0.0, 3, 4), (6.0, 4, 4)])
    assert found.first_beat == 6.0


@pytest.mark.parametrize(
    ("channels", "said", "reason"),
    [
        (trio(48, 3), {"meters": [(0.0, 3, 4)]}, "is in 3/4"),
        (trio(64, 3), {"meters": ()}, "repeats in another one"),
        (trio(20), {}, "less than 60 s"),
        ({1: (33, [])}, {}, "no notes"),
    ],
)
def test_what_is_not_in_four_or_too_short_says_so(channels, said, reason):
    with pytest.raises(Unfit, match=reason):
        stretch_of(channels, **said)


def test_a_map_that_the_notes_do_not_follow_is_not_believed():
    """As played at 113 BPM into a file that says 95, for want of saying anything."""
    played = [(beat * 95 / 113, 0.5, pitch) for beat, _, pitch in riff(40, 60)]
    with pytest.raises(Unfit, match="does not follow its own tempo"):
        stretch_of({1: (33, played)}, tempos=[(0.0, 95.0)])


def test_a_song_that_names_no_meter_is_in_four_if_it_repeats_so():
    assert stretch_of(trio(32), meters=()).bars == 32


@given(tempo=st.floats(40, 240), bars=st.integers(1, 400))
def test_pieces_are_60_to_90_s_and_fit_into_the_stretch(tempo, bars):
    stretch = Stretch(tempo, 0.0, bars)
    if stretch.bars * stretch.bar_s < MIN_S:
        assert stretch.pieces == 0
        return
    if stretch.pieces:
        assert MIN_S - 1e-6 <= stretch.piece_bars * stretch.bar_s <= MAX_S + 1e-6
        assert stretch.pieces * stretch.piece_bars <= bars

"""From posteriors to notes by hand; the network itself on tones whose pitch and time are known."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.evaluation import notes as module
from training.evaluation.notes import PitchedNote, find_notes


def at(frame: int) -> float:
    """Seconds from the start, rounded as the module rounds them."""
    return frame * 256 / 22_050


ANY_SOUND = np.ones(100, np.float32)
needs_network = pytest.mark.skipif(
    find_spec("basic_pitch") is None, reason=f"pip install --no-deps {module.PACKAGE}"
)


@pytest.fixture
def heard(monkeypatch):
    """Set what the network would answer for one pitch, 60."""

    def say(sounding: list[tuple[int, int]], onsets: dict[int, float]) -> tuple[PitchedNote, ...]:
        frames, starts = np.zeros((2, 200, 88), np.float32)
        for first, last in sounding:
            frames[first:last, 60 - 21] = 0.6
        for frame, value in onsets.items():
            starts[frame, 60 - 21] = value
        monkeypatch.setattr(module, "posteriors", lambda audio: (frames, starts))
        return find_notes(ANY_SOUND)

    return say


def test_a_note_lasts_from_its_onset_until_it_fades(heard):
    assert heard([(20, 60)], {20: 0.9}) == (PitchedNote(at(20), at(60), 60),)


def test_a_short_dip_is_bridged_and_a_long_one_ends_it(heard):
    (note,) = heard([(20, 40), (50, 70)], {20: 0.9})
    assert note.end_s == pytest.approx(at(70))
    (note,) = heard([(20, 40), (52, 70)], {20: 0.9})
    assert note.end_s == pytest.approx(at(40))


def test_a_note_struck_again_is_two(heard):
    found = heard([(20, 60)], {20: 0.9, 40: 0.8})
    assert [(n.start_s, n.end_s) for n in found] == [
        (at(20), at(40)),
        (at(40), at(60)),
    ]


def test_neighbours_of_a_peak_are_no_onsets(heard):
    assert len(heard([(20, 60)], {19: 0.6, 20: 0.9, 21: 0.9, 22: 0.7})) == 1


@pytest.mark.parametrize(
    ("sounding", "onsets"),
    [
        ([(20, 60)], {20: 0.4}),  # never surely struck
        ([(20, 24)], {20: 0.9}),  # too short
        ([], {20: 0.9}),  # struck, but it never sounds
        ([], {}),
    ],
)
def test_what_is_no_note(heard, sounding, onsets):
    assert heard(sounding, onsets) == ()


def test_silence_has_no_notes_and_asks_no_network(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert find_notes(np.zeros(SAMPLE_RATE, np.float32)) == ()


def test_a_missing_network_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module._session.cache_clear()
    with pytest.raises(TrainingError, match=r"pip install --no-deps basic-pitch==0\.4\.0"):
        find_notes(ANY_SOUND)


@needs_network
def test_tones_are_found_at_their_pitch_and_time(make_notes):
    """Seven seconds, so that notes cross the windows that the network hears."""
    pitches = (60, 64, 67, 72, 65, 57, 62, 69)
    quiet = np.zeros(SAMPLE_RATE // 4, np.float32)
    tone_s = 0.625
    audio = np.concatenate([np.r_[make_notes((p,), tone_s), quiet] for p in pitches])
    found = [n for n in find_notes(audio) if n.end_s - n.start_s > 0.3]
    assert [n.pitch for n in found] == list(pitches)
    for number, note in enumerate(found):
        assert note.start_s == pytest.approx(number * (tone_s + 0.25), abs=0.04)
        assert note.end_s == pytest.approx(note.start_s + tone_s, abs=0.15)


@needs_network
def test_the_notes_of_a_chord_are_found_together(make_notes):
    quiet = np.zeros(SAMPLE_RATE // 2, np.float32)
    found = find_notes(np.concatenate([quiet, make_notes((48, 64, 67), 1.5), quiet]))
    assert {48, 64, 67} <= {note.pitch for note in found}


@needs_network
def test_a_sound_shorter_than_a_window_is_heard(make_notes):
    quiet = np.zeros(SAMPLE_RATE // 10, np.float32)
    found = find_notes(np.concatenate([quiet, make_notes((69,), 0.4), quiet]))
    assert 69 in {note.pitch for note in found}

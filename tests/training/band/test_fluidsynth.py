from __future__ import annotations

import ctypes.util
from pathlib import Path

import numpy as np
import pytest

from training.band import fluidsynth
from training.band.fluidsynth import (
    DRUM_CHANNEL,
    PITCH_BEND,
    SAMPLE_RATE,
    Control,
    FontSynth,
    Player,
    check_library,
)
from training.band.fonts import FONTS, Font, check_fonts
from training.band.humanise import Strike
from training.errors import TrainingError

PIANO = Player(0, 0, (Strike(0.5, 1.0, 60, 100), Strike(1.5, 1.9, 67, 100)))
DRUMS = Player(DRUM_CHANNEL, 0, tuple(Strike(beat / 2, beat / 2 + 0.1, 38, 110) for beat in (1, 3)))


def _first_sound(audio: np.ndarray) -> int:
    return int(np.argmax(np.abs(audio) > 0.05 * np.abs(audio).max()))


def test_a_hit_starts_on_its_sample_within_a_block(fluid: FontSynth) -> None:
    (drums,) = fluid.render([DRUMS], 2 * SAMPLE_RATE)
    assert drums.shape == (2 * SAMPLE_RATE,)
    assert abs(_first_sound(drums) - SAMPLE_RATE // 2) <= 3 * fluidsynth.BLOCK
    assert not drums[: SAMPLE_RATE // 2 - fluidsynth.BLOCK].any()


def test_each_channel_has_a_buffer_of_its_own(fluid: FontSynth) -> None:
    both = fluid.render([PIANO, DRUMS], 70001)
    assert both.shape == (2, 70001)
    # FluidSynth starts a note's filter from what its voice played last: a block may differ.
    np.testing.assert_allclose(both[0], fluid.render([PIANO], 70001)[0], atol=0.01)
    np.testing.assert_allclose(both[1], fluid.render([DRUMS], 70001)[0], atol=0.01)


def test_what_was_played_before_leaves_no_trace(fluid: FontSynth) -> None:
    first = fluid.render([PIANO, DRUMS], SAMPLE_RATE)
    organ = Player(3, 19, tuple(Strike(0.0, 99.0, pitch, 127) for pitch in range(30, 90)))
    fluid.render([organ], 5 * SAMPLE_RATE + 17)
    third = fluid.render([PIANO, DRUMS], SAMPLE_RATE)
    assert first.tobytes() == third.tobytes()


def test_a_note_struck_again_while_it_sounds_is_heard_again(fluid: FontSynth) -> None:
    twice = Player(0, 19, (Strike(0.0, 1.5, 60, 100), Strike(1.0, 2.0, 60, 100)))
    (audio,) = fluid.render([twice], 3 * SAMPLE_RATE)
    assert np.abs(audio[int(1.7 * SAMPLE_RATE) : int(1.9 * SAMPLE_RATE)]).max() > 0.01
    assert np.abs(audio[int(2.8 * SAMPLE_RATE) :]).max() < 0.01


def _pitch(audio: np.ndarray) -> float:
    """MIDI pitch of the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return 69 + 12 * float(np.log2(spectrum.argmax() * SAMPLE_RATE / (1 << 18) / 440))


def test_a_bend_moves_the_pitch_by_the_range_that_was_set(fluid: FontSynth) -> None:
    """Two semitones unless controllers 101, 100 and 6 have set another range, as here twelve."""
    wide = (Control(0.0, 101, 0), Control(0.0, 100, 0), Control(0.0, 6, 12))
    for set_before, semitones in (((), 2), (wide, 12)):
        bend = Control(1.0, PITCH_BEND, 16383)
        voice = Player(0, 80, (Strike(0.0, 2.0, 60, 100),), (*set_before, bend))
        (audio,) = fluid.render([voice], 2 * SAMPLE_RATE)
        before, after = audio[8000:28000], audio[36000:60000]
        assert abs(_pitch(after) - _pitch(before) - semitones) < 0.1


def test_a_controller_acts_when_it_moves_and_on_its_own_channel(fluid: FontSynth) -> None:
    organs = [
        Player(channel, 19, (Strike(0.0, 2.0, 60, 100),), controls)
        for channel, controls in ((0, (Control(1.0, 7, 20),)), (1, ()))
    ]
    loud = [np.abs(audio).max() for audio in fluid.render(organs, SAMPLE_RATE)]
    late = [np.abs(a[40000:60000]).max() for a in fluid.render(organs, 2 * SAMPLE_RATE)]
    assert late[0] < 0.2 * loud[0]
    assert late[1] > 0.8 * loud[1]


def test_a_file_that_is_no_sound_font_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(b"not a font")
    with pytest.raises(TrainingError, match=r"broken\.sf2"):
        FontSynth(broken)


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    check_library.cache_clear()
    try:
        with pytest.raises(TrainingError, match="apt-get install libfluidsynth3"):
            check_library()
    finally:
        check_library.cache_clear()


def test_a_missing_font_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FONTS, "fluid", Font(Path("/nowhere/x.sf2"), "some-soundfont"))
    with pytest.raises(TrainingError, match=r"/nowhere/x\.sf2 is missing.*some-soundfont"):
        check_fonts()

"""A button that somebody presses once is pressed once, however often its program says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.tap import TapSource
from companion.control.buttons import HELD_S, MOST_HELD, Buttons
from companion.control.osc import OscKnobs
from companion.control.preset import MidiMapping, MidiPreset
from companion.control.store import ParameterStore
from tests.companion.control.fakes import FakeMidiInput

FRAME_S = 1 / 60
CC = 0xB0


class Stage:
    """A store whose time is set by hand, and the buttons of programs that send OSC and MIDI."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.store = ParameterStore({}, {"bass": {}, "keys": {}}, lambda: self.now_s)
        self.osc = OscKnobs(self.store)
        mappings = (MidiMapping(81, "undo", "bass", 1), MidiMapping(87, "tap", None))
        self.midi = FakeMidiInput(self.store, MidiPreset(None, mappings), clock=lambda: self.now_s)

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def undo(self, *values: object, sender: object = "max") -> None:
        self.osc.receive("/companion/bass/undo", *values, sender=sender)

    def pulls(self, name: str = "undo", player: str | None = "bass") -> int:
        return len(self.store.take_pulls(player, name))


@pytest.fixture
def stage() -> Stage:
    return Stage()


class TestOsc:
    @pytest.mark.parametrize("value", [1, 1.0, True, 0.7])
    def test_one_that_is_held_and_sent_every_frame_is_one_pull(
        self, stage: Stage, value: object
    ) -> None:
        for _ in range(15):
            stage.undo(value)
            stage.wait(FRAME_S)
        assert stage.pulls() == 1

    @pytest.mark.parametrize("low", [0, 0.0, False])
    def test_let_go_and_pressed_again_is_two(self, stage: Stage, low: object) -> None:
        for _ in range(2):
            stage.undo(1.0)
            stage.undo(low)
        assert stage.pulls() == 2

    def test_a_program_that_never_says_it_is_let_go_is_believed_after_a_while(
        self, stage: Stage
    ) -> None:
        for _ in range(3):
            stage.undo(1)
            stage.wait(HELD_S)
        assert stage.pulls() == 3

    def test_held_for_as_long_as_you_like_is_one(self, stage: Stage) -> None:
        for _ in range(100):
            stage.undo(1)
            stage.wait(HELD_S * 0.99)
        assert stage.pulls() == 1

    def test_without_a_value_every_message_is_a_pull(self, stage: Stage) -> None:
        for _ in range(3):
            stage.undo()
        assert stage.pulls() == 3

    def test_two_programs_press_each_its_own_button(self, stage: Stage) -> None:
        """One that streams zeros lets nobody else's button go, and the other's press counts."""
        for _ in range(15):
            stage.undo(1.0, sender="phone")
            stage.undo(0.0, sender="designer")
            stage.wait(FRAME_S)
        assert stage.pulls() == 1
        stage.undo(1.0, sender="designer")
        assert stage.pulls() == 1

    def test_each_address_is_a_button(self, stage: Stage) -> None:
        for address in ("/companion/bass/undo", "/companion/*/undo", "/companion/bass/again"):
            stage.osc.receive(address, 1.0, sender="designer")
        assert (stage.pulls(), stage.pulls("undo", "keys"), stage.pulls("again")) == (2, 1, 1)

    def test_a_switch_follows_what_it_is_told(self, stage: Stage) -> None:
        for value in (1.0, 1.0, 0.0, 1.0):
            stage.osc.receive("/companion/bass/mute", value, sender="designer")
        assert [change.new for change in stage.store.drain()] == [True, False, True]

    def test_under_the_lock_a_held_button_is_refused_once(self, stage: Stage) -> None:
        stage.store.set("lock", True, None, "test")
        for _ in range(15):
            stage.undo(1.0)
        assert (stage.pulls(), stage.store.refused[0]) == (0, 1)


class TestMidi:
    def test_a_knob_that_is_swept_over_a_trigger_pulls_once(self, stage: Stage) -> None:
        for value in range(60, 81):
            stage.midi.send(CC, 81, value)
        assert stage.pulls() == 1

    def test_a_pad_that_repeats_itself_pulls_once(self, stage: Stage) -> None:
        for _ in range(4):
            stage.midi.send(CC, 81, 127)
            stage.wait(0.02)
        assert stage.pulls() == 1

    def test_two_controllers_are_two_buttons(self, stage: Stage) -> None:
        stage.midi.send(CC, 87, 127)
        stage.midi.send(CC + 1, 87, 127)
        assert stage.pulls("tap", None) == 2

    def test_a_pull_has_the_time_at_which_its_message_arrived(self, stage: Stage) -> None:
        stage.midi.send(CC, 87, 127, at_s=0.25)
        assert stage.store.take_pulls(None, "tap") == (0.25,)


@given(
    bpm=st.floats(MIN_BPM, MAX_BPM),
    frame_s=st.floats(0.001, 0.03),
    held=st.floats(0.0, 0.8),
    released=st.booleans(),
)
def test_taps_by_a_held_button_give_its_tempo(
    bpm: float, frame_s: float, held: float, released: bool
) -> None:
    """Held for a part of the beat, sent every frame; after that zeros, or nothing at all."""
    stage, beat_s, taps = Stage(), 60 / bpm, TapSource()
    if not released:  # what is silent for so long is up again
        held = min(held, max(0.0, 1 - 1.01 * HELD_S / beat_s - frame_s / beat_s))
    for beat in range(6):
        stage.now_s = beat * beat_s
        stage.osc.receive("/companion/tap", 1.0, sender="designer")
        while (stage.now_s + frame_s) % beat_s < held * beat_s:
            stage.wait(frame_s)
            if stage.now_s >= (beat + held) * beat_s:
                break
            stage.osc.receive("/companion/tap", 1.0, sender="designer")
        if released:
            stage.osc.receive("/companion/tap", 0.0, sender="designer")
    pulls = stage.store.take_pulls(None, "tap")
    assert pulls == pytest.approx([beat * beat_s for beat in range(6)])
    for pull in pulls:
        taps.tap(pull)
    assert taps._line is not None and taps._line.bpm == pytest.approx(bpm, abs=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.5)), max_size=30))
def test_a_press_follows_a_release_or_a_silence(told: list[tuple[bool, float]]) -> None:
    """Against the rule in words: down, and before that up, or unheard of for `HELD_S`."""
    buttons, now_s, history = Buttons(), 0.0, []
    for down, after_s in told:
        now_s += after_s
        held = bool(history) and history[-1][0] and now_s - history[-1][1] < HELD_S
        assert buttons.goes_down("undo", down, now_s) == (down and not held)
        history.append((down, now_s))


def test_however_many_senders_there_are_few_are_remembered() -> None:
    buttons = Buttons()
    for number in range(3 * MOST_HELD):
        assert buttons.goes_down(number, True, number * 1e-6)
    assert len(buttons._down) == MOST_HELD
    assert not buttons.goes_down(3 * MOST_HELD - 1, True, 0.1)

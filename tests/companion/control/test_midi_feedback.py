"""Controllers show where their knobs are, and no two of them talk each other round in circles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.midi_feedback import APART_S, ECHO_S, QUIET_S, Feedback, Message
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import MidiMapping
from companion.control.store import ParameterStore

CC = 0xB0
FADER = MidiMapping(1, "guidance_audio", "bass", feedback=True)


class Stage:
    """A device named `desk`, and a knob that others turn too."""

    def __init__(self, *mappings: MidiMapping) -> None:
        self.store = ParameterStore({}, {"bass": {}})
        self.knobs = MidiKnobs(self.store, mappings)
        self.feedback = Feedback(self.knobs)
        self.knobs.listen(self.feedback.heard)
        self.now_s = 0.0
        self.told()

    def told(self, after_s: float = 1.0) -> list[Message]:
        """What the device is sent a while later."""
        self.now_s += after_s
        for change in self.store.drain():
            self.feedback.turned(change)
        return list(self.feedback.messages("desk", self.now_s))

    def hand(self, *message: int, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.knobs.receive(message, self.now_s, "desk")
        self.knobs.settle(self.now_s + 0.02)

    def turn(self, value: object, name: str = "guidance_audio") -> None:
        player = "bass" if name in self.store.snapshot("bass") else None
        self.store.set(name, value, player, "osc")


def test_a_new_device_is_told_everything_and_again_when_it_is_back() -> None:
    stage = Stage()
    stage.knobs.bind([FADER])
    assert stage.told() == [(CC, 1, 64)]  # 3 of 6 is the default, and on a step
    assert stage.told() == []
    stage.feedback.forget("desk")
    assert stage.told() == [(CC, 1, 64)]


@pytest.mark.parametrize(
    ("mapping", "messages"),
    [
        (FADER, [(CC, 1, 127)]),
        (replace(FADER, channel=3, invert=True), [(CC + 2, 1, 0)]),
        (replace(FADER, light_channel=7), [(CC + 6, 1, 127)]),
        (replace(FADER, kind="cc14"), [(CC, 1, 127), (CC, 33, 127)]),
        (replace(FADER, kind="bend", number=0), [(0xE0, 127, 127)]),
        (
            replace(FADER, kind="nrpn", number=300),
            [(CC, 99, 2), (CC, 98, 44), (CC, 6, 127), (CC, 38, 127)],
        ),
        (replace(FADER, relative="signed bit"), [(CC, 1, 127)]),
        (replace(FADER, kind="note", mode="momentary", light=(1, 5)), [(0x90, 1, 5)]),
        (replace(FADER, kind="pressure", number=0), []),
        (replace(FADER, feedback=False), []),
    ],
)
def test_each_kind_of_control_is_told_in_its_own_way(
    mapping: MidiMapping, messages: list[Message]
) -> None:
    stage = Stage(mapping)
    stage.turn(0.0)
    stage.told()
    stage.turn(6.0)
    assert stage.told() == messages


def test_a_fader_that_is_being_moved_is_not_answered() -> None:
    stage = Stage(FADER)
    for value in range(0, 100, 10):
        stage.hand(CC, 1, value, after_s=QUIET_S / 2)
        assert stage.told(0.0) == []
    assert stage.told() == []  # it stands where the knob is


def test_what_moved_the_knob_meanwhile_is_told_once_the_hand_has_let_go() -> None:
    stage = Stage(FADER)
    stage.hand(CC, 1, 10)
    stage.turn(6.0)
    assert stage.told(QUIET_S / 2) == []
    assert stage.told(QUIET_S) == [(CC, 1, 127)]


def test_a_motor_that_says_where_it_was_sent_moves_nothing() -> None:
    stage = Stage(FADER)
    stage.turn(2.001)
    ((_, _, sent),) = stage.told()
    stage.hand(CC, 1, sent, after_s=ECHO_S / 2)
    assert stage.store.snapshot("bass")["guidance_audio"] == 2.001
    stage.hand(CC, 1, sent, after_s=ECHO_S)  # that was a hand
    assert stage.store.snapshot("bass")["guidance_audio"] == pytest.approx(2.0, abs=0.03)


@given(st.lists(st.tuples(st.integers(0, 127), st.floats(0, 6)), max_size=8))
def test_two_ends_that_answer_each_other_come_to_rest(moves: list[tuple[int, float]]) -> None:
    stage = Stage(FADER)
    for hand, other in moves:
        stage.hand(CC, 1, hand)
        stage.turn(other)
        for _ in range(3):
            for message in stage.told():
                stage.hand(*message, after_s=0.01)  # a device that repeats all it is told
        assert stage.told() == []
        assert stage.store.snapshot("bass")["guidance_audio"] == other


def test_a_pad_lights_up_with_its_knob_whatever_it_does_by_itself() -> None:
    pad = MidiMapping(36, "hold", "bass", kind="note", mode="toggle", feedback=True, light=(0, 3))
    stage = Stage(pad)
    stage.hand(0x90, 36, 100)
    assert stage.told(APART_S) == [(0x90, 36, 3)]
    stage.hand(0x80, 36, 0)  # many put their light out now
    assert stage.told(APART_S) == [(0x90, 36, 3)]
    stage.hand(0x90, 36, 100)
    assert stage.told(APART_S) == [(0x90, 36, 0)]


def test_the_ring_of_an_encoder_follows_while_it_is_turned() -> None:
    stage = Stage(replace(FADER, parameter="steps", relative="twos complement"))
    stage.hand(CC, 1, 1)
    assert len(stage.told(APART_S)) == 1


def test_a_control_that_was_brought_to_its_knob_need_not_pick_it_up() -> None:
    stage = Stage(replace(FADER, takeover="pick-up"))
    stage.turn(5.0)
    ((_, _, sent),) = stage.told()
    stage.hand(CC, 1, sent - 20, after_s=ECHO_S)
    assert stage.knobs.waits_for == {}
    assert stage.store.snapshot("bass")["guidance_audio"] == pytest.approx(
        5 - 20 / 127 * 6, abs=0.05
    )


def test_a_flood_of_changes_is_told_as_its_last() -> None:
    stage, told = Stage(FADER), []
    for number in range(1000):
        stage.turn(number % 60 / 10)
        told += stage.told(APART_S / 20)
    told += stage.told()
    assert len(told) <= 52
    assert told[-1] == (CC, 1, round((999 % 60) / 60 * 127))


def test_all_lights_go_out() -> None:
    pad = MidiMapping(36, "hold", "bass", kind="note", mode="toggle", feedback=True, light=(12, 3))
    stage = Stage(FADER, pad)
    assert list(stage.feedback.dark("desk")) == [(CC, 1, 0), (0x90, 36, 12)]

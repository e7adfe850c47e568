"""What every MIDI input promises, be it the fake or a port of the system."""

from __future__ import annotations

from abc import ABC, abstractmethod

from companion.control.parameters import BY_NAME, Value
from companion.control.preset import MidiMapping
from companion.control.store import ALL

PLAYERS = ("bass", "drums")
MAPPINGS = (
    MidiMapping(20, "guidance_audio", "bass", 1),
    MidiMapping(20, "guidance_audio", "drums", 2),
    MidiMapping(7, "level", ALL, 1),
    MidiMapping(31, "regenerate", "drums", 2),
    MidiMapping(14, "cycle", None),
)
CONTROL = 0xB0  # on channel 1
Turned = list[tuple[str, str | None, Value]]


class MidiSide(ABC):
    """An open input whose store has `PLAYERS`, by `MAPPINGS`, and a controller outside."""

    @abstractmethod
    def send(self, *messages: tuple[int, ...]) -> None:
        """The controller sends; returns when the input has had all of them."""

    @abstractmethod
    def turned(self) -> Turned:
        """Knob, player and new value of every change since the last call."""

    @abstractmethod
    def close(self) -> None:
        """Close the input, twice: the second time does nothing."""


class MidiContract:
    """Derived classes have a fixture `midi` that gives a `MidiSide`."""

    def test_a_controller_turns_its_knob_along_the_curve(self, midi: MidiSide) -> None:
        midi.send((CONTROL, 20, 0), (CONTROL, 20, 127), (CONTROL, 20, 64))
        knob = BY_NAME["guidance_audio"]
        assert midi.turned() == [
            ("guidance_audio", "bass", knob.minimum),
            ("guidance_audio", "bass", knob.maximum),
            ("guidance_audio", "bass", knob.at(64 / 127)),
        ]

    def test_a_channel_is_a_player(self, midi: MidiSide) -> None:
        midi.send((CONTROL + 1, 20, 127), (CONTROL + 2, 20, 127))
        assert midi.turned() == [("guidance_audio", "drums", 6.0)]

    def test_a_mapping_without_a_channel_hears_all_of_them(self, midi: MidiSide) -> None:
        midi.send((CONTROL, 14, 127), (CONTROL + 9, 14, 0), (CONTROL + 15, 14, 127))
        assert midi.turned() == [("cycle", None, 16), ("cycle", None, 1), ("cycle", None, 16)]

    def test_a_star_turns_every_player(self, midi: MidiSide) -> None:
        midi.send((CONTROL, 7, 127))
        assert midi.turned() == [("level", "bass", 6.0), ("level", "drums", 6.0)]

    def test_a_button_pulls_a_trigger_when_it_goes_down(self, midi: MidiSide) -> None:
        midi.send((CONTROL + 1, 31, 127), (CONTROL + 1, 31, 0), (CONTROL + 1, 31, 127))
        assert midi.turned() == [("regenerate", "drums", True)] * 2

    def test_what_is_not_mapped_turns_nothing(self, midi: MidiSide) -> None:
        midi.send(
            *((CONTROL, 21, 127), (CONTROL, 123, 0)),  # other controllers
            *((0x90, 20, 127), (0x80, 20, 127), (0xA0, 20, 127), (0xE0, 20, 127)),  # notes, bend
            *((0xC0, 20), (0xD0, 20)),  # two bytes long
            *((0xF8,), (0xFA,), (0xFE,), (0xF0, 0x7E, 0x7F, 0x06, 0x01, 0xF7)),  # clock, sysex
        )
        assert midi.turned() == []

    def test_a_fast_hand_loses_nothing_and_ends_where_it_ends(self, midi: MidiSide) -> None:
        values = [value for _ in range(8) for value in range(1, 128)]
        midi.send(*((CONTROL, 20, value) for value in values))
        knob = BY_NAME["guidance_audio"]
        assert [value for _, _, value in midi.turned()] == [knob.at(v / 127) for v in values]

    def test_a_closed_input_turns_nothing(self, midi: MidiSide) -> None:
        midi.close()
        midi.send((CONTROL, 20, 127))
        assert midi.turned() == []

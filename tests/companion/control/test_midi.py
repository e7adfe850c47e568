"""MIDI in: the fake keeps the contract, and a port that is not there is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control import midi_port
from companion.control.midi import MidiInput, open_midi
from companion.control.midi_port import NoMidi, list_midi_ports
from companion.control.preset import MidiPreset
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError
from tests.companion.control.fakes import FakeMidiInput
from tests.companion.control.midi_contract import (
    CONTROL,
    MAPPINGS,
    PLAYERS,
    MidiContract,
    MidiSide,
    Turned,
)


def make_store() -> ParameterStore:
    return ParameterStore({}, {player: {} for player in PLAYERS})


class FakeSide(MidiSide):
    def __init__(self) -> None:
        self.store = make_store()
        self.input = FakeMidiInput(self.store, MidiPreset(None, MAPPINGS))

    def send(self, *messages: tuple[int, ...]) -> None:
        for message in messages:
            self.input.send(*message)

    def turned(self) -> Turned:
        changes = self.store.drain()
        assert all(change.source == "midi" for change in changes)
        return [(change.name, change.player, change.new) for change in changes]

    def close(self) -> None:
        self.input.close()
        self.input.close()


class TestFake(MidiContract):
    @pytest.fixture
    def midi(self) -> MidiSide:
        return FakeSide()

    @given(st.lists(st.lists(st.integers(0, 255), max_size=4), max_size=20))
    def test_no_message_breaks_it_or_makes_a_value_invalid(self, messages: list) -> None:
        side = FakeSide()
        side.send(*messages)
        players = {player: side.store.snapshot(player) for player in PLAYERS}
        copy = ParameterStore(side.store.snapshot(), players)  # which takes valid values only
        assert {player: copy.snapshot(player) for player in PLAYERS} == players


def test_the_clock_is_handed_on_with_its_time_and_knobs_turn_beside_it() -> None:
    heard: list[tuple[tuple[int, ...], float]] = []
    store = make_store()
    midi = FakeMidiInput(
        store,
        MidiPreset(None, MAPPINGS),
        lambda message, at_s: heard.append((tuple(message), at_s)),
    )
    for number, message in enumerate([(0xFA,), (0xF8,), (CONTROL, 14, 127), (0xF2, 1, 2), (0xFC,)]):
        midi.send(*message, at_s=float(number))
    assert heard == [((0xFA,), 0.0), ((0xF8,), 1.0), ((0xF2, 1, 2), 3.0), ((0xFC,), 4.0)]
    assert [change.name for change in store.drain()] == ["cycle"]
    midi.close()
    midi.send(0xF8)
    assert len(heard) == 4


class Ports:
    """In place of the MIDI library: ports by name, messages from a list."""

    API_UNSPECIFIED, API_LINUX_ALSA, API_UNIX_JACK = range(3)

    def __init__(self, ports: list[str], busy: bool = False, virtual: bool = True) -> None:
        self.ports, self.busy, self.virtual = ports, busy, virtual
        self.messages: list[list[int]] = []
        self.opened: list[object] = []
        self.released = False

    def get_compiled_api(self) -> list[int]:
        return [self.API_UNIX_JACK]

    def MidiIn(self, kind: int, name: str, queue_size_limit: int) -> SimpleNamespace:
        def open_port(number: int, name: str) -> None:
            if self.busy:
                raise OSError("it is busy")
            self.opened.append(number)

        def open_virtual_port(name: str) -> None:
            if not self.virtual:
                raise NotImplementedError("no virtual ports")
            self.opened.append(name)

        def delete() -> None:
            self.released = True

        return SimpleNamespace(
            get_ports=lambda: self.ports,
            open_port=open_port,
            open_virtual_port=open_virtual_port,
            ignore_types=lambda **_: None,
            get_message=lambda: (self.messages.pop(0), 0.0) if self.messages else None,
            close_port=lambda: None,
            delete=delete,
        )


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ports]:
    def install(*names: str, **options: bool) -> Ports:
        library = Ports(list(names), **options)
        monkeypatch.setitem(sys.modules, "rtmidi", library)  # type: ignore[arg-type]
        return library

    return install


def opened(port: str | None) -> MidiInput:
    return open_midi(make_store(), MidiPreset(port, MAPPINGS))


class TestPorts:
    def test_a_port_is_found_by_a_part_of_its_name(self, ports: Callable[..., Ports]) -> None:
        library = ports("Midi Through 14:0", "nanoKONTROL2 20:0")
        with closing(opened("nanokontrol")) as midi:
            assert (midi.name, library.opened) == ("nanoKONTROL2 20:0", [1])
        assert library.released

    def test_a_port_that_is_not_there_is_answered_with_those_that_are(
        self, ports: Callable[..., Ports]
    ) -> None:
        library = ports("Midi Through 14:0")
        with pytest.raises(CompanionError) as error:
            opened("nano")
        assert str(error.value) == "there is no MIDI port 'nano'; valid: 'Midi Through 14:0'"
        assert library.released and not isinstance(error.value, NoMidi)

    def test_a_port_that_somebody_else_has_is_named(self, ports: Callable[..., Ports]) -> None:
        library = ports("nano", "maxi", busy=True)
        with pytest.raises(CompanionError) as error:
            opened("nano")
        message = str(error.value)
        assert message == "MIDI port 'nano' does not open (it is busy); valid: 'nano', 'maxi'"
        assert library.released

    def test_where_none_is_named_others_can_connect(self, ports: Callable[..., Ports]) -> None:
        library = ports("nano")
        with closing(opened(None)) as midi:
            assert (midi.name, library.opened) == ("companion:knobs", ["knobs"])

    def test_where_virtual_ports_are_not_known_there_is_no_midi(
        self, ports: Callable[..., Ports]
    ) -> None:
        library = ports(virtual=False)
        with pytest.raises(NoMidi, match=r"no virtual MIDI port here \(no virtual ports\)"):
            opened(None)
        assert library.released

    def test_they_are_listed(self, ports: Callable[..., Ports]) -> None:
        library = ports("nano", "maxi")
        assert list_midi_ports() == ("nano", "maxi")
        assert library.released

    def test_closing_ends_however_many_messages_come(self, ports: Callable[..., Ports]) -> None:
        class Endless(list):
            def pop(self, _: int = 0) -> list[int]:
                return [CONTROL, 20, 1]

        library = ports()
        library.messages = Endless([None])
        midi = opened(None)
        midi.close()
        midi.close()
        assert library.released


class TestNoMidi:
    @pytest.fixture(autouse=True)
    def no_server(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(midi_port, "ALSA_SEQUENCER", tmp_path / "seq")
        monkeypatch.setenv("JACK_DEFAULT_SERVER", "companion-nobody")

    def test_a_rig_that_named_no_port_is_told_so_in_one_line(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(NoMidi) as error:
            opened(None)
        assert str(error.value).startswith("MIDI is not available (")
        assert len(str(error.value).splitlines()) == 1
        assert capfd.readouterr() == ("", "")

    def test_a_port_that_was_named_is_missed_by_its_name(self) -> None:
        with pytest.raises(CompanionError, match="MIDI port 'nano' is not there: ") as error:
            opened("nano")
        assert not isinstance(error.value, NoMidi)

    def test_the_list_is_empty(self) -> None:
        assert list_midi_ports() == ()

"""A MIDI port by name, that goes and comes back."""

from __future__ import annotations

import pytest

from companion.control import midi_port
from companion.control.midi_port import MidiPort, NoMidi


class Library:
    """In place of rtmidi's client."""

    def __init__(self, *ports: str) -> None:
        self.ports, self.busy = list(ports), False
        self.opened: list[int] = []

    def get_ports(self) -> list[str]:
        return self.ports

    def close_port(self) -> None:
        pass

    def open_port(self, number: int, name: str) -> None:
        if self.busy:
            raise OSError("it is busy")
        assert name == "knobs"
        self.opened.append(number)


def test_a_port_that_comes_back_under_another_number_is_opened_again_once() -> None:
    library = Library("nano 20:0")
    port = MidiPort(library, "nano 20:0", "knobs", "NANO")
    assert [port.look(), port.connected] == [False, True]
    library.ports = ["through"]
    assert [port.look(), port.look(), port.connected] == [False, False, False]
    library.ports = ["through", "nano 24:0"]
    assert [port.look(), port.look()] == [True, False]
    assert (port.name, port.connected, library.opened) == ("nano 24:0", True, [1])


def test_one_that_another_program_has_is_tried_again() -> None:
    library = Library()
    port = MidiPort(library, "nano", "knobs", "nano")
    assert not port.look()
    library.ports, library.busy = ["nano"], True
    assert [port.look(), port.connected] == [False, False]
    library.busy = False
    assert port.look()


def test_a_library_that_fails_is_a_port_that_is_gone() -> None:
    port = MidiPort(object(), "nano", "knobs", "nano")
    assert [port.look(), port.connected] == [False, False]


def test_one_that_fails_while_it_is_sent_to_ends_nobody() -> None:
    class Broken(Library):
        def send_message(self, message: list[int]) -> None:
            raise SystemError("the driver has gone")

    MidiPort(Broken("nano"), "nano", "lights", "nano", output=True).send((0xB0, 20, 64))


def test_one_of_a_server_that_died_is_opened_anew_as_soon_as_that_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, opened = 0, []

    def open_port(wanted: str | None, own: str, output: bool) -> MidiPort:
        opened.append((wanted, own, output))
        if len(opened) == 1:
            raise NoMidi("not yet")
        return MidiPort("new client", "companion:clock", own, wanted, output)

    monkeypatch.setattr(midi_port, "open_port", open_port)
    port = MidiPort("old client", "companion:clock", "clock", output=True)
    port.follow(lambda: server)
    assert not port.look()
    server = 1
    assert [port.look(), port.connected] == [False, False]
    assert [port.look(), port.connected, port.client] == [True, True, "new client"]
    assert not port.look()
    assert opened == [(None, "clock", True)] * 2

"""Other programs turn knobs: `oscsend`, Pure Data, and a MIDI controller through JACK."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.companion.control.midi_contract import MidiContract, MidiSide, Turned
from tests.rig.control_side import LAST, OPENINGS
from tests.rig.jack import ROOT, Child, JackServer, RigError

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("control")]

SIDE = "tests.rig.control_side"
CONNECTED_LIMIT_S = 20.0
PATCH = ROOT / "tests" / "rig" / "jam_knob.pd"


class Rig:
    """The knobs of the band, and programs that reach them."""

    def __init__(self, server: JackServer) -> None:
        self.side: Child = server.python("-m", SIDE, "turn")
        ready = self.side.expect("ready")
        self.midi, self.port = ready["midi"], str(ready["osc"])
        self.controller = server.python("-m", SIDE, "send", self.midi)
        self.controller.expect("connected")

    def oscsend(self, *words: str) -> None:
        subprocess.run(["oscsend", "127.0.0.1", self.port, *words], check=True, timeout=20)

    def packet(self, data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, ("127.0.0.1", int(self.port)))

    def change(self) -> tuple[str, str | None, Any, str]:
        """The next knob that moves: its name, player, value, and who moved it."""
        told = self.side.expect("change")
        return told["name"], told["player"], told["new"], told["source"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with JackServer(tmp_path_factory.mktemp("control")) as server:
        rig = Rig(server)
        yield rig
        rig.controller.close_input()
        assert rig.controller.wait() == 0
        rig.side.close_input()
        assert rig.side.expect("closed") and rig.side.wait() == 0


@pytest.fixture
def controller(jack_server: JackServer) -> Iterator[Child]:
    """A MIDI output that never stops sending."""
    controller = jack_server.python("-m", SIDE, "flood")
    controller.expect("open")
    yield controller
    controller.close_input()
    assert controller.wait() == 0


class JackSide(MidiSide):
    """A port of JACK in another process, and a controller in a third."""

    def __init__(self, server: JackServer) -> None:
        self.controller = server.python("-m", SIDE, "send")
        self.controller.expect("connected")
        self.side = server.python("-m", SIDE, "contract", "controller:out")
        self.side.expect("ready")
        self.closed = True
        self.positions = itertools.cycle(range(1, 128))

    def open(self) -> None:
        self.side.say("open")
        assert self.side.expect("open") == "controller:out"
        self.closed = False
        deadline_s = time.monotonic() + CONNECTED_LIMIT_S
        while not self.arrived():  # the first messages may come before JACK has connected the two
            assert time.monotonic() < deadline_s
        self.turned()

    def arrived(self) -> bool:
        """Whether a message that is sent now comes in; all that were sent before are in then."""
        assert LAST.channel is not None
        position = next(self.positions)
        self.controller.say(f"{0xB0 + LAST.channel - 1} {LAST.cc} {position}")
        self.side.say(str(position))
        return self.side.expect("seen")

    def send(self, *messages: tuple[int, ...]) -> None:
        for message in messages:
            self.controller.say(" ".join(map(str, message)))
        assert self.closed or self.arrived()

    def turned(self) -> Turned:
        self.side.say("turned")
        return [tuple(change) for change in self.side.expect("turned")]

    def close(self) -> None:
        self.side.say("close")
        self.side.expect("closed")
        self.closed = True


class TestMidiOverJack(MidiContract):
    """What the fake promises, through JACK and from another process."""

    @pytest.fixture(scope="class")
    @classmethod
    def jack_side(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JackSide]:
        with JackServer(tmp_path_factory.mktemp("contract")) as server:
            side = JackSide(server)
            yield side
            for child in (side.side, side.controller):
                child.close_input()
                assert child.wait() == 0

    @pytest.fixture
    def midi(self, jack_side: JackSide) -> Iterator[JackSide]:
        jack_side.open()
        yield jack_side
        jack_side.close()


def test_a_server_that_dies_is_let_go(jack_server: JackServer) -> None:
    side = jack_server.python("-m", SIDE, "turn")
    side.expect("ready")
    jack_server.kill()
    side.close_input()
    assert side.expect("closed") and side.wait() == 0


def test_oscsend_turns_a_knob_of_one_player(rig: Rig) -> None:
    rig.oscsend("/companion/bass/guidance_audio", "f", "3.25")
    assert rig.change() == ("guidance_audio", "bass", 3.25, "osc")


def test_oscsend_turns_a_knob_of_every_player_and_of_the_rig(rig: Rig) -> None:
    rig.oscsend("/companion/*/mute", "T")
    assert [rig.change()[1:3] for _ in range(3)] == [
        ("bass", True),
        ("drums", True),
        ("keys", True),
    ]
    rig.oscsend("/companion/cycle", "i", "99")
    assert rig.change() == ("cycle", None, 16, "osc")
    rig.oscsend("/companion/keys/instrument", "s", "organ")
    assert rig.change() == ("instrument", "keys", "organ", "osc")
    rig.oscsend("/companion/drums/regenerate")
    assert rig.change() == ("regenerate", "drums", True, "osc")


def test_pure_data_turns_a_knob(rig: Rig) -> None:
    sends = ["-send", f"port {rig.port}", "-send", "value 3.5"]
    command = ["pd", "-nogui", "-noaudio", "-nomidi", "-open", str(PATCH), *sends]
    subprocess.run(command, check=True, timeout=20, capture_output=True)
    assert rig.change() == ("guidance_clock", "bass", 3.5, "osc")


def test_a_controller_turns_the_player_of_its_channel(rig: Rig) -> None:
    rig.controller.say("177 20 127")  # channel 2
    assert rig.change() == ("guidance_audio", "drums", 6.0, "midi")
    rig.controller.say("176 20 0")
    assert rig.change() == ("guidance_audio", "bass", 0.0, "midi")


def test_packets_that_are_no_osc_leave_the_server_listening(rig: Rig) -> None:
    bundle = b"#bundle\0" + bytes(7) + b"\1"
    for junk in (b"", b"\xff" * 40, b"/\xff\xfe\0", bundle + struct.pack(">i", -4), b"/" * 20_000):
        rig.packet(junk)
    rig.oscsend("/companion/bass/level", "f", "-6")
    assert rig.change() == ("level", "bass", -6.0, "osc")


def test_a_port_is_found_by_part_of_its_name_and_closes_while_messages_come_in(
    controller: Child, jack_server: JackServer
) -> None:
    side = jack_server.python("-m", SIDE, "reopen", "Controller:O")
    assert side.expect("moved") > OPENINGS
    assert side.wait() == 0


def test_a_port_that_is_not_there_is_named_with_those_that_are(
    controller: Child, jack_server: JackServer
) -> None:
    ready = jack_server.python("-m", SIDE, "turn", "nano").expect("ready")
    assert ready == {"error": "there is no MIDI port 'nano'; valid: 'controller:out'"}


def test_a_port_that_goes_and_comes_back_under_another_number_is_opened_again(
    jack_server: JackServer,
) -> None:
    def plug_in(name: str) -> Child:
        controller = jack_server.python("-m", SIDE, "send", "", name)
        controller.expect("connected")
        return controller

    def turn_until_heard(controller: Child) -> float:
        began_s = time.monotonic()
        for position in itertools.cycle(range(1, 128)):
            controller.say(f"176 20 {position}")
            with contextlib.suppress(RigError):
                side.expect("change", 0.2)
                return time.monotonic() - began_s
        raise AssertionError

    controller = plug_in("controller")
    side = jack_server.python("-m", SIDE, "turn", "Controller:O")
    assert side.expect("ready")["midi"] == "controller:out"
    turn_until_heard(controller)
    controller.close_input()
    assert controller.wait() == 0
    time.sleep(1.2)
    other = plug_in("another")
    controller = plug_in("controller")
    print(f"\nheard again {turn_until_heard(controller):.2f} s after it was back")
    for child in (controller, other, side):
        child.close_input()
        assert child.wait() == 0
